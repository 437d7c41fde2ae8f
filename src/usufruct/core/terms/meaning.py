"""What a rule means: each of its premises as a pair of formulas, and a flag on everything that was not understood.

Nothing is skipped. A word that the vocabulary does not have, a value of the wrong type, a right side that stands
elsewhere, a property of somebody else's profile: each makes the smallest part that holds it *unknown*, which no
permission can rest on and no prohibition can be escaped by. The flags say so when the rules are read, not when somebody
is refused.

Two readings are ours, for ODRL leaves them open. Who asks for something broad asks for all that is in it: a prohibition
of `sell` meets a request to `transfer`, one of marketing meets a request for any purpose. And a count includes the use
that is being asked for, so that `count lteq 3` allows three.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from usufruct.core.rulebook import purposes
from usufruct.core.terms import properties
from usufruct.core.terms.domains import Domain, Line, Names, flipped, listed, names, stretch, union, within
from usufruct.core.terms.formula import (
    UNKNOWN,
    In,
    Key,
    Pair,
    both,
    either,
    is_in,
    only_one,
    opposite,
)
from usufruct.core.terms.model import LOGIC, Condition, Constraint, Logic, Property, Rule, Ruleset, Scope
from usufruct.core.terms.values import ORDERED, bounds, name, universe
from usufruct.core.terms.vocabulary import (
    ACTIONS,
    OPERANDS,
    OPERATORS,
    PROFILES,
    ROLES,
    Operand,
    actions_above,
    actions_below,
)

ACTION, TARGET, ASSIGNEE = ("action",), ("target",), ("assignee",)
DUTY_MODES = ("strict", "lenient")
# Names of which there is a list are part of nothing else.
_FLAT = {"isA": "isAnyOf", "isPartOf": "isAnyOf", "hasPart": "isAllOf"}
_PYTHON = {"instant": str, "time": int, "duration": int, "integer": int, "number": int}


@dataclass(frozen=True, slots=True)
class Flag:
    """Something in the rule `rule` (or the whole, if empty) that was not understood, and what follows from it."""

    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Node:
    """One premise: its kind, what it expects in words, what is looked at, and when it is satisfied."""

    kind: str
    uid: str
    expected: str
    pair: Pair
    key: Key | None = None
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Meaning:
    """A rule with its premises, the refinements among them kept apart: they narrow what is done, not when it may be."""

    rule: Rule
    premises: tuple[Node, ...]
    refinements: tuple[Node, ...]

    def applies(self) -> Pair:
        """When the rule speaks about a request."""
        return both([node.pair for node in (*self.premises, *self.refinements)])


class Reader:
    """Reads the rules of one ruleset, gathering flags."""

    def __init__(self, rules: Ruleset, duty_mode: str, actions: frozenset[str] | None = None) -> None:
        assert duty_mode in DUTY_MODES
        self._actions = actions
        self.flags: list[Flag] = []
        self._mode = duty_mode
        self._rule = ""
        self._whole = self._ruleset(rules)
        self.meanings = tuple(self._meaning(rule) for rule in rules.rules)

    def _flag(self, what: str) -> Pair:
        self.flags.append(Flag(self._rule, what))
        return UNKNOWN

    def _ruleset(self, rules: Ruleset) -> tuple[Node, ...]:
        strange = [f"profile `{profile}`" for profile in rules.profiles if profile not in PROFILES]
        strange += [f"`{found.name}`" for found in rules.unknown]
        for what in strange:
            self._flag(f"{what} is not known here, so no permission holds and every prohibition does")
        return (Node("profile", "", "profiles and properties that are known", UNKNOWN),) if strange else ()

    def _meaning(self, rule: Rule) -> Meaning:
        self._rule = rule.uid
        premises = [*self._whole, *self._unknown(rule.unknown)]
        refinements: list[Node] = []
        for kind, scope, key in (("target", rule.target, TARGET), ("party", rule.assignee, ASSIGNEE)):
            if scope is not None:
                premises.append(self._scope(kind, scope, key))
                refinements += self._conditions(scope.refinements, rule, "refinement")
        if rule.assigner is not None and rule.assigner.refinements:
            self._flag("which assigner is meant cannot be looked at here")
            refinements.append(Node("refinement", "", "the assigner that is meant", UNKNOWN))
        if rule.action is not None:
            premises.append(self._action(rule.action.name))
            refinements += self._conditions(rule.action.refinements, rule, "refinement")
        premises += self._conditions(rule.constraints, rule, "constraint")
        for role in rule.roles:
            if role.name not in ROLES:
                self._flag(f"`{role.name}` is no role of a party; it changes nothing")
        for duty in rule.duties:
            node = self._duty(duty)
            if rule.kind == "permission":
                premises.append(node)
        self._rule = rule.uid
        return Meaning(rule, tuple(premises), tuple(refinements))

    def _unknown(self, unknown: tuple[Property, ...]) -> list[Node]:
        return [
            Node("property", "", f"{p.name} {p.value}", self._flag(f"property `{p.name}` is not known here"))
            for p in unknown
        ]

    def _scope(self, kind: str, scope: Scope, key: tuple[str, ...]) -> Node:
        pair = is_in(key, names(scope.uid))
        if not scope.collection:
            return Node(kind, scope.uid, scope.uid, pair, key)
        pair = either([pair, is_in(("within", f"@{key[0]}", scope.uid), names("in"))])
        return Node(kind, scope.uid, f"a member of {scope.uid}", pair, key)

    def _action(self, action: str) -> Node:
        own = self._actions or frozenset()
        below, above = actions_below(action), actions_above(action)
        if action == "use":
            below |= own  # an action that a profile adds is included in it (ODRL 2.2, 3.3)
        elif action in own - ACTIONS.keys():
            above |= {"use"}
        body = listed(below)
        if action in ACTIONS or action in own:
            pair = is_in(ACTION, body, maybe=listed(below | above))
        else:
            self._flag(f"action `{action}` is not known here; a prohibition of it forbids everything")
            pair = is_in(ACTION, body, maybe=Names(True, frozenset()))
        return Node("action", action, action, pair, ACTION)

    def _duty(self, duty: Rule) -> Node:
        """The premise that a duty is no obstacle: that it is not due, or is fulfilled (leniently: not violated).

        Its consequences become due when it is violated, and then both must be fulfilled (ODRL 2.2, 2.6.7).
        """
        self._rule = duty.uid
        unread = self._unknown(duty.unknown)
        conditions = self._conditions(duty.constraints, duty, "constraint")
        if duty.action is not None and duty.action.name not in ACTIONS:
            self._flag(f"action `{duty.action.name}` of a duty is not known here; it is due until somebody fulfils it")
        for narrowed in (duty.action, duty.target, duty.assigner, duty.assignee):
            if narrowed is not None:  # they say what fulfils it, which is for others to judge; here they are only read
                self._conditions(narrowed.refinements, duty, "refinement")
        for consequence in duty.duties:
            self._duty(consequence)
        key = ("duty", duty.uid)
        due = both([node.pair for node in (*unread, *conditions)])
        enough = names("open", "fulfilled") if self._mode == "lenient" else names("fulfilled")
        pair = either([opposite(due), is_in(key, enough)])
        done = duty.action.name if duty.action else "the duty"
        return Node("duty", duty.uid, f"{done}: {'not violated' if self._mode == 'lenient' else 'fulfilled'}", pair, key,
                    (*unread, *conditions))  # fmt: skip

    def _conditions(self, conditions: tuple[Condition, ...], rule: Rule, kind: str) -> list[Node]:
        return [self._condition(condition, rule, kind) for condition in conditions]

    def _condition(self, condition: Condition, rule: Rule, kind: str) -> Node:
        if isinstance(condition, Constraint):
            return self._constraint(condition, rule, kind)
        parts = tuple(self._condition(part, rule, kind) for part in condition.parts)
        return Node(condition.kind, condition.uid, condition.kind, self._logic(condition, parts), None, parts)

    def _logic(self, logic: Logic, parts: tuple[Node, ...]) -> Pair:
        pairs = [part.pair for part in parts]
        for found in logic.unknown:
            return self._flag(f"property `{found.name}` of a logical constraint is not known here")
        if logic.kind not in LOGIC:
            return self._flag(f"`{logic.kind}` joins no constraints")
        if not pairs:
            return self._flag(f"`{logic.kind}` joins nothing")
        if logic.kind == "or":
            return either(pairs)
        return only_one(pairs) if logic.kind == "xone" else both(pairs)

    def _constraint(self, said: Constraint, rule: Rule, kind: str) -> Node:
        right = ", ".join(value.text for value in said.right) or said.reference
        expected = f"{said.left} {said.operator} {right}{' ' if said.unit else ''}{said.unit}"
        operand = OPERANDS.get(said.left)
        if operand is None and self._actions is not None:
            operand, said = properties.operand(said), properties.plainly(said)
        try:
            if operand is None:
                raise ValueError(f"operand `{said.left}` is not known here")
            key = _key(operand, said, rule)
            pair = properties.compared(said) or _pair(operand, said, key)
        except ValueError as error:
            return Node(kind, said.uid, expected, self._flag(f"`{expected}`: {error}"), said.left)
        return Node(kind, said.uid, expected, pair, key)


def _key(operand: Operand, said: Constraint, rule: Rule) -> Key:
    """Under which key the value is found.

    Raises:
        ValueError: the constraint says something that is not understood.
    """
    if said.operator not in OPERATORS:
        raise ValueError(f"operator `{said.operator}` is not known here")
    if said.unknown:
        raise ValueError(f"property `{said.unknown[0].name}` is not known here")
    if said.reference or not said.right:
        raise ValueError(
            "its right side stands elsewhere, and nothing is fetched" if said.reference else "it has no right side"
        )
    if said.unit and (operand.type not in ("number", "integer") or operand.given == "counter"):
        raise ValueError(f"`{operand.name}` has no unit")
    if operand.given == "clock":
        return ("clock", operand.name)
    if operand.given == "counter":
        return ("count", rule.uid)
    key = f"{operand.name} {said.unit}" if said.unit else operand.name
    return ("millionths", key) if operand.type == "number" else key


def _pair(operand: Operand, said: Constraint, key: Key) -> Pair:
    """When the constraint is satisfied.

    Raises:
        ValueError: the right side, or the operator, does not go with the type of the left.
    """
    if operand.type in ORDERED:
        return _existing(_ordered(operand, said, key), operand)
    found = tuple(dict.fromkeys(name(value, operand) for value in said.right))
    if said.operator in ("lt", "lteq", "gt", "gteq"):
        raise ValueError(f"operator `{said.operator}` does not order names")
    if said.operator in ("eq", "neq") and len(found) > 1:
        raise ValueError(f"operator `{said.operator}` compares with one value, not with {len(found)}")
    if operand.type == "names":
        return _shown(said.operator, key, found)
    if operand.type == "purpose":
        return _for(said.operator, key, found)
    operator = _FLAT.get(said.operator, said.operator) if operand.among else said.operator
    return _existing(_named(operator, key, found), operand)


def _existing(pair: Pair, operand: Operand) -> Pair:
    """The pair where only the values exist that the operand can have; others are of the wrong type."""
    exists = universe(operand)
    if exists in (Names(True, frozenset()), Line(True, ())):
        return pair

    def cut(formula: In) -> In:
        return In(formula.key, within(formula.domain, exists), formula.type)

    sure, maybe = (cut(part) if isinstance(part, In) else part for part in (pair.sure, pair.maybe))
    return Pair(sure, maybe)


def _ordered(operand: Operand, said: Constraint, key: Key) -> Pair:
    ranges = [bounds(value, operand) for value in said.right]
    if said.operator in ("isAnyOf", "isNoneOf"):
        body = union([Domain(False, stretch(*found)) for found in ranges]).body
        return is_in(key, body if said.operator == "isAnyOf" else flipped(body), _PYTHON[operand.type])
    if len(ranges) > 1:
        raise ValueError(f"operator `{said.operator}` compares with one value, not with {len(ranges)}")
    start, end = ranges[0]
    lines = {
        "eq": stretch(start, end), "isAllOf": stretch(start, end), "neq": flipped(stretch(start, end)),
        "lt": stretch(None, start), "lteq": stretch(None, end), "gt": stretch(end, None), "gteq": stretch(start, None),
    }  # fmt: skip
    if said.operator not in lines:
        raise ValueError(f"operator `{said.operator}` is for names, not for a value of type {operand.type}")
    return is_in(key, lines[said.operator], _PYTHON[operand.type])


def _named(operator: str, key: Key, right: tuple[str, ...]) -> Pair:
    """For a value that is one name; what it is part of is for the state of the world to say."""
    assert isinstance(key, str | tuple)
    looked_at = key if isinstance(key, str) else key[-1]
    match operator:
        case "eq" | "isAnyOf":
            return is_in(key, names(*right))
        case "neq" | "isNoneOf":
            return is_in(key, flipped(names(*right)))
        case "isAllOf":
            return is_in(key, names(*right) if len(right) == 1 else names())
        case "hasPart":
            return both([
                either([is_in(key, names(part)), is_in(("contains", looked_at, part), names("in"))]) for part in right
            ])  # fmt: skip
        case _:  # isA, isPartOf
            return either([
                is_in(key, names(*right)), *(is_in(("within", looked_at, whole), names("in")) for whole in right)
            ])  # fmt: skip


def _shown(operator: str, key: Key, right: tuple[str, ...]) -> Pair:
    """For a value that is several names at once."""
    assert isinstance(key, str)
    each = [is_in(("has", key, item), names("in")) for item in right]
    match operator:
        case "isAllOf" | "hasPart":
            return both(each)
        case "neq" | "isNoneOf":
            return both([opposite(pair) for pair in each])
        case _:
            return either(each)


@cache
def _meets(purpose: str) -> frozenset[str]:
    """The purposes that share a narrower one with this; who asks for one of them may mean that."""
    covered = purposes.descendants(purpose)
    return frozenset(above for narrower in covered for above in purposes.ancestors(narrower))


@lru_cache(maxsize=1024)
def _for(operator: str, key: Key, right: tuple[str, ...]) -> Pair:
    """For a purpose: surely one of the right if covered by it, surely not if nothing is covered by both."""
    below = [frozenset(purposes.descendants(purpose)) for purpose in right]
    meets = [_meets(purpose) for purpose in right]
    everything = frozenset(purposes.descendants(purposes.ROOT))
    match operator:
        case "eq" | "isA" | "isPartOf" | "isAnyOf":
            sure, maybe = frozenset().union(*below), frozenset().union(*meets)
        case "neq" | "isNoneOf":
            sure, maybe = everything.difference(*meets), everything.difference(*below)
        case "isAllOf":
            sure, maybe = everything.intersection(*below), everything.intersection(*meets)
        case _:  # hasPart
            sure = maybe = everything.intersection(*map(purposes.ancestors, right))
    return _existing(is_in(key, listed(sure), maybe=listed(maybe)), OPERANDS["purpose"])
