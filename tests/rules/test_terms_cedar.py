"""Cedar, which knows nothing of ours, decides the same on what both can say: the second oracle.

Translated are actions, one target and one assignee, whole numbers and names, joined by and, or and exactly one. A value
that is missing is unknown: a permission says that the context has it, a prohibition that it has it not, or it fits.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import cedarpy
from terms_cases import ACTIONS, Cases

from usufruct.core.base.instants import Instant
from usufruct.core.terms import evaluate
from usufruct.core.terms.evaluate import Request, World
from usufruct.core.terms.model import Condition, Constraint, Rule, Scope, Value
from usufruct.core.terms.vocabulary import actions_above, actions_below

OPERATORS = {"eq": "==", "neq": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
FIELDS = {"usu:persons": "persons", "usu:group": "group", "recipient": "recipient", "language": "language"}


class Plain(Cases):
    """Cases that both can say."""

    def constraint(self) -> Constraint:
        pick = self.random.choice
        if self.chance(0.5):
            return Constraint(
                pick(["usu:persons", "usu:group"]), pick(list(OPERATORS)), (Value(str(pick(range(4))), "xsd:integer"),)
            )
        return Constraint(
            pick(["recipient", "language"]), pick(["eq", "neq", "isAnyOf", "isNoneOf"]), (Value(pick("ab")),)
        )

    def scope(self, names: list[str], collection: str) -> Scope | None:
        return Scope(self.random.choice(names)) if self.chance(0.6) else None

    def duty(self) -> Rule:
        return Rule("obligation", self.uid("duty"), constraints=self.conditions(1))


def cedar(rule: Rule) -> str:
    permits = rule.kind == "permission"
    whens = [both(condition) for condition in (*rule.constraints, *(rule.action.refinements if rule.action else ()))]
    whens += [settled(duty) for duty in rule.duties if permits]
    said = " && ".join(sure if permits else maybe for sure, maybe in whens) or "true"
    actions = ""
    if rule.action is not None:
        covered = actions_below(rule.action.name) | (frozenset() if permits else actions_above(rule.action.name))
        actions = f" in [{', '.join(f'Action::{json.dumps(action)}' for action in sorted(covered))}]"
    who = f' == User::"{rule.assignee.uid}"' if rule.assignee else ""
    what = f' == Data::"{rule.target.uid}"' if rule.target else ""
    return f"{'permit' if permits else 'forbid'}(principal{who}, action{actions}, resource{what}) when {{ {said} }};"


def both(said: Condition) -> tuple[str, str]:
    """When it surely is satisfied, and when it may be."""
    if isinstance(said, Constraint):
        field = FIELDS[said.left]
        value = said.right[0].text if said.right[0].type != "iri" else json.dumps(said.right[0].text)
        operator = OPERATORS.get({"isAnyOf": "eq", "isNoneOf": "neq"}.get(said.operator, said.operator))
        fits = f"context.{field} {operator} {value}"
        return f"(context has {field} && {fits})", f"(!(context has {field}) || {fits})"
    parts = [both(part) for part in said.parts]
    if said.kind == "xone":
        return tuple(one_of([p[mine] for p in parts], [p[1 - mine] for p in parts]) for mine in (0, 1))  # type: ignore[return-value]
    joint = " || " if said.kind == "or" else " && "
    return f"({joint.join(sure for sure, _ in parts)})", f"({joint.join(maybe for _, maybe in parts)})"


def one_of(mine: list[str], others: list[str]) -> str:
    ways = [" && ".join([part, *(f"!{other}" for place, other in enumerate(others) if place != index)])
            for index, part in enumerate(mine)]  # fmt: skip
    return f"({' || '.join(f'({way})' for way in ways)})"


def settled(duty: Rule) -> tuple[str, str]:
    due = " && ".join(both(condition)[1] for condition in duty.constraints) or "true"
    said = f"(context.fulfilled.contains({json.dumps(duty.uid)}) || !({due}))"
    return said, said


def test_cedar_decides_the_same() -> None:
    cases, seen = Plain(31, odd=0), Counter[bool]()
    for _ in range(350):
        rules = replace(cases.ruleset(), conflict="prohibit", profiles=())
        terms = evaluate.read(rules)
        text = "\n".join(cedar(rule) for rule in rules.rules if rule.kind != "obligation")
        duties = [duty.uid for rule in rules.rules for duty in rule.duties]
        asked, worlds = [], []
        for _ in range(4):
            values = {"usu:persons": cases.random.randrange(4), "usu:group": cases.random.randrange(4),
                      "recipient": cases.random.choice("abc"), "language": cases.random.choice("abc")}  # fmt: skip
            values = {name: value for name, value in values.items() if cases.chance(0.85)}
            action, target, who = (cases.random.choice(pool) for pool in (ACTIONS, ["x", "y"], ["ann", "bob", "eve"]))
            asked.append(Request(action, target, who, "", values))
            worlds.append(World(Instant("2026-03-01T00:00:00.000Z"), frozenset(d for d in duties if cases.chance(0.5))))
        answers = cedarpy.is_authorized_batch(
            [
                {"principal": f'User::"{request.assignee}"', "action": f"Action::{json.dumps(request.action)}",
                 "resource": f'Data::"{request.target}"',
                 "context": {FIELDS[n]: v for n, v in request.values.items()} | {"fulfilled": sorted(world.fulfilled)}}
                for request, world in zip(asked, worlds, strict=True)
            ],
            text, [],
        )  # fmt: skip
        for request, world, answer in zip(asked, worlds, answers, strict=True):
            assert not answer.diagnostics.errors, answer.diagnostics.errors
            verdict = terms.permits(request, world)
            assert verdict == (answer.decision == cedarpy.Decision.Allow), (rules, request, world, text)
            seen[verdict] += 1
    assert min(seen.values()) > 100, seen
