"""Pay for work: what a slip adds up to, that nothing is paid twice or forgotten, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import World

from delivering import MONDAY, OPERATOR, agreed, done, job, parties, shift, terms, week_of
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later, parse
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.ledger import Account
from usufruct.core.income.posting import CreditLimited
from usufruct.core.work.facts import JobAgreed, JobPosted, Pay
from usufruct.core.work.hours.measured import engaged_ms
from usufruct.core.work.pay.rules import correct, counted_once, pay, plan, promised, turn_down
from usufruct.core.work.pay.state import Deduction, PayPlanned, PayRun, Payslip, Reckoning, TopUp, WorkPay
from usufruct.core.work.state import JobAgreement, Work

NEXT = later(MONDAY, days=7)


def world(*riders: str) -> World:
    made = World(MONDAY)
    made.add(*parties(riders), *job(), *(fact for rider in riders for fact in agreed(rider)))
    return made


def planned(at: World, until: Instant = NEXT, id: str = "pay-1", **more: Any) -> PayPlanned:
    at.at = max(at.at, later(until, hours=1))
    found = plan(at.state, id, OPERATOR, "EUR", None, until, OPERATOR, at.at, **more)
    assert not isinstance(found, Refusal), found
    at.add(found)
    return found


def paid(at: World, id: str = "pay-1") -> None:
    found = pay(at.state, id, OPERATOR, OPERATOR)
    assert not isinstance(found, Refusal), found
    at.add(*found)


def balance(at: World, account: str) -> int:
    row = at.state.get(Account, account, "EUR")
    return row.balance if row else 0


@cases("""
per job | per hour | per km | minutes | metres | promised
--------+----------+--------+---------+--------+---------
450     | 0        | 0      | 60      | 9000   | 450
0       | 900      | 0      | 20      | 0      | 300
0       | 1000     | 0      | 20      | 0      | 334
0       | 0        | 35     | 60      | 2100   | 74
200     | 900      | 50     | 50      | 1500   | 1025
0       | 0        | 0      | 50      | 1500   | 0
""")
def test_what_an_agreement_promises_is_rounded_up(row: dict[str, str]) -> None:
    rates = Pay("EUR", int(row["per job"]), int(row["per hour"]), int(row["per km"]))
    made = World(MONDAY)
    made.add(
        *parties(["anna"]),
        JobPosted("job", OPERATOR, terms(MONDAY, rates), NEXT),
        JobAgreed("agreement", "job", "anna", OPERATOR, terms(MONDAY, rates)),
        done("1", "anna", MONDAY, int(row["minutes"]), 0, 0, metres=int(row["metres"]), agreement="agreement"),
    )
    work, agreement = made.state.get(Work, "work-1"), made.state.get(JobAgreement, "agreement")
    assert work is not None
    assert promised(agreement, work, engaged_ms(work.engaged))[0] == int(row["promised"])


def test_an_hour_of_two_orders_is_an_hour_of_the_one_that_began_first() -> None:
    made = world("anna")
    made.add(
        done("1", "anna", later(MONDAY, hours=9), 60, 0, 0), done("2", "anna", later(MONDAY, hours=9.5), 60, 0, 0),
        done("3", "anna", later(MONDAY, hours=9.25), 30, 0, 0),
    )  # fmt: skip
    found = counted_once(made.state.list(Work, worker="anna"))
    assert {name: ms // 60_000 for name, ms in found.items()} == {"work-1": 60, "work-3": 0, "work-2": 30}


def test_concurrent_orders_are_promised_one_time_not_two() -> None:
    made = world("anna")
    both = done("1", "anna", MONDAY, 30, 0, 0, metres=0)
    twice = type(both)(**{**{name: getattr(both, name) for name in both.__slots__}, "engaged": both.engaged * 2})
    made.add(twice)
    work = made.state.get(Work, "work-1")
    assert work is not None
    agreement = made.state.get(JobAgreement, "agreement-city-riders-anna")
    assert promised(agreement, work, counted_once([work])["work-1"])[0] == 200 + 450


def test_a_slip_adds_up_and_the_ledger_moves_just_that() -> None:
    made = world("anna")
    made.add(
        done("1", "anna", later(MONDAY, hours=10), 30, 1450, 290, tips=100, surcharges=40),
        done("2", "anna", later(MONDAY, hours=11), 60, 800, 300, tips=20),  # promised 200 + 900 + 50, paid 500
    )
    found = planned(made)
    (slip,) = found.reckonings
    assert (slip.gross, slip.fee, slip.tips, slip.made_up, slip.surcharges) == (2250, 590, 120, 650, 40)
    assert slip.net == 2250 - 590 + 650 + 120
    assert slip.lines[1].basis == "2.00 EUR for the job, 9.00 EUR an hour for 1 h 00 min, 0.50 EUR a km for 1000 m"
    assert balance(made, "party:anna") == 0, "a plan moves nothing"
    paid(made)
    assert balance(made, "party:anna") == slip.net
    assert balance(made, "fund:city-riders-surcharges") == 40
    assert balance(made, f"party:{OPERATOR}") == -(slip.net + 40) == -found.total


def test_a_floor_tops_up_to_the_highest_and_tips_are_not_in_it() -> None:
    def floors(
        read: Reader, worker: str, operator: str, since: Instant, until: Instant, pay: int, currency: str
    ) -> list[TopUp]:
        hours = {"engaged": 1, "online": 2, "whole-shift": 3}
        return [
            TopUp(
                name,
                count * 3_600_000,
                1200,
                due := 1200 * count,
                pay,
                max(0, due - pay),
                f"floor-{name}",
                "law 1",
                "state",
            )
            for name, count in hours.items()
        ]

    made = world("anna", "ben")
    made.add(done("1", "anna", later(MONDAY, hours=10), 60, 2000, 500, tips=900))
    made.add(shift("ben", later(MONDAY, hours=10), 3))  # he waited three hours, and nothing came
    anna, ben = planned(made, floors=floors).reckonings
    other = planned(
        made,
        id="pay-0",
        floors=lambda *asked: [replace(floor, binding=floor.definition == "engaged") for floor in floors(*asked)],
    )
    assert [slip.top_up for slip in other.reckonings] == [0, 1200], "a floor on engaged time pays next to nothing"
    assert (anna.top_up, anna.net) == (3600 - 1500, 3600 + 900)
    assert [floor.amount for floor in anna.floors] == [0, 900, 2100]
    assert (ben.worker, ben.lines, ben.top_up, ben.net) == ("ben", (), 3600, 3600)
    paid(made)
    assert balance(made, "party:ben") == 3600


def test_contributions_are_stated_and_what_is_left_to_take_home() -> None:
    def deductions(
        read: Reader, worker: str, operator: str, slip: Reckoning, currency: str, until: Instant
    ) -> list[Deduction]:
        return [
            Deduction("pension", "worker", slip.net // 10, "fund:pension"),
            Deduction("pension", "operator", slip.net // 20, "fund:pension"),
        ]

    made = world("anna")
    made.add(done("1", "anna", later(MONDAY, hours=10), 30, 1450, 290))
    (slip,) = planned(made, deductions=deductions).reckonings
    assert (slip.net, slip.taken, slip.take_home) == (1160, 116, 1044)


def test_windows_follow_on_each_other_and_late_work_is_paid_once() -> None:
    made = world("anna")
    made.add(*week_of("anna", MONDAY))
    planned(made)
    paid(made)
    made.add(done("late", "anna", later(MONDAY, hours=9), 20, 1000, 100), *week_of("anna", NEXT))
    second = planned(made, later(NEXT, days=7), "pay-2")
    assert (second.parent, second.since, len(second.reckonings[0].lines)) == ("pay-1", NEXT, 41)
    paid(made, "pay-2")
    assert len(list(made.state.list(WorkPay))) == len(list(made.state.list(Work))) == 81
    assert balance(made, "party:anna") == sum(slip.reckoning.net for slip in made.state.list(Payslip))


def test_a_plan_is_carried_out_once_or_refused_or_stale() -> None:
    made = world("anna")
    made.add(*week_of("anna", MONDAY))
    planned(made)
    planned(made, id="pay-2")
    planned(made, id="pay-3")
    refused = turn_down(made.state, "pay-3", OPERATOR, "the tips are missing", OPERATOR)
    assert not isinstance(refused, Refusal)
    made.add(refused)
    paid(made)
    assert pay(made.state, "pay-1", OPERATOR, OPERATOR).code == "pay.state"  # type: ignore[union-attr]
    assert pay(made.state, "pay-2", OPERATOR, OPERATOR).code == "pay.stale"  # type: ignore[union-attr]
    assert pay(made.state, "pay-3", OPERATOR, OPERATOR).code == "pay.state"  # type: ignore[union-attr]
    assert pay(made.state, "pay-9", OPERATOR, OPERATOR).code == "registry.unknown"  # type: ignore[union-attr]
    assert pay(made.state, "pay-2", "anna", "anna").code == "registry.unknown"  # type: ignore[union-attr]
    run = made.state.get(PayRun, "pay-3")
    assert run is not None and (run.stands, run.why) == ("refused", "the tips are missing")
    with pytest.raises(BadInput):
        turn_down(made.state, "pay-2", OPERATOR, " ", OPERATOR)


@cases("""
since      | until      | currency | now        | code
-----------+------------+----------+------------+-------------
           | 2026-11-09 | EUR      | 2026-11-08 | pay.window
           | 2026-11-01 | EUR      | 2026-11-10 | pay.nothing
2026-11-10 | 2026-11-09 | EUR      | 2026-11-12 | pay.window
           | 2026-11-09 | USD      | 2026-11-10 | pay.nothing
""")
def test_what_cannot_be_planned(row: dict[str, str]) -> None:
    made = world("anna")
    made.add(*week_of("anna", MONDAY))
    since = parse(row["since"]) if row["since"] else None
    found = plan(
        made.state, "pay-1", OPERATOR, row["currency"], since, parse(row["until"]), OPERATOR, parse(row["now"])
    )
    assert isinstance(found, Refusal) and found.code == row["code"]


def test_an_operator_without_cover_of_its_account_plans_and_pays_nothing() -> None:
    made = world("anna")
    made.add(*week_of("anna", MONDAY))
    planned(made)
    made.add(CreditLimited(OPERATOR, "EUR", 100, OPERATOR))
    assert pay(made.state, "pay-1", OPERATOR, OPERATOR).code == "ledger.limit"  # type: ignore[union-attr]
    found = plan(made.state, "pay-2", OPERATOR, "EUR", None, NEXT, OPERATOR, made.at)
    assert isinstance(found, Refusal) and found.code == "ledger.limit"


def test_corrections_are_new_facts_and_never_take_more_than_was_paid() -> None:
    made = world("anna")
    made.add(done("1", "anna", later(MONDAY, hours=10), 30, 1450, 290))
    planned(made)
    paid(made)
    more = correct(made.state, "correction-1", "pay-1-1", OPERATOR, Money(240, "EUR"), "a tip came late", OPERATOR)
    assert not isinstance(more, Refusal)
    made.add(more)
    assert balance(made, "party:anna") == 1400
    for amount in (Money(0, "EUR"), Money(-1401, "EUR"), Money(5, "USD")):
        found = correct(made.state, "correction-2", "pay-1-1", OPERATOR, amount, "wrong", OPERATOR)
        assert isinstance(found, Refusal) and found.code == "pay.correction"
    back = correct(
        made.state, "correction-2", "pay-1-1", OPERATOR, Money(-1400, "EUR"), "it was somebody else", OPERATOR
    )
    assert not isinstance(back, Refusal)
    made.add(back)
    assert balance(made, "party:anna") == balance(made, f"party:{OPERATOR}") == 0
    not_hers = correct(made.state, "correction-3", "pay-1-1", "anna", Money(5, "EUR"), "more", "anna")
    assert isinstance(not_hers, Refusal) and not_hers.code == "registry.unknown"


deliveries = st.lists(
    st.tuples(
        st.sampled_from(["anna", "ben", OPERATOR]), st.integers(0, 28 * 24), st.integers(0, 90), st.integers(0, 3000),
        st.integers(0, 100), st.integers(0, 400), st.integers(0, 90),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@given(deliveries, st.lists(st.integers(1, 28), min_size=1, max_size=4, unique=True))
def test_every_piece_of_work_is_paid_exactly_once_and_the_books_balance(found: Any, days: list[int]) -> None:
    made = world("anna", "ben")
    for number, (rider, hour, minutes, gross, percent, tips, surcharges) in enumerate(found):
        start = later(MONDAY, hours=hour)
        made.add(done(str(number), rider, start, minutes, gross, gross * percent // 100, tips, surcharges=surcharges))
    made.at = later(MONDAY, days=40)
    for day in [*sorted(days), 35]:
        result = plan(made.state, f"pay-{day}", OPERATOR, "EUR", None, later(MONDAY, days=day), OPERATOR, made.at)
        if not isinstance(result, Refusal):
            made.add(result)
            paid(made, f"pay-{day}")
    hers = [work for work in made.state.list(Work) if work.worker != OPERATOR]
    assert {row.work for row in made.state.list(WorkPay)} == {work.id for work in hers}
    lines = [line.work for slip in made.state.list(Payslip) for line in slip.reckoning.lines]
    assert len(lines) == len(set(lines)) == len(hers)
    assert sum(row.balance for row in made.state.list(Account)) == 0
    for rider in ("anna", "ben"):
        floor = sum(work.gross - work.fee + work.tips for work in hers if work.worker == rider)
        assert balance(made, f"party:{rider}") >= floor
    assert balance(made, "fund:city-riders-surcharges") == sum(work.surcharges for work in hers)
