"""Consent through the HTTP API: words with conditions, requests and answers, receipts, guardians."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

import story
from serving import application
from usufruct.core.proof.checkpoint import vkey
from usufruct.node import login, register
from usufruct.node.node import Node
from usufruct.store.keys import verify_signature
from usufruct.wire import consent_receipt

ROLES = {"steward": story.OPERATOR, "user": story.USER, "member": "member-3"}
Call = Callable[..., Any]


@pytest.fixture
def client(node: Node) -> Iterator[TestClient[Any]]:
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def call(node: Node, client: TestClient[Any]) -> Call:
    """`call("user", "GET", "/catalogue", party="")`, by a token of that role; the answer must have that status."""

    def make(role: str, method: str, path: str, status: int = 0, party: str = "", **body: Any) -> Any:
        token = login.issue_token(node, party or ROLES[role], role, login.ROLES[role], 1, "")
        sent = {"json": body} if method == "POST" else {"params": body}
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.request(method, f"/api/v1{path}", headers=headers, **sent)
        assert answer.status_code == (status or {"POST": 201, "GET": 200}[method]), answer.text
        return answer.json()

    return make


def test_a_consent_with_conditions_is_read_before_it_is_said(call: Call, node: Node) -> None:
    said = {
        "asset": "pay", "purpose": "Marketing",
        "conditions": {"mode": "query", "until": "2090-01-01", "frequency": 1, "per": "month",
                       "rows": [{"column": "hourly_pay", "low": "10", "high": "20.50"}], "recipients": ["kind:organisation"]},
    }  # fmt: skip
    shown = call("member", "POST", "/me/notices", 200, **said)
    assert "Only: rows whose hourly_pay is at least 10.00 and at most 20.50" in shown["notice"].splitlines()
    recorded = call("member", "POST", "/me/consents", **said, consent=True, notice=shown["digest"])
    assert recorded["kind"] == "consent.given/1" and recorded["version"] == 1 and recorded["receipt"]
    (word,) = call("member", "GET", "/me/words")
    assert word["status"] == "ConsentGiven" and word["notice"] == shown["notice"] and word["digest"] == shown["digest"]
    refusal = call("member", "POST", "/me/consents", 409, **said, consent=True, notice="f" * 64)
    assert refusal["refusal"]["code"] == "consent.notice"
    call("member", "POST", "/me/consents", asset="pay", purpose="Purpose", consent=False)
    assert [w["status"] for w in call("member", "GET", "/me/words")] == ["ConsentRefused", "ConsentWithdrawn"]
    receipt = call("member", "GET", "/me/words/pay/1/receipt")
    key = vkey(node.signer.name, node.signer.public)
    good = consent_receipt.verify(json.dumps(receipt).encode(), key, verify_signature)
    status = good["dpv:hasProcess"][0]["dpv:hasConsentStatus"][0]
    assert status["@type"] == ["dpv:ConsentWithdrawn"] and status["dpv:hasDuration"]["rdf:value"].startswith("2090")
    call("member", "GET", "/me/words/pay/9/receipt", 404)
    call("member", "GET", "/me/words/pay/1/receipt", 404, party="member-4")


@pytest.mark.parametrize("wrong", [
    {"mode": "all"}, {"until": "2020-01-01"}, {"until": "tomorrow"}, {"uses": -1}, {"frequency": 1}, {"more": 1},
    {"rows": [{"column": "nr", "low": "1"}]}, {"rows": [{"column": "hours", "low": "x"}]}, {"recipients": ["kind:x"]},
    {"rows": [{"column": "year", "values": ["2021"], "low": "1"}]}, {"agreements": ["A/B"]},
])  # fmt: skip
def test_conditions_that_cannot_be_held_are_refused_and_nothing_is_recorded(call: Call, wrong: dict[str, Any]) -> None:
    call("member", "POST", "/me/consents", 400, asset="pay", purpose="Marketing", consent=True, conditions=wrong)
    assert call("member", "GET", "/me/words") == []


def test_asking_and_answering(call: Call) -> None:
    asked = call(
        "user",
        "POST",
        "/consent-requests",
        asset="pay",
        purpose="Marketing",
        text="Please.",
        conditions={"mode": "query"},
    )
    call("user", "POST", "/consent-requests", 409, asset="pay", purpose="Marketing", text="Please.")
    call("user", "POST", "/consent-requests", 404, asset="none", purpose="Marketing", text="Please.")
    call(
        "user",
        "POST",
        "/consent-requests",
        404,
        asset="pay",
        purpose="ServiceProvision",
        text="Please.",
        member="member-3",
    )
    (waiting,) = call("member", "GET", "/me/requests")
    assert waiting["who"] == "Institute" and "> Please." in waiting["notice"]
    path = f"/me/requests/{asked['request']}/answer"
    call("member", "POST", path, answer="later", days=3)
    assert call("member", "GET", "/me/requests")[0]["put_off_until"]
    call("member", "POST", path, 400, answer="perhaps")
    call("member", "POST", path, 409, answer="yes", notice=waiting["digest"], conditions={"mode": "store"})
    answer = call(
        "member", "POST", path, answer="yes", notice=waiting["digest"], purpose="DirectMarketing",
        conditions={"mode": "query", "uses": 3, "rows": [{"column": "year", "values": ["2022", "2023"]}]},
    )  # fmt: skip
    assert answer["conditions"]["recipients"] == ["institute"] and answer["request"] == asked["request"]
    call("member", "POST", path, 409, answer="no")
    assert call("member", "GET", "/me/requests") == []
    (sent,) = call("user", "GET", "/consent-requests")
    assert sent["answers"] == "fewer than 5 answered" and set(sent) == {
        "request", "asset", "purpose", "until", "open", "answers"
    }  # fmt: skip
    call("user", "POST", f"/consent-requests/{asked['request']}/withdrawal")
    assert not call("user", "GET", "/consent-requests")[0]["open"]
    call("member", "POST", path, 409, party="member-4", answer="yes", notice=waiting["digest"])


def test_the_data_bank_may_ask_one_member_and_learns_her_answer(call: Call) -> None:
    asked = call(
        "steward", "POST", "/consent-requests", asset="pay", purpose="Marketing", text="You?", member="member-3"
    )
    assert call("member", "GET", "/me/requests", party="member-4") == []
    assert call("steward", "GET", "/consent-requests")[0]["answers"] == "no answer yet"
    call("member", "POST", f"/me/requests/{asked['request']}/answer", answer="no")
    assert call("steward", "GET", "/consent-requests")[0]["answers"] == "no"


def test_objections(call: Call) -> None:
    call("member", "POST", "/me/objections", asset="pay", purpose="Marketing", basis="LegitimateInterest")
    call("member", "POST", "/me/objections", 400, asset="pay", purpose="Marketing", basis="Greed")
    call("member", "POST", "/me/objections", 404, asset="pay", purpose="Marketing", lift=True)
    lifted = call(
        "member", "POST", "/me/objections", asset="pay", purpose="Marketing", basis="LegitimateInterest", lift=True
    )
    assert lifted["kind"] == "objection.lifted/1"


def test_a_guardian_speaks_for_his_ward(call: Call, node: Node) -> None:
    story.done(register.add_party(node, "uncle", "person", "Uncle"))
    appointed = {"guardian": "uncle", "ward": "member-3", "until": "2040-01-01", "evidence": "court"}
    call("member", "POST", "/guardians", 403, **appointed)
    call("steward", "POST", "/guardians", **appointed)
    ((ward, name),) = [(w["ward"], w["name"]) for w in call("member", "GET", "/me/wards", party="uncle")]
    assert name == "Member 3"
    said = {"asset": "pay", "purpose": "Marketing", "consent": True, "ward": ward}
    call("member", "POST", "/me/consents", 404, party="member-4", **said)
    call(
        "member", "POST", "/me/consents", 400, party="uncle", **said
    )  # it ends with his time, and he has not read that
    shown = call("member", "POST", "/me/notices", 200, party="uncle", asset="pay", purpose="Marketing", ward=ward)
    given = call("member", "POST", "/me/consents", party="uncle", **said, notice=shown["digest"])
    assert given["by"] == "uncle" and given["conditions"]["until"].startswith("2040")
    assert call("member", "GET", "/me/words", party="uncle", ward=ward)[0]["by"] == "uncle"
    assert call("member", "GET", "/me/words", party="member-4", ward=ward) == []
    call("steward", "POST", "/guardians/relief", guardian="uncle", ward="member-3", evidence="court")
    assert call("member", "GET", "/me/words")[0]["status"] == "ConsentInvalidated"
    call("steward", "POST", "/guardians/relief", 404, guardian="uncle", ward="member-3", evidence="court")


def test_shared_records(call: Call) -> None:
    shared = {"members": ["member-3", "member-4"], "evidence": "household"}
    assert call("steward", "POST", "/assets/pay/shared-records", **shared)["numbers"]
    call("steward", "POST", "/assets/pay/shared-records", 404, members=["member-3", "nobody"], evidence="household")
    call("steward", "POST", "/assets/pay/shared-records", 400, members=["member-3", "member-3"], evidence="household")
