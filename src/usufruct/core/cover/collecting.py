"""What the levies of a scheme take of what somebody earned: exact, and the same however the earnings were cut into payments.

Of each payment a levy takes what the sum with this payment owes, less what the sum without it did (`levy.due` of both). So
what it takes in a month or a year telescopes to the levy of the whole, bands, thresholds and caps included, and is never
below zero. Where a levy goes to several accounts its whole is split by the largest remainder; equal remainders go to whom
the scheme names first. The parts telescope too. With three accounts or more one of them may then get a unit less for more
(the Alabama paradox of this method), so a part can be minus one: what it got too early goes to another. Over the period every
account has its part of the whole, to the unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from usufruct.core.base.instants import Instant
from usufruct.core.cover.facts import Collected, Credited
from usufruct.core.cover.scheme import (
    FARE,
    FIRM,
    GROSS,
    JOB,
    NET,
    PERSON,
    RECEIVED,
    WORKER,
    Destination,
    Insured,
    Rate,
    Scheme,
    SchemeLevy,
    applies,
    period_of,
    rate_on,
)
from usufruct.core.rulebook import levy as levies
from usufruct.core.rulebook.levy import WHOLE


@dataclass(frozen=True, slots=True)
class Earned:
    """One piece of work, or all of one day, that is paid now: the `day` (`2026-11-23`), and minor units. `gross` is what the
    customer paid without tips and surcharges, `fee` what the operator kept of it, `made_up` what it paid besides (a floor): that
    was earned, and no customer paid it."""

    day: str
    gross: int
    fee: int = 0
    tips: int = 0
    made_up: int = 0

    @property
    def paid(self) -> int:
        """What the work earned her, without tips."""
        return self.gross - self.fee + self.made_up


Counted = Callable[[SchemeLevy, str], tuple[int, int]]
"""Of a levy and a period: what it was reckoned from so far, and what the workers earned in it."""


def split(amount: int, shares: Sequence[Destination]) -> list[int]:
    """`amount` in proportion to the weights: largest remainder, equal ones in the order of the scheme. Sums to `amount`."""
    whole = sum(share.weight for share in shares)
    parts = [amount * share.weight // whole for share in shares]
    remainders = [(-(amount * share.weight % whole), place) for place, share in enumerate(shares)]
    for _, place in sorted(remainders)[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def basis_of(rate: Rate, earned: Earned) -> int:
    """What of one payment a rate is reckoned from, before anything is deducted for expenses."""
    of = earned.gross if rate.basis in (GROSS, FARE) else earned.paid
    return of + earned.tips if rate.basis in (FARE, RECEIVED) else of


def net_of(scheme: Scheme, basis: int, works_with: str) -> int:
    """What is left of `basis` when the part for expenses is taken off, rounded down."""
    off = next((one.basis_points for one in scheme.deductions if one.name == works_with), 0)
    return basis * (WHOLE - off) // WHOLE


def due(scheme: Scheme, rate: Rate, basis: int, paid: int, works_with: str = "") -> int:
    """What a rate owes on `basis` minor units of one job, month or year in which the workers earned `paid`."""
    of = net_of(scheme, basis, works_with) if rate.basis == NET else basis
    amount = levies.due(rate.bands, of, rate.threshold, rate.cap)
    return amount if rate.cap_points is None else min(amount, paid * rate.cap_points // WHOLE)


@dataclass(slots=True)
class _Running:
    """A levy over one period while payments are added."""

    period: str
    basis: int
    paid: int
    added_basis: int = 0
    added_paid: int = 0
    amount: int = 0
    to: dict[str, int] = field(default_factory=dict)


def collect(
    scheme: Scheme, insured: Insured, earned: Sequence[Earned], counted: Counted, known: Instant
) -> tuple[list[Collected], list[str]]:
    """What each levy of a scheme takes of payments, and for which levies there is no rate that is hers."""
    found: list[Collected] = []
    without: list[str] = []
    for levy in scheme.levies:
        if not applies(scheme, levy, insured):
            continue
        running: dict[str, _Running] = {}
        for one in sorted(earned, key=lambda item: item.day):
            rate = rate_on(levy, one.day, insured, known)
            if rate is None:
                without.append(levy.name)
                continue
            period = period_of(scheme, levy.per, one.day)
            if period not in running:
                running[period] = _Running(period, *((0, 0) if levy.per == JOB else counted(levy, period)))
            _add(scheme, levy, rate, one, running[period], insured.works_with)
        found += [_collected(levy, one) for one in running.values() if one.added_basis or one.amount]
    return found, sorted(set(without))


def _add(scheme: Scheme, levy: SchemeLevy, rate: Rate, one: Earned, run: _Running, works_with: str) -> None:
    basis, paid = basis_of(rate, one), one.paid
    before = 0
    if levy.per == JOB:
        after = due(scheme, rate, basis, paid, works_with)
    else:
        so_far, paid_so_far = run.basis + run.added_basis, run.paid + run.added_paid
        before = due(scheme, rate, so_far, paid_so_far, works_with)
        after = due(scheme, rate, so_far + basis, paid_so_far + paid, works_with)
    run.added_basis += basis
    run.added_paid += paid
    run.amount += after - before
    for share, more, less in zip(rate.shares, split(after, rate.shares), split(before, rate.shares), strict=True):
        run.to[share.to] = run.to.get(share.to, 0) + more - less


def _collected(levy: SchemeLevy, run: _Running) -> Collected:
    parts = tuple(Credited(account, part) for account, part in run.to.items() if part)
    return Collected(levy.name, levy.payer, run.period, run.added_basis, run.added_paid, run.amount, parts)


def who_counts(levy: SchemeLevy, worker: str, operator: str) -> tuple[str, str]:
    """Under which worker and operator the basis of a levy adds up; an empty name is everybody."""
    if levy.counted == PERSON:
        return worker, ""
    return ("", operator) if levy.counted == FIRM else (worker, operator)


def payer_of(payer: str, worker: str, operator: str) -> str:
    """The party from whose account a levy is taken: what customers pay on top, the operator collected."""
    return worker if payer == WORKER else operator
