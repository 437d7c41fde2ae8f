"""A job offered to one worker: she accepts, declines, or lets the time pass.

An offer keeps a seat for her until its time is over, so that what she accepts is there. It is between the two: others see
that there is a seat less, and not whose it is. Declining needs no reason and is counted nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.work.facts import JobAgreed

WAITING, ACCEPTED, DECLINED = "waiting", "accepted", "declined"


@dataclass(frozen=True, slots=True)
class JobOffered(Fact):
    """`poster` offers a seat of a job to `worker`, who can accept it until `until`. `actors` are the agents that offered it."""

    KIND = "job.offered/1"
    offer: str
    job: str
    worker: str
    poster: str
    until: Instant
    actors: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.poster)


@dataclass(frozen=True, slots=True)
class JobOfferDeclined(Fact):
    """`worker` does not want the job that was offered to her."""

    KIND = "job-offer.declined/1"
    offer: str
    worker: str
    poster: str

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.poster)


@dataclass(frozen=True, slots=True)
class JobOffer(Row):
    """See `JobOffered`, the fact number `seq`. It `stands` waiting, accepted or declined."""

    KEY = ("id",)
    INDEXED = ("worker", "job", "stands")
    id: str
    job: str
    worker: str
    poster: str
    until: Instant
    since: Instant
    seq: int
    stands: str = WAITING

    def waits(self, at: Instant) -> bool:
        """Whether it keeps a seat at `at`."""
        return self.stands == WAITING and at < self.until


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that an offer, or an agreement on an offered job, changes."""
    match entry.fact:
        case JobOffered() as fact:
            yield JobOffer(fact.offer, fact.job, fact.worker, fact.poster, fact.until, entry.at, entry.seq)
        case JobOfferDeclined() as fact:
            offer = read.get(JobOffer, fact.offer)
            assert offer is not None, "what was never offered cannot be declined"
            yield replace(offer, stands=DECLINED)
        case JobAgreed() as fact:
            for offer in read.list(JobOffer, worker=fact.worker, job=fact.job):
                if offer.stands == WAITING:
                    yield replace(offer, stands=ACCEPTED)
        case _:
            return


def kept(read: Reader, job: str, at: Instant) -> int:
    """How many seats of a job are kept for somebody at `at`."""
    return sum(1 for offer in read.list(JobOffer, job=job, stands=WAITING) if offer.waits(at))


def waiting_for(read: Reader, worker: str, job: str, at: Instant) -> JobOffer | None:
    """The offer of a job that a worker can accept at `at`."""
    return next((offer for offer in read.list(JobOffer, worker=worker, job=job) if offer.waits(at)), None)
