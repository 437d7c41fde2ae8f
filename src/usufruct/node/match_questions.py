"""A question over the persons whom a match found: this node asks the other whether it goes along, or is asked.

    decide here → the other node decides → admitted and answered there (its charge is spent) → asked here, as any question

The other node is asked before any data are looked at, so when it hears of the question tells it nothing of them. Where this
node would refuse, or has answered the same before, it is not asked: nothing is learnt, and nothing charged. What it said
is kept by the question, which is not answered without it (`query`). The question itself, its noise and its answer stay in
the node that asks; the other learns what it means and what it costs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from usufruct.core.access.proof import Request
from usufruct.core.access.rules import Permit, decide
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import PeerFault
from usufruct.core.base.ids import numbered
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.rules import CallPermit, CallRequest
from usufruct.core.privacy import matched, matching
from usufruct.core.privacy.matched import Matched
from usufruct.core.privacy.matching import Sides
from usufruct.core.privacy.matching_facts import ANSWERS, Match, MatchAsked
from usufruct.core.privacy.matching_messages import Asks, read, write
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.spending import affordable
from usufruct.core.privacy.state import Use
from usufruct.node import query, use
from usufruct.node.asking import Decided
from usufruct.node.match_talk import No, Talk
from usufruct.node.node import Node
from usufruct.ports import Services, Transaction


@dataclass(frozen=True, slots=True)
class _Speaking:
    """Who asks the other node; see `match_talk.Speaking`."""

    requester: str
    actors: tuple[str, ...]
    service: str
    client: str
    purpose: str


async def ask(node: Node, services: Services, asked: query.Asked, match: str) -> query.Answered[Answer] | query.Refused:
    """Answers or refuses a question over the persons of a match; either way it is a fact when this returns.

    Raises:
        PeerFault: the other node failed; nothing was asked here.
        EngineFault, NodeFault: as `query.ask`.
    """
    asked = replace(asked, matched=Matched(holdable(match)))
    decided = await asyncio.to_thread(query.foreseen, node, asked)
    if decided is not None:
        assert decided.match is not None, "it was asked over the persons of one"
        asked = replace(asked, matched=await _went_along(node, services, asked, decided, decided.match))
    return await asyncio.to_thread(query.ask, node, asked)


async def _went_along(node: Node, services: Services, asked: query.Asked, decided: Decided, row: Match) -> Matched:
    """What the other node says to a question."""
    deed = decided.deed
    request, _ = deed.parts[0]
    speaking = _Speaking(request.requester, request.actors, row.peer, row.client, row.purpose)
    talk = Talk(node, services, speaking, row.run)
    try:
        await talk.say("ask", write(Asks(deed.charge, deed.nano_delta, decided.said[: use.KEPT_TEXT])))
    except No as no:
        return Matched(row.id, no=no.refusal)
    if talk.receipt is None:
        raise PeerFault("peer.match", "the other node gave no receipt", "tell its steward")
    return Matched(row.id, deed.charge, deed.nano_delta, talk.receipt)


# ---- the node that is asked


def answer(node: Node, permit: CallPermit, asked: CallRequest, run: str, body: bytes) -> Refusal | None:
    """Goes along with a question over the persons of a match, or says why not; it is a fact when this returns."""
    try:
        asks = read(Asks, body)
    except (ValueError, RecursionError):
        return matching.broken()
    most = node.rulebook.value("privacy.question-micro-rho-max", node.clock.now())
    good = 0 < asks.charge <= most and 0 <= asks.nano_delta < 2**62
    if not good or asks.meaning != holdable(asks.meaning) or len(asks.meaning) > use.KEPT_TEXT:
        return matching.broken()

    def command(tx: Transaction) -> Refusal | None:
        row = next(tx.list(Match, run=run), None)
        if row is None or (row.kind, row.side, row.state) != ("matched", ANSWERS, "answered"):
            return matching.broken()
        who = (asked.client, asked.caller.key, permit.requester, permit.purpose)
        if who != (row.peer, row.their_key, row.party, row.purpose):
            return matching.broken()
        return _go_along(node, tx, row, asks, permit.actors)

    return node.store.write(command)


def _go_along(node: Node, tx: Transaction, row: Match, asks: Asks, actors: tuple[str, ...]) -> Refusal | None:
    """Decides as for the match, and charges the table for the question."""
    before = tx.get(Use, row.use)
    assert before is not None
    sides = Sides(row.kind, row.asset, row.identifier)
    request = matching.request(sides, tx, row.party, actors, row.purpose, signed=True)
    permit = decide(tx, request, tx.now)
    if isinstance(permit, Refusal) or permit.agreement.id != row.agreement or not matched.stands(tx, row, tx.now):
        return matched.ended()
    then = tx.evidence(before.population)
    if permit.group_min > row.group_min or any(was & ~now for was, now in zip(then, permit.population, strict=True)):
        return matched.ended()
    short = affordable(
        tx, permit.asset, row.party, asks.charge, asks.nano_delta, node.rulebook, tx.now, matched.REFUSED
    )
    if short is not None:
        return short
    _charge(tx, row, asks, request, permit._replace(population=then), tx.evidence(before.contributions))
    return None


def _charge(tx: Transaction, row: Match, asks: Asks, request: Request, permit: Permit, contributions: bytes) -> None:
    """The facts of a use of everybody who was in the match."""
    id, meaning = numbered("use", tx.next), matched.in_words(row, asks.meaning)
    wanted = use.Wanted(row.party, f"over the persons of {row.id}", row.purpose, actors=request.actors)
    deed = use.Deed(
        ((request, permit),), asks, meaning, 0, asks.charge, asks.nano_delta, noting=lambda id: MatchAsked(row.id, id)
    )
    use.admit(tx, id, wanted, deed)
    use.answer(tx, id, request, permit, meaning, matched.word(asks.charge, asks.nano_delta), contributions)
