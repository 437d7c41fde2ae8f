"""The evaluator: may this be done under these rules, and what did each of them say?

Rules are read once (`read`) and asked often. `permits` gives the verdict and nothing else, from the formulas; `report`
goes through the same premises one by one, in the shape of the Compliance Report Model: each rule active or inactive,
each premise satisfied or not, with what was expected and what was found. Where most of a request is known beforehand,
`settled` answers as far as that goes, and what is left is asked as often as need be. A property test holds the three
together.

The verdict is *yes* only if a permission applies. A prohibition that applies overrides it, unless the rules say that
permissions win (`conflict: perm`). Where they say nothing (`invalid`) the collision makes the whole void, for this
request as for those that `rules.activate` could foresee. Obligations never bear on the verdict: who must still do
something may still do the other thing.

A request may name several values for one operand (a tuple): it then asks for each, and must be permitted each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, product
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from usufruct.core.base.instants import END_OF_TIME, Instant, moment
from usufruct.core.terms.formula import TRUE, Formula, In, Key, Values, all_of, any_of, check, given, negated
from usufruct.core.terms.meaning import Flag, Meaning, Node, Reader
from usufruct.core.terms.model import Rule, Ruleset
from usufruct.core.terms.values import millionths
from usufruct.core.terms.vocabulary import OPERANDS

COMBINATIONS_MAX = 256  # of several values in one request; beyond it nothing is permitted
RESTS_KEPT = 20_000  # what is left of rules, which is mostly the same few tests of the clock
_NOBODY: frozenset[str] = frozenset()
_OF_WHO = frozenset({"usu:assurance", "usu:machine"})
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_IN_THE_WORLD = frozenset({"clock", "count", "duty"})  # what is read from its state, and changes with it


class Request(NamedTuple):
    """What somebody wants to do. `values` are those of left operands: text for names and instants, `int` or `Decimal` for
    numbers, seconds for lengths and times of day, a frozenset for `names`; anything else counts as missing. A key is the
    operand's name, followed by a space and the unit if it has one (`resolution dpi`). A tuple asks for each of its items.
    """

    action: str
    target: str
    assignee: str = ""
    purpose: str | tuple[str, ...] = ""
    values: Mapping[str, Any] = _NOTHING


class World(NamedTuple):
    """The state of the world: the moment, which duties are fulfilled or were violated (both, if late), how often each
    rule that counts was used so far (by its uid), and in which collections parties, assets and other names are.
    """

    at: Instant
    fulfilled: frozenset[str] = _NOBODY
    violated: frozenset[str] = _NOBODY
    counters: Mapping[str, int] = _NOTHING
    collections: Mapping[str, frozenset[str]] = _NOTHING


class Premise(NamedTuple):
    """One premise of a rule: `kind` is target, party, action, constraint, refinement, duty, profile, property, or the
    kind of a logical constraint, whose premises are its `parts`.

    `known` is False if the premise could have come out either way; it then counts as unsatisfied in a permission and as
    satisfied in a prohibition.
    """

    kind: str
    uid: str
    expected: str
    found: str
    satisfied: bool
    known: bool
    parts: tuple[Premise, ...] = ()


class RuleReport(NamedTuple):
    """What one rule said. It is `active` if all premises are satisfied, and `applies` if its refinements are too.

    `state` is that of an obligation: fulfilled, violated or open; empty for other rules.
    """

    kind: str
    uid: str
    active: bool
    applies: bool
    premises: tuple[Premise, ...]
    state: str = ""


class Report(NamedTuple):
    """The verdict, why (`permitted`, `not-permitted`, `prohibited`, `void`), and what each rule said."""

    permitted: bool
    why: str
    rules: tuple[RuleReport, ...]


_SATISFIED = attrgetter("satisfied")


class Change(NamedTuple):
    """What would have to change for the permission `rule` to decide: these premises would have to be satisfied, and
    these prohibitions must not apply."""

    rule: str
    premises: tuple[Premise, ...]
    prohibitions: tuple[str, ...]


class Terms:
    """Rules that were read: ask `permits`, `prohibits` or `report`.

    `flags` say what was not understood, `counted` names the rules whose uses must be counted, `duties` those duties
    whose state must be known, `given` the operands whose values must come with the request (`of_who`: some of them
    say who asks), and `untold` those that they never come with here: the decisions of this node know nothing of
    them, and for what is outside the node only properties.
    """

    def __init__(self, rules: Ruleset, duty_mode: str = "strict", actions: frozenset[str] | None = None) -> None:
        reader = Reader(rules, duty_mode, actions)
        self.rules = rules
        self.flags: tuple[Flag, ...] = tuple(reader.flags)
        self.meanings: tuple[Meaning, ...] = reader.meanings
        self._permission_wins = rules.conflict == "perm"
        self.permission = any_of(m.applies().sure for m in self.meanings if m.rule.kind == "permission")
        self.prohibition = any_of(m.applies().maybe for m in self.meanings if m.rule.kind == "prohibition")
        against = () if self._permission_wins else (negated(self.prohibition),)
        self._verdict = all_of((self.permission, *against))
        self._may, self._must_not = check(self._verdict), check(self.prohibition)
        asked = {*_asked(self.permission), *_asked(self.prohibition)}
        self.given = frozenset(key for key in asked if isinstance(key, str))
        self.untold = tuple(sorted(name for name in map(_operand, asked) if _untold(name, actions is not None)))
        keys = {key for key in asked if isinstance(key, tuple)}
        self.counted = tuple(sorted({key[1] for key in keys if key[0] == "count"}))
        self._duties = {duty.uid: duty for rule in rules.of("permission") for duty in rule.duties}
        self.prohibitive = any(m.rule.kind == "prohibition" for m in self.meanings)
        self.of_who = "usu:claim" in {key[1] for key in keys if key[0] == "has"} or bool(self.given & _OF_WHO)
        self.duties = tuple(sorted({one.uid for duty in self._duties.values() for one in duty.within()}))
        self._derived = tuple((key, _derive(key, self._duties)) for key in sorted(keys))
        self._explained: tuple[_Explained, ...] | None = None  # made when somebody first asks for a report
        self._looked_at: tuple[tuple[tuple[str, ...], _Derive], ...] = ()

    def permits(self, request: Request, world: World) -> bool:
        """The verdict alone."""
        if self._may(_values(request, world, self._derived)):
            return True
        several = _several(request) or []
        return bool(several) and all(self._may(_values(one, world, self._derived)) for one in several)

    def prohibits(self, request: Request, world: World) -> bool:
        """Whether a prohibition applies, whatever is permitted."""
        several = _several(request)
        asked = [request] if several is None else several
        return not asked or any(self._must_not(_values(one, world, self._derived)) for one in asked)

    def settled(
        self, request: Request, later: frozenset[str] = _NOBODY, collections: Mapping[str, frozenset[str]] = _NOTHING
    ) -> Rest:
        """What is left to ask when it is known in which collections things are, and the request but for the operands that
        come `later`, none of which may have several values. What is left of other rules, or of another request, is the
        same object if it is the same."""
        known = tuple((key, make) for key, make in self._derived if not _comes_later(key, later))
        world = World(END_OF_TIME, collections=collections)  # the moment is what comes later

        def left(formula: Formula, one: Request) -> Formula:
            return given(formula, _values(one, world, known), lambda key: _comes_later(key, later))

        several = _several(request)
        may = left(self._verdict, request)
        if several:
            may = any_of([may, all_of(left(self._verdict, one) for one in several)])
        asked = [request] if several is None else several
        must_not = any_of(left(self.prohibition, one) for one in asked) if asked else TRUE
        keys = {*_asked(may), *_asked(must_not)}
        return _rest(may, must_not, tuple(duty for uid, duty in self._duties.items() if ("duty", uid) in keys))

    def report(self, request: Request, world: World) -> Report:
        """The verdict with what each rule said; of several requests in one, the first that is not permitted."""
        if self._explained is None:
            self._explained = tuple(_Explained(meaning) for meaning in self.meanings)
            self._looked_at = tuple((key, _derive(key, self._duties)) for key in _looked_at(self.meanings))
        reports = [self._report(one, world, self._explained) for one in _several(request) or (request,)]
        return next((report for report in reports if not report.permitted), reports[0])

    def _report(self, request: Request, world: World, explained: tuple[_Explained, ...]) -> Report:
        values = _values(request, world, self._looked_at)
        rules = tuple([one.report(values, world) for one in explained])
        may = any(rule.applies for rule in rules if rule.kind == "permission")
        must_not = any(rule.applies for rule in rules if rule.kind == "prohibition")
        if not may:
            return Report(False, "prohibited" if must_not else "not-permitted", rules)
        if must_not and not self._permission_wins:
            return Report(False, "void" if self.rules.conflict == "invalid" else "prohibited", rules)
        return Report(True, "permitted", rules)


class Rest:
    """What is left of rules to be asked: of the state of the world, and of what comes later of a request."""

    __slots__ = ("_derived", "_may", "_must_not")

    def __init__(self, may: Formula, must_not: Formula, duties: Mapping[str, Rule]) -> None:
        self._may, self._must_not = check(may), check(must_not)
        keys = sorted({*_asked(may), *_asked(must_not)}, key=str)
        self._derived = tuple((key, _given(key) if isinstance(key, str) else _derive(key, duties)) for key in keys)

    def permits(self, request: Request, world: World) -> bool:
        """As `Terms.permits` of the same request, with what came later."""
        return self._may({key: make(request, world) for key, make in self._derived})

    def prohibits(self, request: Request, world: World) -> bool:
        """As `Terms.prohibits`."""
        return self._must_not({key: make(request, world) for key, make in self._derived})


@lru_cache(RESTS_KEPT)
def _rest(may: Formula, must_not: Formula, duties: tuple[Rule, ...]) -> Rest:
    return Rest(may, must_not, {duty.uid: duty for duty in duties})


def read(rules: Ruleset, duty_mode: str = "strict", actions: frozenset[str] | None = None) -> Terms:
    """The rules, ready to be asked. With `actions` they are for what is outside the node: these are its own names for
    actions, each included in `use`, and properties are operands (see `properties`).

    `duty_mode` says when a permission's duty stands in its way: `strict` as long as it is due and not fulfilled (the W3C
    community group's formal semantics), `lenient` only once it is violated (the ODRL In Suite of SolidLab).
    """
    return Terms(rules, duty_mode, actions)


def changes(report: Report) -> tuple[Change, ...]:
    """For each permission that does not decide, the fewest changes that would make it; the one with fewest first."""
    against = tuple(rule.uid for rule in report.rules if rule.kind == "prohibition" and rule.applies)
    found = [
        Change(rule.uid, _needed(rule.premises), against)
        for rule in report.rules if rule.kind == "permission" and (against or not rule.applies)
    ]  # fmt: skip
    return () if report.permitted else tuple(sorted(found, key=lambda change: (len(change.premises), change.rule)))


def _needed(premises: tuple[Premise, ...]) -> tuple[Premise, ...]:
    return tuple(change for premise in premises for change in _change(premise))


def _change(premise: Premise) -> tuple[Premise, ...]:
    """The fewest premises below this one that would have to come out otherwise for it to be satisfied."""
    if premise.satisfied:
        return ()
    if premise.kind in ("and", "andSequence"):
        return _needed(premise.parts)
    if premise.kind == "or":
        return min((_change(part) for part in premise.parts), key=len)
    if premise.kind == "xone" and not any(part.satisfied or not part.known for part in premise.parts):
        return min((_change(part) for part in premise.parts), key=len)
    return (premise,)


class _Explained:
    """A rule with the checks of each premise."""

    def __init__(self, meaning: Meaning) -> None:
        self.rule = meaning.rule
        self._premises = tuple(_Checked(node, meaning.rule.kind) for node in meaning.premises)
        self._refinements = tuple(_Checked(node, meaning.rule.kind) for node in meaning.refinements)

    def report(self, values: Values, world: World) -> RuleReport:
        premises = tuple([found.premise(values) for found in self._premises])
        refinements = tuple([found.premise(values) for found in self._refinements])
        active = all(map(_SATISFIED, premises))
        applies = active and all(map(_SATISFIED, refinements))
        state = _state(self.rule, world) if self.rule.kind == "obligation" else ""
        return RuleReport(self.rule.kind, self.rule.uid, active, applies, premises + refinements, state)


class _Checked:
    """A node with its checks."""

    __slots__ = ("_key", "_maybe", "_parts", "_prohibits", "_sure", "node")

    def __init__(self, node: Node, kind: str) -> None:
        self.node, self._prohibits = node, kind == "prohibition"
        self._sure, self._maybe = check(node.pair.sure), check(node.pair.maybe)
        self._key: Key | None = ("duty", node.uid) if node.kind == "duty" else node.key
        if isinstance(node.key, tuple) and node.key[0] == "millionths":
            self._key = node.key[1]  # as it was given
        self._parts = tuple(_Checked(part, kind) for part in node.parts)

    def premise(self, values: Values) -> Premise:
        node = self.node
        sure = self._sure(values)
        maybe = sure or self._maybe(values)
        parts = tuple([part.premise(values) for part in self._parts]) if self._parts else ()
        found = "" if self._key is None else _told(values.get(self._key))
        satisfied = maybe if self._prohibits else sure
        return Premise(node.kind, node.uid, node.expected, found, satisfied, sure == maybe, parts)


def _told(value: Any) -> str:
    if type(value) is str:
        return value
    if value is None:
        return "nothing"
    return ", ".join(sorted(map(str, value))) if isinstance(value, frozenset | tuple) else str(value)


def _all(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _all(list(node.parts))


def _looked_at(meanings: tuple[Meaning, ...]) -> list[tuple[str, ...]]:
    nodes = [node for meaning in meanings for node in _all([*meaning.premises, *meaning.refinements])]
    asked = {key for node in nodes for formula in (node.pair.sure, node.pair.maybe) for key in _asked(formula)}
    return sorted(
        {key for key in asked if isinstance(key, tuple)} | {("duty", node.uid) for node in nodes if node.kind == "duty"}
    )


def _operand(key: Key) -> str:
    """The operand that is looked at under a key, without its unit; the key of what is none is none."""
    named = key[1] if isinstance(key, tuple) and key[0] in ("millionths", "has") else key
    return named.partition(" ")[0] if isinstance(named, str) else ""


def _untold(name: str, outside: bool) -> bool:
    known = OPERANDS.get(name)
    return known is not None and (
        known.given == "nobody" or (outside and known.given == "request" and name != "purpose")
    )


def _asked(formula: Formula) -> Iterator[Key]:
    """What the formula looks at: an operand that is given with the request, or, as a tuple, what follows from others."""
    if isinstance(formula, In):
        yield formula.key
        return
    for part in formula.parts:
        yield from _asked(part)


def _several(request: Request) -> list[Request] | None:
    """The requests for each value, if there are several values for an operand; None if there are not, none if there are
    too many."""
    given = {**request.values, "purpose": request.purpose}
    many = {name: value for name, value in given.items() if type(value) is tuple}
    if not many:
        return None
    combinations = list(islice(product(*many.values()), COMBINATIONS_MAX + 1))
    if not 0 < len(combinations) <= COMBINATIONS_MAX:
        return []
    made = [{**given, **dict(zip(many, found, strict=True))} for found in combinations]
    return [request._replace(purpose=one.pop("purpose"), values=one) for one in made]


_Derive = Callable[[Request, World], Any]


def _values(request: Request, world: World, derived: tuple[tuple[tuple[str, ...], _Derive], ...]) -> Values:
    """All that the formulas look at: the request's own values, and what follows from it and from the world."""
    values: dict[Any, Any] = {**request.values}
    values["purpose"] = request.purpose or None
    for key, make in derived:
        values[key] = make(request, world)
    return values


def _derive(key: tuple[str, ...], duties: Mapping[str, Rule]) -> _Derive:
    """How the value under a key is found."""
    match key:
        case ("action" | "target" | "assignee" as attribute,):
            return {
                "action": lambda request, world: request.action, "target": lambda request, world: request.target,
                "assignee": lambda request, world: request.assignee,
            }[attribute]  # fmt: skip
        case ("clock", clock):
            return _CLOCKS[clock]
        case ("millionths", operand):
            return lambda request, world: millionths(request.values.get(operand))
        case ("count", rule):
            return lambda request, world: world.counters[rule] + 1 if rule in world.counters else None
        case ("has", operand, item):
            return lambda request, world: _has(request.values.get(operand), item)
        case ("same", one, other):
            return lambda request, world: _same(request.values.get(one), request.values.get(other))
        case ("within", operand, whole):
            return lambda request, world: _within(_named(request, operand), whole, world)
        case ("contains", operand, part):
            return lambda request, world: _within(part, _named(request, operand), world)
        case _:
            duty = duties[key[1]]
            return lambda request, world: _state(duty, world)


def _comes_later(key: Key, later: frozenset[str]) -> bool:
    """Whether the value under a key is not known with the request, where these operands of it come later."""
    return key in later if isinstance(key, str) else key[0] in _IN_THE_WORLD or not later.isdisjoint(key[1:])


def _given(operand: str) -> _Derive:
    return lambda request, world: request.values.get(operand)


_DAYS = OPERANDS["usu:dayOfWeek"].among
_CLOCKS: dict[str, _Derive] = {
    "dateTime": lambda request, world: world.at,
    "usu:dayOfWeek": lambda request, world: _DAYS[moment(world.at).weekday()],
    "usu:timeOfDay": lambda request, world: (
        int(world.at[11:13]) * 3600 + int(world.at[14:16]) * 60 + int(world.at[17:19])
    ),
}


def _named(request: Request, operand: str) -> Any:
    if operand[0] == "@":
        return request.target if operand == "@target" else request.assignee
    return request.values.get(operand)


def _has(shown: Any, item: str) -> str | None:
    return ("in" if item in shown else "out") if type(shown) is frozenset else None


def _same(one: Any, other: Any) -> str | None:
    """Whether two properties share a value; unknown if one is missing, or they are of different types."""
    if one is None or other is None or (type(one) is frozenset) is not (type(other) is frozenset):
        return None
    shared = bool(one & other) if type(one) is frozenset else one == other
    return "in" if shared else "out"


def _within(part: Any, whole: Any, world: World) -> str | None:
    if type(part) is not str or type(whole) is not str:
        return None
    return "in" if whole in world.collections.get(part, _NOBODY) else "out"


def _state(duty: Rule, world: World) -> str:
    """A duty once violated is fulfilled when both it and its consequences are."""
    done = duty.uid in world.fulfilled
    if duty.uid in world.violated:
        made_good = done and all(_state(consequence, world) == "fulfilled" for consequence in duty.duties)
        return "fulfilled" if made_good else "violated"
    return "fulfilled" if done else "open"
