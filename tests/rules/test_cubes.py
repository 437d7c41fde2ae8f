"""What a build of a cube shows beside those before it, whoever came and left in between."""

from __future__ import annotations

from itertools import combinations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from interval import bounds
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.cubes import Earlier, read_figures, shown, write
from usufruct.core.privacy.suppression import TOTAL, Figures, Place, Tableau, places

SHAPE, LEAST, SHARE = (2, 3), 4, 80
GRAND = (TOTAL, TOTAL)
People = dict[int, tuple[Place, int]]  # in which inner cell somebody is, and what she adds to the sum


def tableau(people: People, inside: frozenset[int], least: int = LEAST) -> Tableau:
    cells = {}
    for place in places(SHAPE):
        found = [amount for who, (at, amount) in people.items() if who in inside and is_in(at, place)]
        cells[place] = Figures(len(found), (len(found), sum(found)), (max(found, default=0),))
    return Tableau(SHAPE, cells, least, SHARE)


def is_in(at: Place, place: Place) -> bool:
    return all(wanted in (TOTAL, has) for has, wanted in zip(at, place, strict=True))


def moved(people: People, one: frozenset[int], other: frozenset[int]) -> dict[Place, int]:
    return {place: sum(is_in(people[who][0], place) for who in one ^ other) for place in places(SHAPE)}


def earlier(
    people: People,
    before: frozenset[int],
    now: frozenset[int],
    figures: dict[Place, tuple[int, ...]],
    same: bool = True,
) -> Earlier:
    told = {place: dict(enumerate(each)) for place, each in figures.items() if same or place == GRAND}
    there = set(places(SHAPE)) if same else {GRAND}
    return Earlier(told, there - set(told), moved(people, before, now), same)


@st.composite
def comings_and_goings(draw: st.DrawFn) -> tuple[People, list[frozenset[int]]]:
    inner = st.sampled_from(list(product(*map(range, SHAPE))))
    people = dict(enumerate(draw(st.lists(st.tuples(inner, st.integers(0, 30)), min_size=20, max_size=60))))
    inside = [frozenset(people)]
    for _ in range(draw(st.integers(1, 3))):
        changed = draw(st.frozensets(st.sampled_from(sorted(people)), max_size=14))
        inside.append(inside[-1] ^ changed)
    return people, inside


@settings(max_examples=20, deadline=None)
@given(comings_and_goings(), st.booleans())
def test_no_two_builds_tell_of_fewer_than_k(drawn: tuple[People, list[frozenset[int]]], same: bool) -> None:
    """A figure that two builds show is the same, or so many persons differ; and none of them alone gives a cell away. Of
    another cube only the grand total is known."""
    people, sequence = drawn
    builds: list[tuple[frozenset[int], dict[Place, tuple[int, ...]]]] = []
    for inside in sequence:
        before = [earlier(people, then, inside, figures, same) for then, figures in builds]
        found = shown(tableau(people, inside), before)
        if not isinstance(found, Refusal):
            builds.append((inside, read_figures(write(found))))
    for (one, first), (other, second) in combinations(builds, 2):
        apart = moved(people, one, other)
        for place in set(first) & set(second) if same else {GRAND} & set(first) & set(second):
            assert first[place] == second[place] or apart[place] >= LEAST
    for inside, figures in builds:
        for figure in (0, 1):
            for place, (low, high) in bounds(
                SHAPE, {p: float(each[figure]) for p, each in figures.items()}, most=5
            ).items():
                own = tableau(people, inside).cells[place]
                assert high - low >= (LEAST if figure == 0 else own.largest[0]) - 1e-6


def test_what_was_withheld_stays_so_until_enough_have_moved_in_it() -> None:
    """A cell that was hidden for the sake of another would give it away if it were shown a build later."""
    people: People = {}
    for at, count in {(0, 0): 2, (0, 1): 9, (0, 2): 30, (1, 0): 9, (1, 1): 9, (1, 2): 40}.items():
        people |= {len(people) + n: (at, 1) for n in range(count)}
    everybody = frozenset(people)
    first = shown(tableau(people, everybody), [])
    assert not isinstance(first, Refusal) and {(0, 0), (0, 1), (1, 0), (1, 1)} == set(places(SHAPE)) - set(first)
    more = people | {1000 + n: ((0, 0), 1) for n in range(10)}  # now the small cell is large
    second = shown(tableau(more, frozenset(more)), [earlier(more, everybody, frozenset(more), dict(first))])
    assert not isinstance(second, Refusal)
    assert not {(0, 1), (1, 0), (1, 1)} & set(second), "each with what was published would have told of the two"


def test_too_few_have_changed_or_nothing_could_be_shown() -> None:
    people: People = {n: ((n % 2, n % 3), 1) for n in range(60)}
    everybody = frozenset(people)
    first = shown(tableau(people, everybody), [])
    assert not isinstance(first, Refusal)
    for gone in (0, 3):
        rest = frozenset(range(gone, 60))
        again = shown(tableau(people, rest), [earlier(people, everybody, rest, dict(first))])
        assert isinstance(again, Refusal) and "fewer than 4" in again.reasons[0]
    none = shown(tableau(people, frozenset(range(3))), [])
    assert isinstance(none, Refusal) and "no figure in it" in none.reasons[0]
