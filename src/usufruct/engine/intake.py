"""Taking tables in: a CSV or Parquet file becomes one typed DuckDB table, or nothing at all.

Everything is read as text first and cast by the card, so that a cell that does not fit is named by row and column
instead of turning the whole column into something else. Decimals are kept as whole grains; columns that the card does
not name are left behind; rows about nobody are dropped, for nobody's budget covers them.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from usufruct.core.base.faults import BadInput, StoreFull
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.engine.classify import SAMPLE, Sampled, classify
from usufruct.ports import ColumnProposed, ColumnSeen, Ingested

LOOKED_AT = 2_000  # letters of a value that the classifier looks at
OURS = ("_line", "_person", "_draw", "_class", "_copy")  # columns that the node adds
DELIMITERS = (",", ";", "\t", "|")
HEADER_LIMIT = 1_000_000  # characters
LISTED_VALUES = 32  # a column with no more different values than this may be meant for grouping


def inspect(table: Path) -> list[ColumnSeen]:
    """What a first look at the columns of a table shows. The figures are the data's own: not for publication."""
    connection = duckdb.connect(config={"temp_directory": ""})
    _load(connection, table)
    return [_look(connection, name) for name in _names(connection)]


def propose(table: Path) -> list[ColumnProposed]:
    """What the columns of a table may be: their classes and grades, proposed on the cautious side."""
    connection = duckdb.connect(config={"temp_directory": ""})
    _load(connection, table)
    return classify(Sampled(_look(connection, name), _sample(connection, name)) for name in _names(connection))


def _sample(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    """Different values of a column, the same whenever one looks; empty ones are left out."""
    column = quoted(name)
    found = connection.execute(
        f"SELECT value FROM (SELECT DISTINCT substr(trim({column}), 1, {LOOKED_AT}) AS value FROM raw) "
        "WHERE value <> '' ORDER BY md5(value) LIMIT ?",
        [SAMPLE],
    ).fetchall()
    return tuple(value for (value,) in found)


def take_in(card: Card, table: Path, target: Path, version: str) -> Ingested:
    """Writes the table of `card` to `target`, whole or not at all.

    What does not fit into memory while it is read goes beside the target and nowhere else, and is gone afterwards.
    """
    spill = target.with_suffix(".spill")
    try:
        return _take_in(duckdb.connect(config={"temp_directory": str(spill)}), card, table, target, version)
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _take_in(connection: duckdb.DuckDBPyConnection, card: Card, table: Path, target: Path, version: str) -> Ingested:
    _load(connection, table)
    names = _names(connection)
    if taken := [c.name for c in card.columns if c.name.lower() in OURS]:
        raise BadInput("input.table", f"`{taken[0]}` is a name that the node keeps for itself", "rename the column")
    if missing := [c.name for c in card.columns if c.name not in names]:
        raise BadInput(
            "input.table", f"the table has no column `{missing[0]}`, which the card names",
            f"the table's columns are {', '.join(names)}; correct the card or the table",
        )  # fmt: skip
    for column in card.columns:
        _check_type(connection, column)
    person = quoted(card.person_column)
    about_somebody = f"WHERE {person} IS NOT NULL" if card.person_column else ""
    typed = ", ".join(f"{_cast(c)} AS {quoted(c.name)}" for c in card.columns)
    connection.execute(f"CREATE TABLE typed AS SELECT _line, {typed} FROM raw {about_somebody} ORDER BY _line")
    persons = _persons(connection, card.person_column) if card.person_column else ()
    counts = ", ".join(f"count(*) - count({quoted(c.name)})" for c in card.columns)
    rows, *nulls = _one(connection, f"SELECT count(*), {counts} FROM typed")
    period = ""
    if card.period_column:
        over = quoted(card.period_column)
        low, high = _one(connection, f"SELECT min({over}), max({over}) FROM typed")
        period = f"{low} to {high}"
    _write(connection, card, target)
    with target.open("rb") as file:
        stored = hashlib.file_digest(file, "sha256").hexdigest()
    return Ingested(version, stored, int(rows), tuple(int(n) for n in nulls), period, persons)


def _persons(connection: duckdb.DuckDBPyConnection, column: str) -> tuple[str, ...]:
    found = connection.execute(f"SELECT DISTINCT {quoted(column)} FROM typed ORDER BY 1").fetchall()
    if not found:
        raise BadInput("input.table", "no row of the table is about anybody", f"fill in the column `{column}`")
    return tuple(str(value) for (value,) in found)


def check_table(table: Path) -> None:
    """Raises BadInput if there is no such file, or it is of another kind."""
    if not table.is_file():
        raise BadInput("input.table", f"there is no file `{table.name}`", "name a CSV or Parquet file")
    if table.suffix.lower() not in (".parquet", ".csv", ".tsv", ".txt"):
        raise BadInput("input.table", f"`{table.name}` is neither CSV nor Parquet", "name a .csv or .parquet file")
    if not os.access(table, os.R_OK):
        raise BadInput("input.table", f"`{table.name}` may not be read", "give the node leave to read the file")


def _load(connection: duckdb.DuckDBPyConnection, table: Path) -> None:
    """The table as `raw`, all text, with its line numbers."""
    check_table(table)
    path = re.sub(r"([*?\[])", r"[\1]", str(table))  # or it would be a pattern, and other files be read
    sources: Iterable[str]
    if table.suffix.lower() == ".parquet":
        sources = ["SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?, hive_partitioning = false)"]
        remedy = "write it again as Parquet; nothing was taken in"
    else:
        sources = _read_csv(table)
        remedy = "give every row as many cells as the header, quoted as in RFC 4180, in UTF-8; nothing was taken in"
    for source in sources:
        try:
            connection.execute(f"CREATE TABLE raw AS SELECT row_number() OVER () AS _line, * FROM ({source})", [path])
            return
        except duckdb.Error as error:
            fault = BadInput(
                "input.table", f"`{table.name}` cannot be read as a table: {_reason(str(error), path, table)}", remedy
            )
    raise fault


def _read_csv(table: Path) -> Iterator[str]:
    """SQL that reads a CSV file as what its header says it is; a second one, if the first fails and should not have.

    DuckDB is told everything, for what it guesses depends on the rows: it would take rows that begin with `#` for
    remarks and ragged ones for a preamble, and leave them out without a word. It reads a large file from several places
    at once, and fails where such a place lies in a cell of many lines. From one place alone it does not, but then a
    quote that never ends goes unnoticed, so that comes after, for files that are sound.
    """
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        text = file.read(HEADER_LIMIT)
    first = re.match(r'(?:[^"\r\n]|"[^"]*(?:"|$))*', text)
    header = first.group() if first else ""
    if not header.strip():
        raise BadInput("input.table", f"`{table.name}` has no header", "begin it with a line of column names")
    if "\ufffd" in header or "\0" in header:
        raise BadInput(
            "input.table", f"`{table.name}` is not in UTF-8", "save it again as CSV in UTF-8; nothing was taken in"
        )
    if "\n" in header or "\r" in header:  # DuckDB would take it for how all lines end, and find no rows
        raise BadInput("input.table", f"`{table.name}` has a column name of two lines", "name columns in one line")
    bare = re.sub(r'"[^"]*"?', "", header)
    delimiter = max(DELIMITERS, key=bare.count)
    names = next(csv.reader([header], delimiter=delimiter))
    known = {name.lower() for name in names}
    if twice := [name for i, name in enumerate(names) if name and name.lower() in {n.lower() for n in names[:i]}]:
        raise BadInput(
            "input.table", f"`{table.name}` has two columns named `{twice[0]}`", "give each column its own name"
        )
    unnamed = (f"column{i}" for i in range(len(names) * 2) if f"column{i}" not in known)
    columns = ", ".join(f"{_text(name or next(unnamed))}: 'VARCHAR'" for name in names)
    source = (
        f"SELECT * FROM read_csv(?, columns = {{{columns}}}, auto_detect = false, header = true, skip = 0, "
        f"delim = {_text(delimiter)}, quote = '\"', escape = '\"', comment = '', encoding = 'utf-8', "
        "strict_mode = true, null_padding = false, hive_partitioning = false, parallel = "
    )
    yield f"{source} true)"
    if _is_sound(table, delimiter, len(names)):
        yield f"{source} false)"


def _is_sound(table: Path, delimiter: str, width: int) -> bool:
    """Whether a CSV file is one to Python's reader, which is strict and slow."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return all(len(row) in (0, width) for row in csv.reader(file, delimiter=delimiter, strict=True))
    except (csv.Error, UnicodeDecodeError):
        return False


def _reason(error: str, path: str, table: Path) -> str:
    """What DuckDB says about a file that it cannot read, in our words where it is about a row."""
    line = re.search(r"CSV Error on Line: (\d+)", error)
    where = f"line {line.group(1)} " if line else "it "
    if cells := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", error):
        return f"{where}has {cells.group(2)} cell(s), the header has {cells.group(1)}"
    if "not utf-8" in error or "Invalid unicode" in error:
        return f"{where}is not in UTF-8"
    if "unterminated quote" in error:
        return f"{where}has a quoted cell that does not end, or goes on after its end"
    if size := re.search(r"Maximum line size of (\d+) bytes", error):
        return f"{where}is longer than {size.group(1)} bytes"
    if "state machine" in error:
        return "its lines do not all end alike, or a quoted cell does not end"
    if line:
        return f"{where}is not CSV"
    return error.splitlines()[0].split(": ", 1)[-1].replace(path, table.name)


def _names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in connection.execute("DESCRIBE raw").fetchall()][1:]


def _look(connection: duckdb.DuckDBPyConnection, name: str) -> ColumnSeen:
    column = quoted(name)
    nulls, rows, distinct, whole, numbers, flags, decimals = _one(
        connection,
        f"SELECT count(*) - count({column}), count({column}), count(DISTINCT {column}), "
        f"count({column}) = count({_whole(column)}), count({column}) = count(TRY_CAST({column} AS DOUBLE)), "
        f"bool_and(lower({column}) IN ('true', 'false')), max(length(split_part({column}, '.', 2))) FROM raw",
    )
    type = "text" if not rows else "boolean" if flags else "integer" if whole else "decimal" if numbers else "text"
    decimals = min(decimals or 0, 6) if type == "decimal" else 0
    cast = {"integer": "BIGINT", "decimal": f"DECIMAL(28, {decimals})"}.get(type, "VARCHAR")
    ends = f"min(TRY_CAST({column} AS {cast}))::VARCHAR, max(TRY_CAST({column} AS {cast}))::VARCHAR"
    low, high = _one(connection, f"SELECT {ends} FROM raw")
    values: list[tuple[str]] = []
    if distinct <= LISTED_VALUES:
        values = connection.execute(
            f"SELECT DISTINCT {column} FROM raw WHERE {column} IS NOT NULL ORDER BY TRY_CAST({column} AS {cast}), 1"
        ).fetchall()
    return ColumnSeen(
        name, type, decimals, nulls, distinct, low or "", high or "", tuple(value for (value,) in values), rows,
    )  # fmt: skip


def _check_type(connection: duckdb.DuckDBPyConnection, column: Column) -> None:
    name = quoted(column.name)
    found = connection.execute(
        f"SELECT _line, {name} FROM raw WHERE {name} IS NOT NULL AND {_cast(column)} IS NULL ORDER BY _line LIMIT 1"
    ).fetchone()
    if found:
        raise BadInput(
            "input.table", f"row {found[0]}, column `{column.name}`: `{found[1][:40]}` is not of type {column.type}",
            "correct the cell or the column's type on the card; nothing was taken in",
        )  # fmt: skip


def _cast(column: Column) -> str:
    """SQL that brings a cell of `raw` to the column's type, or to null."""
    name = quoted(column.name)
    if column.type == "integer":
        return _whole(name)
    if column.type == "decimal":
        number = f"TRY_CAST({name} AS DECIMAL(28, {column.decimals}))"
        return f"TRY_CAST({number} * CAST({10**column.decimals} AS DECIMAL(10, 0)) AS BIGINT)"
    if column.type == "boolean":
        return f"CASE lower(trim({name})) WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false END"
    return f"nfc_normalize({name})"  # one spelling for what looks the same, as everywhere in the journal


def _whole(name: str) -> str:
    """SQL for a whole number or null; a plain cast would round 1.5 to 2."""
    return f"CASE WHEN trim({name}) SIMILAR TO '[-+]?[0-9]+' THEN TRY_CAST({name} AS BIGINT) END"


def _write(connection: duckdb.DuckDBPyConnection, card: Card, target: Path) -> None:
    """The rows without the person's own value, by her number, into a file that appears whole or not at all.

    `_draw` decides which groups of a person count when she has too many. It comes from her own value alone, unlike her
    number, and is short enough to be shared by others, so it does not give her away.
    """
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    person = quoted(card.person_column)
    steps = ["CREATE TABLE target.asset AS SELECT * EXCLUDE (_line) FROM typed ORDER BY _line"]
    others = "".join(f", typed.{quoted(c.name)}" for c in card.columns if c.name != card.person_column)
    if card.person_column:
        steps = [
            "CREATE TABLE persons AS SELECT value, (row_number() OVER (ORDER BY value) - 1)::INTEGER AS number, "
            f"(md5_number_lower({_text(card.asset + '|')} || value) % 65536)::USMALLINT AS draw "
            f"FROM (SELECT DISTINCT {person} AS value FROM typed)",
            f"CREATE TABLE target.asset AS SELECT persons.number AS _person, persons.draw AS _draw{others} "
            f"FROM typed JOIN persons ON typed.{person} = persons.value ORDER BY typed._line",
        ]
    try:
        connection.execute(f"ATTACH {_text(str(partial))} AS target")
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
    found = connection.execute(query).fetchone()
    assert found is not None
    return found


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
