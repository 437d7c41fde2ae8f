"""The HTTP API of the market: needs, rankings, previews, auctions, how a price came about."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.contract.auction import AuctionOpened, BidCommitted, BidOpened
from usufruct.core.contract.facts import Terms
from usufruct.core.market.formation import Formation
from usufruct.core.market.needs import Need, NeedStated, NeedWithdrawn, Wanted, years
from usufruct.core.market.previews import PreviewsSet
from usufruct.core.market.ranking import Ranked
from usufruct.core.rulebook.bases import CONSENT
from usufruct.node import auction, market, previewing
from usufruct.node.node import Node
from usufruct.web import messages
from usufruct.web.api import EITHER_SIDE, STEWARD, AnyRequest, done, replied
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Form, Id, Purpose, Text
from usufruct.wire import sql

NEGOTIATE = {"rule": ("negotiate",)}
ANYBODY = {"rule": ("ask", "negotiate", "steward")}


class NewNeed(Struct, forbid_unknown_fields=True):
    """What is looked for: columns or what they mean, a purpose, and the budget of the first year as `100.00 EUR`; `years` as
    `2021-2023`."""

    columns: Annotated[list[Text], Meta(min_length=1, max_length=50)]
    purpose: Purpose
    budget: Text
    form: Form = "aggregates"
    years: Annotated[str, Meta(max_length=9)] = ""
    persons: Annotated[int, Meta(ge=0)] = 0
    uses: Annotated[int, Meta(ge=1, le=10_000)] = 1
    until: Day | None = None


class NewSearch(Struct, forbid_unknown_fields=True):
    """As a need, without an end; with `asset` of that asset alone."""

    columns: Annotated[list[Text], Meta(min_length=1, max_length=50)]
    purpose: Purpose
    budget: Text
    form: Form = "aggregates"
    years: Annotated[str, Meta(max_length=9)] = ""
    persons: Annotated[int, Meta(ge=0)] = 0
    uses: Annotated[int, Meta(ge=1, le=10_000)] = 1
    asset: Annotated[str, Meta(max_length=63)] = ""


class NewPreview(Struct, forbid_unknown_fields=True):
    """For which purpose the data would be used."""

    purpose: Purpose


class PreviewsAllowed(Struct, forbid_unknown_fields=True):
    """Whether there are to be previews."""

    allowed: bool


class NewAuction(Struct, forbid_unknown_fields=True):
    """An auction of one agreement: `reserve` once, `price` a question besides; bids come in for `days`, and are opened for
    `open_days` then."""

    auction: Id
    asset: Id
    purposes: Annotated[list[Purpose], Meta(min_length=1, max_length=50)]
    reserve: Text
    price: Text = "0.00 EUR"
    form: Form = "aggregates"
    years: Annotated[int, Meta(ge=1, le=30)] = 1
    basis: Text = CONSENT
    days: Annotated[int, Meta(ge=1, le=366)] = 14
    open_days: Annotated[int, Meta(ge=1, le=366)] = 7


class SealedBid(Struct, forbid_unknown_fields=True):
    """The commitment to a bid: SHA-256 in hex; see `core.contract.auction.commitment`."""

    commitment: Text


class OpenedBid(Struct, forbid_unknown_fields=True):
    """What was bid, as `150.00 EUR`, and the secret number."""

    amount: Text
    nonce: Text


def need_of(node: Node, data: NewNeed | NewSearch) -> Need:
    """A need as it came in."""
    money = parse_money(data.budget, node.about.currency)
    return Need(
        tuple(data.columns), data.purpose, data.form, money.currency, money.minor, *years(data.years), data.persons, data.uses
    )  # fmt: skip


@post("/needs", opt=NEGOTIATE, sync_to_thread=True, summary="Say what you look for")
def state_need(request: AnyRequest, data: JSONBody[NewNeed]) -> NeedStated:
    """It stands until it is withdrawn; you are told once of each offer that could meet it."""
    node = node_of(request)
    until = parse_instant(data.until) if data.until else None
    return done(market.state_need(node, who_is(request).party, need_of(node, data), until))


@get("/needs", opt=NEGOTIATE, sync_to_thread=True, summary="Your needs and their matches")
def list_needs(request: AnyRequest) -> list[market.Sought]:
    """The newest first."""
    return market.sought(node_of(request), who_is(request).party)


@post("/needs/{need:str}/withdrawal", opt=NEGOTIATE, sync_to_thread=True, summary="Withdraw a need")
def withdraw_need(request: AnyRequest, need: FromPath[str]) -> NeedWithdrawn:
    """You are told of nothing more."""
    return done(market.withdraw_need(node_of(request), need, who_is(request).party))


@post("/market/search", opt=NEGOTIATE, sync_to_thread=True, status_code=200, summary="Rank what is offered for a need")
def search(request: AnyRequest, data: JSONBody[NewSearch]) -> dict[str, Any]:
    """What is offered with its score and its parts, and what stands in the way; nothing is noted."""
    node = node_of(request)
    found = market.search(node, who_is(request).party, need_of(node, data), data.asset)
    return {"ranked": [ranked(one) for one in found.ranked], "no": asdict(found.no) if found.no else None}


def ranked(one: Ranked) -> dict[str, Any]:
    """An offer as it is ranked."""
    return {
        "offer": one.supply.offer.id, "asset": one.supply.asset.id, "score": one.score, "price": market.in_words(one.supply),
        "parts": [part._asdict() for part in one.parts], "columns": dict(one.found),
        "obstacle": asdict(one.obstacle) if one.obstacle else None,
    }  # fmt: skip


@get("/market/demand", opt=ANYBODY, sync_to_thread=True, summary="What is looked for")
def demand(request: AnyRequest) -> list[Wanted]:
    """Counts of parties, by column and by purpose; nobody is named."""
    return list(market.demand(node_of(request)))


@get("/agreements/{agreement:str}/price", opt=ANYBODY, sync_to_thread=True, summary="How a price came about")
def price(request: AnyRequest, agreement: FromPath[str]) -> Formation:
    """Step by step, and what others agreed to; of an agreement that you are a side of."""
    who = who_is(request)
    found = market.price_of(node_of(request), agreement, None if "steward" in who.scopes else who.party)
    return done(found or market.no_agreement(agreement))


@post("/offers/{offer:str}/previews", opt={"rule": ("ask",)}, sync_to_thread=True, status_code=200,
      summary="A preview of an offer")  # fmt: skip
def preview(request: AnyRequest, offer: FromPath[str], data: JSONBody[NewPreview]) -> messages.AnswerBody:
    """What the data can tell for a purpose, in the noise, for nothing and within your allowance."""
    who = who_is(request)
    found = done(previewing.preview(
        node_of(request), offer, who.party, data.purpose, sql.parse, who.actors, who.signed
    ))  # fmt: skip
    return replied(found.worked_out)


@post(
    "/offers/{offer:str}/previews/setting",
    opt=STEWARD,
    sync_to_thread=True,
    summary="Let there be previews of an offer",
)
def allow_previews(request: AnyRequest, offer: FromPath[str], data: JSONBody[PreviewsAllowed]) -> PreviewsSet:
    """Or no more of them."""
    return done(previewing.allow(node_of(request), offer, who_is(request).party, data.allowed))


@get("/auctions", opt=EITHER_SIDE, sync_to_thread=True, summary="Auctions")
def list_auctions(request: AnyRequest) -> list[dict[str, Any]]:
    """All of them, as you see them: your own bid, and what was bid once it is over. Who won is told to both sides."""
    party = who_is(request).party
    return [auction_seen(one, party) for one in auction.listed(node_of(request), party)]


def auction_seen(one: auction.Shown, party: str) -> dict[str, Any]:
    """An auction as a party sees it."""
    row = one.auction
    sides = party in (row.provider, row.winner)
    return {
        "auction": row.id, "asset": row.asset, "terms": row.terms, "reserve": str(Money(row.reserve, row.terms.currency)),
        "closes": row.closes, "opens_until": row.opens_until, "bids": row.bids, "opened": row.opened, "state": row.state,
        "price": str(Money(row.price, row.terms.currency)) if row.winner else None, "won": bool(row.winner) and row.winner == party,
        "winner": row.winner if sides else "", "agreement": row.agreement if sides else "", "why": row.why,
        "you": None if one.mine is None else "bid" if one.mine.amount is None else "opened",
        "amounts": [str(Money(amount, row.terms.currency)) for amount in one.bids],
    }  # fmt: skip


@post("/auctions", opt=STEWARD, sync_to_thread=True, summary="Open an auction")
def open_auction(request: AnyRequest, data: JSONBody[NewAuction]) -> AuctionOpened:
    """In the operator's name."""
    reserve, use = parse_money(data.reserve), parse_money(data.price)
    terms = Terms(data.form, tuple(data.purposes), use.minor, use.currency, data.years, data.basis)
    return done(auction.open_auction(
        node_of(request), data.auction, data.asset, who_is(request).party, terms, reserve, data.days, data.open_days
    ))  # fmt: skip


@post("/auctions/{name:str}/bids", opt=NEGOTIATE, sync_to_thread=True, summary="Send a sealed bid")
def bid(request: AnyRequest, name: FromPath[str], data: JSONBody[SealedBid]) -> BidCommitted:
    """Nobody learns from it how much you bid."""
    return done(auction.commit(node_of(request), name, who_is(request).party, data.commitment))


@post("/auctions/{name:str}/bids/opening", opt=NEGOTIATE, sync_to_thread=True, summary="Open your bid")
def open_bid(request: AnyRequest, name: FromPath[str], data: JSONBody[OpenedBid]) -> BidOpened:
    """It must be what you committed to."""
    return done(auction.show_bid(node_of(request), name, who_is(request).party, parse_money(data.amount), data.nonce))


router = Router(
    "/api/v1",
    route_handlers=[
        state_need, list_needs, withdraw_need, search, demand, price, preview, allow_previews, list_auctions, open_auction, bid,
        open_bid,
    ],
)  # fmt: skip
