"""The compiled allocation gives the same bytes as the core, and the same sum as solvers of others."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from allocating import SECRETS, SEED, allocated, drawn, pairs, total
from usufruct.core.work.allocation import certificate, encoding
from usufruct.core.work.allocation.certificate import Checked
from usufruct.core.work.allocation.instance import Instance
from usufruct.core.work.allocation.rule import STABLE, SUM
from usufruct.engine.allocation import allocator, checking
from usufruct.engine.allocation.allocator import LocalAllocator

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[2] / ".pytest_cache" / "numba"))
ALLOCATOR = LocalAllocator(small=0)
MANY = range(1001)


@pytest.mark.parametrize("method", [STABLE, SUM])
def test_the_same_bytes_as_the_core(method: str) -> None:
    """With ties and without, with seats to spare and too few, up to rounds of a few hundred."""
    pytest.importorskip("numba")
    chance = random.Random(2)
    for _ in range(250):
        size = chance.choice([(6, 5), (20, 16), (12, 30)])
        instance = drawn(chance, method, *size, 6, chance.choice([1, 3, 40]), chance.choice([(0,), (0, 1), MANY]))
        _same(instance)
    for values in ((0, 1), MANY):
        _same(drawn(chance, method, 300, 250, 12, 2, values))


def _same(instance: Instance) -> None:
    ours, core = ALLOCATOR.match(instance, SEED), allocated(instance)
    made = [certificate.encode(certificate.make(instance, found, SECRETS)) for found in (ours, core)]
    assert made[0] == made[1]
    assert isinstance(checking._proved(encoding.encode(instance), made[0]), Checked)


def test_without_numba_the_core_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_has_numba", lambda: False)
    instance = drawn(random.Random(5), SUM, 20, 16, 6)
    assert list(ALLOCATOR.match(instance, SEED).taken) == list(allocated(instance).taken)
    assert ALLOCATOR.missing(10**7) == "work"
    assert ALLOCATOR.missing(1000) is None


def solved_by_scipy(instance: Instance) -> int:
    """The largest sum, with a column for each seat and one of nothing for each worker."""
    scores, people = instance.scores(), len(instance.workers)
    first = [0, *np.cumsum(instance.seats)]
    table = np.zeros((people, int(first[-1]) + people))
    for worker in range(people):
        for pair in pairs(instance, worker):
            table[worker, first[instance.job[pair]] : first[instance.job[pair] + 1]] = scores[pair]
    rows, columns = linear_sum_assignment(table, maximize=True)
    return round(table[rows, columns].sum())


def solved_by_ortools(instance: Instance) -> int:
    """The largest sum, as the cheapest flow from workers through jobs; who is left over flows past them."""
    flow = pytest.importorskip("ortools.graph.python.min_cost_flow").SimpleMinCostFlow()
    people, jobs, scores = len(instance.workers), len(instance.jobs), instance.scores()
    end = people + jobs
    for worker in range(people):
        flow.set_node_supply(worker, 1)
        flow.add_arc_with_capacity_and_unit_cost(worker, end, 1, 0)
        for pair in pairs(instance, worker):
            flow.add_arc_with_capacity_and_unit_cost(worker, people + instance.job[pair], 1, -scores[pair])
    for job, seats in enumerate(instance.seats):
        flow.add_arc_with_capacity_and_unit_cost(people + job, end, seats, 0)
    flow.set_node_supply(end, -people)
    assert flow.solve() == flow.OPTIMAL
    return -int(flow.optimal_cost())


@pytest.mark.parametrize("solved", [solved_by_scipy, solved_by_ortools])
def test_the_sum_is_that_of_other_solvers(solved: object) -> None:
    assert callable(solved)
    chance = random.Random(6)
    for _ in range(60):
        instance = drawn(chance, SUM, chance.randint(1, 40), chance.randint(1, 30), 8, 3, chance.choice([(0, 1), MANY]))
        assert total(instance, ALLOCATOR.match(instance, SEED).taken, instance.scores()) == solved(instance)


def test_a_full_matching_is_that_of_scipy_for_sparse_tables() -> None:
    """Where points are so many that everybody gets a job."""
    chance = random.Random(9)
    instance = drawn(chance, SUM, 60, 60, 60, 1, range(500, 1001))
    taken = ALLOCATOR.match(instance, SEED).taken
    scores, found = instance.scores(), [worker for worker, job in enumerate(taken) if job >= 0]
    rows = {worker: row for row, worker in enumerate(found)}
    cells = [(rows[worker], instance.job[pair], scores[pair]) for worker in found for pair in pairs(instance, worker)]
    at, column, worth = (np.array(each) for each in zip(*cells, strict=True))
    table = csr_array((worth, (at, column)), shape=(len(found), len(instance.jobs)))
    left, right = min_weight_full_bipartite_matching(table, maximize=True)
    assert total(instance, taken, scores) == int(table.toarray()[left, right].sum())
