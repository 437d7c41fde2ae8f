"""Asking without SQL, and the pages of templates, as somebody without JavaScript uses them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import story
from usufruct.core.access.template_values import Gap
from usufruct.core.access.templates import Draft
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.odrl import only_templates
from usufruct.core.privacy.state import Use
from usufruct.node import templates, trade
from usufruct.node.node import Node
from usufruct.web.portal import answers
from usufruct.wire import sql

DETAILS = {"asset": "pay", "kind": "average", "column": "hours", "by": "year", "precision": "50000"}
TEXT = "SELECT year, COUNT(DISTINCT nr) AS people FROM pay WHERE hours >= $hours AND year <> $but GROUP BY year"
DRAFT = Draft(
    "people", "People", TEXT.replace(" AND year <> $but", ""), (story.PURPOSE,), (Gap("hours", "Hours", "hours"),)
)


def asked(node: Node) -> list[Use]:
    with node.store.read() as state:
        return list(state.list(Use))


def at(**chosen: str) -> str:
    return f"/ask?{urlencode(chosen)}"


# ---- asking without SQL


def test_it_goes_from_nothing_to_an_answer(user: Any, node: Node) -> None:
    page = user.get("/desk")
    assert "/ask" in {link.attributes.get("href") for link in page.all("a")}
    page = user.get("/ask")
    assert {(e.attributes["name"], e.attributes["value"]) for e in page.all("input") if e.attributes.get("type") == "radio"} == {
        ("asset", "pay"), ("kind", "count"), ("kind", "sum"), ("kind", "average"), ("kind", "trend"), ("kind", "overlap"),
    }  # fmt: skip
    page = user.get(at(asset="pay", kind="average"))
    assert {"purpose", "precision", "ready"} <= set(page.form("/ask").fields)
    assert "only.year" in {box.attributes["name"] for box in page.all("input")}
    assert {"column", "by", "purpose", "precision"} == {e.attributes["name"] for e in page.all("select")}
    page = user.get(at(**DETAILS, ready="yes", **{"only.year": "2022"}))
    assert "SELECT year, AVG(hours) AS average FROM pay WHERE year = 2022 GROUP BY year ORDER BY year" in page.text
    assert "the average of hours by year" in page.text.lower() and "of the privacy budget" in page.text
    assert asked(node) == [], "nothing was asked yet"
    page = user.press(page, "/desk/questions")
    assert page.title.startswith("Answer") and len(asked(node)) == 1


def test_what_was_chosen_stays_chosen(user: Any) -> None:
    page = user.get(at(**DETAILS, ready="yes", **{"only.year": "2022"}))
    back = next(e.attributes["href"] for e in page.all("a") if e.text.strip() == "Change it")
    page = user.get(back.replace("&amp;", "&"))
    form = page.form("/ask")
    assert (form.fields["column"], form.fields["precision"]) == ("hours", "50000")
    ticked = [
        e.attributes["value"]
        for e in page.all("input")
        if "checked" in e.attributes and e.attributes["type"] == "checkbox"
    ]
    assert ticked == ["2022"]


def test_what_is_not_on_the_card_cannot_be_chosen(user: Any) -> None:
    for chosen in (
        {"asset": "pay", "kind": "everything"}, {"asset": "secret", "kind": "count"}, {"asset": "", "kind": ""},
        {"asset": "pay", "kind": "average", "column": "nr", "ready": "yes"},
        {"asset": "pay", "kind": "average", "column": "hours", "by": "hours", "ready": "yes"},
        {"asset": "pay", "kind": "trend", "of": "average", "column": "hours", "ready": "yes"},
        {"asset": "pay", "kind": "overlap", "other": "secret", "ready": "yes"},
    ):  # fmt: skip
        page = user.get(at(**chosen))
        assert page.status == 200 and "Something is missing" in page.text and "SELECT" not in page.text, chosen


def test_values_that_are_not_listed_are_not_in_the_question(user: Any) -> None:
    page = user.get(at(**DETAILS, ready="yes", **{"only.year": "2021) OR (1=1", "only.nr": "1"}))
    assert "WHERE" not in page.text


def test_a_trend_is_drawn_as_a_line(user: Any, node: Node) -> None:
    chosen = {
        "asset": "pay",
        "kind": "trend",
        "of": "persons",
        "period": "year",
        "precision": str(story.PRECISE),
        "ready": "yes",
    }
    page = user.get(at(**chosen))
    assert "SELECT year, COUNT(DISTINCT nr) AS persons FROM pay GROUP BY year ORDER BY year" in page.text
    page = user.press(page, "/desk/questions")
    lines = [e for e in page.all("line") if "curve" in e.attributes.get("class", "")]
    assert len(lines) == len(story.YEARS) - 1
    assert sum("error" in e.attributes.get("class", "") for e in page.all("path")) == len(story.YEARS)


def test_what_would_be_refused_is_said_before_it_is_asked(user: Any, node: Node) -> None:
    page = user.get(at(**DETAILS, purpose=story.OTHER_PURPOSE, ready="yes"))
    assert "It would not be answered" in page.text and "does not cover the purpose Marketing" in page.text
    assert not [form for form in page.forms if form.action == "/desk/questions"] and asked(node) == []


def test_an_overlap_says_whether_it_can_be_asked(user: Any) -> None:
    page = user.get(at(asset="pay", kind="overlap"))
    assert "You have no agreement on other data about persons" in page.text


def test_who_has_no_agreement_is_told_how_to_come_to_one(browse: Any) -> None:
    page = browse(story.STRANGER, "user").get("/ask")
    assert "You have no agreement in force" in page.text and not [f for f in page.forms if f.action == "/ask"]


# ---- templates


def test_a_template_is_proposed_approved_and_run(user: Any, steward: Any, member: Any, node: Node) -> None:
    page = user.get("/templates")
    assert "None" in page.text
    page = user.get("/templates/new?" + urlencode({"text": TEXT}))
    typed = {
        "title": "People by year", "template": "people", "purpose": story.PURPOSE, "sql": TEXT, "name-1": "$hours",
        "label-1": "Hours at least", "column-1": "hours", "name-2": "but", "label-2": "Without", "column-2": "year",
    }  # fmt: skip
    page = user.press(page, "/templates", **typed)
    assert "Proposed" in page.text and not [form for form in page.forms if form.action.endswith("/questions")]
    page = steward.get("/templates")
    assert "Waiting for your approval" in page.text
    page = steward.get("/templates/people")
    assert "a number from 0 to 3000" in page.text and "one of 2021, 2022, 2023" in page.text
    page = steward.press(page, "/templates/people/1/approval")
    assert "Whoever may ask about the data can run it" in page.text
    page = user.get("/templates/people")
    page = user.press(page, "/templates/people/questions", **{
        "value.hours": "0", "value.but": "2022", "precision": str(story.PRECISE)
    })  # fmt: skip
    assert page.title.startswith("Answer") and "people@1" in page.text
    assert "The question, with the values in their places" in page.text and "hours >= 0 AND year <> 2022" in page.text
    assert "an approved template, people@1" in " ".join(member.get("/me").text.split())
    page = steward.press(steward.get("/templates/people"), "/templates/people/1/withdrawal")
    assert "People by year" not in user.get("/templates").text


def test_a_wrong_value_is_refused_with_what_it_takes(user: Any, node: Node) -> None:
    story.done(templates.propose(node, DRAFT, story.USER, sql.parse))
    story.done(templates.approve(node, "people", 1, story.OPERATOR))
    page = user.press(user.get("/templates/people"), "/templates/people/questions", **{"value.hours": "0 OR 1=1"})
    assert "0 OR 1=1 is not what hours can be" in page.text and "a number from 0 to 3000" in page.text


def test_strangers_learn_nothing_of_templates(browse: Any, user: Any, node: Node) -> None:
    story.done(templates.propose(node, DRAFT, story.USER, sql.parse))
    stranger = browse(story.STRANGER, "user")
    pages = [stranger.get(f"/templates/{name}") for name in ("people", "nothing")]
    assert [page.status for page in pages] == [403, 403]
    assert len({re.sub("people|nothing", "X", page.text) for page in pages}) == 1
    assert browse("member-3", "member").get("/templates").status == 403


def test_an_agreement_for_templates_alone_shows_the_way_to_them(browse: Any, node: Node) -> None:
    terms = Terms("aggregates", (story.PURPOSE,), 0, "EUR", 1, rules=only_templates("t", None))
    story.done(trade.publish_offer(node, "t", story.ASSET, story.OPERATOR, terms, None, True))
    moved = story.done(trade.request_offer(node, "t", story.STRANGER))
    story.done(trade.move(node, moved.negotiation, "verify", story.STRANGER))
    page = browse(story.STRANGER, "user").get(at(**DETAILS, ready="yes"))
    assert "is for templates" in page.text and "/templates" in {link.attributes.get("href") for link in page.all("a")}


# ---- over HTTP


def test_programs_do_the_same(node: Node, app: Any) -> None:
    from litestar.testing import TestClient

    from usufruct.node import login

    with TestClient(app, raise_server_exceptions=False) as client:

        def call(party: str, role: str, method: str, path: str, body: Any = None) -> Any:
            token = login.issue_token(node, party, role, login.ROLES[role], 1, "")
            return client.request(method, f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {token}"})

        parameter = {"name": "hours", "label": "Hours", "column": "hours", "low": "10", "high": "2000"}
        body = {
            "template": "people", "title": "People", "purposes": [story.PURPOSE], "parameters": [parameter],
            "micro_rho": story.CHEAP,
            "sql": "SELECT COUNT(DISTINCT nr) AS people FROM pay WHERE hours >= $hours",
        }  # fmt: skip
        assert call(story.USER, "user", "POST", "/templates", body).json()["version"] == 1
        assert call(story.USER, "user", "POST", "/templates/people/1/approval").status_code == 403
        assert call(story.OPERATOR, "steward", "POST", "/templates/people/1/approval").status_code == 201
        found = call(story.USER, "user", "GET", "/templates").json()
        assert [(one["row"]["template"], one["runs"], one["approves"]) for one in found] == [("people", True, False)]
        answer = call(story.USER, "user", "POST", "/templates/people/queries", {"values": {"hours": "10"}})
        assert answer.status_code == 200 and answer.json()["columns"] == ["people", "people_margin"]
        refused = call(story.USER, "user", "POST", "/templates/people/queries", {"values": {"hours": "9"}})
        assert refused.status_code == 400 and refused.json()["refusal"]["code"] == "query.value"
        assert call(story.OPERATOR, "steward", "POST", "/templates/people/1/withdrawal").status_code == 201
        refused = call(story.USER, "user", "POST", "/templates/people/queries", {"values": {"hours": "10"}})
        assert refused.status_code == 403 and refused.json()["refusal"]["code"] == "access.template"


# ---- charts


def drawn(columns: list[str], rows: list[list[Any]], measures: list[str]) -> str:
    found = answers.shown({"columns": columns, "rows": rows, "measures": measures, "notes": []}, "a")
    assert found is not None
    return "".join(chart for _, chart in found.charts)


def test_categories_are_bars_and_time_is_a_line() -> None:
    def chart(places: list[Any]) -> str:
        return drawn(["key", "n", "n_margin"], [[place, "9", "3"] for place in places], ["n", "n_margin"])

    assert "curve" in chart(["2025-q2", "2025-q1", "2025-q3"]) and "curve" in chart([2021, 2022, 2023])
    weeks = chart(["2025-w10", "2025-w9", "2025-w8"])
    assert weeks.index("w8") < weeks.index("w9") < weeks.index("w10")
    assert (
        "curve" not in chart(["hill", "harbour", "old"]) and chart(["hill", "harbour", "old"]).count("<rect") == 3 + 1
    )
    assert "curve" not in chart([False, True]), "two are compared, not followed"


def test_bars_begin_at_zero_or_are_points() -> None:
    near = drawn(["key", "n", "n_margin"], [["a", "102", "1"], ["b", "101", "1"]], ["n", "n_margin"])
    assert "<circle" in near and "part" not in near
    below = drawn(["key", "n", "n_margin"], [["a", "-12", "3"], ["b", "30", "3"]], ["n", "n_margin"])
    assert "part p1" in below


def test_where_nothing_can_be_said_stands_a_word_and_no_line() -> None:
    rows = [[2021, "9", "3"], [2022, None, None], [2023, "8", "3"], [2024, "8", "3"]]
    chart = drawn(["year", "n", "n_margin"], rows, ["n", "n_margin"])
    assert chart.count("curve") == 1 and chart.count("too uncertain") == 1 and chart.count('class="error ') == 3
    chart = drawn(["year", "n", "n_margin"], [[2021, None, None], [2022, None, None]], ["n", "n_margin"])
    assert chart.count("too uncertain") == 2


def test_a_second_key_is_a_second_line_with_a_mark_of_its_own() -> None:
    rows = [[year, kind, "9", "3"] for year in (2021, 2022, 2023) for kind in ("day", "night")]
    chart = drawn(["year", "kind", "n", "n_margin"], rows, ["n", "n_margin"])
    assert "kind: day" in chart and "kind: night" in chart and chart.count("curve l1") == chart.count("curve l2") == 2


def test_exact_figures_have_no_error_bars() -> None:
    chart = drawn(["key", "n"], [["a", "12"], ["b", "30"]], ["n"])
    assert "part p1" in chart and 'class="error' not in chart
