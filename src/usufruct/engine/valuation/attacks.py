"""What somebody gains who brings the same twice, under other names, or shaken: attacks on the measure, tried for real.

Members hold records of one data set, all the same number. The first of them attacks; what she gets of the whole, over all of
her accounts, is compared with what she got without. 1 is no gain. Who attacks comes last: her copies are deposited later
than what they are copies of, for a journal says what came first.

That no rule can hold against everything is known (see `core.income.copies`). So what is left to be gained is measured, with
other draws each time, and published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from usufruct.core.income.neighbours import Measure, grid_bits
from usufruct.engine.valuation import contribution, neighbours
from usufruct.engine.valuation.contribution import Records, Validation
from usufruct.engine.valuation.neighbours import Points, Whole

MEMBERS, EACH, VALIDATION = 8, 25, 300
Cells = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scene:
    """Members with as many records each, from 0 to 1 in every column, and a buyer's rows."""

    cells: Cells
    labels: Whole
    validation: Validation
    random: np.random.Generator

    @property
    def records(self) -> Records:
        """The honest ones, in order of deposit."""
        count = len(self.cells)
        return Records(on_grid(self.cells), self.labels, np.arange(count) // (count // MEMBERS), np.arange(count))


def scene(cells: Cells, labels: Whole, seed: int) -> Scene:
    """A draw from a data set, whose columns are brought between 0 and 1."""
    random = np.random.default_rng(seed)
    low, high = cells.min(axis=0), cells.max(axis=0)
    cells = (cells - low) / np.where(high > low, high - low, 1)
    drawn = random.permutation(len(cells))
    there = drawn[: min(MEMBERS * EACH, len(drawn) // (2 * MEMBERS) * MEMBERS)]
    other = drawn[len(there) :][:VALIDATION]
    validation = Validation(on_grid(cells[other]), labels[other].astype(np.int64))
    return Scene(cells[there], labels[there].astype(np.int64), validation, random)


def on_grid(cells: Cells) -> Points:
    """Cells from 0 to 1 on the grid; what lies outside counts as the nearer end."""
    steps = (1 << grid_bits(cells.shape[1])) - 1
    return np.floor(np.clip(cells, 0, 1) * steps).astype(np.int32)


Attack = Callable[[Scene], Records]


def repeat(scene: Scene, times: int = 2) -> Records:
    """Her own records again, from the same account."""
    mine = _of(scene, 0)
    return _and(scene, scene.cells[mine], mine, np.zeros(len(mine), np.int64), times)


def split(scene: Scene) -> Records:
    """Her records from three accounts, no more of them."""
    records = scene.records
    mine = _of(scene, 0)
    who = records.who.copy()
    who[mine[1::3]], who[mine[2::3]] = MEMBERS, MEMBERS + 1
    return replace(records, who=who)


def copy_accounts(scene: Scene, jitter: float = 0.0, times: int = 1) -> Records:
    """All of her records from two more accounts, so many times from each, every cell shaken by a normal draw of that
    deviation."""
    records = scene.records
    of = _of(scene, 0)
    for account in (MEMBERS, MEMBERS + 1) * times:
        cells = scene.cells[of] + jitter * scene.random.normal(size=(len(of), scene.cells.shape[1]))
        records = _joined(records, on_grid(cells), scene.labels[of], np.full(len(of), account))
    return records


def copy_another(scene: Scene, jitter: float = 0.0) -> Records:
    """All records of another member, from her own account."""
    of = _of(scene, 1)
    cells = scene.cells[of] + jitter * scene.random.normal(size=(len(of), scene.cells.shape[1]))
    return _joined(scene.records, on_grid(cells), scene.labels[of], np.zeros(len(of), np.int64))


def move_harmful(scene: Scene) -> Records:
    """Her records that harm go to a second account, where they can cost her nothing."""
    records = scene.records
    value = neighbours.values(
        records.points, records.labels, scene.validation.points, scene.validation.labels, Measure().k
    )
    who = records.who.copy()
    who[(value < 0) & (who == 0)] = MEMBERS
    return replace(records, who=who)


ATTACKS: dict[str, Attack] = {
    "her own records three times": repeat,
    "split into three accounts": split,
    "two accounts with exact copies": copy_accounts,
    "two accounts with copies shaken by 0.01": lambda scene: copy_accounts(scene, 0.01),
    "copies of another member's records": copy_another,
    "harmful records moved to another account": move_harmful,
}


def gain(scene: Scene, attack: Attack, measure: Measure, sieving: bool = True) -> float:
    """What the attacker gets of the whole, after by before; `sieving` says whether copies are told."""
    before, after = scene.records, attack(scene)
    return _part(after, scene, measure, sieving) / _part(before, scene, measure, sieving)


def merged(scene: Scene, measure: Measure) -> float:
    """Which part of the honest records is taken for copies."""
    sieved = contribution.sieve(scene.records, measure)
    return 1 - len(sieved.counting) / len(sieved.by)


def _part(records: Records, scene: Scene, measure: Measure, sieving: bool) -> float:
    sieved = contribution.Sieved(np.arange(len(records.who)))
    if sieving:
        sieved = contribution.sieve(records, measure)
    at = sieved.counting
    values = neighbours.values(
        records.points[at], records.labels[at], scene.validation.points, scene.validation.labels, measure.k
    )
    shares = contribution.pay(records, sieved, values, measure, MEMBERS + 2).shares
    hers = np.r_[0, MEMBERS : MEMBERS + 2]
    return float(shares[hers].sum() / max(shares.sum(), 1))


def _of(scene: Scene, member: int) -> NDArray[np.intp]:
    return np.flatnonzero(scene.records.who == member)


def _joined(records: Records, points: Points, labels: Whole, who: Whole) -> Records:
    later = np.arange(len(labels)) + records.deposit.max() + 1
    return Records(
        np.concatenate((records.points, points)), np.concatenate((records.labels, labels)),
        np.concatenate((records.who, who)), np.concatenate((records.deposit, later)),
    )  # fmt: skip


def _and(scene: Scene, cells: Cells, of: NDArray[np.intp], who: Whole, times: int) -> Records:
    records = scene.records
    for _ in range(times):
        records = _joined(records, on_grid(cells), scene.labels[of], who)
    return records
