"""The journal, attacked: by whoever has the node's disk, by its steward with key and program, by members and data users.

Each tries to drop, change or hide a use, or to learn from the journal what is not hers to know. Caught is what one of
three finds, each with nothing but what is hers: an auditor with the node's directory (`journal verify`), a member with
her counting key and her book, whoever holds a receipt with the verifier key.
"""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import story
from support import JOURNAL, SetClock, edit
from usufruct.core import epochs as core_epochs
from usufruct.core.access import hold
from usufruct.core.access.facts import UseHeld
from usufruct.core.base.instants import END_OF_TIME, Instant, later
from usufruct.core.base.records import Entry, Fact
from usufruct.core.epochs import Concern, Epoch, EpochClosed, LastEpoch, concerns
from usufruct.core.privacy.facts import QueryAnswered
from usufruct.core.proof import tally
from usufruct.core.proof.book import Audit, Kept, audit
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Party
from usufruct.main import open_node
from usufruct.node import consent, epoch, erase, query, trace, views
from usufruct.node.node import Node
from usufruct.store.audit import Report, verify
from usufruct.store.folder import export, public_log
from usufruct.store.keyring import KeyRing
from usufruct.store.keys import verify_signature
from usufruct.store.sqlite import connect, rebuild
from usufruct.wire import sql

SHE, GROUND = "member-3", "tax"
COUNT = "SELECT COUNT(*) AS n FROM pay"
SECRET = "SELECT SUM(hours) AS withheld FROM pay"  # a question that is held


def after() -> SetClock:
    """A clock that stands behind all that was told."""
    clock = SetClock()
    clock.move(hours=1)
    return clock


def ask_held(node: Node, days: int | None = None) -> query.Answered:
    """A question that is withheld from the persons whose rows it uses."""
    answered = query.ask(
        node, query.Asked(story.USER, SECRET, sql.parse(SECRET), story.PURPOSE, story.CHEAP, GROUND, days, anew=True)
    )
    assert isinstance(answered, query.Answered), answered.refusal
    return answered


def tell(node: Node) -> None:
    """Uses, a refusal, words of members, a held use; epochs in between, and something after the last."""
    story.done(node.record(lambda tx: hold.allow(tx, story.USER, GROUND, 30, "Tax Act, section 5")))
    epoch.close_epoch(node)
    for member in story.MEMBERS[:5]:
        story.done(consent.record_word(node, story.ASSET, member, story.OTHER_PURPOSE, member == SHE))
    story.answer(node, COUNT, story.CHEAP)
    epoch.close_epoch(node)
    story.ask(node, "SELECT * FROM pay")
    ask_held(node)
    epoch.close_epoch(node)
    story.answer(node, COUNT, story.CHEAP)
    epoch.close_epoch(node)
    story.answer(node, COUNT, story.CHEAP)


@pytest.fixture(scope="module")
def told(agreed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's directory after that, closed; nobody changes it."""
    directory = tmp_path_factory.mktemp("told") / "node"
    shutil.copytree(agreed, directory)
    with open_node(directory, SetClock()) as node:
        tell(node)
    assert verify(directory).findings == ()
    return directory


@pytest.fixture
def copy(told: Path, tmp_path: Path) -> Path:
    """A copy of it, to be attacked."""
    return Path(shutil.copytree(told, tmp_path / "node"))


@dataclass(frozen=True)
class Member:
    """What a member has: her counting key, the journal's verifier key, and what she kept."""

    key: bytes
    vkey: str
    kept: Kept | None = None

    def looks(self, node: Node, at: Instant | None = None) -> Audit:
        """Her audit of the book that the node shows her now."""
        epoch._grove.cache_clear()
        return audit(epoch.book(node, SHE), self.key, self.vkey, verify_signature, at or node.clock.now(), self.kept)


def member(node: Node, name: str = SHE) -> Member:
    """A member of this node."""
    key = epoch.counting_key(node, name)
    assert key is not None
    return Member(key, vkey(node.signer.name, node.signer.public))


def looks(directory: Path, she: Member | None = None) -> Audit:
    """Her audit of what the node in that directory shows her."""
    with open_node(directory, after()) as node:
        return (she or member(node)).looks(node)


def named(found: Audit) -> set[int | None]:
    """The numbers of the records that it finds something wrong with."""
    return {flaw.number for flaw in found.flaws}


def said(report: Report) -> str:
    """An auditor's findings as text."""
    return "\n".join(f"{finding.entry}: {finding.what}" for finding in report.findings)


def rows(directory: Path, question: str) -> list[tuple[Any, ...]]:
    """What the file says."""
    with closing(sqlite3.connect(directory / JOURNAL)) as connection:
        return connection.execute(question).fetchall()


def test_nobody_who_is_honest_is_accused(told: Path) -> None:
    found = looks(told)
    assert found.sound and found.count == 5 and found.held == (3,)
    with open_node(told) as node:
        keeps = replace(member(node), kept=found.keep)
        assert keeps.looks(node).sound
        assert (shown := epoch.book(node, SHE)) and shown["waiting"] == 1


# Who has the disk

LAST = "(SELECT max(number) FROM epoch)"
CLOSED = "SELECT seq FROM journal WHERE kind = 'epoch.closed/1' ORDER BY seq"

# What is done to what the epochs rest on; the epoch whose entry must be named; a word of what must be said.
EDITS = [
    ("DELETE FROM epoch WHERE number = 1", 1, "is missing"),
    (f"DELETE FROM epoch WHERE number = {LAST}", 3, "is missing"),
    ("UPDATE epoch SET seed = zeroblob(32) WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips = x'' WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips = substr(slips, 65) WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips = slips || zeroblob(64) WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips = slips || x'00' WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips_room = slips_room * 2 WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips_room = 3 WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips_room = 9223372036854775807 WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips_room = 0 WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips_room = 'many' WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET slips = 'text' WHERE number = 1", 1, "slips"),
    ("UPDATE epoch SET seed = NULL WHERE number = 1", 1, ""),
    ("UPDATE epoch SET seed = 7 WHERE number = 1", 1, ""),
    (f"UPDATE epoch SET counts = substr(counts, 65) WHERE number = {LAST}", 3, "counts"),
    (f"UPDATE epoch SET counts_room = counts_room * 2 WHERE number = {LAST}", 3, "counts"),
    (f"UPDATE epoch SET counts = NULL WHERE number = {LAST}", 3, "counts"),
    ("UPDATE epoch SET number = 77 WHERE number = 2", 2, "is missing"),
    ("UPDATE tally SET count = count + 1 WHERE key = 2", 3, "the count of the person with key 2"),
    ("UPDATE tally SET head = zeroblob(32) WHERE key = 2", 3, "the count of the person with key 2"),
    ("DELETE FROM tally WHERE key = 2", 3, "the count of the person with key 2"),
]


@pytest.mark.parametrize(("statement", "number", "what"), EDITS, ids=[statement[:70] for statement, *_ in EDITS])
def test_what_epochs_rest_on_cannot_be_changed(copy: Path, statement: str, number: int, what: str) -> None:
    try:
        edit(copy / JOURNAL, statement)
    except sqlite3.IntegrityError:  # the table itself does not take it
        return
    (entry,) = rows(copy, CLOSED)[number]
    found = [finding for finding in verify(copy).findings if what in finding.what]
    assert entry in {finding.entry for finding in found}, said(verify(copy))


def test_a_journal_cut_back_with_all_that_guards_it_is_found_by_whoever_was_told(copy: Path, agreed: Path) -> None:
    """All files are put back to an earlier day, the guard too: sound by itself, and no receipt or book of hers fits."""
    with open_node(copy, after()) as node:
        receipt = story.answer(node, COUNT, story.CHEAP).receipt
        she = member(node)
        kept = she.looks(node).keep
    shutil.rmtree(copy)
    shutil.copytree(agreed, copy)
    assert verify(copy).sound
    assert "kept" in said(verify(copy, kept=[receipt.checkpoint_note]))
    assert not looks(copy, replace(she, kept=kept)).sound


def test_the_journal_alone_cannot_be_put_back(copy: Path, agreed: Path) -> None:
    """Guarded: the node does not open, so it signs no second history."""
    shutil.copy(agreed / JOURNAL, copy / JOURNAL)
    with pytest.raises(Exception, match="it is an older copy"), open_node(copy):
        pass


def hide(directory: Path, kind: str, slot: int) -> set[int]:
    """Whoever has the disk makes entries look as if they had been sealed with a key that is lawfully destroyed, takes
    away the evidence that they name, and folds the state again; returns their numbers."""
    hidden = {seq for (seq,) in rows(directory, f"SELECT seq FROM journal WHERE kind = '{kind}'")}
    edit(
        directory / JOURNAL,
        f"UPDATE journal SET key = {slot}, nonce = x'', record = randomblob(90) WHERE kind = '{kind}'",
    )
    with closing(connect(directory / JOURNAL)) as connection, closing(KeyRing(directory / "keys" / "persons")) as ring:
        rebuild(connection, ring)
    return hidden


def test_a_use_cannot_be_hidden_behind_an_erased_person(copy: Path) -> None:
    """Auditor and members both find that something which was rooted is not there."""
    with open_node(copy, after()) as node:
        story.done(erase.erase(node, "member-7", story.OPERATOR))
        she = member(node)
        (slot,) = [party.key_slot for party in _parties(node) if party.known_as == "member-7"] or [6]
        assert she.looks(node).sound
    assert verify(copy).sound
    hide(copy, "query.answered/1", slot or 0)
    assert not verify(copy).sound
    assert not looks(copy, she).sound


@pytest.mark.parametrize("kind", ["query.refused/1", "consents.recorded/1", "offer.published/1", "epoch.closed/1"])
def test_no_other_fact_can_be_hidden_behind_a_destroyed_key(copy: Path, kind: str) -> None:
    """The fact of an erasure names what the key sealed; whatever else pretends to be sealed with it is named."""
    with open_node(copy, after()) as node:
        erasure = story.done(erase.erase(node, "member-7", story.OPERATOR))
    assert verify(copy).sound
    hidden = hide(copy, kind, erasure.key)
    named = {finding.entry for finding in verify(copy).findings if "cannot be read" in finding.what}
    assert named == set(hidden if isinstance(hidden, list | tuple | set) else [hidden])


def _parties(node: Node) -> list[Party]:
    with node.store.read() as state:
        return list(state.list(Party))


# The steward, with the node's key and a program of her own


def leaves_out(monkeypatch: pytest.MonkeyPatch, party: str, change: Callable[[Concern], Concern | None]) -> None:
    """The program that closes epochs does something else with one person's records."""

    def other(read: Any, entry: Entry, evidence: Any) -> Iterator[Concern]:
        for concern in concerns(read, entry, evidence):
            mine = concern.party == party and isinstance(entry.fact, QueryAnswered)
            changed = change(concern) if mine else concern
            if changed is not None:
                yield changed

    monkeypatch.setattr(epoch, "concerns", other)


@pytest.mark.parametrize(
    "change",
    [lambda concern: None, lambda concern: replace(concern, part=concern.part - 1)],
    ids=["dropped", "belittled"],
)
def test_a_steward_who_roots_less_than_happened_is_found(
    directory: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Concern], Concern | None]
) -> None:
    """She alone cannot know of a use that was never rooted; the auditor names it."""
    with open_node(directory, after()) as node:
        epoch.close_epoch(node)
        use = story.answer(node, COUNT, story.CHEAP)
        with node.store.read() as state:
            she = id_of(state, SHE)
        with monkeypatch.context() as patch:
            leaves_out(patch, she, change)
            epoch.close_epoch(node)
    findings = [finding for finding in verify(directory).findings if "was not told of it in epoch 1" in finding.what]
    assert [finding.entry for finding in findings] == [use.receipt.index]


def test_a_steward_who_roots_a_lower_count_is_found(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_node(copy, after()) as node:
        she = member(node)
        she = replace(she, kept=she.looks(node).keep)

        def lower(key: bytes, number: int, count: int, head: bytes) -> bytes:
            return tally.count_entry(key, number, count - 1 if key == she.key else count, head)

        monkeypatch.setattr(epoch, "count_entry", lower)
        assert epoch.close_epoch(node) is not None
        assert not she.looks(node).sound
    assert "the count of the person with key 2" in said(verify(copy))


def test_a_steward_who_roots_another_fact_in_place_of_a_use_is_found(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_node(directory, after()) as node:
        use = story.answer(node, COUNT, story.CHEAP)
        body = tally.Body

        def harmless(entry: int, leaf: str, part: int = 0) -> tally.Body:
            with node.store.read() as state:
                first = state.leaves(0, 1)[0].hex()
            return body(0, first, part) if entry == use.receipt.index else body(entry, leaf, part)

        monkeypatch.setattr(epoch, "Body", harmless)
        epoch.close_epoch(node)
    assert use.receipt.index in {finding.entry for finding in verify(directory).findings}


def sign(directory: Path, fact: Callable[[Any], Fact]) -> int:
    """Has the node sign whatever its steward likes; the number of the entry."""
    with open_node(directory, after()) as node:
        return node.store.write(lambda tx: tx.append(fact(tx)).seq)


def hold_what_was_open(tx: Any) -> Fact:
    use = next(use.id for use in tx.list(core_epochs.Use, state="answered"))
    return UseHeld(use, story.USER, GROUND, later(tx.now, days=20))


def test_a_use_that_was_open_cannot_be_held_afterwards(copy: Path) -> None:
    """Her slip says that there was no hold; whoever withholds it all the same is found by her."""
    sign(copy, hold_what_was_open)
    found = looks(copy)
    assert not found.sound and named(found) == {2}


def hold_without_right(tx: Any) -> Fact:
    return UseHeld("use-900", story.STRANGER, GROUND, later(tx.now, days=1))


def hold_for_too_long(tx: Any) -> Fact:
    return UseHeld("use-900", story.USER, GROUND, later(tx.now, days=31))


def hold_for_ever(tx: Any) -> Fact:
    return UseHeld("use-900", story.USER, GROUND, END_OF_TIME)


def hold_on_no_ground(tx: Any) -> Fact:
    return UseHeld("use-900", story.USER, "because", later(tx.now, days=1))


def hold_again(tx: Any) -> Fact:
    held = next(tx.list(hold.Hold))
    return UseHeld(held.use, held.requester, held.ground, later(tx.now, days=29))


HOLDS = [hold_without_right, hold_for_too_long, hold_for_ever, hold_on_no_ground, hold_again]


@pytest.mark.parametrize("fact", HOLDS)
def test_a_hold_that_the_rules_do_not_allow_cannot_happen(copy: Path, fact: Callable[[Any], Fact]) -> None:
    with pytest.raises(AssertionError):
        sign(copy, fact)


@pytest.mark.parametrize("fact", HOLDS)
def test_a_hold_that_was_signed_against_the_rules_is_found(
    copy: Path, monkeypatch: pytest.MonkeyPatch, fact: Callable[[Any], Fact]
) -> None:
    """Even if the program that signed it did not mind."""
    from usufruct.core import facts

    with monkeypatch.context() as patch:
        patch.setattr(facts, "FOLDS", tuple(fold for fold in facts.FOLDS if fold is not hold.fold))
        entry = sign(copy, fact)
    assert f"{entry}: does not follow from the entries before it" in said(verify(copy))


@pytest.mark.parametrize(
    ("number", "through"),
    [(0, 0), (3, 2**40), (9, 2**40), (4, 5), (4, -1)],
    ids=["again", "again, further", "one left out", "back", "before all"],
)
def test_epochs_that_do_not_follow_each_other_cannot_happen(copy: Path, number: int, through: int) -> None:
    """Each goes on where the one before it ended: no record can fall between two."""
    with pytest.raises(AssertionError):
        sign(copy, lambda tx: EpochClosed(number, min(through, tx.next - 1), "5f" * 32, "a0" * 32))


def test_an_epoch_that_says_another_number_of_held_uses_is_seen(copy: Path) -> None:
    """What the public is told at the end of an epoch is what the facts come to."""
    with open_node(copy, after()) as node, node.store.read() as state:
        closed = [fact for epoch in state.list(Epoch) if isinstance(fact := state.entry(epoch.seq).fact, EpochClosed)]
    assert [[(c.ground, c.held, c.open) for c in one.held] for one in closed] == [
        [],
        [],
        [(GROUND, 1, 0)],
        [(GROUND, 1, 0)],
    ]


# A member, curious


def test_what_is_held_is_nowhere_to_be_seen_until_it_opens(copy: Path) -> None:
    """She sees that there is something, on which ground and until when; at that instant she sees what it was."""
    clock = after()
    with open_node(copy, clock) as node:
        with node.store.read() as state:
            (held,) = state.list(hold.Hold)
            use = state.get(core_epochs.Use, held.use)
            assert use is not None
            entries = [seq for seq in range(state.size()) if held.use in repr(state.entry(seq))]
            she = id_of(state, SHE)
        assert len(entries) == 3 and use.ended in entries  # held, admitted, answered

        def shown() -> str:
            page = views.member_page(node, SHE)
            assert page is not None
            assets = [replace(asset, withheld=()) for asset in page.assets]
            holds = [(one.ground, one.until) for asset in page.assets for one in asset.withheld]  # what is told of them
            return json.dumps(epoch.book(node, SHE)) + repr((assets, holds, page.history))

        def reached() -> list[Any]:
            receipts = [views.receipt_for(node, she, seq) for seq in entries]
            return [*receipts, views.answer_for(node, she, held.use), trace.trace(node, held.use, she)]

        clock.at, clock.tick = later(held.until, seconds=-1), 0
        text = shown()
        assert not [word for word in (held.use, use.meaning, SECRET, use.answer) if word in text]
        assert reached() == [None] * 5
        assert GROUND in text and held.until in text
        assert member(node).looks(node).held == (3,)
        clock.at = held.until
        assert held.use in shown() and use.meaning in shown()
        assert None not in reached()[2:]
        found = member(node).looks(node)
        assert found.sound and found.held == ()


def test_a_hold_hides_nothing_from_who_asked(copy: Path) -> None:
    with open_node(copy, after()) as node:
        with node.store.read() as state:
            (held,) = state.list(hold.Hold)
            use = state.get(core_epochs.Use, held.use)
        assert use is not None
        assert views.receipt_for(node, story.USER, use.ended) and views.answer_for(node, story.USER, held.use)


def test_her_book_tells_nothing_of_others(copy: Path) -> None:
    """Of two nodes, in one of which only she consents: as many leaves in every tree, and nobody's id but hers."""
    with open_node(copy, after()) as node:
        text = json.dumps(epoch.book(node, SHE))
        with node.store.read() as state:
            others = [p.id for p in state.list(Party) if p.key_slot is not None and p.known_as != SHE]
        for seed in rows(copy, "SELECT seed FROM epoch"):
            assert seed[0].hex() not in text
    assert len(others) == 11 and not [other for other in others if other in text]


def test_paths_are_as_long_whoever_took_part(directory: Path, tmp_path: Path) -> None:
    lengths = []
    for consenting in (12, 2):
        place = Path(shutil.copytree(directory, tmp_path / str(consenting)))
        with open_node(place, after()) as node:
            epoch.close_epoch(node)
            for name in story.MEMBERS:
                if name != SHE and int(name.rpartition("-")[2]) > consenting:
                    story.done(consent.record_word(node, story.ASSET, name, "Purpose", False))
            epoch.close_epoch(node)
            story.answer(node, COUNT, story.CHEAP)
            epoch.close_epoch(node)
            book = epoch.book(node, SHE)
            assert book is not None
            lengths.append((len(book["records"][-1]["path"]), len(book["newest"]["path"])))
    assert lengths[0] == lengths[1]


# Names

PRIVATE = [*story.MEMBERS, *(name.replace("member-", "Member ") for name in story.MEMBERS)]


def names_in(data: bytes) -> list[str]:
    """Members' names, as people call them, that stand in it."""
    text = data.decode("utf-8", "replace")
    return [
        name
        for name in PRIVATE
        if f'{name}"' in text or f"{name}\\" in text or f"{name} " in text or f"{name}\n" in text
    ]


def test_no_name_of_a_member_stands_in_a_record(told: Path) -> None:
    """What is hers alone is sealed; what is about many has ids that lead to nobody without it."""
    for seq, kind, record in rows(told, "SELECT seq, kind, record FROM journal"):
        assert not names_in(bytes(record)), (seq, kind)


def test_no_name_and_no_id_of_a_member_is_in_the_public_log(told: Path, tmp_path: Path) -> None:
    with public_log(told) as log:
        note = log.checkpoint()
        assert note is not None
        export(log, note, tmp_path / "public")
    files = [path for path in (tmp_path / "public").rglob("*") if path.is_file()]
    assert files
    ids = [row[0] for row in rows(told, "SELECT key FROM state_party WHERE by_known_as <> ''")]
    assert len(ids) == 12
    for path in files:
        data = path.read_bytes()
        assert not [word for word in (*PRIVATE, *ids) if word.encode() in data], path


def test_no_name_of_a_member_is_logged(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), open_node(directory, after()) as node:
        tell(node)
        epoch.book(node, SHE)
        views.member_page(node, SHE)
        story.done(erase.erase(node, "member-7", story.OPERATOR))
    assert not [word for word in PRIVATE if word in caplog.text]


def test_nothing_in_the_directory_says_her_name_once_she_is_erased(copy: Path) -> None:
    """Not in tables, nor in free pages, nor in files beside them."""
    with open_node(copy, after()) as node:
        with node.store.read() as state:
            assert id_of(state, "member-7").startswith("p-")
        story.done(erase.erase(node, "member-7", story.OPERATOR))
        open_files = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    closed = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    for files in (open_files, closed):
        found = [path.name for path, data in files.items() if b"member-7" in data or b"Member 7" in data]
        assert found == []


# Epochs


def test_every_record_lies_in_exactly_one_epoch(told: Path) -> None:
    with open_node(told) as node, node.store.read() as state:
        closed = list(state.list(Epoch))
        assert [one.number for one in closed] == list(range(4))
        last = state.get(LastEpoch)
        assert last is not None and (last.number, last.through) == (3, closed[-1].through)
        ends = [-1, *(one.through for one in closed)]
        assert ends == sorted(set(ends)) and all(one.through < one.seq for one in closed)
        counted: dict[int, int] = {}
        for first, one in zip(ends, closed, strict=False):
            made = sum(
                1 for entry in state.entries(first + 1, one.through + 1) for _ in concerns(state, entry, state.evidence)
            )
            assert len(tally.split(state.epoch(one.number).slips)) == made
            counted[one.number] = made
        total = sum(count for count, _ in state.tallies().values())
        assert total == sum(counted.values()) == 12 * 4 + 5


def test_nothing_new_makes_no_epoch(copy: Path) -> None:
    with open_node(copy, after()) as node:
        assert epoch.close_epoch(node) is not None
        with node.store.read() as state:
            size = state.size()
        assert epoch.close_epoch(node) is None
        story.ask(node, "SELECT * FROM pay")  # refused: about nobody but who asked
        assert epoch.close_epoch(node) is None
        with node.store.read() as state:
            assert state.size() == size + 1
        story.answer(node, COUNT, story.CHEAP)
        closed = epoch.close_epoch(node)
        assert closed is not None and closed.number == 5


def test_of_two_who_close_an_epoch_one_does(copy: Path) -> None:
    """The second comes while the first is about to record; she finds it done, and nothing is rooted twice."""
    with open_node(copy, after()) as node:
        closed: list[EpochClosed | None] = []
        inner = replace(node)

        def reach(step: str) -> None:
            if step == "epoch before closed":
                closed.append(epoch.close_epoch(inner))

        assert epoch.close_epoch(replace(node, reach=reach)) is None
        assert len(closed) == 1 and closed[0] is not None
        assert member(node).looks(node).sound
    assert verify(copy).sound


def test_a_fact_between_reading_and_recording_waits_for_the_next_epoch(copy: Path) -> None:
    with open_node(copy, after()) as node:

        def reach(step: str) -> None:
            if step == "epoch before closed":
                story.answer(node, COUNT, story.CHEAP)

        before = member(node).looks(node).count
        assert epoch.close_epoch(replace(node, reach=reach)) is not None
        assert member(node).looks(node).count == before + 1
        assert epoch.close_epoch(node) is not None
        found = member(node).looks(node)
        assert found.sound and found.count == before + 2
    assert verify(copy).sound
