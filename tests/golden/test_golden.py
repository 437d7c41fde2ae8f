"""Records as they were once written: they are read, and written again to the same bytes, for ever.

A line of `facts.jsonl` is never changed and never taken out, for journals hold such lines. When a fact gets a new kind,
add a line for it; when it gets a new field, the lines that are there must still do, and a line that has it is added.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from usufruct.core import facts
from usufruct.core.base.records import plain

LINES = (Path(__file__).parent / "facts.jsonl").read_bytes().splitlines()

# How many lines there were, and the SHA-256 of them all, when the format was fixed. Lines may only follow.
FIXED, DIGEST = 24, "c8a406db86c953d8a54c8a97f0c9869097024aabfe37f16ae9ae559f9d11dd70"


@pytest.mark.parametrize("line", LINES, ids=lambda line: json.loads(line)["kind"])
def test_a_record_is_read_and_written_again_to_the_same_bytes(line: bytes) -> None:
    entry = facts.decode(line)
    assert facts.encode(entry) == line


@pytest.mark.parametrize("line", LINES, ids=lambda line: json.loads(line)["kind"])
def test_every_field_is_found_under_the_name_it_was_written_under(line: bytes) -> None:
    written = json.loads(line)
    entry = facts.decode(line)
    assert (entry.seq, entry.at, entry.fact.KIND) == (written["seq"], written["at"], written["kind"])
    assert written["fact"]
    for name, value in written["fact"].items():
        assert json.loads(json.dumps(plain(getattr(entry.fact, name)))) == value


def test_every_kind_of_fact_is_there() -> None:
    there = {json.loads(line)["kind"] for line in LINES}
    assert set(facts.BY_KIND) - there == set(), "add a line to facts.jsonl"
    assert there - set(facts.BY_KIND) == set(), "a kind that was once written can no longer be read"


def test_every_field_of_every_fact_is_there() -> None:
    """Those with a default too: in some line each must hold something else."""
    for kind in facts.FACTS:
        found = {name for line in LINES if json.loads(line)["kind"] == kind.KIND for name in json.loads(line)["fact"]}
        assert found == {field.name for field in dataclasses.fields(kind)}, kind.KIND


def test_no_line_was_changed_or_taken_out() -> None:
    assert hashlib.sha256(b"\n".join(LINES[:FIXED])).hexdigest() == DIGEST
