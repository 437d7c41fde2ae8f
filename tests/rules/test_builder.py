"""Questions for who writes no SQL: what is chosen is what is asked, whatever columns and values are called."""

from __future__ import annotations

from dataclasses import fields as fields_of
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import story
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy import builder
from usufruct.core.privacy.builder import Choice
from usufruct.core.privacy.question import Call, Question, Ref, Value
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.node.node import Node
from usufruct.wire import sql


@pytest.fixture
def pay(node: Node) -> Asset:
    with node.store.read() as state:
        found = state.get(Asset, story.ASSET)
    assert found is not None
    return found


def asked(choice: Choice, asset: Asset) -> Question:
    assert builder.misfit(choice, asset, None) == ""
    question = sql.parse(builder.write(choice, asset))
    assert isinstance(question, Question), question
    return question


def test_the_five_kinds_are_what_they_say(pay: Asset) -> None:
    found = asked(Choice("count", "persons", by=("year",)), pay)
    assert [(m.function, m.argument) for m in found.measures] == [("persons", Ref("nr"))]
    assert [key.made for key in found.keys] == [Ref("year")]
    assert asked(Choice("count", "rows"), pay).measures[0].function == "count"
    assert asked(Choice("sum", column="hours"), pay).measures[0].function == "sum"
    found = asked(
        Choice("average", column="hourly_pay", by=("year", "night_shifts"), only=(("year", (2021, 2023)),)), pay
    )
    assert found.measures[0].function == "average" and found.where == Call(
        "in", (Ref("year"), Value(Fraction(2021)), Value(Fraction(2023)))
    )
    found = asked(Choice("trend", column="hours", total="sum", by=("year",), only=(("night_shifts", (True,)),)), pay)
    assert [o.label for o in found.order] == ["year"] and found.where in (
        Ref("night_shifts"),
        Call("=", (Ref("night_shifts"), Value(True))),
        Call("in", (Ref("night_shifts"), Value(True))),
    )
    text = builder.write(Choice("overlap", other="other"), pay, replace(pay, id="o-t", person_column="the person"))
    assert text == 'SELECT COUNT(DISTINCT a.nr) AS persons\nFROM pay AS a\nJOIN "o-t" AS b ON a.nr = b."the person"'


def test_an_overlap_is_read_as_one() -> None:
    """Switched on by itself when the gate reads joins on the person."""
    question = sql.parse("SELECT COUNT(DISTINCT a.nr) AS persons FROM pay AS a JOIN visits AS b ON a.nr = b.patient")
    if isinstance(question, Refusal):
        pytest.skip("joins on the person are not read yet")
    assert question.measures[0].function == "persons"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice("count"), "what to count"), (Choice("count", "everything"), "what to count"),
        (Choice("sum"), "what to add up"), (Choice("sum", column="nr"), "what to add up"),
        (Choice("average", column="year"), "what to add up"), (Choice("average", column="hours", by=("hours",)), "of the list"),
        (Choice("average", column="hours", by=("year", "year")), "of the list"),
        (Choice("trend", column="hours"), "says when"), (Choice("trend", column="hours", by=("night_shifts",)), "says when"),
        (Choice("sum", column="hours", only=(("year", (1999,)),)), "no such values"),
        (Choice("sum", column="hours", only=(("nr", (1,)),)), "no such values"), (Choice("overlap"), "second set"),
    ],
)  # fmt: skip
def test_what_the_card_does_not_list_cannot_be_chosen(pay: Asset, choice: Choice, said: str) -> None:
    assert said in builder.misfit(choice, pay, None)
    with pytest.raises(AssertionError):
        builder.write(choice, pay)


def test_an_overlap_needs_persons_on_both_sides(pay: Asset) -> None:
    assert "second set" in builder.misfit(Choice("overlap"), pay, pay)
    nobody = replace(pay, id="trees", person_column="")
    assert "`trees`" in builder.misfit(Choice("overlap"), pay, nobody) and "`trees`" in builder.misfit(
        Choice("overlap"), nobody, pay
    )
    assert builder.counted(nobody) == ("rows",)


SEEN = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), min_size=1, max_size=12)
NAMES = (
    st.sampled_from(["order", "Group", "a b", 'q"x', "persons", "count", "average", "average_margin", "year"]) | SEEN
)
VALUES = st.lists(SEEN | st.sampled_from(["'", "x' OR '1'='1", "--", "$x", "\\"]), min_size=1, max_size=4, unique=True)


@given(NAMES, VALUES, st.integers(1, 4), st.sampled_from(["count", "sum", "average"]))
def test_names_and_values_are_only_names_and_values(name: str, values: list[str], many: int, kind: str) -> None:
    name = sql.holdable(name)
    listed = tuple(dict.fromkeys(sql.holdable(value) for value in values))
    assume(name.lower() not in ("pay", "nr", "all"))  # the parser takes even a quoted "all" for a word of SQL
    columns = (Column("nr", "integer", "personal", 2), Column("pay", "integer", "personal", 2, low=0, high=9),
               Column(name, "text", "personal", 2, values=listed))  # fmt: skip
    asset: Any = story_asset(columns)
    some = listed[:many]
    question = asked(Choice(kind, "persons" if kind == "count" else "", "pay", by=(name,), only=((name, some),)), asset)
    key, where = question.keys[0], question.where
    assert isinstance(where, Call) and isinstance(key.made, Ref) and isinstance(where.arguments[0], Ref)
    assert {key.made.name.lower(), where.arguments[0].name.lower()} == {name.lower()}
    assert tuple(one.value for one in where.arguments[1:] if isinstance(one, Value)) == some
    assert (question.asset, len(question.measures), len(question.labels)) == ("pay", 1, 2)


def story_asset(columns: tuple[Column, ...]) -> Asset:
    card = story.read_card()
    fields = {field: getattr(card, field, None) for field in (one.name for one in fields_of(Asset))}
    return Asset(**{**fields, "id": "pay", "columns": columns, "person_column": "nr"})  # type: ignore[arg-type]


def test_time_is_known_when_it_is_seen() -> None:
    for yes in (
        ["2021", "2022"],
        ["2025-q1", "2025-Q4"],
        ["2024-01", "2024-12"],
        ["2024-01-31"],
        ["2024-W1", "2024-w52"],
    ):
        assert builder.looks_like_time(yes), yes
    for no in ([], ["harbour"], ["1", "2"], ["2021", "later"], ["20210"], ["3021"]):
        assert not builder.looks_like_time(no), no
