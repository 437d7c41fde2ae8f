"""The clinic's own node sends its calls to the register's node: both keep the same request hash, and can compare."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exchange.world import CLINIC, CODE, PERSONS, PURPOSE, SUBSYSTEM, Consumer, Provider, done, facts_of, pair, provider
from serving import application, served
from usufruct.core.base.faults import BadInput, PeerFault
from usufruct.core.base.instants import Instant, later
from usufruct.core.exchange.facts import CallAbandoned, CallAdmitted, CallRefused, CallReturned, CallSent
from usufruct.core.exchange.message import Message
from usufruct.core.proof.checkpoint import to_base64, vkey
from usufruct.main import create_node, open_node
from usufruct.node import reconcile, services
from usufruct.node.call import signed_text
from usufruct.peer.services import HttpServices
from usufruct.web.xroad import Front


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Consumer, Provider]]:
    with pair(tmp_path_factory.mktemp("pair")) as found:
        yield found


def test_a_call_is_journaled_at_both_ends_with_the_same_hash(both: tuple[Consumer, Provider]) -> None:
    here, there = both
    answer = here.ask(
        f"/r1/{PERSONS}/v1/{CODE}?x=%C3%B5", method="POST", content=b"\x00body", headers={"X-Thing": "õ".encode()}
    )
    assert answer.status_code == 200, answer.text
    _, sent = facts_of(here.node, CallSent)[-1]
    entry, returned = facts_of(here.node, CallReturned)[-1]
    _, admitted = there.facts(CallAdmitted)[-1]
    assert sent.hash == admitted.hash == answer.headers["x-road-request-hash"]
    assert sent.purpose == admitted.purpose == PURPOSE and admitted.party == "clinic" and sent.party == "hospital"
    assert int(answer.headers["usufruct-receipt"]) == entry.seq
    assert int(answer.headers["usufruct-provider-receipt"]) == returned.receipt
    method, target, passed, body = there.registry.seen[-1]
    assert (method, target, body) == ("POST", f"/api/v1/{CODE}?x=%C3%B5", b"\x00body")
    assert "usufruct-signature" not in passed and "content-type" not in passed, "nothing is added by the way"
    assert passed["x-road-request-id"] == answer.headers["x-road-request-id"]


def test_what_the_other_node_refuses_comes_back_as_it_said_it(both: tuple[Consumer, Provider]) -> None:
    here, there = both
    answer = here.ask(f"/r1/{PERSONS}/v1/{CODE}", method="PUT", content=b"x")
    assert answer.headers["x-road-error"] == "Server.ServerProxy.AccessDenied", answer.headers
    assert answer.json()["detail"] == "exchange.method"
    assert there.facts(CallRefused)[-1][1].hash == facts_of(here.node, CallSent)[-1][1].hash


def test_a_node_cannot_sign_for_anothers_client(both: tuple[Consumer, Provider], tmp_path: Path) -> None:
    _, there = both
    create_node(tmp_path / "evil", "Evil", "evil", "Evil", "EUR", origin="evil.example/journal")
    with open_node(tmp_path / "evil") as node:
        done(services.register_client(node, CLINIC, "evil"))
        done(services.link_node(node, SUBSYSTEM, there.url, private=True))
        done(services.open_service(node, PERSONS, CLINIC, (PURPOSE,), PURPOSE))
        with there.node.store.read() as state:
            size = state.size()
        with pytest.raises(PeerFault):
            asyncio.run(_reconcile(node, there.url))
        with there.node.store.read() as state:
            assert state.size() == size, "a stranger's signature leaves no fact"


async def _reconcile(node: object, url: str, hours: int = 1) -> reconcile.Reconciliation:
    outbound = HttpServices()
    try:
        now = node.clock.now()  # type: ignore[attr-defined]
        return await reconcile.reconcile(node, outbound, url, later(now, hours=-hours), later(now, hours=1))  # type: ignore[arg-type]
    finally:
        await outbound.close()


def signed(here: Consumer, at: Instant | None = None, change: bytes = b"") -> list[tuple[bytes, bytes]]:
    """The headers of a call of the clinic's node, signed by it; with `change` one is changed afterwards."""
    headers = ((b"x-road-client", CLINIC.encode()), (b"usufruct-purpose", PURPOSE.encode()), (b"accept", b"*/*"),
               (b"x-road-request-id", b"r-1"), (b"x-road-id", b"m-1"))  # fmt: skip
    hash = Message("GET", f"/r1/{PERSONS}/v1/{CODE}".encode(), headers, b"").hash()
    at = at or here.node.clock.now()
    signature = to_base64(here.node.signer.sign(signed_text(at, hash)))
    proof = f"{at} {vkey(here.node.signer.name, here.node.signer.public)} {signature}".encode()
    return [
        *headers[:-1],
        (b"x-road-id", change or b"m-1"),
        (b"x-road-request-hash", hash.encode()),
        (b"usufruct-signature", proof),
    ]


def send(there: Provider, headers: list[tuple[bytes, bytes]]) -> httpx.Response:
    with httpx.Client() as client:
        request = client.build_request("GET", f"{there.url}/r1/{PERSONS}/v1/{CODE}")
        request.headers = httpx.Headers([(b"host", b"there"), *headers])
        return client.send(request)


def test_a_signature_is_good_once_and_for_what_was_signed(both: tuple[Consumer, Provider]) -> None:
    here, there = both
    headers = signed(here)
    assert send(there, headers).status_code == 200
    assert send(there, headers).headers["x-road-error"] == "Server.ClientProxy.SslAuthenticationFailed", "used twice"
    changed = send(there, signed(here, change=b"m-2"))
    assert changed.status_code == 400 and "not the one that was sent" in changed.json()["message"]
    old = signed(here, at=later(here.node.clock.now(), minutes=-10))
    assert send(there, old).headers["x-road-error"] == "Server.ClientProxy.SslAuthenticationFailed"


def test_an_answer_to_something_else_is_not_let_out(tmp_path: Path) -> None:
    async def liar(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-road-request-hash", b"AAAA")]})
            await send({"type": "http.response.body", "body": b"lies"})

    with pair(tmp_path) as (here, _), served(liar) as url:
        done(services.link_node(here.node, SUBSYSTEM, url, private=True))
        answer = here.ask(f"/r1/{PERSONS}/v1/{CODE}")
        assert answer.headers["x-road-error"] == "Server.ClientProxy.InconsistentResponse"
        assert b"lies" not in answer.content and len(facts_of(here.node, CallAbandoned)) == 1


def test_two_nodes_compare_what_passed_between_them(tmp_path: Path) -> None:
    with pair(tmp_path) as (here, there):
        for code in ("EE1", "EE2", "EE3"):
            assert here.ask(f"/r1/{PERSONS}/v1/{code}").status_code == 200
        assert here.ask(f"/r1/{PERSONS}/v1/EE4", method="PUT").status_code == 500, "refused, and known to both"
        found = asyncio.run(_reconcile(here.node, there.url))
        assert (found.both, found.only_ours, found.only_theirs) == (4, (), ())

        lost = CallSent("call-lost", PERSONS, CLINIC, "hospital", "GET", PURPOSE, "m", "A" * 86 + "==", there.url)
        here.node.store.write(lambda tx: tx.append(lost))  # what the other side never had, or has taken out
        extra = CallAdmitted("call-extra", PERSONS, CLINIC, "clinic", "GET", PURPOSE, "m", "B" * 86 + "==")
        there.node.store.write(lambda tx: tx.append(extra))
        found = asyncio.run(_reconcile(here.node, there.url))
        assert found.both == 4
        assert [hash for hash, _ in found.only_ours] == [lost.hash]
        assert [hash for hash, _ in found.only_theirs] == [extra.hash]


def test_each_entry_that_one_side_lacks_is_named(tmp_path: Path) -> None:
    """From two files, as auditors would: drop any one line of either and it is named."""
    since, until = Instant("2026-11-22T00:00:00.000Z"), Instant("2026-11-23T00:00:00.000Z")
    all_of_it = {f"{n:086d}==": later(since, minutes=n) for n in range(100)}
    for hash in all_of_it:
        rest = {other: at for other, at in all_of_it.items() if other != hash}
        assert reconcile.compare(all_of_it, rest, since, until).only_ours == ((hash, all_of_it[hash]),)
        assert reconcile.compare(rest, all_of_it, since, until).only_theirs == ((hash, all_of_it[hash]),)
    assert reconcile.compare(all_of_it, {}, since, since).only_ours == ()
    late = {hash: later(at, minutes=5) for hash, at in all_of_it.items()}
    assert reconcile.compare(all_of_it, late, since, until).both == 100, "the other side's clock may differ"


def test_only_the_two_sides_of_a_call_are_told_of_it(both: tuple[Consumer, Provider]) -> None:
    _, there = both
    day = there.node.clock.now()[:10]
    listed = there.ask(f"/r1/{SUBSYSTEM}/listCalls?day={day}")
    assert listed.status_code == 200 and len(listed.text.splitlines()) >= 1
    assert all(len(line.split()) == 2 for line in listed.text.splitlines()), "hashes and instants, nothing else"
    other = there.ask(f"/r1/{SUBSYSTEM}/listCalls?day={day}", token=there.tracker)
    assert other.json()["detail"] == "exchange.closed"


def test_a_list_that_is_no_list_and_a_period_that_is_no_period() -> None:
    with pytest.raises(ValueError, match="line 2"):
        reconcile.read_lines([f"{'A' * 86}== 2026-11-22T00:00:00.000Z", "nonsense"])


def test_nobody_is_asked_who_is_not_linked(both: tuple[Consumer, Provider]) -> None:
    here, _ = both
    with pytest.raises(BadInput, match="no node at"):
        asyncio.run(_reconcile(here.node, "http://127.0.0.1:9"))


def test_the_surface_leaves_the_rest_to_the_application(tmp_path: Path) -> None:
    with (
        provider(tmp_path / "node") as there,
        application(there.node) as app,
        served(Front(app, there.node, HttpServices())) as url,
    ):
        assert httpx.get(f"{url}/health").text == "ok\n"
        assert httpx.get(f"{url}/r1").status_code == 404
