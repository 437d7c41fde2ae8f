"""A node in use, which somebody else kills: started by `test_kill`, which hands it one job after another.

It forks for each job, as `crasher` does, and tells first which process that is; the test kills it with SIGKILL when it
pleases, so that death comes from outside and at no particular step: while the node opens, too, or while it recovers from
the death before. A job is a line of JSON:

    {"directory": …, "public": …, "acks": …, "seed": 7}

Many people are at the node at once. Whatever one of them is told is written to `acks` before she goes on: one line of
JSON, in one write. That is what was acknowledged, and what must be true ever after.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import story
from usufruct.core.proof import book
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.facts import PartyRegistered
from usufruct.main import open_node, read_settings
from usufruct.node import consent, epoch, erase, query, register
from usufruct.node.node import Node
from usufruct.ports import Transaction
from usufruct.store import folder
from usufruct.store.keys import verify_signature

READERS = story.MEMBERS[:2]  # the members who look at their books
AT_ONCE = 20  # facts that one caller hands over before she waits for the first

Ack = Callable[[dict[str, Any]], None]


class Crowd:
    """Everybody who is at the node, each in a thread of her own."""

    def __init__(self, node: Node, key: str, public: Path, seed: int, ack: Ack) -> None:
        self._node, self._key, self._public, self._seed, self._ack = node, key, public, seed, ack

    def everybody(self) -> None:
        """Runs until the process dies."""
        callers = [self.asks] * 3 + [self.says] * 2 + [self.appends, self.follows, self.reads_books, self.leaves]
        seeds = [f"{self._seed} {place}" for place in range(len(callers))]
        threads = [
            threading.Thread(target=caller, args=(random.Random(seed),))
            for caller, seed in zip(callers, seeds, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def asks(self, _: random.Random) -> None:
        """An institute with one question after another, until its budget is spent and after."""
        while True:
            told = story.ask(self._node, "SELECT COUNT(*) AS n FROM pay", micro_rho=story.CHEAP, anew=True)
            if isinstance(told, query.Answered):
                answer = hashlib.sha256(told.answer.encode()).hexdigest()
                self._receipt(told.receipt, use=told.use, answer=answer)
            else:
                self._receipt(told.receipt, refused=told.use)

    def says(self, chance: random.Random) -> None:
        """A member who says yes, or no."""
        while True:
            member, yes = chance.choice(story.MEMBERS), chance.random() < 0.7
            _, receipt = story.done(consent.record_word(self._node, story.ASSET, member, story.PURPOSE, yes))
            self._receipt(receipt, about=member)

    def appends(self, chance: random.Random) -> None:
        """A caller with many facts in flight."""
        while True:
            first = chance.getrandbits(60)
            futures = [self._node.store.submit(_registering(f"party-{first + number}")) for number in range(AT_ONCE)]
            numbers = [future.result() for future in futures]
            with self._node.store.read() as state:
                receipts = [state.receipt(number) for number in numbers]
            for receipt in receipts:
                self._receipt(receipt)

    def follows(self, _: random.Random) -> None:
        """What goes on behind the facts: epochs are closed, and the log is brought up in its folder."""
        while True:
            closed = epoch.close_epoch(self._node)
            with self._node.store.read() as state:
                note = state.checkpoint()
                assert note is not None
                folder.export(state, note, self._public)
            self._ack({"published": note, "epoch": closed.number if closed else None})

    def reads_books(self, chance: random.Random) -> None:
        """Members who audit their books, each with what she kept from the time before."""
        kept: dict[str, book.Kept | None] = {}
        while True:
            member = chance.choice(READERS)
            key = epoch.counting_key(self._node, member)
            assert key is not None
            shown, now = epoch.book(self._node, member), self._node.clock.now()
            audit = book.audit(shown, key, self._key, verify_signature, now, kept.get(member))
            assert audit.sound, audit.flaws
            kept[member] = audit.keep
            if audit.keep:
                self._ack({"member": member, "kept": dataclasses.asdict(audit.keep)})
            time.sleep(0.05)

    def leaves(self, chance: random.Random) -> None:
        """A person who comes, and has herself erased."""
        while True:
            name = f"guest-{chance.getrandbits(60)}"
            story.done(register.add_party(self._node, name, "person", "Guest"))
            with self._node.store.read() as state:
                (entry,) = state.history(name)
                self._receipt(state.receipt(entry.seq), guest=name)
            time.sleep(chance.uniform(0, 0.6))
            story.done(erase.erase(self._node, name, story.OPERATOR))
            self._ack({"erased": name})

    def _receipt(self, receipt: Receipt, **more: str) -> None:
        self._ack({"receipt": receipt.text(), **more})


def _registering(name: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.append(PartyRegistered(name, "organisation", name.capitalize())).seq


def _run(job: dict[str, Any]) -> None:
    directory = Path(job["directory"])
    acks = os.open(job["acks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def ack(told: dict[str, Any]) -> None:
        os.write(acks, json.dumps(told).encode() + b"\n")

    def die(what: threading.ExceptHookArgs) -> None:
        ack({"failed": "".join(traceback.format_exception(what.exc_value))})
        os._exit(1)

    threading.excepthook = die
    with open_node(directory) as node:
        ack({"open": True})
        Crowd(node, read_settings(directory).key, Path(job["public"]), job["seed"], ack).everybody()


def serve() -> None:
    """Forks for one job after another; tells the process, and when it has ended how."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                _run(json.loads(line))
            finally:
                os._exit(1)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
