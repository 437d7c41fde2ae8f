"""Rulesets: rules by which the node decides for systems outside it, about records and routes that are none of its assets.

A steward adopts a ruleset for some *types* of resources and opens it to the parties whose enforcement points may ask. What
the node is to know of a subject or a resource (a role, an owner) is *described*, once; the rest comes with each request.
All of it is facts: whoever doubts a decision can take it again from the journal, for a ruleset is never changed, only
replaced by its next version from an instant on.

What these facts hold is chosen by the steward, and it may be about persons. Who is also a party of the node is described
under that party, so that her key seals the record and erasing her erases it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base import canonical
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row, plain
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Party
from usufruct.core.terms import rules as terms_rules
from usufruct.core.terms.evaluate import Terms
from usufruct.core.terms.model import Condition, Constraint, Logic, Rule, Ruleset

TYPES_MAX = 100  # types of resources under one ruleset, and parties to which it is open
ATTRIBUTES_MAX = 50  # of one entity, and values of one attribute
TEXT_MAX = 1000
OF_THE_NODE = ("asset", "party")  # types that are the node's own
PARTS = ("subject", "resource")
OTHER = "usu:other"  # stands for any action that the rules do not name; what is said of `use` is said of it


@dataclass(frozen=True, slots=True)
class Attribute:
    """What is known of a subject or a resource: one whole number, or names, or yes or no."""

    name: str
    values: tuple[str | int | bool, ...]


# ---- what can have happened


@dataclass(frozen=True, slots=True)
class RulesetAdopted(Fact):
    """From `since` on the node decides on resources of these `types` by these `rules`, for enforcement points of the parties
    in `points`. A later `version` replaces the one before."""

    KIND = "ruleset.adopted/1"
    ruleset: str
    version: int
    types: tuple[str, ...]
    points: tuple[str, ...]
    rules: Ruleset
    by: str
    since: Instant

    def about(self) -> tuple[str, ...]:
        return self.points


@dataclass(frozen=True, slots=True)
class RulesetEnded(Fact):
    """The node decides by the ruleset no more, in no version."""

    KIND = "ruleset.ended/1"
    ruleset: str
    by: str


@dataclass(frozen=True, slots=True)
class EntityDescribed(Fact):
    """What the node knows of a subject or resource (`part`) outside it, in place of what it knew; `party` is who it is, if
    that is a party of the node."""

    KIND = "entity.described/1"
    part: str
    type: str
    id: str
    attributes: tuple[Attribute, ...]
    by: str
    party: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party,) if self.party else ()

    def owner(self) -> str | None:
        return self.party or None


@dataclass(frozen=True, slots=True)
class EntityForgotten(Fact):
    """What the fact number `described` says of a subject or resource counts no more."""

    KIND = "entity.forgotten/1"
    described: int
    by: str


# ---- what is true now


@dataclass(frozen=True, slots=True)
class AdoptedRuleset(Row):
    """One version of a ruleset, in force from `since` to before `until`; `stands` is `open` while nothing replaced it."""

    KEY = ("ruleset", "version")
    INDEXED = ("ruleset", "stands")
    ruleset: str
    version: int
    types: tuple[str, ...]
    points: tuple[str, ...]
    rules: Ruleset
    since: Instant
    fact: int
    until: Instant = END_OF_TIME
    stands: str = "open"

    def active(self, at: Instant) -> bool:
        """Whether it is in force at an instant."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Entity(Row):
    """What is known of a subject or resource; `of` is its part and type, `stands` is `known` or `forgotten`."""

    KEY = ("name",)
    INDEXED = ("of", "stands", "fact")
    name: str
    of: str
    id: str
    attributes: tuple[Attribute, ...]
    fact: int
    stands: str = "known"


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about rulesets changes."""
    match entry.fact:
        case RulesetAdopted() as fact:
            assert fact.version == len(versions(read, fact.ruleset)) + 1, "versions are numbered without gaps"
            yield from _ended(read, fact.ruleset, fact.since, entry.at)
            yield AdoptedRuleset(
                fact.ruleset, fact.version, fact.types, fact.points, fact.rules, fact.since, entry.seq
            )  # fmt: skip
        case RulesetEnded() as fact:
            yield from _ended(read, fact.ruleset, entry.at, entry.at)
        case EntityDescribed() as fact:
            name, of = f"{fact.part} {reference(fact.type, fact.id)}", f"{fact.part} {fact.type}"
            yield Entity(name, of, fact.id, fact.attributes, entry.seq)
        case EntityForgotten() as fact:
            for row in read.list(Entity, fact=fact.described):  # none, if whom it was about is erased
                yield replace(row, attributes=(), stands="forgotten")
        case _:
            return


def _ended(read: Reader, ruleset: str, end: Instant, now: Instant) -> Iterator[AdoptedRuleset]:
    """Its versions that last beyond `end`, as they are when they do not."""
    for row in versions(read, ruleset):
        if row.until > end:
            until = max(end, row.since)
            yield replace(row, until=until, stands="open" if until > max(now, row.since) else "over")


def reference(type: str, id: str) -> str:
    """The address under which rules name a subject or resource; no two have the same."""
    return f"{type.replace('%', '%25').replace(':', '%3A')}:{id}"


def versions(read: Reader, ruleset: str) -> list[AdoptedRuleset]:
    """All versions of a ruleset, the first first."""
    return list(read.list(AdoptedRuleset, ruleset=ruleset))


def in_force(read: Reader, at: Instant) -> list[AdoptedRuleset]:
    """The rulesets by which the node decides at an instant."""
    return [row for row in read.list(AdoptedRuleset, stands="open") if row.active(at)]


def known(read: Reader, part: str, type: str, id: str) -> Entity | None:
    """What is known of a subject or resource, if anything."""
    row = read.get(Entity, f"{part} {reference(type, id)}")
    return row if row is not None and row.stands == "known" else None


# ---- what may happen


def actions(rules: Ruleset) -> frozenset[str]:
    """The names of actions that the rules speak of: those of their actions, and those that `usu:action.name` is held against."""
    found = {rule.action.name for each in rules.rules for rule in each.within() if rule.action}
    return frozenset(found | {
        value.text for said in _constraints(rules.rules) if said.left == "usu:action.name" for value in said.right
    })  # fmt: skip


def read_terms(rules: Ruleset) -> Terms | Refusal:
    """The rules, ready to be asked. Their duties are for who enforces the decision: they go with it, and are no obstacle."""
    bounded = not terms_rules.cost(rules).over()  # else it is refused, before anything walks through it
    named = actions(rules) if bounded else frozenset()
    return terms_rules.activate(rules, "lenient", named | {OTHER})


def adopt(
    read: Reader,
    ruleset: str,
    types: tuple[str, ...],
    points: tuple[str, ...],
    rules: Ruleset,
    by: str,
    since: Instant,
    at: Instant,
) -> RulesetAdopted | Refusal:
    """The node will decide by these rules.

    Raises:
        BadInput: types or parties that cannot be, a target that is of none of the types, or a start that is past.
    """
    types, points = _once(types, "type of resources"), _once(points, "party")
    for type in types:
        if not type or len(type) > TEXT_MAX or type in OF_THE_NODE:
            raise BadInput(
                "input.ruleset", f"`{type[:TEXT_MAX]}` is no type of resources outside the node", "name another"
            )
    points = tuple(id_of(read, party) for party in points)
    for party in points:
        if read.get(Party, party) is None:
            return refuse(
                "registry.unknown", "the ruleset was not adopted", f"there is no party `{party}`",
                remedy="register the party first",
            )  # fmt: skip
    if since < at:
        raise BadInput("input.ruleset", "a ruleset cannot begin in the past", "leave `since` out, or name a later day")
    checked(ruleset, "a ruleset")
    try:
        canonical.encode(plain(rules))
    except (ValueError, TypeError) as error:
        raise BadInput(
            "input.ruleset", f"the rules cannot be recorded: {error}", "write them in NFC, with smaller numbers"
        ) from None
    terms = read_terms(rules)
    if isinstance(terms, Refusal):
        return terms
    beyond = {reference(type, "") for type in types}
    for rule in (rule for each in rules.rules for rule in each.within()):
        target = rule.target.uid if rule.target else ""
        if target and not any(target.startswith(start) for start in beyond):
            remedy = f"write it as type and id, as `{min(beyond)}id`"
            raise BadInput("input.ruleset", f"target `{target}` is of none of the types of the ruleset", remedy)
    return RulesetAdopted(ruleset, len(versions(read, ruleset)) + 1, types, points, rules, by, since)


def _once(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(map(holdable, names)))
    if not 0 < len(found) <= TYPES_MAX:
        raise BadInput("input.ruleset", f"a ruleset has 1 to {TYPES_MAX} names of a {what}", f"name a {what}")
    return found


def end(read: Reader, ruleset: str, by: str, at: Instant) -> RulesetEnded | Refusal:
    """The node will decide by it no more."""
    if not any(row.until > at for row in versions(read, ruleset)):
        return refuse(
            "registry.unknown", "no ruleset was ended", f"there is no ruleset `{ruleset}` in force",
            remedy="take the name from the list of rulesets",
        )  # fmt: skip
    return RulesetEnded(ruleset, by)


def describe(
    read: Reader, part: str, type: str, id: str, attributes: tuple[Attribute, ...], by: str, party: str = ""
) -> EntityDescribed | Refusal:
    """What the node is to know of a subject or resource.

    Raises:
        BadInput: no such part, a type of the node's own, a name that says nothing, or too much at once.
    """
    if part not in PARTS:
        raise BadInput("input.entity", f"`{part}` is neither subject nor resource", f"use one of {', '.join(PARTS)}")
    type, id = holdable(type), holdable(id)
    if type in OF_THE_NODE or not all(0 < len(text) <= TEXT_MAX for text in (type, id)):
        raise BadInput(
            "input.entity", "a type outside the node and an id are needed", f"use 1 to {TEXT_MAX} characters"
        )
    names = [attribute.name for attribute in attributes]
    if (
        len(names) > ATTRIBUTES_MAX
        or len({*names}) < len(names)
        or not all(0 < len(name) <= TEXT_MAX for name in names)
    ):
        raise BadInput(
            "input.entity", "an attribute is there twice, or has no name, or there are too many",
            f"give at most {ATTRIBUTES_MAX}, each once",
        )  # fmt: skip
    for attribute in attributes:
        if not 0 < len(attribute.values) <= ATTRIBUTES_MAX or any(
            len(str(value)) > TEXT_MAX for value in attribute.values
        ):
            raise BadInput("input.entity", f"`{attribute.name}` has no value, or too many", "leave it out, or say less")
        if len(attribute.values) > 1 and any(value.__class__ is int for value in attribute.values):
            raise BadInput("input.entity", f"`{attribute.name}` has several numbers", "give one number, or names")
    party = id_of(read, party)
    if party and read.get(Party, party) is None:
        return refuse(
            "registry.unknown", "nothing was described", f"there is no party `{party}`", remedy="register the party first"
        )  # fmt: skip
    attributes = tuple(
        Attribute(holdable(one.name), tuple(holdable(v) if isinstance(v, str) else v for v in one.values))
        for one in attributes
    )
    return EntityDescribed(part, type, id, attributes, by, party)


def forget(read: Reader, part: str, type: str, id: str, by: str) -> EntityForgotten | Refusal:
    """The node is to know nothing of it any more."""
    row = known(read, part, holdable(type), holdable(id))
    if row is None:
        return refuse(
            "registry.unknown", "nothing was forgotten", f"nothing is known of {part} `{id}` of type `{type}`",
            remedy="take type and id from the list of what is known",
        )  # fmt: skip
    return EntityForgotten(row.fact, by)


def _constraints(rules: tuple[Rule, ...]) -> Iterator[Constraint]:
    for rule in (rule for each in rules for rule in each.within()):
        narrowed = [part.refinements for part in (rule.action, rule.target, rule.assigner, rule.assignee) if part]
        for condition in (*rule.constraints, *(one for refinements in narrowed for one in refinements)):
            yield from _leaves(condition)


def _leaves(condition: Condition) -> Iterator[Constraint]:
    if isinstance(condition, Logic):
        for part in condition.parts:
            yield from _leaves(part)
    else:
        yield condition
