"""What was asked, and how much may still be learnt."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from usufruct.core.access import delegation
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.contract.state import AgreementUses
from usufruct.core.privacy.facts import BudgetOpened, QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.registry.facts import AssetUpdated
from usufruct.core.rulebook.levy import Surcharge


@dataclass(frozen=True, slots=True)
class Budget(Row):
    """What may be learnt from one version of an asset, in micro-rho: `total`, of which `reserved` and `spent`; and of `delta`,
    in nano-delta."""

    KEY = ("asset", "version")
    asset: str
    version: str
    total: int
    reserved: int = 0
    spent: int = 0
    delta: int = 0
    delta_reserved: int = 0
    delta_spent: int = 0

    @property
    def left(self) -> int:
        """What can still be reserved."""
        return self.total - self.reserved - self.spent

    @property
    def delta_left(self) -> int:
        """What can still be reserved of delta."""
        return self.delta - self.delta_reserved - self.delta_spent


@dataclass(frozen=True, slots=True)
class Spent(Row):
    """What one requester has reserved or spent of an asset's budget, in micro-rho and nano-delta."""

    KEY = ("asset", "requester")
    asset: str
    requester: str
    micro_rho: int
    nano_delta: int = 0


@dataclass(frozen=True, slots=True)
class Use(Row):
    """One question: `state` is admitted, answered, abandoned or refused; `ended` is the number of the last fact on it."""

    KEY = ("id",)
    INDEXED = ("asset", "requester", "state", "plan", "within")
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
    nano_delta: int = 0
    within: str = ""
    plan: str = ""
    template: str = ""
    form: str = "aggregates"
    sources: tuple[str, ...] = ()
    measure: str = "rows"
    shares: str = ""
    levies: tuple[Surcharge, ...] = ()
    priced_by: str = ""

    @property
    def owed(self) -> int:
        """The price, and the levies on top of it, in minor units."""
        return self.price + sum(levy.amount for levy in self.levies)


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact around a question changes."""
    match entry.fact:
        case BudgetOpened() as fact:
            yield Budget(fact.asset, fact.version, fact.micro_rho, delta=fact.nano_delta)
        case AssetUpdated() as fact:
            # The old rows and the new are about the same people: whatever was or may yet be spent on one is spent on both.
            old = read.get(Budget, fact.asset, fact.replaces)
            assert old is not None
            yield replace(
                old, version=fact.version, reserved=0, spent=old.spent + old.reserved, delta_reserved=0,
                delta_spent=old.delta_spent + old.delta_reserved,
            )  # fmt: skip
        case QueryAdmitted() as fact:
            for asset, version in _paying(fact):
                budget = read.get(Budget, asset, version)
                assert budget is not None and budget.left >= fact.charge and budget.delta_left >= fact.nano_delta
                yield replace(
                    budget, reserved=budget.reserved + fact.charge, delta_reserved=budget.delta_reserved + fact.nano_delta
                )  # fmt: skip
                spent = read.get(Spent, asset, fact.requester) or Spent(asset, fact.requester, 0)
                micro_rho, nano_delta = spent.micro_rho + fact.charge, spent.nano_delta + fact.nano_delta
                yield replace(spent, micro_rho=micro_rho, nano_delta=nano_delta)
            uses = read.get(AgreementUses, fact.agreement) or AgreementUses(fact.agreement, 0)
            yield replace(uses, uses=uses.uses + 1)
            use = Use(
                fact.use, fact.requester, fact.asset, fact.purpose, fact.question, "admitted", entry.at, entry.seq,
                fact.agreement, fact.version, fact.meaning, fact.charge, fact.price, fact.currency, fact.population,
                decision=fact.decision, actors=fact.actors, delegations=fact.delegations, nano_delta=fact.nano_delta,
                within=fact.within, plan=fact.plan, template=fact.template, form=fact.form,
                sources=fact.sources, levies=fact.levies, priced_by=fact.priced_by,
            )  # fmt: skip
            yield from delegation.used(read, fact.delegations, 1, use.owed)
            yield use
        case QueryAnswered() as fact:
            use = yield from _ended(read, fact.use)
            yield replace(
                use, state="answered", ended=entry.seq, answer=fact.answer, contributions=fact.contributions,
                measure=fact.measure, shares=fact.shares,
            )  # fmt: skip
        case QueryAbandoned() as fact:
            use = yield from _ended(read, fact.use)
            yield from delegation.used(read, use.delegations, 0, -use.owed)  # the price is not owed
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
    for asset, version in _paying(use):
        budget = read.get(Budget, asset, version)
        assert budget is not None
        yield replace(
            budget, reserved=budget.reserved - use.charge, spent=budget.spent + use.charge,
            delta_reserved=budget.delta_reserved - use.nano_delta, delta_spent=budget.delta_spent + use.nano_delta,
        )  # fmt: skip
    return use


def _paying(used: QueryAdmitted | Use) -> Iterator[tuple[str, str]]:
    """Asset and version of each budget that pays for a use."""
    yield used.asset, used.version
    for source in used.sources:
        asset, _, version = source.partition("/")
        yield asset, version
