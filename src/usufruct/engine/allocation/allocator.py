"""The allocator: the right loops for the size, and the method of the rule."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import largest_sum, stable
from usufruct.core.work.allocation.certificate import Checked
from usufruct.core.work.allocation.instance import Allocation, Instance
from usufruct.core.work.allocation.rule import STABLE
from usufruct.engine.allocation import checking
from usufruct.engine.allocation.columns import Columns, Whole, columns, priorities, worths

SMALL = 20_000  # pairs; so many the plain loops do before compiled code is loaded
PLAIN = 400_000  # pairs; without the extra a sum over more may take minutes
_TRIES = (1 << 24, 1 << 12, 1)  # how small an epsilon has to be before exact prices are looked for, in units
_STEP = 8


class LocalAllocator:
    """`core.work.allocation` on this machine."""

    def __init__(self, small: int = SMALL) -> None:
        self._small = small

    def missing(self, pairs: int) -> str | None:
        """The extra that should be installed for a round of so many pairs; None if none need be."""
        return None if pairs <= PLAIN or _has_numba() else "work"

    def match(self, instance: Instance, seed: bytes) -> Allocation:
        """The allocation by the instance's rule, see `core.work.allocation`."""
        plain = stable.match if instance.rule.method == STABLE else largest_sum.match
        if len(instance.job) <= self._small or not len(instance.job) or not _has_numba():
            return plain(instance, seed)
        from usufruct.engine.allocation import compiled

        read = _needed(columns(instance))
        if instance.rule.method == STABLE:
            keys = priorities(instance, read, seed)
            return Allocation(compiled.propose(read.starts, read.job, keys, read.seats, read.first).tolist())
        found = _auction(compiled, read, worths(instance, read, seed))
        return found if found is not None else plain(instance, seed)

    def check(self, instance_bytes: bytes, certificate_bytes: bytes) -> Refusal | Checked:
        """Whether the certificate proves its allocation of the instance, see `core.work.allocation.certificate`."""
        return checking.check(instance_bytes, certificate_bytes)


def _has_numba() -> bool:
    return importlib.util.find_spec("numba") is not None


def _needed(read: Columns) -> Columns:
    """A job has one seat more than workers who could have it, or fewer: the rest stays empty whatever is done."""
    wanted = np.bincount(read.job, minlength=len(read.seats))
    seats = np.minimum(read.seats, wanted + 1).astype(np.int64)
    return replace(read, seats=seats, first=np.concatenate(([0], np.cumsum(seats))).astype(np.int64))


def _auction(compiled: ModuleType, read: Columns, worth: Whole) -> Allocation | None:
    """The largest sum with the highest prices; None if the auction came near it only."""
    people, jobs, seats = len(read.starts) - 1, len(read.seats), int(read.first[-1])
    back_pair = np.argsort(read.job, kind="stable").astype(np.int64)
    back = np.concatenate(([0], np.cumsum(np.bincount(read.job, minlength=jobs)))).astype(np.int64)
    at_job = np.repeat(np.arange(jobs, dtype=np.int32), read.seats)
    paid, price = np.zeros(seats, np.int64), np.zeros(jobs, np.int64)
    epsilon = max(int(worth.max(initial=1)) // 16, 1)
    for least in _TRIES:
        while True:
            by, pair_of = np.full(seats, -1, np.int32), np.full(people, -1, np.int64)
            gain = np.zeros(people, np.int64)
            compiled.bid(read.starts, read.job, worth, read.first, paid, by, pair_of, gain, price, epsilon)
            compiled.offer(
                back, back_pair, worth, read.first, at_job, read.job, read.owner, paid, by, pair_of, gain, epsilon
            )
            price = np.minimum.reduceat(paid, read.first[:-1])
            if epsilon <= least:
                break
            epsilon = max(epsilon // _STEP, least)
        exact = price.copy()
        found = compiled.highest(
            back, back_pair, worth, read.first, read.job, read.owner, by, pair_of, exact, 20 * jobs
        )
        taken = np.where(pair_of >= 0, read.job[pair_of], -1)
        if found and _is_largest(read, worth, taken, exact):
            return Allocation(taken.tolist(), exact.tolist())
    return None


def _is_largest(read: Columns, worth: Whole, taken: NDArray[np.int32], price: Whole) -> bool:
    own = checking.own_pairs(read, taken.astype(np.int64))
    return own is not None and checking.gains(read, worth, taken.astype(np.int64), own, price) is not None
