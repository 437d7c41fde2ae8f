"""The engine room: every question is worked out in a child process that holds only what it may see.

Whatever a statement did to DuckDB, it would find no more there than the permitted columns and rows, no file, no socket and
no way to get one; `zygote` tells how a child comes to be and what it gives up. From here it is given its task, its time is
watched by the clock, and it is killed when the answer is there, late, too large or no longer wanted.

What comes back is bytes from a process that is not trusted: they are counted, cut off at a limit and checked before anybody
reads them. Whatever went wrong, there is one fault, with the same words: what a failure is like may depend on the data.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.engine import zygote
from usufruct.engine.columns import quoted
from usufruct.ports import NOBODY

ANSWER_LIMIT = 64 << 20  # bytes of an answer from the room
START_SECONDS = 30  # for a child to be there; no question has begun then

Value = int | str | bool | bytes | None

_UNITS = {
    "": 1,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "KI": 1 << 10,
    "MI": 1 << 20,
    "GI": 1 << 30,
    "TI": 1 << 40,
}
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Permitted:
    """What the room may see of a stored table, under the name `table`: of its columns these; of its rows those whose
    `_person` is set in `population`, a little-endian bitmap of `persons` bits (None: all rows). With `numbers`, unsigned
    32-bit and little-endian by person, `_person` becomes the number that stands there; `NOBODY` leaves the rows out. If
    it is `narrow`, whole numbers are copied in 32 bits where all of their column fit: half as much to write, for statements that
    do not compute in the width of a column."""

    file: Path
    table: str
    columns: tuple[str, ...]
    population: bytes | None = None
    persons: int = 0
    numbers: bytes | None = None
    narrow: bool = False

    @property
    def asset(self) -> str:
        """Whose table it is: a file is called `asset-version`."""
        return self.file.stem.rpartition("-")[0]


class Room:
    """Runs statements over what is permitted, each time in a new process.

    `memory` bytes are what DuckDB may use, and what the process may use beyond what it is born with, but for a fixed
    slack; `seconds` by the clock, and as many for each of the `threads` by the processor.
    """

    def __init__(self, memory: int, seconds: float, threads: int) -> None:
        self._limits = memory, seconds, threads

    def run(self, tables: Sequence[Permitted], statements: Sequence[tuple[str, Sequence[Value]]]) -> list[pa.Table]:
        """Runs the statements in their order, with the values bound to them; the table that each comes to.

        Raises:
            EngineFault: `engine.data`, a file cannot be opened; `engine.limits`, anything else.
        """
        task = pickle.dumps(([_load(table) for table in tables], [(s, list(v)) for s, v in statements], *self._limits))
        try:
            with _zygote.child() as job:
                answer = _ask(job, task, time.monotonic() + self._limits[1])
            if answer != zygote.NO_DATA:
                return _read(answer, len(statements))
        except (OSError, ValueError, struct.error, pa.ArrowException):
            raise over_limits() from None
        raise not_there(table.asset for table in tables) from None


def over_limits() -> EngineFault:
    """The fault for whatever goes wrong once data are looked at, in the same words: what it was may depend on them."""
    return EngineFault(
        "engine.limits", "the question could not be worked out within the node's limits",
        "ask something smaller; what it may have learnt was charged",
    )  # fmt: skip


def not_there(assets: Iterable[str]) -> EngineFault:
    """The fault for the stored tables of these assets, one of which cannot be opened."""
    return EngineFault(
        "engine.data", f"the data of {', '.join(f'`{asset}`' for asset in assets)} could not be opened",
        "restore the node's data folder from a backup",
    )  # fmt: skip


def size(text: str) -> int:
    """The bytes of a size as DuckDB writes it: `4GB`, `512 MiB`.

    Raises:
        BadInput: it is none.
    """
    written = re.fullmatch(r"\s*(\d{1,15})(?:\.(\d{1,6}))?\s*(|[KMGT]I?)B\s*", text.upper())
    if not written:
        raise BadInput("input.settings", f"`{text}` is not a size of memory", "write it like `4GB` or `512MiB`")
    return int(float(f"{written[1]}.{written[2] or 0}") * _UNITS[written[3]])


def _load(table: Permitted) -> tuple[str, str, list[Value], bytes | None, tuple[str, ...]]:
    """The file, the SQL that copies what is permitted out of it, the values bound to that, the numbers, and the columns that
    may be narrower."""
    select, values = selecting(table, [quoted(name) for name in table.columns])
    return (
        os.path.abspath(table.file),
        f"CREATE TABLE {quoted(table.table)} AS {select}",
        values,
        table.numbers,
        table.columns if table.narrow else (),
    )


def selecting(table: Permitted, names: Sequence[str]) -> tuple[str, list[Value]]:
    """What is permitted of a table that is attached as `held`, with its columns under these names, and the values bound to it.
    New numbers of persons are looked up in `temp.numbers`; narrower columns in `temp.narrow`."""
    columns = [f"stored.{quoted(column)} AS {name}" for column, name in zip(table.columns, names, strict=True)]
    source, where = f"{'temp.narrow' if table.narrow else 'held.asset'} AS stored", []
    values: list[Value] = []
    if table.population is not None:
        # Whoever joined a pool after the population was found has a number behind its end, where nobody is in.
        everybody = (1 << table.persons) - 1
        bits = int.from_bytes(table.population, "little") & everybody
        if bits == everybody:
            where.append(f"stored._person < {table.persons}")
        else:
            values.append(bits.to_bytes(table.persons // 8 + 1, "little").translate(_MIRRORED))
            where.append(f"get_bit(?::BLOB::BIT, least(stored._person, {table.persons})) = 1")
    if table.numbers is not None:
        source += " JOIN temp.numbers AS renamed ON stored._person = renamed.was"
        where.append(f"renamed.now <> {NOBODY}")
        columns = [
            f"renamed.now::INTEGER AS {name}" if column == "_person" else selected
            for column, name, selected in zip(table.columns, names, columns, strict=True)
        ]
    filtered = f" WHERE {' AND '.join(where)}" if where else ""
    return f"SELECT {', '.join(columns)} FROM {source}{filtered}", values


def _ask(job: socket.socket, task: bytes, deadline: float) -> bytes:
    """What a child answers to its task.

    Raises:
        OSError: it takes longer, or says more, than it may.
    """
    job.settimeout(max(0.001, deadline - time.monotonic()))
    job.sendall(task)
    job.shutdown(socket.SHUT_WR)
    answer = bytearray()
    while len(answer) <= ANSWER_LIMIT:
        job.settimeout(max(0.001, deadline - time.monotonic()))
        piece = job.recv(1 << 20)
        if not piece:
            return bytes(answer)
        answer += piece
    raise OSError("too much")


def _read(answer: bytes, count: int) -> list[pa.Table]:
    """The tables in an answer, checked.

    Raises:
        ValueError, struct.error, ArrowException: it is not what a child says that has done its task.
    """
    if answer[:1] != zygote.ANSWERED:
        raise ValueError("no answer")
    tables, place, whole = [], 1, memoryview(answer)
    for _ in range(count):
        (length,) = struct.unpack_from("<Q", answer, place)
        table = pa.ipc.open_stream(whole[place + 8 : place + 8 + length]).read_all()
        place += 8 + length
        table.validate(full=True)
        if table.num_rows > 8 * length:
            raise ValueError("rows without bytes")
        tables.append(table)
    if place != len(answer):
        raise ValueError("more than was asked for, or less")
    return tables


class _Zygote:
    """The process that children are forked from: started when the first is wanted, and again when it is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    @contextlib.contextmanager
    def child(self) -> Iterator[socket.socket]:
        """A new child, on the other side of the socket; it is killed at the end, if it still lives.

        Raises:
            OSError: there is none.
        """
        for _ in range(3):  # the zygote may be gone, and the one after it be on its way
            job, theirs = socket.socketpair()
            with contextlib.ExitStack() as stack:
                stack.enter_context(job)
                with theirs, self._lock:
                    self._send(theirs)
                job.settimeout(START_SECONDS)
                greeting, handles, *_ = socket.recv_fds(job, 1, 1)
                for handle in handles:
                    stack.callback(os.close, handle)
                    stack.callback(_kill, handle)
                if greeting:
                    yield job
                    return
        raise OSError("no child")

    def _send(self, handle: socket.socket) -> None:
        """Hands the zygote one end of a child's socket."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                socket.send_fds(self._control, [b"c"], [handle.fileno()])
                return
            self._end()
        self._control = self._start()
        socket.send_fds(self._control, [b"c"], [handle.fileno()])

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        libraries = sorted({str(Path(str(module.__file__)).parents[1]) for module in (duckdb, pa)})
        with theirs:
            # Without an environment, the user's own modules and start-up files; a session of its own hears no Ctrl-C.
            self._process = subprocess.Popen(  # noqa: S603 (our own file, and nothing that came in)
                [sys.executable, "-I", "-S", zygote.__file__, *libraries], env={}, cwd="/", start_new_session=True,
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        return ours

    def _end(self) -> None:
        assert self._control is not None and self._process is not None
        self._control.close()
        self._control = None
        self._process.kill()
        self._process.wait()


def _kill(handle: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)


_zygote = _Zygote()  # of all engines of this process, for it holds nothing of any of them
