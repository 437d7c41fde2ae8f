"""Rules in the compact JSON of the Dataspace Protocol: what an offer or agreement says, beside the parts of its message.

The protocol's schemas know less of ODRL than our rules do. What they lack is said so that a reader of plain JSON and one
of JSON-LD understand the same, and none takes a rule for wider than it is:

- `action` is one word. Its refinements stand among the constraints, with the type `Refinement` of our profile: who
  does not know that reads a constraint, which narrows as much.
- Words that the protocol's context has are bare (`use`, `isAnyOf`), other words of ODRL have its prefix (`odrl:dateTime`),
  all others are addresses in full, for no other context is sent along.
- A right operand that is not just letters says its type (`{"@value", "@type"}`), or that it is a name (`{"@id"}`).
- Target and parties stand in the message. A rule names only what is different; see `core.dataspace.offered`.

Read the other way, what is not understood makes the rule or the constraint that says it unknown, as in `wire/odrl`: it is
kept, and no permission holds by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from usufruct.core.base.canonical import holdable
from usufruct.core.dataspace.offered import addressed
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
)
from usufruct.core.terms.rules import cost
from usufruct.core.terms.vocabulary import ROLES
from usufruct.wire.dsp.shapes import OPERATORS
from usufruct.wire.dsp.spelling import NAMESPACES, bad
from usufruct.wire.odrl import held
from usufruct.wire.odrl.names import ODRL, inside, outside
from usufruct.wire.odrl.reading import DESCRIPTIVE, REPLACED, named

KINDS = {"permission": "duty", "prohibition": "remedy", "obligation": "consequence"}
_REFINEMENT = outside("usu:Refinement")
_ANY = "usu:any"  # a rule with no action is about all of them, and the schemas demand one
_BARE = frozenset(("use", *OPERATORS)) - {"term-lteq"}  # words of ODRL that the protocol's context has
_PARTS = frozenset(
    ("@context", "@id", "@type", *KINDS, "profile", "conflict", "target", "assigner", "assignee", "timestamp")
)
_SCOPED = ("target", "assigner", "assignee")


def read(said: Mapping[str, Any], dataset: str, assigner: str = "", assignee: str = "") -> Ruleset:
    """The rules of an offer or agreement in the plain form, which fits its shape.

    Raises:
        BadInput: it unfolds into more than this node would read for years.
    """
    uid = said["@id"]
    conflict, unknown = _conflict(said.get("conflict"))
    profiles = said.get("profile", [])
    rules = [
        addressed(_Reader(kind).rule(rule), dataset, assigner, assignee)
        for kind in KINDS
        for rule in said.get(kind, ())
    ]
    found = Ruleset(
        uid, tuple(named(rules, uid)),
        said.get("@type", "Offer"), conflict,
        tuple(_inside(name) for name in ([profiles] if isinstance(profiles, str) else profiles)),
        (*unknown, *_rest(said, _PARTS)),
    )  # fmt: skip
    if over := cost(found).over():
        raise bad("", f"the rules of `{uid[:80]}` come to {over}", "say it in fewer words")
    plainly = json.dumps(said, ensure_ascii=False, default=str).isascii()
    return normal(found) if plainly else held(found)


def _full(name: str) -> str:
    prefix, colon, rest = name.partition(":")
    return NAMESPACES[prefix] + rest if colon and prefix in NAMESPACES and rest[:2] != "//" else name


def _inside(name: str) -> str:
    """How the rules write a name or an address from the wire."""
    return inside(_full(name)) if ":" in name else name


def _word(name: str) -> str:
    """The same for a word: ODRL's are bare. An address that would look like another once it is short stays in full."""
    full = _full(name)
    rest = full.removeprefix(ODRL)
    return rest if full != rest and rest and ":" not in rest else inside(full) if full == rest else full


def _identity(value: Any) -> str | None:
    """The name that a value gives, bare or in an object; None if it gives none."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and value.keys() == {"@id"}:
        value = value["@id"]
    return value if isinstance(value, str) and value else None


def _text(value: Any) -> str:
    """What was not understood, in letters."""
    if isinstance(value, dict) and value.keys() == {"@value"}:
        value = value["@value"]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _rest(said: Mapping[str, Any], known: frozenset[str]) -> list[Property]:
    """What else is said there; descriptions rule nothing and are left out."""
    return [
        Property(_word(name), _text(value))
        for name, found in said.items()
        if name not in known
        and name[:1] != "@"
        and (_full(name) == REPLACED or not _full(name).startswith(DESCRIPTIVE))
        for value in (found if isinstance(found, list) and found else [found])
    ]


def _conflict(said: Any) -> tuple[str, list[Property]]:
    if said is None:
        return "invalid", []
    found = _word(_identity(said) or "")
    if found in STRATEGIES:
        return found, []
    many = said if isinstance(said, list) else [said]
    return "invalid", [Property("conflict", _word(_identity(one) or _text(one))) for one in many]


class _Reader:
    def __init__(self, kind: str) -> None:
        self._kind, self._duties = kind, KINDS[kind]
        self._known = frozenset(("@id", "@type", "action", "constraint", self._duties, *_SCOPED, *ROLES))

    def rule(self, said: Mapping[str, Any]) -> Rule:
        conditions = [(_is_refinement(one), _condition(one)) for one in said.get("constraint", ())]
        unknown = _rest(said, self._known)
        scopes = {name: _scope(name, said[name], unknown) for name in _SCOPED if said.get(name) is not None}
        name, uid = _word(said["action"]), said.get("@id")
        action = Action(name, tuple(one for refines, one in conditions if refines))
        return Rule(
            self._kind, uid if isinstance(uid, str) else "", None if action == Action(_ANY) else action, **scopes,
            roles=tuple(_roles(said, unknown)), constraints=tuple(one for refines, one in conditions if not refines),
            duties=tuple(_Reader("obligation").rule(duty) for duty in said.get(self._duties, ())),
            unknown=tuple(unknown),
        )  # fmt: skip


def _is_refinement(said: Mapping[str, Any]) -> bool:
    kinds = said.get("@type")
    return _REFINEMENT in (kinds if isinstance(kinds, list) else [kinds])


def _scope(name: str, said: Any, unknown: list[Property]) -> Scope | None:
    """Whom or what a rule is about, by itself. One that cannot be read makes the rule unknown."""
    if (named := _identity(said)) is not None:
        return Scope(named)
    source = _identity(said.get("source", said.get("@id"))) if isinstance(said, dict) else None
    kinds = said.get("@type") if isinstance(said, dict) else None
    parts = said.get("refinement", []) if isinstance(said, dict) else []
    if source is None or not isinstance(parts, list) or not all(map(_readable, parts)):
        unknown.append(Property(name, _text(said)))
        return None
    unknown += _rest(said, frozenset(("source", "refinement")))
    types = {_word(kind) for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)}
    collection = bool(types & {"AssetCollection", "PartyCollection"})
    return Scope(source, collection, tuple(map(_condition, parts)))


def _readable(said: Any) -> bool:
    """Whether a condition that no shape has looked at can be read."""
    if not isinstance(said, dict):
        return False
    joined = [said[kind] for kind in LOGIC if kind in said]
    if joined:
        return all(isinstance(parts, list) and all(map(_readable, parts)) for parts in joined)
    return isinstance(said.get("leftOperand"), str) and isinstance(said.get("operator"), str) and "rightOperand" in said


def _roles(said: Mapping[str, Any], unknown: list[Property]) -> Iterable[Role]:
    for name in ROLES:
        for value in said.get(name, []) if isinstance(said.get(name, []), list) else [said[name]]:
            party = _identity(value)
            if party is None:
                unknown.append(Property(name, _text(value)))
            else:
                yield Role(name, party)


def _condition(said: Mapping[str, Any]) -> Condition:
    uid = said.get("@id")
    uid = uid if isinstance(uid, str) else ""
    joined = [kind for kind in LOGIC if kind in said]
    if len(joined) == 1:
        (kind,) = joined
        return Logic(kind, tuple(map(_condition, said[kind])), uid, tuple(_rest(said, frozenset(joined))))
    known = {"leftOperand", "operator", "rightOperand", "rightOperandReference", "unit"}
    right: list[Value] = []
    unknown: list[Property] = []
    _values(said["rightOperand"], right, unknown)
    names = {}
    for name in ("unit", "rightOperandReference"):
        found = _identity(said.get(name))
        names[name] = _inside_name(found) if found else ""
        if found is None:
            known.discard(name)
    return Constraint(
        _word(said["leftOperand"]), _word(said["operator"]), tuple(right), names["unit"],
        names["rightOperandReference"], uid, (*unknown, *_rest(said, frozenset(known))),
    )  # fmt: skip


def _inside_name(name: str) -> str:
    return inside(_full(name))


def _values(said: Any, right: list[Value], unknown: list[Property]) -> None:
    """The values of a right operand, by JSON-LD's rules for what letters, numbers and objects are."""
    match said:
        case str():
            right.append(Value(said, "xsd:string"))
        case bool():
            right.append(Value("true" if said else "false", "xsd:boolean"))
        case int():
            right.append(Value(str(said), "xsd:integer"))
        case Decimal():
            right.append(Value(str(said), "xsd:decimal"))
        case list():
            for one in said:
                _values(one, right, unknown)
        case {"@list": parts, **rest} | {"@set": parts, **rest} if not rest:
            _values(parts, right, unknown)
        case {"@id": str(name), **rest} if not rest:
            right.append(Value(_inside_name(name)))
        case {"@value": str(text), "@type": str(kind), **rest} if not rest:
            right.append(Value(text, _inside_name(kind)))
        case {"@value": str(text), "@language": str(tag), **rest} if not rest:
            right.append(Value(text, f"@{tag}"))
        case {"@value": str() | bool() | int() | Decimal() as only, **rest} if rest.keys() <= {"@type"}:
            found: list[Value] = []
            _values(only, found, unknown)
            datatype = rest.get("@type")
            right += [Value(v.text, _inside_name(datatype)) if isinstance(datatype, str) else v for v in found]
        case _:
            unknown.append(Property("rightOperand", _text(said)))


def write(rules: Ruleset, dataset: str, assigner: str = "", assignee: str = "") -> dict[str, Any]:
    """The rules of an offer or agreement, without the dataset and the parties that its message names.

    Raises:
        BadInput: the schemas have no place for it: it neither permits nor prohibits, or compares by an operator of its own.
    """
    if not rules.of("permission") and not rules.of("prohibition"):
        raise bad("", f"`{rules.uid}` neither permits nor prohibits anything", "add a permission")
    said: dict[str, Any] = {"@id": rules.uid}
    if rules.profiles:
        said["profile"] = [outside(profile) for profile in rules.profiles]
    if rules.conflict != "invalid":
        said["odrl:conflict"] = {"@id": f"odrl:{rules.conflict}"}
    for rule in rules.rules:
        said.setdefault(rule.kind, []).append(_written(addressed(rule, dataset, assigner, assignee)))
    return _with(said, rules.unknown)


def _spelled(word: str) -> str:
    """A word of the rules on the wire."""
    return word if word in _BARE else outside(word) if ":" in word else f"odrl:{word}"


def _with(said: dict[str, Any], unknown: Iterable[Property]) -> dict[str, Any]:
    """What is said, and what was not understood beside it."""
    for found in unknown:
        name = outside(found.name) if ":" in found.name else f"odrl:{found.name}"
        if found.name in said or not isinstance(said.get(name, []), list):
            raise bad("", f"`{found.name}` is said in two ways", "say it once")
        said.setdefault(name, []).append(found.value)
    return said


def _written(rule: Rule) -> dict[str, Any]:
    said: dict[str, Any] = {"@id": rule.uid} if rule.uid else {}
    action = rule.action or Action(_ANY)
    said["action"] = _spelled(action.name)
    refined = [{**_told(one), "@type": _REFINEMENT} for one in action.refinements]
    if refined or rule.constraints:
        said["constraint"] = refined + [_told(one) for one in rule.constraints]
    for name, scope in (("target", rule.target), ("assigner", rule.assigner), ("assignee", rule.assignee)):
        if scope is not None:
            said[name] = _reached(scope, "Asset" if name == "target" else "Party")
    for role in rule.roles:
        said.setdefault(f"odrl:{role.name}", []).append({"@id": role.party})
    if rule.duties:
        name = KINDS[rule.kind]
        said[name if name == "duty" else f"odrl:{name}"] = [_written(duty) for duty in rule.duties]
    return _with(said, rule.unknown)


def _reached(scope: Scope, kind: str) -> Any:
    if not scope.collection and not scope.refinements:
        return scope.uid
    said: dict[str, Any] = {
        "@type": f"odrl:{kind}Collection" if scope.collection else f"odrl:{kind}",
        "odrl:source": {"@id": scope.uid},
    }
    if scope.refinements:
        said["odrl:refinement"] = [_told(one) for one in scope.refinements]
    return said


def _told(condition: Condition) -> dict[str, Any]:
    said: dict[str, Any] = {"@id": condition.uid} if condition.uid else {}
    if isinstance(condition, Logic):
        parts = [_told(part) for part in condition.parts]
        said[condition.kind] = parts
        return _with(said, condition.unknown)
    if condition.operator not in OPERATORS:
        raise bad("", f"the protocol cannot say operator `{condition.operator}`", f"use one of {', '.join(OPERATORS)}")
    said["leftOperand"] = _spelled(condition.left)
    said["operator"] = condition.operator
    right = [_value(value) for value in condition.right]
    said["rightOperand"] = right if len(right) != 1 else right[0]
    for name, found in (("unit", condition.unit), ("rightOperandReference", condition.reference)):
        if found:
            said[f"odrl:{name}"] = {"@id": outside(found)}
    return _with(said, condition.unknown)


def _value(value: Value) -> Any:
    if value.type == "xsd:string":
        return value.text
    if value.type == "iri":
        return {"@id": outside(value.text)}
    if value.type[:1] == "@":
        return {"@value": value.text, "@language": value.type[1:]}
    return {"@value": value.text, "@type": value.type if value.type.startswith("xsd:") else outside(value.type)}


def letters(value: Any) -> str:
    """A reason or another remark, in letters that the journal can hold."""
    return holdable(_text(value))
