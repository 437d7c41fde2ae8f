"""`hold`: who may have its uses withheld from the persons concerned for a time, and how many are."""

from __future__ import annotations

from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.core.access import hold as holds
from usufruct.core.access.hold import HoldRight
from usufruct.core.rulebook.grounds import GROUNDS

hold = group("Lawful silence: uses whose content is withheld for a time, and counted.")


@command(hold, "allow")
def allow(
    party: str,
    ground: Annotated[str, typer.Option(help="why; see `hold grounds`")],
    days: Annotated[int, typer.Option(help="for how many days at the longest; 0: no longer")],
    basis: Annotated[str, typer.Option(help="the law and article that allow it")],
    dir: Directory = HERE,
) -> None:
    """Let a party have its uses withheld on a ground."""
    with doors().open(dir) as node:
        fact = done(node.record(lambda tx: holds.allow(tx, party, ground, days, basis)))
    may = f"may withhold its uses for up to {fact.days} days" if fact.days else "may no longer withhold its uses"
    out.print(f"{party} {may} on the ground {fact.ground}", markup=False)


@command(hold, "list")
def show(dir: Directory = HERE) -> None:
    """Who may, and how many uses are withheld on each ground."""
    with doors().open(dir) as node, node.store.read() as state:
        rights = [[r.party, r.ground, r.days, r.basis] for r in state.list(HoldRight) if r.days]
        counts = [[c.ground, c.held, c.open] for c in holds.counts(state, node.clock.now())]
    table("who may", ["party", "ground", "days", "legal basis"], rights, ("days",))
    table("uses", ["ground", "withheld now", "open again"], counts, ("withheld now", "open again"))


@command(hold, "grounds")
def grounds() -> None:
    """The grounds this node knows, and the law behind each."""
    for ground in GROUNDS.values():
        out.print(f"{ground.name}: {ground.means}; up to {ground.longest} days", markup=False)
        out.print(f"  {ground.source}", markup=False)
