"""The HTTP API of lineage: record what was done outside the node, and trace anything that concerns you."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import MediaType, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import refuse
from usufruct.core.lineage.facts import StepRecorded, TransformEnded, TransformRegistered
from usufruct.core.registry.rules import DeclaredStep
from usufruct.core.trace import Trace, tell
from usufruct.node import trace as tracing
from usufruct.web import messages
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.wire import openlineage, prov

CONCERNED = {"rule": ("ask", "member", "steward")}
Format = Annotated[Literal["json", "openlineage", "prov", "prov-n"], QueryParameter(name="format")]


@post("/steps", opt=STEWARD, sync_to_thread=True, summary="Record a step outside the node")
def record_step(request: AnyRequest, data: JSONBody[messages.NewStep]) -> StepRecorded:
    """What was done with data before they came, between two assets, or after an answer left."""
    step = DeclaredStep(
        data.kind, data.how, data.by or "", tuple(data.inputs), tuple(data.outputs), data.purpose or "", data.evidence,
        parse_instant(data.at) if data.at else None,
    )  # fmt: skip
    return done(tracing.record_step(node_of(request), step))


@post("/transforms", opt=STEWARD, sync_to_thread=True, summary="Register a transform with its evidence")
def register_transform(request: AnyRequest, data: JSONBody[messages.NewTransform]) -> TransformRegistered:
    """What is made of the inputs in this way may be graded lower, or used for more, because an assessment says so."""
    return done(tracing.register_transform(
        node_of(request), data.transform, data.title, data.kind, data.inputs, data.evidence, data.authority,
        who_is(request).party, data.lowers_grade_to, data.purposes,
        parse_instant(data.until) if data.until else END_OF_TIME,
    ))  # fmt: skip


@post("/transforms/{name:str}/end", opt=STEWARD, sync_to_thread=True, summary="Take a transform's evidence back")
def end_transform(request: AnyRequest, name: FromPath[str], data: JSONBody[messages.EndedTransform]) -> TransformEnded:
    """What was made by it is graded as its inputs are, and used for no more, from the next decision on."""
    return done(tracing.end_transform(node_of(request), name, who_is(request).party, data.why))


@get("/trace/{name:str}", opt=CONCERNED, sync_to_thread=True, summary="Where something came from and where it went")
def trace(request: AnyRequest, name: FromPath[str], form: Format = "json") -> Response[Any]:
    """The chain around an asset, `asset@version`, use, step or outside item, as far as it concerns you."""
    node = node_of(request)
    found = trace_for(request, name)
    match form:
        case "openlineage":
            return Response(openlineage.events(found, node.about.url, node.about.origin))
        case "prov":
            return Response(prov.prov_json(found, node.about.url))
        case "prov-n":
            return Response(prov.prov_n(found, node.about.url), media_type=MediaType.TEXT)
    return Response(in_short(found))


def trace_for(request: AnyRequest, name: str) -> Trace:
    """The trace that whoever calls may see.

    Raises:
        RefusedHere: there is none, or it does not concern her.
    """
    who = who_is(request)
    found = tracing.trace(node_of(request), name, None if "steward" in who.scopes else who.party)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to trace", f"nothing is known of `{name}` that concerns you",
            remedy="take the names from your own page",
        ))  # fmt: skip
    return found


def in_short(found: Trace) -> dict[str, Any]:
    """A trace for programs: every thing in it in words, and what comes directly of what."""
    told = {item: tell(found, item) for item in found.items()}
    return {
        "root": found.root,
        "came_from": [item for item in found.above if item != found.root],
        "went_to": [item for item in found.below if item != found.root],
        "items": [
            {"id": item, "kind": one.kind, "title": one.title, "details": one.details, "at": one.at}
            for item, one in told.items()
        ],
        "links": [{"source": source, "target": target} for source, target in found.links()],
    }


router = Router("/api/v1", route_handlers=[record_step, register_transform, end_transform, trace])
