"""Sets of persons as bitmaps over their numbers: in hex, in chunks, where they are kept; as one whole number for reckoning."""

from __future__ import annotations

from collections.abc import Iterable

CHUNK = 32_768  # persons in one chunk


def joined(chunks: Iterable[tuple[int, str]]) -> int:
    """The bitmaps of chunks as one."""
    found = bytearray()
    for place, text in chunks:
        start, bits = place * (CHUNK // 8), bytes.fromhex(text)
        if len(found) < start + len(bits):
            found.extend(bytes(start + len(bits) - len(found)))
        found[start : start + len(bits)] = bits
    return int.from_bytes(found, "little")


def bitmap(numbers: Iterable[int], size: int) -> int:
    """Persons' numbers as a bitmap of `size` bytes."""
    bits = bytearray(size)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    return int.from_bytes(bits, "little")


def parsed(text: str) -> int:
    """A chunk as a whole number."""
    return int.from_bytes(bytes.fromhex(text), "little")


def written(bits: int) -> str:
    """A whole number as a chunk."""
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little").hex()


def has(text: str, number: int) -> bool:
    """Whether a person is in her chunk."""
    return bool(parsed(text) >> number % CHUNK & 1)


def with_one(text: str, number: int) -> str:
    """Her chunk with her in it."""
    return written(parsed(text) | 1 << number % CHUNK)


def without(text: str, number: int) -> str:
    """Her chunk without her."""
    return written(parsed(text) & ~(1 << number % CHUNK))


def is_in(bits: bytes, number: int) -> bool:
    """Whether a person is in a set that was written as bytes, when there may have been fewer persons."""
    return number // 8 < len(bits) and bool(bits[number // 8] >> number % 8 & 1)
