"""Pages of the market: what a data user needs and what could meet it, with reasons; previews; invoices and disputes; how a
price came about; and what a steward sees of demand."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.income.disputes import OPEN
from usufruct.core.income.invoices import Invoice, unknown
from usufruct.core.market.needs import Need, years
from usufruct.core.rulebook.grades import FORMS
from usufruct.node import auction, invoicing, market, previewing
from usufruct.node.query import Refused
from usufruct.web.api import RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.invoicing import document_of
from usufruct.web.market import auction_seen
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page, purpose_choices
from usufruct.wire import invoice as document
from usufruct.wire import sql

NEGOTIATE = {"rule": ("negotiate",)}
STEWARD = {"rule": ("steward",)}
SIDES = {"rule": ("negotiate", "steward")}
LISTED = 50
TYPES = {"text": "text/plain", "html": "text/html", "json": "application/json"}


@get("/market", opt=NEGOTIATE, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, noted: FromQuery[str] = "") -> Page:
    """The form for a need, the needs that stand with their matches, auctions; `noted` is the need that the form stated."""
    return _market(request, None, dict.fromkeys(_FIELDS, ""), noted)


@post("/market/search", opt=NEGOTIATE, include_in_schema=False, status_code=200, sync_to_thread=True)
def search(request: AnyRequest, data: Form) -> Page:
    """The ranking for what the form holds; nothing is noted."""
    found = market.search(node_of(request), who_is(request).party, _need(request, data))
    return _market(request, found, _typed(data), "")


@post("/market/needs", opt=NEGOTIATE, include_in_schema=False, sync_to_thread=True)
def state(request: AnyRequest, data: Form) -> Response[Any]:
    """Notes a need."""
    fact = done(market.state_need(node_of(request), who_is(request).party, _need(request, data)))
    return back_to("/market", noted=fact.need)


@post("/market/needs/{need:str}/withdrawal", opt=NEGOTIATE, include_in_schema=False, sync_to_thread=True)
def withdraw(request: AnyRequest, need: FromPath[str]) -> Response[Any]:
    """Looks for it no longer."""
    done(market.withdraw_need(node_of(request), need, who_is(request).party))
    return back_to("/market")


_FIELDS = ("columns", "purpose", "budget", "form", "years", "persons", "uses")


def _typed(data: Form) -> dict[str, str]:
    return {name: field(data, name) for name in _FIELDS}


def _need(request: AnyRequest, data: Form) -> Need:
    typed, currency = _typed(data), node_of(request).about.currency
    money = parse_money(f"{typed['budget']} {currency}", currency)
    words = tuple(word.strip() for word in typed["columns"].split(",") if word.strip())
    first, last = years(typed["years"])
    return Need(
        words, typed["purpose"], typed["form"], currency, money.minor, first, last, _count(typed["persons"], 0),
        _count(typed["uses"], 1),
    )  # fmt: skip


def _count(text: str, otherwise: int) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise BadInput("input.form", f"`{text}` is not a whole number", "leave it empty, or write a number")
    return int(text) if text else otherwise


def _market(request: AnyRequest, found: market.Found | None, typed: dict[str, str], noted: str) -> Page:
    node, party = node_of(request), who_is(request).party
    sought = market.sought(node, party)
    return page(
        request, "market.html", "Market", found=found, typed=typed, choices=purpose_choices(), all_forms=FORMS,
        sought=sought[:LISTED], noted=any(one.need.id == noted for one in sought) and noted, currency=node.about.currency,
        price=market.in_words, auctions=[auction_seen(one, party) for one in auction.listed(node, party)][:LISTED],
    )  # fmt: skip


@post("/market/previews", opt={"rule": ("ask",)}, include_in_schema=False, status_code=200, sync_to_thread=True)
def preview(request: AnyRequest, data: Form) -> Page:
    """A preview of an offer, on a page of its own; asked again it is the same, and charged to nobody."""
    who = who_is(request)
    offer, purpose = field(data, "offer", 63), field(data, "purpose", 100)
    found = done(previewing.preview(node_of(request), offer, who.party, purpose, sql.parse, who.actors, who.signed))
    if isinstance(found.worked_out, Refused):
        raise RefusedHere(found.worked_out.refusal, found.worked_out.use)
    return page(
        request, "market-preview.html", f"Preview of {offer}", preview=found, purpose=purpose,
        figures=previewing.figures(found.worked_out.answer), answered=found.worked_out,
    )  # fmt: skip


@get("/invoices", opt=NEGOTIATE, include_in_schema=False, sync_to_thread=True)
def invoices(request: AnyRequest, raised: FromQuery[str] = "") -> Page:
    """A data user's invoices, credit notes and disputes."""
    return _books(request, "invoices.html", "Your invoices", raised)


@get("/steward/invoices", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def steward_invoices(request: AnyRequest, raised: FromQuery[str] = "") -> Page:
    """What is not invoiced yet, the invoices, the disputes that wait, and what is wanted."""
    node, party = node_of(request), who_is(request).party
    waiting = [(who, lines, str(Money(sum(line.amount for line in lines), node.about.currency)))
               for who, lines in invoicing.waiting(node, party)]  # fmt: skip
    return _books(
        request, "steward-invoices.html", "Invoices and demand", raised, waiting=waiting, demand=market.demand(node)
    )


def _books(request: AnyRequest, template: str, title: str, raised: str, **shown: Any) -> Page:
    books = invoicing.books(node_of(request), who_is(request).party)
    held = [one for one in books.disputes if one.state == OPEN]
    return page(
        request, template, title, books=books, open_disputes=held, raised=raised,
        party=who_is(request).party, invoices=books.invoices[:LISTED],
        notes=books.notes[:LISTED], disputes=books.disputes[:LISTED], **shown,
    )  # fmt: skip


@get("/invoices/{invoice:str}", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def invoice(request: AnyRequest, invoice: FromPath[str]) -> Page:
    """An invoice with its lines, its credit notes and disputes, and the way to dispute it."""
    party = who_is(request).party
    found = invoicing.show(node_of(request), invoice, party)
    if found is None:
        raise RefusedHere(unknown("invoice", invoice))
    mine = found.invoice.payer == party
    return page(
        request, "invoice.html", f"Invoice {found.invoice.number}", shown=found, mine=mine,
        left=str(Money(found.left, found.invoice.currency)), rate=_rate(found.invoice),
    )  # fmt: skip


def _rate(row: Invoice) -> str:
    return f"{row.rate / 100:g} %"


@get("/invoices/{invoice:str}/{form:str}", opt=SIDES, include_in_schema=False, sync_to_thread=True)
def download(request: AnyRequest, invoice: FromPath[str], form: FromPath[str]) -> Response[str]:
    """An invoice as a file: `text`, `html` or `json`."""
    found = document_of(request, invoice)
    if form not in document.FORMS:
        raise RefusedHere(unknown("form of invoice", form))
    name = f"{found.invoice.id}.{'txt' if form == 'text' else form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(document.FORMS[form](found), media_type=f"{TYPES[form]}; charset=utf-8", headers=headers)


@post("/invoices/{invoice:str}/disputes", opt=NEGOTIATE, include_in_schema=False, sync_to_thread=True)
def dispute(request: AnyRequest, invoice: FromPath[str], data: Form) -> Response[Any]:
    """Disputes a line of an invoice, or all of it."""
    line = field(data, "line", 63)
    fact = done(invoicing.dispute(
        node_of(request), invoice, who_is(request).party, field(data, "reason", 2000), (line,) if line else ()
    ))  # fmt: skip
    return back_to("/invoices", raised=fact.dispute)


@post("/steward/invoices", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def issue(request: AnyRequest, data: Form) -> Response[Any]:
    """Issues an invoice over all that is not invoiced yet."""
    tax = field(data, "tax", 5)
    fact = done(invoicing.issue(
        node_of(request), who_is(request).party, field(data, "payer", 63), field(data, "period", 63),
        _count(tax, 0) if tax else None, field(data, "reverse", 3) == "yes",
    ))  # fmt: skip
    return back_to(f"/invoices/{fact.invoice}")


@post("/steward/disputes/{name:str}", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def settle(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """Decides a dispute."""
    word, who, earned = field(data, "word", 10), who_is(request), field(data, "earned", 30)
    if word not in ("uphold", "reject"):
        raise BadInput("input.form", "the form does not say what you decide", "choose one of its buttons")
    money = parse_money(f"{earned} {node_of(request).about.currency}") if earned else None
    done(invoicing.settle(
        node_of(request), name, who.party, word == "uphold", field(data, "reason", 2000), money, who.actors
    ))  # fmt: skip
    return back_to("/steward/invoices")


@get("/agreements/{agreement:str}/price", opt={"rule": ("ask", "negotiate", "steward")}, include_in_schema=False,
     sync_to_thread=True)  # fmt: skip
def price(request: AnyRequest, agreement: FromPath[str]) -> Page:
    """How the price of an agreement came about, and what others agreed to."""
    who = who_is(request)
    found = market.price_of(node_of(request), agreement, None if "steward" in who.scopes else who.party)
    return page(
        request, "price.html", f"The price of {agreement[:63]}", formation=done(found or market.no_agreement(agreement))
    )


handlers = [
    show, search, state, withdraw, preview, invoices, steward_invoices, invoice, download, dispute, issue, settle, price,
]  # fmt: skip
