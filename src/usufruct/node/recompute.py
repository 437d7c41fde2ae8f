"""A closed period worked out again, from the facts alone, and compared byte by byte with what the node says.

The journal is folded anew, from its first fact. At the fact up to which the plan reaches, every division is made again;
where the plan stands, the plan. Then the fold goes on to the end, and everybody's statement is made by it and by the state
that the node keeps. What is no longer the same is named.

It rests on the journal being what was signed; that is what `journal verify` is for, which also reads every leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import Protocol

from usufruct.core import facts
from usufruct.core.base.faults import JournalDamaged
from usufruct.core.base.records import Entry, Reader, Row, RowT
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income import rules
from usufruct.core.income.facts import AssetStatement, PeriodPlanned
from usufruct.core.income.ledger import Account, Transfer
from usufruct.core.income.levies import Reckoned
from usufruct.core.income.rules import Division, Settled
from usufruct.core.income.segment import Index
from usufruct.core.income.state import LastSettlement, Period, PeriodPlan, Summed
from usufruct.core.privacy import totals
from usufruct.core.privacy.totals import DrawnTotal, TotalDrawn, TotalPlan
from usufruct.core.registry.benefit import payees
from usufruct.core.registry.state import Party, Person
from usufruct.node.node import Node
from usufruct.node.period import divided
from usufruct.node.statement import Teller, fact_of
from usufruct.ports import Snapshot


class Folding(Reader, Protocol):
    """A state that begins empty and takes facts in."""

    def apply(self, entry: Entry) -> None:
        """Folds one fact in."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What was worked out again: so many facts, settlements with so many lines, and statements, whose SHA-256 one after the
    other is `digest`; and what is `different` from what the node says, in words."""

    period: str
    facts: int
    settlements: int
    lines: int
    statements: int
    digest: str
    different: tuple[str, ...]


def recompute(node: Node, period: str, again: Folding) -> Recomputed | Refusal:
    """Works a closed period out again, in the empty state `again`."""
    with node.store.read() as state:
        closed = state.get(Period, period)
        if closed is None:
            return refuse(
                "registry.unknown", "nothing was worked out again", f"no period `{period}` was closed",
                remedy="look at `usufruct period list`",
            )  # fmt: skip
        return _Recount(node, state, again, closed).done()


class _Then:
    """The state that was folded again, with the journal's facts and evidence."""

    def __init__(self, folded: Folding, state: Snapshot) -> None:
        self.get, self.list = folded.get, folded.list
        self.evidence, self.entry = state.evidence, state.entry


class _Recount:
    """One period, worked out again."""

    def __init__(self, node: Node, state: Snapshot, again: Folding, closed: Period) -> None:
        self._node, self._state, self._again, self._closed = node, state, again, closed
        self._then = _Then(again, state)
        self._folded = self._lines = 0
        self._different: list[str] = []
        self._before: dict[str, str] = {}

    def done(self) -> Recomputed:
        """Folds, divides, plans and states, in the order in which it once happened."""
        at = fact_of(self._closed.plan)
        planned = self._state.entry(at).fact if at < self._state.size() else None
        if not isinstance(planned, PeriodPlanned) or planned.plan != self._closed.plan:
            self._different.append(f"fact {at} is not the plan `{self._closed.plan}`, by which the period was closed")
            return Recomputed(self._closed.id, 0, 0, 0, 0, "", tuple(self._different))
        self._fold(planned.last + 1)
        worked_out = planned.worked_out or self._state.entry(at).at
        found = divided(
            self._then, self._then.evidence, planned.period, (planned.first, planned.last), self._node.rulebook, worked_out,
            partial(self._drawn, range(planned.last + 1, at)),
        )  # fmt: skip
        self._before = {
            row.asset: row.lines for row in self._then.list(LastSettlement) if row.currency == planned.currency
        }
        self._fold(at)
        if isinstance(found, Refusal):
            self._different.append(f"the plan would be refused today: {found}")
        else:
            self._look_at_plan(at, planned, *found)
        self._fold(self._state.size())
        self._look_at_rows()
        count, digest = self._look_at_statements(planned)
        return Recomputed(
            self._closed.id, self._folded, len(planned.statements), self._lines, count, digest, tuple(self._different)
        )

    def _drawn(self, later: range, plan: TotalPlan) -> DrawnTotal | None:
        """The draw for a total that is told: made before the state that was divided, for an earlier plan of the same uses, or
        `later`, but before the plan."""
        made = totals.drawn(self._then, plan)
        if made is not None:
            return made
        for entry in self._state.entries(later.start, later.stop):
            if isinstance(entry.fact, TotalDrawn) and plan.is_drawn_by(entry.fact):
                return DrawnTotal(entry.seq, plan.asset, entry.fact)
        return None

    def _fold(self, until: int) -> None:
        for entry in self._state.entries(self._folded, until):
            self._again.apply(entry)
        self._folded = max(self._folded, until)

    def _settled(self, planned: PeriodPlanned, divisions: list[Division]) -> dict[str, Settled]:
        """The settlements made again, by asset, each under the seal of the one that is kept."""
        made, found = {one.statement.asset: one for one in divisions}, {}
        for said in planned.statements:
            try:
                if said.root and said.asset in made:
                    found[said.asset] = self._settle(planned, said, made[said.asset])
            except (JournalDamaged, ValueError) as damaged:
                self._different.append(f"the settlement of `{said.asset}` cannot be read: {damaged}")
        return found

    def _settle(self, planned: PeriodPlanned, said: AssetStatement, made: Division) -> Settled:
        """A settlement again, with the salt that the kept one was made with, and compared with that to the last byte."""
        evidence, last = self._state.evidence, self._before.get(said.asset)
        kept = Index.decode(evidence(said.lines))
        pieces = (evidence(seal) for seal in Index.decode(evidence(last)).seals) if last else ()
        again = self._node.settler.settle(made.portions, pieces, made.persons, made.least, kept.seed)
        self._lines += kept.persons
        for number, (mine, seal) in enumerate(zip_longest(again.pieces, kept.seals)):
            if mine is None or seal is None or mine != evidence(seal):
                self._different.append(f"the settlement of `{said.asset}`: piece {number} of its lines is another")
                break
        return Settled(said.lines, last or "", again)

    def _look_at_plan(self, at: int, planned: PeriodPlanned, divisions: list[Division], levied: Reckoned) -> None:
        settled = self._settled(planned, divisions)
        if settled.keys() != {one.statement.asset for one in divisions}:
            self._different.append(f"the plan `{planned.plan}` does not settle just what the assets earned")
            return
        self._look_at_sums(divisions, settled)
        entry = self._state.entry(at)
        again = rules.plan(
            self._then, planned.plan, planned.period, planned.last, planned.currency, divisions, settled,
            planned.worked_out or entry.at, levied.totals,
        )  # fmt: skip
        if isinstance(again, PeriodPlanned) and not planned.worked_out:
            again = replace(again, worked_out=planned.worked_out)  # plans did not say it at first
        if isinstance(again, Refusal) or facts.encode(replace(entry, fact=again)) != facts.encode(entry):
            self._different.append(f"the plan `{planned.plan}` is not what the facts up to {planned.last} come to")

    def _look_at_sums(self, divisions: list[Division], settled: Mapping[str, Settled]) -> None:
        """What is said apart from the plan, where totals are told."""
        for one in divisions:
            asset, summed = one.statement.asset, settled[one.statement.asset].summed(one)
            said = self._then.get(Summed, summed.lines)
            if one.statement.tells and (said is None or said.fact != summed):
                self._different.append(f"what the settlement of `{asset}` comes to in all is another")

    def _look_at_rows(self) -> None:
        """What the node keeps of the period and the ledger, beside what the facts make of it."""
        for kind, what in (
            (PeriodPlan, "the plan"), (Period, "the period"), (Transfer, "the transfer"), (Account, "the balance of"),
        ):  # fmt: skip
            pairs = zip_longest(_keyed(self._state, kind), _keyed(self._then, kind))
            for kept, made in pairs:
                if kept != made:
                    name = (made or kept or ("",))[0]
                    self._different.append(f"{what} `{name}` is not what the facts make it")
                    break

    def _look_at_statements(self, planned: PeriodPlanned) -> tuple[int, str]:
        """Everybody's statement, by the node's state and by the one that was folded again."""
        now = self._node.clock.now()
        kept, made = (Teller(one, self._node.about, self._node.rulebook, now) for one in (self._state, self._then))
        count, digest = 0, hashlib.sha256()
        for party in _parties(self._then, planned, self._closed):
            try:
                said, again = (one.statement(self._closed.id, party) for one in (kept, made))
            except JournalDamaged as damaged:
                self._different.append(f"statements cannot be made: {damaged.message}")
                break
            if isinstance(again, Refusal):
                continue
            if isinstance(said, Refusal) or said.encode() != again.encode():
                self._different.append(f"the statement of `{again.called}` is another")
            count += 1
            digest.update(hashlib.sha256(again.encode()).digest())
        return count, digest.hexdigest()


def _keyed(state: Reader, kind: type[RowT]) -> Iterator[tuple[str, Row]]:
    return ((row.key, row) for row in state.list(kind))


def _parties(state: Reader, planned: PeriodPlanned, closed: Period) -> Mapping[str, None]:
    """Who has a statement: whom the assets are about, who is paid in their place, and who has a share."""
    found: dict[str, None] = {}
    for said in planned.statements:
        found |= {person.party: None for person in state.list(Person, asset=said.asset)}
        found |= dict.fromkeys(payees(state, said.asset, closed.seq, closed.at).values())
        found |= {share.account.removeprefix("party:"): None for share in said.shares}
    found |= {release.account.removeprefix("party:"): None for release in planned.releases}
    return {party: None for party in found if state.get(Party, party) is not None}
