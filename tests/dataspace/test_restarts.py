"""Both nodes die in the middle of a talk, at every step that makes something last, and go on from what lay on their disks.

At each step the disks are copied as they are at that moment, which is what a power cut leaves. The copies are then opened,
say what was still to be said, and must come to the same end; then each is audited, and its state folded again.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import wires
from test_two_nodes import CURIOUS, ask_for, settle, states

import story
from support import JOURNAL, rebuilt_rows, state_rows
from usufruct.core.dataspace.messages import PULL
from usufruct.core.dataspace.state import Begun, HeldAgreement
from usufruct.main import open_node
from usufruct.node.dataspace import talk
from usufruct.store.audit import verify

STEPS = ("store before commit", "store after commit")
NAMES = (wires.HOSPITAL, wires.CITY)


def test_both_go_on_from_wherever_they_died(tmp_path: Path, founded: Path, table: Path) -> None:
    disks = tmp_path / "disks"
    images: list[tuple[str, Path]] = []

    def reaching(name: str) -> Callable[[str], None]:
        def reach(step: str) -> None:
            if step in STEPS and begun:
                place = disks / str(len(images))
                for one in NAMES:
                    shutil.copytree(tmp_path / one, place / one)
                images.append((f"{name}: {step}", place))

        return reach

    begun = False
    with wires.two(tmp_path, founded, table, reaching=reaching) as (_, hospital, city):
        begun = True
        asked = ask_for(city, hospital)
        settle(city, hospital)
        story.done(talk.transfer(city, asked.process, PULL, story.OPERATOR))
        settle(city, hospital)
        begun = False
    assert len(images) > 20
    ends = Counter(_go_on(place, where) for where, place in images)
    assert set(ends) == {(), ("FINALIZED",), ("FINALIZED", "STARTED")}, ends


def _go_on(place: Path, where: str) -> tuple[str, ...]:
    """Where both talks stand once the two nodes have gone on."""
    wire = wires.Wire()
    with ExitStack() as stack:
        hospital, city = (wires.connect(wire, one, stack.enter_context(open_node(place / one))) for one in NAMES)
        settle(city, hospital)
        settle(city, hospital, patience=CURIOUS, rounds=3)
        here, there = states(city), states(hospital)
        assert here == there, (where, wire.heard)
        with city.store.read() as mine, hospital.store.read() as theirs:
            assert [row.in_force for row in mine.list(HeldAgreement)] == [True] * ("FINALIZED" in here)
            assert (
                {row.kind: row.open for row in theirs.list(Begun) if row.open} == {"transfer": 1}
                if len(here) > 1
                else True
            )
    for one in NAMES:
        assert verify(place / one).findings == (), where
        incremental = state_rows(place / one / JOURNAL)
        assert rebuilt_rows(place / one / JOURNAL) == incremental, where
    return tuple(here)
