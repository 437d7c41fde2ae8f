"""Decisions for systems outside the node, over HTTP: the AuthZEN API for enforcement points, rulesets for the steward.

An answer with status 200 is a decision, and any other is none: an enforcement point lets nobody through on it. So errors
are told in this API's own way, as text, and each carries the identifier that the request came with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from anyio.to_thread import run_sync
from litestar import Response, Router, delete, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.access.rulesets import Attribute, EntityDescribed, EntityForgotten, RulesetAdopted, RulesetEnded
from usufruct.core.base.faults import BadInput, Fault, NodeFault, Unwelcome
from usufruct.core.base.instants import parse
from usufruct.node import rulesets
from usufruct.node.node import Node
from usufruct.node.rulesets import Asked, Asker
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text
from usufruct.wire import authzen, jose, odrl

POINTS = {"rule": ("decide", "steward")}
NOT_OURS = "the node failed at this; nothing was decided"
_REQUEST_ID = "X-Request-ID"
_STOPS = {"execute_all": None, "deny_on_first_deny": False, "permit_on_first_permit": True}


# ---- enforcement points


def _trouble(request: AnyRequest, error: Exception) -> Response[str]:
    """Why there is no decision."""
    match error:
        case Unwelcome():
            status = 401 if error.code in ("login.needed", "login.token") else 403
        case RefusedHere():
            status = 403
        case HTTPException():
            status = error.status_code
        case _:
            status = _status(error)
    if status == 500 and not isinstance(error, Fault):
        rulesets.LOG.exception("a bug at %s", request.url.path)
    headers = _echo(request) | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    return Response(_told(error), status_code=status, headers=headers, media_type="text/plain; charset=utf-8")


def _status(error: Exception) -> int:
    return 400 if isinstance(error, BadInput) else 503 if isinstance(error, NodeFault) else 500


def _told(error: Exception) -> str:
    if isinstance(error, Fault):
        return error.message
    if isinstance(error, RefusedHere):
        return "; ".join([error.body.message, *error.body.reasons])
    return str(error.detail) if isinstance(error, HTTPException) else NOT_OURS


def _echo(request: AnyRequest) -> dict[str, str]:
    given = request.headers.get(_REQUEST_ID)
    return {} if given is None else {_REQUEST_ID: given}


async def _answered(request: AnyRequest, answer: Callable[[Node, Asker, dict[str, Any]], Any]) -> Response[Any]:
    """What `answer` makes of the body, in a thread."""
    who, body = who_is(request), await request.body()
    asker = Asker(who.party, "steward" in who.scopes)
    found = authzen.body(body, request.headers.get("content-type", ""))
    return Response(await run_sync(partial(answer, node_of(request), asker, found)), headers=_echo(request))


def asked(request: AnyRequest) -> Asked:
    """The count of decisions of this application."""
    count = request.app.state.asked
    assert isinstance(count, Asked)
    return count


@post("/evaluation", opt=POINTS, status_code=200)
async def evaluation(request: AnyRequest) -> Response[Any]:
    """One decision."""
    return await _answered(request, partial(_one, asked(request)))


def _one(count: Asked, node: Node, asker: Asker, found: dict[str, Any]) -> dict[str, Any]:
    try:
        verdict, proof = rulesets.decide(node, authzen.question(found), asker)
    except Exception:
        count.note("failed")
        raise
    count.note("yes" if verdict else "no")
    return authzen.answer(verdict, proof)


@post("/evaluations", opt=POINTS, status_code=200)
async def evaluations(request: AnyRequest) -> Response[Any]:
    """Several decisions, on one state of the node."""
    return await _answered(request, partial(_each, asked(request)))


def _each(count: Asked, node: Node, asker: Asker, found: dict[str, Any]) -> dict[str, Any]:
    batch = authzen.batch(found)
    if batch is None:
        return _one(count, node, asker, found)
    answers = []
    for verdict, proof in rulesets.decide_each(node, batch.items, asker, _STOPS[batch.semantic]):
        if isinstance(proof, Exception):
            count.note("failed")
            answers.append(authzen.failed(_status(proof), _told(proof)))
        else:
            count.note("yes" if verdict else "no")
            answers.append(authzen.answer(verdict, proof))
    return {"evaluations": answers}


def _searching(part: str) -> Any:
    @post(f"/search/{part}", opt=POINTS, status_code=200, name=f"authzen-search-{part}")
    async def searched(request: AnyRequest) -> Response[Any]:
        return await _answered(request, partial(_found, part))

    return searched


def _found(part: str, node: Node, asker: Asker, found: dict[str, Any]) -> dict[str, Any]:
    wanted = authzen.search(found, part)
    return authzen.results(wanted, *rulesets.search(node, part, wanted.question, asker, wanted.limit, wanted.start))


@get("/.well-known/authzen-configuration", opt={"rule": "public"}, sync_to_thread=True)
def configuration(request: AnyRequest) -> dict[str, Any]:
    """Where the decision point is, and the same signed with the node's key."""
    node = node_of(request)
    found = authzen.metadata(node.about.url)
    key = jose.public_key(jose.ed25519_jwk(node.signer.public))
    header = {
        "alg": "Ed25519",
        "kid": key.thumbprint,
        "typ": "authzen-configuration+jwt",
    }  # so that it passes for no other
    claims = {"iss": found["policy_decision_point"], **found}
    return {**found, "signed_metadata": jose.sign(header, claims, node.signer.sign)}


# ---- the steward


class NewRuleset(Struct, forbid_unknown_fields=True):
    """Rules (`rules`, as text: ODRL in JSON-LD or Turtle, or the record of a ruleset in JSON) for resources of these `types`,
    by which parties in `points` may have things decided, from a day on (`since`; missing: at once)."""

    ruleset: Id
    types: Annotated[list[Text], Meta(min_length=1, max_length=100)]
    points: Annotated[list[Id], Meta(min_length=1, max_length=100)]
    rules: Annotated[str, Meta(max_length=odrl.TEXT_MAX)]
    since: Day | None = None


class NewEntity(Struct, forbid_unknown_fields=True):
    """What is known of a subject or resource (`part`); `party` is who it is, if that is a party of this node."""

    part: Text
    type: Text
    id: Annotated[str, Meta(min_length=1, max_length=1000)]
    properties: dict[str, str | int | bool | list[str | bool]] = {}
    party: Id | None = None


class OldEntity(Struct, forbid_unknown_fields=True):
    """A subject or resource of which nothing is to be known."""

    part: Text
    type: Text
    id: Annotated[str, Meta(min_length=1, max_length=1000)]


@post("/rulesets", opt=STEWARD, sync_to_thread=True, summary="Adopt a ruleset")
def adopt(request: AnyRequest, data: JSONBody[NewRuleset]) -> RulesetAdopted:
    """The node decides by it for enforcement points; the same name again is its next version."""
    since = parse(data.since) if data.since else None
    return done(rulesets.adopt(
        node_of(request), data.ruleset, tuple(data.types), tuple(data.points), authzen.rules_of(data.rules),
        who_is(request).party, since,
    ))  # fmt: skip


@get("/rulesets", opt=STEWARD, sync_to_thread=True, summary="The rulesets")
def list_rulesets(request: AnyRequest) -> list[dict[str, Any]]:
    """Each in force or that will be, with what was not understood, what collides and what changes nothing."""
    return [
        {
            "ruleset": one.row.ruleset, "version": one.row.version, "types": one.row.types, "points": one.row.points,
            "since": one.row.since, "until": one.row.until, "fact": one.row.fact, "rules": odrl.to_jsonld(one.row.rules),
            "flags": [asdict(flag) for flag in one.flags], "conflicts": [asdict(found) for found in one.conflicts],
            "shadowed": [asdict(found) for found in one.shadowed], "compared": one.compared,
        }
        for one in rulesets.listed(node_of(request))
    ]  # fmt: skip


@delete("/rulesets/{ruleset:str}", opt=STEWARD, status_code=200, sync_to_thread=True, summary="End a ruleset")
def end(request: AnyRequest, ruleset: FromPath[str]) -> RulesetEnded:
    """The node decides by it no more."""
    return done(rulesets.end(node_of(request), ruleset, who_is(request).party))


@post("/entities", opt=STEWARD, sync_to_thread=True, summary="Say what is known")
def describe(request: AnyRequest, data: JSONBody[NewEntity]) -> EntityDescribed:
    """What rules may use of a subject or resource outside the node, in place of what was known."""
    said = tuple(
        Attribute(name, tuple(value) if isinstance(value, list) else (value,))
        for name, value in data.properties.items()
    )
    who = who_is(request).party
    return done(rulesets.describe(node_of(request), data.part, data.type, data.id, said, who, data.party or ""))


@get("/entities", opt=STEWARD, sync_to_thread=True, summary="What is known")
def list_entities(request: AnyRequest) -> list[dict[str, Any]]:
    """All subjects and resources outside the node that were described."""
    return [
        {
            "part": entity.of.partition(" ")[0], "type": entity.of.partition(" ")[2], "id": entity.id, "fact": entity.fact,
            "properties": {one.name: one.values if len(one.values) > 1 else one.values[0] for one in entity.attributes},
        }
        for entity in rulesets.entities(node_of(request))
    ]  # fmt: skip


@post("/entities/removal", opt=STEWARD, status_code=200, sync_to_thread=True, summary="Forget what is known")
def forget(request: AnyRequest, data: JSONBody[OldEntity]) -> EntityForgotten:
    """Rules use it no more."""
    return done(rulesets.forget(node_of(request), data.part, data.type, data.id, who_is(request).party))


routers = [
    Router(
        authzen.BASE, include_in_schema=False,
        route_handlers=[evaluation, evaluations, *map(_searching, ("subject", "resource", "action"))],
        exception_handlers={Fault: _trouble, RefusedHere: _trouble, HTTPException: _trouble, Exception: _trouble},
    ),
    Router("/", route_handlers=[configuration], include_in_schema=False),
    Router("/api/v1", route_handlers=[adopt, list_rulesets, end, describe, list_entities, forget]),
]  # fmt: skip
