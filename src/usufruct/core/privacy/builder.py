"""Questions for who writes no SQL: the five kinds that are asked most, put together from the public card.

A count, a sum, an average, a trend and an overlap cover what people come for. Each is a few choices, all of them from what
the card lists, so nothing that is typed goes into the text; and what comes out is SQL like any other, shown to who chose
and read by the same gate. So there is no second way in, and whoever wants more has a place to begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.access.gates import quoted
from usufruct.core.privacy.question import Literal
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset

KINDS = {
    "count": "how many there are",
    "sum": "what it comes to in all",
    "average": "how much it is on average",
    "trend": "how it changes over time",
    "overlap": "how many persons are in two sets of data",
}
COUNTED = {"persons": "persons", "rows": "rows"}
KEYS_MAX = 2
_PERIOD = re.compile(r"[12][0-9]{3}([-/ ]?[qw][0-9]{1,2}|[-/ ][0-9]{1,2}(-[0-9]{1,2})?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen: the `kind`; `counted`, where something is counted, and `column`, where something is added up (a trend is
    of one of them); the columns to divide it `by`, for a trend the period first; for each column of `only` the values that
    are let in; for an overlap the `other` asset."""

    kind: str
    counted: str = ""
    column: str = ""
    total: str = "average"
    by: tuple[str, ...] = ()
    only: tuple[tuple[str, tuple[Literal, ...]], ...] = ()
    other: str = ""


def counted(asset: Asset) -> tuple[str, ...]:
    """What can be counted."""
    return tuple(COUNTED) if asset.person_column else ("rows",)


def summed(asset: Asset) -> list[Column]:
    """The columns that can be added up and averaged."""
    return [c for c in asset.columns if c.low is not None and not c.values and c.name != asset.person_column]


def divided(asset: Asset) -> list[Column]:
    """The columns that an answer can be divided by, and restricted by."""
    return [column for column in asset.columns if column.values]


def periods(asset: Asset) -> list[Column]:
    """Those among them that can be a line of time, what looks most like one first: years, quarters, months, days."""
    possible = [column for column in divided(asset) if column.type in ("integer", "text") and len(column.values) > 1]
    return sorted(possible, key=lambda column: not looks_like_time([str(value) for value in column.values]))


def looks_like_time(values: list[str]) -> bool:
    """Whether these are years, quarters, months, weeks or days."""
    return bool(values) and all(map(_PERIOD.fullmatch, values))


def misfit(choice: Choice, asset: Asset, other: Asset | None) -> str:
    """What of a choice is missing, or not on the card; empty if a question can be made of it."""
    if choice.kind == "overlap":
        if other is None or other.id == asset.id:
            return "choose a second set of data"
        unfit = next((one for one in (asset, other) if not one.person_column), None)
        return f"`{unfit.id}` does not say whom a row is about" if unfit else ""
    measured = choice.kind in ("sum", "average") or (choice.kind == "trend" and not choice.counted)
    if measured and choice.column not in {column.name for column in summed(asset)}:
        return "choose what to add up"
    if not measured and choice.counted not in counted(asset):
        return "choose what to count"
    if choice.kind == "trend" and not (choice.by and choice.by[0] in {column.name for column in periods(asset)}):
        return "choose the column that says when"
    listed = {column.name: column.values for column in divided(asset)}
    if len(set(choice.by)) < len(choice.by) or len(choice.by) > KEYS_MAX or not set(choice.by) <= listed.keys():
        return f"divide by up to {KEYS_MAX} different columns of the list"
    wrong = next((name for name, values in choice.only if not set(values) <= set(listed.get(name, ()))), None)
    return f"`{wrong}` has no such values" if wrong is not None else ""


def write(choice: Choice, asset: Asset, other: Asset | None = None) -> str:
    """The question in SQL."""
    assert not misfit(choice, asset, other), "only what the card lists is written"
    if choice.kind == "overlap":
        assert other is not None
        return (
            f"SELECT COUNT(DISTINCT a.{quoted(asset.person_column)}) AS persons\n"
            f"FROM {quoted(asset.id)} AS a\n"
            f"JOIN {quoted(other.id)} AS b ON a.{quoted(asset.person_column)} = b.{quoted(other.person_column)}"
        )
    keys = ", ".join(map(quoted, choice.by))
    lines = [f"SELECT {keys}{', ' if keys else ''}{_total(choice, asset)}", f"FROM {quoted(asset.id)}"]
    conditions = list(_conditions(choice))
    lines += [f"WHERE {' AND '.join(conditions)}"] if conditions else []
    lines += [f"GROUP BY {keys}", f"ORDER BY {keys}"] if keys else []
    return "\n".join(lines)


def _total(choice: Choice, asset: Asset) -> str:
    if choice.kind in ("sum", "average") or not choice.counted:
        total = choice.total if choice.kind == "trend" else choice.kind
        return f"{'SUM' if total == 'sum' else 'AVG'}({quoted(choice.column)}) AS {_label(choice, total)}"
    if choice.counted == "persons":
        return f"COUNT(DISTINCT {quoted(asset.person_column)}) AS {_label(choice, 'persons')}"
    return f"COUNT(*) AS {_label(choice, 'count')}"


def _label(choice: Choice, label: str) -> str:
    """A name for the total that, with its margin's, no key has."""
    return (
        label
        if not {label, f"{label}_margin"} & {name.lower() for name in choice.by}
        else _label(choice, f"the_{label}")
    )


def _conditions(choice: Choice) -> Iterator[str]:
    for name, values in choice.only:
        written = [_literal(value) for value in values]
        yield f"{quoted(name)} = {written[0]}" if len(written) == 1 else f"{quoted(name)} IN ({', '.join(written)})"


def _literal(value: Literal) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
