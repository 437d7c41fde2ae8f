"""Training that the fund pays: offered, applied for, decided by a person, ended."""

from __future__ import annotations

from dataclasses import dataclass, replace

from usufruct.core.access.delegation import only_people
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.rules import id_of
from usufruct.core.work.skills import state as skills
from usufruct.core.work.skills import training
from usufruct.core.work.skills.training import (
    WAITS,
    Application,
    Course,
    Place,
    PlaceEnded,
    Ranked,
    Training,
    TrainingApplied,
    TrainingDecided,
    TrainingOffered,
    TrainingWithdrawn,
)
from usufruct.node.node import Node, or_undone
from usufruct.ports import Transaction

DECISION = "fund-training"


@dataclass(frozen=True, slots=True)
class Asked:
    """An application with its course, and what became of the place if one was promised."""

    application: Application
    course: Course
    label: str
    place: str


def offer(node: Node, course: Course, by: str) -> TrainingOffered | Refusal:
    """A provider offers places, or the operator for it; the price is in the currency of the ledger."""
    course = replace(course, currency=node.about.currency)

    def rule(tx: Transaction) -> TrainingOffered | Refusal:
        who = id_of(tx, by)
        return training.offer(tx, numbered("training", tx.next), course, who, node.about.operator, tx.now)

    return node.record(rule)


def withdraw(node: Node, id: str, why: str, by: str) -> TrainingWithdrawn | Refusal:
    """One can apply for it no more."""
    return node.record(lambda tx: training.withdraw(tx, id, why, id_of(tx, by), node.about.operator))


def offered(node: Node, party: str = "") -> list[Ranked]:
    """The courses that one can apply for; with a party, what opens most jobs for her first."""
    now = node.clock.now()
    with node.store.read() as state:
        if party:
            return training.ranked(state, id_of(state, party), now, node.about.currency)
        rows = [row for row in state.list(Training, stands=training.OPEN) if row.free(now)]
        told = [Ranked(row, skills.label_of(state, row.course.skill), 0, None) for row in rows]
    return sorted(told, key=lambda one: (one.training.course.starts, one.training.id))


def apply(node: Node, id: str, party: str, why: str) -> TrainingApplied | Refusal:
    """A worker asks that the fund pays her a place."""
    return node.record(
        lambda tx: training.apply(tx, numbered("application", tx.next), id, id_of(tx, party), why, tx.now)
    )


def decide(
    node: Node, application: str, approved: bool, reasons: str, by: str, actors: tuple[str, ...] = ()
) -> TrainingDecided | Refusal:
    """A person says yes or no; with a yes the price is reserved in the fund."""

    def command(tx: Transaction) -> TrainingDecided:
        refused = only_people(tx, DECISION, by, actors)
        facts = or_undone(
            refused or training.decide(tx, application, approved, reasons, by, node.about.operator, tx.now)
        )
        for fact in facts:
            tx.append(fact)
        first = facts[0]
        assert isinstance(first, TrainingDecided)
        return first

    return node.together(command)


def end(node: Node, place: str, outcome: str, by: str, actors: tuple[str, ...] = ()) -> PlaceEnded | Refusal:
    """What became of a place; the fund pays the provider, or keeps the price."""
    return node.record(
        lambda tx: (
            only_people(tx, DECISION, by, actors) or training.end(tx, place, outcome, by, node.about.operator, tx.now)
        )
    )


def asked_by(node: Node, party: str) -> list[Asked]:
    """A party's applications, the newest first."""
    with node.store.read() as state:
        rows = list(state.list(Application, party=id_of(state, party)))
        return [_told(state, row) for row in reversed(rows)]


def waiting(node: Node) -> list[Asked]:
    """The applications that wait for a decision, the oldest first."""
    with node.store.read() as state:
        return [_told(state, row) for row in state.list(Application, stands=WAITS)]


def promised(node: Node) -> list[tuple[Place, Training]]:
    """The places that were promised and have not ended, the oldest first."""
    with node.store.read() as state:
        found = []
        for row in state.list(Place, stands=training.PROMISED):
            course = state.get(Training, row.training)
            assert course is not None
            found.append((row, course))
        return found


def fund(node: Node) -> Money:
    """What the training fund has and has not promised."""
    with node.store.read() as state:
        return Money(training.free_in_fund(state, node.about.currency), node.about.currency)


def _told(read: Reader, row: Application) -> Asked:
    place, of = read.get(Place, row.id), read.get(Training, row.training)
    assert of is not None
    return Asked(row, of.course, skills.label_of(read, of.course.skill), place.stands if place else "")
