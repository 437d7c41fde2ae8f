"""What the journal can prove of fair work at an operator: five principles, two thresholds each, ten points.

The principles are those of Fairwork for location-based work (fair.work, in effect from 15 October 2024), said here in short and
in our words. Two of its rules are kept to the letter: a point is given only on positive evidence, and the advanced one only where
the basic one holds. So what nobody recorded is no point and no reproach: the report says what evidence is missing. It is no
Fairwork score, for which people ask workers and managers; it says which points a score could rest on records for.

What a minimum or a living wage is, and what the work costs the worker, is not in any journal: it comes as a *yardstick*, with its
source. Hours are online hours, for waiting at somebody's disposal is work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.work.hours.measured import ONLINE, worked
from usufruct.core.work.hours.stretches import HOUR
from usufruct.core.work.own.series import begin
from usufruct.core.work.pay.rules import ended
from usufruct.core.work.pay.state import Payslip, WorkPay
from usufruct.core.work.state import JobAgreement, Shift, Work

PAID_WITHIN_DAYS = 31

PRINCIPLES = {
    "1": "Fair pay",
    "2": "Fair conditions",
    "3": "Fair contracts",
    "4": "Fair management",
    "5": "Fair representation",
}
ASKS = {
    "1.1": "paid on time and in full, and at least the minimum wage after costs",
    "1.2": "at least a living wage after costs",
    "2.1": "the risks of each task are reduced",
    "2.2": "safe conditions, and a safety net when somebody cannot work",
    "3.1": "clear terms that were there before the work, and were kept",
    "3.2": "no unfair terms",
    "4.1": "decisions about workers have reasons, and can be appealed",
    "4.2": "allocation and management treat people equally",
    "5.1": "workers can organise, and are heard together",
    "5.2": "workers take part in deciding",
}


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Wages and costs that pay is held against, in minor units of `currency`, and where they are from."""

    currency: str
    minimum: int
    living: int
    cost_per_hour: int
    cost_per_km: int
    source: str


@dataclass(frozen=True, slots=True)
class Beside:
    """What other areas of the journal hold as evidence. None, or nothing: they hold none.

    `safety_net` are covers that are in force for the operator's workers; `appeals` how many were made and answered by a person;
    `rounds` how many were allocated and have a certificate; `collective` the agreements with workers that set conditions.
    """

    yardstick: Yardstick | None = None
    safety_net: tuple[str, ...] = ()
    appeals: tuple[int, int] | None = None
    rounds: tuple[int, int] | None = None
    collective: tuple[str, ...] = ()


NOTHING = Beside()


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold: whether the journal proves it, by which `evidence`, and what is `missing`."""

    number: str
    asks: str
    proved: bool
    evidence: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The ten points of an operator, on its work from `since` until before `until`."""

    operator: str
    since: Instant
    until: Instant
    works: int
    workers: int
    points: tuple[Point, ...]

    @property
    def proved(self) -> int:
        """How many points the journal proves."""
        return sum(point.proved for point in self.points)


@dataclass(slots=True)
class _Found:
    """What a check of one threshold comes to."""

    evidence: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def hold(self, said: str, true: bool, otherwise: str) -> None:
        """Evidence if it is true, else what is missing."""
        (self.evidence if true else self.missing).append(said if true else otherwise)


@dataclass(frozen=True, slots=True)
class _Window:
    """The work of an operator in the time of a report."""

    read: Reader
    operator: str
    until: Instant
    works: tuple[Work, ...]
    shifts: tuple[Shift, ...]
    slips: tuple[Payslip, ...]
    agreements: dict[str, JobAgreement]


def report(read: Reader, operator: str, since: Instant, until: Instant, beside: Beside = NOTHING) -> Report:
    """What the journal proves of an operator's work in a time."""
    works = tuple(work for work in read.list(Work, operator=operator) if since <= begin(work) < until)
    window = _Window(
        read, operator, until, works,
        tuple(shift for shift in read.list(Shift, operator=operator) if since <= shift.start < until),
        tuple(slip for slip in read.list(Payslip, operator=operator) if since <= slip.since and slip.until <= until),
        {row.id: row for row in read.list(JobAgreement, poster=operator)},
    )  # fmt: skip
    points: list[Point] = []
    for number, check in _CHECKS.items():
        found = _Found()
        if not works:
            found.missing.append("no work is recorded in this time")
        else:
            check(window, beside, found)
        basic = next((point for point in points if point.number == f"{number[0]}.1"), None)
        if basic is not None and not basic.proved:
            found.missing.append(f"the basic point {basic.number} is not proved")
        points.append(Point(
            number, ASKS[number], bool(found.evidence) and not found.missing, tuple(found.evidence), tuple(found.missing)
        ))  # fmt: skip
    return Report(operator, since, until, len(works), len({work.worker for work in works}), tuple(points))


# ---- the checks


def _paid(window: _Window, beside: Beside, found: _Found) -> None:
    due = [work for work in window.works if later(ended(work), days=PAID_WITHIN_DAYS) <= window.until]
    open_ = sum(window.read.get(WorkPay, work.id) is None for work in due)
    found.hold(
        f"all {len(due)} pieces of work that ended {PAID_WITHIN_DAYS} days before the end are on a payslip",
        bool(due) and not open_,
        f"{open_} of {len(due)} pieces of work that ended {PAID_WITHIN_DAYS} days before the end are on no payslip"
        if due else f"no work ended {PAID_WITHIN_DAYS} days before the end",
    )  # fmt: skip
    _wage(window, beside, found, "minimum")


def _living(window: _Window, beside: Beside, found: _Found) -> None:
    _wage(window, beside, found, "living")


def _wage(window: _Window, beside: Beside, found: _Found, which: str) -> None:
    """Whether everybody's pay for the whole time, less costs, comes to that wage for each hour online."""
    stick = beside.yardstick
    if stick is None:
        found.missing.append(
            f"what the {which} wage is there, and what the work costs the worker: give a yardstick with its source"
        )
        return
    slips = [slip for slip in window.slips if slip.currency == stick.currency]
    if not slips:
        found.missing.append("no payslip shows what was paid")
        return
    rate = stick.minimum if which == "minimum" else stick.living
    first, last = min(slip.since for slip in slips), max(slip.until for slip in slips)
    works = [work for work in window.works if first <= begin(work) < last]
    shifts = [shift for shift in window.shifts if first <= shift.start < last]
    workers = {work.worker for work in works} | {shift.worker for shift in shifts}
    below = 0
    for worker in workers:
        hers = [work for work in works if work.worker == worker]
        pay = sum(slip.reckoning.net - slip.reckoning.tips + slip.corrected for slip in slips if slip.worker == worker)
        ms = worked([shift for shift in shifts if shift.worker == worker], hers).ms(ONLINE)
        # pay - costs < rate * hours, in whole numbers
        costs = stick.cost_per_hour * ms * 1000 + stick.cost_per_km * sum(work.metres for work in hers) * HOUR
        below += pay * HOUR * 1000 - costs < rate * ms * 1000
    said = f"{Money(rate, stick.currency)} an hour online after costs ({stick.source})"
    found.hold(
        f"all {len(workers)} workers were paid {said}, without tips", not below,
        f"{below} of {len(workers)} workers were paid less than {said}",
    )  # fmt: skip


def _risks(window: _Window, beside: Beside, found: _Found) -> None:
    promised = kept = 0
    for work in window.works:
        agreement = window.agreements.get(work.agreement)
        conditions = set(agreement.terms.conditions) if agreement else set()
        promised += bool(conditions)
        kept += bool(conditions) and conditions <= set(work.safe)
    total = len(window.works)
    found.hold(
        f"all {total} pieces of work promised safety conditions", promised == total,
        f"{total - promised} of {total} pieces of work promised no safety condition",
    )  # fmt: skip
    found.hold(
        f"in all {total} the promised conditions were recorded as kept", kept == total,
        f"of {total - kept} it is not recorded that the promised conditions were kept",
    )  # fmt: skip


def _net(window: _Window, beside: Beside, found: _Found) -> None:
    found.hold(
        f"cover in force for its workers: {', '.join(beside.safety_net)}", bool(beside.safety_net),
        "no cover for accident, sickness or lost income is in force for its workers",
    )  # fmt: skip


def _terms(window: _Window, beside: Beside, found: _Found) -> None:
    total = len(window.works)
    before = sum(
        (agreement := window.agreements.get(work.agreement)) is not None and agreement.since <= begin(work)
        for work in window.works
    )
    found.hold(
        f"all {total} pieces of work stand under a job agreement with terms that was there before they began", before == total,
        f"{total - before} of {total} pieces of work stand under no job agreement that was there before",
    )  # fmt: skip
    lines = [line for slip in window.slips for line in slip.reckoning.lines]
    found.hold(
        f"none of {len(lines)} lines on payslips pays less than was agreed", bool(lines),
        "no payslip shows that what was agreed was paid",
    )  # fmt: skip


def _unfair(window: _Window, beside: Beside, found: _Found) -> None:
    found.missing.append(
        "the journal holds the terms of jobs, not all that is in the contracts: somebody must read these"
    )


def _process(window: _Window, beside: Beside, found: _Found) -> None:
    endings = [row.ended for row in window.agreements.values() if row.ended.startswith(f"{window.operator}: ")]
    silent = sum(not said.partition(": ")[2].strip() for said in endings)
    found.hold(
        f"all {len(endings)} agreements that the operator ended say why", bool(endings) and not silent,
        f"{silent} agreements were ended without a reason" if endings else "it ended no agreement in this time, so none shows why",
    )  # fmt: skip
    made, answered = beside.appeals or (0, 0)
    found.hold(
        f"all {made} appeals were answered by a person", made > 0 and made == answered,
        f"{made - answered} of {made} appeals are not answered" if made else "no appeal shows that there is a way to be heard",
    )  # fmt: skip


def _equity(window: _Window, beside: Beside, found: _Found) -> None:
    allocated, certified = beside.rounds or (0, 0)
    bare = f"{allocated - certified} of {allocated} rounds have no certificate"
    found.hold(
        f"all {allocated} rounds were allocated by a published rule, with a certificate that anybody can check",
        allocated > 0 and allocated == certified,
        bare if allocated else "no round was allocated by a published rule",
    )  # fmt: skip
    found.missing.append("that nobody is held back for who she is, is in no record: somebody must ask")


def _voice(window: _Window, beside: Beside, found: _Found) -> None:
    found.hold(
        f"conditions were agreed on with workers together: {', '.join(beside.collective)}", bool(beside.collective),
        "no agreement with workers together sets a condition here",
    )  # fmt: skip


def _governance(window: _Window, beside: Beside, found: _Found) -> None:
    found.missing.append("no chamber of workers has decided on a rule of this operator")


_CHECKS: dict[str, Callable[[_Window, Beside, _Found], None]] = {
    "1.1": _paid, "1.2": _living, "2.1": _risks, "2.2": _net, "3.1": _terms, "3.2": _unfair, "4.1": _process,
    "4.2": _equity, "5.1": _voice, "5.2": _governance,
}  # fmt: skip


def in_words(found: Report) -> Sequence[str]:
    """Each point in a line, with what is missing."""
    return [
        f"{point.number} {point.asks}: {'proved' if point.proved else 'not proved'}"
        f"{'' if point.proved else ' – ' + '; '.join(point.missing)}"
        for point in found.points
    ]
