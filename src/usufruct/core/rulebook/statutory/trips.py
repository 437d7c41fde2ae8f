"""The least that a driver is paid for one trip: a rate for each mile and one for each minute (New York City, since 2019).

The city pays for the time between trips by a detour: its rates are what a mile and a minute cost, divided by the *utilisation*,
the part of their time on duty that drivers spend with passengers. So the floor rises when a company keeps its drivers waiting.
The published rates stand for the whole sector's utilisation. A company with one of its own divides the base rates by that; they
are known for the first year only, and give all rates that were published then, to the digit.

Rates were raised by steps of which some were not found (see the times that `covered` tells of each table): for a day in such a
hole there is an error and no guess. Nor was it found how the sum for a trip is rounded; here it is to the nearest cent.
"""

from __future__ import annotations

from fractions import Fraction

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.rulebook.statutory.explained import HALF_UP, RATE, Amount, Rounding, Step, amount
from usufruct.core.rulebook.statutory.tables import Tables, shipped

NEW_YORK = "new-york"
CITIES = {NEW_YORK: "New York City, drivers of high-volume for-hire services"}
"""The cities whose floor is in the tables."""

METRES_PER_MILE = Fraction(1_609_344, 1000)
CENT = Rounding(HALF_UP, Fraction(1, 100))


def per_trip(
    city: str, metres: int, seconds: int, on: Instant, utilisation: Fraction | None = None, known: Instant | None = None, *,
    outside: bool = False, accessible: bool = False, tables: Tables | None = None,
) -> Amount:  # fmt: skip
    """The least for a trip of so many metres and seconds with a passenger, to the nearest cent.

    Args:
        utilisation: the company's own, above 0 and up to 1; None for the sector's published rates.
        outside: the trip went out of town, where no passenger waits for the way back.
        accessible: the car takes wheelchairs, and a mile costs more.

    Raises:
        BadInput: another city, a distance or time below 0, a utilisation that cannot be or that does not apply, or a day
            that the tables do not cover.
    """
    if city != NEW_YORK:
        raise BadInput(
            "input.statutory", f"the floor of `{city}` is not in the tables", f"they have {', '.join(CITIES)}"
        )
    if metres < 0 or seconds < 0:
        raise BadInput("input.statutory", "a trip of less than nothing", "say its length and time, 0 or more")
    if utilisation is not None and (outside or not 0 < utilisation <= 1):
        raise BadInput(
            "input.statutory", f"a utilisation of {utilisation}" + (" for a trip out of town" if outside else ""),
            "say a part of 1 above 0, for trips in town; trips out of town are paid by rates that do not depend on it",
        )  # fmt: skip
    book = tables or shipped()
    mile, minute = (
        _rate(book, f"{each}.accessible" if accessible and each == "mile" else each, on, known, utilisation, outside)
        for each in ("mile", "minute")
    )
    miles = Step("miles with a passenger", metres / METRES_PER_MILE, "mile")
    minutes = Step("minutes with a passenger", Fraction(seconds, 60), "min")
    way = Step("for the way", miles.value * mile.value, "USD", parts=(miles, mile))
    time = Step("for the time", minutes.value * minute.value, "USD", parts=(minutes, minute))
    return amount("the least for the trip, to the nearest cent", CENT(way.value + time.value), "USD", (way, time))


def _rate(book: Tables, of: str, on: Instant, known: Instant | None, own: Fraction | None, outside: bool) -> Step:
    """What a mile or a minute is paid with: as published, or the base rate divided by a company's own utilisation."""
    if own is None:
        return book.step(f"nyc.trip.{'outside.' if outside else ''}{of}", on, known)
    name = f"nyc.trip.base.{of}"
    base = book.step(name, on, known)
    table = book.table(name)
    part = Step("the company's utilisation", own, RATE)
    return Step(
        f"{table.meaning}, divided by the utilisation", table.rounding(base.value / own), table.unit, parts=(base, part)
    )
