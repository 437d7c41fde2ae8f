"""The pages of skills: for everybody what is wanted and what there is; for each her own; for the steward what waits."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from usufruct.core.work.skills.training import COMPLETED, OUTCOMES, PROMISED, WAITS
from usufruct.node import skills, training
from usufruct.node.skills import Figures
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import charts
from usufruct.web.portal.charts import Bar
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page

ACCOUNT, STEWARD = {"rule": "account"}, {"rule": ("steward",)}
DRAWN, LISTED = 15, 100


@get("/skills", opt={"rule": "public"}, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, text: FromQuery[str] = "") -> Page:
    """Demand and supply by skill, whose certificates count, what adds up, and courses; a search by name."""
    node, who = node_of(request), request.scope["state"]["identity"]
    steward = who is not None and "steward" in who.scopes
    found, recognised, stacks = skills.figures(node), skills.recognised(node), skills.stacks(node)
    uris = [one.skill for one in recognised if one.skill]
    uris += [uri for one in stacks for uri in (one.rule.skill, *one.rule.parts)]
    return page(
        request, "skills.html", "Skills", figures=found, chart=_chart(found), shown=found.skills[:LISTED],
        recognised=recognised, stacks=stacks, names=skills.labels(node, uris), courses=training.offered(node)[:LISTED],
        text=text, matches=skills.find(node, text) if text.strip() else None, frameworks=skills.frameworks(node),
        waiting=training.waiting(node) if steward else None, promised=training.promised(node) if steward else [],
        fund=training.fund(node) if steward else None, gaps=skills.gaps(node)[:LISTED] if steward else [],
        outcomes=OUTCOMES, completed=COMPLETED,
    )  # fmt: skip


def _chart(found: Figures) -> Markup | None:
    rows = []
    for one in found.skills[:DRAWN]:
        few = f"fewer than {found.least}"
        rows.append((
            Bar(one.label, float(one.seats or 0), f"{few} open seats" if one.seats is None else f"{one.seats} open seats"),
            Bar(one.label, float(one.persons or 0), f"{few} persons" if one.persons is None else f"{one.persons} or more persons"),
        ))  # fmt: skip
    return charts.pairs("demand", "Open seats and persons, by skill", rows) if rows else None


@get("/skills/mine", opt=ACCOUNT, include_in_schema=False, sync_to_thread=True)
def mine(request: AnyRequest, applied: FromQuery[str] = "") -> Page:
    """What one holds and until when, what is one certificate away, training, and what one applied for."""
    node, party = node_of(request), who_is(request).party
    asked = training.asked_by(node, party)
    busy = {one.application.training for one in asked if one.application.stands == WAITS or one.place == PROMISED}
    courses = [one for one in training.offered(node, party) if one.training.id not in busy]
    return page(
        request, "skills-mine.html", "Your skills", held=skills.held(node, party), prospects=skills.away(node, party),
        courses=courses[:LISTED], asked=asked[:LISTED], outcomes=OUTCOMES,
        applied=any(one.application.id == applied for one in asked), currency=node.about.currency,
    )  # fmt: skip


@post("/skills/training/{id:str}/applications", opt=ACCOUNT, include_in_schema=False, sync_to_thread=True)
def apply(request: AnyRequest, id: FromPath[str], data: Form) -> Response[Any]:
    """Asks that the fund pays a place."""
    fact = done(training.apply(node_of(request), id, who_is(request).party, field(data, "why", 1000)))
    return back_to("/skills/mine", applied=fact.application)


@post("/skills/applications/{id:str}/decision", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def decide(request: AnyRequest, id: FromPath[str], data: Form) -> Response[Any]:
    """Yes or no, with reasons."""
    who, approved = who_is(request), field(data, "word") == "yes"
    done(training.decide(node_of(request), id, approved, field(data, "reasons", 1000), who.party, who.actors))
    return back_to("/skills")


@post("/skills/places/{id:str}/ending", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def end(request: AnyRequest, id: FromPath[str], data: Form) -> Response[Any]:
    """What became of a place."""
    who = who_is(request)
    done(training.end(node_of(request), id, field(data, "outcome"), who.party, who.actors))
    return back_to("/skills")


handlers = [show, mine, apply, decide, end]
