"""Jobs, what people say of themselves, job agreements, and the work done under them, as they are now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant, in_months
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.work.facts import (
    AvailabilityStated,
    JobAgreed,
    JobEnded,
    JobPosted,
    JobTerms,
    JobWithdrawn,
    ShiftRecorded,
    Span,
    WishesStated,
    WorkDone,
)

OPEN, WITHDRAWN = "open", "withdrawn"


@dataclass(frozen=True, slots=True)
class Job(Row):
    """See `JobPosted`, the fact number `seq`; `taken` of its seats are. It `stands` open, or is withdrawn. By the `month` of its
    `until` those are found that may still be taken, however many there ever were."""

    KEY = ("id",)
    INDEXED = ("by", "round", "stands", "month")
    id: str
    by: str
    terms: JobTerms
    until: Instant
    round: str
    since: Instant
    seq: int
    month: str = ""
    stands: str = OPEN
    taken: int = 0

    def free(self, at: Instant) -> bool:
        """Whether somebody can still take it at `at`."""
        return self.stands == OPEN and at < self.until and self.taken < self.terms.seats


@dataclass(frozen=True, slots=True)
class Availability(Row):
    """What a worker said last of when and where she would work; see `AvailabilityStated`, the fact number `seq`."""

    KEY = ("party",)
    party: str
    spans: tuple[Span, ...]
    places: tuple[str, ...]
    hourly_floor: int
    refusals: tuple[str, ...]
    minutes_max: int
    since: Instant
    seq: int


@dataclass(frozen=True, slots=True)
class Wishes(Row):
    """What a worker wishes in a round; see `WishesStated`, the fact number `seq`."""

    KEY = ("round", "party")
    INDEXED = ("round", "party")
    round: str
    party: str
    jobs: tuple[str, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class JobAgreement(Row):
    """See `JobAgreed`, the fact number `seq`. `ended` says by whom and why, or nothing while it stands."""

    KEY = ("id",)
    INDEXED = ("worker", "job", "poster")
    id: str
    job: str
    worker: str
    poster: str
    terms: JobTerms
    round: str
    since: Instant
    seq: int
    ended: str = ""
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Shift(Row):
    """See `ShiftRecorded`, the fact number `seq`."""

    KEY = ("id",)
    INDEXED = ("worker", "operator")
    id: str
    worker: str
    operator: str
    start: Instant
    end: Instant
    online: tuple[Span, ...]
    zone: str
    seq: int


@dataclass(frozen=True, slots=True)
class Work(Row):
    """A piece of work that was done; see `WorkDone`, the fact number `seq`. `month` is the one in which it was recorded."""

    KEY = ("id",)
    INDEXED = ("worker", "operator", "agreement", "month")
    id: str
    agreement: str
    worker: str
    operator: str
    engaged: tuple[Span, ...]
    metres: int
    gross: int
    fee: int
    currency: str
    tips: int
    surcharges: int
    orders: int
    shift: str
    safe: tuple[str, ...]
    at: Instant
    seq: int
    month: str


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about jobs and work changes."""
    match entry.fact:
        case JobPosted() as fact:
            yield Job(fact.job, fact.by, fact.terms, fact.until, fact.round, entry.at, entry.seq, fact.until[:7])
        case JobWithdrawn() as fact:
            yield replace(_job(read, fact.job), stands=WITHDRAWN)
        case AvailabilityStated() as fact:
            yield Availability(
                fact.party,
                fact.spans,
                fact.places,
                fact.hourly_floor,
                fact.refusals,
                fact.minutes_max,
                entry.at,
                entry.seq,
            )
        case WishesStated() as fact:
            yield Wishes(fact.round, fact.party, fact.jobs, entry.seq)
        case JobAgreed() as fact:
            yield JobAgreement(
                fact.agreement, fact.job, fact.worker, fact.poster, fact.terms, fact.round, entry.at, entry.seq
            )
            job = _job(read, fact.job)
            yield replace(job, taken=job.taken + 1)
        case JobEnded() as fact:
            agreed = read.get(JobAgreement, fact.agreement)
            assert agreed is not None
            yield replace(agreed, ended=f"{fact.by}: {fact.why}", until=entry.at)
            job = _job(read, agreed.job)
            yield replace(job, taken=job.taken - 1)
        case ShiftRecorded() as fact:
            yield Shift(fact.shift, fact.worker, fact.operator, fact.start, fact.end, fact.online, fact.zone, entry.seq)
        case WorkDone() as fact:
            yield Work(
                fact.work, fact.agreement, fact.worker, fact.operator, fact.engaged, fact.metres, fact.gross, fact.fee,
                fact.currency, fact.tips, fact.surcharges, fact.orders, fact.shift, fact.safe, entry.at, entry.seq, entry.at[:7],
            )  # fmt: skip
        case _:
            return


def free_jobs(read: Reader, at: Instant) -> list[Job]:
    """The jobs that somebody can still take at `at`. Nobody posts one for later than a year ahead (`rules.post`), so fourteen
    months hold them all, however many there ever were."""
    first = Instant(f"{at[:7]}-01T00:00:00.000Z")
    months = (in_months(first, ahead)[:7] for ahead in range(14))
    return [job for month in months for job in read.list(Job, stands=OPEN, month=month) if job.free(at)]


def _job(read: Reader, id: str) -> Job:
    job = read.get(Job, id)
    assert job is not None, "nothing is agreed about a job that was never posted"
    return job
