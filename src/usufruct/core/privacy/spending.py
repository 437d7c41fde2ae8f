"""What may be spent of an asset's privacy budget: by one use, by one data user, and by all together.

Whatever is worked out under noise asks here before it is admitted, be it a question, a fit, a synthetic table or a match:
so nobody spends by one way what is closed to it by another.
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


def affordable(
    read: Reader, asset: Asset, requester: str, micro_rho: int, nano_delta: int, rulebook: Rulebook, at: Instant,
    not_done: str,
) -> Refusal | None:  # fmt: skip
    """Why a charge (in micro-rho and nano-delta) cannot be paid: too little of the asset's budget is left, or the requester
    had its part. None if it can."""
    budget = read.get(Budget, asset.id, asset.version)
    assert budget is not None, "every asset opens its budget when it is registered"
    said = ""
    if micro_rho > budget.left:
        said = f"{micro_rho} micro-rho; {budget.left} of {budget.total} are left"
    elif nano_delta > budget.delta_left:
        said = f"{nano_delta} nano-delta; {budget.delta_left} of {budget.delta} are left"
    if said:
        return refuse(
            "privacy.budget", not_done, f"it would spend {said} for `{asset.id}`",
            remedy="ask for less precision, or wait until the holder registers new data, which opens a new budget",
        )  # fmt: skip
    spent, quota = read.get(Spent, asset.id, requester), rulebook.value("privacy.quota-percent", at)
    mine = spent.micro_rho if spent else 0
    if micro_rho and (mine + micro_rho) * 100 > budget.total * quota:
        return refuse(
            "privacy.quota", not_done,
            f"`{requester}` has spent {mine} micro-rho of `{asset.id}` and may spend {budget.total * quota // 100}",
            remedy="ask for less precision, or for what was answered before; others have a part in the budget too",
        )  # fmt: skip
    return None
