"""Open Badges 3.0: certificates that schools, guilds and other nodes give, as W3C Verifiable Credentials 2.0 in a JWT.

An AchievementCredential says that its subject earned an achievement, and the achievement names the skills of a framework
that it is *aligned* with. Those URIs are what rules use. The format: 1EdTech, Open Badges Specification 3.0, sections 8.2
(JWT proof) and B; W3C VC Data Model 2.0; Bitstring Status List 1.0.

A badge that anybody could show proves nothing of who shows it. Here it counts only if its subject is a key (did:key or
did:jwk), and that key signed the presentation, for this node, in answer to its nonce. Badges given to the hash of an
e-mail address are not taken: whoever knows the address could show them. Nor are proofs of the kind Data Integrity, for
which contexts would have to be had from elsewhere and whole graphs be put in order before a signature can be checked;
nor RSA keys; nor `1EdTechRevocationList`, which nobody signs.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from usufruct.core.base.instants import END_OF_TIME, Instant, instant, of_seconds, seconds
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.credentials import Listed, Named, Shown, StatusReference
from usufruct.core.work.skills.badges import TYPE, Award
from usufruct.core.work.skills.state import ACHIEVEMENT, AWARDED, SKILL
from usufruct.wire import didkey, jose
from usufruct.wire.sdjwt import BINDING_SECONDS, URI_LIMIT

VC2, OB3 = "https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
OB3_ANY = "https://purl.imsglobal.org/spec/ob/v3p0/context"
TYPES = (TYPE, "AchievementCredential")
_JWT_TYPES = ("jwt", "vc+jwt", "vc+ld+jwt", "")  # section 8.2 says JWT; VC-JOSE-COSE says vc+jwt
ALIGNMENTS_MAX = 50
LIST_LIMIT, LIST_LEAST = 4 * 1024 * 1024, 16 * 1024
"""Bytes of a status list once it is unpacked: at most, and at least by its standard."""
ENVELOPE = "data:application/vc+jwt,"

Sign = Callable[[bytes], bytes]


# ---- what a holder shows


def is_one(text: str) -> bool:
    """Whether a text is a token, and so a presentation of a badge; an SD-JWT has a `~`, or is JSON."""
    return "~" not in text and not text.lstrip().startswith("{")


def named(text: str) -> Named:
    """Issuer, type and nonce that a presentation names; nothing in it is verified. Raises ValueError."""
    shown = jose.unverified(text.strip())
    badge = jose.unverified(_inside(shown))
    nonce = shown.claims.get("nonce")
    return Named(_issuer(badge.claims), _type(badge.claims), nonce if isinstance(nonce, str) else "")


def verify(text: str, keys: Sequence[jose.Key], issuer: str, audience: str, nonce: str, at: Instant) -> Shown | Refusal:
    """What the badge in a presentation says, if both hold at this instant; `keys` are the issuer's."""
    text = text.strip()
    try:
        inside = _inside(jose.unverified(text))
        token = jose.verify(inside, keys, *_JWT_TYPES)
        subject, until = _valid(token, issuer, at)
        shown = _shown(token, subject, issuer, until)
    except ValueError as error:
        return refuse(
            "identity.credential", "the badge was not accepted", str(error),
            remedy="ask its issuer for an Open Badge 3.0 as a JWT, given to your key",
        )  # fmt: skip
    try:
        _check_holder(text, str(subject.get("id", "")), audience, nonce, seconds(at))
    except ValueError as error:
        return refuse(
            "identity.holder", "the badge was not accepted", str(error),
            remedy="ask for a new nonce and sign it, and the address of this node, with the key that the badge was given to",
        )  # fmt: skip
    return shown


def _inside(shown: jose.Token) -> str:
    """The one badge in a presentation."""
    if "VerifiablePresentation" not in _texts(shown.claims.get("type")):
        raise ValueError("it is no `VerifiablePresentation`")
    found = list(_each(shown.claims.get("verifiableCredential")))
    if len(found) != 1 or not isinstance(found[0], dict) or not str(found[0].get("id", "")).startswith(ENVELOPE):
        raise ValueError("it must hold one badge, as an `EnvelopedVerifiableCredential`")
    return str(found[0]["id"]).removeprefix(ENVELOPE)


def _valid(token: jose.Token, issuer: str, at: Instant) -> tuple[Mapping[str, Any], Instant]:
    """The subject of a badge, and until when it is good."""
    claims, now = token.claims, seconds(at)
    _type(claims)
    contexts = _texts(claims.get("@context"))
    if contexts[:1] != (VC2,) or not any(one.startswith(OB3_ANY) for one in contexts):
        raise ValueError("its contexts are not those of Open Badges 3.0 with VC Data Model 2.0")
    if _issuer(claims) != issuer or claims.get("iss", issuer) != issuer:
        raise ValueError("it names another issuer than the one that signed it")
    token.check_times(now)
    begins, ends, expires = _moment(claims, "validFrom"), _moment(claims, "validUntil"), token.time("exp")
    if begins is None or seconds(begins) > now + jose.SKEW_SECONDS:
        raise ValueError("it does not say since when it is valid, or is not yet")
    until = min(ends or END_OF_TIME, of_seconds(expires) if expires is not None else END_OF_TIME)
    if at >= until:
        raise ValueError("it has run out")
    subject = claims.get("credentialSubject")
    if not isinstance(subject, dict) or "AchievementSubject" not in _texts(subject.get("type")):
        raise ValueError("its subject is no `AchievementSubject`")
    if claims.get("sub", subject.get("id")) != subject.get("id"):
        raise ValueError("it names two subjects")
    return subject, until


def _shown(token: jose.Token, subject: Mapping[str, Any], issuer: str, until: Instant) -> Shown:
    achievement = subject.get("achievement")
    if not isinstance(achievement, dict) or not isinstance(achievement.get("id"), str):
        raise ValueError("it names no achievement")
    awarded = _moment(token.claims, "awardedDate") or _moment(token.claims, "validFrom")
    says = {
        SKILL: list(dict.fromkeys(_aligned(achievement))), ACHIEVEMENT: achievement["id"], AWARDED: awarded,
        "name": str(achievement.get("name", "")),
    }  # fmt: skip
    holder = didkey.key_of(str(subject.get("id", "")))
    return Shown(issuer, TYPE, holder.thumbprint, says, until, _status(token.claims))


def _aligned(achievement: Mapping[str, Any]) -> Iterator[str]:
    """The URIs of what an achievement is aligned with: where a skill stands, and its code, where that is a URI too."""
    for one in list(_each(achievement.get("alignment", achievement.get("alignments"))))[:ALIGNMENTS_MAX]:
        if not isinstance(one, dict):
            raise ValueError("an alignment in it is no object")
        for name in ("targetUrl", "targetCode"):
            value = one.get(name)
            if isinstance(value, str) and ":" in value:
                yield value


def _check_holder(text: str, did: str, audience: str, nonce: str, now: int) -> None:
    """That whom the badge was given to shows it, here and now."""
    shown = jose.verify(text, [didkey.key_of(did)], "vp+jwt")
    if shown.claims.get("holder", did) != did or shown.claims.get("iss", did) != did:
        raise ValueError("whoever shows it is not whom it was given to")
    if shown.claims.get("aud") not in (audience, [audience]):
        raise ValueError(f"it was signed for another than `{audience}`")
    if not nonce or shown.claims.get("nonce") != nonce:
        raise ValueError("it does not answer the nonce of this node")
    issued = shown.time("iat")
    if issued is None or not now - BINDING_SECONDS <= issued <= now + jose.SKEW_SECONDS:
        raise ValueError("its holder signed it too long ago, or in the future")
    shown.check_times(now)


def present(badge: str, audience: str, nonce: str, issued: int, key: jose.PrivateKey, public: jose.Key) -> str:
    """For a holder: a badge, signed for `audience` in answer to `nonce`.

    Raises:
        ValueError: it is no badge, or not hers.
    """
    badge = badge.strip()
    subject = jose.unverified(badge).claims.get("credentialSubject")
    did = str(subject.get("id", "")) if isinstance(subject, dict) else ""
    if didkey.key_of(did).thumbprint != public.thumbprint:
        raise ValueError("it was given to another key")
    envelope = {"@context": VC2, "type": "EnvelopedVerifiableCredential", "id": ENVELOPE + badge}
    claims = {
        "@context": [VC2], "type": ["VerifiablePresentation"], "holder": did, "verifiableCredential": [envelope],
        "iss": did, "aud": audience, "nonce": nonce, "iat": issued,
    }  # fmt: skip
    return jose.sign({"alg": key.algorithm, "typ": "vp+jwt", "kid": did}, claims, key.sign)


# ---- badges that this node gives


def issue(
    award: Award, issuer: str, name: str, url: str, holder: str, status: StatusReference, id: str, at: Instant,
    until: Instant, public: bytes, sign: Sign,
) -> str:  # fmt: skip
    """A badge for `holder`, a public JWK, by the node that is called `issuer`; signed with the Ed25519 key `public`.

    Raises:
        ValueError: the holder's key cannot be one.
    """
    did = didkey.did_of(jose.public_key(jose.strict_json(holder)))
    alignment = [
        {"type": ["Alignment"], "targetUrl": one.uri, "targetName": one.label, "targetFramework": one.framework}
        for one in award.skills
    ]
    achievement = {
        "id": award.achievement, "type": ["Achievement"], "name": award.name, "description": award.description,
        "criteria": {"narrative": award.criteria}, "alignment": alignment,
    }  # fmt: skip
    claims = {
        "@context": [VC2, OB3], "id": id, "type": ["VerifiableCredential", TYPE], "name": award.name,
        "issuer": {"id": issuer, "type": ["Profile"], "name": name, "url": url},
        "validFrom": _written(at), "validUntil": _written(until), "awardedDate": _written(award.awarded or at),
        "credentialSubject": {"id": did, "type": ["AchievementSubject"], "achievement": achievement},
        "credentialStatus": {
            "id": f"{status.uri}#{status.index}", "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
            "statusListIndex": str(status.index), "statusListCredential": status.uri,
        },
        "iss": issuer, "jti": id, "sub": did, "nbf": seconds(at), "iat": seconds(at), "exp": seconds(until),
    }  # fmt: skip
    return jose.sign(_header(issuer, public), claims, sign)


def publish_status(
    issuer: str, uri: str, revoked: Iterable[int], room: int, at: Instant, life: int, public: bytes, sign: Sign
) -> str:
    """The signed Bitstring Status List of `room` places, of which those in `revoked` are set; good for `life` seconds."""
    bits = bytearray(room // 8)
    for index in revoked:
        bits[index // 8] |= 0x80 >> index % 8  # the first bit is the highest of the first byte
    now, subject = seconds(at), f"{uri}#list"
    until = of_seconds(now + life)
    packed = "u" + jose.to_base64url(gzip.compress(bytes(bits), 9, mtime=0))
    claims = {
        "@context": [VC2], "id": uri, "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer, "validFrom": _written(at), "validUntil": _written(until),
        "credentialSubject": {
            "id": subject, "type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": packed,
        },
        "iss": issuer, "jti": uri, "sub": subject, "nbf": now, "iat": now, "exp": now + life,
    }  # fmt: skip
    return jose.sign(_header(issuer, public), claims, sign)


def _header(issuer: str, public: bytes) -> dict[str, str]:
    # `EdDSA`, and not `Ed25519` (RFC 9864), for readers of badges know only the older name.
    return {"alg": "EdDSA", "typ": "JWT", "kid": jose.key_id(issuer, jose.ed25519_jwk(public))}


# ---- status lists of others


def read_list(text: str, uri: str, keys: Sequence[jose.Key], issuer: str, at: Instant, max_age: int) -> Listed:
    """A Bitstring Status List of `issuer` at `uri`, signed at most `max_age` seconds ago.

    Raises:
        ValueError: it is not that, or too old.
    """
    token = jose.verify(text, keys, *_JWT_TYPES, limit=LIST_LIMIT)
    claims, now = token.claims, seconds(at)
    token.check_times(now)
    subject = claims.get("credentialSubject")
    if "BitstringStatusListCredential" not in _texts(claims.get("type")) or not isinstance(subject, dict):
        raise ValueError("it is no Bitstring Status List")
    if claims.get("id", uri) != uri or _issuer(claims) != issuer:
        raise ValueError("it is the list of another address, or of another issuer")
    if not set(_texts(subject.get("statusPurpose"))) <= {"revocation", "suspension"}:
        raise ValueError("it is for a purpose that is not known here")
    begins, ends, expires = _moment(claims, "validFrom"), _moment(claims, "validUntil"), token.time("exp")
    signed = token.time("iat") or token.time("nbf") or (seconds(begins) if begins else None)
    if signed is None:
        raise ValueError("it does not say when it was signed")
    ttl = subject.get("ttl")
    ends_at = [signed + max_age]
    ends_at += [expires] if expires is not None else []
    ends_at += [seconds(ends)] if ends else []
    ends_at += [now + ttl // 1000] if type(ttl) is int and ttl > 0 else []
    until = min(ends_at)
    if until <= now:
        raise ValueError("it is too old")
    return Listed(of_seconds(signed), of_seconds(until), _unpacked(subject.get("encodedList")).translate(_MIRRORED), 1)


_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))  # `Listed` counts from the lowest bit


def _unpacked(found: object) -> bytes:
    if not isinstance(found, str) or not found.startswith("u"):
        raise ValueError("it has no `encodedList` in base64url")
    unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        bits = unpack.decompress(jose.from_base64url(found[1:]), LIST_LIMIT + 1)
    except zlib.error:
        raise ValueError("it cannot be unpacked") from None
    if not LIST_LEAST <= len(bits) <= LIST_LIMIT or not unpack.eof:
        raise ValueError("it is longer or shorter than a list may be")
    return bits


# ---- parts of a credential


def _status(claims: Mapping[str, Any]) -> StatusReference:
    """Where a badge's status stands; one of another kind cannot be ignored."""
    found = list(_each(claims.get("credentialStatus")))
    if not found:
        return StatusReference()
    one = found[0]
    if len(found) > 1 or not isinstance(one, dict) or one.get("type") != "BitstringStatusListEntry":
        raise ValueError("its status is of a kind that is not known here, or has two")
    uri, index = one.get("statusListCredential"), str(one.get("statusListIndex", ""))
    if one.get("statusPurpose") not in ("revocation", "suspension") or one.get("statusSize", 1) != 1:
        raise ValueError("its status is for a purpose that is not known here")
    if not isinstance(uri, str) or not uri.isascii() or not 0 < len(uri) <= URI_LIMIT:
        raise ValueError("it does not say where its status list lies")
    if not (index.isascii() and index.isdigit() and len(index) < 10):
        raise ValueError("it has no place in its status list")
    return StatusReference(uri, int(index))


def _type(claims: Mapping[str, Any]) -> str:
    types = _texts(claims.get("type"))
    if "VerifiableCredential" not in types or not set(TYPES) & set(types):
        raise ValueError("it is no `OpenBadgeCredential`")
    return TYPE


def _issuer(claims: Mapping[str, Any]) -> str:
    found = claims.get("issuer")
    id = found.get("id") if isinstance(found, dict) else found
    if not isinstance(id, str) or not id:
        raise ValueError("it names no issuer")
    return id


def _moment(claims: Mapping[str, Any], name: str) -> Instant | None:
    value = claims.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return instant(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"`{name}` is no moment in time") from None


def _written(at: Instant) -> str:
    """An instant in whole seconds, as readers of credentials expect it."""
    return f"{at[:19]}Z"


def _texts(found: object) -> tuple[str, ...]:
    return tuple(one for one in _each(found) if isinstance(one, str))


def _each(found: Any) -> Iterator[Any]:
    if isinstance(found, list):
        yield from found
    elif found is not None:
        yield found
