"""A person can count: a book that is whole passes her audit, and nothing can be taken out, put in or changed unseen.

The books here are written from the formats alone, without the node, by somebody who may also lie: `Author`.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant
from usufruct.core.proof.book import Audit, Kept, audit
from usufruct.core.proof.checkpoint import Checkpoint, sign_note, vkey
from usufruct.core.proof.commitment import commit
from usufruct.core.proof.receipt import Receipt, opening
from usufruct.core.proof.tally import (
    NO_HEAD,
    Body,
    Grove,
    Slip,
    count_entry,
    head_after,
    hide,
    leads_to,
    room_for,
    split,
    tag,
    write,
)
from usufruct.core.proof.tree import inclusion_proof, leaf_hash, root_of
from usufruct.store.keys import verify_signature

LOG = "node.example/journal"
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SIGNER.public_key().public_bytes_raw()
VKEY = vkey(LOG, PUBLIC)
KEY = hashlib.sha256(b"hers").digest()
NOW, PAST, FUTURE = (Instant(f"2026-11-{day}T00:00:00.000Z") for day in (22, 21, 23))


def some(*what: object) -> bytes:
    """32 bytes that look random and are the same in every run."""
    return hashlib.sha256(repr(what).encode()).digest()


class Author:
    """Whoever holds the log's key, and keeps the books of one person among `others`."""

    def __init__(self, others: int = 3) -> None:
        self.others = others
        self.records: list[bytes] = []  # openings, nonce and record, by entry
        self.leaves: list[bytes] = []
        self.slips: list[tuple[Slip, int, Body, bytes]] = []  # with epoch and nonce
        self.head = NO_HEAD
        self.epochs: list[tuple[int, Grove, Grove]] = []
        self._new: list[bytes] = []

    def append(self, kind: str, **fact: canonical.Value) -> int:
        """A fact; its number."""
        number = len(self.leaves)
        record = canonical.encode({"seq": number, "at": PAST, "kind": kind, "fact": fact})
        nonce = some("nonce", number)
        self.records.append(opening(nonce, record))
        self.leaves.append(commit(nonce, record))
        return number

    def record(self, part: int = 0, ground: str = "", until: str = "") -> None:
        """A fact about her, and its slip."""
        entry = self.append("query.answered/1", use=f"use-{len(self.leaves)}")
        self.slip(Body(entry, self.leaves[entry].hex(), part), ground, until)

    def slip(self, body: Body, ground: str = "", until: str = "", number: int | None = None) -> None:
        """A slip, for whatever."""
        number = len(self.slips) if number is None else number
        nonce = some("hiding", number)
        slip, self.head = write(KEY, number, self.head, nonce, body, ground, until)
        self.slips.append((slip, len(self.epochs), body, nonce))
        self._new.append(bytes.fromhex(slip.tag) + self.head)

    def close(self, count: int | None = None, head: bytes | None = None, number: int | None = None) -> None:
        """The end of an epoch; `count`, `head` and `number` are what the author says they are."""
        number = len(self.epochs) if number is None else number
        count, head = len(self.slips) if count is None else count, head or self.head
        strangers = [some("key", n) for n in range(self.others)]
        theirs = [tag(key, number) + some("head", number, n) for n, key in enumerate(strangers)]
        slips = Grove.grow([*self._new, *theirs], b"s%d" % number, room_for(self.others + 1, len(self._new) + 1))
        counts = [count_entry(KEY, number, count, head), *(count_entry(k, number, 1, NO_HEAD) for k in strangers)]
        grown = Grove.grow(counts, b"c%d" % number, room_for(self.others + 1))
        entry = self.append(
            "epoch.closed/1",
            number=number,
            through=len(self.leaves) - 1,
            slips=slips.root.hex(),
            counts=grown.root.hex(),
        )
        self.epochs.append((entry, slips, grown))
        self.said, self._new = (count, head), []

    def note(self, size: int | None = None) -> str:
        """The signed checkpoint of the first `size` entries."""
        size = len(self.leaves) if size is None else size
        return sign_note(Checkpoint(LOG, size, root_of(self.leaves[:size])).body(), LOG, PUBLIC, SIGNER.sign)

    def receipt(self, entry: int) -> str:
        """A full receipt of an entry."""
        size = len(self.leaves)
        proof = inclusion_proof(entry, size, self.hash_at)
        return Receipt(entry, tuple(proof), self.note(), self.records[entry]).text()

    def hash_at(self, level: int, index: int) -> bytes:
        """The tree's hash over 2**level leaves."""
        if level == 0:
            return leaf_hash(self.leaves[index])
        return root_of(self.leaves[index << level : (index + 1) << level])

    def book(self) -> dict[str, Any]:
        """The book, as the node would show it now."""
        shown: dict[str, Any] = {"person": "p-1", "origin": LOG, "epochs": {}, "records": [], "waiting": len(self._new)}
        for slip, epoch, body, nonce in self.slips[: len(self.slips) - len(self._new)]:
            place, path = self.epochs[epoch][1].path(bytes.fromhex(slip.tag)) or (0, [])
            held = slip.ground != "" and slip.until > NOW
            shown["records"].append({
                "slip": dataclasses.asdict(slip),
                "epoch": epoch, "place": place, "path": [item.hex() for item in path],
                "body": None if held else {**dataclasses.asdict(body), "nonce": nonce.hex()},
                "receipt": None if held else self.receipt(body.entry),
            })  # fmt: skip
            shown["epochs"][str(epoch)] = self.receipt(self.epochs[epoch][0])
        if self.epochs:
            number, (count, head) = len(self.epochs) - 1, self.said
            entry = count_entry(KEY, number, count, head)
            place, path = self.epochs[-1][2].path(entry[:32]) or (0, [])
            shown["newest"] = {
                "epoch": number, "count": count, "head": head.hex(), "place": place, "path": [item.hex() for item in path],
            }  # fmt: skip
            shown["epochs"][str(number)] = self.receipt(self.epochs[-1][0])
        return shown


def look(book: Any, kept: Kept | None = None, now: Instant = NOW) -> Audit:
    """Her audit."""
    return audit(book, KEY, VKEY, verify_signature, now, kept)


def numbers(found: Audit) -> set[int | None]:
    """The records that are named in its flaws."""
    return {flaw.number for flaw in found.flaws}


HELD = ("tax", FUTURE)
OPENED = ("tax", PAST)

stories = st.lists(st.lists(st.sampled_from([(), HELD, OPENED]), max_size=4), min_size=1, max_size=4)
"""Epochs, each with the holds of its records."""


def written(story: list[list[tuple[str, ...]]], others: int = 3) -> Author:
    """The author, after those epochs."""
    author = Author(others)
    for epoch in story:
        for number, hold in enumerate(epoch):
            author.append("party.registered/1", party="somebody")
            author.record(number, *hold)
        author.close()
    return author


STORY = [[(), (), HELD], [], [(), OPENED], [()]]


@pytest.fixture(scope="module")
def book() -> dict[str, Any]:
    """Six records in four epochs; number 2 is held, number 4 was. Not to be changed."""
    return written(STORY).book()


# What is whole


@given(stories, st.integers(0, 6))
def test_a_whole_book_passes(story: list[list[tuple[str, ...]]], others: int) -> None:
    found = look(written(story, others).book())
    holds = [hold for epoch in story for hold in epoch]
    assert found.flaws == () and found.sound
    assert found.count == len(holds)
    assert found.held == tuple(number for number, hold in enumerate(holds) if hold == HELD)
    assert found.keep is not None and found.keep.epoch == len(story) - 1


@given(stories, st.data())
def test_a_book_goes_on_from_what_was_kept(story: list[list[tuple[str, ...]]], data: st.DataObject) -> None:
    """Whenever she looked before."""
    author = Author()
    looks: list[Kept] = []
    for epoch in story:
        for hold in epoch:
            author.record(0, *hold)
        author.close()
        keep = look(author.book(), looks[-1] if looks else None).keep
        assert keep is not None
        looks.append(keep)
    assert look(author.book(), data.draw(st.sampled_from(looks))).sound


def test_before_the_first_epoch_there_is_nothing_to_count() -> None:
    author = Author()
    author.record()
    found = look(author.book())
    assert (found.count, found.sound, found.keep) == (0, True, None)


@pytest.mark.parametrize(
    ("now", "withheld", "sound"),
    [
        ("2026-11-22T23:59:59.999Z", True, True),
        ("2026-11-23T00:00:00.000Z", True, False),  # it opens at that very instant
        ("2026-11-23T00:00:00.001Z", True, False),
        ("2026-11-23T00:00:00.000Z", False, True),
        ("2026-11-22T00:00:00.000Z", False, True),  # to show it early is no wrong done to her
    ],
)
def test_a_hold_ends_at_its_instant(now: str, withheld: bool, sound: bool) -> None:
    author = written([[HELD]])
    book = author.book()
    if not withheld:
        _, _, body, nonce = author.slips[0]
        book["records"][0]["body"] = {**dataclasses.asdict(body), "nonce": nonce.hex()}
        book["records"][0]["receipt"] = author.receipt(body.entry)
    found = look(book, now=Instant(now))
    assert found.sound == sound
    assert numbers(found) == (set() if sound else {0})


# What is not


def test_whichever_record_is_left_out_is_named(book: dict[str, Any]) -> None:
    for number in range(6):
        changed = copy.deepcopy(book)
        del changed["records"][number]
        assert numbers(look(changed)) == {number}


@given(stories.filter(any), st.data())
def test_records_left_out_are_named_each(story: list[list[tuple[str, ...]]], data: st.DataObject) -> None:
    book = written(story).book()
    gone = data.draw(st.sets(st.sampled_from(range(len(book["records"]))), min_size=1))
    book["records"] = [record for number, record in enumerate(book["records"]) if number not in gone]
    assert numbers(look(book)) == gone


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every text and number in a document."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*at, key))
    elif value is not None:
        yield at


def changed(value: Any, chance: random.Random) -> Any:
    """Another value in its place: a little different, of another type, or none."""
    others = [None, [], {}, "", -1, 2**70, 0.5, True, "\ud800", "0" * 64]
    if isinstance(value, str) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        other = chance.choice([c for c in "0a9fA=+/ \n" if c != value[place]])
        return chance.choice([value[:place] + other + value[place + 1 :], value[:place] + value[place + 1 :]])
    if type(value) is int and chance.random() < 0.5:
        return value + chance.choice([-1, 1, 7, 64])
    return chance.choice([other for other in others if other != value or type(other) is not type(value)])


NOT_CHECKED = ("person", "origin", "waiting")  # they say nothing that she could check


def test_any_value_that_is_changed_is_found(book: dict[str, Any]) -> None:
    """Wherever in the document; and of a record, its number is named."""
    ways = [way for way in leaves(book) if way[0] not in NOT_CHECKED]
    chance = random.Random(31)
    for way in [*ways, *chance.choices(ways, k=600)]:
        other = copy.deepcopy(book)
        inner = other
        for key in way[:-1]:
            inner = inner[key]
        was = inner[way[-1]]
        inner[way[-1]] = changed(was, chance)
        found = look(other)
        assert not found.sound, (way, was, inner[way[-1]])
        if way[0] == "records" and way[2:] != ("slip", "number"):
            assert way[1] in numbers(found), (way, was, inner[way[-1]])


def test_any_part_that_is_taken_out_is_found(book: dict[str, Any]) -> None:
    """A field, an epoch, a step of a path; what is withheld has no receipt to lose."""
    parts = {way[:length] for way in leaves(book) for length in range(1, len(way) + 1)}
    for way in sorted(parts, key=str):
        if way[0] in NOT_CHECKED:
            continue
        other = copy.deepcopy(book)
        inner = other
        for key in way[:-1]:
            inner = inner[key]
        if inner.pop(way[-1]) != "":  # what a slip without a hold leaves empty, it may leave out
            assert not look(other).sound, way


@pytest.mark.parametrize("other", [None, [], "", 7, {}, {"newest": {}}, {"newest": [], "records": 5, "epochs": None}])
def test_what_is_no_book_is_read_as_one_that_shows_nothing(book: dict[str, Any], other: Any) -> None:
    kept = look(book).keep
    assert not look(other, kept).sound


def swap(book: dict[str, Any], one: int, two: int, *fields: str) -> None:
    a, b = book["records"][one], book["records"][two]
    for field in fields:
        a[field], b[field] = b[field], a[field]


def renumber(book: dict[str, Any], one: int, two: int) -> None:
    a, b = book["records"][one]["slip"], book["records"][two]["slip"]
    a["number"], b["number"] = b["number"], a["number"]


def hold_on(book: dict[str, Any]) -> None:
    book["records"][0].update(body=None, receipt=None)


def hold_with_a_ground(book: dict[str, Any]) -> None:
    hold_on(book)
    book["records"][0]["slip"].update(ground="tax", until=str(FUTURE))


def hold_longer(book: dict[str, Any]) -> None:
    book["records"][4]["slip"]["until"] = str(FUTURE)
    book["records"][4].update(body=None, receipt=None)


def without_the_newest(book: dict[str, Any]) -> None:
    del book["newest"]


def twice(book: dict[str, Any]) -> None:
    book["records"].append(copy.deepcopy(book["records"][1]))


def one_more(book: dict[str, Any]) -> None:
    more = copy.deepcopy(book["records"][-1])
    more["slip"]["number"] = 6
    book["records"].append(more)


LIES: list[tuple[Callable[[dict[str, Any]], Any], set[int | None]]] = [
    (lambda book: swap(book, 0, 1, "body", "receipt"), {0, 1}),
    (lambda book: swap(book, 0, 1, "receipt"), {0, 1}),
    (lambda book: swap(book, 0, 3, "slip"), {0, 3}),
    (lambda book: swap(book, 0, 3, "slip", "body", "receipt"), {0, 3}),
    (lambda book: swap(book, 0, 1, "place", "path"), {0, 1}),
    (lambda book: swap(book, 0, 3, "epoch"), {0, 3}),
    (lambda book: renumber(book, 0, 1), {0, 1}),
    (hold_on, {0}),
    (hold_with_a_ground, {0}),
    (hold_longer, {4}),
    (without_the_newest, {None}),
    (twice, {1}),
    (one_more, {None}),
    (lambda book: book["epochs"].update({"0": book["epochs"]["2"]}), {0, 1, 2}),
    (lambda book: book["epochs"].update({"3": book["epochs"]["2"]}), {None}),
    (lambda book: book["epochs"].update({"0": book["records"][0]["receipt"]}), {0, 1, 2}),
]


@pytest.mark.parametrize(("lie", "named"), LIES, ids=range(len(LIES)))
def test_a_lie_is_found_and_the_records_it_concerns_are_named(
    book: dict[str, Any], lie: Callable[[dict[str, Any]], Any], named: set[int | None]
) -> None:
    other = copy.deepcopy(book)
    lie(other)
    assert numbers(look(other)) == named, look(other).flaws


def test_another_persons_key_opens_nothing(book: dict[str, Any]) -> None:
    assert not audit(book, some("not hers"), VKEY, verify_signature, NOW).sound


def test_another_logs_key_proves_nothing(book: dict[str, Any]) -> None:
    other = vkey(LOG, Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw())
    assert not audit(book, KEY, other, verify_signature, NOW).sound


# Lies that were rooted, by whoever holds all keys


def test_a_count_that_is_too_low_hides_nothing_that_was_seen() -> None:
    """A record is dropped and a lower count is rooted: she knows it from before, and the chain knows it."""
    author = written([[(), ()]])
    kept = look(author.book()).keep
    author.close(count=1)
    assert {0, 1} & numbers(look(author.book()))
    assert 1 in numbers(look(author.book(), kept))


def test_a_rewritten_chain_is_not_what_she_saw() -> None:
    """The same number of records, other contents, everything else in order: whoever looked before finds it."""
    kept = look(written([[(), (), ()]]).book()).keep
    other = Author()
    for _ in range(3):
        other.append("party.registered/1", party="more")
        other.record(9)
    other.close()
    assert look(other.book()).sound
    found = look(other.book(), kept)
    assert 2 in numbers(found) and None in numbers(found)  # the chain, and a fork of the journal of that size


def test_a_journal_that_was_cut_back_is_found() -> None:
    """Her count is the same; only others' facts were taken back."""
    author = written([[()]])
    book = author.book()
    author.append("party.registered/1", party="more")
    author.close()
    kept = look(author.book()).keep
    found = look(book, kept)
    assert numbers(found) == {None} and "of epoch 0" in found.flaws[0].what


def test_two_records_under_one_number() -> None:
    """In two epochs, each rooted; one of them hides from her whatever she is shown."""
    author = written([[(), ()]])
    entry = author.append("query.answered/1", use="hidden")
    author.slip(Body(entry, author.leaves[entry].hex()), number=1)
    author.close(count=2)
    for hidden in (1, 2):
        book = author.book()
        del book["records"][hidden]
        assert not look(book).sound


def test_a_slip_that_names_another_fact_than_is_shown() -> None:
    author = Author()
    one = author.append("query.refused/1", use="harmless")
    author.slip(Body(one, author.leaves[one].hex()))
    author.close()
    other = author.append("query.answered/1", use="harmful")
    author.close()
    book = author.book()
    assert look(book).sound
    book["records"][0]["receipt"] = author.receipt(other)
    assert numbers(look(book)) == {0}


def test_a_slip_under_a_tag_that_is_not_hers_is_none() -> None:
    """Rooted and all: a tag that she cannot predict could stand twice."""
    author = Author()
    entry = author.append("query.answered/1", use="use-1")
    body = Body(entry, author.leaves[entry].hex())
    honest, _ = write(KEY, 0, NO_HEAD, some("hiding", 0), body)
    slip = dataclasses.replace(honest, tag=some("another").hex())
    author.head = head_after(KEY, slip)
    author.slips.append((slip, 0, body, some("hiding", 0)))
    author._new.append(bytes.fromhex(slip.tag) + author.head)
    author.close()
    assert numbers(look(author.book())) == {0}


def test_a_record_without_a_ground_is_not_withheld_until_later() -> None:
    author = Author()
    author.record(0, "", str(FUTURE))
    author.close()
    book = author.book()
    assert look(book).sound
    book["records"][0].update(body=None, receipt=None)
    assert numbers(look(book)) == {0}


def test_a_count_without_end_does_not_hang_her_program() -> None:
    author = written([[()]])
    author.close(count=2**62)
    found = look(author.book())
    assert not found.sound and len(found.flaws) < 10_000


@pytest.mark.parametrize("until", ["~", "for ever", "2999", "2999-01-01", "2999-01-01T00:00:00Z", "9" * 24])
def test_a_hold_ends_at_an_instant_and_at_nothing_else(until: str) -> None:
    assert numbers(look(written([[("tax", until)]]).book())) == {0}


# The trees and the chain


@given(st.sets(st.binary(min_size=64, max_size=64), max_size=9), st.binary(max_size=8), st.integers(0, 3))
def test_every_entry_leads_to_the_root_and_nothing_else_does(entries: set[bytes], seed: bytes, more: int) -> None:
    room = room_for(max(1, len(entries))) << more
    grove = Grove.grow(entries, seed, room)
    assert grove.root == Grove.grow(sorted(entries, reverse=True), seed, room).root  # the order says nothing
    assert len(grove.levels[0]) == room and split(b"".join(sorted(entries))) == sorted(entries)
    for entry in entries:
        found = grove.path(entry[:32])
        assert found is not None
        place, path = found
        assert leads_to(entry, place, path, grove.root)
        wrong = bytes([entry[0] ^ 1]) + entry[1:]
        assert not leads_to(wrong, place, path, grove.root)
        assert not leads_to(entry, place ^ 1, path, grove.root) or not path
        assert not leads_to(entry, place + room, path, grove.root) and not leads_to(entry, -1, path, grove.root)
        assert not path or not leads_to(entry, place, path[1:], grove.root)
        assert not leads_to(entry, place, [*path, bytes(32)], grove.root)
    assert grove.path(some("nobody")) is None


def test_a_tree_without_a_seed_would_tell_how_many_there_are() -> None:
    """Trees with one and with five entries look alike: as many leaves, none of them twice, paths as long."""
    for count in (1, 5):
        grove = Grove.grow([some(count, n) * 2 for n in range(count)], b"seed", room_for(6))
        assert len(set(grove.levels[0])) == 8 and len(grove.levels) == 4
    one = Grove.grow([some(1) * 2], b"seed", 8)
    other = Grove.grow([some(1) * 2], b"another", 8)
    assert not set(one.levels[0]) & set(other.levels[0]) - {leaf_hash(some(1) * 2)}


@given(st.integers(1, 3000), st.integers(1, 20))
def test_room_is_enough_and_tells_little(people: int, most: int) -> None:
    room = room_for(people, most)
    assert room >= people * most and room & (room - 1) == 0
    assert room < 4 * people * most


def test_tags_of_one_person_cannot_be_linked() -> None:
    tags = {tag(key, number) for key in (KEY, some("other")) for number in range(100)}
    assert len(tags) == 200
    counts = [count_entry(KEY, epoch, 5, NO_HEAD) for epoch in range(50)]
    assert len({entry[:32] for entry in counts} | {entry[32:] for entry in counts}) == 100
    assert not {entry[:32] for entry in counts} & tags


FIELDS = [field.name for field in dataclasses.fields(Slip)]


@pytest.mark.parametrize("field", FIELDS)
def test_a_head_commits_to_every_field_of_its_slip(field: str) -> None:
    slip, head = write(KEY, 3, NO_HEAD, bytes(32), Body(7, "5f" * 32, 2), "tax", str(FUTURE))
    value = getattr(slip, field)
    other = dataclasses.replace(slip, **{field: value + 1 if isinstance(value, int) else value + "0"})
    assert head_after(KEY, slip) == head != head_after(KEY, other)


@pytest.mark.parametrize("other", [Body(8, "5f" * 32, 2), Body(7, "60" * 32, 2), Body(7, "5f" * 32, 3)])
def test_a_slip_commits_to_its_body_and_hides_it(other: Body) -> None:
    body = Body(7, "5f" * 32, 2)
    assert hide(bytes(32), body) != hide(bytes(32), other)
    assert hide(bytes(32), body) != hide(some("another nonce"), body)
