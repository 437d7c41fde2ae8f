"""The page of working conditions: the rules for everybody; hours left, findings and appeals for whoever works; what waits for
an answer, for whoever answers."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.node import conditions, findings
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import charts
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page

ANYONE = {"rule": "anyone"}
LISTED = 100  # findings on the steward's page; the API has all


@get("/findings", opt={"rule": "public"}, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, made: FromQuery[int | None] = None) -> Page:
    """Rules in force; for a party what is left to her, what was found about her and what waits for her answer."""
    node, who = node_of(request), request.scope["state"]["identity"]
    mine = findings.mine(node, who.party) if who else None
    steward = who is not None and "steward" in who.scopes
    rows = [
        charts.Bar(one.rule, one.minutes, _said(one.minutes, one.words)) for one in (mine.left if mine else ())
    ]  # fmt: skip
    return page(
        request, "findings.html", "Working conditions", rules=conditions.in_force(node), mine=mine, rows=rows,
        drawing=charts.bars("left", "How long you may still work at a stretch, by rule", rows),
        waiting=findings.waiting(node, who.party) if who else [], made=made,
        all=list(reversed(findings.made(node)))[:LISTED] if steward else None,
        appeals={one.of: one for one in mine.appeals} if mine else {},
    )  # fmt: skip


def _said(minutes: int, words: str) -> str:
    return "a day or more" if minutes >= 24 * 60 else words.partition(": ")[2]


@post("/findings/checks", opt={"rule": ("steward",)}, include_in_schema=False, sync_to_thread=True)
def check(request: AnyRequest, data: Form) -> Response[Any]:
    """Holds all that was worked against the rules."""
    found = findings.check(node_of(request))
    return back_to("/findings", made=len(found.made))


@post("/findings/{of:str}/appeal", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def appeal(request: AnyRequest, of: FromPath[str], data: Form) -> Response[Any]:
    """An appeal of hers."""
    done(findings.appeal(node_of(request), of, who_is(request).party, field(data, "reason", 2000)))
    return back_to("/findings")


@post("/findings/{of:str}/answer", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def answer(request: AnyRequest, of: FromPath[str], data: Form) -> Response[Any]:
    """An answer to an appeal."""
    who, upheld = who_is(request), field(data, "became") == "upheld"
    turn_to = "" if upheld else field(data, "turn_to", 2000)
    done(findings.answer(node_of(request), of, upheld, field(data, "reasons", 2000), turn_to, who.party, who.actors))
    return back_to("/findings")


handlers = [show, check, appeal, answer]
