"""Any facts at all about rights, well-formed or not: what can be reached is never more than the source gave.

The rules would never let most of these graphs come about. They are here as an attacker would write them: links that rest
on one another in circles, on what has ended, on other people's rights, wider than what they rest on.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from worlds import World, pay

from usufruct.core.base import instants
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Fact
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.registry.rights import DEPTH_LIMIT, Limits, chain, explain, held
from usufruct.core.registry.state import Right
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.purposes import ROOT

PARTIES = ("source", "coop", "a", "b", "c")
DAYS = tuple(instants.parse(f"2026-0{month}-01") for month in (2, 5, 9))
ENDS = (*DAYS[1:], END_OF_TIME, END_OF_TIME, DAYS[0])
PURPOSES = ("Purpose", "ResearchAndDevelopment", "AcademicResearch", "Marketing")
NAMES = tuple(f"r{number}" for number in range(10))
AT = instants.parse("2026-03-01")

links = st.builds(
    RightGranted, st.sampled_from(NAMES), st.just("pay"), st.sampled_from(("use", "use", "use", "operate")),
    st.sampled_from(PARTIES), st.sampled_from(PARTIES), st.sampled_from((True, True, False)), st.sampled_from(ENDS),
    st.one_of(st.just("use"), st.sampled_from(NAMES), st.none()),
    st.sampled_from(((ROOT,), (ROOT,), ("ResearchAndDevelopment",), ("AcademicResearch", "Marketing"), ("Marketing",))),
    st.sampled_from(((), (), ("pay",), ("pay", "hours"))), st.sampled_from((None, None, 0, 1, 2, 3)),
)  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> list[RightGranted]:
    """Up to ten links; half of those that rest on another are granted by who holds that, so that chains come about."""
    graph = draw(st.lists(links, max_size=10, unique_by=lambda link: link.id))
    holders = {"use": "coop"} | {link.id: link.grantee for link in graph}
    return [
        replace(link, grantor=holders[link.rests_on]) if link.rests_on in holders and draw(st.booleans()) else link
        for link in graph
    ]


def world_of(*facts: Fact) -> World:
    world = pay(World(DAYS[0]))
    if facts:
        world.add(*facts)
    return world


def reached(world: World, at: Instant = AT) -> set[str]:
    """The rights whose chain is whole."""
    return {right.id for right in world.state.list(Right) if chain(world.state, right, at) is not None}


def reference(world: World, at: Instant = AT) -> set[str]:
    """The same from the source upward: the least set that holds the source's own grants and what rests on its members."""
    rights = list(world.state.list(Right))
    good: set[str] = set()
    for _ in range(DEPTH_LIMIT):
        good |= {right.id for right in rights if right.end is None and at < right.until and (
            right.grantor == "source" if right.rests_on is None
            else any(b.id == right.rests_on and b.id in good and narrower(right, b) for b in rights)
        )}  # fmt: skip
    return good


def narrower(right: Right, below: Right) -> bool:
    all_columns = {column.name for column in pay(World()).asset.columns}
    before, now = ({p for p in PURPOSES if any(purposes.covers(q, p) for q in r.purposes)} for r in (below, right))
    more, less = (float("inf") if r.further is None else r.further for r in (below, right))
    return (
        below.may_grant and more >= 1 and below.grantee == right.grantor and below.right == right.right
        and right.until <= below.until and now <= before
        and set(right.columns or all_columns) <= set(below.columns or all_columns)
        and (not right.may_grant or less < more or more == float("inf"))
    )  # fmt: skip


@given(graphs())
def test_what_is_reached_upward_is_what_leads_back(graph: list[RightGranted]) -> None:
    world = world_of(*graph)
    assert reached(world) == reference(world)


@given(graphs())
def test_nobody_has_more_than_the_source_gave(graph: list[RightGranted]) -> None:
    """Every good right lies, in every respect, within each link of its chain; the first is the source's own grant."""
    world = world_of(*graph)
    for name in reached(world):
        right = world.state.get(Right, name)
        assert right is not None
        links = chain(world.state, right, AT)
        assert links is not None and len(links) == len({link.id for link in links})
        assert links[-1].grantor == "source" and links[-1].rests_on is None
        for link in links:
            assert AT < right.until <= link.until and right.right == link.right
            assert not link.columns or set(right.columns or ("all",)) <= set(link.columns)
            for purpose in right.purposes:
                assert any(purposes.covers(allowed, purpose) for allowed in link.purposes)


@given(graphs(), st.integers(1, 4), st.data())
def test_a_circle_adds_nothing_and_takes_nothing(graph: list[RightGranted], length: int, data: st.DataObject) -> None:
    """A circle of rights that rest on one another, by whomever and to whomever, even with links of others onto it."""
    before = reached(world_of(*graph))
    ring = [
        RightGranted(f"ring-{n}", "pay", "use", data.draw(st.sampled_from(PARTIES)), data.draw(st.sampled_from(PARTIES)),
                     True, END_OF_TIME, f"ring-{(n + 1) % length}")
        for n in range(length)
    ]  # fmt: skip
    world = world_of(*graph, *ring)
    assert reached(world) == before
    for link in ring:
        found = world.state.get(Right, link.id)
        assert found is not None
        broken = explain(world.state, found, AT).broken
        assert broken is not None and broken.how == "unfounded" and not broken.mender
        assert len(explain(world.state, found, AT).links) <= length, "a link is not walked twice"


@given(graphs(), st.data())
def test_taking_a_grant_out_never_adds(graph: list[RightGranted], data: st.DataObject) -> None:
    assume(graph)
    gone = data.draw(st.sampled_from(graph))
    less = [link for link in graph if link is not gone]
    assert reached(world_of(*less)) <= reached(world_of(*graph)) - {gone.id}


@given(graphs(), st.data())
def test_narrowing_a_grant_never_adds(graph: list[RightGranted], data: st.DataObject) -> None:
    """Whoever can reach something with the narrower one could with the wider one."""
    good = reached(world_of(*graph))
    choice = [link for link in graph if link.id in good]
    assume(choice)
    wide = data.draw(st.sampled_from(choice))
    narrow = data.draw(st.sampled_from((
        replace(wide, may_grant=False), replace(wide, until=min(wide.until, ENDS[0])),
        replace(wide, further=0 if wide.further is None else min(wide.further, 1)),
    )))  # fmt: skip
    assert reached(world_of(*(narrow if link is wide else link for link in graph))) <= good


changes = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(NAMES), st.sampled_from(PARTIES)), max_size=6)


@settings(max_examples=150)
@given(graphs(), changes)
def test_a_change_of_hands_gives_nobody_a_right_that_nobody_had(
    graph: list[RightGranted], tried: list[tuple[int, str, str]]
) -> None:
    """Whatever happens to rights afterwards, what is reached stays within what was, but for what was lent or renamed."""
    world = world_of(*graph)
    before = reached(world)
    widest = {link.id: link for link in graph}
    for number, (what, name, party) in enumerate(tried):
        right = world.state.get(Right, name)
        if right is None:
            continue
        fact: Fact
        match what:
            case 0:
                fact = RightRevoked(name, "pay", "source", right.grantee)
            case 1:
                fact = RightReleased(name, "pay", right.grantee, right.grantor)
            case 2 | 3:
                becomes = name if what == 2 else f"new-{number}"
                fact = RightTransferred(name, "pay", right.grantee, party, becomes)
            case _:
                fact = RightPledged(f"new-{number}", name, "pay", "use", right.grantee, party, "pilot", right.until,
                                    right.purposes, right.columns, exclusive=what == 5)  # fmt: skip
        world.add(fact)
        if what in (0, 1, 3):
            assert name not in reached(world), "what has ended is not reached any more"
        if what == 2 and name in reached(world):
            assert right.grantee == party or name not in ids_of(world, right.grantee)
    for name in reached(world):
        if not name.startswith("new-") and name in widest:
            assert name in before


def ids_of(world: World, party: str) -> set[str]:
    rights = world.state.list(Right, asset="pay", grantee=party)
    return {right.id for right in rights if chain(world.state, right, AT) is not None}


def test_the_best_right_is_one_that_is_good_for_what_is_wanted() -> None:
    world = world_of(
        RightGranted("r1", "pay", "use", "coop", "a", True, END_OF_TIME, "use", ("Marketing",)),
        RightGranted("r2", "pay", "use", "coop", "a", False, DAYS[2], "use", ("AcademicResearch",)),
    )
    for wanted, name in (((), "r1"), (("Marketing",), "r1"), (("AcademicResearch",), "r2")):
        own = held(world.state, "a", "pay", "use", AT, wanted)
        assert own is not None and own.id == name
    assert held(world.state, "a", "pay", "use", AT, ("Purpose",)) is None
    assert Limits().may_grant is False, "the power to pass it on is given only in so many words"
