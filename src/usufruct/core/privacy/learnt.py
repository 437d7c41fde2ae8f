"""What leaves of a fit or a synthesis: a table of figures with their margins, notes on how to read them, and the model.

It is kept in the journal in the shape of every other answer, so the pages that show answers show these too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from usufruct.core.base import canonical
from usufruct.core.base.money import decimal
from usufruct.core.privacy.fitting import ESTIMATORS, FAR, GRAINS, FitPlan, Scoring, regression_scores
from usufruct.core.privacy.marginals import Marginals
from usufruct.core.privacy.moments import UNIT
from usufruct.core.privacy.release import CONFIDENCE, Cell
from usufruct.core.privacy.sample import Sample, listed

DIGITS = 4  # of a share


@dataclass(frozen=True, slots=True)
class Learnt:
    """What leaves: named `columns` and `rows` of cells, of which those named in `measures` hold decimals as text; `notes`;
    `scores` by name, decimals as text; the `model`, see `privacy.model`, or None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    measures: tuple[str, ...]
    notes: tuple[str, ...]
    charge: int
    scores: Mapping[str, str]
    model: Mapping[str, Any] | None = None

    def encode(self) -> bytes:
        """Canonical bytes, as sealed into the journal."""
        kept: dict[str, canonical.Value] = {
            "columns": list(self.columns), "rows": [list(row) for row in self.rows],
            "measures": list(self.measures), "notes": list(self.notes), "charge": self.charge, "scores": dict(self.scores),
        }  # fmt: skip
        return canonical.encode(kept if self.model is None else kept | {"model": self.model})


def of_fit(
    plan: FitPlan, model: Mapping[str, Any], noised: Sequence[Sequence[int]], own: Sequence[Sequence[int]] = ()
) -> Learnt:
    """What a fit lets out: the scores from their noised numbers, those of the requester's `own` rows, and the model if it was
    asked for."""
    table: tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]] = ((), ())
    scores: dict[str, str] = {}
    measures: tuple[str, ...] = ()
    if plan.scores:
        columns, rows, scores = (_classes if plan.classes else _numbers)(plan, noised)
        table, measures = (columns, rows), columns[-2:]
    if own:
        scores = scores | _validated(plan, own)
    notes = (*_how(plan), *_scored(plan), *_measured(plan), *bounded(plan.sample))
    return Learnt(*table, measures, notes, plan.charge, scores, model if plan.out == "model" else None)


def _validated(plan: FitPlan, own: Sequence[Sequence[int]]) -> dict[str, str]:
    """How the model does on the requester's own rows: exact, for she knows the rows, and what the model tells may leave."""
    if plan.classes:
        counts, classes = own[0], len(listed(plan.label))
        scores = {"validation_accuracy": _part(Fraction(sum(counts[:: classes + 1]), sum(counts)))}
        for right, times in own[1:]:
            scores["data_quality"] = _part(Fraction(right, max(times, 1)))
        return scores
    (rows, errors, squares), label = (vector[0] for vector in own), plan.label
    assert label.low is not None and label.high is not None
    shown = [
        decimal(round(value * (label.high - label.low)), label.decimals)
        for value in regression_scores(rows, errors, squares)
    ]
    return {"validation_mean_absolute_error": shown[0], "validation_root_mean_squared_error": shown[1]}


def _measured(plan: FitPlan) -> list[str]:
    if not plan.validation:
        return []
    notes = [
        f"validation scores are of {len(plan.validation)} rows that came with the job; nothing was learnt from them"
    ]
    if plan.route == "exact" and plan.classes:
        notes.append("data quality is how often trees that did not see a row tell it rightly; nobody is paid by it")
    if plan.sample.personal:
        notes.append(
            "what this earns is divided by what each person's rows add to telling these rows, near copies once"
        )
    return notes


_Scores = tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...], dict[str, str]]


def _classes(plan: FitPlan, noised: Sequence[Sequence[int]]) -> _Scores:
    """How many held out rows of each class were told to be of which, and the share that was told rightly."""
    scoring, values, counts = plan.scores[0], listed(plan.label), noised[0]
    margin = math.ceil(CONFIDENCE * scoring.deviation)
    rows: list[tuple[Cell, ...]] = []
    for place, count in enumerate(counts):
        actual, told = divmod(place, len(values))
        shown = not _too_few(plan, count)
        rows.append(
            (
                _cell(values[actual]),
                _cell(values[told]),
                str(max(0, count)) if shown else None,
                str(margin) if shown else None,
            )
        )
    whole, right = sum(counts), sum(counts[:: len(values) + 1])
    scores: dict[str, str] = {}
    if not _too_few(plan, whole) and whole > 2 * CONFIDENCE * scoring.deviation * _root(len(counts)):
        share = min(max(Fraction(right, whole), Fraction(0)), Fraction(1))
        # d(right / whole): the right cells count 1 - share, the others share.
        spread = len(values) * (1 - share) ** 2 + (len(counts) - len(values)) * share**2
        scores = {
            "accuracy": _part(share),
            "accuracy_margin": _part(CONFIDENCE * scoring.deviation * _root(spread) / whole, True),
        }
    return ("actual", "predicted", "rows", "rows_margin"), tuple(rows), scores


def _numbers(plan: FitPlan, noised: Sequence[Sequence[int]]) -> _Scores:
    """How far from the true numbers those that were told lie, in the label's unit."""
    (rows, errors, squares), label = (vector[0] for vector in noised), plan.label
    assert label.low is not None and label.high is not None
    span, names = label.high - label.low, ("mean absolute error", "root mean squared error")
    columns = ("score", "value", "value_margin")
    if _too_few(plan, rows) or rows <= 2 * CONFIDENCE * plan.scores[0].deviation:
        return columns, tuple((name, None, None) for name in names), {}
    mean, root = regression_scores(rows, errors, squares)
    around = [CONFIDENCE * scoring.deviation for scoring in plan.scores]
    spread = _root(around[1] ** 2 / GRAINS**2 + (mean * around[0]) ** 2) / rows
    square = root * root
    wide = _root(around[2] ** 2 / GRAINS**2 + (square * around[0]) ** 2) / rows
    margin = max(_root(square + wide) - root, root - _root(max(square - wide, Fraction(0)))) if wide else Fraction(0)
    shown = [(decimal(round(value * span), label.decimals), decimal(math.ceil(around * span), label.decimals))
             for value, around in ((mean, spread), (root, margin))]  # fmt: skip
    scores: dict[str, str] = {}
    for name, (value, around_it) in zip(names, shown, strict=True):
        key = name.replace(" ", "_")
        scores |= {key: value, f"{key}_margin": around_it}
    return columns, tuple((name, *cells) for name, cells in zip(names, shown, strict=True)), scores


def _too_few(plan: FitPlan, count: int) -> bool:
    """Whether a figure may be about fewer persons than may stand in one, by the noised count."""
    return plan.group_min > 0 and count < plan.group_min * plan.sample.rows_per_person


def _how(plan: FitPlan) -> list[str]:
    """What was done to the rows before a model came of them."""
    title = ESTIMATORS[plan.estimator].title
    if plan.route == "exact":
        return [f"{title}, fitted to the rows themselves: their grade lets a model of them leave"]
    if plan.moments is not None:
        deviation = float(plan.moments.deviation) / UNIT**2
        return [
            f"{title}, worked out from noisy sums of products; no row was fitted to",
            f"every sum of products has noise with standard deviation {deviation:.2f}; a row at the ends of its bounds adds 1",
            *clamped(plan.sample),
        ]
    assert plan.marginals is not None
    return [
        f"{title}, fitted to synthetic rows; no row of a person was fitted to",
        *measured(plan.marginals),
        *clamped(plan.sample),
    ]


def measured(laid: Marginals) -> list[str]:
    """What was counted, and with how much noise."""
    return [
        f"the synthetic rows follow {len(laid.sets) - laid.checks} noisy marginals; what these do not show is not in them",
        f"every count in a marginal has noise with standard deviation {float(laid.deviation):.2f} rows",
    ]


def clamped(sample: Sample) -> list[str]:
    """What counts as something else."""
    numbers = [c for c in sample.columns if not listed(c) and c.low is not None and c.high is not None]
    return [
        f"{c.name}: values outside {decimal(c.low or 0, c.decimals)} to {decimal(c.high or 0, c.decimals)} count as the nearer end"
        for c in numbers
    ]


def bounded(sample: Sample) -> list[str]:
    """Who and what is in the sample."""
    notes = ["rows with a gap, or with a value that is not on the public list, are left out"]
    if sample.personal:
        notes += [
            f"each person counts with at most {sample.rows_per_person} row(s)",
            "people who refused this use, or never consented to it, are not in it",
        ]
    return notes


def _scored(plan: FitPlan) -> list[str]:
    if not plan.scores:
        return []
    who = "persons" if plan.sample.personal else "rows"
    notes = [
        f"scores are of {plan.sample.holdout} per cent of the {who}, who were held out and nothing was learnt from"
    ]
    if not plan.classes:
        notes.append(f"an error of more than 1 / {FAR} of the label's range counts as that much")
    if plan.route == "exact":
        return notes
    deviations = ", ".join(f"{_unit(scoring):.2f} ({scoring.kind})" for scoring in plan.scores)
    notes.append(f"scores have noise with standard deviation {deviations}; margins hold for 95 % of its draws")
    if plan.group_min:
        notes.append(
            f"a figure is left out where, by the noised count, fewer than {plan.group_min} persons may stand in it"
        )
    return notes


def _unit(scoring: Scoring) -> float:
    return float(scoring.deviation) / (1 if scoring.kind == "rows" else GRAINS)


def _cell(value: int | str | bool) -> Cell:
    return value


def _part(share: Fraction, up: bool = False) -> str:
    scaled = share * 10**DIGITS
    return decimal(math.ceil(scaled) if up else round(scaled), DIGITS)


def _root(square: Fraction | int) -> Fraction:
    """The square root, rounded up to a 2^20th."""
    return Fraction(math.isqrt(math.ceil(square * 2**40)) + 1, 2**20) if square else Fraction(0)
