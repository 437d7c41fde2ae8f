"""What each seller earned in a calendar year, as platforms must report it: Directive 2011/16/EU, Annex V, as Directive (EU)
2021/514 inserted it (DAC7).

For each seller and quarter (UTC): the *consideration*, net of what was withheld, in the quarter in which it was credited;
the *fees* and the *taxes* withheld; the number of *activities* it was credited for. What is withheld from an asset's income
is withheld from all who share in it, in proportion to what they got, to the last unit. Fees are the operator's share and
what goes to funds, taxes the levies that the asset bears. A levy on top of a price is borne by the buyer, and in nobody's
report; one that the operator bears is withheld from it alone.

The operator of the node is the platform operator and no seller. Sellers are all others who were credited: publishers of
assets, holders, who worked on data or brought knowledge, and the members whose data earned. Costs that are paid back are
no consideration: they are told beside it.

Whether use of data is a relevant activity at all, and which, is a question of law that no program answers. The steward says
which one it is, and the thresholds follow from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from usufruct.core.base.instants import Instant
from usufruct.core.income.accounts import of_party
from usufruct.core.income.division import divide
from usufruct.core.income.facts import AssetStatement, PeriodPlanned
from usufruct.core.income.waterfall import BASES, COSTS, LEVIES
from usufruct.core.rulebook.levy import OPERATOR

SERVICES, GOODS = "personal-services", "goods"
ACTIVITIES = {SERVICES: "personal services", GOODS: "sale of goods"}
"""Relevant activities that use of data, or work on them, may be taken for (Annex V, section I, A(8))."""

FEW, LITTLE = 30, 2_000_00
"""A seller of goods is excluded with fewer activities than this, for no more than so many euro cents (section I, B(4)(d))."""

MEMBER_STATES = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT",
    "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip

REPORTABLE = "reportable"


@dataclass(frozen=True, slots=True)
class Movement:
    """What a seller was credited at a moment, in minor units, for so many activities; what was withheld of it as fees and
    taxes, and what of stated costs was paid back. A correction is a movement of its own, below zero."""

    seller: str
    at: Instant
    paid: int = 0
    fees: int = 0
    taxes: int = 0
    activities: int = 0
    back: int = 0


@dataclass(slots=True)
class Quarters:
    """A seller's figures by quarter; amounts in minor units. `back` are costs that were paid back in the year."""

    paid: list[int] = field(default_factory=lambda: [0] * 4)
    fees: list[int] = field(default_factory=lambda: [0] * 4)
    taxes: list[int] = field(default_factory=lambda: [0] * 4)
    activities: list[int] = field(default_factory=lambda: [0] * 4)
    back: int = 0


def quarter_of(at: Instant) -> int:
    """The quarter of the year, from 0, by UTC."""
    return (int(at[5:7]) - 1) // 3


def by_seller(movements: Iterable[Movement], year: int) -> dict[str, Quarters]:
    """The figures of a year, of everybody who has any."""
    found: dict[str, Quarters] = {}
    for one in movements:
        if int(one.at[:4]) != year:
            continue
        quarters, n = found.setdefault(one.seller, Quarters()), quarter_of(one.at)
        quarters.paid[n] += one.paid
        quarters.fees[n] += one.fees
        quarters.taxes[n] += one.taxes
        quarters.activities[n] += one.activities
        quarters.back += one.back
    return found


def of_statement(
    plan: PeriodPlanned, statement: AssetStatement, publisher: str, operator: str, at: Instant,
    members: Mapping[str, tuple[int, int]],
) -> Iterator[Movement]:  # fmt: skip
    """What the closing of a period at `at` credits to whom, of what one asset earned. `members` are paid so much, each for so
    many uses."""
    payers = {total.name: total.payer for total in plan.levies}
    got: list[tuple[str, int, int, int]] = [(who, paid, paid, uses) for who, (paid, uses) in members.items()]
    fees = taxes = borne = 0
    for share in statement.shares:
        party = share.account.removeprefix("party:") if share.account.startswith("party:") else ""
        if share.basis == COSTS:
            if party and party != operator:
                yield Movement(party, at, back=share.amount)
        elif share.basis == LEVIES:
            if payers.get(share.name) != OPERATOR:
                taxes += share.amount
            elif publisher == operator:  # it was withheld as a fee before the operator paid it on
                fees += share.amount
            else:
                borne += share.amount
        elif party and party != operator and share.basis in (*BASES, ""):
            got.append((party, share.amount, 0 if share.vests_months else share.amount, len(statement.uses)))
        else:
            fees += share.amount
    weights = [weight for _, weight, _, _ in got]
    name = f"{plan.period}/{statement.asset}/withheld"
    fee_of, tax_of = (divide(part, weights, name) if any(weights) else [0] * len(got) for part in (fees, taxes))
    for (who, _, paid, uses), fee, tax in zip(got, fee_of, tax_of, strict=True):
        yield Movement(who, at, paid, fee, tax, uses)
    if borne:
        yield Movement(publisher, at, taxes=borne)


def of_releases(plan: PeriodPlanned, operator: str, at: Instant) -> Iterator[Movement]:
    """What vested of earlier shares, credited now; what was withheld was withheld when it was set aside."""
    for release in plan.releases:
        party = release.account.removeprefix("party:")
        if release.account != party and release.account != of_party(operator):
            yield Movement(party, at, release.amount)


def standing(
    kind: str, quarters: Quarters, activity: str, currency: str, country: str = "", listed: bool = False
) -> str:
    """`REPORTABLE`, or why a seller is not to be reported; see Annex V, section I, B. `country` is that of residence (ISO 3166,
    empty: not stated), `listed` says that its stock is regularly traded."""
    if kind == "public-body":
        return "a governmental entity: excluded by section I, B(4)(a)"
    if listed:
        return "its stock is regularly traded: excluded by section I, B(4)(b)"
    if country and country not in MEMBER_STATES:
        return "not resident in a Member State: no reportable seller by section I, B(3)"
    few = sum(quarters.activities) < FEW and sum(quarters.paid) <= LITTLE
    if activity == GOODS and currency == "EUR" and few:
        return f"fewer than {FEW} sales of goods, for no more than 2,000 euros: excluded by section I, B(4)(d)"
    return REPORTABLE


@dataclass(frozen=True, slots=True)
class Said:
    """What a seller stated of herself for the report, and the node does not keep: the `country` where she is resident, whether
    her stock is `listed`, what her `activity` is taken for (empty: as that of all)."""

    country: str = ""
    listed: bool = False
    activity: str = ""


@dataclass(frozen=True, slots=True)
class Seller:
    """One seller's figures of a year; `standing` is `reportable`, or says why she is not reported."""

    party: str
    called: str
    name: str
    kind: str
    activity: str
    quarters: Quarters
    standing: str


@dataclass(frozen=True, slots=True)
class Report:
    """The sellers of a year, in the `currency` of the node, by id."""

    year: int
    operator: str
    operator_name: str
    currency: str
    sellers: tuple[Seller, ...]
