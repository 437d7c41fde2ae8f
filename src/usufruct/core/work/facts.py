"""What can have happened with jobs, and with who does them.

What somebody says of herself alone (when she would work, what she wishes) is sealed with her key and can be erased. What two
have agreed on, and what was done and is paid for, is in the accounts of both: it stays, under an id that says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.registry.facts import OfParty


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` on until just before `end`."""

    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class Pay:
    """What a job pays before tips, in minor units of `currency`: so much `per_job`, `per_hour` engaged and `per_km`, added
    up."""

    currency: str
    per_job: int = 0
    per_hour: int = 0
    per_km: int = 0


@dataclass(frozen=True, slots=True)
class JobTerms:
    """A job: what is to be done, at which `place`, between `starts` and `ends`, and how many `minutes` and `metres` it takes.

    `skills` are the URIs of what somebody must have shown that she can; `conditions` the safety conditions that the poster
    promises; `takers` the kinds of parties that may take it; `seats` how many can.
    """

    title: str
    place: str
    starts: Instant
    ends: Instant
    minutes: int
    pay: Pay
    skills: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    seats: int = 1
    takers: tuple[str, ...] = ("person",)
    metres: int = 0


@dataclass(frozen=True, slots=True)
class JobPosted(Fact):
    """`by` posts a job, to be taken `until` then: by who comes first, or in the allocation of a `round`. `actors` are the
    agents that posted it for `by`."""

    KIND = "job.posted/1"
    job: str
    by: str
    terms: JobTerms
    until: Instant
    round: str = ""
    actors: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class JobWithdrawn(Fact):
    """Nobody can take the job any more; agreements reached on it stay."""

    KIND = "job.withdrawn/1"
    job: str
    by: str
    why: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class AvailabilityStated(OfParty, Fact):
    """When and where `party` would work: within `spans`, at `places` (none: anywhere), for `hourly_floor` minor units an hour
    at least, and `minutes_max` a week at most (0: she sets no bound).

    `refusals` are what she does not do, each `job:ID`, `by:PARTY` or `condition:NAME`. It takes the place of what she said
    before.
    """

    KIND = "availability.stated/1"
    party: str
    spans: tuple[Span, ...]
    places: tuple[str, ...] = ()
    hourly_floor: int = 0
    refusals: tuple[str, ...] = ()
    minutes_max: int = 0
    person: bool = False


@dataclass(frozen=True, slots=True)
class WishesStated(OfParty, Fact):
    """The `jobs` of a `round` that `party` would do, the best first. It takes the place of what she said before."""

    KIND = "wishes.stated/1"
    party: str
    round: str
    jobs: tuple[str, ...]
    person: bool = False


@dataclass(frozen=True, slots=True)
class JobAgreed(Fact):
    """`worker` does a job for `poster` on these terms: directly, or by the allocation of a `round`. `actors` are the agents
    that took it for the worker."""

    KIND = "job.agreed/1"
    agreement: str
    job: str
    worker: str
    poster: str
    terms: JobTerms
    round: str = ""
    actors: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.poster)


@dataclass(frozen=True, slots=True)
class JobEnded(Fact):
    """One side ended a job agreement, and `why`; no work is recorded under it that began later."""

    KIND = "job.ended/1"
    agreement: str
    worker: str
    poster: str
    by: str
    why: str

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.poster)


@dataclass(frozen=True, slots=True)
class ShiftRecorded(Fact):
    """`worker` was logged in at `operator` from `start` to `end`, and at its disposal in the spans `online`. `zone` is the
    IANA name of the time zone whose days count."""

    KIND = "shift.recorded/1"
    shift: str
    worker: str
    operator: str
    start: Instant
    end: Instant
    online: tuple[Span, ...]
    zone: str = "UTC"

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.operator)


@dataclass(frozen=True, slots=True)
class WorkDone(Fact):
    """One piece of work under a job agreement: a use, with the spans in which `worker` was `engaged` in it.

    Amounts are minor units of `currency`: `gross` is what the customer paid without `tips` and `surcharges`, `fee` what the
    `operator` kept of it. `orders` were done at once; in a `shift`, if there was one. Of the promised conditions `safe` were
    kept.
    """

    KIND = "work.done/1"
    work: str
    agreement: str
    worker: str
    operator: str
    engaged: tuple[Span, ...]
    metres: int
    gross: int
    fee: int
    currency: str
    tips: int = 0
    surcharges: int = 0
    orders: int = 1
    shift: str = ""
    safe: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.operator)
