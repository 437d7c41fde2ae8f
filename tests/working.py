"""A worker's week, written into a node as it would be recorded: shifts at two operators, and the rules they are held against."""

from __future__ import annotations

from usufruct.core.base.instants import Instant, later, parse
from usufruct.core.base.records import Fact
from usufruct.core.registry.rules import id_of
from usufruct.core.work.facts import ShiftRecorded, Span
from usufruct.node import conditions
from usufruct.node.node import Node
from usufruct.wire import conditions as wire

MONDAY = parse("2026-11-02")


def at(day: int, hour: float) -> Instant:
    """So many hours into a day of the week from Monday, 2 November 2026, in UTC."""
    return later(MONDAY, days=day - 1, hours=hour)


def span(day: int, start: float, end: float) -> Span:
    """A span of that day."""
    return Span(at(day, start), at(day, end))


def shift(
    node: Node, worker: str, operator: str, day: int, start: float, end: float, zone: str = "Europe/Tallinn"
) -> str:
    """A shift that was recorded, online all the time; the id of the worker."""
    with node.store.read() as state:
        who = id_of(state, worker)
    time = span(day, start, end)
    add(
        node,
        ShiftRecorded(f"shift-{worker}-{operator}-{day}-{start}", who, operator, time.start, time.end, (time,), zone),
    )
    return who


def add(node: Node, *happened: Fact) -> None:
    """Facts, as they are."""
    for fact in happened:
        node.store.write(lambda tx, fact=fact: tx.append(fact))


def in_force(node: Node, *packs: str) -> None:
    """Puts packs that are shipped in force."""
    for pack in packs:
        conditions.put(node, wire.read(wire.packs()[pack]), "", node.about.operator)
