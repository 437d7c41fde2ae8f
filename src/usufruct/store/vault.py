"""Secrets that other nodes gave this one: a file each, readable by nobody else, in no journal and in no backup.

What is in here can be asked for again. A name may be anything, so files are called by its digest.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


class FolderVault:
    """`connector.Vault` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, secret: bytes) -> None:
        """Keeps a secret, in place of the one before."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._path(name)
        new = path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def get(self, name: str) -> bytes | None:
        """The secret of that name, if there is one."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def drop(self, name: str) -> None:
        """Forgets it."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()
