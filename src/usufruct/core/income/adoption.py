"""What a division goes by, and who may say it: the rule, costs, credits for work and knowledge, the measure of contribution.

The publisher of an asset speaks for it; the operator of the node for all that have no rule of their own. A rule applies to
what is earned after it was adopted, so nobody's work is divided by a rule that she could not know.
"""

from __future__ import annotations

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.facts import CostStated, CreditEnded, CreditGranted, DivisionAdopted, MeasureChosen
from usufruct.core.income.measure import MEASURES, ROWS
from usufruct.core.income.state import AdoptedDivision, ChosenMeasure, Credit, LastPeriod
from usufruct.core.income.told import untellable
from usufruct.core.income.waterfall import CREDITS, DivisionRule, unfit
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook.parameters import Rulebook

UNITS_MAX = 10**12


def adopt(
    read: Reader,
    rule: DivisionRule,
    asset: str,
    effective: Instant,
    by: str,
    operator: str,
    rulebook: Rulebook,
    at: Instant,
) -> DivisionAdopted | Refusal:
    """A rule of division, from `effective` on: of an asset, by its publisher; of all that have none of their own (no asset), by
    the `operator` of the node.

    Raises:
        BadInput: a name cannot be an id.
    """
    not_done = "the rule of division was not adopted"
    found = read.get(Asset, asset) if asset else None
    if by != (found.publisher if found else operator) or (asset and found is None):
        return refuse(
            "registry.unknown", not_done, f"there is no asset `{asset}` that is yours to divide the income of"
            if asset else "the rule for all assets is the operator's to adopt",
            remedy="ask the publisher, or the operator",
        )  # fmt: skip
    if effective < at:
        return refuse(
            "income.rule-late", not_done, "by which rule income is divided must be known before it is earned",
            remedy="let it apply from today or from a later day on",
        )  # fmt: skip
    wrong = unfit(rule, not_done) or untellable(rule, found, rulebook, at, not_done)
    if wrong is not None:
        return wrong
    for to in (*(one.to for one in rule.slices), *(levy.to for levy in rule.levies)):
        if to.startswith("party:") and (unknown := _no_party(read, to.removeprefix("party:"), not_done)):
            return unknown
    number = sum(1 for _ in read.list(AdoptedDivision, asset=asset)) + 1
    return DivisionAdopted(number, rule, effective, by, asset)


def state_cost(
    read: Reader, cost: str, asset: str, party: str, amount: Money, what: str, evidence: str, by: str
) -> CostStated | Refusal:
    """A cost of an asset, stated by its publisher; `party` is paid it back."""
    not_done = "the cost was not recorded"
    wrong = _not_yours(read, asset, by, not_done) or _no_party(read, party, not_done)
    if wrong is not None:
        return wrong
    if amount.minor <= 0 or not what.strip():
        return refuse("income.cost", not_done, "a cost is an amount above zero, and says what for", remedy="say both")
    return CostStated(cost, asset, party, amount.minor, amount.currency, what, by, evidence)


def grant_credit(
    read: Reader, credit: str, asset: str, kind: str, party: str, units: int, why: str, until: Instant, by: str, at: Instant
) -> CreditGranted | Refusal:  # fmt: skip
    """A credit for work or knowledge, granted by the publisher of the asset."""
    not_done = "the credit was not granted"
    wrong = _not_yours(read, asset, by, not_done) or _no_party(read, party, not_done)
    if wrong is not None:
        return wrong
    if kind not in CREDITS or not 0 < units <= UNITS_MAX or not why.strip() or until <= at:
        return refuse(
            "income.credit", not_done,
            f"a credit is for one of {', '.join(CREDITS)}, 1 to {UNITS_MAX:,} units, says why, and has not run out",
            remedy="correct it",
        )  # fmt: skip
    return CreditGranted(credit, asset, kind, party, units, why, until, by)


def end_credit(read: Reader, credit: str, why: str, by: str) -> CreditEnded | Refusal:
    """A credit counts no more; who granted it says why, or who has it gives it up."""
    row = read.get(Credit, credit)
    asset = read.get(Asset, row.asset) if row else None
    if row is None or asset is None or by not in (asset.publisher, row.party) or row.ended:
        return refuse(
            "registry.unknown", "the credit was not ended", f"there is no credit `{credit}` that you can end",
            remedy="look at the credits of the asset",
        )  # fmt: skip
    return CreditEnded(credit, row.party, why.strip() or "no reason was given", by)


def measure_of(read: Reader, asset: str) -> str:
    """What the uses of an asset are divided by."""
    chosen = read.get(ChosenMeasure, asset)
    return chosen.measure if chosen else ROWS


def choose_measure(read: Reader, asset: str, measure: str, by: str) -> MeasureChosen | Refusal:
    """Has the uses of an asset divided by another measure from here on; for its publisher, while none waits to be divided.

    Raises:
        BadInput: there is no such measure.
    """
    if measure not in MEASURES:
        raise BadInput("input.measure", f"`{measure}` is no measure of contribution", f"use {' or '.join(MEASURES)}")
    not_chosen = f"`{measure}` was not chosen for `{asset}`"
    wrong = _not_yours(read, asset, by, not_chosen)
    if wrong is not None:
        return wrong
    last = read.get(LastPeriod)
    begun = [use for use in read.list(Use, asset=asset) if use.state == "admitted" or _waits(use, last)]
    if begun:
        return refuse(
            "income.measure", not_chosen, "a use of it is not yet divided, and those who agreed to it knew another measure",
            remedy="close the period first",
        )  # fmt: skip
    return MeasureChosen(asset, measure, by)


def _waits(use: Use, last: LastPeriod | None) -> bool:
    return use.state == "answered" and (last is None or use.ended > last.last)


def _not_yours(read: Reader, asset: str, by: str, not_done: str) -> Refusal | None:
    found = read.get(Asset, asset)
    if found is not None and found.publisher == by:
        return None
    return refuse("registry.unknown", not_done, f"there is no asset `{asset}` of yours", remedy="ask its publisher")


def _no_party(read: Reader, party: str, not_done: str) -> Refusal | None:
    if read.get(Party, party) is not None:
        return None
    return refuse("registry.unknown", not_done, f"there is no party `{party}`", remedy="register it first")
