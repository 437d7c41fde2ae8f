"""Noise from OpenDP: the discrete Gaussian over integers, sampled exactly (Canonne, Kamath and Steinke 2020).

Only this measurement is taken from the library, by its own name: the library's prelude loads scikit-learn and SciPy where
they are installed, which takes two seconds. Bounding, thresholds and accounting are ours, because they are what has to be
proven together (see docs/decisions/0006-noise.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_gaussian
from opendp.metrics import l2_distance
from opendp.mod import enable_features

enable_features("contrib")


class OpenDpNoise:
    """`ports.Noise` by OpenDP."""

    def __init__(self) -> None:
        self._space = vector_domain(atom_domain(T="i64")), l2_distance(T=float)

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        """`values` with noise; integers beyond 64 bits are brought to the nearest end first, which no person can
        cause: her part is bounded far below."""
        scale = float(deviation)
        if scale < deviation:  # beyond 53 bits the nearest float may be less than what was declared
            scale = math.nextafter(scale, math.inf)
        measurement = make_gaussian(*self._space, scale=scale)
        return list(measurement([max(-(2**62), min(2**62, value)) for value in values]))
