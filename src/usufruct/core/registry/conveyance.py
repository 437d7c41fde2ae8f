"""How a right changes hands after it was granted: transfer, pledge, release, revocation.

Whoever gives a right can take it back, and the source can take back whatever rests on it: the persons the data are about
come before everybody's plans. A *pledge* is a promise for a time, so it is the exception: the pledger cannot take it
back early. It comes back by itself, or the pilot's party releases it. What was promised to others also limits the holder:
she cannot lend exclusively what others already use, nor give up a right that is lent.

Nothing is refused to somebody else than to a stranger in other words: a right that is not there and one that is not hers
are told alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.registry.rights import Limits, explain, giver, narrowed
from usufruct.core.registry.state import Asset, Party, Right

TRANSFERS_LIMIT = 32


def transfer(read: Reader, new: str, id: str, by: str, to: str, keeps: bool, at: Instant) -> RightTransferred | Refusal:
    """`by` gives a right up wholly to `to`. What rests on it stays if the transfer `keeps` it, else it ends; the right is
    then called `new`."""
    what = f"right `{id}` was not transferred to `{to}`"
    own = _own(read, id, by, at, what)
    if isinstance(own, Refusal):
        return own
    if not own.may_grant:
        return refuse(
            "rights.not-held", what, f"`{by}` does not hold it with the power to pass it on",
            remedy=f"ask {_named(read, _giver(read, own))}, who granted it",
        )  # fmt: skip
    if to == by:
        return refuse("rights.not-held", what, f"`{by}` has it already", remedy="name another party")
    if len(own.passed) >= TRANSFERS_LIMIT:
        return refuse(
            "rights.not-held", what, f"it was transferred {TRANSFERS_LIMIT} times, as often as a right can be",
            remedy=f"ask {_named(read, _giver(read, own))} to grant it anew",
        )  # fmt: skip
    lent = None if keeps else next(_pledges(read, own, at), None)
    if lent is not None:
        return _promised(read, what, lent)
    return RightTransferred(id, own.asset, by, to, id if keeps else new)


def pledge(
    read: Reader, new: str, id: str, pledger: str, to: str, pilot: str, limits: Limits, exclusive: bool, at: Instant,
    agreements: Sequence[str] = (),
) -> RightPledged | Refusal:  # fmt: skip
    """`pledger` lends a right to `to` for a pilot; `agreements` are those in force that rest on the right.

    Raises:
        BadInput: it has no end, or the pilot's name cannot be.
    """
    checked(pilot, "a pilot")
    if limits.until is None:
        raise BadInput("input.right", "a pledge needs an end", "say until when the pilot may have the right")
    what = f"right `{id}` was not pledged to the pilot `{pilot}`"
    own = _own(read, id, pledger, at, what)
    if isinstance(own, Refusal):
        return own
    given = narrowed(read, own, limits, at, what)
    if isinstance(given, Refusal):
        return given
    others = [*(right.id for right in _resting(read, own, at)), *agreements]
    if exclusive and others:
        return refuse(
            "rights.pledged", what, f"others have what it would take from them: {', '.join(f'`{one}`' for one in others)}",
            remedy="pledge it without exclusion, or end these first",
        )  # fmt: skip
    return RightPledged(
        new, id, own.asset, own.right, pledger, to, pilot, given.until, given.purposes, given.columns, given.may_grant,
        given.further, exclusive,
    )  # fmt: skip


def release(read: Reader, id: str, by: str, at: Instant) -> RightReleased | Refusal:
    """The holder gives a right back before its end."""
    what = f"right `{id}` was not released"
    right = read.get(Right, id)
    if right is None or right.grantee != by or not right.live(at) or _giver(read, right) == by:
        return _unknown(what, id)
    lent = next(_pledges(read, right, at), None)
    if lent is not None:
        return _promised(read, what, lent)
    return RightReleased(id, right.asset, by, _giver(read, right))


def revoke(read: Reader, id: str, by: str, at: Instant) -> RightRevoked | Refusal:
    """Who gave a right takes it back, or the source does; everything that rests on it ends."""
    what = f"right `{id}` was not revoked"
    right = read.get(Right, id)
    asset = None if right is None else read.get(Asset, right.asset)
    if right is None or asset is None or not right.live(at) or right.grantee == by:
        return _unknown(what, id)
    if by not in (asset.source, _giver(read, right)):
        return _unknown(what, id)
    if right.pilot and by != asset.source:
        return _promised(read, what, right)
    return RightRevoked(id, right.asset, by, right.grantee)


def _own(read: Reader, id: str, by: str, at: Instant, what: str) -> Right | Refusal:
    """A good right of hers."""
    right = read.get(Right, id)
    if right is None or right.grantee != by or not right.live(at):
        return _unknown(what, id)
    broken = explain(read, right, at).broken
    if broken is not None:
        mend = f"ask {_named(read, broken.mender)}" if broken.mender else "ask the source of the data for another"
        return refuse("rights.not-held", what, broken.why, remedy=mend)
    return right


def _giver(read: Reader, right: Right) -> str:
    return giver(right, read.get(Right, right.rests_on) if right.rests_on else None)


def _resting(read: Reader, right: Right, at: Instant) -> Iterator[Right]:
    """What was granted or lent on a right and has not ended by itself."""
    return (row for row in read.list(Right, asset=right.asset) if row.rests_on == right.id and row.live(at))


def _pledges(read: Reader, right: Right, at: Instant) -> Iterator[Right]:
    return (row for row in _resting(read, right, at) if row.pilot)


def _promised(read: Reader, what: str, lent: Right) -> Refusal:
    return refuse(
        "rights.pledged", what, f"`{lent.id}` is lent to the pilot `{lent.pilot}` until {lent.until[:10]}",
        remedy=f"wait until then, or ask {_named(read, lent.grantee)} to release it",
    )  # fmt: skip


def _named(read: Reader, party: str) -> str:
    """A party by its id; persons are not named, for whoever reads it may not know them."""
    row = read.get(Party, party)
    return "the person who holds it" if row is None or row.kind == "person" else f"`{party}`"


def _unknown(what: str, id: str) -> Refusal:
    return refuse(
        "registry.unknown", what, f"there is no right `{id}` in force that is yours to do this with",
        remedy="look at the title of the asset, with `usufruct right show`",
    )  # fmt: skip
