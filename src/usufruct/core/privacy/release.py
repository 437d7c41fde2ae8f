"""The release: from noised numbers to the answer that leaves the node.

Everything here is post-processing of numbers that are already protected, so it costs nothing and can be as helpful as
it likes: averages are formed, margins stated, rows put in order. Values are decimals written as text, exact to the
digits shown; margins are for 95 % of draws of the noise and say nothing about how well the members stand for others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, product

from usufruct.core.base import canonical
from usufruct.core.base.money import decimal
from usufruct.core.privacy.question import Call, Expression, Literal, Ref, Value
from usufruct.core.privacy.rules import Output, QueryPlan, Vector

CONFIDENCE = Fraction(196, 100)  # standard deviations on each side that hold 95 % of a Gaussian
DIGITS = 2  # decimals that averages and the like have at least

Cell = Literal | None
Group = tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class DeclaredNoise:
    """The noise on numbers of a measure: `kind` as in `Vector`, `deviation` in what is counted, what it cost in micro-rho,
    and the bounds to which values were `clamped`, if any; both as written."""

    measure: str
    kind: str
    deviation: str
    charge: int
    clamped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves the node: named `columns`, `rows` of cells, and `notes` on how to read them. The columns that are
    `measures` hold decimals written as text. `spread` declares the noise; the charge is in micro-rho and nano-delta.

    Next to each measure `m` stands `m_margin`: the true value lies within value ± margin in 95 % of cases. A measure
    is null where the noise is as large as the group, or the group too small for the grade.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    measures: tuple[str, ...]
    notes: tuple[str, ...]
    charge: int
    nano_delta: int = 0
    spread: tuple[DeclaredNoise, ...] = ()

    def encode(self) -> bytes:
        """Canonical bytes, as sealed into the journal."""
        return canonical.encode({
            "columns": list(self.columns), "rows": [list(row) for row in self.rows],
            "measures": list(self.measures), "notes": list(self.notes),
            "charge": self.charge, "nano_delta": self.nano_delta,
            "spread": [
                {"measure": s.measure, "kind": s.kind, "deviation": s.deviation, "charge": s.charge, "clamped": list(s.clamped)}
                for s in self.spread
            ],
        })  # fmt: skip


def decode(kept: bytes) -> Answer:
    """The answer that was kept."""
    value = canonical.decode(kept)
    assert isinstance(value, dict)
    spread = (
        DeclaredNoise(s["measure"], s["kind"], s["deviation"], s["charge"], tuple(s["clamped"]))
        for s in value.get("spread", ())
    )
    return Answer(
        tuple(value["columns"]), tuple(tuple(row) for row in value["rows"]), tuple(value["measures"]),
        tuple(value["notes"]), value["charge"], value.get("nano_delta", 0), tuple(spread),
    )  # fmt: skip


def public_groups(plan: QueryPlan) -> list[Group]:
    """All groups of an answer whose keys have public lists, in the order of these."""
    return list(product(*(key.values for key in plan.keys)))


def named(plan: QueryPlan, persons: Sequence[int]) -> list[int]:
    """The places of the groups that may be named, by their noised numbers of persons."""
    assert plan.threshold is not None
    return [place for place, number in enumerate(persons) if number > plan.threshold.above][: plan.cells_max]


def release(plan: QueryPlan, groups: Sequence[Group], noised: Sequence[Sequence[int]]) -> Answer:
    """The answer from the noised numbers of each vector, group by group."""
    cells: dict[str, list[Cell]] = {}
    exact: dict[str, list[Fraction | None]] = {}
    for index, key in enumerate(plan.keys):
        cells[key.label] = [_key_cell(group[index], key.domain.decimals) for group in groups]
    for output in plan.outputs:
        found = [
            _value(plan, output, [_numbers(plan, noised, v, g) for v in output.vectors]) for g in range(len(groups))
        ]
        decimals = _decimals(plan, output)
        label = output.measure.label
        cells[label] = [None if one is None else _decimal(one[0], decimals) for one in found]
        cells[f"{label}_margin"] = [None if one is None else _decimal(one[1], decimals, up=True) for one in found]
        exact[label] = [None if cell is None else Fraction(str(cell)) for cell in cells[label]]
    columns = _columns(plan)
    kept = [row for row in range(len(groups)) if plan.having is None or _holds(plan.having, cells, exact, row)]
    order = _ordered(plan, cells, exact, kept)
    rows = tuple(tuple(cells[column][row] for column in columns) for row in order)
    measures = tuple(c for c in columns if c not in {key.label for key in plan.keys})
    return Answer(columns, rows, measures, notes(plan), plan.charge, plan.nano_delta, spread(plan))


def _numbers(plan: QueryPlan, noised: Sequence[Sequence[int]], vector: int, group: int) -> Sequence[int]:
    width = plan.vectors[vector].width
    return noised[vector][group * width : (group + 1) * width]


def _key_cell(value: Literal, decimals: int) -> Literal:
    return decimal(value, decimals) if decimals and isinstance(value, int) else value


def _columns(plan: QueryPlan) -> tuple[str, ...]:
    measures = {output.measure.label for output in plan.outputs}
    columns: list[str] = []
    for label in plan.labels:
        columns += [label, f"{label}_margin"] if label in measures else [label]
    return tuple(columns)


# ---- measures


def _decimals(plan: QueryPlan, output: Output) -> int:
    """How many decimals a measure is shown with."""
    domain = plan.vectors[output.vectors[-1]].domain
    own = domain.decimals if domain else 0
    match output.measure.function:
        case "count" | "persons":
            return 0
        case "sum":
            return own
        case "variance":
            return max(2 * own, DIGITS)
        case _:
            return max(own, DIGITS)


def _value(plan: QueryPlan, output: Output, numbers: list[Sequence[int]]) -> tuple[Fraction, Fraction] | None:
    """One value and its margin, in units; None where there is too little to tell."""
    vectors = [plan.vectors[v] for v in output.vectors]
    count = numbers[0][0]
    if _too_few(plan, vectors[0], count):
        return None
    if output.measure.function in ("count", "persons"):
        return Fraction(max(0, count)), Fraction(math.ceil(CONFIDENCE * vectors[0].deviation))
    domain = vectors[1].domain
    assert domain is not None
    unit = Fraction(1, 10**domain.decimals)
    if output.measure.function == "sum":
        value, margin = _sum(vectors[0], vectors[1], count, numbers[1][0])
    elif count < 2 * CONFIDENCE * vectors[0].deviation:
        return None
    else:
        found = _OF_GROUP[output.measure.function](output, vectors, count, [list(n) for n in numbers[1:]])
        if found is None:
            return None
        value, margin = found
    if output.measure.function == "variance":
        unit *= unit
    return value * unit, margin * unit


def _sum(counting: Vector, summing: Vector, count: int, total: int) -> tuple[Fraction, Fraction]:
    value = Fraction(total + count * summing.centre)
    if summing.domain is not None and summing.domain.low is not None and summing.domain.low >= 0:
        value = max(value, Fraction(0))  # a sum of what is never negative is not either
    return value, CONFIDENCE * _length(summing.deviation, counting.deviation * summing.centre)


Found = tuple[Fraction, Fraction] | None


def _average(output: Output, vectors: list[Vector], count: int, numbers: list[list[int]]) -> Found:
    counting, summing = vectors
    shift = Fraction(numbers[0][0], count)
    margin = CONFIDENCE * _length(summing.deviation, shift * counting.deviation) / count
    return _within(summing, summing.centre + shift), margin


def _spread_out(output: Output, vectors: list[Vector], count: int, numbers: list[list[int]]) -> Found:
    """The variance, or its root: the mean of squares less the square of the mean, of a sample."""
    counting, summing, squaring = vectors
    mean, square = Fraction(numbers[0][0], count), Fraction(numbers[1][0], count)
    if count < 2:
        return None
    sample = Fraction(count, count - 1)
    value = min(max((square - mean * mean) * sample, Fraction(0)), Fraction(summing.reach) ** 2)
    margin = (
        CONFIDENCE
        * _length(squaring.deviation, 2 * mean * summing.deviation, (2 * mean * mean - square) * counting.deviation)
        / count
    )
    if output.measure.function == "variance":
        return value, margin
    root = _root(value)
    return root, max(_root(value + margin) - root, root - _root(max(value - margin, Fraction(0))))


def _quantile(output: Output, vectors: list[Vector], count: int, numbers: list[list[int]]) -> Found:
    """Where the noised counts of bins, added up from the left, reach the part asked for; within a bin on a straight line."""
    binning, at = vectors[1], output.measure.at
    reached = list(accumulate(accumulate(numbers[0]), max))
    total = reached[-1]
    bins = len(reached)
    spread = CONFIDENCE * binning.deviation * _root(Fraction(bins))
    if total < 2 * spread:
        return None
    value = _crossing(binning, reached, at * total)
    ends = (_crossing(binning, reached, at * total - spread), _crossing(binning, reached, at * total + spread))
    return _within(binning, value), max(value - ends[0], ends[1] - value) + binning.reach


def _crossing(binning: Vector, reached: list[int], wanted: Fraction) -> Fraction:
    place = next((index for index, so_far in enumerate(reached) if so_far >= wanted), len(reached) - 1)
    before = reached[place - 1] if place else 0
    inside = Fraction(wanted - before, reached[place] - before) if reached[place] > before else Fraction(0)
    return binning.centre + (place + min(max(inside, Fraction(0)), Fraction(1))) * binning.reach


_OF_GROUP: dict[str, Callable[[Output, list[Vector], int, list[list[int]]], Found]] = {
    "average": _average, "variance": _spread_out, "deviation": _spread_out, "quantile": _quantile
}  # fmt: skip


def _within(vector: Vector, value: Fraction) -> Fraction:
    assert vector.domain is not None and vector.domain.low is not None and vector.domain.high is not None
    return min(max(value, Fraction(vector.domain.low)), Fraction(vector.domain.high))


def _too_few(plan: QueryPlan, counting: Vector, count: int) -> bool:
    """Whether a group may be of fewer persons than may stand in a figure. It is judged by the noised count, so it tells
    nothing that the count would not; a person may stand behind as many rows as she counts for at most."""
    each = plan.rows_per_group if counting.kind == "rows" else 1
    return plan.group_min > 0 and count < plan.group_min * each


def _length(*parts: Fraction) -> Fraction:
    """The length of a vector, rounded up to a 1024th."""
    return _root(sum((part * part for part in parts), Fraction(0)))


def _root(square: Fraction) -> Fraction:
    """A square root, rounded up to a 1024th."""
    whole = math.ceil(square * 1024**2)
    root = math.isqrt(whole)
    return Fraction(root if root * root == whole else root + 1, 1024)


def _decimal(value: Fraction, decimals: int, up: bool = False) -> str:
    grains = value * 10**decimals
    return decimal(math.ceil(grains) if up else round(grains), decimals)


# ---- what is done with them


def _holds(
    condition: Expression, cells: dict[str, list[Cell]], exact: dict[str, list[Fraction | None]], row: int
) -> bool:
    """Whether a row of the answer meets a condition; what is unknown is no yes, as in SQL."""
    return _truth(condition, cells, exact, row) is True


def _truth(
    condition: Expression, cells: dict[str, list[Cell]], exact: dict[str, list[Fraction | None]], row: int
) -> bool | None:
    match condition:
        case Call("not", (inner,)):
            found = _truth(inner, cells, exact, row)
            return None if found is None else not found
        case Call("and" | "or" as name, arguments):
            told = [_truth(argument, cells, exact, row) for argument in arguments]
            decisive = name == "or"
            return decisive if decisive in told else None if None in told else not decisive
        case Call("is null", (Ref(label),)):
            return cells[label][row] is None
        case Call(operator, (Ref(label), Value(Fraction() as bound))):
            value = exact[label][row]
            return None if value is None else _COMPARES[operator](value, bound)
    raise AssertionError("the gate lets no other condition through")


_COMPARES: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "=": Fraction.__eq__, "<>": lambda a, b: a != b, "<": Fraction.__lt__, "<=": Fraction.__le__, ">": Fraction.__gt__,
    ">=": Fraction.__ge__,
}  # fmt: skip


def _ordered(
    plan: QueryPlan, cells: dict[str, list[Cell]], exact: dict[str, list[Fraction | None]], kept: list[int]
) -> list[int]:
    order = kept
    for ordering in reversed(plan.order):
        column: Sequence[Fraction | Cell] = exact.get(ordering.label) or cells[ordering.label]
        order = sorted(order, key=lambda row: _sortable(column[row]), reverse=ordering.descending)
        order.sort(key=lambda row: column[row] is None)  # last either way, as DuckDB has it
    return order[plan.offset : None if plan.limit is None else plan.offset + plan.limit]


def _sortable(cell: Fraction | Cell) -> tuple[bool, Fraction | Literal]:
    return (True, 0) if cell is None else (False, cell)


# ---- what is said of it


def notes(plan: QueryPlan) -> tuple[str, ...]:
    """How to read an answer of this plan."""
    said = [
        "people who refused this use, or never consented to it, are not in the answer",
        f"each person counts in at most {plan.groups_per_person} group(s), with at most {plan.rows_per_group} row(s) in each",
        "margins hold for 95 % of draws of the noise; they do not cover who is missing from the data",
    ]
    if plan.threshold:
        said.append(
            f"a group is named if the noised number of its persons is above {plan.threshold.above}; smaller ones are left out, "
            f"and so are rows without a value to group by (delta {plan.nano_delta} in 10^9)"
        )
    if plan.group_min:
        said.append(
            f"a figure is left out where, by the noised count, fewer than {plan.group_min} persons may stand in it"
        )
    functions = {output.measure.function for output in plan.outputs}
    if "average" in functions:
        said.append("an average is left out where the noise is as large as its group")
    if "quantile" in functions:
        said.append("a quantile is read off counts in 64 equal steps between the bounds; its margin has one step in it")
    for output in plan.outputs:
        parts = [one for one in spread(plan) if one.measure == output.measure.label]
        deviations = ", ".join(f"{one.deviation} ({one.kind})" for one in parts)
        clamped = next((one.clamped for one in parts if one.clamped), ())
        bounds = f"; values outside {clamped[0]} to {clamped[1]} count as the nearer end" if clamped else ""
        said.append(f"{output.measure.label}: noise with standard deviation {deviations}{bounds}")
    return tuple(said)


def spread(plan: QueryPlan) -> tuple[DeclaredNoise, ...]:
    """The noise on each measure, as declared."""
    return tuple(_spread(output.measure.label, plan.vectors[v]) for output in plan.outputs for v in output.vectors) + (
        (_spread("groups", plan.vectors[plan.threshold.by]),) if plan.threshold else ()
    )


def _spread(label: str, vector: Vector) -> DeclaredNoise:
    decimals = vector.domain.decimals if vector.domain else 0
    grain = {"sum": 10**decimals, "squares": 100**decimals}.get(vector.kind, 1)
    clamped: tuple[str, ...] = ()
    if (
        vector.kind in ("sum", "bins")
        and vector.domain
        and vector.domain.low is not None
        and vector.domain.high is not None
    ):
        clamped = (decimal(vector.domain.low, decimals), decimal(vector.domain.high, decimals))
    return DeclaredNoise(label, vector.kind, f"{float(vector.deviation / grain):.2f}", vector.charge, clamped)


@dataclass(frozen=True, slots=True)
class Expected:
    """The margin that a measure would have, as written; of an average, what it would have at most, for a group of so many
    `rows`."""

    measure: str
    margin: str
    rows: int | None = None


SIZES = (100, 1_000, 10_000)  # rows of a group for which margins are told beforehand


def expected(plan: QueryPlan) -> tuple[Expected, ...]:
    """The margins of an answer of this plan, as far as they are known before anybody looks at data."""
    found = []
    for output in plan.outputs:
        if not output.measure.shown:
            continue
        vectors, label, decimals = (
            [plan.vectors[v] for v in output.vectors],
            output.measure.label,
            _decimals(plan, output),
        )
        match output.measure.function:
            case "count" | "persons":
                found.append(Expected(label, str(math.ceil(CONFIDENCE * vectors[0].deviation))))
            case "sum":
                unit = 10 ** vectors[1].domain.decimals if vectors[1].domain else 1
                found.append(Expected(label, _decimal(_sum(vectors[0], vectors[1], 0, 0)[1] / unit, decimals, up=True)))
            case "average":
                unit = 10 ** vectors[1].domain.decimals if vectors[1].domain else 1
                # the widest: at an end of the bounds, where the noise of the count tells most
                noise = _length(vectors[1].deviation, vectors[1].reach * vectors[0].deviation)
                for rows in SIZES:
                    margin = CONFIDENCE * noise / rows / unit
                    found.append(Expected(label, _decimal(margin, decimals, up=True), rows))
            case _:
                continue
    return tuple(found)
