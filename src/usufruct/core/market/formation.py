"""How the price of an agreement came about, and what others paid for the same.

Everything here is in the journal already: the offer, its schedule, the auction, the steps of the negotiation. This reads it
in its order, each step with the number of the fact that says it. What others agreed to on the same asset in the same
scenario (form of answer, and a purpose in common) is shown as prices with how many agreements have each: no name, no day.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from usufruct.core.access import pricing
from usufruct.core.access.clauses import NO_CLAUSES, OfferSchedule, Running
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.contract.auction import Auction
from usufruct.core.contract.odrl import for_previews
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.rulebook import public_interest, purposes


class Step(NamedTuple):
    """One thing that made the price: `how` (`offer`, `schedule`, `auction`, `agreement` or `rule`), in words, and the fact that
    says it (0: a rule of the rulebook)."""

    how: str
    said: str
    seq: int


class Others(NamedTuple):
    """So many agreements of others have this price."""

    price: str
    agreements: int


@dataclass(frozen=True, slots=True)
class Formation:
    """How a price came about, step by step, what it is, and what others agreed to."""

    agreement: str
    price: str
    steps: tuple[Step, ...]
    others: tuple[Others, ...]


def formation(read: Reader, agreement: Agreement, at: Instant) -> Formation:
    """The price of an agreement, explained."""
    running, offer = read.get(Running, agreement.id), read.get(Offer, agreement.offer)
    schedule = running.schedule if running else NO_CLAUSES
    steps = [*_offered(read, agreement, offer), *_agreed(agreement, offer), *_rules(read, agreement, at)]
    return Formation(agreement.id, pricing.in_words(agreement.terms, schedule), tuple(steps), _others(read, agreement))


def _offered(read: Reader, agreement: Agreement, offer: Offer | None) -> list[Step]:
    auction = next(iter(read.list(Auction, agreement=agreement.id)), None)
    if auction is not None:
        said = (
            f"{auction.bids} sealed bids, {auction.opened} of them opened; the second highest, or the reserve of "
            f"{Money(auction.reserve, auction.terms.currency)}: {Money(auction.price, auction.terms.currency)}"
        )
        lot = [Step("auction", "equal bids were decided by lot", auction.ended)] if auction.lot else []
        return [Step("auction", said, auction.ended), *lot]
    if for_previews(agreement.terms.rules):
        return [Step("offer", f"previews of `{agreement.offer}` are free", agreement.seq)]
    steps = []
    if offer is not None:
        steps.append(
            Step(
                "offer",
                f"`{offer.provider}` offered it on {offer.since[:10]}: {pricing.in_words(offer.terms)}",
                offer.seq,
            )
        )
    found = read.get(OfferSchedule, agreement.offer)
    if found is not None:
        steps.append(Step("schedule", pricing.in_words(agreement.terms, found.schedule), found.seq))
    return steps


def _agreed(agreement: Agreement, offer: Offer | None) -> list[Step]:
    how = "at once, for the offer stands for everybody" if offer is not None and offer.standing else "as it was offered"
    return [Step("agreement", f"agreed to on {agreement.since[:10]}, {how}", agreement.seq)]


def _rules(read: Reader, agreement: Agreement, at: Instant) -> list[Step]:
    rule = public_interest.in_force(at)
    if rule is None:
        return []
    allowed = {narrow for purpose in agreement.terms.purposes for narrow in purposes.descendants(purpose)}
    named = [one for one in rule.purposes if one in allowed]
    free = [one for one in named if pricing.is_free(read, agreement, one, at)]
    said = f"uses for {', '.join(map(purposes.label, free))} are free ({rule.source})"
    return [Step("rule", said, 0)] if free else []


def _others(read: Reader, agreement: Agreement) -> tuple[Others, ...]:
    """Other consumers' agreements on the asset, in the same form, for a purpose that both allow."""
    prices: Counter[tuple[int, str]] = Counter()
    for other in read.list(Agreement, asset=agreement.asset):
        if (
            other.consumer == agreement.consumer
            or other.terms.form != agreement.terms.form
            or for_previews(other.terms.rules)
        ):
            continue
        if not purposes.meet(other.terms.purposes, agreement.terms.purposes):
            continue
        running = read.get(Running, other.id)
        schedule = running.schedule if running else NO_CLAUSES
        prices[pricing.yearly(other.terms, schedule), pricing.in_words(other.terms, schedule)] += 1
    return tuple(Others(said, count) for (_, said), count in sorted(prices.items()))
