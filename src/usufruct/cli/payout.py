"""`payout`: where everybody is to be paid, payouts as plans, and the bank's word on them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, party_of, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.income.payout_facts import PayoutProposed
from usufruct.node import ledger as ledgers
from usufruct.node import payout as payouts
from usufruct.wire import camt

payout = group("Pay what is owed: where to, a plan, the order to the bank, and what the bank says.")

Party = Annotated[str, typer.Argument(metavar="PARTY", help="who is to be paid, by id or as she is known")]
Name = Annotated[str, typer.Argument(metavar="PAYOUT", help="the payout")]
Why = Annotated[str, typer.Option(help="the reason; it is kept")]


@command(payout, "details")
def details(
    party: Party,
    iban: Annotated[str, typer.Option(help="pay to this account")] = "",
    holder: Annotated[str, typer.Option(help="whose account it is, as the bank writes it")] = "",
    bic: Annotated[str, typer.Option(help="the bank's BIC, where it is needed")] = "",
    purse: Annotated[bool, typer.Option("--purse", help="give it to the members' fund instead")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="let it stay owed")] = False,
    dir: Directory = HERE,
) -> None:
    """Say what is to become of what a party is owed, until it says otherwise."""
    if [bool(iban), purse, keep].count(True) != 1:
        raise BadInput("input.payout", "it does not say one thing", "give one of --iban, --purse and --keep")
    how = "bank" if iban else "purse" if purse else "keep"
    with doors().open(dir) as node:
        done(payouts.instruct(node, party_of(node, party), how, holder, iban, bic, node.about.operator))
        page = done(payouts.payee_page(node, party))
    told = {"bank": f"is paid to {page.veiled}", "purse": "gives it to the members' fund", "keep": "is owed it"}
    out.print(f"{party} {told[how]}; owed now: {', '.join(map(str, page.owed))}", markup=False)


@command(payout, "show")
def show(party: Party, dir: Directory = HERE) -> None:
    """What a party is owed, and what was paid to it."""
    with doors().open(dir) as node:
        page = done(payouts.payee_page(node, party))
    out.print(f"owed: {', '.join(map(str, page.owed))}", markup=False)
    rows = [[one.payout, one.at[:10], one.amount, one.found, one.reason] for one in page.payments]
    table("payments", ["payout", "day", "amount", "what became of it", "why"], list(rows), ("amount",))


@command(payout, "propose")
def propose(dir: Directory = HERE) -> None:
    """Work out a payout of everything that is owed; nothing is paid."""
    with doors().open(dir) as node:
        fact = done(payouts.propose(node))
    out.print(in_words(fact), markup=False)


def in_words(fact: PayoutProposed) -> str:
    """What a payout would do."""
    paid, given = sum(one.paid for one in fact.sources), sum(one.given for one in fact.sources)
    lines = [f"{fact.payout}: {fact.payments} payments of together {Money(paid, fact.currency)}"]
    if fact.donations:
        lines.append(f"  {fact.donations} give {Money(given, fact.currency)} to the members' fund")
    lines += [f"  from {one.account}: {Money(one.paid + one.given, fact.currency)}" for one in fact.sources]
    return "\n".join([*lines, f"send it with `usufruct payout send {fact.payout}`, or refuse it"])


@command(payout, "refuse")
def refuse(name: Name, why: Why, dir: Directory = HERE) -> None:
    """Say no to a payout that was proposed."""
    with doors().open(dir) as node:
        done(payouts.refuse_payout(node, name, why, node.about.operator))
    out.print(f"{name} is refused", markup=False)


@command(payout, "send")
def send(name: Name, dir: Directory = HERE) -> None:
    """Approve a payout: the order to the bank is written, for you to take there."""
    with doors().open(dir) as node:
        done(payouts.approve(node, name, node.about.operator))
        told = payouts.follow(node)
        order = node.payer.order(name)
    out.print(told or f"{name} is approved; there was nothing for the bank to do", markup=False, soft_wrap=True)
    if order is not None:
        out.print(f"the order is in {order.parent}; take it to the bank", markup=False, soft_wrap=True)


@command(payout, "end")
def end(name: Name, why: Why, dir: Directory = HERE) -> None:
    """End a payout of which the bank will say no more; what it did not book is owed again."""
    with doors().open(dir) as node:
        done(payouts.end(node, name, why, node.about.operator))
        payouts.follow(node)
    out.print(f"{name} is ended; what the bank did not book is owed again", markup=False)


@command(payout, "reconcile")
def reconcile(
    file: Annotated[Path, typer.Argument(help="the bank's statement (camt.053) or status report (pain.002), XML")],
    dir: Directory = HERE,
) -> None:
    """Read a bank statement in, and find the payments on it."""
    if not file.is_file():
        raise BadInput("input.statement", f"there is no file `{file}`", "name the file that the bank gave")
    data = file.read_bytes()
    statement = camt.read(data)
    with doors().open(dir) as node:
        found = done(payouts.read_statement(node, statement, hashlib.sha256(data).hexdigest(), node.about.operator))
        payouts.follow(node)
    out.print("\n".join(told(found)), markup=False)


def told(found: payouts.Reconciled) -> list[str]:
    """What a statement brought, in words."""
    if found.fact is None:
        return ["this statement was read before; nothing changed"]
    fact = found.fact
    lines = [f"statement {fact.statement}: {len(fact.lines)} new lines"]
    words = {"paid": "paid", "part": "paid, booked as one", "returned": "came back", "rejected": "never made"}
    for line in fact.lines:
        if line.found == "unmatched":
            lines.append(f"  {line.id}  {line.day}  {Money(line.amount, fact.currency)}  nobody knows what this is")
        else:
            amount = Money(sum(move.amount for move in line.moves), fact.currency)
            why = f" ({line.reason})" if line.reason else ""
            lines.append(f"  {line.end_to_end}  {amount}  {words[line.found]}{why}")
    if found.gap:
        lines.append(
            f"it opens {Money(found.gap, fact.currency)} off where the last one closed: one between them is missing"
        )
    return lines


@command(payout, "explain")
def explain(
    line: Annotated[str, typer.Argument(metavar="LINE", help="the line, as `payout list` names it")],
    party: Annotated[str, typer.Option(help="whose money it moved")],
    reference: Annotated[str, typer.Option(help="what it was, such as the number of an invoice")] = "",
    dir: Directory = HERE,
) -> None:
    """Say whose money an unmatched line of a bank statement moved."""
    with doors().open(dir) as node:
        by = node.about.operator
        fact = done(ledgers.explain_line(node, line, party_of(node, party), reference, by))
    way = "from" if fact.amount > 0 else "to"
    out.print(f"{line} is {Money(abs(fact.amount), fact.currency)} {way} {party}", markup=False)


def _sum(proposed: PayoutProposed) -> Money:
    return Money(sum(source.paid for source in proposed.sources), proposed.currency)


@command(payout, "list")
def show_all(dir: Directory = HERE) -> None:
    """All payouts, what the next would be, and the lines of bank statements that nobody has explained."""
    with doors().open(dir) as node:
        page = payouts.payments_page(node)
        currency = node.about.currency
    rows = [
        [one.id, one.at[:10], one.state, one.proposed.payments, _sum(one.proposed), one.waiting, one.returned]
        for one in page.payouts
    ]
    table("payouts", ["payout", "day", "state", "payments", "sum", "without word", "came back"], list(rows), ("sum",))
    following = page.next
    out.print(
        f"the next would have {following.payments} payments and {following.donations} gifts; {following.silent} did not say "
        f"where to, {following.small} are owed too little, {following.back} have to say anew",
        markup=False,
    )
    lines = [[one.id, one.line.day, Money(one.line.amount, one.currency), one.line.reference] for one in page.unmatched]
    table(
        "lines that nobody has explained", ["line", "day", "amount", "the bank's reference"], list(lines), ("amount",)
    )
    if not page.ready:
        out.print(f"no account to pay from: set `pay_from` in node.toml to an IBAN ({currency})", markup=False)
