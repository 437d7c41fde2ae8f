"""Stable allocation: workers propose, each job keeps those with the most points.

Deferred acceptance (Gale and Shapley 1962). Each worker proposes to her best job; a job with more proposals than seats keeps
those with the most points, of equal points the smaller lottery number, and lets the others go, who propose to their next.
Nobody is kept for sure until nobody proposes any more. Then no worker and no job would both rather have each other.

Of all stable allocations this is the one that is best for every worker at once, and no worker gets a better job by saying other
wishes than her own (Dubins and Freedman 1981; Roth 1982). It does not depend on the order of proposals.
"""

from __future__ import annotations

from array import array
from heapq import heappush, heappushpop

from usufruct.core.work.allocation import lottery
from usufruct.core.work.allocation.instance import Allocation, Instance


def match(instance: Instance, seed: bytes) -> Allocation:
    """The stable allocation that is best for the workers."""
    keys = priorities(instance, seed)
    job, starts, seats = instance.job, instance.starts, instance.seats
    people = len(instance.workers)
    following = list(starts[:people])  # the next pair in which each worker would propose
    taken = array("i", [-1]) * people
    held: list[list[tuple[int, int]]] = [[] for _ in instance.jobs]  # heaps: who has the fewest points first
    for first in range(people):
        worker = first
        while worker >= 0 and following[worker] < starts[worker + 1]:
            pair = following[worker]
            following[worker] += 1
            place = job[pair]
            taken[worker] = place
            if len(held[place]) < seats[place]:
                heappush(held[place], (keys[pair], worker))
                worker = -1
            else:
                worker = heappushpop(held[place], (keys[pair], worker))[1]
                taken[worker] = -1
    return Allocation(taken)


def priorities(instance: Instance, seed: bytes) -> list[int]:
    """How a job ranks the worker of each pair, the larger number first: by points, then by the smaller lottery number."""
    people = len(instance.workers)
    places = lottery.ranks(seed, instance.workers)
    scores = instance.scores()
    found = []
    for worker in range(people):
        behind = people - 1 - places[worker]
        found += [points * people + behind for points in scores[instance.starts[worker] : instance.starts[worker + 1]]]
    return found
