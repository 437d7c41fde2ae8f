"""At the end, one line for each outside suite: `suite NAME: P of T`.

A test counts for one case; where it runs a program with cases of its own, it records their numbers as the property
`cases`, how many passed and how many there are. What else is to be said of them are `notes`, a list of lines.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

_passed: Counter[str] = Counter()
_total: Counter[str] = Counter()
_skipped: dict[str, str] = {}
_notes: dict[str, list[str]] = {}


def _suite(report: pytest.TestReport) -> str:
    return Path(report.nodeid.split("::")[0]).stem.removeprefix("test_").replace("_", "-")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    suite = _suite(report) if "/conformance/" in report.nodeid else None
    if suite is None:
        return
    if report.skipped:
        _skipped[suite] = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    elif report.when == "call":
        passed, total = dict(report.user_properties).get("cases", (int(report.passed), 1))
        _total[suite] += total
        _passed[suite] += passed
        _notes.setdefault(suite, []).extend(dict(report.user_properties).get("notes", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for suite in sorted({*_total, *_skipped}):
        why = f" (skipped: {_skipped[suite].removeprefix('Skipped: ')})" if suite in _skipped else ""
        terminalreporter.write_line(f"suite {suite}: {_passed[suite]} of {_total[suite]}{why}")
        for note in _notes.get(suite, []):
            terminalreporter.write_line(f"  {note}")
