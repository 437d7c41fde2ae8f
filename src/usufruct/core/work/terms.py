"""What a job's terms must be, and what it comes to: its pay as one number, its hour, its window.

A job that cannot be read is a fault of whoever wrote it (`BadInput`), and told at once. What a job pays is worked out in
one place, here, for the mandate of an agent that posts it, for the floor of a worker, and for the page that shows it: per
job, per engaged hour and per kilometre, added up over the minutes and metres that its poster says it takes. Each part is
rounded up to the minor unit, so that nothing is promised that is not paid.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant, moment
from usufruct.core.base.money import Money
from usufruct.core.registry.facts import PARTY_KINDS
from usufruct.core.work.facts import JobTerms, Pay, Span

TITLE_MAX, WORDS_MAX, NAMES_MAX, SEATS_MAX = 200, 1_000, 20, 10_000
AMOUNT_MAX, METRES_MAX = 10**9, 10**7
WINDOW_DAYS_MAX = 31
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S{1,490}", re.IGNORECASE)


def worth(terms: JobTerms) -> int:
    """What one seat of a job pays before tips, in minor units, if it takes what its terms say."""
    return terms.pay.per_job - -terms.pay.per_hour * terms.minutes // 60 - -terms.pay.per_km * terms.metres // 1000


def hourly(terms: JobTerms) -> int:
    """What a job pays for an engaged hour, in minor units, rounded down; 0 where it takes no time."""
    return worth(terms) * 60 // terms.minutes if terms.minutes else 0


def minutes_between(start: Instant, end: Instant) -> int:
    """Whole minutes from one instant to a later one."""
    return int((moment(end) - moment(start)).total_seconds()) // 60


def meet(one: JobTerms | Span, other: JobTerms | Span) -> bool:
    """Whether two windows or spans have a moment in common. One ends before the instant at which it ends."""
    (start, end), (begin, stop) = _bounds(one), _bounds(other)
    return start < stop and begin < end


def _bounds(of: JobTerms | Span) -> tuple[Instant, Instant]:
    return (of.starts, of.ends) if isinstance(of, JobTerms) else (of.start, of.end)


def words(text: str, what: str, most: int = WORDS_MAX) -> str:
    """What somebody wrote as `what`, without blanks around it.

    Raises:
        BadInput: nothing, or very much.
    """
    said = holdable(text.strip())
    if not said or len(said) > most:
        raise BadInput("input.work", f"{what} has 1 to {most} characters", "say it in a sentence or two")
    return said


def checked_terms(terms: JobTerms, currency: str) -> JobTerms:
    """The terms of a job, if they can be.

    Raises:
        BadInput: something in them cannot be; the message says what.
    """
    checked(terms.place, "a place")
    for condition in terms.conditions:
        checked(condition, "a safety condition")
    lists = (terms.skills, terms.conditions, terms.takers)
    if any(len(names) > NAMES_MAX or len(set(names)) < len(names) for names in lists):
        _wrong("a list in the terms has a name twice, or is too long", f"name at most {NAMES_MAX} things, each once")
    for skill in terms.skills:
        if not _URI.fullmatch(skill):
            _wrong(f"`{skill[:80]}` is not the URI of a skill", "take the URI from a framework of skills")
    if not terms.takers or any(kind not in PARTY_KINDS for kind in terms.takers):
        _wrong("the kinds of parties that may take the job cannot be", f"name some of {', '.join(PARTY_KINDS)}")
    if not 1 <= terms.seats <= SEATS_MAX:
        _wrong(f"a job has no {terms.seats} seats", f"give 1 to {SEATS_MAX}")
    window = minutes_between(terms.starts, terms.ends)
    if terms.starts >= terms.ends or window > WINDOW_DAYS_MAX * 24 * 60:
        _wrong("the window ends before it begins, or is too long", f"let it end later, within {WINDOW_DAYS_MAX} days")
    if not 1 <= terms.minutes <= window or not 0 <= terms.metres <= METRES_MAX:
        _wrong(
            "the job does not fit into its window", "say how many minutes of the window it takes, and how many metres"
        )
    _check_pay(terms, currency)
    return replace(terms, title=words(terms.title, "the title of a job", TITLE_MAX))


def _check_pay(terms: JobTerms, currency: str) -> None:
    pay = terms.pay
    if pay.currency != currency:
        _wrong(f"the node's ledger is in {currency}", f"name the pay in {currency}")
    if any(not 0 <= part <= AMOUNT_MAX for part in (pay.per_job, pay.per_hour, pay.per_km)) or worth(terms) <= 0:
        _wrong("the pay cannot be", "let the job pay something, by the job, the hour or the kilometre")


def _wrong(what: str, remedy: str) -> None:
    raise BadInput("input.work", what, remedy)


def in_words(terms: JobTerms) -> str:
    """What a job pays, in words."""
    return pay_in_words(terms.pay) + f": {Money(worth(terms), terms.pay.currency)} for {terms.minutes} minutes"


def pay_in_words(pay: Pay) -> str:
    """The parts of a job's pay, in words."""
    parts = ((pay.per_job, "the job"), (pay.per_hour, "an hour"), (pay.per_km, "a kilometre"))
    return " and ".join(f"{Money(amount, pay.currency)} {what}" for amount, what in parts if amount)


def checked_spans(spans: tuple[Span, ...], what: str) -> tuple[Span, ...]:
    """Spans in their order, each of which ends after it begins, none of which meets another.

    Raises:
        BadInput: they are not so. Somebody measured badly, and nobody but her can say how it was.
    """
    ordered = tuple(sorted(spans, key=lambda span: (span.start, span.end)))
    for span in ordered:
        if span.end <= span.start:
            _wrong(
                f"{what} has a span that ends before it begins, at {span.start}", "let each span end after it begins"
            )
    for before, after in pairwise(ordered):
        if meet(before, after):
            _wrong(f"{what} has two spans at {after.start}", "give each moment once")
    return ordered
