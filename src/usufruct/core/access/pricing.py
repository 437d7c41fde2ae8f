"""Models of price, and what one use costs.

There is one machinery, terms and their schedule, and the models are ways to fill it in:

    5.00 EUR              per use: what one use costs
    100=4.00 EUR          tiered: from the hundredth use on a use costs this
    fixed 500.00 EUR      fixed: once, with the agreement
    monthly 20.00 EUR     subscription: every month (or `yearly`), used or not
    3.5 % of earnings     revenue share: of what the consumer reports to have earned with what she got

They can be mixed, with `;` between them; what is not said costs nothing. An auction (see `contract.auction`) ends in a
fixed price. Above them stands one rule of the rulebook: uses in the public interest are free (see
`rulebook.public_interest`), unless members joined a pool whose charter names a least price.

What was earned is a report, a fact that its maker answers for. It is owed on at once; the provider may dispute it (see
`income.disputes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from usufruct.core.access import clauses
from usufruct.core.access.clauses import AMOUNT_MAX, NO_CLAUSES, WHOLE, EarnedFee, Fee, Price, Running, Schedule
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money, decimal
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement
from usufruct.core.registry.charter import Charter
from usufruct.core.registry.state import Party
from usufruct.core.rulebook import public_interest

PUBLIC_INTEREST = "public-interest"
"""Why a use is free by rule."""

_SHARE = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?\s*% of earnings")
_TIER = re.compile(r"(\d{1,12})=(.+)")
_EVERY = {"monthly": 1, "yearly": 12}


@dataclass(frozen=True, slots=True)
class EarningsReported(Fact):
    """The consumer says what she `earned` in a `period` with what she got under an agreement; `amount` is the share of it that
    she owes, both in minor units. With `corrects` it is what a dispute added to that report."""

    KIND = "earnings.reported/1"
    report: str
    agreement: str
    asset: str
    payer: str
    period: str
    earned: int
    amount: int
    currency: str
    by: str
    corrects: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.payer,)


@dataclass(frozen=True, slots=True)
class Reported(Row):
    """What was reported for an agreement and a period in all; see `EarningsReported`, the newest of which is fact `seq`."""

    KEY = ("agreement", "period")
    INDEXED = ("agreement", "id")
    agreement: str
    period: str
    id: str
    payer: str
    earned: int
    amount: int
    seq: int


class Priced(NamedTuple):
    """A price in the terms of an offer: of one use, and the schedule beside it."""

    use: Money
    schedule: Schedule


class Cost(NamedTuple):
    """What a use costs, in minor units, and the rule `by` which that is not what was agreed (empty: it is)."""

    price: int
    by: str = ""


def read(text: str, years: int) -> Priced:
    """What a price says, for an agreement that lasts so many years.

    Raises:
        BadInput: it cannot be read, or says the same thing twice.
    """
    use: Money | None = None
    fee: Fee | None = None
    tiers: list[tuple[int, Money]] = []
    share, money = 0, []
    for part in filter(None, map(str.strip, text.split(";"))):
        word, _, rest = part.partition(" ")
        if found := _SHARE.fullmatch(part):
            _once(share == 0, part)
            share = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0") or "0")
        elif found := _TIER.fullmatch(part):
            tiers.append((int(found[1]), parse_money(found[2])))
            money.append(tiers[-1][1])
        elif word in _EVERY or word == "fixed":
            _once(fee is None, part)
            money.append(parse_money(rest))
            fee = Fee(money[-1].minor, _EVERY.get(word, 12 * years))
        else:
            _once(use is None, part)
            use = parse_money(part)
            money.append(use)
    currencies = {one.currency for one in money}
    if len(currencies) != 1 or share > WHOLE:
        raise BadInput(
            "input.price", f"`{text}` is not a price", "write `5.00 EUR`, `fixed 500.00 EUR`, `monthly 20.00 EUR`, "
            "`0.00 EUR; 3 % of earnings`, or several with `;` between them, in one currency",
        )  # fmt: skip
    prices = tuple(Price(amount.minor, above) for above, amount in sorted(tiers, key=lambda tier: tier[0]))
    if any(not 0 <= one.minor <= AMOUNT_MAX for one in money) or any(one.minor == 0 for one in money if one is not use):
        raise BadInput("input.price", f"`{text}` names an amount that cannot be", "give amounts above 0")
    return Priced(
        use or Money(0, currencies.pop()), Schedule(prices, fee, share=share) if prices or fee or share else NO_CLAUSES
    )


def _once(first: bool, part: str) -> None:
    if not first:
        raise BadInput(
            "input.price", f"`{part}` says again what was said",
            "name each kind of price once; of `fixed`, `monthly` and `yearly` only one",
        )  # fmt: skip


def in_words(terms: Terms, found: Schedule = NO_CLAUSES) -> str:
    """A price as people read it."""

    def money(minor: int) -> str:
        return str(Money(minor, terms.currency))

    said = [f"{money(terms.price)} a question"] if terms.price or found == NO_CLAUSES else []
    said += [
        f"{money(price.price)} a question{f' after {price.above} of them' if price.above else ''}"
        f"{f' from {price.since[:10]}' if price.since else ''}"
        for price in found.prices
    ]
    if found.fee is not None:
        every = {1: "a month", 12: "a year"}.get(found.fee.months, f"every {found.fee.months} months")
        once = found.fee.months >= 12 * terms.years
        said.append(f"{money(found.fee.amount)} {'once, with the agreement' if once else every}")
    if found.share:
        said.append(f"{decimal(found.share, 2)} % of what is earned with it")
    return "; ".join(said) or f"{money(0)} a question"


def yearly(terms: Terms, found: Schedule, uses: int = 1) -> int:
    """What the first year under an agreement costs with so many uses, in minor units, and without shares of earnings: the
    figure by which offers of different models are compared."""
    due = 0
    for number in range(uses):
        reached = [price.price for price in found.prices if price.above <= number and price.since is None]
        due += reached[-1] if reached else terms.price
    if found.fee is not None:
        due += found.fee.amount * max(1, 12 // found.fee.months)
    return due


def of_use(read: Reader, agreement: Agreement, prices: tuple[Price, ...], purpose: str, at: Instant) -> Cost:
    """What the next use under an agreement for a purpose costs."""
    price = clauses.price_of(read, agreement, prices, at)
    return Cost(0, PUBLIC_INTEREST) if price and is_free(read, agreement, purpose, at) else Cost(price)


def is_free(read: Reader, agreement: Agreement, purpose: str, at: Instant) -> bool:
    """Whether a use is free because it is in the public interest. What members read in their charter stands."""
    rule, party = public_interest.in_force(at), read.get(Party, agreement.consumer)
    if rule is None or party is None or not rule.covers(purpose, party.kind):
        return False
    charter = read.get(Charter, agreement.asset)
    return charter is None or charter.price == 0


def report(read: Reader, name: str, agreement: str, by: str, period: str, earned: Money) -> EarningsReported | Refusal:
    """The consumer reports what she earned in a period; once for each, for what is wrong is put right by a dispute.

    Raises:
        BadInput: the period cannot be an id, or the amount cannot be.
    """
    checked(period, "a period")
    if not 0 <= earned.minor <= AMOUNT_MAX:
        raise BadInput("input.price", "earnings cannot be below 0, or beyond what this node counts", "report 0 or more")
    row, running = read.get(Agreement, agreement), read.get(Running, agreement)
    not_done = "no earnings were reported"
    if row is None or row.consumer != by or running is None or not running.schedule.share:
        return refuse(
            "registry.unknown", not_done, f"there is no agreement `{agreement}` of yours by which a share is owed",
            remedy="take the ids from your own list",
        )  # fmt: skip
    if earned.currency != row.terms.currency:
        return refuse(
            "contract.terms", not_done, f"the agreement is in {row.terms.currency}, the report in {earned.currency}",
            remedy=f"report it in {row.terms.currency}",
        )  # fmt: skip
    if read.get(Reported, agreement, period) is not None:
        return refuse(
            "contract.reported", not_done, f"the earnings of {period} under `{agreement}` were reported",
            remedy="report another period; if the report is wrong, tell the provider, who can dispute it",
        )  # fmt: skip
    owed = share_of(earned.minor, running.schedule.share)
    return EarningsReported(name, agreement, row.asset, by, period, earned.minor, owed, earned.currency, by)


def share_of(earned: int, basis_points: int) -> int:
    """A share, brought to whole minor units; half a unit counts as one."""
    return (earned * basis_points + WHOLE // 2) // WHOLE


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a report changes. What is owed on it is earned as a fee is."""
    match entry.fact:
        case EarningsReported() as fact:
            before = read.get(Reported, fact.agreement, fact.period)
            earned, amount = (before.earned, before.amount) if before else (0, 0)
            yield Reported(
                fact.agreement, fact.period, before.id if before else fact.report, fact.payer, earned + fact.earned,
                amount + fact.amount, entry.seq,
            )  # fmt: skip
            if fact.amount:
                yield EarnedFee(entry.seq, fact.asset, fact.agreement, fact.amount, entry.at)
        case _:
            return
