"""What can have happened with cover.

What somebody says of herself (when she was born, that she joins, why she claims), and what was decided about her claim and
why, is about her alone: it is sealed with her key, and can be erased. A contribution is in the accounts of three: hers, the
operator's, who paid it too, and the fund's. If it could be erased, so could money that others were already paid out of. It
stays, as work that was done stays, under an id that says nothing; and it says no more than the operator knows from its own
payroll. For the same reason a payment names the claim and the account, and neither the ground nor the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.cover.scheme import Scheme
from usufruct.core.registry.facts import OfParty


@dataclass(frozen=True, slots=True)
class SchemeAdopted(Fact):
    """From `effective` on the node raises the levies of this scheme on what work earns, with `operators` or with all (none
    named). It takes the place of what was adopted under the same name before; `number` counts these from 1."""

    KIND = "scheme.adopted/1"
    number: int
    scheme: Scheme
    effective: Instant
    by: str
    operators: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class SchemeEnded(Fact):
    """From `effective` on the scheme raises nothing more. What was contributed stays, and so do claims on it."""

    KIND = "scheme.ended/1"
    name: str
    why: str
    effective: Instant
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class FundOpened(Fact):
    """The pooled account `fund:NAME` has a purpose, a reserve to keep (so many months of what it pays out) and, besides the
    operator of the node, `trustees` who decide on claims. It takes the place of what was said of it before."""

    KIND = "fund.opened/1"
    fund: str
    title: str
    currency: str
    reserve_months: int
    by: str
    trustees: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.by, *self.trustees)


@dataclass(frozen=True, slots=True)
class ParticularsStated(OfParty, Fact):
    """What schemes must know of `party`: the day she was born (`1996-05-17`), and what she works with. It takes the place of
    what she said before."""

    KIND = "particulars.stated/1"
    party: str
    born: str
    works_with: str = ""
    person: bool = False


@dataclass(frozen=True, slots=True)
class OptedIn(OfParty, Fact):
    """`party` joins a scheme that she need not, or chooses an `option` of it."""

    KIND = "scheme.opted-in/1"
    party: str
    scheme: str
    option: str = ""
    person: bool = False


@dataclass(frozen=True, slots=True)
class OptedOut(OfParty, Fact):
    """`party` leaves a scheme that lets her."""

    KIND = "scheme.opted-out/1"
    party: str
    scheme: str
    person: bool = False


@dataclass(frozen=True, slots=True)
class Credited:
    """So many minor units `to` an account of the scheme: `own:NAME`, `fund:NAME` or `treasury:NAME`; below zero, what it got
    too early goes back."""

    to: str
    amount: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What one levy took: `amount`, the sum of its `parts`. It added `basis` to what it is reckoned from in its `period` (the
    first month of it), and `paid` to what workers earned."""

    levy: str
    payer: str
    period: str
    basis: int
    paid: int
    amount: int
    parts: tuple[Credited, ...] = ()


@dataclass(frozen=True, slots=True)
class ContributionTaken(Fact):
    """On what `worker` earned with `operator` on these `days` of a `month`, version `number` of a scheme took its levies."""

    KIND = "contribution.taken/1"
    contribution: str
    worker: str
    operator: str
    scheme: str
    number: int
    month: str
    currency: str
    days: tuple[str, ...]
    collected: tuple[Collected, ...]

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.operator)


@dataclass(frozen=True, slots=True)
class ClaimMade(OfParty, Fact):
    """`party` claims `amount` under an entitlement, for what happened at `on`, and says why. `appeals` names the claim whose
    decision she does not accept."""

    KIND = "claim.made/1"
    claim: str
    party: str
    scheme: str
    entitlement: str
    account: str
    amount: int
    currency: str
    reason: str
    on: Instant
    appeals: str = ""
    person: bool = False


@dataclass(frozen=True, slots=True)
class ClaimDecided(OfParty, Fact):
    """A person granted a claim up to `amount`, or not (0), with reasons; and to whom the claimant can `turn_to`."""

    KIND = "claim.decided/1"
    claim: str
    party: str
    amount: int
    reasons: str
    by: str
    turn_to: str = ""
    person: bool = False


@dataclass(frozen=True, slots=True)
class CoverPaid(Fact):
    """What was granted on a claim went out of an account of the scheme to the party's own."""

    KIND = "cover.paid/1"
    claim: str
    party: str
    account: str
    amount: int
    currency: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)
