"""The Estonian Data Tracker asks who used a person's data, and is answered from the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import story
from exchange.world import CLINIC, CODE, PERSONS, PURPOSE, TRACKER, USAGE, Provider, done, provider
from usufruct.core.exchange.facts import CallAdmitted, PersonLookedUp, ServiceRegistered
from usufruct.core.exchange.rules import CallRequest
from usufruct.core.exchange.speakers import Caller
from usufruct.core.exchange.state import FIND_USAGE, Service
from usufruct.core.registry.facts import PartyRegistered
from usufruct.node import services, usage
from usufruct.node.node import Node

FOR = {"Usufruct-Purpose": PURPOSE}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("usage") / "node") as found:
        for _ in range(3):
            assert found.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR).status_code == 200
        found.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={"Usufruct-Purpose": "Marketing"})
        yield found


def find(there: Provider, query: str, user: str | None = CODE, **more: Any) -> Any:
    headers = {"X-Road-UserId": user} if user else {}
    return there.ask(f"/r1/{USAGE}/v2/findUsage?{query}", TRACKER, there.tracker, headers=headers, **more)


def test_the_uses_of_a_person_newest_first(there: Provider) -> None:
    answer = find(there, f"userCode={CODE}")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["totalUsages"] == 3 == len(found["usages"]), (
        "refused attempts and the tracker's own looks are not uses"
    )
    first = found["usages"][0]
    assert first == {
        "logtime": there.facts(PersonLookedUp)[2][0].at, "action": "Population register: providing a service",
        "receiverCode": "10000001", "receiverName": "Tartu Clinic", "receiverSystem": "clinic",
    }  # fmt: skip
    times = [one["logtime"] for one in found["usages"]]
    assert times == sorted(times, reverse=True)


def test_pages_and_periods(there: Provider) -> None:
    everything = find(there, f"userCode={CODE}").json()["usages"]
    part = find(there, f"userCode={CODE}&offset=1&limit=1").json()
    assert part == {"totalUsages": 3, "usages": everything[1:2]}, "the total is not affected by limit and offset"
    middle = everything[1]["logtime"]
    assert find(there, f"userCode={CODE}&periodStart={middle}").json()["totalUsages"] >= 2
    assert find(there, f"userCode={CODE}&periodEnd=2021-01-31T10:20:30Z").json() == {"totalUsages": 0, "usages": []}
    assert find(there, f"userCode={CODE}&periodStart=2021-01-31t10:20:30%2B02:00").json()["totalUsages"] == 3


@pytest.mark.parametrize("code", [CODE.lower(), "EE1", "register", "x" * 200, "%C3%B5", "", "p-0000"])
def test_only_the_person_of_that_code_is_meant(there: Provider, code: str) -> None:
    parties = len(there.facts(PartyRegistered))
    found = find(there, f"userCode={code}")
    assert found.status_code == 200 and found.json()["totalUsages"] == (3 if code == CODE.lower() else 0)
    assert len(there.facts(PartyRegistered)) == parties, "asking registers nobody"


@pytest.mark.parametrize(
    "query",
    ["", f"userCode={CODE}&limit=x", f"userCode={CODE}&offset=2147483648", f"userCode={CODE}&periodStart=yesterday",
     f"userCode={CODE}&periodEnd=2021-01-31", f"userCode={CODE}&limit=1&limit=2", f"userCode={CODE}&limit="],
)  # fmt: skip
def test_what_does_not_fit_the_protocol_is_400(there: Provider, query: str) -> None:
    answer = find(there, query)
    assert answer.status_code == 400 and "x-road-error" not in answer.headers, "it is the service that says so"


def test_somebody_must_be_asking(there: Provider) -> None:
    assert find(there, f"userCode={CODE}", user=None).status_code == 400


def test_the_period_and_the_heartbeat(there: Provider) -> None:
    def ask(what: str) -> Any:
        return there.ask(f"/r1/{USAGE}/v2/{what}", TRACKER, there.tracker)

    assert ask("usagePeriod").json() == {"periodStart": there.facts(PartyRegistered)[0][0].at}
    assert ask("heartbeat").json()["status"] == "OK"
    assert ask("nothing").status_code == 404


def test_only_those_it_is_opened_to_may_ask(there: Provider) -> None:
    assert (
        there.ask(
            f"/r1/{USAGE}/v2/findUsage?userCode={CODE}", CLINIC, headers={**FOR, "X-Road-UserId": CODE}
        ).status_code
        == 500
    )


def test_she_sees_that_the_tracker_asked(there: Provider) -> None:
    before = len(services.lookups(there.node, CODE.lower()))
    find(there, f"userCode={CODE}", user="EE1")
    newest, *rest = services.lookups(there.node, CODE.lower())
    assert newest.client == TRACKER and len(rest) == before
    assert there.facts(CallAdmitted)[-1][1].service == USAGE


def test_questions_in_which_her_rows_counted_are_uses_too(node: Node) -> None:
    """The person column and the service know her by the same code, if the service has the table's prefix."""
    story.answer(node)
    done(services.register_service(node, ServiceRegistered(
        USAGE, story.OPERATOR, "Data tracker", FIND_USAGE, (PURPOSE,), ("GET",), 3, "query:userCode", "member"
    )))  # fmt: skip
    with node.store.read() as state:
        service = state.get(Service, USAGE)
    assert service is not None

    def asked(code: str) -> Any:
        request = CallRequest(
            USAGE, TRACKER, Caller("ria"), "GET", ("v2", "findUsage"), (("userCode", code),), "", "", ""
        )
        return usage.answer(node, service, request, "EE1")

    import json

    for code, uses in (("3", 1), ("EE3", 1), ("LV3", 0), ("99", 0)):
        found = json.loads(asked(code).body)
        assert found["totalUsages"] == uses, code
    assert found["usages"] == []
    one = json.loads(asked("3").body)["usages"][0]
    assert one["receiverCode"] == story.USER and one["receiverSystem"] == "Wage Commons"
    assert one["action"].endswith(": academic research"), one
