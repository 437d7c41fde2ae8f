"""What others said of our checkpoints, in a file of its own: witnesses' last words, and time stamps.

None of it is a fact: the journal is whole without it, and it can be asked for again (a new time stamp says a later time).
Of a witness only the last word is kept, for the largest tree it signed covers all before; likewise only the newest
checkpoint that had a quorum.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from usufruct.attested import Timestamp
from usufruct.core.base.instants import Instant
from usufruct.store.beside import BesideFile

_TABLES = """
CREATE TABLE IF NOT EXISTS cosignature (
    witness TEXT PRIMARY KEY, size INTEGER NOT NULL, line TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS witnessed (place INTEGER PRIMARY KEY CHECK (place = 0), note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS timestamp (
    size INTEGER PRIMARY KEY, at TEXT NOT NULL, note TEXT NOT NULL, token BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS again (place INTEGER PRIMARY KEY CHECK (place = 0), at TEXT NOT NULL);
"""


class SqliteAttestations:
    """`attested.Attestations` in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._file = BesideFile(path, _TABLES)

    def cosignatures(self) -> dict[str, tuple[int, str]]:
        """Size and line of each witness's last word, by its key."""
        rows = self._file.do("SELECT witness, size, line FROM cosignature")
        return {witness: (size, line) for witness, size, line in rows}

    def keep_cosignature(self, witness: str, size: int, line: str) -> None:
        """Keeps a witness's word in place of the one before."""
        self._file.do("INSERT OR REPLACE INTO cosignature VALUES (?, ?, ?)", witness, size, line)

    def witnessed(self) -> str | None:
        """The newest checkpoint that had a quorum."""
        rows = self._file.do("SELECT note FROM witnessed")
        return str(rows[0][0]) if rows else None

    def keep_witnessed(self, note: str) -> None:
        """Keeps a checkpoint with a quorum under it, in place of the one before."""
        self._file.do("INSERT OR REPLACE INTO witnessed VALUES (0, ?)", note)

    def timestamps(self) -> list[tuple[int, Instant]]:
        """Size and moment of every time stamp, oldest first."""
        return [(size, Instant(at)) for size, at in self._file.do("SELECT size, at FROM timestamp ORDER BY size")]

    def timestamp(self, size: int) -> Timestamp | None:
        """The time stamp of the checkpoint of that size."""
        rows = self._file.do("SELECT size, at, note, token FROM timestamp WHERE size = ?", size)
        return Timestamp(*rows[0]) if rows else None

    def keep_timestamp(self, stamp: Timestamp) -> None:
        """Keeps a time stamp; the first of a size stays, for it says the earlier time."""
        self._file.do(
            "INSERT OR IGNORE INTO timestamp VALUES (?, ?, ?, ?)", stamp.size, stamp.at, stamp.note, stamp.token
        )

    def again(self) -> Instant | None:
        """When a time stamp may be asked for again."""
        rows = self._file.do("SELECT at FROM again")
        return Instant(rows[0][0]) if rows else None

    def keep_again(self, at: Instant) -> None:
        """Keeps when a time stamp may be asked for again."""
        self._file.do("INSERT OR REPLACE INTO again VALUES (0, ?)", at)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


def witnessed(path: Path) -> str | None:
    """The newest checkpoint that had a quorum, from the file of a node that another process may have open."""
    if not path.exists():
        return None
    with contextlib.closing(SqliteAttestations(path)) as attestations:
        return attestations.witnessed()
