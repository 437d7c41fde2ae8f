"""The rulebook: which number was in force on a day, as known on a day; and what each grade lets out."""

from __future__ import annotations

import pytest
from tables import cases, parts, rows

from usufruct.core.base import instants
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import CODES, Refusal, refuse
from usufruct.core.rulebook.grades import BY_NAME, CLASSES, FORMS, GRADES
from usufruct.core.rulebook.parameters import Parameter, Rulebook, shipped

PUBLISHED = """
name  | value | from       | published on
------+-------+------------+-------------
rate  | 10    | 2026-01-01 | 2025-12-01
rate  | 20    | 2026-07-01 | 2026-06-01
# published late, for a time that had begun: what is owed changes, what was decided does not
rate  | 15    | 2026-04-01 | 2026-09-01
# the same day said again, better
rate  | 21    | 2026-07-01 | 2026-08-01
other | 99    | 2026-01-01 | 2026-01-01
"""

LOOKUPS = """
name | in force on | as known on | value
-----+-------------+-------------+------
rate | 2026-01-01  |             | 10
rate | 2026-06-30  |             | 10
rate | 2026-07-01  |             | 20
rate | 2026-07-31  |             | 20
rate | 2026-08-01  |             | 21
rate | 2026-05-01  |             | 10
rate | 2026-05-01  | 2026-08-31  | 10
rate | 2026-05-01  | 2026-09-01  | 15
rate | 2026-07-01  | 2026-09-01  | 21
rate | 2026-07-01  | 2026-07-31  | 20
rate | 2026-12-01  | 2026-05-01  | 10
rate | 2025-12-31  |             | none
rate | 2026-01-01  | 2025-11-30  | none
none | 2026-01-01  |             | none
"""


def day(text: str) -> Instant:
    return instants.parse(text)


@cases(LOOKUPS)
def test_lookups(row: dict[str, str]) -> None:
    book = Rulebook(
        Parameter(p["name"], int(p["value"]), day(p["from"]), day(p["published on"]), "source", "authority")
        for p in reversed(rows(PUBLISHED))
    )
    known = day(row["as known on"]) if row["as known on"] else None
    if row["value"] == "none":
        with pytest.raises(KeyError):
            book.value(row["name"], day(row["in force on"]), known)
    else:
        assert book.value(row["name"], day(row["in force on"]), known) == int(row["value"])


def test_every_shipped_parameter_says_where_it_comes_from_and_the_shares_are_whole() -> None:
    book, names = shipped(), set()
    for parameter in book:
        names.add(parameter.name)
        assert parameter.source.strip() and parameter.authority.strip()
        assert parameter.value > 0 or parameter.name == "invoice.tax-basis-points"  # that there is none is a rate too
    today = day("2026-11-22")
    assert (
        sum(book.value(name, today) for name in names if name.startswith("income.") and name.endswith("-basis-points"))
        == 10_000
    )
    low, usual, high, whole = (
        book.value(f"privacy.{name}", today)
        for name in ("question-micro-rho-min", "question-micro-rho", "question-micro-rho-max", "budget-micro-rho")
    )
    assert low <= usual <= high <= whole
    assert 0 < book.value("privacy.average-count-percent", today) < 100


GRADE_TABLE = """
number | name       | lets out
-------+------------+---------------------------------------------
0      | open       | rows; masked; cubes; aggregates; computation
1      | internal   | rows; masked; cubes; aggregates; computation
2      | personal   | masked; cubes; aggregates; computation
3      | sensitive  | aggregates; computation
4      | restricted | aggregates; computation
5      | important  |
6      | core       |
"""


def test_grades() -> None:
    table = rows(GRADE_TABLE)
    assert [(grade.number, grade.name, grade.forms) for grade in GRADES] == [
        (int(row["number"]), row["name"], parts(row["lets out"])) for row in table
    ]
    assert {name: grade.number for name, grade in BY_NAME.items()} == {row["name"]: int(row["number"]) for row in table}
    assert all(set(grade.forms) <= set(FORMS) and grade.harm for grade in GRADES)
    assert all(set(GRADES[n + 1].forms) <= set(GRADES[n].forms) for n in range(6)), "a higher grade never lets out more"
    assert all(grade.pseudonymised_export for grade in GRADES if "masked" in grade.forms), (
        "masked rows carry pseudonyms"
    )
    assert CLASSES == ("public", "enterprise", "personal")


def test_a_refusal_has_a_code_of_the_table_and_reads_as_a_sentence() -> None:
    refusal = refuse("access.form", "nothing was done", "this", "that", remedy="ask otherwise")
    assert refusal == Refusal("access.form", "nothing was done", ("this", "that"), "ask otherwise")
    assert str(refusal) == "nothing was done: this; that. ask otherwise"
    with pytest.raises(AssertionError, match="not in the table"):
        refuse("access.nonsense", "m", remedy="r")
    assert all(text == text.strip() and not text.endswith(".") for text in CODES.values())
