"""The smallest change that would permit, found by deciding again.

Each premise that does not hold names what would turn it. Which of these are needed, and whether they are enough, is not
argued but tried: a change is supposed, the decision is taken again, and what then stands in the way names the next one.
All sets of one change come before those of two. So a why-not is sufficient, for the decision said yes with it, and
minimal, for it said no to everything smaller that could be tried.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from usufruct.core.access.proof import Change, No, Request
from usufruct.core.base.records import Reader

MOST = 4  # changes in one set
TRIED = 500  # sets

Noes = Callable[[Reader, Request], list[No]]


def smallest(read: Reader, request: Request, noes: Noes) -> tuple[Change, ...]:
    """A smallest set of changes after which `noes` finds nothing in the way; empty if there is none of at most `MOST`
    among the first `TRIED`. Of two as small, the one that asks only the requester to ask otherwise comes first."""
    numbers, seen = count(), {frozenset[Change]()}
    sets: list[tuple[int, int, int, tuple[Change, ...]]] = [(0, 0, next(numbers), ())]
    while sets and len(seen) <= TRIED:
        *_, changes = heappop(sets)
        standing = noes(*supposed(read, request, changes))
        if not standing:
            return changes
        for change in (change for no in standing for change in no.changes if change.tries):
            larger = (*(one for one in changes if one.row or one.ask != change.ask), change)
            if len(larger) <= MOST and frozenset(larger) not in seen:
                seen.add(frozenset(larger))
                heappush(sets, (len(larger), sum(one.row is not None for one in larger), next(numbers), larger))
    return ()


def supposed(read: Reader, request: Request, changes: tuple[Change, ...]) -> tuple[Reader, Request]:
    """The world and the request with these changes."""
    for change in changes:
        read, request = change.apply(read, request)
    return read, request
