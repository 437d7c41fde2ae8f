"""What can have happened to the income."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.income.waterfall import DivisionRule, Share


@dataclass(frozen=True, slots=True)
class DivisionAdopted(Fact):
    """From `effective` on, what `asset` earns is divided by this rule; without an asset, what all earn that have no rule of
    their own. `number` counts the rules of the asset from 1."""

    KIND = "division.adopted/1"
    number: int
    rule: DivisionRule
    effective: Instant
    by: str
    asset: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class CostStated(Fact):
    """Keeping or serving the asset cost `party` so much, in minor units, for `what`; it is paid back out of what the asset
    earns, as far as the rule of division lets it. `evidence` names the bill."""

    KIND = "cost.stated/1"
    cost: str
    asset: str
    party: str
    amount: int
    currency: str
    what: str
    by: str
    evidence: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class CreditGranted(Fact):
    """`party` put `units` of a `kind` of work or knowledge into the asset (see `waterfall.CREDITS`), and shares by them in
    what the rule sets aside for that, until `until`; `why` says what was done."""

    KIND = "credit.granted/1"
    credit: str
    asset: str
    kind: str
    party: str
    units: int
    why: str
    until: Instant
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class CreditEnded(Fact):
    """The credit counts no more, from here on."""

    KIND = "credit.ended/1"
    credit: str
    party: str
    why: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class AssetStatement:
    """The division of what one asset earned: `uses` that earned it, `income` in minor units, who gets what of it.

    `members` is what all persons together are due, of which `floor` was divided among all alike. `rule` is the number of the
    rule of division, of the asset's own if `own`; 0 for that of the rulebook.

    `lines` is the sealed settlement, a line for each of so many `persons`
    by number, and `root` that of the tree over them. It pays `paid` persons `paid_out` minor units and carries `carried` to
    the next one; `before` is the settlement from which it carries on itself, if there is one. Without a `root` it is a
    settlement of the first version: it paid all that was due, and carried nothing.

    If the rule says that totals are told, `told` is the total by which it was divided, under the draw that is the fact `draw`;
    or `kept` is why none was told (see `told.KEPT`). Then what it pays and carries in all is not said here, for this is
    part of every line proof, but in `SettlementSummed`.
    """

    asset: str
    uses: tuple[str, ...]
    income: int
    shares: tuple[Share, ...]
    members: int
    paid: int
    lines: str
    floor: int = 0
    rule: int = 0
    own: bool = False
    root: str = ""
    persons: int = 0
    paid_out: int = 0
    carried: int = 0
    before: str = ""
    told: int = 0
    draw: int = 0
    kept: str = ""

    @property
    def tells(self) -> bool:
        """Whether the rule that it went by says that totals are told."""
        return bool(self.told or self.kept)


@dataclass(frozen=True, slots=True)
class SettlementSummed(Fact):
    """The settlement `lines` of an asset pays `paid` persons `paid_out` minor units and carries `carried`; `fund` are left over,
    for the total that was told is larger than the true one, and go to the solidarity fund.

    From each of these, and what is told, follows the true total: so it is in nobody's history, and no part of a plan.
    """

    KIND = "settlement.summed/1"
    asset: str
    lines: str
    paid: int
    paid_out: int
    carried: int
    fund: int


@dataclass(frozen=True, slots=True)
class Release:
    """Of the share number `n` of what `asset` earned in `period`, `amount` minor units have vested for `account`."""

    period: str
    asset: str
    n: int
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class LevyTotal:
    """What the levy `name`, in its version `number`, takes in one period over all assets: reckoned from `basis` minor units,
    `owed` of them, and `taken` as far as there was income to take it from. `year` is that of the period."""

    name: str
    number: int
    payer: str
    year: int
    basis: int
    owed: int
    taken: int


@dataclass(frozen=True, slots=True)
class LevyRemitted(Fact):
    """Of what was taken for the levy `name`, `amount` minor units left the `account` for whom the levy is for; `reference`
    says under which payment or return."""

    KIND = "levy.remitted/1"
    name: str
    account: str
    amount: int
    currency: str
    reference: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class PeriodPlanned(Fact):
    """A division is proposed: the facts from `first` to `last` (both included), on top of the closed period `parent`.

    It leaves no choice to whoever carries it out, and may be refused. It was `worked_out` as things stood then, so that it can
    be worked out again to the same bytes.
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
    releases: tuple[Release, ...] = ()
    levies: tuple[LevyTotal, ...] = ()
    worked_out: Instant | None = None


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
