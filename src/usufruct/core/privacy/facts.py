"""What can have happened around a question.

Two facts stand around every look at data: *admitted* before the data are touched (the budget is reserved) and
*answered* before anything leaves (the budget is spent), or *abandoned*. Refusals are facts too: people should see who
tried. The digests are sealed with a salt, for who is in a population could be guessed from a bare digest by trying.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.records import Fact
from usufruct.core.rulebook.levy import Surcharge


@dataclass(frozen=True, slots=True)
class BudgetOpened(Fact):
    """`micro_rho` (millionths of zCDP's rho) and `nano_delta` (10^-9 of delta) may be spent on the asset's data version, by all
    data users together."""

    KIND = "budget.opened/1"
    asset: str
    version: str
    micro_rho: int
    nano_delta: int = 0


@dataclass(frozen=True, slots=True)
class QueryAdmitted(Fact):
    """A question will be answered: `charge` (micro-rho) is reserved. `question` is what was typed, `meaning` what it
    was understood as; `population` is the sealed bitmap of the persons whose rows may be used, `decision` the sealed
    proof of the permit (see `access.proof`). `actors` act for the requester, who speaks first first, each under one of the
    `delegations`. A question about several assets is a use of each: those after the first are `within` it. `plan` is the
    digest of what was worked out; `nano_delta` is charged for naming groups that no public list names. `template` is the
    version of the template that was run, as `name@version`, if one was; `form` the form of the answer (see `grades.FORMS`).
    `sources` are what the asset was made of, each as `asset/version`: their budgets pay the same (see `spending.paying`).
    `levies` are what the requester owes on top of the price, `priced_by` the rule by which the price is another than agreed."""

    KIND = "query.admitted/1"
    use: str
    requester: str
    agreement: str
    asset: str
    version: str
    purpose: str
    question: str
    meaning: str
    charge: int
    price: int
    currency: str
    population: str
    decision: str = ""
    actors: tuple[str, ...] = ()
    delegations: tuple[str, ...] = ()
    nano_delta: int = 0
    within: str = ""
    plan: str = ""
    template: str = ""
    form: str = "aggregates"
    sources: tuple[str, ...] = ()
    levies: tuple[Surcharge, ...] = ()
    priced_by: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.requester, *self.actors)


@dataclass(frozen=True, slots=True)
class QueryRepeated(Fact):
    """Who asked before asked the very same again, of the same data, and got the answer of the use `of` once more: nothing
    new was learnt, so nothing is charged."""

    KIND = "query.repeated/1"
    of: str
    requester: str
    asset: str
    purpose: str
    actors: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.requester, *self.actors)


@dataclass(frozen=True, slots=True)
class QueryAnswered(Fact):
    """The answer is about to leave. `answer` is the sealed answer as let out, `contributions` the sealed number of
    bounded rows that each person counted for. Where money is not divided by these rows, `measure` names what it is divided by,
    and `shares` is each person's sealed share in it. Who asked what for which purpose is said again, so that the receipt of
    this one fact tells the whole use."""

    KIND = "query.answered/1"
    use: str
    requester: str
    asset: str
    purpose: str
    meaning: str
    answer: str
    contributions: str
    actors: tuple[str, ...] = ()
    measure: str = "rows"
    shares: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.requester, *self.actors)


@dataclass(frozen=True, slots=True)
class QueryAbandoned(Fact):
    """No answer was let out, and the price is not owed. The charge is spent all the same: data may have been touched."""

    KIND = "query.abandoned/1"
    use: str
    cause: str


@dataclass(frozen=True, slots=True)
class QueryRefused(Fact):
    """Somebody asked and the answer was no. `asset` and `purpose` are as asked and may not exist. `decision` is the
    sealed proof of the decision, empty if the question could not be read."""

    KIND = "query.refused/1"
    use: str
    requester: str
    asset: str
    purpose: str
    question: str
    code: str
    reasons: tuple[str, ...]
    remedy: str
    decision: str = ""
    actors: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.requester, *self.actors)
