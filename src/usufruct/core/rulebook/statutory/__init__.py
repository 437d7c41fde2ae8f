"""What laws set, as dated tables and pure rules on them: minimum wages, contributions, a tax, a floor for each trip.

`minimum_wage`, `contributions`, `per_trip` and their kin give an amount in minor units with an explanation down to the article.
Each takes the day it is for, and the day as of which the law is to be known. `value` reads one number of a table.

Illustrations with a date and a source, not advice: whoever pays by them looks the law up, and has it looked at.
"""

from __future__ import annotations

from fractions import Fraction

from usufruct.core.base.instants import Instant
from usufruct.core.rulebook.statutory.explained import Amount, Step, lines
from usufruct.core.rulebook.statutory.self_employed import additional_medicare, self_employment
from usufruct.core.rulebook.statutory.tables import Tables, covered, shipped
from usufruct.core.rulebook.statutory.trips import per_trip
from usufruct.core.rulebook.statutory.turnover import contributions
from usufruct.core.rulebook.statutory.wages import minimum_wage, monthly_minimum, part_time

__all__ = [
    "Amount", "Step", "Tables", "additional_medicare", "contributions", "covered", "lines", "minimum_wage",
    "monthly_minimum", "part_time", "per_trip", "self_employment", "shipped", "value",
]  # fmt: skip


def value(name: str, effective: Instant, known: Instant | None = None, key: int = 0) -> Fraction:
    """A number of the tables that ship with the node: what applied on `effective`, as published by `known`.

    Raises:
        BadInput: there is no such table, or it has nothing for that day, or that key.
    """
    return shipped().value(name, effective, known, key)
