"""The classifier, measured on 200 made-up columns, and what holds of it whatever it is shown."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.registry.seen import ColumnProposed, ColumnSeen
from usufruct.engine import classify, intake
from usufruct.engine.classify import HARMLESS, PERSONAL, UNKNOWN, Sampled
from usufruct.wire import card

COLUMNS = Path(__file__).with_name("columns.txt").read_text(encoding="utf-8")


def dni(number: int) -> str:
    return f"{number:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def pesel(number: int) -> str:
    ten = f"{44051401000 // 10 + number * 37:010d}"
    return ten + str(-sum(int(d) * w for d, w in zip(ten, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True)) % 10)


def bsn(number: int) -> str:
    for nine in range(111_222_000 + number * 100, 111_222_000 + number * 100 + 99):
        digits = [int(d) for d in str(nine)]
        if (sum(d * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))) % 11 == 0:
            return str(nine)
    raise AssertionError


def luhn(number: int) -> str:
    body = f"411111{number:09d}"
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(body))]
    return body + str(-sum(d - 9 * (d > 9) for d in doubled) % 10)


def iban(number: int) -> str:
    bban = f"{37040044:08d}{number:010d}"
    return f"DE{98 - int(bban + '131400') % 97:02d}{bban}"


MADE: dict[str, Callable[[int], str]] = {
    "email": lambda n: f"person{n}@example.org",
    "phone": lambda n: f"+49 30 9018{n:04d}",
    "cnmobile": lambda n: f"1380013{8000 + n}",
    "serial": lambda n: str(70_300_000 + 17 * n),
    "uuid": lambda n: str(uuid.UUID(int=n * 7919 << 64 | n)),
    "hex": lambda n: hashlib.sha256(str(n).encode()).hexdigest(),
    "birth": lambda n: f"19{50 + n}-0{1 + n % 9}-1{n % 10}",
    "birthde": lambda n: f"1{n % 10}.0{1 + n % 9}.19{50 + n}",
    "ssn": lambda n: f"{212 + n}-{45 + n}-{6789 - n}",
    "dni": lambda n: dni(12_345_678 + 991 * n),
    "pesel": pesel,
    "bsn": bsn,
    "card": luhn,
    "iban": iban,
    "bcrypt": lambda n: f"$2b$12${hashlib.sha256(str(n).encode()).hexdigest()[:53]}",
}


def labelled() -> list[tuple[str, int | None, list[str]]]:
    """Name, true grade (None: about no person) and values of each column."""
    found = []
    for line in COLUMNS.splitlines()[2:]:
        if line.startswith("#"):
            continue
        name, truth, values = (part.strip() for part in line.split("|"))
        made = MADE[values[1:]] if values.startswith("@") else None
        shown = [made(n) for n in range(12)] if made else [value.strip() for value in values.split(";")]
        found.append((name, None if truth == "-" else int(truth), shown))
    return found


def kind_of(values: list[str]) -> str:
    if all(re.fullmatch(r"-?\d+", value) for value in values):
        return "integer"
    if all(re.fullmatch(r"-?\d+\.\d+", value) for value in values):
        return "decimal"
    return "boolean" if set(values) <= {"true", "false"} else "text"


def propose(name: str, values: list[str]) -> ColumnProposed:
    distinct = sorted(set(values))
    seen = ColumnSeen(name, kind_of(values), 0, 0, len(distinct), "", "", (), len(values))
    return classify.classify([Sampled(seen, distinct)])[0]


def measured() -> tuple[float, float, float]:
    """Recall of personal columns on the cautious side, precision, and the share of columns graded exactly right."""
    caught = personal = called = right = 0
    missed = []
    for name, truth, values in labelled():
        proposed = propose(name, values)
        called += proposed.data_class == "personal"
        right += proposed.grade == truth if truth else proposed.data_class != "personal"
        if truth:
            personal += 1
            good = proposed.data_class == "personal" and proposed.grade >= truth
            caught += good
            missed += [] if good else [(name, truth, proposed)]
    assert called, "nothing is called personal"
    both = sum(1 for name, truth, values in labelled() if truth and propose(name, values).data_class == "personal")
    print(f"recall {caught / personal:.3f}, precision {both / called:.3f}, exact {right / 200:.3f}; missed {missed}")
    return caught / personal, both / called, right / 200


def test_the_set_is_as_large_as_it_says() -> None:
    assert len(labelled()) == 200 == len({name for name, _, _ in labelled()})


def test_recall_of_personal_columns_and_precision() -> None:
    recall, precision, exact = measured()
    assert recall >= 0.98
    assert precision >= 0.9
    assert exact >= 0.8


def test_recall_does_not_rest_on_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "_library", lambda name: None)
    recall, _, _ = measured()
    assert recall >= 0.98


# ---- laws


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=40), max_size=12))
def test_whatever_is_shown_gets_a_grade_and_a_reason(name: str, values: list[str]) -> None:
    proposed = propose(name, values)
    assert proposed.grade in range(7) and proposed.reasons
    if proposed.data_class != "personal":
        assert proposed.grade == HARMLESS


def test_no_reason_repeats_a_value() -> None:
    for name, _, values in labelled():
        said = " ".join(propose(name, values).reasons)
        assert not [value for value in values if len(value) > 3 and value in said], name


@given(st.sampled_from(["year", "price", "温度", "country", "x"]), st.lists(st.integers(0, 99).map(str), max_size=9))
def test_more_evidence_never_lowers_a_grade(name: str, values: list[str]) -> None:
    before = propose(name, values)
    for worse in (f"{name}_diagnosis", f"iban_{name}"):
        assert propose(worse, values).grade >= max(before.grade, 4)
    assert propose(name, [*values, "DE89370400440532013000"]).grade == 4


def test_in_a_table_about_persons_nothing_is_harmless() -> None:
    year = Sampled(ColumnSeen("year", "integer", 0, 0, 2, "", "", (), 9), ("2021", "2022"))
    who = Sampled(ColumnSeen("member", "integer", 0, 0, 2, "", "", (), 9), ("1", "2"))
    alone, together = classify.classify([year]), classify.classify([year, who])
    assert (alone[0].data_class, alone[0].grade) == ("enterprise", HARMLESS)
    assert (together[0].data_class, together[0].grade) == ("personal", PERSONAL)


def test_a_harmless_name_over_other_values_is_not_believed() -> None:
    assert propose("year", ["ann@example.org", "bob@example.org"]).grade == 2
    assert propose("product", [f"a long and winding text number {n} about her" for n in range(9)]).grade == UNKNOWN
    assert propose("quantity", [str(900_000_001 + n) for n in range(9)]).grade == UNKNOWN
    assert propose("price", []).grade == UNKNOWN


@pytest.mark.parametrize(
    ("name", "parts"),
    [("GeburtsDatum_Kind", ("geburts", "datum", "kind")), ("HTTPStatus", ("http", "status")), ("Größe-2", ("grosse", "2")),
     ("płeć", ("plec",)), ("이름", ("이름",)), ("", ()), ("İsim", ("isim",))],
)  # fmt: skip
def test_the_words_of_a_name(name: str, parts: tuple[str, ...]) -> None:
    assert classify.words_of(name) == parts


def test_a_table_is_proposed_and_a_large_one_is_sampled(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    lines = [f"{n},{2000 + n % 20},person{n}@example.org" for n in range(classify.SAMPLE * 2)]
    table.write_text("nr,year,k\n" + "\n".join(lines) + "\n")
    assert [(p.name, p.data_class, p.grade) for p in intake.propose(table)] == [
        ("nr", "personal", 3), ("year", "personal", 2), ("k", "personal", 2)
    ]  # fmt: skip


# ---- a person confirms

TABLE = "who,diagnosis,year,amount owed\n1,J45,2021,5\n2,E11,2022,7\n3,J45,2021,9\n"


@pytest.fixture
def proposed(tmp_path: Path) -> str:
    path = tmp_path / "cases.csv"
    path.write_text(TABLE)
    text = card.propose("cases", intake.inspect(path), intake.propose(path))
    return text.replace('description = ""', 'description = "d"').replace('licence = ""', 'licence = "l"')


def grades(text: str) -> dict[str, int]:
    return {column.name: column.grade for column in card.read(text).columns}


def test_what_nobody_confirmed_is_at_least_sensitive(proposed: str) -> None:
    assert grades(proposed) == {"who": 3, "diagnosis": 4, "year": 3, "amount owed": 3}
    assert set(card.unconfirmed(proposed)) == {"who", "diagnosis", "year", "amount owed"}
    lowered = proposed.replace('grade = "restricted"', 'grade = "open"')
    assert grades(lowered)["diagnosis"] == 4, "a grade was changed beside the proposal, without confirming"
    raised = proposed.replace('grade = "personal"', 'grade = "core"', 1)
    assert grades(raised)["year"] == 6, "the classifier lowered what somebody set"


def test_a_person_confirms_or_decides_otherwise(proposed: str) -> None:
    once = card.confirm(proposed, "year")
    assert grades(once)["year"] == 2 and "year" not in card.unconfirmed(once)
    assert [line for line in once.splitlines() if line.startswith("#")] == [
        line for line in proposed.splitlines() if line.startswith("#")
    ]
    open_ = card.confirm(once, "amount owed", "open", "public")
    column = next(c for c in card.read(open_).columns if c.name == "amount owed")
    assert (column.grade, column.data_class) == (0, "public")
    for name in card.unconfirmed(open_):
        open_ = card.confirm(open_, name)
    assert not card.unconfirmed(open_) and grades(open_)["diagnosis"] == 4


@pytest.mark.parametrize(
    ("column", "grade", "data_class"), [("nobody", "", ""), ("year", "huge", ""), ("year", "", '7"\n[x]')]
)
def test_what_cannot_be_confirmed_changes_nothing(proposed: str, column: str, grade: str, data_class: str) -> None:
    with pytest.raises(BadInput):
        card.confirm(proposed, column, grade, data_class)
    with pytest.raises(BadInput):
        card.confirm(card.confirm(proposed, "year"), "year")
