"""What a benchmark prints: one JSON object, or the same as a table.

`ratio` is always ours divided by theirs, in the unit of the case: below 1 is better for us where the unit is a time,
above 1 where it is a rate; there is none to nothing. A case without a peer shows where our own time goes, or how it grows.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from typing import Any

from rich.console import Console
from rich.table import Table

NO_BAR = "none yet: first figures"
PACKAGES = (
    "duckdb",
    "opendp",
    "pyarrow",
    "cryptography",
    "cedarpy",
    "pycasbin",
    "regopy",
    "pymerkle",
    "numpy",
    "numba",
    "ortools",
)


@dataclass(frozen=True, slots=True)
class Result:
    """One line: `ours` and `theirs` in `unit`; `holds` says whether `bar`, the target, was met, or None without one."""

    case: str
    ours: float
    unit: str
    peer: str | None = None
    theirs: float | None = None
    ratio: float | None = None
    bar: str = NO_BAR
    holds: bool | None = None


def alone(case: str, ours: float, unit: str) -> Result:
    """A figure of our own, without a peer."""
    return Result(case, _rounded(ours), unit)


def against(case: str, ours: float, unit: str, peer: str, theirs: float) -> Result:
    """A figure beside a peer's."""
    return Result(case, _rounded(ours), unit, peer, _rounded(theirs), _rounded(ours / theirs) if theirs else None)


def barred(result: Result, bar: str, holds: bool | None) -> Result:
    """The figure with its target, and whether it was met; None if the sizes were too small to say."""
    return replace(result, bar=bar, holds=holds)


def machine() -> dict[str, str | int | float]:
    """What the figures depend on, and nothing that tells whose machine it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found: dict[str, str | int | float] = {
        "cores": os.cpu_count() or 1,
        "memory_gib": round(memory / 2**30),
        "processor": platform.machine(),
        "system": platform.system(),
        "sync_ms": _rounded(1000 * _sync_seconds()),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def show(name: str, results: Sequence[Result], as_json: bool) -> None:
    """Prints the report."""
    about = machine()
    if as_json:
        print(json.dumps({"bench": name, "machine": about, "results": [asdict(result) for result in results]}))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=180)
    table = Table(title=name, caption="ratio = ours / theirs, of medians", pad_edge=False)
    for column in ("case", "ours", "unit", "peer", "theirs", "ratio", "bar", "holds"):
        table.add_column(column, justify="right" if column in ("ours", "theirs", "ratio") else "left")
    for result in results:
        table.add_row(*(_cell(value) for value in asdict(result).values()))
    console.print(table)
    console.print(", ".join(f"{what} {value}" for what, value in about.items()), style="dim")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.10g}" if isinstance(value, int | float) else value


def _rounded(value: float) -> float:
    """Three digits: more would pretend."""
    return float(f"{value:.3g}")


def _sync_seconds(times: int = 25) -> float:
    """The median time of one 4 KiB write with fsync where temporary files are, for durability costs at least that."""
    with tempfile.TemporaryFile() as file:
        taken = []
        for _ in range(times):
            start = time.perf_counter()
            os.write(file.fileno(), bytes(4096))
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - start)
    return sorted(taken)[times // 2]
