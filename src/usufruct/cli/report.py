"""`asset open`, `operation`, `report`: open data, authorised operation, and what the public is told of it each year."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.cli.register import asset
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.disclosure import in_tables
from usufruct.node import deliver, disclosure

operation = group("Public bodies let operators make products of public data.")
report = group("What is owed to the public, made from the journal.")


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class Part(StrEnum):
    """Which table of the disclosure."""

    AUTHORISATIONS = "authorisations"
    OPERATORS = "operators"
    PRODUCTS = "products"
    OPEN_DATA = "open-data"


# What of each table fits on a screen; JSON and CSV have all columns.
_SHOWN = {
    "authorisations": ("asset", "body", "operator", "method", "until"),
    "operators": ("operator", "name", "products"),
    "products": ("product", "asset", "operator", "price", "uses", "income"),
    "open-data": ("asset", "deliveries"),
}


@command(asset, "open")
def open_data(
    id: str,
    attribution: Annotated[str, typer.Option(help="how the source is to be named, in one line")],
    by: Annotated[str | None, typer.Option("--as", help="the party that opens it (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Let anybody have a table as it is, without an account: it must be about nobody, public and of grade 0."""
    with doors().open(dir) as node:
        fact = done(deliver.open_data(node, id, by or node.about.operator, attribution))
        address = f"{node.about.url}/open/{fact.asset}"
    out.print(f"opened {fact.asset} to anyone: {address}", markup=False, soft_wrap=True)


@command(asset, "close")
def close_data(
    id: str,
    by: Annotated[str | None, typer.Option("--as", help="the party that closes it (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Deliver nothing more of an open table; agreements on it stay."""
    with doors().open(dir) as node:
        fact = done(deliver.close_data(node, id, by or node.about.operator))
    out.print(f"closed {fact.asset}", markup=False)


@command(operation, "authorise")
def authorise(
    asset_id: Annotated[str, typer.Argument(metavar="ASSET")],
    operator: Annotated[str, typer.Option(help="the organisation that may make products of it")],
    method: Annotated[str, typer.Option(help="tender, restricted-tender, negotiation or assignment")],
    document: Annotated[str, typer.Option(help="the decision: its address, or sha256: and its digest")],
    until: Annotated[str, typer.Option(help="the day on which it ends")],
    by: Annotated[
        str | None, typer.Option("--as", help="the public body that authorises (default: the operator of the node)")
    ] = None,
    dir: Directory = HERE,
) -> None:
    """Authorise an operator, who can then offer products of the asset."""
    with doors().open(dir) as node:
        body = by or node.about.operator
        fact = done(disclosure.authorise(node, asset_id, body, operator, method, document, parse_instant(until)))
    out.print(f"{fact.body} authorised {fact.operator} to operate {fact.asset} until {fact.until[:10]}: {fact.right}")


@command(report, "disclosure")
def disclose(
    year: Annotated[int, typer.Argument(help="a calendar year (default: this one)")] = 0,
    format: Annotated[Format, typer.Option(help="text, json or csv")] = Format.TEXT,
    part: Annotated[Part, typer.Option(help="of csv: which table")] = Part.PRODUCTS,
    dir: Directory = HERE,
) -> None:
    """The yearly disclosure of authorised operation: authorisations, operators, products and prices."""
    with doors().open(dir) as node:
        found = disclosure.disclose(node, year or int(node.clock.now()[:4]))
    tables = in_tables(found)
    if format is Format.JSON:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=2))
    elif format is Format.CSV:
        columns, rows = tables[part]
        csv.writer(sys.stdout).writerows([columns, *rows])
    else:
        out.print(f"authorised operation of public data from {found.year}-01-01 to {found.year}-12-31")
        for name, (columns, rows) in tables.items():
            shown = [columns.index(column) for column in _SHOWN[name]]
            if rows:
                table(
                    name,
                    list(_SHOWN[name]),
                    [[row[i] for i in shown] for row in rows],
                    ("products", "uses", "deliveries"),
                )
            else:
                out.print(f"{name}: none")


@command(asset, "deliver")
def deliver_file(
    id: str,
    to: Annotated[Path, typer.Option(help="where to write it: a .csv or .parquet file")],
    dir: Directory = HERE,
) -> None:
    """Take an open table as a file, as anybody can from the node's pages."""
    suffix = to.suffix.lower().removeprefix(".")
    if suffix not in deliver.FORMATS:
        raise BadInput("input.format", f"`{to.name}` is neither CSV nor Parquet", "name a .csv or .parquet file")
    with doors().open(dir) as node:
        left = done(deliver.file(node, id, suffix))
        assert not isinstance(left.content, bytes)
        to.write_bytes(left.content.path.read_bytes())
    out.print(
        f"wrote {left.content.rows} rows of {id} to {to}; fact {left.seq}, sha256 {left.digest}",
        markup=False,
        soft_wrap=True,
    )
