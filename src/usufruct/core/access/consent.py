"""Consent and refusal, for as many persons as there are.

For every asset and purpose there are two sets of persons: who *gave* consent and who *refused*. There may be a million
persons, so a set is a bitmap over their numbers, cut into chunks; one person's word rewrites one chunk of 4 KiB, and
who may be used for a purpose is a few ORs and an AND-NOT over bytes. Words with conditions, which are few, are held
against the circumstances of the use one by one (see `consent_words`) and join the bitmaps before they are combined.

How they combine: consent for a broad purpose covers the narrower ones. A refusal beats every consent; it counts for
the purpose, for everything narrower, and also for anything broader that would include it. Refusing takes back the
consents given for that purpose and below it, so lifting the refusal later brings none of them back in silence.

Only the person herself lifts her refusal, by a later yes for that very purpose. A later yes for something narrower is
an exception from it and opens nothing else; one for something broader leaves it standing. What a holder collected
before counts for those only who have not refused. A yes with limits is a no beyond them, whatever she said more broadly.

An *objection* is against uses on one legal basis, or on any; no consent lifts it. On other bases than consent nobody is
asked, and all are in but who refused, objected, or is beyond limits that she set. Of records that are about several
persons none is used unless each of them is in, and each whom any of them shares others with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from usufruct.core.access.consent_conditions import ANY, Circumstances, Conditions
from usufruct.core.access.consent_guardians import Guardianship
from usufruct.core.access.consent_head import ConsentHead, once, with_heads
from usufruct.core.access.consent_words import (
    LIMITED,
    PLAIN,
    ConsentWord,
    Held,
    counted,
    ended,
    held,
    of_person,
    replaced_by_yes,
    taken_back_by_no,
)
from usufruct.core.access.facts import (
    ConsentGiven,
    ConsentRefused,
    ConsentsRecorded,
    ConsentsUsed,
    GuardianshipEnded,
    ObjectionLifted,
    RecordsShared,
    UsedWord,
    UseObjected,
)
from usufruct.core.base.bitmaps import CHUNK, bitmap, has, joined, parsed, with_one, without, written
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.registry.facts import PersonErased
from usufruct.core.registry.state import Person
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.bases import BASES, CONSENT

DIRECT_MARKETING = "DirectMarketing"


@dataclass(frozen=True, slots=True)
class ConsentChunk(Row):
    """Who among the persons `chunk * CHUNK` and following gave or refused; bitmaps in hex, least person first."""

    KEY = ("asset", "purpose", "chunk")
    INDEXED = ("asset", "purpose")
    asset: str
    purpose: str
    chunk: int
    given: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class ObjectionChunk(Row):
    """Who among those persons objects to uses for `purpose` on `basis` (none: on whichever)."""

    KEY = ("asset", "purpose", "basis", "chunk")
    INDEXED = ("asset",)
    asset: str
    purpose: str
    basis: str
    chunk: int
    objected: str = ""


@dataclass(frozen=True, slots=True)
class SharedRecords(Row):
    """Persons whose records are about all of them; see `RecordsShared`."""

    KEY = ("asset", "seq")
    INDEXED = ("asset",)
    asset: str
    seq: int
    numbers: tuple[int, ...]


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a word on consent changes."""
    return with_heads(read, _fold(read, entry))


def _fold(read: Reader, entry: Entry) -> Iterator[Row]:
    match entry.fact:
        case ConsentsRecorded() as fact:
            yield from _record(read, fact)
        case ConsentGiven() as fact:
            yield from _given(read, entry, fact)
        case ConsentRefused() as fact:
            yield from _refused(read, entry, fact)
        case UseObjected() | ObjectionLifted() as fact:
            yield from _objected(read, entry, fact)
        case ConsentsUsed() as fact:
            yield from counted(read, fact, entry.at)
        case RecordsShared() as fact:
            yield SharedRecords(fact.asset, entry.seq, fact.numbers)
        case GuardianshipEnded() as fact:
            yield from _void(read, fact.guardian, fact.ward)
        case PersonErased() as fact:  # whatever a holder collected from her counts for nothing any more
            for one in read.list(Guardianship, guardian=fact.party):
                yield from _void(read, one.guardian, one.ward)
            for removed in fact.removed:
                yield from ended(of_person(read, removed.asset, fact.party), 0)
                for purpose in purposes.descendants(purposes.ROOT):
                    chunk = _chunk(read, removed.asset, purpose, removed.number)
                    refused = with_one(chunk.refused, removed.number) if purpose == purposes.ROOT else chunk.refused
                    yield from _changed(chunk, without(chunk.given, removed.number), refused)
        case _:
            return


def _given(read: Reader, entry: Entry, fact: ConsentGiven) -> Iterator[Row]:
    number = number_of(read, fact.asset, fact.party)
    words = of_person(read, fact.asset, fact.party)
    limited = fact.conditions != ANY
    version = _next(words, fact.version)
    yield from ended(replaced_by_yes(words, fact.purpose, fact.conditions), version)
    yield ConsentWord(
        fact.asset, number, version, fact.party, fact.purpose, "given", LIMITED if limited else PLAIN, entry.at, entry.seq,
        fact.conditions, fact.notice, fact.request, fact.by,
    )  # fmt: skip
    if fact.conditions.scope == ANY.scope:
        chunk = _chunk(read, fact.asset, fact.purpose, number)
        given = without(chunk.given, number) if limited else with_one(chunk.given, number)
        yield from _changed(chunk, given, without(chunk.refused, number))


def _refused(read: Reader, entry: Entry, fact: ConsentRefused) -> Iterator[Row]:
    number = number_of(read, fact.asset, fact.party)
    words = of_person(read, fact.asset, fact.party)
    version = _next(words, fact.version)
    conditions = Conditions(recipients=(fact.recipient,)) if fact.recipient else ANY
    yield from ended(taken_back_by_no(words, fact.purpose, fact.recipient), version)
    yield ConsentWord(
        fact.asset, number, version, fact.party, fact.purpose, "refused", LIMITED if fact.recipient else PLAIN, entry.at,
        entry.seq, conditions, fact.notice, fact.request, fact.by,
    )  # fmt: skip
    for purpose in purposes.descendants(fact.purpose) if not fact.recipient else ():
        chunk = _chunk(read, fact.asset, purpose, number)
        refused = with_one(chunk.refused, number) if purpose == fact.purpose else chunk.refused
        yield from _changed(chunk, without(chunk.given, number), refused)


def _void(read: Reader, guardian: str, ward: str) -> Iterator[Row]:
    """What a guardian gave whose power is gone: it stays as a limit that nothing meets, so that nothing broader takes its
    place."""
    for person in read.list(Person, party=ward):
        for word in of_person(read, person.asset, ward):
            if word.standing == LIMITED and word.said == "given" and word.by == guardian:
                yield replace(word, void=True)


def _objected(read: Reader, entry: Entry, fact: UseObjected | ObjectionLifted) -> Iterator[Row]:
    number = number_of(read, fact.asset, fact.party)
    words = of_person(read, fact.asset, fact.party)
    version, objects = _next(words, fact.version), isinstance(fact, UseObjected)
    same = (w for w in words if w.said == "objected" and (w.purpose, w.basis) == (fact.purpose, fact.basis))
    yield from ended((w for w in same if w.standing == PLAIN), version)
    yield ConsentWord(
        fact.asset, number, version, fact.party, fact.purpose, "objected" if objects else "lifted", PLAIN, entry.at,
        entry.seq, by=fact.by if isinstance(fact, UseObjected) else "", basis=fact.basis,
    )  # fmt: skip
    place = (fact.asset, fact.purpose, fact.basis, number // CHUNK)
    chunk = read.get(ObjectionChunk, *place) or ObjectionChunk(*place)
    yield replace(chunk, objected=(with_one if objects else without)(chunk.objected, number))


def _next(words: list[ConsentWord], version: int) -> int:
    """The number of her next word."""
    assert version in (0, len(words) + 1), "a person's words are numbered one by one"
    return len(words) + 1


def number_of(read: Reader, asset: str, party: str) -> int:
    """The number of a person in an asset.

    Raises:
        LookupError: the asset is not about her.
    """
    for person in read.list(Person, asset=asset, party=party):
        return person.number
    raise LookupError(f"`{asset}` is not about `{party}`")


def population(
    read: Reader, asset: str, purpose: str, persons: int, circumstances: Circumstances | None = None,
    among: bytes | None = None,
) -> bytes:  # fmt: skip
    """Who may be used: a bitmap over the numbers of all `persons`; bit `n % 8` of byte `n // 8` is person `n`.

    Without circumstances only who is in under any in which nobody must be asked first. With `among`, nobody but those whose
    rows are there to be used at all.
    """
    head = read.get(ConsentHead, asset)
    if head is None or head.limited:
        return _population(read, asset, purpose, persons, circumstances, among)
    first = circumstances is not None and circumstances.ask_first
    name = (head.digest, purpose, persons, _basis(circumstances), first, among)
    return once(name, lambda: _population(read, asset, purpose, persons, circumstances, among))


def _population(
    read: Reader, asset: str, purpose: str, persons: int, circumstances: Circumstances | None, among: bytes | None
) -> bytes:
    limited = held(read, read.list(ConsentWord, asset=asset, standing=LIMITED), purpose, circumstances)
    size, everybody = (persons + 7) // 8, (1 << persons) - 1
    sides: dict[str, tuple[int, int]] = {}

    def said_so(over: str, side: int) -> int:
        if over not in sides:
            chunks = list(read.list(ConsentChunk, asset=asset, purpose=over))
            sides[over] = joined((c.chunk, c.given) for c in chunks), joined((c.chunk, c.refused) for c in chunks)
        return sides[over][side]

    given, refused = _combined(purpose, said_so, limited, lambda numbers: bitmap(numbers, size))
    basis = _basis(circumstances)
    inside = (given if basis == CONSENT else everybody) & ~refused & ~_objections(read, asset, purpose, basis)
    if circumstances is not None and circumstances.ask_first:
        inside &= bitmap(limited.asked, size)
    if among is not None:  # before shared records are looked at: who is not there is not in
        inside &= int.from_bytes(among, "little")
    bits = bytearray((inside & everybody).to_bytes(size, "little"))
    _leave_out_shared(bits, [shared.numbers for shared in read.list(SharedRecords, asset=asset)])
    return bytes(bits)


def _leave_out_shared(bits: bytearray, groups: Sequence[Sequence[int]]) -> None:
    """Takes out of a population whoever shares records with somebody who is not in it. Groups may overlap, and who is taken
    out of one takes the others out of hers, in whichever order they were recorded."""
    groups_of: dict[int, list[Sequence[int]]] = {}
    for group in groups:
        for number in group:
            groups_of.setdefault(number, []).append(group)
    waiting = [group for group in groups if not all(bits[number // 8] >> number % 8 & 1 for number in group)]
    while waiting:
        for number in waiting.pop():
            bits[number // 8] &= ~(1 << number % 8)
            waiting += groups_of.pop(number, ())


def used(
    read: Reader, use: str, asset: str, purpose: str, bits: bytes, circumstances: Circumstances
) -> ConsentsUsed | None:
    """The fact by which the uses of persons in the population `bits` are counted; None if nobody wants them counted.

    It must be appended together with the admission, in the same transaction as the population was read: so two uses at
    once can never both be the last one allowed.
    """
    head = read.get(ConsentHead, asset)
    if head is None or not head.limited:
        return None
    words = held(read, read.list(ConsentWord, asset=asset, standing=LIMITED), purpose, circumstances).counted
    rests = tuple(UsedWord(w.number, w.version) for w in words if bits[w.number // 8] >> w.number % 8 & 1)
    return ConsentsUsed(use, asset, rests) if rests and _basis(circumstances) == CONSENT else None


def standing(read: Reader, asset: str, number: int, purpose: str, circumstances: Circumstances | None = None) -> str:
    """What a person's own words come to for one purpose: `given`, `refused` or `not given`.

    Where records are about several persons, `given` is her part of it; see `shares`.
    """
    person = read.get(Person, asset, number)
    words = of_person(read, asset, person.party) if person else []
    limited = held(read, (w for w in words if w.standing == LIMITED), purpose, circumstances)

    def bit(over: str, side: int) -> int:
        chunk = _chunk(read, asset, over, number)
        return int(has((chunk.given, chunk.refused)[side], number))

    given, refused = _combined(purpose, bit, limited, lambda numbers: int(number in numbers))
    refused |= _objections(read, asset, purpose, _basis(circumstances)) >> number & 1
    return "refused" if refused else "given" if given else "not given"


def standing_now(read: Reader, asset: str, number: int, purpose: str, at: Instant) -> str:
    """The same for whatever use there may be at an instant; `limits` if she is in some uses and not in others."""
    if standing(read, asset, number, purpose) == "given":
        return "given"
    person, above = read.get(Person, asset, number), purposes.ancestors(purpose)
    words = of_person(read, asset, person.party) if person else []
    within = (
        w.conditions.inside(at) for w in words if w.standing == LIMITED and w.said == "given" and w.purpose in above
    )
    ordinary = Circumstances(at, "", "aggregates")  # to nobody in particular
    if any(standing(read, asset, number, purpose, use) == "given" for use in (ordinary, *within)):
        return "limits"
    return standing(read, asset, number, purpose, ordinary)


def shares(read: Reader, asset: str, number: int) -> bool:
    """Whether a person's records are about others too, and used only if each of them lets them be.

    This, and not whether the others do, is what she is told before a use. "You are not used although you said yes" would
    tell one of two what the other said, and each of many that one did not agree. It cannot be kept from her for ever: that
    her rows did not count in a use is hers to know.
    """
    return any(number in shared.numbers for shared in read.list(SharedRecords, asset=asset))


_GIVEN, _REFUSED = 0, 1


def _combined(
    purpose: str, bits: Callable[[str, int], int], limited: Held, mask: Callable[[Iterable[int]], int]
) -> tuple[int, int]:
    """Who gave and who refused, over all that bears on a purpose; `bits(purpose, side)` are those who said so of it.

    A consent below a refusal is younger than it, for refusing took the older ones back: so it is the exception.
    """

    def met(over: str) -> int:
        return mask(limited.met[over]) if over in limited.met else 0

    def denied(over: str) -> int:
        unmet = mask(limited.unmet[over]) if over in limited.unmet else 0
        return bits(over, _REFUSED) & ~met(over) | unmet

    above = purposes.ancestors(purpose)
    gave = {over: bits(over, _GIVEN) | met(over) for over in above}
    given, refused = 0, mask(limited.out)
    for over in above:
        given |= gave[over]
        excepted = 0
        for narrower in above:
            if narrower != over and purposes.covers(over, narrower):
                excepted |= gave[narrower]
        refused |= denied(over) & ~excepted
    for under in purposes.descendants(purpose):
        if under != purpose:
            refused |= denied(under)
    return given, refused


def _basis(circumstances: Circumstances | None) -> str:
    """The legal basis of a use; what is none is taken for consent, which asks the most."""
    return circumstances.basis if circumstances and circumstances.basis in BASES else CONSENT


def _objections(read: Reader, asset: str, purpose: str, basis: str) -> int:
    """Who objects to a use for `purpose` on `basis`: towards it, or towards something broader or narrower."""
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for chunk in read.list(ObjectionChunk, asset=asset):
        found.setdefault((chunk.purpose, chunk.basis), []).append((chunk.chunk, chunk.objected))
    objected = 0
    for (against, on), chunks in found.items():
        if not (purposes.covers(against, purpose) or purposes.covers(purpose, against)):
            continue
        if on in ("", basis) or (_markets(against) and _markets(purpose)):
            objected |= joined(chunks)
    return objected


def _markets(purpose: str) -> bool:
    """Whether direct marketing is part of a purpose, or the other way round (GDPR, article 21(2) and (3))."""
    return purposes.covers(purpose, DIRECT_MARKETING) or purposes.covers(DIRECT_MARKETING, purpose)


def said(read: Reader, asset: str, number: int) -> dict[str, str]:
    """What one person herself said to everybody, by purpose: `given` or `refused`."""
    answers = {}
    for chunk in read.list(ConsentChunk, asset=asset):
        if chunk.chunk == number // CHUNK:
            if has(chunk.refused, number):
                answers[chunk.purpose] = "refused"
            elif has(chunk.given, number):
                answers[chunk.purpose] = "given"
    return answers


def _record(read: Reader, fact: ConsentsRecorded) -> Iterator[Row]:
    limits = _limited_above(read, fact)
    by_chunk: dict[int, list[int]] = {}
    for number in fact.numbers:
        if number not in limits:
            by_chunk.setdefault(number // CHUNK, []).append(number)
    for numbers in by_chunk.values():
        chunk = _chunk(read, fact.asset, fact.purpose, numbers[0])
        bits = refused = 0
        for number in numbers:
            bits |= 1 << number % CHUNK
        for purpose in purposes.ancestors(fact.purpose):
            refused |= parsed(_chunk(read, fact.asset, purpose, numbers[0]).refused)
        yield from _changed(chunk, written(parsed(chunk.given) | bits & ~refused), chunk.refused)


def _limited_above(read: Reader, fact: ConsentsRecorded) -> set[int]:
    """Who set limits herself to the purpose or to something broader: no form of before reaches beyond them."""
    above = purposes.ancestors(fact.purpose)
    words = read.list(ConsentWord, asset=fact.asset, standing=LIMITED)
    return {w.number for w in words if w.purpose in above and w.conditions.scope == ANY.scope}


def _changed(chunk: ConsentChunk, given: str, refused: str) -> Iterator[Row]:
    if (given, refused) != (chunk.given, chunk.refused):
        yield ConsentChunk(chunk.asset, chunk.purpose, chunk.chunk, given, refused)


def _chunk(read: Reader, asset: str, purpose: str, number: int) -> ConsentChunk:
    chunk = number // CHUNK
    return read.get(ConsentChunk, asset, purpose, chunk) or ConsentChunk(asset, purpose, chunk)
