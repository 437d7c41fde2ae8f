"""The engine: DuckDB over one read-only file for each version of an asset.

No SQL that anybody typed is ever run. What runs is made here from a plan of our own closed types: names are those of
the asset's card and are quoted, literals are bound. It runs in a process of its own, which has the permitted columns and
rows and nothing else (see `room`): rows carry a person's number, and whose number it is only the register knows. And DuckDB
is locked down as if the SQL were hostile: no files, no network, no extensions, no settings, bounded memory and time.
"""

from __future__ import annotations

import hashlib
import os
import threading
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from usufruct.core.income.holders import HolderPlan
from usufruct.core.income.value import Term
from usufruct.core.privacy.cubes import CubePlan, Tallied
from usufruct.core.privacy.marginals import Marginals
from usufruct.core.privacy.moments import Moments
from usufruct.core.privacy.records import RecordsPlan
from usufruct.core.privacy.release import public_groups
from usufruct.core.privacy.rules import BINS, QueryPlan
from usufruct.core.privacy.sample import Sample
from usufruct.core.privacy.steps import Table, tables
from usufruct.core.privacy.suppression import TOTAL, Figures, places
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.core.registry.seen import ColumnProposed, ColumnSeen
from usufruct.core.registry.state import Asset, Stored
from usufruct.engine import cubes, delivery, pooling, records, removal, sampling, shares
from usufruct.engine.columns import quoted
from usufruct.engine.intake import inspect, propose, sync, take_in
from usufruct.engine.replica import Replica
from usufruct.engine.room import Permitted, Room, not_there, over_limits, size
from usufruct.engine.statements import Statement, adding_up, binning, bounding, contributing, over_columns
from usufruct.engine.stored import Watch
from usufruct.engine.zygote import LOCKED
from usufruct.ports import Among, Delivered, Ingested, Measured, Numbers, TableIn
from usufruct.trainer import Sampled


class DuckDbEngine:
    """`ports.Engine` over a folder of DuckDB files. `memory` is a DuckDB size, `seconds` bounds one plan's run."""

    def __init__(self, folder: Path, memory: str = "4GB", seconds: float = 60, threads: int | None = None) -> None:
        self._folder = folder
        self._seconds = seconds
        self._memory = memory
        self._config: dict[str, str | bool | int | float | list[str]] = {
            **LOCKED, "memory_limit": memory, "threads": str(threads or os.cpu_count() or 1), "lock_configuration": "true"
        }  # fmt: skip
        self._replica = Replica()
        self._room = Room(size(memory), seconds, threads or os.cpu_count() or 1)
        self._watch = Watch()
        self._exporting = threading.Lock()
        self._exported: dict[Path, Delivered] = {}
        folder.mkdir(exist_ok=True)

    def inspect(self, table: Path | TableIn) -> list[ColumnSeen]:
        """A first look at a table, for proposing a card."""
        return inspect(table)

    def classify(self, table: Path | TableIn) -> list[ColumnProposed]:
        """What the columns of a table may be, on the cautious side."""
        return propose(table)

    def ingest(self, card: Card, table: Path | TableIn, numbers: Numbers | None = None) -> Ingested:
        """Takes a table in, typed by its card, under the digest of its bytes."""
        return take_in(card, table, partial(self._file, card.asset), self._memory, numbers)

    def fits(self, asset: Asset, stored: Stored, persons: int) -> None:
        """Returns if the stored table is whole."""
        open = partial(self._connection, stored.asset, stored.version)
        self._watch.fits(self._file(stored.asset, stored.version), asset, stored, persons, open)

    def examine(self, asset: Asset, stored: Stored, persons: int) -> list[str]:
        """What is wrong with a stored table."""
        open = partial(self._connection, stored.asset, stored.version)
        return self._watch.examine(self._file(stored.asset, stored.version), asset, stored, persons, open)

    def forget(self, asset: str, version: str) -> bool:
        """Deletes the table of a version, and the files that were made of it."""
        file = self._file(asset, version)
        there = file.exists()
        for one in (file, *(self._folder / "open").glob(f"{asset}-{version}-*")):
            one.unlink(missing_ok=True)
        sync(self._folder)
        return there

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

    def run(self, plan: QueryPlan, among: Sequence[Among | None], terms: Sequence[Term] = ()) -> Measured:
        """The plan's exact numbers over the rows of the populations, and what each person added to the `terms`."""
        bins = [index for index, vector in enumerate(plan.vectors) if vector.kind == "bins"]
        permitted = [self._permitted(plan, place, one) for place, one in enumerate(among)]
        further = [adding_up(plan), contributing(), *(binning(plan, plan.vectors[index]) for index in bins)]
        further += [shares.by_person(plan, terms)] if terms else []
        added, counted, *binned = self._worked_out(permitted, bounding(plan), further)
        valued = _by_number(_or_rows(binned.pop(), counted), among, "Q") if terms else []
        found = list(_tuples(added))
        width = len(plan.keys)
        at = {row[:width]: row[width + 1 :] for row in found}
        groups = public_groups(plan) if plan.cells else sorted(at)
        plain = [index for index in range(len(plan.vectors)) if index not in bins]
        vectors: list[list[int]] = [[] for _ in plan.vectors]
        for group in groups:
            sums = at.get(group)
            for place, index in enumerate(plain):
                vectors[index].append(int(sums[place] or 0) if sums else 0)
        places = {group: place for place, group in enumerate(groups)}
        for index, table in zip(bins, binned, strict=True):
            vectors[index] = [0] * (len(groups) * BINS)
            for row in _tuples(table):
                if (group_at := places.get(row[:width])) is not None:
                    vectors[index][group_at * BINS + row[width]] += int(row[width + 1] or 0)
        return Measured(groups, vectors, _by_number(counted, among, "I"), valued)

    def _worked_out(
        self, permitted: Sequence[Permitted], bounded: Statement, further: Sequence[Statement]
    ) -> list[pa.Table]:
        """What the further statements come to over what the first finds, which they know as `bounded`."""
        text, values = bounded
        return self._room.run(permitted, [(f"CREATE TEMP TABLE bounded AS {text}", values), *further])[1:]

    def holders(self, plan: HolderPlan, among: Sequence[Among | None]) -> list[tuple[Any, ...]]:
        """What each holder's share in a total is worked out from."""
        permitted = [self._permitted(plan, place, one) for place, one in enumerate(among)]
        return list(_tuples(self._room.run(permitted, [shares.by_holder(plan)])[0]))

    def _permitted(self, plan: QueryPlan | HolderPlan, place: int, among: Among | None) -> Permitted:
        """Of a source of the plan the columns that it reads, and the rows of who is among those who allow it."""
        source = plan.sources[place]
        read = {column: None for t in tables(plan.relation) if t.asset == source.asset for _, column in t.columns}
        file = self._file(source.asset, source.version)
        if among is None:
            return Permitted(file, f"t{place}", tuple(read))
        own = () if isinstance(plan, HolderPlan) and plan.row_by_row else ("_person", "_draw")
        narrow = isinstance(plan, HolderPlan) and isinstance(plan.relation, Table)  # nothing is computed but totals
        return Permitted(file, f"t{place}", (*own, *read), among.population, among.persons, among.numbers, narrow)

    def check(self, text: str, assets: Sequence[Asset], columns: int) -> bool:
        """Whether DuckDB reads a text as a plain question over tables like these."""
        return self._replica.agrees(text, assets, columns)

    def sample(
        self, sample: Sample, count: Marginals | None, add_up: Moments | None, rows: bool, population: bytes, persons: int
    ) -> Sampled:  # fmt: skip
        """What is counted, added up or read over a sample of the population."""
        with self._bounded(sample, population, persons) as connection:
            return Sampled(
                sampling.count(connection, count) if count else [],
                sampling.add_up(connection, add_up, sample) if add_up else [],
                sampling.rows(connection, sample, False) if rows else b"",
                sampling.rows(connection, sample, True) if sample.holdout else b"",
                sampling.contributions(connection, persons),
            )

    def labelled(self, sample: Sample, population: bytes, persons: int) -> bytes:
        """The rows of a sample of the population, each with the number of the person whom it is about, as an Arrow stream."""
        with self._bounded(sample, population, persons) as connection:
            return sampling.records(connection, sample)

    @contextmanager
    def _bounded(self, sample: Sample, population: bytes, persons: int) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection over the bounded rows of a sample, as `bounded`."""
        where, values = over_columns(sample.where) if sample.where is not None else ("", [])
        query, bound = sampling.bounded(sample, sampling.bits(population, persons), where, values)
        with self._connection(sample.asset, sample.version) as connection:
            connection.execute(f"CREATE TEMP TABLE bounded AS {query}", bound)
            yield connection

    def identified(
        self, asset: Asset, identifier: Column | None, value: Column | None, reach: int, population: bytes, persons: int
    ) -> list[tuple[int, str | None, int]]:
        """Each person of the population with her identifier and her bounded total."""
        bits = bin(int.from_bytes(population, "little") & (1 << persons) - 1 | 1 << persons)[:2:-1]
        name = f"min({quoted(identifier.name)}::VARCHAR)" if identifier else "NULL::VARCHAR"
        total = "0"
        if value is not None:
            bounded = f"sum(least(greatest({quoted(value.name)}, {value.low}), {value.high}))"
            # Without the filter a null would count as the lower bound: greatest() passes over nulls.
            bounded += f" FILTER ({quoted(value.name)} IS NOT NULL)"
            total = f"least(greatest(coalesce({bounded}, 0), {-reach}), {reach})::BIGINT"
        query = (
            f"SELECT _person, {name}, {total} FROM asset WHERE get_bit(CAST(? AS BIT), least(_person, {persons})) = 1 "
            "GROUP BY _person ORDER BY _person"
        )
        with self._connection(asset.id, asset.version) as connection:
            return connection.execute(query, [f"{bits}0"]).fetchall()

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
        query, values = records.query(plan, records.bits(population, persons))
        with self._connection(plan.asset.id, plan.asset.version) as connection:
            return [(number, tuple(cells)) for number, *cells in connection.execute(query, values).fetchall()]

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
        except duckdb.OutOfMemoryException:
            raise over_limits() from None
        except duckdb.Error:
            raise not_there([asset]) from None
        try:
            with stopped_after(self._seconds, connection.interrupt):
                yield connection
        except duckdb.Error:
            raise over_limits() from None
        finally:
            connection.close()


def _tuples(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


@contextmanager
def stopped_after(seconds: float, stop: Callable[[], object]) -> Iterator[None]:
    """Calls `stop` when the time is over; again and again, for between two statements nothing hears it."""
    done = threading.Event()

    def watch() -> None:
        if not done.wait(seconds):
            stop()
            while not done.wait(0.02):
                stop()

    watchdog = threading.Thread(target=watch, daemon=True)
    watchdog.start()
    try:
        yield
    finally:
        done.set()
        watchdog.join()


def _or_rows(valued: pa.Table, counted: pa.Table) -> pa.Table:
    """What each person added; her rows, if nobody added anything."""
    return valued if any(valued.column(1).to_pylist()) else counted


def _by_number(counted: pa.Table, among: Sequence[Among | None], code: str) -> list[bytes]:
    """What each person counted for, for each source by her number there: unsigned and little-endian, of 32 bits (`I`) or 64
    (`Q`)."""
    rows = dict(zip(counted.column(0).to_pylist(), counted.column(1).to_pylist(), strict=True))
    found = []
    for one in among:
        if one is None:
            found.append(b"")
            continue
        numbers = range(one.persons) if one.numbers is None else array("I", one.numbers)
        found.append(array(code, [rows.get(number, 0) for number in numbers]).tobytes())
    return found
