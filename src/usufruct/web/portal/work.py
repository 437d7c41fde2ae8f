"""The pages of the exchange for work that everybody may read: demand and supply, pay, open jobs, one job in words, and rounds
with the rule by which jobs are given in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import get
from litestar.params import FromPath, FromQuery

from usufruct.core.base.instants import later
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.allocation.rule import METHODS, PARTS, REVEAL
from usufruct.core.work.public import Balance, Bin
from usufruct.core.work.rounds.state import STATES
from usufruct.node import rounds, work_views
from usufruct.node.work_day import stands
from usufruct.node.work_views import Exchange
from usufruct.web.api import RefusedHere
from usufruct.web.auth import node_of
from usufruct.web.portal.charts import Bar, Lines, Spot, bars, series
from usufruct.web.portal.pages import AnyRequest, Page, PageNumber, page, part

PUBLIC = {"rule": "public"}
LISTED = 20
COMPARED = 10  # places in the chart; the table has all
KEPT_SECONDS = 60
ROUNDS = 10  # the newest


@get("/work", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, place: FromQuery[str] = "", skill: FromQuery[str] = "", number: PageNumber = 1) -> Page:
    """The exchange: what is looked for and offered, what it pays, and the open jobs."""
    found = _exchange(request)
    jobs = [
        one for one in found.jobs
        if place in ("", one.job.terms.place) and (not skill or skill in one.job.terms.skills)
    ]  # fmt: skip
    return page(
        request, "work.html", "Work", found=found, jobs=part(jobs, number, LISTED), place=place, skill=skill,
        places=_places(found.places, found.least), bins=_bins(found),
        rounds=rounds.listed(node_of(request))[-ROUNDS:][::-1], states=STATES, methods=METHODS, parts=PARTS,
    )  # fmt: skip


def _exchange(request: AnyRequest) -> Exchange:
    """What the page shows is worked out once a minute, however many look."""
    node, kept = node_of(request), request.app.state.get("exchange")
    if kept is None or not kept.at <= node.clock.now() < later(kept.at, seconds=KEPT_SECONDS):
        kept = request.app.state["exchange"] = work_views.exchange(node)
    return kept


def _places(found: Sequence[Balance], least: int) -> Any:
    shown = found[:COMPARED]
    if len(shown) < 2:
        return None
    seats = [Spot(one.seats, 0) for one in shown]
    workers = [None if one.workers is None else Spot(one.workers, 0) for one in shown]
    lines: Lines = [("seats that are free", seats), ("workers, at least", workers)]
    return series("places", "Seats and workers by place", [one.name for one in shown], lines, False, f"< {least}")


def _bins(found: Exchange) -> tuple[Any, list[Bar]] | None:
    rows = [
        Bar(_range(one, found.currency), one.count, f"{one.count} job{'' if one.count == 1 else 's'}")
        for one in found.bins
    ]
    return (bars("offered", "Open jobs by what an hour pays", rows), rows) if rows else None


def _range(one: Bin, currency: str) -> str:
    return f"{Money(one.least, currency)} to {Money(one.below - 1, currency)}"


@get("/work/jobs/{job:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def job(request: AnyRequest, job: FromPath[str]) -> Page:
    """One job, in words."""
    found = work_views.job(node_of(request), job)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"there is no job `{job[:63]}`",
            remedy="choose one from the exchange",
        ))  # fmt: skip
    return page(
        request, "job.html", found.job.terms.title, one=found, stands=stands(found.job, node_of(request).clock.now())
    )


@get("/work/rounds/{round:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def round(request: AnyRequest, round: FromPath[str]) -> Page:
    """A round: its rule with the weights, the chambers' commitments and secrets, the seed, what came of it, how to check it;
    and for who took part, why she got a job or did not."""
    node, who = node_of(request), request.scope["state"]["identity"]
    found = rounds.shown(node, round)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"there is no round `{round[:63]}`",
            remedy="choose one from the exchange",
        ))  # fmt: skip
    mine = rounds.own(node, found.id, who.party) if who is not None else None
    weights = [Bar(PARTS[part.name], part.weight, f"{part.weight}") for part in found.rule.parts]
    return page(
        request, "round.html", f"Round {found.id}", one=found, method=METHODS[found.rule.method],
        reveal=REVEAL[found.rule.reveal], state=STATES[found.state],
        weights=(bars("weights", "What counts, and how much", weights), weights) if weights else None,
        chambers=list(zip(CHAMBERS, found.speakers, found.commitments, found.secrets, strict=True)),
        mine=None if isinstance(mine, Refusal) else mine,
    )  # fmt: skip


handlers = [show, job, round]
