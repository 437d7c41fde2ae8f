"""Laws of the SQL gate: every question comes back from its text, and whatever comes in, it never falls over."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from corpus import ALLOWED, REFUSED, lines, shown
from hypothesis import example, given, settings
from hypothesis import strategies as st

from usufruct.core.base.refusals import CODES, Refusal
from usufruct.core.privacy.question import (
    Call,
    Expression,
    Filter,
    Key,
    Measure,
    Ordering,
    Question,
    Ref,
    Relation,
    Scan,
    Value,
)
from usufruct.wire import sql

# --- any question that there is comes back from its text

names = st.sampled_from(["year", "pay", "hours", "region", "member", "note", "größe", "a b", "select"])
numbers = st.one_of(st.integers(-99, 99).map(Fraction), st.decimals(-9, 9, places=2).map(Fraction))
literals = st.builds(Value, st.one_of(st.booleans(), st.none(), numbers, st.text("ab'\";-% é", max_size=4)))
expressions: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(st.builds(Ref, names), literals),
    lambda inner: st.one_of(
        st.builds(Call, st.sampled_from(["+", "-", "*", "//", "%", "floor"]), st.tuples(inner, inner)),
        st.builds(Call, st.sampled_from(["least", "greatest", "coalesce"]), st.tuples(inner, inner, inner)),
        st.builds(Call, st.just("case"), st.tuples(inner, inner, inner)),
        st.builds(Call, st.just("abs"), st.tuples(inner)),
    ),
    max_leaves=5,
)
conditions: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(
        st.builds(Call, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), st.tuples(expressions, expressions)),
        st.lists(literals, min_size=1, max_size=3).flatmap(
            lambda among: expressions.map(lambda of: Call("in", (of, *among)))
        ),
        st.builds(Call, st.just("is null"), st.tuples(expressions)),
    ),
    lambda inner: st.one_of(
        st.builds(Call, st.just("not"), st.tuples(inner)),
        st.builds(Call, st.sampled_from(["and", "or"]), st.tuples(inner, inner)),
    ),
    max_leaves=6,
)
measures = st.one_of(
    st.just(("count", None)), st.tuples(st.just("persons"), st.builds(Ref, names)),
    st.tuples(st.sampled_from(["count", "sum", "average", "variance", "deviation", "quantile"]), expressions),
)  # fmt: skip


@st.composite
def questions(draw: st.DrawFn) -> Question:
    keys = tuple(Key(Ref(name), f"k{i}") for i, name in enumerate(draw(st.lists(names, unique=True, max_size=3))))
    made = tuple(
        Measure(*m, f"m{i}", Fraction(1, 4) if m[0] == "quantile" else Fraction(0))
        for i, m in enumerate(draw(st.lists(measures, min_size=1, max_size=3)))
    )
    labels = tuple(draw(st.permutations([*(k.label for k in keys), *(m.label for m in made)])))
    # keys and measures stand in a question in the order in which they were selected
    keys = tuple(sorted(keys, key=lambda k: labels.index(k.label)))
    made = tuple(sorted(made, key=lambda m: labels.index(m.label)))
    order = tuple(draw(st.lists(st.builds(Ordering, st.sampled_from(labels), st.booleans()), max_size=2)))
    limit = draw(st.none() | st.integers(0, 10**9 - 1))
    table: Relation = Scan("pay", "pay")
    where = draw(st.none() | conditions)
    table = Filter(table, where) if where is not None else table
    return Question("", table, "aggregates", (), keys, made, order=order, limit=limit, labels=labels)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def as_sql(of: Expression) -> str:
    match of:
        case Ref():
            return quoted(of.name)
        case Value(None):
            return "NULL"
        case Value(bool() as flag):
            return str(flag)
        case Value(Fraction() as number):
            return f"{float(number):.2f}" if number.denominator > 1 else str(number.numerator)
        case Value(text):
            return "'" + str(text).replace("'", "''") + "'"
        case Call(function, arguments):
            parts = [as_sql(argument) for argument in arguments]
            match function:
                case "is null":
                    return f"({parts[0]}) IS NULL"
                case "in":
                    return f"({parts[0]}) IN ({', '.join(parts[1:])})"
                case "not":
                    return f"NOT ({parts[0]})"
                case "floor":
                    return f"FLOOR(({parts[0]}) / ({parts[1]}))"
                case "case":
                    return f"CASE WHEN {parts[0]} THEN {parts[1]} ELSE {parts[2]} END"
                case _ if len(parts) == 2 and function not in ("least", "greatest", "coalesce"):
                    return f"({parts[0]}) {function} ({parts[1]})"
                case _:
                    return f"{function}({', '.join(parts)})"


CALLS: dict[str, Callable[[str], str]] = {
    "count": lambda c: f"COUNT({c})", "persons": lambda c: f"COUNT(DISTINCT {c})", "sum": lambda c: f"SUM({c})",
    "average": lambda c: f"AVG({c})", "variance": lambda c: f"VAR_SAMP({c})", "deviation": lambda c: f"STDDEV({c})",
    "quantile": lambda c: f"QUANTILE_CONT({c}, 0.25)",
}  # fmt: skip


@settings(max_examples=150)
@given(questions())
def test_every_question_comes_back_from_its_text(question: Question) -> None:
    columns = {k.label: as_sql(k.made) for k in question.keys}
    columns |= {m.label: CALLS[m.function](as_sql(m.argument) if m.argument else "*") for m in question.measures}
    text = f"SELECT {', '.join(f'{columns[label]} AS {label}' for label in question.labels)} FROM pay"
    if isinstance(question.relation, Filter):
        text += f" WHERE {as_sql(question.relation.condition)}"
    if question.keys:
        text += f" GROUP BY {', '.join(as_sql(k.made) for k in question.keys)}"
    if question.order:
        text += f" ORDER BY {', '.join(o.label + (' DESC' if o.descending else '') for o in question.order)}"
    if question.limit is not None:
        text += f" LIMIT {question.limit}"
    assert sql.parse(text) == replace(question, text=text)


# --- whatever comes in, a question or a refusal comes out

words = [w for row in lines(ALLOWED) + lines(REFUSED) for w in re.findall(r"\w+|'[^']*'|\"[^\"]*\"|\S", row[0])]
fragments = st.sampled_from(sorted(set(words)) + list("()[]{},.;*'\"-+%&|^~@#$?:=<>!/\\\n"))
soup = st.one_of(
    st.text(max_size=40), st.lists(fragments, max_size=25).map(" ".join), st.lists(fragments, max_size=12).map("".join)
)  # fmt: skip


def check(text: str) -> None:
    answer = sql.parse(text)
    assert isinstance(answer, Question | Refusal)
    if isinstance(answer, Refusal):
        assert answer.code in CODES and answer.reasons and answer.remedy
    else:
        assert (shown(answer) and len(set(answer.labels)) == len(answer.labels)) or answer.form == "rows"
        assert all(o.label in answer.labels for o in answer.order) or answer.form == "rows"


@given(soup)
@example("SHOW ALL")
@example('SELECT COUNT(*) FROM t ORDER BY "²"')
@example("SELECT COUNT(*) FROM (DESCRIBE t) x")
def test_any_text(text: str) -> None:
    check(text)


@settings(max_examples=300)
@given(st.sampled_from([row[0] for row in lines(ALLOWED) + lines(REFUSED)]), st.data())
def test_any_question_with_a_piece_put_in_or_taken_out(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        text = text[:start] + data.draw(st.sampled_from(["", " "])) + data.draw(fragments) + " " + text[end:]
    check(text)
