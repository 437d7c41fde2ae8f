"""The cases of PolicyEngine US for the tax on self-employment and the additional Medicare tax, against our rules.

Read from the wheel of policyengine-us 2.68.0; nothing of it is run. All cases that state one of the outputs below are taken, but
for those about proposals, which are no law, and those that put in by hand what they ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archives import Case, Tally, cases, day, fetched, files, minor, names, number

from usufruct.core.rulebook.statutory import self_employed as rules
from usufruct.core.rulebook.statutory.explained import Amount, amount

NET, BASE = "taxable_self_employment_income", "social_security_taxable_self_employment_income"
SECURITY, MEDICARE = "self_employment_social_security_tax", "self_employment_medicare_tax"
TAX, HALF, HALVES = "self_employment_tax", "self_employment_tax_ald_person", "self_employment_tax_ald"
ADDITIONAL = "additional_medicare_tax"
CLAIMED = (NET, BASE, SECURITY, MEDICARE, TAX, HALF, HALVES, ADDITIONAL)
PROFITS = (
    "self_employment_income", "sstb_self_employment_income", "farm_operations_income",
    "partnership_self_employment_net_earnings",
)  # fmt: skip
WAGES = ("taxable_earnings_for_social_security", "payroll_tax_gross_wages", "employment_income")
STATUSES = {"SINGLE": "single", "JOINT": "joint", "SEPARATE": "separate"}


def put_in(person: dict[str, Any], name: str) -> Fraction | None:
    return number(person[name]) if name in person else None


@dataclass(frozen=True, slots=True)
class Person:
    """What is put in about somebody, as our rules want it; what a case gives of the way there goes before our own."""

    said: dict[str, Any]
    year: str

    @property
    def wages(self) -> int:
        return minor(next((number(self.said[name]) for name in WAGES if name in self.said), Fraction(0)))

    @property
    def net(self) -> Amount:
        if (given := put_in(self.said, NET)) is not None:
            return amount("as put in", given, "USD", ())
        profit = sum((put_in(self.said, name) or Fraction(0) for name in PROFITS), Fraction(0))
        return rules.net_earnings(minor(profit), day(self.year))

    def of(self, output: str) -> Fraction:
        """One of the outputs."""
        on, given = day(self.year), put_in(self.said, BASE)
        if given is not None:  # it is put in, so it is all that is taxed
            made = rules.on_net(amount("as put in", given, "USD", ()), on)
        else:
            made = rules.on_net(self.net, on, wages=self.wages)
        parts = {
            NET: made.net, BASE: made.base, SECURITY: made.social_security, MEDICARE: made.medicare, TAX: made.tax,
            HALF: made.deductible,
        }  # fmt: skip
        return parts[output].why.value


def household(case: Case) -> tuple[list[Person], list[bool], str]:
    """Everybody in it, who of them signs the return, and how it is filed."""
    year = case.said["period"]
    if "people" not in case.input:
        return [Person(case.input, year)], [True], STATUSES.get(case.input.get("filing_status", ""), "single")
    everybody = [Person(said or {}, year) for said in case.input["people"].values()]
    signs = [
        one.said.get("is_tax_unit_dependent") != "true" and int(one.said.get("age", "40")) >= 18 for one in everybody
    ]
    units = case.input.get("tax_units", {}).values()
    stated = next((unit["filing_status"] for unit in units if "filing_status" in unit), "")
    return everybody, signs, STATUSES.get(stated, "joint" if sum(signs) == 2 else "single")


def found(case: Case, output: str) -> list[Fraction]:
    """An output for each person, or one for the return."""
    everybody, signs, status = household(case)
    if output not in (HALVES, ADDITIONAL):
        return [one.of(output) for one in everybody]
    theirs = [one for one, signing in zip(everybody, signs, strict=True) if signing]
    if output == HALVES:
        return [sum((one.of(HALF) for one in theirs), Fraction(0))]
    net, wages = sum(one.net.minor for one in theirs), sum(one.wages for one in theirs)
    return [rules.additional_medicare(net, wages, status, day(case.said["period"])).why.value]


def left_out(case: Case) -> str:
    """Why a case is not ours to say; nothing if it is."""
    given = set(names(case.input))
    if "reforms" in case.said or any(name.startswith("gov.contrib.") for name in given):
        return "about a proposal"
    if given & set(case.output) & set(CLAIMED):
        return "what is asked for is put in"
    return ""


def test_cases(record_property: Callable[[str, object], None]) -> None:
    wheel = fetched("policyengine-us", "2.68.0")
    tally = Tally()
    texts = files(wheel, lambda name: "/tests/" in name and name.endswith(".yaml"))
    for case in cases(texts, CLAIMED):
        if why := left_out(case):
            tally.leave_out(why)
            continue
        compared = []
        for output in (name for name in case.output if name in CLAIMED):
            said = case.output[output]
            expected = [number(one) for one in (said if isinstance(said, list) else [said])]
            compared += [(output, *pair) for pair in zip(found(case, output), expected, strict=True)]
        tally.settle(case, compared)
    tally.report(record_property)
