"""What is measured with models: few holders on the buyer's own, and the quality of data, which is never paid from."""

from __future__ import annotations

import random
import secrets
from dataclasses import fields
from typing import Any

import pytest

np = pytest.importorskip("numpy")
datasets = pytest.importorskip("sklearn.datasets", reason="models come with the extra `train`")

from usufruct.core.income.neighbours import Measure  # noqa: E402
from usufruct.engine.valuation import attacks, contribution, holders, neighbours, quality  # noqa: E402
from valuation import worlds  # noqa: E402

SEED = secrets.randbits(32)


def noisy(data: str, seed: int) -> tuple[Any, Any, Any, Any, Any]:
    """Records of which a fifth are labelled wrongly, rows that are labelled rightly, and which records are wrong."""
    draw = np.random.default_rng(seed)
    cells, labels = getattr(datasets, f"load_{data}")(return_X_y=True)
    order = draw.permutation(len(cells))[:560]
    deviation = cells.std(axis=0)
    cells = (cells - cells.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    points = attacks.on_grid(cells[order] / 12 + 0.5)
    labels = labels[order].astype(np.int64)
    wrong = np.zeros(280, np.bool_)
    wrong[draw.choice(280, 56, replace=False)] = True
    classes = labels.max() + 1
    given = np.where(wrong, (labels[:280] + draw.integers(1, classes, 280)) % classes, labels[:280])
    return points[:280], given, points[280:], labels[280:], wrong


def found(wrong: Any, score: Any) -> float:
    """The area under the curve: how often a wrong record scores below a right one."""
    low, high = score[wrong], score[~wrong]
    return float(((low[:, None] < high).mean() + (low[:, None] <= high).mean()) / 2)


@pytest.mark.parametrize(("data", "least"), [("digits", 0.97), ("breast_cancer", 0.94)])
def test_wrong_labels_are_found(data: str, least: float) -> None:
    """As well as others do: both measures are beside each other, with other noise each time."""
    print(f"seed {SEED}")
    nearest, bags = [], []
    for turn in range(3):
        points, given, rows, told, wrong = noisy(data, SEED + turn)
        nearest.append(found(wrong, neighbours.values(points, given, rows, told, 5)))
        known = quality.out_of_bag(points, given)
        bags.append(found(wrong, np.array([float(known.of(place) or 0) for place in range(280)])))
    assert np.mean(nearest) > least
    assert np.mean(bags) > least


def test_shuffled_labels_are_worth_what_guessing_is() -> None:
    draw = np.random.default_rng(SEED)
    points, _, rows, told, _ = noisy("digits", SEED)
    values = neighbours.values(points, draw.integers(0, 10, 280), rows, told, 5)
    assert values.sum() == pytest.approx(0.1, abs=0.06)
    assert (values > 0).mean() < 0.7


def test_copies_of_the_validation_rows_come_out_on_top() -> None:
    """Nothing in a measure can tell that somebody knew the rows: they must stay with the buyer."""
    points, given, rows, told, _ = noisy("digits", SEED)
    points, given = np.concatenate((points, rows[:35])), np.concatenate((given, told[:35]))
    values = neighbours.values(points, given, rows[:35], told[:35], 5)
    members = values.reshape(9, 35).sum(axis=1)  # the last is who knew
    assert members[8] > 1.3 * members[:8].max()


def test_quality_does_not_depend_on_the_order_of_rows() -> None:
    points, given, *_ = noisy("digits", 5)
    known = quality.out_of_bag(points, given, 20)
    order = np.random.default_rng().permutation(280)
    again = quality.out_of_bag(points[order], given[order], 20)
    assert again.right == tuple(np.array(known.right)[order].tolist())
    assert again.times == tuple(np.array(known.times)[order].tolist())
    assert 0 < known.whole() < 1
    assert all(2 * known.right[place] < known.times[place] for place in known.doubtful())
    assert quality.Quality((0,), (0,)).of(0) is None


def test_nobody_can_be_paid_from_quality() -> None:
    """It has no bytes to seal and no numbers that pay; what pays takes values, as an array."""
    known = quality.Quality((3,), (4,))
    assert {field.name for field in fields(quality.Quality)} == {"right", "times"}
    assert not hasattr(known, "encode")
    records = contribution.Records(*(np.zeros((1, 1), np.int32), *(np.zeros(1, np.int64) for _ in range(3))))
    with pytest.raises(TypeError):
        contribution.pay(records, contribution.Sieved(np.zeros(1, np.int64)), known, Measure(), 1)  # type: ignore[arg-type]


def test_holders_are_paid_by_the_buyers_own_model() -> None:
    from sklearn.linear_model import LogisticRegression

    cells, labels = datasets.load_iris(return_X_y=True)
    points = attacks.on_grid(cells / 10)
    draw = random.Random(4)
    order = draw.sample(range(150), 150)
    train, test = order[:60], order[60:]
    holder = np.arange(60) % 5

    def fit(records: Any, said: Any, rows: Any) -> Any:
        return LogisticRegression(max_iter=500).fit(records / 1e5, said).predict(rows / 1e5)

    values = holders.shares(points[train], labels[train], holder, points[test], labels[test], 5, fit)
    whole = LogisticRegression(max_iter=500).fit(points[sorted(train, key=lambda p: (*points[p], labels[p]))] / 1e5,
                                                 labels[sorted(train, key=lambda p: (*points[p], labels[p]))])  # fmt: skip
    assert sum(values) == int((whole.predict(points[test] / 1e5) == labels[test]).sum())
    mixed = draw.sample(range(60), 60)
    again = holders.shares(
        points[train][mixed], labels[train][mixed], holder[mixed], points[test], labels[test], 5, fit
    )
    assert again == values


def test_holders_by_the_nearest_record_are_what_owners_are() -> None:
    """With the nearest record as the model, enumeration says what the closed form says."""
    points, labels, rows, told = worlds.table(random.Random(7), 24, 10, 3)
    holder = np.sort(np.arange(24) % 6)

    def nearest(records: Any, said: Any, asked: Any) -> Any:
        return said[contribution.copies.squared(asked, records).argmin(axis=1)]

    values = holders.shares(points, labels, holder, rows, told, 6, nearest)
    closed = neighbours.owner_block(points, labels, holder, 6, rows, told)
    assert closed.tolist() == pytest.approx([float(value) for value in values], abs=1e-12)


def test_too_many_holders_are_refused() -> None:
    none = np.zeros((0, 1), np.int32), np.zeros(0, np.int64)
    with pytest.raises(ValueError, match="too many coalitions"):
        holders.shares(*none, none[1], *none, 17, lambda records, labels, rows: labels)
    assert holders.shares(*none, none[1], *none, 2, lambda records, labels, rows: labels) == [0, 0]
