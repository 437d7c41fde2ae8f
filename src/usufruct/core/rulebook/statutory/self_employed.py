"""The United States' tax on self-employment: social security and Medicare, paid by who has no employer (26 U.S.C. 1401, 1402).

Reckoned line by line as on Schedule SE, each line to the cent:

- *net earnings* are the profit less half of the rates' sum (1402(a)(12)): 92.35 %. Below $400 there is no tax at all;
- the *social security* part is taken up to a wage base, of which wages use up their part first (1402(b));
- the *Medicare* part has no upper end; above a threshold that depends on the household an *additional* part is due on wages
  and net earnings together. It belongs to another form (8959), so it is reckoned by a function of its own;
- half of the tax may be deducted from income (164(f)).

All amounts are US cents of one calendar year; `on` is a day of that year.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.rulebook.statutory.explained import Amount, Step, amount, whole
from usufruct.core.rulebook.statutory.tables import Tables, shipped

USD = "USD"
NAME = "us.self-employment"
STATUSES = ("single", "joint", "separate", "head-of-household", "surviving-spouse")
"""How a household files its return, in the words of the tables."""


@dataclass(frozen=True, slots=True)
class SelfEmployment:
    """A year's tax: `tax` = `social_security` + `medicare`; `deductible` is the half of it that lowers income."""

    net: Amount
    base: Amount
    social_security: Amount
    medicare: Amount
    tax: Amount
    deductible: Amount


def net_earnings(profit: int, on: Instant, known: Instant | None = None, *, tables: Tables | None = None) -> Amount:
    """What of a year's `profit` (US cents, a loss below 0) is taxed; nothing if it is less than the law's least amount.

    Raises:
        BadInput: a day that the tables do not cover.
    """
    book = tables or shipped()
    rates = [book.step(f"us.se.{name}", on, known) for name in ("social-security", "medicare")]
    half, least = book.step("us.se.employer-share", on, known), book.step("us.se.least", on, known)
    part = 1 - half.value * sum(rate.value for rate in rates)
    earned = whole(max(0, profit), USD)
    parts = (Step("the profit of the year", earned, USD), *rates, half, least)
    if earned * part < least.value:  # as the law has it, before any rounding
        return amount("net earnings below the least amount: nothing is taxed", Fraction(0), USD, parts)
    return amount(
        "net earnings: the profit less the employer's share of the rates", _cents(book, earned * part), USD, parts
    )


def social_security_base(
    net: int, wages: int, on: Instant, known: Instant | None = None, *, tables: Tables | None = None
) -> Amount:
    """What of net earnings bears the social security part: up to what `wages` (US cents) leave of the wage base.

    Raises:
        BadInput: an amount below 0, or a day that the tables do not cover.
    """
    base = (tables or shipped()).step("us.wage-base", on, known)
    earned, paid = whole(net, USD), whole(wages, USD)
    room = max(Fraction(0), base.value - paid)
    parts = (Step("net earnings", earned, USD), Step("wages of the year", paid, USD), base)
    return amount("net earnings up to what wages leave of the wage base", min(earned, room), USD, parts)


def on_net(
    net: Amount, on: Instant, known: Instant | None = None, *, wages: int = 0, tables: Tables | None = None
) -> SelfEmployment:
    """The tax on net earnings.

    Raises:
        BadInput: wages below 0, or a day that the tables do not cover.
    """
    book = tables or shipped()
    base = social_security_base(net.minor, wages, on, known, tables=book)
    security = _taxed(book, "us.se.social-security", base, "the social security part", on, known)
    medicare = _taxed(book, "us.se.medicare", net, "the Medicare part", on, known)
    total = security.why.value + medicare.why.value
    tax = amount("the tax on self-employment", total, USD, (security.why, medicare.why))
    share = book.step("us.se.deductible", on, known)
    half = amount("what of the tax is deducted from income", _cents(book, total * share.value), USD, (tax.why, share))
    return SelfEmployment(net, base, security, medicare, tax, half)


def self_employment(
    profit: int, on: Instant, known: Instant | None = None, *, wages: int = 0, tables: Tables | None = None
) -> SelfEmployment:
    """The tax on a year's `profit` of who had so much in `wages` besides; both in US cents.

    Raises:
        BadInput: wages below 0, or a day that the tables do not cover.
    """
    return on_net(net_earnings(profit, on, known, tables=tables), on, known, wages=wages, tables=tables)


def additional_medicare(
    net: int, wages: int, status: str, on: Instant, known: Instant | None = None, *, tables: Tables | None = None
) -> Amount:
    """The additional Medicare part on what wages and net earnings of the household come to above the threshold.

    Raises:
        BadInput: an unknown way to file, an amount below 0, or a day that the tables do not cover.
    """
    if status not in STATUSES:
        raise BadInput("input.statutory", f"`{status}` is no way to file a return", f"say one of {', '.join(STATUSES)}")
    book = tables or shipped()
    threshold = book.step(f"us.additional-medicare.{_threshold(status)}", on, known)
    rate = book.step("us.additional-medicare", on, known)
    earned, paid = whole(net, USD), whole(wages, USD)
    above = max(Fraction(0), earned + paid - threshold.value)
    parts = (Step("net earnings", earned, USD), Step("wages", paid, USD), threshold, rate)
    return amount("the additional Medicare part", _cents(book, above * rate.value), USD, parts)


def _threshold(status: str) -> str:
    return status if status in ("joint", "separate") else "single"


def _taxed(book: Tables, name: str, of: Amount, words: str, on: Instant, known: Instant | None) -> Amount:
    rate = book.step(name, on, known)
    return amount(words, _cents(book, of.why.value * rate.value), USD, (of.why, rate))


def _cents(book: Tables, number: Fraction) -> Fraction:
    """Each line is figured to the cent."""
    return book.table("us.se.social-security").rounding(number)
