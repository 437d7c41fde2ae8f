"""Two nodes on this machine: made, served each by a process of its own, looked into. See two_nodes.py."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from usufruct.core.base.ids import did_web
from usufruct.core.contract.facts import NegotiationMoved
from usufruct.core.dataspace.facts import TransferMoved
from usufruct.core.privacy.facts import QueryAnswered, QueryRefused
from usufruct.main import create_node, open_node
from usufruct.node import login, register
from usufruct.store.audit import verify

HOSPITAL, CITY, OFFICE, PATIENT = "hospital", "city", "planning-office", "patient-13"
NAMES = {HOSPITAL: "Lakeside Hospitals", CITY: "City of Example", OFFICE: "Planning Office"}
CARDS = Path(__file__).parent


class Steward:  # her program, with her token
    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        return self._http.post(path, json=body).raise_for_status().json()

    def register(self, name: str, folder: Path) -> None:
        """Registers a table under its card."""
        files = {"table": (folder / f"{name}.csv").open("rb"), "card": (CARDS / f"{name}.toml").open("rb")}
        found = self._http.post("/assets", files=files).raise_for_status().json()["quality"]
        print(f"  {name}: {found['rows']} rows about {found['persons']} persons")

    def link(self, other: str, url: str, token: str) -> None:
        """Makes another node known, which lies on this machine, and the token that it gave."""
        found = {"participant": did_web(url), "url": f"{url}/dataspace/2025-1", "private": True}
        self.post("/peers", party=other, token=token, **found)


def free_port(port: int = 0) -> int:
    """That port, or any, if nobody listens there; else OSError says so."""
    with socket.create_server(("127.0.0.1", port)) as found:
        return int(found.getsockname()[1])


def make(folder: Path, ports: dict[str, int]) -> dict[str, str]:
    """Makes both nodes; the tokens of the stewards, the planning office, and, as `city at hospital`, of a node at another."""
    tokens = {}
    for name, other in ((HOSPITAL, CITY), (CITY, HOSPITAL)):
        create_node(folder / name, NAMES[name], name, NAMES[name], "EUR", url=f"http://127.0.0.1:{ports[name]}")
        with open_node(folder / name) as node:
            for party in (other, OFFICE) if name == CITY else (other,):
                register.add_party(node, party, "public-body", NAMES[party], evidence="its entry in the register")
            tokens[name] = login.issue_token(node, name, "steward", ("steward",), 1, "story")
            tokens[f"{other} at {name}"] = login.issue_token(node, other, "user", ("negotiate",), 365, "its node")
            if name == CITY:
                tokens[OFFICE] = login.issue_token(node, OFFICE, "user", ("ask", "negotiate"), 1, "story")
    return tokens


@contextlib.contextmanager
def served(folder: Path, ports: dict[str, int]) -> Iterator[dict[str, str]]:
    """Both nodes, answering, while the block lasts; their addresses."""
    program = Path(sys.executable).with_name("usufruct")
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with contextlib.ExitStack() as running:
        processes = {}
        for name, port in ports.items():
            command = [program, "serve", "--dir", folder / name, "--port", str(port)]
            processes[name] = running.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))  # noqa: S603
            running.callback(processes[name].terminate)
        for name, url in urls.items():
            while not answers(url):
                assert processes[name].poll() is None, f"the {name}'s node did not serve"
                time.sleep(0.05)
        yield urls


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=60).is_success
    except httpx.TransportError:
        return False


def show_journal(folder: Path, name: str) -> bool:
    """Prints what a node's journal says of the talk and of the uses; whether all of it is sound."""
    report = verify(folder / name)
    print(f"  {name}: {report.facts} facts, {'sound' if report.sound else 'NOT SOUND'}")
    with open_node(folder / name) as node, node.store.read() as state:
        for entry in state.entries(0, state.size()):
            match entry.fact:
                case NegotiationMoved() | TransferMoved() as moved:
                    print(f"    {moved.state} ({moved.message}, by {moved.by})")
                case QueryAnswered() as use:
                    print(f"    answered to {use.requester}: {use.meaning}")
                case QueryRefused() as use:
                    print(f"    refused to {use.requester}: {use.code}")
    return report.sound


def show_links(folder: Path) -> None:
    """Prints links by which people look around; the nodes must not be served meanwhile."""
    people = {HOSPITAL: {HOSPITAL: "steward", PATIENT: "member"}, CITY: {CITY: "steward", OFFICE: "user"}}
    for name, roles in people.items():
        with open_node(folder / name) as node:
            for party, role in roles.items():
                print(f"  {party} ({role})\n    {node.about.url}/enter#{login.issue_link(node, party, role)}")
