"""Who may come in: accounts, sessions, tokens and one-time links, in a file of their own.

None of this is a fact: a session says nothing that a court or a replay could ask for. Secrets are kept as SHA-256
digests (they are random, so a fast hash is enough) and passwords as argon2id hashes, so the file lets nobody in.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from usufruct.core.base.instants import Instant

_TABLES = """
CREATE TABLE IF NOT EXISTS account (party TEXT PRIMARY KEY, role TEXT NOT NULL, hash TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secret (
    kind TEXT NOT NULL, digest BLOB NOT NULL, party TEXT NOT NULL, role TEXT NOT NULL, scopes TEXT NOT NULL,
    until TEXT NOT NULL, label TEXT NOT NULL, PRIMARY KEY (kind, digest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS secret_of ON secret (party, kind);
CREATE INDEX IF NOT EXISTS secret_until ON secret (kind, until);
CREATE TABLE IF NOT EXISTS subject (
    issuer TEXT NOT NULL, subject TEXT NOT NULL, party TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;
"""

KNOWN = 1_024  # secrets that are not looked up again
AT_ONCE = 64  # secrets that have run out and are forgotten for each that is added


class SqliteLogins:
    """`ports.Logins` in one SQLite file, which one process opens at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, bytes], tuple[str, str, str, Instant]] = {}  # secrets as they were last looked up
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.executescript(_TABLES)

    def set_password(self, party: str, role: str, hashed: str) -> None:
        """Gives a party an account, or another password."""
        self._do("INSERT OR REPLACE INTO account VALUES (?, ?, ?)", party, role, hashed)

    def password(self, party: str) -> tuple[str, str] | None:
        """Role and hash."""
        rows = self._do("SELECT role, hash FROM account WHERE party = ?", party)
        return (rows[0][0], rows[0][1]) if rows else None

    def add_secret(
        self, kind: str, digest: bytes, party: str, role: str, scopes: str, until: Instant, label: str
    ) -> None:
        """Keeps the digest of a session, token or one-time link."""
        self._do("INSERT INTO secret VALUES (?, ?, ?, ?, ?, ?, ?)", kind, digest, party, role, scopes, until, label)

    def secret(self, kind: str, digest: bytes) -> tuple[str, str, str, Instant] | None:
        """Party, role, scopes and end."""
        with self._lock:
            found = self._known.get((kind, digest))
            if found is None:
                query = "SELECT party, role, scopes, until FROM secret WHERE kind = ? AND digest = ?"
                row = self._connection.execute(query, (kind, digest)).fetchone()
                if row is None:
                    return None
                if len(self._known) >= KNOWN:
                    self._known.clear()
                found = self._known[kind, digest] = row[0], row[1], row[2], Instant(row[3])
            return found

    def drop_secret(self, kind: str, digest: bytes) -> bool:
        """Forgets it; whether it was there."""
        with self._lock:
            self._known.pop((kind, digest), None)  # before and not after: if the file fails, it is not believed either
            return bool(self._run("DELETE FROM secret WHERE kind = ? AND digest = ? RETURNING 1", kind, digest))

    def drop_ended(self, kind: str, at: Instant) -> None:
        """Forgets some that have run out."""
        some = "SELECT digest FROM secret WHERE kind = ? AND until <= ? LIMIT ?"
        self._do(f"DELETE FROM secret WHERE kind = ? AND digest IN ({some})", kind, kind, at, AT_ONCE)

    def link_subject(self, issuer: str, subject: str, party: str, role: str) -> None:
        """Lets who logs in at `issuer` as `subject` into the account of a party."""
        self._do("INSERT OR REPLACE INTO subject VALUES (?, ?, ?, ?)", issuer, subject, party, role)

    def linked(self, issuer: str, subject: str) -> tuple[str, str] | None:
        """Party and role."""
        rows = self._do("SELECT party, role FROM subject WHERE issuer = ? AND subject = ?", issuer, subject)
        return (rows[0][0], rows[0][1]) if rows else None

    def subjects(self, party: str) -> list[tuple[str, str, str]]:
        """Issuer, subject and role."""
        return [(i, s, r) for i, s, r in self._do("SELECT issuer, subject, role FROM subject WHERE party = ?", party)]

    def unlink_subjects(self, party: str) -> None:
        """Forgets every link to a party's account."""
        self._do("DELETE FROM subject WHERE party = ?", party)

    def forget(self, party: str) -> None:
        """Forgets a party's password, links and secrets, and wipes them."""
        self._do("DELETE FROM account WHERE party = ?", party)
        self.unlink_subjects(party)
        with self._lock:
            self._known.clear()
            self._run("DELETE FROM secret WHERE party = ?", party)

    def secrets(self, kind: str, party: str) -> list[tuple[bytes, str, str, Instant]]:
        """Digest, label, scopes and end of all of a party's secrets of that kind."""
        rows = self._do("SELECT digest, label, scopes, until FROM secret WHERE party = ? AND kind = ?", party, kind)
        return [(bytes(digest), label, scopes, Instant(until)) for digest, label, scopes, until in rows]

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def _do(self, statement: str, *values: str | bytes | int) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._run(statement, *values)

    def _run(self, statement: str, *values: str | bytes | int) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()
