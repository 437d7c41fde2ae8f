"""Values beside the text: whatever they hold, the question is the one that would be written by hand, with one literal more."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.question import Call, Question, Ref, Value
from usufruct.wire import sql

TEXT = (
    "SELECT year, AVG(pay) AS p FROM shifts WHERE (region = $region OR $region = town) AND year IN (1, $year) "
    "AND hours BETWEEN $low AND $high AND NOT night = $night GROUP BY year ORDER BY p LIMIT 9"
)
SEEN = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), max_size=40)
NASTY = st.lists(
    st.sampled_from([
        "'", "''", '"', "\\", "--", "/*", "*/", ";", "$region", "$$", " OR 1=1", "NULL", "é", "ﬀ", "１", "0x1", "1e9", ")"]),
    max_size=8,
).map("".join)  # fmt: skip
NUMBERS = st.integers(-(10**30) + 1, 10**30 - 1)


def by_hand(values: dict[str, str | int | bool]) -> str:
    """The text with its values written as somebody who knows SQL writes them."""

    def written(gap: re.Match[str]) -> str:
        value = values[gap[1]]
        return f"'{value.replace(chr(39), chr(39) * 2)}'" if isinstance(value, str) else str(value).upper()

    return re.sub(r"\$(\w+)", written, TEXT)


@given(SEEN | NASTY, NUMBERS, NUMBERS, NUMBERS, st.booleans())
@example("'; DROP TABLE shifts; --", 0, 0, 0, True)
@example("x' OR '1'='1", -1, -1, 10**30 - 1, False)
@example("$year", 1, 2, 3, True)
@example("\\'", 1, 2, 3, True)
def test_the_question_is_the_one_that_is_written_by_hand(
    text: str, year: int, low: int, high: int, night: bool
) -> None:
    values: dict[str, str | int | bool] = {"region": text, "year": year, "low": low, "high": high, "night": night}
    bound = sql.parse(TEXT, values)
    assert isinstance(bound, Question), bound
    written = sql.parse(by_hand(values))
    assert isinstance(written, Question), written
    assert replace(bound, text="") == replace(written, text="")
    again = sql.parse(bound.text)  # what is kept in the journal reads as what was asked
    assert again == bound


@given(SEEN | NASTY)
def test_no_value_changes_the_shape_of_a_question(text: str) -> None:
    plain, bound = (
        sql.parse("SELECT COUNT(*) FROM pay WHERE region = $region AND year IN ($region, 2)", {"region": value})
        for value in ("x", text)
    )
    assert isinstance(plain, Question) and isinstance(bound, Question)
    assert (bound.asset, bound.form, bound.keys, bound.measures, bound.order, bound.limit) == (
        plain.asset, plain.form, plain.keys, plain.measures, plain.order, plain.limit
    )  # fmt: skip
    match bound.where:
        case Call("and", (Call("=", (Ref("region"), Value(str()))), Call("in", (Ref("year"), Value(str()), Value(2))))):
            pass
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT $x, COUNT(*) FROM pay GROUP BY $x",
        "SELECT COUNT(*) FROM $x",
        "SELECT COUNT(*) FROM pay LIMIT $x",
        "SELECT year, COUNT(*) FROM pay GROUP BY $x",
        "SELECT year, COUNT(*) FROM pay GROUP BY year ORDER BY $x",
        "SELECT SUM($x) FROM pay",
        "SELECT COUNT(*) FROM pay WHERE year = $y",
        "SELECT COUNT(*) FROM pay WHERE year = ?",
        "SELECT COUNT(*) FROM pay WHERE year = $x.year",
        "SELECT COUNT(*) FROM pay WHERE year IN (SELECT $x)",
        "SELECT COUNT(*) FROM pay WHERE year IS $x",
        "SELECT COUNT(*) FROM pay; SELECT COUNT(*) FROM pay WHERE year = $x",
    ],
)
@pytest.mark.parametrize("value", [1, "year", True])
def test_a_value_stands_only_where_a_column_is_compared(text: str, value: str | int | bool) -> None:
    if "IS $x" in text and value is True:
        return  # `IS TRUE` is what it says
    assert isinstance(sql.parse(text, {"x": value}), Refusal)


@pytest.mark.parametrize("value", [10**30, -(10**30), 10**5000, "a" * 10_001, "\x00", "\u202e", "\ud800"], ids=range(7))
def test_what_no_question_can_hold_is_refused(value: str | int) -> None:
    assert isinstance(sql.parse("SELECT COUNT(*) FROM pay WHERE year = $x", {"x": value}), Refusal)


def test_without_values_nothing_is_a_gap() -> None:
    refusal = sql.parse("SELECT COUNT(*) FROM pay WHERE year = $x")
    assert isinstance(refusal, Refusal) and "a parameter" in refusal.reasons[0]
    assert isinstance(sql.parse("SELECT COUNT(*) FROM pay WHERE year = $x", {}), Refusal)
