"""What `ports.KeyRing` promises: a key that is destroyed is gone, and no other is touched by it."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from usufruct.core.base.records import Erased
from usufruct.store import keyring
from usufruct.store.keyring import SLOT, KeyRing, entry_of

NONCE, RECORD = b"n" * 32, b'{"a":1}'


def secret(number: int) -> bytes:
    """A key that is not zero."""
    return bytes([number + 1]) * SLOT


def leaf(number: int) -> bytes:
    """A leaf; each begins otherwise."""
    return number.to_bytes(32, "little", signed=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ring is kept."""
    return tmp_path / "persons"


@pytest.fixture
def ring(path: Path) -> Iterator[KeyRing]:
    """A ring with three keys."""
    with closing(KeyRing(path)) as ring:
        assert [ring.create(secret(number)) for number in range(3)] == [0, 1, 2]
        ring.sync()
        yield ring


def works(ring: KeyRing, slot: int) -> bool:
    """Whether the key seals and opens."""
    sealed = ring.seal(slot, leaf(slot), NONCE, RECORD)
    return ring.open(slot, leaf(slot), sealed) == (NONCE, RECORD)


def gone(ring: KeyRing, slot: int) -> bool:
    """Whether nothing can be done with the key any more."""
    return (ring.counting_key(slot), ring.hiding_key(slot), ring.open(slot, leaf(slot), b"x" * 99)) == (None,) * 3


def test_what_a_key_sealed_only_that_key_opens_for_that_leaf(ring: KeyRing) -> None:
    sealed = ring.seal(0, leaf(7), NONCE, RECORD)
    assert ring.open(0, leaf(7), sealed) == (NONCE, RECORD)
    assert RECORD not in sealed and NONCE not in sealed
    damaged = [sealed[:-1], sealed + b"\0", b"", b"x" * 5, bytes([sealed[0] ^ 1]) + sealed[1:]]
    for slot, at, text in [(1, leaf(7), sealed), (0, leaf(8), sealed), *((0, leaf(7), text) for text in damaged)]:
        with pytest.raises(ValueError, match="not sealed with its owner's key"):
            ring.open(slot, at, text)


def test_the_keys_made_from_one_secret_are_three_and_none_is_it(ring: KeyRing, path: Path) -> None:
    made = {ring.counting_key(0), ring.hiding_key(0), ring.counting_key(1), ring.hiding_key(1)}
    assert None not in made and len(made) == 4
    stored = path.read_bytes()
    assert not any(key in stored for key in made if key)


def test_a_destroyed_key_is_gone_from_memory_and_disk(ring: KeyRing, path: Path) -> None:
    sealed = ring.seal(1, leaf(1), NONCE, RECORD)
    ring.destroy(1)
    assert gone(ring, 1) and ring.open(1, leaf(1), sealed) is None
    assert works(ring, 0) and works(ring, 2)
    assert path.read_bytes() == secret(0) + bytes(SLOT) + secret(2)
    with closing(KeyRing(path)) as again:
        assert gone(again, 1) and works(again, 0) and works(again, 2)
        assert again.create(secret(3)) == 3, "a slot is never given to another"
    ring.destroy(1)
    assert gone(ring, 1)


def test_an_entry_whose_key_is_destroyed_keeps_its_place(ring: KeyRing) -> None:
    sealed = ring.seal(1, leaf(1), NONCE, RECORD)
    ring.destroy(1)
    entry = entry_of(ring, 5, "2026-11-22T00:00:00.000Z", sealed, b"", leaf(1), 1)
    assert (entry.seq, entry.at, entry.fact) == (5, "2026-11-22T00:00:00.000Z", Erased())


@pytest.mark.parametrize("slot", [3, 1000, -1, 2**31, 2**63 - 1, -(2**63)])
def test_a_slot_that_was_never_filled_holds_no_key(ring: KeyRing, slot: int) -> None:
    """Whatever number a damaged journal names."""
    assert gone(ring, slot)


@pytest.mark.parametrize("torn", [1, 16, 31])
def test_a_torn_last_slot_is_left_behind(path: Path, torn: int) -> None:
    """A crash in the middle of writing a key: no fact names it, and no other key comes to stand across it."""
    path.write_bytes(secret(0) + secret(1)[:torn])
    with closing(KeyRing(path)) as ring:
        assert works(ring, 0) and gone(ring, 1)
        assert ring.create(secret(2)) == 2
        assert works(ring, 2)
    assert path.read_bytes()[2 * SLOT :] == secret(2)


def test_keys_are_there_again_after_opening(ring: KeyRing, path: Path) -> None:
    sealed = ring.seal(2, leaf(2), NONCE, RECORD)
    counting = ring.counting_key(2)
    with closing(KeyRing(path)) as again:
        assert again.open(2, leaf(2), sealed) == (NONCE, RECORD)
        assert again.counting_key(2) == counting


def test_nobody_else_on_the_machine_can_read_it(ring: KeyRing, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_who_only_looks_changes_nothing(ring: KeyRing, path: Path) -> None:
    sealed = ring.seal(0, leaf(0), NONCE, RECORD)
    before = path.read_bytes()
    with closing(KeyRing(path, look=True)) as looking:
        assert looking.open(0, leaf(0), sealed) == (NONCE, RECORD)
        for change in (lambda: looking.create(secret(9)), lambda: looking.destroy(0)):
            with pytest.raises(OSError, match="Bad file descriptor"):
                change()
    assert path.read_bytes() == before


def test_a_ring_that_is_missing_is_looked_at_as_an_empty_one(tmp_path: Path) -> None:
    with closing(KeyRing(tmp_path / "none", look=True)) as looking:
        assert gone(looking, 0)
    assert not (tmp_path / "none").exists()


def test_a_key_is_on_disk_after_sync_and_sync_costs_nothing_otherwise(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync
    monkeypatch.setattr(keyring.os, "fsync", lambda file: (synced.append(file), fsync(file)))
    with closing(KeyRing(path)) as ring:
        ring.sync()
        assert len(synced) == 0
        ring.create(secret(0))
        ring.create(secret(1))
        ring.sync()
        ring.sync()
        assert len(synced) == 1
        ring.destroy(0)
        assert len(synced) == 2, "a key is destroyed when the disk says so"


def test_many_at_once_get_each_a_slot_of_their_own(path: Path) -> None:
    with closing(KeyRing(path)) as ring, ThreadPoolExecutor(8) as pool:

        def person(number: int) -> tuple[int, int]:
            slot = ring.create(number.to_bytes(SLOT, "big"))
            assert works(ring, slot)
            if number % 3 == 0:
                ring.destroy(slot)
                assert gone(ring, slot)
            return slot, number

        made = dict(pool.map(person, range(1, 301)))
        ring.sync()
    stored = path.read_bytes()
    assert sorted(made) == list(range(300)) and len(stored) == 300 * SLOT
    for slot, number in made.items():
        kept = bytes(SLOT) if number % 3 == 0 else number.to_bytes(SLOT, "big")
        assert stored[slot * SLOT : (slot + 1) * SLOT] == kept


@pytest.mark.parametrize("use", [lambda ring: ring.open(1, leaf(1), b"x" * 60), lambda ring: works(ring, 1)])
def test_a_key_in_use_while_it_is_destroyed_does_not_come_back(
    ring: KeyRing, path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[KeyRing], Any]
) -> None:
    """One reads the slot, another destroys it, the first goes on with what it read: it must not be kept."""
    sealed = ring.seal(1, leaf(1), NONCE, RECORD)
    with closing(KeyRing(path)) as fresh:
        pread, destroyer = os.pread, threading.Thread(target=fresh.destroy, args=(1,))

        def slow(*where: int) -> bytes:
            found = pread(*where)
            if destroyer.ident is None:
                destroyer.start()
                destroyer.join(0.2)
            return found

        monkeypatch.setattr(keyring.os, "pread", slow)
        with suppress(ValueError):
            use(fresh)
        destroyer.join()
        assert fresh.open(1, leaf(1), sealed) is None


def test_memory_for_keys_has_an_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "_CACHED", 5)
    with closing(KeyRing(path)) as ring:
        for number in range(20):
            assert works(ring, ring.create(secret(number)))
            assert len(ring._sealers) <= 5
        assert all(works(ring, slot) for slot in range(20))
