"""What is demanded of the cryptography of a match: a port, as those of `usufruct.ports`, with the two sides that it makes.

`core.privacy.matching` says what they do and why. Each side lives for one run in one process; its exponent is drawn for that
run and never leaves it. What does not fit the run is a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Asking(Protocol):
    """The asking side of one run of a match; the one that proposed the match."""

    base: bytes
    """The generator raised to this side's exponent."""
    points: bytes
    """Its list: one blinded element for each person of the table, in the order in which it is sent."""

    def returned(self, batch: bytes) -> None:
        """Takes elements that came back blinded twice."""

    def listed(self, batch: bytes, summing: bool) -> None:
        """Takes elements of the other side, each with its ciphertext in a sum, once all of its own came back."""

    def found(self) -> int:
        """How many elements are in both lists, planted ones among them."""

    def total(self, key: bytes, noise: int) -> bytes:
        """The encrypted total over what was found, with noise."""

    def matched(self, order: Sequence[int]) -> list[int]:
        """Which of the names were found, if `order` says which element sent each of those returned is."""


class Answering(Protocol):
    """The answering side of one run of a match. What does not fit the run is a ValueError."""

    key: bytes
    """The key of its ciphertexts."""
    entries: bytes
    """Its list, planted elements among it, in the order in which it is sent."""

    def sent(self, batch: bytes) -> None:
        """Takes elements of the asking side."""

    def returned(self) -> bytes:
        """What was taken, blinded twice, with what is planted there, in an order that says nothing."""

    def order(self) -> list[int]:
        """Which of the elements taken each of those returned is; tells who matched, where nothing was planted."""

    def total(self, ciphertext: bytes, within: int) -> int:
        """The total that a ciphertext holds, between -`within` and `within`; takes as long as the root of that."""


class Matching(Protocol):
    """The cryptography of matches. Exponents are drawn for one run and never leave this process."""

    def asking(self, run: str, names: Sequence[str], size: int) -> Asking:
        """The side that asks, with a list of `size` elements: those of the names, no two alike, and random ones."""

    def answering(
        self, run: str, names: Sequence[str], size: int, base: bytes, planted: int, of: int,
        values: Sequence[int] | None = None,
    ) -> Answering:  # fmt: skip
        """The side that answers a side of that `base`. Of the elements `of` more than `size` in either list, `planted` match.
        With `values`, one for each name, every entry has a ciphertext."""


class Intersecting(Protocol):
    """Matches that find persons, carried out by another program that the same program at the other node meets. It shows
    which elements both have to the side that asks, and to the other how many elements it has and nothing else. It plants
    nothing, adds no noise and makes no totals."""

    def shared(self, elements: Sequence[str], receives: bool) -> list[int]:
        """The places of the elements that both sides have, where this side `receives` them. Raises EngineFault."""
