"""Classes and grades: what kind of data something is, and how much harm its misuse would do.

The class says whose interest is at stake (public, enterprise or personal data); the grade, 0 to 6, says how much. What
a grade allows is data, in `grades.toml`, dated like every other rule: a decision of last year is made again with last
year's table. This node's reading is cautious: rows leave only at grades 0 and 1, and grades 5 and 6 are not served at
all, for they need an authority's permit that the node cannot check.

The numbers of the grades and their order never change, only how each is handled; so a grade can be kept in a fact.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any

from usufruct.core.base.instants import Instant, parse

CLASSES = ("public", "enterprise", "personal")
FORMS = {
    "rows": "records as they are",
    "masked": "records without what tells whom they are about",
    "cubes": "tables of totals declared beforehand, without small groups",
    "aggregates": "differentially private aggregates",
    "computation": "what is worked out in the node, such as a fitted model or the size of an overlap",
}
"""From the widest to the narrowest: what of a table leaves the node."""
RECORDS = ("rows", "masked")
"""The forms in which records leave, the wider first."""
ASSURANCES = {
    "none": "nobody needs to log in",
    "login": "whoever has an account or a token",
    "substantial": "the operator verified who she is, or she showed a credential of an issuer that the node trusts",
    "high": "the same, and the request itself is signed with a key that only she has",
}
"""From the weakest to the strongest: who reaches one reaches those before it."""
BASES = {
    "anybody": "no basis; anybody may use it",
    "agreement": "an agreement",
    "consent-or-law": "an agreement, and of each person consent or another basis in law",
    "explicit-or-statute": "an agreement, and of each person explicit consent or a named statute",
    "permit": "an authority's permit, which this node cannot check",
    "never": "no basis will do; it is not used through this node",
}
LOGS = {
    "use": "that it was used, by whom and for what",
    "full": "each use with question and answer",
    "full-reported": "each use with question and answer, reported to the authority",
}
OBLIGATIONS = {
    "attribute": "name the source",
    "watermark": "carry a mark that leads back to the requester",
    "notify": "tell the persons concerned",
    "delete-by": "delete by a day that the permit names",
}


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade: `harm` if data of this grade are misused, and how they are handled; `grades.toml` says what is what.

    `group_min` is in persons, `decision_seconds` how long a permit may be relied on (0: for this one decision).
    """

    number: int
    name: str
    harm: str
    forms: tuple[str, ...]
    group_min: int
    assurance: str
    decision_seconds: int
    basis: str
    log: str
    pseudonymised_export: bool
    two_persons: bool
    obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """All grades as they are handled from `effective` on, known since `known`; `grades[n]` is grade n.

    The floors are grades, the raises are in grades, `volume_persons` in persons; `grades.toml` says what is what.
    """

    effective: Instant
    known: Instant
    source: str
    authority: str
    pseudonymised_floor: int
    anonymised_floor: int
    join_raise: int
    volume_raise: int
    volume_persons: int
    raise_cap: int
    grades: tuple[Grade, ...]


@dataclass(frozen=True, slots=True)
class Scheme:
    """What somebody else calls our grades: `levels[n]` for grade n, None where there is no counterpart."""

    name: str
    source: str
    levels: tuple[str | None, ...]


def in_force(at: Instant, known: Instant | None = None) -> Table:
    """The table by which data are handled on `at`, as published by `known` (the same day unless said otherwise).

    Raises:
        KeyError: there was no table yet; a rule that reads it would be a bug.
    """
    for table in reversed(TABLES):  # they are in order
        if table.effective <= at and table.known <= (known or at):
            return table
    raise KeyError(f"there was no table of grades on {at}")


def reaches(assurance: str, wanted: str) -> bool:
    """Whether who is known with `assurance` is known as surely as `wanted`; what is unknown reaches nothing."""
    order = tuple(ASSURANCES)
    return assurance in order and wanted in order and order.index(assurance) >= order.index(wanted)


def _table(entry: dict[str, Any]) -> Table:
    grades = tuple(_grade(number, written) for number, written in enumerate(entry.pop("grade")))
    return Table(**_fields(entry), grades=grades)


def _grade(number: int, entry: dict[str, Any]) -> Grade:
    grade = Grade(**_fields(entry))
    assert grade.number == number, "grades are listed in their order"
    assert set(grade.forms) <= set(FORMS) and set(grade.obligations) <= set(OBLIGATIONS)
    assert grade.assurance in ASSURANCES and grade.basis in BASES and grade.log in LOGS
    return grade


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("-", "_"): _value(value) for name, value in entry.items()}


def _value(written: Any) -> Any:
    if isinstance(written, date):
        return parse(written.isoformat())
    return tuple(written) if isinstance(written, list) else written


def _load() -> tuple[tuple[Table, ...], tuple[Scheme, ...]]:
    entries = tomllib.loads(resources.files(__package__).joinpath("grades.toml").read_text(encoding="utf-8"))
    tables = tuple(sorted(map(_table, entries["table"]), key=lambda table: (table.effective, table.known)))
    numbers = [str(grade.number) for grade in tables[-1].grades]
    schemes = (Scheme(e["scheme"], e["source"], tuple(map(e["levels"].get, numbers))) for e in entries["mapping"])
    return tables, tuple(schemes)


TABLES, SCHEMES = _load()
GRADES = TABLES[-1].grades
"""The newest table, for what does not depend on a day: numbers, names, harm."""
BY_NAME = {grade.name: grade for grade in GRADES}
