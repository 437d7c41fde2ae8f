"""The HTTP API of rounds: what everybody can check, what a chamber does, what a worker reads about herself."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import MediaType, Response, Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct, field

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import refuse
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.allocation.rule import AFTER, METHODS, PARTS, AllocationRule, Part
from usufruct.core.work.facts import WishesStated
from usufruct.core.work.rounds.state import (
    Round,
    RoundAbandoned,
    RoundClosed,
    RoundOpened,
    RoundPlanned,
    RoundSettled,
    SeedCommitted,
    SeedOpened,
)
from usufruct.node import rounds
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text
from usufruct.web.work import ANYONE, Reason

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="64 hexadecimal digits")]


class NewRound(Struct, forbid_unknown_fields=True):
    """A round. `weights` names the parts of the score, each with how often it counts; `workers`, `operators` and `customers`
    are the parties that speak for the chambers; `replaces` a round that was given up, whose jobs come into this one."""

    round: Id
    method: Text
    weights: dict[str, int]
    workers: Id
    operators: Id
    customers: Id
    closes: Day
    opens_until: Day
    replaces: Id | None = None


class NewWishes(Struct, forbid_unknown_fields=True):
    """The jobs of the round that you would do, the best first; or a machine of yours, the `worker`."""

    jobs: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)
    worker: Id | None = None


class NewCommitment(Struct, forbid_unknown_fields=True):
    """What a chamber publishes of its secret, see `lottery.commitment`."""

    commitment: Digest


class Secret(Struct, forbid_unknown_fields=True):
    """What a chamber committed to."""

    secret: Digest


def public(row: Round) -> dict[str, Any]:
    """A round as everybody sees it."""
    return {
        "round": row.id, "state": row.state, "by": row.by,
        "rule": {
            "method": row.rule.method, "means": METHODS[row.rule.method],
            "parts": [{"name": part.name, "weight": part.weight, "means": PARTS[part.name]} for part in row.rule.parts],
            "reveal": row.rule.reveal,
        },
        "chambers": [
            {"chamber": chamber, "speaks": who, "commitment": said, "secret": secret}
            for chamber, who, said, secret in zip(CHAMBERS, row.speakers, row.commitments, row.secrets, strict=True)
        ],
        "closes": row.closes, "opens_until": row.opens_until, "head": row.head, "size": row.size, "workers": row.workers,
        "jobs": row.jobs, "seats": row.seats, "pairs": row.pairs, "kept_apart": row.kept_apart, "plan": row.plan,
        "seed": row.seed, "missing": list(row.missing), "matched": row.matched, "agreed": row.agreed,
        "left": [{"number": one.number, "job": one.job, "why": one.why} for one in row.left], "why": row.why,
        "replaces": row.replaces, "came_to": row.came_to, "opened": row.since, "fact": row.seq,
    }  # fmt: skip


@get("/rounds", opt={"rule": "public"}, sync_to_thread=True, summary="Rounds")
def list_rounds(request: AnyRequest) -> list[dict[str, Any]]:
    """All rounds, the newest first: rule, commitments, openings, seed and numbers of each."""
    return [public(row) for row in rounds.listed(node_of(request))]


@get("/rounds/{round:str}", opt={"rule": "public"}, sync_to_thread=True, summary="A round")
def show_round(request: AnyRequest, round: FromPath[str]) -> dict[str, Any]:
    """Rule, commitments, openings, the journal's head, seed and numbers. Nothing in it leads to a person."""
    row = rounds.shown(node_of(request), round)
    if row is None:
        raise _nothing(round)
    return public(row)


@get("/rounds/{round:str}/certificate", opt={"rule": "public"}, media_type=MediaType.TEXT, sync_to_thread=True,
     summary="The certificate of a round")  # fmt: skip
def certificate(request: AnyRequest, round: FromPath[str]) -> Response[bytes]:
    """What proves the allocation. It knows workers by their place alone."""
    found = rounds.certificate(node_of(request), round)
    if found is None:
        raise _nothing(round)
    return Response(found, media_type="application/json")


@get("/rounds/{round:str}/instance", opt=ANYONE, sync_to_thread=True, summary="What a round's rule may look at")
def instance(request: AnyRequest, round: FromPath[str]) -> Response[bytes]:
    """For the parties that speak for the round's chambers and stewards: wishes and scores under numbers of the round.
    `usufruct work check` takes it with the certificate."""
    who = who_is(request)
    found = rounds.instance(node_of(request), round, who.party, "steward" in who.scopes)
    if found is None:
        raise _nothing(round)
    return Response(found, media_type="application/octet-stream")


@get("/rounds/{round:str}/reasons", opt=ANYONE, sync_to_thread=True, summary="Why you got a job, or not")
def reasons(request: AnyRequest, round: FromPath[str]) -> rounds.Own:
    """Of each job that you wished for: what came of it, why, and what would have changed it; read off the certificate."""
    return done(rounds.own(node_of(request), round, who_is(request).party))


@post("/rounds/{round:str}/wishes", opt=ANYONE, sync_to_thread=True, summary="Say which jobs you would do")
def wish(request: AnyRequest, round: FromPath[str], data: JSONBody[NewWishes]) -> WishesStated:
    """It takes the place of what you said before; no job at all takes you out of the round."""
    return done(rounds.wish(node_of(request), round, who_is(request).party, tuple(data.jobs), data.worker or ""))


@post("/rounds/{round:str}/commitments", opt=ANYONE, sync_to_thread=True, summary="Commit to a secret")
def commit(request: AnyRequest, round: FromPath[str], data: JSONBody[NewCommitment]) -> SeedCommitted:
    """As who speaks for a chamber of the round."""
    return done(rounds.commit(node_of(request), round, who_is(request).party, data.commitment))


@post("/rounds/{round:str}/secrets", opt=ANYONE, sync_to_thread=True, summary="Open a secret")
def open_secret(request: AnyRequest, round: FromPath[str], data: JSONBody[Secret]) -> SeedOpened:
    """As who speaks for a chamber of the round, once its wishes are closed."""
    return done(rounds.open_secret(node_of(request), round, who_is(request).party, data.secret))


@post("/rounds", opt=STEWARD, sync_to_thread=True, summary="Open a round")
def open_round(request: AnyRequest, data: JSONBody[NewRound]) -> RoundOpened:
    """Gives jobs out together, by a rule that everybody can read from now on."""
    rule = AllocationRule(data.method, tuple(Part(name, weight) for name, weight in data.weights.items()), AFTER)
    return done(rounds.open_round(
        node_of(request), data.round, rule, (data.workers, data.operators, data.customers), parse_instant(data.closes),
        parse_instant(data.opens_until), who_is(request).party, data.replaces or "",
    ))  # fmt: skip


@post("/rounds/{round:str}/closing", opt=STEWARD, sync_to_thread=True, summary="Close the wishes of a round")
def close(request: AnyRequest, round: FromPath[str]) -> RoundClosed:
    """Seals what the rule may look at, and names the journal's head. A served node does it by itself when it is time."""
    return done(rounds.close(node_of(request), round))


@post("/rounds/{round:str}/plan", opt=STEWARD, sync_to_thread=True, summary="Plan a round")
def plan(request: AnyRequest, round: FromPath[str]) -> RoundPlanned:
    """Works out who gets which job, with the certificate."""
    return done(rounds.plan(node_of(request), round))


@post("/rounds/{round:str}/settlement", opt=STEWARD, sync_to_thread=True, summary="Settle a round")
def settle(request: AnyRequest, round: FromPath[str]) -> RoundSettled:
    """Writes down the job agreements that the plan says. Done twice it is done once."""
    return done(rounds.settle(node_of(request), round))


@post("/rounds/{round:str}/abandonment", opt=STEWARD, sync_to_thread=True, summary="Give a round up")
def abandon(request: AnyRequest, round: FromPath[str], data: JSONBody[Reason]) -> RoundAbandoned:
    """Never from the first opened secret on."""
    return done(rounds.abandon(node_of(request), round, who_is(request).party, data.why))


def _nothing(round: str) -> RefusedHere:
    return RefusedHere(refuse(
        "registry.unknown", "there is nothing to show", f"there is no round `{round}` of which that is open to you",
        remedy="see the list of rounds",
    ))  # fmt: skip


router = Router(
    "/api/v1/work",
    route_handlers=[
        list_rounds, show_round, certificate, instance, reasons, wish, commit, open_secret, open_round, close, plan, settle,
        abandon,
    ],
)  # fmt: skip
