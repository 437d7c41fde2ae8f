"""The compatibility kit of the Decentralized Claims Protocol 1.0 (Eclipse, Apache-2.0), compiled and run against a served node.

`USUFRUCT_SUITES/dcp-tck` holds its sources: the modules of dcp-tck 1.0.2 beside those of tck-common 1.0.0. What is
published ready to run is an earlier candidate, whose DID documents say of no key what it is for and whose credentials are
no `VerifiableCredential`: a verifier that keeps to the standard accepts nothing of it. Nothing of the kit is kept here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from maven import classpath, java

import story
from serving import served
from usufruct.core.base.refusals import Refusal
from usufruct.main import create_node, open_node
from usufruct.node import register
from usufruct.node.dataspace import peers
from usufruct.node.node import Node
from usufruct.web.app import make_app
from usufruct.wire.oauth import AHEAD_SECONDS

SOURCES = Path(os.environ.get("USUFRUCT_SUITES", "")) / "dcp-tck"
TYPES = ("MembershipCredential", "SensitiveDataCredential")
SECONDS = 300


def compiled(place: Path) -> str:
    """The class path with the kit, compiled."""
    if not SOURCES.is_dir() or not os.environ.get("USUFRUCT_SUITES"):
        pytest.skip("no USUFRUCT_SUITES with dcp-tck in it")
    if not shutil.which("javac"):
        pytest.skip("there is no `javac` on this machine")
    needed, made = classpath("claims/tck.xml", place), place / "classes"
    roots = [root for root in SOURCES.rglob("src/main") if "annotation-processors" not in root.parts]
    for root in roots:
        if (root / "resources").is_dir():
            shutil.copytree(root / "resources", made, dirs_exist_ok=True)
    files = [str(file) for root in roots for file in root.rglob("*.java")]
    (place / "files").write_text("\n".join(files))
    done = subprocess.run(
        ["javac", "-nowarn", "-proc:none", "-encoding", "UTF-8", "-d", made, "-cp", needed, f"@{place / 'files'}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return f"{made}:{needed}"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def stage(tmp: Path, demanded: tuple[str, ...]) -> Iterator[tuple[Node, str, dict[str, str]]]:
    """A served node that trusts the kit's issuer and knows its other players; its address, and the kit's settings."""
    own, kit = free_port(), free_port()
    url, players = f"http://localhost:{own}", f"did:web:localhost%3A{kit}:"
    create_node(tmp / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR", url=url)
    trusted = ", ".join(f'{{ issuer = "{players}issuer", type = "{type}", private = true }}' for type in TYPES)
    text = (tmp / "node" / "node.toml").read_text()
    text = text.replace("\nissuers = []", f"\nissuers = [{trusted}]")
    text = text.replace("\npeer_credentials = []", f"\npeer_credentials = {json.dumps(demanded)}")
    (tmp / "node" / "node.toml").write_text(text)
    with open_node(tmp / "node") as node:
        for player in ("holder", "verifier", "thirdparty"):
            register.add_party(node, player, "organisation", player)
            found = peers.link(node, player, players + player, f"http://localhost:{kit}", by_hand=True, private=True)
            assert not isinstance(found, Refusal)
        time.sleep(AHEAD_SECONDS + 2)  # a node takes no token that could have been made before it started
        with served(make_app(node), own):
            yield (
                node,
                url,
                {
                    "dataspacetck.launcher": "org.eclipse.dataspacetck.dcp.system.DcpSystemLauncher",
                    "dataspacetck.callback.address": f"http://localhost:{kit}",
                    "dataspacetck.host": "localhost",
                    "dataspacetck.port": str(kit),
                },
            )


@contextmanager
def answering(answer: Callable[[bytes, dict[str, str]], tuple[int, bytes]]) -> Iterator[str]:
    """The address of a server that answers each POST with what `answer` makes of its body and headers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, told = answer(body, dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()


def run(
    tmp: Path, jars: str, package: str, settings: dict[str, str], record: Callable[[str, object], None], cases: int
) -> None:
    """Runs a package of the kit by the kit's own program; all of its cases pass, and none is missing."""
    told = {**settings, "dataspacetck.test.package": f"org.eclipse.dataspacetck.dcp.verification.{package}"}
    (tmp / "kit.properties").write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    kit = java(jars, "org.eclipse.dataspacetck.dcp.suite.DcpTckSuite", {}, "-config", str(tmp / "kit.properties"))
    ran = subprocess.run(kit, capture_output=True, text=True, check=False, timeout=SECONDS).stdout
    found = re.findall(r"^\[[^]]*\] (SUCCESSFUL|FAILED|ABORTED): (.*)$", ran, re.MULTILINE)
    failed = [name for how, name in found if how != "SUCCESSFUL"]
    record("cases", (len(found) - len(failed), len(found)))
    assert not failed, f"{failed}\n{ran[ran.find('There were failing tests') :][:6000]}"
    assert len(found) == cases, ran
