"""Consent within limits, objections and shared records: what they come to in each use, and laws that hold for any tree of
purposes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import cases, parts
from worlds import World, pay

from usufruct.core.access import consent
from usufruct.core.access.consent_conditions import (
    ANY,
    MODES,
    PERIODS,
    Circumstances,
    Conditions,
    Reach,
    Within,
    narrows,
)
from usufruct.core.access.consent_head import ConsentHead
from usufruct.core.access.consent_notice import digest
from usufruct.core.access.consent_rules import Speaker, checked_conditions, offered, say, within
from usufruct.core.access.consent_words import LIMITED, ConsentWord, of_person, status
from usufruct.core.access.facts import (
    ConsentGiven,
    ConsentRefused,
    ConsentsRecorded,
    GuardianAppointed,
    GuardianshipEnded,
    ObjectionLifted,
    RecordsShared,
    UseObjected,
)
from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import later
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.state import Person
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.bases import CONSENT

PURPOSES = {
    "everything": "Purpose",
    "research": "ResearchAndDevelopment",
    "academic": "AcademicResearch",
    "marketing": "Marketing",
    "mailing": "DirectMarketing",
}
LIMITS = {
    "query": Conditions(mode="query"),
    "spring": Conditions(until=instants.parse("2026-06-01")),
    "once": Conditions(uses=1),
    "monthly": Conditions(frequency=1, per="month"),
    "recent": Conditions(rows=(Within("year", 2023, None),)),
    "north": Conditions(rows=(Within("region", values=("north",)),)),
    "clinic": Conditions(recipients=("clinic",)),
    "firms": Conditions(recipients=("kind:organisation",)),
    "offices": Conditions(recipients=("kind:public-body",)),
    "deal": Conditions(agreements=("deal",)),
    "clinic+query": Conditions(mode="query", recipients=("clinic",)),
}
USES = {
    "": {},
    "clinic": {"recipient": "clinic"},
    "rows": {"form": "rows"},
    "deal": {"agreement": "deal"},
    "summer": {"at": instants.parse("2026-07-01")},
    "2024": {"reach": {"Year": Reach(2024, 2024)}},
    "2022": {"reach": {"year": Reach(2022, 2024)}},
    "in-2024": {"reach": {"year": Reach(values=frozenset((2023, 2024)))}},
    "north": {"reach": {"region": Reach(values=frozenset(("north",)))}},
    "law": {"basis": "LegalObligation"},
    "interest": {"basis": "LegitimateInterest"},
    "nonsense": {"basis": "BecauseICan"},
}

SAID = """
what was said                           | for        | use      | in
----------------------------------------+------------+----------+----
# each limit is held, and a use that does not say that it stays inside is outside
yes research query                      | academic   |          | yes
yes research query                      | academic   | rows     | no
yes research spring                     | academic   |          | yes
yes research spring                     | academic   | summer   | no
yes research recent                     | academic   |          | no
yes research recent                     | academic   | 2024     | yes
yes research recent                     | academic   | 2022     | no
yes research recent                     | academic   | in-2024  | yes
yes research north                      | academic   | north    | yes
yes research north                      | academic   | 2024     | no
# a yes with limits is a no beyond them, whatever was said more broadly before
yes everything; yes research query      | academic   | rows     | no
yes everything; yes research query      | marketing  | rows     | yes
forms everything; yes research query    | academic   | rows     | no
yes research query; forms everything    | academic   | rows     | no
yes research query; forms academic      | academic   | rows     | no
yes research query; yes academic        | academic   | rows     | yes
yes research query; yes research        | academic   | rows     | yes
yes academic query; yes research        | research   | rows     | no
yes academic query; yes research        | research   |          | yes
# it lifts her refusal of that very purpose within its limits, and opens nothing broader
no research; yes research query         | research   |          | yes
no research; yes research query         | research   | rows     | no
no everything; yes academic query       | academic   |          | yes
no everything; yes academic query       | research   |          | no
yes academic query                      | research   |          | no
yes research query; no everything       | academic   |          | no
yes research query; no academic         | academic   |          | no
# what is said to somebody says nothing to others
yes research clinic                     | academic   |          | no
yes research clinic                     | academic   | clinic   | yes
yes research firms                      | academic   | clinic   | yes
yes research offices                    | academic   | clinic   | no
yes research deal                       | academic   |          | no
yes research deal                       | academic   | deal     | yes
yes everything; yes research clinic     | academic   |          | yes
yes everything; yes research clinic+query | academic | rows     | yes
no research; yes research clinic        | academic   |          | no
no research; yes research clinic        | academic   | clinic   | yes
yes research clinic; no research        | academic   | clinic   | no
yes everything; no research to clinic   | academic   |          | yes
yes everything; no research to clinic   | academic   | clinic   | no
yes everything; no academic to clinic   | research   | clinic   | no
no research to clinic; yes everything   | academic   | clinic   | no
no research to clinic; yes research     | academic   | clinic   | no
no research to clinic; yes research clinic | academic | clinic  | yes
no research to clinic; yes academic clinic | academic | clinic  | yes
no research to clinic; yes academic clinic | research | clinic  | no
yes academic clinic; no research to clinic | academic | clinic  | no
# on another basis than consent nobody is asked, and a refusal still counts; a basis that is none is consent
nothing                                 | academic   | law      | yes
no research                             | academic   | law      | no
no research to clinic                   | academic   | law      | yes
nothing                                 | academic   | nonsense | no
# an objection is for its basis and purpose, towards what is narrower and broader; no consent lifts it
objects research interest               | academic   | interest | no
objects research interest               | academic   | law      | yes
objects academic interest               | research   | interest | no
objects research any                    | academic   | law      | no
yes everything; objects research any    | academic   |          | no
objects research any; yes everything    | academic   |          | no
objects research any; yes academic      | academic   |          | no
yes everything; objects research interest | academic |          | yes
objects research interest; lifts research interest | academic | interest | yes
objects research any; lifts research interest | academic | interest | no
# against direct marketing it counts on every basis
objects mailing interest                | mailing    | law      | no
yes everything; objects mailing interest | mailing   |          | no
yes everything; objects marketing interest | mailing |          | no
yes everything; objects mailing interest | academic  |          | yes
"""


def spoken(words: str, number: int = 3) -> Fact:
    answer, *rest = words.split()
    party = f"member-{number}"
    if answer == "nothing":
        return ConsentRefused("pay", "member-9", "Marketing")
    purpose = PURPOSES[rest[0]]
    if answer == "forms":
        return ConsentsRecorded("pay", purpose, (number,), "forms")
    if answer == "no":
        return ConsentRefused("pay", party, purpose, recipient=rest[2] if rest[1:2] == ["to"] else "")
    if answer in ("objects", "lifts"):
        basis = {"interest": "LegitimateInterest", "any": ""}[rest[1]]
        return (UseObjected if answer == "objects" else ObjectionLifted)("pay", party, purpose, basis, 0)
    return ConsentGiven("pay", party, purpose, conditions=LIMITS[rest[1]] if rest[1:] else ANY)


def use(world: World, **how: object) -> Circumstances:
    return Circumstances(world.at, "institute", "aggregates")._replace(**how)  # type: ignore[arg-type]


def inside(world: World, purpose: str, circumstances: Circumstances | None, number: int = 3) -> bool:
    """Whether she is in; the bitmap and the look at her alone must say the same."""
    bits = consent.population(world.state, "pay", purpose, 10, circumstances)
    there = bool(bits[number // 8] >> number % 8 & 1)
    if circumstances is None or circumstances.basis in (CONSENT, "BecauseICan"):
        assert (consent.standing(world.state, "pay", number, purpose, circumstances) == "given") == there
    return there


@cases(SAID)
def test_what_was_said_within_limits(row: dict[str, str]) -> None:
    world = pay(World())
    for words in parts(row["what was said"]):
        world.add(spoken(words))
    assert inside(world, PURPOSES[row["for"]], use(world, **USES[row["use"]])) == (row["in"] == "yes")


def count(world: World, name: str, purpose: str = "AcademicResearch") -> bool:
    """A use happens, if she is in; whether she was."""
    how = use(world)
    bits = consent.population(world.state, "pay", purpose, 10, how)
    fact = consent.used(world.state, name, "pay", purpose, bits, how)
    if fact is not None:
        world.add(fact)
    return bool(bits[0] >> 3 & 1)


def test_a_filter_is_kept_again_once_the_last_limit_has_ended() -> None:
    world = pay(World())
    world.add(spoken("yes research"), spoken("yes research query", 4))
    world.add(spoken("no research", 4))
    with mock.patch.object(consent, "_population", wraps=consent._population) as worked_out:
        for agreement in ("deal", "other", "third"):
            assert inside_bits(world, agreement=agreement) == 1 << 3
    assert worked_out.call_count == 1


def test_uses_are_counted_where_she_wants_them_counted() -> None:
    world = pay(World())
    world.add(spoken("yes research once"))
    assert [count(world, f"use-{n}") for n in range(3)] == [True, False, False]
    world.add(spoken("yes research once"))  # another word, another count
    assert [count(world, f"use-{n}") for n in range(2)] == [True, False]


def test_once_a_month_means_that_a_month_lies_between() -> None:
    world = pay(World())
    world.add(spoken("yes research monthly"))
    assert count(world, "use-1") and not count(world, "use-2")
    world.at = later(world.at, days=30, hours=23)
    assert not count(world, "use-3")
    world.at = later(world.at, hours=1)
    assert count(world, "use-4") and not count(world, "use-5")


def test_nothing_is_counted_for_who_is_not_in_or_did_not_ask_for_it() -> None:
    world = pay(World())
    world.add(spoken("yes research"), spoken("yes research once", 4), RecordsShared("pay", (4, 5), "household"))
    how = use(world)
    bits = consent.population(world.state, "pay", "AcademicResearch", 10, how)
    assert bits == bytes([8, 0])  # 5 said nothing, so 4 is out too
    assert consent.used(world.state, "use-1", "pay", "AcademicResearch", bits, how) is None
    law = how._replace(basis="LegalObligation")
    everybody = consent.population(world.state, "pay", "AcademicResearch", 10, law)
    assert consent.used(world.state, "use-1", "pay", "AcademicResearch", everybody, law) is None


def test_of_shared_records_none_is_used_unless_each_lets_it_be() -> None:
    world = pay(World())
    world.add(RecordsShared("pay", (3, 9), "household"), spoken("yes research"))
    assert not inside_bits(world) & 1 << 3
    world.add(spoken("yes research", 9))
    assert inside_bits(world) == 1 << 3 | 1 << 9
    world.add(spoken("no academic", 9))
    assert inside_bits(world) == 0


groups = st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=4, unique=True).map(tuple), max_size=6)


@given(groups, st.sets(st.integers(0, 9)), st.data())
def test_who_shares_with_who_shares_with_a_no_is_out_in_whichever_order_it_was_recorded(
    shared: list[tuple[int, ...]], said_no: set[int], data: st.DataObject
) -> None:
    world = pay(World())
    in_some_order = [RecordsShared("pay", group, "household") for group in data.draw(st.permutations(shared))]
    refusals = [spoken("no academic", number) for number in sorted(said_no)]
    world.add(ConsentsRecorded("pay", "Purpose", tuple(range(10)), "forms"), *refusals, *in_some_order)
    out = set(said_no)
    while more := {number for group in shared if out & set(group) for number in group} - out:
        out |= more
    assert {number for number in range(10) if not inside_bits(world) >> number & 1} == out


def test_her_own_part_is_what_she_is_told_of_shared_records() -> None:
    """What another said of them changes nothing in it."""
    world = pay(World())
    world.add(RecordsShared("pay", (3, 9), "household"), spoken("yes research"))
    for word in ("no academic", "yes research", "no everything"):
        world.add(spoken(word, 9))
        assert consent.standing(world.state, "pay", 3, "AcademicResearch") == "given"
        assert consent.shares(world.state, "pay", 3) and not consent.shares(world.state, "pay", 4)


NOW = """
what was said                                   | asked at   | standing
------------------------------------------------+------------+----------
                                                | 2026-03-01 | not given
yes research                                    | 2026-03-01 | given
yes research spring                             | 2026-03-01 | limits
yes research spring                             | 2026-07-01 | refused
yes research; no academic to clinic             | 2026-03-01 | limits
yes research clinic                             | 2026-03-01 | limits
yes research recent                             | 2026-03-01 | limits
yes research spring; no academic                | 2026-03-01 | refused
yes research spring; no marketing               | 2026-03-01 | limits
yes everything; yes academic spring             | 2026-07-01 | refused
yes research spring; objects academic any       | 2026-03-01 | refused
no everything; yes research clinic              | 2026-03-01 | limits
yes research clinic; no everything              | 2026-03-01 | refused
"""


@cases(NOW)
def test_the_standing_at_an_instant(row: dict[str, str]) -> None:
    world = pay(World())
    for words in parts(row["what was said"]):
        world.add(spoken(words))
    at = instants.parse(row["asked at"])
    assert consent.standing_now(world.state, "pay", 3, "AcademicResearch", at) == row["standing"]


def inside_bits(world: World, **how: Any) -> int:
    return int.from_bytes(consent.population(world.state, "pay", "AcademicResearch", 10, use(world, **how)), "little")


def test_a_guardian_speaks_until_majority_and_is_no_stronger_than_her_no() -> None:
    world = pay(World())
    ward, uncle = Speaker("member-3"), Speaker("member-3", "source")
    majority = instants.parse("2030-05-01")
    assert isinstance(say(world.state, "pay", uncle, "ResearchAndDevelopment", True, world.at), Refusal)
    world.add(GuardianAppointed("source", "member-3", majority, "court"))
    read = digest(str(offered(world.state, "pay", uncle, "ResearchAndDevelopment", ANY, world.at)))
    yes = say(world.state, "pay", uncle, "ResearchAndDevelopment", True, world.at, shown=read)
    assert isinstance(yes, ConsentGiven) and (yes.by, yes.conditions.until) == ("source", majority)
    refused = say(world.state, "pay", ward, "AcademicResearch", True, world.at)
    assert isinstance(refused, Refusal) and refused.code == "consent.guardian"
    world.add(yes)
    assert inside(world, "AcademicResearch", use(world))
    assert not inside(world, "AcademicResearch", use(world, at=majority))
    for words in ("no academic", "no marketing"):
        no = spoken(words)
        world.add(no)
        blocked = say(world.state, "pay", uncle, PURPOSES[words.split()[1]], True, world.at)
        assert isinstance(blocked, Refusal) and blocked.code == "consent.guardian"
    # his own no in the place of hers does not make way for his yes
    world.add(ConsentRefused("pay", "member-3", "AcademicResearch", by="source"))
    blocked = say(world.state, "pay", uncle, "AcademicResearch", True, world.at)
    assert isinstance(blocked, Refusal) and blocked.code == "consent.guardian"
    # of age, she speaks for herself, and nobody for her
    own = say(world.state, "pay", ward, "AcademicResearch", True, majority)
    assert isinstance(own, ConsentGiven)
    world.add(own)
    assert inside(world, "AcademicResearch", use(world, at=majority))
    assert isinstance(say(world.state, "pay", uncle, "ServiceProvision", True, majority), Refusal)


def test_what_a_relieved_guardian_gave_is_void_and_nothing_broader_takes_its_place() -> None:
    world = pay(World())
    world.add(spoken("yes everything"), GuardianAppointed("source", "member-3", instants.parse("2030-05-01"), "court"))
    world.add(ConsentGiven("pay", "member-3", "AcademicResearch", by="source", conditions=LIMITS["spring"]))
    assert inside(world, "AcademicResearch", use(world))
    world.add(GuardianshipEnded("source", "member-3", "court"))
    assert not inside(world, "AcademicResearch", use(world))
    assert [status(word, world.at) for word in of_person(world.state, "pay", "member-3")] == [
        "ConsentGiven", "ConsentInvalidated"
    ]  # fmt: skip


def test_words_are_numbered_and_keep_their_status() -> None:
    world = pay(World())
    for words in ("yes research", "yes academic spring", "no research", "objects marketing any", "lifts marketing any"):
        world.add(spoken(words))
    world.add(spoken("yes academic spring"))
    words = of_person(world.state, "pay", "member-3")
    assert [(w.version, status(w, world.at), w.ended_by) for w in words] == [
        (1, "ConsentWithdrawn", 3), (2, "ConsentWithdrawn", 3), (3, "ConsentRefused", 0), (4, "ObjectionLifted", 5),
        (5, "ObjectionLifted", 0), (6, "ConsentGiven", 0),
    ]  # fmt: skip
    assert status(words[5], instants.parse("2026-06-01")) == "ConsentExpired"


@pytest.mark.parametrize(("conditions", "why"), [
    (Conditions(mode="everything"), "form of answer"),
    (Conditions(until=instants.parse("2026-03-01")), "past"),
    (Conditions(uses=-1), "counted"),
    (Conditions(frequency=2), "how often"),
    (Conditions(frequency=2, per="fortnight"), "how often"),
    (Conditions(per="day"), "how often"),
    (Conditions(recipients=("kind:robot",)), "kind of party"),
    (Conditions(recipients=("Clinic",)), "cannot be the id"),
    (Conditions(rows=(Within("nr", 1, 2),)), "no column"),
    (Conditions(rows=(Within("nowhere", 1, 2),)), "no column"),
    (Conditions(rows=(Within("region", 1, 2),)), "no bounds"),
    (Conditions(rows=(Within("year"),)), "no bounds"),
    (Conditions(rows=(Within("year", 2024, 2023),)), "wrong way round"),
    (Conditions(rows=(Within("region", values=(3,)),)), "not of its type"),
    (Conditions(rows=(Within("year", values=(True,)),)), "not of its type"),
    (Conditions(rows=(Within("year", 2021, None, (2022,)),)), "both"),
])  # fmt: skip
def test_conditions_that_nobody_could_hold_are_not_taken(conditions: Conditions, why: str) -> None:
    world = pay(World())
    with pytest.raises(BadInput, match=why):
        checked_conditions(conditions, world.asset, world.at)


def test_conditions_on_rows_from_what_people_type() -> None:
    asset = pay(World()).asset
    assert within(asset, "PAY", "12.50", "20") == Within("pay", 1250, 2000)
    assert within(asset, "member", values=("yes",)) == Within("member", values=(True,))
    assert within(asset, "region", values=("north", "south")) == Within("region", values=("north", "south"))
    for column, low in (
        ("pay", "12.505"),
        ("pay", "a lot"),
        ("year", "2021.5"),
        ("pay", "1e400"),
        ("pay", "NaN"),
        ("pay", "1e999999999"),
    ):
        with pytest.raises(BadInput):
            within(asset, column, low)


# --- laws, over generated trees of purposes

NAMES = ("Purpose", "DirectMarketing", "A", "B", "C", "D")


@contextmanager
def tree(above: dict[str, tuple[str, ...]]) -> Iterator[None]:
    """The purposes are these for a while; `above` lists what is directly broader, and names it before."""
    sets: dict[str, frozenset[str]] = {}
    for name, broader in above.items():
        sets[name] = frozenset({name}).union(*(sets[b] for b in broader))
    ordered = sorted(sets, key=lambda p: (len(sets[p]), p))
    ancestors = {p: tuple(sorted(up, key=lambda q: (-len(sets[q]), q))) for p, up in sets.items()}
    descendants = {p: tuple(q for q in ordered if p in sets[q]) for p in sets}
    with (
        mock.patch.multiple(purposes, _SETS=sets, _ANCESTORS=ancestors, _DESCENDANTS=descendants),
        mock.patch.object(consent, "once", lambda _, work_out: work_out()),  # what is remembered is of one tree
    ):
        yield


@st.composite
def trees(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    above: dict[str, tuple[str, ...]] = {"Purpose": ()}
    for name in NAMES[1:]:
        before = sorted(above)
        broader = draw(st.lists(st.sampled_from(before), min_size=1, max_size=2, unique=True))
        above[name] = tuple(broader)
    return above


named = st.sampled_from(NAMES)
limits = st.builds(
    Conditions,
    mode=st.sampled_from(MODES),
    until=st.sampled_from((instants.parse("2026-02-01"), instants.parse("2026-06-01"), instants.END_OF_TIME)),
    uses=st.just(0),
    rows=st.sampled_from(((), (Within("year", 2020, 2023),), (Within("region", values=("north",)),))),
    recipients=st.sampled_from(((), ("clinic",), ("clinic", "institute"))),
    agreements=st.sampled_from(((), ("deal",))),
)
conditions = st.one_of(st.just(ANY), limits)
yes = st.builds(lambda p, c: ConsentGiven("a", "p", p, conditions=c), named, conditions)
no = st.builds(lambda p, r: ConsentRefused("a", "p", p, recipient=r), named, st.sampled_from(("", "", "clinic")))
objection = st.builds(
    lambda p, b: UseObjected("a", "p", p, b, 0), named, st.sampled_from(("", CONSENT, "PublicInterest"))
)
lifting = st.builds(lambda p, b: ObjectionLifted("a", "p", p, b, 0), named, st.sampled_from(("", CONSENT)))
forms = st.builds(lambda p: ConsentsRecorded("a", p, (0,), "forms"), named)
word = st.one_of(yes, yes, no, objection, lifting, forms)
reaches = st.fixed_dictionaries({}, optional={
    "year": st.sampled_from((Reach(2020, 2022), Reach(2019, 2022), Reach(values=frozenset((2021,))), Reach(low=2021))),
    "region": st.sampled_from((Reach(values=frozenset(("north",))), Reach(values=frozenset(("north", "south"))))),
})  # fmt: skip
circumstances = st.builds(
    Circumstances,
    st.sampled_from((instants.parse("2026-03-01"), instants.parse("2026-07-01"))),
    st.sampled_from(("clinic", "institute")),
    st.sampled_from(("aggregates", "view", "rows", "unheard-of")),
    st.sampled_from(("deal", "other")),
    st.sampled_from((CONSENT, CONSENT, "PublicInterest")),
    reaches,
    st.just(False),
    st.just(False),
)


def after(said: list[Fact]) -> World:
    world = World()
    world.state.put(Person("a", 0, "p"))
    for fact in said:
        world.add(fact)
    return world


@given(trees(), st.lists(word, max_size=10))
def test_the_head_counts_the_words_that_have_limits_now(above: dict[str, tuple[str, ...]], said: list[Fact]) -> None:
    with tree(above):
        world = after(said)
    head = world.state.get(ConsentHead, "a")
    assert (head.limited if head else 0) == len(list(world.state.list(ConsentWord, asset="a", standing=LIMITED)))


def is_in(world: World, purpose: str, how: Circumstances | None) -> bool:
    return consent.population(world.state, "a", purpose, 1, how) == b"\1"


@settings(max_examples=120)
@given(trees(), st.lists(word, max_size=7), named, circumstances)
def test_nobody_is_in_without_a_yes_that_reaches_so_far(
    above: dict[str, tuple[str, ...]], said: list[Fact], purpose: str, how: Circumstances
) -> None:
    """No upward inference, no consent by default, none beyond its conditions, whatever was said in which order."""
    how = how._replace(basis=CONSENT)
    with tree(above):
        if is_in(after(said), purpose, how):
            assert any(
                isinstance(f, ConsentsRecorded | ConsentGiven)
                and purposes.covers(f.purpose, purpose)
                and (isinstance(f, ConsentsRecorded) or (f.conditions.addressed(how, "") and f.conditions.hold(how)))
                for f in said
            )


@settings(max_examples=120)
@given(trees(), st.lists(word, max_size=6), st.one_of(no, objection), named, circumstances)
def test_a_refusal_or_an_objection_never_lets_anybody_in(
    above: dict[str, tuple[str, ...]], said: list[Fact], against: Fact, purpose: str, how: Circumstances
) -> None:
    with tree(above):
        assert is_in(after([*said, against]), purpose, how) <= is_in(after(said), purpose, how)
        if isinstance(against, ConsentRefused) and not against.recipient:
            related = purposes.covers(against.purpose, purpose) or purposes.covers(purpose, against.purpose)
            assert not (related and is_in(after([*said, against]), purpose, how))


@settings(max_examples=120)
@given(trees(), st.lists(word, max_size=6), yes, named, circumstances)
def test_a_yes_opens_nothing_beyond_itself(
    above: dict[str, tuple[str, ...]], said: list[Fact], more: ConsentGiven, purpose: str, how: Circumstances
) -> None:
    """Except that lifting her own refusal of something narrower lets a broader yes of hers count again."""
    with tree(above):
        before, now = is_in(after(said), purpose, how), is_in(after([*said, more]), purpose, how)
        if now and not before:
            assert purposes.covers(more.purpose, purpose) or purposes.covers(purpose, more.purpose)
            assert more.conditions.addressed(how, "") and more.conditions.hold(how)


@settings(max_examples=120)
@given(trees(), st.lists(word, max_size=7), named, circumstances)
def test_what_is_known_of_a_use_only_ever_helps(
    above: dict[str, tuple[str, ...]], said: list[Fact], purpose: str, how: Circumstances
) -> None:
    """Without its circumstances nobody is in who is not in with them; a form that goes further lets nobody more in."""
    with tree(above):
        world = after(said)
        if how.basis == CONSENT:
            assert is_in(world, purpose, None) <= is_in(world, purpose, how)
        assert is_in(world, purpose, how._replace(form="rows")) <= is_in(
            world, purpose, how._replace(form="aggregates")
        )
        assert is_in(world, purpose, how._replace(reach={})) <= is_in(world, purpose, how)
        assert is_in(world, purpose, how._replace(ask_first=True)) <= is_in(world, purpose, how)


@settings(max_examples=120)
@given(limits, limits, circumstances)
def test_what_narrows_allows_no_more(answer: Conditions, asked: Conditions, how: Circumstances) -> None:
    assert narrows(answer, answer) and narrows(answer, ANY)
    if narrows(answer, asked) and answer.addressed(how, "organisation") and answer.hold(how):
        assert asked.addressed(how, "organisation") and asked.hold(how)


def test_more_uses_than_asked_for_are_not_narrower() -> None:
    asked = Conditions(uses=3, frequency=2, per="week")
    for answer, expected in (
        (asked, True), (replace(asked, uses=0), False), (replace(asked, uses=4), False), (replace(asked, uses=1), True),
        (replace(asked, per="day"), False), (replace(asked, per="month"), True), (replace(asked, frequency=3), False),
        (replace(asked, frequency=0, per=""), False),
    ):  # fmt: skip
        assert narrows(answer, asked) == expected, answer
    assert set(PERIODS) == {"day", "week", "month"}
