"""A node that does not keep to the run: whatever it does, it is told the same and learns nothing; and what its partner sees.

The attacker has everything that an honest node has: a key that the other knows, a client, an agreement. Its messages are
made by hand. Matches that find persons cost no budget, so there can be many of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from match.world import ANSWERS, ASKS, CLIENT, PURPOSE, SERVICE, Pair, codes, facts_of, pair
from support import SetClock
from usufruct.core.base.faults import PeerFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered
from usufruct.core.privacy.matching import NORMALISATION, Commitment
from usufruct.core.privacy.matching_facts import OPEN, Match, MatchAdmitted, MatchAnswered
from usufruct.core.privacy.matching_messages import Acceptance, Found, Proposal, read, said, write
from usufruct.engine.matching import IDENTITY, POINT, Answering, Asking, RistrettoMatching, generated
from usufruct.node import match, match_answers, match_use
from usufruct.node.match_talk import No, Speaking, Talk
from usufruct.node.node import Node
from usufruct.peer.services import HttpServices

HERE, THERE = codes(0, 60), codes(30, 90)
NO_POINT = bytes([1, *bytes(31)])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, SetClock]]:
    clock = SetClock(tick=0.001)  # both nodes read it; it goes on slowly, or they would run apart
    with pair(tmp_path_factory.mktemp("attacked"), HERE, THERE, "masked", clock=clock) as found:
        yield found, clock


class Attacker:
    """The asking side by hand: an honest proposal of as many elements as it has, unless a test changes it."""

    def __init__(self, node: Node, services: HttpServices) -> None:
        self.node, self.run = node, os.urandom(16).hex()
        self.asking: Any = RistrettoMatching(os.urandom).asking(self.run, list(HERE.values()), 60)
        asked = match.Asked("lab", "matched", ASKS, SERVICE, CLIENT, ANSWERS, PURPOSE)
        self.talk = Talk(
            node,
            services,
            Speaking(asked.requester, asked.actors, asked.service, asked.client, asked.purpose),
            self.run,
        )

    def proposal(self, **more: Any) -> Proposal:
        """A proposal, signed after what is changed in it."""
        points = self.asking.points
        made = Proposal(
            self.run, "matched", ANSWERS, "code", "", NORMALISATION, len(points) // POINT,
            Commitment(self.run, "asks", len(points) // POINT).add(points).digest(), self.asking.base.hex(),
            match_use.own_key(self.node),
        )  # fmt: skip
        made = replace(made, **more)
        signature = match_use.sign(self.node, self.run, "asks", made.size, made.digest, said(made))
        return replace(made, signature=more.get("signature", signature))

    async def propose(self, **more: Any) -> Acceptance:
        """What the other node is bound to."""
        answer = await self.talk.say("propose", write(self.proposal(**more)))
        return read(Acceptance, answer)


async def _with(node: Node, script: Callable[[Attacker], Any]) -> Any:
    services = HttpServices()
    try:
        return await script(Attacker(node, services))
    finally:
        await services.close()


def told(world: tuple[Pair, SetClock], script: Callable[[Attacker], Any]) -> Refusal:
    """What an attacker is told at the end of its script."""
    found, clock = world
    clock.move(days=1)
    before = len(facts_of(found.there, QueryAnswered))
    with pytest.raises(No) as no:
        asyncio.run(_with(found.here, script))
    assert len(facts_of(found.there, QueryAnswered)) == before, "nothing was answered"
    with found.there.store.read() as state:
        assert not [row for row in state.list(Match) if row.state in OPEN], "nothing is left open"
    assert not found.there.runs._runs
    return no.value.refusal


def points(change: Callable[[list[bytes]], list[bytes]], commit: bool = True) -> Callable[[Attacker], Any]:
    """A script that sends another list: one that it committed to, or not."""

    async def script(attacker: Attacker) -> None:
        honest = attacker.asking.points
        changed = b"".join(change([honest[at : at + POINT] for at in range(0, len(honest), POINT)]))
        if commit:
            attacker.asking.points = changed
        await attacker.propose()
        await attacker.talk.say("sent", changed, 0)

    return script


def proposing(**more: Any) -> Callable[[Attacker], Any]:
    async def script(attacker: Attacker) -> None:
        await attacker.propose(**more)

    return script


async def _replayed(attacker: Attacker) -> None:
    body = write(attacker.proposal())
    await attacker.talk.say("propose", body)
    with pytest.raises(No):
        await attacker.talk.say("nonsense")
    await attacker.talk.say("propose", body)


async def _while_it_runs(attacker: Attacker) -> None:
    body = write(attacker.proposal())
    await attacker.talk.say("propose", body)
    try:
        await attacker.talk.say("propose", body)
    finally:
        with pytest.raises(No):
            await attacker.talk.say("quit")


async def _unknown(attacker: Attacker) -> None:
    await attacker.talk.say("sent", b"", 0)


async def _too_early(attacker: Attacker) -> None:
    await attacker.propose()
    await attacker.talk.say("order")


async def _skipping(attacker: Attacker) -> None:
    await attacker.propose()
    await attacker.talk.say("sent", attacker.asking.points, 0)
    await attacker.talk.say("finish", write(Found(60, 0)))


async def _batch_again(attacker: Attacker) -> None:
    await attacker.propose()
    await attacker.talk.say("sent", attacker.asking.points, 0)
    await attacker.talk.say("returned", batch=0)
    await attacker.talk.say("returned", batch=0)


async def _nonsense_at_the_end(attacker: Attacker) -> None:
    await attacker.propose()
    await attacker.talk.say("sent", attacker.asking.points, 0)
    await attacker.talk.say("returned", batch=0)
    await attacker.talk.say("listed", batch=0)
    await attacker.talk.say("finish", b"\xff{")


async def _a_total_that_was_not_asked_for(attacker: Attacker) -> None:
    await attacker.propose()
    await attacker.talk.say("sent", attacker.asking.points, 0)
    await attacker.talk.say("returned", batch=0)
    await attacker.talk.say("listed", batch=0)
    await attacker.talk.say("finish", write(Found(60, 0, "00" * 64, 1)))


ATTACKS: dict[str, Callable[[Attacker], Any]] = {
    "no point of the group": points(lambda list: [NO_POINT, *list[1:]]),
    "not canonical": points(lambda list: [*list[:-1], b"\xff" * POINT]),
    "the identity": points(lambda list: [IDENTITY, *list[1:]]),
    "an element twice": points(lambda list: sorted([*list[1:], list[5]])),
    "out of order": points(lambda list: list[::-1]),
    "another list than committed": points(lambda list: [*list[1:], b"\x70" + list[-1][1:]], commit=False),
    "one other element": points(lambda list: sorted([*list[1:], generated([7])]), commit=False),
    "more than agreed": points(lambda list: sorted([*list, generated([7])]), commit=False),
    "fewer than agreed": points(lambda list: list[1:], commit=False),
    "a wrong commitment": proposing(digest="zz"),
    "an unsigned proposal": proposing(signature=""),
    "another's signature": proposing(signature="A" * 86 + "=="),
    "a key of somebody else": proposing(key="evil.example+00000000+" + "A" * 44),
    "a base that is none": proposing(base=NO_POINT.hex()),
    "the identity as base": proposing(base=IDENTITY.hex()),
    "a size of nobody": proposing(size=0),
    "a list of one": proposing(size=1),
    "a name without end": proposing(asset="x" * 1000),
    "a size of millions": proposing(size=10_000_000),
    "another normalisation": proposing(normalisation="text-2"),
    "a kind that is none": proposing(kind="everything"),
    "a sum without a column": proposing(kind="sum"),
    "a run of another number": proposing(run="0" * 32),
    "a proposal again": _replayed,
    "a proposal while it runs": _while_it_runs,
    "no run": _unknown,
    "a step too early": _too_early,
    "a step left out": _skipping,
    "a batch again": _batch_again,
    "nonsense": _nonsense_at_the_end,
    "more than was asked for": _a_total_that_was_not_asked_for,
}


def test_whatever_does_not_keep_to_the_run_is_told_the_same(world: tuple[Pair, SetClock]) -> None:
    said_to = {name: told(world, script) for name, script in ATTACKS.items()}
    reference = said_to["no run"]
    assert "match.run" in reference.reasons[0]
    assert [name for name, refusal in said_to.items() if refusal != reference] == []


def test_another_client_cannot_go_on_with_a_run_nor_end_it(world: tuple[Pair, SetClock]) -> None:
    found, clock = world
    clock.move(days=1)

    async def script(attacker: Attacker) -> None:
        await attacker.propose()
        running = found.there.runs._runs[attacker.run]
        honest, running.caller = running.caller, ("EE/COM/1/other", *running.caller[1:])
        with pytest.raises(No):
            await attacker.talk.say("sent", attacker.asking.points, 0)
        running.caller = honest
        await attacker.talk.say("sent", attacker.asking.points, 0)
        with pytest.raises(No):
            await attacker.talk.say("quit")

    asyncio.run(_with(found.here, script))


def test_a_silent_node_is_given_up(world: tuple[Pair, SetClock]) -> None:
    found, clock = world
    clock.move(days=1)

    async def script(attacker: Attacker) -> None:
        await attacker.propose()

    asyncio.run(_with(found.here, script))
    assert len(found.there.runs._runs) == 1
    clock.move(minutes=16)
    assert isinstance(found.match("matched"), match.Answered)
    assert not found.there.runs._runs
    assert "silent" in facts_of(found.there, QueryAbandoned)[-1].cause


def test_there_are_so_many_runs_at_once(world: tuple[Pair, SetClock]) -> None:
    found, clock = world
    clock.move(days=1)

    async def script(attacker: Attacker) -> list[Attacker]:
        more = [attacker, *(Attacker(found.here, attacker.talk.services) for _ in range(4))]  # type: ignore[arg-type]
        for one in more[:-1]:
            await one.propose()
        with pytest.raises(No) as no:
            await more[-1].propose()
        assert "match.run" in no.value.refusal.reasons[0]
        for one in more[:-1]:
            with pytest.raises(No):
                await one.talk.say("quit")
        return more

    asyncio.run(_with(found.here, script))
    assert not found.there.runs._runs


# ---- the answering side does not keep to the run


class Evil:
    """What an evil node answers, made of what an honest one would: `lists` changes its list after it committed to it."""

    def __init__(self, honest: Answering, lists: Callable[[bytes], bytes], back: Callable[[bytes], bytes]) -> None:
        self._honest, self._lists, self._back, self._asked = honest, lists, back, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._honest, name)

    @property
    def entries(self) -> bytes:
        self._asked += 1
        return self._honest.entries if self._asked == 1 else self._lists(self._honest.entries)

    def returned(self) -> bytes:
        return self._back(self._honest.returned())


def same(data: bytes) -> bytes:
    return data


EVIL: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "no point in its list": (lambda data: NO_POINT + data[POINT:], same),
    "the identity in its list": (lambda data: IDENTITY + data[POINT:], same),
    "an element twice": (lambda data: data[:POINT] + data[:-POINT], same),
    "another list than committed": (lambda data: data[:-POINT] + b"\x7e" * POINT, same),
    "a list that ends early": (lambda data: data[:-POINT], same),
    "a list that does not end": (lambda data: data + data, same),
    "no point comes back": (same, lambda data: NO_POINT + data[POINT:]),
    "the identity comes back": (same, lambda data: IDENTITY + data[POINT:]),
    "one comes back twice": (same, lambda data: data[:POINT] + data[:-POINT]),
    "fewer come back": (same, lambda data: data[POINT:]),
}


@pytest.mark.parametrize("name", EVIL)
def test_a_node_that_answers_otherwise_ends_the_match(
    world: tuple[Pair, SetClock], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, clock = world
    clock.move(days=1)
    real = RistrettoMatching.answering
    monkeypatch.setattr(RistrettoMatching, "answering", lambda self, *args: Evil(real(self, *args), *EVIL[name]))
    answered = len(facts_of(found.here, MatchAnswered))
    with pytest.raises(PeerFault) as fault:
        found.match("matched")
    assert fault.value.code == "peer.match"
    assert len(facts_of(found.here, MatchAnswered)) == answered
    for node in (found.here, found.there):
        with node.store.read() as state:
            assert [row.state for row in state.list(Match)][-1] == "abandoned"
    assert not found.there.runs._runs, "it is told that the run is over"


@pytest.mark.parametrize("change", [
    {"signature": "A" * 86 + "=="}, {"size": 61}, {"planted": 1000}, {"digest": "0"}, {"run": "1" * 32}, {"sigma": -1},
    {"sigma": 10**12}, {"planted": 5_000_010, "sigma": 10**8},
    {"reach": 10**12, "seal": "00" * 32}, {"size": 1}, {"decimals": 10**9}, {"step": 0, "seal": "00" * 32},
])  # fmt: skip
def test_an_acceptance_that_contradicts_itself_ends_the_match(
    world: tuple[Pair, SetClock], change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, clock = world
    clock.move(days=1)

    def forged(message: Any) -> bytes:
        if not isinstance(message, Acceptance):
            return write(message)
        changed = replace(message, **change)
        if "signature" not in change:
            signature = match_use.sign(found.there, changed.run, "answers", changed.size, changed.digest, said(changed))
            changed = replace(changed, signature=signature)
        return write(changed)

    monkeypatch.setattr(match_answers, "write", forged)
    with pytest.raises(PeerFault, match="keep to the run"):
        found.match("matched")


def test_a_node_with_another_key_than_expected(world: tuple[Pair, SetClock]) -> None:
    found, clock = world
    clock.move(days=1)
    assert isinstance(found.match("matched", their_key=match_use.own_key(found.there)), match.Answered)
    with pytest.raises(PeerFault, match="another node"):
        found.match("matched", their_key=match_use.own_key(found.here))


def test_sizes_are_the_same_whoever_allows_it(world: tuple[Pair, SetClock], monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin tables that differ in one person's consent: every message of the run is as long."""
    from match.world import refuse

    found, clock = world
    sizes: list[list[int]] = []
    real = Talk.say
    for turn in range(2):
        clock.move(days=1)
        seen: list[int] = []

        async def say(
            self: Talk, step: str, body: bytes = b"", batch: int | None = None, seen: list[int] = seen
        ) -> bytes:
            answer = await real(self, step, body, batch)
            seen += [len(answer), len(body)] if step in ("sent", "returned", "listed", "order") else []
            return answer

        monkeypatch.setattr(Talk, "say", say)
        told_now = found.match("matched")
        assert isinstance(told_now, match.Answered) and told_now.answer.rows == ((str(30 - turn),),)
        sizes.append(seen)
        if not turn:
            refuse(found.there, ANSWERS, 40)
    assert sizes[0] == sizes[1]


def test_admissions_that_come_to_nothing_stay_charged(tmp_path: Any) -> None:
    with pair(tmp_path, HERE, THERE) as found:

        def stop(self: Asking, batch: bytes) -> None:
            raise ValueError("stop")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Asking, "returned", stop)
            with pytest.raises(PeerFault):
                found.match()
        for node in (found.here, found.there):
            assert len(facts_of(node, QueryAdmitted)) == len(facts_of(node, MatchAdmitted)) == 1
            assert len(facts_of(node, QueryAbandoned)) == 1
