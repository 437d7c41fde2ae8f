"""The cases of PolicyEngine UK for the minimum wage by age, against our tables.

Read from the wheel of policyengine-uk 2.162.0; nothing of it is run. Its year stands for the rates in force on 30 April. Of its
*categories* only this can be compared: that our rate is one and the same at all ages of the category that a case names.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from archives import Case, Tally, cases, fetched, files, number

from usufruct.core.base.instants import parse as instant
from usufruct.core.rulebook import statutory

WAGE, CATEGORY = "minimum_wage", "minimum_wage_category"
AGES = {
    "UNDER_18": (0, 17), "BETWEEN_18_20": (18, 20), "BETWEEN_21_22": (21, 22), "BETWEEN_23_24": (23, 24), "OVER_24": (25, 150),
}  # fmt: skip


def rate(case: Case, age: int) -> Fraction:
    on = instant(f"{case.said['period']}-04-30")
    apprentice = case.input.get("is_apprentice") == "true"
    return Fraction(statutory.minimum_wage("GB", age, on, apprentice=apprentice).minor, 100)


def test_cases(record_property: Callable[[str, object], None]) -> None:
    wheel = fetched("policyengine-uk", "2.162.0")
    tally = Tally()
    texts = files(wheel, lambda name: "/tests/" in name and name.endswith(".yaml"))
    for case in cases(texts, (WAGE, CATEGORY)):
        age = int(case.input.get("age", "40"))
        compared = []
        if WAGE in case.output:
            compared.append((WAGE, rate(case, age), number(case.output[WAGE])))
        if case.output.get(CATEGORY) in AGES:
            youngest, oldest = AGES[case.output[CATEGORY]]
            assert youngest <= age <= oldest
            compared += [(CATEGORY, rate(case, age), rate(case, other)) for other in (youngest, oldest)]
        elif CATEGORY in case.output:
            compared += [(CATEGORY, rate(case, age), rate(case, other)) for other in (16, 60)]
        tally.settle(case, compared)
    tally.report(record_property)
