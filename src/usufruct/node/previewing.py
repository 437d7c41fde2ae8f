"""A quality preview of an offer: the node's own question, in the order of every use, at no price and within an allowance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from usufruct.core.access import delegation
from usufruct.core.base.ids import numbered
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.odrl import PREVIEW
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.lineage.standing import standing
from usufruct.core.market import previews
from usufruct.core.market.previews import PreviewsSet
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.release import Answer
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import grades
from usufruct.node import query
from usufruct.node.node import Node
from usufruct.node.use import Answered, Refused
from usufruct.ports import Transaction

MARGIN = "_margin"

Parse = Callable[[str], Question | Refusal]


@dataclass(frozen=True, slots=True)
class Preview:
    """What can be known of an offer before it is paid for: its card, and what the node worked out, or why it did not."""

    asset: Asset
    offer: Offer
    worked_out: Answered[Answer] | Refused


def allow(node: Node, offer: str, by: str, allowed: bool) -> PreviewsSet | Refusal:
    """The provider lets there be previews of an offer, or no more."""
    return node.record(lambda tx: previews.allow(tx, offer, by, allowed))


def preview(
    node: Node, offer: str, party: str, purpose: str, parse: Parse, actors: tuple[str, ...] = (), signed: bool = False
) -> Preview | Refusal:
    """A preview of an offer for a purpose; `parse` reads SQL. Whoever asks agrees to the terms of previews.

    Raises:
        EngineFault: it could not be worked out; the use is abandoned and its charge spent.
    """
    agreed = node.store.write(lambda tx: _agreed(tx, offer, party, actors))
    if isinstance(agreed, Refusal):
        return agreed
    with node.store.read() as state:
        now = node.clock.now()
        row, card = state.get(Offer, offer), state.get(Asset, agreed.asset)
        assert row is not None and card is not None
        asset = standing(state, card, now)
    text = previews.question(asset, grades.in_force(now))
    charge = node.rulebook.value("preview.micro-rho", now)
    asked = query.Asked(party, text, parse(text), purpose, charge, actors=actors, signed=signed, template=PREVIEW)

    def within(tx: Transaction, requester: str, spends: int) -> Refusal | None:
        closed = previews.open_to(tx, offer, tx.now)
        if isinstance(closed, Refusal):
            return closed
        return previews.allowance(tx, asset.id, requester, spends, node.rulebook, tx.now)

    return Preview(asset, row, query.ask(node, asked, within))


def _agreed(tx: Transaction, offer: str, party: str, actors: tuple[str, ...]) -> Agreement | Refusal:
    """The agreement for previews: the one that is there, or a new one."""
    row = previews.open_to(tx, offer, tx.now)
    if isinstance(row, Refusal):
        return row
    consumer, _ = delegation.acting(tx, party, actors)
    found = previews.agreed(tx, row, consumer, tx.now)
    if found is not None:
        return found
    fact = previews.agree(tx, numbered("agreement", tx.next), row, consumer, tx.now)
    if isinstance(fact, Refusal):
        return fact
    tx.append(fact)
    agreement = tx.get(Agreement, fact.agreement)
    assert agreement is not None
    return agreement


def figures(answer: Answer) -> list[list[str]]:
    """An answer of one row, a line for each figure with its margin; a dash where nothing can be said."""
    cells = dict(zip(answer.columns, answer.rows[0], strict=True))
    names = [name for name in answer.columns if not name.endswith(MARGIN)]
    return [
        [name, *("–" if cells[one] is None else str(cells[one]) for one in (name, name + MARGIN))] for name in names
    ]
