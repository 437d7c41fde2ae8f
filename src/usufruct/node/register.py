"""Register parties and assets; grant rights; take over consents that were collected before."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from usufruct.core.access.facts import ConsentsRecorded
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered, slug
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.facts import BudgetOpened
from usufruct.core.registry import rights
from usufruct.core.registry.facts import AssetRegistered, PartyRegistered, PersonsEnrolled, Quality, RightGranted
from usufruct.core.registry.rules import Card, check_card, check_new, register_party
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.core.rulebook import purposes
from usufruct.node.node import Node
from usufruct.ports import Ingested, Transaction

ENROL_AT_ONCE = 10_000  # persons in one fact

_INTAKE = threading.Lock()


def add_party(node: Node, party: str, kind: str, name: str, principal: str | None = None) -> PartyRegistered | Refusal:
    """Registers somebody."""

    return node.record(lambda tx: register_party(tx, party, kind, name, principal))


@dataclass(frozen=True, slots=True)
class Registered:
    """What registering an asset came to: the asset, and how many persons are new to the node."""

    asset: Asset
    new_members: int


def add_asset(node: Node, card: Card, table: Path, publisher: str) -> Registered | Refusal:
    """Takes a table in and registers it, with the persons it is about as members, in one transaction.

    The bytes are on disk before the fact that names them; a table whose fact was never written is an orphan file and
    does no harm. One table at a time: a second one of the same name must find the first one's fact, not its file.
    """
    with _INTAKE:
        return _take_in(node, card, table, publisher)


def _take_in(node: Node, card: Card, table: Path, publisher: str) -> Registered | Refusal:
    with node.store.read() as state:
        refusal = check_card(state, card, publisher)
    if refusal:
        return refusal
    taken = node.engine.ingest(card, table)
    node.reach("asset after ingest")

    def command(tx: Transaction) -> Registered | Refusal:
        refusal = check_card(tx, card, publisher) or check_new(tx, card, taken.version)
        return refusal or _register(node, tx, card, taken, publisher)

    return node.store.write(command)


def _register(node: Node, tx: Transaction, card: Card, taken: Ingested, publisher: str) -> Registered:
    source = slug(f"members-of-{card.asset}")
    if tx.get(Party, source) is None:
        tx.append(PartyRegistered(source, "group", f"the members of {card.title}"))
    members = tuple(slug(f"{card.member_prefix}-{value}") for value in taken.persons)
    new = 0
    for member, value in zip(members, taken.persons, strict=True):
        if tx.get(Party, member) is None:
            tx.append(PartyRegistered(member, "person", f"{card.member_prefix.capitalize()} {value}"))
            new += 1
    quality = Quality(taken.rows, len(members), taken.nulls, taken.period)
    tx.append(AssetRegistered(
        card.asset, publisher, source, card.title, card.description, card.licence, card.keywords, taken.version,
        taken.stored, card.person_column, card.columns, card.rows_per_person, card.once_per, quality,
    ))  # fmt: skip
    for first in range(0, len(members), ENROL_AT_ONCE):
        tx.append(PersonsEnrolled(card.asset, first, members[first : first + ENROL_AT_ONCE]))
    ids = (tx.next, tx.next + 1, tx.next + 2, tx.next + 3)
    names = (numbered("right", ids[0]), numbered("right", ids[1]), numbered("right", ids[2]), numbered("right", ids[3]))
    for fact in rights.at_the_source(card.asset, source, publisher, names):
        tx.append(fact)
    tx.append(BudgetOpened(card.asset, taken.version, node.rulebook.value("privacy.budget-micro-rho", tx.now)))
    asset = tx.get(Asset, card.asset)
    assert asset is not None
    return Registered(asset, new)


def grant_right(
    node: Node,
    grantor: str,
    grantee: str,
    asset: str,
    right: str,
    until: Instant | None = None,
    may_grant: bool = False,
) -> RightGranted | Refusal:
    """Passes a right on.

    Raises:
        BadInput: no such right.
    """
    if right not in rights.RIGHTS:
        raise BadInput("input.right", f"`{right}` is not a right", f"use one of {', '.join(rights.RIGHTS)}")

    def rule(tx: Transaction) -> RightGranted | Refusal:
        if tx.get(Party, grantee) is None:
            return refuse(
                "registry.unknown", f"the right to {right} `{asset}` was not granted", f"there is no party `{grantee}`",
                remedy="register the party first",
            )  # fmt: skip
        return rights.grant(tx, numbered("right", tx.next), grantor, grantee, asset, right, tx.now, until, may_grant)

    return node.record(rule)


def record_consents(
    node: Node, asset: str, purpose: str, members: list[str] | None, evidence: str
) -> ConsentsRecorded | Refusal:
    """Takes over consents that the holder collected; None means every person the asset is about.

    Raises:
        BadInput: the purpose is not in the tree, or nothing says where the forms are kept.
    """
    known = purposes.normal(purpose)
    if known is None:
        near = ", ".join(purposes.nearest(purpose)) or "see the purpose tree"
        raise BadInput("input.purpose", f"`{purpose}` is not in the purpose tree", f"nearest: {near}")
    if not evidence.strip():
        raise BadInput("input.evidence", "consents need evidence", "say where the signed forms are kept")

    def rule(tx: Transaction) -> ConsentsRecorded | Refusal:
        people = {person.party: person.number for person in tx.list(Person, asset=asset)}
        chosen = list(people) if members is None else members
        strangers = [member for member in chosen if member not in people]
        if strangers or not people:
            return refuse(
                "registry.unknown", "no consent was recorded",
                f"`{asset}` is not about `{strangers[0]}`" if strangers else f"there is no asset `{asset}`",
                remedy="list members of the asset only",
            )  # fmt: skip
        return ConsentsRecorded(
            asset, known, tuple(sorted(people[member] for member in chosen)), holdable(evidence.strip())
        )

    return node.record(rule)
