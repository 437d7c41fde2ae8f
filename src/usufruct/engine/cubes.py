"""A cube's exact figures, as SQL: what each person comes to in each inner cell, then in every margin, then all persons."""

from __future__ import annotations

from usufruct.core.privacy.cubes import CubePlan
from usufruct.core.privacy.question import Literal
from usufruct.core.registry.facts import Column
from usufruct.engine.columns import quoted
from usufruct.engine.records import among


def per_person(plan: CubePlan, population: str) -> tuple[str, list[Literal | None]]:
    """SQL for what each person of a population comes to in each inner cell that she is in, and the values bound to it:
    `_person`, keys `k0`…, `rows`, sums `v0`…"""
    values: list[Literal | None] = []
    where = [among(population, values)]
    for key in plan.keys:
        first = len(values) + 1
        values += key.values
        listed = ", ".join(f"${first + place}" for place in range(len(key.values)))
        where.append(f"{quoted(key.name)} IN ({listed})")
    keys = "".join(f", {quoted(key.name)} AS k{index}" for index, key in enumerate(plan.keys))
    sums = "".join(f", {_sum(column)} AS v{index}" for index, column in enumerate(plan.sums))
    grouping = ", ".join(str(1 + index) for index in range(1 + len(plan.keys)))
    return (
        f"SELECT _person{keys}, count(*) AS rows{sums} FROM asset WHERE {' AND '.join(where)} GROUP BY {grouping}",
        values,
    )


def _sum(column: Column) -> str:
    # Without the filter a null would count as the lower bound: greatest() passes over nulls.
    name = quoted(column.name)
    inside = f"least(greatest({name}, {column.low}), {column.high})"
    return f"coalesce(sum({inside}) FILTER ({name} IS NOT NULL), 0)"


def figures(plan: CubePlan, source: str) -> str:
    """SQL for every cell with its margins, from a table of what `per_person` found: keys (null is the total), persons, the
    count, then for each sum the sum and the largest part of one person."""
    keys = "".join(f"k{index}, " for index in range(len(plan.keys)))
    margins = f"CUBE ({keys.rstrip(', ')})"
    sums = "".join(f", sum(v{i})::HUGEINT AS v{i}" for i in range(len(plan.sums)))
    told = "".join(f", sum(v{i})::HUGEINT, max(v{i})::HUGEINT" for i in range(len(plan.sums)))
    hers = f"SELECT _person, {keys}count(*) AS cells{sums} FROM {source} GROUP BY _person, {margins}"
    by = ", ".join(str(1 + index) for index in range(len(plan.keys)))
    return f"SELECT {keys}count(*), sum(cells)::HUGEINT{told} FROM ({hers}) GROUP BY {by}"
