"""The table of grades: dated, complete, stricter from grade to grade, and the same in the docs."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from usufruct.core.base import instants
from usufruct.core.rulebook import grades
from usufruct.core.rulebook.grades import ASSURANCES, GRADES, SCHEMES, TABLES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "grades.md"
START = instants.parse("2026-01-01")


def test_a_table_is_found_by_its_day_and_by_what_was_known() -> None:
    assert grades.in_force(START) is TABLES[0]
    assert grades.in_force(instants.parse("2031-05-05")) is TABLES[-1]
    with pytest.raises(KeyError):
        grades.in_force(instants.parse("2025-12-31"))
    with pytest.raises(KeyError):
        grades.in_force(START, known=instants.parse("2025-12-31"))
    for table in TABLES:
        assert table.source and table.authority and len(table.grades) == 7


def test_no_grade_is_handled_more_freely_than_the_one_below() -> None:
    for table in TABLES:
        for lower, higher in pairwise(table.grades):
            assert set(higher.forms) <= set(lower.forms)
            assert higher.group_min >= lower.group_min
            assert grades.reaches(higher.assurance, lower.assurance)
            assert higher.decision_seconds <= lower.decision_seconds
            assert list(grades.BASES).index(higher.basis) >= list(grades.BASES).index(lower.basis)
            assert list(grades.LOGS).index(higher.log) >= list(grades.LOGS).index(lower.log)
            assert higher.pseudonymised_export <= lower.pseudonymised_export
            assert higher.two_persons >= lower.two_persons
            if lower.number:  # naming the source is asked of open data only
                assert set(lower.obligations) <= set(higher.obligations)


def test_floors_and_raises_are_grades() -> None:
    for table in TABLES:
        assert (table.pseudonymised_floor, table.anonymised_floor) == (2, 1)
        assert 0 < table.join_raise <= table.raise_cap < 5 and table.volume_raise > 0
        assert table.volume_persons == 1_000_000


def test_assurance_is_an_order_and_what_is_unknown_reaches_nothing() -> None:
    order = list(ASSURANCES)
    for one in order:
        for other in order:
            assert grades.reaches(one, other) == (order.index(one) >= order.index(other))
        assert not grades.reaches("", one) and not grades.reaches(one, "very high")


def test_every_mapping_has_a_source_and_keeps_the_order() -> None:
    assert {scheme.name for scheme in SCHEMES} >= {"GB/T 43697-2024", "FIPS 199", "TLP 2.0", "DataTags"}
    for scheme in SCHEMES:
        assert scheme.source and len(scheme.levels) == len(GRADES)
        seen = [level for level in scheme.levels if level]
        assert [seen[0], *(b for a, b in pairwise(seen) if a != b)] == list(dict.fromkeys(seen))


def cells(section: str) -> list[list[str]]:
    found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert found, section
    lines = [line for line in found[1].splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_says_what_the_table_says() -> None:
    table = TABLES[-1]
    assert cells("How each grade is handled") == [
        [
            str(g.number), g.name, ", ".join(g.forms) or "nothing", str(g.group_min or "none"), g.assurance,
            f"{g.decision_seconds:,}" if g.decision_seconds else "this decision", g.basis, g.log,
            "yes" if g.pseudonymised_export else "no", "yes" if g.two_persons else "no", ", ".join(g.obligations) or "none",
        ]
        for g in table.grades
    ]  # fmt: skip
    words = {**grades.ASSURANCES, **grades.BASES, **grades.LOGS, **grades.OBLIGATIONS}
    assert {row[0].strip("`"): row[1] for row in cells("What the words mean")} == words
    assert [row[1].replace(",", "") for row in cells("Floors and raises")] == [
        str(n) for n in (
            table.pseudonymised_floor, table.anonymised_floor, table.join_raise, table.volume_raise, table.volume_persons,
            table.raise_cap,
        )
    ]  # fmt: skip
    assert cells("In the words of others") == [
        [s.name, *(level or "–" for level in s.levels), s.source] for s in SCHEMES
    ]
    page = PAGE.read_text(encoding="utf-8")
    assert table.source in page and table.authority in page and table.effective[:10] in page
