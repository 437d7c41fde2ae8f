"""Nearest-neighbour values: the definition against enumeration, the kernels against the definition, and their bytes."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

np = pytest.importorskip("numpy")

from usufruct.core.income import neighbours as rule  # noqa: E402
from usufruct.engine.valuation import neighbours as kernel  # noqa: E402
from valuation import worlds  # noqa: E402

KS = (1, 2, 3, 5, 9, 20)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("levels", [2, 4, 1_000])
def test_the_closed_form_is_what_enumeration_says(seed: int, levels: int) -> None:
    draw = random.Random(f"{seed}/{levels}")
    count, k = draw.randint(1, 9), draw.choice(KS)
    distances = [draw.randrange(levels) for _ in range(count)]
    right = [draw.randint(0, 1) for _ in range(count)]
    found = rule.values(distances, right, k)
    of = worlds.worth(distances, right, k)
    assert found == worlds.enumerated(count, of)
    assert sum(found) == of(range(count)) - of([])


def test_twelve_records_with_ties() -> None:
    distances, right = [1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 5, 5], [1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1]
    assert rule.values(distances, right, 3) == worlds.enumerated(12, worlds.worth(distances, right, 3))


@pytest.mark.parametrize("seed", range(8))
def test_owners_are_what_enumeration_says(seed: int) -> None:
    draw = random.Random(seed)
    count = draw.randint(2, 6)
    owner = [draw.randrange(count) for _ in range(12)]
    distances, right = [draw.randrange(4) for _ in owner], [draw.randint(0, 1) for _ in owner]

    def of(members: list[int]) -> Fraction:
        """The nearest distance decides; owners who have it count the same, each as often right as her nearest are."""
        least = min((d for d, who in zip(distances, owner, strict=True) if who in members), default=None)
        shares = [
            Fraction(sum(mine), len(mine)) for who in members
            if (mine := [r for d, r, o in zip(distances, right, owner, strict=True) if o == who and d == least])
        ]  # fmt: skip
        return sum(shares, Fraction(0)) / len(shares) if shares else Fraction(0)

    assert rule.owners(distances, right, owner, count) == worlds.enumerated(count, of)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("top", [2, 4, 1 << 17])
@pytest.mark.parametrize("k", KS)
def test_the_kernel_is_what_the_definition_says(seed: int, top: int, k: int) -> None:
    draw = random.Random(f"{seed}/{top}/{k}")
    points, labels, rows, told = worlds.table(draw, draw.choice([1, 7, 40]), 11, 3, top=top)
    found = kernel.values(points, labels, rows, told, k)
    slow = [Fraction(0)] * len(points)
    for row, said in zip(rows.tolist(), told, strict=True):
        distances = [sum((a - b) ** 2 for a, b in zip(point, row, strict=True)) for point in points.tolist()]
        for place, value in enumerate(rule.values(distances, [int(one == said) for one in labels], k)):
            slow[place] += value / len(rows)
    assert max(abs(float(a - Fraction(b))) for a, b in zip(slow, found.tolist(), strict=True)) < 1e-15


@pytest.mark.parametrize("top", [3, 1 << 17])
def test_the_owner_kernel_is_what_the_definition_says(top: int) -> None:
    draw = random.Random(top)
    points, labels, rows, told = worlds.table(draw, 60, 9, 2, top=top)
    owner = np.sort(np.array([draw.choice([0, 1, 3, 4, 6]) for _ in range(60)]))
    found = kernel.owner_block(points, labels, owner, 8, rows, told)
    slow = [Fraction(0)] * 8
    for row, said in zip(rows.tolist(), told, strict=True):
        distances = [sum((a - b) ** 2 for a, b in zip(point, row, strict=True)) for point in points.tolist()]
        right = [int(one == said) for one in labels]
        slow = [a + b for a, b in zip(slow, rule.owners(distances, right, owner.tolist(), 8), strict=True)]
    assert found.tolist() == pytest.approx([float(one) for one in slow], abs=1e-14)


def test_owners_records_may_lie_in_several_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    points, labels, rows, told = worlds.table(random.Random(3), 60, 9, 2, top=3)
    owner = np.repeat([0, 1, 2], 20)
    whole = kernel.owner_block(points, labels, owner, 3, rows, told)
    monkeypatch.setattr(kernel, "_TILE", 7)
    assert kernel.owner_block(points, labels, owner, 3, rows, told).tobytes() == whole.tobytes()


@pytest.mark.parametrize("top", [3, 1 << 17])
@pytest.mark.parametrize("k", [1, 5, 500])
def test_no_order_of_records_and_no_division_of_work_changes_a_byte(
    top: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, labels, rows, told = worlds.table(random.Random(f"{top}/{k}"), 300, 300, 4, 3, top)
    first = kernel.values(points, labels, rows, told, k)
    order = np.random.default_rng().permutation(len(points))
    again = kernel.values(points[order], labels[order], rows, told, k)
    assert again.tobytes() == first[order].tobytes()
    # Blocks come from anywhere, in any order, and are added in theirs.
    parts = {
        part.start: kernel.block(points, labels, rows[part], told[part], k)
        for part in reversed(list(kernel.blocks(300)))
    }
    assert len(parts) == 3
    assert kernel.together((parts[one] for one in sorted(parts)), 300, 300).tobytes() == first.tobytes()
    monkeypatch.setattr(kernel, "_CHUNK", 900)
    monkeypatch.setattr(kernel, "_TILE", 37)
    assert kernel.values(points, labels, rows, told, k).tobytes() == first.tobytes()


@pytest.mark.parametrize("k", [1, 5, 100, 101, 5_000])
@pytest.mark.parametrize("top", [2, 1 << 17])
def test_values_sum_to_the_worth_of_all(k: int, top: int) -> None:
    points, labels, rows, told = worlds.table(random.Random(k), 100, 50, 5, 3, top)
    whole = Fraction(0)
    for row, said in zip(rows.tolist(), told, strict=True):
        distances = [sum((a - b) ** 2 for a, b in zip(point, row, strict=True)) for point in points.tolist()]
        whole += worlds.worth(distances, [int(one == said) for one in labels], k)(range(100))
    assert float(kernel.values(points, labels, rows, told, k).sum()) == pytest.approx(float(whole / 50), abs=1e-12)


def test_labels_that_are_numbers_are_right_within_a_distance() -> None:
    points, labels, rows, told = worlds.table(random.Random(8), 30, 7, 2, classes=100)
    classes = kernel.values(points, (abs(labels - told[0]) <= 9).astype(np.int64), rows[:1], np.array([1]), 5)
    assert kernel.values(points, labels, rows[:1], told[:1], 5, apart=9).tobytes() == classes.tobytes()


def test_the_grid_keeps_distances_exact() -> None:
    for dimensions in (1, 2, 3, 50, 64, 1_000, 10_000):
        bits = rule.grid_bits(dimensions)
        assert dimensions * ((1 << bits) - 1) ** 2 < 1 << rule.DISTANCE_BITS
    assert rule.grid_bits(50) == 17
    for none in (0, -1, 1 << 30):
        with pytest.raises(ValueError, match="cannot be put on a grid"):
            rule.grid_bits(none)
    # The farthest that two points can be, at the highest place.
    top = (1 << rule.grid_bits(50)) - 1
    points = np.array([[top] * 50, [0] * 50, [top] * 49 + [top - 1]], np.int32)
    found = kernel.values(points, np.array([1, 0, 1]), np.zeros((1, 50), np.int32), np.array([1]), 1)
    slow = rule.values([50 * top**2, 0, 49 * top**2 + (top - 1) ** 2], [1, 0, 1], 1)
    assert found.tolist() == pytest.approx([float(one) for one in slow], abs=1e-15)


def test_there_may_be_nothing() -> None:
    none = np.zeros((0, 2), np.int32)
    assert kernel.values(none, none[:, 0].astype(np.int64), none, none[:, 0].astype(np.int64), 5).tolist() == []
    assert kernel.values(
        np.zeros((2, 2), np.int32), np.zeros(2, np.int64), none, none[:, 0].astype(np.int64), 5
    ).tolist() == [0, 0]
    assert rule.values([], [], 5) == []
