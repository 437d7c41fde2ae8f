"""A question: what a data user asked, in the few words this node understands.

SQL is what people write; a `Question` is all that is left of it. Everything behind this point (the decision, the plan,
the engine) works from these closed types, so there is nothing in a question that the node did not expect.
"""

from __future__ import annotations

from dataclasses import dataclass

Literal = int | str | bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`column operator literal`; `operator` is one of `= <> < <= > >=`. The literal is as written: `12.5` is text."""

    column: str
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class OneOf:
    """`column IN (…)`."""

    column: str
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """`column IS NULL`."""

    column: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """Two conditions that must both hold (`AND`)."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Either:
    """Two conditions one of which must hold (`OR`)."""

    left: Condition
    right: Condition


Condition = Comparison | OneOf | IsNull | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Key:
    """A column of the answer that names its group."""

    column: str
    label: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the answer that adds up a group; `function` is a key of `MEASURES`."""

    function: str
    column: str | None
    label: str


MEASURES = {
    "count": "the number of rows",
    "persons": "the number of persons",
    "sum": "the sum",
    "average": "the average",
}


@dataclass(frozen=True, slots=True)
class Ordering:
    """The order of the answer's rows, by one of its columns."""

    label: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one asset. `form` is `rows` or `aggregates`; rows have `columns` (none means all) and may be
    put in `order` by any column, aggregates have `keys` and `measures`.

    `text` is what was typed. `labels` are the names of the answer's columns, in the order asked for.
    """

    text: str
    asset: str
    form: str
    columns: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    measures: tuple[Measure, ...] = ()
    where: Condition | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    labels: tuple[str, ...] = ()

    def read(self) -> tuple[str, ...]:
        """The columns the question reads, wherever it reads them, each once; for rows none means all, as in `columns`."""
        if self.form == "rows" and not self.columns:
            return ()
        names = [*self.columns, *(k.column for k in self.keys), *(m.column for m in self.measures if m.column)]
        if self.form == "rows":
            names += [ordering.label for ordering in self.order]
        return tuple(dict.fromkeys([*names, *condition_columns(self.where)]))


def condition_columns(condition: Condition | None) -> tuple[str, ...]:
    """The columns a condition reads."""
    match condition:
        case None:
            return ()
        case Not():
            return condition_columns(condition.condition)
        case Both() | Either():
            return condition_columns(condition.left) + condition_columns(condition.right)
        case _:
            return (condition.column,)


def in_words(question: Question) -> str:
    """What was asked, for people: `the average of hourly_pay by union_member and year`."""
    if question.form == "rows":
        return f"the rows of {question.asset}"
    measures = _and([
        MEASURES[m.function] + (f" of {m.column}" if m.column and m.function != "persons" else "") for m in question.measures
    ])  # fmt: skip
    by = f" by {_and([k.column for k in question.keys])}" if question.keys else ""
    where = f", for rows with {', '.join(condition_columns(question.where))} as stated" if question.where else ""
    return measures + by + where


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
