"""The cryptography of a match: ristretto255 from libsodium, in lists.

`core.privacy.matching` says what the two sides do and why. Here are the two sides themselves. Each lives for one run and
holds its exponent in memory only.

libsodium comes with `rbcl`. Its own functions check and copy their arguments, which takes a third as long as the
mathematics and keeps other threads waiting; so the lists are gone through with the library itself, which lets go of the
interpreter while it works: two threads then do nearly twice as much. What the library refuses (what is no point of the
group, or becomes the identity) is a ValueError here.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from usufruct.core.base.faults import EngineFault
from usufruct.core.privacy.matching import digest_of

POINT, CIPHERTEXT = 32, 64  # bytes
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group
IDENTITY = bytes(POINT)
_INLINE = 256  # elements for which other threads are not worth their while
_NOT_A_POINT = "an element is no point of the group, or the identity"


@cache
def _sodium() -> Any:
    """libsodium, loaded when it is first needed, for it takes a while."""
    try:
        import rbcl
    except (ImportError, OSError):
        raise EngineFault(
            "engine.group", "libsodium could not be loaded", "see that temporary files may hold programs, or set TMPDIR"
        ) from None
    assert rbcl.crypto_core_ristretto255_BYTES == POINT
    library = rbcl.rbcl._sodium
    Path(library._name).unlink(missing_ok=True)  # loaded by now, and rbcl would leave one behind at every start
    return library


@cache
def _function(name: str, arguments: int) -> Any:
    """A function of libsodium that takes addresses; one of our own, so that rbcl's stay as they are."""
    found = _sodium()[f"crypto_{name}"]
    found.argtypes, found.restype = [ctypes.c_void_p] * arguments, ctypes.c_int
    return found


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="matching")


def _spread(count: int, work: Callable[[int, int], bool]) -> None:
    """Lets threads do `work` on stretches of `count` elements; ValueError if any of it failed."""
    if count <= _INLINE:
        good = work(0, count)
    else:
        parts = (os.cpu_count() or 1) * 4
        ends = [count * part // parts for part in range(parts + 1)]
        good = all(_threads().map(work, ends[:-1], ends[1:]))
    if not good:
        raise ValueError(_NOT_A_POINT)


def _address(data: bytes) -> int:
    """Where bytes lie; they must be held for as long as that is used."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def _into(count: int, work: Callable[[int, int, int], bool]) -> bytes:
    """A list of points that threads write: `work(to, first, last)` writes those from `first` on to the address `to`."""
    out = (ctypes.c_char * (POINT * count))()
    to = ctypes.addressof(out)
    _spread(count, lambda first, last: work(to, first, last))
    return out.raw


def hashed(digests: Sequence[bytes]) -> bytes:
    """The points of digests of 64 bytes, as RFC 9496 derives them."""
    derive = _function("core_ristretto255_from_hash", 2)

    def work(to: int, first: int, last: int) -> bool:
        return not any(derive(to + POINT * i, digests[i]) for i in range(first, last))

    return _into(len(digests), work)


def blinded(points: bytes, scalar: int) -> bytes:
    """Every point raised to the exponent. Raises ValueError for what is no point, or becomes the identity."""
    multiply, exponent, start = _function("scalarmult_ristretto255", 3), _bytes(scalar), _address(points)

    def work(to: int, first: int, last: int) -> bool:
        return not any(multiply(to + i, exponent, start + i) for i in range(POINT * first, POINT * last, POINT))

    return _into(len(points) // POINT, work)


def generated(scalars: Sequence[int]) -> bytes:
    """The generator raised to each exponent."""
    multiply = _function("scalarmult_ristretto255_base", 2)
    exponents = [_bytes(scalar) for scalar in scalars]

    def work(to: int, first: int, last: int) -> bool:
        return not any(multiply(to + POINT * i, exponents[i]) for i in range(first, last))

    return _into(len(scalars), work)


def _check(points: Sequence[bytes]) -> None:
    """Raises ValueError unless all are points of the group, and none is the identity."""
    valid = _function("core_ristretto255_is_valid_point", 1)
    _spread(
        len(points),
        lambda first, last: all(valid(points[i]) and points[i] != IDENTITY for i in range(first, last)),
    )


def _combined(name: str, left: bytes, right: bytes) -> bytes:
    out = (ctypes.c_char * POINT)()
    if _function(f"core_ristretto255_{name}", 3)(ctypes.addressof(out), left, right):
        raise ValueError(_NOT_A_POINT)
    return out.raw


def plus(left: bytes, right: bytes) -> bytes:
    """The product of two points, in the notation of exponents."""
    return _combined("add", left, right)


def minus(left: bytes, right: bytes) -> bytes:
    """Their quotient."""
    return _combined("sub", left, right)


def _bytes(scalar: int) -> bytes:
    return (scalar % ORDER).to_bytes(POINT, "little")


def _pieces(data: bytes, size: int) -> list[bytes]:
    if len(data) % size:
        raise ValueError("a batch ends within an element")
    return [data[i : i + size] for i in range(0, len(data), size)]


def _points(data: bytes, size: int) -> list[bytes]:
    """The points in so many bytes; libsodium reads as far as a point reaches, whatever it is given."""
    if len(data) != size:
        raise ValueError(_NOT_A_POINT)
    return _pieces(data, POINT)


class Rising:
    """Checks that a list, batch by batch, rises strictly: so nothing in it repeats, and it has one order only."""

    def __init__(self) -> None:
        self._last = b""

    def check(self, elements: Sequence[bytes]) -> None:
        """Raises ValueError if it does not."""
        for element in elements:
            if element <= self._last:
                raise ValueError("a list repeats an element, or is out of order")
            self._last = element


class RistrettoMatching:
    """`matching_sides.Matching` by libsodium; `entropy` gives so many random bytes."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy

    def asking(self, run: str, names: Sequence[str], size: int) -> Asking:
        """The side that asks."""
        return Asking(self._entropy, run, names, size)

    def answering(
        self, run: str, names: Sequence[str], size: int, base: bytes, planted: int, of: int,
        values: Sequence[int] | None = None,
    ) -> Answering:  # fmt: skip
        """The side that answers."""
        return Answering(self._entropy, run, names, size, base, planted, of, values)


def _scalar(entropy: Callable[[int], bytes]) -> int:
    return int.from_bytes(entropy(64), "little") % (ORDER - 1) + 1


def _elements(entropy: Callable[[int], bytes], run: str, names: Sequence[str], size: int, scalar: int) -> bytes:
    """The points of the names, blinded, and random ones in the place of those that are not there.

    In one pass, so that digests are taken while libsodium works in other threads. Random points are blinded too, for the
    time that a list takes must not tell how many they are."""
    if len(names) > size:
        raise ValueError("there are more identifiers than persons")
    derive, multiply = _function("core_ristretto255_from_hash", 2), _function("scalarmult_ristretto255", 3)
    exponent, named = _bytes(scalar), len(names)

    def work(to: int, first: int, last: int) -> bool:
        for i in range(first, last):
            at = to + POINT * i
            if derive(at, digest_of(run, names[i]) if i < named else entropy(64)) or multiply(at, exponent, at):
                return False
        return True

    return _into(size, work)


class Asking:
    """`matching_sides.Asking`."""

    def __init__(self, entropy: Callable[[int], bytes], run: str, names: Sequence[str], size: int) -> None:
        self._entropy, self._secret, self._named = entropy, _scalar(entropy), len(names)
        points = _pieces(_elements(entropy, run, names, size, self._secret), POINT)
        self._order = sorted(range(size), key=points.__getitem__)
        self.points = b"".join([points[i] for i in self._order])
        self.base = generated([self._secret])
        self._returned: dict[bytes, int] = {}
        self._rising, self._listed = Rising(), Rising()
        self._found: list[tuple[int, bytes]] = []

    def returned(self, batch: bytes) -> None:
        """Takes elements that came back blinded twice."""
        self._rising.check(_pieces(batch, POINT))
        for point in _pieces(blinded(batch, pow(self._secret, -1, ORDER)), POINT):
            self._returned[point] = len(self._returned)

    def listed(self, batch: bytes, summing: bool) -> None:
        """Takes elements of the other side, each with its ciphertext in a sum, once all of its own came back."""
        entries = _pieces(batch, POINT + CIPHERTEXT * summing)
        points = [entry[:POINT] for entry in entries]
        self._listed.check(points)
        _check(points)
        self._found += [
            (self._returned[point], entry[POINT:])
            for point, entry in zip(points, entries, strict=True)
            if point in self._returned
        ]

    def found(self) -> int:
        """How many elements are in both lists, planted ones among them."""
        return len(self._found)

    def total(self, key: bytes, noise: int) -> bytes:
        """The encrypted total over what was found, plus noise; with fresh randomness, so that it tells nothing else."""
        fresh = _scalar(self._entropy)
        blind, masked = generated([fresh]), blinded(_points(key, POINT)[0], fresh)
        if noise:
            masked = plus(masked, generated([noise]))
        for _, ciphertext in self._found:
            blind, masked = plus(blind, ciphertext[:POINT]), plus(masked, ciphertext[POINT:])
        return blind + masked

    def matched(self, order: Sequence[int]) -> list[int]:
        """Which of the names were found; `order` says for every element that came back which one of those sent it was."""
        if sorted(order) != list(range(len(self._order))) or len(self._returned) != len(order):
            raise ValueError("what came back is not what was sent")
        return sorted(name for place, _ in self._found if (name := self._order[order[place]]) < self._named)


class Answering:
    """`matching_sides.Answering`."""

    def __init__(
        self, entropy: Callable[[int], bytes], run: str, names: Sequence[str], size: int, base: bytes, planted: int, of: int,
        values: Sequence[int] | None,
    ) -> None:  # fmt: skip
        _check(_points(base, POINT))
        self._secret, self._opens = _scalar(entropy), _scalar(entropy)
        self.key = generated([self._opens])
        exponents = [_scalar(entropy) for _ in range(planted)]
        single = (of - planted) * 64
        alone, theirs = hashed(_pieces(entropy(single), 64)), hashed(_pieces(entropy(single), 64))
        own = _elements(entropy, run, names, size, self._secret) + generated(exponents) + alone
        listed = _pieces(own, POINT)
        if values is not None:
            worth = [*values, *(0 for _ in range(len(listed) - len(values)))]
            listed = [point + self._sealed(value, entropy) for point, value in zip(listed, worth, strict=True)]
        self.entries = b"".join(sorted(listed))
        # What is raised to an exponent of ours here, the asking side brings back to a point of the list above.
        planted_there = b"".join(blinded(base, exponent) for exponent in exponents)
        self._planted = [(point, -1) for point in _pieces(planted_there + theirs, POINT)]
        self._rising, self._sent = Rising(), list[bytes]()
        self._order: list[int] = []

    def _sealed(self, value: int, entropy: Callable[[int], bytes]) -> bytes:
        fresh = _scalar(entropy)
        return generated([fresh, value + fresh * self._opens])

    def sent(self, batch: bytes) -> None:
        """Takes elements of the asking side."""
        self._rising.check(_pieces(batch, POINT))
        self._sent += _pieces(blinded(batch, self._secret), POINT)

    def returned(self) -> bytes:
        """What was taken, blinded twice, with what is planted there, in an order that says nothing."""
        both = sorted([*((point, place) for place, point in enumerate(self._sent)), *self._planted])
        self._order = [place for _, place in both]
        return b"".join([point for point, _ in both])

    def order(self) -> list[int]:
        """Which of the elements taken each of those returned is; only where nothing was planted."""
        return self._order

    def total(self, ciphertext: bytes, within: int) -> int:
        """The total that a ciphertext holds. Raises ValueError if it is none, or beyond its bounds on either side."""
        blind, masked = _points(ciphertext, CIPHERTEXT)
        _check([blind, masked])
        return _exponent(minus(masked, blinded(blind, self._opens)), within)


def _exponent(point: bytes, within: int) -> int:
    """The exponent of a point, from -`within` to `within`, by baby steps and giant steps (Shanks 1971)."""
    steps = math.isqrt(2 * within) + 1
    points = _pieces(generated(range(1, steps)), POINT)
    baby = {IDENTITY: 0, **{point: number for number, point in enumerate(points, 1)}}
    shifted = plus(point, generated([within]))  # so that it lies from 0 on
    stride = generated([steps])
    for giant in range(2 * within // steps + 1):
        if shifted in baby:
            return giant * steps + baby[shifted] - within
        shifted = minus(shifted, stride)
    raise ValueError("the total is beyond its bounds")
