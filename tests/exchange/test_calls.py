"""An information system calls a service through the node that answers for it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exchange.world import CLINIC, CODE, PERSONS, PURPOSE, SUBSYSTEM, TRACKER, Provider, done, facts_of, provider
from usufruct.core.exchange.facts import (
    CallAbandoned,
    CallAdmitted,
    CallAnswered,
    CallRefused,
    PersonLookedUp,
    ServiceRegistered,
)
from usufruct.core.exchange.speakers import Caller
from usufruct.core.exchange.state import Call
from usufruct.core.registry.facts import PartyRegistered
from usufruct.main import open_node
from usufruct.node import call, login, services, views
from usufruct.node.call import recover
from usufruct.node.node import Node
from usufruct.peer.services import HttpServices
from usufruct.web.xroad import arrived
from usufruct.wire import xroad

FOR = {"Usufruct-Purpose": PURPOSE}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("exchange") / "node") as found:
        yield found


def test_a_call_is_passed_on_and_answered_as_the_protocol_says(there: Provider) -> None:
    answer = there.ask(
        f"/r1/{PERSONS}/v1/{CODE}?full=1&%C3%B5=%20",
        headers={**FOR, "X-Road-Id": "my-id", "X-Road-UserId": "EE47", "Accept": "a/b"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"asked": f"/api/v1/{CODE}?full=1&%C3%B5=%20", "name": "Mari Maasikas"}, "byte for byte"
    headers = answer.headers
    assert (headers["x-road-id"], headers["x-road-client"], headers["x-road-service"]) == ("my-id", CLINIC, PERSONS)
    assert "x-road-error" not in headers, "what the service says in the protocol's own headers is overwritten"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    _, _, passed, _ = there.registry.seen[-1]
    assert passed["x-road-userid"] == "EE47" and passed["accept"] == "a/b" and passed["usufruct-purpose"] == PURPOSE
    assert passed["x-road-request-id"] == headers["x-road-request-id"]
    assert "authorization" not in passed and "user-agent" not in passed


def test_the_request_hash_is_that_of_the_protocol(there: Provider) -> None:
    body = b'{"why": "asked"}'
    with httpx.Client() as client:
        request = client.build_request(
            "POST", f"{there.url}/r1/{PERSONS}/v1/{CODE}?a=b", content=body,
            headers={**FOR, "X-Road-Client": CLINIC, "X-Road-Id": "i", "Accept": "application/json", "Accept-Encoding": "identity",
                     "Content-Type": "application/json", "Authorization": f"Bearer {there.token}"},
        )  # fmt: skip
        answer = client.send(request)
    kept = [(name.lower(), value) for name, value in request.headers.raw]
    kept = [
        (n, v) for n, v in kept if n not in (b"host", b"user-agent", b"connection", b"content-length", b"authorization")
    ]
    kept.append((b"x-road-request-id", answer.headers["x-road-request-id"].encode()))
    head = f"POST\r\n/r1/{PERSONS}/v1/{CODE}?a=b\r\n".encode() + b"".join(n + b":" + v + b"\r\n" for n, v in kept)

    def sha(data: bytes) -> bytes:
        return hashlib.sha512(data).digest()

    assert answer.headers["x-road-request-hash"] == base64.b64encode(sha(sha(head) + sha(body))).decode()
    assert there.facts(CallAdmitted)[-1][1].hash == answer.headers["x-road-request-hash"]
    assert there.registry.seen[-1][3] == body


def test_two_facts_stand_around_a_call_and_one_is_hers(there: Provider) -> None:
    answer = there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={**FOR, "X-Road-Issue": "case 7"})
    (admitted, fact), (looked, hers), (answered, end) = (
        there.facts(kind)[-1] for kind in (CallAdmitted, PersonLookedUp, CallAnswered)
    )
    assert admitted.seq < looked.seq < answered.seq == int(answer.headers["usufruct-receipt"])
    assert (fact.call, fact.client, fact.party, fact.purpose) == (hers.call, CLINIC, "clinic", PURPOSE)
    assert (end.status, end.kib) == (200, 1) and hers.issue == "case 7"
    with there.node.store.read() as state:
        entries = [state.entry(seq) for seq in range(state.size())]
    text = " ".join(str(entry.fact) for entry in entries if not isinstance(entry.fact, PartyRegistered))
    assert CODE not in text and CODE.lower() not in text, "who was looked up stands in her own registration only"
    receipt = views.receipt_for(there.node, "clinic", answered.seq)
    assert receipt is not None and views.receipt_for(there.node, "stranger", answered.seq) is None
    assert views.receipt_for(there.node, hers.person, looked.seq) is not None


def test_the_same_person_is_known_again(there: Provider) -> None:
    for _ in range(2):
        there.ask(f"/r1/{PERSONS}/v1/EE49", headers=FOR)
    first, second = there.facts(PersonLookedUp)[-2:]
    assert first[1].person == second[1].person
    assert [one.outcome for one in services.lookups(there.node, "ee49")] == ["answered", "answered"]


NOT_OPEN = f"there is no service `{PERSONS}` that is open to"


@pytest.mark.parametrize(
    ("path", "client", "headers", "method", "code", "reason"),
    [
        (PERSONS, "EE/COM/1/other", FOR, "GET", "exchange.closed", "there is no service"),
        (PERSONS, TRACKER, FOR, "GET", "exchange.closed", NOT_OPEN),
        (f"{SUBSYSTEM}/nothing", CLINIC, FOR, "GET", "exchange.closed", "there is no service"),
        ("EE/GOV/1/s/nothing", CLINIC, FOR, "GET", "exchange.closed", "there is no service"),
        (PERSONS, CLINIC, {}, "GET", "exchange.no-purpose", "names no purpose"),
        (PERSONS, CLINIC, {"Usufruct-Purpose": "Fun"}, "GET", "access.unknown-purpose", "`Fun`"),
        (
            PERSONS,
            CLINIC,
            {"Usufruct-Purpose": "Marketing"},
            "GET",
            "access.purpose",
            "not open to this client for Marketing",
        ),
        (PERSONS, CLINIC, {"Usufruct-Purpose": "PublicBenefit"}, "GET", "access.purpose", "only for"),
        (PERSONS, CLINIC, FOR, "DELETE", "exchange.method", "not open to DELETE"),
    ],
)
def test_only_an_explicit_permit_passes(
    there: Provider, path: str, client: str, headers: dict[str, str], method: str, code: str, reason: str
) -> None:
    before = len(there.registry.seen)
    answer = there.ask(f"/r1/{path}/v1/{CODE}", client, headers=headers, method=method)
    assert answer.status_code == 500
    told = answer.json()
    assert told["type"] == answer.headers["x-road-error"] == "Server.ServerProxy.AccessDenied"
    assert told["detail"] == code and reason in told["message"], told
    assert len(there.registry.seen) == before, "the service was not touched"
    entry, fact = there.facts(CallRefused)[-1]
    assert (fact.code, fact.client) == (code, client) and entry.seq == int(answer.headers["usufruct-receipt"])


def test_she_sees_refused_attempts_too(there: Provider) -> None:
    there.ask(f"/r1/{PERSONS}/v1/EE50", headers=FOR)
    there.ask(f"/r1/{PERSONS}/v1/EE50", headers={"Usufruct-Purpose": "Marketing"})
    newest, before = services.lookups(there.node, "ee50")
    assert (newest.outcome, newest.purpose, before.outcome) == ("refused", "Marketing", "answered")


@pytest.mark.parametrize(
    "beneath",
    [
        "",
        "/v1",
        "/v1/",
        "/v1/a%20b",
        "/v1/%2e%2e",
        "/v1/..",
        "/v1/../x",
        "/v1/EE1%2F..",
        "/v1/EE1%5c2",
        "/v1/EE%FF",
        "/v1/EE1%00",
    ],
)
def test_who_is_meant_must_be_plain(there: Provider, beneath: str) -> None:
    before, parties = len(there.registry.seen), len(there.facts(PartyRegistered))
    with httpx.Client() as client:
        url = httpx.URL(there.url)
        request = client.build_request(
            "GET", url, headers={**FOR, "X-Road-Client": CLINIC, "Authorization": f"Bearer {there.token}"}
        )
        request.url = url.copy_with(raw_path=f"/r1/{PERSONS}{beneath}".encode())
        answer = client.send(request)
    assert answer.status_code in (400, 500) and answer.json()["detail"] in ("exchange.person", "input.xroad"), (
        answer.text
    )
    assert len(there.registry.seen) == before and len(there.facts(PartyRegistered)) == parties


@pytest.mark.parametrize(
    "query",
    ["", "code=a&code=b", "Code=a&code=b", "code=a;code=b", "x=1;code=b&code=a", "code=a%3Bb", "code%3Da", "code="],
)
def test_a_parameter_that_is_given_twice_is_no_answer_to_whom(there: Provider, query: str) -> None:
    service = f"{SUBSYSTEM}/by-code"
    _register_once(there, service, "query:code")
    assert there.ask(f"/r1/{service}?code=EE7&x=1", headers=FOR).status_code == 200
    before = len(there.registry.seen)
    answer = there.ask(f"/r1/{service}?{query}", headers=FOR)
    assert answer.json()["detail"] == "exchange.person", answer.text
    assert len(there.registry.seen) == before


def _register_once(there: Provider, service: str, person: str) -> None:
    with there.node.store.read() as state:
        if state.get(services.Service, service):
            return
        url = next(iter(state.list(services.Service))).url
    done(services.register_service(there.node, ServiceRegistered(
        service, "register", "By code", url, (PURPOSE,), ("GET",), 3, person, private=True
    )))  # fmt: skip
    done(services.open_service(there.node, service, CLINIC, (PURPOSE,)))


def test_whoever_proves_nothing_leaves_no_fact(there: Provider) -> None:
    person_token = login.issue_token(there.node, "clinic", "user", ("ask",), 1, "")
    with there.node.store.read() as state:
        size = state.size()
    for token in ("usu_wrong", person_token):
        answer = there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR, token=token)
        assert answer.status_code == 500
        assert answer.headers["x-road-error"] == "Server.ClientProxy.SslAuthenticationFailed"
    assert httpx.get(f"{there.url}/r1/{PERSONS}/v1/{CODE}", headers={"X-Road-Client": CLINIC}).status_code == 500
    with there.node.store.read() as state:
        assert state.size() == size


def test_one_party_cannot_speak_for_anothers_system(there: Provider) -> None:
    there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR)
    looks = len(there.facts(PersonLookedUp))
    answer = there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR, token=there.tracker)
    assert answer.json()["detail"] == "exchange.closed"
    _, fact = there.facts(CallRefused)[-1]
    assert (fact.client, fact.party) == (CLINIC, "ria"), "what was claimed, and who claimed it"
    assert len(there.facts(PersonLookedUp)) == looks, "nobody can write into her history in another's name"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/r1/EE/GOV/1/s", {}),
        ("/r1/EE%2FGOV%2F1%2Fs%2Fx/a/b/c/d/e", {}),
        ("/r1/EE/GOV/1/s/a%20b", {}),
        (f"/r1/{PERSONS}/v1/x", {"X-Road-Client": "EE/COM"}),
        (f"/r1/{PERSONS}/v1/x", {"X-Road-Client": ""}),
        (f"/r1/{PERSONS}/v1/x?" + "a" * 5000, {}),
        (f"/r1/{PERSONS}/v1/x?" + "&".join("a=1" for _ in range(101)), {}),
        (f"/r1/{PERSONS}/v1/x", {"X-Road-Issue": b"\xff"}),
    ],
)
def test_what_cannot_be_read_is_a_bad_request(there: Provider, path: str, headers: dict[str, str]) -> None:
    answer = there.ask(path, headers={**FOR, **headers})
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == answer.headers["x-road-error"] == "Client.BadRequest"


def test_the_last_of_repeated_headers_holds_and_only_it_is_passed_on(there: Provider) -> None:
    headers = [("X-Road-Client", "EE/COM/9/other"), ("x-road-client", CLINIC), ("Authorization", f"Bearer {there.token}"),
               ("Usufruct-Purpose", PURPOSE)]  # fmt: skip
    answer = httpx.get(f"{there.url}/r1/{PERSONS}/v1/{CODE}", headers=headers)
    assert answer.headers["x-road-client"] == CLINIC
    assert there.registry.seen[-1][2]["x-road-client"] == CLINIC


def test_metaservices(there: Provider) -> None:
    listed = there.ask(f"/r1/{SUBSYSTEM}/listMethods").json()["service"]
    by_code = {one["service_code"]: one for one in listed}
    assert {"persons", "findUsage"} <= set(by_code) and "listMethods" not in by_code
    assert by_code["persons"] == {
        "object_type": "SERVICE", "xroad_instance": "EE", "member_class": "GOV", "member_code": "70008440",
        "subsystem_code": "rr", "service_code": "persons", "service_type": "OPENAPI",
        "endpoint_list": [{"method": "GET", "path": "**"}, {"method": "POST", "path": "**"}],
    }  # fmt: skip
    allowed = there.ask(f"/r1/{SUBSYSTEM}/allowedMethods").json()["service"]
    assert "findUsage" not in {one["service_code"] for one in allowed}
    assert there.ask(f"/r1/{SUBSYSTEM}/getOpenAPI?serviceCode=persons").json()["asked"] == "/openapi.yaml"
    assert there.ask(f"/r1/{SUBSYSTEM}/getOpenAPI?serviceCode=none").status_code == 400
    assert there.ask(f"/r1/{SUBSYSTEM}/listMethods", TRACKER).json()["detail"] == "exchange.closed"
    members = httpx.get(f"{there.url}/listClients", headers={"Accept": "application/json"}).json()["member"]
    assert [one["id"]["subsystem_code"] for one in members] == ["rr"] and members[0]["name"] == "Population Register"


def test_what_the_service_says_is_passed_on_as_it_is(tmp_path: Path) -> None:
    def elsewhere(method: str, target: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        return 302, [(b"location", b"http://169.254.169.254/"), (b"content-encoding", b"gzip")], b"not gzip at all"

    with provider(tmp_path / "node", elsewhere) as there:
        headers = {**FOR, "X-Road-Client": CLINIC, "Authorization": f"Bearer {there.token}"}
        with httpx.stream("GET", f"{there.url}/r1/{PERSONS}/v1/{CODE}", headers=headers) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.status_code == 302 and answer.headers["location"] == "http://169.254.169.254/"
        assert raw == b"not gzip at all" and len(there.registry.seen) == 1
        assert there.facts(CallAnswered)[-1][1].status == 302


def test_a_service_that_is_not_there_is_a_network_error_and_the_call_is_abandoned(tmp_path: Path) -> None:
    def never(method: str, target: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        raise ConnectionError

    with provider(tmp_path / "node") as there:
        done(services.withdraw_service(there.node, PERSONS))
        done(services.register_service(there.node, ServiceRegistered(
            PERSONS, "register", "Gone", "http://127.0.0.1:9", (PURPOSE,), ("GET",), 3, "path:2", private=True
        )))  # fmt: skip
        answer = there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR)
        assert (answer.status_code, answer.headers["x-road-error"]) == (500, "Server.ServerProxy.NetworkError")
        assert "127.0.0.1" not in answer.text, "where a service lies is nobody's business"
        assert len(there.facts(CallAbandoned)) == 1 and len(there.facts(PersonLookedUp)) == 1


def test_a_call_that_a_crash_left_open_is_abandoned(tmp_path: Path) -> None:
    with provider(tmp_path / "node") as there:
        there.node.store.write(
            lambda tx: tx.append(CallAdmitted("call-x", PERSONS, CLINIC, "clinic", "GET", PURPOSE, "", "h"))
        )
    with open_node(tmp_path / "node") as node:
        assert [fact.call for _, fact in facts_of(node, CallAbandoned)] == ["call-x"]
        assert recover(node) == 0


def test_access_ends_with_the_next_call(tmp_path: Path) -> None:
    with provider(tmp_path / "node") as there:
        assert there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR).status_code == 200
        done(services.close_service(there.node, PERSONS, CLINIC))
        assert there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR).json()["detail"] == "exchange.closed"
        page = services.services_page(there.node)
        assert [(t.answered, t.refused) for t in page.traffic] == [(1, 1)] and len(page.calls) == 2
        assert json.dumps([call.id for call in page.calls]).count("call-") == 2


def test_a_caller_who_goes_away_does_not_stop_the_writer(tmp_path: Path) -> None:
    async def hurry(node: Node) -> None:
        headers = ((b"x-road-client", CLINIC.encode()), (b"usufruct-purpose", PURPOSE.encode()))
        read = xroad.read("GET", f"/r1/{PERSONS}/v1/{CODE}".encode(), b"", headers, b"")
        for delay in (0, 0.0001, 0.001, 0.003, 0.01):
            outbound = HttpServices(1)
            task = asyncio.create_task(call.handle(node, outbound, arrived(read, Caller(party="clinic"))))
            await asyncio.sleep(delay)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await outbound.close()

    with provider(tmp_path / "node") as there:
        asyncio.run(hurry(there.node))
        assert there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR).status_code == 200
    with open_node(tmp_path / "node") as node, node.store.read() as state:
        assert not [one.id for one in state.list(Call) if one.state == "admitted"]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_heads_have_no_body(tmp_path: Path, method: str) -> None:
    def empty(method: str, target: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        return 204, [], b""

    with provider(tmp_path / "node", empty) as there:
        done(services.withdraw_service(there.node, PERSONS))
        url = f"{there.url}/health"
        done(services.register_service(there.node, ServiceRegistered(
            PERSONS, "register", "R", url, (PURPOSE,), ("GET", "HEAD"), 3, "path:1", private=True
        )))  # fmt: skip
        answer = there.ask(f"/r1/{PERSONS}/x", headers=FOR, method=method)
        assert (answer.status_code, "content-length" in answer.headers) == (404, method == "GET"), answer.headers
