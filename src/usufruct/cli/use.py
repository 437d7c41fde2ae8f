"""`query` and `member`: ask, and see what was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, REFUSED, Directory, command, done, doors, group, out, table, tell_refusal
from usufruct.core.base.refusals import refuse
from usufruct.core.privacy.release import Cell
from usufruct.core.rulebook import purposes
from usufruct.node import consent, query, views
from usufruct.wire import sql

member = group("A member's side: who used her data, what it earned, her yes and no.")


def ask(
    text: Annotated[str, typer.Argument(metavar="SQL")],
    by: Annotated[str, typer.Option("--as", help="the party that asks")],
    purpose: Annotated[str, typer.Option(help="what it is for, as AcademicResearch")],
    micro_rho: Annotated[int | None, typer.Option(help="privacy budget to spend, in millionths of rho")] = None,
    receipt: Annotated[Path | None, typer.Option(help="where to write the receipt")] = None,
    dir: Directory = HERE,
) -> None:
    """Ask a question in SQL, for a purpose."""
    with doors().open(dir) as node:
        result = query.ask(node, query.Asked(by, text, sql.parse(text), purpose, micro_rho))
    if receipt:
        receipt.write_text(result.receipt.text(), encoding="utf-8")
    if isinstance(result, query.Refused):
        tell_refusal(result.refusal)
        raise typer.Exit(REFUSED)
    tell_answer(result)
    if receipt:
        out.print(f"receipt written to {receipt}", markup=False)


def tell_answer(result: query.Answered) -> None:
    """An answer on the screen, with what it cost."""
    answer = result.answer
    out.print(f"answer: {result.meaning}", markup=False)
    table("", list(answer.columns), [[_shown(cell) for cell in row] for row in answer.rows], answer.measures)
    for note in answer.notes:
        out.print(f"  {note}", markup=False)
    total = result.budget_total
    out.print(
        f"cost: {result.price}, and {result.charge * 100 / total:.0f} % of the privacy budget; "
        f"{result.budget_left * 100 / total:.0f} % is left. Receipt: fact {result.receipt.index} ({result.use})",
        markup=False,
    )


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


@command(member, "show")
def show(id: str, dir: Directory = HERE) -> None:
    """Who used data about a member, for what, what was let out and what it earned."""
    with doors().open(dir) as node:
        page = views.member_page(node, id)
    if page is None or not page.assets:
        done(
            refuse("registry.unknown", "there is nothing to show", f"no asset is about `{id}`", remedy="check the name")
        )
        return
    for item in page.assets:
        out.print(f"{item.asset.title}: who asked", style="bold", markup=False)
        for seen in item.seen:
            what = seen.use.meaning or seen.use.question
            out.print(f"{seen.use.at[:16]}  {seen.who}, for {seen.use.purpose}: {what}", markup=False)
            outcome = f"answered; {seen.rows} of your rows counted" if seen.rows else f"refused: {seen.use.reasons[0]}"
            out.print(f"  {outcome} (fact {seen.seq})", markup=False)
        for paid in item.paid:
            out.print(f"{paid.period}: {paid.amount}", markup=False)
            for step in paid.steps:
                out.print(f"  {step}", markup=False)
        for purpose, word in item.said.items():
            out.print(f"you said: {purposes.label(purpose)}: {word}", markup=False)


@command(member, "refuse")
def refuse_use(
    id: str,
    asset: Annotated[str, typer.Option(help="the asset")],
    purpose: Annotated[str, typer.Option(help="what to refuse (default: everything)")] = purposes.ROOT,
    dir: Directory = HERE,
) -> None:
    """Refuse uses; from the next decision on the member's rows are out."""
    _say(id, asset, purpose, False, dir)


@command(member, "consent")
def consent_to(
    id: str,
    asset: Annotated[str, typer.Option(help="the asset")],
    purpose: Annotated[str, typer.Option(help="what to consent to")],
    dir: Directory = HERE,
) -> None:
    """Consent to uses for a purpose and what is narrower."""
    _say(id, asset, purpose, True, dir)


def _say(id: str, asset: str, purpose: str, yes: bool, dir: Path) -> None:
    with doors().open(dir) as node:
        fact, receipt = done(consent.record_word(node, asset, id, purpose, yes))
    word = "consents to" if yes else "refuses"
    out.print(f"{id} {word} {purposes.label(fact.purpose)}; receipt: fact {receipt.index}", markup=False)


@command(member, "receipt")
def receipt(
    id: str,
    seq: Annotated[int, typer.Argument(metavar="FACT")],
    to: Annotated[Path | None, typer.Option(help="where to write it (default: the screen)")] = None,
    dir: Directory = HERE,
) -> None:
    """The receipt of a fact that concerns a party."""
    with doors().open(dir) as node:
        found = views.receipt_for(node, id, seq)
    if found is None:
        done(
            refuse(
                "registry.unknown",
                "no receipt was given",
                f"there is no fact {seq} that concerns `{id}`",
                remedy="see `member show`",
            )
        )
        return
    if to:
        to.write_text(found.text(), encoding="utf-8")
        out.print(f"receipt written to {to}", markup=False)
    else:
        out.print(found.text(), markup=False, soft_wrap=True)
