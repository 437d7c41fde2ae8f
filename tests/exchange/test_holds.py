"""A call that is withheld from whom it is about: recorded and counted at once, told later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.test_commands import run
from exchange.test_pages import browser
from exchange.test_usage import find
from exchange.world import CLINIC, CODE, PERSONS, PURPOSE, SUBSYSTEM, Provider, done, facts_of, pair, provider
from support import SetClock
from usufruct.core.access import hold
from usufruct.core.access.facts import UseHeld
from usufruct.core.exchange.facts import CallAbandoned, CallAdmitted, CallRefused, PersonLookedUp, ServiceRegistered
from usufruct.core.proof.keeping import check
from usufruct.node import epoch, login, services, views
from usufruct.node.node import Node
from usufruct.store.keys import verify_signature

GROUND, DAYS = "criminal-investigation", 30
SHE = CODE.lower()
FOR = {"Usufruct-Purpose": PURPOSE}
HELD = {**FOR, "Usufruct-Hold": GROUND, "X-Road-Issue": "secret case"}


@dataclass
class World:
    there: Provider
    clock: SetClock


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The clinic may withhold its calls for thirty days."""
    clock = SetClock(tick=0.01)
    with provider(tmp_path / "node", clock=clock) as there:
        allow(there.node, "clinic")
        yield World(there, clock)


def allow(node: Node, party: str) -> None:
    done(node.record(lambda tx: hold.allow(tx, party, GROUND, DAYS, "Act 7, section 2")))


def ask(there: Provider, **headers: str) -> httpx.Response:
    return there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={**HELD, **headers})


def audited(node: Node) -> tuple[int, list[int], list[Any]]:
    """How many records she counts, those withheld from her, and what is wrong, as her own program finds it."""
    key, book = epoch.key_file(node, SHE), epoch.book(node, SHE)
    assert key is not None and book is not None
    found = check(json.loads(json.dumps(book)), key, verify_signature, node.clock.now())
    return found.count, list(found.held), list(found.flaws)


def test_it_is_recorded_at_once_and_before_everything_else_of_it(world: World) -> None:
    assert ask(world.there).status_code == 200
    (first, held), (second, call), (third, looked) = (
        world.there.facts(kind)[-1] for kind in (UseHeld, CallAdmitted, PersonLookedUp)
    )
    assert held.use == call.call == looked.call and first.seq < second.seq < third.seq
    assert (held.requester, held.ground, held.until[:10]) == ("clinic", GROUND, hold.later(first.at, days=DAYS)[:10])
    assert call.hash == services.services_page(world.there.node).calls[0].hash, "the steward sees the call as any other"


def test_she_counts_it_sees_ground_and_end_and_reads_it_when_it_opens(world: World) -> None:
    there, node = world.there, world.there.node
    ask(there)
    epoch.close_epoch(node)
    seq = there.facts(PersonLookedUp)[-1][0].seq
    count, withheld, flaws = audited(node)
    assert (count, withheld, flaws) == (2, [1], []), "that she was registered, and the look-up"
    with browser(there, SHE, "member") as she:
        page = she.get("/me").text
        assert "Withheld" in page and GROUND in page and there.facts(UseHeld)[-1][1].until[:10] in page
        for secret in ("Tartu Clinic", "secret case", CLINIC, "providing a service"):
            assert secret not in page and secret not in she.get("/api/v1/me/book").text, secret
        assert she.get("/api/v1/me/look-ups").json() == []
        assert she.get(f"/api/v1/receipts/{seq}").status_code == 404
    world.clock.move(days=DAYS, seconds=1)
    assert audited(node) == (2, [], [])
    with browser(there, SHE, "member") as she:
        page = she.get("/me").text
        assert "Tartu Clinic" in page and "secret case" in page and "Withheld" not in page
        assert [one["outcome"] for one in she.get("/api/v1/me/look-ups").json()] == ["answered"]
        assert she.get(f"/api/v1/receipts/{seq}").status_code == 200


def test_find_usage_leaves_it_out_until_it_opens(world: World) -> None:
    there = world.there
    there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR)
    ask(there)
    assert find(there, f"userCode={CODE}").json()["totalUsages"] == 1
    world.clock.move(days=DAYS, seconds=1)
    there.tracker = login.issue_token(there.node, "ria", "system", ("call",), 1, "")
    assert find(there, f"userCode={CODE}").json()["totalUsages"] == 2


def test_who_withheld_it_keeps_its_receipt_and_the_public_its_count(world: World) -> None:
    seq = int(ask(world.there).headers["usufruct-receipt"])
    assert views.receipt_for(world.there.node, "clinic", seq) is not None
    assert httpx.get(f"{world.there.url}/api/v1/holds").json() == [{"ground": GROUND, "held": 1, "open": 0}]


def test_the_service_is_not_told_and_the_hash_covers_it(world: World) -> None:
    answer = ask(world.there, **{"Usufruct-Hold-Days": "3"})
    _, _, passed, _ = world.there.registry.seen[-1]
    assert not [name for name in passed if name.startswith("usufruct-hold")]
    assert world.there.facts(CallAdmitted)[-1][1].hash == answer.headers["x-road-request-hash"]
    entry, held = world.there.facts(UseHeld)[-1]
    assert held.until == hold.later(entry.at, days=3)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Usufruct-Hold": "curiosity"}, 400, "input.hold"),
        ({"Usufruct-Hold-Days": "0"}, 400, "input.hold"),
        ({"Usufruct-Hold-Days": "-1"}, 400, "input.hold"),
        ({"Usufruct-Hold-Days": "٣"}, 400, "input.hold"),
        ({"Usufruct-Hold-Days": "1.5"}, 400, "input.hold"),
        ({"Usufruct-Hold": "", "Usufruct-Hold-Days": "1"}, 400, "input.hold"),
        ({"Usufruct-Hold-Days": str(DAYS + 1)}, 500, "access.hold"),
        ({"Usufruct-Hold": "tax"}, 500, "access.hold"),
    ],
)
def test_a_hold_that_cannot_be_stops_the_call(world: World, headers: dict[str, str], status: int, code: str) -> None:
    sent = {name: value.encode() for name, value in {**HELD, **headers}.items()}
    answer = world.there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=sent)
    assert (answer.status_code, answer.json()["detail"]) == (status, code), answer.text
    assert world.there.registry.seen == [] and world.there.facts(UseHeld) == []


def test_a_refused_call_is_withheld_too(world: World) -> None:
    there = world.there
    there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR)
    assert ask(there, **{"Usufruct-Purpose": "Marketing"}).json()["detail"] == "access.purpose"
    assert there.facts(PersonLookedUp)[-1][1].refused == "access.purpose"
    assert [one.outcome for one in services.lookups(there.node, SHE)] == ["answered"]
    world.clock.move(days=DAYS, seconds=1)
    assert [one.outcome for one in services.lookups(there.node, SHE)] == ["refused", "answered"]


def test_a_hold_that_is_refused_withholds_nothing(world: World) -> None:
    there = world.there
    there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR)
    ask(there, **{"Usufruct-Hold": "tax"})
    assert services.lookups(there.node, SHE)[0].outcome == "refused"
    assert services.withheld_lookups(there.node, SHE) == ()


def test_nobody_withholds_in_anothers_name(world: World) -> None:
    """The tracker's token, the clinic's right."""
    answer = world.there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=HELD, token=world.there.tracker)
    assert answer.json()["detail"] == "exchange.closed" and world.there.facts(UseHeld) == []


def test_what_a_hold_says_of_a_service_is_nothing(world: World) -> None:
    """With a right to withhold or without, a service that is not open looks as one that is not there."""
    there = world.there
    done(services.close_service(there.node, PERSONS, CLINIC))
    told = []
    for path in (PERSONS, f"{SUBSYSTEM}/nothing"):
        for ground in (GROUND, "tax"):
            answer = there.ask(f"/r1/{path}/v1/{CODE}", headers={**HELD, "Usufruct-Hold": ground})
            told.append((answer.status_code, answer.json()["detail"], answer.text.replace(path, "…")))
    assert len(set(told)) == 1 and there.facts(UseHeld) == []


def test_a_service_that_is_not_about_persons_has_nothing_to_withhold(world: World) -> None:
    there = world.there
    service = f"{SUBSYSTEM}/weather"
    done(services.register_service(there.node, ServiceRegistered(
        service, "register", "Weather", "http://127.0.0.1:9", (PURPOSE,), ("GET",), 0, private=True
    )))  # fmt: skip
    done(services.open_service(there.node, service, CLINIC, (PURPOSE,)))
    answer = there.ask(f"/r1/{service}", headers=HELD)
    assert answer.json()["detail"] == "access.hold" and "not about persons" in answer.json()["message"]
    assert there.facts(UseHeld) == [] and there.facts(CallRefused)[-1][1].code == "access.hold"


def test_a_call_that_fails_stays_withheld(world: World) -> None:
    there = world.there
    done(services.withdraw_service(there.node, PERSONS))
    done(services.register_service(there.node, ServiceRegistered(
        PERSONS, "register", "Gone", "http://127.0.0.1:9", (PURPOSE,), ("GET",), 3, "path:2", private=True
    )))  # fmt: skip
    assert ask(there).headers["x-road-error"] == "Server.ServerProxy.NetworkError"
    assert there.facts(CallAbandoned) and services.lookups(there.node, SHE) == ()


def test_the_node_that_answers_decides_on_the_hold(tmp_path: Path) -> None:
    with pair(tmp_path) as (here, there):
        refused = here.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={"Usufruct-Hold": GROUND})
        assert refused.json()["detail"] == "access.hold"
        allow(there.node, "clinic")
        answer = here.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={"Usufruct-Hold": GROUND})
        assert answer.status_code == 200, answer.text
        assert len(there.facts(UseHeld)) == 1 and facts_of(here.node, UseHeld) == []
        assert len(services.withheld_lookups(there.node, SHE)) == 1 and services.lookups(there.node, SHE) == ()


def test_from_a_terminal(tmp_path: Path) -> None:
    directory = tmp_path / "node"
    with provider(directory) as there:
        allow(there.node, "clinic")
    line = f"service call {PERSONS} /v1/{CODE} --client {CLINIC} --purpose {PURPOSE} --dir {directory}"
    assert run(f"{line} --hold {GROUND} --hold-days 31").exit_code == 3
    assert run(f"{line} --hold curiosity").exit_code == 2
    assert run(f"{line} --hold-days 3").exit_code == 2
    assert run(f"{line} --hold {GROUND} --hold-days 3").exit_code == 2, "the service is gone; the call was admitted"
    listed = run(f"hold list --dir {directory}")
    assert listed.exit_code == 0 and GROUND in listed.output, listed.output
