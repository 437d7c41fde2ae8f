"""How surely it is known who asks.

Three things are told apart. That somebody came in by an account (`login`). That somebody found out who that is: the node's
operator, which keeps the evidence, or a trusted issuer whose credential counts (`substantial`). And that, besides, the
request itself is signed with a key that only this account has (`high`), so that a password or a token in the wrong hands
is not enough.

The first and the last are properties of a request, the second is a fact. So a decision can be made again, and what the
operator once found out ends with its day or when the operator takes it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant, in_years
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.credentials import Credential, counts
from usufruct.core.registry.facts import OfParty
from usufruct.core.registry.rules import find_party

LONGEST_YEARS = 10  # for how long the operator's word that it knows somebody is good


@dataclass(frozen=True, slots=True)
class PartyVerified(OfParty, Fact):
    """The node's operator found out who `party` is, as `evidence` shows, and goes by it until `until`.

    With an instant that has come: no longer. `person`: the record is sealed with her key.
    """

    KIND = "party.verified/1"
    party: str
    evidence: str
    until: Instant
    person: bool = False


@dataclass(frozen=True, slots=True)
class Verified(Row):
    """Until when the operator knows who a party is; see `PartyVerified`, the fact number `seq`."""

    KEY = ("party",)
    party: str
    until: Instant
    seq: int = 0


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The row that a verification changes."""
    if isinstance(entry.fact, PartyVerified):
        yield Verified(entry.fact.party, entry.fact.until, entry.seq)


def verify(read: Reader, party: str, evidence: str, until: Instant | None, at: Instant) -> PartyVerified | Refusal:
    """The operator's word that it found out who a party is; for a year, unless it says until when.

    Raises:
        BadInput: nothing says how, or the end has come already, or is too far away.
    """
    if not evidence.strip():
        raise BadInput("input.evidence", "a verification needs evidence", "say what was seen, and where it is kept")
    until = until or in_years(at, 1)
    if not at < until <= in_years(at, LONGEST_YEARS):
        raise BadInput(
            "input.until", f"a verification cannot last until {until[:10]}", f"name a day within {LONGEST_YEARS} years"
        )
    return _verified(read, party, holdable(evidence.strip()), until)


def unverify(read: Reader, party: str, evidence: str, at: Instant) -> PartyVerified | Refusal:
    """The operator takes its word back, for a reason.

    Raises:
        BadInput: no reason is given.
    """
    if not evidence.strip():
        raise BadInput("input.evidence", "nothing says why", "say what changed, and where that can be seen")
    return _verified(read, party, holdable(evidence.strip()), at)


def _verified(read: Reader, party: str, evidence: str, until: Instant) -> PartyVerified | Refusal:
    who = find_party(read, party)
    if who is None:
        return refuse(
            "registry.unknown",
            "nothing was recorded",
            f"there is no party `{party}`",
            remedy="register the party first",
        )
    return PartyVerified(who.id, evidence, until, who.kind == "person")


def known(read: Reader, party: str, at: Instant) -> tuple[int, ...] | None:
    """The facts by which it is known who a party is; None if it is not."""
    return found_out(read, party, at) or next(
        ((one.fact,) for one in read.list(Credential, party=party, ended="") if counts(read, one, at)), None
    )


def found_out(read: Reader, party: str, at: Instant) -> tuple[int, ...] | None:
    """The facts by which the operator found out who a party is; None if it did not, whatever the party can show."""
    row = read.get(Verified, party)
    return (row.seq,) if row is not None and at < row.until else None


def verified(party: str) -> Verified:
    """The row that there would be if the operator had found out who a party is."""
    return Verified(party, END_OF_TIME)
