"""A data user asks.

This file is the only one that knows the order:

    read and decide → admitted (the charge is reserved) → run where the data lie → noise → release
    → decide again → answered (the charge is spent, contributions counted, the price owed) → the answer leaves with its
    receipt

Each append is on disk before the step after it. A crash between the two facts leaves an admitted use without an end;
when the node opens again it is abandoned and its charge stays spent, for the data may have been looked at. Nothing of
an answer leaves before its fact, so there is no result without one.

Between the two facts an agreement, a right or a consent may end. So it is decided again in the very transaction that
would let the answer out: after the fact that ends something is on disk, nothing is released that rests on it. Where only
a person has gone, the question is run again without her, and nobody is told: a refusal would tell of her.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from usufruct.core.access import consent, delegation, hold
from usufruct.core.access.facts import UseHeld
from usufruct.core.access.proof import MEDIA_TYPE, Proof, Request
from usufruct.core.access.rules import REFUSED, Permit, decide, prove
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import Fault
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.conditions import reach, resolve
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.question import Question, in_words
from usufruct.core.privacy.release import Answer, release
from usufruct.core.privacy.rules import QueryPlan, plan
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.state import Asset
from usufruct.node.node import Node
from usufruct.ports import Transaction

KEPT_TEXT = 2_000  # characters of a question that are kept in the journal


@dataclass(frozen=True, slots=True)
class Asked:
    """What came in: `question` is what the text was read as, or why it could not be read; `hold` the ground on which the
    use is to be withheld from the persons concerned, for `hold_days` (None: as long as the requester may). `actors` act
    for the requester, who speaks first first; what an agent asks in its own name, it asks for its principal. `signed`:
    it came with a proof of a key that only its sender has."""

    requester: str
    text: str
    question: Question | Refusal
    purpose: str
    micro_rho: int | None = None
    hold: str = ""
    hold_days: int | None = None
    actors: tuple[str, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and all that goes with it, in its `form`; `charge`, `budget_left` and `budget_total` in micro-rho."""

    use: str
    answer: Answer
    meaning: str
    purpose: str
    agreement: str
    price: Money
    charge: int
    budget_left: int
    budget_total: int
    receipt: Receipt
    form: str = "aggregates"


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal and its own receipt: that one asked, and what one was told, can be proven too."""

    use: str
    refusal: Refusal
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class _Admitted:
    use: str
    request: Request
    permit: Permit
    plan: QueryPlan
    meaning: str


@dataclass(frozen=True, slots=True)
class _Ran:
    """What came of running a plan over a population: the answer, and what each person counted for."""

    population: bytes
    answer: Answer
    contributions: bytes


def ask(node: Node, asked: Asked) -> Answered | Refused:
    """Answers or refuses one question; either way it is a fact when this returns.

    Raises:
        EngineFault: the plan could not be run; the use is abandoned and its charge spent.
        NodeFault: the node cannot go on; an admitted use is abandoned when it opens again.
    """
    asked = replace(asked, text=holdable(asked.text), purpose=holdable(asked.purpose))
    node.reach("query before admitted")
    decision = node.store.write(lambda tx: _admit(node, tx, asked))
    node.reach("query after admitted")
    if isinstance(decision, tuple):
        use, refusal, seq = decision
        with node.store.read() as state:
            return Refused(use, refusal, state.receipt(seq))
    population = decision.permit.population
    while True:
        ran = _run(node, decision, population)
        node.reach("query before answered")
        released = node.store.write(partial(_release, decision, ran))
        node.reach("query after answered")
        match released:
            case int() as seq:
                return _reply(node, decision, ran.answer, seq)
            case bytes():
                population = released
            case refusal, seq:
                with node.store.read() as state:
                    return Refused(decision.use, refusal, state.receipt(seq))


def _run(node: Node, admitted: _Admitted, population: bytes) -> _Ran:
    """Runs the plan where the data lie and adds the noise; abandons the use if that fails."""
    try:
        node.reach("query before run")
        measured = node.engine.run(admitted.plan, population, admitted.permit.persons)
        node.reach("query after run")
        noised = [
            node.noise.add(exact, vector.deviation)
            for exact, vector in zip(measured.vectors, admitted.plan.vectors, strict=True)
        ]
        return _Ran(population, release(admitted.plan, noised), measured.contributions)
    except Exception as error:
        cause = error.message if isinstance(error, Fault) else "the node failed"
        node.store.write(lambda tx: tx.append(QueryAbandoned(admitted.use, cause)))
        raise


def _admit(node: Node, tx: Transaction, asked: Asked) -> _Admitted | tuple[str, Refusal, int]:
    """Decide and plan; then the fact, one way or the other."""
    requester, actors = delegation.acting(tx, asked.requester, asked.actors)
    asked = replace(asked, requester=requester, actors=actors)
    use = numbered("use", tx.next)
    held = hold.place(tx, use, asked.requester, asked.hold, asked.hold_days, tx.now) if asked.hold else None
    request = _request(tx, asked)
    decision = held if isinstance(held, Refusal) else _decide(node, tx, asked, request)
    if isinstance(held, UseHeld):
        tx.append(held)  # first, and whatever becomes of it: so nobody is ever shown what is withheld
    text = asked.text if len(asked.text) <= KEPT_TEXT else asked.text[:KEPT_TEXT] + "…"
    if isinstance(decision, Refusal):
        asset = asked.question.asset if isinstance(asked.question, Question) else ""
        entry = tx.append(QueryRefused(
            use, asked.requester, asset[:KEPT_TEXT], asked.purpose[:KEPT_TEXT], text, decision.code, decision.reasons,
            decision.remedy, _kept(tx, prove(tx, request, tx.now)) if request else "", asked.actors,
        ))  # fmt: skip
        return use, decision, entry.seq
    assert request is not None, "what could not be read is refused"
    permit, query_plan, meaning = decision
    terms = permit.agreement.terms
    tx.append(QueryAdmitted(
        use, asked.requester, permit.agreement.id, permit.asset.id, permit.asset.version, permit.purpose, text, meaning,
        query_plan.charge, permit.price, terms.currency, tx.attach("application/vnd.usufruct.population.v1", permit.population),
        _kept(tx, permit.proof), asked.actors, permit.delegations,
    ))  # fmt: skip
    counted = consent.used(tx, use, permit.asset.id, permit.purpose, permit.population, permit.circumstances)
    if counted is not None:
        tx.append(counted)
    return _Admitted(use, request, permit, query_plan, meaning)


def _kept(tx: Transaction, proof: Proof) -> str:
    return tx.attach(MEDIA_TYPE, proof.encode())


def _request(tx: Transaction, asked: Asked) -> Request | None:
    """What the gates judge; None if the question could not be read."""
    question = asked.question
    if isinstance(question, Refusal):
        return None
    columns = tuple(holdable(name) for name in question.read())
    asset = tx.get(Asset, question.asset)
    where = resolve(question.where, asset) if question.where and asset else None
    parts = () if where is None or isinstance(where, Refusal) else reach(where)
    return Request(
        asked.requester,
        holdable(question.asset),
        asked.purpose,
        question.form,
        columns,
        parts,
        asked.actors,
        asked.signed,
    )


def _decide(
    node: Node, tx: Transaction, asked: Asked, request: Request | None
) -> tuple[Permit, QueryPlan, str] | Refusal:
    question = asked.question
    if isinstance(question, Refusal) or request is None:
        assert isinstance(question, Refusal)
        return question
    permit = decide(tx, request, tx.now)
    if isinstance(permit, Refusal):
        return permit
    query_plan = plan(tx, question, permit.asset, node.rulebook, tx.now, permit.group_min, asked.micro_rho)
    if isinstance(query_plan, Refusal):
        return query_plan
    return permit, query_plan, in_words(question)


def _release(admitted: _Admitted, ran: _Ran, tx: Transaction) -> int | bytes | tuple[Refusal, int]:
    """Lets the answer out, if what permitted it still does: the number of the fact. Else the population that is left, if
    only persons are gone, or why not, with the number of the fact that says so."""
    permit = admitted.permit
    again = decide(tx, admitted.request, tx.now, admitted=True, under=permit.delegations)
    if isinstance(again, Refusal) or again.agreement.id != permit.agreement.id:
        reasons = (
            again.reasons if isinstance(again, Refusal) else (f"`{permit.agreement.id}` does not permit it any more",)
        )
        remedy = again.remedy if isinstance(again, Refusal) else "ask again, under the agreement that is in force now"
        seq = tx.append(QueryAbandoned(admitted.use, "what permitted it ended before the answer could leave")).seq
        return refuse("access.ended", REFUSED, *reasons, remedy=remedy), seq
    # Whoever joined a pool meanwhile is behind the end, or a bit that was not set.
    left = bytes(was & now for was, now in zip(ran.population, again.population, strict=False))
    if left != ran.population:
        return left
    kept = tx.attach("application/vnd.usufruct.answer.v1+json", ran.answer.encode())
    counted = tx.attach("application/vnd.usufruct.contributions.v1", ran.contributions)
    fact = QueryAnswered(
        admitted.use, admitted.request.requester, permit.asset.id, permit.purpose, admitted.meaning, kept, counted,
        admitted.request.actors,
    )  # fmt: skip
    return tx.append(fact).seq


def _reply(node: Node, admitted: _Admitted, answer: Answer, seq: int) -> Answered:
    permit = admitted.permit
    with node.store.read() as state:
        budget = state.get(Budget, permit.asset.id, permit.asset.version)
        assert budget is not None
        return Answered(
            admitted.use, answer, admitted.meaning, permit.purpose, permit.agreement.id,
            Money(permit.price, permit.agreement.terms.currency), admitted.plan.charge, budget.left,
            budget.total, state.receipt(seq),
        )  # fmt: skip


def recover(node: Node) -> int:
    """Abandons the uses that a crash left admitted; returns how many. Run when the node opens, before it serves."""

    def command(tx: Transaction) -> int:
        open_uses = list(tx.list(Use, state="admitted"))
        for use in open_uses:
            tx.append(QueryAbandoned(use.id, "the node stopped before it could answer"))
        return len(open_uses)

    with node.store.read() as state:
        if next(state.list(Use, state="admitted"), None) is None:
            return 0
    return node.store.write(command)
