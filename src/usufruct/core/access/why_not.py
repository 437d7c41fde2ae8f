"""The smallest change that would permit, found by deciding again.

Each premise that does not hold names what would turn it. Which of these are needed, and whether they are enough, is not
argued but tried: a change is supposed, the decision is taken again, and what then stands in the way names the next one.
All sets of one change come before those of two. So a why-not is sufficient, for the decision said yes with it, and
minimal, for it said no to everything smaller that could be tried.

A permit is always one under some agreement. So each agreement is a *way* of its own, searched by itself, and the smallest
of what the ways come to is the answer; else the sets would multiply with the agreements. Refusals are recorded in the
writer's turn, where nobody may be kept waiting, so there is a bound on all that is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import count

from usufruct.core.access.proof import Change, No, Request
from usufruct.core.base.records import Reader

MOST = 4  # changes in one set
TRIED = 150  # sets, over all ways

Way = Callable[[Reader, Request], Sequence[No]]
"""What stands in the way of a permit of one kind; empty if nothing does."""


def smallest(read: Reader, request: Request, ways: Iterable[Way]) -> tuple[Change, ...]:
    """A smallest set of changes after which nothing stands in one of the ways; empty if there is none of at most `MOST`
    among the first `TRIED`. Of two as small, the one that asks only the requester to ask otherwise comes first."""
    found: tuple[Change, ...] = ()
    tries = iter(range(TRIED))
    for way in ways:
        other = _search(read, request, way, len(found) or MOST, tries)
        if other and (not found or _weight(other) < _weight(found)):
            found = other
    return found


def _weight(changes: tuple[Change, ...]) -> tuple[int, int]:
    """How many there are, and how many of them are not the requester's to make."""
    return len(changes), sum(change.row is not None for change in changes)


def _search(read: Reader, request: Request, way: Way, most: int, tries: Iterable[int]) -> tuple[Change, ...]:
    numbers, seen = count(), {frozenset[Change]()}
    sets: list[tuple[int, int, int, tuple[Change, ...]]] = [(0, 0, next(numbers), ())]
    for _ in tries:
        if not sets:
            break
        *_, changes = heappop(sets)
        standing = way(*supposed(read, request, changes))
        if not standing:
            return changes
        for change in (change for no in standing for change in no.changes if change.tries):
            larger = (*(one for one in changes if one.row or one.ask != change.ask), change)
            if len(larger) <= most and frozenset(larger) not in seen:
                seen.add(frozenset(larger))
                heappush(sets, (*_weight(larger), next(numbers), larger))
    return ()


def supposed(read: Reader, request: Request, changes: tuple[Change, ...]) -> tuple[Reader, Request]:
    """The world and the request with these changes."""
    for change in changes:
        read, request = change.apply(read, request)
    return read, request
