"""A witness, asked over HTTP (c2sp.org/tlog-witness)."""

from __future__ import annotations

from pathlib import Path

from usufruct.attested import WitnessReply
from usufruct.core.base.faults import BadInput, PeerFault
from usufruct.core.proof.quorum import Trust
from usufruct.peer.http import SECONDS, post

ANSWER_LIMIT = 16 * 1024
"""Bytes of an answer that are read: signature lines, of which post-quantum ones have some 3,000 bytes each."""


class HttpWitnesses:
    """`attested.Witnesses` over HTTP; `seconds` for each request."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def add_checkpoint(self, url: str, submission: str) -> WitnessReply:
        """What the witness at `url`, its submission prefix, answers."""
        address = f"{url.rstrip('/')}/add-checkpoint"
        reply = post(
            address, "text/plain; charset=utf-8", submission.encode(), seconds=self._seconds, limit=ANSWER_LIMIT
        )
        try:
            return WitnessReply(reply.status, reply.media_type, reply.body.decode())
        except UnicodeDecodeError:
            raise PeerFault(
                "peer.failed", f"the server at `{address}` sent what is not text", "nothing is lost; it is asked again"
            ) from None


def read_trust(path: Path) -> Trust:
    """The trust that a tlog-policy file describes.

    Raises:
        BadInput: it cannot be read; the message names the line.
    """
    try:
        return Trust.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(
            "input.trust", f"`{path}` cannot be read as a tlog-policy file: {error}", "correct it at that place"
        ) from None
