"""Stories for random histories about rounds, and about jobs that are offered."""

from __future__ import annotations

from work_stories import NINE, NOON, TEN, TERMS

from usufruct.core.base.records import Fact
from usufruct.core.work.allocation.rule import AllocationRule, Part
from usufruct.core.work.facts import JobAgreed, JobPosted, WishesStated
from usufruct.core.work.offers import JobOfferDeclined, JobOffered
from usufruct.core.work.rounds.series import SeriesEnded, SeriesStarted
from usufruct.core.work.rounds.state import (
    KeptFrom,
    LeftOut,
    RoundAbandoned,
    RoundClosed,
    RoundEntered,
    RoundOpened,
    RoundPlanned,
    RoundSettled,
    SeedCommitted,
    SeedOpened,
)

SECRET, SEAL = "5e" * 32, "ab" * 32
RULE = AllocationRule("sum", (Part("wish", 3), Part("fairness", 2)))


def round_stories(number: str, a: str, b: str) -> list[list[Fact]]:
    """The stories, with names of their own; none of them needs another."""
    return [[*_round(number, a, b), *_series(number, a, b)], _offered(number, a, b)]


def _round(number: str, worker: str, poster: str) -> list[Fact]:
    """A round is given up, another takes its jobs over and goes its way."""
    first, round, job = f"given-up-{number}", f"drawn-{number}", f"round-job-{number}"
    return [
        RoundOpened(first, poster, RULE, worker, poster, poster, NINE, TEN),
        JobPosted(job, poster, TERMS, NINE, first),
        SeedCommitted(first, "workers", worker, SEAL),
        RoundAbandoned(first, poster, "too few came"),
        RoundOpened(round, poster, RULE, worker, poster, poster, NINE, TEN, first),
        WishesStated(worker, round, (job,)),
        SeedCommitted(round, "operators", poster, SEAL),
        RoundEntered(worker, round, "0123456789abcdef", (KeptFrom("job-x", "place", "it is elsewhere"),)),
        RoundClosed(round, SEAL, 7, SEAL, 1, 1, 2, 1, 1),
        SeedOpened(round, "operators", poster, SECRET),
        RoundPlanned(f"round-plan-{number}", round, SEAL, ("workers", "customers"), SEAL, 1),
        JobAgreed(f"round-agreement-{number}", job, worker, poster, TERMS, round),
        RoundSettled(round, f"round-plan-{number}", 1, (LeftOut("fedcba9876543210", job, "overlap"),)),
    ]


def _series(number: str, worker: str, poster: str) -> list[Fact]:
    """A chamber commits ahead, a job waits, two rounds of a series open and are given up, and it ends."""
    name = f"rolling-{number}"
    first, second, waits, job = f"{name}-1", f"{name}-2", f"series:{name}", f"rolling-job-{number}"
    return [
        SeriesStarted(name, poster, RULE, worker, poster, poster, NINE, 60, 20, 10, NOON),
        SeedCommitted(first, "workers", worker, SEAL),
        JobPosted(job, poster, TERMS, NOON, waits),
        RoundOpened(first, poster, RULE, worker, poster, poster, NINE, TEN, series=name),
        RoundAbandoned(first, poster, "no chamber opened its secret in time"),
        RoundOpened(second, poster, RULE, worker, poster, poster, TEN, NOON, series=name),
        SeriesEnded(name, poster, "the week is over"),
    ]


def _offered(number: str, worker: str, poster: str) -> list[Fact]:
    """A job is offered to one worker, who declines, and again, and she accepts."""
    job = f"offered-job-{number}"
    return [
        JobPosted(job, poster, TERMS, NOON),
        JobOffered(f"job-offer-{number}", job, worker, poster, NINE),
        JobOfferDeclined(f"job-offer-{number}", worker, poster),
        JobOffered(f"job-offer-{number}-b", job, worker, poster, NINE, (worker,)),
        JobAgreed(f"offered-agreement-{number}", job, worker, poster, TERMS),
    ]
