"""MDRPLib: instances and solutions of the meal delivery routing problem, as Grubhub published them in 2018.

An instance is a folder of four tables in text, with a head and tabs between: `orders.txt`, `couriers.txt`,
`restaurants.txt` and `instance_parameters.txt`; places are in metres, times in minutes since the day began, pay in dollars.
A solution is three more, with blanks between: who was told what and when (`solution_info_assignments.txt`), when each order
was brought (`…_orders.txt`), and how couriers moved (`…_couriers.txt`). The library's own evaluator reads both, so what is
written here can be judged by it. Its 240 instances carry no licence: users fetch them, and none is shipped.

Every cell is checked, since a file that is read wrongly pays somebody wrongly: the fault names file, line and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from usufruct.core.base.faults import BadInput
from usufruct.core.work.files.deliveries import Carried, Conduct, Courier, Day, Order, Place

SIZE_MAX = 64 * 1024 * 1024
CENTS = 100
ORDERS, COURIERS, RESTAURANTS = "orders.txt", "couriers.txt", "restaurants.txt"
PARAMETERS = "instance_parameters.txt"
HEADS = {
    ORDERS: ("order", "x", "y", "placement_time", "restaurant", "ready_time"),
    COURIERS: ("courier", "x", "y", "on_time", "off_time"),
    RESTAURANTS: ("restaurant", "x", "y"),
    PARAMETERS: (
        "meters_per_minute", "pickup service minutes", "dropoff service minutes", "target click-to-door",
        "maximum click-to-door", "pay per order", "guaranteed pay per hour",
    ),
}  # fmt: skip
TOLD, BROUGHT, MOVED = (f"solution_info_{name}.txt" for name in ("assignments", "orders", "couriers"))
MISSING = ("", "NA", "NaN", "nan")


def read(folder: Path) -> Day:
    """The instance in a folder.

    Raises:
        BadInput: a table is missing or has another head; a cell is no whole number; an id occurs twice, or names no
            restaurant; an order is ready before it is placed, or a shift ends before it begins.
    """
    settings = list(_table(folder, PARAMETERS))
    if len(settings) != 1:
        raise _bad(folder / PARAMETERS, f"it has {len(settings)} lines under its head, and needs one")
    speed, at_shop, at_door, target, longest, per_order, per_hour = (
        cell.count(least) for cell, least in zip(settings[0], (1, 0, 0, 0, 0, 0, 0), strict=True)
    )
    conduct = Conduct(speed, at_shop, at_door, per_order * CENTS, per_hour * CENTS, "USD", target, longest)
    shops = {name.text: Place(x.whole(), y.whole()) for name, x, y in _unique(_table(folder, RESTAURANTS))}
    orders = []
    for name, x, y, placed, shop, ready in _unique(_table(folder, ORDERS)):
        if shop.text not in shops:
            raise shop.bad("it is no restaurant of the instance")
        if ready.count() < placed.count():
            raise ready.bad("the order is ready before it is placed")
        there = Place(x.whole(), y.whole())
        orders.append(Order(name.text, placed.count(), ready.count(), shop.text, shops[shop.text], there))
    couriers = []
    for name, x, y, on, off in _unique(_table(folder, COURIERS)):
        if off.count() <= on.count():
            raise off.bad("the shift ends before it begins")
        couriers.append(Courier(name.text, Place(x.whole(), y.whole()), on.count(), off.count()))
    return Day(folder.name, tuple(orders), tuple(couriers), conduct)


def write(folder: Path, day: Day) -> None:
    """The day as an instance, for other programs; the format has no place for operators, skills, refusals and pauses.

    Raises:
        BadInput: pay is not in whole dollars, or another currency.
    """
    conduct = day.conduct
    if conduct.currency != "USD" or conduct.per_order % CENTS or conduct.per_hour % CENTS:
        raise _bad(
            folder / PARAMETERS, f"pay is not in whole dollars, but {conduct.per_order} {conduct.currency} cents"
        )
    folder.mkdir(parents=True, exist_ok=True)
    shops = {order.shop: order.pickup for order in day.orders}
    settings = (
        conduct.metres_per_minute, conduct.pickup_minutes, conduct.dropoff_minutes, conduct.target, conduct.longest,
        conduct.per_order // CENTS, conduct.per_hour // CENTS,
    )  # fmt: skip
    lines: dict[str, list[tuple[object, ...]]] = {
        ORDERS: [(one.id, one.dropoff.x, one.dropoff.y, one.placed, one.shop, one.ready) for one in day.orders],
        COURIERS: [(one.id, one.start.x, one.start.y, one.on, one.off) for one in day.couriers],
        RESTAURANTS: [(name, place.x, place.y) for name, place in shops.items()],
        PARAMETERS: [settings],
    }
    for name, rows in lines.items():
        _write(folder / name, "\t".join(HEADS[name]), ("\t".join(map(str, row)) for row in rows))


def has_solution(folder: Path) -> bool:
    """Whether a solution lies in the folder."""
    return (folder / TOLD).is_file()


def read_solution(folder: Path, day: Day) -> list[Carried]:
    """The solution in a folder, trip by trip in the order of the file; when a courier set out is not told there, and is
    taken to be when she was told.

    Raises:
        BadInput: a table is missing; a trip names nobody of the day, or an order that is not of it, is brought by
            nobody, by another, or twice; times run backwards.
    """
    couriers, orders = {one.id for one in day.couriers}, {one.id for one in day.orders}
    dropped = dict(_brought(folder))
    found, seen = [], set[str]()
    for number, words in _lines(folder / TOLD, None):
        cells = [_Cell(folder / TOLD, number, "", word) for word in words]
        if len(cells) < 4 or not cells[0].text.replace(".", "", 1).isdigit():
            if number == 1:
                continue  # the head
            raise _bad(folder / TOLD, f"line {number} is not a time told, a time of pickup, a courier, and orders")
        told, at, courier, *names = cells
        if courier.text not in couriers:
            raise courier.bad("it is no courier of the instance")
        for name in names:
            if name.text not in orders or name.text in seen:
                raise name.bad("it is brought twice" if name.text in seen else "it is no order of the instance")
            seen.add(name.text)
            if dropped.get(name.text, ("", 0))[0] != courier.text:
                raise name.bad(f"{BROUGHT} does not say that {courier.text} brought it")
        doors = tuple(dropped[name.text][1] for name in names)
        times = [told.minutes(), at.minutes(), *doors]
        if times != sorted(times):
            raise told.bad("told, picked up and brought run backwards in time")
        found.append(Carried(courier.text, tuple(name.text for name in names), times[0], times[0], times[1], doors))
    return found


def write_solution(folder: Path, day: Day, carried: Sequence[Carried]) -> None:
    """The solution as the library's evaluator reads it; each courier goes from where she is to the restaurant of a trip's
    orders, and on to their doors."""
    folder.mkdir(parents=True, exist_ok=True)
    orders = {order.id: order for order in day.orders}
    trips = sorted(carried, key=lambda trip: (trip.told, trip.courier, trip.left))
    _write(folder / TOLD, "assignment_time pickup_time courier orders", (
        f"{trip.told} {trip.picked_up} {trip.courier} {' '.join(trip.orders)}" for trip in trips
    ))  # fmt: skip
    brought = {name: (trip, at) for trip in trips for name, at in zip(trip.orders, trip.dropped, strict=True)}
    lines = []
    for order in day.orders:
        trip, at = brought.get(order.id, (None, 0))
        times = f"{trip.picked_up} {at} {trip.courier}" if trip else "NA NA NA"
        lines.append(f"{order.id} {order.placed} {order.shop} {order.ready} {times}")
    _write(folder / BROUGHT, "order placement_time restaurant ready_time pickup_time dropoff_time courier", lines)
    pickup, door = (-(-half // 2) for half in (day.conduct.pickup_minutes, day.conduct.dropoff_minutes))
    moves: dict[str, list[str]] = {courier.id: [] for courier in day.couriers}
    where = dict.fromkeys(moves, "0")  # the format's word for where a courier's shift began
    for trip in sorted(trips, key=lambda trip: trip.left):
        leaves, here, shop = trip.left, where[trip.courier], orders[trip.orders[0]].shop
        for there, left in zip((shop, *trip.orders), (leaves, trip.picked_up + pickup, *(
            at + door for at in trip.dropped[:-1]
        )), strict=True):  # fmt: skip
            moves[trip.courier].append(f"{trip.courier} {left} {here} {there}")
            here = there
        where[trip.courier] = here
    _write(folder / MOVED, "courier departure_time origin destination", (
        line for lines in moves.values() for line in lines
    ))  # fmt: skip


class _Cell:
    """One cell of a table, which knows where it stands."""

    __slots__ = ("column", "line", "path", "text")

    def __init__(self, path: Path, line: int, column: str, text: str) -> None:
        self.path, self.line, self.column, self.text = path, line, column, text

    def whole(self) -> int:
        """The whole number in it."""
        if not (self.text.removeprefix("-").isascii() and self.text.removeprefix("-").isdigit()) or len(self.text) > 9:
            raise self.bad("it is no whole number of at most nine digits")
        return int(self.text)

    def count(self, least: int = 0) -> int:
        """The whole number in it, which is no less than `least`."""
        if self.whole() < least:
            raise self.bad(f"it must be {least} or more")
        return self.whole()

    def minutes(self) -> int:
        """Minutes, which a program may have written as `73.0`."""
        return _Cell(self.path, self.line, self.column, self.text.removesuffix(".0")).count()

    def bad(self, what: str) -> BadInput:
        where = f"line {self.line}" + (f", column `{self.column}`" if self.column else "")
        return _bad(self.path, f"{where}, `{self.text[:40]}`: {what}")


def _table(folder: Path, name: str) -> Iterator[list[_Cell]]:
    """The lines under the head of one of the four tables."""
    head = HEADS[name]
    lines = _lines(folder / name, "\t")
    found = next(lines, (1, []))[1]
    if tuple(found) != head:
        raise _bad(folder / name, f"its head is `{' '.join(found)[:80]}` and must be `{' '.join(head)}`")
    for number, cells in lines:
        if len(cells) != len(head):
            raise _bad(folder / name, f"line {number} has {len(cells)} cells, and its head {len(head)}")
        yield [_Cell(folder / name, number, column, text) for column, text in zip(head, cells, strict=True)]


def _unique(lines: Iterable[list[_Cell]]) -> Iterator[list[_Cell]]:
    """The same lines, in which no first cell occurs twice or holds a blank, which would part it in a solution."""
    seen = set[str]()
    for cells in lines:
        if cells[0].text in seen or not cells[0].text or len(cells[0].text.split()) != 1 or cells[0].text == "0":
            raise cells[0].bad("an id must be there once, without a blank, and not 0")
        seen.add(cells[0].text)
        yield cells


def _brought(folder: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    """Each order that was brought, with the courier and the minute."""
    lines = _lines(folder / BROUGHT, " ")
    head = next(lines, (1, []))[1]
    wanted = [head.index(name) if name in head else -1 for name in ("order", "courier", "dropoff_time")]
    if min(wanted) < 0:
        raise _bad(folder / BROUGHT, "its head must name order, courier and dropoff_time, with one blank between")
    for number, cells in lines:
        if len(cells) != len(head):
            raise _bad(folder / BROUGHT, f"line {number} has {len(cells)} cells, and its head {len(head)}")
        order, courier, at = (cells[place] for place in wanted)
        if at not in MISSING:
            yield order, (courier, _Cell(folder / BROUGHT, number, "dropoff_time", at).minutes())


def _lines(path: Path, between: str | None) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, by their numbers, in cells."""
    if not path.is_file():
        raise _bad(path, "there is no such file")
    if path.stat().st_size > SIZE_MAX:
        raise _bad(path, f"it is larger than {SIZE_MAX // 1024 // 1024} MiB")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _bad(path, "it is not UTF-8 text") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, [cell.strip() for cell in line.split(between)]


def _write(path: Path, head: str, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in (head, *lines)), encoding="utf-8", newline="\n")


def _bad(path: Path, what: str) -> BadInput:
    return BadInput(
        "input.mdrp",
        f"`{path.name}`: {what}",
        "name a folder with orders.txt, couriers.txt, restaurants.txt and instance_parameters.txt in the format of MDRPLib",
    )
