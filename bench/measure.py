"""Taking times: in turns, in one process, and telling on stderr what is left out."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary directory, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="usufruct-bench-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def setup(what: str) -> Iterator[None]:
    """Work that is not part of the figures; its time is told on stderr."""
    start = time.perf_counter()
    yield
    tell(f"setup: {what}: {time.perf_counter() - start:.2f} s")


def tell(text: str) -> None:
    """A remark on stderr."""
    print(text, file=sys.stderr, flush=True)


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(turns: int, contestants: Mapping[str, Callable[[], float]], warm: bool = True) -> dict[str, list[float]]:
    """What each contestant returns, turn by turn; who begins changes with the turn. A first turn to warm up is dropped."""
    names = list(contestants)
    figures: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-1 if warm else 0, turns):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            figure = contestants[name]()
            if turn >= 0:
                figures[name].append(figure)
    return figures


def medians(turns: int, contestants: Mapping[str, Callable[[], float]], warm: bool = True) -> dict[str, float]:
    """The median figure of each contestant over `turns` turns."""
    return {name: median(figures) for name, figures in in_turns(turns, contestants, warm).items()}
