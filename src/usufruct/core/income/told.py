"""How the members' share is divided where the rule says that totals are told: so that each can work out her own line.

Her weight is the sum, over the uses of the period, of price times rows of hers that counted. Told is one number T for each
asset and period, which is at least the sum of all weights (see `privacy.totals` for the noise on it). She is due

    pool x weight / T,

rounded down to a millionth of a minor unit: a function of what she knows of herself, of the pool and of T. Paying her so
tells nothing more. What is left goes to the solidarity fund. How much that is follows from the sum of all weights, and the
other way round: so it is told to nobody but who looks after the node and who audits it.

Nobody's money waits for a budget. Where T cannot be told, the share is divided by use, as under any other rule (`measure`),
and it is said why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.earned import Earned
from usufruct.core.income.measure import MICRO, EarningUse, Portion
from usufruct.core.income.waterfall import WHOLE, DivisionRule, Told
from usufruct.core.privacy import totals
from usufruct.core.privacy.rules import sigma_for
from usufruct.core.privacy.totals import DrawnTotal, TotalPlan
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook

BLUR, BUDGET, MEASURE = "blur", "budget", "measure"
KEPT = {
    BLUR: "the noise on it would have taken a larger part of the members' share than the rule allows; it takes less where "
    "more rows count in a use, or where the rule spends more of the privacy budget",
    BUDGET: "the privacy budget could not pay for it; new data open a new one",
    MEASURE: "a use of the period was not measured by rows; whoever publishes the data can choose that measure",
}
"""Why the total of a period was not told."""

Draws = Callable[[TotalPlan], DrawnTotal | None]
"""Gives the draw for a total, one and the same whenever it is asked; None if it cannot be paid for."""


@dataclass(frozen=True, slots=True)
class Telling:
    """The `total` that is told under the `draw`, and everybody's weight by number; or `kept`, why none is told."""

    total: int = 0
    draw: int = 0
    kept: str = ""
    weights: Sequence[int] = ()


def tell(rule: Told, asset: Asset, earned: Earned, persons: int, draws: Draws) -> Telling:
    """The total of what an asset earned, as it is told."""
    if not earned.by_rows:
        return Telling(kept=MEASURE)
    plan = plan_of(rule, asset, earned)
    drawn = draws(plan)
    if drawn is None:
        return Telling(kept=BUDGET)
    weights = weights_of(earned.uses, plan.most, persons)
    total = totals.told(drawn.fact, sum(weights))
    # By what is told and by the shift, which is public: what is left over exactly would tell the true total.
    if plan.shift * WHOLE > total * rule.most_basis_points:
        return Telling(draw=drawn.seq, kept=BLUR)
    return Telling(total, drawn.seq, "", weights)


def plan_of(rule: Told, asset: Asset, earned: Earned) -> TotalPlan:
    """The total that is to be told of what an asset earned."""
    return TotalPlan(
        asset.id, tuple(use.id for use in earned.uses), tuple(use.price for use in earned.uses),
        tuple(asset.rows_per_person * use.counts for use in earned.uses), rule.micro_rho,
    )  # fmt: skip


def weights_of(uses: Sequence[EarningUse], most: Sequence[int], persons: int) -> list[int]:
    """Everybody's weight by number, where of one person at `most` so many rows count in each use."""
    found = [0] * persons
    for use, limit in zip(uses, most, strict=True):
        for number, rows in enumerate(use.weights):
            if rows:
                found[number] += use.price * min(rows, limit)
    return found


def due(pool: int, weight: int, total: int) -> int:
    """What somebody is due of a pool, in millionths of a minor unit; rounded down."""
    return pool * MICRO * weight // total


def portions_told(name: str, pool: int, weights: Sequence[int], total: int) -> tuple[Portion, ...]:
    """What all are due, as one portion: its weights sum to its amount, so everybody's part is her weight, and no lot decides."""
    parts = [due(pool, weight, total) for weight in weights]
    whole = sum(parts)
    return (Portion(f"{name}/told", whole, parts),) if whole else ()


def untellable(
    rule: DivisionRule, asset: Asset | None, rulebook: Rulebook, at: Instant, not_done: str
) -> Refusal | None:
    """Why a rule cannot tell totals of an asset, even if all of its rows counted in every use; None if it can, or tells none.
    A rule for all assets is looked at for each when a period is planned."""
    if rule.told is None:
        return None
    spends = rule.told.micro_rho
    low, high = (rulebook.value(f"privacy.question-micro-rho-{end}", at) for end in ("min", "max"))
    if not low <= spends <= high:
        return refuse(
            "income.told", not_done, f"a total that is told may spend {low} to {high} micro-rho, as a question may, not {spends}",
            remedy="stay within these bounds",
        )  # fmt: skip
    if asset is None:
        return None
    if not asset.person_column:
        return refuse(
            "income.told", not_done, f"`{asset.id}` is about nobody, so there is no total over persons to tell",
            remedy="leave `told` away",
        )  # fmt: skip
    shift = totals.shift_of(sigma_for(asset.rows_per_person**2, spends))
    rows = min(asset.quality.rows, asset.quality.persons * asset.rows_per_person)
    taken = -(-shift * WHOLE // (shift + rows))
    if taken > rule.told.most_basis_points:
        return refuse(
            "income.told", not_done,
            f"even if all {rows} rows of `{asset.id}` counted in every use, the noise would take {taken / 100:g} % of the "
            f"members' share, and the rule allows {rule.told.most_basis_points / 100:g} %",
            remedy="spend more of the privacy budget on it, allow more, or tell totals of data with more rows or fewer of each "
            "person",
        )  # fmt: skip
    return None
