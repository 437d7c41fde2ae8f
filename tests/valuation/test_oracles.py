"""Others' exact values of the same data: pydvl's of records, DataScope's of owners.

They need packages that do not go with ours, so they are in an environment of their own, which `python -m bench valuation`
makes; without it these tests are left out.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")

ROOT = Path(__file__).resolve().parents[2]
SEED = secrets.randbits(32)
sys.path.insert(0, str(ROOT))

from bench import contestant  # noqa: E402

PYTHON = contestant.CACHE / "valuation" / "bin" / "python"
pytestmark = pytest.mark.skipif(
    not PYTHON.exists(),
    reason="pydvl and DataScope have an environment of their own: `python -m bench valuation` makes it",
)


@pytest.mark.parametrize(("ours", "theirs"), [("records", "pydvl"), ("owners", "datascope")])
def test_others_find_the_same_values(ours: str, theirs: str, tmp_path: Path) -> None:
    print(f"seed {SEED}")
    for way, python, environment in (
        (ours, sys.executable, contestant.ours()), (theirs, PYTHON, contestant.apart())
    ):  # fmt: skip
        command = [python, ROOT / "bench" / "valuation_turn.py", way, "2000", "100", str(SEED), tmp_path / f"{way}.npy"]
        subprocess.run(list(map(str, command)), env=environment, check=True, capture_output=True)
    found, other = np.load(tmp_path / f"{ours}.npy"), np.load(tmp_path / f"{theirs}.npy")
    off = found - other
    if theirs == "datascope":
        assert np.ptp(off) < 1e-6, "up to a constant that it takes from every owner"
    else:
        assert np.abs(off).max() < 1e-6
