"""Traces through the HTTP API: who sees what, in which form, and how steps and transforms come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

import chains
import counted
import story
from serving import application
from usufruct.core.access import hold
from usufruct.node import login, query
from usufruct.node.node import Node
from usufruct.wire import sql

Get = Callable[[str, str, str], Any]
ROLES = {"steward": story.OPERATOR, "user": story.USER, "member": "member-12"}


@pytest.fixture
def chain(node: Node) -> chains.Chain:
    return chains.make(node)


@pytest.fixture
def client(node: Node) -> Iterator[TestClient[Any]]:
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def call(node: Node, client: TestClient[Any]) -> Callable[..., Any]:
    """`call("user", "GET", "/trace/pay")`, by a token of that role."""

    def make(role: str, method: str, path: str, party: str = "", **body: Any) -> Any:
        token = login.issue_token(node, party or ROLES[role], role, login.ROLES[role], 1, "")
        headers = {"Authorization": f"Bearer {token}"}
        return client.request(method, f"/api/v1{path}", headers=headers, **body)

    return make


def ids(answer: Any, side: str = "") -> set[str]:
    assert answer.status_code == 200, answer.text
    said = answer.json()
    return set(said[side]) if side else {item["id"] for item in said["items"]}


def test_the_steward_sees_all(call: Callable[..., Any], chain: chains.Chain) -> None:
    whole = call("steward", "GET", "/trace/pay")
    assert ids(whole, "came_from") == {chain.processed, "forms", chain.collected}
    assert ids(whole, "went_to") == {chain.mine, chain.other, chain.analysed, "report", "pay-bands"}
    links = {(link["source"], link["target"]) for link in whole.json()["links"]}
    assert {("forms", chain.processed), (chain.processed, "pay"), ("pay", chain.mine), ("pay", "pay-bands")} <= links
    told = {item["id"]: item for item in whole.json()["items"]}
    assert told[chain.collected]["kind"] == "collected" and told[chain.collected]["at"].startswith("2023-12-01")
    assert "made by `banding`: pay as two bands" in told["pay-bands"]["details"]
    for name in ("forms", "report", chain.analysed, "pay-bands"):
        assert "pay" in ids(call("steward", "GET", f"/trace/{name}"))
    version = told["pay"]["details"][1].split()[1]
    assert call("steward", "GET", f"/trace/pay@{version}").json()["root"] == "pay"


def test_a_data_user_sees_where_her_answers_came_from_and_nobody_elses(
    call: Callable[..., Any], chain: chains.Chain
) -> None:
    mine = call("user", "GET", f"/trace/{chain.mine}")
    assert ids(mine, "came_from") == {"pay", chain.processed, "forms", chain.collected}
    assert ids(mine, "went_to") == {chain.analysed, "report"}
    theirs = call("user", "GET", f"/trace/{chain.other}", "clinic")
    assert ids(theirs) == {chain.other, "pay", chain.processed, "forms", chain.collected}


def test_a_member_sees_what_counted_rows_of_hers(call: Callable[..., Any], chain: chains.Chain) -> None:
    twelve = call("member", "GET", "/trace/pay")
    assert ids(twelve, "went_to") == {chain.mine, chain.other, chain.analysed, "report"}
    three = call("member", "GET", "/trace/pay", "member-3")
    assert ids(three, "went_to") == {chain.mine, chain.other, chain.analysed, "report", "pay-bands"}
    assert ids(call("member", "GET", f"/trace/{chain.other}", "member-3"), "came_from") >= {"pay", "forms"}


@pytest.mark.parametrize("form", ["json", "openlineage", "prov", "prov-n"])
def test_what_is_unknown_and_what_is_not_yours_look_the_same(
    call: Callable[..., Any], chain: chains.Chain, form: str
) -> None:
    hidden = {
        "user": ["pay", "pay-bands", chain.other, "forms", "report", chain.analysed],
        "member": ["pay-bands", "forms", "report", chain.analysed],
    }
    for role, names in hidden.items():
        shapes = set()
        for name in [*names, "no-such-thing", "use-99999", "pay@0123"]:
            answer = call(role, "GET", f"/trace/{name}?format={form}")
            assert answer.status_code == 404
            shapes.add(answer.text.replace(name, "NAME"))
        assert len(shapes) == 1, role


def test_a_use_that_counted_nobody_of_hers_is_not_in_it(
    call: Callable[..., Any], node: Node, chain: chains.Chain
) -> None:
    few = story.answer(node, "SELECT COUNT(*) AS c FROM pay WHERE hours > 1700", story.CHEAP).use
    assert few not in ids(call("member", "GET", "/trace/pay", "member-3"))
    assert call("member", "GET", f"/trace/{few}", "member-3").status_code == 404
    assert few in ids(call("member", "GET", "/trace/pay", "member-12"))


def test_a_withheld_use_is_not_in_a_members_trace(call: Callable[..., Any], node: Node, chain: chains.Chain) -> None:
    story.done(node.record(lambda tx: hold.allow(tx, story.USER, counted.GROUND, 30, "Act 7, section 2")))
    text = "SELECT COUNT(*) AS people FROM pay"
    asked = query.Asked(
        story.USER,
        text,
        sql.parse(text),
        story.PURPOSE,
        story.CHEAP,
        hold=counted.GROUND,
        hold_days=30,
        anew=True,
    )
    held = query.ask(node, asked).use
    assert held in ids(call("steward", "GET", "/trace/pay")) and held in ids(call("user", "GET", f"/trace/{held}"))
    for form in ("json", "openlineage", "prov", "prov-n"):
        assert held not in call("member", "GET", f"/trace/pay?format={form}").text
        assert call("member", "GET", f"/trace/{held}?format={form}").status_code == 404
    node.clock.move(days=31)  # type: ignore[attr-defined]
    assert held in ids(call("member", "GET", "/trace/pay"))


def test_exports_are_served(call: Callable[..., Any], chain: chains.Chain) -> None:
    events = call("user", "GET", f"/trace/{chain.mine}?format=openlineage").json()
    assert {event["eventType"] for event in events} == {"START", "COMPLETE"}
    assert chain.other not in str(events) and "pay-bands" not in str(events)
    assert "prefix" in call("user", "GET", f"/trace/{chain.mine}?format=prov").json()
    text = call("member", "GET", "/trace/pay?format=prov-n")
    assert text.headers["content-type"].startswith("text/plain") and text.text.startswith("document\n")
    assert call("user", "GET", f"/trace/{chain.mine}?format=xml").status_code == 400


def test_steps_and_transforms_come_in(call: Callable[..., Any], chain: chains.Chain) -> None:
    step = {"kind": "served", "how": "a page for the press", "inputs": ["report"], "outputs": ["press-page"]}
    made = call("steward", "POST", "/steps", json=step)
    assert made.status_code == 201 and made.json()["by"] == story.OPERATOR
    assert "press-page" in ids(call("user", "GET", f"/trace/{chain.mine}"), "went_to")
    again = call("steward", "POST", "/steps", json=step)
    assert (again.status_code, again.json()["refusal"]["code"]) == (409, "registry.exists")
    loop = call("steward", "POST", "/steps", json={**step, "inputs": ["press-page"], "outputs": ["pay"]})
    assert (loop.status_code, loop.json()["refusal"]["code"]) == (422, "lineage.cycle")
    for wrong in ({"kind": "painted"}, {"at": "2999-01-01"}, {"purpose": "Fame"}, {"inputs": []}, {"more": 1}):
        assert call("steward", "POST", "/steps", json={**step, **wrong}).status_code == 400, wrong
    transform = {"transform": "t", "title": "x", "kind": "anonymisation", "inputs": ["pay"], "authority": "board",
                 "evidence": "https://board.example/x", "lowers_grade_to": 1}  # fmt: skip
    assert call("steward", "POST", "/transforms", json=transform).status_code == 201
    assert call("steward", "POST", "/transforms", json=transform).json()["refusal"]["code"] == "registry.exists"
    assert call("steward", "POST", "/transforms", json={**transform, "evidence": "mine"}).status_code == 400
    for role in ("user", "member"):
        for path, body in (("/steps", step), ("/transforms", transform)):
            assert call(role, "POST", path, json=body).status_code == 403
