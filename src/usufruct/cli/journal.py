"""`journal`, `receipt`, `period`: what happened, its proof, and its income."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import FAULTED, HERE, Directory, command, done, doors, err, group, out, table
from usufruct.core import facts
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import plain
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned
from usufruct.core.income.ledger import Account
from usufruct.core.income.lineproof import LineProof
from usufruct.core.income.state import Period
from usufruct.core.income.told import KEPT
from usufruct.core.proof import monitor
from usufruct.core.proof import receipt as receipts
from usufruct.core.proof.quorum import Trust
from usufruct.engine.settlement import NumpySettler
from usufruct.node import followers, views
from usufruct.node import period as periods
from usufruct.node.node import Node
from usufruct.peer.tilelog import HttpLog
from usufruct.peer.witness import read_trust
from usufruct.store import attested
from usufruct.store import folder as folders
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
    report = audit(directory, key, [note for _, note in read_kept(kept or [])], NumpySettler())
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


@command(journal, "follow")
def follow(dir: Directory = HERE) -> None:
    """Run the followers once: close the epoch, take who left out of pools, have the checkpoint witnessed and stamped.

    A served node does it itself.
    """
    with doors().open(dir) as node:
        rounds = followers.run_once(node)
    for one in rounds:
        out.print(f"{one.follower}: {one.failed or one.done or 'nothing to do'}", markup=False)
    if any(one.failed for one in rounds):
        raise typer.Exit(FAULTED)


@command(journal, "export")
def export(folder: Path, dir: Directory = HERE) -> None:
    """Bring a folder up to the newest checkpoint: the public log, for any file server; works beside a running node."""
    with folders.public_log(dir) as log, err.status("writing"):
        note = log.checkpoint()
        if note is None:
            raise BadInput("input.directory", f"the journal in `{dir}` is empty", "record something first")
        witnessed = attested.witnessed(dir / "attested.sqlite")
        done = folders.export(log, witnessed if witnessed and witnessed.startswith(note) else note, folder)
    out.print(
        f"{done.size} facts in `{folder}`: {done.written} tiles written, {done.removed} partial ones removed",
        markup=False,
    )


@command(journal, "check")
def check(
    log: Annotated[str, typer.Argument(metavar="LOG")],
    key: Annotated[str, typer.Option(help="the log's verifier key")],
    kept: Annotated[list[Path] | None, typer.Option(help="a checkpoint you kept; may be repeated")] = None,
) -> None:
    """Verify a public log, in a folder or at a web address, with nothing but its key."""
    anchors = read_kept(kept or [])
    try:
        with err.status("checking"):
            if log.startswith(("http://", "https://")):
                with HttpLog(log) as server:
                    report = monitor.check(server.read, key, verify_signature, anchors)
            elif (folder := Path(log)).is_dir():
                read = functools.partial(folders.read, folder)
                report = monitor.check(read, key, verify_signature, anchors, folders.listed(folder))
            else:
                raise BadInput("input.directory", f"there is no folder `{log}`", "name a folder, or a web address")
    except ValueError as error:
        raise BadInput(
            "input.key", f"the check has nothing to go by: {error}",
            "give the verifier key that the log's operator publishes, and checkpoints signed with it",
        ) from None  # fmt: skip
    if report.checkpoint is not None:
        out.print(f"{report.checkpoint.origin}: {report.checkpoint.size} entries", markup=False, soft_wrap=True)
    for finding in report.findings:
        err.print(f"{finding.file}: {finding.what}", markup=False, soft_wrap=True)
    if report.findings:
        err.print(f"NOT SOUND: {len(report.findings)} finding(s)")
        raise typer.Exit(1)
    out.print("sound: every tile and every entry is what the key signed for")


def read_kept(files: list[Path]) -> list[tuple[str, str]]:
    """Checkpoints that somebody kept, each with its file's name. Raises BadInput."""
    try:
        return [(str(file), file.read_text(encoding="utf-8")) for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "input.checkpoint", f"a checkpoint cannot be read: {error}", "name a file that you saved"
        ) from None


@command(receipt, "verify")
def verify_receipt(
    file: Path,
    key: Annotated[str, typer.Option(help="the node's verifier key")] = "",
    trust: Annotated[
        Path | None, typer.Option(help="a tlog-policy file: whose signatures you ask for beside the node's")
    ] = None,
) -> None:
    """Check a receipt offline, with nothing but public keys."""
    if not key and trust is None:
        raise BadInput("input.key", "it is not said whose receipt it must be", "give `--key`, `--trust` or both")
    asked = read_trust(trust) if trust else Trust((), (), {}, "")
    try:
        found = receipts.Receipt.parse(file.read_text(encoding="utf-8"))
        key, said = asked.check(found.checkpoint_note, verify_signature, key)
        entry = facts.decode(receipts.check(found, key, verify_signature))
    except (ValueError, OSError) as error:
        err.print(f"NOT PROVEN: {error}", markup=False)
        raise typer.Exit(FAULTED) from None
    out.print(f"proven: fact {entry.seq} of {entry.at}, {entry.fact.KIND}", markup=False)
    for witness, word in said.items():
        out.print(f"  witnessed by {witness} at {instant(datetime.fromtimestamp(word.time, UTC))}", markup=False)
    fields = plain(entry.fact)
    assert isinstance(fields, dict)
    for name, value in fields.items():
        out.print(f"  {name}: {value}", markup=False)


def proven_line(file: Path, key: str) -> tuple[LineProof, PeriodPlanned, PeriodClosed]:
    """The proof of a line in a file, with the plan and the closing that it rests on; ends the command if it proves nothing."""
    try:
        found = LineProof.parse(file.read_text(encoding="utf-8"))
        planned, closed = (
            facts.decode(receipts.check(receipts.Receipt.parse(text), key, verify_signature)).fact
            for text in (found.planned, found.closed)
        )
        if not isinstance(planned, PeriodPlanned) or not isinstance(closed, PeriodClosed):
            raise ValueError("its receipts are not of a plan and of a closing")
        found.check(planned, closed)
    except (ValueError, OSError) as error:
        err.print(f"NOT PROVEN: {error}", markup=False)
        raise typer.Exit(FAULTED) from None
    return found, planned, closed


@command(receipt, "line")
def verify_line(file: Path, key: Annotated[str, typer.Option(help="the node's verifier key")]) -> None:
    """Check a member's line of a settlement offline, with nothing but the node's key."""
    found, planned, closed = proven_line(file, key)
    amounts = [Money(amount, planned.currency) for amount in (found.paid, found.owed)]
    out.print(f"proven: person {found.number} of {found.asset} is paid {amounts[0]} for {closed.period}", markup=False)
    out.print(
        f"  carried to her next line: {amounts[1]}, and what is less than {Money(1, planned.currency)}", markup=False
    )


@command(period, "plan")
def plan(id: str, dir: Directory = HERE) -> None:
    """Propose the division of what was earned since the last period closed."""
    with doors().open(dir) as node:
        planned = done(periods.plan_period(node, id))
        tell_plan(node, planned)
    out.print(f"approve with `usufruct period close {id} {planned.plan}`", markup=False)


def tell_plan(node: Node, planned: PeriodPlanned) -> None:
    """A plan on the screen, with what each settlement comes to."""
    currency = planned.currency
    with node.store.read() as state:
        sums = [views.sums_of(state, statement) for statement in planned.statements]
    for statement, settled in zip(planned.statements, sums, strict=True):
        parts = [(share.account, share.amount) for share in statement.shares]
        by = "by the total that is told" if statement.told else "by use"
        parts += [(f"{settled.paid} members, {by}", statement.members), ("together", statement.income)]
        rows: list[list[str | Money]] = [
            [who, f"{round(100 * amount / statement.income, 1):g} %", Money(amount, currency)] for who, amount in parts
        ]
        fees = sum(name.startswith("fee-") for name in statement.uses)
        title = f"{planned.plan} for {planned.period}: {statement.asset}, {len(statement.uses) - fees} use(s)"
        title += f" and {fees} fee(s)" if fees else ""
        table(title, ["who", "share", "amount"], rows, ("share", "amount"))
        if statement.told:
            out.print(
                f"told: all prices of rows together are {Money(statement.told, currency)} at most; of the members' share "
                f"{Money(settled.fund, currency)} are left for the solidarity fund, which is for you alone to know",
                markup=False,
            )
        elif statement.kept:
            out.print(f"the total is not told: {KEPT[statement.kept]}", markup=False)


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
