"""The interop decisions of the AuthZEN working group's todo list: 40 single ones and 3 batches, by a ruleset in ODRL.

They are `decisions.json` of openid/authzen; who the users are is the scenario's user directory.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from authzen.world import World

SUITE = Path(os.environ.get("USUFRUCT_SUITES", "")) / "authzen" / "todo-decisions.json"
CASES: dict[str, list[dict[str, Any]]] = json.loads(SUITE.read_text()) if SUITE.is_file() else {}
pytestmark = pytest.mark.skipif(not CASES, reason="no USUFRUCT_SUITES with authzen in it")


@pytest.mark.parametrize("case", CASES.get("evaluation", [None]))
def test_decision(deciding_node: World, case: Any) -> None:
    answer = deciding_node.ask(case["request"])
    assert (answer.status_code, answer.json()["decision"]) == (200, case["expected"])


@pytest.mark.parametrize("case", CASES.get("evaluations", [None]))
def test_batch(deciding_node: World, case: Any) -> None:
    answer = deciding_node.ask(case["request"], "evaluations")
    assert answer.status_code == 200
    assert [{"decision": one["decision"]} for one in answer.json()["evaluations"]] == case["expected"]
