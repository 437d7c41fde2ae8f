"""The evaluator says what the reference says, its report says what its verdict says, and more rules mean what they should."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
import terms_reference as reference
from terms_cases import Cases

from usufruct.core.terms import evaluate
from usufruct.core.terms.evaluate import Premise, Request, World
from usufruct.core.terms.model import Ruleset, normal

RULESETS, REQUESTS = 4000, 5  # 20,000 cases


@pytest.mark.parametrize("mode", ["strict", "lenient"])
def test_verdict_and_report_are_those_of_the_reference(mode: str) -> None:
    coin = Random(3)
    cases, seen = Cases({"strict": 1, "lenient": 2}[mode]), Counter[bool]()
    for _ in range(RULESETS // 2):
        rules = cases.ruleset()
        terms = evaluate.read(rules, mode)
        for _ in range(REQUESTS):
            request, world = cases.request(), cases.world(rules)
            verdict = terms.permits(request, world)
            assert verdict == reference.permits(rules, mode, request, world), (rules, request, world)
            assert left_over(terms, request, world, coin) == (verdict, terms.prohibits(request, world))
            report = terms.report(request, world)
            assert report.permitted == verdict == (report.why == "permitted"), (rules, request, world)
            seen[verdict] += 1
            if not any(isinstance(value, tuple) for value in (request.purpose, *request.values.values())):
                agree_rule_by_rule(rules, mode, request, world, report)
    assert min(seen.values()) > sum(seen.values()) // 20, seen


def left_over(terms: evaluate.Terms, request: Request, world: World, coin: Random) -> tuple[bool, bool]:
    """What is permitted and what is prohibited, where some of the request comes later."""
    single = [name for name, value in request.values.items() if not isinstance(value, tuple)]
    later = frozenset(name for name in single if coin.random() < 0.3)
    known = request._replace(values={name: value for name, value in request.values.items() if name not in later})
    rest = terms.settled(known, later, world.collections)
    return rest.permits(request, world), rest.prohibits(request, world)


def agree_rule_by_rule(rules: Ruleset, mode: str, request: Request, world: World, report: evaluate.Report) -> None:
    for rule, said in zip(rules.rules, report.rules, strict=True):
        assert rule.uid == said.uid
        if rule.kind != "obligation":
            assert said.applies == reference.applies(rules, rule, mode, request, world), (rule, request, world)
        for premise in said.premises:
            assert premise.known or premise.satisfied == (rule.kind == "prohibition")
    for change in evaluate.changes(report):
        assert not report.permitted
        assert change.premises or change.prohibitions
        assert all(not premise.satisfied or premise.parts for premise in change.premises)


def worlds(cases: Cases, rules: Ruleset) -> list[tuple[Request, World]]:
    return [(cases.request(), cases.world(rules)) for _ in range(4)]


def test_more_rules_mean_what_they_should() -> None:
    """A prohibition never permits more, nor does a constraint; a permission never permits less."""
    cases = Cases(11)
    for _ in range(500):
        rules = cases.ruleset()
        banned, allowed = cases.rule("prohibition"), cases.rule("permission")
        more = replace(rules, rules=(*rules.rules, banned))
        narrowed = tuple(
            replace(r, constraints=(*r.constraints, cases.condition())) if r.kind == "permission" else r
            for r in rules.rules
        )
        narrower, wider = replace(rules, rules=narrowed), replace(rules, rules=(allowed, *rules.rules))
        terms, lenient = evaluate.read(rules), evaluate.read(rules, "lenient")
        fewer, more_allowed = [evaluate.read(more), evaluate.read(narrower)], [evaluate.read(wider), lenient]
        for request, world in worlds(cases, more):
            now = terms.permits(request, world)
            assert now or not any(other.permits(request, world) for other in fewer)
            assert not now or all(other.permits(request, world) for other in more_allowed)


def test_order_and_duplication_do_not_matter() -> None:
    cases = Cases(12)
    for _ in range(400):
        rules = cases.ruleset()
        shuffled = list(rules.rules)
        cases.random.shuffle(shuffled)
        same = [replace(rules, rules=tuple(shuffled)), replace(rules, rules=(*rules.rules, *shuffled)), normal(rules)]
        terms, others = evaluate.read(rules), [evaluate.read(other) for other in same]
        for request, world in worlds(cases, rules):
            verdict = terms.permits(request, world)
            assert all(other.permits(request, world) == verdict for other in others)


def test_the_premises_that_a_report_cites_decide() -> None:
    """Sufficient: satisfied premises are all it takes; necessary: a change that is named is one that fails."""
    cases = Cases(13, odd=0)
    for _ in range(400):
        rules = cases.ruleset()
        terms = evaluate.read(rules)
        for request, world in worlds(cases, rules):
            for rule in terms.report(request, world).rules:
                assert rule.applies == all(holds(premise) for premise in rule.premises)


def holds(premise: Premise) -> bool:
    match premise.kind:
        case "and" | "andSequence":
            return all(holds(part) for part in premise.parts)
        case "or":
            return any(holds(part) for part in premise.parts)
    return premise.satisfied
