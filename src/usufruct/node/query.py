"""A data user asks.

This file is the only one that knows the order:

    read and decide → admitted (the charge is reserved) → run where the data lie → noise → release
    → answered (the charge is spent, contributions counted, the price owed) → the answer leaves with its receipt

Each append is on disk before the step after it. A crash between the two facts leaves an admitted use without an end;
when the node opens again it is abandoned and its charge stays spent, for the data may have been looked at. Nothing of
an answer leaves before its fact, so there is no result without one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from usufruct.core.access import hold
from usufruct.core.access.facts import UseHeld
from usufruct.core.access.rules import Permit, Request, decide
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import Fault
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.question import Question, in_words
from usufruct.core.privacy.release import Answer, release
from usufruct.core.privacy.rules import QueryPlan, plan
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.proof.receipt import Receipt
from usufruct.node.node import Node
from usufruct.ports import Transaction

KEPT_TEXT = 2_000  # characters of a question that are kept in the journal


@dataclass(frozen=True, slots=True)
class Asked:
    """What came in: `question` is what the text was read as, or why it could not be read; `hold` the ground on which the
    use is to be withheld from the persons concerned, for `hold_days` (None: as long as the requester may)."""

    requester: str
    text: str
    question: Question | Refusal
    purpose: str
    micro_rho: int | None = None
    hold: str = ""
    hold_days: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and all that goes with it; `charge`, `budget_left` and `budget_total` in micro-rho."""

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


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal and its own receipt: that one asked, and what one was told, can be proven too."""

    use: str
    refusal: Refusal
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class _Admitted:
    use: str
    permit: Permit
    plan: QueryPlan
    meaning: str


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
    persons = decision.permit.asset.quality.persons
    try:
        node.reach("query before run")
        measured = node.engine.run(decision.plan, decision.permit.population, persons)
        node.reach("query after run")
        noised = [
            node.noise.add(exact, vector.deviation)
            for exact, vector in zip(measured.vectors, decision.plan.vectors, strict=True)
        ]
        answer = release(decision.plan, noised)
    except Exception as error:
        cause = error.message if isinstance(error, Fault) else "the node failed"
        node.store.write(lambda tx: tx.append(QueryAbandoned(decision.use, cause)))
        raise
    node.reach("query before answered")
    seq = node.store.write(lambda tx: _answered(tx, asked.requester, decision, answer, measured.contributions))
    node.reach("query after answered")
    return _reply(node, decision, answer, seq)


def _admit(node: Node, tx: Transaction, asked: Asked) -> _Admitted | tuple[str, Refusal, int]:
    """Decide and plan; then the fact, one way or the other."""
    use = numbered("use", tx.next)
    held = hold.place(tx, use, asked.requester, asked.hold, asked.hold_days, tx.now) if asked.hold else None
    decision = held if isinstance(held, Refusal) else _decide(node, tx, asked)
    if isinstance(held, UseHeld):
        tx.append(held)  # first, and whatever becomes of it: so nobody is ever shown what is withheld
    text = asked.text if len(asked.text) <= KEPT_TEXT else asked.text[:KEPT_TEXT] + "…"
    if isinstance(decision, Refusal):
        asset = asked.question.asset if isinstance(asked.question, Question) else ""
        entry = tx.append(QueryRefused(
            use, asked.requester, asset[:KEPT_TEXT], asked.purpose[:KEPT_TEXT], text, decision.code, decision.reasons,
            decision.remedy,
        ))  # fmt: skip
        return use, decision, entry.seq
    permit, query_plan, meaning = decision
    terms = permit.agreement.terms
    tx.append(QueryAdmitted(
        use, asked.requester, permit.agreement.id, permit.asset.id, permit.asset.version, permit.purpose, text, meaning,
        query_plan.charge, terms.price, terms.currency, tx.attach("application/vnd.usufruct.population.v1", permit.population),
    ))  # fmt: skip
    return _Admitted(use, permit, query_plan, meaning)


def _decide(node: Node, tx: Transaction, asked: Asked) -> tuple[Permit, QueryPlan, str] | Refusal:
    question = asked.question
    if isinstance(question, Refusal):
        return question
    request = Request(asked.requester, question.asset, asked.purpose, question.form, question.read())
    permit = decide(tx, request, tx.now)
    if isinstance(permit, Refusal):
        return permit
    query_plan = plan(tx, question, permit.asset, node.rulebook, tx.now, asked.micro_rho)
    if isinstance(query_plan, Refusal):
        return query_plan
    return permit, query_plan, in_words(question)


def _answered(tx: Transaction, requester: str, admitted: _Admitted, answer: Answer, contributions: bytes) -> int:
    kept = tx.attach("application/vnd.usufruct.answer.v1+json", answer.encode())
    counted = tx.attach("application/vnd.usufruct.contributions.v1", contributions)
    permit = admitted.permit
    fact = QueryAnswered(admitted.use, requester, permit.asset.id, permit.purpose, admitted.meaning, kept, counted)
    return tx.append(fact).seq


def _reply(node: Node, admitted: _Admitted, answer: Answer, seq: int) -> Answered:
    permit = admitted.permit
    with node.store.read() as state:
        budget = state.get(Budget, permit.asset.id, permit.asset.version)
        assert budget is not None
        return Answered(
            admitted.use, answer, admitted.meaning, permit.purpose, permit.agreement.id,
            Money(permit.agreement.terms.price, permit.agreement.terms.currency), admitted.plan.charge, budget.left,
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
