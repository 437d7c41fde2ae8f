"""Each defence against each of the 30 attacks, taken out: a test must then fail, or it proves nothing.

`defences.toml` says for every attack what the attacker does, and which lines stand against him. Each *removal* puts other
lines in their place, as a careless change would, in a copy of the source; of the tests that it names each must then fail,
and by what it asserts: a source that cannot be read any more, or that falls over, is no proof of anything.

This is no part of the ordinary suite, for it takes some minutes: `make defences`, or for the attacks 13 and 15 alone

    pytest tests/attacks/defences.py -k "13- or 15-"

What can be looked at quickly is looked at by `test_defences`. As a program this writes docs/reference/attacks.md again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = Path("src", "usufruct")
PAGE = ROOT / "docs" / "reference" / "attacks.md"
FIRST = "## 1."
# How pytest's `--tb=line` tells of a test that failed by what it asserts, or by a limit that it set.
ASSERTED = re.compile(r"^\S*?(tests/\S+\.py):\d+: (AssertionError|assert |Failed: )", re.MULTILINE)


@dataclass(frozen=True)
class Removal:
    """In `file`, `text` is replaced by `without`; then each of the `tests` must fail."""

    number: str
    defence: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]

    def apply(self, tree: Path) -> None:
        """Takes the defence out of a copy of the tree."""
        path = tree / PLACE / self.file
        changed = path.read_text(encoding="utf-8").replace(self.text, self.without)
        compile(changed, str(path), "exec")
        path.write_text(changed, encoding="utf-8")


@dataclass(frozen=True)
class Attack:
    """One of the 30: its `name`, what the attacker does, and the removals of what stands against him."""

    number: int
    name: str
    attacker: str
    removals: tuple[Removal, ...]


def read() -> tuple[Attack, ...]:
    """The attacks of `defences.toml`."""
    found = tomllib.loads((ROOT / "tests" / "attacks" / "defences.toml").read_text(encoding="utf-8"))
    return tuple(
        Attack(one["number"], one["name"], one["attacker"], tuple(
            Removal(f"{one['number']}-{place}", **{**said, "tests": tuple(said["tests"])})
            for place, said in enumerate(one["removal"], 1)
        ))
        for one in found["attack"]
    )  # fmt: skip


def section(attack: Attack) -> str:
    """What the page says of an attack."""
    told = textwrap.fill(f"The attacker {attack.attacker}", 120)
    lines = [f"| {removal.defence} | `{removal.file}` |" for removal in attack.removals]
    return "\n".join([f"## {attack.number}. {attack.name}", "", told, "", "| Defence | Where |", "|---|---|", *lines])


ATTACKS = read()
REMOVALS = [removal for attack in ATTACKS for removal in attack.removals]


def run(tree: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Runs tests on the source in `tree`, up to the first that fails."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree / "src"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / "hypothesis"),
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line"]
    command += ["--hypothesis-seed=0", *tests]  # so that whether a law is found broken depends on the source alone
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the source."""
    shutil.copytree(ROOT / "src", tmp_path / "src")
    return tmp_path


def test_with_all_defences_in_place_every_test_passes(tree: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "import usufruct; print(usufruct.__file__)"],
        env={**os.environ, "PYTHONPATH": str(tree / "src")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(shown.stdout.strip()).is_relative_to(tree), "the copy is what is tested"
    done = run(tree, *dict.fromkeys(test for removal in REMOVALS for test in removal.tests))
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: f"{removal.number}-{removal.defence}")
def test_it_holds(removal: Removal, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    removal.apply(tree)
    for test in removal.tests:
        done = run(tree, test)
        held = done.returncode == 1 and ASSERTED.search(done.stdout)
        with capsys.disabled():
            print(f"\n{'held' if held else 'NOT HELD'}: {removal.number} {removal.defence} ({test})")
        assert held, f"NOT HELD: without `{removal.text}`\n{test}\n{done.stdout[-3000:]}{done.stderr[-1000:]}"


if __name__ == "__main__":
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(FIRST)
    PAGE.write_text(before + "\n\n".join(map(section, ATTACKS)) + "\n", encoding="utf-8")
