"""Other nodes' catalogues as they were last read, in a SQLite file of its own with a full-text index."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from usufruct.connector import Entry, Visit
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import plain, rebuild
from usufruct.core.dataspace.catalogue import Dataset
from usufruct.store.beside import BesideFile

_TABLES = """
CREATE TABLE IF NOT EXISTS visit (
    peer TEXT PRIMARY KEY, at TEXT NOT NULL, entries INTEGER NOT NULL, left_out INTEGER NOT NULL, failed TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
    place INTEGER PRIMARY KEY, peer TEXT NOT NULL, dataset TEXT NOT NULL, participant TEXT NOT NULL, fetched TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_named ON entry (peer, dataset);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (title, keywords, description, name, tokenize = 'unicode61');
"""
_WORD = re.compile(r"\w+")
_COLUMNS = "entry.peer, entry.participant, entry.fetched, entry.body"


class SqliteCatalogues:
    """`connector.Catalogues` in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._file = BesideFile(path, _TABLES)

    def keep(self, visit: Visit, entries: Sequence[Entry]) -> None:
        """Keeps a peer's catalogue in place of the one before."""
        with self._file.together():
            self._empty(visit.peer)
            for entry in entries:
                one = entry.dataset
                self._file.do(
                    "INSERT INTO entry (peer, dataset, participant, fetched, body) VALUES (?, ?, ?, ?, ?)",
                    entry.peer, one.id, entry.participant, entry.fetched, json.dumps(plain(one)),
                )  # fmt: skip
                self._file.do(
                    "INSERT INTO words (rowid, title, keywords, description, name) VALUES (last_insert_rowid(), ?, ?, ?, ?)",
                    one.title, " ".join(one.keywords), one.description, one.id,
                )  # fmt: skip
            self.note(visit)

    def note(self, visit: Visit) -> None:
        """Keeps that a peer's catalogue could not be read."""
        self._file.do(
            "INSERT OR REPLACE INTO visit VALUES (?, ?, ?, ?, ?)", visit.peer, visit.at, visit.entries, visit.left_out,
            visit.failed,
        )  # fmt: skip

    def forget(self, peer: str) -> None:
        """Forgets a peer's catalogue."""
        with self._file.together():
            self._empty(peer)
            self._file.do("DELETE FROM visit WHERE peer = ?", peer)

    def _empty(self, peer: str) -> None:
        self._file.do("DELETE FROM words WHERE rowid IN (SELECT place FROM entry WHERE peer = ?)", peer)
        self._file.do("DELETE FROM entry WHERE peer = ?", peer)

    def visits(self) -> dict[str, Visit]:
        """The last reading of each peer."""
        rows = self._file.do("SELECT peer, at, entries, left_out, failed FROM visit ORDER BY peer")
        return {row[0]: Visit(row[0], Instant(row[1]), *row[2:]) for row in rows}

    def entry(self, peer: str, dataset: str) -> Entry | None:
        """One dataset of a peer."""
        rows = self._file.do(f"SELECT {_COLUMNS} FROM entry WHERE peer = ? AND dataset = ?", peer, dataset)
        return _entry(rows[0]) if rows else None

    def search(self, words: str, peer: str = "", limit: int = 100) -> list[Entry]:
        """Entries in which each of the words begins a word, the closest first; without words all, by name."""
        wanted = " ".join(f'"{word}"*' for word in _WORD.findall(words))
        if wanted:
            rows = self._file.do(
                f"SELECT {_COLUMNS} FROM words JOIN entry ON entry.place = words.rowid "
                "WHERE words MATCH ? AND ? IN ('', entry.peer) "
                "ORDER BY bm25(words, 8, 4, 1, 4), entry.peer, entry.dataset LIMIT ?",
                wanted, peer, limit,
            )  # fmt: skip
        else:
            rows = self._file.do(
                f"SELECT {_COLUMNS} FROM entry WHERE ? IN ('', peer) ORDER BY dataset, peer LIMIT ?", peer, limit
            )
        return [_entry(row) for row in rows]

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


def _entry(row: Sequence[str]) -> Entry:
    peer, participant, fetched, body = row
    return Entry(peer, participant, Instant(fetched), rebuild(Dataset, json.loads(body)))
