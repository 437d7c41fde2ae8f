"""Who another node is, from the token that it sends with a message: the party that it is linked to, or nobody.

The way goes: whose it says it is → is that one linked at all → its document → the signature → for us, now, once → (if the
settings demand it) what others say of it: its credential service asked, the presentation verified, each issuer trusted,
nothing revoked. Nothing is fetched for a stranger, so nobody can have this node ask others by sending it tokens; and
addresses in private networks are asked only where the steward allowed it for that peer or issuer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

from usufruct.core.base.faults import PeerFault, Unwelcome
from usufruct.core.base.instants import Instant, later, seconds
from usufruct.core.dataspace.claims import SelfIssued, Vouched, scope_of
from usufruct.core.dataspace.state import Peer, peer_called
from usufruct.core.registry.credentials import TrustedIssuer
from usufruct.node.node import Node
from usufruct.ports import ServiceRequest, Services

SECONDS = 10
"""How long another node may take to say who it is."""
DOCUMENT_LIMIT = 64 * 1024
"""Bytes of a document of a participant, and of what its credential service answers, that are read."""
LIST_LIMIT = 2 * 1024 * 1024
"""Bytes of a status list as it comes."""
KEPT_SECONDS = 60
"""For how long what was fetched is not fetched again."""
RETRY_SECONDS = 5
"""After how long it is, if a token does not verify (its key may be new) or nothing could be had."""
FETCHED_MOST = 1000
"""Documents that are remembered."""


async def participant(node: Node, services: Services, token: str) -> str:
    """The party whose node signed this token for us.

    Raises:
        Unwelcome: nobody's that is linked, or it does not hold, or what its sender must show could not be verified.
    """
    try:
        did, _ = node.identities.claims.says(token)
        with node.store.read() as state:
            peer = peer_called(state, did)
        if peer is None:
            raise ValueError(f"no peer of this node is the participant `{did[:200]}`")
        said, document = await speaker(node, services, token, did, peer.private)
        if node.identities.demanded:
            await _demand(node, services, said, document, peer)
    except ValueError as error:
        raise unwelcome(error) from None
    return peer.party


def unwelcome(error: ValueError) -> Unwelcome:
    """What is said to somebody whose token does not hold."""
    return Unwelcome(
        "login.token", f"the token was not accepted: {error}",
        "sign a new one for each request, or ask the steward of this node to link yours",
    )  # fmt: skip


async def speaker(
    node: Node, services: Services, token: str, did: str, private: bool
) -> tuple[SelfIssued, bytes]:  # fmt: skip
    """What a token of that participant says, which is now used up, and the participant's document.

    Raises:
        ValueError: it does not hold.
    """
    url, claims, own = node.identities.claims.address_of(did), node.identities.claims, node.connector.participant
    document = await fetch(node, services, url, private, DOCUMENT_LIMIT)
    try:
        said = claims.read_token(token, document, did, own, node.clock.now())
    except ValueError:
        again = await fetch(node, services, url, private, DOCUMENT_LIMIT, RETRY_SECONDS)
        if again == document:
            raise
        said, document = claims.read_token(token, again, did, own, node.clock.now()), again
    use_up(node, said)
    return said, document


def use_up(node: Node, said: SelfIssued) -> None:
    """What may be seen once is seen.

    Raises:
        ValueError: it was before, or could have been before the node started.
    """
    if not node.identities.once.first(said.id, said.issued, said.until, seconds(node.clock.now())):
        raise ValueError("it was used before, or made before this node started")


# ---- what others say of it


async def _demand(node: Node, services: Services, said: SelfIssued, document: bytes, peer: Peer) -> None:
    """That a participant shows a credential of each type that the settings demand (DCP 1.0, section 5.4.3).

    Raises:
        ValueError: it does not, or one that it shows of them does not hold.
    """
    claims, own, now = node.identities.claims, node.connector.participant, node.clock.now()
    if not said.access:
        raise ValueError("it has no claim `token`, by which this node could ask for credentials")
    missing = set(node.identities.demanded)
    answer = await _query(node, services, said, document, peer.private)
    for text in claims.read_response(answer):
        shown, credentials = claims.read_presentation(text, document, said.did, own, now)
        use_up(node, shown)
        for trusted, credential in _demanded(node, credentials):
            found = await _vouched(node, services, trusted, credential, now)
            if found.subject != said.did:
                raise ValueError("a credential that it shows is about somebody else")
            missing -= set(found.types)
    if missing:
        raise ValueError(f"it does not show a `{min(missing)}` of an issuer that this node trusts")


async def _query(node: Node, services: Services, said: SelfIssued, document: bytes, private: bool) -> bytes:
    """What a participant's credential service answers to the question for what is demanded."""
    claims, voice = node.identities.claims, node.identities.voice
    token = claims.write_token(
        node.connector.participant,
        said.did,
        node.entropy.bytes(16).hex(),
        node.clock.now(),
        voice.public,
        voice.sign,
        said.access,
    )
    url = claims.service_of(document, said.did) + "/presentations/query"
    headers = ((b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json"))
    body = claims.write_query(tuple(scope_of(type) for type in sorted(node.identities.demanded)))
    return await _ask(services, ServiceRequest("POST", url, headers, body, private), LIST_LIMIT)


def _demanded(node: Node, credentials: list[str]) -> Iterator[tuple[TrustedIssuer, str]]:
    """Those of the credentials that are demanded, of issuers that are trusted for them. Others are nobody's business."""
    for text in credentials:
        issuer, types = node.identities.claims.vouched_by(text)
        wanted = set(types).intersection(node.identities.demanded)
        yield from ((one, text) for one in node.identities.trusted if one.issuer == issuer and one.type in wanted)


async def _vouched(node: Node, services: Services, trusted: TrustedIssuer, text: str, at: Instant) -> Vouched:
    """What a credential says, once the issuer's signature and its status list were looked at. Raises ValueError."""
    claims = node.identities.claims
    document = await issuer_document(node, services, trusted)
    found = claims.read_credential(text, document, trusted.issuer, at)
    for place in found.status:
        listed = await fetch(node, services, place.uri, trusted.private, LIST_LIMIT)
        if claims.read_status(listed, place, document, trusted.issuer, at, node.identities.status_seconds):
            raise ValueError(f"its `{trusted.type}` was revoked or suspended by `{trusted.issuer}`")
    return found


async def issuer_document(node: Node, services: Services, trusted: TrustedIssuer) -> bytes:
    """The document of a trusted issuer. Raises ValueError."""
    if trusted.keys:
        raise ValueError(f"the keys of `{trusted.issuer}` are in the settings, not in the document of a did:web")
    return await fetch(
        node, services, node.identities.claims.address_of(trusted.issuer), trusted.private, DOCUMENT_LIMIT
    )


# ---- what lies elsewhere


async def fetch(
    node: Node, services: Services, url: str, private: bool, limit: int, age: int = KEPT_SECONDS
) -> bytes:  # fmt: skip
    """What lies at `url`; what was fetched less than `age` seconds ago is not fetched again.

    Raises:
        ValueError: it cannot be had.
    """
    kept, now = node.identities.fetched.found, node.clock.now()
    before = kept.get(url)
    if before is not None and now < later(before[1], seconds=age if before[0] is not None else RETRY_SECONDS):
        if before[0] is None:
            raise ValueError(f"`{url}` could not be had a moment ago")
        return before[0]
    if len(kept) >= FETCHED_MOST:
        kept.clear()
    try:
        kept[url] = (
            await _ask(services, ServiceRequest("GET", url, ((b"accept", b"*/*"),), private=private), limit),
            now,
        )
    except ValueError:
        kept[url] = None, now
        raise
    found = kept[url][0]
    assert found is not None
    return found


async def _ask(services: Services, request: ServiceRequest, limit: int) -> bytes:
    """The body of an answer that says yes. Redirects are not followed: they would be addresses that nobody allowed."""
    try:
        scheme = urlsplit(request.url).scheme
    except ValueError:
        scheme = ""
    if scheme != "https" and not (request.private and scheme == "http"):
        raise ValueError(f"`{request.url[:200]}` is not reached over TLS")
    try:
        async with asyncio.timeout(SECONDS):
            reply = await services.ask(request)
    except TimeoutError:
        raise ValueError(f"`{request.url}` did not answer within {SECONDS} seconds") from None
    except PeerFault as fault:
        raise ValueError(f"`{request.url}`: {fault.message}") from None
    if not 200 <= reply.status < 300:
        raise ValueError(f"`{request.url}` answered with status {reply.status}")
    if len(reply.body) > limit:
        raise ValueError(f"what lies at `{request.url}` is longer than {limit} bytes")
    return reply.body
