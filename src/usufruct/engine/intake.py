"""Taking tables in: a table of any source becomes one typed DuckDB table, or nothing at all.

Everything is read as its text and cast by the card, so that a cell that does not fit is named by row and column instead of
turning the whole column into something else. Decimals are kept as whole grains; columns that the card does not name are
left behind; rows about nobody are dropped, for nobody's budget covers them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from usufruct.core.base.faults import BadInput, StoreFull
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.core.registry.seen import ColumnProposed, ColumnSeen
from usufruct.engine import source
from usufruct.engine.classify import SAMPLE, Sampled, classify
from usufruct.engine.columns import FLOATS, INTEGERS, OURS, Loaded, literal, quoted
from usufruct.ports import Ingested, Numbers, TableIn

LOOKED_AT = 2_000  # letters of a value that the classifier looks at
LISTED_VALUES = 32  # a column with no more different values than this may be meant for grouping


def inspect(table: Path | TableIn) -> list[ColumnSeen]:
    """What a first look at the columns of a table shows. The figures are the data's own: not for publication."""
    connection, names = _shown(table)
    return [_look(connection, name) for name in names]


def propose(table: Path | TableIn) -> list[ColumnProposed]:
    """What the columns of a table may be: their classes and grades, proposed on the cautious side."""
    connection, names = _shown(table)
    return classify(Sampled(_look(connection, name), _sample(connection, name)) for name in names)


def _shown(table: Path | TableIn) -> tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]:
    """A table as `shown`, all text, and the columns that could be taken in."""
    connection = duckdb.connect(config={"temp_directory": ""})
    names = tuple(source.load(connection, table).kinds)
    texts = "".join(f", CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in names)
    connection.execute(f"CREATE VIEW shown AS SELECT _line{texts} FROM raw")
    return connection, names


def _sample(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    """Different values of a column, the same whenever one looks; empty ones are left out."""
    column = quoted(name)
    found = connection.execute(
        f"SELECT value FROM (SELECT DISTINCT substr(trim({column}), 1, {LOOKED_AT}) AS value FROM shown) "
        "WHERE value <> '' ORDER BY md5(value) LIMIT ?",
        [SAMPLE],
    ).fetchall()
    return tuple(value for (value,) in found)


def take_in(
    card: Card, table: Path | TableIn, file: Callable[[str], Path], memory: str, numbers: Numbers | None = None
) -> Ingested:
    """Writes the table of `card` to the `file` of its version, whole or not at all; persons get the `numbers` that they are
    given, or those of their order.

    What does not fit into `memory`, a DuckDB size, while it is read goes beside the target and nowhere else, and is gone
    afterwards.
    """
    spill = file("reading").with_suffix(".spill")
    try:
        connection = duckdb.connect(config={"temp_directory": str(spill), "memory_limit": memory})
        return _take_in(connection, card, table, file, numbers)
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _take_in(
    connection: duckdb.DuckDBPyConnection, card: Card, table: Path | TableIn, file: Callable[[str], Path],
    numbers: Numbers | None,
) -> Ingested:  # fmt: skip
    if taken := [c.name for c in card.columns if c.name.lower() in OURS]:
        raise BadInput("input.table", f"`{taken[0]}` is a name that the node keeps for itself", "rename the column")
    loaded = source.load(connection, table, {column.name for column in card.columns})
    _check_columns(card, loaded)
    for column in card.columns:
        _check_type(connection, column, loaded.kinds[column.name])
    person = quoted(card.person_column)
    about_somebody = f"WHERE {person} IS NOT NULL" if card.person_column else ""
    typed = ", ".join(f"{_cast(c, loaded.kinds[c.name])} AS {quoted(c.name)}" for c in card.columns)
    connection.execute(f"CREATE TABLE typed AS SELECT _line, {typed} FROM raw {about_somebody} ORDER BY _line")
    connection.execute("DROP TABLE raw")  # for its room
    persons = _persons(connection, card.person_column) if card.person_column else ()
    counts = ", ".join(f"count(*) - count({quoted(c.name)})" for c in card.columns)
    rows, *nulls = _one(connection, f"SELECT count(*), {counts} FROM typed")
    target = file(loaded.version)
    period = _period(connection, card.period_column)
    _write(connection, card, target, numbers(loaded.version, persons) if numbers else range(len(persons)))
    with target.open("rb") as written:
        stored = hashlib.file_digest(written, "sha256").hexdigest()
    return Ingested(loaded.version, stored, int(rows), tuple(int(n) for n in nulls), period, persons)


def _check_columns(card: Card, loaded: Loaded) -> None:
    """Raises BadInput if the table has not every column of the card, or other than plain values in one."""
    names = [column.name for column in card.columns]
    if missing := [name for name in names if name not in loaded.names]:
        raise BadInput(
            "input.table", f"the table has no column `{missing[0]}`, which the card names",
            f"the table's columns are {', '.join(loaded.names)}; correct the card or the table",
        )  # fmt: skip
    if odd := [name for name in names if name in loaded.odd]:
        raise BadInput(
            "input.table", f"column `{odd[0]}` holds {loaded.odd[odd[0]]}, which is no plain value",
            "make columns of plain values of it, or take it off the card; nothing was taken in",
        )  # fmt: skip


def _period(connection: duckdb.DuckDBPyConnection, column: str | None) -> str:
    """From when to when a table goes; empty if nothing says so."""
    if not column:
        return ""
    low, high = _one(connection, f"SELECT min({quoted(column)}), max({quoted(column)}) FROM typed")
    return "" if low is None else f"{low} to {high}"


def _persons(connection: duckdb.DuckDBPyConnection, column: str) -> tuple[str, ...]:
    found = connection.execute(f"SELECT DISTINCT {quoted(column)} FROM typed ORDER BY 1").fetchall()
    if not found:
        raise BadInput("input.table", "no row of the table is about anybody", f"fill in the column `{column}`")
    return tuple(str(value) for (value,) in found)


def _look(connection: duckdb.DuckDBPyConnection, name: str) -> ColumnSeen:
    column = quoted(name)
    nulls, rows, distinct, whole, numbers, flags, decimals = _one(
        connection,
        f"SELECT count(*) - count({column}), count({column}), count(DISTINCT {column}), "
        f"count({column}) = count({_whole(column)}), count({column}) = count(TRY_CAST({column} AS DOUBLE)), "
        f"bool_and(lower({column}) IN ('true', 'false')), max(length(split_part({column}, '.', 2))) FROM shown",
    )
    type = "text" if not rows else "boolean" if flags else "integer" if whole else "decimal" if numbers else "text"
    decimals = min(decimals or 0, 6) if type == "decimal" else 0
    cast = {"integer": "BIGINT", "decimal": f"DECIMAL(28, {decimals})"}.get(type, "VARCHAR")
    ends = f"min(TRY_CAST({column} AS {cast}))::VARCHAR, max(TRY_CAST({column} AS {cast}))::VARCHAR"
    low, high = _one(connection, f"SELECT {ends} FROM shown")
    values: list[tuple[str]] = []
    if distinct <= LISTED_VALUES:
        values = connection.execute(
            f"SELECT DISTINCT {column} FROM shown WHERE {column} IS NOT NULL ORDER BY TRY_CAST({column} AS {cast}), 1"
        ).fetchall()
    return ColumnSeen(
        name, type, decimals, nulls, distinct, low or "", high or "", tuple(value for (value,) in values), rows,
    )  # fmt: skip


def _check_type(connection: duckdb.DuckDBPyConnection, column: Column, kind: str) -> None:
    name = quoted(column.name)
    found = connection.execute(
        f"SELECT _line, {name}::VARCHAR FROM raw WHERE {name} IS NOT NULL AND {_cast(column, kind)} IS NULL "
        "ORDER BY _line LIMIT 1"
    ).fetchone()
    if found:
        raise BadInput(
            "input.table", f"row {found[0]}, column `{column.name}`: `{found[1][:40]}` is not of type {_in_words(column)}",
            "correct the cell or the column's type on the card; nothing was taken in",
        )  # fmt: skip


def _in_words(column: Column) -> str:
    return f"{column.type} with {column.decimals} decimals" if column.decimals else column.type


def _cast(column: Column, kind: str) -> str:
    """SQL that brings a cell of `raw`, of a type of DuckDB, to the column's type, or to null.

    All are read as they are spelt, but for what is the same without. An exact decimal keeps every digit or does not fit;
    a float is rounded, as its last digits are nobody's, and so is what was only ever written, as in CSV.
    """
    name = quoted(column.name)
    text = name if kind == "VARCHAR" else f"CAST({name} AS VARCHAR)"
    if column.type == "integer" and kind in FLOATS:
        return "CAST(NULL AS BIGINT)"  # whole or not
    if column.type == "integer":
        return f"TRY_CAST({name} AS BIGINT)" if kind in INTEGERS else _whole(text)
    if column.type == "decimal":
        number = f"TRY_CAST({text} AS DECIMAL(28, {column.decimals}))"
        grains = f"TRY_CAST({number} * CAST({10**column.decimals} AS DECIMAL(10, 0)) AS BIGINT)"
        exact = rf"{text} SIMILAR TO '[^.]*(\.[0-9]{{0,{column.decimals}}}0*)?'"
        return f"CASE WHEN {exact} THEN {grains} END" if kind.startswith("DECIMAL") else grains
    if column.type == "boolean":
        return f"CASE lower(trim({text})) WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false END"
    if kind in FLOATS:  # what is not a number is no text either
        return f"CASE WHEN NOT regexp_matches(lower({text}), 'nan|inf') THEN {text} END"
    return f"nfc_normalize({text})"  # one spelling for what looks the same, as everywhere in the journal


def _whole(name: str) -> str:
    """SQL for a whole number or null; a plain cast would round 1.5 to 2."""
    return f"CASE WHEN trim({name}) SIMILAR TO '[-+]?[0-9]+' THEN TRY_CAST({name} AS BIGINT) END"


def _write(connection: duckdb.DuckDBPyConnection, card: Card, target: Path, numbers: Sequence[int]) -> None:
    """The rows without the person's own value, by her number, into a file that appears whole or not at all.

    `_draw` decides which groups of a person count when she has too many. It comes from her own value alone, unlike her
    number, and is short enough to be shared by others, so it does not give her away. Rows of one person lie together, in their
    order, for every question adds them up by person first.
    """
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    person = quoted(card.person_column)
    steps = ["CREATE TABLE target.asset AS SELECT * EXCLUDE (_line) FROM typed ORDER BY _line"]
    others = "".join(f", typed.{quoted(c.name)}" for c in card.columns if c.name != card.person_column)
    if card.person_column:
        steps = [
            "CREATE TABLE persons AS SELECT value, number, "
            f"(md5_number_lower({literal(card.asset + '|')} || value) % 65536)::USMALLINT AS draw "
            f"FROM (SELECT value, row_number() OVER (ORDER BY value) - 1 AS place FROM (SELECT DISTINCT {person} AS value "
            "FROM typed)) JOIN numbers USING (place)",
            f"CREATE TABLE target.asset AS SELECT persons.number AS _person, persons.draw AS _draw{others} "
            f"FROM typed JOIN persons ON typed.{person} = persons.value ORDER BY persons.number, typed._line",
        ]
    places = {"place": pa.array(range(len(numbers)), pa.int64()), "number": pa.array(numbers, pa.int32())}
    connection.register("numbers", pa.table(places))
    try:
        connection.execute(f"ATTACH {literal(str(partial))} AS target")
        for step in steps:
            connection.execute(step)
        connection.execute("DETACH target")
        connection.close()
        sync(partial)
        partial.rename(target)
        sync(target.parent)
    except (duckdb.Error, OSError):
        partial.unlink(missing_ok=True)
        raise StoreFull(
            "node.full",
            "the table could not be written to the node's data folder",
            "free some space; nothing was taken in",
        ) from None


def sync(path: Path) -> None:
    """Returns when a file, or a folder's list of names, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    (found,) = connection.execute(query).fetchall()
    assert isinstance(found, tuple)
    return found
