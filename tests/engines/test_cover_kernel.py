"""The columnar kernel of cover says what the rules of the core say, for every row, levy and account."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.cover.collecting import Earned, collect, who_counts
from usufruct.core.cover.entitlements import enough_days
from usufruct.core.cover.scheme import Insured, Scheme, SchemeLevy
from usufruct.engine import cover as kernel
from usufruct.engine import earnings as earnings_file
from usufruct.engine.cover import Earnings, People
from usufruct.wire import cover as wire

EXAMPLES = {name: wire.read(text) for name, text in wire.examples().items()}
KNOWN = parse_instant("2030-01-01")
MONTHS = ("2024-11", "2024-12", "2025-01", "2025-02", "2026-03", "2026-04", "2029-01")
OPERATORS = ("riders", "wheels")


def by_the_core(
    scheme: Scheme, people: list[Insured], rows: list[tuple[int, int, int, int, int, int]]
) -> list[dict[str, Counter[str]]]:
    """The rows one after another, in the order of months, as payments; by levy, what went where (`""`: all)."""
    so_far: Counter[tuple[object, ...]] = Counter()
    found: list[dict[str, Counter[str]]] = [{} for _ in rows]
    for number in sorted(range(len(rows)), key=lambda n: (rows[n][2], n)):
        person, operator, month, gross, fee, tips = rows[number]

        def key(levy: SchemeLevy, period: str, who: tuple[int, int] = (person, operator)) -> tuple[object, ...]:
            return (levy.name, *who_counts(levy, str(who[0]), str(who[1])), period)

        taken, _ = collect(
            scheme, people[person], [Earned(f"{MONTHS[month]}-01", gross, fee, tips)],
            lambda levy, period: (so_far[key(levy, period)], so_far[(*key(levy, period), "paid")]), KNOWN,
        )  # fmt: skip
        for one in taken:
            levy = scheme.levy(one.levy)
            assert levy is not None
            so_far[key(levy, one.period)] += one.basis
            so_far[(*key(levy, one.period), "paid")] += one.paid
            found[number][one.levy] = Counter({"": one.amount, **{part.to: part.amount for part in one.parts}})
    return found


def columns(
    scheme: Scheme, people: list[Insured], rows: list[tuple[int, int, int, int, int, int]]
) -> tuple[People, Earnings]:
    off = {one.name: one.basis_points for one in scheme.deductions}
    table = People(
        np.array([int(one.born[:4]) * 12 + int(one.born[5:7]) - 1 if one.born else -1 for one in people], np.int64),
        np.array([one.member(scheme) for one in people], np.bool_),
        np.array([scheme.options.index(one.option) + 1 if one.option else 0 for one in people], np.int64),
        np.array([off.get(one.works_with, 0) for one in people], np.int64),
    )
    person, operator, month, gross, fee, tips = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return table, Earnings(person, operator, month, MONTHS, gross, fee, tips)


def insured(scheme: Scheme) -> st.SearchStrategy[Insured]:
    days = st.dates(date(1950, 1, 1), date(2006, 1, 1)).map(date.isoformat)
    options = st.sampled_from(["", *scheme.options])
    works = st.sampled_from(["", "tram", *(one.name for one in scheme.deductions)])
    return st.builds(Insured, st.just("") | days, st.booleans(), options, works)


earned = st.tuples(
    st.integers(0, 3), st.integers(0, 1), st.integers(0, len(MONTHS) - 1),
    st.one_of(st.integers(0, 60_000_00), st.integers(0, 1_000_00)), st.just(0), st.integers(0, 5_000),
)  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
@settings(max_examples=40)
@given(data=st.data())
def test_the_kernel_equals_the_rules(name: str, data: st.DataObject) -> None:
    scheme = EXAMPLES[name]
    people = data.draw(st.lists(insured(scheme), min_size=4, max_size=4))
    rows = [
        (p, o, m, gross, data.draw(st.integers(0, gross)), tips)
        for p, o, m, gross, _, tips in data.draw(st.lists(earned, min_size=1, max_size=25))
    ]
    expected = by_the_core(scheme, people, rows)
    for levied in kernel.take(scheme, *columns(scheme, people, rows), KNOWN):
        for number, row in enumerate(expected):
            told = row.get(levied.levy, Counter())
            assert levied.amount[number] == told[""], (levied.levy, rows[number], people[rows[number][0]])
            assert {to: int(part[number]) for to, part in levied.parts.items() if part[number]} == {
                to: amount for to, amount in told.items() if to and amount
            }


def test_sums_that_do_not_fit_are_refused() -> None:
    scheme = EXAMPLES["india"]
    rows = [(0, 0, 4, 10**15, 0, 0)]
    with pytest.raises(OverflowError):
        kernel.take(scheme, *columns(scheme, [Insured()], rows), KNOWN)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 20)), max_size=120))
def test_days_are_counted_as_the_rules_count_them(events: list[tuple[int, int, int]]) -> None:
    person, operator, day = (np.array([event[n] for event in events], np.int64) for n in range(3))
    found = kernel.eligible(person, operator, day, 3, 9, 12)
    for who in range(3):
        days = [len({d for p, o, d in events if (p, o) == (who, one)}) for one in range(3)]
        assert bool(found[who]) is enough_days([count for count in days if count], 9, 12)


def test_months_that_reach_the_minimum_with_two_operators() -> None:
    scheme = EXAMPLES["estonia"]
    people = [Insured(joined=True), Insured(joined=True)]
    rows = [(0, 0, 2, 1_000_00, 0, 0), (0, 1, 2, 1_255_00, 0, 0), (1, 0, 2, 2_254_00, 0, 0), (1, 0, 3, 2_255_00, 0, 0)]
    table, earnings = columns(scheme, people, rows)
    (levied,) = kernel.take(scheme, table, earnings, KNOWN)
    met = kernel.reached(levied, "treasury:social-tax", 270_60, earnings, 2)
    assert met[:, 2:4].tolist() == [[True, False], [False, True]]


# ---- a file of earnings

HEAD = "person,operator,month,gross,fee,tips,born,joined,option,works_with\n"
LINES = """anna,riders,2025-03,2000.00,,,1993-06-01,yes,,
bo,riders,2025-03,3000.00,,,1996-01-01,,,car
chen,wheels,2025-03,2000,0,0,1993-06-01,,,
"""


def test_a_file_of_earnings_is_estimated(tmp_path: Path) -> None:
    file = tmp_path / "earnings.csv"
    file.write_text(HEAD + LINES, encoding="utf-8")
    found = earnings_file.estimate(EXAMPLES["singapore"], file)
    assert (found.rows, found.persons, found.gross) == (3, 3, 7_000_00)
    assert {(levy, payer): amount for levy, payer, _, amount in found.levies} == {
        ("medisave", "worker"): 160_00, ("worker-share", "worker"): 210_00 + 126_00, ("operator-share", "operator"): 70_00 + 42_00,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("person,operator,month\na,b,2025-03\n", "gross are missing"),
        ("person,operator,month,gross,x\na,b,c,1,1\n", "x are unknown"),
        ("person,operator,month,gross\n", "no line"),
        ("person,operator,month,gross\na,b,March,1\n", "no month"),
        ("person,operator,month,gross\na,b,2025-13,1\n", "no month"),
        ("person,operator,month,gross\na,b,2025-03,1.005\n", "no amount"),
        ("person,operator,month,gross\na,b,2025-03,-1\n", "no amount"),
        ("person,operator,month,gross,fee\na,b,2025-03,1,2\n", "a fee"),
        ("person,operator,month,gross,option\na,b,2025-03,1,more\n", "no option"),
        ("", "no CSV"),
        ("person,operator,month,gross\na,b\n", "no CSV"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(text: str, because: str, tmp_path: Path) -> None:
    file = tmp_path / "earnings.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        earnings_file.estimate(EXAMPLES["singapore"], file)
    assert because in caught.value.message
