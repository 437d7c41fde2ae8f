"""Cover over HTTP and on pages: adopt a scheme, contribute, join, claim, decide, pay; what erasure leaves; who is told what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from browsing import Browser
from serving import application
from usufruct.core.cover.state import Contribution, CoverClaim, Particulars
from usufruct.core.income.ledger import Account
from usufruct.core.registry.rules import id_of
from usufruct.main import create_node, open_node
from usufruct.node import erase, login, register
from usufruct.node.node import Node
from usufruct.wire import cover as wire

RIDERS = """
name = "riders-cover"
title = "Cover of riders"
currency = "EUR"
authority = "the assembly"
source = "agreement 7"
effective = 2026-01-01
known = 2025-12-01
[[levy]]
name = "injury"
payer = "operator"
per = "month"
[[levy.rate]]
basis = "earned"
basis_points = 300
share = [{ to = "fund:injury", weight = 2 }, { to = "own:leave", weight = 1 }]
[[entitlement]]
name = "accident"
kind = "online"
title = "Sick pay"
source = "section 2"
by = "fund:injury"
[[entitlement]]
name = "paid-leave"
kind = "savings"
title = "Paid leave"
source = "section 3"
of = "own:leave"
by = "own:leave"
"""


@pytest.fixture
def node(tmp_path: Any) -> Iterator[Node]:
    create_node(tmp_path / "node", "Commons", "commons", "Commons", "EUR")
    with open_node(tmp_path / "node") as made:
        for party in ("riders", "wheels", "union"):
            register.add_party(made, party, "organisation", party.capitalize())
        register.add_party(made, "anna", "person", "Anna")
        yield made


@pytest.fixture
def api(node: Node) -> Iterator[Any]:
    """Calls the API for a party and a role."""
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:

        def call(party: str, role: str, method: str, path: str, body: Any = None) -> Any:
            with node.store.read() as state:
                who = id_of(state, party) if party else ""
            headers = {}
            if party:
                headers = {"Authorization": f"Bearer {login.issue_token(node, who, role, login.ROLES[role], 1, '')}"}
            return client.request(method, f"/api/v1{path}", headers=headers, json=body)

        yield call


def adopted(api: Any) -> str:
    """The scheme and its fund are there, and Anna earned with two operators; returns her id."""
    for path, body in (
        ("/cover/schemes", {"scheme": RIDERS}),
        ("/cover/schemes", {"scheme": wire.examples()["estonia"]}),
        ("/cover/funds", {"fund": "injury", "title": "Accidents", "trustees": ["union"]}),
    ):
        answer = api("commons", "steward", "POST", path, body)
        assert answer.status_code == 201, answer.text
    anna = str(api("anna", "member", "GET", "/me/cover").json()["party"])
    for operator, gross in (("riders", "1200.00 EUR"), ("wheels", "400.00 EUR")):
        body = {"worker": anna, "operator": operator, "day": "2026-11-20", "gross": gross}
        assert api("commons", "steward", "POST", "/cover/contributions", body).status_code == 201
    return anna


def test_from_the_scheme_to_the_payment(api: Any, node: Node) -> None:
    anna = adopted(api)
    assert {one["name"] for one in api("", "", "GET", "/cover/schemes").json()} == {
        "riders-cover",
        "ee-entrepreneur-account",
    }
    joined = api("anna", "member", "POST", "/me/cover/schemes/ee-entrepreneur-account/joining", {"option": "pillar-2"})
    assert joined.status_code == 201
    assert api("anna", "member", "POST", "/me/cover/particulars", {"born": "1996-05-17"}).status_code == 201
    own = api("anna", "member", "GET", "/me/cover").json()
    assert own["savings"] == [
        {"name": "leave", "scheme": "riders-cover", "amount": {"minor": 16_00, "currency": "EUR"}}
    ]
    claim = {"scheme": "riders-cover", "entitlement": "accident", "amount": "20.00 EUR", "reason": "a fall"}
    name = api("anna", "member", "POST", "/me/cover/claims", claim).json()["claim"]
    assert [one["claim"]["id"] for one in api("union", "user", "GET", "/cover/claims").json()] == [name]
    assert api("riders", "user", "GET", "/cover/claims").json() == []
    decision = {"reasons": "seen", "grant": "20.00 EUR"}
    assert api("riders", "user", "POST", f"/cover/claims/{name}/decision", decision).status_code == 404
    assert api("union", "user", "POST", f"/cover/claims/{name}/decision", decision).status_code == 201
    assert api("commons", "steward", "POST", f"/cover/claims/{name}/payment").status_code == 201
    fund = api("", "", "GET", "/cover/funds").json()[0]
    assert (fund["balance"], fund["open_claims"]) == (12_00, 0) and anna not in str(fund)
    bad = api("commons", "steward", "POST", "/cover/schemes", {"scheme": "name = 1"})
    assert bad.status_code == 400 and api("commons", "steward", "GET", "/me/cover").status_code == 200


def test_what_is_to_come_or_comes_from_oneself_is_not_earned(api: Any) -> None:
    anna = adopted(api)
    body = {"worker": anna, "operator": "riders", "day": "2026-11-20", "gross": "5.00 EUR"}
    for wrong in ({"day": "2096-11-20"}, {"operator": anna}):
        assert api("commons", "steward", "POST", "/cover/contributions", body | wrong).status_code == 400


def test_what_she_said_is_erased_and_what_is_in_others_accounts_stays(api: Any, node: Node) -> None:
    anna = adopted(api)
    api("anna", "member", "POST", "/me/cover/particulars", {"born": "1996-05-17"})
    claim = {"scheme": "riders-cover", "entitlement": "accident", "amount": "20.00 EUR", "reason": "a private matter"}
    name = api("anna", "member", "POST", "/me/cover/claims", claim).json()["claim"]
    api("union", "user", "POST", f"/cover/claims/{name}/decision", {"reasons": "seen", "grant": "20.00 EUR"})
    api("commons", "steward", "POST", f"/cover/claims/{name}/payment")
    before = fund_of(node)
    erased = erase.erase(node, "anna", "commons")
    assert not hasattr(erased, "code"), erased
    with node.store.read() as state:
        assert state.get(CoverClaim, name) is None and state.get(Particulars, anna) is None
        assert len(list(state.list(Contribution, worker=anna))) == 2
    assert fund_of(node) == before == 12_00, "a fund holds what it held"


def fund_of(node: Node) -> int:
    with node.store.read() as state:
        account = state.get(Account, "fund:injury", "EUR")
        return account.balance if account else 0


def test_the_pages_say_what_is_missing_and_how_the_fund_stands(api: Any, node: Node) -> None:
    anna = adopted(api)
    with application(node) as app:
        funds = Browser(app, node).get("/funds")
        assert funds.status == 200 and "Holds its reserve" in funds.text and "32.00 EUR" in funds.text
        assert anna not in funds.source
        her = Browser(app, node, anna, "member")
        page = her.get("/cover")
        assert "What is saved for you" in page.text and "16.00 EUR" in page.text and "Sick pay" in page.text
        assert her.press(page, "/cover/particulars", born="1996-05-17").status == 200
        her.press(page, "/cover/claims", amount="20.00 EUR", reason="a fall")
        assert "waits for a decision" in her.get("/cover").text.lower()
        trustee = Browser(app, node, "union", "user").get("/cover")
        assert "Claims that wait for you" in trustee.text and "a fall" in trustee.text.lower()
