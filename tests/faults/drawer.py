"""A round that dies: started by `test_rounds_killed`. For each directory it forks a process, in which the round goes its way
until the named step is reached; there it is killed.

    python drawer.py NOW DIRECTORY STEP [DIRECTORY STEP …]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from rounds.world import ROUND, SECRETS, SPEAKER
from support import SetClock
from usufruct.core.base.instants import Instant
from usufruct.main import open_node
from usufruct.node import rounds
from usufruct.node.node import Node


def go_on(node: Node) -> None:
    """The steps of the round that are left. Whoever is interrupted can begin again."""
    for _ in range(4):
        rounds.follow(node)
        row = rounds.shown(node, ROUND)
        assert row is not None
        for chamber, said in zip(SPEAKER, row.secrets, strict=True):
            if row.state == "closed" and not said:
                rounds.open_secret(node, ROUND, SPEAKER[chamber], SECRETS[chamber])


def clock_at(now: str) -> SetClock:
    """A clock that stands at that moment."""
    clock = SetClock(tick=0)
    clock.at = Instant(now)
    return clock


def die_at(directory: str, now: str, step: str) -> None:
    """Runs the round in a process that is killed at the step."""

    def reach(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_node(Path(directory), clock_at(now), reach) as node:
        go_on(node)


if __name__ == "__main__":
    now, *wanted = sys.argv[1:]
    for directory, step in zip(wanted[::2], wanted[1::2], strict=True):
        child = os.fork()
        if child == 0:
            try:
                die_at(directory, now, step)
            finally:
                os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == -signal.SIGKILL, f"{step} was not reached"
