"""Rounds of chance for the tests of allocation: small ones that are drawn whole, and the slow truth about them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from hypothesis import strategies as st

from usufruct.core.work.allocation import certificate, largest_sum, lottery, stable
from usufruct.core.work.allocation.certificate import Certificate
from usufruct.core.work.allocation.instance import Allocation, Candidate, Filtered, Instance, build
from usufruct.core.work.allocation.rule import STABLE, SUM, AllocationRule, Part

ROUND = "monday"
SECRETS = tuple(bytes([number]) * 32 for number in (1, 2, 3))
COMMITMENTS = tuple(lottery.commitment(secret, ROUND) for secret in SECRETS)
SEED = lottery.seed(SECRETS, b"", ROUND)
RULES = {
    STABLE: AllocationRule(STABLE, (Part("near", 3), Part("skill", 1))),
    SUM: AllocationRule(SUM, (Part("near", 3), Part("skill", 1))),
}
TIED = (0, 1, 2, 1000)  # so few values that many pairs have the same points
WHY = (("hours.rest", "you have had 9 h of 11 h rest"), ("skill.missing", "the certificate is missing"))


def drawn(
    chance: random.Random, method: str, workers: int, jobs: int, most: int = 4, seats: int = 2, values: Sequence[int] = TIED
) -> Instance:  # fmt: skip
    """A round of that size; each worker may have up to `most` jobs."""
    names = [f"job-{number}" for number in range(jobs)]
    candidates, filtered = [], []
    for number in range(workers):
        worker = f"worker-{number}"
        picked = chance.sample(names, min(jobs, chance.randint(0, most)))
        for rank, job in enumerate(picked, 1):
            if chance.random() < 0.1:
                filtered.append(Filtered(worker, job, *chance.choice(WHY)))
            else:
                candidates.append(Candidate(worker, job, rank, (chance.choice(values), chance.choice(values))))
    return build(
        ROUND, RULES[method], {name: chance.randint(1, seats) for name in names}, candidates, filtered, COMMITMENTS,
        [f"worker-{number}" for number in range(workers)],
    )  # fmt: skip


@st.composite
def rounds(draw: st.DrawFn, method: str | None = None, workers: int = 6, jobs: int = 5) -> Instance:
    """Small rounds."""
    chosen = method or draw(st.sampled_from([STABLE, SUM]))
    chance = random.Random(draw(st.integers(0, 2**32)))
    return drawn(chance, chosen, draw(st.integers(0, workers)), draw(st.integers(1, jobs)))


def allocated(instance: Instance, seed: bytes = SEED) -> Allocation:
    """What the core makes of it."""
    return (stable if instance.rule.method == STABLE else largest_sum).match(instance, seed)


def proved(instance: Instance) -> Certificate:
    """Its certificate."""
    return certificate.make(instance, allocated(instance), SECRETS)


def pairs(instance: Instance, worker: int) -> range:
    return range(instance.starts[worker], instance.starts[worker + 1])


def possible(instance: Instance) -> Iterator[tuple[int, ...]]:
    """Every allocation that keeps to the seats: a worker's job, or -1."""
    choices = [
        (-1, *(instance.job[pair] for pair in pairs(instance, worker))) for worker in range(len(instance.workers))
    ]
    for taken in product(*choices):
        if all(taken.count(job) <= seats for job, seats in enumerate(instance.seats)):
            yield taken


def total(instance: Instance, taken: Sequence[int], worth: Sequence[int]) -> int:
    """What an allocation is worth."""
    return sum(
        worth[pair] for worker, job in enumerate(taken) for pair in pairs(instance, worker) if instance.job[pair] == job
    )


def blocked(instance: Instance, taken: Sequence[int], seed: bytes = SEED) -> bool:
    """Whether a worker and a job would both rather have each other, by trying each pair."""
    keys = stable.priorities(instance, seed)
    for worker, own in enumerate(taken):
        for pair in pairs(instance, worker):
            job = instance.job[pair]
            if job == own:
                break
            held = [
                keys[other]
                for who, place in enumerate(taken) if place == job
                for other in pairs(instance, who) if instance.job[other] == job
            ]  # fmt: skip
            if len(held) < instance.seats[job] or min(held) < keys[pair]:
                return True
    return False


def rewished(instance: Instance, worker: int, order: Sequence[int]) -> Instance:
    """The round in which a worker says another order of (some of) her jobs, by their places in her own order."""
    rows = []
    for who, name in enumerate(instance.workers):
        mine = list(pairs(instance, who))
        if who == worker:
            mine = [mine[place] for place in order]
        rows += [
            Candidate(name, instance.jobs[instance.job[pair]], rank, tuple(column[pair] for column in instance.values))
            for rank, pair in enumerate(mine, 1)
        ]
    seats = dict(zip(instance.jobs, instance.seats, strict=True))
    made = build(instance.round, instance.rule, seats, rows, (), instance.commitments, instance.workers)
    return replace(made, commitments=instance.commitments)
