"""Decide for systems outside the node: adopt and end rulesets, say what is known, and answer enforcement points.

Every step fails closed. A decision is *yes* only where one was taken and said so; what goes wrong on the way is a fault
that ends the request or, in a batch, a *no* of its own. The questions of a batch are all decided on one snapshot at one
instant, so that no two of them see different rules.

An evaluation is not a use: the node lets nothing out by it, so it is no fact. How many there were is counted for the
steward's eyes only, since the node was started.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from usufruct.core.access import outside, rulesets
from usufruct.core.access.outside import Entity, Question
from usufruct.core.access.proof import Request
from usufruct.core.access.remembered import OncePerObject
from usufruct.core.access.rules import Permit, prove_alone
from usufruct.core.access.rules import decide as decide_use
from usufruct.core.access.rulesets import (
    AdoptedRuleset,
    Attribute,
    EntityDescribed,
    EntityForgotten,
    RulesetAdopted,
    RulesetEnded,
)
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader, RowT
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.state import Agreement
from usufruct.core.rulebook.grades import FORMS
from usufruct.core.terms import analysis
from usufruct.core.terms.analysis import Conflict, Shadow
from usufruct.core.terms.meaning import Flag
from usufruct.core.terms.model import Ruleset
from usufruct.node.node import Node

LOG = logging.getLogger(__name__)
SEARCHED_MAX = 2000  # entities that are looked at for one page of a search
COMPARED_MAX = 100  # rules of a ruleset that are compared with each other, which takes seconds


@dataclass(frozen=True, slots=True)
class Asker:
    """The party whose enforcement point asks; a steward sees all there is to a decision."""

    party: str
    steward: bool = False


class Asked:
    """How many decisions were asked for since the node was started, by what was said: diagnostics, no fact."""

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), Counter[str]()

    def note(self, said: str) -> None:
        """Counts one."""
        with self._lock:
            self._count[said] += 1

    def counts(self) -> dict[str, int]:
        """So many `yes`, `no` and `failed`."""
        with self._lock:
            return {said: self._count[said] for said in ("yes", "no", "failed")}


# ---- what the steward does


@dataclass(frozen=True, slots=True)
class Shown:
    """A ruleset with what its rules were found to say: what was not understood and, if they were `compared` with each other,
    what collides and what changes nothing."""

    row: AdoptedRuleset
    flags: tuple[Flag, ...]
    conflicts: tuple[Conflict, ...]
    shadowed: tuple[Shadow, ...]
    compared: bool


def adopt(
    node: Node,
    ruleset: str,
    types: tuple[str, ...],
    points: tuple[str, ...],
    rules: Ruleset,
    by: str,
    since: Instant | None = None,
) -> RulesetAdopted | Refusal:
    """Takes rules on for types of resources, from an instant (None: from now) on; the next version, if there is one."""
    return node.record(lambda tx: rulesets.adopt(tx, ruleset, types, points, rules, by, since or tx.now, tx.now))


def end(node: Node, ruleset: str, by: str) -> RulesetEnded | Refusal:
    """Decides by a ruleset no more."""
    return node.record(lambda tx: rulesets.end(tx, ruleset, by, tx.now))


def describe(
    node: Node, part: str, type: str, id: str, attributes: tuple[Attribute, ...], by: str, party: str = ""
) -> EntityDescribed | Refusal:
    """Says what is known of a subject or resource."""
    return node.record(lambda tx: rulesets.describe(tx, part, type, id, attributes, by, party))


def forget(node: Node, part: str, type: str, id: str, by: str) -> EntityForgotten | Refusal:
    """Takes back what was known of it."""
    return node.record(lambda tx: rulesets.forget(tx, part, type, id, by))


def listed(node: Node) -> list[Shown]:
    """The rulesets in force, or that will be."""
    with node.store.read() as state:
        now = node.clock.now()
        return [_shown(row) for row in state.list(AdoptedRuleset, stands="open") if row.until > now]


def _look_at(row: AdoptedRuleset) -> Shown:
    terms, compared = outside.ready(row).terms, len(row.rules.rules) <= COMPARED_MAX
    counted = tuple(Flag(uid, "uses outside the node are not counted, so this never permits") for uid in terms.counted)
    untold = tuple(Flag("", f"`{name}` is not known of what is outside the node") for name in terms.untold)
    conflicts, shadowed = (analysis.conflicts(terms), analysis.shadowed(terms)) if compared else ((), ())
    return Shown(row, (*terms.flags, *counted, *untold), conflicts, shadowed, compared)


_shown: OncePerObject[AdoptedRuleset, Shown] = OncePerObject(_look_at, outside.KEPT)
"""What was found in a ruleset, looked for once."""


def entities(node: Node) -> list[rulesets.Entity]:
    """All that is known of what is outside the node."""
    with node.store.read() as state:
        return list(state.list(rulesets.Entity, stands="known"))


# ---- what enforcement points ask


def decide(node: Node, question: Question, asker: Asker) -> tuple[bool, dict[str, Any]]:
    """The decision on one question, with its proof as the asker may see it.

    Raises:
        BadInput: the question about an asset is none.
    """
    with node.store.read() as state:
        return _decide(state, question, asker, node.clock.now())


def decide_each(
    node: Node, items: tuple[Question | BadInput, ...], asker: Asker, stop: bool | None
) -> Iterator[tuple[bool, dict[str, Any] | Exception]]:
    """The decisions on several questions, one after another, to the first that is `stop` (None: all). An exception in place
    of a proof says why there is no decision; that is a no."""
    with node.store.read() as state:
        now = node.clock.now()
        for item in items:
            verdict, proof = _or_fault(partial(_decide, state, item, asker, now))
            yield verdict, proof
            if verdict is stop:
                return


def _or_fault(decide: Callable[[], tuple[bool, dict[str, Any]]]) -> tuple[bool, dict[str, Any] | Exception]:
    try:
        return decide()
    except BadInput as wrong:
        return False, wrong
    except Exception as error:  # whatever it is, it is no yes, and the other questions are answered
        LOG.exception("a decision failed")
        return False, error


def _decide(read: Reader, question: Question | BadInput, asker: Asker, at: Instant) -> tuple[bool, dict[str, Any]]:
    if isinstance(question, BadInput):
        raise question
    if question.resource.type == "asset":
        proof = prove_alone(read if _usable(question, asker) else Nothing(), _request(question), at)
        return proof.permits, dict(proof.value())
    decision = outside.decide(read, question, None if asker.steward else asker.party, at)
    return decision.permits, dict(decision.value(asker.steward))


def _permits(read: Reader, question: Question, asker: Asker, at: Instant) -> bool:
    """The verdict alone, where nobody asks why."""
    if question.resource.type == "asset":
        return isinstance(decide_use(read if _usable(question, asker) else Nothing(), _request(question), at), Permit)
    return outside.permits(read, question, None if asker.steward else asker.party, at)


def _usable(question: Question, asker: Asker) -> bool:
    """Whether the asker may know of the party's uses of assets."""
    mine = asker.steward or asker.party == question.subject.id
    return mine and question.subject.type == "party" and question.action == "use"


class Nothing:
    """A state in which there is nothing. Who may not know is answered from here, so that she learns what anybody would of
    what does not exist."""

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """None."""
        return None

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """None either."""
        return iter(())


def _request(question: Question) -> Request:
    """The use of an asset that a question is about.

    Raises:
        BadInput: it does not say plainly for which one purpose, in which one form, from which columns.
    """
    said = {name: _names(question, name) for name in ("purpose", "form", "columns")}
    for name in ("purpose", "form"):
        if len(said[name]) > 1:
            raise BadInput(
                "input.authzen", f"the action has {len(said[name])} values for `{name}`", "ask for each by itself"
            )
    purpose, form = next(iter(said["purpose"]), ""), next(iter(said["form"]), "aggregates")
    if form not in FORMS:
        raise BadInput("input.authzen", f"`{form}` is no form of answer", f"use one of {', '.join(FORMS)}")
    return Request(question.subject.id, question.resource.id, purpose, form, tuple(sorted(said["columns"])))


def _names(question: Question, name: str) -> frozenset[str]:
    found = question.with_action.get(name, frozenset())
    if name in question.unread or not isinstance(found, frozenset):
        raise BadInput(
            "input.authzen", f"`{name}` of the action cannot be read", "write a name, or a list of at most a few"
        )
    return found


def search(
    node: Node, part: str, question: Question, asker: Asker, limit: int, start: int
) -> tuple[list[str], int | None]:
    """Subjects, resources or actions (`part`) with which the answer to a question is yes, in order of their names, from
    place `start` on among all that is looked at; and from where to go on, None if there are no more.

    A page is short, and there is more, where many had to be looked at. A place is a number and no name, for the one that
    was looked at last may be one that the asker is told nothing of.
    """
    found: list[str] = []
    with node.store.read() as state:
        now = node.clock.now()
        names = sorted(_candidates(state, part, question, asker, now))
        for place, name in enumerate(names[start:], start):
            if len(found) == limit or place == start + SEARCHED_MAX:
                return found, place
            found += [name] * _permits(state, _supposed(part, question, name), asker, now)
    return found, None


def _candidates(read: Reader, part: str, question: Question, asker: Asker, at: Instant) -> set[str]:
    type = question.resource.type
    if part == "action":
        open_here = outside.open_to(read, type, None if asker.steward else asker.party, at)
        return {name for row in open_here for name in outside.ready(row).actions}
    if part == "resource" and type == "asset":
        return {agreement.asset for agreement in read.list(Agreement, consumer=question.subject.id)}
    of = question.subject.type if part == "subject" else type
    return {entity.id for entity in read.list(rulesets.Entity, of=f"{part} {of}", stands="known")}


def _supposed(part: str, question: Question, name: str) -> Question:
    match part:
        case "action":
            return replace(question, action=name)
        case "subject":
            return replace(question, subject=Entity(question.subject.type, name))
        case _:
            return replace(question, resource=Entity(question.resource.type, name))
