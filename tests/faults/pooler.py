"""Processes that do something to a pool and are killed on the way: `pooler.py DIRECTORY WHAT STEP [DIRECTORY WHAT STEP …]`.

Each is a fork of this one, which has loaded everything and opened nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pooling
import story
from support import SetClock
from usufruct.main import open_node
from usufruct.node import pool


def do(directory: str, what: str, wanted: str) -> None:
    """Opens the node, does it, and does not come back from the step."""

    def reach(step: str) -> None:
        if step == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_node(Path(directory), SetClock(), reach) as node:
        if what == "found":
            pooling.found(node, pooling.CHARTER.replace('"riders"', '"others"'))
        elif what == "join":
            pooling.join(node, "dan")
        else:
            story.done(pool.leave(node, "ben", pooling.POOL))


def main(*arguments: str) -> None:
    """One after the other; fails if one of them comes back."""
    for place in range(0, len(arguments), 3):
        child = os.fork()
        if not child:
            do(*arguments[place : place + 3])
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, arguments[place + 2]


if __name__ == "__main__":
    main(*sys.argv[1:])
