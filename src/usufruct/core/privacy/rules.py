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

Which groups there are is public if each key has a list of values: then all of them are in the answer, and an empty one is
noise like any other. Else a group is named if its noised number of persons is above a threshold, at the price of a delta
(see `threshold`). Everything here is decided from the text, the public cards and the budget: never from the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy import spending, threshold
from usufruct.core.privacy.expressions import NOT_ANSWERED, Domain, Typed, Wrong, within
from usufruct.core.privacy.question import Expression, Literal, Measure, Ordering, Question, Ref, refs_of
from usufruct.core.privacy.relations import View, computed
from usufruct.core.privacy.steps import Resolved, pruned, tables
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook

SIGMA_GRAIN = 64  # sigma is a whole number of 64ths: exact as a float, fine enough for counts
BINS = 64  # into which the range of a quantile is cut
MOST_WISHED = 10_000  # groups, and rows, that a person may be asked to count in


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a data user wants to be answered: what to spend, in micro-rho, and in how many groups, with how many rows in each,
    a person counts. None leaves it to the node."""

    micro_rho: int | None = None
    groups_per_person: int | None = None
    rows_per_group: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One version of an asset, whose table the plan reads; one that is about persons is charged."""

    asset: str
    version: str
    personal: bool


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What is grouped by: the relation's column of that `name`. `values` is the public list of groups; without one they are
    found in the data."""

    label: str
    name: str
    domain: Domain
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Vector:
    """Numbers for each group, to be noised: `kind` is `rows`, `persons`, `sum`, `squares` or `bins`; `of` is the relation's
    column that is not null in the rows counted, or is added up. A sum adds up (value - `centre`), clamped to `reach` on both
    sides, in grains; squares the squares of that. Bins count the rows from `centre` on in steps of `reach`.

    `sigma` is the noise in 64ths of a unit (of a grain for sums), `charge` what that costs in micro-rho.
    """

    kind: str
    of: str | None
    domain: Domain | None
    centre: int
    reach: int
    sigma: int
    charge: int

    @property
    def deviation(self) -> Fraction:
        """The standard deviation of the noise."""
        return Fraction(self.sigma, SIGMA_GRAIN)

    @property
    def width(self) -> int:
        """How many numbers there are for each group."""
        return BINS if self.kind == "bins" else 1


@dataclass(frozen=True, slots=True)
class Output:
    """A measure of the answer, and which vectors it is made from."""

    measure: Measure
    vectors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A group of at least `least` persons is named if the noised number of them, the vector `by`, is above `above`."""

    by: int
    least: int
    above: int
    nano_delta: int


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """What to compute over which versions of assets, how it is bounded and noised, and how the answer is arranged. What
    is about fewer than `group_min` persons is left out of it, as far as the noised numbers tell."""

    sources: tuple[Source, ...]
    relation: Resolved
    keys: tuple[GroupKey, ...]
    groups_per_person: int
    rows_per_group: int
    vectors: tuple[Vector, ...]
    outputs: tuple[Output, ...]
    threshold: Threshold | None = None
    having: Expression | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
    labels: tuple[str, ...] = ()
    group_min: int = 0
    cells_max: int = 10_000

    @property
    def charge(self) -> int:
        """What the whole answer costs, in micro-rho; zCDP adds up."""
        return sum(vector.charge for vector in self.vectors)

    @property
    def nano_delta(self) -> int:
        """The chance that a group is named because of one person, in 10^-9."""
        return self.threshold.nano_delta if self.threshold else 0

    @property
    def cells(self) -> int:
        """The number of groups, if they are public; 0 if not."""
        return math.prod(len(key.values) for key in self.keys)


def plan(
    question: Question, view: View, assets: Mapping[str, Asset], rulebook: Rulebook, at: Instant, group_min: int = 0,
    wishes: Wishes | None = None,
) -> QueryPlan | Refusal:  # fmt: skip
    """The plan for a question that was permitted, whose relation over these assets is `view`; no figure about fewer than
    `group_min` persons leaves (0: there is no such bound)."""
    wishes = wishes or Wishes()
    if not question.measures:
        return refuse(
            "query.unsupported", NOT_ANSWERED, "this agreement is for totals, and none is asked for",
            remedy="ask for totals: COUNT, SUM or AVG",
        )  # fmt: skip
    names = [*question.labels, *(f"{measure.label}_margin" for measure in question.measures if measure.shown)]
    if twice := [name for name in names if names.count(name) > 1]:
        return refuse(
            "query.unsupported", NOT_ANSWERED, f"two columns of the answer would be named `{twice[0]}`",
            remedy="give one of them another name with AS",
        )  # fmt: skip
    charge = spending.wished(rulebook, at, wishes.micro_rho, NOT_ANSWERED)
    if isinstance(charge, Refusal):
        return charge
    try:
        return _Planner(question, view, rulebook, at, charge, wishes, group_min).plan(assets)
    except Wrong as wrong:
        return wrong.refusal


def reads(question: Question, view: View) -> Resolved | Refusal:
    """The relation of a question with no more columns than the question needs."""
    needed = set[str]()
    try:
        for made in (*(key.made for key in question.keys), *(measure.argument for measure in question.measures)):
            if made is not None and not view.is_person(made):
                view, found = computed(view, made)
                needed.update(ref.name for ref in refs_of(found.made))
    except Wrong as wrong:
        return wrong.refusal
    return pruned(view.relation, frozenset(needed))


class _Planner:
    """One question on its way to a plan."""

    def __init__(
        self, question: Question, view: View, rulebook: Rulebook, at: Instant, charge: int, wishes: Wishes, group_min: int
    ) -> None:  # fmt: skip
        self.question, self.view, self.charge, self.wishes, self.group_min = question, view, charge, wishes, group_min
        self.listed = rulebook.value("privacy.listed-max", at)
        self.cells_max = rulebook.value("privacy.cells-max", at)
        self.nano_delta = rulebook.value("privacy.question-nano-delta", at)
        self.percent = rulebook.value("privacy.average-count-percent", at)

    def plan(self, assets: Mapping[str, Asset]) -> QueryPlan:
        if not self.view.personal:
            raise Wrong(
                "privacy.column", "none of the tables is about persons", "ask for the rows of open data themselves"
            )
        keys = self._keys()
        if not all(key.values for key in keys):
            keys = tuple(replace(key, values=()) for key in keys)
        cells = math.prod(len(key.values) for key in keys)
        if cells > self.cells_max:
            raise Wrong(
                "privacy.cells",
                f"it has {cells} groups; at most {self.cells_max} are allowed",
                "group by fewer columns",
            )
        groups, rows = self._bounds(keys, cells)
        vectors, outputs, found = self._vectors(groups, rows, needs_persons=cells == 0)
        needed = {key.name for key in keys} | {vector.of for vector in vectors if vector.of}
        relation = pruned(self.view.relation, frozenset(needed))
        sources = dict.fromkeys(
            Source(table.asset, assets[table.asset].version, bool(assets[table.asset].person_column))
            for table in tables(relation)
        )  # fmt: skip
        question = self.question
        return QueryPlan(
            tuple(sources), relation, keys, groups, rows, vectors, outputs, found, question.having, question.order,
            question.limit, question.offset, question.labels, self.group_min, self.cells_max,
        )  # fmt: skip

    def _column(self, made: Expression) -> Typed:
        self.view, found = computed(self.view, made)
        return found

    def _keys(self) -> tuple[GroupKey, ...]:
        keys = []
        for key in self.question.keys:
            found = self._column(key.made)
            if found.domain.type == "null":
                raise Wrong("privacy.key", "a group by NULL", "group by a column")
            assert isinstance(found.made, Ref)
            keys.append(GroupKey(key.label, found.made.name, found.domain, found.domain.listed(self.listed)))
        return tuple(keys)

    def _bounds(self, keys: tuple[GroupKey, ...], cells: int) -> tuple[int, int]:
        """How many groups a person may be in, and how many rows she may have in each; from the public cards, or as wished."""
        for name, wish in (("groups", self.wishes.groups_per_person), ("rows", self.wishes.rows_per_group)):
            if wish is not None and not 1 <= wish <= MOST_WISHED:
                raise Wrong("privacy.precision", f"a person cannot count in {wish} {name}", f"say 1 to {MOST_WISHED}")
        once = any(key.name in self.view.once for key in keys)
        groups = self.wishes.groups_per_person or self.view.rows
        rows = self.wishes.rows_per_group or (1 if once else self.view.rows)
        return min(cells or groups, groups), min(rows, 1) if once else rows

    def _vectors(
        self, groups: int, rows: int, needs_persons: bool
    ) -> tuple[tuple[Vector, ...], tuple[Output, ...], Threshold | None]:
        """The vectors that the measures need, each with its share of the charge; those that are alike are shared."""
        wanted: dict[tuple[str, str | None], tuple[Domain | None, int, int]] = {}
        made_from: list[list[tuple[str, str | None]]] = []
        for measure in self.question.measures:
            made_from.append([])
            for kind, of, domain, centre, reach in self._parts(measure):
                wanted.setdefault((kind, of), (domain, centre, reach))
                made_from[-1].append((kind, of))
        if needs_persons:
            wanted.setdefault(("persons", None), (None, 0, 1))
        weights = {name: self.percent if name[0] in ("rows", "persons") else 100 - self.percent for name in wanted}
        if self.charge * min(weights.values()) < sum(weights.values()):
            raise Wrong(
                "privacy.precision", f"{self.charge} micro-rho are too few for {len(self.question.measures)} measures",
                "ask for fewer measures, or spend more",
            )  # fmt: skip
        vectors, places = list[Vector](), dict[tuple[str, str | None], int]()
        for (kind, of), (domain, centre, reach) in wanted.items():
            share = self.charge * weights[kind, of] // sum(weights.values())
            places[kind, of] = len(vectors)
            vectors.append(_vector(kind, of, domain, centre, reach, share, groups, 1 if kind == "persons" else rows))
        outputs = tuple(
            Output(measure, tuple(places[part] for part in parts))
            for measure, parts in zip(self.question.measures, made_from, strict=True)
        )
        return (
            tuple(vectors),
            outputs,
            self._threshold(vectors, places["persons", None], groups) if needs_persons else None,
        )

    def _threshold(self, vectors: Sequence[Vector], by: int, groups: int) -> Threshold:
        least = max(1, self.group_min)
        above = threshold.above(vectors[by].deviation, groups, least, self.nano_delta)
        return Threshold(by, least, above, self.nano_delta)

    def _parts(self, measure: Measure) -> Iterator[tuple[str, str | None, Domain | None, int, int]]:
        """Kind, column, domain, centre and reach of the vectors that a measure is made from."""
        argument = measure.argument
        if measure.function == "persons":
            if not self.view.is_person(argument):
                raise Wrong(
                    "privacy.measure", "different values other than persons cannot be counted",
                    f"count persons, with COUNT(DISTINCT {self.view.person}), or rows, with COUNT(*)",
                )  # fmt: skip
            yield "persons", None, None, 0, 1
            return
        if argument is None or (measure.function == "count" and self.view.is_person(argument)):  # she is never null
            yield "rows", None, None, 0, 1
            return
        found = self._column(argument)
        assert isinstance(found.made, Ref)
        yield "rows", found.made.name, found.domain, 0, 1
        if measure.function == "count":
            return
        domain = self._summable(found)
        low, high = domain.low, domain.high
        assert low is not None and high is not None
        if measure.function == "quantile":
            yield "bins", found.made.name, domain, low, -(-(high - low + 1) // BINS)
            return
        centre = (low + high) // 2
        reach = max(high - centre, centre - low, 1)
        if measure.function != "sum" and measure.function != "average" and reach >= 2**31:
            raise Wrong(
                "privacy.measure", "the squares of it may become too large", "bound it more closely, with LEAST"
            )
        yield "sum", found.made.name, domain, centre, reach
        if measure.function in ("variance", "deviation"):
            yield "squares", found.made.name, domain, centre, reach

    def _summable(self, found: Typed) -> Domain:
        """A number with bounds that is not a code for something else.

        Raises:
            Wrong: it is none.
        """
        assert isinstance(found.made, Ref)
        coded = found.domain.values and found.domain.low is None  # as a card lists them; not what a CASE can be
        if found.domain.type != "number" or coded or None in (found.domain.least, found.domain.most):
            reason = f"`{found.made.of}` has no declared bounds, so one row could count for anything"
            if found.domain.type != "number":
                reason = f"`{found.made.of}` is no number"
            elif coded:
                reason = f"`{found.made.of}` has a list of values, so it stands for groups and is not added up"
            possible = self.view.summable()
            remedy = f"add up or average {' or '.join(possible)}" if possible else "count rows or persons instead"
            raise Wrong("privacy.measure", reason, remedy)
        return within(found).domain


def _vector(
    kind: str, of: str | None, domain: Domain | None, centre: int, reach: int, charge: int, groups: int, rows: int
) -> Vector:
    """A vector with the least sigma, in 64ths, that `charge` micro-rho pay for."""
    each = {"sum": reach, "squares": reach * reach}.get(kind, 1)
    sensitivity_squared = groups * (rows * each) ** 2
    sigma = sigma_for(sensitivity_squared, charge)
    return Vector(kind, of, domain, centre, reach, sigma, charge_of(sensitivity_squared, sigma))


def sigma_for(sensitivity_squared: int, micro_rho: int) -> int:
    """The least sigma in 64ths with D^2 / (2 sigma^2) <= rho, for D^2 = `sensitivity_squared`; exact, rounded up."""
    # sigma64^2 >= D^2 * 64^2 * 10^6 / (2 * micro_rho)
    square = -(-sensitivity_squared * SIGMA_GRAIN**2 * 10**6 // (2 * micro_rho))
    root = math.isqrt(square)
    return root if root * root == square else root + 1


def charge_of(sensitivity_squared: int, sigma: int) -> int:
    """What noise of `sigma` 64ths costs in micro-rho: D^2 / (2 sigma^2), exact, rounded up."""
    return -(-sensitivity_squared * SIGMA_GRAIN**2 * 10**6 // (2 * sigma * sigma))


def too_dear(
    read: Reader, query: QueryPlan, assets: Mapping[str, Asset], requester: str, rulebook: Rulebook, at: Instant
) -> Refusal | None:
    """Why a plan cannot be paid for out of the budget of each asset that it reads of persons; None if it can."""
    for source in query.sources:
        if source.personal:
            asset, delta = assets[source.asset], query.nano_delta
            refused = spending.affordable(read, asset, requester, query.charge, delta, rulebook, at, NOT_ANSWERED)
            if refused is not None:
                return refused
    return None
