"""A member's line, explained to her.

She is told the rule, the uses, how many rows of hers counted in each, and what it comes to in whole units. How many rows
counted *in all* she is not told, nor her exact fraction, from which it could be worked out: an exact count of who
matched a question would undo the noise on its answer for any data user whom a member helps. The audit recomputes every
line (see docs/decisions/0013-no-exact-totals-for-members.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from usufruct.core.base.money import Money


@dataclass(frozen=True, slots=True)
class Explanation:
    """The `amount` paid for a period, and the sentences that lead to it."""

    period: str
    asset: str
    amount: Money
    steps: tuple[str, ...]


def explain(
    period: str,
    asset: str,
    currency: str,
    paid: int,
    members: int,
    rows_by_use: Sequence[tuple[str, int]],
    owed: int | None = None,
) -> Explanation:
    """Sentences from the members' share down to her cents; `paid` and `members` in minor units, `rows_by_use` the rows
    of hers that counted in each use that used them. `owed` are the whole units that are carried out for her; None for a
    settlement of the first version, which carried nothing."""
    amount = Money(paid, currency)
    steps = [f"the members' share of what `{asset}` earned in {period} is {Money(members, currency)}"]
    if not rows_by_use:
        return Explanation(period, asset, amount, (*steps, "none of your rows were used, so nothing is due to you"))
    steps.append("it is split over the uses by what each earned, and within a use by the rows that counted in it")
    steps += [f"{use}: {rows} of your rows counted" for use, rows in rows_by_use]
    if owed is None:
        steps.append(
            f"your part of all of them together, in whole units: {amount}; units left over go to the largest remainders, "
            "and among equal ones by a published lot"
        )
    else:
        steps.append(
            f"your part of all of them together, with what was carried over for you before, in whole units: {amount}; "
            "the rest stays yours and is carried to your next line"
        )
    if owed:
        steps.append(f"{Money(owed, currency)} is below the least that is paid out, and is still owed to you")
    steps.append(
        "how many rows counted in all is told to no one outside the node, for an exact count would undo the noise on "
        "the answers; the audit of the journal works out every line again"
    )
    return Explanation(period, asset, amount, tuple(steps))
