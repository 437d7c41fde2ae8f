"""A question: what a data user asked, in the few words this node understands.

SQL is what people write; a `Question` is all that is left of it. Everything behind this point (the decision, the plan,
the engine) works from these closed types, so there is nothing in a question that the node did not expect.

A question has two storeys. Below is a *relation*: rows, each of them about one person, made from tables by steps that
never bring rows of two persons together. Above are the totals over all persons, and what is done with them afterwards.
Whether a relation really is person by person is not seen here but when it is held against the assets' cards (see
`relations`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

Literal = int | str | bool
"""What a cell can hold; decimals are whole numbers of grains."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A column by its name; `of` is the table's, if it was said."""

    name: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """What was written out: a text, true or false, a number (exact, as a fraction; in grains once it is typed), or None for
    NULL."""

    value: str | bool | int | Fraction | None


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `FUNCTIONS` of some arguments."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Ref | Value | Call

FUNCTIONS = frozenset({
    "and", "or", "not", "is null", "=", "<>", "<", "<=", ">", ">=", "in",
    "+", "-", "*", "//", "floor", "%", "neg", "abs", "least", "greatest",
    "case", "coalesce", "nullif", "substr",
})  # fmt: skip
"""`in` has the value looked for first; `case` has condition and result in turns and the other result last; `floor` divides
two numbers and rounds down, `//` towards zero."""


@dataclass(frozen=True, slots=True)
class Scan:
    """An asset's table, under a name of its own."""

    asset: str
    alias: str


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows for which a condition holds."""

    source: Relation
    condition: Expression


@dataclass(frozen=True, slots=True)
class Window:
    """What a row is given from other rows of the same person: `function` is a key of `WINDOWS`, `order` by expression and
    whether descending."""

    function: str
    argument: Expression | None
    offset: int
    partition: tuple[Expression, ...]
    order: tuple[tuple[Expression, bool], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A column that a SELECT makes; without `made`, all columns of the source, or of its table `name`."""

    name: str
    made: Expression | Window | None


@dataclass(frozen=True, slots=True)
class Select:
    """Other columns instead of those of the source, under the name of a table of its own."""

    source: Relation
    columns: tuple[Named, ...]
    alias: str


@dataclass(frozen=True, slots=True)
class Total:
    """A column that adds up the rows of one person; `function` is one of `TOTALS`."""

    name: str
    function: str
    argument: Expression | None


@dataclass(frozen=True, slots=True)
class Totals:
    """One row for each person and each combination of the other `keys`. One of the keys must be the person."""

    source: Relation
    keys: tuple[Named, ...]
    totals: tuple[Total, ...]
    alias: str


@dataclass(frozen=True, slots=True)
class Join:
    """Rows of both sides where all pairs of `on` are equal; of the left side all, if it is `left`."""

    left: Relation
    right: Relation
    on: tuple[tuple[Ref, Ref], ...]
    keep_left: bool


Relation = Scan | Filter | Select | Totals | Join

WINDOWS = frozenset({"row_number", "lag", "lead", "count", "sum", "min", "max"})
TOTALS = frozenset({"count", "sum", "min", "max"})


@dataclass(frozen=True, slots=True)
class Key:
    """A column of the answer that names its group; `shown` unless it is grouped by only."""

    made: Expression
    label: str
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the answer that adds up a group; `function` is a key of `MEASURES`. `at` is the part of a quantile.
    One that is not `shown` is only compared with (HAVING)."""

    function: str
    argument: Expression | None
    label: str
    at: Fraction = Fraction(0)
    shown: bool = True


MEASURES = {
    "count": "the number of rows",
    "persons": "the number of persons",
    "sum": "the sum",
    "average": "the average",
    "variance": "the variance",
    "deviation": "the standard deviation",
    "quantile": "a quantile",
}


@dataclass(frozen=True, slots=True)
class Ordering:
    """The order of the answer's rows, by one of its columns."""

    label: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `form` is `rows` or `aggregates`; rows have `columns` (none means all) and may be put in `order` by any
    column, aggregates have `keys` and `measures`. `having` speaks of the labels of the answer.

    `text` is what was typed. `labels` are the names of the answer's columns, in the order asked for.
    """

    text: str
    relation: Relation
    form: str
    columns: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    measures: tuple[Measure, ...] = ()
    having: Expression | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
    labels: tuple[str, ...] = ()
    scans: tuple[Scan, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scans", tuple(_scans(self.relation)))

    @property
    def asset(self) -> str:
        """The first asset that is asked about."""
        return self.scans[0].asset

    @property
    def assets(self) -> tuple[str, ...]:
        """All of them, each once, in the order in which they are named."""
        return tuple(dict.fromkeys(scan.asset for scan in self.scans))

    @property
    def where(self) -> Expression | None:
        """Which rows, of a question for rows."""
        return self.relation.condition if isinstance(self.relation, Filter) else None

    def named(self, scan: Scan) -> tuple[str, ...]:
        """The names of columns that the question may mean of one of its tables: never fewer than those it reads."""
        if self.form == "rows" and not self.columns:
            return ()
        refs = [*self.columns, *(o.label for o in self.order if self.form == "rows")]
        refs += [ref.name for ref in self._refs() if ref.of in ("", scan.alias)]
        return tuple(dict.fromkeys(refs))

    def _refs(self) -> Iterator[Ref]:
        for relation in _relations(self.relation):
            for expression in _expressions(relation):
                yield from refs_of(expression)
        for made in (*(key.made for key in self.keys), *(m.argument for m in self.measures)):
            yield from refs_of(made)


def _relations(relation: Relation) -> Iterator[Relation]:
    yield relation
    match relation:
        case Scan():
            return
        case Join():
            yield from _relations(relation.left)
            yield from _relations(relation.right)
        case _:
            yield from _relations(relation.source)


def _scans(relation: Relation) -> Iterator[Scan]:
    return (found for found in _relations(relation) if isinstance(found, Scan))


def _expressions(relation: Relation) -> Iterator[Expression | None]:
    match relation:
        case Filter():
            yield relation.condition
        case Select():
            for column in relation.columns:
                yield from window_parts(column.made) if isinstance(column.made, Window) else (column.made,)
        case Totals():
            yield from (key.made for key in relation.keys if not isinstance(key.made, Window))
            yield from (total.argument for total in relation.totals)
        case Join():
            yield from (ref for pair in relation.on for ref in pair)
        case Scan():
            return


def window_parts(window: Window) -> Iterator[Expression | None]:
    """The expressions that a window reads."""
    yield window.argument
    yield from window.partition
    yield from (by for by, _ in window.order)


def refs_of(expression: Expression | None) -> Iterator[Ref]:
    """The columns that an expression names."""
    match expression:
        case Ref():
            yield expression
        case Call():
            for argument in expression.arguments:
                yield from refs_of(argument)
        case _:
            return


def in_words(question: Question) -> str:
    """What was asked, for people: `the average of hourly_pay by union_member and year`."""
    if question.form == "rows":
        return f"the rows of {question.asset}"
    shown = [measure for measure in question.measures if measure.shown]
    measures = _and([
        MEASURES[m.function] + (f" of {_spoken(m.argument)}" if m.argument and m.function != "persons" else "") for m in shown
    ])  # fmt: skip
    by = f" by {_and([_spoken(k.made) for k in question.keys])}" if question.keys else ""
    told = dict.fromkeys(
        ref.name
        for relation in _relations(question.relation)
        if isinstance(relation, Filter)
        for ref in refs_of(relation.condition)
    )
    where = f", for rows with {', '.join(told)} as stated" if told else ""
    joined = f", of {_and(list(question.assets))} together" if len(question.assets) > 1 else ""
    return measures + by + where + joined


def _spoken(expression: Expression) -> str:
    names = list(dict.fromkeys(ref.name for ref in refs_of(expression)))
    if isinstance(expression, Ref):
        return expression.name
    return f"what is made of {_and(names)}" if names else "a fixed value"


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
