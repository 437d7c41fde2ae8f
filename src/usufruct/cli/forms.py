"""`cube` and `mask`: totals declared beforehand, and how rows are masked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.cli.use import tell
from usufruct.core.base.faults import BadInput
from usufruct.node import cubes, rows
from usufruct.node.use import Wanted

cube = group("Tables of totals that are declared beforehand, without small groups.")
mask = group("How rows are masked before they leave.")

By = Annotated[str | None, typer.Option("--as", help="the party that acts (default: the operator)")]
SUM = "sum:"


@command(cube, "declare")
def declare(
    name: str,
    asset: Annotated[str, typer.Option(help="the asset it is about")],
    by: Annotated[str, typer.Option(help="columns to count by, as `region,year`")],
    purpose: Annotated[str, typer.Option(help="what it is for, as AcademicResearch")],
    measure: Annotated[list[str] | None, typer.Option(help="`count`, or `sum:` and a column; may be repeated")] = None,
    least: Annotated[int, typer.Option(help="persons behind a figure (default: as the grades say)")] = 0,
    party: By = None,
    dir: Directory = HERE,
) -> None:
    """Declare a cube; it is counted in any case."""
    asked = [one for one in measure or [] if one != "count"]
    if strange := [one for one in asked if not one.startswith(SUM)]:
        raise BadInput("input.cube", f"`{strange[0]}` is not a measure", "write `count`, or `sum:` and a column")
    keys, sums = [key.strip() for key in by.split(",")], [one.removeprefix(SUM) for one in asked]
    with doors().open(dir) as node:
        fact = done(cubes.declare(node, name, asset, keys, sums, purpose, least, party or node.about.operator))
    shown = "".join(f", sum of {name}" for name in fact.sums)
    out.print(
        f"declared {fact.cube}: persons{shown} by {', '.join(fact.keys)}, for {fact.purpose}; at least {fact.least} persons "
        f"in a figure, nobody more than {fact.share} % of a sum", markup=False,
    )  # fmt: skip


@command(cube, "build")
def build(name: str, party: By = None, dir: Directory = HERE) -> None:
    """Build a cube from the rows of those who allow its purpose."""
    with doors().open(dir) as node:
        fact = done(cubes.build(node, name, party or node.about.operator))
    out.print(f"built {fact.cube} (build {fact.number + 1}); {fact.withheld} cells are withheld", markup=False)


@command(cube, "list")
def list_cubes(party: By = None, dir: Directory = HERE) -> None:
    """The cubes that a party may build or ask for."""
    with doors().open(dir) as node:
        found = cubes.listed(node, party or node.about.operator)
    table("cubes", ["name", "asset", "by", "sums", "purpose", "least", "built"], [
        [
            one.cube.id, one.cube.asset, ", ".join(one.cube.keys), ", ".join(one.cube.sums), one.cube.purpose,
            one.cube.least, one.built.at[:10] if one.built else "not yet",
        ]
        for one in found
    ], ("least",))  # fmt: skip


@command(cube, "get")
def get(
    name: str,
    by: Annotated[str, typer.Option("--as", help="the party that asks")],
    purpose: Annotated[str, typer.Option(help="what it is for, as AcademicResearch")],
    hold: Annotated[str, typer.Option(help="ground on which to withhold the use from the persons concerned")] = "",
    hold_days: Annotated[int | None, typer.Option(help="for how many days (default: as long as one may)")] = None,
    receipt: Annotated[Path | None, typer.Option(help="where to write the receipt")] = None,
    dir: Directory = HERE,
) -> None:
    """Get the newest build of a cube, for a purpose."""
    with doors().open(dir) as node:
        result = cubes.get(node, name, Wanted(by, f"cube {name}", purpose, hold, hold_days))
    tell(result, receipt)


@command(mask, "declare")
def declare_mask(
    asset: str,
    column: Annotated[list[str] | None, typer.Option(help="as `year=show`, `pay=band:5.00` or `note=omit`")] = None,
    least: Annotated[int, typer.Option(help="persons who must be alike (default: as the grades say)")] = 0,
    unlinked: Annotated[bool, typer.Option("--unlinked", help="rows without pseudonyms")] = False,
    party: By = None,
    dir: Directory = HERE,
) -> None:
    """Declare how rows of an asset are masked; columns that are not named are masked as usual."""
    chosen = []
    for one in column or []:
        name, _, said = one.rpartition("=")
        rule, _, width = said.partition(":")
        chosen.append((name, rule, width))
    with doors().open(dir) as node:
        fact = done(rows.declare_mask(node, asset, chosen, least, not unlinked, party or node.about.operator))
    out.print(f"declared how rows of {fact.asset} are masked", markup=False)


@command(mask, "show")
def show_mask(asset: str, party: By = None, dir: Directory = HERE) -> None:
    """How rows of an asset are masked."""
    with doors().open(dir) as node:
        found = done(rows.mask(node, asset, party or node.about.operator))
    table(
        "masked rows",
        ["column", "rule", "width"],
        [[rule.column, rule.rule, width] for rule, width in found.rules],
        ("width",),
    )
    alike = "persons with the same rows" if found.view.linked else "persons with a row like it"
    out.print(f"at least {found.view.least} {alike}", markup=False)
