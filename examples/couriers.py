"""A day of meal deliveries in a city that is not there: orders and couriers' shifts by a rule, the same for the same seed.

What was **measured** is the shape of the 240 instances of MDRPLib, real and anonymised days of 2018, whose summaries anyone
can read; no row of them is here. What was **chosen** is not from anywhere. Minutes count from 9 in the morning.

- orders: a lunch around 12:15 (24 in 100, spread 65 minutes), a dinner around 18:35 (68, spread 70), the rest at any time:
  measured, to the shape;
- from restaurant to door: north and east each normal with a spread of 1,760 m, so 2.2 km in the middle and 3.8 km for one in
  ten; measured (2.2 and 3.9). Restaurants spread 1,850 m about the centre, so two are 3.3 km apart: measured;
- minutes in the kitchen: a gamma law of mean 17 and spread 9, measured;
- shifts: 2 hours (24 in 100), 3 (68) or 4 (8), set so that couriers are there when orders are; 17 orders for 10 courier hours:
  measured. A courier rides 320 m a minute and takes 4 minutes at a shop and at a door, has 10 an order and is guaranteed 15
  an hour: as the instances say;
- three operators with half, a third and a sixth of the orders; every third courier rides for two of them at once; 6 orders in
  100 need a check of age and 4 a cargo bike, which 60 and 15 couriers in 100 can; one in ten rides for an operator or to a
  shop no more; half of those with three hours and more pause for 15 minutes: chosen.
"""

from __future__ import annotations

import random
from dataclasses import replace

from usufruct.core.work.files.deliveries import Conduct, Courier, Day, Order, Place

OPEN, CLOSE = 0, 870  # 9:00 and 23:30
OPERATORS = {"blue-bag": 3, "red-bike": 2, "tray": 1}  # and their parts of the orders
AGE, CARGO = "age-check", "cargo-bike"
PEAKS = ((0.24, 195, 65), (0.92, 575, 70))  # up to which lot, around when, how wide
CONDUCT = Conduct(320, 4, 4, 1000, 1500, "USD", 40, 90)


def day(orders: int = 1000, couriers: int = 240, seed: int = 1) -> Day:
    """That many orders of the day, and couriers with a shift each."""
    lots = random.Random(seed)  # noqa: S311 - nothing here is secret
    shops = [(f"shop-{number}", _near(lots, Place(0, 0), 1850)) for number in range(1, 2 + orders // 4)]
    made = sorted((_order(lots, shops) for _ in range(orders)), key=lambda order: order.placed)
    people = sorted((_courier(lots, shops) for _ in range(couriers)), key=lambda courier: courier.on)
    return Day(
        f"a day of {orders} orders",
        tuple(replace(order, id=f"order-{number}") for number, order in enumerate(made, 1)),
        tuple(replace(one, id=f"courier-{number}") for number, one in enumerate(people, 1)),
        CONDUCT,
    )


def _order(lots: random.Random, shops: list[tuple[str, Place]]) -> Order:
    shop, pickup = lots.choice(shops)
    placed = _time(lots)
    kitchen = 1 + round(lots.gammavariate(3.2, 5.0))
    drawn = lots.random()
    needs = (AGE,) if drawn < 0.06 else (CARGO,) if drawn < 0.10 else ()
    operator = lots.choices(list(OPERATORS), list(OPERATORS.values()))[0]
    return Order("", placed, placed + kitchen, shop, pickup, _near(lots, pickup, 1760), operator, needs)


def _courier(lots: random.Random, shops: list[tuple[str, Place]]) -> Courier:
    length = lots.choices((120, 180, 240), (24, 68, 8))[0]
    # About the middle of the shift is a moment at which somebody orders; shifts begin at full and half hours.
    on = 30 * round((_time(lots) - lots.uniform(0.35, 0.65) * length) / 30)
    on = min(max(on, OPEN), CLOSE - length)
    operators = list(OPERATORS)
    mine = {lots.choices(operators, list(OPERATORS.values()))[0]}
    if lots.random() < 1 / 3:
        mine.add(lots.choice([one for one in operators if one not in mine]))
    skills = tuple(skill for skill, share in ((AGE, 0.60), (CARGO, 0.15)) if lots.random() < share)
    refuses = (lots.choice([lots.choice(shops)[0], lots.choice(operators)]),) if lots.random() < 0.1 else ()
    begin = on + 5 * round(length * (1 + lots.random()) / 15)  # in the middle third
    pauses = ((begin, begin + 15),) if length >= 180 and lots.random() < 0.5 else ()
    start = _near(lots, Place(0, 0), 1850)
    return Courier("", start, on, on + length, tuple(sorted(mine)), skills, refuses, pauses)


def _time(lots: random.Random) -> int:
    """A moment at which somebody orders."""
    drawn = lots.random()
    around = next(((middle, wide) for lot, middle, wide in PEAKS if drawn < lot), None)
    while True:
        at = lots.gauss(*around) if around else lots.uniform(OPEN, CLOSE)
        if OPEN + 30 <= at <= CLOSE - 60:
            return round(at)


def _near(lots: random.Random, place: Place, spread: int) -> Place:
    return Place(round(lots.gauss(place.x, spread)), round(lots.gauss(place.y, spread)))
