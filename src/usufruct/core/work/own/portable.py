"""What a worker can take with her: the list of French Labour Code D.7342-6, from her own records, and its way back in.

That article (decree 2021-952 of 16 July 2021) is the best list there is of what a worker's portable data are: her registration;
the day on which she and the platform came to an agreement; the nature and number of her services, their total duration in hours,
their usual time slots, their area and their average distance; what she was paid after commission; and what customers said of her
services in the last twelve months. This node keeps no ratings, and the export says so instead of leaving them out.

The same figures are added up a second time, from facts that were proven, when another node reads the export.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant, moment
from usufruct.core.base.records import Entry, Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.state import Party
from usufruct.core.work.facts import WorkDone
from usufruct.core.work.hours.measured import engaged_ms
from usufruct.core.work.own.history import Elsewhere, History, HistoryRead
from usufruct.core.work.own.series import Time, begin
from usufruct.core.work.pay.rules import ended
from usufruct.core.work.pay.state import Payslip
from usufruct.core.work.state import JobAgreement, Work

SOURCE = "French Labour Code, article D.7342-6 (decree 2021-952 of 16 July 2021)"
SLOT_HOURS = 3
NO_RATINGS = "this node keeps no ratings of anybody"

Clock = Callable[[Instant], tuple[int, int]]
"""Weekday (1 Monday to 7) and hour of a moment where she works."""


@dataclass(frozen=True, slots=True)
class Counted:
    """So many `services` of a nature, in an area, or in a time slot."""

    name: str
    services: int


@dataclass(frozen=True, slots=True)
class Services:
    """What she did for one operator in one currency. Times are milliseconds and amounts minor units; `income` is what she was
    paid after commission, with tips and what was made up, topped up and corrected."""

    operator: str
    currency: str
    agreed: Instant | None
    since: Instant
    until: Instant
    services: int
    natures: tuple[Counted, ...]
    areas: tuple[Counted, ...]
    slots: tuple[Counted, ...]
    engaged_ms: int
    metres: int
    gross: int
    fee: int
    tips: int
    added: int

    @property
    def income(self) -> int:
        """What she was paid after commission."""
        return self.gross - self.fee + self.tips + self.added

    @property
    def average_metres(self) -> int:
        """The mean distance of a service, to the nearest metre."""
        return (self.metres * 2 + self.services) // (2 * self.services)


def utc(at: Instant) -> tuple[int, int]:
    """Weekday and hour in UTC."""
    then = moment(at)
    return then.isoweekday(), then.hour


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def slot(weekday: int, hour: int) -> str:
    """The time slot of a moment: `Monday 09-12`."""
    start = hour // SLOT_HOURS * SLOT_HOURS
    return f"{DAYS[weekday - 1]} {start:02d}-{start + SLOT_HOURS:02d}"


def services(read: Reader, worker: str, clock: Clock = utc) -> list[Services]:
    """What a worker did, for each operator and currency."""
    groups: dict[tuple[str, str], list[Work]] = {}
    for work in read.list(Work, worker=worker):
        groups.setdefault((work.operator, work.currency), []).append(work)
    agreements = {row.id: row for row in read.list(JobAgreement, worker=worker)}
    slips = list(read.list(Payslip, worker=worker))
    found = []
    for (operator, currency), works in groups.items():
        added = sum(
            slip.reckoning.made_up + slip.reckoning.top_up + slip.corrected
            for slip in slips
            if (slip.operator, slip.currency) == (operator, currency)
        )
        terms = [agreements[work.agreement].terms for work in works if work.agreement in agreements]
        agreed = min((row.since for row in agreements.values() if row.poster == operator), default=None)
        slots = (slot(*clock(begin(work))) for work in works)
        found.append(Services(
            operator, currency, agreed, min(map(begin, works)), max(map(ended, works)), len(works),
            _counted(one.title for one in terms), _counted(one.place for one in terms), _counted(slots),
            sum(engaged_ms(work.engaged) for work in works), sum(work.metres for work in works),
            sum(work.gross for work in works), sum(work.fee for work in works), sum(work.tips for work in works), added,
        ))  # fmt: skip
    return found


def _counted(names: Iterable[str]) -> tuple[Counted, ...]:
    """The most frequent first."""
    found = Counter(names)
    return tuple(Counted(name, found[name]) for name in sorted(found, key=lambda name: (-found[name], name)))


# ---- the whole of it


@dataclass(frozen=True, slots=True)
class Series:
    """Her five series in one currency, with one `operator` or (none) with all together."""

    operator: str
    called: str
    currency: str
    every: str
    times: tuple[Time, ...]


@dataclass(frozen=True, slots=True)
class Own:
    """What her page shows. `names` are what people call the parties in it."""

    party: Party
    series: tuple[Series, ...]
    payslips: tuple[Payslip, ...]
    services: tuple[Services, ...]
    histories: tuple[History, ...]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Proven:
    """A fact about her, and its receipt as a text."""

    entry: Entry
    receipt: str


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that she can take with her, and whose journal says it."""

    node: str
    origin: str
    key: str
    exported: Instant
    own: Own
    agreements: tuple[JobAgreement, ...]
    facts: tuple[Proven, ...]


@dataclass(frozen=True, slots=True)
class Brought:
    """An export of another node as its file says, not yet proven: whose journal, of whom, and the receipts."""

    origin: str
    key: str
    there: str
    exported: Instant
    receipts: tuple[str, ...]
    digest: str


# ---- the way back in


def figures(entries: Iterable[Entry], there: str) -> tuple[Elsewhere, ...]:
    """What proven facts of another journal say that a party did there, for each operator and currency."""
    found: dict[tuple[str, str], Elsewhere] = {}
    for entry in entries:
        fact = entry.fact
        if not isinstance(fact, WorkDone) or fact.worker != there:
            continue
        key = (fact.operator, fact.currency)
        start = min((span.start for span in fact.engaged), default=entry.at)
        end = max((span.end for span in fact.engaged), default=entry.at)
        one = found.get(key) or Elsewhere(*key, start, end, 0, 0, 0, 0, 0, 0)
        found[key] = replace(
            one, since=min(one.since, start), until=max(one.until, end), services=one.services + 1,
            engaged_ms=one.engaged_ms + engaged_ms(fact.engaged), metres=one.metres + fact.metres,
            gross=one.gross + fact.gross, fee=one.fee + fact.fee, tips=one.tips + fact.tips,
        )  # fmt: skip
    return tuple(found[key] for key in sorted(found))


def claim(
    read: Reader, history: str, party: str, origin: str, key: str, there: str, exported: Instant, entries: list[Entry],
    digest: str,
) -> HistoryRead | Refusal:  # fmt: skip
    """The claim that proven facts of another journal make: what `party`, called `there`, did at that node."""
    not_done = "nothing was read in"
    row = read.get(Party, party)
    if row is None:
        return refuse("registry.unknown", not_done, f"there is no party `{party}`", remedy="register her first")
    added = figures(entries, there)
    if not added:
        return refuse(
            "pay.history", not_done, f"no receipt in it proves any work of `{there}`",
            remedy="export again where the work was done, and bring the whole file",
        )  # fmt: skip
    return HistoryRead(history, party, origin, key, there, exported, len(entries), added, digest, row.kind == "person")
