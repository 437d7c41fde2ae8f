"""Whom the node believes about who somebody is, and the doors through which it asks them.

These ports stand beside their users, `identity` and `login`, and not with the others: nothing else goes through them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.dataspace.claims import SelfIssued, StatusPlace, Vouched
from usufruct.core.registry.credentials import Listed, Named, Scalar, Shown, StatusReference, TrustedIssuer
from usufruct.core.work.skills.badges import Award
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


class Badges(Protocol):
    """Badges that this node gives, which others verify."""

    def issue(
        self, award: Award, issuer: str, name: str, url: str, holder: str, status: StatusReference, id: str, at: Instant,
        until: Instant, public: bytes, sign: Callable[[bytes], bytes],
    ) -> str:  # fmt: skip
        """A badge for whoever has the key `holder` (a public JWK), signed with the Ed25519 key `public`. Raises ValueError if
        it is no key."""

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


class Voice(Protocol):
    """The key (P-256) with which the node says something to another node now. What it signs for good it signs with its
    `Signer`, which strangers cannot make sign what they like."""

    @property
    def public(self) -> bytes:
        """The two coordinates of the public key, 32 bytes each."""

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""

    def renew(self) -> None:
        """Puts another key in its place, durably; what was signed with the one before verifies no more."""


class Claims(Protocol):
    """What participants of a dataspace say of themselves and of each other, as tokens. What is verified follows from the
    arguments alone; whatever does not hold raises ValueError, which says why."""

    def address_of(self, did: str) -> str:
        """Where the document of a participant lies."""

    def says(self, text: str) -> tuple[str, str]:
        """Whose token it says it is, and what it brings for its credential service; unverified."""

    def read_token(self, text: str, document: bytes, did: str, audience: str, at: Instant) -> SelfIssued:
        """What `did` signed for `audience`, by its document."""

    def write_token(
        self,
        did: str,
        audience: str,
        id: str,
        at: Instant,
        public: bytes,
        sign: Callable[[bytes], bytes],
        access: str = "",
    ) -> str:
        """A token of this node, which is called `did`."""

    def read_access(self, text: str, did: str, public: bytes, at: Instant) -> tuple[str, tuple[str, ...]]:
        """To whom this node gave it, and for which scopes."""

    def write_access(
        self, did: str, audience: str, scopes: Sequence[str], id: str, at: Instant, public: bytes,
        sign: Callable[[bytes], bytes],
    ) -> str:  # fmt: skip
        """What lets `audience` ask this node's credential service."""

    def service_of(self, document: bytes, did: str) -> str:
        """Where the credential service of a participant is."""

    def write_query(self, scopes: Sequence[str]) -> bytes:
        """A question to a credential service."""

    def read_query(self, body: bytes) -> tuple[str, ...] | None:
        """The scopes that are asked for; None where it asks in a way that this node does not answer."""

    def write_response(self, presentations: Sequence[str]) -> bytes:
        """The answer of a credential service."""

    def read_response(self, body: bytes) -> tuple[str, ...]:
        """The presentations in an answer."""

    def read_delivery(self, body: bytes) -> tuple[str, ...]:
        """The credentials that an issuer brings."""

    def read_presentation(
        self, text: str, document: bytes, holder: str, audience: str, at: Instant
    ) -> tuple[SelfIssued, list[str]]:
        """The credentials that `holder` shows to `audience`, and what to see once of it."""

    def write_presentation(
        self, holder: str, audience: str, credentials: Sequence[str], profile: str, id: str, at: Instant, public: bytes,
        sign: Callable[[bytes], bytes],
    ) -> str:  # fmt: skip
        """Credentials of one profile, shown to `audience`."""

    def vouched_by(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Who issued a credential, and of which types it is; unverified."""

    def read_credential(self, text: str, document: bytes, issuer: str, at: Instant) -> Vouched:
        """What a credential of `issuer` says, by the issuer's document."""

    def read_status(
        self, text: bytes, place: StatusPlace, document: bytes, issuer: str, at: Instant, max_age: int
    ) -> bool:
        """Whether a credential is revoked or suspended, by its issuer's list."""


@dataclass(slots=True)
class Fetched:
    """Documents of others that were fetched lately, by address: what lay there (None if it could not be had), and when."""

    found: dict[str, tuple[bytes | None, Instant]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identities:
    """Whom the settings believe about who somebody is.

    Status lists of credentials count for `status_seconds` from when they were signed. `openid` is where people may log in.
    `once` remembers what may be seen once.

    As a participant of a dataspace the node speaks with its `voice`; `demanded` are the types of credentials that
    another participant must show before it is answered.
    """

    trusted: tuple[TrustedIssuer, ...]
    status_seconds: int
    credentials: Credentials
    documents: Documents
    openid: OpenId | None
    once: Once
    claims: Claims
    voice: Voice
    demanded: tuple[str, ...] = ()
    fetched: Fetched = field(default_factory=Fetched)
    badges: Badges = field(kw_only=True)
