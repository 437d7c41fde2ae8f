"""The doors to witnesses and time stamp authorities: ports like those of `ports`, in a file of their own, for nothing
else in the node needs them to be true. They are what others say of this node's checkpoints, and what it says of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from usufruct.core.base.instants import Instant


@dataclass(frozen=True, slots=True)
class WitnessReply:
    """A witness's answer: an HTTP status, a media type and a text (c2sp.org/tlog-witness)."""

    status: int
    media_type: str
    text: str


class Witnesses(Protocol):
    """Witnesses elsewhere. They may lie, hang or send without end."""

    def add_checkpoint(self, url: str, submission: str) -> WitnessReply:
        """What the witness at `url` answers; nothing in it is verified. Raises PeerFault within a bounded time."""


class TimestampAuthority(Protocol):
    """A time stamp authority elsewhere (RFC 3161)."""

    def stamp(self, message: bytes) -> tuple[Instant, bytes]:
        """When the authority says that `message` existed, and its signed answer, verified. Raises PeerFault within a
        bounded time."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """An authority's `token` says that the checkpoint `note`, of that `size`, existed at `at`."""

    size: int
    at: Instant
    note: str
    token: bytes


class Attestations(Protocol):
    """What others said of this node's checkpoints. Durable when a method returns; all of it can be asked for again."""

    def cosignatures(self) -> dict[str, tuple[int, str]]:
        """Size and line of each witness's last word, by its key."""

    def keep_cosignature(self, witness: str, size: int, line: str) -> None:
        """Keeps a witness's word, which was verified, in place of the one before."""

    def witnessed(self) -> str | None:
        """The newest checkpoint that had a quorum, with the witnesses' lines under it."""

    def keep_witnessed(self, note: str) -> None:
        """Keeps a checkpoint with a quorum under it, in place of the one before."""

    def timestamps(self) -> list[tuple[int, Instant]]:
        """Size and moment of every time stamp, oldest first."""

    def timestamp(self, size: int) -> Timestamp | None:
        """The time stamp of the checkpoint of that size."""

    def keep_timestamp(self, stamp: Timestamp) -> None:
        """Keeps a time stamp that was verified; the first of a size stays."""

    def again(self) -> Instant | None:
        """When a time stamp may be asked for again; None if at once."""

    def keep_again(self, at: Instant) -> None:
        """Keeps when a time stamp may be asked for again."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What a witness signed for a log: a checkpoint of that `size`, at `time` (seconds since 1970), as `note`."""

    size: int
    time: int
    note: str


class Witnessed(Protocol):
    """What a witness has signed. It is never set back."""

    def keys(self, origin: str) -> list[str]:
        """The verifier keys that are trusted for a log; none if it is not known."""

    def origins(self) -> list[str]:
        """The logs that are known."""

    def last(self, origin: str) -> Cosigned | None:
        """What was signed last for a log."""

    def put(self, origin: str, before: Cosigned | None, after: Cosigned) -> bool:
        """Puts `after` in the place of `before` if that still stands there, as one step, on disk when it returns;
        whether it did."""
