"""Levies and entitlements of many persons at once, with numpy: the same numbers as `core.cover.collecting`, to the unit.

A row is what one person earned with one operator in a month. For each levy the rows are put in the order of what adds up
(her with that operator, her with all, everybody with that operator), the running sums are made, and what the levy owes on
them with and without the row is reckoned in 64-bit integers, rate by rate. A rate is that of the first day of the month.

Everything is whole numbers, so it does not matter in which order or where the work is done. What would not fit into 63 bits
is refused, not rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usufruct.core.base.instants import Instant
from usufruct.core.cover.scheme import (
    AGE_MAX,
    EVERYBODY,
    FARE,
    FIRM,
    GROSS,
    JOB,
    MEMBERS,
    NET,
    PAIR,
    PERSON,
    RECEIVED,
    Destination,
    Rate,
    Scheme,
    SchemeLevy,
    period_of,
)
from usufruct.core.rulebook.levy import WHOLE, Band

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

LIMIT = 2**63 - 1
_BLOCK = 65_536  # rows that are worked on at once, so that they stay near


@dataclass(frozen=True, slots=True)
class People:
    """One entry for each person: the month in which she was born (year x 12 + month - 1; below 0: unknown), whether she is a
    member, which option she chose (its place in the scheme's options, from 1; 0: none), and the basis points of what she earns
    that count as expenses."""

    born: Numbers
    member: Flags
    option: Numbers
    off: Numbers


@dataclass(frozen=True, slots=True)
class Earnings:
    """One entry for each row: the numbers of person and operator, the month (its place in `months`, which are in the order of
    time, as `2026-11`), and what was paid, in minor units."""

    person: Numbers
    operator: Numbers
    month: Numbers
    months: tuple[str, ...]
    gross: Numbers
    fee: Numbers
    tips: Numbers


@dataclass(frozen=True, slots=True)
class Levied:
    """What one levy took of each row, and what of it went to each account."""

    levy: str
    payer: str
    amount: Numbers
    parts: dict[str, Numbers]


def take(scheme: Scheme, people: People, earnings: Earnings, known: Instant) -> list[Levied]:
    """What every levy of a scheme takes of these rows, if nothing was taken in their periods before.

    Raises:
        OverflowError: sums that do not fit into 63 bits.
    """
    return [_levied(scheme, levy, people, earnings, known) for levy in scheme.levies]


def _levied(scheme: Scheme, levy: SchemeLevy, people: People, rows: Earnings, known: Instant) -> Levied:
    count = len(rows.person)
    rate_of, basis, paid = np.full(count, -1, np.int16), np.zeros(count, np.int64), np.zeros(count, np.int64)
    for block in _blocks(count):
        rate_of[block] = _rates(scheme, levy, people, rows, block, known)
        for number, here in _by_rate(rate_of[block], block):
            earned = rows.gross[here] - rows.fee[here]
            basis[here] = _basis(levy.rates[number], rows, here, earned)
            paid[here] = earned
    before, paid_before = _running(scheme, levy, rows, basis, paid)
    amount = np.zeros(count, np.int64)
    parts = {one.to: np.zeros(count, np.int64) for rate in levy.rates for one in rate.shares}
    for block in _blocks(count):
        for number, here in _by_rate(rate_of[block], block):
            rate = levy.rates[number]
            off = people.off[rows.person[here]] if rate.basis == NET else None
            less = due(rate, before[here], paid_before[here], off)
            more = due(rate, before[here] + basis[here], paid_before[here] + paid[here], off)
            amount[here] = more - less
            if len(rate.shares) == 1:
                parts[rate.shares[0].to][here] += more - less
                continue
            for one, with_it, without in zip(
                rate.shares, split(more, rate.shares), split(less, rate.shares), strict=True
            ):
                parts[one.to][here] += with_it - without
    return Levied(levy.name, levy.payer, amount, parts)


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, _BLOCK):
        yield slice(start, min(start + _BLOCK, count))


def _by_rate(rate_of: NDArray[np.int16], block: slice) -> Iterator[tuple[int, slice | Numbers]]:
    """The rows of a block at each rate; the block itself where it is the same for all."""
    low, high = int(rate_of.min()), int(rate_of.max())
    if low == high:
        if low >= 0:
            yield low, block
        return
    for number in range(max(0, low), high + 1):
        here = np.flatnonzero(rate_of == number)
        if len(here):
            yield number, here + block.start


def _rates(
    scheme: Scheme, levy: SchemeLevy, people: People, rows: Earnings, block: slice, known: Instant
) -> NDArray[np.int16]:
    """Which rate applies to each row of a block; -1 for none. See `core.cover.scheme.rate_on`."""
    place, person = rows.month[block], rows.person[block]
    month = np.array([int(name[:4]) * 12 + int(name[5:]) - 1 for name in rows.months], np.int64)[place]
    born, option = people.born[person], people.option[person]
    age = (month - 1 - born) // 12  # birthdays before the month began
    hers = np.ones(len(born), np.bool_) if levy.of == EVERYBODY else (people.member[person] == (levy.of == MEMBERS))
    found = np.full(len(born), -1, np.int16)
    for number in sorted(range(len(levy.rates)), key=lambda n: (levy.rates[n].effective, levy.rates[n].known, -n)):
        rate = levy.rates[number]
        begun = np.array([rate.effective <= f"{name}-01T23:59:59.999Z" for name in rows.months], np.bool_)
        if rate.known > known or not begun.any():
            continue
        fits = hers & (option == (scheme.options.index(rate.option) + 1 if rate.option else 0))
        if not begun.all():
            fits &= begun[place]
        if (rate.age_from, rate.age_below) != (0, AGE_MAX):
            fits &= (born >= 0) & (age >= rate.age_from) & (age < rate.age_below)
        found[fits] = number
    return found


def _basis(rate: Rate, rows: Earnings, here: slice | Numbers, earned: Numbers) -> Numbers:
    of = rows.gross[here] if rate.basis in (GROSS, FARE) else earned
    return of + rows.tips[here] if rate.basis in (FARE, RECEIVED) else of


def _running(
    scheme: Scheme, levy: SchemeLevy, rows: Earnings, basis: Numbers, paid: Numbers
) -> tuple[Numbers, Numbers]:
    """What came before each row in its period, of those that add up with it."""
    if levy.per == JOB:
        return np.zeros_like(basis), np.zeros_like(paid)
    periods = [period_of(scheme, levy.per, f"{name}-01") for name in rows.months]
    period = np.array([sorted(set(periods)).index(one) for one in periods], np.int64)[rows.month]
    key = period
    if levy.counted in (PAIR, PERSON):
        key = _paired(key, rows.person)
    if levy.counted in (PAIR, FIRM):
        key = _paired(key, rows.operator)
    order = np.argsort(_paired(key, rows.month), kind="stable")
    first = _firsts(key[order])
    return _before(basis, order, first), _before(paid, order, first)


def _paired(key: Numbers, more: Numbers) -> Numbers:
    """One number for both, in the same order: one sort of it is much faster than a sort by several columns."""
    wide = int(more.max(initial=0)) + 1
    if (int(key.max(initial=0)) + 1) * wide > LIMIT:
        raise OverflowError("there are too many persons and operators")
    return key * wide + more


def _before(values: Numbers, order: Numbers, first: Flags) -> Numbers:
    """Running sums that leave out the row itself, and begin anew at each `first`."""
    if len(values) and int(values.max()) * len(values) > LIMIT and sum(map(int, values)) > LIMIT:
        raise OverflowError("the earnings do not fit into 63 bits")
    ordered = values[order]
    sums = np.cumsum(ordered) - ordered
    starts = np.flatnonzero(first)
    sums -= np.repeat(sums[starts], np.diff(np.append(starts, len(ordered))))
    found = np.empty_like(sums)
    found[order] = sums
    return found


def due(rate: Rate, basis: Numbers, paid: Numbers, off: Numbers | None = None) -> Numbers:
    """What a rate owes on each basis; `off` are basis points for expenses. See `core.cover.collecting.due`."""
    most = max(int(basis.max(initial=0)), int(paid.max(initial=0)))
    if most > LIMIT // WHOLE:
        raise OverflowError("the earnings do not fit into 63 bits")
    of = basis if off is None else basis * (WHOLE - off) // WHOLE
    amount = _banded(rate.bands, of)
    if rate.cap is not None:
        amount = np.minimum(amount, rate.cap)
    if rate.threshold or rate.bands[0].above:
        amount = np.where(of > rate.threshold, amount, 0)
    return amount if rate.cap_points is None else np.minimum(amount, paid * rate.cap_points // WHOLE)


def _banded(bands: Sequence[Band], basis: Numbers) -> Numbers:
    amount = np.zeros_like(basis)
    ends = [band.above for band in bands[1:]]
    for number, band in enumerate(bands):
        upper = np.minimum(basis, ends[number]) if number < len(ends) else basis
        amount += np.maximum(upper - band.above, 0) * band.basis_points
    return amount // WHOLE


def split(amounts: Numbers, shares: Sequence[Destination]) -> list[Numbers]:
    """Each amount by the weights, largest remainder; equal ones in the order of the scheme. Sums to the amounts."""
    if len(shares) == 1:
        return [amounts]
    whole = sum(share.weight for share in shares)
    if int(amounts.max(initial=0)) > LIMIT // whole:
        raise OverflowError("the levies do not fit into 63 bits")
    parts = [amounts * share.weight // whole for share in shares]
    rests = [amounts * share.weight - part * whole for share, part in zip(shares, parts, strict=True)]
    spare = amounts - sum(parts)
    found = []
    for place, part in enumerate(parts):
        ahead = sum(
            (rest > rests[place]) | ((rest == rests[place]) & (other < place))
            for other, rest in enumerate(rests) if other != place
        )  # fmt: skip
        found.append(part + (ahead < spare))
    return found


def reached(levied: Levied, account: str, level: int, earnings: Earnings, persons: int) -> Flags:
    """For each person and month: whether what went to an account reached `level` minor units, with all operators."""
    months = len(earnings.months)
    sums = np.zeros(persons * months, np.int64)
    part = levied.parts.get(account)
    if part is not None:
        np.add.at(sums, earnings.person * months + earnings.month, part)
    return (sums >= level).reshape(persons, months)


def eligible(person: Numbers, operator: Numbers, day: Numbers, persons: int, alone: int, across: int) -> Flags:
    """For each person: whether she earned on `alone` days with one operator, or on `across` days with several, counting a day
    once for each operator. A row is something that was earned; many may be of one day."""
    operators, days = int(operator.max(initial=0)) + 1, int(day.max(initial=0)) + 1
    if persons * operators * days > LIMIT:
        raise OverflowError("the days do not fit into 63 bits")
    once = np.sort((person * operators + operator) * days + day)
    once = once[_firsts(once)] // days
    starts = np.flatnonzero(_firsts(once))
    pairs, counts = once[starts], np.diff(np.append(starts, len(once)))
    who = pairs // operators
    most, whole = np.zeros(persons, np.int64), np.zeros(persons, np.int64)
    np.maximum.at(most, who, counts)
    np.add.at(whole, who, counts)
    several = np.bincount(who, minlength=persons) > 1
    return (most >= alone) | (several & (across > 0) & (whole >= across))


def _firsts(ordered: Numbers) -> Flags:
    """Where a value stands for the first time, of values in order."""
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return first
