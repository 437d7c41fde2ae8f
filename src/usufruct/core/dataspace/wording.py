"""Rules of another node in words, so that a person knows what she asks for before she does.

What every offer of this software says (purpose, form, price, for how long) gets plain words. Whatever else it says, by
whomever it was written, is told in the words that the vocabulary has for it, and what is not understood as it stands
there: nothing is left out, for whoever agrees, agrees to all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import FORMS
from usufruct.core.terms.model import Condition, Constraint, Rule, Ruleset
from usufruct.core.terms.vocabulary import OPERANDS, OPERATORS

_KINDS = {"permission": "permits", "prohibition": "forbids", "obligation": "demands"}
_DUTIES = {
    "permission": "for that it",
    "prohibition": "if it is done all the same, it",
    "obligation": "if it is not done, it",
}
_UNITS = {"Y": "year", "M": "month", "D": "day"}


@dataclass(frozen=True, slots=True)
class Line:
    """A rule in words: what it permits, forbids or demands, and under which `conditions`."""

    says: str
    conditions: tuple[str, ...]


def in_words(rules: Ruleset) -> tuple[Line, ...]:
    """Each rule, permissions first."""
    ordered = (rule for kind in _KINDS for rule in rules.of(kind))
    told = [Line(_head(rule), tuple(_rest(rule))) for rule in ordered]
    if rules.unknown:
        told.append(Line("not understood", tuple(f"`{one.name}`: {one.value}" for one in rules.unknown)))
    return tuple(told)


def _head(rule: Rule) -> str:
    done = f"to {_short(rule.action.name)}" if rule.action else "everything"
    return f"{_KINDS[rule.kind]} {done}"


def _rest(rule: Rule) -> Iterator[str]:
    for role, scope in (("of", rule.target), ("by", rule.assigner), ("to", rule.assignee)):
        if scope is not None:
            yield f"{role} `{scope.uid}`"
            yield from map(_condition, scope.refinements)
    for part in rule.roles:
        yield f"`{part.party}` is {_short(part.name)}"
    for condition in (*(rule.action.refinements if rule.action else ()), *rule.constraints):
        yield _condition(condition)
    for duty in rule.duties:
        yield _price(duty) or f"{_DUTIES[rule.kind]} {_head(duty)} ({'; '.join(_rest(duty)) or 'without conditions'})"
    for one in rule.unknown:
        yield f"not understood: `{one.name}`: {one.value}"


def _price(duty: Rule) -> str:
    """A duty that is nothing but to pay an amount each time; else empty."""
    action = duty.action
    plain = action and action.name == "compensate" and len(action.refinements) == 1 and not (
        duty.constraints or duty.duties or duty.unknown or duty.roles or duty.target or duty.assigner or duty.assignee
    )  # fmt: skip
    match action.refinements[0] if action and plain else None:
        case Constraint("payAmount", "eq", (value,), unit, "", unknown=()):
            return f"each use costs {value.text} {unit}".rstrip()
    return ""


def _condition(condition: Condition) -> str:
    if not isinstance(condition, Constraint):
        joined = f" {condition.kind} ".join(map(_condition, condition.parts))
        return f"({joined})" + _unknown(condition)
    match condition:
        case Constraint("purpose", "isAnyOf" | "eq" | "isA", values, "", "") if values:
            return f"only for {', '.join(_purpose(value.text) for value in values)}" + _unknown(condition)
        case Constraint("usu:form", "eq", (value,), "", "") if value.text in FORMS:
            return f"answers are {FORMS[value.text]}" + _unknown(condition)
        case Constraint("elapsedTime", "lteq", (value,), "", "") if _span(value.text):
            return f"for at most {_span(value.text)}" + _unknown(condition)
        case Constraint("dateTime", "lt", (value,), "", ""):
            return f"before {_day(value.text)}" + _unknown(condition)
    left = OPERANDS[condition.left].label if condition.left in OPERANDS else f"`{condition.left}`"
    operator = OPERATORS.get(condition.operator, f"`{condition.operator}`")
    right = ", ".join(value.text for value in condition.right) or f"what stands at {condition.reference}"
    return f"{left} {operator} {right} {condition.unit}".rstrip() + _unknown(condition)


def _unknown(condition: Condition) -> str:
    said = ", ".join(f"`{one.name}`: {one.value}" for one in condition.unknown)
    return f" (not understood: {said})" if said else ""


def _purpose(name: str) -> str:
    known = purposes.normal(name.removeprefix("dpv:"))
    return purposes.label(known) if known else name


def _day(text: str) -> str:
    """A moment; the day alone where it begins then."""
    return text[:10] if text[10:] in ("T00:00:00Z", "T00:00:00.000Z") else text


def _span(text: str) -> str:
    """`P2Y` as `2 years`; empty where it is anything less plain."""
    number, unit = text[1:-1], text[-1:]
    if text[:1] != "P" or not (number.isascii() and number.isdigit()) or unit not in _UNITS:
        return ""
    return f"{number} {_UNITS[unit]}{'' if number == '1' else 's'}"


def _short(name: str) -> str:
    return name.removeprefix("odrl:")
