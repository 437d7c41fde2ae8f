"""Small worlds to measure contributions in, and the slow truth about them: every coalition, looked at one by one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

from usufruct.core.income import shapley

Worth = Callable[[Sequence[int]], Fraction]


def worth(distances: Sequence[int], right: Sequence[int], k: int) -> Worth:
    """What a set of records is worth: the mean share of right ones among its k nearest, over the orders of ties."""

    def of(members: Sequence[int]) -> Fraction:
        left, sure = k, Fraction(0)
        for _, group in groupby(
            sorted(members, key=lambda place: distances[place]), key=lambda place: distances[place]
        ):
            tied = list(group)
            taken = min(left, len(tied))
            sure += Fraction(sum(right[place] for place in tied) * taken, len(tied))
            left -= taken
        return sure / k

    return of


def enumerated(players: int, of: Worth) -> list[Fraction]:
    """The Shapley values of a game, from what each coalition is worth."""
    return shapley.enumerated(players, lambda bits: of([place for place in range(players) if bits >> place & 1]))


def table(
    draw: random.Random, records: int, rows: int, columns: int, classes: int = 2, top: int = 1 << 17
) -> tuple[Any, Any, Any, Any]:
    """Records and validation rows with coordinates below `top`, as the kernels take them: few coordinates, many ties."""
    points = np.array([[draw.randrange(top) for _ in range(columns)] for _ in range(records)], np.int32)
    asked = np.array([[draw.randrange(top) for _ in range(columns)] for _ in range(rows)], np.int32)
    labels = np.array([draw.randrange(classes) for _ in range(records)], np.int64)
    told = np.array([draw.randrange(classes) for _ in range(rows)], np.int64)
    return points.reshape(records, columns), labels, asked.reshape(rows, columns), told
