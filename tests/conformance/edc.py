"""Our node and a real control plane of Eclipse Dataspace Components trade with each other, in both roles.

Not among the tests that always run, for it takes a Java program of 200 jars; `make edc` runs it. The connector is assembled
from published artifacts, with the identity service that its own tests use. That one believes a JSON object in the
`Authorization` header, where our node wants a token; so before each of the two stands a gateway that translates the
header, and nothing else. Where the connector provides, a data plane is scripted here, for a control plane only signals to
one (Data Plane Signaling).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from connector import POM, SECONDS, connector
from maven import NotHere, classpath, free_port
from steward import steward_api

import story
from serving import served
from usufruct.core.contract.facts import Terms
from usufruct.main import create_node, open_node
from usufruct.node import followers, login, register, trade
from usufruct.node.dataspace.pull import Pulled, pull
from usufruct.node.node import Node
from usufruct.web.app import make_app

OTHER, OTHER_PARTICIPANT = "other", "other-connector"
PROTOCOL = "dataspace-protocol-http:2025-1"
VOCABULARY = {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"}
POLICY = ["https://w3id.org/dspace/2025/1/odrl-profile.jsonld", {"xsd": "http://www.w3.org/2001/XMLSchema#"}]
PULL = "HttpData-PULL"

Answer = Callable[[str, str, dict[str, str], bytes], tuple[int, bytes]]
"""From method, path, headers and body to status and body."""


@contextmanager
def answering(port: int, answer: Answer) -> Iterator[str]:
    """A server that answers as it is told to."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = answer(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_PUT = do_POST

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def gateway(behind: str, shown: Callable[[str], str], log: Path) -> Answer:
    """Passes everything on to the server `behind`, with another `Authorization`; writes a log of what was said."""
    client = httpx.Client(timeout=SECONDS)

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        passed = {name: value for name, value in headers.items() if name in ("content-type", "accept")}
        passed["authorization"] = shown(headers.get("authorization", ""))
        try:
            reply = client.request(method, behind + path, headers=passed, content=body)
        except httpx.TransportError:
            return 503, b""
        with log.open("a") as file:
            file.write(f"{method} {path} {body.decode()}\n  {reply.status_code} {reply.text}\n")
        return reply.status_code, reply.content

    return answer


@dataclass
class DataPlane:
    """A scripted data plane: what it was told, and the address and secret that it gives to whoever is to pull."""

    token: str
    url: str = ""
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Signals come below `/flows`, whoever pulls comes to `/data`, events of transfers are told at `/events`."""
        if path == "/data":
            self.shown.append(headers.get("authorization", ""))
            return 200, b'{"temperature": 21}'
        if method != "GET":
            self.told.append((path, json.loads(body or b"{}")))
        if not path.endswith("/start"):
            return 200, b"{}"
        properties = {"endpoint": f"{self.url}/data", "authorization": self.token, "authType": "bearer"}
        address = {
            "@type": "dspace:DataAddress",
            "dspace:endpointType": "https://w3id.org/idsa/v4.1/HTTP",
            "dspace:endpointProperties": [
                {"@type": "dspace:EndpointProperty", "dspace:name": name, "dspace:value": value}
                for name, value in properties.items()
            ],
        }
        context = VOCABULARY | {"dspace": "https://w3id.org/dspace/v0.8/"}
        flow = {"@type": "DataFlowResponseMessage", "provisioning": False, "dataAddress": address}
        return 200, json.dumps({"@context": context, **flow}).encode()


@dataclass(frozen=True)
class Meeting:
    """Both, and where each finds the other."""

    node: Node
    ours: httpx.Client
    theirs: httpx.Client
    our_address: str
    plane: DataPlane

    def other(self, path: str, **body: Any) -> Any:
        """A call of the other connector's management API."""
        reply = self.theirs.post(path, json={"@context": VOCABULARY, **body})
        assert reply.is_success, (path, reply.text)
        return reply.json() if reply.content else None

    def until(self, look: Callable[[], Any], what: str) -> Any:
        """Looks until there is something to see."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if seen := look():
                return seen
            time.sleep(0.1)
        raise AssertionError(f"{what} did not come")

    def address(self) -> dict[str, str]:
        """The address that the other connector tells of, once a transfer has started."""

        def look() -> dict[str, str] | None:
            told = [event for path, event in self.plane.told if path == "/events"]
            return told[-1]["payload"]["dataAddress"]["properties"] if told else None

        return dict(self.until(look, "the address"))

    def other_state(self, what: str, name: str, state: str) -> dict[str, Any]:
        """Waits until the other connector says that something is in a state, or was and is cleared away."""
        over = ("DEPROVISIONING", "DEPROVISIONED") if state in ("COMPLETED", "TERMINATED") else ()

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.theirs.get(f"v3/{what}/{name}").json()
            assert state == "TERMINATED" or found["state"] != "TERMINATED", found
            return found if found["state"] in (state, *over) else None

        return dict(self.until(look, f"{what} {state}"))

    def our_state(self, process: str, state: str) -> dict[str, Any]:
        """Waits until our node says that a process is in a state."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.ours.get(f"processes/{process}").json()
            assert state == "TERMINATED" or found["state"] != "TERMINATED", found
            return found if found["state"] == state else None

        return dict(self.until(look, f"{process} {state}"))


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory, table: Path) -> Iterator[Meeting]:
    tmp = tmp_path_factory.mktemp("edc")
    try:
        jars = classpath(POM, tmp)
    except NotHere as why:
        pytest.skip(str(why))
    ours, protocol = free_port(), free_port()
    token = ""
    with ExitStack() as stack:
        enter = stack.enter_context
        plane = DataPlane("a secret of the data plane's")
        plane.url = enter(answering(0, plane.answer))
        # What the other side shows us becomes the token of its party; a token for data stays what it is.
        log_in = lambda given: f"Bearer {token}" if given.startswith("{") else given  # noqa: E731
        our_gateway = enter(answering(0, gateway(f"http://127.0.0.1:{ours}", log_in, tmp / "to-us.log")))
        create_node(tmp / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR", url=our_gateway)
        node = enter(open_node(tmp / "node"))
        us = json.dumps({"clientId": node.connector.participant, "audience": OTHER_PARTICIPANT, "region": "any"})
        their_gateway = enter(answering(0, gateway(f"http://127.0.0.1:{protocol}", lambda _: us, tmp / "to-them.log")))
        story.done(register.add_party(node, OTHER, "organisation", "Another connector"))
        story.done(register.verify_party(node, OTHER, "its own word", None))
        token = login.issue_token(node, OTHER, "user", ("negotiate",), 1, "its gateway")
        story.register_table(node, table)
        terms = Terms("aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1)
        story.done(trade.publish_offer(node, story.OFFER, story.ASSET, story.OPERATOR, terms, standing=True))
        enter(served(make_app(node), ours))
        enter(followers.following(node))
        api = enter(steward_api(node))
        peer = {"party": OTHER, "participant": OTHER_PARTICIPANT, "url": f"{their_gateway}/protocol/2025-1"}
        api.post("peers", json=peer | {"private": True}).raise_for_status()
        management, planes = enter(connector(jars, OTHER_PARTICIPANT, tmp, their_gateway, protocol))
        kind = {"@context": VOCABULARY, "@type": "DataPlaneInstance", "@id": "plane", "url": f"{plane.url}/flows"}
        can = {"allowedSourceTypes": ["HttpData"], "allowedTransferTypes": [PULL]}
        httpx.post(planes, json=kind | can).raise_for_status()
        yield Meeting(node, api, management, node.connector.url, plane)


def test_it_has_an_answer_of_ours(meeting: Meeting) -> None:
    """The other connector consumes: it reads our catalogue, negotiates an offer, has a transfer started, and a plain client
    asks a question at the address that it was given."""
    us = meeting.node.connector.participant
    counterparty = {"protocol": PROTOCOL, "counterPartyAddress": meeting.our_address, "counterPartyId": us}
    catalogue = meeting.other("v3/catalog/request", **counterparty)
    [dataset] = catalogue["dataset"]
    assert dataset["@id"] == story.ASSET
    offer = dataset["hasPolicy"][0] | {"assigner": us, "target": dataset["@id"]}
    begun = meeting.other(
        "v3/contractnegotiations", **{"@type": "ContractRequest"}, **counterparty,
        policy=offer | {"@context": POLICY},
    )  # fmt: skip
    done = meeting.other_state("contractnegotiations", begun["@id"], "FINALIZED")
    events = {"uri": f"{meeting.plane.url}/events", "events": ["transfer.process.started"], "transactional": False}
    started = meeting.other(
        "v3/transferprocesses", **counterparty, contractId=done["contractAgreementId"], transferType=PULL,
        callbackAddresses=[events],
    )  # fmt: skip
    transfer = started["@id"]
    meeting.other_state("transferprocesses", transfer, "STARTED")
    address = meeting.address()
    question = {"sql": story.QUESTION, "purpose": story.PURPOSE, "micro_rho": story.PRECISE}
    shown = {"Authorization": address["authorization"]}
    answer = httpx.post(address["endpoint"], json=question, headers=shown, timeout=SECONDS)
    assert answer.is_success, answer.text
    assert [year for year, *_ in answer.json()["rows"]] == list(story.YEARS)
    assert answer.json()["receipt"]
    # What the other connector says to the transfer counts for the next question.
    meeting.other(f"v3/transferprocesses/{transfer}/suspend", reason="a pause")
    meeting.other_state("transferprocesses", transfer, "SUSPENDED")
    answer = httpx.post(address["endpoint"], json=question, headers=shown, timeout=SECONDS)
    assert (answer.status_code, answer.json()["refusal"]["reasons"]) == (409, ["the transfer stands at SUSPENDED"])
    meeting.other(f"v3/transferprocesses/{transfer}/terminate", reason="that was all")
    meeting.other_state("transferprocesses", transfer, "TERMINATED")
    [ours] = [one for one in meeting.ours.get("processes").json() if one["kind"] == "transfer"]
    assert (ours["role"], ours["state"]) == ("provider", "TERMINATED")


def test_we_have_data_of_its(meeting: Meeting) -> None:
    """Our node consumes: it reads the other's catalogue, negotiates, has a transfer started, and pulls."""
    source = {"@type": "DataAddress", "type": "HttpData", "baseUrl": f"{meeting.plane.url}/data"}
    meeting.other("v3/assets", **{"@id": "weather", "properties": {"name": "Weather"}, "dataAddress": source})
    rules = {"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Set", "permission": [{"action": "use"}]}
    meeting.other("v3/policydefinitions", **{"@id": "anybody", "policy": rules})
    meeting.other("v3/contractdefinitions", **{
        "@id": "all", "accessPolicyId": "anybody", "contractPolicyId": "anybody", "assetsSelector": [],
    })  # fmt: skip
    meeting.ours.post(f"peers/{OTHER}/catalogue").raise_for_status()
    [dataset] = meeting.ours.get(f"peers/{OTHER}/catalogue").json()["datasets"]
    assert dataset["dataset"] == "weather"
    asked = meeting.ours.post(f"peers/{OTHER}/negotiations", json={"dataset": "weather"})
    assert asked.is_success, asked.text
    meeting.our_state(asked.json()["process"], "FINALIZED")
    began = meeting.ours.post(f"agreements-held/{asked.json()['process']}/transfers", json={"format": PULL})
    assert began.is_success, began.text
    transfer = began.json()["process"]
    meeting.our_state(transfer, "STARTED")
    pulled = pull(meeting.node, transfer, story.OPERATOR)
    assert isinstance(pulled, Pulled), pulled
    assert json.loads(pulled.body) == {"temperature": 21}
    assert meeting.plane.shown == [meeting.plane.token]
    meeting.ours.post(f"processes/{transfer}/messages", json={"message": "complete"}).raise_for_status()
    done = meeting.our_state(transfer, "COMPLETED")
    meeting.other_state("transferprocesses", done["theirs"], "COMPLETED")
