"""`work`: jobs from both sides. Post and withdraw, say when one would work, take and decline, record what was done, end.

A moment can be written as `2026-11-30T09:00:00Z`, or from now on: `+2h`, `+90m`, `+3d`, and `-1h` for what is past.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, out, table
from usufruct.cli.work import work
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.work import terms as words
from usufruct.core.work.facts import JobTerms, Pay, Span
from usufruct.core.work.state import JobAgreement
from usufruct.node import work as use_case
from usufruct.node.node import Node

As = Annotated[str, typer.Option("--as", help="the party that acts")]
ByOperator = Annotated[str | None, typer.Option("--as", help="the party that acts (default: the operator)")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="a job by its id")]
Why = Annotated[str, typer.Argument(help="why")]
_FROM_NOW = re.compile(r"([+-]\d{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def when(text: str, now: Instant) -> Instant:
    """The moment that somebody means.

    Raises:
        BadInput: it is none.
    """
    found = _FROM_NOW.fullmatch(text.strip())
    return later(now, **{_UNITS[found[2]]: int(found[1])}) if found else parse_instant(text)


def span(text: str, now: Instant) -> Span:
    """`FROM/TO`, two moments.

    Raises:
        BadInput: it is none.
    """
    start, found, end = text.partition("/")
    if not found:
        raise BadInput("input.work", f"`{text}` is not a span of time", "write it as FROM/TO, as +2h/+5h")
    return Span(when(start, now), when(end, now))


def _minor(node: Node, text: str | None) -> int:
    return parse_money(text, node.about.currency).minor if text else 0


@command(work, "post")
def post(
    title: Annotated[str, typer.Argument(help="what is to be done")],
    place: Annotated[str, typer.Option(help="where, in small letters, digits and hyphens")],
    starts: Annotated[str, typer.Option(help="not before then")],
    ends: Annotated[str, typer.Option(help="done by then")],
    minutes: Annotated[int, typer.Option(help="how long it takes")],
    per_job: Annotated[str | None, typer.Option(help="what it pays once, as `12.00 EUR`")] = None,
    per_hour: Annotated[str | None, typer.Option(help="what it pays an engaged hour")] = None,
    per_km: Annotated[str | None, typer.Option(help="what it pays a kilometre")] = None,
    skill: Annotated[list[str] | None, typer.Option(help="the URI of a skill it asks for; may be repeated")] = None,
    condition: Annotated[list[str] | None, typer.Option(help="a safety condition you promise; may be repeated")] = None,
    seats: Annotated[int, typer.Option(help="how many can do it")] = 1,
    taker: Annotated[list[str] | None, typer.Option(help="a kind of party that may take it (default: person)")] = None,
    metres: Annotated[int, typer.Option(help="how far it goes")] = 0,
    until: Annotated[str | None, typer.Option(help="until when it can be taken (default: until it starts)")] = None,
    round: Annotated[str, typer.Option(help="the round in which it is given out (default: who comes first)")] = "",
    by: ByOperator = None,
    dir: Directory = HERE,
) -> None:
    """Post a job."""
    with doors().open(dir) as node:
        now = node.clock.now()
        pay = Pay(node.about.currency, _minor(node, per_job), _minor(node, per_hour), _minor(node, per_km))
        terms = JobTerms(
            title, place, when(starts, now), when(ends, now), minutes, pay, tuple(skill or ()), tuple(condition or ()),
            seats, tuple(taker or ("person",)), metres,
        )  # fmt: skip
        last = when(until, now) if until else None
        fact = done(use_case.post(node, by or node.about.operator, terms, last, round))
    out.print(f"posted {fact.job}: {words.in_words(fact.terms)}", markup=False)


@command(work, "jobs")
def jobs(
    place: Annotated[str, typer.Option(help="only at this place")] = "",
    skill: Annotated[str, typer.Option(help="only those that ask for this skill")] = "",
    round: Annotated[str, typer.Option(help="only those of this round")] = "",
    dir: Directory = HERE,
) -> None:
    """The jobs that can still be taken."""
    with doors().open(dir) as node:
        found = use_case.open_jobs(node, place, skill, round)
    rows = [
        [one.job.id, one.job.terms.title, one.job.terms.place, *_window(one.job.terms), words.in_words(one.job.terms),
         one.free, one.job.round]
        for one in found
    ]  # fmt: skip
    table("", ["job", "what", "where", "from", "to", "pay", "free", "round"], rows, ("free",))


@command(work, "withdraw")
def withdraw(job: JobId, why: Why, by: ByOperator = None, dir: Directory = HERE) -> None:
    """Take a job back; what is agreed stays."""
    with doors().open(dir) as node:
        done(use_case.withdraw(node, job, by or node.about.operator, why))
    out.print(f"withdrew {job}", markup=False)


@command(work, "available")
def available(
    by: As,
    spans: Annotated[list[str], typer.Option("--from-to", help="when, as FROM/TO; may be repeated")],
    place: Annotated[list[str] | None, typer.Option(help="where; may be repeated (default: anywhere)")] = None,
    floor: Annotated[str | None, typer.Option(help="the least an hour, as `12.00 EUR`")] = None,
    refuse: Annotated[
        list[str] | None, typer.Option(help="what you do not do: job:ID, by:PARTY or condition:NAME; may be repeated")
    ] = None,
    week: Annotated[int, typer.Option(help="the most minutes in a week (0: no bound)")] = 0,
    dir: Directory = HERE,
) -> None:
    """Say when and where you would work, and what you do not do."""
    with doors().open(dir) as node:
        now = node.clock.now()
        fact = done(use_case.state_availability(
            node, by, tuple(span(text, now) for text in spans), tuple(place or ()), _minor(node, floor),
            tuple(refuse or ()), week,
        ))  # fmt: skip
    where = ", ".join(fact.places) or "anywhere"
    out.print(f"{by} would work in {len(fact.spans)} spans of time, {where}", markup=False)


@command(work, "offer")
def offer(
    job: JobId,
    worker: Annotated[str, typer.Argument(help="a worker who did a job of yours before")],
    until: Annotated[str | None, typer.Option(help="until when she can accept")] = None,
    by: ByOperator = None,
    dir: Directory = HERE,
) -> None:
    """Offer a job to one worker, for whom a seat is kept."""
    with doors().open(dir) as node:
        last = when(until, node.clock.now()) if until else None
        fact = done(use_case.offer(node, job, worker, by or node.about.operator, last))
    out.print(f"{fact.offer}: {worker} can accept {job} until {fact.until[:16]}Z", markup=False)


@command(work, "take")
def take(
    job: JobId,
    by: As,
    worker: Annotated[str, typer.Option(help="a machine of yours that does it (default: you)")] = "",
    dir: Directory = HERE,
) -> None:
    """Take an open job."""
    with doors().open(dir) as node:
        fact = done(use_case.take(node, job, by, worker))
    out.print(f"{fact.agreement}: {fact.worker} does {job} for {fact.poster}", markup=False)


@command(work, "accept")
def accept(
    offer: Annotated[str, typer.Argument(metavar="OFFER", help="an offer to you")], by: As, dir: Directory = HERE
) -> None:
    """Accept a job that was offered to you."""
    with doors().open(dir) as node:
        fact = done(use_case.accept(node, offer, by))
    out.print(f"{fact.agreement}: {fact.worker} does {fact.job} for {fact.poster}", markup=False)


@command(work, "decline")
def decline(
    offer: Annotated[str, typer.Argument(metavar="OFFER", help="an offer to you")], by: As, dir: Directory = HERE
) -> None:
    """Decline a job that was offered to you; you need not say why."""
    with doors().open(dir) as node:
        done(use_case.decline(node, offer, by))
    out.print(f"declined {offer}", markup=False)


@command(work, "end")
def end(
    agreement: Annotated[str, typer.Argument(metavar="AGREEMENT", help="a job agreement of yours")],
    why: Why,
    by: As,
    dir: Directory = HERE,
) -> None:
    """End a job agreement; either side may, and both read why."""
    with doors().open(dir) as node:
        done(use_case.end(node, agreement, by, why))
    out.print(f"ended {agreement}", markup=False)


@command(work, "shift")
def shift(
    worker: Annotated[str, typer.Argument(help="a worker of yours")],
    whole: Annotated[str, typer.Option("--from-to", help="from logging in to logging out, as FROM/TO")],
    online: Annotated[list[str], typer.Option(help="a span at your disposal, as FROM/TO; may be repeated")],
    zone: Annotated[str, typer.Option(help="the time zone whose days count, as Europe/Tallinn")] = "UTC",
    by: ByOperator = None,
    dir: Directory = HERE,
) -> None:
    """Record a shift, as the operator."""
    with doors().open(dir) as node:
        now = node.clock.now()
        lasted, spans = span(whole, now), tuple(span(text, now) for text in online)
        operator = by or node.about.operator
        fact = done(use_case.record_shift(node, operator, worker, lasted.start, lasted.end, spans, zone))
    out.print(f"recorded {fact.shift} of {worker}", markup=False)


@command(work, "done")
def record(
    agreement: Annotated[str, typer.Argument(metavar="AGREEMENT", help="a job agreement of yours")],
    engaged: Annotated[list[str], typer.Option(help="when it was done, as FROM/TO; may be repeated")],
    gross: Annotated[str, typer.Option(help="what the customer paid, without tips and surcharges")],
    fee: Annotated[str | None, typer.Option(help="what you kept of it")] = None,
    tips: Annotated[str | None, typer.Option(help="tips")] = None,
    surcharges: Annotated[str | None, typer.Option(help="surcharges")] = None,
    metres: Annotated[int, typer.Option(help="how far it went")] = 0,
    orders: Annotated[int, typer.Option(help="how many were carried at once")] = 1,
    of_shift: Annotated[str, typer.Option("--shift", help="the shift it was done in")] = "",
    safe: Annotated[list[str] | None, typer.Option(help="a promised condition that was kept; may be repeated")] = None,
    by: ByOperator = None,
    dir: Directory = HERE,
) -> None:
    """Record a piece of work, as the poster of its job."""
    with doors().open(dir) as node:
        now = node.clock.now()
        told = use_case.Done(
            agreement, tuple(span(text, now) for text in engaged), _minor(node, gross), _minor(node, fee), metres,
            _minor(node, tips), _minor(node, surcharges), orders, of_shift, tuple(safe or ()),
        )  # fmt: skip
        fact = done(use_case.record_work(node, by or node.about.operator, told))
    earned = Money(fact.gross - fact.fee, fact.currency)
    out.print(f"recorded {fact.work}: {earned} for the worker, before tips and floors", markup=False)


@command(work, "mine")
def mine(by: As, dir: Directory = HERE) -> None:
    """Somebody's offers, job agreements, jobs and work."""
    with doors().open(dir) as node:
        found = use_case.mine(node, by)
    said = found.availability
    if said is not None:
        out.print(f"would work in {len(said.spans)} spans, {', '.join(said.places) or 'anywhere'}", markup=False)
    _if_any("offers", ["offer", "job", "by", "until"], [[o.id, o.job, o.poster, o.until[:16]] for o in found.offers])
    _if_any("job agreements", AGREED, agreed(found.agreements))
    _if_any(
        "jobs posted", ["job", "what", "from", "to", "taken", "seats", ""],
        [[one.id, one.terms.title, *_window(one.terms), one.taken, one.terms.seats, one.stands] for one in found.posted],
        ("taken", "seats"),
    )  # fmt: skip
    _if_any(
        "work", ["id", "agreement", "worker", "from", "gross", "fee"],
        [[one.id, one.agreement, one.worker, one.engaged[0].start[:16], Money(one.gross, one.currency),
          Money(one.fee, one.currency)] for one in found.works],
        ("gross", "fee"),
    )  # fmt: skip


AGREED = ["id", "job", "what", "worker", "for", "from", "to", ""]


def agreed(rows: Iterable[JobAgreement]) -> list[list[Any]]:
    """Job agreements as lines of a table."""
    return [
        [one.id, one.job, one.terms.title, one.worker, one.poster, *_window(one.terms), "ended" if one.ended else ""]
        for one in rows
    ]


def _if_any(title: str, columns: list[str], rows: list[list[Any]], right: tuple[str, ...] = ()) -> None:
    if rows:
        table(title, columns, rows, right)


def _window(terms: JobTerms) -> list[str]:
    return [terms.starts[:16].replace("T", " "), terms.ends[:16].replace("T", " ")]
