"""A node that answers private questions until somebody kills it: started by `test_kill_ledger`, job by job, as `victim` is.

It is asked about one asset and about two at once, for groups that a list names and for others, the same again and anew, by two
data users at the same time. What each is told is written to `acks` before she goes on.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from attacks.workshop import OTHER, USER, ask, rulebook
from usufruct.core.base.faults import EngineFault
from usufruct.main import open_node
from usufruct.node import query
from usufruct.node.node import Node

QUESTIONS = (
    "SELECT COUNT(*) AS n FROM pay",
    "SELECT word, COUNT(*) AS n FROM pay GROUP BY word",
    "SELECT COUNT(*) AS n FROM pay AS a JOIN care AS b ON a.who = b.person",
    "SELECT b.ward, COUNT(*) AS n FROM pay AS a JOIN care AS b ON a.who = b.person GROUP BY b.ward",
)


def asks(node: Node, who: str, seed: int, acks: int) -> None:
    """One data user, without end."""
    chance = random.Random(f"{seed} {who}")
    while True:
        text = chance.choice(QUESTIONS)
        try:
            told = ask(node, text, 1_000, who=who, anew=chance.random() < 0.7)
        except EngineFault:
            continue  # it is charged, and nothing was told
        assert isinstance(told, query.Answered), told
        said: dict[str, Any] = {
            "use": told.use, "who": who, "charge": told.charge, "delta": told.answer.nano_delta, "repeated": told.repeated,
            "assets": ["pay", "care"] if "care" in text else ["pay"],
        }  # fmt: skip
        os.write(acks, json.dumps(said).encode() + b"\n")


def _run(job: dict[str, Any]) -> None:
    acks = os.open(job["acks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def die(what: threading.ExceptHookArgs) -> None:
        os.write(acks, b'"' + "".join(traceback.format_exception(what.exc_value)).encode().hex().encode() + b'"\n')
        os._exit(1)

    threading.excepthook = die
    with open_node(Path(job["directory"])) as opened:
        node = replace(opened, rulebook=rulebook(tick_milliseconds=1))
        users = [threading.Thread(target=asks, args=(node, who, job["seed"], acks)) for who in (USER, OTHER)]
        for user in users:
            user.start()
        for user in users:
            user.join()


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
