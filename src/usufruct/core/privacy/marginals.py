"""Noisy marginals: counts of rows by one or two columns, from which a table is made that is about nobody.

A *marginal* counts the bounded rows by the codes of some columns. With at most k rows of a person in the sample, her
rows move one marginal by a vector of whole numbers that add up to k at most: the square of its length is k^2 at most,
whatever her rows are, and k where the marginal is by a column of which she has each value once, for then no two of her rows
are in one cell. For all marginals as one long vector these squares add up to D^2. They get noise of one sigma, and cost
D^2 / (2 sigma^2) in zCDP (see `rules`).

What is made of them afterwards is post-processing, which costs nothing: a graphical model that fits them best, and rows
drawn from that. It is as good as the marginals are: a pair of columns that was not measured is only related through
others. How far the rows are from the marginals is told from both, and from nothing else; the exact counts are looked at
once, for the noise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.rules import SIGMA_GRAIN, charge_of, sigma_for
from usufruct.core.privacy.sample import Coded, Sample, coded

TABLE_MAX = 1_000_000  # cells of the largest table that the graphical model has to hold
PAIRS_MAX = 200


@dataclass(frozen=True, slots=True)
class Marginals:
    """What is counted: for each of `sets`, places in `columns`, the rows by their codes. The last `checks` sets are
    measured like the others and kept from the model, so that it can be held against them. `sigma` in 64ths."""

    columns: tuple[Coded, ...]
    sets: tuple[tuple[int, ...], ...]
    checks: int
    sigma: int
    charge: int

    @property
    def deviation(self) -> Fraction:
        """The standard deviation of the noise on every count, in rows."""
        return Fraction(self.sigma, SIGMA_GRAIN)

    def cells(self, columns: Sequence[int]) -> int:
        """How many cells a marginal of these columns has; in it the last column runs fastest."""
        return math.prod(self.columns[place].size for place in columns)

    def name(self, columns: Sequence[int]) -> str:
        """A marginal in words: `educ and union`."""
        return " and ".join(self.columns[place].column.name for place in columns)

    def labels(self, columns: Sequence[int]) -> list[tuple[str, ...]]:
        """The codes of each cell of a marginal, in words."""
        found: list[tuple[str, ...]] = [()]
        for place in columns:
            one = self.columns[place]
            found = [(*before, one.label(code)) for before in found for code in range(one.size)]
        return found


@dataclass(frozen=True, slots=True)
class Distance:
    """How far the synthetic rows are from one noisy marginal: half the sum of all differences of shares, in parts per
    million (0: the same, a million: nothing in common). `noise` is what the noise alone comes to at most, in 95 % of its draws,
    so a distance not above it cannot be told from none. `checked`: the model had not seen this marginal."""

    columns: tuple[int, ...]
    distance: int
    noise: int
    checked: bool


def lay_out(
    sample: Sample, bins: int, pairs: Sequence[tuple[int, int]], checks: Sequence[tuple[int, int]], charge: int,
    cells_max: int, not_done: str,
) -> Marginals | Refusal:  # fmt: skip
    """Every column of a sample by itself, these pairs, and the `checks`; for `charge` micro-rho at most."""
    columns = tuple(coded(column, bins) for column in sample.columns)
    known = list(dict.fromkeys(tuple(sorted(pair)) for pair in pairs))
    held = [pair for pair in dict.fromkeys(tuple(sorted(pair)) for pair in checks) if pair not in known]
    sets = (*((place,) for place in range(len(columns))), *known, *held)
    sensitivity_squared = sum(moves_squared(sample, places) for places in sets)
    sigma = sigma_for(sensitivity_squared, charge)
    laid = Marginals(columns, sets, len(held), sigma, charge_of(sensitivity_squared, sigma))
    cells = sum(map(laid.cells, sets))
    if cells > cells_max or len(sets) > PAIRS_MAX:
        return refuse(
            "privacy.cells", not_done, f"{len(sets)} marginals of {cells} cells would be counted; at most {PAIRS_MAX} of "
            f"{cells_max} are allowed", remedy="name fewer columns or pairs, or cut numbers into fewer bins",
        )  # fmt: skip
    largest = _largest([column.size for column in columns], [set(pair) for pair in known])
    if largest > TABLE_MAX:
        return refuse(
            "privacy.cells", not_done,
            f"so many pairs hang together that the model would need a table of {largest} cells; at most {TABLE_MAX} fit",
            remedy="name pairs that form a tree, such as each column with the same one",
        )  # fmt: skip
    return laid


def moves_squared(sample: Sample, columns: Sequence[int]) -> int:
    """The square of how far a person moves a marginal at most."""
    rows = sample.rows_per_person
    return rows if any(place in sample.once for place in columns) else rows**2


def _largest(sizes: Sequence[int], edges: list[set[int]]) -> int:
    """The cells of the largest table when the columns are eliminated one by one, each time the cheapest."""
    near = {
        place: {other for edge in edges if place in edge for other in edge} | {place} for place in range(len(sizes))
    }
    largest = 0
    while near:
        costs = {place: math.prod(sizes[other] for other in others) for place, others in near.items()}
        place = min(costs, key=lambda found: (costs[found], found))
        largest = max(largest, costs[place])
        others = near.pop(place) - {place}
        for one, other in combinations(sorted(others), 2):
            near[one].add(other)
            near[other].add(one)
        for one in others:
            near[one].discard(place)
    return largest


def total(marginals: Marginals, noised: Sequence[Sequence[int]]) -> int:
    """How many rows there are, as far as the noisy counts tell: the mean over the marginals, those of fewer cells
    weighing more, for their sums have less noise. At least one."""
    weights = [Fraction(1, marginals.cells(columns)) for columns in marginals.sets]
    mean = sum((weight * sum(counts) for weight, counts in zip(weights, noised, strict=True)), Fraction(0)) / sum(
        weights
    )
    return max(1, round(mean))


def distances(
    marginals: Marginals, noised: Sequence[Sequence[int]], rows: Sequence[Sequence[int]]
) -> Iterator[Distance]:
    """How far rows of codes are from each noisy marginal."""
    whole = total(marginals, noised)
    for place, (columns, counts) in enumerate(zip(marginals.sets, noised, strict=True)):
        made = counted(marginals, columns, rows)
        apart = sum(abs(Fraction(a, len(rows)) - Fraction(b, whole)) for a, b in zip(made, counts, strict=True)) / 2
        # Of the absolute value of a Gaussian the mean is 0.797885 sigma and the deviation 0.602810 sigma, rounded up; of
        # their sum 95 % lie below 1.645 deviations above the mean.
        cells = marginals.cells(columns)
        spread = Fraction(math.isqrt(cells * 10**6) + 1, 1000) * Fraction(1_645 * 602_811, 10**9)
        noise = marginals.deviation * (cells * Fraction(797_885, 10**6) + spread) / whole / 2
        checked = place >= len(marginals.sets) - marginals.checks
        yield Distance(columns, round(apart * 10**6), math.ceil(noise * 10**6), checked)


def counted(marginals: Marginals, columns: Sequence[int], rows: Sequence[Sequence[int]]) -> list[int]:
    """A marginal of rows of codes."""
    found: Counter[int] = Counter()
    for row in rows:
        cell = 0
        for place in columns:
            cell = cell * marginals.columns[place].size + row[place]
        found[cell] += 1
    return [found[cell] for cell in range(marginals.cells(columns))]
