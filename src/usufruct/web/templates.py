"""The HTTP API of templates: propose, approve, withdraw, list, run."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.access.template_values import Gap
from usufruct.core.access.templates import (
    TEXT_MAX,
    Draft,
    TemplateApproved,
    TemplateProposed,
    TemplateWithdrawn,
)
from usufruct.node import templates
from usufruct.web import messages
from usufruct.web.api import EITHER_SIDE, AnyRequest, done, replied
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Id, Purpose, Text
from usufruct.wire import sql

ANYBODY = {"rule": ("ask", "negotiate", "steward")}


class NewParameter(Struct, forbid_unknown_fields=True):
    """A gap, `$name` in the question, that takes what `column` can hold: all of that, or as narrowed here."""

    name: Text
    label: Text
    column: Text
    values: Annotated[list[str | int | bool], Meta(max_length=1000)] = []
    low: Annotated[str, Meta(max_length=40)] = ""
    high: Annotated[str, Meta(max_length=40)] = ""


class NewTemplate(Struct, forbid_unknown_fields=True):
    """A template, or its next version. `micro_rho` is what each run spends; without it, whoever runs it says."""

    template: Id
    title: Text
    sql: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
    purposes: Annotated[list[Purpose], Meta(min_length=1, max_length=50)]
    parameters: Annotated[list[NewParameter], Meta(max_length=50)] = []
    micro_rho: Annotated[int, Meta(ge=1)] | None = None


class NewRun(Struct, forbid_unknown_fields=True):
    """The value of each parameter, as text; a purpose may be left out if the template has one."""

    values: dict[str, str] = {}
    purpose: Annotated[str, Meta(max_length=100)] = ""
    micro_rho: Annotated[int, Meta(ge=1)] | None = None


@get("/templates", opt=ANYBODY, sync_to_thread=True, summary="The templates you may know of")
def show(request: AnyRequest) -> list[templates.Listed]:
    """Those that wait for approval or are run, on data that you publish or may ask about."""
    return templates.listed(node_of(request), who_is(request).party)


@post("/templates", opt=ANYBODY, sync_to_thread=True, summary="Propose a template")
def propose(request: AnyRequest, data: JSONBody[NewTemplate]) -> TemplateProposed:
    """It is run once the publisher of the data approves it."""
    gaps = tuple(Gap(one.name, one.label, one.column, tuple(one.values), one.low, one.high) for one in data.parameters)
    draft = Draft(data.template, data.title, data.sql, tuple(data.purposes), gaps, data.micro_rho)
    return done(templates.propose(node_of(request), draft, who_is(request).party, sql.parse))


@post(
    "/templates/{name:str}/{version:int}/approval", opt=EITHER_SIDE, sync_to_thread=True, summary="Approve a template"
)
def approve(request: AnyRequest, name: FromPath[str], version: FromPath[int]) -> TemplateApproved:
    """As the publisher of the data; it takes the place of the version before."""
    who = who_is(request)
    return done(templates.approve(node_of(request), name, version, who.party, who.actors))


@post("/templates/{name:str}/{version:int}/withdrawal", opt=ANYBODY, sync_to_thread=True, summary="Withdraw a template")
def withdraw(request: AnyRequest, name: FromPath[str], version: FromPath[int]) -> TemplateWithdrawn:
    """It counts from the next decision on; nothing that is under way is answered any more."""
    return done(templates.withdraw(node_of(request), name, version, who_is(request).party))


@post(
    "/templates/{name:str}/queries",
    opt={"rule": ("ask",)},
    sync_to_thread=True,
    status_code=200,
    summary="Run a template",
)
def run(request: AnyRequest, name: FromPath[str], data: JSONBody[NewRun]) -> messages.AnswerBody:
    """Asks its question with your values, or refuses with reasons; either way with a receipt."""
    who = who_is(request)
    asked = templates.Run(who.party, name, data.values, data.purpose, data.micro_rho, who.actors, who.signed)
    return replied(templates.run(node_of(request), asked, sql.parse))


router = Router("/api/v1", route_handlers=[show, propose, approve, withdraw, run])
