"""What a Spark cluster is given, and the settings that name one. No cluster is needed for these."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from engines import tables
from privacy.world import ASSETS
from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.engine.room import NOBODY, Permitted
from usufruct.main import create_node, open_node, read_settings

spark = pytest.importorskip("usufruct.engine.spark", reason="the extra `spark` is not installed")


def test_the_cluster_is_given_what_is_permitted_and_no_names(tmp_path: Path) -> None:
    tables.store(tmp_path, 200)
    engine = spark.SparkEngine(tmp_path, "sc://127.0.0.1:1", tmp_path / "scratch")
    numbers = pa.array([NOBODY, 40, *range(2, 60)], pa.uint32()).buffers()[1].to_pybytes()
    permitted = Permitted(tmp_path / "pay-v.duckdb", "t0", ("_person", "_draw", "wage"), b"\x07", 60, numbers)
    names = {"_person": "_person", "_draw": "_draw", "wage": "n0"}
    engine._hand_over([permitted], names, tmp_path / "scratch", time.monotonic() + 60)
    given = parquet.read_table(tmp_path / "scratch" / "t0" / "rows.parquet")
    assert given.column_names == ["_person", "_draw", "n0"]
    with duckdb.connect(str(tmp_path / "pay-v.duckdb")) as stored:
        rows = stored.execute(
            "SELECT if(_person = 1, 40, 2), _draw, wage FROM asset WHERE _person IN (1, 2)"
        ).fetchall()
    assert len(rows) > 2
    assert sorted(zip(*given.to_pydict().values(), strict=True), key=repr) == sorted(rows, key=repr)
    assert all(column.name.encode() not in given.schema.serialize().to_pybytes() for column in ASSETS["pay"].columns)


def test_a_table_that_cannot_be_opened_is_told_as_ever(tmp_path: Path) -> None:
    engine = spark.SparkEngine(tmp_path, "sc://127.0.0.1:1", tmp_path / "scratch")
    with pytest.raises(EngineFault, match="the data of `pay` could not be opened"):
        engine._worked_out([Permitted(tmp_path / "pay-v.duckdb", "t0", ("wage",))], ("SELECT 1", []), [])
    assert not list((tmp_path / "scratch").iterdir())


def test_what_a_killed_node_left_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "scratch" / "question-1").mkdir(parents=True)
    (tmp_path / "scratch" / "of others").mkdir()
    spark.SparkEngine(tmp_path, "sc://127.0.0.1:1", tmp_path / "scratch")
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["of others"]


def test_only_words_that_spark_spells_otherwise_are_changed() -> None:
    text = """SELECT "say ""VARCHAR"" // $1" AS c0, CAST(c1 // $2 AS VARCHAR) || '|//$1' FROM t0 WHERE "c1" = $12"""
    names = {'say "VARCHAR" // $1': "n0", "c1": "n1"}
    found, values = spark.translated((text, [None, 7, True]), names)
    assert found == "SELECT n0 AS c0, CAST(c1 DIV :p2 AS STRING) || '|//$1' FROM t0 WHERE n1 = :p12"
    assert values == {"p1": None, "p2": 7, "p3": True}


def settle(directory: Path, name: str, value: str) -> None:
    """Writes a setting of a new node."""
    create_node(directory, "The Commons", "commons", "The Commons", "EUR")
    file = directory / "node.toml"
    file.write_text(file.read_text().replace(f'{name} = ""', f'{name} = "{value}"'))
    assert getattr(read_settings(directory), name) == value


@pytest.mark.parametrize(
    "engine", ["spark://host:7077", "sc://host:99999", "sc://host/path;token=secret", "env:NO_SUCH_VARIABLE", "secret"]
)
def test_an_address_that_is_none_is_refused_and_not_repeated(engine: str, tmp_path: Path) -> None:
    settle(tmp_path / "node", "engine", engine)
    with (
        pytest.raises(BadInput, match="does not say where a Spark Connect server is") as refused,
        open_node(tmp_path / "node"),
    ):
        pass
    assert refused.value.code == "input.settings"
    assert "secret" not in str(refused.value) and refused.value.__suppress_context__


def test_an_address_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", "sc://spark.example:15002/;use_ssl=true;token=tell-nobody")
    settle(tmp_path / "node", "engine", "env:CLUSTER")
    with open_node(tmp_path / "node") as node:
        assert isinstance(node.engine, spark.SparkEngine)
    assert (tmp_path / "node" / "scratch").is_dir()
    assert "tell-nobody" not in repr(read_settings(tmp_path / "node"))


def test_without_the_extra_the_setting_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(tmp_path / "node", "engine", "sc://127.0.0.1:1")
    monkeypatch.delitem(sys.modules, "usufruct.engine.spark", raising=False)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(BadInput, match="the setting `engine` needs the extra `spark`"), open_node(tmp_path / "node"):
        pass
