"""The compatibility kit of the Dataspace Protocol 2025-1 (Eclipse), both roles, against a served node.

The kit is a program in Java that plays the other connector, in 65 cases. Before it begins, the node and a scripted
provider in its place negotiate the agreements that the cases on transfers start from, over the protocol itself.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from maven import classpath, java
from steward import Steward, read_script

import story
from serving import served
from usufruct.core.contract.facts import Terms
from usufruct.core.dataspace.messages import PULL
from usufruct.core.dataspace.rules import agreement_name
from usufruct.core.dataspace.state import HeldAgreement
from usufruct.core.terms.model import Action, Rule, Ruleset
from usufruct.main import create_node, open_node
from usufruct.node import followers, login, register, trade
from usufruct.node.dataspace import peers, talk
from usufruct.node.node import Node
from usufruct.web.app import make_app

CASES = 65  # two more are switched off in the kit itself
KIT, KIT_PARTICIPANT = "kit", "TCK_PARTICIPANT"
CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
SECONDS = 600
BEFORE = "before-"  # in the name of a dataset: it is negotiated before the kit begins

# What the steward does in each case: the node provides in CN and TP, and consumes in CN_C and TP_C.
SCRIPT = read_script("""
CN_01_01    REQUESTED offer
CN_01_02    REQUESTED offer      REQUESTED terminate
CN_01_03    REQUESTED offer      ACCEPTED agree      VERIFIED finalize
CN_01_04    REQUESTED agree      VERIFIED finalize
CN_02_01    REQUESTED terminate
CN_02_02
CN_02_03    REQUESTED agree
CN_02_04    REQUESTED offer
CN_02_05    REQUESTED offer      OFFERED terminate
CN_02_06    REQUESTED offer      ACCEPTED terminate
CN_02_07    REQUESTED agree      VERIFIED terminate
CN_03_01    REQUESTED agree      VERIFIED finalize
CN_03_02    REQUESTED offer
CN_03_03    REQUESTED offer
CN_03_04    REQUESTED offer
CN_C_01_01  OFFERED accept       AGREED verify
CN_C_01_02  OFFERED request
CN_C_01_03  OFFERED terminate
CN_C_01_04  AGREED verify
CN_C_02_01
CN_C_02_02  REQUESTED terminate
CN_C_02_03  AGREED terminate
CN_C_02_04
CN_C_02_05  OFFERED accept
CN_C_02_06  AGREED verify
CN_C_03_01
CN_C_03_02
CN_C_03_03
CN_C_03_04  OFFERED accept
CN_C_03_05  OFFERED accept
CN_C_03_06  OFFERED accept
TP_01_01    REQUESTED start      STARTED terminate
TP_01_02    REQUESTED start      STARTED complete
TP_01_03    REQUESTED start      STARTED suspend     SUSPENDED terminate
TP_01_04    REQUESTED start      STARTED suspend     SUSPENDED start       STARTED complete
TP_01_05    REQUESTED terminate
TP_02_01    REQUESTED start
TP_02_02    REQUESTED start
TP_02_03    REQUESTED start
TP_02_05
TP_03_01
TP_03_02
TP_03_03    REQUESTED start
TP_03_04    REQUESTED start
TP_03_05    REQUESTED start
TP_03_06    REQUESTED start
TP_C_01_01
TP_C_01_02
TP_C_01_03
TP_C_01_04
TP_C_01_05
TP_C_02_01  STARTED terminate
TP_C_02_02  STARTED complete
TP_C_02_03  STARTED suspend      SUSPENDED terminate
TP_C_02_05  REQUESTED terminate
TP_C_03_01
TP_C_03_02
TP_C_03_03
TP_C_03_04
TP_C_03_05
TP_C_03_06
""")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def posted(port: int, answer: Callable[[str, dict[str, Any]], tuple[int, Any]]) -> Iterator[str]:
    """A server that answers each POST with what `answer` makes of its path and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, told = answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def named(role: str) -> list[str]:
    return [case for case in SCRIPT if case.rpartition("_")[0].rpartition("_")[0] == role]


def offers(node: Node, table: Path) -> dict[str, str]:
    """One offer for each case in which the node is asked for one; the case by the offer."""
    story.register_table(node, table)
    made = {}
    for case in [*named("CN"), *named("TP")]:
        offer = case.lower().replace("_", "-")
        terms = Terms("aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1)
        story.done(trade.publish_offer(node, offer, story.ASSET, story.OPERATOR, terms))
        made[offer] = case
    return made


def agreed(node: Node, offer: str) -> str:
    """The agreement that the kit's party comes to on an offer, as in the portal."""
    moved = story.done(trade.request_offer(node, offer, KIT))
    story.done(trade.move(node, moved.negotiation, "agree", story.OPERATOR))
    moved = story.done(trade.move(node, moved.negotiation, "verify", KIT))
    assert moved.agreement is not None
    return moved.agreement.id


@contextmanager
def standing_in(port: int, token: str) -> Iterator[None]:
    """A provider in the kit's place that agrees to everything, and names each agreement after the case that it is for."""
    asked: dict[str, dict[str, Any]] = {}

    def tell(consumer_pid: str, path: str, kind: str, **said: Any) -> None:
        pids = {"providerPid": f"theirs-{consumer_pid}", "consumerPid": consumer_pid}
        url = f"{asked[consumer_pid]['callbackAddress']}/negotiations/{consumer_pid}/{path}"
        body = json.dumps({"@context": CONTEXT, "@type": kind, **pids, **said}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).close()

    def agree(pid: str) -> None:
        offer = asked[pid]["offer"]
        said = {
            "@id": offer["target"].removeprefix(BEFORE),
            "@type": "Agreement",
            "target": offer["target"],
            "permission": offer["permission"],
        }
        parties = {"assigner": KIT_PARTICIPANT, "assignee": "us", "timestamp": "2026-01-01T00:00:00Z"}
        tell(pid, "agreement", "ContractAgreementMessage", agreement=said | parties)

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if "/negotiations/" not in path:  # the node looks for a catalogue of its peer's, too
            return 404, {}
        pid = body["consumerPid"]
        if path.endswith("/negotiations/request"):
            asked[pid] = body
            threading.Timer(0.05, agree, (pid,)).start()
        else:
            event = (pid, "events", "ContractNegotiationEventMessage")
            threading.Timer(0.05, tell, event, {"eventType": "FINALIZED"}).start()
        state = {"providerPid": f"theirs-{pid}", "consumerPid": pid, "state": "REQUESTED"}
        return 201, {"@context": CONTEXT, "@type": "ContractNegotiation", **state}

    with posted(port, answer):
        yield


def ask_for(node: Node, dataset: str, offer: str) -> None:
    """The node's operator asks the kit for an offer, to be used as it stands."""
    rules = Ruleset(offer, (Rule("permission", "", Action("use")),), "Offer")
    story.done(talk.negotiate(node, KIT, dataset, rules, story.OPERATOR))


def agree_beforehand(node: Node, port: int, token: str) -> None:
    """The agreements that the node's operator has as a consumer before the kit begins; the steward verifies each."""
    with standing_in(port, token):
        for case in named("TP_C"):
            ask_for(node, BEFORE + case, f"offer{case}")
        for _ in range(600):
            with node.store.read() as read:
                if sum(held.in_force for held in read.list(HeldAgreement)) == len(named("TP_C")):
                    break
            time.sleep(0.05)
        else:
            raise AssertionError("the agreements beforehand were not reached")


@contextmanager
def webhooks(node: Node) -> Iterator[str]:
    """Where the kit says that the node should begin something as a consumer."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/negotiations":
            ask_for(node, body["datasetId"], body["offerId"])
        else:
            with node.store.read() as read:
                [held] = [one for one in read.list(HeldAgreement) if one.named == body["agreementId"]]
            story.done(talk.transfer(node, held.negotiation, body["format"], story.OPERATOR))
        return 200, {}

    with posted(0, answer) as url:
        yield url


@contextmanager
def stage(tmp: Path, table: Path) -> Iterator[dict[str, str]]:
    """A served node with all that the cases start from; the kit's settings."""
    own, kit = free_port(), free_port()
    url = f"http://127.0.0.1:{own}"
    create_node(tmp / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR", url=url)
    with open_node(tmp / "node") as node:
        story.done(register.add_party(node, KIT, "organisation", "The kit"))
        story.done(register.verify_party(node, KIT, "its own word", None))
        story.done(peers.link(node, KIT, KIT_PARTICIPANT, f"http://127.0.0.1:{kit}", by_hand=True, private=True))
        token = login.issue_token(node, KIT, "user", ("negotiate",), 1, "the kit")
        beforehand = {BEFORE + case: (("AGREED", "verify"),) for case in named("TP_C")}
        steward = Steward(node, SCRIPT | beforehand, offers(node, table))
        with served(make_app(node), own), followers.following(node), steward.watching(), webhooks(node) as hooks:
            agree_beforehand(node, kit, token)
            settings = {f"{case}_AGREEMENTID": case for case in named("TP_C")}
            for offer, case in list(steward.cases.items()):
                if case.startswith("TP"):
                    agreement = agreed(node, offer)
                    steward.cases[agreement] = case
                    settings[f"{case}_AGREEMENTID"] = agreement_name(node.about.origin, agreement)
                else:
                    settings |= {f"{case}_DATASETID": story.ASSET, f"{case}_OFFERID": offer}
            settings |= {f"{case}_FORMAT": PULL for case in SCRIPT if case.startswith("TP")}
            settings |= {f"{case}_DATASETID": case for case in named("CN_C")}
            settings |= {"CAT_01_01_DATASETID": story.ASSET, "CAT_01_02_DATASETID": story.ASSET}
            settings |= {"CAT_01_03_DATASETID": "no-such-dataset"}
            connector = {
                "agent.id": node.connector.participant,
                "http.url": node.connector.url,
                "http.base.url": url,
                "http.headers.authorization": f"Bearer {token}",
                "negotiation.initiate.url": f"{hooks}/negotiations",
                "transfer.initiate.url": f"{hooks}/transfers",
            }
            settings |= {f"dataspacetck.dsp.connector.{name}": value for name, value in connector.items()}
            settings |= {
                "dataspacetck.launcher": "org.eclipse.dataspacetck.dsp.system.DspSystemLauncher",
                "dataspacetck.callback.address": f"http://127.0.0.1:{kit}",
                "dataspacetck.host": "127.0.0.1",
                "dataspacetck.port": str(kit),
                "dataspacetck.dsp.default.wait": "30",
            }
            yield settings


def test_the_kit_passes(tmp_path: Path, table: Path, record_property: Callable[[str, object], None]) -> None:
    jars = classpath("dataspace/tck.xml", tmp_path)
    with stage(tmp_path, table) as settings:
        select = (
            "execute",
            "--select-package",
            "org.eclipse.dataspacetck.dsp.verification",
            "--include-classname",
            ".*Test",
        )
        reports = ("--reports-dir", str(tmp_path / "reports"), "--disable-banner", "--disable-ansi-colors")
        console = java(jars, "org.junit.platform.console.ConsoleLauncher", settings, *select, *reports)
        ran = subprocess.run(console, capture_output=True, text=True, check=False, timeout=SECONDS)
    report = tmp_path / "reports" / "TEST-junit-jupiter.xml"
    assert report.exists(), ran.stdout + ran.stderr
    cases = [case for case in ElementTree.parse(report).iter("testcase") if case.find("skipped") is None]
    failed = {case.get("name"): why for case in cases for kind in ("failure", "error") if (why := case.findtext(kind))}
    record_property("cases", (len(cases) - len(failed), len(cases)))
    assert not failed, "\n".join(f"{name}: {why[:300]}" for name, why in failed.items())
    assert len(cases) == CASES
