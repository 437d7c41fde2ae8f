"""What the planning office of two_nodes.py makes of its answers: one table, and a drawing."""

from __future__ import annotations

import io
from typing import Any

import duckdb
import pyarrow
from pyarrow import parquet

# The margin of a quotient, from those of both its parts: their errors are independent, for each node draws its own noise.
JOINED = """
    SELECT month, district, dust, 1000 * admitted / living AS rate,
           rate * sqrt((admitted_margin / admitted) ** 2 + (living_margin / living) ** 2) AS margin
    FROM theirs JOIN ours USING (district) JOIN air USING (month, district) ORDER BY month, district
"""
BY_DUST = (
    "SELECT dust // 5 * 5 AS least, avg(rate) AS mean FROM joined WHERE rate IS NOT NULL GROUP BY least ORDER BY least"
)


def join(theirs: pyarrow.Table, ours: pyarrow.Table, open_table: bytes) -> pyarrow.Table:
    """Admissions for each 1,000 residents, by month and district, beside the dust of the open table, a Parquet file."""
    named = {"theirs": theirs, "ours": ours, "air": parquet.read_table(io.BytesIO(open_table))}
    with duckdb.connect() as here:
        for name, table in named.items():
            here.register(name, table)
        return here.sql(JOINED).to_arrow_table()


def draw(joined: pyarrow.Table) -> None:
    """Prints the table, a line for each month, and a bar for each five micrograms of dust."""
    rows = joined.to_pylist()
    months, districts = (sorted({row[name] for row in rows}) for name in ("month", "district"))
    print(
        "  admissions for each 1,000 residents, with their margin, and the micrograms of dust in a cubic metre of air"
    )
    print(f"  {'':9}" + "".join(f"{district:>16}" for district in districts))
    for month in months:
        cells = (cell(row) for row in rows if row["month"] == month)
        print(f"  {month:9}" + "".join(f"{shown:>16}" for shown in cells))
    print("  the more dust, the more of them, where there were enough to be told")
    with duckdb.connect() as here:
        for least, mean in here.register("joined", joined).execute(BY_DUST).fetchall():
            print(f"  {least:2}–{least + 4} µg  {'█' * round(mean / 2)} {mean:.0f}")


def cell(row: dict[str, Any]) -> str:
    """A figure with its margin, and the dust; the node leaves a figure out where few people may stand in it."""
    told = "too few" if row["rate"] is None else f"{row['rate']:.0f} ± {row['margin']:.0f}"
    return f"{told} ({row['dust']})"
