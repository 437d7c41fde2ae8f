"""Free previews, tried as a way to get data for nothing; and auctions and needs, as nodes carry them out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import story
from usufruct.core.access.clauses import Fee, Price, Schedule
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import auction as rules
from usufruct.core.contract.auction import Auction, commitment
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.income.ledger import Account
from usufruct.core.market.needs import Need
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.registry.state import Asset
from usufruct.main import open_node
from usufruct.node import auction, market, previewing, query, register, standing, trade
from usufruct.node.node import Node
from usufruct.wire import sql

DEAR = Schedule((Price(900),), Fee(5_000))


@pytest.fixture
def node(tmp_path: Path) -> Any:
    story.found(tmp_path / "node")
    with open_node(tmp_path / "node") as found:
        story.register_parties(found)
        story.register_table(found, story.write_table(tmp_path / "pay.csv"))
        for purpose in ("ResearchAndDevelopment",):
            story.done(register.record_consents(found, story.ASSET, purpose, None, "forms"))
        terms = Terms("aggregates", ("ResearchAndDevelopment",), story.PRICE, "EUR", 1)
        story.done(trade.publish_offer(found, story.OFFER, story.ASSET, story.OPERATOR, terms, None, True, DEAR))
        story.done(previewing.allow(found, story.OFFER, story.OPERATOR, True))
        yield found


PURPOSES = (
    "AcademicResearch",
    "CommercialResearch",
    "ScientificResearch",
    "ResearchAndDevelopment",
    "NonCommercialResearch",
)


def look(node: Node, purpose: str = story.PURPOSE, party: str = story.USER) -> Any:
    found = previewing.preview(node, story.OFFER, party, purpose, sql.parse, signed=True)
    return found if isinstance(found, Refusal) else found.worked_out


def spent(node: Node) -> int:
    with node.store.read() as state:
        asset = state.get(Asset, story.ASSET)
        assert asset is not None
        budget = state.get(Budget, asset.id, asset.version)
        assert budget is not None
        return budget.spent + budget.reserved


def allowance(node: Node) -> int:
    return node.rulebook.value("preview.allowance-micro-rho", node.clock.now())


def test_a_preview_is_free_whatever_the_offer_costs_and_costs_the_budget(node: Node) -> None:
    found = look(node)
    assert isinstance(found, query.Answered) and found.price.minor == 0 and 0 < found.charge == spent(node)
    standing.rounds(node)
    with node.store.read() as state:
        (agreement,) = state.list(Agreement)
        use = state.get(Use, found.use)
        owed = [row.balance for row in state.list(Account) if row.balance]
    assert agreement.terms.price == 0 and use is not None and use.price == 0 and use.template == "quality-preview"
    assert not owed, "no fee, no tier, no share"
    assert story.done(previewing.preview(node, story.OFFER, story.USER, story.PURPOSE, sql.parse)).worked_out.repeated
    assert spent(node) == found.charge, "the same again is charged to nobody"


@pytest.mark.parametrize(
    "text", ["SELECT COUNT(*) AS c FROM pay", "SELECT AVG(hours) AS h FROM pay", "SELECT hours FROM pay"]
)
def test_nothing_is_asked_freely_under_an_agreement_for_previews(node: Node, text: str) -> None:
    look(node)
    before = spent(node)
    refused = story.ask(node, text)
    assert isinstance(refused, query.Refused) and spent(node) == before
    with node.store.read() as state:
        question = next(use.question for use in state.list(Use) if use.template)
    same = story.ask(node, question)
    assert isinstance(same, query.Refused), "not even what a preview asks"


def test_whoever_looks_again_and_again_gets_no_further_than_the_allowance(node: Node) -> None:
    told = [look(node, purpose) for purpose in PURPOSES for _ in range(2)]
    assert any(isinstance(one, query.Refused) and one.refusal.code == "market.allowance" for one in told)
    assert 0 < spent(node) <= allowance(node) < 20_000
    other = look(node, story.PURPOSE, story.STRANGER)
    assert isinstance(other, query.Answered), "others have an allowance of their own"


def test_many_at_once_have_one_allowance(node: Node) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda purpose: look(node, purpose), PURPOSES * 2))
    assert 0 < spent(node) <= allowance(node)


def test_an_agent_has_the_allowance_of_its_principal(node: Node) -> None:
    story.done(register.add_party(node, "robot", "agent", "Robot", story.USER))
    for purpose in PURPOSES:
        look(node, purpose)
    before = spent(node)
    look(node, PURPOSES[0], "robot")
    look(node, PURPOSES[-1], "robot")
    assert spent(node) == before


def test_an_agreement_that_is_paid_for_is_no_way_to_free_previews(node: Node) -> None:
    """A preview goes under the agreement for previews, though a paid one is there; and a paid question under the paid one."""
    moved = story.done(trade.request_offer(node, story.OFFER, story.USER))
    paid = story.done(trade.move(node, moved.negotiation, "verify", story.USER)).agreement
    assert paid is not None
    found = look(node)
    assert isinstance(found, query.Answered) and found.agreement != paid.id and found.price.minor == 0
    asked = story.ask(node, "SELECT COUNT(*) AS c FROM pay")
    assert isinstance(asked, query.Answered) and asked.agreement == paid.id and asked.price.minor == 900


def test_previews_end_with_the_providers_word_and_with_the_offer(node: Node) -> None:
    none = previewing.preview(node, "nothing", story.USER, story.PURPOSE, sql.parse)
    for stop in (
        lambda: previewing.allow(node, story.OFFER, story.OPERATOR, False),
        lambda: trade.withdraw_offer(node, story.OFFER, story.OPERATOR),
    ):
        story.done(stop())
        gone = look(node)
        assert isinstance(gone, Refusal) and isinstance(none, Refusal)
        assert str(gone).replace(story.OFFER, "X") == str(none).replace("nothing", "X")
    assert spent(node) == 0
    assert isinstance(previewing.allow(node, story.OFFER, story.STRANGER, True), Refusal)


# ---- needs and auctions, as nodes carry them out


def test_a_need_is_told_of_each_match_once(node: Node) -> None:
    need = Need(("hours",), story.PURPOSE, "aggregates", "EUR", 100_000)
    story.done(market.state_need(node, story.USER, need))
    assert market.follow(node) == "1 new matches of needs" and market.follow(node) == ""
    terms = Terms("aggregates", (story.PURPOSE,), 100, "EUR", 1)
    story.done(trade.publish_offer(node, "second", story.ASSET, story.OPERATOR, terms))
    assert market.follow(node) == "1 new matches of needs" and market.follow(node) == ""
    (sought,) = market.sought(node, story.USER)
    assert [match.offer for match in sought.matches] == [story.OFFER, "second"]
    assert market.sought(node, story.STRANGER) == []


def test_the_ranking_is_the_same_whatever_is_not_in_the_catalogue(node: Node, tmp_path: Path) -> None:
    need = Need(("hours", "tax"), story.PURPOSE, "aggregates", "EUR", 100_000, persons=9)
    before = (market.search(node, story.STRANGER, need), market.search(node, story.STRANGER, need, "hidden"))
    card = replace(story.read_card(), asset="hidden", title="Tax and hours", member_prefix="payer")
    lines = (tmp_path / "pay.csv").read_text().splitlines()
    (tmp_path / "tax.csv").write_text("\n".join(lines[:-1]) + "\n")
    story.done(register.add_asset(node, card, tmp_path / "tax.csv", story.OPERATOR))
    terms = Terms("aggregates", (story.PURPOSE,), 1, "EUR", 1)
    story.done(trade.publish_offer(node, "taken-back", "hidden", story.OPERATOR, terms))
    story.done(trade.withdraw_offer(node, "taken-back", story.OPERATOR))
    assert (market.search(node, story.STRANGER, need), market.search(node, story.STRANGER, need, "hidden")) == before


class Moved:
    """A clock that was set forward."""

    def __init__(self, clock: Any, days: float) -> None:
        self.clock, self.days = clock, days

    def now(self) -> Instant:
        return later(self.clock.now(), days=self.days)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.clock, name)


TERMS = Terms("aggregates", (story.PURPOSE,), 0, "EUR", 1)


def test_the_winner_of_an_auction_has_an_ordinary_agreement_and_owes_the_second_price(tmp_path: Path) -> None:
    story.found(tmp_path / "node")
    bids = {story.USER: (4_000, "a1" * 32), story.STRANGER: (3_000, "b2" * 32)}
    with open_node(tmp_path / "node") as found:
        story.register_parties(found)
        story.register_table(found, story.write_table(tmp_path / "pay.csv"))
        story.done(auction.open_auction(found, "place", story.ASSET, story.OPERATOR, TERMS, Money(1_000, "EUR"), 7, 3))
        for who, (amount, nonce) in bids.items():
            story.done(auction.commit(found, "place", who, commitment("place", who, amount, nonce)))
        assert auction.follow(found) == ""
        assert [one.bids for one in auction.listed(found, "")] == [()]
    from usufruct.store.keys import SystemClock

    with open_node(tmp_path / "node", clock=Moved(SystemClock(), 8)) as found:
        for who, (amount, nonce) in bids.items():
            story.done(auction.show_bid(found, "place", who, Money(amount, "EUR"), nonce))
    with open_node(tmp_path / "node", clock=Moved(SystemClock(), 11)) as found:
        assert "institute pays 30.00 EUR" in auction.follow(found) and auction.follow(found) == ""
        standing.rounds(found)
        with found.store.read() as state:
            (agreement,) = state.list(Agreement)
            offer, row = state.get(Offer, agreement.offer), state.get(Auction, "place")
            owed = state.get(Account, f"party:{story.USER}", "EUR")
        assert agreement.consumer == story.USER and offer is not None and not offer.open
        assert row is not None and row.agreement == agreement.id and owed is not None and owed.balance == -3_000
        said = market.price_of(found, agreement.id, story.USER)
        assert said is not None and "2 sealed bids, 2 of them opened" in said.steps[0].said
        assert isinstance(story.ask(found, "SELECT COUNT(*) AS c FROM pay"), query.Answered)
        assert isinstance(trade.request_offer(found, agreement.offer, story.STRANGER), Refusal), "it was for one"


def test_an_auction_of_what_cannot_be_had_any_more_ends_without_a_winner(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.done(auction.open_auction(node, "place", story.ASSET, story.OPERATOR, TERMS, Money(0, "EUR"), 1, 1))
    sealed = commitment("place", story.USER, 500, "a1" * 32)
    story.done(auction.commit(node, "place", story.USER, sealed))
    with node.store.read() as state:
        row = state.get(Auction, "place")
        assert row is not None
    gone = rules._not_now("place", "the right was taken back", "")
    monkeypatch.setattr(rules, "due", lambda read, at: list(read.list(Auction, state="open")))
    monkeypatch.setattr(rules, "opened", lambda read, name: [(story.USER, 500, "a1" * 32)])
    monkeypatch.setattr(rules, "offer_of", lambda *args: gone)
    assert "nobody won: the right was taken back" in auction.follow(node)
    assert auction.follow(node) == ""
