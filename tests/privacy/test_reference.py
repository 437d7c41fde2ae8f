"""Before noise, the engine comes to what a slow reference comes to, over random tables and for random questions."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from privacy import world
from privacy.reference import evaluate
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.release import public_groups
from usufruct.core.privacy.rules import QueryPlan, Wishes
from usufruct.engine.replica import Replica

REPLICA = Replica()


@pytest.fixture(scope="module")
def bench() -> world.Workbench:
    return world.Workbench()


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
    assert not isinstance(found, Refusal)
    same(bench, *found, held)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=world.questions())
def test_the_second_reader_agrees_with_random_questions(text: str) -> None:
    found = world.planned(text)
    assume(not isinstance(found, Refusal))
    assert not isinstance(found, Refusal)
    question = found[0]
    assert REPLICA.agrees(text, [world.ASSETS[name] for name in question.assets], len(question.labels))


MENDED = {
    "numbers of 32 bits": "SELECT SUM(CASE WHEN member THEN 50000 ELSE 0 END * 50000) AS s, "
    "VARIANCE(CASE WHEN member THEN 100000 ELSE 0 END) AS v FROM pay",
    "a person's sum of nothing": "SELECT SUM(h) AS s, COUNT(h) AS n FROM (SELECT who, SUM(hours) AS h FROM pay GROUP BY who) AS t",
    "a running sum of nothing": "SELECT COUNT(h) AS n FROM "
    "(SELECT SUM(hours) OVER (PARTITION BY who ORDER BY year) AS h FROM pay) AS t",
    "a window over a join": "SELECT SUM(r) AS s FROM (SELECT ROW_NUMBER() OVER (PARTITION BY a.who ORDER BY a.year) AS r "
    "FROM pay AS a JOIN care AS b ON a.who = b.person) AS t",
    "among nothing": "SELECT COUNT(*) AS n FROM pay WHERE region IN ('n', NULL) AND NOT year IN (2021, NULL)",
}


@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED.keys())
def test_what_was_once_wrong(text: str, bench: world.Workbench) -> None:
    found = world.planned(text)
    assert not isinstance(found, Refusal), found
    rows = tuple(
        (n, {"year": 2021 + n % 3, "region": "n", "member": n % 2 == 0, "hours": None if n < 3 else 40 * n})
        for n in range(5)
    )
    same(bench, *found, {"pay": rows + rows, "care": ((1, {"year": 2022}), (4, {"year": 2022})), "places": ()})
