"""A second evaluator of rules, to hold the first against: slow, and written as the specification reads.

Sources: the ODRL Information Model 2.2 (sections 2.4 to 2.7), the vocabulary's definitions of operators and left operands,
and the draft of the formal semantics; where they leave something open, docs/concepts/terms.md. It shares the words of the
vocabulary and the purpose tree with the node, and nothing else: three truth values (True, False, None for unknown) are
carried all the way, moments are `datetime`s, numbers are fractions.
"""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from usufruct.core.rulebook import purposes
from usufruct.core.terms.evaluate import Request, World
from usufruct.core.terms.model import Condition, Constraint, Logic, Rule, Ruleset, Scope
from usufruct.core.terms.vocabulary import ACTIONS, OPERANDS, OPERATORS, PROFILES

Truth = bool | None


def permits(rules: Ruleset, mode: str, request: Request, world: World) -> bool:
    """The verdict."""
    given = {**request.values, "purpose": request.purpose}
    lists = {name: value for name, value in given.items() if isinstance(value, tuple)}
    blank = {name: value for name, value in given.items() if name not in lists}
    if permits_one(rules, mode, request._replace(purpose=blank.pop("purpose", ""), values=blank), world):
        return True  # whatever the values are
    combinations = list(itertools.product(*lists.values()))
    if len(combinations) > 256:
        return False
    singles = []
    for combination in combinations:
        one = {**given, **dict(zip(lists, combination, strict=True))}
        singles.append(request._replace(purpose=one.pop("purpose"), values=one))
    return bool(singles) and all(permits_one(rules, mode, single, world) for single in singles)


def permits_one(rules: Ruleset, mode: str, request: Request, world: World) -> bool:
    """The verdict for a request with one value for each operand."""
    applying = {kind: [rule for rule in rules.rules if rule.kind == kind and applies(rules, rule, mode, request, world)]
                for kind in ("permission", "prohibition")}  # fmt: skip
    if not applying["permission"]:
        return False
    return rules.conflict == "perm" or not applying["prohibition"]


def applies(rules: Ruleset, rule: Rule, mode: str, request: Request, world: World) -> bool:
    """A permission applies if that is certain; a prohibition unless it is certain that it does not."""
    truth = conjunction([
        None if rules.unknown or set(rules.profiles) - PROFILES else True,
        None if rule.unknown or (rule.assigner and rule.assigner.refinements) else True,
        True if rule.target is None else reached(rule.target, request.target, rule, request, world),
        True if rule.assignee is None else reached(rule.assignee, request.assignee, rule, request, world),
        True if rule.action is None else done(rule.action.name, request.action),
        *(condition(c, rule, request, world) for c in (rule.action.refinements if rule.action else ())),
        *(condition(c, rule, request, world) for c in rule.constraints),
        *(settled(duty, mode, request, world) for duty in rule.duties if rule.kind == "permission"),
    ])  # fmt: skip
    return truth is True if rule.kind == "permission" else truth is not False


def reached(scope: Scope, who: str, rule: Rule, request: Request, world: World) -> Truth:
    member = scope.collection and scope.uid in world.collections.get(who, ())
    return conjunction([who == scope.uid or member, *(condition(c, rule, request, world) for c in scope.refinements)])


def done(named: str, asked: str) -> Truth:
    if asked == named or named in above(asked):
        return True
    return None if named not in ACTIONS or asked in above(named) else False


def above(action: str) -> set[str]:
    found = set(ACTIONS.get(action, ()))
    return found.union(*(above(other) for other in found))


def settled(duty: Rule, mode: str, request: Request, world: World) -> Truth:
    state = duty_state(duty, world)
    due = conjunction([None if duty.unknown else True, *(condition(c, duty, request, world) for c in duty.constraints)])
    return True if state == "fulfilled" or (mode == "lenient" and state == "open") else negation(due)


def duty_state(duty: Rule, world: World) -> str:
    consequences = all(duty_state(one, world) == "fulfilled" for one in duty.duties)
    if duty.uid in world.violated:
        return "fulfilled" if duty.uid in world.fulfilled and consequences else "violated"
    return "fulfilled" if duty.uid in world.fulfilled else "open"


def negation(truth: Truth) -> Truth:
    return None if truth is None else not truth


def conjunction(truths: list[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def disjunction(truths: list[Truth]) -> Truth:
    return True if True in truths else None if None in truths else False


def condition(said: Condition, rule: Rule, request: Request, world: World) -> Truth:
    if isinstance(said, Constraint):
        return constraint(said, rule, request, world)
    return logic(said, [condition(part, rule, request, world) for part in said.parts])


def logic(said: Logic, truths: list[Truth]) -> Truth:
    if said.unknown or not truths:
        return None
    match said.kind:
        case "and" | "andSequence":
            return conjunction(truths)
        case "or":
            return disjunction(truths)
        case "xone" if truths.count(True) > 1:
            return False
        case "xone":
            return None if None in truths else truths.count(True) == 1
    return None


def constraint(said: Constraint, rule: Rule, request: Request, world: World) -> Truth:
    operand = OPERANDS.get(said.left)
    if operand is None or said.operator not in OPERATORS or said.unknown or said.reference or not said.right:
        return None
    if said.unit and (operand.type not in ("integer", "number") or said.left == "count"):
        return None
    try:
        right = [typed(value.text, value.type, operand.type) for value in said.right]
    except ValueError:
        return None
    if operand.among and not {value.text for value in said.right} <= set(operand.among):
        return None
    left = value_of(said, operand, rule, request, world)
    if operand.type in ("instant", "time", "duration", "integer", "number"):
        return None if left is None else ordered(left, said.operator, right)
    if said.operator in ("lt", "lteq", "gt", "gteq") or (said.operator in ("eq", "neq") and len(right) > 1):
        return None
    if left is None:
        return None
    if operand.type == "names":
        return shown(left, said.operator, right)
    if operand.type == "purpose":
        return aimed(left, said.operator, right)
    return named(left, said.operator, right, {} if operand.among else world.collections)


def ordered(left: Any, operator: str, right: list[tuple[Any, Any]]) -> Truth:
    """Each right value is the first moment (or number) it stands for, and the first after it, if it is a span."""
    inside = [left == start if end is None else start <= left < end for start, end in right]
    if operator in ("isAnyOf", "isNoneOf"):
        return any(inside) if operator == "isAnyOf" else not any(inside)
    if len(right) > 1:
        return None
    ((start, end),) = right
    match operator:
        case "eq" | "isAllOf":
            return inside[0]
        case "neq":
            return not inside[0]
        case "lt":
            return left < start
        case "gteq":
            return left >= start
        case "lteq":
            return left <= start if end is None else left < end
        case "gt":
            return left > start if end is None else left >= end
    return None


def named(left: str, operator: str, right: list[str], collections: Any) -> Truth:
    within = collections.get(left, frozenset())
    match operator:
        case "eq" | "isAnyOf":
            return left in right
        case "neq" | "isNoneOf":
            return left not in right
        case "isAllOf":
            return set(right) == {left}
        case "hasPart":
            return all(part == left or left in collections.get(part, ()) for part in right)
    return any(whole == left or whole in within for whole in right)


def shown(left: frozenset[str], operator: str, right: list[str]) -> Truth:
    match operator:
        case "neq" | "isNoneOf":
            return not left & set(right)
        case "isAllOf" | "hasPart":
            return set(right) <= left
    return bool(left & set(right))


def aimed(left: str, operator: str, right: list[str]) -> Truth:
    def is_for(purpose: str) -> Truth:
        if purposes.covers(purpose, left):
            return True
        return None if set(purposes.descendants(purpose)) & set(purposes.descendants(left)) else False

    match operator:
        case "neq" | "isNoneOf":
            return negation(disjunction([is_for(purpose) for purpose in right]))
        case "isAllOf":
            return conjunction([is_for(purpose) for purpose in right])
        case "hasPart":
            return all(purposes.covers(left, purpose) for purpose in right)
    return disjunction([is_for(purpose) for purpose in right])


def value_of(said: Constraint, operand: Any, rule: Rule, request: Request, world: World) -> Any:
    """The value of the left operand, or None if it is missing or not of its type."""
    now = datetime.fromisoformat(world.at)
    match said.left:
        case "count":
            return world.counters[rule.uid] + 1 if rule.uid in world.counters else None
        case "dateTime":
            return now
        case "usu:dayOfWeek":
            return ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"][now.weekday()]
        case "usu:timeOfDay":
            return now.hour * 3600 + now.minute * 60 + now.second
        case "purpose":
            return request.purpose if request.purpose and purposes.known(str(request.purpose)) else None
    value = request.values.get(f"{said.left} {said.unit}" if said.unit else said.left)
    if operand.type == "names":
        return value if isinstance(value, frozenset) else None
    if operand.type == "name":
        return value if isinstance(value, str) and (not operand.among or value in operand.among) else None
    if isinstance(value, bool | str | frozenset | float) or value is None:
        return None
    number = Fraction(value)
    beyond = (operand.low is not None and number < operand.low) or (operand.high is not None and number > operand.high)
    fine = number.denominator == 1 if operand.type != "number" else (number * 10**6).denominator == 1
    whole = operand.type == "number" or isinstance(value, int)
    return number if fine and whole and not beyond else None


def typed(text: str, datatype: str, expected: str) -> Any:
    """A right operand as a value; spans and points are pairs.

    Raises:
        ValueError: it is of another type.
    """
    if expected in ("name", "names", "purpose"):
        if datatype not in ("iri", "xsd:string", "xsd:anyURI", "xsd:token"):
            raise ValueError
        purpose = purposes.normal(text) if expected == "purpose" else text
        if purpose is None:
            raise ValueError
        return purpose
    if expected == "instant":
        if datatype == "xsd:date":
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
            return day, day + timedelta(days=1)
        moment = datetime.fromisoformat(text)
        if datatype not in ("xsd:dateTime", "xsd:dateTimeStamp") or moment.tzinfo is None:
            raise ValueError
        return moment, None
    if expected == "time":
        found = re.fullmatch(r"(\d\d):(\d\d):(\d\d)Z?", text)
        if datatype != "xsd:time" or found is None:
            raise ValueError
        return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]), None
    if expected == "duration":
        found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
        if datatype != "xsd:duration" or found is None or not any(found.groups()):
            raise ValueError
        return sum(int(part or 0) * size for part, size in zip(found.groups(), (86400, 3600, 60, 1), strict=True)), None
    number = Fraction(text)
    if datatype not in ("xsd:integer", "xsd:decimal") or (expected == "integer" and number.denominator > 1):
        raise ValueError
    return number, None
