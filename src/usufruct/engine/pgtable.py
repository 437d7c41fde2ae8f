"""Tables in PostgreSQL databases, as they are at one moment.

What is read is one plain table, in a read-only transaction that sees one snapshot. The server and its tables may belong to
somebody else: nothing of theirs is run in the reader's name that is more than the table. Views and foreign tables are
refused, for they run what their owner wrote; names are looked up nowhere but in the system's own catalogue; row-level
security that would leave rows out without a word is an error. Only the columns of the card are read.

The bytes that are digested are the rows as the server's COPY writes them, in the order of the primary key, or of all
columns if there is none; so the same rows are the same version, wherever they lie on the disk. It is streamed: neither
the table nor a copy of it in a file is ever held.

The address may hold a password, so it is never shown, neither in messages nor in logs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

import duckdb
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pyarrow import csv

from usufruct.core.base.faults import BadInput
from usufruct.engine.columns import Loaded, check_names, put_batches, sorted_out

SECONDS = 15  # for reaching a server, and for a lock that somebody else holds
BLOCK_BYTES = 16 * 2**20  # of a row at most
_KINDS = {
    "bool": "BOOLEAN", "int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "float4": "FLOAT", "float8": "DOUBLE",
    "numeric": "DECIMAL(38,0)", "text": "VARCHAR", "varchar": "VARCHAR", "bpchar": "VARCHAR", "name": "VARCHAR",
    "date": "DATE", "time": "TIME", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP WITH TIME ZONE", "uuid": "UUID",
}  # fmt: skip
_SETTINGS = {
    "search_path": "", "row_security": "off", "TimeZone": "UTC", "DateStyle": "ISO", "extra_float_digits": "1",
    "client_encoding": "UTF8", "lock_timeout": f"{SECONDS}s",
}  # fmt: skip
_TABLES = (
    "SELECT n.nspname, c.relname, c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
    "AND n.nspname NOT LIKE 'pg\\_toast%%' AND NOT c.relispartition ORDER BY 1, 2"
)
_FOREIGN = (
    "WITH RECURSIVE below AS (SELECT %s::pg_catalog.oid AS oid UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i "
    "JOIN below b ON i.inhparent = b.oid) "
    "SELECT c.relname FROM pg_catalog.pg_class c JOIN below b ON c.oid = b.oid WHERE c.relkind NOT IN ('r', 'p', 'm')"
)
_COLUMNS = (
    "WITH RECURSIVE base AS (SELECT a.attnum, a.attname, a.attgenerated, a.attcollation, a.atttypid AS type "
    "FROM pg_catalog.pg_attribute a WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped "
    "UNION SELECT b.attnum, b.attname, b.attgenerated, b.attcollation, t.typbasetype FROM base b "
    "JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd') "
    "SELECT b.attname, b.attgenerated, b.attcollation <> 0, t.typtype, t.typname, n.nspname, "
    "coalesce(pg_catalog.array_position(k.indkey::pg_catalog.int2[], b.attnum), -1) "
    "FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
    "LEFT JOIN pg_catalog.pg_index k ON k.indrelid = %(table)s AND k.indisprimary "
    "WHERE t.typtype <> 'd' ORDER BY b.attnum"
)
_HELD = {"r": "a range", "c": "a row", "m": "ranges", "p": "nothing that has a type"}


def load(connection: duckdb.DuckDBPyConnection, address: str, table: str, wanted: Collection[str] | None) -> Loaded:
    """Reads a table of the database at an address into `raw`; without a name the only one."""
    try:
        with _connected(address) as theirs:
            return _load(connection, theirs, table, wanted)
    except psycopg.ProgrammingError as error:  # what the server refuses is said by it, an address is not repeated
        said = error.diag.message_primary
        raise _unreadable(said or "its address cannot be read") from None
    except psycopg.Error as error:
        raise _unreadable(_without_secrets(error.diag.message_primary or str(error), address)) from None
    except pa.ArrowException as error:
        raise _unreadable(str(error).splitlines()[0][:200]) from None


def _connected(address: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        address, autocommit=False, application_name="usufruct", connect_timeout=SECONDS, keepalives_idle=5,
        keepalives_interval=5, keepalives_count=2,
    )  # fmt: skip


def _load(
    connection: duckdb.DuckDBPyConnection, theirs: psycopg.Connection[Any], table: str, wanted: Collection[str] | None
) -> Loaded:
    theirs.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    theirs.read_only = True
    for name, value in _SETTINGS.items():
        theirs.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, value])
    schema, name, oid = _one(theirs, table)
    for (foreign,) in theirs.execute(_FOREIGN, [oid]):
        raise _unreadable(f"`{foreign}`, a part of `{name}`, lies on another server")
    columns = {row[0]: row[1:] for row in theirs.execute(cast(Any, _COLUMNS), {"table": oid})}
    check_names(columns, name)
    kinds = {column: _kind(*row[:5]) for column, row in columns.items()}
    chosen, odd = sorted_out(kinds, wanted)
    digest = hashlib.sha256("\n".join(["usufruct table 1", *chosen, ""]).encode())
    copied = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, NULL '\\N', FORCE_QUOTE *)").format(
        _query(schema, name, columns, kinds, chosen)
    )
    with theirs.cursor() as cursor, cursor.copy(copied) as copy:
        texts = pa.schema([(column, pa.string()) for column in chosen])
        put_batches(connection, texts, _batches(_Copied(iter(copy), digest), texts), chosen)
    return Loaded(tuple(columns), {column: kinds[column] for column in chosen}, odd, digest.hexdigest()[:16])


def _one(theirs: psycopg.Connection[Any], table: str) -> tuple[str, str, int]:
    """The table that is meant, of those there are: its schema, name and number."""
    found = {f"{schema}.{name}": (schema, name, oid) for schema, name, oid in theirs.execute(cast(Any, _TABLES))}
    for meant in (table, f"public.{table}"):
        if meant in found:
            return found[meant]
    if not table and len(found) == 1:
        return next(iter(found.values()))
    raise BadInput(
        "input.table", f"the database has no table `{table}`" if table else f"the database holds {len(found)} tables",
        f"name one, as in `#public.TABLE`; views and foreign tables are not taken in. Its tables: "
        f"{', '.join(list(found)[:20]) or 'none'}",
    )  # fmt: skip


def _kind(generated: str, collated: bool, typtype: str, type: str, schema: str) -> str:
    """DuckDB's name for a type of plain values; the server's own, or what it holds, for any other."""
    if generated == "v":
        return "what is worked out"
    if typtype == "e":
        return "VARCHAR"
    return _KINDS.get(type, type) if schema == "pg_catalog" and typtype == "b" else _HELD.get(typtype, type)


def _query(
    schema: str, name: str, columns: Mapping[str, Any], kinds: Mapping[str, str], chosen: Collection[str]
) -> sql.Composed:
    """The columns of a table in an order that does not depend on where its rows lie."""
    key = sorted((row[5], column) for column, row in columns.items() if row[5] >= 0)
    order = [column for _, column in key] or list(chosen)
    read = [
        sql.SQL("{}::pg_catalog.text").format(sql.Identifier(c)) if kinds[c] == "BOOLEAN" else sql.Identifier(c)
        for c in chosen
    ]
    by = [
        sql.SQL('{} COLLATE pg_catalog."C"').format(sql.Identifier(c)) if columns[c][1] else sql.Identifier(c)
        for c in order
    ]
    return sql.SQL("SELECT {} FROM {} {}").format(
        sql.SQL(", ").join(read), sql.Identifier(schema, name),
        sql.SQL("ORDER BY {}").format(sql.SQL(", ").join(by)) if by else sql.SQL(""),
    )  # fmt: skip


class _Copied:
    """What COPY sends, digested on the way, as a file that can be read from."""

    closed = False

    def __init__(self, pieces: Iterator[Any], digest: Any) -> None:
        self._pieces, self._digest, self._kept = pieces, digest, b""

    def read(self, size: int) -> bytes:
        """So many bytes; fewer at the end only."""
        found, length = [self._kept], len(self._kept)
        while length < size and (piece := bytes(next(self._pieces, b""))):
            self._digest.update(piece)
            found.append(piece)
            length += len(piece)
        whole = b"".join(found)
        self._kept = whole[size:]
        return whole[:size]

    def starts(self) -> bool:
        """Whether there is a first byte."""
        first = self.read(1)
        self._kept = first + self._kept
        return bool(first)


def _batches(copied: _Copied, texts: pa.Schema) -> Iterator[pa.RecordBatch]:
    if copied.starts():  # else there is no row, which Arrow takes for a fault
        yield from csv.open_csv(
            pa.PythonFile(copied, mode="r"),
            csv.ReadOptions(column_names=texts.names, block_size=BLOCK_BYTES),
            csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=texts, null_values=["\\N"], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )


def _unreadable(reason: str) -> BadInput:
    return BadInput(
        "input.table", f"the database cannot be read from: {' '.join(reason.split())[:300]}",
        "look at the address, the server and what its user may read; nothing was taken in",
    )  # fmt: skip


def _without_secrets(text: str, address: str) -> str:
    for secret in (conninfo_to_dict(address).get("password"), os.environ.get("PGPASSWORD")):
        text = text.replace(str(secret), "…") if secret else text
    return text
