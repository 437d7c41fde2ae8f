"""The compatibility kit of the Dataspace Protocol 2025-1 (Eclipse), both roles, against a served node.

The kit is a program in Java that plays the other connector, in 65 cases. Before it begins, the node and a scripted
provider in its place negotiate the agreements that the cases on transfers start from, over the protocol itself.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from maven import NotHere, classpath, free_port, java
from steward import Script, Steward, read_script, steward_api

import story
from serving import served
from usufruct.core.contract.facts import Terms
from usufruct.core.dataspace.messages import PULL
from usufruct.core.dataspace.rules import agreement_name
from usufruct.main import create_node, open_node
from usufruct.node import followers, login, register, trade
from usufruct.node.node import Node
from usufruct.web.app import make_app

CASES = 65  # two more are switched off in the kit itself
KIT, KIT_PARTICIPANT = "kit", "TCK_PARTICIPANT"
CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
SECONDS = 600
BEFORE = "before-"  # in the name of a dataset: it is negotiated before the kit begins

# What the steward does in each case: the node provides in CN and TP, and consumes in CN_C and TP_C.
SCRIPT = read_script("""
cn-01-01    REQUESTED offer
cn-01-02    REQUESTED offer      REQUESTED terminate
cn-01-03    REQUESTED offer      ACCEPTED agree      VERIFIED finalize
cn-01-04    REQUESTED agree      VERIFIED finalize
cn-02-01    REQUESTED terminate
cn-02-02
cn-02-03    REQUESTED agree
cn-02-04    REQUESTED offer
cn-02-05    REQUESTED offer      OFFERED terminate
cn-02-06    REQUESTED offer      ACCEPTED terminate
cn-02-07    REQUESTED agree      VERIFIED terminate
cn-03-01    REQUESTED agree      VERIFIED finalize
cn-03-02    REQUESTED offer
cn-03-03    REQUESTED offer
cn-03-04    REQUESTED offer
cn-c-01-01  OFFERED accept       AGREED verify
cn-c-01-02  OFFERED request
cn-c-01-03  OFFERED terminate
cn-c-01-04  AGREED verify
cn-c-02-01
cn-c-02-02  REQUESTED terminate
cn-c-02-03  AGREED terminate
cn-c-02-04
cn-c-02-05  OFFERED accept
cn-c-02-06  AGREED verify
cn-c-03-01
cn-c-03-02
cn-c-03-03
cn-c-03-04  OFFERED accept
cn-c-03-05  OFFERED accept
cn-c-03-06  OFFERED accept
tp-01-01    REQUESTED start      STARTED terminate
tp-01-02    REQUESTED start      STARTED complete
tp-01-03    REQUESTED start      STARTED suspend     SUSPENDED terminate
tp-01-04    REQUESTED start      STARTED suspend     SUSPENDED start       STARTED complete
tp-01-05    REQUESTED terminate
tp-02-01    REQUESTED start
tp-02-02    REQUESTED start
tp-02-03    REQUESTED start
tp-02-05
tp-03-01
tp-03-02
tp-03-03    REQUESTED start
tp-03-04    REQUESTED start
tp-03-05    REQUESTED start
tp-03-06    REQUESTED start
tp-c-01-01
tp-c-01-02
tp-c-01-03
tp-c-01-04
tp-c-01-05
tp-c-02-01  STARTED terminate
tp-c-02-02  STARTED complete
tp-c-02-03  STARTED suspend      SUSPENDED terminate
tp-c-02-05  REQUESTED terminate
tp-c-03-01
tp-c-03-02
tp-c-03-03
tp-c-03-04
tp-c-03-05
tp-c-03-06
""")


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


def cases_of(part: str) -> list[str]:
    return [case for case in SCRIPT if case.rsplit("-", 2)[0] == part]


def publish_offers(node: Node, table: Path) -> None:
    """One offer for each case in which the node provides, of its name."""
    story.register_table(node, table)
    for case in [*cases_of("cn"), *cases_of("tp")]:
        terms = Terms("aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1)
        story.done(trade.publish_offer(node, case, story.ASSET, story.OPERATOR, terms))


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


def playing(api: httpx.Client) -> AbstractContextManager[None]:
    """The steward at work; what is negotiated beforehand is verified."""
    beforehand: Script = {BEFORE + case: (("AGREED", "verify"),) for case in cases_of("tp-c")}
    return Steward(api, SCRIPT | beforehand).watching()


def ask_for(api: httpx.Client, dataset: str, offer: str) -> None:
    """The node's operator asks the kit for an offer, to be used as it stands."""
    rules = {
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "Offer",
        "uid": offer,
        "permission": [{"action": "use"}],
    }
    asked = {"dataset": dataset, "offer": offer, "odrl": json.dumps(rules)}
    api.post(f"peers/{KIT}/negotiations", json=asked).raise_for_status()


def agree_beforehand(api: httpx.Client, port: int, token: str) -> None:
    """The agreements that the node's operator has as a consumer before the kit begins; the steward verifies each."""
    with standing_in(port, token):
        for case in cases_of("tp-c"):
            ask_for(api, BEFORE + case, f"offer{case}")
        until = time.monotonic() + 60
        while len(api.get("agreements-held").json()) < len(cases_of("tp-c")):
            assert time.monotonic() < until, "the agreements beforehand were not reached"
            time.sleep(0.1)


@contextmanager
def webhooks(api: httpx.Client) -> Iterator[str]:
    """Where the kit says that the node should begin something as a consumer."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/negotiations":
            ask_for(api, body["datasetId"], body["offerId"])
        else:
            [held] = [one for one in api.get("agreements-held").json() if one["named"] == body["agreementId"]]
            transfer = {"format": body["format"]}
            api.post(f"agreements-held/{held['negotiation']}/transfers", json=transfer).raise_for_status()
        return 200, {}

    with posted(0, answer) as url:
        yield url


def case_settings(node: Node) -> dict[str, str]:
    """What the kit is told of each case: which dataset, offer or agreement it is to use."""
    known = {
        "cat-01-01": ("DATASETID", story.ASSET),
        "cat-01-02": ("DATASETID", story.ASSET),
        "cat-01-03": ("DATASETID", "none"),
    }
    told = [(case, *said) for case, said in known.items()]
    told += [(case, "DATASETID", story.ASSET) for case in cases_of("cn")]
    told += [(case, "OFFERID", case) for case in cases_of("cn")]
    told += [(case, "DATASETID", case) for case in cases_of("cn-c")]
    told += [(case, "AGREEMENTID", agreement_name(node.about.origin, agreed(node, case))) for case in cases_of("tp")]
    told += [(case, "AGREEMENTID", case) for case in cases_of("tp-c")]
    told += [(case, "FORMAT", PULL) for case in [*cases_of("tp"), *cases_of("tp-c")]]
    return {f"{case.upper().replace('-', '_')}_{name}": value for case, name, value in told}


@contextmanager
def stage(tmp: Path, table: Path) -> Iterator[dict[str, str]]:
    """A served node with all that the cases start from; the kit's settings."""
    own, kit = free_port(), free_port()
    url, theirs = f"http://127.0.0.1:{own}", f"http://127.0.0.1:{kit}"
    create_node(tmp / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR", url=url)
    with open_node(tmp / "node") as node, served(make_app(node), own), followers.following(node):
        story.done(register.add_party(node, KIT, "organisation", "The kit"))
        story.done(register.verify_party(node, KIT, "its own word", None))
        publish_offers(node, table)
        token = login.issue_token(node, KIT, "user", ("negotiate",), 1, "the kit")
        with steward_api(node) as api, playing(api), webhooks(api) as hooks:
            peer = {"party": KIT, "participant": KIT_PARTICIPANT, "url": theirs, "by_hand": True, "private": True}
            api.post("peers", json=peer).raise_for_status()
            agree_beforehand(api, kit, token)
            connector = {
                "agent.id": node.connector.participant,
                "http.url": node.connector.url,
                "http.base.url": url,
                "http.headers.authorization": f"Bearer {token}",
                "negotiation.initiate.url": f"{hooks}/negotiations",
                "transfer.initiate.url": f"{hooks}/transfers",
            }
            settings = {f"dataspacetck.dsp.connector.{name}": told for name, told in connector.items()}
            yield (
                case_settings(node)
                | settings
                | {
                    "dataspacetck.launcher": "org.eclipse.dataspacetck.dsp.system.DspSystemLauncher",
                    "dataspacetck.callback.address": theirs,
                    "dataspacetck.host": "127.0.0.1",
                    "dataspacetck.port": str(kit),
                    "dataspacetck.dsp.default.wait": "30",
                }
            )


def test_the_kit_passes(tmp_path: Path, table: Path, record_property: Callable[[str, object], None]) -> None:
    try:
        jars = classpath("dataspace/tck.xml", tmp_path)
    except NotHere as why:
        pytest.skip(str(why))
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
