"""Lawful silence that is not secrecy.

A law may let an authority look without the person learning at once what was looked for. Then the use is recorded like
any other, at once, and only its content is withheld from her: on a ground from a closed list, by a party whom the
steward allowed it, until a day that is fixed beforehand. She sees that there is such a record, under which ground, and
when it will open; the public sees how many there are on each ground. Nothing has to be done for it to open, and nobody
can prolong it: a hold is a fact, and facts are never changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.access.facts import HoldAllowed, UseHeld
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.rules import find_party
from usufruct.core.rulebook.grounds import GROUNDS, Ground


@dataclass(frozen=True, slots=True)
class HoldRight(Row):
    """A party's right to have its uses withheld on a ground; see `HoldAllowed`."""

    KEY = ("party", "ground")
    INDEXED = ("party",)
    party: str
    ground: str
    days: int
    basis: str


@dataclass(frozen=True, slots=True)
class Hold(Row):
    """A use that is withheld until `until`, and open from then on; `at` is when it was recorded."""

    KEY = ("use",)
    INDEXED = ("ground", "requester")
    use: str
    requester: str
    ground: str
    until: Instant
    at: Instant
    seq: int

    def active(self, at: Instant) -> bool:
        """Whether it is still withheld."""
        return at < self.until


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about holds changes."""
    match entry.fact:
        case HoldAllowed() as fact:
            yield HoldRight(fact.party, fact.ground, fact.days, fact.basis)
        case UseHeld() as fact:
            right = read.get(HoldRight, fact.requester, fact.ground)
            assert right is not None and fact.until <= later(entry.at, days=right.days), "nobody allowed such a hold"
            assert read.get(Hold, fact.use) is None, "a use is held once, and never longer than was said"
            yield Hold(fact.use, fact.requester, fact.ground, fact.until, entry.at, entry.seq)
        case _:
            return


def allow(read: Reader, party: str, ground: str, days: int, basis: str) -> HoldAllowed | Refusal:
    """The steward lets a party have its uses withheld.

    Raises:
        BadInput: no such ground, more days than it allows, or no legal basis.
    """
    known = find_ground(ground)
    if not 0 <= days <= known.longest:
        raise BadInput(
            "input.hold", f"on `{ground}` a record cannot be withheld for {days} days",
            f"allow 0 (no longer) to {known.longest} days",
        )  # fmt: skip
    if not basis.strip():
        raise BadInput("input.hold", "a hold needs a legal basis", "name the law and article that allow it")
    who = find_party(read, party)
    if who is None:
        return refuse(
            "registry.unknown", "the hold was not allowed", f"there is no party `{party}`",
            remedy="register the party first",
        )  # fmt: skip
    return HoldAllowed(who.id, ground, days, holdable(basis.strip()))


def place(read: Reader, use: str, requester: str, ground: str, days: int | None, at: Instant) -> UseHeld | Refusal:
    """Withholds a use that is being recorded, for `days` (None: the longest that the requester may).

    Raises:
        BadInput: no such ground, or not a number of days.
    """
    find_ground(ground)
    right = read.get(HoldRight, requester, ground)
    most = right.days if right else 0
    if not most:
        return refuse(
            "access.hold", "nothing was asked", f"`{requester}` may not have its uses withheld on `{ground}`",
            remedy="ask without a hold, or ask the steward to allow it with `usufruct hold allow`",
        )  # fmt: skip
    days = most if days is None else days
    if days < 1:
        raise BadInput("input.hold", f"a record cannot be withheld for {days} days", f"name 1 to {most} days")
    if days > most:
        return refuse(
            "access.hold", "nothing was asked", f"on `{ground}` `{requester}` may withhold for {most} days, not {days}",
            remedy=f"name {most} days or fewer",
        )  # fmt: skip
    return UseHeld(use, requester, ground, later(at, days=days))


def active(read: Reader, use: str, at: Instant) -> Hold | None:
    """The hold under which a use is withheld at that instant, if any."""
    hold = read.get(Hold, use)
    return hold if hold is not None and hold.active(at) else None


@dataclass(frozen=True, slots=True)
class HeldCount:
    """How many uses are `held` on a ground now, and how many were held and are `open`."""

    ground: str
    held: int
    open: int


def counts(read: Reader, at: Instant) -> tuple[HeldCount, ...]:
    """What the public is told: the number of held uses on each ground, now and before."""
    held: Counter[str] = Counter()
    opened: Counter[str] = Counter()
    for hold in read.list(Hold):
        (held if hold.active(at) else opened)[hold.ground] += 1
    return tuple(HeldCount(ground, held[ground], opened[ground]) for ground in sorted({*held, *opened}))


def find_ground(name: str) -> Ground:
    """The ground of that name.

    Raises:
        BadInput: there is none.
    """
    if name not in GROUNDS:
        raise BadInput("input.hold", f"`{name}` is not a ground of this node", f"use one of {', '.join(GROUNDS)}")
    return GROUNDS[name]
