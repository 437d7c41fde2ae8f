"""Parties' public keys: with what a program of a party proves that it speaks for it.

A key is a fact, and so is its end: whether a token was good at an instant follows from the journal. A key speaks for one
party, in one role; its thumbprint (RFC 7638) is its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import OfParty
from usufruct.core.registry.state import Party


@dataclass(frozen=True, slots=True)
class KeyRegistered(OfParty, Fact):
    """Whoever signs with `jwk` (a public JWK, canonical JSON) speaks for `party` in `role` until `until`.

    `did` is the did:web document that it was taken from, if it was. `person`: the record is sealed with her key.
    """

    KIND = "key.registered/1"
    party: str
    thumbprint: str
    jwk: str
    role: str
    until: Instant = END_OF_TIME
    did: str = ""
    person: bool = False


@dataclass(frozen=True, slots=True)
class KeyRevoked(OfParty, Fact):
    """The key speaks for the party no more, from the next request on, and never again for anybody."""

    KIND = "key.revoked/1"
    party: str
    thumbprint: str
    person: bool = False


@dataclass(frozen=True, slots=True)
class PartyKey(Row):
    """A key that speaks for a party, or did; see `KeyRegistered`."""

    KEY = ("thumbprint",)
    INDEXED = ("party",)
    thumbprint: str
    party: str
    jwk: str
    role: str
    until: Instant
    since: Instant
    did: str = ""
    revoked: bool = False


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about a key changes."""
    match entry.fact:
        case KeyRegistered() as fact:
            yield PartyKey(fact.thumbprint, fact.party, fact.jwk, fact.role, fact.until, entry.at, fact.did)
        case KeyRevoked() as fact:
            row = read.get(PartyKey, fact.thumbprint)
            assert row is not None, "both are sealed with one key"
            yield replace(row, revoked=True)
        case _:
            return


def register(
    read: Reader, party: str, thumbprint: str, jwk: str, role: str, until: Instant, did: str
) -> KeyRegistered | Refusal:
    """A key for a party that is known; a key that ever spoke for anybody is not taken again."""
    if read.get(PartyKey, thumbprint) is not None:
        return refuse(
            "registry.exists", "the key was not registered", "this key was registered before",
            remedy="make a new key; one that was revoked does not come back",
        )  # fmt: skip
    who = read.get(Party, party)
    assert who is not None, "the account was checked"
    return KeyRegistered(party, thumbprint, jwk, role, until, did, who.kind == "person")


def revoke(read: Reader, party: str, thumbprint: str) -> KeyRevoked | Refusal:
    """Ends a key of that party."""
    row = read.get(PartyKey, thumbprint)
    who = read.get(Party, party)
    if row is None or who is None or row.party != party or row.revoked:
        return refuse(
            "registry.unknown", "no key was revoked", f"`{party}` has no key `{thumbprint}` that speaks for it",
            remedy="choose one from the list of its keys",
        )  # fmt: skip
    return KeyRevoked(party, thumbprint, who.kind == "person")


def speaks_for(read: Reader, thumbprint: str, at: Instant) -> PartyKey | None:
    """The key with that thumbprint, if it speaks for somebody at that instant."""
    row = read.get(PartyKey, thumbprint)
    return row if row is not None and not row.revoked and at < row.until else None
