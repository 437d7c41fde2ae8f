"""Stories for random histories about work."""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.work.facts import (
    AvailabilityStated,
    JobAgreed,
    JobEnded,
    JobPosted,
    JobTerms,
    JobWithdrawn,
    Pay,
    ShiftRecorded,
    Span,
    WishesStated,
    WorkDone,
)

NINE, TEN, NOON = (Instant(f"2026-11-30T{hour}:00:00.000Z") for hour in ("09", "10", "12"))
TERMS = JobTerms("deliveries at lunch", "tartu-centre", NINE, NOON, 60, Pay("EUR", 450, 900), seats=2)


def work_stories(number: str, a: str, b: str) -> list[list[Fact]]:
    """The stories, with names of their own; none of them needs another."""
    return [_jobs(number, a, b)]


def _jobs(number: str, worker: str, poster: str) -> list[Fact]:
    """A job is posted, wished for, agreed and done; another agreement on it ends, and it is withdrawn."""
    job, round = f"job-{number}", f"round-{number}"
    first, second = f"job-agreement-{number}", f"job-agreement-{number}-b"
    return [
        JobPosted(job, poster, TERMS, NINE, round),
        AvailabilityStated(worker, (Span(NINE, NOON),), ("tartu-centre",), 1000, (f"by:{poster}",), 1200),
        WishesStated(worker, round, (job,)),
        JobAgreed(first, job, worker, poster, TERMS, round),
        JobAgreed(second, job, worker, poster, TERMS),
        JobEnded(second, worker, poster, poster, "one seat was enough"),
        ShiftRecorded(f"shift-{number}", worker, poster, NINE, NOON, (Span(NINE, TEN),), "Europe/Tallinn"),
        WorkDone(
            f"work-{number}",
            first,
            worker,
            poster,
            (Span(NINE, TEN),),
            2100,
            1450,
            290,
            "EUR",
            100,
            shift=f"shift-{number}",
        ),
        JobWithdrawn(job, poster, "it is done"),
    ]
