"""Query plans: how a person is bounded, how much noise goes on an answer, what that costs, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases, parts
from worlds import COLUMNS, World, pay
from worlds import planned as planned_in

from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.facts import BudgetOpened, QueryAdmitted
from usufruct.core.privacy.question import Call, Expression, Measure, Question, Ref, Scan, Value
from usufruct.core.privacy.relations import where
from usufruct.core.privacy.rules import SIGMA_GRAIN, QueryPlan, charge_of, sigma_for
from usufruct.core.privacy.steps import Filtered, tables
from usufruct.wire import sql


def planned(text: str, world: World | None = None, micro_rho: int | None = None) -> QueryPlan | Refusal:
    world = world or pay(World())
    question = sql.parse(text)
    assert isinstance(question, Question), question
    return planned_in(world, question, micro_rho)


PLANS = """
# a person has at most 4 rows, and at most one for each year; noise is the standard deviation in grains
question                                              | in groups | rows in each | noise on each vector               | charge
------------------------------------------------------+-----------+--------------+------------------------------------+-------
SELECT COUNT(*) FROM pay                              | 1         | 4            | rows 8.95                          | 99803
SELECT COUNT(note) FROM pay                           | 1         | 4            | rows of note 8.95                  | 99803
SELECT COUNT(nr) FROM pay                             | 1         | 4            | rows 8.95                          | 99803
SELECT COUNT(DISTINCT nr) FROM pay                    | 1         | 4            | persons 2.25                       | 98766
SELECT COUNT(*) FROM pay GROUP BY year                | 4         | 1            | rows 4.48                          | 99455
SELECT COUNT(*) FROM pay GROUP BY region              | 2         | 4            | rows 12.66                         | 99888
SELECT COUNT(*) FROM pay GROUP BY region, member      | 4         | 4            | rows 17.89                         | 99977
SELECT COUNT(*) FROM pay GROUP BY region, year        | 4         | 1            | rows 4.48                          | 99455
SELECT COUNT(DISTINCT nr) FROM pay GROUP BY region    | 2         | 4            | persons 3.17                       | 99396
# sums are centred: hours of 0 to 60 count as -30 to 30; a fifth of the charge is for the count
SELECT SUM(hours) FROM pay                            | 1         | 4            | rows of hours 20.00; sum of hours 300.00 | 100000
SELECT AVG(hours) FROM pay                            | 1         | 4            | rows of hours 20.00; sum of hours 300.00 | 100000
SELECT AVG(hours) FROM pay WHERE region = 'north'     | 1         | 4            | rows of hours 20.00; sum of hours 300.00 | 100000
# equal measures are bought once, different ones share
SELECT COUNT(*) AS a, COUNT(*) AS b FROM pay          | 1         | 4            | rows 8.95                          | 99803
SELECT COUNT(*) AS a, COUNT(DISTINCT nr) AS b FROM pay | 1        | 4            | rows 12.66; persons 3.17           | 99642
"""


@cases(PLANS)
def test_plans(row: dict[str, str]) -> None:
    made = planned(row["question"])
    assert isinstance(made, QueryPlan)
    names = {name: column for table in tables(made.relation) for name, column in table.columns}
    noise = [f"{v.kind}{f' of {names[v.of]}' if v.of else ''} {float(v.deviation):.2f}" for v in made.vectors]
    assert noise == list(parts(row["noise on each vector"]))
    assert str(made.groups_per_person) == row["in groups"]
    assert str(made.rows_per_group) == row["rows in each"]
    assert str(made.charge) == row["charge"]


PLAN_REFUSALS = """
question                                            | code              | the reason says                | the remedy says
----------------------------------------------------+-------------------+--------------------------------+------------------------------
SELECT COUNT(nosuch) FROM pay                       | privacy.column    | no column `nosuch`             | nr, year, region
SELECT COUNT(pay) FROM pay GROUP BY nosuch          | privacy.column    | no column `nosuch`             | nr, year, region
SELECT COUNT(*) FROM pay WHERE nosuch = 1           | privacy.column    | no column `nosuch`             | nr, year, region
SELECT COUNT(*) FROM pay WHERE pay = 1 AND pya = 1  | privacy.column    | no column `pya`                | nr, year, region
SELECT COUNT(*) FROM pay WHERE nr = 7               | privacy.column    | says whom a row is about       | COUNT(DISTINCT nr)
SELECT COUNT(*) FROM pay WHERE NOT nr IS NULL       | privacy.column    | says whom a row is about       | COUNT(DISTINCT nr)
SELECT COUNT(*) FROM pay WHERE nr IN (1, 2)         | privacy.column    | says whom a row is about       | COUNT(DISTINCT nr)
SELECT COUNT(*) FROM pay GROUP BY nr                | privacy.column    | says whom a row is about       | COUNT(DISTINCT nr)
SELECT COUNT(*) FROM pay GROUP BY NULL              | privacy.key       | by NULL                        | a column
SELECT AVG(tax) FROM pay                            | privacy.measure   | no declared bounds             | pay or hours
SELECT SUM(note) FROM pay                           | privacy.measure   | is no number                   | pay or hours
SELECT AVG(nr) FROM pay                             | privacy.column    | says whom a row is about       | COUNT(DISTINCT nr)
SELECT SUM(year) FROM pay                           | privacy.measure   | stands for groups              | pay or hours
SELECT SUM(tax + 1) FROM pay                        | privacy.measure   | no declared bounds             | LEAST(GREATEST
SELECT COUNT(DISTINCT region) FROM pay              | privacy.measure   | cannot be counted              | COUNT(DISTINCT nr)
SELECT region FROM pay                              | query.unsupported | for totals, and none is asked  | COUNT, SUM or AVG
SELECT * FROM pay                                   | query.unsupported | for totals, and none is asked  | COUNT, SUM or AVG
SELECT COUNT(*) FROM pay WHERE year = 'x'           | privacy.literal   | `x` cannot be compared         | its own type
SELECT COUNT(*) FROM pay WHERE year = 20.5          | privacy.literal   | `20.5` is finer                | fewer decimals
SELECT COUNT(*) FROM pay WHERE pay < 1.999          | privacy.literal   | (2 decimals)                   | fewer decimals
SELECT COUNT(*) FROM pay WHERE pay < 1.00000000000000000000000000001 | privacy.literal | too fine      | shorter number
SELECT COUNT(*) FROM pay WHERE year                 | privacy.literal   | `year` is no condition         | with something
SELECT COUNT(*) FROM pay WHERE member = 1           | privacy.literal   | holds yes or no                | its own type
SELECT COUNT(*) FROM pay WHERE member = 'true'      | privacy.literal   | holds yes or no                | its own type
SELECT COUNT(*) FROM pay WHERE note IS TRUE         | privacy.literal   | `True` cannot be compared      | its own type
SELECT COUNT(*) FROM pay WHERE year = 'Infinity'    | privacy.literal   | `Infinity` cannot              | its own type
SELECT COUNT(*) FROM pay WHERE year = 'nan'         | privacy.literal   | `nan` cannot                   | its own type
SELECT COUNT(*) FROM pay WHERE year = '1e9999999'   | privacy.literal   | `1e9999999` cannot             | its own type
SELECT COUNT(*) FROM pay WHERE year = '1_000'       | privacy.literal   | `1_000` cannot                 | its own type
SELECT COUNT(*) FROM pay WHERE year = 4611686018427387904 | privacy.literal | too large                  | shorter number
SELECT COUNT(*) FROM pay WHERE hours // 0 > 1       | privacy.literal   | divides by `0`                 | above zero
SELECT COUNT(*) FROM pay WHERE hours // hours > 1   | privacy.literal   | divides by `hours`             | above zero
SELECT COUNT(*) FROM pay WHERE note + 1 > 1         | privacy.literal   | `note` is no number            | numbers only
SELECT SUM(pay * pay * pay * pay * pay * pay) AS s FROM pay | privacy.literal | too large                | smaller numbers
SELECT COUNT(*) FROM pay WHERE SUBSTR(note, 0, 1) = 'a' | privacy.literal | above zero                 | SUBSTR(column, 1, 7)
"""


@cases(PLAN_REFUSALS)
def test_plan_refusals(row: dict[str, str]) -> None:
    refusal = planned(row["question"])
    assert isinstance(refusal, Refusal)
    assert refusal.code == row["code"]
    assert row["the reason says"] in refusal.reasons[0]
    assert row["the remedy says"] in refusal.remedy


LITERALS = """
column | as written  | in grains
-------+-------------+----------
year   | 2021        | 2021
year   | 2021.0      | 2021
year   | -5          | -5
year   | 007         | 7
pay    | 12          | 1200
pay    | 12.5        | 1250
pay    | 12.50       | 1250
pay    | 12.5000     | 1250
pay    | -0.01       | -1
pay    | -0          | 0
tax    | 0.1         | 10
note   | 12.5        | 12.5
note   | O''Hara     | O'Hara
"""


@cases(LITERALS)
def test_literals_are_turned_into_grains_exactly(row: dict[str, str]) -> None:
    text = row["as written"] if row["column"] != "note" else f"'{row['as written']}'"
    made = planned(f"SELECT COUNT(*) FROM pay WHERE {row['column']} = {text}")
    assert isinstance(made, QueryPlan) and isinstance(made.relation, Filtered)
    condition = made.relation.condition
    grains = row["in grains"] if row["column"] == "note" else int(row["in grains"])
    assert isinstance(condition, Call) and condition.arguments[1] == Value(grains)


def test_every_place_of_a_condition_is_resolved() -> None:
    asset = pay(World()).asset
    among = Call("in", (Ref("Pay"), Value(Fraction(1)), Value(Fraction(5, 2))))
    condition = Call("and", (
        Call("not", (Call("or", (Call("is null", (Ref("PAY"),)), among)),)), Call("<>", (Ref("MEMBER"), Value(False))),
    ))  # fmt: skip
    in_grains = Call("in", (Ref("pay", "pay"), Value(100), Value(250)))
    assert where(condition, asset) == Call("and", (
        Call("not", (Call("or", (Call("is null", (Ref("pay", "pay"),)), in_grains)),)),
        Call("<>", (Ref("member", "member"), Value(False))),
    ))  # fmt: skip
    null: Expression = Call("is null", (Ref("pay"),))
    for bad in (
        Call("=", (Ref("pay"), Value("x"))),
        Call("in", (Ref("pay"), Value("x"))),
        Call("is null", (Ref("no"),)),
    ):
        for around in (
            Call("not", (bad,)), Call("and", (bad, null)), Call("or", (null, bad)), Call("and", (null, Call("not", (bad,)))),
        ):  # fmt: skip
            assert isinstance(where(around, asset), Refusal)


BUDGETS = """
# the node's default is 100000 of a budget of 1000000; a person may ask for 1000 to 250000
asked   | already reserved | question                 | answer
--------+------------------+--------------------------+-------------------------------------------
        | 0                | SELECT COUNT(*) FROM pay | charge 99803
        | 900197           | SELECT COUNT(*) FROM pay | charge 99803
        | 900198           | SELECT COUNT(*) FROM pay | privacy.budget: 99803 micro-rho; 99802 of 1000000
        | 1000000          | SELECT COUNT(*) FROM pay | privacy.budget: 0 of 1000000
1000    | 0                | SELECT COUNT(*) FROM pay | charge 1000
250000  | 0                | SELECT COUNT(*) FROM pay | charge 248678
999     | 0                | SELECT COUNT(*) FROM pay | privacy.precision: 1000 to 250000 micro-rho, not 999
250001  | 0                | SELECT COUNT(*) FROM pay | privacy.precision: 1000 to 250000 micro-rho, not 250001
0       | 0                | SELECT COUNT(*) FROM pay | privacy.precision: not 0
-5      | 0                | SELECT COUNT(*) FROM pay | privacy.precision: not -5
250000  | 900000           | SELECT COUNT(*) FROM pay | privacy.budget: 100000 of 1000000
"""


@cases(BUDGETS)
def test_budgets(row: dict[str, str]) -> None:
    world = pay(World())
    reserved = int(row["already reserved"])
    world.add(QueryAdmitted("u", "x", "a", "pay", "v1", "p", "q", "m", reserved, 0, "EUR", ""))
    answer = planned(row["question"], world, int(row["asked"]) if row["asked"] else None)
    if isinstance(answer, QueryPlan):
        assert f"charge {answer.charge}" == row["answer"]
        world.add(QueryAdmitted("v", "x", "a", "pay", "v1", "p", "q", "m", answer.charge, 0, "EUR", ""))
    else:
        code, _, words = row["answer"].partition(": ")
        assert answer.code == code
        assert all(part.strip() in answer.reasons[0] for part in words.split(";"))
        assert answer.remedy


def test_too_many_groups() -> None:
    many = "; ".join(str(value) for value in range(101))
    columns = COLUMNS + f"\na | integer | 2 | | | | {many}\nb | integer | 2 | | | | {many}"
    world = pay(World(), columns)
    refusal = planned("SELECT COUNT(*) FROM pay GROUP BY a, b", world)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "privacy.cells"
    assert "10201 groups; at most 10000" in refusal.reasons[0]
    hundred = many.removesuffix("; 100")
    world = pay(World(), COLUMNS + f"\na | integer | 2 | | | | {hundred}\nb | integer | 2 | | | | {hundred}")
    assert isinstance(planned("SELECT COUNT(*) FROM pay GROUP BY a, b", world), QueryPlan), "10000 are not too many"


def test_many_measures_for_little_are_refused_and_never_cost_nothing() -> None:
    columns = COLUMNS + "".join(f"\nm{n} | integer | 2 | | 0 | 9 |" for n in range(220))
    world = pay(World(), columns)
    for count in (1, 2, 199, 200, 201, 220):
        text = f"SELECT {', '.join(f'AVG(m{n})' for n in range(count))} FROM pay"
        made = planned(text, world, 1000)
        if isinstance(made, Refusal):
            assert count > 200
            assert made.code == "privacy.precision"
        else:
            assert all(vector.charge > 0 for vector in made.vectors)
            assert made.charge <= 1000


def test_no_two_columns_of_an_answer_have_one_name() -> None:
    """Neither by the question's own names nor by the margins that come beside them, whoever made the question."""
    world = pay(World())
    for labels in (("a", "a"), ("a", "a_margin"), ("a_margin", "a")):
        made = (Measure("count", None, labels[0]), Measure("average", Ref("pay"), labels[1]))
        question = Question("", Scan("pay", "pay"), "aggregates", measures=made, labels=labels)
        refusal = planned_in(world, question)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "query.unsupported" and "would be named" in refusal.reasons[0]


def test_another_budget_for_another_version() -> None:
    world = pay(World())
    world.add(QueryAdmitted("u", "x", "a", "pay", "v1", "p", "q", "m", 1_000_000, 0, "EUR", ""))
    world.add(BudgetOpened("pay", "v2", 1_000_000))
    assert isinstance(planned("SELECT COUNT(*) FROM pay", world), Refusal)
    world.state.put(replace(world.asset, version="v2"))
    assert isinstance(planned("SELECT COUNT(*) FROM pay", world), QueryPlan)


# --- laws of noise and charge, in exact fractions

squares = st.integers(1, 10**30)
charges = st.integers(1, 10**6)


@given(squares, charges)
def test_sigma_is_the_least_that_the_charge_pays_for_and_the_charge_never_understates(square: int, asked: int) -> None:
    sigma = sigma_for(square, asked)

    def cost(of: int) -> Fraction:  # rho = D^2 / (2 sigma^2), in millionths
        return Fraction(square * 10**6, 1) / (2 * Fraction(of, SIGMA_GRAIN) ** 2)

    assert cost(sigma) <= asked
    assert sigma == 1 or cost(sigma - 1) > asked
    charge = charge_of(square, sigma)
    assert charge - 1 < cost(sigma) <= charge <= asked
    assert charge == math.ceil(cost(sigma))


@given(squares, charges, charges)
def test_more_charge_never_buys_more_noise(square: int, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert sigma_for(square, more) <= sigma_for(square, less)
    assert sigma_for(square + 1, less) >= sigma_for(square, less)


@given(
    st.integers(1, 9), st.lists(st.sampled_from(["year", "region", "member"]), unique=True), st.integers(1000, 250_000),
    st.lists(st.sampled_from(["COUNT(*)", "COUNT(pay)", "COUNT(DISTINCT nr)", "SUM(hours)", "AVG(pay)", "AVG(hours)"]),
             min_size=1, max_size=4, unique=True),
    st.sampled_from([(), ("year",), ("region", "year")]),
)  # fmt: skip
def test_a_plan_costs_what_its_noise_gives_away(
    rows: int, keys: list[str], asked: int, measures: list[str], once_per: tuple[str, ...]
) -> None:
    """The essay's bound, computed here again: what one person's rows can change, over two sigma squared."""
    world = pay(World(), once_per=once_per)
    world.state.put(replace(world.asset, rows_per_person=rows))
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    made = planned(f"SELECT {', '.join(measures)} FROM pay{by}", world, asked)
    assert isinstance(made, QueryPlan)
    cells = math.prod({"year": 4, "region": 2, "member": 2}[key] for key in keys)
    in_each = 1 if set(keys) & set(once_per) else rows
    total = Fraction(0)
    for vector in made.vectors:
        largest = {"rows": 1, "persons": 1, "sum": 30 if vector.domain and vector.domain.most == 60 else 1000}[
            vector.kind
        ]
        one_group = largest * (1 if vector.kind == "persons" else in_each)
        cost = Fraction(min(cells, rows) * one_group**2 * 10**6) / (2 * vector.deviation**2)
        assert cost <= vector.charge < cost + 1
        total += cost
    assert total <= made.charge <= asked


@pytest.mark.parametrize("bounds", [(0, 60), (-60, 0), (-7, 8), (5, 6), (-(2**40), 2**40)])
def test_no_value_within_the_bounds_lies_farther_from_the_middle_than_the_reach(bounds: tuple[int, int]) -> None:
    low, high = bounds
    world = pay(World(), COLUMNS + f"\nx | integer | 2 | | {low} | {high} |")
    made = planned("SELECT SUM(x) FROM pay", world)
    assert isinstance(made, QueryPlan)
    summing = made.vectors[1]
    assert max(abs(value - summing.centre) for value in (low, high)) == summing.reach
