"""Whether a fund can keep what it promises: what is in it, what is claimed of it, what it pays out, how long it lasts.

The run-rate is the mean of what the fund paid out in the last twelve whole months, or in those since its first if they are
fewer; the month that runs is left out. *Months covered* is what is left after every open claim, in months of that. The
projection is an assumption and says so: that the means of those months go on, and that every open claim is paid in the
first. It is no forecast: claims come in lumps, and levies follow the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.cover.state import GRANTED, OPEN, CoverClaim, Fund, FundMonth
from usufruct.core.income.ledger import Account

MONTHS = 12
ASSUMPTION = "that contributions and payments go on as in the mean of these months, and every open claim is paid in the first month"


@dataclass(frozen=True, slots=True)
class Solvency:
    """How a fund stands; amounts are minor units of `currency`.

    `open_claims` is what is claimed or granted and not paid. `taken` and `paid` are sums over the `months` that were looked
    at, `reserve` what it should keep. `months_covered` is in tenths of a month, None while nothing was ever paid out.
    `projection` is the balance at the end of this month and of those that follow.
    """

    fund: str
    title: str
    currency: str
    balance: int
    open_claims: int
    open_count: int
    months: int
    taken: int
    paid: int
    reserve_months: int
    reserve: int
    months_covered: int | None
    projection: tuple[tuple[str, int], ...]
    history: tuple[FundMonth, ...]

    @property
    def left(self) -> int:
        """What is there after every open claim."""
        return self.balance - self.open_claims

    @property
    def holds(self) -> bool:
        """Whether what is left covers the reserve."""
        return self.left >= self.reserve


def next_month(month: str, more: int = 1) -> str:
    """The month so many after `month` (`2026-11`)."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:7]) - 1 + more, 12)
    return f"{year:04d}-{number + 1:02d}"


def solvency(read: Reader, fund: Fund, at: Instant) -> Solvency:
    """How a fund stands at a moment."""
    account = read.get(Account, f"fund:{fund.name}", fund.currency)
    claims = [
        row for stands in (OPEN, GRANTED) for row in read.list(CoverClaim, stands=stands, account=f"fund:{fund.name}")
    ]
    open_claims = sum(row.granted if row.stands == GRANTED else row.amount for row in claims)
    history = [row for row in read.list(FundMonth, fund=fund.name) if row.currency == fund.currency]
    return reckoned(fund, account.balance if account else 0, open_claims, len(claims), history, at[:7])


def reckoned(
    fund: Fund, balance: int, open_claims: int, open_count: int, history: Sequence[FundMonth], month: str
) -> Solvency:
    """The same from its numbers: the months so far, in the order of time, and the month that runs."""
    shown = sorted(history, key=lambda row: row.month)
    whole = _looked_at(shown, month)
    first = min((row.month for row in whole), default=month)
    months = sum(1 for _ in _between(first, month))
    taken, paid = sum(row.taken for row in whole), sum(row.paid for row in whole)
    reserve = -(-paid * fund.reserve_months // months) if months else 0
    left = balance - open_claims
    covered = max(0, left) * 10 * months // paid if paid else None
    later = tuple(
        (next_month(month, n), left + (taken - paid) * (n + 1) // months if months else left) for n in range(MONTHS)
    )
    return Solvency(
        fund.name, fund.title, fund.currency, balance, open_claims, open_count, months, taken, paid, fund.reserve_months,
        reserve, covered, later, tuple(shown[-MONTHS:]),
    )  # fmt: skip


def _looked_at(shown: Sequence[FundMonth], month: str) -> list[FundMonth]:
    """The last twelve whole months."""
    return [row for row in shown if next_month(month, -MONTHS) <= row.month < month]


def _between(first: str, end: str) -> Iterator[str]:
    while first < end:
        yield first
        first = next_month(first)
