"""What somebody is entitled to, on a day: yes or no, how much, and what is missing.

The key is the person. Everything here looks at her own contributions, her own spans and her own account, with every
operator for whom she works; who changes operators loses nothing. What is missing is said as she can act on it: so many more
days, so much more this month.

A day counts once for each operator with whom she earned on it, as the Indian draft rules have it. A month counts if what
went to an account reached the minimum. Being logged in counts from the start of a span to just before its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.cover.collecting import due, net_of, split
from usufruct.core.cover.scheme import (
    DAYS,
    FIRM,
    ONLINE,
    SAVINGS,
    SUPPORT,
    THRESHOLD,
    YEAR,
    Entitlement,
    Insured,
    Rate,
    Scheme,
    SchemeLevy,
    applies,
    level_on,
    rate_on,
    year_of,
)
from usufruct.core.cover.state import Contribution
from usufruct.core.rulebook.levy import WHOLE


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """That she was logged in at an operator from `start` until just before `end`."""

    start: Instant
    end: Instant
    operator: str


@dataclass(frozen=True, slots=True)
class History:
    """What entitlements look at: what the scheme knows of a person, her contributions to it, what is on her own accounts of
    it (`own:NAME`), and when she was logged in."""

    insured: Insured
    contributions: Sequence[Contribution] = ()
    savings: Mapping[str, int] | None = None
    logged_in: Sequence[LoggedIn] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands with one entitlement: `entitled` or not, why, and what is `missing` (`""`: nothing).

    `has` of `needs` in `unit` (days, or minor units), for a bar; `amount` is what it comes to now, in minor units, if it is
    an amount.
    """

    scheme: str
    entitlement: str
    kind: str
    title: str
    entitled: bool
    why: str
    missing: str
    has: int = 0
    needs: int = 0
    unit: str = ""
    amount: int | None = None
    currency: str = ""
    payable: bool = False


def standing(scheme: Scheme, one: Entitlement, history: History, at: Instant) -> Standing:
    """Where she stands with an entitlement at a moment."""
    if one.kind == DAYS:
        return _days(scheme, one, history, at)
    if one.kind == THRESHOLD:
        return _threshold(scheme, one, history, at)
    if one.kind == ONLINE:
        return _online(scheme, one, history, at)
    if one.kind == SAVINGS:
        return _savings(scheme, one, history)
    assert one.kind == SUPPORT
    return _support(scheme, one, history, at)


def _said(
    scheme: Scheme, one: Entitlement, entitled: bool, why: str, missing: str, **more: int | str | None
) -> Standing:
    return Standing(
        scheme.name, one.name, one.kind, one.title, entitled, why, missing, currency=scheme.currency, payable=bool(one.by),
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


# ---- days of work


def days_by_operator(contributions: Sequence[Contribution], first: str, last: str) -> dict[str, int]:
    """On how many days from `first` to `last` (both counted) she earned with each operator."""
    days: dict[str, set[str]] = {}
    for one in contributions:
        days.setdefault(one.operator, set()).update(day for day in one.days if first <= day <= last)
    return {operator: len(found) for operator, found in days.items() if found}


def enough_days(days: Sequence[int], alone: int, across: int) -> bool:
    """Whether days with each operator suffice: `alone` with one, or `across` with several together."""
    return max(days, default=0) >= alone or (len(days) > 1 and 0 < across <= sum(days))


def _days(scheme: Scheme, one: Entitlement, history: History, at: Instant) -> Standing:
    day = at[:10]
    this = year_of(scheme, day)
    before = f"{int(this[:4]) - 1:04d}-{this[5:]}"
    level = level_on(one, day, at)
    if level is None:
        return _said(scheme, one, False, "it is not in force yet", "it is not in force yet")
    gone = days_by_operator(history.contributions, f"{before}-01", f"{_last_day_before(this)}")
    now = days_by_operator(history.contributions, f"{this}-01", day)
    entitled = enough_days(list(gone.values()), level.value, one.across)
    most, operator = max(((count, name) for name, count in now.items()), default=(0, ""))
    whole = sum(now.values())
    needed = f"it takes {level.value} days with one operator, or {one.across} with several"
    why = f"in the year from {before}: {_counted(gone)}; {needed}"
    missing = ""
    if not enough_days(list(now.values()), level.value, one.across):
        with_one = (
            f"{level.value - most} more days with {operator}" if operator else f"{level.value} days with one operator"
        )
        several = f", or {max(one.across - whole, 0)} with several" if one.across else ""
        missing = f"{with_one}{several}, before the year that began with {this} ends"
    several_now = len(now) > 1 and one.across and one.across - whole < level.value - most
    has, needs = (whole, one.across) if several_now else (most, level.value)
    return _said(scheme, one, entitled, why, missing, has=has, needs=needs, unit="days")


def _counted(days: Mapping[str, int]) -> str:
    if not days:
        return "no day"
    return ", ".join(f"{count} days with {operator}" for operator, count in sorted(days.items()))


def _last_day_before(month: str) -> str:
    """What sorts after every day of the month before, and before the first of this."""
    year, number = int(month[:4]), int(month[5:7]) - 1
    return f"{year - (number == 0):04d}-{number or 12:02d}-31"


# ---- contributions of a month


def _threshold(scheme: Scheme, one: Entitlement, history: History, at: Instant) -> Standing:
    month, before = at[:7], _last_day_before(at[:7])[:7]
    needed, then = level_on(one, at[:10], at), level_on(one, f"{before}-01", at)
    if needed is None:
        return _said(scheme, one, False, "it is not in force yet", "it is not in force yet")
    paid = {name: _to(history.contributions, one.of, name) for name in (before, month)}
    entitled = then is not None and paid[before] >= then.value
    why = f"in {before} {Money(paid[before], scheme.currency)} went to {one.of.partition(':')[2]}"
    why += f"; it takes {Money(then.value, scheme.currency)}" if then else ""
    lacking = needed.value - paid[month]
    missing = ""
    if lacking > 0:
        missing = f"{Money(lacking, scheme.currency)} more of it in {month}"
        more = receipts_for(scheme, one.of, history, at, lacking)
        missing += "" if more is None else f", which {Money(more, scheme.currency)} more to you would bring"
    return _said(
        scheme,
        one,
        entitled,
        why,
        missing,
        has=min(paid[month], needed.value),
        needs=needed.value,
        unit=scheme.currency,
    )


def _to(contributions: Sequence[Contribution], account: str, month: str) -> int:
    return sum(one.to(account) for one in contributions if one.month == month)


def receipts_for(scheme: Scheme, account: str, history: History, at: Instant, lacking: int) -> int | None:
    """The least that must still be earned this month so that `lacking` minor units more go to an account; None if no levy of
    hers goes there, or none that follows from what she alone earns."""
    for levy in scheme.levies:
        rate = rate_on(levy, at[:10], history.insured, at) if applies(scheme, levy, history.insured) else None
        if rate is None or levy.counted == FIRM or all(share.to != account for share in rate.shares):
            continue
        before = _basis(scheme, levy, history, at)
        return _least_basis(scheme, rate, account, before, lacking, history.insured)
    return None


def _basis(scheme: Scheme, levy: SchemeLevy, history: History, at: Instant) -> int:
    period = year_of(scheme, at[:10]) if levy.per == YEAR else at[:7]
    return sum(
        levied.basis for one in history.contributions for levied in one.collected
        if levied.levy == levy.name and levied.period == period
    )  # fmt: skip


def _least_basis(scheme: Scheme, rate: Rate, account: str, before: int, lacking: int, insured: Insured) -> int | None:
    place = [share.to for share in rate.shares].index(account)

    def part(basis: int) -> int:
        return split(due(scheme, rate, basis, basis, insured.works_with), rate.shares)[place]

    needed = part(before) + lacking
    high = 1
    while part(before + high) < needed:
        high *= 2
        if high > 10**15:
            return None
    low = 0
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if part(before + middle) < needed else (low, middle)
    return low


# ---- logged in, savings, support


def _online(scheme: Scheme, one: Entitlement, history: History, at: Instant) -> Standing:
    found = next((span for span in history.logged_in if span.start <= at < span.end), None)
    when = f"{at[:16].replace('T', ' ')} UTC"
    if found is None:
        return _said(scheme, one, False, f"you were not logged in at {when}", "it holds while you are logged in")
    return _said(scheme, one, True, f"you were logged in at {found.operator} at {when}", "")


def _savings(scheme: Scheme, one: Entitlement, history: History) -> Standing:
    there = (history.savings or {}).get(one.of, 0)
    amount = Money(there, scheme.currency)
    missing = "" if there else "nothing was saved for you yet"
    return _said(
        scheme, one, there > 0, f"there are {amount} on your account, whoever paid it in", missing, amount=there
    )


def _support(scheme: Scheme, one: Entitlement, history: History, at: Instant) -> Standing:
    month = at[:7]
    level, levy = level_on(one, at[:10], at), scheme.levy(one.of)
    assert levy is not None
    bases = _per_operator(history.contributions, levy, month)
    nets = {name: net_of(scheme, basis, history.insured.works_with) for name, basis in bases.items()}
    income, most = sum(nets.values()), Money(one.income_max, scheme.currency)
    if level is None or not level.value:
        return _said(scheme, one, False, f"there is none in {month}", f"there is none in {month}")
    if not applies(scheme, levy, history.insured):
        return _said(scheme, one, False, "it is for members of the scheme", "join the scheme")
    if income > one.income_max:
        why = f"you earned {Money(income, scheme.currency)} in {month}; it is for who earned at most {most}"
        return _said(scheme, one, False, why, f"{Money(income - one.income_max, scheme.currency)} less in a month")
    rises = [rise(scheme, one, levy, basis, history.insured, month, at) for basis in bases.values()]
    if any(found is None for found in rises):
        return _said(
            scheme, one, False, "there is no rate of yours for this year and the one before", "the missing rate"
        )
    amount = sum((found or 0) * level.value // WHOLE for found in rises)
    rose = Money(sum(found or 0 for found in rises), scheme.currency)
    why = f"your contributions of {month} rose by {rose} against the year before; {level.value / 100:g} % of it is paid back"
    missing = "" if amount else "your contributions did not rise"
    return _said(scheme, one, amount > 0, why, missing, amount=amount)


def _per_operator(contributions: Sequence[Contribution], levy: SchemeLevy, month: str) -> dict[str, int]:
    bases: dict[str, int] = {}
    for one in contributions:
        for levied in one.collected:
            if levied.levy == levy.name and one.month == month:
                bases[one.operator] = bases.get(one.operator, 0) + levied.basis
    return bases


def rise(
    scheme: Scheme, one: Entitlement, levy: SchemeLevy, basis: int, insured: Insured, month: str, known: Instant
) -> int | None:
    """By how much her own contribution on the `basis` of a month is above what the year before would have taken of it: by the
    levy's rate then, or by that of the levy `before` the scheme. None if a rate is not known; never below zero."""
    day = f"{month}-01"
    now, then = rate_on(levy, day, insured, known), _year_before(scheme, one, levy, insured, day, known)
    if now is None or then is None:
        return None
    took = [due(scheme, rate, basis, basis, insured.works_with) for rate in (now, then)]
    return max(0, took[0] - took[1])


def _year_before(
    scheme: Scheme, one: Entitlement, levy: SchemeLevy, insured: Insured, day: str, known: Instant
) -> Rate | None:
    """The rate that somebody of the same age paid in the same month of the year before."""
    same_age = Insured(_a_year_older(insured.born), insured.joined, insured.option, insured.works_with)
    then = f"{int(day[:4]) - 1:04d}{day[4:]}"
    found = rate_on(levy, then, same_age, known)
    earlier = scheme.levy(one.before) if one.before else None
    return found or (rate_on(earlier, then, same_age, known) if earlier else None)


def _a_year_older(born: str) -> str:
    return f"{int(born[:4]) - 1:04d}{born[4:]}" if born else born
