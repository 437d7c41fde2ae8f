"""Pages of payments: the steward's, with balances, payouts and what the bank says; and everybody's own, with where to be paid."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, FromQuery

from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.node import ledger, payout
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.payments import PAYEE, STEWARD, read_in
from usufruct.web.portal import pages
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page
from usufruct.wire import camt

LISTED = 20
FOUND = {
    "given": "given to the members' fund", "waiting": "on its way", "paid": "paid", "returned": "came back; owed again",
    "rejected": "not made; owed again", "left out": "not made; owed again", "ended": "not made; owed again",
}  # fmt: skip


@get("/steward/payments", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def overview(request: AnyRequest, became: FromQuery[str] = "") -> Page:
    """Balances, payouts, and lines that nobody has explained; `became` says what the last form did."""
    node = node_of(request)
    shown, found = payout.payments_page(node), ledger.look(node)
    return page(
        request, "payments.html", "Payments", shown=shown, accounts=found.accounts, became=became,
        payouts=pages.part(shown.payouts, 1, LISTED), unmatched=pages.part(shown.unmatched, 1, LISTED),
        total=lambda one: Money(sum(source.paid for source in one.proposed.sources), one.proposed.currency),
    )  # fmt: skip


@post("/steward/payments", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def propose(request: AnyRequest) -> Response[Any]:
    """Works out a payout; nothing is paid."""
    done(payout.propose(node_of(request)))
    return back_to("/steward/payments", became="proposed")


@post("/steward/payments/{name:str}/approval", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def approve(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """Has it paid."""
    who = who_is(request)
    done(payout.approve(node_of(request), name, who.party, who.actors))
    return back_to("/steward/payments", became="approved")


@post("/steward/payments/{name:str}/refusal", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def refuse(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """Says no to it."""
    done(payout.refuse_payout(node_of(request), name, field(data, "why"), who_is(request).party))
    return back_to("/steward/payments", became="refused")


@post("/steward/statements", opt=STEWARD, include_in_schema=False, request_max_body_size=camt.SIZE_MAX)
async def reconcile(request: AnyRequest) -> Response[Any]:
    """Reads a bank statement in."""
    fields = (await request.form()).multi_items()
    sent = [part for name, part in fields if name == "statement" and isinstance(part, UploadFile) and part.filename]
    if len(sent) != 1:
        raise BadInput("input.form", "the form has no statement", "choose the file that the bank gave")
    found = await read_in(request, await sent[0].read())
    return back_to("/steward/payments", became="read" if found.fact else "known")


@post("/steward/statements/{line:str}", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def explain(request: AnyRequest, line: FromPath[str], data: Form) -> Response[Any]:
    """Says whose money a line moved."""
    party, reference, by = field(data, "party", 63), field(data, "reference"), who_is(request).party
    done(ledger.explain_line(node_of(request), line, party, reference, by))
    return back_to("/steward/payments", became="explained")


@get("/payments", opt=PAYEE, include_in_schema=False, sync_to_thread=True)
def mine(request: AnyRequest, became: FromQuery[str] = "") -> Page:
    """What somebody is owed, where it is to be paid, and what was."""
    shown = done(payout.payee_page(node_of(request), who_is(request).party))
    return page(request, "payee.html", "Your payments", shown=shown, found=FOUND, became=became)


@post("/payments", opt=PAYEE, include_in_schema=False, sync_to_thread=True)
def instruct(request: AnyRequest, data: Form) -> Response[Any]:
    """Says where to be paid, or that it is given away, or stays."""
    how = field(data, "how", 10)
    if how not in ("bank", "purse", "keep"):
        raise BadInput("input.form", "the form does not say what is to become of it", "choose one of the three")
    given = (field(data, "holder", 140), field(data, "iban", 60), field(data, "bic", 20)) if how == "bank" else ()
    done(payout.instruct(node_of(request), who_is(request).party, how, *given))
    return back_to("/payments", became=how)


handlers = [overview, propose, approve, refuse, reconcile, explain, mine, instruct]
