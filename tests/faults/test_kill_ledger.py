"""A node is killed while it answers private questions; its ledger never holds less than what was released.

Not in micro-rho and not in delta, of neither asset of a joined question, for neither data user; and what was cut off stays spent.
`test_kill` kills a node in all its other work.
"""

from __future__ import annotations

import json
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_kill import Victims

from attacks.workshop import Workshop, cared, crowd
from usufruct.core.privacy.facts import QueryRepeated
from usufruct.core.privacy.state import Budget, Spent, Use
from usufruct.main import open_node
from usufruct.store.audit import verify
from usufruct.store.keys import SystemClock

KILLS = max(3, int(os.environ.get("USUFRUCT_KILLS", "20")) // 4)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    victims = Victims("ledger_victim.py")
    yield victims
    victims.close()


def check(directory: Path, told: list[dict[str, Any]]) -> tuple[int, int]:
    """The ledger against what was told; how many uses were cut off, and how many answers given again."""
    assert verify(directory).findings == ()
    with open_node(directory) as node, node.store.read() as state:
        uses = list(state.list(Use))
        by_id = {use.id: use for use in uses}
        parts: dict[str, list[Use]] = defaultdict(list)
        for use in uses:
            parts[use.within or use.id].append(use)
        for one in told:
            assert {use.asset for use in parts[one["use"]]} == set(one["assets"])
            assert {use.state for use in parts[one["use"]]} == {"answered"}
            assert one["repeated"] or {use.charge for use in parts[one["use"]]} == {one["charge"]}
            assert {use.nano_delta for use in parts[one["use"]]} == {one["delta"]}
            assert by_id[one["use"]].requester == one["who"], "nobody is told what another paid for"
        for budget in state.list(Budget):
            of = [use for use in uses if use.asset == budget.asset]
            assert (budget.reserved, budget.delta_reserved) == (0, 0)
            assert budget.spent == sum(use.charge for use in of)
            assert budget.delta_spent == sum(use.nano_delta for use in of)
            released = [one for one in told if not one["repeated"] and budget.asset in one["assets"]]
            assert budget.spent >= sum(one["charge"] for one in released)
            assert budget.delta_spent >= sum(one["delta"] for one in released)
            for spent in state.list(Spent):
                if spent.asset == budget.asset:
                    assert spent.micro_rho == sum(use.charge for use in of if use.requester == spent.requester)
        repeated = sum(isinstance(state.entry(seq).fact, QueryRepeated) for seq in range(state.size()))
        assert repeated >= sum(one["repeated"] for one in told)
        return sum(use.state == "abandoned" for use in uses), repeated


def test_the_ledger_never_holds_less_than_what_was_released(
    victims: Victims, founded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workshop(founded, tmp_path, SystemClock()).node({"pay": crowd(60), "care": cared(60)}):
        pass
    directory, chance, told = tmp_path / "1", random.Random(5), list[dict[str, Any]]()
    cut = repeated = 0
    for number in range(KILLS):
        acks = tmp_path / f"acks-{number}"
        victims.kill_after(1 + chance.random(), tmp_path, directory=directory, acks=acks, seed=number)
        lines = acks.read_text().splitlines() if acks.exists() else []
        assert not [line for line in lines if line[0] == '"'], bytes.fromhex(lines[-1].strip('"')).decode()
        told += map(json.loads, lines)
        cut, repeated = check(directory, told)
    with capsys.disabled():
        joined = sum(len(one["assets"]) > 1 for one in told)
        print(
            f"\nsuite kill, ledger: {KILLS} of {KILLS} ({len(told)} answers, {joined} joined, {repeated} again, {cut} cut off)"
        )
    assert told and repeated and cut
