"""Shapley values: the definition against games whose values are published or known by construction, and every closed form
against the definition, on tables drawn at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from itertools import permutations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.income import shapley, value
from usufruct.core.income.shapley import Amount, enumerated
from usufruct.core.income.value import Cell, Term

Worth = Callable[[int], Amount]


def members(coalition: int) -> list[int]:
    return [player for player in range(coalition.bit_length()) if coalition >> player & 1]


def weighted(quota: int, weights: Sequence[int]) -> Worth:
    """A vote that is carried by the weights of a quota."""
    return lambda coalition: int(sum(weights[player] for player in members(coalition)) >= quota)


def unanimity(dividends: Sequence[tuple[int, int]]) -> Worth:
    """A sum of games in each of which a coalition gets the dividend if all of a set are in it."""
    return lambda coalition: sum(d for needed, d in dividends if coalition & needed == needed)


# ---- the definition


def test_the_definition_is_the_mean_over_all_orders() -> None:
    worth = unanimity([(0b0011, 6), (0b1110, -4), (0b0100, 1), (0b1111, 24)])
    told = [Fraction(0)] * 4
    orders = list(permutations(range(4)))
    for order in orders:
        so_far = 0
        for player in order:
            told[player] += Fraction(worth(so_far | 1 << player) - worth(so_far), len(orders))
            so_far |= 1 << player
    assert enumerated(4, worth) == told


def test_values_that_are_published() -> None:
    # EEC 1958: the four of twelve, and Luxembourg, whose vote never decided anything
    assert enumerated(6, weighted(12, [4, 4, 4, 2, 2, 1])) == [Fraction(7, 30)] * 3 + [Fraction(3, 20)] * 2 + [0]
    # a left glove and two right ones
    gloves = enumerated(3, lambda c: min(c & 1, (c >> 1).bit_count()))
    assert gloves == [Fraction(2, 3), Fraction(1, 6), Fraction(1, 6)]
    # the UN Security Council, five of whose members must agree: with fewer of the others it is the same game
    council = enumerated(15, weighted(39, [7] * 5 + [1] * 10))
    assert [round(float(v), 4) for v in council[:5]] == [0.1963] * 5
    assert [round(float(v), 6) for v in council[5:]] == [0.001865] * 10
    # three who own an airport with runways of three lengths (Littlechild and Owen)
    assert enumerated(3, lambda c: max((10 * (p + 1) for p in members(c)), default=0)) == [
        Fraction(10, 3), Fraction(25, 3), Fraction(55, 3),
    ]  # fmt: skip


games = st.integers(1, 8).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(1, 2**n - 1), st.integers(-50, 50)), max_size=12))
)


@given(games)
def test_sums_of_unanimity_games_are_known_by_construction(game: tuple[int, list[tuple[int, int]]]) -> None:
    players, dividends = game
    expected = [
        sum((Fraction(d, needed.bit_count()) for needed, d in dividends if needed >> player & 1), Fraction(0))
        for player in range(players)
    ]
    assert enumerated(players, unanimity(dividends)) == expected


@given(games, games)
def test_the_definition_keeps_its_axioms(
    one: tuple[int, list[tuple[int, int]]], other: tuple[int, list[tuple[int, int]]]
) -> None:
    players = max(one[0], other[0])
    first, second = unanimity(one[1]), unanimity(other[1])
    values, others = enumerated(players, first), enumerated(players, second)
    assert sum(values) == first(2**players - 1), "all of it is given out"
    both = enumerated(players, lambda c: 3 * first(c) - second(c))
    assert both == [3 * a - b for a, b in zip(values, others, strict=True)], "of two games the sum"
    for player in range(players):
        if all(not needed >> player & 1 for needed, _ in one[1]):
            assert values[player] == 0, "who adds nothing gets nothing"


# ---- closed forms: records


amounts = st.lists(st.integers(-9, 30), min_size=1, max_size=9)


def over(values: Sequence[Amount], total: Callable[[list[Amount]], Amount]) -> list[Fraction]:
    """By the definition: what a total over some records would be, and nothing over none."""
    return enumerated(len(values), lambda c: total([values[p] for p in members(c)]) if c else 0)


CLOSED = {
    "mean": (shapley.of_average, lambda found: Fraction(sum(found), len(found))),
    "maximum": (shapley.of_maximum, max),
    "minimum": (shapley.of_minimum, min),
}


@pytest.mark.parametrize("name", CLOSED)
@settings(max_examples=50)
@given(values=amounts, lot=st.randoms(use_true_random=False))
def test_closed_forms_of_records(name: str, values: list[int], lot: random.Random) -> None:
    closed, total = CLOSED[name]
    found = closed(values)
    assert found == over(values, total)
    assert sum(found) == total(values)
    by_value = dict(zip(values, found, strict=True))
    assert found == [by_value[v] for v in values], "equal records get the same"
    shuffled = lot.sample(values, len(values))
    assert closed(shuffled) == [by_value[v] for v in shuffled], "whatever their order"


sets = st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=1, max_size=8)


@settings(max_examples=50)
@given(sets)
def test_different_values_are_split_over_those_who_hold_them(held: list[list[int]]) -> None:
    expected = enumerated(len(held), lambda c: len(set().union(*(held[p] for p in members(c)))))
    assert shapley.of_distinct(held) == expected
    assert shapley.of_distinct([[*own, *own] for own in held]) == expected, "repeating one's own gains nothing"


joined = st.lists(
    st.tuples(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.integers(-5, 9)), min_size=1, max_size=12
)


@settings(max_examples=50)
@given(joined)
def test_what_a_joined_row_adds_is_split_over_its_owners(rows: list[tuple[list[int], int]]) -> None:
    def worth(coalition: int) -> int:
        return sum(amount for owners, amount in rows if all(coalition >> owner & 1 for owner in owners))

    found = shapley.of_rows(rows)
    assert [found.get(owner, 0) for owner in range(5)] == enumerated(5, worth)


# ---- closed forms: holders


holders = st.lists(st.tuples(st.integers(1, 6), st.integers(-20, 60)), min_size=1, max_size=7)


@settings(max_examples=50)
@given(holders)
def test_the_mean_of_holders(held: list[tuple[int, int]]) -> None:
    def worth(coalition: int) -> Amount:
        own = [held[p] for p in members(coalition)]
        return Fraction(sum(t for _, t in own), sum(r for r, _ in own)) if own else 0

    assert shapley.of_average_by_holder(held) == enumerated(len(held), worth)


@given(amounts)
def test_holders_of_one_record_each_are_records(values: list[int]) -> None:
    assert shapley.of_average_by_holder([(1, v) for v in values]) == shapley.of_average(values)


# ---- what is known of attacks


def test_what_copies_and_splits_gain() -> None:
    assert round(float(shapley.of_maximum([1, 2, 3, 4])[3]), 3) == 2.083
    assert round(float(sum(shapley.of_maximum([1, 2, 3, 4, 4])[3:])), 3) == 2.567, (
        "a copy gains, so copies are collapsed"
    )
    assert shapley.of_distinct([[1], [1]]) == [Fraction(1, 2)] * 2
    assert sum(shapley.of_distinct([[1], [1], [1]])[:2]) == Fraction(2, 3)
    assert sum(enumerated(3, unanimity([(0b111, 1)]))[:2]) == Fraction(2, 3), "holders as players reward splitting"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), min_size=2, max_size=9), st.integers(0, 8))
def test_a_holder_gains_nothing_by_spreading_her_records(rows: list[tuple[int, int]], moved: int) -> None:
    """Records are the players, so what a holder has in all does not depend on under which names they stand."""
    split = [(7 if place == moved else owner, x) for place, (owner, x) in enumerate(rows)]
    for closed, _ in CLOSED.values():
        before, after = by_owner(rows, closed), by_owner(split, closed)
        mine = rows[moved][0] if moved < len(rows) else 0
        assert before.get(mine, 0) == after.get(mine, 0) + after.get(7, 0)


def by_owner(rows: Collection[tuple[int, int]], closed: Callable[..., list[Fraction]]) -> dict[int, Fraction]:
    found: dict[int, Fraction] = {}
    for (owner, _), share in zip(rows, closed([x for _, x in rows]), strict=True):
        found[owner] = found.get(owner, Fraction(0)) + share
    return found


# ---- sampling


def median_walk(values: Sequence[int]) -> Callable[[Sequence[int]], list[int]]:
    """Twice the median, after each record of an order."""

    def walk(order: Sequence[int]) -> list[int]:
        reached, so_far = [], list[int]()
        for player in order:
            so_far = sorted([*so_far, values[player]])
            reached.append(so_far[(len(so_far) - 1) // 2] + so_far[len(so_far) // 2])
        return reached

    return walk


def test_sampling_gives_all_of_it_out_and_says_how_sure_it_is() -> None:
    values = [3, 90, 5, 17, 17, 40, 2]
    walk = median_walk(values)
    exact = enumerated(len(values), lambda c: walk(members(c))[-1] if c else 0)
    found = shapley.sampled(len(values), walk, "use-7", 2_000)
    assert sum(found.values) == walk(range(len(values)))[-1]
    assert all(error > 0 for error in found.errors)
    for drawn, true, error in zip(found.values, exact, found.errors, strict=True):
        assert abs(drawn - true) <= 5 * error
    assert max(found.errors) < 4, "or five of them would let anything pass"
    assert shapley.sampled(len(values), walk, "use-7", 2_000) == found, "whoever has the name draws the same"
    assert shapley.sampled(len(values), walk, "use-8", 2_000) != found


def test_every_order_is_as_likely_as_any_other() -> None:
    found: dict[tuple[int, ...], int] = {}

    def walk(order: Sequence[int]) -> list[int]:
        found[tuple(order)] = found.get(tuple(order), 0) + 1
        return [0] * len(order)

    shapley.sampled(4, walk, "fair", 24_000)
    assert len(found) == 24
    assert sum((n - 1000) ** 2 / 1000 for n in found.values()) < 60, (
        "chi squared with 23 degrees: one in 30,000 is above"
    )


# ---- the measure `value`


cells = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(1, 3), st.integers(0, 90)), min_size=1, max_size=6,
    unique_by=lambda cell: cell[:2],
)  # fmt: skip


@settings(max_examples=60)
@given(cells)
def test_the_share_in_an_average_is_that_of_her_records(own: list[tuple[int, int, int, int]]) -> None:
    """The whole numbers of `value.averaged` are the exact fractions of records, but for what is rounded down."""
    rows = [(rows, min(total, 9 * rows)) for _, _, rows, total in own]
    for low in (0, -5):
        held = [(r, t + low * r) for r, t in rows]
        records = [Fraction(t, r) for r, t in held for _ in range(r)]
        exact = iter(shapley.of_average(records))
        for (r, _), (_, found) in zip(held, value.averaged(low, held), strict=True):
            expected = sum((next(exact) for _ in range(r)), Fraction(0))
            assert abs(Fraction(found, shapley.UNIT) - expected) < Fraction(1, 2000), (
                "a mean is taken to 65536ths of a grain"
            )


def test_columns_divide_equal_parts_and_what_is_below_zero_counts_as_zero() -> None:
    mine = Cell(0, (), {0: 2, 1: 10})
    hers = Cell(1, (), {0: 2, 1: -4})
    total = Term("sum", 0, 1, 0, -9, 9)
    assert value.shares([total], [mine, hers]) == {0: value.WHOLE, 1: 0}
    half = value.WHOLE // 2
    assert value.shares([total, Term("rows", 0)], [mine, hers]) == {0: half + half // 2, 1: half // 2}
    assert value.shares([total], [hers]) == {}, "nobody added anything"
    elsewhere = Cell(1, ("another group",), {0: 1, 1: 3})
    assert value.shares([total], [mine, hers, elsewhere])[1] == value.WHOLE * 3 // 13, "group by group, not in all"


def test_a_harmonic_number() -> None:
    exact = sum(Fraction(1, k) for k in range(1, 1001))
    assert 0 <= exact * shapley.UNIT - value.harmonic(1000) < 1000
    assert comb(2, 1) * value.harmonic(2) == 3 * shapley.UNIT


# ---- others' programmes


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(-9, 30), min_size=2, max_size=10))
def test_shapiq_says_the_same(values: list[int]) -> None:
    shapiq = pytest.importorskip("shapiq", reason="an oracle that is not installed with the project")
    np = pytest.importorskip("numpy")

    def worth(coalitions: object) -> object:
        return np.array([max((v for v, there in zip(values, c, strict=True) if there), default=0) for c in coalitions])  # type: ignore[attr-defined]

    found = shapiq.ExactComputer(n_players=len(values), game=worth)("SV", 1)
    by_player = {place[0]: found[place] for place in found.interaction_lookup if len(place) == 1}
    for player, share in enumerate(shapley.of_maximum(values)):
        assert abs(by_player[player] - float(share)) < 1e-6
