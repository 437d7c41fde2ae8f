"""Allocation: what the two methods choose, what is fit to be a round, and the lottery."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocating import (
    COMMITMENTS,
    ROUND,
    SECRETS,
    SEED,
    allocated,
    blocked,
    drawn,
    pairs,
    possible,
    rewished,
    rounds,
    total,
)
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import encoding, largest_sum, lottery
from usufruct.core.work.allocation.instance import Candidate, Filtered, Instance, build, sift
from usufruct.core.work.allocation.rule import STABLE, SUM, AllocationRule, Part, graded, unfit, wished

NEAR = (Part("near", 1),)


def small(method: str, text: str, seats: dict[str, int]) -> dict[str, str]:
    """Who gets what. Each line of `text` is a worker, then job:points, the best wish first."""
    rows = [
        Candidate(worker, job, rank, (int(points),))
        for worker, *wishes in map(str.split, text.strip().splitlines())
        for rank, (job, points) in enumerate((wish.split(":") for wish in wishes), 1)
    ]
    instance = build(ROUND, AllocationRule(method, NEAR), seats, rows, (), COMMITMENTS)
    return dict(allocated(instance).pairs(instance))


# ---- what is chosen


def test_a_job_keeps_who_has_most_points_and_the_others_go_on() -> None:
    found = small(STABLE, "ann bakery:9 port:1\nbo bakery:8 port:2\ncem bakery:7 port:3", {"bakery": 1, "port": 1})
    assert found == {"ann": "bakery", "cem": "port"}


def test_a_job_has_as_many_as_it_has_seats() -> None:
    found = small(STABLE, "ann bakery:9\nbo bakery:8\ncem bakery:7", {"bakery": 2})
    assert found == {"ann": "bakery", "bo": "bakery"}


def test_the_sum_takes_what_is_best_for_all_together() -> None:
    """Ann would rather have the bakery and has most points there; but then Bo, who has no other job, would have none."""
    text = "ann bakery:9 port:8\nbo bakery:7"
    assert small(STABLE, text, {"bakery": 1, "port": 1}) == {"ann": "bakery"}
    assert small(SUM, text, {"bakery": 1, "port": 1}) == {"ann": "port", "bo": "bakery"}


def test_a_pair_of_no_points_is_better_than_none() -> None:
    assert small(SUM, "ann bakery:0", {"bakery": 1}) == {"ann": "bakery"}


def test_of_workers_with_equal_points_the_smaller_lottery_number_goes_first() -> None:
    text = "\n".join(f"worker-{number} bakery:5" for number in range(9))
    first = min(range(9), key=lambda number: lottery.number(SEED, f"worker-{number}"))
    assert small(STABLE, text, {"bakery": 1}) == {f"worker-{first}": "bakery"}


@given(rounds(STABLE))
@settings(max_examples=150, deadline=None)
def test_no_worker_and_job_would_rather_have_each_other_and_no_worker_is_better_off_in_another_stable_allocation(
    instance: Instance,
) -> None:
    taken = tuple(allocated(instance).taken)
    assert not blocked(instance, taken)
    for other in possible(instance):
        if not blocked(instance, other):
            for worker, (here, there) in enumerate(zip(taken, other, strict=True)):
                order = [instance.job[pair] for pair in pairs(instance, worker)] + [-1]
                assert order.index(here) <= order.index(there)


@given(rounds(SUM))
@settings(max_examples=150, deadline=None)
def test_no_allocation_has_a_larger_sum(instance: Instance) -> None:
    scores, worth = instance.scores(), largest_sum.worths(instance, SEED)
    taken = allocated(instance).taken
    assert total(instance, taken, scores) == max(total(instance, other, scores) for other in possible(instance))
    assert total(instance, taken, worth) == max(total(instance, other, worth) for other in possible(instance))


@given(rounds(SUM, workers=5, jobs=4))
@settings(max_examples=60, deadline=None)
def test_a_price_is_what_the_sum_would_lose_with_a_seat_less(instance: Instance) -> None:
    worth, found = largest_sum.worths(instance, SEED), allocated(instance)
    whole = total(instance, found.taken, worth)
    for job, price in enumerate(found.prices):
        fewer = replace(instance, seats=[count - (place == job) for place, count in enumerate(instance.seats)])
        assert price == whole - max(total(instance, other, worth) for other in possible(fewer))


@given(rounds(STABLE), st.data())
@settings(max_examples=150, deadline=None)
def test_no_worker_gains_by_saying_other_wishes(instance: Instance, data: st.DataObject) -> None:
    if not instance.workers:
        return
    worker = data.draw(st.integers(0, len(instance.workers) - 1))
    mine = [instance.job[pair] for pair in pairs(instance, worker)] + [-1]
    honest = mine.index(allocated(instance).taken[worker])
    for count in range(len(mine)):
        for order in permutations(range(len(mine) - 1), count):
            said = allocated(rewished(instance, worker, order))
            assert mine.index(said.taken[worker]) >= honest, order


def test_by_a_sum_a_worker_can_gain_by_leaving_wishes_out() -> None:
    """So `stable` is for rounds in which workers' wishes decide; the concept page says so."""
    seats = {"bakery": 1, "port": 1}
    assert small(SUM, "ann bakery:9 port:8\nbo bakery:7", seats)["ann"] == "port"
    assert small(SUM, "ann bakery:9\nbo bakery:7", seats)["ann"] == "bakery"


# ---- what is fit


@pytest.mark.parametrize(
    ("rule", "because"),
    [
        (AllocationRule("best", NEAR), "no method"),
        (AllocationRule(STABLE, NEAR, "never"), "cannot be told"),
        (AllocationRule(STABLE, (Part("looks", 1),)), "no published part"),
        (AllocationRule(STABLE, (*NEAR, *NEAR)), "named twice"),
        (AllocationRule(SUM, (Part("near", 0),)), "not whole numbers"),
        (AllocationRule(SUM, (Part("near", 1001),)), "not whole numbers"),
        (AllocationRule(SUM, ()), "sum of nothing"),
        (AllocationRule(STABLE, (Part("wish", 1),)), "does not wish"),
    ],
)
def test_what_is_no_rule_says_why(rule: AllocationRule, because: str) -> None:
    refusal = unfit(rule)
    assert refusal is not None and because in refusal.reasons[0]


def test_a_lottery_alone_is_a_rule() -> None:
    assert unfit(AllocationRule(STABLE, ())) is None


ROW = Candidate("ann", "bakery", 1, (5,))
ROWS: dict[str, Callable[[], Instance]] = {
    "how many seats": lambda: build(ROUND, AllocationRule(SUM, NEAR), {}, [ROW]),
    "one value for each part": lambda: build(ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [replace(ROW, values=())]),
    "below 0, or too large": lambda: build(ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [replace(ROW, values=(-1,))]),
    "out of bounds": lambda: build(ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [replace(ROW, values=(1001,))]),
    "no seat": lambda: build(ROUND, AllocationRule(SUM, NEAR), {"bakery": 0}, [ROW]),
    "a rank is": lambda: build(ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [replace(ROW, rank=0)]),
    "two jobs alike": lambda: build(
        ROUND, AllocationRule(SUM, NEAR), {"bakery": 1, "port": 1}, [ROW, replace(ROW, job="port")]
    ),
    "same job twice": lambda: build(ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [ROW, replace(ROW, rank=2)]),
    "the same job": lambda: build(
        ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [ROW], [Filtered("ann", "bakery", "a", "b")]
    ),
    "forbidden twice": lambda: build(
        ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [],
        [Filtered("ann", "bakery", "a", "b"), Filtered("ann", "bakery", "a", "c")],
    ),
    "no name": lambda: build("", AllocationRule(SUM, NEAR), {"bakery": 1}, [ROW]),
    "committed to the same": lambda: build(
        ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [ROW], (), (COMMITMENTS[0], COMMITMENTS[0], "")
    ),
    "no SHA-256": lambda: build(ROUND, AllocationRule(SUM, NEAR), {"bakery": 1}, [ROW], (), ("X", "", "")),
    "sum of nothing": lambda: build(ROUND, AllocationRule(SUM, ()), {"bakery": 1}, [replace(ROW, values=())]),
}  # fmt: skip


@pytest.mark.parametrize("because", ROWS)
def test_what_is_no_round_says_why(because: str) -> None:
    with pytest.raises(BadInput, match=because):
        ROWS[because]()


def test_a_forbidden_pair_keeps_the_first_rule_that_forbids_it() -> None:
    def rest(worker: str, job: str) -> tuple[str, str] | None:
        return ("hours.rest", "too little rest") if worker == "ann" else None

    def skill(worker: str, job: str) -> tuple[str, str] | None:
        return ("skill.missing", "no licence") if job == "bakery" else None

    kept, filtered = sift([ROW, replace(ROW, worker="bo"), replace(ROW, worker="bo", job="port")], [rest, skill])
    assert [(pair.worker, pair.job) for pair in kept] == [("bo", "port")]
    assert [(pair.worker, pair.code) for pair in filtered] == [("ann", "hours.rest"), ("bo", "skill.missing")]


def test_values_of_parts_run_from_worst_to_best() -> None:
    assert [wished(rank, 4) for rank in (1, 2, 3, 4)] == [1000, 750, 500, 250]
    assert [graded(earned, 2000, 1000) for earned in (2500, 2000, 1500, 1000, 0)] == [0, 0, 500, 1000, 1000]
    assert [graded(pay, 1000, 2000) for pay in (0, 1000, 1500, 2500)] == [0, 0, 500, 1000]
    assert graded(7, 7, 7) == 1000


@given(rounds())
@settings(max_examples=100, deadline=None)
def test_an_instance_is_read_as_it_was_written(instance: Instance) -> None:
    data = encoding.encode(instance)
    found = encoding.decode(data)
    assert found == instance
    assert encoding.encode(found) == data


def test_weights_that_leave_no_room_for_the_lottery_are_refused() -> None:
    rule = AllocationRule(SUM, (Part("near", 1000),))
    assert largest_sum.scale_of(rule, 100_000).bits >= 20
    with pytest.raises(BadInput, match="no room"):
        largest_sum.scale_of(rule, 2**40)


# ---- the lottery

SECRET = st.binary(min_size=32, max_size=32)


@given(st.lists(st.none() | SECRET, min_size=3, max_size=3), SECRET)
def test_the_order_of_the_chambers_does_not_matter(secrets: list[bytes | None], head: bytes) -> None:
    assert len({lottery.seed(order, head, ROUND) for order in permutations(secrets)}) == 1


@given(st.integers(0, 2), st.integers(0, 255))
def test_one_bit_of_any_secret_changes_the_seed_and_the_numbers(chamber: int, bit: int) -> None:
    changed = list(SECRETS)
    changed[chamber] = (int.from_bytes(SECRETS[chamber], "big") ^ (1 << bit)).to_bytes(32, "big")
    seed = lottery.seed(changed, b"", ROUND)
    assert seed != SEED
    assert lottery.number(seed, "ann") != lottery.number(SEED, "ann")
    assert lottery.commitment(changed[chamber], ROUND) != COMMITMENTS[chamber]


def test_the_head_counts_only_where_an_opening_is_missing_and_there_each_bit_does() -> None:
    assert lottery.seed(SECRETS, b"one", ROUND) == lottery.seed(SECRETS, b"two", ROUND)
    assert lottery.seed([*SECRETS[:2], None], b"one", ROUND) != lottery.seed([*SECRETS[:2], None], b"two", ROUND)
    assert lottery.seed([*SECRETS[:2], None], b"one", ROUND) != SEED


def test_ranks_are_the_order_of_the_numbers() -> None:
    workers = [f"worker-{number}" for number in range(50)]
    by_number = sorted(workers, key=lambda worker: lottery.number(SEED, worker))
    assert [by_number.index(worker) for worker in workers] == lottery.ranks(SEED, workers)


def test_lottery_points_stay_within_their_bits_and_are_even_handed() -> None:
    found = [lottery.points(SEED, place, job, 10) for place in range(100) for job in range(100)]
    assert min(found) == 1 and max(found) == 1024
    assert abs(sum(found) / len(found) - 512.5) < 10


def test_a_secret_opens_its_own_commitment_alone() -> None:
    assert lottery.opened(ROUND, COMMITMENTS, SECRETS) is None
    assert lottery.opened(ROUND, COMMITMENTS, (None, *SECRETS[1:])) is None
    for secrets in (SECRETS[::-1], (SECRETS[0], SECRETS[1], b"short")):
        assert isinstance(lottery.opened(ROUND, COMMITMENTS, secrets), Refusal)
    assert isinstance(lottery.opened(ROUND, ("", *COMMITMENTS[1:]), SECRETS), Refusal)
    assert isinstance(lottery.opened("tuesday", COMMITMENTS, SECRETS), Refusal)


def test_the_result_is_a_function_of_instance_and_seed() -> None:
    """Ties are many here, and the rows come in another order each time."""
    for method in (STABLE, SUM):
        chance = random.Random(4)
        instance = drawn(chance, method, 30, 12, 6, values=(0, 500))
        shuffled = [
            Candidate(name, instance.jobs[instance.job[pair]], instance.rank[pair],
                      tuple(column[pair] for column in instance.values))
            for who, name in enumerate(instance.workers) for pair in pairs(instance, who)
        ]  # fmt: skip
        chance.shuffle(shuffled)
        seats = dict(zip(instance.jobs, instance.seats, strict=True))
        again = build(ROUND, instance.rule, dict(reversed(seats.items())), shuffled, (), COMMITMENTS, instance.workers)
        assert list(allocated(again).taken) == list(allocated(instance).taken)
        assert any(
            list(allocated(instance, bytes([number])).taken) != list(allocated(instance).taken) for number in range(9)
        )
