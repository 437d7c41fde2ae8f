"""The SQL of a sample: bounded rows as whole numbers, and what is counted or added up over them.

What a condition or a column says comes from types of our own, names are quoted, values bound. See `core.privacy.sample`,
`marginals` and `moments` for why what is done here is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from usufruct.core.privacy.marginals import Marginals
from usufruct.core.privacy.moments import UNIT, Moments, Term
from usufruct.core.privacy.question import Literal
from usufruct.core.privacy.sample import Coded, Sample, listed
from usufruct.core.registry.facts import Column
from usufruct.engine.columns import quoted


def bits(population: bytes, persons: int) -> str:
    """A population as DuckDB reads bits, by the persons' numbers; what it says of nobody is cut off."""
    # The bit above the last person keeps leading zeros.
    return bin(int.from_bytes(population, "little") & (1 << persons) - 1 | 1 << persons)[:2:-1]


def bounded(
    sample: Sample, population: str, where: str, values: Sequence[Literal | None]
) -> tuple[str, list[Literal | None]]:
    """SQL for the bounded rows: `person`, whether she is `held` out, and `c0`… for the columns; and what is bound to it.

    A column of a list is its place on it, a number is in grains. `where` is the condition as SQL, with its `values`.
    """
    bound = list(values)
    columns = []
    for place, column in enumerate(sample.columns):
        columns.append(f"{_read(column, bound)} AS c{place}")
    names = ", ".join(f"c{place}" for place in range(len(columns)))
    whole = " AND ".join(f"c{place} IS NOT NULL" for place in range(len(columns)))
    conditions = [f"({where})"] if where else []
    if sample.personal:
        # Whoever joined a pool after the population was found has a number behind its end, where nobody is in.
        bound.append(f"{population}0")
        conditions.append(f"get_bit(CAST(${len(bound)} AS BIT), least(_person, {len(population)})) = 1")
    chosen = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    # A person's draw decides for all of her rows; about nobody, each row decides for itself.
    person, draw = (
        ("_person", "_draw::BIGINT") if sample.personal else ("NULL", f"md5_number_lower(concat_ws('|', {names}))")
    )
    rows = f"SELECT {'_person, _draw, ' if sample.personal else ''}{', '.join(columns)} FROM asset{chosen}"
    query = f"SELECT {person} AS person, {draw} AS draw, {names} FROM ({rows}) WHERE {whole}"
    if sample.personal:
        # By a hash of her own row and draw: rows that tie are the same row, and whom else the table is about changes nothing.
        order = f"md5(concat_ws('|', '{sample.asset}', draw, {names})), {names}"
        for place in sample.once:
            query += f" QUALIFY row_number() OVER (PARTITION BY person, c{place} ORDER BY {order}) = 1"
            query = f"SELECT * FROM ({query})"
        query += f" QUALIFY row_number() OVER (PARTITION BY person ORDER BY {order}) <= {sample.rows_per_person}"
    query = f"SELECT person, draw % 100 < {sample.holdout} AS held, {names} FROM ({query})"
    return query, bound


def _read(column: Column, bound: list[Literal | None]) -> str:
    name, values = quoted(column.name), listed(column)
    if values:
        first = len(bound) + 1
        bound.extend(values)
        return f"CASE {name} {' '.join(f'WHEN ${first + place} THEN {place}' for place in range(len(values)))} END"
    return f"CASE WHEN {name} IS NOT NULL THEN least(greatest({name}, {column.low}), {column.high}) END"


def count(connection: duckdb.DuckDBPyConnection, laid: Marginals) -> list[list[int]]:
    """The exact marginals over `bounded`, of whom nobody is held out."""
    return [list(_counts(connection, laid, columns)) for columns in laid.sets]


def _counts(connection: duckdb.DuckDBPyConnection, laid: Marginals, columns: Sequence[int]) -> Iterator[int]:
    cell = "0::BIGINT"
    for place in columns:
        cell = f"({cell}) * {laid.columns[place].size} + {_code(laid.columns[place], place)}"
    found = dict(connection.execute(f"SELECT {cell}, count(*) FROM bounded WHERE NOT held GROUP BY 1").fetchall())
    return (int(found.get(number, 0)) for number in range(laid.cells(columns)))


def _code(one: Coded, place: int) -> str:
    """SQL for the code of a column of `bounded`; the same as `Coded.code`."""
    if one.values:
        return f"c{place}"
    column = one.column
    assert column.low is not None and column.high is not None
    return f"(c{place} - ({column.low})) * {one.size} // {column.high - column.low + 1}"


def add_up(connection: duckdb.DuckDBPyConnection, laid: Moments, sample: Sample) -> list[int]:
    """The exact sums of products over `bounded`, of whom nobody is held out."""
    places = {column.name: place for place, column in enumerate(sample.columns)}
    terms = ", ".join(f"{_term(term, places)} AS t{number}" for number, term in enumerate(laid.terms))
    sums = ", ".join(f"coalesce(sum(t{a} * t{b}), 0)::HUGEINT" for a, b in laid.products)
    (found,) = connection.execute(f"SELECT {sums} FROM (SELECT {terms} FROM bounded WHERE NOT held)").fetchall()
    return [int(value) for value in found]


def _term(term: Term, places: dict[str, int]) -> str:
    """SQL for a term: never larger than UNIT, either way."""
    column = term.column
    if column is None:
        return f"{UNIT}::BIGINT"
    name, values = f"c{places[column.name]}", listed(column)
    if values:
        assert term.value is not None
        return f"CASE WHEN {name} = {_place(values, term.value)} THEN {UNIT}::BIGINT ELSE 0 END"
    assert column.low is not None and column.high is not None
    return f"({name} - ({column.low})) * {2 * UNIT} // {column.high - column.low} - {UNIT}"


def _place(values: Sequence[int | str | bool], value: int | str | bool) -> int:
    return next(place for place, one in enumerate(values) if one is value or one == value)


def rows(connection: duckdb.DuckDBPyConnection, sample: Sample, held: bool) -> bytes:
    """The bounded rows, of whoever is `held` out or of the others, as an Arrow stream; in no order that tells of anybody."""
    names = ", ".join(f"c{place}::BIGINT AS c{place}" for place in range(len(sample.columns)))
    order = ", ".join(str(1 + place) for place in range(len(sample.columns)))
    found = connection.sql(f"SELECT {names} FROM bounded WHERE held = {held} ORDER BY {order}").to_arrow_table()
    return _stream(found)


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def records(connection: duckdb.DuckDBPyConnection, sample: Sample) -> bytes:
    """All bounded rows, each with the number of its `person`, as an Arrow stream."""
    names = ", ".join(f"c{place}::BIGINT AS c{place}" for place in range(len(sample.columns)))
    found = connection.sql(f"SELECT person::BIGINT AS person, {names} FROM bounded ORDER BY ALL").to_arrow_table()
    return _stream(found)


def contributions(connection: duckdb.DuckDBPyConnection, persons: int) -> bytes:
    """How many rows of each person are in `bounded`, as unsigned 32-bit numbers, little-endian."""
    if not persons:
        return b""
    found = connection.sql(
        "SELECT coalesce(c, 0)::UINTEGER FROM range(?) AS p(person) "
        "LEFT JOIN (SELECT person, count(*) AS c FROM bounded GROUP BY person) USING (person) ORDER BY person",
        params=[persons],
    ).to_arrow_table()
    column = found.column(0).combine_chunks()
    return bytes(column.buffers()[1].to_pybytes()[column.offset * 4 : (column.offset + persons) * 4])
