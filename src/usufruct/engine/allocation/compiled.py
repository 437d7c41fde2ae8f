"""The loops of an allocation, written so that Numba can compile them; they see numbers in arrays and nothing else.

Deferred acceptance is the same as in `core.work.allocation.stable`. The largest sum is found in another way than in the core, for
its chains get long where there are many workers: by an auction (Bertsekas 1988). Workers without a seat bid for the job that is
worth most to them over its price, and raise the price by what it is worth over the second best, and by *epsilon* besides. Seats
that are left over with a price then lower it and look for a worker who would come for less (the reverse auction of Bertsekas
and Castañón 1992); so pairs, seats and workers may be left over. This is done with a large epsilon first and again, from the
prices found, with smaller ones. The sum is then at most epsilon for each worker below the largest. Whether it *is* the largest
is not believed, but looked at: `highest` works out exact prices for the allocation, and the certificate's check says if they fit.

Numba is an extra (`work`): where it is not installed, nobody imports this module.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Small = NDArray[np.int32]


def _cache() -> None:
    """Compiled code is kept for the user, not beside the source, which may be read by others and written by nobody."""
    if not os.environ.get("NUMBA_CACHE_DIR"):
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        numba.config.CACHE_DIR = str(Path(base) / "usufruct" / "numba")


_cache()
Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """The loop, compiled when it is first called, and kept."""
    made: Loop = numba.njit(cache=True, nogil=True)(loop)
    return made


@compiled
def push(heap_at: Whole, heap_of: Small, size: int, at: int, of: int) -> int:
    """Puts `of` on a heap, by `at` and then by itself; the new size."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if heap_at[above] < at or (heap_at[above] == at and heap_of[above] <= of):
            break
        heap_at[place], heap_of[place] = heap_at[above], heap_of[above]
        place = above
    heap_at[place], heap_of[place] = at, of
    return size + 1


@compiled
def pop(heap_at: Whole, heap_of: Small, size: int) -> int:
    """Takes the first away from a heap; the new size."""
    size -= 1
    at, of = heap_at[size], heap_of[size]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        right = below + 1
        if right < size and (
            heap_at[right] < heap_at[below] or (heap_at[right] == heap_at[below] and heap_of[right] < heap_of[below])
        ):
            below = right
        if heap_at[below] > at or (heap_at[below] == at and heap_of[below] >= of):
            break
        heap_at[place], heap_of[place] = heap_at[below], heap_of[below]
        place = below
    heap_at[place], heap_of[place] = at, of
    return size


@compiled
def propose(starts: Whole, job: Small, keys: Whole, seats: Whole, first: Whole) -> Small:
    """Deferred acceptance: who got which job, or -1. `first` is where the seats of each job begin in a row of all seats."""
    people = len(starts) - 1
    following = starts[:people].copy()
    taken = np.full(people, -1, np.int32)
    count = np.zeros(len(seats), np.int64)
    held_key, held_by = np.empty(first[-1], np.int64), np.empty(first[-1], np.int32)
    for start in range(people):
        worker = start
        while worker >= 0 and following[worker] < starts[worker + 1]:
            pair = following[worker]
            following[worker] += 1
            place = job[pair]
            here = slice(first[place], first[place + 1])
            if count[place] < seats[place]:
                count[place] = push(held_key[here], held_by[here], count[place], keys[pair], worker)
                taken[worker] = place
                worker = -1
            elif held_key[first[place]] < keys[pair]:
                gone = held_by[first[place]]
                size = pop(held_key[here], held_by[here], count[place])
                push(held_key[here], held_by[here], size, keys[pair], worker)
                taken[worker], taken[gone] = place, -1
                worker = gone
    return taken


@compiled
def bid(
    starts: Whole, job: Small, worth: Whole, first: Whole, paid: Whole, by: Small, pair_of: Whole, gain: Whole, price: Whole,
    epsilon: int,
) -> None:  # fmt: skip
    """Workers bid until each has a seat, or has nothing to gain. `paid` and `by` are of each seat, `price` is the least paid
    for a seat of each job, `pair_of` and `gain` are of each worker."""
    people = len(starts) - 1
    waiting = np.arange(people - 1, -1, -1).astype(np.int32)
    size = people
    while size:
        size -= 1
        worker = waiting[size]
        best, second, pair = 0, 0, -1
        for at in range(starts[worker], starts[worker + 1]):
            value = worth[at] - price[job[at]]
            if value > best:
                best, second, pair = value, best, at
            elif value > second:
                second = value
        gain[worker], pair_of[worker] = 0, -1
        if pair < 0:
            continue
        place = job[pair]
        seat = least(paid, first[place], first[place + 1])
        if by[seat] >= 0:
            pair_of[by[seat]] = -1
            waiting[size] = by[seat]
            size += 1
        by[seat], paid[seat] = worker, price[place] + best - second + epsilon
        price[place] = paid[least(paid, first[place], first[place + 1])]
        gain[worker], pair_of[worker] = worth[pair] - paid[seat], pair


@compiled
def least(paid: Whole, start: int, end: int) -> int:
    """The cheapest seat of a job."""
    found = start
    for seat in range(start + 1, end):
        if paid[seat] < paid[found]:
            found = seat
    return found


@compiled
def offer(
    back: Whole, back_pair: Whole, worth: Whole, first: Whole, at_job: Small, job: Small, owner: Small, paid: Whole,
    by: Small, pair_of: Whole, gain: Whole, epsilon: int,
) -> None:  # fmt: skip
    """Seats that are left over with a price look for somebody who would come for less, or get a price of nothing. `back` and
    `back_pair` are the pairs of each job; `at_job` is the job of each seat."""
    seats = len(by)
    waiting = np.empty(seats, np.int32)
    size = 0
    for seat in range(seats):
        if by[seat] < 0 and paid[seat] > 0:
            waiting[size] = seat
            size += 1
    while size:
        size -= 1
        seat = waiting[size]
        place = at_job[seat]
        best, second, pair = 0, 0, -1
        for at in range(back[place], back[place + 1]):
            one = back_pair[at]
            value = worth[one] - gain[owner[one]]
            if pair_of[owner[one]] == one:
                continue
            if value > best:
                best, second, pair = value, best, one
            elif value > second:
                second = value
        paid[seat] = max(second - epsilon, 0)
        if pair < 0:
            continue
        worker = owner[pair]
        if pair_of[worker] >= 0:
            left = seat_of(by, first, job[pair_of[worker]], worker)
            by[left] = -1
            if paid[left] > 0:
                waiting[size] = left
                size += 1
        by[seat], pair_of[worker], gain[worker] = worker, pair, worth[pair] - paid[seat]


@compiled
def seat_of(by: Small, first: Whole, place: int, worker: int) -> int:
    """Where she sits."""
    for seat in range(first[place], first[place + 1]):
        if by[seat] == worker:
            return seat
    return -1


@compiled
def highest(
    back: Whole, back_pair: Whole, worth: Whole, first: Whole, job: Small, owner: Small, by: Small, pair_of: Whole,
    price: Whole, most: int,
) -> bool:  # fmt: skip
    """Puts into `price`, of each job, the highest prices at which nobody would rather leave her seat, or have another.

    False if they were not found within `most` steps: then there may be none, and the sum is not the largest.
    """
    jobs = len(price)
    under = np.empty(jobs, np.int64)
    heap_at, heap_of = np.empty(2 * len(job) + jobs, np.int64), np.empty(2 * len(job) + jobs, np.int32)
    size = 0
    for place in range(jobs):
        under[place] = rise(first, worth, by, pair_of, price, place)
        size = push(heap_at, heap_of, size, under[place], place)
    steps = 0
    while size:
        at, place = heap_at[0], heap_of[0]
        size = pop(heap_at, heap_of, size)
        if at != under[place]:
            continue
        steps += 1
        if steps > most or size + back[place + 1] - back[place] > len(heap_at):
            return False
        for index in range(back[place], back[place + 1]):
            pair = back_pair[index]
            own = pair_of[owner[pair]]
            if own >= 0 and own != pair:
                home = job[own]
                reached = at + worth[own] - price[home] + price[place] - worth[pair]
                if reached < under[home]:
                    under[home] = reached
                    size = push(heap_at, heap_of, size, reached, home)
    for place in range(jobs):
        price[place] += under[place]
    return True


@compiled
def rise(first: Whole, worth: Whole, by: Small, pair_of: Whole, price: Whole, place: int) -> int:
    """How far the price of a job can rise before somebody who sits there would rather leave; to nothing where a seat is
    left over."""
    found = 2**62
    for seat in range(first[place], first[place + 1]):
        if by[seat] < 0:
            return -int(price[place])
        found = min(found, int(worth[pair_of[by[seat]]] - price[place]))
    return found
