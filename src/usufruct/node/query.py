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

A question about several assets is a use of each of them: each is decided, charged, priced and recorded by itself, and the
answer leaves if it may leave for all. Who asks the very same of the same data again gets the answer again, for nothing.

How long an answer takes depends on the data. So it leaves at a tick: when a time is over that follows from the size of the
tables as the catalogue shows it, or when a multiple of that is. So does a failure.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy import matched, release, ticks
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused, QueryRepeated
from usufruct.core.privacy.matching_facts import Match, MatchAsked
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.rules import QueryPlan
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.state import Person
from usufruct.node import stored
from usufruct.node.asking import Asked as Asked
from usufruct.node.asking import Decided, read_twice
from usufruct.node.asking import decide as decide_on
from usufruct.node.node import Node
from usufruct.ports import NOBODY, Among, Measured, Transaction

ENDED = "what permitted it ended before the answer could leave"  # why a use was abandoned
KEPT_TEXT = 2_000  # characters of a question that are kept in the journal


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and all that goes with it; `charge`, `budget_left` and `budget_total` in micro-rho. `repeated`: it was given
    before. `form` is that of the answer."""

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
    repeated: bool = False
    form: str = "aggregates"


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal and its own receipt: that one asked, and what one was told, can be proven too."""

    use: str
    refusal: Refusal
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class _Part:
    """The use of one asset: the whole of a question, or a part of one about several."""

    use: str
    request: Request
    permit: Permit


@dataclass(frozen=True, slots=True)
class _Admitted:
    parts: tuple[_Part, ...]
    plan: QueryPlan
    meaning: str
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class _Ran:
    """What came of running a plan over populations, by asset: the answer, and what each person counted for."""

    populations: Mapping[str, bytes]
    answer: Answer
    contributions: Mapping[str, bytes]


def ask(node: Node, asked: Asked) -> Answered | Refused:
    """Answers or refuses one question; either way it is a fact when this returns.

    Raises:
        EngineFault: the plan could not be run; the use is abandoned and its charge spent.
        NodeFault: the node cannot go on; an admitted use is abandoned when it opens again.
    """
    began = node.clock.steady()
    asked = replace(asked, text=holdable(asked.text), purpose=holdable(asked.purpose))
    agreed = read_twice(node, asked)
    node.reach("query before admitted")
    decision = node.store.write(lambda tx: _admit(node, tx, asked, agreed))
    node.reach("query after admitted")
    match decision:
        case _Again():
            return _repeat(node, decision)
        case (use, refusal, seq):
            with node.store.read() as state:
                return Refused(use, refusal, state.receipt(seq))
        case (admitted, tick):
            with _at_tick(node, began, tick):
                return _answer(node, admitted)


@contextmanager
def _at_tick(node: Node, began: int, tick: int) -> Iterator[None]:
    """Whatever comes of it, it is over at a multiple of `tick` milliseconds after it `began`."""
    try:
        yield
    finally:
        node.clock.sleep(ticks.until_next(node.clock.steady() - began, tick))


def _answer(node: Node, admitted: _Admitted) -> Answered | Refused:
    populations = {part.permit.asset.id: part.permit.population for part in admitted.parts}
    while True:
        ran = _run(node, admitted, populations)
        node.reach("query before answered")
        released = node.store.write(partial(_release, admitted, ran))
        node.reach("query after answered")
        match released:
            case int() as seq:
                return _reply(node, admitted, ran.answer, seq)
            case (Refusal() as refusal, seq):
                with node.store.read() as state:
                    return Refused(admitted.parts[0].use, refusal, state.receipt(seq))
            case left:
                populations = left


def _run(node: Node, admitted: _Admitted, populations: Mapping[str, bytes]) -> _Ran:
    """Runs the plan where the data lie and adds the noise; abandons the use if that fails."""
    query = admitted.plan
    try:
        node.reach("query before run")
        for source in query.sources:
            stored.check(node, source.asset, source.version)
        among = _among(node, admitted, populations)
        measured = node.engine.run(query, among)
        node.reach("query after run")
        groups, noised = _noised(node, query, measured)
        counted = {source.asset: counted for source, counted in zip(query.sources, measured.contributions, strict=True)}
        return _Ran(populations, release.release(query, groups, noised), counted)
    except Exception as error:
        cause = error.message if isinstance(error, Fault) else "the node failed"
        node.store.write(lambda tx: [tx.append(QueryAbandoned(part.use, cause)) for part in admitted.parts])
        raise


def _among(node: Node, admitted: _Admitted, populations: Mapping[str, bytes]) -> list[Among | None]:
    """Whose rows of each source may be used; persons are called by their numbers in the first source about any."""
    permits = {part.permit.asset.id: part.permit for part in admitted.parts}
    found: list[Among | None] = []
    first: dict[str, int] | None = None
    with node.store.read() as state:
        for source in admitted.plan.sources:
            if not source.personal:
                found.append(None)
                continue
            permit, numbers = permits[source.asset], None
            if len(permits) > 1:
                people = [p for p in state.list(Person, asset=source.asset) if p.number < permit.persons]
                if first is None:
                    first = {person.party: person.number for person in people}
                else:
                    called = {person.number: first.get(person.party, NOBODY) for person in people}
                    numbers = array("I", (called.get(number, NOBODY) for number in range(permit.persons))).tobytes()
            found.append(Among(populations[source.asset], permit.persons, numbers))
    return found


def _noised(node: Node, query: QueryPlan, measured: Measured) -> tuple[list[release.Group], list[list[int]]]:
    """The groups that may be named, and the numbers of each vector with noise on them."""
    groups, vectors, first = measured.groups, measured.vectors, {}
    if query.threshold is not None:
        by = query.threshold.by
        persons = node.noise.add(vectors[by], query.vectors[by].deviation)
        kept = release.named(query, persons)
        groups = [groups[place] for place in kept]
        first[by] = [persons[place] for place in kept]
        vectors = [
            [number for place in kept for number in numbers[place * v.width : (place + 1) * v.width]]
            for v, numbers in zip(query.vectors, vectors, strict=True)
        ]
    noised = [
        first[index] if index in first else node.noise.add(numbers, vector.deviation)
        for index, (vector, numbers) in enumerate(zip(query.vectors, vectors, strict=True))
    ]
    return groups, noised


# ---- deciding


def _admit(
    node: Node, tx: Transaction, asked: Asked, agreed: bool
) -> tuple[_Admitted, int] | _Again | tuple[str, Refusal, int]:
    """Decide and plan; then the facts, one way or the other."""
    requester, actors = delegation.acting(tx, asked.requester, asked.actors)
    asked = replace(asked, requester=requester, actors=actors)
    use = numbered("use", tx.next)
    held = hold.place(tx, use, asked.requester, asked.hold, asked.hold_days, tx.now) if asked.hold else None
    request, decision = decide_on(node, tx, asked, tx.now, agreed)
    if isinstance(held, Refusal):
        decision = held
    elif held is None and not asked.anew and isinstance(decision, Decided) and (before := _before(tx, asked, decision)):
        return before
    if isinstance(decision, Decided) and decision.short is not None:
        decision = decision.short
    if isinstance(decision, Decided) and decision.match and not _goes_along(asked, decision.plan):
        decision = matched.ended()
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
    query, parts = decision.plan, list[_Part]()
    for request, permit in decision.parts:
        permit = _over(tx, decision.match, permit)
        each = use if not parts else numbered("use", tx.next)
        tx.append(QueryAdmitted(
            each, asked.requester, permit.agreement.id, permit.asset.id, permit.asset.version, permit.purpose, text,
            decision.meaning, query.charge, permit.price, permit.agreement.terms.currency,
            tx.attach("application/vnd.usufruct.population.v1", permit.population), _kept(tx, permit.proof), asked.actors,
            permit.delegations, query.nano_delta, use if parts else "", "" if parts else decision.digest,
            asked.template,
        ))  # fmt: skip
        counted = consent.used(tx, each, permit.asset.id, permit.purpose, permit.population, permit.circumstances)
        if counted is not None:
            tx.append(counted)
        parts.append(_Part(each, request, permit))
    if decision.match and asked.matched:
        tx.append(MatchAsked(decision.match.id, use, asked.matched.receipt))
    return _Admitted(tuple(parts), query, decision.meaning, decision.match), decision.tick


def _goes_along(asked: Asked, query: QueryPlan) -> bool:
    """Whether the other node of a match went along with what the question costs."""
    return asked.matched is not None and asked.matched.covers(query.charge, query.nano_delta)


def _over(tx: Transaction, match: Match | None, permit: Permit) -> Permit:
    """A permit over the persons of a match alone, if the question is over those."""
    if match is None:
        return permit
    return permit._replace(population=matched.among(permit.population, tx.evidence(match.population)))


def _kept(tx: Transaction, proof: Proof) -> str:
    return tx.attach(MEDIA_TYPE, proof.encode())


# ---- the same again


@dataclass(frozen=True, slots=True)
class _Again:
    """The use whose answer is given again, and the number of the fact that says so."""

    use: Use
    seq: int
    permit: Permit


def _before(tx: Transaction, asked: Asked, decided: Decided) -> _Again | None:
    """The same question, if it was answered before to the same requester; nothing about persons can have changed in it."""
    found = _first(tx, asked, decided)
    if found is None:
        return None
    permit = decided.parts[0][1]
    fact = QueryRepeated(found.id, asked.requester, permit.asset.id, permit.purpose, asked.actors)
    return _Again(found, tx.append(fact).seq, permit)


def _first(read: Reader, asked: Asked, decided: Decided) -> Use | None:
    """The use that answered the same question before."""
    uses = read.list(Use, plan=decided.digest)
    return next((use for use in uses if use.state == "answered" and use.requester == asked.requester), None)


def foreseen(node: Node, asked: Asked) -> Decided | None:
    """What a question would be decided as, if it would be answered, and not with what was answered before."""
    agreed = read_twice(node, asked)
    with node.store.read() as state:
        requester, actors = delegation.acting(state, asked.requester, asked.actors)
        asked = replace(asked, requester=requester, actors=actors)
        decided = decide_on(node, state, asked, node.clock.now(), agreed)[1]
        if isinstance(decided, Refusal) or decided.short is not None:
            return None
        return None if not asked.anew and _first(state, asked, decided) else decided


def _repeat(node: Node, again: _Again) -> Answered:
    with node.store.read() as state:
        answer = release.decode(state.evidence(again.use.answer))
        budget = state.get(Budget, again.use.asset, again.use.version)
        assert budget is not None
        return Answered(
            again.use.id, answer, again.use.meaning, again.use.purpose, again.use.agreement, Money(0, again.use.currency), 0,
            budget.left, budget.total, state.receipt(again.seq), repeated=True,
        )  # fmt: skip


# ---- releasing


def _release(admitted: _Admitted, ran: _Ran, tx: Transaction) -> int | dict[str, bytes] | tuple[Refusal, int]:
    """Lets the answer out, if what permitted it still does: the number of the first fact. Else the populations that are
    left, if only persons are gone, or why not, with the number of the fact that says so."""
    left = {}
    for part in admitted.parts:
        permit = part.permit
        again = stands(tx, part.request, permit, tx.now)
        if admitted.match is not None and not matched.stands(tx, admitted.match, tx.now):
            again = matched.ended()
        if isinstance(again, Refusal):
            seqs = [tx.append(QueryAbandoned(each.use, ENDED)).seq for each in admitted.parts]
            return again, seqs[0]
        # Whoever joined a pool meanwhile is behind the end, or a bit that was not set.
        was = ran.populations[permit.asset.id]
        left[permit.asset.id] = bytes(a & b for a, b in zip(was, again.population, strict=False))
    if left != ran.populations:
        return left
    first = None
    for part in admitted.parts:
        permit = part.permit
        kept = tx.attach("application/vnd.usufruct.answer.v1+json", ran.answer.encode())
        counted = tx.attach("application/vnd.usufruct.contributions.v1", ran.contributions[permit.asset.id])
        seq = tx.append(QueryAnswered(
            part.use, part.request.requester, permit.asset.id, permit.purpose, admitted.meaning, kept, counted,
            part.request.actors,
        )).seq  # fmt: skip
        first = seq if first is None else first
    assert first is not None
    return first


def _reply(node: Node, admitted: _Admitted, answer: Answer, seq: int) -> Answered:
    permit = admitted.parts[0].permit
    with node.store.read() as state:
        budget = state.get(Budget, permit.asset.id, permit.asset.version)
        assert budget is not None
        price = Money(sum(part.permit.price for part in admitted.parts), permit.agreement.terms.currency)
        return Answered(
            admitted.parts[0].use, answer, admitted.meaning, permit.purpose, permit.agreement.id, price,
            admitted.plan.charge, budget.left, budget.total, state.receipt(seq),
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
