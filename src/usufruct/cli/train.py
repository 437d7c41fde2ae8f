"""`train` and `synthesize`: work a model, or a table about nobody, out in the node."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, doors, out, table
from usufruct.cli.use import or_exit
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.fitting import ESTIMATORS, MEASURES, OUT, Fit
from usufruct.core.privacy.learnt import Learnt
from usufruct.core.privacy.synthesis import Synthesis
from usufruct.node import synthesize as making
from usufruct.node import train as training
from usufruct.node.use import Answered
from usufruct.wire import fit as wire
from usufruct.wire import validation as validating

By = Annotated[str, typer.Option("--as", help="the party that asks")]
Purpose = Annotated[str, typer.Option(help="what it is for, as AcademicResearch")]
Where = Annotated[str, typer.Option(help="only rows for which this holds, as after WHERE in SQL")]
Rows = Annotated[int | None, typer.Option(help="how many rows of a person count at most (default: as the card says)")]
Bins = Annotated[int, typer.Option(help="into how many bins a number is cut where rows are counted")]
MicroRho = Annotated[int | None, typer.Option(help="privacy budget to spend, in millionths of rho")]
Pair = Annotated[list[str] | None, typer.Option(help="two columns to be counted together, as `a*b`; may be repeated")]
Keep = Annotated[Path | None, typer.Option(help="where to write the receipt")]


def train(
    estimator: Annotated[str, typer.Argument(help=" or ".join(ESTIMATORS))],
    asset: Annotated[str, typer.Option(help="what to learn from")],
    label: Annotated[str, typer.Option(help="the column to be told")],
    feature: Annotated[list[str], typer.Option(help="a column to tell it by; may be repeated")],
    by: By,
    purpose: Purpose,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="a parameter, as `max_depth=4`; may be repeated")
    ] = None,
    where: Where = "",
    out_: Annotated[str, typer.Option("--out", help=" or ".join(OUT))] = "model",
    holdout: Annotated[int, typer.Option(help="per cent of the persons to keep for scores")] = 20,
    rows_per_person: Rows = None,
    bins: Bins = 16,
    pair: Pair = None,
    micro_rho: MicroRho = None,
    validation: Annotated[
        Path | None,
        typer.Option(help="labelled rows of your own to score on, as CSV; contributions are measured by them"),
    ] = None,
    measure: Annotated[
        str, typer.Option(help="contributions are measured by nearest `neighbours`, or by the `model` itself")
    ] = MEASURES[0],
    to: Annotated[Path | None, typer.Option(help="where to write the model, as JSON")] = None,
    receipt: Keep = None,
    dir: Directory = HERE,
) -> None:
    """Have a model fitted in the node; what leaves of it is what the grade permits."""
    condition = wire.condition(asset, where)
    unread = condition if isinstance(condition, Refusal) else None
    fit = Fit(
        estimator, asset, label, tuple(feature), wire.parameters(set or ()), None if isinstance(condition, Refusal) else condition,
        where, out_, holdout, rows_per_person, bins, wire.pairs(pair or ()),
        validating.read(validation.read_bytes()) if validation is not None else None, measure,
    )  # fmt: skip
    with doors().open(dir) as node:
        result = training.train(node, training.Asked(by, fit, purpose, micro_rho, unread))
    done = or_exit(result, receipt)
    out.print(f"fitted: {done.meaning}", markup=False)
    for name, value in _figures(done.answer.scores):
        out.print(f"  {name}: {value}", markup=False)
    _tell(done, receipt)
    if to is not None and done.answer.model is not None:
        to.write_text(json.dumps(done.answer.model, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        out.print(f"model written to {to}", markup=False)


def synthesize(
    product: Annotated[str, typer.Argument(help="the id of the new asset")],
    asset: Annotated[str, typer.Option(help="what to make it of")],
    title: Annotated[str, typer.Option(help="what the new asset is called")],
    column: Annotated[list[str], typer.Option(help="a column it has; may be repeated")],
    by: By,
    purpose: Purpose,
    pair: Pair = None,
    check: Annotated[
        list[str] | None, typer.Option(help="two columns to hold the result against, as `a*b`; may be repeated")
    ] = None,
    where: Where = "",
    rows_per_person: Rows = None,
    bins: Bins = 16,
    micro_rho: MicroRho = None,
    receipt: Keep = None,
    dir: Directory = HERE,
) -> None:
    """Make a synthetic table about nobody from noisy counts, and register it as an asset."""
    condition = wire.condition(asset, where)
    unread = condition if isinstance(condition, Refusal) else None
    wanted = Synthesis(
        asset, product, title, tuple(column), wire.pairs(pair or ()), wire.pairs(check or ()),
        None if isinstance(condition, Refusal) else condition, where, rows_per_person, bins,
    )  # fmt: skip
    with doors().open(dir) as node:
        result = making.synthesize(node, making.Asked(by, wanted, purpose, micro_rho, unread))
    done = or_exit(result, receipt)
    scores = done.answer.scores
    out.print(f"registered {product}: {scores['rows']} rows about nobody, for {done.purpose}", markup=False)
    rows = []
    for figure, value in scores.items():
        kind, _, marginal = figure.partition(" ")
        if kind in ("distance", "check"):
            rows.append([marginal, value, scores[f"noise {marginal}"], "no" if kind == "check" else "yes"])
    table("", ["rows by", "distance", "noise", "drawn from it"], rows, ("distance", "noise"))
    _tell(done, receipt)


def _figures(scores: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each score with its margin."""
    return [
        (name.replace("_", " "), f"{value} ± {scores[f'{name}_margin']}" if f"{name}_margin" in scores else value)
        for name, value in scores.items()
        if not name.endswith("_margin")
    ]


def _tell(done: Answered[Learnt], receipt: Path | None) -> None:
    for note in done.answer.notes:
        out.print(f"  {note}", markup=False)
    total = done.budget_total
    out.print(
        f"cost: {done.price}, and {done.charge * 100 / total:.0f} % of the privacy budget; "
        f"{done.budget_left * 100 / total:.0f} % is left. Receipt: fact {done.receipt.index} ({done.use})",
        markup=False,
    )
    if receipt:
        out.print(f"receipt written to {receipt}", markup=False)
