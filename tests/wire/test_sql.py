"""The SQL gate: what it takes over, what it refuses, that nothing is dropped on the way, and that it never falls over."""

from __future__ import annotations

import pytest
from corpus import ALLOWED, REFUSED, lines, shown

from usufruct.core.base import canonical
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.question import Call, Question, Ref, Value, in_words
from usufruct.wire import sql


@pytest.mark.parametrize(("text", "meaning"), lines(ALLOWED))
def test_allowed(text: str, meaning: str) -> None:
    question = sql.parse(text)
    assert isinstance(question, Question), question
    assert shown(question) == meaning
    assert question.text == text and in_words(question)


@pytest.mark.parametrize(("text", "code", "named"), lines(REFUSED))
def test_refused(text: str, code: str, named: str) -> None:
    refusal = sql.parse(text)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.code == code
    assert named in refusal.reasons[0]
    assert refusal.remedy and "``" not in refusal.reasons[0]


REMEDIES = [
    ("SELECT * FROM pay JOIN other USING (nr)", "the rows of one asset"),
    ("SELECT COUNT(*) FROM a CROSS JOIN b", "on the person"),
    ("SELECT COUNT(*) FROM a JOIN b ON a.x < b.x", "WHERE for the rest"),
    ("SELECT MAX(pay) FROM pay", "QUANTILE_CONT(column, 0.99)"),
    ("SELECT AVG(pay), year FROM pay", "add it to GROUP BY"),
    ("SELECT DISTINCT year FROM pay", "use GROUP BY"),
    ("SELECT COUNT(*) FROM pay WHERE year = ?", "write the value itself"),
    ("SELECT COUNT(*) FROM pay LIMIT 5%", "whole number"),
    ("SELECT COUNT(*) FROM pay ORDER BY pay", "order by one of count"),
    ("SELECT COUNT(*) FROM main.pay", "name the asset alone"),
    ("SELECT AVG(pay / 2) FROM pay", "FLOOR(a / 10)"),
    ("DROP TABLE pay", "begin with SELECT"),
    ("SELECT width_bucket(pay) FROM pay", "QUANTILE_CONT, with WHERE"),
]


@pytest.mark.parametrize(("text", "remedy"), REMEDIES)
def test_a_remedy_fits_what_was_tried(text: str, remedy: str) -> None:
    refusal = sql.parse(text)
    assert isinstance(refusal, Refusal)
    assert remedy in refusal.remedy


BASE = "SELECT year, AVG(pay) AS p FROM pay WHERE hours = 1 GROUP BY year ORDER BY p LIMIT 9"
ADDITIONS = """
DISTINCT / ON (year) / AS STRUCT / TOP 5                       → SELECT
HIGH_PRIORITY / SQL_NO_CACHE / STRAIGHT_JOIN                   → SELECT
AS y / + 1 / ::TEXT / COLLATE NOCASE / IS NULL / OVER () / , hours / , COUNT(*) / [1] / .x / , * → SELECT year
DISTINCT / pay + / -                                           → AVG(
, 2 / ORDER BY year / IGNORE NULLS / + 1                       → AVG(pay
FILTER (WHERE year = 1) / OVER () / WITHIN GROUP (ORDER BY pay) / + 1 / IGNORE NULLS → AVG(pay)
2 / , COUNT(*) AS n                                            → AS p
ONLY / main. / LATERAL / (SELECT 1), / other,                  → FROM
, other / JOIN other USING (nr) / TABLESAMPLE 5% / USING SAMPLE 5 / .pay / () / AS p(a) / @s / WITH ORDINALITY → FROM pay
PIVOT (COUNT(*) FOR a IN (1)) / AT (VERSION => 3) / FOR UPDATE / CROSS JOIN other / ASOF JOIN other USING (a) → FROM pay
NOT / - / EXISTS / a AND / a = 1 OR                            → WHERE
0 / .5 / AND a = 2 / OR a = 2 / + 1 / ::INT / IS TRUE / BETWEEN 1 AND 2 / COLLATE C / AND NOT a → WHERE hours = 1
ALL / ROLLUP / CUBE / GROUPING SETS                            → GROUP BY
, region / WITH TOTALS / WITH ROLLUP / HAVING AVG(pay) > 1 / QUALIFY 1 / WINDOW w AS () / + 1 → GROUP BY year
DESC / NULLS FIRST / , year / COLLATE C / + 1 / WITH FILL / OFFSET 1 → ORDER BY p
0 / % / PERCENT / OFFSET 1 / , 5 / WITH TIES / BY year / + 1   → LIMIT 9
FOR UPDATE / UNION SELECT 1, 2 / EXCEPT SELECT 1, 2 / USING SAMPLE 5 / |> WHERE a = 1 / ; SELECT 1 / RETURNING * → LIMIT 9
"""
CASES = [(after, word.strip()) for words, after in lines(ADDITIONS) for word in words.split(" / ")]


@pytest.mark.parametrize(("after", "word"), CASES)
def test_nothing_is_dropped(after: str, word: str) -> None:
    """Whatever is added to a question changes what is asked, or is refused."""
    base = sql.parse(BASE)
    assert isinstance(base, Question)
    place = BASE.index(after) + len(after)
    changed = f"{BASE[:place]}{'' if word[0] in '0.@' else ' '}{word} {BASE[place:].lstrip()}"
    found = sql.parse(changed)
    assert isinstance(found, Refusal) or shown(found) != shown(base), shown(found)


HARMLESS = [
    ("SELECT", "SELECT ALL"), ("pay)", "/* */ pay)"),
    ("p LIMIT", "p ASC LIMIT"), ("p LIMIT", "p NULLS LAST LIMIT"), ("hours = 1", "(hours = 1)"), ("= 1", "= +1"), ("AS p", "p"),
    ("9", "9;"), ("SELECT", "select"), ("GROUP BY year", "GROUP BY 1"), ("ORDER BY p", "ORDER BY 2"), ("pay WHERE", '"PAY" WHERE'),
    ("= 1", "\n=\t1"), ("= 1", "= 1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "other"), HARMLESS)
def test_the_same_in_other_words_is_the_same_question(part: str, other: str) -> None:
    one, same = sql.parse(BASE), sql.parse(BASE.replace(part, other, 1))
    assert isinstance(one, Question) and isinstance(same, Question)
    assert BASE.replace(part, other, 1) != BASE
    assert shown(same) == shown(one)


HUGE: dict[str, tuple[str, str]] = {
    "too long": ("SELECT COUNT(*) FROM pay" + " " * 9_977, "longer than 10000"),
    "5000 parentheses": ("(" * 4_990 + "1" + ")" * 4_990, "nested too deeply"),
    "in a condition": (f"SELECT COUNT(*) FROM pay WHERE {'(' * 4_900}year = 1{')' * 4_900}", "nested too deeply"),
    "100 parentheses": (f"SELECT COUNT(*) FROM pay WHERE {'(' * 100}year = 1{')' * 100}", ""),
    "NOT NOT NOT": (f"SELECT COUNT(*) FROM pay WHERE {'NOT ' * 2_000}member", "nested too deeply"),
    "AND": (f"SELECT COUNT(*) FROM pay WHERE a = 1{' AND a = 1' * 200}", "nested too deeply"),
    "subqueries": ("SELECT COUNT(*) FROM " + "(SELECT * FROM " * 500 + "pay", "nested too deeply"),
    "lists": ("SELECT " + "[" * 4_900, "nested too deeply"),
    "structs": ("SELECT " + "{'a':" * 1_900, "nested too deeply"),
    "calls": ("SELECT " + "f(" * 3_000 + ")" * 3_000, "nested too deeply"),
    "cases": ("SELECT " + "CASE WHEN " * 900 + "1", "nested too deeply"),
    "a sum": ("SELECT " + "1+" * 4_900 + "1 FROM pay", "nested too deeply"),
    "a NUL": ("SELECT COUNT(*) FROM pay \0", "U+0000"),
    "a NUL in a text": ("SELECT COUNT(*) FROM pay WHERE note = 'a\0'", "U+0000"),
    "half a character": ("SELECT COUNT(*) FROM pay WHERE note = '\ud800'", "U+D800"),
    "an escape": ("SELECT COUNT(*) FROM pay -- \x1b[2J", "U+001B"),
    "writing turned around": ("SELECT COUNT(*) FROM pay -- \u202e txet", "U+202E"),
    "no width": ("SELECT COUNT(*) FROM pa\u200by", "U+200B"),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_is_too_large_or_cannot_be_seen(name: str) -> None:
    text, reason = HUGE[name]
    refusal = sql.parse(text)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "query.malformed"
    assert reason in refusal.reasons[0] and refusal.remedy


def test_the_longest_text_and_the_widest_list_are_read() -> None:
    assert isinstance(sql.parse("SELECT COUNT(*) FROM pay" + " " * 9_976), Question)
    assert isinstance(sql.parse(f"SELECT COUNT(*) FROM pay WHERE year IN (1{', 1' * 3_000})"), Question)
    assert isinstance(sql.parse(f"SELECT COUNT(*) FROM pay WHERE a = 1{' AND a = 1' * 50}"), Question)


LOOKALIKES = [
    "SELECT COUNT(*) FROM раy",
    "SELECT COUNT(*) FROM ｐａｙ",
    "SELECT COUNT(*) FROM pay\u0301",
    "SELECT AVG(pаy) FROM pay",
]


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_lookalike_is_another_name(text: str) -> None:
    question = sql.parse(text)
    assert isinstance(question, Refusal) or (question.asset, *question.named(question.scans[0])) not in (
        ("pay",),
        ("pay", "pay"),
    )


def test_letters_are_kept_in_one_spelling() -> None:
    """What the question becomes can be written into the journal, which takes no other spelling."""
    question = sql.parse("SELECT COUNT(*) AS e\u0301 FROM pay WHERE note = 'e\u0301'")
    assert isinstance(question, Question)
    assert question.labels == ("\u00e9",) and question.where == Call("=", (Ref("note"), Value("\u00e9")))
    canonical.encode([question.text, *question.labels])
    assert isinstance(sql.parse("SELECT COUNT(*) FROM pay\u037e DROP TABLE pay"), Refusal), (
        "a Greek question mark is a semicolon"
    )


IN_WORDS = """
SELECT COUNT(*) FROM pay                                      → the number of rows
SELECT COUNT(DISTINCT nr), AVG(pay) FROM pay                  → the number of persons and the average of pay
SELECT SUM(a), SUM(b), SUM(c) FROM pay GROUP BY year          → the sum of a, the sum of b and the sum of c by year
SELECT COUNT(pay) FROM pay WHERE a = 1 AND b = 2 GROUP BY x, y → the number of rows of pay by x and y, for rows with a, b as stated
SELECT year FROM pay LIMIT 5                                  → the rows of pay
"""


@pytest.mark.parametrize(("text", "words"), lines(IN_WORDS))
def test_what_was_asked_in_words(text: str, words: str) -> None:
    question = sql.parse(text)
    assert isinstance(question, Question)
    assert in_words(question) == words
