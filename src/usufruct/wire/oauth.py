"""OAuth 2.0 for programs: who signs her request for a token, the token, and the proof that comes with each use of it.

A program signs a statement with a key of its party (`private_key_jwt`, RFC 7523) and gets a token for five minutes
(RFC 9068), bound to a key that it makes for the purpose. With each request it proves that it has that key (DPoP,
RFC 9449): for this method and address, now, once, and with this token. So a token that leaks from a log is worth
nothing, and a proof that leaks is worth nothing either.

A party may let another act for it by saying so in what it signs (`may_act`); the other then exchanges the party's token for one
of its own, which names the party and, in `act`, everybody in between (RFC 8693).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from usufruct.wire import jose

TOKEN_SECONDS = 300
"""How long an access token lives."""
ASSERTION_SECONDS = 300
"""How long what a client signs may live."""
PROOF_SECONDS = 60
"""How old a proof may be."""
AHEAD_SECONDS = 5
"""How far a client's clock may be ahead of ours."""
PARTIES_MAX = 4
"""Parties that may act one for the other, the first included."""

TOKEN_TYPE, PROOF_TYPE = "at+jwt", "dpop+jwt"
CLIENT_CREDENTIALS = "client_credentials"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Signed:
    """Something that may be seen once: its `id`, when it was made, and until when it could be shown again."""

    id: str
    issued: int
    until: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a client signed to get a token: the `party` it speaks for, with the key of that `thumbprint`; who `may_act`."""

    party: str
    thumbprint: str
    may_act: str
    signed: Signed


@dataclass(frozen=True, slots=True)
class Proof:
    """That whoever sent a request has the key with that `thumbprint`."""

    thumbprint: str
    signed: Signed


@dataclass(frozen=True, slots=True)
class Access:
    """An access token. `actors` act for `party`, who sends requests first; `keys` are thumbprints of the keys with which
    each of them, and the party at the end, signed for it. `holder` is the key that the token is bound to."""

    party: str
    actors: tuple[str, ...]
    keys: tuple[str, ...]
    scopes: frozenset[str]
    holder: str
    until: int
    may_act: str = ""


def party_of(assertion: str) -> str:
    """The party that an assertion names; nothing in it is verified. Raises ValueError."""
    return jose.unverified(assertion).text("sub")


def read_assertion(text: str, keys: Sequence[str], audiences: tuple[str, ...], now: int) -> Assertion:
    """What a client signed with one of `keys` (public JWKs), for one of `audiences` and nobody else.

    Raises:
        ValueError: it does not hold (RFC 7523, section 3).
    """
    token = jose.verify(text, [jose.public_key(jose.strict_json(key)) for key in keys])
    assert token.key is not None
    party = token.text("sub")
    if token.text("iss") != party:
        raise ValueError("`iss` and `sub` must both be the client")
    if not _is_only(token.claims.get("aud"), audiences):
        raise ValueError(f"`aud` must be `{audiences[0]}` alone")
    expires = token.time("exp")
    if expires is None or expires > now + ASSERTION_SECONDS + AHEAD_SECONDS:
        raise ValueError(f"`exp` must be at most {ASSERTION_SECONDS} seconds away")
    token.check_times(now)
    issued = _lately(token, ASSERTION_SECONDS, now)
    may_act = token.claims.get("may_act")
    actor = may_act.get("sub", "") if isinstance(may_act, dict) else ""
    signed = Signed(f"{party} {token.text('jti')}", issued, expires + jose.SKEW_SECONDS)
    return Assertion(party, token.key.thumbprint, actor if isinstance(actor, str) else "", signed)


def _is_only(audience: object, audiences: tuple[str, ...]) -> bool:
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    return isinstance(audience, str) and audience in audiences


def _lately(token: jose.Token, most: int, now: int) -> int:
    issued = token.time("iat")
    if issued is None or not now - most <= issued <= now + AHEAD_SECONDS:
        raise ValueError("`iat` is missing, too long ago, or in the future; compare the clocks")
    return issued


def read_proof(text: str, method: str, url: str, now: int, token: str = "") -> Proof:
    """A proof for one request, and for the access `token` that comes with it.

    Raises:
        ValueError: it is for another request, another token or another time (RFC 9449, section 4.3).
    """
    key = jose.public_key(jose.unverified(text).header.get("jwk"))
    proof = jose.verify(text, [key], PROOF_TYPE)
    if proof.claims.get("htm") != method:
        raise ValueError(f"the proof is not for `{method}`")
    if _place(proof.text("htu")) != _place(url):
        raise ValueError(f"the proof is not for `{url}`")
    issued = _lately(proof, PROOF_SECONDS, now)
    if token and proof.claims.get("ath") != jose.to_base64url(hashlib.sha256(token.encode()).digest()):
        raise ValueError("the proof is not for this token")
    id = proof.text("jti")
    if len(id) > 200:
        raise ValueError("`jti` is longer than 200 characters")
    return Proof(key.thumbprint, Signed(f"{key.thumbprint} {id}", issued, issued + PROOF_SECONDS + 1))


def _place(url: str) -> tuple[str, str, int | None, str]:
    """An address without query and fragment, in one spelling (RFC 3986, section 6.2.2 and 6.2.3)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme), parts.path or "/"


def write_access(
    access: Access, issuer: str, id: str, now: int, public: bytes, signature: Callable[[bytes], bytes]
) -> str:  # fmt: skip
    """An access token (RFC 9068), signed with the Ed25519 key `public`; `issuer` is who takes it, too."""
    act: dict[str, Any] = {}
    for actor in reversed(access.actors):
        act = {"sub": actor, **({"act": act} if act else {})}
    claims = {
        "iss": issuer, "aud": issuer, "sub": access.party, "client_id": (*access.actors, access.party)[0],
        "iat": now, "exp": access.until, "jti": id, "scope": " ".join(sorted(access.scopes)),
        "cnf": {"jkt": access.holder}, "keys": list(access.keys),
        **({"act": act} if act else {}), **({"may_act": {"sub": access.may_act}} if access.may_act else {}),
    }  # fmt: skip
    kid = jose.public_key(jose.ed25519_jwk(public)).thumbprint
    return jose.sign({"alg": "Ed25519", "typ": TOKEN_TYPE, "kid": kid}, claims, signature)


def read_access(text: str, issuer: str, public: bytes, now: int) -> Access:
    """An access token of this node, for this node.

    Raises:
        ValueError: it is none, or has run out.
    """
    token = jose.verify(text, [jose.public_key(jose.ed25519_jwk(public))], TOKEN_TYPE)
    if token.claims.get("iss") != issuer or token.claims.get("aud") != issuer:
        raise ValueError(f"it is not for `{issuer}`")
    expires = token.time("exp")
    if expires is None or now >= expires:
        raise ValueError("it has run out")
    holder, keys, may_act = token.claims.get("cnf"), token.claims.get("keys"), token.claims.get("may_act", {})
    assert isinstance(holder, dict) and isinstance(keys, list), "this node wrote it"
    return Access(
        token.text("sub"), tuple(actors(token.claims)), tuple(keys), frozenset(token.text("scope").split()),
        holder["jkt"], expires, may_act.get("sub", ""),
    )  # fmt: skip


def actors(claims: Mapping[str, Any]) -> Iterator[str]:
    """Who acts for the subject of a token: who sends it first, then whom that one acts for, and so on.

    Raises:
        ValueError: the chain is too long, or a part of it names nobody.
    """
    depth, act = 1, claims.get("act")
    while act is not None:
        depth += 1
        if depth > PARTIES_MAX:
            raise ValueError(f"more than {PARTIES_MAX} parties act one for the other")
        if not isinstance(act, dict) or not isinstance(act.get("sub"), str) or not act["sub"]:
            raise ValueError("`act` names nobody")
        yield act["sub"]
        act = act.get("act")


def metadata(issuer: str, token_endpoint: str, keys: str, scopes: Sequence[str]) -> dict[str, Any]:
    """What a client must know (RFC 8414)."""
    return {
        "issuer": issuer,
        "token_endpoint": token_endpoint,
        "jwks_uri": keys,
        "scopes_supported": list(scopes),
        "response_types_supported": [],
        "grant_types_supported": [CLIENT_CREDENTIALS, TOKEN_EXCHANGE],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(jose.ALGORITHMS),
        "dpop_signing_alg_values_supported": list(jose.ALGORITHMS),
    }
