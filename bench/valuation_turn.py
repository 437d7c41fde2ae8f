"""One turn of a contestant of `valuation`, in a process of its own: makes its data, works, and tells what it took.

Called with a way, the numbers of records and of validation rows, a seed and a file for the values, it prints one line of JSON.
The data are whole numbers without ties, the same for every contestant, so that values can be compared. The clock is the
processor's, around the work alone; memory is the most that the process ever held.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

DIMENSIONS, K, OWNERS, TOP = 50, 5, 1_000, 1 << 17
Table = tuple[Any, Any, Any, Any, Any]  # points, labels, whose they are; rows, and what is said of them


def table(records: int, rows: int, seed: int) -> Table:
    """Records in the order of their owners."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, TOP, (records, DIMENSIONS), dtype=np.int32)
    asked = draw.integers(0, TOP, (rows, DIMENSIONS), dtype=np.int32)
    who = np.arange(records) * min(OWNERS, records) // records
    return points, draw.integers(0, 2, records), who, asked, draw.integers(0, 2, rows)


def records(given: Table) -> Any:
    """Ours, of records."""
    from usufruct.engine.valuation import neighbours

    points, labels, _, rows, told = given
    return neighbours.values(points, labels, rows, told, K)


def owners(given: Table) -> Any:
    """Ours, of owners, where one neighbour tells."""
    from usufruct.engine.valuation import neighbours

    points, labels, who, rows, told = given
    count = int(who[-1]) + 1
    parts = (
        neighbours.owner_block(points, labels, who, count, rows[at], told[at]) for at in neighbours.blocks(len(rows))
    )
    return neighbours.together(parts, count, len(rows))


def sieve(given: Table) -> Any:
    """Ours: which records count."""
    from usufruct.engine.valuation import copies

    points, labels, _, _, _ = given
    radius = copies.scale(points)
    return copies.sieve(points, labels, copies.in_order(points, labels, np.arange(len(points))), radius)


def exact(given: Table) -> Any:
    """The definition, in fractions."""
    from usufruct.core.income import neighbours

    points, labels, _, rows, told = given
    whole = np.zeros(len(points))
    for row, said in zip(rows.astype(np.int64), told, strict=True):
        distances = ((points - row) ** 2).sum(axis=1).tolist()
        whole += [float(value) for value in neighbours.values(distances, (labels == said).astype(int).tolist(), K)]
    return whole / len(rows)


def pydvl(given: Table) -> Any:
    """pydvl's exact method."""
    from pydvl.valuation import Dataset, KNNShapleyValuation
    from sklearn.neighbors import KNeighborsClassifier

    points, labels, _, rows, told = given
    model = KNeighborsClassifier(n_neighbors=K)
    found = KNNShapleyValuation(model, Dataset(rows.astype(float), told), progress=False).fit(
        Dataset(points.astype(float), labels)
    )
    result = found.result.sort(key="index")
    return np.array(result.values)


def datascope(given: Table) -> Any:
    """DataScope's exact method for owners, with one neighbour."""
    from datascope.importance import ImportanceMethod, ShapleyImportance, SklearnModelAccuracy
    from sklearn.neighbors import KNeighborsClassifier

    points, labels, who, rows, told = given
    method = ShapleyImportance(method=ImportanceMethod.NEIGHBOR, utility=SklearnModelAccuracy(KNeighborsClassifier(1)))
    return np.array(list(method.fit(points.astype(float), labels, provenance=who).score(rows.astype(float), told)))


WAYS: dict[str, Callable[[Table], Any]] = {
    way.__name__: way for way in (records, owners, sieve, exact, pydvl, datascope)
}


def main() -> None:
    """Takes the turn."""
    way, count, rows, seed, file = sys.argv[1:]
    given = table(int(count), int(rows), int(seed))
    before = time.process_time()
    found = WAYS[way](given)
    taken = time.process_time() - before
    np.save(file, np.asarray(found))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"processor": taken, "memory": memory}), flush=True)


if __name__ == "__main__":
    main()
