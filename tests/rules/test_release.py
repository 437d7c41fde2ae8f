"""From noised numbers to the answer that leaves the node."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tables import cases, parts
from worlds import COLUMNS, World, pay
from worlds import planned as planned_in

from usufruct.core.base import canonical
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.release import Answer, public_groups
from usufruct.core.privacy.release import release as release_of
from usufruct.core.privacy.rules import QueryPlan
from usufruct.wire import sql


def planned(text: str) -> QueryPlan:
    world = pay(World(), COLUMNS + "\ndebt | integer | 2 | | -60 | 0 |")
    question = sql.parse(text)
    assert isinstance(question, Question), question
    made = planned_in(world, question)
    assert isinstance(made, QueryPlan), made
    return made


def release(made: QueryPlan, vectors: list[list[int]]) -> Answer:
    return release_of(made, public_groups(made), vectors)


def answered(text: str, *vectors: list[int]) -> Answer:
    return release(planned(text), list(vectors))


CELLS = """
# hours are bounded by 0 and 60 and kept as they are, pay by 0 and 20.00 and kept in cents; sums come centred
measure            | noised numbers | value    | margin
-------------------+----------------+----------+--------
COUNT(*)           | 35             | 35       | 18
COUNT(*)           | 0              | 0        | 18
COUNT(*)           | -7             | 0        | 18
COUNT(DISTINCT nr) | 10             | 10       | 5
COUNT(DISTINCT nr) | -1             | 0        | 5
# a sum puts the middle back for every row counted, and its margin has both noises: 300 and 30 x 20
SUM(hours)         | 100; 0         | 3000     | 1315
SUM(hours)         | 100; -450      | 2550     | 1315
SUM(hours)         | 0; 0           | 0        | 1315
# what is never negative has no negative sum, but a sum of debts has
SUM(hours)         | -10; 0         | 0        | 1315
SUM(debt)          | 100; 0         | -3000    | 1315
SUM(pay)           | 100; 12345     | 1123.45  | 438.27
# an average is left out while twice the margin of its count is not reached: here below 79 rows
AVG(hours)         | 78; 100        |          |
AVG(hours)         | 0; 100         |          |
AVG(hours)         | -100; 100      |          |
AVG(hours)         | 79; 0          | 30.00    | 7.45
AVG(hours)         | 1000; 2000     | 32.00    | 0.60
# and never leaves the bounds; margins are rounded up
AVG(hours)         | 100; 100000    | 60.00    | 392.05
AVG(hours)         | 100; -100000   | 0.00     | 392.05
AVG(pay)           | 100; 5         | 10.00    | 1.97
AVG(pay)           | 100; 50        | 10.00    | 1.97
AVG(pay)           | 100; 51        | 10.01    | 1.97
AVG(pay)           | 100; -51       | 9.99     | 1.97
"""


@cases(CELLS)
def test_cells(row: dict[str, str]) -> None:
    numbers = [[int(number)] for number in parts(row["noised numbers"])]
    answer = answered(f"SELECT {row['measure']} AS m FROM pay", *numbers)
    assert answer.columns == ("m", "m_margin")
    assert answer.rows == ((row["value"] or None, row["margin"] or None),)


ORDERS = """
# four years; the noised counts of 2021 to 2024 are 5, -3, 12, 5, and their averages 31, none, 30, 29 hours
rest of the question                          | the years of the answer
----------------------------------------------+------------------------
                                              | 2021 2022 2023 2024
ORDER BY year                                 | 2021 2022 2023 2024
ORDER BY year DESC                            | 2024 2023 2022 2021
ORDER BY n                                    | 2022 2021 2024 2023
ORDER BY n DESC                               | 2023 2021 2024 2022
ORDER BY n, year DESC                         | 2022 2024 2021 2023
ORDER BY 2 DESC, 1 DESC                       | 2023 2024 2021 2022
ORDER BY n DESC LIMIT 2                       | 2023 2021
LIMIT 3                                       | 2021 2022 2023
LIMIT 0                                       |
LIMIT 99                                      | 2021 2022 2023 2024
# what is left out comes last, whichever way
ORDER BY a                                    | 2024 2023 2021 2022
ORDER BY a DESC                               | 2021 2023 2024 2022
ORDER BY a DESC LIMIT 1                       | 2021
"""


@cases(ORDERS)
def test_order_and_limit(row: dict[str, str]) -> None:
    text = f"SELECT year, COUNT(*) AS n, AVG(hours) AS a FROM pay GROUP BY year {row['rest of the question']}"
    answer = answered(text, [5, -3, 12, 5], [500, 3, 500, 500], [500, 0, 0, -500])
    assert answer.columns == ("year", "n", "n_margin", "a", "a_margin")
    assert " ".join(str(cells[0]) for cells in answer.rows) == row["the years of the answer"]


def test_texts_and_flags_are_put_in_order_as_what_they_are() -> None:
    text = "SELECT region, member, COUNT(*) AS n FROM pay GROUP BY region, member ORDER BY member DESC, region DESC"
    answer = answered(text, [1, 2, 3, 4])
    assert [row[:3] for row in answer.rows] == [
        ("south", True, "4"), ("north", True, "2"), ("south", False, "3"), ("north", False, "1")
    ]  # fmt: skip


def test_counts_are_put_in_order_as_numbers() -> None:
    answer = answered("SELECT year, COUNT(*) AS n FROM pay GROUP BY year ORDER BY n", [100, 20, 3, 1000])
    assert [row[1] for row in answer.rows] == ["3", "20", "100", "1000"]


def test_a_measure_named_like_a_group_that_is_not_shown_is_put_in_order_as_a_number() -> None:
    answer = answered("SELECT COUNT(*) AS year FROM pay GROUP BY year ORDER BY year", [100, 20, 3, 1000])
    assert [row[0] for row in answer.rows] == ["3", "20", "100", "1000"]


def test_groups_come_in_the_order_of_the_public_lists_and_columns_as_asked_for() -> None:
    made = planned("SELECT COUNT(*) AS n, member AS m, region FROM pay GROUP BY region, member")
    assert public_groups(made) == [(False, "north"), (False, "south"), (True, "north"), (True, "south")]
    answer = release(made, [[1, 2, 3, 4]])
    assert answer.columns == ("n", "n_margin", "m", "region")
    assert answer.rows[1] == ("2", answer.rows[0][1], False, "south")


def test_groups_that_were_not_selected_are_there_all_the_same() -> None:
    answer = answered("SELECT COUNT(*) AS n FROM pay GROUP BY year", [1, 2, 3, 4])
    assert answer.columns == ("n", "n_margin")
    assert [row[0] for row in answer.rows] == ["1", "2", "3", "4"]


def test_measures_that_share_a_vector_show_the_same_number_under_both_names() -> None:
    answer = answered("SELECT COUNT(*) AS a, COUNT(*) AS b FROM pay", [7])
    assert answer.rows[0][0] == answer.rows[0][2] == "7"


def test_an_answer_has_canonical_bytes_and_says_how_to_read_it() -> None:
    answer = answered("SELECT year, AVG(pay) AS p FROM pay GROUP BY year", [100] * 4, [0] * 4)
    value = canonical.decode(answer.encode())
    assert isinstance(value, dict)
    assert value["rows"] == [[year, "10.00", "0.98"] for year in (2021, 2022, 2023, 2024)]
    assert value["charge"] == answer.charge
    notes = " / ".join(answer.notes)
    for words in (
        "in at most 4 group(s), with at most 1 row(s)",
        "95 %",
        "never consented",
        "0.00 to 20.00 count as the nearer",
    ):
        assert words in notes
    assert "p: noise with standard deviation 10.00 (rows), 50.00 (sum)" in notes, "in euros, not in cents"
    left_out = "an average is left out where"
    assert left_out in notes and left_out not in " ".join(answered("SELECT COUNT(*) FROM pay", [1]).notes)


counts = st.integers(-(10**6), 10**6)


@given(counts, st.integers(-(10**9), 10**9))
def test_an_average_stays_within_its_bounds_and_has_a_margin_of_its_noise(count: int, total: int) -> None:
    made = planned("SELECT AVG(pay) AS a FROM pay")
    counting, summing = made.vectors
    value, margin = release(made, [[count], [total]]).rows[0]
    if count < 2 * Fraction(196, 100) * counting.deviation:
        assert (value, margin) == (None, None)
        return
    assert isinstance(value, str) and isinstance(margin, str)
    assert 0 <= Fraction(value) <= 20
    exact = Fraction(total, count) + 1000
    if 0 <= exact <= 2000:
        assert abs(Fraction(value) * 100 - exact) <= Fraction(1, 2)
    spread = math.hypot(float(summing.deviation), float(Fraction(total, count) * counting.deviation)) * 1.96 / count
    assert float(Fraction(margin)) * 100 >= spread - 1e-6
    assert float(Fraction(margin)) * 100 <= spread + 1.01


@given(st.integers(1, 10**6), st.integers(1, 50))
def test_margins_shrink_as_groups_grow_and_scale_with_the_noise(count: int, times: int) -> None:
    made = planned("SELECT AVG(hours) AS a, SUM(hours) AS s, COUNT(*) AS n FROM pay")
    few = release(made, [[count + 79], [0], [count], [0], [count]]).rows[0]
    many = release(made, [[(count + 79) * times], [0], [count * times], [0], [count * times]]).rows[0]
    assert (few[1] is None) or Fraction(str(many[1])) <= Fraction(str(few[1]))
    assert few[3] == many[3] and few[5] == many[5], "the margin of a sum or a count depends on the noise alone"


def test_margins_are_rounded_up_and_by_no_more_than_one() -> None:
    measures = ["SUM(hours)", "SUM(pay)", "COUNT(*)", "COUNT(DISTINCT nr)", "COUNT(pay)", "COUNT(note)", "COUNT(year)"]
    for number in range(1, 8):
        made = planned(f"SELECT {', '.join(measures[:number])} FROM pay")
        row = release(made, [[100]] * len(made.vectors)).rows[0]
        for output, margin in zip(made.outputs, row[1::2], strict=True):
            noise = [made.vectors[v] for v in output.vectors]
            exact = noise[0].deviation ** 2 * (noise[1].centre ** 2 if noise[1:] else 1)
            exact += noise[1].deviation ** 2 if noise[1:] else 0
            decimals = noise[-1].domain.decimals if noise[1:] and noise[-1].domain else 0
            shown = Fraction(str(margin)) * 10**decimals / Fraction(196, 100)
            assert shown**2 >= exact
            assert (shown - 1) ** 2 < exact
