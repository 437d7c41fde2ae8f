"""Where a row stands among others: its features on the grid, by the public card alone, the same before and after any training.

A number is how far it lies between its column's bounds. A value of a list is a corner of its own, as far from any other as one
bound of a number is from the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any

import numpy as np

from usufruct.core.income.neighbours import grid_bits
from usufruct.engine.valuation.neighbours import Points, Whole


def embed(codes: Whole, columns: Sequence[Mapping[str, Any]]) -> Points:
    """The points of rows of whole numbers. A column of a list has a `size`, and its codes are places on it; another has a `low`
    and a `high` end, in grains; what lies outside counts as the nearer end."""
    width = sum(int(column.get("size", 1)) for column in columns)
    steps = (1 << grid_bits(width)) - 1
    corner = isqrt(steps * steps // 2)
    parts = []
    for place, column in enumerate(columns):
        code = codes[:, place]
        if "size" in column:
            parts.append((code[:, None] == np.arange(column["size"])) * corner)
        else:
            low, high = int(column["low"]), int(column["high"])
            span = max(high - low, 1)
            along = np.clip(code, low, high) - low
            if span * steps >= 1 << 63:  # more than 64 bits hold: in Python's whole numbers
                along = along.astype(object)
            parts.append((along * steps // span).astype(np.int64)[:, None])
    return np.hstack(parts).astype(np.int32) if parts else np.zeros((len(codes), 0), np.int32)
