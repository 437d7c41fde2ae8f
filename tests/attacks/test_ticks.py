"""Whatever comes of data leaves at a tick: an answer of each kind, a failure, a refusal after the data were looked at, and each
message to another node. How long it took beyond that is not to be seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import story
import training
from attacks import test_forms as forms
from match.world import pair
from support import Ticking, Unhurried
from usufruct.core.base.faults import EngineFault
from usufruct.core.contract.state import Agreement
from usufruct.core.rulebook import parameters
from usufruct.main import open_node
from usufruct.node import cubes, match, trade
from usufruct.node.node import Node
from usufruct.node.use import Refused, Wanted


def length(name: str) -> int:
    return parameters.shipped().value(f"privacy.tick-milliseconds{name}", Unhurried().now())


BASE, COMPUTING = length(""), length("-computing")
TAKES = [(1, 1), (37, 1), (BASE - 1, 1), (BASE + 1, 2)]  # milliseconds, and at which tick that leaves


@pytest.fixture(scope="module")
def shop(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> forms.Workshop:
    return forms.Workshop(founded, tmp_path_factory.mktemp("ticks"))


@pytest.fixture(scope="module")
def node(shop: forms.Workshop) -> Iterator[Node]:
    with shop.node(forms.people(60, forms.ordinary), "cubes") as found:
        for form, who in (("rows", forms.USER), ("masked", forms.OTHER)):
            forms.agree(found, form, who)
        story.done(cubes.declare(found, "c", "pay", ("year",), (), forms.PURPOSE, 0, forms.OPERATOR))
        story.done(cubes.build(found, "c", forms.OPERATOR))
        yield found


@pytest.fixture
def trained(founded: Path, tmp_path: Path) -> Iterator[Node]:
    with open_node(shutil.copytree(founded, tmp_path / "trained"), Unhurried()) as found:
        training.settle(found, tmp_path / "pay.csv")
        yield training.watch(found)[0]


KINDS: dict[str, Callable[[Node], Any]] = {
    "rows": lambda node: forms.ask(node, "SELECT year, region FROM pay"),
    "masked rows": lambda node: forms.ask(node, "SELECT year, region FROM pay", forms.OTHER),
    "a cube": lambda node: cubes.get(node, "c", Wanted(forms.USER, "cube c", forms.PURPOSE)),
    "a build": lambda node: cubes.build(node, "c", forms.OPERATOR),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("takes", "ticks"), TAKES)
def test_what_is_built_or_read_leaves_at_a_tick(node: Node, kind: str, takes: int, ticks: int) -> None:
    clock = Ticking(takes)
    told = KINDS[kind](replace(node, clock=clock))
    assert clock.left == [ticks * BASE], told


def test_what_fails_leaves_at_a_tick(node: Node) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            def fail(*_: Any) -> Any:
                raise EngineFault("engine.limits", "it could not be worked out", "ask something smaller")

            return getattr(node.engine, name) if name in ("fits", "check") else fail

    clock = Ticking(37)
    broken: Any = Failing()
    with pytest.raises(EngineFault):
        KINDS["rows"](replace(node, clock=clock, engine=broken))
    assert clock.left == [BASE]


def test_a_no_after_the_data_were_looked_at_leaves_at_a_tick(shop: forms.Workshop) -> None:
    with shop.node(forms.people(20, forms.ordinary)) as node:

        def meanwhile(step: str) -> None:
            if step == "query before answered":
                with node.store.read() as state:
                    (agreed,) = state.list(Agreement)
                story.done(trade.end_agreement(node, agreed.id, forms.OPERATOR))

        clock = Ticking(37)
        told = KINDS["rows"](replace(node, clock=clock, reach=meanwhile))
        assert isinstance(told, Refused) and clock.left == [BASE]


def test_a_no_before_that_waits_for_nothing(node: Node) -> None:
    clock = Ticking(37)
    assert isinstance(forms.ask(replace(node, clock=clock), "SELECT closed FROM pay"), Refused)
    assert clock.left == []


@pytest.mark.parametrize("do", [training.fit, training.make])
def test_what_is_fitted_or_drawn_leaves_at_a_longer_tick(trained: Node, do: Callable[[Node], Any]) -> None:
    for takes, ticks, more in ((BASE + 1, 1, "a"), (COMPUTING + 1, 2, "b")):
        clock = Ticking(takes)
        node = replace(trained, clock=clock)
        told = do(node) if do is training.fit else do(node, f"pay-{more}")
        assert clock.left == [ticks * COMPUTING], told


def test_every_message_of_a_match_leaves_at_a_tick(tmp_path: Path) -> None:
    persons = {number: f"EE{number}" for number in range(60)}
    theirs = Ticking(3)
    with pair(tmp_path, persons, persons, clock=theirs) as found:
        ours = Ticking(7)
        told = replace(found, here=replace(found.here, clock=ours)).match("count")
    assert isinstance(told, match.Answered)
    assert len(ours.left) >= 6, "five messages and the result"
    assert [left % BASE for left in ours.left] == [0] * len(ours.left)
    assert len(theirs.left) == len(ours.left) - 1, "each is answered, and waits for that"
