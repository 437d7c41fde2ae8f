"""The lottery: one number for each worker and round, from a seed that nobody could choose.

Before wishes are closed each of three chambers (workers, operators, customers) draws a secret and publishes its *commitment*,
a hash. Afterwards it opens the secret. The seed is a hash over all of them, so whoever keeps one secret honest keeps all
numbers honest. The order of the chambers does not matter.

A chamber that sees the others' secrets first could like the numbers better without its own. If it keeps its secret back, the
journal's head at the end of the term takes its place, and the certificate says so for ever: it can throw away one draw in
public, and cannot choose the next one. Nor can a round be cancelled and drawn again until the numbers please somebody. The
commitment is made for one round by name, and a round that is begun again keeps its name and its commitments (`redrawn`), and so
its numbers. New York City let parents do just that for a while: who cancelled and began again got a new number.

A worker has one number for all jobs of the round, and the smallest goes first. With one number for each job more workers
would go without any of their first wishes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.division import lot
from usufruct.core.work.allocation.instance import CHAMBERS

SECRET_SIZE = 32
"""Bytes of a chamber's secret."""

_COMMITMENT, _SEED, _MISSING, _NUMBER = (
    b"usufruct lottery " + what for what in (b"commitment\0", b"seed\0", b"missing\0", b"number\0")
)


def commitment(secret: bytes, round: str = "") -> str:
    """What a chamber publishes of its secret before the round, in hexadecimal: SHA-256 over the round's name and the secret."""
    return hashlib.sha256(_COMMITMENT + _named(round) + secret).hexdigest()


def seed(secrets: Sequence[bytes | None], head: bytes, round: str = "") -> bytes:
    """The seed of a round: SHA-256 over its name and what the chambers opened, in whatever order.

    For each that opened nothing (None) the journal's `head` stands in.
    """
    given = sorted(hashlib.sha256(secret).digest() for secret in secrets if secret is not None)
    missing = [hashlib.sha256(_MISSING + head).digest()] * (len(secrets) - len(given))
    return hashlib.sha256(_SEED + _named(round) + b"".join([*given, *missing])).digest()


def number(seed: bytes, worker: str) -> bytes:
    """A worker's lottery number; the smallest goes first."""
    return hashlib.sha256(_NUMBER + seed + worker.encode()).digest()


def ranks(seed: bytes, workers: Sequence[str]) -> list[int]:
    """Each worker's place in the order of lottery numbers, from 0; who stands first among `workers` is first if two had
    one number."""
    start = hashlib.sha256(_NUMBER + seed)
    drawn = []
    for worker in workers:
        one = start.copy()
        one.update(worker.encode())
        drawn.append(one.digest())
    found = [0] * len(workers)
    for place, worker_at in enumerate(sorted(range(len(workers)), key=drawn.__getitem__)):
        found[worker_at] = place
    return found


def points(seed: bytes, place: int, job: int, bits: int) -> int:
    """Lottery points of a pair, from 1 to 2**bits: they decide between allocations of the same sum.

    `place` is the worker's in the order of lottery numbers, `job` the job's among the jobs of the round.
    """
    return (lot(start_of(seed, place), job) >> (64 - bits)) + 1


def start_of(seed: bytes, place: int) -> int:
    """Where the lottery points begin of the worker at a `place` in the order of lottery numbers."""
    return lot(int.from_bytes(seed[:8], "little"), place)


def opened(round: str, commitments: Sequence[str], secrets: Sequence[bytes | None]) -> Refusal | None:
    """Whether each secret is the one that its chamber committed to for this round; who committed to none opens none."""
    for chamber, said, secret in zip(CHAMBERS, commitments, secrets, strict=True):
        if secret is None:
            continue
        if len(secret) != SECRET_SIZE or not said or commitment(secret, round) != said:
            return refuse(
                "allocation.opening", f"what the chamber of {chamber} opened was not taken",
                "it is not the secret that it committed to for this round",
                remedy="open the secret whose commitment is published, or none: then the journal's head stands in for it",
            )  # fmt: skip
    return None


def redrawn(before: Sequence[str], now: Sequence[str]) -> Refusal | None:
    """Whether a round that is begun again keeps the commitments that were made for it `before`."""
    for chamber, first, second in zip(CHAMBERS, before, now, strict=True):
        if first and first != second:
            return refuse(
                "allocation.redraw", "the lottery of the round is not drawn again",
                f"the chamber of {chamber} committed to another secret for this round",
                remedy="keep the commitments: who could begin again until a good number comes would choose the numbers",
            )  # fmt: skip
    return None


def _named(round: str) -> bytes:
    """A name and what follows it cannot be taken for another name."""
    data = round.encode()
    return len(data).to_bytes(8, "big") + data
