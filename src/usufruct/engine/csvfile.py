"""Tables in CSV files, read as what their headers say they are.

DuckDB is told everything, for what it guesses depends on the rows: it would take rows that begin with `#` for remarks and
ragged ones for a preamble, and leave them out without a word.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable
from pathlib import Path

import duckdb

from usufruct.core.base.faults import BadInput
from usufruct.engine.columns import Loaded, check_names, literal, put, sorted_out

DELIMITERS = (",", ";", "\t", "|")
HEADER_LIMIT = 1_000_000  # characters
REMEDY = "give every row as many cells as the header, quoted as in RFC 4180, in UTF-8; nothing was taken in"


def load(connection: duckdb.DuckDBPyConnection, table: Path, wanted: Collection[str] | None) -> Loaded:
    """Reads a CSV file into `raw`, all text.

    It reads a large file from several places at once, and fails where such a place lies in a cell of many lines. From
    one place alone it does not, but then a quote that never ends goes unnoticed, so that comes after, for files that are
    sound.
    """
    path = re.sub(r"([*?\[])", r"[\1]", str(table))  # or it would be a pattern, and other files be read
    delimiter, names = _header(table)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    query = (
        f"SELECT * FROM read_csv(?, columns = {{{columns}}}, auto_detect = false, header = true, skip = 0, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', comment = '', encoding = 'utf-8', "
        "strict_mode = true, null_padding = false, hive_partitioning = false, parallel = "
    )
    kinds = dict.fromkeys(names, "VARCHAR")
    chosen, _ = sorted_out(kinds, wanted)
    for parallel in ("true", "false"):
        try:
            put(connection, f"{query}{parallel})", chosen, [path])
            return Loaded(tuple(names), kinds)
        except duckdb.Error as error:
            fault = BadInput(
                "input.table", f"`{table.name}` cannot be read as a table: {_reason(str(error), path, table)}", REMEDY
            )
            if not _is_sound(table, delimiter, len(names)):
                break
    raise fault


def _header(table: Path) -> tuple[str, list[str]]:
    """What parts the cells, and the names of the columns."""
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
    check_names((name for name in names if name), table.name)
    return delimiter, _named(names)


def _named(names: list[str]) -> list[str]:
    known = {name.lower() for name in names}
    unnamed: Iterable[str] = (f"column{i}" for i in range(len(names) * 2) if f"column{i}" not in known)
    following = iter(unnamed)
    return [name or next(following) for name in names]


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
