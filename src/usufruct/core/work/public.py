"""What everybody may know of the exchange: how much work is looked for and offered, where, and for what pay.

Jobs are posted for all to see, so seats are counted as they are. Who would work says so for herself: persons are told in steps
of `least`, and below the first only that there are fewer, none included, for a nought that stands beside numbers would say who
left. What was paid is shown as quartiles over workers, each of them counted once with all that she earned, and only where there
are as many. Skills are told in the same way, see `demand`.

An hour is an hour engaged. What a job offers for one is worked out from all three parts of its pay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.work.hours.stretches import HOUR
from usufruct.core.work.state import Availability, Job

ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Balance:
    """Of a place: `seats` that are free, and `workers` who would work, rounded down to a step; None: too few to be shown."""

    name: str
    seats: int
    workers: int | None


def by_place(jobs: Iterable[Job], offered: Iterable[Availability], at: Instant, least: int) -> tuple[Balance, ...]:
    """Seats that can be taken now, and who would work there from now on, what is looked for most first; who would work anywhere
    counts under `anywhere`. A place that only persons name, and too few of them, is not there: it could be the word of one."""
    demand: Counter[str] = Counter()
    for job in jobs:
        demand[job.terms.place] += job.terms.seats - job.taken
    supply: Counter[str] = Counter()
    for row in offered:
        if any(span.end > at for span in row.spans):
            supply.update(set(row.places) or {ANYWHERE})
    found = [
        Balance(name, demand[name], supply[name] // least * least or None) for name in demand.keys() | supply.keys()
    ]
    return tuple(sorted((one for one in found if one.seats or one.workers), key=lambda one: (-one.seats, one.name)))


@dataclass(frozen=True, slots=True)
class Quartiles:
    """A quarter of `count` amounts is at most `lower`, half at most `middle`, three quarters at most `upper`."""

    count: int
    lower: int
    middle: int
    upper: int


def quartiles(amounts: Sequence[int]) -> Quartiles | None:
    """The quartiles by nearest rank; None of nothing."""
    if not amounts:
        return None
    ranked = sorted(amounts)
    lower, middle, upper = (ranked[-(-len(ranked) * quarter // 4) - 1] for quarter in (1, 2, 3))
    return Quartiles(len(ranked), lower, middle, upper)


@dataclass(frozen=True, slots=True)
class Bin:
    """So many `count` that pay at `least` and less than `below` minor units an hour."""

    least: int
    below: int
    count: int


def histogram(amounts: Sequence[int], width: int) -> tuple[Bin, ...]:
    """Counts by steps of `width` minor units, from the first step that has any to the last."""
    if not amounts:
        return ()
    counted = Counter(amount // width for amount in amounts)
    return tuple(Bin(step * width, (step + 1) * width, counted[step]) for step in range(min(counted), max(counted) + 1))


def paid(earned: Mapping[str, tuple[int, int]], least: int) -> Quartiles | None:
    """How pay for an engaged hour is spread over workers, of the minor units and milliseconds of each; None if they are too
    few to be shown."""
    hours = [amount * HOUR // time for amount, time in earned.values() if time]
    return quartiles(hours) if len(hours) >= least else None
