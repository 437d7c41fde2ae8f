"""Levies: what the public asks of the value that data make, as rules that are adopted and read, never as code.

A levy says what it is reckoned from (its *basis*), at which rate, who bears it (its *payer*), where it goes, and who may ask
for it. Three can bear one, and each in its own way:

- the *buyer*, as a surcharge on the price of each use. It is told before she asks, and posted as a transfer of its own;
- the *asset*: it comes off the top of what the asset earned, before anybody's share;
- the *operator*, out of its own share of what the asset earned, and of nobody else's.

A rate may rise in bands, as an income tax does: each band's rate is for what lies above its lower end. Nothing is due until
the basis is above the threshold; then all of it counts. What is due is rounded down once, at the end, to the minor unit, so
it is never more than the basis, and more basis never means less levy.

Thresholds of real levies are amounts of a year. A levy that is reckoned `per` year counts what came before in the calendar
year (UTC): the levies of its periods sum to that of the year, however it was cut into periods. What could not be taken in
one period, for want of income to take it from, is taken in the next of the same year.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base.ids import checked
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse

WHOLE = 10_000  # basis points

BUYER, ASSET, OPERATOR = "buyer", "asset", "operator"
PAYERS = {
    BUYER: "the buyer, on top of the price of each use",
    ASSET: "the income of the asset, before it is divided",
    OPERATOR: "the operator, out of its own share",
}
"""Who can bear a levy."""

PRICE, INCOME, VALUE_ADDED, SHARE = "price", "income", "value-added", "operator-share"
BASES = {
    PRICE: "the price of uses",
    INCOME: "the income of an asset: prices and fees",
    VALUE_ADDED: "value added: the income of an asset less the costs that are paid back",
    SHARE: "the operator's share of the income",
}
"""What a levy can be reckoned from."""

USE, PERIOD, YEAR = "use", "period", "year"
PER = {USE: "each use by itself", PERIOD: "period by period", YEAR: "by the calendar year"}

BANDS_MAX, AMOUNT_MAX = 20, 10**15
_FITTING = {BUYER: (PRICE,), ASSET: (PRICE, INCOME, VALUE_ADDED), OPERATOR: tuple(BASES)}


@dataclass(frozen=True, slots=True)
class Band:
    """What of the basis lies above `above` minor units, and below the next band, is levied at `basis_points`."""

    above: int
    basis_points: int


@dataclass(frozen=True, slots=True)
class LevyRule:
    """A levy. `threshold` and `cap` are minor units `per` use, period or year.

    It goes `to` an account, `fund:NAME` or `party:ID`. `effective` and `known` are the days from which the law applied, and
    on which it was published; `source` says where it stands, `authority` who may ask for it. What must also be so, and
    the node cannot know, is the `condition`: whoever adopts the levy says that it is.
    """

    name: str
    payer: str
    basis: str
    per: str
    bands: tuple[Band, ...]
    to: str
    source: str
    authority: str
    effective: Instant
    known: Instant
    threshold: int = 0
    cap: int | None = None
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What the levy `name`, in its version `number`, adds to the price of one use: `amount` minor units, to an account."""

    name: str
    number: int
    amount: int
    to: str


@dataclass(frozen=True, slots=True)
class LevyAdopted(Fact):
    """From `effective` on the node raises this levy on what it earns, or on what one `asset` earns. It takes the place of
    what was adopted under the same name before; `number` counts these from 1."""

    KIND = "levy.adopted/1"
    number: int
    rule: LevyRule
    effective: Instant
    by: str
    asset: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class LevyEnded(Fact):
    """From `effective` on the levy is no longer raised. What was taken stays owed to whom it is for."""

    KIND = "levy.ended/1"
    name: str
    why: str
    effective: Instant
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class AdoptedLevy(Row):
    """A version of a levy that the node raises from `effective` until `until`."""

    KEY = ("name", "number")
    INDEXED = ("name", "payer")
    name: str
    number: int
    payer: str
    rule: LevyRule
    effective: Instant
    until: Instant
    asset: str
    by: str
    at: Instant


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about a levy changes."""
    match entry.fact:
        case LevyAdopted(rule=rule) as fact:
            yield from _until(read, rule.name, fact.effective)
            yield AdoptedLevy(
                rule.name, fact.number, rule.payer, rule, fact.effective, END_OF_TIME, fact.asset, fact.by, entry.at
            )
        case LevyEnded() as fact:
            yield from _until(read, fact.name, fact.effective)
        case _:
            return


def _until(read: Reader, name: str, end: Instant) -> Iterator[Row]:
    """The versions of a levy that would last longer end here."""
    for row in read.list(AdoptedLevy, name=name):
        if row.until > end:
            yield replace(row, until=end)


# ---- how much


def due(bands: Sequence[Band], basis: int, threshold: int = 0, cap: int | None = None) -> int:
    """What is due of `basis` minor units, rounded down."""
    if basis <= threshold:
        return 0
    ends = [band.above for band in bands[1:]] + [basis]
    parts = (max(0, min(basis, end) - band.above) * band.basis_points for band, end in zip(bands, ends, strict=True))
    amount = sum(parts) // WHOLE
    return amount if cap is None else min(amount, cap)


def amount_of(rule: LevyRule, basis: int) -> int:
    """What a levy comes to on `basis` minor units of one use, period or year."""
    return due(rule.bands, basis, rule.threshold, rule.cap)


def in_force(read: Reader, payer: str, asset: str, at: Instant) -> list[AdoptedLevy]:
    """The levies that are raised on an asset at a moment, in the order in which they were adopted first."""
    return [
        row for row in read.list(AdoptedLevy, payer=payer)
        if row.effective <= at < row.until and row.asset in ("", asset)
    ]  # fmt: skip


def surcharges(read: Reader, asset: str, buyer: str, price: int, at: Instant) -> tuple[Surcharge, ...]:
    """What the buyer of a use pays on top of its price; nobody pays a levy to herself."""
    if not price:
        return ()
    rows = [row for row in in_force(read, BUYER, asset, at) if row.rule.to != f"party:{buyer}"]
    found = ((row, amount_of(row.rule, price)) for row in rows)
    return tuple(Surcharge(row.name, row.number, amount, row.rule.to) for row, amount in found if amount)


# ---- whether it is one, and in words


def unfit(rule: LevyRule) -> Refusal | None:
    """Why this cannot be a levy; None if it can.

    Raises:
        BadInput: its name cannot be an id.
    """
    checked(rule.name, "a levy")
    wrong = next(_wrong(rule), None)
    return refuse("levy.rule", f"the levy `{rule.name}` was not adopted", wrong[0], remedy=wrong[1]) if wrong else None


def _wrong(rule: LevyRule) -> Iterator[tuple[str, str]]:
    if rule.payer not in PAYERS:
        yield f"`{rule.payer}` bears no levies", f"let it be borne by one of {', '.join(PAYERS)}"
        return
    if rule.basis not in _FITTING[rule.payer]:
        yield (
            f"what `{rule.payer}` bears is not reckoned from `{rule.basis}`",
            f"reckon it from one of {', '.join(_FITTING[rule.payer])}",
        )
    if rule.payer == BUYER and rule.per != USE:
        yield (
            "a buyer must know what is added to a price before she asks, whatever others ask",
            "reckon it per use, or let the asset or the operator bear it",
        )
    if rule.payer != BUYER and rule.per not in (PERIOD, YEAR):
        yield "income is divided by periods", "reckon it per period or per year"
    if not rule.to.startswith(("fund:", "party:")) or not _named(rule.to):
        yield f"`{rule.to}` is no account that a levy goes to", "say fund:NAME or party:ID"
    if not rule.source.strip() or not rule.authority.strip():
        yield "it does not say who asks for it, and where that is written", "name the authority and the source"
    yield from _wrong_rates(rule)


def _wrong_rates(rule: LevyRule) -> Iterator[tuple[str, str]]:
    lower = [band.above for band in rule.bands]
    if not 1 <= len(lower) <= BANDS_MAX or lower[0] != 0 or lower != sorted(set(lower)) or lower[-1] > AMOUNT_MAX:
        yield "its bands do not follow on each other from 0", f"write 1 to {BANDS_MAX} bands, each above the one before"
    if any(not 0 <= band.basis_points <= WHOLE for band in rule.bands):
        yield "a rate below nothing, or above all", f"write 0 to {WHOLE} basis points"
    if not any(band.basis_points for band in rule.bands):
        yield "it never takes anything", "give a rate above 0"
    if not 0 <= rule.threshold <= AMOUNT_MAX or (rule.cap is not None and not 0 < rule.cap <= AMOUNT_MAX):
        yield "its threshold or its cap cannot be", "a threshold is 0 or more, a cap above 0"


def _named(to: str) -> bool:
    name = to.partition(":")[2]
    return bool(name) and checked(name, "an account") == name


def in_words(rule: LevyRule, currency: str) -> str:
    """The levy in one sentence; its amounts are of that currency."""
    rates = ", ".join(
        percent(band.basis_points) + (f" above {Money(band.above, currency)}" if band.above else "")
        for band in rule.bands
    )
    more = f", nothing up to {Money(rule.threshold, currency)}" if rule.threshold else ""
    more += "" if rule.cap is None else f", at most {Money(rule.cap, currency)}"
    return f"{rates} of {BASES[rule.basis]}, {PER[rule.per]}{more}; borne by {PAYERS[rule.payer]}; to `{rule.to}`"


def percent(basis_points: int) -> str:
    """Basis points as people read them."""
    return f"{basis_points / 100:g} %"
