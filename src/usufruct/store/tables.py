"""The state as tables: one for each kind of row, with a typed column for every field by which rows are listed.

A row is kept whole, as its canonical bytes, and found by its key; its `INDEXED` fields stand beside it for listing.
The tables are made from the dataclasses, so a field is declared once. Rows come back in the order in which they first
appeared, which is the same after a rebuild.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from usufruct.core import facts
from usufruct.core.base import canonical
from usufruct.core.base.records import Row, RowT, plain, rebuild

# Raise when a fold changes what it makes of the same facts; nodes then rebuild their state when they open.
FOLD_VERSION = 1
CACHED = 4_096  # rows that are not decoded again


class Rows(Protocol):
    """What a query found."""

    @property
    def rowcount(self) -> int:
        """How many rows it wrote."""

    def __iter__(self) -> Iterator[Any]: ...

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""


class Connection(Protocol):
    """A connection to a database, as `sqlite3` has them: `?` is a placeholder, and nothing commits by itself."""

    def execute(self, query: str, values: Sequence[Any] = ..., /) -> Rows:
        """Runs one statement."""

    def executemany(self, query: str, rows: Sequence[Any], /) -> Any:
        """Runs it once for each row."""

    def close(self) -> None:
        """Lets go; what was not committed is undone."""


@dataclass(frozen=True, slots=True)
class Table:
    """The statements for one kind of row."""

    name: str
    create: tuple[str, ...]
    put: str
    get: str


def table(kind: type[Row]) -> Table:
    """How rows of this kind are kept."""
    return _TABLES[kind]


def _describe(kind: type[Row]) -> Table:
    name = "state_" + re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    indexed = [f"by_{field}" for field in kind.INDEXED]
    types = ["INTEGER" if kind.__annotations__[field] == "int" else "TEXT" for field in kind.INDEXED]
    columns = ["place INTEGER PRIMARY KEY", "key TEXT NOT NULL UNIQUE", "body BLOB NOT NULL"]
    columns += [f"{column} {type} NOT NULL" for column, type in zip(indexed, types, strict=True)]
    create = [f"CREATE TABLE {name} ({', '.join(columns)})"]
    if indexed:
        create.append(f"CREATE INDEX {name}_listed ON {name} ({', '.join(indexed)})")
        create += [f"CREATE INDEX {name}_{column} ON {name} ({column})" for column in indexed[1:]]
    fields = ["key", "body", *indexed]
    changed = ", ".join(f"{field} = excluded.{field}" for field in fields[1:])
    put = (
        f"INSERT INTO {name} (place, {', '.join(fields)}) "
        f"VALUES ((SELECT coalesce(max(place), 0) + 1 FROM {name}), {', '.join('?' * len(fields))}) "
        f"ON CONFLICT (key) DO UPDATE SET {changed}"
    )
    return Table(name, tuple(create), put, f"SELECT body FROM {name} WHERE key = ?")


_TABLES = {kind: _describe(kind) for kind in facts.ROWS}


def state_version() -> str:
    """Changes when the tables or the folds do."""
    text = "\n".join(statement for kind in facts.ROWS for statement in table(kind).create)
    return f"{FOLD_VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def create(connection: Connection) -> None:
    """Empty state tables, in place of what was there."""
    for kind in facts.ROWS:
        connection.execute(f"DROP TABLE IF EXISTS {table(kind).name}")
        for statement in table(kind).create:
            connection.execute(statement)
    connection.execute("DELETE FROM about")


def put(connection: Connection, row: Row) -> None:
    """Writes a row, in place of the one with its key."""
    kind = type(row)
    body = canonical.encode(plain(row))
    connection.execute(table(kind).put, (row.key, body, *(getattr(row, field) for field in kind.INDEXED)))


@functools.lru_cache(maxsize=CACHED)
def _row(kind: Any, body: bytes) -> Any:
    """The row in a body. The same bytes are the same row, and rows never change, so what is read often is read once."""
    return rebuild(kind, json.loads(body))


class StateReader:
    """`records.Reader` over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""
        found = self._connection.execute(table(kind).get, ("/".join(map(str, key)),)).fetchone()
        return None if found is None else _row(cast(Hashable, kind), found[0])

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`, in the order in which they first appeared."""
        wanted = [f"by_{field} = ?" for field in where]
        condition = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        # The plus keeps SQLite from walking one field's index in this order when an index over all fields finds less.
        order = "+place" if len(where) > 1 else "place"
        query = f"SELECT body FROM {table(kind).name}{condition} ORDER BY {order}"
        for (body,) in self._connection.execute(query, tuple(where.values())).fetchall():
            yield rebuild(kind, json.loads(body))
