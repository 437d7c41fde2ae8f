"""By what rule income is divided: adopt one; state costs; credit work and knowledge."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.access.delegation import only_people
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.state import Offer
from usufruct.core.income import adoption
from usufruct.core.income.facts import CostStated, CreditEnded, CreditGranted, DivisionAdopted
from usufruct.core.income.state import Cost, Credit, rule_in_force
from usufruct.core.income.waterfall import DivisionRule, by_rulebook
from usufruct.core.registry.state import Asset
from usufruct.node.node import Node


@dataclass(frozen=True, slots=True)
class InForce:
    """What the income of an asset is divided by now: the rule, its `number` (0: it is the rulebook's), whether it is the
    asset's `own`; the costs that were stated, and who is credited."""

    asset: str
    title: str
    rule: DivisionRule
    number: int
    own: bool
    since: str
    costs: tuple[Cost, ...]
    credits: tuple[Credit, ...]


def adopt(
    node: Node, rule: DivisionRule, asset: str, effective: Instant | None, by: str, actors: tuple[str, ...] = ()
) -> DivisionAdopted | Refusal:
    """Adopts a rule of division, from now on or from a later day; a person signs it.

    Raises:
        BadInput: a name in it cannot be an id.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "adopt-division", by, actors)
            or adoption.adopt(tx, rule, asset, effective or tx.now, by, node.about.operator, node.rulebook, tx.now)
        )
    )


def state_cost(
    node: Node, asset: str, party: str, amount: Money, what: str, evidence: str, by: str
) -> CostStated | Refusal:
    """Records what an asset cost somebody."""
    return node.record(
        lambda tx: adoption.state_cost(tx, numbered("cost", tx.next), asset, party, amount, what, evidence, by)
    )


def grant_credit(
    node: Node, asset: str, kind: str, party: str, units: int, why: str, until: Instant | None, by: str
) -> CreditGranted | Refusal:
    """Credits a party with work or knowledge that it put into an asset."""
    return node.record(
        lambda tx: adoption.grant_credit(
            tx, numbered("credit", tx.next), asset, kind, party, units, why, until or END_OF_TIME, by, tx.now
        )
    )


def end_credit(node: Node, credit: str, why: str, by: str) -> CreditEnded | Refusal:
    """Ends a credit."""
    return node.record(lambda tx: adoption.end_credit(tx, credit, why, by))


def in_force(node: Node) -> list[InForce]:
    """The rule of every asset, as it is now."""
    now = node.clock.now()
    with node.store.read() as state:
        found = []
        for asset in state.list(Asset):
            adopted = rule_in_force(state, asset.id, now)
            found.append(InForce(
                asset.id, asset.title, adopted.rule if adopted else by_rulebook(node.rulebook, now),
                adopted.number if adopted else 0, bool(adopted and adopted.asset), adopted.effective if adopted else "",
                tuple(state.list(Cost, asset=asset.id)), tuple(state.list(Credit, asset=asset.id)),
            ))  # fmt: skip
    return found


def listed(node: Node) -> list[InForce]:
    """The rules of the assets that are offered to anybody now; of the others nobody need know."""
    now = node.clock.now()
    with node.store.read() as state:
        offered = {offer.asset for offer in state.list(Offer) if offer.open and offer.until > now}
    return [one for one in in_force(node) if one.asset in offered]
