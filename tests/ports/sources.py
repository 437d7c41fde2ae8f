"""The same table written as every kind of source."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from usufruct.ports import TableIn

Rows = Mapping[str, Sequence[Any]]  # by column; a column holds values of one type, or None
TABLE = 'visits "1"'
_DUCK = {int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bool: "BOOLEAN"}
_SQLITE = {int: "INTEGER", float: "REAL", str: "TEXT", bool: "INTEGER"}
_POSTGRES = {int: "bigint", float: "float8", str: "text", bool: "boolean"}


def type_of(cells: Sequence[Any]) -> type:
    return next((type(cell) for cell in cells if cell is not None), str)


def arrow(rows: Rows) -> pa.Table:
    types = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}
    return pa.table({name: pa.array(list(cells), types[type_of(cells)]) for name, cells in rows.items()})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _declared(rows: Rows, types: Mapping[type, str]) -> str:
    return ", ".join(f"{_quoted(name)} {types[type_of(cells)]}" for name, cells in rows.items())


def as_csv(rows: Rows, folder: Path) -> Path:
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows)
        writer.writerows(zip(*rows.values(), strict=True))
    return folder / "t.csv"


def as_parquet(rows: Rows, folder: Path) -> Path:
    pq.write_table(arrow(rows), folder / "t.parquet")
    return folder / "t.parquet"


def as_arrow_file(rows: Rows, folder: Path) -> Path:
    with pa.OSFile(str(folder / "t.arrow"), "wb") as file, pa.ipc.new_file(file, arrow(rows).schema) as writer:
        writer.write_table(arrow(rows), max_chunksize=3)
    return folder / "t.arrow"


def as_arrow_stream(rows: Rows, folder: Path) -> Path:
    with pa.OSFile(str(folder / "t.ipc"), "wb") as file, pa.ipc.new_stream(file, arrow(rows).schema) as writer:
        writer.write_table(arrow(rows), max_chunksize=3)
    return folder / "t.ipc"


def as_feather(rows: Rows, folder: Path) -> Path:
    pa.feather.write_feather(arrow(rows), folder / "t.feather")
    return folder / "t.feather"


def as_duckdb(rows: Rows, folder: Path) -> Path:
    with duckdb.connect(folder / "t.duckdb") as connection:
        connection.execute(f"CREATE TABLE {_quoted(TABLE)} ({_declared(rows, _DUCK)})")
        connection.register("written", arrow(rows))
        connection.execute(f"INSERT INTO {_quoted(TABLE)} SELECT * FROM written")
    return folder / "t.duckdb"


def as_sqlite(rows: Rows, folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "t.db")) as connection:
        connection.execute(f"CREATE TABLE {_quoted(TABLE)} ({_declared(rows, _SQLITE)})")
        marks = ", ".join("?" * len(rows))
        connection.executemany(f"INSERT INTO {_quoted(TABLE)} VALUES ({marks})", zip(*rows.values(), strict=True))
        connection.commit()
    return folder / "t.db"


FILES: dict[str, Callable[[Rows, Path], Path]] = {
    "CSV": as_csv, "Parquet": as_parquet, "Arrow file": as_arrow_file, "Arrow stream": as_arrow_stream, "Feather": as_feather,
    "DuckDB": as_duckdb, "SQLite": as_sqlite,
}  # fmt: skip


def as_postgres(rows: Rows, address: str) -> TableIn:
    """A table with a key of its own, for a table in PostgreSQL has no order; in a schema of its own, made anew."""
    with psycopg.connect(address) as connection:
        connection.execute('DROP SCHEMA IF EXISTS "of the clinic" CASCADE')
        connection.execute('CREATE SCHEMA "of the clinic"')
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_POSTGRES[type_of(cells)]))
            for name, cells in rows.items()
        ]
        place = sql.Identifier("of the clinic", TABLE)
        connection.execute(
            sql.SQL("CREATE TABLE {} ({}, key_ serial PRIMARY KEY)").format(place, sql.SQL(", ").join(columns))
        )
        copied = sql.SQL("COPY {} ({}) FROM STDIN").format(place, sql.SQL(", ").join(map(sql.Identifier, rows)))
        with connection.cursor() as cursor, cursor.copy(copied) as copy:
            for row in zip(*rows.values(), strict=True):
                copy.write_row(row)
    return TableIn(address, f"of the clinic.{TABLE}")
