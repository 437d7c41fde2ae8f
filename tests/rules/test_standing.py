"""Agreements that run by themselves: what is due when, in which order, once, however seldom anybody looks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import START, World, pay, right

from usufruct.core.access import clauses
from usufruct.core.access.clauses import (
    AgreementLapsed,
    AgreementRenewed,
    Fee,
    FeeDue,
    NoticeGiven,
    OfferScheduled,
    Price,
    Renewal,
    RenewalDeclined,
    Running,
    Schedule,
    Step,
)
from usufruct.core.access.proof import Request
from usufruct.core.access.rules import prove
from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant, in_months, in_years, later
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementEnded, AgreementReached, NegotiationMoved, OfferPublished, Terms
from usufruct.core.contract.state import Agreement, AgreementUses
from usufruct.core.income.accounts import income_of, of_party
from usufruct.core.income.ledger import Account
from usufruct.store.memory import MemoryState

TERMS = Terms("aggregates", ("AcademicResearch",), 500, "EUR", 1)


def world(schedule: Schedule, rests_on: str = "use") -> World:
    made = pay(World())
    made.add(right("short", "coop", "coop", "use", until="2027-09-01"))
    made.add(OfferPublished("o", "pay", "coop", TERMS, END_OF_TIME), OfferScheduled("o", "coop", schedule))
    until = in_years(START, 1)
    made.add(AgreementReached("agreed", "n", "o", "pay", "coop", "institute", TERMS, until, rests_on))
    return made


def look(made: World) -> list[Step]:
    """Takes what is due now, as `node.standing` does."""
    taken: list[Step] = []
    while True:
        running, agreement = made.state.get(Running, "agreed"), made.state.get(Agreement, "agreed")
        assert running is not None and agreement is not None
        if running.state != "runs":
            return taken
        until = clauses.end_of_right(made.state, agreement, made.at)
        step = clauses.due(agreement, running, lambda until=until: until)  # type: ignore[misc]
        if step is None or step.due > made.at:
            return taken
        made.add(step)
        taken.append(step)


FULL = Schedule(fee=Fee(1000, 1), renewal=Renewal(6, 2, 30), notices=(60, 14))


def test_a_year_with_all_clauses() -> None:
    made = world(FULL)
    made.go("2028-06-01")
    taken = look(made)
    kinds = [(type(step), step.clause, step.due[:10]) for step in taken if not isinstance(step, FeeDue)]
    assert kinds == [
        (NoticeGiven, "notice/60", "2026-12-31"), (AgreementRenewed, "renewal", "2027-01-30"),
        (NoticeGiven, "notice/60", "2027-07-03"), (AgreementRenewed, "renewal", "2027-08-02"),
        (NoticeGiven, "notice/60", "2028-01-01"), (NoticeGiven, "notice/14", "2028-02-16"),
        (AgreementLapsed, "end", "2028-03-01"),
    ]  # fmt: skip
    fees = [step for step in taken if isinstance(step, FeeDue)]
    assert [fee.number for fee in fees] == list(range(1, 25)) and {fee.amount for fee in fees} == {1000}
    assert [step.due for step in taken] == sorted(step.due for step in taken), "in the order in which they were due"
    balances = [made.state.get(Account, account, "EUR") for account in (of_party("institute"), income_of("pay"))]
    assert [row.balance for row in balances if row] == [-24_000, 24_000]
    assert look(made) == [], "each once"


@settings(max_examples=60)
@given(st.lists(st.integers(1, 200), max_size=12))
def test_it_does_not_matter_how_often_anybody_looks(days: list[int]) -> None:
    once, often = world(FULL), world(FULL)
    end = instants.parse("2028-06-01")
    taken: list[Step] = []
    for pause in days:
        often.at = min(later(often.at, days=pause), end)
        taken += look(often)
    often.at = once.at = end
    assert look(once) == [*taken, *look(often)]


def test_a_renewal_is_declined_in_time_or_not_at_all() -> None:
    made = world(FULL)
    made.go("2027-01-29")
    for by in ("insurer", "source"):
        assert isinstance(clauses.decline(made.state, "agreed", by, made.at), Refusal)
    made.add(
        *(
            fact
            for fact in [clauses.decline(made.state, "agreed", "institute", made.at)]
            if isinstance(fact, RenewalDeclined)
        )
    )
    assert isinstance(clauses.decline(made.state, "agreed", "coop", made.at), Refusal), "it is declined already"
    made.go("2028-01-01")
    assert not any(isinstance(step, AgreementRenewed) for step in look(made))
    late = world(FULL)
    late.go("2027-01-30")
    answer = clauses.decline(late.state, "agreed", "coop", late.at)
    assert isinstance(answer, Refusal) and "too late" in answer.reasons[0]


def test_no_agreement_is_renewed_beyond_the_right_that_it_rests_on() -> None:
    made = world(Schedule(renewal=Renewal(12, 3, 30)), rests_on="short")
    made.go("2029-01-01")
    renewed = [step for step in look(made) if isinstance(step, AgreementRenewed)]
    assert renewed == [], "the right is over when somebody looks at last"
    made = world(Schedule(renewal=Renewal(12, 3, 30)), rests_on="short")
    made.go("2027-02-01")
    (step,) = look(made)
    assert isinstance(step, AgreementRenewed) and step.until == instants.parse("2027-09-01")


def test_a_renewed_agreement_permits_and_its_proof_says_why() -> None:
    made = world(FULL)
    request = Request("institute", "pay", "AcademicResearch", "aggregates", ("year",))
    made.go("2027-02-10")
    look(made)
    made.go("2027-03-02")
    proof = prove(made.state, request, made.at)
    assert proof.permits
    cited = {seq for premise in proof.premises for seq in premise.rests_on}
    few = MemoryState(entry for entry in made.entries if entry.seq in cited)
    assert prove(few, request, made.at).encode() == proof.encode()
    for missing in cited:
        fewer = MemoryState(
            entry for entry in made.entries
            if entry.seq in cited - {missing} and not (
                isinstance(entry.fact, AgreementRenewed)
                and any(isinstance(made.entries[missing].fact, kind) for kind in (OfferScheduled, AgreementReached))
            )
        )  # fmt: skip
        assert not prove(fewer, request, made.at).permits, made.entries[missing]


def test_who_ends_an_agreement_ends_its_clauses() -> None:
    made = world(FULL)
    look(made)
    made.add(AgreementEnded("agreed", "institute"))
    made.go("2028-01-01")
    assert look(made) == []


@pytest.mark.parametrize(
    ("uses", "day", "price"),
    [(0, "2026-06-01", 500), (99, "2026-06-01", 500), (100, "2026-06-01", 400), (1000, "2026-06-01", 300),
     (0, "2027-01-01", 600), (99, "2027-01-01", 600), (100, "2027-01-01", 400)],
)  # fmt: skip
def test_prices_by_volume_and_by_date(uses: int, day: str, price: int) -> None:
    prices = (Price(600, since=instants.parse("2027-01-01")), Price(400, above=100), Price(300, above=1000))
    made = world(Schedule(prices))
    made.state.put(AgreementUses("agreed", uses))
    agreement = made.state.get(Agreement, "agreed")
    assert agreement is not None
    assert clauses.price_of(made.state, agreement, prices, instants.parse(day)) == price
    assert clauses.price_of(made.state, agreement, (), instants.parse(day)) == 500


def test_what_an_agreement_binds_to() -> None:
    since, until = START, in_years(START, 1)
    assert clauses.committed(Schedule(), since, until) == 0
    assert clauses.committed(Schedule(fee=Fee(1000, 5)), since, until) == 3000
    assert clauses.committed(FULL, since, until) == 24_000, "with all renewals: nobody may be there to decline"
    assert clauses.highest(500, Schedule((Price(400), Price(700)))) == 700


@pytest.mark.parametrize(
    "wrong",
    [
        Schedule(), Schedule((Price(-1),)), Schedule((Price(1, above=-1),)), Schedule(fee=Fee(0)), Schedule(fee=Fee(1, 0)),
        Schedule(renewal=Renewal(0, 1, 0)), Schedule(renewal=Renewal(1, 0, 0)), Schedule(renewal=Renewal(1, 1, 29)),
        Schedule(notices=(0,)), Schedule(notices=(7, 7)), Schedule(ends=("rain",)), Schedule(notices=tuple(range(1, 60))),
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be(wrong: Schedule) -> None:
    with pytest.raises(BadInput):
        clauses.schedule(world(FULL).state, "o", "coop", wrong)


def test_a_schedule_is_put_on_an_offer_before_anybody_requests_it() -> None:
    made = world(FULL)
    for offer, by in (("o", "institute"), ("none", "coop")):
        assert isinstance(clauses.schedule(made.state, offer, by, FULL), Refusal)
    put = clauses.schedule(made.state, "o", "coop", FULL)
    assert isinstance(put, OfferScheduled) and put.schedule == replace(FULL, ends=("right",)), (
        "a fee ends with the right"
    )
    made.add(NegotiationMoved("n2", "o", "coop", "insurer", "insurer", "request", "REQUESTED"))
    answer = clauses.schedule(made.state, "o", "coop", FULL)
    assert isinstance(answer, Refusal) and answer.code == "contract.terms"


@settings(max_examples=200)
@given(st.dates(), st.integers(0, 400))
def test_months_later(day: object, months: int) -> None:
    text = str(day)
    if int(text[:4]) > 9900:
        return
    there = in_months(Instant(f"{text}T00:00:00.000Z"), months)
    count = int(text[:4]) * 12 + int(text[5:7]) + months
    assert int(there[:4]) * 12 + int(there[5:7]) == count
    assert there[8:10] == text[8:10] or later(there, days=1)[8:10] == "01", "or the last of a shorter month"
