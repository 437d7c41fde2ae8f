"""Skills: adopt a framework, look skills up, recognise issuers, adopt stacks; what one holds, and what is one away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from usufruct.core.access.delegation import only_people
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Fact, Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.rules import id_of
from usufruct.core.work.skills import demand
from usufruct.core.work.skills import rules as skill_rules
from usufruct.core.work.skills import state as skills
from usufruct.core.work.skills.demand import Figure, Gap, Step
from usufruct.core.work.skills.lookup import Index
from usufruct.core.work.skills.state import (
    STANDS,
    Framework,
    FrameworkAdopted,
    Holding,
    IssuerRecognised,
    NamedSkill,
    Recognition,
    RecognitionEnded,
    Skill,
    Stack,
    StackAdopted,
    StackEnded,
    StackRule,
)
from usufruct.node.node import Node, or_undone
from usufruct.ports import Transaction

FIND_MAX = 100
TEXT_MAX = 500
DECISION = "recognise-issuer"

FactT = TypeVar("FactT", bound=Fact)


@dataclass(frozen=True, slots=True)
class Edition:
    """A version of a framework as it is taken in: who published it, under which licence, and the SHA-256 of what was read."""

    framework: str
    version: str
    title: str
    source: str
    licence: str
    digest: str


@dataclass(frozen=True, slots=True)
class Found:
    """A skill with what it lies right under, in words."""

    uri: str
    label: str
    framework: str
    broader: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A skill that somebody holds, until when, and by whose word; `of` names the credential or the stack."""

    uri: str
    label: str
    until: Instant
    awarded: Instant | None
    issuer: str
    of: str


@dataclass(frozen=True, slots=True)
class Prospects:
    """How many open jobs somebody could take now, and which one certificate would open most."""

    now: int
    steps: tuple[Step, ...]


# ---- frameworks


def load(
    node: Node, edition: Edition, found: Sequence[NamedSkill], by: str, actors: tuple[str, ...] = ()
) -> FrameworkAdopted | Refusal:
    """Adopts a version of a framework; all of its skills, or none.

    Raises:
        BadInput: a skill in it is none, or the edition does not say what it is.
    """
    texts = [holdable(text.strip()) for text in (edition.version, edition.title, edition.source, edition.licence)]
    if not all(texts) or any(len(text) > TEXT_MAX for text in texts):
        raise BadInput("input.skills", "a framework has a version, a title, a source and a licence", "say all four")
    version, title, source, licence = texts
    adopted = FrameworkAdopted(
        edition.framework, version, title, source, licence, len(found), edition.digest, by
    )  # fmt: skip

    def command(tx: Transaction) -> FrameworkAdopted:
        refused = only_people(tx, DECISION, by, actors)
        facts = or_undone(refused or skill_rules.adopt_framework(tx, adopted, found, node.about.operator))
        for fact in facts:
            tx.append(fact)
        return adopted

    return node.together(command)


def frameworks(node: Node) -> list[Framework]:
    """The frameworks that the node has, in their newest versions."""
    with node.store.read() as state:
        return list(state.list(Framework))


def find(node: Node, text: str, most: int = 20) -> list[Found]:
    """The skills that are called so, the best first."""
    found: list[Skill] = []
    with node.store.read() as state:
        for framework in state.list(Framework):
            found += _index(node, state, framework).find(holdable(text)[:TEXT_MAX], min(most, FIND_MAX))
        return [_told(state, skill) for skill in found[:most]]


def look_up(node: Node, uri: str) -> Found | None:
    """A skill by its URI."""
    with node.store.read() as state:
        skill = skills.named(state, uri)
        return _told(state, skill) if skill else None


def _index(node: Node, read: Reader, framework: Framework) -> Index:
    key = framework.id, framework.seq
    index = node.looked.indexes.get(key)
    if index is None:
        rows = read.list(Skill, framework=framework.id)
        index = node.looked.indexes[key] = Index(row for row in rows if row.version == framework.version)
        for old in [one for one in node.looked.indexes if one[0] == framework.id and one != key]:
            del node.looked.indexes[old]
    return index


def _told(read: Reader, skill: Skill) -> Found:
    return Found(skill.uri, skill.label, skill.framework, tuple(skills.label_of(read, up) for up in skill.broader))


# ---- whose word counts, and what adds up


def recognise(
    node: Node, issuer: str, skill: str, branch: bool, months: int, why: str, by: str, actors: tuple[str, ...] = ()
) -> IssuerRecognised | Refusal:
    """What an issuer says of a skill, a branch or all counts from now on; a person signs it."""
    return node.record(
        lambda tx: only_people(tx, DECISION, by, actors) or skill_rules.recognise(
            tx, numbered("recognition", tx.next), issuer, skill, branch, months, why, by, node.about.operator
        )
    )  # fmt: skip


def end_recognition(node: Node, id: str, why: str, by: str, actors: tuple[str, ...] = ()) -> RecognitionEnded | Refusal:
    """An issuer's word counts no more; a person signs it."""
    return node.record(
        lambda tx: (
            only_people(tx, DECISION, by, actors) or skill_rules.end_recognition(tx, id, why, by, node.about.operator)
        )
    )


def recognised(node: Node) -> list[Recognition]:
    """Whose word counts, and for what."""
    with node.store.read() as state:
        return list(state.list(Recognition, state=STANDS))


def stack(node: Node, rule: StackRule, by: str, actors: tuple[str, ...] = ()) -> StackAdopted | Refusal:
    """What adds up to a skill from now on; a person signs it."""
    return node.record(
        lambda tx: only_people(tx, DECISION, by, actors) or skill_rules.adopt_stack(tx, rule, by, node.about.operator)
    )


def end_stack(node: Node, name: str, why: str, by: str, actors: tuple[str, ...] = ()) -> StackEnded | Refusal:
    """A stack applies no more; a person signs it."""
    return node.record(
        lambda tx: (
            only_people(tx, DECISION, by, actors) or skill_rules.end_stack(tx, name, why, by, node.about.operator)
        )
    )


def stacks(node: Node) -> list[Stack]:
    """The stacks that apply."""
    with node.store.read() as state:
        return list(state.list(Stack, state=STANDS))


def labels(node: Node, uris: Sequence[str]) -> dict[str, str]:
    """What these skills are called."""
    with node.store.read() as state:
        return {uri: skills.label_of(state, uri) for uri in uris}


# ---- of one party


def held(node: Node, party: str) -> list[Held]:
    """What a party holds now, what ends first before the others."""
    with node.store.read() as state:
        found = skills.holdings(state, id_of(state, party), node.clock.now())
        told = [_held(state, one) for one in found.values()]
    return sorted(told, key=lambda one: (one.until, one.label))


def _held(read: Reader, one: Holding) -> Held:
    return Held(one.skill, skills.label_of(read, one.skill), one.until, one.awarded, one.issuer, one.of)


def away(node: Node, party: str, most: int = 20) -> Prospects:
    """Which one certificate would open most jobs for a party."""
    with node.store.read() as state:
        lacks, steps = demand.away(state, id_of(state, party), node.clock.now(), node.about.currency)
    return Prospects(lacks.now, tuple(steps[:most]))


# ---- figures


@dataclass(frozen=True, slots=True)
class Figures:
    """Demand and supply by skill, as of an instant; what fewer than `least` hold or ask for is not shown."""

    at: Instant
    least: int
    currency: str
    skills: tuple[Figure, ...]


def figures(node: Node) -> Figures:
    """What everybody may read; worked out anew when it is older than the parameter says."""
    now, about = node.clock.now(), node.about
    least = node.rulebook.value("work.figures-min", now)
    kept = node.looked.figures
    if kept is None or not kept[0] <= now < later(kept[0], minutes=node.rulebook.value("work.figures-minutes", now)):
        with node.store.read() as state:
            kept = node.looked.figures = now, demand.figures(state, now, about.currency, least)
    return Figures(kept[0], least, about.currency, tuple(kept[1]))


def gaps(node: Node) -> list[Gap]:
    """Where which skills are missing for open jobs: exact, and for the steward only."""
    with node.store.read() as state:
        return demand.gaps(state, node.clock.now())
