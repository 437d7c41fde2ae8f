"""The gate: statements that got past others. Each is refused in words that name it, and none comes near the engine.

There are two readers. Ours decides; DuckDB's own parser and binder, over tables without a row, is asked too and must agree. Each is
tried by itself here: ours must stop every statement alone. The second is there for what nobody has thought of; what it is known to let
through is written down, so that it is seen when that changes.
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
from usufruct.node import query
from usufruct.node.node import Node

STATEMENTS, STOPPED_BY_DUCKDB = 340, 216


@dataclass
class Sleeping:
    """`ports.Engine` that says yes to every text, and notes it if it is asked to run something."""

    real: Any
    ran: list[Any] = field(default_factory=list)

    def check(self, *_: Any) -> bool:
        return True

    def run(self, plan: Any, among: Any) -> Any:
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
