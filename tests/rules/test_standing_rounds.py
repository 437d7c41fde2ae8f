"""Rounds of the follower that lets agreements run: on a node, with its ledger, its conditions and its crashes."""

from __future__ import annotations

from dataclasses import replace

import story
from support import SetClock
from usufruct.core.access.clauses import (
    AgreementLapsed,
    AgreementRenewed,
    Fee,
    FeeDue,
    Renewal,
    Running,
    Schedule,
    Step,
)
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementEnded, Terms
from usufruct.core.contract.state import Agreement
from usufruct.core.income.accounts import income_of, members_of
from usufruct.core.income.ledger import Account
from usufruct.core.income.state import PeriodPlan
from usufruct.core.registry.state import Right
from usufruct.node import query, rights, standing, trade
from usufruct.node.followers import run_once
from usufruct.node.node import Node

FEES = Schedule(fee=Fee(1000, 1), renewal=Renewal(12, 1, 30))


def agreed(node: Node, schedule: Schedule, price: int = 0) -> Agreement:
    """The insurer agrees to an offer with that schedule."""
    terms = Terms("aggregates", (story.PURPOSE,), price, "EUR", 1)
    story.done(trade.publish_offer(node, "running", story.ASSET, story.OPERATOR, terms))
    story.done(standing.schedule_offer(node, "running", story.OPERATOR, schedule))
    moved = story.done(trade.request_offer(node, "running", story.STRANGER))
    story.done(trade.move(node, moved.negotiation, "agree", story.OPERATOR))
    found = story.done(trade.move(node, moved.negotiation, "verify", story.STRANGER)).agreement
    assert found is not None
    return found


def kinds(steps: list[Step]) -> list[str]:
    return [type(step).__name__ for step in steps]


def test_fees_are_divided_with_the_income_by_the_rows_of_their_agreement(node: Node, clock: SetClock) -> None:
    agreed(node, FEES)
    asked = story.ask(node, requester=story.STRANGER, micro_rho=story.CHEAP)
    assert isinstance(asked, query.Answered) and asked.price.minor == 0
    story.answer(node, micro_rho=story.CHEAP)
    assert kinds(standing.rounds(node)) == ["FeeDue"] and standing.rounds(node) == []
    clock.move(days=32)
    assert kinds(standing.rounds(node)) == ["FeeDue"]
    plan = story.close_period(node, "spring")
    with node.store.read() as state:
        row = state.get(PeriodPlan, plan)
        assert row is not None
        (statement,) = row.planned.statements
        assert statement.income == 2000 + story.PRICE and sum(name.startswith("fee-") for name in statement.uses) == 2
        assert statement.members == 1750 and statement.paid == story.PERSONS
        balances = {one.id: one.balance for one in state.list(Account)}
        assert balances[income_of(story.ASSET)] == 0 and balances[members_of(story.ASSET)] == 1750
        assert balances[f"party:{story.STRANGER}"] == -2000


def test_a_round_is_one_of_the_followers_and_says_what_it_did(node: Node) -> None:
    agreement = agreed(node, FEES)
    (done,) = [one for one in run_once(node) if one.follower == "agreements"]
    assert done.done.startswith(f"{agreement.id}: fee 1, 10.00 EUR") and not done.failed
    assert [one.done for one in run_once(node) if one.follower == "agreements"] == [""]


def test_a_node_that_stood_still_catches_up_in_order(node: Node, clock: SetClock) -> None:
    agreement = agreed(node, FEES)
    clock.move(days=800)
    taken = standing.rounds(node)
    assert sorted(kinds(taken)) == ["AgreementLapsed", "AgreementRenewed", *["FeeDue"] * 24]
    assert [step.due for step in taken] == sorted(step.due for step in taken)
    with node.store.read() as state:
        row, now = state.get(Agreement, agreement.id), state.get(Running, agreement.id)
        assert row is not None and now is not None and now.state == "over"
        assert row.until == next(step.until for step in taken if isinstance(step, AgreementRenewed))


def test_a_crash_between_two_steps_takes_none_twice_and_forgets_none(node: Node, clock: SetClock) -> None:
    agreed(node, FEES)
    clock.move(days=100)

    class Crash(Exception):
        pass

    def crash(step: str) -> None:
        if step == "standing after steps":
            raise Crash

    for _ in range(3):
        try:
            standing.rounds(replace(node, reach=crash))
        except Crash:
            continue
    with node.store.read() as state:
        fees = [e.fact for e in state.entries(0, state.size()) if isinstance(e.fact, FeeDue)]
    assert [fee.number for fee in fees] == [1, 2, 3, 4] and standing.rounds(node) == []


def test_it_ends_when_the_right_ends_and_nobody_pays_on(node: Node, clock: SetClock) -> None:
    agreement = agreed(node, FEES)
    standing.rounds(node)
    with node.store.read() as state:
        right = state.get(Right, agreement.right)
        assert right is not None
    story.done(rights.release(node, right.id, right.grantee))
    clock.move(days=200)
    taken = standing.rounds(node)
    assert [(type(step), step.clause) for step in taken] == [(AgreementLapsed, "end/right")]
    with node.store.read() as state:
        last = state.entry(state.size() - 1).fact
        assert last == AgreementEnded(agreement.id, story.OPERATOR)


def test_it_ends_when_nothing_can_be_learnt_any_more(node: Node) -> None:
    agreement = agreed(node, Schedule(ends=("budget",)), 100)
    assert standing.rounds(node) == []
    for turn, who in enumerate((story.STRANGER, story.USER) * 2):  # nobody may spend it alone
        text = f"SELECT AVG(hourly_pay) AS pay FROM pay WHERE year <> {turn}"
        asked = story.ask(node, text, requester=who, micro_rho=story.PRECISE)
        assert isinstance(asked, query.Answered)
    assert [step.clause for step in standing.rounds(node)] == ["end/budget"]
    refused = story.ask(node, requester=story.STRANGER)
    assert isinstance(refused, query.Refused) and refused.refusal.code == "access.no-agreement"
    declined = standing.decline_renewal(node, agreement.id, story.STRANGER)
    assert isinstance(declined, Refusal)
