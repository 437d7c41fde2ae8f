"""The door to where models and synthetic rows are worked out: a port like those of `ports`, in a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from usufruct.core.income.neighbours import Measure
from usufruct.core.privacy.fitting import FitPlan
from usufruct.core.privacy.marginals import Marginals
from usufruct.core.privacy.moments import Moments
from usufruct.core.privacy.sample import Sample


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was taken of a sample, still inside the trust boundary: the exact `counts` of each marginal and `sums` of
    products over persons who are not held out, their `rows` and those of the persons `held` out (Arrow streams of whole
    numbers, one column for each of the sample; empty where they were not asked for), and the bounded rows per person."""

    counts: list[list[int]]
    sums: list[int]
    rows: bytes
    held: bytes
    contributions: bytes


class Trainer(Protocol):
    """Takes samples where the data lie; fits models and draws synthetic rows outside the node's own process, within limits."""

    def missing(self, route: str) -> str | None:
        """The extra that must be installed before it can go a route of a fit plan, or `draw`; None if none must."""

    def sample(
        self, sample: Sample, count: Marginals | None, add_up: Moments | None, rows: bool, population: bytes, persons: int
    ) -> Sampled:  # fmt: skip
        """What is counted and added up over a sample of the population; its `rows` only for who decided that what is made
        of them may leave. Raises EngineFault, with a message that does not depend on the data, if it fails or runs over
        its limits; so do the others."""

    def fit(self, plan: FitPlan, sampled: Sampled) -> tuple[dict[str, Any], list[list[int]]]:
        """The model, in the format of `core.privacy.model`, and the exact scores of the rows held out, by each of the plan's
        vectors: each row scored by itself, and adding at most what the plan says that one row adds. Counts and sums in
        `sampled` have their noise, and its rows are there only if the plan's route is exact. If the plan has rows for
        validation, their scores follow in vectors of the same kinds, exact."""

    def value(self, plan: FitPlan, measure: Measure, population: bytes, persons: int, deposits: Sequence[int]) -> bytes:
        """What each person's bounded rows add to telling the plan's rows for validation, as unsigned 64-bit numbers,
        little-endian (see `core.income.neighbours`). `deposits` say of each person by number when her rows came, as numbers
        that grow; empty if all came together."""

    def draw(self, marginals: Marginals, noised: Sequence[Sequence[int]], rows: int) -> list[list[int]]:
        """That many synthetic rows, the same each time, that follow the noisy marginals: for each column a place on its list,
        or a number in grains between its bounds."""
