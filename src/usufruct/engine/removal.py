"""Taking one person's rows out of a stored table.

DuckDB keeps deleted rows in the file until something overwrites them, so the table is written anew without them. The new
file lies beside the old one until the fact that names its digest is recorded; then it takes its place.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from usufruct.core.base.faults import EngineFault
from usufruct.engine.intake import sync


def prepare(file: Path, number: int) -> str:
    """Writes the table without the person of that number beside `file`; returns the SHA-256 of the new file.

    Raises:
        EngineFault: the table cannot be read, or the disk is full.
    """
    fresh = _beside(file)
    fresh.unlink(missing_ok=True)
    old, new = (f"'{str(path).replace(chr(39), chr(39) * 2)}'" for path in (file, fresh))
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {old} AS old (READ_ONLY)")
            connection.execute(f"ATTACH {new} AS new")
            connection.execute("CREATE TABLE new.asset AS SELECT * FROM old.asset WHERE _person <> ?", [number])
            connection.execute("DETACH new")
        sync(fresh)
        with fresh.open("rb") as written:
            return hashlib.file_digest(written, "sha256").hexdigest()
    except (duckdb.Error, OSError):
        fresh.unlink(missing_ok=True)
        raise EngineFault(
            "engine.data", f"`{file.stem}` could not be written without the person's rows",
            "look at the node's data folder and the space on its disk, then erase again",
        ) from None  # fmt: skip


def put_in_place(file: Path) -> None:
    """Lets the prepared file take the old one's place; does nothing if it has already."""
    fresh = _beside(file)
    if fresh.exists():
        fresh.replace(file)
        sync(file.parent)


def _beside(file: Path) -> Path:
    return file.with_suffix(".erased")
