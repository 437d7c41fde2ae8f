"""Scenarios: what people type and what they read back, stored as text that a citizen could follow.

A scenario is a `.txt` file. A line that begins with `file NAME:` makes a file of the indented lines below it; a line
that begins with `$ ` is a command, and what follows is its stored output, up to the next empty line. At `31 days pass`
the node's clock goes on by so much; where `three riders work`, facts of their shifts and deliveries are recorded. KEY
stands for the node's verifier key, NOTICE for the digest and CELL for the cell that was printed last. Behind `no noise
is drawn` every draw of noise is nothing, so that what depends on it can be stored. Days and weeks are stored as DAY
and WEEK, digests as DIGEST, names of cells as CELL, what a round draws as NUMBER and N, and noised numbers as ~, for
they differ from run to run; everything else must be as stored. To store new outputs, run with USUFRUCT_STORE=1 and
read the difference.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

import riding
from usufruct.cli.app import Doors, give
from usufruct.cli.commands import app
from usufruct.core.base.instants import Instant, later
from usufruct.main import create_node, open_node, read_settings
from usufruct.node.node import Node
from usufruct.store.keys import SystemClock

SCENARIOS = sorted(Path(__file__).parent.glob("*.txt"))


def masked(output: str) -> str:
    """The output without what differs from run to run."""
    output = re.sub(r"\b20\d\d-\d\d-\d\dT[\d:.]+Z|\b20\d\d-\d\d-\d\d([T ]\d\d:\d\d( UTC)?)?", "DAY", output)
    output = re.sub(r"\b20\d\d-w\d\d\b", "WEEK", output)
    output = re.sub(r"usu_[0-9a-f]{64}", "SECRET", output)
    output = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", output)
    output = re.sub(r"\bcell-[0-9a-f]{16}\b", "CELL", output)
    output = re.sub(r"(?<=your number is )[0-9a-f]{16}\b", "NUMBER", output)
    output = re.sub(
        r"place \d+ in the certificate, lottery rank \d+", "place N in the certificate, lottery rank N", output
    )
    output = re.sub(r"would have needed \d+ points? more", "would have needed N points more", output)  # one for the lot
    output = re.sub(r"\+[0-9a-f]{8}\+\S+", "+KEY", output)
    lines, measures = [], 0
    for line in output.splitlines():
        line = line.rstrip()
        if measures and line.startswith("  "):
            measures = 0
        if measures:
            parts = line.split()
            line = "  ".join([*parts[:-measures], *["~"] * measures])
        elif "_margin" in line:
            measures = line.count("_margin") * 2
            line = "  ".join(line.split())
        lines.append(line)
    return "\n".join(line for line in lines if line.strip())


class Clock:
    """The system's clock, so many days on; whether noise is `silent`; and the last digest and cell that were read, for who has
    to type them."""

    def __init__(self) -> None:
        self.days = 0
        self.silent = False
        self.digest = self.cell = ""

    def now(self) -> Instant:
        """What time it is then."""
        return later(SystemClock().now(), days=self.days)

    def steady(self) -> int:
        """No time goes by."""
        return 0

    def sleep(self, milliseconds: int) -> None:
        """Nobody waits."""


class Silent:
    """A draw of nothing, which is the likeliest one."""

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        return list(values)


@contextmanager
def opened(directory: Path, clock: Clock) -> Iterator[Node]:
    """The node, with that clock."""
    with open_node(directory, clock=clock) as node:
        yield replace(node, noise=Silent()) if clock.silent else node


def run(command: str, clock: Clock) -> str:
    """What a person would read after typing a command."""
    words = [read_settings(Path("node")).key if word == "KEY" else word for word in shlex.split(command)]
    words = [{"NOTICE": clock.digest, "CELL": clock.cell}.get(word, word) for word in words]
    assert words.pop(0) == "usufruct", f"scenarios run usufruct, not {command}"
    give(Doors(create_node, partial(opened, clock=clock)))
    result = CliRunner().invoke(app, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    clock.digest = (re.findall(r"\b[0-9a-f]{64}\b", result.output) or [clock.digest])[-1]
    clock.cell = (re.findall(r"\bcell-[0-9a-f]{16}\b", result.output) or [clock.cell])[-1]
    status = f"\n[status {result.exit_code}]" if result.exit_code else ""
    return masked(result.output + status)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USUFRUCT_DIR", "node")
    monkeypatch.setenv("NO_COLOR", "1")
    stored = path.read_text(encoding="utf-8")
    told = replay(stored.splitlines())
    if os.environ.get("USUFRUCT_STORE"):
        path.write_text(told, encoding="utf-8")
        return
    assert told == stored


def replay(lines: list[str]) -> str:
    """The scenario as it goes now."""
    told: list[str] = []
    at, clock = 0, Clock()
    while at < len(lines):
        line = lines[at]
        at += 1
        told.append(line)
        if line.startswith("file "):
            name = line.removeprefix("file ").rstrip(":")
            body = []
            while at < len(lines) and lines[at].startswith("    "):
                body.append(lines[at][4:])
                told.append(lines[at])
                at += 1
            Path(name).write_text("\n".join(body) + "\n", encoding="utf-8")
        elif line.startswith("$ "):
            while at < len(lines) and lines[at].strip():
                at += 1  # the stored output, replaced by what is told now
            told += run(line[2:], clock).splitlines()
        elif line == "no noise is drawn":
            clock.silent = True
        elif line.startswith("three riders work"):
            with opened(Path("node"), clock) as node:
                riding.ride(node, riders=3)
        elif line.endswith(" days pass"):
            clock.days += int(line.split()[0])
    return "\n".join(told) + "\n"
