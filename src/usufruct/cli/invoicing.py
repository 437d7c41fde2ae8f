"""`invoice` and `dispute`, and `agreement earned`: what is owed, on paper, and what is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.cli.trade import agreement
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.income.invoices import unknown
from usufruct.node import invoicing
from usufruct.wire import invoice as document

invoice = group("Invoices, credit notes and refunds.")
dispute = group("What somebody says is wrong with what is owed, and what a person decides.")

As = Annotated[str, typer.Option("--as", help="the party that acts")]
Issuer = Annotated[str | None, typer.Option("--as", help="the issuer (default: the operator)")]


@command(invoice, "issue")
def issue(
    payer: Annotated[str, typer.Option("--to", help="who owes it")],
    period: Annotated[str, typer.Option(help="what to call the time it is for, as 2026-q4")],
    tax: Annotated[
        int | None, typer.Option(help="rate of the tax in basis points, as 1900 (default: the rulebook's)")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse-charge", help="the payer owes the tax")] = False,
    issuer: Issuer = None,
    dir: Directory = HERE,
) -> None:
    """Issue an invoice over all that is owed and on none yet."""
    with doors().open(dir) as node:
        fact = done(invoicing.issue(node, issuer or node.about.operator, payer, period, tax, reverse))
    total = Money(fact.net + fact.tax, fact.currency)
    out.print(
        f"{fact.invoice}: number {fact.number}, {len(fact.lines)} lines, {total}, due {fact.due[:10]}", markup=False
    )


@command(invoice, "list")
def list_invoices(by: Issuer = None, dir: Directory = HERE) -> None:
    """The invoices and credit notes that a party is on either side of."""
    with doors().open(dir) as node:
        found = invoicing.books(node, by or node.about.operator)
    table("invoices", ["id", "number", "period", "from", "to", "total", "due", "credited"], [
        [
            row.id, row.number, row.period, row.issuer, row.payer, Money(row.total, row.currency), row.due[:10],
            Money(row.credited, row.currency),
        ]
        for row in found.invoices
    ], ("number", "total", "credited"))  # fmt: skip
    table("credit notes", ["id", "number", "invoice", "total", "refunded", "reason"], [
        [row.id, row.number, row.invoice, Money(row.total, row.currency), Money(row.refunded, row.currency), row.reason]
        for row in found.notes
    ], ("number", "total", "refunded"))  # fmt: skip


@command(invoice, "show")
def show(
    id: str,
    form: Annotated[str, typer.Option(help="text, json or html")] = "text",
    to: Annotated[Path | None, typer.Option(help="write it to this file")] = None,
    dir: Directory = HERE,
) -> None:
    """Show an invoice with all that became of it."""
    if form not in document.FORMS:
        raise BadInput("input.invoice", f"`{form}` is no form of an invoice", f"use one of {', '.join(document.FORMS)}")
    with doors().open(dir) as node:
        found = invoicing.show(node, id, None)
    if found is None:
        done(unknown("invoice", id))
        return
    text = document.FORMS[form](document.Document(found.invoice, found.issuer.name, found.payer.name, found.notes))
    if to is not None:
        to.write_text(text, encoding="utf-8")
        out.print(f"wrote {to}", markup=False)
    else:
        typer.echo(text)


@command(invoice, "credit")
def credit(
    id: str,
    line: Annotated[list[str], typer.Option(help="a line and how much of it, as `use-17=5.00 EUR`; may be repeated")],
    reason: Annotated[str, typer.Option(help="why; the payer reads it")],
    issuer: Issuer = None,
    dir: Directory = HERE,
) -> None:
    """Put an invoice right by a credit note."""
    parts = {ref: parse_money(amount) for ref, _, amount in (one.partition("=") for one in line)}
    with doors().open(dir) as node:
        fact = done(invoicing.credit(node, id, issuer or node.about.operator, parts, reason))
    out.print(
        f"{fact.credit_note}: number {fact.number}, {Money(fact.net + fact.tax, fact.currency)} off {id}", markup=False
    )


@command(invoice, "refund")
def refund(
    note: Annotated[str, typer.Argument(metavar="NOTE")],
    how: Annotated[str, typer.Option(help="by which way: the bank's reference")],
    amount: Annotated[str | None, typer.Option(help="as `5.00 EUR` (default: all that is left)")] = None,
    issuer: Issuer = None,
    dir: Directory = HERE,
) -> None:
    """Note that money of a credit note was paid back."""
    with doors().open(dir) as node:
        money = parse_money(amount, node.about.currency) if amount else None
        fact = done(invoicing.refund(node, note, issuer or node.about.operator, how, money))
    out.print(f"refunded {Money(fact.amount, fact.currency)} of {note} to {fact.payer}", markup=False)


@command(dispute, "raise")
def raise_one(
    about: Annotated[str, typer.Argument(help="an invoice, or a report of earnings")],
    by: As,
    reason: Annotated[str, typer.Option(help="what is wrong")],
    line: Annotated[
        list[str] | None, typer.Option(help="a line of the invoice (default: all); may be repeated")
    ] = None,
    dir: Directory = HERE,
) -> None:
    """Say that what is owed is wrong; it is not divided until a person has decided."""
    with doors().open(dir) as node:
        fact = done(invoicing.dispute(node, about, by, reason, tuple(line or ())))
    out.print(f"{fact.dispute}: {fact.against} must decide by {fact.until[:10]}", markup=False)


@command(dispute, "settle")
def settle(
    id: str,
    reason: Annotated[str, typer.Option(help="why; who raised it reads it")],
    uphold: Annotated[bool, typer.Option("--uphold/--reject", help="put it right, or leave it as it is")],
    earned: Annotated[str | None, typer.Option(help="of a report: what it should have said")] = None,
    by: Annotated[str | None, typer.Option("--as", help="who decides (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Decide a dispute, as a person."""
    with doors().open(dir) as node:
        money = parse_money(earned, node.about.currency) if earned else None
        fact = done(invoicing.settle(node, id, by or node.about.operator, uphold, reason, money))
    by_what = f", by {fact.remedy}" if fact.remedy else ""
    out.print(f"{id} is {'upheld' if uphold else 'rejected'}{by_what}", markup=False)


@command(dispute, "list")
def list_disputes(by: Issuer = None, dir: Directory = HERE) -> None:
    """The disputes that a party raised, or has to decide."""
    with doors().open(dir) as node:
        found = invoicing.books(node, by or node.about.operator).disputes
    table("disputes", ["id", "about", "lines", "by", "against", "decide by", "state", "reason"], [
        [d.id, d.of, ", ".join(d.refs), d.by, d.against, d.until[:10], d.state, d.decided or d.reason] for d in found
    ])  # fmt: skip


@command(agreement, "earned")
def earned(
    id: str,
    amount: Annotated[str, typer.Argument(help="what you earned with it, as `1000.00 EUR`")],
    period: Annotated[str, typer.Option(help="in which time, as 2026-q4")],
    by: As,
    dir: Directory = HERE,
) -> None:
    """As the consumer: report what you earned; your share of it is owed at once."""
    with doors().open(dir) as node:
        fact = done(invoicing.report_earnings(node, id, by, period, parse_money(amount)))
    out.print(f"{fact.report}: {Money(fact.amount, fact.currency)} are owed", markup=False)
