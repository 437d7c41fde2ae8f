"""`grades`, `classify`: how data of each grade are handled, and a first word on what a new table holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import command, group, out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.rulebook.grades import GRADES, SCHEMES, TABLES
from usufruct.engine import intake, source
from usufruct.wire import card

classify = group("What a new table holds: proposed by the node, confirmed by a person.")


def grades() -> None:
    """How data of each grade are handled, and what others call the grades."""
    newest = TABLES[-1]
    out.print(f"in force from {newest.effective[:10]}, by {newest.authority}", markup=False)
    table(
        "grades",
        ["grade", "may leave", "least group", "known by", "seconds", "basis", "log", "obligations"],
        [
            [
                f"{g.number} {g.name}", ", ".join(g.forms) or "nothing", g.group_min, g.assurance, g.decision_seconds, g.basis,
                g.log, ", ".join(g.obligations),
            ]
            for g in newest.grades
        ],
        ("least group", "seconds"),
    )  # fmt: skip
    table(
        "in the words of others", ["scheme", *(g.name for g in GRADES)],
        [[scheme.name, *(level or "–" for level in scheme.levels)] for scheme in SCHEMES],
    )  # fmt: skip


@command(classify, "table")
def classify_table(
    file: str, name: Annotated[str, typer.Option("--table", help="which table of the file or database")] = ""
) -> None:
    """What each column of a table may be, and why; `asset propose` writes it into a card."""
    proposed = intake.propose(source.named(file, name))
    table(
        "", ["column", "class", "grade", "because"],
        [[p.name, p.data_class, GRADES[p.grade].name, "; ".join(p.reasons)] for p in proposed],
    )  # fmt: skip


@command(classify, "confirm")
def confirm(
    card_file: Annotated[Path, typer.Argument(metavar="CARD", help="the card, TOML")],
    columns: Annotated[list[str] | None, typer.Argument(help="the columns; without any: which ones wait")] = None,
    grade: Annotated[str, typer.Option(help="the grade, if it is another than the one proposed")] = "",
    data_class: Annotated[str, typer.Option("--class", help="the class, if it is another")] = "",
) -> None:
    """Confirm what was proposed for columns of a card, after having looked at them."""
    if not card_file.is_file():
        raise BadInput("input.card", f"there is no file `{card_file}`", "make one with `usufruct asset propose`")
    text = card_file.read_text(encoding="utf-8")
    for column in columns or ():
        text = card.confirm(text, column, grade, data_class)
    card_file.write_text(text, encoding="utf-8")
    waiting = card.unconfirmed(text)
    rows = [[name, proposed, "; ".join(reasons)] for name, (_, proposed, reasons) in waiting.items()]
    if columns:
        out.print(f"confirmed {', '.join(columns)}", markup=False)
    if rows:
        table("waiting for a person's word; until then at least sensitive", ["column", "proposed", "because"], rows)
    else:
        out.print("every column is confirmed")
