"""Fits in a child process: started for one job, given numbers, limited by the operating system, and gone.

The child runs a file of this package in Python's isolated mode: no environment, no current directory in its path, nothing
of the node but what it is sent. What goes wrong in it, whatever it is, is one fault with constant words: why a fit failed
may tell of the data.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from usufruct.core.base.faults import EngineFault
from usufruct.core.income.neighbours import Measure
from usufruct.core.privacy.fitting import ESTIMATORS, FAR, GRAINS, FitPlan
from usufruct.core.privacy.marginals import Marginals, total
from usufruct.core.privacy.model import FORMAT
from usufruct.core.privacy.moments import UNIT
from usufruct.core.privacy.sample import listed
from usufruct.core.privacy.validation import near
from usufruct.core.registry.facts import Column
from usufruct.engine import learning
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.trainer import Sampled

ROWS_MAX = 50_000  # synthetic rows that a model is fitted to
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",  # the model is small: it is compiled for longer than it runs
    "TEST_TMPDIR": "none",  # a library of mbi's would else look for a folder to write to, and there is none
}  # fmt: skip
_SOURCE = Path(__file__).parents[2]
_NEEDS = {
    "exact": (("sklearn", "train"),),
    "moments": (("numpy", "train"),),
    "synthetic": (("sklearn", "train"), ("mbi", "synth")),
    "draw": (("mbi", "synth"),),
}


class ChildTrainer:
    """`trainer.Trainer` over the tables of an engine, in processes of its own, each with at most `memory` bytes and `seconds`."""

    def __init__(self, engine: DuckDbEngine, memory: int = 4 * 1024**3, seconds: int = 120) -> None:
        self.sample = engine.sample
        self._labelled = engine.labelled
        self._memory = memory
        self._seconds = seconds

    def missing(self, route: str) -> str | None:
        """The extra that must be installed before a route can be gone."""
        return next((extra for module, extra in _NEEDS[route] if find_spec(module) is None), None)

    def fit(self, plan: FitPlan, sampled: Sampled) -> tuple[dict[str, Any], list[list[int]]]:
        """The model and the exact scores of the rows held out."""
        job = _job("fit", plan)
        if plan.marginals is not None:
            job |= {"marginals": _laid(plan.marginals, sampled.counts)}
            job |= {"rows": min(ROWS_MAX, total(plan.marginals, sampled.counts))}
        if plan.moments is not None:
            deviation = float(plan.moments.deviation)
            job["moments"] = {
                "terms": len(plan.moments.terms),
                "unit": UNIT,
                "sums": sampled.sums,
                "deviation": deviation,
            }
        found = self._run(job, sampled.rows, sampled.held)
        return found["model"], found["scores"]

    def value(self, plan: FitPlan, measure: Measure, population: bytes, persons: int, deposits: Sequence[int]) -> bytes:
        """Each person's share, worked out in a child process."""
        job = _job("value", plan) | {
            "k": measure.k, "copies": measure.copies, "persons": persons, "deposits": list(deposits), "near": near(plan.label)
        }  # fmt: skip
        found = self._run(job, self._labelled(plan.sample, population, persons))
        return base64.b64decode(found["shares"], validate=True)

    def draw(self, marginals: Marginals, noised: Sequence[Sequence[int]], rows: int) -> list[list[int]]:
        """Synthetic rows that follow noisy marginals."""
        drawn: list[list[int]] = self._run({"do": "draw", "marginals": _laid(marginals, noised), "rows": rows})["rows"]
        return drawn

    def _run(self, job: dict[str, Any], rows: bytes = b"", held: bytes = b"") -> Any:
        sent = json.dumps(job).encode()
        head = f"{len(sent)} {len(rows)} {len(held)}\n".encode()
        command = [sys.executable, "-I", learning.__file__, str(self._memory), str(self._seconds), str(_SOURCE)]
        try:
            done = subprocess.run(  # noqa: S603
                command, input=head + sent + rows + held, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT, timeout=self._seconds, check=True,
            )  # fmt: skip
            return json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            raise EngineFault(
                "engine.limits", "the fit could not be worked out within the node's limits",
                "ask for something smaller; what it may have learnt was charged",
            ) from None  # fmt: skip


def _job(do: str, plan: FitPlan) -> dict[str, Any]:
    """What the child needs to know of a plan."""
    linear = ESTIMATORS[plan.estimator].linear
    job: dict[str, Any] = {
        "do": do, "format": FORMAT, "estimator": plan.estimator, "parameters": plan.parameters, "route": plan.route,
        "linear": linear, "scores": bool(plan.scores), "grains": GRAINS, "far": FAR,
        "inputs": [_input(column, linear) for column in plan.features], "label": _label(plan.label),
    }  # fmt: skip
    if plan.validation:
        job |= {"validation": plan.validation, "columns": [_column(column) for column in plan.features]}
    if plan.classes:
        job["classes"] = listed(plan.label)
    return job


def _input(column: Column, linear: bool) -> dict[str, Any]:
    """How an input comes of a column; for linear models numbers go from -1 to 1, by their public bounds alone."""
    if values := listed(column):
        return {"column": column.name, "values": values}
    centre, half = _middle(column) if linear else (0.0, 1.0)
    return {"column": column.name, "centre": repr(centre), "half": repr(half), "grain": 10**column.decimals}


def _column(column: Column) -> dict[str, int]:
    """What tells where a cell of a feature lies."""
    if values := listed(column):
        return {"size": len(values)}
    assert column.low is not None and column.high is not None
    return {"low": column.low, "high": column.high}


def _label(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"column": column.name, "grain": 10**column.decimals}
    if not listed(column):
        found["middle"], found["half"] = _middle(column)
    return found


def _middle(column: Column) -> tuple[float, float]:
    """The middle of a column's bounds, and how far either lies from it."""
    assert column.low is not None and column.high is not None
    grain = 10**column.decimals
    return (column.low + column.high) / 2 / grain, (column.high - column.low) / 2 / grain


def _laid(marginals: Marginals, noised: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Noisy marginals as the child takes them, without those that are kept from the model."""
    known = len(marginals.sets) - marginals.checks
    columns = [
        {"size": one.size, "bins": None if one.values else [one.ends(code) for code in range(one.size)]}
        for one in marginals.columns
    ]
    return {
        "columns": columns, "sets": marginals.sets[:known], "noised": [list(counts) for counts in noised[:known]],
        "deviation": float(marginals.deviation),
    }  # fmt: skip
