"""`cover`: schemes of levies on what work earns, what they give a right to, claims, and the funds that pay them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, party_of, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.cover.collecting import Earned
from usufruct.core.cover.solvency import ASSUMPTION, Solvency
from usufruct.node import cover as use_case
from usufruct.wire import cover as wire

cover = group("Cover: levies on what work earns, and what they give a right to.")
scheme = group("Schemes: the levies and entitlements of one law or agreement.")
cover.add_typer(scheme, name="scheme")

By = Annotated[str | None, typer.Option("--as", help="who signs (default: the operator)")]
Since = Annotated[str | None, typer.Option("--from", help="the day from which it applies (default: now)")]
Who = Annotated[str, typer.Argument(metavar="PARTY", help="the person")]
SchemeName = Annotated[str, typer.Argument(metavar="SCHEME", help="the scheme")]
ClaimName = Annotated[str, typer.Argument(metavar="CLAIM", help="the claim")]


# ---- schemes


@command(scheme, "examples")
def examples(
    name: Annotated[str | None, typer.Argument(metavar="EXAMPLE", help="print this one")] = None,
) -> None:
    """The schemes that are shipped as examples, with their sources; none is raised."""
    found = wire.examples()
    if name is None:
        for each in found:
            out.print(each, markup=False)
        return
    if name not in found:
        raise BadInput("input.cover", f"there is no example `{name}`", f"take one of {', '.join(found)}")
    typer.echo(found[name], nl=False)


@command(scheme, "adopt")
def adopt(
    file: Annotated[Path, typer.Argument(help="the scheme, as TOML")],
    operator: Annotated[list[str] | None, typer.Option(help="with this operator only; may be repeated")] = None,
    since: Since = None,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Raise a scheme on what work earns from now on."""
    if not file.is_file():
        raise BadInput("input.cover", f"there is no file `{file}`", "write the scheme as TOML, and name its file")
    read = wire.read(file.read_text(encoding="utf-8"))
    with doors().open(dir) as node:
        effective = parse_instant(since) if since else None
        fact = done(use_case.adopt(node, read, operator or (), effective, by or node.about.operator))
    where = ", ".join(fact.operators) or "all operators"
    out.print(f"adopted {read.name}, version {fact.number}, with {where}, from {fact.effective[:10]} on", markup=False)
    out.print(f"  asked for by {read.authority}: {read.source}", markup=False)
    if read.gaps:
        out.print(f"  not in it: {read.gaps}", markup=False)


@command(scheme, "end")
def end(
    name: SchemeName,
    why: Annotated[str, typer.Argument(help="why it is no longer raised")],
    since: Since = None,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Raise a scheme no more."""
    with doors().open(dir) as node:
        effective = parse_instant(since) if since else None
        fact = done(use_case.end(node, name, why, effective, by or node.about.operator))
    out.print(f"{fact.name} is no longer raised from {fact.effective[:10]} on", markup=False)


@command(scheme, "list")
def listed(dir: Directory = HERE) -> None:
    """The schemes that are raised now, or from a later day on."""
    with doors().open(dir) as node:
        found = use_case.raised(node)
    if not found:
        out.print("no scheme is raised")
    for one in found:
        until = "" if one.until == END_OF_TIME else f" until {one.until[:10]}"
        out.print(f"{one.name}, version {one.number}, from {one.effective[:10]}{until}: {one.title}", markup=False)
        for line in one.levies:
            out.print(f"  takes {line}", markup=False)
        for line in one.entitlements:
            out.print(f"  gives {line}", markup=False)
        out.print(f"  asked for by {one.authority}: {one.source}", markup=False)


@command(cover, "estimate")
def estimate(
    file: Annotated[Path, typer.Argument(metavar="SCHEME", help="the scheme, as TOML")],
    earnings: Annotated[
        Path, typer.Argument(metavar="EARNINGS", help="what people earned, as CSV, a line for each month")
    ],
) -> None:
    """What a scheme would take of a file of earnings, before anybody adopts it; needs no node."""
    from usufruct.engine import earnings as whole  # only this command needs numpy and Arrow

    for one in (file, earnings):
        if not one.is_file():
            raise BadInput("input.cover", f"there is no file `{one}`", "name a scheme, and a file of earnings")
    read = wire.read(file.read_text(encoding="utf-8"))
    found = whole.estimate(read, earnings)
    out.print(
        f"{found.persons} persons, {found.rows} lines, {Money(found.gross, read.currency)} from customers", markup=False
    )
    rows = [[levy, payer, account, Money(amount, read.currency)] for levy, payer, account, amount in found.levies]
    table("", ["levy", "paid by", "to", "amount"], rows, ("amount",))


# ---- funds


@command(cover, "fund")
def fund(
    name: Annotated[str, typer.Argument(metavar="FUND", help="its name, without fund:")],
    title: Annotated[str, typer.Argument(help="what it is for")],
    reserve_months: Annotated[int, typer.Option(help="so many months of payments it keeps in reserve")] = 3,
    trustee: Annotated[list[str] | None, typer.Option(help="who decides on claims too; may be repeated")] = None,
    currency: Annotated[str, typer.Option(help="its currency (default: the node's)")] = "",
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Say what a pooled fund is for, what it keeps in reserve, and who decides on claims."""
    with doors().open(dir) as node:
        signer = by or node.about.operator
        fact = done(use_case.open_fund(node, name, title, reserve_months, trustee or (), signer, currency))
    out.print(f"fund:{fact.fund} is for {fact.title}, and keeps {fact.reserve_months} months in reserve", markup=False)


@command(cover, "funds")
def funds(dir: Directory = HERE) -> None:
    """How every fund stands: what is in it, what is claimed, how long it lasts, and how it goes on if nothing changes."""
    with doors().open(dir) as node:
        found = use_case.funds(node)
    for one in found:
        _tell_fund(one)
    if not found:
        out.print("there is no fund")


def _tell_fund(one: Solvency) -> None:
    def money(amount: int) -> Money:
        return Money(amount, one.currency)

    covered = (
        "nothing was paid out yet" if one.months_covered is None else f"{one.months_covered / 10:g} months of payments"
    )
    rows: list[list[Any]] = [
        ["balance", money(one.balance)],
        [f"open claims ({one.open_count})", money(one.open_claims)],
        [f"taken in {one.months} months", money(one.taken)],
        [f"paid out in {one.months} months", money(one.paid)],
        [f"reserve, {one.reserve_months} months", money(one.reserve)],
        ["lasts", covered],
        ["holds its reserve", "yes" if one.holds else "no"],
    ]
    table(f"fund:{one.fund}, {one.title}", ["", "now"], rows, ("now",))
    month, amount = one.projection[-1]
    out.print(f"  {money(amount)} at the end of {month}, supposing {ASSUMPTION}", markup=False)


# ---- a person


@command(cover, "about")
def about(
    party: Who,
    born: Annotated[str, typer.Argument(help="the day she was born, as 1996-05-17")],
    works_with: Annotated[str, typer.Option(help="what she works with, as `car`")] = "",
    dir: Directory = HERE,
) -> None:
    """Record what schemes must know of a person; it is sealed with her key."""
    with doors().open(dir) as node:
        done(use_case.state_particulars(node, party_of(node, party), born, works_with))
    out.print(f"recorded of {party}", markup=False)


@command(cover, "join")
def join(
    party: Who,
    name: SchemeName,
    option: Annotated[str, typer.Option(help="which of its options she chooses")] = "",
    dir: Directory = HERE,
) -> None:
    """Record that a person joins a scheme, or chooses an option of it."""
    with doors().open(dir) as node:
        done(use_case.opt_in(node, party_of(node, party), name, option))
    out.print(f"{party} joined {name}", markup=False)


@command(cover, "leave")
def leave(party: Who, name: SchemeName, dir: Directory = HERE) -> None:
    """Record that a person leaves a scheme that lets her."""
    with doors().open(dir) as node:
        done(use_case.opt_out(node, party_of(node, party), name))
    out.print(f"{party} left {name}", markup=False)


@command(cover, "take")
def take(
    party: Who,
    operator: Annotated[str, typer.Argument(help="with whom she earned it")],
    day: Annotated[str, typer.Argument(help="on which day, as 2026-11-23")],
    gross: Annotated[str, typer.Argument(help="what customers paid without tips, as 120.00 EUR")],
    fee: Annotated[str, typer.Option(help="what of it the operator kept")] = "",
    tips: Annotated[str, typer.Option(help="tips on top")] = "",
    dir: Directory = HERE,
) -> None:
    """Take the levies on earnings that were paid outside the node; what the node pays, it takes them of by itself."""
    with doors().open(dir) as node:
        paid = parse_money(gross)
        kept, more = (parse_money(text, paid.currency).minor if text else 0 for text in (fee, tips))
        earned = Earned(parse_instant(day)[:10], paid.minor, kept, more)
        facts = done(use_case.take(node, party_of(node, party), operator, [earned], paid.currency))
    rows = [
        [fact.scheme, levied.levy, levied.payer, part.to, Money(part.amount, fact.currency)]
        for fact in facts for levied in fact.collected for part in levied.parts
    ]  # fmt: skip
    if not rows:
        out.print("no scheme takes anything of it")
        return
    table("taken", ["scheme", "levy", "paid by", "to", "amount"], rows, ("amount",))


@command(cover, "of")
def of(party: Who, dir: Directory = HERE) -> None:
    """Somebody's cover with all operators: what was saved, what she is entitled to, what is missing, and her claims."""
    with doors().open(dir) as node:
        found = use_case.cover(node, party_of(node, party))
    rows = [[one.scheme, one.name, one.amount] for one in found.savings]
    table("saved", ["scheme", "account", "amount"], rows, ("amount",))
    for one in found.standings:
        out.print(f"{'yes' if one.entitled else 'no '} {one.title}", markup=False)
        out.print(f"    because {one.why}", markup=False)
        if one.missing:
            out.print(f"    missing: {one.missing}", markup=False)
    for line in found.unknown:
        out.print(f"not known: {line}", markup=False)
    claims = [[row.id, row.entitlement, Money(row.amount, row.currency), row.stands] for row in found.claims]
    table("claims", ["claim", "for", "amount", "stands"], claims, ("amount",))


# ---- claims


@command(cover, "claim")
def claim(
    party: Who,
    name: SchemeName,
    entitlement: Annotated[str, typer.Argument(help="what she claims under")],
    amount: Annotated[str, typer.Argument(help="how much, as 60.00 EUR")],
    reason: Annotated[str, typer.Argument(help="what happened")],
    on: Annotated[str | None, typer.Option(help="when it happened (default: now)")] = None,
    appeals: Annotated[str, typer.Option(help="the claim whose decision she does not accept")] = "",
    dir: Directory = HERE,
) -> None:
    """Claim what somebody is entitled to; a person decides on it."""
    with doors().open(dir) as node:
        when = parse_instant(on) if on else None
        money = parse_money(amount)
        fact = done(
            use_case.claim(node, party_of(node, party), name, entitlement, money, reason, when, appeals)
        )  # fmt: skip
    out.print(f"{fact.claim}: {money} under {entitlement} of {name}", markup=False)


@command(cover, "claims")
def claims(by: By = None, dir: Directory = HERE) -> None:
    """The claims that wait for a decision or for their payment, with what the node reckons about each."""
    with doors().open(dir) as node:
        found = use_case.waiting(node, by or node.about.operator)
    for one in found:
        row = one.claim
        out.print(
            f"{row.id}: {Money(row.amount, row.currency)} under {row.entitlement} of {row.scheme}, {row.stands}: {row.reason}",
            markup=False,
        )
        if one.standing:
            said = "entitled" if one.standing.entitled else "not entitled"
            out.print(f"    {said}, says the node: {one.standing.why}", markup=False)
    if not found:
        out.print("no claim waits")


@command(cover, "decide")
def decide(
    name: ClaimName,
    reasons: Annotated[str, typer.Argument(help="why")],
    grant: Annotated[str | None, typer.Option(help="how much is granted (default: nothing)")] = None,
    turn_to: Annotated[str, typer.Option(help="whom she can turn to, if she is not granted all")] = "",
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Decide on a claim, with reasons."""
    with doors().open(dir) as node:
        amount = parse_money(grant) if grant else None
        done(use_case.decide(node, name, amount, reasons, turn_to, by or node.about.operator))
    out.print(f"{name}: {f'{amount} granted' if amount else 'not granted'}", markup=False)


@command(cover, "pay")
def pay(name: ClaimName, by: By = None, dir: Directory = HERE) -> None:
    """Pay what was granted on a claim."""
    with doors().open(dir) as node:
        fact = done(use_case.pay(node, name, by or node.about.operator))
    out.print(f"{fact.claim}: {Money(fact.amount, fact.currency)} paid from {fact.account}", markup=False)
