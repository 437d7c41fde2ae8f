"""The node as a participant of a dataspace, over HTTP: its credential service, and what its steward does about it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.base.faults import Unwelcome
from usufruct.core.dataspace.claims import CredentialDropped, CredentialReceived, OwnCredential
from usufruct.core.dataspace.messages import VERSION
from usufruct.node.dataspace import wallet
from usufruct.node.node import Node
from usufruct.web.api import STEWARD, AnyRequest, done
from usufruct.web.auth import bearer, node_of
from usufruct.web.messages import Text
from usufruct.wire import jose

PUBLIC = {"rule": "public"}
Did = Annotated[str, Meta(min_length=9, max_length=2000, pattern="^did:web:")]


# ---- for other participants


def _token(request: AnyRequest) -> str:
    token = bearer(request)
    if token is None:
        raise Unwelcome(
            "login.token", "the request carries no token", "send a self-issued token: `Authorization: Bearer …`"
        )
    return token


@post("/presentations/query", opt=PUBLIC, status_code=200, summary="The node's credential service")
async def query(request: AnyRequest) -> Response[bytes]:
    """PresentationQueryMessage → PresentationResponseMessage: what the asker's token lets it see (DCP 1.0, section 5.4)."""
    node, token = node_of(request), _token(request)
    services = node.connector.services()
    try:
        answer = await wallet.show(node, services, token, await request.body())
    finally:
        await services.close()
    if answer is None:
        return Response(b"{}", status_code=501, media_type="application/json")
    return Response(answer, media_type="application/json")


@post("/credentials", opt=PUBLIC, status_code=200, summary="An issuer brings credentials of the node")
async def deliver(request: AnyRequest) -> dict[str, int]:
    """CredentialMessage: kept if the settings trust its issuer for them (DCP 1.0, section 6.5)."""
    node, token = node_of(request), _token(request)
    services = node.connector.services()
    try:
        facts = await wallet.take_delivery(node, services, token, await request.body())
    finally:
        await services.close()
    return {"kept": len(facts)}


# ---- for the steward


class Self(Struct):
    """What the node is called among participants, the thumbprint of the key that it speaks with, its credential service,
    and the types of credentials that it demands of others."""

    did: str
    key: str
    service: str
    demanded: tuple[str, ...]


class TokenWanted(Struct, forbid_unknown_fields=True):
    """A token for `audience`, another participant. With it that one may ask for credentials of these `types`; without
    them, for all that the node holds."""

    audience: Did
    types: Annotated[list[Text], Meta(max_length=50)] | None = None


class GivenCredential(Struct, forbid_unknown_fields=True):
    """A credential that says something of this node."""

    credential: Annotated[str, Meta(min_length=1, max_length=jose.TOKEN_LIMIT)]


@get("/", opt=STEWARD, sync_to_thread=True, summary="Who the node is")
def myself(request: AnyRequest) -> Self:
    """As other participants know it."""
    return described(node_of(request))


def described(node: Node) -> Self:
    """What a node is called, and where, and what it demands."""
    key = jose.public_key(jose.p256_jwk(node.identities.voice.public)).thumbprint
    service = node.about.url.rstrip("/") + wallet.SERVICE_PATH
    return Self(node.connector.participant, key, service, node.identities.demanded)


@post("/tokens", opt=STEWARD, status_code=200, sync_to_thread=True, summary="A token of the node's own")
def make_token(request: AnyRequest, data: JSONBody[TokenWanted]) -> dict[str, str]:
    """Good once, for five minutes, for that participant alone."""
    return {"token": wallet.token_for(node_of(request), data.audience, data.types)}


@get("/credentials", opt=STEWARD, sync_to_thread=True, summary="The node's own credentials")
def list_own(request: AnyRequest) -> list[OwnCredential]:
    """Those that it holds and that have not run out."""
    return wallet.holdings(node_of(request))


@post("/credentials", opt=STEWARD, summary="Keep a credential of the node")
async def keep_own(request: AnyRequest, data: JSONBody[GivenCredential]) -> CredentialReceived:
    """It is verified first; it takes the place of what its issuer gave before of the same types."""
    node = node_of(request)
    services = node.connector.services()
    try:
        (fact,) = await wallet.receive(node, services, (data.credential.strip(),))
    finally:
        await services.close()
    return fact


@delete("/credentials/{id:str}", opt=STEWARD, status_code=200, sync_to_thread=True, summary="Show one no more")
def drop_own(request: AnyRequest, id: FromPath[str]) -> CredentialDropped:
    """The node shows it to nobody any more."""
    return done(wallet.drop(node_of(request), id))


def services_of(url: str) -> dict[str, str]:
    """What the node's DID document says of where to reach it; `url` is its address."""
    base = url.rstrip("/")
    return {
        "CredentialService": base + wallet.SERVICE_PATH,
        "DataService": base + "/.well-known/dspace-version",
        "CatalogService": f"{base}/dataspace/{VERSION}/catalog",
    }


routers: list[Any] = [
    Router(wallet.SERVICE_PATH, route_handlers=[query, deliver]),
    Router("/api/v1/participant", route_handlers=[myself, make_token, list_own, keep_own, drop_own]),
]
