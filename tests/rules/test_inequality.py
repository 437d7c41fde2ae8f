"""Measures of inequality: a vector that can be checked by hand, laws, and another program where it is there."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from usufruct.core.income.inequality import atkinson, gini, lorenz, palma, tenths, theil

FIBONACCI = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55]
amounts = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)
weighted = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 20)), min_size=1, max_size=12)


def test_fibonacci() -> None:
    """Of the ten numbers 1 to 55: figures that were worked out elsewhere."""
    assert gini(FIBONACCI) == pytest.approx(0.5909090909, abs=1e-9)
    assert [atkinson(FIBONACCI, e) for e in (0.5, 1, 2)] == pytest.approx([0.2996702, 0.5497170, 0.7900294], abs=1e-7)
    assert theil(FIBONACCI) == pytest.approx(0.6050814, abs=1e-7)
    assert palma(FIBONACCI) == pytest.approx(55 / 7)
    assert tenths(FIBONACCI) == pytest.approx([n / 143 for n in FIBONACCI])
    assert lorenz(FIBONACCI).at(0.5) == pytest.approx(12 / 143)


EDGES = [
    ([0, 0, 0], (0, 0, 0, 0, 0)),
    ([7], (0, 0.25, 0, 0, 0)),
    ([5, 5, 5, 5], (0, 0.25, 0, 0, 0)),
    ([0, 0, 0, 1], (0.75, math.inf, math.log(4), 0.75, 1)),
]


@pytest.mark.parametrize(("found", "measures"), EDGES)
def test_zeros_and_equal_parts(found: list[int], measures: tuple[float, ...]) -> None:
    """Gini, Palma, Theil, Atkinson with 0.5 and with 1."""
    assert (gini(found), palma(found), theil(found), atkinson(found, 0.5), atkinson(found, 1)) == pytest.approx(
        measures, abs=1e-12
    )


@pytest.mark.parametrize("found", [[], [-1, 2], [1, math.nan], [math.inf]])
def test_what_is_no_spread(found: list[float]) -> None:
    for measure in (gini, palma, theil, tenths):
        with pytest.raises(ValueError, match=r"somebody|finite"):
            measure(found)


def test_weights_and_aversions_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="one weight"):
        gini([1, 2], [1])
    with pytest.raises(ValueError, match="somebody"):
        gini([1, 2], [0, 0])
    with pytest.raises(ValueError, match="not negative"):
        atkinson([1, 2], -1)


def measures(found: list[int], weights: list[int] | None = None) -> list[float]:
    return [gini(found, weights), theil(found, weights), *(atkinson(found, e, weights) for e in (0, 0.5, 1, 3))]


@given(amounts, st.randoms(use_true_random=False), st.integers(1, 1000))
def test_order_and_unit_change_nothing(found: list[int], random: object, times: int) -> None:
    moved = [amount * times for amount in found]
    random.shuffle(moved)  # type: ignore[attr-defined]
    assert measures(moved) == pytest.approx(measures(found), abs=1e-9)


@given(weighted)
def test_a_weight_is_so_many_persons(found: list[tuple[int, int]]) -> None:
    values, weights = [a for a, _ in found], [w for _, w in found]
    each = [a for a, w in found for _ in range(w)]
    assert measures(values, weights) == pytest.approx(measures(each), abs=1e-9)
    assert tenths(values, weights) == pytest.approx(tenths(each), abs=1e-9)


@given(amounts, st.data())
def test_giving_from_the_richer_to_the_poorer_lowers_each(found: list[int], data: st.DataObject) -> None:
    """The principle of transfers (Pigou and Dalton)."""
    poor, rich = data.draw(st.sampled_from(range(len(found)))), data.draw(st.sampled_from(range(len(found))))
    assume(found[rich] - found[poor] > 1)
    moved = data.draw(st.integers(1, (found[rich] - found[poor]) // 2))
    after = list(found)
    after[rich], after[poor] = after[rich] - moved, after[poor] + moved
    assert all(now <= then + 1e-9 for now, then in zip(measures(after), measures(found), strict=True))


@given(amounts)
def test_each_is_within_its_bounds(found: list[int]) -> None:
    assert 0 <= gini(found) <= 1 - 1 / len(found) + 1e-9
    assert 0 <= theil(found) <= math.log(len(found)) + 1e-9
    assert all(0 <= atkinson(found, e) <= 1 for e in (0, 0.5, 1, 2, 50))
    assert math.fsum(tenths(found)) == pytest.approx(1)
    parts = tenths(found)
    assert all(low <= high + 1e-9 for low, high in pairwise(parts))


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=30))
def test_another_program_says_the_same(found: list[int]) -> None:
    numpy = pytest.importorskip("numpy")
    inequality = pytest.importorskip("inequality", reason="PySAL's `inequality` is not installed")
    assert gini(found) == pytest.approx(inequality.gini.Gini(numpy.array(found, float)).g, abs=1e-9)
    assert theil(found) == pytest.approx(inequality.theil.Theil(numpy.array(found, float)).T, abs=1e-9)
    for aversion in (0.5, 1, 2):
        assert atkinson(found, aversion) == pytest.approx(
            inequality.atkinson.Atkinson(numpy.array(found, float), aversion).A, abs=1e-9
        )
