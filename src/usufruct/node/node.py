"""A node: what the use cases need of the world, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from usufruct.allocator import Allocator
from usufruct.attested import Attestations, TimestampAuthority, Witnesses
from usufruct.core.base.records import FactT
from usufruct.core.base.refusals import Refusal
from usufruct.core.disclosure import Book
from usufruct.core.privacy.matching_sides import Intersecting, Matching
from usufruct.core.proof.checkpoint import Verify
from usufruct.core.proof.quorum import Trust
from usufruct.core.rulebook.parameters import Rulebook
from usufruct.core.work.skills.lookup import Looked
from usufruct.node.dataspace.doors import Connector
from usufruct.node.identities import Identities
from usufruct.node.runs import Runs
from usufruct.ports import (
    Clock,
    Engine,
    Entropy,
    KeyRing,
    Logins,
    Noise,
    Passwords,
    Payer,
    Settler,
    Signer,
    Store,
    TableKeys,
    Transaction,
)
from usufruct.trainer import Trainer


@dataclass(frozen=True, slots=True)
class About:
    """What the node says of itself: the `operator` is the party that runs it; `origin` names its journal."""

    name: str
    operator: str
    origin: str
    currency: str
    url: str


@dataclass(frozen=True, slots=True)
class Outside:
    """Who confirms this node's checkpoints, and what they said so far.

    `trust` says which witnesses are asked and how many are enough; the authority is asked once in `timestamp_minutes`.
    """

    attestations: Attestations
    witnesses: Witnesses
    verify: Verify
    trust: Trust
    authority: TimestampAuthority | None
    timestamp_minutes: int


T = TypeVar("T")


def no_step(step: str) -> None:
    """Nobody watches the steps."""


class _Undone(Exception):
    """Takes back what a command appended before its refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


def or_undone(found: T | Refusal) -> T:
    """What was found; a refusal takes back all that the command appended, see `Node.together`."""
    if isinstance(found, Refusal):
        raise _Undone(found)
    return found


def unless_refused(work: Callable[[], T]) -> T | Refusal:
    """What comes of work in which `or_undone` may refuse."""
    try:
        return work()
    except _Undone as undone:
        return undone.refusal


@dataclass(frozen=True, slots=True)
class Node:
    """Everything plugged in. `reach` is told each step, for tests that stop the process there; `disclosed` is what was read
    for the yearly disclosure so far, `runs` are the matches that other nodes are in the middle of. `intersecting` is there if the
    settings say where SPU is. `looked` is what is kept in memory about skills."""

    about: About
    store: Store
    logins: Logins
    engine: Engine
    noise: Noise
    trainer: Trainer
    clock: Clock
    entropy: Entropy
    signer: Signer
    keyring: KeyRing
    table_keys: TableKeys
    passwords: Passwords
    rulebook: Rulebook
    outside: Outside
    identities: Identities
    matching: Matching
    payer: Payer
    reach: Callable[[str], None] = no_step
    disclosed: Book = field(default_factory=Book)
    runs: Runs[Any] = field(default_factory=Runs)
    intersecting: Intersecting | None = None
    looked: Looked = field(default_factory=Looked)
    settler: Settler = field(kw_only=True)
    allocator: Allocator = field(kw_only=True)
    connector: Connector = field(kw_only=True)

    def record(self, rule: Callable[[Transaction], FactT | Refusal]) -> FactT | Refusal:
        """Asks a rule in the writer's turn and appends the fact it comes to; a refusal appends nothing."""

        def command(tx: Transaction) -> FactT | Refusal:
            fact = rule(tx)
            if not isinstance(fact, Refusal):
                tx.append(fact)
            return fact

        return self.store.write(command)

    def together(self, command: Callable[[Transaction], T]) -> T | Refusal:
        """Runs a command of many facts, of which `or_undone` may refuse one: then nothing happened."""
        return unless_refused(lambda: self.store.write(command))
