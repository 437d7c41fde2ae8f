"""What can have happened to the income."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.records import Fact


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the whole that goes to one account: `basis_points` of ten thousand, and what that comes to."""

    account: str
    basis_points: int
    amount: int


@dataclass(frozen=True, slots=True)
class AssetStatement:
    """The division of what one asset earned: `uses` that earned it, `income` in minor units, who gets what of it.

    `members` is what all persons together are due. `lines` is the sealed settlement, a line for each of so many `persons`
    by number, and `root` that of the tree over them. It pays `paid` persons `paid_out` minor units and carries `carried` to
    the next one; `before` is the settlement from which it carries on itself, if there is one. Without a `root` it is a
    settlement of the first version: it paid all that was due, and carried nothing.
    """

    asset: str
    uses: tuple[str, ...]
    income: int
    shares: tuple[Share, ...]
    members: int
    paid: int
    lines: str
    root: str = ""
    persons: int = 0
    paid_out: int = 0
    carried: int = 0
    before: str = ""


@dataclass(frozen=True, slots=True)
class PeriodPlanned(Fact):
    """A division is proposed: the facts from `first` to `last` (both included), on top of the closed period `parent`.

    It leaves no choice to whoever carries it out, and may be refused.
    """

    KIND = "period.planned/1"
    plan: str
    period: str
    parent: str | None
    first: int
    last: int
    currency: str
    income: int
    statements: tuple[AssetStatement, ...]


@dataclass(frozen=True, slots=True)
class PeriodClosed(Fact):
    """The plan was approved and is posted."""

    KIND = "period.closed/1"
    period: str
    plan: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)
