"""Another node asks a question over the persons whom a match found, and this one says whether it goes along: it decides again,
by its own agreements, consents and budget, and charges its table as the other charges its own.

No data are looked at here, so the answer tells nothing of them; and everybody who was in the match sees the question.
"""

from __future__ import annotations

from usufruct.core.access.proof import Request
from usufruct.core.access.rules import Permit, decide
from usufruct.core.base.canonical import holdable
from usufruct.core.base.ids import numbered
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.rules import CallPermit, CallRequest
from usufruct.core.privacy import matched, matching
from usufruct.core.privacy.matching import Sides
from usufruct.core.privacy.matching_facts import ANSWERS, Match, MatchAsked
from usufruct.core.privacy.matching_messages import Asks, read
from usufruct.core.privacy.spending import affordable
from usufruct.core.privacy.state import Use
from usufruct.node import use
from usufruct.node.node import Node
from usufruct.ports import Transaction


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
