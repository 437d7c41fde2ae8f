"""The examples are told to their ends, and come to what they say."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from usufruct.core.base.faults import BadInput
from usufruct.wire import card

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_every_example_is_told_here() -> None:
    assert [path.name for path in sorted(EXAMPLES.glob("*.py"))] == ["clinic.py"]
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 120 for path in EXAMPLES.glob("*.py"))


def test_the_card_is_good() -> None:
    text = (EXAMPLES / "clinic.toml").read_text(encoding="utf-8")
    read = card.read(text)
    header = (EXAMPLES / "clinic.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [column.name for column in read.columns] == header == list(tomllib.loads(text)["columns"])
    with pytest.raises(BadInput):
        card.read(text.replace("rows_per_person", "rows_per_head"))


def test_the_clinics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("clinic", EXAMPLES / "clinic.py")
    assert spec is not None and spec.loader is not None
    clinic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(clinic)
    came = clinic.tell(tmp_path / "node")
    told = capsys.readouterr().out

    assert came["report"].sound and told.endswith("facts, sound.\n")
    assert came["answer"].table.column_names == ["quarter", "wait", "wait_margin"]
    assert came["refused"].code == "access.form"
    assert [use["state"] for use in came["mine"]["uses"]] == ["refused", "answered"], "the third question left her out"
    assert came["plan"]["income"] == 1000
    assert re.fullmatch(r"0\.0\d EUR", came["mine"]["paid"][0]["amount"])
    assert "ask for totals" in told and "in whole units" in told
