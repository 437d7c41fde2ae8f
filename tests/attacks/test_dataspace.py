"""Attack 27: another node that is hostile, or whoever has got hold of some token of its.

One served node, the hospital, with two linked peers, a city and an insurer, and a party that is no peer. What stands at the
peers' address is written here: a server that does whatever a test says. Everything goes over real sockets.

What is refused must change nothing, so how far the journal has grown is compared each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest

import story
from serving import application, served
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.contract import negotiation, transfer
from usufruct.core.contract.facts import AgreementReached, NegotiationMoved, Terms
from usufruct.core.contract.state import Offer
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.facts import MessageQueued, OfferNoted, ProcessOpened, TransferMoved
from usufruct.core.dataspace.messages import (
    PULL,
    AgreementVerification,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    DataAddress,
    Message,
    NegotiationAccepted,
    NegotiationFinalized,
    NegotiationTermination,
    TransferCompletion,
    TransferRequest,
    TransferStart,
    TransferSuspension,
    TransferTermination,
)
from usufruct.core.dataspace.offered import spoken
from usufruct.core.dataspace.state import Begun, Process, by_pid, state_of
from usufruct.core.terms.model import Ruleset
from usufruct.main import open_node
from usufruct.node import login, register, trade
from usufruct.node.dataspace import peers, talk
from usufruct.node.dataspace.outbox import Outbox, Patience
from usufruct.node.node import Node
from usufruct.peer.services import HttpServices
from usufruct.ports import ServiceReply, ServiceRequest, Transaction
from usufruct.wire import dsp
from usufruct.wire.dsp.spelling import CONTEXT

CITY, INSURER, NOBODY = "city", "insurer", "nobody"
SECRET = "a-secret-that-a-peer-gave-us"
ADDRESS_SECRET = "a-secret-in-the-address-of-data"
QUICK = Patience(tries=2, pause=0.0, longest=0.0, silence=1000)


# ---- the peers' server


@dataclass
class Elsewhere:
    """A server that does `answer`, and remembers what was asked: method, target as it came, and headers."""

    url: str = ""
    answer: Callable[[BaseHTTPRequestHandler, bytes], None] = lambda handler, body: say(handler, 500)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """An answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextlib.contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Such a server, on a free port."""
    place = Elsewhere()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            place.asked.append((self.command, self.path, {name.lower(): text for name, text in self.headers.items()}))
            with contextlib.suppress(OSError):  # the node may hang up
                place.answer(self, self.rfile.read(int(self.headers.get("content-length", 0))))

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    place.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield place
    finally:
        server.shutdown()
        server.server_close()


# ---- the node


@dataclass
class World:
    """The hospital's node, where it is, whose token is which, and the peers' server."""

    node: Node
    url: str
    tokens: dict[str, str]
    there: Elsewhere
    directory: Path

    def send(self, path: str, body: bytes | Message, who: str = CITY, **headers: str) -> httpx.Response:
        """A message over HTTP."""
        content = body if isinstance(body, bytes) else dsp.write(body)
        shown = {"Authorization": f"Bearer {self.tokens[who]}", "Content-Type": "application/json", **headers}
        return httpx.post(f"{self.url}/dataspace/2025-1{path}", content=content, headers=shown, timeout=60)

    def look(self, path: str, who: str = CITY) -> httpx.Response:
        """A question over HTTP."""
        shown = {"Authorization": f"Bearer {self.tokens[who]}"}
        return httpx.get(f"{self.url}/dataspace/2025-1{path}", headers=shown, timeout=60)

    def size(self) -> int:
        """How far the journal has grown."""
        with self.node.store.read() as state:
            return state.size()

    def changes_nothing(self, sent: Callable[[], httpx.Response], *statuses: int) -> httpx.Response:
        """What is answered to something that must be refused, in JSON, and must leave no trace."""
        before = self.size()
        answer = sent()
        assert answer.status_code in (statuses or (400, 404)), answer.text
        assert answer.json()
        assert self.size() == before, answer.text
        return answer

    def offer(self) -> Ruleset:
        """What is on offer, as it is said to others."""
        with self.node.store.read() as state:
            offer = state.get(Offer, story.OFFER)
        assert offer is not None
        return spoken(offer)

    def request(self, pid: str, callback: str = "") -> ContractRequest:
        """The first message of a consumer that calls its negotiation `pid`."""
        return ContractRequest(pid, story.ASSET, self.offer(), callback=callback or self.there.url)

    def process(self, pid: str, who: str = CITY) -> tuple[Process, str]:
        """A process by the name that the node gives it, and where it stands."""
        with self.node.store.read() as state:
            row = by_pid(state, pid, who)
            assert row is not None
            return row, state_of(state, row)

    def place(self, kind: str, role: str, state: str, theirs: str = "", pending: str = "", peer: str = CITY) -> str:
        """Puts a process into a state by its facts; returns the name under which the peer knows it."""

        def command(tx: Transaction) -> str:
            id, name = numbered(kind, tx.next), talk.pid(self.node)
            subject = story.OFFER if kind == "negotiation" else "agreement-1"
            if role == "consumer" and kind == "negotiation":
                subject = f"{peer}:{tx.next}"
                tx.append(OfferNoted(subject, peer, story.ASSET, story.OFFER, self.offer()))
            tx.append(ProcessOpened(
                id, kind, role, story.OPERATOR, peer, name, self.there.url, theirs, subject, PULL * (kind == "transfer")
            ))  # fmt: skip
            ends = (story.OPERATOR, peer) if role == "provider" else (peer, story.OPERATOR)
            if state != negotiation.START:
                tx.append(
                    NegotiationMoved(id, subject, *ends, peer, "placed", state) if kind == "negotiation"
                    else TransferMoved(id, subject, *ends, peer, "placed", state, PULL)
                )  # fmt: skip
            if pending:
                tx.append(MessageQueued(id, pending, story.OPERATOR))
            return name

        return self.node.store.write(command)

    def give(self, patience: Patience = QUICK, seconds: float = 5) -> None:
        """Lets the outbox say what waits, over real sockets."""

        async def work() -> None:
            services = HttpServices(seconds)
            try:
                await Outbox(self.node, services, patience).once()
            finally:
                await services.close()

        asyncio.run(work())


@contextlib.contextmanager
def world_in(directory: Path, table: Path) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        node, there = stack.enter_context(open_node(directory)), stack.enter_context(elsewhere())
        story.register_table(node, table)
        terms = Terms("aggregates", (story.PURPOSE,), 500, "EUR", 1)
        story.done(trade.publish_offer(node, story.OFFER, story.ASSET, story.OPERATOR, terms))
        tokens = {}
        for name in (CITY, INSURER, NOBODY):
            story.done(register.add_party(node, name, "public-body", name.capitalize()))
            story.done(register.verify_party(node, name, "its entry in the public register", None))
            tokens[name] = login.issue_token(node, name, "user", ("negotiate",), 1, "its node")
            if name != NOBODY:
                story.done(peers.link(node, name, f"did:web:{name}.example", there.url, True, True, SECRET))
        url = stack.enter_context(served(stack.enter_context(application(node))))
        yield World(node, url, tokens, there, directory)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, founded: Path, table: Path) -> Iterator[World]:
    """One node for the tests that only try what is refused, or what they began themselves."""
    with world_in(Path(copytree(founded, tmp_path_factory.mktemp("hospital") / "node")), table) as found:
        yield found


@pytest.fixture
def own(tmp_path: Path, founded: Path, table: Path) -> Iterator[World]:
    """One for a test alone."""
    with world_in(Path(copytree(founded, tmp_path / "node")), table) as found:
        yield found


# ---- every message in every state, twice

MESSAGES: dict[str, dict[str, tuple[str, Callable[[World, str, str], Message]]]] = {
    "negotiation": {
        "request": ("request", lambda w, p, c: ContractRequest(c, story.ASSET, w.offer(), p)),
        "offer": ("offers", lambda w, p, c: ContractOffer(p, story.ASSET, w.offer(), c)),
        "accept": ("events", lambda w, p, c: NegotiationAccepted(p, c)),
        "agree": ("agreement", lambda w, p, c: ContractAgreement(
            p, c, story.ASSET, replace(w.offer(), uid="theirs", kind="Agreement"), "did:web:city.example", "us",
            "2026-01-01T00:00:00Z")),
        "verify": ("agreement/verification", lambda w, p, c: AgreementVerification(p, c)),
        "finalize": ("events", lambda w, p, c: NegotiationFinalized(p, c)),
        "terminate": ("termination", lambda w, p, c: NegotiationTermination(p, c, "x", ("no more",))),
    },
    "transfer": {
        "start": ("start", lambda w, p, c: TransferStart(p, c)),
        "suspend": ("suspension", lambda w, p, c: TransferSuspension(p, c)),
        "complete": ("completion", lambda w, p, c: TransferCompletion(p, c)),
        "terminate": ("termination", lambda w, p, c: TransferTermination(p, c)),
    },
}  # fmt: skip
TABLES = {"negotiation": negotiation.MOVES, "transfer": transfer.MOVES}


@pytest.mark.parametrize("role", ["provider", "consumer"])
@pytest.mark.parametrize("kind", ["negotiation", "transfer"])
def test_a_message_moves_what_its_sender_may_move_and_once(world: World, kind: str, role: str) -> None:
    """Replayed, reordered, or sent by the wrong side: every message in every state."""
    theirs = "provider" if role == "consumer" else "consumer"
    states = dict.fromkeys((*(state for state, _ in TABLES[kind]), *rules.FINAL[kind]))
    tried = 0
    for state in (one for one in states if one != negotiation.START):
        for message, (path, made) in MESSAGES[kind].items():
            pid = world.place(kind, role, state, "their-name")
            pids = (pid, "their-name") if role == "provider" else ("their-name", pid)
            address, said = f"/{kind}s/{pid}/{path}", dsp.write(made(world, *pids))
            who, then = TABLES[kind].get((state, message), ("", ""))
            if who in ("either", theirs):
                answer = world.send(address, said)
                assert (answer.status_code, answer.json()["state"]) == (200, then), (state, message, answer.text)
                if (then, message) not in TABLES[kind]:
                    world.changes_nothing(lambda: world.send(address, said), 400)  # noqa: B023
            else:
                world.changes_nothing(lambda: world.send(address, said), 400)  # noqa: B023
                then = state
            assert world.process(pid)[1] == then, (state, message)
            tried += 1
    assert tried == {"negotiation": 49, "transfer": 20}[kind]


# ---- crossed


def test_a_message_for_one_process_moves_no_other(world: World) -> None:
    """Names of one process in the message, of another in the address; of the other kind, with the roles mixed, another's."""
    ours = world.place("negotiation", "provider", "REQUESTED", "n-1")
    second = world.place("negotiation", "provider", "REQUESTED", "n-2")
    moving = world.place("transfer", "provider", "STARTED", "t-1")
    foreign = world.place("negotiation", "provider", "REQUESTED", "n-1", peer=INSURER)
    for path, message in (
        (f"/negotiations/{ours}/termination", NegotiationTermination(second, "n-2")),
        (f"/negotiations/{ours}/termination", NegotiationTermination(ours, "n-2")),
        (f"/negotiations/{ours}/termination", NegotiationTermination(second, "n-1")),
        (f"/negotiations/{ours}/termination", NegotiationTermination("n-1", ours)),
        (f"/negotiations/{ours}/termination", NegotiationTermination(foreign, "n-1")),
        (f"/negotiations/{moving}/termination", NegotiationTermination(moving, "t-1")),
        (f"/transfers/{ours}/termination", TransferTermination(ours, "n-1")),
        (f"/transfers/{moving}/termination", NegotiationTermination(moving, "t-1")),
        (f"/negotiations/{ours}/termination", TransferTermination(ours, "n-1")),
        (f"/negotiations/{ours}/events", NegotiationTermination(ours, "n-1")),
        (f"/negotiations/{foreign}/termination", NegotiationTermination(foreign, "n-1")),
        (f"/negotiations/{ours}/request", world.request("n-1")),
        ("/negotiations/request", ContractRequest("n-1", story.ASSET, world.offer(), ours)),
        ("/negotiations/n-1/termination", NegotiationTermination(ours, "n-1")),
    ):
        world.changes_nothing(lambda: world.send(path, message))  # noqa: B023
    for pid, who in ((ours, CITY), (second, CITY), (foreign, INSURER)):
        assert world.process(pid, who)[1] == "REQUESTED"
    assert world.process(moving)[1] == "STARTED"


def test_an_agreement_on_another_dataset_is_not_taken_even_while_our_own_message_waits(world: World) -> None:
    pid = world.place("negotiation", "consumer", "START", pending="request")
    told = replace(world.offer(), uid="theirs", kind="Agreement")
    said = ContractAgreement("n-9", pid, "another", told, "did:web:city.example", "us", "2026-01-01T00:00:00Z")
    answer = world.changes_nothing(lambda: world.send(f"/negotiations/{pid}/agreement", said), 400)
    assert answer.json()["code"] == "contract.crossed"
    assert world.process(pid)[0].pending == "request"


def test_what_is_anothers_and_what_is_not_there_are_told_alike(world: World) -> None:
    """Of a process, an offer, a dataset, an agreement; by a peer, and by a party that is none."""
    theirs, none = world.place("negotiation", "provider", "REQUESTED", "n-7", peer=INSURER), "urn:uuid:0"
    moving = world.place("transfer", "provider", "STARTED", "t-7", peer=INSURER)
    hidden = replace(world.offer(), uid="no-such-offer")
    request = ContractRequest("n-8", story.ASSET, hidden, callback=world.there.url)
    for who in (CITY, NOBODY):
        for there, kind in ((theirs, "negotiations"), (moving, "transfers")):
            for name in (there, none):
                found = world.look(f"/{kind}/{name}", who)
                assert found.status_code == 404
            first, second = (world.look(f"/{kind}/{name}", who).text.replace(name, "NAME") for name in (there, none))
            assert first == second
        first, second = (
            world.changes_nothing(
                lambda: world.send(f"/negotiations/{name}/termination", NegotiationTermination(name, "n-7"), who),  # noqa: B023
                404,
            ).text.replace(name, "NAME")
            for name in (theirs, none)
        )
        assert first == second
        world.changes_nothing(lambda: world.send("/negotiations/request", request, who), 404)  # noqa: B023
    name = world.node.store.write(lambda tx: _agree(world, tx))
    first, second = (
        world.changes_nothing(
            lambda: world.send("/transfers/request", TransferRequest("t", said, PULL, world.there.url)),  # noqa: B023
            404,
        ).text.replace(one, "NAME")
        for one in (name, "agreement-9999")
        for said in (rules.agreement_name(world.node.about.origin, one),)
    )
    assert first == second


def _agree(world: World, tx: Transaction) -> str:
    """An agreement with the insurer."""
    name, terms = numbered("agreement", tx.next), Terms("aggregates", (story.PURPOSE,), 500, "EUR", 1)
    tx.append(AgreementReached(
        name, "negotiation-1", story.OFFER, story.ASSET, story.OPERATOR, INSURER, terms, END_OF_TIME, ""
    ))  # fmt: skip
    return name


# ---- bodies


def _request(**more: Any) -> bytes:
    said = {
        "@context": [CONTEXT], "@type": "ContractRequestMessage", "consumerPid": "c", "callbackAddress": "http://x.example",
        "offer": {"@type": "Offer", "@id": story.OFFER, "target": story.ASSET, "permission": [{"action": "use"}]},
    }  # fmt: skip
    return json.dumps({**said, **more}).encode()


BODIES = {
    "nothing": b"",
    "no JSON": b"\x00\xff\xfe{",
    "a list": b"[]",
    "null": b"null",
    "too long": b'{"a":"' + b"x" * 1_100_000 + b'"}',
    "longer than anything": b"[" + b"0," * 2_000_000 + b"0]",
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "deep lists": b"[" * 200_000 + b"]" * 200_000,
    "deep constraints": _request().replace(
        b'{"action": "use"}',
        b'{"action": "use", "constraint": [' + b'{"and":[' * 200 + b"{}" + b"]}" * 200 + b"]}",
    ),
    "a key twice": _request()[:-1] + b', "consumerPid": "d"}',
    "a key in two spellings": _request().replace(b'"ContractRequestMessage"', b'"dspace:ContractRequestMessage"')[:-1]
    + b', "dspace:consumerPid": "d"}',
    "half a surrogate": _request(consumerPid="\ud800"),
    "NUL in a name": _request(consumerPid="a\x00b"),
    "a line end in a name": _request(consumerPid="a\r\nX-Evil: 1"),
    "an empty name": _request(consumerPid=""),
    "a name that is too long": _request(consumerPid="x" * 2_001),
    "a step upwards for a name": _request(consumerPid=".."),
    "a name that is a number": _request(consumerPid=7),
    "a name not in form C": _request(consumerPid="e\u0301"),
    "no context": _request(**{"@context": []}),
    "another context": _request(**{"@context": ["https://evil.example/context.jsonld"]}),
    "words of its own": _request(
        **{"@context": [CONTEXT, {"permission": "odrl:prohibition"}], "@type": "dspace:ContractRequestMessage"}
    ),
    "not a number": _request().replace(b'"c"', b"NaN"),
    "a huge number": _request(extra=0)[:-2] + b"9" * 100_000 + b"}",
    "another message": dsp.write(NegotiationTermination("p", "c")),
    "too many rules": _request(
        offer={"@type": "Offer", "@id": "o", "target": "t", "permission": [{"action": "use"}] * 5_000}
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_no_message_is_refused_and_leaves_no_trace(world: World, name: str) -> None:
    for path in ("/negotiations/request", "/negotiations/offers", "/transfers/request"):
        world.changes_nothing(lambda: world.send(path, BODIES[name]), 400, 413)  # noqa: B023


def test_nothing_is_unpacked_and_the_kind_of_content_changes_nothing(world: World) -> None:
    bomb = gzip.compress(b" " * 50_000_000 + b"{}")
    for coding in ("gzip", "deflate", "br", "zstd"):
        world.changes_nothing(lambda: world.send("/negotiations/request", bomb, Content_Encoding=coding), 400)  # noqa: B023
    headers = {"Content-Encoding": "gzip"}
    world.changes_nothing(lambda: world.send("/negotiations/request", bomb, **headers), 400)
    for kind in ("text/html", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        world.changes_nothing(
            lambda: world.send("/negotiations/request", b"a=b", **{"Content-Type": kind}),  # noqa: B023
            400,
        )


def test_how_long_it_takes_to_find_a_word_said_twice_grows_with_the_message(world: World) -> None:
    """A megabyte of words that are said once, and one that is said twice at the end, is no more work than the words."""
    words = b",".join(b'"%d":0' % number for number in range(60_000))

    def seconds(body: bytes) -> float:
        start = time.process_time()
        with pytest.raises(BadInput):
            dsp.read_contract_request(body)
        return time.process_time() - start

    assert seconds(b"{" + words + b',"59999":1}') < 10 * seconds(b"{" + words + b"}") + 0.1


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "%2f", "a/b", "{pid}", "%00", "%ed%a0%80", "x" * 2_000, "urn:uuid:'--"]
)
def test_an_address_may_hold_anything(world: World, name: str) -> None:
    for method in ("GET", "POST"):
        for kind in ("negotiations", "transfers"):
            shown = {"Authorization": f"Bearer {world.tokens[CITY]}"}
            before = world.size()
            with httpx.Client() as client:
                url = httpx.URL(world.url).copy_with(
                    raw_path=f"/dataspace/2025-1/{kind}/{name}/{'termination' if method == 'POST' else ''}".rstrip(
                        "/"
                    ).encode()
                )
                answer = client.request(method, url, headers=shown, content=b"{}", timeout=30)
            assert answer.status_code in (400, 404, 405), answer.text
            assert world.size() == before


# ---- where we are to answer


@pytest.mark.parametrize("callback", [
    "http://evil.example", "http://127.0.0.1:1", "http://169.254.169.254/latest", "http://[::1]:80", "http://10.0.0.1",
    "SERVER@evil.example", "http://us:word@HOST", "SERVER#x", "SERVER?x=1", "SERVER.evil.example", "SERVER\\@evil.example",
    "ftp://HOST", "//HOST", "file:///etc/passwd", "javascript:x", "https://HOST", "SERVER/" + "x" * 2_000, "SERVER/\n", " SERVER",
])  # fmt: skip
def test_we_answer_a_peer_at_its_own_server_only(world: World, callback: str) -> None:
    server = world.there.url
    address = callback.replace("SERVER", server).replace("HOST", server.removeprefix("http://"))
    for path, message in (
        ("/negotiations/request", world.request("where", address)),
        ("/negotiations/offers", ContractOffer("where", story.ASSET, world.offer(), callback=address)),
        ("/transfers/request", TransferRequest("where", "agreement-1", PULL, address)),
    ):
        world.changes_nothing(lambda: world.send(path, message), 400)  # noqa: B023


def test_what_we_show_a_peer_goes_to_the_server_that_the_steward_named(own: World) -> None:
    """Not to where a process began, if the peer is at another server now; and nowhere if none was named."""
    first = own.place("negotiation", "provider", "REQUESTED", "n-1", "terminate")
    with elsewhere() as new:
        story.done(peers.link(own.node, CITY, "did:web:city.example", new.url, True, True, "a-new-secret"))
        own.give()
        assert own.there.asked == []
        assert new.asked == []
        assert own.process(first)[1] == "TERMINATED"
    story.done(peers.link(own.node, CITY, "did:web:city.example", "", True, True, SECRET))
    own.place("negotiation", "provider", "REQUESTED", "n-2", "terminate")
    sent: list[ServiceRequest] = []

    class Kept:
        async def ask(self, request: ServiceRequest) -> ServiceReply:
            sent.append(request)
            return ServiceReply(200, (), b"")

        async def close(self) -> None:
            pass

    asyncio.run(Outbox(own.node, Kept(), QUICK).once())
    [request] = sent
    assert b"authorization" not in dict(request.headers)
    assert not request.private


@pytest.mark.parametrize(
    "name", ["a/b", "../../api/v1/peers", "x?y=1#z", "a b", "%2e%2e", "é", "n;v=1", "urn:uuid:1:2"]
)
def test_a_name_that_a_peer_gives_is_one_part_of_a_path(own: World, name: str) -> None:
    pid = own.place("negotiation", "provider", "REQUESTED", name, "terminate")
    own.there.answer = lambda handler, body: say(handler, 200)
    own.give()
    [(method, target, headers)] = own.there.asked
    start, end = "/negotiations/", "/termination"
    assert (method, target[: len(start)], target[-len(end) :]) == ("POST", start, end)
    assert not set(target[len(start) : -len(end)]) & set("/?# ")
    assert httpx.URL(f"http://x{target}").path == f"{start}{name}{end}"
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert own.process(pid)[1] == "TERMINATED"


# ---- what others answer us


def _drip(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        time.sleep(0.05)


def _endless(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 1_000_000)


def _state(provider: str, consumer: str, state: str = "REQUESTED") -> bytes:
    return json.dumps({
        "@context": [CONTEXT], "@type": "ContractNegotiation", "providerPid": provider, "consumerPid": consumer, "state": state,
    }).encode()  # fmt: skip


ANSWERS: dict[str, Callable[[BaseHTTPRequestHandler, bytes], None]] = {
    "garbage": lambda handler, body: say(handler, 200, b"\x00\xff not JSON"),
    "nothing": lambda handler, body: say(handler, 200),
    "other JSON": lambda handler, body: say(handler, 200, b'{"ok": true}'),
    "another process": lambda handler, body: say(handler, 201, _state("theirs", "urn:uuid:another")),
    "another side": lambda handler, body: say(handler, 201, _state(json.loads(body)["consumerPid"], "theirs")),
    "a name with a line end": lambda handler, body: say(handler, 201, _state("a\r\nb", json.loads(body)["consumerPid"])),
    "a redirect": lambda handler, body: say(handler, 302, Location=f"http://{handler.headers['host']}/led"),
    "a redirect for good": lambda handler, body: say(handler, 308, Location=f"http://{handler.headers['host']}/led"),
    "a no that is garbage": lambda handler, body: say(handler, 400, b"\xff" * 2_000_000),
    "what never ends": _endless,
    "what drips": _drip,
    "no answer": lambda handler, body: handler.connection.close(),
    "17 MB": lambda handler, body: say(handler, 200, b" " * 17_000_000),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_none_enters_no_state(own: World, name: str) -> None:
    own.there.answer = ANSWERS[name]
    pid = own.place("negotiation", "consumer", "START", pending="request")
    before = own.size()
    own.give(seconds=1)
    row, state = own.process(pid)
    assert (state, row.pending, row.theirs) == ("START", "", "")
    assert own.size() == before + 1, "one fact says that it failed"
    assert row.failed and all(len(reason) <= rules.REASON_MAX for reason in row.failed)
    assert {target for _, target, _ in own.there.asked} == {"/negotiations/request"}


def test_a_peer_that_hangs_does_not_stop_the_others(own: World) -> None:
    hangs, told = threading.Event(), threading.Event()

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if "/slow/" in handler.path:
            hangs.wait(20)
        else:
            told.set()
        say(handler, 200)

    own.there.answer = answer
    slow = replace(own, there=replace(own.there, url=f"{own.there.url}/slow"))
    for number in range(80):
        slow.place("negotiation", "provider", "REQUESTED", f"n-{number}", "terminate")
    own.place("negotiation", "provider", "REQUESTED", "n", "terminate", INSURER)

    async def work() -> None:
        until, services = asyncio.Event(), HttpServices(30)
        sending = asyncio.ensure_future(Outbox(own.node, services, QUICK).run(until))
        try:
            assert await asyncio.to_thread(told.wait, 10), "the other peer was not told"
        finally:
            until.set()
            hangs.set()
            await sending
            await services.close()

    asyncio.run(work())


# ---- floods and races


def test_a_peer_begins_so_much_and_no_more_before_some_is_over(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.OPEN_MAX, "negotiation", 3)
    begun = [own.send("/negotiations/request", own.request(f"n-{number}")) for number in range(3)]
    assert [answer.status_code for answer in begun] == [201] * 3
    refused = own.changes_nothing(lambda: own.send("/negotiations/request", own.request("n-3")), 429)
    assert refused.json()["code"] == "contract.busy"
    offered = ContractOffer("n-3", story.ASSET, own.offer(), callback=own.there.url)
    own.changes_nothing(lambda: own.send("/negotiations/offers", offered), 429)
    again = own.changes_nothing(lambda: own.send("/negotiations/request", own.request("n-0")), 201)
    assert again.json() == begun[0].json()
    assert own.send("/negotiations/request", own.request("n-0"), INSURER).status_code == 201
    pid = begun[0].json()["providerPid"]
    assert own.send(f"/negotiations/{pid}/termination", NegotiationTermination(pid, "n-0")).status_code == 200
    assert own.send("/negotiations/request", own.request("n-3")).status_code == 201
    with own.node.store.read() as state:
        assert [(row.peer, row.open) for row in state.list(Begun)] == [(CITY, 3), (INSURER, 1)]


def test_the_same_first_message_at_the_same_moment_opens_one_process(world: World) -> None:
    for number in range(5):
        message, answers = world.request(f"twice-{number}"), []
        threads = [
            threading.Thread(target=lambda: answers.append(world.send("/negotiations/request", message)))  # noqa: B023
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
        with world.node.store.read() as state:
            assert len(list(state.list(Process, theirs=f"twice-{number}"))) == 1


def test_who_was_unlinked_is_nobody(own: World) -> None:
    pid = own.place("negotiation", "provider", "REQUESTED", "n-1")
    moving = own.place("transfer", "provider", "STARTED", "t-1")
    assert own.look(f"/negotiations/{pid}").status_code == 200
    story.done(peers.unlink(own.node, CITY))
    for kind, name in (("negotiations", pid), ("transfers", moving)):
        assert own.look(f"/{kind}/{name}").text == own.look(f"/{kind}/x").text.replace("x`", f"{name}`").replace(
            '"x"', f'"{name}"'
        )
        assert own.look(f"/{kind}/{name}").status_code == 404
    own.changes_nothing(lambda: own.send(f"/negotiations/{pid}/termination", NegotiationTermination(pid, "n-1")), 404)
    own.changes_nothing(lambda: own.send("/negotiations/request", own.request("n-2")), 404)


# ---- secrets


def test_no_secret_of_a_peer_is_written_down_but_in_the_vault(own: World, caplog: pytest.LogCaptureFixture) -> None:
    """What a peer gave us to show, and the secret in an address of data: in no journal, no log, no answer."""
    caplog.set_level(logging.DEBUG)
    pid = own.place("transfer", "consumer", "REQUESTED", "t-1")
    address = DataAddress(
        "https://w3id.org/idsa/v4.1/HTTP", "https://x.example/d", (("authorization", ADDRESS_SECRET),)
    )
    assert own.send(f"/transfers/{pid}/start", TransferStart("t-1", pid, address)).status_code == 200
    for name in ("a redirect", "no answer", "what drips", "garbage"):
        own.there.answer = ANSWERS[name]
        own.place("negotiation", "consumer", "START", pending="request")
        own.give(seconds=0.5)
    assert any(headers.get("authorization") == f"Bearer {SECRET}" for _, _, headers in own.there.asked)
    vault = own.directory / "keys" / "others"
    secrets = (SECRET, ADDRESS_SECRET, *own.tokens.values())
    kept = [path for path in own.directory.rglob("*") if path.is_file() and vault not in path.parents]
    assert len(kept) > 5
    for path in kept:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path
    assert not [secret for secret in secrets if secret in caplog.text]
    for shown in (own.look(f"/transfers/{pid}"), own.look("/transfers/x")):
        assert not [secret for secret in secrets if secret in shown.text]
