"""`skill train`: courses that the training fund pays: offered, applied for, decided by a person, ended."""

from __future__ import annotations

from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.work.skills.training import Course
from usufruct.node import training as use_case

train = group("Training that the fund pays.")

By = Annotated[str | None, typer.Option("--as", help="who signs (default: the operator)")]
Training = Annotated[str, typer.Argument(metavar="TRAINING", help="the course, from `skill train list`")]
Application = Annotated[str, typer.Argument(metavar="APPLICATION", help="from `skill train waiting`")]


@command(train, "offer")
def offer(
    title: Annotated[str, typer.Argument(help="what it is called")],
    uri: Annotated[str, typer.Option("--skill", help="the skill that it leads to")],
    place: Annotated[str, typer.Option(help="where it is")],
    starts: Annotated[str, typer.Option("--from", help="when it begins")],
    ends: Annotated[str, typer.Option("--to", help="when it ends")],
    price: Annotated[str, typer.Option(help="what a place costs, as 240.00 EUR")],
    seats: Annotated[int, typer.Option(help="how many places there are")],
    provider: Annotated[str, typer.Option(help="who teaches")],
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Offer places in a course."""
    with doors().open(dir) as node:
        money = parse_money(price, node.about.currency)
        course = Course(
            title, uri, provider, place, parse_instant(starts), parse_instant(ends), money.minor, money.currency, seats
        )
        fact = done(use_case.offer(node, course, by or node.about.operator))
    out.print(f"offered {fact.training}: {seats} places at {money}", markup=False)


@command(train, "list")
def listed(
    party: Annotated[str, typer.Option("--for", help="what opens most jobs for this party first")] = "",
    dir: Directory = HERE,
) -> None:
    """The courses that one can apply for."""
    with doors().open(dir) as node:
        found = use_case.offered(node, party)
    for one in found:
        course = one.training.course
        opens = f", opens {one.jobs} more jobs" if party else ""
        out.print(f"{one.training.id}: {course.title}, for `{one.label}`{opens}", markup=False)
        out.print(
            f"  by {course.provider} at {course.place}, {course.starts[:10]} to {course.ends[:10]}, "
            f"{Money(course.price, course.currency)}", markup=False,
        )  # fmt: skip
    if not found:
        out.print("no course has a free place")


@command(train, "withdraw")
def withdraw(
    id: Training, why: Annotated[str, typer.Argument(help="why")], by: By = None, dir: Directory = HERE
) -> None:
    """Let nobody apply for a course any more."""
    with doors().open(dir) as node:
        fact = done(use_case.withdraw(node, id, why, by or node.about.operator))
    out.print(f"withdrawn: {fact.training}", markup=False)


@command(train, "apply")
def apply(
    id: Training,
    party: Annotated[str, typer.Argument(help="who wants to learn")],
    why: Annotated[str, typer.Argument(help="why")],
    dir: Directory = HERE,
) -> None:
    """Ask that the fund pays a place."""
    with doors().open(dir) as node:
        fact = done(use_case.apply(node, id, party, why))
    out.print(f"applied: {fact.application}", markup=False)


@command(train, "waiting")
def waiting(dir: Directory = HERE) -> None:
    """Applications that wait for a decision, places that were promised, and what the fund has."""
    with doors().open(dir) as node:
        found, places, left = use_case.waiting(node), use_case.promised(node), use_case.fund(node)
    out.print(f"the training fund has {left} that is not promised", markup=False)
    for one in found:
        asked, course = one.application, one.course
        out.print(
            f"{asked.id}: {asked.party} for {course.title}, {Money(course.price, course.currency)}: {asked.why}",
            markup=False,
        )
    for place, of in places:
        out.print(
            f"{place.id}: promised in {of.course.title}, until {of.course.ends[:10]}, {Money(place.amount, place.currency)}",
            markup=False,
        )  # fmt: skip


@command(train, "decide")
def decide(
    id: Application,
    reasons: Annotated[str, typer.Argument(help="the reasons")],
    approved: Annotated[bool, typer.Option("--yes/--no", help="whether the fund pays")],
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Say yes or no to an application; a yes reserves the price."""
    with doors().open(dir) as node:
        fact = done(use_case.decide(node, id, approved, reasons, by or node.about.operator))
        left = use_case.fund(node)
    out.print(
        f"{'approved' if fact.approved else 'declined'} {fact.application}; the fund has {left} left", markup=False
    )


@command(train, "end")
def end(
    id: Application,
    outcome: Annotated[str, typer.Argument(help="completed, attended or missed")],
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Record what became of a place; the fund pays, or keeps the price."""
    with doors().open(dir) as node:
        fact = done(use_case.end(node, id, outcome, by or node.about.operator))
    out.print(f"{fact.place}: {fact.outcome}", markup=False)
