"""Other processes of this machine that make pieces of a large settlement, one for each further core.

Nearly all the time of a settlement goes into one hash for each line, and Python hashes in one thread only. Pieces do not
depend on each other, so whoever is free takes the next. A helper that dies is no loss: the piece that it had is made
here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import IO, Any

Job = tuple[Any, ...]
Make = Callable[..., Any]

WORTH_IT = 32  # pieces: a helper takes as long to start as some of them to be made
_MOST = 7  # helpers


class _GoneError(Exception):
    """A helper died."""


def made(count: int, job: Callable[[int], Job], make: Make) -> list[Any]:
    """What `make(*job(number))` comes to for each number below `count`, in their order."""
    numbers, found = deque(range(count)), {}

    def take(make_one: Make) -> None:
        while True:
            try:
                number = numbers.popleft()
            except IndexError:
                return
            try:
                found[number] = make_one(*job(number))
            except _GoneError:
                numbers.append(number)
                return

    helpers = [
        threading.Thread(target=_help, args=(make, take)) for _ in range(_cores() - 1 if count >= WORTH_IT else 0)
    ]
    for helper in helpers:
        helper.start()
    take(make)
    for helper in helpers:
        helper.join()
    take(make)  # what a helper gave back
    return [found[number] for number in range(count)]


def _help(make: Make, take: Callable[[Make], None]) -> None:
    """Has a process of its own take pieces as long as there are some."""
    command = [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"]
    try:
        process = subprocess.Popen(  # noqa: S603 (our own file)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:  # no room for another process
        return
    with contextlib.suppress(OSError), process:
        assert process.stdin and process.stdout
        asked, answered = process.stdin, process.stdout

        def ask(*job: Any) -> Any:
            try:
                _say(asked, (make, job))
                return pickle.load(answered)  # noqa: S301 (by a process that this one started)
            except Exception:  # whatever it says in its last moment
                raise _GoneError from None

        take(ask)
        process.kill()


def serve() -> None:
    """What a helper does: it makes pieces until nobody asks any more."""
    while True:
        try:
            make, job = pickle.load(sys.stdin.buffer)  # noqa: S301 (by the process that started this one)
        except EOFError:
            return
        _say(sys.stdout.buffer, make(*job))


def _say(to: IO[bytes], what: Any) -> None:
    pickle.dump(what, to, pickle.HIGHEST_PROTOCOL)
    to.flush()


def _cores() -> int:
    """How many cores this process may use."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, _MOST + 1)
