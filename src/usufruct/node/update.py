"""Other rows take the place of an asset's, in the order

    the table is read and stored under its version, beside the old one → new persons, the fact → the old table is deleted
    once no question is being answered from it

Until the fact every question is answered from the old rows, after it from the new ones; one that was admitted before is
answered from the rows that it was admitted for. A crash before the fact leaves a file that nothing names, one after it an
old table that is deleted when the node opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry import update
from usufruct.core.registry.facts import AssetUpdated, PersonsEnrolled, Quality
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Asset
from usufruct.node import erase, register, stored
from usufruct.node.node import Node, or_undone, unless_refused
from usufruct.node.register import ENROL_AT_ONCE, TABLES
from usufruct.ports import TableIn, Transaction


def update_asset(node: Node, name: str, table: Path | TableIn, by: str) -> register.Registered | Refusal:
    """Lets the rows of a table take the place of those of an asset that `by` holds.

    Raises:
        BadInput: the table cannot be read, or has drifted from the card: a column is missing or of another kind, or a cell
            does not fit; nothing was changed.
    """
    with TABLES:
        erase.recover(node)
        done = unless_refused(lambda: _update(node, name, table, by))
    node.reach("update after fact")
    stored.forget(node)
    return done


def _update(node: Node, name: str, table: Path | TableIn, by: str) -> register.Registered:
    with node.store.read() as state:
        asset = or_undone(update.check_update(state, name, by, node.clock.now()))

    def numbers(version: str, values: Sequence[str]) -> Sequence[int]:
        with node.store.read() as state:
            or_undone(update.check_version(state, name, version))
            return _numbers(state, asset, values)

    taken = node.engine.ingest(update.card_of(asset), table, numbers)
    node.reach("update after ingest")

    def command(tx: Transaction) -> register.Registered:
        or_undone(update.check_update(tx, name, by, tx.now))
        or_undone(update.check_version(tx, name, taken.version))
        persons, new = _enrol(node, tx, asset, taken.persons)
        quality = Quality(taken.rows, persons, taken.nulls, taken.period)
        tx.append(AssetUpdated(name, by, asset.version, taken.version, taken.stored, quality))
        updated = tx.get(Asset, name)
        assert updated is not None
        return register.Registered(updated, new)

    return node.store.write(command)


def _numbers(read: Reader, asset: Asset, values: Sequence[str]) -> list[int]:
    """The numbers of those who are meant by the values of the person column. Nobody else gives numbers while the tables are
    locked, so they are the same before and in the transaction."""
    parties = [find_party(read, register.known_as(asset.member_prefix or "", value)) for value in values]
    return update.numbers(read, asset.id, parties)


def _enrol(node: Node, tx: Transaction, asset: Asset, values: Sequence[str]) -> tuple[int, int]:
    """Registers and enrols who is new in an asset; how many it has then, and how many are new to the node."""
    first, before = asset.quality.persons, tx.next
    given = zip(values, _numbers(tx, asset, values), strict=True)
    fresh = sorted((number, value) for value, number in given if number >= first)
    members = tuple(register.member(node, tx, asset.member_prefix or "", value) for _, value in fresh)
    new = tx.next - before
    for start in range(0, len(members), ENROL_AT_ONCE):
        tx.append(PersonsEnrolled(asset.id, first + start, members[start : start + ENROL_AT_ONCE]))
    return first + len(members), new
