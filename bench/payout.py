"""Orders to the bank: payments a second, and what a million of them take.

Ours is `wire.pain`, part by part, from the payments as they lie in a payout. The peer is `sepaxml`, the library that one would
take: it builds the order as a tree, and checks it against the schema of the standard as it writes. So both its times are
told: with that check, as it comes, and without. Both are given the same payments, made beforehand; our orders are checked
against the schema here with `xmllint`, outside of what is measured.

A million payments are written in a process of its own, whose memory is what it says it was at most; what ten thousand take is
beside it. One comes after the other, in turns, and processor time is what counts.
"""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import scratch
from bench.report import Result, against, alone, barred
from usufruct.core.base.instants import Instant
from usufruct.core.income.payout import Credit, Order
from usufruct.wire import pain

SIZE, QUICK_SIZE = 10_000, 500
LARGE, QUICK_LARGE = 1_000_000, 20_000
TURNS = 3
AT = Instant("2026-11-23T12:00:00.000Z")
IBANS = ("NL91ABNA0417164300", "FR1420041010050500013M02606", "IT60X0542811101000000123456", "DE89370400440532013000")


def run(quick: bool) -> list[Result]:
    """The figures, beside the library where it is installed."""
    size, large = (QUICK_SIZE, QUICK_LARGE) if quick else (SIZE, LARGE)
    results = []
    with scratch() as folder:
        ours = folder / "ours.xml"
        payments = list(_credits(size))
        theirs = _library(payments, folder / "theirs.xml")
        times: dict[str, list[float]] = {"ours": [], "checked": [], "unchecked": []}
        for _ in range(TURNS):
            times["ours"].append(_processor(lambda: _write(ours, payments, size)))
            for name, validate in (("checked", True), ("unchecked", False)) if theirs else ():
                times[name].append(_processor(lambda validate=validate: theirs(validate)))
        rate = size / median(times["ours"])
        if theirs is None:
            results.append(alone(f"{size:,} payments written", rate, "payments/s of processor"))
        else:
            for name, peer in (("checked", "sepaxml"), ("unchecked", "sepaxml without its own check")):
                found = against(
                    f"{size:,} payments written", rate, "payments/s of processor", peer, size / median(times[name])
                )
                met = None if quick else (found.ratio or 0) >= 100
                results.append(barred(found, "at least 100 times", met) if name == "checked" else found)
        small = _apart(folder / "small.xml", size)
        whole = _apart(folder / "large.xml", large)
        results.append(alone(f"{large:,} payments written", whole[0], "s of processor"))
        memory = against(f"{large:,} payments: most memory", whole[1], "MB", f"{size:,} payments", small[1])
        results.append(barred(memory, "at most 1.25 times", None if quick else (memory.ratio or 9) <= 1.25))
        results += [
            barred(alone(f"{what}: valid by the schema", valid, "1 is yes"), "yes", valid == 1)
            for what, path in ((f"{size:,} payments", ours), (f"{large:,} payments", folder / "large.xml"))
            if (valid := _valid(path)) is not None
        ]
    return results


def _amount(n: int) -> int:
    return 100 + n * 7919 % 89_900


def _credits(count: int) -> Iterator[Credit]:
    for n in range(count):
        yield Credit(n, _amount(n), f"Member {n} O'Neill", IBANS[n % 4], "", f"payout-1-{n}")


def _write(path: Path, credits: Iterable[Credit], count: int) -> None:
    order = Order("payout-1", "Wage Commons", IBANS[3], "", "EUR", AT, count, sum(map(_amount, range(count))))
    with path.open("wb") as file:
        for piece in pain.write(order, credits):
            file.write(piece)


def _library(payments: Iterable[Credit], path: Path) -> Callable[[bool], None] | None:
    """The same order written by sepaxml; None where it is not installed."""
    try:
        transfer: Any = importlib.import_module("sepaxml").SepaTransfer
    except ModuleNotFoundError:
        return None

    def write(validate: bool) -> None:
        config = {"name": "Wage Commons", "IBAN": IBANS[3], "batch": True, "currency": "EUR"}
        made = transfer(config, schema="pain.001.001.09", clean=False)
        for credit in payments:
            made.add_payment({
                "name": credit.holder, "IBAN": credit.iban, "amount": credit.amount, "description": credit.text,
                "execution_date": datetime.date(2026, 11, 23), "endtoend_id": credit.text,
            })  # fmt: skip
        path.write_bytes(made.export(validate=validate))

    return write


def _processor(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _apart(path: Path, count: int) -> tuple[float, float]:
    """Writes an order in a process of its own: its processor time in seconds, and its most memory in MB."""
    child = os.fork()
    if child == 0:
        _write(path, _credits(count), count)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    assert status == 0, "the order was written"
    return used.ru_utime + used.ru_stime, _megabytes(used)


def _megabytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / 1024


def _valid(path: Path) -> int | None:
    """1 if the standard's schema takes it; None where there is no schema or no xmllint."""
    spec = importlib.util.find_spec("sepaxml")
    if spec is None or spec.origin is None or shutil.which("xmllint") is None:
        return None
    schema = Path(spec.origin).parent / "schemas" / "pain.001.001.09.xsd"
    command = ["xmllint", "--noout", "--stream", "--schema", str(schema), str(path)]
    return int(subprocess.run(command, capture_output=True, check=False).returncode == 0)
