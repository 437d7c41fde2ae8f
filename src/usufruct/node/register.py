"""Register parties and assets; take over consents that were collected before."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from usufruct.core.access.facts import ConsentsRecorded
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered, slug
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.lineage import rules as lineage
from usufruct.core.privacy.facts import BudgetOpened
from usufruct.core.registry import assurance, rights
from usufruct.core.registry.assurance import PartyVerified
from usufruct.core.registry.charter import PoolFounded
from usufruct.core.registry.facts import AssetRegistered, PartyRegistered, PersonsEnrolled, Quality
from usufruct.core.registry.pool import Pool
from usufruct.core.registry.rules import Card, check_card, check_new, find_party, id_of, register_party
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.core.rulebook import purposes
from usufruct.core.trace import looked_at
from usufruct.node.node import Node
from usufruct.ports import Ingested, TableIn, Transaction

ENROL_AT_ONCE = 10_000  # persons in one fact

TABLES = threading.Lock()
"""Held by whoever takes a table in, or a person in or out: each must find the tables as the other left them."""


def settle(node: Node) -> None:
    """Lets every table of a pool be what the journal last said, if a crash or a failure came between the two; throws away
    what was prepared and never said. Whoever writes a table anew does this first, under the lock."""
    with node.store.read() as state:
        pools = [(state.get(Asset, pool.asset), pool.stored) for pool in state.list(Pool)]
    for asset, stored in pools:
        assert asset is not None, "a pool is an asset"
        node.engine.replace(asset.id, asset.version, stored)


def add_party(
    node: Node, party: str, kind: str, name: str, principal: str | None = None, evidence: str = ""
) -> PartyRegistered | Refusal:
    """Registers somebody; with `evidence` of who that is, as somebody whom the operator knows for a year.

    Raises:
        BadInput: the id, the kind or the name cannot be, or an agent has nobody who answers for it.
    """

    def command(tx: Transaction) -> PartyRegistered | Refusal:
        fact = register_party(tx, party, kind, name, principal)
        if isinstance(fact, Refusal):
            return fact
        fact = replace(fact, key=tx.new_key()) if kind == "person" else fact
        tx.append(fact)
        if evidence:
            verified = assurance.verify(tx, party, evidence, None, tx.now)
            assert isinstance(verified, PartyVerified), "it was just registered"
            tx.append(verified)
        return fact

    return node.store.write(command)


def verify_party(node: Node, party: str, evidence: str, until: Instant | None) -> PartyVerified | Refusal:
    """The operator found out who a party is, and goes by it for a year unless it says until when.

    Raises:
        BadInput: there is no evidence, or the end cannot be.
    """
    return node.record(lambda tx: assurance.verify(tx, party, evidence, until, tx.now))


def unverify_party(node: Node, party: str, evidence: str) -> PartyVerified | Refusal:
    """The operator takes that back; it counts from the next decision on.

    Raises:
        BadInput: no reason is given.
    """
    return node.record(lambda tx: assurance.unverify(tx, party, evidence, tx.now))


@dataclass(frozen=True, slots=True)
class Registered:
    """What registering an asset came to: the asset, and how many persons are new to the node."""

    asset: Asset
    new_members: int


def add_asset(
    node: Node, card: Card, table: Path | TableIn, publisher: str, owner: str | None = None
) -> Registered | Refusal:
    """Takes a table in and registers it, with the persons it is about as members, in one transaction.

    The table of an `owner` is a cell: it is about her alone, and she is its source.

    The bytes are on disk before the fact that names them; a table whose fact was never written is an orphan file and
    does no harm. One table at a time: a second one of the same name must find the first one's fact, not its file.
    """
    with TABLES:
        return _take_in(node, card, table, publisher, owner)


def _take_in(node: Node, card: Card, table: Path | TableIn, publisher: str, owner: str | None) -> Registered | Refusal:
    with node.store.read() as state:
        found = check_card(state, card, publisher) or origin_of(state, card, publisher, node.clock.now())
    if isinstance(found, Refusal):
        return found
    taken = node.engine.ingest(card, table)
    node.reach("asset after ingest")

    def command(tx: Transaction) -> Registered | Refusal:
        refusal = check_card(tx, card, publisher) or check_new(tx, card, taken.version)
        found = refusal or origin_of(tx, card, publisher, tx.now)
        return found if isinstance(found, Refusal) else register(node, tx, card, taken, publisher, found, owner)

    return node.store.write(command)


def origin_of(read: Reader, card: Card, publisher: str, at: Instant) -> lineage.Origin | Refusal:
    """Where the table of a card comes from, and what it may be used for because of that."""
    return lineage.origin(read, card, publisher, at, partial(looked_at, read))


def register(
    node: Node, tx: Transaction, card: Card, taken: Ingested, publisher: str, origin: lineage.Origin,
    owner: str | None = None, charter: PoolFounded | None = None,
) -> Registered:  # fmt: skip
    """Registers a table that was taken in, under rules that were asked; as a pool, if it has a charter, with which the
    rights of its publisher end."""
    assert owner is None or taken.persons == (owner,), "a cell is about its owner and nobody else"
    source = owner or (slug(f"members-of-{card.asset}") if card.person_column else publisher)
    if tx.get(Party, source) is None:
        tx.append(PartyRegistered(source, "group", f"the members of {card.title}"))
    before = tx.next
    members = (owner,) if owner else tuple(member(node, tx, card.member_prefix, value) for value in taken.persons)
    new = tx.next - before
    quality = Quality(taken.rows, len(members), taken.nulls, taken.period)
    tx.append(AssetRegistered(
        card.asset, publisher, source, card.title, card.description, card.licence, card.keywords, taken.version,
        taken.stored, card.person_column, card.columns, card.rows_per_person, card.once_per, quality,
        origin.purposes, card.derived_from, card.transform, origin.prohibited, charter.digest if charter else "",
        card.member_prefix, card.period_column,
    ))  # fmt: skip
    for step in origin.steps:
        tx.append(replace(step, id=numbered("step", tx.next)))
    for first in range(0, len(members), ENROL_AT_ONCE):
        tx.append(PersonsEnrolled(card.asset, first, members[first : first + ENROL_AT_ONCE]))
    ids = (tx.next, tx.next + 1, tx.next + 2, tx.next + 3)
    names = (numbered("right", ids[0]), numbered("right", ids[1]), numbered("right", ids[2]), numbered("right", ids[3]))
    public = all(column.data_class == "public" for column in card.columns)
    first_links = rights.in_her_own_hands if owner else rights.at_the_source
    for fact in first_links(card.asset, source, publisher, names):
        # What is the public's its body may let others operate; what is a person's stays with whom she gave it to.
        fact = replace(fact, until=charter.until) if charter and fact.grantee == publisher else fact
        tx.append(replace(fact, may_grant=True) if public and fact.right == "operate" else fact)
    micro_rho, nano_delta = (
        node.rulebook.value(f"privacy.budget-{unit}", tx.now) for unit in ("micro-rho", "nano-delta")
    )
    tx.append(BudgetOpened(card.asset, taken.version, micro_rho, nano_delta))
    asset = tx.get(Asset, card.asset)
    assert asset is not None
    return Registered(asset, new)


def known_as(prefix: str, value: str) -> str:
    """What people call the person whom a value of the person column means."""
    return slug(f"{prefix}-{value}")


def member(node: Node, tx: Transaction, prefix: str, value: str) -> str:
    """The id of the person whom a value of the person column means; registers her if she is new.

    Her id is random: it stands in facts about many, where it must lead to nobody once she is erased.
    """
    called = known_as(prefix, value)
    known = find_party(tx, called)
    if known:
        return known.id
    id = f"p-{node.entropy.bytes(8).hex()}"
    tx.append(PartyRegistered(id, "person", f"{prefix.capitalize()} {value}", known_as=called, key=tx.new_key()))
    return id


def record_consents(
    node: Node, asset: str, purpose: str, members: list[str] | None, evidence: str
) -> ConsentsRecorded | Refusal:
    """Takes over consents that the holder collected; None means every person the asset is about.

    Raises:
        BadInput: the purpose is not in the tree, or nothing says where the forms are kept.
    """
    known = purposes.checked(purpose)
    if not evidence.strip():
        raise BadInput("input.evidence", "consents need evidence", "say where the signed forms are kept")

    def rule(tx: Transaction) -> ConsentsRecorded | Refusal:
        people = {person.party: person.number for person in tx.list(Person, asset=asset)}
        named = list(people) if members is None else members
        chosen = [people.get(id_of(tx, member)) for member in named]
        strangers = [member for member, number in zip(named, chosen, strict=True) if number is None]
        if strangers or not people:
            return refuse(
                "registry.unknown", "no consent was recorded",
                f"`{asset}` is not about `{strangers[0]}`" if strangers else f"there is no asset `{asset}`",
                remedy="list members of the asset only",
            )  # fmt: skip
        return ConsentsRecorded(
            asset, known, tuple(sorted(number for number in chosen if number is not None)), holdable(evidence.strip())
        )

    return node.record(rule)
