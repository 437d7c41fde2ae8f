"""The attacks on the measure, each time with other draws: what they gain must stay where the docs say."""

from __future__ import annotations

import secrets

import pytest

np = pytest.importorskip("numpy")
datasets = pytest.importorskip("sklearn.datasets", reason="digits come with the extra `train`")

from usufruct.core.income.neighbours import Measure  # noqa: E402
from usufruct.engine.valuation import attacks  # noqa: E402

SEED = secrets.randbits(32)
FIRST = Measure(copies="first")


@pytest.fixture(scope="module")
def scenes() -> list[attacks.Scene]:
    return _scenes("digits")


def _scenes(data: str, many: int = 3) -> list[attacks.Scene]:
    print(f"seed {SEED}")  # a failure shows it
    table = getattr(datasets, f"load_{data}")(return_X_y=True)
    return [attacks.scene(*table, SEED + turn) for turn in range(many)]


@pytest.mark.parametrize("data", ["digits", "breast_cancer", "wine"])
@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_an_attack_gains_nothing_to_speak_of(name: str, data: str) -> None:
    for scene in _scenes(data):
        assert attacks.gain(scene, attacks.ATTACKS[name], FIRST) <= 1.02


@pytest.mark.parametrize("data", ["digits", "breast_cancer", "wine"])
def test_nor_does_shaking_anothers_records_or_bringing_more_of_ones_own(data: str) -> None:
    for scene in _scenes(data):
        assert attacks.gain(scene, lambda scene: attacks.copy_another(scene, 0.01), FIRST) <= 1.02
        assert attacks.gain(scene, lambda scene: attacks.copy_accounts(scene, 0.01, times=2), FIRST) <= 1.02
        assert attacks.merged(scene, FIRST) < 0.01


def test_without_the_sieve_copies_pay(scenes: list[attacks.Scene]) -> None:
    """So it is the sieve that holds, and the attacks are real."""
    for name in (
        "her own records three times",
        "two accounts with exact copies",
        "two accounts with copies shaken by 0.01",
    ):
        assert min(attacks.gain(scene, attacks.ATTACKS[name], FIRST, sieving=False) for scene in scenes) > 1.8
    another = attacks.ATTACKS["copies of another member's records"]
    assert min(attacks.gain(scene, another, FIRST, sieving=False) for scene in scenes) > 1.3
    assert min(attacks.gain(scene, another, Measure(copies="equal")) for scene in scenes) > 1.2


def test_cut_off_for_each_account_moving_harm_would_pay(scenes: list[attacks.Scene]) -> None:
    """What the node does not do: a sum for each account, cut off at zero."""
    labels = scenes[0].labels.copy()
    mine = np.flatnonzero(scenes[0].records.who == 0)
    labels[mine[:12]] = (labels[mine[:12]] + 1) % 10  # half of hers are wrong
    scene = attacks.Scene(scenes[0].cells, labels, scenes[0].validation, scenes[0].random)
    records, validation = scene.records, scene.validation
    value = attacks.neighbours.values(records.points, records.labels, validation.points, validation.labels, 5)
    value = value[records.who == 0]
    assert max(value[value >= 0].sum(), 0) + max(value[value < 0].sum(), 0) > 1.2 * max(value.sum(), 0)
    assert attacks.gain(scene, attacks.move_harmful, FIRST) == pytest.approx(1)


@pytest.mark.parametrize("data", ["digits", "breast_cancer", "wine", "iris"])
def test_few_honest_records_are_taken_for_copies(data: str) -> None:
    cells, labels = getattr(datasets, f"load_{data}")(return_X_y=True)
    low, high = cells.min(axis=0), cells.max(axis=0)
    points = attacks.on_grid((cells - low) / np.where(high > low, high - low, 1))
    # Iris holds the same flower twice in three cases; whatever the radius, these are copies.
    points, places = np.unique(points, axis=0, return_index=True)
    order = np.random.default_rng(SEED).permutation(len(points))
    found = attacks.contribution.copies.sieve(
        points, labels[places].astype(np.int64), order, attacks.contribution.copies.scale(points)
    )
    assert (found != np.arange(len(points))).mean() < 0.01


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5, 10, 30])
@pytest.mark.parametrize("shape", ["normal", "random", "lognormal"])
def test_nor_of_points_that_are_scattered(dimensions: int, shape: str) -> None:
    cells = getattr(np.random.default_rng(SEED), shape)(size=(3_000, dimensions))
    _few_are_taken((cells - cells.min()) / (cells.max() - cells.min()))


@pytest.mark.parametrize("dense", [300, 1_000, 2_000, 2_700])
@pytest.mark.parametrize("times", [3, 30])
def test_nor_of_points_that_lie_densely_beside_others_that_do_not(dense: int, times: int) -> None:
    draw = np.random.default_rng(SEED)
    scale = np.where(np.arange(3_000) < dense, 0.1 / times, 0.1)
    _few_are_taken(0.5 + scale[:, None] * draw.normal(size=(3_000, 6)))


@pytest.mark.parametrize(("values", "numbers"), [(2, 1), (2, 2), (5, 1), (5, 2)])
def test_nor_of_rows_with_values_of_lists_beside_numbers(values: int, numbers: int) -> None:
    draw = np.random.default_rng(SEED)
    corners = np.eye(values)[draw.integers(values, size=(500, 3))].reshape(500, -1) * 0.5**0.5
    _few_are_taken(np.hstack((corners, draw.random((500, numbers)))))


def _few_are_taken(cells: attacks.Cells) -> None:
    points = attacks.on_grid(cells)
    draw = np.random.default_rng(SEED)
    points = np.unique(points, axis=0)
    found = attacks.contribution.copies.sieve(
        points,
        np.zeros(len(points), np.int64),
        draw.permutation(len(points)),
        attacks.contribution.copies.scale(points),
    )
    assert (found != np.arange(len(points))).mean() < 0.01
