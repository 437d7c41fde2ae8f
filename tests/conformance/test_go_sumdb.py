"""Go's checksum-database code verifies our receipts and our public log, and refuses every changed one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from golang import build
from golang import run as run_program

from longlog import LongLog
from usufruct.core.proof.receipt import Receipt
from usufruct.main import create_node, open_node, read_settings
from usufruct.node import register

DAMAGED = ("checkpoint", "tile/2/000.p/1", "tile/1/000", "tile/0/100", "tile/0/273.p/112", "tile/entries/100")


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sumdb", tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Receipt], str]:
    directory = tmp_path_factory.mktemp("node") / "node"
    create_node(directory, "Node", "op", "Operator", "EUR")
    with open_node(directory) as opened:
        for number in range(20):
            register.add_party(opened, f"p-{number}", "organisation", f"Party {number}")
        with opened.store.read() as state:
            return [state.receipt(seq) for seq in range(21)], read_settings(directory).key


def run(checker: Path, receipt: Receipt, key: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    path = folder / "one.tlog-proof"
    path.write_text(receipt.text(), encoding="utf-8")
    return run_program(checker, "receipt", path, key)


def test_every_receipt_verifies(checker: Path, node: tuple[list[Receipt], str], tmp_path: Path) -> None:
    receipts, key = node
    for receipt in receipts:
        found = run(checker, receipt, key, tmp_path)
        assert found.returncode == 0, found.stderr
        assert found.stdout == (receipt.extra or b"")[32:]


def test_changed_receipts_do_not(checker: Path, node: tuple[list[Receipt], str], tmp_path: Path) -> None:
    receipts, key = node
    receipt = receipts[7]
    assert receipt.extra is not None
    changed = [
        Receipt(8, receipt.proof, receipt.checkpoint_note, receipt.extra),
        Receipt(7, receipt.proof[1:], receipt.checkpoint_note, receipt.extra),
        Receipt(7, receipt.proof, receipt.checkpoint_note, receipt.extra[:-1] + b"]"),
        Receipt(7, receipt.proof, receipt.checkpoint_note.replace("\n21\n", "\n22\n"), receipt.extra),
    ]
    for other in changed:
        assert run(checker, other, key, tmp_path).returncode != 0


def test_a_log_of_70_000_entries_verifies(checker: Path, long_log: LongLog, tmp_path: Path) -> None:
    """Every entry against the signed root, and that the log goes on from each checkpoint that was out before."""
    kept = []
    for size, note in long_log.notes.items():
        kept.append(tmp_path / str(size))
        kept[-1].write_text(note, encoding="utf-8")
    found = run_program(checker, "log", long_log.folder, long_log.key, *kept)
    assert (found.returncode, found.stdout) == (0, b"70000\n"), found.stderr


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_log_does_not(checker: Path, long_log: LongLog, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(long_log.folder, tmp_path / "log", copy_function=linked))
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).unlink()
    (copy / name).write_bytes(content)
    found = run_program(checker, "log", copy, long_log.key)
    assert found.returncode != 0 and found.stderr


def linked(source: str, target: str) -> None:
    """A file that takes no room; who changes it must make another in its place."""
    Path(target).hardlink_to(source)
