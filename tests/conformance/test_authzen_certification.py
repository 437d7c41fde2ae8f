"""The certification scenario of AuthZEN Authorization API 1.0: its test ids, all levels, over HTTP.

Requests and expectations are our own writing after `certification/authorization-api-1_0-scenario.md` of openid/authzen; the
numbers are those of its sections. What it leaves open to the implementer is not asserted here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from authzen.world import World
from usufruct.wire import jose

ALICE, BOB = {"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}
ADMIN = {**BOB, "properties": {"role": "admin"}}
ONE, TWO = {"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}
ACTIVE, ARCHIVED = {**ONE, "properties": {"status": "active"}}, {**TWO, "properties": {"status": "archived"}}
READ, WRITE = {"name": "read"}, {"name": "write"}
CONTEXT = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}
ALICE_READS = {"subject": ALICE, "action": READ, "resource": ONE}

Test = Callable[[World], None]
TESTS: dict[str, Test] = {}


def test_id(*numbers: str) -> Callable[[Test], Test]:
    def note(test: Test) -> Test:
        TESTS.update(dict.fromkeys(numbers, test))
        return test

    return note


test_id.__test__ = False  # type: ignore[attr-defined]


def decision(world: World, subject: Any, action: Any, resource: Any, **more: Any) -> Any:
    answer = world.ask({"subject": subject, "action": action, "resource": resource, **more})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/json")
    assert isinstance(answer.json()["decision"], bool) and isinstance(answer.json().get("context", {}), dict)
    return answer.json()["decision"]


def decisions(world: World, *items: Any, **top: Any) -> list[bool]:
    answer = world.ask({**top, "evaluations": list(items)}, "evaluations")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/json")
    found = answer.json()["evaluations"]
    assert all(isinstance(one["decision"], bool) and isinstance(one.get("context", {}), dict) for one in found)
    return [one["decision"] for one in found]


def search(world: World, part: str, **body: Any) -> Any:
    answer = world.ask(body, f"search/{part}")
    assert answer.status_code == 200 and isinstance(answer.json()["results"], list)
    return answer.json()


def names(world: World, part: str, **body: Any) -> set[str]:
    results = search(world, part, **body)["results"]
    if part == "action":
        return {one["name"] for one in results}
    assert all(one["type"] == body[part]["type"] for one in results)
    return {one["id"] for one in results}


def refused(world: World, path: str, *bodies: Any) -> None:
    for body in bodies:
        assert world.ask(body, path).status_code == 400, body


# ---- basic


@test_id("2.2.1")
def permit(world: World) -> None:
    assert decision(world, ALICE, READ, ONE) is True
    assert decision(world, ALICE, WRITE, ONE) is True
    assert decision(world, BOB, READ, ONE) is True


@test_id("2.2.2")
def deny(world: World) -> None:
    assert decision(world, BOB, WRITE, ONE) is False


@test_id("2.2.3")
def with_context(world: World) -> None:
    assert decision(world, ALICE, READ, ONE, context=CONTEXT) is True


@test_id("2.2.4")
def deny_by_resource(world: World) -> None:
    assert decision(world, ALICE, WRITE, ARCHIVED) is False


@test_id("2.2.5")
def permit_by_subject(world: World) -> None:
    assert decision(world, ADMIN, WRITE, ARCHIVED) is True


@test_id("2.2.6")
def permit_by_action(world: World) -> None:
    assert decision(world, ALICE, {"name": "delete", "properties": {"soft": True}}, ONE) is True


@test_id("2.2.7")
def deny_by_action(world: World) -> None:
    assert decision(world, ALICE, {"name": "delete", "properties": {"soft": False}}, ONE) is False


@test_id("2.2.8")
def more_properties(world: World) -> None:
    subject = {**ALICE, "properties": {"department": "Sales", "role": "manager"}}
    resource = {**ONE, "properties": {"status": "active", "owner": "bob"}}
    assert decision(world, subject, {"name": "read", "properties": {"method": "GET"}}, resource) is True


@test_id("2.2.9")
def unknown_fields(world: World) -> None:
    assert decision(world, ALICE, READ, ONE, foo="bar", futureField={"nested": True}) is True


@test_id("2.3")
def response_format(world: World) -> None:
    for action in (READ, WRITE):
        decision(world, BOB, action, ONE)


@test_id("2.4")
def errors(world: World) -> None:
    refused(world, "evaluation", *({k: v for k, v in ALICE_READS.items() if k != name} for name in ALICE_READS))
    broken = {"subject": [{"id": "alice"}, {"type": "user"}, "alice"], "action": [{}, {"name": 123}],
              "resource": [{"id": "record-1"}, {"type": "record"}]}  # fmt: skip
    refused(world, "evaluation", *({**ALICE_READS, name: value} for name, values in broken.items() for value in values))

    def raw(content: bytes, kind: str = "application/json") -> httpx.Response:
        return world.send("POST", "/access/v1/evaluation", world.point, content=content, headers={"Content-Type": kind})

    assert raw(httpx.Request("POST", "http://x", json=ALICE_READS).content, "text/plain").status_code == 400
    assert raw(b'{"subject": ').status_code == 400
    assert raw(b"").status_code == 400


@test_id("2.5")
def request_id(world: World) -> None:
    for body, status in ((ALICE_READS, 200), ({}, 400)):
        answer = world.ask(body, headers={"X-Request-ID": "bfe9eb29-ab87"})
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (status, "bfe9eb29-ab87")
    assert world.ask(ALICE_READS).status_code == 200


@test_id("2.6")
def idempotent(world: World) -> None:
    assert {decision(world, ALICE, READ, ONE) for _ in range(5)} == {True}


# ---- batch


@test_id("3.2.1")
def batch(world: World) -> None:
    assert len(decisions(world, {"resource": ONE}, {"resource": TWO}, subject=ALICE, action=READ)) == 2


@test_id("3.2.2")
def batch_in_order(world: World) -> None:
    assert decisions(world, {"action": READ}, {"action": WRITE}, subject=BOB, resource=ONE) == [True, False]


@test_id("3.2.3")
def batch_by_resource(world: World) -> None:
    items = {"resource": ACTIVE}, {"resource": ARCHIVED}
    assert decisions(world, *items, subject=ALICE, action=WRITE) == [True, False]


@test_id("3.2.4")
def batch_by_subject(world: World) -> None:
    assert decisions(world, {"subject": ALICE}, {"subject": ADMIN}, action=WRITE, resource=ARCHIVED) == [False, True]


@test_id("3.2.5")
def batch_without_defaults(world: World) -> None:
    assert decisions(world, ALICE_READS, {"subject": BOB, "action": WRITE, "resource": ONE}) == [True, False]


@test_id("3.2.6")
def batch_with_context(world: World) -> None:
    items = {"resource": ONE}, {"resource": TWO, "context": {**CONTEXT, "source": "batch-override"}}
    assert len(decisions(world, *items, subject=ALICE, action=READ, context=CONTEXT)) == 2


@test_id("3.2.7")
def batch_inherits_whole_entities(world: World) -> None:
    assert decisions(world, {}, {"resource": ARCHIVED}, subject=ALICE, action=WRITE, resource=ACTIVE) == [True, False]


@test_id("3.3")
def batch_format(world: World) -> None:
    actions = [READ, WRITE, READ, WRITE, READ]
    found = decisions(world, *({"action": action} for action in actions), subject=BOB, resource=ONE)
    assert found == [True, False, True, False, True]


@test_id("3.4")
def batch_errors(world: World) -> None:
    options = {"evaluations_semantic": "execute_all"}
    assert decisions(world, {"resource": ONE}, {}, subject=ALICE, action=READ, options=options) == [True, False]
    for body in (ALICE_READS, {**ALICE_READS, "evaluations": []}):
        answer = world.ask(body, "evaluations")
        assert (answer.status_code, answer.json()["decision"]) == (200, True)


# ---- search


@test_id("4.2.1")
def subjects(world: World) -> None:
    assert names(world, "subject", subject={"type": "user"}, action=READ, resource=ONE) >= {"alice", "bob"}


@test_id("4.2.2")
def subjects_with_context(world: World) -> None:
    plain = search(world, "subject", subject={"type": "user"}, action=READ, resource=ONE)
    assert search(world, "subject", subject={"type": "user"}, action=READ, resource=ONE, context=CONTEXT) == plain


@test_id("4.2.3")
def subject_id_is_ignored(world: World) -> None:
    plain = search(world, "subject", subject={"type": "user"}, action=READ, resource=ONE)
    assert search(world, "subject", subject=ALICE, action=READ, resource=ONE) == plain


@test_id("4.2.4")
def subjects_by_properties(world: World) -> None:
    assert "bob" in names(world, "subject", subject={"type": "user"}, action=WRITE, resource=ARCHIVED)


@test_id("4.3.1")
def resources(world: World) -> None:
    assert "record-1" in names(world, "resource", subject=ALICE, action=READ, resource={"type": "record"})


@test_id("4.3.2")
def resources_with_context(world: World) -> None:
    plain = search(world, "resource", subject=ALICE, action=READ, resource={"type": "record"})
    assert search(world, "resource", subject=ALICE, action=READ, resource={"type": "record"}, context=CONTEXT) == plain


@test_id("4.3.3")
def resource_id_is_ignored(world: World) -> None:
    plain = search(world, "resource", subject=ALICE, action=READ, resource={"type": "record"})
    assert search(world, "resource", subject=ALICE, action=READ, resource=ONE) == plain


@test_id("4.3.4")
def resources_by_properties(world: World) -> None:
    assert "record-2" in names(world, "resource", subject=ADMIN, action=WRITE, resource={"type": "record"})


@test_id("4.4.1")
def actions(world: World) -> None:
    assert names(world, "action", subject=ALICE, resource=ONE) >= {"read", "write"}


@test_id("4.4.2")
def actions_with_context(world: World) -> None:
    assert names(world, "action", subject=ALICE, resource=ONE, context=CONTEXT) >= {"read", "write"}


@test_id("4.4.3")
def actions_by_properties(world: World) -> None:
    assert "write" in names(world, "action", subject=ADMIN, resource=ARCHIVED)


@test_id("4.5")
def pages(world: World) -> None:
    asked = {"subject": {"type": "user"}, "action": READ, "resource": ONE}
    found, token = [], ""
    for _ in range(4):
        page = search(world, "subject", **asked, page={"token": token} if token else {"limit": 1})
        found += [one["id"] for one in page["results"]]
        token = page["page"]["next_token"]
        assert isinstance(token, str)
        if not token:
            break
    assert found == ["alice", "bob"] and not token


@test_id("4.6")
def nothing_found(world: World) -> None:
    nobody, nowhere = {"type": "user", "id": "nobody"}, {"type": "record", "id": "nothing"}
    assert not names(world, "action", subject=nobody, resource=ONE)
    assert not names(world, "subject", subject={"type": "spaceship"}, action=READ, resource=ONE)
    assert not names(world, "resource", subject=nobody, action=READ, resource={"type": "record"})
    assert not names(world, "resource", subject=ALICE, action=READ, resource={"type": "spaceship"})
    assert not names(world, "subject", subject={"type": "user"}, action=WRITE, resource=nowhere)


@test_id("4.7")
def search_errors(world: World) -> None:
    user, record = {"type": "user"}, {"type": "record"}
    refused(
        world,
        "search/subject",
        {"subject": user, "resource": ONE},
        {"subject": user, "action": READ, "resource": record},
    )
    refused(
        world,
        "search/resource",
        {"action": READ, "resource": record},
        {"subject": user, "action": READ, "resource": record},
    )
    refused(world, "search/action", {"subject": ALICE}, {"subject": user, "resource": ONE})


# ---- discovery


@test_id("6")
def metadata(world: World) -> None:
    answer = world.send("GET", "/.well-known/authzen-configuration", None)
    found = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert found["policy_decision_point"] == world.url
    for name, value in found.items():
        if name.endswith("_endpoint"):
            assert world.send("POST", value.removeprefix(world.url), world.point, json={}).status_code == 400, name
    keys = jose.key_set(world.send("GET", "/.well-known/jwks.json", None).text)
    assert jose.verify(found["signed_metadata"], keys, "authzen-configuration+jwt").claims == {
        "iss": world.url, **{name: value for name, value in found.items() if name != "signed_metadata"}
    }  # fmt: skip


# The matrix has 36: 4.3.3 stands there for what 4.3.4 is now, since a section was put in before it.
assert len(TESTS) == 37


@pytest.mark.parametrize("number", TESTS)
def test_certification(deciding_node: World, number: str) -> None:
    TESTS[number](deciding_node)
