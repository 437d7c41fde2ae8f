"""Taking persons' rows out of a stored table; and how a stored table is written anew.

DuckDB keeps deleted rows in the file until something overwrites them, so the table is written anew without them. The new
file lies beside the old one until the fact that names its digest is recorded; then it takes its place. What no fact names,
because the node stopped before there was one, is thrown away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

from usufruct.core.base.faults import EngineFault
from usufruct.engine.intake import sync


def prepare(file: Path, numbers: Sequence[int]) -> str:
    """Writes the table without the persons of these numbers beside `file`; returns the SHA-256 of the new file.

    Raises:
        EngineFault: the table cannot be read, or the disk is full.
    """
    fault = EngineFault(
        "engine.data", f"`{file.stem}` could not be written without a person's rows",
        "look at the node's data folder and the space on its disk, then try again",
    )  # fmt: skip
    query = "SELECT * FROM old.asset WHERE _person NOT IN (SELECT unnest(?::INTEGER[]))"
    return write_beside(file, query, [list(numbers)], fault)


def write_beside(
    file: Path, query: str, values: Sequence[int | list[int]], fault: EngineFault, cell: Path | None = None
) -> str:
    """Writes what `query` finds in the table `old.asset`, and in that of a `cell`, as a new table beside `file`; returns
    the SHA-256 of the new file. Raises `fault` if it cannot."""
    fresh = beside(file)
    _discard(fresh)
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {_text(file)} AS old (READ_ONLY)")
            if cell is not None:
                connection.execute(f"ATTACH {_text(cell)} AS cell (READ_ONLY)")
            connection.execute(f"ATTACH {_text(fresh)} AS new")
            connection.execute(f"CREATE TABLE new.asset AS {query}", list(values))
            connection.execute("DETACH new")
        sync(fresh)
        return _digest(fresh)
    except (duckdb.Error, OSError):
        _discard(fresh)
        raise fault from None


def put_in_place(file: Path, stored: str) -> None:
    """Lets the prepared file of that SHA-256 take the old one's place; throws away any other."""
    fresh = beside(file)
    if fresh.exists() and _digest(fresh) == stored:
        fresh.replace(file)
        sync(file.parent)
    _discard(fresh)


def _digest(file: Path) -> str:
    with file.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def _discard(fresh: Path) -> None:
    fresh.unlink(missing_ok=True)
    fresh.with_name(f"{fresh.name}.wal").unlink(missing_ok=True)


def _text(path: Path) -> str:
    return f"'{str(path).replace(chr(39), chr(39) * 2)}'"


def beside(file: Path) -> Path:
    """Where a table that is written anew lies until it takes the place of the old one."""
    return file.with_suffix(".erased")
