"""A steward who plays by a script, for suites that say what a connector should do next.

The compatibility kit of the Dataspace Protocol demands another move in each of its cases: here an offer, there a
termination. In a dataspace people decide that. So the node under test answers its peer by hand, and the steward looks at
its negotiations and transfers and makes the move that the script has for the case, by the same use cases as the portal
and the command line. The product knows nothing of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.dataspace.state import HeldAgreement, NotedOffer, Process, state_of
from usufruct.node.dataspace import talk
from usufruct.node.node import Node

GLANCE = 0.05  # seconds between two looks
BREATH = 0.2  # seconds before a move: the other side may not have read our last answer yet

Script = dict[str, tuple[tuple[str, str], ...]]
"""By case: in which state which move is made, one after another."""


def read_script(text: str) -> Script:
    """A script as a table: `CASE  STATE move  STATE move …` on each line; a case without moves only looks on."""
    lines = (line.split() for line in text.strip().splitlines())
    return {case: tuple(zip(words[::2], words[1::2], strict=True)) for case, *words in lines}


@dataclass
class _Turn:
    """How far a process has come in its script; since when the state is there that asks for the next move."""

    done: int = 0
    said: bool = False
    since: float = 0.0


@dataclass
class Steward:
    """Plays `script` on a node. `cases` says which case an offer or agreement of the node's own is for; what the other side
    names is named after its case."""

    node: Node
    script: Script
    cases: dict[str, str] = field(default_factory=dict)
    _turns: dict[str, _Turn] = field(default_factory=dict)

    def look(self) -> None:
        """One look at everything; moves what is due."""
        with self.node.store.read() as read:
            seen = [(one, state_of(read, one), self._case(read, one)) for one in read.list(Process)]
        for process, state, case in seen:
            self._play(process, state, self.script.get(case, ()))

    def _play(self, process: Process, state: str, script: tuple[tuple[str, str], ...]) -> None:
        turn = self._turns.setdefault(process.id, _Turn())
        if process.sending:
            return
        if turn.said:  # it was taken, or it was not, and is said again
            turn.said, turn.since = False, 0.0
            turn.done += not process.failed
        if turn.done == len(script) or state != script[turn.done][0]:
            turn.since = 0.0
            return
        turn.since = turn.since or time.monotonic()
        if time.monotonic() - turn.since >= BREATH:
            spoken = talk.say(self.node, process.id, script[turn.done][1], process.party)
            turn.said = not isinstance(spoken, Refusal)

    def _case(self, read: Reader, process: Process) -> str:
        if process.role == "provider":
            return self.cases.get(process.subject, "")
        if process.kind == "negotiation":
            offer = read.get(NotedOffer, process.subject)
            return offer.dataset if offer is not None else ""
        held = read.get(HeldAgreement, process.subject)
        return held.named if held is not None else ""

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
