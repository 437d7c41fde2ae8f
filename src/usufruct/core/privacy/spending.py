"""What may be spent of an asset's privacy budget: by one use, by one data user, and by all together.

Whatever is worked out under noise asks here before it is admitted, be it a question, a fit, a synthetic table or a match:
so nobody spends by one way what is closed to it by another. Nor by another name: what was made of an asset and is about
the same persons spends of its budget too.
"""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.state import Budget, Spent
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook


def wished(rulebook: Rulebook, at: Instant, micro_rho: int | None, not_done: str) -> int | Refusal:
    """How much one use spends, in micro-rho: as wished, within the bounds of the rulebook; None leaves it to the node."""
    if micro_rho is None:
        return rulebook.value("privacy.question-micro-rho", at)
    low, high = (rulebook.value(f"privacy.question-micro-rho-{end}", at) for end in ("min", "max"))
    if low <= micro_rho <= high:
        return micro_rho
    return refuse(
        "privacy.precision", not_done, f"one question may spend {low} to {high} micro-rho, not {micro_rho}",
        remedy="leave the precision to the node, or stay within these bounds",
    )  # fmt: skip


def paying(read: Reader, asset: Asset) -> tuple[Asset, ...]:
    """Whose budgets pay for what is learnt of an asset: its own, and those of all that it was made of, for their persons are
    the same. What is about nobody pays nothing, and hides what it was made of: a synthetic table was paid for once."""
    found: dict[str, Asset] = {}
    waiting = [asset]
    while waiting:
        one = waiting.pop()
        if one.person_column and one.id not in found:
            found[one.id] = one
            waiting += [row for name in one.derived_from if (row := read.get(Asset, name)) is not None]
    return tuple(found.values())


def affordable(
    read: Reader, asset: Asset, requester: str, micro_rho: int, nano_delta: int, rulebook: Rulebook, at: Instant,
    not_done: str,
) -> Refusal | None:  # fmt: skip
    """Why a charge (in micro-rho and nano-delta) cannot be paid: too little of a budget is left, the asset's or that of what it
    was made of, or the requester had its part. None if it can."""
    quota = rulebook.value("privacy.quota-percent", at)
    for paid in paying(read, asset):
        name = f"`{asset.id}`" if paid.id == asset.id else f"what `{asset.id}` was made of"
        budget = read.get(Budget, paid.id, paid.version)
        assert budget is not None, "every asset opens its budget when it is registered"
        had = read.get(Spent, paid.id, requester) or Spent(paid.id, requester, 0)
        for charge, left, total, mine, unit in (
            (micro_rho, budget.left, budget.total, had.micro_rho, "micro-rho"),
            (nano_delta, budget.delta_left, budget.delta, had.nano_delta, "nano-delta"),
        ):
            if charge > left:
                return refuse(
                    "privacy.budget", not_done, f"it would spend {charge} {unit}; {left} of {total} are left for {name}",
                    remedy="ask for less precision, or wait until the holder registers new data, which opens a new budget",
                )  # fmt: skip
            if charge and (mine + charge) * 100 > total * quota:
                return refuse(
                    "privacy.quota", not_done,
                    f"`{requester}` has spent {mine} {unit} of {name} and may spend {total * quota // 100}",
                    remedy="ask for less precision, or for what was answered before; others have a part in the budget too",
                )  # fmt: skip
    return None
