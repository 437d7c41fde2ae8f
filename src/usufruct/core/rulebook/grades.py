"""Classes and grades: what kind of data something is, and how much harm its misuse would do.

The class says whose interest is at stake (public, enterprise or personal data); the grade, 0 to 6, says how much. What
a grade allows is data, in `grades.toml`. This node's reading is cautious: rows leave only at grades 0 and 1, and grades
5 and 6 are not served at all, for they need an authority's permit that the node cannot yet check.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources

CLASSES = ("public", "enterprise", "personal")
FORMS = {"rows": "records as they are", "aggregates": "differentially private aggregates"}


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade: `harm` if data of this grade are misused, and the `forms` of answer that may leave the node."""

    number: int
    name: str
    harm: str
    forms: tuple[str, ...]


def _load() -> tuple[Grade, ...]:
    text = resources.files(__package__).joinpath("grades.toml").read_text(encoding="utf-8")
    return tuple(
        Grade(entry["number"], entry["name"], entry["harm"], tuple(entry["forms"]))
        for entry in tomllib.loads(text)["grade"]
    )


GRADES = _load()
BY_NAME = {grade.name: grade for grade in GRADES}
