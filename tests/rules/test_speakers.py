"""Who may speak for a client, and through whom: a chain that calls a service does no more than each in it may."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import cases, parts
from worlds import World

from usufruct.core.access.delegation import Delegation
from usufruct.core.access.facts import DelegationEnded, DelegationGranted, Mandate
from usufruct.core.base import instants
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.facts import (
    CallAbandoned,
    CallAdmitted,
    CallSent,
    ClientRegistered,
    NodeLinked,
    ServiceOpened,
    ServiceRegistered,
)
from usufruct.core.exchange.rules import CallPermit, CallRequest, decide
from usufruct.core.exchange.speakers import Caller
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Value

SERVICE, UNKNOWN, THERE = "EE/GOV/1/rr/persons", "EE/GOV/1/rr/nothing", "EE/GOV/2/tor/workers"
CLINIC, GATED, HOUSED, ROBOTS, STRAYS, PASSED = (
    f"EE/COM/1/{name}" for name in ("clinic", "gated", "housed", "robot", "stray", "passed")
)
CLIENTS = {CLINIC: ("clinic", "clinic"), GATED: ("clinic", "gateway"), HOUSED: ("clinic", "house"),
           ROBOTS: ("robot", "robot"),
           STRAYS: ("stray", "stray"), PASSED: ("robot", "gateway")}  # fmt: skip
LATER = instants.parse("2027-01-01")
WIDE = Mandate((SERVICE, THERE), ("ServiceProvision",), "EUR", ("call",), further=7)
KEY = "clinic.example/journal+00000000+key"


def world(*delegations: tuple[str, str], mandate: Mandate = WIDE) -> World:
    """A register that is open to six clients; these delegate to each other, principal first."""
    made = World()
    for party in ("register", "clinic", "gateway", "stranger"):
        made.add(PartyRegistered(party, "organisation", party.capitalize()))
    for agent, principal in (("robot", "clinic"), ("helper", "robot"), ("house", "register"), ("stray", None)):
        made.add(PartyRegistered(agent, "agent", agent.capitalize(), principal))
    made.add(
        ServiceRegistered(SERVICE, "register", "Register", "http://x", ("ServiceProvision",), ("GET",), 3, "path:1"),
        NodeLinked("EE/GOV/2/tor", "http://y"),
    )
    for client, (party, via) in CLIENTS.items():
        made.add(ClientRegistered(client, party, via, KEY if client == ROBOTS else ""))
        made.add(*(ServiceOpened(one, client, ("ServiceProvision",), "ServiceProvision") for one in (SERVICE, THERE)))
    for number, (principal, agent) in enumerate(delegations):
        made.add(DelegationGranted(f"d{number}", principal, agent, mandate, LATER))
    return made


def asked(client: str, *chain: str, service: str = SERVICE, purpose: str = "", method: str = "GET") -> CallRequest:
    """A call with a token of the last in the chain, for which the others act; who sends it stands first."""
    return CallRequest(service, client, Caller(chain[-1], "", chain[:-1]), method, ("EE1",), (), purpose, "", "")


CHAINS = """
client | speaks               | delegations                      | answer
-------+----------------------+----------------------------------+----------------------------------------------
clinic | clinic               |                                  | clinic
clinic | robot; clinic        |                                  | closed
clinic | robot; clinic        | clinic>robot                     | clinic by robot
clinic | robot                | clinic>robot                     | clinic by robot
clinic | robot                |                                  | closed
clinic | helper; robot; clinic| clinic>robot                     | closed
clinic | helper; robot; clinic| clinic>robot; robot>helper       | clinic by helper robot
clinic | helper; robot        | clinic>robot; robot>helper       | clinic by helper robot
clinic | helper               | clinic>robot; robot>helper       | clinic by helper robot
clinic | helper; clinic       | clinic>robot; robot>helper       | closed
clinic | helper; clinic       | clinic>helper                    | clinic by helper
clinic | house                | register>house                   | closed
clinic | house; clinic        | register>house                   | closed
clinic | house; clinic        | register>house; clinic>house     | clinic by house
clinic | register             |                                  | closed
clinic | house; register      | register>house                   | closed
clinic | gateway; clinic      |                                  | closed
clinic | stranger; clinic     |                                  | closed
clinic | nobody               |                                  | closed
clinic | stray                |                                  | closed
clinic | stray; clinic        | clinic>stray                     | no agent for whom somebody answers
clinic | robot; robot; clinic | clinic>robot; robot>robot        | in a circle
clinic | robot; helper; robot; clinic | clinic>robot; robot>helper; helper>robot | in a circle
clinic | robot; helper; robot; clinic | clinic>robot             | closed
# whoever the steward named speaks for another; its machines do so under its delegation
gated  | gateway              |                                  | clinic
gated  | clinic               |                                  | closed
gated  | robot; gateway       | clinic>robot                     | closed
gated  | robot; gateway       | gateway>robot                    | clinic by robot
# a machine that the steward named needs a delegation all the same
housed | house                |                                  | closed
housed | house                | register>house                   | closed
housed | house                | clinic>house                     | clinic by house
housed | register             | clinic>house                     | closed
housed | robot; house         | clinic>house; house>robot        | clinic by robot house
# an agent's own client is its principal's through it
robot  | robot                |                                  | closed
robot  | robot                | clinic>robot                     | clinic by robot
robot  | clinic               | clinic>robot                     | closed
robot  | helper; robot        | clinic>robot; robot>helper       | clinic by helper robot
robot  | robot; stranger      | clinic>robot                     | closed
stray  | stray                |                                  | closed
passed | gateway              |                                  | closed
passed | gateway              | clinic>robot                     | clinic by robot
passed | helper; gateway      | clinic>robot; gateway>helper     | clinic by helper robot
"""


@cases(CHAINS)
def test_each_in_a_chain_needs_a_delegation_from_the_next(row: dict[str, str]) -> None:
    links = [tuple(part.split(">")) for part in parts(row["delegations"])]
    made = world(*links)  # type: ignore[arg-type]
    for service in (SERVICE, THERE):
        answer = decide(made.state, asked(f"EE/COM/1/{row['client']}", *parts(row["speaks"]), service=service), made.at)
        if row["answer"].startswith("clinic"):
            assert isinstance(answer, CallPermit), answer
            said = f"{answer.requester} by {' '.join(answer.actors)}" if answer.actors else answer.requester
            assert said == row["answer"] and len(answer.delegations) == len(answer.actors)
            continue
        assert isinstance(answer, Refusal)
        if row["answer"] == "closed":
            assert answer.code == "exchange.closed"
        else:
            assert answer.code == "access.delegation" and any(row["answer"] in reason for reason in answer.reasons)


MANDATES = """
mandate                     | answer
----------------------------+--------------------------------------------
                            | permit
acts: ask                   | closed
acts: ask; call             | permit
assets: pay                 | closed
assets: EE/GOV/1/rr         | closed
purposes: Marketing         | not for ServiceProvision
purposes: Purpose           | permit
forms: rows                 | permit
uses: 0                     | its 0 uses are used up
uses: 1                     | permit
price: 0                    | permit
"""


@cases(MANDATES)
def test_a_mandate_bounds_what_an_agent_may_call(row: dict[str, str]) -> None:
    name, _, value = row["mandate"].partition(":")
    said: dict[str, object] = {name: int(value) if name in ("uses", "price") else parts(value)} if name else {}
    fields = {field: getattr(WIDE, field) for field in WIDE.__slots__} | said
    made = world(("clinic", "robot"), mandate=Mandate(**fields))
    answer = decide(made.state, asked(CLINIC, "robot"), made.at)
    if row["answer"] == "permit":
        assert isinstance(answer, CallPermit) and answer.delegations == ("d0",)
    else:
        assert isinstance(answer, Refusal)
        assert row["answer"] == "closed" == answer.code[9:] or row["answer"] in answer.reasons[0], answer


def test_whom_nobody_delegated_a_service_learns_nothing_of_it() -> None:
    """Open or not, there or not, with whatever purpose and method: the same words."""
    made = world(("clinic", "robot"), mandate=Mandate(("pay",), ("Purpose",), "EUR", ("call", "ask")))
    for chain in (("robot",), ("helper", "clinic"), ("house", "clinic"), ("robot", "robot", "clinic"), ("stranger",)):
        told = {
            str(decide(made.state, asked(CLINIC, *chain, service=service, purpose=purpose, method=method), made.at)).replace(
                service, ""
            )
            for service in (SERVICE, UNKNOWN, THERE) for purpose in ("", "Marketing", "no purpose") for method in ("GET", "PUT")
        }  # fmt: skip
        assert len(told) == 1, told


def test_a_node_that_signs_speaks_for_a_machine_no_further_than_it_may() -> None:
    signed = CallRequest(SERVICE, ROBOTS, Caller(key=KEY), "GET", ("EE1",), (), "", "", "")
    assert isinstance(decide(world().state, signed, World().at), Refusal)
    made = world(("clinic", "robot"))
    answer = decide(made.state, signed, made.at)
    assert isinstance(answer, CallPermit) and (answer.requester, answer.actors) == ("clinic", ("robot",))


def admitted(made: World, request: CallRequest, call: str, there: bool = False) -> CallPermit:
    """The call is admitted, or sent, as it was decided."""
    permit = decide(made.state, request, made.at)
    assert isinstance(permit, CallPermit), permit
    said = (call, request.service, request.client, permit.requester, "GET", permit.purpose, "", "hash")
    chain = {"actors": permit.actors, "delegations": permit.delegations}
    made.add(CallSent(*said, "http://y", **chain) if there else CallAdmitted(*said, **chain))
    return permit


def uses(made: World, id: str) -> int:
    row = made.state.get(Delegation, id)
    assert row is not None
    return row.uses


def test_uses_are_counted_when_a_call_is_admitted_or_sent() -> None:
    twice = Mandate((SERVICE, THERE), ("ServiceProvision",), "EUR", ("call",), uses=2, further=1)
    made = world(("clinic", "robot"), ("robot", "helper"), mandate=twice)
    permit = admitted(made, asked(CLINIC, "helper"), "call-1")
    admitted(made, asked(CLINIC, "robot", service=THERE), "call-2", there=True)
    assert (uses(made, "d0"), uses(made, "d1")) == (2, 1)
    answer = decide(made.state, asked(CLINIC, "helper"), made.at)
    assert isinstance(answer, Refusal) and "2 uses are used up" in answer.reasons[0]
    made.add(CallAbandoned("call-2", "it failed"))
    assert uses(made, "d0") == 2, "what failed was a use all the same"
    again = decide(made.state, asked(CLINIC, "helper"), made.at, admitted=True, under=permit.delegations)
    assert again == permit, "but what was admitted may be let out"


def test_what_was_admitted_is_let_out_only_under_the_same_delegations() -> None:
    made = world(("clinic", "robot"))
    permit = admitted(made, asked(CLINIC, "robot"), "call-1")
    made.add(DelegationGranted("other", "clinic", "robot", WIDE, LATER))
    made.add(DelegationEnded("d0", "clinic"))
    assert isinstance(decide(made.state, asked(CLINIC, "robot"), made.at), CallPermit)
    again = decide(made.state, asked(CLINIC, "robot"), made.at, admitted=True, under=permit.delegations)
    assert isinstance(again, Refusal)


@pytest.mark.parametrize(
    ("operand", "operator", "value", "permits"),
    [
        ("count", "lteq", Value("1", "xsd:integer"), True),
        ("count", "lteq", Value("0", "xsd:integer"), False),
        ("purpose", "eq", Value("dpv:ServiceProvision"), True),
        ("recipient", "eq", Value("clinic"), True),
        ("recipient", "eq", Value("robot"), False),
        ("usu:form", "eq", Value("aggregates"), False),  # what a call does not have is no yes
    ],
)
def test_rules_that_a_mandate_carries_are_asked(operand: str, operator: str, value: Value, permits: bool) -> None:
    rule = Rule("permission", "m-1", Action("execute"), constraints=(Constraint(operand, operator, (value,)),))
    ruled = Mandate((SERVICE,), ("Purpose",), "EUR", ("call",), rules=Ruleset("m", (rule,)))
    made = world(("clinic", "robot"), mandate=ruled)
    answer = decide(made.state, asked(CLINIC, "robot"), made.at)
    if permits:
        permit = admitted(made, asked(CLINIC, "robot"), "call-1")
        again = decide(made.state, asked(CLINIC, "robot"), made.at, admitted=True, under=("d0",))
        assert again == permit
    else:
        assert isinstance(answer, Refusal) and answer.reasons == ("the rules of `d0` do not permit it",)


EVERYBODY = ("clinic", "gateway", "register", "stranger", "robot", "helper", "house", "stray")
ABOVE = {"robot": ("robot", "clinic"), "helper": ("helper", "robot", "clinic"), "house": ("house", "register")}
AGENTS = ("robot", "helper", "house")


def expected(client: str, chain: tuple[str, ...], links: set[tuple[str, str]]) -> bool:
    """The rule again, the long way: walk from who speaks to who answers, and look at every step."""
    party, via = CLIENTS[client]
    above = ABOVE.get(chain[-1], (chain[-1],))
    if via not in above or "stray" in (*chain, party):
        return False
    walk = [*chain[:-1], *above[: above.index(via) + 1]]
    walk += [step for step in ABOVE.get(party, (party,)) if step != via]
    if len(set(walk)) < len(walk) and via != "gateway":
        return False
    return all(
        (principal, agent) in links if agent in AGENTS else agent == via == "gateway"
        for agent, principal in pairwise(walk)
    )


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.sampled_from(EVERYBODY[:7]), st.sampled_from(AGENTS)), max_size=6))
def test_no_order_of_a_chain_gets_through_but_what_was_delegated(links: set[tuple[str, str]]) -> None:
    links = {(principal, agent) for principal, agent in links if principal != agent}
    made = world(*sorted(links))
    for client in CLIENTS:
        for length in (1, 2, 3):
            for chain in permutations(EVERYBODY, length):
                answer = decide(made.state, asked(client, *chain), made.at)
                permitted = isinstance(answer, CallPermit)
                assert permitted == expected(client, chain, links), (client, chain, answer)
                if permitted:
                    assert "register" not in chain and "stranger" not in chain, "running a node gives no right to call"
