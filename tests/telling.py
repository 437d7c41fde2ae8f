"""A story in which totals are told, for tests: the pay of twelve people, under a rule that lets the noise take nearly all of it,
for twelve are few."""

from __future__ import annotations

import story
from usufruct.node import division
from usufruct.node.node import Node
from usufruct.wire import division as wire

RULE = """
title = "totals are told"
source = "a member should be able to check her own line"
authority = "the members' assembly, item 5"
rest = "members"

[told]
micro_rho = 250000
most_basis_points = 9000

[[share]]
name = "running"
basis = "work"
basis_points = 3000
to = "operator"

[[share]]
name = "members"
basis = "factors"
basis_points = 7000
to = "members"
"""
PERIODS = ("q1", "q2")


def adopt(node: Node) -> None:
    """The rule, for the asset of the story."""
    story.done(division.adopt(node, wire.read(RULE, "EUR"), story.ASSET, None, story.OPERATOR))


def use(node: Node) -> None:
    """Two questions, of which the second is about one year."""
    story.answer(node, "SELECT COUNT(*) AS n FROM pay", story.CHEAP)
    story.answer(node, "SELECT COUNT(*) AS n FROM pay WHERE year = 2022", story.CHEAP)


def two_periods(node: Node) -> None:
    """The rule, and two periods under it."""
    adopt(node)
    for period in PERIODS:
        use(node)
        story.close_period(node, period)
