"""A closed period worked out again: the same bytes from the journal, and whatever was altered is named."""

from __future__ import annotations

from pathlib import Path

import pytest

import story
from support import JOURNAL, SetClock, edit
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.segment import PIECE_TYPE
from usufruct.main import open_node
from usufruct.node import division, recompute
from usufruct.node.node import Node
from usufruct.node.recompute import Recomputed
from usufruct.store.memory import MemoryState
from usufruct.wire import division as wire

RULE = """
title = "our rule"
source = "what we decided"
authority = "assembly of 2026-11-20"
rest = "members"
costs_basis_points = 3000

[[share]]
name = "running"
basis = "work"
basis_points = 1500
to = "operator"
vests_months = 3

[[share]]
name = "labelling"
basis = "work"
basis_points = 1000
to = "labelling"

[[share]]
name = "floor"
basis = "responsibility"
basis_points = 500
to = "floor"

[[share]]
name = "members"
basis = "factors"
basis_points = 7000
to = "members"
"""


def two_periods(node: Node) -> None:
    """One by the rulebook; then a rule with a cost, a credit, a floor and what vests, and another."""
    story.answer(node)
    story.answer(node, "SELECT COUNT(*) AS n FROM pay WHERE year = 2022")
    story.close_period(node, "q1")
    story.done(division.adopt(node, wire.read(RULE, "EUR"), story.ASSET, None, story.OPERATOR))
    story.done(division.state_cost(node, story.ASSET, story.STRANGER, Money(90, "EUR"), "hosting", "", story.OPERATOR))
    story.done(
        division.grant_credit(node, story.ASSET, "labelling", story.USER, 4, "labels", END_OF_TIME, story.OPERATOR)
    )
    story.answer(node, "SELECT COUNT(*) AS n FROM pay WHERE night_shifts")
    story.close_period(node, "q2")


def again(node: Node, period: str) -> Recomputed:
    found = recompute.recompute(node, period, MemoryState())
    assert isinstance(found, Recomputed)
    return found


def test_every_period_is_the_same_again_whatever_came_later(node: Node) -> None:
    two_periods(node)
    found = {period: again(node, period) for period in ("q1", "q2")}
    assert [one.different for one in found.values()] == [(), ()]
    assert found["q1"].lines == story.PERSONS
    assert [one.statements for one in found.values()] == [story.PERSONS + 1, story.PERSONS + 3]
    story.answer(node)
    story.close_period(node, "q3")
    assert again(node, "q3").different == ()
    assert again(node, "q1") == again(node, "q1"), "though what is outstanding, and where complaints stand, goes on"


def test_a_period_that_was_not_closed(node: Node) -> None:
    refused = recompute.recompute(node, "q1", MemoryState())
    assert isinstance(refused, Refusal) and refused.code == "registry.unknown"


def text(table: str, column: str, old: str, new: str, where: str = "1") -> str:
    return (
        f"UPDATE {table} SET {column} = CAST(replace(CAST({column} AS TEXT), '{old}', '{new}') AS BLOB) "
        f"WHERE {where} AND CAST({column} AS TEXT) LIKE '%{old}%'"
    )


SETTLED = f"media_type = '{PIECE_TYPE}'"
COUNTED = "media_type = 'application/vnd.usufruct.contributions.v1'"

ALTERED = {
    "a line of the settlement": (
        f"UPDATE evidence SET bytes = zeroblob(length(bytes)) WHERE {SETTLED}", "the settlement of `pay`",
    ),
    "the plan in the journal": (
        text("journal", "record", '"basis_points":1500', '"basis_points":1600', "kind = 'period.planned/1'"), "the plan `plan-",
    ),
    "a price in the journal": (text("journal", "record", '"price":500', '"price":700'), "the settlement of `pay`"),
    "a cost in the journal": (text("journal", "record", '"amount":90', '"amount":91'), "the plan `plan-"),
    "the plan as the node keeps it": (
        text("state_period_plan", "body", '"basis_points":1500', '"basis_points":1600'), "the plan `plan-",
    ),
    "the period as the node keeps it": (text("state_period", "body", '"number":2', '"number":3'), "the period `q2`"),
    "a posting": (text("state_transfer", "body", '"amount":500', '"amount":501'), "the transfer `"),
    "a balance": (
        text("state_account", "body", '"id":"party:institute"', '"id":"party:insurers"'), "the balance of `",
    ),
    "a use as the node keeps it": (
        text("state_use", "body", '"purpose":"AcademicResearch"', '"purpose":"Marketing"'), "the statement of `",
    ),
    "the name of a member": (
        text("state_party", "body", '"known_as":"member-4"', '"known_as":"member-x"'), "the statement of `",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
def test_whatever_was_altered_is_named(directory: Path, clock: SetClock, what: str) -> None:
    statement, named = ALTERED[what]
    with open_node(directory, clock) as node:
        two_periods(node)
    edit(directory / JOURNAL, statement)
    with open_node(directory, clock) as node:
        different = again(node, "q2").different
    assert any(said.startswith(named) for said in different), different
