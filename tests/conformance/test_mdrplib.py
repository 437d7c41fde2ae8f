"""The instances and the evaluator of MDRPLib (grubhub/mdrplib): 240 days of meal deliveries, and a program that judges them.

Each instance is read, dispatched by examples/dispatch.py and written as a solution in the library's format. Its own evaluator
must find the solution feasible, and come to the same orders brought, the same pay to the cent, and the same part of couriers
topped up to the guarantee, as `core/work/files/deliveries.py` does; and our reader must read the solution back. The library has no
licence, so nothing of it is here: put a copy of it into the folder `mdrplib` of USUFRUCT_SUITES.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from usufruct.core.work.files.deliveries import earnings, waits
from usufruct.wire import mdrp

SUITE = Path(os.environ.get("USUFRUCT_SUITES", "")) / "mdrplib"
PROGRAM = SUITE / "MDRP_code" / "compute_performance_summary.py"
DAYS = sorted(path for path in SUITE.glob("public_instances/*") if path.is_dir()) if PROGRAM.is_file() else []
EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = [
    pytest.mark.skipif(not DAYS, reason="no USUFRUCT_SUITES with mdrplib in it"),
    pytest.mark.filterwarnings("ignore"),  # the evaluator is of 2018
]


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def evaluator() -> ModuleType:
    pytest.importorskip("pandas")
    return module(PROGRAM)


@pytest.fixture(scope="module")
def dispatcher() -> ModuleType:
    return module(EXAMPLES / "dispatch.py")


@pytest.mark.parametrize("path", DAYS or [None], ids=lambda path: path.name if path else "none")
def test_the_evaluator_comes_to_the_same(
    path: Path, evaluator: ModuleType, dispatcher: ModuleType, tmp_path: Path
) -> None:
    day = mdrp.read(path)
    carried = dispatcher.dispatch(day, 1).carried
    mdrp.write_solution(tmp_path, day, carried)
    with contextlib.redirect_stdout(io.StringIO()):
        feasible, brought, cost, topped, _, _ = evaluator.compute_performance_summary(
            str(path), str(tmp_path), str(tmp_path)
        )
    assert feasible, (tmp_path / "feasibility_check.txt").read_text(encoding="utf-8")
    earned = earnings(day, carried)
    assert brought == len(waits(day, carried))
    assert round(cost * 100) == sum(one.paid for one in earned)  # dollars in a float, and exact cents
    assert topped == sum(one.topped_up for one in earned) / len(earned)
    # A solution's trips are in the order in which they were told; whoever is told leaves at once.
    told = sorted(carried, key=lambda trip: (trip.told, trip.courier, trip.left))
    assert mdrp.read_solution(tmp_path, day) == [replace(trip, left=trip.told) for trip in told]
