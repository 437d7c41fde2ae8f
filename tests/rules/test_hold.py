"""Lawful silence: who may withhold what from whom, on which ground, for how long, and that it ends by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases, rows
from worlds import World, pay

from usufruct.core.access import hold
from usufruct.core.access.facts import HoldAllowed, UseHeld
from usufruct.core.access.hold import HeldCount, Hold, HoldRight
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later, parse
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.rulebook.grounds import GROUNDS

LONGEST = """
ground                 | days
-----------------------+-----
criminal-investigation | 365
public-security        | 180
national-security      | 730
tax                    | 180
judicial-proceedings   | 365
rights-of-others       | 180
"""


def test_the_grounds_are_those_of_the_law_and_no_other() -> None:
    assert {row["ground"]: int(row["days"]) for row in rows(LONGEST)} == {g.name: g.longest for g in GROUNDS.values()}
    for ground in GROUNDS.values():
        assert ground.means and "article" in ground.source


ALLOWED = """
who       | ground             | days | basis          | answer
----------+--------------------+------+----------------+----------------------------------
clinic    | tax                | 180  | Tax Act, s. 5  | allowed
clinic    | tax                | 1    | Tax Act, s. 5  | allowed
clinic    | tax                | 0    | Tax Act, s. 5  | allowed
clinic    | national-security  | 730  | an act         | allowed
known     | tax                | 10   | an act         | allowed p-7
clinic    | tax                | 181  | Tax Act, s. 5  | for 181 days
clinic    | tax                | -1   | Tax Act, s. 5  | for -1 days
clinic    | national-security  | 731  | an act         | for 731 days
clinic    | tax                | 10   |                | needs a legal basis
clinic    | curiosity          | 10   | an act         | is not a ground
clinic    | Tax                | 10   | an act         | is not a ground
clinic    |                    | 10   | an act         | is not a ground
nobody    | tax                | 10   | an act         | registry.unknown
"""


@cases(ALLOWED)
def test_whom_a_steward_may_allow_what(row: dict[str, str]) -> None:
    world = pay(World())
    world.add(PartyRegistered("p-7", "person", "Known", known_as="known", key=0))

    def asked() -> HoldAllowed | Refusal:
        return hold.allow(world.state, row["who"], row["ground"], int(row["days"]), row["basis"])

    if row["answer"].startswith("allowed"):
        party = row["answer"].removeprefix("allowed").strip() or row["who"]
        assert asked() == HoldAllowed(party, row["ground"], int(row["days"]), row["basis"])
    elif row["answer"] == "registry.unknown":
        refused = asked()
        assert isinstance(refused, Refusal) and refused.code == row["answer"]
    else:
        with pytest.raises(BadInput, match=row["answer"]):
            asked()


def allowed(days: int = 90, ground: str = "tax") -> World:
    """A world in which the clinic may have its uses withheld."""
    world = pay(World())
    world.add(HoldAllowed("clinic", ground, days, "an act"))
    return world


PLACED = """
# the clinic may withhold on `tax` for 90 days; it is 1 March 2026
who       | ground          | days | answer
----------+-----------------+------+---------------------------
clinic    | tax             |      | 2026-05-30
clinic    | tax             | 90   | 2026-05-30
clinic    | tax             | 1    | 2026-03-02
clinic    | tax             | 91   | access.hold
clinic    | tax             | 180  | access.hold
clinic    | tax             | 0    | for 0 days
clinic    | tax             | -5   | for -5 days
clinic    | public-security | 1    | access.hold
clinic    | public-security |      | access.hold
insurer   | tax             | 1    | access.hold
coop      | tax             | 1    | access.hold
nobody    | tax             | 1    | access.hold
clinic    | curiosity       | 1    | is not a ground
insurer   | curiosity       | 1    | is not a ground
"""


@cases(PLACED)
def test_who_may_withhold_what_for_how_long(row: dict[str, str]) -> None:
    world = allowed()

    def asked() -> UseHeld | Refusal:
        days = int(row["days"]) if row["days"] else None
        return hold.place(world.state, "use-1", row["who"], row["ground"], days, world.at)

    if row["answer"].startswith("2026"):
        assert asked() == UseHeld("use-1", "clinic", "tax", parse(row["answer"]))
    elif row["answer"] == "access.hold":
        refused = asked()
        assert isinstance(refused, Refusal) and refused.code == row["answer"] and refused.remedy
    else:
        with pytest.raises(BadInput, match=row["answer"]):
            asked()


def test_strangers_and_the_unknown_are_told_the_same() -> None:
    told = [hold.place(allowed().state, "use-1", who, "tax", 1, World().at) for who in ("insurer", "nobody")]
    first, second = (refused.reasons[0] for refused in told if isinstance(refused, Refusal))
    assert first.replace("insurer", "…") == second.replace("nobody", "…")


def test_a_right_is_taken_back_with_no_days_and_what_was_held_stays_held() -> None:
    world = allowed()
    held = hold.place(world.state, "use-1", "clinic", "tax", 30, world.at)
    assert isinstance(held, UseHeld)
    world.add(held)
    world.add(HoldAllowed("clinic", "tax", 0, "repealed"))
    refused = hold.place(world.state, "use-2", "clinic", "tax", None, world.at)
    assert isinstance(refused, Refusal) and refused.code == "access.hold"
    assert hold.active(world.state, "use-1", world.at) is not None


def test_a_right_on_one_ground_is_none_on_another() -> None:
    world = allowed()
    world.add(HoldAllowed("clinic", "public-security", 5, "an act"))
    world.add(HoldAllowed("insurer", "tax", 7, "an act"))
    found = {(right.party, right.ground): right.days for right in world.state.list(HoldRight)}
    assert found == {("clinic", "tax"): 90, ("clinic", "public-security"): 5, ("insurer", "tax"): 7}
    placed = hold.place(world.state, "use-1", "clinic", "public-security", None, world.at)
    assert isinstance(placed, UseHeld) and placed.until == later(world.at, days=5)


OPENS = """
at                       | withheld
-------------------------+---------
2026-03-01T00:00:00.000Z | yes
2026-03-30T23:59:59.999Z | yes
# it opens at the very instant, by itself
2026-03-31T00:00:00.000Z | no
2026-03-31T00:00:00.001Z | no
2999-01-01T00:00:00.000Z | no
"""


@cases(OPENS)
def test_it_opens_by_itself_at_its_instant(row: dict[str, str]) -> None:
    world = allowed()
    held = hold.place(world.state, "use-1", "clinic", "tax", 30, world.at)
    assert isinstance(held, UseHeld)
    world.add(held)
    at = Instant(row["at"])
    withheld = row["withheld"] == "yes"
    assert (hold.active(world.state, "use-1", at) is not None) == withheld
    assert hold.active(world.state, "use-2", at) is None
    (count,) = hold.counts(world.state, at)
    assert count == HeldCount("tax", held=int(withheld), open=int(not withheld))


def test_nobody_is_told_of_a_ground_that_was_never_used() -> None:
    assert hold.counts(allowed().state, World().at) == ()


@given(
    st.lists(st.tuples(st.sampled_from(sorted(GROUNDS)), st.integers(1, 180)), max_size=12),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_every_held_use_is_counted_once_and_opens_once(holds: list[tuple[str, int]], looks: list[int]) -> None:
    """Whatever is held, at any time: the counts are those of the holds, and nothing that is open closes again."""
    world = pay(World())
    for ground in GROUNDS:
        world.add(HoldAllowed("clinic", ground, 180, "an act"))
    for number, (ground, days) in enumerate(holds):
        placed = hold.place(world.state, f"use-{number}", "clinic", ground, days, world.at)
        assert isinstance(placed, UseHeld)
        world.add(placed)
    was_open = 0
    for days in sorted(looks):
        at = later(world.at, days=days)
        counts = hold.counts(world.state, at)
        assert [count.ground for count in counts] == sorted({ground for ground, _ in holds})
        for count in counts:
            mine = [days for ground, days in holds if ground == count.ground]
            assert count.open == sum(1 for end in mine if end <= days)
            assert count.held + count.open == len(mine)
        now_open = sum(count.open for count in counts)
        assert now_open >= was_open
        was_open = now_open


def test_a_hold_is_never_prolonged() -> None:
    """Facts are never changed, and a second one about the same use cannot happen."""
    world = allowed()
    first, again = (hold.place(world.state, "use-1", "clinic", "tax", days, world.at) for days in (10, 90))
    assert isinstance(first, UseHeld) and isinstance(again, UseHeld)
    world.add(first)
    with pytest.raises(AssertionError, match="held once"):
        world.add(again)
    held = world.state.get(Hold, "use-1")
    assert held is not None and held.until == first.until == parse("2026-03-11")
