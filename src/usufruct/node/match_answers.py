"""Another node proposes a match and this one answers: one message after another, each a call of the service `MATCH`.

    inquire   whether it could be; nothing is noted but the call
    propose   decide → admitted (the charge is reserved) → in the background: look, blind, commit
    bound     what this node is bound to, once it is; an empty answer means not yet
    sent      a batch of the other side's list, which must be the one that it committed to
    returned  a batch of that list, blinded twice
    listed    a batch of this node's own list
    finish    decide again → answered, or the one refusal of what is too small → the result leaves
    order     which element is which, where the match was to find persons
    quit      the other side gives up
    ask       of a match that found persons, at any time: whether a question over them may be answered there

A message that does not come in this order, from who proposed the run, or holds anything but what fits it ends the run: the
use is abandoned, its charge stays spent, and the other side is told what it would be told if there were no such run.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import Fault
from usufruct.core.base.instants import seconds
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.rules import CallPermit, CallRequest
from usufruct.core.exchange.state import Service
from usufruct.core.privacy import matching
from usufruct.core.privacy.matching import Commitment, Sides, Total
from usufruct.core.privacy.matching_facts import ANSWERS, ASKS, OPEN, Match, MatchCommitted
from usufruct.core.privacy.matching_messages import (
    BATCH,
    Acceptance,
    Found,
    Proposal,
    Result,
    read,
    said,
    write,
    write_refusal,
)
from usufruct.core.privacy.matching_sides import Answering
from usufruct.node import match_use, match_word, use
from usufruct.node.match_use import Admitted, Wanted
from usufruct.node.node import Node
from usufruct.ports import ServiceReply, Transaction

WAIT_SECONDS = 10
"""How long one message may wait for what is being worked out."""
ENTRY, SUMMED_ENTRY = 32, 96  # bytes


@dataclass(slots=True)
class Running:
    """A run in the middle. `stage` is the step that is expected, `place` the batch of it; `met` is set when
    SPU, if it is left to that, is done."""

    caller: tuple[str, str, str]
    proposal: Proposal
    admitted: Admitted
    heard: int
    stage: str = "bound"
    place: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    ready: threading.Event = field(default_factory=threading.Event)
    met: threading.Event = field(default_factory=threading.Event)
    failed: bool = False
    answering: Answering | None = None
    accepted: bytes = b""
    total_sigma: int = 0
    commitment: Commitment | None = None
    came: int = 0
    returned: bytes = b""
    contributions: bytes = b""

    @property
    def entry(self) -> int:
        """Bytes of an entry of this node's list."""
        return SUMMED_ENTRY if self.proposal.kind == "sum" else ENTRY

    def side(self) -> Answering:
        """The cryptography, which is there once the run is ready."""
        assert self.answering is not None
        return self.answering


def answer(node: Node, permit: CallPermit, asked: CallRequest, body: bytes) -> ServiceReply:
    """The answer to one message of a run; what does not fit gets the one refusal. What comes of data leaves at a tick."""
    began, now = node.clock.steady(), seconds(node.clock.now())
    for silent in node.runs.silent(now):
        _end(node, silent, "the other node went silent")
    match asked.segments:
        case ("v1", run, step) if matching.is_run(run) and asked.caller.key:
            pass
        case _:
            return _no(matching.broken())
    if step == "ask":
        no = match_word.answer(node, permit, asked, run, body)
        return ServiceReply(200, (), b"") if no is None else _no(no)
    if step in ("inquire", "propose"):
        return _first(node, permit, asked, run, step, body, began)
    running = node.runs.get(run, now)
    if not isinstance(running, Running) or running.caller != _caller(permit, asked):
        return _no(matching.broken())
    with use.at_tick(node, began, match_use.tick(node, running.admitted)), running.lock:
        return _go_on(node, running, step, asked, body)


def _caller(permit: CallPermit, asked: CallRequest) -> tuple[str, str, str]:
    return asked.client, asked.caller.key, permit.purpose


# ---- the first message


def _first(
    node: Node, permit: CallPermit, asked: CallRequest, run: str, step: str, body: bytes, began: int
) -> ServiceReply:
    try:
        proposal = read(Proposal, body)
        _check(node, proposal, run, asked.caller.key if step == "propose" else "")
    except (ValueError, RecursionError):
        return _no(matching.broken())
    if proposal.protocol and (node.intersecting is None or proposal.kind != "matched"):
        return _no(matching.not_by_spu())
    assert isinstance(permit.to, Service)
    sides = Sides(proposal.kind, proposal.asset, proposal.identifier, proposal.value, permit.to.prefix)
    wanted = Wanted(
        permit.requester, permit.actors, permit.purpose, sides, run, ANSWERS, asked.client, signed=True
    )  # fmt: skip
    if step == "inquire":
        with node.store.read() as state:
            judged = match_use.judge(node, state, wanted, node.clock.now())
        return _no(judged) if isinstance(judged, Refusal) else ServiceReply(200, (), b"")
    return _propose(node, wanted, proposal, _caller(permit, asked), began)


def _check(node: Node, proposal: Proposal, run: str, key: str) -> None:
    """Raises ValueError for a proposal that no match could come of, whatever the tables are."""
    good = proposal.run == run and proposal.kind in matching.KINDS and proposal.normalisation == matching.NORMALISATION
    if not good or bool(proposal.value) != (proposal.kind == "sum") or proposal.key != key:
        raise ValueError("the proposal contradicts itself")
    now = node.clock.now()
    if (
        not node.rulebook.value("match.persons-min", now)
        <= proposal.size
        <= node.rulebook.value("match.persons-max", now)
    ):
        raise ValueError("the table is too small, or too large")
    if proposal.protocol not in matching.PROTOCOLS:
        raise ValueError("there is no such protocol")
    if key and (len(proposal.digest) != 64 or len(proposal.base) != (0 if proposal.protocol else 2 * ENTRY)):
        raise ValueError("the proposal does not bind its side")
    texts = (proposal.asset, proposal.identifier, proposal.value, proposal.signature)
    if any(text != holdable(text) or len(text) > match_use.KEPT_TEXT for text in texts):
        raise ValueError("nothing has such a name")


def _propose(node: Node, wanted: Wanted, proposal: Proposal, caller: tuple[str, str, str], began: int) -> ServiceReply:
    theirs = MatchCommitted("", ASKS, proposal.size, proposal.digest, proposal.key, proposal.signature)
    try:
        match_use.check(node, proposal.run, theirs, said(proposal))
        base = bytes.fromhex(proposal.base)
    except ValueError:
        return _no(matching.broken())

    def command(tx: Transaction) -> Admitted | Refusal:
        if next(tx.list(Match, run=proposal.run), None) is not None:  # also one of another life of this node
            return matching.broken()
        admitted = match_use.admit(node, tx, wanted)
        if not isinstance(admitted, Admitted):
            return admitted[1]
        tx.append(replace(theirs, match=admitted.match))
        return admitted

    if not node.runs.room():
        return _no(matching.broken())
    admitted = node.store.write(command)
    if isinstance(admitted, Refusal):
        return _no(admitted)
    running = Running(caller, proposal, admitted, seconds(node.clock.now()))
    if not node.runs.put(proposal.run, running):
        _end(node, running, "there were too many runs at once")
        return _no(matching.broken())
    threading.Thread(target=_prepare, args=(node, running, base), daemon=True).start()
    with use.at_tick(node, began, match_use.tick(node, admitted)):
        return _bound(node, running)


def _prepare(node: Node, running: Running, base: bytes) -> None:
    """Looks at the data, blinds them, and binds this node to its list; on disk before anything of the list leaves."""
    try:
        if running.proposal.protocol:
            _leave_to_spu(node, running)
        else:
            _bind(node, running, base)
    except Exception as error:
        running.failed = True
        _end(node, running, error.message if isinstance(error, Fault) else "the node failed, or the proposal was none")
        if not isinstance(error, Fault | ValueError):
            raise
    finally:
        running.ready.set()


def _bind(node: Node, running: Running, base: bytes) -> None:
    made, proposal = running.admitted.plan, running.proposal
    own = match_use.own_set(node, running.admitted)
    summing = proposal.kind == "sum"
    planted = 0
    if made.charge:
        drawn = made.half + node.noise.add([0], matching.deviation(made.sigma))[0]
        planted = max(0, min(2 * made.half, drawn))
    side = node.matching.answering(
        proposal.run, own.names, made.size, base, planted, 2 * made.half, own.values if summing else None
    )
    running.contributions = own.contributions(running.admitted.permit.persons)
    digest = Commitment(proposal.run, ANSWERS, made.size).add(side.entries).digest()
    accepted = Acceptance(
        proposal.run, made.size, 2 * made.half, made.sigma, digest, match_use.own_key(node),
        group_min=running.admitted.permit.group_min,
    )  # fmt: skip
    if summing:
        assert made.value is not None
        running.total_sigma = matching.sum_sigma(made, made.reach)
        accepted = replace(
            accepted, total_sigma=running.total_sigma, reach=made.reach, step=made.step, decimals=made.value.decimals,
            seal=side.key.hex(),
        )  # fmt: skip
    signature = match_use.sign(node, proposal.run, ANSWERS, made.size, digest, said(accepted))
    match_use.commit(node, MatchCommitted(running.admitted.match, ANSWERS, made.size, digest, accepted.key, signature))
    running.answering = side
    running.accepted = write(replace(accepted, signature=signature))
    running.commitment = Commitment(proposal.run, ASKS, proposal.size)


def _leave_to_spu(node: Node, running: Running) -> None:
    """As `_bind`; then SPU meets SPU."""
    made, run, admitted = running.admitted.plan, running.proposal.run, running.admitted
    assert node.intersecting is not None
    own, salt = match_use.own_set(node, admitted), node.entropy.bytes(32)
    elements = matching.elements_of(run, own.names, made.size, salt)
    running.contributions = own.contributions(admitted.permit.persons)
    digest, key = matching.committed(run, ANSWERS, salt, elements), match_use.own_key(node)
    accepted = Acceptance(run, made.size, 0, 0, digest, key, group_min=admitted.permit.group_min)
    signature = match_use.sign(node, run, ANSWERS, made.size, digest, said(accepted))
    match_use.commit(node, MatchCommitted(admitted.match, ANSWERS, made.size, digest, key, signature), salt)
    running.accepted = write(replace(accepted, signature=signature))
    running.ready.set()
    node.intersecting.shared(elements, receives=False)
    running.met.set()


def _bound(node: Node, running: Running) -> ServiceReply:
    if not running.ready.wait(WAIT_SECONDS):
        return ServiceReply(200, (), b"")
    if running.failed:
        return _no(matching.broken())
    running.stage, running.place = "finish" if running.proposal.protocol else "sent", 0
    return ServiceReply(200, (), running.accepted)


# ---- what follows


def _go_on(node: Node, running: Running, step: str, asked: CallRequest, body: bytes) -> ServiceReply:
    """One message of a run that goes on; anything that does not fit ends it."""
    place = dict(asked.parameters).get("batch", "0")
    steps: dict[str, Callable[[], ServiceReply]] = {
        "bound": partial(_bound, node, running),
        "sent": partial(_sent, running, body),
        "returned": partial(_returned, running),
        "listed": partial(_listed, running),
        "finish": partial(_finish, node, running, body),
        "order": partial(_order, node, running),
    }
    try:
        if step != running.stage or place != str(running.place):
            raise ValueError("another step was expected")
        return steps[step]()
    except (ValueError, RecursionError):
        _end(node, running, "the other node gave up" if step == "quit" else "the other node did not keep to the run")
        return _no(matching.broken())
    except Exception as error:
        _end(node, running, error.message if isinstance(error, Fault) else "the node failed")
        raise


def _sent(running: Running, body: bytes) -> ServiceReply:
    left = running.proposal.size - running.came
    if len(body) != ENTRY * min(BATCH, left):
        raise ValueError("a batch is not full")
    assert running.commitment is not None
    running.commitment.add(body)
    running.side().sent(body)
    running.came += len(body) // ENTRY
    running.place += 1
    if running.came == running.proposal.size:
        if running.commitment.digest() != running.proposal.digest:
            raise ValueError("what was sent is not what was committed to")
        running.returned = running.side().returned()
        running.stage, running.place = "returned", 0
    return ServiceReply(200, (), b"")


def _returned(running: Running) -> ServiceReply:
    return _batch(running, running.returned, ENTRY, "listed")


def _listed(running: Running) -> ServiceReply:
    return _batch(running, running.side().entries, running.entry, "finish")


def _batch(running: Running, data: bytes, entry: int, then: str) -> ServiceReply:
    start = entry * BATCH * running.place
    running.place += 1
    if start + entry * BATCH >= len(data):
        running.stage, running.place = then, 0
    return ServiceReply(200, (), data[start : start + entry * BATCH])


def _finish(node: Node, running: Running, body: bytes) -> ServiceReply:
    found, made, kind = read(Found, body), running.admitted.plan, running.proposal.kind
    noised = found.sigma > 0
    if noised != bool(made.charge) or min(found.sigma, found.total_sigma) < 0 or bool(found.total) != (kind == "sum"):
        raise ValueError("what was found contradicts itself")
    if running.proposal.protocol and not running.met.wait(WAIT_SECONDS):
        raise ValueError("what was found was not worked out by SPU")
    count, steps, total = found.count - made.half, 0, None
    if kind == "sum":
        assert made.value is not None
        if found.total_sigma > matching.RANGE:  # looking for the total takes longer the more noise it may hold
            raise ValueError("the noise is larger than any total")
        within = made.reach * made.size + matching.half_of(found.total_sigma)
        exact = running.side().total(bytes.fromhex(found.total), within)
        steps = exact + node.noise.add([0], matching.deviation(running.total_sigma))[0]
        total = Total(steps, made.step, made.value.decimals, (running.total_sigma, found.total_sigma))
    result = matching.answer(running.admitted.wanted.sides, made.charge, count, (made.sigma, found.sigma), total)

    def command(tx: Transaction) -> int | Refusal:
        if count < made.least:
            return match_use.turn_down(tx, running.admitted, ANSWERS, matching.too_small(made.least))
        return match_use.release(tx, running.admitted, result, running.contributions)

    node.reach("match before answered")
    ended = node.store.write(command)
    node.reach("match after answered")
    if isinstance(ended, Refusal):
        node.runs.drop(running.proposal.run)
        return _no(ended)
    if kind == "matched" and not running.proposal.protocol:
        running.stage, running.place = "order", 0
    else:
        node.runs.drop(running.proposal.run)
    return ServiceReply(200, (), write(Result(count, steps)))


def _order(node: Node, running: Running) -> ServiceReply:
    node.runs.drop(running.proposal.run)
    return ServiceReply(200, (), array("I", running.side().order()).tobytes())


def _end(node: Node, running: Running, cause: str) -> None:
    """Ends a run that came to nothing; one that was answered stays so."""
    node.runs.drop(running.proposal.run)

    def command(tx: Transaction) -> None:
        row = tx.get(Match, running.admitted.match)
        if row is not None and row.state in OPEN:
            match_use.abandon(tx, running.admitted.use, running.admitted.match, cause)

    node.store.write(command)


def _no(refusal: Refusal) -> ServiceReply:
    return ServiceReply(409, ((b"content-type", b"application/json"),), write_refusal(refusal))
