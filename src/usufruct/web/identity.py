"""Who somebody is, over HTTP: the node's own keys and metadata, tokens for programs, credentials, and logging in elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct, field

from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import did_web
from usufruct.core.base.instants import END_OF_TIME, parse, seconds
from usufruct.core.registry.credentials import (
    CredentialAccepted,
    CredentialEnded,
    CredentialRevoked,
    IssuedCredential,
)
from usufruct.core.registry.keys import KeyRegistered, KeyRevoked, PartyKey
from usufruct.node import identity, login
from usufruct.node.node import Node
from usufruct.web import participants
from usufruct.web.api import STEWARD, AnyRequest, done
from usufruct.web.auth import claim_once, node_of, proof_of, who_is
from usufruct.web.messages import Day, Id, Text
from usufruct.web.portal.pages import Form
from usufruct.wire import jose, oauth

PUBLIC = {"rule": "public"}
ACCOUNT = {"rule": "account"}
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
KEYS_PATH = "/.well-known/jwks.json"


# ---- what the node says of itself


@get("/.well-known/did.json", opt=PUBLIC, sync_to_thread=False, summary="The node's DID document")
def did_document(request: AnyRequest) -> Response[dict[str, Any]]:
    """The did:web document of the node: the key that signs its journal, its tokens and its credentials, the one that it
    speaks with, and where to reach it."""
    node = node_of(request)
    speaks = jose.compact(jose.p256_jwk(node.identities.voice.public))
    did, services = node.connector.participant, participants.services_of(node.about.url)
    found = jose.did_document(did, node.signer.public, speaks, services)
    return Response(found, media_type="application/did+json")


@get(KEYS_PATH, opt=PUBLIC, sync_to_thread=False, summary="The node's key")
def key_set(request: AnyRequest) -> dict[str, Any]:
    """The same key as a JWK set."""
    jwk = jose.ed25519_jwk(node_of(request).signer.public)
    return {"keys": [{**jwk, "kid": jose.public_key(jwk).thumbprint, "alg": "Ed25519", "use": "sig"}]}


@get("/.well-known/oauth-authorization-server", opt=PUBLIC, sync_to_thread=False, summary="How to get a token")
def metadata(request: AnyRequest) -> dict[str, Any]:
    """What a client must know to get a token (RFC 8414)."""
    url = node_of(request).about.url
    return oauth.metadata(url, url + TOKEN_PATH, url + KEYS_PATH, tuple(login.SCOPES))


# ---- tokens for programs


class TokenError(Exception):
    """A request for a token that gets none; `error` is a code of RFC 6749."""

    def __init__(self, error: str, why: str) -> None:
        super().__init__(why)
        self.error = error


def _no_token(request: AnyRequest, error: TokenError) -> Response[dict[str, str]]:
    status = 401 if error.error == "invalid_client" else 400
    return Response({"error": error.error, "error_description": str(error)}, status_code=status)


@post(TOKEN_PATH, opt=PUBLIC, status_code=200, sync_to_thread=True, summary="A token for a program",
      exception_handlers={TokenError: _no_token})  # fmt: skip
def token(request: AnyRequest, data: Form) -> dict[str, Any]:
    """A token for five minutes, for whoever signs with a registered key; see docs/reference/identity.md."""
    node = node_of(request)
    given = _parameters(data)
    client = _client(node, given)
    try:
        proof = proof_of(request)
    except ValueError as error:
        raise TokenError("invalid_dpop_proof", str(error)) from None
    if given.get("resource", node.about.url) != node.about.url:
        raise TokenError("invalid_target", f"tokens are for `{node.about.url}` only")
    grant, now = given.get("grant_type"), seconds(node.clock.now())
    if grant == oauth.CLIENT_CREDENTIALS:
        access = _own(node, client, proof.thumbprint, given, now)
    elif grant == oauth.TOKEN_EXCHANGE:
        access = _exchanged(node, client, proof.thumbprint, given, now)
    else:
        raise TokenError("unsupported_grant_type", f"use {oauth.CLIENT_CREDENTIALS} or {oauth.TOKEN_EXCHANGE}")
    text = oauth.write_access(
        access, node.about.url, node.entropy.bytes(16).hex(), now, node.signer.public, node.signer.sign
    )
    return {
        "access_token": text, "token_type": "DPoP", "expires_in": access.until - now,
        "scope": " ".join(sorted(access.scopes)),
        **({"issued_token_type": oauth.ACCESS_TOKEN} if grant == oauth.TOKEN_EXCHANGE else {}),
    }  # fmt: skip


def _parameters(data: dict[str, Any]) -> dict[str, str]:
    if not all(isinstance(value, str) for value in data.values()):
        raise TokenError("invalid_request", "a parameter is there twice")
    return data


def _client(node: Node, given: dict[str, str]) -> oauth.Assertion:
    """The client that signed the request; unknown parties and wrong keys get the same words."""
    try:
        if given.get("client_assertion_type") != oauth.CLIENT_ASSERTION:
            raise ValueError("clients sign a JWT (`private_key_jwt`)")
        text = given.get("client_assertion", "")
        party = oauth.party_of(text)
        now = node.clock.now()
        keys = [key.jwk for key in identity.keys_of(node, party) if key.party == party]
        url = node.about.url
        assertion = oauth.read_assertion(text, keys, (url, url + TOKEN_PATH), seconds(now))
        if given.get("client_id", party) != party:
            raise ValueError("`client_id` is another than who signed")
        if identity.speaks_for(node, assertion.thumbprint) is None:
            raise ValueError("no key that is trusted for it signed it")
        claim_once(node, assertion.signed)
    except ValueError as error:
        raise TokenError("invalid_client", str(error)) from None
    return assertion


def _own(node: Node, client: oauth.Assertion, holder: str, given: dict[str, str], now: int) -> oauth.Access:
    row = identity.speaks_for(node, client.thumbprint)
    scopes = _scopes(given, frozenset(login.ROLES[row.role]) if row else frozenset())
    return oauth.Access(
        client.party, (), (client.thumbprint,), scopes, holder, now + oauth.TOKEN_SECONDS, client.may_act
    )


def _exchanged(node: Node, client: oauth.Assertion, holder: str, given: dict[str, str], now: int) -> oauth.Access:
    """A token with which the client acts for another party, which named it in a token of its own (RFC 8693)."""
    if given.get("subject_token_type") != oauth.ACCESS_TOKEN:
        raise TokenError("invalid_request", f"`subject_token_type` must be `{oauth.ACCESS_TOKEN}`")
    try:
        subject = oauth.read_access(given.get("subject_token", ""), node.about.url, node.signer.public, now)
    except ValueError as error:
        raise TokenError("invalid_grant", str(error)) from None
    if subject.may_act != client.party or login.acting(node, subject) is None:
        raise TokenError("invalid_grant", f"`{subject.party}` did not say that `{client.party}` may act for it")
    if len(subject.actors) + 2 > oauth.PARTIES_MAX:
        raise TokenError("invalid_grant", f"more than {oauth.PARTIES_MAX} parties would act one for the other")
    scopes = _scopes(given, subject.scopes)
    return oauth.Access(
        subject.party, (client.party, *subject.actors), (client.thumbprint, *subject.keys), scopes, holder,
        subject.until, client.may_act,
    )  # fmt: skip


def _scopes(given: dict[str, str], most: frozenset[str]) -> frozenset[str]:
    wanted = frozenset(given["scope"].split()) if given.get("scope") else most
    if not wanted or not wanted <= most:
        raise TokenError("invalid_scope", f"this key reaches as far as: {' '.join(sorted(most))}")
    return wanted


# ---- keys of parties


class NewKey(Struct, forbid_unknown_fields=True):
    """A public key (a JWK, Ed25519 or P-256) with which programs of `party` sign."""

    party: Id
    role: Text
    key: dict[str, Any]
    until: Day | None = None


@post("/keys", opt=STEWARD, sync_to_thread=True, summary="Register a key")
def add_key(request: AnyRequest, data: JSONBody[NewKey]) -> KeyRegistered:
    """Who signs with it speaks for the party from now on."""
    try:
        key = jose.public_key(data.key)
    except ValueError as error:
        raise BadInput("input.key", str(error), "give a public JWK, Ed25519 or P-256") from None
    until = parse(data.until) if data.until else END_OF_TIME
    return done(identity.register_key(node_of(request), data.party, data.role, key.thumbprint, key.jwk, until))


@get("/keys", opt={"rule": "anyone"}, sync_to_thread=True, summary="Your keys")
def list_keys(request: AnyRequest) -> list[PartyKey]:
    """The keys with which programs sign for you, and those that did."""
    return identity.keys_of(node_of(request), who_is(request).party)


@delete("/keys/{thumbprint:str}", opt=ACCOUNT, sync_to_thread=True, status_code=200, summary="Revoke a key")
def revoke_key(request: AnyRequest, thumbprint: FromPath[str], party: FromQuery[str | None] = None) -> KeyRevoked:
    """Every token that was got with it is refused from the next request on. The steward may say whose key (`party`)."""
    who = who_is(request)
    if party is not None and party != who.party and "steward" not in who.scopes:
        raise BadInput("input.party", "only the steward revokes keys of others", "leave `party` out")
    return done(identity.revoke_key(node_of(request), party or who.party, thumbprint))


# ---- credentials


class ShownCredential(Struct, forbid_unknown_fields=True):
    """A credential with its holder's signature. `claims` are those that you agree to have kept, and used by rules."""

    credential: Annotated[str, Meta(min_length=1, max_length=jose.TOKEN_LIMIT)]
    claims: Annotated[list[Text], Meta(max_length=100)] = field(default_factory=list)


class NewCredential(Struct, forbid_unknown_fields=True):
    """A credential to issue to `party`, bound to its public `key` (a JWK), good for `days`."""

    party: Id
    type: Text
    claims: dict[str, str | int | bool]
    key: dict[str, Any]
    days: int = 365


@post("/credentials/challenges", opt=ACCOUNT, sync_to_thread=True, summary="A nonce to sign")
def add_challenge(request: AnyRequest) -> identity.Challenge:
    """What the holder of a credential signs to show it here; good once."""
    return identity.challenge(node_of(request), who_is(request).party)


@post("/credentials", opt=ACCOUNT, sync_to_thread=True, summary="Show a credential")
def show_credential(request: AnyRequest, data: JSONBody[ShownCredential]) -> CredentialAccepted:
    """Rules may use its claims from now on, as far as you agree."""
    who = who_is(request)
    return done(identity.present(node_of(request), who.party, data.credential, tuple(data.claims)))


@get("/credentials", opt=ACCOUNT, sync_to_thread=True, summary="Your credentials")
def list_credentials(request: AnyRequest) -> list[identity.CredentialLine]:
    """What you have shown, what was kept of it, and whether it counts now."""
    return identity.shown_by(node_of(request), who_is(request).party)


@delete("/credentials/{id:str}", opt=ACCOUNT, sync_to_thread=True, status_code=200, summary="Take a credential back")
def forget_credential(request: AnyRequest, id: FromPath[str]) -> CredentialEnded:
    """Rules use it no more."""
    return done(identity.forget(node_of(request), who_is(request).party, id))


@post("/credentials/issued", opt=STEWARD, sync_to_thread=True, summary="Issue a credential")
def issue_credential(request: AnyRequest, data: JSONBody[NewCredential]) -> dict[str, str]:
    """An SD-JWT VC, for its holder alone: what is claimed is in no record of the node."""
    node = node_of(request)
    issuer = did_web(node.about.url)
    key = jose.compact(data.key)
    return {
        "credential": done(identity.issue(node, issuer, data.party, data.type, data.claims, key, data.days)),
        "issuer": issuer,
    }


@get("/credentials/issued", opt=STEWARD, sync_to_thread=True, summary="Issued credentials")
def list_issued(request: AnyRequest) -> list[IssuedCredential]:
    """To whom, of which type, until when, and which were revoked."""
    return identity.issued(node_of(request))


@delete("/credentials/issued/{index:int}", opt=STEWARD, sync_to_thread=True, status_code=200, summary="Revoke one")
def revoke_credential(request: AnyRequest, index: FromPath[int]) -> CredentialRevoked:
    """The status list says so from now on."""
    return done(identity.revoke(node_of(request), index))


@get("/credentials/status", opt=PUBLIC, sync_to_thread=True, media_type="application/statuslist+jwt",
     summary="The node's status list")  # fmt: skip
def status_list(request: AnyRequest) -> str:
    """Which credentials of this node are revoked, as a Token Status List: numbers only, and no party."""
    node = node_of(request)
    return identity.status_list(node, did_web(node.about.url))


routers = [
    Router("/", route_handlers=[did_document, key_set, metadata, token], include_in_schema=False),
    Router("/api/v1", route_handlers=[
        add_key, list_keys, revoke_key, add_challenge, show_credential, list_credentials, forget_credential,
        issue_credential, list_issued, revoke_credential, status_list,
    ]),
]  # fmt: skip
