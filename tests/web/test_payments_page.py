"""The pages of payments, and what programs do instead: a member says where to be paid, the steward pays, the bank answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

import paying
import story
from browsing import Page
from serving import application
from usufruct.core.income.ledger import Transfer
from usufruct.core.income.payout_state import Payout
from usufruct.main import open_node
from usufruct.node import login, payout
from usufruct.node.node import Node


@pytest.fixture
def node(tmp_path: Path, founded: Path, table: Path) -> Iterator[Node]:
    """A node that owes twelve members 35 euro each."""
    directory = Path(shutil.copytree(founded, tmp_path / "paying"))
    paying.prepare(directory, table)
    with open_node(directory) as opened:
        yield opened


@pytest.fixture
def api(node: Node) -> Iterator[Any]:
    """Calls the API: `api("ana", "member", "POST", path, body)`."""
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:

        def call(party: str, role: str, method: str, path: str, body: Any = None, content: bytes | None = None) -> Any:
            token = login.issue_token(node, party, role, login.ROLES[role], 1, "")
            headers = {"Authorization": f"Bearer {token}"}
            return client.request(method, f"/api/v1{path}", headers=headers, json=body, content=content)

        yield call


def statement(name: str, *amounts: tuple[str, str, str]) -> bytes:
    """A bank's statement: each line's amount, direction, and the payment's name."""
    lines = "".join(
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-23</Dt>'
        f"</BookgDt><AcctSvcrRef>{name}-{at}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>{payment}</EndToEndId></Refs>"
        "</TxDtls></NtryDtls></Ntry>"
        for at, (amount, sign, payment) in enumerate(amounts)
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>'
        f"<Id>{name}</Id><Acct><Id><IBAN>{paying.PAY_FROM}</IBAN></Id><Ccy>EUR</Ccy></Acct>{lines}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def test_a_member_says_where_to_be_paid_and_reads_what_was(browse: Any, node: Node) -> None:
    she = browse("member-10", "member")
    assert 'href="/payments"' in she.get("/me").source
    page = she.get("/payments")
    assert "Owed to you now 35.00 EUR" in page.text and "You did not say yet" in page.text
    wrong = she.press(page, "/payments", how="bank", holder="Ana", iban="NL91ABNA0417164301")
    assert wrong.status == 400 and "no IBAN" in wrong.text and "NL91ABNA" not in wrong.text
    said = she.press(page, "/payments", how="bank", holder="Ana Rossi", iban="nl91 abna 0417 1643 00")
    assert "It holds from the next payout on" in said.text and "NL… 4300 of Ana Rossi" in said.text
    assert "NL91ABNA" not in said.source
    assert "give it to the members' fund" in she.press(said, "/payments", how="purse").text
    assert "You give it" in she.get("/payments").text
    paying.approved(node)
    assert "Given to the members&#39; fund" in she.get("/payments").source
    assert she.send("/payments", how="bank").status == 403, "without CSRF proof"
    assert browse("member-3", "member").get("/steward/payments").status == 403
    assert browse().get("/payments").status in (401, 200) and "Owed to you" not in browse().get("/payments").text


def test_the_steward_pays_and_reads_what_the_bank_says(browse: Any, node: Node) -> None:
    boss = browse(story.OPERATOR, "steward")
    assert 'href="/steward/payments"' in boss.get("/steward").source
    page = boss.get("/steward/payments")
    assert "7 payments and 2 gifts" in page.text and "4 did not say where" in page.text
    proposed = boss.press(page, "/steward/payments")
    with node.store.read() as state:
        name = next(state.list(Payout)).id
    assert "330.00 EUR" in proposed.text and "Approve" in proposed.text
    approved = boss.press(proposed, f"/steward/payments/{name}/approval")
    assert "It is approved" in approved.text
    payout.follow(node)
    order = boss.raw("GET", f"/api/v1/payouts/{name}/order")
    assert order.status_code == 200 and b"pain.001.001.09" in order.content
    page = boss.get("/steward/payments")
    file = {"statement": ("monday.xml", statement("A", ("35.00", "DBIT", f"{name}-1"), ("32.00", "CRDT", "ours")))}
    sent = {"data": page.form("/steward/statements").fields, "files": file}
    read = Page(boss.client.post("/steward/statements", **sent))
    assert "The statement is read" in read.text and "The bank has not had its word on 6" in read.text
    assert "32.00 EUR" in read.text and "ours" in read.text
    assert "nothing changed" in Page(boss.client.post("/steward/statements", **sent)).text
    bad = {"data": sent["data"], "files": {"statement": ("x.xml", b"<!DOCTYPE x []><x/>")}}
    assert Page(boss.client.post("/steward/statements", **bad)).status == 400
    assert boss.client.post("/steward/statements", files=file).status_code == 403, "without CSRF proof"
    line = next(one.id for one in payout.payments_page(node).unmatched)
    explained = boss.press(read, f"/steward/statements/{line}", party=story.STRANGER, reference="invoice 7")
    assert "The line is explained" in explained.text and explained.text.count("None.") == 1
    refused = boss.press(explained, "/steward/payments") if "Propose it" in explained.text else None
    assert refused is None


def test_a_payout_is_refused_on_the_page(browse: Any, node: Node) -> None:
    boss = browse(story.OPERATOR, "steward")
    proposed = boss.press(boss.get("/steward/payments"), "/steward/payments")
    with node.store.read() as state:
        name = next(state.list(Payout)).id
    refused = boss.press(proposed, f"/steward/payments/{name}/refusal", why="wait for the others")
    assert "It is refused" in refused.text and "Wait for the others" in refused.text


def test_the_same_by_the_api(api: Any, node: Node) -> None:
    def boss(method: str, path: str, body: Any = None, content: bytes | None = None) -> Any:
        return api(story.OPERATOR, "steward", method, path, body, content)

    she = paying.party(node, "member-10")
    told = {"how": "bank", "holder": "Ana", "iban": "NL91ABNA0417164300"}
    assert api(she, "member", "POST", "/me/payments/instruction", told).json() == {"how": "bank"}
    mine = api(she, "member", "GET", "/me/payments").json()
    assert (mine["owed"], mine["how"], mine["account"]) == (["35.00 EUR"], "bank", "NL… 4300")
    for path, body in (("/payouts", None), ("/bank/unmatched", None), ("/ledger/journal/hledger", None)):
        assert api(she, "member", "GET", path, body).status_code == 403
    assert boss("POST", f"/parties/{story.STRANGER}/payment-instruction", {"how": "keep"}).status_code == 201

    assert boss("POST", f"/parties/{story.USER}/limit", {"limit": "0.00 EUR"}).json()["limit"] == 0
    assert boss("POST", f"/parties/{story.USER}/limit", {"limit": "0.00 USD"}).status_code == 400
    question = {"sql": "SELECT COUNT(*) AS n FROM pay WHERE year = 2021", "purpose": story.PURPOSE}
    no = api(story.USER, "user", "POST", "/queries", question)
    assert no.status_code == 402 and no.json()["refusal"]["code"] == "ledger.limit"
    paid = boss("POST", "/ledger/payments-in", {"party": story.USER, "amount": "1300.00 EUR", "reference": "17"})
    assert paid.status_code == 201
    assert api(story.USER, "user", "POST", "/queries", question).status_code == 200
    given = {"party": story.USER, "amount": "50.00 EUR", "to": "USD", "rate": "1.0842", "source": "ECB"}
    assert boss("POST", "/ledger/exchanges", given).json()["got"] == 5421
    with node.store.read() as state:
        seq = next(t.seq for t in state.list(Transfer) if t.debit == "cash")
    back = {"seq": seq, "n": 0, "why": "a typing error", "amount": "1.00 EUR"}
    assert boss("POST", "/ledger/corrections", back).json()["amount"] == 100
    assert boss("POST", "/ledger/corrections", {**back, "n": 9}).status_code == 404
    for format in ("beancount", "hledger"):
        assert "Liabilities:Party:Institute" in boss("GET", f"/ledger/journal/{format}").text
    assert boss("GET", "/ledger/journal/excel").status_code == 404

    name = boss("POST", "/payouts").json()["payout"]
    assert boss("POST", f"/payouts/{name}/refusal", {"why": "first me"}).status_code == 201
    name = boss("POST", "/payouts").json()["payout"]
    assert boss("GET", f"/payouts/{name}/order").status_code == 404
    assert boss("POST", f"/payouts/{name}/approval").status_code == 201
    payout.follow(node)
    assert boss("GET", f"/payouts/{name}/order").headers["content-type"].startswith("application/xml")
    assert boss("GET", "/payouts/..%2f..%2fkeys/order").status_code == 404
    content = statement("B", ("35.00", "DBIT", f"{name}-2"), ("9.00", "CRDT", ""))
    read = boss("POST", "/bank/statements", content=content)
    assert read.status_code == 201 and [line["found"] for line in read.json()["lines"]] == ["paid", "unmatched"]
    assert boss("POST", "/bank/statements", content=content).json()["new"] is False
    assert boss("POST", "/bank/statements", content=b"no").status_code == 400
    assert boss("POST", "/bank/statements", content=content.replace(b"DE89", b"DE88")).status_code == 422
    (line,) = boss("GET", "/bank/unmatched").json()
    assert line["amount"] == "9.00 EUR"
    explained = boss("POST", f"/bank/unmatched/{line['line']}/explanation", {"party": story.STRANGER})
    assert explained.status_code == 201 and boss("GET", "/bank/unmatched").json() == []
    assert boss("POST", f"/payouts/{name}/end", {"why": "the bank says no more"}).status_code == 201
    assert [one["state"] for one in boss("GET", "/payouts").json()] == ["refused", "ended"]
