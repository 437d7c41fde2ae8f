"""The release: from noised numbers to the answer that leaves the node.

Everything here is post-processing of numbers that are already protected, so it costs nothing and can be as helpful as
it likes: averages are formed, margins stated, rows put in order. Values are decimals written as text, exact to the
digits shown; margins are for 95 % of draws of the noise and say nothing about how well the members stand for others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from usufruct.core.base import canonical
from usufruct.core.base.money import decimal
from usufruct.core.privacy.question import Literal
from usufruct.core.privacy.rules import Output, QueryPlan, Vector

CONFIDENCE = Fraction(196, 100)  # standard deviations on each side that hold 95 % of a Gaussian

Cell = Literal | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves the node: named `columns`, `rows` of cells, and `notes` on how to read them. The columns that are
    `measures` hold decimals written as text.

    Next to each measure `m` stands `m_margin`: the true value lies within value ± margin in 95 % of cases. A measure
    is null where the noise is as large as the group, or the group too small for the grade.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    measures: tuple[str, ...]
    notes: tuple[str, ...]
    charge: int

    def encode(self) -> bytes:
        """Canonical bytes, as sealed into the journal."""
        return canonical.encode({
            "columns": list(self.columns), "rows": [list(row) for row in self.rows],
            "measures": list(self.measures), "notes": list(self.notes),
            "charge": self.charge,
        })  # fmt: skip


def groups(plan: QueryPlan) -> list[tuple[Literal, ...]]:
    """All groups of the answer, in the order of the public lists; the engine's vectors follow this order."""
    return list(product(*(key.values for key in plan.keys)))


def release(plan: QueryPlan, noised: list[list[int]]) -> Answer:
    """The answer from one noised number per vector and group."""
    cells: dict[str, list[Cell]] = {}
    all_groups = groups(plan)
    for index, key in enumerate(plan.keys):
        cells[key.label] = [group[index] for group in all_groups]
    for output in plan.outputs:
        values = [_value(plan, output, [noised[v][g] for v in output.vectors]) for g in range(len(all_groups))]
        cells[output.measure.label] = [value for value, _ in values]
        cells[f"{output.measure.label}_margin"] = [margin for _, margin in values]
    columns = _columns(plan)
    order = _ordered(plan, cells, len(all_groups))
    rows = tuple(tuple(cells[column][row] for column in columns) for row in order)
    measures = tuple(c for c in columns if c not in {key.label for key in plan.keys})
    return Answer(columns, rows, measures, _notes(plan), plan.charge)


def _columns(plan: QueryPlan) -> tuple[str, ...]:
    measures = {output.measure.label for output in plan.outputs}
    columns: list[str] = []
    for label in plan.labels:
        columns += [label, f"{label}_margin"] if label in measures else [label]
    return tuple(columns)


def _value(plan: QueryPlan, output: Output, numbers: list[int]) -> tuple[str | None, str | None]:
    """One cell and its margin."""
    vectors = [plan.vectors[v] for v in output.vectors]
    if _too_few(plan, vectors[0], numbers[0]):
        return None, None
    if output.measure.function in ("count", "persons"):
        return str(max(0, numbers[0])), str(math.ceil(CONFIDENCE * vectors[0].deviation))
    count, total = numbers
    counting, summing = vectors
    column = summing.column
    assert column is not None
    if output.measure.function == "sum":
        value = Fraction(total + count * summing.centre)
        if column.low is not None and column.low >= 0:
            value = max(value, Fraction(0))  # a sum of what is never negative is not either
        margin = CONFIDENCE * _hypotenuse(summing.deviation, counting.deviation * summing.centre)
        return _decimal(value, column.decimals), _decimal(margin, column.decimals, up=True)
    if count < 2 * CONFIDENCE * counting.deviation:
        return None, None
    shift = Fraction(total, count)
    margin = CONFIDENCE * _hypotenuse(summing.deviation, shift * counting.deviation) / count
    assert column.low is not None and column.high is not None
    average = min(max(summing.centre + shift, Fraction(column.low)), Fraction(column.high))
    return _decimal(average, column.decimals), _decimal(margin, column.decimals, up=True)


def _too_few(plan: QueryPlan, counting: Vector, count: int) -> bool:
    """Whether a group may be of fewer persons than may stand in a figure. It is judged by the noised count, so it tells
    nothing that the count would not; a person may stand behind as many rows as she counts for at most."""
    each = plan.rows_per_group if counting.kind == "rows" else 1
    return plan.group_min > 0 and count < plan.group_min * each


def _hypotenuse(a: Fraction, b: Fraction) -> Fraction:
    """sqrt(a^2 + b^2), rounded up to a 1024th."""
    square = (a * a + b * b) * 1024**2
    return Fraction(math.isqrt(math.ceil(square)) + 1, 1024)


def _decimal(grains: Fraction, decimals: int, up: bool = False) -> str:
    return decimal(math.ceil(grains) if up else round(grains), decimals)


def _ordered(plan: QueryPlan, cells: dict[str, list[Cell]], count: int) -> list[int]:
    order = list(range(count))
    for ordering in reversed(plan.order):
        column = cells[ordering.label]
        order.sort(key=lambda row: _sortable(column[row], ordering.label, plan), reverse=ordering.descending)
        order.sort(key=lambda row: column[row] is None)  # last either way, as DuckDB has it
    return order[: plan.limit]


def _sortable(cell: Cell, label: str, plan: QueryPlan) -> tuple[bool, Fraction | Literal]:
    if cell is None:
        return True, 0
    measured = any(output.measure.label == label for output in plan.outputs)  # a key left out may have that name too
    return False, Fraction(cell) if measured else cell


def _notes(plan: QueryPlan) -> tuple[str, ...]:
    notes = [
        "people who refused this use, or never consented to it, are not in the answer",
        f"each person counts in at most {plan.groups_per_person} group(s), with at most {plan.rows_per_group} row(s) in each",
        "margins hold for 95 % of draws of the noise; they do not cover who is missing from the data",
    ]
    if plan.group_min:
        notes.append(
            f"a figure is left out where, by the noised count, fewer than {plan.group_min} persons may stand in it"
        )
    if any(output.measure.function == "average" for output in plan.outputs):
        notes.append("an average is left out where the noise is as large as its group")
    for output in plan.outputs:
        deviations = ", ".join(_deviation(plan.vectors[v]) for v in output.vectors)
        clamped = [plan.vectors[v].column for v in output.vectors if plan.vectors[v].kind == "sum"]
        bounds = "".join(
            f"; values outside {decimal(c.low, c.decimals)} to {decimal(c.high, c.decimals)} count as the nearer end"
            for c in clamped
            if c is not None and c.low is not None and c.high is not None
        )
        notes.append(f"{output.measure.label}: noise with standard deviation {deviations}{bounds}")
    return tuple(notes)


def _deviation(vector: Vector) -> str:
    """The noise on one vector, in the unit of what it counts."""
    grain = 10**vector.column.decimals if vector.kind == "sum" and vector.column else 1
    return f"{float(vector.deviation / grain):.2f} ({vector.kind})"
