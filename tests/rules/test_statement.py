"""Statements and complaints, by their rules alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from typer.testing import CliRunner
from worlds import World, pay

from usufruct.cli.commands import app
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import plain
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import complaints
from usufruct.core.income import income_statement as statements
from usufruct.core.income.complaints import Complaint, ComplaintAnswered, ComplaintMade
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned
from usufruct.core.income.income_statement import (
    Amounts,
    Line,
    Outstanding,
    Part,
    Passed,
    Released,
    RuleTold,
    Statement,
    UseTold,
)
from usufruct.core.income.inequality import gini
from usufruct.core.income.ledger import Account
from usufruct.core.income.measure import MICRO
from usufruct.core.income.spread import SpreadTold, roughly, spread
from usufruct.core.rulebook.parameters import shipped

EARLY, LATE = Instant("2026-12-01T00:00:00.000Z"), Instant("2027-01-30T00:00:00.000Z")
RULE = RuleTold(2, True, "our rule", "the assembly", "what we decided", "2026-01-01", ("members: 70 %",))


def part(name: str = "running", amount: int = 200, **more: object) -> Part:
    return replace(Part(name, "work", 2000, "party:coop", amount, 0, False, True), **more)  # type: ignore[arg-type]


def use(name: str = "use-1", rows: int = 3, **more: object) -> UseTold:
    made = UseTold(name, "organisation", "AcademicResearch", "aggregates", "2026-11-02", 500, 350, "rows", rows, 7)
    return replace(made, **more)  # type: ignore[arg-type]


def line(**more: object) -> Line:
    made = Line(
        "pay", "Pay", 1000, (part(), part("solidarity", 100, stands_on="responsibility", account="fund:solidarity", fee=False)),
        700, 0, RULE, (use(), use("use-2", 1)), 2, 4, "2026-11-02", "2026-11-20", Amounts(5, 60, 40, 25), "",
        SpreadTold(0, (), 0, 0, "too few"), (),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def statement(*lines: Line, **more: object) -> Statement:
    made = Statement(
        "Wage Commons", "coop", "2026-q4", "p-1", "anna", "Anna Example", "EUR", "plan-9", 9, EARLY, 10, LATE, lines, (), (), (), ()
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


# ---- amounts


@given(st.integers(0, 10**12), st.integers(0, 10**15), st.integers(0, 10**6))
def test_before_and_due_are_paid_and_after(due: int, carried: int, least: int) -> None:
    """By the rule of a settlement that carries: all whole units are paid, unless they are less than the least."""
    whole = (due + carried) // MICRO
    paid = whole if whole >= least else 0
    found = statements.amounts(paid, carried, due + carried - paid * MICRO, MICRO)
    assert found.before + found.due == found.paid + found.after
    assert abs(found.due - due / MICRO) < 1 and min(found.before, found.due, found.paid, found.after) >= 0


AT_LEAST = """
pool | price | gross | at least | because
-----+-------+-------+----------+------------------------
700  | 500   | 1000  | 350      | half of what was earned
700  | 1000  | 1000  | 700      | all of it
7    | 1     | 3     | 2        | rounded down
700  | 0     | 1000  | 0        | it was free
0    | 500   | 1000  | 0        | nothing for the members
0    | 0     | 0     | 0        | nothing was earned
"""


@cases(AT_LEAST)
def test_what_a_use_earned_the_members_at_least(row: dict[str, str]) -> None:
    assert statements.at_least(*(int(row[name]) for name in ("pool", "price", "gross"))) == int(row["at least"])


# ---- what is told of others


def test_no_small_tenth_is_told() -> None:
    few = spread({5: 60, 7: 39}, 7, 10)
    assert (few.members, few.middles, few.mine, few.gini) == (0, (), 0, 0) and "fewer than 100" in few.why_not
    assert spread({5: 60, 7: 40}, 7, 10).why_not == ""


ROUGHLY = """
amount | told
-------+------
0      | 0
1      | 1
4      | 2
5      | 5
9      | 5
10     | 10
23     | 20
777    | 500
99999  | 50000
"""


@cases(ROUGHLY)
def test_amounts_of_others_are_told_roughly(row: dict[str, str]) -> None:
    assert roughly(int(row["amount"])) == int(row["told"])


@given(st.lists(st.integers(0, 10**6), min_size=20, max_size=200), st.data())
def test_tenths_are_those_of_the_sorted_amounts(paid: list[int], data: st.DataObject) -> None:
    mine = data.draw(st.sampled_from(paid))
    counts = {amount: paid.count(amount) for amount in paid}
    found, order = spread(counts, mine, 2), sorted(paid)
    edges = [len(paid) * tenth // 10 for tenth in range(11)]
    assert list(found.middles) == [roughly(order[(edges[t] + edges[t + 1]) // 2]) for t in range(10)]
    assert mine in order[edges[found.mine - 1] : edges[found.mine]]
    assert (found.members, found.gini) == (len(paid), round(gini(paid) * 10))


def test_one_member_more_in_a_use_is_not_told_to_the_others() -> None:
    """46 or 47 of 140 were paid 7.77 or, divided among one more, 7.60: the others read the same."""
    assert spread({18: 94, 777: 46}, 18, 10) == spread({18: 93, 760: 47}, 18, 10)


def test_who_has_no_line_is_in_no_tenth() -> None:
    assert spread({5: 100}, None, 10).mine == 0


# ---- why it changed


def test_why_it_changed_is_told_in_the_numbers_of_both_periods() -> None:
    then = line(
        gross=800, members=560, uses=(use(),), amounts=Amounts(0, 60, 55, 5), rule=replace(RULE, number=1, own=False)
    )
    said = statements.changes(line(), then, "EUR")
    assert said == (
        "the asset earned 10.00 EUR, more than before (8.00 EUR)",
        "the members' share of it was 7.00 EUR, more than before (5.60 EUR)",
        "the rule of division changed: it was rule 1 (our rule), and is rule 2 of this asset (our rule)",
        "uses in which rows of yours counted: 2, and 1 before",
        "rows of yours that counted in them: 4, and 3 before",
        "you were due 0.60 EUR, as before",
        "0.05 EUR were still owed to you from before",
    )
    assert "first statement" in statements.changes(line(), None, "EUR")[0]
    assert statements.compared(line(), then, "EUR").changes == said


# ---- article 18(1), letter by letter


def fields(made: Statement) -> dict[str, tuple[str, ...]]:
    return {field.letter: field.says for field in statements.article18(made)}


def test_every_letter_is_there_and_says_what_it_must() -> None:
    """Directive 2014/26/EU, article 18(1)(a) to (g), of a member with one line and something of everything."""
    complaint = Complaint("complaint-1", "p-1", "2026-q4", "pay", "why", EARLY, LATE, 11)
    right = replace(complaint, id="complaint-0", period="2026-q3", stands="upheld", amount=20, currency="EUR")
    made = statement(
        line(), released=(Released("2026-q1", "pay", 12),), corrections=(right,), complaints=(complaint,),
        outstanding=statements.outstanding([line()], {("2026-q1", "pay"): 30}, 80, [complaint]),
    )  # fmt: skip
    found = fields(made)
    assert list(found) == list("abcdefg")
    assert found["a"] == ("anna (Anna Example)",)
    assert found["b"] == ("Pay, for your data: 0.60 EUR", "complaint-0, put right for 2026-q3: 0.20 EUR")
    assert found["c"] == (
        "right to benefit from Pay: 0.40 EUR (academic research, by an organisation)", "vested of 2026-q1, pay: 0.12 EUR"
    )  # fmt: skip
    assert found["d"] == ("Pay: 2026-11-02 to 2026-11-20, as period 2026-q4",)
    assert found["e"] == ("Pay, running (by work): 2.00 EUR of 10.00 EUR",)
    assert found["f"] == ("Pay, solidarity (by social responsibility): 1.00 EUR of 10.00 EUR",)
    assert found["g"] == (
        "Pay: less than the least that is paid out: 0.25 EUR", "pay: of 2026-q1, not vested yet: 0.30 EUR",
        "costs that you stated and were not paid back yet: 0.80 EUR",
        "what complaint-1 about 2026-q4 will come to, which is open",
    )  # fmt: skip
    assert (made.paid, made.shares) == (40, 32)


def test_every_letter_is_there_where_there_is_nothing_to_say() -> None:
    found = fields(statement(line(parts=(), uses=(), uses_in_all=0, first_day="", amounts=Amounts(0, 0, 0, 0))))
    assert list(found) == list("abcdefg") and all(found.values())
    assert found["b"] == found["c"] == found["e"] == found["f"] == found["g"] == ("nothing",)
    assert found["d"] == ("period 2026-q4",)


def test_several_types_of_use_are_told_with_their_sum_only() -> None:
    """Apart, whole amounts for one use would tell how many rows counted in it."""
    made = statement(line(uses=(use(), use("use-2", purpose="Marketing", kind="person"))))
    (said,) = fields(made)["c"]
    assert said == (
        "right to benefit from Pay: 0.40 EUR (academic research, by an organisation; marketing of any kind, by a person, together)"
    )


def test_a_withheld_use_has_no_name_no_purpose_and_no_user() -> None:
    hidden = use("", kind=statements.WITHHELD, purpose=statements.WITHHELD, form="", day="", measure="", receipt=-1)
    made = statement(line(uses=(hidden,)))
    assert "withheld, by withheld for now" in fields(made)["c"][0]
    assert any(
        said.startswith("the use that is withheld: 5.00 EUR") for said in statements.her_own(made.lines[0], "EUR")
    )


def test_a_party_with_a_share_reads_it_and_no_line_of_data() -> None:
    mine = part(mine=True, vests_months=12)
    made = statement(
        line(parts=(mine, part("cost-3", 50, stands_on="costs", mine=True)), uses=(), amounts=Amounts(0, 0, 0, 0))
    )
    found = fields(made)
    assert found["b"] == ("Pay, running: 2.00 EUR", "Pay, cost-3: 0.50 EUR")
    assert found["c"] == (
        "by work, Pay: 0.00 EUR yet; 2.00 EUR are paid out over 12 months",
        "a cost that was paid back, Pay: 0.50 EUR",
    )
    assert found["e"] == ("nothing",), "what is hers is no deduction"
    assert made.shares == 50


def test_who_gave_her_right_away_reads_who_is_paid() -> None:
    assert fields(statement(line(paid_to="Bank")))["c"][0].endswith("; paid to Bank, who has your right to benefit)")


def test_who_has_the_rights_of_others_reads_what_they_brought() -> None:
    made = statement(passed=(Passed("pay", "Pay", 1, 250), Passed("hours", "Hours", 3, 40)))
    told = (
        "right to benefit from Pay, which one person gave or pledged to you: 2.50 EUR",
        "right to benefit from Hours, which 3 persons gave or pledged to you: 0.40 EUR",
    )
    assert fields(made)["b"] == fields(made)["c"] == told
    assert made.shares == 290 and made.paid == 0


def test_a_floor_is_a_step_of_her_own_sums() -> None:
    said = statements.her_own(line(floor=150), "EUR")
    assert said[1] == "7.00 EUR, less 1.50 EUR for all alike, leave 5.50 EUR for those whose rows counted"
    assert said[2].endswith("of 5.50 EUR for the members")
    assert not any("for all alike" in one for one in statements.her_own(line(floor=0), "EUR"))


def test_her_own_sums_are_right() -> None:
    said = statements.her_own(line(), "EUR")
    assert said[0] == "10.00 EUR earned, less 3.00 EUR in costs, levies and shares, leave the members 7.00 EUR"
    assert said[1] == "use-1: 5.00 EUR of 10.00 EUR, so at least 3.50 EUR of 7.00 EUR for the members"
    assert said[-1] == "0.05 EUR owed before and 0.60 EUR due are 0.40 EUR paid and 0.25 EUR still owed"


# ---- complaints


@pytest.fixture
def world() -> World:
    found = pay(World())
    found.add(PeriodPlanned("plan-1", "q1", None, 0, 9, "EUR", 0, ()), PeriodClosed("q1", "plan-1", "coop"))
    return found


def complain(world: World, reason: str = "two of three rows", period: str = "q1", concerned: bool = True) -> object:
    return complaints.complain(
        world.state, "complaint-5", "member-3", period, "pay", reason, concerned, shipped(), world.at
    )


def answered(world: World, upheld: bool, amount: Money | None, turn_to: str = "", by: str = "coop") -> object:
    return complaints.answer(world.state, "complaint-5", upheld, "because", amount, turn_to, by, "coop", "EUR")


def refused(found: object) -> str:
    assert isinstance(found, Refusal), found
    assert found.reasons and found.remedy
    return found.code


def test_a_complaint_that_is_upheld_is_paid_by_the_operator(world: World) -> None:
    made = complain(world)
    assert isinstance(made, ComplaintMade) and made.until[:10] == "2026-03-31" and made.owner() == "member-3"
    world.add(made)
    assert refused(complain(world)) == "income.complaint", "once"
    for wrong in (None, Money(0, "EUR"), Money(-5, "EUR"), Money(20, "USD"), Money(10**13, "EUR")):
        assert refused(answered(world, True, wrong)) == "income.complaint"
    assert refused(answered(world, True, Money(20, "EUR"), by="insurer")) == "registry.unknown"
    fact = answered(world, True, Money(20, "EUR"))
    assert isinstance(fact, ComplaintAnswered)
    world.add(fact)
    balances = {row.id: row.balance for row in world.state.list(Account)}
    assert balances == {"party:coop": -20, "party:member-3": 20}
    row = world.state.get(Complaint, "complaint-5")
    assert row is not None and (row.stands, row.amount, row.reasons) == ("upheld", 20, "because")
    assert "was upheld, and 0.20 EUR paid: because" in statements.in_words(row)
    assert refused(answered(world, True, Money(20, "EUR"))) == "registry.unknown", "it was answered"


def test_a_complaint_that_is_rejected_says_whom_to_turn_to(world: World) -> None:
    world.add(complain(world))  # type: ignore[arg-type]
    assert refused(answered(world, False, None)) == "income.complaint"
    assert refused(answered(world, False, Money(5, "EUR"), "the court")) == "income.complaint"
    fact = answered(world, False, None, "the arbitrator")
    assert isinstance(fact, ComplaintAnswered)
    world.add(fact)
    row = world.state.get(Complaint, "complaint-5")
    assert row is not None and "you can turn to the arbitrator" in statements.in_words(row)
    assert not list(world.state.list(Account))


def test_who_cannot_complain(world: World) -> None:
    assert refused(complain(world, concerned=False)) == refused(complain(world, period="q7")) == "registry.unknown"
    for wrong in (" ", "x" * 2001):
        with pytest.raises(BadInput):
            complain(world, wrong)
    world.go("2026-04-29")
    assert isinstance(complain(world), ComplaintMade)
    world.go("2026-05-01")
    assert refused(complain(world)) == "income.complaint", "60 days after closing"


def test_the_answer_outlives_the_words_of_who_was_erased(world: World) -> None:
    """Her complaint is sealed with her key; when that is gone, the ledger still stands."""
    world.add(ComplaintAnswered("complaint-5", "member-3", "q1", "pay", True, "because", "coop", 20, "EUR"))
    assert world.state.get(Complaint, "complaint-5") is None
    assert {row.balance for row in world.state.list(Account)} == {20, -20}


def test_what_is_outstanding_is_only_what_is_there() -> None:
    assert statements.outstanding([line(amounts=Amounts(0, 1, 1, 0))], {("q1", "pay"): 0}, 0, []) == ()
    assert statements.outstanding([], {}, 3, []) == (
        Outstanding("costs that you stated and were not paid back yet", 3),
    )


def test_what_all_get_alike_is_told_beside_what_goes_by_rows() -> None:
    assert statements.the_members(replace(line(), floor=0), "EUR") == "those whose rows counted"
    told = statements.the_members(replace(line(), floor=150), "EUR")
    assert told == "those whose rows counted; of it 1.50 EUR for all alike"


def test_a_check_of_a_statement_without_data_says_so(tmp_path: Path) -> None:
    file = tmp_path / "statement.json"
    file.write_text(json.dumps(plain(statement(passed=(Passed("pay", "Pay", 1, 250),)))), encoding="utf-8")
    told = CliRunner().invoke(app, ["income", "check", str(file)])
    assert told.exit_code == 0 and "nothing in it is of data about you" in told.output
