"""What each of a few holders adds to a buyer's own model: it is fitted to the data of every coalition of them.

With M holders there are 2^M coalitions, so there can be 16 at most. What a coalition is worth is how many of the buyer's rows
a model of its data tells rightly: a whole number. So the shares are exact, and sum to what the model of all data tells, less
what is told without any: nothing. Rows are put in order by their contents before each fit, so that it does not matter in
which they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from usufruct.core.income.shapley import enumerated
from usufruct.engine.valuation.copies import in_order
from usufruct.engine.valuation.neighbours import Whole

HOLDERS_MAX = 16
Codes: TypeAlias = NDArray[np.signedinteger]
Told = Callable[[Codes, Whole, Codes], Whole]
"""What a model of labelled records says of rows."""


def shares(
    records: Codes, labels: Whole, holder: Whole, rows: Codes, told: Whole, holders: int, fit: Told, apart: int = 0
) -> list[Fraction]:
    """The exact value of each of `holders`, in rows told rightly; `holder` says whose each record is. A label is told
    rightly if it is no further off than `apart`.

    Raises:
        ValueError: there are too many holders.
    """
    if holders > HOLDERS_MAX:
        raise ValueError(f"{holders} holders have too many coalitions; at most {HOLDERS_MAX} can be looked at")
    order = in_order(records, labels, np.zeros(len(labels), np.int64))
    records, labels, holder = records[order], labels[order], holder[order]
    worth = []
    for bits in range(1 << holders):
        in_it = (bits >> holder) & 1 == 1
        there = labels[in_it]
        if not len(there):
            worth.append(0)
        elif (there == there[0]).all():
            worth.append(_right(told, there[0], apart))
        else:
            worth.append(_right(told, fit(records[in_it], there, rows), apart))
    return enumerated(holders, worth.__getitem__)


def _right(told: Whole, said: Whole | np.int64, apart: int) -> int:
    return int((np.abs(said - told) <= apart).sum())
