"""How good records are, as far as other records tell: a figure about data, from which nobody is ever paid.

Data-OOB (Kwon and Zou 2023, "Data-OOB: Out-of-bag Estimate as a Simple and Efficient Data Value", ICML): many trees are fitted,
each to a draw of the records with repetition; how often a record is told rightly by the trees that did not see it shows
whether its label fits. It finds wrong labels as well as anything does.

It is no share of anything. It does not sum to what all records are worth, and a copy of a good record is as good as the
record, so whoever repeats herself would be paid again. So what comes of it is of a type of its own, which says how often of how
many times, and which nothing that pays takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from usufruct.engine.valuation.copies import in_order
from usufruct.engine.valuation.neighbours import Points, Whole

TREES = 100


@dataclass(frozen=True, slots=True)
class Quality:
    """Of each record, how often trees that did not see it told its label `right`, of how many `times`."""

    right: tuple[int, ...]
    times: tuple[int, ...]

    def of(self, record: int) -> Fraction | None:
        """The part of one record, from 0 to 1; None if every tree saw it."""
        return Fraction(self.right[record], self.times[record]) if self.times[record] else None

    def doubtful(self) -> Iterator[int]:
        """The records that are told wrongly more often than rightly."""
        return (place for place, right in enumerate(self.right) if 2 * right < self.times[place])

    def whole(self) -> Fraction:
        """The part over all records."""
        return Fraction(sum(self.right), max(sum(self.times), 1))


def out_of_bag(points: Points, labels: Whole, trees: int = TREES) -> Quality:
    """The quality of records; the same each time, and under any order of them."""
    from sklearn.tree import DecisionTreeClassifier

    order = in_order(points, labels, np.zeros(len(labels), np.int64))
    inputs, told = points[order].astype(np.float32), labels[order]
    right, times = np.zeros(len(order), np.int64), np.zeros(len(order), np.int64)
    for number in range(trees):
        drawn = np.random.default_rng(number).integers(0, len(order), len(order))
        out = np.ones(len(order), np.bool_)
        out[drawn] = False
        tree = DecisionTreeClassifier(max_features="sqrt", random_state=number).fit(inputs[drawn], told[drawn])
        times += out
        right[out] += tree.predict(inputs[out]) == told[out]
    back = np.argsort(order)
    return Quality(tuple(right[back].tolist()), tuple(times[back].tolist()))
