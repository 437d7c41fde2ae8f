"""A pool for tests: three riders of a cooperative, each with a cell of her own, and an institute that asks about them all.

The cells tell apart whose rows counted: Ana has one row, Ben has two, and Cleo three.
"""

from __future__ import annotations

from pathlib import Path

import story
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement
from usufruct.core.income.measure import contributions
from usufruct.core.privacy.state import Use
from usufruct.core.registry.charter import Charter
from usufruct.core.registry.pool import PoolJoined
from usufruct.core.registry.state import Asset
from usufruct.node import deposit, pool, query, register, trade
from usufruct.node.node import Node
from usufruct.wire import charter, sql

POOL, COOPERATIVE, INSTITUTE = "riders", "riders-coop", "institute"
RIDERS = ("ana", "ben", "cleo")
PURPOSE = "AcademicResearch"
QUESTION = "SELECT COUNT(*) AS weeks FROM riders"

CHARTER = """
asset = "riders"
title = "What riders earn"
description = "weeks of work"
licence = "as its members agree"
person_column = "owner"
rows_per_person = 4
purposes = ["ResearchAndDevelopment"]
prohibited = ["Marketing"]

[columns.owner]
type = "text"
grade = "sensitive"

[columns.city]
type = "text"
grade = "sensitive"
values = ["north", "south"]

[columns.earned]
type = "decimal"
decimals = 2
grade = "sensitive"
low = 0
high = 900

[charter]
least_price = "3.00 EUR"
text = "We answer what riding pays."
"""


def table(rider: str) -> bytes:
    """What she deposits; what is in `note` nobody else ever reads."""
    rows = RIDERS.index(rider) + 1 if rider in RIDERS else 1
    lines = [f"north,{100 * (week + 1)}.5,marmalade of {rider}" for week in range(rows)]
    return "\n".join(["city,earned,note", *lines, ""]).encode()


def found(node: Node, text: str = CHARTER, cooperative: str = COOPERATIVE) -> Charter:
    """The cooperative, and its pool."""
    register.add_party(node, cooperative, "cooperative", cooperative.capitalize())
    return story.done(pool.found(node, charter.read(text), cooperative, story.OPERATOR))


def cell(node: Node, rider: str, content: bytes = b"") -> Asset:
    """A rider with a cell of her own."""
    register.add_party(node, rider, "person", rider.capitalize())
    return story.done(deposit.deposit(node, rider, content or table(rider)))


def digest(node: Node, name: str = POOL) -> str:
    """The digest of a charter, as she reads it."""
    return story.done(pool.show(node, name)).charter.digest


def join(node: Node, rider: str, name: str = POOL) -> PoolJoined:
    """A rider deposits her table and joins."""
    return story.done(pool.join(node, rider, name, cell(node, rider).id, digest(node, name)))


def agree(node: Node, price: int = 300, name: str = POOL, cooperative: str = COOPERATIVE) -> Agreement:
    """The institute may ask."""
    register.add_party(node, INSTITUTE, "organisation", "Institute", evidence="its entry in the register")
    terms = Terms("aggregates", (PURPOSE,), price, "EUR", 1)
    story.done(trade.publish_offer(node, f"{name}-offer", name, cooperative, terms, standing=True))
    moved = story.done(trade.request_offer(node, f"{name}-offer", INSTITUTE))
    moved = story.done(trade.move(node, moved.negotiation, "verify", INSTITUTE))
    assert moved.agreement is not None
    return moved.agreement


def ask(node: Node, text: str = QUESTION) -> query.Answered | query.Refused:
    """The institute asks."""
    return query.ask(node, query.Asked(INSTITUTE, text, sql.parse(text), PURPOSE, story.CHEAP, anew=True))


def counted(node: Node, text: str = QUESTION) -> list[int]:
    """How many rows of each rider, by number, counted in a question that must be answered."""
    answered = ask(node, text)
    assert isinstance(answered, query.Answered), answered.refusal
    with node.store.read() as state:
        use = state.get(Use, answered.use)
        assert use is not None
        return list(contributions(state.evidence(use.contributions)))


def begun(node: Node) -> None:
    """Three riders are in, and the institute may ask."""
    found(node)
    for rider in RIDERS:
        join(node, rider)
    agree(node)


def left_behind(directory: Path) -> list[str]:
    """Every file of the data folder that is not the table of an asset."""
    return sorted(path.name for path in (directory / "data").iterdir() if path.suffix != ".duckdb")
