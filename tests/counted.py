"""A node with many records about one member, rooted over many epochs, for tests of her audit."""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import story
from support import SetClock
from usufruct.core.access import hold
from usufruct.core.base.instants import Instant, later
from usufruct.core.proof.book import Audit, Kept
from usufruct.core.proof.keeping import CountingKey, check
from usufruct.main import open_node
from usufruct.node import consent, epoch, query
from usufruct.node.node import Node
from usufruct.store.keys import verify_signature
from usufruct.wire import sql

SHE, ANOTHER = "member-3", "member-5"
GROUND = "criminal-investigation"
ROUNDS = 9

Book = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A node's directory, which is not to be changed; her book and key, another's book, what she kept half-way and her book
    of then. `entries` says where each of her records stands, also the withheld ones."""

    directory: Path
    book: Book
    key: CountingKey
    other: Book
    older: Book
    kept: Kept
    now: Instant
    entries: dict[int, int]


def make(directory: Path, agreed: Path) -> World:
    """Uses, consents, refusals and lawfully withheld uses; after each round an epoch, in some of them nothing of hers."""
    shutil.copytree(agreed, directory)
    older: Book = {}
    kept = None
    with open_node(directory, SetClock()) as node:
        epoch.close_epoch(node)
        story.done(node.record(lambda tx: hold.allow(tx, story.USER, GROUND, 30, "Act 7, section 2")))
        for number in range(ROUNDS):
            for _ in range(1 + number % 2):
                story.answer(node, micro_rho=story.CHEAP)
            consent.record_word(node, story.ASSET, SHE, story.OTHER_PURPOSE, number % 2 == 0)
            consent.record_word(node, story.ASSET, ANOTHER, story.OTHER_PURPOSE, number % 2 == 1)
            if number in (2, 5):
                asked = query.Asked(
                    story.USER,
                    story.QUESTION,
                    sql.parse(story.QUESTION),
                    story.PURPOSE,
                    story.CHEAP,
                    GROUND,
                    anew=True,
                )
                assert isinstance(query.ask(node, asked), query.Answered)
            epoch.close_epoch(node)
            consent.record_word(node, story.ASSET, ANOTHER, story.OTHER_PURPOSE, True)
            epoch.close_epoch(node)
            if number == ROUNDS // 2:
                older = shown(node, SHE)
                kept = audit(older, key_of(node, SHE), node.clock.now()).keep
        book, now = shown(node, SHE), node.clock.now()
        assert kept is not None
        entries = {record.number: record.entry.seq for record in epoch.records(node, SHE) or () if record.entry}
        return World(directory, book, key_of(node, SHE), shown(node, ANOTHER), older, kept, now, entries)


def shown(node: Node, member: str) -> Book:
    """Her book, as the node shows it now."""
    found = epoch.book(node, member)
    assert found is not None
    return found


def key_of(node: Node, member: str) -> CountingKey:
    """Her key."""
    found = epoch.key_file(node, member)
    assert found is not None
    return found


def audit(book: Any, key: CountingKey, now: Instant, kept: Kept | None = None) -> Audit:
    """Her audit."""
    return check(book, key, verify_signature, now, kept)


def plain(kept: Kept | CountingKey | None) -> dict[str, Any]:
    """What she keeps, as JSON has it."""
    assert kept is not None
    return asdict(kept)


def named(found: Audit) -> set[int]:
    """The numbers that an audit names."""
    return {flaw.number for flaw in found.flaws if flaw.number is not None}


# ---- what can be done to what she is shown: each changes a book and says which numbers that concerns


def _open(world: World, rng: random.Random) -> int:
    """The number of a record that is not withheld."""
    return rng.choice([record["slip"]["number"] for record in world.book["records"] if record["body"]])


def left_out(world: World, book: Book, rng: random.Random) -> set[int]:
    return {book["records"].pop(rng.randrange(len(book["records"])))["slip"]["number"]}


def slip_changed(world: World, book: Book, rng: random.Random) -> set[int]:
    number = rng.randrange(len(book["records"]))
    field = rng.choice(["tag", "previous", "body"])
    text = book["records"][number]["slip"][field]
    at = rng.randrange(len(text))
    book["records"][number]["slip"][field] = (
        text[:at] + rng.choice("0123456789abcdef".replace(text[at], "")) + text[at + 1 :]
    )
    return {number}


def held_for_longer(world: World, book: Book, rng: random.Random) -> set[int]:
    number = rng.choice([record["slip"]["number"] for record in book["records"] if not record["body"]])
    book["records"][number]["slip"]["until"] = later(world.now, days=365)
    return {number}


def silenced(world: World, book: Book, rng: random.Random) -> set[int]:
    number = _open(world, rng)
    book["records"][number] |= {"body": None, "receipt": None}
    book["records"][number]["slip"] |= {"ground": GROUND, "until": later(world.now, days=30)}
    return {number}


def part_changed(world: World, book: Book, rng: random.Random) -> set[int]:
    number = _open(world, rng)
    book["records"][number]["body"]["part"] += 1
    return {number}


def receipt_of_another(world: World, book: Book, rng: random.Random) -> set[int]:
    number, other = rng.sample([record["slip"]["number"] for record in book["records"] if record["body"]], 2)
    book["records"][number]["receipt"] = book["records"][other]["receipt"]
    return {number}


def receipt_changed(world: World, book: Book, rng: random.Random) -> set[int]:
    number = _open(world, rng)
    receipt = book["records"][number]["receipt"]
    at = rng.randrange(receipt.index("extra ") + 6, receipt.index("\nindex "))
    other = rng.choice([c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c != receipt[at]])
    book["records"][number]["receipt"] = receipt[:at] + other + receipt[at + 1 :]
    return {number}


def two_swapped(world: World, book: Book, rng: random.Random) -> set[int]:
    one, two = rng.sample([record["slip"]["number"] for record in book["records"] if record["body"]], 2)
    first, second = book["records"][one], book["records"][two]
    first["slip"]["number"], second["slip"]["number"] = two, one
    return {one, two}


def anothers_record(world: World, book: Book, rng: random.Random) -> set[int]:
    number = rng.randrange(min(len(book["records"]), len(world.other["records"])))
    book["records"][number] = copy.deepcopy(world.other["records"][number])
    book["epochs"] = world.other["epochs"] | book["epochs"]
    return {number}


def older_book(world: World, book: Book, rng: random.Random) -> set[int]:
    """To somebody who kept the newer one, whichever older one it is."""
    book.clear()
    book.update(copy.deepcopy(world.older))
    return set(range(len(world.older["records"]), len(world.book["records"])))


DAMAGES: tuple[Callable[[World, Book, random.Random], set[int]], ...] = (
    left_out, slip_changed, held_for_longer, silenced, part_changed, receipt_of_another, receipt_changed, two_swapped,
    anothers_record, older_book,
)  # fmt: skip
