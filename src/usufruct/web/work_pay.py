"""The HTTP API of pay for work: an operator plans, looks, pays or refuses, and puts payslips right; the steward may for each."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.records import plain
from usufruct.core.work.pay.state import PayCorrected, PayRefused, PayRun
from usufruct.node import work_pay
from usufruct.web.api import AnyRequest, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text

ANYONE = {"rule": "anyone"}
Why = Annotated[str, Meta(min_length=1, max_length=500)]


class NewPayPlan(Struct, forbid_unknown_fields=True):
    """Plan the pay of an operator (yourself) for the work that ended before `until` (now) and was not paid."""

    operator: Id | None = None
    since: Day | None = None
    until: Day | None = None
    currency: Annotated[str, Meta(max_length=3)] = ""


class PayRefusal(Struct, forbid_unknown_fields=True):
    """Why a plan is not carried out."""

    why: Why


class NewPayCorrection(Struct, forbid_unknown_fields=True):
    """What the worker gets beside a payslip, as `2.50 EUR`; below zero she gives it back; and what was wrong."""

    amount: Text
    why: Why


def _steward(request: AnyRequest) -> bool:
    return "steward" in who_is(request).scopes


def _payer(request: AnyRequest, plan: str = "", payslip: str = "") -> str:
    """For which operator a request speaks: the one who sends it, or for a steward any."""
    who = who_is(request)
    if not _steward(request):
        return who.party
    node = node_of(request)
    return work_pay.operator_of(node, plan) if plan else work_pay.payer_of(node, payslip)


@post("/work/pay", opt=ANYONE, sync_to_thread=True, summary="Plan the pay for work")
def plan_pay(request: AnyRequest, data: JSONBody[NewPayPlan]) -> dict[str, Any]:
    """What an operator would pay for all work that is not paid yet. It moves nothing."""
    who = who_is(request)
    since, until = (parse_instant(day) if day else None for day in (data.since, data.until))
    operator = data.operator or who.party
    if operator != who.party and not _steward(request):
        operator = ""
    return as_plain(done(work_pay.plan(node_of(request), operator, since, until, who.party, data.currency)))


def as_plain(found: Any) -> dict[str, Any]:
    """A record as JSON."""
    shown = plain(found)
    assert isinstance(shown, dict)
    return shown


@get("/work/pay", opt=ANYONE, sync_to_thread=True, summary="Your pay runs")
def list_pay(request: AnyRequest) -> list[PayRun]:
    """The plans of whoever asks, the newest first."""
    return list(work_pay.runs(node_of(request), who_is(request).party))


@get("/work/pay/{plan:str}", opt=ANYONE, sync_to_thread=True, summary="A plan, as it stands")
def show_pay(request: AnyRequest, plan: FromPath[str]) -> PayRun:
    """A plan of yours, with every slip."""
    return done(work_pay.run(node_of(request), plan, _payer(request, plan)))


@post("/work/pay/{plan:str}/approval", opt=ANYONE, sync_to_thread=True, summary="Carry a plan out")
def approve_pay(request: AnyRequest, plan: FromPath[str]) -> dict[str, Any]:
    """Pays every worker on a plan, wholly or not at all, once; a person signs it."""
    who = who_is(request)
    found = done(work_pay.pay(node_of(request), plan, _payer(request, plan), who.party, who.actors))
    return {
        "plan": found.plan,
        "net": found.net,
        "currency": found.currency,
        "payslips": [one.pay for one in found.payslips],
    }


@post("/work/pay/{plan:str}/refusal", opt=ANYONE, sync_to_thread=True, summary="Refuse a plan")
def refuse_pay(request: AnyRequest, plan: FromPath[str], data: JSONBody[PayRefusal]) -> PayRefused:
    """Refuses a plan, so that nobody carries it out; a person signs it."""
    who = who_is(request)
    return done(work_pay.refuse(node_of(request), plan, _payer(request, plan), data.why, who.party, who.actors))


@post("/work/payslips/{payslip:str}/corrections", opt=ANYONE, sync_to_thread=True, summary="Put a payslip right")
def correct_pay(request: AnyRequest, payslip: FromPath[str], data: JSONBody[NewPayCorrection]) -> PayCorrected:
    """Posts what a payslip got wrong; a person signs it."""
    who, amount = who_is(request), parse_money(data.amount)
    payer = _payer(request, payslip=payslip)
    return done(work_pay.correct(node_of(request), payslip, payer, amount, data.why, who.party, who.actors))


router = Router(
    "/api/v1", route_handlers=[plan_pay, list_pay, show_pay, approve_pay, refuse_pay, correct_pay]
)  # fmt: skip
