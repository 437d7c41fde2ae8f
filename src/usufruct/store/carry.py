"""Carrying a journal from one place to another: into a backup, back from it, and between databases.

What is carried is what cannot be made again: facts, evidence, tree, checkpoints, and what epochs left. The state is not.
It holds names in plain, which a copy must not outlive; where the journal arrives, it is folded again. Whatever
arrives is compared with what left, byte by byte, before anybody relies on it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

from usufruct.core.base.faults import BadInput, JournalDamaged
from usufruct.ports import KeyRing
from usufruct.store import sql, sqlite
from usufruct.store.source import Source, SqliteSource

# What is carried: columns, and the order in which rows are compared.
CARRIED = {
    "journal": ("seq, kind, at, record, nonce, leaf, key", "seq"),
    "evidence": ("seal, media_type, salt, bytes", "seal"),
    "tree": ("level, idx, hash", "level, idx"),
    "checkpoint": ("size, note", "size"),
    "epoch": ("number, seed, slips, slips_room, counts, counts_room", "number"),
    "tally": ("key, count, head", "key"),
}


class Reads(Protocol):
    """Where rows can be read."""

    def select(self, query: str, *values: Any) -> Iterator[Any]:
        """Rows, one after another."""


def into_sqlite(source: Source, path: Path, keyring: KeyRing | None = None) -> None:
    """Writes the journal to a new file, whole or not at all; with its state, if the ring is given to fold it.

    Raises:
        BadInput: the file is there already.
        JournalDamaged: what arrived is not what left.
    """
    if path.exists():
        raise BadInput("input.store", f"there is a journal in `{path}` already", "move it away if it is not needed")
    partial = path.with_name(f"{path.name}.partial")
    _remove(partial)
    with contextlib.closing(sqlite.connect(partial)) as connection:
        sqlite.create(connection)
        connection.execute("BEGIN")
        for table, (columns, order) in CARRIED.items():
            places = ", ".join("?" * (columns.count(",") + 1))
            rows = source.select(f"SELECT {columns} FROM {table} ORDER BY {order}")
            connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)
        connection.execute("COMMIT")
        with contextlib.closing(SqliteSource(partial)) as arrived:
            check_same(source, arrived)
        if keyring:  # after it was compared, for folding takes the counts of persons whose keys are not there away
            sqlite.rebuild(connection, keyring)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")  # one file and no log beside it
    sync(partial)
    partial.rename(path)
    sync(path.parent)


def into_postgres(source: Source, setting: str, keyring: KeyRing) -> None:
    """Writes the journal to the empty database at the address in a setting, with its state, in one transaction.

    Raises:
        BadInput: there is a journal already, or the address is none.
        NodeBusy: a node is using the database.
        NodeFault: the database cannot be reached.
        JournalDamaged: what arrived is not what left.
    """
    from usufruct.store.pg import PgConnection, address_of, create, fault_of, is_created
    from usufruct.store.postgres import take_lock

    class Arrived:
        def select(self, query: str, *values: Any) -> Iterator[Any]:
            return connection.stream(query)

    connection = PgConnection(address_of(setting), writes=True)
    try:
        take_lock(connection, 0)
        connection.execute("BEGIN")
        if not is_created(connection):
            create(connection)
        elif connection.execute("SELECT 1 FROM journal LIMIT 1").fetchone():
            raise BadInput("input.store", "the database holds a journal already", "use an empty database")
        for table, (columns, order) in CARRIED.items():
            rows = source.select(f"SELECT {columns} FROM {table} ORDER BY {order}")
            connection.copy(f"{table} ({columns})", rows)
        check_same(source, Arrived())
        sql.refold(connection, keyring)
        connection.execute("COMMIT")
    except Exception as error:
        raise fault_of(error) from None
    finally:
        connection.close()


def check_same(left: Reads, arrived: Reads) -> None:
    """Compares everything that was carried. Raises JournalDamaged, naming the first row that differs."""
    for table, (columns, order) in CARRIED.items():
        query = f"SELECT {columns} FROM {table} ORDER BY {order}"
        pairs = zip_longest(left.select(query), arrived.select(query))
        for number, (one, other) in enumerate(pairs):
            if one != other:
                raise JournalDamaged(
                    "node.journal", f"row {number} of `{table}` did not arrive as it left",
                    "run `usufruct journal verify`; the journal is still where it was",
                )  # fmt: skip


def sync(path: Path) -> None:
    """Returns when a file, or a folder's list of files, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
