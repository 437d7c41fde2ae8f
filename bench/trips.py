"""A file of a million trips of New York, added up by operator, each trip held against its floor.

The file is made up in the commission's columns; some of its trips lie in the hour that the clock repeats, and one in a hundred
is shared. Ours reads it as `usufruct work read-tlc` does. The peer is the query that somebody would write first: the same sums
in DuckDB, over floats, with the wall clock taken as it stands and the floor by the rates of one day. How far its hours are off
is told beside it: the time that it takes is no fault of its, and what it does not look at is the user's.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from bench.measure import medians, scratch, seconds, setup
from bench.report import Result, against, alone, barred
from usufruct.core.work.files.trips import HOUR, Reading, TripRates
from usufruct.wire import tlc

ROWS, QUICK, TURNS = 1_000_000, 5_000, 3
RATES = TripRates(Fraction(136), Fraction("58.3"))
ENOUGH = 5.0  # seconds for a million
QUERY = """
SELECT hvfhs_license_num, COUNT(*), SUM(driver_pay), SUM(tips), SUM(base_passenger_fare), SUM(bcf),
       SUM(epoch(dropoff_datetime - pickup_datetime)) / 3600,
       SUM(CASE WHEN shared_match_flag = 'N'
           THEN greatest(0, round(trip_miles * 1.360 + trip_time / 60 * 0.583, 2) - driver_pay) END)
FROM read_parquet('{path}') GROUP BY ALL ORDER BY ALL
"""


def run(quick: bool) -> list[Result]:
    """How long both take, and by how many hours they differ."""
    rows = QUICK if quick else ROWS
    with scratch() as folder, duckdb.connect() as base:
        path = folder / "trips.parquet"
        with setup(f"{rows:,} trips made up"):
            _write(path, rows)
        query = QUERY.format(path=path)
        took = medians(1 if quick else TURNS, {
            "ours": lambda: seconds(lambda: tlc.summary(path, Reading(), lambda day, accessible: RATES)),
            "query": lambda: seconds(lambda: base.execute(query).fetchall()),
        })  # fmt: skip
        found = tlc.summary(path, Reading())
        ours = sum(one.driven for one in found.values()) / HOUR
        theirs = sum(row[6] for row in base.execute(query).fetchall())
    case = f"{rows:,} trips read, checked and added up"
    timed = against(case, took["ours"], "s", "DuckDB over floats, nothing looked at", took["query"])
    return [
        barred(timed, f"{ENOUGH:g} s for {ROWS:,}", None if quick else took["ours"] < ENOUGH),
        alone("hours in the clock's change that the query counts wrongly", abs(ours - theirs), "h"),
    ]


def _write(path: Path, rows: int) -> None:
    """Trips of November 2024, in the columns that are read; the clock is put back on the third."""
    lots = np.random.default_rng(1)
    begun = np.datetime64("2024-11-01T04:00:00", "us") + lots.integers(0, 30 * 86_400, rows).astype("timedelta64[s]")
    took, waited = (lots.integers(*bounds, rows).astype("timedelta64[s]") for bounds in ((120, 4_000), (30, 900)))
    times = {"request_datetime": begun - waited, "pickup_datetime": begun, "dropoff_datetime": begun + took}
    zone = pa.timestamp("us", "America/New_York")
    local = {name: pc.local_timestamp(pa.array(at, pa.timestamp("us", "UTC")).cast(zone)) for name, at in times.items()}
    miles, metered = np.round(lots.gamma(2, 2.2, rows), 3), took.astype(np.int64)
    fare = np.round(5 + miles * 2 + metered / 60 * 0.4, 2)
    nothing = np.zeros(rows)
    columns = {
        "hvfhs_license_num": np.array(["HV0003", "HV0005"])[lots.integers(0, 2, rows)], **local,
        "PULocationID": lots.integers(2, 264, rows), "DOLocationID": lots.integers(2, 264, rows), "trip_miles": miles,
        "trip_time": metered, "base_passenger_fare": fare, "tolls": nothing, "bcf": np.round(fare * 0.0275, 2),
        "sales_tax": np.round(fare * 0.08875, 2), "congestion_surcharge": nothing, "airport_fee": nothing,
        "tips": np.round(lots.gamma(0.3, 3, rows), 2), "driver_pay": np.round(fare * lots.uniform(0.6, 0.95, rows), 2),
        "shared_match_flag": np.where(lots.random(rows) < 0.01, "Y", "N"), "wav_match_flag": np.full(rows, "N"),
    }  # fmt: skip
    parquet.write_table(pa.table({name: pa.array(column) for name, column in columns.items()}), path)
