"""Settlements of millions of persons, with numpy: the same bytes as the reference in `core.income.settlement`.

A part of a portion is `amount x weight // sum`, where the product may need 128 bits and numpy has 64. So the amount is
taken in limbs, from the top: q and r are quotient and remainder so far, and each limb l of b bits makes r x 2^b + weight x l
the next dividend. With b bits fewer than the sum of the weights leaves of 63 that never passes 2^64, and the product is
never made. What is left over goes to the largest remainders; their threshold is found by partition, without a sort, and
lots are drawn for those only who stand at it.

Everything is whole numbers, so neither the order of the work nor where it is done can show in the result. Where a
sum does not fit into 63 bits the reference does the work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from usufruct.core.income import settlement
from usufruct.core.income.division import FIRST, GOLDEN, SECOND, seed_of
from usufruct.core.income.measure import MICRO, Portion
from usufruct.core.income.segment import CHUNK, COLUMNS, PIECE, SALT_SIZE, Piece, piece, root_over, salts, width
from usufruct.core.income.settlement import Settlement
from usufruct.core.proof.tree import leaf_hash
from usufruct.engine import piecework

Words = NDArray[np.uint64]

_BLOCK = 32_768  # numbers that are worked on at once, so that they stay near
_LIMIT = 2**63
_COMMITTED = np.dtype([("first", "u1"), ("salt", f"V{SALT_SIZE}"), ("paid", "<u8"), ("owed", "<u8")])


class NumpySettler:
    """`ports.Settler` on this machine; what is large, in several processes."""

    def settle(
        self, portions: Sequence[Portion], before: Iterable[bytes], persons: int, least: int, seed: bytes
    ) -> Settlement:
        """The settlement, see `ports.Settler`."""
        kept = list(before)
        persons = max(persons, sum(Piece(data).count for data in kept))
        if not fits(portions, kept):
            return settlement.settle(portions, kept, persons, least, seed)
        due = np.zeros(persons, np.uint64)
        for portion in portions:
            add(due, portion)

        def job(number: int) -> tuple[Words, bytes, int, int, bytes]:
            carried = kept[number] if number < len(kept) else b""
            return due[number * PIECE : (number + 1) * PIECE], carried, number, least, seed

        return put_together(piecework.made(-(-persons // PIECE), job, settle_piece), persons, least, seed)


Made = tuple[bytes, bytes, int, int, int]
"""A piece, the root over its chunks, how many are paid, how much in minor units, and what is carried in millionths."""


def fits(portions: Sequence[Portion], before: Sequence[bytes]) -> bool:
    """Whether all amounts together, and each sum of weights, stay below 63 bits."""
    whole = sum(portion.amount for portion in portions)
    for data in before:
        found = Piece(data)
        whole += sum(_sum(_numbers(found, which)) for which in (0, 1))
    try:
        return whole < _LIMIT and all(_sum(words(portion.weights)) < _LIMIT // 2 for portion in portions)
    except OverflowError:  # one weight alone does not fit
        return False


def words(weights: Sequence[int]) -> NDArray[np.uint32] | Words:
    """Weights as numpy has them, without a copy where they are an array."""
    try:
        return np.asarray(memoryview(weights))  # type: ignore[arg-type]
    except TypeError:
        return np.array(weights, np.uint64)


def add(due: Words, portion: Portion) -> None:
    """Adds everybody's part of a portion to what she is due."""
    weights = words(portion.weights)
    places = None
    if 4 * np.count_nonzero(weights) < len(weights):
        places = np.flatnonzero(weights)
        weights = weights[places]
    parts = divide(portion.amount, weights, portion.name, places)
    if places is None:
        due[: len(parts)] += parts
    else:
        due[places] += parts


def divide(
    total: int, weights: NDArray[np.uint32] | Words, name: str, places: NDArray[np.int64] | None = None
) -> Words:
    """As `core.income.division.divide`, of numpy's numbers; `places` are their positions, if not one after the other.

    Their sum is below 2^62, and `total` below 2^63.
    """
    whole = _sum(weights)
    if total < 0 or whole == 0:
        raise ValueError("a division needs a total that is not negative, and a weight above zero")
    parts, rests = np.empty(len(weights), np.uint64), np.empty(len(weights), np.uint64)
    limbs = _limbs(total, whole, int(weights.max()))
    for start in range(0, len(weights), _BLOCK):
        here = slice(start, start + _BLOCK)
        parts[here], rests[here] = _block(limbs, whole, weights[here].astype(np.uint64))
    spare = total - _sum(parts)
    if spare:
        threshold = np.partition(rests, len(rests) - spare)[len(rests) - spare]
        above = rests > threshold
        parts += above
        tied = np.flatnonzero(rests == threshold)
        left = spare - int(np.count_nonzero(above))
        if left < len(tied):
            lots = _lots(name, tied if places is None else places[tied])
            tied = tied[np.argpartition(lots, left)[:left]]
        parts[tied] += np.uint64(1)
    return parts


def _limbs(total: int, whole: int, largest: int) -> list[tuple[int, int]]:
    """`total` from the top in pieces, each with its number of bits."""
    bits = total.bit_length() if largest * total < 2**64 else 63 - whole.bit_length()
    count = -(-total.bit_length() // max(bits, 1))
    return [((total >> bits * place) & ((1 << bits) - 1), bits) for place in reversed(range(count))]


def _block(limbs: Sequence[tuple[int, int]], whole: int, weights: Words) -> tuple[Words, Words]:
    parts, rests, by = np.zeros(len(weights), np.uint64), np.zeros(len(weights), np.uint64), np.uint64(whole)
    for limb, bits in limbs:
        dividend = (rests << np.uint64(bits)) + weights * np.uint64(limb)
        quotient = dividend // by
        parts = (parts << np.uint64(bits)) + quotient
        rests = dividend - quotient * by
    return parts, rests


def _lots(name: str, places: NDArray[np.int64]) -> Words:
    """As `core.income.division.lot`, of many positions."""
    mixed = np.uint64(seed_of(name)) + (places.astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(FIRST)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(SECOND)
    lots: Words = mixed ^ (mixed >> np.uint64(31))
    return lots


def settle_piece(due: Words, before: bytes, number: int, least: int, seed: bytes) -> Made:
    """Piece `number` of a settlement; `before` is that piece of the one before, or nothing."""
    carried = np.zeros(len(due), np.uint64)
    if before:
        past = Piece(before)
        was_due, was_carried, was_paid = (_numbers(past, which) for which in range(COLUMNS))
        carried[: past.count] = was_due + was_carried - was_paid * np.uint64(MICRO)
    both = due + carried
    whole = both // np.uint64(MICRO)
    paid = np.where(whole >= np.uint64(max(least, 0)), whole, np.uint64(0))
    leaves = _leaves(paid, whole - paid, number * (PIECE // CHUNK), seed)
    data = piece(len(due), [_column(numbers) for numbers in (due, carried, paid)], leaves)
    left = _sum(both) - _sum(paid) * MICRO
    return data, root_over(leaves), int(np.count_nonzero(paid)), _sum(paid), left


def put_together(made: Sequence[Made], persons: int, least: int, seed: bytes) -> Settlement:
    """The settlement that has these pieces."""
    pieces, roots, payees, paid, left = zip(*made, strict=True) if made else ((), (), (), (), ())
    carried, odd = -(-sum(left) // MICRO), -sum(left) % MICRO
    return Settlement(persons, least, seed, tuple(pieces), tuple(roots), sum(payees), sum(paid), carried, odd)


def _leaves(paid: Words, owed: Words, first: int, seed: bytes) -> list[bytes]:
    """The hashes of the chunks of a piece, the first of which has that number."""
    records = np.zeros(len(paid), _COMMITTED)
    records["first"], records["paid"], records["owed"] = 2, paid, owed
    leaves, sha256 = [], hashlib.sha256
    for place, start in enumerate(range(0, len(paid), CHUNK)):
        chunk = records[start : start + CHUNK]
        chunk["salt"] = np.frombuffer(salts(seed, first + place, len(chunk)), f"V{SALT_SIZE}")
        lines = chunk.view(f"V{_COMMITTED.itemsize}").tolist()
        leaves.append(leaf_hash(b"".join([sha256(line).digest() for line in lines])))
    return leaves


def _column(numbers: Words) -> bytes:
    size = width(int(numbers.max()) if len(numbers) else 0)
    return numbers.astype(f"<u{size}").tobytes() if size else b""


def _numbers(found: Piece, which: int) -> Words:
    """A column of a piece."""
    size = found.widths[which]
    if not size:
        return np.zeros(found.count, np.uint64)
    return np.frombuffer(found.column(which), f"<u{size}").astype(np.uint64)


def _sum(numbers: NDArray[np.uint32] | Words) -> int:
    """The exact sum, however large."""
    if numbers.itemsize < 8:
        return int(numbers.sum(dtype=np.uint64))
    half = np.uint64(32)
    return (int((numbers >> half).sum()) << 32) + int((numbers & np.uint64(2**32 - 1)).sum())
