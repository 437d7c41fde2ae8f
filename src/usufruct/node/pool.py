"""A data cooperative: a charter is adopted, members join with cells of their own, and leave.

    joining: the pool's table is written beside the old one, with her rows → rights, consent and her place, in one
    transaction → the table is put in place
    leaving: her rights are taken back, and no later question counts her → the table without her rows, beside the old one
    → the fact that names it → it is put in place

She is in from the one transaction on, and out with whichever fact ends a right of hers; see `core.registry.pool`. What
lies in the table of somebody who is not in is read by no question, and taken out at once where she leaves, else in the
next round of the followers. A crash leaves a whole node: what no fact names is thrown away, and what one names is put in
place, before anything else is done with a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice

from usufruct.core.access import consent_rules
from usufruct.core.access.consent_conditions import ANY
from usufruct.core.access.consent_rules import Speaker
from usufruct.core.access.delegation import only_people
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry import charter as charters
from usufruct.core.registry import conveyance, pool, rights
from usufruct.core.registry.charter import Charter, Draft, PoolFounded
from usufruct.core.registry.facts import PersonsEnrolled
from usufruct.core.registry.pool import Joining, Membership, Pool, PoolJoined, PoolStored
from usufruct.core.registry.rules import check_card
from usufruct.core.registry.state import Asset, Party, Person, Right
from usufruct.node import erase, register
from usufruct.node import stored as tables
from usufruct.node.node import Node, or_undone
from usufruct.node.register import TABLES, settle
from usufruct.ports import Ingested, Snapshot, Transaction

AT_ONCE = 10_000  # persons taken out in one fact


@dataclass(frozen=True, slots=True)
class Shown:
    """A pool as everybody may see it: who answers for it, and how many members it has, in steps."""

    asset: Asset
    charter: Charter
    cooperative: str
    members: str
    over: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A cell of a member, and why she cannot bring it into a pool, if she cannot."""

    cell: Asset
    misfits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A pool as a member sees it: her place in it, if she is in, and the cells that she could bring."""

    shown: Shown
    member: Membership | None
    choices: tuple[Choice, ...]


def found(node: Node, draft: Draft, cooperative: str, by: str, actors: tuple[str, ...] = ()) -> Charter | Refusal:
    """Adopts a charter and registers its pool, which nobody is in yet. `by` is the party that answers for it, and a person
    decides it.

    Raises:
        BadInput: the charter contradicts itself.
        StoreFull: the pool's table could not be written.
    """
    with TABLES:
        return _found(node, draft, cooperative, by, actors)


def _found(node: Node, draft: Draft, cooperative: str, by: str, actors: tuple[str, ...]) -> Charter | Refusal:
    card, currency = draft.card, node.about.currency

    def adopted(read: Reader, at: Instant) -> PoolFounded | Refusal:
        refusal = only_people(read, "adopt-charter", by, actors) or check_card(read, card, cooperative)
        return refusal or charters.found(read, draft, cooperative, by, at, currency)

    with node.store.read() as state:
        first = adopted(state, node.clock.now())
    if isinstance(first, Refusal):
        return first
    version = first.digest[:16]
    stored = node.engine.found(card, version)
    node.reach("pool before founded")

    def command(tx: Transaction) -> Charter:
        fact = or_undone(adopted(tx, tx.now))
        origin = or_undone(register.origin_of(tx, card, cooperative, tx.now))
        empty = Ingested(version, stored, 0, (0,) * len(card.columns), "", ())
        register.register(node, tx, card, empty, cooperative, origin, charter=fact)
        tx.append(fact)
        row = tx.get(Charter, fact.pool)
        assert row is not None
        return row

    return node.together(command)


def join(
    node: Node, member: str, name: str, cell: str, shown: str, actors: tuple[str, ...] = ()
) -> PoolJoined | Refusal:
    """A member brings a cell of hers into a pool; `shown` is the digest of the charter that she read.

    Raises:
        EngineFault: the pool's table could not be written with her rows; nothing was changed.
    """
    with TABLES:
        erase.recover(node)
        settle(node)
        return _join(node, member, name, cell, shown, actors)


def _join(node: Node, member: str, name: str, cell: str, shown: str, actors: tuple[str, ...]) -> PoolJoined | Refusal:
    def allowed(read: Reader, at: Instant) -> Joining | Refusal:
        return only_people(read, "answer-consent", member, actors) or pool.join(read, name, member, cell, shown, at)

    with node.store.read() as state:
        first = allowed(state, node.clock.now())
    if isinstance(first, Refusal):
        return first
    for asset in (first.pool, first.cell):
        tables.check(node, asset.id, asset.version)
    stored = node.engine.bring(first.pool, first.cell, pool.brought(first.pool, first.cell), first.number)
    node.reach("pool before joined")

    def command(tx: Transaction) -> PoolJoined:
        joining = or_undone(allowed(tx, tx.now))
        assert joining.number == first.number, "nobody else gives numbers while the tables are locked"
        fact = _enter(tx, member, joining, shown)
        tx.append(PoolStored(name, stored))
        return fact

    joined = node.together(command)
    node.reach("pool after joined")
    settle(node)
    return joined


def _enter(tx: Transaction, member: str, joining: Joining, shown: str) -> PoolJoined:
    """Her number, her grants, her consents and her place, in this order: each needs those before it."""
    name, charter, cell = joining.pool.id, joining.charter, joining.cell.id
    if joining.new:
        tx.append(PersonsEnrolled(name, joining.number, (member,)))
    use, operate = numbered("right", tx.next), numbered("right", tx.next + 1)
    for id, right in ((use, "use"), (operate, "operate")):
        tx.append(or_undone(
            rights.grant(tx, id, member, charter.cooperative, cell, right, tx.now, joining.limits())
        ))  # fmt: skip
    for purpose in joining.pool.purposes:
        spoken = or_undone(consent_rules.speech(tx, name, Speaker(member), tx.now))
        tx.append(or_undone(consent_rules.yes_to(tx, spoken, purpose, ANY, charter.digest, shown, tx.now)))
    fact = PoolJoined(name, member, joining.number, cell, use, operate, charter.digest)
    tx.append(fact)
    return fact


def leave(node: Node, member: str, name: str) -> Membership | Refusal:
    """A member leaves a pool: from the next decision on she is not in it. Returns the place that she had.

    Raises:
        EngineFault: she has left, and her rows, which nobody reads any more, could not be taken out yet.
    """

    def command(tx: Transaction) -> Membership:
        place = or_undone(pool.leave(tx, name, member))
        for id in (place.use, place.operate):
            right = tx.get(Right, id)
            if right is not None and right.live(tx.now):  # else the charter ran out, and the right with it
                tx.append(or_undone(conveyance.revoke(tx, id, member, tx.now)))
        return place

    left = node.together(command)
    node.reach("pool after left")
    if not isinstance(left, Refusal):
        take_out(node)
    return left


def take_out(node: Node) -> int:
    """Takes the rows of those who are not in a pool any more out of its table; returns of how many.

    Raises:
        EngineFault: a table could not be written without them.
    """
    with TABLES:
        erase.recover(node)
        settle(node)
        with node.store.read() as state:
            left = _left(state, node.clock.now())
        for asset, numbers in left:
            tables.check(node, asset.id, asset.version)
            stored = node.engine.remove(asset.id, asset.version, numbers)
            node.reach("pool before taken out")
            node.store.write(partial(_appended, PoolStored(asset.id, stored, numbers)))
            node.reach("pool after taken out")
            settle(node)
    return sum(len(numbers) for _, numbers in left)


def _left(state: Snapshot, now: Instant) -> list[tuple[Asset, tuple[int, ...]]]:
    """Who is to be taken out of which pool, as many of each as one fact names."""
    found = []
    for charter in state.list(Charter):
        asset, numbers = state.get(Asset, charter.pool), tuple(islice(pool.to_take_out(state, charter, now), AT_ONCE))
        if asset is not None and numbers:
            found.append((asset, numbers))
    return found


def _appended(fact: PoolStored, tx: Transaction) -> None:
    tx.append(fact)


def follow(node: Node) -> str:
    """One round of the follower: whoever is not in any more, however that came, is taken out of the table."""
    with node.store.read() as state:
        if not _left(state, node.clock.now()):
            return ""
    return f"the rows of {take_out(node)} who left were taken out of pools"


def pools(node: Node) -> tuple[Shown, ...]:
    """The pools of this node, as everybody may see them, the oldest first."""
    with node.store.read() as state:
        return tuple(_shown(node, state, charter) for charter in state.list(Charter))


def show(node: Node, name: str) -> Shown | Refusal:
    """A pool as everybody may see it."""
    with node.store.read() as state:
        charter = state.get(Charter, name)
        return _unknown(name) if charter is None else _shown(node, state, charter)


def place(node: Node, member: str, name: str) -> Place | Refusal:
    """A pool as a member sees it."""
    with node.store.read() as state:
        charter = state.get(Charter, name)
        return _unknown(name) if charter is None else _place(node, state, charter, member)


def places(node: Node, member: str) -> tuple[Place, ...]:
    """Every pool as a member sees it."""
    with node.store.read() as state:
        return tuple(_place(node, state, charter, member) for charter in state.list(Charter))


def _unknown(name: str) -> Refusal:
    return refuse(
        "registry.unknown",
        "there is nothing to show",
        f"there is no pool `{name}`",
        remedy="see the pools of this node",
    )


def _shown(node: Node, state: Snapshot, charter: Charter) -> Shown:
    asset, row, party = (
        state.get(Asset, charter.pool),
        state.get(Pool, charter.pool),
        state.get(Party, charter.cooperative),
    )
    assert asset is not None and row is not None and party is not None, "a pool was founded by somebody"
    now = node.clock.now()
    step = node.rulebook.value("consent.answers-told-in-steps-of", now)
    return Shown(asset, charter, party.name, pool.told(row.members, step), charter.until <= now)


def _place(node: Node, state: Snapshot, charter: Charter, member: str) -> Place:
    shown = _shown(node, state, charter)
    cells = (pool.own_cell(state, member, person.asset) for person in state.list(Person, party=member))
    choices = tuple(Choice(cell, tuple(pool.misfits(shown.asset, cell))) for cell in cells if cell is not None)
    return Place(shown, pool.place(state, charter.pool, member), choices)
