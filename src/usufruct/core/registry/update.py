"""New rows for an asset, under the card that it has.

A table that lives on (visits of this week, too) would be a new asset each time, with a new budget each time, and its
members would be asked about under all of them. So an update lets new rows take the place of the old ones, and what was
spent stays spent: nobody can learn more from a table by having it refreshed. The card does not change, for agreements and
consents rest on it; a table that has drifted from it is refused where it first does.

A person keeps her number for ever, whether or not she is among the rows: it stands in consents, in what each counted for,
in settlements. Who is new gets the next one.
"""

from __future__ import annotations

from collections.abc import Sequence

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry import rights
from usufruct.core.registry.rules import Card
from usufruct.core.registry.state import NOW, Asset, Party, Person, Stored


def check_update(read: Reader, name: str, by: str, at: Instant) -> Asset | Refusal:
    """Whether `by` can give an asset new rows: it holds the asset, whose rows nobody else brought."""
    asset, not_done = read.get(Asset, name), f"`{name}` was not updated"
    if asset is None or rights.held(read, by, name, "hold", at) is None:
        return refuse(
            "registry.unknown", not_done, f"there is no asset `{name}` that `{by}` holds", remedy="see your assets"
        )
    source = read.get(Party, asset.source)
    if asset.charter or source is None or source.kind == "person":
        return refuse(
            "registry.update", not_done, "its rows are what members brought themselves",
            remedy="members join and leave a pool, and deposit cells",
        )  # fmt: skip
    if asset.person_column and asset.member_prefix is None:
        return refuse(
            "registry.update", not_done, "it was registered before a card was kept whole",
            remedy="register the new table as a new asset",
        )  # fmt: skip
    return asset


def check_version(read: Reader, name: str, version: str) -> Refusal | None:
    """Whether no asset has or had the rows that are to take the place of this one's."""
    for stored in read.list(Stored, version=version):
        return refuse(
            "registry.update", f"`{name}` was not updated",
            f"`{stored.asset}` has or had these very rows" if stored.asset != name or stored.standing != NOW
            else "nothing in the table has changed",
            remedy="update it when there are new rows",
        )  # fmt: skip
    return None


def card_of(asset: Asset) -> Card:
    """The card by which a table is read, as far as it is about rows."""
    return Card(
        asset.id, asset.title, asset.description, asset.licence, asset.person_column, asset.columns, asset.rows_per_person,
        asset.once_per, period_column=asset.period_column, member_prefix=asset.member_prefix or "",
    )  # fmt: skip


def numbers(read: Reader, asset: str, parties: Sequence[Party | None]) -> list[int]:
    """The numbers of those whom a table is about, None for who is not known: those that they have in the asset, else the
    next ones. Who is meant twice has as many numbers as she was given."""
    theirs: dict[str, list[int]] = {}
    following = 0
    for person in read.list(Person, asset=asset):
        theirs.setdefault(person.party, []).append(person.number)
        following = max(following, person.number + 1)
    found = []
    for party in parties:
        had = theirs.get(party.id) if party else None
        if had:
            found.append(had.pop(0))
        else:
            found.append(following)
            following += 1
    return found
