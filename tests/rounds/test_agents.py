"""Agents that post and take jobs: within a mandate, counted in the same turn; and machines that do the work themselves."""

from __future__ import annotations

from typing import Any

import pytest

from rounds.world import RIDERS, SHOP, World
from story import done
from usufruct.core.access.delegation import Delegation
from usufruct.core.access.facts import DelegationUsed, Mandate
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.node import delegation, register, work

DISPATCHER, HERS, ROBOT = "dispatcher", "anus-agent", "robot"


@pytest.fixture
def agents(here: World) -> World:
    """The riders have a dispatcher, Anu an agent, the shop a robot."""
    for agent, principal in ((DISPATCHER, RIDERS), (HERS, here.id("anu")), (ROBOT, SHOP)):
        done(register.add_party(here.node, agent, "agent", agent.capitalize(), principal))
    return here


def grant(here: World, principal: str, agent: str, **more: Any) -> str:
    """A delegation for work in the centre."""
    plain: dict[str, Any] = {
        "assets": ("work:tartu-centre",),
        "purposes": ("Purpose",),
        "currency": "EUR",
        "money": 10_000,
    }
    mandate = Mandate(**{**plain, "acts": ("post", "take"), **more})
    return done(delegation.grant(here.node, principal, agent, mandate, here.at(1000))).delegation


def row(here: World, id: str) -> Delegation:
    with here.node.store.read() as state:
        found = state.get(Delegation, id)
    assert found is not None
    return found


def reasons(found: object) -> str:
    assert isinstance(found, Refusal), found
    return " ".join(found.reasons)


def test_a_dispatcher_posts_what_its_mandate_pays_for(agents: World) -> None:
    """60 minutes at 15 euros an hour, three seats: 45 euros are bound."""
    id = grant(agents, RIDERS, DISPATCHER)
    fact = done(work.post(agents.node, DISPATCHER, agents.terms(seats=3)))
    assert (fact.by, fact.actors) == (RIDERS, (DISPATCHER,))
    assert (row(agents, id).money, row(agents, id).uses) == (4500, 1)
    done(work.post(agents.node, DISPATCHER, agents.terms(seats=3)))
    with agents.node.store.read() as state:
        size = state.size()
    assert "45.00 EUR, and 10.00 EUR is left" in reasons(work.post(agents.node, DISPATCHER, agents.terms(seats=3)))
    with agents.node.store.read() as state:
        assert state.size() == size, "a refusal leaves nothing behind"
        used = [entry.fact for entry in state.history(RIDERS) if isinstance(entry.fact, DelegationUsed)]
    assert [(one.act, one.on, one.money, one.uses) for one in used] == [
        ("post", fact.job, 4500, 1), ("post", "job-" + str(int(fact.job[4:]) + 2), 4500, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mandate", "terms", "why"),
    [
        ({"acts": ("take",)}, {}, "it is not to post jobs"),
        ({}, {"place": "tartu-south"}, "not for `work:tartu-south`"),
        ({"assets": ("work:any",)}, {"place": "tartu-south"}, ""),
        ({"assets": ("work:tartu-south", "work:tartu-centre")}, {"place": "tartu-south"}, ""),
        ({"uses": 0}, {}, "its 0 uses are used up"),
        ({"uses": 1}, {}, ""),
        ({"price": 1499}, {}, "a use costs 15.00 EUR, and at most 14.99 EUR is delegated"),
        ({"price": 1500}, {"seats": 5}, ""),
        ({"money": 0}, {}, "it costs 15.00 EUR, and 0.00 EUR is left"),
    ],
)
def test_a_mandate_bounds_what_is_posted(
    mandate: dict[str, Any], terms: dict[str, Any], why: str, agents: World
) -> None:
    grant(agents, RIDERS, DISPATCHER, **mandate)
    found = work.post(agents.node, DISPATCHER, agents.terms(**terms))
    assert why in reasons(found) if why else not isinstance(found, Refusal)


def test_without_a_delegation_an_agent_posts_and_takes_nothing(agents: World) -> None:
    assert "no delegation" in reasons(work.post(agents.node, DISPATCHER, agents.terms()))
    assert "no delegation" in reasons(work.take(agents.node, agents.post(), HERS))


def test_an_agent_takes_for_her_and_what_she_said_of_herself_binds_it(agents: World) -> None:
    id = grant(agents, agents.id("anu"), HERS, money=0, uses=1)
    low, fine, third = (
        agents.post(),
        agents.post(place="tartu-centre", starts=60, ends=70),
        agents.post(starts=80, ends=90),
    )
    done(work.state_availability(agents.node, agents.id("anu"), (agents.span(60, 90),)))
    assert "do not fit into the times that you said" in reasons(work.take(agents.node, low, HERS))
    taken = done(work.take(agents.node, fine, HERS))
    assert (taken.worker, taken.actors, row(agents, id).uses) == (agents.id("anu"), (HERS,), 1)
    assert "its 1 uses are used up" in reasons(work.take(agents.node, third, HERS))
    done(work.take(agents.node, low, "anu"))  # her own hand is not bound


def test_a_machine_does_the_work_where_the_terms_let_it(agents: World) -> None:
    grant(agents, SHOP, ROBOT, money=0)
    people, both = agents.post(), agents.post(takers=("person", "agent"))
    assert "it is for `person`" in reasons(work.take(agents.node, people, ROBOT, ROBOT))
    taken = done(work.take(agents.node, both, ROBOT, ROBOT))
    assert (taken.worker, taken.actors) == (ROBOT, (ROBOT,))
    assert "you do not answer for" in reasons(work.take(agents.node, agents.post(takers=("agent",)), "anu", ROBOT))


def test_only_a_person_ends_somebodys_work(agents: World) -> None:
    grant(agents, RIDERS, DISPATCHER, acts=("post", "take", "end"))
    taken = done(work.take(agents.node, agents.post(), "anu"))
    for by, actors in ((DISPATCHER, ()), (RIDERS, (DISPATCHER,))):
        found = work.end(agents.node, taken.agreement, by, "too slow", actors)
        assert isinstance(found, Refusal) and found.code == "access.human-only"
    done(work.end(agents.node, taken.agreement, RIDERS, "the street is closed"))


def test_a_mandate_names_a_place_of_work_that_can_be(agents: World) -> None:
    with pytest.raises(BadInput):
        grant(agents, RIDERS, DISPATCHER, assets=("work:Tartu centre",))


def test_two_agents_cannot_both_have_the_last_use(agents: World) -> None:
    """What was counted is counted in the turn in which it was done."""
    grant(agents, RIDERS, DISPATCHER, uses=1)
    agents.node.together(lambda tx: tx.now)
    done(work.post(agents.node, DISPATCHER, agents.terms()))
    assert "used up" in reasons(work.post(agents.node, DISPATCHER, agents.terms()))
