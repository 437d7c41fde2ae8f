"""Programs in Go, made from the sources beside this file; where that cannot be, the tests say why they are skipped."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def build(source: str, place: Path) -> Path:
    """The program in the folder of that name, built with the modules that its `go.sum` pins."""
    if not shutil.which("go"):
        pytest.skip("there is no Go toolchain on this machine")
    program = place / source
    built = subprocess.run(
        ["go", "build", "-o", program, "."], cwd=HERE / source, capture_output=True, text=True, check=False
    )
    said = built.stderr + built.stdout
    if built.returncode and ("dial" in said or "lookup" in said):
        pytest.skip("Go's modules cannot be fetched here")
    if built.returncode and "requires go >=" in said:
        pytest.skip("the Go toolchain of this machine is too old")
    assert built.returncode == 0, said
    return program


def run(*command: object) -> subprocess.CompletedProcess[bytes]:
    """What a program did."""
    return subprocess.run([str(word) for word in command], capture_output=True, check=False, timeout=120)
