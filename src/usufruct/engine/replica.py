"""The second reader: DuckDB's own parser and binder, over tables like the assets' without a single row.

Our reading of a text decides what is answered; the text itself is never run. But a text that DuckDB reads otherwise than we
do is a text that its author may mean otherwise too, or one that tries to. So it is parsed a second time by other code, every
node of that tree must be on a list of its own, and it must bind to tables that have the names and types of the cards. What
is asked for here has no data near it, so nothing that comes back can tell of any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.engine.intake import quoted
from usufruct.engine.zygote import LOCKED

_CONFIG: dict[str, Any] = {**LOCKED, "memory_limit": "100MB", "threads": "1"}
_TYPES = {"integer": "BIGINT", "boolean": "BOOLEAN", "text": "VARCHAR"}

# What a tree may hold, by the `class` of an expression; of some classes only these types.
_CLASSES: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("COLUMN_REF", "CONSTANT", "FUNCTION", "CONJUNCTION", "CASE", "BETWEEN", "STAR", "PARAMETER", "CAST", "TYPE"), frozenset()
    ),
    "COMPARISON": frozenset({
        "COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_LESSTHAN", "COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHAN",
        "COMPARE_GREATERTHANOREQUALTO", "COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM",
    }),
    "OPERATOR": frozenset({
        "COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_COALESCE", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT",
    }),
    "WINDOW": frozenset({"WINDOW_AGGREGATE", "WINDOW_ROW_NUMBER", "WINDOW_LAG", "WINDOW_LEAD"}),
}  # fmt: skip
# And whatever has no class: selects, what stands after FROM, and how an answer is arranged.
_OTHERS = frozenset({
    "SELECT_NODE", "BASE_TABLE", "JOIN", "SUBQUERY", "ORDER_MODIFIER", "LIMIT_MODIFIER", "ORDER_DEFAULT", "ASCENDING", "DESCENDING",
})  # fmt: skip
# What a part of the tree may say, wherever it says it. What is not here may say what it likes; its children are looked at.
_SAYS: dict[str, tuple[Any, ...]] = {
    "schema": ("",), "schema_name": ("",), "catalog": ("",), "catalog_name": ("",), "at_clause": (None,), "sample": (None,),
    "ref_type": ("REGULAR",), "join_type": ("INNER", "LEFT"), "materialized": ("CTE_MATERIALIZE_DEFAULT",),
    "limit_type": ("ROW_COUNT",), "aggregate_handling": ("STANDARD_HANDLING",), "start": ("UNBOUNDED_PRECEDING",),
    "end": ("CURRENT_ROW_RANGE",), "exclude_clause": ("NO_OTHER",), "exclude_list": ([],), "replace_list": ([],),
    "rename_list": ([],),
    "qualified_exclude_list": ([],), "columns": (False,), "expr": (None,), "column_name_alias": ([],), "export_state": (False,),
    "ignore_nulls": (False,), "type_name": ("BOOLEAN",),  # as IS TRUE is written
}  # fmt: skip
_QUANTILES = frozenset({"quantile_cont", "percentile_cont"})
_FUNCTIONS = frozenset({
    "count_star", "count", "count_if", "countif", "sum", "avg", "mean", "min", "max", "median", "quantile", "quantile_cont",
    "percentile_cont", "variance", "var_samp", "stddev", "stddev_samp", "row_number", "lag", "lead", "+", "-", "*", "/", "//",
    "%", "mod", "fmod", "floor", "abs", "least", "greatest", "substr", "substring", "left", "if", "ifnull", "nullif",
})  # fmt: skip


def agrees(text: str, assets: Sequence[Asset], columns: int, values: Mapping[str, Any]) -> bool:
    """Whether DuckDB takes the text for one plain question over these tables, with so many columns (0: any number)."""
    try:
        with duckdb.connect(config=_CONFIG) as connection:
            (told,) = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone() or ("{}",)
            tree = json.loads(told)
            if (
                tree.get("error") is not False
                or len(tree["statements"]) != 1
                or not _plain(tree["statements"][0]["node"])
            ):
                return False
            for asset in assets:
                connection.execute(f"CREATE TABLE {quoted(asset.id)} ({', '.join(map(_column, _distinct(asset)))})")
            connection.execute("SET lock_configuration = true")
            named = {name: str(value) if not isinstance(value, int | str) else value for name, value in values.items()}
            # DESCRIBE binds and does not run.
            found = connection.execute(f"DESCRIBE\n{text}", named or None).fetchall()
            return columns in (0, len(found))
    except (duckdb.Error, ValueError, KeyError, TypeError, RecursionError):
        return False


def _distinct(asset: Asset) -> list[Column]:
    """Columns whose names differ in more than capitals."""
    return list({column.name.lower(): column for column in asset.columns}.values())


def _column(column: Column) -> str:
    kind = f"DECIMAL(18, {column.decimals})" if column.type == "decimal" else _TYPES[column.type]
    return f"{quoted(column.name)} {kind}"


def _plain(tree: Any) -> bool:
    """Whether every node of a tree is one that a question can have, and says nothing that a question cannot say."""
    if isinstance(tree, list):
        return all(map(_plain, tree))
    if not isinstance(tree, dict):
        return True
    kind, group = tree.get("type"), tree.get("class")
    if group == "CONSTANT":
        return True  # what is written out is compared by nobody here
    if isinstance(group, str):
        if group not in _CLASSES or (_CLASSES[group] and kind not in _CLASSES[group]) or not _called(tree, group):
            return False
    elif isinstance(kind, str) and kind not in _OTHERS:
        return False
    if any(name in _SAYS and said not in _SAYS[name] for name, said in tree.items()):
        return False
    if len(tree.get("group_sets", ())) > 1 or len(tree.get("column_names", ())) > 2:
        return False
    return all(_plain(child) for name, child in tree.items() if name != "cast_type")


def _called(tree: Mapping[str, Any], group: str) -> bool:
    """Whether a function is one that a question may call, in a way in which it may call it."""
    if group not in ("FUNCTION", "WINDOW"):
        return True
    name = tree.get("function_name")
    ordered = tree.get("order_bys", {}).get("orders") if group == "FUNCTION" else tree.get("arg_orders")
    return (
        name in _FUNCTIONS
        and (not tree.get("distinct") or (name == "count" and group == "FUNCTION"))
        and (not ordered or name in _QUANTILES)
    )
