"""Who is paid what is due to a person: the chain of her right to benefit decides.

The persons whom an asset is about are its source, and each has her part of the right to benefit without any paper. To give
it to another, or to pledge it for a time, she first *draws* it: it becomes a right of hers by name, that changes hands like
any other (see `conveyance`). Whoever has it when a period closes is paid her line; while it is lent to a pilot, whoever it
is lent to. When it ends, she is paid again.
"""

from __future__ import annotations

from collections.abc import Iterator

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.state import Asset, Person, Right

BENEFIT = "benefit"


def draw(read: Reader, new: str, asset: str, person: str, at: Instant) -> RightGranted | Refusal:
    """Her part of the right to benefit, as a right by name that she may pass on."""
    not_done = f"no right to benefit from `{asset}` was drawn"
    found = read.get(Asset, asset)
    if found is None or next(read.list(Person, asset=asset, party=person), None) is None:
        return refuse(
            "registry.unknown", not_done, f"there is no asset `{asset}` that is about you",
            remedy="look at your own page for the assets that are",
        )  # fmt: skip
    there = next((row for row in _drawn(read, found) if _first_holder(row) == person and row.live(at)), None)
    if there is not None:
        return refuse(
            "registry.exists", not_done, f"it is drawn already, as `{there.id}`", remedy="transfer or pledge that one"
        )
    return RightGranted(new, asset, BENEFIT, found.source, person, may_grant=True)


def payees(read: Reader, asset: str, seq: int, at: Instant) -> dict[str, str]:
    """Who was paid instead of whom, of those whom an asset is about, in the fact `seq` at `at`; nobody else is in it."""
    found = read.get(Asset, asset)
    if found is None:
        return {}
    rows = list(_drawn(read, found))
    lent = [row for row in read.list(Right, asset=asset) if row.right == BENEFIT and row.pilot]
    instead = {}
    for row in rows:
        if not _was_live(row, seq, at):
            continue
        payee, link = row.holder_at(seq), row
        while pledge := next((one for one in lent if one.rests_on == link.id and _was_live(one, seq, at)), None):
            payee, link = pledge.holder_at(seq), pledge
        if payee != _first_holder(row):
            instead[_first_holder(row)] = payee
    return instead


def _drawn(read: Reader, asset: Asset) -> Iterator[Right]:
    """The rights to benefit that persons drew: granted to them by the source, to be passed on."""
    return (
        row
        for row in read.list(Right, asset=asset.id)
        if row.right == BENEFIT and row.rests_on is None and row.grantor == asset.source and row.may_grant
    )


def _first_holder(row: Right) -> str:
    return row.passed[0].holder if row.passed else row.grantee


def _was_live(row: Right, seq: int, at: Instant) -> bool:
    return row.seq <= seq and at < row.until and (row.end is None or row.end.seq > seq)
