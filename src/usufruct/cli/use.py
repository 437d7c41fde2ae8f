"""`query`: ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, REFUSED, Directory, done, doors, out, table, tell_refusal
from usufruct.core.base.money import Money
from usufruct.core.privacy.release import Answer, Cell
from usufruct.node import asking, query, rows
from usufruct.node.use import AnswerT
from usufruct.wire import sql


def ask(
    text: Annotated[str, typer.Argument(metavar="SQL")],
    by: Annotated[str, typer.Option("--as", help="the party that asks")],
    purpose: Annotated[str, typer.Option(help="what it is for, as AcademicResearch")],
    micro_rho: Annotated[int | None, typer.Option(help="privacy budget to spend, in millionths of rho")] = None,
    groups: Annotated[int | None, typer.Option(help="in how many groups a person counts at most")] = None,
    rows_each: Annotated[int | None, typer.Option("--rows", help="with how many rows in each of them")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="not the answer given before to the same question")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="only tell what it would cost, and how exact it would be")
    ] = False,
    hold: Annotated[str, typer.Option(help="ground on which to withhold the use from the persons concerned")] = "",
    hold_days: Annotated[int | None, typer.Option(help="for how many days (default: as long as one may)")] = None,
    receipt: Annotated[Path | None, typer.Option(help="where to write the receipt")] = None,
    dir: Directory = HERE,
) -> None:
    """Ask a question in SQL, for a purpose."""
    asked = asking.Asked(
        by,
        text,
        sql.parse(text),
        purpose,
        micro_rho,
        hold,
        hold_days,
        groups_per_person=groups,
        rows_per_group=rows_each,
        anew=anew,
    )
    if preview:
        with doors().open(dir) as node:
            tell_preview(done(asking.preview(node, asked)))
        return
    with doors().open(dir) as node:
        result = rows.ask(node, asked)
    tell(result, receipt)


def tell(result: query.Answered[Answer] | query.Refused, receipt: Path | None) -> None:
    """What came of a use, on the screen, its receipt in a file if one is named. A refusal ends the command."""
    tell_answer(or_exit(result, receipt))
    if receipt:
        out.print(f"receipt written to {receipt}", markup=False)


def or_exit(result: query.Answered[AnswerT] | query.Refused, receipt: Path | None) -> query.Answered[AnswerT]:
    """What was answered, the receipt in a file if one is named. A refusal is told, and ends the command."""
    if receipt:
        receipt.write_text(result.receipt.text(), encoding="utf-8")
    if isinstance(result, query.Refused):
        tell_refusal(result.refusal)
        raise typer.Exit(REFUSED)
    return result


def tell_preview(found: asking.Previewed) -> None:
    """What a question would cost, and how exact its answer would be."""
    out.print(f"would answer: {found.meaning}", markup=False)
    rows = [[one.measure, f"± {one.margin}", "" if one.rows is None else f"{one.rows:,} rows"] for one in found.margins]
    table("", ["measure", "margin", "in a group of"], rows, ("margin",))
    for note in found.notes:
        out.print(f"  {note}", markup=False)
    share = found.charge * 100 / found.budget_total
    out.print(
        f"would cost: {found.price}{with_levies(found)}, and {share:.0f} % of the privacy budget, of which "
        f"{found.budget_left * 100 / found.budget_total:.0f} % is left; it would leave after {found.milliseconds} ms",
        markup=False,
    )


def tell_answer(result: query.Answered[Answer]) -> None:
    """An answer on the screen, with what it cost."""
    answer = result.answer
    out.print(f"answer: {result.meaning}", markup=False)
    shown = [
        [_shown(cell, result.form, column in answer.measures) for cell, column in zip(row, answer.columns, strict=True)]
        for row in answer.rows
    ]
    table("", list(answer.columns), shown, answer.measures)
    for note in answer.notes:
        out.print(f"  {note}", markup=False)
    total, spent = result.budget_total, ""
    if result.form == "aggregates":
        spent = f", and {result.charge * 100 / total:.0f} % of the privacy budget; {result.budget_left * 100 / total:.0f} % is left"
    out.print(
        f"cost: {result.price}{with_levies(result)}{spent}. Receipt: fact {result.receipt.index} ({result.use})",
        markup=False,
    )


def with_levies(found: asking.Previewed | query.Answered[AnswerT]) -> str:
    """What is owed on top of the price."""
    said = [f" and {Money(one.amount, found.price.currency)} for {one.name}" for one in found.levies]
    return "".join(said) + (f", {found.owed} in all" if said else "")


def _shown(cell: Cell, form: str, measure: bool) -> str:
    if cell is None:
        return "–" if form != "cubes" else "withheld" if measure else "total"
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
