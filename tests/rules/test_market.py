"""Needs, their ranking, and previews: what a score is made of, what stands in the way, and what nobody may learn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import World, pay

from usufruct.core.access import pricing
from usufruct.core.access.clauses import NO_CLAUSES, Fee, Price, Schedule
from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import CODES, Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Offer
from usufruct.core.market import needs, ranking
from usufruct.core.market.needs import Need, NeedStated, StatedNeed, Wanted
from usufruct.core.market.ranking import Supply
from usufruct.core.registry.facts import Column, Quality
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import grades

AT = instants.parse("2026-11-22")
TABLE = grades.in_force(AT)
COLUMNS = (
    Column("nr", "integer", "personal", 2),
    Column("year", "integer", "personal", 2, values=(2021, 2022)),
    Column("hourly_pay", "decimal", "personal", 3, "what is earned an hour", "EUR", low=0, high=40),
    Column("secret", "text", "personal", 5),
)


def asset(name: str = "pay", persons: int = 100, period: str = "2021 to 2023", **other: object) -> Asset:
    made = Asset(
        name, "coop", "source", "Pay", "", "", (), "v1", "nr", COLUMNS, 3, ("year",), Quality(300, persons, (0,) * 4, period),
        AT,
    )  # fmt: skip
    return replace(made, **other)  # type: ignore[arg-type]


def supply(
    name: str = "offer", price: int = 500, purposes: tuple[str, ...] = ("ResearchAndDevelopment",), form: str = "aggregates",
    of: Asset | None = None, schedule: Schedule = NO_CLAUSES, free: bool = False,
) -> Supply:  # fmt: skip
    held = of or asset()
    terms = Terms(form, purposes, price, "EUR", 1)
    return Supply(held, Offer(name, held.id, "coop", terms, instants.END_OF_TIME, False, True, AT), schedule, free)


NEED = Need(("hourly pay", "year"), "AcademicResearch", "aggregates", "EUR", 2_000, 2021, 2022, 50, 2)

STANDS = """
change to the need       | change to the offer | code           | remedy
-------------------------+---------------------+----------------+------------------
                         |                     |                |
purpose Marketing        |                     | access.purpose | ask for Research
                         | form cubes          | access.form    | ask for cubes
columns nothing          |                     | privacy.column | do without nothing
columns secret           |                     | access.grade   | do without secret
first 2019               |                     | market.period  | ask for the years
                         | period              | market.period  | ask the provider
persons 101              |                     | market.persons | do with 100
budget 999               |                     | market.budget  | have 10.00 EUR
# the first rule that fails is said, and nothing of the others
purpose Marketing        | form cubes          | access.purpose | ask for Research
persons 101; budget 999  |                     | market.persons | do with 100
"""


@cases(STANDS)
def test_what_stands_in_the_way(row: dict[str, str]) -> None:
    need, offered = NEED, supply()
    for change in filter(None, row["change to the need"].split("; ")):
        name, _, value = change.partition(" ")
        told: object = (value,) if name == "columns" else int(value) if value.isdigit() else value
        need = replace(need, **{name: told})  # type: ignore[arg-type]
    match row["change to the offer"].split():
        case ["form", form]:
            offered = supply(form=form)
        case ["period"]:
            offered = supply(of=asset(period=""))
    (found,) = ranking.rank(need, [offered], TABLE)
    if not row["code"]:
        assert found.obstacle is None
        return
    assert found.obstacle is not None and found.obstacle.code == row["code"] and found.obstacle.code in CODES
    assert row["remedy"] in found.obstacle.remedy


def test_the_score_is_the_sum_of_its_parts() -> None:
    (found,) = ranking.rank(NEED, [supply()], TABLE)
    assert [(part.name, part.points, part.most) for part in found.parts] == [
        ("columns", 50, 50), ("period", 20, 20), ("persons", 15, 15), ("price", 7, 15),
    ]  # fmt: skip
    assert found.score == 92 and dict(found.found) == {"hourly pay": "hourly_pay", "year": "year"}
    assert sum(ranking.WEIGHTS.values()) == 100
    (half,) = ranking.rank(replace(NEED, columns=("year", "moon"), first=2020, persons=200), [supply()], TABLE)
    assert [part.points for part in half.parts] == [25, 13, 7, 7]
    (free,) = ranking.rank(NEED, [supply(free=True)], TABLE)
    assert free.score == 100


words = st.lists(st.sampled_from(["year", "hourly pay", "moon", "secret"]), min_size=1, max_size=3, unique=True)
wanted = st.builds(
    Need, words.map(tuple), st.sampled_from(["AcademicResearch", "Marketing"]), st.sampled_from(["aggregates", "rows"]),
    st.just("EUR"), st.integers(0, 3_000), st.just(2021), st.integers(2021, 2025), st.integers(0, 200), st.integers(1, 5),
)  # fmt: skip
offers = st.lists(
    st.builds(
        supply, st.sampled_from(["a", "b", "c", "d", "e"]), st.integers(0, 2_000),
        st.sampled_from([("ResearchAndDevelopment",), ("Marketing",)]), st.sampled_from(["aggregates", "cubes"]),
        st.builds(asset, st.sampled_from(["x", "y"]), st.integers(0, 200)),
    ), max_size=5, unique_by=lambda one: one.offer.id,
)  # fmt: skip


@given(wanted, offers, st.randoms())
def test_the_order_in_which_offers_come_is_of_no_matter(need: Need, found: list[Supply], random: object) -> None:
    ranked = ranking.rank(need, found, TABLE)
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ranking.rank(need, shuffled, TABLE) == ranked
    met = [one.obstacle is None for one in ranked]
    assert met == sorted(met, reverse=True), "what meets the need comes first"
    for one in ranked:
        assert 0 <= one.score <= 100 and all(0 <= part.points <= part.most for part in one.parts)


def test_how_many_are_in_a_pool_is_learnt_by_no_need() -> None:
    """Whatever number is asked for, the ranking of a pool is the same, however many are in it."""
    seen = set()
    for persons in (3, 500):
        for least in (1, 4, 499, 501):
            (found,) = ranking.rank(
                replace(NEED, persons=least), [supply(of=asset(persons=persons, charter="c"))], TABLE
            )
            seen.add((found.score, found.parts, found.obstacle))
    assert len(seen) == 1


@given(st.sampled_from(["tax", "pay", "nothing", "xyz"]))
def test_unknown_and_not_on_offer_are_told_alike(name: str) -> None:
    said = str(ranking.unknown(name)).replace(f"`{name}`", "X")
    assert said == str(ranking.unknown("other")).replace("`other`", "X")


# ---- needs


def state(world: World, need: Need, by: str = "institute", name: str = "need-1") -> NeedStated | Refusal:
    found = needs.state(world.state, name, by, need, None, world.at, "EUR")
    if isinstance(found, NeedStated):
        world.add(found)
    return found


def test_a_need_is_stated_once_and_withdrawn_by_its_author() -> None:
    world = pay(World())
    assert isinstance(state(world, NEED), NeedStated)
    again = state(world, replace(NEED, columns=("Hourly  PAY", "year")), name="need-2")
    assert isinstance(again, Refusal) and again.code == "market.need", "the same in other letters"
    for need, by in (("need-1", "insurer"), ("need-9", "insurer")):
        refused = needs.withdraw(world.state, need, by)
        assert isinstance(refused, Refusal) and refused.reasons[0].replace(need, "X").endswith("of yours that stands")
    done = needs.withdraw(world.state, "need-1", "institute")
    assert not isinstance(done, Refusal)
    world.add(done)
    assert isinstance(needs.withdraw(world.state, "need-1", "institute"), Refusal)


@pytest.mark.parametrize(
    "change",
    [
        {"columns": ()}, {"columns": ("",)}, {"columns": ("x" * 64,)}, {"columns": ("a",) * 51}, {"form": "gold"},
        {"currency": "USD"}, {"budget": -1}, {"persons": -1}, {"uses": 0}, {"uses": 10_001}, {"purpose": "Nonsense"},
    ],
)  # fmt: skip
def test_a_need_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    if change == {"columns": ("a",) * 51}:
        change = {"columns": tuple(f"c{n}" for n in range(51))}
    with pytest.raises(BadInput):
        needs.checked(replace(NEED, **change), "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "found"), [("", (0, 0)), ("2022", (2022, 2022)), ("2021-2023", (2021, 2023))])
def test_years(text: str, found: tuple[int, int]) -> None:
    assert needs.years(text) == found


@pytest.mark.parametrize("text", ["22", "2023-2021", "2021-", "0000", "2021-2022-2023", "soon"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadInput):
        needs.years(text)


def stated(by: str, *columns: str, purpose: str = "AcademicResearch") -> StatedNeed:
    need = Need(columns, purpose, "aggregates", "EUR", 100)
    return StatedNeed(f"need-{by}-{columns}", by, need, AT, instants.END_OF_TIME, 1)


def test_demand_counts_parties_and_shows_nothing_that_one_alone_looks_for() -> None:
    rows = [
        stated("a", "pay", "hours"),
        stated("a", "pay", "age"),
        stated("b", "pay"),
        stated("c", "age", purpose="Marketing"),
    ]
    found = needs.demand(rows, Instant(AT), frozenset({"pay"}), frozenset({"ResearchAndDevelopment"}), 2)
    assert found == (
        Wanted("column", "age", 2, False), Wanted("column", "pay", 2, True), Wanted("purpose", "AcademicResearch", 2, True)
    )  # fmt: skip
    gone = [replace(row, state=needs.WITHDRAWN) for row in rows]
    assert needs.demand(gone, Instant(AT), frozenset(), frozenset(), 1) == ()


# ---- prices

PRICES = """
text                              | use  | fee        | tiers  | share | in words
----------------------------------+------+------------+--------+-------+------------------------------------------------
5.00 EUR                          | 500  |            |        | 0     | 5.00 EUR a question
0.00 EUR                          | 0    |            |        | 0     | 0.00 EUR a question
5.00 EUR; 100=4.00 EUR            | 500  |            | 100:400| 0     | 5.00 EUR a question; 4.00 EUR a question after 100 of them
fixed 500.00 EUR                  | 0    | 50000 24   |        | 0     | 500.00 EUR once, with the agreement
monthly 20.00 EUR                 | 0    | 2000 1     |        | 0     | 20.00 EUR a month
yearly 20.00 EUR; 1.00 EUR        | 100  | 2000 12    |        | 0     | 1.00 EUR a question; 20.00 EUR a year
0.00 EUR; 3 % of earnings         | 0    |            |        | 300   | 3.00 % of what is earned with it
1.00 EUR; 2.5 % of earnings       | 100  |            |        | 250   | 1.00 EUR a question; 2.50 % of what is earned with it
"""


@cases(PRICES)
def test_models_of_price(row: dict[str, str]) -> None:
    found = pricing.read(row["text"], 2)
    assert found.use.minor == int(row["use"]) and found.schedule.share == int(row["share"])
    amount, _, months = row["fee"].partition(" ")
    assert found.schedule.fee == (Fee(int(amount), int(months)) if amount else None)
    above, _, price = row["tiers"].partition(":")
    assert found.schedule.prices == ((Price(int(price), int(above)),) if above else ())
    terms = Terms("aggregates", ("Purpose",), found.use.minor, "EUR", 2)
    assert pricing.in_words(terms, found.schedule) == row["in words"]


@pytest.mark.parametrize(
    "text",
    [
        "", "free", "5.00", "5.00 EUR; 4.00 EUR", "fixed 1.00 EUR; monthly 1.00 EUR", "5.00 EUR; 3.00 USD", "-5.00 EUR",
        "101 % of earnings; 1.00 EUR", "3 % of earnings; 2 % of earnings; 1.00 EUR", "monthly 0.00 EUR", "3 % of earnings",
        "daily 1.00 EUR", "x=1.00 EUR",
    ],
)  # fmt: skip
def test_what_is_no_price(text: str) -> None:
    with pytest.raises(BadInput):
        pricing.read(text, 1)


@given(st.integers(0, 10**12), st.integers(0, 10_000))
def test_a_share_is_brought_to_whole_units(earned: int, points: int) -> None:
    found = pricing.share_of(earned, points)
    assert abs(found * 10_000 - earned * points) <= 5_000 and found <= earned


def test_yearly_compares_models() -> None:
    terms = Terms("aggregates", ("Purpose",), 500, "EUR", 1)
    tiers = Schedule((Price(300, 2),), Fee(100, 1))
    assert [pricing.yearly(terms, NO_CLAUSES, uses) for uses in (1, 3)] == [500, 1_500]
    assert pricing.yearly(terms, tiers, 3) == 500 + 500 + 300 + 1_200
