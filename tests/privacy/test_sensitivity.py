"""One person's rows are taken away, and no number moves by more than the plan declares; nothing else moves at all.

This is what the charge rests on: the shift of every vector, the sum of what the shifts would have cost, the groups that may be
named. The questions and tables are those of `test_reference`; whom is taken away is drawn too.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from privacy import world
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy import threshold
from usufruct.core.privacy.rules import QueryPlan, Wishes
from usufruct.ports import Measured


@pytest.fixture(scope="module")
def bench() -> world.Workbench:
    return world.Workbench()


def numbers(found: Measured, place: int, width: int) -> dict[tuple[object, ...], list[int]]:
    """A vector's numbers by group."""
    cells = found.vectors[place]
    return {group: cells[at * width : (at + 1) * width] for at, group in enumerate(found.groups)}


def complaints(plan: QueryPlan, more: Measured, less: Measured) -> list[str]:
    """In what one person, who is in `more` and not in `less`, moves the numbers by more than the plan says."""
    said = []
    spent = Fraction(0)
    gone = set(more.groups) - set(less.groups)
    if set(less.groups) - set(more.groups):
        said.append("a group comes because she goes")
    if gone and plan.threshold is None:
        said.append("a public group goes with her")
    if len(gone) > plan.groups_per_person:
        said.append(f"{len(gone)} groups go with her; she may be in {plan.groups_per_person}")
    for place, vector in enumerate(plan.vectors):
        before, after = numbers(more, place, vector.width), numbers(less, place, vector.width)
        # Of a group that only she makes nameable nothing is told but with the probability that delta is charged for.
        shift = sum((a - b) ** 2 for group in after for a, b in zip(before[group], after[group], strict=True))
        each = {"sum": vector.reach, "squares": vector.reach**2}.get(vector.kind, 1)
        rows = 1 if vector.kind == "persons" else plan.rows_per_group
        if shift > plan.groups_per_person * (rows * each) ** 2:
            said.append(f"{vector.kind} of {vector.of} moves by the root of {shift}")
        cost = Fraction(shift * 10**6, 1) / (2 * vector.deviation**2)
        if cost > vector.charge:
            said.append(f"{vector.kind} gives away {float(cost):.0f} micro-rho and charges {vector.charge}")
        spent += cost
    if spent > plan.charge:
        said.append(f"{float(spent):.0f} micro-rho are given away, {plan.charge} charged")
    return said


def of_others(plan: QueryPlan, more: Measured, less: Measured, who: int) -> bool:
    """Whether everybody else counts for what she counted for before."""
    for one, other in zip(more.contributions, less.contributions, strict=True):
        if one[: 4 * who] + one[4 * who + 4 :] != other[: 4 * who] + other[4 * who + 4 :]:
            return False
        if any(other[4 * who : 4 * who + 4]):
            return False
    return True


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=world.questions(), held=world.tables(), wishes=world.wishes(), least=st.sampled_from([0, 0, 2]),
    who=st.integers(0, world.PERSONS - 1), copies=st.sampled_from([1, 1, 4]),
)  # fmt: skip
def test_one_person_moves_nothing_by_more_than_is_declared(
    bench: world.Workbench, text: str, held: dict[str, world.Table], wishes: Wishes, least: int, who: int, copies: int
) -> None:
    found = world.planned(text, wishes, least)
    assume(not isinstance(found, Refusal))
    assert not isinstance(found, Refusal)
    plan = found[1]
    hers = {name: tuple(row for row in rows if row[0] == who) for name, rows in held.items() if name != "places"}
    full = {name: rows + hers.get(name, ()) * (copies - 1) for name, rows in held.items()}
    more, less = bench.run(plan, full), bench.run(plan, world.without(held, who))
    assert complaints(plan, more, less) == []
    assert of_others(plan, more, less, who)
    if plan.threshold:
        for found_ in (more, less):
            assert all(persons >= plan.threshold.least for persons in found_.vectors[plan.threshold.by])
        new = set(more.groups) - set(less.groups)
        persons = dict(zip(more.groups, more.vectors[plan.threshold.by], strict=True))
        assert all(persons[group] == plan.threshold.least for group in new), "a group is new because of her alone"


def exact_tail(deviation: float, t: int) -> float:
    """P[N >= t] of the discrete Gaussian, by adding up."""
    from math import exp

    weights = {x: exp(-x * x / (2 * deviation * deviation)) for x in range(-2000, 2001)}
    return sum(w for x, w in weights.items() if x >= t) / sum(weights.values())


@settings(max_examples=40, deadline=None)
@given(
    sigma=st.integers(16, 64 * 40), groups=st.integers(1, 30), least=st.integers(1, 12), nano=st.sampled_from([1, 10, 1000, 10**6])
)  # fmt: skip
def test_a_threshold_keeps_its_delta(sigma: int, groups: int, least: int, nano: int) -> None:
    """A group of `least` persons passes with no more than its part of delta; one step lower would be too much, nearly."""
    deviation = Fraction(sigma, 64)
    above = threshold.above(deviation, groups, least, nano)
    passes = lambda bound: groups * exact_tail(float(deviation), bound - least + 1) * 10**9  # noqa: E731
    assert passes(above) <= nano * (1 + 1e-9)
    assert passes(above - 1) > nano * 0.5, "the bound on the tail is within a factor of two"


@pytest.mark.parametrize("least", [1, 2, 5])
def test_a_group_of_too_few_is_never_a_candidate(least: int, bench: world.Workbench) -> None:
    found = world.planned("SELECT ward, COUNT(*) AS n FROM care GROUP BY ward", Wishes(None, 5, 5), least)
    assert not isinstance(found, Refusal)
    held: Mapping[str, world.Table] = {
        "care": tuple((p, {"ward": f"of {size}"}) for size in range(1, 6) for p in range(size) for _ in range(7)),
    }
    measured = bench.run(found[1], held)
    assert measured.groups == [(f"of {size}",) for size in range(1, 6) if size >= least]
