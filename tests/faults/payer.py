"""Processes that pay and are killed on the way: `payer.py DIRECTORY WHAT STEP [DIRECTORY WHAT STEP …]`.

Each is a fork of this one, which has loaded everything and opened nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import paying
import story
from usufruct.main import open_node
from usufruct.node import payout


def do(directory: str, what: str, wanted: str) -> None:
    """Opens the node, does it, and does not come back from the step."""
    armed = [False]

    def reach(step: str) -> None:
        if armed[0] and step == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_node(Path(directory), reach=reach) as node:
        if what != "approve":
            name = paying.approved(node)
        if what == "read":
            payout.follow(node)
            bank = paying.Bank()
            bank.take(node)
            bank.book(3500, paying.Detail(f"{name}-2", None, "AC04"))
        armed[0] = True
        if what == "approve":
            name = story.done(payout.propose(node)).payout
            payout.approve(node, name, story.OPERATOR)
        elif what == "send":
            payout.follow(node)
        else:
            paying.tell(node, bank.statement())


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
