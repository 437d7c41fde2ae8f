"""Consent and refusal, for as many persons as there are.

For every asset and purpose there are two sets of persons: who *gave* consent and who *refused*. There may be a million
persons, so a set is a bitmap over their numbers, cut into chunks; one person's word rewrites one chunk of 4 KiB, and
who may be used for a purpose is a few ORs and an AND-NOT over bytes.

How they combine: consent for a broad purpose covers the narrower ones. A refusal beats every consent; it counts for
the purpose, for everything narrower, and also for anything broader that would include it. Refusing takes back the
consents given for that purpose and below it, so lifting the refusal later brings none of them back in silence.

Only the person herself lifts her refusal, by a later yes for that very purpose. A later yes for something narrower is
an exception from it and opens nothing else; one for something broader leaves it standing. What a holder collected
before counts for those only who have not refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from usufruct.core.access.facts import ConsentGiven, ConsentRefused, ConsentsRecorded
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.registry.facts import PersonErased
from usufruct.core.registry.state import Person
from usufruct.core.rulebook import purposes

CHUNK = 32_768  # persons in one chunk


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


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The chunks that a word on consent changes."""
    match entry.fact:
        case ConsentsRecorded() as fact:
            yield from _record(read, fact)
        case ConsentGiven() as fact:
            number = number_of(read, fact.asset, fact.party)
            chunk = _chunk(read, fact.asset, fact.purpose, number)
            yield from _changed(chunk, _set(chunk.given, number), _clear(chunk.refused, number))
        case ConsentRefused() as fact:
            number = number_of(read, fact.asset, fact.party)
            for purpose in purposes.descendants(fact.purpose):
                chunk = _chunk(read, fact.asset, purpose, number)
                refused = _set(chunk.refused, number) if purpose == fact.purpose else chunk.refused
                yield from _changed(chunk, _clear(chunk.given, number), refused)
        case PersonErased() as fact:  # whatever a holder collected from her counts for nothing any more
            for removed in fact.removed:
                for purpose in purposes.descendants(purposes.ROOT):
                    chunk = _chunk(read, removed.asset, purpose, removed.number)
                    refused = _set(chunk.refused, removed.number) if purpose == purposes.ROOT else chunk.refused
                    yield from _changed(chunk, _clear(chunk.given, removed.number), refused)
        case _:
            return


def number_of(read: Reader, asset: str, party: str) -> int:
    """The number of a person in an asset.

    Raises:
        LookupError: the asset is not about her.
    """
    for person in read.list(Person, asset=asset, party=party):
        return person.number
    raise LookupError(f"`{asset}` is not about `{party}`")


def population(read: Reader, asset: str, purpose: str, persons: int) -> bytes:
    """Who may be used: a bitmap over the numbers of all `persons`; bit `n % 8` of byte `n // 8` is person `n`."""

    def bitmap(over: str, side: str) -> int:
        bits = 0
        for chunk in read.list(ConsentChunk, asset=asset, purpose=over):
            bits |= _bits(getattr(chunk, side)) << (chunk.chunk * CHUNK)
        return bits

    given, refused = _combined(purpose, bitmap)
    return (given & ~refused & ((1 << persons) - 1)).to_bytes((persons + 7) // 8, "little")


def standing(read: Reader, asset: str, number: int, purpose: str) -> str:
    """What holds for one person and one purpose: `given`, `refused` or `not given`."""

    def bit(over: str, side: str) -> int:
        return int(_has(getattr(_chunk(read, asset, over, number), side), number))

    given, refused = _combined(purpose, bit)
    return "refused" if refused else "given" if given else "not given"


def _combined(purpose: str, bits: Callable[[str, str], int]) -> tuple[int, int]:
    """Who gave and who refused, over all that bears on a purpose; `bits(purpose, side)` are those who said so of it.

    A consent below a refusal is younger than it, for refusing took the older ones back: so it is the exception.
    """
    above = purposes.ancestors(purpose)
    gave = {over: bits(over, "given") for over in above}
    given = refused = 0
    for over in above:
        given |= gave[over]
        excepted = 0
        for narrower in above:
            if narrower != over and purposes.covers(over, narrower):
                excepted |= gave[narrower]
        refused |= bits(over, "refused") & ~excepted
    for under in purposes.descendants(purpose):
        if under != purpose:
            refused |= bits(under, "refused")
    return given, refused


def said(read: Reader, asset: str, number: int) -> dict[str, str]:
    """What one person herself said, by purpose: `given` or `refused`."""
    answers = {}
    for chunk in read.list(ConsentChunk, asset=asset):
        if chunk.chunk == number // CHUNK:
            if _has(chunk.refused, number):
                answers[chunk.purpose] = "refused"
            elif _has(chunk.given, number):
                answers[chunk.purpose] = "given"
    return answers


def _record(read: Reader, fact: ConsentsRecorded) -> Iterator[Row]:
    by_chunk: dict[int, list[int]] = {}
    for number in fact.numbers:
        by_chunk.setdefault(number // CHUNK, []).append(number)
    for numbers in by_chunk.values():
        chunk = _chunk(read, fact.asset, fact.purpose, numbers[0])
        bits = refused = 0
        for number in numbers:
            bits |= 1 << number % CHUNK
        for purpose in purposes.ancestors(fact.purpose):
            refused |= _bits(_chunk(read, fact.asset, purpose, numbers[0]).refused)
        yield from _changed(chunk, _hex(_bits(chunk.given) | bits & ~refused), chunk.refused)


def _changed(chunk: ConsentChunk, given: str, refused: str) -> Iterator[Row]:
    if (given, refused) != (chunk.given, chunk.refused):
        yield ConsentChunk(chunk.asset, chunk.purpose, chunk.chunk, given, refused)


def _chunk(read: Reader, asset: str, purpose: str, number: int) -> ConsentChunk:
    chunk = number // CHUNK
    return read.get(ConsentChunk, asset, purpose, chunk) or ConsentChunk(asset, purpose, chunk)


def _bits(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


def _hex(bits: int) -> str:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little").hex()


def _has(text: str, number: int) -> bool:
    return bool(_bits(text) >> number % CHUNK & 1)


def _set(text: str, number: int) -> str:
    return _hex(_bits(text) | 1 << number % CHUNK)


def _clear(text: str, number: int) -> str:
    return _hex(_bits(text) & ~(1 << number % CHUNK))
