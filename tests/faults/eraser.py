"""A process that erases a person and is killed on the way, where the test says: `eraser.py DIRECTORY PERSON STEP`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import story
from erased import later_clock
from usufruct.main import open_node
from usufruct.node import erase


def main(directory: str, person: str, wanted: str) -> None:
    """Opens the node, erases, and does not come back from the step."""

    def reach(step: str) -> None:
        if step == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_node(Path(directory), later_clock(), reach) as node:
        erase.erase(node, person, story.OPERATOR)


if __name__ == "__main__":
    main(*sys.argv[1:])
