"""What the steward and the person see of the calls, on pages and through the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.world import CLINIC, CODE, PERSONS, PURPOSE, SUBSYSTEM, Provider, provider
from usufruct.node import login

FOR = {"Usufruct-Purpose": PURPOSE}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("pages") / "node") as found:
        found.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={**FOR, "X-Road-Issue": "case <7>"})
        found.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={"Usufruct-Purpose": "Marketing"})
        yield found


def browser(there: Provider, party: str, role: str) -> httpx.Client:
    """Somebody who is logged in."""
    who = login.redeem_link(there.node, login.issue_link(there.node, party, role))
    return httpx.Client(base_url=there.url, cookies={"usufruct_session": login.open_session(there.node, who)})


def test_a_person_sees_who_looked_her_up_and_who_tried(there: Provider) -> None:
    with browser(there, CODE.lower(), "member") as she:
        text = she.get("/me").text
        assert "Services that looked you up" in text and "Tartu Clinic" in text and "Population register" in text
        assert "case &lt;7&gt;" in text, "what callers say is shown as text"
        assert "This node holds no data about you." in text
        for hers in (
            "Check my records now",
            "/api/v1/me/key",
            "/api/v1/me/book",
            "Tartu Clinic looked you up in Population register",
        ):
            assert hers in text, "whom the node knows by look-ups alone counts her records too"
        outcomes = [one["outcome"] for one in she.get("/api/v1/me/look-ups").json()]
        assert outcomes == ["refused", "answered"]
        seq = she.get("/api/v1/me/look-ups").json()[0]["seq"]
        assert she.get(f"/api/v1/receipts/{seq}").status_code == 200


def test_the_steward_sees_services_rights_and_calls(there: Provider) -> None:
    with browser(there, "register", "steward") as steward:
        text = steward.get("/steward/services").text
        for shown in (PERSONS, CLINIC, "access.purpose", "answered, status 200", "it answers from its journal"):
            assert shown in text, shown


def test_a_clinic_sees_neither(there: Provider) -> None:
    token = {"Authorization": f"Bearer {there.token}"}
    assert httpx.get(f"{there.url}/api/v1/services", headers=token).status_code == 403
    assert httpx.get(f"{there.url}/api/v1/me/look-ups", headers=token).status_code == 403


@pytest.fixture
def steward(there: Provider) -> Iterator[httpx.Client]:
    token = login.issue_token(there.node, "register", "steward", ("steward",), 1, "")
    with httpx.Client(base_url=f"{there.url}/api/v1", headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


RIGHT = {"service": PERSONS, "client": CLINIC, "purposes": [PURPOSE]}
GOOD = {"service": f"{SUBSYSTEM}/new", "title": "New", "url": "https://new.example/api", "purposes": [PURPOSE]}


def test_everything_can_be_done_through_the_api(steward: httpx.Client) -> None:
    def do(path: str, **body: Any) -> httpx.Response:
        return steward.post(path, json=body)

    assert do("/services", **GOOD).status_code == 201
    assert do("/clients", client="EE/COM/3/new", party="stranger").status_code == 201
    right = {"service": GOOD["service"], "client": "EE/COM/3/new"}
    assert do("/access-rights", **right, purposes=[PURPOSE], until="2099-01-01").status_code == 201
    assert do("/access-rights/ends", **right).status_code == 201
    assert do("/access-rights/ends", **right).status_code == 404
    assert do("/services/withdrawals", service=GOOD["service"]).status_code == 201
    assert do("/linked-nodes", subsystem="EE/GOV/9/x", url="https://node.example").status_code == 201
    assert (
        do("/reconciliations", url="https://nobody.example", since="2026-01-01", until="2026-01-02").status_code == 400
    )
    assert {"services", "clients", "rights", "nodes", "traffic", "calls"} == set(steward.get("/services").json())


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"service": "EE/GOV/1/new"}, 400, "input.xroad"),
        ({"service": f"{SUBSYSTEM}/../x"}, 400, "input.xroad"),
        ({"service": f"{SUBSYSTEM}/listMethods"}, 400, "input.xroad"),
        ({"service": PERSONS}, 409, "registry.exists"),
        ({"title": " "}, 400, "input.service"),
        ({"url": "ftp://new.example"}, 400, "input.url"),
        ({"url": "https://user:pass@new.example"}, 400, "input.url"),
        ({"url": "https://new.example/?a=b"}, 400, "input.url"),
        ({"url": "https://new.example/a b"}, 400, "input.url"),
        ({"description": "file:///etc/passwd"}, 400, "input.url"),
        ({"purposes": ["Fun"]}, 400, "input.purpose"),
        ({"methods": ["CONNECT"]}, 400, "input.service"),
        ({"grade": 5}, 403, "access.grade"),
        ({"person": "path:0"}, 400, "input.service"),
        ({"person": "header:x"}, 400, "input.service"),
        ({"prefix": "A/b"}, 400, "input.service"),
    ],
)
def test_what_cannot_be_registered_is_said_clearly(
    steward: httpx.Client, change: dict[str, Any], status: int, code: str
) -> None:
    answer = steward.post("/services", json={**GOOD, "service": f"{SUBSYSTEM}/bad", **change})
    told = answer.json().get("refusal") or answer.json()["fault"]
    assert (answer.status_code, told["code"]) == (status, code), told
    assert told["message"] and told["remedy"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/clients", {"client": "EE/COM", "party": "clinic"}, 400, "input.xroad"),
        ("/clients", {"client": "EE/COM/7/x", "party": "nobody"}, 404, "registry.unknown"),
        ("/clients", {"client": "EE/COM/7/x", "party": "clinic", "key": "no key"}, 400, "input.key"),
        ("/clients", {"client": CLINIC, "party": "stranger"}, 409, "registry.exists"),
        ("/access-rights", {"service": PERSONS, "client": "EE/COM/8/x", "purposes": [PURPOSE]}, 404, "registry.unknown"),
        ("/access-rights", {"service": "EE/GOV/8/x/y", "client": CLINIC, "purposes": [PURPOSE]}, 404, "registry.unknown"),
        ("/access-rights", {"service": PERSONS, "client": CLINIC, "purposes": ["Marketing"]}, 403, "access.purpose"),
        ("/access-rights", {**RIGHT, "default": "Marketing"}, 400, "input.purpose"),
        ("/access-rights", {**RIGHT, "until": "2020-01-01"}, 422, "contract.terms"),
        ("/linked-nodes", {"subsystem": "EE/GOV/9", "url": "https://node.example"}, 400, "input.xroad"),
        ("/linked-nodes", {"subsystem": "EE/GOV/9/x", "url": "https://node.example/base"}, 400, "input.url"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_said_clearly(
    steward: httpx.Client, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = steward.post(path, json=body)
    told = answer.json().get("refusal") or answer.json()["fault"]
    assert (answer.status_code, told["code"]) == (status, code), told


def test_a_node_that_nobody_called_has_a_page_too(tmp_path: Path) -> None:
    with provider(tmp_path / "node") as there, browser(there, "register", "steward") as steward:
        assert "Nothing was called yet" in steward.get("/steward/services").text
