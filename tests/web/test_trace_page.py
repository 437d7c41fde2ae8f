"""The page of a trace: the drawing and the table say the same, and show what may be seen."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chains
import story
from usufruct.node.node import Node
from usufruct.web.portal.chain import Stop, _from_the_top, _laid, chain


@pytest.fixture
def made(node: Node) -> chains.Chain:
    return chains.make(node)


def test_the_drawing_and_the_table_say_the_same(steward: Any, made: chains.Chain) -> None:
    page = steward.get("/trace/pay")
    assert page.status == 200 and page.title.startswith("Where Pay of twelve people came from and where it went")
    things = [
        "forms",
        "pay",
        "report",
        "pay-bands",
        made.collected,
        made.processed,
        made.mine,
        made.other,
        made.analysed,
    ]
    drawn = page.source[page.source.index('<svg class="chart"') : page.source.rindex("</svg>")]
    rows = re.findall(r'<th scope="row">.*?<code>(.*?)</code>', page.source)
    assert sorted(rows) == sorted(things)
    for thing in things:
        assert f">{thing}</text>" in drawn
    assert len(re.findall(r'class="error"', drawn)) == 8, "a line for each link"
    assert "Collected: pay slips, with form" in drawn and "Came of" in page.text
    assert "Evidence is cupboard 3." in page.text


def test_everybody_reaches_the_trace_from_her_own_page(
    steward: Any, user: Any, member: Any, made: chains.Chain
) -> None:
    assert 'href="/trace/pay"' in steward.get("/steward").source
    assert 'href="/trace/pay"' in member.get("/me").source
    assert f'href="/trace/{made.mine}"' in user.get(f"/questions/{made.mine}").source
    assert made.other in member.get("/trace/pay").text
    page = user.get(f"/trace/{made.mine}")
    assert made.other not in page.text and "pay-bands" not in page.text and "forms" in page.text
    links = re.findall(r'href="/trace/([^"]+)"', page.source)
    assert links == [], "what she could not open is no link"
    assert set(re.findall(r'href="/trace/([^"]+)"', member.get("/trace/pay").source)) == {
        made.mine,
        made.other,
        "pay-bands",
    }


def test_nothing_else_is_shown(stranger: Any, user: Any, member: Any, made: chains.Chain) -> None:
    assert stranger.get("/trace/pay").title.startswith("Log in")
    for browser, name in ((user, "pay"), (user, made.other), (member, "forms"), (user, "nothing")):
        page = browser.get(f"/trace/{name}")
        assert page.status == 404 and "There is nothing to trace" in page.text


def test_a_long_chain_is_cut_and_says_so(steward: Any, node: Node) -> None:
    for _ in range(40):
        story.answer(node, "SELECT COUNT(*) AS c FROM pay", story.CHEAP)
    page = steward.get("/trace/pay")
    assert "25 of 41 things are left out here" in page.text
    uses = re.findall(r"<code>(use-\d+)</code>", page.source)
    assert len(uses) == 15 and uses == sorted(uses, key=lambda use: int(use.removeprefix("use-")))


names = [f"n{number}" for number in range(9)]
graphs = st.sets(st.sampled_from(list(combinations(names, 2)))).map(sorted)


@given(graphs, st.permutations(names))
def test_every_track_leads_down_and_crosses_no_stop(links: list[tuple[str, str]], given_order: list[str]) -> None:
    order = _from_the_top(given_order, links)
    rows = {item: row for row, item in enumerate(order)}
    assert sorted(order) == names
    lanes, tracks = _laid(order, links)
    assert sorted((source, target) for source, target, _ in tracks) == links
    for source, target, lane in tracks:
        assert rows[source] < rows[target] and lane == lanes[target]
        between = order[rows[source] + 1 : rows[target]]
        assert lane not in [lanes[item] for item in between], "the line would go through another stop"
    drawn = chain("x", "t", [Stop(name, "<b>", "&", 0, False) for name in names], links)
    assert "<b>" not in drawn and drawn.count("&lt;b&gt;") == 9


def test_what_lies_outside_has_a_page_too(steward: Any, made: chains.Chain) -> None:
    page = steward.get("/trace/report")
    assert "Outside this node: Not held by this node." in page.text
    assert "Nothing is recorded of where it went" in page.text
