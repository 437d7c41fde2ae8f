"""The API of levies and of the yearly report on sellers: adopt, tell beforehand, remit, report; bad input is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from litestar.testing import TestClient

import story
from serving import application
from usufruct.core.registry.rules import id_of
from usufruct.node import login
from usufruct.node.node import Node

CITY = """
name = "city"
payer = "buyer"
basis = "price"
per = "use"
basis_points = 300
to = "fund:city"
source = "bylaw 12"
authority = "city council"
effective = 2026-01-01
known = 2025-11-01
"""
SHARE = CITY.replace('"city"', '"dst"').replace("buyer", "operator").replace('"use"', '"year"')


@pytest.fixture
def api(node: Node) -> Iterator[Any]:
    """Calls the API for a party: `api("institute", "user", "POST", path, body)`."""
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:

        def call(party: str, role: str, method: str, path: str, body: Any = None) -> Any:
            headers = {}
            if party:
                token = login.issue_token(node, party, role, login.ROLES[role], 1, "")
                headers = {"Authorization": f"Bearer {token}"}
            return client.request(method, f"/api/v1{path}", headers=headers, json=body)

        yield call


def steward(api: Any, path: str, body: Any = None) -> Any:
    return api(story.OPERATOR, "steward", "POST" if body is not None else "GET", path, body)


def test_from_the_bylaw_to_the_return(api: Any, node: Node) -> None:
    for text in (CITY, SHARE):
        assert steward(api, "/levies", {"levy": text}).status_code == 201
    raised = api("", "", "GET", "/levies").json()
    assert [(one["name"], one["payer"], one["authority"]) for one in raised] == [
        ("city", "buyer", "city council"), ("dst", "operator", "city council"),
    ]  # fmt: skip
    asked = {"sql": story.QUESTION, "purpose": story.PURPOSE}
    before = api(story.USER, "user", "POST", "/queries/preview", asked).json()
    answered = api(story.USER, "user", "POST", "/queries", asked).json()
    assert before["levies"] == answered["levies"] != []
    amount = answered["levies"][0]["amount"]
    story.close_period(node, "2026-q4")
    report = steward(api, "/levies/report").json()
    assert {(one["name"], one["period"]) for one in report["lines"]} == {("city", "2026-q4"), ("dst", "2026-q4")}
    body = {"account": "fund:city", "amount": f"{amount // 100}.{amount % 100:02} EUR", "reference": "return 1"}
    assert steward(api, "/levies/city/remittances", body).status_code == 201
    again = steward(api, "/levies/city/remittances", body)
    assert again.status_code == 422 and again.json()["refusal"]["code"] == "levy.remitted"
    assert steward(api, "/levies/city/ending", {"why": "repealed"}).status_code == 201
    assert [one["name"] for one in api("", "", "GET", "/levies").json()] == ["dst"]


PARTICULARS = """
country = "FR"
[operator]
country = "FR"
tin = "1"
address = "a"
"""


def test_the_report_on_sellers_and_one_s_own(api: Any, node: Node) -> None:
    story.answer(node)
    story.close_period(node, "2026-q4")
    year = int(node.clock.now()[:4])
    told = steward(api, f"/sellers/{year}", {}).json()
    assert len(told["sellers"]) == 12
    with node.store.read() as state:
        member = id_of(state, "member-3")
    mine = api(member, "member", "GET", f"/me/earnings/{year}").json()
    assert mine == next(one for one in told["sellers"] if one["seller"] == member)
    assert api(story.USER, "user", "GET", f"/me/earnings/{year}").status_code == 404
    csv = steward(api, f"/sellers/{year}", {"format": "csv"})
    assert csv.headers["content-type"].startswith("text/csv") and len(csv.text.splitlines()) == 1 + 12 * 4
    missing = steward(api, f"/sellers/{year}", {"format": "xml", "sellers": PARTICULARS})
    assert missing.status_code == 400 and "seller.member-3.birth_date" in missing.text
    sellers = "".join(
        f'[seller.{one["called"]}]\ncountry = "FR"\naddress = "x"\nfirst_name = "F"\nlast_name = "L"\nbirth_date = 1990-01-01\n'
        for one in told["sellers"]
    )
    found = steward(api, f"/sellers/{year}", {"format": "xml", "sellers": PARTICULARS + sellers})
    assert (
        found.status_code == 200
        and len(list(ET.fromstring(found.content).iter("{urn:oecd:ties:dpi:v1}IndSellerID"))) == 12
    )


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/levies", {"levy": "nonsense"}, 400),
        ("/levies", {"levy": CITY.replace("300", "30000")}, 422),
        ("/levies", {"levy": CITY.replace('"use"', '"year"')}, 422),
        ("/levies", {"levy": CITY + 'colour = "red"\n'}, 400),
        ("/levies", {"levy": CITY + "[[band]]\nabove = \"0 EUR\"\nbasis_points = 1\n"}, 400),
        ("/levies", {"levy": CITY.replace("effective = 2026-01-01", "effective = 7")}, 400),
        ("/levies", {"levy": CITY + 'cap = "5 USD"\n'}, 400),
        ("/levies", {"levy": CITY.replace("fund:city", "fund:The City")}, 400),
        ("/levies", {"levy": CITY, "asset": "nothing"}, 404),
        ("/levies", {"levy": CITY, "effective": "2020-01-01"}, 409),
        ("/levies/nothing/ending", {"why": "x"}, 404),
        ("/levies/nothing/remittances", {"account": "fund:x", "amount": "1.00 EUR", "reference": "r"}, 404),
        ("/sellers/1", {}, 400),
        ("/sellers/2026", {"sellers": "="}, 400),
        ("/sellers/2026", {"format": "pdf"}, 400),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_recorded(
    api: Any, node: Node, path: str, body: Any, status: int
) -> None:
    with node.store.read() as state:
        before = state.size()
    answer = steward(api, path, body)
    assert answer.status_code == status, answer.text
    with node.store.read() as state:
        assert state.size() == before


def test_nobody_but_the_steward_sees_what_others_earned(api: Any) -> None:
    assert api(story.USER, "user", "POST", "/levies", {"levy": CITY}).status_code == 403
    assert api(story.USER, "user", "POST", "/sellers/2026", {}).status_code == 403
    assert api(story.USER, "user", "GET", "/levies/report").status_code == 403
    assert api("", "", "GET", "/me/earnings/2026").status_code == 401
