"""A member's line, explained to her.

She is told the rule, the uses, how many rows of hers counted in each, by which measure it was divided, and what it comes to in
whole units. Her share by a measure other than rows she is not told, for it is a part of a sum over all. How many rows counted
*in all* she is not told either, nor her exact fraction, from which it could be worked out: an exact count of who
matched a question would undo the noise on its answer for any data user whom a member helps. The audit recomputes every
line (see docs/decisions/0013-no-exact-totals-for-members.md). Where the rule says that totals are told, under noise, her
statement has the sum (`own_line`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from usufruct.core.base.money import Money
from usufruct.core.income.measure import ROWS, VALUE


@dataclass(frozen=True, slots=True)
class Counted:
    """A use in which `rows` of hers counted, and by which measure it was divided."""

    use: str
    rows: int
    measure: str = ROWS


@dataclass(frozen=True, slots=True)
class Explanation:
    """The `amount` paid for a period, and the sentences that lead to it; `provable` if her line can be proven."""

    period: str
    asset: str
    amount: Money
    steps: tuple[str, ...]
    provable: bool = False


def explain(
    period: str, asset: str, currency: str, paid: int, members: int, counted: Sequence[Counted], owed: int | None = None,
    told: int = 0,
) -> Explanation:  # fmt: skip
    """Sentences from the members' share down to her cents; `paid` and `members` in minor units, `counted` the uses in which
    rows of hers counted. `owed` are the whole units that are carried out for her; None for a settlement of the first
    version, which carried nothing. `told` is the total, in minor units, if there is one that is told."""
    amount = Money(paid, currency)
    steps = [f"the members' share of what `{asset}` earned in {period} is {Money(members, currency)}"]
    provable = owed is not None
    if not counted and not paid:
        steps.append("none of your rows were used, so nothing is due to you")
        return Explanation(period, asset, amount, tuple(steps), provable)
    used = dict.fromkeys(use.measure for use in counted)
    if told:
        steps.append(
            f"a row of yours gets by the price of the use in which it counted; of all rows that is {Money(told, currency)}, as "
            "told under noise"
        )
    elif counted:
        steps.append(f"it is split over the uses by what each earned, and within a use by {_within(list(used))}")
    steps += [_told(use, len(used) > 1) for use in counted]
    if owed is None:
        steps.append(
            f"your part of all of them together, in whole units: {amount}; units left over go to the largest remainders, "
            "and among equal ones by a published lot"
        )
    else:
        steps.append(
            f"your part of it, with what was carried over for you before, in whole units: {amount}; "
            "the rest stays yours and is carried to your next line"
        )
    if owed:
        steps.append(f"{Money(owed, currency)} is below the least that is paid out, and is still owed to you")
    if told:
        steps.append("your statement of the period has the sum, which you can work out again to the last unit")
        return Explanation(period, asset, amount, tuple(steps), provable)
    steps.append(
        "how many rows counted in all is told to no one outside the node, for an exact count would undo the noise on "
        "the answers; the audit of the journal works out every line again"
    )
    return Explanation(period, asset, amount, tuple(steps), provable)


_WITHIN = {
    ROWS: "the rows that counted in it",
    VALUE: "what each person's rows, so far as they counted, added to the answer (their Shapley value)",
}


def _within(measures: Sequence[str]) -> str:
    """By what a use is divided, or each use by one of several."""
    return ", or ".join(_WITHIN.get(measure, f"the measure `{measure}`") for measure in measures)


def _told(use: Counted, several: bool) -> str:
    rows = f"{use.use}: {use.rows} of your rows counted"
    return f"{rows}, divided by {use.measure}" if several or use.measure != ROWS else rows
