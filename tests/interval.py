"""The attacker's tool against a cube: what a linear programme finds out of each figure that is withheld."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

import numpy as np
from scipy.optimize import linprog

from usufruct.core.privacy.suppression import TOTAL, Place, places


def bounds(shape: tuple[int, ...], shown: Mapping[Place, float], most: int = 99) -> dict[Place, tuple[float, float]]:
    """The least and the largest value of each cell that is not `shown`, of the first `most`, over all tables that add up and
    have nothing negative in them."""
    order = {place: index for index, place in enumerate(p for p in places(shape) if p not in shown)}
    rows, right = [], []
    for axis, size in enumerate(shape):
        for line in product(*(((*range(s), TOTAL) if i != axis else (0,)) for i, s in enumerate(shape))):
            row, known = np.zeros(len(order)), 0.0
            for at, sign in [*((value, 1) for value in range(size)), (TOTAL, -1)]:
                place = (*line[:axis], at, *line[axis + 1 :])
                if place in order:
                    row[order[place]] += sign
                else:
                    known += sign * shown[place]
            rows.append(row)
            right.append(-known)
    return {
        place: (_end(rows, right, index, 1), _end(rows, right, index, -1))
        for place, index in list(order.items())[:most]
    }


def _end(rows: list[np.ndarray], right: list[float], index: int, sign: int) -> float:
    aim = np.zeros(len(rows[0]))
    aim[index] = sign
    solved = linprog(aim, A_eq=np.array(rows), b_eq=np.array(right), bounds=(0, None))
    assert solved.status in (0, 3), solved.message
    return solved.fun * sign if solved.status == 0 else math.inf
