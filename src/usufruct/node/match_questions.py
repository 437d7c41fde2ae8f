"""A question over the persons whom a match found. The other node is asked for its word first (see `match_word`).

    decide here → the other node decides → admitted and answered there (its charge is spent) → asked here, as any question

The other node is asked before any data are looked at, so when it hears of the question tells it nothing of them. Where this
node would refuse, or has answered the same before, it is not asked: nothing is learnt, and nothing charged. What it said
is kept by the question, which is not answered without it (`query`). The question itself, its noise and its answer stay in
the node that asks; the other learns what it means and what it costs.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import PeerFault
from usufruct.core.privacy.matched import Matched
from usufruct.core.privacy.matching_facts import Match
from usufruct.core.privacy.matching_messages import Asks, write
from usufruct.core.privacy.release import Answer
from usufruct.node import query, use
from usufruct.node.asking import Decided
from usufruct.node.match_talk import No, Speaking, Talk
from usufruct.node.node import Node
from usufruct.ports import Services


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
    speaking = Speaking(request.requester, request.actors, row.peer, row.client, row.purpose)
    talk = Talk(node, services, speaking, row.run)
    try:
        await talk.say("ask", write(Asks(deed.charge, deed.nano_delta, decided.said[: use.KEPT_TEXT])))
    except No as no:
        return Matched(row.id, no=no.refusal)
    if talk.receipt is None:
        raise PeerFault("peer.match", "the other node gave no receipt", "tell its steward")
    return Matched(row.id, deed.charge, deed.nano_delta, talk.receipt)
