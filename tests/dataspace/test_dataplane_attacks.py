"""Attack 26: data of a transfer, taken past it.

The attacker has a transfer of his own, or had one; or he runs the other node: the one that is pulled from, or pushed to.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pair
import pytest
import receiver
import test_two_nodes
import transfers
import wires
from hypothesis import example, given, settings
from hypothesis import strategies as st

import story
from support import SetClock
from usufruct.core.base.faults import PeerFault, Unwelcome
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.dataspace.facts import ProcessOpened, PushEnded, TransferMoved
from usufruct.core.dataspace.messages import PULL, PUSH, DataAddress
from usufruct.core.dataspace.state import Process
from usufruct.core.privacy.facts import QueryAdmitted
from usufruct.node import login, register, trade
from usufruct.node.dataspace import dataplane, peers, pull, talk
from usufruct.node.dataspace.outbox import Outbox
from usufruct.node.node import Node
from usufruct.peer import services as doors
from usufruct.ports import ServiceReply, ServiceRequest, Services

Both = tuple[pair.Side, pair.Side]
COUNT = "SELECT COUNT(*) AS c FROM pay"


@pytest.fixture
def both(tmp_path: Path, founded: Path, table: Path) -> Iterator[Both]:
    with pair.two(tmp_path, founded, table) as sides:
        yield sides


@pytest.fixture
def begun(both: Both) -> transfers.Begun:
    return transfers.transfer(*both, transfers.agreed(*both))


def admitted(node: Node) -> int:
    with node.store.read() as state:
        return sum(isinstance(entry.fact, QueryAdmitted) for entry in state.entries(0, state.size()))


def told(answer: httpx.Response) -> tuple[int, str, list[tuple[str, str]]]:
    headers = [(name, value) for name, value in answer.headers.items() if name not in ("date",)]
    return answer.status_code, answer.text, headers


# ---- whose token


def test_every_wrong_token_and_every_wrong_address_are_told_the_same(both: Both, begun: transfers.Begun) -> None:
    hospital, city = both
    story.done(register.add_party(hospital.node, "rival", "organisation", "Rival"))
    other = transfers.transfer(*both, transfers.agreed(*both, Terms("aggregates", (story.PURPOSE,), 1, "EUR", 1)))
    until = "2999-01-01T00:00:00.000Z"
    rivals = login.issue_data_token(hospital.node, "rival", f"{begun.there.id}/0", until)  # type: ignore[arg-type]
    url, good = begun.address().endpoint, begun.token()
    base = url.rsplit("/", 1)[0]
    account = login.issue_token(hospital.node, pair.CITY, "user", ("ask", "negotiate"), 1, "")
    unknown = f"{base}/urn:uuid:00000000-0000-4000-8000-000000000000"
    tries = [
        (url, other.token()), (other.address().endpoint, good), (url, rivals), (url, account), (url, city.token),
        (url, "usu_" + "0" * 64), (url, ""), (url, "Bearer"), (url, f"Basic {good}"), (url, good[:-1]), (url, good.upper()),
        (unknown, good), (f"{base}/{begun.there.id}", good), (f"{base}/{begun.here.pid}", good), (unknown, ""),
    ]  # fmt: skip
    answers = [told(transfers.at(where, token, {"sql": COUNT})) for where, token in tries]
    assert answers == [answers[0]] * len(tries)
    assert answers[0][0] == 401
    assert admitted(hospital.node) == 0
    assert transfers.at(url, good, {"sql": COUNT}).status_code == 200


def test_the_token_of_data_opens_nothing_else(both: Both, begun: transfers.Begun) -> None:
    hospital, token = both[0], begun.token()
    for method, path in (
        ("GET", "/api/v1/agreements"), ("POST", "/api/v1/queries"), ("POST", "/dataspace/2025-1/catalog/request"),
        ("GET", f"/dataspace/2025-1/transfers/{begun.there.pid}"), ("POST", f"/dataspace/2025-1/data/{begun.there.pid}/token"),
    ):  # fmt: skip
        for shown in (token, f"Bearer {token}"):
            answer = httpx.request(method, hospital.url + path, headers={"Authorization": shown}, json={})
            assert answer.status_code == 401, (path, answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "{}/../transfers",
        "{}/..%2f..%2fapi%2fv1%2fagreements",
        "{}%00",
        "{}/",
        "%2e%2e/{}",
        "{};x",
        "./{}",
        "{}%2ftoken",
    ],
)
def test_no_path_leads_past_the_token(both: Both, begun: transfers.Begun, path: str) -> None:
    """What is no other spelling of the address is not found; what is, needs the token as ever."""
    url = f"{both[0].url}/dataspace/2025-1/data/"
    with httpx.Client() as client:
        for token in ("", "usu_wrong", begun.token()):
            raw = client.build_request("GET", url + "x", headers={"Authorization": token} if token else {})
            raw.url = raw.url.copy_with(raw_path=("/dataspace/2025-1/data/" + path.format(begun.there.pid)).encode())
            answer = client.send(raw)
            same = path.format("") in ("/", "./")
            assert answer.status_code in ((200, 401, 404) if same and token == begun.token() else (401, 404, 405)), (
                answer.text
            )
            if answer.status_code == 200:
                assert answer.json()["agreement"] == begun.agreement


def test_who_is_not_linked_any_more_gets_nothing(both: Both, begun: transfers.Begun) -> None:
    assert begun.ask(COUNT).status_code == 200
    story.done(peers.unlink(both[0].node, pair.CITY))
    assert begun.ask(COUNT).status_code == 401


def test_the_end_of_the_agreement_counts_at_once(both: Both, begun: transfers.Begun) -> None:
    hospital = both[0].node
    story.done(trade.end_agreement(hospital, begun.agreement, story.OPERATOR))
    for answer in (begun.ask(COUNT), begun.ask(story.QUESTION, anew=True)):
        assert (answer.status_code, answer.json()["refusal"]["code"]) == (403, "access.no-agreement")
    assert admitted(hospital) == 0


# ---- when a token is good


Step = st.sampled_from(["issue", "suspend", "start", "renew", "issue", "suspend", "start", "terminate"])


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, founded: Path, table: Path) -> Iterator[Node]:
    """A hospital with an agreement that a city has, and nobody who sends anything."""
    with wires.two(tmp_path_factory.mktemp("quiet"), founded, table) as (_, hospital, city):
        test_two_nodes.ask_for(city, hospital)
        test_two_nodes.settle(city, hospital)
        yield hospital


@settings(max_examples=60, deadline=None)
@example(["issue", "suspend", "start"])
@example(["issue", "renew"])
@given(steps=st.lists(Step, min_size=3, max_size=16))
def test_a_token_is_good_from_its_making_to_the_next_pause_or_renewal(quiet: Node, steps: list[str]) -> None:
    """Whatever happens in whatever order, held against what the protocol's words say."""
    process, state, good, all_made = _begin(quiet), "REQUESTED", set[str](), set[str]()
    for step in ["start", *steps]:
        if step in ("issue", "renew"):
            if step == "renew" and state == "STARTED":
                good.clear()
                again = dataplane.renew(quiet, process.peer, process.pid)
                assert not isinstance(again, Refusal)
                address = again.address
            elif step == "renew":
                assert isinstance(dataplane.renew(quiet, process.peer, process.pid), Refusal)
                continue
            else:
                address = dataplane.address_for(quiet, process)
            assert address is not None
            good.add(address.property("authorization"))
            all_made |= good
        elif (then := dataplane_moves(state, step)) is not None:
            state = then
            _move(quiet, process, step, state)
            if state == "SUSPENDED":
                good.clear()
        for token in all_made:
            assert _opens(quiet, process, token) == (state == "STARTED" and token in good), (step, state)


def dataplane_moves(state: str, step: str) -> str | None:
    """Where a message leads, as the diagram of the specification draws it."""
    return {
        ("REQUESTED", "start"): "STARTED", ("STARTED", "suspend"): "SUSPENDED", ("SUSPENDED", "start"): "STARTED",
        ("STARTED", "terminate"): "TERMINATED", ("SUSPENDED", "terminate"): "TERMINATED",
    }.get((state, step))  # fmt: skip


def _begin(node: Node) -> Process:
    from usufruct.core.contract.state import Agreement

    with node.store.read() as state:
        [agreement] = state.list(Agreement)
        name = f"transfer-{state.size()}"
    node.store.write(lambda tx: tx.append(ProcessOpened(
        name, "transfer", "provider", agreement.provider, agreement.consumer, f"pid-{name}", "http://city", f"its-{name}",
        agreement.id, PULL,
    )))  # fmt: skip
    with node.store.read() as state:
        row = state.get(Process, name)
    assert row is not None
    _move(node, row, "request", "REQUESTED")
    return row


def _move(node: Node, row: Process, message: str, state: str) -> None:
    node.store.write(lambda tx: tx.append(TransferMoved(
        row.id, row.subject, row.provider, row.consumer, row.peer, message, state, PULL
    )))  # fmt: skip


def _opens(node: Node, row: Process, token: str) -> bool:
    who = login.identify(node, "data", token)
    if who is None:
        return False
    try:
        return not isinstance(dataplane.opened(node, who, row.pid), Refusal)
    except Unwelcome:
        return False


def test_a_token_is_good_for_minutes(quiet: Node) -> None:
    clock = SetClock(0)
    node = replace(quiet, clock=clock)
    row = _begin(node)
    _move(node, row, "start", "STARTED")
    address = dataplane.address_for(node, row)
    assert address is not None
    assert _opens(node, row, address.property("authorization"))
    clock.move(minutes=dataplane.TOKEN_MINUTES)
    assert not _opens(node, row, address.property("authorization"))


# ---- the node that is pulled from is the attacker


@dataclass
class Evil:
    """`ports.Services` in which one node answers what it likes."""

    replies: list[ServiceReply | PeerFault]
    asked: list[ServiceRequest] = field(default_factory=list)

    async def ask(self, request: ServiceRequest) -> ServiceReply:
        self.asked.append(request)
        reply = self.replies.pop(0) if self.replies else ServiceReply(404, (), b"")
        if isinstance(reply, PeerFault):
            raise reply
        return reply

    async def close(self) -> None:
        pass


@pytest.fixture
def pulling(tmp_path: Path, founded: Path, table: Path) -> Iterator[tuple[Node, str, str]]:
    """A city with a started transfer: the node, the transfer, and the name of the address in the vault."""
    with wires.two(tmp_path, founded, table) as (_, hospital, city):
        asked = test_two_nodes.ask_for(city, hospital)
        test_two_nodes.settle(city, hospital)
        begun = story.done(talk.transfer(city, asked.process, PULL, story.OPERATOR))
        test_two_nodes.settle(city, hospital)
        with city.store.read() as state:
            row = state.get(Process, begun.process)
        assert row is not None
        yield city, row.id, f"pull/{row.pid}"


def with_services(node: Node, made: Any) -> Node:
    return replace(node, connector=replace(node.connector, services=lambda: made))


SECRET = "usu_secret"


def keep(node: Node, name: str, url: str, token: str = SECRET) -> None:
    node.connector.vault.keep(name, DataAddress(dataplane.HTTP, url, (("authorization", token),)).to_bytes())


@pytest.mark.parametrize(
    "reply",
    [
        ServiceReply(302, ((b"location", b"http://127.0.0.1/admin"),), b""),
        ServiceReply(500, (), b"<html>"),
        ServiceReply(403, (), b"[" * 100_000),
        ServiceReply(403, (), b'{"refusal": {"message": 7}}'),
        ServiceReply(401, (), b"null"),
    ],
    ids=lambda reply: str(reply.status),
)
def test_what_is_no_answer_becomes_a_refusal(pulling: tuple[Node, str, str], reply: ServiceReply) -> None:
    node, transfer, name = pulling
    keep(node, name, "http://hospital/data")
    evil = Evil([reply])
    found = pull.pull(with_services(node, evil), transfer, story.OPERATOR, COUNT)
    assert isinstance(found, Refusal)
    assert found.code == "contract.pull"
    assert SECRET not in str(found)
    told_token = [request.url for request in evil.asked if (b"authorization", SECRET.encode()) in request.headers]
    assert told_token == ["http://hospital/data"], "the token goes to its address and nowhere else"


def test_its_words_are_cut_and_shown_as_words(pulling: tuple[Node, str, str]) -> None:
    node, transfer, name = pulling
    keep(node, name, "http://hospital/data")
    long = '{"refusal": {"message": "m", "reasons": [' + ",".join(['"' + "x" * 5_000 + '"'] * 50) + '], "remedy": "r"}}'
    found = pull.pull(
        with_services(node, Evil([ServiceReply(403, (), long.encode())])), transfer, story.OPERATOR, COUNT
    )
    assert isinstance(found, Refusal)
    assert len(found.reasons) <= 20
    assert max(map(len, found.reasons)) <= 1_000


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://user:pass@hospital/x", "ftp://hospital/x", "", "http://"]
)
def test_an_address_that_is_none_is_not_asked(pulling: tuple[Node, str, str], url: str) -> None:
    node, transfer, name = pulling
    keep(node, name, url)
    evil = Evil([])
    with pytest.raises(PeerFault, match="address that is none"):
        pull.pull(with_services(node, evil), transfer, story.OPERATOR, COUNT)
    assert not evil.asked


def test_an_address_in_a_private_network_is_asked_only_where_that_was_allowed(pulling: tuple[Node, str, str]) -> None:
    node, transfer, name = pulling
    with receiver.receiving() as inside:
        keep(node, name, inside.url)
        real = replace(node, connector=replace(node.connector, services=doors.HttpServices))
        assert isinstance(pull.pull(real, transfer, story.OPERATOR, COUNT), pull.Pulled)
        link(node, wires.HOSPITAL, private=False)
        with pytest.raises(PeerFault, match="private network"):
            pull.pull(real, transfer, story.OPERATOR, COUNT)
        assert len(inside.got) == 1


def test_an_answer_has_a_limit(pulling: tuple[Node, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    node, transfer, name = pulling
    monkeypatch.setattr(doors, "REPLY_LIMIT", 1_000)
    with receiver.receiving() as inside:
        keep(node, name, inside.url)
        inside.sends = b"x" * 1_001
        inside.answers.append(200)
        real = replace(node, connector=replace(node.connector, services=doors.HttpServices))
        with pytest.raises(PeerFault, match="more than 1000 bytes"):
            pull.pull(real, transfer, story.OPERATOR, COUNT)


def test_a_token_that_cannot_be_a_header_is_sent_nowhere(pulling: tuple[Node, str, str]) -> None:
    node, transfer, name = pulling
    with receiver.receiving() as inside:
        keep(node, name, inside.url, "x\r\nHost: elsewhere")
        real = replace(node, connector=replace(node.connector, services=doors.HttpServices))
        with pytest.raises(PeerFault):
            pull.pull(real, transfer, story.OPERATOR, COUNT)
        assert not inside.got


def test_no_token_is_told_to_a_log(
    pulling: tuple[Node, str, str], caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    node, transfer, name = pulling
    keep(node, name, "http://hospital/data")
    for status in (200, 500):
        pull.pull(with_services(node, Evil([ServiceReply(status, (), b"{}")])), transfer, story.OPERATOR, COUNT)
    with pytest.raises(PeerFault) as raised:
        pull.pull(with_services(node, Evil([PeerFault("peer.failed", "gone", "")])), transfer, story.OPERATOR, COUNT)
    assert SECRET not in str(raised.value)
    assert SECRET not in caplog.text + "".join(capfd.readouterr())
    with node.store.read() as state:
        assert not [entry for entry in state.entries(0, state.size()) if re.search("usu_", repr(entry.fact))]


# ---- the consumer names where to push


def link(node: Node, party: str, private: bool) -> None:
    url = f"http://{party}/dataspace/2025-1"
    story.done(peers.link(node, party, f"did:web:{party}", url, False, private))


@dataclass
class Mixed:
    """The wire for the other node, and the door to the world for the rest."""

    wire: Services
    world: doors.HttpServices

    async def ask(self, request: ServiceRequest) -> ServiceReply:
        return await (self.world if "127.0.0.1" in request.url else self.wire).ask(request)

    async def close(self) -> None:
        await self.world.close()


@pytest.mark.parametrize("private", [True, False])
def test_into_a_private_network_is_pushed_only_where_that_was_allowed(
    tmp_path: Path, founded: Path, table: Path, private: bool
) -> None:
    with receiver.receiving() as inside, wires.two(tmp_path, founded, table) as (_, hospital, city):
        asked = test_two_nodes.ask_for(city, hospital)
        test_two_nodes.settle(city, hospital)
        link(hospital, wires.CITY, private)
        address = DataAddress(dataplane.HTTP, inside.url, (("query", COUNT),))
        story.done(talk.transfer(city, asked.process, PUSH, story.OPERATOR, address))

        async def work() -> None:
            mixed = Mixed(hospital.connector.services(), doors.HttpServices())
            await Outbox(city, city.connector.services(), test_two_nodes.QUICK).once()
            await Outbox(hospital, mixed, test_two_nodes.QUICK).once()
            await mixed.close()

        asyncio.run(work())
        with hospital.store.read() as state:
            [ended] = [e.fact for e in state.entries(0, state.size()) if isinstance(e.fact, PushEnded)]
        assert len(inside.got) == int(private)
        assert ("private network" in " ".join(ended.reasons)) == (not private)
        assert test_two_nodes.states(hospital)[-1] == ("COMPLETED" if private else "TERMINATED")
