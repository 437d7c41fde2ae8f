"""The reference page of what laws set is made from the tables, and the commands print what they hold."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tables import cases
from typer.testing import CliRunner

from usufruct.cli.commands import app
from usufruct.core.rulebook import statutory

DOCS = Path(__file__).parents[2] / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("statutory_page", DOCS / "statutory.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_page_is_made_from_the_tables() -> None:
    made, page = generator(), (DOCS / "reference" / "statutory.md").read_text(encoding="utf-8")
    assert made.filled(page) == page, "run `python docs/statutory.py`"
    assert all(f"### `{table.name}`" in page for table in statutory.shipped())


ASKED = """
command                                                                    | status | said
---------------------------------------------------------------------------+--------+------------------------------
list                                                                       | 0      | fr.smic.hour
list us.wage-base                                                          | 0      | 128400.00
list gb.minimum-wage.hour                                                  | 0      | 11.44 from
list fr.nothing                                                            | 2      | there is no statutory table
value fr.full-time.month --on 2020-01-01                                   | 0      | about 151.6667 h/month
value us.wage-base --on 2018-06-01 --known 2017-11-01                      | 0      | known since 2017-10-13
value gb.minimum-wage.hour --on 2024-04-01 --age 30                        | 0      | was not found
value gb.minimum-wage.hour --on yesterday                                  | 2      | is not a moment in time
due fr.micro.tourism 100.00:EUR --on 2025-05-05 --tax                      | 0      | 8.00 EUR
due fr.micro.tourism 100.00:USD --on 2025-05-05                            | 2      | is reckoned in EUR
due us.self-employment 100.00:EUR --on 2025-05-05                          | 2      | is reckoned in USD
due fr.micro.nothing 100.00:EUR --on 2025-05-05                            | 2      | there is no regime
trip 1000 600 --on 2024-06-01 --outside --accessible                       | 0      | 8.02 USD
trip 1000 600 --on 2019-06-01 --utilisation busy                           | 2      | is no utilisation
trip 1000 600 --on 2024-06-01 --utilisation 0.5                            | 2      | has no value
"""


@cases(ASKED)
def test_commands(row: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = [word.replace(":", " ") for word in row["command"].split()]
    told = CliRunner().invoke(app, ["statutory", *words])
    assert told.exit_code == int(row["status"])
    assert row["said"] in " ".join((told.output + told.stderr).split())
