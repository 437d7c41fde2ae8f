"""What the analysis says of rules, held against trying out everything there is: never a wrong yes, never a wrong no."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from terms_cases import Cases

from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.terms import analysis, evaluate, rules
from usufruct.core.terms.evaluate import Request, Terms, World
from usufruct.core.terms.model import Action, Condition, Constraint, Logic, Rule, Ruleset, Scope, Value

DAYS = ["2026-03-01", "2026-03-02", "2026-03-03"]
PURPOSES = ["ResearchAndDevelopment", "AcademicResearch", "Marketing"]


class Small(Cases):
    """Cases so small that all requests and worlds can be listed: a day, a grade, a purpose, two claims, a duty."""

    def constraint(self) -> Constraint:
        pick = self.random.choice
        match self.random.randrange(5):
            case 0:
                operator = pick(["eq", "neq", "lt", "lteq", "gt", "gteq"])
                said = Constraint("dateTime", operator, (Value(pick(DAYS), "xsd:date"),))
            case 1:
                operator = pick(["eq", "neq", "lt", "lteq", "gt", "gteq", "isAnyOf", "isNoneOf"])
                said = Constraint("usu:assurance", operator, (Value(str(pick([0, 1, 2, 3])), "xsd:integer"),))
            case 2:
                said = Constraint("purpose", pick(["isA", "neq", "isAnyOf"]), (Value(f"dpv:{pick(PURPOSES)}"),))
            case 3:
                operator = pick(["eq", "isNoneOf", "isAllOf", "isAnyOf"])
                said = Constraint(
                    "usu:claim", operator, self.some([Value("a"), Value("b")]) if operator != "eq" else (Value("a"),)
                )
            case _:
                said = Constraint("recipient", pick(["eq", "neq", "isPartOf"]), (Value(pick(["a", "group"])),))
        return self.spoilt(said) if self.chance(self.odd) else said

    def condition(self, depth: int = 1) -> Condition:
        return super().condition(depth)

    def rule(self, kind: str) -> Rule:
        action = Action(self.random.choice(["use", "read", "sell"]))
        target = None if self.chance(0.5) else Scope("x") if self.chance(0.5) else Scope("data", True)
        duty = (Rule("obligation", "duty"),) if self.chance(0.3) and kind == "permission" else ()
        return Rule(kind, self.uid(kind), action, target, constraints=self.conditions(2), duties=duty)


CLAIMS = [None, *(frozenset(found) for found in ((), ("a",), ("b",), ("a", "b")))]
COLLECTIONS: list[dict[str, frozenset[str]]] = [
    {}, {"y": frozenset({"data"})}, {"a": frozenset({"group"})}, {"y": frozenset({"data"}), "a": frozenset({"group"})},
    {"x": frozenset({"data"}), "y": frozenset({"data"})},
]  # fmt: skip
AXES: list[list[Any]] = [
    ["use", "read", "sell", "transfer"], ["x", "y"], ["2026-02-28", *DAYS, "2026-03-04"], [None, 0, 1, 2, 3],
    ["", "Purpose", "CommercialResearch", "ServiceProvision", *PURPOSES], CLAIMS, [None, "a", "group", "z"], COLLECTIONS,
    [frozenset(), frozenset({"duty"})],
]  # fmt: skip
ALL = math.prod(len(axis) for axis in AXES)
STRIDE = 1_000_003  # a prime, so that every case comes once, neighbours far apart
SAMPLES = 90


def cases_from(start: int, number: int = ALL) -> Iterator[tuple[Request, World]]:
    """Requests and worlds, each once: all that there are, or so many."""
    for step in range(number):
        place = (start + step * STRIDE) % ALL
        picked = []
        for axis in AXES:
            place, index = divmod(place, len(axis))
            picked.append(axis[index])
        action, target, day, assurance, purpose, claim, recipient, collections, done = picked
        values = {"usu:assurance": assurance, "usu:claim": claim, "recipient": recipient}
        yield (
            Request(action, target, "ann", purpose, values),
            World(Instant(f"{day}T12:00:00.000Z"), done, collections=collections),
        )


def sample(cases: Cases) -> Iterator[tuple[Request, World]]:
    """Some of them, others each time: enough to catch a wrong no."""
    return cases_from(cases.random.randrange(ALL), 1200)


def test_compared_rules_permit_more_only_if_something_is() -> None:
    cases, seen = Small(21, odd=0.02), Counter[bool | None]()
    for _ in range(SAMPLES):
        one, other = cases.ruleset(2, 1), cases.ruleset(2, 1)
        if cases.chance(0.5):
            other = replace(one, rules=(*one.rules, cases.rule(cases.random.choice(["permission", "prohibition"]))))
        one, other = replace(one, profiles=()), replace(other, profiles=())
        a, b = evaluate.read(one), evaluate.read(other)
        for first, second in ((a, b), (b, a)):
            said = analysis.permits_more(first, second)
            seen[said] += 1
            tried = cases_from(0) if said else sample(cases)
            there_is = (first.permits(*case) and not second.permits(*case) for case in tried)
            if said is not None:
                assert any(there_is) == said, (one, other)
    assert seen[True] > 20
    assert seen[False] > 20
    assert seen[None] < SAMPLES // 4


def test_conflicts_and_shadows() -> None:
    cases, met = Small(22, odd=0.02), Counter[bool]()
    for _ in range(SAMPLES):
        found = replace(cases.ruleset(2, 2), conflict="prohibit", profiles=())
        terms = evaluate.read(found)
        conflicts = {(c.permission, c.prohibition): c.sure for c in analysis.conflicts(terms)}
        for permission, prohibition in itertools.product(found.of("permission"), found.of("prohibition")):
            alone = (
                evaluate.read(replace(found, rules=(permission,))),
                evaluate.read(replace(found, rules=(prohibition,))),
            )
            sure = conflicts.get((permission.uid, prohibition.uid), False)
            tried = cases_from(0) if sure else sample(cases)
            meets = any(alone[0].permits(*case) and alone[1].prohibits(*case) for case in tried)
            if (permission.uid, prohibition.uid) not in conflicts or sure:
                assert meets == sure, (permission, prohibition)
            met[sure] += 1
        without = {shadow.rule for shadow in analysis.shadowed(terms)}
        kept = evaluate.read(replace(found, rules=tuple(rule for rule in found.rules if rule.uid not in without)))
        assert all(terms.permits(*case) == kept.permits(*case) for case in sample(cases)), (found, without)
    assert min(met.values()) > 10, met


def windows(number: int, kind: str = "or") -> Ruleset:
    parts = tuple(
        Logic("and", (
            Constraint("dateTime", "gteq", (Value(f"2{n:03d}-01-01", "xsd:date"),)),
            Constraint("dateTime", "lt", (Value(f"2{n:03d}-01-02", "xsd:date"),)),
        ))
        for n in range(number)
    )  # fmt: skip
    return Ruleset(
        "windows", (Rule("permission", "p", Action("read"), constraints=(Logic(kind, parts),)),), "Agreement"
    )


@pytest.mark.parametrize("kind", ["or", "xone"])
def test_many_windows_are_one_search(kind: str) -> None:
    found = evaluate.read(windows(900, kind))
    assert found.permits(Request("read", "x"), World(Instant("2500-01-01T12:00:00.000Z")))
    assert not found.permits(Request("read", "x"), World(Instant("2500-01-02T00:00:00.000Z")))
    assert len(repr(found.permission)) < 60 * 1800 + 2000  # one test with 1,800 cuts
    assert analysis.permits_more(found, evaluate.read(windows(899, kind))) is True
    assert analysis.permits_more(evaluate.read(windows(899, kind)), found) is False


def nested(depth: int) -> Condition:
    found: Condition = Constraint("count", "lteq", (Value("1", "xsd:integer"),))
    for _ in range(depth):
        found = Logic("and", (found,))
    return found


def with_constraints(*conditions: Condition) -> Ruleset:
    return Ruleset("bomb", (Rule("permission", "p", Action("read"), constraints=conditions),), "Agreement")


ONE = Constraint("count", "lteq", (Value("1", "xsd:integer"),))
BOMBS = {
    "deep": with_constraints(nested(100_000)),
    "long": with_constraints(*[ONE] * 20_001),
    "many values": with_constraints(Constraint("recipient", "isAnyOf", tuple(Value(str(n)) for n in range(20_001)))),
    "apart": with_constraints(Logic("xone", (ONE,) * 150)),
    "xone of xone": with_constraints(Logic("xone", (Logic("xone", (Logic("xone", (ONE,) * 30),) * 30),) * 30)),
    "many rules": Ruleset("bomb", tuple(Rule("permission", f"p{n}") for n in range(1001)), "Agreement"),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_before_it_is_read(bomb: Ruleset) -> None:
    refused = rules.activate(bomb)
    assert isinstance(refused, Refusal)
    assert refused.code == "terms.cost"
    assert "more than" in refused.reasons[0]


MAY = Rule("permission", "may", Action("use"), Scope("x"))
NOT_FOR_SALE = Rule("prohibition", "no", Action("sell"), Scope("x"))
NOT_PLAYED = Rule("prohibition", "no", Action("play"), Scope("x"))


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Ruleset("r", (MAY, NOT_FOR_SALE), "Agreement"), ""),
        (Ruleset("r", (MAY, NOT_PLAYED), "Agreement"), "terms.conflict"),
        (Ruleset("r", (MAY, NOT_PLAYED), "Agreement", "prohibit"), ""),
        (Ruleset("r", (MAY, NOT_PLAYED), "Agreement", "perm"), ""),
        (Ruleset("r", (MAY,), "Offer"), "terms.kind"),
        (Ruleset("r", (MAY, replace(MAY, action=Action("sell"))), "Agreement"), "terms.conflict"),
    ],
)
def test_what_comes_into_force(found: Ruleset, code: str) -> None:
    result = rules.activate(found)
    assert (result.code if isinstance(result, Refusal) else "") == code
    if isinstance(result, Terms):
        assert result.permits(Request("read", "x"), World(Instant("2026-03-01T00:00:00.000Z")))
        winner = result.rules.conflict == "perm" or NOT_PLAYED not in found.rules
        assert result.permits(Request("play", "x"), World(Instant("2026-03-01T00:00:00.000Z"))) == winner
