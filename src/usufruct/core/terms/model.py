"""The rules of an agreement, as values: permissions, prohibitions and obligations after the ODRL 2.2 information model.

An agreement has to mean the same to both sides for as long as it lasts, so its rules are a fact like any other: frozen
records with one spelling, kept in the journal. What the outside world writes more freely is made plain when it is read
(`wire/odrl`): compact rules are split until each has one action and one target, parents are merged in, prefixes are
resolved. What remains is small:

    Ruleset ─┬─ Rule (permission) ──── duties: what must be done for it
             ├─ Rule (prohibition) ─── duties: the remedies, if it is violated
             └─ Rule (obligation) ──── duties: the consequences, if it is not fulfilled

Names. A bare word belongs to the ODRL vocabulary (`use`, `dateTime`, `isA`); `usu:` is our own profile, `dpv:` the
privacy vocabulary, `xsd:` the datatypes; anything else is written in full. Targets and parties are ids of this node, or
addresses in full. Values keep the letters in which they were agreed; what they mean is `values.py`.

`normal` is the one spelling: what ODRL says has no order is sorted, and said once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

T = TypeVar("T")

KINDS = ("permission", "prohibition", "obligation")
LOGIC = ("and", "or", "xone", "andSequence")
STRATEGIES = ("perm", "prohibit", "invalid")
BINDING = ("Set", "Agreement", "Privacy")  # the kinds of ruleset that can be in force; an Offer or a Request is not yet


@dataclass(frozen=True, slots=True)
class Value:
    """A right operand: its letters and its datatype; `iri` for a name, else `xsd:integer`, `xsd:dateTime` …"""

    text: str
    type: str = "iri"


@dataclass(frozen=True, slots=True)
class Property:
    """Something said that we do not understand. It is kept, flagged, and makes what it was said of unknown."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """`left operator right`, the right side in `unit`s if there are any; several right values form a set.

    `reference` is a right side that stands elsewhere; nothing is fetched, so it is unknown.
    """

    left: str
    operator: str
    right: tuple[Value, ...]
    unit: str = ""
    reference: str = ""
    uid: str = ""
    unknown: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined by `kind`, one of `LOGIC`. An `andSequence` keeps its order."""

    kind: str
    parts: tuple[Condition, ...]
    uid: str = ""
    unknown: tuple[Property, ...] = ()


Condition = Constraint | Logic
"""What holds or does not: one comparison, or several joined."""


@dataclass(frozen=True, slots=True)
class Action:
    """What is done; refinements narrow it."""

    name: str
    refinements: tuple[Condition, ...] = ()
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom or what a rule reaches: one party or asset, or the members of a collection, narrowed by refinements."""

    uid: str
    collection: bool = False
    refinements: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A party's part in a rule beside assigner and assignee: who is paid, who is told."""

    name: str
    party: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with at most one action, target, assigner and assignee; None means any.

    `duties` are what must be done for a permission, the remedies of a prohibition, the consequences of an obligation.
    """

    kind: str
    uid: str
    action: Action | None = None
    target: Scope | None = None
    assigner: Scope | None = None
    assignee: Scope | None = None
    roles: tuple[Role, ...] = ()
    constraints: tuple[Condition, ...] = ()
    duties: tuple[Rule, ...] = ()
    unknown: tuple[Property, ...] = ()

    def within(self) -> Iterator[Rule]:
        """The rule, and all duties in it, however deep."""
        yield self
        for duty in self.duties:
            yield from duty.within()


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All rules of an agreement (or of an offer, or of a set that nobody issued), and what to do when they collide.

    `conflict` is one of `STRATEGIES`: the permission wins, the prohibition wins, or the whole is void.
    """

    uid: str
    rules: tuple[Rule, ...]
    kind: str = "Set"
    conflict: str = "invalid"
    profiles: tuple[str, ...] = ()
    unknown: tuple[Property, ...] = ()

    def of(self, kind: str) -> tuple[Rule, ...]:
        """The rules of one kind."""
        return tuple(rule for rule in self.rules if rule.kind == kind)


def normal(rules: Ruleset) -> Ruleset:
    """The same rules in their one spelling."""
    return replace(
        rules, rules=_rules(rules.rules), profiles=_sorted(rules.profiles), unknown=_sorted(rules.unknown)
    )  # fmt: skip


def _rules(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return _sorted(tuple(normal_rule(rule) for rule in rules))


def normal_rule(rule: Rule) -> Rule:
    """The same rule in its one spelling."""
    action = rule.action and replace(rule.action, refinements=_conditions(rule.action.refinements))
    return replace(
        rule, action=action, target=_scope(rule.target), assigner=_scope(rule.assigner), assignee=_scope(rule.assignee),
        roles=_sorted(rule.roles), constraints=_conditions(rule.constraints), duties=_rules(rule.duties),
        unknown=_sorted(rule.unknown),
    )  # fmt: skip


def _scope(scope: Scope | None) -> Scope | None:
    return scope and replace(scope, refinements=_conditions(scope.refinements))


def _conditions(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    return _sorted(tuple(_condition(condition) for condition in conditions))


def _condition(condition: Condition) -> Condition:
    if isinstance(condition, Constraint):
        return replace(condition, right=_sorted(condition.right), unknown=_sorted(condition.unknown))
    parts = tuple(_condition(part) for part in condition.parts)
    # `xone` counts, so there a part that is said twice is not the same as a part said once.
    ordered = parts if condition.kind == "andSequence" else tuple(sorted(parts, key=repr))
    return replace(condition, parts=ordered, unknown=_sorted(condition.unknown))


def _sorted(items: tuple[T, ...]) -> tuple[T, ...]:
    """In the order of their spelling, each once."""
    if len(items) < 2:  # as most are; spelling costs more than all else here
        return items
    return tuple(sorted(dict.fromkeys(items), key=repr))
