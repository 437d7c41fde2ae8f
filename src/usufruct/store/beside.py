"""A small SQLite file of its own, beside the journal: one connection, one lock, every statement committed and synced."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from usufruct.core.base.faults import NodeFault
from usufruct.store.sqlite import connect


class BesideFile:
    """The file at `path`, with these tables."""

    def __init__(self, path: Path, tables: str) -> None:
        self._lock, self._name = threading.RLock(), path.name
        try:
            self._connection = connect(path)
            self._connection.executescript(tables)
        except sqlite3.Error as error:
            raise self._fault(error) from None
        path.chmod(0o600)

    def do(self, statement: str, *values: str | bytes | int) -> list[tuple[Any, ...]]:
        """The rows of one statement, which is on disk when this returns.

        Raises:
            NodeFault: the file cannot be read or written.
        """
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise self._fault(error) from None

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is done in the block happens together or not at all.

        Raises:
            NodeFault: the file cannot be read or written.
        """
        with self._lock:
            self.do("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.do("ROLLBACK")
                raise
            self.do("COMMIT")

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def _fault(self, error: sqlite3.Error) -> NodeFault:
        return NodeFault("node.store", f"`{self._name}` could not be read or written: {error}", "look at the disk")
