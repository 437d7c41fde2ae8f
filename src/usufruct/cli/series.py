"""`work series-…`: have rounds of jobs opened by the clock."""

from __future__ import annotations

from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, out, table
from usufruct.cli.jobs import ByOperator, Why, when
from usufruct.cli.rounds import part, tell_rule
from usufruct.cli.work import work
from usufruct.core.base.refusals import refuse
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.allocation.rule import METHODS, AllocationRule
from usufruct.node import series as use_case

SeriesId = Annotated[str, typer.Argument(metavar="SERIES", help="a series by its name")]


@command(work, "series-start")
def start(
    series: SeriesId,
    workers: Annotated[str, typer.Option(help="the party that speaks for the workers")],
    operators: Annotated[str, typer.Option(help="the party that speaks for the operators")],
    customers: Annotated[str, typer.Option(help="the party that speaks for the customers")],
    every: Annotated[int, typer.Option(help="minutes from one round to the next")],
    wishes: Annotated[int, typer.Option(help="minutes in which wishes come in")],
    opening: Annotated[int, typer.Option(help="minutes after that in which secrets are opened")],
    until: Annotated[str, typer.Option(help="from when on no round opens")],
    starts: Annotated[str, typer.Option(help="when the first round opens (default: now)")] = "",
    method: Annotated[str, typer.Option(help=" or ".join(METHODS))] = "stable",
    weight: Annotated[list[str] | None, typer.Option(help="a part of the score and its weight, as fairness=2")] = None,
    by: ByOperator = None,
    dir: Directory = HERE,
) -> None:
    """Start a series of rounds, by a rule that everybody can read."""
    rule = AllocationRule(method, tuple(map(part, weight or ())))
    with doors().open(dir) as node:
        now = node.clock.now()
        fact = done(use_case.start(
            node, series, rule, (workers, operators, customers), when(starts, now) if starts else None,
            (every, wishes, opening), when(until, now), by or node.about.operator,
        ))  # fmt: skip
    out.print(
        f"started {series}: {series}-1 opens at {fact.starts[:16]}Z, and another each {every} minutes", markup=False
    )
    tell_rule(rule)


@command(work, "series-show")
def show(
    series: Annotated[str, typer.Argument(metavar="SERIES", help="a series by its name")] = "", dir: Directory = HERE
) -> None:
    """All series, the newest first; or one, with its rule and its next rounds."""
    with doors().open(dir) as node:
        found, now = use_case.listed(node), node.clock.now()
    if not series:
        rows = [
            [row.id, "ended" if row.ended else "goes on", row.every, row.until[:16], row.last and row.named(row.last)]
            for row in found
        ]
        table("", ["series", "stands", "minutes", "until", "newest round"], rows, ("minutes",))
        return
    row = next((one for one in found if one.id == series), None)
    if row is None:
        done(refuse(
            "registry.unknown", "there is nothing to show", f"there is no series `{series}`", remedy="see `work series-show`"
        ))  # fmt: skip
    assert row is not None
    tell_rule(row.rule)
    for chamber, who in zip(CHAMBERS, row.speakers, strict=True):
        out.print(f"  {who} speaks for {chamber}", markup=False)
    if row.ended:
        out.print(f"  ended: {row.ended}", markup=False)
    for one in use_case.ahead(row, now):
        out.print(
            f"  {row.named(one.number)} opens at {one.opens[:16]}Z: wishes until {one.closes[:16]}Z, secrets until "
            f"{one.opens_until[:16]}Z", markup=False, soft_wrap=True,
        )  # fmt: skip


@command(work, "series-end")
def end(series: SeriesId, why: Why, by: ByOperator = None, dir: Directory = HERE) -> None:
    """End a series: no further round opens."""
    with doors().open(dir) as node:
        done(use_case.end(node, series, by or node.about.operator, why))
    out.print(f"ended {series}; a round that is open goes its way", markup=False)
