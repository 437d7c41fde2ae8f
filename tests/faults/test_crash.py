"""The process dies, at every step and at any moment; then the node is opened again and looked at as a whole.

Every step that a node reaches (see `reach` in the use cases and the store) is a place to die, each time that the story
reaches it. Whatever a call had returned must be there; whatever had not may be there as a whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from crasher import the_story

import story
from support import JOURNAL, check_ends, rebuilt_rows, state_rows
from usufruct.core.epochs import Epoch, concerns
from usufruct.core.income.accounts import of_party
from usufruct.core.income.ledger import Account
from usufruct.core.income.state import Period
from usufruct.core.privacy.state import Use
from usufruct.core.proof.tally import split
from usufruct.main import open_node
from usufruct.ports import Snapshot
from usufruct.store.audit import verify

STEPS = (
    "store before commit",
    "store after commit",
    "store after guard",
    "asset after ingest",
    "query before admitted",
    "query after admitted",
    "query before run",
    "query after run",
    "query before answered",
    "query after answered",
    "epoch before closed",
    "period before planned",
    "period before closed",
    "period after closed",
)


class Crasher:
    """The process in which nodes die; see `crasher`."""

    def __init__(self) -> None:
        here = Path(__file__)
        environment = os.environ | {"PYTHONPATH": str(here.parents[1])}
        self._process = subprocess.Popen(
            [sys.executable, here.with_name("crasher.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def run(self, **job: Any) -> int:
        """Runs a job and returns its exit status."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(job, default=str) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def crashers() -> Iterator[list[Crasher]]:
    """Two of them, for two processors."""
    both = [Crasher(), Crasher()]
    yield both
    for crasher in both:
        crasher.close()


@pytest.fixture(scope="module")
def reached(
    crashers: list[Crasher], founded: Path, table: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, int]:
    """How often the story reaches each step when nothing stops it."""
    place = tmp_path_factory.mktemp("steps")
    shutil.copytree(founded, place / "node")
    status = crashers[0].run(
        run="story", directory=place / "node", table=table, acks=place / "acks", steps=place / "steps"
    )
    assert status == 0
    assert [told for told in acknowledged(place / "acks") if "use" in told]
    return dict(json.loads((place / "steps").read_text()))


def test_every_step_is_tried(reached: dict[str, int]) -> None:
    assert set(reached) == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_lost_or_left_half_done(
    step: str, reached: dict[str, int], crashers: list[Crasher], founded: Path, table: Path, tmp_path: Path
) -> None:
    def die_at(crasher: Crasher, counts: range) -> None:
        for count in counts:
            place = tmp_path / str(count)
            shutil.copytree(founded, place / "node")
            status = crasher.run(
                run="story", directory=place / "node", table=table, acks=place / "acks", step=step, count=count
            )
            assert status == -signal.SIGKILL
            batches = verify(place / "node").checkpoints - 1  # the first is of the founding
            if step == "store before commit":
                assert batches == count - 1, "a batch that was not committed left a trace"
            if step in ("store after commit", "store after guard"):
                assert batches == count, "a committed batch is not there"
            check_all(place / "node", acknowledged(place / "acks"), table)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(die_at, crashers[i], range(1 + i, reached[step] + 1, 2)) for i in (0, 1)]:
            done.result()


def acknowledged(acks: Path) -> list[dict[str, Any]]:
    """What the node had acknowledged before it died."""
    return [json.loads(line) for line in acks.read_text().splitlines()] if acks.exists() else []


def check_all(directory: Path, acks: list[dict[str, Any]], table: Path) -> None:
    """The node is whole before it is opened, once it is open, and after the story was told to its end."""
    kept = [told["checkpoint"] for told in acks]
    assert verify(directory, kept=kept).findings == ()
    with open_node(directory) as node:
        with node.store.read() as state:
            check_ends(state)
            check_money(state)
            for told in acks:
                if "use" in told:
                    use = state.get(Use, told["use"])
                    assert use is not None and use.state == "answered"
                    assert hashlib.sha256(state.evidence(use.answer)).hexdigest() == told["answer"]
        for _ in the_story(node, table):
            pass
        with node.store.read() as state:
            check_ends(state)
            check_money(state)
            check_epochs(state)
            assert [period.id for period in state.list(Period)] == ["2026-q4"]
            assert {use.state for use in state.list(Use)} == {"answered", "abandoned", "refused"}
    assert verify(directory, kept=kept).findings == ()
    incremental = state_rows(directory / JOURNAL)
    assert rebuilt_rows(directory / JOURNAL) == incremental


def check_epochs(state: Snapshot) -> None:
    """Every record lies in exactly one epoch, and everybody's count is that of her records."""
    closed = list(state.list(Epoch))
    ends = [-1, *(one.through for one in closed)]
    assert [one.number for one in closed] == list(range(len(closed))) and ends == sorted(set(ends))
    assert len(closed) > 1
    counts: Counter[int] = Counter()
    for before, one in zip(ends, closed, strict=False):
        made = [c.key for e in state.entries(before + 1, one.through + 1) for c in concerns(state, e, state.evidence)]
        assert len(split(state.epoch(one.number).slips)) == len(made)
        counts.update(made)
    assert {key: count for key, (count, _) in state.tallies().items()} == counts


def check_money(state: Snapshot) -> None:
    """The institute owes the price of each answer that it was given, and of nothing else."""
    account = state.get(Account, of_party(story.USER), "EUR")
    owed = sum(use.price for use in state.list(Use, state="answered"))
    assert (account.balance if account else 0) == -owed


def test_killed_again_and_again_while_many_write(crashers: list[Crasher], directory: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    openings: dict[int, str] = {}
    for round in range(6):
        acks = tmp_path / f"acks-{round}"
        assert crashers[0].run(run="crowd", directory=directory, acks=acks, seconds=chance.uniform(0.3, 0.9)) < 0
        told = acknowledged(acks)
        assert told, "the round was over before anything happened"
        openings |= {fact["seq"]: fact["opening"] for fact in told}
        assert verify(directory).findings == ()
        with open_node(directory) as node, node.store.read() as state:
            check_ends(state)
            check_money(state)
            for seq, opening in openings.items():
                assert hashlib.sha256(state.receipt(seq).extra or b"").hexdigest() == opening
            cut_off = [use.id for use in state.list(Use, state="abandoned")]
    assert cut_off, "no round was killed between the two facts of a use"
    assert verify(directory).findings == ()
    incremental = state_rows(directory / JOURNAL)
    assert rebuilt_rows(directory / JOURNAL) == incremental
