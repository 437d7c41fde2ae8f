"""What an asset earned between two facts: its answered uses, and the fees that were due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest

from usufruct.core.access.clauses import EarnedFee
from usufruct.core.base.ids import numbered
from usufruct.core.base.records import Reader
from usufruct.core.income.measure import EarningUse, contributions, shares
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset


def earning_uses(
    read: Reader, evidence: Callable[[str], bytes], asset: str, first: int, last: int
) -> Iterable[EarningUse]:
    """The answered uses of an asset that ended between two facts, with everybody's bounded rows; and the fees that were due
    between them, each earned by the rows that counted in the uses of its agreement."""
    uses = [use for use in read.list(Use, asset=asset, state="answered") if first <= use.ended <= last]
    for use in uses:
        if use.price:
            yield EarningUse(use.id, use.price, _weights(evidence, use))
    fees = [fee for fee in read.list(EarnedFee, asset=asset) if first <= fee.seq <= last]
    found = read.get(Asset, asset)
    for agreement in dict.fromkeys(fee.agreement for fee in fees):
        rows = [0] * (found.quality.persons if found else 0)
        for use in uses:
            if use.agreement == agreement:
                counted = contributions(evidence(use.contributions))  # of a pool as many as there were then
                rows = [sum(pair) for pair in zip_longest(rows, counted, fillvalue=0)]
        for fee in fees:
            if fee.agreement == agreement:
                yield EarningUse(numbered("fee", fee.seq), fee.amount, rows)


def _weights(evidence: Callable[[str], bytes], use: Use) -> Sequence[int]:
    """What a use's price is divided by."""
    return shares(evidence(use.shares)) if use.shares else contributions(evidence(use.contributions))
