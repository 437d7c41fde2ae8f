"""`levy`: what the public takes of what data earn. Adopt and end levies, see what they took, remit it, report on sellers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.income.sellers import ACTIVITIES, REPORTABLE, Report
from usufruct.core.rulebook.levy import in_words
from usufruct.node import levy as use_case
from usufruct.node import sellers
from usufruct.wire import dpi
from usufruct.wire import levy as wire

levy = group("Levies on what data earn.")

Name = Annotated[str, typer.Argument(metavar="LEVY", help="the levy")]
By = Annotated[str | None, typer.Option("--as", help="who signs (default: the operator)")]
Since = Annotated[str | None, typer.Option("--from", help="the day from which it applies (default: now)")]


@command(levy, "examples")
def examples(
    name: Annotated[str | None, typer.Argument(metavar="EXAMPLE", help="print this one")] = None,
) -> None:
    """The levies that are shipped as examples, with their sources; none is in force."""
    found = wire.examples()
    if name is None:
        for each in found:
            out.print(each, markup=False)
        return
    if name not in found:
        raise BadInput("input.levy", f"there is no example `{name}`", f"take one of {', '.join(found)}")
    typer.echo(found[name], nl=False)


@command(levy, "adopt")
def adopt(
    file: Annotated[Path, typer.Argument(help="the levy, as TOML")],
    asset: Annotated[str, typer.Option(help="on this asset only (default: on all)")] = "",
    since: Since = None,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Raise a levy on what is earned from now on."""
    if not file.is_file():
        raise BadInput("input.levy", f"there is no file `{file}`", "write the levy as TOML, and name its file")
    with doors().open(dir) as node:
        rule = wire.read(file.read_text(encoding="utf-8"), node.about.currency)
        effective = parse_instant(since) if since else None
        fact = done(use_case.adopt(node, rule, asset, effective, by or node.about.operator))
        words = in_words(rule, node.about.currency)
    where = f"`{asset}`" if asset else "all assets"
    out.print(f"adopted {rule.name}, version {fact.number}, on {where}, from {fact.effective[:10]} on", markup=False)
    out.print(f"  {words}", markup=False)
    out.print(f"  asked for by {rule.authority}: {rule.source}", markup=False)
    if rule.condition:
        out.print(f"  which supposes that {rule.condition}", markup=False)


@command(levy, "end")
def end(
    name: Name,
    why: Annotated[str, typer.Argument(help="why it is no longer raised")],
    since: Since = None,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Raise a levy no more."""
    with doors().open(dir) as node:
        effective = parse_instant(since) if since else None
        fact = done(use_case.end(node, name, why, effective, by or node.about.operator))
    out.print(f"{fact.name} is no longer raised from {fact.effective[:10]} on", markup=False)


@command(levy, "list")
def listed(dir: Directory = HERE) -> None:
    """The levies that are raised now, or from a later day on."""
    with doors().open(dir) as node:
        found = use_case.raised(node)
    if not found:
        out.print("no levy is raised")
    for one in found:
        until = "" if one.until == END_OF_TIME else f" until {one.until[:10]}"
        where = f" on {one.asset}" if one.asset else ""
        out.print(
            f"{one.name}, version {one.number}{where}, from {one.effective[:10]}{until}: {one.words}", markup=False
        )
        out.print(f"  asked for by {one.authority}: {one.source}", markup=False)
        if one.condition:
            out.print(f"  which supposes that {one.condition}", markup=False)


@command(levy, "report")
def report(dir: Directory = HERE) -> None:
    """What levies took, by period and destination, and what is still to be remitted."""
    with doors().open(dir) as node:
        found = use_case.report(node)
    rows = [[one.name, one.period or "not closed yet", one.account, one.amount] for one in found.lines]
    table("taken", ["levy", "period", "for", "amount"], rows, ("amount",))
    owed = [
        [one.name, one.account, *(Money(each, one.currency) for each in (one.taken, one.remitted, one.left))]
        for one in found.owed
    ]
    table("owed", ["levy", "for", "taken", "remitted", "left"], owed, ("taken", "remitted", "left"))


@command(levy, "remit")
def remit(
    name: Name,
    account: Annotated[str, typer.Argument(help="the account it was taken for, as fund:city")],
    amount: Annotated[str, typer.Argument(help="how much, as 120.00 EUR")],
    reference: Annotated[str, typer.Argument(help="the number of the payment or of the return")],
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Record that what was taken for a levy went to whom it is for."""
    with doors().open(dir) as node:
        paid = parse_money(amount)
        fact = done(use_case.remit(node, name, account, paid, reference, by or node.about.operator))
    out.print(f"remitted {paid} of {fact.name}: {fact.reference}", markup=False)


@command(levy, "dac7")
def dac7(
    year: Annotated[int, typer.Argument(help="the calendar year")],
    particulars: Annotated[
        Path | None,
        typer.Option("--sellers", help="what sellers stated of themselves, as TOML; the node keeps none of it"),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, json, csv or xml")] = "table",
    to: Annotated[Path | None, typer.Option(help="a file to write it to")] = None,
    test: Annotated[bool, typer.Option("--test", help="mark the XML as test data")] = False,
    dir: Directory = HERE,
) -> None:
    """What each seller earned in a year, by quarter, as platforms report it (Directive (EU) 2021/514)."""
    if particulars is not None and not particulars.is_file():
        raise BadInput("input.sellers", f"there is no file `{particulars}`", "name the file of particulars")
    said = dpi.read(particulars.read_text(encoding="utf-8")) if particulars else dpi.Particulars()
    with doors().open(dir) as node:
        found, now = sellers.report(node, year, said.said(), said.activity), node.clock.now()
    match form:
        case "table":
            _tell(found)
            return
        case "json":
            text = dpi.as_json(found)
        case "csv":
            text = dpi.as_csv(found)
        case "xml":
            text = dpi.as_xml(found, said, now, test).decode()
        case _:
            raise BadInput("input.format", f"`{form}` is no form of the report", "say table, json, csv or xml")
    if to is None:
        typer.echo(text, nl=False)
    else:
        to.write_text(text, encoding="utf-8")
        reported = sum(1 for one in found.sellers if one.standing == REPORTABLE)
        out.print(f"{to}: {reported} of {len(found.sellers)} sellers are to be reported for {year}", markup=False)


def _tell(found: Report) -> None:
    for one in found.sellers:
        quarters = one.quarters
        rows = [
            [f"Q{n + 1}", *(Money(each[n], found.currency) for each in (quarters.paid, quarters.fees, quarters.taxes)),
             quarters.activities[n]]
            for n in range(4)
        ]  # fmt: skip
        table(
            f"{one.name or one.party}: {ACTIVITIES[one.activity]}, {one.standing}",
            ["quarter", "consideration", "fees", "taxes", "activities"], rows,
            ("consideration", "fees", "taxes", "activities"),
        )  # fmt: skip
    if not found.sellers:
        out.print(f"nobody but the operator earned anything in {found.year}", markup=False)
