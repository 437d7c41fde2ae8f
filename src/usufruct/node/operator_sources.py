"""What other areas hold about an operator: the rule of its newest round, the floors that bind it, and evidence for a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.cover import rules
from usufruct.core.work.allocation.rule import METHODS, PARTS
from usufruct.core.work.hours import conditions
from usufruct.core.work.own.fairwork import Beside
from usufruct.core.work.rounds.state import SETTLED, Round
from usufruct.node.conditions import limits


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter of allocation: its name, what it means, and its `weight` beside the others."""

    name: str
    says: str
    weight: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """By which `method` an operator gives work out, in words, and what counts how much."""

    method: str
    weights: tuple[Weight, ...]

    @property
    def whole(self) -> int:
        """The sum of the weights."""
        return sum(one.weight for one in self.weights)


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked about an operator: its allocation, its floors now, and what is held beside its own records."""

    allocation: Callable[[Reader, str], Allocation | None]
    floors: Callable[[Reader, str, Instant], Sequence[str]]
    beside: Callable[[Reader, str, Instant, Instant], Beside]


def allocation(read: Reader, operator: str) -> Allocation | None:
    """The rule of the newest round that an operator opened or speaks for the operators in; None if there is none."""
    found = [row for row in read.list(Round) if operator in (row.by, row.speakers[1])]
    if not found:
        return None
    rule = found[-1].rule
    return Allocation(METHODS[rule.method], tuple(Weight(one.name, PARTS[one.name], one.weight) for one in rule.parts))


def floors(read: Reader, operator: str, at: Instant) -> list[str]:
    """The floors that bind an operator now, in words."""
    known = conditions.in_force(limits(read, at), at, operator)
    return [conditions.in_words(one) for one in known if one.shape.startswith("floor-")]


def beside(read: Reader, operator: str, since: Instant, until: Instant) -> Beside:
    """Covers that are raised for its workers, and rounds that were settled by their certificates."""
    covers = [row for row in rules.in_force(read, until) if not row.operators or operator in row.operators]
    net = tuple(row.name for row in covers if row.scheme.entitlements)
    own = [row for row in read.list(Round, state=SETTLED) if operator in (row.by, row.speakers[1])]
    count = sum(since <= row.since < until for row in own)
    return Beside(safety_net=net, rounds=(count, count) if count else None)


SOURCES = Sources(allocation, floors, beside)
