"""The state as tables: one for each kind of row, with a typed column for every field by which rows are listed.

A row is kept whole, as its canonical bytes, and found by its key; its `INDEXED` fields stand beside it for listing.
The tables are made from the dataclasses, so a field is declared once. Rows come back in the order in which they first
appeared, which is the same after a rebuild.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from usufruct.core import facts
from usufruct.core.base import canonical
from usufruct.core.base.records import Row, RowT, plain, rebuild, row_key

# Raise when a fold changes what it makes of the same facts; nodes then rebuild their state when they open.
FOLD_VERSION = 6
CACHED = 16_384  # rows that are not read and decoded again
# Rows that one statement writes. Each statement costs a busy process a turn at the interpreter, which other threads want
# too; a few sizes are enough, so that statements are prepared once.
_AT_ONCE = (64, 16, 4, 1)


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
    into: str
    on_conflict: str
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
    into, on_conflict = f"{name} (place, {', '.join(fields)})", f"ON CONFLICT (key) DO UPDATE SET {changed}"
    return Table(name, tuple(create), into, on_conflict, f"SELECT body FROM {name} WHERE key = ?")


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


def insert(connection: Connection, into: str, rows: Sequence[Sequence[Any]], on_conflict: str = "") -> None:
    """Writes rows into a table, many with one statement."""
    for many, start in _cut(len(rows)):
        statement = _insertion(into, len(rows[0]), many, on_conflict)
        connection.execute(statement, tuple(itertools.chain.from_iterable(rows[start : start + many])))


def _cut(length: int) -> Iterator[tuple[int, int]]:
    """How many rows each statement takes, and from where on."""
    start = 0
    for many in _AT_ONCE:
        while length - start >= many:
            yield many, start
            start += many


@functools.cache
def _insertion(into: str, columns: int, rows: int, on_conflict: str) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)} {on_conflict}"


@functools.lru_cache(maxsize=CACHED)
def _row(kind: Any, body: bytes) -> Any:
    """The row in a body. The same bytes are the same row, and rows never change, so what is read often is read once."""
    return rebuild(kind, json.loads(body))


class StateReader:
    """`records.Reader` over a connection.

    Nothing is found by a text with the character 0: no row has one (see `batch`), and PostgreSQL cannot be asked for it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""
        name = row_key(key)
        found = None if "\0" in name else self._connection.execute(table(kind).get, (name,)).fetchone()
        return None if found is None else _row(cast(Hashable, kind), found[0])

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`, in the order in which they first appeared."""
        if any(isinstance(value, str) and "\0" in value for value in where.values()):
            return
        wanted = [f"by_{field} = ?" for field in where]
        condition = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        # The plus keeps SQLite from walking one field's index in this order when an index over all fields finds less.
        order = "+place" if len(where) > 1 else "place"
        query = f"SELECT body FROM {table(kind).name}{condition} ORDER BY {order}"
        for (body,) in self._connection.execute(query, tuple(where.values())).fetchall():
            yield _row(cast(Hashable, kind), body)


_UNKNOWN: Any = object()


class Known(dict[tuple[type[Row], str], "Row | None"]):
    """Rows by kind and key, as they were read or put; None where there is none. `version` stands for the state that they
    are of, and is another object after every change."""

    def __init__(self) -> None:
        super().__init__()
        self.version = object()

    def clear(self) -> None:
        """Nothing is known, nor what state it is."""
        super().clear()
        self.version = object()


class StateWriter(StateReader):
    """`records.Reader` inside a transaction in which nobody else writes, and the rows that its commands put.

    Rows wait in memory until somebody lists their kind or the transaction ends, and then go into their table together.
    What a command has done can be undone until it is `unmark`ed. `known` may outlive the transaction if nobody else
    writes after it either; whoever undoes more than a command clears it.
    """

    def __init__(self, connection: Connection, known: Known) -> None:
        super().__init__(connection)
        self._known = known
        self._done: dict[type[Row], dict[str, _Put]] = {}  # what waits, of commands that are done
        self._doing: dict[type[Row], dict[str, _Put]] = {}  # and of the one whose turn it is
        self._saved = False  # whether that one has written into the database, behind a savepoint
        self.failed = False  # whether rows of commands that are done could not be written

    @property
    def version(self) -> object:
        """The same object as long as nothing changed."""
        return self._known.version

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""
        name = row_key(key)
        row = self._known.get((kind, name), _UNKNOWN)  # what waits is known, unless much was read since
        if row is not _UNKNOWN:
            return cast("RowT | None", row)
        for waiting in (self._doing, self._done):
            if kind in waiting and name in waiting[kind]:
                return cast(RowT, waiting[kind][name].row)
        found = super().get(kind, *key)
        self._remember(kind, name, found)
        return found

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`, in the order in which they first appeared."""
        if kind in self._doing:
            self.save()
            self._write(kind, self._doing[kind])
            del self._doing[kind]
        else:
            self._flush(kind)
        yield from super().list(kind, **where)

    def put(self, row: Row) -> None:
        """Writes a row, in place of the one with its key."""
        kind = type(row)
        body = canonical.encode(plain(row))
        values = (row.key, body, *(getattr(row, field) for field in kind.INDEXED))
        self._doing.setdefault(kind, {})[row.key] = _Put(row, values)
        self._remember(kind, row.key, row)
        self._known.version = object()

    def save(self) -> None:
        """Called before a command writes into the database, so that this can be undone and nothing before it."""
        if not self._saved:
            self.flush()
            self._connection.execute("SAVEPOINT command")
            self._saved = True

    def mark(self) -> None:
        """A command begins; there is nothing to undo yet."""

    def undo(self) -> None:
        """The command was never given."""
        if self._saved:
            self._connection.execute("ROLLBACK TO command")
        self._release()
        self._doing.clear()
        self._known.clear()

    def unmark(self) -> None:
        """The command is done."""
        self._release()
        for kind, rows in self._doing.items():
            self._done.setdefault(kind, {}).update(rows)
        self._doing.clear()

    def flush(self) -> None:
        """Writes what waits, of commands that are done."""
        for kind in tuple(self._done):
            self._flush(kind)

    def _release(self) -> None:
        if self._saved:
            self._connection.execute("RELEASE command")
            self._saved = False

    def _remember(self, kind: type[Row], name: str, row: Row | None) -> None:
        if len(self._known) >= CACHED:
            self._known.clear()
        self._known[kind, name] = row

    def _flush(self, kind: type[Row]) -> None:
        """Writes what waits of one kind. Whoever asked for it has no part in these rows: if they cannot be written, that
        is nobody's command but the store's failure, and they are kept."""
        if kind in self._done:
            try:
                self._write(kind, self._done[kind])
            except Exception:
                self.failed = True
                raise
            del self._done[kind]

    def _write(self, kind: type[Row], rows: Mapping[str, _Put]) -> None:
        of = table(kind)
        (last,) = self._connection.execute(f"SELECT coalesce(max(place), 0) FROM {of.name}").fetchone()
        places, there = itertools.count(last + 1), self._there(of, tuple(rows))
        placed = [(0 if key in there else next(places), *put.values) for key, put in rows.items()]
        insert(self._connection, of.into, placed, of.on_conflict)

    def _there(self, of: Table, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have a row, which stays in its place: places have no gaps."""
        found: set[str] = set()
        for some, start in _cut(len(keys)):
            query = f"SELECT key FROM {of.name} WHERE key IN ({', '.join('?' * some)})"
            found.update(key for (key,) in self._connection.execute(query, keys[start : start + some]))
        return found


@dataclass(frozen=True, slots=True)
class _Put:
    row: Row
    values: tuple[Any, ...]
