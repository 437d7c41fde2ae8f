"""Pages of work as people see them: her series, payslips, what she takes with her; and what an operator shows everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import riding
from delivering import OPERATOR
from usufruct.core.work.own import fairwork
from usufruct.node import operators
from usufruct.node.node import Node
from usufruct.node.operator_sources import Allocation, Sources, Weight


def test_a_worker_sees_her_series_and_payslips_as_charts_and_as_tables(browse: Callable[..., Any], node: Node) -> None:
    riding.ride(node)
    paid = riding.pay(node)
    rider = riding.rider(node)
    browser = browse(rider, "member")
    for every in ("", "?every=week"):
        shown = browser.get(f"/work/mine{every}")
        assert shown.status == 200
        assert shown.source.count('<svg class="chart"') == 5
        for words in ("Pay per hour", "What the operator kept", "Waiting", "better and worse hours", "can be foretold"):
            assert words in shown.text
        assert "24.50 %" in shown.text and "50.00 %" in shown.text, "the same numbers in the tables: 2.50 of 10.20"
    assert "Too few people work there" in shown.text and "this node keeps no ratings" in shown.text
    pay = next(one.pay for one in paid.payslips if one.worker == rider)
    slip = browser.get(f"/work/mine/payslips/{pay}")
    assert "Left to take home" in slip.text and "9.00 EUR an hour for 0 h 15 min" in slip.text
    other = next(one.pay for one in paid.payslips if one.worker != rider)
    assert browser.get(f"/work/mine/payslips/{other}").status == 404
    assert browser.get("/work/mine?every=year").status == 400


def test_somebody_without_work_sees_that_there_is_none(member: Any) -> None:
    shown = member.get("/work/mine")
    assert "No work of yours is recorded here" in shown.text and "Nobody paid you" in shown.text


def test_everybody_sees_how_an_operator_gives_work_out(
    stranger: Any, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    riding.ride(node, riders=12, weeks=1)
    bare = stranger.get(f"/work/operators/{OPERATOR}")
    assert "No round by a published rule is recorded" in bare.text and "1 of 10" in bare.text
    weights = (
        Weight("pay", "what the job pays", 3),
        Weight("fairness", "what she earned an hour so far, low first", 1),
    )
    monkeypatch.setattr(operators, "SOURCES", Sources(
        lambda read, operator: Allocation("the greatest sum of the parts below", weights),
        lambda read, operator, at: ["12.00 EUR an hour online"],
        lambda *asked: fairwork.NOTHING,
    ))  # fmt: skip
    shown = stranger.get(f"/work/operators/{OPERATOR}")
    assert "3 of 4, 75.00 %" in shown.text and "12.00 EUR an hour online" in shown.text
    assert shown.source.count('<svg class="chart"') == 1
    assert stranger.get(f"/work/operators/{riding.rider(node)}").status == 404
