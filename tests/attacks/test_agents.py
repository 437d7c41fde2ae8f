"""Attacks 1 and 5 on machines that act for others: the confused deputy, and delegations that grow on the way.

The attacker has an agent, or a token that somebody gave to one, and tries to get more with it than any one of those who
stand behind it may: with the node's own rights, with a member's, by a circle, by being quick, by asking where nobody
looks at the chain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from litestar.testing import TestClient

import story
from identity.world import Client, past_the_start
from serving import application
from support import SetClock, check_ends
from usufruct.core.access.delegation import Delegation
from usufruct.core.access.facts import DelegationEnded, DelegationUsed, Mandate
from usufruct.core.base.instants import later
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementReached, Terms
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.state import Use
from usufruct.core.registry.rules import id_of
from usufruct.core.rulebook.human_only import HUMAN_ONLY
from usufruct.node import consent, delegation, erase, login, period, query, register, trade
from usufruct.node.node import Node
from usufruct.web import delegations as web
from usufruct.web.app import make_app
from usufruct.wire import oauth, sql

ROBOT, HELPER, HOUSE = "robot", "helper", "house-robot"
BODY = {"anew": True, "sql": story.QUESTION, "purpose": story.PURPOSE, "micro_rho": story.CHEAP}


def mandate(money: int = 10_000, acts: tuple[str, ...] = ("ask",), **said: Any) -> Mandate:
    return Mandate((story.ASSET,), (story.PURPOSE,), "EUR", acts, money=money, **said)


def delegate(node: Node, principal: str, agent: str, **said: Any) -> str:
    until = later(node.clock.now(), days=30)
    return story.done(delegation.grant(node, principal, agent, mandate(**said), until)).delegation


def ask(node: Node, requester: str, *actors: str) -> str:
    """What comes of a question: `answered`, or the code of the refusal."""
    asked = query.Asked(
        requester, story.QUESTION, sql.parse(story.QUESTION), story.PURPOSE, story.CHEAP, actors=actors, anew=True
    )
    result = query.ask(node, asked)
    return "answered" if isinstance(result, query.Answered) else result.refusal.code


@pytest.fixture
def machines(node: Node, clock: SetClock) -> Node:
    """The node with two agents of the institute and one of its own operator."""
    for agent, principal in ((ROBOT, story.USER), (HELPER, story.USER), (HOUSE, story.OPERATOR)):
        story.done(register.add_party(node, agent, "agent", agent.capitalize(), principal))
    past_the_start(clock)
    return node


@pytest.fixture
def http(machines: Node) -> Iterator[TestClient[Any]]:
    with application(machines) as app, TestClient(app, raise_server_exceptions=False) as client:
        yield client


def placed(path: str) -> str:
    """An address made of a route's; `1` does for a number and for a name."""
    return re.sub(r"{[^}]*}", "1", path)


def exchanged(http: Any, subject: Client, *agents: Client) -> tuple[Client, str]:
    """A token with which the last agent acts for the one before it, and so on down to the subject."""
    given = {"grant_type": oauth.TOKEN_EXCHANGE, "subject_token_type": oauth.ACCESS_TOKEN}
    names = [agent.party for agent in agents]
    token = subject.token(http, client_assertion=subject.assertion(may_act={"sub": names[0]}))
    for agent, following in zip(agents, [*names[1:], None], strict=True):
        signed = agent.assertion(may_act={"sub": following} if following else None)
        token = agent.token(http, client_assertion=signed, subject_token=token, **given)
    return agents[-1], token


# ---- the confused deputy


def test_the_nodes_own_identity_gets_nothing(machines: Node) -> None:
    assert ask(machines, story.OPERATOR) == "access.no-agreement"
    assert ask(machines, HOUSE) == "access.delegation"
    delegate(machines, story.OPERATOR, HOUSE)
    assert ask(machines, HOUSE) == "access.no-agreement", "acting for the node is no more than the node"
    assert ask(machines, story.USER, HOUSE) == "access.delegation"


def test_an_agent_in_its_own_name_gets_nothing_until_its_principal_says_so(machines: Node) -> None:
    assert ask(machines, ROBOT) == "access.delegation"
    delegate(machines, story.USER, ROBOT)
    assert (ask(machines, ROBOT), ask(machines, HELPER)) == ("answered", "access.delegation")
    with machines.store.read() as state:
        facts = [entry.fact for entry in state.entries(0, state.size())]
    admitted = [fact for fact in facts if isinstance(fact, QueryAdmitted | QueryAnswered)]
    assert all((fact.requester, fact.actors) == (story.USER, (ROBOT,)) for fact in admitted) and len(admitted) == 2
    refused = [fact.actors for fact in facts if isinstance(fact, QueryRefused)]
    assert refused == [(ROBOT,), (HELPER,)], "those who tried are named as well"


def test_no_order_of_a_chain_gets_through_but_the_one_that_was_delegated(machines: Node) -> None:
    delegate(machines, story.USER, ROBOT, further=1)
    delegate(machines, ROBOT, HELPER)
    delegate(machines, story.OPERATOR, HOUSE, further=2)
    everybody = (story.USER, story.STRANGER, ROBOT, HELPER, HOUSE)
    through = [
        chain
        for length in (1, 2, 3) for chain in permutations(everybody, length)
        if ask(machines, chain[-1], *chain[:-1]) == "answered"
    ]  # fmt: skip
    # What an agent does in its own name it does for its principal: so `robot` stands for `robot`, `institute`.
    assert set(through) == {(HELPER, ROBOT), (HELPER, ROBOT, story.USER), (ROBOT,), (ROBOT, story.USER), (story.USER,)}
    assert len(through) == 5


def test_a_token_says_who_acts_and_the_node_believes_the_chain(machines: Node, http: Any) -> None:
    user = Client(machines, story.USER).registered()
    robot, helper = Client(machines, ROBOT).registered(), Client(machines, HELPER).registered()
    delegate(machines, story.USER, ROBOT)
    assert robot.ask(http, "POST", "/api/v1/queries", robot.token(http), json=BODY).status_code == 200
    last, token = exchanged(http, user, robot)
    assert last.ask(http, "POST", "/api/v1/queries", token, json=BODY).status_code == 200
    last, token = exchanged(http, user, robot, helper)
    answer = last.ask(http, "POST", "/api/v1/queries", token, json=BODY)
    assert (answer.status_code, answer.json()["refusal"]["code"]) == (403, "access.delegation")
    own = helper.ask(http, "POST", "/api/v1/queries", helper.token(http), json=BODY)
    assert own.json()["refusal"]["code"] == "access.delegation"
    assert len(robot.ask(http, "GET", "/api/v1/uses", robot.token(http)).json()) == 3, "one it passed on"
    assert len(user.ask(http, "GET", "/api/v1/uses", user.token(http)).json()) == 4
    (tried,) = helper.ask(http, "GET", "/api/v1/uses", helper.token(http)).json()[1:]
    assert tried["actors"] == [HELPER], "a machine sees what it asked, and not what others asked for its principal"
    path = f"/api/v1/uses/{user.ask(http, 'GET', '/api/v1/uses', user.token(http)).json()[0]['id']}/decision"
    assert robot.ask(http, "GET", path, robot.token(http)).status_code == 200
    assert helper.ask(http, "GET", path, helper.token(http)).status_code == 404


def test_a_machine_reaches_nothing_where_nobody_looks_at_the_chain(machines: Node, http: Any, clock: SetClock) -> None:
    """Else it would act with all the rights of its principal: grant rights, publish, mint tokens that never end."""
    clock.tick = 0.05
    boss, house = Client(machines, story.OPERATOR).registered("steward"), Client(machines, HOUSE).registered()
    last, token = exchanged(http, boss, house)
    app = make_app(machines)
    tried = 0
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            for method in set(handler.http_methods) & {"POST", "DELETE", "PUT", "PATCH"}:
                path = route.path_format
                if handler.opt["rule"] in ("public", "transfer") or path in web.THROUGH_A_CHAIN:
                    continue
                answer = last.ask(http, str(method), placed(path), token, json={})
                code = (
                    next(iter(answer.json().values()))["code"] if "json" in answer.headers["content-type"] else "page"
                )
                assert answer.status_code == 403, (method, path, answer.text)
                assert code in ("access.delegation", "access.human-only", "login.scope", "page"), (method, path)
                tried += 1
    assert tried > 60


def test_a_person_s_own_pages_are_read_by_nobody_for_her(machines: Node, http: Any, clock: SetClock) -> None:
    """Not even with a token of hers that she let be exchanged: the key she counts with is hers alone."""
    clock.tick = 0.05
    with machines.store.read() as state:
        she = id_of(state, story.MEMBERS[0])
    member, helper = Client(machines, she).registered("member"), Client(machines, HELPER).registered()
    last, token = exchanged(http, member, helper)
    for path in ("/api/v1/me", "/api/v1/me/key", "/api/v1/me/book"):
        assert member.ask(http, "GET", path, member.token(http)).status_code == 200
        assert last.ask(http, "GET", path, token).status_code == 403


def test_every_place_in_the_lists_is_a_route() -> None:
    app = make_app(None)  # type: ignore[arg-type]
    paths = {route.path_format for route in app.routes}
    assert web.THROUGH_A_CHAIN | web.IN_ITS_OWN_NAME | set(web.FOR_PEOPLE) <= paths
    assert set(web.FOR_PEOPLE.values()) <= set(HUMAN_ONLY)


# ---- decisions that are a person's


def test_a_machine_signs_no_decision_that_is_a_persons(machines: Node, http: Any) -> None:
    boss, house = Client(machines, story.OPERATOR).registered("steward"), Client(machines, HOUSE).registered()
    last, token = exchanged(http, boss, house)
    for path, decision in web.FOR_PEOPLE.items():
        if path.startswith("/api/v1/") and "/me/" not in path:
            answer = last.ask(http, "POST", placed(path), token, json={})
            assert answer.json()["refusal"]["code"] == "access.human-only", path
            assert HUMAN_ONLY[decision].source in " ".join(answer.json()["refusal"]["reasons"])


SIGNED: list[Callable[[Node], Any]] = [
    lambda node: period.close_period(node, "spring", "plan-1", HOUSE),
    lambda node: period.close_period(node, "spring", "plan-1", story.OPERATOR, (HOUSE,)),
    lambda node: erase.erase(node, story.MEMBERS[0], HOUSE),
    lambda node: erase.erase(node, story.MEMBERS[0], story.OPERATOR, (HOUSE,)),
    lambda node: consent.record_word(node, story.ASSET, story.MEMBERS[0], story.PURPOSE, True, by=ROBOT),
    lambda node: consent.lift_objection(node, story.ASSET, story.MEMBERS[0], story.PURPOSE, "", by=ROBOT),
    lambda node: consent.answer(node, "request-1", story.MEMBERS[0], "yes", by=ROBOT),
]


@pytest.mark.parametrize("sign", SIGNED)
def test_not_on_the_command_line_either(machines: Node, sign: Callable[[Node], Any]) -> None:
    answer = sign(machines)
    assert isinstance(answer, Refusal) and answer.code == "access.human-only"


def test_an_agent_has_no_session_that_reaches_farther(machines: Node, http: Any) -> None:
    token = login.issue_token(machines, HOUSE, "member", ("member",), 1, "")
    headers = {"Authorization": f"Bearer {token}"}
    answer = http.post("/api/v1/tokens", headers=headers, json={"label": "x", "scopes": ["member"], "days": 300})
    assert answer.json()["refusal"]["code"] == "access.delegation", "it mints no token that outlives it"
    body = {"asset": story.ASSET, "purpose": story.PURPOSE, "word": "consent"}
    answer = http.post("/api/v1/me/consents", headers=headers, json=body)
    assert answer.json()["refusal"]["code"] == "access.human-only"


# ---- quick, and at once


@pytest.mark.parametrize("step", ["query after admitted", "query after run", "query before answered"])
def test_a_delegation_that_ends_under_way_lets_nothing_out(machines: Node, directory: Any, step: str) -> None:
    id = delegate(machines, story.USER, ROBOT)
    at = [step]

    def reach(here: str) -> None:
        if at and here == at[0]:
            at.clear()
            story.done(delegation.end(machines, id, story.USER))

    watched = replace(machines, reach=reach)
    assert ask(watched, ROBOT) == "access.ended"
    with machines.store.read() as state:
        last = [type(entry.fact) for entry in state.entries(state.size() - 3, state.size())]
        row = state.get(Delegation, id)
        assert last == [QueryAdmitted, DelegationEnded, QueryAbandoned] and row is not None and row.money == 0
        check_ends(state)


def test_agents_that_ask_at_once_never_spend_more_than_there_is(machines: Node) -> None:
    id = delegate(machines, story.USER, ROBOT, money=3 * story.PRICE, uses=5)
    with ThreadPoolExecutor(8) as pool:
        came = list(pool.map(lambda _: ask(machines, ROBOT), range(8)))
    assert came.count("answered") == 3 and came.count("access.delegation") == 5
    with machines.store.read() as state:
        row = state.get(Delegation, id)
        assert row is not None and (row.uses, row.money) == (3, 3 * story.PRICE)


def test_what_was_counted_is_counted_again_when_the_state_is_folded_again(machines: Node, directory: Any) -> None:
    id = delegate(machines, story.USER, ROBOT)
    ask(machines, ROBOT)
    with machines.store.read() as state:
        before = state.get(Delegation, id)
    machines.store.refold(lambda: None)
    with machines.store.read() as state:
        assert state.get(Delegation, id) == before and before is not None and before.uses == 1


# ---- machines among themselves


def offer(node: Node, name: str, price: int = 400) -> None:
    terms = Terms("aggregates", (story.PURPOSE,), price, "EUR", 1)
    story.done(trade.publish_offer(node, name, story.ASSET, story.OPERATOR, terms))


def test_two_agents_conclude_within_their_delegations_and_no_farther(machines: Node) -> None:
    offer(machines, "cheap")
    offer(machines, "dear", 600)
    ask_only = delegate(machines, story.USER, ROBOT)
    answer = trade.request_offer(machines, "cheap", ROBOT)
    assert isinstance(answer, Refusal) and "not to come to agreements" in answer.reasons[0]
    story.done(delegation.end(machines, ask_only, ROBOT))
    delegate(machines, story.USER, ROBOT, acts=("ask", "agree"), price=500)
    answer = trade.request_offer(machines, "dear", ROBOT)
    assert isinstance(answer, Refusal) and "at most 5.00 EUR" in answer.reasons[0]
    moved = story.done(trade.request_offer(machines, "cheap", ROBOT))
    for by, actors in ((HOUSE, ()), (story.OPERATOR, (HOUSE,)), (story.OPERATOR, (ROBOT,))):
        answer = trade.move(machines, moved.negotiation, "agree", by, actors)
        assert isinstance(answer, Refusal) and answer.code == "access.delegation"
    answer = trade.move(machines, moved.negotiation, "agree", ROBOT)
    assert isinstance(answer, Refusal) and answer.code == "contract.not-yours"
    delegate(machines, story.OPERATOR, HOUSE, acts=("agree",))
    story.done(trade.move(machines, moved.negotiation, "agree", HOUSE))
    came = story.done(trade.move(machines, moved.negotiation, "verify", ROBOT)).agreement
    assert came is not None and (came.consumer, came.provider) == (story.USER, story.OPERATOR)
    with machines.store.read() as state:
        facts = [entry.fact for entry in state.entries(0, state.size())]
    signed = [(fact.principal, fact.actors) for fact in facts if isinstance(fact, DelegationUsed)]
    assert signed == [(story.USER, (ROBOT,)), (story.OPERATOR, (HOUSE,)), (story.USER, (ROBOT,))]
    assert sum(isinstance(fact, AgreementReached) for fact in facts) == 2
    answer = trade.end_agreement(machines, came.id, ROBOT)
    assert isinstance(answer, Refusal) and "not to end agreements" in answer.reasons[0]
    story.done(trade.end_agreement(machines, came.id, story.USER))


def test_a_member_sees_that_a_machine_asked_and_for_whom(machines: Node, http: Any) -> None:
    delegate(machines, story.USER, ROBOT)
    ask(machines, ROBOT)
    token = login.issue_token(machines, story.MEMBERS[3], "member", ("member",), 1, "")
    seen = http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
    (use,) = seen["assets"][0]["uses"]
    assert (use["who"], use["actors"]) == ("Institute", [ROBOT])
    with machines.store.read() as state:
        (row,) = state.list(Use, requester=story.USER)
    proof = http.get(f"/api/v1/uses/{row.id}/decision", headers={"Authorization": f"Bearer {token}"}).json()
    assert [one["about"] for one in proof["premises"] if one["gate"] == "authenticity"] == [
        ROBOT,
        f"{ROBOT} for {story.USER}",
    ]
