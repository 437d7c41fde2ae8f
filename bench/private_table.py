"""The table of `private`: few groups that many persons are in, and some that would give somebody away.

A row's person is drawn by weights that are log-normal, so a few have a hundred times as many rows as most; its key by
Zipf's law; its cents are log-normal. Some hundred rows, however many there are in all, have a key that one person or
two share: those keys must not come out. Everything follows from the number of the row, so the same bytes are made each
time.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

KEYS = tuple(f"key-{place}" for place in range(1, 201))
RARE_KEYS, RARE_ROWS = 300, 600
LOTS = 2**22  # a weighted draw takes one of so many lots, dealt by weight


def write_table(table: Path, rows: int, persons: int) -> None:
    """Writes `rows` rows of about `persons` persons (some of the lightest are never drawn) as Parquet."""
    connection = duckdb.connect()
    people = _deal(connection, "people", f"SELECT n, exp({_normal('n')}) AS w FROM range({persons}) AS t(n)")
    keys = _deal(connection, "keys", f"SELECT n, 1::DOUBLE / n AS w FROM range(1, {len(KEYS) + 1}) AS t(n)")
    connection.execute(f"""
        COPY (
            WITH draws AS (SELECT i, hash(i, 5) % {people} AS a, hash(i, 6) % {keys} AS b FROM range({rows}) AS t(i))
            SELECT people.n AS person,
                CASE WHEN hash(i, 7) % {rows} < {RARE_ROWS} THEN 'rare-' || hash(i, 8) % {RARE_KEYS}
                    ELSE 'key-' || keys.n END AS key,
                round(exp(8.4 + 0.7 * {_normal("i")}))::INT AS cents
            FROM draws JOIN people ON people.lot = a JOIN keys ON keys.lot = b
        ) TO '{table}'
    """)


def _deal(connection: duckdb.DuckDBPyConnection, name: str, weights: str) -> int:
    """Deals lots to each `n` by its weight `w`, at least one; returns how many there are."""
    connection.execute(f"""
        CREATE TABLE {name} AS SELECT row_number() OVER () - 1 AS lot, n FROM (
            SELECT unnest(repeat([n], ceil({LOTS} * w / sum(w) OVER ())::INT)) AS n FROM ({weights}) ORDER BY n
        )
    """)
    found = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
    assert found is not None
    return int(found[0])


def _normal(salt: str) -> str:
    """SQL for a standard normal number that follows from `salt` (Box and Muller)."""
    first, second = (f"(hash({salt}, {n}) % 1000000 + 1) / 1000001.0" for n in (1, 2))
    return f"sqrt(-2 * ln({first})) * cos(2 * pi() * {second})"
