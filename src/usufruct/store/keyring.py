"""Persons' keys, in a file of their own that is overwritten in place.

Whatever the journal keeps of one person alone is sealed with her key, so destroying the key destroys the records,
wherever copies of the journal lie. That holds only if the key itself has no copies: it is kept in no database, which
would leave it in free pages and logs, and no backup takes it along. The file is a row of slots of 32 bytes; a fact names
the slot. To destroy a key is to write zeros over its slot and wait for the disk.

Three keys are derived from each (HMAC-SHA-256 with a label, as in RFC 5869's expand step): one that seals records, one by
which she counts them, which she is given herself, and one that hides what is withheld (see `core.proof.tally`).
"""

from __future__ import annotations

import hmac
import os
import threading
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from usufruct.core import facts
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Erased
from usufruct.core.proof.commitment import NONCE_SIZE
from usufruct.ports import KeyRing as Keys

SLOT = 32
_DESTROYED = bytes(SLOT)
_CACHED = 65_536  # keys kept in memory
_SLOTS = 1 << 48  # no file has as many; a number from a damaged journal may be any


def opened(keys: Keys, record: bytes, nonce: bytes, leaf: bytes, key: int | None) -> tuple[bytes, bytes] | None:
    """Nonce and record of a journal's row; None if they were sealed with a key that is destroyed. Raises ValueError."""
    return (nonce, record) if key is None else keys.open(key, leaf, record)


def entry_of(keys: Keys, seq: int, at: str, *row: Any) -> Entry:
    """The entry in a journal's row (record, nonce, leaf, key); `Erased` stands where its owner's key is destroyed."""
    found = opened(keys, *row)
    return Entry(seq, Instant(at), Erased()) if found is None else facts.decode(found[1])


class KeyRing:
    """`ports.KeyRing` in one file; `look` opens it for reading only, and takes a missing one for an empty one."""

    def __init__(self, path: Path, look: bool = False) -> None:
        if look:
            self._file = os.open(path if path.exists() else os.devnull, os.O_RDONLY)
        else:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._lock = threading.Lock()
        self._count = -(-os.fstat(self._file).st_size // SLOT)  # a torn last slot was never named by any fact
        self._sealers: dict[int, AESGCM] = {}
        self._unsynced = False

    @property
    def count(self) -> int:
        """How many slots there are."""
        return self._count

    def create(self, secret: bytes, slot: int | None = None) -> int:
        """Keeps a new key, in the next slot or the one given, and returns its slot; on disk after the next `sync`."""
        with self._lock:
            slot = self._count if slot is None else slot
            self._count = max(self._count, slot + 1)
            os.pwrite(self._file, secret, slot * SLOT)
            self._unsynced = True
            return slot

    def sync(self) -> None:
        """Returns when every key that was created is on disk."""
        with self._lock:
            if self._unsynced:
                os.fsync(self._file)
                self._unsynced = False

    def counting_key(self, slot: int) -> bytes | None:
        """The key by which a person counts her records; None once it is destroyed."""
        secret = self._secret(slot)
        return None if secret is None else hmac.digest(secret, b"usufruct/count/v1", "sha256")

    def hiding_key(self, slot: int) -> bytes | None:
        """The key that hides from a person what is withheld from her for a time; None once it is destroyed."""
        secret = self._secret(slot)
        return None if secret is None else hmac.digest(secret, b"usufruct/hide/v1", "sha256")

    def seal(self, slot: int, leaf: bytes, nonce: bytes, record: bytes) -> bytes:
        """The opening of a leaf (nonce and record), sealed (AES-256-GCM) with the person's key and bound to the leaf.

        The leaf is a hash over a fresh nonce, so its first 12 bytes serve as initialization vector.
        """
        sealer = self._sealer(slot)
        assert sealer is not None, "a destroyed key seals nothing"
        return sealer.encrypt(leaf[:12], nonce + record, leaf)

    def open(self, slot: int, leaf: bytes, sealed: bytes) -> tuple[bytes, bytes] | None:
        """Nonce and record; None if the key is destroyed.

        Raises:
            ValueError: the key is there, but these bytes were not sealed with it for this leaf.
        """
        sealer = self._sealer(slot)
        if sealer is None:
            return None
        try:
            opened = sealer.decrypt(leaf[:12], sealed, leaf)
        except (InvalidTag, ValueError):
            raise ValueError("the record was not sealed with its owner's key for this leaf") from None
        return opened[:NONCE_SIZE], opened[NONCE_SIZE:]

    def destroy(self, slot: int) -> None:
        """Overwrites a key; on disk when this returns."""
        with self._lock:
            self._sealers.pop(slot, None)
            if slot < self._count:
                os.pwrite(self._file, _DESTROYED, slot * SLOT)
            os.fsync(self._file)

    def close(self) -> None:
        """Lets go of the file."""
        os.close(self._file)

    def _secret(self, slot: int) -> bytes | None:
        secret = os.pread(self._file, SLOT, slot * SLOT) if 0 <= slot < _SLOTS else b""
        return secret if len(secret) == SLOT and secret != _DESTROYED else None

    def _sealer(self, slot: int) -> AESGCM | None:
        found = self._sealers.get(slot)
        if found is not None:
            return found
        with self._lock:  # a key that is being destroyed must not be kept in memory after that
            secret = self._secret(slot)
            if secret is None:
                return None
            if len(self._sealers) >= _CACHED:
                self._sealers.clear()
            found = self._sealers[slot] = AESGCM(hmac.digest(secret, b"usufruct/seal/v1", "sha256"))
        return found
