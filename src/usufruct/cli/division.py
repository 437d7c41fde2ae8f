"""`division`: by what rule income is divided. Adopt and show rules; state costs; credit work and knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, party_of, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.income.waterfall import CREDITS, in_words
from usufruct.node import division as use_case
from usufruct.wire import division as wire

division = group("By what rule income is divided.")

Publisher = Annotated[str | None, typer.Option("--as", help="the publisher of the asset (default: the operator)")]
AssetName = Annotated[str, typer.Argument(metavar="ASSET", help="the asset")]


@command(division, "adopt")
def adopt(
    file: Annotated[Path, typer.Argument(help="the rule, as TOML")],
    asset: Annotated[str, typer.Option(help="for this asset only (default: all that have no rule of their own)")] = "",
    since: Annotated[str | None, typer.Option("--from", help="the day from which it applies (default: now)")] = None,
    by: Publisher = None,
    dir: Directory = HERE,
) -> None:
    """Adopt a rule of division for what is earned from now on."""
    if not file.is_file():
        raise BadInput("input.division", f"there is no file `{file}`", "write the rule as TOML, and name its file")
    with doors().open(dir) as node:
        rule = wire.read(file.read_text(encoding="utf-8"), node.about.currency)
        effective = parse_instant(since) if since else None
        fact = done(use_case.adopt(node, rule, asset, effective, by or node.about.operator))
    whose = f"`{asset}`" if asset else "every asset without a rule of its own"
    out.print(f"adopted rule {fact.number} for {whose}, from {fact.effective[:10]} on", markup=False)
    for line in in_words(fact.rule):
        out.print(f"  {line}", markup=False)


@command(division, "show")
def show(
    asset: Annotated[str | None, typer.Argument(metavar="ASSET", help="the asset (default: all)")] = None,
    dir: Directory = HERE,
) -> None:
    """By what rule the income of an asset is divided, what it cost, and who is credited."""
    with doors().open(dir) as node:
        found = [one for one in use_case.in_force(node) if asset in (None, one.asset)]
        currency = node.about.currency
    if not found:
        raise BadInput("input.asset", f"there is no asset `{asset}`", "look at `usufruct asset list`")
    for one in found:
        number = f"rule {one.number}{' of its own' if one.own else ''}" if one.number else "the rulebook"
        out.print(f"{one.asset}: {number}, {one.rule.title} ({one.rule.authority})", markup=False)
        for line in in_words(one.rule):
            out.print(f"  {line}", markup=False)
        if one.costs:
            rows = [[c.id, c.party, Money(c.amount, c.currency), Money(c.paid, currency), c.what] for c in one.costs]
            table("costs", ["id", "to", "amount", "paid back", "for"], rows, ("amount", "paid back"))
        if one.credits:
            lines = [
                [c.id, c.party, c.kind, c.units, "" if c.until == END_OF_TIME else c.until[:10], c.ended or c.why]
                for c in one.credits
            ]
            table("credits", ["id", "party", "for", "units", "until", "why"], lines, ("units",))


@command(division, "cost")
def cost(
    asset: AssetName,
    party: Annotated[str, typer.Argument(metavar="PARTY", help="who paid, and gets it back")],
    amount: Annotated[str, typer.Argument(help="how much, as 120.00 EUR")],
    what: Annotated[str, typer.Argument(help="what for")],
    evidence: Annotated[str, typer.Option(help="the bill: its number, or where it lies")] = "",
    by: Publisher = None,
    dir: Directory = HERE,
) -> None:
    """State what an asset cost; it is paid back first, as far as the rule lets it."""
    with doors().open(dir) as node:
        paid = parse_money(amount, node.about.currency)
        who = by or node.about.operator
        fact = done(use_case.state_cost(node, asset, party_of(node, party), paid, what, evidence, who))
    out.print(f"recorded {fact.cost}: {paid} for {fact.what}", markup=False)


@command(division, "credit")
def credit(
    asset: AssetName,
    party: Annotated[str, typer.Argument(metavar="PARTY", help="who did it")],
    kind: Annotated[str, typer.Argument(help=f"one of {', '.join(CREDITS)}")],
    units: Annotated[int, typer.Argument(help="how much of it: hours, records, points; the same for all who share")],
    why: Annotated[str, typer.Argument(help="what was done")],
    until: Annotated[str | None, typer.Option(help="the day until which it counts (default: no end)")] = None,
    by: Publisher = None,
    dir: Directory = HERE,
) -> None:
    """Credit a party with work or knowledge that it put into an asset."""
    with doors().open(dir) as node:
        end = parse_instant(until) if until else None
        who = by or node.about.operator
        fact = done(use_case.grant_credit(node, asset, kind, party_of(node, party), units, why, end, who))
    out.print(f"granted {fact.credit}: {fact.units} for {fact.kind}", markup=False)


@command(division, "uncredit")
def uncredit(
    id: Annotated[str, typer.Argument(metavar="CREDIT", help="the credit")],
    why: Annotated[str, typer.Argument(help="why it counts no more")],
    by: Publisher = None,
    dir: Directory = HERE,
) -> None:
    """End a credit."""
    with doors().open(dir) as node:
        fact = done(use_case.end_credit(node, id, why, by or node.about.operator))
    out.print(f"ended {fact.credit}", markup=False)
