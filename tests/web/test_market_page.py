"""The market's pages, as a data user and a steward go through them: a need, its ranking, an invoice, a dispute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import story
from browsing import Browser, Form, Page
from usufruct import client
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement
from usufruct.main import open_node
from usufruct.node import invoicing, login, market, previewing, register, trade
from usufruct.node.node import Node
from usufruct.web.app import make_app

FORM = {"columns": "hourly pay, hours", "purpose": story.PURPOSE, "budget": "100.00", "form": "aggregates", "uses": "3"}


@pytest.fixture
def node(tmp_path: Any) -> Iterator[Node]:
    story.found(tmp_path / "node")
    with open_node(tmp_path / "node") as found:
        story.bring_to_agreement(found, story.write_table(tmp_path / "pay.csv"))
        yield found


def both(node: Node) -> tuple[Browser, Browser]:
    app = make_app(node)
    return Browser(app, node, story.USER, "user"), Browser(app, node, story.OPERATOR, "steward")


def send(browser: Browser, form: Form, /, **typed: str) -> Page:
    """What comes of a form that is on a page, filled in."""
    return Page(browser.client.post(form.action, data={**form.fields, **typed}))


def test_a_need_is_ranked_with_its_reasons_and_then_noted(node: Node) -> None:
    user, _ = both(node)
    page = user.get("/market")
    form = page.form("/market/search")
    assert "You have not said what you need yet" in page.text
    found = send(user, form, **FORM)
    assert "Pay of twelve people: " in found.text and "Could meet it" in found.text
    assert "2 of 2 wanted columns" in found.text and "hourly_pay" in found.text
    not_met = send(user, form, **{**FORM, "budget": "1.00"})
    assert "Does not meet it" in not_met.text and "Have 15.00 EUR for it" in not_met.text
    wrong = send(user, form, **{**FORM, "persons": "many"})
    assert wrong.status == 400 and "is not a whole number" in wrong.text
    form.action = "/market/needs"
    noted = send(user, form, **FORM)
    assert "The node looks for it from now on" in noted.text
    market.follow(node)
    assert "could meet it: 9" in user.get("/market").text
    need = market.sought(node, story.USER)[0].need.id
    again = send(user, user.get("/market").form(f"/market/needs/{need}/withdrawal"))
    assert "Not looked for any more" in again.text


def test_a_preview_is_read_before_anything_is_paid(node: Node) -> None:
    user, _ = both(node)
    found = send(user, user.get("/market").form("/market/search"), **FORM)
    refused = send(user, found.form("/market/previews"))
    assert refused.status == 404 and "there are none of" in refused.text.lower()
    story.done(previewing.allow(node, story.OFFER, story.OPERATOR, True))
    page = send(user, found.form("/market/previews"))
    assert page.status == 200 and "Persons there" in page.text and "It cost you nothing" in page.text
    again = send(user, found.form("/market/previews"))
    assert "charged to nobody" in again.text


def test_an_invoice_is_issued_disputed_and_put_right(node: Node) -> None:
    user, steward = both(node)
    use = story.answer(node).use
    page = steward.get("/steward/invoices")
    assert "Institute owes 5.00 EUR" in page.text
    issued = send(steward, page.form("/steward/invoices"), period="2026-q4", tax="1900")
    assert issued.title.startswith("Invoice 1") and "5.95 EUR" in issued.text
    mine = user.get("/invoices")
    assert "Wage Commons" in mine.text
    invoice = invoicing.books(node, story.USER).invoices[0].id
    shown = user.get(f"/invoices/{invoice}")
    raised = send(user, shown.form(f"/invoices/{invoice}/disputes"), line=use, reason="<b>never</b> asked")
    assert "Your dispute is noted" in raised.text and "<b>never</b>" not in raised.source
    dispute = invoicing.books(node, story.USER).disputes[0].id
    waiting = steward.get("/steward/invoices")
    assert "1 dispute waits" in waiting.text
    settled = send(
        steward, waiting.form(f"/steward/disputes/{dispute}", word="uphold"), word="uphold", reason="it was not"
    )
    assert "upheld: it was not" in settled.text
    assert "Left 0.00 EUR" in user.get(f"/invoices/{invoice}").text
    for form, kind in (("text", "text/plain"), ("html", "text/html"), ("json", "application/json")):
        file = user.client.get(f"/invoices/{invoice}/{form}")
        assert file.status_code == 200 and file.headers["content-type"].startswith(kind)
        assert "attachment" in file.headers["content-disposition"] and "5.95" in file.text
    assert user.get(f"/invoices/{invoice}/doc").status == 404


def test_how_a_price_came_about_is_told_to_its_sides_alone(node: Node) -> None:
    user, steward = both(node)
    agreement = agreements(node)[0]
    for who in (user, steward):
        assert "offered it on" in who.get(f"/agreements/{agreement}/price").text
    stranger = Browser(make_app(node), node, story.STRANGER, "user")
    hers, none = (stranger.get(f"/agreements/{name}/price") for name in (agreement, "agreement-9"))
    assert hers.status == none.status == 404
    assert hers.text.replace(agreement, "X") == none.text.replace("agreement-9", "X")


def agreements(node: Node) -> list[str]:
    with node.store.read() as state:
        return [row.id for row in state.list(Agreement)]


def test_a_program_states_a_need_bids_and_reads_its_invoices(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    user, _ = both(node)
    token = login.issue_token(node, story.USER, "user", ("ask", "negotiate"), 1, "tests")

    def request(method: str, url: str, **sent: Any) -> Any:
        sent.pop("timeout")
        return user.client.request(method, url.removeprefix("http://node"), **sent)

    monkeypatch.setattr("httpx.request", request)
    here = client.connect("http://node", token)
    wanted: dict[str, Any] = {"columns": ["hourly pay"], "purpose": story.PURPOSE, "budget": "50.00 EUR"}
    assert here.search(**wanted)["ranked"][0]["obstacle"] is None
    assert here.search(**wanted, asset="nothing")["no"]["code"] == "access.no-agreement"
    need = here.need(**wanted)
    assert [one["need"]["id"] for one in here.needs()] == [need["need"]]
    terms = {"auction": "place", "asset": story.ASSET, "purposes": [story.PURPOSE], "reserve": "10.00 EUR"}
    steward = {
        "Authorization": f"Bearer {login.issue_token(node, story.OPERATOR, 'steward', ('steward',), 1, 'tests')}"
    }
    assert user.client.post("/api/v1/auctions", json=terms, headers=steward).status_code == 201
    kept = here.bid("place", story.USER, "12.00 EUR")
    assert len(kept) == 64
    with pytest.raises(client.Refused, match="bids are opened from"):
        here.open_bid("place", "12.00 EUR", kept)
    story.answer(node)
    story.done(invoicing.issue(node, story.OPERATOR, story.USER, "now"))
    assert here.invoice(here.invoices()[0]["id"])["BT-112 total with tax"] == "5.00"


def test_what_is_free_by_rule_says_so_to_the_members(node: Node) -> None:
    story.done(register.add_party(node, "city", "public-body", "The City", None, "the law"))
    story.done(register.record_consents(node, story.ASSET, "ImprovePublicServices", None, "forms"))
    terms = Terms("aggregates", ("ImprovePublicServices",), 900, "EUR", 1)
    story.done(trade.publish_offer(node, "services", story.ASSET, story.OPERATOR, terms, standing=True))
    moved = story.done(trade.request_offer(node, "services", "city"))
    story.done(trade.move(node, moved.negotiation, "verify", "city"))
    answered = story.ask(node, "SELECT COUNT(*) AS c FROM pay", "city", "ImprovePublicServices")
    assert str(answered.price) == "0.00 EUR"
    member = Browser(make_app(node), node, story.MEMBERS[0], "member")
    assert "free by rule, in the public interest" in member.get("/me").text
