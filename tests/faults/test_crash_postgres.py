"""The process of a node in PostgreSQL dies, at steps and at any moment, as in `test_crash` with SQLite."""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from crasher import the_story
from test_crash import Crasher, acknowledged, check_money

from support import check_ends
from usufruct.core.privacy.state import Use
from usufruct.main import open_node
from usufruct.store.audit import verify
from usufruct.store.move import move


@pytest.fixture(scope="module")
def crasher() -> Iterator[Crasher]:
    """The process in which nodes die."""
    found = Crasher()
    yield found
    found.close()


def into_database(source: Path, directory: Path, address: str) -> None:
    """A copy of a node, with its journal in the database."""
    shutil.copytree(source, directory)
    with open_node(directory) as node:
        move(directory, address, node.keyring)
    (directory / "journal.sqlite").unlink()


@pytest.mark.parametrize(
    ("step", "count"),
    [
        ("store before commit", 4),
        ("store after commit", 5),
        ("store after guard", 6),
        ("query after admitted", 1),
        ("query after run", 1),
        ("query before answered", 1),
        ("period before closed", 1),
    ],
)
def test_nothing_is_lost_or_left_half_done(
    step: str, count: int, crasher: Crasher, founded: Path, table: Path, tmp_path: Path, pg_address: str
) -> None:
    directory, acks = tmp_path / "node", tmp_path / "acks"
    into_database(founded, directory, pg_address)
    status = crasher.run(run="story", directory=directory, table=table, acks=acks, step=step, count=count)
    assert status == -signal.SIGKILL
    told = acknowledged(acks)
    kept = [each["checkpoint"] for each in told]
    assert verify(directory, kept=kept).findings == ()
    with open_node(directory) as node:
        with node.store.read() as state:
            check_ends(state)
            check_money(state)
            assert state.size() >= max((each["size"] for each in told), default=0)
            for each in told:
                if "use" in each:
                    use = state.get(Use, each["use"])
                    assert use is not None and use.state == "answered"
                    assert hashlib.sha256(state.evidence(use.answer)).hexdigest() == each["answer"]
        for _ in the_story(node, table):
            pass
        with node.store.read() as state:
            check_ends(state)
            check_money(state)
    assert verify(directory, kept=kept).findings == ()


def test_killed_again_and_again_while_many_write(
    crasher: Crasher, agreed: Path, tmp_path: Path, pg_address: str
) -> None:
    directory, chance = tmp_path / "node", random.Random(11)
    into_database(agreed, directory, pg_address)
    openings: dict[int, str] = {}
    for round in range(4):
        acks = tmp_path / f"acks-{round}"
        assert crasher.run(run="crowd", directory=directory, acks=acks, seconds=chance.uniform(0.5, 1.2)) < 0
        told = acknowledged(acks)
        assert told, "the round was over before anything happened"
        openings |= {fact["seq"]: fact["opening"] for fact in told}
        assert verify(directory).findings == ()
        with open_node(directory) as node, node.store.read() as state:
            check_ends(state)
            check_money(state)
            for seq, opening in openings.items():
                assert hashlib.sha256(state.receipt(seq).extra or b"").hexdigest() == opening
    assert verify(directory).findings == ()
