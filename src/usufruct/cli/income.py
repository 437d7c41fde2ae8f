"""`income`: what uses are divided by, and what each holder adds to a total."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.core.income import holders
from usufruct.node import shares as shares_of
from usufruct.wire import sql

income = group("What income is divided by, and who adds what.")


@command(income, "measure")
def choose_measure(
    asset: str,
    measure: Annotated[str, typer.Argument(help="`rows`, or `value`: what each person added to the answers")],
    by: Annotated[str | None, typer.Option("--as", help="the publisher (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Choose what the uses of an asset are divided by from here on."""
    with doors().open(dir) as node:
        fact = done(shares_of.choose_measure(node, asset, measure, by or node.about.operator))
    out.print(f"uses of {fact.asset} are divided by {fact.measure} from here on", markup=False)


@command(income, "shares")
def shares(
    text: Annotated[str, typer.Argument(metavar="SQL", help="one total, as `SELECT SUM(cost) FROM visits`")],
    holder: Annotated[
        list[str], typer.Option("--holder", help="the column that says whose a row is; of a join, several")
    ],
    players: Annotated[str, typer.Option(help="`records`, or `holders`, each with all her records")] = holders.RECORDS,
    orders: Annotated[int, typer.Option(help="how many orders to sample, where that is needed")] = shares_of.ORDERS,
    by: Annotated[str | None, typer.Option("--as", help="who looks (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Show what each holder adds to a total, exactly; for the node's own eyes, and recorded."""
    with doors().open(dir) as node:
        question = done(sql.parse_total(text))
        found = done(shares_of.read_shares(node, question, by or node.about.operator, holder, players, orders))
    whole = sum((one.share for one in found), Fraction(0))
    columns = ["holder", "records", "adds", "part"]
    rows = [[one.holder, f"{one.records:,}", _shown(one.share), _percent(one.share, whole)] for one in found]
    rows.append(["together", f"{sum(one.records for one in found):,}", _shown(whole), _percent(whole, whole)])
    if any(one.error is not None for one in found):
        columns.append("standard error")
        rows = [[*row, error] for row, error in zip(rows, [*(_error(one.error) for one in found), ""], strict=True)]
    table("", columns, rows, tuple(columns[1:]))


def _shown(share: Fraction) -> str:
    return f"{float(share):,.4f}".rstrip("0").rstrip(".")


def _percent(share: Fraction, whole: Fraction) -> str:
    return f"{float(100 * share / whole):.2f} %" if whole else "–"


def _error(error: Fraction | None) -> str:
    return "" if error is None else f"± {float(error):.4g}"
