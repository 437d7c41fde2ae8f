"""What a witness has signed for, in one SQLite file: its logs, and for each the last checkpoint it put its name under.

This file must never be set back. A witness that forgot what it signed last would sign a second history, which is the one
thing it is there to prevent; so every change is synced to disk before the signature leaves, and a change is made only if
what it was decided on still stands, even if two processes serve the same directory.
"""

from __future__ import annotations

from pathlib import Path

from usufruct.attested import Cosigned
from usufruct.store.beside import BesideFile

_TABLES = """
CREATE TABLE IF NOT EXISTS log (origin TEXT NOT NULL, vkey TEXT NOT NULL, PRIMARY KEY (origin, vkey)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cosigned (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, time INTEGER NOT NULL, note TEXT NOT NULL
) WITHOUT ROWID;
"""


class SqliteWitnessed:
    """`attested.Witnessed` in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._file = BesideFile(path, _TABLES)

    def add_key(self, origin: str, vkey: str) -> bool:
        """Trusts another key for a log; whether it is new."""
        added = self._file.do("INSERT OR IGNORE INTO log VALUES (?, ?) RETURNING 1", origin, vkey)
        return bool(added)

    def keys(self, origin: str) -> list[str]:
        """The keys that are trusted for a log; none if it is not known."""
        return [vkey for (vkey,) in self._file.do("SELECT vkey FROM log WHERE origin = ?", origin)]

    def origins(self) -> list[str]:
        """The logs that are known."""
        return [origin for (origin,) in self._file.do("SELECT DISTINCT origin FROM log ORDER BY origin")]

    def last(self, origin: str) -> Cosigned | None:
        """What was signed last for a log."""
        rows = self._file.do("SELECT size, time, note FROM cosigned WHERE origin = ?", origin)
        return Cosigned(*rows[0]) if rows else None

    def put(self, origin: str, before: Cosigned | None, after: Cosigned) -> bool:
        """Puts `after` in the place of `before`, if that still stands there; whether it did."""
        values = (after.size, after.time, after.note, origin)
        if before is None:
            done = self._file.do(
                "INSERT OR IGNORE INTO cosigned (size, time, note, origin) VALUES (?, ?, ?, ?) RETURNING 1", *values
            )
        else:
            done = self._file.do(
                "UPDATE cosigned SET size = ?, time = ?, note = ? WHERE origin = ? AND note = ? RETURNING 1",
                *values,
                before.note,
            )
        return bool(done)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()
