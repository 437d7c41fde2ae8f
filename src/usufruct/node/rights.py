"""Pass rights on, transfer, lend, give back and revoke them; and show the title of an asset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.registry import benefit, conveyance, rights
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.registry.pool import Pool, told
from usufruct.core.registry.rights import AS_FAR, Limits
from usufruct.core.registry.state import Asset, Party, Right
from usufruct.core.registry.title import Line, has_place
from usufruct.core.registry.title import title as title_of
from usufruct.core.rulebook import purposes
from usufruct.node.node import Node
from usufruct.ports import Transaction

Passed = TypeVar("Passed", RightGranted, RightTransferred, RightPledged)


@dataclass(frozen=True, slots=True)
class Title:
    """The title of an asset as one looker sees it; on the grants of how many `members` a pool rests, in steps."""

    asset: Asset
    lines: tuple[Line, ...]
    members: str = ""


def grant(
    node: Node, grantor: str, grantee: str, asset: str, right: str, limits: Limits = AS_FAR
) -> RightGranted | Refusal:
    """Passes a right on.

    Raises:
        BadInput: no such right or purpose.
    """
    if right not in rights.RIGHTS:
        raise BadInput("input.right", f"`{right}` is not a right", f"use one of {', '.join(rights.RIGHTS)}")
    named = checked(limits)

    def rule(tx: Transaction) -> RightGranted | Refusal:
        done = rights.grant(tx, numbered("right", tx.next), grantor, grantee, asset, right, tx.now, named)
        return _to_somebody(tx, done, grantee, f"the right to {right} `{asset}` was not granted")

    return node.record(rule)


def transfer(node: Node, right: str, by: str, to: str, keeps: bool) -> RightTransferred | Refusal:
    """Gives a right up wholly to another; what rests on it stays if the transfer `keeps` it, and ends otherwise."""

    def rule(tx: Transaction) -> RightTransferred | Refusal:
        done = conveyance.transfer(tx, numbered("right", tx.next), right, by, to, keeps, tx.now)
        return _to_somebody(tx, done, to, f"right `{right}` was not transferred")

    return node.record(rule)


def pledge(
    node: Node, right: str, by: str, to: str, pilot: str, limits: Limits, exclusive: bool = False
) -> RightPledged | Refusal:
    """Lends a right to a party for a pilot, until the end that `limits` name.

    Raises:
        BadInput: no end, no such purpose, or a name that no pilot can have.
    """
    named = checked(limits)

    def rule(tx: Transaction) -> RightPledged | Refusal:
        row = tx.get(Right, right)
        agreements = tx.list(Agreement, asset=row.asset) if row else ()
        bound = [one.id for one in agreements if one.right == right and one.active(tx.now)]
        done = conveyance.pledge(tx, numbered("right", tx.next), right, by, to, pilot, named, exclusive, tx.now, bound)
        return _to_somebody(tx, done, to, f"right `{right}` was not pledged")

    return node.record(rule)


def draw(node: Node, asset: str, person: str) -> RightGranted | Refusal:
    """A person makes her part of the right to benefit a right by name, to pass it on."""
    return node.record(lambda tx: benefit.draw(tx, numbered("right", tx.next), asset, person, tx.now))


def release(node: Node, right: str, by: str) -> RightReleased | Refusal:
    """The holder gives a right back before its end."""
    return node.record(lambda tx: conveyance.release(tx, right, by, tx.now))


def revoke(node: Node, right: str, by: str) -> RightRevoked | Refusal:
    """Who gave a right takes it back, or the source of the data does; what rests on it ends with the same fact."""
    return node.record(lambda tx: conveyance.revoke(tx, right, by, tx.now))


def title(node: Node, asset: str, viewer: str | None, steward: bool = False) -> Title | None:
    """Who holds which right on an asset; None if there is none, or none that `viewer` (None: a stranger) may know of.

    Everybody may know of what is offered, those who have a place in a title of that.
    """
    with node.store.read() as state:
        row, now = state.get(Asset, asset), node.clock.now()
        if row is None:
            return None
        offered = any(offer.open and offer.until > now for offer in state.list(Offer, asset=asset))
        if not (steward or offered or (viewer is not None and has_place(state, row, viewer))):
            return None
        pool = state.get(Pool, asset)
        step = node.rulebook.value("consent.answers-told-in-steps-of", now)
        members = told(pool.members, step) if pool else ""
        return Title(row, title_of(state, row, now, None if steward else viewer or ""), members)


def checked(limits: Limits) -> Limits:
    """The limits with their purposes as the tree spells them.

    Raises:
        BadInput: one is not in it.
    """
    return replace(limits, purposes=tuple(dict.fromkeys(map(purposes.checked, limits.purposes))))


def _to_somebody(read: Reader, done: Passed | Refusal, party: str, what: str) -> Passed | Refusal:
    """What was done, or a refusal where nobody of that id is registered; asked last, for it tells who is there."""
    if isinstance(done, Refusal) or read.get(Party, party) is not None:
        return done
    return refuse("registry.unknown", what, f"there is no party `{party}`", remedy="register the party first")
