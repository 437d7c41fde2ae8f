"""The rule of an allocation: how it chooses, and what a score is made of.

A score is made of *parts* with published names. Each part of a pair is a whole number from 0 (worst) to 1000 (best), and its
weight is a whole number too, so that the weights alone say how much each part counts: they are what Directive (EU) 2024/2831,
article 9, calls the main parameters and their relative importance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.base.refusals import Refusal, refuse

STABLE, SUM = "stable", "sum"
METHODS = {
    STABLE: "workers propose; each job keeps those with the most points",
    SUM: "the largest sum of points over all pairs",
}
"""The ways to choose."""

WISH = "wish"
PARTS = {
    "pay": "what the job pays an hour, high first",
    "fairness": "what the worker earned an hour so far, low first",
    WISH: "how high the worker ranks the job",
    "near": "how near the worker is to the job",
    "skill": "how well the worker's skills fit the job",
    "waiting": "how long the worker has waited for a job",
}
"""What a score can be made of."""

BEFORE, AFTER = "before", "after"
REVEAL = {
    BEFORE: "lottery numbers are told before workers say what they wish",
    AFTER: "lottery numbers are told once wishes are closed",
}
"""When workers learn their lottery numbers."""

VALUE_MAX, WEIGHTS_MAX = 1000, 1000


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the score, one of `PARTS`, and how often it counts."""

    name: str
    weight: int


@dataclass(frozen=True, slots=True)
class AllocationRule:
    """How a round is allocated: by which of `METHODS`, with which parts of the score, and when numbers are told."""

    method: str
    parts: tuple[Part, ...]
    reveal: str = AFTER


def unfit(rule: AllocationRule) -> Refusal | None:
    """Why a round cannot be allocated by this rule; None if it can."""
    wrong = next(_wrong(rule), None)
    if wrong is None:
        return None
    return refuse("allocation.rule", "nothing can be allocated by this rule", wrong[0], remedy=wrong[1])


def _wrong(rule: AllocationRule) -> Iterator[tuple[str, str]]:
    names = [part.name for part in rule.parts]
    if rule.method not in METHODS:
        yield f"there is no method `{rule.method}`", f"name one of {', '.join(METHODS)}"
    if rule.reveal not in REVEAL:
        yield f"numbers cannot be told `{rule.reveal}`", f"say one of {', '.join(REVEAL)}"
    unknown = next((name for name in names if name not in PARTS), None)
    if unknown is not None:
        yield f"`{unknown}` is no published part of a score", f"name some of {', '.join(PARTS)}"
    if len(set(names)) != len(names):
        yield "a part of the score is named twice", "name each once"
    if any(part.weight < 1 for part in rule.parts) or sum(part.weight for part in rule.parts) > WEIGHTS_MAX:
        yield "the weights are not whole numbers from 1 on", f"let them add up to {WEIGHTS_MAX} at most"
    if rule.method == SUM and not names:
        yield "a sum of nothing is the same for everybody", "name a part of the score, and its weight"
    if rule.method == STABLE and WISH in names:
        yield (
            "where wishes count for a job's choice among workers, it can pay a worker to say what she does not wish",
            "leave the part `wish` out; workers' ranks decide already",
        )


def wished(rank: int, count: int) -> int:
    """The value of the part `wish` for the `rank`-th of `count` wishes: the first 1000, then down in equal steps."""
    return VALUE_MAX * (count - rank + 1) // count


def graded(value: int, worst: int, best: int) -> int:
    """The value of a part between the `worst` (0) and the `best` (1000) that there is; either may be the larger number."""
    if worst == best:
        return VALUE_MAX
    low, high = min(worst, best), max(worst, best)
    return (min(max(value, low), high) - worst) * VALUE_MAX // (best - worst)
