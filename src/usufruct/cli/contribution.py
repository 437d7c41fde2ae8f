"""`income attacks` and `income validation`: what can be gained by gaming the measure, and what a training was measured by."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, done, doors, out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.income.neighbours import Measure
from usufruct.node.validation import rows_of

DATA = ("digits", "breast_cancer", "wine")
JITTERS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)


def attacks(
    draws: Annotated[int, typer.Option(help="how many draws to try", min=1, max=100)] = 5,
    seed: Annotated[int | None, typer.Option(help="what to draw by (default: another each time)")] = None,
    data: Annotated[str, typer.Option(help="what to draw from: digits, breast_cancer or wine")] = "digits",
) -> None:
    """Try to be paid twice, on public data, by the node's own measure; the most that any draw gained."""
    try:
        from sklearn import datasets
    except ModuleNotFoundError:
        raise BadInput("input.extra", "the attacks need data to be tried on", "install `usufruct[train]`") from None
    from usufruct.engine.valuation import attacks as trying  # only this command needs them

    if data not in DATA:
        raise BadInput(
            "input.format", f"there is nothing to draw from that is called `{data}`", f"take {', '.join(DATA)}"
        )
    first = seed if seed is not None else secrets.randbits(31)
    cells, labels = getattr(datasets, f"load_{data}")(return_X_y=True)
    scenes = [trying.scene(cells, labels, first + draw) for draw in range(draws)]
    measure = Measure(copies="first")

    def gain(attack: trying.Attack, measure: Measure = measure, sieving: bool = True) -> str:
        return f"{max(trying.gain(scene, attack, measure, sieving) for scene in scenes):.2f}"

    rows = [[name, gain(attack), gain(attack, sieving=False)] for name, attack in trying.ATTACKS.items()]
    table(
        "what an attack gains, after by before: 1.00 is nothing",
        ["attack", "gain", "if copies counted"],
        rows,
        ("gain", "if copies counted"),
    )
    shaken = [
        [
            f"{jitter:g}", gain(partial(trying.copy_accounts, jitter=jitter)),
            gain(partial(trying.copy_accounts, jitter=jitter, times=4)), gain(partial(trying.copy_another, jitter=jitter)),
            gain(partial(trying.copy_another, jitter=jitter), Measure(copies="equal")),
        ]
        for jitter in JITTERS
    ]  # fmt: skip
    names = ["shaken by", "own, in two accounts", "four times in each", "another's", "another's, if holders share"]
    table(
        "what copies gain that are shaken, each cell by a normal draw of that part of its range",
        names,
        shaken,
        tuple(names[1:]),
    )
    merged = sum(trying.merged(scene, measure) for scene in scenes) / draws
    out.print(f"{merged:.2%} of honest records were taken for copies; seed {first}, {draws} draws", markup=False)


def validation(
    use: Annotated[str, typer.Argument(help="a training, as use-274")],
    to: Annotated[Path | None, typer.Option(help="where to write the rows, as CSV")] = None,
    dir: Directory = HERE,
) -> None:
    """Show by what rows a training was measured; the rows themselves once it is over."""
    with doors().open(dir) as node:
        known, data = done(rows_of(node, use))
    out.print(f"{known.rows} rows of {known.requester}, SHA-256 {known.digest}", markup=False)
    out.print(f"measured by {known.measure or 'nothing: the table is about nobody'}", markup=False)
    if to is not None:
        to.write_bytes(data)
        out.print(f"rows written to {to}", markup=False)
