"""The usage control examples of the International Data Spaces Association: what is ODRL loads, and nothing in it is ignored.

The files are `UsageControl/Contract/Policies/*odrl*.json` of International-Data-Spaces-Association/IDS-G, put as they are
into the folder `odrl-idsa`. They have no expected results. Some are several documents in one file, or not quite JSON; those
are refused with the place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from usufruct.core.base.faults import BadInput
from usufruct.core.terms import evaluate
from usufruct.core.terms.vocabulary import ACTIONS, OPERANDS
from usufruct.wire import odrl

SUITE = Path(os.environ.get("USUFRUCT_SUITES", "")) / "odrl-idsa"
FILES = sorted(SUITE.glob("*odrl*.json")) if SUITE.is_dir() else []


@pytest.mark.skipif(not FILES, reason="no USUFRUCT_SUITES with odrl-idsa in it")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_loads_and_says_what_it_does_not_understand(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        with pytest.raises(BadInput, match="line"):
            odrl.read(text)
        return
    rules = odrl.read(text)
    assert rules.rules
    assert odrl.read(odrl.to_turtle(rules)) == odrl.read(odrl.to_jsonld(rules)) == rules
    flags = " ".join(flag.what for flag in evaluate.read(rules).flags)
    for word in strange(document):
        assert word in flags, f"`{word}` is ignored"


def strange(item: Any) -> Iterator[str]:
    """Words of other profiles: properties, left operands, actions."""
    if isinstance(item, list):
        for part in item:
            yield from strange(part)
    if not isinstance(item, dict):
        return
    if "operator" in item and set(item) - {"@id", "leftOperand", "operator", "rightOperand", "unit"}:
        return  # flagged for one of its own properties
    for name, value in item.items():
        known = {"leftOperand": OPERANDS, "action": ACTIONS}.get(name)
        if name.startswith("ids:"):
            yield name.removeprefix("ids:")
        elif known is not None and isinstance(value, str) and value not in known:
            yield value.partition(":")[2] or value
        elif name != "@context":
            yield from strange(value)
