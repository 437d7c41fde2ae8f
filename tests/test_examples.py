"""The examples are told to their ends, and come to what they say."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from usufruct.core.base.faults import BadInput
from usufruct.wire import card

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_every_example_is_told_here() -> None:
    assert [path.name for path in sorted(EXAMPLES.glob("*.py"))] == [
        "clinic.py", "couriers.py", "dust.py", "invented.py", "pair_of_nodes.py", "two_nodes.py",
    ]  # fmt: skip
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 120 for path in EXAMPLES.glob("*.py"))


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_card_is_good() -> None:
    text = (EXAMPLES / "clinic.toml").read_text(encoding="utf-8")
    read = card.read(text)
    header = (EXAMPLES / "clinic.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [column.name for column in read.columns] == header == list(tomllib.loads(text)["columns"])
    with pytest.raises(BadInput):
        card.read(text.replace("rows_per_person", "rows_per_head"))


def test_the_clinics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    came = example("clinic").tell(tmp_path / "node")
    told = capsys.readouterr().out

    assert came["report"].sound and told.endswith("facts, sound.\n")
    assert came["answer"].table.column_names == ["quarter", "wait", "wait_margin"]
    assert came["refused"].code == "access.form"
    assert [use["state"] for use in came["mine"]["uses"]] == ["refused", "answered"], "the third question left her out"
    assert came["plan"]["income"] == 1000
    assert re.fullmatch(r"0\.0\d EUR", came["mine"]["paid"][0]["amount"])
    assert "ask for totals" in told and "in whole units" in told


def test_two_nodes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told is stored in two_nodes.txt; to store it anew, run with USUFRUCT_STORE=1 and read the difference."""
    monkeypatch.syspath_prepend(EXAMPLES)
    two_nodes, stored = example("two_nodes"), EXAMPLES / "two_nodes.txt"
    came = two_nodes.tell(tmp_path, {"hospital": two_nodes.free_port(), "city": two_nodes.free_port()})
    told = capsys.readouterr().out
    if os.environ.get("USUFRUCT_STORE"):
        stored.write_text(told, encoding="utf-8")
    assert noiseless(told) == noiseless(stored.read_text(encoding="utf-8"))

    with (tmp_path / "admissions.csv").open(encoding="utf-8") as file:
        exact = Counter((row["month"], row["district"]) for row in csv.DictReader(file))
    answered = came["theirs"].table.to_pylist()
    assert len(answered) == len(exact) == 36
    off = [row["admitted"] - exact[row["month"], row["district"]] for row in answered if row["admitted"] is not None]
    assert any(off), "the hospitals' numbers came as they are"
    assert max(map(abs, off)) < 3 * answered[0]["admitted_margin"]
    assert (came["theirs"].price, came["owed"], came["sound"]) == ("40.00 EUR", -4000, True)
    assert came["refused"].code == "contract.pull"


def noiseless(text: str) -> str:
    """What was told, with `#` in the place of each number that noise or the journal's growth alters."""
    text = re.sub(r"\d+ ± \d+|too few", "# ± #", text)
    return re.sub(r" +", " ", re.sub(r"█+ \d+|\d+(?= facts)", "#", text))
