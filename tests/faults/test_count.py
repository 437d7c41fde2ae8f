"""Whatever is done to one record about a person, in the node's files or in what she is shown: her audit names it."""

from __future__ import annotations

import copy
import json
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import counted
import story
from counted import SHE, World
from support import JOURNAL, SetClock, edit
from usufruct.core.base.instants import later
from usufruct.core.privacy.state import Use
from usufruct.core.proof.tally import count_entry, leads_to, split, tag
from usufruct.core.registry.state import Party
from usufruct.main import open_node
from usufruct.node import epoch, query, register
from usufruct.node.node import Node
from usufruct.wire import card, sql

TRIALS = 100


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, agreed: Path) -> World:
    return counted.make(tmp_path_factory.mktemp("counted") / "node", agreed)


def test_a_whole_book_is_sound(world: World) -> None:
    found = counted.audit(world.book, world.key, world.now, world.kept)
    assert found.flaws == () and found.count > 20 and len(found.held) == 2
    assert len({record["epoch"] for record in world.book["records"]}) > 6
    expired = counted.audit(world.book, world.key, later(world.now, days=31))
    assert counted.named(expired) == set(found.held), "what is withheld for longer than it may be"


# ---- what can be done in the node's files: each damages one record and says which numbers that concerns


def _one(world: World, rng: random.Random, kind: str = "") -> tuple[int, int]:
    """One of her records that begins with those words: its number and where it stands."""
    with closing(sqlite3.connect(world.directory / JOURNAL)) as file:
        kinds = dict(file.execute("SELECT seq, kind FROM journal"))
    return rng.choice([(n, seq) for n, seq in world.entries.items() if kinds[seq].startswith(kind)])


def _flipped(data: bytes, rng: random.Random) -> str:
    """The bytes with one bit changed, as SQL."""
    changed = bytearray(data)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return f"x'{changed.hex()}'"


def _cell(journal: Path, query: str) -> Any:
    with closing(sqlite3.connect(journal)) as file:
        return file.execute(query).fetchone()[0]


def unmentioned(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, seq = _one(world, rng, "consent.")
    edit(journal, f"DELETE FROM about WHERE seq = {seq}")
    return {number}


def mentioned_elsewhere(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, seq = _one(world, rng, "consent.")
    edit(journal, f"UPDATE about SET seq = {rng.choice([0, 1, 2])} WHERE seq = {seq}")
    return {number}


def use_forgotten(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, seq = _one(world, rng, "query.")
    edit(journal, f"DELETE FROM state_use WHERE json_extract(CAST(body AS TEXT), '$.ended') = {seq}")
    return {number}


def use_called_refused(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, seq = _one(world, rng, "query.")
    edit(journal, "UPDATE state_use SET by_state = 'refused', body = "
         "CAST(replace(CAST(body AS TEXT), '\"answered\"', '\"refused\"') AS BLOB) "
         f"WHERE json_extract(CAST(body AS TEXT), '$.ended') = {seq}")  # fmt: skip
    return {number}


def record_changed(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, seq = _one(world, rng)
    record = _cell(journal, f"SELECT record FROM journal WHERE seq = {seq}")
    edit(journal, f"UPDATE journal SET record = {_flipped(record, rng)} WHERE seq = {seq}")
    return {number}


def record_replaced(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, seq = _one(world, rng)
    other = rng.choice([n for n in world.entries.values() if n != seq])
    row = f"SELECT {{}} FROM journal WHERE seq = {other}"
    edit(journal, "UPDATE journal SET " + ", ".join(f"{c} = ({row.format(c)})" for c in ("record", "nonce", "key"))
         + f" WHERE seq = {seq}")  # fmt: skip
    return {number}


def evidence_lost(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, seq = _one(world, rng, "query.")
    seal = json.loads(_cell(journal, f"SELECT record FROM journal WHERE seq = {seq}"))["fact"]["contributions"]
    edit(journal, f"DELETE FROM evidence WHERE seal = '{seal}'")
    return {number}


def evidence_changed(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, seq = _one(world, rng, "query.")
    seal = json.loads(_cell(journal, f"SELECT record FROM journal WHERE seq = {seq}"))["fact"]["contributions"]
    data = _cell(journal, f"SELECT bytes FROM evidence WHERE seal = '{seal}'")
    edit(journal, f"UPDATE evidence SET bytes = {_flipped(data, rng)} WHERE seal = '{seal}'")
    return {number}


def _with_hers(world: World, rng: random.Random) -> tuple[int, set[int]]:
    """An epoch with records of hers, and their numbers."""
    number = rng.choice([record["epoch"] for record in world.book["records"]])
    return number, {r["slip"]["number"] for r in world.book["records"] if r["epoch"] == number}


def slip_in_the_trees_changed(world: World, journal: Path, rng: random.Random) -> set[int]:
    """The whole tree is another then, so all her records in that epoch are without a proof."""
    number, hers = _with_hers(world, rng)
    slips = _cell(journal, f"SELECT slips FROM epoch WHERE number = {number}")
    edit(journal, f"UPDATE epoch SET slips = {_flipped(slips, rng)} WHERE number = {number}")
    return hers


def slip_taken_out_of_the_trees(world: World, journal: Path, rng: random.Random) -> set[int]:
    number, hers = _with_hers(world, rng)
    wanted = tag(world.key.secret, rng.choice(sorted(hers)))
    slips = split(_cell(journal, f"SELECT slips FROM epoch WHERE number = {number}"))
    rest = b"".join(slip for slip in slips if slip[:32] != wanted)
    edit(journal, f"UPDATE epoch SET slips = x'{rest.hex()}' WHERE number = {number}")
    return hers


def trees_lost(world: World, journal: Path, rng: random.Random) -> set[int]:
    newest = world.book["newest"]["epoch"]
    number, hers = _with_hers(world, rng)
    while number == newest:
        number, hers = _with_hers(world, rng)
    edit(journal, f"DELETE FROM epoch WHERE number = {number}")
    return hers


IN_FILES = (
    unmentioned, mentioned_elsewhere, use_forgotten, use_called_refused, record_changed, record_replaced, evidence_lost,
    evidence_changed, slip_in_the_trees_changed, slip_taken_out_of_the_trees, trees_lost,
)  # fmt: skip


@pytest.mark.parametrize("trial", range(TRIALS))
def test_whichever_record_is_dropped_or_changed_is_named(world: World, tmp_path: Path, trial: int) -> None:
    rng = random.Random(trial)
    damages: tuple[Callable[[World, Any, random.Random], set[int]], ...] = (*IN_FILES, *counted.DAMAGES)
    damage = damages[trial % len(damages)]
    kept = counted.audit(world.book, world.key, world.now).keep if damage is counted.older_book else world.kept
    if damage in IN_FILES:
        shutil.copytree(world.directory, tmp_path / "node")
        wanted = damage(world, tmp_path / "node" / JOURNAL, rng)
        epoch._grove.cache_clear()
        with open_node(tmp_path / "node", SetClock()) as node:
            book = counted.shown(node, SHE)
    else:
        book = copy.deepcopy(world.book)
        wanted = damage(world, book, rng)
    found = counted.audit(book, world.key, world.now, kept)
    assert not found.sound
    assert counted.named(found) == wanted, (damage.__name__, found.flaws)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every text and number in a book stands."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _leaves(value[key], (*path, key))
    elif value is not None and path != ("waiting",):  # how many are not rooted yet is a promise; the next book keeps it
        yield path


@given(data=st.data())
def test_any_change_of_any_field_is_a_flaw(world: World, data: st.DataObject) -> None:
    book = copy.deepcopy(world.book)
    *path, last = data.draw(st.sampled_from(list(_leaves(book))))
    inside = book
    for key in path:
        inside = inside[key]
    old = inside[last]
    if isinstance(old, str):
        at = data.draw(st.integers(0, max(0, len(old) - 1)))
        other = data.draw(st.characters(codec="ascii").filter(lambda c: c != old[at : at + 1]))
        inside[last] = old[:at] + other + old[at + 1 :]
    else:
        inside[last] = data.draw(st.integers(0, 2**63 - 1).filter(lambda number: number != old))
    assert not counted.audit(book, world.key, world.now, world.kept).sound


# ---- many persons at once

MANY = 10_000
MANY_CARD = """
asset = "visits"
title = "Visits"
description = "visits of ten thousand people"
licence = "terms of the agreement"
person_column = "nr"
rows_per_person = 1

[columns.nr]
type = "integer"
grade = "personal"

[columns.minutes]
type = "integer"
grade = "personal"
low = 0
high = 600
"""


def _look_at_many(node: Node, table: Path) -> float:
    """Ten thousand people, and one look at all of them; seconds from the answer until everybody can count it."""
    lines = ["nr,minutes", *(f"{number},{number % 600}" for number in range(MANY))]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    story.register_parties(node)
    story.done(register.add_asset(node, card.read(MANY_CARD), table, story.OPERATOR))
    story.done(register.record_consents(node, "visits", story.PURPOSE, None, "paper forms"))
    story.agree(node, asset="visits")
    epoch.close_epoch(node)
    text = "SELECT AVG(minutes) AS minutes FROM visits"
    answered = query.ask(node, query.Asked(story.USER, text, sql.parse(text), story.PURPOSE, anew=True))
    assert isinstance(answered, query.Answered)
    start = time.perf_counter()
    assert epoch.close_epoch(node) is not None
    return time.perf_counter() - start


def test_a_look_at_ten_thousand_persons_is_visible_to_each(
    new_directory: Path, tmp_path: Path, clock: SetClock
) -> None:
    with open_node(new_directory, clock) as node:
        assert _look_at_many(node, tmp_path / "visits.csv") < 10
        with node.store.read() as state:
            members = [party for party in state.list(Party) if party.key_slot is not None]
            (use,) = state.list(Use)
            newest = state.epoch(1)
            tallies = state.tallies()
        assert len(members) == MANY
        roots = epoch._counts_tree(newest)
        slips = {entry[:32] for entry in split(newest.slips)}
        for member in members:
            key = node.keyring.counting_key(member.key_slot)
            entry = count_entry(key, 1, *tallies[member.key_slot])
            place, path = roots.path(entry[:32])
            assert leads_to(entry, place, path, roots.root) and tallies[member.key_slot][0] == 2
            assert tag(key, 1) in slips, "her second record is rooted"
        for member in random.Random(1).sample(members, 200):
            book = counted.shown(node, member.id)
            found = counted.audit(book, counted.key_of(node, member.id), node.clock.now())
            assert found.sound and found.count == 2
            assert book["records"][1]["body"]["entry"] == use.ended and book["records"][1]["body"]["part"] == 1


# ---- what strangers learn


def test_nobody_can_tell_whose_records_are_whose(world: World) -> None:
    """Two records of one person look like two of different ones: among all that is public or stands in a path, no eight
    bytes occur twice, and pairs of hers are as far apart as chance has it."""
    with closing(sqlite3.connect(world.directory / JOURNAL)) as file:
        leaves = [leaf for (leaf,) in file.execute("SELECT leaf FROM journal ORDER BY seq")]
        slips = [slip for (row,) in file.execute("SELECT slips FROM epoch ORDER BY number") for slip in split(row)]
    pieces = [entry[at : at + 8] for entry in (*leaves, *slips) for at in range(len(entry) - 7)]
    assert len(pieces) == len(set(pieces))
    tags = {tag(world.key.secret, number) for number in world.entries}
    for hers in ([leaves[seq] for seq in world.entries.values()], [slip for slip in slips if slip[:32] in tags]):
        assert len(hers) == len(world.entries)
        bits = 8 * len(hers[0])
        apart = [(int.from_bytes(a) ^ int.from_bytes(b)).bit_count() for a, b in combinations(hers, 2)]
        deviation = (bits / 4 / len(apart)) ** 0.5  # of the mean of so many pairs, if every bit is a toss
        assert abs(sum(apart) / len(apart) - bits / 2) < 5 * deviation
