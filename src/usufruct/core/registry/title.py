"""The title of an asset: who holds which right on it, from whom, until when; what is lent and what was taken back.

Organisations act in public, so everybody who may know of an asset may know which of them holds what. Persons are not
named to others: each sees her own place, and the steward, who answers for the register, sees all.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.registry.rights import RIGHTS, Break, explain, giver, until_in_words
from usufruct.core.registry.state import Asset, Party, Person, Right
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.purposes import ROOT

SOMEBODY = "a person"


@dataclass(frozen=True, slots=True)
class Line:
    """One right of a title: who is its `holder` and its `giver` in words for who looks, whether it is the looker's own
    (`mine`), and where its chain is `broken`. `depth` is how many grants it is away from the source."""

    right: Right
    depth: int
    holder: str
    giver: str
    mine: bool
    broken: Break | None

    @property
    def state(self) -> str:
        """`good`, `ended` or `lent` itself, or `broken` by something that it rests on."""
        if self.broken is None:
            return "good"
        return self.broken.how if self.broken.link.id == self.right.id else "broken"

    def changed_in(self) -> tuple[int, ...]:
        """The numbers of the facts in which it changed hands or ended."""
        end = () if self.right.end is None else (self.right.end.seq,)
        return (*(passed.seq for passed in self.right.passed), *end)

    def terms(self) -> tuple[str, ...]:
        """How far it goes, in words."""
        right = self.right
        said = [until_in_words(right.until)]
        if right.purposes != (ROOT,):
            said.append(f"for {', '.join(map(purposes.label, right.purposes))} only")
        if right.columns:
            said.append(f"columns {', '.join(right.columns)} only")
        if right.may_grant:
            times = "once more" if right.further == 1 else f"{right.further} more times"
            said.append("may pass it on" + ("" if right.further is None else f", {times} at most"))
        if right.pilot:
            said.append(f"lent to the pilot {right.pilot}")
        return tuple(said)


def title(read: Reader, asset: Asset, at: Instant, viewer: str | None) -> tuple[Line, ...]:
    """Every right that leads back to the source, each after what it rests on; `viewer` None is the steward."""
    rows = list(read.list(Right, asset=asset.id))
    above: dict[str | None, list[Right]] = {}
    for row in rows:
        above.setdefault(row.rests_on, []).append(row)
    order = {right: place for place, right in enumerate(RIGHTS)}
    roots = sorted(above.get(None, []), key=lambda row: order.get(row.right, len(order)))
    names = _Names(read, asset, viewer)
    waiting = [(row, 0) for row in reversed(roots)]
    lines = []
    while waiting:  # what rests on itself is reached from no root
        row, depth = waiting.pop()
        below = read.get(Right, row.rests_on) if row.rests_on else None
        mine = viewer in (row.grantee, *(passed.holder for passed in row.passed))
        lines.append(Line(
            row, depth, names.of(row.grantee), names.of(giver(row, below)), mine, explain(read, row, at).broken
        ))  # fmt: skip
        waiting += [(next, depth + 1) for next in reversed(above.get(row.id, []))]
    return tuple(lines)


def has_place(read: Reader, asset: Asset, party: str) -> bool:
    """Whether a party is part of an asset's title: it is about her, or she has or had a right on it."""
    if party == asset.source or next(read.list(Person, asset=asset.id, party=party), None) is not None:
        return True
    return any(
        party in (row.grantor, row.grantee, *(passed.holder for passed in row.passed))
        for row in read.list(Right, asset=asset.id)
    )


class _Names:
    """What parties are called, for who looks."""

    def __init__(self, read: Reader, asset: Asset, viewer: str | None) -> None:
        self._read, self._viewer, self._known = read, viewer, dict[str, str]()
        about_her = viewer is not None and next(read.list(Person, asset=asset.id, party=viewer), None) is not None
        self._source = asset.source if about_her else ""

    def of(self, party: str) -> str:
        """What a party is called."""
        if party not in self._known:
            self._known[party] = self._find(party)
        return self._known[party]

    def _find(self, party: str) -> str:
        row = self._read.get(Party, party)
        if party == self._viewer:
            return "you"
        if row is None or row.kind == "person":
            return SOMEBODY if row is None or self._viewer is not None else row.called
        return f"{row.name}, you among them" if party == self._source else row.name
