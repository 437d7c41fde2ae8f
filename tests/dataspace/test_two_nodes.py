"""Two nodes negotiate and transfer; what the wire does to their messages changes nothing but the time it takes."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
import wires

import story
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.dataspace.messages import PULL
from usufruct.core.dataspace.offered import spoken
from usufruct.core.dataspace.state import DataTransfer, HeldAgreement, Process, state_of
from usufruct.node.dataspace import talk
from usufruct.node.dataspace.outbox import Outbox, Patience
from usufruct.node.node import Node

QUICK = Patience(tries=12, pause=0.0, longest=0.0, silence=1000)
CURIOUS = Patience(tries=12, pause=0.0, longest=0.0, silence=0.001)


def settle(*nodes: Node, patience: Patience = QUICK, rounds: int = 60) -> None:
    """Both outboxes send until nothing waits."""

    async def work() -> None:
        boxes = [Outbox(node, node.connector.services(), patience) for node in nodes]
        for _ in range(rounds):
            sent = [await box.once() for box in boxes]
            if not any(sent) and patience is QUICK:
                return
            await asyncio.sleep(0.002)

    asyncio.run(work())


def ask_for(city: Node, hospital: Node) -> talk.Spoken:
    with hospital.store.read() as state:
        offer = state.get(Offer, story.OFFER)
        assert offer is not None
    return story.done(talk.negotiate(city, wires.HOSPITAL, story.ASSET, spoken(offer), story.OPERATOR))


def states(node: Node) -> list[str]:
    with node.store.read() as state:
        return [state_of(state, one) for one in state.list(Process)]


def test_a_standing_offer_is_agreed_to_by_itself(tmp_path: Path, founded: Path, table: Path) -> None:
    with wires.two(tmp_path, founded, table) as (_, hospital, city):
        asked = ask_for(city, hospital)
        assert (asked.state, asked.pending) == ("START", "request")
        settle(city, hospital)
        assert states(city) == states(hospital) == ["FINALIZED"]
        with city.store.read() as here, hospital.store.read() as there:
            [held], [agreement] = here.list(HeldAgreement), there.list(Agreement)
        assert held.in_force
        assert held.dataset == agreement.asset
        assert held.named.endswith(agreement.id)
        transfer = story.done(talk.transfer(city, held.negotiation, PULL, story.OPERATOR))
        settle(city, hospital)
        with city.store.read() as here:
            row, process = here.get(DataTransfer, transfer.process), here.get(Process, transfer.process)
        assert row is not None
        assert row.state == "STARTED"
        assert process is not None
        assert city.connector.vault.get(f"pull/{process.pid}")
        story.done(talk.say(city, transfer.process, "suspend", story.OPERATOR))
        settle(city, hospital)
        assert states(city)[-1] == states(hospital)[-1] == "SUSPENDED"


@pytest.mark.parametrize("seed", range(40))
def test_a_bad_wire_changes_nothing_but_the_time(tmp_path: Path, founded: Path, table: Path, seed: int) -> None:
    with wires.two(tmp_path, founded, table) as (wire, hospital, city):
        wire.lose, wire.repeat, wire.mute, wire.dice = 0.3, 0.3, 0.3, random.Random(seed)
        ask_for(city, hospital)
        settle(city, hospital)
        wire.lose = wire.repeat = wire.mute = 0.0
        settle(city, hospital, patience=CURIOUS, rounds=5)
        here, there = states(city), states(hospital)
        assert here in (there, ["START"]), wire.heard  # a request that never arrived was never a negotiation
        assert (there or ["TERMINATED"])[0] in ("FINALIZED", "TERMINATED"), wire.heard


def test_who_cannot_be_reached_is_given_up(tmp_path: Path, founded: Path, table: Path) -> None:
    with wires.two(tmp_path, founded, table, by_hand=True) as (wire, hospital, city):
        ask_for(city, hospital)
        settle(city, hospital)
        assert states(city) == states(hospital) == ["REQUESTED"]
        wire.down.add(wires.CITY)
        with hospital.store.read() as state:
            [row] = state.list(Negotiation)
        story.done(talk.say(hospital, row.id, "agree", story.OPERATOR))
        settle(hospital)
        assert states(hospital) == ["TERMINATED"]
        wire.down.clear()
        settle(city, hospital, patience=CURIOUS, rounds=5)
        assert states(city) == ["TERMINATED"]
