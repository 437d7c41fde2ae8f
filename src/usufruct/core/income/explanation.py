"""A member's line, explained so that she can recompute it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from usufruct.core.base.money import Money
from usufruct.core.income.measure import MICRO


@dataclass(frozen=True, slots=True)
class UsedRows:
    """One use of the period: how many rows of hers counted, of how many in all, and what the use earned for members."""

    use: str
    rows: int
    of: int
    earned: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """`amount` and the sentences that lead to it."""

    period: str
    asset: str
    amount: Money
    due: int
    steps: tuple[str, ...]


def explain(
    period: str, asset: str, currency: str, due: int, paid: int, members: int, uses: Sequence[UsedRows]
) -> Explanation:
    """Sentences from the members' share down to her cents; `due` in millionths of a minor unit, the rest in minor units."""
    steps = [f"the members' share of what `{asset}` earned in {period} is {Money(members, currency)}"]
    for use in uses:
        steps.append(
            f"{use.use}: {use.rows} of the {use.of} rows that counted were yours, so {use.rows}/{use.of} of the "
            f"{Money(use.earned, currency)} it earned for the members"
        )
    exact = f"{due // MICRO}.{due % MICRO:06d}"
    steps.append(f"together that is {exact} hundredths of one {currency}" if due else "so nothing is due to you")
    if due:
        whole = due // MICRO
        rounding = "rounded up" if paid > whole else "rounded down" if due % MICRO else "exact"
        steps.append(
            f"whole units are paid: {Money(paid, currency)} ({rounding}; the units left over go to the largest "
            "remainders, and among equal ones by a published lot)"
        )
    return Explanation(period, asset, Money(paid, currency), due, tuple(steps))
