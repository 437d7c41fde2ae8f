"""What every contestant of `private` shares: the question's bounds and budget, and how it is told to take its turn.

A contestant is a process of its own, for the peers cannot live in one environment. It gets the table's path, makes
itself ready, and says so; then it answers each line on its standard input, which names one of its ways, with a line of
JSON on its standard output. The clock runs here, around the answer alone. Standard library only, for this is imported
in environments that hold nothing of ours.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

EPSILON, DELTA = 1.0, 2e-8
KEYS_PER_PERSON, ROWS_PER_KEY = 20, 5
LOW, HIGH = 0, 20_000  # what one row counts for at least and at most


def rho(delta: float) -> float:
    """How much zCDP is within (EPSILON, `delta`): rho + 2 sqrt(rho ln(1/delta)) = epsilon (Bun and Steinke 2016)."""
    log = math.log(1 / delta)
    return (math.sqrt(log + EPSILON) - math.sqrt(log)) ** 2


# Who counts in zCDP spends half of delta on finding keys, as the node does in any question, and half on turning rho into
# epsilon.
RHO, RHO_DELTA = rho(DELTA / 2), DELTA / 2


def serve(ways: Mapping[str, Callable[[], Mapping[str, Any]]]) -> None:
    """Takes turns until standard input ends. A way returns `keys`, those released, and what else it has to tell."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)  # whatever a library prints goes where errors go
        print(json.dumps({"ready": sorted(ways)}), file=out, flush=True)
        for line in sys.stdin:
            start = time.perf_counter()
            told = dict(ways[line.strip()]())
            print(json.dumps({"seconds": time.perf_counter() - start, **told}), file=out, flush=True)
