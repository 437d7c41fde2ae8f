"""Every benchmark runs, in small, and prints the shape that the design gives it; the figures themselves are not judged."""

from __future__ import annotations

import importlib.util
import json
import platform
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
HELPERS = (
    "__init__", "__main__", "contestant", "cover_peer", "decision_peers", "decision_world", "exchange_load",
    "matching_peer", "measure",
    "negotiation_bare", "negotiation_edc", "payees", "private_node", "private_table", "report", "valuation_turn",
)  # fmt: skip
NAMES = sorted(path.stem for path in (ROOT / "bench").glob("*.py") if path.stem not in HELPERS)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("bench.__main__")


def test_the_list_names_every_benchmark(bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([]) == 0
    assert sorted(line.split()[0] for line in capsys.readouterr().out.splitlines()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_prints_one_object(name: str, bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    if name == "allocation":
        pytest.importorskip("numba")
        pytest.importorskip("ortools")
    if name == "decision":
        pytest.importorskip("cedarpy")
        pytest.importorskip("casbin")
    if name in ("growth", "journal"):
        pytest.importorskip("pymerkle")
    assert bench.main([name, "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"bench", "machine", "results"}
    assert found["bench"] == name
    assert {"cores", "memory_gib", "python", "duckdb"} <= found["machine"].keys()
    assert found["results"]
    assert any(result["peer"] for result in found["results"])
    if name == "decision":
        met = {result["peer"].split()[0].strip(",") for result in found["results"] if result["peer"]}
        assert met == {"cedarpy", "pycasbin", *(("regopy",) if importlib.util.find_spec("regopy") else ())}
    for result in found["results"]:
        check_result(result)
    assert platform.node() not in found["machine"].values()
    assert "/" not in json.dumps(found["machine"])


def check_result(result: dict[str, object]) -> None:
    assert list(result) == ["case", "ours", "unit", "peer", "theirs", "ratio", "bar", "holds"]
    assert result["case"]
    assert result["bar"]
    assert result["holds"] in (True, False, None)
    ours, theirs, ratio = result["ours"], result["theirs"], result["ratio"]
    assert isinstance(ours, float)
    assert ours > 0
    if result["peer"] is None:
        assert theirs is None
        assert ratio is None
    else:
        assert isinstance(theirs, float)
        assert ratio == (pytest.approx(ours / theirs, rel=0.02) if theirs else None)


def test_without_json_it_is_a_table(bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["period", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert "ratio" in printed
    assert "members" in printed
