"""Folders in the format of MDRPLib: read, written, paid by hand; and whatever is wrong with one is named."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.work.files.deliveries import Carried, Courier, Place, earnings, travel_minutes, waits
from usufruct.wire import mdrp

INSTANCE = {
    name: text.replace(",", "\t")
    for name, text in {
        "orders.txt": (
            "order,x,y,placement_time,restaurant,ready_time\n"
            "o1,0,640,10,r1,20\no2,320,320,12,r1,20\no3,-640,0,100,r2,105\n"
        ),
        "couriers.txt": "courier,x,y,on_time,off_time\nc1,0,0,0,90\nc2,0,0,60,180\n",
        "restaurants.txt": "restaurant,x,y\nr1,0,320\nr2,-320,0\n",
        "instance_parameters.txt": (
            "meters_per_minute,pickup service minutes,dropoff service minutes,target click-to-door,"
            "maximum click-to-door,pay per order,guaranteed pay per hour\n320,4,4,40,90,10,15\n"
        ),
    }.items()
}
CARRIED = [Carried("c1", ("o1", "o2"), 15, 16, 20, (25, 33)), Carried("c2", ("o3",), 100, 100, 105, (110,))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    there = tmp_path / "a-day"
    there.mkdir()
    for name, text in INSTANCE.items():
        (there / name).write_text(text, encoding="utf-8")
    return there


def test_an_instance_is_read(folder: Path) -> None:
    day = mdrp.read(folder)
    assert (day.name, [order.id for order in day.orders]) == ("a-day", ["o1", "o2", "o3"])
    assert day.orders[2].pickup == Place(-320, 0) and day.orders[2].dropoff == Place(-640, 0)
    assert (day.orders[2].placed, day.orders[2].ready, day.orders[2].shop) == (100, 105, "r2")
    assert day.couriers[1] == Courier("c2", Place(0, 0), 60, 180)
    assert (day.conduct.per_order, day.conduct.per_hour, day.conduct.currency) == (1000, 1500, "USD")
    assert not mdrp.has_solution(folder)


def test_a_solution_is_written_and_read_and_paid(folder: Path) -> None:
    day = mdrp.read(folder)
    mdrp.write_solution(folder, day, CARRIED)
    # What is not in the file is when a courier set out: told and left are then one.
    assert mdrp.read_solution(folder, day) == [Carried("c1", ("o1", "o2"), 15, 15, 20, (25, 33)), CARRIED[1]]
    assert (folder / mdrp.MOVED).read_text(encoding="utf-8").splitlines() == [
        "courier departure_time origin destination",
        "c1 16 0 r1", "c1 22 r1 o1", "c1 27 o1 o2",
        "c2 100 0 r2", "c2 107 r2 o3",
    ]  # fmt: skip
    one, two = earnings(day, CARRIED)
    # c1: 90 minutes guarantee 22.50, two orders 20.00; c2: two hours guarantee 30.00, one order 10.00.
    assert (one.earned, one.guaranteed, one.paid, one.topped_up, one.engaged) == (2000, 2250, 2250, True, 20)
    assert (two.earned, two.guaranteed, two.paid, two.topped_up, two.engaged) == (1000, 3000, 3000, True, 12)
    assert waits(day, CARRIED) == [10, 15, 21]


def test_minutes_of_two_trips_at_once_count_once(folder: Path) -> None:
    day = mdrp.read(folder)
    twice = [Carried("c1", ("o1",), 15, 16, 20, (25,)), Carried("c1", ("o2",), 20, 20, 22, (33,))]
    one, _ = earnings(day, twice)
    assert (one.engaged, one.orders, one.earned) == (20, 2, 2000)


def test_who_is_paid_by_the_order_above_the_guarantee_is_not_topped_up(folder: Path) -> None:
    day = mdrp.read(folder)
    one, _ = earnings(day, [Carried("c1", ("o1", "o2", "o3"), 15, 15, 20, (25, 33, 40))])
    assert (one.paid, one.topped_up) == (Fraction(3000), False)


# The file, what stands there (commas for tabs), what is written in its place, and what is said of it.
WRONG = """
orders.txt              | 100,r2,105 | 100,r9,105     | line 4, column `restaurant`, `r9`: it is no restaurant
orders.txt              | 100,r2,105 | 100,r2,99      | line 4, column `ready_time`, `99`: the order is ready before
orders.txt              | o2,320     | o1,320         | line 3, column `order`, `o1`: an id must be there once
orders.txt              | o2,320     | o2,3.5         | line 3, column `x`, `3.5`: it is no whole number
orders.txt              | o2,320     | o2,\u0661     | line 3, column `x`, `\u0661`: it is no whole number
orders.txt              | 320,12     | 320,-12        | line 3, column `placement_time`, `-12`: it must be 0 or more
orders.txt              | order,x    | id,x           | its head is
orders.txt              | r1,20;o2   | r1;o2          | line 2 has 5 cells, and its head 6
couriers.txt            | 60,180     | 60,60          | line 3, column `off_time`, `60`: the shift ends
couriers.txt            | c2         | 0              | line 3, column `courier`, `0`: an id must
restaurants.txt         | r2,-320    | r2,-3200000000 | line 3, column `x`, `-3200000000`: it is no whole number
instance_parameters.txt | 320,4      | 0,4            | line 2, column `meters_per_minute`, `0`: it must be 1 or
"""
FILE = str.maketrans(",;", "\t\n")


@pytest.mark.parametrize("line", WRONG.strip().splitlines())
def test_what_is_wrong_is_named(folder: Path, line: str) -> None:
    name, old, new, says = (part.strip() for part in line.split(" | "))
    text = INSTANCE[name]
    assert text.count(old.translate(FILE)) == 1
    (folder / name).write_text(text.replace(old.translate(FILE), new.translate(FILE)), encoding="utf-8")
    with pytest.raises(BadInput) as bad:
        mdrp.read(folder)
    assert bad.value.code == "input.mdrp" and says in str(bad.value)


@pytest.mark.parametrize("name", INSTANCE)
def test_a_table_that_is_missing_or_no_text_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match=f"`{name}`: it is not UTF-8"):
        mdrp.read(folder)
    (folder / name).unlink()
    with pytest.raises(BadInput, match=f"`{name}`: there is no such file"):
        mdrp.read(folder)


SOLUTIONS = """
assignments | 15 20 c1 o1 o2 | 15 20 c9 o1 o2 | `c9`: it is no courier
assignments | 15 20 c1 o1 o2 | 15 20 c1 o1 o9 | `o9`: it is no order
assignments | 15 20 c1 o1 o2 | 15 20 c1 o1 o1 | `o1`: it is brought twice
assignments | 15 20 c1 o1 o2 | 15 20 c2 o1 o2 | `o1`: solution_info_orders.txt does not say that c2 brought it
assignments | 15 20 c1 o1 o2 | 15 26 c1 o1 o2 | `15`: told, picked up and brought run backwards
assignments | 15 20 c1 o1 o2 | 15 20 c1       | line 2 is not a time told
orders      | o2 12 r1 20 20 33 c1 | o2 12 r1 20 20 x c1 | column `dropoff_time`, `x`: it is no whole number
orders      | o2 12 r1 20 20 33 c1 | o2 12 r1 20 NA NA NA | `o2`: solution_info_orders.txt does not say
orders      | dropoff_time courier | dropoff_time driver | its head must name order, courier
"""


@pytest.mark.parametrize("line", SOLUTIONS.strip().splitlines())
def test_a_solution_that_contradicts_itself_is_refused(folder: Path, line: str) -> None:
    name, old, new, says = (part.strip() for part in line.split(" | "))
    day = mdrp.read(folder)
    mdrp.write_solution(folder, day, CARRIED)
    path = folder / f"solution_info_{name}.txt"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput) as bad:
        mdrp.read_solution(folder, day)
    assert says in str(bad.value)


COORDINATES = st.integers(-20_000, 20_000)


@given(COORDINATES, COORDINATES, COORDINATES, COORDINATES, st.integers(1, 500))
def test_minutes_of_travel_are_the_fewest_that_reach(ax: int, ay: int, bx: int, by: int, speed: int) -> None:
    found = travel_minutes(Place(ax, ay), Place(bx, by), speed)
    far = (ax - bx) ** 2 + (ay - by) ** 2
    assert (found * speed) ** 2 >= far
    assert found == 0 or ((found - 1) * speed) ** 2 < far
