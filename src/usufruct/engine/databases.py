"""Tables in DuckDB and SQLite files: plain tables of plain columns, from files that may have been made to harm.

Such a file is a program as much as a table: views, triggers, virtual tables, columns that are worked out when they are
read. Nothing of that is run. A DuckDB file is attached to a database of its own, which is locked before anything is read:
no other file, no network, no extension; its views and macros are never found, for names are looked up elsewhere. A SQLite
file is read by the standard library and not by an extension that would have to be fetched: as it lies on disk, with a
schema that is not trusted, and an authorizer that lets nothing pass but reading the one table.

A file that a program has open, or did not close, is refused: part of its rows lies beside it.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pyarrow as pa

from usufruct.core.base.faults import BadInput
from usufruct.engine.columns import FLOATS, INTEGERS, Loaded, check_names, literal, put_batches, quoted, sorted_out

BATCH_ROWS = 50_000
CELL_LIMIT = 2_000_000  # bytes, as in a CSV file
LEAST_ROW = 4  # bytes of a SQLite file that a row takes at least
ALONE = {
    "temp_directory": "", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
    "allow_community_extensions": "false", "python_enable_replacements": "false", "allow_persistent_secrets": "false",
}  # fmt: skip
_AS_THEY_ARE = INTEGERS - {"HUGEINT", "UHUGEINT"} | FLOATS | {"BOOLEAN", "VARCHAR", "DATE", "TIMESTAMP"}


def load(connection: duckdb.DuckDBPyConnection, file: Path, table: str, wanted: Collection[str] | None) -> Loaded:
    """Reads a table of a database file into `raw`; without a name the only one."""
    with file.open("rb") as opened:
        begins = opened.read(16)
    for beside in (f"{file}.wal", f"{file}-wal", f"{file}-journal"):
        if Path(beside).exists() and Path(beside).stat().st_size:
            raise BadInput(
                "input.table", f"`{file.name}` is in use, or was not closed: `{Path(beside).name}` holds more of it",
                "close it in the program that writes it, or take a copy with that program's own backup",
            )  # fmt: skip
    try:
        if begins == b"SQLite format 3\0":
            return _load_sqlite(connection, file, table, wanted)
        if begins[8:12] == b"DUCK":
            return _load_duckdb(connection, file, table, wanted)
    except (duckdb.Error, sqlite3.Error, sqlite3.Warning, pa.ArrowException) as error:
        raise _unreadable(file, str(error).replace(str(file), file.name)) from None
    raise _unreadable(file, "it is neither a DuckDB file nor a SQLite file")


def _unreadable(file: Path, reason: str) -> BadInput:
    return BadInput(
        "input.table", f"`{file.name}` cannot be read as a table: {(reason.splitlines() or [''])[0][:200]}",
        "check it with the program that wrote it, or write the table as Parquet; nothing was taken in",
    )  # fmt: skip


def _one(file: Path, names: Sequence[str], table: str) -> str:
    """The table that is meant, of those there are."""
    if table in names or (not table and len(names) == 1):
        return table or names[0]
    known = ", ".join(names[:20]) or "none"
    raise BadInput(
        "input.table",
        f"`{file.name}` has no table `{table}`" if table else f"`{file.name}` holds {len(names)} tables",
        f"name one, as in `{file.name}#TABLE`; views and virtual tables are not taken in. Its tables: {known}",
    )


def _load_duckdb(
    connection: duckdb.DuckDBPyConnection, file: Path, table: str, wanted: Collection[str] | None
) -> Loaded:
    with closing(duckdb.connect(config=dict(ALONE))) as theirs:
        theirs.execute(f"ATTACH {literal(str(file))} AS theirs (READ_ONLY)")
        theirs.execute("SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true")
        found = theirs.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'theirs' AND NOT internal "
            "ORDER BY schema_name, table_name"
        ).fetchall()
        places = {name if schema == "main" else f"{schema}.{name}": (schema, name) for schema, name in found}
        schema, name = places[_one(file, list(places), table)]
        described = theirs.execute(
            "SELECT column_name, data_type, is_generated FROM information_schema.columns "
            "WHERE table_catalog = 'theirs' AND table_schema = ? AND table_name = ? ORDER BY ordinal_position",
            [schema, name],
        ).fetchall()
        kinds = {column: kind if made == "NEVER" else "what is worked out" for column, kind, made in described}
        chosen, odd = sorted_out(kinds, wanted)
        # The rest as text: Arrow has no type for it, or not all of it.
        read = [quoted(c) if kinds[c] in _AS_THEY_ARE or kinds[c].startswith("DECIMAL") else f"{quoted(c)}::VARCHAR AS {quoted(c)}"
                for c in chosen]  # fmt: skip
        rows = theirs.sql(f"SELECT {', '.join(read) or '1'} FROM theirs.{quoted(schema)}.{quoted(name)}")
        reader = rows.to_arrow_reader(BATCH_ROWS)
        put_batches(connection, reader.schema, reader, chosen)
    return Loaded(tuple(kinds), {column: kinds[column] for column in chosen}, odd, table=f"{schema}.{name}")


def _load_sqlite(
    connection: duckdb.DuckDBPyConnection, file: Path, table: str, wanted: Collection[str] | None
) -> Loaded:
    with closing(
        sqlite3.connect(f"file:{quote(str(file))}?mode=ro&immutable=1", uri=True, isolation_level=None)
    ) as theirs:
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
            theirs.execute(f"PRAGMA {pragma}")
        theirs.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, CELL_LIMIT)
        theirs.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        plain = [row[1] for row in theirs.execute("PRAGMA main.table_list") if row[0] == "main" and row[2] == "table"]
        name = _one(file, sorted(one for one in plain if not one.startswith("sqlite_")), table)
        hidden = {row[1]: row[6] for row in theirs.execute(f"PRAGMA main.table_xinfo({quoted(name)})")}
        check_names(hidden, file.name)
        kinds = {column: "what is worked out" if how else "VARCHAR" for column, how in hidden.items()}
        chosen, odd = sorted_out(kinds, wanted)
        theirs.set_authorizer(_only(name))
        query = f"SELECT {', '.join(map(quoted, chosen)) or '1'} FROM main.{quoted(name)}"
        schema = pa.schema([(column, pa.string()) for column in chosen] or [("nothing", pa.string())])
        batches = _batches(theirs, query, schema, file)
        put_batches(connection, schema, batches, chosen)
    return Loaded(tuple(kinds), dict.fromkeys(chosen, "VARCHAR"), odd, table=name)


def _only(table: str) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    """An authorizer that lets a statement read one table, and do nothing else: no function, no other table, no setting."""

    def judge(action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
        reads = action == sqlite3.SQLITE_READ and (first, database, inner) == (table, "main", None)
        return sqlite3.SQLITE_OK if reads or action == sqlite3.SQLITE_SELECT else sqlite3.SQLITE_DENY

    return judge


def _batches(theirs: sqlite3.Connection, query: str, schema: pa.Schema, file: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a SQLite table, all text; no more of them than the file has room for."""
    cursor, most, before = theirs.execute(query), file.stat().st_size // LEAST_ROW, 0
    while rows := _fetched(theirs, cursor, query, schema.names):
        if before + len(rows) > most:  # pages that lead back to themselves
            raise _unreadable(file, "it has more rows than there is room for in it")
        cells = zip(schema.names, zip(*rows, strict=True), strict=True)
        yield pa.RecordBatch.from_arrays([_texts(column, name, before) for name, column in cells], schema=schema)
        before += len(rows)


def _fetched(theirs: sqlite3.Connection, cursor: sqlite3.Cursor, query: str, names: Sequence[str]) -> list[Any]:
    try:
        return cursor.fetchmany(BATCH_ROWS)
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
    theirs.text_factory = _Undecoded  # once more, for the row in which it is
    for number, row in enumerate(theirs.execute(query), 1):
        for name, cell in zip(names, row, strict=True):
            if isinstance(cell, _Undecoded) and not cell.is_text():
                raise BadInput(
                    "input.table", f"row {number}, column `{name}` is not in UTF-8",
                    "correct the cell; nothing was taken in",
                )  # fmt: skip
    raise AssertionError("a text that could not be decoded is in some row")


class _Undecoded(bytes):
    """A text as its bytes."""

    def is_text(self) -> bool:
        try:
            self.decode()
        except UnicodeDecodeError:
            return False
        return True


def _texts(cells: Sequence[Any], name: str, before: int) -> pa.Array:
    """Cells of a column as text; SQLite has a type for each cell and none for the column."""
    kinds = set(map(type, cells)) - {type(None)}
    if kinds <= {str}:
        return pa.array(cells, pa.string())
    if kinds == {int}:
        return pa.array(cells, pa.int64()).cast(pa.string())
    for number, cell in enumerate(cells, before + 1):
        if isinstance(cell, bytes) or (isinstance(cell, float) and math.isinf(cell)):
            what = "bytes" if isinstance(cell, bytes) else f"`{cell}`"
            raise BadInput(
                "input.table", f"row {number}, column `{name}`: {what} is no value that can be taken in",
                "correct the cell, or take the column off the card; nothing was taken in",
            )  # fmt: skip
    return pa.array([cell if cell is None or isinstance(cell, str) else repr(cell) for cell in cells], pa.string())
