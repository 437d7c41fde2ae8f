"""Noise from OpenDP: the discrete Gaussian over integers, sampled exactly (Canonne, Kamath and Steinke 2020).

Only this measurement is taken from the library. Bounding, thresholds and accounting are ours, because they are what
has to be proven together (see docs/decisions/0006-noise.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import opendp.prelude as dp

dp.enable_features("contrib")


class OpenDpNoise:
    """`ports.Noise` by OpenDP."""

    def __init__(self) -> None:
        self._space = (
            dp.vector_domain(dp.atom_domain(T="i64")),
            dp.l2_distance(T=float),
        )

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        """`values` with noise; integers beyond 64 bits are brought to the nearest end first, which no person can
        cause: her part is bounded far below."""
        scale = float(deviation)
        if scale < deviation:  # beyond 53 bits the nearest float may be less than what was declared
            scale = math.nextafter(scale, math.inf)
        measurement = dp.m.make_gaussian(*self._space, scale=scale)
        return list(measurement([max(-(2**62), min(2**62, value)) for value in values]))
