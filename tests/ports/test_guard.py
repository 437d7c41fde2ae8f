"""One key signs one size once: what was last signed stands where restoring the journal does not reach."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from support import JOURNAL, SetClock
from usufruct.core.base.faults import JournalDamaged
from usufruct.core.proof.checkpoint import Checkpoint, sign_note, vkey
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.registry.state import Party
from usufruct.store import guard as module
from usufruct.store.guard import Guard
from usufruct.store.keyring import KeyRing
from usufruct.store.keys import KeyFile, SystemEntropy
from usufruct.store.sqlite import SqliteStore

NAME = "test.example/journal"
SLOT = module._SLOT


class Place:
    """A directory with a signing key, a guard, and a journal that is opened there."""

    def __init__(self, directory: Path) -> None:
        (directory / "keys").mkdir()
        KeyFile.create(directory / "keys" / "signing.pem")
        self.directory, self.journal, self.clock = directory, directory / JOURNAL, SetClock()
        self.signer = KeyFile(NAME, directory / "keys" / "signing.pem")

    @contextmanager
    def store(self) -> Iterator[SqliteStore]:
        """The store, open."""
        with (
            closing(KeyRing(self.directory / "keys" / "persons")) as keyring,
            opened(self) as guard,
            closing(SqliteStore(self.journal, self.clock, SystemEntropy(), self.signer, keyring, guard)) as store,
        ):
            yield store


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A directory with a key."""
    return Place(tmp_path)


@pytest.fixture
def path(place: Place) -> Path:
    """Where the guard keeps its note."""
    return place.directory / "keys" / "last-signed"


@contextmanager
def opened(place: Place) -> Iterator[Guard]:
    """The guard, open."""
    with closing(Guard(place.directory / "keys" / "last-signed", vkey(NAME, place.signer.public))) as guard:
        yield guard


def note(place: Place, size: int, fill: int = 0) -> str:
    """A signed note of that size."""
    body = Checkpoint(NAME, size, bytes([fill]) * 32).body()
    return sign_note(body, NAME, place.signer.public, place.signer.sign)


def last(place: Place) -> int | None:
    """The size that the guard, opened anew, says was last signed for."""
    with opened(place) as guard:
        return guard.last.size if guard.last else None


# The file


def test_the_newest_note_is_kept_and_the_one_before_it(place: Place, path: Path) -> None:
    assert last(place) is None
    for size in range(1, 8):
        with opened(place) as guard:
            guard.keep(note(place, size))
        assert last(place) == size
        kept = {path.read_bytes()[at : at + SLOT].rstrip(b"\0").decode() for at in (0, SLOT)} - {""}
        assert kept == {note(place, n) for n in (size - 1, size) if n}
    assert path.stat().st_mode & 0o077 == 0


def test_notes_are_kept_in_turn_while_it_is_open(place: Place) -> None:
    with opened(place) as guard:
        for size in range(1, 30):
            guard.keep(note(place, size))
    assert last(place) == 29


@pytest.mark.parametrize("newest", [5, 6])
@pytest.mark.parametrize("torn", [0, 1, 60, 150, SLOT - 1])
def test_a_torn_write_leaves_the_note_before_it(place: Place, path: Path, newest: int, torn: int) -> None:
    """After so many bytes of the newest note the power fails; the rest of the slot holds what was there before."""
    with opened(place) as guard:
        for size in range(1, newest):
            guard.keep(note(place, size))
    before = path.read_bytes()
    with opened(place) as guard:
        guard.keep(note(place, newest))
    after = path.read_bytes()
    start = next(at for at in (0, SLOT) if after[at : at + SLOT] != before[at : at + SLOT])
    path.write_bytes(after[: start + torn] + before[start + torn :])
    assert last(place) == (newest if torn == SLOT - 1 else newest - 1)
    with opened(place) as guard:  # and goes on in the torn slot, not over the good one
        guard.keep(note(place, newest + 1))
    assert last(place) == newest + 1


def test_both_slots_torn_are_no_note(place: Place, path: Path) -> None:
    with opened(place) as guard:
        guard.keep(note(place, 1))
        guard.keep(note(place, 2))
    path.write_bytes(os.urandom(2 * SLOT))
    assert last(place) is None


def test_what_another_key_signed_is_no_note(place: Place, path: Path) -> None:
    with opened(place) as guard:
        guard.keep(note(place, 4))
    KeyFile.create(place.directory / "other.pem")
    place.signer = KeyFile(NAME, place.directory / "other.pem")
    assert last(place) is None


def test_it_is_on_disk_when_it_returns(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr(module.os, "fdatasync", lambda file: synced.append(os.pread(file, SLOT, 0)))
    with opened(place) as guard:
        guard.keep(note(place, 1))
    assert synced[0].startswith(note(place, 1).encode())


# The journal and the guard


def add(store: SqliteStore, party: str) -> None:
    """Records a party."""
    store.write(lambda tx: tx.append(PartyRegistered(party, "organisation", party)))


def names(store: SqliteStore) -> list[str]:
    """The parties that are known."""
    with store.read() as state:
        return [row.id for row in state.list(Party)]


def grown(place: Place, *parties: str) -> None:
    """The journal with these too."""
    with place.store() as store:
        for party in parties:
            add(store, party)


def refused(place: Place) -> str:
    """Why the journal is not opened."""
    with pytest.raises(JournalDamaged) as caught, place.store():
        pass
    assert caught.value.code == "node.journal" and "backup" in caught.value.remedy
    return caught.value.message


def copy(place: Place, name: str) -> Path:
    """A copy of the journal as it is now, closed."""
    assert not place.journal.with_name(f"{place.journal.name}-wal").exists()
    return Path(shutil.copy(place.journal, place.directory / name))


def test_an_older_copy_of_the_journal_is_not_opened(place: Place) -> None:
    grown(place, "anna")
    old = copy(place, "old")
    grown(place, "bo")
    new = copy(place, "new")
    shutil.copy(old, place.journal)
    assert "2 facts were signed for, 1 are there: it is an older copy" in refused(place)
    shutil.copy(new, place.journal)
    grown(place, "chen")
    with place.store() as store:
        assert names(store) == ["anna", "bo", "chen"]


def test_a_journal_that_is_gone_is_not_begun_again(place: Place) -> None:
    grown(place, "anna")
    place.journal.unlink()
    assert "older copy" in refused(place)


@pytest.mark.parametrize("more", [(), ("dana",)])
def test_a_fork_is_not_opened(place: Place, path: Path, more: tuple[str, ...]) -> None:
    """A journal of the same size, or a longer one, that the same key signed, but with other facts."""
    grown(place, "anna")
    old, kept = copy(place, "old"), path.read_bytes()
    grown(place, "bo")
    guard = path.read_bytes()
    shutil.copy(old, place.journal)
    path.write_bytes(kept)
    grown(place, "chen", *more)
    path.write_bytes(guard)
    assert "the first 2 facts are not those that were signed for" in refused(place)


def test_a_journal_that_is_ahead_after_a_crash_is_opened(place: Place, path: Path) -> None:
    """The process died between the commit and the guard: nobody was told, and the facts stay."""
    grown(place, "anna")
    kept = path.read_bytes()
    grown(place, "bo", "chen")
    path.write_bytes(kept)
    grown(place, "dana")
    with place.store() as store:
        assert names(store) == ["anna", "bo", "chen", "dana"]
    assert last(place) == 4


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"x" * 2 * SLOT)])
def test_without_a_guard_the_journal_stands_for_itself(place: Place, path: Path, damage: Callable[[Path], Any]) -> None:
    """It is opened, for it is what it signed; and is guarded again from the next fact on."""
    grown(place, "anna", "bo")
    old = copy(place, "old")
    damage(path)
    grown(place, "chen")
    assert last(place) == 3
    shutil.copy(old, place.journal)
    assert "older copy" in refused(place)


def test_nobody_is_told_of_a_fact_that_is_not_guarded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note is in the guard's file before the one who asked hears that it is done."""
    kept: list[int | None] = []
    with place.store() as store:
        for party in ("anna", "bo"):
            add(store, party)
            kept.append(last(place))
        assert kept == [1, 2]

        def broken(self: Guard, note: str) -> None:
            raise OSError("the disk is gone")

        monkeypatch.setattr(Guard, "keep", broken)
        with pytest.raises(OSError, match="the disk is gone"):
            add(store, "chen")


def test_a_batch_without_facts_leaves_the_note(place: Place) -> None:
    grown(place, "anna")
    with place.store() as store:
        store.write(lambda tx: None)
    assert last(place) == 1
