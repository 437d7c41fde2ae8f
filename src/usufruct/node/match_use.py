"""A match as a use of this node's asset, the same on both sides: admitted before the data are looked at, answered or
abandoned after; decided once more before anything of the result leaves.

Between the two decisions a person may have taken back her yes. Her element was sent by then, so the match cannot be told;
it is ended with the words of every run that does not go on, which say nothing of her.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

from usufruct.core.access.proof import Request
from usufruct.core.access.rules import Permit, decide, stands
from usufruct.core.base import bitmaps
from usufruct.core.base.canonical import holdable
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.posting_rules import covered
from usufruct.core.privacy import matching, ticks
from usufruct.core.privacy.facts import QueryAbandoned
from usufruct.core.privacy.matching import Plan, Sides
from usufruct.core.privacy.matching_facts import (
    OPEN,
    Match,
    MatchAbandoned,
    MatchAdmitted,
    MatchAnswered,
    MatchCommitted,
    MatchRefused,
)
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.state import Use
from usufruct.core.proof.checkpoint import from_base64, parse_vkey, to_base64, vkey
from usufruct.core.registry.state import Party, Person
from usufruct.node import stored, use
from usufruct.node.node import Node
from usufruct.ports import Transaction

KEPT_TEXT = 200  # characters of what others name that are kept in the journal
SALT = "application/vnd.usufruct.salt.v1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A match as it is wanted here: who asks, with the actors that act for it, for which purpose; in which run, on which
    `side` this node is, and who the `peer` is; `theirs` is the other asset, where this node knows it, and
    `client` as which system the other node is asked."""

    requester: str
    actors: tuple[str, ...]
    purpose: str
    sides: Sides
    run: str
    side: str
    peer: str
    theirs: str = ""
    client: str = ""
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """A match that was admitted here."""

    match: str
    use: str
    wanted: Wanted
    request: Request
    permit: Permit
    plan: Plan
    meaning: str


@dataclass(frozen=True, slots=True)
class OwnSet:
    """The persons of this node that are matched: whose each of the `names` is, by number, and what it is worth in steps."""

    names: tuple[str, ...]
    numbers: tuple[tuple[int, ...], ...]
    values: tuple[int, ...]

    def contributions(self, persons: int) -> bytes:
        """For each person by number, whether she was in the set: unsigned 32-bit, little-endian, as of a question."""
        rows = array("I", bytes(4 * persons))
        for number in (number for numbers in self.numbers for number in numbers):
            rows[number] = 1
        return rows.tobytes()

    def population(self, found: Sequence[int], persons: int) -> bytes:
        """The persons of these names as a bitmap."""
        numbers = (number for name in found for number in self.numbers[name])
        return bitmaps.bitmap(numbers, (persons + 7) // 8).to_bytes((persons + 7) // 8, "little")


@dataclass(frozen=True, slots=True)
class FoundThere:
    """What the node that asks has of the other in the end: the `population` that was found, as a bitmap, if the match was to
    find one; the number of the fact by which the result left it; and its least group, see `Permit`."""

    population: bytes
    receipt: int | None
    group_min: int


def judge(node: Node, read: Reader, wanted: Wanted, at: Instant) -> tuple[Request, Permit, Plan] | Refusal:
    """Whether a match may be, and how; nothing is noted."""
    request = matching.request(wanted.sides, read, wanted.requester, wanted.actors, wanted.purpose, wanted.signed)
    permit = decide(read, request, at)
    if isinstance(permit, Refusal):
        return permit
    short = covered(read, wanted.requester, [(permit.owed, permit.agreement.terms.currency)])
    if short is not None:
        return short
    made = matching.plan(read, wanted.sides, permit, node.rulebook, at)
    return made if isinstance(made, Refusal) else (request, permit, made)


def admit(node: Node, tx: Transaction, wanted: Wanted) -> Admitted | tuple[str, Refusal, int]:
    """Decide; then the facts, one way or the other: the use, the refusal and the number of the fact of a no."""
    id = numbered("use", tx.next)
    theirs, peer = holdable(wanted.theirs)[:KEPT_TEXT], holdable(wanted.peer)
    meaning = matching.in_words(wanted.sides, peer, theirs)
    text = f"match {wanted.sides.kind} {holdable(wanted.sides.asset)[:KEPT_TEXT]} with {theirs or peer}"
    asked = use.Wanted(wanted.requester, text, wanted.purpose, actors=wanted.actors)
    judged = judge(node, tx, wanted, tx.now)
    if isinstance(judged, Refusal):
        request = matching.request(wanted.sides, tx, wanted.requester, wanted.actors, wanted.purpose, wanted.signed)
        return id, judged, use.refuse(tx, id, asked, request, judged)
    request, permit, made = judged
    use.admit(tx, id, asked, use.Deed(((request, permit),), made, meaning, 0, made.charge))
    match, sides = numbered("match", tx.next), wanted.sides
    tx.append(MatchAdmitted(
        match, id, wanted.run, wanted.side, sides.kind, wanted.requester, peer, theirs, sides.identifier, sides.value,
        wanted.client,
    ))  # fmt: skip
    return Admitted(match, id, wanted, request, permit, made, meaning)


def tick(node: Node, admitted: Admitted) -> int:
    """The length in milliseconds of the ticks at which everything leaves, once the data may have been looked at: the result,
    and each message, for the other node has a clock too."""
    return ticks.length(node.rulebook, node.clock.now(), admitted.permit.asset.quality.rows)


def own_set(node: Node, admitted: Admitted) -> OwnSet:
    """The identifiers of the persons who may be used, made alike. Persons who share one are one element, which is worth
    what one of them may count for at most. Raises EngineFault."""
    permit, made = admitted.permit, admitted.plan
    stored.check(node, permit.asset.id, permit.asset.version)
    found = node.engine.identified(
        permit.asset, made.identifier, made.value, made.reach * made.step, permit.population, permit.persons
    )
    known = _known_as(node, admitted) if made.identifier is None else {number: text for number, text, _ in found}
    by_name: dict[str, list[tuple[int, int]]] = {}
    for number, _, grains in found:
        if name := matching.normal(known.get(number) or ""):
            by_name.setdefault(name, []).append((number, grains))
    names = sorted(by_name)
    worth = [sum(grains for _, grains in by_name[name]) for name in names]
    steps = [max(-made.reach, min(made.reach, round(grains / made.step))) for grains in worth]
    return OwnSet(tuple(names), tuple(tuple(n for n, _ in by_name[name]) for name in names), tuple(steps))


def _known_as(node: Node, admitted: Admitted) -> dict[int, str | None]:
    prefix, asset = admitted.wanted.sides.prefix, admitted.permit.asset.id
    prefix = f"{prefix}-" if prefix else ""
    with node.store.read() as state:
        persons = [(person.number, state.get(Party, person.party)) for person in state.list(Person, asset=asset)]
    return {number: party.called.removeprefix(prefix) for number, party in persons if party is not None}


# ---- the two sides bind themselves


def sign(node: Node, run: str, side: str, size: int, digest: str, said: str) -> str:
    """This node's signature under what it binds itself to."""
    return to_base64(node.signer.sign(matching.signed_text(run, side, size, digest, said)))


def commit(node: Node, bound: MatchCommitted, salt: bytes = b"") -> None:
    """Notes what this node is bound to, and keeps the salt in it, if there is one."""
    node.store.write(lambda tx: tx.append(replace(bound, salt=tx.attach(SALT, salt) if salt else "")))
    node.reach("match after committed")


def own_key(node: Node) -> str:
    """The verifier key of this node."""
    return vkey(node.signer.name, node.signer.public)


def check(node: Node, run: str, bound: MatchCommitted, said: str) -> None:
    """Raises ValueError unless the other node signed what it is bound to."""
    _, _, public = parse_vkey(bound.key)
    text = matching.signed_text(run, bound.by, bound.size, bound.digest, said)
    if not node.outside.verify(public, from_base64(bound.signature), text):
        raise ValueError("the signature does not hold")


# ---- how a match ends


def abandon(tx: Transaction, use: str, match: str, cause: str) -> None:
    """No result came of it; the charge stays spent."""
    tx.append(QueryAbandoned(use, cause))
    tx.append(MatchAbandoned(match, cause))


def turn_down(tx: Transaction, admitted: Admitted, by: str, refusal: Refusal) -> Refusal:
    """A no of the side `by`, after the data were looked at."""
    tx.append(QueryAbandoned(admitted.use, "no result was let out"))
    tx.append(MatchRefused(admitted.match, by, refusal.code))
    return refusal


def release(
    tx: Transaction, admitted: Admitted, answer: Answer, contributions: bytes, found: FoundThere | None = None
) -> int | Refusal:  # fmt: skip
    """Lets a result out, if what permitted it still does and to all of the same persons: the number of the fact."""
    permit, wanted = admitted.permit, admitted.wanted
    again = stands(tx, admitted.request, permit, tx.now)
    if isinstance(again, Refusal):
        return turn_down(tx, admitted, wanted.side, again)
    replaced = again.asset.version != permit.asset.version
    if replaced or any(was & ~now for was, now in zip(permit.population, again.population, strict=True)):
        abandon(tx, admitted.use, admitted.match, "the table, or who allows its use, changed meanwhile")
        return matching.broken()
    use.answer(tx, admitted.use, admitted.request, permit, admitted.meaning, answer, contributions)
    if found is None:
        return tx.append(MatchAnswered(admitted.match, group_min=permit.group_min)).seq
    kept = tx.attach(use.POPULATION, found.population) if found.population else ""
    return tx.append(MatchAnswered(admitted.match, kept, found.receipt, found.group_min)).seq


def recover(node: Node) -> int:
    """Abandons the matches that a crash left open; returns how many. Run when the node opens, before the uses are."""

    def command(tx: Transaction) -> int:
        left = [row for state in OPEN for row in tx.list(Match, state=state)]
        for row in left:
            used = tx.get(Use, row.use)
            if used is not None and used.state == "admitted":
                tx.append(QueryAbandoned(row.use, use.STOPPED))
            tx.append(MatchAbandoned(row.id, use.STOPPED))
        return len(left)

    with node.store.read() as state:
        if all(next(state.list(Match, state=one), None) is None for one in OPEN):
            return 0
    return node.store.write(command)
