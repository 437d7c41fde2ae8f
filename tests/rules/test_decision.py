"""What a decision says of itself: that it rests on these facts and no others, and that this change and no smaller one helps.

Worlds are drawn at random: agreements that fit and that do not, rights that end and chains that break, an asset that came
down with narrow purposes, and requests of all kinds.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import World, agreement, pay, right

from usufruct.core.access.proof import Change, Proof, redacted
from usufruct.core.access.rules import Permit, Request, decide, prove
from usufruct.core.access.why_not import supposed
from usufruct.core.base import canonical, instants
from usufruct.core.base.records import rebuild
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementEnded
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import grades
from usufruct.store.memory import MemoryState

PURPOSES = ("AcademicResearch", "ResearchAndDevelopment", "CommercialResearch", "Marketing", "Purpose", "no such thing")
COLUMNS = ("region", "note", "pay", "year", "site", "cell", "member", "unheard-of")

REQUESTS = st.builds(
    Request,
    st.sampled_from(("institute", "institute", "institute", "insurer", "nobody")),
    st.sampled_from(("pay", "pay", "pay", "pix")),
    st.sampled_from(PURPOSES),
    st.sampled_from(("aggregates", "rows")),
    st.lists(st.sampled_from(COLUMNS), max_size=4, unique=True).map(tuple),
)
AGREEMENTS = st.lists(
    st.tuples(
        st.sampled_from(("aggregates", "rows")),
        st.lists(st.sampled_from(PURPOSES[:4]), min_size=1, max_size=2, unique=True).map(tuple),
        st.sampled_from(("use", "lent", "ending", "nobodys")),
        st.sampled_from(("2026-03-15", "2027-03-01")),
        st.booleans(),
    ),
    max_size=4,
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world on the first of April."""
    world = pay(World())
    world.add(right("lent", "coop", "coop", "use"), right("ending", "coop", "coop", "use", until="2026-03-20"))
    for number, (form, purposes, rests_on, until, ended) in enumerate(draw(AGREEMENTS)):
        world.add(agreement(f"agreement-{number}", "institute", form, purposes, until, rests_on))
        if ended:
            world.add(AgreementEnded(f"agreement-{number}", "coop"))
    world.go("2026-04-01")
    return world


@given(worlds(), REQUESTS)
def test_the_proof_says_what_was_decided(world: World, request: Request) -> None:
    answer, proof = decide(world.state, request, world.at), prove(world.state, request, world.at)
    assert proof.permits == isinstance(answer, Permit)
    if isinstance(answer, Permit):
        assert answer.proof == proof and proof.agreement == answer.agreement.id
        assert proof.at <= proof.not_after <= answer.agreement.until
    else:
        failing = [premise.no for premise in proof.premises if premise.no]
        assert (failing[0].code, tuple(no.reason for no in failing)) == (answer.code, answer.reasons)


@given(worlds(), REQUESTS)
def test_the_facts_it_cites_are_enough(world: World, request: Request) -> None:
    """From those alone the very same proof is made."""
    proof = prove(world.state, request, world.at)
    if not proof.permits:
        return
    cited = {seq for premise in proof.premises for seq in premise.rests_on}
    few = MemoryState(entry for entry in world.entries if entry.seq in cited)
    assert prove(few, request, world.at).encode() == proof.encode()


@given(worlds(), REQUESTS)
def test_every_fact_it_cites_is_needed(world: World, request: Request) -> None:
    proof = prove(world.state, request, world.at)
    if not proof.permits:
        return
    cited = {seq for premise in proof.premises for seq in premise.rests_on}
    for missing in cited:
        fewer = MemoryState(entry for entry in world.entries if entry.seq in cited - {missing})
        assert not prove(fewer, request, world.at).permits, world.entries[missing]


@given(worlds(), REQUESTS)
def test_each_premise_that_does_not_hold_is_enough_for_a_no(world: World, request: Request) -> None:
    """Whatever else is changed."""
    proof = prove(world.state, request, world.at)
    failing = [premise for premise in proof.premises if premise.no]
    for kept in failing:
        for others in combinations([p for p in failing if p is not kept], len(failing) - 1):
            changes = tuple(premise.no.changes[0] for premise in others if premise.no and premise.no.changes)
            read, otherwise = supposed(world.state, request, changes)
            again = prove(read, otherwise, world.at)
            assert not again.permits or otherwise != request


@given(worlds(), REQUESTS)
def test_a_why_not_is_enough_and_nothing_smaller_is(world: World, request: Request) -> None:
    proof = prove(world.state, request, world.at)
    assert not (proof.permits and proof.why_not)
    if not proof.why_not:
        return
    assert prove(*supposed(world.state, request, proof.why_not), world.at).permits
    for size in range(len(proof.why_not)):
        for fewer in combinations(proof.why_not, size):
            assert not prove(*supposed(world.state, request, fewer), world.at).permits


@given(worlds(), REQUESTS)
def test_who_has_an_agreement_is_always_told_what_would_help(world: World, request: Request) -> None:
    read, plain = world.state, replace(request, purpose="AcademicResearch")
    if not prove(read, request, world.at).permits and prove(read, plain, world.at).agreement:
        broken = any(premise.gate == "rights" and premise.no for premise in prove(read, plain, world.at).premises)
        assert prove(read, request, world.at).why_not or broken


@given(worlds(), REQUESTS)
def test_what_is_unknown_and_what_is_not_open_look_the_same(world: World, request: Request) -> None:
    stranger = replace(request, requester="insurer")
    here = prove(world.state, replace(stranger, asset="pay"), world.at)
    nowhere = prove(world.state, replace(stranger, asset="pix"), world.at)
    assert here.encode().replace(b"`pay`", b"`pix`").replace(b'"pay","columns"', b'"pix","columns"') == nowhere.encode()


@given(worlds(), REQUESTS)
def test_a_proof_is_kept_and_read_again(world: World, request: Request) -> None:
    proof = prove(world.state, request, world.at)
    value = canonical.decode(proof.encode())
    assert isinstance(value, dict)
    assert rebuild(Request, value["request"]) == request
    seen = redacted(value)
    assert isinstance(seen, dict) and "whyNot" not in seen and "'kind': 'pay'" not in str(seen["obligations"])


@given(worlds(), REQUESTS, st.sampled_from(("Marketing", "AcademicResearch")))
def test_an_asset_that_came_down_with_fewer_purposes_permits_no_more(
    world: World, request: Request, purpose: str
) -> None:
    before = prove(world.state, request, world.at)
    asset = world.state.get(Asset, "pay")
    assert asset is not None
    narrower = Change("", row=replace(asset, purposes=(purpose,))).apply(world.state, request)[0]
    after: Proof = prove(narrower, request, world.at)
    assert before.permits or not after.permits


def test_a_new_table_of_grades_counts_from_its_day_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for what was asked before and is remembered."""
    world = pay(World())
    world.add(agreement("agreed"))
    asked = Request("institute", "pay", "AcademicResearch", "aggregates", ("pay",))
    (table,) = grades.TABLES
    closed = tuple(replace(grade, forms=()) if grade.number == 3 else grade for grade in table.grades)
    day = instants.parse("2026-04-15")
    monkeypatch.setattr(grades, "TABLES", (table, replace(table, effective=day, known=day, grades=closed)))
    assert isinstance(decide(world.state, asked, world.go("2026-04-14")), Permit)
    refused = decide(world.state, asked, world.go("2026-04-15"))
    assert isinstance(refused, Refusal) and refused.code == "access.grade"
