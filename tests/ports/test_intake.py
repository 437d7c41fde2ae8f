"""Tables come in whole, or not at all with a word that helps.

Each failure is a BadInput that says what is wrong and where, with a remedy; nothing of the table stays in the node's
folder then. What comes in is compared, cell by cell, with what Python's own csv reader finds in the same file.
"""

from __future__ import annotations

import csv
import datetime
import os
import random
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput, StoreFull
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.core.registry.seen import ColumnSeen
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.ports import Ingested

WHO = Column("who", "text", "personal", 2)
PAY = Column("pay", "decimal", "personal", 2, decimals=2, low=0, high=1000)
AGE = Column("age", "integer", "personal", 2, low=0, high=120)
MEMBER = Column("member", "boolean", "personal", 2)
NOTE = Column("note", "text", "personal", 2)


def card(columns: Sequence[Column], person: str = "who", period: str | None = None) -> Card:
    return Card("pay", "t", "d", "l", person, tuple(columns), 3, period_column=period)


def put(folder: Path, content: str | bytes | pa.Table, name: str = "t.csv") -> Path:
    path = folder / name
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def take(
    folder: Path, content: str | bytes | pa.Table, columns: Sequence[Column], name: str = "t.csv", **more: Any
) -> tuple[Ingested, list[tuple[Any, ...]]]:
    """Takes a table in; returns what is said of it, and its rows as stored, person's number first."""
    path = put(folder, content, name)
    taken = DuckDbEngine(folder / "data").ingest(card(columns, **more), path)
    assert [file.name for file in (folder / "data").iterdir()] == [f"pay-{taken.version}.duckdb"]
    with duckdb.connect(str(folder / "data" / f"pay-{taken.version}.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT * EXCLUDE (_draw) FROM asset").fetchall()
    assert taken.rows == len(rows)
    return taken, rows


def figures(taken: Ingested) -> tuple[Any, ...]:
    """What is said of a table and depends on it alone; DuckDB writes no two files alike."""
    return (taken.version, taken.rows, taken.nulls, taken.period, taken.persons)


def refused(
    folder: Path,
    content: str | bytes | pa.Table,
    columns: Sequence[Column] = (WHO, AGE),
    name: str = "t.csv",
    **more: Any,
) -> BadInput:
    """What is said of a table that cannot be taken in; by then there is nothing of it."""
    path = put(folder, content, name)
    with pytest.raises(BadInput) as fault:
        DuckDbEngine(folder / "data").ingest(card(columns, **more), path)
    assert list((folder / "data").iterdir()) == [], "nothing stays of a table that was not taken in"
    assert fault.value.code == "input.table"
    assert fault.value.remedy and "\n" not in str(fault.value) and str(folder) not in str(fault.value)
    assert len(fault.value.message) < 500
    return fault.value


# --- rows that are ragged --------------------------------------------------------------------------------------------

RAGGED = {
    "a row is short": ("who,age\na,1\nb\nc,3\n", "line 3 has 1 cell(s), the header has 2"),
    "a row is long": ("who,age\na,1\nb,2,9\nc,3\n", "line 3 has 3 cell(s), the header has 2"),
    "every row is short": ("who,age,x\na,1\nb,2\n", "line 2 has 2 cell(s), the header has 3"),
    "every row is long": ("who,age\na,1,x\nb,2,x\n", "line 2 has 3 cell(s), the header has 2"),
    "only the first row is short": ("who,age\na\nb,2\nc,3\n", "line 2 has 1 cell(s), the header has 2"),
    "only the last row is short": (
        "who,age\n" + "a,1\n" * 30_000 + "b\n",
        "line 30002 has 1 cell(s), the header has 2",
    ),
    "a title above the header": ("All our pay\nwho,age\na,1\nb,2\n", "line 2 has 2 cell(s), the header has 1"),
    "a row of remarks": ("who,age\n# from the register\na,1\n", "line 2 has 1 cell(s), the header has 2"),
    "an unquoted comma": ("who,age\nSmith, Jo,1\n", "line 2 has 3 cell(s), the header has 2"),
    "a comma in single quotes": ("who,age\n'Smith, Jo',1\n'Doe, Al',2\n", "line 2 has 3 cell(s), the header has 2"),
    "a total at the end": ("who,age\na,1\nb,2\n\ntotal: 3\n", "cell(s), the header has 2"),
    "an open quote": ('who,age\na,"1\nb,2\n', "quoted cell that does not end"),
    "text after a quoted cell": ('who,age\n"a"x,1\n', "line 2 has a quoted cell that does not end, or goes on"),
    "a backslash is no escape": ('who,age\n"a\\"b",1\nc,2\n', "quoted cell"),
    "mixed line ends": ("who,age\r\na,1\nb,2\r\n", "lines do not all end alike"),
    "a huge cell": ("who,age\n" + "a" * 3_000_000 + ",1\n", "line 2 is longer than 2000000 bytes"),
    "Latin-1": ("who,age\nJosé,1\n".encode("latin-1"), "line 2 is not in UTF-8"),
    "Latin-1 far below": (b"who,age\n" + b"a,1\n" * 30_000 + b"Jos\xe9,1\n", "line 30002 is not in UTF-8"),
    "Latin-1 in the header": ("who,âge\na,1\n".encode("latin-1"), "is not in UTF-8"),
    "UTF-16": ("who,age\na,1\n".encode("utf-16"), "is not in UTF-8"),
    "UTF-16 without a mark": ("who,age\na,1\n".encode("utf-16-le"), "is not in UTF-8"),
    "not text at all": (bytes(range(256)) * 50, "is not in UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(2000), "is not in UTF-8"),
}


@pytest.mark.parametrize(("content", "message"), RAGGED.values(), ids=RAGGED.keys())
def test_a_file_that_is_not_a_table(content: str | bytes, message: str, tmp_path: Path) -> None:
    fault = refused(tmp_path, content)
    assert message in fault.message and "`t.csv`" in fault.message
    assert "UTF-8" in fault.remedy


EMPTY = {
    "no byte": ("", "`t.csv` has no header"),
    "a line end": ("\n", "`t.csv` has no header"),
    "only a byte order mark": ("\ufeff", "`t.csv` has no header"),
    "a blank line above the header": ("\nwho,age\na,1\n", "`t.csv` has no header"),
    "a header": ("who,age\n", "no row of the table is about anybody"),
    "a header without an end": ("who,age", "no row of the table is about anybody"),
    "nobody": ("who,age\n,1\n,2\n", "no row of the table is about anybody"),
    "nobody in quotes": ('who,age\n"",1\n', "no row of the table is about anybody"),
}


@pytest.mark.parametrize(("content", "message"), EMPTY.values(), ids=EMPTY.keys())
def test_a_table_of_nothing(content: str, message: str, tmp_path: Path) -> None:
    assert message in refused(tmp_path, content).message


def test_columns_that_do_not_match_the_card(tmp_path: Path) -> None:
    fault = refused(tmp_path, "who,years\na,1\n")
    assert fault.message == "the table has no column `age`, which the card names"
    assert "who, years" in fault.remedy
    assert "`age`" in refused(tmp_path, "who,Age\na,1\n").message, "names are taken as they are written"
    assert "`age`" in refused(tmp_path, "who, age\na,1\n").message, "with their spaces"
    assert "`who`" in refused(tmp_path, "1,2\n3,4\n").message


@pytest.mark.parametrize("header", ["who,age,who", "who,age,WHO", "who,age,x,age"])
def test_two_columns_of_one_name(header: str, tmp_path: Path) -> None:
    """Which one did the card mean?"""
    fault = refused(tmp_path, f"{header}\n{','.join('1' * (header.count(',') + 1))}\n")
    assert "two columns named" in fault.message and "own name" in fault.remedy


@pytest.mark.parametrize("name", ["_person", "_PERSON", "_draw", "_line"])
def test_a_column_named_like_one_of_the_nodes_own(name: str, tmp_path: Path) -> None:
    """Else a question about it would read who people are."""
    fault = refused(tmp_path, f"who,{name}\na,1\n", (WHO, Column(name, "integer", "personal", 2)))
    assert f"`{name}`" in fault.message and "rename" in fault.remedy
    assert (
        "`_person`"
        in refused(tmp_path, "_person\na\n", (Column("_person", "text", "personal", 2),), person="_person").message
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("inside", ["\n", "\r", "\r\n"])
def test_a_name_of_two_lines(end: str, inside: str, tmp_path: Path) -> None:
    """DuckDB would take the first line end, in a name or not, for that of all lines, and find no row in the table."""
    fault = refused(tmp_path, f'who,"a{inside}ge",age{end}a,1,1{end}b,2,2{end}')
    assert "a column name of two lines" in fault.message


def test_columns_of_any_other_name_come_in(tmp_path: Path) -> None:
    names = [
        "line",
        "raw",
        "typed",
        "target",
        "asset",
        "person",
        "rowid",
        'a"b',
        "it's",
        "été ☃",
        "select",
        "x;y",
        "{c}",
        "?",
        "a,b",
    ]
    names += ["line_1", "column0", "persons", "value", "number", "draw", "main", "memory"]
    columns = [WHO, *(Column(name, "integer", "personal", 2) for name in names)]
    with (tmp_path / "made.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["who", *names], ["a", *range(len(names))]])
    _, rows = take(tmp_path, (tmp_path / "made.csv").read_bytes(), columns)
    assert rows == [(0, *range(len(names)))]


# --- cells that are not of their type --------------------------------------------------------------------------------

MISTYPED = {
    "text for an integer": (AGE, "old"),
    "a decimal for an integer": (AGE, "1.5"),
    "a whole decimal for an integer": (AGE, "1.0"),
    "an exponent for an integer": (AGE, "1e3"),
    "an integer beyond 64 bits": (AGE, "9223372036854775808"),
    "an integer far beyond": (AGE, "1" * 60),
    "a thousands separator": (AGE, "1'000"),
    "an underscore": (AGE, "1_000"),
    "digits of another script": (AGE, "٣"),
    "hexadecimal": (AGE, "0x10"),
    "a sign alone": (AGE, "-"),
    "a blank for an integer": (AGE, " "),
    "a word for no value": (AGE, "NA"),
    "NULL in words": (AGE, "NULL"),
    "text for a decimal": (PAY, "much"),
    "a decimal comma": (PAY, "1;5"),
    "two points": (PAY, "1.5.2"),
    "a currency": (PAY, "€5"),
    "not a number": (PAY, "NaN"),
    "infinity": (PAY, "inf"),
    "minus infinity": (PAY, "-Infinity"),
    "a decimal too large": (PAY, "1e17"),
    "a decimal far too large": (PAY, "1e300"),
    "a decimal with a blank for a value": (PAY, " "),
    "yes": (MEMBER, "yes"),
    "2 for a boolean": (MEMBER, "2"),
    "half a word": (MEMBER, "tru"),
    "T": (MEMBER, "T"),
}


@pytest.mark.parametrize(("column", "cell"), MISTYPED.values(), ids=MISTYPED.keys())
def test_a_cell_of_another_type_is_named(column: Column, cell: str, tmp_path: Path) -> None:
    good = {"integer": "1", "decimal": "1", "boolean": "true"}[column.type]
    fault = refused(tmp_path, f"who,{column.name}\na,{good}\nb,\n,{good}\nc,{cell}\nd,{cell}\n", (WHO, column))
    assert fault.message.startswith(f"row 4, column `{column.name}`: `{cell[:40]}` is not of type {column.type}")
    assert "card" in fault.remedy


def test_a_huge_cell_is_not_repeated(tmp_path: Path) -> None:
    assert len(refused(tmp_path, f"who,age\na,{'9' * 1_000_000}\n").message) < 200


def test_whole_numbers(tmp_path: Path) -> None:
    cells = {
        "0": 0, "007": 7, "-5": -5, "+5": 5, " 12 ": 12, "-0": 0, "9223372036854775807": 2**63 - 1,
        "-9223372036854775808": -(2**63), "": None,
    }  # fmt: skip
    taken, rows = take(tmp_path, "who,age\n" + "".join(f"a,{cell}\n" for cell in cells), (WHO, AGE))
    assert [value for _, value in rows] == list(cells.values())
    assert taken.nulls == (0, 1)


def test_decimals_become_grains(tmp_path: Path) -> None:
    """More digits than declared are rounded to the nearest grain: a float from another system has them too."""
    cells = {
        "12.34": 1234, "12": 1200, "-0.01": -1, "+1.5": 150, ".5": 50, "5.": 500, "0.005": 1, "0.0049": 0, "-0.005": -1,
        "1.005": 101, "1.1100000000000001": 111, "0.30000000000000004": 30, "1e2": 10_000, "1E-1": 10, " 7 ": 700,
        "92233720368547758.07": 2**63 - 1, "-92233720368547758.08": -(2**63), "": None,
    }  # fmt: skip
    _, rows = take(tmp_path, "who,pay\n" + "".join(f"a,{cell}\n" for cell in cells), (WHO, PAY))
    assert dict(zip(cells, [value for _, value in rows], strict=True)) == cells


@pytest.mark.parametrize("decimals", range(10))
def test_decimals_of_every_width(decimals: int, tmp_path: Path) -> None:
    rng = random.Random(decimals)
    column = Column("pay", "decimal", "personal", 2, decimals=decimals)
    cells = [f"{rng.choice(['', '-'])}{rng.randint(0, 10**8)}.{rng.randint(0, 10**12):012}" for _ in range(50)]
    _, rows = take(tmp_path, "who,pay\n" + "".join(f"a,{cell}\n" for cell in cells), (WHO, column))
    grain = Decimal(1).scaleb(-decimals)
    expected = [int(Decimal(cell).quantize(grain, ROUND_HALF_UP).scaleb(decimals)) for cell in cells]
    assert [value for _, value in rows] == expected


def test_yes_and_no(tmp_path: Path) -> None:
    cells = {
        "true": True,
        "TRUE": True,
        "True": True,
        "1": True,
        " true ": True,
        "false": False,
        "False": False,
        "0": False,
        "": None,
    }
    _, rows = take(tmp_path, "who,member\n" + "".join(f"a,{cell}\n" for cell in cells), (WHO, MEMBER))
    assert [value for _, value in rows] == list(cells.values())


# --- what comes in ---------------------------------------------------------------------------------------------------


def test_a_table_as_it_should_be(tmp_path: Path) -> None:
    taken, rows = take(tmp_path, "who,extra,age\nb,x,1\na,y,2\nb,z,\n", (AGE, WHO), period="age")
    assert (taken.rows, taken.nulls, taken.period, taken.persons) == (3, (1, 0), "1 to 2", ("a", "b"))
    assert rows == [(0, 2), (1, 1), (1, None)], "by person, as in the file, without what the card does not name"


FORMS = {
    "byte order mark": b"\xef\xbb\xbfwho,age\na,1\nb,2\n",
    "CRLF": b"who,age\r\na,1\r\nb,2\r\n",
    "CR": b"who,age\ra,1\rb,2\r",
    "no end at the end": b"who,age\na,1\nb,2",
    "semicolons": b"who;age\na;1\nb;2\n",
    "tabs": b"who\tage\na\t1\nb\t2\n",
    "bars": b"who|age\na|1\nb|2\n",
    "all quoted": b'"who","age"\n"a","1"\n"b","2"\n',
    "blank lines": b"who,age\na,1\n\nb,2\n\n",
    "an index without a name": b",who,age\n0,a,1\n1,b,2\n",
    "columns without a name": b",who,,age,column0\n,a,,1,\n,b,,2,\n",
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS.keys())
def test_the_ways_to_write_the_same_table(content: bytes, tmp_path: Path) -> None:
    taken, rows = take(tmp_path, content, (WHO, AGE))
    assert taken.persons == ("a", "b")
    assert rows == [(0, 1), (1, 2)]


@pytest.mark.parametrize("name", ["t.CSV", "t.txt", "t.tsv", "t.Tsv"])
def test_the_name_does_not_say_how_cells_are_parted(name: str, tmp_path: Path) -> None:
    assert take(tmp_path, "who;age\na;1\n", (WHO, AGE), name)[1] == [(0, 1)]


def test_rows_that_look_like_something_else_come_in(tmp_path: Path) -> None:
    """Like remarks, a second header, nothing, a number: a guess at what is meant would drop or change them."""
    notes = [
        "#1", "# x", "//", "--", "NULL", "NA", "nan", "who", "'", "''", "O'Brien", "'a'", "a'b'c", "\\", "\\n", "a\\", "a;b",
        "a|b", "a\tb", " a", "a ", " ", "\u00a0", "\u200b", "a\x00b", "=1+1", "a\nb", "a\r\nb", 'say "hi"', '"', ",", "\ufeff",
        "☃", "日本語", "e", "é", "0", "x" * 100_000,
    ]  # fmt: skip
    with (tmp_path / "made.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["note", "who"], *([note, f"p{n:02}"] for n, note in enumerate(notes))]
        )
    _, rows = take(tmp_path, (tmp_path / "made.csv").read_bytes(), (NOTE, WHO))
    assert [note for _, note in rows] == notes


@pytest.mark.parametrize("seed", range(12))
def test_what_comes_in_is_what_python_reads(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    alphabet = ["a", "B", "1", "0", ".", "-", "#", "'", '"', ",", ";", "|", "\t", " ", "\\", "é", "☃", "\n"]
    delimiter = rng.choice(",;\t|")
    header = ["note", "who", "age", "other"]
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    with (tmp_path / "made.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=rng.choice(["\n", "\r\n"]))
        writer.writerow(header)
        for n in range(rng.choice([1, 5, 300])):
            words = ["".join(rng.choices(alphabet, k=rng.randint(0, 6))) for _ in range(2)]
            writer.writerow([words[0], f"p{rng.randint(0, 9)}", n, words[1]])
    with (tmp_path / "made.csv").open(newline="", encoding="utf-8") as file:
        _, *expected = csv.reader(file, delimiter=delimiter)
    taken, rows = take(tmp_path, (tmp_path / "made.csv").read_bytes(), (NOTE, AGE, WHO))
    assert [(taken.persons[person], note or "", age) for person, note, age in rows] == [
        (who, note, int(age)) for note, who, age, _ in sorted(expected, key=itemgetter(1))
    ]


def test_a_quote_that_comes_late(tmp_path: Path) -> None:
    """Beyond what a guess would have looked at."""
    taken, rows = take(tmp_path, "who,age,note\n" + "a,1,x\n" * 30_000 + 'b,2,"x,\ny"\n', (WHO, AGE, NOTE))
    assert taken.rows == 30_001
    assert rows[-1] == (1, 2, "x,\ny")


PLAIN = "p,plain,1\n"
SPRAWLING = (
    'a,"\np,x,5\n",1\nb,"\nfake,y,6\nfake,z,7\n",2\nc,"\n""a"",""b"",7\n",3\nd,plain,4\n'  # cells that look like rows
)


def test_cells_of_many_lines_in_a_large_file(tmp_path: Path) -> None:
    """DuckDB begins at several places, here inside a cell, and loses its way."""
    content = "who,note,age\n" + PLAIN * 1_550_000 + SPRAWLING * 20_000
    taken = DuckDbEngine(tmp_path / "data").ingest(card((WHO, AGE)), put(tmp_path, content))
    assert (taken.rows, taken.persons, taken.nulls) == (1_630_000, ("a", "b", "c", "d", "p"), (0, 0))


def test_a_quote_without_an_end_in_a_large_file(tmp_path: Path) -> None:
    """All that comes after would be one cell, or nothing."""
    content = "who,note,age\n" + PLAIN * 1_550_000 + SPRAWLING * 20_000 + 'a,"b,1\nc,d,2\n'
    assert "cannot be read" in refused(tmp_path, content).message


def test_rows_of_one_person_lie_together_in_their_order(tmp_path: Path) -> None:
    """And a mistyped cell far below is named by its row."""
    body = "".join(f"p{n % 1000},{n}\n" for n in range(200_000))
    _, rows = take(tmp_path, "who,age\n" + body, (WHO, AGE))
    assert [age for _, age in rows] == sorted(range(200_000), key=lambda n: f"p{n % 1000}")
    (tmp_path / "b").mkdir()
    assert refused(tmp_path / "b", f"who,age\n{body}a,x\n").message.startswith("row 200001, column `age`")


def test_people_are_numbered_in_the_order_of_their_values(tmp_path: Path) -> None:
    people = ["b", "a b", "A", "é", "z", " a", "日本", "ß", "0", "-1", "10", "9", "O'Brien", '"', "☃"]
    with (tmp_path / "made.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["who", "age"], *([who, n] for n, who in enumerate(people * 2))])
    taken, rows = take(tmp_path, (tmp_path / "made.csv").read_bytes(), (WHO, AGE))
    assert list(taken.persons) == sorted(people)
    assert [(taken.persons[person], n) for person, n in rows] == sorted((who, n) for n, who in enumerate(people * 2))
    numbers = Column("who", "integer", "personal", 2)
    (tmp_path / "b").mkdir()
    taken, _ = take(tmp_path / "b", "who,age\n10,1\n9,1\n-1,1\n007,1\n7,1\n", (numbers, AGE))
    assert taken.persons == ("-1", "7", "9", "10")


def test_two_spellings_of_one_letter_are_one_person(tmp_path: Path) -> None:
    """One person with two spellings would count twice, and the journal keeps only one of them."""
    composed, apart = unicodedata.normalize("NFC", "José"), unicodedata.normalize("NFD", "José")
    assert composed != apart
    taken, rows = take(tmp_path, f"who,note\n{composed},{apart}\n{apart},{composed}\n", (WHO, NOTE))
    assert taken.persons == (composed,)
    assert rows == [(0, composed), (0, composed)]
    assert canonical.encode(list(taken.persons))


def test_a_person_column_with_gaps(tmp_path: Path) -> None:
    taken, rows = take(tmp_path, 'who,age\n,1\na,2\n"",3\n', (WHO, AGE))
    assert (taken.rows, taken.persons, rows) == (1, ("a",), [(0, 2)])


# --- Parquet ---------------------------------------------------------------------------------------------------------


def test_parquet(tmp_path: Path) -> None:
    table = pa.table({
        "who": ["b", None, "a"], "pay": [1.5, 9.9, 0.1 + 0.2], "age": pa.array([1, 2, None], pa.int8()),
        "member": [True, None, None], "day": [datetime.date(2020, 1, 2), None, None],
        "at": [None, None, datetime.datetime(2020, 1, 2, 3, 4, 5)], "line": ["x", "y", ""], "nested": [[1], None, [2, 3]],
        "empty": pa.nulls(3), "exact": [Decimal("1.20"), None, Decimal("-4.50")],
    })  # fmt: skip
    columns = [
        WHO, PAY, AGE, MEMBER, *(Column(name, "text", "personal", 2) for name in ("day", "at", "line", "empty")),
        Column("exact", "decimal", "personal", 2, decimals=1),
    ]  # fmt: skip
    taken, rows = take(tmp_path, table, columns, "t.parquet")
    assert rows == [
        (0, 30, None, None, None, "2020-01-02 03:04:05", "", None, -45),
        (1, 150, 1, True, "2020-01-02", None, "x", None, 12),
    ]
    assert taken.nulls == (0, 0, 1, 1, 1, 1, 0, 2, 0)


def test_parquet_whose_cells_do_not_fit(tmp_path: Path) -> None:
    for name, cells, column in (
        ("a float for an integer", [1.0, 2.5], AGE), ("not a number", [1.0, float("nan")], PAY),
        ("infinity", [1.0, float("inf")], PAY), ("a date for an integer", [None, datetime.date(2020, 1, 1)], AGE),
        ("a decimal of more digits", [Decimal("1.000"), Decimal("1.001")], PAY),
        ("empty text for an integer", ["1", ""], AGE), ("too large", ["1", str(2**64)], AGE),
    ):  # fmt: skip
        message = refused(
            tmp_path, pa.table({"who": ["a", "b"], column.name: cells}), (WHO, column), "t.parquet"
        ).message
        assert f", column `{column.name}`: " in message and f"is not of type {column.type}" in message, name


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"hello, this is not Parquet at all", b"PAR1" + bytes(100) + b"PAR1"]
)
def test_parquet_that_is_none(content: bytes, tmp_path: Path) -> None:
    fault = refused(tmp_path, content, name="t.parquet")
    assert "`t.parquet` cannot be read as a table" in fault.message and "Parquet" in fault.remedy


def test_parquet_cut_short(tmp_path: Path) -> None:
    whole = put(tmp_path, pa.table({"who": ["a"] * 1000, "age": list(range(1000))}), "whole.parquet").read_bytes()
    assert "cannot be read" in refused(tmp_path, whole[: len(whole) // 2], name="t.parquet").message


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.xlsx", "t.json", "t.csv.gz", "t", "csv", "t.csv "])
def test_another_kind_of_file(name: str, tmp_path: Path) -> None:
    fault = refused(tmp_path, "who,age\na,1\n", name=name)
    assert "is not CSV, Parquet, Arrow, DuckDB or SQLite" in fault.message and ".csv" in fault.remedy


@pytest.mark.parametrize("look", ["inspect", "ingest"])
@pytest.mark.parametrize(
    "name", ["missing.csv", "folder.csv", "missing/t.csv", "s3://bucket/t.csv", "http://127.0.0.1:9/t.csv", "*.csv"]
)
def test_no_such_file(look: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    put(tmp_path, "who,age\na,1\n")
    engine = DuckDbEngine(tmp_path / "data")
    with pytest.raises(BadInput) as fault:
        _ = engine.inspect(tmp_path / name) if look == "inspect" else engine.ingest(card((WHO, AGE)), tmp_path / name)
    assert "there is no file" in fault.value.message
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["t[1].csv", "t*.csv", "t?.csv", "{t}.csv", "it's.csv", "ü ☃.csv", "year=1980/t.csv", 'a"b.csv', "-.csv"]
)
def test_a_file_of_any_name_is_that_file(name: str, tmp_path: Path) -> None:
    """A name that is a pattern too must not bring in what it would match."""
    for other in ("t1.csv", "t2.csv", "tt.csv"):
        put(tmp_path, "who,age\nwrong,1\n", other)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    year = Column("year", "integer", "personal", 2)
    taken, rows = take(tmp_path, "who,age,year\nright,1,7\n", (WHO, AGE, year), name)
    assert taken.persons == ("right",)
    assert rows == [(0, 1, 7)]


def test_the_version_is_of_the_bytes(tmp_path: Path) -> None:
    versions = []
    for n, content in enumerate(["who,age\na,1\n", "who,age\na,1\n", "who,age\na,2\n", "who,age\r\na,1\r\n"]):
        (tmp_path / str(n)).mkdir()
        versions.append(take(tmp_path / str(n), content, (WHO, AGE), f"{n}.csv")[0].version)
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3
    assert all(len(version) == 16 and set(version) <= set("0123456789abcdef") for version in versions)


def test_the_same_table_twice_is_one_file(tmp_path: Path) -> None:
    first, rows = take(tmp_path, "who,age\na,1\n", (WHO, AGE))
    second, again = take(tmp_path, "who,age\na,1\n", (WHO, AGE))
    assert (figures(first), rows) == (figures(second), again)


@pytest.mark.parametrize("left", [b"", b"half a table", None])
def test_what_a_crash_left_is_replaced(left: bytes | None, tmp_path: Path) -> None:
    """Also a table that was half written, with its write-ahead log."""
    taken, rows = take(tmp_path, "who,age\na,1\n", (WHO, AGE))
    [file] = (tmp_path / "data").iterdir()
    file.unlink()
    partial = file.with_suffix(".partial")
    if left is None:
        connection = duckdb.connect()
        connection.execute(
            f"ATTACH '{partial}' AS t; CREATE TABLE t.asset AS SELECT 'old' AS x; CREATE TABLE t.junk (x INTEGER)"
        )
        log = Path(f"{partial}.wal").read_bytes()
        connection.close()
        Path(f"{partial}.wal").write_bytes(log)
    else:
        partial.write_bytes(left)
    again = DuckDbEngine(tmp_path / "data").ingest(card((WHO, AGE)), tmp_path / "t.csv")
    assert figures(again) == figures(taken)
    with duckdb.connect(str(file), read_only=True) as opened:
        assert opened.execute("SELECT * EXCLUDE (_draw) FROM asset").fetchall() == rows
        assert opened.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("asset",)]
    assert [path.name for path in (tmp_path / "data").iterdir()] == [file.name]


def test_a_crash_while_writing_leaves_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has its name only once it is whole and on disk."""
    path = put(tmp_path, "who,age\na,1\n")
    synced: list[str] = []
    real = os.fsync

    class Crash(BaseException):
        pass

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        assert not list((tmp_path / "data").glob("*.duckdb")) or synced[-1].endswith("data")
        real(descriptor)
        if len(synced) == 1:
            raise Crash

    monkeypatch.setattr(os, "fsync", fsync)
    engine = DuckDbEngine(tmp_path / "data")
    with pytest.raises(Crash):
        engine.ingest(card((WHO, AGE)), path)
    assert not list((tmp_path / "data").glob("*.duckdb"))
    engine.ingest(card((WHO, AGE)), path)
    assert [Path(name).suffix for name in synced] == [".partial", ".partial", ""], "the file, then the folder"


def test_a_folder_that_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull) as fault:
        DuckDbEngine(tmp_path / "data").ingest(card((WHO, AGE)), put(tmp_path, "who,age\na,1\n"))
    assert "nothing was taken in" in fault.value.remedy
    assert list((tmp_path / "data").iterdir()) == []


# --- a first look ----------------------------------------------------------------------------------------------------


def look(folder: Path, content: str | pa.Table, name: str = "t.csv") -> dict[str, ColumnSeen]:
    seen = DuckDbEngine(folder / "data").inspect(put(folder, content, name))
    assert list((folder / "data").iterdir()) == []
    return {column.name: column for column in seen}


PROPOSALS: dict[str, tuple[list[str], tuple[Any, ...]]] = {
    "integers": (["3", "-1", "", "3"], ("integer", 0, 1, 2, "-1", "3", ("-1", "3"))),
    "integers in the order of numbers": (["10", "9"], ("integer", 0, 0, 2, "9", "10", ("9", "10"))),
    "decimals": (["1.5", "10.25", "2"], ("decimal", 2, 0, 3, "1.50", "10.25", ("1.5", "2", "10.25"))),
    "whole decimals": (["1.0", "2.0"], ("decimal", 1, 0, 2, "1.0", "2.0", ("1.0", "2.0"))),
    "exponents are no integers": (["1e3", "2e3"], ("decimal", 0, 0, 2, "1000", "2000", ("1e3", "2e3"))),
    "many decimals": (["0.12345678"], ("decimal", 6, 0, 1, "0.123457", "0.123457", ("0.12345678",))),
    "booleans": (["true", "False", ""], ("boolean", 0, 1, 2, "False", "true", ("False", "true"))),
    "text": (["b", "a", "1"], ("text", 0, 0, 3, "1", "b", ("1", "a", "b"))),
    "nothing": (["", ""], ("text", 0, 2, 0, "", "", ())),
    "dates": (["2020-01-02", "2020-01-01"], ("text", 0, 0, 2, "2020-01-01", "2020-01-02", ("2020-01-01", "2020-01-02"))),
    "numbers with gaps in words": (["1", "NA"], ("text", 0, 0, 2, "1", "NA", ("1", "NA"))),
    "not numbers": (["1.5", "nan", "inf"], ("decimal", 1, 0, 3, "1.5", "1.5", ("1.5", "inf", "nan"))),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "expected"), PROPOSALS.values(), ids=PROPOSALS.keys())
def test_what_a_first_look_shows(cells: list[str], expected: tuple[Any, ...], tmp_path: Path) -> None:
    seen = look(tmp_path, "x,y\n" + "".join(f"{cell},1\n" for cell in cells))["x"]
    assert (seen.type, seen.decimals, seen.nulls, seen.distinct, seen.low, seen.high, seen.values) == expected


def test_values_are_listed_only_where_there_are_few(tmp_path: Path) -> None:
    seen = look(tmp_path, "few,many\n" + "".join(f"{n % 32},{n % 33}\n" for n in range(100)))
    assert (len(seen["few"].values), seen["many"].values, seen["many"].distinct) == (32, (), 33)


def test_a_first_look_at_an_empty_table_and_at_odd_names(tmp_path: Path) -> None:
    seen = look(tmp_path, 'line,"a""b",été\n')
    assert [(c.name, c.type, c.nulls) for c in seen.values()] == [
        ("line", "text", 0),
        ('a"b', "text", 0),
        ("été", "text", 0),
    ]


def test_a_first_look_at_parquet(tmp_path: Path) -> None:
    table = pa.table({"f": [1.5, float("nan")], "i": [1, None], "b": [True, False], "l": [[1], None], "line": [1, 2]})
    seen = look(tmp_path, table, "t.parquet")
    assert {name: column.type for name, column in seen.items()} == {
        "f": "decimal", "i": "integer", "b": "boolean", "line": "integer",
    }, "a list is no value that could be taken in"  # fmt: skip
    assert (seen["f"].low, seen["f"].high) == ("1.5", "1.5")


@pytest.mark.parametrize("type", ["integer", "decimal", "boolean", "text"])
def test_what_is_proposed_can_be_taken_in(type: str, tmp_path: Path) -> None:
    """A look proposes no type that the intake then refuses."""
    cells = {
        "integer": ["1", "-2", "", "+3", " 4 "], "decimal": ["1.5", "2e3", "-1", ".5"], "boolean": ["true", "FALSE"],
        "text": ["1e3", "x"],
    }[type]  # fmt: skip
    content = "who,x\n" + "".join(f"p{n},{cell}\n" for n, cell in enumerate(cells))
    seen = look(tmp_path, content)["x"]
    assert seen.type == type
    take(tmp_path, content, (WHO, Column("x", seen.type, "personal", 2, decimals=seen.decimals)))


@pytest.mark.parametrize("name", ["a row is short", "a title above the header", "an open quote", "UTF-16", "a picture"])
def test_a_first_look_at_what_is_no_table(name: str, tmp_path: Path) -> None:
    content, message = RAGGED[name]
    with pytest.raises(BadInput) as fault:
        DuckDbEngine(tmp_path / "data").inspect(put(tmp_path, content))
    assert message in fault.value.message
