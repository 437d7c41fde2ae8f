"""A scheme: the levies and the entitlements of one law or agreement, as data that are adopted and read, never as code.

A *levy* says what it is reckoned from, at which rate, who pays it and where it goes: to the worker's own account
(`own:NAME`), to a pooled fund (`fund:NAME`) or to a treasury (`treasury:NAME`). Its rates are dated twice, by the day from
which each applied and the day on which it was published, and may be for some ages or for an option that she chose.

What a levy is reckoned from adds up over a month or a year, and that is where laws differ most. It may be what she does for
one operator, what she does for all of them, or what one operator turns over with all its workers. The levies of the parts
of a period always sum to that of the whole: of each payment a levy takes what the sum with it owes less what the sum without it
did. So nobody pays more for being paid by the day.

An *entitlement* says what the person must show, and it is always hers: it looks at her own contributions and spans, with
every operator. What it needs is dated too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import DECIMALS, Money
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.rulebook.levy import AMOUNT_MAX, BANDS_MAX, WHOLE, Band, percent

WORKER, OPERATOR, CUSTOMER = "worker", "operator", "customer"
PAYERS = {
    WORKER: "the worker, out of her pay",
    OPERATOR: "the operator, on top of her pay",
    CUSTOMER: "the customer, on top of the price; the operator collects it",
}
"""Who can pay a levy of a scheme."""

GROSS, FARE, EARNED, RECEIVED, NET = "gross", "fare", "earned", "received", "net"
BASES = {
    GROSS: "what customers paid, without tips",
    FARE: "what customers paid, with tips",
    EARNED: "what the work earned her: what customers paid less the operator's fee, without tips",
    RECEIVED: "what she receives: what the work earned her, and tips",
    NET: "what the work earned her, less a part for expenses",
}
"""What a levy of a scheme can be reckoned from."""

JOB, MONTH, YEAR = "job", "month", "year"
PER = {JOB: "each piece of work by itself", MONTH: "by the calendar month", YEAR: "by the year of the scheme"}

PAIR, PERSON, FIRM = "pair", "person", "firm"
COUNTED = {
    PAIR: "her work for one operator",
    PERSON: "her work for all operators",
    FIRM: "the work of everybody for one operator",
}
"""Whose basis adds up in a period."""

MEMBERS, OTHERS, EVERYBODY = "members", "others", "everybody"
OF = {MEMBERS: "members of the scheme", OTHERS: "who is not a member", EVERYBODY: "everybody"}

NOBODY, FREELY, FOR_GOOD = "nobody", "freely", "for good"
JOINING = (NOBODY, FREELY, FOR_GOOD)

DAYS, THRESHOLD, ONLINE, SAVINGS, SUPPORT = "days", "month", "online", "savings", "support"
KINDS = {
    DAYS: "days of work in a year",
    THRESHOLD: "contributions of a month",
    ONLINE: "being logged in when it happens",
    SAVINGS: "what was saved for her",
    SUPPORT: "a part of what her contributions rose by",
}
"""What an entitlement can rest on."""

AGE_MAX = 200
LEVIES_MAX, RATES_MAX, ENTITLEMENTS_MAX = 20, 100, 20


@dataclass(frozen=True, slots=True)
class Destination:
    """Of what a levy takes, so many parts go `to` an account."""

    to: str
    weight: int


@dataclass(frozen=True, slots=True)
class Rate:
    """What a levy takes from `effective` on, published at `known`: `bands` of its `basis`, which go to `shares`.

    It is for who chose `option` (`""`: none), and was at least `age_from` and not yet `age_below` years old when the month
    began. Nothing is due until the basis is above `threshold`; `cap` is the most, and so is `cap_points` hundredths of a
    per cent of what the workers earned. Amounts are minor units per job, month or year.
    """

    effective: Instant
    known: Instant
    basis: str
    bands: tuple[Band, ...]
    shares: tuple[Destination, ...]
    source: str
    option: str = ""
    age_from: int = 0
    age_below: int = AGE_MAX
    threshold: int = 0
    cap: int | None = None
    cap_points: int | None = None


@dataclass(frozen=True, slots=True)
class SchemeLevy:
    """One levy of a scheme; `payer`, `per`, `counted` and `of` are keys of `PAYERS`, `PER`, `COUNTED` and `OF`."""

    name: str
    payer: str
    per: str
    rates: tuple[Rate, ...]
    counted: str = PAIR
    of: str = MEMBERS


@dataclass(frozen=True, slots=True)
class Level:
    """A number that an entitlement needs, from a day on: an amount, a number of days, or basis points."""

    effective: Instant
    known: Instant
    value: int
    source: str


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What the scheme gives a right to, and on what that rests: a key of `KINDS`.

    `of` is the account whose contributions count (`month`), her account (`savings`) or the levy that rose (`support`).
    `levels` are the days with one operator (`days`), the minimum of a month (`month`), or which part of a rise (`support`,
    basis points). `across` are the days with several operators. For `support` she earns at most `income_max` in the
    month, and before the scheme `before` was the levy. What is granted on a claim is paid `by` a fund, or out of her own
    account.
    """

    name: str
    kind: str
    title: str
    source: str
    of: str = ""
    levels: tuple[Level, ...] = ()
    across: int = 0
    income_max: int = 0
    before: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Expenses:
    """For who works with this (a car, a motorcycle), so many basis points of what she earned count as expenses."""

    name: str
    basis_points: int
    source: str


@dataclass(frozen=True, slots=True)
class Scheme:
    """The levies and entitlements of one law or agreement; amounts are of `currency`.

    Who was born on `born_from` or later is a member; others join `joining`: freely, for good, or not at all (an empty
    `born_from` and `nobody`: everybody is one). `options` is what a member can choose. Its year begins with the month
    `year_starts`. `gaps` says what of the law is not in it.
    """

    name: str
    title: str
    currency: str
    authority: str
    source: str
    effective: Instant
    known: Instant
    levies: tuple[SchemeLevy, ...]
    entitlements: tuple[Entitlement, ...] = ()
    born_from: str = ""
    joining: str = NOBODY
    options: tuple[str, ...] = ()
    deductions: tuple[Expenses, ...] = ()
    year_starts: int = 1
    gaps: str = ""

    def levy(self, name: str) -> SchemeLevy | None:
        """The levy of that name."""
        return next((one for one in self.levies if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Insured:
    """What a scheme knows of a person: the day she was born (`""`: she did not say), whether she joined it and with which
    option, and what she works with."""

    born: str = ""
    joined: bool = False
    option: str = ""
    works_with: str = ""

    def member(self, scheme: Scheme) -> bool:
        """Whether she is a member: by her age, because she joined, or because everybody is."""
        if self.joined or (not scheme.born_from and scheme.joining == NOBODY):
            return True
        return bool(scheme.born_from and self.born and self.born >= scheme.born_from)


# ---- what applies on a day


def age_in(born: str, month: str) -> int:
    """How many years old somebody was when a month (`2026-11`) began. Who has her birthday on its first day is that old from
    the next month on, as contribution rates have it."""
    year, number = int(month[:4]), int(month[5:7])
    return year - int(born[:4]) - (int(born[5:7]) >= number)


def rate_on(levy: SchemeLevy, day: str, insured: Insured, known: Instant) -> Rate | None:
    """The rate that applied to her on a day (`2026-11-23`), as published by `known`; None if there is none for her."""
    end_of_day = f"{day}T23:59:59.999Z"
    fitting = [
        rate for rate in levy.rates
        if rate.effective <= end_of_day and rate.known <= known and rate.option == insured.option and _of_age(rate, insured, day)
    ]  # fmt: skip
    return max(fitting, key=lambda rate: (rate.effective, rate.known), default=None)


def _of_age(rate: Rate, insured: Insured, day: str) -> bool:
    if rate.age_from == 0 and rate.age_below == AGE_MAX:
        return True
    return bool(insured.born) and rate.age_from <= age_in(insured.born, day[:7]) < rate.age_below


def applies(scheme: Scheme, levy: SchemeLevy, insured: Insured) -> bool:
    """Whether a levy is one of hers at all."""
    return levy.of == EVERYBODY or (levy.of == MEMBERS) == insured.member(scheme)


def level_on(entitlement: Entitlement, day: str, known: Instant) -> Level | None:
    """The number that an entitlement needed on a day, as published by `known`."""
    end_of_day = f"{day}T23:59:59.999Z"
    fitting = [level for level in entitlement.levels if level.effective <= end_of_day and level.known <= known]
    return max(fitting, key=lambda level: (level.effective, level.known), default=None)


def year_of(scheme: Scheme, day: str) -> str:
    """The year of the scheme in which a day falls, as its first month: `2026-04`."""
    year, month = int(day[:4]), int(day[5:7])
    return f"{year - (month < scheme.year_starts):04d}-{scheme.year_starts:02d}"


def period_of(scheme: Scheme, per: str, day: str) -> str:
    """The period over which a levy adds up, as its first month; for a job, the month that it fell in."""
    return year_of(scheme, day) if per == YEAR else day[:7]


# ---- whether it is one, and in words


def unfit(scheme: Scheme) -> Refusal | None:
    """Why this cannot be a scheme; None if it can.

    Raises:
        BadInput: a name in it cannot be an id.
    """
    checked(scheme.name, "a scheme")
    wrong = next(_wrong(scheme), None)
    return (
        refuse("cover.scheme", f"the scheme `{scheme.name}` was not adopted", wrong[0], remedy=wrong[1])
        if wrong
        else None
    )


def _wrong(scheme: Scheme) -> Iterator[tuple[str, str]]:
    if not scheme.source.strip() or not scheme.authority.strip():
        yield "it does not say who asks for it, and where that is written", "name the authority and the source"
    if scheme.currency not in DECIMALS:
        yield f"`{scheme.currency}` is no currency that the node knows", f"use one of {', '.join(sorted(DECIMALS))}"
    if scheme.joining not in JOINING or not 1 <= scheme.year_starts <= 12:
        yield "it does not say how one joins, or when its year begins", f"say {', '.join(JOINING)}; a month is 1 to 12"
    if not 1 <= len(scheme.levies) <= LEVIES_MAX or len(scheme.entitlements) > ENTITLEMENTS_MAX:
        yield "it has no levy, or too many parts", f"give it 1 to {LEVIES_MAX} levies"
    names = [one.name for one in scheme.levies] + [one.name for one in scheme.entitlements]
    names += [one.name for one in scheme.deductions]
    if len(set(names)) != len(names):
        yield "two of its parts have one name", "name each part differently"
    for name in (*names, *scheme.options):
        checked(name, "a part of a scheme")
    for levy in scheme.levies:
        yield from _wrong_levy(scheme, levy)
    for entitlement in scheme.entitlements:
        yield from _wrong_entitlement(scheme, entitlement)


def _wrong_levy(scheme: Scheme, levy: SchemeLevy) -> Iterator[tuple[str, str]]:
    said = ((levy.payer, PAYERS), (levy.per, PER), (levy.counted, COUNTED), (levy.of, OF))
    for word, known in said:
        if word not in known:
            yield f"`{word}` is not known of a levy", f"say one of {', '.join(known)}"
    if levy.counted == FIRM and levy.payer == WORKER:
        yield "a worker does not pay by what others earned", "count her own work"
    if not 1 <= len(levy.rates) <= RATES_MAX:
        yield f"`{levy.name}` has no rate, or too many", f"give it 1 to {RATES_MAX} rates"
    for rate in levy.rates:
        if rate.basis not in BASES or (rate.option and rate.option not in scheme.options):
            yield f"a rate of `{levy.name}` has an unknown basis or option", f"say one of {', '.join(BASES)}"
        if not rate.source.strip():
            yield f"a rate of `{levy.name}` has no source", "say where each number is written"
        if not rate.shares or any(share.weight < 1 or not _destination(share.to) for share in rate.shares):
            yield (
                f"it is not said where `{levy.name}` goes",
                "say own:NAME, fund:NAME or treasury:NAME, each with a weight",
            )
        yield from _wrong_bands(levy.name, rate)


def _wrong_bands(name: str, rate: Rate) -> Iterator[tuple[str, str]]:
    lower = [band.above for band in rate.bands]
    if not 1 <= len(lower) <= BANDS_MAX or lower[0] != 0 or lower != sorted(set(lower)) or lower[-1] > AMOUNT_MAX:
        yield f"the bands of `{name}` do not follow on each other from 0", "write each above the one before"
    if any(not 0 <= band.basis_points <= WHOLE for band in rate.bands):
        yield f"a rate of `{name}` is below nothing, or above all", f"write 0 to {WHOLE} basis points"
    capped = rate.cap is not None and not 0 < rate.cap <= AMOUNT_MAX
    if not 0 <= rate.threshold <= AMOUNT_MAX or capped or not 0 < (rate.cap_points or 1) <= WHOLE:
        yield f"a threshold or a cap of `{name}` cannot be", "a threshold is 0 or more, a cap above 0"
    if not 0 <= rate.age_from < rate.age_below <= AGE_MAX:
        yield f"the ages of `{name}` cannot be", "say from which age on, and below which"


def _wrong_entitlement(scheme: Scheme, one: Entitlement) -> Iterator[tuple[str, str]]:
    if one.kind not in KINDS:
        yield f"`{one.kind}` is nothing that an entitlement rests on", f"say one of {', '.join(KINDS)}"
    if not one.source.strip():
        yield f"the entitlement `{one.name}` has no source", "say where it is written"
    if one.kind in (DAYS, THRESHOLD, SUPPORT) and not one.levels:
        yield f"`{one.name}` does not say how much it needs", "give it a level with a date"
    if one.kind in (THRESHOLD, SAVINGS) and not _destination(one.of):
        yield f"`{one.name}` does not say of which account", "name the account, as own:NAME or treasury:NAME"
    if one.kind == SUPPORT and (scheme.levy(one.of) is None or (one.before and scheme.levy(one.before) is None)):
        yield f"`{one.name}` does not say which levy rose", "name a levy of the scheme"
    if one.by and (not _destination(one.by) or one.by.startswith("treasury:")):
        yield f"`{one.by}` pays no claims", "let a fund pay, or her own account"


def _destination(to: str) -> bool:
    kind, _, name = to.partition(":")
    return kind in ("own", "fund", "treasury") and bool(name) and checked(name, "an account") == name


def in_words(levy: SchemeLevy, rate: Rate, currency: str) -> str:
    """A levy at one of its rates, in one sentence."""
    rates = ", ".join(
        percent(band.basis_points) + (f" above {Money(band.above, currency)}" if band.above else "")
        for band in rate.bands
    )
    ages = f" from {rate.age_from} years" if rate.age_from else ""
    ages += f" below {rate.age_below} years" if rate.age_below < AGE_MAX else ""
    option = f", with the option `{rate.option}`" if rate.option else ""
    more = f", nothing up to {Money(rate.threshold, currency)}" if rate.threshold else ""
    more += "" if rate.cap is None else f", at most {Money(rate.cap, currency)}"
    more += "" if rate.cap_points is None else f", at most {percent(rate.cap_points)} of what workers earned"
    whom = f"{OF[levy.of]}{ages}{option}"
    paid = f"paid by {PAYERS[levy.payer]}; for {whom}; to {to_words(rate.shares)}"
    return f"{rates} of {BASES[rate.basis]}, {PER[levy.per]}{more}; {paid}"


def to_words(shares: Sequence[Destination]) -> str:
    """Where a levy goes, in words."""
    if len(shares) == 1:
        return f"`{shares[0].to}`"
    whole = sum(share.weight for share in shares)
    return ", ".join(f"{share.weight}/{whole} `{share.to}`" for share in shares)
