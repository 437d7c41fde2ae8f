"""Trip records of New York's taxi commission: small files written here in its format, read exactly or refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import moment
from usufruct.core.work.files.trips import Reading, Totals, TripRates
from usufruct.wire import tlc

RATES = TripRates(Fraction(136), Fraction("58.3"))  # $1.360 a mile and $0.583 a minute


def rates(day: str, accessible: bool) -> TripRates | None:
    return RATES


RIDE: dict[str, Any] = {
    "hvfhs_license_num": "HV0003", "dispatching_base_num": "B03404", "originating_base_num": "B03404",
    "request_datetime": "2024-03-05 18:00:00", "on_scene_datetime": None, "pickup_datetime": "2024-03-05 18:06:00",
    "dropoff_datetime": "2024-03-05 18:26:00", "PULocationID": 161, "DOLocationID": 230, "trip_miles": 3.42,
    "trip_time": 1200, "base_passenger_fare": 23.05, "tolls": 0.0, "bcf": 0.63, "sales_tax": 2.05,
    "congestion_surcharge": 2.75, "airport_fee": 0.0, "tips": 4.10, "driver_pay": 16.31, "shared_request_flag": "N",
    "shared_match_flag": "N", "access_a_ride_flag": " ", "wav_request_flag": "N", "wav_match_flag": "N",
}  # fmt: skip
CLOCK = pa.timestamp("us")
KINDS = {name: CLOCK for name in RIDE if name.endswith("_datetime")}
KINDS |= {name: pa.float64() for name in RIDE if isinstance(RIDE[name], float)}


def write(path: Path, *rides: dict[str, Any], without: tuple[str, ...] = (), **kinds: pa.DataType) -> Path:
    """A file of rides, each RIDE with what is different about it."""
    rows = [{**RIDE, **ride} for ride in rides]
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        if name.endswith("_datetime"):
            values = [dt.datetime.fromisoformat(value) if value else None for value in values]
        if name not in without:
            columns[name] = pa.array(values, kinds.get(name, KINDS.get(name)))
    parquet.write_table(pa.table(columns), path)
    return path


def times(request: str, pickup: str, dropoff: str, seconds: int) -> dict[str, Any]:
    names = ("request_datetime", "pickup_datetime", "dropoff_datetime")
    return {**dict(zip(names, (request, pickup, dropoff), strict=True)), "trip_time": seconds}


def test_a_ride_to_the_cent(tmp_path: Path) -> None:
    reading = Reading()
    [trip] = tlc.trips(write(tmp_path / "one.parquet", RIDE), reading)
    assert (trip.row, trip.operator, trip.requested) == (1, "HV0003", "2024-03-05T23:00:00.000Z")
    assert (trip.millimiles, trip.metres, trip.seconds) == (3420, 5503, 1200)
    assert (trip.fare, trip.pay, trip.tips, trip.fund, trip.surcharges) == (2305, 1631, 410, 63, 480)
    # 3.420 x 1.360 + 20 x 0.583 = 16.3112 dollars: 16.31 is what was paid.
    assert RATES.floor(trip.millimiles, trip.seconds) == 1631
    assert (reading.rows, reading.left_out, reading.noted) == (1, {}, {})


def test_totals_by_operator(tmp_path: Path) -> None:
    path = write(
        tmp_path / "three.parquet",
        RIDE,
        {"driver_pay": 15.0},
        {"hvfhs_license_num": "HV0005", "shared_match_flag": "Y"},
    )
    found = tlc.summary(path, Reading(), rates)
    uber, lyft = found["HV0003"], found["HV0005"]
    assert list(found) == ["HV0003", "HV0005"]
    assert (uber.trips, uber.pay, uber.fund, uber.checked, uber.below, uber.short) == (2, 3131, 126, 2, 1, 131)
    assert uber.hourly == Fraction(3131 * 60, 40) and uber.hourly_asked == Fraction(3131 * 60, 52)
    assert uber.take == Fraction(4610 - 3131, 4610)
    assert (lyft.trips, lyft.shared, lyft.checked, lyft.below) == (1, 1, 0, 0), "a shared ride has no floor of its own"
    assert Totals().hourly is None and Totals().take is None


# What the wall clock of New York said, and which moments it meant. On 3 November 2024 it repeated the hour from one to two.
AUTUMN = """
00:50 00:55 01:05 600  | 04:50 04:55 05:05 | both readings of the arrival stand in order, and the meter tells
01:50 01:55 01:05 600  | 05:50 05:55 06:05 | across the change: it arrived before it began, by the wall clock
01:50 01:55 02:05 600  | 06:50 06:55 07:05 | the second time that it was five to two
01:50 01:55 02:05 4200 | 05:50 05:55 07:05 | the first time: the meter ran for seventy minutes
01:10 01:20 01:30 600  | 05:10 05:20 05:30 | nothing tells which: the earlier
00:30 01:30 01:40 600  | 04:30 05:30 05:40 | the earlier again
01:40 02:10 02:20 600  | 06:40 07:10 07:20 | who asked waited half an hour rather than one and a half
"""


@pytest.mark.parametrize("line", AUTUMN.strip().splitlines())
def test_the_hour_that_is_repeated(tmp_path: Path, line: str) -> None:
    said, meant, _ = (part.strip() for part in line.split("|"))
    *clock, seconds = said.split()
    reading = Reading()
    ride = times(*(f"2024-11-03 {at}:00" for at in clock), int(seconds))
    [trip] = tlc.trips(write(tmp_path / "autumn.parquet", ride), reading)
    assert [at[11:16] for at in (trip.requested, trip.picked_up, trip.dropped_off)] == meant.split()
    assert reading.noted[tlc.TWICE] == 1


def test_the_hour_that_is_skipped(tmp_path: Path) -> None:
    reading = Reading()
    ride = times("2024-03-10 01:50:00", "2024-03-10 02:10:00", "2024-03-10 03:30:00", 1200)
    [trip] = tlc.trips(write(tmp_path / "spring.parquet", ride), reading)
    assert [at[11:16] for at in (trip.requested, trip.picked_up, trip.dropped_off)] == ["06:50", "07:10", "07:30"]
    assert reading.noted == {tlc.SKIPPED: 1}


ODD = [
    ({**times("2024-03-05 18:00:00", "2024-03-05 18:26:00", "2024-03-05 18:06:00", 1200)}, tlc.BACKWARDS, True),
    ({"pickup_datetime": None}, tlc.MISSING, True),
    ({"driver_pay": None}, tlc.MISSING, True),
    ({"driver_pay": float("nan")}, tlc.MISSING, True),
    ({"trip_time": None}, tlc.MISSING, True),
    ({"hvfhs_license_num": None}, tlc.MISSING, True),
    ({"trip_miles": float("inf")}, tlc.BEYOND, True),
    ({"trip_miles": -1.0}, tlc.BEYOND, True),
    ({"trip_time": -5}, tlc.BEYOND, True),
    ({"tips": 1e12}, tlc.BEYOND, True),
    ({"request_datetime": "1970-01-01 00:00:00"}, tlc.BEYOND, True),
    ({"request_datetime": "2024-03-05 18:10:00"}, tlc.EARLY, False),
    ({"trip_time": 600}, tlc.UNLIKE, False),
    ({"driver_pay": -3.0}, tlc.NEGATIVE, False),
    ({"bcf": 0.634}, tlc.PARTS, False),
    ({"shared_match_flag": "Y"}, tlc.SHARED, False),
]


def test_a_floor_is_of_a_day_a_car_and_a_place(tmp_path: Path) -> None:
    """Rates by the local day of the pickup; none held against rides out of town, nor on days whose rates nobody knows."""
    late = times("2024-03-05 23:50:00", "2024-03-05 23:58:00", "2024-03-06 00:18:00", 1200)
    path = write(
        tmp_path / "days.parquet", RIDE, late, {**late, "wav_match_flag": "Y"}, {"DOLocationID": 1}, {"PULocationID": 265},
        {"DOLocationID": None}, times("2024-04-01 18:00:00", "2024-04-01 18:06:00", "2024-04-01 18:26:00", 1200),
    )  # fmt: skip
    asked = set()

    def rates_of(day: str, accessible: bool) -> TripRates | None:
        asked.add((day, accessible))
        return None if day >= "2024-04" else TripRates(Fraction(500 if accessible else 400), Fraction(0))

    found = tlc.summary(path, Reading(), rates_of)["HV0003"]
    assert asked == {(day, car) for day in ("2024-03-05", "2024-04-01") for car in (False, True)}
    # 3.42 miles at 4.00 and at 5.00 dollars, less the 16.31 that each was paid: 1368 and 1710 cents.
    assert (found.trips, found.checked, found.below, found.short) == (7, 3, 1, 79)


@pytest.mark.parametrize(("ride", "what", "out"), ODD)
def test_what_is_odd_is_counted_and_listed(tmp_path: Path, ride: dict[str, Any], what: str, out: bool) -> None:
    reading = Reading()
    found = tlc.summary(write(tmp_path / "odd.parquet", RIDE, ride, RIDE), reading)
    assert (reading.left_out if out else reading.noted) == {what: 1}
    assert [(remark.row, remark.what) for remark in reading.first] == [(2, what)]
    assert sum(one.trips for one in found.values()) == (2 if out else 3)


def test_only_the_first_rows_are_listed(tmp_path: Path) -> None:
    reading = Reading()
    path = write(tmp_path / "many.parquet", *[{"shared_match_flag": "Y"}] * 9)
    assert sum(len(batch.rows) for batch in tlc.batches(path, reading, rows=2)) == 9
    assert reading.noted == {tlc.SHARED: 9} and [remark.row for remark in reading.first] == [1, 2, 3, 4, 5]


def test_files_of_other_years(tmp_path: Path) -> None:
    """Earlier ones lack fees that are younger; amounts may be decimals; a column nobody needs may be missing or new."""
    old = write(tmp_path / "old.parquet", RIDE, without=("airport_fee", "on_scene_datetime"))
    new = write(tmp_path / "new.parquet", {"cbd_congestion_fee": 1.5, "more": 1})
    exact = write(tmp_path / "exact.parquet", {"tips": Decimal("4.10")}, tips=pa.decimal128(9, 2))
    surcharges = [next(iter(tlc.trips(path, Reading()))).surcharges for path in (old, new, exact)]
    assert surcharges == [480, 630, 480]


def test_files_that_are_something_else(tmp_path: Path) -> None:
    junk, cut = tmp_path / "junk.parquet", write(tmp_path / "cut.parquet", RIDE)
    junk.write_bytes(b"PAR1 and no more")
    data = bytearray(cut.read_bytes())
    data[8:400] = bytes(392)
    cut.write_bytes(data)
    zoned = write(tmp_path / "zoned.parquet", RIDE)
    table = parquet.read_table(zoned)
    column = table["pickup_datetime"].cast(pa.timestamp("us", "UTC"))
    parquet.write_table(
        table.set_column(table.schema.get_field_index("pickup_datetime"), "pickup_datetime", column), zoned
    )
    for path, says in (
        (junk, "cannot be read as Parquet"),
        (tmp_path / "none.parquet", "cannot be read as Parquet"),
        (cut, "is damaged"),
        (zoned, "`pickup_datetime` is `timestamp[us, tz=UTC]`"),
        (write(tmp_path / "a.parquet", RIDE, without=("driver_pay", "bcf")), "no column `driver_pay`, `bcf`"),
        (write(tmp_path / "b.parquet", {"tips": "4.10"}, tips=pa.string()), "`tips` is `string`"),
        (write(tmp_path / "c.parquet", RIDE, tips=pa.float32()), "`tips` is `float`"),
    ):
        with pytest.raises(BadInput) as bad:
            tlc.summary(path, Reading())
        assert bad.value.code == "input.tlc" and says in str(bad.value), path.name


CENTS = st.integers(-5_000, 99_999)
RIDES = st.builds(
    lambda start, wait, length, miles, fare, pay, tips, flag, operator, there: {
        **times(*(str(dt.datetime(2024, 11, 3) + dt.timedelta(seconds=at)) for at in (
            start, start + wait, start + wait + length)), abs(length)),
        "trip_miles": miles / 1000, "base_passenger_fare": fare / 100, "driver_pay": pay / 100, "tips": tips / 100,
        "shared_match_flag": flag, "hvfhs_license_num": operator, "DOLocationID": there, "wav_match_flag": flag,
    },
    st.integers(0, 20_000), st.integers(-60, 900), st.integers(-60, 7_200), st.integers(0, 90_000), CENTS, CENTS, CENTS,
    st.sampled_from("NNNY"), st.sampled_from(["HV0003", "HV0005"]),
    st.sampled_from([230, 230, 1, 265]),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(RIDES, min_size=1, max_size=12), st.integers(1, 5))
def test_columns_add_up_to_what_rows_do(tmp_path_factory: pytest.TempPathFactory, rides: Any, rows: int) -> None:
    """The sums over columns are those of the trips one by one, whatever the batches; and no row is lost."""
    path = write(tmp_path_factory.mktemp("tlc") / "rides.parquet", *rides)
    slow: dict[str, Totals] = {}
    one, other = Reading(), Reading()
    for trip in tlc.trips(path, one):
        start, end, asked = (moment(at) for at in (trip.picked_up, trip.dropped_off, trip.requested))
        lasted, since = (int((end - at) / dt.timedelta(milliseconds=1)) for at in (start, asked))
        slow.setdefault(trip.operator, Totals()).add(trip, lasted, since, RATES)
    assert tlc.summary(path, other, rates) == dict(sorted(slow.items()))
    assert asdict(one) == asdict(other)
    cut = Reading()
    assert sum(len(batch.rows) for batch in tlc.batches(path, cut, rows)) == sum(found.trips for found in slow.values())
    assert (cut.left_out, cut.noted) == (one.left_out, one.noted)
    assert one.rows == len(rides) == sum(one.left_out.values()) + sum(found.trips for found in slow.values())


@given(st.integers(0, 99_999), st.integers(0, 9_999), st.fractions(0, 500), st.fractions(0, 500))
def test_a_floor_is_the_nearest_cent(millimiles: int, seconds: int, mile: Fraction, minute: Fraction) -> None:
    exact = mile * millimiles / 1000 + minute * seconds / 60
    found = TripRates(mile, minute).floor(millimiles, seconds)
    assert abs(found - exact) <= Fraction(1, 2) and found != exact - Fraction(1, 2)
