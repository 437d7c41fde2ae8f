"""Our side of `private`: a real node in a process of its own, which takes turns like its peers.

A turn is the whole use: the SQL read, decided, planned, admitted on disk, run, noised, answered on disk, with its
receipt. Each turn spends one micro-rho less than the one before, or the node would give the answer it has kept.
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
from bench.private_table import KEYS
from bench.query import PURPOSE, Steps, ready
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy import rules
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.core.registry.state import Asset
from usufruct.main import create_node, open_node
from usufruct.node import query
from usufruct.node.node import Node
from usufruct.wire import sql

QUESTION = "SELECT key, COUNT(*) AS n, SUM(cents) AS total, AVG(cents) AS mean FROM pay GROUP BY key"

# TO SWITCH when keys may be unknown: no `values`, and the card's own bounds of 20 keys and 5 rows for each.
LISTED = True
CARD = Card(
    "pay", "Pay", "made-up pay in cents", "none", "person",
    (
        Column("person", "integer", "personal", 3),
        Column("key", "text", "personal", 2, values=KEYS),
        Column("cents", "integer", "personal", 3, low=turns.LOW, high=turns.HIGH),
    ),
    rows_per_person=turns.KEYS_PER_PERSON,
)  # fmt: skip

PASSES = 5  # of a question through the gate; the median counts
TYPICAL = (
    "SELECT COUNT(*) FROM pay",
    "SELECT COUNT(DISTINCT person) FROM pay",
    "SELECT SUM(cents) AS total FROM pay",
    "SELECT AVG(cents) AS mean FROM pay WHERE cents > 0",
    "SELECT key, COUNT(*) FROM pay GROUP BY key",
    "SELECT key, COUNT(DISTINCT person) AS persons FROM pay GROUP BY key",
    "SELECT key, SUM(cents) FROM pay GROUP BY key",
    "SELECT key, AVG(cents) FROM pay GROUP BY 1",
    QUESTION,
    f"{QUESTION} ORDER BY n DESC LIMIT 10",
    f"{QUESTION} ORDER BY mean, total DESC",
    "SELECT key, COUNT(*) AS n, COUNT(DISTINCT person) AS persons FROM pay WHERE cents >= 5000 GROUP BY key",
    "SELECT key, AVG(cents) AS mean FROM pay WHERE cents BETWEEN 1000 AND 15000 GROUP BY key ORDER BY mean",
    "SELECT COUNT(*) AS n, AVG(cents) AS mean FROM pay WHERE key = 'key-1'",
    "SELECT key, COUNT(*) AS n FROM pay WHERE key IN ('key-1', 'key-2', 'key-3', 'key-5', 'key-8') GROUP BY key",
    "SELECT key, SUM(cents) AS total FROM pay WHERE NOT (key = 'key-1' OR cents < 100) GROUP BY key",
    "SELECT key, COUNT(cents) AS n FROM pay WHERE cents IS NOT NULL AND key <> 'key-7' GROUP BY key",
    "SELECT p.key AS k, COUNT(*) AS n FROM pay p WHERE p.cents < 20000 GROUP BY p.key ORDER BY 1 LIMIT 50",
    "SELECT COUNT(*) AS n, SUM(cents) AS total, AVG(cents) AS mean, COUNT(DISTINCT person) AS persons FROM pay",
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
        settings = re.sub("engine_memory = .*", 'engine_memory = "12GB"', settings)
        settings = re.sub("engine_seconds = .*", "engine_seconds = 600", settings)
        (folder / "node.toml").write_text(settings, encoding="utf-8")
    steps = Steps()
    with open_node(folder, reach=steps.reach) as node:
        ready(node, CARD, table, steps)


def main(folder: Path) -> None:
    """Takes turns with the node in `folder`."""
    steps = Steps()
    spend = count(int(turns.RHO * 10**6), -1)
    with open_node(folder, reach=steps.reach) as node:

        def answer() -> Mapping[str, Any]:
            steps.seen.clear()
            asked = query.Asked("lab", QUESTION, sql.parse(QUESTION), PURPOSE, next(spend))
            answered = query.ask(node, asked)
            assert isinstance(answered, query.Answered), answered
            at = dict(steps.seen)
            return {
                "keys": [row[0] for row in answered.answer.rows],
                "engine": at["query after run"] - at["query before run"],
            }

        turns.serve({"answer": answer, "gate": lambda: {"keys": [], "gate": [_gate(node, text) for text in TYPICAL]}})


def _gate(node: Node, text: str) -> float:
    """How long it takes until it is known that a question is answered, and how; no data are touched."""
    with node.store.read() as state:
        asset = state.get(Asset, CARD.asset)
        assert asset is not None

        def pass_through() -> None:
            question = sql.parse(text)
            assert not isinstance(question, Refusal), question
            planned = rules.plan(state, question, asset, node.rulebook, node.clock.now(), 1)
            assert not isinstance(planned, Refusal), planned
            # TO SWITCH when there is one: the second check, by DuckDB on an empty replica.

        return median(seconds(pass_through) for _ in range(PASSES))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
