"""The engine: DuckDB over one read-only file for each version of an asset.

No SQL that anybody typed is ever run. What runs is made here from a plan of our own closed types: names are those of
the asset's card and are quoted, literals are bound. The connection that runs it sees one table, without the column
that says who people are: rows carry a person's number, and whose number it is only the register knows. And DuckDB is
locked down as if the SQL were hostile: no files, no network, no extensions, no settings, bounded memory and time.
"""

from __future__ import annotations

import hashlib
import os
import threading
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from usufruct.core.base.faults import EngineFault
from usufruct.core.privacy.conditions import Resolved
from usufruct.core.privacy.cubes import CubePlan, Tallied
from usufruct.core.privacy.question import Both, Comparison, Either, IsNull, Literal, Not, OneOf
from usufruct.core.privacy.records import RecordsPlan
from usufruct.core.privacy.release import groups
from usufruct.core.privacy.rules import QueryPlan, Vector
from usufruct.core.privacy.suppression import TOTAL, Figures, places
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.core.registry.state import Asset
from usufruct.engine import cubes, delivery, pooling, records, removal
from usufruct.engine.intake import check_table, inspect, propose, quoted, take_in
from usufruct.ports import ColumnProposed, ColumnSeen, Delivered, Ingested, Measured

LOCKED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",  # none; a size of zero would not stop it from being used
}


class DuckDbEngine:
    """`ports.Engine` over a folder of DuckDB files. `memory` is a DuckDB size, `seconds` bounds one plan's run."""

    def __init__(self, folder: Path, memory: str = "4GB", seconds: float = 60, threads: int | None = None) -> None:
        self._folder = folder
        self._seconds = seconds
        self._config: dict[str, str | bool | int | float | list[str]] = {
            **LOCKED, "memory_limit": memory, "threads": str(threads or os.cpu_count() or 1), "lock_configuration": "true"
        }  # fmt: skip
        self._exporting = threading.Lock()
        self._exported: dict[Path, Delivered] = {}
        folder.mkdir(exist_ok=True)

    def inspect(self, table: Path) -> list[ColumnSeen]:
        """A first look at a table, for proposing a card."""
        return inspect(table)

    def classify(self, table: Path) -> list[ColumnProposed]:
        """What the columns of a table may be, on the cautious side."""
        return propose(table)

    def ingest(self, card: Card, table: Path) -> Ingested:
        """Takes a table in, typed by its card, under the digest of its bytes."""
        check_table(table)
        with table.open("rb") as file:
            version = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        return take_in(card, table, self._file(card.asset, version), version)

    def remove(self, asset: str, version: str, numbers: Sequence[int]) -> str:
        """Prepares the table without some persons' rows; returns the SHA-256 of what will be stored."""
        return removal.prepare(self._file(asset, version), numbers)

    def found(self, card: Card, version: str) -> str:
        """Makes the empty table of a pool; returns the SHA-256 of what is stored."""
        columns = [column for column in card.columns if column.name != card.person_column]
        return pooling.found(columns, self._file(card.asset, version))

    def bring(self, pool: Asset, cell: Asset, brought: Sequence[Column], number: int) -> str:
        """Prepares the table of a pool with a cell's rows; returns the SHA-256 of what will be stored."""
        columns = [column for column in pool.columns if column.name != pool.person_column]
        there, hers = self._file(pool.id, pool.version), self._file(cell.id, cell.version)
        return pooling.bring(there, columns, hers, brought, number)

    def replace(self, asset: str, version: str, stored: str) -> None:
        """Lets the prepared table of that SHA-256 take the place of the old one; throws away any other."""
        removal.put_in_place(self._file(asset, version), stored)

    def run(self, plan: QueryPlan, population: bytes, persons: int) -> Measured:
        """The plan's exact numbers over the rows of the population."""
        # The bit above the last person keeps leading zeros; what a population says of nobody is cut off.
        bits = bin(int.from_bytes(population, "little") & (1 << persons) - 1 | 1 << persons)[:2:-1]
        bounded, values = bounding(plan, bits)
        sums = ", ".join(f"sum(v{i})::HUGEINT" for i in range(len(plan.vectors)))
        keys = "".join(f"k{i}, " for i in range(len(plan.keys)))
        grouping = f" GROUP BY {keys.rstrip(', ')}" if keys else ""
        with self._connection(plan.asset, plan.version) as connection:
            connection.execute(f"CREATE TEMP TABLE bounded AS {bounded}", values)
            found = connection.execute(f"SELECT {keys}{sums} FROM bounded{grouping}").fetchall()
            contributions = connection.sql(
                "SELECT least(coalesce(c, 0), 4294967295)::UINTEGER FROM range(?) AS p(person) "
                "LEFT JOIN (SELECT person, sum(rows) AS c FROM bounded GROUP BY person) USING (person) ORDER BY person",
                params=[persons],
            ).to_arrow_table()
        place = {group: index for index, group in enumerate(groups(plan))}
        vectors = [[0] * len(place) for _ in plan.vectors]
        width = len(plan.keys)
        for row in found:
            for vector, value in zip(vectors, row[width:], strict=True):
                vector[place[row[:width]]] = int(value or 0)
        column = contributions.column(0).combine_chunks()
        buffer = column.buffers()[1]
        return Measured(
            vectors, buffer.to_pybytes()[column.offset * 4 : (column.offset + persons) * 4] if persons else b""
        )

    def export(self, asset: Asset, suffix: str, notes: Mapping[str, str]) -> Delivered:
        """The whole table as a file, written when it is first asked for."""
        said = hashlib.sha256(repr((asset.columns, *notes.items())).encode()).hexdigest()[:12]
        target = self._folder / "open" / f"{asset.id}-{asset.version}-{said}{suffix}"
        with self._exporting:
            if target not in self._exported or not target.exists():
                with self._connection(asset.id, asset.version) as connection:
                    query = f"SELECT {delivery.select(asset.columns)} FROM asset"
                    self._exported[target] = delivery.write(connection, query, (), target, notes)
            return self._exported[target]

    def records(self, plan: RecordsPlan, population: bytes, persons: int) -> list[tuple[int, tuple[Any, ...]]]:
        """The rows of a plan, each with the number of the person whom it is about."""
        query, values = records.query(plan, records.bits(population, persons), _condition)
        with self._connection(plan.asset.id, plan.asset.version) as connection:
            return [(number, cells) for number, *cells in connection.execute(query, values).fetchall()]  # type: ignore[misc]

    def tally(self, plan: CubePlan, population: bytes, persons: int) -> Tallied:
        """The figures of a cube."""
        query, values = cubes.per_person(plan, records.bits(population, persons))
        with self._connection(plan.asset, plan.version) as connection:
            connection.execute(f"CREATE TEMP TABLE persons AS {query}", values)
            found = connection.execute(cubes.figures(plan, "persons")).fetchall()
            counted = connection.execute(
                "SELECT _person, least(sum(rows), ?) FROM persons GROUP BY 1", [plan.rows_per_person]
            ).fetchall()
        cells = dict.fromkeys(places(plan.shape), Figures(0, (0,) * (1 + len(plan.sums)), (0,) * len(plan.sums)))
        width = len(plan.keys)
        for row in found:
            at = tuple(
                TOTAL if value is None else key.values.index(value) for value, key in zip(row, plan.keys, strict=False)
            )
            people, count, *told = map(int, row[width:])
            cells[at] = Figures(people, (count, *told[0::2]), tuple(told[1::2]))
        contributions = array("I", bytes(4 * persons))
        for person, rows in counted:
            contributions[person] = int(rows)
        return Tallied(cells, contributions.tobytes())

    def _file(self, asset: str, version: str) -> Path:
        return self._folder / f"{asset}-{version}.duckdb"

    @contextmanager
    def _connection(self, asset: str, version: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A locked connection, stopped when its time is over. What it says of failures depends on no row."""
        try:
            connection = duckdb.connect(self._file(asset, version), read_only=True, config=self._config)
        except duckdb.Error:
            raise EngineFault(
                "engine.data",
                f"the data of `{asset}` could not be opened",
                "restore the node's data folder from a backup",
            ) from None
        done = threading.Event()
        watchdog = threading.Thread(target=_watch, args=(connection, done, self._seconds), daemon=True)
        watchdog.start()
        try:
            yield connection
        except duckdb.Error:
            raise EngineFault(
                "engine.limits", "the question could not be worked out within the node's limits",
                "ask something smaller; what it may have learnt was charged",
            ) from None  # fmt: skip
        finally:
            done.set()
            watchdog.join()
            connection.close()


def _watch(connection: duckdb.DuckDBPyConnection, done: threading.Event, seconds: float) -> None:
    """Stops a connection when its time is over; again and again, for between two statements nothing hears it."""
    if not done.wait(seconds):
        connection.interrupt()
        while not done.wait(0.02):
            connection.interrupt()


def bounding(plan: QueryPlan, population: str) -> tuple[str, list[Literal]]:
    """The SQL that leaves, for every person and group, what she counts for; and the values bound to it.

    Columns: `person`, `k0`… for the keys, `rows`, `v0`… for the vectors. The steps are those of `core.privacy.rules`.
    """
    # Whoever joined a pool after the population was found has a number behind its end, where nobody is in.
    values: list[Literal] = [f"{population}0"]
    where = [f"get_bit(CAST(? AS BIT), least(_person, {len(population)})) = 1"]
    for key in plan.keys:
        where.append(f"{quoted(key.column.name)} IN ({', '.join('?' * len(key.values))})")
        values += key.values
    if plan.where:
        where.append(_condition(plan.where, values))
    keys = "".join(f"k{i}, " for i in range(len(plan.keys)))
    columns = "".join(f"{quoted(key.column.name)} AS k{i}, " for i, key in enumerate(plan.keys))
    locals_ = ", ".join(f"{_per_person(vector)} AS v{i}" for i, vector in enumerate(plan.vectors))
    # By place, for a name could also be that of a column of the table.
    grouping = ", ".join(str(1 + i) for i in range(1 + len(plan.keys)))
    limited = plan.cells > plan.groups_per_person
    draw = ", any_value(_draw) AS draw" if limited else ""
    query = (
        f"SELECT _person AS person, {columns}count(*) AS rows, {locals_}{draw} FROM asset "
        f"WHERE {' AND '.join(where)} GROUP BY {grouping}"
    )
    if limited:
        # The order is by a hash of person and group alone, so whom else the table is about changes nothing: neither
        # a person's number nor the version may go in, for both depend on the others.
        order = f"md5(concat_ws('|', '{plan.asset}', draw, {keys.rstrip(', ')})), {keys.rstrip(', ')}"
        query = (
            f"SELECT * FROM ({query}) QUALIFY row_number() OVER (PARTITION BY person ORDER BY {order}) "
            f"<= {plan.groups_per_person}"
        )
    limit = plan.rows_per_group
    clamped = ", ".join(f"{_clamped(vector, i, limit)} AS v{i}" for i, vector in enumerate(plan.vectors))
    return f"SELECT person, {keys}least(rows, {limit}) AS rows, {clamped} FROM ({query})", values


def _per_person(vector: Vector) -> str:
    """What one person's rows in one group come to, before clamping."""
    if vector.kind == "persons":
        return "1"
    if vector.kind == "rows":
        return "count(*)" if vector.column is None else f"count({quoted(vector.column.name)})"
    column = _bounded_column(vector)
    name = quoted(column.name)
    # Without the filter a null would count as the lower bound: greatest() passes over nulls.
    bounded = f"least(greatest({name}, {column.low}), {column.high}) - {vector.centre}"
    return f"coalesce(sum({bounded}) FILTER ({name} IS NOT NULL), 0)"


def _clamped(vector: Vector, index: int, rows: int) -> str:
    if vector.kind == "sum":
        reach = rows * vector.reach
        return f"least(greatest(v{index}, -{reach}), {reach})"
    return f"least(v{index}, {rows})"


def _bounded_column(vector: Vector) -> Column:
    assert vector.column is not None
    assert vector.column.low is not None
    return vector.column


def _condition(condition: Resolved, values: list[Literal]) -> str:
    """A condition in SQL's own three-valued logic; no row, whatever it holds, can make it fail."""
    match condition:
        case Not():
            return f"(NOT {_condition(condition.condition, values)})"
        case Both():
            return f"({_condition(condition.left, values)} AND {_condition(condition.right, values)})"
        case Either():
            return f"({_condition(condition.left, values)} OR {_condition(condition.right, values)})"
        case IsNull():
            return f"({quoted(condition.column)} IS NULL)"
        case OneOf():
            values += condition.literals
            return f"({quoted(condition.column)} IN ({', '.join('?' * len(condition.literals))}))"
        case Comparison():
            values.append(condition.literal)
            return f"({quoted(condition.column)} {condition.operator} ?)"
