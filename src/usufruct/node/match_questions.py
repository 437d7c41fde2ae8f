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

from usufruct.core.access import consent
from usufruct.core.access.proof import MEDIA_TYPE
from usufruct.core.access.rules import Permit, decide
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import PeerFault
from usufruct.core.base.ids import numbered
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.rules import CallPermit, CallRequest
from usufruct.core.privacy import matched, matching
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered
from usufruct.core.privacy.matched import Matched
from usufruct.core.privacy.matching import Sides
from usufruct.core.privacy.matching_facts import ANSWERS, Match, MatchAsked
from usufruct.core.privacy.matching_messages import Asks, read, write
from usufruct.core.privacy.spending import affordable
from usufruct.core.privacy.state import Use
from usufruct.node import query
from usufruct.node.asking import Decided
from usufruct.node.match_talk import No, Talk
from usufruct.node.match_use import POPULATION
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


async def ask(node: Node, services: Services, asked: query.Asked, match: str) -> query.Answered | query.Refused:
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
    request, _ = decided.parts[0]
    speaking = _Speaking(request.requester, request.actors, row.peer, row.client, row.purpose)
    talk, plan = Talk(node, services, speaking, row.run), decided.plan
    try:
        await talk.say("ask", write(Asks(plan.charge, plan.nano_delta, decided.said[: query.KEPT_TEXT])))
    except No as no:
        return Matched(row.id, no=no.refusal)
    if talk.receipt is None:
        raise PeerFault("peer.match", "the other node gave no receipt", "tell its steward")
    return Matched(row.id, plan.charge, plan.nano_delta, talk.receipt)


# ---- the node that is asked


def answer(node: Node, permit: CallPermit, asked: CallRequest, run: str, body: bytes) -> Refusal | None:
    """Goes along with a question over the persons of a match, or says why not; it is a fact when this returns."""
    try:
        asks = read(Asks, body)
    except (ValueError, RecursionError):
        return matching.broken()
    most = node.rulebook.value("privacy.question-micro-rho-max", node.clock.now())
    good = 0 < asks.charge <= most and 0 <= asks.nano_delta < 2**62
    if not good or asks.meaning != holdable(asks.meaning) or len(asks.meaning) > query.KEPT_TEXT:
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
    _charge(tx, row, asks, permit._replace(population=then), actors, tx.evidence(before.contributions))
    return None


def _charge(
    tx: Transaction, row: Match, asks: Asks, permit: Permit, actors: tuple[str, ...], contributions: bytes
) -> None:
    """The facts of a use of everybody who was in the match."""
    use, meaning = numbered("use", tx.next), matched.in_words(row, asks.meaning)
    tx.append(QueryAdmitted(
        use, row.party, row.agreement, row.asset, permit.asset.version, row.purpose, f"over the persons of {row.id}", meaning,
        asks.charge, permit.price, permit.agreement.terms.currency, tx.attach(POPULATION, permit.population),
        tx.attach(MEDIA_TYPE, permit.proof.encode()), actors, permit.delegations, asks.nano_delta,
    ))  # fmt: skip
    counted = consent.used(tx, use, row.asset, row.purpose, permit.population, permit.circumstances)
    if counted is not None:
        tx.append(counted)
    tx.append(MatchAsked(row.id, use))
    tx.append(QueryAnswered(
        use, row.party, row.asset, row.purpose, meaning,
        tx.attach("application/vnd.usufruct.answer.v1+json", matched.word(asks.charge, asks.nano_delta).encode()),
        tx.attach("application/vnd.usufruct.contributions.v1", contributions), actors,
    ))  # fmt: skip
