"""An instance as columns of NumPy: read from bytes without a copy, and looked at without a loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usufruct.core.income.division import FIRST, GOLDEN, SECOND
from usufruct.core.work.allocation import encoding, instance, largest_sum, lottery
from usufruct.core.work.allocation.instance import RANK_MAX, SEATS_MAX, Instance
from usufruct.core.work.allocation.rule import VALUE_MAX

Whole = NDArray[np.int64]
Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Columns:
    """The pairs of an instance: `starts` of each worker, and `owner`, `job` and points of each pair; `first` is where the
    seats of each job begin in a row of all seats."""

    starts: Whole
    owner: NDArray[np.int32]
    job: NDArray[np.int32]
    scores: Whole
    seats: Whole
    first: Whole


def decode(data: bytes) -> Instance | None:
    """The instance whose canonical bytes are `data`, with columns of NumPy; None if anything is wrong with it: then
    `core.work.allocation.encoding.decode` says what.

    Raises:
        BadInput: there is no header of an instance, or it is not in order.
    """
    header, body = encoding.split(data)
    found = encoding.assemble(header, body, lambda code, part: np.frombuffer(part, _TYPES[code]), _summed)
    instance.validate_head(found)
    return found if _fits(found) else None


_TYPES = {"H": "<u2", "I": "<u4"}


def _summed(counts: NDArray[np.integer]) -> Whole:
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))


def _fits(found: Instance) -> bool:
    """As `core.work.allocation.instance.validate` looks at the columns."""
    jobs, people = len(found.jobs), len(found.workers)
    starts, barred_starts = np.asarray(found.starts), np.asarray(found.barred_starts)
    seats, job, rank = np.asarray(found.seats), np.asarray(found.job), np.asarray(found.rank).astype(np.int64)
    barred, why = np.asarray(found.barred_job), np.asarray(found.barred_why)
    if starts[-1] != len(job) or barred_starts[-1] != len(barred):
        return False
    bounded = (
        _within(seats, 1, SEATS_MAX)
        and _within(rank, 1, RANK_MAX)
        and _within(job, 0, jobs - 1)
        and _within(barred, 0, jobs - 1)
        and all(_within(np.asarray(column), 0, VALUE_MAX) for column in found.values)
    )
    if not bounded or not np.array_equal(np.unique(why), np.arange(len(found.words))):
        return False
    owner = np.repeat(np.arange(people), np.diff(starts))
    barred_owner = np.repeat(np.arange(people), np.diff(barred_starts))
    forbidden = barred_owner * jobs + barred
    both = np.sort(np.concatenate((owner * jobs + job, forbidden)))
    rising = (np.diff(rank) > 0) | (np.diff(owner) > 0)
    return bool(rising.all() and (np.diff(forbidden) > 0).all() and (np.diff(both) > 0).all())


def _within(column: NDArray[np.integer], low: int, high: int) -> bool:
    return not len(column) or (low <= int(column.min()) and int(column.max()) <= high)


def columns(found: Instance) -> Columns:
    """The pairs of an instance that is in order."""
    starts, job = np.asarray(found.starts, np.int64), np.asarray(found.job).astype(np.int32)
    scores = np.zeros(len(job), np.int64)
    for part, column in zip(found.rule.parts, found.values, strict=True):
        scores += np.int64(part.weight) * np.asarray(column).astype(np.int64)
    seats = np.asarray(found.seats).astype(np.int64)
    owner = np.repeat(np.arange(len(found.workers), dtype=np.int32), np.diff(starts))
    return Columns(starts, owner, job, scores, seats, _summed(seats))


def priorities(found: Instance, read: Columns, seed: bytes) -> Whole:
    """As `core.work.allocation.stable.priorities`."""
    people = len(found.workers)
    behind = people - 1 - np.array(lottery.ranks(seed, found.workers), np.int64)
    keys: Whole = read.scores * people + behind[read.owner]
    return keys


def worths(found: Instance, read: Columns, seed: bytes) -> Whole:
    """As `core.work.allocation.largest_sum.worths`."""
    scale = largest_sum.scale_of(found.rule, len(found.workers))
    places = np.array(lottery.ranks(seed, found.workers), np.uint64)
    begin = _lots(np.full(len(places), int.from_bytes(seed[:8], "little"), np.uint64), places)
    drawn = _lots(begin[read.owner], read.job.astype(np.uint64))
    worth: Whole = read.scores * scale.unit + (drawn >> np.uint64(64 - scale.bits)).astype(np.int64) + 1
    return worth


def _lots(seeds: Words, positions: Words) -> Words:
    """As `core.income.division.lot`, of many."""
    mixed = seeds + (positions + np.uint64(1)) * np.uint64(GOLDEN)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(FIRST)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(SECOND)
    lots: Words = mixed ^ (mixed >> np.uint64(31))
    return lots
