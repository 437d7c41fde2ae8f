"""Go's checksum-database code verifies our receipts, and refuses every changed one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from usufruct.core.proof.receipt import Receipt
from usufruct.main import create_node, open_node, read_settings
from usufruct.node import register

SOURCE = Path(__file__).parent / "sumdb"


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("go"):
        pytest.skip("there is no Go toolchain on this machine")
    program = tmp_path_factory.mktemp("go") / "sumdb"
    built = subprocess.run(["go", "build", "-o", program, "."], cwd=SOURCE, capture_output=True, text=True)
    if built.returncode and "dial" in built.stderr + built.stdout:
        pytest.skip("Go's modules cannot be fetched here")
    assert built.returncode == 0, built.stderr
    return program


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
    return subprocess.run([checker, path, key], capture_output=True)


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
