"""One million shifts checked against every rule of hours that is shipped: in columns, in plain Python, and with pandas.

Each worker has some forty shifts in ten weeks, by seed; in each she is online with a break, and engaged in three orders of
which two run at once. The rules are those of the packs `eu-working-time`, `eu-driving` and `china`, with a day of eight hours
and an allowance: nine in all.

The plain Python twin is the core itself, `core.work.hours`, which the columns are held equal to by a test. It is given as many
workers as it takes a few seconds for, and its time is scaled up to all of them; the columns of these same workers find the
same breaches, which the run checks.

With pandas stands what a user would write in an afternoon: sort, merge by a running maximum, gaps by `shift`, sums by day and
week, `rolling` for windows. It is not the same answer. It puts each stretch into the day and the week in which it begins,
sees no window but those that end with a stretch's start, and splits no pause. What it would take to make it right is this
module's subject.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyarrow as pa

from bench.measure import setup
from bench.report import Result, against, alone, barred
from usufruct.core.base.instants import END_OF_TIME, parse
from usufruct.core.work.hours.conditions import Condition, Limit, SetCondition, limits
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.hours.limits import OF_SHAPE, Piece, Spell, Timesheet, breaches
from usufruct.core.work.hours.stretches import DAY, HOUR, MINUTE, Days
from usufruct.engine import hours
from usufruct.wire import conditions as wire

SHIFTS, WORKERS = (1_000_000, 25_000), 250
QUICK = (2_000, 50)
WEEKS = 10
PACKS = ("eu-working-time", "eu-driving", "china")
BAR = "under 10 s for 1,000,000 shifts"
FROM = parse("2026-01-01")


def run(quick: bool) -> list[Result]:
    """The figures of the three ways."""
    shifts, workers = QUICK if quick else SHIFTS
    with setup(f"{shifts:,} shifts of {workers:,} workers"):
        spans, days, rules = _spans(shifts, workers), _days(), _rules()
    busy = time.process_time()
    took, found = _timed(lambda: hours.check(spans, rules, days))
    busy = time.process_time() - busy
    some = min(workers, WORKERS)
    few = spans.filter(pa.compute.is_in(spans["worker"], pa.array([f"worker-{n}" for n in range(some)])))
    plain, same = _timed(lambda: _plain(few, rules, days))
    assert same == {tuple(row.values()) for row in hours.check(few, rules, days).to_pylist()}, "the two part"
    case = f"{shifts:,} shifts of {workers:,} workers against {len(rules)} rules"
    ours = barred(against(case, took, "s", "plain Python, scaled up", plain * workers / some), BAR,
                  None if quick else took < 10)  # fmt: skip
    results = [
        ours, alone(f"{case}: the processor's part of it", busy, "s"),
        alone(f"{case}: breaches found", found.num_rows, "breaches"),
    ]  # fmt: skip
    beside = _pandas(spans, workers)
    return [*results, *([against(case, took, "s", "pandas, not exact, no split pauses", beside)] if beside else [])]


def _timed(work: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done


def _days() -> Days:
    monday = millis(parse("2026-03-02"))
    change = 3 * 7 + 6  # 29 March 2026: a day of 23 hours in Berlin
    return Days(tuple(monday - HOUR + n * DAY - HOUR * (n > change) for n in range(WEEKS * 7 + 8)), 0)


def _rules() -> list[Limit]:
    day = Condition("day", "hours-day", "engaged", "most", 480, "minutes", FROM, FROM, "bench", "bench")
    more = Condition("day", "hours-day", "engaged", "allowance", 25, "percent", FROM, FROM, "bench", "bench")
    found = [one for name in PACKS for one in wire.read(wire.packs()[name])]
    rows = [
        SetCondition(n, 0, "", one.rule, one, END_OF_TIME, "bench", FROM) for n, one in enumerate([*found, day, more])
    ]
    return [one for one in limits(rows, parse("2026-06-01")) if one.shape in OF_SHAPE]


def _spans(shifts: int, workers: int) -> pa.Table:
    """Shifts by seed: the hull, two spans online, three orders of which two at once; in milliseconds."""
    draw = np.random.default_rng(7)
    who = np.repeat(np.arange(workers), shifts // workers)
    day = draw.integers(0, WEEKS * 7, len(who))
    start = millis(parse("2026-03-02")) + day * DAY + draw.integers(6 * 60, 18 * 60, len(who)) * MINUTE
    length = draw.integers(3 * 60, 10 * 60, len(who)) * MINUTE
    half = length // 2
    parts = [
        ("shift", start, start + length), ("online", start, start + half - 10 * MINUTE),
        ("online", start + half + 20 * MINUTE, start + length), ("engaged", start + 5 * MINUTE, start + half - 15 * MINUTE),
        ("engaged", start + half // 2, start + half - 12 * MINUTE),
        ("engaged", start + half + 25 * MINUTE, start + length - 30 * MINUTE),
    ]  # fmt: skip
    names = pa.array([f"worker-{n}" for n in range(workers)])
    columns = [
        np.concatenate(each)
        for each in zip(*((who, one, np.maximum(one, other)) for _, one, other in parts), strict=True)
    ]
    kinds = pa.array(["shift", "online", "engaged"]).take(pa.array(np.repeat([0, 1, 1, 2, 2, 2], len(who))))
    return pa.table([names.take(pa.array(columns[0])), kinds, columns[1], columns[2]], schema=hours.SPANS)


def _plain(spans: pa.Table, rules: list[Limit], days: Days) -> set[tuple[Any, ...]]:
    sheets: dict[str, tuple[list[Spell], list[Piece]]] = {}
    for row in spans.to_pylist():
        spells, pieces = sheets.setdefault(row["worker"], ([], []))
        time = row["start"], row["end"]
        match row["kind"]:
            case "shift":
                spells.append(Spell("wheels", time))
            case "online":
                spells.append(Spell("wheels", (0, 0), (time,)))
            case _:
                pieces.append(Piece("work", "wheels", (time,)))
    found = set()
    for worker, (spells, pieces) in sheets.items():
        sheet = Timesheet(worker, tuple(spells), tuple(pieces))
        counted = {name: sheet.counted(name) for name in {one.counts for one in rules}}
        found |= {(worker, one.rule, *each) for one in rules for each in breaches(one, counted[one.counts], days)}
    return found


def _pandas(spans: pa.Table, workers: int) -> float | None:
    """What a user would write; None without pandas."""
    try:
        import pandas as pd
    except ImportError:
        return None
    frame = spans.to_pandas()
    start = time.perf_counter()
    for kinds in (("engaged", "online"), ("engaged",)):
        part = frame[frame["kind"].isin(kinds)].copy()
        part["start"], part["end"] = (pd.to_datetime(part[name], unit="ms") for name in ("start", "end"))
        part = part.sort_values(["worker", "start"])
        until = part.groupby("worker")["end"].cummax()
        before = until.groupby(part["worker"]).shift()
        block = (before.isna() | (part["start"] > before)).cumsum()
        merged = part.groupby(block).agg(worker=("worker", "first"), start=("start", "min"), end=("end", "max"))
        merged["hours"] = (merged["end"] - merged["start"]).dt.total_seconds() / 3600
        gap = merged["start"] - merged.groupby("worker")["end"].shift()
        for pause in ("11h", "24h") if "online" in kinds else ("20min", "45min", "9h"):
            run = (gap.isna() | (gap >= pd.Timedelta(pause))).cumsum()
            merged.groupby(run).agg(hours=("hours", "sum"), start=("start", "min"), end=("end", "max"))
        if "online" not in kinds:
            merged.groupby(["worker", merged["start"].dt.floor("D")])["hours"].sum()
            weekly = merged.groupby(["worker", merged["start"].dt.to_period("W")])["hours"].sum()
            weekly.groupby("worker").rolling(2).sum()
        else:
            merged.set_index("start").groupby("worker")["hours"].rolling("119D").sum()
    return time.perf_counter() - start
