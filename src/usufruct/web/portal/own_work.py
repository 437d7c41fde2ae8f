"""Pages of work, for whom it is about: a worker's own five series, payslips and export; and what an operator shows everybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from litestar import get
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from usufruct.core.base.money import DECIMALS
from usufruct.core.work.hours.measured import DEFINITIONS, ENGAGED, ONLINE, WHOLE
from usufruct.core.work.own.fairwork import PRINCIPLES
from usufruct.core.work.own.portable import NO_RATINGS, Series
from usufruct.core.work.own.series import MONTH, WEEK, Time
from usufruct.core.work.pay.rules import clock
from usufruct.core.work.pay.state import WORKER
from usufruct.node import operators, owndata
from usufruct.node.operator_sources import Allocation
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import charts
from usufruct.web.portal.charts import Bar, Spot
from usufruct.web.portal.pages import AnyRequest, Page, page
from usufruct.wire import figures as wire
from usufruct.wire import portable

ANYONE = {"rule": "anyone"}
PUBLIC = {"rule": "public"}
SHOWN = 12  # months or weeks in a chart; the export has all
SLIPS = 24
CALLED = {ENGAGED: "engaged", ONLINE: "online", WHOLE: "whole shift"}

Value = Callable[[Time], Fraction | None]


@dataclass(frozen=True, slots=True)
class _Chart:
    """A drawing, and the same numbers: for each month or week, one text for each line."""

    id: str
    title: str
    says: str
    drawing: Markup
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """The five series with one operator, or with all, drawn."""

    id: str
    title: str
    currency: str
    charts: tuple[_Chart, ...]
    tenths: tuple[tuple[str, int | None], ...] | None


@get("/work/mine", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def mine(request: AnyRequest, every: FromQuery[str] = MONTH) -> Page:
    """Who is logged in sees her own work: what it paid, how it went, and what she can take with her."""
    found = done(owndata.own(node_of(request), who_is(request).party, every))
    shown = [_shown(one, f"s{number}") for number, one in enumerate(found.series)]
    return page(
        request, "own-work.html", "Your work", own=found, shown=shown, every=every, other=WEEK if every == MONTH else MONTH,
        definitions=[(CALLED[name], says) for name, says in DEFINITIONS.items()], slips=found.payslips[::-1][:SLIPS],
        hours=clock, no_ratings=NO_RATINGS,
    )  # fmt: skip


@get("/work/mine/payslips/{payslip:str}", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def payslip(request: AnyRequest, payslip: FromPath[str]) -> Page:
    """A payslip in words, for who got it and who paid it."""
    found, called = done(owndata.payslip(node_of(request), who_is(request).party, payslip))
    slip = found.reckoning
    parts = [
        Bar("what customers paid for the work", slip.gross, ""), Bar("the operator kept", -slip.fee, ""),
        Bar("made up to what was agreed", slip.made_up, ""), Bar("topped up to the floor", slip.top_up, ""),
        Bar("tips", slip.tips, ""),
    ]  # fmt: skip
    taken = [one for one in slip.deductions if one.payer == WORKER]
    return page(
        request, "payslip.html", f"Payslip {found.id}", found=found, called=called, taken=taken, hours=clock, names=CALLED,
        parts=[part for part in parts if part.value],
    )  # fmt: skip


def _shown(one: Series, id: str) -> _Shown:
    """Five series as charts. Of a long time the newest part."""
    times, unit = one.times[-SHOWN:], one.currency
    places = DECIMALS[unit]

    def money(found: Fraction | None) -> str:
        return portable.amount(found, unit) or "–"

    def share(found: Fraction | None) -> str:
        text = portable.share(found)
        return f"{text} %" if text else "–"

    def rate(name: str) -> Value:
        return lambda time: time.per_hour(name)

    rates = [(CALLED[name], rate(name)) for name in DEFINITIONS]
    spread: list[tuple[str, Value]] = [
        ("best tenth of hours", lambda time: time.high),
        ("worst tenth", lambda time: time.low),
    ]
    scale, percent = Fraction(1, 10**places), Fraction(100)
    drawn = (
        _chart(f"{id}-hour", f"Pay per hour, in {unit}", "Without tips, under each definition of working time.", times, rates,
               scale, money),
        _chart(f"{id}-take", "What the operator kept, in %", "Of what customers paid for your work.", times,
               [("take rate", lambda time: time.take_rate)], percent, share),
        _chart(f"{id}-wait", "Waiting, in %", "The part of your online time without work.", times,
               [("waiting share", lambda time: time.waiting)], percent, share),
        _chart(f"{id}-spread", f"Your better and worse hours, in {unit}",
               "In a tenth of your hours online you earned at least the upper, in a tenth at most the lower.", times, spread,
               scale, money),
        _chart(f"{id}-foretold", "How well an hour can be foretold, in %",
               "From the same weekday and hour of the four weeks before; 100 is wholly.", times,
               [("foretold", lambda time: time.foretold)], percent, share),
    )  # fmt: skip
    tenths = tuple((time.name, time.tenth) for time in times) if one.operator else None
    return _Shown(id, one.called or "All operators together", unit, drawn, tenths)


def _chart(
    id: str, title: str, says: str, times: Sequence[Time], lines: Sequence[tuple[str, Value]], scale: Fraction,
    text: Callable[[Fraction | None], str],
) -> _Chart:  # fmt: skip
    values = [[value(time) for time in times] for _, value in lines]
    spots = [[None if found is None else Spot(float(found * scale), 0) for found in row] for row in values]
    drawing = charts.series(
        id, title, [time.name for time in times], [(name, row) for (name, _), row in zip(lines, spots, strict=True)], True,
        "too little",
    )  # fmt: skip
    rows = tuple((time.name, tuple(text(row[place]) for row in values)) for place, time in enumerate(times))
    return _Chart(id, title, says, drawing, tuple(name for name, _ in lines), rows)


@get("/work/operators/{operator:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def operator(request: AnyRequest, operator: FromPath[str]) -> Page:
    """How an operator gives work out, what it keeps, and what its records prove."""
    found = done(operators.page(node_of(request), operator))
    weights = _weights(found.allocation) if found.allocation else ()
    drawing = charts.bars("weights", "What counts how much when work is given out", weights) if weights else None
    told = [(one.says, *wire.shown(one)) for one in found.figures.figures]
    return page(
        request, "operator.html", found.party.name, found=found, weights=weights, drawing=drawing, told=told,
        principles=PRINCIPLES, take_rate=portable.share(None if found.take_rate is None else Fraction(found.take_rate, 10_000)),
    )  # fmt: skip


def _weights(found: Allocation) -> tuple[Bar, ...]:
    whole = found.whole or 1
    return tuple(
        Bar(one.says, one.weight, f"{one.weight} of {found.whole}, {portable.share(Fraction(one.weight, whole))} %")
        for one in found.weights
    )


handlers = [mine, payslip, operator]
