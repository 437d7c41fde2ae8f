"""Relations made ready for the engine: steps over tables, in the engine's own names (`c0`, `c1` …)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.privacy.question import Expression, refs_of


@dataclass(frozen=True, slots=True)
class Table:
    """An asset's stored table: the engine's names for some of its columns."""

    asset: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Filtered:
    """The rows for which `condition` is true."""

    source: Resolved
    condition: Expression


@dataclass(frozen=True, slots=True)
class Computed:
    """A further column of each row."""

    source: Resolved
    name: str
    made: Expression


@dataclass(frozen=True, slots=True)
class Windowed:
    """A further column, from other rows of the person that are alike in `partition`. `order` is by engine's names and
    whether descending; then by the columns in `ties`, so that rows which are told apart at all, be it by a window beside this
    one, have one order. `low` and `high` bound a sum."""

    source: Resolved
    name: str
    function: str
    argument: Expression | None
    offset: int
    partition: tuple[Expression, ...]
    order: tuple[tuple[Expression, bool], ...]
    low: int | None
    high: int | None
    ties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Adding:
    """A total of one person: `function` of `argument`, of all rows if that is None; `low` and `high` bound a sum."""

    name: str
    function: str
    argument: Expression | None
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Totalled:
    """One row for each person and each combination of `keys` (name and what it is made of), with totals."""

    source: Resolved
    keys: tuple[tuple[str, Expression], ...]
    totals: tuple[Adding, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Rows of both sides with the same person; if the right side is `public`, about nobody. `on` are further pairs of names
    that must be equal."""

    left: Resolved
    right: Resolved
    public: bool
    on: tuple[tuple[str, str], ...]
    keep_left: bool


Resolved = Table | Filtered | Computed | Windowed | Totalled | Joined


def names_of(relation: Resolved) -> list[str]:
    """The engine's names of a relation's columns."""
    match relation:
        case Table():
            return [name for name, _ in relation.columns]
        case Filtered():
            return names_of(relation.source)
        case Computed() | Windowed():
            return [*names_of(relation.source), relation.name]
        case Totalled():
            return [*(name for name, _ in relation.keys), *(total.name for total in relation.totals)]
        case Joined():
            return [*names_of(relation.left), *names_of(relation.right)]


def pruned(relation: Resolved, needed: frozenset[str]) -> Resolved:
    """The relation without columns that are neither `needed` nor used on the way to those that are."""
    match relation:
        case Table():
            return replace(relation, columns=tuple(pair for pair in relation.columns if pair[0] in needed))
        case Filtered():
            return replace(relation, source=pruned(relation.source, needed | _names(relation.condition)))
        case Computed():
            if relation.name not in needed:
                return pruned(relation.source, needed)
            return replace(relation, source=pruned(relation.source, needed | _names(relation.made)))
        case Windowed():
            if relation.name not in needed:
                return pruned(relation.source, needed)
            used = needed | _names(relation.argument, *relation.partition, *(by for by, _ in relation.order))
            # A column that nothing needs tells no rows apart, and is not read for their order either.
            ties = tuple(name for name in relation.ties if name in used)
            return replace(relation, ties=ties, source=pruned(relation.source, used))
        case Totalled():  # what is grouped by matters, whether or not it is looked at
            totals = tuple(total for total in relation.totals if total.name in needed)
            used = _names(*(made for _, made in relation.keys), *(total.argument for total in totals))
            return replace(relation, totals=totals, source=pruned(relation.source, used))
        case Joined():
            used = needed | {name for pair in relation.on for name in pair}
            return replace(relation, left=pruned(relation.left, used), right=pruned(relation.right, used))


def _names(*expressions: Expression | None) -> frozenset[str]:
    return frozenset(ref.name for expression in expressions for ref in refs_of(expression))


def tables(relation: Resolved) -> Iterator[Table]:
    """The tables that a relation reads; one that is read twice, twice."""
    match relation:
        case Table():
            yield relation
        case Joined():
            yield from tables(relation.left)
            yield from tables(relation.right)
        case _:
            yield from tables(relation.source)
