"""The door to other connectors, a port like those of `ports`: how messages are spelled, and what is kept secret of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from usufruct.core.base.instants import Instant
from usufruct.core.dataspace.catalogue import Catalogue, Dataset
from usufruct.core.dataspace.messages import Message, ProcessState, ProtocolError, TransferStart
from usufruct.core.dataspace.versions import Version


class Spelling(Protocol):
    """The Dataspace Protocol's messages as bytes, and back. What comes from outside may be anything at all."""

    def write(self, message: Message) -> bytes:
        """A message, the same bytes each time."""

    def read_negotiation(self, body: bytes) -> ProcessState:
        """Where a negotiation stands: the answer to a message that opens one, or to who asks. Raises BadInput."""

    def read_transfer(self, body: bytes) -> ProcessState:
        """The same of a transfer. Raises BadInput."""

    def write_catalogue_request(self) -> bytes:
        """The question for a catalogue."""

    def read_catalogue(self, body: bytes) -> Catalogue:
        """A catalogue, or a page of it. Raises BadInput."""

    def read_versions(self, body: bytes) -> tuple[Version, ...]:
        """Which versions of the protocol another node speaks, and where. Raises BadInput."""

    def read_links(self, header: str) -> dict[str, str]:
        """The addresses in a `Link` header, by what they are: `next`, `previous`."""

    def read_transfer_start(self, body: bytes) -> TransferStart:
        """The start of a transfer, with the address of the data. Raises BadInput."""

    def read_error(self, body: bytes) -> ProtocolError:
        """Why another node said no. Raises BadInput."""


class Vault(Protocol):
    """Secrets that others gave this node, by name; in no journal and in no backup. Durable when a method returns."""

    def keep(self, name: str, secret: bytes) -> None:
        """Keeps a secret, in place of the one before."""

    def get(self, name: str) -> bytes | None:
        """The secret of that name, if there is one."""

    def drop(self, name: str) -> None:
        """Forgets it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A dataset in the catalogue of a peer: `participant` is whose it is, which is another's where the peer passes catalogues
    on; `fetched` is when it was read there."""

    peer: str
    participant: str
    fetched: Instant
    dataset: Dataset


@dataclass(frozen=True, slots=True)
class Visit:
    """The last reading of a peer's catalogue: how many `entries` it had, how many could not be read (`left_out`), and why it
    `failed`, if it did; then the entries are those of the reading before."""

    peer: str
    at: Instant
    entries: int
    left_out: int = 0
    failed: str = ""


class Catalogues(Protocol):
    """What others have on offer, as it was last read. No facts: all of it can be read again."""

    def keep(self, visit: Visit, entries: Sequence[Entry]) -> None:
        """Keeps a peer's catalogue in place of the one before."""

    def note(self, visit: Visit) -> None:
        """Keeps that a peer's catalogue could not be read; what was read before stays."""

    def forget(self, peer: str) -> None:
        """Forgets a peer's catalogue."""

    def visits(self) -> dict[str, Visit]:
        """The last reading of each peer."""

    def entry(self, peer: str, dataset: str) -> Entry | None:
        """One dataset of a peer."""

    def search(self, words: str, peer: str = "", limit: int = 100) -> list[Entry]:
        """Entries in which each of the words begins a word of title, description, keywords or name, the closest first;
        without words all of them, by name."""
