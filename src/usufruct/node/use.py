"""One use of an asset, from its request to its end: the order that every use keeps, whatever is worked out in between.

    read and decide → admitted (the charge is reserved) → worked out where the data lie → decided again
    → answered (the charge is spent, contributions counted, the price owed) → what came of it leaves with its receipt

Each append is on disk before the step after it; why it must be so is told in `query`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from usufruct.core.access import consent, delegation
from usufruct.core.access.proof import MEDIA_TYPE, Proof, Request
from usufruct.core.access.rules import Permit, decide, prove, stands
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import Fault
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.learnt import Learnt
from usufruct.core.privacy.question import Expression
from usufruct.core.privacy.reach import reach
from usufruct.core.privacy.relations import over
from usufruct.core.privacy.relations import where as resolve
from usufruct.core.privacy.state import Budget
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.state import Asset
from usufruct.node.node import Node
from usufruct.node.query import ENDED, KEPT_TEXT
from usufruct.ports import Transaction

FORM = "computation"


class Planned(Protocol):
    """How a use is worked out, and what it costs in micro-rho."""

    @property
    def charge(self) -> int:
        """In micro-rho."""


PlanT = TypeVar("PlanT", bound=Planned)


@dataclass(frozen=True, slots=True)
class Asking(Generic[PlanT]):
    """What came in: `text` says all of it, `meaning` what it was understood as; `unread` why it could not be read. `plan`
    makes the plan of what was permitted. `actors` act for the requester, who speaks first first; `signed`: with a key."""

    requester: str
    purpose: str
    asset: str
    text: str
    meaning: str
    columns: tuple[str, ...]
    where: Expression | None
    plan: Callable[[Transaction, Permit], PlanT | Refusal]
    unread: Refusal | None = None
    actors: tuple[str, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Admitted(Generic[PlanT]):
    """A use that may look at the data."""

    use: str
    request: Request
    permit: Permit
    plan: PlanT
    meaning: str


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of working a plan out over a population. `closing` is done in the transaction that lets it out, if its
    answer is not a refusal."""

    population: bytes
    learnt: Learnt
    contributions: bytes
    closing: Callable[[Transaction], Refusal | Callable[[], None]] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What leaves, and all that goes with it; `charge`, `budget_left` and `budget_total` in micro-rho."""

    use: str
    learnt: Learnt
    meaning: str
    purpose: str
    agreement: str
    price: Money
    charge: int
    budget_left: int
    budget_total: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal and its own receipt."""

    use: str
    refusal: Refusal
    receipt: Receipt


def carry_out(node: Node, asking: Asking[PlanT], work: Callable[[Admitted[PlanT], bytes], Ran]) -> Done | Refused:
    """Carries one use out; either way it is a fact when this returns. `work` works a plan out over a population.

    Raises:
        EngineFault: it could not be worked out; the use is abandoned and its charge spent.
        NodeFault: the node cannot go on; an admitted use is abandoned when it opens again.
    """
    decision = node.store.write(lambda tx: _admit(tx, asking))
    node.reach("use after admitted")
    if isinstance(decision, tuple):
        use, refusal, seq = decision
        with node.store.read() as state:
            return Refused(use, refusal, state.receipt(seq))
    population = decision.permit.population
    while True:
        ran = _worked(node, decision, work, population)
        node.reach("use before answered")
        released = node.store.write(partial(_release, decision, ran))
        node.reach("use after answered")
        match released:
            case int() as seq:
                return _reply(node, decision, ran.learnt, seq)
            case bytes():
                population = released
            case refusal, seq:
                with node.store.read() as state:
                    return Refused(decision.use, refusal, state.receipt(seq))


def _worked(
    node: Node, admitted: Admitted[PlanT], work: Callable[[Admitted[PlanT], bytes], Ran], population: bytes
) -> Ran:
    try:
        return work(admitted, population)
    except Exception as error:
        cause = error.message if isinstance(error, Fault) else "the node failed"
        node.store.write(lambda tx: tx.append(QueryAbandoned(admitted.use, cause)))
        raise


def _admit(tx: Transaction, asking: Asking[PlanT]) -> Admitted[PlanT] | tuple[str, Refusal, int]:
    """Decide and plan; then the fact, one way or the other."""
    requester, actors = delegation.acting(tx, asking.requester, asking.actors)
    purpose, asset, text = holdable(asking.purpose), holdable(asking.asset), holdable(asking.text)
    text = text if len(text) <= KEPT_TEXT else text[:KEPT_TEXT] + "…"
    use = numbered("use", tx.next)
    request = None if asking.unread else _request(tx, asking, requester, purpose, asset, actors)
    decision = asking.unread or _decide(tx, asking, request)
    if isinstance(decision, Refusal):
        entry = tx.append(QueryRefused(
            use, requester, asset[:KEPT_TEXT], purpose[:KEPT_TEXT], text, decision.code, decision.reasons, decision.remedy,
            _kept(tx, prove(tx, request, tx.now)) if request else "", actors,
        ))  # fmt: skip
        return use, decision, entry.seq
    assert request is not None, "what could not be read is refused"
    permit, plan = decision
    tx.append(QueryAdmitted(
        use, requester, permit.agreement.id, permit.asset.id, permit.asset.version, permit.purpose, text,
        holdable(asking.meaning), plan.charge, permit.price, permit.agreement.terms.currency,
        tx.attach("application/vnd.usufruct.population.v1", permit.population), _kept(tx, permit.proof), actors,
        permit.delegations,
    ))  # fmt: skip
    counted = consent.used(tx, use, permit.asset.id, permit.purpose, permit.population, permit.circumstances)
    if counted is not None:
        tx.append(counted)
    return Admitted(use, request, permit, plan, holdable(asking.meaning))


def _kept(tx: Transaction, proof: Proof) -> str:
    return tx.attach(MEDIA_TYPE, proof.encode())


def _request(
    tx: Transaction, asking: Asking[PlanT], requester: str, purpose: str, asset: str, actors: tuple[str, ...]
) -> Request:
    row = tx.get(Asset, asset)
    where = resolve(asking.where, row) if asking.where is not None and row is not None else None
    parts = () if row is None or where is None or isinstance(where, Refusal) else reach(over(row, where), row.id)
    columns = tuple(holdable(name) for name in asking.columns)
    return Request(requester, asset, purpose, FORM, columns, parts, actors, asking.signed)


def _decide(tx: Transaction, asking: Asking[PlanT], request: Request | None) -> tuple[Permit, PlanT] | Refusal:
    assert request is not None
    permit = decide(tx, request, tx.now)
    if isinstance(permit, Refusal):
        return permit
    plan = asking.plan(tx, permit)
    return plan if isinstance(plan, Refusal) else (permit, plan)


def _release(admitted: Admitted[PlanT], ran: Ran, tx: Transaction) -> int | bytes | tuple[Refusal, int]:
    """Lets it out, if what permitted it still does: the number of the fact. Else the population that is left, if only
    persons are gone, or why not, with the number of the fact that says so."""
    permit = admitted.permit
    again = stands(tx, admitted.request, permit, tx.now)
    if isinstance(again, Refusal):
        return again, tx.append(QueryAbandoned(admitted.use, ENDED)).seq
    left = bytes(was & now for was, now in zip(ran.population, again.population, strict=False))
    if left != ran.population:
        return left
    then = ran.closing(tx) if ran.closing is not None else None
    if isinstance(then, Refusal):
        return then, tx.append(QueryAbandoned(admitted.use, "what was made could not be kept")).seq
    kept = tx.attach("application/vnd.usufruct.answer.v1+json", ran.learnt.encode())
    counted = tx.attach("application/vnd.usufruct.contributions.v1", ran.contributions)
    seq = tx.append(QueryAnswered(
        admitted.use, admitted.request.requester, permit.asset.id, permit.purpose, admitted.meaning, kept, counted,
        admitted.request.actors,
    )).seq  # fmt: skip
    if then is not None:
        then()
    return seq


def _reply(node: Node, admitted: Admitted[PlanT], learnt: Learnt, seq: int) -> Done:
    permit = admitted.permit
    with node.store.read() as state:
        budget = state.get(Budget, permit.asset.id, permit.asset.version)
        assert budget is not None
        return Done(
            admitted.use, learnt, admitted.meaning, permit.purpose, permit.agreement.id,
            Money(permit.price, permit.agreement.terms.currency), admitted.plan.charge, budget.left, budget.total,
            state.receipt(seq),
        )  # fmt: skip
