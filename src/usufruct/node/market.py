"""The market: needs are stated, ranked against what is offered, and looked at again when something new is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.access import pricing
from usufruct.core.access.clauses import NO_CLAUSES, OfferSchedule
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.lineage.standing import standing
from usufruct.core.market import needs, ranking
from usufruct.core.market.formation import Formation, formation
from usufruct.core.market.needs import Need, NeedMatch, NeedMatched, NeedStated, NeedWithdrawn, StatedNeed, Wanted
from usufruct.core.market.ranking import Ranked, Supply
from usufruct.core.registry.charter import Charter
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook import grades, public_interest
from usufruct.node.node import Node
from usufruct.ports import Transaction

AT_ONCE = 200  # matches in one transaction


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a need: everything that is offered, ranked; or of one asset by name, why it is not."""

    need: Need
    ranked: tuple[Ranked, ...]
    no: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """A need that was stated, and the matches its author was told of."""

    need: StatedNeed
    matches: tuple[NeedMatch, ...]
    stands: bool


def state_need(node: Node, by: str, need: Need, until: Instant | None = None) -> NeedStated | Refusal:
    """Notes what somebody looks for.

    Raises:
        BadInput: the need says what cannot be.
    """
    return node.record(
        lambda tx: needs.state(tx, numbered("need", tx.next), by, need, until, tx.now, node.about.currency)
    )


def withdraw_need(node: Node, need: str, by: str) -> NeedWithdrawn | Refusal:
    """Somebody no longer looks for it."""
    return node.record(lambda tx: needs.withdraw(tx, need, by))


def search(node: Node, by: str, need: Need, asset: str = "") -> Found:
    """What could meet a need, and what stands in the way of the rest; nothing is noted. With `asset` of that one alone.

    Raises:
        BadInput: the need says what cannot be.
    """
    wanted = needs.checked(need, node.about.currency)
    with node.store.read() as state:
        now = node.clock.now()
        found = [one for one in supplies(state, by, wanted.purpose, now) if asset in ("", one.asset.id)]
        no = ranking.unknown(asset) if asset and not found else None
        return Found(wanted, ranking.rank(wanted, found, grades.in_force(now)), no)


def sought(node: Node, by: str) -> list[Sought]:
    """The needs that a party stated, the newest first."""
    with node.store.read() as state:
        now = node.clock.now()
        rows = list(state.list(StatedNeed, by=by))
        return [Sought(row, tuple(state.list(NeedMatch, need=row.id)), row.stands(now)) for row in reversed(rows)]


def supplies(read: Reader, by: str, purpose: str, at: Instant) -> Iterator[Supply]:
    """What everybody can see in the catalogue: open offers and their assets as they stand. By whom it is asked changes only
    what it costs."""
    party, rule = read.get(Party, by), public_interest.in_force(at)
    free = rule is not None and party is not None and rule.covers(purpose, party.kind)
    for offer in read.list(Offer):
        card = read.get(Asset, offer.asset) if offer.open and offer.until > at else None
        if card is None:
            continue
        schedule, charter = read.get(OfferSchedule, offer.id), read.get(Charter, card.id)
        stands = charter is None or charter.price == 0
        yield Supply(standing(read, card, at), offer, schedule.schedule if schedule else NO_CLAUSES, free and stands)


def demand(node: Node) -> tuple[Wanted, ...]:
    """What is looked for, as counts of parties, and whether it is offered."""
    with node.store.read() as state:
        now = node.clock.now()
        on_offer = list(supplies(state, "", "Purpose", now))
        wanted = list(state.list(StatedNeed, state=needs.LIVE))
        words = {word for row in wanted for word in row.wanted.columns}
        there = frozenset(word for word in words if any(ranking.column(one.asset, word) for one in on_offer))
        allowed = frozenset(purpose for one in on_offer for purpose in one.offer.terms.purposes)
        least = node.rulebook.value("market.demand-parties-min", now)
        return needs.demand(wanted, now, there, allowed, least)


def follow(node: Node) -> str:
    """Tells the authors of needs of what is offered since; says in words what was done, empty if nothing was."""
    with node.store.read() as state:
        if not list(_new(node, state, node.clock.now())):
            return ""
    told = node.store.write(lambda tx: _tell(node, tx))
    return f"{len(told)} new matches of needs" if told else ""


def _tell(node: Node, tx: Transaction) -> list[NeedMatched]:
    found = list(_new(node, tx, tx.now))[:AT_ONCE]
    for fact in found:
        tx.append(fact)
    return found


def _new(node: Node, read: Reader, at: Instant) -> Iterator[NeedMatched]:
    """The matches that nobody was told of yet."""
    for row in read.list(StatedNeed, state=needs.LIVE):
        if not row.stands(at):
            continue
        for one in ranking.rank(row.wanted, supplies(read, row.by, row.wanted.purpose, at), grades.in_force(at)):
            offer = one.supply.offer
            if one.obstacle is None and offer.provider != row.by and read.get(NeedMatch, row.id, offer.id) is None:
                yield NeedMatched(row.id, row.by, offer.id, offer.asset, one.score)


def price_of(node: Node, agreement: str, party: str | None) -> Formation | None:
    """How the price of an agreement of `party` (None: of anybody) came about; None if there is none."""
    with node.store.read() as state:
        row = state.get(Agreement, agreement)
        if row is None or party not in (None, row.provider, row.consumer):
            return None
        return formation(state, row, node.clock.now())


def no_agreement(agreement: str) -> Refusal:
    """What is said where `price_of` finds none."""
    return refuse(
        "registry.unknown", "there is nothing to show", f"there is no agreement `{agreement[:80]}` of yours",
        remedy="take the ids from your own list",
    )  # fmt: skip


def in_words(one: Supply) -> str:
    """What an offer costs, as people read it."""
    said = pricing.in_words(one.offer.terms, one.schedule)
    return f"free for you, by the rule {pricing.PUBLIC_INTEREST} (else {said})" if one.free else said
