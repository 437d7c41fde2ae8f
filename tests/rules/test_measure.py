"""What uses are divided by: who chooses it and when, what a use then leaves, and what a member reads of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import story
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import measure
from usufruct.core.income.facts import MeasureChosen, SharesRead
from usufruct.core.income.measure import contributions, shares
from usufruct.core.income.state import ChosenMeasure
from usufruct.core.privacy.state import Use
from usufruct.main import open_node
from usufruct.node import period, query, views
from usufruct.node import shares as shares_of
from usufruct.node.node import Node
from usufruct.wire import sql

SUM = "SELECT year, SUM(hours) AS hours FROM pay GROUP BY year"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    story.found(tmp_path / "node")
    with open_node(tmp_path / "node") as opened:
        story.register_parties(opened)
        story.register_table(opened, story.write_table(tmp_path / "pay.csv"))
        story.agree(opened)
        yield opened


def chosen(node: Node, wanted: str = "value") -> MeasureChosen | Refusal:
    return shares_of.choose_measure(node, story.ASSET, wanted, story.OPERATOR)


def test_the_publisher_chooses_before_the_period(node: Node) -> None:
    assert isinstance(chosen(node), MeasureChosen)
    refused = shares_of.choose_measure(node, story.ASSET, "rows", story.USER)
    assert isinstance(refused, Refusal) and refused.code == "registry.unknown"
    refused = shares_of.choose_measure(node, "nothing", "rows", story.OPERATOR)
    assert isinstance(refused, Refusal) and refused.code == "registry.unknown"
    with pytest.raises(BadInput, match="no measure"):
        chosen(node, "merit")
    story.answer(node)
    refused = chosen(node, "rows")
    assert isinstance(refused, Refusal) and refused.code == "income.measure"
    story.close_period(node, "q1")
    assert isinstance(chosen(node, "rows"), MeasureChosen)
    with node.store.read() as state:
        row = state.get(ChosenMeasure, story.ASSET)
        assert row is not None and row.measure == "rows"


def test_a_use_is_divided_by_what_each_added(node: Node) -> None:
    """Hours are 1500 and 20 more for each number: so is what a person adds to their sum, in three years alike."""
    assert isinstance(chosen(node), MeasureChosen)
    answered = story.answer(node, SUM)
    with node.store.read() as state:
        use = state.get(Use, answered.use)
        assert use is not None and use.measure == measure.VALUE
        found = shares(state.evidence(use.shares))
        assert list(contributions(state.evidence(use.contributions))) == [3] * story.PERSONS
    hours = [3 * (1500 + 20 * number) for number in range(1, story.PERSONS + 1)]
    for one, own in zip(found, hours, strict=True):
        assert abs(one / sum(found) - own / sum(hours)) < 1e-12
    plan = period.plan_period(node, "q1")
    assert not isinstance(plan, Refusal)
    assert plan.statements[0].members == 350, "70 % of 5.00"
    assert not isinstance(period.close_period(node, "q1", plan.plan, story.OPERATOR), Refusal)
    page = views.member_page(node, "member-12")
    assert page is not None
    steps = page.assets[0].paid[0].steps
    assert "what each person's rows, so far as they counted, added to the answer" in steps[1]
    assert steps[2] == f"{answered.use}: 3 of your rows counted, divided by value"
    assert not any(str(found[11]) in step for step in steps), "her share is a part of a sum over all"


def test_by_default_a_use_is_divided_by_rows(node: Node) -> None:
    answered = story.answer(node, SUM)
    with node.store.read() as state:
        use = state.get(Use, answered.use)
        assert use is not None and (use.measure, use.shares) == (measure.ROWS, "")


def test_what_is_recorded_of_a_use_does_not_tell_whether_anybody_added_anything(node: Node) -> None:
    """Nobody has more than zero of what is added up here; that the use was divided by rows after all must not show."""
    assert isinstance(chosen(node), MeasureChosen)
    answered = story.answer(node, "SELECT SUM(0 - hours) AS less FROM pay")
    with node.store.read() as state:
        use = state.get(Use, answered.use)
        assert use is not None and use.measure == measure.VALUE
        assert list(shares(state.evidence(use.shares))) == [3] * story.PERSONS


def test_the_steward_sees_holders_shares_and_the_look_is_recorded(node: Node) -> None:
    found = shares_of.read_shares(
        node, sql.parse_total("SELECT SUM(hours) FROM pay WHERE year = 2023"), story.OPERATOR, ["night_shifts"]
    )
    assert not isinstance(found, Refusal)
    assert [(one.holder, one.records, one.share) for one in found] == [
        ("false", 8, sum(1500 + 20 * n for n in range(1, 13) if n % 3)),
        ("true", 4, sum(1500 + 20 * n for n in range(1, 13) if not n % 3)),
    ]
    with node.store.read() as state:
        looks = [e.fact for e in state.entries(0, state.size()) if isinstance(e.fact, SharesRead)]
    assert looks == [
        SharesRead((story.ASSET,), "SELECT SUM(hours) FROM pay WHERE year = 2023", ("night_shifts",), story.OPERATOR)
    ]


def test_holders_shares_of_what_is_not_there_are_refused_and_nothing_is_read(node: Node) -> None:
    with node.store.read() as state:
        before = state.size()
    for text, column in (("SELECT SUM(hours) FROM nothing", "year"), ("SELECT SUM(hours) FROM pay", "nobody"),
                         ("DROP TABLE pay", "year")):  # fmt: skip
        assert isinstance(shares_of.read_shares(node, sql.parse_total(text), story.OPERATOR, [column]), Refusal)
    with pytest.raises(BadInput, match="players"):
        shares_of.read_shares(node, sql.parse_total("SELECT SUM(hours) FROM pay"), story.OPERATOR, ["year"], "accounts")
    with node.store.read() as state:
        assert state.size() == before


def test_no_question_reaches_an_extreme(node: Node) -> None:
    refused = story.ask(node, "SELECT MAX(hours) FROM pay")
    assert isinstance(refused, query.Refused)
