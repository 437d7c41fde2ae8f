"""Allocating a round, proving it, and checking the proof: 100,000 workers, as many jobs, 20 jobs that each could have.

Two rounds are made up: one with points of chance, and one in which so few values occur that most points are equal, which is
harder, for then much hangs on the lottery. *Stable* is compared with the plain twin in the core. *Sum* is compared with the
two solvers of OR-Tools that take it: the cheapest flow, in which who is left over flows past the jobs, and the assignment,
which must be complete and so has a place to be left over for each worker and each job. They get the points alone: theirs is
one of the allocations with the largest sum, without a lottery, prices or proof. All must find the same sum. Ours has the
certificate written.

The check reads both files and begins with nothing else. Beside it stands what one would do without a certificate: allocate
again, from the same file, and compare.
"""

from __future__ import annotations

from array import array

import numba  # noqa: F401 (without the extra there is nothing to measure)
import numpy as np
from numpy.typing import NDArray
from ortools.graph.python.linear_sum_assignment import SimpleLinearSumAssignment
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from bench.measure import medians, seconds, setup
from bench.report import Result, against, barred
from usufruct.core.work.allocation import certificate, encoding, lottery, stable
from usufruct.core.work.allocation.certificate import Checked
from usufruct.core.work.allocation.instance import Instance
from usufruct.core.work.allocation.rule import STABLE, SUM, AllocationRule, Part
from usufruct.engine.allocation.allocator import LocalAllocator
from usufruct.engine.allocation.columns import columns, decode

ROUND, SECRETS = "monday", (bytes(32), bytes([1]) * 32, bytes([2]) * 32)
SEED = lottery.seed(SECRETS, b"", ROUND)
COMMITMENTS = tuple(lottery.commitment(secret, ROUND) for secret in SECRETS)
PARTS = (Part("near", 3), Part("fairness", 2), Part("skill", 1))
SIZES, QUICK, EACH, TURNS = (10_000, 100_000), (400,), 20, 3
COMPLETE_MOST = 10_000  # workers; with 100,000 the complete assignment takes minutes
POINTS = {"points of chance": 1000, "most points equal": 3}
STABLE_SECONDS, SUM_SECONDS, CHECK_SECONDS = 1, 15, 1
Whole = NDArray[np.int64]


def run(quick: bool) -> list[Result]:
    """The figures for each size and kind of round."""
    allocator = LocalAllocator(small=0)
    with setup("compiling, or loading what was compiled"):
        for method in (STABLE, SUM):
            allocator.match(_round(50, method, 1000), SEED)
    results = []
    for size in QUICK if quick else SIZES:
        for points, most in POINTS.items():
            what = f"{size:,} x {size:,} x {EACH}, {points}"
            results += _stable(allocator, size, most, what, quick)
            results += _sum(allocator, size, most, what, quick)
    return results


def _round(size: int, method: str, most: int) -> Instance:
    """So many workers and jobs, `EACH` jobs for each worker, whose parts are worth 0 to `most`."""
    chance = np.random.default_rng(8)
    jobs = np.sort(chance.integers(0, size, (size, EACH)), axis=1)
    new = np.ones_like(jobs, dtype=bool)
    new[:, 1:] = jobs[:, 1:] != jobs[:, :-1]
    order = np.argsort(chance.random((size, EACH)), axis=1)
    jobs, new = np.take_along_axis(jobs, order, 1), np.take_along_axis(new, order, 1)
    ranks = np.broadcast_to(np.arange(1, EACH + 1), new.shape)[new]
    starts = np.concatenate(([0], np.cumsum(new.sum(axis=1))))
    values = [chance.integers(0, most + 1, len(ranks)) for _ in PARTS]
    return Instance(
        ROUND, AllocationRule(method, PARTS), COMMITMENTS, tuple(f"worker-{number:07}" for number in range(size)),
        tuple(f"job-{number:07}" for number in range(size)), array("I", [1]) * size, _array("q", starts),
        _array("I", jobs[new]), _array("I", ranks), tuple(_array("H", column) for column in values),
        array("q", [0]) * (size + 1), array("I"), array("I"), (),
    )  # fmt: skip


def _array(code: str, numbers: Whole) -> array[int]:
    return array(code, numbers.astype({"q": np.int64, "I": np.uint32, "H": np.uint16}[code]).tobytes())


def _prove(allocator: LocalAllocator, instance: Instance, data: bytes) -> bytes:
    allocation = allocator.match(instance, SEED)
    return certificate.encode(certificate.make(instance, allocation, SECRETS, b"", data))


def _stable(allocator: LocalAllocator, size: int, most: int, what: str, quick: bool) -> list[Result]:
    instance = _round(size, STABLE, most)
    data = encoding.encode(instance)
    proof = _prove(allocator, instance, data)
    found = medians(TURNS, {
        "ours": lambda: seconds(lambda: _prove(allocator, instance, data)),
        "plain": lambda: seconds(lambda: stable.match(instance, SEED)),
        "again": lambda: seconds(lambda: _again(allocator, data)),
        "check": lambda: seconds(lambda: _check(allocator, data, proof)),
    }, warm=False)  # fmt: skip
    return [
        _judged(against(f"stable, with certificate: {what}", found["ours"], "s", "the core, in plain Python", found["plain"]),
                STABLE_SECONDS, quick),
        _judged(against(f"stable, check: {what}", found["check"], "s", "allocating again", found["again"]),
                CHECK_SECONDS, quick),
    ]  # fmt: skip


def _sum(allocator: LocalAllocator, size: int, most: int, what: str, quick: bool) -> list[Result]:
    instance = _round(size, SUM, most)
    data = encoding.encode(instance)
    proof = _prove(allocator, instance, data)
    read = columns(instance)
    owner, job, points = read.owner.astype(np.int64), read.job.astype(np.int64), read.scores
    sums: list[int] = []
    complete = size <= COMPLETE_MOST
    contestants = {
        "ours": lambda: seconds(lambda: _prove(allocator, instance, data)),
        "flow": lambda: seconds(lambda: sums.append(_flow(size, owner, job, points))),
        "again": lambda: seconds(lambda: _again(allocator, data)),
        "check": lambda: seconds(lambda: sums.append(_check(allocator, data, proof).points)),
    }
    if complete:
        contestants["assignment"] = lambda: seconds(lambda: sums.append(_assignment(size, owner, job, points)))
    found = medians(TURNS if complete else 1, contestants, warm=False)
    assert len(set(sums)) == 1, sums
    ours = found["ours"]
    case = f"sum, with certificate: {what}"
    peers = {"OR-Tools, cheapest flow": "flow"} | ({"OR-Tools, assignment": "assignment"} if complete else {})
    sides = [against(case, ours, "s", peer, found[name]) for peer, name in peers.items()]
    check = against(f"sum, check: {what}", found["check"], "s", "allocating again", found["again"])
    return [*(_judged(one, SUM_SECONDS, quick) for one in sides), _judged(check, CHECK_SECONDS, quick)]


def _judged(result: Result, most: int, quick: bool) -> Result:
    return barred(result, f"under {most} s at {SIZES[-1]:,}", None if quick else result.ours < most)


def _check(allocator: LocalAllocator, data: bytes, proof: bytes) -> Checked:
    found = allocator.check(data, proof)
    assert isinstance(found, Checked), found
    return found


def _again(allocator: LocalAllocator, data: bytes) -> None:
    instance = decode(data)
    assert instance is not None
    allocator.match(instance, SEED)


def _flow(size: int, owner: Whole, job: Whole, points: Whole) -> int:
    """The largest sum by OR-Tools' cheapest flow."""
    solver, end = SimpleMinCostFlow(), 2 * size
    workers, jobs = np.arange(size), np.arange(size, 2 * size)
    ones, nothing = np.ones(size, np.int64), np.zeros(size, np.int64)
    solver.add_arcs_with_capacity_and_unit_cost(owner, size + job, np.ones_like(owner), -points)
    for past in (workers, jobs):
        solver.add_arcs_with_capacity_and_unit_cost(past, np.full(size, end), ones, nothing)
    solver.set_nodes_supplies(np.append(workers, end), np.append(ones, -size))
    assert solver.solve() == solver.OPTIMAL
    return -int(solver.optimal_cost())


def _assignment(size: int, owner: Whole, job: Whole, points: Whole) -> int:
    """The largest sum by OR-Tools' assignment: each worker has a place of her own to be left over, and each job somebody of
    its own to be left over with; where a pair is, those two go together."""
    solver, every = SimpleLinearSumAssignment(), np.arange(size)
    left = np.concatenate((owner, every, size + every, size + job))
    right = np.concatenate((job, size + every, every, size + owner))
    worth = np.concatenate((points, np.zeros(2 * size + len(points), np.int64)))
    solver.add_arcs_with_cost(left, right, -worth)
    assert solver.solve() == solver.OPTIMAL
    return -int(solver.optimal_cost())
