"""What records prove of fair work, and six-monthly figures: positive evidence only, and nothing about few persons in public."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import World

from delivering import MONDAY, OPERATOR, agreed, done, job, parties, week_of
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import later
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.facts import JobEnded
from usufruct.core.work.own import figures
from usufruct.core.work.own.fairwork import Beside, Yardstick, report
from usufruct.core.work.own.figures import Figure, public, take_rate
from usufruct.core.work.pay.rules import pay, plan

SINCE, UNTIL = later(MONDAY, days=-1), later(MONDAY, days=60)
STICK = Yardstick("EUR", 1200, 1400, 0, 0, "law of 2026, article 1")  # a week of work here brings 15.00 an hour online


def world(riders: int = 1, paid: bool = True, safe: tuple[str, ...] = ("helmet",)) -> World:
    names = [f"rider-{number}" for number in range(riders)]
    made = World(later(MONDAY, hours=-1))
    made.add(*parties(names), *job(at=made.at), *(fact for name in names for fact in agreed(name, at=made.at)))
    for name in names:
        made.add(*(replace(fact, safe=safe) if hasattr(fact, "safe") else fact for fact in week_of(name, MONDAY)))
    made.at = later(MONDAY, days=8)
    if paid:
        planned = plan(made.state, "pay-1", OPERATOR, "EUR", MONDAY, later(MONDAY, days=7), OPERATOR, made.at)
        assert not isinstance(planned, Refusal)
        made.add(planned)
        facts = pay(made.state, "pay-1", OPERATOR, OPERATOR)
        assert not isinstance(facts, Refusal)
        made.add(*facts)
    return made


def proved(made: World, beside: Beside) -> set[str]:
    return {point.number for point in report(made.state, OPERATOR, SINCE, UNTIL, beside).points if point.proved}


FULL = Beside(STICK, ("accident",), (2, 2), (3, 3), ("collective agreement 3",))


def test_without_evidence_there_is_no_point_and_it_says_what_is_missing() -> None:
    empty = report(World().state, OPERATOR, SINCE, UNTIL)
    assert empty.proved == 0 and len(empty.points) == 10
    assert all("no work is recorded in this time" in point.missing for point in empty.points)
    bare = report(world().state, OPERATOR, SINCE, UNTIL)
    assert {point.number for point in bare.points if point.proved} == {"2.1", "3.1"}
    assert all(point.missing for point in bare.points if not point.proved)


def test_with_all_evidence_there_is_what_a_journal_can_prove_and_no_more() -> None:
    made = world()
    assert proved(made, FULL) == {"1.1", "1.2", "2.1", "2.2", "3.1", "5.1"}
    made.add(JobEnded("agreement-city-riders-rider-0", "rider-0", OPERATOR, OPERATOR, "the route was closed"))
    assert "4.1" in proved(made, FULL)


@cases("""
minimum | living | an hour | a km | proved
--------+--------+---------+------+---------
1500    | 1500   | 0       | 0    | 1.1; 1.2
1500    | 1501   | 0       | 0    | 1.1
1501    | 1501   | 0       | 0    |
1400    | 1400   | 100     | 0    | 1.1; 1.2
1400    | 1401   | 100     | 0    | 1.1
1400    | 1400   | 0       | 50   | 1.1; 1.2
1400    | 1401   | 0       | 50   | 1.1
1600    | 1000   | 0       | 0    |
""")
def test_wages_are_after_costs_and_the_living_wage_counts_only_where_the_minimum_holds(row: dict[str, str]) -> None:
    """40 km in 20 hours online: 0.50 a km is 1.00 an hour."""
    stick = Yardstick("EUR", *(int(row[name]) for name in ("minimum", "living", "an hour", "a km")), "law")
    expected = {part.strip() for part in row["proved"].split(";") if part.strip()}
    assert {one for one in proved(world(), replace(FULL, yardstick=stick)) if one[0] == "1"} == expected


def test_one_missing_piece_of_evidence_takes_the_point() -> None:
    assert "1.1" not in proved(world(paid=False), FULL)
    assert "2.1" not in proved(world(safe=()), FULL)
    assert "2.2" not in proved(world(), replace(FULL, safety_net=()))
    assert "2.2" not in proved(world(safe=()), FULL), "the advanced point needs the basic one"
    made = world()
    made.add(done("x", "rider-0", later(MONDAY, days=5), 15, 1000, 100, agreement="none"))
    assert "3.1" not in proved(made, FULL)


# ---- figures


def by_name(found: figures.Figures) -> dict[str, Figure]:
    return {one.name: one for one in found.figures}


def test_figures_of_a_half_year_on_paper() -> None:
    made = world(riders=12)
    found = by_name(figures.report(made.state, OPERATOR, "2026-2", "EUR", 2))
    assert [found[name].value for name in ("persons", "regular", "occasional", "kind-person", "agreements")] == [
        12, 0, 12, 12, 12,
    ]  # fmt: skip
    assert [found[name].value for name in ("services", "gross", "fee", "pay", "tips")] == [
        480, 480_000, 120_000, 360_000, 24_000,
    ]  # fmt: skip
    assert found["online"].value == 12 * 20 * 3_600_000 and found["regular-pay"].value is None
    weekly = by_name(figures.report(made.state, OPERATOR, "2026-2", "EUR", 1))
    assert (weekly["regular-week"].value, weekly["regular-days"].value) == (20 * 3_600_000, 5)
    assert by_name(figures.report(made.state, OPERATOR, "2026-1", "EUR", 1))["persons"].value == 0
    assert take_rate(public(figures.report(made.state, OPERATOR, "2026-2", "EUR", 1), 10)) == 2500


@pytest.mark.parametrize("half", ["2026", "2026-3", "26-1", "2026-1-1", "abcd-1", "9999-2", "２０２６-1"])
def test_what_is_no_half_year(half: str) -> None:
    with pytest.raises(BadInput):
        figures.bounds(half)


@given(st.integers(0, 25), st.integers(0, 25), st.integers(2, 15))
def test_nothing_that_rests_on_few_persons_is_public_and_no_difference_tells_it(
    regular: int, others: int, least: int
) -> None:
    def figure(name: str, persons: int) -> Figure:
        return Figure(name, name, persons, "persons", persons)

    count = regular + others
    whole = figures.Figures("x", "2026-2", SINCE, UNTIL, "EUR", (
        figure("persons", count), figure("regular", regular), figure("occasional", others), figure("kind-person", count),
        figure("regular-pay", regular), figure("agreements-ended", 0), figure("agreements-ended-by-operator", 0),
    ))  # fmt: skip
    shown = by_name(public(whole, least))
    told = {name for name, one in shown.items() if one.value is not None}
    for one in whole.figures:
        assert one.name not in told or one.persons == 0 or one.persons >= least
    hidden = {"regular", "occasional"} - told
    assert hidden in (set(), {"regular", "occasional"})
    assert "regular-pay" not in told or "regular" in told
