"""A journal to be read as it lies, in one snapshot, beside whoever writes it: for the audit, backups and migration.

Nothing here takes the node's lock, and nothing can be written through it. Damage is to be found, not to stop at, so a
source also says what it raises when something cannot be read, and what is wrong with the tables themselves.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from usufruct.core.base.faults import BadInput
from usufruct.store import tables
from usufruct.store.sqlite import create

JOURNAL = "journal.sqlite"


class Source(Protocol):
    """A journal's tables at one moment."""

    @property
    def unreadable(self) -> tuple[type[Exception], ...]:
        """What reading damaged tables raises."""

    @property
    def connection(self) -> tables.Connection:
        """What to ask by itself."""

    def select(self, query: str, *values: Any) -> Iterator[Any]:
        """Rows, one after another; without values there may be very many."""

    def flaws(self) -> Iterator[tuple[str, bool]]:
        """What is wrong with tables, indexes and triggers, and whether the journal cannot be understood for it."""

    def inconsistencies(self) -> Iterator[str]:
        """What the database itself finds wrong with its files."""

    def close(self) -> None:
        """Lets go."""


@contextlib.contextmanager
def reading(directory: Path) -> Iterator[Source]:
    """The journal of a node directory, wherever its `node.toml` says that it is.

    Raises:
        BadInput: there is none.
        NodeFault: the database cannot be reached.
    """
    setting = setting_of(directory, "store")
    source: Source
    if setting:
        from usufruct.store.pgsource import PgSource  # takes an extra

        source = PgSource(setting)
    elif (directory / JOURNAL).is_file():
        source = SqliteSource(directory / JOURNAL)
    else:
        raise BadInput("input.directory", f"`{directory}` holds no journal", "name the directory of a node")
    with contextlib.closing(source):
        yield source


def setting_of(directory: Path, name: str) -> str:
    """A setting of `node.toml`; empty if it is not there."""
    try:
        found = tomllib.loads((directory / "node.toml").read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError):
        return ""
    return found if isinstance(found, str) else ""


class SqliteSource:
    """`Source` in a SQLite file.

    Reading beside a writer takes an index of the write-ahead log. Where nobody may make one, on a read-only disk, a
    journal without such a log is read as it lies.
    """

    unreadable = (sqlite3.DatabaseError, UnicodeError)  # the second, when the damage is quoted in SQLite's own message

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            self.connection.execute("SELECT 1 FROM sqlite_master")
        except sqlite3.OperationalError:
            if not path.with_name(f"{path.name}-wal").exists():
                self.connection.close()
                address = f"{path.resolve().as_uri()}?immutable=1"
                self.connection = sqlite3.connect(address, uri=True, isolation_level=None)
        except self.unreadable:
            pass  # every step will say so
        self.connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        self.connection.execute("BEGIN")

    def select(self, query: str, *values: Any) -> Iterator[Any]:
        """Rows, one after another."""
        return self.connection.execute(query, values)

    def flaws(self) -> Iterator[tuple[str, bool]]:
        """Tables, indexes and triggers that are not as they were made."""
        query = "SELECT type, name, tbl_name, sql FROM sqlite_master"
        with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as blank:
            create(blank)
            tables.create(blank)
            wanted = set(blank.execute(query))
        found = set(self.select(query))
        for kind, name, *_ in sorted(wanted - found, key=str):
            fatal = kind == "table" and not name.startswith("state_")
            yield f"the {kind} `{name}` is missing, or not as it was made", fatal
        for kind, name in sorted({item[:2] for item in found} - {item[:2] for item in wanted}, key=str):
            yield f"the {kind} `{name}` does not belong there", False

    def inconsistencies(self) -> Iterator[str]:
        """What SQLite finds."""
        for (line,) in self.select("PRAGMA integrity_check(10)"):
            if line != "ok":
                yield " ".join(line.split())

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()
