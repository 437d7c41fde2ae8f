"""A small world of work for tests: riders of one operator, with their shifts and deliveries."""

from __future__ import annotations

from collections.abc import Iterable

from usufruct.core.base.instants import Instant, later, parse
from usufruct.core.base.records import Fact
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.work.facts import JobAgreed, JobPosted, JobTerms, Pay, ShiftRecorded, Span, WorkDone

OPERATOR = "city-riders"
MONDAY = parse("2026-11-02")
RATES = Pay("EUR", 200, 900, 50)


def parties(riders: Iterable[str]) -> list[Fact]:
    """The operator and its riders."""
    made: list[Fact] = [PartyRegistered(OPERATOR, "organisation", "City Riders")]
    return [*made, *(PartyRegistered(rider, "person", rider.capitalize()) for rider in riders)]


def terms(at: Instant, pay: Pay = RATES, title: str = "delivery", place: str = "tartu-centre") -> JobTerms:
    """The terms of a delivery, or of many."""
    return JobTerms(title, place, at, later(at, days=60), 60, pay, conditions=("helmet",), seats=1000)


def job(operator: str = OPERATOR, at: Instant = MONDAY, pay: Pay = RATES) -> list[Fact]:
    """A job that many can take."""
    return [JobPosted(f"job-{operator}", operator, terms(at, pay), later(at, days=60))]


def agreed(rider: str, operator: str = OPERATOR, at: Instant = MONDAY, pay: Pay = RATES) -> list[Fact]:
    """Her agreement on it."""
    return [JobAgreed(f"agreement-{operator}-{rider}", f"job-{operator}", rider, operator, terms(at, pay))]


def shift(
    rider: str, start: Instant, hours: float, online: float | None = None, operator: str = OPERATOR
) -> ShiftRecorded:
    """So many hours logged in, of which the first so many online."""
    spans = (Span(start, later(start, hours=hours if online is None else online)),)
    name = f"shift-{operator}-{rider}-{start[:16]}".lower().replace(":", "").replace("t", "-")
    return ShiftRecorded(name, rider, operator, start, later(start, hours=hours), spans)


def done(
    number: str, rider: str, start: Instant, minutes: int, gross: int, fee: int, tips: int = 0, metres: int = 1000,
    surcharges: int = 0, operator: str = OPERATOR, agreement: str | None = None, currency: str = "EUR",
    safe: tuple[str, ...] = ("helmet",),
) -> WorkDone:  # fmt: skip
    """One delivery."""
    span = (Span(start, later(start, minutes=minutes)),)
    of = f"agreement-{operator}-{rider}" if agreement is None else agreement
    return WorkDone(
        f"work-{number}", of, rider, operator, span, metres, gross, fee, currency, tips, surcharges, safe=safe
    )


def week_of(
    rider: str, monday: Instant, gross: int = 1000, fee: int = 250, operator: str = OPERATOR, tag: str = ""
) -> list[Fact]:
    """Five days of four hours, each with eight deliveries of a quarter of an hour: two hours engaged, four online."""
    made: list[Fact] = []
    for day in range(5):
        start = later(monday, days=day, hours=10)
        made.append(shift(rider, start, 4, operator=operator))
        for turn in range(8):
            name = f"{operator}-{rider}-{start[:10]}-{turn}{tag}"
            made.append(done(name, rider, later(start, minutes=30 * turn), 15, gross, fee, 50, operator=operator))
    return made
