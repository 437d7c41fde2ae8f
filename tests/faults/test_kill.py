"""A node in use is killed from outside, at any moment, again and again; what anybody was told before stays true.

Twenty kills in `make test`, and a quarter as many with PostgreSQL; `USUFRUCT_KILLS=200` makes it more, as the nightly
run does. A node lives through ten of
them, then the next one is founded, so that the time grows with the kills and not with their square.

After each kill the directory is looked at as it lies, by the audit and by a stranger who has nothing but the published
folder; then the node is opened again, and what people were told since is compared with it: receipts, checkpoints, books,
counts. At the end of its life everything that anybody was ever told is compared once more.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from test_crash import check_money
from victim import READERS

import story
from support import check_ends
from usufruct.core.epochs import Epoch
from usufruct.core.privacy.state import Use
from usufruct.core.proof import book, monitor
from usufruct.core.proof.checkpoint import Checkpoint
from usufruct.core.proof.commitment import commit
from usufruct.core.proof.receipt import Receipt, check
from usufruct.core.proof.tree import consistency_proof, verify_consistency
from usufruct.core.registry.state import ErasedPerson
from usufruct.main import create_node, open_node, read_settings
from usufruct.node import epoch
from usufruct.node.node import Node
from usufruct.ports import Snapshot
from usufruct.store import folder
from usufruct.store.audit import verify
from usufruct.store.keys import verify_signature
from usufruct.store.source import reading

KILLS = int(os.environ.get("USUFRUCT_KILLS", "20"))
OF_ONE_NODE = 10
UNFINISHED = "(stale); open the node"  # what the audit says of a state whose owner was killed while erasing somebody
LONGEST = 1.5  # seconds until a kill; most come sooner, and some while the node opens


class Victims:
    """The process in which nodes are killed; see `victim`."""

    def __init__(self, script: str = "victim.py") -> None:
        here = Path(__file__)
        paths = [str(here.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in paths)}
        self._process = subprocess.Popen(
            [sys.executable, here.with_name(script)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def kill_after(self, seconds: float, public: Path, **job: Any) -> set[str]:
        """Starts a job and kills it; returns the checkpoints that somebody outside saw published meanwhile."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(job | {"public": public}, default=str) + "\n")
        self._process.stdin.flush()
        victim, seen = int(self._process.stdout.readline()), set()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if (public / "checkpoint").exists():
                seen.add((public / "checkpoint").read_text())
            time.sleep(min(0.005, left))
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        status = int(self._process.stdout.readline())
        assert status == -signal.SIGKILL, f"it ended before it was killed: {Path(job['acks']).read_text()[-2000:]}"
        return seen

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@dataclass
class Outside:
    """What people outside the node have, and what they hold it to."""

    key: str
    notes: dict[str, Checkpoint] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    receipts: list[tuple[Receipt, bytes, dict[str, Any]]] = field(default_factory=list)
    kept: dict[str, book.Kept] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    abandoned: int = 0
    openings: int = 0
    epochs: int = 0

    def told(self) -> str:
        """How much there was to compare."""
        return (
            f"{self.openings} opened before, {len(self.receipts)} receipts, {len(self.notes)} checkpoints, "
            f"{self.epochs} epochs, {self.abandoned} uses cut off, {len(self.erased)} erased"
        )

    def note(self, note: str) -> Checkpoint:
        """A checkpoint that somebody saw; fails if it is not signed, or contradicts another."""
        if note not in self.notes:
            found = monitor.signed(note, self.key, verify_signature)
            assert self.roots.setdefault(found.size, found.root) == found.root, f"two histories were signed: {note}"
            self.notes[note] = found
        return self.notes[note]

    def take(self, acks: Path) -> None:
        """Takes note of what the node acknowledged before it died."""
        lines = acks.read_text().splitlines() if acks.exists() else []
        for told in map(json.loads, lines):
            assert "failed" not in told, told
            self.openings += "open" in told
            if "published" in told:
                self.note(told["published"])
            if "kept" in told:
                self.kept[told["member"]] = kept = book.Kept(**told["kept"])
                self.note(kept.checkpoint)
            if "erased" in told:
                self.erased.add(told["erased"])
            if "receipt" in told:
                receipt = Receipt.parse(told["receipt"])
                self.note(receipt.checkpoint_note)
                self.receipts.append((receipt, check(receipt, self.key, verify_signature), told))

    def compare(self, state: Snapshot, notes: int = 0, receipts: int = 0) -> None:
        """The journal goes on from every checkpoint, and every receipt is of a fact that is there; all, or from those on."""
        newest = state.checkpoint()
        assert newest is not None
        now = self.note(newest)

        @functools.cache
        def hash_at(level: int, index: int) -> bytes:
            return state.hashes(level, index, 1)[0]

        for then in islice(self.notes.values(), notes, None):
            assert then.size <= now.size
            proof = consistency_proof(then.size, now.size, hash_at)
            assert verify_consistency(then.size, then.root, now.size, now.root, proof), then
        gone = {erased.party for erased in state.list(ErasedPerson)}
        assert self.erased <= gone
        for old, record, told in self.receipts[receipts:]:
            found = state.receipt(old.index)
            if told.get("guest") in gone:
                assert found.extra is None, "an erased person's record can be opened"
                assert old.extra is not None
                assert state.leaves(old.index, 1) == [commit(old.extra[:32], old.extra[32:])]
                continue
            assert check(found, self.key, verify_signature) == record
            if "use" in told:
                use = state.get(Use, told["use"])
                assert use is not None and use.state == "answered"
                assert hashlib.sha256(state.evidence(use.answer)).hexdigest() == told["answer"]

    def audit_books(self, node: Node) -> None:
        """Members find in their books everything they were acknowledged, and what they kept still holds."""
        epoch.close_epoch(node)
        for member in READERS:
            key, shown = epoch.counting_key(node, member), epoch.book(node, member)
            assert key is not None and shown is not None
            done = book.audit(shown, key, self.key, verify_signature, node.clock.now(), self.kept.get(member))
            assert done.flaws == () and done.keep is not None and shown["waiting"] == 0
            self.kept[member] = done.keep
            entries = {record["body"]["entry"] for record in shown["records"]}
            assert {old.index for old, _, told in self.receipts if told.get("about") == member} <= entries


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    victims = Victims()
    yield victims
    victims.close()


def signed_in(directory: Path) -> list[str]:
    """All notes that the node itself holds: the journal's checkpoints, and what the guard kept last."""
    with reading(directory) as source:
        notes = [str(note) for (note,) in source.select("SELECT note FROM checkpoint")]
    slots = (directory / "keys" / "last-signed").read_bytes()
    return notes + [note for slot in (slots[:4096], slots[4096:]) if (note := slot.rstrip(b"\0").decode())]


def look_at_folder(public: Path, key: str, seen: list[str], whole: bool) -> None:
    """A stranger verifies what is published with nothing but the key, and what others saw before. `whole`: no export was
    cut off, so no file may lie about that the checkpoint does not reach."""
    read, kept = functools.partial(folder.read, public), [(str(number), note) for number, note in enumerate(seen)]
    report = monitor.check(read, key, verify_signature, kept, folder.listed(public) if whole else ())
    assert report.findings == ()


def look(directory: Path, public: Path, outside: Outside, acks: Path, seen: set[str]) -> None:
    """Everything, after a kill: as the directory lies, and when it is open again."""
    notes, receipts = len(outside.notes), len(outside.receipts)
    outside.take(acks)
    published = [note for note in seen if outside.note(note)]
    for note in signed_in(directory):
        outside.note(note)
    told = [finding.what for finding in verify(directory, kept=list(outside.notes)[notes:]).findings]
    assert told == [] or (len(told) == 1 and UNFINISHED in told[0])
    if (public / "checkpoint").exists():
        look_at_folder(public, outside.key, published, whole=False)
    with open_node(directory) as node:
        with node.store.read() as state:
            check_ends(state)
            check_money(state)
            outside.compare(state, notes, receipts)
            outside.abandoned = len(list(state.list(Use, state="abandoned")))
        outside.audit_books(node)
    if told:
        assert verify(directory).findings == ()


@pytest.mark.parametrize("life", range(-(-KILLS // OF_ONE_NODE)))
def test_whatever_anybody_was_told_stays_true(
    life: int, victims: Victims, directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = min(OF_ONE_NODE, KILLS - life * OF_ONE_NODE)
    outside = live_and_die(kills, random.Random(life), victims, directory, tmp_path)
    with capsys.disabled():
        print(f"\nsuite kill: {kills} of {kills} ({outside.told()})")


@pytest.mark.parametrize("life", range(-(-KILLS // 4 // OF_ONE_NODE)))
def test_with_the_journal_in_postgresql_too(
    life: int, victims: Victims, tmp_path: Path, pg_address: str, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kills, directory = min(OF_ONE_NODE, -(-KILLS // 4) - life * OF_ONE_NODE), tmp_path / "node"
    create_node(directory, "Wage Commons", story.OPERATOR, "Wage Commons", "EUR", store=pg_address)
    settings = directory / "node.toml"
    settings.write_text(settings.read_text().replace("store_wait = 0", "store_wait = 30"))  # the dead one still leads
    with open_node(directory) as node:
        story.bring_to_agreement(node, table)
    outside = live_and_die(kills, random.Random(5432 + life), victims, directory, tmp_path, least=1)
    with capsys.disabled():
        print(f"\nsuite kill, PostgreSQL: {kills} of {kills} ({outside.told()})")


def live_and_die(
    kills: int, chance: random.Random, victims: Victims, directory: Path, place: Path, least: float = 0
) -> Outside:
    """A node's life: so many kills, everything looked at after each, and all once more at the end."""
    outside, public = Outside(read_settings(directory).key), place / "public"
    for number in range(kills):
        acks, seconds = place / f"acks-{number}", least + LONGEST * chance.random() ** 2
        seen = victims.kill_after(seconds, public, directory=directory, acks=acks, seed=chance.getrandbits(30))
        look(directory, public, outside, acks, seen)
    assert outside.receipts or kills < 5, "it was always killed before anything happened"
    with open_node(directory) as node, node.store.read() as state:
        outside.compare(state)
        outside.epochs = len(list(state.list(Epoch)))
        note = state.checkpoint()
        assert note is not None
        folder.export(state, note, public)
    look_at_folder(public, outside.key, list(outside.notes), whole=True)
    assert verify(directory).findings == ()
    return outside
