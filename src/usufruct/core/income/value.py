"""The measure `value`: what each person added to an answer, by the Shapley value of the totals it is made of.

By `rows`, the measure of every use for which nothing else was chosen, a use is divided by the rows that counted in it. By
`value` it is divided by what the totals would have lacked without her. Either is worked out before the noise, from what the
plan reads: a person counts in the groups, with the rows and within the bounds that the plan allows her, and no further.

For a column of the answer, in each group, out of a person's `r` rows there and their sum `s`:

- a count of rows: r; a count of persons: one;
- a sum: s;
- an average: the sum over her r records of what each added to the mean of all n (see `shapley.of_average`). With s' and T'
  for the sums above r and n times the lower bound, and H for the n-th harmonic number, that is
  s' (1/n + (H - 1) / (n - 1)) - r (T' / n) (H - 1) / (n - 1) + r low / n. Only r and s are in it, so it does not matter how
  she spread the sum over the rows;
- a variance, a deviation, a quantile, and what has no bounds within `WIDEST`: her rows, as by `rows`.

What is below zero counts as zero, group by group: so who is below average in one group loses nothing of what she added in
another. The groups of a column add up, for they are of one unit. Columns are of different units, so each column of an
answer divides the same part of the use. All is in whole numbers, each division rounded down: any engine comes to the same,
whatever the order of the rows.

If nobody added anything, each person's share is her rows. The use is recorded as one divided by `value` all the same: what
is recorded of a use is shown to whoever asked, and must not depend on the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from usufruct.core.income.shapley import UNIT
from usufruct.core.privacy.rules import QueryPlan

WIDEST = 2**40  # grains: bounds beyond which the whole numbers of an average would not fit into 127 bits
FRACTION = 2**26  # parts of a grain in which a mean is taken
WHOLE = 2**62  # what all shares in a use come to at most
FLOOR = 2**63  # more than this is halved and halved, so that it can be multiplied by WHOLE within 127 bits


@dataclass(frozen=True, slots=True)
class Term:
    """A column of the answer: what `kind` of total it is (`persons`, `rows`, `sum` or `average`), and the plan's vectors, by
    number, that have a person's `rows` and `sum` in it. A sum adds up distances from `centre`; a row is from `low` to `high`."""

    kind: str
    rows: int | None = None
    sum: int | None = None
    centre: int = 0
    low: int = 0
    high: int = 0


def terms(plan: QueryPlan) -> tuple[Term, ...]:
    """What the shown columns of an answer are divided by; columns that are alike, each for itself."""
    return tuple(
        _term(plan, output.measure.function, output.vectors) for output in plan.outputs if output.measure.shown
    )


def _term(plan: QueryPlan, function: str, vectors: Sequence[int]) -> Term:
    if function == "persons":
        return Term("persons")
    rows = vectors[0]
    if function in ("sum", "average"):
        vector = plan.vectors[vectors[1]]
        domain = vector.domain
        assert domain is not None and domain.low is not None and domain.high is not None
        if max(abs(domain.low), abs(domain.high)) <= WIDEST:
            return Term(function, rows, vectors[1], vector.centre, domain.low, domain.high)
    return Term("rows", rows)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one person counts for in one group: `vectors` are her bounded numbers, by the number of the vector."""

    person: int
    group: tuple[object, ...]
    vectors: Mapping[int, int]


def shares(wanted: Sequence[Term], cells: Sequence[Cell]) -> dict[int, int]:
    """Each person's share, slowly: `engine.shares` says the same in SQL. Empty if nobody added anything."""
    columns = [column for term in wanted if sum((column := _column(term, cells)).values())]
    found = dict.fromkeys((cell.person for cell in cells), 0)
    for column in columns:
        for person, share in _scaled(column, WHOLE // len(wanted)).items():
            found[person] += share
    return found if any(found.values()) else {}


def _column(term: Term, cells: Sequence[Cell]) -> dict[int, int]:
    """What each person added to one column."""
    added = dict.fromkeys((cell.person for cell in cells), 0)
    for group in dict.fromkeys(cell.group for cell in cells):
        inside = [cell for cell in cells if cell.group == group]
        own = [_of_cell(term, cell) for cell in inside]
        if term.kind == "average":
            own = averaged(term.low, own)
        for cell, (_, share) in zip(inside, own, strict=True):
            added[cell.person] += max(share, 0)
    return added


def _of_cell(term: Term, cell: Cell) -> tuple[int, int]:
    """The rows of a cell, and what it adds to a count or a sum."""
    if term.rows is None:
        return 1, 1
    rows = cell.vectors[term.rows]
    if term.sum is None:
        return rows, rows
    total = cell.vectors[term.sum] + rows * term.centre
    return rows, min(max(total, rows * term.low), rows * term.high)


def averaged(low: int, own: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What those who have so many rows with such a sum each add to the mean of all, in `UNIT`ths of a grain; rows are not below
    `low`."""
    n = sum(rows for rows, _ in own)
    if n == 0:
        return [(0, 0) for _ in own]
    each = UNIT // n
    beyond = (harmonic(n) - UNIT) // (n - 1) if n > 1 else 0
    mean = sum(total - rows * low for rows, total in own) * FRACTION // n
    taken = mean * beyond // FRACTION
    return [
        (rows, (total - rows * low) * (each + beyond) - rows * taken + rows * low * each) for rows, total in own
    ]  # fmt: skip


def harmonic(n: int) -> int:
    """The n-th harmonic number in `UNIT`ths: 1 + 1/2 + … + 1/n, each rounded down."""
    return sum(UNIT // k for k in range(1, n + 1))


def _scaled(column: Mapping[int, int], whole: int) -> dict[int, int]:
    """The numbers in the same proportion, coming to `whole` or a little less."""
    by = sum(column.values()) // FLOOR + 1
    cut = {person: share // by for person, share in column.items()}
    total = sum(cut.values())
    return {person: share * whole // total for person, share in cut.items()}


def packed(found: Mapping[int, int], numbers: Iterable[int]) -> list[int]:
    """The shares of the persons of these numbers, in that order; nothing for whoever has none."""
    return [found.get(number, 0) for number in numbers]
