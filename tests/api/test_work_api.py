"""The HTTP API of jobs and rounds: from posting to the reasons, and what a stranger reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from rounds.world import RIDERS, ROUND, SECRETS, SHOPS, SPEAKER, UNION, World, world
from serving import application
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import certificate as proof
from usufruct.core.work.allocation import lottery
from usufruct.node import login, register

WORK = "/api/v1/work"


class Api:
    """Everybody with her token."""

    def __init__(self, here: World, client: TestClient[Any]) -> None:
        self.here, self.client = here, client
        roles = {
            RIDERS: "user",
            UNION: "user",
            SHOPS: "user",
            "anu": "member",
            "bert": "member",
            "tartu-work": "steward",
        }
        self.tokens = {
            name: login.issue_token(here.node, here.id(name), role, login.ROLES[role], 30, "")
            for name, role in roles.items()
        }

    def call(self, who: str, method: str, path: str, body: object = None) -> Any:
        """What the route answers."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return self.client.request(method, WORK + path, headers=headers, json=body)

    def done(self, who: str, method: str, path: str, body: object = None) -> Any:
        """What was done."""
        answer = self.call(who, method, path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with (
        world(tmp_path / "node") as here,
        application(here.node) as app,
        TestClient(app, raise_server_exceptions=False) as client,
    ):
        yield Api(here, client)


def job(api: Api, **more: Any) -> dict[str, Any]:
    here = api.here
    plain = {
        "title": "deliveries", "place": "tartu-centre", "starts": here.at(48), "ends": here.at(51), "minutes": 60,
        "per_hour": "15.00 EUR",
    }  # fmt: skip
    return {**plain, **more}


def test_a_job_from_both_sides(api: Api) -> None:
    posted = api.done(RIDERS, "POST", "/jobs", job(api, seats=2))["job"]
    (listed,) = api.done("", "GET", "/jobs?place=tartu-centre")
    assert (listed["job"]["id"], listed["free"], listed["job"]["by"]) == (posted, 2, RIDERS)
    assert api.done("", "GET", "/jobs?place=elsewhere") == []
    span = {"start": api.here.at(40), "end": api.here.at(60)}
    api.done("anu", "POST", "/availability", {"spans": [span], "places": ["tartu-centre"], "hourly_floor": "12.00 EUR"})
    first = api.done("anu", "POST", f"/jobs/{posted}/agreements", {})
    offered = api.done(RIDERS, "POST", "/jobs", job(api, starts=api.here.at(60), ends=api.here.at(70)))["job"]
    offer = api.done(RIDERS, "POST", f"/jobs/{offered}/offers", {"worker": "anu"})["offer"]
    assert [one["id"] for one in api.done("anu", "GET", "/mine")["offers"]] == [offer]
    assert api.call("bert", "POST", f"/job-offers/{offer}/refusal").status_code == 404
    api.done("anu", "POST", f"/job-offers/{offer}/acceptance")
    api.here.go(50)
    online = {"start": api.here.at(48), "end": api.here.at(50)}
    shift = api.done(
        RIDERS, "POST", "/shifts", {"worker": "anu", **online, "online": [online], "zone": "Europe/Tallinn"}
    )
    api.done(RIDERS, "POST", "/works", {
        "agreement": first["agreement"], "engaged": [{"start": api.here.at(48), "end": api.here.at(49)}],
        "gross": "18.00 EUR", "fee": "3.00 EUR", "shift": shift["shift"],
    })  # fmt: skip
    api.done("anu", "POST", f"/agreements/{first['agreement']}/ending", {"why": "ill"})
    mine = api.done("anu", "GET", "/mine")
    assert [one["fee"] for one in mine["works"]] == [300] and len(mine["agreements"]) == 2
    everything = api.client.get("/api/v1/agreements", headers={"Authorization": f"Bearer {api.tokens[RIDERS]}"}).json()
    assert first["agreement"] in {one["id"] for one in everything}
    api.done(RIDERS, "POST", f"/jobs/{posted}/withdrawal", {"why": "it rains"})
    assert api.done("", "GET", f"/jobs/{posted}")["job"]["stands"] == "withdrawn"


def test_a_round_that_a_stranger_follows_and_a_chamber_checks(api: Api) -> None:
    here = api.here
    api.done("tartu-work", "POST", "/rounds", {
        "round": ROUND, "method": "stable", "weights": {"fairness": 2}, "workers": UNION, "operators": RIDERS,
        "customers": SHOPS, "closes": here.at(12), "opens_until": here.at(14),
    })  # fmt: skip
    posted = api.done(RIDERS, "POST", "/jobs", job(api, round=ROUND))["job"]
    for chamber, who in SPEAKER.items():
        said = lottery.commitment(bytes.fromhex(SECRETS[chamber]), ROUND)
        api.done(who, "POST", f"/rounds/{ROUND}/commitments", {"commitment": said})
    for name in ("anu", "bert"):
        api.done(name, "POST", f"/rounds/{ROUND}/wishes", {"jobs": [posted]})
    assert api.call("", "GET", f"/rounds/{ROUND}/certificate").status_code == 404
    here.go(12)
    api.done("tartu-work", "POST", f"/rounds/{ROUND}/closing")
    for chamber, who in SPEAKER.items():
        api.done(who, "POST", f"/rounds/{ROUND}/secrets", {"secret": SECRETS[chamber]})
    late = api.call("tartu-work", "POST", f"/rounds/{ROUND}/abandonment", {"why": "other lots"})
    assert late.status_code == 422 and late.json()["refusal"]["code"] == "allocation.redraw"
    api.done("tartu-work", "POST", f"/rounds/{ROUND}/plan")
    settled = [api.done("tartu-work", "POST", f"/rounds/{ROUND}/settlement") for _ in range(2)]
    assert settled[0] == settled[1] and settled[0]["agreed"] == 1
    seen, certificate = api.done("", "GET", f"/rounds/{ROUND}"), api.call("", "GET", f"/rounds/{ROUND}/certificate")
    assert seen["state"] == "settled" and [one["secret"] for one in seen["chambers"]] == list(SECRETS.values())
    assert lottery.seed([bytes.fromhex(one) for one in SECRETS.values()], b"", ROUND).hex() == seen["seed"]
    instance = api.call(UNION, "GET", f"/rounds/{ROUND}/instance")
    assert not isinstance(proof.check(instance.content, certificate.content), Refusal)
    owns = [api.done(name, "GET", f"/rounds/{ROUND}/reasons") for name in ("anu", "bert")]
    assert sorted(own["reasons"][0]["outcome"] for own in owns) == ["got", "lottery"]
    public = certificate.text + str(seen)
    assert not [own["number"] for own in owns if own["number"] in public]
    assert not [name for name in ("anu", "bert") if here.id(name) in public]
    absent = api.call("anu", "GET", "/rounds/no-round/instance")
    hidden = api.call("anu", "GET", f"/rounds/{ROUND}/instance")
    assert (absent.status_code, absent.text.replace("no-round", ROUND)) == (hidden.status_code, hidden.text)
    assert [row["round"] for row in api.done("", "GET", "/rounds")] == [ROUND]


def test_a_series_that_everybody_reads_and_the_operator_starts_and_ends(api: Api) -> None:
    here = api.here
    wanted = {
        "series": "couriers", "method": "stable", "weights": {"fairness": 2}, "workers": UNION, "operators": RIDERS,
        "customers": SHOPS, "every": 60, "wishes": 30, "opening": 15, "until": here.at(3),
    }  # fmt: skip
    assert api.call(RIDERS, "POST", "/series", wanted).status_code == 403
    assert api.call("tartu-work", "POST", "/series", {**wanted, "wishes": 0}).status_code == 400
    api.done("tartu-work", "POST", "/series", wanted)
    seen = api.done("", "GET", "/series/couriers")
    assert [one["round"] for one in seen["next"]] == ["couriers-1", "couriers-2", "couriers-3"]
    assert seen["next"][1]["opens"] == here.at(1) and api.done("", "GET", "/series") == [seen]
    said = lottery.commitment(bytes.fromhex(SECRETS["workers"]), "couriers-2")
    api.done(UNION, "POST", "/rounds/couriers-2/commitments", {"commitment": said})
    waits = api.done(RIDERS, "POST", "/jobs", job(api, round="series:couriers"))["job"]
    assert api.done("", "GET", f"/jobs/{waits}")["job"]["round"] == "series:couriers"
    assert [one["job"]["id"] for one in api.done("", "GET", "/jobs?round=series:couriers")] == [waits]
    api.done("tartu-work", "POST", "/series/couriers/ending", {"why": "the week is over"})
    ended = api.done("", "GET", "/series/couriers")
    assert (ended["ended"], ended["next"]) == ("the week is over", [])
    assert api.call("", "GET", "/series/none").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/jobs", {"per_hour": "0.00 EUR"}, 400),
        ("/jobs", {"per_hour": "15.00 USD"}, 400),
        ("/jobs", {"place": "Tartu!"}, 400),
        ("/jobs", {"minutes": 0}, 400),
        ("/jobs", {"ends": "2020-01-01"}, 400),
        ("/jobs", {"starts": "2020-01-01", "ends": "2020-01-02"}, 409),
        ("/jobs", {"round": "no-round"}, 404),
        ("/jobs", {"surprise": 1}, 400),
    ],
)
def test_a_job_that_cannot_be_is_refused_and_nothing_is_lost(
    path: str, body: dict[str, Any], status: int, api: Api
) -> None:
    answer = api.call(RIDERS, "POST", path, job(api, **body))
    assert answer.status_code == status, answer.text
    assert api.done("", "GET", "/jobs") == []


def test_an_agent_acts_for_its_principal_where_that_is_asked_and_nowhere_else(api: Api) -> None:
    from rounds.test_agents import grant
    from story import done

    done(register.add_party(api.here.node, "dispatcher", "agent", "Dispatcher", RIDERS))
    grant(api.here, RIDERS, "dispatcher")
    api.tokens["dispatcher"] = login.issue_token(api.here.node, "dispatcher", "user", login.ROLES["user"], 1, "")
    posted = api.done("dispatcher", "POST", "/jobs", job(api))
    assert (posted["by"], posted["actors"]) == (RIDERS, ["dispatcher"])
    taken = api.done("anu", "POST", f"/jobs/{posted['job']}/agreements", {})
    ended = api.call("dispatcher", "POST", f"/agreements/{taken['agreement']}/ending", {"why": "too slow"})
    assert ended.json()["refusal"]["code"] == "access.human-only"
    withdrawn = api.call("dispatcher", "POST", f"/jobs/{posted['job']}/withdrawal", {"why": "x"})
    assert withdrawn.json()["refusal"]["code"] == "access.delegation"
