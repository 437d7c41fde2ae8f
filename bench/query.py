"""A governed answer end to end: decided, planned, bounded person by person, noised, journaled twice, with its receipt.

The peer is the same GROUP BY in plain DuckDB, which does none of this: it opens the same data and returns exact
numbers. So the ratio is the price of governing one question, not a race between two ways to do the same.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeVar

import duckdb

from bench.measure import in_turns, scratch, seconds, setup, tell
from bench.report import Result, against, alone
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.main import create_node, open_node
from usufruct.node import query, register, trade
from usufruct.node.node import Node
from usufruct.wire import sql

T = TypeVar("T")

SIZES = ((1_000_000, 100_000, 7), (10_000_000, 100_000, 5))  # rows, persons, turns
QUICK = ((20_000, 2_000, 2),)
REGIONS = 200
PURPOSE = "AcademicResearch"
QUESTION = "SELECT region, COUNT(*) AS n, SUM(cents) AS total, AVG(cents) AS mean FROM pay GROUP BY region"
PEER = "SELECT region, count(*), sum(cents), avg(cents) FROM {} GROUP BY region"
MICRO_RHO = 1_000  # the least a question may spend; what is spent does not change the time
CARD = Card(
    "pay", "Pay", "made-up pay in cents", "none", "person",
    (
        Column("person", "integer", "personal", 3),
        Column("region", "integer", "personal", 2, values=tuple(range(REGIONS))),
        Column("cents", "integer", "personal", 3, low=0, high=20_000),
    ),
    rows_per_person=20,
)  # fmt: skip


@dataclass
class Steps:
    """The moments at which the node came to its steps."""

    seen: list[tuple[str, float]] = field(default_factory=list)

    def reach(self, step: str) -> None:
        """Told by the node, and by the writer's thread of its store."""
        self.seen.append((step, time.perf_counter()))

    def parts(self, end: float) -> dict[str, float]:
        """How the last question's time splits, which ended at `end`; the writer commits twice, once for each fact."""
        at: dict[str, list[float]] = {}
        for step, moment in self.seen:
            at.setdefault(step, []).append(moment)
        commits = list(zip(at["store before commit"], at["store after commit"], strict=True))
        start, answered = at["query before admitted"][0], at["query after answered"][0]
        run, ran, noised = at["query before run"][0], at["query after run"][0], at["query before answered"][0]
        return {
            "decision, plan and first fact": commits[0][0] - start,
            "engine": ran - run,
            "noise and release": noised - ran,
            "second fact": commits[1][0] - noised,
            "two commits to disk": sum(after - before for before, after in commits),
            "receipt": end - answered,
        }


def run(quick: bool) -> list[Result]:
    """The figures for each size of table."""
    results = []
    for rows, persons, turns in QUICK if quick else SIZES:
        with scratch() as folder:
            results += _size(folder, rows, persons, turns)
    return results


def _size(folder: Path, rows: int, persons: int, turns: int) -> list[Result]:
    table = folder / "pay.parquet"
    with setup(f"{rows:,} rows of {persons:,} persons into Parquet"):
        write_table(table, rows, persons)
    create_node(folder / "node", "Bench", "holder", "Holder", "EUR")
    steps = Steps()
    with open_node(folder / "node", reach=steps.reach) as node:
        ready(node, CARD, table, steps)
        kept = next((folder / "node" / "data").glob("*.duckdb"))
        split: list[dict[str, float]] = []

        def ours() -> float:
            steps.seen.clear()
            taken = seconds(lambda: _ask(node))
            split.append(steps.parts(time.perf_counter()))
            return taken

        table_name, parquet_name = "DuckDB, the node's own table", "DuckDB, the Parquet file"
        taken = in_turns(turns, {
            "ours": ours,
            table_name: lambda: seconds(lambda: _plain(str(kept), "asset")),
            parquet_name: lambda: seconds(lambda: _plain(":memory:", f"'{table}'")),
        })  # fmt: skip
    middle = {name: median(figures) for name, figures in taken.items()}
    case = f"{rows:,} rows, {REGIONS} groups: count, sum and average"
    results = [against(case, middle["ours"], "s", peer, middle[peer]) for peer in (table_name, parquet_name)]
    for part in split[0]:
        figure = median(parts[part] for parts in split[1:])  # the first was the turn to warm up
        results.append(alone(f"{rows:,} rows, of that: {part}", 1000 * figure, "ms"))
    return results


def write_table(table: Path, rows: int, persons: int) -> None:
    """Persons with a log-normal number of rows each (at least one), in no order; the same bytes of data every time."""

    def normal(*salt: object) -> str:
        first, second = (f"(hash({', '.join(map(str, (*salt, n)))}) % 1000000 + 1) / 1000001.0" for n in (1, 2))
        return f"sqrt(-2 * ln({first})) * cos(2 * pi() * {second})"

    duckdb.connect().execute(f"""
        COPY (
            WITH weights AS (SELECT p, exp({normal("p")}) AS w FROM range({persons}) AS t(p)),
            counts AS (SELECT p, greatest(1, round(w * 1.05 * {rows} / (SELECT sum(w) FROM weights)))::INT AS n FROM weights),
            cells AS (SELECT p, unnest(range(n)) AS i FROM counts)
            SELECT p AS person, floor({REGIONS} * pow(hash(p, i, 3) % 1000000 / 1000000.0, 2))::INT AS region,
                round(exp(8.4 + 0.7 * {normal("p", "i")}))::INT AS cents
            FROM cells ORDER BY i > 0, hash(p, i) LIMIT {rows}
        ) TO '{table}'
    """)


def ready(node: Node, card: Card, table: Path, steps: Steps) -> None:
    """Registers the table, with everybody's consent, and comes to an agreement on it with `lab`."""
    with setup("the table taken in and its persons registered"):
        start = time.perf_counter()
        _done(register.add_asset(node, card, table, "holder"))
        ingested = next(moment for step, moment in steps.seen if step == "asset after ingest")
        tell(f"setup: of that, the table taken in: {ingested - start:.2f} s")
    with setup("everybody's consent recorded"):
        _done(register.record_consents(node, card.asset, PURPOSE, None, "made up"))
    with setup("an offer and an agreement"):
        _done(register.add_party(node, "lab", "organisation", "Lab"))
        _done(register.verify_party(node, "lab", "made up", None))
        _done(trade.publish_offer(
            node, "offer", card.asset, "holder", Terms("aggregates", (PURPOSE,), 500, "EUR", 1), standing=True
        ))  # fmt: skip
        moved = _done(trade.request_offer(node, "offer", "lab"))
        _done(trade.move(node, moved.negotiation, "verify", "lab"))


def _done(result: T | Refusal) -> T:
    assert not isinstance(result, Refusal), result
    return result


def _ask(node: Node) -> None:
    answered = query.ask(node, query.Asked("lab", QUESTION, sql.parse(QUESTION), PURPOSE, MICRO_RHO, anew=True))
    assert isinstance(answered, query.Answered), answered
    assert len(answered.answer.rows) == REGIONS


def _plain(database: str, source: str) -> None:
    connection = duckdb.connect(database, read_only=database != ":memory:")
    assert len(connection.execute(PEER.format(source)).fetchall()) == REGIONS
    connection.close()
