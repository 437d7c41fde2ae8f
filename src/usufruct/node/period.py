"""A period closes: first a plan that can be read, compared and refused; on approval its closing, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from usufruct.core.access.delegation import only_people
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import disputes, levies, rules
from usufruct.core.income.earned import Evidence, earned_by
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned
from usufruct.core.income.levies import Reckoned
from usufruct.core.income.rules import Division
from usufruct.core.income.segment import SEED_SIZE, Index
from usufruct.core.income.settlement import Settlement
from usufruct.core.income.state import LastSettlement, PeriodPlan
from usufruct.core.income.told import Draws
from usufruct.core.privacy import totals
from usufruct.core.privacy.rules import SIGMA_GRAIN
from usufruct.core.privacy.totals import DrawnTotal, TotalPlan
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook
from usufruct.node.node import Node, or_undone
from usufruct.ports import Snapshot, Transaction


def plan_period(node: Node, period: str) -> PeriodPlanned | Refusal:
    """Proposes the division of what was earned since the last period closed; nothing is paid.

    The division is worked out from a snapshot, outside the writer's turn, for it may be long; the plan is appended only
    if the last closed period is still the one it was worked out from.
    """
    with node.store.read() as state:
        refusal = rules.can_plan(state, period)
        if refusal:
            return refusal
        first, last = rules.first_fact(state), state.size() - 1
        now = node.clock.now()
        found = divided(state, state.evidence, period, (first, last), node.rulebook, now, partial(_draw, node, state))
        if isinstance(found, Refusal):
            return found
        divisions, levied = found
        settlements = {division.statement.asset: _settle(node, state, division) for division in divisions}

    def command(tx: Transaction) -> PeriodPlanned:
        or_undone(rules.can_plan(tx, period))
        if rules.first_fact(tx) != first:
            or_undone(rules.overtaken(period))
        settled = {
            asset: rules.Settled(settlement.keep(tx.attach), before, settlement)
            for asset, (before, settlement) in settlements.items()
        }
        for division in divisions:
            if division.statement.tells:
                tx.append(settled[division.statement.asset].summed(division))
        plan_id = numbered("plan", tx.next)
        planned = or_undone(
            rules.plan(tx, plan_id, period, last, node.about.currency, divisions, settled, now, levied.totals)
        )
        tx.append(planned)
        return planned

    node.reach("period before planned")
    return node.together(command)


def _draw(node: Node, state: Snapshot, plan: TotalPlan) -> DrawnTotal | None:
    """The draw for a total that is told: the one that was made, or a new one, which is on disk before it is used. None if it
    cannot be paid for."""

    def command(tx: Transaction) -> DrawnTotal | None:
        made = totals.drawn(tx, plan)  # by somebody who plans the same period now
        if made is not None:
            return made
        (noise,) = node.noise.add([0], Fraction(plan.sigma, SIGMA_GRAIN))
        fact = totals.draw(tx, plan, noise)
        return DrawnTotal(tx.append(fact).seq, plan.asset, fact) if fact else None

    made = totals.drawn(state, plan)
    if made is not None:
        return made
    node.reach("total before drawn")
    found = node.store.write(command)
    node.reach("total after drawn")
    return found


def divided(
    state: Reader,
    evidence: Evidence,
    period: str,
    facts: tuple[int, int],
    rulebook: Rulebook,
    at: Instant,
    draws: Draws,
) -> tuple[list[Division], Reckoned] | Refusal:
    """The division of what each asset earned between two `facts`, by the state after the last of them; and the levies on it.
    `draws` give the noise on a total that is told."""
    assets = list(state.list(Asset))
    found = {asset.id: earned_by(state, evidence, asset.id, *facts) for asset in assets}
    earned = {name: one for name, one in found.items() if one is not None}
    levied = levies.reckon(state, period, earned, rulebook, at)
    if isinstance(levied, Refusal):
        return levied
    divisions = []
    for asset in assets:
        if asset.id not in earned:
            continue
        division = rules.divide_income(state, period, asset, earned[asset.id], rulebook, at, levied.of[asset.id], draws)
        if isinstance(division, Refusal):
            return division
        divisions.append(division)
    return divisions, levied


def _settle(node: Node, state: Snapshot, division: Division) -> tuple[str, Settlement]:
    """The settlement of a division, and which one it carries on from; none if it is the first."""
    last = state.get(LastSettlement, division.statement.asset, node.about.currency)

    def before() -> Iterator[bytes]:
        for seal in Index.decode(state.evidence(last.lines)).seals if last else ():
            yield state.evidence(seal)

    return last.lines if last else "", node.settler.settle(
        division.portions, before(), division.persons, division.least, node.entropy.bytes(SEED_SIZE)
    )


def close_period(
    node: Node, period: str, plan_id: str, by: str, actors: tuple[str, ...] = ()
) -> PeriodClosed | Refusal:
    """Carries a plan out; a person approves it."""
    node.reach("period before closed")

    def rule(tx: Transaction) -> PeriodClosed | Refusal:
        plan = tx.get(PeriodPlan, plan_id)
        return (
            only_people(tx, "close-period", by, actors)
            or (disputes.in_the_way(tx, plan) if plan is not None and plan.closed is None else None)
            or rules.close(tx, period, plan_id, by)
        )

    closed = node.record(rule)
    node.reach("period after closed")
    return closed
