"""Nodes over tables of one's own, for attacks: who is in them, what they hold, who said yes; and an engine room without a child
process, for where a thousand questions are asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from support import SetClock
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.privacy.state import Budget
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import parameters
from usufruct.engine import room, zygote
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.main import open_node
from usufruct.node import query, register, trade
from usufruct.node.node import Node
from usufruct.wire import card, sql

USER, OTHER, OPERATOR, PURPOSE = "institute", "insurer", "wage-commons", "AcademicResearch"
ENDLESS = 10**12

Cells = tuple[Any, ...]
Tables = Mapping[str, list[Cells]]
"""By asset: its rows, with the cells in the order of the card's columns."""

# Graded so low that no figure is left out because of few persons: it is the noise that is looked at here.
CARDS = {
    "pay": card.read("""
asset = "pay"
title = "Pay"
description = "what people earned"
licence = "terms of the agreement"
person_column = "who"
rows_per_person = 3
once_per = ["year"]
columns.who = {type = "text", grade = "internal"}
columns.year = {type = "integer", grade = "internal", values = [2021, 2022, 2023]}
columns.region = {type = "text", grade = "internal", values = ["n", "s", "e", "w"]}
columns.member = {type = "boolean", grade = "internal", values = [false, true]}
columns.wage = {type = "decimal", decimals = 2, grade = "internal", low = 0, high = 40}
columns.hours = {type = "integer", grade = "internal", low = 0, high = 3000}
columns.word = {type = "text", grade = "internal"}
columns.code = {type = "integer", grade = "internal"}
columns.closed = {type = "integer", grade = "core", low = 0, high = 9}
"""),
    "care": card.read("""
asset = "care"
title = "Care"
description = "what people were treated for"
licence = "terms of the agreement"
person_column = "person"
rows_per_person = 2
columns.person = {type = "text", grade = "internal"}
columns.visits = {type = "integer", grade = "internal", low = 0, high = 10}
columns.ward = {type = "text", grade = "internal"}
"""),
    "orders": card.read("""
asset = "orders"
title = "Orders"
description = "what people bought"
licence = "terms of the agreement"
person_column = "who"
rows_per_person = 5
columns.who = {type = "text", grade = "internal"}
columns.email = {type = "text", grade = "internal"}
columns.region = {type = "text", grade = "internal", values = ["n", "s"]}
columns.amount = {type = "decimal", decimals = 2, grade = "internal", low = 0, high = 1000}
columns.quantity = {type = "integer", grade = "internal", low = 0, high = 100}
columns.score = {type = "integer", grade = "internal"}
"""),
}


def pay(who: str, year: int | None, region: str | None, member: bool | None, wage: object, hours: int | None,
        word: str | None = "x", code: int | None = 1) -> Cells:  # fmt: skip
    """A row of pay."""
    return (who, year, region, member, wage, hours, word, code, 1)


def crowd(persons: int = 30) -> list[Cells]:
    """Each has three years in one of eight groups."""
    return [
        pay(
            f"p{p:03}",
            year,
            "nsew"[p % 4],
            bool(p // 4 % 2),
            f"{p % 40}.50",
            p * 13 % 3000,
            "x" if p % 3 else None,
            p % 5,
        )
        for p in range(persons)
        for year in (2021, 2022, 2023)
    ]


def cared(persons: int = 20) -> list[Cells]:
    return [(f"p{p:03}", (p + n) % 11, f"w{p % 3}") for p in range(persons) for n in range(2)]


def write(path: Path, asset: str, rows: Sequence[Cells]) -> Path:
    """The rows as CSV."""
    lines = [
        ",".join("" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in row)
        for row in rows
    ]
    path.write_text(
        "\n".join([",".join(column.name for column in CARDS[asset].columns), *lines]) + "\n", encoding="utf-8"
    )
    return path


def rulebook(**values: int) -> parameters.Rulebook:
    """The shipped one, with other numbers: `budget_micro_rho=7` is `privacy.budget-micro-rho`."""
    names = {"privacy." + name.replace("_", "-"): value for name, value in values.items()}
    shipped = list(iter(parameters.shipped()))
    assert names.keys() <= {p.name for p in shipped}
    return parameters.Rulebook(replace(p, value=names.get(p.name, p.value)) for p in shipped)


@dataclass
class Here:
    """`engine.room.Room` without a child: the same copies and the same statements, in this process."""

    connection: Any = field(default_factory=lambda: duckdb.connect(config={"threads": 1}))
    ran: int = 0

    def run(self, tables: Sequence[room.Permitted], statements: Sequence[tuple[str, Sequence[Any]]]) -> list[pa.Table]:
        self.ran += 1
        try:
            for table in tables:
                assert zygote.copy_out(self.connection, *room._load(table))
            return [self.connection.sql(text, params=list(values)).to_arrow_table() for text, values in statements]
        except duckdb.Error as error:
            raise EngineFault("engine.limits", f"HERE {error}", "") from None
        finally:
            for table in ["bounded", *(table.table for table in tables)]:
                self.connection.execute(f"DROP TABLE IF EXISTS {table}")


@dataclass
class Workshop:
    """Makes nodes in which everybody has consented unless it is said who has."""

    founded: Path
    folder: Path
    clock: Any = field(default_factory=lambda: SetClock(tick=0))
    made: int = 0

    @contextmanager
    def node(
        self, tables: Tables, consenting: Mapping[str, list[str]] | None = None, child: bool = False, **values: int
    ) -> Iterator[Node]:
        """A node over tables, with agreements on all of them for the institute and the insurer; `values` as for `rulebook`."""
        self.made += 1
        directory = self.folder / str(self.made)
        shutil.copytree(self.founded, directory)
        with open_node(directory, self.clock) as opened:
            values.setdefault("budget_micro_rho", ENDLESS)
            values.setdefault("budget_nano_delta", ENDLESS)
            values.setdefault("quota_percent", 100)
            node = replace(opened, rulebook=rulebook(**values))
            if not child:
                engine = node.engine
                assert isinstance(engine, DuckDbEngine)
                engine._room = Here()  # type: ignore[assignment]
            for party in (USER, OTHER):
                _done(register.add_party(node, party, "organisation", party))
            for asset, rows in tables.items():
                _done(register.add_asset(node, CARDS[asset], write(self.folder / "table.csv", asset, rows), OPERATOR))
                who = consenting.get(asset) if consenting else None
                _done(register.record_consents(node, asset, PURPOSE, who, "forms"))
                terms = Terms("aggregates", (PURPOSE,), 500, "EUR", 1)
                _done(trade.publish_offer(node, f"use-{asset}", asset, OPERATOR, terms, standing=True))
                for party in (USER, OTHER):
                    moved = _done(trade.request_offer(node, f"use-{asset}", party))
                    _done(trade.move(node, moved.negotiation, "verify", party))
            yield node


def _done(result: Any) -> Any:
    assert not isinstance(result, Refusal), result
    return result


def ask(node: Node, text: str, micro_rho: int | None = None, who: str = USER, **wishes: Any) -> Any:
    """One question."""
    return query.ask(node, query.Asked(who, text, sql.parse(text), PURPOSE, micro_rho, **wishes))


def budget(node: Node, asset: str = "pay") -> Budget:
    with node.store.read() as state:
        found = state.get(Asset, asset)
        assert found is not None
        left = state.get(Budget, asset, found.version)
        assert left is not None
        return left


class Drowning:
    """`ports.Noise` that drowns everything: whatever still differs in an answer does not come from its numbers."""

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        return [10**6 + 7 * n for n in range(len(values))]


class Silent:
    """`ports.Noise` that adds none, for what shapes alone tell."""

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        return list(values)
