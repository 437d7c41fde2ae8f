"""The API of skills: frameworks, recognitions, stacks, courses and badges; who may, and what is bad input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

import story
from serving import application
from usufruct.node import login
from usufruct.node.node import Node
from usufruct.wire import jose, stack

WHO = "member-3"
FRAMEWORK = {
    "framework": "sample", "version": "1", "title": "Sample", "source": "usufruct", "licence": "CC0-1.0",
    "skills": stack.sample().decode(),
}  # fmt: skip
VAN = "urn:usufruct:skill:drive-van"
COURSE = {
    "title": "Vans", "skill": VAN, "place": "tartu", "starts": "2030-01-01", "ends": "2030-01-02", "price": "0.00 EUR",
    "seats": 2,
}  # fmt: skip


@pytest.fixture
def api(node: Node) -> Iterator[Any]:
    """Calls the API for a party: `api("institute", "user", "POST", path, body)`."""
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:

        def call(party: str, role: str, method: str, path: str, body: Any = None) -> Any:
            headers = {}
            if party:
                token = login.issue_token(node, party, role, login.ROLES[role], 1, "")
                headers = {"Authorization": f"Bearer {token}"}
            return client.request(method, f"/api/v1{path}", headers=headers, json=body)

        yield call


def steward(api: Any, path: str, body: Any = None) -> Any:
    return api(story.OPERATOR, "steward", "POST" if body is not None else "GET", path, body)


def test_the_whole_way(api: Any) -> None:
    assert steward(api, "/skills/frameworks", FRAMEWORK).json()["skills"] == 22
    assert [one["label"] for one in api("", "", "GET", "/skills?text=VAN").json()] == ["drive a van"]
    assert api("", "", "GET", f"/skills/named?uri={VAN}").json()["broader"] == ["moving goods and people"]
    assert api("", "", "GET", "/skills/frameworks").json()[0]["version"] == "1"
    made = steward(
        api, "/skills/recognitions", {"issuer": "did:web:s.example", "why": "it is good", "months": 24}
    ).json()
    assert api("", "", "GET", "/skills/recognitions").json()[0]["id"] == made["recognition"]
    assert steward(api, f"/skills/recognitions/{made['recognition']}/ending", {"why": "it closed"}).status_code == 201
    assert api("", "", "GET", "/skills/recognitions").json() == []
    assert steward(api, "/skills/stacks", {"stack": stack.example()}).json()["number"] == 1
    assert api("", "", "GET", "/skills/stacks").json()[0]["rule"]["needed"] == 3
    assert steward(api, "/skills/stacks/cargo-courier/ending", {"why": "replaced"}).status_code == 201
    assert api("", "", "GET", "/skills/figures").json()["skills"] == []
    course = api(story.USER, "user", "POST", "/skills/training", COURSE).json()["training"]
    assert api("", "", "GET", "/skills/training").json()[0]["training"]["id"] == course
    asked = api(WHO, "member", "POST", f"/skills/training/{course}/applications", {"why": "jobs"}).json()["application"]
    assert [one["application"]["id"] for one in steward(api, "/skills/applications").json()] == [asked]
    decision = {"approved": True, "reasons": "needed"}
    assert steward(api, f"/skills/applications/{asked}/decision", decision).status_code == 201
    refused = steward(api, f"/skills/places/{asked}/ending", {"outcome": "completed"})
    assert (refused.status_code, refused.json()["refusal"]["code"]) == (409, "skill.training")
    assert api(WHO, "member", "GET", "/me/skills/applications").json()[0]["place"] == "promised"
    assert api(WHO, "member", "GET", "/me/skills").json() == []
    assert api(WHO, "member", "GET", "/me/skills/away").json() == {"now": 0, "steps": []}
    assert api(WHO, "member", "GET", "/me/skills/training").json()[0]["jobs"] == 0
    assert steward(api, "/skills/gaps").json() == []
    withdrawn = api(story.USER, "user", "POST", f"/skills/training/{course}/withdrawal", {"why": "ill"})
    assert withdrawn.status_code == 201 and api("", "", "GET", "/skills/training").json() == []


def test_a_badge_and_its_list(api: Any) -> None:
    steward(api, "/skills/frameworks", FRAMEWORK)
    key = jose.strict_json(jose.new_key()[1])
    body = {
        "party": WHO, "achievement": "https://n.example/1", "name": "Vans", "description": "Drives", "criteria": "A day",
        "skills": [VAN], "key": key,
    }  # fmt: skip
    answer = steward(api, "/skills/badges", body).json()
    claims = jose.unverified(answer["badge"]).claims
    assert claims["issuer"]["id"] == answer["issuer"]
    assert claims["credentialStatus"]["statusListCredential"].endswith("/api/v1/skills/badges/status")
    listed = api("", "", "GET", "/skills/badges/status")
    assert listed.headers["content-type"].startswith("application/vc+jwt")
    assert "BitstringStatusListCredential" in jose.unverified(listed.text, 4_000_000).claims["type"]
    assert steward(api, "/skills/badges", {**body, "key": {"kty": "oct"}}).status_code == 400


BAD: list[tuple[str, Any, int]] = [
    ("/skills/frameworks", {**FRAMEWORK, "skills": "uri,label\nx"}, 400),
    ("/skills/frameworks", {**FRAMEWORK, "framework": "A B"}, 400),
    ("/skills/frameworks", {**FRAMEWORK, "title": " "}, 400),
    ("/skills/recognitions", {"issuer": "no uri", "why": "x"}, 400),
    ("/skills/recognitions", {"issuer": "did:web:x.example", "why": "x", "skill": VAN, "branch": True}, 422),
    ("/skills/recognitions/recognition-9/ending", {"why": "x"}, 404),
    ("/skills/stacks", {"stack": "name = 1"}, 400),
    ("/skills/stacks/x/ending", {"why": "x"}, 404),
    ("/skills/applications/application-9/decision", {"approved": True, "reasons": "x"}, 404),
    ("/skills/places/application-9/ending", {"outcome": "completed"}, 404),
    ("/skills/training", {**COURSE, "provider": "nobody"}, 409),
    ("/skills/training", {**COURSE, "price": "4"}, 400),
    ("/skills/training", {**COURSE, "ends": "2029-01-01"}, 409),
    ("/skills/training/training-9/withdrawal", {"why": "x"}, 404),
]


@pytest.mark.parametrize(("path", "body", "status"), BAD)
def test_bad_input_is_refused_and_nothing_is_recorded(api: Any, node: Node, path: str, body: Any, status: int) -> None:
    with node.store.read() as state:
        size = state.size()
    answer = steward(api, path, body)
    assert answer.status_code == status, answer.text
    with node.store.read() as state:
        assert state.size() == size


@pytest.mark.parametrize("path", ["/skills/frameworks", "/skills/recognitions", "/skills/stacks", "/skills/badges"])
def test_only_the_steward_decides(api: Any, path: str) -> None:
    assert api(WHO, "member", "POST", path, {}).status_code == 403
