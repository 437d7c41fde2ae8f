"""The second reader: DuckDB's own parser and binder, over tables like the assets' without a single row.

Our reading of a text decides what is answered; the text itself is never run. But a text that DuckDB reads otherwise than we
do is a text that its author may mean otherwise too, or one that tries to. So it is parsed a second time by other code, every
node of that tree must be on a list of its own, and it must bind to tables that have the names and types of the cards. What
is asked for here has no data near it, so nothing that comes back can tell of any.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import duckdb

from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.engine.intake import quoted
from usufruct.engine.zygote import LOCKED

_CONFIG: dict[str, Any] = {**LOCKED, "memory_limit": "100MB", "threads": "1"}
_TYPES = {"integer": "BIGINT", "boolean": "BOOLEAN", "text": "VARCHAR"}

_NODES = frozenset({"SELECT_NODE"})
_TABLES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY"})
_CLASSES = frozenset({
    "COLUMN_REF", "CONSTANT", "FUNCTION", "COMPARISON", "CONJUNCTION", "OPERATOR", "CASE", "BETWEEN", "WINDOW", "STAR",
    "PARAMETER", "CAST",
})  # fmt: skip
_FUNCTIONS = frozenset({
    "count_star", "count", "count_if", "countif", "sum", "avg", "mean", "min", "max", "median", "quantile", "quantile_cont",
    "percentile_cont", "variance", "var_samp", "stddev", "stddev_samp", "row_number", "lag", "lead", "+", "-", "*", "/", "//",
    "%", "mod", "fmod", "floor", "abs", "least", "greatest", "substr", "substring", "left", "if", "ifnull",
})  # fmt: skip


def agrees(text: str, assets: Sequence[Asset], columns: int) -> bool:
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
            # DESCRIBE binds and does not run.
            found = connection.execute(f"DESCRIBE\n{text}").fetchall()
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
    """Whether every node of a tree is one that a question can have."""
    if isinstance(tree, list):
        return all(map(_plain, tree))
    if not isinstance(tree, dict):
        return True
    kind, group = tree.get("type"), tree.get("class")
    if isinstance(group, str) and group not in _CLASSES:
        return False
    if group in ("FUNCTION", "WINDOW") and (tree.get("function_name") not in _FUNCTIONS or tree.get("schema")):
        return False
    if group == "STAR" and (
        tree.get("columns") or tree.get("expr") or tree.get("exclude_list") or tree.get("replace_list")
    ):
        return False
    if group is None and isinstance(kind, str) and kind.endswith("_NODE") and kind not in _NODES:
        return False
    if group is None and "alias" in tree and "sample" in tree and (kind not in _TABLES or tree["sample"]):
        return False
    return all(_plain(child) for name, child in tree.items() if name not in ("literal", "value", "cast_type"))
