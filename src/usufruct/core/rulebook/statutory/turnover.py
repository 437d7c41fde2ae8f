"""Contributions that are a flat part of what was taken in: the French micro-entrepreneur's, and what else has a regime.

A regime is data (`[[regime]]` in the tables): which rates apply to one kind of activity, and how the basis is rounded. Each
rate makes a line of its own, rounded as its law says, and the lines are added up: what is paid is the sum of what is shown.
The turnover of one declaration (a month or a quarter) is the basis, and `on` a day of that time.

Who sells and also serves has two regimes and reckons each on its own turnover. A regime that is not flat has rules of its own
and is only named here: `us.self-employment`.
"""

from __future__ import annotations

from fractions import Fraction

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.rulebook.statutory import self_employed
from usufruct.core.rulebook.statutory.explained import Amount, Step, amount, whole
from usufruct.core.rulebook.statutory.tables import Regime, Tables, shipped


def contributions(
    name: str, basis: int, on: Instant, known: Instant | None = None, *, tax: bool = False, tables: Tables | None = None
) -> Amount:  # fmt: skip
    """What is due of `basis` minor units by the regime `name`; with `tax`, and the income tax that may be paid with it.

    Raises:
        BadInput: there is no such regime, it has no such tax, the basis is below 0, or the tables do not cover the day.
    """
    book = tables or shipped()
    if name == self_employed.NAME and not tax:
        return self_employed.self_employment(basis, on, known, tables=book).tax
    regime = book.regimes.get(name)
    if regime is None or (tax and not regime.tax):
        what = f"`{name}` has no income tax that is paid with it" if tax else f"there is no regime `{name}`"
        raise BadInput("input.statutory", what, f"take one of {', '.join([*book.regimes, self_employed.NAME])}")
    rounded = regime.basis(whole(basis, regime.currency))
    names = (*regime.lines, regime.tax) if tax else regime.lines
    parts = tuple(_line(book, regime, each, rounded, on, known) for each in names)
    total = sum((part.value for part in parts), Fraction(0))
    return amount(f"due by {name}", total, regime.currency, parts, regime.source)


def _line(book: Tables, regime: Regime, name: str, basis: Fraction, on: Instant, known: Instant | None) -> Step:
    """One rate on the basis, rounded as its law says."""
    rate = book.step(name, on, known)
    table = book.table(name)
    of = Step("the turnover, rounded as the law says", basis, regime.currency)
    return Step(f"{table.meaning}: its part", table.rounding(basis * rate.value), regime.currency, parts=(of, rate))
