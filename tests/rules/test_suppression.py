"""Which cells of a cube are withheld; tried with the attacker's own tool, a linear programme over what is published."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interval import bounds
from usufruct.core.privacy.suppression import TOTAL, Figures, Place, Tableau, places, unprotected, withhold

LEAST, SHARE = 5, 60


def tableau(shape: tuple[int, ...], inner: dict[Place, list[int]], least: int = LEAST, share: int = SHARE) -> Tableau:
    """A cube of people of whom each is in one inner cell, with what each of them adds to a sum."""
    cells = {}
    for place in places(shape):
        inside = [
            amounts for cell, amounts in inner.items() if all(p in (TOTAL, c) for p, c in zip(place, cell, strict=True))
        ]
        amounts = [amount for found in inside for amount in found]
        cells[place] = Figures(len(amounts), (len(amounts), sum(amounts)), (max(amounts, default=0),))
    return Tableau(shape, cells, least, share)


def shown(cube: Tableau, withheld: frozenset[Place], figure: int) -> dict[Place, int]:
    """One figure of what is published."""
    return {place: cube.cells[place].told[figure] for place in places(cube.shape) if place not in withheld}


SHAPES = [(3,), (2, 2), (3, 4), (2, 2, 3)]


@st.composite
def cubes(draw: st.DrawFn) -> Tableau:
    shape = draw(st.sampled_from(SHAPES))
    sizes = draw(st.sampled_from([(0, 3), (0, 12), (4, 30)]))
    amount = st.integers(0, 40) if draw(st.booleans()) else st.sampled_from([1, 1, 2, 900])
    cell = st.lists(amount, min_size=sizes[0], max_size=sizes[1])
    return tableau(shape, {place: draw(cell) for place in product(*map(range, shape))})


@settings(max_examples=25, deadline=None)
@given(cubes())
def test_no_linear_programme_finds_out_a_withheld_cell(cube: Tableau) -> None:
    withheld = withhold(cube)
    assert withheld is not None and unprotected(cube, withheld) == []
    assert all(not cube.too_small(place) for place in set(places(cube.shape)) - withheld)
    for figure in (0, 1):
        for place, (low, high) in bounds(cube.shape, shown(cube, withheld, figure)).items():
            figures = cube.cells[place]
            wanted = LEAST if figure == 0 else figures.largest[0]
            assert high - low >= wanted - 1e-6, (place, figure, low, high)
            assert low - 1e-6 <= figures.told[figure] <= high + 1e-6


@settings(max_examples=20, deadline=None)
@given(cubes(), st.data())
def test_the_audit_finds_what_is_missing(cube: Tableau, data: st.DataObject) -> None:
    """Of cells withheld by some other rule, those that the audit passes no programme finds out either."""
    chosen = data.draw(st.sets(st.sampled_from(sorted(places(cube.shape)))))
    withheld = frozenset(chosen | {place for place in places(cube.shape) if cube.too_small(place)})
    found = set(unprotected(cube, withheld))
    for place, (low, high) in bounds(cube.shape, shown(cube, withheld, 0)).items():
        assert place in found or high - low >= LEAST - 1e-6
    missing = data.draw(st.sampled_from(sorted(withheld))) if withheld else None
    if missing and cube.too_small(missing):
        assert missing in unprotected(cube, withheld - {missing})


def test_one_small_cell_takes_three_others_with_it() -> None:
    """Her row, her column and the corner opposite; and of those that would do, the ones that take the least away."""
    inner = {(0, 0): [5] * 2, (0, 1): [5] * 20, (0, 2): [5] * 9, (1, 0): [5] * 30, (1, 1): [5] * 40, (1, 2): [5] * 8}
    assert withhold(tableau((2, 3), inner)) == {(0, 0), (0, 2), (1, 0), (1, 2)}


def test_who_makes_up_most_of_a_sum_is_not_shown() -> None:
    inner = {(0,): [1] * 30, (1,): [1] * 30, (2,): [1] * 9 + [900]}
    withheld = withhold(tableau((3,), inner))
    assert withheld is not None and (2,) in withheld and (TOTAL,) in withheld, "and so not of the whole either"


def test_a_cube_about_too_few_is_withheld_whole() -> None:
    cube = tableau((2, 2), {(0, 0): [1], (1, 1): [1]})
    assert withhold(cube) == set(places((2, 2)))


@settings(max_examples=50)
@given(cubes(), st.data())
def test_what_is_known_stays_and_protects_nothing(cube: Tableau, data: st.DataObject) -> None:
    free = [place for place in places(cube.shape) if not cube.too_small(place)]
    assume(free)
    known = data.draw(st.sets(st.sampled_from(free), max_size=3))
    withheld = withhold(cube, (), known)
    assume(withheld is not None)
    assert withheld is not None and not withheld & known and unprotected(cube, withheld) == []


@settings(max_examples=60)
@given(cubes(), st.data())
def test_whoever_comes_to_a_cell_that_stays_small_changes_nothing_that_is_shown_inside(
    cube: Tableau, data: st.DataObject
) -> None:
    """Twins that differ in one person: which cells are too small is the same, and so is every inner cell shown in both."""
    inner = [place for place in places(cube.shape) if TOTAL not in place]
    small = [place for place in inner if cube.cells[place].persons < LEAST - 1]
    assume(small)
    hers = data.draw(st.sampled_from(small))
    people = {place: [1] * cube.cells[place].persons for place in inner}
    before = tableau(cube.shape, people, share=100)
    after = tableau(cube.shape, {**people, hers: [*people[hers], 1]}, share=100)
    one, other = withhold(before), withhold(after)
    assert one is not None and other is not None and hers in one and hers in other
    for place in inner:
        assert before.too_small(place) == after.too_small(place)
        if place not in one | other:
            assert before.cells[place] == after.cells[place]


@pytest.mark.parametrize("shape", [(20, 20), (8, 8, 4)])
def test_a_large_sparse_cube_is_done_in_seconds(shape: tuple[int, ...]) -> None:
    inner = {place: [1] * ((7 * sum(place) + 3 * place[0] * place[-1]) % 23) for place in product(*map(range, shape))}
    withheld = withhold(tableau(shape, inner))
    assert withheld is not None and unprotected(tableau(shape, inner), withheld) == []
