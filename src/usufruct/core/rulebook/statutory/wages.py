"""Minimum wages: what an hour is worth at least, by country and age, and a month of full or part time in France.

Two things are easily got wrong. In the United Kingdom the rate is that of the *first day of the pay reference period* (National
Minimum Wage Regulations 2015, regulation 4B), for the age and the rate alike: whoever is paid by the month from the 16th has
the old rate until the 15th. So `on` is that day, not the day of work. And the monthly amount that France publishes is not the
hourly one times 151.67, as is often written, but times 35 × 52 / 12, which has no end as a decimal; only so do the published
amounts come out to the cent.

Where a worker is below an age of reduced pay in France, the reduction applies to those with less than six months of practice
in the branch only (Code du travail, article D. 3231-3). Nothing is reduced unless the caller says so.
"""

from __future__ import annotations

from fractions import Fraction

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.rulebook.statutory.explained import HALF_UP, RATE, Amount, Rounding, Step, amount
from usufruct.core.rulebook.statutory.tables import Tables, shipped

FRANCE, UNITED_KINGDOM = "FR", "GB"
COUNTRIES = {FRANCE: "France", UNITED_KINGDOM: "United Kingdom"}
"""The countries whose minimum wage is in the tables, by their ISO 3166 code."""

AGE_MAX = 150
CENT = Rounding(HALF_UP, Fraction(1, 100))


def minimum_wage(
    country: str, age: int, on: Instant, known: Instant | None = None, *, apprentice: bool = False,
    practised: bool = True, tables: Tables | None = None,
) -> Amount:  # fmt: skip
    """The least that an hour of work is paid, before tax, for a worker of `age` completed years.

    Args:
        apprentice: the apprenticeship rate applies to her (United Kingdom: under 19, or in the first 12 months).
        practised: she has six months of practice in the branch (France); a minor who has not may be paid less.

    Raises:
        BadInput: a country that is not in the tables, an age that cannot be, a day that the tables do not cover.
    """
    if not 0 <= age <= AGE_MAX:
        raise BadInput("input.statutory", f"{age} is no age in years", f"say 0 to {AGE_MAX}")
    book = tables or shipped()
    if country == UNITED_KINGDOM:
        return _british(book, age, on, known, apprentice)
    if country == FRANCE and not apprentice:
        return _french(book, age, on, known, practised)
    what = "the pay of apprentices in France" if country == FRANCE else f"the minimum wage of `{country}`"
    raise BadInput("input.statutory", f"{what} is not in the tables", f"they have {', '.join(COUNTRIES)}")


def _british(book: Tables, age: int, on: Instant, known: Instant | None, apprentice: bool) -> Amount:
    step = (
        book.step("gb.minimum-wage.apprentice", on, known) if apprentice
        else book.step("gb.minimum-wage.hour", on, known, age)
    )  # fmt: skip
    who = "an apprentice" if apprentice else f"a worker aged {age}"
    return amount(f"the least for an hour of {who}", step.value, "GBP", (step,))


def _french(book: Tables, age: int, on: Instant, known: Instant | None, practised: bool) -> Amount:
    step = book.step("fr.smic.hour", on, known)
    if practised:
        return amount("the least for an hour, at any age", step.value, "EUR", (step,))
    share = book.step("fr.smic.young", on, known, age)
    due = book.table("fr.smic.young").rounding(step.value * share.value)
    return amount(f"the least for an hour at age {age} without practice in the branch", due, "EUR", (step, share))


def part_time(
    country: str, hours: Fraction, on: Instant, known: Instant | None = None, *, tables: Tables | None = None
) -> Step:
    """Which part of full time so many paid hours a month are, as a step whose value is the part.

    Raises:
        BadInput: not France, no hours or more than full time, or a day that the tables do not cover.
    """
    if country != FRANCE:
        raise BadInput("input.statutory", f"the full time of `{country}` is not in the tables", f"they have {FRANCE}")
    full = (tables or shipped()).step("fr.full-time.month", on, known)
    if not 0 <= hours <= full.value:
        raise BadInput("input.statutory", f"{hours} hours a month are no part of full time", f"say 0 to {full.value}")
    paid = Step("hours paid in the month", hours, "h")
    return Step("the part of full time", hours / full.value, RATE, parts=(paid, full))


def monthly_minimum(
    country: str, on: Instant, known: Instant | None = None, *, hours: Fraction | None = None, tables: Tables | None = None
) -> Amount:  # fmt: skip
    """The least for a month of full time, or of so many paid hours, before tax, to the nearest cent.

    Raises:
        BadInput: as `part_time`.
    """
    book = tables or shipped()
    full = book.step("fr.full-time.month", on, known)
    part = part_time(country, full.value if hours is None else hours, on, known, tables=book)
    wage = book.step("fr.smic.hour", on, known)
    due = CENT(wage.value * full.value * part.value)
    return amount("the least for the month, to the nearest cent", due, "EUR", (wage, part))
