"""What several tests of matches stand on."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest

from usufruct.engine.noise import OpenDpNoise


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> list[Fraction]:
    """No noise; what would have been drawn."""
    drawn: list[Fraction] = []

    def add(_: OpenDpNoise, values: Sequence[int], deviation: Fraction) -> list[int]:
        drawn.append(deviation)
        return list(values)

    monkeypatch.setattr(OpenDpNoise, "add", add)
    return drawn
