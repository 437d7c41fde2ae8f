"""`delegation`: let agents act for somebody, within limits; and `agreement follow`, `decline`, `offer schedule`: agreements
that run by themselves."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.cli.trade import agreement, offer
from usufruct.core.access.clauses import Fee, Price, Renewal, Schedule
from usufruct.core.access.facts import Mandate
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.node import delegation as use_case
from usufruct.node import standing
from usufruct.wire import odrl

delegation = group("Who may act for whom: agents, and how far they may go.")

As = Annotated[str, typer.Option("--as", help="the party that acts")]


@command(delegation, "grant")
def grant(
    agent: Annotated[str, typer.Argument(help="the agent, by its id")],
    by: As,
    asset: Annotated[list[str], typer.Option(help="an asset it may use, or a service; may be repeated")],
    purpose: Annotated[list[str], typer.Option(help="a purpose it may use it for; may be repeated")],
    until: Annotated[str, typer.Option(help="the first day on which it may no longer")],
    act: Annotated[
        list[str] | None, typer.Option(help="ask, agree, end or call; may be repeated (default: ask)")
    ] = None,
    form: Annotated[list[str] | None, typer.Option(help="a form of answer (default: aggregates)")] = None,
    uses: Annotated[int | None, typer.Option(help="how many uses in all (default: no limit)")] = None,
    price: Annotated[str | None, typer.Option(help="the most for one use, as `5.00 EUR`")] = None,
    money: Annotated[str | None, typer.Option(help="the most in all (default: nothing)")] = None,
    further: Annotated[int, typer.Option(help="how often it may be passed on")] = 0,
    rules: Annotated[Path | None, typer.Option(help="a file of further rules in ODRL (JSON-LD or Turtle)")] = None,
    dir: Directory = HERE,
) -> None:
    """Let an agent act for a party."""
    with doors().open(dir) as node:
        most = parse_money(price, node.about.currency) if price else None
        total = parse_money(money, node.about.currency) if money else Money(0, node.about.currency)
        mandate = Mandate(
            tuple(asset), tuple(purpose), total.currency, tuple(act or ("ask",)), tuple(form or ("aggregates",)), uses,
            most.minor if most else None, total.minor, further,
            odrl.read(rules.read_text(encoding="utf-8")) if rules else None,
        )  # fmt: skip
        fact = done(use_case.grant(node, by, agent, mandate, parse_instant(until)))
    out.print(f"{fact.delegation}: {agent} may act for {by} until {fact.until[:10]}", markup=False)


@command(delegation, "end")
def end(
    id: Annotated[str, typer.Argument(metavar="DELEGATION", help="a delegation by its id")],
    by: As,
    dir: Directory = HERE,
) -> None:
    """End a delegation: as the principal, the agent, or who answers for the agent."""
    with doors().open(dir) as node:
        done(use_case.end(node, id, by))
    out.print(f"ended {id}", markup=False)


@command(delegation, "list")
def show(by: As, dir: Directory = HERE) -> None:
    """What a party's agents may do, what they did and what they spent."""
    with doors().open(dir) as node:
        found = use_case.agents(node, by)
    lines = []
    for line in found.lines:
        row, mandate = line.row, line.row.mandate
        uses = f"{row.uses} of {mandate.uses}" if mandate.uses is not None else str(row.uses)
        spent = f"{Money(row.money, mandate.currency)} of {Money(mandate.money, mandate.currency)}"
        standing = "ended" if row.ended else "" if line.good else "ran out"
        lines.append([row.id, row.agent, ", ".join(mandate.acts), ", ".join(mandate.assets), uses, spent, standing])
    table("delegations", ["id", "agent", "may", "on", "uses", "spent", ""], lines, ("uses", "spent"))
    did = [[" for ".join(one.actors), one.what, one.state, one.seq] for one in found.done]
    table("what was done", ["agent", "what", "what came of it", "fact"], did, ("fact",))


# ---- agreements that run by themselves


@command(offer, "schedule")
def schedule(
    id: Annotated[str, typer.Argument(metavar="OFFER", help="an offer that nobody has requested yet")],
    price_above: Annotated[
        list[str] | None, typer.Option(help="a price once so many uses were admitted, as `100=4.00 EUR`")
    ] = None,
    price_from: Annotated[
        list[str] | None, typer.Option(help="a price from a day on, as `2027-01-01=6.00 EUR`")
    ] = None,
    fee: Annotated[str | None, typer.Option(help="a fee, as `10.00 EUR`")] = None,
    fee_months: Annotated[int, typer.Option(help="every so many months")] = 1,
    renew_months: Annotated[int | None, typer.Option(help="renew an agreement by so many months")] = None,
    renew_times: Annotated[int, typer.Option(help="at most so many times")] = 1,
    notice_days: Annotated[int, typer.Option(help="unless one side declines so many days before its end")] = 30,
    tell: Annotated[list[int] | None, typer.Option(help="give notice so many days before the end")] = None,
    ends: Annotated[list[str] | None, typer.Option(help="what ends an agreement: right or budget")] = None,
    provider: Annotated[str | None, typer.Option("--as", help="the provider (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Let the agreements on an offer run by themselves."""
    renewal = Renewal(renew_months, renew_times, notice_days) if renew_months is not None else None
    with doors().open(dir) as node:
        minor = partial(_minor, node.about.currency)
        prices = [
            *(Price(minor(money), since=parse_instant(day)) for day, money in map(_two, price_from or ())),
            *(Price(minor(money), above=_count(uses)) for uses, money in map(_two, price_above or ())),
        ]
        regular = Fee(minor(fee), fee_months) if fee else None
        found = Schedule(tuple(prices), regular, renewal, tuple(tell or ()), tuple(ends or ()))
        done(standing.schedule_offer(node, id, provider or node.about.operator, found))
    out.print(f"agreements on {id} run by their schedule", markup=False)


def _minor(currency: str, text: str) -> int:
    return parse_money(text, currency).minor


@command(agreement, "decline")
def decline(
    id: Annotated[str, typer.Argument(metavar="AGREEMENT", help="an agreement that is to be renewed")],
    by: As,
    dir: Directory = HERE,
) -> None:
    """Decline the renewal of an agreement; either side may."""
    with doors().open(dir) as node:
        done(standing.decline_renewal(node, id, by))
    out.print(f"{id} will not be renewed", markup=False)


@command(agreement, "follow")
def follow(dir: Directory = HERE) -> None:
    """Take the steps of all agreements that are due: fees, notices, renewals, ends. `serve` does it by itself."""
    with doors().open(dir) as node:
        taken = standing.rounds(node)
    for step in taken:
        out.print(standing.in_words(step), markup=False)
    if not taken:
        out.print("nothing is due")


def _two(text: str) -> tuple[str, str]:
    left, found, right = text.partition("=")
    if not found:
        raise BadInput("input.schedule", f"`{text}` is not a price with its beginning", "write it as 100=4.00 EUR")
    return left.strip(), right.strip()


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadInput("input.schedule", f"`{text}` is not a number of uses", "write it as 100=4.00 EUR")
    return int(text)
