"""Cubes and masked rows as people and programs meet them: declared, built, got, looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

import story
from browsing import Browser
from usufruct.core.contract.facts import Terms
from usufruct.node import login, trade
from usufruct.node.node import Node

CUBE = {
    "cube": "pay-by-year",
    "asset": story.ASSET,
    "keys": ["year"],
    "sums": ["hours"],
    "purpose": story.PURPOSE,
    "least": 6,
}
MASK = f"/api/v1/assets/{story.ASSET}/mask"


@pytest.fixture
def offered(node: Node) -> Node:
    """The node, with agreements for cubes and for masked rows too."""
    for form in ("cubes", "masked"):
        terms = Terms(form, (story.PURPOSE,), 700, "EUR", 1)
        story.done(trade.publish_offer(node, form, story.ASSET, story.OPERATOR, terms, standing=True))
        moved = story.done(trade.request_offer(node, form, story.USER))
        story.done(trade.move(node, moved.negotiation, "verify", story.USER))
    return node


@pytest.fixture
def send(app: Litestar, offered: Node) -> Any:
    """Sends a request as somebody, and gives status and body."""
    tokens = {
        who: login.issue_token(offered, who, role, login.ROLES[role], 1, "")
        for who, role in ((story.USER, "user"), (story.STRANGER, "user"), (story.OPERATOR, "steward"))
    }
    with TestClient(app) as client:

        def request(who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {tokens[who]}"}
            answer = client.request(method, path, headers=headers, json=body)
            return answer.status_code, answer.json()

        yield request


def test_a_cube_over_the_api(send: Callable[..., tuple[int, Any]]) -> None:
    """Twelve persons with a row in each of three years."""
    assert send(story.USER, "POST", "/api/v1/cubes", CUBE)[0] == 403
    status, declared = send(story.OPERATOR, "POST", "/api/v1/cubes", CUBE)
    assert (status, declared["least"], declared["share"]) == (201, 6, 50)
    assert send(story.OPERATOR, "POST", "/api/v1/cubes", CUBE)[0] == 409
    assert send(story.OPERATOR, "POST", "/api/v1/cubes", {**CUBE, "cube": "b", "keys": ["hours"]})[0] == 422
    deliveries = "/api/v1/cubes/pay-by-year/deliveries"
    assert send(story.USER, "POST", deliveries, {"purpose": story.PURPOSE})[0] == 422, "it is not built"
    assert send(story.OPERATOR, "POST", "/api/v1/cubes/pay-by-year/builds")[1]["withheld"] == 0
    again = send(story.OPERATOR, "POST", "/api/v1/cubes/pay-by-year/builds")
    assert again[0] == 422 and again[1]["refusal"]["code"] == "privacy.cube"
    status, answer = send(story.USER, "POST", deliveries, {"purpose": story.PURPOSE})
    assert status == 200 and (answer["form"], answer["charge"], answer["price"]) == ("cubes", 0, "7.00 EUR")
    assert answer["columns"] == ["year", "count", "sum_hours"] and answer["receipt"]
    hours = sum(1500 + 20 * number for number in range(1, 13))
    assert answer["rows"] == [*([year, "12", str(hours)] for year in story.YEARS), [None, "36", str(3 * hours)]]
    assert [one["built"] is not None for one in send(story.USER, "GET", "/api/v1/cubes")[1]] == [True]
    assert send(story.STRANGER, "GET", "/api/v1/cubes")[1] == []
    assert send(story.STRANGER, "POST", deliveries, {"purpose": story.PURPOSE})[0] == 404
    assert send(story.USER, "POST", deliveries, {"purpose": "Marketing"})[0] == 403


def test_masked_rows_over_the_api(send: Callable[..., tuple[int, Any]]) -> None:
    assert send(story.STRANGER, "GET", MASK)[0] == 404
    shown = send(story.USER, "GET", MASK)[1]
    assert [(one["column"], one["rule"], one["width"]) for one in shown["columns"]] == [
        ("year", "show", ""), ("hours", "band", "300")
    ] and shown["least"] == 5  # fmt: skip
    coarse = {"columns": [{"column": "hours", "rule": "band", "width": "1500"}], "linked": False}
    assert send(story.OPERATOR, "POST", MASK, coarse)[0] == 201
    assert send(story.OPERATOR, "POST", MASK, {"columns": [{"column": "hours", "rule": "show"}]})[0] == 400
    asked = {"sql": "SELECT year, hours FROM pay WHERE year = 2022", "purpose": story.PURPOSE}
    status, answer = send(story.USER, "POST", "/api/v1/queries", asked)
    assert status == 200 and answer["form"] == "masked" and answer["charge"] == 0
    assert answer["rows"] == [[2022, "1500 to 3000"]] * 12 and answer["measures"] == []
    assert send(story.OPERATOR, "POST", MASK, coarse)[1]["refusal"]["code"] == "privacy.mask"
    whole = send(story.USER, "POST", "/api/v1/queries", {**asked, "sql": "SELECT * FROM pay"})
    assert whole[0] == 403 and "ask for nr, year, hours alone" in whole[1]["refusal"]["remedy"]


def test_a_cube_is_built_and_got_on_its_page(
    offered: Node, send: Callable[..., tuple[int, Any]], browse: Callable[..., Browser]
) -> None:
    send(story.OPERATOR, "POST", "/api/v1/cubes", {**CUBE, "keys": ["year"]})
    steward, user = browse(story.OPERATOR, "steward"), browse(story.USER, "user")
    assert "not yet" in steward.get("/cubes").text
    built = steward.press(steward.get("/cubes"), "/steward/cubes/pay-by-year")
    assert "0 of its cells are withheld" in built.text
    got = user.press(user.get("/cubes"), "/desk/cubes/pay-by-year")
    assert "The cube pay-by-year" in got.text and "12" in got.text and "36" in got.text and "<svg" in got.source
    assert "open to you" in browse(story.STRANGER, "user").get("/cubes").text
