"""The words of rules: the page that lists them is complete, and what is built on them hangs together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from usufruct.core.terms import evaluate
from usufruct.core.terms.vocabulary import ACTIONS, OPERANDS, OPERATORS, ROLES, actions_above, actions_below
from usufruct.wire import odrl

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "terms.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    text = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_every_word_is_on_the_page() -> None:
    assert {name: row[0] for name, row in table("Operators").items()} == OPERATORS
    assert {name: row[:3] for name, row in table("Left operands").items()} == {
        operand.name: [operand.type, operand.label, operand.given] for operand in OPERANDS.values()
    }
    assert {name: tuple(re.findall(r"`([^`]+)`", row[0])) for name, row in table("Actions").items()} == ACTIONS
    assert set(re.findall(r"`(\w+Party)`", PAGE)) == set(ROLES)


def test_the_example_on_the_page_is_understood() -> None:
    example = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    rules = odrl.read(example[1])
    assert len(rules.rules) == 2
    assert evaluate.read(rules).flags == ()


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_have_no_circles(action: str) -> None:
    assert set(ACTIONS[action]) <= set(ACTIONS)
    assert actions_above(action) & actions_below(action) == {action}
