"""The command line as a program: `python -m usufruct`, and what it says to somebody who left a choice out."""

from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner

from usufruct.cli.commands import app


def test_the_package_is_the_command_line() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "usufruct", "right", "--help"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "transfer" in told.stdout


def test_a_transfer_names_both_choices() -> None:
    told = CliRunner().invoke(app, ["right", "transfer", "right-1", "--to", "bank"])
    assert told.exit_code == 2
    assert "--keeps" in told.output and "--ends" in told.output
