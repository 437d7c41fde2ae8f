"""By the measure `value`, the engine's shares are the reference's, number by number, over random tables and questions.

The reference works with what the slow evaluator of questions says each person counts for in each group; that the formulas
are Shapley values is held in `rules/test_shapley.py`.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping, Sequence

import duckdb
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from privacy import world
from privacy.reference import evaluate
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import value
from usufruct.core.income.value import Cell, Term
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.rules import QueryPlan, Wishes
from usufruct.engine import shares

WIDTH = "<5Q"


@pytest.fixture(scope="module")
def bench() -> world.Workbench:
    return world.Workbench()


def expected_of(question: Question, plan: QueryPlan, held: Mapping[str, world.Table], wanted: Sequence[Term]) -> bytes:
    """Each person's share, slowly; her rows, if nobody added anything."""
    found = value.shares(wanted, cells_of(question, plan, held))
    assert sum(found.values()) <= value.WHOLE
    event("nobody added anything" if not found else "some did")
    if not found:
        found = evaluate(question, world.data_of(held), plan).counted
    return struct.pack(WIDTH, *value.packed(found, range(world.PERSONS)))


def cells_of(question: Question, plan: QueryPlan, held: Mapping[str, world.Table]) -> list[Cell]:
    """What each person counts for in each group, by the slow evaluator."""
    sums = evaluate(question, world.data_of(held), plan)
    return [
        Cell(person, group, {
            place: numbers[0]
            for output, parts in zip(plan.outputs, own, strict=True)
            for place, numbers in zip(output.vectors, parts, strict=True)
        })
        for person, group, own in sums.cells
    ]  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=world.questions(), held=world.tables(), wishes=world.wishes())
def test_random_questions_equal_the_reference(
    bench: world.Workbench, text: str, held: dict[str, world.Table], wishes: Wishes
) -> None:
    found = world.planned(text, wishes)
    assume(not isinstance(found, Refusal))
    assert not isinstance(found, Refusal)
    question, plan = found
    wanted = value.terms(plan)
    assume(wanted)
    for term in wanted:
        event(term.kind)
    expected = expected_of(question, plan, held, wanted)
    for source, data in zip(plan.sources, bench.run(plan, held, wanted).shares, strict=True):
        assert data == (expected if source.personal else b"")


SPELLED_OUT = (
    "SELECT AVG(wage) FROM pay",
    "SELECT region, AVG(hours), SUM(hours), COUNT(*), COUNT(DISTINCT who) FROM pay GROUP BY region",
    "SELECT word, AVG(level), MEDIAN(level) FROM pay GROUP BY word",
    "SELECT pay.year, SUM(wage), AVG(cost) FROM pay JOIN care ON who = person GROUP BY pay.year",
    "SELECT SUM(hours * hours * 1000) FROM pay",
)


@pytest.mark.parametrize("text", SPELLED_OUT)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(held=world.tables())
def test_each_measure_equals_the_reference(bench: world.Workbench, text: str, held: dict[str, world.Table]) -> None:
    found = world.planned(text)
    assert not isinstance(found, Refusal)
    wanted = value.terms(found[1])
    assert bench.run(found[1], held, wanted).shares[0] == expected_of(*found, held, wanted)


def run(cells: Sequence[tuple[int, int, int, int]], wanted: Sequence[Term], threads: int) -> list[tuple[int, int]]:
    """The statement over cells of `person`, `k0`, `v0` (rows) and `v1` (sum)."""
    text, values = shares.by_person(one_key(), wanted)
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("CREATE TABLE bounded (person INTEGER, k0 BIGINT, v0 BIGINT, v1 BIGINT)")
        connection.executemany("INSERT INTO bounded VALUES (?, ?, ?, ?)", [list(cell) for cell in cells])
        return sorted(connection.execute(text, values).fetchall())


def one_key() -> QueryPlan:
    found = world.planned("SELECT region, AVG(hours) FROM pay GROUP BY region")
    assert not isinstance(found, Refusal)
    return found[1]


numbers = st.integers(0, 40).flatmap(
    lambda rows: st.tuples(st.integers(0, 9), st.integers(0, 2), st.just(rows), st.integers(-7 * rows, 9 * rows))
)


@settings(max_examples=40, deadline=None)
@given(cells=st.lists(numbers, min_size=1, max_size=30, unique_by=lambda c: c[:2]), seed=st.integers())
def test_neither_the_order_of_rows_nor_the_threads_change_a_byte(
    cells: list[tuple[int, int, int, int]], seed: int
) -> None:
    wanted = (Term("average", 0, 1, 0, -7, 9), Term("sum", 0, 1, 0, -7, 9), Term("rows", 0), Term("persons"))
    once = run(cells, wanted, 1)
    shuffled = random.Random(seed).sample(cells, len(cells))
    assert run(shuffled, wanted, 2) == once
    slow = value.shares(wanted, [Cell(p, (k,), {0: rows, 1: total}) for p, k, rows, total in cells])
    assert dict(once) == (slow or {person: 0 for person, *_ in cells})


def test_what_is_as_large_as_it_can_be_fits() -> None:
    most = value.WIDEST
    for rows in (1, 2, 3, 10_000, 2**31):
        for extreme in (most, -most, 0):
            cells = [(0, 0, rows, rows * extreme % 2**62), (1, 0, rows, 0), (2, 1, 1, most)]
            wanted = (Term("average", 0, 1, 0, -most, most), Term("sum", 0, 1, most // 2, -most, most))
            if rows == 2**31:  # harmonic numbers as far as that would take minutes: their place is in a sum
                wanted = wanted[1:]
            found = dict(run(cells, wanted, 1))
            slow = value.shares(wanted, [Cell(p, (k,), {0: r, 1: s}) for p, k, r, s in cells])
            assert found == (slow or dict.fromkeys(found, 0))


def test_harmonic_numbers_are_the_same_around_the_edges_of_blocks() -> None:
    groups = [1, 2, 1022, 1023, 1024, 1025, 2047, 2048, 2049, 5000]
    wanted = (Term("average", 0, 1, 0, 0, 100),)
    cells = [(i, i, n, 37 * n) for i, n in enumerate(groups)] + [(50 + i, i, 1, 90) for i in range(len(groups))]
    slow = value.shares(wanted, [Cell(p, (k,), {0: r, 1: s}) for p, k, r, s in cells])
    assert dict(run(cells, wanted, 2)) == slow
