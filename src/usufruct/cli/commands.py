"""All commands in one place, and the few that stand alone."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from usufruct import __version__
from usufruct.cli import (
    allocation,
    cell,
    classify,
    consent,
    contribution,
    cover,
    credential,
    decision,
    delegation,
    demo,
    did,
    division,
    findings,
    forms,
    hold,
    income,
    invoicing,
    jobs,
    journal,
    keep,
    keys,
    ledger,
    levy,
    market,
    match,
    member,
    own_work,
    payout,
    peer,
    pool,
    register,
    report,
    right,
    rounds,
    ruleset,
    series,
    service,
    skill,
    statement,
    statutory,
    template,
    terms,
    timestamp,
    trace,
    trade,
    train,
    training,
    use,
    witness,
    work,
    work_files,
    work_pay,
)  # fmt: skip
from usufruct.cli.app import HERE, Directory, Doors, command, doors, give, group, out
from usufruct.node import followers, tiles

# Writer, followers and event loop share one interpreter: at Python's 5 ms a request would wait that long for each turn.
SWITCH_SECONDS = 0.0005
# What a node holds in memory seldom goes in circles. At Python's own pace of looking for those that do, each full search
# stops everybody for a tenth of a second or two, several times a minute.
GARBAGE = (50_000, 50, 100)

app = group("Usufruct: a node that puts data and work to use without giving them away.")
app.add_typer(register.party, name="party")
app.add_typer(register.asset, name="asset")
app.add_typer(right.right, name="right")
app.add_typer(register.account, name="account")
app.add_typer(trade.offer, name="offer")
app.add_typer(trade.agreement, name="agreement")
app.add_typer(market.need, name="need")
app.add_typer(market.market, name="market")
app.add_typer(market.auction, name="auction")
app.add_typer(invoicing.invoice, name="invoice")
app.add_typer(invoicing.dispute, name="dispute")
app.add_typer(delegation.delegation, name="delegation")
app.add_typer(division.division, name="division")
app.add_typer(levy.levy, name="levy")
app.add_typer(findings.finding, name="finding")
app.add_typer(cover.cover, name="cover")
app.add_typer(skill.skill, name="skill")
skill.skill.add_typer(training.train, name="train")
app.add_typer(work.work, name="work")
app.add_typer(credential.credential, name="credential")
app.add_typer(did.did, name="did")
app.add_typer(keys.key, name="key")
app.add_typer(keys.login, name="login")
app.add_typer(service.service, name="service")
app.add_typer(terms.terms, name="terms")
app.add_typer(statutory.statutory, name="statutory")
app.add_typer(template.template, name="template")
app.add_typer(service.client, name="client")
app.add_typer(match.match, name="match")
app.add_typer(peer.peer, name="peer")
app.add_typer(member.member, name="member")
app.add_typer(consent.consent, name="consent")
app.add_typer(pool.pool, name="pool")
app.add_typer(work.work, name="work")
app.add_typer(journal.journal, name="journal")
app.add_typer(hold.hold, name="hold")
app.add_typer(decision.decisions, name="decision")
app.add_typer(forms.cube, name="cube")
app.add_typer(forms.mask, name="mask")
app.add_typer(ruleset.ruleset, name="ruleset")
app.add_typer(journal.receipt, name="receipt")
app.add_typer(witness.witness, name="witness")
app.add_typer(journal.period, name="period")
app.add_typer(income.income, name="income")
app.add_typer(ledger.ledger, name="ledger")
app.add_typer(payout.payout, name="payout")
app.add_typer(keep.keyring, name="keyring")
app.add_typer(classify.classify, name="classify")
app.add_typer(report.operation, name="operation")
app.add_typer(report.report, name="report")
app.add_typer(work.work, name="work")
_OF_WORK = (jobs, rounds, series)  # their commands are in the group `work` once they are imported
command(income.income, "statement")(statement.statement)
command(income.income, "check")(statement.check)
command(income.income, "recompute")(statement.recompute)
command(income.income, "complain")(statement.complain)
command(income.income, "complaints")(statement.complaints)
command(income.income, "answer")(statement.answer)
command(work.work, "pay-plan")(work_pay.plan)
command(work.work, "pay-show")(work_pay.show)
command(work.work, "pay")(work_pay.pay)
command(work.work, "pay-refuse")(work_pay.refuse)
command(work.work, "pay-correct")(work_pay.correct)
command(work.work, "payslip")(work_pay.payslip)
command(work.work, "payslips")(work_pay.payslips)
command(work.work, "series")(own_work.series)
command(work.work, "export")(own_work.export)
command(work.work, "read-in")(own_work.read_in)
command(work.work, "fairwork")(own_work.fairwork)
command(work.work, "figures")(own_work.figures)
command(work.work, "read-tlc")(work_files.read_tlc)
command(work.work, "read-mdrp")(work_files.read_mdrp)
command(app, "grades")(classify.grades)
command(app, "query")(use.ask)
command(app, "train")(train.train)
command(income.income, "attacks")(contribution.attacks)
command(income.income, "validation")(contribution.validation)
command(app, "synthesize")(train.synthesize)
command(work.work, "commit")(allocation.commit)
command(work.work, "allocate")(allocation.allocate)
command(work.work, "check")(allocation.check)
command(work.work, "explain")(allocation.explain)
command(app, "backup")(keep.backup)
command(app, "restore")(keep.restore)
command(app, "migrate")(keep.migrate)
command(app, "warnings")(journal.warnings)
command(app, "trace")(trace.trace)
command(member.member, "deposit")(cell.deposit)
command(member.member, "offer")(cell.offer)
command(member.member, "withdraw")(cell.withdraw)
command(journal.journal, "timestamps")(timestamp.list_timestamps)
command(journal.journal, "timestamp-verify")(timestamp.verify_timestamp)


@command(app)
def init(
    directory: Path,
    operator: Annotated[str, typer.Option(help="id of the party that runs the node")],
    name: Annotated[str, typer.Option(help="what people call it")],
    currency: Annotated[str, typer.Option(help="the currency of its ledger")] = "EUR",
    origin: Annotated[str, typer.Option(help="name of its journal: your domain and a path, without a scheme")] = "",
    url: Annotated[str, typer.Option(help="where people will reach it, as https://node.example")] = "",
    store: Annotated[str, typer.Option(help="a PostgreSQL database: postgresql://… or env:NAME; else SQLite")] = "",
    pay_from: Annotated[str, typer.Option(help="the IBAN of the account that payouts are made from")] = "",
) -> None:
    """Make a new node in a directory."""
    directory = journal.checked_directory(directory)
    settings = doors().create(directory, name, operator, name, currency, origin, url, store, pay_from)
    out.print(f"made a node for {name} in {directory}\nits public key: {settings.key}", markup=False, soft_wrap=True)


def share_the_interpreter() -> None:
    """For a process that has opened a node and will answer many at once."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(*GARBAGE)


@command(app)
def serve(
    dir: Directory = HERE,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="the port to listen on")] = 8000,
) -> None:
    """Serve the node's portal and API until stopped."""
    import uvicorn

    from usufruct.peer.services import HttpServices
    from usufruct.web.app import make_app  # only this command needs the web, and it takes half a second to load
    from usufruct.web.xroad import Front

    with doors().open(dir) as node:
        tiles.check(node)
        share_the_interpreter()
        with followers.following(node):
            out.print(f"{node.about.name} on http://{host}:{port} (stop with Ctrl-C)", markup=False)
            front = Front(make_app(node), node, HttpServices())
            uvicorn.run(front, host=host, port=port, log_level="warning", access_log=False, server_header=False)


@command(app, "demo")
def run_demo(
    dir: Annotated[Path, typer.Option("--dir", help="where to leave the node")] = Path("demo-node"),
    once: Annotated[bool, typer.Option("--once", help="end after the story instead of serving the node")] = False,
    port: Annotated[int, typer.Option(help="the port to serve it on")] = 8000,
) -> None:
    """The whole story on real data: pay records of 545 workers."""
    demo.tell(dir, doors(), f"http://127.0.0.1:{port}")
    if not once:
        serve(dir, port=port)


@command(app)
def version() -> None:
    """Which version this is."""
    out.print(__version__)


def wanted(arguments: Sequence[str]) -> typer.Typer:
    """All commands; or, where the first word names a group, that group alone: Typer reads the signatures of all that it is
    given, and for some two hundred commands that takes longer than many of them run."""
    named = [added for added in app.registered_groups if added.name in arguments[:1]]
    if not named:
        return app
    one = group(str(app.info.help))
    one.registered_groups = named
    return one


def run(found: Doors) -> None:
    """The command line, over these doors."""
    give(found)
    wanted(sys.argv[1:])()
