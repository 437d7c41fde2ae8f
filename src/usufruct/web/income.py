"""The HTTP API of income: by what rule it is divided, statements of what it brought, complaints about them."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.records import plain
from usufruct.core.base.refusals import refuse
from usufruct.core.income import income_statement as words
from usufruct.core.income import own_line
from usufruct.core.income.complaints import Complaint, ComplaintAnswered, ComplaintMade
from usufruct.core.income.facts import CostStated, CreditEnded, CreditGranted, DivisionAdopted
from usufruct.core.income.income_statement import Statement
from usufruct.core.income.waterfall import in_words
from usufruct.node import division, recompute, statement
from usufruct.node.division import InForce
from usufruct.store.memory import MemoryState
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text
from usufruct.wire import division as wire
from usufruct.wire import statement_pdf

ANYONE = {"rule": "anyone"}
PUBLIC = {"rule": "public"}
Words = Annotated[str, Meta(min_length=1, max_length=2_000)]


class NewDivisionRule(Struct, forbid_unknown_fields=True):
    """A rule of division as TOML; of one asset, or of all that have none of their own; from a day on, or from now."""

    rule: Annotated[str, Meta(min_length=1, max_length=100_000)]
    asset: Id | None = None
    since: Day | None = None


class NewCost(Struct, forbid_unknown_fields=True):
    """What an asset cost a party, as `120.00 EUR`; it is paid back first."""

    party: Id
    amount: Text
    what: Text
    evidence: Annotated[str, Meta(max_length=500)] = ""


class NewCredit(Struct, forbid_unknown_fields=True):
    """So many `units` of a `kind` of work or knowledge that a party put into an asset."""

    party: Id
    kind: Text
    units: int
    why: Text
    until: Day | None = None


class EndedCredit(Struct, forbid_unknown_fields=True):
    """Why a credit counts no more."""

    why: Text


class NewComplaint(Struct, forbid_unknown_fields=True):
    """What is wrong with a line of your statement."""

    period: Id
    asset: Id
    reason: Words


class NewAnswer(Struct, forbid_unknown_fields=True):
    """The answer to a complaint: an amount if it is upheld, else whom she can turn to."""

    reasons: Words
    uphold: Text | None = None
    turn_to: Annotated[str, Meta(max_length=2_000)] = ""


# ---- rules


@get("/divisions", opt=PUBLIC, sync_to_thread=True, summary="By what rules income is divided")
def list_rules(request: AnyRequest) -> list[dict[str, Any]]:
    """The rule of every asset that is offered, as data and in words, and where a euro went in its last period."""
    node = node_of(request)
    went = {one.asset: one for one in statement.euros(node)}
    return [_rule(one) | {"last_period": went.get(one.asset)} for one in division.listed(node)]


@get("/assets/{asset:str}/division", opt=STEWARD, sync_to_thread=True, summary="Rule, costs and credits of an asset")
def show_rule(request: AnyRequest, asset: FromPath[str]) -> dict[str, Any]:
    """By what rule its income is divided, what it cost whom, and who is credited with what."""
    for one in division.in_force(node_of(request)):
        if one.asset == asset:
            return _rule(one) | {"costs": one.costs, "credits": one.credits}
    raise RefusedHere(refuse(
        "registry.unknown", "there is nothing to show", f"there is no asset `{asset}`", remedy="look at the list of assets"
    ))  # fmt: skip


def _rule(one: InForce) -> dict[str, Any]:
    return {
        "asset": one.asset, "number": one.number, "own": one.own, "since": one.since, "rule": plain(one.rule),
        "words": in_words(one.rule),
    }  # fmt: skip


@post("/divisions", opt=STEWARD, sync_to_thread=True, summary="Adopt a rule of division")
def adopt_rule(request: AnyRequest, data: JSONBody[NewDivisionRule]) -> DivisionAdopted:
    """For what is earned from then on; only a person signs it."""
    node, who = node_of(request), who_is(request)
    rule = wire.read(data.rule, node.about.currency)
    since = parse_instant(data.since) if data.since else None
    return done(division.adopt(node, rule, data.asset or "", since, who.party, who.actors))


@post("/assets/{asset:str}/costs", opt=STEWARD, sync_to_thread=True, summary="State a cost of an asset")
def state_cost(request: AnyRequest, asset: FromPath[str], data: JSONBody[NewCost]) -> CostStated:
    """It is paid back out of what the asset earns, as far as the rule lets it."""
    node = node_of(request)
    amount = parse_money(data.amount, node.about.currency)
    return done(division.state_cost(node, asset, data.party, amount, data.what, data.evidence, who_is(request).party))


@post("/assets/{asset:str}/credits", opt=STEWARD, sync_to_thread=True, summary="Credit work or knowledge")
def grant_credit(request: AnyRequest, asset: FromPath[str], data: JSONBody[NewCredit]) -> CreditGranted:
    """The party shares by it in what the rule sets aside for its kind."""
    until = parse_instant(data.until) if data.until else None
    return done(division.grant_credit(
        node_of(request), asset, data.kind, data.party, data.units, data.why, until, who_is(request).party
    ))  # fmt: skip


@post("/credits/{credit:str}/end", opt=STEWARD, sync_to_thread=True, summary="End a credit")
def end_credit(request: AnyRequest, credit: FromPath[str], data: JSONBody[EndedCredit]) -> CreditEnded:
    """It counts no more from here on."""
    return done(division.end_credit(node_of(request), credit, data.why, who_is(request).party))


# ---- statements


@get("/statements", opt=ANYONE, sync_to_thread=True, summary="Your statements")
def list_statements(request: AnyRequest) -> list[dict[str, Any]]:
    """One for each closed period that brought you something, the newest first."""
    return [body(one) for one in statement.statements_of(node_of(request), who_is(request).party)]


@get("/statements/{period:str}/{party:str}", opt=ANYONE, sync_to_thread=True, summary="A statement")
def show_statement(request: AnyRequest, period: FromPath[str], party: FromPath[str]) -> dict[str, Any]:
    """Yours; the steward sees everybody's. The same answer where there is none and where it is not yours."""
    return body(statement_for(request, period, party))


@get("/statements/{period:str}/{party:str}/pdf", opt=ANYONE, sync_to_thread=True, summary="A statement as PDF")
def print_statement(request: AnyRequest, period: FromPath[str], party: FromPath[str]) -> Response[bytes]:
    """The same numbers on paper."""
    return as_file(statement_for(request, period, party))


def as_file(found: Statement) -> Response[bytes]:
    """A statement as PDF, to be saved under a name that tells nobody whose it is."""
    headers = {"Content-Disposition": f'attachment; filename="statement-{found.period}.pdf"'}
    return Response(statement_pdf.draw(found), media_type=statement_pdf.MEDIA_TYPE, headers=headers)


def statement_for(request: AnyRequest, period: str, name: str) -> Statement:
    """The statement of whoever is called `name`, for herself and for the steward.

    Raises:
        RefusedHere: there is none, or it is somebody else's; that is not told apart.
    """
    who = who_is(request)
    found = done(statement.statement(node_of(request), period, name))
    if found.party != who.party and "steward" not in who.scopes:
        raise RefusedHere(statement.none_for(period, name))
    return found


def body(found: Statement) -> dict[str, Any]:
    """A statement as it is sent: all amounts are whole minor units of its currency."""
    shown = plain(found)
    assert isinstance(shown, dict)
    return shown | {
        "article_18": [{"letter": f.letter, "asks": f.asks, "says": f.says} for f in words.article18(found)],
        "your_own_sums": {
            line.asset: (*words.her_own(line, found.currency), *own_line.in_words(line, found.currency))
            for line in found.lines
        },
        "worked_out_by_others": words.by_the_audit(found),
    }


@get("/periods/{name:str}/recomputed", opt=STEWARD, sync_to_thread=True, summary="Work a period out again")
def work_out(request: AnyRequest, name: FromPath[str]) -> recompute.Recomputed:
    """From the facts alone; `different` says what is not the same, byte by byte. It takes as long as folding the journal."""
    return done(recompute.recompute(node_of(request), name, MemoryState()))


# ---- complaints


@post("/complaints", opt=ANYONE, sync_to_thread=True, summary="Complain about your statement")
def complain(request: AnyRequest, data: JSONBody[NewComplaint]) -> ComplaintMade:
    """Somebody must answer you, with reasons, until the day it says."""
    return done(statement.complain(node_of(request), who_is(request).party, data.period, data.asset, data.reason))


@get("/complaints", opt=STEWARD, sync_to_thread=True, summary="Open complaints")
def list_complaints(request: AnyRequest) -> list[Complaint]:
    """Those that wait for an answer, the oldest first."""
    return statement.open_complaints(node_of(request))


@post("/complaints/{name:str}/answer", opt=STEWARD, sync_to_thread=True, summary="Answer a complaint")
def answer_complaint(request: AnyRequest, name: FromPath[str], data: JSONBody[NewAnswer]) -> ComplaintAnswered:
    """Upheld with an amount, or rejected with whom to turn to; only a person signs it."""
    node, who = node_of(request), who_is(request)
    amount = parse_money(data.uphold, node.about.currency) if data.uphold else None
    return done(statement.answer(
        node, name, amount is not None, data.reasons, amount, data.turn_to, who.party, who.actors
    ))  # fmt: skip


router = Router("/api/v1", route_handlers=[
    list_rules, show_rule, adopt_rule, state_cost, grant_credit, end_credit, list_statements, show_statement,
    print_statement, work_out, complain, list_complaints, answer_complaint,
])  # fmt: skip
