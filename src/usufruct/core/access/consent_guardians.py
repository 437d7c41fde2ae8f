"""Guardians: who speaks for whom, and until when.

A guardian gives and refuses consent in the place of a person who cannot yet, or cannot any more, do so herself. What he
gives ends with his time at the latest; what he refuses stays until she speaks. Even a ward can say no: her own refusal
beats his yes, and he cannot lift it. Only a yes of her own must wait. When either of them is erased he speaks no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.access.facts import GuardianAppointed, GuardianshipEnded
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, in_years
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import PersonErased
from usufruct.core.registry.rules import find_party

LONGEST_YEARS = 30


@dataclass(frozen=True, slots=True)
class Guardianship(Row):
    """`guardian` speaks for `ward` until `until`, unless it `ended` before."""

    KEY = ("guardian", "ward")
    INDEXED = ("guardian", "ward")
    guardian: str
    ward: str
    since: Instant
    until: Instant
    ended: bool = False

    def active(self, at: Instant) -> bool:
        """Whether he speaks for her at that instant."""
        return not self.ended and at < self.until


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about guardians changes."""
    match entry.fact:
        case GuardianAppointed() as fact:
            yield Guardianship(fact.guardian, fact.ward, entry.at, fact.until)
        case GuardianshipEnded() as fact:
            guardianship = read.get(Guardianship, fact.guardian, fact.ward)
            assert guardianship is not None and not guardianship.ended
            yield replace(guardianship, ended=True)
        case PersonErased() as fact:
            theirs = *read.list(Guardianship, ward=fact.party), *read.list(Guardianship, guardian=fact.party)
            yield from (replace(one, ended=True) for one in theirs if not one.ended)
        case _:
            return


def guardianship(read: Reader, guardian: str, ward: str, at: Instant) -> Guardianship | None:
    """The power by which `guardian` speaks for `ward` at that instant, if he has it."""
    found = read.get(Guardianship, guardian, ward)
    return found if found is not None and found.active(at) else None


def guardians_of(read: Reader, ward: str, at: Instant) -> list[Guardianship]:
    """Who speaks for a person at that instant."""
    return [one for one in read.list(Guardianship, ward=ward) if one.active(at)]


def wards_of(read: Reader, guardian: str, at: Instant) -> list[Guardianship]:
    """For whom somebody speaks at that instant."""
    return [one for one in read.list(Guardianship, guardian=guardian) if one.active(at)]


def appoint(
    read: Reader, guardian: str, ward: str, until: Instant, evidence: str, at: Instant
) -> GuardianAppointed | Refusal:
    """The steward records an appointment that a court, or the law, made.

    Raises:
        BadInput: it has no evidence, is over already or lasts too long, or somebody would be her own guardian.
    """
    if not evidence.strip():
        raise BadInput("input.evidence", "a guardian needs evidence", "say where the appointment can be seen")
    if not at < until <= in_years(at, LONGEST_YEARS):
        raise BadInput(
            "input.guardian", f"nobody can be a guardian until `{until[:10]}`",
            f"name the day of majority, or another day within {LONGEST_YEARS} years",
        )  # fmt: skip
    found, of = find_party(read, guardian), find_party(read, ward)
    if found is None or of is None or of.kind != "person":
        return refuse(
            "registry.unknown", "no guardian was appointed", f"there are no `{guardian}` and person `{ward}`",
            remedy="register both first",
        )  # fmt: skip
    if found.id == of.id:
        raise BadInput("input.guardian", "nobody is her own guardian", "name somebody else")
    return GuardianAppointed(found.id, of.id, until, holdable(evidence.strip()))


def end(read: Reader, guardian: str, ward: str, evidence: str, at: Instant) -> GuardianshipEnded | Refusal:
    """The steward records that a guardian was relieved; the consents he gave count no more.

    Raises:
        BadInput: it has no evidence.
    """
    if not evidence.strip():
        raise BadInput(
            "input.evidence", "the end of a guardianship needs evidence", "say where the decision can be seen"
        )
    found, of = find_party(read, guardian), find_party(read, ward)
    if found is None or of is None or guardianship(read, found.id, of.id, at) is None:
        return refuse(
            "registry.unknown", "no guardianship was ended", f"`{guardian}` is not the guardian of `{ward}`",
            remedy="check both names",
        )  # fmt: skip
    return GuardianshipEnded(found.id, of.id, holdable(evidence.strip()))
