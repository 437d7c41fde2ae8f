"""`journal`, `receipt`, `period`: what happened, its proof, and its income."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import FAULTED, HERE, Directory, command, done, doors, err, group, out, table
from usufruct.core import facts
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.records import plain
from usufruct.core.income.facts import PeriodPlanned
from usufruct.core.income.ledger import Account
from usufruct.core.income.state import Period
from usufruct.core.proof import receipt as receipts
from usufruct.node import period as periods
from usufruct.node import views
from usufruct.store.audit import verify as audit
from usufruct.store.keys import verify_signature

journal = group("The record of everything that happened.")
receipt = group("Proofs that people take away.")
period = group("Divide what was earned.")


@command(journal, "verify")
def verify(
    directory: Path,
    key: Annotated[str | None, typer.Option(help="the verifier key; default: the one in node.toml")] = None,
    kept: Annotated[list[Path] | None, typer.Option(help="a checkpoint you kept; may be repeated")] = None,
) -> None:
    """Recompute everything from the bytes; works beside a running node."""
    missing = [file for file in kept or [] if not file.is_file()]
    if missing:
        raise BadInput("input.checkpoint", f"there is no file `{missing[0]}`", "name a checkpoint that you saved")
    report = audit(directory, key, [file.read_text(encoding="utf-8") for file in kept or []])
    out.print(
        f"{report.facts} facts, {report.checkpoints} signed checkpoints, {report.evidence} pieces of evidence",
        markup=False,
    )
    for finding in report.findings:
        where = "journal" if finding.entry is None else f"entry {finding.entry}"
        err.print(f"{where}: {finding.what}", markup=False)
    if not report.sound:
        err.print(f"NOT SOUND: {len(report.findings)} finding(s)")
        raise typer.Exit(1)
    out.print("sound: every record, proof, signature, balance and budget is as it must be")


@command(journal, "show")
def show(
    first: Annotated[int, typer.Option("--from", help="the first fact to show")] = 0,
    count: Annotated[int, typer.Option(help="how many")] = 20,
    dir: Directory = HERE,
) -> None:
    """Facts, as they were recorded."""
    with doors().open(dir) as node, node.store.read() as state:
        for seq in range(max(first, 0), min(first + count, state.size())):
            entry = state.entry(seq)
            text = str(plain(entry.fact))
            out.print(
                f"{seq}  {entry.at}  {entry.fact.KIND}  {text[:300]}{'…' if len(text) > 300 else ''}", markup=False
            )


@command(receipt, "verify")
def verify_receipt(file: Path, key: Annotated[str, typer.Option(help="the node's verifier key")]) -> None:
    """Check a receipt offline, with nothing but the node's public key."""
    try:
        found = receipts.Receipt.parse(file.read_text(encoding="utf-8"))
        entry = facts.decode(receipts.check(found, key, verify_signature))
    except (ValueError, OSError) as error:
        err.print(f"NOT PROVEN: {error}", markup=False)
        raise typer.Exit(FAULTED) from None
    out.print(f"proven: fact {entry.seq} of {entry.at}, {entry.fact.KIND}", markup=False)
    fields = plain(entry.fact)
    assert isinstance(fields, dict)
    for name, value in fields.items():
        out.print(f"  {name}: {value}", markup=False)


@command(period, "plan")
def plan(id: str, dir: Directory = HERE) -> None:
    """Propose the division of what was earned since the last period closed."""
    with doors().open(dir) as node:
        planned = done(periods.plan_period(node, id))
    tell_plan(planned)
    out.print(f"approve with `usufruct period close {id} {planned.plan}`", markup=False)


def tell_plan(planned: PeriodPlanned) -> None:
    """A plan on the screen."""
    currency = planned.currency
    for statement in planned.statements:
        rows: list[list[str | Money]] = [
            [share.account, f"{share.basis_points / 100:g} %", Money(share.amount, currency)]
            for share in statement.shares
        ]
        rest = 100 - sum(share.basis_points for share in statement.shares) / 100
        rows.append([f"{statement.paid} members, by use", f"{rest:g} %", Money(statement.members, currency)])
        rows.append(["together", "100 %", Money(statement.income, currency)])
        title = f"{planned.plan} for {planned.period}: {statement.asset}, {len(statement.uses)} use(s)"
        table(title, ["who", "share", "amount"], rows, ("share", "amount"))


@command(period, "close")
def close(id: str, plan_id: Annotated[str, typer.Argument(metavar="PLAN")], dir: Directory = HERE) -> None:
    """Approve a plan and carry it out."""
    with doors().open(dir) as node:
        fact = done(periods.close_period(node, id, plan_id, node.about.operator))
    out.print(f"closed {fact.period} by {fact.plan}", markup=False)


@command(period, "list")
def list_periods(dir: Directory = HERE) -> None:
    """Closed periods and the balances of the ledger."""
    with doors().open(dir) as node, node.store.read() as state:
        closed = [[p.number, p.id, p.plan, p.at[:10]] for p in state.list(Period)]
        accounts = [[a.id, Money(a.balance, a.currency)] for a in state.list(Account)]
    table("periods", ["no", "id", "plan", "closed"], closed)
    table("balances (credits minus debits)", ["account", "balance"], accounts, ("balance",))


def warnings(dir: Directory = HERE) -> None:
    """What a steward should look at."""
    with doors().open(dir) as node:
        found = views.steward_page(node).warnings
    for warning in found:
        out.print(f"{warning.message}\n  {warning.remedy}", markup=False)
    if not found:
        out.print("nothing needs your attention")


def checked_directory(directory: Path) -> Path:
    """A directory that a node can be made in.

    Raises:
        BadInput: it holds something already.
    """
    if directory.exists() and any(directory.iterdir()):
        raise BadInput("input.directory", f"`{directory}` is not empty", "name a new directory")
    return directory
