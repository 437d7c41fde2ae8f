"""A time stamp authority, asked over HTTP (RFC 3161 section 3.4), and its answers verified, then and years later.

The answer is kept as it came, so other programs verify it too:

    openssl ts -verify -in TOKEN -data CHECKPOINT -CAfile CA

The library behind this comes with the extra `timestamp`; it is loaded when a stamp is asked for or looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from usufruct.core.base.faults import BadInput, PeerFault
from usufruct.core.base.instants import Instant, instant
from usufruct.peer.http import SECONDS, post

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read: a token with its chain of certificates has some 6,000."""


class HttpAuthority:
    """`attested.TimestampAuthority` at `url`, trusted by the `roots` of its certificates; `seconds` for each request."""

    def __init__(self, url: str, roots: list[x509.Certificate], seconds: float = SECONDS) -> None:
        self._url, self._roots, self._seconds = url, roots, seconds

    def stamp(self, message: bytes) -> tuple[Instant, bytes]:
        """When the authority says that `message` existed, and its answer as it came."""
        from rfc3161_client import TimestampRequestBuilder

        request = TimestampRequestBuilder().data(message).build()
        reply = post(
            self._url,
            "application/timestamp-query",
            request.as_bytes(),
            seconds=self._seconds,
            limit=ANSWER_LIMIT,
        )
        try:
            if reply.status != 200 or reply.media_type != "application/timestamp-reply":
                raise ValueError(f"status {reply.status}, `{reply.media_type[:100]}`")
            return verify(reply.body, message, self._roots, request), reply.body
        except ValueError as error:
            raise PeerFault(
                "peer.failed",
                f"the time stamp authority at `{self._url}` did not answer as it must: {error}",
                "nothing is lost; it is asked again",
            ) from None


def verify(
    token: bytes, message: bytes, roots: list[x509.Certificate], request: TimeStampRequest | None = None
) -> Instant:
    """When an authority whose certificate goes back to one of `roots` says that `message` existed.

    With the `request`, the answer must be to this one, too. Certificates must have been valid then, not now.

    Raises:
        ValueError: naming what is wrong.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    builder = VerifierBuilder(roots=roots) if request is None else VerifierBuilder(roots=roots, nonce=request.nonce)
    try:
        response = decode_timestamp_response(token)
        builder.build().verify_message(response, message)
        return instant(response.tst_info.gen_time)
    except VerificationError as error:
        raise ValueError(f"the time stamp is not good: {error}") from None


def read_roots(path: Path) -> list[x509.Certificate]:
    """The certificates in a PEM file.

    Raises:
        BadInput: there is none, or the library that is needed for time stamps is not installed.
    """
    try:
        import rfc3161_client  # noqa: F401
    except ImportError:
        raise BadInput(
            "input.timestamp", "time stamps need a library that is not installed", "install the extra `timestamp`"
        ) from None
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(
            "input.timestamp", f"`{path}` has no certificates: {error}", "name a PEM file with the authority's root"
        ) from None
