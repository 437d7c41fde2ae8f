"""Six-monthly figures of an operator: how many persons work there, how long and for what, and under which agreements.

Directive (EU) 2024/2831, article 17, has platforms give authorities and workers' representatives such figures, and renew them
at least every six months: how many persons, by how much they do and under which contract; the general terms; and of those who
work regularly the average duration of activity, hours a week and income. The selection and the definitions here are our reading
of it, and no advice; the words of the Official Journal rule.

Everything is added up from the journal. Authorities get it whole. Where everybody can read it, a figure that rests on fewer
persons than a threshold is suppressed; and so is one of two groups if the other is, or the difference would tell it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, moment, parse
from usufruct.core.base.records import Reader
from usufruct.core.registry.state import Party
from usufruct.core.work.hours.measured import ENGAGED, ONLINE, worked
from usufruct.core.work.own.series import begin, naming
from usufruct.core.work.pay.state import Payslip
from usufruct.core.work.state import JobAgreement, Shift, Work

SOURCE = "Directive (EU) 2024/2831, article 17 (our reading)"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a number of a `unit` that rests on so many `persons`. None: suppressed, or there is none.

    Units are `persons`, `agreements`, `services`, `ms`, `days`, and minor units of a currency.
    """

    name: str
    says: str
    value: int | None
    unit: str
    persons: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of an operator for a half-year, `2026-2` being July to December. `suppressed` below so many persons; 0: whole."""

    operator: str
    half: str
    since: Instant
    until: Instant
    currency: str
    figures: tuple[Figure, ...]
    suppressed: int = 0


def bounds(half: str) -> tuple[Instant, Instant]:
    """The first moment of a half-year, and that of the next.

    Raises:
        BadInput: it is not written as `2026-2`.
    """
    year, dash, part = half.partition("-")
    if not (dash and len(year) == 4 and year.isascii() and year.isdigit() and part in ("1", "2")) or year == "9999":
        raise BadInput(
            "input.half", f"`{half[:20]}` is no half-year", "write 2026-1 for January to June, 2026-2 for the rest"
        )
    if part == "1":
        return parse(f"{year}-01-01"), parse(f"{year}-07-01")
    return parse(f"{year}-07-01"), parse(f"{int(year) + 1:04d}-01-01")


@dataclass(frozen=True, slots=True)
class _Person:
    """What one person did in the half-year."""

    kind: str
    weeks: int
    days: int
    engaged: int
    online: int
    services: int
    gross: int
    pay: int
    tips: int
    fee: int


def report(read: Reader, operator: str, half: str, currency: str, regular_weeks: int) -> Figures:
    """The figures of an operator, whole. Who worked in `regular_weeks` of its weeks works regularly.

    Raises:
        BadInput: no half-year.
    """
    since, until = bounds(half)
    persons = _persons(read, operator, currency, since, until)
    regular = [one for one in persons if one.weeks >= regular_weeks]
    agreements = [
        row for row in read.list(JobAgreement, poster=operator) if row.since < until and (row.until or until) > since
    ]
    count, often = len(persons), len(regular)
    found = [
        Figure("persons", "persons who worked through it", count, "persons", count),
        Figure("regular", f"of these in {regular_weeks} weeks at least", often, "persons", often),
        Figure("occasional", "of these in fewer weeks", count - often, "persons", count - often),
    ]  # fmt: skip
    for kind, number in sorted(Counter(one.kind for one in persons).items()):
        found.append(Figure(f"kind-{kind}", f"of these as {kind}, under job agreements", number, "persons", number))
    holders = len({row.worker for row in agreements})
    ended = [row for row in agreements if row.ended and row.until is not None and row.until < until]
    by_operator = [row for row in ended if row.ended.startswith(f"{operator}: ")]
    found += [
        Figure("agreements", "job agreements in force in it", len(agreements), "agreements", holders),
        Figure("agreements-ended", "of these ended in it", len(ended), "agreements", len({row.worker for row in ended})),
        Figure("agreements-ended-by-operator", "of these by the operator", len(by_operator), "agreements",
               len({row.worker for row in by_operator})),
        Figure("services", "pieces of work", sum(one.services for one in persons), "services", count),
        Figure("engaged", "hours engaged in all", sum(one.engaged for one in persons), "ms", count),
        Figure("online", "hours online in all", sum(one.online for one in persons), "ms", count),
        Figure("gross", "what customers paid for it in all", sum(one.gross for one in persons), currency, count),
        Figure("pay", "pay without tips in all", sum(one.pay for one in persons), currency, count),
        Figure("tips", "tips in all", sum(one.tips for one in persons), currency, count),
        Figure("fee", "what the operator kept in all", sum(one.fee for one in persons), currency, count),
        Figure("regular-days", "average days from first to last activity, of who works regularly",
               _mean([one.days for one in regular]), "days", often),
        Figure("regular-week", "average hours online in a week with work, of who works regularly",
               _mean([one.online // one.weeks for one in regular]), "ms", often),
        Figure("regular-pay", "average pay without tips, of who works regularly", _mean([one.pay for one in regular]),
               currency, often),
    ]  # fmt: skip
    return Figures(operator, half, since, until, currency, tuple(found))


def _mean(values: Sequence[int]) -> int | None:
    """Rounded down."""
    return sum(values) // len(values) if values else None


def _persons(read: Reader, operator: str, currency: str, since: Instant, until: Instant) -> list[_Person]:
    works: dict[str, list[Work]] = {}
    shifts: dict[str, list[Shift]] = {}
    for work in read.list(Work, operator=operator):
        if work.currency == currency and since <= begin(work) < until:
            works.setdefault(work.worker, []).append(work)
    for shift in read.list(Shift, operator=operator):
        if since <= shift.start < until:
            shifts.setdefault(shift.worker, []).append(shift)
    added: dict[str, int] = {}
    for slip in read.list(Payslip, operator=operator):
        if slip.currency == currency and since <= slip.since < until:
            more = slip.reckoning.made_up + slip.reckoning.top_up + slip.corrected
            added[slip.worker] = added.get(slip.worker, 0) + more
    week, found = naming("week"), []
    for worker in dict.fromkeys([*works, *shifts]):
        mine, hers = works.get(worker, []), shifts.get(worker, [])
        begun = [*map(begin, mine), *(shift.start for shift in hers)]
        time, row = worked(hers, mine), read.get(Party, worker)
        days = (moment(max(begun)) - moment(min(begun))).days + 1
        gross, fee = sum(work.gross for work in mine), sum(work.fee for work in mine)
        found.append(_Person(
            row.kind if row else "unknown", len({week(at) for at in begun}), days, time.ms(ENGAGED), time.ms(ONLINE),
            len(mine), gross, gross - fee + added.get(worker, 0), sum(work.tips for work in mine), fee,
        ))  # fmt: skip
    return found


def public(found: Figures, least: int) -> Figures:
    """The figures as everybody may read them: none that rests on 1 to `least` - 1 persons, nor what would tell it."""
    few = {one.name for one in found.figures if 0 < one.persons < least}
    if few & {"regular", "occasional"}:
        few |= {"regular", "occasional"}
    kinds = [one.name for one in found.figures if one.name.startswith("kind-")]
    if few & set(kinds):
        few |= set(kinds)
    if "regular" in few:
        few |= {one.name for one in found.figures if one.name.startswith("regular")}
    ended = {"agreements-ended", "agreements-ended-by-operator"}
    if few & ended:
        few |= ended
    shown = tuple(replace(one, value=None, persons=0) if one.name in few else one for one in found.figures)
    return replace(found, figures=shown, suppressed=least)


def take_rate(found: Figures) -> int | None:
    """What the operator kept of what customers paid for the work, in basis points, cut; None if it cannot be told."""
    value = {one.name: one.value for one in found.figures}
    gross, fee = value["gross"], value["fee"]
    return 10_000 * fee // gross if gross and fee is not None else None
