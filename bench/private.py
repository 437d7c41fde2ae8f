"""Count, sum and average by key under one person's differential privacy, against those who offer the same.

100,000 persons with very different numbers of rows, 200 keys, and some hundred rare ones that must not come out; at
most 20 keys of a person count, and 5 rows of each; epsilon 1, delta 2e-8 for the whole answer. Ours is a whole use in a
real node, decided, recorded twice and with its receipt; of that, the engine's part. OpenDP's own Polars path takes turns
with it, in both of its accountings; DuckDB's exact GROUP BY, which protects nobody, is beside them for the scale.

Every contestant is a process of its own, with the table where it likes it best before the clock runs, and one turn to
warm up. The peers' environments are made when they are first needed. OpenDP's is made in any run but a quick one; the
others are named in `USUFRUCT_BENCH_PEERS`, by spaces, out of `opendp_polars smartnoise_sql pipelinedp tumult`. Then no
others take part. Who is slow takes one turn alone, after the others.

A group counts as released if it is one of the 200. 100 million rows come with `--full`: some 10 GB of memory and 20 GB
of disk, without peers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from bench import contestant, private_node, private_table
from bench.contestant import Contestant, Gone
from bench.measure import in_turns, scratch, seconds, setup, tell
from bench.report import Result, against, alone, barred

SIZES = ((1_000_000, 100_000, 7), (10_000_000, 100_000, 5))  # rows, persons, turns
FULL = ((100_000_000, 100_000, 3),)
QUICK = ((20_000, 2_000, 2),)
PEERS = {  # what each is called, and what its environment must hold
    "opendp_polars": ("OpenDP 0.16 on Polars", ("opendp[polars]==0.16.0", "pyarrow")),
    "smartnoise_sql": ("smartnoise-sql 1.0.10", ("smartnoise-sql==1.0.10", "pyarrow")),
    "pipelinedp": ("PipelineDP 0.3.1", ("pipeline-dp==0.3.1", "pyarrow")),
    "tumult": ("Tumult Analytics 0.21", ("tmlt.analytics==0.21.0",)),
}
MAIN = "opendp_polars"
PEERS_UP_TO = 10_000_000  # rows; with more, some of them need more memory than the machine has
BARS = {1_000_000: 1.0, 10_000_000: 5.0}  # rows: seconds
TIMES, GATE_MS = 5, 30  # as fast as OpenDP; milliseconds
EXACT = "DuckDB, exact"
PLAIN = "SELECT key, count(*), sum(cents), avg(cents) FROM '{}' GROUP BY key"


@dataclass
class Side:
    """A way of a contestant, and what came of its turns; the first was to warm up."""

    name: str
    contestant: Contestant
    way: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)

    def turn(self) -> float:
        """Takes a turn; the seconds."""
        self.told.append(self.contestant.turn(self.way))
        return float(self.told[-1]["seconds"])

    def middle(self, figure: str) -> float:
        """The median of a figure."""
        return float(median(told[figure] for told in self.told[1:]))

    def groups(self) -> float:
        """How many of the groups that should come out did, in the median of the turns."""
        return median(len(set(told["keys"]) & set(private_table.KEYS)) for told in self.told[1:])


def run(quick: bool, full: bool = False) -> list[Result]:
    """The figures for each size of table."""
    results = []
    for rows, persons, turns in QUICK if quick else SIZES + FULL if full else SIZES:
        with scratch() as folder:
            results += _size(folder, rows, persons, turns, _peers(quick) if rows <= PEERS_UP_TO else ())
    return results


def _peers(quick: bool) -> tuple[str, ...]:
    """Who takes part."""
    named = os.environ.get("USUFRUCT_BENCH_PEERS")
    if named is None:
        return () if quick else (MAIN,)
    return tuple(name for name in PEERS if name in named.split())


def _size(folder: Path, rows: int, persons: int, turns: int, peers: tuple[str, ...]) -> list[Result]:
    table, node = folder / "pay.parquet", folder / "node"
    with setup(f"{rows:,} rows into Parquet"):
        private_table.write_table(table, rows, persons)
    private_node.make(node, table, large=rows > PEERS_UP_TO)
    command = (sys.executable, "-m", "bench.private_node", node)
    with contestant.started(command, contestant.ours()) as process, ExitStack() as stack:
        ours, others = Side("ours", process, "answer"), _sides(stack, MAIN, table) if MAIN in peers else []
        taken = in_turns(turns, {
            EXACT: lambda: seconds(lambda: duckdb.execute(PLAIN.format(table)).fetchall()),
            **{side.name: side.turn for side in (ours, *others)},
        })  # fmt: skip
        gate = process.turn("gate")["gate"]
    for peer in peers:
        if peer != MAIN:
            with ExitStack() as stack:
                slow = _sides(stack, peer, table)
                try:
                    in_turns(1, {side.name: side.turn for side in slow})
                except Gone as gone:
                    tell(f"{peer}: left out: {gone}")
                    continue
                others += slow
    return [*_answers(rows, ours, median(taken[EXACT]), others), *_gate(rows, gate)]


def _sides(stack: ExitStack, peer: str, table: Path) -> list[Side]:
    """The ways of a peer, which is ready; none if it cannot be had here."""
    name, requirements = PEERS[peer]
    python = contestant.interpreter(peer, requirements)
    if python is None:
        return []
    script = Path(__file__).parent / "private_peers" / f"{peer}.py"
    with setup(f"{peer}: its table loaded"):
        try:
            process = stack.enter_context(contestant.started([python, script, table], contestant.apart()))
        except Gone as gone:
            tell(f"{peer}: left out: {gone}")
            return []
    return [Side(f"{name}, {way}" if way else name, process, way) for way in process.ways]


def _answers(rows: int, ours: Side, exact: float, others: list[Side]) -> list[Result]:
    size = f"{rows:,} rows"
    taken, groups = ours.middle("seconds"), ours.groups()
    whole = against(f"{size}: the whole use", taken, "s", EXACT, exact)
    results = [barred(whole, f"ours below {BARS[rows]:g} s", taken < BARS[rows]) if rows in BARS else whole]
    results.append(alone(f"{size}, of that the engine", ours.middle("engine"), "s"))
    results.append(alone(f"{size}: the answer leaves at its tick, after", taken + ours.middle("slept"), "s"))
    for side in others:
        whole = against(f"{size}: the whole use", taken, "s", side.name, side.middle("seconds"))
        raced = rows in BARS and side.name.startswith(PEERS[MAIN][0])
        results.append(
            barred(whole, f"ratio at most 1/{TIMES}", taken * TIMES <= side.middle("seconds")) if raced else whole
        )
    released = _beside(f"{size}: groups released, of {len(private_table.KEYS)}", "groups", ours, others, Side.groups)
    results += [barred(r, "no fewer than theirs", groups >= r.theirs) if r.theirs is not None else r for r in released]
    if ours.contestant.memory:  # the system tells
        results += _beside(f"{size}: processor time", "s", ours, others, lambda side: side.middle("processor"))
        results += _beside(
            f"{size}: memory at its peak", "MiB", ours, others, lambda side: side.contestant.memory / 2**20
        )
    return results


def _beside(case: str, unit: str, ours: Side, others: list[Side], figure: Callable[[Side], float]) -> list[Result]:
    theirs = [against(case, figure(ours), unit, side.name, figure(side)) for side in others]
    return theirs or [alone(case, figure(ours), unit)]


def _gate(rows: int, times: list[float]) -> list[Result]:
    """How long the gate takes for typical questions; the rows should make no difference."""
    bar = f"below {GATE_MS} ms"
    return [
        barred(
            alone(f"{rows:,} rows: the gate, {which} of {len(times)} questions", 1000 * taken, "ms"),
            bar,
            1000 * taken < GATE_MS,
        )
        for which, taken in (("median", median(times)), ("worst", max(times)))
    ]
