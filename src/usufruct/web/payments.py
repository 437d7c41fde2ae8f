"""The HTTP API of the ledger and of payments: limits, corrections, journals, payouts, and the bank's word on them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from litestar import MediaType, Response, Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.refusals import refuse
from usufruct.core.income.payout_facts import (
    PayoutApproved,
    PayoutEnded,
    PayoutInstructed,
    PayoutProposed,
    PayoutRefused,
)
from usufruct.core.income.payout_state import Payout
from usufruct.core.income.posting import CreditLimited, CurrencyExchanged, PaymentReceived, PostingCorrected
from usufruct.node import ledger, payout
from usufruct.node.payout import Reconciled
from usufruct.web.api import AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Id, Text
from usufruct.wire import camt, plaintext

STEWARD = {"rule": ("steward",)}
PAYEE = {"rule": ("member", "ask", "negotiate", "steward")}
Amount = Annotated[str, Meta(min_length=1, max_length=40, description="as 5.00 EUR")]
Short = Annotated[str, Meta(max_length=500)]


class NewLimit(Struct, forbid_unknown_fields=True):
    """What a party may owe at most; without one, no limit."""

    limit: Amount | None = None


class NewPaymentIn(Struct, forbid_unknown_fields=True):
    """What `party` paid, where no bank statement shows it."""

    party: Id
    amount: Amount
    reference: Short = ""


class NewExchange(Struct, forbid_unknown_fields=True):
    """What `party` gives of what it has becomes another currency at a `rate` that `source` published."""

    party: Id
    amount: Amount
    to: Annotated[str, Meta(min_length=3, max_length=3)]
    rate: Annotated[str, Meta(max_length=30)]
    source: Text


class NewCorrection(Struct, forbid_unknown_fields=True):
    """Which transfer is taken back, how much of it (all that is left unless said), and why."""

    seq: Annotated[int, Meta(ge=0)]
    n: Annotated[int, Meta(ge=0)]
    why: Text
    amount: Amount | None = None


class NewInstruction(Struct, forbid_unknown_fields=True):
    """What is to become of what you are owed: `bank` (paid to the account), `purse` (given to the members' fund), `keep`."""

    how: Literal["bank", "purse", "keep"]
    holder: Annotated[str, Meta(max_length=140)] = ""
    iban: Annotated[str, Meta(max_length=60)] = ""
    bic: Annotated[str, Meta(max_length=20)] = ""


class Reason(Struct, forbid_unknown_fields=True):
    """Why."""

    why: Text


class Explained(Struct, forbid_unknown_fields=True):
    """Whose money a line of a bank statement moved, and what it was."""

    party: Id
    reference: Short = ""


@post("/parties/{party:str}/limit", opt=STEWARD, sync_to_thread=True, summary="Say how much a party may owe")
def limit_credit(request: AnyRequest, party: FromPath[str], data: JSONBody[NewLimit]) -> CreditLimited:
    """`0.00 EUR` is paying beforehand. What is reserved for uses under way counts as owed."""
    node = node_of(request)
    limit = None if data.limit is None else parse_money(data.limit, node.about.currency)
    return done(ledger.limit_credit(node, party, limit, who_is(request).party))


@post("/ledger/payments-in", opt=STEWARD, sync_to_thread=True, summary="Record what a party paid")
def pay_in(request: AnyRequest, data: JSONBody[NewPaymentIn]) -> PaymentReceived:
    """Where no bank statement shows it."""
    return done(ledger.pay_in(
        node_of(request), data.party, parse_money(data.amount), data.reference, who_is(request).party
    ))  # fmt: skip


@post("/ledger/exchanges", opt=STEWARD, sync_to_thread=True, summary="Exchange a currency")
def exchange(request: AnyRequest, data: JSONBody[NewExchange]) -> CurrencyExchanged:
    """Two transfers through the account `exchange`; the rate and its source are kept."""
    given, by = parse_money(data.amount), who_is(request).party
    return done(ledger.exchange(node_of(request), data.party, given, data.to, data.rate, data.source, by))


@post("/ledger/corrections", opt=STEWARD, sync_to_thread=True, summary="Take a transfer back")
def correct(request: AnyRequest, data: JSONBody[NewCorrection]) -> PostingCorrected:
    """By a new transfer the other way, which names it."""
    taken = None if data.amount is None else parse_money(data.amount)
    return done(ledger.correct(node_of(request), data.seq, data.n, taken, data.why, who_is(request).party))


@get("/ledger/journal/{format:str}", opt=STEWARD, sync_to_thread=True, media_type=MediaType.TEXT,
     summary="The ledger as a journal of plain-text accounting")  # fmt: skip
def journal(request: AnyRequest, format: FromPath[str]) -> str:
    """`beancount` or `hledger`, with assertions of every balance."""
    if format not in plaintext.FORMATS:
        raise RefusedHere(refuse(
            "registry.unknown", "no journal was written", f"`{format[:40]}` is not known here",
            remedy=f"ask for {' or '.join(plaintext.FORMATS)}",
        ))  # fmt: skip
    node = node_of(request)
    found = ledger.look(node)
    return "".join(plaintext.FORMATS[format](found.transfers, found.accounts, node.about.name))


@get("/me/payments", opt=PAYEE, sync_to_thread=True, summary="What you are owed, and what was paid to you")
def my_payments(request: AnyRequest) -> dict[str, Any]:
    """With what you said of it; of the account only its country and last digits."""
    page = done(payout.payee_page(node_of(request), who_is(request).party))
    return {
        "owed": [str(money) for money in page.owed], "how": page.said.how if page.said else None, "account": page.veiled,
        "payments": [asdict(one) | {"amount": str(one.amount)} for one in page.payments],
    }  # fmt: skip


@post("/me/payments/instruction", opt=PAYEE, sync_to_thread=True, summary="Say where you are to be paid")
def instruct(request: AnyRequest, data: JSONBody[NewInstruction]) -> dict[str, str]:
    """It holds until you say otherwise. The account is sealed with your key."""
    fact = done(payout.instruct(node_of(request), who_is(request).party, data.how, data.holder, data.iban, data.bic))
    return {"how": fact.how}


@post("/parties/{party:str}/payment-instruction", opt=STEWARD, sync_to_thread=True,
      summary="Say for a party where it is to be paid")  # fmt: skip
def instruct_for(request: AnyRequest, party: FromPath[str], data: JSONBody[NewInstruction]) -> PayoutInstructed:
    """The fact says that you did."""
    by = who_is(request).party
    return done(payout.instruct(node_of(request), party, data.how, data.holder, data.iban, data.bic, by))


@post("/payouts", opt=STEWARD, sync_to_thread=True, summary="Propose a payout")
def propose(request: AnyRequest) -> PayoutProposed:
    """Of everything that is owed, and that somebody said where to pay. Nothing is paid yet."""
    return done(payout.propose(node_of(request)))


@get("/payouts", opt=STEWARD, sync_to_thread=True, summary="All payouts")
def list_payouts(request: AnyRequest) -> list[Payout]:
    """Oldest first, each with where it stands."""
    with node_of(request).store.read() as state:
        return list(state.list(Payout))


@post("/payouts/{name:str}/refusal", opt=STEWARD, sync_to_thread=True, summary="Refuse a payout")
def refuse_payout(request: AnyRequest, name: FromPath[str], data: JSONBody[Reason]) -> PayoutRefused:
    """One that was proposed."""
    return done(payout.refuse_payout(node_of(request), name, data.why, who_is(request).party))


@post("/payouts/{name:str}/approval", opt=STEWARD, sync_to_thread=True, summary="Approve a payout")
def approve(request: AnyRequest, name: FromPath[str]) -> PayoutApproved:
    """What it takes is reserved; the follower `payouts` writes the order to the bank."""
    who = who_is(request)
    return done(payout.approve(node_of(request), name, who.party, who.actors))


@post("/payouts/{name:str}/end", opt=STEWARD, sync_to_thread=True, summary="End a payout")
def end(request: AnyRequest, name: FromPath[str], data: JSONBody[Reason]) -> PayoutEnded:
    """What the bank did not book is owed again. Be sure that it will not."""
    return done(payout.end(node_of(request), name, data.why, who_is(request).party))


@get("/payouts/{name:str}/order", opt=STEWARD, sync_to_thread=True, summary="The order to the bank")
def order(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """ISO 20022 pain.001.001.09. It is deleted once the bank has had its word on every payment."""
    node = node_of(request)
    with node.store.read() as state:
        found = state.get(Payout, name)
    path = node.payer.order(found.id) if found else None
    if path is None:
        raise RefusedHere(refuse(
            "registry.unknown", "no order was given", f"there is none of `{name[:63]}` now",
            remedy="wait a moment after the approval; once everything is settled it is deleted",
        ))  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="{path.name}"'}
    return Response(path.read_bytes(), media_type="application/xml", headers=headers)


@post("/bank/statements", opt=STEWARD, request_max_body_size=camt.SIZE_MAX,
      summary="Read a bank statement in")  # fmt: skip
async def read_statement(request: AnyRequest) -> dict[str, Any]:
    """The body is the file as the bank gives it: camt.053 or pain.002. The same one twice changes nothing."""
    found = await read_in(request, await request.body())
    fact = found.fact
    return {
        "new": fact is not None, "statement": fact.statement if fact else "", "lines": fact.lines if fact else (),
        "gap": None if found.gap is None else str(Money(found.gap, node_of(request).about.currency)),
    }  # fmt: skip


async def read_in(request: AnyRequest, content: bytes) -> Reconciled:
    """What a statement that was sent brought."""
    node, by = node_of(request), who_is(request).party

    def read() -> Reconciled:
        return done(payout.read_statement(node, camt.read(content), hashlib.sha256(content).hexdigest(), by))

    return await run_sync(read)


@get("/bank/unmatched", opt=STEWARD, sync_to_thread=True, summary="Lines that nobody has explained")
def unmatched(request: AnyRequest) -> list[dict[str, Any]]:
    """Money that the bank moved, and that is no payment of ours."""
    page = payout.payments_page(node_of(request))
    return [
        {"line": one.id, "day": one.line.day, "amount": str(Money(one.line.amount, one.currency)),
         "reference": one.line.reference, "end_to_end": one.line.end_to_end}
        for one in page.unmatched
    ]  # fmt: skip


@post("/bank/unmatched/{line:str}/explanation", opt=STEWARD, sync_to_thread=True, summary="Explain a line")
def explain(request: AnyRequest, line: FromPath[str], data: JSONBody[Explained]) -> PaymentReceived:
    """Whose money it moved; that party's account is posted to."""
    return done(ledger.explain_line(node_of(request), line, data.party, data.reference, who_is(request).party))


router = Router(
    "/api/v1",
    route_handlers=[
        limit_credit, pay_in, exchange, correct, journal, my_payments, instruct, instruct_for, propose, list_payouts,
        refuse_payout, approve, end, order, read_statement, unmatched, explain,
    ],
)  # fmt: skip
