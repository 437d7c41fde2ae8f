"""`node.identities.Credentials` as SD-JWT VC with Token Status Lists, and as Open Badges 3.0 with Bitstring Status Lists; what
it says no to, in words for whoever presents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, seconds
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.credentials import Listed, Named, Scalar, Shown, StatusReference, TrustedIssuer
from usufruct.core.work.skills import badges
from usufruct.wire import didkey, jose, openbadges, sdjwt, statuslist


def trusted_issuers(found: Sequence[object]) -> tuple[TrustedIssuer, ...]:
    """The setting `issuers`: whom to trust for which type of credential.

    Raises:
        BadInput: an entry lacks something, has something unknown, or names an issuer whose keys could not be found.
    """
    trusted: dict[tuple[str, str], TrustedIssuer] = {}
    for entry in found:
        one = _trusted(entry)
        if (one.issuer, one.type) in trusted:
            raise _unfit(f"`{one.issuer}` is trusted for `{one.type}` twice", "name each issuer and type once")
        trusted[one.issuer, one.type] = one
    return tuple(trusted.values())


def _trusted(entry: object) -> TrustedIssuer:
    kinds = {"issuer": str, "type": str, "claims": list, "keys": list, "private": bool}
    if not isinstance(entry, dict):
        raise _unfit("an entry of `issuers` is no table", 'write { issuer = "…", type = "…", claims = ["…"] }')
    for name, value in entry.items():
        if name not in kinds or type(value) is not kinds[name]:
            raise _unfit(f"an entry of `issuers` has an unfit `{name}`", f"known: {', '.join(kinds)}")
    issuer, kind, claims = entry.get("issuer"), entry.get("type"), entry.get("claims", [])
    if not issuer or not kind or not all(isinstance(name, str) for name in claims):
        raise _unfit("an entry of `issuers` needs `issuer`, `type` and names as `claims`", "complete it")
    if any(holdable(text) != text for text in (issuer, kind, *claims)):
        raise _unfit(f"`{issuer}`, its type or claims are not in Unicode normalization form C", "write them in it")
    try:
        for key in entry.get("keys", []):
            jose.public_key(key)
        if not entry.get("keys"):
            didkey.key_of(issuer) if didkey.is_own_document(issuer) else jose.did_address(issuer)
    except ValueError as error:
        raise _unfit(
            f"the keys of `{issuer}` cannot be had: {error}",
            "give `keys`, a list of public JWKs, or an issuer that is a did:web, did:key or did:jwk",
        ) from None
    keys = json.dumps({"keys": entry["keys"]}) if entry.get("keys") else ""
    return TrustedIssuer(issuer, kind, tuple(claims), keys, entry.get("private", False))


def _unfit(message: str, remedy: str) -> BadInput:
    return BadInput("input.settings", message, remedy)


class SdJwtCredentials:
    """`node.identities.Credentials`."""

    def named(self, text: str) -> Named:
        """Issuer, type and nonce that a credential names."""
        try:
            return openbadges.named(text) if openbadges.is_one(text) else sdjwt.named(text)
        except ValueError as error:
            raise BadInput(
                "input.credential", f"this is no credential: {error}",
                "send an SD-JWT VC, or an Open Badge in a presentation, with its holder's signature",
            ) from None  # fmt: skip

    def document_of(self, trusted: TrustedIssuer) -> str:
        """Where the issuer's keys lie; empty where the settings have them."""
        return "" if trusted.keys or didkey.is_own_document(trusted.issuer) else jose.did_address(trusted.issuer)

    def verify(
        self, text: str, trusted: TrustedIssuer, document: bytes, audience: str, nonce: str, at: Instant
    ) -> Shown | Refusal:
        """What the credential says, if it holds."""
        keys = _keys(trusted, document)
        if isinstance(keys, Refusal):
            return keys
        if openbadges.is_one(text):
            shown = openbadges.verify(text, keys, trusted.issuer, audience, nonce, at)
        else:
            shown = sdjwt.verify(text, keys, audience, nonce, at)
        assert isinstance(shown, Refusal) or (shown.issuer, shown.type) == (trusted.issuer, trusted.type)
        return shown

    def status_list(
        self, text: bytes, uri: str, trusted: TrustedIssuer, document: bytes, at: Instant, max_age: int
    ) -> Listed | Refusal:
        """The status list, if it is the issuer's and fresh."""
        keys = _keys(trusted, document)
        if isinstance(keys, Refusal):
            return keys
        try:
            found = text.decode("ascii").strip()
            if trusted.type == badges.TYPE:
                return openbadges.read_list(found, uri, keys, trusted.issuer, at, max_age)
            return statuslist.read(found, uri, keys, at, max_age)
        except ValueError as error:
            return refuse(
                "identity.status", f"the status list at `{uri}` does not hold", str(error),
                remedy="its issuer must publish it anew",
            )  # fmt: skip

    def issue(
        self, issuer: str, type: str, claims: Mapping[str, Scalar], holder: str, status: StatusReference, at: Instant,
        until: Instant, public: bytes, sign: Callable[[bytes], bytes], salt: Callable[[], bytes],
    ) -> str:  # fmt: skip
        """A credential, each of its claims to be disclosed or not."""
        try:
            key = jose.public_key(jose.strict_json(holder))
        except ValueError as error:
            raise BadInput(
                "input.key", f"this is no public key of a holder: {error}", "give a public JWK, Ed25519 or P-256"
            ) from None
        taken = sorted(sdjwt.RESERVED & claims.keys())
        if taken:
            raise BadInput("input.credential", f"a claim cannot be called `{taken[0]}`", "give it another name")
        return sdjwt.issue(
            {
                "iss": issuer, "vct": type, "iat": seconds(at), "exp": seconds(until),
                "cnf": {"jwk": jose.strict_json(key.jwk)},
                "status": {"status_list": {"uri": status.uri, "idx": status.index}},
                **{name: sdjwt.Hidden(value) for name, value in claims.items()},
            },
            sign, salt, _header(issuer, public),
        )  # fmt: skip

    def publish_status(
        self, issuer: str, uri: str, revoked: Iterable[int], room: int, at: Instant, life: int, public: bytes,
        sign: Callable[[bytes], bytes],
    ) -> str:  # fmt: skip
        """A status list of one bit for each credential."""
        return statuslist.write(uri, revoked, room, seconds(at), life, _header(issuer, public), sign)


def _header(issuer: str, public: bytes) -> dict[str, str]:
    return {"alg": "Ed25519", "kid": f"{issuer}#{jose.public_key(jose.ed25519_jwk(public)).thumbprint}"}


def _keys(trusted: TrustedIssuer, document: bytes) -> tuple[jose.Key, ...] | Refusal:
    try:
        if didkey.is_own_document(trusted.issuer) and not trusted.keys:
            return (didkey.key_of(trusted.issuer),)
        return jose.key_set(trusted.keys) if trusted.keys else jose.did_keys(document, trusted.issuer)
    except ValueError as error:
        return refuse(
            "identity.credential", "the credential was not accepted", f"the keys of `{trusted.issuer}` cannot be read: {error}",
            remedy="its issuer must publish them anew",
        )  # fmt: skip
