"""The HTTP API of skills: frameworks, whose certificates count, stacks, what one holds and lacks, training, badges.

What is public here is the framework, the rules, the courses, and figures that say nothing of anybody. Whatever is about one
person is for her alone; the steward sees what waits for a decision.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct, field

from usufruct.core.base.ids import did_web
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.refusals import refuse
from usufruct.core.work.skills.demand import Gap
from usufruct.core.work.skills.state import (
    Framework,
    FrameworkAdopted,
    IssuerRecognised,
    Recognition,
    RecognitionEnded,
    Stack,
    StackAdopted,
    StackEnded,
)
from usufruct.core.work.skills.training import (
    Course,
    PlaceEnded,
    Ranked,
    TrainingApplied,
    TrainingDecided,
    TrainingOffered,
    TrainingWithdrawn,
)
from usufruct.node import badges, skills, training
from usufruct.node.badges import Draft
from usufruct.node.skills import Edition, Figures, Found, Held, Prospects
from usufruct.node.training import Asked
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text
from usufruct.wire import esco, jose
from usufruct.wire import stack as wire

PUBLIC, ACCOUNT = {"rule": "public"}, {"rule": "account"}
Uri = Annotated[str, Meta(min_length=1, max_length=500)]
Words = Annotated[str, Meta(min_length=1, max_length=1000)]
Most = Annotated[int, QueryParameter(name="most", ge=1, le=skills.FIND_MAX)]


class NewFramework(Struct, forbid_unknown_fields=True):
    """A framework as CSV with the columns `uri`, `label`, `broader`; ESCO is loaded at the terminal."""

    framework: Id
    version: Text
    title: Text
    source: Text
    licence: Text
    skills: str


class NewRecognition(Struct, forbid_unknown_fields=True):
    """What `issuer` says counts for a `skill` (empty: for all), with `branch` for all below it too, for so many `months`."""

    issuer: Uri
    why: Words
    skill: Annotated[str, Meta(max_length=500)] = ""
    branch: bool = False
    months: int = 0


class Why(Struct, forbid_unknown_fields=True):
    """Why something ends."""

    why: Words


class NewStack(Struct, forbid_unknown_fields=True):
    """A stack as TOML."""

    stack: str


class NewCourse(Struct, forbid_unknown_fields=True):
    """A course that leads to `skill`; `price` for each of its `seats`, as `240.00 EUR`."""

    title: Text
    skill: Uri
    place: Text
    starts: Day
    ends: Day
    price: Text
    seats: int
    provider: Annotated[str, Meta(max_length=63)] = ""


class Decision(Struct, forbid_unknown_fields=True):
    """Yes or no to an application, with reasons."""

    approved: bool
    reasons: Words


class Outcome(Struct, forbid_unknown_fields=True):
    """What became of a place: completed, attended or missed."""

    outcome: Text


class NewBadge(Struct, forbid_unknown_fields=True):
    """An Open Badge 3.0 for `party`, bound to her public `key` (a JWK), good for `days`."""

    party: Id
    achievement: Uri
    name: Text
    description: Annotated[str, Meta(min_length=1, max_length=2000)]
    criteria: Annotated[str, Meta(min_length=1, max_length=2000)]
    skills: Annotated[list[Uri], Meta(min_length=1, max_length=20)]
    key: dict[str, Any]
    days: int = 730
    awarded: Annotated[str, Meta(max_length=40)] = field(default="")


# ---- for everybody


@get("/skills", opt=PUBLIC, sync_to_thread=True, summary="Find skills")
def find_skills(request: AnyRequest, text: FromQuery[str], most: Most = 20) -> list[Found]:
    """The skills that are called so, the best first."""
    return skills.find(node_of(request), text, most)


@get("/skills/named", opt=PUBLIC, sync_to_thread=True, summary="A skill")
def show_skill(request: AnyRequest, uri: FromQuery[str]) -> Found:
    """A skill by its URI."""
    found = skills.look_up(node_of(request), uri)
    if found is None:
        raise RefusedHere(refuse("registry.unknown", "there is no such skill", "no framework of the node names it",
                                 remedy="search for it by its name"))  # fmt: skip
    return found


@get("/skills/frameworks", opt=PUBLIC, sync_to_thread=True, summary="Frameworks")
def list_frameworks(request: AnyRequest) -> list[Framework]:
    """The frameworks of skills that the node has."""
    return skills.frameworks(node_of(request))


@get("/skills/figures", opt=PUBLIC, sync_to_thread=True, summary="Demand and supply")
def show_figures(request: AnyRequest) -> Figures:
    """Seats of open jobs and persons, by skill; small numbers are not shown, and persons are told in steps."""
    return skills.figures(node_of(request))


@get("/skills/recognitions", opt=PUBLIC, sync_to_thread=True, summary="Recognised issuers")
def list_recognitions(request: AnyRequest) -> list[Recognition]:
    """Whose certificates count, for what."""
    return skills.recognised(node_of(request))


@get("/skills/stacks", opt=PUBLIC, sync_to_thread=True, summary="Stacks")
def list_stacks(request: AnyRequest) -> list[Stack]:
    """What adds up to a skill."""
    return skills.stacks(node_of(request))


@get("/skills/training", opt=PUBLIC, sync_to_thread=True, summary="Training")
def list_training(request: AnyRequest) -> list[Ranked]:
    """The courses that one can apply for, what begins first before the others."""
    return training.offered(node_of(request))


@get("/skills/badges/status", opt=PUBLIC, sync_to_thread=True, media_type="application/vc+jwt",
     summary="The status list of badges")  # fmt: skip
def badge_status(request: AnyRequest) -> str:
    """Which badges of this node are revoked, as a Bitstring Status List: numbers only, and no party."""
    node = node_of(request)
    return badges.status_list(node, did_web(node.about.url))


# ---- for the steward


@post("/skills/frameworks", opt=STEWARD, sync_to_thread=True, summary="Adopt a framework")
def adopt_framework(request: AnyRequest, data: JSONBody[NewFramework]) -> FrameworkAdopted:
    """Names skills as a framework has them; another version takes the place of the one before."""
    who, text = who_is(request), data.skills.encode()
    edition = Edition(
        data.framework, data.version, data.title, data.source, data.licence, hashlib.sha256(text).hexdigest()
    )
    found = esco.read_plain(text).skills
    return done(skills.load(node_of(request), edition, found, who.party, who.actors))


@post("/skills/recognitions", opt=STEWARD, sync_to_thread=True, summary="Recognise an issuer")
def recognise_issuer(request: AnyRequest, data: JSONBody[NewRecognition]) -> IssuerRecognised:
    """Its certificates count from now on; the settings must trust its signature too."""
    who = who_is(request)
    return done(skills.recognise(
        node_of(request), data.issuer, data.skill, data.branch, data.months, data.why, who.party, who.actors
    ))  # fmt: skip


@post("/skills/recognitions/{id:str}/ending", opt=STEWARD, sync_to_thread=True, summary="End a recognition")
def end_recognition(request: AnyRequest, id: FromPath[str], data: JSONBody[Why]) -> RecognitionEnded:
    """Its certificates count no more."""
    who = who_is(request)
    return done(skills.end_recognition(node_of(request), id, data.why, who.party, who.actors))


@post("/skills/stacks", opt=STEWARD, sync_to_thread=True, summary="Adopt a stack")
def adopt_stack(request: AnyRequest, data: JSONBody[NewStack]) -> StackAdopted:
    """What adds up to a skill from now on."""
    who = who_is(request)
    return done(skills.stack(node_of(request), wire.read(data.stack), who.party, who.actors))


@post("/skills/stacks/{name:str}/ending", opt=STEWARD, sync_to_thread=True, summary="End a stack")
def end_stack(request: AnyRequest, name: FromPath[str], data: JSONBody[Why]) -> StackEnded:
    """It applies no more."""
    who = who_is(request)
    return done(skills.end_stack(node_of(request), name, data.why, who.party, who.actors))


@get("/skills/gaps", opt=STEWARD, sync_to_thread=True, summary="Where skills are missing")
def list_gaps(request: AnyRequest) -> list[Gap]:
    """For each place and skill, how many seats ask for it and how many persons there hold it: exact, so not for everybody."""
    return skills.gaps(node_of(request))


@get("/skills/applications", opt=STEWARD, sync_to_thread=True, summary="Applications that wait")
def list_applications(request: AnyRequest) -> list[Asked]:
    """Who asks that the fund pays her a place, the oldest first."""
    return training.waiting(node_of(request))


@post("/skills/applications/{id:str}/decision", opt=STEWARD, sync_to_thread=True, summary="Decide on an application")
def decide_application(request: AnyRequest, id: FromPath[str], data: JSONBody[Decision]) -> TrainingDecided:
    """With a yes the price is reserved in the training fund; a person decides."""
    who = who_is(request)
    return done(training.decide(node_of(request), id, data.approved, data.reasons, who.party, who.actors))


@post("/skills/places/{id:str}/ending", opt=STEWARD, sync_to_thread=True, summary="End a place")
def end_place(request: AnyRequest, id: FromPath[str], data: JSONBody[Outcome]) -> PlaceEnded:
    """What became of a place that was promised: the fund pays the provider, or keeps the price."""
    who = who_is(request)
    return done(training.end(node_of(request), id, data.outcome, who.party, who.actors))


@post("/skills/badges", opt=STEWARD, sync_to_thread=True, summary="Give a badge")
def give_badge(request: AnyRequest, data: JSONBody[NewBadge]) -> dict[str, str]:
    """An Open Badge 3.0, for its holder alone: what it says is in no record of the node."""
    node = node_of(request)
    issuer = did_web(node.about.url)
    draft = Draft(
        data.achievement, data.name, data.description, data.criteria, tuple(data.skills), data.days,
        parse_instant(data.awarded) if data.awarded else None,
    )  # fmt: skip
    return {"badge": done(badges.give(node, issuer, data.party, jose.compact(data.key), draft)), "issuer": issuer}


# ---- for whoever is concerned


@get("/me/skills", opt=ACCOUNT, sync_to_thread=True, summary="Your skills")
def own_skills(request: AnyRequest) -> list[Held]:
    """What you hold, until when, and by whose word."""
    return skills.held(node_of(request), who_is(request).party)


@get("/me/skills/away", opt=ACCOUNT, sync_to_thread=True, summary="One certificate away")
def own_prospects(request: AnyRequest) -> Prospects:
    """How many open jobs you could take, and which one certificate would open most."""
    return skills.away(node_of(request), who_is(request).party)


@get("/me/skills/training", opt=ACCOUNT, sync_to_thread=True, summary="Training for you")
def own_training(request: AnyRequest) -> list[Ranked]:
    """The courses that one can apply for, what opens most jobs for you first."""
    return training.offered(node_of(request), who_is(request).party)


@get("/me/skills/applications", opt=ACCOUNT, sync_to_thread=True, summary="Your applications")
def own_applications(request: AnyRequest) -> list[Asked]:
    """What you applied for, and what became of it."""
    return training.asked_by(node_of(request), who_is(request).party)


@post("/skills/training", opt=ACCOUNT, sync_to_thread=True, summary="Offer training")
def offer_training(request: AnyRequest, data: JSONBody[NewCourse]) -> TrainingOffered:
    """Offers places in a course; the operator may do it for a provider."""
    node, who = node_of(request), who_is(request)
    price = parse_money(data.price, node.about.currency)
    course = Course(
        data.title, data.skill, data.provider or who.party, data.place, parse_instant(data.starts),
        parse_instant(data.ends), price.minor, price.currency, data.seats,
    )  # fmt: skip
    return done(training.offer(node, course, who.party))


@post("/skills/training/{id:str}/withdrawal", opt=ACCOUNT, sync_to_thread=True, summary="Withdraw training")
def withdraw_training(request: AnyRequest, id: FromPath[str], data: JSONBody[Why]) -> TrainingWithdrawn:
    """One can apply for it no more."""
    return done(training.withdraw(node_of(request), id, data.why, who_is(request).party))


@post("/skills/training/{id:str}/applications", opt=ACCOUNT, sync_to_thread=True, summary="Apply for training")
def apply_for_training(request: AnyRequest, id: FromPath[str], data: JSONBody[Why]) -> TrainingApplied:
    """Asks that the training fund pays you a place."""
    return done(training.apply(node_of(request), id, who_is(request).party, data.why))


router = Router(
    "/api/v1",
    route_handlers=[
        find_skills, show_skill, list_frameworks, show_figures, list_recognitions, list_stacks, list_training, badge_status,
        adopt_framework, recognise_issuer, end_recognition, adopt_stack, end_stack, list_gaps, list_applications,
        decide_application, end_place, give_badge, own_skills, own_prospects, own_training, own_applications,
        offer_training, withdraw_training, apply_for_training,
    ],
)  # fmt: skip
