"""A chain for tests: the pay of twelve people, from the paper form to a report, with a coarser table made of it.

forms → (processed) → pay ─→ use of the institute → (analysed) → report
                       ├──→ use of the clinic
                       └──→ pay-bands, derived by a registered transform
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import story
from usufruct.core.lineage.facts import StepRecorded
from usufruct.core.registry.rules import DeclaredStep
from usufruct.node import register, trace, trade
from usufruct.node.node import Node
from usufruct.wire import card

BANDS = """
asset = "pay-bands"
title = "Pay of nine people, in bands"
description = "made of pay: whether somebody earns 15 an hour or more"
licence = "terms of the agreement"
person_column = "nr"
rows_per_person = 1
derived_from = ["pay"]
transform = "banding"

[columns.nr]
type = "integer"
grade = "personal"
origins = ["pay.nr"]

[columns.high]
type = "boolean"
grade = "internal"
values = [false, true]
origins = ["pay.hourly_pay"]
"""


@dataclass(frozen=True)
class Chain:
    """The ids in it."""

    collected: str
    processed: str
    mine: str
    other: str
    analysed: str


def make(node: Node, other: str = "clinic") -> Chain:
    """Records the chain on the node of the story, which has an agreement with the institute."""
    story.done(register.add_party(node, "field-office", "organisation", "Field Office"))
    story.done(register.add_party(node, other, "organisation", other.capitalize(), evidence="seen"))
    collected = _step(node, "collected", "pay slips, with form of consent 3", "", "forms", "field-office", "2023-12-01")
    processed = _step(node, "processed", "typed in twice and compared", "forms", "pay", "field-office", "2024-01-15")
    mine = story.answer(node, micro_rho=story.CHEAP).use
    join(node, other)
    theirs = story.ask(node, requester=other, micro_rho=story.CHEAP).use
    analysed = _step(node, "analysed", "a regression on the averages", mine, "report", story.USER)
    story.done(trace.register_transform(
        node, "banding", "pay as two bands", "aggregation", ["pay"], "https://board.example/banding", "the data board",
        story.OPERATOR, 1,
    ))  # fmt: skip
    with TemporaryDirectory() as folder:
        table = Path(folder) / "bands.csv"
        table.write_text("nr,high\n" + "".join(f"{number},{str(number > 3).lower()}\n" for number in range(1, 10)))
        story.done(register.add_asset(node, card.read(BANDS), table, story.OPERATOR))
    return Chain(collected, processed, mine, theirs, analysed)


def join(node: Node, consumer: str) -> None:
    """Another data user comes to an agreement on the story's offer."""
    moved = story.done(trade.request_offer(node, story.OFFER, consumer))
    story.done(trade.move(node, moved.negotiation, "agree", story.OPERATOR))
    story.done(trade.move(node, moved.negotiation, "verify", consumer))


def _step(node: Node, kind: str, how: str, made_of: str, made: str, by: str, day: str = "") -> str:
    inputs = (made_of,) if made_of else ()
    purpose = story.PURPOSE if kind == "collected" else ""
    at = card.parse_instant(day) if day else None
    declared = DeclaredStep(kind, how, by, inputs, (made,), purpose, "cupboard 3" if purpose else "", at)
    fact = trace.record_step(node, declared)
    assert isinstance(fact, StepRecorded), fact
    return fact.id
