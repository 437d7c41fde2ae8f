"""Frameworks of skills as files: ESCO's CSV, and a plain CSV of `uri,label,broader` for any other.

ESCO is published as tables in many languages. Three are read: `skills_en.csv` (what there is), and for the branches
`broaderRelationsSkillPillar_en.csv` (what lies under what) and `skillsHierarchy_en.csv` (the groups above the skills);
`occupationSkillRelations_en.csv` says what an occupation asks for. Columns are found by their names, in whatever order
and case, as versions 1.0.9 to 1.2 have them; a byte order mark is no part of the first name. What is missing is never
guessed: a column that is not there, a row without a URI or a URI twice stops the reading, with the number of its line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.work.skills.rules import LABEL_MAX, OTHERS_MAX
from usufruct.core.work.skills.state import NamedSkill

SKILLS, BROADER, HIERARCHY, OCCUPATIONS = (
    "skills", "broaderRelationsSkillPillar", "skillsHierarchy", "occupationSkillRelations"
)  # fmt: skip
LEVELS = 4
FILE_MAX = 200 * 1024 * 1024
"""Bytes of a file that is read; the largest of ESCO has some 10 million."""


@dataclass(frozen=True, slots=True)
class Found:
    """The skills that were read, and how many relations were left out, for they are about something that is not named."""

    skills: tuple[NamedSkill, ...]
    left_out: int


def file_of(table: str, names: Iterable[str], language: str = "en") -> str | None:
    """Which of these files holds a table of ESCO: `skills_en.csv`; some versions leave the language out."""
    wanted = (f"{table}_{language}.csv".lower(), f"{table}.csv".lower())
    return next((name for want in wanted for name in names if name.lower() == want), None)


def read(skills: bytes, broader: bytes | None = None, hierarchy: bytes | None = None) -> Found:
    """ESCO's skills, with what lies above each.

    Raises:
        BadInput: a column is missing, or a row lacks what it must have.
    """
    labels: dict[str, tuple[str, tuple[str, ...]]] = {}
    above: dict[str, list[str]] = {}
    for line, row in _rows(skills, f"{SKILLS}.csv", ("conceptUri", "preferredLabel"), ("altLabels",)):
        uri = _needed(row, "conceptUri", f"{SKILLS}.csv", line)
        if uri in labels:
            raise _wrong(f"{SKILLS}.csv", line, f"`{uri}` is there twice")
        others = row["altLabels"].replace(" | ", "\n").split("\n")
        labels[uri] = _cut(_needed(row, "preferredLabel", f"{SKILLS}.csv", line)), _others(others)
    for group, label, up in _groups(hierarchy) if hierarchy is not None else ():
        labels.setdefault(group, (label, ()))
        if up:
            above.setdefault(group, []).append(up)
    left_out = 0
    for line, row in _rows(broader, f"{BROADER}.csv", ("conceptUri", "broaderUri")) if broader is not None else ():
        narrow, up = (_needed(row, name, f"{BROADER}.csv", line) for name in ("conceptUri", "broaderUri"))
        if narrow in labels and up in labels:
            above.setdefault(narrow, []).append(up)
        else:
            left_out += 1
    found = (
        NamedSkill(uri, label, tuple(dict.fromkeys(above.get(uri, ()))), others)
        for uri, (label, others) in labels.items()
    )
    return Found(tuple(found), left_out)


def _groups(hierarchy: bytes) -> Iterator[tuple[str, str, str]]:
    """Each group of skills with its label, and the group right above it."""
    uris = [f"Level {level} URI" for level in range(LEVELS)]
    terms = [f"Level {level} preferred term" for level in range(LEVELS)]
    for _, row in _rows(hierarchy, f"{HIERARCHY}.csv", (uris[0], terms[0]), (*uris[1:], *terms[1:])):
        up = ""
        for uri, term in zip(uris, terms, strict=True):
            if row[uri] and row[term]:
                yield row[uri], _cut(row[term]), up
                up = row[uri]


def read_plain(text: bytes) -> Found:
    """A framework as CSV with the columns `uri`, `label` and, if it has branches, `broader`: URIs with spaces between.

    Raises:
        BadInput: a column is missing, a row has no URI or no label, or a URI is there twice.
    """
    found: dict[str, NamedSkill] = {}
    for line, row in _rows(text, "the file", ("uri", "label"), ("broader", "others")):
        uri = _needed(row, "uri", "the file", line)
        if uri in found:
            raise _wrong("the file", line, f"`{uri}` is there twice")
        label = _cut(_needed(row, "label", "the file", line))
        found[uri] = NamedSkill(uri, label, tuple(row["broader"].split()), _others(row["others"].split("|")))
    lost = [up for one in found.values() for up in one.broader if up not in found]
    if lost:
        raise BadInput(
            "input.skills", f"`{lost[0]}` is broader than others, and has no row", "give it a row of its own"
        )
    return Found(tuple(found.values()), 0)


def asked_by(relations: bytes, occupation: str) -> tuple[str, ...]:
    """The URIs of the skills that are essential to an occupation, by ESCO's relations.

    Raises:
        BadInput: a column is missing, or nothing is said of that occupation.
    """
    name, columns = f"{OCCUPATIONS}.csv", ("occupationUri", "relationType", "skillUri")
    rows = [row for _, row in _rows(relations, name, columns) if row["occupationUri"] == occupation]
    if not rows:
        raise BadInput("input.skills", f"{name} says nothing of `{occupation}`", "take the URI from occupations_en.csv")
    return tuple(row["skillUri"] for row in rows if row["relationType"].lower() == "essential" and row["skillUri"])


def _rows(
    text: bytes, name: str, needed: tuple[str, ...], wanted: tuple[str, ...] = ()
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows of a table with the numbers of their last lines; columns by name, `wanted` ones empty where there are none."""
    if len(text) > FILE_MAX:
        raise BadInput("input.skills", f"{name} is larger than {FILE_MAX} bytes", "give the file as it was published")
    try:
        lines = io.StringIO(text.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError:
        raise BadInput("input.skills", f"{name} is not in UTF-8", "save it in UTF-8") from None
    reader = csv.reader(lines, strict=True)
    try:
        head = {column.strip().lower(): place for place, column in enumerate(next(reader, []))}
        lost = [column for column in needed if column.lower() not in head]
        if lost:
            raise BadInput("input.skills", f"{name} has no column `{lost[0]}`", f"it needs {', '.join(needed)}")
        places = {column: head.get(column.lower()) for column in (*needed, *wanted)}
        for row in reader:
            if any(field.strip() for field in row):
                yield reader.line_num, {column: _field(row, place) for column, place in places.items()}
    except csv.Error as error:
        raise _wrong(name, reader.line_num, f"is no CSV: {error}") from None


def _field(row: list[str], place: int | None) -> str:
    return holdable(row[place].strip()) if place is not None and place < len(row) else ""


def _needed(row: Mapping[str, str], column: str, name: str, line: int) -> str:
    if not row[column]:
        raise _wrong(name, line, f"`{column}` is empty")
    return row[column]


def _wrong(name: str, line: int, what: str) -> BadInput:
    return BadInput(
        "input.skills", f"{name}, line {line}: {what}", "put it right, or take the file as it was published"
    )


def _cut(label: str) -> str:
    return label[:LABEL_MAX]


def _others(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_cut(label.strip()) for label in labels if label.strip()))[:OTHERS_MAX]
