"""Levies and entitlements of a million persons over twelve months, exact to the cent.

Ours are the shipped schemes on the columnar kernel: the Estonian account (bands over the year, three accounts, months that
count for health insurance), the Singaporean contributions (three levies by age, by operator and month) and the Indian days
(90 with one operator, or 120 across several). A sample of persons is worked out again by the rules of the core, payment by
payment, and must be the same.

The peer is openfisca-core, as its users write such a rule: a scale over the year, a tax of each month, a month that counts.
It runs in an environment of its own, for its licence is not ours to stand on; without it the case stands alone. It reckons in
32-bit floating point: how many taxes of the year are then a cent off is told on stderr. It does not add up payments in
their order, split exactly, or know operators; so its rule is the smaller one.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.measure import scratch, setup, tell
from bench.report import Result, against, alone, barred
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.cover.collecting import Earned, collect
from usufruct.core.cover.scheme import Insured, Scheme
from usufruct.engine import cover
from usufruct.engine.cover import Earnings, Levied, People
from usufruct.wire import cover as wire

T = TypeVar("T")
Numbers = NDArray[np.int64]

PEER = "openfisca-core 46.0.1"
KNOWN = parse_instant("2030-01-01")
BAR = "levies and entitlements of 1 million persons over 12 months in under 60 s"
SECONDS, SAMPLE = 60.0, 500
MINIMUM = 239_25


def run(quick: bool) -> list[Result]:
    """The figures, one case for each scheme, and the whole."""
    persons = 20_000 if quick else 1_000_000
    schemes = {name: wire.read(text) for name, text in wire.examples().items()}
    with setup(f"receipts of {persons:,} persons in 12 months"):
        estonia, people = _year(2024, persons, 1), _members(persons, 1.0)
    taken, levied = _took(lambda: cover.take(schemes["estonia"], people, estonia, KNOWN))
    more, met = _took(lambda: cover.reached(levied[0], "treasury:social-tax", MINIMUM, estonia, persons))
    whole, case = taken + more, f"Estonia, {persons:,} persons x 12 months: tax, three accounts, months that count"
    beside = _beside_openfisca(case, whole, None if quick else _peer(persons), persons, int(met.sum()))
    results = [barred(beside, BAR, None if quick else whole < SECONDS)]
    slow = _check(schemes["estonia"], people, estonia, levied)
    rate = f"the same in months a second, beside the rules of the core on {SAMPLE} of the persons"
    results.append(against(rate, len(estonia.person) / taken, "1/s", "core.cover.collecting", slow))
    with setup("earnings with two operators, and days"):
        singapore, ages = _year(2029, persons, 2), _members(persons, 0.7)
        days = _days(persons)
    taken, levied = _took(lambda: cover.take(schemes["singapore"], ages, singapore, KNOWN))
    _check(schemes["singapore"], ages, singapore, levied)
    rows = len(singapore.person)
    case = f"Singapore, {rows:,} months of {persons:,} persons with two operators: three levies"
    results.append(alone(case, taken, "s"))
    counted, _ = _took(lambda: cover.eligible(*days, persons, 90, 120))
    results.append(alone(f"India, {len(days[0]):,} days of {persons:,} persons: 90 with one, 120 across", counted, "s"))
    return results


def _beside_openfisca(case: str, ours: float, theirs: dict[str, float] | None, persons: int, met: int) -> Result:
    if theirs is None:
        return alone(case, ours, "s")
    tell(f"months that count: {met:,} of ours, {theirs['covered']:,.0f} of openfisca-core")
    tell(f"taxes of the year that are a cent or more off there: {theirs['off']:,.0f} of {persons:,}")
    return against(case, ours, "s", f"{PEER}, a smaller rule, float32", theirs["seconds"])


def _took(work: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


def _year(year: int, persons: int, operators: int) -> Earnings:
    """Every person with receipts in each month; with a second operator for one person in ten."""
    chance = np.random.default_rng(7)
    gross = chance.integers(0, 4_000_00, (12, persons)).ravel()
    person, month = np.tile(np.arange(persons), 12), np.repeat(np.arange(12), persons)
    operator = np.zeros(len(person), np.int64)
    if operators > 1:
        second = np.flatnonzero(person % 10 == 0)
        person, month = np.append(person, person[second]), np.append(month, month[second])
        gross, operator = np.append(gross, gross[second] // 3), np.append(operator, np.ones(len(second), np.int64))
    none = np.zeros(len(person), np.int64)
    return Earnings(person, operator, month, tuple(f"{year}-{n:02d}" for n in range(1, 13)), gross, none, none)


def _members(persons: int, part: float) -> People:
    chance = np.random.default_rng(8)
    born = chance.integers(1970 * 12, 2005 * 12, persons)
    return People(
        born, chance.random(persons) < part, np.zeros(persons, np.int64), chance.choice([0, 3500, 6000], persons)
    )


def _days(persons: int) -> tuple[Numbers, Numbers, Numbers]:
    chance, events = np.random.default_rng(9), 20 * persons
    heavy = chance.integers(0, max(1, persons // 8), events)  # a few work much
    return heavy, chance.integers(0, 3, events), chance.integers(0, 365, events)


def _check(scheme: Scheme, people: People, earnings: Earnings, levied: list[Levied]) -> float:
    """A sample, worked out again by the rules of the core: how many months a second."""
    seconds, months = 0.0, 0
    sample = np.arange(0, len(people.born), max(1, len(people.born) // SAMPLE))
    rows = np.flatnonzero(np.isin(earnings.person, sample))
    for person in sample:
        hers = rows[earnings.person[rows] == person]
        hers = hers[np.argsort(earnings.month[hers], kind="stable")]
        took, _ = _took(lambda: _check_one(scheme, people, earnings, levied, int(person), hers.tolist()))  # noqa: B023
        seconds, months = seconds + took, months + len(hers)
    return months / seconds


def _check_one(
    scheme: Scheme, people: People, earnings: Earnings, levied: list[Levied], person: int, rows: list[int]
) -> None:
    born, off = int(people.born[person]), int(people.off[person])
    works = next((one.name for one in scheme.deductions if one.basis_points == off), "")
    insured = Insured(f"{born // 12:04d}-{born % 12 + 1:02d}-15", bool(people.member[person]), "", works)
    if insured.member(scheme) != bool(people.member[person]):
        return
    so_far: dict[tuple[object, ...], tuple[int, int]] = {}
    for row in rows:
        operator = int(earnings.operator[row])
        earned = Earned(f"{earnings.months[earnings.month[row]]}-01", int(earnings.gross[row]))

        def key(levy: str, period: str, operator: int = operator) -> tuple[object, ...]:
            return levy, period, operator if scheme.born_from else ""

        found, _ = collect(scheme, insured, [earned], lambda levy, p: so_far.get(key(levy.name, p), (0, 0)), KNOWN)
        amounts = {one.levy: one.amount for one in found}
        for one in found:
            basis, paid = so_far.get(key(one.levy, one.period), (0, 0))
            so_far[key(one.levy, one.period)] = (basis + one.basis, paid + one.paid)
        assert all(int(one.amount[row]) == amounts.get(one.levy, 0) for one in levied)


def _peer(persons: int) -> dict[str, float] | None:
    with scratch() as folder:
        python = _environment(folder)
        if python is None:
            return None
        script = Path(__file__).with_name("cover_peer.py")
        done = subprocess.run([str(python), str(script), str(persons)], capture_output=True, text=True, check=False)
        if done.returncode:
            tell(f"openfisca-core does not run here; it is left out: {done.stderr.strip().splitlines()[-1]}")
            return None
        return dict(json.loads(done.stdout))


def _environment(folder: Path) -> Path | None:
    given = os.environ.get("USUFRUCT_OPENFISCA")  # the Python of an environment that has it
    if given:
        return Path(given)
    with setup("openfisca-core in an environment of its own"):
        venv.create(folder / "peer", with_pip=True)
        python = folder / "peer" / "bin" / "python"
        install = [str(python), "-m", "pip", "install", "--quiet", PEER.replace(" ", "==")]
        if subprocess.run(install, capture_output=True, check=False).returncode:
            tell("openfisca-core cannot be installed here; it is left out")
            return None
        return python
