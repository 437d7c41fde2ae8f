"""Rows that leave, as SQL: those of a population as they are, or those of the masked table of `core.privacy.masking`.

The masked table stands in the place of the table itself, under the same name and with columns of the same names and types:
a band is its lower end. So a question is put to it in the same words as to any other, and cannot reach behind it.
"""

from __future__ import annotations

from usufruct.core.privacy.masking import BAND, ColumnMask, View
from usufruct.core.privacy.question import Literal
from usufruct.core.privacy.records import RecordsPlan
from usufruct.core.registry.facts import Column
from usufruct.engine import delivery
from usufruct.engine.columns import quoted
from usufruct.engine.statements import over_columns


def bits(population: bytes, persons: int) -> str:
    """A population as DuckDB takes it: a digit for each person. The bit above the last keeps leading zeros; what a
    population says of nobody is cut off."""
    return bin(int.from_bytes(population, "little") & (1 << persons) - 1 | 1 << persons)[:2:-1]


def among(population: str, values: list[Literal | None]) -> str:
    """SQL for: the row is about somebody of the population. Whoever joined a pool after it was found has a number behind
    its end, where nobody is in."""
    values.append(f"{population}0")
    return f"get_bit(CAST(${len(values)} AS BIT), least(_person, {len(population)})) = 1"


def query(plan: RecordsPlan, population: str) -> tuple[str, list[Literal | None]]:
    """SQL for the rows of a plan, each headed by a person's number, and the values bound to it."""
    values: list[Literal | None] = []
    if not plan.asset.person_column:
        source = "SELECT -1 AS _person, * FROM asset"
    elif plan.view is None:
        source = f"SELECT *, row_number() OVER () AS _copy, 0 AS _class FROM asset WHERE {among(population, values)}"
    else:
        source = masked(plan.view, population, values)
    chosen = f"SELECT * FROM ({source})"
    if plan.where is not None:
        chosen += f" WHERE {over_columns(plan.where, values)[0]}"
    order = [quoted(name) + (" DESC" if down else "") for name, down in plan.order]
    if plan.asset.person_column:
        values.append(plan.order_key)
        order.append(f"sha256(concat_ws('|', ${len(values)}, _person, _class, _copy))")
    if order:
        chosen += f" ORDER BY {', '.join(order)}"
    shown = [_shown(column, plan) for column in plan.columns]
    return f"SELECT _person, {', '.join(shown)} FROM ({chosen} LIMIT {plan.limit})", values


def _shown(column: Column, plan: RecordsPlan) -> str:
    if column.name == plan.asset.person_column:
        return "NULL"
    found = plan.view.find(column.name) if plan.view else None
    return quoted(column.name) if found and found[1].rule == BAND else delivery.select([column])


def masked(view: View, population: str, values: list[Literal | None]) -> str:
    """SQL for the masked table. Rows that are alike are of one `_class`; the `_copy`-th of several of one person tells them
    apart in the order of rows, where else they would stand together and be known for hers."""
    coarse = "".join(f", {_masked(column, rule, values)} AS {quoted(column.name)}" for column, rule in view.columns)
    alike = ", ".join(quoted(column.name) for column, _ in view.columns) or "1"
    who, profile = ("_person", "list(_class ORDER BY _class)") if view.linked else ("_person, _class", "_class")
    return (
        f"WITH coarse AS MATERIALIZED (SELECT _person{coarse} FROM asset WHERE {among(population, values)}), "
        f"classed AS MATERIALIZED (SELECT *, dense_rank() OVER (ORDER BY {alike}) AS _class FROM coarse), "
        f"profiles AS (SELECT {who}, {profile} AS _profile FROM classed GROUP BY {who}), "
        f"kept AS (SELECT {who} FROM profiles QUALIFY count(*) OVER (PARTITION BY _profile) >= {view.least}) "
        "SELECT *, row_number() OVER (PARTITION BY _person, _class) AS _copy "
        f"FROM classed SEMI JOIN kept USING ({who})"
    )


def _masked(column: Column, rule: ColumnMask, values: list[Literal | None]) -> str:
    """A column as it is in the masked table; what is not on its list, or empty, is empty."""
    name = quoted(column.name)
    if rule.rule == BAND:
        assert column.low is not None and column.high is not None
        inside = (
            f"least(greatest({name}, {column.low}), {column.high} - 1) - ({column.low})"  # the last takes in the bound
        )
        return f"CASE WHEN {name} IS NOT NULL THEN {column.low} + ({inside}) // {rule.width} * {rule.width} END"
    if not column.values:
        return name
    first = len(values) + 1
    values += column.values
    listed = ", ".join(f"${first + place}" for place in range(len(column.values)))
    return f"CASE WHEN {name} IN ({listed}) THEN {name} END"
