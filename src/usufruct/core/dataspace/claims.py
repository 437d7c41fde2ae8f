"""What others say of this node, and what is said of a node that speaks to it: credentials of the Decentralized Claims Protocol.

A credential of a person is a secret of hers, and no record holds it (`registry.credentials`). A credential of a *node* says
that an organisation is a member of a dataspace; it names the organisation's DID and nothing personal. So those that this
node was given stand in the journal, as they were signed: which membership it showed, and when, is what a court may ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse

BY_TYPE, BY_ID = "org.eclipse.dspace.dcp.vc.type:", "org.eclipse.dspace.dcp.vc.id:"
"""What a scope begins with that asks for credentials of a type, or for one by its name (DCP 1.0, section 5.4.1.2)."""


@dataclass(frozen=True, slots=True)
class CredentialReceived(Fact):
    """`issuer` gave this node, which is called `holder`, the credential `text` of these `types`, good until `until`.

    `named` is what the issuer calls it, `profile` how it is signed. It takes the place of what the issuer gave before of
    the same types.
    """

    KIND = "credential.received/1"
    id: str
    issuer: str
    holder: str
    named: str
    types: tuple[str, ...]
    profile: str
    text: str
    until: Instant


@dataclass(frozen=True, slots=True)
class CredentialDropped(Fact):
    """This node shows the credential to nobody any more."""

    KIND = "credential.dropped/1"
    id: str


@dataclass(frozen=True, slots=True)
class OwnCredential(Row):
    """A credential that this node was given; see `CredentialReceived`. It is shown while it is `held`."""

    KEY = ("id",)
    INDEXED = ("held",)
    id: str
    issuer: str
    holder: str
    named: str
    types: tuple[str, ...]
    profile: str
    text: str
    until: Instant
    since: Instant
    held: int = 1


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about the node's own credentials changes."""
    match entry.fact:
        case CredentialReceived() as fact:
            for row in read.list(OwnCredential, held=1):
                if (row.issuer, row.holder, row.types) == (fact.issuer, fact.holder, fact.types):
                    yield replace(row, held=0)
            yield OwnCredential(
                fact.id, fact.issuer, fact.holder, fact.named, fact.types, fact.profile, fact.text, fact.until, entry.at
            )
        case CredentialDropped() as fact:
            found = read.get(OwnCredential, fact.id)
            assert found is not None, "the rule looked"
            yield replace(found, held=0)
        case _:
            return


def drop(read: Reader, id: str) -> CredentialDropped | Refusal:
    """A credential that the node shows no more."""
    row = read.get(OwnCredential, id)
    if row is None or not row.held:
        return refuse(
            "registry.unknown", "no credential was dropped", f"the node holds no credential `{id}`",
            remedy="choose one from `usufruct did held`",
        )  # fmt: skip
    return CredentialDropped(id)


def held(read: Reader, at: Instant) -> list[OwnCredential]:
    """The credentials that the node holds and that have not run out, the oldest first."""
    return [row for row in read.list(OwnCredential, held=1) if at < row.until]


# ---- what a verified token or credential says


@dataclass(frozen=True, slots=True)
class SelfIssued:
    """What a participant said of itself with its own key: it is `did`; `access` lets us ask its credential service. It may
    be seen once: `id`, made at `issued`, of no use after `until` (seconds since 1970)."""

    did: str
    access: str
    id: str
    issued: int
    until: int


@dataclass(frozen=True, slots=True)
class StatusPlace:
    """Where a credential's issuer says whether it was revoked or suspended."""

    uri: str
    index: int
    purpose: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a credential of a participant says once its signature is verified: `issuer` says that `subject` is of `types`."""

    issuer: str
    subject: str
    named: str
    types: tuple[str, ...]
    profile: str
    until: Instant
    status: tuple[StatusPlace, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What scopes ask for: credentials of these `types`, and those of these `names`."""

    types: frozenset[str]
    names: frozenset[str]

    def has(self, types: tuple[str, ...], named: str) -> bool:
        """Whether a credential is among them."""
        return bool(self.types.intersection(types)) or named in self.names


def wanted(scopes: tuple[str, ...]) -> Wanted:
    """What scopes ask for. One for a type may end with what may be done, of which there is `read` only.

    Raises:
        ValueError: there is none, or one that is not understood.
    """
    types, names = set(), set()
    for scope in scopes:
        type, _, mode = scope.removeprefix(BY_TYPE).partition(":")
        if scope.startswith(BY_TYPE) and type and mode in ("", "read"):
            types.add(type)
        elif scope.startswith(BY_ID) and scope != BY_ID:
            names.add(scope.removeprefix(BY_ID))
        else:
            raise ValueError(f"the scope `{scope[:200]}` is not `{BY_TYPE}TYPE:read`")
    if not scopes:
        raise ValueError("no scope was named")
    return Wanted(frozenset(types), frozenset(names))


def scope_of(type: str) -> str:
    """The scope that asks for credentials of a type."""
    return f"{BY_TYPE}{type}:read"
