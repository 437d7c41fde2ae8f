"""Offers, negotiations and agreements: every step there is, and who may take it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from tables import cases, parts, rows
from worlds import World, pay, right

from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import in_years
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import rules
from usufruct.core.contract.facts import (
    AgreementEnded,
    AgreementReached,
    NegotiationMoved,
    OfferPublished,
    OfferWithdrawn,
    Terms,
)
from usufruct.core.contract.negotiation import FINAL, MESSAGES, MOVES, START, moves_from
from usufruct.core.contract.state import Agreement, Negotiation
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.grants import RightRevoked

MOVES_TABLE = """
from      | message   | by either side it leads to | by the provider only | by the consumer only
----------+-----------+----------------------------+----------------------+---------------------
START     | request   |                            |                      | REQUESTED
START     | offer     |                            | OFFERED              |
REQUESTED | offer     |                            | OFFERED              |
REQUESTED | agree     |                            | AGREED               |
REQUESTED | terminate | TERMINATED                 |                      |
OFFERED   | request   |                            |                      | REQUESTED
OFFERED   | accept    |                            |                      | ACCEPTED
OFFERED   | terminate | TERMINATED                 |                      |
ACCEPTED  | agree     |                            | AGREED               |
ACCEPTED  | terminate |                            | TERMINATED           |
AGREED    | verify    |                            |                      | VERIFIED
AGREED    | terminate |                            |                      | TERMINATED
VERIFIED  | finalize  |                            | FINALIZED            |
VERIFIED  | terminate |                            | TERMINATED           |
"""
STATES = ("REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED", "FINALIZED", "TERMINATED")


def written(state: str, message: str, side: str) -> str | None:
    """Where the table above says that a message leads; None if it may not be sent."""
    for row in rows(MOVES_TABLE):
        if (row["from"], row["message"]) == (state, message):
            return row["by either side it leads to"] or row[f"by the {side} only"] or None
    return None


def test_the_table_of_moves_is_the_one_written_here() -> None:
    here = {(row["from"], row["message"]) for row in rows(MOVES_TABLE)}
    assert here == set(MOVES)
    for (state, message), (who, leads_to) in MOVES.items():
        sides = ("provider", "consumer") if who == "either" else (who,)
        assert [side for side in ("provider", "consumer") if written(state, message, side)] == list(sides)
        assert written(state, message, sides[0]) == leads_to


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("message", [*MESSAGES, "", "Agree", "delete"])
@pytest.mark.parametrize("side", ["provider", "consumer"])
def test_every_move(state: str, message: str, side: str) -> None:
    world = World()
    world.add(NegotiationMoved("n", "o", "provider", "consumer", "x", "m", state))
    answer = rules.move(world.state, "n", message, side)
    leads_to = written(state, message, side)
    if leads_to:
        assert answer == NegotiationMoved("n", "o", "provider", "consumer", side, message, leads_to)
        world.add(answer)
        row = world.state.get(Negotiation, "n")
        assert row is not None and row.state == leads_to
        return
    assert isinstance(answer, Refusal)
    other = written(state, message, "consumer" if side == "provider" else "provider")
    assert answer.code == ("contract.not-yours" if other else "contract.transition")
    for possible in moves_from(state):
        assert possible in answer.remedy
    if state in FINAL:
        assert "nothing; it is over" in answer.remedy


def test_final_states_are_final_and_every_other_can_be_left() -> None:
    reached = {START} | {state for _, state in MOVES.values()}
    assert reached == {START, *STATES}
    assert {state for state in reached if not moves_from(state)} == set(FINAL)


def test_who_is_on_neither_side_learns_nothing() -> None:
    world = World()
    world.add(NegotiationMoved("n", "o", "provider", "consumer", "x", "m", "REQUESTED"))
    stranger = rules.move(world.state, "n", "agree", "insurer")
    nowhere = rules.move(world.state, "none", "agree", "insurer")
    assert isinstance(stranger, Refusal) and isinstance(nowhere, Refusal)
    assert stranger.code == "registry.unknown"
    assert str(stranger).replace("`n`", "`none`") == str(nowhere)


OFFERS = """
offer | by        | of   | form       | purposes         | price         | years | until      | on         | answer
------+-----------+------+------------+------------------+---------------+-------+------------+------------+------------------
a     | coop      | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | published
a     | coop      | pay  | aggregates | AcademicResearch | 0 EUR         | 30    | 2026-03-02 | 2026-03-01 | published
a     | coop      | pay  | aggregates | Marketing; AcademicResearch | 1 EUR | 1  | 2027-03-01 | 2026-03-01 | published
# rights: who may not operate, or not pass the use on, offers nothing
a     | source    | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | rights.not-held operate
a     | institute | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | rights.not-held operate
a     | clinic    | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | rights.not-held use it
a     | insurer   | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | rights.not-held operate
a     | lab       | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | published
a     | lab       | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-07-01 | rights.not-held use it
# records as they are, of what is graded low enough
a     | coop      | pay  | rows       | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | published
# a price in the currency of the node's ledger, for another could not be divided
a     | coop      | pay  | aggregates | AcademicResearch | 500 USD       | 1     | 2027-03-01 | 2026-03-01 | contract.terms in EUR
# names
taken | coop      | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | registry.exists
a     | coop      | pix  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | registry.unknown
A a   | coop      | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | cannot be the id
# it would have run out
a     | coop      | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2026-03-01 | 2026-03-01 | contract.terms
a     | coop      | pay  | aggregates | AcademicResearch | 500 EUR       | 1     | 2026-02-28 | 2026-03-01 | contract.terms
# terms that cannot be read
a     | coop      | pay  | tables     | AcademicResearch | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | not a form of answer
a     | coop      | pay  | aggregates |                  | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | name no purpose
a     | coop      | pay  | aggregates | Purposes         | 500 EUR       | 1     | 2027-03-01 | 2026-03-01 | not in the purpose tree
a     | coop      | pay  | aggregates | AcademicResearch; Fun | 500 EUR  | 1     | 2027-03-01 | 2026-03-01 | not in the purpose tree
a     | coop      | pay  | aggregates | AcademicResearch | 500 XXX       | 1     | 2027-03-01 | 2026-03-01 | price cannot be
a     | coop      | pay  | aggregates | AcademicResearch | -1 EUR        | 1     | 2027-03-01 | 2026-03-01 | price cannot be
a     | coop      | pay  | aggregates | AcademicResearch | 1000000000000 EUR | 1 | 2027-03-01 | 2026-03-01 | published
a     | coop      | pay  | aggregates | AcademicResearch | 1000000000001 EUR | 1 | 2027-03-01 | 2026-03-01 | price cannot be
a     | coop      | pay  | aggregates | AcademicResearch | 500 EUR       | 0     | 2027-03-01 | 2026-03-01 | cannot last 0
a     | coop      | pay  | aggregates | AcademicResearch | 500 EUR       | 31    | 2027-03-01 | 2026-03-01 | cannot last 31
"""


def market() -> World:
    """Others' rights beside the coop's: `clinic` may operate, `insurer` may pass the use on, `lab` both for a while."""
    world = pay(World())
    world.add(right("r1", "source", "clinic", None, kind="operate"), right("r2", "source", "insurer", None))
    world.add(right("r3", "source", "lab", None, kind="operate"), right("r4", "coop", "lab", "use", until="2026-07-01"))
    world.add(OfferPublished("taken", "pay", "coop", TERMS, instants.parse("2026-08-01")))
    return world


TERMS = Terms("aggregates", ("AcademicResearch",), 500, "EUR", 2)


@cases(OFFERS)
def test_offers(row: dict[str, str]) -> None:
    world = market()
    at = world.go(row["on"])
    price, currency = row["price"].split()
    terms = Terms(row["form"], parts(row["purposes"]), int(price), currency, int(row["years"]))
    until = instants.parse(row["until"])
    try:
        answer: object = rules.publish(world.state, row["offer"], row["of"], row["by"], terms, until, False, at, "EUR")
    except BadInput as bad:
        answer = bad
    if isinstance(answer, BadInput):
        assert row["answer"] in str(answer) and answer.remedy
    elif row["answer"] == "published":
        assert answer == OfferPublished(row["offer"], row["of"], row["by"], terms, until)
    else:
        code, _, words = row["answer"].partition(" ")
        assert isinstance(answer, Refusal)
        assert answer.code == code and words in answer.reasons[0]


def test_an_offer_without_an_end_is_open_for_as_long_as_an_agreement_lasts() -> None:
    world = market()

    def publish(years: int) -> object:
        terms = replace(TERMS, years=years)
        return rules.publish(world.state, "a", "pay", "coop", terms, None, False, world.at, "EUR")

    for years in (-(10**9), -2027, 0, 31, 10**9):
        with pytest.raises(BadInput, match="cannot last"):
            publish(years)
    offer = publish(3)
    assert isinstance(offer, OfferPublished) and offer.until == in_years(world.at, 3)


REQUESTS = """
offer  | by        | on         | withdrawn | answer
-------+-----------+------------+-----------+----------------------
taken  | institute | 2026-07-31 |           | REQUESTED
taken  | institute | 2026-08-01 |           | contract.offer-closed
taken  | institute | 2026-07-31 | by coop   | contract.offer-closed
taken  | institute | 2026-07-31 | by clinic | REQUESTED
taken  | nobody    | 2026-07-31 |           | registry.unknown
none   | institute | 2026-07-31 |           | registry.unknown
"""


@cases(REQUESTS)
def test_requests(row: dict[str, str]) -> None:
    world = market()
    at = world.go(row["on"])
    if row["withdrawn"]:
        by = row["withdrawn"].removeprefix("by ")
        taken_back = rules.withdraw(world.state, "taken", by)
        if by == "coop":
            assert taken_back == OfferWithdrawn("taken")
            world.add(taken_back)
            twice = rules.withdraw(world.state, "taken", by)
            assert isinstance(twice, Refusal) and twice.code == "registry.unknown"
        else:
            assert isinstance(taken_back, Refusal) and taken_back.code == "registry.unknown"
    answer = rules.request(world.state, "n", row["offer"], row["by"], at)
    if isinstance(answer, Refusal):
        assert answer.code == row["answer"]
    else:
        assert (answer.state, answer.provider, answer.consumer, answer.by) == (
            row["answer"],
            "coop",
            row["by"],
            row["by"],
        )


ENDS = """
# the terms are for two years
provider's right until | concluded on | agreement until
-----------------------+--------------+----------------
                       | 2026-03-01   | 2028-03-01
2027-01-01             | 2026-03-01   | 2027-01-01
2040-01-01             | 2026-03-01   | 2028-03-01
2027-01-01             | 2026-12-31   | 2027-01-01
2027-01-01             | 2027-01-01   | rights.not-held
                       | 2028-02-29   | 2030-02-28
"""


@cases(ENDS)
def test_an_agreement_lasts_no_longer_than_its_terms_and_the_right_it_rests_on(row: dict[str, str]) -> None:
    world = pay(World())
    until = instants.parse(row["provider's right until"]) if row["provider's right until"] else instants.END_OF_TIME
    world.add(RightRevoked("use", "pay", "source", "coop"))
    world.add(RightGranted("r", "pay", "use", "source", "coop", True, until))
    world.add(OfferPublished("o", "pay", "coop", TERMS, instants.END_OF_TIME))
    world.add(NegotiationMoved("n", "o", "coop", "institute", "coop", "finalize", "FINALIZED"))
    answer = rules.conclude(world.state, "a", "n", world.go(row["concluded on"]))
    if isinstance(answer, Refusal):
        assert answer.code == row["agreement until"]
        return
    assert answer.until == instants.parse(row["agreement until"])
    assert (answer.terms, answer.right, answer.consumer) == (TERMS, "r", "institute")


def test_either_side_ends_an_agreement_once_and_nobody_else_does() -> None:
    for by, on in itertools.product(("coop", "institute", "insurer", ""), ("2026-03-01", "2027-03-01")):
        world = World()
        world.add(AgreementReached("a", "n", "o", "pay", "coop", "institute", TERMS, instants.parse("2027-03-01"), "r"))
        at = world.go(on)
        answer = rules.end(world.state, "a", by, at)
        if by in ("coop", "institute") and on == "2026-03-01":
            assert answer == AgreementEnded("a", by)
            world.add(answer)
            row = world.state.get(Agreement, "a")
            assert row is not None and not row.active(at)
            answer = rules.end(world.state, "a", by, at)
        assert isinstance(answer, Refusal)
        assert answer.code == "registry.unknown"
        other = rules.end(world.state, "z", by, at)
        assert str(answer).replace("`a`", "`z`") == str(other)
