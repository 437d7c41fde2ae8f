"""Whom the node believes about who somebody is, and the doors through which it asks them.

These ports stand beside their users, `identity` and `login`, and not with the others: nothing else goes through them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.credentials import Listed, Named, Scalar, Shown, StatusReference, TrustedIssuer
from usufruct.node.once import Once


class Documents(Protocol):
    """Documents elsewhere: issuers' keys and status lists."""

    def get(self, url: str, private: bool) -> bytes:
        """What lies at `url`. Connects to no address in a private network unless `private`, follows no redirect, and does
        not ask again for a while where it just failed. Raises PeerFault within a bounded time."""


class Credentials(Protocol):
    """Credentials and status lists: what is verified follows from the arguments alone."""

    def named(self, text: str) -> Named:
        """What a credential says of itself, unverified. Raises BadInput if it is none."""

    def document_of(self, trusted: TrustedIssuer) -> str:
        """Where the issuer's keys lie, to be given to the methods below as `document`; empty if the settings have them."""

    def verify(
        self, text: str, trusted: TrustedIssuer, document: bytes, audience: str, nonce: str, at: Instant
    ) -> Shown | Refusal:
        """What a credential of that issuer and type says at that instant, presented by its holder for this `audience` in
        answer to this `nonce`."""

    def status_list(
        self, text: bytes, uri: str, trusted: TrustedIssuer, document: bytes, at: Instant, max_age: int
    ) -> Listed | Refusal:
        """A status list of that issuer, of that `uri`, signed at most `max_age` seconds ago."""

    def issue(
        self, issuer: str, type: str, claims: Mapping[str, Scalar], holder: str, status: StatusReference, at: Instant,
        until: Instant, public: bytes, sign: Callable[[bytes], bytes], salt: Callable[[], bytes],
    ) -> str:  # fmt: skip
        """A credential bound to the public JWK `holder`, signed with the Ed25519 key `public`. Raises BadInput if it is
        none, or a claim has a name that is taken."""

    def publish_status(
        self, issuer: str, uri: str, revoked: Iterable[int], room: int, at: Instant, life: int, public: bytes,
        sign: Callable[[bytes], bytes],
    ) -> str:  # fmt: skip
        """A signed status list of `room` places, of which those in `revoked` say no; good for `life` seconds."""


class OpenId(Protocol):
    """An OpenID Connect provider elsewhere, which knows people."""

    @property
    def issuer(self) -> str:
        """Its issuer identifier."""

    def start(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where to send a browser to log in and come back to `redirect`. Raises PeerFault."""

    def finish(self, query: str, redirect: str, state: str, nonce: str, verifier: str, at: Instant) -> str:
        """The subject who logged in, by the query that her browser came back with. Raises Unwelcome where it is not the
        answer to what was started; PeerFault."""


@dataclass(frozen=True, slots=True)
class Identities:
    """Whom the settings believe about who somebody is.

    Status lists of credentials count for `status_seconds` from when they were signed. `openid` is where people may log in.
    `once` remembers what may be seen once.
    """

    trusted: tuple[TrustedIssuer, ...]
    status_seconds: int
    credentials: Credentials
    documents: Documents
    openid: OpenId | None
    once: Once
