"""Records and cubes, tried from outside: what leaves in them, what two of them say together, and whose rows are in them.

Whoever asks chooses columns and conditions in view of somebody, asks again when people have come or gone, and puts answers
side by side. What she gets is held against a plain reference, made here from the rows alone.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import story
from interval import bounds
from support import JOURNAL, SetClock, check_ends, rebuilt_rows, state_rows
from usufruct.core.access.consent_conditions import Conditions
from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.income.measure import contributions
from usufruct.core.privacy.facts import QueryAdmitted
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.privacy.suppression import TOTAL, Place
from usufruct.core.registry.state import Party, Person
from usufruct.main import open_node
from usufruct.node import consent, cubes, erase, query, register, rows, trade, views
from usufruct.node.node import Node
from usufruct.node.query import Answered, Refused
from usufruct.node.use import Wanted
from usufruct.wire import card, sql

USER, OTHER, OPERATOR, PURPOSE = story.USER, story.STRANGER, story.OPERATOR, story.PURPOSE
ALIKE = 5  # records.alike-min, and the least group of grade 2
GRADE = {"nr": 2, "year": 2, "region": 0, "word": 1, "tax": 2, "flag": 1, "free": 2, "pay": 3, "closed": 5}
MASKED = ("nr", "year", "region", "tax", "flag")  # `word` and `free` are on no list
YEARS, REGIONS = (2021, 2022), ("n", "s")

CARD = card.read("""
asset = "pay"
title = "Pay"
description = "what people earned"
licence = "terms of the agreement"
person_column = "nr"
rows_per_person = 2
columns.nr = {type = "text", grade = "personal"}
columns.year = {type = "integer", grade = "personal", values = [2021, 2022]}
columns.region = {type = "text", grade = "open", values = ["n", "s"]}
columns.word = {type = "text", grade = "internal"}
columns.tax = {type = "decimal", decimals = 2, grade = "personal", low = 0, high = 100}
columns.flag = {type = "boolean", grade = "internal"}
columns.free = {type = "text", grade = "personal"}
columns.pay = {type = "decimal", decimals = 2, grade = "sensitive", low = 0, high = 100}
columns.closed = {type = "integer", grade = "important", low = 0, high = 9}
""")
NAMES = tuple(column.name for column in CARD.columns)
Row = dict[str, Any]


def people(count: int, of: Callable[[int], Row]) -> list[Row]:
    """Two rows for each of so many persons, from what is said of each."""
    made = []
    for number in range(count):
        for year in YEARS:
            usual = {"nr": f"p{number}", "year": year, "region": "n", "word": f"w{number}", "tax": "10.00", "flag": "true",
                     "free": f"f{number}", "pay": "20.00", "closed": 1}  # fmt: skip
            made.append({**usual, **of(number)})
    return made


def ordinary(number: int) -> Row:
    """Three groups of some size, and one that is too small."""
    return {"region": REGIONS[number % 2], "tax": "95.00" if number < 3 else f"{10 + 20 * (number % 3)}.{number:02d}"}


class Workshop:
    """Makes nodes over tables of one's own, in which everybody has consented unless it is said who has."""

    def __init__(self, founded: Path, folder: Path) -> None:
        self.founded, self.folder, self.made = founded, folder, 0

    @contextmanager
    def node(self, table: list[Row], form: str = "rows", consenting: list[str] | None = None) -> Iterator[Node]:
        self.made += 1
        directory = self.folder / str(self.made)
        shutil.copytree(self.founded, directory)
        path = self.folder / "table.csv"
        lines = [",".join("" if row[name] is None else str(row[name]) for name in NAMES) for row in table]
        path.write_text("\n".join([",".join(NAMES), *lines]) + "\n", encoding="utf-8")
        with open_node(directory, SetClock(tick=0)) as node:
            story.register_parties(node)
            story.done(register.add_asset(node, CARD, path, OPERATOR))
            story.done(register.record_consents(node, "pay", PURPOSE, consenting, "forms"))
            agree(node, form, USER)
            yield node


def agree(node: Node, form: str, consumer: str, **more: Any) -> str:
    """An agreement for a form of answer; its id."""
    offer = f"{form}-{consumer}-{len(more)}"
    terms = Terms(form, (PURPOSE,), 500, "EUR", 1, **more)
    story.done(trade.publish_offer(node, offer, "pay", OPERATOR, terms, standing=True))
    moved = story.done(trade.request_offer(node, offer, consumer))
    found = story.done(trade.move(node, moved.negotiation, "verify", consumer)).agreement
    assert found is not None
    return found.id


@pytest.fixture(scope="module")
def workshop(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(founded, tmp_path_factory.mktemp("forms"))


@pytest.fixture(scope="module")
def sixty(workshop: Workshop) -> Iterator[Node]:
    """Sixty people, and an agreement for records. Nobody's word changes here."""
    with workshop.node(people(60, ordinary)) as node:
        agree(node, "rows", OTHER)
        yield node


@pytest.fixture(scope="module")
def untouched(workshop: Workshop) -> Iterator[Node]:
    """A node of which nobody asked anything."""
    with workshop.node(people(1, ordinary)) as node:
        yield node


def ask(node: Node, text: str, who: str = USER, purpose: str = PURPOSE) -> Answered | Refused:
    return rows.ask(node, query.Asked(who, text, sql.parse(text), purpose, anew=True))


def answered(node: Node, text: str, who: str = USER) -> Answered:
    found = ask(node, text, who)
    assert isinstance(found, Answered), found.refusal
    return found


# ---- the reference: the masked table, made from the rows one by one


def band(value: str) -> str:
    low = min(int(float(value)) // 10 * 10, 90)
    return f"{low}.00 to {'100.00' if low == 90 else f'{low + 9}.99'}"


def masked(table: list[Row], linked: bool = True) -> list[tuple[Any, ...]]:
    """The masked rows, each with whose it is in front."""
    coarse = [(r["nr"], r["year"], r["region"], band(r["tax"]), r["flag"] == "true") for r in table]
    if not linked:
        alike = defaultdict(set)
        for who, *row in coarse:
            alike[tuple(row)].add(who)
        return [row for row in coarse if len(alike[row[1:]]) >= ALIKE]
    profiles: dict[str, list[Any]] = defaultdict(list)
    for who, *row in coarse:
        profiles[who].append(tuple(row))
    counts = Counter(tuple(sorted(rows)) for rows in profiles.values())
    return [row for row in coarse if counts[tuple(sorted(profiles[row[0]]))] >= ALIKE]


# ---- rows and masked rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=st.sets(st.sampled_from(NAMES), min_size=1), by=st.sampled_from((*NAMES, "")))
def test_no_column_leaves_in_a_form_that_its_grade_does_not_let_out(sixty: Node, columns: set[str], by: str) -> None:
    """Whether it is shown, or only puts the rows in order: as they are up to grade 1, masked up to grade 2."""
    found = ask(sixty, f"SELECT {', '.join(sorted(columns))} FROM pay" + (f" ORDER BY {by}" if by else ""))
    highest = max(GRADE[name] for name in (*columns, by) if name)
    if highest > 2:
        assert isinstance(found, Refused) and found.refusal.code in ("access.form", "access.grade")
    elif isinstance(found, Answered):
        assert found.form == ("rows" if highest < 2 else "masked") and found.charge == 0
        assert found.form == "rows" or not {"word", "free"} & {*columns, by}
        assert set(found.answer.columns) == columns
    else:
        assert found.refusal.code in ("privacy.mask", "privacy.column")


def test_rows_are_those_of_whoever_allows_it_and_of_nobody_else(workshop: Workshop) -> None:
    table = people(12, ordinary)
    with workshop.node(table, consenting=[f"member-p{n}" for n in range(8)]) as node:
        found = answered(node, "SELECT region, word FROM pay")
        assert Counter(found.answer.rows) == Counter((r["region"], r["word"]) for r in table if int(r["nr"][1:]) < 8)
        consent.record_word(node, "pay", "member-p3", PURPOSE, False)
        assert ("n", "w3") not in answered(node, "SELECT region, word FROM pay").answer.rows
        use = _use(node, found.use)
        with node.store.read() as state:
            assert list(contributions(state.evidence(use.contributions))) == [
                2 if int(_called(state, n)[8:]) < 8 else 0 for n in range(12)
            ]
            check_ends(state)


def _called(state: Any, number: int) -> str:
    person = state.get(Person, "pay", number)
    return str(state.get(Party, person.party).called)


def _use(node: Node, name: str) -> Use:
    with node.store.read() as state:
        found = state.get(Use, name)
    assert found is not None
    return found


QUESTIONS: list[tuple[str, tuple[int, ...], Callable[[tuple[Any, ...]], bool]]] = [
    ("SELECT nr, year, region, tax, flag FROM pay", (0, 1, 2, 3, 4), lambda row: True),
    ("SELECT year FROM pay", (1,), lambda row: True),
    (
        "SELECT tax, year FROM pay WHERE region = 'n' AND tax >= 40",
        (3, 1),
        lambda row: row[2] == "n" and row[3] >= "40",
    ),
    ("SELECT nr FROM pay WHERE tax >= 95 OR year = 2022 AND NOT flag", (0,), lambda row: row[1] == 2022 and not row[4]),
    ("SELECT year, tax FROM pay WHERE tax = 30.05", (1, 3), lambda row: False),
    ("SELECT year, tax FROM pay WHERE tax IN (30, 50)", (1, 3), lambda row: row[3][:2] in ("30", "50")),
    ("SELECT year FROM pay WHERE region IS NULL OR flag IS NULL", (1,), lambda row: False),
]


@pytest.mark.parametrize(("text", "places", "holds"), QUESTIONS, ids=[one[0] for one in QUESTIONS])
def test_a_question_is_put_to_the_masked_table(
    sixty: Node, text: str, places: tuple[int, ...], holds: Callable[[tuple[Any, ...]], bool]
) -> None:
    """Not to the rows: a condition sees a band where they have a value, and whoever is left out for no question is in."""
    expected = [row for row in masked(people(60, ordinary)) if holds(row)]
    found = answered(sixty, text)
    assert found.form == "masked"
    if 0 not in places:
        assert Counter(found.answer.rows) == Counter(tuple(row[p] for p in places) for row in expected)
    else:
        blind = [p for p in range(len(places)) if places[p]]
        assert Counter(tuple(row[p] for p in blind) for row in found.answer.rows) == Counter(
            tuple(row[places[p]] for p in blind) for row in expected
        )
        assert len({row[places.index(0)] for row in found.answer.rows}) == len({row[0] for row in expected})


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(REGIONS), st.sampled_from((5, 15, 95, 100)), st.booleans(), st.booleans()),
                min_size=12, max_size=40))  # fmt: skip
def test_everybody_in_masked_rows_is_like_at_least_k(
    workshop: Workshop, drawn: list[tuple[str, int, bool, bool]]
) -> None:
    """Not in one row alone but in all of them, for pseudonyms put them together."""

    def of(number: int) -> Row:
        region, tax, flag, _ = drawn[number]
        return {"region": region, "tax": f"{tax}.00", "flag": str(flag).lower()}

    table = people(len(drawn), of)
    for number, (*_, once) in enumerate(drawn):
        if once:
            table[2 * number + 1]["region"] = None
    with workshop.node(table, "masked") as node:
        found = answered(node, "SELECT nr, year, region, tax, flag FROM pay").answer.rows
    hers: dict[Any, list[Any]] = defaultdict(list)
    for who, *row in found:
        hers[who].append(tuple(map(str, row)))
    counts = Counter(tuple(sorted(rows)) for rows in hers.values())
    assert all(count >= ALIKE for count in counts.values())
    assert Counter(row[1:] for row in found) == Counter(row[1:] for row in masked(table))


def test_two_agreements_cannot_be_put_side_by_side(sixty: Node) -> None:
    """Their pseudonyms have nothing in common, and rows do not stand in one order, nor in that of the table."""
    text = "SELECT nr, year, tax FROM pay"
    mine, again, others = answered(sixty, text), answered(sixty, f"{text} ORDER BY tax"), answered(sixty, text, OTHER)
    assert {row[0] for row in mine.answer.rows} == {row[0] for row in again.answer.rows}
    assert not {row[0] for row in mine.answer.rows} & {row[0] for row in others.answer.rows}
    assert answered(sixty, text).answer.rows == mine.answer.rows
    orders = [[row[1:] for row in found.answer.rows] for found in (mine, others)]
    assert orders[0] != orders[1] and Counter(orders[0]) == Counter(orders[1])
    assert orders[0] != [row[1:2] + row[3:4] for row in masked(people(60, ordinary))]
    with sixty.store.read() as state:
        known = {text for party in state.list(Party) for text in (party.id, party.called)}
    assert not known & {row[0] for row in mine.answer.rows}
    assert any(mine.use in note and "`institute`" in note for note in mine.answer.notes), "the mark is in the answer"


def test_columns_are_called_as_asked(sixty: Node) -> None:
    assert answered(sixty, "SELECT region AS r, word FROM pay LIMIT 1").answer.columns == ("r", "word")
    assert answered(sixty, "SELECT region AS r, region AS s FROM pay LIMIT 1").answer.columns == ("region",)
    assert answered(sixty, "SELECT region AS r, word AS r FROM pay LIMIT 1").answer.columns == ("region", "word")


def test_a_cap_is_told_and_who_is_left_out_is_not(sixty: Node) -> None:
    capped = replace(sixty, rulebook=_most(sixty, 7))
    found = answered(capped, "SELECT region FROM pay")
    assert len(found.answer.rows) == 7 and any("at most 7 rows" in note for note in found.answer.notes)
    assert not any("at most" in note for note in answered(capped, "SELECT region FROM pay LIMIT 7").answer.notes)
    all_notes = [answered(sixty, f"SELECT year FROM pay WHERE tax >= {n}").answer.notes[:-1] for n in (0, 90)]
    assert all_notes[0] == all_notes[1]


def _most(node: Node, most: int) -> Any:
    parameters = [replace(p, value=most) if p.name == "records.rows-max" else p for p in iter(node.rulebook)]  # type: ignore[call-overload]
    return type(node.rulebook)(parameters)


@pytest.mark.parametrize("form", ["aggregates", "cubes", "computation"])
def test_an_agreement_for_something_else_gives_no_rows_and_says_what_would(workshop: Workshop, form: str) -> None:
    with workshop.node(people(12, ordinary), form) as node:
        found = ask(node, "SELECT region FROM pay")
        assert isinstance(found, Refused) and found.refusal.code == "access.form"
        assert (
            "ask for totals" in found.refusal.remedy
            or "come to an agreement that is for records" in found.refusal.remedy
        )
        if form != "aggregates":
            totals = ask(node, "SELECT COUNT(*) FROM pay")
            assert isinstance(totals, Refused) and "come to an agreement" in totals.refusal.remedy


def test_a_mask_cannot_be_changed_once_rows_have_left(workshop: Workshop) -> None:
    with workshop.node(people(60, ordinary), "masked") as node:
        coarse = [("tax", "band", "50.00"), ("flag", "omit", "")]
        story.done(rows.declare_mask(node, "pay", coarse, 8, False, OPERATOR))
        found = answered(node, "SELECT year, region, tax FROM pay")
        assert {row[2] for row in found.answer.rows} == {"0.00 to 49.99", "50.00 to 100.00"}
        assert min(Counter(found.answer.rows).values()) >= 8
        for text in ("SELECT nr, year FROM pay", "SELECT flag, year FROM pay", "SELECT year FROM pay WHERE flag"):
            refused = ask(node, text)
            assert isinstance(refused, Refused) and refused.refusal.code == "privacy.mask", text
        again = rows.declare_mask(node, "pay", (), 0, True, OPERATOR)
        assert isinstance(again, Refusal) and again.code == "privacy.mask"
        assert isinstance(rows.declare_mask(node, "pay", (), 0, True, USER), Refusal)
        assert isinstance(rows.mask(node, "pay", OTHER), Refusal)
        shown = story.done(rows.mask(node, "pay", USER))
        assert shown.fixed and [(r.column, r.rule, width) for r, width in shown.rules] == [
            ("year", "show", ""), ("region", "show", ""), ("tax", "band", "50.00")
        ]  # fmt: skip


BAD_MASKS = [
    (("none", "omit", ""), "cannot be given"), (("nr", "omit", ""), "cannot be given"), (("tax", "blur", ""), "not a rule"),
    (("tax", "show", ""), "no public list"), (("word", "band", "2"), "no public bounds"),
    (("tax", "band", ""), "a band has a width"), (("tax", "band", "1.005"), "not a width"), (("tax", "band", "-1"), "not a width"),
    (("tax", "band", "0.01"), "wider than one value"), (("year", "omit", "3"), "a band has a width"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "said"), BAD_MASKS, ids=["=".join(one[0][:2]) + one[0][2] for one in BAD_MASKS])
def test_a_rule_that_does_not_fit_its_column_is_sent_back(
    untouched: Node, one: tuple[str, str, str], said: str
) -> None:
    with pytest.raises(BadInput, match=said) as bad:
        rows.declare_mask(untouched, "pay", [one], 0, True, OPERATOR)
    assert bad.value.remedy


# ---- between the admission and the answer


def stop_at(node: Node, step: str, do: Callable[[], object]) -> Node:
    done: list[str] = []

    def reach(reached: str) -> None:
        if reached == step and not done:
            done.append(step)
            do()

    return replace(node, reach=reach)


def test_who_takes_her_word_back_meanwhile_is_not_in_the_answer(workshop: Workshop) -> None:
    with workshop.node(people(20, ordinary)) as node:
        gone = stop_at(
            node, "query before answered", lambda: consent.record_word(node, "pay", "member-p4", PURPOSE, False)
        )
        found = answered(gone, "SELECT word FROM pay")
        assert len(found.answer.rows) == 38 and ("w4",) not in found.answer.rows


def test_an_agreement_that_ends_meanwhile_lets_nothing_out(workshop: Workshop) -> None:
    with workshop.node(people(20, ordinary)) as node:
        ended = stop_at(node, "query before answered", lambda: trade.end_agreement(node, _agreement(node), USER))
        found = ask(ended, "SELECT word FROM pay")
        assert isinstance(found, Refused) and found.refusal.code == "access.ended"
        assert _use(node, found.use).state == "abandoned"


def _agreement(node: Node) -> str:
    with node.store.read() as state:
        admitted = [e.fact for e in state.entries(0, state.size()) if isinstance(e.fact, QueryAdmitted)]
    return admitted[-1].agreement


def test_a_fault_abandons_the_use_and_a_crash_is_mended_when_the_node_opens(workshop: Workshop) -> None:
    def fail() -> None:
        raise EngineFault("engine.limits", "it could not be worked out", "ask again")

    with workshop.node(people(20, ordinary)) as node, pytest.raises(EngineFault):
        rows.ask(
            stop_at(node, "query before run", fail),
            query.Asked(USER, "t", sql.parse("SELECT word FROM pay"), PURPOSE, anew=True),
        )
    with open_node(workshop.folder / str(workshop.made), SetClock(tick=0)) as again, again.store.read() as state:
        check_ends(state)
        assert [use.state for use in state.list(Use)] == ["abandoned"]


def test_a_member_sees_that_her_rows_left_and_no_row_of_anybody_else(workshop: Workshop) -> None:
    with workshop.node(people(20, ordinary)) as node:
        found = answered(node, "SELECT region, word FROM pay")
        seen = views.member_page(node, "member-p3")
        assert seen is not None
        (one,) = seen.assets[0].seen
        assert (one.use.id, one.rows, one.let_out) == (found.use, 2, None)
        assert views.answer_for(node, seen.party.id, found.use) is None
        assert views.answer_for(node, USER, found.use) == canonical.decode(found.answer.encode())


# ---- cubes


def sums_of(table: list[Row]) -> dict[Place, tuple[int, int]]:
    """The cells of the cube by region and year: its count, and the sum of `tax` in cents."""
    cells: dict[Place, list[int]] = {place: [0, 0] for place in product((0, 1, TOTAL), repeat=2)}
    for row in table:
        if row["region"] in REGIONS:
            for place in product((REGIONS.index(row["region"]), TOTAL), (YEARS.index(row["year"]), TOTAL)):
                cells[place][0] += 1
                cells[place][1] += round(float(row["tax"]) * 100)
    return {place: (count, whole) for place, (count, whole) in cells.items()}


def declare(node: Node, name: str = "c", keys: tuple[str, ...] = ("region", "year"), least: int = 0) -> None:
    story.done(cubes.declare(node, name, "pay", keys, ("tax",), PURPOSE, least, OPERATOR))


def told(found: Answered) -> dict[Place, tuple[int, int]]:
    """A cube as it was let out, without what is withheld."""
    assert found.answer.columns == ("region", "year", "count", "sum_tax")
    cells = {}
    for region, year, count, whole in found.answer.rows:
        at = (TOTAL if region is None else REGIONS.index(region), TOTAL if year is None else YEARS.index(year))
        if count is not None:
            cells[at] = (int(count), round(float(whole) * 100))
        else:
            assert whole is None
    return cells


def get(node: Node, name: str = "c", who: str = USER, purpose: str = PURPOSE) -> Answered | Refused:
    return cubes.get(node, name, Wanted(who, f"cube {name}", purpose))


def delivered(node: Node, name: str = "c") -> Answered:
    found = get(node, name)
    assert isinstance(found, Answered), found.refusal
    return found


def test_a_cube_says_what_the_rows_say_and_what_it_withholds_cannot_be_found_out(workshop: Workshop) -> None:
    """Three persons live in the south: they are withheld with what would give them away."""
    table = people(60, lambda n: {"region": "s" if n < 3 else "n", "tax": f"{n}.00"})
    table[10]["tax"] = "99999"  # counts as the upper bound
    with workshop.node(table, "cubes") as node:
        declare(node)
        story.done(cubes.build(node, "c", OPERATOR))
        found = delivered(node)
        table[10]["tax"] = "100"
        cells, true = told(found), sums_of(table)
        assert cells and all(true[place] == figures for place, figures in cells.items())
        assert (1, 0) not in cells and (1, TOTAL) not in cells
        for figure, width in ((0, ALIKE), (1, 200)):
            shown = {place: float(figures[figure]) for place, figures in cells.items()}
            for low, high in bounds((2, 2), shown).values():
                assert high - low >= width
        assert (found.charge, found.price.minor, found.form) == (0, 500, "cubes")
        use = _use(node, found.use)
        with node.store.read() as state:
            assert list(contributions(state.evidence(use.contributions))) == [2] * 60
            budget = state.get(Budget, "pay", use.version)
            assert budget is not None and budget.spent == 0
            check_ends(state)
        seen = views.member_page(node, "member-p1")
        assert seen is not None and seen.assets[0].seen[0].let_out is not None, "a cube shows nobody alone"


def test_a_cube_counts_persons_and_not_rows(workshop: Workshop) -> None:
    """Four persons with many rows are four."""
    table = people(4, lambda n: {"region": "s"}) + people(40, lambda n: {"nr": f"q{n}"})
    table += [dict(row) for row in table[:8]] * 5
    with workshop.node(table, "cubes") as node:
        declare(node)
        story.done(cubes.build(node, "c", OPERATOR))
        cells = told(delivered(node))
        assert (1, 0) not in cells and (1, TOTAL) not in cells


def test_who_is_most_of_a_sum_is_withheld(workshop: Workshop) -> None:
    table = people(40, lambda n: {"region": REGIONS[n % 2], "tax": "100.00" if n == 1 else "0.01"})
    with workshop.node(table, "cubes") as node:
        declare(node)
        built = cubes.build(node, "c", OPERATOR)
        assert isinstance(built, Refusal) or (1, 0) not in told(delivered(node))


def test_a_cube_is_of_those_who_allow_its_purpose_without_conditions(workshop: Workshop) -> None:
    table = people(40, lambda n: {"region": REGIONS[n % 2]})
    with workshop.node(table, "cubes", [f"member-p{n}" for n in range(30)]) as node:
        limited = Conditions(mode="query", uses=1)
        story.consent_to(node, "member-p0", PURPOSE, limited)
        declare(node)
        story.done(cubes.build(node, "c", OPERATOR))
        assert told(delivered(node))[TOTAL, TOTAL] == (58, 58_000)


def test_a_cube_is_not_built_again_for_a_few(workshop: Workshop) -> None:
    """Who comes or leaves could be told by subtracting; from five on they hide each other, cell by cell."""
    table = people(60, lambda n: {"region": REGIONS[n % 2]})
    with workshop.node(table, "cubes") as node:
        declare(node)
        story.done(cubes.build(node, "c", OPERATOR))
        first = told(delivered(node))
        for number in (0, 2, 4, 6):
            consent.record_word(node, "pay", f"member-p{number}", PURPOSE, False)
            again = cubes.build(node, "c", OPERATOR)
            assert isinstance(again, Refusal) and again.code == "privacy.cube"
        assert told(delivered(node)) == first, "it stands as it was built"
        consent.record_word(node, "pay", "member-p1", PURPOSE, False)
        story.done(cubes.build(node, "c", OPERATOR))
        second = told(delivered(node))
        assert (TOTAL, TOTAL) in second and second[TOTAL, TOTAL][0] == first[TOTAL, TOTAL][0] - 10
        assert not {(0, 0), (1, 0)} & set(second), "four left the north, one the south"


def test_two_cubes_have_no_key_in_common_and_their_total_agrees(workshop: Workshop) -> None:
    table = people(40, lambda n: {"region": REGIONS[n % 2]})
    with workshop.node(table, "cubes") as node:
        declare(node, "one", ("region",))
        shared = cubes.declare(node, "two", "pay", ("year", "Region"), (), PURPOSE, 0, OPERATOR)
        assert isinstance(shared, Refusal) and shared.code == "privacy.cube"
        declare(node, "two", ("year",))
        story.done(cubes.build(node, "one", OPERATOR))
        consent.record_word(node, "pay", "member-p0", PURPOSE, False)
        story.done(cubes.build(node, "two", OPERATOR))
        whole = [row for row in delivered(node, "two").answer.rows if row[0] is None]
        assert whole == [(None, None, None)], "one person less than in the first cube, which shows its total"
        assert [row for row in delivered(node, "one").answer.rows if row[0] is None] != whole


def test_an_erased_person_is_in_no_later_delivery_as_a_person(workshop: Workshop) -> None:
    table = people(40, lambda n: {"region": REGIONS[n % 2]})
    with workshop.node(table, "cubes") as node:
        declare(node)
        story.done(cubes.build(node, "c", OPERATOR))
        with node.store.read() as state:
            party = next(p for p in state.list(Party, known_as="member-p7"))
            number = next(person.number for person in state.list(Person, party=party.id))
        story.done(erase.erase(node, "member-p7", OPERATOR))
        use = _use(node, delivered(node).use)
        with node.store.read() as state:
            rows_of = list(contributions(state.evidence(use.contributions)))
            assert rows_of[number] == 0 and sum(rows_of) == 78
            assert not state.evidence(use.population)[number // 8] >> number % 8 & 1
        assert isinstance(cubes.build(node, "c", OPERATOR), Refusal)


NOT_DECLARED = [
    (("c", "none", ("region",), (), PURPOSE, 0, OPERATOR), "registry.unknown"),
    (("c", "pay", ("region",), (), PURPOSE, 0, USER), "registry.unknown"),
    (("c", "pay", ("nowhere",), (), PURPOSE, 0, OPERATOR), "privacy.column"),
    (("c", "pay", ("nr",), (), PURPOSE, 0, OPERATOR), "privacy.column"),
    (("c", "pay", ("word",), (), PURPOSE, 0, OPERATOR), "privacy.key"),
    (("c", "pay", ("region",), ("year",), PURPOSE, 0, OPERATOR), "privacy.measure"),
    (("c", "pay", ("region",), ("free",), PURPOSE, 0, OPERATOR), "privacy.measure"),
    (("c", "pay", ("region",), ("pay",), PURPOSE, 0, OPERATOR), "access.form"),
    (("C c", "pay", ("region",), (), PURPOSE, 0, OPERATOR), "input.id"),
    (("c", "pay", (), (), PURPOSE, 0, OPERATOR), "input.cube"),
    (("c", "pay", ("region", "REGION"), (), PURPOSE, 0, OPERATOR), "input.cube"),
    (("c", "pay", ("region",), (), "Nonsense", 0, OPERATOR), "input.purpose"),
    (("c", "pay", ("region",), (), PURPOSE, -1, OPERATOR), "input.cube"),
    (("c", "pay", ("region",), ("tax", "tax"), PURPOSE, 0, OPERATOR), "input.cube"),
]


@pytest.mark.parametrize(("what", "code"), NOT_DECLARED, ids=[f"{one[1]} {one[0][2:4]}" for one in NOT_DECLARED])
def test_what_cannot_be_a_cube_is_not_declared(untouched: Node, what: tuple[Any, ...], code: str) -> None:
    if code.startswith("input"):
        with pytest.raises(BadInput) as bad:
            cubes.declare(untouched, *what)
        assert bad.value.code == code and bad.value.remedy
        return
    found = cubes.declare(untouched, *what)
    assert isinstance(found, Refusal) and found.code == code and found.remedy


def test_a_cube_is_for_who_has_an_agreement_on_it_and_for_its_purpose(workshop: Workshop) -> None:
    with workshop.node(people(40, ordinary), "cubes") as node:
        declare(node)
        refused = {}
        for case, found in {
            "not built": get(node), "unknown": get(node, "d"), "not open": get(node, "c", OTHER),
            "purpose": get(node, purpose="Marketing"),
        }.items():  # fmt: skip
            assert isinstance(found, Refused), case
            refused[case] = found.refusal
        assert {case: no.code for case, no in refused.items()} == {
            "not built": "privacy.cube", "unknown": "registry.unknown", "not open": "registry.unknown",
            "purpose": "access.purpose",
        }  # fmt: skip
        assert str(refused["unknown"]).replace("`d`", "`c`") == str(refused["not open"])
        assert [one.cube.id for one in cubes.listed(node, USER)] == ["c"] and cubes.listed(node, OTHER) == ()
        story.done(cubes.build(node, "c", OPERATOR))
        assert isinstance(cubes.build(node, "c", USER), Refusal) and isinstance(
            cubes.build(node, "d", OPERATOR), Refusal
        )
        agree(node, "aggregates", OTHER)
        other = get(node, "c", OTHER)
        assert isinstance(other, Refused) and other.refusal.code == "access.form"
        agree(node, "cubes", OTHER, ask_first=True)
        asked_first = get(node, "c", OTHER)
        assert isinstance(asked_first, Refused) and asked_first.refusal.code == "privacy.cube"


def test_the_state_of_masks_and_cubes_can_be_built_again(workshop: Workshop) -> None:
    with workshop.node(people(60, ordinary), "masked") as node:
        story.done(rows.declare_mask(node, "pay", [("tax", "band", "20.00")], 0, True, OPERATOR))
        declare(node)
        story.done(cubes.build(node, "c", OPERATOR))
        answered(node, "SELECT year, tax FROM pay")
    journal = workshop.folder / str(workshop.made) / JOURNAL
    before = state_rows(journal)
    assert before == rebuilt_rows(journal) and before["state_mask"] and before["state_cube_build"]
