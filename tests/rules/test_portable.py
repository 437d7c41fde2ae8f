"""What a worker takes with her: the figures of D.7342-6, and what another node adds up from proven facts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from worlds import World

from delivering import MONDAY, OPERATOR, agreed, done, job, parties, week_of
from usufruct.core.base.instants import later
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.own.history import History
from usufruct.core.work.own.portable import Counted, claim, figures, services, slot


def world() -> World:
    made = World(MONDAY)
    made.add(*parties(["anna", "ben"]), *job(), *agreed("anna"), *agreed("ben"))
    return made


def test_the_list_of_the_article_on_paper() -> None:
    made = world()
    made.add(*week_of("anna", MONDAY))
    (one,) = services(made.state, "anna")
    assert (one.operator, one.agreed, one.since, one.until) == (
        OPERATOR, MONDAY, later(MONDAY, hours=10), later(MONDAY, days=4, hours=13.75),
    )  # fmt: skip
    assert (one.services, one.engaged_ms // 3_600_000, one.metres, one.average_metres) == (40, 10, 40_000, 1000)
    assert (one.natures, one.areas) == ((Counted("delivery", 40),), (Counted("tartu-centre", 40),))
    assert one.slots[:2] == (Counted("Friday 09-12", 4), Counted("Friday 12-15", 4))
    assert one.income == 40_000 - 10_000 + 2_000


def test_time_slots_are_those_on_the_wall_where_she_works() -> None:
    made = world()
    made.add(done("1", "anna", later(MONDAY, hours=22.5), 15, 500, 0))
    (one,) = services(made.state, "anna", lambda at: (2, 0))
    assert one.slots == (Counted("Tuesday 00-03", 1),)
    assert [slot(7, hour) for hour in (0, 2, 3, 23)] == ["Sunday 00-03", "Sunday 00-03", "Sunday 03-06", "Sunday 21-24"]


amounts = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 5000), st.integers(0, 500)), min_size=1, max_size=12)


@given(amounts)
def test_another_node_adds_up_the_same_from_the_facts(found: list[tuple[int, int, int]]) -> None:
    made = world()
    for number, (minutes, gross, tips) in enumerate(found):
        made.add(done(str(number), "anna", later(MONDAY, hours=number), minutes, gross, gross // 4, tips))
        made.add(done(f"other-{number}", "ben", later(MONDAY, hours=number), minutes, gross, gross // 4, tips))
    (here,) = services(made.state, "anna")
    (there,) = figures(made.entries, "anna")
    same = ("operator", "currency", "since", "until", "services", "engaged_ms", "metres", "gross", "fee", "tips")
    assert [getattr(here, name) for name in same] == [getattr(there, name) for name in same]


def test_a_claim_says_where_it_comes_from_and_is_sealed_for_a_person() -> None:
    made = world()
    made.add(*week_of("anna", MONDAY))
    elsewhere = World(MONDAY)
    elsewhere.add(*parties(["carla"]))
    found = claim(
        elsewhere.state, "history-1", "carla", "riders.example", "key", "anna", MONDAY, made.entries, "5f" * 32
    )
    assert not isinstance(found, Refusal)
    assert found.owner() == "carla" and replace(found, person=False).owner() is None
    elsewhere.add(found)
    row = elsewhere.state.get(History, "history-1")
    assert row is not None and row.figures[0].services == 40
    assert row.provenance == "read here from the export of riders.example, signed by the journal of riders.example"
    for party, there, code in (("dora", "anna", "registry.unknown"), ("carla", "nobody", "pay.history")):
        wrong = claim(elsewhere.state, "h", party, "o", "k", there, MONDAY, made.entries, "5f" * 32)
        assert isinstance(wrong, Refusal) and wrong.code == code
