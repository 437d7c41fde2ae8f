"""Conditions made ready for the engine: literals checked against the column's type and turned into its grains.

A condition is total: for every row it is true or not, and no row, whatever it holds, can make it fail. That is why a
literal that does not fit its column is refused here, from the text and the card, and never left to a cast that would
fail only if some person's row were there.
"""

from __future__ import annotations

import re

from usufruct.core.access.proof import Part
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import Both, Comparison, Condition, Either, IsNull, Literal, Not, OneOf
from usufruct.core.registry.facts import TYPES, Column
from usufruct.core.registry.state import Asset

_NUMBER = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?")

Resolved = Condition  # the same shapes, with every literal in the grains of its column


def resolve(condition: Condition, asset: Asset) -> Resolved | Refusal:
    """`condition` with its literals in the grains of the columns they are compared with."""
    match condition:
        case Not():
            inner = resolve(condition.condition, asset)
            return inner if isinstance(inner, Refusal) else Not(inner)
        case Both() | Either():
            left, right = resolve(condition.left, asset), resolve(condition.right, asset)
            if isinstance(left, Refusal):
                return left
            return right if isinstance(right, Refusal) else type(condition)(left, right)
    column = asset.column(condition.column)
    if column is None:
        return no_such_column(condition.column, asset)
    if column.name == asset.person_column:
        return refuse(
            "privacy.column", "the question was not answered", f"`{column.name}` says whom a row is about and cannot be compared",
            remedy=f"ask about groups of people; COUNT(DISTINCT {column.name}) counts persons",
        )  # fmt: skip
    match condition:
        case IsNull():
            return IsNull(column.name)
        case Comparison():
            literal = _in_grains(condition.literal, column)
            return literal if isinstance(literal, Refusal) else Comparison(column.name, condition.operator, literal)
        case OneOf():
            literals: list[Literal] = []
            for item in condition.literals:
                literal = _in_grains(item, column)
                if isinstance(literal, Refusal):
                    return literal
                literals.append(literal)
            return OneOf(column.name, tuple(literals))


def no_such_column(name: str, asset: Asset) -> Refusal:
    """The refusal for a column that the asset does not have; its schema is public to who has an agreement on it."""
    return refuse(
        "privacy.column", "the question was not answered", f"`{asset.id}` has no column `{name}`",
        remedy=f"its columns are {', '.join(c.name for c in asset.columns)}",
    )  # fmt: skip


def _in_grains(literal: Literal, column: Column) -> Literal | Refusal:
    if column.type == "boolean" and isinstance(literal, bool):
        return literal
    if column.type == "text" and isinstance(literal, str):
        return literal
    if column.type in ("integer", "decimal") and not isinstance(literal, bool):
        written = _NUMBER.fullmatch(str(literal))
        if written and len((written[3] or "").rstrip("0")) <= column.decimals:
            grains = int(written[2] + (written[3] or "")[: column.decimals].ljust(column.decimals, "0"))
            if grains < 2**62:
                return -grains if written[1] else grains
    return refuse(
        "privacy.literal", "the question was not answered",
        f"`{literal}` cannot be compared with `{column.name}`, which holds {TYPES[column.type]}"
        + (f" ({column.decimals} decimals)" if column.type == "decimal" else ""),
        remedy="compare it with a value of its own type",
    )  # fmt: skip


def reach(condition: Resolved | None) -> tuple[Part, ...]:
    """The parts of columns that a condition restricts a question to: never less than what it lets in."""
    return tuple(part for _, part in sorted(_reach(condition).items()))


def _reach(condition: Resolved | None) -> dict[str, Part]:
    match condition:
        case Both():
            left, right = _reach(condition.left), _reach(condition.right)
            return left | right | {name: _narrower(left[name], right[name]) for name in left.keys() & right.keys()}
        case Either():
            left, right = _reach(condition.left), _reach(condition.right)
            both = {name: _wider(left[name], right[name]) for name in left.keys() & right.keys()}
            return {name: part for name, part in both.items() if part is not None}
        case OneOf():
            return {condition.column: Part(condition.column, values=tuple(dict.fromkeys(condition.literals)))}
        case Comparison(column, "=", literal):
            return {column: Part(column, values=(literal,))}
        case Comparison(column, operator, int() as bound) if not isinstance(bound, bool) and operator != "<>":
            low, high = {"<": (None, bound - 1), "<=": (None, bound), ">": (bound + 1, None), ">=": (bound, None)}[
                operator
            ]
            return {column: Part(column, low, high)}
        case _:
            return {}


def _narrower(one: Part, other: Part) -> Part:
    """What lies in both, or something wider."""
    if one.values or other.values:
        return one if one.values else other
    lows = [part.low for part in (one, other) if part.low is not None]
    highs = [part.high for part in (one, other) if part.high is not None]
    return Part(one.column, max(lows, default=None), min(highs, default=None))


def _wider(one: Part, other: Part) -> Part | None:
    """What holds both; None if that is everything."""
    if one.values and other.values:
        return Part(one.column, values=tuple(dict.fromkeys((*one.values, *other.values))))
    if one.values or other.values:
        return None
    low = None if one.low is None or other.low is None else min(one.low, other.low)
    high = None if one.high is None or other.high is None else max(one.high, other.high)
    return None if low is None and high is None else Part(one.column, low, high)
