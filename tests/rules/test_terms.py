"""What rules mean, case by case: the readings of docs/concepts/terms.md, and what a report says of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from usufruct.core.base import instants
from usufruct.core.terms import evaluate
from usufruct.core.terms.evaluate import Request, World
from usufruct.core.terms.model import Action, Condition, Constraint, Logic, Property, Rule, Ruleset, Scope, Value

EUR = "https://dbpedia.org/resource/Euro"


def says(left: str, operator: str, right: str, type: str = "iri", unit: str = "") -> Constraint:
    return Constraint(left, operator, (Value(right, type),), unit)


def permitted(*conditions: Condition, at: str = "2026-03-01T12:00:00Z", purpose: Any = "", count: int | None = None,
              inside: dict[str, frozenset[str]] | None = None, **values: Any) -> tuple[bool, bool]:  # fmt: skip
    """Whether a permission with these conditions permits, and whether a prohibition with them prohibits."""
    given = {name.replace("__", ":"): value for name, value in values.items()}
    request = Request("read", "x", "ann", purpose, given)
    counters = {} if count is None else {"rule": count}
    world = World(instants.parse(at), counters=counters, collections=inside or {})
    rules = [Ruleset("r", (Rule(kind, "rule", constraints=conditions),)) for kind in ("permission", "prohibition")]
    return evaluate.read(rules[0]).permits(request, world), evaluate.read(rules[1]).prohibits(request, world)


YES, NO, UNKNOWN = (True, True), (False, False), (False, True)
DAY, LAST, THREE = (
    says("dateTime", "eq", "2026-03-01", "xsd:date"),
    "xsd:date",
    says("count", "lteq", "3", "xsd:integer"),
)
MARKETING = says("purpose", "isA", "dpv:Marketing")
PRICE = says("payAmount", "lteq", "5.00", "xsd:decimal", EUR)
CLAIM = Constraint("usu:claim", "isAnyOf", (Value("member"), Value("staff")))
PLACE = says("spatial", "isPartOf", "EU")


@pytest.mark.parametrize(
    ("said", "given", "expected"),
    [
        (DAY, {"at": "2026-03-01T00:00:00Z"}, YES),
        (DAY, {"at": "2026-03-01T23:59:59.999Z"}, YES),
        (DAY, {"at": "2026-03-02T00:00:00Z"}, NO),
        (DAY, {"at": "2026-03-01T23:30:00-02:00"}, NO),
        (says("dateTime", "lteq", "2026-03-01", LAST), {"at": "2026-03-01T18:00:00Z"}, YES),
        (says("dateTime", "gt", "2026-03-01", LAST), {"at": "2026-03-01T18:00:00Z"}, NO),
        (says("dateTime", "lt", "2026-03-01T12:00:00", "xsd:dateTime"), {}, UNKNOWN),
        (says("dateTime", "lt", "2026-03-02", "xsd:dateTime"), {}, UNKNOWN),
        (says("dateTime", "lt", "2026-03-02T12:00:00Z", "xsd:string"), {}, UNKNOWN),
        (says("dateTime", "eq", "2026-03-01T12:00:00Z", "xsd:dateTime"), {"dateTime": "2020-01-01T00:00:00.000Z"}, YES),
        (says("usu:dayOfWeek", "eq", "Sunday"), {}, YES),
        (says("usu:timeOfDay", "lt", "12:00:01", "xsd:time"), {}, YES),
        (THREE, {"count": 2}, YES),
        (THREE, {"count": 3}, NO),
        (THREE, {}, UNKNOWN),
        (MARKETING, {"purpose": "DirectMarketing"}, YES),
        (MARKETING, {"purpose": "AcademicResearch"}, NO),
        (MARKETING, {"purpose": "Purpose"}, UNKNOWN),
        (MARKETING, {"purpose": ""}, UNKNOWN),
        (MARKETING, {"purpose": ("DirectMarketing", "AcademicResearch")}, UNKNOWN),
        (says("purpose", "neq", "dpv:Marketing"), {"purpose": "AcademicResearch"}, YES),
        (says("purpose", "isA", "dpv:Unheard"), {"purpose": "Marketing"}, UNKNOWN),
        (PRICE, {f"payAmount {EUR}": Decimal("4.99")}, YES),
        (PRICE, {f"payAmount {EUR}": Decimal("5.000001")}, NO),
        (PRICE, {f"payAmount {EUR}": Decimal("4.0000001")}, UNKNOWN),
        (PRICE, {f"payAmount {EUR}": 4.5}, UNKNOWN),
        (PRICE, {f"payAmount {EUR}": Decimal("1e999999999")}, UNKNOWN),
        (PRICE, {f"payAmount {EUR}": Decimal("1e-999999999")}, UNKNOWN),
        (PRICE, {f"payAmount {EUR}": Decimal("4.0000000000000000000000000000000001")}, UNKNOWN),
        (PRICE, {"payAmount": 4}, UNKNOWN),
        (says("payAmount", "lt", "1e999999999", "xsd:decimal"), {"payAmount": 4}, UNKNOWN),
        (says("usu:grade", "lteq", "2", "xsd:integer"), {"usu__grade": 2}, YES),
        (says("usu:grade", "lteq", "2", "xsd:integer"), {"usu__grade": True}, UNKNOWN),
        (says("usu:grade", "lteq", "2", "xsd:integer"), {"usu__grade": 7}, UNKNOWN),
        (says("usu:grade", "lteq", "2.5", "xsd:decimal"), {"usu__grade": 2}, UNKNOWN),
        (says("usu:class", "eq", "public"), {"usu__class": ("public", "personal")}, UNKNOWN),
        (says("usu:class", "eq", "secret"), {"usu__class": "public"}, UNKNOWN),
        (CLAIM, {"usu__claim": frozenset({"member", "other"})}, YES),
        (CLAIM, {"usu__claim": frozenset()}, NO),
        (CLAIM, {"usu__claim": "member"}, UNKNOWN),
        (PLACE, {"spatial": "DE", "inside": {"DE": frozenset({"EU"})}}, YES),
        (PLACE, {"spatial": "DE"}, NO),
        (says("spatial", "hasPart", "DE"), {"spatial": "EU", "inside": {"DE": frozenset({"EU"})}}, YES),
        (says("elapsedTime", "lt", "PT1H", "xsd:duration"), {"elapsedTime": 3599}, YES),
        (says("elapsedTime", "lt", "P1M", "xsd:duration"), {"elapsedTime": 1}, UNKNOWN),
        (Constraint("recipient", "eq", (Value("a"), Value("b"))), {"recipient": "a"}, UNKNOWN),
        (Logic("xone", (says("language", "eq", "en"), says("ex:mood", "eq", "good"))), {"language": "en"}, UNKNOWN),
        (Logic("or", (says("language", "eq", "en"), says("ex:mood", "eq", "good"))), {"language": "en"}, YES),
        (Logic("and", ()), {}, UNKNOWN),
    ],
)  # fmt: skip
def test_a_condition(said: Condition, given: dict[str, Any], expected: tuple[bool, bool]) -> None:
    assert permitted(said, **given) == (
        expected if "purpose" not in given or type(given["purpose"]) is str else UNKNOWN
    )


def test_a_request_for_very_many_values_is_not_permitted() -> None:
    """It would be asked as often as they can be combined (attack 12)."""
    may = evaluate.read(Ruleset("r", (Rule("permission", "may", Action("use"), constraints=(
        says("language", "isNoneOf", "xx"), says("spatial", "isNoneOf", "xx"),
    )),)))  # fmt: skip
    world = World(instants.parse("2026-03-01"))
    few, many = (tuple(map(str, range(count))) for count in (16, 17))
    assert 16 * 16 == evaluate.COMBINATIONS_MAX < 17 * 16
    assert may.permits(Request("use", "x", values={"language": few, "spatial": few}), world)
    assert not may.permits(Request("use", "x", values={"language": many, "spatial": few}), world)


@pytest.mark.parametrize(
    ("action", "asked", "expected"),
    [("use", "read", YES), ("play", "display", YES), ("read", "use", UNKNOWN), ("read", "play", NO), ("use", "sell", NO),
     ("write", "modify", UNKNOWN), ("ex:fly", "read", UNKNOWN), ("ex:fly", "ex:fly", YES), ("use", "ex:fly", NO)],
)  # fmt: skip
def test_an_action(action: str, asked: str, expected: tuple[bool, bool]) -> None:
    request, world = Request(asked, "x"), World(instants.parse("2026-03-01"))
    both = [
        evaluate.read(Ruleset("r", (Rule(kind, "rule", Action(action)),))) for kind in ("permission", "prohibition")
    ]
    assert (both[0].permits(request, world), both[1].prohibits(request, world)) == expected


PAY = Rule("obligation", "pay", Action("compensate"), duties=(Rule("obligation", "fine", Action("compensate")),))


@pytest.mark.parametrize(
    ("fulfilled", "violated", "strict", "lenient"),
    [("", "", False, True), ("pay", "", True, True), ("", "pay", False, False), ("pay", "pay", False, False),
     ("pay fine", "pay", True, True), ("pay fine", "pay fine", True, True)],
)  # fmt: skip
def test_a_duty_and_its_consequence(fulfilled: str, violated: str, strict: bool, lenient: bool) -> None:
    rules = Ruleset("r", (Rule("permission", "may", Action("use"), duties=(PAY,)),))
    world = World(instants.parse("2026-03-01"), frozenset(fulfilled.split()), frozenset(violated.split()))
    verdicts = [evaluate.read(rules, mode).permits(Request("read", "x"), world) for mode in ("strict", "lenient")]
    assert verdicts == [strict, lenient]
    assert evaluate.read(rules).duties == ("fine", "pay")


def test_a_report_says_what_would_have_to_change() -> None:
    cheap = Logic("or", (Logic("and", (says("language", "eq", "en"), says("media", "eq", "print"))), PRICE))
    rules = Ruleset(
        "r",
        (
            Rule("permission", "far", Action("use"), Scope("y"), assignee=Scope("bob"), constraints=(CLAIM,)),
            Rule("permission", "near", Action("use"), Scope("x"), constraints=(cheap,), duties=(PAY,)),
            Rule("prohibition", "no", Action("read"), Scope("x")),
        ),
        conflict="prohibit",
    )
    terms = evaluate.read(rules)
    report = terms.report(
        Request("read", "x", "ann", values={f"payAmount {EUR}": 9}), World(instants.parse("2026-03-01"))
    )
    assert (report.permitted, report.why) == (False, "prohibited")
    first, second = evaluate.changes(report)
    assert (first.rule, first.prohibitions) == ("near", ("no",))
    assert [(p.kind, p.expected, p.found) for p in first.premises] == [
        ("constraint", f"payAmount lteq 5.00 {EUR}", "9"),
        ("duty", "compensate: fulfilled", "open"),
    ]
    assert (second.rule, [premise.kind for premise in second.premises]) == ("far", ["target", "party", "constraint"])


@pytest.mark.parametrize(
    "rule",
    [
        Rule("permission", "may", unknown=(Property("ex:unless", "rain"),)),
        Rule("permission", "may", Action("use", (says("ex:tone", "eq", "kind"),))),
        Rule("permission", "may", assigner=Scope("org", refinements=(CLAIM,))),
        Rule("permission", "may", duties=(Rule("obligation", "d", Action("inform", (says("ex:level", "eq", "9"),))),)),
        Rule(
            "permission", "may", duties=(Rule("obligation", "d", duties=(Rule("obligation", "e", Action("ex:fly")),)),)
        ),
        Rule("obligation", "must", Action("ex:fly")),
    ],
)
def test_what_is_not_understood_is_flagged_wherever_it_stands(rule: Rule) -> None:
    terms = evaluate.read(Ruleset("r", (rule,)))
    assert len(terms.flags) == 1
    assert not terms.permits(Request("read", "x"), World(instants.parse("2026-03-01")))
