"""What pages show of one party's work: a worker's day, an operator's board. Read only, each from snapshots of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from usufruct.core.base.instants import Instant, instant, later, moment
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.facts import Span
from usufruct.core.work.hours.intervals import total, union
from usufruct.core.work.hours.stretches import HOUR
from usufruct.core.work.offers import JobOffer
from usufruct.core.work.rounds.state import OPEN as ROUND_OPEN
from usufruct.core.work.rounds.state import Entrant, Round
from usufruct.core.work.state import OPEN, Availability, Job, JobAgreement, Shift, Wishes, Work
from usufruct.node import rounds, views, work
from usufruct.node.node import Node

AHEAD = 7  # days on an operator's board
ROUNDS = 3  # the newest rounds whose reasons are shown


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition of working time: the `spans` of a day under it, in milliseconds together `time`, and what an hour of it
    paid so far, in minor units (None before any)."""

    name: str
    spans: tuple[Span, ...]
    time: int
    hourly: int | None


@dataclass(frozen=True, slots=True)
class OpenRound:
    """A round in which wishes still come in, its jobs, and what a worker wished for so far."""

    round: Round
    jobs: tuple[Job, ...]
    wishes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A worker's day, from `start` to `end` in her own time zone: what she did, was offered, agreed to and got in rounds."""

    at: Instant
    date: str
    start: Instant
    end: Instant
    zone: str
    works: int
    pay: int
    tips: int
    currency: str
    definitions: tuple[Definition, ...]
    availability: Availability | None
    offers: tuple[tuple[JobOffer, Job], ...]
    agreements: tuple[tuple[JobAgreement, str], ...]
    wishing: tuple[OpenRound, ...]
    came: tuple[rounds.Own, ...]


def day(node: Node, party: str) -> Day:
    """A worker's day as it is now."""
    now, mine = node.clock.now(), work.mine(node, party)
    shifts = [row for row in mine.shifts if row.worker == party]
    zone = shifts[-1].zone if shifts else "UTC"
    date, start, end = _local_day(now, zone)
    works = [row for row in mine.works if row.worker == party and _meets(row.engaged, start, end)]
    pay = sum(row.gross - row.fee for row in works)
    with node.store.read() as state:
        offers = tuple((row, found) for row in mine.offers if (found := state.get(Job, row.job)) is not None)
        standing = [row for row in mine.agreements if row.worker == party and not row.ended and now < row.terms.ends]
        wishing = tuple(
            OpenRound(row, _free(state.list(Job, round=row.id), now), _wishes(state.get(Wishes, row.id, party)))
            for row in state.list(Round, state=ROUND_OPEN)
            if now < row.closes
        )
        entered = sorted(state.list(Entrant, party=party), key=lambda row: -row.seq)[:ROUNDS]
        agreements = tuple(
            (row, views.name_of(state, row.poster)) for row in sorted(standing, key=lambda row: row.terms.starts)
        )
    came = [rounds.own(node, row.round, party) for row in entered]
    return Day(
        now, date, start, end, zone, len(works), pay, sum(row.tips for row in works),
        works[0].currency if works else node.about.currency, _definitions(shifts, works, start, end, pay),
        mine.availability, offers, agreements, wishing, tuple(one for one in came if not isinstance(one, Refusal)),
    )  # fmt: skip


def _free(jobs: Iterable[Job], at: Instant) -> tuple[Job, ...]:
    return tuple(job for job in jobs if job.free(at))


def _wishes(row: Wishes | None) -> tuple[str, ...]:
    return row.jobs if row is not None else ()


def _local_day(at: Instant, zone: str) -> tuple[str, Instant, Instant]:
    """The day by the clock of that zone, and its two midnights: 23 to 25 hours apart."""
    here = moment(at).astimezone(ZoneInfo(zone)).date()
    start, end = (
        instant(datetime.combine(here + timedelta(days=n), time(), ZoneInfo(zone)).astimezone(UTC)) for n in (0, 1)
    )
    return here.isoformat(), start, end


def _definitions(
    shifts: Sequence[Shift], works: Sequence[Work], start: Instant, end: Instant, pay: int
) -> tuple[Definition, ...]:
    """The day under each definition; what was done at once counts once, and each holds the one before."""
    engaged = [span for row in works for span in row.engaged]
    online = [*engaged, *(span for row in shifts for span in row.online)]
    whole = [*online, *(Span(row.start, row.end) for row in shifts)]
    found = []
    for name, spans in (("engaged", engaged), ("online", online), ("whole shift", whole)):
        cut = tuple(union(_cut(spans, start, end)))
        worked = total(cut)
        found.append(Definition(name, cut, worked, pay * HOUR // worked if worked and works else None))
    return tuple(found)


def _meets(spans: Iterable[Span], start: Instant, end: Instant) -> bool:
    return any(span.start < end and start < span.end for span in spans)


def _cut(spans: Iterable[Span], start: Instant, end: Instant) -> list[Span]:
    return [Span(max(span.start, start), min(span.end, end)) for span in spans if span.start < end and start < span.end]


# ---- an operator's board


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the jobs that begin on a `day`: their `seats`, and how many of them are agreed."""

    day: str
    seats: int
    agreed: int


@dataclass(frozen=True, slots=True)
class OnBoard:
    """A job of a poster, where it stands (open, full, closed, withdrawn), and its agreements with who does it."""

    job: Job
    stands: str
    agreements: tuple[tuple[JobAgreement, str], ...]


@dataclass(frozen=True, slots=True)
class Board:
    """What an operator or a customer has posted: jobs that are to come, coverage of the next days, how many stand where."""

    at: Instant
    jobs: tuple[OnBoard, ...]
    coverage: tuple[Coverage, ...]
    counts: tuple[tuple[str, int], ...]
    rounds: tuple[Round, ...]


def board(node: Node, party: str) -> Board:
    """A poster's board as it is now; jobs whose window is over are counted and not listed."""
    now = node.clock.now()
    with node.store.read() as state:
        posted = list(state.list(Job, by=party))
        counts = Counter(stands(job, now) for job in posted)
        coming = sorted((job for job in posted if now < job.terms.ends), key=lambda job: (job.terms.starts, job.seq))
        listed = tuple(
            OnBoard(job, stands(job, now), tuple(
                (row, views.name_of(state, row.worker)) for row in state.list(JobAgreement, job=job.id) if not row.ended
            )) for job in coming
        )  # fmt: skip
        own = tuple(row for row in state.list(Round) if row.by == party and row.state not in ("settled", "abandoned"))
    days = [later(now, days=n)[:10] for n in range(AHEAD)]
    seats, agreed = Counter[str](), Counter[str]()
    for job in coming:
        seats[job.terms.starts[:10]] += job.terms.seats if job.stands == OPEN else job.taken
        agreed[job.terms.starts[:10]] += job.taken
    coverage = tuple(Coverage(name, seats[name], agreed[name]) for name in days)
    return Board(now, listed, coverage, tuple((name, counts[name]) for name in STANDS), own)


STANDS = ("open", "full", "closed", "withdrawn")


def stands(job: Job, at: Instant) -> str:
    """Where a job stands at `at`, one of `STANDS`."""
    if job.stands != OPEN:
        return "withdrawn"
    if job.taken >= job.terms.seats:
        return "full"
    return "open" if at < job.until else "closed"
