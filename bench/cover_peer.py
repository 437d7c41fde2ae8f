"""What openfisca-core needs for a like rule, in one process of its own: its licence is no licence to stand on. Called by
`bench.cover` with the number of persons; prints one JSON object.

The rule is that of the Estonian entrepreneur account as it is written there: a tax of each month's receipts, 33/53 of it
social tax, a month that counts where that reaches the minimum, and a scale of two bands over the year.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from openfisca_core import periods  # type: ignore[import-not-found]
from openfisca_core.entities import build_entity  # type: ignore[import-not-found]
from openfisca_core.populations import ADD  # type: ignore[import-not-found]
from openfisca_core.simulation_builder import SimulationBuilder  # type: ignore[import-not-found]
from openfisca_core.taxbenefitsystems import TaxBenefitSystem  # type: ignore[import-not-found]
from openfisca_core.taxscales import MarginalRateTaxScale  # type: ignore[import-not-found]
from openfisca_core.variables import Variable  # type: ignore[import-not-found]

YEAR = "2024"
PERSON = build_entity(key="person", plural="persons", label="a person", is_person=True)
SCALE = MarginalRateTaxScale()
SCALE.add_bracket(0, 0.2)
SCALE.add_bracket(25_000, 0.4)


class receipts(Variable):  # type: ignore[misc]
    """What she received."""

    value_type, entity, definition_period = float, PERSON, periods.DateUnit.MONTH


class social_tax(Variable):  # type: ignore[misc]
    """The social tax of a month."""

    value_type, entity, definition_period = float, PERSON, periods.DateUnit.MONTH

    def formula(person: Any, period: Any) -> Any:
        """33/53 of a fifth."""
        return person("receipts", period) * 0.2 * 33 / 53


class covered(Variable):  # type: ignore[misc]
    """Whether the month counts for health insurance."""

    value_type, entity, definition_period = bool, PERSON, periods.DateUnit.MONTH

    def formula(person: Any, period: Any) -> Any:
        """Reached."""
        return person("social_tax", period) >= 239.25


class business_tax(Variable):  # type: ignore[misc]
    """The tax of the year."""

    value_type, entity, definition_period = float, PERSON, periods.DateUnit.YEAR

    def formula(person: Any, period: Any) -> Any:
        """By the scale."""
        return SCALE.calc(person("receipts", period, options=[ADD]))


def run(persons: int) -> dict[str, float]:
    """The same receipts as ours, drawn from the same seed."""
    system = TaxBenefitSystem([PERSON])
    system.add_variables(receipts, social_tax, covered, business_tax)
    simulation = SimulationBuilder().build_default_simulation(system, count=persons)
    drawn = np.random.default_rng(7).integers(0, 4_000_00, (12, persons))
    months = [f"{YEAR}-{n:02d}" for n in range(1, 13)]
    for month, cents in zip(months, drawn, strict=True):
        simulation.set_input("receipts", month, cents / 100)
    begun = time.perf_counter()
    counted = sum(int(simulation.calculate("covered", month).sum()) for month in months)
    tax = simulation.calculate("business_tax", YEAR)
    taken = time.perf_counter() - begun
    whole = drawn.sum(axis=0)
    exact = (whole * 2000 + np.maximum(whole - 25_000_00, 0) * 2000) // 10_000
    off = int((np.floor(tax.astype(np.float64) * 100 + 1e-6).astype(np.int64) != exact).sum())
    return {"seconds": taken, "covered": counted, "off": off}


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]))))
