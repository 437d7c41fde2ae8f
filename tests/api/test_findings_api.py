"""The API of working conditions: rules, checks, hours left, appeals, accounts; a machine decides about nobody's account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

import story
import working
from serving import application
from support import SetClock
from usufruct.core.base.instants import Instant, later
from usufruct.core.work.facts import JobTerms, Pay, Span, WorkDone
from usufruct.core.work.hours.findings import DispatchStop, DispatchStopped
from usufruct.core.work.state import Shift
from usufruct.node import findings, login, work
from usufruct.node.node import Node
from usufruct.node.work import Done
from usufruct.wire import conditions as wire

SHE, PLATFORM = "member-3", story.STRANGER
REASON = {"reason": "the second shift was not mine"}


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


def her(api: Any, path: str = "/findings", body: Any = None) -> Any:
    return api(SHE, "member", "POST" if body is not None else "GET", path, body)


def platform(api: Any, path: str, body: Any = None) -> Any:
    return api(PLATFORM, "user", "POST" if body is not None else "GET", path, body)


@pytest.fixture
def broken(api: Any, node: Node) -> str:
    """Between shifts at two operators she had nine hours of rest where eleven are due. Her id."""
    who = working.shift(node, SHE, PLATFORM, 1, 10, 22)
    working.shift(node, SHE, story.USER, 2, 7, 12)
    working.shift(node, "member-4", PLATFORM, 1, 10, 18)
    assert steward(api, "/findings/rules", {"conditions": wire.packs()["eu-working-time"]}).status_code == 201
    return who


def test_what_is_found_once_is_not_found_again(api: Any, broken: str) -> None:
    found = steward(api, "/findings/checks", {}).json()
    assert found["workers"] == 2
    [made] = found["made"]
    assert (made["party"], made["found"]["rule"]) == (broken, "eu-rest-daily")
    assert made["found"]["words"] == "9 h of 11 h rest, from 2026-11-02 12:00 to 2026-11-03 14:00"
    assert steward(api, "/findings/checks", {}).json()["made"] == []
    assert [one["id"] for one in her(api).json()["findings"]] == [made["finding"]]
    assert api("member-4", "member", "GET", "/findings").json()["findings"] == []
    assert [one["id"] for one in steward(api, "/findings/all").json()] == [made["finding"]]


def test_a_check_of_one_worker_or_of_one_time(api: Any, broken: str) -> None:
    assert steward(api, "/findings/checks", {"since": "2026-11-05"}).json() == {"workers": 0, "made": []}
    assert steward(api, "/findings/checks", {"worker": "member-4"}).json() == {"workers": 1, "made": []}
    assert len(steward(api, "/findings/checks", {"worker": SHE}).json()["made"]) == 1


def test_a_run_that_went_on_is_the_finding_that_was_made(api: Any, broken: str, node: Node) -> None:
    assert len(steward(api, "/findings/checks", {}).json()["made"]) == 1
    working.shift(node, SHE, PLATFORM, 2, 13, 15)
    assert steward(api, "/findings/checks", {}).json()["made"] == []


def test_an_appeal_is_answered_by_a_person_and_lifts_the_finding(api: Any, broken: str) -> None:
    [made] = steward(api, "/findings/checks", {}).json()["made"]
    path = f"/findings/{made['finding']}"
    assert her(api, f"{path}/appeal", {"reason": " "}).status_code == 400
    appealed = her(api, f"{path}/appeal", REASON)
    assert appealed.status_code == 201
    assert "hours.appeal" in her(api, f"{path}/appeal", REASON).text
    [waits] = steward(api, "/findings/appeals").json()
    assert waits["of"] == made["finding"] and waits["until"] == appealed.json()["until"]
    assert platform(api, "/findings/appeals").json() == []
    no = {"upheld": False, "reasons": "it was"}
    assert "hours.appeal" in steward(api, f"{path}/answer", no).text
    answered = steward(api, f"{path}/answer", {"upheld": True, "reasons": "the clock of `bags` was wrong"})
    assert answered.status_code == 201
    mine = her(api).json()
    assert mine["findings"][0]["stands"] == "lifted" and mine["appeals"][0]["stands"] == "upheld"
    assert steward(api, "/findings/checks", {}).json()["made"] == []
    assert steward(api, f"{path}/answer", {"upheld": True, "reasons": "again"}).status_code == 404


def test_an_account_is_suspended_by_a_person_with_reasons_and_restored_on_appeal(
    api: Any, broken: str, node: Node
) -> None:
    body = {
        "worker": SHE, "operator": PLATFORM, "kind": "suspended", "reasons": "the licence ran out",
        "contact": "Mari, +372 5551234",
    }  # fmt: skip
    assert findings.dispatch(node, SHE, PLATFORM, working.span(9, 8, 10)) is None
    done = platform(api, "/findings/restrictions", body).json()
    refused = findings.dispatch(node, SHE, PLATFORM, working.span(9, 8, 10))
    assert refused is not None and refused.code == "hours.restricted"
    assert "the licence ran out" in refused.reasons[0] and "Mari" in refused.remedy
    assert findings.dispatch(node, SHE, story.USER, working.span(9, 8, 10)) is None
    [mine] = her(api).json()["restrictions"]
    assert mine["reasons"] == "the licence ran out" and mine["appeal_until"] > mine["since"]
    path = f"/findings/{done['restriction']}"
    assert her(api, f"{path}/appeal", REASON).status_code == 201
    assert [one["of"] for one in platform(api, "/findings/appeals").json()] == [done["restriction"]]
    assert platform(api, f"{path}/answer", {"upheld": True, "reasons": "it was renewed"}).status_code == 201
    assert findings.dispatch(node, SHE, PLATFORM, working.span(9, 8, 10)) is None
    assert [one["restored"] for one in platform(api, "/findings/restrictions").json()] == ["it was renewed"]
    ending = {"why": "again"}
    assert platform(api, f"/findings/restrictions/{done['restriction']}/ending", ending).status_code == 404


def test_a_platform_changes_no_account_but_those_of_its_workers(api: Any, broken: str) -> None:
    body = {"worker": "member-5", "operator": PLATFORM, "kind": "ended", "reasons": "x", "contact": "y"}
    told = {platform(api, "/findings/restrictions", body | {"worker": who}).text.replace(who, "…")
            for who in ("member-5", "nobody-99", "member-99")}  # fmt: skip
    assert len(told) == 1 and "registry.unknown" in told.pop()
    assert platform(api, "/findings/restrictions", body | {"worker": SHE, "operator": story.USER}).status_code == 404
    for wrong in ({"contact": ""}, {"reasons": " "}):
        assert platform(api, "/findings/restrictions", body | {"worker": SHE} | wrong).status_code == 400
    past = {"worker": SHE, "until": "2020-01-01"}
    assert "hours.restricted" in platform(api, "/findings/restrictions", body | past).text


def test_no_machine_ends_somebodys_work(node: Node) -> None:
    working.shift(node, SHE, PLATFORM, 1, 10, 22)
    said = ("suspended", "a score", "nobody", None, PLATFORM)
    refused = findings.restrict(node, SHE, PLATFORM, *said, ("dispatcher",))
    assert getattr(refused, "code", "") == "access.human-only"


def test_dispatch_stops_at_a_limit_once_and_ends_by_itself(api: Any, broken: str, node: Node) -> None:
    for _ in range(2):
        refused = findings.dispatch(node, SHE, PLATFORM, working.span(2, 20, 21))
        assert refused is not None and refused.code == "hours.limit"
        assert refused.reasons[0] == "`eu-rest-daily`: 8 h of 11 h rest; from 2026-11-04 01:00 on"
    with node.store.read() as state:
        stops = list(state.list(DispatchStop, party=broken))
        told = [entry for entry in state.history(broken) if isinstance(entry.fact, DispatchStopped)]
    assert len(told) == 1
    assert [stop.until for stop in stops] == [working.at(2, 23)]
    assert findings.dispatch(node, SHE, PLATFORM, working.span(2, 23, 24)) is None


def test_what_is_under_way_counts_before_it_is_recorded(node: Node, clock: SetClock) -> None:
    """Work is recorded when it is over; until then the agreement tells that she is at work, to every other operator too."""
    working.in_force(node, "eu-working-time")
    midnight = Instant(f"{later(clock.at, days=2)[:10]}T00:00:00.000Z")

    def at(hour: int) -> Instant:
        return later(midnight, hours=hour)

    long = JobTerms("A day", "tartu", at(6), at(18), 720, Pay("EUR", per_hour=1_200))
    agreed = story.done(work.take(node, story.done(work.post(node, PLATFORM, long)).job, SHE))
    clock.at = at(12)
    evening = Span(at(20), at(23))
    refused = findings.dispatch(node, SHE, story.USER, evening)
    assert refused is not None and refused.reasons[0].startswith("`eu-rest-daily`: 2 h of 11 h rest")
    left = {one.rule: one.minutes for one in findings.mine(node, SHE).left}
    assert 6 * 60 < left["eu-rest-daily"] <= 7 * 60  # 13 hours from 6 o'clock on
    story.done(work.record_work(node, PLATFORM, Done(agreed.agreement, (Span(at(6), at(7)),), 1_200)))
    assert findings.dispatch(node, SHE, story.USER, evening) is not None  # an hour of the twelve is recorded
    clock.at = at(19)
    assert findings.dispatch(node, SHE, story.USER, evening) is None  # it is over, and one hour was worked


def test_nobody_unknown_may_be_sent_work(node: Node) -> None:
    for worker, operator in (("nobody-9", PLATFORM), (SHE, "nobody-9")):
        refused = findings.dispatch(node, worker, operator, working.span(9, 8, 10))
        assert refused is not None and refused.code == "registry.unknown"


def test_hours_left_are_told_by_rule(api: Any, broken: str) -> None:
    left = {one["rule"]: one["minutes"] for one in her(api).json()["left"]}
    assert left == {"eu-rest-daily": 13 * 60, "eu-rest-weekly": 24 * 60, "eu-average": 24 * 60}


def test_floors_of_pay_are_told_by_operator_under_each_definition(node: Node) -> None:
    working.in_force(node, "hourly-floor", "nyc-trip-floor")
    who = working.shift(node, SHE, PLATFORM, 2, 8, 12)
    done = WorkDone("work-1", "agreement-1", who, PLATFORM, (working.span(2, 9, 10),), 16_093, 2500, 500, "USD")
    working.add(node, done)
    [found] = findings.pay_floors(node, SHE, working.at(1, 0), working.at(8, 0))
    assert [(one.definition, one.due, one.top_up, one.binding) for one in found.hourly] == [
        ("engaged", 1500, 0, False), ("online", 6000, 4000, False), ("shift", 6000, 4000, True),
    ]  # fmt: skip
    assert [(one.due, one.paid, one.top_up) for one in found.trips] == [(4858, 2000, 2858)]
    assert findings.pay_floors(node, SHE, working.at(8, 0), working.at(9, 0)) == []


def test_rules_are_read_by_everybody_and_ended_by_the_steward(api: Any, broken: str) -> None:
    rules = api("", "", "GET", "/findings/rules").json()
    assert [one["rule"] for one in rules] == ["eu-rest-daily", "eu-rest-weekly", "eu-average"]
    assert steward(api, "/findings/rules/eu-average/ending", {"why": "another rule"}).status_code == 201
    assert [one["rule"] for one in api("", "", "GET", "/findings/rules").json()] == ["eu-rest-daily", "eu-rest-weekly"]
    assert platform(api, "/findings/rules", {"conditions": "x"}).status_code == 403


def test_bad_input_is_refused_and_nothing_is_lost(api: Any, node: Node) -> None:
    for body, status in (
        ({"conditions": "nonsense"}, 400), ({"conditions": wire.packs()["safety"].replace("promised", "siesta")}, 409),
        ({"conditions": wire.packs()["safety"], "operator": "nobody"}, 404),
    ):  # fmt: skip
        assert steward(api, "/findings/rules", body).status_code == status
    assert steward(api, "/findings/checks", {"since": "soon"}).status_code == 400
    with node.store.read() as state:
        assert not list(state.list(Shift))
