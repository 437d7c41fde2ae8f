"""What a table must be before anything of it is taken in, whatever it comes from: columns of their own names, plain values.

Every kind of source leaves the same behind: a table `raw`, a row number first, then the columns as the source has them.
A plain value has one spelling as text, and from there the card says what it is. What has none (lists, structures, bytes,
intervals, documents) is not guessed at: a card that names such a column is refused, and nothing else is read of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

import duckdb
import pyarrow as pa

from usufruct.core.base.faults import BadInput

OURS = ("_line", "_person", "_draw", "_class", "_copy")  # columns that the node adds
INTEGERS = frozenset(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")) | {
    "INTEGER",
    "UINTEGER",
}
FLOATS = frozenset({"FLOAT", "DOUBLE"})
STORED_AS = {"integer": "BIGINT", "decimal": "BIGINT", "text": "VARCHAR", "boolean": "BOOLEAN"}
_PLAIN = INTEGERS | FLOATS | {
    "BOOLEAN", "VARCHAR", "DATE", "TIME", "TIME_NS", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS",
    "TIMESTAMP WITH TIME ZONE", "UUID", '"NULL"',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table that was read into `raw`: all its `names` as written, the `kinds` (DuckDB's types) of those that were read,
    what the `odd` ones hold that cannot be, and the `version`: a digest of its bytes. `table` is its name where there may be
    several."""

    names: tuple[str, ...]
    kinds: Mapping[str, str]
    odd: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    table: str = ""


def is_plain(kind: str) -> bool:
    """Whether cells of a DuckDB type are plain values."""
    return kind in _PLAIN or re.match(r"(DECIMAL|ENUM)\(", kind) is not None


def sorted_out(kinds: Mapping[str, str], wanted: Collection[str] | None) -> tuple[list[str], dict[str, str]]:
    """The columns to be read, of the `wanted` ones or of all, and those that cannot be, with what they hold."""
    odd = {name: kind for name, kind in kinds.items() if not is_plain(kind)}
    chosen = [name for name in kinds if name not in odd and name.lower() not in OURS]
    return [name for name in chosen if wanted is None or name in wanted], odd


def check_names(names: Iterable[str], where: str) -> None:
    """Raises BadInput if two columns of a table have one name, in capitals or not: which one did the card mean?"""
    known: set[str] = set()
    for name in names:
        if name.lower() in known:
            raise BadInput("input.table", f"`{where}` has two columns named `{name}`", "give each column its own name")
        known.add(name.lower())


def put(connection: duckdb.DuckDBPyConnection, query: str, columns: Iterable[str], values: list[str]) -> None:
    """Reads columns of what a query finds into `raw`, with their line numbers."""
    chosen = "".join(f", {quoted(name)}" for name in columns)
    connection.execute(f"CREATE TABLE raw AS SELECT row_number() OVER () AS _line{chosen} FROM ({query})", values)


def put_batches(
    connection: duckdb.DuckDBPyConnection, schema: pa.Schema, batches: Iterable[pa.RecordBatch], columns: Iterable[str]
) -> None:
    """The same of Arrow batches, one after the other."""
    chosen, rows = "".join(f", {quoted(name)}" for name in columns), 0
    into = "CREATE TABLE raw AS"
    for batch in chain([pa.RecordBatch.from_pylist([], schema)], batches):
        connection.register("batch", batch)
        connection.execute(f"{into} SELECT {rows} + row_number() OVER () AS _line{chosen} FROM batch")
        connection.unregister("batch")
        into, rows = "INSERT INTO raw", rows + batch.num_rows


def kinds_of(connection: duckdb.DuckDBPyConnection, query: str, values: list[str]) -> dict[str, str]:
    """The columns of a query, with their types."""
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {query}", values).fetchall()}


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """`value` as an SQL text."""
    return "'" + value.replace("'", "''") + "'"
