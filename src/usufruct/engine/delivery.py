"""Rows as a file: open data as CSV or Parquet, written once and then read as often as anybody comes.

The connection is locked down like that of any question; it sees one table. What leaves is read in batches and written
beside the data, so that neither a large table nor many visitors fill the memory. Title, source and licence are in the
file: in Parquet as its metadata, in CSV as lines that begin with `#`, above the header.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import csv, parquet

from usufruct.core.base.faults import StoreFull
from usufruct.core.registry.facts import Column
from usufruct.engine.columns import quoted
from usufruct.engine.intake import sync
from usufruct.ports import Delivered

_BATCH_ROWS = 100_000


def select(columns: Sequence[Column]) -> str:
    """SQL for columns as their publisher wrote them: grains become decimals again, exactly."""
    return ", ".join(f"{_shown(column)} AS {quoted(column.name)}" for column in columns)


def _shown(column: Column) -> str:
    name = quoted(column.name)
    if column.type != "decimal":
        return name
    grain = f"CAST('{10**-column.decimals:.{column.decimals}f}' AS DECIMAL({column.decimals + 1}, {column.decimals}))"
    return f"CAST({name} AS DECIMAL(19, 0)) * {grain}"


def write(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any], target: Path, notes: Mapping[str, str]
) -> Delivered:
    """Runs `query` and keeps its rows as `target`, whole or not at all; `notes` go into the file.

    Raises:
        StoreFull: the file could not be written.
    """
    partial = target.with_name(f".{target.name}")
    rows = 0
    try:
        target.parent.mkdir(exist_ok=True)
        reader = connection.sql(query, params=list(values)).to_arrow_reader(_BATCH_ROWS)
        with partial.open("wb") as file:
            with _writer(file, reader.schema, target.suffix, notes) as writer:
                for batch in reader:
                    writer.write(batch)
                    rows += batch.num_rows
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
        sync(target.parent)
    except OSError:
        partial.unlink(missing_ok=True)
        raise StoreFull(
            "node.full", "the file could not be written to the node's data folder", "free some space"
        ) from None
    with target.open("rb") as file:
        return Delivered(target, rows, target.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _writer(file: Any, schema: pa.Schema, suffix: str, notes: Mapping[str, str]) -> Any:
    if suffix == ".parquet":
        return parquet.ParquetWriter(file, schema.with_metadata({k.encode(): v.encode() for k, v in notes.items()}))
    file.write("".join(f"# {name}: {' '.join(text.split())}\n" for name, text in notes.items()).encode())
    return csv.CSVWriter(file, schema)
