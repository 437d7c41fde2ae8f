"""Contestants in processes of their own: told when to take a turn, and watched for memory and processor time.

Peers that cannot live beside the node's own packages get a virtual environment each. It is made when it is first needed
and kept in the user's cache folder (`XDG_CACHE_HOME`), for some weigh a gigabyte. What cannot be made is left out.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bench.measure import setup, tell

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "usufruct-bench"
LOOK_EVERY = 0.05  # seconds between two looks at a contestant's processes


class Contestant:
    """A process that speaks as `private_peers.turns` does; `memory` is the most it held in bytes so far, itself and the
    processes it started, or 0 where the system does not tell."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process = process
        self._errors = errors
        self._computed: dict[int, float] = {}
        self.memory = 0
        self.ways: list[str] = self._hear()["ready"]

    def turn(self, way: str) -> dict[str, Any]:
        """What comes of one turn: `seconds`, `keys` and whatever else it tells; and `processor`, the seconds that all its
        processes computed, which other work on the machine changes far less than the time."""
        assert self._process.stdin is not None
        before = sum(self._computed.values())
        self._process.stdin.write(f"{way}\n")
        self._process.stdin.flush()
        return self._hear() | {"processor": sum(self._computed.values()) - before}

    def _hear(self) -> dict[str, Any]:
        said = self._process.stdout
        assert said is not None
        while not select.select([said], [], [], LOOK_EVERY)[0]:
            self._look()
        line = said.readline()
        self._look()
        if not line:
            self._process.wait()  # its last words come after it closed its output
            self._errors.seek(0)
            raise Gone((self._errors.read().strip().splitlines() or ["it ended without a word"])[-1])
        found: dict[str, Any] = json.loads(line)
        return found

    def _look(self) -> None:
        """Notes what its processes hold and computed, while they are there: some end before the turn does."""
        family = list(_family(self._process.pid))
        self.memory = max(self.memory, sum(map(_peak, family)))
        self._computed |= {process: _processor(process) for process in family}


class Gone(Exception):
    """A contestant ended before its time; its last words."""


@contextmanager
def started(command: Sequence[str | Path], environment: Mapping[str, str]) -> Iterator[Contestant]:
    """A contestant that is ready; gone afterwards.

    Raises:
        Gone: it could not make itself ready.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            env=dict(environment),
        )  # fmt: skip
        with process:
            try:
                yield Contestant(process, errors)
            finally:
                process.kill()


def ours() -> dict[str, str]:
    """The environment variables for a process with this one's packages."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def apart() -> dict[str, str]:
    """The environment variables for a process with packages of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def interpreter(name: str, requirements: Sequence[str]) -> Path | None:
    """The Python of an environment that holds `requirements`, made if there is none; None if it cannot be made."""
    folder = CACHE / name
    made, python = folder / "requirements", folder / "bin" / "python"
    wanted = "\n".join(requirements)
    if made.exists() and made.read_text() == wanted:
        return python
    with setup(f"{name}: an environment with {', '.join(requirements)}"):
        venv.create(folder, clear=True, with_pip=True)
        pip = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *requirements],
            env=apart(), capture_output=True, text=True,
        )  # fmt: skip
    if pip.returncode:
        tell(f"{name}: left out, for it cannot be installed: {(pip.stderr.strip().splitlines() or ['?'])[-1]}")
        return None
    made.write_text(wanted)
    return python


def _family(process: int) -> Iterator[int]:
    """A process and those it started, as Linux tells."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _read(children).split():
            yield from _family(int(child))


def _peak(process: int) -> int:
    """The most memory that a living process held, in bytes."""
    for line in _read(Path(f"/proc/{process}/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _processor(process: int) -> float:
    """The seconds that a living process computed."""
    numbers = _read(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()  # a name may hold anything
    return sum(map(int, numbers[11:13])) / os.sysconf("SC_CLK_TCK")


def _read(path: Path) -> str:
    """A file that may be gone at any moment."""
    try:
        return path.read_text()
    except OSError:
        return ""
