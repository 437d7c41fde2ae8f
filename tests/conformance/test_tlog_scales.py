"""tlog-scales, a Python reader of tiled logs by others, finds in our log what we signed for."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from longlog import LongLog
from usufruct.core.proof.receipt import Receipt
from usufruct.core.proof.tree import verify_inclusion

pytest.importorskip("tlog_scales", reason="tlog-scales is not installed")

from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint


@pytest.fixture
def reader(long_log: LongLog) -> TilesReader:
    return TilesReader(LocalBackend(long_log.folder))


def test_signature_and_root(reader: TilesReader, long_log: LongLog) -> None:
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string(long_log.key))
    assert (checkpoint.origin, checkpoint.size) == ("long.example/journal", 70_000)
    assert reader.calculate_root_hash() == checkpoint.root_hash


def test_inclusion(reader: TilesReader) -> None:
    checkpoint = reader.get_checkpoint()
    chance = random.Random(1)
    for index in {0, 255, 256, 65_535, 65_536, 69_999, *(chance.randrange(70_000) for _ in range(200))}:
        proof = reader.get_inclusion_proof(index, checkpoint.size)
        proof.check(leaf_hash(reader.get_entry(index)), checkpoint.root_hash)


def test_consistency(reader: TilesReader, long_log: LongLog) -> None:
    checkpoint = reader.get_checkpoint()
    for size, note in long_log.notes.items():
        old = Checkpoint.from_text(note)
        assert old.size == size
        reader.get_consistency_proof(size, checkpoint.size).check(old.root_hash, checkpoint.root_hash)


def test_the_proof_it_writes_is_one_that_we_read(long_log: LongLog, reader: TilesReader) -> None:
    program = Path(sys.executable).with_name("tlog-tiles")
    command = [program, "gen-proof", long_log.folder, "33333"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    receipt = Receipt.parse(text)
    checkpoint = reader.get_checkpoint()
    assert receipt.checkpoint_note == long_log.notes[70_000]
    assert verify_inclusion(reader.get_entry(33_333), 33_333, 70_000, receipt.proof, checkpoint.root_hash)
