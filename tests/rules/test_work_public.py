"""What everybody may know of the exchange: counts that are right, and nothing that only a few stand behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from usufruct.core.base.instants import Instant
from usufruct.core.work import public
from usufruct.core.work.facts import JobTerms, Pay, Span
from usufruct.core.work.public import Balance, Bin, Quartiles
from usufruct.core.work.state import Availability, Job

EIGHT, NINE, TEN = (Instant(f"2026-11-30T{hour}:00:00.000Z") for hour in ("08", "09", "10"))


def terms(place: str = "tartu", seats: int = 1, skills: tuple[str, ...] = (), **pay: int) -> JobTerms:
    return JobTerms("ride", place, EIGHT, TEN, 30, Pay("EUR", **pay), skills, (), seats, metres=2_500)


def job(n: int, taken: int = 0, **about: object) -> Job:
    return Job(f"job-{n}", "riders", terms(**about), TEN, "", EIGHT, n, "2026-11", taken=taken)  # type: ignore[arg-type]


def available(n: int, *places: str, end: Instant = TEN) -> Availability:
    return Availability(f"w{n}", (Span(EIGHT, end),), places, 0, (), 0, EIGHT, n)


def test_demand_is_counted_in_free_seats_and_supply_in_persons_from_five_on() -> None:
    jobs = [job(1, seats=3, taken=1), job(2, seats=2), job(3, place="tallinn")]
    offered = [available(n, "tartu") for n in range(5)] + [available(9, "tallinn"), available(10, "narva")]
    assert public.by_place(jobs, offered, NINE, 5) == (
        Balance("tartu", 4, 5),
        Balance("tallinn", 1, None),  # one person: not told
    )  # and of Narva, where nobody but one would work and nothing is posted, nothing


def test_who_would_work_anywhere_counts_once_and_whose_time_is_over_does_not() -> None:
    offered = [available(n) for n in range(6)] + [available(n, "tartu", end=NINE) for n in range(10, 20)]
    assert public.by_place([], offered, NINE, 5) == (Balance("anywhere", 0, 5),)


def test_pay_is_shown_from_five_workers_on_and_each_counts_once() -> None:
    hour = 3_600_000
    four = {f"w{n}": (1000 + n, hour) for n in range(4)}
    assert public.paid(four, 5) is None
    assert public.paid({**four, "idle": (0, 0)}, 5) is None  # who worked no time has no pay for an hour
    assert public.paid({**four, "w4": (3000, 2 * hour)}, 5) == Quartiles(5, 1001, 1002, 1003)


@given(st.lists(st.integers(0, 10_000), min_size=1), st.integers(1, 500))
def test_a_histogram_counts_everything_once(amounts: list[int], width: int) -> None:
    bins = public.histogram(amounts, width)
    assert sum(one.count for one in bins) == len(amounts)
    for one in bins:
        assert one.count == sum(one.least <= amount < one.below for amount in amounts)
    assert bins[0].count and bins[-1].count
    assert public.histogram([], width) == ()
    assert bins[0] == Bin(bins[0].least, bins[0].least + width, bins[0].count)


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_quartiles_are_amounts_that_somebody_has(amounts: list[int]) -> None:
    found = public.quartiles(amounts)
    assert found is not None
    assert {found.lower, found.middle, found.upper} <= set(amounts)
    for quarter, value in ((1, found.lower), (2, found.middle), (3, found.upper)):
        assert 4 * sum(amount <= value for amount in amounts) >= quarter * len(amounts)
        assert 4 * sum(amount < value for amount in amounts) < quarter * len(amounts)
