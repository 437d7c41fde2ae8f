"""From a graph to rules: compact rules are split, parents merged in, and what is not understood is kept beside what is.

Strict about shape (a constraint with two operators has no meaning, so it is refused), patient about words (a property of
somebody else's profile makes the rule that has it unknown, and is flagged). Descriptions rule nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.terms.model import (
    LOGIC,
    STRATEGIES,
    Action,
    Condition,
    Constraint,
    Logic,
    Property,
    Role,
    Rule,
    Ruleset,
    Scope,
    Value,
    normal,
    normal_rule,
)
from usufruct.core.terms.rules import COST_MAX, RULES_MAX, cost
from usufruct.core.terms.vocabulary import ROLES
from usufruct.wire.odrl.graph import BLANK, Graph, Node, Object, Ref, Sequence, Text
from usufruct.wire.odrl.names import ODRL, RDF_VALUE, inside, word

DEPTH_MAX = 64
WHERE_MAX = 120  # letters of a place in a message
KINDS = ("Set", "Offer", "Agreement", "Privacy", "Request", "Ticket", "Assertion")
# Who describes does not rule; but what is replaced is no longer in force, so that is not a description.
DESCRIPTIVE = ("http://purl.org/dc/terms/", "http://purl.org/dc/elements/1.1/", "http://www.w3.org/2000/01/rdf-schema#",
               "http://www.w3.org/2006/vcard/ns#", "http://xmlns.com/foaf/0.1/", "http://schema.org/",
               "https://schema.org/", "http://www.w3.org/2004/02/skos/core#")  # fmt: skip
REPLACED = "http://purl.org/dc/terms/isReplacedBy"
_KINDS = {"permission": "duty", "prohibition": "remedy", "obligation": "consequence"}
_SCOPED = ("action", "target", "assigner", "assignee")
_BACKLINKS = ("hasPolicy", "assigneeOf", "assignerOf", "uid")


def ruleset(graph: Graph, uid: str = "") -> Ruleset:
    """The ruleset that the graph says; the one called `uid`, if it says several.

    Raises:
        BadInput: there is none, there are several, or one of its parts has no meaning; the message says where.
    """
    roots = [node for node in graph.values() if _is_root(node)]
    inherited = {
        value.id for node in roots for value in node.properties.get(ODRL + "inheritFrom", [])
        if isinstance(value, Ref) and value.id != node.id
    }  # fmt: skip
    wanted = [node for node in roots if (inside(node.id) == uid if uid else node.id not in inherited)]
    if len(wanted) != 1:
        names = ", ".join(f"`{inside(node.id)}`" for node in wanted) or "none"
        raise _bad("", f"one ruleset is expected, found {names}", "write one Set, Offer or Agreement, or name which")
    return normal(_Reader(graph).ruleset(wanted[0], ()))


def _is_root(node: Node) -> bool:
    kinds = {ODRL + kind for kind in KINDS}
    rules = {ODRL + kind for kind in _KINDS}
    return bool(kinds.intersection(node.types)) or bool(rules.intersection(node.properties))


def _bad(where: str, message: str, remedy: str) -> BadInput:
    place = where if len(where) <= WHERE_MAX else f"{where[:WHERE_MAX]}…"
    return BadInput("input.odrl", f"{place}: {message}" if place else message, remedy)


class _Reader:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._left = COST_MAX

    def _spend(self, where: str, parts: int = 1) -> None:
        """A few nodes that name each other can unfold into more than anybody can read."""
        self._left -= parts
        if self._left < 0:
            raise _bad(where, f"the rules unfold into more than {COST_MAX:,} parts", "say it in fewer words")

    def ruleset(self, node: Node, below: tuple[str, ...]) -> Ruleset:
        uid = inside(node.id)
        self._spend(uid)
        if node.id in below:
            raise _bad(uid, "it inherits from itself", "leave `inheritFrom` out")
        if node.id.startswith(BLANK):
            raise _bad("", "the ruleset has no id", "give it a `uid`")
        kinds = [kind for kind in KINDS if ODRL + kind in node.types]
        if len(kinds) > 1:
            raise _bad(uid, f"it is both {' and '.join(kinds)}", "let it be one")
        fields = _Fields(node, uid)
        rules: list[Rule] = []
        for kind in _KINDS:
            for place, said in enumerate(fields.take(kind)):
                rules += self._rules(said, kind, f"{uid}/{kind}", place, fields, 0)
        conflict = word(fields.only("conflict") or "invalid")
        profiles = tuple(inside(fields.name(value, "profile")) for value in fields.take("profile"))
        parents = [self._parent(value, uid, (*below, node.id)) for value in fields.take("inheritFrom")]
        for name in (*_SCOPED, *ROLES):
            fields.take(name)  # each rule has been given them
        unknown = [p for parent in parents for p in parent.unknown]
        if conflict not in STRATEGIES:
            unknown.append(Property("conflict", conflict))
        if len(rules) > RULES_MAX:
            raise _bad(uid, f"it splits into {len(rules)} rules", f"write at most {RULES_MAX}")
        rules = named(rules, uid) + [rule for parent in parents for rule in parent.rules]
        return Ruleset(
            uid, tuple(rules), kinds[0] if kinds else "Set", conflict if conflict in STRATEGIES else "invalid",
            (*profiles, *(profile for parent in parents for profile in parent.profiles)), (*fields.rest(), *unknown),
        )  # fmt: skip

    def _parent(self, value: Object, uid: str, below: tuple[str, ...]) -> Ruleset:
        node = self._graph.get(value.id) if isinstance(value, Ref) else None
        if node is None or not _is_root(node):
            raise _bad(
                uid, f"`{_told(value)}`, from which it inherits, is not in the document", "add it; nothing is fetched"
            )
        return self.ruleset(node, below)

    def _rules(self, said: Object, kind: str, where: str, place: int, above: _Fields | None, depth: int) -> list[Rule]:
        """The rules that one rule is short for: one for each action, target, assigner and assignee."""
        where = f"{where}[{place}]"
        self._spend(where)
        node = self._node(said, where, depth)
        for other in _KINDS:
            if other != kind and ODRL + other.capitalize() in node.types:
                raise _bad(where, f"it says that it is a {other}", f"let a {kind} be one")
        fields = _Fields(node, where)
        unknown: list[Property] = []
        scoped = {
            name: [self._scoped(name, value, where, unknown, depth) for value in self._or_above(name, fields, above)]
            for name in _SCOPED
        }  # fmt: skip
        roles = tuple(
            Role(name, inside(fields.name(value, name)))
            for name in ROLES
            for value in self._or_above(name, fields, above)
        )
        constraints = self._conditions(fields.take("constraint"), f"{where}.constraint", depth)
        duties: list[Rule] = []
        for number, duty in enumerate(fields.take(_KINDS[kind])):
            duties += self._rules(duty, "obligation", f"{where}.{_KINDS[kind]}", number, None, depth + 1)
        uid = "" if node.id.startswith(BLANK) else inside(node.id)
        rule = Rule(
            kind, uid, roles=roles, constraints=constraints, duties=tuple(duties),
            unknown=(*fields.rest(), *unknown),
        )  # fmt: skip
        made = _split(rule, scoped, where)
        if len(made) > 1:
            self._spend(where, len(made) * cost(Ruleset("", (rule,))).constraints)
        return _numbered(made)

    def _or_above(self, name: str, fields: _Fields, above: _Fields | None) -> list[Object]:
        return fields.take(name) or (above.peek(name) if above is not None else [])

    def _scoped(self, name: str, value: Object, where: str, unknown: list[Property], depth: int) -> Action | Scope:
        where = f"{where}.{name}"
        if not isinstance(value, Ref):
            raise _bad(where, f"`{_told(value)}` is not a name", "write an address or a word of the vocabulary")
        fields = _Fields(self._graph.get(value.id) or Node(value.id), where)
        refinements = self._conditions(fields.take("refinement"), f"{where}.refinement", depth)
        if name == "action":
            done = fields.only_name(RDF_VALUE) or value.id
            if done.startswith(BLANK):
                raise _bad(where, "it does not say which action", "name it, or give it an `rdf:value`")
            uid = "" if value.id in (done,) or value.id.startswith(BLANK) else inside(value.id)
            unknown += fields.rest()
            return Action(word(done), refinements, uid)
        source = fields.only("source")
        identity = source if value.id.startswith(BLANK) else value.id
        if not identity or identity.startswith(BLANK):
            raise _bad(where, "it does not say who or what", "give it a `uid` or a `source`")
        kinds = {ODRL + "AssetCollection", ODRL + "PartyCollection"}
        unknown += fields.rest()
        return Scope(inside(identity), bool(kinds.intersection(fields.node.types)), refinements)

    def _conditions(self, values: Iterable[Object], where: str, depth: int) -> tuple[Condition, ...]:
        flat = [item for value in values for item in (value.items if isinstance(value, Sequence) else (value,))]
        return tuple(self._condition(value, f"{where}[{place}]", depth + 1) for place, value in enumerate(flat))

    def _condition(self, value: Object, where: str, depth: int) -> Condition:
        self._spend(where)
        node = self._node(value, where, depth)
        fields = _Fields(node, where)
        uid = "" if node.id.startswith(BLANK) else inside(node.id)
        joined = {kind: fields.take(kind) for kind in LOGIC if ODRL + kind in node.properties}
        if not joined:
            return self._constraint(fields, uid)
        if len(joined) > 1 or ODRL + "leftOperand" in node.properties:
            raise _bad(where, "it joins constraints in two ways, or joins and compares", "nest one in the other")
        ((kind, parts),) = joined.items()
        return Logic(kind, self._conditions(parts, f"{where}.{kind}", depth), uid, fields.rest())

    def _constraint(self, fields: _Fields, uid: str) -> Constraint:
        left, operator = fields.only("leftOperand"), fields.only("operator")
        if not left or not operator:
            raise _bad(
                fields.where, "a constraint needs a left operand and an operator", "say what is compared, and how"
            )
        said = [
            item
            for value in fields.take("rightOperand")
            for item in (value.items if isinstance(value, Sequence) else [value])
        ]
        right = [_value(item, fields.where) for item in said]
        datatype = fields.only("dataType") or fields.only("datatype")
        if datatype:
            right = [replace(v, type=inside(datatype)) if v.type == "xsd:string" else v for v in right]
        unit, reference = fields.only("unit"), fields.only("rightOperandReference")
        return Constraint(
            word(left), word(operator), tuple(right), inside(unit), inside(reference), uid, fields.rest()
        )  # fmt: skip

    def _node(self, value: Object, where: str, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise _bad(where, "it is nested too deeply, or contains itself", f"nest at most {DEPTH_MAX}")
        node = self._graph.get(value.id) if isinstance(value, Ref) else None
        if node is None and isinstance(value, Ref) and value.id.startswith(BLANK):
            return Node(value.id)  # says nothing, as an empty rule does
        if node is None:
            raise _bad(where, f"`{_told(value)}` is not in the document", "add it; nothing is fetched")
        return node


class _Fields:
    """The properties of a node, taken one by one; what is left over was not understood."""

    def __init__(self, node: Node, where: str) -> None:
        self.node, self.where = node, where
        self._taken: set[str] = set()

    def peek(self, name: str) -> list[Object]:
        return self.node.properties.get(ODRL + name, [])

    def take(self, name: str) -> list[Object]:
        self._taken.add(ODRL + name)
        return self.peek(name)

    def only(self, name: str) -> str:
        """The one value of a property, as an address or letters; empty if there is none."""
        return self.only_name(ODRL + name)

    def only_name(self, property: str) -> str:
        self._taken.add(property)
        values = self.node.properties.get(property, [])
        if len(values) > 1:
            raise _bad(self.where, f"it has {len(values)} values for `{word(property)}`", "write one")
        return self.name(values[0], word(property)) if values else ""

    def name(self, value: Object, property: str) -> str:
        if isinstance(value, Sequence):
            raise _bad(self.where, f"`{property}` is a list", "write one value")
        if isinstance(value, Ref) and value.id.startswith(BLANK):
            raise _bad(self.where, f"`{property}` has no name", "give it an address")
        return value.id if isinstance(value, Ref) else value.text

    def rest(self) -> tuple[Property, ...]:
        backlinks = {ODRL + name for name in _BACKLINKS}
        return tuple(
            Property(word(property), _told(value)) for property, values in self.node.properties.items()
            if property not in self._taken and property not in backlinks
            and (property == REPLACED or not property.startswith(DESCRIPTIVE)) for value in values
        )  # fmt: skip


def _told(value: Object) -> str:
    match value:
        case Ref():
            return "a node" if value.id.startswith(BLANK) else inside(value.id)
        case Text():
            return value.text
    return "a list"


def _value(value: Object, where: str) -> Value:
    match value:
        case Ref():
            if value.id.startswith(BLANK):
                raise _bad(where, "its right operand has no name", "write a value or an address")
            return Value(inside(value.id))
        case Text():
            kind = value.type if value.type[:1] == "@" else inside(value.type)
            return Value(value.text, kind)
    raise _bad(where, "its right operand is a list of lists", "write one list")


def _split(rule: Rule, scoped: dict[str, list[Any]], where: str) -> list[Rule]:
    ways = 1
    for values in scoped.values():
        ways *= len(values) or 1
    if ways > RULES_MAX:
        raise _bad(where, f"it splits into {ways} rules", f"write at most {RULES_MAX}")
    return [
        replace(rule, **dict(zip(_SCOPED, found, strict=True)))
        for found in product(*(scoped[name] or [None] for name in _SCOPED))
    ]  # fmt: skip


def _said(rule: Rule) -> str:
    """What a rule says, in whichever order it was written."""
    return repr(normal_rule(rule))


def _numbered(rules: list[Rule]) -> list[Rule]:
    """Rules that one rule was short for share its name, and are told apart by a number."""
    if len(rules) == 1 or not rules[0].uid:
        return rules
    return [replace(rule, uid=f"{rule.uid}/{number}") for number, rule in enumerate(sorted(rules, key=_said), 1)]


def named(rules: Iterable[Rule], uid: str) -> list[Rule]:
    """The rules; those that nobody named get a number, by what they say, so that every reader gives them the same."""
    found = [rule for rule in rules if rule.uid]
    for number, rule in enumerate(sorted((rule for rule in rules if not rule.uid), key=_said), 1):
        found.append(replace(rule, uid=f"{uid}/{rule.kind}/{number}"))
    return [replace(rule, duties=tuple(named(rule.duties, rule.uid))) for rule in found]
