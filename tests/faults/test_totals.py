"""Totals that are told, over a whole node: drawn once, whatever happens; worked out again; and what is wrong is found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import story
import telling
from support import JOURNAL, SetClock, rebuilt_rows, state_rows
from usufruct.core.base.faults import BadInput
from usufruct.core.base.records import plain
from usufruct.core.income import own_line, rules, told
from usufruct.core.income.facts import AssetStatement, SettlementSummed
from usufruct.core.income.ledger import Account
from usufruct.core.income.state import Period
from usufruct.core.privacy import totals
from usufruct.core.privacy.state import Budget
from usufruct.core.privacy.totals import DrawnTotal
from usufruct.main import open_node
from usufruct.node import division, period, recompute, statement
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.store.memory import MemoryState
from usufruct.wire import division as wire


class Died(BaseException):
    """The process died here."""


class Silent:
    """A draw of nothing, which is the likeliest one."""

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        return list(values)


def draws(node: Node) -> list[DrawnTotal]:
    with node.store.read() as state:
        return list(state.list(DrawnTotal))


def spent(node: Node) -> tuple[int, int]:
    with node.store.read() as state:
        (budget,) = state.list(Budget)
        return budget.spent, budget.delta_spent


def planned(node: Node, name: str = "q1") -> AssetStatement:
    return story.done(period.plan_period(node, name)).statements[0]


def test_a_plan_made_again_takes_the_same_draw_and_one_of_other_uses_another(node: Node) -> None:
    telling.adopt(node)
    telling.use(node)
    before = spent(node)
    first, again = planned(node), planned(node)
    assert (first.told, first.draw) == (again.told, again.draw) and first.told
    (row,) = draws(node)
    assert spent(node) == (before[0] + row.fact.charge, before[1] + 1)
    story.answer(node, "SELECT COUNT(*) AS n FROM pay WHERE year = 2023", story.CHEAP)
    assert planned(node).draw != first.draw and len(draws(node)) == 2, "it is over other uses, and paid for again"


@pytest.mark.parametrize(
    ("step", "drawn"), [("total before drawn", 0), ("total after drawn", 1), ("period before planned", 1)]
)
def test_a_crash_around_a_draw_loses_no_budget_and_draws_no_second_time(
    directory: Path, clock: SetClock, step: str, drawn: int
) -> None:
    def reach(at: str) -> None:
        if at == step:
            raise Died

    with open_node(directory, clock) as node:
        telling.adopt(node)
        telling.use(node)
    with pytest.raises(Died), open_node(directory, clock, reach=reach) as node:
        period.plan_period(node, "q1")
    with open_node(directory, clock) as node:
        before = draws(node)
        assert len(before) == drawn
        found = planned(node)
        assert len(draws(node)) == 1 and found.draw == draws(node)[0].seq
        story.close_period(node, "q1")
        assert len(draws(node)) == 1
    assert verify(directory).findings == ()
    assert state_rows(directory / JOURNAL) == rebuilt_rows(directory / JOURNAL)


def test_each_line_is_worked_out_from_its_statement_and_the_audit_finds_all_as_it_was(
    directory: Path, clock: SetClock
) -> None:
    with open_node(directory, clock) as node:
        telling.two_periods(node)
        paid = dict.fromkeys(telling.PERIODS, 0)
        for name in telling.PERIODS:
            for member in story.MEMBERS:
                found = own_line.read(json.dumps(plain(story.done(statement.statement(node, name, member)))))
                (line,) = found.lines
                checked = own_line.check(found, line, None, None)
                assert checked.exact and not checked.wrong
                assert line.spread.why_not and not line.spread.middles and all(not use.at_least for use in line.uses)
                paid[name] += line.amounts.paid
            again = recompute.recompute(node, name, MemoryState())
            assert isinstance(again, recompute.Recomputed) and again.different == ()
        with node.store.read() as state:
            sums = [e.fact for e in state.entries(0, state.size()) if isinstance(e.fact, SettlementSummed)]
            fund = state.get(Account, "fund:solidarity", "EUR")
        assert [one.paid_out for one in sums] == list(paid.values())
        assert fund is not None and fund.balance == sum(one.fund for one in sums) > 0
    assert verify(directory).findings == ()


def test_after_a_period_whose_total_was_kept_a_line_is_known_but_for_a_cent(node: Node) -> None:
    telling.use(node)
    story.close_period(node, "q0")  # by the rulebook's own rule, which tells nothing
    telling.two_periods(node)
    for name in telling.PERIODS:
        found = story.done(statement.statement(node, name, "member-3"))
        (line,) = found.lines
        assert line.sum is not None and line.sum.carried == -1
        assert own_line.check(found, line, None, None).near
    story.done(
        division.adopt(node, wire.read(telling.RULE.replace("9000", "4200"), "EUR"), story.ASSET, None, story.OPERATOR)
    )
    telling.use(node)
    node = replace(node, noise=Silent())
    kept = planned(node, "q3")
    assert (kept.told, kept.kept) == (0, told.BLUR), (
        "whole tables of twelve people are too few for 42 %, if only one use counts all"
    )
    story.close_period(node, "q3")
    found = story.done(statement.statement(node, "q3", "member-3"))
    assert found.lines[0].sum is None and found.lines[0].kept == told.KEPT[told.BLUR]
    assert recompute.recompute(node, "q3", MemoryState()).different == ()  # type: ignore[union-attr]


def test_where_no_budget_is_left_the_period_is_divided_all_the_same(node: Node) -> None:
    telling.adopt(node)
    with node.store.read() as state:
        (budget,) = state.list(Budget)
    for number in range(3):
        story.answer(story.unlimited(node), f"SELECT COUNT(*) AS n{number} FROM pay", story.PRECISE)
    story.answer(story.unlimited(node), "SELECT COUNT(*) AS n FROM pay WHERE year = 2021", budget.total // 10)
    before = spent(node)
    found = planned(node)
    assert (found.told, found.kept, found.draw) == (0, told.BUDGET, 0) and spent(node) == before
    story.close_period(node, "q1")
    with node.store.read() as state:
        assert state.get(Period, "q1") is not None
    assert recompute.recompute(node, "q1", MemoryState()).different == ()  # type: ignore[union-attr]


def too_little_noise(node: Node, patch: pytest.MonkeyPatch) -> None:
    made = totals.TotalPlan.fact
    patch.setattr(totals.TotalPlan, "fact", lambda *args: replace(made(*args), sigma=1, shift=6))
    patch.setattr(totals.TotalPlan, "is_drawn_by", lambda *_: False)


def another_total(node: Node, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(totals, "told", lambda fact, true: true + fact.shift + abs(fact.drawn) + 1)


def more_for_the_fund(node: Node, patch: pytest.MonkeyPatch) -> None:
    said = rules.Settled.summed
    patch.setattr(rules.Settled, "summed", lambda *args: replace(said(*args), fund=said(*args).fund + 1))


def another_sum(node: Node, patch: pytest.MonkeyPatch) -> None:
    said = rules.Settled.summed
    patch.setattr(rules.Settled, "summed", lambda *args: replace(said(*args), paid_out=said(*args).paid_out + 1))


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (too_little_noise, "less than was paid for"),
        (another_total, "does not follow from the uses and the draw"),
        (more_for_the_fund, "what it leaves over"),
        (another_sum, "its totals are not those of its lines"),
    ],
)
def test_what_a_node_does_wrongly_the_audit_finds(directory: Path, clock: SetClock, wrong: object, found: str) -> None:
    with open_node(directory, clock) as node, pytest.MonkeyPatch.context() as patch:
        telling.adopt(node)
        telling.use(node)
        wrong(node, patch)  # type: ignore[operator]
        planned(node)
    assert any(found in finding.what for finding in verify(directory).findings)


def test_a_rule_that_cannot_tell_totals_is_refused_with_what_would_help(node: Node) -> None:
    with pytest.raises(BadInput):
        wire.read(telling.RULE.replace("micro_rho", "rho"), "EUR")
    refused = division.adopt(
        node, wire.read(telling.RULE.replace("9000", "500"), "EUR"), story.ASSET, None, story.OPERATOR
    )
    assert getattr(refused, "code", "") == "income.told" and "36 rows" in str(refused)
