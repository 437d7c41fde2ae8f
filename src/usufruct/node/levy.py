"""Levies: adopt one, end one, see what each took and what is still owed, say that it was remitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from usufruct.core.access.delegation import only_people
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import levies
from usufruct.core.income.facts import LevyRemitted
from usufruct.core.income.levies import LevyOwed, LevyTaken
from usufruct.core.income.state import Period
from usufruct.core.rulebook.levy import AdoptedLevy, LevyAdopted, LevyEnded, LevyRule, Surcharge, in_words, surcharges
from usufruct.node.node import Node


@dataclass(frozen=True, slots=True)
class Raised:
    """A version of a levy that is raised, or will be, in words."""

    name: str
    number: int
    payer: str
    words: str
    asset: str
    effective: Instant
    until: Instant
    source: str
    authority: str
    condition: str


@dataclass(frozen=True, slots=True)
class Line:
    """What a levy took in a `period` (none: not closed yet) for an account."""

    name: str
    account: str
    period: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Report:
    """What levies took, by period and destination, and what of it was remitted, by levy."""

    lines: tuple[Line, ...]
    owed: tuple[LevyOwed, ...]


def adopt(
    node: Node, rule: LevyRule, asset: str, effective: Instant | None, by: str, actors: tuple[str, ...] = ()
) -> LevyAdopted | Refusal:
    """Raises a levy from now on or from a later day; a person signs it.

    Raises:
        BadInput: a name in it cannot be an id.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "adopt-levy", by, actors)
            or levies.adopt(tx, rule, asset, effective or tx.now, by, node.about.operator, tx.now)
        )
    )


def end(
    node: Node, name: str, why: str, effective: Instant | None, by: str, actors: tuple[str, ...] = ()
) -> LevyEnded | Refusal:
    """Raises a levy no more, from now or from a later day on; a person signs it."""
    return node.record(
        lambda tx: (
            only_people(tx, "adopt-levy", by, actors)
            or levies.end(tx, name, why, effective or tx.now, by, node.about.operator, tx.now)
        )
    )


def remit(node: Node, name: str, account: str, amount: Money, reference: str, by: str) -> LevyRemitted | Refusal:
    """Records that what was taken for a levy went to whom it is for."""
    return node.record(lambda tx: levies.remit(tx, name, account, amount, reference, by, node.about.operator))


def raised(node: Node) -> list[Raised]:
    """The levies that are raised now, or from a later day on."""
    now = node.clock.now()
    with node.store.read() as state:
        return [
            Raised(
                row.name, row.number, row.payer, in_words(row.rule, node.about.currency), row.asset, row.effective, row.until,
                row.rule.source, row.rule.authority, row.rule.condition,
            )
            for row in state.list(AdoptedLevy) if now < row.until
        ]  # fmt: skip


def on_top(node: Node, prices: Mapping[str, tuple[str, int]]) -> dict[str, tuple[Surcharge, ...]]:
    """What a buyer would pay on top of each of these prices now; each is of an asset, in minor units."""
    now = node.clock.now()
    with node.store.read() as state:
        return {key: surcharges(state, asset, "", price, now) for key, (asset, price) in prices.items()}


def report(node: Node) -> Report:
    """What every levy took so far, by period and destination."""
    with node.store.read() as state:
        closed = [(period.id, period.last) for period in state.list(Period)]
        sums = levies.per_period(list(state.list(LevyTaken)), closed)
        lines = tuple(
            Line(name, account, period, Money(amount, currency))
            for (name, account, currency, period), amount in sums.items()
        )
        return Report(lines, tuple(state.list(LevyOwed)))
