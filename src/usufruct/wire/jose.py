"""Signed tokens (JWS, RFC 7515) and public keys (JWK, RFC 7517), as far as this node accepts them: held in one place.

Attacks on such tokens begin with letting the token say how it is to be verified. Here it may not: the keys are given by
whoever asks, a key fixes its algorithm, and `alg` in the token must be that one. Where a token brings a key along
(`jwk`, a proof of possession) it is read by whoever wants it and proves no more than possession; `jku`, `x5u` and `crit`
are never followed. Text that can be read in two ways (an object with a name twice, base64 with loose ends) is not read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey

# `EdDSA` is how Ed25519 was called before RFC 9864; tokens still carry the name.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)

TOKEN_LIMIT = 64 * 1024
"""Characters of a token that is read."""
KEY_BYTES = 32
"""Bytes of a coordinate, of either kind of key; no others, or one key would have two names."""
KEYS_LIMIT = 50
"""Keys of a set that are tried."""
SKEW_SECONDS = 30
"""How far another clock may be ahead of ours, or behind."""

_KINDS = {("OKP", "Ed25519"): (("crv", "kty", "x"), ("Ed25519", "EdDSA")),
          ("EC", "P-256"): (("crv", "kty", "x", "y"), ("ES256",))}  # fmt: skip
ALGORITHMS = tuple(name for _, names in _KINDS.values() for name in names)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Key:
    """A public key; `id` is what its set calls it, `jwk` the members that make it up, as JSON in one spelling."""

    id: str
    jwk: str
    algorithms: tuple[str, ...]
    imported: OKPKey | ECKey

    @property
    def thumbprint(self) -> str:
        """The key's name wherever it goes (RFC 7638)."""
        return to_base64url(hashlib.sha256(self.jwk.encode()).digest())


def public_key(value: object) -> Key:
    """The public key in a JWK.

    Raises:
        ValueError: it is none that is accepted here (Ed25519 or P-256), or has a private part.
    """
    if not isinstance(value, dict):
        raise ValueError("a key is a JSON object")
    kind = str(value.get("kty")), str(value.get("crv"))
    if kind not in _KINDS:
        raise ValueError("a key must be Ed25519 or P-256")
    if "d" in value:
        raise ValueError("a public key was expected, and a private one was given")
    members, algorithms = _KINDS[kind]
    if value.get("alg", algorithms[0]) not in algorithms or value.get("use", "sig") != "sig":
        raise ValueError("the key is for another algorithm or use")
    parts = {name: value[name] for name in members if isinstance(value.get(name), str)}
    if len(parts) < len(members):
        raise ValueError(f"a key of this kind has the members {', '.join(members)}")
    try:
        if any(len(from_base64url(parts[name])) != KEY_BYTES for name in parts.keys() & {"x", "y"}):
            raise ValueError(f"its coordinates are {KEY_BYTES} bytes long")
        imported = (OKPKey if kind[0] == "OKP" else ECKey).import_key(parts)
        imported.raw_value  # noqa: B018 - the point must be on the curve
    except (JoseError, ValueError) as error:
        raise ValueError(f"the key cannot be: {error}") from None
    return Key(str(value.get("kid", "")), compact(parts), algorithms, imported)


def key_set(text: str | bytes) -> tuple[Key, ...]:
    """The keys of a JWK set that are accepted here; others in it are left out.

    Raises:
        ValueError: it is no JWK set.
    """
    found = strict_json(text)
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise ValueError("a JWK set has `keys`")
    return _usable(found["keys"])


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs with `algorithm`; for holders and programs, which run elsewhere. The node's own is a `Signer`."""

    algorithm: str
    imported: OKPKey | ECKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """The signature."""
        return jws.JWSRegistry.algorithms[self.algorithm].sign(message, self.imported)


def private_key(text: str) -> PrivateKey:
    """The private key in a JWK.

    Raises:
        ValueError: it is none of a kind that is accepted here.
    """
    value = strict_json(text)
    if not isinstance(value, dict) or not isinstance(value.get("d"), str):
        raise ValueError("this is no private key")
    public = public_key({name: part for name, part in value.items() if name != "d"})
    kind = type(public.imported)
    return PrivateKey(public.algorithms[0], kind.import_key({**strict_json(public.jwk), "d": value["d"]}))


def new_key() -> tuple[str, str]:
    """A new Ed25519 key: the private JWK and the public one."""
    made = OKPKey.generate_key("Ed25519", auto_kid=False)
    return compact(made.as_dict(private=True)), compact(made.as_dict(private=False))


def _usable(values: list[Any]) -> tuple[Key, ...]:
    keys = []
    for value in values[:KEYS_LIMIT]:
        try:
            keys.append(public_key(value))
        except ValueError:
            continue  # a set may have keys for other purposes
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class Token:
    """A token's header and claims, and the `key` that signed it once that is verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    key: Key | None = None

    def text(self, name: str) -> str:
        """A claim that must be a text, and not an empty one. Raises ValueError."""
        value = self.claims.get(name)
        if not isinstance(value, str) or not value:
            raise ValueError(f"the claim `{name}` is missing or no text")
        return value

    def time(self, name: str) -> int | None:
        """A claim that, if it is there, must be a number of seconds since 1970. Raises ValueError."""
        value = self.claims.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**37:
            raise ValueError(f"the claim `{name}` is no moment in time")
        return int(value)

    def check_times(self, now: int) -> None:
        """`exp`, `nbf` and `iat`, where they are there, against a clock that may differ. Raises ValueError."""
        expires, begins, issued = self.time("exp"), self.time("nbf"), self.time("iat")
        if expires is not None and now >= expires + SKEW_SECONDS:
            raise ValueError("it has run out")
        if begins is not None and now < begins - SKEW_SECONDS:
            raise ValueError("it does not hold yet")
        if issued is not None and now < issued - SKEW_SECONDS:
            raise ValueError("it was made in the future")


def unverified(text: str, limit: int = TOKEN_LIMIT) -> Token:
    """What a token of at most `limit` characters says of itself; nothing in it is to be believed.

    Raises:
        ValueError: it is no token.
    """
    parts = text.split(".")
    if len(text) > limit or len(parts) != 3:
        raise ValueError("a token is three parts with points between, and not too long")
    header, claims = (strict_json(from_base64url(part)) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("header and claims of a token are JSON objects")
    return Token(header, claims)


def verify(text: str, keys: Sequence[Key], *types: str, limit: int = TOKEN_LIMIT) -> Token:
    """A token that one of `keys` signed, of one of these types (`typ`; without any, of whatever type).

    Raises:
        ValueError: it is not; or names an algorithm that is not that key's.
    """
    token = unverified(text, limit)
    named = token.header.get("kid")
    if types and _type(token.header) not in types:
        raise ValueError(f"its type is not `{types[0]}`")
    if "crit" in token.header or "b64" in token.header:
        raise ValueError("it demands an extension that is not known here")
    usable = [key for key in keys if not named or not key.id or _fragment(key.id) == _fragment(str(named))]
    for key in usable:
        try:
            jws.deserialize_compact(text, key.imported, algorithms=key.algorithms)
        except (JoseError, ValueError):
            continue
        return replace(token, key=key)
    raise ValueError("no key that is trusted for it signed it")


def _type(header: Mapping[str, Any]) -> str:
    return str(header.get("typ", "")).lower().removeprefix("application/")


def _fragment(id: str) -> str:
    """A key's id may be whole (`did:web:x#1`) or relative to its document (`#1`)."""
    return id.rpartition("#")[2]


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], signature: Callable[[bytes], bytes]) -> str:
    """A token; `signature` signs as `alg` in the header says."""
    text = f"{_part(header)}.{_part(claims)}"
    return f"{text}.{to_base64url(signature(text.encode()))}"


def _part(value: Mapping[str, Any]) -> str:
    return to_base64url(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


# ---- did:web


def did_address(did: str) -> str:
    """Where the document of a did:web lies: over TLS, but for the machine itself.

    Raises:
        ValueError: it is no did:web.
    """
    if not re.fullmatch(r"did:web:[A-Za-z0-9.-]+(%3A\d{1,5})?(:[A-Za-z0-9._-]+)*", did):
        raise ValueError(f"`{did}` is not a did:web")
    host, *path = did.removeprefix("did:web:").split(":")
    if set(path) & {".", ".."}:
        raise ValueError(f"`{did}` is not a did:web")
    host = unquote(host)
    scheme = "http" if host.partition(":")[0] in ("localhost", "127.0.0.1") else "https"
    return f"{scheme}://{host}/{'/'.join(path) or '.well-known'}/did.json"


def did_document(did: str, public: bytes, speaks: str, services: Mapping[str, str]) -> dict[str, Any]:
    """The document of a node. With the Ed25519 key `public` it signs what it says of itself and others for good (its journal,
    credentials); with `speaks`, a JWK, what it says to another node now. `services` are addresses by their type."""
    lasting, speaking = ed25519_jwk(public), strict_json(speaks)
    ids = [key_id(did, jwk) for jwk in (lasting, speaking)]
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        "id": did,
        "verificationMethod": [
            {"id": id, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk}
            for id, jwk in zip(ids, (lasting, speaking), strict=True)
        ],
        "assertionMethod": ids[:1],
        "authentication": ids[1:],
        "capabilityInvocation": ids[1:],
        "service": [
            {"id": f"{did}#{type}", "type": type, "serviceEndpoint": address} for type, address in services.items()
        ],
    }


def key_id(did: str, jwk: Mapping[str, Any]) -> str:
    """What the document of a DID calls one of its keys: by its thumbprint (RFC 7638)."""
    return f"{did}#{public_key(dict(jwk)).thumbprint}"


def did_keys(document: bytes, did: str, purpose: str = "assertionMethod") -> tuple[Key, ...]:
    """The keys that the document of a DID names for a purpose: `assertionMethod` for what it says of others, as an issuer;
    `authentication` to prove that it is there, as a client or a
    holder; `capabilityInvocation` for tokens that it makes itself. A key for one is none for the other (DID Core, section 5.3).

    Raises:
        ValueError: it is not the document of that DID, or has no key for that which is accepted here.
    """
    found = strict_json(document)
    if not isinstance(found, dict) or found.get("id") != did:
        raise ValueError(f"it is not the document of `{did}`")
    methods = [m for m in _listed(found, "verificationMethod") if isinstance(m, dict)]
    named = {_fragment(one) for one in _listed(found, purpose) if isinstance(one, str)}
    keys = [
        {**method["publicKeyJwk"], "kid": method["id"]}
        for method in methods
        if isinstance(method.get("publicKeyJwk"), dict)
        and isinstance(method.get("id"), str)
        and method.get("controller") == did
        and _fragment(method["id"]) in named
    ]
    usable = _usable(keys)
    if not usable:
        raise ValueError(
            f"the document of `{did}` names no key under `{purpose}` that is Ed25519 or P-256, as a JWK of its own"
        )
    return usable


def _listed(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []


def ed25519_jwk(public: bytes) -> dict[str, str]:
    """The JWK of a raw Ed25519 public key."""
    return {"kty": "OKP", "crv": "Ed25519", "x": to_base64url(public)}


def p256_jwk(public: bytes) -> dict[str, str]:
    """The JWK of a P-256 public key: its two coordinates, 32 bytes each."""
    x, y = public[:KEY_BYTES], public[KEY_BYTES:]
    return {"kty": "EC", "crv": "P-256", "x": to_base64url(x), "y": to_base64url(y)}


# ---- text in one spelling


def to_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of base64url in its one spelling.

    Raises:
        ValueError: padding, other characters, or loose bits at the end.
    """
    if not _BASE64URL.fullmatch(text):
        raise ValueError("it is not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(data) != text:
        raise ValueError("it is not base64url in its one spelling")
    return data


def compact(value: Mapping[str, Any]) -> str:
    """JSON in one spelling, as thumbprints have it (RFC 7638)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def strict_json(text: str | bytes, fraction: Callable[[str], Any] = float) -> Any:
    """JSON that can be read in one way only; `fraction` reads numbers that are not whole.

    Raises:
        ValueError: it is no JSON in UTF-8, has a name twice in an object, a number that is none, half of a letter (a
            surrogate alone, which nothing can be made of: RFC 8259, section 8.2), or is nested too deeply.
    """
    if isinstance(text, bytes):
        text = text.decode()
    try:
        found = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number, parse_float=fraction)
        json.dumps(found, ensure_ascii=False, default=str).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None
    except UnicodeEncodeError:
        raise ValueError("half of a letter stands alone in it") from None
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"`{text}` is no number")
