"""The pages of the exchange for work that everybody may read: demand and supply, pay, open jobs, and one job in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import get
from litestar.params import FromPath, FromQuery

from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import refuse
from usufruct.core.work.figures import SHOWN_FROM, Balance, Bin
from usufruct.node import work_views
from usufruct.node.work_views import Exchange, Posted
from usufruct.web.api import RefusedHere
from usufruct.web.auth import node_of
from usufruct.web.portal.charts import Bar, Spot, bars, series
from usufruct.web.portal.pages import AnyRequest, Page, PageNumber, page, part

PUBLIC = {"rule": "public"}
LISTED = 20
COMPARED = 10  # places or skills in a chart; the tables have all
KEPT_SECONDS = 60


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
        from_persons=SHOWN_FROM, places=_compared("places", "Seats and workers by place", found.places),
        skills=_compared("skills", "Seats and workers by skill", found.skills), bins=_bins(found),
    )  # fmt: skip


def _exchange(request: AnyRequest) -> Exchange:
    """What the page shows is worked out once a minute, however many look."""
    node, kept = node_of(request), request.app.state.get("exchange")
    if kept is None or not kept.at <= node.clock.now() < later(kept.at, seconds=KEPT_SECONDS):
        kept = request.app.state["exchange"] = work_views.exchange(node)
    return kept


def _compared(name: str, title: str, found: Sequence[Balance]) -> Any:
    shown = found[:COMPARED]
    if not shown:
        return None
    seats = [Spot(one.seats, 0) for one in shown]
    workers = [None if one.workers is None else Spot(one.workers, 0) for one in shown]
    return series(
        name, title, [_short(one.name) for one in shown], [("seats that are free", seats), ("workers", workers)], False,
        f"< {SHOWN_FROM}",
    )  # fmt: skip


def _short(name: str) -> str:
    """The last part of a URI; a place as it is."""
    return name.rstrip("/").rpartition("/")[2] or name


def _bins(found: Exchange) -> tuple[Any, list[Bar]] | None:
    rows = [Bar(_range(one, found.currency), one.count, f"{one.count} jobs") for one in found.bins]
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
        request, "job.html", found.job.terms.title, one=found, stands=_stands(found, node_of(request).clock.now())
    )


def _stands(one: Posted, at: Instant) -> str:
    if one.job.free(at):
        return "open"
    return "full" if one.job.taken >= one.job.terms.seats else "closed"


handlers = [show, job]
