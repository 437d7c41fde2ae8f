"""An asset's card as TOML: read whole or refused with a reason, and proposed in a form that reads back."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.core.registry.seen import ColumnSeen
from usufruct.engine.intake import inspect
from usufruct.wire import card

GOOD = """
asset = "pay"
title = "Pay"
description = "what people earn"
licence = "agreement"
keywords = ["wages", "hours"]
person_column = "nr"
period_column = "year"
rows_per_person = 4
once_per = ["year"]
member_prefix = "worker"

[columns.nr]
type = "integer"
grade = "personal"

[columns.year]
type = "integer"
grade = 2
class = "public"
values = [2021, 2022]

[columns."net pay"]
type = "decimal"
grade = "sensitive"
description = "after tax"
unit = "EUR"
decimals = 2
low = -0.5
high = 20.1

[columns.member]
type = "boolean"
grade = 4
values = [false, true]

[columns.region]
type = "text"
grade = "open"
values = ["north", "Größe"]
"""


def test_a_card_is_read_field_by_field() -> None:
    assert card.read(GOOD) == Card(
        "pay", "Pay", "what people earn", "agreement", "nr",
        (
            Column("nr", "integer", "personal", 2),
            Column("year", "integer", "public", 2, values=(2021, 2022)),
            Column("net pay", "decimal", "personal", 3, "after tax", "EUR", 2, -50, 2010),
            Column("member", "boolean", "personal", 4, values=(False, True)),
            Column("region", "text", "personal", 0, values=("north", "Größe")),
        ),
        4, ("year",), ("wages", "hours"), "year", "worker",
    )  # fmt: skip


def test_what_may_be_left_out() -> None:
    for line in (
        'keywords = ["wages", "hours"]',
        'once_per = ["year"]',
        'period_column = "year"',
        'member_prefix = "worker"',
    ):
        assert line in GOOD
        card.read(GOOD.replace(line, ""))
    least = card.read(GOOD.replace('member_prefix = "worker"', "").replace('period_column = "year"', ""))
    assert (least.member_prefix, least.period_column) == ("member", None)
    assert card.read(GOOD.replace('person_column = "nr"', "")).person_column == "", (
        "the rules refuse it with better words"
    )


BAD = """
instead of                → there stands                         → the reason
asset = "pay"             →                                      → `asset` is missing
asset = "pay"             → asset = 5                            → `asset` is missing or not a text
asset = "pay"             → asset = " "                          → `asset` is missing or not a text
title = "Pay"             → title = true                         → `title` is missing or not a text
title = "Pay"             → titel = "Pay"                        → unknown field `titel`
title = "Pay"             → title = "Pay                         → not TOML
title = "Pay"             → title = "a" title = "b"              → not TOML
licence = "agreement"     → licence = ["a"]                      → `licence` is missing or not a text
keywords = ["wages", "hours"] → keywords = "wages"               → `keywords` is not a list of texts
keywords = ["wages", "hours"] → keywords = [1]                   → `keywords` is not a list of texts
once_per = ["year"]       → once_per = {a = 1}                   → `once_per` is not a list of texts
person_column = "nr"      → person_column = 1                    → `person_column` is missing or not a text
period_column = "year"    → period_column = ["year"]             → `period_column` is missing or not a text
rows_per_person = 4       →                                      → `rows_per_person` is missing
rows_per_person = 4       → rows_per_person = 4.0                → not a whole number
rows_per_person = 4       → rows_per_person = true               → not a whole number
rows_per_person = 4       → rows_per_person = "4"                → not a whole number
rows_per_person = 4       → rows_per_person = 9223372036854775808 → cannot be kept
[columns.nr]              → [columns]                            → `type` is not a table
type = "boolean"          → type = 1                             → `type` is missing or not a text
type = "boolean"          →                                      → `type` is missing
grade = "sensitive"       →                                      → has no grade
grade = "sensitive"       → grade = "secret"                     → unknown grade `secret`
grade = "sensitive"       → grade = 7                            → unknown grade `7`
grade = "sensitive"       → grade = -1                           → unknown grade `-1`
grade = "sensitive"       → grade = true                         → unknown grade `True`
grade = "sensitive"       → grade = 2.0                          → unknown grade `2.0`
grade = "sensitive"       → grade = [2]                          → unknown grade `[2]`
grade = "sensitive"       → grade = {a = 2}                      → unknown grade
unit = "EUR"              → unit = 5                             → `unit` is missing or not a text
unit = "EUR"              → units = "EUR"                        → unknown field `units`
decimals = 2              → decimals = 2.0                       → `decimals` is missing or not a whole
decimals = 2              → decimals = -1                        → cannot have -1 decimals
decimals = 2              → decimals = 10                        → cannot have 10 decimals
decimals = 2              → decimals = 1000000000                → cannot have 1000000000 decimals
decimals = 2              → decimals = 0                         → `low` has more than 0 decimals
low = -0.5                → low = "0"                            → `low` is not a number
low = -0.5                → low = true                           → `low` is not a number
low = -0.5                → low = -0.555                         → `low` has more than 2 decimals
low = -0.5                → low = nan                            → `low` is not a number
high = 20.1               → high = inf                           → `high` is not a number
high = 20.1               → high = 1e300                         → cannot be kept
values = [2021, 2022]     → values = 2021                        → `values` is not a list
values = [2021, 2022]     → values = "abc"                       → `values` is not a list
values = [2021, 2022]     → values = {a = 1}                     → `values` is not a list
values = [2021, 2022]     → values = [[2021]]                    → `values` is not a list
values = [2021, 2022]     → values = [2021.5]                    → `values` is not a list
values = [2021, 2022]     → values = [2021-01-01]                → `values` is not a list
values = [2021, 2022]     → values = [99999999999999999999]      → cannot be kept
values = [2021, 2022]     → values = [2021-13-41]                → not TOML
"Größe"                   → "Gro\\u0308ße"                       → cannot be kept
"""


@pytest.mark.parametrize(("old", "new", "reason"), [line.split("→") for line in BAD.strip().splitlines()[1:]])
def test_a_bad_card_is_refused_with_its_reason(old: str, new: str, reason: str) -> None:
    assert old.strip() in GOOD
    with pytest.raises(BadInput) as bad:
        card.read(GOOD.replace(old.strip(), new.strip(), 1))
    assert bad.value.code == "input.card"
    assert reason.strip() in str(bad.value) and bad.value.remedy


@pytest.mark.parametrize(
    "text",
    ["", "asset", "columns = 5", GOOD.partition("[columns")[0], GOOD.partition("[columns")[0] + "[columns]",
     "[[columns]]", "a = " + "[" * 5_000, "a = " + "9" * 5_000,
     GOOD + "\0", GOOD.replace("Größe", unicodedata.normalize("NFD", "Größe"))],
)  # fmt: skip
def test_what_is_no_card_at_all(text: str) -> None:
    with pytest.raises(BadInput):
        card.read(text)


@settings(max_examples=200)
@given(st.data())
def test_a_card_with_a_piece_changed_is_read_or_refused(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 6)))
        text = (
            text[:start]
            + data.draw(st.sampled_from(["", "[", "]", "=", '"', "1", "-", ".", "true", "nan", "\n", "{}"]))
            + text[end:]
        )
    try:
        assert isinstance(card.read(text), Card)
    except BadInput as bad:
        assert bad.code == "input.card" and bad.remedy  # noqa: PT017


# --- proposals

decimals = st.integers(0, 6)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def columns_seen(draw: st.DrawFn) -> ColumnSeen:
    """A column as the engine sees it: its values and extremes are the table's own texts."""
    name, kind = draw(names), draw(st.sampled_from(["integer", "decimal", "text", "boolean"]))
    nulls, digits = draw(st.integers(0, 3)), draw(decimals) if kind == "decimal" else 0
    value = {
        "integer": st.integers(-(2**40), 2**40).flatmap(lambda n: st.sampled_from([str(n), f"{n:05d}", f"{n:+d}"])),
        "decimal": st.integers(-(10**9), 10**9).map(lambda n: str(Decimal(n).scaleb(-digits))),
        "text": names,
        "boolean": st.sampled_from(["true", "false", "True", "FALSE"]),
    }[kind]
    found = draw(st.lists(value, max_size=4, unique=True))
    ends = sorted(found, key=Decimal) if kind in ("integer", "decimal") else sorted(found)
    listed = tuple(found) if draw(st.booleans()) else ()
    return ColumnSeen(name, kind, digits, nulls, len(found), ends[0] if ends else "", ends[-1] if ends else "", listed)


def filled(proposal: str) -> str:
    """With what only a person can say about the table."""
    return proposal.replace('description = ""', 'description = "d"').replace('licence = ""', 'licence = "l"')


@given(st.text(max_size=10).map(lambda name: f"n{name}"), st.lists(columns_seen(), min_size=1, max_size=5, unique_by=lambda c: (
    unicodedata.normalize("NFC", c.name))))  # fmt: skip
def test_every_proposal_reads_back(name: str, seen: list[ColumnSeen]) -> None:
    if any(0xD800 <= ord(c) < 0xE000 for c in name):
        return
    proposed = card.read(filled(card.propose(name, seen)))
    assert [c.name for c in proposed.columns] == [unicodedata.normalize("NFC", c.name) for c in seen]
    assert all(c.grade == 3 and c.data_class == "personal" for c in proposed.columns), (
        "guesses are on the cautious side"
    )
    for column, was in zip(proposed.columns, seen, strict=True):
        assert column.type == was.type and column.decimals == was.decimals
        assert len(set(column.values)) == len(column.values)
        if column.name == proposed.person_column:
            assert (column.values, column.low) == ((), None)
        elif was.type in ("integer", "decimal") and column.low is not None and column.high is not None:
            assert [Decimal(column.low), Decimal(column.high)] == [
                Decimal(e).scaleb(was.decimals) for e in (was.low, was.high)
            ]
        elif was.type == "text" and was.values:
            assert set(column.values) == {unicodedata.normalize("NFC", value) for value in was.values}


TABLE = """nr,year,pay,rate,member,city,empty,code,tiny,far
1,2021,10.5,0.1234567,true,Malmö,,007,1e-05,inf
2,2022,11.25,-3,FALSE,"a ""b"" \\c",,01,0.5,1
3,2021,,4,True,north,,7,2,2
"""


def test_a_proposal_made_from_a_table_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "pay.csv"
    path.write_text(TABLE, encoding="utf-8")
    text = card.propose("Pay 2026", inspect(path))
    with pytest.raises(BadInput, match="`description` is missing"):
        card.read(text)
    proposed = card.read(filled(text))
    columns = {column.name: column for column in proposed.columns}
    assert list(columns) == TABLE.splitlines()[0].split(",")
    assert proposed.person_column == "nr"
    assert columns["year"].values == (2021, 2022)
    assert (columns["pay"].low, columns["pay"].high, columns["pay"].decimals) == (1050, 1125, 2)
    assert columns["member"].values in ((False, True), (True, False))
    assert set(columns["city"].values) == {"Malmö", 'a "b" \\c', "north"}
    assert set(columns["code"].values) == {1, 7}
    assert columns["empty"].low is None and columns["empty"].values == ()
