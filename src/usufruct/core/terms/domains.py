"""Sets of values, as conditions cut them out: stretches of an ordered line, or names listed or left out.

Every condition of a rule comes down to such a set for one operand. Sets are closed under *and*, *or*, *not* and
*exactly one of*, and each is done for any number of sets in one sweep, so that an agreement with hundreds of time
windows costs one search when it is asked, and sorting when it is read.

The line has a grain (a millisecond, a second, a millionth), so every stretch begins with a value that is inside and
ends before one that is not. "More than 1" for a whole number is "from 2", and a stretch is empty when it looks so.

A value that is missing, or is of the wrong type, is one more element: `missing` says whether it is in the set.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """Stretches of an ordered line: at each cut one enters or leaves; `begins` says whether one starts inside."""

    begins: bool
    cuts: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        return (bisect_right(self.cuts, value) % 2 == 1) != self.begins


@dataclass(frozen=True, slots=True)
class Names:
    """Names: those listed or, if `inverted`, all but those."""

    inverted: bool
    items: frozenset[str]

    def __contains__(self, value: Any) -> bool:
        return (value in self.items) != self.inverted


@dataclass(frozen=True, slots=True)
class Domain:
    """A set of values of one operand, and whether a missing value is in it too."""

    missing: bool
    body: Line | Names


def stretch(start: Any | None, end: Any | None) -> Line:
    """From `start` on, up to but not with `end`; None is without end."""
    if start is None:
        return Line(True, () if end is None else (end,))
    return Line(False, (start,) if end is None else (start, end) if start < end else ())


def names(*items: str) -> Names:
    """These names."""
    return Names(False, frozenset(items))


def flipped(body: Line | Names) -> Line | Names:
    """All values that are not in `body`."""
    if isinstance(body, Line):
        return Line(not body.begins, body.cuts)
    return Names(not body.inverted, body.items)


def inverse(domain: Domain) -> Domain:
    """All that is not in `domain`."""
    return Domain(not domain.missing, flipped(domain.body))


def union(domains: Sequence[Domain]) -> Domain:
    """What is in any of them."""
    return _counted(domains, lambda count: count > 0)


def intersection(domains: Sequence[Domain]) -> Domain:
    """What is in all of them."""
    return _counted(domains, lambda count: count == len(domains))


def exactly_one(domains: Sequence[Domain]) -> Domain:
    """What is in one of them and no other."""
    return _counted(domains, lambda count: count == 1)


def _counted(domains: Sequence[Domain], keep: Callable[[int], bool]) -> Domain:
    """What is in so many of them that `keep` says yes."""
    missing = keep(sum(domain.missing for domain in domains))
    bodies = [domain.body for domain in domains]
    lines = [body for body in bodies if isinstance(body, Line)]
    if lines:
        assert len(lines) == len(bodies), "an operand has one type"
        return Domain(missing, _swept(lines, keep))
    return Domain(missing, _tallied([body for body in bodies if isinstance(body, Names)], keep))


def _swept(lines: Sequence[Line], keep: Callable[[int], bool]) -> Line:
    """Walks along all cuts in order, counting in how many one is."""
    steps: Counter[Any] = Counter()
    for line in lines:
        step = -1 if line.begins else 1
        for cut in line.cuts:
            steps[cut] += step
            step = -step
    count = sum(line.begins for line in lines)
    begins = inside = keep(count)
    cuts = []
    for cut in sorted(steps):
        count += steps[cut]
        if keep(count) != inside:
            inside = not inside
            cuts.append(cut)
    return Line(begins, tuple(cuts))


def _tallied(sets: Sequence[Names], keep: Callable[[int], bool]) -> Names:
    unlisted = sum(found.inverted for found in sets)
    counts: Counter[str] = Counter()
    for found in sets:
        step = -1 if found.inverted else 1
        for item in found.items:
            counts[item] += step
    inverted = keep(unlisted)
    return Names(inverted, frozenset(item for item, more in counts.items() if keep(unlisted + more) != inverted))


def within(domain: Domain, universe: Line | Names) -> Domain:
    """`domain` where only the values in `universe` exist; any other counts as missing."""
    outside = flipped(universe)
    if domain.missing:
        return union([domain, Domain(True, outside)])
    return intersection([domain, Domain(False, universe)])


def is_empty(domain: Domain) -> bool:
    """Whether nothing is in it (a `Domain` that is already `within` what exists)."""
    body = domain.body
    if domain.missing:
        return False
    return not body.begins and not body.cuts if isinstance(body, Line) else not body.inverted and not body.items


def listed(values: Iterable[str]) -> Names:
    """The names in `values`."""
    return Names(False, frozenset(values))
