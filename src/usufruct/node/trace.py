"""Record what was done with data outside the node, and tell where anything came from and where it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from usufruct.core.access import hold
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.measure import contributions, rows_of
from usufruct.core.lineage import rules
from usufruct.core.lineage.facts import StepRecorded, TransformEnded, TransformRegistered
from usufruct.core.privacy.state import Use
from usufruct.core.registry.rules import DeclaredStep, id_of
from usufruct.core.registry.state import Asset, Person
from usufruct.core.trace import Trace, looked_at
from usufruct.core.trace import trace as follow
from usufruct.node.node import Node
from usufruct.ports import Snapshot, Transaction


def record_step(node: Node, declared: DeclaredStep) -> StepRecorded | Refusal:
    """Records one step; who did it is the operator unless the step says otherwise.

    Raises:
        BadInput: the step contradicts itself.
    """

    def rule(tx: Transaction) -> StepRecorded | Refusal:
        step = numbered("step", tx.next)
        return rules.record_step(tx, declared, step, node.about.operator, tx.now, partial(looked_at, tx))

    return node.record(rule)


def register_transform(
    node: Node, id: str, title: str, kind: str, inputs: Sequence[str], evidence: str, authority: str, by: str,
    lowers_grade_to: int | None = None, purposes: Sequence[str] = (), until: Instant = END_OF_TIME,
) -> TransformRegistered | Refusal:  # fmt: skip
    """Registers a transform with its evidence.

    Raises:
        BadInput: it cannot be, changes nothing, has ended, or nobody could look its evidence up.
    """

    def rule(tx: Transaction) -> TransformRegistered | Refusal:
        return rules.register_transform(
            tx, id, title, kind, tuple(inputs), evidence, authority, by, tx.now, lowers_grade_to, purposes, until
        )

    return node.record(rule)


def end_transform(node: Node, id: str, by: str, why: str) -> TransformEnded | Refusal:
    """Takes the evidence of a transform back: what was made by it is graded as its inputs are, from the next decision on.

    Raises:
        BadInput: nothing says why.
    """
    return node.record(lambda tx: rules.end_transform(tx, id, by, why, tx.now))


def trace(node: Node, name: str, viewer: str | None = None) -> Trace | None:
    """The chain around an asset, `asset@version`, use, step or outside item; None if there is none, or not for `viewer`.

    Without a viewer everything is told, as to a steward. Else what concerns her: questions that she asked or that used
    her rows, unless they are withheld, and assets about her.
    """
    with node.store.read() as state:
        owns = None if viewer is None else partial(_concerns, state, id_of(state, viewer), node.clock.now())
        found = follow(state, name, owns)
        if found is None:
            return None
        ended = {use.id: state.entry(use.ended).at for use in found.uses.values() if use.state != "admitted"}
        return replace(found, ended=ended)


def _concerns(state: Snapshot, party: str, now: Instant, what: Asset | Use) -> bool:
    people = state.list(Person, asset=what.id if isinstance(what, Asset) else what.asset, party=party)
    if isinstance(what, Asset):
        return any(True for _ in people)
    if what.requester == party:
        return True
    shown = what.state == "answered" and not hold.active(state, what.id, now)
    numbers = [person.number for person in people] if shown else []
    rows = contributions(state.evidence(what.contributions)) if numbers else ()
    return any(rows_of(rows, number) for number in numbers)
