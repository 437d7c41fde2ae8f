"""Statements: what a period brought one person or party; complaints about it; and where a euro went, for everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from usufruct.core.access import hold
from usufruct.core.access.clauses import EarnedFee
from usufruct.core.access.delegation import only_people
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income import complaints, settlement
from usufruct.core.income import income_statement as statements
from usufruct.core.income.accounts import of_party
from usufruct.core.income.complaints import Complaint, ComplaintAnswered, ComplaintMade
from usufruct.core.income.facts import AssetStatement, PeriodPlanned
from usufruct.core.income.income_statement import (
    Line,
    OwnSum,
    Part,
    Passed,
    Released,
    RuleTold,
    Statement,
    UseTold,
)
from usufruct.core.income.measure import MICRO, ROWS, contributions, rows_of
from usufruct.core.income.own_line import weight_of
from usufruct.core.income.settlement import Lines
from usufruct.core.income.spread import SpreadTold, spread
from usufruct.core.income.state import OPEN, AdoptedDivision, Cost, Period, PeriodPlan, Vesting
from usufruct.core.income.told import KEPT
from usufruct.core.income.waterfall import Share, by_rulebook, in_words
from usufruct.core.privacy.state import Use
from usufruct.core.privacy.totals import DrawnTotal
from usufruct.core.registry.benefit import payees
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.core.rulebook.parameters import Rulebook
from usufruct.node.node import About, Node

EVIDENCE_KEPT = 64  # pieces of evidence that are kept while many statements are made


class Record(Reader, Protocol):
    """A state with the facts and the evidence that it rests on: of the store, or folded again."""

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal. Raises JournalDamaged if it is missing."""

    def entry(self, seq: int) -> Entry:
        """The fact at that place."""


def statement(node: Node, period: str, name: str) -> Statement | Refusal:
    """The statement of whoever is called `name` for a closed period."""
    with node.store.read() as state:
        return Teller(state, node.about, node.rulebook, node.clock.now()).statement(period, name)


def statements_of(node: Node, name: str) -> list[Statement]:
    """Every statement of whoever is called `name`, the newest period first."""
    with node.store.read() as state:
        teller = Teller(state, node.about, node.rulebook, node.clock.now())
        found = [teller.statement(row.id, name) for row in list(state.list(Period))[::-1]]
    return [one for one in found if not isinstance(one, Refusal)]


def none_for(period: str, name: str) -> Refusal:
    """The refusal of a statement: there is no such period, nobody of that name, nothing of hers, or it is not yours."""
    return refuse(
        "registry.unknown", "there is no statement", f"period `{period}` brought `{name}` nothing that is known here",
        remedy="look at the closed periods, and at who is meant",
    )  # fmt: skip


def planned_of(state: Reader, closed: Period) -> PeriodPlanned:
    """What a closed period carried out."""
    plan = state.get(PeriodPlan, closed.plan)
    assert plan is not None, "a period is closed by a plan"
    return plan.planned


def fact_of(name: str) -> int:
    """Where a plan or a fee stands in the journal: its id is numbered by it."""
    return int(name.rpartition("-")[2])


def _put_right(state: Reader, complaint: Complaint, closed: Period) -> bool:
    """Whether a complaint was upheld between the period before and this one."""
    before = next((row for row in state.list(Period, number=closed.number - 1)), None)
    answered = complaint.answered or closed.at
    return (before.at if before else "") < answered <= closed.at


def _vesting(state: Reader, party: str) -> Mapping[tuple[str, str], int]:
    """What waits for a party, by the period and asset of the share."""
    found: Counter[tuple[str, str]] = Counter()
    for row in state.list(Vesting, stands=OPEN):
        if row.account == of_party(party):
            found[row.period, row.asset] += row.amount - row.released
    return found


def _costs(state: Reader, party: str) -> int:
    return sum(row.amount - row.paid for row in state.list(Cost, stands=OPEN) if row.party == party)


class Teller:
    """Makes statements by one state; what many of them need is read once."""

    def __init__(self, state: Record, about: About, rulebook: Rulebook, now: Instant) -> None:
        self.state, self.about, self.rulebook, self.now = state, about, rulebook, now
        self.evidence = lru_cache(maxsize=EVIDENCE_KEPT)(state.evidence)
        self.payees = lru_cache(maxsize=EVIDENCE_KEPT)(lambda asset, seq, at: payees(state, asset, seq, at))
        self.all_paid = lru_cache(maxsize=EVIDENCE_KEPT)(self._all_paid)

    def own_line(self, divided: AssetStatement, number: int) -> settlement.Line:
        """The line of the person of that number."""
        return Lines(divided, self.evidence).line(number)

    def _all_paid(self, divided: AssetStatement) -> Counter[int]:
        """How many persons are paid how much by a settlement."""
        return Counter(Lines(divided, self.evidence).columns()[1])

    def statement(self, period: str, name: str) -> Statement | Refusal:
        """The statement of whoever is called `name`; the same refusal where there is no such period, nobody of the name or
        nothing of hers."""
        state, closed, party = self.state, self.state.get(Period, period), find_party(self.state, name)
        lines: tuple[Line, ...] = ()
        released: tuple[Released, ...] = ()
        passed: tuple[Passed, ...] = ()
        if closed is not None and party is not None:
            planned = planned_of(state, closed)
            told = _Told(self, party.id, planned)
            lines, passed = tuple(told.lines()), tuple(told.passed(closed))
            released = tuple(
                Released(one.period, one.asset, one.amount)
                for one in planned.releases
                if one.account == of_party(party.id)
            )
        if closed is None or party is None or not (lines or released or passed):
            return none_for(period, name)
        mine = list(state.list(Complaint, party=party.id))
        return Statement(
            self.about.name, self.about.operator, period, party.id, party.called, party.name, planned.currency, closed.plan,
            fact_of(closed.plan), closed.at, closed.seq, complaints.last_day(closed, self.rulebook), lines, released,
            statements.outstanding(lines, _vesting(state, party.id), _costs(state, party.id), mine),
            tuple(one for one in mine if one.stands == complaints.UPHELD and _put_right(state, one, closed)),
            tuple(one for one in mine if one.period == period), passed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Told:
    """One party's lines of one plan."""

    teller: Teller
    party: str
    planned: PeriodPlanned

    @property
    def state(self) -> Record:
        return self.teller.state

    def lines(self) -> Iterator[Line]:
        """A line for every asset that is about her, or of which a share went to her; compared with the one before."""
        for divided in self.planned.statements:
            line = self._line(self.planned, divided)
            if line is None:
                continue
            before = self._before(self.planned, divided.asset)
            yield statements.compared(line, self._line(*before) if before else None, self.planned.currency)

    def passed(self, closed: Period) -> Iterator[Passed]:
        """What she is paid in place of others, of each asset that brought them anything."""
        for divided in self.planned.statements:
            asset = self.state.get(Asset, divided.asset)
            assert asset is not None
            instead = self.teller.payees(asset.id, closed.seq, closed.at)
            paid = [
                self.teller.own_line(divided, row.number).paid
                for giver, payee in instead.items() if payee == self.party
                for row in self.state.list(Person, asset=asset.id, party=giver)
            ]  # fmt: skip
            if any(paid):
                yield Passed(asset.id, asset.title, sum(map(bool, paid)), sum(paid))

    def _before(self, planned: PeriodPlanned, asset: str) -> tuple[PeriodPlanned, AssetStatement] | None:
        """The plan before that one that divided what the asset earned."""
        parent = planned.parent
        while parent is not None:
            closed = self.state.get(Period, parent)
            assert closed is not None, "a plan builds on a closed period"
            planned = planned_of(self.state, closed)
            for divided in planned.statements:
                if divided.asset == asset:
                    return planned, divided
            parent = planned.parent
        return None

    def _line(self, planned: PeriodPlanned, divided: AssetStatement) -> Line | None:
        asset = self.state.get(Asset, divided.asset)
        assert asset is not None
        parts = tuple(self._part(asset, share) for share in divided.shares)
        person = next((p for p in self.state.list(Person, asset=asset.id, party=self.party)), None)
        if person is None and not any(part.mine for part in parts):
            return None
        number = person.number if person else None
        own = self.teller.own_line(divided, number) if number is not None else settlement.Line(0, 0)
        uses = tuple(self._uses(planned, divided, number)) if number is not None else ()
        days = sorted(self._day(name) for name in divided.uses)
        told = [day[:10] for day in sorted(self._day(name) for name in divided.uses if not self._is_withheld(name))]
        least = self.teller.rulebook.value("income.spread-persons-min", self.teller.now)
        return Line(
            asset.id, asset.title, divided.income, parts, divided.members, divided.floor, self._rule(divided, days),
            uses, len(divided.uses), asset.rows_per_person, told[0] if told else "", told[-1] if told else "",
            statements.amounts(own.paid, own.carried_in, own.carried_out, MICRO), self._paid_to(planned, asset.id),
            self._spread(divided, own.paid if number is not None else None, least), (),
            self._sum(planned, divided, own, uses) if divided.told and number is not None else None, KEPT.get(divided.kept, ""),
        )  # fmt: skip

    def _spread(self, divided: AssetStatement, mine: int | None, least: int) -> SpreadTold:
        """What is told of others: beside a total that is told, nothing."""
        if divided.told:
            return SpreadTold(
                0, (), 0, 0, "with the total that is told, it would say more of them than either does alone"
            )
        return spread(self.teller.all_paid(divided), mine, least)

    def _sum(
        self, planned: PeriodPlanned, divided: AssetStatement, own: settlement.Line, uses: Sequence[UseTold]
    ) -> OwnSum:
        """What she works her line out from."""
        index = Lines(divided, self.teller.evidence).index
        assert index is not None, "settlements have had an index since before totals were told"
        weight = sum(map(weight_of, uses))
        carried = own.carried_in if self._was_told(planned, divided) else -1
        return OwnSum(divided.told, divided.members - divided.floor, weight, own.due, carried, index.least)

    def _was_told(self, planned: PeriodPlanned, divided: AssetStatement) -> bool:
        """Whether every total before this one was told, so that what was carried over says nothing of one that was not."""
        while divided.before:
            before = self._before(planned, divided.asset)
            assert before is not None, "a settlement carries on from one that was closed"
            planned, divided = before
            if not divided.told:
                return False
        return True

    def _paid_to(self, planned: PeriodPlanned, asset: str) -> str:
        """Who was paid her line, if she gave her right to benefit away or pledged it."""
        closed = self.state.get(Period, planned.period)
        assert closed is not None, "statements are of closed periods"
        payee = self.teller.payees(asset, closed.seq, closed.at).get(self.party)
        row = self.state.get(Party, payee) if payee else None
        return row.name if row else payee or ""

    def _part(self, asset: Asset, share: Share) -> Part:
        return Part(
            share.name or "share", share.basis, share.basis_points, share.account, share.amount, share.vests_months,
            share.account == of_party(self.party), share.account == of_party(asset.publisher),
        )  # fmt: skip

    def _day(self, name: str) -> Instant:
        """When something was earned: a use when it was asked, a fee when it was due."""
        use = self.state.get(Use, name)
        return use.at if use else self.state.entry(fact_of(name)).at

    def _is_withheld(self, name: str) -> bool:
        """Whether nobody may be told when, or by whom, that was earned."""
        return hold.active(self.state, name, self.teller.now) is not None

    def _rule(self, divided: AssetStatement, days: list[Instant]) -> RuleTold:
        adopted = self.state.get(AdoptedDivision, divided.asset if divided.own else "", divided.rule)
        rule = adopted.rule if adopted else by_rulebook(self.teller.rulebook, days[0] if days else self.teller.now)
        since = adopted.effective[:10] if adopted else ""
        return statements.told(rule, divided.rule, divided.own, since, in_words(rule))

    def _uses(self, planned: PeriodPlanned, divided: AssetStatement, number: int) -> Iterator[UseTold]:
        """The uses, and the fees, in which rows of hers counted."""
        pool = divided.members - divided.floor
        drawn = self._drawn(divided)
        for name in divided.uses:
            use = self.state.get(Use, name)
            fee = None if use else self.state.get(EarnedFee, fact_of(name))
            price = use.price if use else fee.amount if fee else 0
            rows = self._rows(use, number) if use else self._rows_of_fee(planned, fee, number) if fee else 0
            if not rows:
                continue
            earned = statements.at_least(pool, price, divided.income)
            if name in drawn:  # as it was divided, by price and rows: something may have been disputed
                price, most = drawn[name]
                rows, earned = min(rows, most), 0
            if use is not None and self._is_withheld(name):
                yield UseTold("", statements.WITHHELD, statements.WITHHELD, "", "", price, earned, "", rows, -1)
            elif use is not None:
                user = self.state.get(Party, use.requester)
                yield UseTold(
                    use.id, user.kind if user else "", use.purpose, use.form, use.at[:10], price, earned, use.measure, rows,
                    use.ended,
                )  # fmt: skip
            else:
                yield UseTold(
                    name,
                    "",
                    f"a fee of {fee.agreement if fee else ''}",
                    "",
                    self._day(name)[:10],
                    price,
                    earned,
                    ROWS,
                    rows,
                    -1,
                )

    def _drawn(self, divided: AssetStatement) -> Mapping[str, tuple[int, int]]:
        """Price and most rows of one person of each use, where the total is told."""
        row = self.state.get(DrawnTotal, divided.draw) if divided.told else None
        return dict(zip(row.fact.uses, zip(row.fact.prices, row.fact.most, strict=True), strict=True)) if row else {}

    def _rows(self, use: Use, number: int) -> int:
        return rows_of(contributions(self.teller.evidence(use.contributions)), number)

    def _rows_of_fee(self, planned: PeriodPlanned, fee: EarnedFee, number: int) -> int:
        """A fee is earned by the rows that counted in the uses of its agreement."""
        uses = self.state.list(Use, asset=fee.asset, state="answered")
        return sum(
            self._rows(use, number) for use in uses
            if use.agreement == fee.agreement and planned.first <= use.ended <= planned.last
        )  # fmt: skip


# ---- complaints


def complain(node: Node, name: str, period: str, asset: str, reason: str) -> ComplaintMade | Refusal:
    """Somebody complains about her line.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    found = statement(node, period, name)
    concerned = not isinstance(found, Refusal) and any(line.asset == asset for line in found.lines)
    party = name if isinstance(found, Refusal) else found.party
    return node.record(
        lambda tx: complaints.complain(
            tx, numbered("complaint", tx.next), party, period, asset, reason, concerned, node.rulebook, tx.now
        )
    )


def answer(
    node: Node, complaint: str, upheld: bool, reasons: str, amount: Money | None, turn_to: str, by: str,
    actors: tuple[str, ...] = (),
) -> ComplaintAnswered | Refusal:  # fmt: skip
    """The operator answers a complaint; a person signs it.

    Raises:
        BadInput: no reasons are given, or very long ones.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "answer-complaint", by, actors)
            or complaints.answer(
                tx, complaint, upheld, reasons, amount, turn_to, by, node.about.operator, node.about.currency
            )
        )
    )


def open_complaints(node: Node) -> list[Complaint]:
    """The complaints that wait for an answer, the oldest first."""
    with node.store.read() as state:
        return list(state.list(Complaint, stands=complaints.OPEN))


# ---- for everybody


@dataclass(frozen=True, slots=True)
class Euro:
    """Where a euro of the income of the last closed period that divided any went: `shares` of ten thousand, by name and basis."""

    period: str
    asset: str
    title: str
    shares: tuple[tuple[str, str, int], ...]


def euros(node: Node) -> list[Euro]:
    """Where a euro went, for each asset in the last closed period that divided what it earned."""
    found: dict[str, Euro] = {}
    with node.store.read() as state:
        for closed in state.list(Period):
            for divided in planned_of(state, closed).statements:
                asset = state.get(Asset, divided.asset)
                if asset is not None and divided.income:
                    found[asset.id] = Euro(closed.id, asset.id, asset.title, tuple(_shares(divided)))
    return list(found.values())


def _shares(divided: AssetStatement) -> Iterator[tuple[str, str, int]]:
    """Name, basis and part of ten thousand of each share; the members' last. Costs are together, for they name their payees."""
    sums: Counter[tuple[str, str]] = Counter()
    for share in divided.shares:
        sums["costs" if share.basis == "costs" else share.name or "share", share.basis] += share.amount
    sums["members", "factors"] += divided.members
    for (name, basis), amount in sums.items():
        yield name, basis, amount * 10_000 // divided.income
