"""The check of a certificate in columns: the same questions as `core.work.allocation.certificate`, without a loop over pairs.

It only ever says that all is right. Whatever is not, the core is asked, and its words are given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import certificate
from usufruct.core.work.allocation.certificate import Certificate, Checked
from usufruct.core.work.allocation.instance import Instance
from usufruct.core.work.allocation.rule import STABLE
from usufruct.engine.allocation.columns import Columns, Whole, columns, decode, priorities, worths

Flags = NDArray[np.bool_]


def check(instance_bytes: bytes, certificate_bytes: bytes) -> Refusal | Checked:
    """Whether the certificate proves its allocation of the instance."""
    try:
        found = _proved(instance_bytes, certificate_bytes)
    except (BadInput, OverflowError):
        found = None
    return found if found is not None else certificate.check(instance_bytes, certificate_bytes)


def _proved(instance_bytes: bytes, certificate_bytes: bytes) -> Checked | None:
    said = certificate.decode(certificate_bytes)
    if certificate.of_instance(said, instance_bytes) is not None:
        return None
    instance = decode(instance_bytes)
    if instance is None or certificate.lawful_draw(said, instance) is not None:
        return None
    read, taken, price = columns(instance), np.array(said.taken, np.int64), np.array(said.prices, np.int64)
    if len(taken) != len(instance.workers) or len(price) != (0 if said.method == STABLE else len(read.seats)):
        return None
    own = own_pairs(read, taken)
    if own is None:
        return None
    prove = _stable if said.method == STABLE else _sum
    only = prove(instance, read, said, taken, own, price)
    if only is None:
        return None
    points = int(read.scores[own[taken >= 0]].sum())
    return certificate.report(said, instance, points, only)


def own_pairs(read: Columns, taken: Whole) -> Whole | None:
    """The pair of each worker, or the end of her pairs if she got none; None if she could not have what she has, or more have a
    job than it has seats."""
    if len(taken) and not (taken.min() >= -1 and taken.max() < len(read.seats)):
        return None
    hits = np.flatnonzero(read.job == taken[read.owner])
    own = read.starts[1:].copy()
    own[read.owner[hits]] = hits
    if len(hits) != np.count_nonzero(taken >= 0):
        return None
    held = np.bincount(taken[taken >= 0], minlength=len(read.seats))
    return own if (held <= read.seats).all() else None


# ---- stable


def _stable(
    instance: Instance, read: Columns, said: Certificate, taken: Whole, own: Whole, price: Whole
) -> bool | None:
    keys = priorities(instance, read, bytes.fromhex(said.seed))
    jobs, seated = len(read.seats), taken >= 0
    least = np.full(jobs, np.iinfo(np.int64).max)
    np.minimum.at(least, taken[seated], keys[own[seated]])
    full = np.bincount(taken[seated], minlength=jobs) == read.seats
    rather = np.flatnonzero(np.arange(len(read.job)) < own[read.owner])
    wanted, key = read.job[rather], keys[rather]
    if (~full[wanted] | (key > least[wanted])).any():
        return None
    best = np.full(jobs, -1, np.int64)
    np.maximum.at(best, wanted, key)
    follows = np.full(jobs + 1, jobs)  # the place behind the last leads to itself: nowhere
    chosen = key == best[wanted]
    place = taken[read.owner[rather[chosen]]]
    follows[wanted[chosen]] = np.where(place >= 0, place, jobs)
    for _ in range(jobs.bit_length()):  # twice as far each time
        follows = follows[follows]
    return True if (follows == jobs).all() else None


# ---- sum


def gains(read: Columns, worth: Whole, taken: Whole, own: Whole, price: Whole) -> Whole | None:
    """What each worker has over the price of her job, if the prices prove that the sum is the largest; else None."""
    seated = taken >= 0
    free = read.seats - np.bincount(taken[seated], minlength=len(read.seats))
    if (price < 0).any() or (price[free > 0] != 0).any():
        return None
    gain = np.zeros(len(taken), np.int64)
    gain[seated] = worth[own[seated]] - price[taken[seated]]
    if (gain < 0).any() or (worth - price[read.job] > gain[read.owner]).any():
        return None
    return gain


def _sum(instance: Instance, read: Columns, said: Certificate, taken: Whole, own: Whole, price: Whole) -> bool | None:
    worth = worths(instance, read, bytes.fromhex(said.seed))
    gain = gains(read, worth, taken, own, price)
    if gain is None:
        return None
    seated = taken >= 0
    free = read.seats - np.bincount(taken[seated], minlength=len(read.seats))
    equal = worth - price[read.job] == gain[read.owner]
    equal[own[seated]] = False
    alike = np.flatnonzero(equal)
    back, to = read.job[alike].astype(np.int64), taken[read.owner[alike]]
    leads = to >= 0
    fast = free > 0
    fast[taken[seated & (gain == 0)]] = True
    if not _all_reached(fast, back[leads], to[leads]):
        return None
    return bool(leads.all() and (price[to] > 0).all()) and not _tangled(len(fast), back, to)


def _all_reached(reached: Flags, back: Whole, to: Whole) -> bool:
    """Whether all places are reached from some by going from `back` to `to`; edges that were gone are dropped, so that
    each round looks at fewer."""
    while len(to):
        ready = reached[back]
        fresh = to[ready]
        if not len(fresh) or reached.all():
            break
        reached[fresh] = True
        back, to = back[~ready], to[~ready]
    return bool(reached.all())


def _tangled(places: int, back: Whole, to: Whole) -> bool:
    """Whether there is a circle: edges whose beginning nothing leads to are taken away until none is left, or no such is."""
    while len(to):
        incoming = np.zeros(places, np.bool_)
        incoming[to] = True
        staying = incoming[back]
        if staying.all():
            return True
        back, to = back[staying], to[staying]
    return False
