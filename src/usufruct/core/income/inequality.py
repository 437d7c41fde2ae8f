"""How unequally amounts are spread: the Lorenz curve and what is read off it.

All measures are of a *population*: nobody is a sample of anybody else, so Gini is not multiplied by n / (n - 1). Everybody
may have a weight, for instance how many persons have the same amount; amounts are not negative. Where nobody has anything
all have the same, and every measure is 0.

Zeros are kept, for who got nothing is part of the picture. Atkinson's index with an aversion of 1 or more is then 1, the
greatest there is, because such an aversion gives anything to help whoever has nothing; Theil's index takes 0 log 0 as 0.

The figures are floats: they are looked at and never paid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TENTHS = 10


@dataclass(frozen=True, slots=True)
class Lorenz:
    """The points of a Lorenz curve, from (0, 0) to (1, 1): which part of the people, from the poorest, have which part."""

    people: tuple[float, ...]
    parts: tuple[float, ...]

    def at(self, people: float) -> float:
        """What the poorest `people` (a part of one) have together, on the straight line between two points."""
        low = 0.0
        for place in range(1, len(self.people)):
            left, right = self.people[place - 1], self.people[place]
            if people <= right:
                step = (people - left) / (right - left)
                return self.parts[place - 1] + step * (self.parts[place] - self.parts[place - 1])
            low = self.parts[place]
        return low


def lorenz(amounts: Sequence[float], weights: Sequence[float] | None = None) -> Lorenz:
    """The Lorenz curve of `amounts`, each counted `weights` times.

    Raises:
        ValueError: nobody is there, or an amount or weight is negative or no finite number.
    """
    pairs = _counted(amounts, weights)
    people, whole = math.fsum(weight for _, weight in pairs), math.fsum(amount * weight for amount, weight in pairs)
    x, y, at, had = [0.0], [0.0], 0.0, 0.0
    for amount, weight in pairs:
        at, had = at + weight, had + amount * weight
        x.append(at / people)
        y.append(had / whole if whole else at / people)
    x[-1] = y[-1] = 1.0
    return Lorenz(tuple(x), tuple(y))


def gini(amounts: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Gini's index (1912): twice the area between the Lorenz curve and equal parts; 0 to 1.

    Raises:
        ValueError: see `lorenz`.
    """
    curve = lorenz(amounts, weights)
    steps = range(1, len(curve.people))
    area = math.fsum((curve.people[i] - curve.people[i - 1]) * (curve.parts[i] + curve.parts[i - 1]) / 2 for i in steps)
    return max(0.0, 1 - 2 * area)


def palma(amounts: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Palma's ratio (2011): what the richest tenth have, to what the poorest four tenths have; infinite if those have nothing.

    Raises:
        ValueError: see `lorenz`.
    """
    curve = lorenz(amounts, weights)
    if not any(amounts):
        return 0.0
    top, bottom = 1 - curve.at(0.9), curve.at(0.4)
    return top / bottom if bottom else math.inf


def tenths(amounts: Sequence[float], weights: Sequence[float] | None = None) -> tuple[float, ...]:
    """What each tenth of the people have, as parts of one, from the poorest.

    Raises:
        ValueError: see `lorenz`.
    """
    curve = lorenz(amounts, weights)
    ends = [curve.at(step / TENTHS) for step in range(TENTHS)] + [1.0]
    return tuple(ends[step + 1] - ends[step] for step in range(TENTHS))


def theil(amounts: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Theil's T (1967): the mean of share times the logarithm of the share; 0, up to the logarithm of how many there are.

    Raises:
        ValueError: see `lorenz`.
    """
    pairs = _counted(amounts, weights)
    people, mean = _mean(pairs)
    if not mean:
        return 0.0
    return max(
        0.0, math.fsum(w * (a / mean) * math.log(a / mean) for a, w in pairs if a / mean) / people
    )  # fmt: skip


def atkinson(amounts: Sequence[float], aversion: float, weights: Sequence[float] | None = None) -> float:
    """Atkinson's index (1970): the part of the whole that could be given up if the rest were divided alike; 0 to 1.

    Raises:
        ValueError: a negative aversion; or see `lorenz`.
    """
    if aversion < 0:
        raise ValueError("an aversion to inequality is not negative")
    pairs = _counted(amounts, weights)
    people, mean = _mean(pairs)
    if not mean:
        return 0.0
    if aversion >= 1 and not pairs[0][0]:
        return 1.0
    logs = [(math.log(a / mean) if a / mean else -math.inf, w) for a, w in pairs]
    if aversion == 1:
        return _index(math.exp(math.fsum(w * log for log, w in logs) / people))
    power = 1 - aversion
    # e^(power * log) overflows for a strong aversion, so the largest exponent is taken out first
    most = max(power * log for log, _ in logs)
    inner = math.fsum(w * math.exp(power * log - most) for log, w in logs) / people
    return _index(math.exp((math.log(inner) + most) / power))


def _index(equal: float) -> float:
    return min(1.0, max(0.0, 1 - equal))


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    people = math.fsum(weight for _, weight in pairs)
    return people, math.fsum(amount * weight for amount, weight in pairs) / people


def _counted(amounts: Sequence[float], weights: Sequence[float] | None) -> list[tuple[float, float]]:
    """Amounts with their weights, the smallest first, without those that count for nobody."""
    counts = [1.0] * len(amounts) if weights is None else list(weights)
    if len(counts) != len(amounts):
        raise ValueError("each amount has one weight")
    if not all(math.isfinite(number) and number >= 0 for number in (*amounts, *counts)):
        raise ValueError("amounts and weights are finite and not negative")
    pairs = sorted((amount, weight) for amount, weight in zip(amounts, counts, strict=True) if weight)
    if not pairs:
        raise ValueError("a spread is of somebody")
    return pairs
