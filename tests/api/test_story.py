"""The main job through the HTTP API alone, with nothing but the first steward's link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from serving import application
from usufruct.core.proof.receipt import Receipt, check
from usufruct.main import create_node, open_node, read_settings
from usufruct.node import login
from usufruct.store.keys import verify_signature

CARD = b"""
asset = "shifts"
title = "Shifts"
description = "hours and pay of twelve drivers"
licence = "by agreement"
person_column = "driver"
rows_per_person = 3
once_per = ["week"]
[columns.driver]
type = "text"
grade = "personal"
[columns.week]
type = "integer"
grade = "personal"
values = [1, 2, 3]
[columns.pay]
type = "decimal"
decimals = 2
grade = "sensitive"
low = 0
high = 100
"""
TABLE = b"driver,week,pay\n" + b"".join(
    f"d{driver},{week},{driver + week}.50\n".encode() for driver in range(12) for week in (1, 2, 3)
)
QUESTION = {
    "anew": True,
    "sql": "SELECT week, AVG(pay) AS pay FROM shifts GROUP BY week",
    "purpose": "AcademicResearch",
}


class Caller:
    """One party's way to the API."""

    def __init__(self, client: TestClient[Any], token: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/api/v1{path}", headers=self.headers, **body)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    create_node(tmp_path / "node", "Drivers", "drivers", "Drivers' Cooperative", "EUR")
    return tmp_path / "node"


@pytest.fixture
def client(directory: Path) -> Iterator[TestClient[Any]]:
    with (
        open_node(directory) as node,
        application(node) as app,
        TestClient(app, raise_server_exceptions=False) as client,
    ):
        client.steward = login.issue_token(node, "drivers", "steward", ("steward",), 1, "")  # type: ignore[attr-defined]
        yield client


@pytest.fixture
def steward(client: TestClient[Any]) -> Caller:
    return Caller(client, client.steward)  # type: ignore[attr-defined]


def token_for(steward: Caller, party: str, role: str, *scopes: str) -> Caller:
    body = {"party": party, "role": role, "scopes": list(scopes)}
    made = steward.post("/tokens", json=body)
    assert made.status_code == 201, made.text
    return Caller(steward.client, made.json()["token"])


def set_up(steward: Caller) -> Caller:
    """Everything up to the agreement; returns the institute."""
    assert steward.post(
        "/parties", json={"party": "institute", "kind": "organisation", "name": "Institute", "evidence": "seen"}
    ).is_success
    files = {"card": ("card.toml", CARD), "table": ("shifts.csv", TABLE)}
    added = steward.post("/assets", files=files)
    assert added.status_code == 201, added.text
    assert added.json()["quality"]["persons"] == 12
    consents = {"purpose": "AcademicResearch", "evidence": "folder 1"}
    assert steward.post("/assets/shifts/consents", json=consents).is_success
    offer = {"offer": "o1", "asset": "shifts", "purposes": ["AcademicResearch"], "price": "5.00 EUR"}
    assert steward.post("/offers", json=offer).is_success
    institute = token_for(steward, "institute", "user", "ask", "negotiate")
    moved = institute.post("/offers/o1/requests").json()
    negotiation = moved["negotiation"]
    assert steward.post(f"/negotiations/{negotiation}/messages", json={"message": "agree"}).json()["states"] == [
        "AGREED"
    ]
    moved = institute.post(f"/negotiations/{negotiation}/messages", json={"message": "verify"}).json()
    assert moved["states"] == ["VERIFIED", "FINALIZED"]
    return institute


def test_the_whole_story(steward: Caller, directory: Path) -> None:
    institute = set_up(steward)
    answered = institute.post("/queries", json=QUESTION)
    assert answered.status_code == 200, answered.text
    body = answered.json()
    assert body["columns"] == ["week", "pay", "pay_margin"]
    assert [row[0] for row in body["rows"]] == [1, 2, 3]
    assert body["price"] == "5.00 EUR"
    assert body["budget_left"] == body["budget_total"] - body["charge"]
    record = check(Receipt.parse(body["receipt"]), read_settings(directory).key, verify_signature)
    assert b"query.answered/1" in record

    member = token_for(steward, "member-d3", "member", "member")
    seen = member.get("/me").json()["assets"][0]["uses"][0]
    assert (seen["who"], seen["your_rows"], seen["paid_with"]) == ("Institute", 3, None)
    assert member.get(f"/receipts/{seen['receipt']}").text == institute.get(f"/receipts/{seen['receipt']}").text

    refused = member.post("/me/consents", json={"asset": "shifts", "purpose": "Purpose", "consent": False})
    assert refused.status_code == 201
    assert institute.post("/queries", json=QUESTION).is_success
    assert len(member.get("/me").json()["assets"][0]["uses"]) == 1, "the second question no longer counted her rows"

    planned = steward.post("/periods", json={"period": "p1"}).json()
    assert planned["income"] == 1000
    assert steward.post("/periods/p1/closing", json={"plan": planned["plan"]}).is_success
    ledger = steward.get("/ledger").json()
    assert sum(account["balance"] for account in ledger["accounts"]) == 0
    mine = member.get("/me").json()["assets"][0]
    assert mine["paid"][0]["amount"].endswith("EUR")
    assert mine["uses"][0]["paid_with"] == "p1"
    assert "36" not in str(mine["paid"]), "an exact count of all rows would undo the noise on the answer"


def test_refusals_have_one_shape_and_are_facts(steward: Caller) -> None:
    institute = set_up(steward)
    size = institute.get("/node").json()["facts"]
    for question, status, code in [
        ({"sql": "SELECT * FROM shifts", "purpose": "AcademicResearch"}, 403, "access.form"),
        ({"sql": QUESTION["sql"], "purpose": "Marketing"}, 403, "access.purpose"),
        ({"sql": QUESTION["sql"], "purpose": "Nonsense"}, 403, "access.unknown-purpose"),
        ({"sql": "SELECT (", "purpose": "AcademicResearch"}, 400, "query.malformed"),
        ({"sql": "SELECT 1; SELECT 2", "purpose": "AcademicResearch"}, 400, "query.statements"),
        ({"sql": "SELECT COUNT(*) FROM other", "purpose": "AcademicResearch"}, 403, "access.no-agreement"),
        ({"sql": "SELECT AVG(wage) FROM shifts", "purpose": "AcademicResearch"}, 422, "privacy.column"),
    ]:
        answer = institute.post("/queries", json=question)
        body = answer.json()["refusal"]
        assert (answer.status_code, body["code"]) == (status, code)
        assert body["reasons"]
        assert body["remedy"]
        assert body["receipt"].startswith("c2sp.org/tlog-proof@v1")
        size += 1
        assert institute.get("/node").json()["facts"] == size


def test_what_is_unknown_and_what_is_not_yours_look_the_same(steward: Caller) -> None:
    institute = set_up(steward)
    steward.post("/parties", json={"party": "insurer", "kind": "organisation", "name": "Insurer"})
    insurer = token_for(steward, "insurer", "user", "ask", "negotiate")
    answers = []
    for asset in ("shifts", "stifts"):
        answer = insurer.post("/queries", json={"sql": f"SELECT COUNT(*) FROM {asset}", "purpose": "AcademicResearch"})
        body = answer.json()["refusal"]
        answers.append((answer.status_code, body["code"], str(body["reasons"]).replace(asset, "?"), body["remedy"]))
    assert answers[0] == answers[1]
    use = institute.post("/queries", json=QUESTION).json()
    seq = Receipt.parse(use["receipt"]).index
    others, unknown = insurer.get(f"/receipts/{seq}"), insurer.get("/receipts/99999")
    assert (others.status_code, others.json()["refusal"]["code"]) == (
        unknown.status_code,
        unknown.json()["refusal"]["code"],
    )
    negotiation = institute.get("/negotiations").json()[0]["id"]
    for name in (negotiation, "negotiation-9999"):
        answer = insurer.post(f"/negotiations/{name}/messages", json={"message": "terminate"})
        assert (answer.status_code, answer.json()["refusal"]["code"]) == (404, "registry.unknown")
    for agreement in (institute.get("/agreements").json()[0]["id"], "agreement-9999"):
        answer = insurer.post(f"/agreements/{agreement}/end")
        assert (answer.status_code, answer.json()["refusal"]["code"]) == (404, "registry.unknown")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/parties", {"party": "Bad Name", "kind": "organisation", "name": "x"}, 400),
        ("/parties", {"party": "drivers", "kind": "organisation", "name": "x"}, 409),
        ("/parties", {"party": "robot", "kind": "agent", "name": "x"}, 400),
        ("/parties", {"party": "x", "kind": "organisation", "name": "x", "extra": 1}, 400),
        ("/offers", {"offer": "o", "asset": "none", "purposes": ["AcademicResearch"], "price": "5.00 EUR"}, 404),
        ("/offers", {"offer": "o", "asset": "none", "purposes": ["AcademicResearch"], "price": "5.001 EUR"}, 400),
        ("/offers", {"offer": "o", "asset": "none", "purposes": ["Nonsense"], "price": "5.00 EUR"}, 400),
        ("/periods", {"period": "p1"}, 409),
        ("/periods/p1/closing", {"plan": "plan-1"}, 404),
        ("/assets/none/consents", {"purpose": "AcademicResearch", "evidence": "x"}, 404),
        ("/links", {"party": "nobody", "role": "member"}, 400),
        ("/accounts", {"party": "drivers", "role": "member", "password": "short"}, 400),
    ],
)
def test_bad_input_is_told_what_is_wrong(steward: Caller, path: str, body: dict[str, Any], status: int) -> None:
    answer = steward.post(path, json=body)
    assert answer.status_code == status, answer.text
    found = answer.json().get("refusal") or answer.json()["fault"]
    assert found["message"]
    assert found["remedy"]


def test_tokens_reach_no_further_than_they_say(steward: Caller) -> None:
    institute = set_up(steward)
    asker = token_for(steward, "institute", "user", "ask")
    assert asker.post("/queries", json=QUESTION).is_success
    assert asker.post("/offers/o1/requests").status_code == 403
    assert asker.post("/tokens", json={"scopes": ["negotiate"]}).status_code == 400, "a token cannot widen itself"
    assert institute.post("/parties", json={"party": "x", "kind": "person", "name": "x"}).status_code == 403
    assert (
        institute.post("/tokens", json={"scopes": ["steward"], "party": "drivers", "role": "steward"}).status_code
        == 400
    )
    assert institute.get("/me").status_code == 403
    name = asker.get("/tokens").json()[-1]["name"]
    assert asker.client.delete(f"/api/v1/tokens/{name}", headers=asker.headers).json() == {"revoked": True}
    left = [caller for caller in (asker, institute) if caller.get("/uses").status_code == 200]
    assert len(left) == 1, "a revoked token is refused from the next request on"


def test_letters_that_the_journal_cannot_hold_are_made_to_fit(steward: Caller) -> None:
    made = steward.post("/parties", json={"party": "cafe", "kind": "organisation", "name": "Cafe\u0301"})
    assert made.json()["name"] == "Caf\u00e9"
    set_up(steward)
    consents = {"purpose": "AcademicResearch", "evidence": "boi\u0302te 4"}
    assert steward.post("/assets/shifts/consents", json=consents).json()["evidence"] == "bo\u00eete 4"


def test_a_fault_of_the_node_tells_nothing_of_itself(steward: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("usufruct.web.api.views.public_page", broken)
    answer = steward.get("/node")
    assert answer.status_code == 500
    assert "secret" not in answer.text
