"""Who may act for whom, and how far: what an actor chain may do is never more than what any member of it may."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import cases, parts
from worlds import World, agreement, pay

from usufruct.core.access import delegation
from usufruct.core.access.clauses import OfferScheduled, Price, Schedule
from usufruct.core.access.delegation import CHAIN_MAX, Deed, Delegation
from usufruct.core.access.facts import DelegationEnded, DelegationGranted, DelegationUsed, Mandate
from usufruct.core.access.proof import Request
from usufruct.core.access.rules import Permit, decide, prove
from usufruct.core.access.why_not import supposed
from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.records import rebuild
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementReached
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.rulebook.human_only import HUMAN_ONLY
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Value
from usufruct.store.memory import MemoryState

LATER = instants.parse("2027-01-01")
WIDE = Mandate(("pay",), ("Purpose",), "EUR", ("ask", "agree", "end"), ("aggregates", "rows"), money=10**6, further=7)
AGENTS = ("bot", "helper", "third")


def world(*delegations: tuple[str, str, Mandate], until: str = "2027-01-01") -> World:
    """The institute has an agreement on `pay` at 5.00 EUR a use; these delegate to each other."""
    made = pay(World())
    made.add(*(PartyRegistered(agent, "agent", agent.capitalize(), "institute") for agent in AGENTS))
    made.add(agreement("agreed", purposes=("ResearchAndDevelopment",)))
    for number, (principal, agent, mandate) in enumerate(delegations):
        made.add(DelegationGranted(f"d{number}", principal, agent, mandate, instants.parse(until)))
    made.go("2026-04-01")
    return made


def asked(*actors: str, requester: str = "institute", purpose: str = "AcademicResearch") -> Request:
    return Request(requester, "pay", purpose, "aggregates", ("year",), actors=actors)


def admit(made: World, request: Request, use: str = "use-1") -> None:
    """The use is admitted as it was decided."""
    permit = decide(made.state, request, made.at)
    assert isinstance(permit, Permit), permit
    made.add(QueryAdmitted(
        use, request.requester, permit.agreement.id, "pay", "v1", permit.purpose, "", "", 0, permit.price, "EUR", "",
        actors=request.actors, delegations=permit.delegations,
    ))  # fmt: skip


MANDATES = """
mandate                    | answer
---------------------------+---------------------------------------------
                           | permit
assets: pix                | not for `pay`
assets: pix; pay           | permit
purposes: Marketing        | not for AcademicResearch
purposes: ResearchAndDevelopment | permit
forms: rows                | not for differentially private aggregates
acts: agree                | it is not to ask questions
uses: 0                    | its 0 uses are used up
uses: 1                    | permit
price: 499                 | a use costs 5.00 EUR, and at most 4.99 EUR is delegated
price: 500                 | permit
money: 499                 | it costs 5.00 EUR, and 4.99 EUR is left
money: 500                 | permit
currency: USD              | it costs 5.00 EUR, and 10000.00 USD is left
"""


@cases(MANDATES)
def test_a_mandate_bounds_what_an_agent_may(row: dict[str, str]) -> None:
    name, _, value = row["mandate"].partition(":")
    said: object = parts(value)
    if name in ("uses", "price", "money"):
        said = int(value)
    if name == "currency":
        said = value.strip()
    made = world(("institute", "bot", replace(WIDE, **{name: said}) if name else WIDE))
    answer = decide(made.state, asked("bot"), made.at)
    if row["answer"] == "permit":
        assert isinstance(answer, Permit) and answer.delegations == ("d0",)
        return
    assert isinstance(answer, Refusal) and answer.code == "access.delegation" and row["answer"] in answer.reasons[0]
    proof = prove(made.state, asked("bot"), made.at)
    assert proof.premises[0].gate == "authenticity" and not proof.permits
    assert prove(*supposed(made.state, asked("bot"), proof.why_not), made.at).permits, "what is advised helps"


def test_what_the_principal_may_not_its_agent_may_not() -> None:
    made = world(("institute", "bot", WIDE), ("insurer", "third", WIDE))
    answer = decide(made.state, asked("bot", purpose="Marketing"), made.at)
    assert isinstance(answer, Refusal) and answer.code == "access.purpose"
    answer = decide(made.state, asked("third", requester="insurer"), made.at)
    assert isinstance(answer, Refusal) and answer.code == "access.no-agreement"


def test_an_agent_with_nobody_behind_it_gets_nothing() -> None:
    made = world(("institute", "bot", WIDE))
    made.add(agreement("own", consumer="bot"))  # even if somebody agreed with it
    made.add(DelegationGranted("own", "bot", "third", WIDE, LATER))
    for request in (
        asked(requester="bot"),
        asked("third", requester="bot"),
        asked("helper"),
        asked("coop"),
        asked("nobody"),
        asked("bot", requester="pix"),
    ):
        answer = decide(made.state, request, made.at)
        assert isinstance(answer, Refusal) and answer.code == "access.delegation", request


def test_a_delegation_that_is_over_is_none() -> None:
    made = world(("institute", "bot", WIDE), until="2026-05-01")
    assert prove(made.state, asked("bot"), made.at).permits
    assert prove(made.state, asked("bot"), made.at).not_after <= instants.parse("2026-05-01")
    made.add(DelegationGranted("other", "institute", "bot", replace(WIDE, money=0), LATER))
    made.go("2026-05-01")
    assert not prove(made.state, asked("bot"), made.at).permits
    made.add(DelegationGranted("new", "institute", "bot", WIDE, LATER))
    assert prove(made.state, asked("bot"), made.at).permits
    made.add(DelegationEnded("new", "institute"))
    assert not prove(made.state, asked("bot"), made.at).permits


def test_uses_and_money_are_counted_when_a_use_is_admitted() -> None:
    made = world(("institute", "bot", replace(WIDE, uses=2, money=1200)), ("bot", "helper", replace(WIDE, money=500)))
    admit(made, asked("helper", "bot"))
    for id, uses, money in (("d0", 1, 500), ("d1", 1, 500)):
        row = made.state.get(Delegation, id)
        assert row is not None and (row.uses, row.money) == (uses, money)
    assert not prove(made.state, asked("helper", "bot"), made.at).permits, "the helper's money is spent"
    again = decide(made.state, asked("helper", "bot"), made.at, admitted=True, under=("d1", "d0"))
    assert isinstance(again, Permit) and again.delegations == ("d1", "d0"), "but what was admitted may be let out"
    admit(made, asked("bot"), "use-2")
    answer = decide(made.state, asked("bot"), made.at)
    assert isinstance(answer, Refusal) and "2 uses are used up" in answer.reasons[0]
    made.add(QueryAbandoned("use-2", "it failed"))
    row = made.state.get(Delegation, "d0")
    assert row is not None and (row.uses, row.money) == (2, 500), "what was not answered is not owed"


def test_what_was_admitted_is_let_out_only_under_the_same_delegations() -> None:
    made = world(("institute", "bot", replace(WIDE, uses=1)), ("institute", "bot", WIDE))
    admit(made, asked("bot"))
    admit(made, asked("bot"), "use-2")
    for under in (("d0",), ("d1",)):
        answer = decide(made.state, asked("bot"), made.at, admitted=True, under=under)
        assert isinstance(answer, Permit) and answer.delegations == under
    made.add(DelegationEnded("d0", "institute"))
    assert isinstance(decide(made.state, asked("bot"), made.at, admitted=True, under=("d0",)), Refusal)


def test_a_mandate_can_carry_rules() -> None:
    twice = Constraint("count", "lteq", (Value("2", "xsd:integer"),))
    rules = Ruleset("m", (Rule("permission", "m-1", Action("aggregate"), constraints=(twice,)),))
    made = world(("institute", "bot", replace(WIDE, rules=rules)))
    admit(made, asked("bot"))
    admit(made, asked("bot"), "use-2")
    assert isinstance(decide(made.state, asked("bot"), made.at, admitted=True, under=("d0",)), Permit)
    answer = decide(made.state, asked("bot"), made.at)
    assert isinstance(answer, Refusal) and answer.reasons == ("the rules of `d0` do not permit it",)


def test_the_price_of_the_schedule_is_what_counts() -> None:
    made = world(("institute", "bot", replace(WIDE, price=400)))
    assert not prove(made.state, asked("bot"), made.at).permits
    made.add(OfferScheduled("cheap", "coop", Schedule((Price(400),))))
    before = agreement("cheap", purposes=("AcademicResearch",))
    made.add(AgreementReached(**{**{n: getattr(before, n) for n in before.__slots__}, "offer": "cheap"}))
    permit = decide(made.state, asked("bot"), made.at)
    assert isinstance(permit, Permit) and (permit.agreement.id, permit.price) == ("cheap", 400)
    assert any(one.kind == "pay" and one.value == "4.00 EUR" for one in permit.proof.obligations)


def test_a_step_of_the_price_is_that_of_the_next_use() -> None:
    """The use that was admitted at the old price is let out at it."""
    made = world(("institute", "bot", replace(WIDE, price=400)))
    made.add(OfferScheduled("cheap", "coop", Schedule((Price(400), Price(900, above=1)))))
    before = agreement("cheap", purposes=("AcademicResearch",))
    made.add(AgreementReached(**{**{n: getattr(before, n) for n in before.__slots__}, "offer": "cheap"}))
    permit = decide(made.state, asked("bot"), made.at)
    assert isinstance(permit, Permit) and permit.price == 400
    made.add(QueryAdmitted(
        "use-1", "institute", "cheap", "pay", "v1", "AcademicResearch", "", "", 1, 400, "EUR", "5e" * 32, actors=("bot",),
        delegations=permit.delegations,
    ))  # fmt: skip
    released = decide(made.state, asked("bot"), made.at, admitted=True, under=permit.delegations)
    assert isinstance(released, Permit)
    assert isinstance(decide(made.state, asked("bot"), made.at), Refusal)


# ---- who may delegate what


def granted(made: World, principal: str, agent: str, **said: object) -> DelegationGranted | Refusal:
    mandate = replace(WIDE, further=0, **said)  # type: ignore[arg-type]
    return delegation.grant(made.state, "d9", principal, agent, mandate, LATER, made.at, "EUR")


def test_only_agents_get_delegations_and_only_what_their_principals_may_pass_on() -> None:
    made = world(("institute", "bot", replace(WIDE, further=1)), ("institute", "helper", replace(WIDE, further=0)))
    assert isinstance(granted(made, "insurer", "bot"), DelegationGranted), "anybody may have an agent act for it"
    for principal, agent in (("institute", "coop"), ("institute", "pix"), ("pix", "bot"), ("bot", "bot")):
        answer = granted(made, principal, agent)
        assert isinstance(answer, Refusal) and answer.code == "registry.unknown"
    assert isinstance(granted(made, "bot", "third"), DelegationGranted)
    answer = granted(made, "helper", "third")
    assert isinstance(answer, Refusal) and answer.code == "access.delegation"
    over = delegation.grant(made.state, "d9", "institute", "bot", WIDE, made.at, made.at, "EUR")
    assert isinstance(over, Refusal)


@pytest.mark.parametrize("kind", HUMAN_ONLY)
def test_what_only_people_may_sign_cannot_be_delegated(kind: str) -> None:
    answer = granted(world(), "institute", "bot", acts=("ask", kind))
    assert isinstance(answer, Refusal) and answer.code == "access.human-only"
    assert any(HUMAN_ONLY[kind].source in reason for reason in answer.reasons)


@pytest.mark.parametrize(
    "said",
    [
        {"acts": ()}, {"acts": ("fly",)}, {"forms": ("gold",)}, {"assets": ()}, {"assets": ("No!",)}, {"purposes": ()},
        {"purposes": ("Nothing",)}, {"currency": "USD"}, {"uses": -1}, {"money": -1}, {"money": 10**13}, {"price": -1},
    ],
)  # fmt: skip
def test_a_mandate_that_cannot_be(said: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        granted(world(), "institute", "bot", **said)


def test_who_may_end_a_delegation() -> None:
    made = world(("institute", "bot", WIDE), ("insurer", "bot", WIDE))
    for by in ("insurer", "coop", "helper", "pix"):
        assert isinstance(delegation.end(made.state, "d0", by, made.at), Refusal)
    for id, by in (("d0", "institute"), ("d0", "bot"), ("d1", "insurer"), ("d1", "institute")):
        assert delegation.end(made.state, id, by, made.at) == DelegationEnded(id, by), "who answers for it may too"
    made.add(DelegationEnded("d0", "bot"))
    assert isinstance(delegation.end(made.state, "d0", "institute", made.at), Refusal)


# ---- chains, as an attacker would write them

MANDATE = st.builds(
    Mandate,
    st.sampled_from((("pay",), ("pay", "pix"), ("pix",))),
    st.sampled_from((("Purpose",), ("ResearchAndDevelopment",), ("AcademicResearch",), ("Marketing",))),
    st.just("EUR"),
    st.sampled_from((("ask",), ("ask", "agree"), ("agree",))),
    st.sampled_from((("aggregates",), ("rows",), ("aggregates", "rows"))),
    st.sampled_from((None, None, 0, 1, 5)),
    st.sampled_from((None, None, 400, 500)),
    st.sampled_from((0, 500, 10_000, 10_000)),
    st.sampled_from((0, 1, 2, 7)),
)
PARTIES = ("institute", "insurer", *AGENTS)
GRAPHS = st.lists(st.tuples(st.sampled_from(PARTIES), st.sampled_from(PARTIES), MANDATE), max_size=8)
CHAINS = st.lists(st.sampled_from(PARTIES), min_size=1, max_size=4).map(tuple)
PURPOSES = st.sampled_from(("AcademicResearch", "CommercialResearch", "Marketing"))


def permits(made: World, *actors: str, purpose: str = "AcademicResearch") -> bool:
    return prove(made.state, asked(*actors, purpose=purpose), made.at).permits


@settings(max_examples=300)
@given(GRAPHS, CHAINS, PURPOSES)
def test_a_chain_may_no_more_than_each_of_its_members(
    graph: list[tuple[str, str, Mandate]], chain: tuple[str, ...], purpose: str
) -> None:
    made = world(*graph)
    if not permits(made, *chain, purpose=purpose):
        return
    assert permits(made, purpose=purpose), "the requester itself"
    for number in range(len(chain)):
        assert permits(made, *chain[number:], purpose=purpose), "each shorter chain: a link more never permits more"
    deed = Deed("ask", "pay", (purpose,), "aggregates", 500, 500, "EUR")
    for agent, principal in zip(chain, (*chain[1:], "institute"), strict=True):
        alone = list(made.state.list(Delegation, principal=principal, agent=agent))
        assert any(not list(delegation._lacks(row, 0, deed)) for row in alone), "each link by itself"


@settings(max_examples=200)
@given(GRAPHS, CHAINS, st.sampled_from(PARTIES), MANDATE)
def test_a_circle_changes_nothing(
    graph: list[tuple[str, str, Mandate]], chain: tuple[str, ...], other: str, mandate: Mandate
) -> None:
    """Whoever delegates back to whom it acts for gains nothing by it, and a chain that goes in a circle is refused."""
    before, after = world(*graph), world(*graph, *((agent, "institute", mandate) for agent in PARTIES))
    assert permits(before, *chain) == permits(after, *chain)
    assert not permits(after, *chain, "institute") and not permits(after, other, *chain, other)


@settings(max_examples=200)
@given(GRAPHS, CHAINS, PURPOSES)
def test_the_facts_that_a_proof_cites_are_enough_and_each_is_needed(
    graph: list[tuple[str, str, Mandate]], chain: tuple[str, ...], purpose: str
) -> None:
    made = world(*graph, *(("institute", agent, WIDE) for agent in AGENTS))
    for request in (asked(*chain, purpose=purpose), asked(chain[0], purpose=purpose)):
        proof = prove(made.state, request, made.at)
        assert rebuild(Request, proof.value()["request"]) == replace(request, reach=())
        if not proof.permits:
            continue
        cited = {seq for premise in proof.premises for seq in premise.rests_on}
        few = MemoryState(entry for entry in made.entries if entry.seq in cited)
        assert prove(few, request, made.at).encode() == proof.encode()
        for missing in cited:
            fewer = MemoryState(entry for entry in made.entries if entry.seq in cited - {missing})
            assert not prove(fewer, request, made.at).permits, made.entries[missing]


def test_a_circle_is_refused_though_every_link_of_it_holds() -> None:
    made = world(("institute", "bot", WIDE), ("bot", "helper", WIDE), ("helper", "bot", WIDE))
    assert permits(made, "bot") and permits(made, "helper", "bot")
    assert not permits(made, "bot", "helper", "bot")


@pytest.mark.parametrize("further", [0, 1])
def test_a_mandate_is_passed_on_no_oftener_than_it_says(further: int) -> None:
    made = world(("institute", "bot", replace(WIDE, further=further)), ("bot", "helper", WIDE))
    assert permits(made, "bot") and permits(made, "helper", "bot") == bool(further)


def test_a_chain_is_not_endless() -> None:
    made = pay(World())
    names = [f"a{number}" for number in range(CHAIN_MAX + 1)]
    made.add(agreement("agreed"), *(PartyRegistered(name, "agent", name, "institute") for name in names))
    whole = [*names, "institute"]
    made.add(*(
        DelegationGranted(f"d{n}", principal, agent, WIDE, LATER)
        for n, (agent, principal) in enumerate(pairwise(whole))
    ))  # fmt: skip
    assert permits(made, *names[1:]) and not permits(made, *names)


def test_agents_of_agents_are_answered_for_by_somebody_who_is_none() -> None:
    made = pay(World())
    made.add(
        PartyRegistered("a", "agent", "A", "b"), PartyRegistered("b", "agent", "B", "a"),
        PartyRegistered("c", "agent", "C", "d"), PartyRegistered("d", "agent", "D", "institute"),
        PartyRegistered("e", "agent", "E", "gone"),
    )  # fmt: skip
    assert [party.id for party in delegation.accountable(made.state, "c")] == ["c", "d", "institute"]
    assert delegation.accountable(made.state, "a") == delegation.accountable(made.state, "e") == ()
    assert delegation.acting(made.state, "c", ("x",)) == ("institute", ("x", "c", "d"))
    assert delegation.acting(made.state, "institute", ()) == ("institute", ())
    assert delegation.acting(made.state, "a", ()) == ("a", ()), "it stays an agent, and gets nothing"


def test_money_that_binds_is_counted() -> None:
    made = world(("institute", "bot", replace(WIDE, money=1000)))
    deed = Deed("agree", "pay", ("AcademicResearch",), "aggregates", 500, 900, "EUR", uses=0)
    taken = delegation.take(made.state, "institute", ("bot",), deed, "negotiation-1", made.at)
    assert taken == DelegationUsed("institute", ("bot",), ("d0",), "agree", "negotiation-1", 900)
    made.add(taken)
    again = delegation.take(made.state, "institute", ("bot",), deed, "negotiation-2", made.at)
    assert isinstance(again, Refusal) and "1.00 EUR is left" in again.reasons[0]
    assert delegation.take(made.state, "institute", (), deed, "negotiation-2", made.at) is None
