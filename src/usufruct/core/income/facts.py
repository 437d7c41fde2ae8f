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

    `lines` is the sealed settlement: for each person's number her weight and amount. `members` is their sum.
    """

    asset: str
    uses: tuple[str, ...]
    income: int
    shares: tuple[Share, ...]
    members: int
    paid: int
    lines: str


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


@dataclass(frozen=True, slots=True)
class MeasureChosen(Fact):
    """What the uses of an asset are divided by from here on: a `measure` of `core.income.measure.MEASURES`. It is chosen while
    no use waits to be divided, so that nobody knows yet whom it would favour."""

    KIND = "measure.chosen/1"
    asset: str
    measure: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class SharesRead(Fact):
    """Somebody who looks after the node had it work out, from the rows of `assets`, what each holder adds to the total in
    `question`; whose a row is stands in the columns `holders`. What came of it is not kept, and left no trace elsewhere."""

    KIND = "shares.read/1"
    assets: tuple[str, ...]
    question: str
    holders: tuple[str, ...]
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)
