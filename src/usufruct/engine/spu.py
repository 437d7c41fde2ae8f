"""SecretFlow's SPU for matches that find persons: another program, in an environment of its own, over files and loopback.

It needs a gigabyte and packages that cannot stand beside the node's, so the settings name the Python of an environment that
has it. The elements are digests under the number of the run; they lie in a folder that only the node's user reads, for as
long as the program runs. Its connection knows nothing of who is at the other end, so it may only be to this machine:
whoever runs the two nodes lays the tunnel between them.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.engine import spu_program

SECONDS = 900
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class SpuIntersecting:
    """`matching_sides.Intersecting` by RR22 (Raghuraman and Rindal 2022); `here` is where this node's program listens, and
    `there` where it finds the other's. One run at a time, for it listens at one place."""

    def __init__(self, python: str, here: str, there: str) -> None:
        for address in (here, there):
            host, _, port = address.rpartition(":")
            if host not in LOOPBACK or not port.isdigit():
                raise BadInput(
                    "input.settings", f"`{address}` is no address of this machine with a port",
                    "set spu_here and spu_there to such as 127.0.0.1:9531, and lay a tunnel to the other node",
                )  # fmt: skip
        self._python, self._here, self._there, self._free = python, here, there, threading.Lock()

    def shared(self, elements: Sequence[str], receives: bool) -> list[int]:
        """The places of the elements that both sides have, at the side that `receives` them; none at the other."""
        if not self._free.acquire(blocking=False):
            raise EngineFault("engine.spu", "another match is being made by SPU", "match again in a minute")
        try:
            with tempfile.TemporaryDirectory(prefix="usufruct-match-") as folder:
                return self._run(Path(folder), elements, receives)
        finally:
            self._free.release()

    def _run(self, folder: Path, elements: Sequence[str], receives: bool) -> list[int]:
        listed, found = folder / "elements.csv", folder / "found.csv"
        listed.write_text("\n".join((spu_program.COLUMN, *elements, "")), encoding="ascii")
        asked = {
            "addresses": [self._here, self._there] if receives else [self._there, self._here],
            "side": int(not receives), "elements": str(listed), "found": str(found),
        }  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603 (our own file, by the Python that the settings name)
                [self._python, "-I", spu_program.__file__], input=json.dumps(asked).encode(), cwd=folder,
                env={"TMPDIR": str(folder)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            raise _failed() from None
        if done.returncode:
            raise _failed()
        if not receives:
            return []
        places = {element: place for place, element in enumerate(elements)}
        try:
            return sorted(places[line.strip('"')] for line in found.read_text(encoding="ascii").split()[1:])
        except (OSError, KeyError, UnicodeDecodeError):
            raise _failed() from None


def _failed() -> EngineFault:
    return EngineFault(
        "engine.spu", "SPU did not carry the match out",
        "see that the environment of spu_python has spu 0.9.5, and that both nodes reach each other at spu_here and spu_there",
    )  # fmt: skip
