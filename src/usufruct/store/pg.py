"""A connection to PostgreSQL that is spoken to as SQLite is: the few words that differ are translated here.

The address of a database may hold a password, so it is never shown: neither in messages nor in logs.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict

from usufruct.core.base.faults import BadInput, Fault, JournalDamaged, NodeFault, StoreFull
from usufruct.store.sql import script

OLDEST = 140_000  # 14: idle sessions can be ended by the server
_SILENT_SECONDS = 15  # a server that does not answer for so long is taken for dead
_STREAMED = 2000  # rows that a stream fetches at once

_TYPES = {
    "INTEGER": "BIGINT",
    "BLOB": "BYTEA",
    "TEXT": 'TEXT COLLATE "C"',  # the order of bytes, which no update of the system's locales changes
    "WITHOUT ROWID": "",
}


@cache
def translated(query: str) -> str:
    """A statement as PostgreSQL spells it."""
    if "CREATE TABLE" in query:
        query = re.sub("|".join(_TYPES), lambda found: _TYPES[found.group()], query)
    return query.replace("?", "%s")


def address_of(setting: str) -> str:
    """The address in a setting; `env:NAME` means the one in that environment variable.

    Raises:
        BadInput: there is none, or it is not one of a PostgreSQL database.
    """
    address = setting
    if setting.startswith("env:"):
        address = os.environ.get(setting[4:], "")
        if not address:
            raise BadInput(
                "input.store", f"the environment variable `{setting[4:]}` does not say where the store is",
                "set it to the address of a PostgreSQL database, postgresql://user@host/database",
            )  # fmt: skip
    if not address.startswith(("postgresql://", "postgres://")):
        raise BadInput(
            "input.store", "the store's address is not one of PostgreSQL",
            "write postgresql://user@host/database, or env:NAME for an environment variable that holds it",
        )  # fmt: skip
    return address


class PgConnection:
    """`tables.Connection` to the database at an address; `writes` is for the one who may write.

    Raises:
        BadInput: the address cannot be read.
        NodeFault: the database cannot be reached, or is older than can be used.
    """

    def __init__(self, address: str, writes: bool = False) -> None:
        try:
            self.raw = psycopg.connect(
                address,
                autocommit=True,
                application_name="usufruct",
                connect_timeout=_SILENT_SECONDS,
                keepalives_idle=5,
                keepalives_interval=5,
                keepalives_count=2,
                tcp_user_timeout=_SILENT_SECONDS * 1000,
            )
        except psycopg.ProgrammingError:
            raise BadInput(
                "input.store", "the store's address cannot be read", "write postgresql://user@host/database"
            ) from None
        except psycopg.OperationalError as error:
            raise NodeFault(
                "node.store", f"the database cannot be reached: {_without_secrets(str(error), address)}",
                "look at the server and at the address in `node.toml`",
            ) from None  # fmt: skip
        if self.raw.info.server_version < OLDEST:
            self.close()
            raise NodeFault("node.store", "the PostgreSQL server is older than 14", "use a newer server")
        self.execute("SET synchronous_commit = on")
        self.execute(f"SET default_transaction_read_only = {'off' if writes else 'on'}")
        self._names = itertools.count()

    def execute(self, query: str, values: Sequence[Any] = (), /) -> Any:
        """Runs one statement."""
        return self.raw.execute(cast(Any, translated(query)), values or None, binary=True)

    def executemany(self, query: str, rows: Sequence[Any], /) -> None:
        """Runs it once for each row."""
        if rows:
            with self.raw.cursor() as cursor:
                cursor.executemany(cast(Any, translated(query)), rows)

    def stream(self, query: str) -> Iterator[Any]:
        """The rows of a query that may be too many to hold at once; inside a transaction."""
        with self.raw.cursor(f"stream_{next(self._names)}") as cursor:
            cursor.itersize = _STREAMED
            yield from cursor.execute(cast(Any, translated(query)), binary=True)

    def copy(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Writes many rows into a table."""
        with self.raw.cursor() as cursor, cursor.copy(cast(Any, f"COPY {table} FROM STDIN")) as copy:
            for row in rows:
                copy.write_row(row)

    @property
    def gone(self) -> bool:
        """Whether nothing more can be asked of it."""
        return self.raw.closed

    def end(self) -> None:
        """Ends a transaction in which nothing was written."""
        self.execute("COMMIT")  # for at a ROLLBACK the driver forgets its prepared statements

    def close(self) -> None:
        """Lets go; what was not committed is undone."""
        self.raw.close()


def begin_reading(connection: PgConnection) -> None:
    """Opens a transaction that sees one moment, in which the state is not being folded again; see `keep_readers_out`."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    connection.execute("LOCK TABLE meta IN ACCESS SHARE MODE")  # before the first query, which chooses the moment


def keep_readers_out(connection: PgConnection) -> None:
    """Waits until nobody reads, and lets nobody begin to until the transaction ends.

    For who drops tables and makes them anew: whatever moment a reader sees, she would find the new tables, and nothing in
    them.
    """
    connection.execute("LOCK TABLE meta IN ACCESS EXCLUSIVE MODE")


def create(connection: PgConnection) -> None:
    """The empty tables of a journal, with the triggers that keep it append-only; the caller opens a transaction."""
    tables, _, _ = script().partition("CREATE TRIGGER")
    for text in (tables, _own_script()):
        connection.raw.execute(cast(Any, translated(text)))


def is_created(connection: PgConnection) -> bool:
    """Whether the tables of a journal are there."""
    return bool(connection.execute("SELECT to_regclass('journal') IS NOT NULL").fetchone()[0])


def flaws(connection: PgConnection) -> Iterator[str]:
    """What is not as it was made among that which keeps the journal append-only."""
    wanted = {
        name: " ".join(f"CREATE TRIGGER {name} {rest}".split())
        for name, rest in re.findall(r"CREATE TRIGGER (\w+) ([^;]+);", _own_script())
    }
    (source,) = re.findall(r"\$\$(.*)\$\$", _own_script(), re.DOTALL)
    query = (
        "SELECT tgname, pg_get_triggerdef(t.oid, true), tgenabled::text, prosrc FROM pg_trigger t "
        "JOIN pg_proc p ON p.oid = tgfoid WHERE NOT tgisinternal "
        "AND tgrelid IN (to_regclass('journal'), to_regclass('checkpoint'))"
    )
    found = {name: (text, enabled, body) for name, text, enabled, body in connection.execute(query)}
    for name in sorted(wanted.keys() | found.keys()):
        if found.get(name) != (wanted.get(name), "A", source):
            yield f"the trigger `{name}`, one of those that keep the journal append-only, is not as it was made"
    query = "SELECT rulename FROM pg_rules WHERE schemaname = ANY (current_schemas(false))"
    for (rule,) in connection.execute(query):
        yield f"the rule `{rule}`, which could turn what is written into something else, does not belong there"
    for (setting,) in connection.execute("SELECT name FROM pg_settings WHERE name = 'fsync' AND setting = 'off'"):
        yield f"the server runs with {setting} = off: what it says is written may be lost"


def fault_of(error: BaseException) -> BaseException:
    """What callers are told when PostgreSQL fails."""
    if isinstance(error, Fault) or not isinstance(error, psycopg.Error):
        return error
    said = (error.diag.message_primary or str(error)).splitlines()[0]
    if isinstance(error, psycopg.errors.DiskFull):
        return StoreFull(
            "node.full",
            "the disk is full; nothing of this was written",
            "free some space and ask again; nothing is lost",
        )
    if isinstance(error, psycopg.errors.DataCorrupted | psycopg.errors.IndexCorrupted):
        return JournalDamaged(
            "node.journal",
            f"the journal cannot be read: {said}",
            "run `usufruct journal verify`, then restore the node from a backup",
        )
    return NodeFault("node.store", f"the database failed: {said}", "look at the server, then ask again")


def _own_script() -> str:
    return resources.files(__package__).joinpath("postgres.sql").read_text(encoding="utf-8")


def _without_secrets(text: str, address: str) -> str:
    password = conninfo_to_dict(address).get("password")
    return " ".join((text.replace(str(password), "…") if password else text).split())
