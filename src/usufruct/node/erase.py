"""Erasing a person: her records can be read by nobody any more, and everything that was proved stays proved.

    facts (the new tables are written, beside the old ones) → tables in place, their keys replaced → accounts gone → key
    destroyed → state folded again without her

What was hers alone in the journal is sealed with her key, so the leaf, its place and every signature over it stay, and no
copy of the journal, however old, opens again. What others did stays too: that a question was answered, what it earned,
what was paid under her number; only nothing leads from the number to her. A crash in between is finished when the node
opens, as often as it takes.
"""

from __future__ import annotations

from usufruct.core.access.delegation import only_people
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.credentials import revoked_with
from usufruct.core.registry.facts import PersonErased, Removed
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Asset, ErasedPerson, Party, Person, Stored
from usufruct.node import stored
from usufruct.node.node import Node
from usufruct.node.register import TABLES, settle
from usufruct.ports import Transaction


def erase(node: Node, party: str, by: str, actors: tuple[str, ...] = ()) -> PersonErased | Refusal:
    """Erases a person, for good. `by` is the party that answers for it, and a person decides it.

    Raises:
        EngineFault: a table could not be written without her rows; nothing was erased.
    """
    with node.store.read() as state:
        refusal = only_people(state, "erase", by, actors)
    if refusal is not None:
        return refusal
    with TABLES:
        recover(node)
        settle(node)
        return _erase(node, party, by)


def _erase(node: Node, party: str, by: str) -> PersonErased | Refusal:
    with node.store.read() as state:
        row = find_party(state, party)
        if row is None or row.key_slot is None:
            return refuse(
                "registry.unknown", "nobody was erased", f"there is no person `{party}` whose records have a key",
                remedy="check the name; only persons can be erased",
            )  # fmt: skip
        places = [(person, state.get(Asset, person.asset)) for person in state.list(Person, party=row.id)]
    tables = [(asset, person.number) for person, asset in places if asset is not None]
    for asset, _ in tables:
        stored.check(node, asset.id, asset.version)
        stored.forget(node, asset.id)  # her rows are in what was replaced, too
    removed = tuple(Removed(a.id, number, node.engine.remove(a.id, a.version, [number])) for a, number in tables)
    node.reach("erase before fact")

    def command(tx: Transaction) -> PersonErased:
        assert row.key_slot is not None
        for revoked in list(revoked_with(tx, row.id)):
            tx.append(revoked)
        fact = PersonErased(row.id, row.key_slot, removed, by, tx.sealed_with(row.key_slot))
        tx.append(fact)
        return fact

    fact = node.store.write(command)
    node.reach("erase after fact")
    with node.store.read() as state:
        erased = state.get(ErasedPerson, fact.key)
    assert erased is not None
    _finish(node, erased)
    return fact


def recover(node: Node) -> int:
    """Finishes erasures that a crash or a failure interrupted; returns how many. Run when the node opens, before it serves."""
    with node.store.read() as state:
        unfinished = [
            erased
            for erased in state.list(ErasedPerson)
            if node.keyring.counting_key(erased.key_slot) is not None or state.get(Party, erased.party) is not None
        ]
    for erased in unfinished:
        _finish(node, erased)
    return len(unfinished)


def _finish(node: Node, erased: ErasedPerson) -> None:
    with node.store.read() as state:
        for removed in erased.removed:
            asset = state.get(Asset, removed.asset)
            assert asset is not None
            node.engine.replace(asset.id, asset.version, removed.stored)
            for one in state.list(Stored, asset=asset.id):  # backups of what was replaced hold her rows, too
                node.table_keys.rotate(asset.id, one.version)
    node.logins.forget(erased.party)
    node.reach("erase before key")

    def destroy() -> None:
        node.keyring.destroy(erased.key_slot)
        node.reach("erase after key")

    node.store.refold(destroy)
