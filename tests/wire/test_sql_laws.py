"""Laws of the SQL gate: every question comes back from its text, and whatever comes in, it never falls over."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from corpus import ALLOWED, REFUSED, lines, shown
from hypothesis import example, given, settings
from hypothesis import strategies as st

from usufruct.core.base.refusals import CODES, Refusal
from usufruct.core.privacy.question import (
    Both,
    Comparison,
    Condition,
    Either,
    IsNull,
    Key,
    Literal,
    Measure,
    Not,
    OneOf,
    Ordering,
    Question,
)
from usufruct.wire import sql

# --- any question that there is comes back from its text

names = st.sampled_from(["year", "pay", "hours", "region", "member", "note", "größe", "a b", "select"])
literals: st.SearchStrategy[Literal] = st.one_of(
    st.booleans(), st.integers(-99, 99).map(str), st.decimals(-9, 9, places=2).map(lambda d: f"{d:f}"),
    st.text("ab'\";-% é", max_size=4).map(lambda t: f"'{t}"),
)  # fmt: skip
conditions: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(
        st.builds(Comparison, names, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), literals),
        st.builds(OneOf, names, st.lists(literals, min_size=1, max_size=3).map(tuple)),
        st.builds(IsNull, names),
    ),
    lambda inner: st.one_of(st.builds(Not, inner), st.builds(Both, inner, inner), st.builds(Either, inner, inner)),
    max_leaves=6,
)
measures = st.one_of(
    st.just(("count", None)), st.tuples(st.sampled_from(["count", "persons", "sum", "average"]), names)
)  # fmt: skip


@st.composite
def questions(draw: st.DrawFn) -> Question:
    keys = tuple(Key(name, f"k{i}") for i, name in enumerate(draw(st.lists(names, unique=True, max_size=3))))
    made = tuple(Measure(*m, f"m{i}") for i, m in enumerate(draw(st.lists(measures, min_size=1, max_size=3))))
    labels = tuple(draw(st.permutations([*(k.label for k in keys), *(m.label for m in made)])))
    # keys and measures stand in a question in the order in which they were selected
    keys = tuple(sorted(keys, key=lambda k: labels.index(k.label)))
    made = tuple(sorted(made, key=lambda m: labels.index(m.label)))
    order = tuple(draw(st.lists(st.builds(Ordering, st.sampled_from(labels), st.booleans()), max_size=2)))
    limit = draw(st.none() | st.integers(0, 10**9 - 1))
    return Question("", "pay", "aggregates", (), keys, made, draw(st.none() | conditions), order, limit, labels)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def written(literal: Literal) -> str:
    if isinstance(literal, str) and literal.startswith("'"):
        return "'" + literal[1:].replace("'", "''") + "'"
    return str(literal)


def as_sql(of: Condition) -> str:
    match of:
        case Comparison():
            return f"{quoted(of.column)} {of.operator} {written(of.literal)}"
        case OneOf():
            return f"{quoted(of.column)} IN ({', '.join(map(written, of.literals))})"
        case IsNull():
            return f"{quoted(of.column)} IS NULL"
        case Not():
            return f"NOT ({as_sql(of.condition)})"
        case _:
            return f"({as_sql(of.left)}) {'AND' if isinstance(of, Both) else 'OR'} ({as_sql(of.right)})"


def plain(of: Condition) -> Condition:
    """The condition with its texts without the mark that tells them from numbers here."""

    def text(literal: Literal) -> Literal:
        return literal[1:] if isinstance(literal, str) and literal.startswith("'") else literal

    match of:
        case Comparison():
            return replace(of, literal=text(of.literal))
        case OneOf():
            return replace(of, literals=tuple(map(text, of.literals)))
        case IsNull():
            return of
        case Not():
            return Not(plain(of.condition))
        case _:
            return type(of)(plain(of.left), plain(of.right))


CALLS: dict[str, Callable[[str], str]] = {
    "count": lambda c: f"COUNT({c})", "persons": lambda c: f"COUNT(DISTINCT {c})", "sum": lambda c: f"SUM({c})",
    "average": lambda c: f"AVG({c})",
}  # fmt: skip


@settings(max_examples=150)
@given(questions())
def test_every_question_comes_back_from_its_text(question: Question) -> None:
    columns = {k.label: quoted(k.column) for k in question.keys}
    columns |= {m.label: CALLS[m.function](quoted(m.column) if m.column else "*") for m in question.measures}
    text = f"SELECT {', '.join(f'{columns[label]} AS {label}' for label in question.labels)} FROM pay"
    if question.where:
        text += f" WHERE {as_sql(question.where)}"
    if question.keys:
        text += f" GROUP BY {', '.join(quoted(k.column) for k in question.keys)}"
    if question.order:
        text += f" ORDER BY {', '.join(o.label + (' DESC' if o.descending else '') for o in question.order)}"
    if question.limit is not None:
        text += f" LIMIT {question.limit}"
    where = plain(question.where) if question.where else None
    assert sql.parse(text) == replace(question, text=text, where=where)


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
