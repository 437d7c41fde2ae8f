"""Before noise, the engine comes to what a slow reference comes to, over random tables and for random questions."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from privacy import world
from privacy.reference import evaluate
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.release import public_groups
from usufruct.core.privacy.rules import QueryPlan, Wishes


@pytest.fixture(scope="module")
def bench() -> Iterator[world.Workbench]:
    yield world.Workbench()


def same(bench: world.Workbench, question: Question, plan: QueryPlan, held: Mapping[str, world.Table]) -> None:
    """Groups, every number of every vector, and what each person counts for."""
    sums = evaluate(question, world.data_of(held), plan)
    found = bench.run(plan, held)
    if plan.cells:
        groups = public_groups(plan)
    else:
        least = plan.threshold.least if plan.threshold else 0
        groups = sorted(g for g, persons in sums.persons.items() if persons >= least)
        if not plan.keys:
            groups = [()]
    assert found.groups == groups
    for output, numbers in zip(plan.outputs, sums.numbers, strict=True):
        for place, by_group in zip(output.vectors, numbers, strict=True):
            width = plan.vectors[place].width
            expected = [number for group in groups for number in by_group.get(group, [0] * width)]
            assert found.vectors[place] == expected, (output.measure, plan.vectors[place])
    if plan.threshold:
        assert found.vectors[plan.threshold.by] == [sums.persons[group] for group in groups]
    counted = [sums.counted.get(number, 0) for number in range(world.PERSONS)]
    for source, contributions in zip(plan.sources, found.contributions, strict=True):
        assert contributions == (struct.pack(f"<{len(counted)}I", *counted) if source.personal else b"")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=world.questions(), held=world.tables(), wishes=world.wishes(), least=st.sampled_from([0, 0, 2]))
def test_random_questions_equal_the_reference(
    bench: world.Workbench, text: str, held: dict[str, world.Table], wishes: Wishes, least: int
) -> None:
    found = world.planned(text, wishes, least)
    if isinstance(found, Refusal):
        event(f"refused: {found.code}")
        assume(False)
    same(bench, *found, held)
