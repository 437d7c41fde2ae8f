"""What each holder added to a total of 10 million rows, and what each person added to an answer.

Holders' shares are worked out as the node does it: the permitted columns and rows copied into the engine room, the closed
form run there, the result read back. The peer is the plain aggregate, without shares, asked of the same table through the
same room: so the ratio is the price of knowing who added what. For shares the node copies columns in 32 bits where they fit,
for other questions as they are stored; what the plain aggregate would take if it were copied so too is told as well. Beside
them stand the bare statements, in one DuckDB over the table in memory, where nothing is copied: there the plain SUM has only
to run along one column, and any GROUP BY costs several times that; `GROUP BY holder` is the least that a share by holder can
be.

Persons' shares (`value`) are compared with the same question of a node that divides by rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb

from bench.measure import in_turns, scratch, setup
from bench.report import Result, against, barred
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import holders, value
from usufruct.core.income.holders import HolderPlan
from usufruct.core.privacy.question import Ref
from usufruct.core.privacy.relations import resolve
from usufruct.core.privacy.rules import QueryPlan, Wishes
from usufruct.core.privacy.rules import plan as planned
from usufruct.core.registry.facts import Column, Quality
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import parameters
from usufruct.engine import shares
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.engine.room import Permitted
from usufruct.ports import Among
from usufruct.wire import sql

NOW = Instant("2026-11-01T00:00:00.000Z")
SIZES, QUICK = (1_000_000, 10_000_000), (20_000,)
PERSONS, HOLDERS, LARGEST = 100_000, 1_000, 20_000
TURNS = 5
TOTALS = {
    "COUNT(cents)": "count(cents)", "SUM(cents)": "sum(cents)", "AVG(cents)": "avg(cents)", "MAX(cents)": "max(cents)",
    "MIN(cents)": "min(cents)", "COUNT(DISTINCT code)": "count(DISTINCT code)",
}  # fmt: skip
BAR = "at most 2 times the plain aggregate"
QUESTION = "SELECT region, COUNT(*) AS n, SUM(cents) AS total, AVG(cents) AS mean FROM pay GROUP BY region"


@dataclass(frozen=True, slots=True)
class Table:
    """The stored table: its asset, whose rows may be read, and the engine that has it."""

    asset: Asset
    engine: DuckDbEngine
    file: Path
    among: list[Among | None]


def run(quick: bool) -> list[Result]:
    """The figures for each size of table."""
    results = []
    for rows in QUICK if quick else SIZES:
        with scratch() as folder:
            table = _table(folder, rows, 2_000 if quick else PERSONS)
            results += _holders(table, rows, 2 if quick else TURNS, quick)
            results += _bare(table, rows, 2 if quick else TURNS)
            results += _persons(table, rows, 2 if quick else TURNS)
    return results


def _table(folder: Path, rows: int, persons: int) -> Table:
    with setup(f"{rows:,} rows of {persons:,} persons and {HOLDERS:,} holders"):
        columns = (
            Column("person", "integer", "personal", 3),
            Column("holder", "integer", "personal", 2),
            Column("region", "integer", "personal", 2, values=tuple(range(200))),
            Column("cents", "integer", "personal", 3, low=0, high=LARGEST),
            Column("code", "integer", "personal", 2),
        )
        quality = Quality(rows, persons, (0,) * len(columns))
        asset = Asset(
            "pay", "holder", "", "Pay", "", "none", (), "v", "person", columns, 4 * rows // persons, (), quality, NOW
        )
        file = folder / "pay-v.duckdb"
        with duckdb.connect(file) as connection:
            connection.execute(
                f"CREATE TABLE asset AS SELECT (hash(i) % {persons})::INTEGER AS _person, "
                "(hash(i, 1) % 65536)::USMALLINT AS _draw, "
                f"(hash(i, 2) % {HOLDERS})::BIGINT AS holder, (hash(i, 3) % 200)::BIGINT AS region, "
                f"(hash(i, 4) % {LARGEST + 1})::BIGINT AS cents, (hash(i, 5) % 5000)::BIGINT AS code FROM range({rows}) AS r(i)"
            )
        everybody = ((1 << persons) - 1).to_bytes(persons // 8 + 1, "little")
        engine = DuckDbEngine(folder, seconds=600)
        return Table(asset, engine, file, [Among(everybody, persons)])


def _plan(table: Table, total: str) -> HolderPlan:
    question = sql.parse_total(f"SELECT {total} AS t FROM pay")
    assert not isinstance(question, Refusal), question
    assets = {"pay": table.asset}
    view = resolve(question, assets)
    assert not isinstance(view, Refusal), view
    plan = holders.plan(question, view, assets, [Ref("holder")], holders.RECORDS)
    assert not isinstance(plan, Refusal), plan
    return plan


def _took(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _holders(table: Table, rows: int, turns: int, quick: bool) -> list[Result]:
    """Through the room: shares by holder, and the plain aggregate alone."""
    results = []
    for total, plain in TOTALS.items():
        plan = _plan(table, total)
        column = "code" if "code" in total else "cents"

        def ours(plan: HolderPlan = plan) -> float:
            return _took(lambda: holders.shares(plan, table.engine.holders(plan, table.among), "bench", 2))

        def theirs(query: str, *columns: str, narrow: bool = False) -> Callable[[], float]:
            among = table.among[0]
            assert among is not None
            read = Permitted(table.file, "t0", columns, among.population, among.persons, None, narrow)
            return lambda: _took(lambda: table.engine._room.run([read], [(query, [])]))

        taken = in_turns(turns, {
            "ours": ours,
            "plain": theirs(f"SELECT {plain} FROM t0", column),
            "narrow": theirs(f"SELECT {plain} FROM t0", column, narrow=True),
            "grouped": theirs(f"SELECT holder, {plain} FROM t0 GROUP BY holder", "holder", column),
        })  # fmt: skip
        figures = {name: median(each) for name, each in taken.items()}
        case = f"{rows:,} rows, shares of {HOLDERS:,} holders in {total}"
        one = against(case, figures["ours"], "s", "the plain aggregate, in the engine room", figures["plain"])
        if total.startswith("SUM"):
            one = barred(one, BAR, None if quick else figures["ours"] <= 2 * figures["plain"])
        results += [
            one,
            against(case, figures["ours"], "s", "the plain aggregate, if copied in 32 bits", figures["narrow"]),
            against(case, figures["ours"], "s", "the same by holder, in the engine room", figures["grouped"]),
        ]
    return results


def _bare(table: Table, rows: int, turns: int) -> list[Result]:
    """The statements alone, over a table in memory."""
    results = []
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{table.file}' AS held (READ_ONLY)")
        connection.execute("CREATE TABLE t0 AS SELECT * FROM held.asset")
        for total, plain in TOTALS.items():
            text, values = shares.by_holder(_plan(table, total))

            def ask(query: str, bound: list[object] | None = None) -> Callable[[], float]:
                return lambda: _took(lambda: connection.execute(query, bound).fetchall())

            taken = in_turns(turns, {
                "ours": ask(text, list(values)),
                "grouped": ask(f"SELECT holder, {plain} FROM t0 GROUP BY holder"),
                "plain": ask(f"SELECT {plain} FROM t0"),
            })  # fmt: skip
            figures = {name: 1000 * median(each) for name, each in taken.items()}
            case = f"{rows:,} rows, the statement alone: {total}"
            results.append(against(case, figures["ours"], "ms", "DuckDB, GROUP BY holder", figures["grouped"]))
            results.append(against(case, figures["ours"], "ms", "DuckDB, the plain aggregate", figures["plain"]))
    return results


def _persons(table: Table, rows: int, turns: int) -> list[Result]:
    """A question divided by value, and the same divided by rows: the engine's part."""
    question = sql.parse(QUESTION)
    assert not isinstance(question, Refusal)
    assets = {"pay": table.asset}
    view = resolve(question, assets)
    assert not isinstance(view, Refusal)
    plan = planned(question, view, assets, parameters.shipped(), NOW, 0, Wishes(1_000, 20, 20))
    assert isinstance(plan, QueryPlan), plan
    terms = value.terms(plan)
    taken = in_turns(turns, {
        "value": lambda: _took(lambda: table.engine.run(plan, table.among, terms)),
        "rows": lambda: _took(lambda: table.engine.run(plan, table.among)),
    })  # fmt: skip
    figures = {name: median(each) for name, each in taken.items()}
    case = f"{rows:,} rows, 200 groups: a question with each person's value"
    return [against(case, figures["value"], "s", "the same question, with each person's rows", figures["rows"])]
