"""Disputes: somebody says that what is owed is wrong, and until a person has decided it is divided among nobody.

A payer disputes lines of an invoice; a provider disputes a report of earnings. There is a day until which it must be
decided. A person decides, with reasons: *upheld* puts it right in the same breath (a credit note, or what the report
lacked), *rejected* leaves it as it is. Each thing can be disputed once.

What is disputed is *held*: it is not in the division of a period while the dispute is open. If it is rejected, it is
divided with the period in which that was decided; if it is upheld, what is credited is divided never, and what is left with
that period. What was divided before anybody disputed it stays divided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from usufruct.core.access.clauses import Running
from usufruct.core.access.pricing import EarningsReported, Reported, share_of
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement
from usufruct.core.income import invoices
from usufruct.core.income.invoices import Billed, CreditNoteIssued, Invoice
from usufruct.core.income.state import LastPeriod, PeriodPlan
from usufruct.core.rulebook.parameters import Rulebook

OPEN, UPHELD, REJECTED = "open", "upheld", "rejected"
REASON_MAX = 2_000


@dataclass(frozen=True, slots=True)
class DisputeRaised(Fact):
    """`by` says that `subject` (an invoice, or a report of earnings) is wrong, in these `refs`; `against` must decide
    it by `until`."""

    KIND = "dispute.raised/1"
    dispute: str
    subject: str
    refs: tuple[str, ...]
    by: str
    against: str
    reason: str
    until: Instant

    def about(self) -> tuple[str, ...]:
        return (self.by, self.against)


@dataclass(frozen=True, slots=True)
class DisputeSettled(Fact):
    """A person decided: the dispute is `upheld`, by a credit note or a corrected report (`remedy` names it), or it is not."""

    KIND = "dispute.settled/1"
    dispute: str
    upheld: bool
    reason: str
    by: str
    raised_by: str
    remedy: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.by, self.raised_by)


@dataclass(frozen=True, slots=True)
class Dispute(Row):
    """See `DisputeRaised`; `settled` is the fact that decided it (0: none yet)."""

    KEY = ("id",)
    INDEXED = ("state", "by", "against")
    id: str
    of: str
    refs: tuple[str, ...]
    by: str
    against: str
    reason: str
    until: Instant
    at: Instant
    seq: int
    state: str = OPEN
    settled: int = 0
    decided: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Disputed(Row):
    """Something owed that was disputed: `since` is the fact that disputed it, `settled` the one that decided (0: none yet).
    `divided`: its income was divided before."""

    KEY = ("ref",)
    INDEXED = ("dispute",)
    ref: str
    dispute: str
    since: int
    divided: bool
    settled: int = 0


class Held(NamedTuple):
    """What stands of something owed at the end of a time: whether it is `held` out, and how many minor units of it are not
    earned, for they were credited before they were divided. `seq` is the fact by which it belongs to a time."""

    held: bool
    unearned: int
    seq: int


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a dispute changes."""
    match entry.fact:
        case DisputeRaised() as fact:
            yield Dispute(
                fact.dispute,
                fact.subject,
                fact.refs,
                fact.by,
                fact.against,
                fact.reason,
                fact.until,
                entry.at,
                entry.seq,
            )
            for ref in fact.refs:
                yield Disputed(ref, fact.dispute, entry.seq, _divided(read, ref, fact.subject))
        case DisputeSettled() as fact:
            row = read.get(Dispute, fact.dispute)
            assert row is not None and row.state == OPEN, "a dispute is decided once"
            yield replace(
                row,
                state=UPHELD if fact.upheld else REJECTED,
                settled=entry.seq,
                decided=fact.reason,
                remedy=fact.remedy,
            )
            for ref in row.refs:
                disputed = read.get(Disputed, ref)
                assert disputed is not None
                yield replace(disputed, settled=entry.seq)
        case _:
            return


def _divided(read: Reader, ref: str, about: str) -> bool:
    """Whether a period closed over it already."""
    last, invoice = read.get(LastPeriod), read.get(Invoice, about)
    lines = {line.ref: line.seq for line in invoice.lines} if invoice is not None else {}
    return last is not None and lines.get(ref, int(ref.rpartition("-")[2])) <= last.last


# ---- what is held out of a division


def held(read: Reader, ref: str, seq: int) -> Held:
    """What stands of what the fact `seq` made owed, as far as it is to be divided."""
    row, billed = read.get(Disputed, ref), read.get(Billed, ref)
    unearned = billed.unearned if billed is not None else 0
    if row is None or row.divided:
        return Held(False, unearned, seq)
    return Held(row.settled == 0, unearned, max(seq, row.settled))


def in_the_way(read: Reader, plan: PeriodPlan) -> Refusal | None:
    """Why a plan cannot be carried out: something in it was disputed or credited since."""
    for statement in plan.planned.statements:
        for ref in statement.uses:
            row, billed = read.get(Disputed, ref), read.get(Billed, ref)
            disputed = row is not None and row.since > plan.planned.last and row.settled == 0 and not row.divided
            notes = (
                read.list(invoices.CreditNote, invoice=billed.invoice) if billed is not None and billed.unearned else ()
            )
            if disputed or any(
                note.seq > plan.planned.last and any(c.ref == ref for c in note.lines) for note in notes
            ):
                return refuse(
                    "income.stale-plan", f"period `{plan.period}` was not closed", f"`{ref}` was disputed or credited since",
                    remedy="plan the period again",
                )  # fmt: skip
    return None


# ---- what may happen


def raise_one(
    read: Reader, name: str, about: str, refs: tuple[str, ...], by: str, reason: str, arbiter: str, rulebook: Rulebook,
    at: Instant,
) -> DisputeRaised | Refusal:  # fmt: skip
    """A payer disputes lines of an invoice of hers (none named: all), which the issuer decides; a provider a report of
    earnings, which the `arbiter` does.

    Raises:
        BadInput: it has no reason, or too long a one.
    """
    if not 0 < len(reason.strip()) <= REASON_MAX:
        raise BadInput(
            "input.dispute",
            "the dispute has no reason, or one that is too long",
            f"say it in up to {REASON_MAX} letters",
        )
    until = later(at, days=rulebook.value("dispute.decision-days", at))
    invoice = read.get(Invoice, about)
    if invoice is not None and invoice.payer == by:
        lines = {line.ref: line for line in invoice.lines if line.amount}
        strange = next((ref for ref in refs if ref not in lines), None)
        if strange is not None or not lines:
            return _not_disputed(
                about, f"it has no line `{(strange or '')[:80]}` on which anything is owed", "name lines of it"
            )
        over = later(invoice.at, days=rulebook.value("dispute.raise-days", at))
        if at >= over:
            return _not_disputed(
                about, f"it could be disputed until {over[:10]}", "turn to the issuer, who can credit it"
            )
        named, against = tuple(dict.fromkeys(refs or lines)), invoice.issuer
    else:
        reported = next(iter(read.list(Reported, id=about)), None)
        agreement = read.get(Agreement, reported.agreement) if reported else None
        if reported is None or agreement is None or agreement.provider != by:
            return invoices.unknown("invoice or report", about)
        named, against = (f"fee-{reported.seq}",), arbiter
    again = next((ref for ref in named if read.get(Disputed, ref) is not None), None)
    if again is not None:
        return _not_disputed(about, f"`{again}` was disputed already", "wait for the decision, or read it")
    return DisputeRaised(name, about, named, by, against, holdable(reason.strip()), until)


def decide(
    read: Reader, name: str, by: str, upheld: bool, reason: str, note: str, report: str, earned: Money | None
) -> tuple[DisputeSettled, CreditNoteIssued | EarningsReported | None] | Refusal:
    """Whoever is disputed with decides; that it is a person is asked by who calls. Of an invoice that is upheld all disputed
    lines are credited, by the note of that name; of a report, `earned` is what it should have said.

    Raises:
        BadInput: it has no reason.
    """
    if not 0 < len(reason.strip()) <= REASON_MAX:
        raise BadInput("input.dispute", "the decision has no reason", "say why; who raised the dispute reads it")
    row = read.get(Dispute, name)
    if row is None or row.against != by:
        return invoices.unknown("dispute", name)
    if row.state != OPEN:
        return refuse(
            "income.disputed", f"`{name}` was not decided", f"it is {row.state} already", remedy="a decision stands"
        )
    remedy: CreditNoteIssued | EarningsReported | None = None
    if upheld:
        invoice = read.get(Invoice, row.of)
        found = (
            _credited(read, row, invoice, note, reason, by) if invoice else _corrected(read, row, report, by, earned)
        )
        if isinstance(found, Refusal):
            return found
        remedy = found
    called = "" if remedy is None else remedy.credit_note if isinstance(remedy, CreditNoteIssued) else remedy.report
    return DisputeSettled(name, upheld, holdable(reason.strip()), by, row.by, called), remedy


def _credited(
    read: Reader, row: Dispute, invoice: Invoice, note: str, reason: str, by: str
) -> CreditNoteIssued | Refusal:
    parts, not_divided = {}, []
    for line in invoice.lines:
        billed, disputed = read.get(Billed, line.ref), read.get(Disputed, line.ref)
        if line.ref in row.refs and billed is not None and line.amount > billed.credited:
            parts[line.ref] = line.amount - billed.credited
            if disputed is not None and not disputed.divided:
                not_divided.append(line.ref)
    return invoices.credit(read, note, invoice, parts, reason, by, not_divided)


def _corrected(read: Reader, row: Dispute, report: str, by: str, earned: Money | None) -> EarningsReported | Refusal:
    reported = next(iter(read.list(Reported, id=row.of)))
    agreement, running = read.get(Agreement, reported.agreement), read.get(Running, reported.agreement)
    assert agreement is not None and running is not None
    if earned is None or earned.currency != agreement.terms.currency or earned.minor <= reported.earned:
        least = Money(reported.earned, agreement.terms.currency)
        return refuse(
            "income.disputed", f"`{row.id}` was not decided", f"the report says {least}, and nothing above it was named",
            remedy="say what was earned, or reject the dispute",
        )  # fmt: skip
    more, share = earned.minor - reported.earned, running.schedule.share
    amount = share_of(earned.minor, share) - reported.amount
    return EarningsReported(
        report,
        agreement.id,
        agreement.asset,
        reported.payer,
        reported.period,
        more,
        amount,
        earned.currency,
        by,
        row.of,
    )


def _not_disputed(about: str, why: str, remedy: str) -> Refusal:
    return refuse("income.disputed", f"`{about[:80]}` was not disputed", why, remedy=remedy)
