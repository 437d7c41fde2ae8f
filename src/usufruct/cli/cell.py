"""`member deposit`, `offer`, `withdraw`: data that a member deposits herself, in her own hands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, done, doors, out, party_of
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import parse as parse_money
from usufruct.node import deposit as deposits
from usufruct.wire import card as cards

Member = Annotated[str, typer.Argument(metavar="MEMBER", help="the member whose own data it is")]
CellId = Annotated[str, typer.Argument(metavar="CELL", help="the cell, as it was called when it was deposited")]


def deposit(
    id: Member,
    file: Annotated[Path, typer.Argument(help="a CSV file about her and nobody else")],
    title: Annotated[str, typer.Option(help="what others read if she offers it")] = "",
    card: Annotated[Path | None, typer.Option(help="its card, TOML (default: every column sensitive)")] = None,
    dir: Directory = HERE,
) -> None:
    """Deposit a member's own table in her own cell, which nobody can use before she says so."""
    for path in (file, *([card] if card else [])):
        if not path.is_file():
            raise BadInput("input.table", f"there is no file `{path}`", "name a CSV file, and a card if you have one")
    described = cards.read(card.read_text(encoding="utf-8")) if card else None
    with doors().open(dir) as node:
        made = done(deposits.deposit(node, party_of(node, id), file.read_bytes(), title, described))
    out.print(f"deposited as {made.id}: {made.quality.rows} rows, in {id}'s own hands", markup=False)


def offer(
    id: Member,
    cell: CellId,
    purpose: Annotated[list[str], typer.Option(help="a purpose it allows; may be repeated")],
    price: Annotated[str, typer.Option(help="for one question, as `5.00 EUR`")],
    years: Annotated[int, typer.Option(help="how long an agreement lasts")] = 1,
    dir: Directory = HERE,
) -> None:
    """Let the operator offer a member's cell; her consent is asked for each time."""
    with doors().open(dir) as node:
        made = done(deposits.offer(node, party_of(node, id), cell, purpose, parse_money(price), years))
    out.print(f"offered {cell} as {made}: {price} a question, for {', '.join(purpose)}", markup=False)


def withdraw(id: Member, cell: CellId, dir: Directory = HERE) -> None:
    """Take the offers of a member's cell back; agreements on it end at once."""
    with doors().open(dir) as node:
        ended = done(deposits.withdraw(node, party_of(node, id), cell))
    out.print(f"withdrew {cell}; {ended} agreement(s) on it ended", markup=False)
