"""The pages of one's own work: a worker's day with what she is offered and why, and the board of who posts jobs."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import DECIMALS, decimal
from usufruct.core.base.money import parse as parse_money
from usufruct.core.work.facts import JobTerms, Pay, Span
from usufruct.core.work.hours.conditions import duration
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.state import Availability
from usufruct.node import cover, findings, rounds, work, work_day
from usufruct.node.work_day import Day
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal.charts import Bar, Spot, bars, series, timeline
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page

ANYONE = {"rule": "anyone"}
LISTED = 50
HOURS = (0, 3, 6, 9, 12, 15, 18, 21, 24)
LIMITS_DRAWN_MINUTES = 24 * 60
_SPAN = re.compile(r"(\d{4}-\d\d-\d\d)\s+(\d\d:\d\d)\s*-\s*(?:(\d{4}-\d\d-\d\d)\s+)?(\d\d:\d\d)")


# ---- a worker's day


@get("/work/me", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def me(request: AnyRequest) -> Page:
    """The day of whoever looks: what she did, hours left, offers and rounds with reasons, what she has agreed to."""
    node, party = node_of(request), who_is(request).party
    found, told, covered = work_day.day(node, party), findings.mine(node, party), cover.cover(node, party)
    left = [
        Bar(one.rule, one.minutes,
            "a day or more" if one.minutes >= LIMITS_DRAWN_MINUTES else one.words.partition(": ")[2])
        for one in told.left
    ]  # fmt: skip
    return page(
        request, "work-me.html", "Your day", day=found, told=told, line=_line(found), duration=duration,
        left=(bars("left", "How long you may still work, by rule", left), left) if left else None,
        said=_said(found.availability, node.about.currency), currency=node.about.currency, standings=covered.standings,
    )  # fmt: skip


def _line(day: Day) -> Any:
    """The day as a line for each definition of working time, and where it is now."""
    start, length = millis(day.start), millis(day.end) - millis(day.start)

    def place(at: Instant) -> float:
        return 100 * (millis(at) - start) / length

    rows = [(f"{one.name}: {duration(one.time)}", [(place(s.start), place(s.end)) for s in one.spans])
            for one in day.definitions]  # fmt: skip
    return timeline("today", "Your working time today", rows, [(100 * hour / 24, f"{hour:02}") for hour in HOURS])


def _said(row: Availability | None, currency: str) -> dict[str, str]:
    """What she said of herself, as the form's fields hold it."""
    if row is None:
        return dict.fromkeys(("spans", "places", "floor", "refusals", "minutes"), "")
    return {
        "spans": "\n".join(_line_of(one) for one in row.spans),
        "places": ", ".join(row.places), "refusals": "\n".join(row.refusals),
        "floor": decimal(row.hourly_floor, DECIMALS[currency]) if row.hourly_floor else "",
        "minutes": str(row.minutes_max or ""),
    }  # fmt: skip


def _line_of(span: Span) -> str:
    """A span as a line of the form; the day on which it ends is told where it is another."""
    begin, end = (f"{at[:10]} {at[11:16]}" for at in (span.start, span.end))
    return f"{begin}-{end[11:]}" if begin[:10] == end[:10] else f"{begin} - {end}"


@post("/work/me/availability", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def state(request: AnyRequest, data: Form) -> Response[Any]:
    """Says when and where she would work."""
    node, spans = node_of(request), []
    for line in field(data, "spans", 5_000).splitlines():
        if not (match := _SPAN.fullmatch(line.strip())):
            raise BadInput("input.form", f"`{line[:40]}` is no time", "write a line as 2026-11-24 08:00-16:00, in UTC")
        day, start, last, end = match.groups()
        spans.append(Span(parse_instant(f"{day}T{start}:00Z"), parse_instant(f"{last or day}T{end}:00Z")))
    floor, currency = field(data, "floor", 30), node.about.currency
    done(work.state_availability(
        node, who_is(request).party, tuple(spans), _names(field(data, "places")),
        parse_money(f"{floor} {currency}").minor if floor else 0, _names(field(data, "refusals", 5_000)),
        _count(field(data, "minutes", 5)),
    ))  # fmt: skip
    return back_to("/work/me")


@post("/work/jobs/{job:str}/taking", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def take(request: AnyRequest, job: FromPath[str]) -> Response[Any]:
    """Takes an open job."""
    who = who_is(request)
    done(work.take(node_of(request), job, who.party, actors=who.actors))
    return back_to("/work/me")


@post("/work/offers/{offer:str}", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def answer(request: AnyRequest, offer: FromPath[str], data: Form) -> Response[Any]:
    """Accepts or declines what was offered."""
    node, who, word = node_of(request), who_is(request), field(data, "word", 10)
    if word == "accept":
        done(work.accept(node, offer, who.party, who.actors))
    elif word == "decline":
        done(work.decline(node, offer, who.party))
    else:
        raise BadInput("input.form", "the form does not say what you answer", "choose one of its buttons")
    return back_to("/work/me")


@post("/work/rounds/{round:str}/wishes", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def wish(request: AnyRequest, round: FromPath[str], data: Form) -> Response[Any]:
    """Says which jobs of a round she would do, by the rank that she gave each."""
    ranked = sorted((_count(str(rank)), name[5:]) for name, rank in data.items() if name.startswith("rank-") and rank)
    places = [rank for rank, _ in ranked]
    if len(set(places)) < len(places):
        raise BadInput("input.form", "two jobs have the same rank", "give each job that you wish for a rank of its own")
    done(rounds.wish(node_of(request), round, who_is(request).party, tuple(job for _, job in ranked)))
    return back_to("/work/me")


@post("/work/agreements/{agreement:str}/ending", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def end(request: AnyRequest, agreement: FromPath[str], data: Form) -> Response[Any]:
    """Ends a job agreement; either side may, with a reason."""
    who = who_is(request)
    found = done(work.end(node_of(request), agreement, who.party, field(data, "why", 1000), who.actors))
    return back_to("/work/board" if found.poster == who.party else "/work/me")


# ---- the board of who posts


@get("/work/board", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def board(request: AnyRequest) -> Page:
    """What whoever looks has posted: how much of it is agreed, job by job, and a form for the next."""
    node, party = node_of(request), who_is(request).party
    found = work_day.board(node, party)
    days = [one.day[5:] for one in found.coverage]
    seats, agreed = ([Spot(value, 0) for value in row] for row in (
        [one.seats for one in found.coverage], [one.agreed for one in found.coverage]
    ))  # fmt: skip
    drawn = series(
        "coverage", "Seats and agreements by day", days, [("seats", seats), ("agreed", agreed)], False, "none"
    )
    return page(
        request, "work-board.html", "What you posted", board=found, jobs=found.jobs[:LISTED], currency=node.about.currency,
        coverage=drawn if any(one.seats for one in found.coverage) else None,
        restrictions=[row for row in findings.restrictions(node, party) if row.operator == party],
        appeals=findings.waiting(node, party),
    )  # fmt: skip


@post("/work/board/jobs", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def post_job(request: AnyRequest, data: Form) -> Response[Any]:
    """Posts a job."""
    node, who = node_of(request), who_is(request)
    currency = node.about.currency
    amounts = [
        parse_money(f"{text} {currency}").minor if (text := field(data, name, 30)) else 0
        for name in ("per_job", "per_hour", "per_km")
    ]
    terms = JobTerms(
        field(data, "title"), field(data, "place", 63), _moment(data, "starts"), _moment(data, "ends"),
        _count(field(data, "minutes", 5)), Pay(currency, *amounts), _names(field(data, "skills", 2000)),
        _names(field(data, "conditions", 1000)), _count(field(data, "seats", 5) or "1"),
        metres=_count(field(data, "metres", 8)),
    )  # fmt: skip
    done(work.post(node, who.party, terms, round=field(data, "round", 63), actors=who.actors))
    return back_to("/work/board")


@post("/work/board/jobs/{job:str}/withdrawal", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def withdraw(request: AnyRequest, job: FromPath[str], data: Form) -> Response[Any]:
    """Withdraws a job."""
    done(work.withdraw(node_of(request), job, who_is(request).party, field(data, "why", 1000)))
    return back_to("/work/board")


def _moment(data: Form, name: str) -> Instant:
    """What a field for a day and a time holds, taken as UTC."""
    text = field(data, name, 30)
    return parse_instant(f"{text}Z" if len(text) == 19 else f"{text}:00Z")


def _names(text: str) -> tuple[str, ...]:
    """What stands between commas or line ends."""
    return tuple(dict.fromkeys(word.strip() for word in re.split(r"[,\n]", text) if word.strip()))


def _count(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise BadInput("input.form", f"`{text[:20]}` is not a whole number", "leave it empty, or write a number")
    return int(text or 0)


handlers = [me, state, take, answer, wish, end, board, post_job, withdraw]
