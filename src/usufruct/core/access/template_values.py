"""The parameters of templates: what each takes, and the value that is made of what somebody typed.

A parameter is of a column, and takes a value from its public list, or a number between its declared bounds; both may be
narrowed. So what can be said in a run is known in full to who approves it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import decimal
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset

_NUMBER = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}

Bound = int | str | bool
"""A value as a question has it: text, yes or no, a whole number, or a decimal as text."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A gap of a template, `$name` in its text, to be filled with what a `column` can hold: a value of the list, or a number
    from `low` to `high`, with at most so many `decimals`."""

    name: str
    label: str
    column: str
    type: str
    values: tuple[int | str | bool, ...] = ()
    low: str = ""
    high: str = ""
    decimals: int = 0

    def extremes(self) -> tuple[Bound, ...]:
        """The first and the last value that it takes."""
        if self.values:
            return (self.values[0], self.values[-1])
        return (_number(self.low), _number(self.high))


@dataclass(frozen=True, slots=True)
class Gap:
    """A parameter as it is proposed: the list, or the bounds, are those of the column unless they are narrowed."""

    name: str
    label: str
    column: str
    values: tuple[int | str | bool, ...] = ()
    low: str = ""
    high: str = ""


def parameter_of(gap: Gap, cards: list[Asset]) -> Parameter | Refusal:
    """The parameter that a gap is, by what the cards say of its column.

    Raises:
        BadInput: it is widened beyond that, or says both a list and bounds.
    """
    column = next((found for card in cards if (found := card.column(gap.column)) is not None), None)
    if column is None:
        names = ", ".join(card.id for card in cards)
        return refuse(
            "privacy.column", "the template was not proposed", f"`{names}` has no column `{gap.column[:63]}`",
            remedy=f"name the column whose values `${gap.name}` takes",
        )  # fmt: skip
    label = holdable(gap.label.strip())
    if column.values or column.type == "boolean":
        listed = column.values or (False, True)
        chosen = gap.values or listed
        if gap.low or gap.high or not {(type(v), v) for v in chosen} <= {(type(v), v) for v in listed}:
            raise _wider(gap, f"is not within the public list of `{column.name}`")
        return Parameter(gap.name, label, column.name, column.type, tuple(dict.fromkeys(chosen)))
    if column.low is None or column.high is None:
        return refuse(
            "privacy.literal", "the template was not proposed",
            f"`{column.name}` has neither a public list of values nor bounds, so nobody could say what `${gap.name}` may be",
            remedy="write a value in its place, or have the card say what the column can hold",
        )  # fmt: skip
    return _between(gap, label, column, column.low, column.high)


def _between(gap: Gap, label: str, column: Column, least: int, most: int) -> Parameter:
    ends = [_grains(said, column.decimals) if said else end for said, end in ((gap.low, least), (gap.high, most))]
    low, high = ends
    if gap.values or low is None or high is None or not least <= low <= high <= most:
        raise _wider(gap, f"is not within the bounds of `{column.name}`")
    return Parameter(
        gap.name, label, column.name, column.type, (), decimal(low, column.decimals), decimal(high, column.decimals),
        column.decimals,
    )  # fmt: skip


def _wider(gap: Gap, what: str) -> BadInput:
    return BadInput(
        "input.template", f"what `${gap.name}` takes {what}", "narrow it, or leave it out to take all of that"
    )


def bind(template: str, parameters: tuple[Parameter, ...], given: Mapping[str, str]) -> dict[str, Bound] | Refusal:
    """The value of each parameter of a template, from what was typed; decided from the template alone."""
    known = {parameter.name: parameter for parameter in parameters}
    missing, strange = [name for name in known if name not in given], [name for name in given if name not in known]
    if missing or strange:
        reason = (
            f"`{template}` has no parameter `{strange[0][:40]}`" if strange else f"nothing is said of `{missing[0]}`"
        )
        says = ", ".join(f"`{name}`" for name in known) or "none"
        return refuse(
            "query.value", "the template was not run", reason, remedy=f"say each of its parameters once: {says}"
        )
    bound: dict[str, Bound] = {}
    for name, parameter in known.items():
        value = taken(parameter, holdable(given[name]).strip())
        if value is None:
            return refuse(
                "query.value", "the template was not run", f"`{given[name][:63]}` is not what `{name}` can be",
                remedy=f"{parameter.label}: {takes(parameter)}",
            )  # fmt: skip
        bound[name] = value
    return bound


def taken(parameter: Parameter, text: str) -> Bound | None:
    """The value that `text` is to a parameter; None if it takes no such value."""
    match parameter.type:
        case "text":
            return text if text in parameter.values else None
        case "boolean":
            truth = _TRUTHS.get(text.lower())
            return truth if truth in parameter.values else None
    grains = _grains(text, parameter.decimals)
    if grains is None:
        return None
    if parameter.values:
        return grains if grains in parameter.values else None
    low, high = _grains(parameter.low, parameter.decimals), _grains(parameter.high, parameter.decimals)
    assert low is not None and high is not None
    return _number(decimal(grains, parameter.decimals)) if low <= grains <= high else None


def takes(parameter: Parameter) -> str:
    """What a parameter takes, in words."""
    if parameter.values:
        words = [_word(value) for value in parameter.values]
        return f"one of {', '.join(words[:12])}{', …' if len(words) > 12 else ''}"
    return f"a number from {parameter.low} to {parameter.high}"


def _word(value: Bound) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _grains(text: str, decimals: int) -> int | None:
    """A number as a whole multiple of its grain; None if it is none, or finer."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    grains = Fraction(text) * 10**decimals
    return int(grains) if grains.denominator == 1 else None


def _number(text: str) -> Bound:
    return text if "." in text else int(text)
