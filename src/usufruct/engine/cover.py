"""Levies and entitlements of many persons at once, with numpy: the same numbers as `core.cover.collecting`, to the unit.

A row is what one person earned with one operator in a month. For each levy the rows are put in the order of what adds up
(her with that operator, her with all, everybody with that operator), the running sums are made, and what the levy owes on
them with and without the row is reckoned in 64-bit integers, rate by rate. A rate is that of the first day of the month.

Everything is whole numbers, so it does not matter in which order or where the work is done. What would not fit into 63 bits
is refused, not rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    rate_of = _rates(scheme, levy, people, rows, known)
    basis = _bases(levy, rate_of, rows)
    paid = np.where(rate_of >= 0, rows.gross - rows.fee, 0)
    before, paid_before = _running(scheme, levy, rows, basis, paid)
    amount = np.zeros(len(basis), np.int64)
    parts: dict[str, Numbers] = {}
    for number, rate in enumerate(levy.rates):
        here = np.flatnonzero(rate_of == number)
        if not len(here):
            continue
        off = people.off[rows.person[here]] if rate.basis == NET else None
        less = due(rate, before[here], paid_before[here], off)
        more = due(rate, before[here] + basis[here], paid_before[here] + paid[here], off)
        amount[here] = more - less
        for one, with_it, without in zip(rate.shares, split(more, rate.shares), split(less, rate.shares), strict=True):
            parts.setdefault(one.to, np.zeros(len(basis), np.int64))[here] += with_it - without
    return Levied(levy.name, levy.payer, amount, parts)


def _rates(scheme: Scheme, levy: SchemeLevy, people: People, rows: Earnings, known: Instant) -> Numbers:
    """Which rate applies to each row; -1 for none. See `core.cover.scheme.rate_on`."""
    month = np.array([int(name[:4]) * 12 + int(name[5:]) - 1 for name in rows.months], np.int64)[rows.month]
    born = people.born[rows.person]
    age = (month - 1 - born) // 12  # birthdays before the month began
    option, member = people.option[rows.person], people.member[rows.person]
    hers = np.ones(len(born), np.bool_) if levy.of == EVERYBODY else (member == (levy.of == MEMBERS))
    found = np.full(len(born), -1, np.int64)
    for number in sorted(range(len(levy.rates)), key=lambda n: (levy.rates[n].effective, levy.rates[n].known, -n)):
        rate = levy.rates[number]
        if rate.known > known:
            continue
        begun = np.array([rate.effective <= f"{name}-01T23:59:59.999Z" for name in rows.months], np.bool_)[rows.month]
        chosen = option == (scheme.options.index(rate.option) + 1 if rate.option else 0)
        fits = hers & begun & chosen
        if (rate.age_from, rate.age_below) != (0, AGE_MAX):
            fits &= (born >= 0) & (age >= rate.age_from) & (age < rate.age_below)
        found[fits] = number
    return found


def _bases(levy: SchemeLevy, rate_of: Numbers, rows: Earnings) -> Numbers:
    basis = np.zeros(len(rate_of), np.int64)
    for number, rate in enumerate(levy.rates):
        here = rate_of == number
        of = rows.gross if rate.basis in (GROSS, FARE) else rows.gross - rows.fee
        basis[here] = (of + rows.tips if rate.basis in (FARE, RECEIVED) else of)[here]
    return basis


def _running(
    scheme: Scheme, levy: SchemeLevy, rows: Earnings, basis: Numbers, paid: Numbers
) -> tuple[Numbers, Numbers]:
    """What came before each row in its period, of those that add up with it."""
    if levy.per == JOB:
        return np.zeros_like(basis), np.zeros_like(paid)
    periods = [period_of(scheme, levy.per, f"{name}-01") for name in rows.months]
    period = np.array([sorted(set(periods)).index(one) for one in periods], np.int64)[rows.month]
    keys = [period, rows.person if levy.counted in (PAIR, PERSON) else np.zeros_like(period)]
    keys.append(rows.operator if levy.counted in (PAIR, FIRM) else np.zeros_like(period))
    order = np.lexsort((np.arange(len(period)), rows.month, *keys))
    first = np.ones(len(order), np.bool_)
    first[1:] = np.logical_or.reduce([key[order][1:] != key[order][:-1] for key in keys])
    return _before(basis, order, first), _before(paid, order, first)


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
    once = np.unique((person * operators + operator) * days + day) // days
    pairs, counts = np.unique(once, return_counts=True)
    who = pairs // operators
    most, whole = np.zeros(persons, np.int64), np.zeros(persons, np.int64)
    np.maximum.at(most, who, counts)
    np.add.at(whole, who, counts)
    several = np.bincount(who, minlength=persons) > 1
    return (most >= alone) | (several & (across > 0) & (whole >= across))
