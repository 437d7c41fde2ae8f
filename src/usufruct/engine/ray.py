"""Settlements and valuations on a Ray cluster: the same bytes as in this process, whatever the number of machines.

A settlement is worked out in two steps. Portions are divided each by itself, for no pool depends on another, in batches of a
size that does not depend on the cluster; what a batch comes to is cut where pieces of the settlement are cut. Then each
piece is made of its cuts of all batches. All of it is whole numbers, and what joins them is addition, so nothing depends on
who did what, or when. Floating-point values of a valuation are not added here at all: they come back block by block, in the
order in which they were asked for.

A machine that dies takes results with it. Ray does that work again elsewhere, from what is kept where the node runs. So
that machine is part of the cluster and the one that must not die; if it does, nothing was recorded, and one plans again.

The cluster is within the node's walls: it sees weights by persons' numbers, and amounts. The same version of this package is
installed on all machines, and a task that lands on another version refuses.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayError

from usufruct import __version__
from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.core.income import settlement
from usufruct.core.income.measure import Portion
from usufruct.core.income.segment import PIECE, Piece
from usufruct.core.income.settlement import Settlement
from usufruct.engine.settlement import Made, Words, add, fits, put_together, settle_piece, words

_BATCH = 2**22  # weights in a task
_RETRIES = 10  # of a task whose machine died
_AHEAD = 64  # blocks that are asked for before the first has come back
_connecting = threading.Lock()


class RayCluster:
    """`ports.Settler` on the Ray cluster at an address, which this machine is part of; values of blocks too."""

    def __init__(self, address: str) -> None:
        self._address = address

    def settle(
        self, portions: Sequence[Portion], before: Iterable[bytes], persons: int, least: int, seed: bytes
    ) -> Settlement:
        """The settlement, see `ports.Settler`. Raises EngineFault."""
        kept = list(before)
        persons = max(persons, sum(Piece(data).count for data in kept))
        if not fits(portions, kept):
            return settlement.settle(portions, kept, persons, least, seed)
        self._connect()
        try:
            return put_together(self._pieces(portions, kept, persons, least, seed), persons, least, seed)
        except RayError as error:
            raise _failed(error) from None

    def each(
        self, work: Callable[..., Any], shared: Mapping[str, Any], blocks: Iterable[Mapping[str, Any]]
    ) -> Iterator[Any]:
        """What `work(**shared, **block)` comes to for each block, in their order; `shared` is sent once. Raises EngineFault."""
        self._connect()
        try:
            sent = {name: ray.put(value) for name, value in shared.items()}
            on_block, waiting = _remotely(_on_block), []
            for block in blocks:
                waiting.append(on_block.remote(__version__, work, list(sent), block, *sent.values()))
                if len(waiting) == _AHEAD:
                    yield ray.get(waiting.pop(0))
            while waiting:
                yield ray.get(waiting.pop(0))
        except RayError as error:
            raise _failed(error) from None

    def _pieces(
        self, portions: Sequence[Portion], before: Sequence[bytes], persons: int, least: int, seed: bytes
    ) -> list[Made]:
        count = -(-persons // PIECE)
        cut: list[list[Any]] = []
        for batch in _batches(portions):
            refs = _remotely(_divided).options(num_returns=count).remote(__version__, ray.put(batch), persons)
            cut.append([refs] if count == 1 else refs)
        piece = _remotely(_piece)
        lengths = [min(PIECE, persons - number * PIECE) for number in range(count)]
        return ray.get([  # type: ignore[no-any-return]
            piece.remote(
                __version__, lengths[number], before[number] if number < len(before) else b"", number, least, seed,
                *(refs[number] for refs in cut),
            )
            for number in range(count)
        ])  # fmt: skip

    def _connect(self) -> None:
        with _connecting:
            if ray.is_initialized():
                return
            try:
                ray.init(address=self._address, log_to_driver=False, configure_logging=False)
            except Exception as error:  # whatever its client meets
                raise EngineFault(
                    "engine.cluster", f"the Ray cluster cannot be reached: {type(error).__name__}",
                    "see that Ray runs on this machine (`ray status`) and that `ray` in node.toml is its address",
                ) from None  # fmt: skip


def address_of(setting: str) -> str:
    """The address in a setting; `env:NAME` means the one in that environment variable.

    Raises:
        BadInput: there is none, or it is not a host with a port.
    """
    address = os.environ.get(setting[4:], "") if setting.startswith("env:") else setting
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "//" in host:
        raise BadInput(
            "input.settings", "the setting `ray` does not say where a Ray cluster is",
            "write host:6379, or env:NAME for an environment variable that holds it",
        )  # fmt: skip
    return address


def _batches(portions: Sequence[Portion]) -> Iterator[list[tuple[str, int, Any]]]:
    """Portions as they are sent, as many at once as have some millions of weights."""
    batch: list[tuple[str, int, Any]] = []
    size = 0
    for portion in portions:
        weights = words(portion.weights)
        if batch and size + len(weights) > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append((portion.name, portion.amount, weights))
        size += len(weights)
    if batch:
        yield batch


def _divided(version: str, batch: list[tuple[str, int, Any]], persons: int) -> Any:
    """What everybody is due of a batch of portions, cut where pieces are cut."""
    _check(version)
    due = np.zeros(persons, np.uint64)
    for name, amount, weights in batch:
        add(due, Portion(name, amount, weights))
    cuts = tuple(due[first : first + PIECE] for first in range(0, persons, PIECE))
    return cuts if len(cuts) > 1 else cuts[0]


def _piece(version: str, length: int, before: bytes, number: int, least: int, seed: bytes, *cuts: Words) -> Made:
    """A piece of a settlement, of what the batches come to for its persons."""
    _check(version)
    due = np.zeros(length, np.uint64)
    for cut in cuts:
        due += cut
    return settle_piece(due, before, number, least, seed)


def _on_block(version: str, work: Callable[..., Any], names: list[str], block: Mapping[str, Any], *shared: Any) -> Any:
    _check(version)
    return work(**dict(zip(names, shared, strict=True)), **block)


def _remotely(work: Callable[..., Any]) -> Any:
    """A function as a task of the cluster."""
    return ray.remote(max_retries=_RETRIES)(work)


def _check(version: str) -> None:
    if version != __version__:
        raise RuntimeError(f"this machine has version {__version__}, the node {version}")


def _failed(error: RayError) -> EngineFault:
    said = str(getattr(error, "cause", "") or type(error).__name__)
    return EngineFault(
        "engine.cluster", f"the Ray cluster could not do it: {said}",
        "nothing was recorded; see that the same version is installed on all of its machines, and try again",
    )  # fmt: skip
