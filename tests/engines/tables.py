"""The tables of `privacy.world`, filled at random and stored as an engine stores them; whose rows may be used is random too."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from privacy.world import ASSETS, INTEGERS, STORED
from usufruct.core.privacy.rules import QueryPlan
from usufruct.engine.room import NOBODY
from usufruct.ports import Among

PERSONS = 60


def store(folder: Path, rows: int, seed: int = 0) -> None:
    """Writes the tables. The lower a person's number, the more rows she has; some have none, and some draw the same."""
    chance = random.Random(seed)
    for name, asset in ASSETS.items():
        count = rows if asset.person_column else min(rows, 12)
        cells = {
            column.name: pa.array(chance.choices(INTEGERS[column.name], k=count), STORED[column.type])
            for column in asset.columns
            if column.name != asset.person_column
        }
        if asset.person_column:
            persons = [int(chance.random() ** 2 * PERSONS) for _ in range(count)]
            cells["_person"] = pa.array(persons, pa.int32())
            cells["_draw"] = pa.array([number * 7919 % 50 for number in persons], pa.uint16())
        given = pa.table(cells)
        with duckdb.connect(str(folder / f"{name}-v.duckdb")) as connection:
            connection.register("given", given)
            connection.execute("CREATE TABLE asset AS SELECT * FROM given")


def populations(plan: QueryPlan, seed: int) -> Sequence[Among | None]:
    """Half of the persons of each source. In a second source they have other numbers, or are nobody of the first."""
    chance, found = random.Random(seed), list[Among | None]()
    for source in plan.sources:
        if not source.personal:
            found.append(None)
            continue
        numbers = None
        if any(found):
            others = [*range(PERSONS), *[NOBODY] * 30]
            numbers = pa.array(chance.sample(others, PERSONS), pa.uint32()).buffers()[1].to_pybytes()[: 4 * PERSONS]
        found.append(Among(chance.randbytes(PERSONS // 8 + 1), PERSONS, numbers))
    return found
