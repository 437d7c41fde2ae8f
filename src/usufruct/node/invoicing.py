"""Invoices, credit notes, refunds, disputes, and reports of earnings: what is owed, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.access import pricing
from usufruct.core.access.delegation import only_people
from usufruct.core.access.pricing import EarningsReported
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import disputes, invoices
from usufruct.core.income.disputes import Dispute, DisputeRaised, DisputeSettled
from usufruct.core.income.invoices import (
    CreditNote,
    CreditNoteIssued,
    Invoice,
    InvoiceIssued,
    InvoiceLine,
    RefundMade,
)
from usufruct.core.registry.state import Party
from usufruct.node.node import Node
from usufruct.ports import Transaction


@dataclass(frozen=True, slots=True)
class Books:
    """What a party is on a side of: invoices, credit notes, disputes; and what would be on its next invoices as a payer."""

    invoices: tuple[Invoice, ...]
    notes: tuple[CreditNote, ...]
    disputes: tuple[Dispute, ...]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """An invoice with all that became of it."""

    invoice: Invoice
    issuer: Party
    payer: Party
    notes: tuple[CreditNote, ...]
    disputes: tuple[Dispute, ...]
    disputed: tuple[str, ...]

    @property
    def left(self) -> int:
        """What is to be paid of it still, as far as credit notes say."""
        return self.invoice.total - sum(note.total for note in self.notes)


def issue(
    node: Node, issuer: str, payer: str, period: str, rate: int | None = None, reverse: bool = False
) -> InvoiceIssued | Refusal:
    """Issues an invoice over all that `payer` owes `issuer` and that is on none yet; `rate` in basis points.

    Raises:
        BadInput: the period or the rate cannot be.
    """
    return node.record(lambda tx: invoices.issue(
        tx, numbered("invoice", tx.next), issuer, payer, period, tx.next - 1, rate, reverse, node.about.currency,
        node.rulebook, tx.now,
    ))  # fmt: skip


def waiting(node: Node, issuer: str) -> list[tuple[Party, tuple[InvoiceLine, ...]]]:
    """Who owes an issuer something that is on no invoice yet."""
    with node.store.read() as state:
        found = [(party, tuple(invoices.open_lines(state, issuer, party.id))) for party in state.list(Party)]
        return [(party, lines) for party, lines in found if lines]


def credit(node: Node, invoice: str, by: str, parts: dict[str, Money], reason: str) -> CreditNoteIssued | Refusal:
    """The issuer puts an invoice right by a credit note over parts of its lines.

    Raises:
        BadInput: it has no reason, or an amount that cannot be.
    """

    def rule(tx: Transaction) -> CreditNoteIssued | Refusal:
        row = tx.get(Invoice, invoice)
        if row is None or row.issuer != by or any(money.currency != row.currency for money in parts.values()):
            return invoices.unknown("invoice", invoice)
        amounts = {ref: money.minor for ref, money in parts.items()}
        return invoices.credit(tx, numbered("credit-note", tx.next), row, amounts, reason, by)

    return node.record(rule)


def refund(node: Node, note: str, by: str, how: str, amount: Money | None = None) -> RefundMade | Refusal:
    """The issuer says that money of a credit note was paid back.

    Raises:
        BadInput: it does not say how, or the amount cannot be.
    """
    return node.record(lambda tx: invoices.refund(tx, note, amount.minor if amount else None, how, by))


def dispute(node: Node, about: str, by: str, reason: str, refs: tuple[str, ...] = ()) -> DisputeRaised | Refusal:
    """Somebody says that an invoice, or a report of earnings, is wrong.

    Raises:
        BadInput: it has no reason.
    """
    return node.record(lambda tx: disputes.raise_one(
        tx, numbered("dispute", tx.next), about, refs, by, reason, node.about.operator, node.rulebook, tx.now
    ))  # fmt: skip


def settle(
    node: Node, name: str, by: str, upheld: bool, reason: str, earned: Money | None = None, actors: tuple[str, ...] = ()
) -> DisputeSettled | Refusal:
    """A person decides a dispute; what puts it right is noted in the same breath.

    Raises:
        BadInput: it has no reason.
    """

    def command(tx: Transaction) -> DisputeSettled | Refusal:
        refused = only_people(tx, "settle-dispute", by, actors)
        if refused is not None:
            return refused
        note, report = numbered("credit-note", tx.next), numbered("report", tx.next)
        found = disputes.decide(tx, name, by, upheld, reason, note, report, earned)
        if isinstance(found, Refusal):
            return found
        settled, remedy = found
        if remedy is not None:
            tx.append(remedy)
        tx.append(settled)
        return settled

    return node.store.write(command)


def report_earnings(node: Node, agreement: str, by: str, period: str, earned: Money) -> EarningsReported | Refusal:
    """The consumer says what she earned with what she got; her share is owed at once.

    Raises:
        BadInput: the period cannot be an id, or the amount cannot be.
    """
    return node.record(lambda tx: pricing.report(tx, numbered("report", tx.next), agreement, by, period, earned))


def books(node: Node, party: str) -> Books:
    """What a party is on either side of, the newest first."""
    with node.store.read() as state:
        found = {row.id: row for row in (*state.list(Invoice, payer=party), *state.list(Invoice, issuer=party))}
        notes = {row.id: row for row in (*state.list(CreditNote, payer=party), *state.list(CreditNote, issuer=party))}
        raised = {row.id: row for row in (*state.list(Dispute, by=party), *state.list(Dispute, against=party))}
        sides = {side for row in found.values() for side in (row.issuer, row.payer)}
        sides |= {side for row in raised.values() for side in (row.by, row.against)}
        names = {side: row.name for side in sides if (row := state.get(Party, side)) is not None}
        return Books(
            _newest(found), tuple(sorted(notes.values(), key=lambda row: -row.seq)),
            tuple(sorted(raised.values(), key=lambda row: -row.seq)), names,
        )  # fmt: skip


def _newest(found: dict[str, Invoice]) -> tuple[Invoice, ...]:
    return tuple(sorted(found.values(), key=lambda row: -row.seq))


def show(node: Node, name: str, party: str | None) -> Shown | None:
    """An invoice that `party` (None: anybody) is on a side of; None if there is none."""
    with node.store.read() as state:
        row = state.get(Invoice, name)
        if row is None or party not in (None, row.issuer, row.payer):
            return None
        issuer, payer = state.get(Party, row.issuer), state.get(Party, row.payer)
        assert issuer is not None and payer is not None
        about = [one for one in state.list(Dispute, by=row.payer) if one.of == name]
        refs = tuple(ref for one in about for ref in one.refs)
        return Shown(row, issuer, payer, tuple(state.list(CreditNote, invoice=name)), tuple(about), refs)
