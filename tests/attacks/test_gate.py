"""The gate: statements that got past others. Each is refused in words that name it, and none comes near the engine.

There are two readers. Ours decides; DuckDB's own parser and binder, over tables without a row, is asked too and must agree. Each is
tried by itself here: ours must stop every statement alone. The second is there for what nobody has thought of; what it is known to
let through is written down, so that it is seen when that changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from attacks.statements import every
from attacks.workshop import Workshop, ask
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.state import Asset
from usufruct.engine.replica import Replica
from usufruct.node import query
from usufruct.node.node import Node
from usufruct.wire import sql

STATEMENTS, STOPPED_BY_DUCKDB = 340, 255


@dataclass
class Sleeping:
    """`ports.Engine` that says yes to every text, and notes it if it is asked to run something."""

    real: Any
    ran: list[Any] = field(default_factory=list)

    def check(self, *_: Any) -> bool:
        return True

    def run(self, plan: Any, among: Any, terms: Any = ()) -> Any:
        self.ran.append(plan)
        return self.real.run(plan, among)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@pytest.fixture(scope="module")
def gate(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    rows = {"orders": [("ann", "ann@b.c", "n", "3.50", 2, 1), ("bob", "bob@b.c", "s", "9", 1, None)]}
    with Workshop(founded, tmp_path_factory.mktemp("gate")).node(rows) as node:
        yield replace(node, engine=Sleeping(node.engine))


def test_there_are_enough_of_them() -> None:
    texts = [text for text, _ in every()]
    assert len(texts) == len(set(texts)) == STATEMENTS >= 100


def test_each_is_refused_by_our_reader_alone(gate: Node) -> None:
    """By the whole way that a question takes, many at once, for each refusal is a fact on disk."""
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda one: ask(gate, one[0]), every()))
    assert not gate.engine.ran, "it reached the engine"  # type: ignore[attr-defined]
    wrong = []
    for (text, named), reply in zip(every(), replies, strict=True):
        if not isinstance(reply, query.Refused):
            wrong.append(f"{text}: answered")
        elif named.lower() not in " ".join(reply.refusal.reasons).lower() or not reply.refusal.remedy:
            wrong.append(f"{text}: {named}: {reply.refusal}")
    assert wrong == [], "\n".join(wrong)


def test_how_many_the_second_reader_stops_alone(gate: Node) -> None:
    """What it does not stop is plain SQL, which is refused for what it means: rows, persons, bounds."""
    with gate.store.read() as state:
        asset = state.get(Asset, "orders")
    assert asset is not None
    replica = Replica()
    passed = [text for text, _ in every() if replica.agrees(text, [asset], 0)]
    assert STATEMENTS - len(passed) == STOPPED_BY_DUCKDB, passed
    words = (
        "query", "read_", "insert", "delete", "update", "recursive", "union", "sample", "error", "json", "columns(", "pivot",
        "summarize", "information_schema", "main.", "repeat", "random", "regexp", "lateral", "asof", "rollup",
    )  # fmt: skip
    assert [text for text in passed if any(word in text.lower() for word in words)] == []


ANSWERED = (
    "SELECT count(*) AS n FROM orders",
    "WITH t AS (SELECT who, sum(amount) AS s FROM orders GROUP BY who) SELECT avg(s) AS m FROM t WHERE s IS NOT NULL",
    "SELECT region, sum(CASE WHEN quantity > 2 THEN 1 ELSE 0 END) AS n FROM orders GROUP BY region ORDER BY n DESC, region",
    "SELECT count(*) AS n FROM orders WHERE region IN ('n', NULL) AND (amount > 3) IS NOT TRUE",
    "SELECT avg(nullif(quantity, 0)) AS m FROM orders",
    "SELECT avg(r) AS m FROM (SELECT a.who AS p, row_number() OVER (PARTITION BY a.who ORDER BY a.amount) AS r "
    "FROM orders AS a JOIN orders AS b ON a.who = b.who) AS t",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) AS m FROM orders",
)


@pytest.mark.parametrize("text", ANSWERED)
def test_the_control_both_readers_let_questions_through(text: str, gate: Node) -> None:
    node = replace(gate, engine=gate.engine.real)  # type: ignore[attr-defined]
    reply = ask(node, text)
    assert isinstance(reply, query.Answered), reply


NEAREST = (
    ("SELECT columns('em.*') FROM orders", "name the columns"),
    ("SELECT #2 FROM orders", "name the column"),
    ("SELECT * EXCLUDE (amount) FROM orders", "name the columns"),
    ("SELECT count(*) FROM orders NATURAL JOIN elsewhere", "on the person"),
    ("SELECT region, count(*) FROM orders GROUP BY ALL", "after GROUP BY"),
    ("SELECT region, count(*) FROM orders GROUP BY CUBE (region)", "for each grouping"),
    ("SELECT count(*) FROM orders WHERE TRY_CAST(email AS INTEGER) = 1", "its own type"),
    ("SELECT count(*) FROM orders WHERE email GLOB 'a*'", "SUBSTR"),
    ("SELECT count(*) FROM orders WHERE regexp_matches(email, 'a')", "SUBSTR"),
    ("WITH RECURSIVE t AS (SELECT 1 AS x) SELECT count(*) FROM t", "without RECURSIVE"),
    ("SELECT count(*) FROM orders WHERE amount IS DISTINCT FROM 3", "IS NULL"),
    ("SELECT count(*) FROM orders WHERE quantity = 1e30", "digits"),
)


@pytest.mark.parametrize(("text", "remedy"), NEAREST)
def test_a_refusal_names_the_nearest_thing_that_is_allowed(text: str, remedy: str) -> None:
    refusal = sql.parse(text)
    assert isinstance(refusal, Refusal) and remedy in refusal.remedy, refusal
