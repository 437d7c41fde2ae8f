"""Adopted levies at work: who may adopt one, what each takes of a period, to whom it is owed, what was remitted.

What a levy is, and how much is due, says `rulebook.levy`. Here the levies that the asset or the operator bears are reckoned
when a period is planned. A levy is raised on all assets together, so its threshold and bands are those of their sum; each
asset then bears of it in proportion to its own part of the basis (exact: largest remainder). It takes at most what is there:
no share of anybody ever falls below nothing. For a levy of the year, what is missing is owed by the next period.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.division import divide
from usufruct.core.income.earned import Earned
from usufruct.core.income.facts import LevyRemitted, LevyTotal, PeriodClosed, PeriodPlanned
from usufruct.core.income.ledger import Account
from usufruct.core.income.rules import poured
from usufruct.core.income.state import PeriodPlan
from usufruct.core.income.waterfall import COSTS, LEVIES, Levied, Poured
from usufruct.core.privacy.facts import QueryAnswered
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook import levy
from usufruct.core.rulebook.levy import ASSET, BUYER, OPERATOR, AdoptedLevy, LevyAdopted, LevyEnded, LevyRule
from usufruct.core.rulebook.parameters import Rulebook

# ---- what is owed to whom


@dataclass(frozen=True, slots=True)
class LevyTaken(Row):
    """`amount` minor units that a levy took of one asset for an `account`; `of` is the use or the period. See the fact
    number `seq`."""

    KEY = ("seq", "n")
    INDEXED = ("name", "account")
    seq: int
    n: int
    name: str
    payer: str
    asset: str
    of: str
    account: str
    amount: int
    currency: str
    at: Instant


@dataclass(frozen=True, slots=True)
class LevyOwed(Row):
    """What was `taken` for a levy in all, and how much of it was `remitted`."""

    KEY = ("name", "account", "currency")
    INDEXED = ("name",)
    name: str
    account: str
    currency: str
    taken: int = 0
    remitted: int = 0

    @property
    def left(self) -> int:
        """What is still to be remitted."""
        return self.taken - self.remitted


@dataclass(frozen=True, slots=True)
class LevyYear(Row):
    """What a levy was reckoned from in a calendar year so far, and what it took."""

    KEY = ("name", "year")
    name: str
    year: int
    basis: int
    taken: int


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that change when a levy is taken, or remitted."""
    match entry.fact:
        case QueryAnswered() as fact:
            use = read.get(Use, fact.use)
            assert use is not None
            yield from _taken(read, [
                LevyTaken(entry.seq, n, one.name, BUYER, use.asset, use.id, one.to, one.amount, use.currency, entry.at)
                for n, one in enumerate(use.levies)
            ])  # fmt: skip
        case PeriodClosed() as fact:
            plan = read.get(PeriodPlan, fact.plan)
            assert plan is not None
            yield from _taken(read, list(_of_period(plan.planned, entry)))
            years: dict[tuple[str, int], LevyYear] = {}
            for total in plan.planned.levies:
                key = (total.name, total.year)
                row = years.get(key) or read.get(LevyYear, *key) or LevyYear(*key, 0, 0)
                years[key] = replace(row, basis=row.basis + total.basis, taken=row.taken + total.taken)
            yield from years.values()
        case LevyRemitted() as fact:
            owed = read.get(LevyOwed, fact.name, fact.account, fact.currency)
            assert owed is not None
            yield replace(owed, remitted=owed.remitted + fact.amount)
        case _:
            return


def _of_period(plan: PeriodPlanned, entry: Entry) -> Iterator[LevyTaken]:
    payers = {total.name: total.payer for total in plan.levies}
    n = 0
    for statement in plan.statements:
        for share in statement.shares:
            if share.basis == LEVIES:
                yield LevyTaken(
                    entry.seq, n, share.name, payers.get(share.name, ASSET), statement.asset, plan.period, share.account,
                    share.amount, plan.currency, entry.at,
                )  # fmt: skip
                n += 1


def _taken(read: Reader, rows: Sequence[LevyTaken]) -> Iterator[Row]:
    owed: dict[tuple[str, str, str], LevyOwed] = {}
    for row in rows:
        key = (row.name, row.account, row.currency)
        found = owed.get(key) or read.get(LevyOwed, *key) or LevyOwed(*key)
        owed[key] = replace(found, taken=found.taken + row.amount)
    yield from rows
    yield from owed.values()


# ---- adopting, ending, remitting


def adopt(
    read: Reader, rule: LevyRule, asset: str, effective: Instant, by: str, operator: str, at: Instant
) -> LevyAdopted | Refusal:
    """A levy, raised from `effective` on, or from the day on which its law applies if that is later; on what one asset earns
    or, with no asset, on what all do. Only the `operator` of the node adopts one, on the word of the authority it names.

    Raises:
        BadInput: a name cannot be an id.
    """
    wrong = levy.unfit(rule)
    if wrong is not None:
        return wrong
    not_done = f"the levy `{rule.name}` was not adopted"
    if by != operator or (asset and read.get(Asset, asset) is None):
        return refuse(
            "registry.unknown", not_done, f"there is no asset `{asset}`" if asset and by == operator
            else "levies are for the operator of the node to adopt, for it must see that they are paid",
            remedy="turn to the operator",
        )  # fmt: skip
    if effective < at:
        return refuse(
            "income.rule-late", not_done, "what is taken of income must be known before it is earned",
            remedy="let it apply from today or from a later day on",
        )  # fmt: skip
    if rule.to.startswith("party:") and read.get(Party, rule.to.removeprefix("party:")) is None:
        return refuse(
            "registry.unknown", not_done, f"there is no party `{rule.to.removeprefix('party:')}`", remedy="register it first"
        )  # fmt: skip
    number = sum(1 for _ in read.list(AdoptedLevy, name=rule.name)) + 1
    return LevyAdopted(number, rule, max(effective, rule.effective), by, asset)


def end(
    read: Reader, name: str, why: str, effective: Instant, by: str, operator: str, at: Instant
) -> LevyEnded | Refusal:
    """A levy is no longer raised, from `effective` on."""
    not_done = f"the levy `{name}` was not ended"
    running = any(row.until > effective for row in read.list(AdoptedLevy, name=name))
    if by != operator or not running or effective < at or not why.strip():
        return refuse(
            "registry.unknown", not_done, "no such levy is raised then, or not by you, or it is not said why",
            remedy="look at the levies, and say from which later day it ends, and why",
        )  # fmt: skip
    return LevyEnded(name, why, effective, by)


def remit(
    read: Reader, name: str, account: str, amount: Money, reference: str, by: str, operator: str
) -> LevyRemitted | Refusal:
    """That `amount` of what was taken for a levy went to whom it is for."""
    not_done = f"nothing was remitted for `{name}`"
    owed = read.get(LevyOwed, name, account, amount.currency)
    if by != operator or owed is None:
        return refuse(
            "registry.unknown", not_done, f"nothing was taken for it to `{account}` in {amount.currency}",
            remedy="take levies and accounts from the report",
        )  # fmt: skip
    there = read.get(Account, account, amount.currency)
    most = min(owed.left, there.free if there else 0)  # a party may have been paid out what was taken for it
    if not 0 < amount.minor <= most or not reference.strip():
        return refuse(
            "levy.remitted", not_done,
            f"{Money(most, amount.currency)} are still to be remitted, and it must be said under which reference",
            remedy="remit at most that, and give the number of the payment or of the return",
        )  # fmt: skip
    return LevyRemitted(name, account, amount.minor, amount.currency, reference, by)


# ---- what a period owes


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What adopted levies take of a period: of each asset, and in all."""

    of: Mapping[str, tuple[Levied, ...]]
    totals: tuple[LevyTotal, ...]


@dataclass(slots=True)
class _Sum:
    """One version of a levy over the assets of a period."""

    row: AdoptedLevy
    bases: dict[str, int]
    owed: int = 0
    taken: int = 0


def reckon(
    read: Reader, period: str, earned: Mapping[str, Earned], rulebook: Rulebook, at: Instant
) -> Reckoned | Refusal:
    """What the levies that were in force when each asset began to earn take of the period planned at `at`."""
    of: dict[str, tuple[Levied, ...]] = dict.fromkeys(earned, ())
    sums: list[_Sum] = []
    for payer in (ASSET, OPERATOR):
        before = _pours(read, period, earned, rulebook, at, of)
        if isinstance(before, Refusal):
            return before
        for one in _in_force(read, payer, earned, before):
            _owe(read, one, sums, at, period, of)
            sums.append(one)
    after = _pours(read, period, earned, rulebook, at, of)
    if isinstance(after, Refusal):
        return after
    for asset, found in after.items():
        for levied, taken in zip(of[asset], found.taken, strict=True):
            next(one for one in sums if one.row.name == levied.name and asset in one.bases).taken += taken
    year = int(at[:4])
    totals = [
        LevyTotal(one.row.name, one.row.number, one.row.payer, year, sum(one.bases.values()), one.owed, one.taken)
        for one in sums
    ]
    return Reckoned(of, tuple(total for total in totals if total.basis or total.owed))


def _pours(
    read: Reader, period: str, earned: Mapping[str, Earned], rulebook: Rulebook, at: Instant,
    levied: Mapping[str, tuple[Levied, ...]],
) -> dict[str, Poured] | Refusal:  # fmt: skip
    found = {}
    for name, income in earned.items():
        asset = read.get(Asset, name)
        assert asset is not None
        one = poured(read, period, asset, income, rulebook, at, levied[name])
        if isinstance(one, Refusal):
            return one
        found[name] = one
    return found


def _in_force(read: Reader, payer: str, earned: Mapping[str, Earned], before: Mapping[str, Poured]) -> list[_Sum]:
    """The levies that a payer bears, each version with what it is reckoned from of each asset."""
    sums: dict[str, _Sum] = {}
    for asset, income in earned.items():
        for row in levy.in_force(read, payer, asset, income.since):
            sums.setdefault(row.key, _Sum(row, {})).bases[asset] = _basis(row.rule.basis, income, before[asset])
    return list(sums.values())


def _basis(basis: str, earned: Earned, found: Poured) -> int:
    if basis == levy.PRICE:
        return earned.income - earned.fees
    if basis == levy.INCOME:
        return earned.income
    if basis == levy.VALUE_ADDED:
        return earned.income - sum(share.amount for share in found.shares if share.basis == COSTS)
    return found.operator


def _owe(
    read: Reader, one: _Sum, sums: Sequence[_Sum], at: Instant, period: str, of: dict[str, tuple[Levied, ...]]
) -> None:
    """Reckons one version of a levy, and what of it each asset is to bear."""
    rule, basis = one.row.rule, sum(one.bases.values())
    if rule.per == levy.YEAR:
        year = read.get(LevyYear, rule.name, int(at[:4])) or LevyYear(rule.name, int(at[:4]), 0, 0)
        others = [other for other in sums if other.row.name == rule.name]  # an older version of it, in the same period
        so_far = year.basis + sum(sum(other.bases.values()) for other in others)
        gone = year.taken + sum(other.owed for other in others)
        one.owed = max(0, levy.amount_of(rule, so_far + basis) - gone)
    else:
        one.owed = levy.amount_of(rule, basis)
    if not basis or not one.owed:
        return
    parts = divide(one.owed, list(one.bases.values()), f"{period}/{rule.name}")
    points = rule.bands[0].basis_points if len(rule.bands) == 1 else 0
    for asset, part in zip(one.bases, parts, strict=True):
        if part:
            of[asset] += (Levied(rule.name, rule.payer, rule.to, part, points),)


def per_period(rows: Sequence[LevyTaken], closed: Sequence[tuple[str, int]]) -> dict[tuple[str, str, str, str], int]:
    """What was taken, by levy, account, currency and period: a surcharge belongs to the first period that was `closed` (name,
    last fact) at or after its fact, or to none yet (an empty name)."""
    sums: dict[tuple[str, str, str, str], int] = {}
    for row in rows:
        of = row.of if row.payer != BUYER else next((name for name, last in closed if row.seq <= last), "")
        key = (row.name, row.account, row.currency, of)
        sums[key] = sums.get(key, 0) + row.amount
    return sums
