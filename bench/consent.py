"""The persons who may be used for a purpose, as one row filter, out of a million.

Everybody gave consent on old forms; a thousand persons, drawn at random, then set limits of their own (a form of answer, an
end, a number of uses, rows), and three hundred refused. Ours reads the bitmaps and holds the limited words against the
circumstances of one use. *Cold* is the first time in a process, with no row decoded yet.

The peer is what one would write otherwise: a row for each person's word in DuckDB, in memory, and one SELECT over it for
the same persons. That both find the same ones is checked before anything is timed. The peer's table knows neither
broader and narrower purposes nor who said what last, which would only slow it down.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import duckdb
import pyarrow as pa

from bench.measure import medians, scratch, seconds, setup
from bench.report import Result, against, barred
from usufruct.core.access.consent import population
from usufruct.core.access.consent_conditions import ANY, MODES, Circumstances, Conditions, Reach, Within
from usufruct.core.access.facts import ConsentGiven, ConsentRefused, ConsentsRecorded
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader
from usufruct.core.registry.state import Person
from usufruct.store import tables
from usufruct.store.memory import MemoryState
from usufruct.store.sqlite import connect

PERSONS, LIMITED, REFUSED = 1_000_000, 1_000, 300
PURPOSE = "AcademicResearch"
SINCE, AT = Instant("2026-01-01T00:00:00.000Z"), Instant("2026-06-01T00:00:00.000Z")
USE = Circumstances(AT, "institute", "aggregates", reach={"year": Reach(2020, 2024)})
BAR_MS = 20
BAR = f"under {BAR_MS} ms"


def run(quick: bool) -> list[Result]:
    """The time of one filter, from memory and from SQLite, without and with limited words."""
    share, turns = (0.01, 2) if quick else (1.0, 15)
    results = []
    for limited in (0, round(LIMITED * share)):
        with scratch() as folder:
            results += _size(folder, round(PERSONS * share), limited, round(REFUSED * share), turns)
    return [r if r.case.endswith("cold") else barred(r, BAR, None if quick else r.ours < BAR_MS) for r in results]


def _size(folder: Path, persons: int, limited: int, refused: int, turns: int) -> list[Result]:
    with setup(f"{persons:,} persons, {limited:,} of them within limits"):
        memory, words = _world(persons, limited, refused)
        sqlite = _in_sqlite(folder / "state.sqlite", memory)
        peer = _in_duckdb(words)
    found = _bits(memory, persons)
    named = bytearray((persons + 7) // 8)
    for number in peer():
        named[number // 8] |= 1 << number % 8
    assert found == _bits(sqlite, persons) == int.from_bytes(named, "little"), "they find different persons"
    ours: dict[str, Reader] = {"memory": memory, "SQLite": sqlite}
    taken = medians(turns, {
        **{where: partial(seconds, partial(_bits, state, persons)) for where, state in ours.items()},
        "duckdb": lambda: seconds(peer),
    })  # fmt: skip
    cold = []
    for _ in range(3):
        tables._row.cache_clear()
        cold.append(seconds(partial(_bits, sqlite, persons)))
    what, than = f"{persons:,} persons, {limited:,} within limits", "a row for each word in DuckDB"
    return [
        *(
            against(f"{what}, state in {where}", 1000 * taken[where], "ms", than, 1000 * taken["duckdb"])
            for where in ours
        ),
        against(f"{what}, state in SQLite, cold", 1000 * median(cold), "ms", than, 1000 * taken["duckdb"]),
    ]


def _bits(state: Reader, persons: int) -> int:
    return int.from_bytes(population(state, "big", PURPOSE, persons, USE), "little")


def _world(persons: int, limited: int, refused: int) -> tuple[MemoryState, list[tuple[int, Conditions | None]]]:
    """The state, and what each person's last word comes to: conditions, or None for a refusal."""
    draw = random.Random(persons)
    state = MemoryState([Entry(0, SINCE, ConsentsRecorded("big", PURPOSE, tuple(range(persons)), "made up"))])
    words: list[tuple[int, Conditions | None]] = []
    spoke = draw.sample(range(persons), limited + refused)
    for seq, number in enumerate(spoke, 1):
        conditions = _conditions(draw) if seq <= limited else None
        party = f"p-{number}"
        state.put(Person("big", number, party))
        fact: Fact = ConsentRefused("big", party, PURPOSE)
        if conditions is not None:
            fact = ConsentGiven("big", party, PURPOSE, conditions=conditions)
        state.apply(Entry(seq, SINCE, fact))
        words.append((number, conditions))
    words += [(number, ANY) for number in set(range(persons)).difference(spoke)]
    return state, words


def _conditions(draw: random.Random) -> Conditions:
    until = Instant(f"2026-{draw.randint(3, 12):02d}-01T00:00:00.000Z")
    rows = (Within("year", 2020, draw.randint(2021, 2030)),) if draw.random() < 0.5 else ()
    return Conditions(draw.choice(MODES), until, draw.randint(0, 3), rows=rows)


def _in_sqlite(path: Path, memory: MemoryState) -> Reader:
    """The same rows in the tables of the node."""
    connection = connect(path)
    connection.execute("CREATE TABLE about (party TEXT, seq INTEGER)")
    tables.create(connection)
    connection.execute("BEGIN")
    state = tables.StateWriter(connection, tables.Known())
    for rows in memory.rows.values():
        for row in rows.values():
            state.put(row)
    state.unmark()
    state.flush()
    connection.execute("COMMIT")
    return tables.StateReader(connection)


def _in_duckdb(words: list[tuple[int, Conditions | None]]) -> Callable[[], Sequence[int]]:
    """The same words as rows, and the one SELECT that finds the same persons."""
    most = 2**31 - 1
    held = [conditions or ANY for _, conditions in words]
    rows = pa.table({
        "person": pa.array([number for number, _ in words], pa.int32()),
        "refused": [conditions is None for _, conditions in words],
        "until": [conditions.until for conditions in held],
        "low": pa.array([c.rows[0].low if c.rows else -most for c in held], pa.int32()),
        "high": pa.array([c.rows[0].high if c.rows else most for c in held], pa.int32()),
    })  # fmt: skip
    connection = duckdb.connect()
    connection.register("rows", rows)
    connection.execute("CREATE TABLE word AS SELECT * FROM rows")
    asked = "SELECT person FROM word WHERE NOT refused AND until > ? AND low <= 2020 AND high >= 2024"

    def persons() -> Sequence[int]:
        found: Sequence[int] = connection.execute(asked, [AT]).fetchnumpy()["person"]
        return found

    return persons
