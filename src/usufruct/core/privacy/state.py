"""What was asked, and how much may still be learnt."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from usufruct.core.access import delegation
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.contract.state import AgreementUses
from usufruct.core.privacy.facts import BudgetOpened, QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused


@dataclass(frozen=True, slots=True)
class Budget(Row):
    """What may be learnt from one version of an asset, in micro-rho: `total`, of which `reserved` and `spent`."""

    KEY = ("asset", "version")
    asset: str
    version: str
    total: int
    reserved: int = 0
    spent: int = 0

    @property
    def left(self) -> int:
        """What can still be reserved."""
        return self.total - self.reserved - self.spent


@dataclass(frozen=True, slots=True)
class Use(Row):
    """One question: `state` is admitted, answered, abandoned or refused; `ended` is the number of the last fact on it."""

    KEY = ("id",)
    INDEXED = ("asset", "requester", "state")
    id: str
    requester: str
    asset: str
    purpose: str
    question: str
    state: str
    at: Instant
    ended: int
    agreement: str = ""
    version: str = ""
    meaning: str = ""
    charge: int = 0
    price: int = 0
    currency: str = ""
    population: str = ""
    answer: str = ""
    contributions: str = ""
    code: str = ""
    reasons: tuple[str, ...] = ()
    decision: str = ""
    actors: tuple[str, ...] = ()
    delegations: tuple[str, ...] = ()
    form: str = "aggregates"


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact around a question changes."""
    match entry.fact:
        case BudgetOpened() as fact:
            yield Budget(fact.asset, fact.version, fact.micro_rho)
        case QueryAdmitted() as fact:
            budget = read.get(Budget, fact.asset, fact.version)
            assert budget is not None and budget.left >= fact.charge
            yield replace(budget, reserved=budget.reserved + fact.charge)
            uses = read.get(AgreementUses, fact.agreement) or AgreementUses(fact.agreement, 0)
            yield replace(uses, uses=uses.uses + 1)
            yield from delegation.used(read, fact.delegations, 1, fact.price)
            yield Use(
                fact.use, fact.requester, fact.asset, fact.purpose, fact.question, "admitted", entry.at, entry.seq,
                fact.agreement, fact.version, fact.meaning, fact.charge, fact.price, fact.currency, fact.population,
                decision=fact.decision, actors=fact.actors, delegations=fact.delegations,
                form=fact.form,
            )  # fmt: skip
        case QueryAnswered() as fact:
            use = yield from _ended(read, fact.use)
            yield replace(use, state="answered", ended=entry.seq, answer=fact.answer, contributions=fact.contributions)
        case QueryAbandoned() as fact:
            use = yield from _ended(read, fact.use)
            yield from delegation.used(read, use.delegations, 0, -use.price)  # the price is not owed
            yield replace(use, state="abandoned", ended=entry.seq, reasons=(fact.cause,))
        case QueryRefused() as fact:
            yield Use(
                fact.use, fact.requester, fact.asset, fact.purpose, fact.question, "refused", entry.at, entry.seq,
                code=fact.code, reasons=fact.reasons, decision=fact.decision, actors=fact.actors,
            )  # fmt: skip
        case _:
            return


def _ended(read: Reader, use_id: str) -> Generator[Row, None, Use]:
    """Turns the reservation of a use into spending, whichever way the use ended; returns the use."""
    use = read.get(Use, use_id)
    assert use is not None and use.state == "admitted", "a use ends once, after it was admitted"
    budget = read.get(Budget, use.asset, use.version)
    assert budget is not None
    yield replace(budget, reserved=budget.reserved - use.charge, spent=budget.spent + use.charge)
    return use
