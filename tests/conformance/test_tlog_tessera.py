"""Tessera's test log, written by others: every checkpoint it ever signed opens, has our root, continues the one before;
and the log as it lies there is verified whole."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

import pytest

from usufruct.core.proof import monitor
from usufruct.core.proof.checkpoint import Checkpoint, open_note
from usufruct.core.proof.tree import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from usufruct.store import folder
from usufruct.store.keys import verify_signature

VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


@pytest.fixture(scope="module")
def log() -> Path:
    if "USUFRUCT_SUITES" not in os.environ:
        pytest.skip("USUFRUCT_SUITES does not say where the outside suites are")
    folder = Path(os.environ["USUFRUCT_SUITES"]) / "tlog-tessera" / "log"
    if not folder.is_dir():
        pytest.skip("the suites have no tlog-tessera")
    return folder


@pytest.fixture(scope="module")
def leaves(log: Path) -> list[bytes]:
    found, rest = [], (log / "tile/entries/000.p/15").read_bytes()
    while rest:
        size = int.from_bytes(rest[:2])
        found.append(rest[2 : 2 + size])
        rest = rest[2 + size :]
    return found


def test_leaf_hashes_are_those_of_its_tile(log: Path, leaves: list[bytes]) -> None:
    assert b"".join(map(leaf_hash, leaves)) == (log / "tile/0/000.p/15").read_bytes()


@pytest.mark.parametrize("size", range(16))
def test_a_checkpoint_opens_and_is_proven(log: Path, leaves: list[bytes], size: int) -> None:
    note = (log / f"checkpoint.{size}").read_text(encoding="utf-8")
    root = Checkpoint.parse(open_note(note, VKEY, verify_signature)).root
    assert root == root_of(leaves[:size])
    frontier, stored = Frontier(), {}
    for index, entry in enumerate(leaves[:size]):
        stored[0, index] = leaf_hash(entry)
        stored.update({(level, at): value for level, at, value in frontier.append(entry)})

    def hash_at(level: int, index: int) -> bytes:
        return stored[level, index]

    for old in range(size + 1):
        assert verify_consistency(old, root_of(leaves[:old]), size, root, consistency_proof(old, size, hash_at))
    for index in range(size):
        assert verify_inclusion(leaves[index], index, size, inclusion_proof(index, size, hash_at), root)


def look_at(place: Path, kept: list[Path]) -> monitor.Report:
    notes = [(path.name, path.read_text(encoding="utf-8")) for path in kept]
    return monitor.check(functools.partial(folder.read, place), VKEY, verify_signature, notes, folder.listed(place))


def test_the_monitor_finds_the_log_sound(log: Path) -> None:
    """With its older partial tiles, and going on from every checkpoint that was ever signed."""
    kept = sorted(log.glob("checkpoint.*"))
    report = look_at(log, kept)
    assert report.checkpoint is not None and report.checkpoint.size == 15 and len(kept) == 16
    assert report.findings == ()


def test_the_monitor_names_every_changed_file_of_it(log: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(log, tmp_path / "log"))
    files = [copy / "checkpoint", *(file for file in copy.glob("tile/**/*") if file.is_file())]
    assert len(files) == 31
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        assert [finding.file for finding in look_at(copy, []).findings] == [str(file.relative_to(copy))]
        file.write_bytes(content)
