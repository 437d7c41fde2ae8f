"""Our side of `private`: a real node in a process of its own, which takes turns like its peers.

A turn is the whole use: the SQL read, by two readers, decided, planned, admitted on disk, run, noised, answered on disk,
with its receipt. Each turn spends ten micro-rho less than the one before, or the node would give the answer it has kept.

An answer leaves at a tick, so that its time tells little. No peer waits like that: the node's clock notes here for how
long it was to sleep, and does not, so that what is measured is work; when the answer would have left is told beside it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import seconds
from bench.private_peers import turns
from bench.query import PURPOSE, Steps, ready
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.main import create_node, open_node
from usufruct.node import query
from usufruct.node.asking import Asked, Previewed, preview
from usufruct.node.node import Node
from usufruct.store.keys import SystemClock
from usufruct.wire import sql

QUESTION = "SELECT key, COUNT(*) AS n, SUM(cents) AS total, AVG(cents) AS mean FROM pay GROUP BY key"

CARD = Card(
    "pay", "Pay", "made-up pay in cents", "none", "person",
    (
        Column("person", "integer", "personal", 3),
        Column("key", "text", "personal", 2),
        Column("cents", "integer", "personal", 3, low=turns.LOW, high=turns.HIGH),
    ),
    rows_per_person=turns.KEYS_PER_PERSON * turns.ROWS_PER_KEY,
)  # fmt: skip

PASSES = 5  # of a question through the gate; the median counts
TYPICAL = (
    "SELECT COUNT(*) FROM pay",
    "SELECT COUNT(DISTINCT person) FROM pay",
    "SELECT AVG(cents) AS mean FROM pay WHERE cents > 0",
    "SELECT key, COUNT(DISTINCT person) AS persons FROM pay GROUP BY key",
    "SELECT key, AVG(cents) FROM pay GROUP BY 1",
    QUESTION,
    f"{QUESTION} ORDER BY n DESC LIMIT 10",
    f"{QUESTION} HAVING COUNT(*) > 500 ORDER BY mean, total DESC",
    "SELECT key, COUNT(*) AS n, COUNT(DISTINCT person) AS persons FROM pay WHERE cents >= 5000 GROUP BY key",
    "SELECT key, AVG(cents) AS mean FROM pay WHERE cents BETWEEN 1000 AND 15000 GROUP BY key ORDER BY mean",
    "SELECT COUNT(*) AS n, AVG(cents) AS mean FROM pay WHERE key = 'key-1'",
    "SELECT key, COUNT(*) AS n FROM pay WHERE key IN ('key-1', 'key-2', 'key-3', 'key-5', 'key-8') GROUP BY key",
    "SELECT key, SUM(cents) AS total FROM pay WHERE NOT (key = 'key-1' OR cents < 100) GROUP BY key",
    "SELECT key, MEDIAN(cents) AS middle, STDDEV(cents) AS spread FROM pay GROUP BY key",
    "SELECT VARIANCE(cents) AS spread FROM pay WHERE cents IS NOT NULL AND key <> 'key-7'",
    "SELECT SUM(CASE WHEN cents > 10000 THEN cents ELSE 0 END) AS high, COUNT(*) AS n FROM pay",
    "WITH each AS (SELECT person, SUM(cents) AS own FROM pay GROUP BY person) SELECT AVG(LEAST(own, 100000)) AS mean FROM each",
    "SELECT COUNT(*) AS n FROM (SELECT person, key, COUNT(*) AS c FROM pay GROUP BY person, key) AS s WHERE c > 3",
    "WITH first AS (SELECT person, key, ROW_NUMBER() OVER (PARTITION BY person ORDER BY cents, key) AS place FROM pay) "
    "SELECT key, COUNT(*) AS n FROM first WHERE place = 1 GROUP BY key",
    "SELECT key, AVG(cents) AS mean FROM pay WHERE "
    + " OR ".join(f"(key = 'key-{i}' AND cents > {i})" for i in range(1, 11))
    + " GROUP BY key",
)


def make(folder: Path, table: Path, large: bool) -> None:
    """A node that holds the table, with everybody's consent and an agreement on it; for a `large` one a question may use
    more memory and time than a node allows unless told."""
    create_node(folder, "Bench", "holder", "Holder", "EUR")
    if large:
        settings = (folder / "node.toml").read_text(encoding="utf-8")
        settings = re.sub("engine_memory = .*", 'engine_memory = "8GB"', settings)
        settings = re.sub("engine_seconds = .*", "engine_seconds = 600", settings)
        (folder / "node.toml").write_text(settings, encoding="utf-8")
    steps = Steps()
    with open_node(folder, reach=steps.reach) as node:
        ready(node, CARD, table, steps)


class Sleepless(SystemClock):
    """The machine's clock; it sleeps only in a figure, in milliseconds."""

    slept = 0

    def sleep(self, milliseconds: int) -> None:
        """Notes it down."""
        self.slept = milliseconds


def main(folder: Path) -> None:
    """Takes turns with the node in `folder`."""
    steps, clock = Steps(), Sleepless()
    spend = count(int(turns.RHO * 10**6), -10)
    with open_node(folder, clock, steps.reach) as node:

        def answer() -> Mapping[str, Any]:
            steps.seen.clear()
            answered = query.ask(node, _asked(QUESTION, next(spend)))
            assert isinstance(answered, query.Answered) and not answered.repeated, answered
            at = dict(steps.seen)
            return {
                "keys": [row[0] for row in answered.answer.rows],
                "engine": at["query after run"] - at["query before run"],
                "slept": clock.slept / 1000,
            }

        turns.serve({"answer": answer, "gate": lambda: {"keys": [], "gate": [_gate(node, text) for text in TYPICAL]}})


def _asked(text: str, micro_rho: int | None = None) -> Asked:
    bounds = {"groups_per_person": turns.KEYS_PER_PERSON, "rows_per_group": turns.ROWS_PER_KEY}
    return Asked("lab", text, sql.parse(text), PURPOSE, micro_rho, **bounds)


def _gate(node: Node, text: str) -> float:
    """How long it takes until it is known that a question is answered, and how: read, decided, planned, and read once more
    by DuckDB on an empty replica. No data are touched."""

    def pass_through() -> None:
        found = preview(node, _asked(text))
        assert isinstance(found, Previewed), found

    return median(seconds(pass_through) for _ in range(PASSES))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
