"""SD-JWT (RFC 9901) and the credentials made of it (SD-JWT VC): issue, present, verify. Pure; no clock, no network.

The issuer signs digests in place of claims and gives the holder the claims themselves (*disclosures*); she passes on
those she wants to, and signs with the key that the issuer bound the credential to (*key binding*: for this verifier, in
answer to this nonce). A verifier accepts nothing that is not accounted for: every disclosure must be named by exactly one
digest that the issuer signed, at one place, and must not take the place of something else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from usufruct.core.base.instants import END_OF_TIME, Instant, of_seconds, seconds
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.credentials import Named, Shown, StatusReference
from usufruct.wire import jose
from usufruct.wire.jose import Key, Token, from_base64url, strict_json, to_base64url

TYPES = ("dc+sd-jwt", "vc+sd-jwt")
"""Types of a credential: today's, and the one before."""
URI_LIMIT = 2000
"""Characters of a status list's address."""
BINDING_SECONDS = 300
"""How old a holder's signature may be."""
_DIGESTS = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
# What must stand in the signed part itself (SD-JWT VC, section 2.2.2.2): a holder could leave it out otherwise.
ALWAYS_SHOWN = ("iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status")
RESERVED = frozenset({"_sd", "_sd_alg", "...", "iat", "sub", *ALWAYS_SHOWN})
"""Names of claims that belong to the format, and say nothing of the holder."""


@dataclass(frozen=True)
class Hidden:
    """In claims to be signed: a value that is shown only if its holder discloses it."""

    value: Any


# ---- issuing


def issue(
    claims: Mapping[str, Any],
    signature: Callable[[bytes], bytes],
    salt: Callable[[], bytes],
    header: Mapping[str, Any],
) -> str:
    """An SD-JWT with all its disclosures; what is `Hidden` in `claims` is signed as a digest. `salt` gives 16 random bytes."""
    disclosures: list[str] = []
    payload = _conceal(claims, disclosures, salt)
    if disclosures:
        payload["_sd_alg"] = "sha-256"
    token = jose.sign({"alg": "Ed25519", "typ": TYPES[0], **header}, payload, signature)
    return "~".join([token, *disclosures, ""])


def _conceal(value: Any, disclosures: list[str], salt: Callable[[], bytes]) -> Any:
    """`value` with digests for what is hidden, innermost first; sorted, so that their order tells nothing."""

    def digest(*parts: Any) -> str:
        text = json.dumps([to_base64url(salt()), *parts], ensure_ascii=False)
        disclosures.append(to_base64url(text.encode()))
        return _digest("sha-256", disclosures[-1])

    if isinstance(value, Mapping):
        shown: dict[str, Any] = {}
        hidden = []
        for name, part in value.items():
            if isinstance(part, Hidden):
                hidden.append(digest(name, _conceal(part.value, disclosures, salt)))
            else:
                shown[name] = _conceal(part, disclosures, salt)
        return shown | ({"_sd": sorted(hidden)} if hidden else {})
    if isinstance(value, list):
        return [
            {"...": digest(_conceal(part.value, disclosures, salt))}
            if isinstance(part, Hidden)
            else _conceal(part, disclosures, salt)
            for part in value
        ]
    return value


# ---- presenting


def present(text: str, wanted: Any) -> str:
    """What a holder passes on: the credential with the disclosures she wants, not yet bound.

    `wanted` follows the claims: an object or list of what is wanted within, or True for a value and all in it.

    Raises:
        ValueError: it is no SD-JWT.
    """
    read = _split(text)
    opened = _Opening(_algorithm(read.payload), read.disclosures)
    chosen: list[str] = []
    _choose(read.payload, wanted, opened, chosen)
    return "~".join([read.tokens[0], *chosen, ""])


def _choose(value: Any, wanted: Any, opened: _Opening, chosen: list[str]) -> None:
    if isinstance(value, Mapping):
        for digest in value.get("_sd", []):
            found = opened.by_digest.get(digest)
            if found is not None and (within := _within(wanted, found.name)):
                chosen.append(found.text)
                _choose(found.value, within, opened, chosen)
        for name, part in value.items():
            _choose(part, _within(wanted, name), opened, chosen)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found = opened.by_digest.get(part["..."]) if _is_placeholder(part) else None
            within = _within(wanted, index)
            if found is None:
                _choose(part, within, opened, chosen)
            elif within:
                chosen.append(found.text)
                _choose(found.value, within, opened, chosen)


def _within(wanted: Any, place: Any) -> Any:
    if isinstance(wanted, Mapping):
        return wanted.get(place, False)
    if isinstance(wanted, Sequence) and not isinstance(wanted, str) and isinstance(place, int):
        return wanted[place] if place < len(wanted) else False
    return wanted is True


def bind(text: str, audience: str, nonce: str, issued: int, algorithm: str, signature: Callable[[bytes], bytes]) -> str:
    """A presentation with its holder's signature, for `audience`, in answer to `nonce`; `issued` is now."""
    hash = _digest(_algorithm(_split(text).payload), text)
    claims = {"iat": issued, "aud": audience, "nonce": nonce, "sd_hash": hash}
    return text + jose.sign({"alg": algorithm, "typ": "kb+jwt"}, claims, signature)


# ---- verifying


def named(text: str) -> Named:
    """Issuer, type and nonce that a credential names; nothing in it is verified.

    Raises:
        ValueError: it is no credential.
    """
    read = _split(text)
    nonce = jose.unverified(read.binding).claims.get("nonce") if read.binding else ""
    token = Token({}, read.payload)
    return Named(token.text("iss"), token.text("vct"), nonce if isinstance(nonce, str) else "")


def verify(text: str, keys: Sequence[Key], audience: str, nonce: str, at: Instant) -> Shown | Refusal:
    """What a credential says that was presented for `audience` in answer to `nonce`, if it holds at this instant."""
    now = seconds(at)
    try:
        token, says = unpack(text, keys, *TYPES)
        token.check_times(now)
        shown = _shown(token, says)
    except ValueError as error:
        return refuse(
            "identity.credential", "the credential was not accepted", str(error),
            remedy="ask its issuer for a new one, or send it as it was given to you",
        )  # fmt: skip
    try:
        check_binding(text, token, audience, nonce, now)
    except ValueError as error:
        return refuse(
            "identity.holder", "the credential was not accepted", str(error),
            remedy="ask for a new nonce and sign it, and the address of this node, with the key that the credential is bound to",
        )  # fmt: skip
    return shown


def unpack(text: str, keys: Sequence[Key], *types: str) -> tuple[Token, dict[str, Any]]:
    """An SD-JWT that one of `keys` signed: what was signed, and the claims with what was disclosed in its place.

    Raises:
        ValueError: it does not hold, by RFC 9901, section 7.1.
    """
    read = _split(text)
    for token in read.tokens[1:]:
        jose.verify(token, keys, *types)
    signed = jose.verify(read.tokens[0], keys, *types)
    opened = _Opening(_algorithm(signed.claims), read.disclosures)
    try:
        says = opened.open(dict(signed.claims))
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None
    says.pop("_sd_alg", None)
    unused = opened.by_digest.keys() - opened.seen
    if unused:
        raise ValueError("something is disclosed that the issuer did not sign")
    return signed, says


def _shown(token: Token, says: dict[str, Any]) -> Shown:
    """A credential's claims as types, from the signed part where they must stand there."""
    smuggled = [name for name in ALWAYS_SHOWN if name in says and name not in token.claims]
    if smuggled:
        raise ValueError(f"`{smuggled[0]}` must not be hidden")
    issuer, kind, expires = token.text("iss"), token.text("vct"), token.time("exp")
    until = END_OF_TIME if expires is None else of_seconds(expires)
    holder = holder_key(token).thumbprint
    return Shown(issuer, kind, holder, {k: v for k, v in says.items() if k not in RESERVED}, until, _status(token))


def _status(token: Token) -> StatusReference:
    """Where the credential's status stands (Token Status List, section 6); one of another kind cannot be ignored."""
    status = token.claims.get("status")
    if status is None:
        return StatusReference()
    found = status.get("status_list") if isinstance(status, dict) else None
    uri, index = (found.get("uri"), found.get("idx")) if isinstance(found, dict) else (None, None)
    named = isinstance(uri, str) and uri.isascii() and 0 < len(uri) <= URI_LIMIT
    if not named or type(index) is not int or not 0 <= index < 2**31:
        raise ValueError("its status is of a kind that is not known here")
    return StatusReference(str(uri), index)


def holder_key(token: Token) -> Key:
    """The key that a credential is bound to.

    Raises:
        ValueError: it is bound to none, so anybody could show it.
    """
    bound = token.claims.get("cnf")
    if not isinstance(bound, dict) or "jwk" not in bound:
        raise ValueError("it is bound to no key of its holder, so anybody could show it")
    return jose.public_key(bound["jwk"])


def check_binding(text: str, token: Token, audience: str, nonce: str, now: int) -> None:
    """The holder's signature (RFC 9901, section 7.3).

    Raises:
        ValueError: there is none, or it is by another key, for another place, time or nonce, or over something else.
    """
    read = _split(text)
    if not read.binding:
        raise ValueError("its holder did not sign it")
    try:
        binding = jose.verify(read.binding, [holder_key(token)], "kb+jwt")
    except ValueError:
        raise ValueError("whoever signed it is not its holder") from None
    if binding.claims.get("aud") != audience:
        raise ValueError(f"it was signed for another than `{audience}`")
    if not nonce or binding.claims.get("nonce") != nonce:
        raise ValueError("it does not answer the nonce of this node")
    issued = binding.time("iat")
    if issued is None or not now - BINDING_SECONDS <= issued <= now + jose.SKEW_SECONDS:
        raise ValueError("its holder signed it too long ago, or in the future")
    binding.check_times(now)
    if binding.claims.get("sd_hash") != _digest(_algorithm(token.claims), read.bound):
        raise ValueError("its holder signed something else")


# ---- the parts of an SD-JWT


@dataclass(frozen=True, slots=True)
class _Parts:
    """`tokens` are the issuer's signatures (more than one in JSON form only), `bound` is what the holder signs."""

    tokens: tuple[str, ...]
    disclosures: tuple[str, ...]
    binding: str
    payload: dict[str, Any]

    @property
    def bound(self) -> str:
        return "~".join([self.tokens[0], *self.disclosures, ""])


def _split(text: str) -> _Parts:
    if len(text) > jose.TOKEN_LIMIT:
        raise ValueError("it is too long")
    if text.lstrip().startswith("{"):
        tokens, disclosures, binding = _from_json(strict_json(text))
    else:
        token, *rest = text.strip().split("~")
        if not rest:
            raise ValueError("it has no `~` behind its signature")
        tokens, disclosures, binding = (token,), tuple(rest[:-1]), rest[-1]
    return _Parts(tokens, disclosures, binding, dict(jose.unverified(tokens[0]).claims))


def _from_json(found: Any) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """The JWS JSON form, flattened or general (RFC 9901, section 8): the first signature has the disclosures."""
    signatures = found.get("signatures", [found])
    try:
        tokens = tuple(f"{one['protected']}.{found['payload']}.{one['signature']}" for one in signatures)
        header = signatures[0].get("header", {})
        disclosures, binding = header.get("disclosures", []), header.get("kb_jwt", "")
        if not all(isinstance(one, str) for one in (*disclosures, binding)):
            raise ValueError("disclosures are texts")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ValueError("it is no SD-JWT in JSON form") from None
    return tokens, tuple(disclosures), binding


@dataclass(frozen=True, slots=True)
class _Disclosure:
    text: str
    name: str | None  # None for an item of a list
    value: Any


def _disclosure(text: str) -> _Disclosure:
    parts = strict_json(from_base64url(text))
    if not isinstance(parts, list) or len(parts) not in (2, 3) or not isinstance(parts[0], str):
        raise ValueError("a disclosure is a list of salt, name and value, or salt and value")
    name = parts[1] if len(parts) == 3 else None
    if name in ("_sd", "...") or (len(parts) == 3 and not isinstance(name, str)):
        raise ValueError("a disclosure has a name that it cannot have")
    return _Disclosure(text, name, parts[-1])


@dataclass
class _Opening:
    """Puts disclosures where the issuer signed their digests; `seen` are the digests met so far, each once at most."""

    algorithm: str
    texts: tuple[str, ...]
    seen: set[str] = field(default_factory=set)
    by_digest: dict[str, _Disclosure] = field(init=False)

    def __post_init__(self) -> None:
        self.by_digest = {_digest(self.algorithm, text): _disclosure(text) for text in self.texts}
        if len(self.by_digest) != len(self.texts):
            raise ValueError("something is disclosed twice")

    def open(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._open_object(value)
        if isinstance(value, list):
            opened = []
            for part in value:
                if not _is_placeholder(part):
                    opened.append(self.open(part))
                elif (found := self._find(part["..."])) is not None:
                    if found.name is not None:
                        raise ValueError("a claim is disclosed as the item of a list")
                    opened.append(self.open(found.value))
            return opened
        return value

    def _open_object(self, value: dict[str, Any]) -> dict[str, Any]:
        opened = {name: self.open(part) for name, part in value.items() if name != "_sd"}
        digests = value.get("_sd", [])
        if not isinstance(digests, list) or "..." in value:
            raise ValueError("`_sd` or `...` stands where it cannot stand")
        for digest in digests:
            found = self._find(digest)
            if found is None:
                continue
            if found.name is None:
                raise ValueError("the item of a list is disclosed as a claim")
            if found.name in opened:
                raise ValueError("a claim is disclosed in place of another")
            opened[found.name] = self.open(found.value)
        return opened

    def _find(self, digest: object) -> _Disclosure | None:
        if not isinstance(digest, str):
            raise ValueError("a digest is a text")
        if digest in self.seen:
            raise ValueError("a digest stands in two places")
        self.seen.add(digest)
        return self.by_digest.get(digest)


def _is_placeholder(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"..."}


def _algorithm(claims: Mapping[str, Any]) -> str:
    found = claims.get("_sd_alg", "sha-256")
    if not isinstance(found, str) or found not in _DIGESTS:
        raise ValueError("its digests are of a kind that is not known here")
    return found


def _digest(algorithm: str, text: str) -> str:
    return to_base64url(_DIGESTS[algorithm](text.encode()).digest())
