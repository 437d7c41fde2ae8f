"""`work`, where it is paid: plan a pay run, look at it, carry it out or refuse it; payslips, and putting one right."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, done, doors, out, party_of, table
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.work.pay.rules import clock
from usufruct.core.work.pay.state import WORKER, PayPlanned, Payslip
from usufruct.node import owndata
from usufruct.node import work_pay as use_case
from usufruct.wire import portable

LINES = 20  # pieces of work on the screen

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="the plan, as pay-17")]
By = Annotated[str | None, typer.Option("--as", help="who signs (default: the operator)")]


def plan(
    operator: Annotated[str, typer.Argument(help="who pays")],
    since: Annotated[str | None, typer.Option(help="the first day (default: where the last one ended)")] = None,
    until: Annotated[str | None, typer.Option(help="the day before which the work ended (default: now)")] = None,
    currency: Annotated[str, typer.Option(help="of the work (default: the node's)")] = "",
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """What an operator would pay for the work that is not paid yet; nothing moves."""
    with doors().open(dir) as node:
        start, end = (parse_instant(day) if day else None for day in (since, until))
        found = done(use_case.plan(node, operator, start, end, by or party_of(node, operator), currency))
    _tell(found)
    out.print(f"carry it out: usufruct work pay {found.plan}", markup=False)


def show(plan: PlanId, dir: Directory = HERE) -> None:
    """A plan, as it stands."""
    with doors().open(dir) as node:
        found = done(use_case.run(node, plan, use_case.operator_of(node, plan)))
    _tell(found.planned)
    out.print(f"it is {found.stands}{f': {found.why}' if found.why else ''}", markup=False)


def _tell(found: PayPlanned) -> None:
    out.print(
        f"{found.plan}: {found.operator} from {found.since[:10]} until {found.until[:10]}"
        f"{f', after {found.parent}' if found.parent else ''}", markup=False,
    )  # fmt: skip
    columns = ["gross", "fee", "made up", "topped up", "tips", "net", "taken", "take home"]
    rows = [
        [slip.worker, len(slip.lines), *(
            Money(each, found.currency) for each in (
                slip.gross, slip.fee, slip.made_up, slip.top_up, slip.tips, slip.net, slip.taken, slip.take_home
            )
        )]
        for slip in found.reckonings
    ]  # fmt: skip
    table("", ["worker", "works", *columns], rows, ("works", *columns))
    out.print(f"in all {Money(found.total, found.currency)}", markup=False)


def pay(plan: PlanId, by: By = None, dir: Directory = HERE) -> None:
    """Carry a plan out: every worker on it is paid, once."""
    with doors().open(dir) as node:
        operator = use_case.operator_of(node, plan)
        found = done(use_case.pay(node, plan, operator, by or operator))
    out.print(
        f"{found.plan}: paid {Money(found.net, found.currency)} to {len(found.payslips)} workers: "
        f"{', '.join(one.pay for one in found.payslips[:5])}{' …' if len(found.payslips) > 5 else ''}", markup=False,
    )  # fmt: skip


def refuse(
    plan: PlanId,
    why: Annotated[str, typer.Argument(help="why it is not carried out")],
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Refuse a plan, so that nobody carries it out."""
    with doors().open(dir) as node:
        operator = use_case.operator_of(node, plan)
        done(use_case.refuse(node, plan, operator, why, by or operator))
    out.print(f"{plan} is refused: {why}", markup=False)


def correct(
    payslip: Annotated[str, typer.Argument(metavar="PAYSLIP", help="the payslip, as pay-17-1")],
    amount: Annotated[
        str, typer.Argument(help="what the worker gets beside it, as 2.50 EUR; below zero she gives back")
    ],
    why: Annotated[str, typer.Argument(help="what was wrong")],
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Put a payslip right by a new posting."""
    with doors().open(dir) as node:
        operator = use_case.payer_of(node, payslip)
        fact = done(use_case.correct(node, payslip, operator, parse_money(amount), why, by or operator))
    out.print(f"{fact.correction}: {Money(fact.amount, fact.currency)} on {payslip}, for {fact.why}", markup=False)


def payslip(
    payslip: Annotated[str, typer.Argument(metavar="PAYSLIP", help="the payslip, as pay-17-1")],
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    dir: Directory = HERE,
) -> None:
    """A payslip: what was paid, what it is reckoned from, and what is left to take home."""
    with doors().open(dir) as node:
        found, called = done(owndata.payslip(node, use_case.payer_of(node, payslip), payslip))
    if as_json:
        typer.echo(json.dumps(portable.payslip(found), indent=1, ensure_ascii=False))
        return
    tell(found, called)


def tell(found: Payslip, called: str) -> None:
    """A payslip on the screen."""
    slip = found.reckoning

    def money(minor: int) -> str:
        return str(Money(minor, found.currency))

    out.print(f"{found.id}: {called} paid {found.worker}, {found.since[:10]} until {found.until[:10]}", markup=False)
    said = [
        ("customers paid for your work", slip.gross), ("the operator kept", -slip.fee),
        ("made up to what was agreed", slip.made_up), ("topped up to the floor", slip.top_up), ("tips", slip.tips),
        ("paid to your account", slip.net),
        *((f"{one.name}, to {one.to}", -one.amount) for one in slip.deductions if one.payer == WORKER),
        ("left to take home", slip.take_home), ("corrected since", found.corrected),
    ]  # fmt: skip
    kept = ("paid to your account", "left to take home")
    table("", ["", "amount"], [[text, money(amount)] for text, amount in said if amount or text in kept], ("amount",))
    for floor in slip.floors:
        out.print(
            f"  floor {floor.parameter} on {floor.definition} time: {clock(floor.milliseconds)} make {money(floor.due)} due, "
            f"{money(floor.paid)} were there{'' if floor.binding else '; not the one in force'} ({floor.source})",
            markup=False,
        )
    rows = [
        [line.work, money(line.gross), money(line.fee), money(line.tips), line.basis] for line in slip.lines[:LINES]
    ]
    table("", ["work", "gross", "fee", "tips", "agreed"], rows, ("gross", "fee", "tips"))
    if len(slip.lines) > LINES:
        out.print(f"the first {LINES} of {len(slip.lines)} pieces of work; `--json` has them all", markup=False)


def payslips(
    member: Annotated[str, typer.Option("--as", help="the worker")],
    dir: Directory = HERE,
) -> None:
    """What a worker was paid."""
    with doors().open(dir) as node:
        rows = [_line(one) for one in use_case.payslips(node, party_of(node, member))]
    table(
        "",
        ["payslip", "operator", "from", "until", "net", "take home", "corrected"],
        rows,
        ("net", "take home", "corrected"),
    )


def _line(one: Payslip) -> list[str]:
    amounts = (one.reckoning.net, one.reckoning.take_home, one.corrected)
    return [one.id, one.operator, one.since[:10], one.until[:10], *(str(Money(each, one.currency)) for each in amounts)]
