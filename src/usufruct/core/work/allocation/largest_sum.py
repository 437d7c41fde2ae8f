"""The largest sum: of all allocations one with the most points in all, and with it the prices that prove it.

Points are multiplied by a power of two so large that *lottery points*, drawn from each worker's number for each of her jobs,
decide only between allocations of the same sum. Such units are used for prices too (`Scale`). Lottery points have so many
bits that two allocations hardly ever have the same total.

Workers come one at a time, by their lottery numbers. For each the shortest chain is looked for in which she takes a seat,
whoever sat there takes another, and so on, until a free seat is reached or somebody whose points were worth less than the
chain costs is left without (the Hungarian method, by Dijkstra's algorithm with prices as potentials). Everything is a whole
number, so the sum is exactly the largest one and not nearly so; pairs, seats and workers may be left over.

At the end each price is raised as far as it can be. The highest prices are one vector and no other (Shapley and Shubik 1971).
The price of a job is then what the sum would lose with one seat of it less: who has nothing else must be worth more than that.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from usufruct.core.base.faults import BadInput
from usufruct.core.work.allocation import lottery
from usufruct.core.work.allocation.instance import Allocation, Instance
from usufruct.core.work.allocation.rule import VALUE_MAX, AllocationRule

BITS, POINTS_BITS, POINTS_BITS_MIN = 60, 32, 8


@dataclass(frozen=True, slots=True)
class Scale:
    """A point is `unit` units; lottery points have so many `bits`. What is worth most has fewer than 2**60 units."""

    unit: int
    bits: int


def scale_of(rule: AllocationRule, workers: int) -> Scale:
    """The scale for a rule and a number of workers: all lottery points together are less than one point.

    Raises:
        BadInput: they do not fit, for the weights are too large for so many workers.
    """
    people = workers.bit_length()
    most = (VALUE_MAX * sum(part.weight for part in rule.parts) + 1).bit_length()
    bits = min(POINTS_BITS, BITS - people - most)
    if bits < POINTS_BITS_MIN:
        raise BadInput(
            "input.allocation",
            "so many workers and such weights leave no room for the lottery",
            "make the weights smaller",
        )
    return Scale(1 << (bits + people), bits)


def worths(instance: Instance, seed: bytes) -> list[int]:
    """What each pair is worth, in units: its points, and its lottery points."""
    scale = scale_of(instance.rule, len(instance.workers))
    places = lottery.ranks(seed, instance.workers)
    found = [points * scale.unit for points in instance.scores()]
    for worker, place in enumerate(places):
        for pair in range(instance.starts[worker], instance.starts[worker + 1]):
            found[pair] += lottery.points(seed, place, instance.job[pair], scale.bits)
    return found


def match(instance: Instance, seed: bytes) -> Allocation:
    """The allocation with the largest sum, of those the one with the most lottery points, and the highest prices."""
    search = _Search(instance, worths(instance, seed))
    places = lottery.ranks(seed, instance.workers)
    for worker in sorted(range(len(places)), key=places.__getitem__):
        search.admit(worker)
    search.lift()
    job = instance.job
    return Allocation(array("i", [job[pair] if pair >= 0 else -1 for pair in search.taken]), array("q", search.price))


class _Search:
    """Who sits where so far, at which prices. `gain` is what a worker has over the price of her seat, `taken` her pair."""

    def __init__(self, instance: Instance, worth: Sequence[int]) -> None:
        self.job, self.starts, self.seats, self.worth = instance.job, instance.starts, instance.seats, worth
        people, jobs = len(instance.workers), len(instance.jobs)
        self.gain, self.taken = [0] * people, [-1] * people
        self.price = [0] * jobs
        self.sitting: list[list[int]] = [[] for _ in range(jobs)]
        owner = [0] * len(self.job)
        for worker in range(people):
            for pair in range(self.starts[worker], self.starts[worker + 1]):
                owner[pair] = worker
        self.owner = owner

    def admit(self, worker: int) -> None:
        """Finds the best place for one more worker, by the shortest chain."""
        here = range(self.starts[worker], self.starts[worker + 1])
        gain = max((self.worth[pair] - self.price[self.job[pair]] for pair in here), default=0)
        if gain <= 0:
            return
        self.gain[worker] = gain
        far: dict[int, int] = {}  # how far a job is
        by: dict[int, int] = {}  # the pair that leads to it
        settled: list[int] = []
        nearest, leaves, free = gain, worker, -1  # the best end so far: who is left without, or where a seat is free
        queue: list[tuple[int, int]] = []

        def reach(who: int, start: int) -> None:
            for pair in range(self.starts[who], self.starts[who + 1]):
                place = self.job[pair]
                at = start + self.gain[who] + self.price[place] - self.worth[pair]
                if pair != self.taken[who] and at < nearest and at < far.get(place, nearest):
                    far[place], by[place] = at, pair
                    heappush(queue, (at, place))

        reach(worker, 0)
        while queue:
            at, place = heappop(queue)
            if at >= nearest:
                break
            if at > far[place]:
                continue
            settled.append(place)
            if len(self.sitting[place]) < self.seats[place]:
                nearest, leaves, free = at, -1, place
                break
            for sitter in self.sitting[place]:
                if at + self.gain[sitter] < nearest:
                    nearest, leaves, free = at + self.gain[sitter], sitter, -1
                reach(sitter, at)
        self._reprice(worker, settled, far, nearest)
        self._reseat(worker, leaves, free, by)

    def _reprice(self, worker: int, settled: Sequence[int], far: dict[int, int], nearest: int) -> None:
        self.gain[worker] -= nearest
        for place in settled:
            rise = nearest - far[place]
            if rise > 0:
                self.price[place] += rise
                for sitter in self.sitting[place]:
                    self.gain[sitter] -= rise

    def _reseat(self, worker: int, leaves: int, free: int, by: dict[int, int]) -> None:
        """Everybody along the chain moves up, from its end to its beginning."""
        if leaves == worker:
            return
        place = free
        if leaves >= 0:
            place = self.job[self.taken[leaves]]
            self.sitting[place].remove(leaves)
            self.taken[leaves] = -1
        while True:
            pair = by[place]
            mover, before = self.owner[pair], self.taken[self.owner[pair]]
            self.sitting[place].append(mover)
            self.taken[mover] = pair
            if mover == worker:
                return
            place = self.job[before]
            self.sitting[place].remove(mover)

    def lift(self) -> None:
        """Raises every price as far as it can be raised together with all others.

        A seat less of a job costs what the best chain costs that starts with who sits there leaving it: she takes another seat,
        whoever sat there takes another, until a free seat is reached or somebody is left without. The price is too low by the
        length of that chain.
        """
        back: list[list[int]] = [[] for _ in self.price]
        for pair, place in enumerate(self.job):
            back[place].append(pair)
        under = [
            min((self.gain[sitter] for sitter in sitting), default=0) if len(sitting) == seats else 0
            for sitting, seats in zip(self.sitting, self.seats, strict=True)
        ]
        queue = sorted((at, place) for place, at in enumerate(under))
        while queue:
            at, place = heappop(queue)
            if at != under[place]:
                continue
            for pair in back[place]:
                worker = self.owner[pair]
                own = self.taken[worker]
                if own < 0 or own == pair:
                    continue
                reached = at + self.gain[worker] + self.price[place] - self.worth[pair]
                if reached < under[self.job[own]]:
                    under[self.job[own]] = reached
                    heappush(queue, (reached, self.job[own]))
        for place, rise in enumerate(under):
            self.price[place] += rise
            for sitter in self.sitting[place]:
                self.gain[sitter] -= rise
