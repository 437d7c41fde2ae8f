"""Settling millions of payees at once: worked out, durable, provable; and how far off anybody is after a year.

Ours starts from weights, and ends when the settlement is sealed in a node's store and its fact is on disk. The peers are
given everybody's amount, so they need not divide; they write a row for each payee and commit once. Each runs in a process
of its own, so that the memory it takes can be told. PostgreSQL keeps its files in memory where the system has a place
for that, which spares it the disk. Beancount checks a transaction with a posting for each payee.
"""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from statistics import quantiles
from typing import Any

from bench.measure import scratch, seconds, tell
from bench.report import Result, against, alone, barred
from usufruct.core.income.division import divide
from usufruct.core.income.facts import AssetStatement, PeriodPlanned
from usufruct.core.income.measure import MICRO, Portion
from usufruct.core.income.rules import Settled
from usufruct.core.income.segment import HASH_SIZE
from usufruct.core.income.settlement import Lines
from usufruct.engine.settlement import NumpySettler
from usufruct.main import create_node, open_node
from usufruct.node.node import Node
from usufruct.ports import Transaction

MILLION = 1_000_000
BARS = {MILLION: (1.0, 1.0), 10 * MILLION: (6.0, 1.0)}  # seconds, and gigabytes
LOOKS = 200
LEDGER = 20_000  # payees in a Beancount file


def results(quick: bool, full: bool) -> list[Result]:
    """The figures for each number of payees."""
    found: list[Result] = []
    for payees in (20_000,) if quick else BARS:
        found += _settled(payees, quick)
        if payees <= MILLION or full:
            found += _beside(payees, found[-5].ours)
    return found + _ledger(2_000 if quick else LEDGER) + _off(quick)


def apart(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What some work returns in a process of its own, and how many gigabytes that held at most."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_watched, (work, arguments))  # type: ignore[no-any-return]


def _watched(work: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Any, float]:
    returned = work(*arguments)
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return returned, int(line.split()[1]) * 1024 / 1e9
    raise AssertionError


def weights_of(payees: int) -> array[int]:
    """How much each payee brought: many a little, few a lot."""
    draw = random.Random(payees)
    sample = [min(10**6, int(10 * draw.paretovariate(1.2))) for _ in range(min(payees, 99_991))]
    return array("I", (sample * (payees // len(sample) + 1))[:payees])


def _settled(payees: int, quick: bool) -> list[Result]:
    taken, memory = apart(_settle, payees)
    most_seconds, most_memory = BARS.get(payees, BARS[MILLION])
    case = f"{payees:,} payees"
    found = []
    for period, figure in zip(
        ("settled, durable, provable", "the same, with what was carried"), taken["seconds"], strict=True
    ):
        bar = f"at most {most_seconds} s"
        found.append(barred(alone(f"{case}: {period}", figure, "s"), bar, None if quick else figure <= most_seconds))
    look, size = taken["look"], taken["size"]
    return [
        *found,
        barred(
            alone(f"{case}: memory held at most", memory, "GB"),
            f"at most {most_memory} GB", None if quick else memory <= most_memory,
        ),
        barred(alone(f"{case}: one line with its proof, 95 of 100", look, "ms"), "at most 20 ms", None if quick else look <= 20),
        barred(alone(f"{case}: its proof", size, "KB"), "at most 32 KB", size <= 32),
    ]  # fmt: skip


def _settle(payees: int) -> dict[str, Any]:
    """Two settlements on a real store, the second with a carry, and looks at single lines of it."""
    weights = weights_of(payees)
    with scratch() as folder:
        create_node(folder / "node", "Bench", "holder", "Holder", "EUR")
        with open_node(folder / "node") as node:
            seconds_taken, planned = [], None
            for number in range(2):
                portions = [Portion(f"use-{number}", 150 * payees * MICRO, weights)]
                start = time.perf_counter()
                planned = _one(node, portions, payees, planned)
                seconds_taken.append(time.perf_counter() - start)
            assert planned is not None
            draw, looks, size = random.Random(1), [], 0
            with node.store.read() as state:
                for _ in range(LOOKS):
                    number, start = draw.randrange(payees), time.perf_counter()
                    lines = Lines(planned.statements[0], state.evidence)
                    lines.line(number)
                    salt, chunk, path = lines.opening(number)
                    looks.append(time.perf_counter() - start)
                    size = max(size, len(salt) + len(chunk) + HASH_SIZE * len(path))
    return {"seconds": seconds_taken, "look": 1000 * quantiles(looks, n=20)[-1], "size": size / 1000}


def _one(node: Node, portions: Sequence[Portion], payees: int, last: PeriodPlanned | None) -> PeriodPlanned:
    """A settlement that carries on from the last one, and its fact."""
    with node.store.read() as state:
        past = Lines(last.statements[0], state.evidence).pieces() if last else ()
        settlement = NumpySettler().settle(portions, past, payees, 1, node.entropy.bytes(32))

    def append(tx: Transaction) -> PeriodPlanned:
        settled = Settled(settlement.keep(tx.attach), last.statements[0].lines if last else "", settlement)
        statement = settled.stated(AssetStatement("pay", (), 0, (), 150 * payees, 0, ""))
        fact = PeriodPlanned(f"plan-{tx.next}", f"period-{tx.next}", None, 0, 1, "EUR", 0, (statement,))
        tx.append(fact)
        return fact

    return node.store.write(append)


def _beside(payees: int, ours: float) -> list[Result]:
    case = f"{payees:,} payees: a row for each, amounts given"
    found = [against(case, ours, "s", "sqlite3, executemany", apart(_rows, payees)[0])]
    try:
        found.append(against(case, ours, "s", "PostgreSQL, binary COPY", apart(_copied, payees)[0]))
    except Exception as error:  # no server program, no psycopg, nobody to run it
        tell(f"PostgreSQL is left out: {error or type(error).__name__}")
    return found


def _rows(payees: int) -> float:
    amounts = weights_of(payees)
    with scratch() as folder, closing(sqlite3.connect(folder / "rows.sqlite", isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE posting (payee INTEGER PRIMARY KEY, amount INTEGER)"
        )

        def write() -> None:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO posting VALUES (?, ?)", enumerate(amounts))
            connection.execute("COMMIT")

        return seconds(write)


def _copied(payees: int) -> float:
    import numpy as np
    import psycopg

    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    import pg_server

    amounts = np.frombuffer(weights_of(payees), np.uint32)
    programs = pg_server.programs()
    if programs is None:
        raise FileNotFoundError("there is no server program")
    with tempfile.TemporaryDirectory(dir=pg_server.in_memory(), ignore_cleanup_errors=True) as folder:
        server = pg_server.Server(programs, Path(folder))
        try:
            with psycopg.connect(server.database()) as connection:
                connection.execute("CREATE TABLE posting (payee BIGINT, amount BIGINT)")
                connection.commit()

                def write() -> None:
                    packed = np.empty(payees, np.dtype([
                        ("fields", ">i2"), ("a", ">i4"), ("payee", ">i8"), ("b", ">i4"), ("amount", ">i8"),
                    ]))  # fmt: skip
                    packed["fields"], packed["a"], packed["b"] = 2, 8, 8
                    packed["payee"], packed["amount"] = np.arange(payees), amounts
                    with connection.cursor().copy("COPY posting FROM STDIN (FORMAT BINARY)") as copy:
                        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
                        copy.write(packed.tobytes())
                        copy.write(b"\xff\xff")
                    connection.commit()

                return seconds(write)
        finally:
            server.stop()


def _ledger(payees: int) -> list[Result]:
    """A second's payees, ours and Beancount's."""
    try:
        from beancount import loader
    except ImportError:
        tell("Beancount is left out: it is not installed")
        return []
    weights = weights_of(payees)
    amounts = divide(150 * payees, weights, "ledger")
    names = [f"Liabilities:Members:M{number}" for number in range(payees)]
    text = "\n".join([
        "2026-01-01 open Income:Asset EUR", *(f"2026-01-01 open {name} EUR" for name in names),
        '2026-12-31 * "settlement"', f"  Income:Asset  {sum(amounts) / 100:.2f} EUR",
        *(f"  {name}  -{amount // 100}.{amount % 100:02} EUR" for name, amount in zip(names, amounts, strict=True)), "",
    ])  # fmt: skip
    errors: list[Any] = []

    def theirs() -> None:
        errors.extend(loader.load_string(text)[1])

    portions = [Portion("ledger", 150 * payees * MICRO, weights)]
    ours = seconds(lambda: NumpySettler().settle(portions, (), payees, 1, bytes(32)))
    taken = seconds(theirs)
    assert not errors, errors[0]
    return [
        against(f"{payees:,} payees: settled and checked, in memory", ours, "s", "Beancount, one transaction", taken)
    ]


def _off(quick: bool) -> list[Result]:
    """The worst that anybody is off after twelve periods of tiny shares, in cents."""
    payees, pool = (2_000, 600) if quick else (20_000, 6_000)
    draw = random.Random(12)
    weights = array("I", (draw.randint(1, 60) for _ in range(payees)))
    carried, anew = [0] * payees, [0] * payees
    before: tuple[bytes, ...] = ()
    for month in range(12):
        portions = [Portion(f"month-{month}", pool * MICRO, weights)]
        settlement = NumpySettler().settle(portions, before, payees, 1, bytes(32))
        kept: dict[str, bytes] = {}

        def attach(_: str, data: bytes, kept: dict[str, bytes] = kept) -> str:
            name = f"{len(kept):064x}"
            kept[name] = data
            return name

        statement = Settled(settlement.keep(attach), "", settlement).stated(
            AssetStatement("pay", (), 0, (), pool, 0, "")
        )
        paid = Lines(statement, kept.__getitem__).columns()[1]
        carried = [a + b for a, b in zip(carried, paid, strict=True)]
        anew = [a + b for a, b in zip(anew, divide(pool, weights, f"month-{month}"), strict=True)]
        before = settlement.pieces
    whole = sum(weights)
    exact = [Fraction(12 * pool * weight, whole) for weight in weights]
    ours, theirs = (float(max(abs(a - b) for a, b in zip(paid, exact, strict=True))) for paid in (carried, anew))
    case = f"{payees:,} payees, 12 periods of tiny shares: the worst that anybody is off"
    peer = "largest remainders, anew each period"
    return [barred(against(case, ours, "cents", peer, theirs), "less than a cent", ours < 1)]
