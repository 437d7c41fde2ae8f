"""What an asset earned between two facts, and the portions in which that reaches its members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from usufruct.core.access.clauses import EarnedFee
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.income import disputes
from usufruct.core.income.measure import MICRO, EarningUse, Portion, contributions, portions, shares
from usufruct.core.income.waterfall import FLOOR
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset

Evidence = Callable[[str], bytes]
"""The evidence with a seal."""


@dataclass(frozen=True, slots=True)
class Earned:
    """What one asset earned in a period: the `uses` that earned it, the first of them at `since`, and the `populations` whose
    data could be used in them, as bitmaps. `fees` are the minor units that are no price of a use. `by_rows`: rows are what all
    of it is divided by."""

    uses: Sequence[EarningUse]
    since: Instant
    populations: Sequence[bytes]
    fees: int = 0
    by_rows: bool = True

    @property
    def income(self) -> int:
        """Prices and fees, in minor units."""
        return sum(use.price for use in self.uses)


def earned_by(read: Reader, evidence: Evidence, asset: str, first: int, last: int) -> Earned | None:
    """What an asset earned between two facts: its answered uses that ended there, with what each person is paid by; and the
    fees that were due, each earned by the rows that counted in the uses of its agreement. None if it earned nothing."""
    answered = list(read.list(Use, asset=asset, state="answered"))
    uses = [use for use in answered if first <= use.ended <= last]
    priced = [
        (use, price) for use in answered if (price := _undisputed(read, use.id, use.ended, use.price, first, last))
    ]
    earning = [EarningUse(use.id, price, _weights(evidence, use)) for use, price in priced]
    fees = [
        replace(fee, amount=amount)
        for fee in read.list(EarnedFee, asset=asset)
        if (amount := _undisputed(read, numbered("fee", fee.seq), fee.seq, fee.amount, first, last))
    ]
    found = read.get(Asset, asset)
    for agreement in dict.fromkeys(fee.agreement for fee in fees):
        rows = [0] * (found.quality.persons if found else 0)
        under = [use for use in uses if use.agreement == agreement]
        for use in under:
            counted = contributions(evidence(use.contributions))  # of a pool as many as there were then
            rows = [sum(pair) for pair in zip_longest(rows, counted, fillvalue=0)]
        earning += [
            EarningUse(numbered("fee", fee.seq), fee.amount, rows, len(under))
            for fee in fees
            if fee.agreement == agreement
        ]
    if not earning:
        return None
    # What was disputed came to be earlier, and does not bring the rule of that time back for all.
    since = min([use.at for use in uses] + [fee.at for fee in fees], default=None) or min(use.at for use, _ in priced)
    return Earned(
        earning, since, [evidence(use.population) for use in uses], sum(fee.amount for fee in fees),
        not any(use.shares for use, _ in priced),
    )  # fmt: skip


def portions_of(earned: Earned, by_contribution: int, floor: int, name: str, persons: int) -> tuple[Portion, ...]:
    """What is divided among the members of an asset, in minor units, as portions: `by_contribution` over the uses, `floor`
    among all alike who were in any population. `name` is the period's and the asset's, for ties."""
    found = portions(earned.uses, by_contribution)
    if floor:
        found = (*found, Portion(f"{name}/{FLOOR}", floor * MICRO, _in_any(earned.populations, persons)))
    return found


def _in_any(populations: Sequence[bytes], persons: int) -> list[int]:
    """For each person by number 1 if she is in any of them: what all get alike is divided like what a use earned in which
    each of them counted once."""
    union = 0
    for population in populations:
        union |= int.from_bytes(population, "little")
    return list(map(int, f"{union:0{persons}b}"[::-1][:persons]))


def _undisputed(read: Reader, ref: str, seq: int, amount: int, first: int, last: int) -> int:
    """What is to be divided between two facts of what the fact `seq` made owed: nothing while it is disputed."""
    found = disputes.held(read, ref, seq)
    return 0 if found.held or not first <= found.seq <= last else amount - found.unearned


def _weights(evidence: Evidence, use: Use) -> Sequence[int]:
    """What a use's price is divided by."""
    return shares(evidence(use.shares)) if use.shares else contributions(evidence(use.contributions))
