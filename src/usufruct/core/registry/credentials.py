"""Credentials: what others whom this node trusts say of a party, and what of it rules may use.

A credential is a statement signed by its issuer and bound to a key of its holder. The node takes the signature off: what
stays is the fact that on that day this party showed a credential of that issuer and type, with the claims that the
settings let rules use and that the party agreed to have kept. What a person showed is sealed with her key, so it can be
erased; none of it is in a public leaf.

A credential counts only while it has not run out and the issuer's list of revoked ones is fresh. The list is read outside
and each reading is a fact, so that a decision can be replayed: whether a list was fresh at an instant follows from the
journal and not from a cache. Where the list cannot be had any more, the claims lapse by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.canonical import holdable
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import OfParty
from usufruct.core.registry.state import ErasedPerson, Party

Scalar = int | str | bool

VALUES_MAX = 50
"""Values that are kept of one claim."""
TEXT_MAX = 500
"""Characters of a value that is kept."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a credential says under one name: a value, or each item of a list."""

    name: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Place `index` of the status list at `uri`; nothing for a credential that cannot be revoked."""

    uri: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class CredentialAccepted(OfParty, Fact):
    """`party` showed a credential of `type` by `issuer`, bound to the key with thumbprint `holder` (RFC 7638).

    `claims` are what rules may use and she agreed to; it counts until `until`, and while the status list at `status_uri`
    is fresh. `person`: the record is sealed with her key.
    """

    KIND = "credential.accepted/1"
    id: str
    party: str
    issuer: str
    type: str
    holder: str
    claims: tuple[Claim, ...]
    until: Instant = END_OF_TIME
    status_uri: str = ""
    status_index: int = 0
    person: bool = False


@dataclass(frozen=True, slots=True)
class CredentialEnded(OfParty, Fact):
    """A credential counts no more, and `why`: a key of `ENDS`."""

    KIND = "credential.ended/1"
    id: str
    party: str
    why: str
    person: bool = False


ENDS = {
    "forgotten": "the party took it back",
    "revoked": "its issuer revoked or suspended it",
    "untrusted": "the node no longer trusts its issuer for that type",
    "expired": "it ran out",
}


@dataclass(frozen=True, slots=True)
class StatusListRead(Fact):
    """The status list of `issuer` at `uri` was read; the issuer signed it at `issued`, and it is fresh until `until`."""

    KIND = "status-list.read/1"
    uri: str
    issuer: str
    issued: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class CredentialIssued(OfParty, Fact):
    """This node gave `party` a credential of `type`, good until `until`; `index` is its place in the node's status list."""

    KIND = "credential.issued/1"
    index: int
    party: str
    type: str
    until: Instant
    person: bool = False


@dataclass(frozen=True, slots=True)
class CredentialRevoked(Fact):
    """The credential at `index` of this node's status list is good no more."""

    KIND = "credential.revoked/1"
    index: int


@dataclass(frozen=True, slots=True)
class Credential(Row):
    """A credential that was accepted; see `CredentialAccepted`. `ended` is a key of `ENDS`, or empty while it counts."""

    KEY = ("id",)
    INDEXED = ("party", "ended", "holder", "status_uri")
    id: str
    party: str
    issuer: str
    type: str
    holder: str
    claims: tuple[Claim, ...]
    until: Instant
    status_uri: str
    status_index: int
    person: bool
    fact: int
    ended: str = ""


@dataclass(frozen=True, slots=True)
class StatusList(Row):
    """The last reading of a status list; see `StatusListRead`."""

    KEY = ("uri",)
    uri: str
    issuer: str
    issued: Instant
    until: Instant
    read: Instant


@dataclass(frozen=True, slots=True)
class IssuedCredential(Row):
    """A credential that this node issued; `stands` is `good` or `revoked`. `party` is nobody once she is erased."""

    KEY = ("index",)
    INDEXED = ("stands", "party")
    index: int
    party: str
    type: str
    until: Instant
    stands: str = "good"


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about credentials changes."""
    match entry.fact:
        case CredentialAccepted() as fact:
            yield Credential(
                fact.id, fact.party, fact.issuer, fact.type, fact.holder, fact.claims, fact.until, fact.status_uri,
                fact.status_index, fact.person, entry.seq,
            )  # fmt: skip
        case CredentialEnded() as fact:
            row = read.get(Credential, fact.id)
            assert row is not None, "both are sealed with one key"
            yield replace(row, ended=fact.why)
        case StatusListRead() as fact:
            yield StatusList(fact.uri, fact.issuer, fact.issued, fact.until, entry.at)
        case CredentialIssued() as fact:
            yield IssuedCredential(fact.index, fact.party, fact.type, fact.until)
        case CredentialRevoked() as fact:
            given = read.get(IssuedCredential, fact.index) or IssuedCredential(fact.index, "", "", entry.at)
            yield replace(given, stands="revoked")  # who had it may be erased: it stays revoked
        case _:
            return


# ---- what the settings trust, and what was shown


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """Whom the node trusts for which `type` of credential; rules may use `claims` of it and no others.

    `keys` is the issuer's JWK set as JSON, or empty for a did:web issuer, whose document has them. `private` allows its
    document and its status lists to lie in a private network.
    """

    issuer: str
    type: str
    claims: tuple[str, ...]
    keys: str = ""
    private: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """What a credential says of itself before anything is verified; the `nonce` is in its holder's signature."""

    issuer: str
    type: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a credential says once its signature and its holder's are verified; `says` are its disclosed claims."""

    issuer: str
    type: str
    holder: str
    says: dict[str, object]
    until: Instant
    status: StatusReference


@dataclass(frozen=True, slots=True)
class Listed:
    """A status list whose signature is verified: signed at `issued`, not to be used after `until`; `values` by index."""

    issued: Instant
    until: Instant
    values: bytes
    bits: int

    def value(self, index: int) -> int | None:
        """The status at that place, 0 for good; None if the list does not reach that far."""
        byte, part = divmod(index * self.bits, 8)
        if not 0 <= byte < len(self.values):
            return None
        return self.values[byte] >> part & (1 << self.bits) - 1


def kept(shown: Shown, allowed: tuple[str, ...], agreed: tuple[str, ...]) -> tuple[Claim, ...]:
    """The claims that are kept: shown, allowed by the settings, and agreed to by the party. Values that rules cannot
    compare (fractions, objects) are left out."""
    found = []
    for name in sorted({*allowed} & {*agreed} & {*shown.says}):
        value = shown.says[name]
        values = tuple(
            holdable(item)[:TEXT_MAX] if isinstance(item, str) else item
            for item in (value if isinstance(value, list) else [value])[:VALUES_MAX]
            if isinstance(item, str | bool) or (type(item) is int and abs(item) < 2**63)
        )
        if values:
            found.append(Claim(holdable(name), values))
    return tuple(found)


def accept(
    read: Reader, id: str, party: str, shown: Shown, trusted: TrustedIssuer, agreed: tuple[str, ...]
) -> CredentialAccepted | Refusal:
    """The fact that a verified credential comes to.

    One holder's key speaks for one party: with it she could otherwise lend what was said of her to others.
    """
    who = read.get(Party, party)
    if who is None:
        return refuse(
            "registry.unknown", "the credential was not accepted", f"there is no party `{party}`",
            remedy="register the party first",
        )  # fmt: skip
    if any(other.party != party for other in read.list(Credential, holder=shown.holder, ended="")):
        return refuse(
            "identity.holder", "the credential was not accepted", "its key speaks for another party already",
            remedy="show a credential that is bound to a key of your own",
        )  # fmt: skip
    return CredentialAccepted(
        id, party, shown.issuer, shown.type, shown.holder, kept(shown, trusted.claims, agreed), shown.until,
        shown.status.uri, shown.status.index, who.kind == "person",
    )  # fmt: skip


def end(read: Reader, id: str, party: str, why: str) -> CredentialEnded | Refusal:
    """A credential of that party counts no more. One of a person who is being erased goes with her."""
    row, who = read.get(Credential, id), read.get(Party, party)
    erased = who is not None and who.key_slot is not None and read.get(ErasedPerson, who.key_slot)
    if row is None or row.party != party or row.ended or erased:
        return refuse(
            "registry.unknown", "no credential was ended", f"there is no credential `{id}` of yours that counts",
            remedy="choose one from the list of your credentials",
        )  # fmt: skip
    return CredentialEnded(id, party, why, row.person)


def is_older(read: Reader, uri: str, listed: Listed) -> Refusal | None:
    """Refuses a status list that is older than the newest that was read: it could hide what was revoked since."""
    newest = read.get(StatusList, uri)
    if newest is None or newest.issued <= listed.issued:
        return None
    return refuse(
        "identity.status", f"the status list at `{uri}` does not hold", "it is older than one that was read before",
        remedy="its issuer must publish it anew",
    )  # fmt: skip


def reading(read: Reader, uri: str, issuer: str, listed: Listed) -> Iterator[StatusListRead | CredentialEnded]:
    """The facts that a status list comes to, which must not be older than the newest: that it was read, and which
    credentials on it count no more. Whoever read it and why does not matter: the list is fresh for all of them now."""
    yield StatusListRead(uri, issuer, listed.issued, listed.until)
    for row in read.list(Credential, status_uri=uri, ended=""):
        ended = end(read, row.id, row.party, "revoked") if listed.value(row.status_index) != 0 else None
        if isinstance(ended, CredentialEnded):
            yield ended


def revoked_with(read: Reader, party: str) -> Iterator[CredentialRevoked]:
    """What ends with a person who is erased: every credential that this node issued to her, even if it ran out.

    Nobody could find its place afterwards to revoke it, and the place would look as if it had never been taken.
    """
    for row in read.list(IssuedCredential, stands="good", party=party):
        yield CredentialRevoked(row.index)


# ---- what a decision may use


@dataclass(frozen=True, slots=True)
class Attested:
    """A value that a claim has, and on what it rests: the number of the `fact`, the `issuer` and `type` of the credential,
    and when the issuer last said that it was not revoked (`as_of`, None for one that cannot be revoked)."""

    value: Scalar
    fact: int
    issuer: str
    type: str
    as_of: Instant | None


def claims(read: Reader, party: str, at: Instant) -> dict[str, tuple[Attested, ...]]:
    """What trusted issuers say of a party at an instant, by the name of the claim; only what counts then."""
    found: dict[str, list[Attested]] = {}
    for row in read.list(Credential, party=party, ended=""):
        if not counts(read, row, at):
            continue
        listed = read.get(StatusList, row.status_uri) if row.status_uri else None
        for claim in row.claims:
            found.setdefault(claim.name, []).extend(
                Attested(value, row.fact, row.issuer, row.type, listed.issued if listed else None)
                for value in claim.values
            )
    return {name: tuple(values) for name, values in found.items()}


def counts(read: Reader, row: Credential, at: Instant) -> bool:
    """Whether a credential counts at an instant: not ended, not run out, and its status list fresh."""
    if row.ended or at >= row.until:
        return False
    if not row.status_uri:
        return True
    listed = read.get(StatusList, row.status_uri)
    return listed is not None and at < listed.until
