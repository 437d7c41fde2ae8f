"""Machines that call services for somebody: by a token with a chain of actors, by their own, and until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.test_agents import exchanged
from exchange.test_pages import browser
from exchange.test_usage import find
from exchange.world import CLINIC, CODE, PERSONS, PURPOSE, SUBSYSTEM, Provider, done, facts_of, pair, person, provider
from identity.world import Client, past_the_start
from support import SetClock
from usufruct.core import telling
from usufruct.core.access.delegation import Delegation
from usufruct.core.access.facts import Mandate
from usufruct.core.base.instants import later
from usufruct.core.exchange.facts import (
    CallAbandoned,
    CallAdmitted,
    CallAnswered,
    CallRefused,
    CallReturned,
    CallSent,
    PersonLookedUp,
    ServiceRegistered,
)
from usufruct.core.exchange.speakers import Caller
from usufruct.core.exchange.state import Service
from usufruct.node import call, delegation, login, register, services, views
from usufruct.node.node import Node
from usufruct.peer.services import HttpServices
from usufruct.web.xroad import arrived
from usufruct.wire import xroad

ROBOT, HELPER, HOUSE = "robot", "helper", "house-robot"
PATH = f"/r1/{PERSONS}/v1/{CODE}"
FOR = {"Usufruct-Purpose": PURPOSE}


def delegate(node: Node, principal: str, agent: str, service: str = PERSONS, **said: Any) -> str:
    """A delegation to call the register."""
    mandate = Mandate((service,), (PURPOSE,), "EUR", ("call",), **said)
    return done(delegation.grant(node, principal, agent, mandate, later(node.clock.now(), days=30))).delegation


@dataclass
class World:
    """The register, with two agents of the clinic and one of the operator; each has a token of its own."""

    there: Provider
    clock: SetClock
    behind: str

    @property
    def node(self) -> Node:
        return self.there.node

    def own(self, agent: str, path: str = PATH, **more: Any) -> httpx.Response:
        """A call in an agent's own name, by a plain token."""
        token = login.issue_token(self.node, agent, "system", ("call",), 1, "")
        return self.there.ask(path, token=token, headers={**FOR, **more.pop("headers", {})}, **more)

    def bound(self, client: Client, token: str, path: str = PATH, **headers: str) -> httpx.Response:
        """A call with a token that is bound to a key."""
        proof = client.proof("GET", path.partition("?")[0], token)
        given = {"Authorization": f"DPoP {token}", "DPoP": proof, "X-Road-Client": CLINIC, **FOR, **headers}
        return httpx.get(f"{self.there.url}{path}", headers={name: value for name, value in given.items() if value})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = SetClock(tick=0.01)
    with provider(tmp_path / "node", clock=clock) as there:
        for agent, principal in ((ROBOT, "clinic"), (HELPER, "clinic"), (HOUSE, "register")):
            done(register.add_party(there.node, agent, "agent", f"The {agent}", principal))
        past_the_start(clock)
        with there.node.store.read() as state:
            row = state.get(Service, PERSONS)
        assert row is not None
        yield World(there, clock, row.url)


def detail(answer: httpx.Response) -> str:
    """`answered`, or the code of the refusal."""
    return "answered" if answer.status_code == 200 else str(answer.json()["detail"])


# ---- who gets through


def test_a_token_says_who_acts_and_the_whole_chain_is_judged(world: World) -> None:
    with httpx.Client(base_url=world.there.url) as http:
        clinic, robot = (Client(world.node, party).registered("system") for party in ("clinic", ROBOT))
        helper = Client(world.node, HELPER).registered("system")
        assert world.bound(clinic, clinic.token(http)).status_code == 200, "a bound token does as a plain one"
        last, token = exchanged(http, clinic, robot)
        assert detail(world.bound(last, token)) == "exchange.closed"
        first = delegate(world.node, "clinic", ROBOT, further=1)
        assert detail(world.bound(last, token)) == "answered"
        last, token = exchanged(http, clinic, robot, helper)
        assert detail(world.bound(last, token)) == "exchange.closed"
        second = delegate(world.node, ROBOT, HELPER)
        assert detail(world.bound(last, token)) == "answered"
    for kind in (CallAdmitted, PersonLookedUp):
        fact = world.there.facts(kind)[-1][1]
        assert (fact.party, fact.actors) == ("clinic", (HELPER, ROBOT))
    assert world.there.facts(CallAdmitted)[-1][1].delegations == (second, first)
    assert world.there.facts(CallRefused)[-1][1].actors == (HELPER, ROBOT), "those who tried are named as well"


def test_a_bound_token_is_worth_nothing_without_its_proof(world: World) -> None:
    with httpx.Client(base_url=world.there.url) as http:
        clinic = Client(world.node, "clinic").registered("system")
        token = clinic.token(http)
    proof = clinic.proof("GET", PATH, token)
    before, seen = world.node.store.write(lambda tx: tx.next), len(world.there.registry.seen)
    for headers in (
        {"DPoP": ""}, {"DPoP": clinic.proof("POST", PATH, token)}, {"DPoP": clinic.proof("GET", f"{PATH}1", token)},
        {"DPoP": clinic.proof("GET", PATH)}, {"Authorization": f"Bearer {token}"}, {"Authorization": "DPoP x"},
        {"DPoP": Client(world.node, "clinic").proof("GET", PATH, token)},
    ):  # fmt: skip
        answer = world.bound(clinic, token, **headers)
        assert answer.headers["x-road-error"] == "Server.ClientProxy.SslAuthenticationFailed", headers
    twice = [("Authorization", f"DPoP {token}"), ("DPoP", proof), ("DPoP", proof), ("X-Road-Client", CLINIC)]
    assert httpx.get(f"{world.there.url}{PATH}", headers=twice).status_code == 400
    assert world.node.store.write(lambda tx: tx.next) == before and len(world.there.registry.seen) == seen
    assert world.bound(clinic, token, DPoP=proof).status_code == 200
    assert world.bound(clinic, token, DPoP=proof).status_code == 500, "once"
    assert "dpop" not in world.there.registry.seen[-1][2], "what proves the caller goes no further"


def test_a_token_that_does_not_reach_so_far_calls_nothing(world: World) -> None:
    with httpx.Client(base_url=world.there.url) as http:
        user = Client(world.node, "clinic").registered("user")
        answer = world.bound(user, user.token(http))
        assert answer.headers["x-road-error"] == "Server.ClientProxy.SslAuthenticationFailed"


def test_what_an_agent_calls_in_its_own_name_it_calls_for_its_principal(world: World) -> None:
    assert detail(world.own(ROBOT)) == "exchange.closed"
    id = delegate(world.node, "clinic", ROBOT, uses=1)
    assert detail(world.own(ROBOT)) == "answered"
    answer = world.own(ROBOT)
    assert detail(answer) == "access.delegation" and "1 uses are used up" in answer.json()["message"]
    assert detail(world.own(HELPER)) == "exchange.closed"
    assert views.receipt_for(world.node, ROBOT, world.there.facts(CallAnswered)[-1][0].seq) is not None
    assert views.receipt_for(world.node, HELPER, world.there.facts(CallAnswered)[-1][0].seq) is None
    found = delegation.agents(world.node, "clinic")
    assert [(one.actors, one.what, one.state) for one in found.done] == [
        ((ROBOT,), f"called {PERSONS}, for {PURPOSE}", "answered")
    ]
    assert delegation.agents(world.node, ROBOT).done == found.done and not delegation.agents(world.node, HELPER).done
    done(delegation.end(world.node, id, "clinic"))
    assert detail(world.own(ROBOT)) == "exchange.closed"


def test_the_nodes_own_identity_calls_nothing(world: World) -> None:
    delegate(world.node, "register", HOUSE)
    for party in ("register", HOUSE):
        assert detail(world.own(party)) == "exchange.closed"
    with httpx.Client(base_url=world.there.url) as http:
        boss, house = (Client(world.node, party).registered("system") for party in ("register", HOUSE))
        for chain in ((boss, house), (boss, Client(world.node, ROBOT).registered("system"))):
            last, token = exchanged(http, *chain)
            assert detail(world.bound(last, token)) == "exchange.closed"
    assert not world.there.registry.seen


def test_a_stranger_leaves_nothing_with_her_and_is_told_of_no_service(world: World) -> None:
    for path in (PATH, f"/r1/{SUBSYSTEM}/nothing/v1/{CODE}"):
        assert detail(world.own(ROBOT, path)) == "exchange.closed"
    assert not world.there.facts(PersonLookedUp), "the growth of the journal tells it nothing either"
    for service in ("listMethods", "allowedMethods"):
        assert world.own(ROBOT, f"/r1/{SUBSYSTEM}/{service}").json() == {"service": []}
        assert detail(world.own(HOUSE, f"/r1/{SUBSYSTEM}/{service}")) == "exchange.closed"
    assert detail(world.own(ROBOT, f"/r1/{SUBSYSTEM}/getOpenAPI?serviceCode=persons")) == "input.xroad"
    delegate(world.node, "clinic", ROBOT)
    for service in ("listMethods", "allowedMethods"):
        found = world.own(ROBOT, f"/r1/{SUBSYSTEM}/{service}").json()["service"]
        assert [one["service_code"] for one in found] == ["persons"]
    assert world.own(ROBOT, f"/r1/{SUBSYSTEM}/getOpenAPI?serviceCode=persons").status_code == 200
    assert detail(world.own(ROBOT, f"/r1/{SUBSYSTEM}/listCalls?day=2026-11-22")) == "exchange.closed"
    assert world.there.ask(f"/r1/{SUBSYSTEM}/listCalls?day=2026-11-22").status_code == 200


def test_agents_that_call_at_once_never_get_more_than_there_is(world: World) -> None:
    id = delegate(world.node, "clinic", ROBOT, uses=5)
    token = login.issue_token(world.node, ROBOT, "system", ("call",), 1, "")
    with ThreadPoolExecutor(12) as pool:
        came = list(pool.map(lambda _: detail(world.there.ask(PATH, token=token, headers=FOR)), range(12)))
    assert came.count("answered") == 5 and came.count("access.delegation") == 7
    world.node.store.refold(lambda: None)
    with world.node.store.read() as state:
        row = state.get(Delegation, id)
        assert row is not None and row.uses == 5


def test_between_nodes_each_judges_its_own(tmp_path: Path) -> None:
    with pair(tmp_path) as (ours, theirs):
        done(register.add_party(ours.node, ROBOT, "agent", "Robot", "hospital"))
        token = login.issue_token(ours.node, ROBOT, "system", ("call",), 1, "")
        headers = {**FOR, "Authorization": f"Bearer {token}"}
        assert detail(ours.ask(PATH, headers=headers)) == "exchange.closed"
        id = delegate(ours.node, "hospital", ROBOT, uses=1)
        assert [detail(ours.ask(PATH, headers=headers)) for _ in range(2)] == ["answered", "access.delegation"]
        (sent,) = [fact for _, fact in facts_of(ours.node, CallSent)]
        assert (sent.party, sent.actors, sent.delegations) == ("hospital", (ROBOT,), (id,))
        assert len(theirs.facts(CallAdmitted)) == 1


# ---- what she sees


def test_she_sees_that_a_machine_asked_and_for_whom(world: World) -> None:
    delegate(world.node, "clinic", ROBOT)
    world.own(ROBOT)
    world.own(ROBOT, headers={"Usufruct-Purpose": "Marketing"})
    refused, answered = services.lookups(world.node, CODE.lower())
    assert (answered.who, answered.actors, answered.outcome) == ("Tartu Clinic", (ROBOT,), "answered")
    assert (refused.actors, refused.outcome) == ((ROBOT,), "refused")
    (usage,) = find(world.there, f"userCode={CODE}").json()["usages"]
    assert usage["action"] == "Population register: providing a service (its agent The robot asked)"
    assert usage["receiverName"] == "Tartu Clinic"
    look = world.there.facts(PersonLookedUp)[0][1]
    assert telling.in_words(look, 0, {"clinic": "Tartu Clinic"}).startswith(
        "Tartu Clinic (its agent robot asked) looked you up in"
    )
    with browser(world.there, look.person, "member") as page:
        assert "(through its agent <code>robot</code>)" in page.get("/me").text
    with browser(world.there, "clinic", "user") as page:
        shown = page.get("/agents").text
        assert f"called {PERSONS}" in shown and "call services" in shown and "<dt>Answers</dt>" not in shown


# ---- what ends while it is under way


Ending = Callable[[Node], Any]


def moved(node: Node) -> None:
    """The register's steward lets the service lie somewhere else."""
    with node.store.read() as state:
        row = state.get(Service, PERSONS)
    assert row is not None
    done(services.withdraw_service(node, PERSONS))
    done(services.register_service(node, ServiceRegistered(
        PERSONS, "register", "Elsewhere", "http://127.0.0.1:9", row.purposes, row.methods, 3, "path:2", private=True
    )))  # fmt: skip


ENDS: dict[str, Ending] = {
    "the delegation ends": lambda node: done(delegation.end(node, latest(node), "clinic")),
    "the agent ends it": lambda node: done(delegation.end(node, latest(node), ROBOT)),
    "access is closed": lambda node: done(services.close_service(node, PERSONS, CLINIC)),
    "it is open for something else": lambda node: done(services.open_service(node, PERSONS, CLINIC, ("PublicBenefit",))),
    "the service is withdrawn": lambda node: done(services.withdraw_service(node, PERSONS)),
    "the service lies elsewhere": moved,
    "somebody else speaks for the client": lambda node: done(services.register_client(node, CLINIC, "clinic", "ria")),
}  # fmt: skip


def latest(node: Node) -> str:
    with node.store.read() as state:
        return list(state.list(Delegation))[-1].id


def call_while(
    world: World, ending: Ending, step: str, actors: tuple[str, ...] = (ROBOT,)
) -> call.Answered | call.Refused:
    """One call of the robot, or of the clinic itself, during which something ends at a step, or while the service is at it."""
    at = [step]

    def reach(here: str) -> None:
        if at and here == at[0]:
            at.clear()
            ending(world.node)

    def service(method: str, target: str) -> Any:
        reach("while the service is asked")
        return person(method, target)

    world.there.registry.reply = service
    headers = ((b"x-road-client", CLINIC.encode()), (b"usufruct-purpose", PURPOSE.encode()))
    read = xroad.read("GET", PATH.encode(), b"", headers, b"")

    async def one() -> call.Answered | call.Refused:
        outbound = HttpServices(5)
        try:
            return await call.handle(
                replace(world.node, reach=reach), outbound, arrived(read, Caller("clinic", "", actors))
            )
        finally:
            await outbound.close()

    return asyncio.run(one())


STEPS = ("call after admitted", "while the service is asked", "call before answered")


@pytest.mark.parametrize("ending", ENDS.values(), ids=ENDS)
def test_what_ends_under_way_lets_no_answer_out(world: World, ending: Ending) -> None:
    for number, step in enumerate(STEPS, 1):
        prepare(world)
        came = call_while(world, ending, step)
        assert isinstance(came, call.Refused) and came.refusal.code == "access.ended", (step, came)
        entries = facts_of(world.node, CallAbandoned)
        assert entries[-1][0].seq == came.receipt and len(entries) == number
        assert world.there.facts(CallAdmitted)[-1][1].call == entries[-1][1].call
    assert not world.there.facts(CallAnswered)
    assert {one.outcome for one in services.lookups(world.node, CODE.lower())} == {"abandoned"}


def prepare(world: World) -> None:
    """All that permits the robot's call is there (again)."""
    with world.node.store.read() as state:
        row = state.get(Service, PERSONS)
    assert row is not None
    if row.open:
        done(services.withdraw_service(world.node, PERSONS))
    done(services.register_service(world.node, ServiceRegistered(
        PERSONS, "register", "Population register", world.behind, (PURPOSE, "PublicBenefit"), ("GET",), 3,
        "path:2", private=True,
    )))  # fmt: skip
    done(services.register_client(world.node, CLINIC, "clinic"))
    done(services.open_service(world.node, PERSONS, CLINIC, (PURPOSE,)))
    delegate(world.node, "clinic", ROBOT)


def test_what_is_another_s_ends_nothing(world: World) -> None:
    """Else the test above would prove nothing."""
    prepare(world)
    other = [delegate(world.node, "clinic", HELPER) for _ in STEPS]
    for step in STEPS:
        came = call_while(world, lambda node: done(delegation.end(node, other.pop(), "clinic")), step)
        assert isinstance(came, call.Answered)
    assert not other


@pytest.mark.parametrize("ending", [name for name in ENDS if "delegation" not in name and "agent" not in name])
def test_nor_where_nobody_acts_for_another(world: World, ending: str) -> None:
    for step in STEPS:
        prepare(world)
        came = call_while(world, ENDS[ending], step, ())
        assert isinstance(came, call.Refused) and came.refusal.code == "access.ended", step


@pytest.mark.parametrize("actors", [(), (ROBOT,)])
def test_time_that_runs_out_under_way_lets_no_answer_out(world: World, actors: tuple[str, ...]) -> None:
    delegate(world.node, "clinic", ROBOT)
    soon = later(world.node.clock.now(), seconds=60)
    done(services.open_service(world.node, PERSONS, CLINIC, (PURPOSE,), until=soon))
    came = call_while(world, lambda node: world.clock.move(seconds=61), "while the service is asked", actors)
    assert isinstance(came, call.Refused) and came.refusal.code == "access.ended"


def test_the_caller_is_told_and_the_answer_is_not_in_what_it_is_told(world: World) -> None:
    def service(method: str, target: str) -> Any:
        done(services.close_service(world.node, PERSONS, CLINIC))
        return person(method, target)

    world.there.registry.reply = service
    answer = world.there.ask(PATH, headers=FOR)
    assert detail(answer) == "access.ended" and "Mari" not in answer.text
    assert int(answer.headers["usufruct-receipt"]) == world.there.facts(CallAbandoned)[-1][0].seq


def test_an_answer_from_another_node_is_held_back_too(tmp_path: Path) -> None:
    with pair(tmp_path) as (ours, theirs):

        def service(method: str, target: str) -> Any:
            done(services.close_service(ours.node, PERSONS, CLINIC))
            return person(method, target)

        theirs.registry.reply = service
        assert detail(ours.ask(PATH, headers=FOR)) == "access.ended"
        kinds = [type(fact) for _, fact in facts_of(ours.node, CallSent | CallAbandoned | CallReturned)]  # type: ignore[arg-type]
        assert kinds == [CallSent, CallAbandoned] and len(theirs.facts(CallAnswered)) == 1
