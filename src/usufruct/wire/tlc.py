"""Trip records of New York's high-volume for-hire services, as the Taxi and Limousine Commission publishes them: Parquet.

One file holds a month, some twenty million rows; it is read in batches, by columns, and never as a whole. The columns are
those that the commission's data dictionary names. There is **no driver** in these files, and none can be made up: see
`core/work/files/trips.py` for what does not follow from them. (`cbd_congestion_fee` is there since 2025.)

Times are New York's wall clock without a zone. In the hour that the clock repeats in autumn a time may mean two moments.
The rule: of all readings of a row's times the one is taken in which they stand in order; of those, the one whose ride lasts
what the meter says (`trip_time`); then the one with the shortest wait; then the earlier. In the hour that the clock skips in
spring, winter time is meant. Rows read by these rules are counted, and so is whatever is left out, with the first rows of
each kind.

Amounts are floats of dollars in the file. Each is taken as the nearest cent, which is the amount that was meant, as long as
it lies within a millionth of it; rows where one does not are rounded, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, instant
from usufruct.core.work.files.trips import HOUR, RatesOf, Reading, Totals, Trip, TripRates

ROWS = 262_144  # in a batch
ZONE = ZoneInfo("America/New_York")
YEARS = range(2019, 2100)  # the commission has licensed such services since February 2019
# Licences of the services, from the data dictionary.
OPERATORS = {"HV0002": "Juno", "HV0003": "Uber", "HV0004": "Via", "HV0005": "Lyft"}
TIMES = ("request_datetime", "pickup_datetime", "dropoff_datetime")
AMOUNTS = ("base_passenger_fare", "driver_pay", "tips", "tolls", "bcf")
SURCHARGES = ("sales_tax", "congestion_surcharge", "airport_fee", "cbd_congestion_fee")
LATER = ("airport_fee", "cbd_congestion_fee")  # columns that earlier files lack
PLACES = ("PULocationID", "DOLocationID")
OUTSIDE = (1, 264, 265)  # zones that are not in the city: Newark Airport, unknown, outside
FLAGS = ("shared_match_flag", "wav_match_flag")
NEEDED = ("hvfhs_license_num", *TIMES, "trip_miles", "trip_time", *AMOUNTS, *SURCHARGES, *PLACES, *FLAGS)
MOST_MILES, MOST_SECONDS, MOST_DOLLARS = 10_000, 1_000_000, 1_000_000

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_TIME = np.iinfo(np.int64).min  # how NumPy writes the time that is missing

BACKWARDS = "the ride ends before it begins"
MISSING = "a time, the distance, the fare or the driver's pay is missing"
BEYOND = "a time before 2019, or a number out of all bounds"
TWICE = "a time in the hour that the clock repeats"
SKIPPED = "a time in the hour that the clock skips"
EARLY = "picked up before it was requested"
UNLIKE = "ride and meter differ by more than a minute"
NEGATIVE = "an amount below zero"
PARTS = "an amount that is no whole number of cents"
SHARED = "the ride was shared"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a file that can be used, in columns of whole numbers: moments in milliseconds of POSIX time, amounts in cents.
    `operator` is a place in `operators`, `day` the local one of the pickup, counted from 1970."""

    rows: Whole
    operators: tuple[str, ...]
    operator: Whole
    requested: Whole
    picked_up: Whole
    dropped_off: Whole
    millimiles: Whole
    seconds: Whole
    amounts: dict[str, Whole]
    surcharges: Whole
    shared: Truth
    accessible: Truth
    inside: Truth
    day: Whole


def batches(path: Path, reading: Reading, rows: int = ROWS) -> Iterator[Batch]:
    """The file's rows in batches of `rows`; `reading` is told how they were read.

    Raises:
        BadInput: it is no Parquet file, a column is missing or of another type, or times carry a zone.
    """
    try:
        file = parquet.ParquetFile(path, read_dictionary=["hvfhs_license_num"])
    except (pa.ArrowException, OSError):
        raise _bad(f"`{path}` cannot be read as Parquet") from None
    columns = _columns(file.schema_arrow)
    try:
        for batch in file.iter_batches(rows, columns=columns):
            yield _batch(batch, reading)
    except (pa.ArrowException, OSError) as error:
        raise _bad(f"`{path}` is damaged: {str(error)[:100]}") from None


def summary(path: Path, reading: Reading, rates: RatesOf | None = None) -> dict[str, Totals]:
    """What the trips of each operator (by its licence) add up to; floors are checked if there are `rates`, but for shared
    rides."""
    found: dict[str, Totals] = {}
    for batch in batches(path, reading):
        floor = _floors(batch, rates) if rates else None
        for place, name in enumerate(batch.operators):
            mine = batch.operator == place
            if mine.any():
                _add(found.setdefault(name, Totals()), batch, mine, floor)
    return dict(sorted(found.items()))


def trips(path: Path, reading: Reading) -> Iterator[Trip]:
    """The trips one by one, for files that are not large."""
    for batch in batches(path, reading):
        amounts = [
            batch.amounts[name].tolist() for name in ("base_passenger_fare", "driver_pay", "tips", "tolls", "bcf")
        ]
        columns = zip(
            batch.rows.tolist(), batch.operator.tolist(), batch.requested.tolist(), batch.picked_up.tolist(),
            batch.dropped_off.tolist(), batch.millimiles.tolist(), batch.seconds.tolist(), *amounts,
            batch.surcharges.tolist(), batch.shared.tolist(), batch.accessible.tolist(), batch.inside.tolist(), strict=True,
        )  # fmt: skip
        for row, operator, requested, picked_up, dropped_off, *rest in columns:
            yield Trip(
                row, batch.operators[operator], _instant(requested), _instant(picked_up), _instant(dropped_off), *rest
            )


def _instant(at: int) -> Instant:
    return instant(EPOCH + timedelta(milliseconds=at))


def _add(totals: Totals, batch: Batch, mine: Truth, floor: Whole | None) -> None:
    """Counts the rows `mine` of a batch; the same numbers as `Totals.add` one by one."""

    def total(column: Whole, which: Truth = mine) -> int:
        return int(column[which].sum())

    driven, asked, pay = (
        batch.dropped_off - batch.picked_up,
        batch.dropped_off - batch.requested,
        batch.amounts["driver_pay"],
    )
    waited = mine & (asked >= driven)
    totals.trips += int(mine.sum())
    totals.shared += total(batch.shared.astype(np.int64))
    totals.millimiles += total(batch.millimiles)
    totals.driven += total(driven)
    totals.asked += total(asked, waited)
    totals.asked_pay += total(pay, waited)
    totals.fare += total(batch.amounts["base_passenger_fare"])
    totals.pay += total(pay)
    totals.tips += total(batch.amounts["tips"])
    totals.tolls += total(batch.amounts["tolls"])
    totals.fund += total(batch.amounts["bcf"])
    totals.surcharges += total(batch.surcharges)
    if floor is not None:
        checked = mine & (floor >= 0)
        missing = np.maximum(floor - pay, 0)
        totals.checked += int(checked.sum())
        totals.below += int((checked & (missing > 0)).sum())
        totals.short += total(missing, checked)


def _floors(batch: Batch, rates: RatesOf) -> Whole:
    """The floor of each row in cents; -1 where none is held against it."""
    found: Whole = np.full(len(batch.rows), -1, dtype=np.int64)
    mine = batch.inside & ~batch.shared
    days = np.unique(batch.day).tolist()
    for accessible in (False, True):
        by_rate: dict[TripRates, list[int]] = {}
        for day in days:
            rate = rates(str(np.datetime64(day, "D")), accessible)
            if rate:
                by_rate.setdefault(rate, []).append(day)
        for rate, its in by_rate.items():
            which = mine & (batch.accessible == accessible) & np.isin(batch.day, its)
            a, b, whole = rate.scaled
            found[which] = (2 * (a * batch.millimiles[which] + b * batch.seconds[which]) + whole) // (2 * whole)
    return found


def _columns(schema: pa.Schema) -> list[str]:
    """The columns to read, each there and of a type that can be one."""
    missing = [name for name in NEEDED if name not in schema.names and name not in LATER]
    if missing:
        raise _bad(f"the file has no column `{'`, `'.join(missing)}`")
    for name in TIMES:
        kind = schema.field(name).type
        if not pa.types.is_timestamp(kind) or kind.tz:
            raise _bad(f"`{name}` is `{kind}`, and must be a time without a zone")
    for name in (*AMOUNTS, *SURCHARGES, *PLACES, "trip_miles", "trip_time"):
        kind = schema.field(name).type if name in schema.names else pa.float64()
        if not any(
            is_it(kind) for is_it in (pa.types.is_integer, pa.types.is_float64, pa.types.is_decimal, pa.types.is_null)
        ):
            raise _bad(f"`{name}` is `{kind}`, and must be a number of full width")
    return [name for name in NEEDED if name in schema.names]


def _batch(batch: pa.RecordBatch, reading: Reading) -> Batch:
    """What can be used of some rows."""
    rows: Whole = np.arange(reading.rows + 1, reading.rows + 1 + batch.num_rows)
    reading.rows += batch.num_rows
    local = [batch.column(name).cast(pa.timestamp("ms"), safe=False).to_numpy(False).astype(np.int64) for name in TIMES]
    numbers = {name: _floats(batch, name) for name in ("trip_miles", "trip_time", *AMOUNTS, *SURCHARGES)}
    keep = np.ones(batch.num_rows, dtype=np.bool_)

    def judge(what: str, which: Truth, out: bool) -> None:
        found = rows[which & keep]
        if len(found):
            reading.note(what, found[: reading.listed_most].tolist(), len(found), out)
        if out:
            keep[which] = False

    code = batch.column("hvfhs_license_num")
    code = code if pa.types.is_dictionary(code.type) else code.dictionary_encode()
    none = np.isnan(numbers["trip_miles"]) | np.isnan(numbers["base_passenger_fare"]) | np.isnan(numbers["driver_pay"])
    for column in local:
        none |= column == NO_TIME
    judge(MISSING, none | np.isnan(numbers["trip_time"]) | code.is_null().to_numpy(False), out=True)
    for column in numbers.values():
        column[np.isnan(column)] = 0  # what a row does not name it did not cost
    judge(BEYOND, _beyond(local, numbers), out=True)
    cents = {name: np.rint(numbers[name] * 100).astype(np.int64) for name in (*AMOUNTS, *SURCHARGES)}
    seconds = np.rint(numbers["trip_time"]).astype(np.int64)
    (requested, picked_up, dropped_off), twice, skipped = _moments(local, seconds * 1000, keep)
    judge(BACKWARDS, dropped_off < picked_up, out=True)
    shared, accessible = (batch.column(name).cast(pa.string()).to_numpy(False) == "Y" for name in FLAGS)
    ends = [batch.column(name).cast(pa.float64()).to_numpy(False) for name in PLACES]
    inside: Truth = ~np.any([np.isin(end, OUTSIDE) | np.isnan(end) for end in ends], axis=0)
    judge(TWICE, twice, out=False)
    judge(SKIPPED, skipped, out=False)
    judge(EARLY, picked_up < requested, out=False)
    judge(UNLIKE, abs(dropped_off - picked_up - seconds * 1000) > 60_000, out=False)
    judge(NEGATIVE, np.any([column < 0 for column in cents.values()], axis=0), out=False)
    judge(PARTS, np.any([abs(numbers[name] * 100 - cents[name]) > 1e-6 for name in cents], axis=0), out=False)
    judge(SHARED, shared, out=False)
    surcharges: Whole = np.sum([cents[name] for name in SURCHARGES], axis=0)
    names = tuple(str(name) for name in code.dictionary.to_pylist())
    place = code.indices.fill_null(0).to_numpy(False).astype(np.int64)
    miles = np.rint(numbers["trip_miles"] * 1000).astype(np.int64)
    return Batch(
        rows[keep], names, place[keep], requested[keep], picked_up[keep], dropped_off[keep], miles[keep], seconds[keep],
        {name: cents[name][keep] for name in AMOUNTS}, surcharges[keep], shared[keep], accessible[keep],
        inside[keep], local[1][keep] // (24 * HOUR),
    )  # fmt: skip


def _floats(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    """A column of numbers that may be written to; nothing where there is none."""
    if name not in batch.schema.names:
        return np.zeros(batch.num_rows)
    found: npt.NDArray[np.float64] = batch.column(name).cast(pa.float64()).to_numpy(False)
    return found.copy()


def _beyond(local: list[Whole], numbers: dict[str, npt.NDArray[np.float64]]) -> Truth:
    """Rows whose numbers cannot be meant: also those whose sums could run over."""
    bounds = {"trip_miles": (0, MOST_MILES), "trip_time": (0, MOST_SECONDS)}
    found = np.zeros(len(local[0]), dtype=np.bool_)
    for column in local:
        found |= (column < _posix(YEARS.start)) | (column >= _posix(YEARS.stop - 1))
    for name, values in numbers.items():
        least, most = bounds.get(name, (-MOST_DOLLARS, MOST_DOLLARS))
        found |= ~((values >= least) & (values <= most))
        values[~np.isfinite(values)] = 0
    return found


def _moments(local: list[Whole], metered: Whole, keep: Truth) -> tuple[list[Whole], Truth, Truth]:
    """Moments of wall-clock times, row by row, and which rows have a time in an hour that is repeated, or skipped."""
    read = [_utc(np.where(keep, column, _posix(YEARS.start))) for column in local]
    firsts = [first for first, _ in read]
    differ = np.any([first != second for first, second in read], axis=0) & keep
    # An hour that is repeated has its second reading later; of one that is skipped the first is.
    twice = np.any([second > first for first, second in read], axis=0) & differ
    for row in np.flatnonzero(twice).tolist():
        choices = product(*({int(first[row]), int(second[row])} for first, second in read))
        best = min(choices, key=lambda times: _unlikely(times, int(metered[row])))
        for column, at in zip(firsts, best, strict=True):
            column[row] = at
    return firsts, twice, differ & ~twice


def _unlikely(times: tuple[int, ...], metered: int) -> tuple[int, ...]:
    """How little a reading of a row's times can be meant, most telling first."""
    requested, picked_up, dropped_off = times
    disorder = (dropped_off < picked_up) * 2 + (picked_up < requested)
    return disorder, abs(dropped_off - picked_up - metered), picked_up - requested, *times


def _utc(local: Whole) -> tuple[Whole, Whole]:
    """Both readings of each wall-clock time; the same but in the two hours of the year when the clock is moved."""
    hours = local // HOUR
    years = local.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970
    first, second = local.copy(), local.copy()
    for year in range(int(years.min()), int(years.max()) + 1) if len(local) else ():
        mine = years == year
        offsets = _offsets(year)
        place = hours[mine] - _posix(year) // HOUR
        first[mine] -= offsets[0][place]
        second[mine] -= offsets[1][place]
    return first, second


@cache
def _offsets(year: int) -> tuple[Whole, Whole]:
    """How far New York's clock is from UTC in each hour of a year, in both readings."""
    start = datetime(year, 1, 1)  # the wall clock itself
    hours = [start + timedelta(hours=hour) for hour in range((_posix(year + 1) - _posix(year)) // HOUR)]

    def offset(at: datetime, fold: int) -> int:
        return int(at.replace(tzinfo=ZONE, fold=fold).utcoffset() / timedelta(milliseconds=1))  # type: ignore[operator]

    first, second = (np.array([offset(at, fold) for at in hours], dtype=np.int64) for fold in (0, 1))
    return first, second


@cache
def _posix(year: int) -> int:
    """Milliseconds from 1970 to the beginning of a year, by the wall clock."""
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000


def _bad(what: str) -> BadInput:
    return BadInput(
        "input.tlc", what, "take a file of the commission's high-volume for-hire vehicle trip records, in Parquet"
    )
