"""Rulesets: what may be adopted and from when it counts, what is known, and decisions against a second, slower reading."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authzen.world import held, may, rules
from usufruct.core.access import outside, rulesets
from usufruct.core.access.outside import Entity, Known, Question
from usufruct.core.access.rulesets import Attribute, RulesetAdopted
from usufruct.core.base import canonical, instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Entry, Fact, plain
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.terms import analysis
from usufruct.node.rulesets import Nothing
from usufruct.store.memory import MemoryState
from usufruct.wire import authzen, odrl

START = instants.parse("2026-03-01")
EVERYBODY = rules("all", may("read", uid="all"))
BOARD = rules("board", may("read", held("usu:subject.role", "eq", "board"), uid="board"))


class World:
    """Facts, one after another; `at` is the time."""

    def __init__(self) -> None:
        self.state, self.number, self.at = MemoryState(), 0, START
        self.add(PartyRegistered("coop", "cooperative", "Coop"))

    def add(self, fact: Fact | Refusal) -> Any:
        assert not isinstance(fact, Refusal), fact
        self.state.apply(Entry(self.number, self.at, fact))
        self.number += 1
        return fact

    def adopt(
        self, said: str, name: str = "r", types: tuple[str, ...] = ("record",), since: Instant | None = None
    ) -> Any:
        rules_read = authzen.rules_of(said)
        return rulesets.adopt(self.state, name, types, ("coop",), rules_read, "coop", since or self.at, self.at)

    def decide(self, action: str = "read", type: str = "record", **subject: Known) -> outside.Decision:
        return outside.decide(
            self.state, Question(Entity("user", "u", subject), action, Entity(type, "1")), None, self.at
        )


@pytest.fixture
def world() -> World:
    return World()


# ---- in force


def test_a_later_version_takes_the_place_of_the_one_before_when_it_begins(world: World) -> None:
    world.add(world.adopt(EVERYBODY))
    world.add(world.adopt(BOARD, since=later(START, days=2)))
    assert world.decide().permits
    world.at = later(START, days=2)
    assert not world.decide().permits and world.decide(role=frozenset({"board"})).permits
    assert [row.version for row in rulesets.in_force(world.state, world.at)] == [2]
    world.add(rulesets.end(world.state, "r", "coop", world.at))
    assert world.decide(role=frozenset({"board"})).premises[0].no.code == "access.no-ruleset"  # type: ignore[union-attr]
    assert isinstance(rulesets.end(world.state, "r", "coop", world.at), Refusal)
    assert world.add(world.adopt(EVERYBODY)).version == 3 and world.decide().permits


def test_a_version_that_never_began_is_replaced(world: World) -> None:
    world.add(world.adopt(EVERYBODY, since=later(START, days=5)))
    world.add(world.adopt(BOARD, since=later(START, days=3)))
    world.at = later(START, days=9)
    assert [row.version for row in rulesets.in_force(world.state, world.at)] == [2]


def test_a_ruleset_is_for_its_own_types(world: World) -> None:
    world.add(world.adopt(EVERYBODY))
    assert world.decide().permits and not world.decide(type="route").permits


def test_a_prohibition_of_one_ruleset_holds_against_the_permission_of_another(world: World) -> None:
    world.add(world.adopt(EVERYBODY))
    banned = rules("ban", prohibition=[may("use", held("usu:subject.banned", "eq", True))], conflict="perm")
    world.add(world.adopt(banned, "ban"))
    assert world.decide(banned=frozenset({"false"})).permits
    decision = world.decide(banned=frozenset({"true"}))
    assert not decision.permits and decision.lacking[0].text == "the prohibition in `ban` is lifted"


def test_only_the_ruleset_itself_lets_its_permissions_win(world: World) -> None:
    said = rules("both", may("read", uid="yes"), prohibition=[may("use", uid="no")], conflict="perm")
    world.add(world.adopt(said))
    assert world.decide().permits and not world.decide("print").permits
    world.add(world.adopt(EVERYBODY, "other"))
    assert world.decide().permits, "the first permits it itself"


# ---- what may be adopted


@pytest.mark.parametrize(
    ("said", "types", "code"),
    [
        (rules("a", may("read", target="asset:x")), ("record",), "input.ruleset"),
        (rules("a", may("read", target="wages")), ("record",), "input.ruleset"),
        (EVERYBODY, ("asset",), "input.ruleset"),
        (EVERYBODY, (), "input.ruleset"),
        (EVERYBODY, ("",), "input.ruleset"),
        (EVERYBODY.replace('"Set"', '"Offer"'), ("record",), "terms.kind"),
        (rules("a", may("read"), prohibition=[may("read")], conflict="invalid"), ("record",), "terms.conflict"),
        ('{"uid": "x"}', ("record",), "input.ruleset"),
        ("not turtle", ("record",), "input.odrl"),
        (rules("a", may("read", held("usu:subject.age", "lt", 10**19))), ("record",), ""),
    ],
)
def test_what_cannot_be_is_not_adopted(world: World, said: str, types: tuple[str, ...], code: str) -> None:
    assert code_of(lambda: world.adopt(said, types=types)) == code


def code_of(do: Any) -> str:
    """The code of what is said against it."""
    try:
        found = do()
    except BadInput as wrong:
        return wrong.code
    return found.code if isinstance(found, Refusal) else ""


def test_nothing_begins_in_the_past_or_is_open_to_nobody(world: World) -> None:
    assert code_of(lambda: world.adopt(EVERYBODY, since=later(START, seconds=-1))) == "input.ruleset"
    found = rulesets.adopt(world.state, "r", ("t",), ("nobody",), authzen.rules_of(EVERYBODY), "coop", START, START)
    assert isinstance(found, Refusal) and found.code == "registry.unknown"
    assert code_of(lambda: world.adopt(EVERYBODY, "No Id")) == "input.id"


def test_rules_are_read_in_odrl_and_in_json_alike(world: World) -> None:
    first = authzen.rules_of(BOARD)
    assert authzen.rules_of(odrl.to_turtle(first)) == first == authzen.rules_of(odrl.to_jsonld(first))
    assert authzen.rules_of(canonical.encode(plain(first)).decode()) == first


def test_what_is_not_understood_is_flagged_and_permits_nothing(world: World) -> None:
    said = rules("a", may("read", held("usu:subject.since", "eq", "2026-01-01"), held("moon", "eq", "full")),
                 may("write", held("count", "lteq", 3)))  # fmt: skip
    world.add(world.adopt(said))
    (row,) = rulesets.in_force(world.state, START)
    assert [flag.what for flag in outside.ready(row).terms.flags] == [
        "`moon eq full`: operand `moon` is not known here"
    ]
    assert not world.decide("write").permits


# ---- what is known


def test_what_is_known_counts_until_it_is_forgotten(world: World) -> None:
    world.add(world.adopt(BOARD))
    world.add(rulesets.describe(world.state, "subject", "user", "u", (Attribute("role", ("board", "clerk")),), "coop"))
    assert world.decide().permits and world.decide().premises[-1].rests_on == (1, 2)
    assert not world.decide(role=frozenset({"board"})).permits, "it was supplied otherwise than it is known"
    assert world.decide(role=frozenset({"clerk", "board"})).permits
    world.add(rulesets.forget(world.state, "subject", "user", "u", "coop"))
    assert not world.decide().permits
    assert isinstance(rulesets.forget(world.state, "subject", "user", "u", "coop"), Refusal)


@pytest.mark.parametrize(
    ("part", "type", "id", "attributes"),
    [
        ("person", "user", "u", ()),
        ("subject", "party", "u", ()),
        ("subject", "user", "", ()),
        ("subject", "user", "u", (Attribute("a", ()),)),
        ("subject", "user", "u", (Attribute("a", (1, 2)),)),
        ("subject", "user", "u", (Attribute("a", ("x",)), Attribute("a", ("y",)))),
        ("subject", "user", "u", (Attribute("a", ("x" * 1001,)),)),
        ("subject", "user", "u", tuple(Attribute(f"a{n}", ("x",)) for n in range(51))),
    ],
)
def test_what_cannot_be_known_is_refused(world: World, part: str, type: str, id: str, attributes: Any) -> None:
    with pytest.raises(BadInput):
        rulesets.describe(world.state, part, type, id, attributes, "coop")


def test_nothing_is_in_nothing() -> None:
    assert Nothing().get(PartyRegistered, "x") is None and not list(Nothing().list(PartyRegistered))  # type: ignore[type-var]


# ---- what goes with a permit


def test_duties_go_with_the_permit_and_the_rule_with_the_fewest_decides(world: World) -> None:
    duty = {"action": "attribute", "uid": "urn:duty:name-the-source"}
    said = rules("a", may("read", held("usu:subject.role", "eq", "board"), uid="free"),
                 may("read", uid="with-duty", duty=[duty]))  # fmt: skip
    world.add(world.adopt(said))
    (obligation,) = world.decide().obligations
    assert obligation.value == {"uid": "urn:duty:name-the-source", "action": "attribute"}
    assert world.decide(role=frozenset({"board"})).obligations == ()


# ---- against a slow reading

NAMES = ["a", "b", "c"]
PROPERTIES = [f"usu:{part}.{name}" for part in ("subject", "resource") for name in ("p", "q")]
OPERATORS = ["eq", "neq", "isAnyOf", "isNoneOf", "isAllOf"]
compared = st.builds(held, st.sampled_from(PROPERTIES), st.sampled_from(["eq", "neq"]), st.sampled_from(PROPERTIES))
named = st.one_of(
    st.builds(held, st.sampled_from(PROPERTIES), st.sampled_from(["eq", "neq"]), st.sampled_from(NAMES)),
    st.tuples(
        st.sampled_from(PROPERTIES), st.sampled_from(OPERATORS[2:]), st.sets(st.sampled_from(NAMES), min_size=1)
    ).map(lambda found: held(found[0], found[1], *sorted(found[2]))),
    st.builds(held, st.sampled_from(PROPERTIES), st.sampled_from(["lt", "gteq"]), st.integers(0, 3)),
)
constraint = st.one_of(compared, named)
rule = st.tuples(st.sampled_from(["read", "write", "use"]), st.lists(constraint, max_size=3))
value = st.one_of(st.frozensets(st.sampled_from(NAMES)), st.integers(0, 3))
supplied = st.dictionaries(st.sampled_from(["p", "q"]), value)


def holds(said: Any, values: dict[str, Any]) -> bool | None:
    """Whether a constraint holds; None if that is unknown."""
    left, right = values.get(said["leftOperand"]), said["rightOperand"]
    operator = said["operator"]
    if isinstance(right[0], dict):
        other = values.get(right[0]["@id"])
        if left is None or other is None or isinstance(left, int) is not isinstance(other, int):
            return None
        same = left == other if isinstance(left, int) else bool(left & other)
        return same is (operator == "eq")
    if isinstance(right[0], int):
        return None if not isinstance(left, int) else left < right[0] if operator == "lt" else left >= right[0]
    if not isinstance(left, frozenset):
        return None
    match operator:
        case "eq" | "isAnyOf":
            return bool(left & {*right})
        case "isAllOf":
            return left >= {*right}
    return not left & {*right}


def slowly(permissions: Any, prohibitions: Any, action: str, values: dict[str, Any]) -> bool:
    def applies(rule: Any, unknown: bool) -> bool:
        if rule[0] not in (action, "use"):
            return False
        return all(unknown if found is None else found for found in (holds(said, values) for said in rule[1]))

    return any(applies(one, False) for one in permissions) and not any(applies(one, True) for one in prohibitions)


@settings(max_examples=120, deadline=None)
@given(st.lists(rule, max_size=4), st.lists(rule, max_size=2), st.sampled_from(["read", "write"]), supplied, supplied)
def test_decisions_are_those_of_a_slow_reading(
    permissions: Any, prohibitions: Any, action: str, subject: Any, resource: Any
) -> None:
    written = rules(
        "x",
        *(may(*one[:1], *one[1]) for one in permissions),
        prohibition=[may(one[0], *one[1]) for one in prohibitions],
    )
    world = World()
    world.add(world.adopt(written))
    question = Question(Entity("user", "u", subject), action, Entity("record", "1", resource))
    decision = outside.decide(world.state, question, None, START)
    values = {f"usu:subject.{name}": v for name, v in subject.items()} | {
        f"usu:resource.{n}": v for n, v in resource.items()
    }
    assert decision.permits == slowly(permissions, prohibitions, action, values)
    assert outside.decide(world.state, question, "coop", START).permits == decision.permits
    if not decision.permits:
        assert any(premise.no for premise in decision.premises)


@settings(max_examples=80, deadline=None)
@given(rule, rule, st.lists(st.tuples(supplied, supplied), min_size=1, max_size=8))
def test_analysis_never_says_that_rules_cannot_meet_that_do(first: Any, second: Any, worlds: Any) -> None:
    written = rules("x", may(first[0], *first[1]), prohibition=[may(second[0], *second[1])])
    terms = rulesets.read_terms(authzen.rules_of(written))
    assert not isinstance(terms, Refusal)
    meets = analysis.conflicts(terms)
    for subject, resource in worlds:
        values = {f"usu:subject.{n}": v for n, v in subject.items()} | {
            f"usu:resource.{n}": v for n, v in resource.items()
        }
        for action in ("read", "write"):
            permitted = slowly([first], [], action, values)
            if permitted and not slowly([first], [second], action, values):
                assert meets
    used = sorted({said["leftOperand"] for said in (*first[1], *second[1])})
    between = any(isinstance(said["rightOperand"][0], dict) for said in (*first[1], *second[1]))
    if meets and meets[0].sure and not between and len(used) < 3:
        assert found_meeting(first, second, used)


def found_meeting(first: Any, second: Any, used: list[str]) -> bool:
    """Whether some values make both apply, found by trying them all."""
    sets = [frozenset(some) for size in range(4) for some in combinations(NAMES, size)]
    every = [None, -1, 0, 1, 2, 3, *sets]
    for chosen in product(every, repeat=len(used)):
        values = {name: v for name, v in zip(used, chosen, strict=True) if v is not None}
        for action in ("read", "write"):
            if slowly([first], [], action, values) and not slowly([first], [second], action, values):
                return True
    return False


def test_a_ruleset_says_which_facts_a_decision_rests_on(world: World) -> None:
    adopted = world.add(world.adopt(BOARD))
    assert isinstance(adopted, RulesetAdopted)
    shown = world.decide().value(whole=True)
    assert [premise["restsOn"] for premise in shown["premises"]] == [(1,), (1,)]  # type: ignore[index, union-attr, call-overload]
