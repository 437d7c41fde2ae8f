"""smartnoise-sql on its SQLite reader, the table in memory before the clock runs: it has no reader for Parquet or DuckDB.

It limits a person's rows in the whole question, not her keys and rows for each, so she has as many rows as ours has
keys. COUNT(cents) is COUNT(*), for no cell is empty, and shares its noise with AVG: so the budget is spent on three
columns, the persons of a key among them, and not on four.
"""

from __future__ import annotations

import sqlite3
import sys

import pyarrow.parquet
import snsql
import turns

COLUMNS = ("person", "key", "cents")
QUESTION = "SELECT key, COUNT(cents) AS n, SUM(cents) AS total, AVG(cents) AS mean FROM main.pay GROUP BY key"

connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE pay (person INTEGER, key TEXT, cents INTEGER)")
rows = 0
for batch in pyarrow.parquet.ParquetFile(sys.argv[1]).iter_batches(columns=COLUMNS):
    connection.executemany(
        "INSERT INTO pay VALUES (?, ?, ?)", zip(*(c.to_pylist() for c in batch.columns), strict=True)
    )
    rows += batch.num_rows
table = {
    "max_ids": turns.KEYS_PER_PERSON,
    "rows": rows,
    "sample_max_ids": True,
    "censor_dims": True,
    "clamp_columns": True,
    "person": {"type": "int", "private_id": True},
    "key": {"type": "string"},
    "cents": {"type": "int", "lower": turns.LOW, "upper": turns.HIGH},
}


def ask():
    share = snsql.Privacy(epsilon=turns.EPSILON / 3, delta=turns.DELTA * 2 / 3)
    reader = snsql.from_connection(connection, privacy=share, metadata={"": {"main": {"pay": table}}}, engine="sqlite")
    found = reader.execute(QUESTION)
    return {"keys": [row[0] for row in found[1:]]}


turns.serve({"": ask})
