"""Where tables come from: files of several kinds, and PostgreSQL databases. A steward types one of

    visits.csv                              also .tsv, .txt, .parquet, .arrow, .feather, .ipc
    clinic.db#visits                        a table in a DuckDB or SQLite file (.db, .duckdb, .sqlite, .sqlite3)
    postgresql://reader@db.example/clinic#public.visits
    env:CLINIC#public.visits                the same, with the address in an environment variable

A file or database with one table needs no name. The version of a table is a digest of the bytes that were read: of the
whole file, or of the rows that a database gave.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from usufruct.core.base.faults import BadInput
from usufruct.engine import columnar, csvfile, databases
from usufruct.engine.columns import Loaded
from usufruct.ports import TableIn

KINDS = "CSV, Parquet, Arrow, DuckDB or SQLite"
_ADDRESSES = ("postgresql://", "postgres://")
_DATABASES = (".db", ".duckdb", ".sqlite", ".sqlite3")
_Load = Callable[[duckdb.DuckDBPyConnection, Path, Collection[str] | None], Loaded]
_LOADS: dict[str, _Load] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), csvfile.load),
    ".parquet": columnar.load_parquet,
    **dict.fromkeys((".arrow", ".feather", ".ipc"), columnar.load_arrow),
}

FILES = (*_LOADS, *_DATABASES)


def named(typed: str, table: str = "") -> Path | TableIn:
    """The table that somebody typed at a terminal means.

    Raises:
        BadInput: the address holds a password, or the variable that should hold it is not set.
    """
    place, mark, name = typed.rpartition("#") if not Path(typed).is_file() else (typed, "", "")
    place, name = (place, name) if mark else (typed, "")
    name = table or name
    if place.startswith("env:"):
        address = os.environ.get(place[4:], "")
        if not address.startswith(_ADDRESSES):
            raise BadInput(
                "input.table", f"the environment variable `{place[4:]}` holds no address of a PostgreSQL database",
                "set it to postgresql://user@host/database",
            )  # fmt: skip
        return TableIn(address, name)
    if place.startswith(_ADDRESSES):
        _check_no_password(place)
        return TableIn(place, name)
    return TableIn(Path(place), name) if name else Path(place)


def called(source: Path | TableIn) -> str:
    """What to call a table for a start: its own name, or that of its file."""
    if isinstance(source, Path):
        return source.stem
    return source.name.rpartition(".")[2] or (source.place.stem if isinstance(source.place, Path) else "table")


def _check_no_password(address: str) -> None:
    """Raises BadInput if an address holds a password: whoever is on the machine sees what is typed."""
    try:
        parts = urlsplit(address)
        held = parts.password is not None or "password=" in unquote(parts.query).lower()
    except ValueError:
        held = True
    if held:
        raise BadInput(
            "input.table", "the address holds a password, or cannot be read",
            "leave it out, and keep it in ~/.pgpass or in an environment variable: PGPASSWORD, or env:NAME for all of it",
        )  # fmt: skip


def check(source: Path | TableIn) -> None:
    """Raises BadInput if there is no such file, or it is of another kind."""
    file, name = (source.place, source.name) if isinstance(source, TableIn) else (source, "")
    if isinstance(file, str):
        return
    if not file.is_file():
        raise BadInput("input.table", f"there is no file `{file.name}`", f"name a {KINDS} file")
    if file.suffix.lower() not in FILES:
        raise BadInput(
            "input.table",
            f"`{file.name}` is not {KINDS}",
            f"name a file that ends in {', '.join(FILES)}",
        )
    if name and file.suffix.lower() not in _DATABASES:
        raise BadInput("input.table", f"`{file.name}` is one table, and has none named `{name}`", "name the file alone")
    if not os.access(file, os.R_OK):
        raise BadInput("input.table", f"`{file.name}` may not be read", "give the node leave to read the file")


def load(
    connection: duckdb.DuckDBPyConnection, source: Path | TableIn, wanted: Collection[str] | None = None
) -> Loaded:
    """Reads the `wanted` columns of a table, or all that hold plain values, into `raw`; see `engine.columns`.

    Raises:
        BadInput: it cannot be read, or was changed meanwhile.
    """
    check(source)
    file, name = (source.place, source.name) if isinstance(source, TableIn) else (source, "")
    connection.execute("SET TimeZone = 'UTC'")  # or an instant would be spelt as on this machine
    if isinstance(file, str):
        return _load_postgres(connection, file, name, wanted)
    before = _state(file)
    with file.open("rb") as opened:
        version = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    if file.suffix.lower() in _DATABASES:
        loaded = databases.load(connection, file, name, wanted)
        version = hashlib.sha256(f"{version}#{loaded.table}".encode()).hexdigest()[:16]  # a file may hold several
    else:
        loaded = _LOADS[file.suffix.lower()](connection, file, wanted)
    if _state(file) != before:
        raise BadInput(
            "input.table", f"`{file.name}` was changed while it was read", "take a copy of it, and name that"
        )
    return replace(loaded, version=version)


def _state(file: Path) -> tuple[int, ...]:
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _load_postgres(
    connection: duckdb.DuckDBPyConnection, address: str, name: str, wanted: Collection[str] | None
) -> Loaded:
    try:
        from usufruct.engine import pgtable
    except ImportError:
        raise BadInput(
            "input.table", "PostgreSQL needs the extra `pg`", "install it with `pip install usufruct[pg]`"
        ) from None
    return pgtable.load(connection, address, name, wanted)
