"""Small tables about the same persons, random questions about them as SQL text, and the engine without its child process.

Two tables are about persons, who overlap; one is public and looked up. Cells may be missing and lie outside their bounds.
Questions come from a grammar that knows the types, so that nearly all of them are answered: what the node would refuse
teaches nothing here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from privacy.reference import Cell, Person
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.value import Term
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.relations import resolve
from usufruct.core.privacy.rules import QueryPlan, Wishes, plan
from usufruct.core.privacy.state import Budget
from usufruct.core.registry.facts import Column, Quality
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import parameters
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.engine.room import Permitted
from usufruct.ports import NOBODY, Among, Measured
from usufruct.wire import sql

AS_THE_NODE_LIKES = Wishes()
NOW = Instant("2026-11-01T00:00:00.000Z")
RULEBOOK = parameters.shipped()


def _asset(name: str, person: str, rows: int, once: tuple[str, ...], *columns: Column) -> Asset:
    return Asset(
        name, "op", "", name, name, "l", (), "v", person, columns, rows, once, Quality(0, 0, ()), NOW
    )  # fmt: skip


def _column(name: str, kind: str, **more: Any) -> Column:
    return Column(name, kind, "personal", 2, "", "", **more)


ASSETS = {
    asset.id: asset
    for asset in (
        _asset(
            "pay", "who", 3, ("year",),
            _column("who", "text"),
            _column("year", "integer", values=(2021, 2022, 2023)),
            _column("region", "text", values=("n", "s", "e")),
            _column("member", "boolean", values=(False, True)),
            _column("wage", "decimal", decimals=2, low=0, high=4000),
            _column("hours", "integer", low=-100, high=3000),
            _column("level", "integer", low=-5, high=5),
            _column("code", "integer"),
            _column("word", "text"),
        ),
        _asset(
            "care", "person", 2, (),
            _column("person", "text"),
            _column("year", "integer", values=(2021, 2022, 2023)),
            _column("visits", "integer", low=0, high=10),
            _column("cost", "decimal", decimals=1, low=-1000, high=9000),
            _column("ward", "text"),
        ),
        _asset(
            "places", "", 1, (),
            _column("region", "text", values=("n", "s", "e")),
            _column("area", "text"),
            _column("size", "integer", low=0, high=9),
        ),
    )
}  # fmt: skip

Table = tuple[tuple[int, dict[str, Cell]], ...]
"""Rows: the person's number, and the cells of the other columns."""

INTEGERS: dict[str, Sequence[Cell]] = {
    "year": (2021, 2022, 2023, 1999, None),
    "region": ("n", "s", "e", "x", None),
    "member": (True, False, None),
    "wage": (0, 1, 1999, 2000, 4000, 4001, -3, 2**62, None),
    "hours": (-100, -101, 0, 7, 1450, 3000, 2**63 - 1, -(2**63), None),
    "level": (-5, -1, 0, 1, 5, 6, None),
    "code": (0, 1, -7, 2**40, -(2**63), None),
    "word": ("a", "abc", "b|1", "ü", "e\u0301t", "😀x", "", "1", None),
    "visits": (0, 1, 3, 10, 11, None),
    "cost": (-1000, -1, 0, 55, 9000, 9001, None),
    "ward": ("w1", "w2", None),
    "area": ("hill", "coast", None),
    "size": (0, 3, 9, 12, None),
}

DRAWS = (7, 7, 40_000, 65_535, 0, 3)  # two persons have the same


def rows_of(asset: Asset, persons: int) -> st.SearchStrategy[Table]:
    """Random rows of a table."""
    cells = st.fixed_dictionaries({
        c.name: st.sampled_from(INTEGERS[c.name]) for c in asset.columns if c.name != asset.person_column
    })  # fmt: skip
    return st.lists(st.tuples(st.integers(0, persons - 1), cells), max_size=10).map(tuple)


def places() -> st.SearchStrategy[Table]:
    """Rows to look up; several of one region differ in their size alone, so that it is the least that counts."""
    rows = [(0, {"region": r, "area": a, "size": s}) for r, a in zip("nse", ("hill", "coast", None), strict=True)
            for s in (None, 0, 3, 12)]  # fmt: skip
    rows.append((0, {"region": None, "area": "sea", "size": 1}))
    return st.lists(st.sampled_from(rows), max_size=4).map(tuple)


PERSONS = 5


def tables() -> st.SearchStrategy[dict[str, Table]]:
    """The three tables."""
    return st.fixed_dictionaries({
        "pay": rows_of(ASSETS["pay"], PERSONS), "care": rows_of(ASSETS["care"], PERSONS), "places": places(),
    })  # fmt: skip


def data_of(held: Mapping[str, Table]) -> dict[str, tuple[Asset, list[tuple[Person | None, Mapping[str, Cell]]]]]:
    """The tables as the reference takes them."""
    return {
        name: (ASSETS[name], [
            (Person(number, DRAWS[number]) if ASSETS[name].person_column else None, cells) for number, cells in rows
        ])
        for name, rows in held.items()
    }  # fmt: skip


def without(held: Mapping[str, Table], number: int) -> dict[str, Table]:
    """The tables without one person's rows."""
    return {
        name: tuple(row for row in rows if row[0] != number or not ASSETS[name].person_column)
        for name, rows in held.items()
    }


# --- from text to numbers --------------------------------------------------------------------------------------------


class Budgets:
    """A reader in which everything has a budget, and nobody has spent any."""

    def get(self, kind: type[Any], *key: str | int) -> Any:
        return Budget(str(key[0]), str(key[1]), 10**9, delta=10**9) if kind is Budget else None

    def list(self, kind: type[Any], /, **where: str | int) -> Any:
        return iter(())


def planned(text: str, wishes: Wishes = AS_THE_NODE_LIKES, group_min: int = 0) -> tuple[Question, QueryPlan] | Refusal:
    """What a text asks, and the plan for it."""
    question = sql.parse(text)
    if isinstance(question, Refusal):
        return question
    view = resolve(question, ASSETS)
    if isinstance(view, Refusal):
        return view
    found = plan(question, view, ASSETS, RULEBOOK, NOW, group_min, wishes)
    return found if isinstance(found, Refusal) else (question, found)


@dataclass
class Inside:
    """`engine.room.Room` without a child: the statements run here, over tables that hold what is permitted and no more."""

    held: Mapping[str, Table] = field(default_factory=dict)
    shift: int = 0  # by how much persons' numbers are lower in the tables
    connection: Any = field(default_factory=lambda: duckdb.connect(config={"threads": 1}))
    statements: list[str] = field(default_factory=list)

    def run(self, tables: Sequence[Permitted], statements: Sequence[tuple[str, Sequence[Any]]]) -> list[pa.Table]:
        self.statements = [text for text, _ in statements]
        for table in tables:
            self._take(table)
        try:
            return [
                self.connection.sql(text, params=list(values)).to_arrow_table()
                for text, values in map(_asked, statements)
            ]
        finally:
            self.connection.execute("DROP TABLE IF EXISTS bounded")

    def _take(self, table: Permitted) -> None:
        name = table.file.stem.rpartition("-")[0]
        columns: dict[str, list[Cell]] = {column: [] for column in table.columns}
        for number, cells in self.held[name]:
            if table.population is not None and not table.population[number // 8] >> number % 8 & 1:
                continue
            now = number - self.shift
            if table.numbers is not None:
                now = int.from_bytes(table.numbers[4 * number : 4 * number + 4], "little")
                if now == NOBODY:
                    continue
            for column, kept in columns.items():
                kept.append(
                    {"_person": now, "_draw": DRAWS[number]}.get(column) if column[0] == "_" else cells.get(column)
                )
        types = {c.name: STORED[c.type] for c in ASSETS[name].columns}
        types |= {"_person": pa.int32(), "_draw": pa.uint16()}
        if table.narrow:
            types |= {c: pa.int32() for c in columns if types[c] == pa.int64() and all(map(_small, columns[c]))}
        given = pa.table(
            {c: pa.array(v, types[c]) for c, v in columns.items()} or {"nothing": pa.nulls(len(self.held[name]))}
        )
        self.connection.register("given", given)
        self.connection.execute(f"CREATE OR REPLACE TABLE {table.table} AS SELECT * FROM given")
        self.connection.unregister("given")


def _small(cell: Cell) -> bool:
    return cell is None or -(1 << 31) <= int(cell) < 1 << 31


STORED = {"integer": pa.int64(), "decimal": pa.int64(), "text": pa.string(), "boolean": pa.bool_()}


def _asked(statement: tuple[str, Sequence[Any]]) -> tuple[str, Sequence[Any]]:
    return statement


@dataclass
class Workbench:
    """The engine with its statements run here."""

    room: Inside = field(default_factory=Inside)
    engine: DuckDbEngine = field(default_factory=lambda: DuckDbEngine(Path(tempfile.mkdtemp())))

    def run(self, query: QueryPlan, held: Mapping[str, Table], terms: Sequence[Term] = ()) -> Measured:
        """The plan's exact numbers over the tables."""
        self.room.held = held
        self.engine._room = self.room  # type: ignore[assignment]
        everybody = ((1 << PERSONS) - 1).to_bytes(1, "little")
        among = [Among(everybody, PERSONS) if source.personal else None for source in query.sources]
        return self.engine.run(query, among, terms)


# --- questions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A column that a question may name: as written, its type, and whether it has bounds."""

    name: str
    type: str
    bounded: bool = True
    decimals: int = 0


@dataclass
class Author:
    """Writes one random question. `draw` is Hypothesis's."""

    draw: DrawFn
    common: list[str] = field(default_factory=list)
    made: int = 0

    def pick(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def often(self) -> bool:
        return bool(self.draw(st.booleans()))

    def seldom(self) -> bool:
        return bool(self.draw(st.integers(0, 3)) == 3)

    # expressions

    def number(self, scope: Sequence[Shown], depth: int = 2, bounded: bool = True) -> str:
        """A number; one that may be reckoned with, if it is to be `bounded`."""
        columns = [c for c in scope if c.type == "number" and (c.bounded or not bounded)]
        forms: list[Callable[[], str]] = [
            lambda: str(self.pick([0, 1, 2, 7, 100, 2021, 50000, "0.5", "10.25", "(-3)"]))
        ]
        if columns:
            forms = [lambda: self.pick(columns).name] * 3 + forms
        if depth:
            inner = lambda: self.number(scope, depth - 1)  # noqa: E731
            whole = lambda: self.pick([1, 2, 3, 10])  # noqa: E731
            forms += [
                lambda: f"({inner()} {self.pick('+-*')} {inner()})",
                lambda: f"LEAST(GREATEST({self.number(scope, 0, bounded=False)}, 0), {self.pick([5, 100, 50000])})",
                lambda: f"CASE WHEN {self.condition(scope, depth - 1)} THEN {inner()} ELSE {inner()} END",
                lambda: f"CASE WHEN {self.condition(scope, depth - 1)} THEN {inner()} END",
                lambda: f"COALESCE({inner()}, {inner()})",
                lambda: f"NULLIF({inner()}, {self.pick([0, 1, 5])})",
                lambda: f"ABS({inner()})",
                lambda: f"(-{inner()})",
                lambda: f"FLOOR({inner()} / {whole()})",
                lambda: f"({inner()} // {whole()})",
                lambda: f"({inner()} % {whole()})",
                lambda: f"{self.pick(['LEAST', 'GREATEST'])}({inner()}, {inner()})",
            ]
        return str(self.pick(forms)())

    def text(self, scope: Sequence[Shown]) -> str:
        columns = [c.name for c in scope if c.type == "text"]
        if not columns:
            return str(self.pick(["'n'", "'ab'"]))
        column = self.pick(columns)
        return str(self.pick([
            column, column, f"SUBSTR({column}, 1, 1)", f"SUBSTR({column}, 2, 3)", f"COALESCE({column}, 'n')", f"LEFT({column}, 2)",
            f"CASE WHEN {column} = 'n' THEN 'north' ELSE {column} END",
        ]))  # fmt: skip

    def condition(self, scope: Sequence[Shown], depth: int = 2) -> str:
        flags = [c.name for c in scope if c.type == "boolean"]
        compare = lambda: self.pick(["=", "<>", "<", "<=", ">", ">="])  # noqa: E731
        forms: list[Callable[[], str]] = [
            lambda: (
                f"{self.number(scope, min(depth, 1), bounded=False)} {compare()} {self.pick([0, 1, 3, 1450, 2022])}"
            ),
            lambda: f"{self.number(scope, min(depth, 1))} {compare()} {self.number(scope, 0)}",
            lambda: f"{self.text(scope)} {compare()} {self.pick(['chr', 'n', 'a', 'w1'])!r}",
            lambda: f"{self.text(scope)} IN ('n', 'a', 'hill')",
            lambda: f"{self.number(scope, 0, bounded=False)} IN (0, 3, 2022)",
            lambda: f"{self.number(scope, 0, bounded=False)} BETWEEN 1 AND 2022",
            lambda: f"{self.pick([c.name for c in scope] or ['1'])} IS {self.pick(['', 'NOT '])}NULL",
        ]
        if flags:
            forms += [lambda: str(self.pick(flags)), lambda: f"{self.pick(flags)} IS {self.pick(['', 'NOT '])}TRUE"]
        if depth:
            forms += [
                lambda: (
                    f"({self.condition(scope, depth - 1)} {self.pick(['AND', 'OR'])} {self.condition(scope, depth - 1)})"
                ),
                lambda: f"NOT ({self.condition(scope, depth - 1)})",
            ]
        return str(self.pick(forms)())

    # relations

    def source(self, depth: int = 2) -> tuple[str, list[Shown], str]:
        """What stands after FROM, its columns, and what the person is called."""
        forms: list[Callable[[], tuple[str, list[Shown], str]]] = [
            lambda: self.plain("pay"),
            lambda: self.plain("care"),
        ]
        if depth:
            forms += [lambda: self.nested(depth)] * 3 + [lambda: self.joined(depth)] * 2 + [self.looked_up]
        return self.pick(forms)()  # type: ignore[no-any-return]

    def name(self) -> str:
        self.made += 1
        return f"x{self.made}"

    def plain(self, asset: str) -> tuple[str, list[Shown], str]:
        found, alias = ASSETS[asset], self.name()
        columns = [
            Shown(f"{alias}.{c.name}", "number" if c.type in ("integer", "decimal") else c.type,
                  c.low is not None, c.decimals)
            for c in found.columns if c.name != found.person_column
        ]  # fmt: skip
        return f"{asset} AS {alias}", columns, f"{alias}.{found.person_column}"

    def looked_up(self) -> tuple[str, list[Shown], str]:
        left, columns, person = self.plain("pay")
        right, more, _ = self.plain("places")
        if self.seldom():
            alias = self.name()
            right, more = f"(SELECT region, size + 1 AS big FROM places WHERE size > 0) AS {alias}", [
                Shown(f"{alias}.region", "text"), Shown(f"{alias}.big", "number")
            ]  # fmt: skip
        on = f"{columns[1].name} = {more[0].name}"
        if self.seldom():
            return f"{right} JOIN {left} ON {on}", columns + more, person
        return f"{left} {self.pick(['JOIN', 'LEFT JOIN'])} {right} ON {on}", columns + more, person

    def joined(self, depth: int) -> tuple[str, list[Shown], str]:
        left, columns, person = self.source(depth - 1)
        right, more, other = self.plain(self.pick(["pay", "care"]))
        kind = self.pick(["JOIN", "LEFT JOIN"])
        on = f"{person} = {other}"
        years = [c.name for c in columns if c.name.endswith(".year")]
        if years and self.often():
            on += f" AND {years[0]} = {more[0].name}"
        return f"{left} {kind} {right} ON {on}", columns + more, person

    def nested(self, depth: int) -> tuple[str, list[Shown], str]:
        """A SELECT below the answer: columns, totals of a person, or windows; after FROM, or named by WITH."""
        source, scope, person = self.source(depth - 1)
        alias = self.name()
        where = f" WHERE {self.condition(scope, 1)}" if self.seldom() else ""
        items, columns = [f"{person} AS p"], list[Shown]()

        def column(made: str, kind: str, bounded: bool = True) -> None:
            columns.append(Shown(f"{alias}.c{len(columns)}", kind, bounded))
            items.append(f"{made} AS c{len(columns) - 1}")

        tail = ""
        match self.pick(["columns", "totals", "windows"]):
            case "columns":
                for shown in [self.pick(scope) for _ in range(3)]:
                    column(shown.name, shown.type, shown.bounded)
                column(self.number(scope, 1), "number")
            case "totals":
                keys = [person]
                if self.often() and (
                    texts := [c for c in scope if c.type != "number"] + [c for c in scope if "year" in c.name]
                ):
                    key = self.pick(texts)
                    keys.append(key.name)
                    column(key.name, key.type, key.bounded)
                column("COUNT(*)", "number")
                column(f"{self.pick(['SUM', 'MIN', 'MAX', 'COUNT', 'SUM'])}({self.number(scope, 1)})", "number")
                if self.seldom():
                    column(f"SUM({self.number(scope, 1)}) FILTER (WHERE {self.condition(scope, 1)})", "number")
                tail = f" GROUP BY {', '.join(keys)}"
                if self.seldom():
                    tail += " HAVING COUNT(*) >= 2"
            case _:
                if not scope:
                    scope = [Shown("1", "number")]
                shown = self.pick(scope)
                column(shown.name, shown.type, shown.bounded)
                order = f"ORDER BY {self.pick(scope).name}{self.pick(['', ' DESC'])}"
                over = f"OVER (PARTITION BY {person}{self.pick(['', f', {self.pick(scope).name}'])} {{}})"
                windows = [
                    (f"ROW_NUMBER() {over.format(order)}", "number"),
                    (f"LAG({self.number(scope, 0)}) {over.format(order)}", "number"),
                    (f"LEAD({self.number(scope, 0)}, 2) {over.format(order)}", "number"),
                    *((f"{f}({self.number(scope, 1)}) {over.format(self.pick(['', order]))}", "number")
                      for f in ("SUM", "MIN", "MAX", "COUNT")),
                ]  # fmt: skip
                column(*self.pick(windows))
                column(self.number(scope, 1), "number")
                if self.seldom():
                    tail = f" QUALIFY ROW_NUMBER() {over.format(order)} <= 2"
        text = f"SELECT {', '.join(items)} FROM {source}{where}{tail}"
        if self.seldom() and not self.common:
            self.common.append(f"common AS ({text})")
            return f"common AS {alias}", columns, f"{alias}.p"
        return f"({text}) AS {alias}", columns, f"{alias}.p"

    # the answer

    def question(self) -> str:
        source, scope, person = self.source()
        items, keys = [], []
        for place in range(self.pick([0, 0, 1, 1, 2])):
            keys.append(f"k{place}")
            made = self.pick([
                lambda: self.pick(scope).name if scope else "1", lambda: self.text(scope), lambda: self.number(scope, 1),
                lambda: self.condition(scope, 1),
            ])()  # fmt: skip
            items.append(f"{made} AS k{place}")
        measures = []
        number = lambda: self.number(scope, 1)  # noqa: E731
        for place in range(self.pick([1, 1, 2, 3])):
            made = self.pick([
                lambda: "COUNT(*)", lambda: f"COUNT(DISTINCT {person})", lambda: f"COUNT({person})",
                lambda: f"COUNT({self.text(scope)})", lambda: f"SUM({number()})", lambda: f"SUM({number()})",
                lambda: f"AVG({number()})", lambda: f"VARIANCE({number()})", lambda: f"STDDEV({number()})",
                lambda: f"MEDIAN({number()})", lambda: f"QUANTILE_CONT({number()}, 0.25)",
                lambda: f"SUM({number()}) FILTER (WHERE {self.condition(scope, 1)})",
                lambda: f"COUNT_IF({self.condition(scope, 1)})",
            ])()  # fmt: skip
            measures.append(f"{made} AS m{place}")
        where = f" WHERE {self.condition(scope)}" if self.often() else ""
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        tail = f" HAVING {self.pick(['COUNT(*) > 5', 'm0 >= 1'])}" if keys and self.seldom() else ""
        with_ = f"WITH {', '.join(self.common)} " if self.common else ""
        return f"{with_}SELECT {', '.join([*items, *measures])} FROM {source}{where}{group}{tail}"


@st.composite
def questions(draw: DrawFn) -> str:
    """A random question as text."""
    return Author(draw).question()


@st.composite
def wishes(draw: DrawFn) -> Wishes:
    """In how many groups, with how many rows in each, a person counts."""
    return Wishes(None, draw(st.sampled_from([None, 1, 2, 3])), draw(st.sampled_from([None, 1, 2, 5])))
