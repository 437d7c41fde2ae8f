"""The HTTP API: bytes to types, one use case, types to bytes. Nothing is decided here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from litestar import MediaType, Request, Router, delete, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, JSONBody

from usufruct.core.access import pricing
from usufruct.core.access.facts import ConsentsRecorded
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.facts import AgreementEnded, OfferPublished, OfferWithdrawn, Terms
from usufruct.core.contract.odrl import only_templates
from usufruct.core.contract.state import Agreement, Negotiation
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned
from usufruct.core.income.ledger import Account, Transfer
from usufruct.core.income.state import Period
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.state import Use
from usufruct.core.registry.assurance import PartyVerified
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.registry.state import Party
from usufruct.core.rulebook import purposes
from usufruct.core.work.state import JobAgreement
from usufruct.node import (
    asking,
    delegation,
    deliver,
    epoch,
    lines,
    login,
    period,
    query,
    register,
    rows,
    trade,
    views,
    witness,
    work,
)
from usufruct.web import messages
from usufruct.web.auth import node_of, who_is
from usufruct.wire import dcat, odrl, sql

T = TypeVar("T")

UPLOAD_LIMIT = 512 * 1024 * 1024


class RefusedHere(Exception):
    """Carries a refusal to the handler that answers with it."""

    def __init__(self, refusal: Refusal, use: str = "", receipt: str = "") -> None:
        super().__init__(str(refusal))
        self.body = messages.RefusalBody(
            refusal.code, refusal.message, list(refusal.reasons), refusal.remedy, use, receipt
        )


def done(result: T | Refusal) -> T:
    """What was done; a refusal becomes the answer."""
    if isinstance(result, Refusal):
        raise RefusedHere(result)
    return result


AnyRequest = Request[Any, Any, Any]
STEWARD = {"rule": ("steward",)}
EITHER_SIDE = {"rule": ("negotiate", "steward")}


@get("/node", opt={"rule": "public"}, sync_to_thread=True, summary="What this node is")
def about(request: AnyRequest) -> dict[str, Any]:
    """Name, operator, journal size and newest checkpoint."""
    page = views.public_page(node_of(request))
    return {
        "name": page.name, "operator": page.operator, "origin": page.origin, "facts": page.facts, "answered": page.uses,
        "refused": page.refusals, "checkpoint": page.checkpoint,
    }  # fmt: skip


@get("/catalogue", opt={"rule": "public"}, sync_to_thread=True, summary="What is offered, as DCAT 3")
def catalogue(request: AnyRequest) -> dict[str, Any]:
    """A DCAT catalogue in JSON-LD."""
    node = node_of(request)
    page = views.public_page(node)
    opened = {item.asset.id: item for item in deliver.listed(node)}
    offered = [(item.asset, item.publisher, item.offers) for item in page.listed]
    free = [
        (item.asset, item.publisher, ()) for item in opened.values() if item.asset.id not in {a.id for a, *_ in offered}
    ]
    return dcat.catalogue(
        node.about.url,
        page.name,
        page.operator,
        [*offered, *free],
        {id: i.opening.attribution for id, i in opened.items()},
    )


@get("/purposes", opt={"rule": "public"}, sync_to_thread=False, summary="The purpose tree")
def purpose_tree() -> dict[str, str]:
    """Every purpose and what it means."""
    return {purpose: purposes.label(purpose) for purpose in purposes.descendants(purposes.ROOT)}


@get(
    "/checkpoint",
    opt={"rule": "public"},
    sync_to_thread=True,
    media_type=MediaType.TEXT,
    summary="The signed checkpoint",
)
def checkpoint(request: AnyRequest) -> str:
    """The newest checkpoint of the journal, a C2SP signed note, with witnesses' lines once enough have signed it."""
    node = node_of(request)
    with node.store.read() as state:
        return witness.checkpoint(node, state) or ""


@post("/parties", opt=STEWARD, sync_to_thread=True, summary="Register a party")
def add_party(request: AnyRequest, data: JSONBody[messages.NewParty]) -> PartyRegistered:
    """Somebody new."""
    return done(register.add_party(node_of(request), data.party, data.kind, data.name, data.principal, data.evidence))


@post("/parties/{party:str}/verification", opt=STEWARD, sync_to_thread=True, summary="Say that you know who a party is")
def verify_party(request: AnyRequest, party: FromPath[str], data: JSONBody[messages.NewVerification]) -> PartyVerified:
    """What was found out and how; sensitive data are answered to nobody else."""
    return done(
        register.verify_party(node_of(request), party, data.evidence, parse_instant(data.until) if data.until else None)
    )


@post("/parties/{party:str}/verification/end", opt=STEWARD, sync_to_thread=True, summary="Take that back")
def unverify_party(
    request: AnyRequest, party: FromPath[str], data: JSONBody[messages.EndedVerification]
) -> PartyVerified:
    """It counts from the next decision on."""
    return done(register.unverify_party(node_of(request), party, data.evidence))


@get("/parties", opt=STEWARD, sync_to_thread=True, summary="All parties")
def list_parties(request: AnyRequest) -> list[Party]:
    """Everybody the node knows."""
    with node_of(request).store.read() as state:
        return list(state.list(Party))


@post("/assets/{asset:str}/consents", opt=STEWARD, sync_to_thread=True, summary="Take over collected consents")
def record_consents(
    request: AnyRequest, asset: FromPath[str], data: JSONBody[messages.CollectedConsents]
) -> ConsentsRecorded:
    """Consents that the holder collected before the asset came to the node."""
    return done(register.record_consents(node_of(request), asset, data.purpose, data.members, data.evidence))


@post("/offers", opt=STEWARD, sync_to_thread=True, summary="Publish an offer")
def publish_offer(request: AnyRequest, data: JSONBody[messages.NewOffer]) -> OfferPublished:
    """Publishes an offer in the operator's name."""
    price, schedule = pricing.read(data.price, data.years)
    rules = odrl.read(data.odrl) if data.odrl else None
    rules = only_templates(data.offer, rules) if data.templates_only else rules
    terms = Terms(
        data.form, tuple(data.purposes), price.minor, price.currency, data.years, data.basis, data.ask_first, rules
    )
    until = parse_instant(data.until) if data.until else None
    return done(trade.publish_offer(
        node_of(request), data.offer, data.asset, who_is(request).party, terms, until, data.standing, schedule
    ))  # fmt: skip


@post("/offers/{offer:str}/withdrawal", opt=STEWARD, sync_to_thread=True, summary="Withdraw an offer")
def withdraw_offer(request: AnyRequest, offer: FromPath[str]) -> OfferWithdrawn:
    """Takes an offer back; agreements on it stay."""
    return done(trade.withdraw_offer(node_of(request), offer, who_is(request).party))


@post("/offers/{offer:str}/requests", opt={"rule": ("negotiate",)}, sync_to_thread=True, summary="Request an offer")
def request_offer(request: AnyRequest, offer: FromPath[str]) -> trade.Moved:
    """Opens a negotiation on an offer as it stands."""
    who = who_is(request)
    return done(trade.request_offer(node_of(request), offer, who.party, who.actors))


@get("/negotiations", opt=EITHER_SIDE, sync_to_thread=True, summary="Your negotiations")
def list_negotiations(request: AnyRequest) -> list[Negotiation]:
    """The negotiations you are a side of."""
    party = who_is(request).party
    with node_of(request).store.read() as state:
        return [*state.list(Negotiation, consumer=party), *state.list(Negotiation, provider=party)]


@post("/negotiations/{negotiation:str}/messages", opt=EITHER_SIDE, sync_to_thread=True,
      summary="Move a negotiation")  # fmt: skip
def move_negotiation(request: AnyRequest, negotiation: FromPath[str], data: JSONBody[messages.Message]) -> trade.Moved:
    """Sends a message; see the negotiation table in the docs."""
    who = who_is(request)
    return done(trade.move(node_of(request), negotiation, data.message, who.party, who.actors))


@get("/agreements", opt={"rule": ("ask", "negotiate", "steward")}, sync_to_thread=True, summary="Your agreements")
def list_agreements(request: AnyRequest) -> list[Agreement | JobAgreement]:
    """The agreements you are a side of: on data, and on jobs."""
    party = who_is(request).party
    with node_of(request).store.read() as state:
        on_data = [*state.list(Agreement, consumer=party), *state.list(Agreement, provider=party)]
        return [*on_data, *work.agreements_in(state, party)]


@post(
    "/agreements/{agreement:str}/end",
    opt=EITHER_SIDE,
    sync_to_thread=True,
    summary="End an agreement",
)
def end_agreement(request: AnyRequest, agreement: FromPath[str]) -> AgreementEnded:
    """Either side may; it counts from the next decision on."""
    who = who_is(request)
    return done(trade.end_agreement(node_of(request), agreement, who.party, who.actors))


@post("/queries", opt={"rule": ("ask",)}, sync_to_thread=True, status_code=200, summary="Ask a question")
def ask(request: AnyRequest, data: JSONBody[messages.NewQuestion]) -> messages.AnswerBody:
    """Answers a question in SQL for a purpose, or refuses it with reasons; either way with a receipt. Rows are answered as
    they are or masked, whichever is the widest form that may leave."""
    return replied(rows.ask(node_of(request), asked_of(request, data)))


def replied(result: query.Answered[Answer] | query.Refused) -> messages.AnswerBody:
    """An answer as it is sent.

    Raises:
        RefusedHere: there is none.
    """
    if isinstance(result, query.Refused):
        raise RefusedHere(result.refusal, result.use, result.receipt.text())
    return messages.AnswerBody(
        result.use, result.meaning, result.purpose, result.agreement, list(result.answer.columns),
        [list(row) for row in result.answer.rows], list(result.answer.measures), list(result.answer.notes),
        str(result.price), result.charge, result.budget_left, result.budget_total, result.receipt.text(),
        result.answer.nano_delta, list(result.answer.spread), result.repeated, result.form,
        list(result.levies),
    )  # fmt: skip


@post(
    "/queries/preview",
    opt={"rule": ("ask",)},
    sync_to_thread=True,
    status_code=200,
    summary="What a question would cost",
)
def preview(request: AnyRequest, data: JSONBody[messages.NewQuestion]) -> messages.PreviewBody:
    """What a question would cost and how exact its answer would be. Nothing is charged, and no data are looked at."""
    found = done(asking.preview(node_of(request), asked_of(request, data)))
    return messages.PreviewBody(
        found.meaning, found.charge, found.nano_delta, found.budget_left, found.budget_total, str(found.price),
        list(found.margins), list(found.notes), found.milliseconds, list(found.levies),
    )  # fmt: skip


def asked_of(request: AnyRequest, data: messages.NewQuestion) -> asking.Asked:
    """A question as it came in."""
    who = who_is(request)
    return asking.Asked(
        who.party, data.sql, sql.parse(data.sql), data.purpose, data.micro_rho, data.hold, data.hold_days, who.actors,
        who.signed, data.groups_per_person, data.rows_per_group, data.anew,
    )  # fmt: skip


@get("/uses", opt={"rule": ("ask",)}, sync_to_thread=True, summary="Your questions")
def list_uses(request: AnyRequest) -> list[Use]:
    """The questions you asked, or your agents for you, and what became of them; to a machine those it asked."""
    with node_of(request).store.read() as state:
        return delegation.seen_by(state, who_is(request))


@get("/receipts/{seq:int}", opt={"rule": "anyone"}, sync_to_thread=True, media_type=MediaType.TEXT, summary="A receipt")
def receipt(request: AnyRequest, seq: FromPath[int]) -> str:
    """The receipt of a fact that concerns you, as C2SP tlog-proof."""
    found = views.receipt_for(node_of(request), who_is(request).party, seq)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "no receipt was given", f"there is no fact {seq} that concerns you",
            remedy="take the numbers of receipts from your own page",
        ))  # fmt: skip
    return found.text()


@get("/me", opt={"rule": ("member",)}, sync_to_thread=True, summary="Your data and their uses")
def me(request: AnyRequest) -> dict[str, Any]:
    """Who used data about you, for what, what was let out, what it earned, and what you said."""
    page = views.member_page(node_of(request), who_is(request).party)
    assert page is not None
    return {
        "party": page.party.called,
        "assets": [
            {
                "asset": a.asset.id, "title": a.asset.title, "said": a.said,
                "uses": [
                    {
                        "use": s.use.id, "who": s.who, "actors": s.use.actors, "at": s.use.at,
                        "purpose": s.use.purpose, "question": s.use.question, "meaning": s.use.meaning, "state": s.use.state,
                        "reasons": s.use.reasons, "your_rows": s.rows, "let_out": s.let_out, "paid_with": s.period,
                        "receipt": s.seq,
                    }
                    for s in a.seen
                ],
                "paid": [
                    {"period": p.period, "amount": str(p.amount), "steps": p.steps} for p in a.paid
                ],
                "withheld": [{"ground": held.ground, "until": held.until} for held in a.withheld],
            }
            for a in page.assets
        ],
    }  # fmt: skip


@get("/me/key", opt={"rule": ("member",)}, sync_to_thread=True, summary="Your counting key")
def counting_key(request: AnyRequest) -> dict[str, Any]:
    """What you count your records with: your secret key, and the verifier key of the node's journal. Keep it."""
    found = epoch.key_file(node_of(request), who_is(request).party)
    return asdict(done(found or _no_records()))


@get("/me/book", opt={"rule": ("member",)}, sync_to_thread=True, summary="Your records, to be counted")
def book(request: AnyRequest) -> dict[str, Any]:
    """Every record about you with the proof of its number, and the signed count of them; see `usufruct member audit`."""
    return done(epoch.book(node_of(request), who_is(request).party) or _no_records())


@get("/me/lines/{period:str}/{asset:str}", opt={"rule": ("member",)}, sync_to_thread=True, media_type=MediaType.TEXT,
     summary="Your line of a closed period, with its proof")  # fmt: skip
def line(request: AnyRequest, period: FromPath[str], asset: FromPath[str]) -> str:
    """What you are paid for it, as a file that anybody checks with the node's key; see `usufruct receipt line`."""
    return done(lines.line_proof(node_of(request), who_is(request).party, period, asset)).text()


def _no_records() -> Refusal:
    return refuse(
        "registry.unknown", "nothing was given", "no records about you are counted here",
        remedy="records are counted of the persons whom data are about; ask the steward",
    )  # fmt: skip


@post("/periods", opt=STEWARD, sync_to_thread=True, summary="Plan a period")
def plan_period(request: AnyRequest, data: JSONBody[messages.NewPeriod]) -> PeriodPlanned:
    """Proposes the division of what was earned since the last period closed; nothing is paid."""
    return done(period.plan_period(node_of(request), data.period))


@post("/periods/{name:str}/closing", opt=STEWARD, sync_to_thread=True, summary="Close a period")
def close_period(request: AnyRequest, name: FromPath[str], data: JSONBody[messages.Approval]) -> PeriodClosed:
    """Carries the approved plan out, once."""
    return done(period.close_period(node_of(request), name, data.plan, who_is(request).party, who_is(request).actors))


@get("/periods", opt=STEWARD, sync_to_thread=True, summary="Closed periods")
def list_periods(request: AnyRequest) -> list[Period]:
    """The closed periods, oldest first."""
    with node_of(request).store.read() as state:
        return list(state.list(Period))


@get("/ledger", opt=STEWARD, sync_to_thread=True, summary="Balances and transfers")
def ledger(request: AnyRequest) -> dict[str, Any]:
    """All balances (credits minus debits, in minor units) and the transfers they come from."""
    with node_of(request).store.read() as state:
        return {"accounts": list(state.list(Account)), "transfers": list(state.list(Transfer))}


@get("/warnings", opt=STEWARD, sync_to_thread=True, summary="Early warnings")
def list_warnings(request: AnyRequest) -> list[dict[str, Any]]:
    """What the steward should look at."""
    return [asdict(warning) for warning in views.steward_page(node_of(request)).warnings]


@post("/accounts", opt=STEWARD, sync_to_thread=True, summary="Give an account")
def add_account(request: AnyRequest, data: JSONBody[messages.NewAccount]) -> dict[str, str]:
    """Gives a party an account with a password."""
    login.set_password(node_of(request), data.party, data.role, data.password)
    return {"party": data.party, "role": data.role}


@post("/links", opt=STEWARD, sync_to_thread=True, summary="A one-time login")
def add_link(request: AnyRequest, data: JSONBody[messages.NewLink]) -> dict[str, str]:
    """A code that opens one session, once; `link` carries it behind `#`, which browsers do not send on."""
    node = node_of(request)
    code = login.issue_link(node, data.party, data.role)
    return {"party": data.party, "role": data.role, "link": f"{node.about.url}/enter#{code}"}


@post("/tokens", opt={"rule": "anyone"}, sync_to_thread=True, summary="A token for a program")
def add_token(request: AnyRequest, data: JSONBody[messages.NewToken]) -> dict[str, str]:
    """Shown once. The steward may make tokens for others."""
    who = who_is(request)
    party, role = data.party or who.party, data.role or who.role
    if (party, role) != (who.party, who.role) and "steward" not in who.scopes:
        raise BadInput("input.party", "only the steward makes tokens for others", "leave `party` and `role` out")
    if party == who.party and not set(data.scopes) <= who.scopes and "steward" not in who.scopes:
        raise BadInput(
            "input.scope", "a token cannot reach further than you do", f"use {', '.join(sorted(who.scopes))}"
        )
    token = login.issue_token(node_of(request), party, role, tuple(data.scopes), data.days, data.label)
    return {"party": party, "token": token}


@get("/tokens", opt={"rule": "anyone"}, sync_to_thread=True, summary="Your tokens")
def list_tokens(request: AnyRequest) -> list[dict[str, str]]:
    """Their names, labels, scopes and ends; never the tokens."""
    found = login.tokens(node_of(request), who_is(request).party)
    return [{"name": name, "label": label, "scopes": scopes, "until": until} for name, label, scopes, until in found]


@delete("/tokens/{name:str}", opt={"rule": "anyone"}, sync_to_thread=True, status_code=200, summary="Revoke a token")
def revoke_token(request: AnyRequest, name: FromPath[str]) -> dict[str, bool]:
    """It is refused from the next request on."""
    return {"revoked": login.revoke_token(node_of(request), who_is(request).party, name)}


def part_of(data: dict[str, UploadFile], name: str) -> UploadFile:
    """One file of an upload.

    Raises:
        BadInput: it is not there.
    """
    part = data.get(name)
    if not isinstance(part, UploadFile):
        raise BadInput(
            "input.upload", f"the upload has no file `{name}`", "send the form fields `table` and `card` as files"
        )
    return part


@contextmanager
def kept(filename: str, content: bytes) -> Iterator[Path]:
    """An upload as a file, under nothing but the last part of its name, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        name = Path(filename.replace("\\", "/")).name
        path = Path(folder) / f"table{Path(name).suffix.lower()}"
        path.write_bytes(content)
        yield path


router = Router(
    "/api/v1",
    route_handlers=[
        about, catalogue, purpose_tree, checkpoint, add_party, verify_party, unverify_party, list_parties,
        record_consents, publish_offer, withdraw_offer, request_offer, list_negotiations, move_negotiation,
        list_agreements, end_agreement, ask, preview, list_uses, receipt, me, counting_key, book, line, plan_period, close_period,
        list_periods, ledger, list_warnings, add_account, add_link, add_token, list_tokens, revoke_token,
    ],
)  # fmt: skip
