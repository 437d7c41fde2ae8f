"""What each holder adds to a total over data that several have put together: for whoever keeps a node, and nobody else.

A column says whose a row is: the clinic that took it down, the farm that measured it. Of a count, a sum, a mean, an extreme,
a number of different values or a quantile of those rows each holder gets her Shapley value. The players are the records, and
a holder's share the sum of theirs; so nobody gains by another name. Where *holders* are chosen as players, or the total has
no closed form for records (a quantile), each holder comes with all her rows at once.

Of a join several columns can say whose a row is. What a joined row adds is then split equally over those whose tuples it needs.

Shares are exact numbers about persons' data, without noise, and do not depend on anybody's consent. So they are not answers:
they are worked out for the steward or an auditor, before data are offered or after they were used, and never leave by a
question (see decision 0054). Every such look is a fact.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income import shapley
from usufruct.core.income.shapley import UNIT
from usufruct.core.privacy.expressions import Wrong, within
from usufruct.core.privacy.question import Expression, Question, Ref
from usufruct.core.privacy.relations import View, computed
from usufruct.core.privacy.rules import Source
from usufruct.core.privacy.steps import Computed, Filtered, Resolved, Table, pruned, tables
from usufruct.core.registry.state import Asset

RECORDS, HOLDERS = "records", "holders"
PLAYERS = {RECORDS: "each record is a player", HOLDERS: "each holder is a player, with all her records"}
MOST_COLUMNS = 4  # that say whose a row is
STEPS = 2**22  # that going through all coalitions, or the sums of means, may take
NOT_WORKED_OUT = "the shares were not worked out"


@dataclass(frozen=True, slots=True)
class HolderPlan:
    """What the engine reads for a total: `function` is one of a `Measure` or `minimum`, `maximum`, `distinct`, over the
    relation's column `of` within `low` and `high`, group by group of `keys`; `at` is the part of a quantile."""

    sources: tuple[Source, ...]
    relation: Resolved
    function: str
    of: str | None
    holders: tuple[str, ...]
    keys: tuple[str, ...] = ()
    players: str = RECORDS
    low: int = 0
    high: int = 0
    decimals: int = 0
    at: Fraction = Fraction(0)

    @property
    def reading(self) -> str:
        """What is read: the `shares` themselves, the `totals` of each holder in each group, or all her `values`."""
        if self.function == "quantile":
            return "values"
        apart = self.players == HOLDERS and self.function in ("average", "minimum", "maximum")
        return "totals" if apart else "shares"

    @property
    def row_by_row(self) -> bool:
        """Whether it need not be read which person a row is about."""
        return self.of != "person" and _row_by_row(self.relation)

    @property
    def unit(self) -> int:
        """The parts of a grain, or of one, in which shares are read."""
        if self.function in ("count", "sum"):
            return lcm(*range(1, len(self.holders) + 1))
        return UNIT


@dataclass(frozen=True, slots=True)
class HolderShare:
    """What a holder added with so many `records`, in the total's own unit; with its standard error where it was sampled."""

    holder: str
    records: int
    share: Fraction
    error: Fraction | None = None


def plan(
    question: Question, view: View, assets: Mapping[str, Asset], holders: Sequence[Ref], players: str
) -> HolderPlan | Refusal:
    """How to work out what each holder adds to the one total of a question."""
    if len(question.measures) != 1 or question.having or question.order or question.limit is not None:
        return _no("it is not one total over groups", "ask for one total, without HAVING, ORDER BY and LIMIT")
    measure = question.measures[0]
    function = "distinct" if measure.function == "persons" else measure.function
    if function not in _FUNCTIONS:
        return _no(f"nothing is known of shares in a {function}", "ask for COUNT, SUM, AVG, MIN, MAX or a quantile")
    if not 1 <= len(holders) <= MOST_COLUMNS or (len(holders) > 1 and function not in ("count", "sum")):
        return _no(
            "it must be said whose a row is, by one column, or by several for a count or a sum",
            f"name a column, or up to {MOST_COLUMNS} of joined tables",
        )
    try:
        if not view.personal:
            raise Wrong("income.holders", "none of the tables is about persons", "add open data up yourself")
        keys = []
        for key in question.keys:
            view, made = computed(view, key.made)
            keys.append(_name(made.made))
        owners = tuple(_name(view.plain(holder).made) for holder in holders)
        of, low, high, decimals = None, 0, 0, 0
        if view.is_person(measure.argument):
            of = "person" if function == "distinct" else None
        elif measure.argument is not None:
            view, found = computed(view, measure.argument)
            of = _name(found.made)
            if function not in ("count", "distinct"):
                bounded = within(found).domain
                if bounded.low is None or bounded.high is None:
                    raise Wrong("income.holders", "it is a total of nothing but NULL", "add a column up")
                low, high, decimals = bounded.low, bounded.high, bounded.decimals
    except Wrong as wrong:
        told = wrong.refusal
        return refuse(told.code, NOT_WORKED_OUT, *told.reasons, remedy=told.remedy)
    relation = pruned(view.relation, frozenset({*keys, *owners, *([of] if of else [])}))
    sources = dict.fromkeys(
        Source(table.asset, assets[table.asset].version, bool(assets[table.asset].person_column))
        for table in tables(relation)
    )
    return HolderPlan(
        tuple(sources), relation, function, of, owners, tuple(keys), players, low, high, decimals, measure.at
    )  # fmt: skip


_FUNCTIONS = ("count", "sum", "average", "minimum", "maximum", "distinct", "quantile")


def _row_by_row(relation: Resolved) -> bool:
    match relation:
        case Table():
            return True
        case Filtered() | Computed():
            return _row_by_row(relation.source)
        case _:
            return False


def _name(made: Expression) -> str:
    assert isinstance(made, Ref)
    return made.name


def _no(reason: str, remedy: str) -> Refusal:
    return refuse("income.holders", NOT_WORKED_OUT, reason, remedy=remedy)


# ---- from what was read to shares


def shares(plan: HolderPlan, rows: Iterable[Sequence[Any]], name: str, orders: int) -> list[HolderShare]:
    """The shares from the rows that the engine read; `orders` are sampled, by the lot of `name`, where that is needed."""
    grain = 10**plan.decimals
    if plan.reading == "shares":
        return [HolderShare(str(h), int(n), Fraction(int(share), plan.unit * grain)) for h, n, share in rows]
    if plan.reading == "totals":
        return _of_totals(plan, rows, name, orders)
    return _of_values(plan, rows, name, orders)


def _of_totals(plan: HolderPlan, rows: Iterable[Sequence[Any]], name: str, orders: int) -> list[HolderShare]:
    """Holders as players, from each one's records, sum, least and largest value, group by group."""
    groups: dict[tuple[Any, ...], dict[str, tuple[int, int, int, int]]] = defaultdict(dict)
    for holder, *keys, n, total, least, most in rows:
        groups[tuple(keys)][str(holder)] = int(n), int(total), int(least), int(most)
    found: dict[str, Fraction] = defaultdict(Fraction)
    squares: dict[str, Fraction] = defaultdict(Fraction)
    records: dict[str, int] = defaultdict(int)
    sampled = False
    for group, held in groups.items():
        own = list(held.values())
        if plan.function == "average" and len(own) ** 2 * sum(n for n, *_ in own) > STEPS:
            drawn = shapley.sampled(len(own), _means(own), f"{name}/{group}", orders)
            each, error, sampled = [v / UNIT for v in drawn.values], [Fraction(e, UNIT) for e in drawn.errors], True
        elif plan.function == "average":
            each, error = shapley.of_average_by_holder([(n, t) for n, t, *_ in own]), [Fraction(0)] * len(own)
        elif plan.function == "maximum":
            each, error = shapley.of_maximum([most for *_, most in own]), [Fraction(0)] * len(own)
        else:
            each, error = shapley.of_minimum([least for _, _, least, _ in own]), [Fraction(0)] * len(own)
        for holder, share, wrong in zip(held, each, error, strict=True):
            found[holder] += share
            squares[holder] += wrong**2
            records[holder] += held[holder][0]
    grain = 10**plan.decimals
    told = {h: Fraction(shapley.root_up(squares[h] * UNIT**2), UNIT * grain) if sampled else None for h in found}
    return [HolderShare(h, records[h], found[h] / grain, told[h]) for h in sorted(found)]


def _means(own: Sequence[tuple[int, int, int, int]]) -> Callable[[Sequence[int]], Iterable[int]]:
    """The mean after each holder of an order, in `UNIT`ths."""

    def walk(order: Sequence[int]) -> Iterable[int]:
        rows = total = 0
        for player in order:
            rows, total = rows + own[player][0], total + own[player][1]
            yield total * UNIT // rows

    return walk


def _of_values(plan: HolderPlan, rows: Iterable[Sequence[Any]], name: str, orders: int) -> list[HolderShare]:
    """Shares in a quantile, from all values of each holder."""
    held: dict[str, list[tuple[tuple[Any, ...], int, int]]] = defaultdict(list)
    for holder, *keys, value, n in rows:
        held[str(holder)].append((tuple(keys), int(value), int(n)))
    names = sorted(held)
    own = [held[holder] for holder in names]
    quantile = _Quantile(own, plan.at)
    unit = 10**plan.decimals * plan.at.denominator
    pairs = sum(map(len, own))
    each: list[Fraction]
    error: Sequence[Fraction | None] = [None] * len(own)
    if len(own) <= shapley.FEW and pairs << len(own) <= STEPS:
        each = [
            value / unit
            for value in shapley.enumerated(len(own), lambda c: quantile.reached([p for p in range(len(own)) if c >> p & 1]))
        ]  # fmt: skip
    else:
        drawn = shapley.sampled(len(own), quantile.walk, name, orders)
        each, error = [value / unit for value in drawn.values], [Fraction(e, unit) for e in drawn.errors]
    records = [sum(n for *_, n in values) for values in own]
    return [HolderShare(*one) for one in zip(names, records, each, error, strict=True)]


class _Quantile:
    """A quantile of growing sets of values, added up over groups, in parts of a grain: `at` of the way, on a straight line
    between neighbours (as QUANTILE_CONT). Values are counted in a tree of sums (Fenwick 1994)."""

    def __init__(self, own: Sequence[Sequence[tuple[tuple[Any, ...], int, int]]], at: Fraction) -> None:
        self._at = at
        self._values: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for key, value in sorted({(key, value) for values in own for key, value, _ in values}):
            self._values[key].append(value)
        self._own = [[(key, bisect_left(self._values[key], value), n) for key, value, n in values] for values in own]

    def walk(self, order: Sequence[int]) -> Iterable[int]:
        """What is reached after each player."""
        trees = {key: [0] * (len(values) + 1) for key, values in self._values.items()}
        sizes, reached = dict.fromkeys(trees, 0), dict.fromkeys(trees, 0)
        for player in order:
            for key, place, n in self._own[player]:
                sizes[key] += n
                _add(trees[key], place + 1, n)
            for key in {key for key, *_ in self._own[player]}:
                reached[key] = self._of(trees[key], self._values[key], sizes[key])
            yield sum(reached.values())

    def reached(self, players: Sequence[int]) -> int:
        """What is reached by all of them."""
        last = 0
        for last in self.walk(players):  # noqa: B007 (the last of them)
            pass
        return last

    def _of(self, tree: Sequence[int], values: Sequence[int], size: int) -> int:
        part, whole = self._at.numerator, self._at.denominator
        place, beyond = divmod((size - 1) * part, whole)
        lower = values[_find(tree, place)]
        upper = values[_find(tree, place + 1)] if beyond else lower
        return lower * (whole - beyond) + upper * beyond


def _add(tree: list[int], place: int, n: int) -> None:
    while place < len(tree):
        tree[place] += n
        place += place & -place


def _find(tree: Sequence[int], nth: int) -> int:
    """Where the nth of all that were counted lies, both from zero."""
    place, step = 0, 1 << len(tree).bit_length()
    while step:
        if place + step < len(tree) and tree[place + step] <= nth:
            place += step
            nth -= tree[place]
        step >>= 1
    return place
