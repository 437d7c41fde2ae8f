"""What this node shows of itself: tokens that it signs, and its credential service, which shows its credentials to whom it
let ask for them.

The node lets somebody ask by what it signs into its own token (`access`): for that participant alone, for a few minutes,
for the types that it names. Only who sends that back, in a token of its own, is looked up at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.refusals import Refusal
from usufruct.core.dataspace import claims as dataspace_claims
from usufruct.core.dataspace.claims import CredentialDropped, CredentialReceived, OwnCredential, scope_of, wanted
from usufruct.core.dataspace.state import peer_called
from usufruct.node.dataspace.recognition import issuer_document, speaker, unwelcome
from usufruct.node.node import Node
from usufruct.ports import Services, Transaction

SERVICE_PATH = "/dataspace/identity"
"""Where the credential service is, below the node's address."""
PLAIN = "VerifiableCredential"
"""The type that every credential has, and that says nothing."""


def token_for(node: Node, audience: str, types: Sequence[str] | None = None) -> str:
    """A token by which this node shows `audience` (a DID) who it is; good once, for five minutes. With it that one may ask
    for the credentials of these types; without `types`, for all that the node holds."""
    claims, voice, own, now = (
        node.identities.claims,
        node.identities.voice,
        node.connector.participant,
        node.clock.now(),
    )
    if types is None:
        types = sorted({type for row in holdings(node) for type in row.types} - {PLAIN})
    access = ""
    if types:
        scopes = tuple(map(scope_of, types))
        id = node.entropy.bytes(16).hex()
        access = claims.write_access(own, audience, scopes, id, now, voice.public, voice.sign)
    return claims.write_token(own, audience, node.entropy.bytes(16).hex(), now, voice.public, voice.sign, access)


def holdings(node: Node) -> list[OwnCredential]:
    """The credentials that this node was given and that have not run out."""
    with node.store.read() as state:
        return dataspace_claims.held(state, node.clock.now())


async def show(node: Node, services: Services, token: str, body: bytes) -> bytes | None:
    """What this node's credential service answers: for each profile one presentation, of those credentials that are asked
    for *and* that the asker was let ask for. None where it is asked in a way that is not supported.

    Raises:
        Unwelcome: the token does not hold, or brings nothing that this node gave to its sender.
        BadInput: it is no question.
    """
    claims, voice, own = node.identities.claims, node.identities.voice, node.connector.participant
    try:
        did, access = claims.says(token)
        reader, scopes = claims.read_access(access, own, voice.public, node.clock.now())
        if reader != did:
            raise ValueError("its `token` was given to somebody else")
        with node.store.read() as state:
            peer = peer_called(state, did)
        await speaker(node, services, token, did, peer is not None and peer.private)
    except ValueError as error:
        raise unwelcome(error) from None
    try:
        asked = claims.read_query(body)
        if asked is None:
            return None
        both = wanted(asked), wanted(scopes)
    except ValueError as error:
        raise BadInput("input.dataspace", f"this cannot be answered: {error}", "see DCP 1.0, section 5.4.1") from None
    found = [row for row in holdings(node) if all(one.has(row.types, row.named) for one in both)]
    return claims.write_response([
        claims.write_presentation(
            own, did, [row.text for row in found if row.profile == profile], profile, node.entropy.bytes(16).hex(),
            node.clock.now(), voice.public, voice.sign,
        )
        for profile in sorted({row.profile for row in found})
    ])  # fmt: skip


async def take_delivery(node: Node, services: Services, token: str, body: bytes) -> list[CredentialReceived]:
    """An issuer brings credentials of this node (DCP 1.0, section 6.5).

    Raises:
        Unwelcome: nobody's whom the settings trust, or the token does not hold.
        BadInput: it is no delivery, or a credential in it does not hold.
    """
    try:
        did, _ = node.identities.claims.says(token)
        trusted = next((one for one in node.identities.trusted if one.issuer == did and not one.keys), None)
        if trusted is None:
            raise ValueError(f"this node trusts `{did[:200]}` for no credential")
        await speaker(node, services, token, did, trusted.private)
    except ValueError as error:
        raise unwelcome(error) from None
    try:
        texts = node.identities.claims.read_delivery(body)
    except ValueError as error:
        raise _unfit(error) from None
    return await receive(node, services, texts, did)


async def receive(
    node: Node, services: Services, texts: Sequence[str], by: str = ""
) -> list[CredentialReceived]:  # fmt: skip
    """Keeps credentials that say something of this node, all of them or none; `by` is who must have issued them.

    Raises:
        BadInput: one is of an issuer or type that is not trusted, does not hold, or is about somebody else.
    """
    claims, own, now = node.identities.claims, node.connector.participant, node.clock.now()
    found = []
    try:
        for text in texts:
            issuer, types = claims.vouched_by(text)
            trusted = next((t for t in node.identities.trusted if t.issuer == issuer and t.type in types), None)
            if trusted is None or issuer != (by or issuer):
                raise ValueError(f"this node trusts `{issuer}` for none of {', '.join(types)}")
            said = claims.read_credential(text, await issuer_document(node, services, trusted), issuer, now)
            if said.subject != own:
                raise ValueError(f"it is about `{said.subject}`, and this node is `{own}`")
            found.append((said, text))
    except ValueError as error:
        raise _unfit(error) from None

    def command(tx: Transaction) -> list[CredentialReceived]:
        facts = []
        for said, text in found:
            id = numbered("own-credential", tx.next)
            fact = CredentialReceived(
                id, said.issuer, own, said.named, said.types, said.profile, text, said.until
            )  # fmt: skip
            tx.append(fact)
            facts.append(fact)
        return facts

    return await asyncio.to_thread(node.store.write, command)


def drop(node: Node, id: str) -> CredentialDropped | Refusal:
    """The node shows a credential of its own to nobody any more."""
    found = node.record(lambda tx: dataspace_claims.drop(tx, id))
    assert isinstance(found, CredentialDropped | Refusal)
    return found


def _unfit(error: ValueError) -> BadInput:
    return BadInput("input.credential", f"the credential was not kept: {error}", "ask its issuer for another")
