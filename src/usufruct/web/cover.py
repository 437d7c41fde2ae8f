"""The HTTP API of cover: schemes, funds, what a person is entitled to across all operators, and claims."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct, field

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import parse as parse_money
from usufruct.core.cover.collecting import Earned
from usufruct.core.cover.facts import (
    ClaimDecided,
    ClaimMade,
    ContributionTaken,
    CoverPaid,
    FundOpened,
    OptedIn,
    OptedOut,
    ParticularsStated,
    SchemeAdopted,
    SchemeEnded,
)
from usufruct.core.cover.solvency import Solvency
from usufruct.node import cover
from usufruct.node.cover import Cover, Raised, Waiting
from usufruct.web.api import STEWARD, AnyRequest, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text
from usufruct.wire import cover as wire

ANYONE = {"rule": "anyone"}
PUBLIC = {"rule": "public"}
Words = Annotated[str, Meta(min_length=1, max_length=2_000)]


class NewScheme(Struct, forbid_unknown_fields=True):
    """A scheme as TOML, with all operators or with some, from now or from a day on."""

    scheme: Annotated[str, Meta(min_length=1, max_length=200_000)]
    operators: Annotated[list[Id], Meta(max_length=1_000)] = field(default_factory=list)
    effective: Day | None = None


class SchemeEnding(Struct, forbid_unknown_fields=True):
    """Why a scheme is no longer raised, from now or from a day on."""

    why: Text
    effective: Day | None = None


class NewFund(Struct, forbid_unknown_fields=True):
    """A pooled fund: what it is for, so many months in reserve, and who decides on claims besides the node's operator."""

    fund: Id
    title: Text
    reserve_months: Annotated[int, Meta(ge=0, le=120)] = 3
    trustees: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)
    currency: Text = ""


class NewEarnings(Struct, forbid_unknown_fields=True):
    """What `worker` earned with `operator` on a day and was paid outside the node, each as `120.00 EUR`."""

    worker: Id
    operator: Id
    day: Day
    gross: Text
    fee: Text | None = None
    tips: Text | None = None


class NewParticulars(Struct, forbid_unknown_fields=True):
    """The day you were born, as `1996-05-17`, and what you work with."""

    born: Text
    works_with: Annotated[str, Meta(max_length=63)] = ""


class Joining(Struct, forbid_unknown_fields=True):
    """Which option of the scheme you choose."""

    option: Annotated[str, Meta(max_length=63)] = ""


class NewClaim(Struct, forbid_unknown_fields=True):
    """What you claim under which entitlement, as `60.00 EUR`, why, and when it happened (now)."""

    scheme: Id
    entitlement: Id
    amount: Text
    reason: Words
    on: Text | None = None
    appeals: Annotated[str, Meta(max_length=63)] = ""


class NewDecision(Struct, forbid_unknown_fields=True):
    """The decision on a claim: reasons, how much is granted (nothing), and whom she can turn to if that is not all."""

    reasons: Words
    grant: Text | None = None
    turn_to: Annotated[str, Meta(max_length=2_000)] = ""


# ---- schemes and funds


@get("/cover/schemes", opt=PUBLIC, sync_to_thread=True, summary="Schemes that are raised")
def list_schemes(request: AnyRequest) -> list[Raised]:
    """The schemes that are raised now, or from a later day on, with who asks for each and where that is written."""
    return cover.raised(node_of(request))


@post("/cover/schemes", opt=STEWARD, sync_to_thread=True, summary="Adopt a scheme")
def adopt_scheme(request: AnyRequest, data: JSONBody[NewScheme]) -> SchemeAdopted:
    """Raises a scheme on what work earns from now, or from a later day on."""
    who = who_is(request)
    effective = parse_instant(data.effective) if data.effective else None
    read = wire.read(data.scheme)
    return done(cover.adopt(node_of(request), read, data.operators, effective, who.party, who.actors))


@post("/cover/schemes/{name:str}/ending", opt=STEWARD, sync_to_thread=True, summary="End a scheme")
def end_scheme(request: AnyRequest, name: FromPath[str], data: JSONBody[SchemeEnding]) -> SchemeEnded:
    """Raises a scheme no more."""
    who = who_is(request)
    effective = parse_instant(data.effective) if data.effective else None
    return done(cover.end(node_of(request), name, data.why, effective, who.party, who.actors))


@get("/cover/funds", opt=PUBLIC, sync_to_thread=True, summary="How the funds stand")
def list_funds(request: AnyRequest) -> list[Solvency]:
    """Balance, open claims, reserve, and how long each fund lasts; nobody's claim is told."""
    return cover.funds(node_of(request))


@post("/cover/funds", opt=STEWARD, sync_to_thread=True, summary="Open a fund")
def open_fund(request: AnyRequest, data: JSONBody[NewFund]) -> FundOpened:
    """Says what a pooled fund is for, what it keeps in reserve, and who decides on claims."""
    who = who_is(request)
    return done(cover.open_fund(
        node_of(request), data.fund, data.title, data.reserve_months, data.trustees, who.party, data.currency, who.actors
    ))  # fmt: skip


@post("/cover/contributions", opt=STEWARD, sync_to_thread=True, summary="Take levies on earnings")
def take(request: AnyRequest, data: JSONBody[NewEarnings]) -> list[ContributionTaken]:
    """Takes the levies on what was paid outside the node; what the node pays, it takes them of by itself."""
    gross = parse_money(data.gross)
    fee, tips = (parse_money(text, gross.currency).minor if text else 0 for text in (data.fee, data.tips))
    earned = Earned(parse_instant(data.day)[:10], gross.minor, fee, tips)
    return done(cover.take(node_of(request), data.worker, data.operator, [earned], gross.currency))


# ---- a person's own


@get("/me/cover", opt=ANYONE, sync_to_thread=True, summary="Your cover")
def own_cover(request: AnyRequest) -> Cover:
    """What was saved for you, what you are entitled to and what is missing, with every operator; and your claims."""
    return cover.cover(node_of(request), who_is(request).party)


@post("/me/cover/particulars", opt=ANYONE, sync_to_thread=True, summary="Say when you were born")
def state_particulars(request: AnyRequest, data: JSONBody[NewParticulars]) -> ParticularsStated:
    """What schemes must know of you; it is sealed with your key."""
    return done(cover.state_particulars(node_of(request), who_is(request).party, data.born, data.works_with))


@post("/me/cover/schemes/{name:str}/joining", opt=ANYONE, sync_to_thread=True, summary="Join a scheme")
def join(request: AnyRequest, name: FromPath[str], data: JSONBody[Joining]) -> OptedIn:
    """You join a scheme, or choose an option of it; the scheme says whether for good."""
    who = who_is(request)
    return done(cover.opt_in(node_of(request), who.party, name, data.option, who.actors))


@post("/me/cover/schemes/{name:str}/leaving", opt=ANYONE, sync_to_thread=True, summary="Leave a scheme")
def leave(request: AnyRequest, name: FromPath[str]) -> OptedOut:
    """You leave a scheme that lets you."""
    who = who_is(request)
    return done(cover.opt_out(node_of(request), who.party, name, who.actors))


@post("/me/cover/claims", opt=ANYONE, sync_to_thread=True, summary="Claim")
def make_claim(request: AnyRequest, data: JSONBody[NewClaim]) -> ClaimMade:
    """You claim what you are entitled to; a person decides on it."""
    on = parse_instant(data.on) if data.on else None
    return done(cover.claim(
        node_of(request), who_is(request).party, data.scheme, data.entitlement, parse_money(data.amount), data.reason, on,
        data.appeals,
    ))  # fmt: skip


# ---- claims that wait


@get("/cover/claims", opt=ANYONE, sync_to_thread=True, summary="Claims that wait for you")
def list_claims(request: AnyRequest) -> list[Waiting]:
    """The claims on which you may decide, with what the node reckons about each."""
    return cover.waiting(node_of(request), who_is(request).party)


@post("/cover/claims/{name:str}/decision", opt=ANYONE, sync_to_thread=True, summary="Decide on a claim")
def decide(request: AnyRequest, name: FromPath[str], data: JSONBody[NewDecision]) -> ClaimDecided:
    """A person grants a claim, wholly or in part, or does not, with reasons."""
    who = who_is(request)
    amount = parse_money(data.grant) if data.grant else None
    return done(cover.decide(node_of(request), name, amount, data.reasons, data.turn_to, who.party, who.actors))


@post("/cover/claims/{name:str}/payment", opt=STEWARD, sync_to_thread=True, summary="Pay a claim")
def pay(request: AnyRequest, name: FromPath[str]) -> CoverPaid:
    """What was granted goes from the fund, or from her own account, to the claimant."""
    who = who_is(request)
    return done(cover.pay(node_of(request), name, who.party, who.actors))


router = Router(
    "/api/v1",
    route_handlers=[
        list_schemes, adopt_scheme, end_scheme, list_funds, open_fund, take, own_cover, state_particulars, join, leave,
        make_claim, list_claims, decide, pay,
    ],
)  # fmt: skip
