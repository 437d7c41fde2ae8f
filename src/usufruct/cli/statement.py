"""`income`, for whom it reaches: statements of what a period brought; complaints about them; a period worked out again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, done, doors, err, out, table
from usufruct.cli.journal import proven_line
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.records import plain
from usufruct.core.income import income_statement as words
from usufruct.core.income import own_line
from usufruct.core.income.income_statement import Line, Statement
from usufruct.core.income.inequality import TENTHS
from usufruct.node import statement as use_case
from usufruct.node.recompute import recompute as work_out
from usufruct.store.memory import MemoryState

PeriodName = Annotated[str, typer.Argument(metavar="PERIOD", help="a closed period")]
MemberName = Annotated[str, typer.Argument(metavar="MEMBER", help="the member, or another party")]


def statement(
    period: PeriodName,
    member: MemberName,
    pdf: Annotated[Path | None, typer.Option(help="write it to this file, as PDF")] = None,
    data: Annotated[
        Path | None, typer.Option(help="write it to this file, as JSON, for `usufruct income check`")
    ] = None,
    dir: Directory = HERE,
) -> None:
    """What a period brought a member: every field of article 18 of Directive 2014/26/EU, and how it came about."""
    with doors().open(dir) as node:
        found = done(use_case.statement(node, period, member))
    if pdf is not None:
        from usufruct.wire import statement_pdf  # only this needs it, and it takes a while to load

        pdf.write_bytes(statement_pdf.draw(found))
    if data is not None:
        data.write_text(json.dumps(plain(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    written = [str(file) for file in (pdf, data) if file is not None]
    if written:
        out.print(f"wrote {', '.join(written)}", markup=False)
        return
    tell(found)


def tell(found: Statement) -> None:
    """A statement on the screen."""
    out.print(f"Statement of {found.called} for {found.period}, by {found.node}", style="bold", markup=False)
    for field in words.article18(found):
        out.print(f"({field.letter}) {field.asks}", markup=False)
        for said in field.says:
            out.print(f"    {said}", markup=False)
    for line in found.lines:
        _tell_line(line, found.currency)
    for complaint in found.complaints:
        out.print(words.in_words(complaint), markup=False)
    out.print("who works out the rest:", markup=False)
    for said in words.by_the_audit(found):
        out.print(f"    {said}", markup=False)
    out.print(
        f"proven by {found.plan} (fact {found.plan_fact}), closed by fact {found.closed_fact}; complain until "
        f"{found.complain_until[:10]}",
        markup=False,
    )


def _tell_line(line: Line, currency: str) -> None:
    out.print(f"\n{line.title}, by {words.rule_name(line.rule)}, {line.rule.authority}", style="bold", markup=False)
    rows = [[part.name, words.basis(part), Money(part.amount, currency)] for part in line.parts]
    rows.append(["members", words.the_members(line, currency), Money(line.members, currency)])
    rows.append(["together", "", Money(line.gross, currency)])
    table("", ["share", "by", "amount"], rows, ("amount",))
    earned = "at least, to all" if line.sum is None else "price"
    uses = [
        [
            use.use or words.WITHHELD, words.type_of_use(use),
            Money(use.at_least if line.sum is None else use.price, currency), use.rows,
        ]
        for use in line.uses
    ]  # fmt: skip
    if uses:
        table("", ["use", "what for, and by whom", earned, "your rows"], uses, (earned, "your rows"))
    out.print("you can work out yourself:", markup=False)
    for said in (*words.her_own(line, currency), *own_line.in_words(line, currency)):
        out.print(f"    {said}", markup=False)
    out.print("why it changed:", markup=False)
    for said in line.changes:
        out.print(f"    {said}", markup=False)
    spread = line.spread
    if spread.why_not:
        out.print(f"what others got is not told: {spread.why_not}", markup=False)
    else:
        middles = ", ".join(str(Money(middle, currency)) for middle in spread.middles)
        mine = f"; you are in the {spread.mine}. tenth" if spread.mine else ""
        out.print(
            f"what the middle of each tenth of {spread.members} members got, roughly: {middles}{mine}", markup=False
        )
        out.print(f"Gini of the period: about {spread.gini / TENTHS:.1f}", markup=False)


def check(
    file: Annotated[Path, typer.Argument(help="a statement as JSON, from `income statement --data` or from its page")],
    proof: Annotated[Path | None, typer.Option(help="the proof of the line, from the same places")] = None,
    key: Annotated[str, typer.Option(help="the node's verifier key, by which the proof is checked")] = "",
) -> None:
    """Work your line out from your statement alone, offline; with its proof also that it is what the node committed to."""
    if proof is not None and not key:
        raise BadInput("input.key", "it is not said whose proof it must be", "give the node's `--key`")
    try:
        found = own_line.read(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise BadInput("input.statement", f"`{file}` is no statement: {error}", "save it again") from None
    proven, planned, _ = proven_line(proof, key) if proof is not None else (None, None, None)
    wrong = 0
    for line in found.lines:
        checked = own_line.check(found, line, proven, planned)
        _tell_checked(line, checked, found.currency)
        wrong += len(checked.wrong)
    if not found.lines:
        out.print("it has no line that is worked out: nothing in it is of data about you", markup=False)
    if wrong:
        raise typer.Exit(1)


def _tell_checked(line: Line, checked: own_line.Checked, currency: str) -> None:
    out.print(f"{line.title}, paid {Money(line.amounts.paid, currency)}", style="bold", markup=False)
    for said in own_line.in_words(line, currency):
        out.print(f"    {said}", markup=False)
    for said in checked.wrong:
        err.print(f"  NOT RIGHT: {said}", markup=False)
    if checked.exact:
        out.print("  right, to the last unit", markup=False)
    elif checked.near:
        out.print(f"  right, but for {Money(1, currency)} that may have been carried over", markup=False)
    elif not checked.wrong:
        out.print(
            "  what stands above the members' share adds up; the rest only an audit can work out, for the total is not told",
            markup=False,
        )
    if checked.proven:
        out.print("  proven: it is what the node committed to, and the total is the same for everybody", markup=False)


def recompute(period: PeriodName, dir: Directory = HERE) -> None:
    """Work a closed period out again from the facts, and compare settlements, plan, postings and statements byte by byte."""
    with doors().open(dir) as node, err.status("working it out again"):
        found = done(work_out(node, period, MemoryState()))
    out.print(
        f"{found.period}: {found.facts} facts folded again; {found.settlements} settlement(s) with {found.lines} lines, "
        f"the plan, its postings and {found.statements} statements worked out again",
        markup=False,
    )
    for what in found.different:
        err.print(what, markup=False)
    if found.different:
        err.print(f"NOT THE SAME: {len(found.different)} difference(s)")
        raise typer.Exit(1)
    out.print(f"the same, byte by byte; statements {found.digest}", markup=False, soft_wrap=True)


def complain(
    period: PeriodName,
    member: MemberName,
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="the asset on the statement")],
    reason: Annotated[str, typer.Argument(help="what is wrong")],
    dir: Directory = HERE,
) -> None:
    """Say that a line of a statement is wrong; somebody must answer, with reasons."""
    with doors().open(dir) as node:
        fact = done(use_case.complain(node, member, period, asset, reason))
    out.print(f"recorded {fact.complaint}; it is to be answered until {fact.until[:10]}", markup=False)


def complaints(dir: Directory = HERE) -> None:
    """The complaints that wait for an answer."""
    with doors().open(dir) as node:
        found = use_case.open_complaints(node)
    rows = [[one.id, one.period, one.asset, one.until[:10], one.reason] for one in found]
    table("open complaints", ["id", "period", "asset", "answer until", "what is wrong"], rows)


def answer(
    complaint: Annotated[str, typer.Argument(metavar="COMPLAINT", help="the complaint")],
    reasons: Annotated[str, typer.Argument(help="why; she reads it")],
    uphold: Annotated[str | None, typer.Option(help="she is right, and is paid so much: 1.20 EUR")] = None,
    turn_to: Annotated[str, typer.Option(help="she is not right; whom she can turn to")] = "",
    dir: Directory = HERE,
) -> None:
    """Answer a complaint: uphold it with an amount, or reject it and say whom to turn to."""
    with doors().open(dir) as node:
        amount = parse_money(uphold, node.about.currency) if uphold else None
        fact = done(use_case.answer(node, complaint, amount is not None, reasons, amount, turn_to, node.about.operator))
    paid = f"; {Money(fact.amount, fact.currency)} are posted to her account" if fact.upheld else ""
    out.print(f"{'upheld' if fact.upheld else 'rejected'} {fact.complaint}{paid}", markup=False)
