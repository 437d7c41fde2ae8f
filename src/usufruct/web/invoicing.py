"""The HTTP API of invoices, credit notes, refunds, disputes and reports of earnings."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.access.pricing import EarningsReported
from usufruct.core.base.money import parse as parse_money
from usufruct.core.income.disputes import Dispute, DisputeRaised, DisputeSettled
from usufruct.core.income.invoices import CreditNoteIssued, Invoice, InvoiceIssued, RefundMade, unknown
from usufruct.node import invoicing
from usufruct.web.api import EITHER_SIDE, STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Id, Text
from usufruct.wire import invoice as document

NEGOTIATE = {"rule": ("negotiate",)}
Reason = Annotated[str, Meta(min_length=1, max_length=2000)]


class NewInvoice(Struct, forbid_unknown_fields=True):
    """To whom, and what to call the time it is for; `tax` in basis points (missing: the rulebook's)."""

    payer: Id
    period: Id
    tax: Annotated[int, Meta(ge=0, le=5000)] | None = None
    reverse_charge: bool = False


class NewCredit(Struct, forbid_unknown_fields=True):
    """How much of each line, as `{"use-17": "5.00 EUR"}`, and why."""

    lines: dict[str, str]
    reason: Reason


class NewRefund(Struct, forbid_unknown_fields=True):
    """By which way it was paid back; `amount` missing means all that is left."""

    how: Text
    amount: Text | None = None


class NewDispute(Struct, forbid_unknown_fields=True):
    """What is disputed (an invoice, or a report of earnings), in which lines (missing: all), and why."""

    about: Id
    reason: Reason
    lines: Annotated[list[Id], Meta(max_length=1000)] = []


class NewDecision(Struct, forbid_unknown_fields=True):
    """What was decided, and why; `earned` is what a report should have said."""

    upheld: bool
    reason: Reason
    earned: Text | None = None


class NewEarnings(Struct, forbid_unknown_fields=True):
    """What was earned in a period, as `1000.00 EUR`."""

    period: Id
    earned: Text


@get("/invoices", opt=EITHER_SIDE, sync_to_thread=True, summary="Your invoices")
def list_invoices(request: AnyRequest) -> list[Invoice]:
    """Those you issued or are to pay, the newest first."""
    return list(invoicing.books(node_of(request), who_is(request).party).invoices)


@post("/invoices", opt=STEWARD, sync_to_thread=True, summary="Issue an invoice")
def issue(request: AnyRequest, data: JSONBody[NewInvoice]) -> InvoiceIssued:
    """Over all that a payer owes you and that is on none yet."""
    return done(invoicing.issue(
        node_of(request), who_is(request).party, data.payer, data.period, data.tax, data.reverse_charge
    ))  # fmt: skip


@get("/invoices/{invoice:str}", opt=EITHER_SIDE, sync_to_thread=True, summary="An invoice for programs")
def show(request: AnyRequest, invoice: FromPath[str]) -> dict[str, Any]:
    """With the numbers of EN 16931, and its credit notes."""
    return document.machine(document_of(request, invoice))


def document_of(request: AnyRequest, name: str) -> document.Document:
    """An invoice that the caller is on a side of."""
    found = invoicing.show(node_of(request), name, who_is(request).party)
    if found is None:
        raise RefusedHere(unknown("invoice", name))
    return document.Document(found.invoice, found.issuer.name, found.payer.name, found.notes)


@post("/invoices/{invoice:str}/credit", opt=STEWARD, sync_to_thread=True, summary="Put an invoice right")
def credit(request: AnyRequest, invoice: FromPath[str], data: JSONBody[NewCredit]) -> CreditNoteIssued:
    """By a credit note over parts of its lines."""
    parts = {ref: parse_money(amount) for ref, amount in data.lines.items()}
    return done(invoicing.credit(node_of(request), invoice, who_is(request).party, parts, data.reason))


@post("/credit-notes/{note:str}/refunds", opt=STEWARD, sync_to_thread=True, summary="Say that money was paid back")
def refund(request: AnyRequest, note: FromPath[str], data: JSONBody[NewRefund]) -> RefundMade:
    """Posted to the ledger; paying it is outside the node."""
    amount = parse_money(data.amount) if data.amount else None
    return done(invoicing.refund(node_of(request), note, who_is(request).party, data.how, amount))


@get("/disputes", opt=EITHER_SIDE, sync_to_thread=True, summary="Your disputes")
def list_disputes(request: AnyRequest) -> list[Dispute]:
    """Those you raised, or have to decide."""
    return list(invoicing.books(node_of(request), who_is(request).party).disputes)


@post("/disputes", opt=EITHER_SIDE, sync_to_thread=True, summary="Dispute what is owed")
def dispute(request: AnyRequest, data: JSONBody[NewDispute]) -> DisputeRaised:
    """It is not divided until a person has decided."""
    return done(invoicing.dispute(
        node_of(request), data.about, who_is(request).party, data.reason, tuple(data.lines)
    ))  # fmt: skip


@post("/disputes/{name:str}/decision", opt=STEWARD, sync_to_thread=True, summary="Decide a dispute")
def settle(request: AnyRequest, name: FromPath[str], data: JSONBody[NewDecision]) -> DisputeSettled:
    """As a person; what is upheld is put right at once."""
    who = who_is(request)
    earned = parse_money(data.earned) if data.earned else None
    return done(invoicing.settle(node_of(request), name, who.party, data.upheld, data.reason, earned, who.actors))


@post("/agreements/{agreement:str}/earnings", opt=NEGOTIATE, sync_to_thread=True, summary="Report what you earned")
def report(request: AnyRequest, agreement: FromPath[str], data: JSONBody[NewEarnings]) -> EarningsReported:
    """Your share of it is owed at once."""
    return done(invoicing.report_earnings(
        node_of(request), agreement, who_is(request).party, data.period, parse_money(data.earned)
    ))  # fmt: skip


router = Router(
    "/api/v1",
    route_handlers=[
        list_invoices, issue, show, credit, refund, list_disputes, dispute, settle, report,
    ],
)  # fmt: skip
