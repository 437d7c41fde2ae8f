"""A period closes: first a plan that can be read, compared and refused; on approval its closing, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

from usufruct.core.access.clauses import EarnedFee
from usufruct.core.access.delegation import only_people
from usufruct.core.base.ids import numbered
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import disputes, rules
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned
from usufruct.core.income.measure import EarningUse, contributions, shares
from usufruct.core.income.settlement import MEDIA_TYPE
from usufruct.core.income.state import PeriodPlan
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset
from usufruct.node.node import Node
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
        divisions = []
        for asset in state.list(Asset):
            uses = list(earning_uses(state, asset.id, first, last))
            if not uses:
                continue
            division = rules.divide_income(period, asset, uses, node.rulebook, now)
            if isinstance(division, Refusal):
                return division
            divisions.append(division)

    def rule(tx: Transaction) -> PeriodPlanned | Refusal:
        refusal = rules.can_plan(tx, period)
        if refusal:
            return refusal
        if rules.first_fact(tx) != first:
            return rules.overtaken(period)
        seals = {division.asset: tx.attach(MEDIA_TYPE, division.settlement) for division in divisions}
        plan_id = numbered("plan", tx.next)
        return rules.plan(tx, plan_id, period, last, node.about.currency, divisions, seals)

    node.reach("period before planned")
    return node.record(rule)


def earning_uses(state: Snapshot, asset: str, first: int, last: int) -> Iterable[EarningUse]:
    """The answered uses of an asset that ended between two facts, with everybody's bounded rows; and the fees that were due
    between them, each earned by the rows that counted in the uses of its agreement."""
    answered = list(state.list(Use, asset=asset, state="answered"))
    uses = [use for use in answered if first <= use.ended <= last]
    for use in answered:
        price = _earned(state, use.id, use.ended, use.price, first, last)
        if price:
            yield EarningUse(use.id, price, _weights(state, use))
    fees = [
        replace(fee, amount=amount)
        for fee in state.list(EarnedFee, asset=asset)
        if (amount := _earned(state, numbered("fee", fee.seq), fee.seq, fee.amount, first, last))
    ]
    found = state.get(Asset, asset)
    for agreement in dict.fromkeys(fee.agreement for fee in fees):
        rows = [0] * (found.quality.persons if found else 0)
        for use in uses:
            if use.agreement == agreement:
                counted = contributions(state.evidence(use.contributions))  # of a pool as many as there were then
                rows = [sum(pair) for pair in zip_longest(rows, counted, fillvalue=0)]
        for fee in fees:
            if fee.agreement == agreement:
                yield EarningUse(numbered("fee", fee.seq), fee.amount, rows)


def _earned(state: Snapshot, ref: str, seq: int, amount: int, first: int, last: int) -> int:
    """What is to be divided between two facts of what the fact `seq` made owed: nothing while it is disputed."""
    found = disputes.held(state, ref, seq)
    return 0 if found.held or not first <= found.seq <= last else amount - found.unearned


def _weights(state: Snapshot, use: Use) -> Sequence[int]:
    """What a use's price is divided by."""
    return shares(state.evidence(use.shares)) if use.shares else contributions(state.evidence(use.contributions))


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
