"""Conditions of work: put a pack or a single one in force, end a rule, see what is in force; where local days begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from usufruct.core.access.delegation import only_people
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.hours import conditions
from usufruct.core.work.hours.conditions import Condition, ConditionSet, Limit, RuleEnded, SetCondition
from usufruct.core.work.hours.stretches import DAY, MINUTE, Days
from usufruct.node.node import Node

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A rule as it is in force, or will be, in words."""

    rule: str
    words: str
    operator: str
    since: Instant
    until: Instant
    source: str
    authority: str


def put(
    node: Node, found: tuple[Condition, ...], platform: str, by: str, actors: tuple[str, ...] = ()
) -> ConditionSet | Refusal:
    """Puts conditions in force, for the work at one `platform` or for all work; a person signs it.

    Raises:
        BadInput: the name of a rule cannot be an id.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "set-conditions", by, actors)
            or conditions.put(tx, found, platform, by, node.about.operator, tx.now)
        )
    )


def end(
    node: Node, rule: str, platform: str, why: str, effective: Instant | None, by: str, actors: tuple[str, ...] = ()
) -> RuleEnded | Refusal:
    """Checks a rule no more, from now or from a later day on; a person signs it."""
    return node.record(
        lambda tx: (
            only_people(tx, "set-conditions", by, actors)
            or conditions.end(tx, rule, platform, why, effective or tx.now, by, node.about.operator, tx.now)
        )
    )


def in_force(node: Node) -> list[Standing]:
    """The rules that are in force now, or will be, in the order in which they were set."""
    now = node.clock.now()
    with node.store.read() as state:
        return [
            Standing(one.rule, conditions.in_words(one), one.operator, one.since, one.until, one.source, one.authority)
            for one in limits(state, now) if now < one.until
        ]  # fmt: skip


def limits(read: Reader, known: Instant) -> list[Limit]:
    """All limits, of now and of other times, as known at an instant."""
    return conditions.limits(read.list(SetCondition), known)


# ---- local days


def days(zone: str, since: int, until: int) -> Days:
    """The local days of a zone from the Monday before `since` to the Monday after `until`, which are milliseconds.

    Raises:
        BadInput: there is no such zone.
    """
    week = 7 * DAY  # whole weeks of the same thousand moments: the same days are asked for again and again
    return _days(zone, since // week - 1, until // week + 2)


@lru_cache(maxsize=256)
def _days(zone: str, first: int, last: int) -> Days:
    there = _zone(zone)
    day = (_EPOCH + timedelta(weeks=first)).date()
    day -= timedelta(days=day.weekday())
    end = (_EPOCH + timedelta(weeks=last)).date()
    midnights, offsets = [], []
    while day <= end or day.weekday():
        midnights.append(_midnight(day, there))
        day += timedelta(days=1)
    midnights.append(_midnight(day, there))
    offsets.append((midnights[0], _ahead(midnights[0], there)))
    for start, stop in pairwise(midnights):
        if _ahead(stop, there) != offsets[-1][1]:
            offsets.append((_change(start, stop, there), _ahead(stop, there)))
    return Days(tuple(midnights), 0, tuple(offsets))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadInput(
            "input.zone", f"there is no time zone `{name}`", "write its IANA name, as Europe/Tallinn"
        ) from None


def _midnight(day: date, zone: ZoneInfo) -> int:
    """When a local day begins. Where the clock skips midnight, it is the first moment of the day that there is."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - _EPOCH) // _MS


def _ahead(at: int, zone: ZoneInfo) -> int:
    """For how many minutes the local clock is before UTC."""
    ahead = (_EPOCH + at * _MS).astimezone(zone).utcoffset()
    assert ahead is not None
    return ahead // timedelta(minutes=1)


def _change(before: int, after: int, zone: ZoneInfo) -> int:
    """The first minute between two moments at which the local clock is where it is after them."""
    low, high = before // MINUTE, after // MINUTE
    while high - low > 1:
        middle = (low + high) // 2
        if _ahead(middle * MINUTE, zone) == _ahead(after, zone):
            high = middle
        else:
            low = middle
    return high * MINUTE
