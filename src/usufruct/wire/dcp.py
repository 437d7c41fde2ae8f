"""The Decentralized Claims Protocol 1.0: self-issued tokens, presentations, credentials of participants, and messages.

A node proves who it is by a token that it signs itself: `iss` and `sub` are its DID, `aud` is the other's, and the key
stands in the document that its DID leads to, for `capabilityInvocation`. If the other wants to know more, it asks the
credential service that the same document names, and gets a *presentation*: credentials of issuers, in an envelope that
the holder signed for whoever asked. Two profiles are spoken: `vc11-sl2021/jwt` (VC Data Model 1.1, where credential and
presentation are the claims `vc` and `vp`) and `vc20-bssl/jwt` (2.0, where they are the token's payload).

Which key may sign what is never the token's to say: `kid` must name a key of the document that is asked, and be there for
that purpose. A key that comes along in a token (`jwk`, `jku`, `x5u`, `x5c`) is not looked at.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from usufruct.core.base.instants import END_OF_TIME, Instant, instant, of_seconds, seconds
from usufruct.core.dataspace.claims import SelfIssued, StatusPlace, Vouched
from usufruct.wire import jose

CONTEXT = "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"
VC11, VC20 = "vc11-sl2021/jwt", "vc20-bssl/jwt"
_CONTEXTS = {VC11: "https://www.w3.org/2018/credentials/v1", VC20: "https://www.w3.org/ns/credentials/v2"}
_STATUS_TYPES = {"StatusList2021Entry": "StatusList2021Credential",
                 "BitstringStatusListEntry": "BitstringStatusListCredential"}  # fmt: skip

LIFE_SECONDS = 300
"""How long what this node signs of itself is good."""
MOST_SECONDS = 900
"""How long what others sign of themselves may be good: it is remembered for as long."""
AHEAD_SECONDS = 5
"""How far another's clock may be ahead of ours when it signs."""
CREDENTIALS_MOST, PRESENTATIONS_MOST = 50, 10
"""How many are read of one answer."""
LIST_LIMIT = 4 * 1024 * 1024
"""Bytes of a status list once it is unpacked."""
LIST_LEAST = 16 * 1024
"""Bytes that a status list has at least, for a smaller one would tell who is asked about (section 4.2 of its standard)."""
ACCESS_TYPE = "dcp-access+jwt"

Sign = Callable[[bytes], bytes]


# ---- tokens that a participant signs itself (section 4.3)


def address_of(did: str) -> str:
    """Where the document of a did:web lies. Raises ValueError."""
    return jose.did_address(did)


def says(text: str) -> tuple[str, str]:
    """Whose token it says it is, and its claim `token`; nothing in it is verified. Raises ValueError."""
    token = jose.unverified(text)
    access = token.claims.get("token", "")
    return token.text("iss"), access if isinstance(access, str) else ""


def read_token(text: str, document: bytes, did: str, audience: str, at: Instant) -> SelfIssued:
    """What a participant signed for `audience`, by the document that its DID leads to (section 4.3.3).

    Raises:
        ValueError: it does not hold.
    """
    token = _signed(text, document, did, "capabilityInvocation")
    if token.text("iss") != did or token.text("sub") != did:
        raise ValueError("`iss` and `sub` must both be the DID of whoever signed it")
    if {"vc", "vp", "verifiableCredential", "credentialSubject"} & token.claims.keys():
        raise ValueError("it is a presentation or a credential, and no token")
    id, issued, until = _fresh(token, did, audience, at)
    access = token.claims.get("token", "")
    if not isinstance(access, str):
        raise ValueError("the claim `token` is no text")
    return SelfIssued(did, access, id, issued, until)


def write_token(did: str, audience: str, id: str, at: Instant, public: bytes, sign: Sign, access: str = "") -> str:
    """A token of this node's own for `audience`. `access` lets that one ask our credential service; who asks in answer to
    a token sends back what it was given there, as `access` too."""
    now = seconds(at)
    claims = {
        "iss": did, "sub": did, "aud": audience, "jti": id, "iat": now, "exp": now + LIFE_SECONDS,
        **({"token": access} if access else {}),
    }  # fmt: skip
    return jose.sign(_header(did, public, "JWT"), claims, sign)


def write_access(
    did: str, audience: str, scopes: Sequence[str], id: str, at: Instant, public: bytes, sign: Sign
) -> str:
    """What lets `audience`, and nobody else, ask this node's credential service for what the scopes say."""
    now = seconds(at)
    claims = {"iss": did, "aud": did, "sub": audience, "scope": " ".join(scopes), "jti": id, "exp": now + LIFE_SECONDS}
    return jose.sign(_header(did, public, ACCESS_TYPE), claims, sign)


def read_access(text: str, did: str, public: bytes, at: Instant) -> tuple[str, tuple[str, ...]]:
    """To whom this node gave it, and the scopes. `public` is the node's own key.

    Raises:
        ValueError: this node did not sign it, or it has run out.
    """
    token = jose.verify(text, [jose.public_key(jose.p256_jwk(public))], ACCESS_TYPE)
    expires = token.time("exp")
    if (token.claims.get("iss"), token.claims.get("aud")) != (did, did) or expires is None or seconds(at) >= expires:
        raise ValueError("it has run out, or is not for this node")
    return token.text("sub"), tuple(token.text("scope").split())


# ---- presentations (section 5.4)


def read_presentation(
    text: str, document: bytes, holder: str, audience: str, at: Instant
) -> tuple[SelfIssued, list[str]]:
    """The credentials in a presentation that `holder` signed for `audience`; as it came, with what to see once of it.

    Raises:
        ValueError: it does not hold.
    """
    token = _signed(text, document, holder, "authentication")
    profile = _profile(token.claims, "vp")
    claims = token.claims["vp"] if profile == VC11 else token.claims
    if "VerifiablePresentation" not in _texts(claims.get("type")):
        raise ValueError("it is no `VerifiablePresentation`")
    _only(holder, token.claims.get("iss"), token.claims.get("sub"), claims.get("holder"))
    id, issued, until = _fresh(token, holder, audience, at)
    found = claims.get("verifiableCredential")
    listed = found if isinstance(found, list) else [found] if found else []
    if len(listed) > CREDENTIALS_MOST:
        raise ValueError(f"it holds more than {CREDENTIALS_MOST} credentials")
    return SelfIssued(holder, "", f"vp {id}", issued, until), [_enveloped(one, profile) for one in listed]


def write_presentation(
    holder: str,
    audience: str,
    credentials: Sequence[str],
    profile: str,
    id: str,
    at: Instant,
    public: bytes,
    sign: Sign,
) -> str:
    """Credentials of one profile, signed for `audience`."""
    now = seconds(at)
    about = {"@context": [_CONTEXTS[profile]], "type": ["VerifiablePresentation"], "holder": holder}
    times = {
        "iss": holder, "sub": holder, "aud": audience, "jti": id, "nbf": now, "iat": now, "exp": now + LIFE_SECONDS
    }  # fmt: skip
    if profile == VC11:
        claims: dict[str, Any] = {**times, "vp": {**about, "verifiableCredential": list(credentials)}}
    else:
        envelope = {"@context": _CONTEXTS[VC20], "type": "EnvelopedVerifiableCredential"}
        inside = [{**envelope, "id": f"data:application/vc+jwt,{text}"} for text in credentials]
        claims = {**times, **about, "verifiableCredential": inside}
    kind = "JWT" if profile == VC11 else "vp+jwt"
    return jose.sign(_header(holder, public, kind), claims, sign)


def _enveloped(found: object, profile: str) -> str:
    if profile == VC20 and isinstance(found, dict):
        found = str(found.get("id", "")).removeprefix("data:application/vc+jwt,")
    if not isinstance(found, str):
        raise ValueError("a credential in it is no token")
    if _profile(jose.unverified(found).claims, "vc") != profile:
        raise ValueError("a credential in it is of another profile")
    return found


# ---- credentials of participants


def vouched_by(text: str) -> tuple[str, tuple[str, ...]]:
    """Who signed a credential, and of which types it is, as it says itself. Raises ValueError."""
    claims = jose.unverified(text).claims
    inner = claims["vc"] if _profile(claims, "vc") == VC11 else claims
    return _id(inner.get("issuer", claims.get("iss"))), _texts(inner.get("type"))


def read_credential(text: str, document: bytes, issuer: str, at: Instant) -> Vouched:
    """What a credential of `issuer` says; `document` is the one of its DID. Its status is not looked at here.

    Raises:
        ValueError: it does not hold (DCP 1.0, section 5.4.3; VC Data Model).
    """
    token = _signed(text, document, issuer, "assertionMethod")
    profile = _profile(token.claims, "vc")
    claims = token.claims["vc"] if profile == VC11 else token.claims
    token.check_times(seconds(at))
    _only(issuer, token.claims.get("iss"), claims.get("issuer"))
    types = _texts(claims.get("type"))
    if "VerifiableCredential" not in types:
        raise ValueError("it is no `VerifiableCredential`")
    begins = _moment(claims, "issuanceDate" if profile == VC11 else "validFrom")
    ends = _moment(claims, "expirationDate" if profile == VC11 else "validUntil")
    expires = token.time("exp")
    until = min(ends or END_OF_TIME, of_seconds(expires) if expires is not None else END_OF_TIME)
    if begins is not None and seconds(begins) > seconds(at) + jose.SKEW_SECONDS:
        raise ValueError("it is not valid yet")
    if at >= until:
        raise ValueError("it has run out")
    subjects = {_id(one) for one in (*_each(claims.get("credentialSubject")), *_each(token.claims.get("sub")))}
    if len(subjects) != 1:
        raise ValueError("it must be about one subject, and name it")
    named = str(claims.get("id") or token.claims.get("jti") or "")
    status = tuple(_place(one) for one in _each(claims.get("credentialStatus")))
    return Vouched(issuer, subjects.pop(), named, types, profile, until, status)


def _place(found: Any) -> StatusPlace:
    index = str(found.get("statusListIndex", "")) if isinstance(found, dict) else ""
    if not isinstance(found, dict) or str(found.get("type")) not in _STATUS_TYPES:
        raise ValueError("its status is said in a way that is not understood here")
    if not (index.isascii() and index.isdigit() and len(index) < 10):
        raise ValueError("it has no place in its status list")
    purpose = found.get("statusPurpose")
    if purpose not in ("revocation", "suspension") or not isinstance(found.get("statusListCredential"), str):
        raise ValueError("its status is of a purpose that is not understood here")
    return StatusPlace(found["statusListCredential"], int(index), purpose)


def read_status(text: bytes, place: StatusPlace, document: bytes, issuer: str, at: Instant, max_age: int) -> bool:
    """Whether a credential is revoked or suspended, by the list of its issuer at `place.uri`.

    The list must be signed, and at most `max_age` seconds old: whoever stands in between could hand out an old one for ever.

    Raises:
        ValueError: it is not that list, not signed by the issuer, too old, or shorter than that place.
    """
    token = _signed(text.decode("ascii").strip(), document, issuer, "assertionMethod")
    profile = _profile(token.claims, "vc")
    claims = token.claims["vc"] if profile == VC11 else token.claims
    token.check_times(seconds(at))
    subject = claims.get("credentialSubject")
    if not set(_STATUS_TYPES.values()) & set(_texts(claims.get("type"))) or not isinstance(subject, dict):
        raise ValueError("it is no list of statuses")
    _only(issuer, token.claims.get("iss"), claims.get("issuer"))
    if claims.get("id", place.uri) != place.uri or place.purpose not in _texts(subject.get("statusPurpose")):
        raise ValueError("it is the list of another address or purpose")
    signed = token.time("iat") or token.time("nbf")
    begins = _moment(claims, "issuanceDate" if profile == VC11 else "validFrom")
    ends = _moment(claims, "expirationDate" if profile == VC11 else "validUntil")
    since = signed if signed is not None else seconds(begins) if begins else 0
    if seconds(at) >= since + max_age or (ends is not None and at >= ends):
        raise ValueError("it is too old")
    bits = _unpacked(subject.get("encodedList"))
    byte, bit = divmod(place.index, 8)
    if byte >= len(bits):
        raise ValueError("it does not reach as far as that place")
    return bool(bits[byte] >> 7 - bit & 1)  # the first bit is the highest of the first byte


def _unpacked(found: object) -> bytes:
    if not isinstance(found, str):
        raise ValueError("it has no `encodedList`")
    unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:  # `u` says that it is base64url; the older standard has it without
        bits = unpack.decompress(jose.from_base64url(found.removeprefix("u")), LIST_LIMIT + 1)
    except zlib.error:
        raise ValueError("it cannot be unpacked") from None
    if len(bits) > LIST_LIMIT or len(bits) < LIST_LEAST or not unpack.eof:
        raise ValueError("it is longer or shorter than a list may be")
    return bits


# ---- messages (sections 5.4.1 and 6.5)


def write_query(scopes: Sequence[str]) -> bytes:
    """A question to a credential service."""
    return _message({"type": "PresentationQueryMessage", "scope": list(scopes)})


def read_query(body: bytes) -> tuple[str, ...] | None:
    """The scopes that are asked for; None if it asks by a presentation definition, which is not supported here.

    Raises:
        ValueError: it is no such question.
    """
    found = _read(body, "PresentationQueryMessage")
    scopes, definition = found.get("scope"), found.get("presentationDefinition")
    if ("scope" in found) == ("presentationDefinition" in found):
        raise ValueError("it must have `scope` or `presentationDefinition`, and not both")
    if "presentationDefinition" in found:
        if not isinstance(definition, dict) or not definition:
            raise ValueError("its `presentationDefinition` is empty")
        return None
    if not isinstance(scopes, list) or not 0 < len(scopes) <= CREDENTIALS_MOST or not all(map(_is_text, scopes)):
        raise ValueError(f"its `scope` must be a list of 1 to {CREDENTIALS_MOST} texts")
    return tuple(scopes)


def write_response(presentations: Sequence[str]) -> bytes:
    """The answer of a credential service."""
    return _message({"type": "PresentationResponseMessage", "presentation": list(presentations)})


def read_response(body: bytes) -> tuple[str, ...]:
    """The presentations in the answer of a credential service. Raises ValueError."""
    found = _read(body, "PresentationResponseMessage").get("presentation")
    if not isinstance(found, list) or len(found) > PRESENTATIONS_MOST:
        raise ValueError(f"its `presentation` must be a list of at most {PRESENTATIONS_MOST}")
    texts = [
        str(one.get("id", "")).removeprefix("data:application/vp+jwt,") if isinstance(one, dict) else one
        for one in found
    ]
    if not all(map(_is_text, texts)):
        raise ValueError("a presentation in it is no token")
    return tuple(texts)


def read_delivery(body: bytes) -> tuple[str, ...]:
    """The credentials that an issuer brings (a CredentialMessage); none where it says that it issues none.

    Raises:
        ValueError: it is no such message.
    """
    message = _read(body, "CredentialMessage")
    status, found = message.get("status"), message.get("credentials", [])
    if status not in ("ISSUED", "REJECTED") or not isinstance(message.get("issuerPid"), str):
        raise ValueError("it must have `issuerPid`, and the `status` ISSUED or REJECTED")
    if not isinstance(found, list) or len(found) > CREDENTIALS_MOST:
        raise ValueError(f"its `credentials` must be a list of at most {CREDENTIALS_MOST}")
    texts = [one.get("payload") for one in found if isinstance(one, dict)]
    if len(texts) < len(found) or not all(map(_is_text, texts)) or (status == "ISSUED" and not texts):
        raise ValueError("a credential in it has no `payload` that is a token")
    return tuple(map(str, texts)) if status == "ISSUED" else ()


def service_of(document: bytes, did: str) -> str:
    """The address of the credential service that a DID's document names.

    Raises:
        ValueError: it is not the document of that DID, or names none (section 5.2).
    """
    found = jose.strict_json(document)
    if not isinstance(found, dict) or found.get("id") != did:
        raise ValueError(f"it is not the document of `{did}`")
    for one in found["service"] if isinstance(found.get("service"), list) else []:
        if (
            isinstance(one, dict)
            and "CredentialService" in _texts(one.get("type"))
            and _is_text(one.get("serviceEndpoint"))
        ):
            return str(one["serviceEndpoint"]).rstrip("/")
    raise ValueError(f"the document of `{did}` names no `CredentialService`")


def _message(about: Mapping[str, Any]) -> bytes:
    return json.dumps({"@context": [CONTEXT], **about}, separators=(",", ":")).encode()


def _read(body: bytes, type: str) -> dict[str, Any]:
    found = jose.strict_json(body)
    if not isinstance(found, dict) or found.get("type") != type or CONTEXT not in _texts(found.get("@context")):
        raise ValueError(f"it is no `{type}` of DCP 1.0")
    return found


# ---- what all of them share


def _signed(text: str, document: bytes, did: str, purpose: str) -> jose.Token:
    """A token signed with a key that the document of `did` has for a purpose; `kid` says which (section 4.3.3, step 3)."""
    named = jose.unverified(text).header.get("kid")
    if named is None:
        methods = jose.strict_json(document)
        if not isinstance(methods, dict) or len(list(_each(methods.get("verificationMethod")))) != 1:
            raise ValueError("it names no key (`kid`), and the document of its DID has more than one")
    elif not isinstance(named, str) or not named.startswith(f"{did}#"):
        raise ValueError(f"its key (`kid`) is not one of `{did}`")
    return jose.verify(text, jose.did_keys(document, did, purpose))


def _header(did: str, public: bytes, type: str) -> dict[str, str]:
    return {"alg": "ES256", "typ": type, "kid": jose.key_id(did, jose.p256_jwk(public))}


def _fresh(token: jose.Token, did: str, audience: str, at: Instant) -> tuple[str, int, int]:
    """That a token is for us and for now: its name, when it was made, and until when it could be shown again."""
    named, now = token.claims.get("aud"), seconds(at)
    if named != audience and named != [audience]:
        raise ValueError(f"`aud` must be `{audience}` alone")
    token.check_times(now)
    issued, expires, id = token.time("iat"), token.time("exp"), token.text("jti")
    if expires is None or expires > now + MOST_SECONDS:
        raise ValueError(f"`exp` must be at most {MOST_SECONDS} seconds away")
    if issued is None or not now - MOST_SECONDS <= issued <= now + AHEAD_SECONDS:
        raise ValueError("`iat` is missing, too long ago, or in the future; compare the clocks")
    if len(id) > 500:
        raise ValueError("`jti` is longer than 500 characters")
    return f"{did} {id}", issued, expires + jose.SKEW_SECONDS


def _profile(claims: Mapping[str, Any], name: str) -> str:
    """In which profile a credential (`vc`) or presentation (`vp`) is written: as a claim of that name, or as the payload."""
    if name in claims:
        if not isinstance(claims[name], dict):
            raise ValueError(f"the claim `{name}` is no object")
        return VC11
    if _CONTEXTS[VC20] not in _texts(claims.get("@context")):
        raise ValueError(f"it is of no profile that is understood here ({VC11}, {VC20})")
    return VC20


def _moment(claims: Mapping[str, Any], name: str) -> Instant | None:
    value = claims.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return instant(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"`{name}` is no moment in time") from None


def _each(found: Any) -> Iterator[Any]:
    if found is not None:
        yield from found if isinstance(found, list) else [found]


def _id(found: Any) -> str:
    value = found.get("id") if isinstance(found, dict) else found
    if not isinstance(value, str) or not value:
        raise ValueError("somebody in it has no name")
    return value


def _only(who: str, *named: Any) -> None:
    """That nobody else is named, and somebody is. Raises ValueError."""
    if {_id(one) for one in named if one is not None} != {who}:
        raise ValueError(f"it is not of `{who}`, whose key signed it")


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(one for one in _each(found) if isinstance(one, str))


def _is_text(found: Any) -> bool:
    return isinstance(found, str) and bool(found)
