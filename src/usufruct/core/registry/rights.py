"""The chain of rights.

Four rights are kept apart, after the separation of holding, processing and operating data: to *hold* (keep it), to
*use* (process it, have questions answered), to *operate* (make products and offer them), to *benefit* (share in the
income). Each is granted by somebody who had it, back to the source: the persons the data are about.

A grant can only narrow: it never lasts longer than the right it rests on, and only who was given a right *with* the
power to pass it on may do so. A right is good while every link of its chain is.
"""

from __future__ import annotations

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.state import Right

RIGHTS = {
    "hold": "keep the data",
    "use": "have the data processed",
    "operate": "make products of the data and offer them",
    "benefit": "share in the income",
}

_DEPTH_LIMIT = 32


def at_the_source(asset: str, source: str, publisher: str, ids: tuple[str, str, str, str]) -> tuple[RightGranted, ...]:
    """The first links: the source keeps the right to benefit and lets the publisher hold, use and operate."""
    benefit = RightGranted(ids[0], asset, "benefit", source, source, may_grant=False)
    others = tuple(
        RightGranted(id, asset, right, source, publisher, may_grant=right == "use")
        for id, right in zip(ids[1:], ("hold", "use", "operate"), strict=True)
    )
    return (benefit, *others)


def held(read: Reader, party: str, asset: str, right: str, at: Instant) -> Right | None:
    """The right of `party` on `asset` that lasts longest, if it and all it rests on are good at `at`."""
    good = [
        r for r in read.list(Right, asset=asset, grantee=party) if r.right == right and chain(read, r, at) is not None
    ]
    return max(good, key=lambda r: (r.may_grant, r.until), default=None)


def chain(read: Reader, right: Right, at: Instant) -> tuple[Right, ...] | None:
    """The links from `right` back to the source, or None if one is missing, has ended, could not be passed on, or is
    of another right or asset."""
    links = [right]
    while True:
        link = links[-1]
        if link.until <= at or len(links) > _DEPTH_LIMIT:
            return None
        if link.rests_on is None:
            return tuple(links)
        below = read.get(Right, link.rests_on)
        if below is None or not below.may_grant or below.until < link.until or below.grantee != link.grantor:
            return None
        if (below.asset, below.right) != (link.asset, link.right):
            return None
        links.append(below)


def grant(
    read: Reader, id: str, grantor: str, grantee: str, asset: str, right: str, at: Instant,
    until: Instant | None = None, may_grant: bool = False,
) -> RightGranted | Refusal:  # fmt: skip
    """`grantor` passes a right on, for no longer than it has it itself (the default: exactly as long)."""
    own = held(read, grantor, asset, right, at)
    what = f"the right to {right} `{asset}` was not granted to `{grantee}`"
    if own is None or not own.may_grant:
        return refuse(
            "rights.not-held", what,
            f"`{grantor}` does not hold it with the power to pass it on",
            remedy=f"ask whoever granted `{grantor}` its rights",
        )  # fmt: skip
    links = chain(read, own, at)
    if links is None or len(links) >= _DEPTH_LIMIT:
        return refuse(
            "rights.not-held", what,
            f"the right of `{grantor}` is {_DEPTH_LIMIT} grants away from the source, as far as a right can be passed on",
            remedy="ask for it from somebody nearer to the source",
        )  # fmt: skip
    end = own.until if until is None else until
    if end <= at:
        return refuse("rights.not-held", what, "it would have ended already", remedy="grant it until a later day")
    if end > own.until:
        return refuse(
            "rights.not-held", what,
            f"`{grantor}` itself holds it only until {own.until}",
            remedy=f"grant it until {own.until} at most",
        )  # fmt: skip
    return RightGranted(id, asset, right, grantor, grantee, may_grant, end, own.id)


def until_in_words(until: Instant) -> str:
    """`for ever`, or the day."""
    return "for ever" if until == END_OF_TIME else f"until {until[:10]}"
