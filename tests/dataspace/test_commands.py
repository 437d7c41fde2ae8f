"""The commands of `usufruct peer`, as a scenario: a city on the command line, a hospital that is served.

`a_city_asks_a_hospital.txt` tells it. A line that begins with `$ ` is a command of the city, a line that begins with `> `
something that the hospital does; what is stored below a command is what a person reads. HOSPITAL and CITY are the
addresses of the nodes, TOKEN and PROCESS are what was printed last, AGREED is the negotiation that came to an agreement.
Days and noised numbers are stored as DAY and ~. To store new outputs, run with USUFRUCT_STORE=1 and read the difference.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pair
import pytest
from typer.testing import CliRunner

import story
from usufruct.cli import commands
from usufruct.cli.app import Doors, give
from usufruct.core.base.ids import did_web
from usufruct.core.contract.facts import Terms
from usufruct.main import create_node, open_node
from usufruct.node import trade
from usufruct.node.dataspace import outbox, peers, processes, talk
from usufruct.node.node import Node
from usufruct.web.app import make_app

STORED = Path(__file__).parent / "a_city_asks_a_hospital.txt"


def run(line: str) -> tuple[int, str]:
    """What a person would read after typing a command, and how it ended."""
    give(Doors(create_node, open_node))
    result = CliRunner().invoke(commands.app, shlex.split(line)[1:])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


class Told:
    """The story so far: the hospital's node, the addresses, and what was printed last."""

    def __init__(self, hospital: Node, here: str, there: str) -> None:
        self.hospital, self.here, self.there = hospital, here, there
        self.token, self.process, self.agreed = "", "", ""

    def line(self, command: str) -> list[str]:
        """One command of the city."""
        known = {
            "HOSPITAL": self.there,
            "CITY": self.here,
            "TOKEN": self.token,
            "PROCESS": self.process,
            "AGREED": self.agreed,
        }
        status, output = run(re.sub("|".join(known), lambda word: known[word[0]], command))
        self.token = (re.findall(r"usu_[0-9a-f]{64}", output) or [self.token])[-1]
        self.process = (re.findall(r"(?:negotiation|transfer)-\d+", output) or [self.process])[-1]
        self.agreed = (re.findall(r"(negotiation-\d+): FINALIZED", output) or [self.agreed])[-1]
        told = [self.masked(text.rstrip()) for text in output.splitlines() if text.strip()]
        return [*told, f"[status {status}]"] if status else told

    def masked(self, text: str) -> str:
        """A line without what differs from run to run."""
        for address, name in ((self.here, "CITY"), (self.there, "HOSPITAL")):
            text = text.replace(address, name).replace(did_web(address), f"did:web:{name}")
        text = re.sub(r"20\d\d-\d\d-\d\dT[\d:]+|20\d\d-\d\d-\d\d", "DAY", text)
        text = re.sub(r"usu_[0-9a-f]{64}", "SECRET", text)
        text = re.sub(r"\S+\+[0-9a-f]{8}\+\S+", "KEY", text)
        text = re.sub(r"\b(?:\d+,)?\d+ bytes|^\d+,[\d.]+$", "~", text)
        return re.sub(r" {2,}", "  ", text) if "  " in text.strip() else text

    def act(self, what: str) -> None:
        """Something that the hospital does."""
        acts: dict[str, Callable[[], object]] = {
            "the hospital registers the city and gives it a token": self.know,
            "the hospital links the city": lambda: story.done(
                peers.link(self.hospital, "city", did_web(self.here), f"{self.here}/dataspace/2025-1", False, True, self.token)
            ),
            "the hospital suspends the transfer": lambda: self.say("suspend", "maintenance until noon"),
            "the hospital withdraws its offer": lambda: story.done(
                trade.withdraw_offer(self.hospital, story.OFFER, story.OPERATOR)
            ),
        }  # fmt: skip
        acts[what]()

    def know(self) -> None:
        self.token = pair.know(self.hospital, "city")

    def say(self, message: str, reason: str) -> None:
        newest = processes.processes(self.hospital, None)[0]
        story.done(talk.say(self.hospital, newest.process, message, story.OPERATOR, "", (reason,)))


@pytest.fixture
def told(tmp_path: Path, founded: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USUFRUCT_DIR", "city")
    monkeypatch.setenv("NO_COLOR", "1")
    story.found(tmp_path / "hospital")
    port = pair.free_port()
    pair.settle_at(tmp_path / "hospital", port, "Hospital")
    with open_node(tmp_path / "hospital") as node:
        story.register_table(node, table)
        terms = Terms("aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1)
        story.done(trade.publish_offer(node, story.OFFER, story.ASSET, story.OPERATOR, terms, standing=True))
        with pair.served_at(make_app(node), port), outbox.sending(node, pair.PATIENCE):
            yield Told(node, f"http://127.0.0.1:{pair.free_port()}", f"http://127.0.0.1:{port}")


def test_a_city_asks_a_hospital(told: Told) -> None:
    stored = STORED.read_text(encoding="utf-8")
    lines, now, at = stored.splitlines(), list[str](), 0
    while at < len(lines):
        line, at = lines[at], at + 1
        now.append(line)
        if line.startswith("> "):
            told.act(line[2:])
        elif line.startswith("$ "):
            while at < len(lines) and lines[at].strip():
                at += 1  # the stored output, replaced by what is told now
            now += told.line(line[2:])
    text = "\n".join(now) + "\n"
    if os.environ.get("USUFRUCT_STORE"):
        STORED.write_text(text, encoding="utf-8")
        return
    assert text == stored
