"""Every kind of source: the same table from each is the same table, and none gets more than its plain rows in.

What is compared is what the node stores, cell by cell, and not what any reader says of a file. The hostile files are made
here, each to do one thing; where that could be read anywhere else it would show.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import sources
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sources import FILES, TABLE, Rows

from pg_server import Server
from usufruct.core.base.faults import BadInput
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.engine import source
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.ports import Ingested, TableIn

WHO = Column("who", "text", "personal", 2)
PAY = Column("Pay $", "decimal", "personal", 2, decimals=2, low=0, high=1000)
AGE = Column("age", "integer", "personal", 2, low=0, high=120)
MEMBER = Column("member", "boolean", "personal", 2)
NOTE = Column("note", "text", "personal", 2)
CARD = Card("pay", "t", "d", "l", "who", (WHO, PAY, AGE, MEMBER, NOTE), 3, period_column="age")

VISITS: Rows = {
    "who": ["b", "a", "b", None, "ü", "a"],
    "age": [1, None, 2**63 - 1, 4, -(2**63), 0],
    "left behind": [1.5, 2.5, None, 0.1, 1e300, 3.0],
    "note": ["x", 'say "hi",\n\\N', "e\u0301", "y", None, "\\N"],
    "member": [True, False, None, True, True, False],
    "Pay $": [0.1 + 0.2, 1e3, None, 7.0, -0.005, 12.34],
}
STORED = [
    (0, 100_000, None, False, 'say "hi",\n\\N'), (0, 1234, 0, False, "\\N"), (1, 30, 1, True, "x"),
    (1, None, 2**63 - 1, None, "é"), (2, -1, -(2**63), True, None),
]  # fmt: skip


def take(place: Path | TableIn, folder: Path, card: Card = CARD) -> tuple[Ingested, list[tuple[Any, ...]]]:
    """Takes a table in; what is said of it, and its rows as stored."""
    data = folder / "data"
    taken = DuckDbEngine(data).ingest(card, place)
    assert [file.name for file in data.iterdir()] == [f"{card.asset}-{taken.version}.duckdb"]
    with duckdb.connect(data / f"{card.asset}-{taken.version}.duckdb", read_only=True) as connection:
        names = ["_person" if c.name == card.person_column else c.name for c in card.columns]
        kept = ", ".join(f'"{name}"' for name in names)
        rows = connection.execute(f"SELECT {kept} FROM asset").fetchall()
    (data / f"{card.asset}-{taken.version}.duckdb").unlink()
    return taken, rows


def refused(place: Path | TableIn, folder: Path, card: Card = CARD) -> BadInput:
    """What is said of a table that cannot be taken in; by then there is nothing of it."""
    with pytest.raises(BadInput) as fault:
        DuckDbEngine(folder / "data").ingest(card, place)
    assert list((folder / "data").iterdir()) == []
    assert fault.value.code == "input.table" and fault.value.remedy
    assert "\n" not in str(fault.value) and str(folder) not in str(fault.value)
    return fault.value


def of(*columns: Column) -> Card:
    return replace(CARD, columns=(WHO, *columns), period_column=None)


@pytest.fixture(scope="module")
def clinic(pg_server: Server) -> Iterator[str]:
    """The address of a database of somebody else's."""
    address = pg_server.database()
    yield address
    pg_server.drop(address)


# --- the same table --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FILES)
def test_one_table_in_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    taken, rows = take(FILES[kind](VISITS, tmp_path), tmp_path)
    assert rows == STORED
    assert (taken.rows, taken.persons, taken.nulls) == (5, ("a", "b", "ü"), (0, 1, 1, 1, 1))
    assert taken.period == f"{-(2**63)} to {2**63 - 1}"


def test_one_table_in_postgresql(clinic: str, tmp_path: Path) -> None:
    place = sources.as_postgres(VISITS, clinic)
    taken, rows = take(place, tmp_path)
    assert rows == STORED and taken.persons == ("a", "b", "ü")
    assert take(replace(place, name=""), tmp_path)[0].version == taken.version, "the only one there needs no name"


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)
CELLS = st.fixed_dictionaries({
    "who": st.sampled_from(["a", "b", "ß", None]),
    "age": st.none() | st.integers(-(2**63), 2**63 - 1),
    "Pay $": st.none() | st.floats(-1e12, 1e12) | st.integers(-(10**6), 10**6).map(lambda n: n / 100),
    "member": st.none() | st.booleans(),
    "note": st.none() | TEXTS.filter(bool),
})  # fmt: skip


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(CELLS, min_size=15, max_size=40))
def test_any_table_is_the_same_from_every_kind(cells: list[dict[str, Any]], tmp_path: Path, clinic: str) -> None:
    """In CSV an empty text is nothing, and so there is none here; the text is what Python writes."""
    cells.append({"who": "a", "age": None, "Pay $": None, "member": None, "note": "last"})
    rows = {name: [row[name] for row in cells] for name in ("note", "who", "age", "Pay $", "member")}
    card = replace(CARD, period_column=None)
    folder = tmp_path / hashlib.sha256(repr(cells).encode()).hexdigest()[:12]
    folder.mkdir(exist_ok=True)
    for old in folder.glob("t.*"):
        old.unlink()
    places: list[Path | TableIn] = [write(rows, folder) for write in FILES.values()]
    (first, found), *others = (take(place, folder, card) for place in [*places, sources.as_postgres(rows, clinic)])
    for taken, stored in others:
        assert stored == found
        assert (taken.rows, taken.persons, taken.nulls) == (first.rows, first.persons, first.nulls)


@pytest.mark.parametrize("kind", FILES)
def test_what_is_proposed_is_alike(kind: str, tmp_path: Path) -> None:
    seen = {one.name: one for one in DuckDbEngine(tmp_path / "data").inspect(FILES[kind](VISITS, tmp_path))}
    assert {name: one.nulls for name, one in seen.items()} == {
        "who": 1, "age": 1, "left behind": 1, "note": 1, "member": 1, "Pay $": 1
    }  # fmt: skip
    assert (seen["age"].type, seen["age"].low, seen["Pay $"].type) == ("integer", str(-(2**63)), "decimal")
    assert seen["member"].type == ("integer" if kind == "SQLite" else "boolean"), "SQLite has 1 and 0"


@pytest.mark.parametrize("kind", FILES)
def test_a_table_without_rows(kind: str, tmp_path: Path) -> None:
    empty = {name: list[Any]() for name in VISITS}
    assert refused(FILES[kind](empty, tmp_path), tmp_path).message == "no row of the table is about anybody"
    public = replace(
        CARD, person_column="", columns=tuple(replace(c, data_class="public", grade=0) for c in CARD.columns)
    )
    taken, rows = take(tmp_path / next(f.name for f in tmp_path.glob("t.*")), tmp_path, public)
    assert (rows, taken.rows, taken.period) == ([], 0, ""), "from nothing to nothing is no period"


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "CSV"])
def test_a_column_that_is_missing_is_named(kind: str, tmp_path: Path) -> None:
    rows = {name: cells for name, cells in VISITS.items() if name != "age"} | {"Age": VISITS["age"]}
    fault = refused(FILES[kind](rows, tmp_path), tmp_path)
    assert fault.message == "the table has no column `age`, which the card names" and "Age" in fault.remedy


BAD_CELLS: dict[str, tuple[list[Any], Column, str]] = {
    "text for an integer": (["1", "x"], AGE, "row 2, column `age`: `x` is not of type integer"),
    "a float for an integer": ([1.0, 2.5], AGE, "row 1, column `age`: `1.0` is not of type integer"),
    "text for a boolean": (["true", "yes"], MEMBER, "row 2, column `member`: `yes` is not of type boolean"),
    "an integer for a boolean": ([1, 2], MEMBER, "row 2, column `member`: `2` is not of type boolean"),
    "a decimal too large": ([1.0, 1e17], PAY, "row 2, column `Pay $`: `1e+17` is not of type decimal"),
    "infinity": ([1.0, float("-inf")], PAY, "row 2, column `Pay $`: `-inf` is"),
    "infinity as text": ([1.0, float("inf")], NOTE, "row 2, column `note`: `inf` is"),
}


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "CSV"])
@pytest.mark.parametrize("name", BAD_CELLS)
def test_a_cell_that_does_not_fit_is_named_by_its_row(name: str, kind: str, tmp_path: Path) -> None:
    cells, column, message = BAD_CELLS[name]
    place = FILES[kind]({"who": ["a", "b"], column.name: cells}, tmp_path)
    assert refused(place, tmp_path, of(column)).message.startswith(message)


@pytest.mark.parametrize("name", BAD_CELLS)
def test_in_postgresql_too(name: str, clinic: str, tmp_path: Path) -> None:
    cells, column, message = BAD_CELLS[name]
    said = refused(sources.as_postgres({"who": ["a", "b"], column.name: cells}, clinic), tmp_path, of(column)).message
    for theirs, ours in (("`1`", "`1.0`"), ("`-Infinity`", "`-inf`"), ("`Infinity`", "`inf`")):
        said = said.replace(theirs, ours) if column.type != "boolean" else said
    assert said.startswith(message)


# --- columns with types ----------------------------------------------------------------------------------------------

TYPED: dict[str, tuple[pa.Array, Column, list[Any]]] = {
    "a dictionary": (pa.array(["x", None]).dictionary_encode(), NOTE, ["x", None]),
    "a dictionary of numbers": (pa.array([7, 7]).dictionary_encode(), AGE, [7, 7]),
    "small numbers": (pa.array([1, 2], pa.uint8()), AGE, [1, 2]),
    "half floats": (pa.array([0.5, 1], pa.float16()), PAY, [50, 100]),
    "single floats": (pa.array([0.1, 1e6], pa.float32()), PAY, [10, 10**8]),
    "a coarser decimal": (pa.array([Decimal("1.5"), None], pa.decimal128(10, 1)), PAY, [150, None]),
    "a finer decimal": (pa.array([Decimal("1.500"), Decimal(0)], pa.decimal128(10, 3)), PAY, [150, 0]),
    "a decimal for an integer": (pa.array([Decimal(5), None], pa.decimal128(10, 0)), AGE, [5, None]),
    "days": (pa.array([date(2020, 1, 2), None]), NOTE, ["2020-01-02", None]),
    "days as milliseconds": (pa.array([date(2020, 1, 2), None], pa.date64()), NOTE, ["2020-01-02", None]),
    "instants": (
        pa.array([datetime(2020, 1, 2, 3, 4, tzinfo=UTC)] * 2, pa.timestamp("us", "Asia/Tokyo")), NOTE,
        ["2020-01-02 03:04:00+00"] * 2,
    ),
    "nanoseconds": (pa.array([1, None], pa.timestamp("ns")), NOTE, ["1970-01-01 00:00:00.000000001", None]),
    "nothing at all": (pa.nulls(2), AGE, [None, None]),
    "large texts": (pa.array(["x", ""], pa.large_string()), NOTE, ["x", ""]),
    "views of texts": (pa.array(["x", "beyond the view"], pa.string_view()), NOTE, ["x", "beyond the view"]),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPED)
def test_types_of_columns(name: str, tmp_path: Path) -> None:
    array, column, expected = TYPED[name]
    pyarrow.feather.write_feather(pa.table({"who": ["a", "b"], column.name: array}), tmp_path / "t.arrow")
    assert [row[1] for row in take(tmp_path / "t.arrow", tmp_path, of(column))[1]] == expected


TOO_MUCH: dict[str, tuple[pa.Array, Column]] = {
    "a decimal with digits that would be lost": (
        pa.array([Decimal("1.000"), Decimal("1.005")], pa.decimal128(10, 3)),
        PAY,
    ),
    "beyond 64 bits": (pa.array([1, 2**63], pa.uint64()), AGE),
    "a decimal beyond 64 bits": (pa.array([Decimal(1), Decimal(10**20)], pa.decimal128(22, 0)), PAY),
    "not a number": (pa.array([1.0, float("nan")]), PAY),
    "not a number, as text": (pa.array([1.0, float("nan")]), NOTE),
}


@pytest.mark.parametrize("name", TOO_MUCH)
@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_a_value_that_would_change_is_refused_with_its_row(name: str, suffix: str, tmp_path: Path) -> None:
    array, column = TOO_MUCH[name]
    table, path = pa.table({"who": ["a", "b"], column.name: array}), tmp_path / f"t.{suffix}"
    _ = pq.write_table(table, path) if suffix == "parquet" else pyarrow.feather.write_feather(table, path)
    assert refused(path, tmp_path, of(column)).message.startswith(f"row 2, column `{column.name}`: ")


ODD: dict[str, pa.Array] = {
    "bytes": pa.array([b"x", b"y"]), "a list": pa.array([[1], [2]]), "a structure": pa.array([{"a": 1}, {"a": 2}]),
    "a map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())), "a duration": pa.array([1, 2], pa.duration("s")),
    "bytes of one length": pa.array([b"xy", b"zw"], pa.binary(2)),
    "bytes in a dictionary": pa.array([b"x"] * 2).dictionary_encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_column_of_other_than_plain_values_is_named(name: str, tmp_path: Path) -> None:
    table = pa.table({"who": ["a", "b"], "note": ODD[name], "age": [1, 2]})
    pyarrow.feather.write_feather(table, tmp_path / "t.arrow")
    fault = refused(tmp_path / "t.arrow", tmp_path, of(NOTE))
    assert fault.message.startswith("column `note` holds ") and "no plain value" in fault.message
    assert [row[1] for row in take(tmp_path / "t.arrow", tmp_path, of(AGE))[1]] == [1, 2], "nobody asked for the other"
    assert [one.name for one in DuckDbEngine(tmp_path / "data").inspect(tmp_path / "t.arrow")] == ["who", "age"]


@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
@pytest.mark.parametrize("names", [["who", "age", "age"], ["who", "age", "AGE"]])
def test_two_columns_of_one_name(names: list[str], suffix: str, tmp_path: Path) -> None:
    table, path = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([2])], names), tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    assert "two columns named" in refused(path, tmp_path, of(AGE)).message


# --- hostile files ---------------------------------------------------------------------------------------------------


def test_arrow_with_offsets_that_lead_elsewhere(tmp_path: Path) -> None:
    """Taken on trust, they would read the node's own memory into the table."""
    path = sources.as_arrow_stream({"who": ["a"] * 4, "note": ["xxxx", "yyyy", "zzzz", "wwww"]}, tmp_path)
    content = path.read_bytes()
    small = struct.pack("<4i", 0, 4, 8, 12)
    assert content.count(small) == 1, "the notes of the first three rows"
    for bad in ((0, 4, 8, 10**6), (0, -4, 8, 12), (0, 12, 4, 12), (-8, 4, 8, 12)):
        path.write_bytes(content.replace(small, struct.pack("<4i", *bad), 1))
        assert "cannot be read as a table" in refused(path, tmp_path, of(NOTE)).message


@pytest.mark.parametrize("kind", ["Arrow file", "Arrow stream", "Parquet", "DuckDB", "SQLite"])
def test_a_file_cut_short_or_scrambled(kind: str, tmp_path: Path) -> None:
    path = FILES[kind]({"who": [f"p{n}" for n in range(5000)], "age": list(range(5000))}, tmp_path)
    content = path.read_bytes()
    size = len(content)
    for bad in (content[: size // 2], content[:20], content[:16] + bytes(size - 16)):
        path.write_bytes(bad)
        assert refused(path, tmp_path, of(AGE)).message


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    (tmp_path / "secret.csv").write_text("who,age\nsecret,1\n")
    return tmp_path


def test_a_duckdb_file_gives_its_plain_tables_only(traps: Path) -> None:
    """Not a view that reads a file, not a column that is worked out, and no macro under the name of a function."""
    with duckdb.connect(traps / "t.db") as connection:
        connection.execute("CREATE TABLE t (who VARCHAR, age INTEGER, note AS (repeat('x', 10)))")
        connection.execute("INSERT INTO t VALUES ('a', 1)")
        connection.execute(f"CREATE VIEW v AS SELECT * FROM read_csv('{traps / 'secret.csv'}')")
        connection.execute("CREATE TABLE other (who VARCHAR)")
        for name in (
            "row_number() AS 666",
            "lower(x) AS 'evil'",
            "duckdb_tables() AS TABLE SELECT 'evil' AS table_name",
        ):
            connection.execute(f"CREATE MACRO {name}")
    place = traps / "t.db"
    assert refused(TableIn(place, "v"), traps).message == "`t.db` has no table `v`"
    assert refused(place, traps).message == "`t.db` holds 2 tables"
    assert take(TableIn(place, "t"), traps, of(AGE))[1] == [(0, 1)]
    assert "column `note` holds what is worked out" in refused(TableIn(place, "t"), traps, of(NOTE)).message


def test_a_sqlite_file_gives_its_plain_tables_only(traps: Path) -> None:
    with closing(sqlite3.connect(traps / "t.sqlite")) as connection:
        connection.executescript(
            "CREATE TABLE t (who TEXT, age INTEGER, note TEXT AS (upper(who)) VIRTUAL);"
            "CREATE TABLE other (who TEXT); INSERT INTO t VALUES ('a', 1); CREATE VIEW v AS SELECT * FROM t;"
            "CREATE VIRTUAL TABLE found USING fts5(who); INSERT INTO found VALUES ('x');"
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM other; END; CREATE INDEX i ON t (upper(who));"
        )
    place = traps / "t.sqlite"
    for name in ("v", "found", "found_content", "sqlite_schema", "sqlite_master"):
        assert refused(TableIn(place, name), traps).message == f"`t.sqlite` has no table `{name}`"
    assert "holds 2 tables" in refused(place, traps).message
    assert take(TableIn(place, "t"), traps, of(AGE))[1] == [(0, 1)]
    assert "column `note` holds what is worked out" in refused(TableIn(place, "t"), traps, of(NOTE)).message


def test_a_sqlite_table_that_says_it_is_another(tmp_path: Path) -> None:
    """Its schema is text in a table, which can be written over: here a virtual table in the place of a plain one."""
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        connection.executescript(
            "CREATE TABLE t (who TEXT); INSERT INTO t VALUES ('a'); PRAGMA writable_schema = ON;"
            "UPDATE sqlite_master SET sql = 'CREATE VIRTUAL TABLE t USING fts5(who)' WHERE name = 't';"
        )
        connection.commit()
    refused(tmp_path / "t.db", tmp_path, of())


def test_a_sqlite_table_whose_rows_never_end(tmp_path: Path) -> None:
    """Pages that lead back to themselves: a small file of endless rows."""
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        connection.executescript("PRAGMA page_size = 512; CREATE TABLE t (who TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [(f"person {n}",) for n in range(2000)])
        connection.commit()
        root = connection.execute("SELECT rootpage FROM sqlite_master").fetchone()[0]
    content = bytearray((tmp_path / "t.db").read_bytes())
    page = memoryview(content)[(root - 1) * 512 : root * 512]
    assert page[0] == 5, "an interior page, with pointers to others"
    cells = struct.unpack(">H", page[3:5])[0]
    places = [struct.unpack(">H", page[12 + 2 * n : 14 + 2 * n])[0] for n in range(cells)]
    first = bytes(page[places[0] : places[0] + 4])
    for place in places:
        page[place : place + 4] = first
    page[8:12] = first
    (tmp_path / "t.db").write_bytes(bytes(content))
    taken_or_said = None
    try:
        taken_or_said = take(tmp_path / "t.db", tmp_path, of())[0].rows
    except BadInput as fault:
        taken_or_said = fault.message
    assert isinstance(taken_or_said, str) or taken_or_said <= len(content) // 4


@pytest.mark.parametrize("kind", ["SQLite", "DuckDB"])
def test_a_file_that_somebody_has_open(kind: str, tmp_path: Path) -> None:
    """Part of its rows lies beside it: what would be read is what it was once."""
    path = FILES[kind](VISITS, tmp_path)
    beside = Path(f"{path}-wal" if kind == "SQLite" else f"{path}.wal")
    beside.write_bytes(b"more")
    fault = refused(path, tmp_path)
    assert "is in use, or was not closed" in fault.message and "copy" in fault.remedy
    beside.unlink()
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir() if one.is_file()}
    assert take(path, tmp_path)[1] == STORED
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir() if one.is_file()} == before, (
        "not a byte is written"
    )


def test_a_cell_of_bytes_or_of_broken_text_in_sqlite(tmp_path: Path) -> None:
    for what, cell, said in (
        ("bytes", b"\x00\x01", "bytes is no value"), ("CAST(x'ff41' AS TEXT)", None, "is not in UTF-8")
    ):  # fmt: skip
        (tmp_path / "t.db").unlink(missing_ok=True)
        with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
            connection.execute("CREATE TABLE t (who TEXT, note TEXT)")
            connection.execute("INSERT INTO t VALUES ('a', 'x')")
            connection.execute(f"INSERT INTO t VALUES ('b', {'?' if cell else what})", [cell] if cell else [])
            connection.commit()
        message = refused(tmp_path / "t.db", tmp_path, of(NOTE)).message
        assert message.startswith("row 2, column `note`") and said in message


@pytest.mark.parametrize("name", ["t.db", "t.duckdb", "t.sqlite3", "t.arrow", "t.feather"])
@pytest.mark.parametrize(
    "content", [b"", b"who,age\na,1\n", bytes(5000), b"FEA1" + bytes(100), b"ARROW1\0\0" + bytes(90)]
)
def test_a_file_of_another_kind_than_its_name(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert "cannot be read as a table" in refused(tmp_path / name, tmp_path).message


def test_a_file_that_is_changed_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version would be of other bytes than its rows."""
    path, real = sources.as_parquet(VISITS, tmp_path), source._LOADS[".parquet"]

    def changed(*given: Any) -> Any:
        loaded = real(*given)
        path.write_bytes(path.read_bytes())
        return loaded

    monkeypatch.setitem(source._LOADS, ".parquet", changed)
    assert "was changed while it was read" in refused(path, tmp_path).message


# --- versions --------------------------------------------------------------------------------------------------------


def test_two_tables_of_one_file_are_two_versions(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "t.db") as connection:
        connection.execute("CREATE TABLE a AS SELECT 'x' AS who; CREATE TABLE b AS SELECT 'x' AS who")
    one, other = (take(TableIn(tmp_path / "t.db", name), tmp_path, of())[0].version for name in "ab")
    assert one != other
    sources.as_duckdb(VISITS, tmp_path)
    versions = {
        take(place, tmp_path)[0].version for place in (tmp_path / "t.duckdb", TableIn(tmp_path / "t.duckdb", TABLE))
    }
    assert len(versions) == 1, "named or not"


def test_the_version_of_rows_in_postgresql_is_of_the_rows(clinic: str, tmp_path: Path) -> None:
    """Not of where they lie, nor of what the card leaves behind."""
    place = sources.as_postgres(VISITS, clinic)
    first = take(place, tmp_path)[0].version
    table = psycopg.sql.Identifier("of the clinic", TABLE)

    def after(statement: str) -> str:
        with psycopg.connect(clinic) as connection:
            connection.execute(psycopg.sql.SQL(statement).format(table))  # type: ignore[arg-type]
        return take(place, tmp_path)[0].version

    assert after("UPDATE {} SET note = note WHERE age = 1") == first, "another place on the disk"
    assert after('UPDATE {} SET "left behind" = 7') == first
    assert after("UPDATE {} SET age = 2 WHERE age = 1") != first


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


@pytest.fixture
def theirs(clinic: str) -> Iterator[psycopg.Connection[Any]]:
    """A fresh schema `public` in their database."""
    with psycopg.connect(clinic, autocommit=True) as connection:
        connection.execute(
            'DROP SCHEMA IF EXISTS "of the clinic" CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public'
        )
        yield connection


def test_types_in_postgresql(theirs: psycopg.Connection[Any], clinic: str, tmp_path: Path) -> None:
    theirs.execute("CREATE TYPE mood AS ENUM ('low', 'high'); CREATE DOMAIN code AS varchar(5)")
    theirs.execute(
        "CREATE TABLE t (who bpchar(4), age smallint, mood mood, code code, day date, at timestamptz, pay numeric, "
        "id uuid, note text GENERATED ALWAYS AS ('x' || age::text) STORED, blob bytea, doc jsonb, list int[])"
    )
    theirs.execute(
        "INSERT INTO t VALUES ('a', 1, 'high', 'c', '2020-01-02', '2020-01-02 03:04:05+02', 1.500, "
        "'00000000-0000-0000-0000-000000000001', DEFAULT, '\\x00', '{}', '{1}')"
    )
    columns = [AGE, *(Column(n, "text", "personal", 2) for n in ("mood", "code", "day", "at", "id", "note"))]
    columns.append(Column("pay", "decimal", "personal", 2, decimals=1))
    place = TableIn(clinic, "t")
    assert take(place, tmp_path, of(*columns))[1] == [
        (0, 1, "high", "c", "2020-01-02", "2020-01-02 01:04:05+00", "00000000-0000-0000-0000-000000000001", "x1", 15)
    ]
    for name in ("blob", "doc", "list"):
        assert f"column `{name}` holds" in refused(place, tmp_path, of(Column(name, "text", "personal", 2))).message
    theirs.execute("UPDATE t SET pay = 1.55")
    assert "row 1, column `pay`: `1.55` is not of type decimal" in refused(place, tmp_path, of(*columns)).message
    theirs.execute("UPDATE t SET pay = 'NaN'")
    assert "`NaN`" in refused(place, tmp_path, of(*columns)).message


def test_only_plain_tables_of_postgresql(theirs: psycopg.Connection[Any], clinic: str, tmp_path: Path) -> None:
    """A view runs what its owner wrote, in the name of whoever reads it."""
    theirs.execute("CREATE TABLE log (said text); CREATE TABLE t (who text); INSERT INTO t VALUES ('a')")
    theirs.execute(
        "CREATE FUNCTION evil() RETURNS text LANGUAGE sql AS $$ INSERT INTO log VALUES ('x') RETURNING 'x' $$"
    )
    theirs.execute("CREATE VIEW v AS SELECT evil() AS who; CREATE SEQUENCE s")
    for name in ("v", "s", "none", "pg_catalog.pg_authid", "pg_authid", "public.v", 't"; DROP TABLE t; --'):
        fault = refused(TableIn(clinic, name), tmp_path, of())
        assert fault.message == f"the database has no table `{name}`" and "public.log, public.t" in fault.remedy
    assert refused(TableIn(clinic), tmp_path, of()).message == "the database holds 2 tables"
    theirs.execute("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w")
    theirs.execute(
        "CREATE TABLE parts (who text) PARTITION BY LIST (who); CREATE TABLE near PARTITION OF parts FOR VALUES IN ('a')"
    )
    theirs.execute("INSERT INTO parts VALUES ('a')")
    assert take(TableIn(clinic, "parts"), tmp_path, of())[0].rows == 1
    theirs.execute("CREATE FOREIGN TABLE away PARTITION OF parts FOR VALUES IN ('b') SERVER far")
    assert "lies on another server" in refused(TableIn(clinic, "parts"), tmp_path, of()).message
    assert theirs.execute("SELECT count(*) FROM log").fetchone() == (0,)


def test_rows_that_security_would_leave_out_are_not_left_out_in_silence(
    theirs: psycopg.Connection[Any], clinic: str, tmp_path: Path
) -> None:
    theirs.execute("CREATE TABLE t (who text); INSERT INTO t VALUES ('a'), ('b'); DROP ROLE IF EXISTS reader")
    theirs.execute(
        "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA public TO reader; ALTER TABLE t ENABLE ROW LEVEL SECURITY"
    )
    theirs.execute("CREATE POLICY partly ON t USING (who = 'a')")
    place = TableIn(clinic.replace("//postgres@", "//reader@"), "t")
    theirs.execute("GRANT SELECT ON t TO reader")
    assert "row-level security" in refused(place, tmp_path, of()).message
    theirs.execute("ALTER TABLE t DISABLE ROW LEVEL SECURITY")
    assert take(place, tmp_path, of())[0].rows == 2
    theirs.execute("REVOKE SELECT ON t FROM reader")
    assert "permission denied" in refused(place, tmp_path, of()).message
    theirs.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_names_are_found_in_the_catalogue_of_the_system_only(
    theirs: psycopg.Connection[Any], clinic: str, tmp_path: Path
) -> None:
    """A database can set where its names are looked up, and put its own tables and operators first."""
    theirs.execute("CREATE TABLE t (who text PRIMARY KEY, age int); INSERT INTO t VALUES ('b', 1), ('a', 2)")
    theirs.execute("CREATE SCHEMA trap; CREATE TABLE trap.pg_class (relname text); CREATE TABLE trap.t (who text)")
    theirs.execute("CREATE FUNCTION trap.array_position(int2[], int2) RETURNS int LANGUAGE sql AS 'SELECT 1/0'")
    name = theirs.info.dbname
    theirs.execute(
        f"ALTER DATABASE {name} SET search_path = trap, pg_catalog, public; ALTER DATABASE {name} SET row_security = on"
    )  # type: ignore[call-overload]
    assert take(TableIn(clinic, "t"), tmp_path, of(AGE))[1] == [(0, 2), (1, 1)]
    theirs.execute(f"ALTER DATABASE {name} RESET ALL")  # type: ignore[call-overload]
    theirs.execute("DROP SCHEMA trap CASCADE")


def test_the_table_is_read_as_it_was_at_one_moment(
    theirs: psycopg.Connection[Any], clinic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from usufruct.engine import pgtable

    theirs.execute("CREATE TABLE t (who text); INSERT INTO t VALUES ('a')")
    real = pgtable._query

    def later(*given: Any) -> Any:
        theirs.execute("INSERT INTO t VALUES ('b')")
        return real(*given)

    monkeypatch.setattr(pgtable, "_query", later)
    assert take(TableIn(clinic, "t"), tmp_path, of())[0].rows == 1


SECRET = "hunter2hunter2"


def test_a_password_is_never_shown(clinic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)
    for address in (
        f"postgresql://me:{SECRET}@127.0.0.1:1/x", f"postgresql://me:{SECRET}@[::1/x", "postgresql://127.0.0.1:1/x",
        f"postgresql:///x?host=/nowhere&password={SECRET}", f"postgresql:///{SECRET}=?bad={SECRET}",
        clinic.replace("/test_", f"/{SECRET}_"),
    ):  # fmt: skip
        place = TableIn(address, "t")
        said = f"{refused(place, tmp_path)} {place!r} {caplog.text}"
        assert SECRET not in said, said


# --- what people type ------------------------------------------------------------------------------------------------


def test_what_people_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLINIC", f"postgresql://me:{SECRET}@db/clinic")
    Path("a#b.csv").write_text("who\n")
    assert source.named("a#b.csv") == Path("a#b.csv"), "a file of that name is that file"
    assert source.named("t.db#visits") == TableIn(Path("t.db"), "visits")
    assert source.named("t.db", "my visits") == TableIn(Path("t.db"), "my visits")
    assert source.named("t.csv") == Path("t.csv")
    assert source.named("postgresql://me@db/x#public.t") == TableIn("postgresql://me@db/x", "public.t")
    assert source.named("env:CLINIC#t") == TableIn(f"postgresql://me:{SECRET}@db/clinic", "t")
    for typed in (
        f"postgresql://me:{SECRET}@db/x#t", f"postgresql://db/x?password={SECRET}", f"postgres://db/x?PassWord={SECRET}#t",
        f"postgresql://db/x?pass%77ord={SECRET}", f"postgresql://[{SECRET}", "env:NOT_SET#t",
    ):  # fmt: skip
        with pytest.raises(BadInput) as fault:
            source.named(typed)
        assert SECRET not in str(fault.value)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_a_file_of_one_table_has_no_names(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"t.{suffix}").write_text("who\na\n")
    assert "has none named `x`" in refused(TableIn(tmp_path / f"t.{suffix}", "x"), tmp_path).message
