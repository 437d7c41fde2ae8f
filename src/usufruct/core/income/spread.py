"""What a statement tells of others: roughly, and only where each tenth of them is large enough to hide one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

from usufruct.core.income.inequality import TENTHS, gini


@dataclass(frozen=True, slots=True)
class SpreadTold:
    """What others got, roughly: what the middle person of each tenth of the members was paid, from the tenth with the least,
    in minor units rounded down to 1, 2 or 5 with zeros behind; in which of them she is, from 1; and Gini's index in tenths.
    If that would tell of few persons there is only `why_not`."""

    members: int
    middles: tuple[int, ...]
    mine: int
    gini: int
    why_not: str


def spread(paid: Mapping[int, int], mine: int | None, least: int) -> SpreadTold:
    """What is told of what all were `paid`: how many were paid each amount; `mine` is one of the amounts, and `least` how many
    persons a tenth must have.

    Neither means nor exact amounts are told: from them could be worked out how many rows counted in a use.
    """
    members = sum(paid.values())
    if members < TENTHS * least:
        few = f"fewer than {TENTHS * least} members share this income, so a tenth of them would be too few to hide one"
        return SpreadTold(0, (), 0, 0, few)
    amounts = sorted(paid)
    ends = list(accumulate(paid[amount] for amount in amounts))
    edges = [members * tenth // TENTHS for tenth in range(TENTHS + 1)]
    middles = tuple(roughly(amounts[bisect_right(ends, (low + high) // 2)]) for low, high in pairwise(edges))
    place = 0
    if mine is not None and mine in paid:
        first = ends[amounts.index(mine)] - paid[mine]
        place = next(tenth for tenth in range(TENTHS) if first < edges[tenth + 1]) + 1
    return SpreadTold(members, middles, place, round(gini(tuple(paid), tuple(paid.values())) * TENTHS), "")


def roughly(amount: int) -> int:
    """An amount rounded down to 1, 2 or 5 with zeros behind: 23 is 20, 777 is 500."""
    if amount == 0:
        return 0
    ten: int = 10 ** (len(str(amount)) - 1)
    return next(step * ten for step in (5, 2, 1) if step * ten <= amount)
