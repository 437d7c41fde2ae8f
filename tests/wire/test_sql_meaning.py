"""A condition means what DuckDB takes it to mean: the same rows, nulls and all, by the gate and by the text itself."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.relations import where
from usufruct.core.registry.facts import Column, Quality
from usufruct.core.registry.state import Asset
from usufruct.engine.statements import over_columns
from usufruct.wire import sql

LITERALS = {
    "year": ["2021", "2022", "-2022", "+2022", "2022.0"], "region": ["'north'", "'x'"], "note": ["'a'", "'o''x'", "'9'"],
    "member": ["true", "false"], "pay": ["0", "1.5", "-0.50", ".5", "2"], "tax": ["0.5", "1.25", "0"],
}  # fmt: skip
TYPES = {"year": "integer", "region": "text", "note": "text", "member": "boolean", "pay": "decimal", "tax": "decimal"}
COLUMNS = tuple(Column(name, type, "personal", 2, decimals=2 * (type == "decimal")) for name, type in TYPES.items())
ASSET = Asset(
    id="t", publisher="p", source="s", title="t", description="d", licence="l", keywords=(), version="v", person_column="nr",
    columns=COLUMNS, rows_per_person=1, once_per=(), quality=Quality(1, 1, ()), since=END_OF_TIME,
)  # fmt: skip

ROWS = """
SELECT row_number() OVER () AS nr, year, region, note, member, pay, tax
FROM (VALUES (2021), (2022), (NULL)) AS a(year), (VALUES ('north'), (NULL)) AS b(region),
     (VALUES ('a'), ('o''x'), ('9'), (NULL)) AS c(note), (VALUES (true), (false), (NULL)) AS d(member),
     (VALUES (0::DECIMAL(9, 2)), (1.5), (-0.5), (NULL)) AS e(pay), (VALUES (0::DECIMAL(9, 2)), (1.25), (NULL)) AS f(tax)
"""


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute(f"CREATE TABLE t AS {ROWS}")
    made.execute("CREATE VIEW kept AS SELECT * REPLACE ((pay * 100)::BIGINT AS pay, (tax * 100)::BIGINT AS tax) FROM t")
    return made


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> str:
    column = draw(st.sampled_from(sorted(LITERALS)))
    literal = st.sampled_from(LITERALS[column])
    operator = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "!=", "=="]))
    kind = draw(st.integers(0, 9 if depth else 6))
    if kind == 0:
        return f"{column} {operator} {draw(literal)}"
    if kind == 1:
        return f"{draw(literal)} {operator} ({column})"
    no = draw(st.sampled_from(["", "NOT "]))
    if kind == 2:
        return f"{column} {no}IN ({', '.join(draw(st.lists(literal, min_size=1, max_size=3)))})"
    if kind == 3:
        return f"{column} {no}BETWEEN {draw(literal)} AND {draw(literal)}"
    if kind == 4:
        return f"{column} IS {no}NULL"
    if kind in (5, 6):
        return draw(
            st.sampled_from(["member", "NOT member", f"member IS {no}TRUE", f"member IS {no}FALSE", "pay NOTNULL"])
        )
    if kind == 7:
        return f"NOT ({draw(conditions(depth - 1))})"
    both = draw(st.sampled_from(["AND", "OR"]))
    left, right = draw(conditions(depth - 1)), draw(conditions(depth - 1))
    return f"({left}) {both} {right}" if kind == 8 else f"{left} {both} {right}"


@settings(max_examples=200)
@given(text=conditions())
def test_the_same_rows(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    question = sql.parse(f"SELECT COUNT(*) FROM t WHERE {text}")
    assert isinstance(question, Question) and question.where is not None
    resolved = where(question.where, ASSET)
    assert not isinstance(resolved, Refusal), resolved
    ours, values = over_columns(resolved)
    found = connection.execute(f"SELECT nr FROM kept WHERE {ours} ORDER BY nr", values).fetchall()
    assert found == connection.execute(f"SELECT nr FROM t WHERE {text} ORDER BY nr").fetchall()
