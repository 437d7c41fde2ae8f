"""A party matches a table of this node with one of another: this node asks.

    inquire there → decide → admitted (the charge is reserved) → look, blind, committed → propose → the other is committed
    → the lists go over → count, noise → finish → decide again → answered → the result leaves

Each message is a call of the other node's service, and so in both journals, signed and with its hash. The inquiry comes
first, so that nothing is charged for a match that the other node would not make. Both lists are checked against what their
sides committed to before anything of them was sent. Whatever goes wrong after the admission abandons the match, and its
charge stays spent.

What the *other* node says is not believed further than it can be checked: elements that are none, lists that repeat, fall,
end early or are not those committed to end the run.
"""

from __future__ import annotations

import asyncio
import contextlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from usufruct.core.access import delegation
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput, Fault, PeerFault
from usufruct.core.base.ids import xroad
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy import matching
from usufruct.core.privacy.matching import Commitment, Plan, Sides, Total
from usufruct.core.privacy.matching_facts import ANSWERS, ASKS, Match, MatchCommitted
from usufruct.core.privacy.matching_messages import (
    BATCH,
    Acceptance,
    Found,
    Proposal,
    Result,
    read,
    said,
    write,
)
from usufruct.core.privacy.matching_sides import Asking
from usufruct.core.privacy.release import Answer
from usufruct.core.proof.receipt import Receipt
from usufruct.node import match_use
from usufruct.node.match_talk import No, Speaking, Talk
from usufruct.node.match_use import Admitted, FoundThere, OwnSet, Wanted
from usufruct.node.node import Node
from usufruct.ports import Services

T = TypeVar("T")

KINDS = matching.KINDS
PROTOCOLS = matching.PROTOCOLS

POLLS = 360
"""How many times the other node is asked whether it is ready, ten seconds each."""
ENTRY, SUMMED_ENTRY = 32, 96  # bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What came in: `asset` of this node is matched by `identifier` (empty: what its persons are known as, without
    `prefix`) with `theirs`, by `their_identifier`, at the other node's `service`, which is called as `client`. `value` is
    the column of theirs that is added up. `their_key` is the verifier key that the other node must have (empty: any). `protocol`
    is one of `matching.PROTOCOLS`."""

    requester: str
    kind: str
    asset: str
    service: str
    client: str
    theirs: str
    purpose: str
    identifier: str = ""
    their_identifier: str = ""
    value: str = ""
    prefix: str = ""
    their_key: str = ""
    protocol: str = ""
    actors: tuple[str, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A result and all that goes with it; `charge` in micro-rho, at this node."""

    match: str
    use: str
    answer: Answer
    meaning: str
    purpose: str
    agreement: str
    price: Money
    charge: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, and its receipt where the match was admitted, or refused, here."""

    refusal: Refusal
    use: str = ""
    receipt: Receipt | None = None


async def match(node: Node, services: Services, asked: Asked) -> Answered | Refused:
    """Matches, or says why not; either way it is a fact when this returns, unless the other node refused at once.

    Raises:
        BadInput: what was asked contradicts itself.
        PeerFault: the other node failed, or did not keep to the run; the match is abandoned.
        EngineFault, NodeFault: this one did.
    """
    wanted = _wanted(node, asked)
    asked = replace(asked, requester=wanted.requester, actors=wanted.actors, purpose=wanted.purpose)
    speaking = Speaking(asked.requester, asked.actors, asked.service, asked.client, asked.purpose)
    talk = Talk(node, services, speaking, wanted.run, node.clock.steady())
    if asked.protocol and (asked.kind != "matched" or node.intersecting is None):
        return Refused(matching.not_by_spu())
    proposal = Proposal(
        wanted.run, asked.kind, asked.theirs, asked.their_identifier, asked.value, matching.NORMALISATION, 1,
        protocol=asked.protocol,
    )  # fmt: skip
    with node.store.read() as state:
        judged = match_use.judge(node, state, wanted, node.clock.now())
    if not isinstance(judged, Refusal):
        try:
            await talk.say("inquire", write(replace(proposal, size=judged[2].size)))
        except No as no:
            return Refused(no.refusal)
    admitted = await _in_thread(lambda: node.store.write(lambda tx: match_use.admit(node, tx, wanted)))
    node.reach("match after admitted")
    if not isinstance(admitted, Admitted):
        use, refusal, seq = admitted
        with node.store.read() as state:
            return Refused(refusal, use, state.receipt(seq))
    talk.tick = match_use.tick(node, admitted)
    try:
        carry_out = _leave_to_spu if asked.protocol else _carry_out
        return await carry_out(_Run(node, talk, admitted, proposal, asked.their_key))
    except No as no:
        refusal = no.refusal
        by = ANSWERS if refusal.code == "match.peer" else ASKS
        await _in_thread(lambda: node.store.write(
            lambda tx: match_use.turn_down(tx, admitted, by, refusal)
        ))  # fmt: skip
        return Refused(refusal, admitted.use)
    except Exception as error:
        cause = error.message if isinstance(error, Fault) else "the node failed"
        await _in_thread(
            lambda: node.store.write(lambda tx: match_use.abandon(tx, admitted.use, admitted.match, cause))
        )
        if isinstance(error, PeerFault) and error.code == "peer.match":
            with contextlib.suppress(No, Fault):  # else it would keep the run until it gives this node up
                await talk.say("quit")
        raise
    finally:
        await talk.wait()


def _wanted(node: Node, asked: Asked) -> Wanted:
    """The match as it is wanted here, under the number of a new run."""
    if asked.kind not in matching.KINDS:
        raise BadInput("input.match", f"`{asked.kind}` is no kind of match", f"use one of {', '.join(matching.KINDS)}")
    if bool(asked.value) != (asked.kind == "sum"):
        raise BadInput("input.match", "a sum is of a column, and nothing else is", "name the other table's column")
    service = xroad(asked.service, (5,), "a service")
    sides = Sides(asked.kind, asked.asset, asked.identifier, prefix=asked.prefix)
    with node.store.read() as state:
        requester, actors = delegation.acting(state, asked.requester, asked.actors)
    return Wanted(
        requester, actors, holdable(asked.purpose), sides, node.entropy.bytes(16).hex(), ASKS, service, asked.theirs,
        asked.client, asked.signed,
    )  # fmt: skip


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


@dataclass(slots=True)
class _Run:
    """A run that was admitted here; `their_key` is the one that the other node must have, if any."""

    node: Node
    talk: Talk
    admitted: Admitted
    proposal: Proposal
    their_key: str

    @property
    def plan(self) -> Plan:
        """How it is carried out here."""
        return self.admitted.plan

    @property
    def summing(self) -> bool:
        """Whether entries of the other side hold ciphertexts."""
        return self.proposal.kind == "sum"


async def _carry_out(run: _Run) -> Answered | Refused:
    """The talk, from this side's commitment to the result."""
    talk = run.talk
    own, asking = await _in_thread(lambda: _bind(run))
    accepted = await _propose(run)
    await _exchange(run, asking, accepted)
    found, planted = asking.found(), accepted.planted
    if found > min(run.plan.size, accepted.size) + planted:
        raise _broken("more was found than there is")
    told, total_sigma = _told(run, asking, accepted, found)
    result = _read(Result, await talk.say("finish", write(told)))
    total = (
        Total(result.total, accepted.step, accepted.decimals, (accepted.total_sigma, total_sigma))
        if run.summing
        else None
    )
    sigmas = (accepted.sigma, told.sigma)
    answer = matching.answer(run.admitted.wanted.sides, run.plan.charge, result.count, sigmas, total)
    population = b""
    if run.proposal.kind == "matched":
        order = array("I")
        order.frombytes(await talk.say("order"))
        found_names = await _in_thread(lambda: _checked(lambda: asking.matched(order)))
        population = own.population(found_names, run.admitted.permit.persons)
    found_there = FoundThere(population, talk.receipt, accepted.group_min)
    return await _in_thread(lambda: _release(run, own, result.count, answer, found_there))


async def _leave_to_spu(run: _Run) -> Answered | Refused:
    """As `_carry_out`, but the lists do not go over: SPU meets SPU, and shows this side which elements both have."""
    node, intersecting = run.node, run.node.intersecting
    assert intersecting is not None
    own, elements = await _in_thread(lambda: _bind_for_spu(run))
    accepted = await _propose(run)
    node.reach("match before spu")
    found = await _in_thread(lambda: intersecting.shared(elements, receives=True))
    if len(found) > accepted.size:
        raise _broken("more was found than there is")
    result = _read(Result, await run.talk.say("finish", write(Found(len(found), 0))))
    answer = matching.answer(run.admitted.wanted.sides, run.plan.charge, result.count, ())
    names = [place for place in found if place < len(own.names)]
    population = own.population(names, run.admitted.permit.persons)
    there = FoundThere(population, run.talk.receipt, accepted.group_min)
    return await _in_thread(lambda: _release(run, own, result.count, answer, there))


def _bind_for_spu(run: _Run) -> tuple[OwnSet, list[str]]:
    own = match_use.own_set(run.node, run.admitted)
    salt = run.node.entropy.bytes(32)
    elements = matching.elements_of(run.proposal.run, own.names, run.plan.size, salt)
    _commit(run, "", matching.committed(run.proposal.run, ASKS, salt, elements), salt)
    return own, elements


def _bind(run: _Run) -> tuple[OwnSet, Asking]:
    """This side's list and commitment, on disk before anything is sent."""
    node, wanted = run.node, run.admitted.wanted
    own = match_use.own_set(node, run.admitted)
    asking = node.matching.asking(wanted.run, own.names, run.plan.size)
    _commit(run, asking.base.hex(), Commitment(wanted.run, ASKS, run.plan.size).add(asking.points).digest())
    return own, asking


def _commit(run: _Run, base: str, digest: str, salt: bytes = b"") -> None:
    """Signs what this side binds itself to, on disk before it is said."""
    node, size, key = run.node, run.plan.size, match_use.own_key(run.node)
    proposal = replace(run.proposal, size=size, digest=digest, base=base, key=key)
    signature = match_use.sign(node, proposal.run, ASKS, size, digest, said(proposal))
    run.proposal = replace(proposal, signature=signature)
    match_use.commit(node, MatchCommitted(run.admitted.match, ASKS, size, digest, key, signature), salt)


async def _propose(run: _Run) -> Acceptance:
    """What the other side is bound to, once it is; on disk before anything of this side's list is sent."""
    said_now = await run.talk.say("propose", write(run.proposal))
    for _ in range(POLLS):
        if said_now:
            break
        said_now = await run.talk.say("bound")
    accepted = _read(Acceptance, said_now)
    bound = MatchCommitted(
        run.admitted.match, ANSWERS, accepted.size, accepted.digest, accepted.key, accepted.signature
    )
    _checked(lambda: _check(run, accepted, bound))
    await _in_thread(lambda: run.node.store.write(lambda tx: tx.append(bound)))
    return accepted


def _check(run: _Run, accepted: Acceptance, bound: MatchCommitted) -> None:
    """Raises ValueError for an acceptance that contradicts itself, the proposal or its signature."""
    match_use.check(run.node, run.proposal.run, bound, said(accepted))
    if accepted.run != run.proposal.run or run.their_key not in ("", accepted.key):
        raise ValueError("another node, or another run")
    most = run.node.rulebook.value("match.persons-max", run.node.clock.now())
    least = run.node.rulebook.value("match.persons-min", run.node.clock.now())
    computed = matching.FORMS[run.proposal.kind] == "computation"
    good = least <= accepted.size <= most and len(accepted.digest) == 64
    good = good and accepted.sigma >= 0 and (accepted.sigma > 0) == computed
    good = good and accepted.planted == (2 * matching.half_of(accepted.sigma) if computed else 0) <= most
    good = good and (len(accepted.seal) == 2 * ENTRY) == run.summing and 0 <= accepted.decimals <= 18
    good = good and 0 <= accepted.group_min <= most
    if run.summing:
        in_range = 0 < accepted.reach <= matching.RANGE // accepted.size and 0 < accepted.step < 2**62
        good = good and in_range and 0 <= accepted.total_sigma <= matching.RANGE
    if not good:
        raise ValueError("the acceptance contradicts itself")


async def _exchange(run: _Run, asking: Asking, accepted: Acceptance) -> None:
    """Both lists go over, each checked against what its side committed to."""
    points, size = asking.points, run.plan.size
    for place in range(-(-size // BATCH)):
        await run.talk.say("sent", points[ENTRY * BATCH * place : ENTRY * BATCH * (place + 1)], place)
    left, place = size + accepted.planted, 0
    while left:
        batch = await run.talk.say("returned", batch=place)
        left, place = _fits(left, ENTRY, batch), place + 1
        await _in_thread(lambda batch=batch: _checked(lambda: asking.returned(batch)))  # type: ignore[misc]
    commitment = Commitment(run.proposal.run, ANSWERS, accepted.size)
    entry = SUMMED_ENTRY if run.summing else ENTRY
    left, place = accepted.size + accepted.planted, 0
    while left:
        batch = await run.talk.say("listed", batch=place)
        left, place = _fits(left, entry, batch), place + 1
        commitment.add(batch)
        await _in_thread(lambda batch=batch: _checked(lambda: asking.listed(batch, run.summing)))  # type: ignore[misc]
    if commitment.digest() != accepted.digest:
        raise _broken("it sent another list than it had committed to")


def _fits(left: int, entry: int, batch: bytes) -> int:
    """How many elements are left after a batch, which must be full."""
    if len(batch) != entry * min(BATCH, left):
        raise _broken("a batch is not full")
    return left - min(BATCH, left)


def _told(run: _Run, asking: Asking, accepted: Acceptance, found: int) -> tuple[Found, int]:
    """What the other node is told of what was found, with this node's own noise; and the noise on the total."""
    noise, made = run.node.noise, run.plan
    if not made.charge:
        return Found(found, 0), 0
    count = noise.add([found], matching.deviation(made.sigma))[0]
    if not run.summing:
        return Found(count, made.sigma), 0
    sigma = matching.sum_sigma(made, accepted.reach)
    drawn = noise.add([0], matching.deviation(sigma))[0]
    sealed = _checked(lambda: asking.total(bytes.fromhex(accepted.seal), drawn))
    return Found(count, made.sigma, sealed.hex(), sigma), sigma


def _release(run: _Run, own: OwnSet, count: int, answer: Answer, found: FoundThere) -> Answered | Refused:
    node, admitted = run.node, run.admitted
    contributions = own.contributions(admitted.permit.persons)
    node.reach("match before answered")
    if count < run.plan.least:
        small = matching.too_small(run.plan.least)
        node.store.write(lambda tx: match_use.turn_down(tx, admitted, ASKS, small))
        return Refused(small, admitted.use)
    ended = node.store.write(lambda tx: match_use.release(tx, admitted, answer, contributions, found))
    node.reach("match after answered")
    if isinstance(ended, Refusal):
        return Refused(ended, admitted.use)
    permit = admitted.permit
    with node.store.read() as state:
        return Answered(
            admitted.match, admitted.use, answer, admitted.meaning, permit.purpose, permit.agreement.id,
            Money(permit.price, permit.agreement.terms.currency), run.plan.charge, state.receipt(ended),
        )  # fmt: skip


def _read(kind: type[T], body: bytes) -> T:
    return _checked(lambda: read(kind, body))


def _checked(work: Callable[[], T]) -> T:
    """What comes of the other node's message; PeerFault if it does not fit."""
    try:
        return work()
    except (ValueError, RecursionError) as error:
        raise _broken(str(error)) from None


def _broken(why: str) -> PeerFault:
    return PeerFault(
        "peer.match", f"the other node did not keep to the run: {why}", "match again; if it stays so, tell its steward"
    )


# ---- looking


def matches(node: Node, party: str | None) -> list[Match]:
    """The matches of a party, or all (None: for the steward), the newest first."""
    with node.store.read() as state:
        found = list(state.list(Match) if party is None else state.list(Match, party=party))
    return found[::-1]


def population(node: Node, match: str) -> bytes | None:
    """The persons of this node's asset who were found in the other's, as a bitmap that never leaves the node; None where
    the match was to find none, or came to nothing."""
    with node.store.read() as state:
        row = state.get(Match, match)
        return state.evidence(row.population) if row is not None and row.population else None
