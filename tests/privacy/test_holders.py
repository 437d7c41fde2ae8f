"""What each holder adds to a total: the engine against exact fractions over what a slow evaluator reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy import world
from privacy.reference import meaning, worked_out
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import holders, shapley
from usufruct.core.income.holders import HOLDERS, RECORDS, HolderPlan, HolderShare
from usufruct.core.privacy.question import Question, Ref
from usufruct.core.privacy.relations import resolve
from usufruct.ports import Among
from usufruct.wire import sql


@pytest.fixture(scope="module")
def bench() -> world.Workbench:
    return world.Workbench()


def planned(text: str, owners: Sequence[str], players: str = RECORDS) -> tuple[Question, HolderPlan] | Refusal:
    question = sql.parse_total(text)
    if isinstance(question, Refusal):
        return question
    view = resolve(question, world.ASSETS)
    if isinstance(view, Refusal):
        return view
    refs = [Ref(name, of) for of, _, name in (owner.rpartition(".") for owner in owners)]
    plan = holders.plan(question, view, world.ASSETS, refs, players)
    return plan if isinstance(plan, Refusal) else (question, plan)


def found(
    bench: world.Workbench, text: str, owners: Sequence[str], held: Mapping[str, world.Table], players: str = RECORDS
) -> tuple[list[HolderShare], list[tuple[tuple[Any, ...], tuple[Any, ...], Any]]]:
    """The shares, and the rows as the slow evaluator reads them: owners, group, value."""
    told = planned(text, owners, players)
    assert not isinstance(told, Refusal), told
    question, plan = told
    bench.room.held = held
    bench.engine._room = bench.room  # type: ignore[assignment]
    everybody = ((1 << world.PERSONS) - 1).to_bytes(1, "little")
    among = [Among(everybody, world.PERSONS) if source.personal else None for source in plan.sources]
    shares = holders.shares(plan, bench.engine.holders(plan, among), "test", 200)
    rows = worked_out(question.relation, world.data_of(held))
    keys = [meaning(key.made, rows).of for key in question.keys]
    named = [meaning(Ref(name, of), rows).of for of, _, name in (owner.rpartition(".") for owner in owners)]
    argument = question.measures[0].argument
    value = meaning(argument, rows) if argument is not None else None
    read = []
    for row in rows.rows:
        cell = 1 if value is None else value.of(row)
        if (
            cell is not None
            and value is not None
            and value.low is not None
            and question.measures[0].function != "persons"
        ):
            assert value.high is not None
            cell = min(max(cell, value.low), value.high)
        told_by = tuple(str(one(row)) for one in named if one(row) is not None)
        group = tuple(key(row) for key in keys)
        if cell is not None and told_by and None not in group:
            read.append((told_by, group, cell))
    return shares, read


def by_group(read: Sequence[tuple[tuple[Any, ...], tuple[Any, ...], Any]]) -> dict[Any, list[tuple[str, Any]]]:
    groups = defaultdict(list)
    for owners, group, value in read:
        groups[group].append((owners[0], value))
    return groups


CLOSED = {
    "COUNT(hours)": lambda values: [Fraction(1) for _ in values],
    "SUM(hours)": lambda values: [Fraction(v) for v in values],
    "AVG(hours)": shapley.of_average,
    "MAX(hours)": shapley.of_maximum,
    "MIN(wage)": shapley.of_minimum,
    "MIN(hours)": shapley.of_minimum,
}


@pytest.mark.parametrize("total", CLOSED)
@pytest.mark.parametrize("grouped", ["", " GROUP BY year"])
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(held=world.tables())
def test_shares_of_records(bench: world.Workbench, total: str, grouped: str, held: dict[str, world.Table]) -> None:
    keys = "year, " if grouped else ""
    shares, read = found(bench, f"SELECT {keys}{total} AS t FROM pay WHERE level < 6{grouped}", ["region"], held)
    expected: dict[str, Fraction] = defaultdict(Fraction)
    for rows in by_group(read).values():
        for (owner, _), share in zip(rows, CLOSED[total]([v for _, v in rows]), strict=True):
            expected[owner] += share
    assert [one.holder for one in shares] == sorted(expected)
    grain = 100 if "wage" in total else 1
    for one in shares:
        wrong = abs(one.share * grain - expected[one.holder])
        assert wrong == 0 if total[:3] in ("COU", "SUM") else wrong < Fraction(1, 10**6)
        assert one.records == sum(owner == one.holder for rows in by_group(read).values() for owner, _ in rows)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(held=world.tables(), column=st.sampled_from(["word", "code", "member"]))
def test_shares_in_different_values(bench: world.Workbench, held: dict[str, world.Table], column: str) -> None:
    shares, read = found(bench, f"SELECT COUNT(DISTINCT {column}) AS n FROM pay", ["region"], held)
    owned: dict[str, set[Any]] = defaultdict(set)
    for owners, _, value in read:
        owned[owners[0]].add(value)
    names = sorted(owned)
    for one, share in zip(shares, shapley.of_distinct([owned[name] for name in names]), strict=True):
        assert one.records == len(owned[one.holder])
        assert 0 <= share - one.share < Fraction(100, shapley.UNIT)


@pytest.mark.parametrize("total", ["COUNT(*)", "SUM(hours)", "SUM(visits)"])
@pytest.mark.parametrize("kind", ["JOIN", "LEFT JOIN"])
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(held=world.tables())
def test_joined_rows_are_split_over_those_whose_tuples_they_need(
    bench: world.Workbench, total: str, kind: str, held: dict[str, world.Table]
) -> None:
    text = f"SELECT {total} AS t FROM pay {kind} care ON who = person AND pay.year = care.year"
    shares, read = found(bench, text, ["pay.region", "ward"], held)
    expected = shapley.of_rows((owners, value) for owners, _, value in read)
    assert {one.holder: one.share for one in shares} == expected


@pytest.mark.parametrize("total", ["AVG", "MAX", "MIN", "MEDIAN"])
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(held=world.tables())
def test_holders_as_players_equal_the_definition(
    bench: world.Workbench, total: str, held: dict[str, world.Table]
) -> None:
    shares, read = found(bench, f"SELECT year, {total}(level) AS t FROM pay GROUP BY year", ["region"], held, HOLDERS)
    names = sorted({owners[0] for owners, _, _ in read})
    groups = by_group(read)

    def worth(coalition: int) -> Fraction:
        told = Fraction(0)
        for rows in groups.values():
            values = sorted(v for owner, v in rows if coalition >> names.index(owner) & 1)
            if values:
                middle = Fraction(values[(len(values) - 1) // 2] + values[len(values) // 2], 2)
                told += {
                    "AVG": Fraction(sum(values), len(values)),
                    "MAX": values[-1],
                    "MIN": values[0],
                    "MEDIAN": middle,
                }[total]
        return told

    assert [(one.holder, one.share) for one in shares] == list(
        zip(names, shapley.enumerated(len(names), worth), strict=True)
    )
    assert all(one.error is None for one in shares)


def test_where_holders_are_many_orders_are_sampled(bench: world.Workbench) -> None:
    told = planned("SELECT MEDIAN(level) AS m FROM pay", ["code"])
    assert not isinstance(told, Refusal)
    rows = [(str(holder), (holder * 7) % 10 - 5, 1 + holder % 3) for holder in range(20)]
    shares = holders.shares(told[1], rows, "use-1", 300)
    values = sorted(v for _, v, n in rows for _ in range(n))
    assert sum(one.share for one in shares) == Fraction(values[(len(values) - 1) // 2] + values[len(values) // 2], 2)
    assert all(one.error for one in shares)
    means = planned("SELECT AVG(level) AS m FROM pay", ["code"], HOLDERS)
    assert not isinstance(means, Refusal)
    many = [(str(holder), 10_000 + holder, 100 * holder, 0, 5) for holder in range(30)]
    drawn = holders.shares(means[1], many, "use-1", 300)
    assert all(one.error for one in drawn)
    expected = Fraction(sum(t for _, _, t, *_ in many), sum(n for _, n, *_ in many))
    assert abs(sum(one.share for one in drawn) - expected) < Fraction(1, 10**15)


REFUSED = {
    "SELECT VARIANCE(level) FROM pay": "shares in a variance",
    "SELECT COUNT(*), SUM(level) FROM pay": "not one total",
    "SELECT SUM(code) FROM pay": "no declared bounds",
    "SELECT SUM(word) FROM pay": "no number",
    "SELECT level FROM pay": "outside GROUP BY",
    "SELECT COUNT(*) FROM pay LIMIT 3": "not one total",
    "SELECT COUNT(*) FROM places": "about persons",
    "SELECT COUNT(*) FROM pay; SELECT 1": "2 statements",
    "SELECT MAX(nothing) FROM pay": "no column",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_worked_out(text: str) -> None:
    told = planned(text, ["region"])
    assert isinstance(told, Refusal)
    assert REFUSED[text] in " ".join([told.message, *told.reasons])


def test_whose_a_row_is_must_be_said() -> None:
    for owners, words in ((["who"], "whom a row is about"), (["nobody"], "no column"), ([], "said whose"),
                          (["region", "word"], "said whose")):  # fmt: skip
        told = planned("SELECT MAX(level) FROM pay", owners)
        assert isinstance(told, Refusal)
        assert words in " ".join(told.reasons)


def test_a_data_user_is_still_not_answered_an_extreme() -> None:
    refused = sql.parse("SELECT MAX(level) FROM pay")
    assert isinstance(refused, Refusal)
    assert refused.code == "query.unsupported"
