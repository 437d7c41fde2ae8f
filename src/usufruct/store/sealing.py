"""Sealing stored tables for a backup, under keys that can be replaced.

A table in a backup is out of the node's reach: a person who is erased cannot be taken out of it any more. So each version
of an asset has a key of its own, which lies beside the persons' keys and in no backup. Erasing a person replaces the keys
of the tables that she was in; older copies of them are then noise, and the next backup seals the new tables anew.

A sealed file is a line that says what it is, 32 random bytes, and the table in pieces of a mebibyte, each sealed with
AES-256-GCM under a key derived from both (HMAC-SHA-256). The initialization vector holds the number of the piece and
whether it is the last, and the table's name is bound in: pieces cannot be left out, moved, or taken from another file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
from itertools import count
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from usufruct.ports import Entropy

MAGIC = b"usufruct sealed table 1\n"
PIECE = 2**20
_KEY, _TAG = 32, 16
_SLOT = 2 * _KEY  # SHA-256 of the table's name, then its key


class TableKeys:
    """The keys of stored tables, in one file that is overwritten in place; several processes may use it."""

    def __init__(self, path: Path, entropy: Entropy) -> None:
        self._path, self._entropy = path, entropy

    def key(self, table: str) -> bytes:
        """The key of a table, which is made if there is none yet; on disk when this returns."""
        return self._keep(table, replace=False)

    def find(self, table: str) -> bytes | None:
        """The key of a table, if there is one."""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return _found(file, _digest(table))[1]
        return None

    def rotate(self, asset: str, version: str) -> None:
        """Replaces the key of a version of an asset: no copy that was sealed before opens when this returns."""
        if self.find(table_name(asset, version)) is not None:
            self._keep(table_name(asset, version), replace=True)

    def _keep(self, table: str, replace: bool) -> bytes:
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            place, key = _found(file, _digest(table))
            if key is None or replace:
                key = self._entropy.bytes(_KEY)
                file.seek(place)
                file.write(_digest(table) + key)
                file.flush()
                os.fsync(file.fileno())
            return key


def table_name(asset: str, version: str) -> str:
    """What the stored table of a version of an asset is called."""
    return f"{asset}-{version}"


def seal(key: bytes, table: str, plain: BinaryIO, sealed: BinaryIO, entropy: Entropy) -> str:
    """Seals a table; the SHA-256 of what was sealed."""
    salt, digest = entropy.bytes(_KEY), hashlib.sha256()
    sealed.write(MAGIC + salt)
    sealer = _sealer(key, salt)
    piece = plain.read(PIECE)
    for number in count():
        following = plain.read(PIECE)
        digest.update(piece)
        sealed.write(sealer.encrypt(_vector(number, not following), piece, table.encode()))
        if not following:
            return digest.hexdigest()
        piece = following
    raise AssertionError


def unseal(key: bytes, table: str, sealed: BinaryIO, plain: BinaryIO) -> None:
    """Opens a sealed table.

    Raises:
        ValueError: it was sealed with another key or for another table, or is damaged.
    """
    if sealed.read(len(MAGIC)) != MAGIC:
        raise ValueError("it is no sealed table")
    sealer = _sealer(key, sealed.read(_KEY))
    piece = sealed.read(PIECE + _TAG)
    for number in count():
        following = sealed.read(PIECE + _TAG)
        try:
            plain.write(sealer.decrypt(_vector(number, not following), piece, table.encode()))
        except (InvalidTag, ValueError):
            raise ValueError("it is damaged, or was sealed with a key that has been replaced") from None
        if not following:
            return
        piece = following


def _sealer(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, b"usufruct/table/v1" + salt, "sha256"))


def _vector(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _digest(table: str) -> bytes:
    return hashlib.sha256(table.encode()).digest()


def _found(file: BinaryIO, digest: bytes) -> tuple[int, bytes | None]:
    """Where the slot with that digest begins, or would, and the key in it."""
    file.seek(0)
    place = 0
    while len(slot := file.read(_SLOT)) == _SLOT:  # a torn last slot was never used
        if slot[:_KEY] == digest:
            return place, slot[_KEY:]
        place += _SLOT
    return place, None
