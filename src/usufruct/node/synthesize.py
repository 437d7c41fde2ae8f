"""Whoever may make products of an asset has a synthetic one made of it, and can then offer it to anybody.

It is one use (see `use`): permitted under an agreement, charged once. In the transaction that lets it out the product
becomes an asset, with the transform that says what it rests on. The table is on disk before: one whose fact was never
written is an orphan file and does no harm.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from usufruct.core.access.proof import Supposing
from usufruct.core.access.rules import Permit
from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import decimal
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.state import in_force
from usufruct.core.lineage import rules as lineage
from usufruct.core.lineage.facts import TransformRegistered
from usufruct.core.lineage.state import Link, Transform
from usufruct.core.privacy import synthesis
from usufruct.core.privacy.learnt import Learnt
from usufruct.core.privacy.state import Use
from usufruct.core.privacy.synthesis import NOT_DONE, Synthesis, SynthesisPlan, plan_synthesis
from usufruct.core.registry.rules import Card, check_card, check_new
from usufruct.core.registry.state import Asset
from usufruct.node import register, stored
from usufruct.node.node import Node
from usufruct.node.train import Asked as Asked
from usufruct.node.train import compute, lacking
from usufruct.node.use import Admitted, Answered, Ran, Refused
from usufruct.ports import Ingested, Transaction


@dataclass(frozen=True, slots=True)
class Product:
    """A synthetic asset, and what was let out when it was made: by the use `use`, of `source`."""

    asset: Asset
    source: Asset
    use: str
    let_out: Any


def synthesize(node: Node, asked: Asked[Synthesis]) -> Answered[Learnt] | Refused:
    """Makes a product, or refuses; either way it is a fact when this returns.

    Raises:
        BadInput: the product's id cannot be one.
        EngineFault: it could not be worked out; the use is abandoned and its charge spent.
        NodeFault: the node cannot go on.
    """

    def plan(tx: Transaction, permit: Permit) -> SynthesisPlan | Refusal:
        found = plan_synthesis(
            tx, asked.job, permit.asset, permit.agreement.consumer, node.rulebook, tx.now, permit.group_min, asked.micro_rho
        )  # fmt: skip
        if isinstance(found, Refusal):
            return found
        # Before anything is charged: whether it could be registered, if it were there.
        card = synthesis.card_of(found, permit.asset, permit.purpose, "")
        fits = _registrable(tx, node, card, found, asked.requester, b"")
        return fits if isinstance(fits, Refusal) else lacking(node, "draw", NOT_DONE) or found

    return compute(node, asked, plan, partial(_work, node))


def _work(node: Node, admitted: Admitted[SynthesisPlan], populations: tuple[bytes, ...]) -> Ran[Learnt]:
    plan, permit = admitted.deed.plan, admitted.deed.permit
    stored.check(node, permit.asset.id, permit.asset.version)
    sampled = node.trainer.sample(plan.sample, plan.marginals, None, False, populations[0], permit.persons)
    node.reach("synthesize after sample")
    noised = [node.noise.add(exact, plan.marginals.deviation) for exact in sampled.counts]
    rows = node.trainer.draw(plan.marginals, noised, synthesis.rows_to_draw(plan, noised))
    learnt = synthesis.of_synthesis(plan, noised, rows)
    card = synthesis.card_of(plan, permit.asset, permit.purpose, admitted.uses[0])
    with register.TABLES, tempfile.TemporaryDirectory() as folder:
        taken = node.engine.ingest(card, _write(Path(folder) / "product.csv", plan, rows))
    node.reach("synthesize after ingest")
    closing = partial(_close, node, admitted, card, taken, learnt)
    return Ran(learnt, (sampled.contributions,), closing=closing)


def _write(path: Path, plan: SynthesisPlan, rows: Sequence[Sequence[int]]) -> Path:
    """The synthetic rows as CSV."""
    columns = plan.marginals.columns
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow([one.column.name for one in columns])
        for row in rows:
            writer.writerow([
                one.label(value) if one.values else decimal(value, one.column.decimals)
                for one, value in zip(columns, row, strict=True)
            ])  # fmt: skip
    return path


def _close(
    node: Node, admitted: Admitted[SynthesisPlan], card: Card, taken: Ingested, learnt: Learnt, tx: Transaction
) -> Refusal | Callable[[], None]:
    """Whether the product can be registered after all, and what registers it."""
    publisher, plan = admitted.deed.parts[0][0].requester, admitted.deed.plan
    found = check_new(tx, card, taken.version) or _registrable(tx, node, card, plan, publisher, learnt.encode())
    if isinstance(found, Refusal):
        return found
    transform, origin = found

    def then() -> None:
        tx.append(transform)
        register.register(node, tx, card, taken, publisher, origin)

    return then


def _registrable(
    read: Transaction, node: Node, card: Card, plan: SynthesisPlan, publisher: str, released: bytes
) -> tuple[TransformRegistered, lineage.Origin] | Refusal:
    """The transform of a product, and where it comes from, if its publisher may register both."""
    at = read.now
    transform = lineage.register_transform(
        read, card.transform, f"synthetic rows, rho = {decimal(plan.charge, 6)} for each person", "anonymisation",
        card.derived_from, synthesis.evidence(released), f"{node.about.name}, by differential privacy", publisher, at,
        synthesis.LOWERED_TO,
    )  # fmt: skip
    if isinstance(transform, Refusal):
        return transform
    refused = check_card(read, card, publisher, anonymous=True)
    if refused is not None:
        return refused
    origin = register.origin_of(Supposing(read, _row(transform, at)), card, publisher, at)
    return origin if isinstance(origin, Refusal) else (transform, origin)


def _row(fact: TransformRegistered, at: Instant) -> Transform:
    """The transform as it would stand."""
    return Transform(
        fact.id, fact.title, fact.kind, fact.inputs, fact.evidence, fact.authority, fact.by, fact.lowers_grade_to, fact.purposes,
        at, fact.until,
    )  # fmt: skip


def product(node: Node, name: str, looker: str, steward: bool) -> Product | None:
    """A synthetic asset, for the steward, its publisher, and whoever has an agreement in force on it; None for anybody else,
    and for what is none."""
    with node.store.read() as state:
        asset = state.get(Asset, name)
        if asset is None or asset.transform != synthesis.transform_of(name):
            return None
        if not (steward or looker == asset.publisher or in_force(state, looker, name, node.clock.now())):
            return None
        sources = [
            link.source for step in state.list(Link, target=name) for link in state.list(Link, target=step.source)
        ]
        used = next((use for name in sources if (use := state.get(Use, name)) is not None and use.answer), None)
        source = state.get(Asset, asset.derived_from[0])
        if used is None or source is None:
            return None
        return Product(asset, source, used.id, canonical.decode(state.evidence(used.answer)))
