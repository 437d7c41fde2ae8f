"""A period closes: first a plan that can be read, compared and refused; on approval its closing, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from usufruct.core.access.clauses import EarnedFee
from usufruct.core.access.delegation import only_people
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import rules
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned
from usufruct.core.income.measure import EarningUse, contributions, shares
from usufruct.core.income.rules import Division, Earned
from usufruct.core.income.settlement import MEDIA_TYPE
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook
from usufruct.node.node import Node
from usufruct.ports import Record, Transaction


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
        divisions = divided(state, period, first, last, node.rulebook, now)
        if isinstance(divisions, Refusal):
            return divisions

    def rule(tx: Transaction) -> PeriodPlanned | Refusal:
        refusal = rules.can_plan(tx, period)
        if refusal:
            return refusal
        if rules.first_fact(tx) != first:
            return rules.overtaken(period)
        seals = {one.statement.asset: tx.attach(MEDIA_TYPE, one.settlement) for one in divisions}
        plan_id = numbered("plan", tx.next)
        return rules.plan(tx, plan_id, period, last, node.about.currency, divisions, seals, now)

    node.reach("period before planned")
    return node.record(rule)


def divided(
    state: Record, period: str, first: int, last: int, rulebook: Rulebook, at: Instant
) -> list[Division] | Refusal:
    """The division of what each asset earned between two facts, by the state after the last of them."""
    divisions = []
    for asset in state.list(Asset):
        earned = earned_by(state, asset.id, first, last)
        if earned is None:
            continue
        division = rules.divide_income(state, period, asset, earned, rulebook, at)
        if isinstance(division, Refusal):
            return division
        divisions.append(division)
    return divisions


def earned_by(state: Record, asset: str, first: int, last: int) -> Earned | None:
    """What an asset earned between two facts: its answered uses that ended there, with what each person is paid by; and the
    fees that were due, each earned by the rows that counted in the uses of its agreement. None if it earned nothing."""
    uses = [use for use in state.list(Use, asset=asset, state="answered") if first <= use.ended <= last]
    fees = [fee for fee in state.list(EarnedFee, asset=asset) if first <= fee.seq <= last]
    earning = [EarningUse(use.id, use.price, _weights(state, use)) for use in uses if use.price]
    found = state.get(Asset, asset)
    for agreement in dict.fromkeys(fee.agreement for fee in fees):
        rows = [0] * (found.quality.persons if found else 0)
        for use in uses:
            if use.agreement == agreement:
                counted = contributions(state.evidence(use.contributions))  # of a pool as many as there were then
                rows = [sum(pair) for pair in zip_longest(rows, counted, fillvalue=0)]
        earning += [
            EarningUse(numbered("fee", fee.seq), fee.amount, rows) for fee in fees if fee.agreement == agreement
        ]
    if not earning:
        return None
    since = min([use.at for use in uses] + [state.entry(fee.seq).at for fee in fees])
    return Earned(earning, since, [state.evidence(use.population) for use in uses])


def _weights(state: Record, use: Use) -> Sequence[int]:
    """What a use's price is divided by."""
    return shares(state.evidence(use.shares)) if use.shares else contributions(state.evidence(use.contributions))


def close_period(
    node: Node, period: str, plan_id: str, by: str, actors: tuple[str, ...] = ()
) -> PeriodClosed | Refusal:
    """Carries a plan out; a person approves it."""
    node.reach("period before closed")
    closed = node.record(lambda tx: only_people(tx, "close-period", by, actors) or rules.close(tx, period, plan_id, by))
    node.reach("period after closed")
    return closed
