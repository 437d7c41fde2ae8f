"""The query plan: exactly what the engine will compute, how much noise goes on it, and what that costs.

The guarantee is zero-concentrated differential privacy (Bun and Steinke 2016) for *persons*: whatever one person's rows
are and however many she has, adding or removing all of them changes the distribution of the whole answer by at most
the charge. The plan makes that true by bounding, before anything is added up across persons:

1. per person and group, rows count at most `rows_per_group`, and what they add is clamped to that many times the
   column's bound;
2. per person, at most `groups_per_person` groups are kept, chosen by a hash of person and group, which depends on
   nobody else;
3. so a person moves a count vector by at most rows_per_group x sqrt(groups_per_person) in Euclidean length, and a sum
   vector by that times the largest absolute value of one row.

Gaussian noise of standard deviation sigma on a vector of sensitivity D costs rho = D^2 / (2 sigma^2) (ibid.,
Proposition 1.6; Canonne, Kamath and Steinke 2020 for the discrete Gaussian). Charges are whole micro-rho, and sigma is
a whole number of 64ths, rounded up, so the sum in the budget never understates. Sums are centred: a row counts as its
distance from the middle of the column's bounds, which halves the noise; the middle is put back after the noise.

Groups come from public lists of values only, so which groups appear in an answer tells nothing, and an empty one is
noise like any other. Everything here is decided from the text, the public card and the budget: never from the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.conditions import Resolved, no_such_column, resolve
from usufruct.core.privacy.question import Key, Measure, Ordering, Question
from usufruct.core.privacy.state import Budget
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook

SIGMA_GRAIN = 64  # sigma is a whole number of 64ths: exact as a float, fine enough for counts


@dataclass(frozen=True, slots=True)
class GroupKey:
    """A column to group by and the public list of its values."""

    label: str
    column: Column

    @property
    def values(self) -> tuple[int | str | bool, ...]:
        """What the groups are."""
        return self.column.values


@dataclass(frozen=True, slots=True)
class Vector:
    """One number for each group, to be noised: `kind` is `rows`, `persons` or `sum`; the first two may be of the rows
    in which `column` is not null. A sum adds up (value - `centre`), clamped to `reach` on both sides, in grains.

    `sigma` is the noise in 64ths of a unit (of a grain for sums), `charge` what that costs in micro-rho.
    """

    kind: str
    column: Column | None
    centre: int
    reach: int
    sigma: int
    charge: int

    @property
    def deviation(self) -> Fraction:
        """The standard deviation of the noise."""
        return Fraction(self.sigma, SIGMA_GRAIN)


@dataclass(frozen=True, slots=True)
class Output:
    """A measure of the answer, and which vectors it is made from."""

    measure: Measure
    vectors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """What to compute over which version of an asset, how it is bounded and noised, and how the answer is arranged. What
    is about fewer than `group_min` persons is left out of it, as far as the noised numbers tell."""

    asset: str
    version: str
    keys: tuple[GroupKey, ...]
    where: Resolved | None
    groups_per_person: int
    rows_per_group: int
    vectors: tuple[Vector, ...]
    outputs: tuple[Output, ...]
    order: tuple[Ordering, ...]
    limit: int | None
    labels: tuple[str, ...]
    group_min: int = 0

    @property
    def charge(self) -> int:
        """What the whole answer costs, in micro-rho; zCDP adds up."""
        return sum(vector.charge for vector in self.vectors)

    @property
    def cells(self) -> int:
        """The number of groups."""
        return math.prod(len(key.values) for key in self.keys)


def plan(
    read: Reader, question: Question, asset: Asset, rulebook: Rulebook, at: Instant, group_min: int,
    micro_rho: int | None = None,
) -> QueryPlan | Refusal:  # fmt: skip
    """The plan for a question that was permitted, spending at most `micro_rho` (the node's default unless given); no
    figure about fewer than `group_min` persons leaves (0: there is no such bound)."""
    if not question.measures:
        return refuse(
            "query.unsupported", "the question was not answered", "this node does not let rows out yet, whatever their grade",
            remedy="ask for totals: COUNT, SUM or AVG",
        )  # fmt: skip
    keys = _keys(question, asset)
    if isinstance(keys, Refusal):
        return keys
    where = resolve(question.where, asset) if question.where else None
    if isinstance(where, Refusal):
        return where
    if unknown := [c for c in question.read() if asset.column(c) is None]:
        return no_such_column(unknown[0], asset)
    names = [*question.labels, *(f"{measure.label}_margin" for measure in question.measures)]
    if twice := [name for name in names if names.count(name) > 1]:
        return refuse(
            "query.unsupported", "the question was not answered", f"two columns of the answer would be named `{twice[0]}`",
            remedy="give one of them another name with AS",
        )  # fmt: skip
    charge = _charge(rulebook, at, micro_rho)
    if isinstance(charge, Refusal):
        return charge
    groups, rows = _bounds(asset, keys)
    made = _vectors(question.measures, asset, charge, groups, rows, rulebook.value("privacy.average-count-percent", at))
    if isinstance(made, Refusal):
        return made
    vectors, outputs = made
    query = QueryPlan(
        asset.id,
        asset.version,
        keys,
        where,
        groups,
        rows,
        vectors,
        outputs,
        question.order,
        question.limit,
        question.labels,
        group_min,
    )
    return _within_limits(read, query, rulebook.value("privacy.cells-max", at))


def _keys(question: Question, asset: Asset) -> tuple[GroupKey, ...] | Refusal:
    keys = []
    for key in question.keys:
        column = asset.column(key.column)
        if column is None:
            return no_such_column(key.column, asset)
        if not column.values:
            return _no_list(key, asset)
        keys.append(GroupKey(key.label, column))
    return tuple(keys)


def _charge(rulebook: Rulebook, at: Instant, micro_rho: int | None) -> int | Refusal:
    if micro_rho is None:
        return rulebook.value("privacy.question-micro-rho", at)
    low = rulebook.value("privacy.question-micro-rho-min", at)
    high = rulebook.value("privacy.question-micro-rho-max", at)
    if low <= micro_rho <= high:
        return micro_rho
    return refuse(
        "privacy.precision", "the question was not answered", f"one question may spend {low} to {high} micro-rho, not {micro_rho}",
        remedy="leave the precision to the node, or stay within these bounds",
    )  # fmt: skip


def _bounds(asset: Asset, keys: tuple[GroupKey, ...]) -> tuple[int, int]:
    """How many groups a person may be in, and how many rows she may have in each; from the public card alone."""
    cells = math.prod(len(key.values) for key in keys)
    once = any(key.column.name in asset.once_per for key in keys)
    return min(cells, asset.rows_per_person), 1 if once else asset.rows_per_person


def _vectors(
    measures: tuple[Measure, ...], asset: Asset, charge: int, groups: int, rows: int, count_percent: int
) -> tuple[tuple[Vector, ...], tuple[Output, ...]] | Refusal:
    """The vectors that the measures need, each with its share of the charge; equal measures share their vectors."""
    distinct = {(m.function, m.column): m for m in measures}
    share = charge // len(distinct)
    if share * count_percent < 100:
        return refuse(
            "privacy.precision", "the question was not answered",
            f"{charge} micro-rho are too few for {len(distinct)} measures", remedy="ask for fewer measures, or spend more",
        )  # fmt: skip
    vectors: list[Vector] = []
    where: dict[tuple[str, str | None], tuple[int, ...]] = {}
    for (function, name), measure in distinct.items():
        column = asset.column(name) if name else None
        if function == "persons" and column and column.name == asset.person_column:
            made = [_vector("persons", None, 0, 1, share, groups, 1)]
        elif function == "count":
            counted = None if column and column.name == asset.person_column else column  # never null, and not kept
            made = [_vector("rows", counted, 0, 1, share, groups, rows)]
        elif column is None or function == "persons" or column.low is None or column.high is None or column.values:
            return _no_measure(measure, column, asset)
        else:
            centre = (column.low + column.high) // 2
            reach = max(column.high - centre, centre - column.low)
            counting = share * count_percent // 100
            made = [
                _vector("rows", column, 0, 1, counting, groups, rows),
                _vector("sum", column, centre, reach, share - counting, groups, rows),
            ]
        where[function, name] = tuple(range(len(vectors), len(vectors) + len(made)))
        vectors.extend(made)
    return tuple(vectors), tuple(Output(m, where[m.function, m.column]) for m in measures)


def _vector(kind: str, column: Column | None, centre: int, reach: int, charge: int, groups: int, rows: int) -> Vector:
    """A vector with the least sigma, in 64ths, that `charge` micro-rho pay for."""
    sensitivity_squared = groups * (rows * reach) ** 2
    sigma = sigma_for(sensitivity_squared, charge)
    return Vector(kind, column, centre, reach, sigma, charge_of(sensitivity_squared, sigma))


def sigma_for(sensitivity_squared: int, micro_rho: int) -> int:
    """The least sigma in 64ths with D^2 / (2 sigma^2) <= rho, for D^2 = `sensitivity_squared`; exact, rounded up."""
    # sigma64^2 >= D^2 * 64^2 * 10^6 / (2 * micro_rho)
    square = -(-sensitivity_squared * SIGMA_GRAIN**2 * 10**6 // (2 * micro_rho))
    root = math.isqrt(square)
    return root if root * root == square else root + 1


def charge_of(sensitivity_squared: int, sigma: int) -> int:
    """What noise of `sigma` 64ths costs in micro-rho: D^2 / (2 sigma^2), exact, rounded up."""
    return -(-sensitivity_squared * SIGMA_GRAIN**2 * 10**6 // (2 * sigma * sigma))


def _within_limits(read: Reader, query: QueryPlan, cells_max: int) -> QueryPlan | Refusal:
    if query.cells > cells_max:
        return refuse(
            "privacy.cells", "the question was not answered", f"it has {query.cells} groups; at most {cells_max} are allowed",
            remedy="group by fewer columns",
        )  # fmt: skip
    budget = read.get(Budget, query.asset, query.version)
    assert budget is not None, "every asset opens its budget when it is registered"
    if query.charge > budget.left:
        return refuse(
            "privacy.budget", "the question was not answered",
            f"it would spend {query.charge} micro-rho; {budget.left} of {budget.total} are left for `{query.asset}`",
            remedy="ask for less precision, or wait until the holder registers new data, which opens a new budget",
        )  # fmt: skip
    return query


def _no_list(key: Key, asset: Asset) -> Refusal:
    possible = [c.name for c in asset.columns if c.values]
    return refuse(
        "privacy.key", "the question was not answered",
        f"`{key.column}` has no public list of values, so the groups themselves could give somebody away",
        remedy=f"group by {' or '.join(possible)}" if possible else "ask for a total without groups",
    )  # fmt: skip


def _no_measure(measure: Measure, column: Column | None, asset: Asset) -> Refusal:
    if column is None:
        return no_such_column(measure.column or "", asset)
    if measure.function == "persons":
        return refuse(
            "privacy.measure", "the question was not answered", f"different values of `{column.name}` cannot be counted",
            remedy=f"count persons, with COUNT(DISTINCT {asset.person_column}), or rows, with COUNT(*)",
        )  # fmt: skip
    possible = [c.name for c in asset.columns if c.low is not None and not c.values]
    return refuse(
        "privacy.measure", "the question was not answered",
        f"`{column.name}` has no declared bounds, so one row could count for anything",
        remedy=f"add up or average {' or '.join(possible)}" if possible else "count rows or persons instead",
    )  # fmt: skip
