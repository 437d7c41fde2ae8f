"""`ledger`: balances and transfers, for people and for other programs; limits, money that comes in, corrections."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, party_of, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.income.ledger import Transfer
from usufruct.node import ledger as ledgers
from usufruct.wire import plaintext

ledger = group("The double-entry ledger: who is owed what, by whom, and why.")

Party = Annotated[str, typer.Argument(metavar="PARTY", help="the party, by its id")]
TRANSFERS = 20


@command(ledger, "show")
def show(
    transfers: Annotated[int, typer.Option(help="how many of the newest transfers to show")] = TRANSFERS,
    dir: Directory = HERE,
) -> None:
    """Balances, what is reserved, and the newest transfers."""
    with doors().open(dir) as node:
        found = ledgers.look(node)
    rows = [
        [a.id, Money(a.balance, a.currency), Money(a.reserved_out, a.currency), Money(a.reserved_in, a.currency)]
        for a in found.accounts
    ]
    heads = ["account", "balance", "to go out", "to come in"]
    table("balances (credits minus debits), and what is reserved", heads, list(rows), tuple(heads[1:]))
    newest = found.transfers[-transfers:] if transfers > 0 else ()
    moved = [
        [t.key, t.at[:10], t.debit, t.credit, Money(t.amount, t.currency), f"{_corrects(t)}{t.memo}"] for t in newest
    ]
    table("transfers", ["no", "day", "from", "to", "amount", "why"], list(moved), ("amount",))


def _corrects(transfer: Transfer) -> str:
    return f"corrects {transfer.corrects}: " if transfer.corrects else ""


@command(ledger, "export")
def export(
    format: Annotated[str, typer.Option("--format", help="beancount or hledger")],
    to: Annotated[Path | None, typer.Option(help="the file to write; else it is printed")] = None,
    dir: Directory = HERE,
) -> None:
    """All transfers as a journal that Beancount or hledger reads, with the balances for it to check."""
    if format not in plaintext.FORMATS:
        raise BadInput("input.format", f"`{format}` is no journal that is written here", "beancount or hledger")
    with doors().open(dir) as node:
        found, title = ledgers.look(node), node.about.name
    text = "".join(plaintext.FORMATS[format](found.transfers, found.accounts, title))
    if to is None:
        sys.stdout.write(text)
        return
    to.write_text(text, encoding="utf-8")
    out.print(f"wrote {len(found.transfers)} transfers to {to}", markup=False)


@command(ledger, "correct")
def correct(
    transfer: Annotated[str, typer.Argument(metavar="TRANSFER", help="which, as `ledger show` numbers it: 17/0")],
    why: Annotated[str, typer.Option(help="why it was wrong")],
    amount: Annotated[str, typer.Option(help="how much of it, as `5.00 EUR`; else all that is left")] = "",
    dir: Directory = HERE,
) -> None:
    """Take a transfer back, or a part of it, by a new one; it stays, and is named."""
    match = re.fullmatch(r"(\d{1,18})/(\d{1,9})", transfer)
    if match is None:
        raise BadInput("input.transfer", f"`{transfer}` is not the number of a transfer", "write it as 17/0")
    taken = parse_money(amount) if amount else None
    with doors().open(dir) as node:
        fact = done(ledgers.correct(node, int(match[1]), int(match[2]), taken, why, node.about.operator))
    out.print(f"of transfer {fact.seq}/{fact.n} {taken or 'everything'} is taken back", markup=False)


@command(ledger, "limit")
def limit(
    party: Party,
    most: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="what it may owe, as `50.00 EUR`; `none` lifts the limit")
    ],
    dir: Directory = HERE,
) -> None:
    """Say how much a party may owe; `0.00 EUR` is paying beforehand."""
    with doors().open(dir) as node:
        money = None if most == "none" else parse_money(most, node.about.currency)
        fact = done(ledgers.limit_credit(node, party_of(node, party), money, node.about.operator))
    so_much = "without a limit" if fact.limit is None else f"{Money(fact.limit, fact.currency)} at most"
    out.print(f"{party} may owe {so_much}", markup=False)


@command(ledger, "pay-in")
def pay_in(
    party: Party,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="as `100.00 EUR`")],
    reference: Annotated[str, typer.Option(help="what it is for, such as the number of an invoice")] = "",
    dir: Directory = HERE,
) -> None:
    """Record what a party paid, where no bank statement shows it."""
    with doors().open(dir) as node:
        money = parse_money(amount)
        done(ledgers.pay_in(node, party_of(node, party), money, reference, node.about.operator))
    out.print(f"{party} paid in {money}", markup=False)


@command(ledger, "exchange")
def exchange(
    party: Party,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="what it gives, as `100.00 EUR`")],
    to: Annotated[str, typer.Option(help="the currency that it becomes")],
    rate: Annotated[str, typer.Option(help="how much of that currency one whole unit is worth")],
    source: Annotated[str, typer.Option(help="who published the rate, and of which day it is")],
    dir: Directory = HERE,
) -> None:
    """Exchange what a party has into another currency, at a stated rate."""
    with doors().open(dir) as node:
        given = parse_money(amount)
        by = node.about.operator
        fact = done(ledgers.exchange(node, party_of(node, party), given, to, rate, source, by))
    out.print(f"{given} became {Money(fact.got, fact.got_currency)} at {fact.rate} ({fact.source})", markup=False)
