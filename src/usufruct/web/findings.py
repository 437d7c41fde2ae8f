"""The HTTP API of working conditions: rules in force, findings, hours left, appeals, and what is done to accounts."""

from __future__ import annotations

from typing import Literal

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.work.hours.conditions import ConditionSet, RuleEnded
from usufruct.core.work.hours.findings import (
    AccountRestored,
    AccountRestricted,
    Appeal,
    AppealAnswered,
    FindingAppealed,
    MadeFinding,
    Restriction,
)
from usufruct.node import conditions, findings
from usufruct.node.conditions import Standing
from usufruct.node.findings import Checked, Mine
from usufruct.web.api import STEWARD, AnyRequest, done
from usufruct.web.auth import node_of, who_is
from usufruct.wire import conditions as wire

ANYONE = {"rule": "anyone"}


class NewConditions(Struct, forbid_unknown_fields=True):
    """A pack of conditions as TOML, for all work or for the work at one `operator`."""

    conditions: str
    operator: str = ""


class RuleEnding(Struct, forbid_unknown_fields=True):
    """Why a rule is no longer checked, from now or from a day on."""

    why: str
    effective: str = ""
    operator: str = ""


class NewCheck(Struct, forbid_unknown_fields=True):
    """Whose work is checked, and of which time: all, if nothing is said."""

    worker: str = ""
    since: str = ""


class NewAppeal(Struct, forbid_unknown_fields=True):
    """What is wrong with a finding, or with a restriction of one's account."""

    reason: str


class NewAppealAnswer(Struct, forbid_unknown_fields=True):
    """The answer to an appeal, with reasons; `turn_to` says where else she can go if it is not upheld."""

    upheld: bool
    reasons: str
    turn_to: str = ""


class NewRestriction(Struct, forbid_unknown_fields=True):
    """What is done to a worker's account at an `operator`, why, whom she can talk to, and until when."""

    worker: str
    operator: str
    kind: Literal["restricted", "suspended", "ended"]
    reasons: str
    contact: str
    until: str = ""


class Restoring(Struct, forbid_unknown_fields=True):
    """Why a restriction counts no more."""

    why: str


@get("/findings", opt=ANYONE, sync_to_thread=True, summary="Your working conditions")
def own_findings(request: AnyRequest) -> Mine:
    """What is left of each limit for you now, where you are sent no work, findings about you, restrictions and appeals."""
    return findings.mine(node_of(request), who_is(request).party)


@get("/findings/all", opt=STEWARD, sync_to_thread=True, summary="All findings")
def all_findings(request: AnyRequest) -> list[MadeFinding]:
    """Every finding about anybody, the oldest first."""
    return findings.made(node_of(request))


@get("/findings/rules", opt={"rule": "public"}, sync_to_thread=True, summary="Rules of work in force")
def list_rules(request: AnyRequest) -> list[Standing]:
    """The rules of work that are in force, or will be, with their numbers, whose they are, and where that is written."""
    return conditions.in_force(node_of(request))


@post("/findings/rules", opt=STEWARD, sync_to_thread=True, summary="Put conditions in force")
def put_conditions(request: AnyRequest, data: JSONBody[NewConditions]) -> ConditionSet:
    """Puts a pack of conditions in force, or a single one."""
    who = who_is(request)
    return done(conditions.put(node_of(request), wire.read(data.conditions), data.operator, who.party, who.actors))


@post("/findings/rules/{rule:str}/ending", opt=STEWARD, sync_to_thread=True, summary="End a rule")
def end_rule(request: AnyRequest, rule: FromPath[str], data: JSONBody[RuleEnding]) -> RuleEnded:
    """Checks a rule no more."""
    who = who_is(request)
    effective = parse_instant(data.effective) if data.effective else None
    return done(conditions.end(node_of(request), rule, data.operator, data.why, effective, who.party, who.actors))


@post("/findings/checks", opt=STEWARD, sync_to_thread=True, summary="Check what was worked")
def check_hours(request: AnyRequest, data: JSONBody[NewCheck]) -> Checked:
    """Holds what was worked against the rules; what was found before is not found again."""
    since = parse_instant(data.since) if data.since else None
    return findings.check(node_of(request), since, data.worker)


@post("/findings/{of:str}/appeal", opt=ANYONE, sync_to_thread=True, summary="Appeal")
def appeal(request: AnyRequest, of: FromPath[str], data: JSONBody[NewAppeal]) -> FindingAppealed:
    """You appeal against a finding about you, or a restriction of your account."""
    return done(findings.appeal(node_of(request), of, who_is(request).party, data.reason))


@get("/findings/appeals", opt=ANYONE, sync_to_thread=True, summary="Appeals that wait for you")
def list_appeals(request: AnyRequest) -> list[Appeal]:
    """The appeals that wait for your answer: all, if you run the node; else those against restrictions of yours."""
    return findings.waiting(node_of(request), who_is(request).party)


@post("/findings/{of:str}/answer", opt=ANYONE, sync_to_thread=True, summary="Answer an appeal")
def answer_appeal(request: AnyRequest, of: FromPath[str], data: JSONBody[NewAppealAnswer]) -> AppealAnswered:
    """Answers an appeal; a person decides it."""
    who = who_is(request)
    return done(findings.answer(node_of(request), of, data.upheld, data.reasons, data.turn_to, who.party, who.actors))


@get("/findings/restrictions", opt=ANYONE, sync_to_thread=True, summary="Restrictions of accounts")
def list_restrictions(request: AnyRequest) -> list[Restriction]:
    """The restrictions of accounts that are yours to end: all, if you run the node."""
    return findings.restrictions(node_of(request), who_is(request).party)


@post("/findings/restrictions", opt=ANYONE, sync_to_thread=True, summary="Restrict an account")
def restrict(request: AnyRequest, data: JSONBody[NewRestriction]) -> AccountRestricted:
    """Restricts, suspends or ends a worker's account; a person decides it, with reasons and a human contact."""
    who = who_is(request)
    until = parse_instant(data.until) if data.until else None
    return done(findings.restrict(
        node_of(request), data.worker, data.operator, data.kind, data.reasons, data.contact, until, who.party, who.actors
    ))  # fmt: skip


@post("/findings/restrictions/{id:str}/ending", opt=ANYONE, sync_to_thread=True, summary="Restore an account")
def restore(request: AnyRequest, id: FromPath[str], data: JSONBody[Restoring]) -> AccountRestored:
    """Ends a restriction of an account."""
    who = who_is(request)
    return done(findings.restore(node_of(request), id, data.why, who.party, who.actors))


router = Router(
    "/api/v1",
    route_handlers=[
        own_findings, all_findings, list_rules, put_conditions, end_rule, check_hours, appeal, list_appeals, answer_appeal,
        list_restrictions, restrict, restore,
    ],
)  # fmt: skip
