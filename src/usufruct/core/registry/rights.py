"""The chain of rights.

Four rights are kept apart, after the separation of holding, processing and operating data: to *hold* (keep it), to
*use* (process it, have questions answered), to *operate* (make products and offer them), to *benefit* (share in the
income). Each is granted by somebody who had it, back to the source: the persons the data are about.

A grant can only narrow: in time, in purposes, in columns, in how often it may be passed on; and only who was given a
right *with* the power to pass it on may do so. Since every link lies within the one below it, the last one is what all of
them allow together. A right is good while every link of its chain is: so one that is revoked takes with it, at once and
without a list of what is to be undone, everything that rests on it. Each link rests on one other, a walk stops where it
meets a link again and after so many steps, and what never comes to the source is worth nothing: a circle adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.purposes import ROOT

RIGHTS = {
    "hold": "keep the data",
    "use": "have the data processed",
    "operate": "make products of the data and offer them",
    "benefit": "share in the income",
}

DEPTH_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a right goes that is passed on; what is not said goes as far as it does for who passes it on.

    Without `until` it lasts as long, without `purposes` and `columns` it is good for the same; `may_grant` lets it be
    passed on, at most `further` times more.
    """

    until: Instant | None = None
    may_grant: bool = False
    further: int | None = None
    purposes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


AS_FAR = Limits()


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is broken: at `link`, which is `ended`, `lent` or `unfounded`, and why in words. `mender` is the party
    that could mend it, `mended` the link as it would be then; None if nobody can."""

    link: Right
    how: str
    why: str
    mender: str
    mended: Right | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """The links from a right back to the source, as far as they go, and where they break, if they do."""

    links: tuple[Right, ...]
    broken: Break | None = None


def at_the_source(asset: str, source: str, publisher: str, ids: tuple[str, str, str, str]) -> tuple[RightGranted, ...]:
    """The first links: the source keeps the right to benefit and lets the publisher hold, use and operate."""
    benefit = RightGranted(ids[0], asset, "benefit", source, source, may_grant=False)
    others = tuple(
        RightGranted(id, asset, right, source, publisher, may_grant=right == "use")
        for id, right in zip(ids[1:], ("hold", "use", "operate"), strict=True)
    )
    return (benefit, *others)


def in_her_own_hands(
    asset: str, source: str, custodian: str, ids: tuple[str, str, str, str]
) -> tuple[RightGranted, ...]:
    """The first links of a person's own cell: the custodian holds it for her, and every other right stays with her."""
    hold = RightGranted(ids[0], asset, "hold", source, custodian, may_grant=False)
    others = tuple(
        RightGranted(id, asset, right, source, source, may_grant=right != "benefit")
        for id, right in zip(ids[1:], ("use", "operate", "benefit"), strict=True)
    )
    return (hold, *others)


def held(read: Reader, party: str, asset: str, right: str, at: Instant, wanted: Sequence[str] = ()) -> Right | None:
    """The right of `party` on `asset` that goes farthest, of those that are good at `at` for all the `wanted` purposes."""
    return next((own for own in _held(read, party, asset, right, at) if not _outside(wanted, own.purposes)), None)


def _held(read: Reader, party: str, asset: str, right: str, at: Instant) -> list[Right]:
    """The good ones, the one that goes farthest first."""
    rows = read.list(Right, asset=asset, grantee=party)
    good = [row for row in rows if row.right == right and chain(read, row, at) is not None]
    return sorted(good, key=_reach, reverse=True)


def _reach(right: Right) -> tuple[bool, bool, Instant, int]:
    whole = right.purposes == (ROOT,) and not right.columns
    return right.may_grant, whole, right.until, DEPTH_LIMIT if right.further is None else right.further


def chain(read: Reader, right: Right, at: Instant) -> tuple[Right, ...] | None:
    """The links from `right` back to the source, or None if one is missing, has ended, could not be passed on, or is
    of another right or asset."""
    found = explain(read, right, at)
    return None if found.broken else found.links


def explain(read: Reader, right: Right, at: Instant) -> Explained:
    """The links from `right` back to the source, each with the number of its fact, or where they break and who could
    mend it: first at the right itself, then below it."""
    links: tuple[Right, ...] = (right,)
    seen, above = {right.id}, None
    while True:
        link = links[-1]
        below = read.get(Right, link.rests_on) if link.rests_on is not None else None
        broken = _closed(read, link, below, above, at) or _unfounded(read, link, below, len(links))
        if broken:
            return Explained(links, broken)
        if below is None:
            return Explained(links)
        if below.id in seen:
            return Explained(
                links, Break(link, "unfounded", f"`{link.id}` rests on itself, and never on the source", "")
            )
        seen.add(below.id)
        links, above = (*links, below), link


def _closed(read: Reader, link: Right, below: Right | None, above: Right | None, at: Instant) -> Break | None:
    """Whether a link has ended, or is lent to others than who comes `above` it."""
    if link.end is not None or link.until <= at:
        day = link.until if link.end is None else link.end.at
        why = f"`{link.id}` {'ended' if link.end is None else f'was {link.end.how}'} on {day[:10]}"
        longest = END_OF_TIME if below is None else below.until
        renewed = replace(link, end=None, until=longest if link.until <= at else link.until)
        return Break(link, "ended", why, giver(link, below), renewed)
    pledge = read.get(Right, link.lent) if link.lent and (above is None or above.id != link.lent) else None
    if pledge is not None and pledge.live(at):
        why = f"`{link.id}` is lent to the pilot `{pledge.pilot}` until {pledge.until[:10]}"
        return Break(link, "lent", why, pledge.grantee, replace(link, lent=""))
    return None


def _unfounded(read: Reader, link: Right, below: Right | None, length: int) -> Break | None:
    """Whether a link rests on nothing that allows it. Nobody can mend that: the rules never let it come about."""
    asset = read.get(Asset, link.asset) if link.rests_on is None else None
    if length > DEPTH_LIMIT:
        why = f"`{link.id}` is more than {DEPTH_LIMIT} grants away from where the chain began"
    elif link.rests_on is None and (asset is None or link.grantor != asset.source):
        why = f"`{link.id}` was not granted by the source of `{link.asset}`"
    elif link.rests_on is not None and (below is None or not _within(link, below)):
        why = f"`{link.id}` goes beyond what it rests on"
    else:
        return None
    return Break(link, "unfounded", why, "")


def _within(link: Right, below: Right) -> bool:
    """Whether a link is a narrower case of the one below it, granted by who had that then."""
    return (
        below.may_grant
        and below.holder_at(link.seq) == link.grantor
        and (below.asset, below.right) == (link.asset, link.right)
        and link.until <= below.until
        and _may_follow(link, below)
        and (link.purposes == below.purposes or not _outside(link.purposes, below.purposes))
        and (not below.columns or (bool(link.columns) and set(link.columns) <= set(below.columns)))
    )


def _may_follow(link: Right, below: Right) -> bool:
    """Whether the one below may be passed on once more, and as far as the link may be."""
    if below.further is None:
        return True
    return below.further >= 1 and (not link.may_grant or (link.further is not None and link.further < below.further))


def _outside(wanted: Sequence[str], allowed: Sequence[str]) -> list[str]:
    return [purpose for purpose in wanted if not any(purposes.covers(one, purpose) for one in allowed)]


def giver(right: Right, below: Right | None) -> str:
    """Who gave a right, and can take it back: whoever now has the one that it rests on."""
    return right.grantor if below is None else below.grantee


def beyond(right: Right, purpose: str, columns: Iterable[str] = ()) -> str | None:
    """What of a use for `purpose` that reads `columns` a good right does not reach, in words; None if it reaches all."""
    if _outside((purpose,), right.purposes):
        return f"it is for {', '.join(right.purposes)} only, not for {purpose}"
    if right.columns:
        allowed = {name.lower() for name in right.columns}
        others = [name for name in columns if name.lower() not in allowed]
        if others:
            return f"it is for the columns {', '.join(right.columns)} only, not for {', '.join(others)}"
    return None


def grant(
    read: Reader, id: str, grantor: str, grantee: str, asset: str, right: str, at: Instant, limits: Limits = AS_FAR
) -> RightGranted | Refusal:
    """`grantor` passes a right on, no farther than it goes for itself."""
    what = f"the right to {right} `{asset}` was not granted to `{grantee}`"
    refusal: Refusal | None = None
    for own in _held(read, grantor, asset, right, at):
        given = narrowed(read, own, limits, at, what)
        if not isinstance(given, Refusal):
            return RightGranted(
                id, asset, right, grantor, grantee, given.may_grant, given.until, own.id, given.purposes, given.columns,
                given.further,
            )  # fmt: skip
        refusal = refusal or given
    return refusal or refuse(
        "rights.not-held", what, f"`{grantor}` does not hold it with the power to pass it on",
        remedy=f"ask whoever granted `{grantor}` its rights",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """`Limits` in full, as far as they go within the right that they are taken from."""

    until: Instant
    may_grant: bool
    further: int | None
    purposes: tuple[str, ...]
    columns: tuple[str, ...]


def narrowed(read: Reader, own: Right, limits: Limits, at: Instant, what: str) -> Given | Refusal:
    """What `limits` come to within a good right; a refusal of `what` if they go beyond it."""

    def no(reason: str, remedy: str) -> Refusal:
        return refuse("rights.not-held", what, reason, remedy=remedy)

    holder, end = own.grantee, limits.until or own.until
    links = chain(read, own, at)
    if links is None or not own.may_grant:
        reason = f"`{holder}` does not hold it with the power to pass it on"
        return no(reason, f"ask whoever granted `{holder}` its rights")
    if len(links) >= DEPTH_LIMIT:
        reason = (
            f"the right of `{holder}` is {DEPTH_LIMIT} grants away from the source, as far as a right can be passed on"
        )
        return no(reason, "ask for it from somebody nearer to the source")
    if end <= at:
        return no("it would have ended already", "grant it until a later day")
    if end > own.until:
        return no(f"`{holder}` itself holds it only until {own.until}", f"grant it until {own.until} at most")
    outside = _outside(limits.purposes, own.purposes)
    if outside:
        reason = f"`{holder}` itself holds it only for {', '.join(own.purposes)}, not for {', '.join(outside)}"
        return no(reason, "name what is within that")
    names = {name.lower(): name for name in own.columns or _columns(read, own.asset)}
    strange = [name for name in limits.columns if name.lower() not in names]
    if strange:
        return no(
            f"`{holder}` holds it for no column {', '.join(strange)}", f"name some of {', '.join(names.values())}"
        )
    most = DEPTH_LIMIT if own.further is None else own.further - 1
    further = most if limits.further is None and own.further is not None else limits.further
    if limits.may_grant and not 1 <= (most if further is None else further) <= most:
        reason = f"`{holder}` can give the power to pass it on again at most {most} times more"
        return no(reason, "grant it for fewer further times, or without the power to pass it on")
    columns = tuple(dict.fromkeys(names[name.lower()] for name in limits.columns)) or own.columns
    wanted = limits.purposes or own.purposes
    return Given(end, limits.may_grant, further if limits.may_grant else None, wanted, columns)


def _columns(read: Reader, asset: str) -> tuple[str, ...]:
    row = read.get(Asset, asset)
    return tuple(column.name for column in row.columns) if row else ()


def until_in_words(until: Instant) -> str:
    """`for ever`, or the day."""
    return "for ever" if until == END_OF_TIME else f"until {until[:10]}"
