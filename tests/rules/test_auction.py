"""Sealed-bid auctions: the table of outcomes, the laws of the second price, and bids that were tampered with."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import World, pay, right

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import auction
from usufruct.core.contract.auction import Auction, AuctionOpened, commitment, outcome
from usufruct.core.contract.facts import Terms

A, B, C = "a1" * 32, "b2" * 32, "c3" * 32
NONCES = {"a": A, "b": B, "c": C}

OUTCOMES = """
bids           | reserve | winner | price
---------------+---------+--------+------
               | 0       |        | 0
a 10           | 0       | a      | 0
a 10           | 5       | a      | 5
a 10           | 10      | a      | 10
a 10           | 11      |        | 0
a 10, b 7      | 0       | a      | 7
a 10, b 7      | 8       | a      | 8
a 7, b 10, c 9 | 0       | b      | 9
a 10, b 10     | 0       | any    | 10
a 3, b 3, c 2  | 1       | any    | 3
"""


def bids_of(text: str) -> list[tuple[str, int, str]]:
    said = [part.split() for part in text.split(",") if part.strip()]
    return [(name, int(amount), NONCES[name]) for name, amount in said]


@cases(OUTCOMES)
def test_outcomes(row: dict[str, str]) -> None:
    bids = bids_of(row["bids"])
    found = outcome("place", bids, int(row["reserve"]))
    assert found.price == int(row["price"])
    if row["winner"] == "any":
        assert found.winner in {name for name, *_ in bids} and found.lot
    else:
        assert found.winner == row["winner"] and not found.lot
    assert {outcome("place", order, int(row["reserve"])) for order in permutations(bids)} == {found}


@given(st.lists(st.integers(0, 6), min_size=1, max_size=3), st.integers(0, 3), st.integers(0, 6))
def test_nobody_gains_by_bidding_something_else_than_it_is_worth_to_her(
    others: list[int], reserve: int, worth: int
) -> None:
    """Enumerated over every bid that she could make; ties are decided by lot, and then the gain is nothing either way."""
    rest = [(f"other-{n}", amount, f"{n:064x}") for n, amount in enumerate(others)]

    def gain(bid: int) -> int:
        found = outcome("place", [*rest, ("me", bid, A)], reserve)
        return worth - found.price if found.winner == "me" else 0

    assert all(gain(bid) <= gain(worth) for bid in range(9))


def test_the_lot_is_drawn_by_all_together() -> None:
    """Whichever number one of two picks, the other's decides with it: neither wins more than about half of the time."""
    wins = sum(
        outcome("place", [("a", 5, f"{x:064x}"), ("b", 5, f"{y:064x}")], 0).winner == "a"
        for x, y in product(range(20), range(20))
    )
    assert 140 < wins < 260
    for mine in range(5):  # and no number of hers wins against all of the other's
        won = {outcome("place", [("a", 5, f"{mine:064x}"), ("b", 5, f"{y:064x}")], 0).winner for y in range(20)}
        assert won == {"a", "b"}


# ---- in its order


TERMS = Terms("aggregates", ("AcademicResearch",), 0, "EUR", 1)
RESERVE = Money(1_000, "EUR")


def opened(world: World | None = None, days: int = 7) -> World:
    world = world or pay(World())
    world.add(right("use-coop", "source", "coop", None), right("op-coop", "source", "coop", None, kind="operate"))
    closes = later(world.at, days=days)
    fact = auction.open_auction(
        world.state, "place", "pay", "coop", TERMS, RESERVE, closes, later(closes, days=3), world.at, "EUR"
    )
    assert isinstance(fact, AuctionOpened), fact
    world.add(fact)
    return world


def code(found: object) -> str:
    return found.code if isinstance(found, Refusal) else ""


def bid(world: World, who: str, amount: int, nonce: str = A) -> object:
    fact = auction.commit(world.state, "place", who, commitment("place", who, amount, nonce), world.at)
    if not isinstance(fact, Refusal):
        world.add(fact)
    return fact


def show(world: World, who: str, amount: int, nonce: str = A) -> object:
    fact = auction.show(world.state, "place", who, amount, nonce, world.at)
    if not isinstance(fact, Refusal):
        world.add(fact)
    return fact


def move(world: World, days: int) -> None:
    world.at = Instant(later(world.at, days=days))


def test_bids_come_in_sealed_and_are_opened_in_their_time() -> None:
    world = opened()
    assert code(bid(world, "institute", 5_000)) == ""
    assert code(bid(world, "institute", 6_000)) == "contract.auction", "a bid stands"
    assert code(bid(world, "nobody", 1)) == code(bid(world, "coop", 1)) == "registry.unknown"
    assert code(show(world, "institute", 5_000)) == "contract.auction", "too early: others could still bid"
    move(world, 7)
    assert code(bid(world, "insurer", 9_000)) == "contract.auction", "too late"
    assert code(show(world, "institute", 5_000)) == ""
    assert code(show(world, "institute", 5_000)) == "contract.auction"
    assert auction.due(world.state, world.at) == []
    move(world, 3)
    assert [row.id for row in auction.due(world.state, world.at)] == ["place"]
    row = world.state.get(Auction, "place")
    assert row is not None and (row.bids, row.opened) == (1, 1)


@pytest.mark.parametrize(("amount", "nonce"), [(5_001, A), (4_999, A), (5_000, B), (0, A)])
def test_a_bid_that_was_changed_is_not_taken(amount: int, nonce: str) -> None:
    world = opened()
    bid(world, "institute", 5_000)
    move(world, 8)
    assert code(show(world, "institute", amount, nonce)) == "contract.auction"
    assert auction.opened(world.state, "place") == []


def test_nobody_can_take_anothers_commitment_for_hers() -> None:
    world = opened()
    sealed = commitment("place", "institute", 5_000, A)
    for who in ("institute", "insurer"):
        fact = auction.commit(world.state, "place", who, sealed, world.at)
        assert not isinstance(fact, Refusal)
        world.add(fact)
    move(world, 8)
    assert code(show(world, "insurer", 5_000)) == "contract.auction", "it names its bidder"
    assert code(show(world, "institute", 5_000)) == ""
    assert commitment("place", "institute", 5_000, A) != commitment("other", "institute", 5_000, A)


@pytest.mark.parametrize("wrong", ["", "x" * 64, "A1" * 32, "a1" * 31, "a1" * 33])
def test_what_is_no_commitment_cannot_be_read(wrong: str) -> None:
    world = opened()
    with pytest.raises(BadInput, match="is not a commitment"):
        auction.commit(world.state, "place", "institute", wrong, world.at)
    with pytest.raises(BadInput, match="is not a secret number"):
        auction.show(world.state, "place", "institute", 1, wrong, world.at)


def test_an_auction_needs_what_an_offer_needs() -> None:
    world = pay(World())
    closes = later(world.at, days=1)
    for provider, ends, wanted in (
        ("insurer", later(closes, days=1), "rights.not-held"), ("coop", closes, "contract.auction"),
    ):  # fmt: skip
        found = auction.open_auction(
            world.state, "place", "pay", provider, TERMS, RESERVE, closes, ends, world.at, "EUR"
        )
        assert code(found) == wanted
    with pytest.raises(BadInput, match="the reserve cannot be"):
        auction.open_auction(
            world.state, "p", "pay", "coop", TERMS, Money(-1, "EUR"), closes, later(closes, days=1), world.at, "EUR"
        )
