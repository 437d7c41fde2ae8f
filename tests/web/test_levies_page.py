"""Levies and earnings as people see them: told before asking, shown on the receipt, remitted by a form, reported to each."""

from __future__ import annotations

from typing import Any

import story
from usufruct.core.income.ledger import Account, Transfer
from usufruct.core.income.levies import LevyOwed
from usufruct.core.income.state import PeriodPlan
from usufruct.core.rulebook.levy import Band, LevyRule
from usufruct.node import levy, period, sellers
from usufruct.node.node import Node


def adopt(node: Node, name: str, payer: str, per: str = "period") -> None:
    rule = LevyRule(
        name, payer, "price", per, (Band(0, 300),), f"fund:{name}", "bylaw 12", "City <Council>", node.clock.now(),
        node.clock.now(),
    )  # fmt: skip
    story.done(levy.adopt(node, rule, "", None, story.OPERATOR))


def test_a_surcharge_is_told_before_it_is_owed(user: Any, stranger: Any, node: Node) -> None:
    assert "No levy is raised here" in stranger.get("/levies").text
    adopt(node, "city", "buyer", "use")
    shown = stranger.get("/levies")
    assert (
        "City <Council>" in shown.text
        and "bylaw 12" in shown.text
        and "3 % of the price of uses, each use by itself" in shown.text
    )
    assert "for the levy city" in stranger.get("/").text
    assert "for the levy city" in user.get("/desk").text
    answered = story.answer(node)
    assert [one.amount for one in answered.levies] == [answered.price.minor * 300 // 10_000]
    assert "on top of the price" in user.get(f"/questions/{answered.use}").text
    with node.store.read() as state:
        assert sum(row.balance for row in state.list(Account)) == 0
        fund = state.get(Account, "fund:city", "EUR")
        assert fund is not None and fund.balance == answered.levies[0].amount


def test_the_steward_sees_what_is_owed_and_remits_it(steward: Any, stranger: Any, node: Node) -> None:
    adopt(node, "city", "asset")
    adopt(node, "dst", "operator")
    story.answer(node)
    plan = story.done(period.plan_period(node, "2026-q4"))
    assert {total.name for total in plan.levies} == {"city", "dst"}
    story.done(period.close_period(node, "2026-q4", plan.plan, story.OPERATOR))
    shown = steward.get("/levies")
    assert "2026-q4" in shown.text and "Still owed" in shown.text
    assert "Still owed" not in stranger.get("/levies").text
    steward.press(shown, "/levies/city/remittances", reference="return 1")
    with node.store.read() as state:
        owed = {row.name: row.left for row in state.list(LevyOwed)}
    assert owed["city"] == 0 and owed["dst"] > 0
    assert "return 1" in str([transfer.memo for transfer in transfers(node)])


def transfers(node: Node) -> list[Transfer]:
    with node.store.read() as state:
        return list(state.list(Transfer, credit="fund:city:remitted"))


def test_each_seller_reads_her_own_report_and_nobody_elses(member: Any, steward: Any, node: Node) -> None:
    story.answer(node)
    story.close_period(node, "2026-q4")
    year = node.clock.now()[:4]
    mine = member.get(f"/earnings/{year}")
    assert "Credited" in mine.text and "reported about you" in mine.text
    assert any(one.attributes.get("href") == f"/earnings/{year}" for one in member.get("/me").all("a"))
    assert "credited nothing in 2001" in member.get("/earnings/2001").text
    report = sellers.report(node, int(year))
    assert len(report.sellers) == 12 and story.OPERATOR not in {one.party for one in report.sellers}
    with node.store.read() as state:
        plan = next(iter(state.list(PeriodPlan))).planned
    assert sum(sum(one.quarters.paid) for one in report.sellers) == plan.statements[0].paid_out
    assert sum(sum(one.quarters.fees) for one in report.sellers) == plan.income - plan.statements[0].members
    page = steward.get(f"/sellers/{year}").text
    assert page.count("Reportable") == 12
    assert member.get(f"/sellers/{year}").status == 403
