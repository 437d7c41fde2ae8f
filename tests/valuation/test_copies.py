"""Near copies: the sieve against its plain definition, and what it must not do to honest people."""

from __future__ import annotations

import random
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from usufruct.core.income import copies as rule  # noqa: E402
from usufruct.core.income.neighbours import SHARE_UNIT, Measure  # noqa: E402
from usufruct.engine.valuation import contribution  # noqa: E402
from usufruct.engine.valuation import copies as kernel  # noqa: E402
from usufruct.engine.valuation.contribution import Records, Validation  # noqa: E402
from valuation import worlds  # noqa: E402


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("columns", "top"), [(1, 40), (2, 12), (3, 1_000), (8, 1_000)])
@pytest.mark.parametrize("tile", [3, 2048])
def test_the_kernel_is_what_the_definition_says(
    seed: int, columns: int, top: int, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "_TILE", tile)
    draw = random.Random(f"{seed}/{columns}")
    points, labels, *_ = worlds.table(draw, 60, 1, columns, 3, top)
    deposit = np.array([draw.randrange(5) for _ in range(60)])
    order, apart = kernel.in_order(points, labels, deposit), draw.choice([0, 1])
    assert order.tolist() == sorted(range(60), key=lambda place: (deposit[place], *points[place], labels[place], place))
    assert kernel.scale(points) == rule.scale(points.tolist())
    for radius in (0, kernel.scale(points), (top // 3) ** 2, 10 * top**2):
        slow = rule.sieve(points.tolist(), labels.tolist(), order.tolist(), radius, apart)
        assert kernel.sieve(points, labels, order, radius, apart).tolist() == slow


@pytest.mark.parametrize("seed", range(10))
def test_each_persons_own_are_sieved_by_themselves(seed: int) -> None:
    draw = random.Random(seed)
    points, labels, *_ = worlds.table(draw, 60, 1, 2, 2, 30)
    who = np.array([draw.choice([0, 1, 2, 2, 2, 7, 9, 11]) for _ in range(60)])
    order, radius = kernel.in_order(points, labels, np.zeros(60, np.int64)), draw.choice([0, 4, 100])
    found = kernel.sieve_each(points, labels, order, who, radius)
    for person in set(who.tolist()):
        mine = [place for place in order.tolist() if who[place] == person]
        slow = rule.sieve(points.tolist(), labels.tolist(), mine, radius)
        assert [int(found[place]) for place in mine] == [slow[place] for place in mine]


def test_a_sample_of_points_tells_how_far_they_lie_apart() -> None:
    points, *_ = worlds.table(random.Random(2), 1_500, 1, 6)
    assert len(rule.sampled(1_500)) == rule.SAMPLE
    assert rule.sampled(3) == [0, 1, 2]
    assert kernel.scale(points) == rule.scale(points.tolist()) > 0


@pytest.mark.parametrize(
    ("nearest", "radius"),
    [
        ([], 0), ([[]], 0), ([[9]], 0),
        ([[100, 100]] * 3, 36), ([[100, 200]] * 3, 0), ([[4_000, 4_400]] * 3, 1_440), ([[4_000, 5_000, 5_000, 6_000]] * 3, 515),
        ([[4_000, 5_000, 5_000, 6_000], [5_000] * 4, [400, 500, 500, 600]], 51),  # half the steps, the densest's reach
        ([[4_000, 4_100, 4_100, 6_000]] * 3, 91), ([[4_000, 6_000, 6_000, 6_000]] * 3, 69),  # the longer step of the two
    ],
)  # fmt: skip
def test_the_radius_follows_from_how_far_things_lie_apart(nearest: list[list[int]], radius: int) -> None:
    assert rule.radius_squared(nearest) == radius


@pytest.mark.parametrize("copies", ["person", "first", "equal"])
def test_no_order_of_rows_changes_a_share(copies: str) -> None:
    records, validation = _world(random.Random(copies))
    paid = contribution.measured(records, validation, Measure(copies=copies), 9)
    for _ in range(3):
        order = np.random.default_rng().permutation(len(records.who))
        shuffled = Records(*(part[order] for part in (records.points, records.labels, records.who, records.deposit)))
        again = contribution.measured(shuffled, validation, Measure(copies=copies), 9)
        assert again.encode() == paid.encode()
        assert again.cut == paid.cut


def test_what_comes_later_takes_nothing_away() -> None:
    """Whatever is brought later, and wherever it is put: it is no reason to take an earlier record for a copy."""
    draw = random.Random()
    points, labels, *_ = worlds.table(draw, 40, 1, 2, top=60)
    order = np.arange(40)
    for radius in (1, 25, 400):
        before = kernel.sieve(points[:20], labels[:20], order[:20], radius)
        assert kernel.sieve(points, labels, order, radius)[:20].tolist() == before.tolist()


def test_the_first_depositor_is_paid_for_copies() -> None:
    records, validation = _world(random.Random(5))
    mine = np.flatnonzero(records.who == 1)
    thief = Records(
        np.concatenate((records.points, records.points[mine])), np.concatenate((records.labels, records.labels[mine])),
        np.concatenate((records.who, np.full(len(mine), 8))),
        np.concatenate((records.deposit, np.full(len(mine), 99))),
    )  # fmt: skip
    first = contribution.measured(records, validation, Measure(copies="first"), 9)
    assert contribution.measured(thief, validation, Measure(copies="first"), 9).encode() == first.encode()
    # Who deposited last is known from the journal, not from where the rows stand.
    early = Records(thief.points, thief.labels, thief.who, np.where(thief.who == 8, -1, thief.deposit))
    turned = contribution.measured(early, validation, Measure(copies="first"), 9).shares
    assert turned[8] == first.shares[1]
    assert turned[1] == 0
    equal = contribution.measured(thief, validation, Measure(copies="equal"), 9).shares
    assert abs(int(equal[8]) - int(equal[1])) <= len(mine)
    assert int(equal.sum()) == int(first.shares.sum())


def test_of_a_person_her_own_copies_count_once_and_others_records_are_hers() -> None:
    point = np.array([[5, 5]] * 4 + [[90, 90]] * 2 + [[40, 7], [8, 77], [60, 30], [20, 50]], np.int32)
    labels = np.array([1, 1, 1, 1, 0, 0, 1, 0, 1, 0])
    records = Records(point, labels, np.array([0, 0, 0, 1, 2, 3, 4, 5, 6, 7]), np.zeros(10, np.int64))
    validation = Validation(np.array([[6, 6]], np.int32), np.array([1]))
    shares = contribution.measured(records, validation, Measure(k=1), 8).shares
    assert shares[0] == shares[1] > 0
    assert contribution.sieve(records, Measure()).by.tolist() == [0, 0, 0, 3, 4, 5, 6, 7, 8, 9]


def test_harm_is_cut_off_for_each_record_by_itself() -> None:
    """Were it cut off for each account, moving harmful records to another one would pay."""
    records, validation = _world(random.Random(11))
    one = contribution.measured(records, validation, Measure(copies="first"), 9)
    assert one.cut > 0
    moved = Records(
        records.points, records.labels, np.where(np.arange(len(records.who)) % 2, 8, records.who), records.deposit
    )
    two = contribution.measured(moved, validation, Measure(copies="first"), 9)
    assert int(two.shares.sum()) == int(one.shares.sum())
    assert two.cut == one.cut
    for person in range(8):
        mine = records.who == person
        assert int(one.shares[person]) == int(
            contribution.measured(
                Records(records.points, records.labels, np.where(mine, 0, 1), records.deposit), validation,
                Measure(copies="first"), 2,
            ).shares[0]
        )  # fmt: skip


def test_shares_fit_where_they_are_kept() -> None:
    """Values sum to less than 22 shares of 1, whoever is right: each adds 1/rank at most."""
    points = np.arange(5_000, dtype=np.int32)[:, None]
    right = np.zeros(5_000, np.int64)
    right[:2_500] = 1
    records = Records(points, right, np.arange(5_000), np.arange(5_000))
    paid = contribution.measured(records, Validation(np.zeros((1, 1), np.int32), np.array([1])), Measure(k=1), 5_000)
    assert 0 < int(paid.shares.sum()) < 22 * SHARE_UNIT < 1 << 63
    assert len(paid.encode()) == 8 * 5_000


def _world(draw: random.Random) -> tuple[Records, Validation]:
    points, labels, rows, told = worlds.table(draw, 80, 30, 3, top=1_000)
    who: Any = np.array([draw.randrange(8) for _ in range(80)])
    return Records(points, labels, who, np.arange(80)), Validation(rows, told)
