"""The smallest change that would permit, found by deciding again.

Each premise that does not hold names what would turn it. Which of these are needed, and whether they are enough, is not
argued but tried: sets of changes are supposed, the smaller ones first, and the decision is taken again, until it permits.
So a why-not is sufficient, for the decision said yes, and minimal, for it said no to everything smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations, islice

from usufruct.core.access.proof import Change, Premise, Request
from usufruct.core.base.records import Reader

MOST = 4  # changes in one set
TRIED = 500  # sets


def smallest(
    read: Reader, request: Request, premises: Iterable[Premise], permits: Callable[[Reader, Request], bool]
) -> tuple[Change, ...]:
    """A smallest set of the changes that the premises name with which `permits` says yes; empty if there is none of at
    most `MOST` changes among the first `TRIED` sets. Of two as small, the one that asks the requester only comes first.
    """
    named = dict.fromkeys(change for premise in premises if premise.no for change in premise.no.changes)
    candidates = sorted(named, key=lambda change: change.row is not None)
    sets = (some for size in range(1, MOST + 1) for some in combinations(candidates, size))
    return next((some for some in islice(sets, TRIED) if permits(*_supposed(read, request, some))), ())


def _supposed(read: Reader, request: Request, changes: tuple[Change, ...]) -> tuple[Reader, Request]:
    for change in changes:
        read, request = change.apply(read, request)
    return read, request
