"""`statutory`: what laws set, as the node's tables have it: a number on a day, as known on a day, and what is due by it."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import typer

from usufruct.cli.app import command, group, out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.rulebook import statutory as rules
from usufruct.core.rulebook.statutory.explained import Amount, Step, lines
from usufruct.core.rulebook.statutory.self_employed import NAME, USD
from usufruct.core.rulebook.statutory.tables import Figure, Table, covered
from usufruct.core.rulebook.statutory.trips import NEW_YORK

statutory = group("What laws set: dated tables, and what is due by them. Illustrations, not advice.")

On = Annotated[str, typer.Option(help="the day for which it is asked")]
Known = Annotated[str | None, typer.Option(help="the law as published by this day (default: all that the tables hold)")]


@command(statutory, "list")
def listed(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="all figures of this table")] = None,
) -> None:
    """The tables and regimes; with a name, every figure of that table with its dates and its source."""
    book = rules.shipped()
    if name is not None:
        _figures(book.table(name))
        return
    table("tables", ["name", "unit", "meaning", "covers"], [
        [each.name, each.unit, each.meaning, "; ".join(covered(each))] for each in book
    ])  # fmt: skip
    found = [[each.name, each.meaning, f"{len(each.lines)} rates"] for each in book.regimes.values()]
    rates = [*found, [NAME, "United States: who works on her own account, a year", "a schedule"]]
    table("regimes", ["name", "meaning", "made of"], rates)


def _figures(found: Table) -> None:
    out.print(f"{found.name}: {found.meaning}", markup=False)
    out.print(f"  set by {found.authority}: {found.source}", markup=False)
    out.print(f"  {found.link}", markup=False)
    out.print(f"  rounding of what is reckoned with it: {found.rounding}", markup=False)
    rows = [
        [figure.effective[:10], _ends(figure), _known(figure), _bands(found, figure), figure.source]
        for figure in found.figures
    ]
    table("", ["from", "until", "known", found.unit, "source"], rows)


def _ends(figure: Figure) -> str:
    return "" if figure.until == END_OF_TIME else figure.until[:10]


def _known(figure: Figure) -> str:
    return figure.known[:10] if figure.published else "by then"


def _bands(found: Table, figure: Figure) -> str:
    steps = [
        (band.start, str(Step("", band.value, found.unit)).removesuffix(f" {found.unit}")) for band in figure.bands
    ]
    return ", ".join(f"{value} from {start}" for start, value in steps) if found.by else steps[0][1]


@command(statutory, "value")
def value(
    name: Annotated[str, typer.Argument(metavar="NAME", help="the table")],
    on: On,
    known: Known = None,
    age: Annotated[int, typer.Option(help="the age in completed years, where the table goes by it")] = 0,
) -> None:
    """The number that applied on a day, as published by a day."""
    book, day = rules.shipped(), parse_instant(on)
    published = _day(known)
    figure, step = book.figure(name, day, published), book.step(name, day, published, age)
    out.print(f"{step}: {step.words}", markup=False)
    told = f"known since {figure.known[:10]}" if figure.published else "the day of its publication was not found"
    out.print(f"  {step.source}; {told}", markup=False)
    out.print(f"  {step.link}", markup=False)


@command(statutory, "due")
def due(
    regime: Annotated[str, typer.Argument(metavar="REGIME", help="the regime, as fr.micro.services")],
    turnover: Annotated[str, typer.Argument(metavar="AMOUNT", help="the turnover or profit, as 5000.00 EUR")],
    on: On,
    known: Known = None,
    tax: Annotated[bool, typer.Option("--tax", help="and the income tax that is paid with it")] = False,
) -> None:
    """What is due of a turnover by a regime, with every step and the law behind it."""
    given = parse_money(turnover)
    found = rules.shipped().regimes.get(regime)
    currency = found.currency if found else USD if regime == NAME else given.currency
    if given.currency != currency:
        raise BadInput("input.money", f"`{regime}` is reckoned in {currency}", f"write the amount in {currency}")
    _tell(rules.contributions(regime, given.minor, parse_instant(on), _day(known), tax=tax))


@command(statutory, "trip")
def trip(
    metres: Annotated[int, typer.Argument(metavar="METRES", help="the way with a passenger")],
    seconds: Annotated[int, typer.Argument(metavar="SECONDS", help="the time with a passenger")],
    on: On,
    known: Known = None,
    utilisation: Annotated[
        str | None, typer.Option(help="the company's own, as 0.69 (default: the sector's rates)")
    ] = None,
    outside: Annotated[bool, typer.Option("--outside", help="the trip went out of town")] = False,
    accessible: Annotated[bool, typer.Option("--accessible", help="the car takes wheelchairs")] = False,
) -> None:
    """The least that a driver is paid for one trip in New York City, with every step."""
    own = _part(utilisation) if utilisation else None
    day = parse_instant(on)
    _tell(rules.per_trip(NEW_YORK, metres, seconds, day, own, _day(known), outside=outside, accessible=accessible))


def _part(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise BadInput("input.statutory", f"`{text}` is no utilisation", "write a part of 1, as 0.69") from None


def _day(text: str | None) -> Instant | None:
    return parse_instant(text) if text else None


def _tell(found: Amount) -> None:
    out.print(str(Money(found.minor, found.currency)), markup=False)
    for line in lines(found.why, 1):
        out.print(line, markup=False)
