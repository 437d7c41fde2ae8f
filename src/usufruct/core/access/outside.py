"""The decision on what is outside the node, by the rulesets that a steward adopted.

It is *yes* only if a permission of a ruleset for that type of resource applies and no ruleset's prohibition does. Whatever
is unknown never permits: a type that no ruleset is for, an action that no rule speaks of, a property that nobody supplied,
and one that was supplied otherwise than the node knows it, for then somebody is wrong.

Who asks is told about rulesets that are open to her and about no other, in the same words as where there are none. And
the decision may rest on what the node knows of a person, which is not for her. So what she is told follows from her own
request, the rules and the verdict: a *no* is explained as if nothing else were known. The steward sees all of it.

An enforcement point carries a permit out, out of this node's sight. So the duties of the permission go with the decision,
and uses are not counted: a rule that counts them permits nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from usufruct.core.access.proof import Change, No, Obligation, Premise
from usufruct.core.access.remembered import OncePerObject
from usufruct.core.access.rulesets import (
    OTHER,
    AdoptedRuleset,
    Attribute,
    actions,
    in_force,
    known,
    read_terms,
    reference,
)
from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader, RowT
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.credentials import claims
from usufruct.core.registry.state import Party
from usufruct.core.rulebook import purposes
from usufruct.core.terms import evaluate
from usufruct.core.terms.evaluate import Report, RuleReport, Terms, World
from usufruct.core.terms.vocabulary import ACTIONS

KEPT = 1000  # rulesets that are not read again

Known = frozenset[str] | int | Decimal
"""The value of a property: names (yes and no are `true` and `false`), or a number."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A subject or resource as a request names it."""

    type: str
    id: str
    properties: Mapping[str, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """May the subject do this to the resource? `unread` are the properties of the action that were given, and are
    nothing that rules can read."""

    subject: Entity
    action: str
    resource: Entity
    with_action: Mapping[str, Known] = field(default_factory=dict)
    context: Mapping[str, Known] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()


class Judged(NamedTuple):
    """What one ruleset says; `speaks` if its rules know the action."""

    row: AdoptedRuleset
    speaks: bool
    report: Report

    @property
    def prohibiting(self) -> str:
        """Its prohibitions that apply, in words; empty if none does, or if its own permissions win over them."""
        if self.row.rules.conflict == "perm" and self.speaks and self.report.permitted:
            return ""
        return ", ".join(rule.uid for rule in self.report.rules if rule.kind == "prohibition" and rule.applies)


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with all that it rests on; it is good for this one request. `lacking` is what would have to be otherwise."""

    question: Question
    at: Instant
    premises: tuple[Premise, ...]
    obligations: tuple[Obligation, ...] = ()
    lacking: tuple[Change, ...] = ()

    @property
    def permits(self) -> bool:
        """Whether it is a yes."""
        return bool(self.premises) and all(premise.no is None for premise in self.premises)

    def value(self, whole: bool) -> dict[str, canonical.Value]:
        """As it is shown: `whole` to the steward, else without what was found and what it was found in."""
        return {
            "verdict": "permit" if self.permits else "refuse", "at": self.at, "notAfter": self.at,
            "premises": [_shown(premise, whole) for premise in self.premises],
            "obligations": [{"kind": one.kind, "value": one.value} for one in self.obligations],
            "whyNot": [{"text": change.text} for change in self.lacking],
        }  # fmt: skip


def _shown(premise: Premise, whole: bool) -> dict[str, canonical.Value]:
    shown: dict[str, canonical.Value] = {
        "gate": premise.gate, "about": premise.about, "expected": premise.expected, "holds": premise.no is None,
        "restsOn": premise.rests_on if whole else premise.rests_on[:1],  # the first is the ruleset
    }  # fmt: skip
    if whole:
        shown["found"] = premise.found
    return shown if premise.no is None else shown | {"code": premise.no.code, "reason": premise.no.reason}


def decide(read: Reader, question: Question, point: str | None, at: Instant) -> Decision:
    """The decision for the enforcement point of a party (None: the steward), from the state as it is at `at`."""
    whole = _decide(read, question, point, at)
    if point is None:
        return whole
    if whole.permits:
        lines = tuple(premise for premise in whole.premises if premise.gate == "prohibition")
        return replace(whole, premises=(*lines, Premise("permission", "rules", "permitted", "permitted")))
    told = _decide(Unknowing(read), question, point, at)
    if not told.permits:
        return told
    no = No("access.terms", "something that the node knows stands against it", ())
    return Decision(question, at, (Premise("permission", "rules", "permitted", "not permitted", (), no),))


def permits(read: Reader, question: Question, point: str | None, at: Instant) -> bool:
    """The verdict of `decide` alone, where nobody asks why."""
    return _decide(read, question, point, at).permits


class Unknowing:
    """A state in which rulesets stand as they do, and nothing is known of anybody."""

    def __init__(self, read: Reader) -> None:
        self._read = read

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row, if it is of a ruleset."""
        return self._read.get(kind, *key) if kind is AdoptedRuleset else None

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """The rows, if they are of rulesets."""
        return self._read.list(kind, **where) if kind is AdoptedRuleset else iter(())


def _decide(read: Reader, question: Question, point: str | None, at: Instant) -> Decision:
    standing = open_to(read, question.resource.type, point, at)
    if not standing:
        return Decision(question, at, (_no_ruleset(question),))
    values, rests = _values(read, question, at)
    judged = [_judge(read, row, question, values, at) for row in standing]
    against = [_against(one) for one in judged]
    deciding = next((one for one in judged if one.speaks and one.report.permitted), None)
    if deciding is not None:
        rule = _applied(deciding)
        premises = (*against, *_premises(deciding.row, rule, rests))
        if all(premise.no is None for premise in against):
            return Decision(question, at, premises, tuple(_duties(deciding.row, rule.uid)))
        return Decision(question, at, premises, (), _changes(against, ()))
    nearest = _nearest(judged)
    if nearest is None:
        return Decision(question, at, (*against, _no_rule(standing[0], question)))
    row, rule = nearest
    lacking = tuple(premise for premise in _premises(row, rule, rests) if premise.no is not None)
    prohibited = any(premise.no is not None for premise in against)
    refused = lacking if lacking or prohibited else (_no_rule(row, question),)
    return Decision(question, at, (*against, *refused), (), _changes(against, lacking))


def open_to(read: Reader, type: str, point: str | None, at: Instant) -> list[AdoptedRuleset]:
    """The rulesets for a type of resources by which a party may have things decided."""
    return [row for row in in_force(read, at) if type in row.types and (point is None or point in row.points)]


class Ready(NamedTuple):
    """The rules of a ruleset, ready to be asked, and the actions that they name."""

    terms: Terms
    actions: frozenset[str]


def _read(row: AdoptedRuleset) -> Ready:
    terms = read_terms(row.rules)
    assert not isinstance(terms, Refusal), "it was adopted"
    return Ready(terms, actions(row.rules))


ready: OncePerObject[AdoptedRuleset, Ready] = OncePerObject(_read, KEPT)
"""The rules of a ruleset, read once."""


def _judge(read: Reader, row: AdoptedRuleset, question: Question, values: Mapping[str, Known], at: Instant) -> Judged:
    """What a ruleset says. Of an action that it does not name only its prohibitions count, and of these those of `use`."""
    rules = ready(row)
    speaks = question.action in rules.actions or question.action in ACTIONS
    asked = evaluate.Request(
        question.action if speaks else OTHER, reference(question.resource.type, question.resource.id),
        _assignee(question.subject), _purpose(question), values,
    )  # fmt: skip
    return Judged(row, speaks, rules.terms.report(asked, World(at)))


def _assignee(subject: Entity) -> str:
    """A party by its id, as in agreements. No id of a party has a colon, so none is taken for somebody else's address."""
    if subject.type == "party" and ":" not in subject.id:
        return subject.id
    return reference(subject.type, subject.id)


def _purpose(question: Question) -> str:
    named = question.context.get("purpose")
    return (purposes.normal(*named) or "") if isinstance(named, frozenset) and len(named) == 1 else ""


# ---- what is known


def _values(read: Reader, question: Question, at: Instant) -> tuple[dict[str, Known], tuple[int, ...]]:
    """The values of all properties, and the facts that some of them rest on. Who and what it is about is as the request
    says, whatever properties there are; what was supplied otherwise than it is known is unknown."""
    values: dict[str, Known] = {f"usu:action.{name}": value for name, value in question.with_action.items()}
    values |= {f"usu:context.{name}": value for name, value in question.context.items()}
    rests: list[int] = []
    for part, entity in (("subject", question.subject), ("resource", question.resource)):
        row = known(read, part, entity.type, entity.id)
        here = {one.name: _value(one) for one in row.attributes} if row else {}
        rests += [row.fact] if row else []
        for name, value in {**entity.properties, **here}.items():
            if entity.properties.get(name, value) == value:
                values[f"usu:{part}.{name}"] = value
        values |= {f"usu:{part}.type": frozenset({entity.type}), f"usu:{part}.id": frozenset({entity.id})}
    values["usu:action.name"] = frozenset({question.action})
    if question.subject.type == "party":
        shown = claims(read, question.subject.id, at)
        said = {one.type for several in shown.values() for one in several}
        values["usu:claim"] = frozenset(said | {f"{name}={one.value}" for name, two in shown.items() for one in two})
        rests += [one.fact for several in shown.values() for one in several]
        party = read.get(Party, question.subject.id)
        if party is not None:
            values["usu:machine"] = frozenset({"yes" if party.kind == "agent" else "no"})
    return values, tuple(dict.fromkeys(rests))


def _value(attribute: Attribute) -> Known:
    first = attribute.values[0]
    if type(first) is int:
        return first
    return frozenset(str(value).lower() if type(value) is bool else str(value) for value in attribute.values)


# ---- what is said of it


def _no_ruleset(question: Question) -> Premise:
    no = No("access.no-ruleset", f"no ruleset for `{question.resource.type}` is open to you", ())
    return Premise("ruleset", "in force", "a ruleset for this type of resource", "none", (), no)


def _no_rule(row: AdoptedRuleset, question: Question) -> Premise:
    no = No("access.terms", f"no rule permits `{question.action}`", ())
    return Premise("permission", row.ruleset, "a rule that permits it", "none", (row.fact,), no)


def _against(judged: Judged) -> Premise:
    found, no = judged.prohibiting, None
    if found:
        no = No("access.prohibited", f"`{judged.row.ruleset}` prohibits it", ())
    return Premise("prohibition", judged.row.ruleset, "no prohibition", found or "none", (judged.row.fact,), no)


def _applied(judged: Judged) -> RuleReport:
    """The permission that decides: of those that apply, one with the fewest duties."""
    applying = [rule for rule in judged.report.rules if rule.kind == "permission" and rule.applies]
    return min(applying, key=lambda rule: (sum(premise.kind == "duty" for premise in rule.premises), rule.uid))


def _nearest(judged: list[Judged]) -> tuple[AdoptedRuleset, RuleReport] | None:
    """The permission for this action and target that lacks the least."""
    found = [
        (len(change.premises), one.row.ruleset, change.rule, one)
        for one in judged if one.speaks for change in evaluate.changes(one.report)
        if not any(premise.kind in ("action", "target") for premise in change.premises)
    ]  # fmt: skip
    if not found:
        return None
    *_, uid, one = min(found, key=lambda candidate: candidate[:3])
    return one.row, next(rule for rule in one.report.rules if rule.uid == uid and rule.kind == "permission")


def _premises(row: AdoptedRuleset, rule: RuleReport, rests: tuple[int, ...]) -> Iterator[Premise]:
    for premise in rule.premises:
        no = None
        if not premise.satisfied:
            no = No("access.terms", f"`{rule.uid}` needs {premise.expected}", ())
        yield Premise("permission", rule.uid, premise.expected, premise.found, (row.fact, *rests), no)


def _duties(row: AdoptedRuleset, uid: str) -> Iterator[Obligation]:
    rule = next(rule for rule in row.rules.of("permission") if rule.uid == uid)
    for duty in rule.duties:
        yield Obligation("duty", {"uid": duty.uid, "action": duty.action.name if duty.action else ""})


def _changes(against: list[Premise], lacking: tuple[Premise, ...]) -> tuple[Change, ...]:
    """What would have to be otherwise. It is said and not tried, for it is not in this node's hands."""
    lifted = [
        Change(f"the prohibition in `{premise.about}` is lifted") for premise in against if premise.no is not None
    ]
    return (*lifted, *(Change(f"`{premise.about}`: {premise.expected}") for premise in lacking))
