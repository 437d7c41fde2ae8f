"""A data user asks for totals: decided and planned in `asking`, run where the data lie, noised and released here, in the
order of every use (see `use`). Who asks the very same of the same data again gets the answer again, for nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from usufruct.core.access import delegation
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import adoption, measure, value
from usufruct.core.privacy import matched, release
from usufruct.core.privacy.matched import Matched
from usufruct.core.privacy.matching_facts import Match, MatchAsked
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.rules import QueryPlan, Source
from usufruct.core.privacy.state import Use
from usufruct.node import asking, stored
from usufruct.node.asking import Asked as Asked
from usufruct.node.asking import decide, read_twice
from usufruct.node.node import Node
from usufruct.node.use import Admitted, Again, Decided, Deed, Ran, Shares, Wanted, carry_out
from usufruct.node.use import Answered as Answered
from usufruct.node.use import Refused as Refused
from usufruct.ports import NOBODY, Among, Measured, Snapshot, Transaction

Within = Callable[[Transaction, str, int], Refusal | None]
"""Why a requester may not be charged so many micro-rho now; None if it may."""


def ask(node: Node, asked: Asked, within: Within | None = None) -> Answered[Answer] | Refused:
    """Answers or refuses one question; either way it is a fact when this returns. `within` says why it may not be charged, where
    more bounds that than the budget.

    Raises:
        EngineFault: the plan could not be run; the use is abandoned and its charge spent.
        NodeFault: the node cannot go on; an admitted use is abandoned when it opens again.
    """
    named = asked.question.asset if isinstance(asked.question, Question) else ""
    wanted = Wanted(
        asked.requester, asked.text, asked.purpose, asked.hold, asked.hold_days, asked.actors, asked.signed, named,
        asked.under,
    )  # fmt: skip
    agreed = read_twice(node, asked)
    return carry_out(node, wanted, partial(_decide, node, asked, agreed, within), partial(_work, node))


def _decide(
    node: Node, asked: Asked, agreed: bool, within: Within | None, tx: Transaction, wanted: Wanted
) -> Decided[QueryPlan, Answer]:
    asked = replace(asked, requester=wanted.requester, actors=wanted.actors, purpose=wanted.purpose)
    request, decided = decide(node, tx, asked, tx.now, agreed)
    if isinstance(decided, Refusal):
        return request, decided
    if not (wanted.hold or asked.anew) and (before := _before(tx, wanted.requester, decided.deed)):
        return request, Again(before, release.decode)
    if within is not None and (no := within(tx, wanted.requester, decided.deed.charge)):
        return request, no
    if decided.short is not None:
        return request, decided.short
    if decided.match is None or asked.matched is None:
        return request, decided.deed
    if not asked.matched.covers(decided.deed.charge, decided.deed.nano_delta):
        return request, matched.ended()
    return request, _over(tx, decided.deed, decided.match, asked.matched)


def _over(tx: Transaction, deed: Deed[QueryPlan], match: Match, said: Matched) -> Deed[QueryPlan]:
    """The question over the persons of a match alone, with which the other node went along."""
    found = tx.evidence(match.population)
    parts = tuple(
        (request, permit._replace(population=matched.among(permit.population, found))) for request, permit in deed.parts
    )
    return replace(
        deed, parts=parts, noting=lambda use: MatchAsked(match.id, use, said.receipt),
        standing=lambda tx: None if matched.stands(tx, match, tx.now) else matched.ended(),
    )  # fmt: skip


def foreseen(node: Node, asked: Asked) -> asking.Decided | None:
    """What a question would be decided as, if it would be answered, and not with what was answered before."""
    agreed = read_twice(node, asked)
    with node.store.read() as state:
        requester, actors = delegation.acting(state, asked.requester, asked.actors)
        asked = replace(asked, requester=requester, actors=actors)
        decided = decide(node, state, asked, node.clock.now(), agreed)[1]
        if isinstance(decided, Refusal) or decided.short is not None:
            return None
        return None if not asked.anew and _before(state, requester, decided.deed) else decided


def _before(read: Reader, requester: str, deed: Deed[QueryPlan]) -> Use | None:
    """The use in which the same was answered to the same requester; nothing about persons can have changed in it."""
    found = (use for use in read.list(Use, plan=deed.digest) if use.state == "answered" and use.requester == requester)
    return next(found, None)


def _work(node: Node, admitted: Admitted[QueryPlan], populations: tuple[bytes, ...]) -> Ran[Answer]:
    """Runs the plan where the data lie, and adds the noise."""
    query = admitted.deed.plan
    for source in query.sources:
        stored.check(node, source.asset, source.version)
    assets = [permit.asset.id for _, permit in admitted.deed.parts]
    permits = zip(admitted.deed.parts, populations, strict=True)
    whose = {permit.asset.id: (population, permit.persons) for (_, permit), population in permits}
    with node.store.read() as state:
        by_value = {asset for asset in assets if adoption.measure_of(state, asset) == measure.VALUE}
        permitted = among(state, query.sources, whose)
    measured = node.engine.run(query, permitted, value.terms(query) if by_value else ())
    groups, noised = _noised(node, query, measured)
    counted = {source.asset: rows for source, rows in zip(query.sources, measured.contributions, strict=True)}
    added = {source.asset: data for source, data in zip(query.sources, measured.shares, strict=False)}
    shares = (Shares(measure.VALUE, added[one]) if one in by_value and one in added else None for one in assets)
    return Ran(release.release(query, groups, noised), tuple(counted[asset] for asset in assets), tuple(shares))


def among(state: Snapshot, sources: Sequence[Source], whose: Mapping[str, tuple[bytes, int]]) -> list[Among | None]:
    """Whose rows of each source may be used: of each asset about persons a bitmap and how many there are. They are called by
    their numbers in the first source about any."""
    found: list[Among | None] = []
    first = ""
    for source in sources:
        if not source.personal:
            found.append(None)
            continue
        population, persons = whose[source.asset]
        numbers = None
        if not first:
            first = source.asset
        else:
            called = array("I", [NOBODY]) * persons
            for number, there in state.also_in(source.asset, first):
                if number < persons and there < whose[first][1]:  # others came after the decision
                    called[number] = there
            numbers = called.tobytes()
        found.append(Among(population, persons, numbers))
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
