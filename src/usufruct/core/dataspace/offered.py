"""What an offer says once it stands in a message, and when two sets of rules say the same.

In the node's own rules each permission names its asset and its parties by the ids of this node. A message of the
Dataspace Protocol names them once, beside the rules, and by the names that the other side knows. So what is spoken is
the rules without them; what is left of a target or a party in a rule is somebody or something else, and counts.
"""

from __future__ import annotations

from dataclasses import replace

from usufruct.core.contract.odrl import as_rules
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.terms.model import Condition, Constraint, Rule, Ruleset, Scope, Value, normal


def spoken(of: Offer | Agreement) -> Ruleset:
    """The whole of an offer or agreement, without what a message says beside it: dataset, assigner and assignee.

    An offer and the agreement on it must say the same, so in place of the day on which each ends stands what they share:
    for how long an agreement lasts at most.
    """
    said = as_rules(of, Constraint("elapsedTime", "lteq", (Value(f"P{of.terms.years}Y", "xsd:duration"),)))
    consumer = of.consumer if isinstance(of, Agreement) else ""
    rules = tuple(addressed(rule, of.asset, of.provider, consumer) for rule in said.rules)
    return normal(replace(said, rules=rules))


def addressed(rule: Rule, dataset: str, assigner: str = "", assignee: str = "") -> Rule:
    """A rule without the target and the parties that are named beside it, for itself and for its duties."""
    return replace(
        rule, target=_other(rule.target, dataset), assigner=_other(rule.assigner, assigner),
        assignee=_other(rule.assignee, assignee),
        duties=tuple(addressed(duty, dataset, assigner, assignee) for duty in rule.duties),
    )  # fmt: skip


def _other(scope: Scope | None, named: str) -> Scope | None:
    return None if scope == Scope(named) else scope


def same_rules(offered: Ruleset, agreed: Ruleset) -> bool:
    """Whether an agreement says what was offered: the same but for its kind and the names of its parts.

    Both as they are spoken: dataset and parties stand in the message, whose reader has taken them out of the rules. A
    consumer asks this before it verifies; the connectors of Eclipse Dataspace Components ask the same (their
    `PolicyEquality`) of us.
    """
    return _unnamed(offered) == _unnamed(agreed)


def _unnamed(rules: Ruleset) -> Ruleset:
    return normal(replace(rules, uid="", kind="", rules=tuple(map(_rule, rules.rules))))


def _rule(rule: Rule) -> Rule:
    action = rule.action and replace(rule.action, uid="", refinements=_conditions(rule.action.refinements))
    return replace(
        rule, uid="", action=action, target=_scope(rule.target), assigner=_scope(rule.assigner),
        assignee=_scope(rule.assignee), constraints=_conditions(rule.constraints), duties=tuple(map(_rule, rule.duties)),
    )  # fmt: skip


def _scope(scope: Scope | None) -> Scope | None:
    return scope and replace(scope, refinements=_conditions(scope.refinements))


def _conditions(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    return tuple(
        replace(one, uid="") if isinstance(one, Constraint) else replace(one, uid="", parts=_conditions(one.parts))
        for one in conditions
    )
