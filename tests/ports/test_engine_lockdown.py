"""The connections that the engine opens, as if somebody had got SQL of their own onto them; and their limits.

Nobody can: SQL is made from plans. This is the second wall, so it is tried on the engine's own connections and nowhere
else, each time with a control that the same statement does work on an ordinary one. There are two: the one that open data
are exported on, and the one in the room where all questions are worked out; what stands around that room is tried in
tests/attacks/test_room.py.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from usufruct.core.base.faults import EngineFault
from usufruct.core.privacy.expressions import of_column
from usufruct.core.privacy.rules import GroupKey, QueryPlan, Source, Vector
from usufruct.core.privacy.steps import Table
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.engine.room import Permitted
from usufruct.ports import Among

KEY = Column("k", "integer", "personal", 2, values=tuple(range(100)))
MEASURE = Column("n", "integer", "personal", 2, low=0, high=1000)
LIMITS = ("engine.limits", "the question could not be worked out within the node's limits")


def plan(asset: str, version: str, groups: int = 5) -> QueryPlan:
    domain = replace(of_column(MEASURE), low=MEASURE.low, high=MEASURE.high)
    vectors = (Vector("rows", None, None, 0, 1, 64, 1), Vector("sum", "c1", domain, 500, 500, 64, 1))
    relation, source = Table(asset, (("c0", "k"), ("c1", "n"))), Source(asset, version, True)
    return QueryPlan((source,), relation, (GroupKey("k", "c0", of_column(KEY), KEY.values),), groups, 3, vectors, ())


@pytest.fixture
def place(tmp_path: Path) -> tuple[DuckDbEngine, QueryPlan]:
    """A small table taken in, and a plan over it."""
    (tmp_path / "t.csv").write_text("who,k,n\n" + "".join(f"p{p},{p % 9},{p}\n" for p in range(50)))
    engine = DuckDbEngine(tmp_path / "data")
    columns = (Column("who", "text", "personal", 2), KEY, MEASURE)
    return engine, plan("pay", engine.ingest(Card("pay", "t", "d", "l", "who", columns, 3), tmp_path / "t.csv").version)


def everything(folder: Path) -> dict[Path, bytes]:
    """The files below a folder, and what is in them."""
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}


# --- what cannot be reached ------------------------------------------------------------------------------------------

FILES = {  # statements that work where files may be touched: the control of the test
    "read_csv": "SELECT * FROM read_csv('{csv}')",
    "read_csv all text": "SELECT * FROM read_csv('{csv}', all_varchar = true)",
    "sniff_csv": "SELECT * FROM sniff_csv('{csv}')",
    "read_text": "SELECT content FROM read_text('{csv}')",
    "read_blob": "SELECT content FROM read_blob('{csv}')",
    "read_json": "SELECT * FROM read_json('{json}')",
    "read_parquet": "SELECT * FROM read_parquet('{parquet}')",
    "parquet_metadata": "SELECT * FROM parquet_metadata('{parquet}')",
    "parquet_schema": "SELECT * FROM parquet_schema('{parquet}')",
    "glob": "SELECT * FROM glob('{folder}/*.csv')",
    "FROM csv": "FROM '{csv}'",
    "FROM parquet": "SELECT * FROM '{parquet}'",
    "FROM file in a subquery": "SELECT (SELECT count(*) FROM '{csv}')",
    "COPY FROM": "CREATE TEMP TABLE copied (a VARCHAR); COPY copied FROM '{csv}'",
    "COPY TO": "COPY (SELECT 42 AS leak) TO '{folder}/leak.csv'",
    "COPY TO parquet": "COPY (SELECT 42 AS leak) TO '{folder}/leak.parquet'",
    "EXPORT": "EXPORT DATABASE '{folder}/export'",
    "ATTACH a file": "ATTACH '{other}' AS other_file (READ_ONLY)",
    "ATTACH a new file": "ATTACH '{folder}/new.duckdb' AS new_file",
    "SET temp_directory": "SET temp_directory = '{folder}/spill'",
    "SET memory_limit": "SET memory_limit = '100GB'",
    "SET threads": "SET threads = 64",
    "RESET memory_limit": "RESET memory_limit",
    "SET max_temp_directory_size": "SET max_temp_directory_size = '1GB'",
    "SET python_enable_replacements": "SET python_enable_replacements = true",
    "SET autoload": "SET autoload_known_extensions = true",
    "SET autoinstall": "SET autoinstall_known_extensions = true",
    "SET extension_directory": "SET extension_directory = '{folder}'",
    "SET home_directory": "SET home_directory = '{folder}'",
    "SET secret_directory": "SET secret_directory = '{folder}'",
    "PRAGMA enable_profiling": "PRAGMA enable_profiling",
    "logging": "CALL enable_logging()",
}

NEVER = {  # statements that must fail here, and may fail elsewhere for want of a network or of a file
    "enable_external_access": "SET enable_external_access = true",
    "lock_configuration": "SET lock_configuration = false",
    "RESET lock_configuration": "RESET lock_configuration",
    "PRAGMA": "PRAGMA enable_external_access = true",
    "community extensions": "SET allow_community_extensions = true",
    "unsigned extensions": "SET allow_unsigned_extensions = true",
    "PRAGMA profiling_output": "PRAGMA profiling_output = '{folder}/profile.json'",
    "allowed_paths": "SET allowed_paths = ['/']",
    "allowed_directories": "SET allowed_directories = ['/']",
    "INSTALL": "INSTALL httpfs",
    "FORCE INSTALL": "FORCE INSTALL httpfs",
    "INSTALL from a path": "INSTALL '{folder}/x.duckdb_extension'",
    "LOAD": "LOAD httpfs",
    "LOAD a path": "LOAD '{folder}/x.duckdb_extension'",
    "UPDATE EXTENSIONS": "UPDATE EXTENSIONS",
    "http": "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "http by FROM": "SELECT * FROM 'https://127.0.0.1:9/x.parquet'",
    "s3": "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "ATTACH http": "ATTACH 'http://127.0.0.1:9/x.duckdb'",
    "ATTACH memory": "ATTACH ':memory:' AS m",
    "CREATE SECRET": "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "IMPORT": "IMPORT DATABASE '{folder}'",
    "getenv": "SELECT getenv('HOME')",
    "a Python variable": "SELECT * FROM spy",
    "a Python variable in a CTE": "WITH w AS (SELECT * FROM spy) SELECT * FROM w",
    "INSERT": "INSERT INTO asset SELECT * FROM asset",
    "UPDATE": "UPDATE asset SET n = 0",
    "DELETE": "DELETE FROM asset",
    "data-modifying CTE": "WITH gone AS (DELETE FROM asset RETURNING *) SELECT * FROM gone",
    "TRUNCATE": "TRUNCATE asset",
    "DROP": "DROP TABLE asset",
    "ALTER": "ALTER TABLE asset ADD COLUMN x INTEGER",
    "CREATE TABLE": "CREATE TABLE kept AS SELECT * FROM asset",
    "CREATE VIEW": "CREATE VIEW kept AS SELECT * FROM asset",
    "CREATE INDEX": "CREATE INDEX i ON asset (n)",
    "CREATE MACRO": "CREATE MACRO kept() AS 1",
    "COMMENT": "COMMENT ON TABLE asset IS 'x'",
}


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """Files that exist and can be read."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.csv").write_text("a,b\n1,2\n")
    (folder / "secret.json").write_text('[{"a": 1}]')
    with duckdb.connect(str(folder / "other.duckdb")) as connection:
        connection.execute("CREATE TABLE secret AS SELECT 1 AS a")
        connection.execute(f"COPY secret TO '{folder}/secret.parquet'")
    named = {kind: str(folder / f"secret.{kind}") for kind in ("csv", "json", "parquet")}
    return {"folder": str(folder), "other": str(folder / "other.duckdb"), **named}


def test_no_statement_reaches_out_of_the_table(
    place: tuple[DuckDbEngine, QueryPlan], outside: dict[str, str], tmp_path: Path
) -> None:
    engine, query = place
    spy = pa.table({"a": [1]})
    assert spy.num_rows == 1
    before = everything(tmp_path)
    passed = []
    with engine._connection(query.sources[0].asset, query.sources[0].version) as connection:
        settings = connection.execute("SELECT name, value FROM duckdb_settings() ORDER BY name").fetchall()
        for name, statement in {**FILES, **NEVER}.items():
            try:
                connection.execute(statement.format(**outside)).fetchall()
                passed.append(name)
            except duckdb.Error:
                pass
        assert connection.execute("SELECT name, value FROM duckdb_settings() ORDER BY name").fetchall() == settings
    assert passed == []
    assert everything(tmp_path) == before, "not a byte was written, read-only as it is"


OWN = {  # what a room may do with its own copy of a table, which nobody sees again
    "ATTACH memory", "INSERT", "UPDATE", "DELETE", "data-modifying CTE", "TRUNCATE", "DROP", "ALTER", "CREATE TABLE",
    "CREATE VIEW", "CREATE INDEX", "CREATE MACRO", "COMMENT",
}  # fmt: skip


def test_no_statement_reaches_out_of_the_room(
    place: tuple[DuckDbEngine, QueryPlan], outside: dict[str, str], tmp_path: Path
) -> None:
    engine, query = place
    permitted = Permitted(engine._file(query.sources[0].asset, query.sources[0].version), "asset", ("n",))
    before, passed = everything(tmp_path), []
    for name, statement in {**FILES, **NEVER}.items():
        steps = [(step, ()) for step in statement.format(**outside).split("; ")]
        try:
            engine._room.run([permitted], [*steps, ("SELECT 1", ())])
            passed.append(name)
        except EngineFault:
            pass
    assert set(passed) == OWN
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", [name for name in FILES if name != "COPY FROM"])
def test_the_same_statements_work_elsewhere(name: str, outside: dict[str, str]) -> None:
    """The control: it is the lock that refused them, not their spelling."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE asset AS SELECT 1 AS n")
        connection.execute(FILES[name].format(**outside)).fetchall()


def test_the_connection_is_configured_as_promised(place: tuple[DuckDbEngine, QueryPlan]) -> None:
    engine, query = place
    wanted = {
        "enable_external_access": "false", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
        "allow_community_extensions": "false", "allow_unsigned_extensions": "false", "python_enable_replacements": "false",
        "lock_configuration": "true", "temp_directory": "",
    }  # fmt: skip
    with engine._connection(query.sources[0].asset, query.sources[0].version) as connection:
        found = dict(connection.execute("SELECT name, value FROM duckdb_settings()").fetchall())
        [(tables,)] = connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall()
        attached = connection.execute("SELECT readonly FROM duckdb_databases() WHERE NOT internal").fetchall()
    assert {name: found[name] for name in wanted} == wanted
    assert (tables, attached) == (1, [(True,)])


def test_the_other_tables_of_the_node_are_out_of_reach(place: tuple[DuckDbEngine, QueryPlan], tmp_path: Path) -> None:
    engine, query = place
    with duckdb.connect(str(tmp_path / "data" / "other-0123456789abcdef.duckdb")) as connection:
        connection.execute("CREATE TABLE asset AS SELECT 'secret' AS n")
    with engine._connection(query.sources[0].asset, query.sources[0].version) as connection:
        for statement in (
            f"ATTACH '{tmp_path}/data/other-0123456789abcdef.duckdb' AS x (READ_ONLY)",
            f"SELECT * FROM read_blob('{tmp_path}/data/other-0123456789abcdef.duckdb')",
            f"SELECT * FROM glob('{tmp_path}/data/*')",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement).fetchall()


def test_nothing_stays_from_one_question_to_the_next(place: tuple[DuckDbEngine, QueryPlan]) -> None:
    """What one connection keeps for itself, another does not see: not even while both are open."""
    engine, query = place
    with engine._connection(query.sources[0].asset, query.sources[0].version) as first:
        first.execute("CREATE TEMP TABLE note AS SELECT 'x' AS a")
        first.execute("SET VARIABLE note = 'x'")
        with engine._connection(query.sources[0].asset, query.sources[0].version) as second:
            assert second.execute("SELECT getvariable('note')").fetchall() == [(None,)]
            with pytest.raises(duckdb.Error):
                second.execute("SELECT * FROM note")


# --- who people are --------------------------------------------------------------------------------------------------


def test_who_people_are_is_not_in_the_file(tmp_path: Path) -> None:
    """Neither in a column nor anywhere in its bytes; the control is a column that is kept."""
    people = [f"Zq{n}xv-Distinctive-Näme-{n}" for n in range(200)]
    lines = [f'"{who}",Kept{n}Too-Ünmistakable,{n}\n' for n, who in enumerate(people)]
    (tmp_path / "t.csv").write_text("who,word,n\n" + "".join(lines), encoding="utf-8")
    engine = DuckDbEngine(tmp_path / "data")
    columns = (Column("who", "text", "personal", 2), Column("word", "text", "personal", 2), MEASURE)
    taken = engine.ingest(Card("pay", "t", "d", "l", "who", columns, 3), tmp_path / "t.csv")
    assert list(taken.persons) == sorted(people)
    [file] = list((tmp_path / "data").iterdir())
    stored = file.read_bytes()
    assert b"Distinctive" not in stored and b"who" not in stored and "Näme".encode() not in stored
    assert not [who for who in people if who.encode() in stored or hashlib.md5(who.encode()).digest() in stored]
    assert b"nmistakable" in stored, "what is kept can be found this way"
    with engine._connection("pay", taken.version) as connection:
        found = connection.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'asset'").fetchall()
        assert [name for (name,) in found] == ["_person", "_draw", "word", "n"]


@pytest.mark.parametrize("type", ["integer", "decimal"])
def test_numbers_that_are_people_are_not_in_the_file(type: str, tmp_path: Path) -> None:
    people = [7_345_678_900_000 + 7919 * n * n for n in range(50)]
    (tmp_path / "t.csv").write_text("who,kept\n" + "".join(f"{who},{who + 10**15}\n" for who in people))
    engine = DuckDbEngine(tmp_path / "data")
    columns = (Column("who", type, "personal", 2), Column("kept", "integer", "personal", 2))
    engine.ingest(Card("pay", "t", "d", "l", "who", columns, 3), tmp_path / "t.csv")
    [file] = list((tmp_path / "data").iterdir())
    with duckdb.connect(str(file), read_only=True) as connection:
        for name, kind in connection.execute("SELECT column_name, data_type FROM duckdb_columns()").fetchall():
            if name in ("_person", "_draw", "kept"):
                low, high = connection.execute(f'SELECT min("{name}"), max("{name}") FROM asset').fetchall()[0]
                assert high < 65_536 or low >= 10**15, (name, kind)
    assert not [
        who
        for who in people
        if who.to_bytes(8, "little") in file.read_bytes() or str(who).encode() in file.read_bytes()
    ]


def test_the_draw_is_shared_and_gives_nobody_away(tmp_path: Path) -> None:
    """Sixteen bits: among a hundred thousand, somebody else has the same, so it confirms no guess at who it is."""
    (tmp_path / "t.csv").write_text("who,n\n" + "".join(f"p{n},1\n" for n in range(100_000)))
    engine = DuckDbEngine(tmp_path / "data")
    columns = (Column("who", "text", "personal", 2), MEASURE)
    taken = engine.ingest(Card("pay", "t", "d", "l", "who", columns, 3), tmp_path / "t.csv")
    with engine._connection("pay", taken.version) as connection:
        [(different, high)] = connection.execute("SELECT count(DISTINCT _draw), max(_draw) FROM asset").fetchall()
    assert 40_000 < different < 60_000 and high < 65_536


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables of four million rows, alike in shape but not in what they say: plans over them take seconds."""
    folder = tmp_path_factory.mktemp("big")
    for version, factor in (("0" * 16, 7919), ("1" * 16, 104_729)):
        with duckdb.connect(str(folder / f"pay-{version}.duckdb")) as connection:
            connection.execute(
                f"CREATE TABLE asset AS SELECT (i % 200000)::INTEGER AS _person, (i % 65536)::USMALLINT AS _draw, "
                f"(i // 200000 * 5 + i * {factor}) % 100 AS k, i % 1000 AS n FROM range(4000000) AS t(i)"
            )
    return folder


EVERYBODY = ((1 << 200_000) - 1).to_bytes(25_000, "little")


def test_a_question_that_runs_too_long_is_stopped(big: Path) -> None:
    messages = set()
    for version in ("0" * 16, "1" * 16):
        for seconds in (0.001, 0.05):
            begun = time.monotonic()
            with pytest.raises(EngineFault) as fault:
                DuckDbEngine(big, seconds=seconds).run(plan("pay", version), [Among(EVERYBODY, 200_000)])
            assert time.monotonic() - begun < 5, "the plan would run on for several seconds"
            messages.add((fault.value.code, fault.value.message, fault.value.remedy, fault.value.__cause__))
    assert len(messages) == 1
    assert messages.pop()[:2] == LIMITS


def test_a_question_that_needs_too_much_memory_is_stopped(big: Path) -> None:
    """And does not go on on the disk: what is refused here could be answered by spilling some 200 MB."""
    before, here = sorted(big.rglob("*")), sorted(Path.cwd().iterdir())
    messages = set()
    for version in ("0" * 16, "1" * 16):
        with pytest.raises(EngineFault) as fault:
            DuckDbEngine(big, memory="150MB").run(plan("pay", version), [Among(EVERYBODY, 200_000)])
        messages.add((fault.value.code, fault.value.message, fault.value.remedy))
    assert len(messages) == 1
    assert messages.pop()[:2] == LIMITS
    assert sorted(big.rglob("*")) == before
    assert sorted(Path.cwd().iterdir()) == here


def test_time_is_up_between_two_statements(place: tuple[DuckDbEngine, QueryPlan], tmp_path: Path) -> None:
    """An interrupt that comes while no statement runs is lost; the next statement must be stopped all the same."""
    engine = DuckDbEngine(tmp_path / "data", seconds=0.05)
    begun = time.monotonic()

    def late() -> None:
        with engine._connection(place[1].sources[0].asset, place[1].sources[0].version) as connection:
            time.sleep(0.2)
            connection.execute("SELECT sum(hash(range)) FROM range(8_000_000_000)").fetchall()

    with pytest.raises(EngineFault) as fault:
        late()
    assert time.monotonic() - begun < 5
    assert (fault.value.code, fault.value.message) == LIMITS


def test_a_question_in_time_is_answered_after_others_were_stopped(big: Path) -> None:
    """Limits belong to a question, not to the table: the next one is not the worse for it."""
    with pytest.raises(EngineFault):
        DuckDbEngine(big, seconds=0.01).run(plan("pay", "0" * 16), [Among(EVERYBODY, 200_000)])
    nobody = bytes(25_000)
    assert DuckDbEngine(big).run(plan("pay", "0" * 16), [Among(nobody, 200_000)]).vectors == [[0] * 100] * 2


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "another table"])
def test_a_damaged_file_says_nothing(damage: str, place: tuple[DuckDbEngine, QueryPlan], tmp_path: Path) -> None:
    """Whatever DuckDB would say of it stays inside, also by way of the exception's cause."""
    engine, query = place
    [file] = list((tmp_path / "data").iterdir())
    whole = file.read_bytes()
    if damage == "another table":
        file.unlink()
        with duckdb.connect(str(file)) as connection:
            connection.execute("CREATE TABLE asset AS SELECT 'p13' AS secret")
    else:
        file.write_bytes({"empty": b"", "cut": whole[:5000], "noise": os.urandom(len(whole))}[damage])
    with pytest.raises(EngineFault) as fault:
        engine.run(query, [Among(b"\xff" * 7, 50)])
    assert fault.value.code in ("engine.data", "engine.limits")
    assert fault.value.__cause__ is None and fault.value.__suppress_context__
    assert "p13" not in str(fault.value) and "secret" not in str(fault.value) and str(tmp_path) not in str(fault.value)
