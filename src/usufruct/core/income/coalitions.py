"""The Shapley value of few players, from what every one of their coalitions is worth.

Up to 16 holders, a buyer's own model can be fitted to the data of each of their 2^16 coalitions. What a coalition is worth
is a whole number, such as how many rows a model tells rightly, so the shares are exact fractions and sum to the worth of
all, less that of nobody.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

PLAYERS_MAX = 16


def shapley(worth: Sequence[int]) -> list[Fraction]:
    """Each player's value; `worth[bits]` is what the coalition of the players whose bits are set is worth (Shapley 1953).

    Raises:
        ValueError: there are not 2^M worths, for M of at most 16.
    """
    players = len(worth).bit_length() - 1
    if not 0 <= players <= PLAYERS_MAX or len(worth) != 1 << players:
        raise ValueError(f"{len(worth)} worths are not those of all coalitions of at most {PLAYERS_MAX} players")
    orders = [math.factorial(size) * math.factorial(players - size - 1) for size in range(players)]
    found = []
    for player in range(players):
        bit = 1 << player
        added = sum(
            orders[bits.bit_count()] * (worth[bits | bit] - worth[bits]) for bits in range(len(worth)) if not bits & bit
        )
        found.append(Fraction(added, math.factorial(players)))
    return found
