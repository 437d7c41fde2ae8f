"""Taking tables in: a CSV or Parquet file becomes one typed DuckDB table, or nothing at all.

Everything is read as text first and cast by the card, so that a cell that does not fit is named by row and column
instead of turning the whole column into something else. Decimals are kept as whole grains; columns that the card does
not name are left behind; rows about nobody are dropped, for nobody's budget covers them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb

from usufruct.core.base.faults import BadInput, StoreFull
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.ports import ColumnSeen, Ingested

LISTED_VALUES = 32  # a column with no more different values than this may be meant for grouping


def inspect(table: Path) -> list[ColumnSeen]:
    """What a first look at the columns of a table shows. The figures are the data's own: not for publication."""
    connection = duckdb.connect()
    _load(connection, table)
    return [_look(connection, name) for name in _names(connection)]


def take_in(card: Card, table: Path, target: Path, version: str) -> Ingested:
    """Writes the table of `card` to `target`, whole or not at all."""
    connection = duckdb.connect()
    _load(connection, table)
    names = _names(connection)
    if missing := [c.name for c in card.columns if c.name not in names]:
        raise BadInput(
            "input.table", f"the table has no column `{missing[0]}`, which the card names",
            f"the table's columns are {', '.join(names)}; correct the card or the table",
        )  # fmt: skip
    for column in card.columns:
        _check_type(connection, column)
    person = _quoted(card.person_column)
    typed = ", ".join(f"{_cast(c)} AS {_quoted(c.name)}" for c in card.columns)
    connection.execute(f"CREATE TABLE typed AS SELECT line, {typed} FROM raw WHERE {person} IS NOT NULL ORDER BY line")
    found = connection.execute(f"SELECT DISTINCT {person} FROM typed ORDER BY {person}").fetchall()
    persons = tuple(str(value) for (value,) in found)
    if not persons:
        raise BadInput(
            "input.table", "no row of the table is about anybody", f"fill in the column `{card.person_column}`"
        )
    counts = ", ".join(f"count(*) - count({_quoted(c.name)})" for c in card.columns)
    rows, *nulls = _one(connection, f"SELECT count(*), {counts} FROM typed")
    period = ""
    if card.period_column:
        over = _quoted(card.period_column)
        low, high = _one(connection, f"SELECT min({over}), max({over}) FROM typed")
        period = f"{low} to {high}"
    _write(connection, card, target)
    return Ingested(version, int(rows), tuple(int(n) for n in nulls), period, persons)


def _load(connection: duckdb.DuckDBPyConnection, table: Path) -> None:
    """The table as `raw`, all text, with its line numbers."""
    if not table.is_file():
        raise BadInput("input.table", f"there is no file `{table.name}`", "name a CSV or Parquet file")
    suffix = table.suffix.lower()
    if suffix == ".parquet":
        source = "SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?)"
    elif suffix in (".csv", ".tsv", ".txt"):
        source = (
            "SELECT * FROM read_csv(?, all_varchar = true, header = true, strict_mode = true, null_padding = false)"
        )
    else:
        raise BadInput("input.table", f"`{table.name}` is neither CSV nor Parquet", "name a .csv or .parquet file")
    try:
        connection.execute(f"CREATE TABLE raw AS SELECT row_number() OVER () AS line, * FROM ({source})", [str(table)])
    except duckdb.Error as error:
        first = str(error).splitlines()[0].split(": ", 1)[-1].replace(str(table), table.name)
        raise BadInput(
            "input.table", f"`{table.name}` cannot be read as a table: {first}",
            "give every row the same number of cells, under one header line, in UTF-8; nothing was taken in",
        ) from None  # fmt: skip


def _names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in connection.execute("DESCRIBE raw").fetchall()][1:]


def _look(connection: duckdb.DuckDBPyConnection, name: str) -> ColumnSeen:
    column = _quoted(name)
    nulls, distinct, whole, numbers, flags, decimals = _one(
        connection,
        f"SELECT count(*) - count({column}), count(DISTINCT {column}), "
        f"count({column}) = count(TRY_CAST({column} AS BIGINT)) AND NOT bool_or(coalesce({column}, '') LIKE '%.%'), "
        f"count({column}) = count(TRY_CAST({column} AS DOUBLE)), "
        f"bool_and(lower({column}) IN ('true', 'false')), "
        f"max(length(split_part({column}, '.', 2))) FROM raw",
    )
    type = "boolean" if flags else "integer" if whole else "decimal" if numbers else "text"
    cast = {"integer": "BIGINT", "decimal": "DOUBLE"}.get(type, "VARCHAR")
    low, high = _one(connection, f"SELECT min({column}::{cast})::VARCHAR, max({column}::{cast})::VARCHAR FROM raw")
    values: list[tuple[str]] = []
    if distinct <= LISTED_VALUES:
        values = connection.execute(
            f"SELECT DISTINCT {column} FROM raw WHERE {column} IS NOT NULL ORDER BY {column}::{cast}"
        ).fetchall()
    return ColumnSeen(
        name, type, min(decimals or 0, 6) if type == "decimal" else 0, nulls, distinct, low or "", high or "",
        tuple(value for (value,) in values),
    )  # fmt: skip


def _check_type(connection: duckdb.DuckDBPyConnection, column: Column) -> None:
    name = _quoted(column.name)
    found = connection.execute(
        f"SELECT line, {name} FROM raw WHERE {name} IS NOT NULL AND {_cast(column)} IS NULL ORDER BY line LIMIT 1"
    ).fetchone()
    if found:
        raise BadInput(
            "input.table", f"row {found[0]}, column `{column.name}`: `{found[1][:40]}` is not of type {column.type}",
            "correct the cell or the column's type on the card; nothing was taken in",
        )  # fmt: skip


def _cast(column: Column) -> str:
    """SQL that brings a cell of `raw` to the column's type, or to null."""
    name = _quoted(column.name)
    if column.type == "integer":
        # A plain cast would round 1.5 to 2.
        return f"CASE WHEN trim({name}) SIMILAR TO '[-+]?[0-9]+' THEN TRY_CAST({name} AS BIGINT) END"
    if column.type == "decimal":
        number = f"TRY_CAST({name} AS DECIMAL(28, {column.decimals}))"
        return f"TRY_CAST({number} * CAST({10**column.decimals} AS DECIMAL(10, 0)) AS BIGINT)"
    if column.type == "boolean":
        return f"CASE lower(trim({name})) WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false END"
    return name


def _write(connection: duckdb.DuckDBPyConnection, card: Card, target: Path) -> None:
    """The rows without the person's own value, by her number, into a file that appears whole or not at all."""
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    person = _quoted(card.person_column)
    others = "".join(f", {_quoted(c.name)}" for c in card.columns if c.name != card.person_column)
    try:
        connection.execute(f"ATTACH '{str(partial).replace(chr(39), chr(39) * 2)}' AS target")
        connection.execute(
            f"CREATE TABLE target.asset AS SELECT (dense_rank() OVER (ORDER BY {person}) - 1)::INTEGER AS _person{others} "
            "FROM typed ORDER BY line"
        )
        connection.execute("DETACH target")
    except duckdb.Error:
        partial.unlink(missing_ok=True)
        raise StoreFull(
            "node.full",
            "the table could not be written to the node's data folder",
            "free some space; nothing was taken in",
        ) from None
    connection.close()
    for path in (partial, partial.parent):
        if path == partial.parent:
            partial.rename(target)
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    found = connection.execute(query).fetchone()
    assert found is not None
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
