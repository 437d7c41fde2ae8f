"""The door to other connectors, a port like those of `ports`: how messages are spelled, and what is kept secret of them."""

from __future__ import annotations

from typing import Protocol

from usufruct.core.dataspace.messages import Message, ProcessState, ProtocolError


class Spelling(Protocol):
    """The Dataspace Protocol's messages as bytes, and back. What comes from outside may be anything at all."""

    def write(self, message: Message) -> bytes:
        """A message, the same bytes each time."""

    def read_negotiation(self, body: bytes) -> ProcessState:
        """Where a negotiation stands: the answer to a message that opens one, or to who asks. Raises BadInput."""

    def read_transfer(self, body: bytes) -> ProcessState:
        """The same of a transfer. Raises BadInput."""

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
