"""Negotiations between two nodes over HTTP, from the request to FINALIZED at the consumer, and the first page of a catalogue.

Two nodes, each a process of its own that keeps a journal on disk (`usufruct serve`), and this program, which only asks the
consumer's node to negotiate. What is measured stands in the consumer's journal: the instants of the fact that queued the
request and of the fact that finalized it. A negotiation is four messages, one behind the other, and each end enters a state
only when it is on disk and the other end has it.

The plainest alternative is the same four messages between two programs of the same framework, server and client that keep
nothing and prove nothing: what is left when all that we are for is taken away. Where Java and Maven are there, so are two
control planes of Eclipse Dataspace Components, in the same run (`negotiation_edc.py`).
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from bench import negotiation_edc
from bench.exchange import done, free_port, running
from bench.measure import scratch, seconds, setup, tell
from bench.report import Result, against, alone, barred
from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import seconds as of_instant
from usufruct.core.contract.facts import NegotiationMoved, OfferPublished, Terms
from usufruct.core.contract.state import Offer
from usufruct.core.dataspace.facts import MessageQueued
from usufruct.core.dataspace.offered import spoken
from usufruct.core.registry.facts import AssetRegistered
from usufruct.main import create_node, open_node
from usufruct.node import login, register, trade
from usufruct.node.dataspace import catalogue, peers
from usufruct.node.node import Node
from usufruct.wire import card, dsp, odrl

ONE_BY_ONE, TOGETHER, DATASETS = 100, 1_000, 10_000
LATENCY_MS, RATE, PAGE_MS = 100, 50, 200
PURPOSE = "AcademicResearch"
_CARD = """
asset = "rents"
title = "Rents by quarter"
description = "what flats were let for"
licence = "terms of the agreement"
person_column = "tenant"
rows_per_person = 1

[columns.tenant]
type = "integer"
grade = "personal"

[columns.rent]
type = "integer"
grade = "personal"
low = 0
high = 5000
"""


@dataclass(frozen=True, slots=True)
class Side:
    """A node of the pair: its party at the other, where it is kept, and its port."""

    name: str
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def run(quick: bool) -> list[Result]:
    """The figures of negotiations, then of the catalogue."""
    few, many, datasets = (3, 10, 300) if quick else (ONE_BY_ONE, TOGETHER, DATASETS)
    with scratch() as folder:
        with setup("two nodes that know each other"):
            hospital, city, steward, terms = _prepare(folder)
        with ExitStack() as stack:
            for side in (hospital, city):
                command = [str(Path(sys.executable).parent / "usufruct"), "serve", "--dir", str(side.folder)]
                stack.enter_context(running([*command, "--port", str(side.port)], side.port))
            first = _ask(city, steward, terms, 3, at_once=1)
            _ask(city, steward, terms, few, at_once=1)
            _ask(city, steward, terms, many, at_once=16)
        took = _took(city.folder)
        tell(f"{len(took)} negotiations, the first {first:.2f} s")
        bare_each, bare_rate = asyncio.run(_bare(few, many))
        with setup(f"a catalogue of {datasets:,} datasets"):
            _fill(folder / "many", datasets)
        page = _first_page(folder / "many")
        edc = None if quick else negotiation_edc.talks(folder, few, many // 5)
    each = statistics.median(ended - began for began, ended in took[3 : 3 + few])
    burst = took[3 + few :]
    rate = len(burst) / (max(ended for _, ended in burst) - min(began for began, _ in burst))
    peer = "two programs that keep nothing"
    names = ("EDC, in memory, looking every 50 ms", "EDC, in memory, as it comes")
    beside = [
        row for name, theirs in zip(names, edc or (), strict=False) for row in (
            against("request to FINALIZED, one after another, p50", 1000 * each, "ms", name, 1000 * theirs.each),
            against("negotiations, 16 asked for at once", rate, "negotiations/s", name, theirs.rate),
        )
    ]  # fmt: skip
    return [
        barred(against("request to FINALIZED, one after another, p50", 1000 * each, "ms", peer, 1000 * bare_each),
               f"under {LATENCY_MS} ms", None if quick else 1000 * each < LATENCY_MS),
        barred(against(f"{many} negotiations, 16 asked for at once", rate, "negotiations/s", peer, bare_rate),
               f"at least {RATE} a second", None if quick else rate >= RATE),
        barred(alone(f"first page of {datasets:,} datasets, in a node just opened", 1000 * page[0], "ms"),
               f"under {PAGE_MS} ms", None if quick else 1000 * page[0] < PAGE_MS),
        alone("the same page again", 1000 * page[1], "ms"),
        *beside,
    ]  # fmt: skip


# ---- two nodes


def _prepare(folder: Path) -> tuple[Side, Side, str, str]:
    """A hospital with a standing offer and a city that knows it: both, the token of the city's steward, the offer's rules."""
    table = folder / "rents.csv"
    table.write_text("tenant,rent\n" + "\n".join(f"{n},{600 + n}" for n in range(50)) + "\n", encoding="utf-8")
    sides = [Side(name, folder / name, free_port()) for name in ("hospital", "city")]
    tokens: dict[str, str] = {}
    with ExitStack() as stack:
        nodes = [stack.enter_context(open_node(_made(side))) for side in sides]
        for node, other in zip(nodes, reversed(sides), strict=True):
            done(register.add_party(node, other.name, "public-body", other.name.capitalize()))
            done(register.verify_party(node, other.name, "the public register", None))
            tokens[other.name] = login.issue_token(node, other.name, "user", ("negotiate",), 1, "bench")
        for node, here, other in zip(nodes, sides, reversed(nodes), strict=True):
            name = next(side.name for side in sides if side.name != here.name)
            done(peers.link(
                node, name, other.connector.participant, other.connector.url, private=True, token=tokens[here.name]
            ))  # fmt: skip
        hospital, city = nodes
        done(register.add_asset(hospital, card.read(_CARD), table, "hospital-group"))
        terms = Terms("aggregates", (PURPOSE,), 100, "EUR", 1)
        done(trade.publish_offer(hospital, "rents-for-research", "rents", "hospital-group", terms, standing=True))
        steward = login.issue_token(city, "city-group", "steward", ("steward",), 1, "bench")
        with hospital.store.read() as state:
            offer = state.get(Offer, "rents-for-research")
        assert offer is not None
        return sides[0], sides[1], steward, odrl.to_jsonld(replace(spoken(offer), uid="urn:usufruct:offer"))


def _made(side: Side) -> Path:
    create_node(
        side.folder, side.name.capitalize(), f"{side.name}-group", side.name.capitalize(), "EUR",
        origin=f"{side.name}.example/journal", url=side.url,
    )  # fmt: skip
    return side.folder


def _ask(city: Side, token: str, rules: str, count: int, at_once: int) -> float:
    """Has the city negotiate so often, so many at a time; how long it took until all were final."""

    async def one(client: httpx.AsyncClient, gate: asyncio.Semaphore) -> None:
        async with gate:
            body = {"dataset": "rents", "offer": "rents-for-research", "odrl": rules}
            reply = await client.post("/api/v1/peers/hospital/negotiations", json=body)
            assert reply.is_success, reply.text
            process = reply.json()["process"]
            for _ in range(1000):
                state = (await client.get(f"/api/v1/processes/{process}")).json()["state"]
                if state == "FINALIZED":
                    return
                assert state != "TERMINATED", process
                await asyncio.sleep(0.01 * at_once)
            raise AssertionError(f"{process} did not end")

    async def all_of_them() -> None:
        gate, headers = asyncio.Semaphore(at_once), {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=city.url, headers=headers, timeout=60) as client:
            await asyncio.gather(*(one(client, gate) for _ in range(count)))

    return seconds(lambda: asyncio.run(all_of_them()))


def _took(folder: Path) -> list[tuple[float, float]]:
    """When each negotiation began and ended, by the consumer's journal."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    with open_node(folder) as node, node.store.read() as state:
        for entry in state.entries(0, state.size()):
            match entry.fact:
                case MessageQueued(message="request") as fact:
                    began[fact.process] = _moment(entry.at)
                case NegotiationMoved(state="FINALIZED") as fact:
                    ended[fact.negotiation] = _moment(entry.at)
    assert began.keys() == ended.keys(), "some did not end"
    return [(began[name], ended[name]) for name in began]


def _moment(at: Instant) -> float:
    return of_instant(at) + int(at[20:23]) / 1000


async def _bare(few: int, many: int) -> tuple[float, float]:
    """What a talk takes between two that keep nothing, and how many a second there are with 16 at once."""
    ports = free_port(), free_port()
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(running([sys.executable, "-m", "bench.negotiation_bare", str(port)], port))
        there = {"to": f"http://127.0.0.1:{ports[0]}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[1]}", timeout=60) as client:

            async def one() -> float:
                start = time.perf_counter()
                assert (await client.post("/start", json=there)).status_code == 201
                return time.perf_counter() - start

            await one()
            each = statistics.median([await one() for _ in range(few)])
            gate = asyncio.Semaphore(16)

            async def gated() -> None:
                async with gate:
                    await one()

            start = time.perf_counter()
            await asyncio.gather(*(gated() for _ in range(many)))
            return each, many / (time.perf_counter() - start)


# ---- the catalogue


def _fill(folder: Path, datasets: int) -> None:
    """A node with so many datasets, each with its offer: copies of one that was registered."""
    table = folder.with_suffix(".csv")
    table.write_text("tenant,rent\n1,700\n2,800\n", encoding="utf-8")
    create_node(folder, "Many", "many", "Many", "EUR")
    with open_node(folder) as node:
        done(register.add_party(node, "city", "public-body", "City"))
        done(register.add_asset(node, card.read(_CARD), table, "many"))
        terms = Terms("aggregates", (PURPOSE,), 100, "EUR", 1)
        done(trade.publish_offer(node, "offer", "rents", "many", terms))
        with node.store.read() as state:
            facts = [entry.fact for entry in state.entries(0, state.size())]
        asset = next(fact for fact in facts if isinstance(fact, AssetRegistered))
        offer = next(fact for fact in facts if isinstance(fact, OfferPublished))
        node.store.write(lambda tx: [
            (tx.append(replace(asset, asset=f"rents-{n}")), tx.append(replace(offer, offer=f"o-{n}", asset=f"rents-{n}")))
            for n in range(1, datasets)
        ])  # fmt: skip


def _first_page(folder: Path) -> tuple[float, float]:
    """What the first page takes, made and written, when nothing was read yet, and when it was."""
    with open_node(folder) as node:
        return seconds(lambda: _page(node)), statistics.median(seconds(lambda: _page(node)) for _ in range(5))


def _page(node: Node) -> bytes:
    found, shown = catalogue.page_for(node, "city", "")
    assert shown.next or len(shown.ids) < 100
    return dsp.write_catalogue(found)
