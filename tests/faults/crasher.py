"""A process in which nodes die: started by `test_crash`, which hands it one job after another.

Starting Python with everything a node imports takes a second, a fork of a process that has done so takes milliseconds;
so this one only waits, opens nothing itself, and forks for each job. A job is a line of JSON:

    {"run": "story", "directory": …, "table": …, "acks": …, "step": "query after run", "count": 2}
    {"run": "crowd", "directory": …, "acks": …, "seconds": 0.4}

`story` kills its process the `count`-th time that `step` is reached; with `"steps": FILE` it instead writes down every
step it reaches. `crowd` kills its process after so many seconds. What a call returned is written to `acks`, and synced,
before the next call; that is what the node acknowledged. The answer to a job is the process's exit status.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import story
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.proof.receipt import Receipt
from usufruct.main import open_node
from usufruct.node import consent, epoch, period, query, register, trade
from usufruct.node.node import Node
from usufruct.ports import Measured

ASKING, SAYING = 4, 4  # threads of a crowd


class Broken:
    """An engine that fails at every question."""

    def fits(self, *_: Any) -> None:
        pass

    def check(self, *_: Any) -> bool:
        return True

    def run(self, *_: Any) -> Measured:
        raise EngineFault("engine.limits", "the question could not be worked out", "ask something smaller")


def the_story(node: Node, table: Path) -> Iterator[Any]:
    """Every kind of step a node takes. Whoever is interrupted can begin again: what is there already is refused."""
    yield register.add_party(node, story.USER, "organisation", "Institute")
    yield register.verify_party(node, story.USER, "made up", None)
    yield register.add_asset(node, story.read_card(), table, story.OPERATOR)
    yield register.record_consents(node, story.ASSET, story.PURPOSE, None, "paper forms, cupboard 3")
    terms = Terms("aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1)
    yield trade.publish_offer(node, story.OFFER, story.ASSET, story.OPERATOR, terms)
    moved = trade.request_offer(node, story.OFFER, story.USER)
    yield moved
    yield trade.move(node, moved.negotiation, "agree", story.OPERATOR)
    yield trade.move(node, moved.negotiation, "verify", story.USER)
    yield story.ask(node)
    yield story.ask(node, "SELECT * FROM pay")
    try:
        story.ask(dataclasses.replace(node, engine=Broken()))
    except EngineFault as fault:
        yield fault
    yield consent.record_word(node, story.ASSET, story.MEMBERS[3], "Purpose", False)
    yield epoch.close_epoch(node)
    yield story.ask(node, "SELECT COUNT(*) AS n FROM pay", micro_rho=story.CHEAP)
    yield epoch.close_epoch(node)
    plan = period.plan_period(node, "2026-q4")
    yield plan
    if not isinstance(plan, Refusal):
        yield period.close_period(node, "2026-q4", plan.plan, story.OPERATOR)


def run_story(job: dict[str, Any], ack: Callable[[Any], None]) -> None:
    """The story, stopped where the job says."""
    reached: Counter[str] = Counter()

    def reach(step: str) -> None:
        reached[step] += 1
        if (step, reached[step]) == (job.get("step"), job.get("count")):
            die()

    with open_node(Path(job["directory"]), reach=reach) as node:
        for result in the_story(node, Path(job["table"])):
            with node.store.read() as state:
                told = {"size": state.size(), "checkpoint": state.checkpoint()}
            if isinstance(result, query.Answered):
                told |= {"use": result.use, "answer": hashlib.sha256(result.answer.encode()).hexdigest()}
            ack(told)
    if "steps" in job:
        Path(job["steps"]).write_text(json.dumps(reached))


def run_crowd(job: dict[str, Any], ack: Callable[[Any], None]) -> None:
    """Many people at once, until the process dies."""

    def acknowledge(receipt: Receipt) -> None:
        ack({"seq": receipt.index, "opening": hashlib.sha256(receipt.extra or b"").hexdigest()})

    def asks(node: Node) -> None:
        while True:
            acknowledge(story.answer(node, "SELECT COUNT(*) AS n FROM pay", micro_rho=story.CHEAP).receipt)

    def says(node: Node, chance: random.Random) -> None:
        while True:
            member, yes = chance.choice(story.MEMBERS), chance.random() < 0.7
            acknowledge(story.done(consent.record_word(node, story.ASSET, member, story.PURPOSE, yes))[1])

    with open_node(Path(job["directory"])) as node:
        threads = [threading.Thread(target=asks, args=(node,)) for _ in range(ASKING)]
        threads += [threading.Thread(target=says, args=(node, random.Random(seed))) for seed in range(SAYING)]
        threading.Timer(job["seconds"], die).start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def die() -> NoReturn:
    """Ends the process at once; nothing is flushed, closed or let go of."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives this")


def serve() -> None:
    """Forks for one job after another."""
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            acks = os.open(job["acks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

            def ack(told: Any, acks: int = acks) -> None:
                os.write(acks, json.dumps(told).encode() + b"\n")
                os.fsync(acks)

            {"story": run_story, "crowd": run_crowd}[job["run"]](job, ack)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
