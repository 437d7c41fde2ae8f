"""What the two nodes of two_nodes.py hold: invented by a rule, the same every time.

A city of three districts. Dust in the air follows the heating season: for month m = 1 … 12 it is

    dust = 14 + 9 cos(2π (m - 1) / 12) + what the district adds, in micrograms of PM2.5 per cubic metre, rounded

and each resident comes to hospital for her breath in a month with a chance of 0.3 % for each microgram, three times a year
at most. So the share of those who come rises with the dust, and no file of size is needed to show it.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterable
from pathlib import Path

MONTHS = [f"2025-{month:02}" for month in range(1, 13)]
DISTRICTS = {"harbour": 8, "hill": 0, "old-town": 2}  # and the micrograms that it adds
RESIDENTS = {"harbour": 1600, "hill": 1400, "old-town": 1000}
CHANCE, MOST = 0.003, 3


def dust(month: int, district: str) -> int:
    """Micrograms of PM2.5 per cubic metre, the month's mean; months count from 1."""
    return round(14 + 9 * math.cos(2 * math.pi * (month - 1) / 12) + DISTRICTS[district])


def write(folder: Path) -> None:
    """The files `air.csv`, `residents.csv` and `admissions.csv`."""
    lots = random.Random(7)  # noqa: S311 - nothing here is secret
    homes = [district for district, number in RESIDENTS.items() for _ in range(number)]
    _write(folder / "air.csv", ["month", "district", "dust"], (
        [name, district, dust(month, district)] for month, name in enumerate(MONTHS, 1) for district in DISTRICTS
    ))  # fmt: skip
    _write(folder / "residents.csv", ["resident", "district"], enumerate(homes, 1))
    # The hospital numbers its patients itself, in the order in which they first came: nobody can tell who is who.
    patients: dict[int, int] = {}
    came: dict[int, int] = {}
    rows = []
    for month, name in enumerate(MONTHS, 1):
        for resident, district in enumerate(homes, 1):
            if came.get(resident, 0) < MOST and lots.random() < CHANCE * dust(month, district):
                came[resident] = came.get(resident, 0) + 1
                patient = patients.setdefault(resident, len(patients) + 1)
                rows.append([patient, name, district, lots.randint(1, 9)])
    _write(folder / "admissions.csv", ["patient", "month", "district", "nights"], rows)


def _write(path: Path, head: list[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
