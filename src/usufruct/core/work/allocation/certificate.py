"""The certificate: what proves an allocation to who has the instance, without a solver.

It names the instance by its digest, says what the chambers opened and which seed came of it, who got what, and for a sum the
price of each job. An instance and a seed have one right certificate, and no other passes:

- *stable*: no worker and job would both rather have each other, and no circle of workers could swap and all be better off.
  The first alone would let a job's favourite through where the workers' best is promised.
- *sum*: at these prices nobody would rather have another job, nobody pays more than a pair is worth, and what is left over
  costs nothing. Then no allocation has a larger sum, for every sum is at most that of all gains and prices (duality of linear
  programming, in whole numbers, with nothing left between). And no price could be higher, so that there is one vector of prices
  and no choice among them.

The check looks at each pair a few times. `engine.allocation` has a faster twin, held to this one by a test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.work.allocation import encoding, largest_sum, lottery, stable
from usufruct.core.work.allocation.instance import CHAMBERS, Allocation, Instance
from usufruct.core.work.allocation.rule import STABLE

FORMAT = "usufruct-certificate/1"
_FIELDS = {"format", "head", "instance", "method", "openings", "prices", "round", "seed", "taken"}
_AGAIN = "ask whoever made the certificate for the one that belongs to this instance"
_REDO = "allocate the instance again with its seed, and compare"


@dataclass(frozen=True, slots=True)
class Certificate:
    """An allocation with its proof.

    `instance` is the SHA-256 of the instance's canonical bytes; `openings` what each of `CHAMBERS` opened, in hexadecimal or
    None; `head` the journal's head that stood in for the missing ones, empty if none is missing. `taken` and `prices` are
    those of `Allocation`.
    """

    round: str
    method: str
    instance: str
    openings: tuple[str | None, ...]
    head: str
    seed: str
    taken: Sequence[int]
    prices: Sequence[int]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a certificate proves: who many of the workers got a job, and the sum of their points.

    `missing` names the chambers for which the journal's head stood in. `only` says that no other allocation has the same sum
    and as many lottery points; with their many bits it is hardly ever otherwise.
    """

    round: str
    method: str
    workers: int
    jobs: int
    matched: int
    points: int
    missing: tuple[str, ...]
    only: bool


def make(
    instance: Instance, allocation: Allocation, secrets: Sequence[bytes | None], head: bytes = b"", data: bytes = b""
) -> Certificate:
    """The certificate of an allocation that was made with the seed of these secrets and head; `data` are the instance's
    canonical bytes, if they are at hand."""
    digest = hashlib.sha256(data or encoding.encode(instance)).hexdigest()
    used = head if None in secrets else b""
    return Certificate(
        instance.round, instance.rule.method, digest, tuple(None if one is None else one.hex() for one in secrets),
        used.hex(), lottery.seed(secrets, used, instance.round).hex(), allocation.taken, allocation.prices,
    )  # fmt: skip


def encode(certificate: Certificate) -> bytes:
    """The canonical bytes of a certificate: canonical JSON, with a line's end."""
    return canonical.encode({
        "format": FORMAT, "round": certificate.round, "method": certificate.method, "instance": certificate.instance,
        "openings": list(certificate.openings), "head": certificate.head, "seed": certificate.seed,
        "taken": list(certificate.taken), "prices": list(certificate.prices),
    }) + b"\n"  # fmt: skip


def decode(data: bytes) -> Certificate:
    """The certificate whose canonical bytes are `data`.

    Raises:
        BadInput: they are not those of a certificate.
    """
    try:
        if not data.endswith(b"\n"):
            raise ValueError("they do not end with a line's end")
        said: Any = canonical.decode(data[:-1])
        if not isinstance(said, dict) or set(said) != _FIELDS or said["format"] != FORMAT:
            raise ValueError("they have not the fields of a certificate")
        texts = [said[field] for field in ("round", "method", "instance", "head", "seed")]
        numbers = [said[field] for field in ("taken", "prices")]
        opened = said["openings"]
        if not all(isinstance(text, str) for text in texts) or not all(
            isinstance(each, list) for each in (*numbers, opened)
        ):
            raise ValueError("a field is of another type")
        if not all(set(map(type, each)) <= {int} for each in numbers):
            raise ValueError("what is taken, or a price, is no number")
        if len(opened) != len(CHAMBERS) or not all(one is None or isinstance(one, str) for one in opened):
            raise ValueError("the openings are not those of the chambers")
        for text in (said["head"], said["seed"], *(one or "" for one in opened)):
            if bytes.fromhex(text).hex() != text:
                raise ValueError("a hexadecimal number is written otherwise")
    except ValueError as error:
        raise BadInput("input.certificate", f"these are not the bytes of a certificate: {error}", _AGAIN) from None
    return Certificate(
        said["round"], said["method"], said["instance"], tuple(opened), said["head"], said["seed"], *numbers
    )  # fmt: skip


def check(instance_bytes: bytes, certificate_bytes: bytes) -> Refusal | Checked:
    """Whether the certificate proves its allocation of the instance."""
    try:
        certificate = decode(certificate_bytes)
        refusal = of_instance(certificate, instance_bytes)
        if refusal is not None:
            return refusal
        instance = encoding.decode(instance_bytes)
        refusal = lawful_draw(certificate, instance) or _possible(certificate, instance)
        if refusal is not None:
            return refusal
        seed = bytes.fromhex(certificate.seed)
        found = (
            _stable(certificate, instance, seed) if certificate.method == STABLE else _sum(certificate, instance, seed)
        )
    except BadInput as fault:
        return refuse("allocation.unreadable", "nothing is proved", fault.message, remedy=fault.remedy)
    if isinstance(found, Refusal):
        return found
    scores, taken = instance.scores(), certificate.taken
    points = sum(scores[pair] for worker, pair in enumerate(_pairs(certificate, instance)) if taken[worker] >= 0)
    return report(certificate, instance, points, found)


def report(certificate: Certificate, instance: Instance, points: int, only: bool) -> Checked:
    """What is proved, where everything was found right."""
    missing = tuple(name for name, one in zip(CHAMBERS, certificate.openings, strict=True) if one is None)
    matched = sum(1 for place in certificate.taken if place >= 0)
    return Checked(
        instance.round, instance.rule.method, len(instance.workers), len(instance.jobs), matched, points, missing, only
    )  # fmt: skip


def no(code: str, reason: str, remedy: str = _REDO) -> Refusal:
    """The certificate is refused, and why."""
    return refuse(code, "the certificate does not prove this allocation", reason, remedy=remedy)


# ---- whose it is, and how the numbers were drawn


def of_instance(certificate: Certificate, instance_bytes: bytes) -> Refusal | None:
    """Whether the certificate is about these bytes."""
    if hashlib.sha256(instance_bytes).hexdigest() != certificate.instance:
        return no(
            "allocation.instance", "it names another instance by its digest, or one of the two was changed", _AGAIN
        )
    return None


def lawful_draw(certificate: Certificate, instance: Instance) -> Refusal | None:
    """Whether round, method and seed are those of the instance, of its commitments and of what was opened."""
    if certificate.round != instance.round or certificate.method != instance.rule.method:
        return no("allocation.instance", "it names another round or another method than the instance", _AGAIN)
    secrets = [None if one is None else bytes.fromhex(one) for one in certificate.openings]
    refusal = lottery.opened(instance.round, instance.commitments, secrets)
    if refusal is not None:
        return refusal
    if bool(certificate.head) != (None in secrets):
        return no(
            "allocation.seed",
            "the journal's head stands in where every chamber opened, or is missing where one did not",
        )
    if lottery.seed(secrets, bytes.fromhex(certificate.head), instance.round).hex() != certificate.seed:
        return no("allocation.seed", "the seed does not come of what the chambers opened")
    return None


# ---- who sits where


def _possible(certificate: Certificate, instance: Instance) -> Refusal | None:
    taken, left = certificate.taken, list(instance.seats)
    if len(taken) != len(instance.workers):
        return no("allocation.impossible", "it does not say of each worker once what she got")
    if len(certificate.prices) != (0 if certificate.method == STABLE else len(left)):
        return no("allocation.impossible", "it has not one price for each job, or has prices where there are none")
    for worker, place in enumerate(taken):
        if place == -1:
            continue
        if place not in instance.job[instance.starts[worker] : instance.starts[worker + 1]]:
            return no("allocation.impossible", f"`{instance.workers[worker]}` got a job that she could not have")
        left[place] -= 1
        if left[place] < 0:
            return no("allocation.impossible", f"more than there are seats got the job `{instance.jobs[place]}`")
    return None


def _pairs(certificate: Certificate, instance: Instance) -> list[int]:
    """The pair of each worker, or the end of her pairs if she got none."""
    found = []
    for worker, place in enumerate(certificate.taken):
        pair, end = instance.starts[worker], instance.starts[worker + 1]
        while place >= 0 and pair < end and instance.job[pair] != place:
            pair += 1
        found.append(pair if place >= 0 else end)
    return found


# ---- stable


def _stable(certificate: Certificate, instance: Instance, seed: bytes) -> Refusal | bool:
    keys, own = stable.priorities(instance, seed), _pairs(certificate, instance)
    jobs, taken = len(instance.jobs), certificate.taken
    free, least = list(instance.seats), [-1] * jobs  # the fewest points that hold a seat
    for worker, place in enumerate(taken):
        if place >= 0:
            free[place] -= 1
            least[place] = keys[own[worker]] if least[place] < 0 else min(least[place], keys[own[worker]])
    best, follows = [-1] * jobs, [-1] * jobs  # who a full job would take next, and whose seat she would leave
    for worker, place in enumerate(taken):
        for pair in range(instance.starts[worker], own[worker]):  # what she would rather have
            wanted, key = instance.job[pair], keys[pair]
            if free[wanted] or key > least[wanted]:
                return no(
                    "allocation.blocking",
                    f"`{instance.workers[worker]}` and the job `{instance.jobs[wanted]}` would both rather have each other",
                )
            if key > best[wanted]:
                best[wanted], follows[wanted] = key, place
    if _circle(follows):
        return no(
            "allocation.not-best", "some workers could swap their jobs, and each would have one that she ranks higher"
        )
    return True


def _circle(follows: list[int]) -> bool:
    """Whether one comes back to a place by going where each place leads; -1 leads nowhere."""
    seen = [0] * len(follows)
    for start in range(len(follows)):
        place = start
        while place >= 0 and not seen[place]:
            seen[place] = start + 1
            place = follows[place]
        if place >= 0 and seen[place] == start + 1:
            return True
    return False


# ---- sum


def _sum(certificate: Certificate, instance: Instance, seed: bytes) -> Refusal | bool:
    worth, own, price, taken = (
        largest_sum.worths(instance, seed),
        _pairs(certificate, instance),
        certificate.prices,
        certificate.taken,
    )
    free = list(instance.seats)
    for place in taken:
        if place >= 0:
            free[place] -= 1
    if any(one < 0 or (one and left) for one, left in zip(price, free, strict=True)):
        return no("allocation.prices", "a price is below nothing, or a seat that is left over has one")
    gains: list[int] = []
    for worker, place in enumerate(taken):
        gain = worth[own[worker]] - price[place] if place >= 0 else 0
        here = range(instance.starts[worker], instance.starts[worker + 1])
        if gain < 0 or any(worth[pair] - price[instance.job[pair]] > gain for pair in here):
            return no(
                "allocation.prices", f"at these prices `{instance.workers[worker]}` would rather have something else"
            )
        gains.append(gain)
    leads: list[list[int]] = [
        [] for _ in price
    ]  # from a job to those from which somebody would move to it just as well
    fast = {place for place, left in enumerate(free) if left}  # whose price cannot rise, so far
    fast |= {place for place, gain in zip(taken, gains, strict=True) if place >= 0 and not gain}
    only = True
    for worker, place in enumerate(taken):
        for pair in range(instance.starts[worker], instance.starts[worker + 1]):
            wanted = instance.job[pair]
            if wanted == place or worth[pair] - price[wanted] != gains[worker]:
                continue
            only = only and place >= 0 and price[place] > 0
            if place >= 0:
                leads[wanted].append(place)
    if not _all_reached(fast, leads):
        return no("allocation.prices", "some prices could be higher")
    return only and not _tangled(leads)


def _all_reached(starts: Iterable[int], leads: Sequence[Sequence[int]]) -> bool:
    reached, waiting = [False] * len(leads), list(starts)
    while waiting:
        place = waiting.pop()
        if not reached[place]:
            reached[place] = True
            waiting += leads[place]
    return all(reached)


def _tangled(leads: Sequence[Sequence[int]]) -> bool:
    """Whether there is a circle: places to which nothing leads are taken away until none is left, or no such place is."""
    incoming = [0] * len(leads)
    for each in leads:
        for place in each:
            incoming[place] += 1
    waiting = [place for place, count in enumerate(incoming) if not count]
    gone = 0
    while waiting:
        gone += 1
        for place in leads[waiting.pop()]:
            incoming[place] -= 1
            if not incoming[place]:
                waiting.append(place)
    return gone < len(leads)
