"""Invoices and credit notes: what a payer owes an issuer for a time, as one document that stands.

What is owed was posted when it came about: the price when a question was answered, a fee when it was due, a share when
earnings were reported. An invoice moves none of that again. It says it in one place, under a number that follows on the
one before (Directive 2006/112/EC, article 226(2)), and adds the tax that the issuer states, which it posts. So the lines
of all invoices to a payer, and what is not invoiced yet, are what the ledger took from her account.

An invoice is never changed. What was wrong in it is put right by a credit note, which names the invoice and the lines, has
a number of its own, and posts the amount back. If the income was not divided yet, it is taken from there; if it was, the
issuer bears it: members keep what they were paid.

The issuer is who provides the asset under the agreement. Which rate of tax applies, or that the payer owes it (article
196), is for her to know: the node writes down what she states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from usufruct.core.access.clauses import EarnedFee
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked, numbered
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement
from usufruct.core.income.state import LastPeriod
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Party
from usufruct.core.rulebook.parameters import Rulebook

INVOICE, NOTE = "invoice", "credit-note"
WHOLE = 10_000  # basis points
RATE_MAX = 5_000
LINES_MAX = 50_000
REVERSE_CHARGE = "Reverse charge: the customer is liable for the tax (Directive 2006/112/EC, articles 196 and 226(11a))"


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """`amount` minor units for what the fact number `seq` made owed: a use, a fee or a share, called `ref`. `asset` earned it;
    `text` says what it was."""

    ref: str
    asset: str
    text: str
    amount: int
    seq: int


@dataclass(frozen=True, slots=True)
class InvoiceIssued(Fact):
    """Invoice `number` of `issuer`: what `payer` owed it by the fact `through`, and what was not invoiced before. `tax` comes to
    `rate` basis points of the lines; `note` is what must stand beside it. To be paid by `due`."""

    KIND = "invoice.issued/1"
    invoice: str
    issuer: str
    payer: str
    number: int
    period: str
    through: int
    lines: tuple[InvoiceLine, ...]
    currency: str
    net: int
    rate: int
    tax: int
    note: str
    due: Instant

    def about(self) -> tuple[str, ...]:
        return (self.issuer, self.payer)


@dataclass(frozen=True, slots=True)
class CreditLine:
    """`amount` minor units of the invoice's line `ref` are not owed. `undivided` says whether they are taken from the income of
    `asset` that waits to be divided; else the issuer bears them."""

    ref: str
    asset: str
    amount: int
    undivided: bool


@dataclass(frozen=True, slots=True)
class CreditNoteIssued(Fact):
    """Credit note `number` of `issuer` puts an invoice right, because of `reason`; its fold posts the correction."""

    KIND = "credit-note.issued/1"
    credit_note: str
    invoice: str
    issuer: str
    payer: str
    number: int
    lines: tuple[CreditLine, ...]
    currency: str
    net: int
    tax: int
    reason: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.issuer, self.payer)


@dataclass(frozen=True, slots=True)
class RefundMade(Fact):
    """`amount` of a credit note was paid back to the payer; `how` says by which way (a reference of the bank)."""

    KIND = "refund.made/1"
    credit_note: str
    payer: str
    amount: int
    currency: str
    how: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.payer,)


@dataclass(frozen=True, slots=True)
class Invoice(Row):
    """See `InvoiceIssued`, the fact number `seq`; `credited` of net and tax were credited since."""

    KEY = ("id",)
    INDEXED = ("issuer", "payer")
    id: str
    issuer: str
    payer: str
    number: int
    period: str
    lines: tuple[InvoiceLine, ...]
    currency: str
    net: int
    rate: int
    tax: int
    note: str
    at: Instant
    due: Instant
    seq: int
    credited: int = 0

    @property
    def total(self) -> int:
        """What is to be paid, in minor units."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class CreditNote(Row):
    """See `CreditNoteIssued`, the fact number `seq`; `refunded` of it was paid back."""

    KEY = ("id",)
    INDEXED = ("invoice", "issuer", "payer")
    id: str
    invoice: str
    issuer: str
    payer: str
    number: int
    lines: tuple[CreditLine, ...]
    currency: str
    net: int
    tax: int
    reason: str
    at: Instant
    seq: int
    refunded: int = 0

    @property
    def total(self) -> int:
        """What it takes off, in minor units."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Numbering(Row):
    """The last number of an issuer in a series: `invoice` or `credit-note`."""

    KEY = ("issuer", "series")
    issuer: str
    series: str
    last: int


@dataclass(frozen=True, slots=True)
class Billed(Row):
    """The line of an invoice that something owed stands in, and how much of it was `credited`: `unearned` of that before the
    income was divided."""

    KEY = ("ref",)
    INDEXED = ("invoice",)
    ref: str
    invoice: str
    credited: int = 0
    unearned: int = 0


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that an invoice, or what follows it, changes."""
    match entry.fact:
        case InvoiceIssued() as fact:
            yield Numbering(fact.issuer, INVOICE, fact.number)
            yield Invoice(
                fact.invoice, fact.issuer, fact.payer, fact.number, fact.period, fact.lines, fact.currency, fact.net,
                fact.rate, fact.tax, fact.note, entry.at, fact.due, entry.seq,
            )  # fmt: skip
            for line in fact.lines:
                yield Billed(line.ref, fact.invoice)
        case CreditNoteIssued() as fact:
            yield Numbering(fact.issuer, NOTE, fact.number)
            yield CreditNote(
                fact.credit_note, fact.invoice, fact.issuer, fact.payer, fact.number, fact.lines, fact.currency, fact.net,
                fact.tax, fact.reason, entry.at, entry.seq,
            )  # fmt: skip
            invoice = read.get(Invoice, fact.invoice)
            assert invoice is not None
            yield replace(invoice, credited=invoice.credited + fact.net + fact.tax)
            for taken in fact.lines:
                row = read.get(Billed, taken.ref)
                assert row is not None
                unearned = row.unearned + taken.amount * taken.undivided
                yield replace(row, credited=row.credited + taken.amount, unearned=unearned)
        case RefundMade() as fact:
            note = read.get(CreditNote, fact.credit_note)
            assert note is not None
            yield replace(note, refunded=note.refunded + fact.amount)
        case _:
            return


def next_number(read: Reader, issuer: str, series: str) -> int:
    """The number after the last: asked in the writer's turn, so there are no gaps and none twice."""
    row = read.get(Numbering, issuer, series)
    return row.last + 1 if row else 1


def tax_on(net: int, rate: int) -> int:
    """The tax on `net` at `rate` basis points, in whole minor units; half a unit counts as one."""
    return (net * rate + WHOLE // 2) // WHOLE


# ---- invoices


def open_lines(read: Reader, issuer: str, payer: str) -> Iterator[InvoiceLine]:
    """What a payer owes an issuer and is on no invoice yet, in the order in which it came about."""
    agreements = {row.id: row for row in read.list(Agreement, consumer=payer) if row.provider == issuer}
    found = [*_uses(read, payer, agreements), *_fees(read, agreements)]
    yield from sorted((line for line in found if read.get(Billed, line.ref) is None), key=lambda line: line.seq)


def _uses(read: Reader, payer: str, agreements: dict[str, Agreement]) -> Iterator[InvoiceLine]:
    """Answered questions that cost something, and those that would have but for a rule."""
    for use in read.list(Use, requester=payer):
        if use.state == "answered" and use.agreement in agreements and (use.price or use.priced_by):
            free = f"; free by the rule {use.priced_by}" if use.priced_by else ""
            yield InvoiceLine(
                use.id, use.asset, f"{use.asset}, {use.purpose}: {use.meaning}{free}"[:300], use.price, use.ended
            )


def _fees(read: Reader, agreements: dict[str, Agreement]) -> Iterator[InvoiceLine]:
    for asset in dict.fromkeys(row.asset for row in agreements.values()):
        for fee in read.list(EarnedFee, asset=asset):
            if fee.agreement in agreements:
                yield InvoiceLine(
                    numbered("fee", fee.seq), asset, f"{asset}: fee of {fee.agreement}", fee.amount, fee.seq
                )


def issue(
    read: Reader, name: str, issuer: str, payer: str, period: str, through: int, rate: int | None, reverse: bool,
    currency: str, rulebook: Rulebook, at: Instant,
) -> InvoiceIssued | Refusal:  # fmt: skip
    """An invoice over all that is owed and was not invoiced. `rate` is the tax, in basis points (None: the rulebook's);
    with `reverse` the payer owes it.

    Raises:
        BadInput: the name of the period or the rate cannot be.
    """
    checked(period, "a period")
    stated = rulebook.value("invoice.tax-basis-points", at) if rate is None else rate
    if not 0 <= stated <= RATE_MAX or (reverse and rate):
        raise BadInput(
            "input.invoice", "the tax cannot be that", f"give 0 to {RATE_MAX} basis points, none with a reverse charge"
        )
    not_done = f"no invoice was issued to `{payer}`"
    if read.get(Party, payer) is None:
        return refuse("registry.unknown", not_done, f"there is no party `{payer}`", remedy="see the list of parties")
    lines = tuple(open_lines(read, issuer, payer))[:LINES_MAX]
    if not lines:
        return refuse(
            "income.nothing-to-invoice", not_done, f"`{payer}` owes `{issuer}` nothing that is not invoiced already",
            remedy="wait until a question has been answered at a price, or a fee was due",
        )  # fmt: skip
    net, stated = sum(line.amount for line in lines), 0 if reverse else stated
    return InvoiceIssued(
        name, issuer, payer, next_number(read, issuer, INVOICE), period, through, lines, currency, net, stated,
        tax_on(net, stated), REVERSE_CHARGE if reverse else "", later(at, days=rulebook.value("invoice.due-days", at)),
    )  # fmt: skip


# ---- credit notes and refunds


def undivided(read: Reader, line: InvoiceLine, held: bool) -> bool:
    """Whether what a line earned still waits to be divided: nothing closed over it, or it was `held` out."""
    last = read.get(LastPeriod)
    return held or last is None or line.seq > last.last


def credit(
    read: Reader, name: str, invoice: Invoice, parts: dict[str, int], reason: str, by: str, held: Iterable[str] = ()
) -> CreditNoteIssued | Refusal:
    """A credit note over `parts` (minor units) of the lines of an invoice; what is `held` was not divided.

    Raises:
        BadInput: it has no reason, or an amount that cannot be.
    """
    if not reason.strip() or any(amount <= 0 for amount in parts.values()):
        raise BadInput(
            "input.invoice", "the credit note has no reason, or no amount", "say why, and name amounts above 0"
        )
    by_ref, taken, kept = {line.ref: line for line in invoice.lines}, [], set(held)
    for ref, amount in parts.items():
        line, row = by_ref.get(ref), read.get(Billed, ref)
        left = line.amount - row.credited if line is not None and row is not None else 0
        if line is None or amount > left:
            return refuse(
                "income.credit-note", f"nothing of `{invoice.id}` was credited",
                f"{left} minor units of `{ref[:80]}` are left on it",
                remedy="name lines of the invoice, and no more than is left of each",
            )  # fmt: skip
        taken.append(CreditLine(ref, line.asset, amount, undivided(read, line, ref in kept)))
    net = sum(parts.values())
    before = list(read.list(CreditNote, invoice=invoice.id))
    credited, off = sum(note.net for note in before), sum(note.tax for note in before)
    tax = (
        invoice.tax - tax_on(invoice.net - credited - net, invoice.rate) - off
    )  # so all of it comes off with the last line
    return CreditNoteIssued(
        name, invoice.id, invoice.issuer, invoice.payer, next_number(read, invoice.issuer, NOTE), tuple(taken),
        invoice.currency, net, tax, holdable(reason.strip()), by,
    )  # fmt: skip


def refund(read: Reader, note: str, amount: int | None, how: str, by: str) -> RefundMade | Refusal:
    """Money of a credit note goes back; all that is left of it, unless an `amount` is named.

    Raises:
        BadInput: it does not say how, or the amount cannot be.
    """
    if not how.strip() or (amount is not None and amount <= 0):
        raise BadInput(
            "input.invoice", "a refund needs an amount, and a word how it was paid", "name the bank's reference"
        )
    row = read.get(CreditNote, note)
    if row is None or row.issuer != by:
        return unknown("credit note", note)
    left = row.total - row.refunded
    paid = left if amount is None else amount
    if not 0 < paid <= left:
        return refuse(
            "income.credit-note", f"nothing was refunded of `{note}`", f"{left} minor units of it are left",
            remedy="refund no more than that",
        )  # fmt: skip
    return RefundMade(note, row.payer, paid, row.currency, holdable(how.strip()), by)


def unknown(what: str, name: str) -> Refusal:
    """The refusal for what is not there, and for what is another's."""
    return refuse(
        "registry.unknown", "nothing was done", f"there is no {what} `{name[:80]}` of yours",
        remedy="take the ids from your own list",
    )  # fmt: skip
