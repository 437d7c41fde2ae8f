"""The engine against a slow reference, and the sensitivity that the charge rests on.

The reference does in plain Python, row by row, what `engine.duckdb` has DuckDB do: filter in SQL's three-valued logic,
add up per person and group, clamp, keep a person's first groups by hash, add up over persons. Tables, plans and
populations are drawn at random from a seed that a failure shows. Privacy rests on two more properties, tested on what
the engine really computes: nobody's presence changes what anybody else counts for, and nobody counts for more than the
plan says. Both are tried through intake, for neighbouring *tables*, not only for neighbouring populations.
"""

from __future__ import annotations

import csv
import hashlib
import math
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usufruct.core.base.faults import EngineFault
from usufruct.core.base.instants import Instant
from usufruct.core.privacy.expressions import of_column
from usufruct.core.privacy.question import Call, Expression, Literal, Ref, Value
from usufruct.core.privacy.rules import GroupKey, QueryPlan, Source, Vector
from usufruct.core.privacy.steps import Filtered, Resolved
from usufruct.core.privacy.steps import Table as Stored
from usufruct.core.registry.facts import Column, Quality
from usufruct.core.registry.rules import Card
from usufruct.core.registry.state import Asset
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.ports import Among, Measured

Cell = int | str | bool | None
Record = dict[str, Cell]  # one row: the person's own value under PERSON, the other columns in grains

PERSON = "who is it?"
# Names that mean something in SQL, to the engine's own queries, or to a careless quoter.
NAMES = (
    "select", "k0", "k1", "v0", "v1", "rows", "person", "draw", "line", "bounded", "asset", 'say "hi"', "o'clock", "été ☃",
    "a.b", "a b", "1st", "x;--", "_person_", "GROUP", "count", "?", "$1", "{c}", "raw", "typed", "target", "c", "p", "%s", "\\",
)  # fmt: skip
WORDS = ("a", "b", "#c", "d|e", "f,g", 'h"i', "j\nk", "O'Brien", "ünï ☃", " pad ", "NULL", "1", "true", "Z")


# --- the reference ---------------------------------------------------------------------------------------------------


def reference(plan: Plan, rows: Sequence[Record], population: bytes) -> Measured:
    """What the engine must come to."""
    persons = sorted({row[PERSON] for row in rows})  # type: ignore[type-var]
    number = {who: index for index, who in enumerate(persons)}
    used = [row for row in rows if population[number[row[PERSON]] // 8] >> number[row[PERSON]] % 8 & 1]
    local: dict[tuple[Cell, tuple[Literal, ...]], list[Record]] = {}
    for row in used:
        group = tuple(row[key.name] for key in plan.keys)
        if all(isin(row[k.name], k.values) for k in plan.keys) and (not plan.where or holds(plan.where, row)):
            local.setdefault((row[PERSON], group), []).append(row)  # type: ignore[arg-type]
    cells = list(product(*(key.values for key in plan.keys)))
    vectors = [[0] * len(cells) for _ in plan.vectors]
    counted = [0] * len(persons)
    for who in persons:
        mine = [group for person, group in local if person == who]
        lots = {group: lot("asset", who, group) for group in mine}
        if len(mine) > plan.groups:
            mine = [group for group in mine if lots[group] < sorted(lots.values())[plan.groups]]
        for group in mine:
            records = local[who, group]
            counted[number[who]] += min(len(records), plan.rows)
            for vector, totals in zip(plan.vectors, vectors, strict=True):
                totals[cells.index(group)] += part(vector, records, plan.rows)
    return Measured(cells, vectors, [struct.pack(f"<{len(persons)}I", *counted)])


def isin(cell: Cell, values: Sequence[Literal]) -> bool:
    """Python takes True for 1."""
    return any(type(cell) is type(value) and cell == value for value in values)


def lot(asset: str, who: Cell, group: tuple[Literal, ...]) -> int:
    """By what a person's groups are ordered: it depends on her and the group, and on nothing and nobody else."""
    draw = int.from_bytes(hashlib.md5(f"{asset}|{who}".encode()).digest()[8:10], "little")
    words = [str(item).lower() if isinstance(item, bool) else str(item) for item in group]
    hashed = hashlib.md5("|".join([asset, *words]).encode()).hexdigest()
    first, second = (int(half.translate(str.maketrans("abcdef", "012345"))) for half in (hashed[:16], hashed[16:]))
    return (first * draw + second) % (2**31 - 1)


def part(vector: Vector, records: list[Record], rows: int) -> int:
    """What one person's rows in one group count for."""
    cells = records if vector.of is None else [r for r in records if r[vector.of] is not None]
    if vector.kind == "persons":
        return 1
    if vector.kind == "rows":
        return min(len(cells), rows)
    assert vector.domain is not None and vector.domain.low is not None and vector.domain.high is not None
    low, high = vector.domain.low, vector.domain.high
    total = sum(min(max(int(r[vector.of]), low), high) - vector.centre for r in cells)  # type: ignore[arg-type, index]
    return min(max(total, -rows * vector.reach), rows * vector.reach)


def holds(condition: Expression, row: Record) -> bool | None:
    """SQL's logic: true, false, or None for unknown."""
    match condition:
        case Call("not", (inner,)):
            found = holds(inner, row)
            return None if found is None else not found
        case Call("and", (left, right)):
            sides = (holds(left, row), holds(right, row))
            return False if False in sides else None if None in sides else True
        case Call("or", (left, right)):
            sides = (holds(left, row), holds(right, row))
            return True if True in sides else None if None in sides else False
        case Call("is null", (Ref(name),)):
            return row[name] is None
        case Call("in", (Ref(name), *among)):
            return None if row[name] is None else row[name] in [one.value for one in among if isinstance(one, Value)]
        case Call(operator, (Ref(name), Value(other))):
            cell = row[name]
            if cell is None:
                return None
            assert type(cell) is type(other)
            return {
                "=": cell == other, "<>": cell != other, "<": cell < other, "<=": cell <= other,  # type: ignore[operator]
                ">": cell > other, ">=": cell >= other,  # type: ignore[operator]
            }[operator]  # fmt: skip
    raise AssertionError(condition)


def negated(inner: Expression) -> Expression:
    return Call("not", (inner,))


def compared(name: str, operator: str, literal: Literal) -> Expression:
    return Call(operator, (Ref(name), Value(literal)))


def one_of(name: str, literals: Sequence[Literal]) -> Expression:
    return Call("in", (Ref(name), *map(Value, literals)))


def is_null(name: str) -> Expression:
    return Call("is null", (Ref(name),))


# --- tables ----------------------------------------------------------------------------------------------------------


@dataclass
class Table:
    """Rows that have been taken in, and the engine over them."""

    columns: tuple[Column, ...]
    rows: list[Record]
    engine: DuckDbEngine
    version: str
    persons: int

    @property
    def everybody(self) -> bytes:
        return ((1 << self.persons) - 1).to_bytes((self.persons + 7) // 8, "little")

    def of(self, kind: str) -> list[Column]:
        return [column for column in self.columns if column.type == kind and column.name != PERSON]


def card(columns: Sequence[Column], asset: str = "asset") -> Card:
    return Card(asset, "t", "d", "l", PERSON, tuple(columns), 3)


def take_in(folder: Path, columns: Sequence[Column], rows: list[Record], asset: str = "asset") -> Table:
    """Writes the rows as CSV, decimals with a point, and takes them in as a node would."""
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in columns])
        writer.writerows([text(column, row[column.name]) for column in columns] for row in rows)
    engine = DuckDbEngine(folder / "data", threads=1)
    taken = engine.ingest(card(columns, asset), folder / "table.csv")
    assert list(taken.persons) == sorted({str(row[PERSON]) for row in rows}), "numbers are in the order of the values"
    return Table(tuple(columns), rows, engine, taken.version, len(taken.persons))


def text(column: Column, cell: Cell) -> str:
    if cell is None:
        return ""
    if column.type == "decimal":
        assert isinstance(cell, int)
        whole, rest = divmod(abs(cell), 10**column.decimals)
        return f"{'-' if cell < 0 else ''}{whole}.{rest:0{column.decimals}d}"
    return str(cell)


def random_table(rng: random.Random, folder: Path) -> Table:
    names = rng.sample(NAMES, 7)
    columns = [
        Column(PERSON, "text", "personal", 2),
        Column(names[0], "text", "personal", 2, values=tuple(rng.sample(WORDS, rng.randint(1, 6)))),
        Column(names[1], "boolean", "personal", 2, values=rng.choice([(False, True), (True,), (True, False)])),
        Column(names[2], "integer", "personal", 2, values=tuple(rng.sample(range(-3, 6), rng.randint(1, 5)))),
        Column(names[3], "integer", "personal", 2, low=rng.randint(-9, 2), high=rng.randint(3, 9)),
        Column(names[4], "decimal", "personal", 2, decimals=2, low=rng.randint(-900, 99), high=rng.randint(100, 999)),
        Column(names[5], "integer", "personal", 2, low=-(2**40), high=2**40),
        Column(names[6], "text", "personal", 2),
    ]
    people = [f"{word}{n}" for n in range(rng.randint(1, 4)) for word in rng.sample(WORDS, rng.randint(1, 6))]
    rows: list[Record] = []
    for who in people:
        for _ in range(rng.choice([1, 1, 2, 3, 8, 30])):
            rows.append({PERSON: who, **{column.name: random_cell(rng, column) for column in columns[1:]}})
    rng.shuffle(rows)
    return take_in(folder, columns, rows)


def random_cell(rng: random.Random, column: Column) -> Cell:
    if rng.random() < 0.2:
        return None
    if column.type == "text":
        return rng.choice(WORDS)
    if column.type == "boolean":
        return rng.random() < 0.5
    if column.high == 2**40:
        return rng.choice([-(2**63), 2**63 - 1, -(2**40), 2**40 + 1, 0, rng.randint(-(2**41), 2**41)])
    return rng.randint(-12, 12) if column.type == "integer" else rng.randint(-1500, 1500)


# --- plans -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A plan over the names of the table's own columns, for the reference; the engine gets it under names of its own."""

    table: Table
    keys: tuple[Column, ...]
    vectors: tuple[Vector, ...]
    groups: int
    rows: int
    where: Expression | None

    def made(self) -> QueryPlan:
        called = {column.name: f"c{n}" for n, column in enumerate(self.table.columns)}
        stored = tuple((called[c.name], c.name) for c in self.table.columns if c.name != PERSON)
        relation: Resolved = Stored("asset", stored)
        if self.where is not None:
            relation = Filtered(relation, renamed(self.where, called))
        keys = tuple(GroupKey(f"key {n}", called[c.name], of_column(c), c.values) for n, c in enumerate(self.keys))
        vectors = tuple(replace(v, of=called[v.of] if v.of else None) for v in self.vectors)
        source = Source("asset", self.table.version, True)
        return QueryPlan((source,), relation, keys, self.groups, self.rows, vectors, ())

    def run(self, population: bytes | None = None, engine: DuckDbEngine | None = None) -> Measured:
        everybody = self.table.everybody if population is None else population
        return (engine or self.table.engine).run(self.made(), [Among(everybody, self.table.persons)])


def renamed(condition: Expression, called: dict[str, str]) -> Expression:
    match condition:
        case Ref(name):
            return Ref(called[name])
        case Call(function, arguments):
            return Call(function, tuple(renamed(argument, called) for argument in arguments))
        case _:
            return condition


def summing(column: Column) -> Vector:
    assert column.low is not None and column.high is not None
    centre = (column.low + column.high) // 2
    domain = replace(of_column(column), low=column.low, high=column.high)
    return Vector("sum", column.name, domain, centre, max(column.high - centre, centre - column.low), 64, 1)


def counting(column: Column | None = None, kind: str = "rows") -> Vector:
    return Vector(kind, column.name if column else None, of_column(column) if column else None, 0, 1, 64, 1)


def make_plan(
    table: Table,
    keys: Sequence[Column],
    vectors: Sequence[Vector],
    groups: int,
    rows: int,
    where: Expression | None = None,
) -> Plan:
    return Plan(table, tuple(keys), tuple(vectors), groups, rows, where)


def random_plan(rng: random.Random, table: Table) -> Plan:
    listed = [column for column in table.columns if column.values]
    keys = rng.sample(listed, min(len(listed), rng.choice([0, 1, 1, 2, 3])))
    measures = [summing(column) for column in table.columns if column.low is not None]
    measures += [counting(column) for column in table.columns if column.name != PERSON]
    measures += [counting(), counting(kind="persons")]
    where = random_condition(rng, table, rng.randint(0, 3)) if rng.random() < 0.7 else None
    groups, rows = rng.choice([1, 1, 2, 3, 50]), rng.choice([1, 2, 5, 100])
    return make_plan(table, keys, rng.sample(measures, rng.randint(1, 5)), groups, rows, where)


def random_condition(rng: random.Random, table: Table, depth: int) -> Expression:
    if depth:
        kind = rng.choice(["not", "and", "or"])
        return Call(kind, tuple(random_condition(rng, table, depth - 1) for _ in range(1 if kind == "not" else 2)))
    column = rng.choice([column for column in table.columns if column.name != PERSON])
    literals: list[Any] = [cell for _ in range(3) if (cell := random_cell(rng, column)) is not None]
    literals = [item for item in literals if not isinstance(item, int) or abs(item) < 2**62]
    if not literals or rng.random() < 0.2:
        return is_null(column.name)
    if rng.random() < 0.3:
        return one_of(column.name, literals)
    return compared(column.name, rng.choice(["=", "<>", "<", "<=", ">", ">="]), literals[0])


def random_population(rng: random.Random, persons: int) -> bytes:
    bits = rng.choice([0, (1 << persons) - 1, rng.getrandbits(persons), rng.getrandbits(persons)])
    return bits.to_bytes((persons + 7) // 8, "little")


# --- the differential test -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(15))
def test_the_engine_equals_the_reference(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    table = random_table(rng, tmp_path)
    for turn in range(8):
        plan, population = random_plan(rng, table), random_population(rng, table.persons)
        found = plan.run(population)
        expected = reference(plan, table.rows, population)
        assert found == expected, (seed, turn, plan)


@pytest.fixture(scope="module")
def logic(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Every combination of a few cells and nulls, each under a person of its own."""
    columns = [
        Column(PERSON, "text", "personal", 2),
        Column("t", "text", "personal", 2),
        Column("b", "boolean", "personal", 2),
        Column("n", "integer", "personal", 2),
        Column("d", "decimal", "personal", 2, decimals=2),
    ]
    cells = product((None, "a", "B", "é"), (None, False, True), (None, -1, 0), (None, -50, 5))
    rows: list[Record] = [{PERSON: f"p{n:03}", "t": t, "b": b, "n": i, "d": d} for n, (t, b, i, d) in enumerate(cells)]
    return take_in(tmp_path_factory.mktemp("logic"), columns, rows)


def leaves() -> st.SearchStrategy[Expression]:
    operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    literals: dict[str, st.SearchStrategy[Any]] = {
        "t": st.sampled_from(["a", "B", "b", "é", "e", "", "'", "\0"]), "b": st.booleans(), "n": st.integers(-2, 1),
        "d": st.sampled_from([-50, 0, 5, 2**61]),
    }  # fmt: skip
    found: list[st.SearchStrategy[Expression]] = []
    for name, literal in literals.items():
        found.append(st.builds(compared, st.just(name), operators, literal))
        found.append(st.builds(one_of, st.just(name), st.lists(literal, min_size=1, max_size=3)))
        found.append(st.builds(is_null, st.just(name)))
    return st.one_of(found)


def conditions() -> st.SearchStrategy[Expression]:
    return st.recursive(
        leaves(),
        lambda inner: st.one_of(
            st.builds(negated, inner), st.builds(Call, st.sampled_from(["and", "or"]), st.tuples(inner, inner))
        ),
        max_leaves=8,
    )


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=conditions())
def test_conditions_have_the_logic_of_sql(logic: Table, condition: Expression) -> None:
    """Who passes the filter, person by person, for any condition over nulls and values."""
    plan = make_plan(logic, [], [counting()], 1, 1, condition)
    found = plan.run()
    passed = [holds(condition, row) is True for row in logic.rows]
    assert list(struct.unpack(f"<{logic.persons}I", found.contributions[0])) == passed
    assert found.vectors == [[sum(passed)]]


def test_nobody_in_the_population(logic: Table) -> None:
    plan = make_plan(logic, [], [counting(), counting(kind="persons")], 1, 1)
    found = plan.run(bytes(len(logic.everybody)))
    assert found == Measured([()], [[0], [0]], [bytes(4 * logic.persons)])


def test_bits_beyond_the_last_person_mean_nobody(logic: Table) -> None:
    plan = make_plan(logic, [], [counting()], 1, 1)
    assert logic.persons % 8 == 4
    ragged = logic.everybody[:-1] + b"\xff"
    assert plan.run(ragged) == plan.run()
    lonely = b"\1" + bytes(len(logic.everybody) - 2) + b"\xf0"
    found = plan.run(lonely)
    assert found.vectors == [[1]]
    assert found.contributions == [struct.pack("<I", 1) + bytes(4 * (logic.persons - 1))]


def test_a_null_adds_nothing_to_a_sum(tmp_path: Path) -> None:
    """DuckDB's greatest() passes over nulls: without care each would count as the lower bound."""
    columns = [Column(PERSON, "text", "personal", 2), Column("n", "integer", "personal", 2, low=0, high=10)]
    rows: list[Record] = [{PERSON: "a", "n": 7}, {PERSON: "a", "n": None}, {PERSON: "b", "n": None}]
    table = take_in(tmp_path, columns, rows)
    found = make_plan(table, [], [summing(columns[1]), counting(columns[1])], 1, 5).run(b"\3")
    assert found.vectors == [[2], [1]]  # 7 is 2 above the middle


def test_a_column_may_have_any_name(tmp_path: Path) -> None:
    """Also one that the engine's own queries use: each in turn as key, measure and filter."""
    columns = [Column(PERSON, "text", "personal", 2)]
    columns += [Column(name, "integer", "personal", 2, low=0, high=9) for name in NAMES]
    rows: list[Record] = [
        {PERSON: str(n), **{name: (n + place) % 3 for place, name in enumerate(NAMES)}} for n in range(9)
    ]
    table = take_in(tmp_path, columns, rows)
    by_name = {column.name: column for column in columns}
    for place, name in enumerate(NAMES):
        other, third = by_name[NAMES[place - 1]], by_name[NAMES[place - 2]]
        keys = [replace(by_name[name], values=(0, 1, 2)), replace(third, values=(0, 1))]
        where = negated(compared(other.name, "=", 1))
        plan = make_plan(table, keys, [counting(), summing(other), summing(by_name[name])], 6, 1, where)
        assert plan.run() == reference(plan, rows, table.everybody), name
        assert replace(plan, groups=1).run().vectors


def test_two_engines_come_to_the_same(tmp_path: Path) -> None:
    """Threads, and a second take-in of the same bytes, change nothing."""
    rng = random.Random(7)
    columns = [
        Column(PERSON, "integer", "personal", 2),
        Column("k", "integer", "personal", 2, values=tuple(range(40))),
        Column("n", "integer", "personal", 2, low=-100, high=100),
    ]
    rows: list[Record] = [
        {PERSON: rng.randint(100, 999), "k": rng.randint(0, 45), "n": rng.randint(-200, 200)} for _ in range(20_000)
    ]
    (tmp_path / "b").mkdir()
    one, other = take_in(tmp_path, columns, rows), take_in(tmp_path / "b", columns, rows)
    assert one.version == other.version and len(one.version) == 16
    plan = make_plan(one, columns[1:2], [counting(), summing(columns[2])], 5, 2)
    expected = plan.run()
    assert expected == reference(plan, rows, one.everybody)
    assert plan.run(engine=DuckDbEngine(tmp_path / "b" / "data", threads=4)) == expected


def test_a_plan_for_data_that_are_not_there(tmp_path: Path) -> None:
    engine = DuckDbEngine(tmp_path)
    plan = QueryPlan((Source("asset", "0" * 16, True),), Stored("asset", ()), (), 1, 1, (counting(),), ())
    with pytest.raises(EngineFault) as fault:
        engine.run(plan, [Among(b"\1", 1)])
    assert (fault.value.code, fault.value.message) == ("engine.data", "the data of `asset` could not be opened")


# --- one person ------------------------------------------------------------------------------------------------------


def neighbours(rng: random.Random, folder: Path) -> Iterator[tuple[Table, Table, str]]:
    """A table; the same table without all rows of one person, as a file of its own; and who she is."""
    people = [f"{rng.choice(WORDS)} {n}" for n in range(12)]
    columns = [
        Column(PERSON, "text", "personal", 2),
        Column("k", "integer", "personal", 2, values=tuple(range(7))),
        Column("t", "text", "personal", 2, values=("a", "b", "d|e")),
        Column("n", "integer", "personal", 2, low=rng.randint(-9, 0), high=rng.randint(1, 90)),
        Column("m", "decimal", "personal", 2, decimals=2, low=-100, high=5000),
    ]
    rows: list[Record] = [
        {
            PERSON: rng.choice(people), "k": rng.choice([None, *range(8)]), "t": rng.choice([None, "a", "b", "d|e", "x"]),
            "n": rng.choice([None, -(2**63), 2**63 - 1, rng.randint(-20, 100)]), "m": rng.choice([None, *range(-999, 9999, 77)]),
        }
        for _ in range(200)
    ]  # fmt: skip
    for who in rng.sample(sorted({str(row[PERSON]) for row in rows}), 3):
        (folder / who).mkdir(parents=True)
        (folder / who / "less").mkdir()
        with_her = take_in(folder / who, columns, rows)
        yield with_her, take_in(folder / who / "less", columns, [row for row in rows if row[PERSON] != who]), who


def shifts(one: Measured, other: Measured) -> list[int]:
    """The square of each vector's change."""
    pairs = zip(one.vectors, other.vectors, strict=True)
    return [sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) for x, y in pairs]


def declared(plan: Plan) -> list[int]:
    """The square of each vector's sensitivity, as the charge has it."""
    return [plan.groups * (plan.rows * vector.reach) ** 2 for vector in plan.vectors]


@pytest.mark.parametrize("seed", range(3))
def test_one_person_changes_no_more_than_declared(seed: int, tmp_path: Path) -> None:
    """Tables with and without her, taken in apart; the difference is her own bounded part, to the last unit."""
    rng = random.Random(seed)
    for more, less, who in neighbours(rng, tmp_path):
        for _ in range(4):
            plan = random_plan(rng, more)
            found = plan.run()
            without = replace(plan, table=less).run()
            assert all(s <= d for s, d in zip(shifts(found, without), declared(plan), strict=True)), (seed, who, plan)
            hers = reference(plan, [row for row in more.rows if row[PERSON] == who], b"\1")
            rest = [
                [a - b for a, b in zip(x, y, strict=True)] for x, y in zip(found.vectors, hers.vectors, strict=True)
            ]
            assert rest == without.vectors, (seed, who, plan)


def test_one_person_who_refuses_changes_no_more_than_declared(tmp_path: Path) -> None:
    rng = random.Random(99)
    more, _, who = next(iter(neighbours(rng, tmp_path)))
    number = sorted({str(row[PERSON]) for row in more.rows}).index(who)
    refused = int.from_bytes(more.everybody, "little") & ~(1 << number)
    for _ in range(30):
        plan = random_plan(rng, more)
        found = plan.run()
        without = plan.run(refused.to_bytes(len(more.everybody), "little"))
        assert all(s <= d for s, d in zip(shifts(found, without), declared(plan), strict=True)), plan
        counts = struct.unpack(f"<{more.persons}I", found.contributions[0])
        fewer = struct.unpack(f"<{more.persons}I", without.contributions[0])
        assert fewer[number] == 0
        assert [c for i, c in enumerate(counts) if i != number] == [c for i, c in enumerate(fewer) if i != number]


WORST: dict[str, tuple[bool, list[tuple[int, int | None]]]] = {
    "too many groups, too many rows, far too much": (True, [(k, 2**63 - 1) for k in range(50) for _ in range(40)]),
    "far too little": (True, [(k, -(2**63)) for k in range(50) for _ in range(40)]),
    "just the bounds": (True, [(k, 10) for k in range(4) for _ in range(3)]),
    "all in one group": (False, [(0, 10)] * 500),
    "one row": (False, [(3, -10)]),
    "nulls": (False, [(k, None) for k in range(50) for _ in range(4)]),
    "one up, one down": (False, [(k, value) for k in range(50) for value in (10, -10)]),
    "groups that are on no list": (False, [(k, 10) for k in range(100, 150)]),
}


@pytest.mark.parametrize(("reaches", "rows_of_hers"), WORST.values(), ids=WORST.keys())
@pytest.mark.parametrize("where", ["first", "last"])
def test_the_worst_that_one_person_can_do(
    reaches: bool, rows_of_hers: list[tuple[int, int | None]], where: str, tmp_path: Path
) -> None:
    """Every other person is at the group limit too, so anything that reshuffled their groups would show."""
    columns = [
        Column(PERSON, "text", "personal", 2),
        Column("k", "integer", "personal", 2, values=tuple(range(50))),
        Column("n", "integer", "personal", 2, low=-10, high=10),
    ]
    she = "Aa" if where == "first" else "Zz"  # before everybody her coming moves all numbers, after them none
    others: list[Record] = [
        {PERSON: f"P{p:02}", "k": k, "n": (p * k) % 21 - 10} for p in range(30) for k in range(0, 50, 2)
    ]
    hers: list[Record] = [{PERSON: she, "k": k, "n": n} for k, n in rows_of_hers]
    (tmp_path / "less").mkdir()
    more, less = take_in(tmp_path, columns, others + hers), take_in(tmp_path / "less", columns, others)
    vectors = [counting(), counting(columns[2]), counting(kind="persons"), summing(columns[2])]
    plan = make_plan(more, columns[1:2], vectors, groups=4, rows=3)
    found = plan.run()
    without = replace(plan, table=less).run()
    moved = shifts(found, without)
    assert all(s <= d for s, d in zip(moved, declared(plan), strict=True)), (moved, declared(plan))
    if reaches:
        assert moved[0] == declared(plan)[0] and moved[3] == declared(plan)[3], "the bound is reached, not just kept"


def test_which_groups_count_is_the_same_in_every_version_of_a_table(tmp_path: Path) -> None:
    """A row more of somebody else makes another file, another version and other numbers, but no other choice."""
    columns = [Column(PERSON, "text", "personal", 2), Column("k", "integer", "personal", 2, values=tuple(range(50)))]
    hers: list[Record] = [{PERSON: "m", "k": k} for k in range(50)]
    chosen = set()
    for n in range(6):
        folder = tmp_path / str(n)
        folder.mkdir()
        crowd: list[Record] = [{PERSON: f"a{i}", "k": 99} for i in range(n)]
        table = take_in(folder, columns, crowd + hers)
        plan = make_plan(table, columns[1:], [counting()], 3, 1)
        chosen.add(tuple(plan.run().vectors[0]))
    assert len(chosen) == 1
    assert sum(chosen.pop()) == 3


def test_which_groups_count_differs_between_persons(tmp_path: Path) -> None:
    """A choice that were the same for all would leave some groups empty for ever."""
    columns = [Column(PERSON, "text", "personal", 2), Column("k", "integer", "personal", 2, values=tuple(range(10)))]
    table = take_in(tmp_path, columns, [{PERSON: f"p{p}", "k": k} for p in range(500) for k in range(10)])
    [counts] = make_plan(table, columns[1:], [counting()], 1, 1).run().vectors
    assert sum(counts) == 500
    assert all(abs(count - 50) < 6 * math.sqrt(45) for count in counts), counts


# --- the table of a pool ---------------------------------------------------------------------------------------------


def asset_of(name: str, version: str, columns: tuple[Column, ...]) -> Asset:
    """A registered table, as far as the engine reads it."""
    return Asset(
        name, "coop", "source", "", "", "", (), version, "owner", columns, 9, (), Quality(0, 0, ()), Instant("")
    )  # fmt: skip


def in_pool(folder: Path) -> list[tuple[Any, ...]]:
    """What lies in the pool, in some order that stays."""
    (file,) = (folder / "data").glob("pool-*.duckdb")
    with duckdb.connect(file, read_only=True) as connection:
        return sorted(connection.execute("SELECT * EXCLUDE (_draw) FROM asset").fetchall(), key=repr)


def test_a_pool_takes_in_the_rows_of_cells_and_lets_go_of_them(tmp_path: Path) -> None:
    engine = DuckDbEngine(tmp_path / "data", "256MB")
    wanted = (Column("owner", "text", "personal", 3), Column('say "hi"', "decimal", "personal", 3, decimals=2),
              Column("select", "text", "personal", 3))  # fmt: skip
    has = (wanted[0], wanted[2], Column('SAY "HI"', "integer", "personal", 3), Column("note", "text", "personal", 3))
    described = Card("pool", "Pool", "d", "l", "owner", wanted, 9)
    stored, pool = [engine.found(described, "v")], asset_of("pool", "v", wanted)
    (file,) = (tmp_path / "data").iterdir()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == stored[0] and in_pool(tmp_path) == []

    def bring(number: int, name: str, rows: str) -> None:
        table = tmp_path / f"{name}.csv"
        table.write_text(f'owner,select,"SAY ""HI""",note\n{rows}', encoding="utf-8")
        taken = engine.ingest(Card(name, "C", "d", "l", "owner", has, 9), table)
        stored.append(engine.bring(pool, asset_of(name, taken.version, has), (has[2], has[1]), number))

    bring(0, "one", "x,a,1,secret\nx,b,99999999999999999,secret\n")
    engine.replace("pool", "v", stored[0])
    engine.replace("pool", "v", stored[-1])
    assert in_pool(tmp_path) == [], "what another fact than the last one names is thrown away"
    bring(0, "two", "x,a,1,secret\nx,b,99999999999999999,secret\nx,,,\n")
    engine.replace("pool", "v", stored[-1])
    engine.replace("pool", "v", stored[-1])
    assert in_pool(tmp_path) == [(0, 100, "a"), (0, None, "b"), (0, None, None)], "grains; what is too large is empty"
    bring(1, "three", "y,c,-2,\n")
    engine.replace("pool", "v", stored[-1])
    bring(0, "four", "x,d,3,\n")
    engine.replace("pool", "v", stored[-1])
    assert in_pool(tmp_path) == [(0, 300, "d"), (1, -200, "c")], "nobody has the rows of two cells"
    assert b"secret" not in next((tmp_path / "data").glob("pool-*")).read_bytes()
    engine.replace("pool", "v", engine.remove("pool", "v", [0, 1, 7]))
    assert in_pool(tmp_path) == []
    assert {path.suffix for path in (tmp_path / "data").iterdir()} == {".duckdb"}
