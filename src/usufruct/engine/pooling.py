"""The table of a pool: made empty, and written anew with the rows that a member brings.

Like the table of an erasure (see `removal`) the new one lies beside the old one until the fact that names its digest is
recorded. A member's rows keep the draw that her cell gave them, which depends on nobody else; what her cell holds beyond
the columns that are brought stays there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

from usufruct.core.base.faults import EngineFault, StoreFull
from usufruct.core.registry.facts import Column
from usufruct.engine.columns import STORED_AS, quoted
from usufruct.engine.intake import sync
from usufruct.engine.removal import write_beside


def found(columns: Sequence[Column], target: Path) -> str:
    """Writes a table without rows, whole or not at all; returns its SHA-256.

    Raises:
        StoreFull: the disk is full.
    """
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    typed = "".join(f", {quoted(column.name)} {STORED_AS[column.type]}" for column in columns)
    try:
        with duckdb.connect(partial) as connection:
            connection.execute(f"CREATE TABLE asset (_person INTEGER, _draw USMALLINT{typed})")
        sync(partial)
        with partial.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        partial.rename(target)
        sync(target.parent)
    except (duckdb.Error, OSError):
        partial.unlink(missing_ok=True)
        raise StoreFull(
            "node.full",
            "the pool could not be written to the node's data folder",
            "free some space; nothing was founded",
        ) from None
    return digest


def bring(pool: Path, columns: Sequence[Column], cell: Path, brought: Sequence[Column], number: int) -> str:
    """Writes a pool's table beside it with the rows of a cell as those of person `number`, who has no others in it; the
    columns `brought` become those of the pool, in their order. Returns the SHA-256.

    Raises:
        EngineFault: a table cannot be read, or the disk is full.
    """
    theirs = "".join(f", {quoted(column.name)}" for column in columns)
    hers = "".join(f", {_as(wanted, has)}" for wanted, has in zip(columns, brought, strict=True))
    query = (
        f"SELECT _person, _draw{theirs} FROM old.asset WHERE _person <> ? "
        f"UNION ALL SELECT ?::INTEGER, _draw{hers} FROM cell.asset"
    )
    fault = EngineFault(
        "engine.data", f"`{pool.stem}` could not be written with the rows of a new member",
        "look at the node's data folder and the space on its disk, then join again",
    )  # fmt: skip
    return write_beside(pool, query, [number, number], fault, cell)


def _as(wanted: Column, has: Column) -> str:
    """SQL for a column of a cell as the pool keeps it; a number that is too large for that is left out."""
    finer = wanted.decimals - has.decimals
    return f"TRY_CAST({quoted(has.name)}::HUGEINT * {10**finer} AS BIGINT)" if finer else quoted(has.name)
