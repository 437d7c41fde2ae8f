"""Frameworks of skills as files: ESCO's tables as they are published, and a plain one; what is missing stops the reading."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.work.skills.rules import OTHERS_MAX
from usufruct.wire import esco, stack

# Rows that are made up, under the columns of the published tables: 1.0.9 and 1.1, then 1.2 with more of them.
SKILLS_1_0 = """conceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels,status,modifiedDate,scopeNote
KnowledgeSkillCompetence,http://s.example/1,skill/competence,cross-sector,drive a van,"driving vans
van driving",released,2016-12-20,
KnowledgeSkillCompetence,http://s.example/2,knowledge,sector-specific,"vans, their kinds",,released,2016-12-20,
"""
SKILLS_1_2 = (
    "\ufeffconceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels,hiddenLabels,status,modifiedDate,"
    "scopeNote,definition,inScheme,description\n"
    "KnowledgeSkillCompetence,http://s.example/1,skill/competence,cross-sector,drive a van,driving vans | van driving,,"
    "released,2023-11-30T15:53:37.136Z,,,http://scheme.example,Drives\n"
)
BROADER = """conceptType,conceptUri,broaderType,broaderUri
KnowledgeSkillCompetence,http://s.example/1,SkillGroup,http://s.example/G1.1
KnowledgeSkillCompetence,http://s.example/2,KnowledgeSkillCompetence,http://s.example/1
KnowledgeSkillCompetence,http://s.example/1,SkillGroup,http://isced.example/9
"""
HIERARCHY = """Level 0 URI,Level 0 preferred term,Level 1 URI,Level 1 preferred term,Level 2 URI,Level 2 preferred term,Level 3 URI,Level 3 preferred term,Description
http://s.example/G,skills,,,,,,,
http://s.example/G,skills,http://s.example/G1,moving,,,,,
http://s.example/G,skills,http://s.example/G1,moving,http://s.example/G1.1,driving,,,
"""  # noqa: E501
RELATIONS = """occupationUri,relationType,skillType,skillUri
http://o.example/1,essential,skill/competence,http://s.example/1
http://o.example/1,optional,knowledge,http://s.example/2
http://o.example/2,essential,knowledge,http://s.example/2
"""


def test_esco_is_read_with_its_groups_and_branches() -> None:
    found = esco.read(SKILLS_1_0.encode(), BROADER.encode(), HIERARCHY.encode())
    named = {one.uri.removeprefix("http://s.example/"): one for one in found.skills}
    assert set(named) == {"1", "2", "G", "G1", "G1.1"}
    assert (named["1"].label, named["1"].others) == ("drive a van", ("driving vans", "van driving"))
    assert named["1"].broader == ("http://s.example/G1.1",)
    assert named["2"].label == "vans, their kinds" and named["2"].broader == ("http://s.example/1",)
    assert [named[name].broader for name in ("G", "G1", "G1.1")] == [
        (), ("http://s.example/G",), ("http://s.example/G1",)
    ]  # fmt: skip
    assert found.left_out == 1, "a field of education is no skill"


def test_another_version_another_order_another_case_and_a_mark_change_nothing() -> None:
    (first,) = esco.read(SKILLS_1_2.encode()).skills
    rows = list(csv.reader(io.StringIO(SKILLS_1_2.removeprefix("\ufeff"))))
    text = io.StringIO()
    csv.writer(text).writerows([row[::-1] for row in ([name.upper() for name in rows[0]], *rows[1:])])
    assert esco.read(text.getvalue().encode()).skills == (first,)
    assert first.others == ("driving vans", "van driving")


WRONG = {
    "no skills column": SKILLS_1_0.replace("preferredLabel", "label"),
    "no uri column": SKILLS_1_0.replace("conceptUri", "uri"),
    "a row without a label": SKILLS_1_0.replace("drive a van", ""),
    "a row without a URI": SKILLS_1_0.replace("http://s.example/2", " "),
    "a URI twice": SKILLS_1_0.replace("http://s.example/2", "http://s.example/1"),
    "quotes that do not end": SKILLS_1_0 + 'x,"y',
    "nothing": "",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_missing_is_not_guessed(name: str) -> None:
    with pytest.raises(BadInput):
        esco.read(WRONG[name].encode())


def test_the_line_is_named_and_other_letters_are_refused() -> None:
    with pytest.raises(BadInput, match="line 4"):
        esco.read(SKILLS_1_0.replace("http://s.example/2", "").encode())
    with pytest.raises(BadInput, match="UTF-8"):
        esco.read("conceptUri,preferredLabel\nx:y,caf\u00e9".encode("latin-1"))
    with pytest.raises(BadInput, match="broaderUri"):
        esco.read(SKILLS_1_0.encode(), BROADER.replace("broaderUri", "up").encode())


def test_what_an_occupation_asks_for() -> None:
    assert esco.asked_by(RELATIONS.encode(), "http://o.example/1") == ("http://s.example/1",)
    with pytest.raises(BadInput):
        esco.asked_by(RELATIONS.encode(), "http://o.example/9")


@pytest.mark.parametrize(
    ("names", "file"),
    [
        (["skills_en.csv", "skills_de.csv"], "skills_en.csv"), (["Skills_EN.csv"], "Skills_EN.csv"),
        (["skills.csv"], "skills.csv"), (["skills_de.csv"], None), (["skillsHierarchy_en.csv"], None),
    ],
)  # fmt: skip
def test_a_table_is_found_by_its_name(names: list[str], file: str | None) -> None:
    assert esco.file_of(esco.SKILLS, names) == file


def test_the_sample_is_a_framework_and_the_example_a_stack_over_it() -> None:
    found = esco.read_plain(stack.sample()).skills
    uris = {one.uri for one in found}
    assert len(found) == 22 and all(up in uris for one in found for up in one.broader)
    rule = stack.read(stack.example())
    assert {rule.skill, *rule.parts} <= uris and (rule.needed, rule.months) == (3, 24)


PLAIN_WRONG = ["uri\nurn:a", "uri,label\nurn:a,", "uri,label\nurn:a,a\nurn:a,b", "uri,label,broader\nurn:a,a,urn:b"]


@pytest.mark.parametrize("text", PLAIN_WRONG)
def test_a_plain_framework_that_lacks_something_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        esco.read_plain(text.encode())


LABELS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=30).filter(str.strip)


@given(st.lists(st.tuples(LABELS, st.lists(LABELS, max_size=3)), min_size=1, max_size=8))
def test_whatever_is_written_is_read(made: list[tuple[str, list[str]]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["others", "label", "uri"])
    for n, (label, others) in enumerate(made):
        writer.writerow(["|".join(other.replace("|", " ") for other in others), label, f"urn:{n}"])
    found = esco.read_plain(text.getvalue().encode()).skills
    assert [one.uri for one in found] == [f"urn:{n}" for n in range(len(made))]
    assert all(one.label and len(one.others) <= OTHERS_MAX for one in found)


STACK_WRONG = [
    "name = 1", stack.example() + "more = 1", stack.example().replace("needed = 3", "needed = true"),
    stack.example().replace("authority", "author"), stack.example().replace("months = 24", 'months = "24"'), "parts = [",
]  # fmt: skip


@pytest.mark.parametrize("text", STACK_WRONG)
def test_a_stack_that_cannot_be_read(text: str) -> None:
    with pytest.raises(BadInput):
        stack.read(text)
