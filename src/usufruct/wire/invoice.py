"""An invoice as it is written: as plain text, as a page to keep, and for machines as JSON.

The fields are those of EN 16931-1 (the semantic model of electronic invoices in the EU) where it has one; their numbers
(BT-1 and so on) stand in the JSON beside the names, so that a program can write UBL or CII from it. Amounts are decimals in
text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from usufruct.core.base.money import DECIMALS, Money, decimal
from usufruct.core.income.invoices import CreditNote, Invoice


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice with the names of both sides and its credit notes."""

    invoice: Invoice
    issuer: str
    payer: str
    notes: tuple[CreditNote, ...]


def machine(found: Document) -> dict[str, Any]:
    """The invoice for programs."""
    row = found.invoice

    def amount(minor: int) -> str:
        return decimal(minor, DECIMALS[row.currency])

    return {
        "BT-1 invoice number": str(row.number), "BT-2 issue date": row.at[:10], "BT-3 type code": "380",
        "BT-5 currency": row.currency, "BT-9 due date": row.due[:10], "BT-22 note": row.note,
        "BT-27 seller name": found.issuer, "BT-29 seller identifier": row.issuer, "BT-44 buyer name": found.payer,
        "BT-46 buyer identifier": row.payer, "BT-106 sum of lines": amount(row.net),
        "BT-110 total tax": amount(row.tax), "BT-112 total with tax": amount(row.total),
        "BT-115 amount due": amount(row.total - sum(note.total for note in found.notes)),
        "BT-118 tax category": "AE" if row.note else "S" if row.rate else "Z", "BT-119 tax rate": decimal(row.rate, 2),
        "invoice": row.id, "period": row.period,
        "lines": [
            {"BT-126 line": number, "BT-131 net amount": amount(line.amount), "BT-153 item": line.text, "ref": line.ref,
             "asset": line.asset, "fact": line.seq}
            for number, line in enumerate(row.lines, 1)
        ],
        "credit notes": [
            {"BT-1 invoice number": str(note.number), "BT-3 type code": "381", "BT-25 preceding invoice": str(row.number),
             "credit note": note.id, "BT-2 issue date": note.at[:10], "reason": note.reason, "net": amount(note.net),
             "tax": amount(note.tax), "refunded": amount(note.refunded)}
            for note in found.notes
        ],
    }  # fmt: skip


def text(found: Document) -> str:
    """The invoice as plain text."""
    row = found.invoice
    lines = [
        f"Invoice {row.number} ({row.id})", f"from     {found.issuer} ({row.issuer})", f"to       {found.payer} ({row.payer})",
        f"date     {row.at[:10]}", f"for      {row.period}", f"due      {row.due[:10]}", "",
    ]  # fmt: skip
    lines += [f"{money(row, line.amount):>16}  {line.ref}: {line.text}" for line in row.lines]
    lines += ["", f"{money(row, row.net):>16}  net", f"{money(row, row.tax):>16}  tax at {decimal(row.rate, 2)} %"]
    lines += [f"{money(row, row.total):>16}  to be paid"]
    if row.note:
        lines.append(row.note)
    for note in found.notes:
        lines.append(f"{money(row, -note.total):>16}  credit note {note.number} of {note.at[:10]}: {note.reason}")
    if found.notes:
        lines.append(f"{money(row, row.total - sum(note.total for note in found.notes)):>16}  left")
    return "\n".join(lines)


def page(found: Document) -> str:
    """The invoice as a page that needs nothing else."""
    row = found.invoice
    body = "".join(
        f"<tr><td>{escape(line.ref)}</td><td>{escape(line.text)}</td><td>{money(row, line.amount)}</td></tr>"
        for line in row.lines
    )
    sums = [("Net", row.net), (f"Tax at {decimal(row.rate, 2)} %", row.tax), ("To be paid", row.total)]
    sums += [(f"Credit note {note.number} of {note.at[:10]}: {note.reason}", -note.total) for note in found.notes]
    feet = "".join(f"<tr><th colspan=2>{escape(what)}</th><td>{money(row, minor)}</td></tr>" for what, minor in sums)
    said = (
        f"{escape(found.issuer)} to {escape(found.payer)}, {row.at[:10]}, for {escape(row.period)}, due {row.due[:10]}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Invoice {row.number}</title><h1>Invoice {row.number}'
        f"</h1><p>{said}</p><table><thead><tr><th>Line</th><th>What</th><th>Amount</th></tr></thead><tbody>{body}</tbody>"
        f"<tfoot>{feet}</tfoot></table><p>{escape(row.note)}</p></html>\n"
    )


def money(row: Invoice, minor: int) -> str:
    """An amount of the invoice, as people read it."""
    return str(Money(minor, row.currency))


FORMS: dict[str, Callable[[Document], str]] = {
    "text": text,
    "html": page,
    "json": lambda found: json.dumps(machine(found), indent=1, ensure_ascii=False),
}
"""In which forms an invoice is written."""
