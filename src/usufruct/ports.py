"""The only doors to the world, each with what is demanded of whoever stands behind it.

The node is written against these; `main` decides what is plugged in. A port has the methods its users call and no
others. What the types cannot say is said in prose, and held by one test suite that every implementation must pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, TypeVar

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader
from usufruct.core.income.holders import HolderPlan
from usufruct.core.income.measure import Portion
from usufruct.core.income.payout import Credit, Order
from usufruct.core.income.settlement import Settlement
from usufruct.core.income.value import Term
from usufruct.core.privacy.cubes import CubePlan, Tallied
from usufruct.core.privacy.records import RecordsPlan
from usufruct.core.privacy.release import Group
from usufruct.core.privacy.rules import QueryPlan
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.core.registry.seen import ColumnProposed, ColumnSeen
from usufruct.core.registry.state import Asset, Stored

T = TypeVar("T")


class Clock(Protocol):
    """What time it is."""

    def now(self) -> Instant:
        """The present instant. May jump; the store refuses to write behind its last fact."""

    def steady(self) -> int:
        """Milliseconds from some moment on, that never go back."""

    def sleep(self, milliseconds: int) -> None:
        """Returns when so much time is over."""


class Entropy(Protocol):
    """Unpredictable bytes."""

    def bytes(self, count: int) -> bytes:
        """`count` bytes from a cryptographic source; never the same twice, never logged."""


class Noise(Protocol):
    """Noise for privacy."""

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        """`values`, each with its own draw of the discrete Gaussian of that standard deviation added.

        The sampler must be exact (no floating-point shortcut) and draw from a cryptographic source.
        """


class Signer(Protocol):
    """The node's signing key (Ed25519)."""

    @property
    def name(self) -> str:
        """The key's name, which is the origin of the journal."""

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""


class KeyRing(Protocol):
    """Persons' keys, by slot. A key seals what the journal keeps of its person alone, and can be destroyed."""

    def create(self, secret: bytes, slot: int | None = None) -> int:
        """Keeps a new key of 32 random bytes, in the next slot or the one given, and returns its slot; durable after
        `sync`."""

    def sync(self) -> None:
        """Returns when every key that was created is durable."""

    def counting_key(self, slot: int) -> bytes | None:
        """The key by which a person counts her records; None once it is destroyed."""

    def hiding_key(self, slot: int) -> bytes | None:
        """The key that hides from a person what is withheld from her for a time; None once it is destroyed."""

    def seal(self, slot: int, leaf: bytes, nonce: bytes, record: bytes) -> bytes:
        """The opening of a leaf, sealed with the key and bound to the leaf."""

    def open(self, slot: int, leaf: bytes, sealed: bytes) -> tuple[bytes, bytes] | None:
        """Nonce and record; None if the key is destroyed. Raises ValueError if it is there and does not open them."""

    def destroy(self, slot: int) -> None:
        """Overwrites a key; nothing that it sealed can be read when this returns."""


class TableKeys(Protocol):
    """The keys with which stored tables are sealed in backups."""

    def rotate(self, asset: str, version: str) -> None:
        """Replaces the key of a version of an asset: no copy that was sealed before opens when this returns."""


class Passwords(Protocol):
    """Slow hashes of secrets that people choose."""

    def hash(self, password: str) -> str:
        """A salted hash that says how it was made."""

    def verify(self, hashed: str, password: str) -> bool:
        """Whether the password is the one; takes as long for a wrong one."""


@dataclass(frozen=True, slots=True)
class TableIn:
    """A table of a `name` in a `place` that may hold several: a file, or a PostgreSQL database at an address, which may
    hold a password and is never shown. Without a name it is the only one there. A `Path` alone is a file of one table."""

    place: Path | str = field(repr=False)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ingested:
    """A table that was taken in: its `version` (a digest of its bytes), the SHA-256 of what was `stored`,
    `rows`, `nulls` per column, the `period` its
    period column covers, and whom it is about: what the person column holds, in the order of the persons' numbers."""

    version: str
    stored: str
    rows: int
    nulls: tuple[int, ...]
    period: str
    persons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivered:
    """A file of `rows` that may leave as it is: where it lies, its `size` in bytes and its SHA-256."""

    path: Path
    rows: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Exact numbers, still inside the trust boundary: the `groups`, for each vector of the plan its numbers group by group,
    and for each source the bounded rows per person (unsigned 32-bit, little-endian; empty where it is about nobody). `shares`
    are what each person added, if that was asked for, as `core.income.measure.shares` reads them."""

    groups: list[Group]
    vectors: list[list[int]]
    contributions: list[bytes]
    shares: list[bytes] = field(default_factory=list)


NOBODY = 2**32 - 1  # in `Among.numbers`: a person who is not in the first source


@dataclass(frozen=True, slots=True)
class Among:
    """Whose rows of a source may be used: a bitmap of its `persons`. `numbers` (unsigned 32-bit, little-endian) say which
    number each of them has in the plan's first source about persons, 2^32 - 1 if none; empty for that source itself."""

    population: bytes
    persons: int
    numbers: bytes | None = None


Numbers = Callable[[str, Sequence[str]], Sequence[int]]
"""Gives the persons whom a table of some version is about, by what its person column holds, their numbers; before anything
is written, so that what it raises leaves all as it was."""


class Engine(Protocol):
    """Runs plans where the data lie. Nothing but plans of this project is ever run."""

    def inspect(self, table: Path | TableIn) -> list[ColumnSeen]:
        """A first look at a table, for proposing a card. Raises BadInput if it cannot be read."""

    def classify(self, table: Path | TableIn) -> list[ColumnProposed]:
        """What the columns of a table may be, on the cautious side. Raises BadInput if it cannot be read."""

    def ingest(self, card: Card, table: Path | TableIn, numbers: Numbers | None = None) -> Ingested:
        """Takes a table in, typed by the card; durable when it returns. Without `numbers` persons are numbered in their
        order, from 0. Raises BadInput naming the first row that is ragged or mistyped, and keeps nothing then."""

    def fits(self, asset: Asset, stored: Stored, persons: int) -> None:
        """Returns if the stored table of a version is the file that the journal names, and is as the card and the number
        of persons say. Looks again only when the file was touched. Raises EngineFault, with a message that tells of no
        row; what is wrong stands in the node's log."""

    def examine(self, asset: Asset, stored: Stored, persons: int) -> list[str]:
        """What is wrong with a stored table, in words for its steward, with the rows; nothing if it is whole."""

    def forget(self, asset: str, version: str) -> bool:
        """Deletes the table of a version, which nothing will read any more; whether there was one."""

    def remove(self, asset: str, version: str, numbers: Sequence[int]) -> str:
        """Prepares the table without these persons' rows, durably, beside the old one; its SHA-256. Raises EngineFault."""

    def found(self, card: Card, version: str) -> str:
        """Makes the table of a pool, without rows; durable when it returns the SHA-256 of it. Raises StoreFull."""

    def bring(self, pool: Asset, cell: Asset, brought: Sequence[Column], number: int) -> str:
        """As `remove`, the table of a pool with the rows of a cell for any of the person of that number; the columns
        `brought` of the cell become those of the pool, in its order. Raises EngineFault."""

    def replace(self, asset: str, version: str, stored: str) -> None:
        """Lets the prepared table of that SHA-256 take the old one's place, if it has not; throws away any other."""

    def export(self, asset: Asset, suffix: str, notes: Mapping[str, str]) -> Delivered:
        """The whole table of an asset as a `.csv` or `.parquet` file that carries `notes`; the same bytes each time. Who
        calls it has decided that all of it may leave. Raises EngineFault, StoreFull."""

    def records(self, plan: RecordsPlan, population: bytes, persons: int) -> list[tuple[int, tuple[Any, ...]]]:
        """The rows of the plan, from persons of the population only, each with the number of the person whom it is about
        (-1 in a table about nobody); in the place of her own column stands nothing. Raises EngineFault."""

    def tally(self, plan: CubePlan, population: bytes, persons: int) -> Tallied:
        """The figures of a cube over the rows of the population. Raises EngineFault."""

    def identified(
        self, asset: Asset, identifier: Column | None, value: Column | None, reach: int, population: bytes, persons: int
    ) -> list[tuple[int, str | None, int]]:
        """Of each person of the population: number, first identifier, bounded total within `reach`. Raises EngineFault."""

    def run(self, plan: QueryPlan, among: Sequence[Among | None], terms: Sequence[Term] = ()) -> Measured:
        """The plan's exact numbers over the rows of the populations, one for each source (None for one about nobody); with
        `terms` each person's share in them, unless the engine only counts rows. Raises EngineFault, with a message that does
        not depend on the data, if it fails or runs over its limits."""

    def holders(self, plan: HolderPlan, among: Sequence[Among | None]) -> list[tuple[Any, ...]]:
        """What `core.income.holders.shares` works from, over the rows of the populations. Raises EngineFault."""

    def check(self, text: str, assets: Sequence[Asset], columns: int) -> bool:
        """Whether a second reader takes a text for one plain question over these tables, with so many columns in the answer
        (0: any number). It is not run, and no data are near."""


@dataclass(frozen=True, slots=True)
class EpochTrees:
    """What the two trees of an epoch are grown from (see `core.proof.tally`): the `slips` and `counts` as rows of entries,
    the `seed` of the random leaves, and the room in either tree. `counts` are kept of the newest epoch only."""

    seed: bytes
    slips: bytes
    slips_room: int
    counts: bytes | None
    counts_room: int


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """A request to a service: `headers` as they are to be sent; `private` lets it lie in a private network."""

    method: str
    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    private: bool = False


@dataclass(frozen=True, slots=True)
class ServiceReply:
    """What a service answered, without the headers that concern the connection only."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Services(Protocol):
    """Systems behind HTTP, asked without blocking."""

    async def ask(self, request: ServiceRequest) -> ServiceReply:
        """The answer, read whole; redirects are answers and not followed, bodies are not decompressed. Connects to no
        address in a private network, whatever a name resolves to, unless `private`. Raises PeerFault."""

    async def close(self) -> None:
        """Lets go of all connections."""


class Settler(Protocol):
    """What works settlements out."""

    def settle(
        self, portions: Sequence[Portion], before: Iterable[bytes], persons: int, least: int, seed: bytes
    ) -> Settlement:
        """The settlement, to the last byte that of `core.income.settlement.settle`, of any size. `before` is read once."""


class Transaction(Reader, Protocol):
    """One command's turn at writing: it reads the state as it is, and what it appends is kept together or not at all."""

    @property
    def now(self) -> Instant:
        """The instant of everything appended in this transaction."""

    @property
    def next(self) -> int:
        """The sequence number that the next fact will get."""

    def append(self, fact: Fact) -> Entry:
        """Puts a fact at the end of the journal and folds it into the state."""

    def keep_epoch(self, number: int, trees: EpochTrees, tallies: Mapping[int, tuple[int, bytes]]) -> None:
        """Keeps the trees of an epoch that is being closed, and the counts and heads that it changed, by key slot."""

    def sealed_with(self, key: int) -> tuple[int, ...]:
        """The numbers of the facts whose records that person's key seals."""

    def new_key(self) -> int:
        """Makes a key for a new person and returns its slot, to be named by the fact that registers her."""

    def attach(self, media_type: str, evidence: bytes) -> str:
        """Keeps evidence beside the journal and returns its sealed digest, to be named by a fact."""

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal. Raises JournalDamaged if it is missing."""


@dataclass(frozen=True, slots=True)
class PayingAccount:
    """The account that is paid from: its IBAN, whose it is, and the bank's BIC if it is known."""

    iban: str
    holder: str
    bic: str


class Payer(Protocol):
    """Brings orders to the bank. An order is first prepared, and handed over only once its fact is durable."""

    @property
    def account(self) -> PayingAccount | None:
        """The account that is paid from; None if the node has none."""

    def prepare(self, order: Order, credits: Iterable[Credit]) -> str:
        """Writes an order, the same bytes each time, and keeps it where no bank finds it, in place of any that was prepared
        for its payout; durable when it returns its SHA-256. Raises StoreFull."""

    def hand_over(self, payout: str, digest: str) -> bool:
        """Hands over the prepared order with that digest; True once it is handed over, however often it is asked; False if
        there is none."""

    def order(self, payout: str) -> Path | None:
        """Where the order of a payout lies that was handed over."""

    def kept(self) -> Collection[str]:
        """The payouts of which there are orders."""

    def forget(self, payout: str) -> None:
        """Deletes the orders of a payout: they name persons and their accounts, and nobody needs them any more."""


class PublicLog(Protocol):
    """What of the journal is public, as it was at one moment."""

    def size(self) -> int:
        """The number of facts."""

    def checkpoint(self) -> str | None:
        """The newest signed checkpoint, a C2SP signed note; None while the journal is empty."""

    def signed_between(self, first: int, last: int) -> bool:
        """Whether a checkpoint was signed for a size from `first` to `last`."""

    def leaves(self, first: int, count: int) -> list[bytes]:
        """The leaves from number `first` on, which are public. Raises JournalDamaged if one is missing."""

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """The tree's hashes of complete subtrees of 2**level leaves each, from number `first` on. Raises
        JournalDamaged if one is missing."""


class Snapshot(Reader, PublicLog, Protocol):
    """The state and the journal as they were at one moment."""

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal. Raises JournalDamaged if it is missing."""

    def also_in(self, asset: str, other: str) -> Iterator[tuple[int, int]]:
        """The persons of an asset whom the other is about too: the number of each here and there, in any order. What
        `list(Person, …)` of both would tell, at the cost of an index: there may be a million."""

    def entry(self, seq: int) -> Entry:
        """The fact at that place."""

    def entries(self, first: int, last: int) -> Iterator[Entry]:
        """The facts from `first` to before `last`."""

    def concerning(self, first: int, last: int) -> Iterator[Entry]:
        """Of the facts from `first` to before `last` all that may be records about persons (see `core.epochs.concerns`),
        and as few others as can be: most facts are about systems and need not be read."""

    def epoch(self, number: int) -> EpochTrees:
        """What the trees of an epoch are grown from. Raises JournalDamaged if that is missing."""

    def tallies(self) -> dict[int, tuple[int, bytes]]:
        """Everybody's count of records and head of chain at the end of the newest epoch, by key slot."""

    def history(self, party: str) -> list[Entry]:
        """The facts about a party, oldest first."""

    def mentions(self, party: str) -> list[int]:
        """Where the facts about a party stand, in their order; unread, so that a damaged one hides no other."""

    def receipt(self, seq: int) -> Receipt:
        """The fact's place in the journal, with its proof against the newest signed checkpoint."""


class Store(Protocol):
    """The journal, the state folded from it, and the few ordinary tables of the shell.

    `write` returns only when what was appended is on disk: a crash after that loses nothing, a crash before leaves no
    trace. Many callers may wait together; one sync serves them all. Commands run one after the other in one order,
    which is the order of the journal.
    """

    def write(self, command: Callable[[Transaction], T]) -> T:
        """Runs `command` in its turn. An exception undoes what it appended and is raised here. Raises StoreFull,
        ClockWentBack."""

    def submit(self, command: Callable[[Transaction], T]) -> Future[T]:
        """`write` for callers who must not block: what it would return or raise, once that is so."""

    def refold(self, before: Callable[[], None]) -> None:
        """In the writer's turn: marks the state as stale (durably), runs `before`, folds the whole journal again and wipes
        what stood there before, so that no byte of it is left in the store's files once nobody reads it any more. If a
        crash comes in between, the state is folded again when the store opens."""

    def read(self) -> AbstractContextManager[Snapshot]:
        """A snapshot to read from; does not wait for writers."""

    def close(self) -> None:
        """Finishes what waits and lets go of the directory."""


class Logins(Protocol):
    """Who may come in: ordinary tables, not facts. Secrets are kept as hashes only."""

    def set_password(self, party: str, role: str, hashed: str) -> None:
        """Gives a party an account, or another password."""

    def password(self, party: str) -> tuple[str, str] | None:
        """Role and hash."""

    def add_secret(
        self, kind: str, digest: bytes, party: str, role: str, scopes: str, until: Instant, label: str
    ) -> None:
        """Keeps the digest of a session, token or one-time link."""

    def secret(self, kind: str, digest: bytes) -> tuple[str, str, str, Instant] | None:
        """Party, role, scopes and end, by the secret's digest."""

    def drop_secret(self, kind: str, digest: bytes) -> bool:
        """Forgets it; whether it was there. Atomic: of two callers one gets True."""

    def drop_ended(self, kind: str, at: Instant) -> None:
        """Forgets secrets of that kind that have run out, a bounded number at once."""

    def link_subject(self, issuer: str, subject: str, party: str, role: str) -> None:
        """Lets who logs in at `issuer` as `subject` into the account of a party."""

    def linked(self, issuer: str, subject: str) -> tuple[str, str] | None:
        """Party and role of the account that this subject was linked to."""

    def subjects(self, party: str) -> list[tuple[str, str, str]]:
        """Issuer, subject and role of every link to a party's account."""

    def unlink_subjects(self, party: str) -> None:
        """Forgets every link to a party's account."""

    def forget(self, party: str) -> None:
        """Forgets a party's password, links and secrets, and wipes them."""

    def secrets(self, kind: str, party: str) -> list[tuple[bytes, str, str, Instant]]:
        """Digest, label, scopes and end of all of a party's secrets of that kind."""
