"""Rulesets in words, for a steward who has to answer for them and does not read ODRL."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.terms.model import Condition, Constraint, Rule, Ruleset, Scope
from usufruct.core.terms.vocabulary import OPERANDS, OPERATORS

MAY = {"permission": "may", "prohibition": "must not", "obligation": "must"}
CONFLICTS = {
    "perm": "Where both meet, the permission wins within this ruleset.",
    "prohibit": "Where both meet, the prohibition wins.",
    "invalid": "Permission and prohibition must never meet.",
}
_JOINED = {
    "and": "all of these",
    "or": "one of these",
    "xone": "exactly one of these",
    "andSequence": "all of these in turn",
}
_POSSESSIVE = {
    "subject": "the subject's",
    "resource": "the resource's",
    "action": "the action's",
    "context": "the context's",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A condition in words, and those that it joins."""

    text: str
    parts: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A rule: `who` `may` do `action` to `what`, under which conditions, and which duties go with it."""

    uid: str
    who: str
    may: str
    action: str
    what: str
    conditions: tuple[Line, ...]
    duties: tuple[str, ...]


def sentences(rules: Ruleset) -> tuple[Sentence, ...]:
    """The rules, permissions first."""
    return tuple(_sentence(rule) for kind in MAY for rule in rules.of(kind))


def _sentence(rule: Rule) -> Sentence:
    narrowed = [part.refinements for part in (rule.action, rule.target, rule.assignee) if part]
    conditions = (*rule.constraints, *(one for refinements in narrowed for one in refinements))
    return Sentence(
        rule.uid, _scope(rule.assignee) if rule.assignee else "whoever asks", MAY[rule.kind],
        rule.action.name if rule.action else "do anything with",
        _scope(rule.target) if rule.target else "any resource",
        (*map(_line, conditions), *(Line(f"{one.name} {one.value}".strip()) for one in rule.unknown)),
        tuple(duty.action.name if duty.action else duty.uid for duty in rule.duties),
    )  # fmt: skip


def _scope(scope: Scope) -> str:
    return f"members of {scope.uid}" if scope.collection else scope.uid


def _line(condition: Condition) -> Line:
    if isinstance(condition, Constraint):
        return Line(_constraint(condition))
    return Line(_JOINED.get(condition.kind, condition.kind), tuple(map(_line, condition.parts)))


def _constraint(said: Constraint) -> str:
    right = ", ".join(_operand(value.text) for value in said.right) or said.reference or "nothing"
    unit = f" {said.unit}" if said.unit else ""
    return f"{_operand(said.left)} {OPERATORS.get(said.operator, said.operator)} {right}{unit}"


def _operand(name: str) -> str:
    """What an operand is called; anything else is itself."""
    part, dot, rest = name.removeprefix("usu:").partition(".")
    if name.startswith("usu:") and dot and part in _POSSESSIVE:
        return f"{_POSSESSIVE[part]} {rest}"
    return OPERANDS[name].label if name in OPERANDS else name
