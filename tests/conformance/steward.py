"""A steward who plays by a script, for suites that say what a connector should do next.

The compatibility kit of the Dataspace Protocol demands another move in each of its cases: here an offer, there a
termination. In a dataspace people decide that. So the node under test answers its peer by hand, and the steward looks at
its negotiations and transfers and makes the move that the script has for the case, over the node's API like any other
program. The product knows nothing of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from usufruct.node import login
from usufruct.node.node import Node

GLANCE = 0.05  # seconds between two looks
BREATH = 0.2  # seconds before a move: the other side may not have read our last answer yet

Script = dict[str, tuple[tuple[str, str], ...]]
"""By case: in which state which move is made, one after another."""


def read_script(text: str) -> Script:
    """A script as a table: `CASE  STATE move  STATE move …` on each line; in a case without moves one only looks on."""
    lines = (line.split() for line in text.strip().splitlines())
    return {case: tuple(zip(words[::2], words[1::2], strict=True)) for case, *words in lines}


def steward_api(node: Node) -> httpx.Client:
    """The API of a served node, for a program of whoever runs it."""
    token = login.issue_token(node, node.about.operator, "steward", ("steward",), 1, "the steward's script")
    return httpx.Client(base_url=f"{node.about.url}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=30)


def case_of(process: dict[str, Any]) -> str:
    """The case that a process is for: its offer here, or the dataset or agreement there, has its name."""
    if process["role"] == "provider":
        return str(process["offer"])
    return str(process["dataset" if process["kind"] == "negotiation" else "agreement"])


@dataclass
class _Turn:
    """How far a process has come in its script; since when the state is there that asks for the next move."""

    done: int = 0
    said: bool = False
    since: float = 0.0


@dataclass
class Steward:
    """Plays `script` over the API of a node, as whoever the token of `api` is for."""

    api: httpx.Client
    script: Script
    _turns: dict[str, _Turn] = field(default_factory=dict)

    def look(self) -> None:
        """One look at everything; moves what is due."""
        for process in self.api.get("processes").raise_for_status().json():
            self._play(process, self.script.get(case_of(process), ()))

    def _play(self, process: dict[str, Any], script: tuple[tuple[str, str], ...]) -> None:
        turn = self._turns.setdefault(process["process"], _Turn())
        if process["pending"]:
            return
        if turn.said:  # it was taken; or it was not, and is said again
            turn.said, turn.since = False, 0.0
            turn.done += not process["failed"]
        if turn.done == len(script) or process["state"] != script[turn.done][0]:
            turn.since = 0.0
            return
        turn.since = turn.since or time.monotonic()
        if time.monotonic() - turn.since >= BREATH:
            said = self.api.post(f"processes/{process['process']}/messages", json={"message": script[turn.done][1]})
            turn.said = said.is_success

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks again and again for as long as the block lasts."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(GLANCE):
                self.look()

        thread = threading.Thread(target=watch, name="steward", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
