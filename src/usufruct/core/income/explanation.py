"""A member's line, explained so that she can recompute it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from usufruct.core.base.money import DECIMALS, Money, decimal
from usufruct.core.income.measure import MICRO


@dataclass(frozen=True, slots=True)
class UsedRows:
    """One use of the period: how many rows of hers counted, of how many in all, and what the use earned for the
    members, in millionths of a minor unit."""

    use: str
    rows: int
    of: int
    earned: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """`amount` paid, `due` in millionths of a minor unit, and the sentences that lead from one to the other."""

    period: str
    asset: str
    amount: Money
    due: int
    steps: tuple[str, ...]


def explain(
    period: str, asset: str, currency: str, due: int, paid: int, members: int, uses: Sequence[UsedRows]
) -> Explanation:
    """Sentences from the members' share down to her cents; `due` in millionths of a minor unit, `paid` and `members`
    in minor units."""
    amount = Money(paid, currency)
    steps = [f"the members' share of what `{asset}` earned in {period} is {Money(members, currency)}"]
    for use in uses:
        steps.append(
            f"{use.use} earned {exact(use.earned, currency)} of it; {use.rows} of the {use.of} rows that counted were "
            f"yours, so {use.rows}/{use.of} of that"
        )
    if not due:
        return Explanation(
            period, asset, amount, due, (*steps, "none of your rows were used, so nothing is due to you")
        )
    steps.append(f"together {exact(due, currency)} is due to you")
    rounding = "rounded up" if paid * MICRO > due else "rounded down" if paid * MICRO < due else "exact"
    steps.append(
        f"paid in whole units: {amount} ({rounding}; units left over go to the largest remainders, and among equal "
        "ones by a published lot)"
    )
    return Explanation(period, asset, amount, due, tuple(steps))


def exact(micro: int, currency: str) -> str:
    """Millionths of a minor unit as an amount, with as many digits as it needs and no fewer than the currency has."""
    decimals = DECIMALS[currency]
    text = decimal(micro, decimals + 6)
    spare = 6
    while spare and text.endswith("0"):
        text, spare = text[:-1], spare - 1
    return f"{text.rstrip('.')} {currency}"
