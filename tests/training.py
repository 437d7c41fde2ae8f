"""A world to train in: the pay of some hundred people, an agreement on computation, and a trainer that can be watched."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import story
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement
from usufruct.core.income.neighbours import Measure
from usufruct.core.privacy.fitting import Fit, FitPlan
from usufruct.core.privacy.marginals import Marginals
from usufruct.core.privacy.model import FORMAT
from usufruct.core.privacy.moments import Moments
from usufruct.core.privacy.sample import Sample, listed
from usufruct.core.privacy.synthesis import Synthesis
from usufruct.core.privacy.validation import Validation
from usufruct.node import register, synthesize, trade, train
from usufruct.node.node import Node
from usufruct.node.use import Answered, Refused
from usufruct.trainer import Sampled, Trainer
from usufruct.wire import card
from usufruct.wire import validation as reading

PEOPLE = 120
CARD = """
asset = "pay"
title = "Pay"
description = "what people earn an hour"
licence = "terms of the agreement"
person_column = "nr"
rows_per_person = 2

[columns.nr]
type = "integer"
grade = "GRADE"

[columns.sector]
type = "text"
grade = "GRADE"
values = ["care", "trade", "office"]

[columns.age]
type = "integer"
grade = "GRADE"
low = 18
high = 67

[columns.union]
type = "boolean"
grade = "GRADE"

[columns.wage]
type = "decimal"
decimals = 2
grade = "GRADE"
low = 0
high = 40

[columns.shoe]
type = "integer"
grade = "GRADE"
"""
FEATURES = ("sector", "age", "union")


def write_table(path: Path, people: int = PEOPLE) -> Path:
    """Two rows for each person."""
    draw = random.Random(1)
    lines = ["nr,sector,age,union,wage,shoe"]
    for number in range(people):
        sector, age = draw.choice(["care", "trade", "office"]), draw.randint(18, 67)
        for _ in range(2):
            union = draw.random() < (0.7 if sector == "care" else 0.2)
            wage = 8 + 0.2 * age + 5 * (sector == "office") + 3 * union + draw.gauss(0, 2)
            lines.append(f"{number},{sector},{age},{str(union).lower()},{max(0, wage):.2f},40")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def validation(rows: int = 80, seed: int = 2, columns: str = "sector,age,union,wage") -> Validation:
    """Rows as those of the table, of a buyer's own, for the features sector, age and wage and the label union."""
    draw = random.Random(seed)
    lines = [columns]
    for _ in range(rows):
        sector, age = draw.choice(["care", "trade", "office"]), draw.randint(18, 67)
        union = draw.random() < (0.7 if sector == "care" else 0.2)
        wage = 8 + 0.2 * age + 5 * (sector == "office") + 3 * union + draw.gauss(0, 2)
        cells = {"sector": sector, "age": age, "union": str(union).lower(), "wage": f"{min(40, max(0, wage)):.2f}"}
        lines.append(",".join(str(cells[name]) for name in columns.split(",")))
    return reading.read(("\n".join(lines) + "\n").encode())


def settle(node: Node, table: Path, grade: str = "sensitive") -> Agreement:
    """Registers the table and comes to an agreement on computation with the institute, and one with the operator."""
    story.register_parties(node)
    story.done(register.verify_party(node, story.OPERATOR, "itself", None))
    story.done(register.add_asset(node, card.read(CARD.replace("GRADE", grade)), write_table(table), story.OPERATOR))
    story.done(register.record_consents(node, story.ASSET, story.PURPOSE, None, "paper forms, cupboard 3"))
    agree(node, "making", story.OPERATOR, price=0)
    return agree(node, "training", story.USER)


def agree(
    node: Node, offer: str, consumer: str, form: str = "computation", asset: str = story.ASSET, price: int = 500
) -> Agreement:
    """An offer, requested, agreed to and verified."""
    story.done(trade.publish_offer(node, offer, asset, story.OPERATOR, Terms(form, (story.PURPOSE,), price, "EUR", 1)))
    moved = story.done(trade.request_offer(node, offer, consumer))
    story.done(trade.move(node, moved.negotiation, "agree", story.OPERATOR))
    moved = story.done(trade.move(node, moved.negotiation, "verify", consumer))
    assert moved.agreement is not None
    return moved.agreement


def fit(
    node: Node, estimator: str = "ridge", label: str = "wage", features: Sequence[str] = FEATURES, requester: str = story.USER,
    purpose: str = story.PURPOSE, micro_rho: int | None = story.PRECISE, asset: str = story.ASSET, **more: Any,
) -> Answered | Refused:  # fmt: skip
    """One fit, as it comes in from outside, signed."""
    job = Fit(estimator, asset, label, tuple(features), **more)
    return train.train(node, train.Asked(requester, job, purpose, micro_rho, signed=True))


def make(node: Node, product: str = "pay-drawn", requester: str = story.OPERATOR, **more: Any) -> Answered | Refused:
    """One synthesis."""
    job = {
        "columns": ("sector", "age", "union", "wage"), "pairs": (("sector", "union"), ("sector", "wage")),
        "checks": (("union", "wage"),), "bins": 8,
    } | more  # fmt: skip
    asked = Synthesis(story.ASSET, product, "Drawn pay", **job)
    return synthesize.synthesize(node, synthesize.Asked(requester, asked, story.PURPOSE, story.PRECISE, signed=True))


class Watched:
    """`trainer.Trainer` that remembers what it was given, and makes models and rows itself, at once; `meanwhile` happens
    while it works."""

    def __init__(self, behind: Trainer, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.behind = behind
        self.meanwhile = meanwhile
        self.exact: list[Sampled] = []
        self.plans: list[Any] = []
        self.given: list[Sampled] = []
        self.noised: list[Sequence[Sequence[int]]] = []
        self.scores: list[list[int]] | None = None

    def missing(self, route: str) -> str | None:
        """Nothing."""
        return None

    def sample(
        self, sample: Sample, count: Marginals | None, add_up: Moments | None, rows: bool, population: bytes, persons: int
    ) -> Sampled:  # fmt: skip
        """What the real one takes."""
        found = self.behind.sample(sample, count, add_up, rows, population, persons)
        self.exact.append(found)
        return found

    def fit(self, plan: FitPlan, sampled: Sampled) -> tuple[dict[str, Any], list[list[int]]]:
        """A model that tells the same of every row."""
        self.plans.append(plan)
        self.given.append(sampled)
        self.meanwhile()
        model: dict[str, Any] = {"format": FORMAT, "estimator": plan.estimator, "label": plan.label.name, "inputs": []}
        model["linear"] = {"coefficients": [[]], "intercepts": ["0.0"]}
        if plan.classes:
            model["classes"] = [listed(plan.label)[0]]
        cells = len(listed(plan.label)) ** 2 if plan.classes else 1
        scores = self.scores or [[0] * cells for _ in plan.scores]
        return model, scores + ([[1] * cells] * (1 if plan.classes else 3) if plan.validation else [])

    def value(self, plan: FitPlan, measure: Measure, population: bytes, persons: int, deposits: Sequence[int]) -> bytes:
        """What the real one says."""
        return self.behind.value(plan, measure, population, persons, deposits)

    def draw(self, marginals: Marginals, noised: Sequence[Sequence[int]], rows: int) -> list[list[int]]:
        """Rows of the first bins."""
        self.noised.append(noised)
        self.meanwhile()
        one = [0 if column.values else column.ends(0)[0] for column in marginals.columns]
        return [one] * rows


def watch(node: Node, meanwhile: Callable[[], None] = lambda: None) -> tuple[Node, Watched]:
    """The node with a trainer that can be watched."""
    watched = Watched(node.trainer, meanwhile)
    return replace(node, trainer=watched), watched
