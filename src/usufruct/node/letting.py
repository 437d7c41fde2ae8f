"""What leaves without noise: records, and cubes that were built beforehand. No privacy budget is spent, and everything
else is as for any use:

    read and decide → admitted → look at the data → decide again → answered (contributions counted, the price owed) → out

`node.query` goes the same way with a charge. A use that a crash leaves open is abandoned when the node opens again.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from usufruct.core.access import consent, delegation, hold
from usufruct.core.access.facts import UseHeld
from usufruct.core.access.proof import MEDIA_TYPE, Proof, Request
from usufruct.core.access.rules import Permit, prove, stands
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import Fault
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.state import Budget
from usufruct.node.node import Node
from usufruct.node.query import ENDED, KEPT_TEXT, Answered, Refused
from usufruct.ports import Transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """What came in, as in `query.Asked`; `text` is what is kept of what was typed."""

    requester: str
    text: str
    purpose: str
    hold: str = ""
    hold_days: int | None = None
    actors: tuple[str, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class LetOut:
    """What is about to leave: the answer, and how many rows of each person are in it (see `measure.contributions`)."""

    answer: Answer
    contributions: bytes


@dataclass(frozen=True, slots=True)
class Deed:
    """A use that was decided and planned: `meaning` in words, whose rows may be looked at, and how that is done. `again`
    says whether it is done anew where persons have gone in the meantime; what was built before is let out as it is."""

    request: Request
    permit: Permit
    meaning: str
    population: bytes
    look: Callable[[str, bytes], LetOut]
    again: bool = True


Decided = tuple[Request | None, Deed | Refusal]


@dataclass(frozen=True, slots=True)
class _Open:
    """A use that was admitted."""

    use: str
    deed: Deed


def let_out(node: Node, wanted: Wanted, decide_on: Callable[[Transaction, Wanted], Decided]) -> Answered | Refused:
    """Answers or refuses; either way it is a fact when this returns. `decide_on` decides and plans, in the transaction
    in which the use is admitted.

    Raises:
        EngineFault: the data could not be looked at; the use is abandoned.
    """
    wanted = replace(wanted, text=holdable(wanted.text), purpose=holdable(wanted.purpose))
    node.reach("query before admitted")
    decision = node.store.write(lambda tx: _admit(tx, wanted, decide_on))
    node.reach("query after admitted")
    if isinstance(decision, tuple):
        return _refused(node, *decision)
    population = decision.deed.population
    while True:
        found = _look(node, decision, population)
        node.reach("query before answered")
        released = node.store.write(partial(_release, decision, population, found))
        node.reach("query after answered")
        match released:
            case int() as seq:
                return _reply(node, decision, found.answer, seq)
            case bytes():
                population = released
            case refusal, seq:
                return _refused(node, decision.use, refusal, seq)


def _refused(node: Node, use: str, refusal: Refusal, seq: int) -> Refused:
    with node.store.read() as state:
        return Refused(use, refusal, state.receipt(seq))


def _look(node: Node, opened: _Open, population: bytes) -> LetOut:
    """Looks at the data; abandons the use if that fails."""
    try:
        node.reach("query before run")
        found = opened.deed.look(opened.use, population)
        node.reach("query after run")
        return found
    except Exception as error:
        cause = error.message if isinstance(error, Fault) else "the node failed"
        node.store.write(lambda tx: tx.append(QueryAbandoned(opened.use, cause)))
        raise


def _admit(
    tx: Transaction, wanted: Wanted, decide_on: Callable[[Transaction, Wanted], Decided]
) -> _Open | tuple[str, Refusal, int]:
    """Decide and plan; then the fact, one way or the other."""
    requester, actors = delegation.acting(tx, wanted.requester, wanted.actors)
    wanted = replace(wanted, requester=requester, actors=actors)
    use = numbered("use", tx.next)
    held = hold.place(tx, use, wanted.requester, wanted.hold, wanted.hold_days, tx.now) if wanted.hold else None
    request, decision = decide_on(tx, wanted)
    if isinstance(held, Refusal):
        decision = held
    if isinstance(held, UseHeld):
        tx.append(held)  # first, and whatever becomes of it: so nobody is ever shown what is withheld
    text = wanted.text if len(wanted.text) <= KEPT_TEXT else wanted.text[:KEPT_TEXT] + "…"
    if isinstance(decision, Refusal):
        asset = request.asset if request else ""
        entry = tx.append(QueryRefused(
            use, wanted.requester, asset[:KEPT_TEXT], wanted.purpose[:KEPT_TEXT], text, decision.code, decision.reasons,
            decision.remedy, _kept(tx, prove(tx, request, tx.now)) if request else "", wanted.actors,
        ))  # fmt: skip
        return use, decision, entry.seq
    permit = decision.permit
    tx.append(QueryAdmitted(
        use, wanted.requester, permit.agreement.id, permit.asset.id, permit.asset.version, permit.purpose, text,
        decision.meaning, 0, permit.price, permit.agreement.terms.currency,
        tx.attach("application/vnd.usufruct.population.v1", decision.population), _kept(tx, permit.proof), wanted.actors,
        permit.delegations, form=decision.request.form,
    ))  # fmt: skip
    counted = consent.used(tx, use, permit.asset.id, permit.purpose, decision.population, permit.circumstances)
    if counted is not None:
        tx.append(counted)
    return _Open(use, decision)


def _kept(tx: Transaction, proof: Proof) -> str:
    return tx.attach(MEDIA_TYPE, proof.encode())


def _release(opened: _Open, population: bytes, found: LetOut, tx: Transaction) -> int | bytes | tuple[Refusal, int]:
    """Lets the answer out, if what permitted it still does: the number of the fact. Else the population that is left, if
    only persons are gone, or why not, with the number of the fact that says so."""
    deed, permit = opened.deed, opened.deed.permit
    again = stands(tx, deed.request, permit, tx.now)
    if isinstance(again, Refusal):
        return again, tx.append(QueryAbandoned(opened.use, ENDED)).seq
    if deed.again:
        # Whoever joined a pool meanwhile is behind the end, or a bit that was not set.
        left = bytes(was & now for was, now in zip(population, again.population, strict=False))
        if left != population:
            return left
    kept = tx.attach("application/vnd.usufruct.answer.v1+json", found.answer.encode())
    counted = tx.attach("application/vnd.usufruct.contributions.v1", found.contributions)
    return tx.append(QueryAnswered(
        opened.use, deed.request.requester, permit.asset.id, permit.purpose, deed.meaning, kept, counted,
        deed.request.actors,
    )).seq  # fmt: skip


def _reply(node: Node, opened: _Open, answer: Answer, seq: int) -> Answered:
    deed, permit = opened.deed, opened.deed.permit
    with node.store.read() as state:
        budget = state.get(Budget, permit.asset.id, permit.asset.version)
        assert budget is not None
        return Answered(
            opened.use, answer, deed.meaning, permit.purpose, permit.agreement.id,
            Money(permit.price, permit.agreement.terms.currency), 0, budget.left, budget.total, state.receipt(seq),
            form=deed.request.form,
        )  # fmt: skip


def counted(numbers: Iterable[int], persons: int) -> bytes:
    """How often each person's number occurs, as contributions."""
    rows = array("I", bytes(4 * persons))
    assert rows.itemsize == 4
    for number in numbers:
        rows[number] += 1
    return rows.tobytes()


def obligations(permit: Permit, use: str, requester: str) -> tuple[str, ...]:
    """What whoever gets the answer must see to, in words, and the mark that leads back to her."""
    words = {
        "attribute": "name the source: {}", "watermark": "keep the mark that leads back to {}",
        "delete-by": "delete it by {}", "duty": "duty: {}", "notify": "{} are told of it",
    }  # fmt: skip
    owed = [
        words[one.kind].format(str(one.value)[:10] if one.kind == "delete-by" else one.value)
        for one in permit.proof.obligations if one.kind in words
    ]  # fmt: skip
    return (*owed, f"let out to `{requester}` as {use} under `{permit.agreement.id}`; keep this line with it")
