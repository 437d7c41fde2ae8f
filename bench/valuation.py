"""What records add to a training: exact nearest-neighbour values, in processor seconds and memory, and what attacks gain.

100,000 records, 1,000 validation rows and 50 columns; 1 million records; owners of many records. pydvl 0.10 and DataScope 0.0.32
work out the same values of the same data in the same run, in an environment of their own, which is made when it is first
needed, but in a quick run; there the definition in exact fractions stands in. Every turn is a process of its own on one
thread. Ours is the best of three turns, between which the peer, who takes minutes, has its one; its values must be ours to a
millionth.

Then the attacks on the measure, with fresh draws of three data sets: the most that any of five draws gained.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench import contestant
from bench.measure import scratch, tell
from bench.report import Result, against, alone, barred
from usufruct.core.income.neighbours import Measure

PEERS = ("pydvl==0.10.0", "datascope==0.0.32")
SIZE, FULL, QUICK = (100_000, 1_000), (1_000_000, 1_000), (200, 20)
SECONDS, BYTES, TIMES = 2.5, 5 * 10**8, 80
FULL_SECONDS, FULL_BYTES = 60, 15 * 10**8
OWNER_SECONDS, GAIN, MERGED = 1, 1.02, 0.01
TURNS, SCENES = 3, 5
DATA = ("digits", "breast_cancer", "wine")
Took = tuple[float, float]  # processor seconds, bytes


def run(quick: bool, full: bool = False) -> list[Result]:
    """The figures."""
    seed = secrets.randbits(32)
    tell(f"seed {seed}")
    with scratch() as folder:
        turns = Turns(folder, seed)
        python = None if quick else contestant.interpreter("valuation", PEERS)
        results = [*_records(turns, quick, python), *_owners(turns, quick, python), *_growth(turns, quick)]
        if full:
            results += _large(turns)
    return results + _attacks(seed, 1 if quick else SCENES)


class Turns:
    """Takes turns in processes of their own, all on the same data; leaves each way's values in a folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed = folder, str(seed)

    def take(self, way: str, size: tuple[int, int], python: Path | None = None) -> Took:
        """One turn of a way, by another Python if it has an environment of its own."""
        command = [
            python or sys.executable,
            Path(__file__).parent / "valuation_turn.py",
            way,
            *map(str, size),
            self._seed,
        ]
        done = subprocess.run(
            [*command, self._folder / f"{way}.npy"], env=contestant.apart() if python else contestant.ours(),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        told = json.loads(done.stdout.strip().splitlines()[-1])
        return told["processor"], told["memory"]

    def values(self, way: str) -> Any:
        """What its last turn found."""
        return np.load(self._folder / f"{way}.npy")


def _beside(
    turns: Turns, ours: str, theirs: str, size: tuple[int, int], python: Path | None, times: int
) -> tuple[Took, Took]:
    """Our best turn and the peer's, with the largest difference of their values told; a turn of ours comes after it too."""
    found = [turns.take(ours, size) for _ in range(times - 1)]
    peer = turns.take(theirs, size, python)
    found.append(turns.take(ours, size))
    off = turns.values(ours) - turns.values(theirs)
    if theirs == "datascope":
        off -= off.mean()  # it takes a constant from every owner
    if not np.abs(off).max() < 1e-6:
        raise AssertionError(f"{theirs} finds other values: they differ by {np.abs(off).max()}")
    tell(f"{theirs} finds the same values, to {np.abs(off).max():.1e}")
    return min(found), peer


def _records(turns: Turns, quick: bool, python: Path | None) -> list[Result]:
    if quick or python is None:
        ours, theirs = _beside(turns, "records", "exact", QUICK, None, 2)
        return [against(f"{_size(QUICK)}: exact values", ours[0], "CPU s", "exact fractions", theirs[0])]
    ours, theirs = _beside(turns, "records", "pydvl", SIZE, python, TURNS)
    whole = against(f"{_size(SIZE)}: exact values", ours[0], "CPU s", "pydvl 0.10", theirs[0])
    memory = against(f"{_size(SIZE)}: memory", ours[1] / 10**9, "GB", "pydvl 0.10", theirs[1] / 10**9)
    return [
        barred(whole, f"ours at most {SECONDS} CPU s", ours[0] <= SECONDS),
        barred(whole, f"ratio at most 1/{TIMES}", ours[0] * TIMES <= theirs[0]),
        barred(memory, f"ours at most {BYTES / 10**9} GB", ours[1] <= BYTES),
    ]


def _owners(turns: Turns, quick: bool, python: Path | None) -> list[Result]:
    if quick or python is None:
        return []
    ours, theirs = _beside(turns, "owners", "datascope", SIZE, python, TURNS)
    found = against(f"{_size(SIZE)}: 1,000 owners, one neighbour", ours[0], "CPU s", "DataScope 0.0.32", theirs[0])
    return [barred(found, f"ours at most {OWNER_SECONDS} CPU s", ours[0] <= OWNER_SECONDS)]


def _growth(turns: Turns, quick: bool) -> list[Result]:
    if quick:
        return [alone(f"{_size(QUICK)}: copies sieved out", turns.take("sieve", QUICK)[0], "CPU s")]
    sizes = [(SIZE[0] // 10, SIZE[1]), (SIZE[0], SIZE[1] // 10), (SIZE[0], 2 * SIZE[1])]
    found = [(size, turns.take("records", size)) for size in sizes]
    return [
        *(alone(f"{_size(size)}: exact values", took[0], "CPU s") for size, took in found),
        alone(f"{_size(sizes[-1])}: memory", found[-1][1][1] / 10**9, "GB"),
        alone(f"{SIZE[0] // 10:,} records, 50 columns: copies sieved out", turns.take("sieve", sizes[0])[0], "CPU s"),
        alone(f"{SIZE[0]:,} records, 50 columns: copies sieved out", turns.take("sieve", SIZE)[0], "CPU s"),
    ]


def _large(turns: Turns) -> list[Result]:
    seconds, memory = turns.take("records", FULL)
    taken = alone(f"{_size(FULL)}: exact values", seconds, "CPU s")
    held = alone(f"{_size(FULL)}: memory", memory / 10**9, "GB")
    return [
        barred(taken, f"at most {FULL_SECONDS} CPU s", seconds <= FULL_SECONDS),
        barred(held, f"at most {FULL_BYTES / 10**9} GB", memory <= FULL_BYTES),
    ]


def _attacks(seed: int, draws: int) -> list[Result]:
    """The worst of some draws from each data set; without the sieve beside it."""
    from sklearn import datasets

    return [
        result
        for name in DATA
        for result in _attacked(name, getattr(datasets, f"load_{name}")(return_X_y=True), seed, draws)
    ]


def _attacked(data: str, table: Any, seed: int, draws: int) -> list[Result]:
    from usufruct.engine.valuation import attacks

    measure = Measure(copies="first")
    scenes = [attacks.scene(*table, seed + draw) for draw in range(draws)]
    results = []
    for name, attack in attacks.ATTACKS.items():
        gain = max(attacks.gain(scene, attack, measure) for scene in scenes)
        plain = max(attacks.gain(scene, attack, measure, sieving=False) for scene in scenes)
        found = against(f"{data}: {name}", gain, "after / before", "without the sieve", plain)
        results.append(barred(found, f"at most {GAIN}", gain <= GAIN))
    merged = np.mean([attacks.merged(scene, measure) for scene in scenes])
    tell(f"{data}: of honest records {merged:.2%} were taken for copies")
    counted = alone(f"{data}: honest records that count", 1 - float(merged), "share")
    return [*results, barred(counted, f"above {1 - MERGED}", bool(merged < MERGED))]


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]:,} × {size[1]:,} × 50"
