"""What runs inside the engine room. This file is a program of its own; `room` starts it, once for each process.

The zygote is started by exec, with an empty environment and one descriptor, so nothing of the node's memory is in it: no
key, no journal, no table. It loads DuckDB and Arrow, opens an empty database without threads, and forks a child for each
question, which thereby costs a few milliseconds. A child

1. hands the node a handle on itself, by which the node kills it, and reads its task;
2. takes up its limits: memory, processor time, time by the clock, no file may grow, no core is dumped;
3. copies the columns and rows that are permitted, and nothing else, into its own memory, and lets go of the files;
4. shuts the doors for good: every descriptor but the one it answers on is closed and none can be had again, so there is
   no file and no socket; and the kernel refuses it every call but those that need memory, wait, write or end;
5. only then runs the statements, sends what they found, and ends.

Whatever goes wrong, it ends without a word. The zygote ends when the node does, by whatever death: its one descriptor
then reads as ended. Its children die with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

LOCKED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",  # none; a size of zero would not stop it from being used
}
ANSWERED, NO_DATA = b"a", b"d"  # how an answer begins
SLACK = 256 << 20  # bytes of address space beyond a question's memory: stacks, the allocator's spare room, the result
DESCRIPTORS = 256  # that a child may have, while it still may have any
GRACE_SECONDS = 2  # after which a child that nobody killed in time is killed by the kernel

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
# What a child may still ask of the kernel once its doors are shut, by the numbers of `asm/unistd.h`: write, close, exit,
# exit_group; mmap, munmap, mprotect, mremap, madvise, brk; futex, sched_yield, membarrier, rseq, restart_syscall;
# clock_gettime, gettimeofday, nanosleep, clock_nanosleep; getpid, gettid, getcpu, sched_getaffinity, getrusage, sysinfo,
# getrandom; rt_sigreturn, rt_sigprocmask. With the numbers of the architecture itself and of the call `seccomp`.
_ALLOWED = {
    "x86_64": (0xC000003E, 317, (1, 3, 60, 231, 9, 11, 10, 25, 28, 12, 202, 24, 324, 334, 219, 228, 96, 35, 230, 39, 186,
                                 309, 204, 98, 99, 318, 15, 14)),
    "aarch64": (0xC00000B7, 277, (64, 57, 93, 94, 222, 215, 226, 216, 233, 214, 98, 124, 283, 293, 128, 113, 169, 101, 115,
                                  172, 178, 168, 123, 165, 179, 278, 139, 135)),
}  # fmt: skip


def main() -> None:
    """Forks a child for each descriptor that comes in, until the node is gone."""
    control = socket.socket(fileno=0)
    sys.path += sys.argv[1:]
    _at_most(resource.RLIMIT_NOFILE, DESCRIPTORS)
    sys.modules["numpy"] = None  # type: ignore[assignment]  # not needed, and its threads would not survive a fork
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # nor would this one
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # others reserve more address space than a question may have
    import duckdb

    config: dict[str, Any] = {**LOCKED, "threads": "1", "async_threads": "0"}
    del config["enable_external_access"]  # locked later, when the permitted columns have been copied
    connection = duckdb.connect(config=config)
    _encode(connection.sql("SELECT ?::BIGINT AS a, ? AS b, ? AS c", params=[1, "", True]).to_arrow_table())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a service manager sends it to all; the node has answers to wait for
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody has to wait for children
    zygote = os.getpid()
    while True:
        order, handles, *_ = socket.recv_fds(control, 1, 1)
        if not order:
            return
        try:
            if os.fork() == 0:
                control.close()
                _answer(socket.socket(fileno=handles[0]), connection, zygote)
        except OSError:
            pass  # no more processes: the node sees that nobody greets it
        finally:
            if os.getpid() != zygote:
                os._exit(1)
        os.close(handles[0])


def _answer(job: socket.socket, connection: Any, zygote: int) -> NoReturn:
    """The life of a child."""
    import pyarrow as pa

    _under(zygote)
    handle = []
    with contextlib.suppress(AttributeError, OSError):  # not every system has them
        handle.append(os.pidfd_open(os.getpid()))
    socket.send_fds(job, [b"h"], handle)
    with job.makefile("rb") as task:
        loads, statements, memory, seconds, threads = pickle.load(task)  # noqa: S301 (from the node, whom it trusts)
    connection.execute(f"SET memory_limit = '{memory}B'")
    connection.execute(f"SET threads = {threads}")
    _limit(memory, seconds, threads)
    for load in loads:
        if not copy_out(connection, *load):
            _send(job.fileno(), NO_DATA)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    shut(job.fileno())
    answer = [ANSWERED]
    for text, values in statements:
        relation = connection.sql(text, params=values)
        table = _encode(relation.to_arrow_table() if relation is not None else pa.table({}))
        answer += struct.pack("<Q", len(table)), table
    _send(job.fileno(), *answer)


def copy_out(
    connection: Any, path: str, copy: str, values: list[Any], numbers: bytes | None, narrow: tuple[str, ...] = ()
) -> bool:
    """Copies what is permitted of a file; whether the file can be opened at all."""
    import duckdb
    import pyarrow as pa

    try:
        connection.execute(f"ATTACH '{path.replace(chr(39), chr(39) * 2)}' AS held (READ_ONLY)")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return False
    if narrow:
        _narrow(connection, narrow)
    if numbers is None:
        connection.execute(copy, values)
    else:
        now = pa.Array.from_buffers(pa.uint32(), len(numbers) // 4, [None, pa.py_buffer(numbers)])
        connection.register("given", pa.table({"was": pa.arange(0, len(now)), "now": now}))
        # A table, for of what comes from outside DuckDB does not know how large it is, and joins it the wrong way round.
        connection.execute("CREATE TEMP TABLE numbers AS SELECT was::INTEGER AS was, now FROM given")
        connection.unregister("given")
        connection.execute(copy, values)
        connection.execute("DROP TABLE temp.numbers")
    if narrow:
        connection.execute("DROP VIEW temp.narrow")
    connection.execute("DETACH held")
    return True


def _narrow(connection: Any, columns: tuple[str, ...]) -> None:
    """The stored table as `temp.narrow`, with those of the columns in 32 bits that are of 64 and fit. DuckDB knows the least
    and the most of a stored column without reading it."""
    kinds = {name: str(kind) for name, kind, *_ in connection.execute("FROM held.asset LIMIT 0").description}
    names = ['"' + column.replace('"', '""') + '"' for column in columns if kinds[column] == "BIGINT"]
    ends = ", ".join(f"min({name}), max({name})" for name in names)
    found = connection.execute(f"SELECT {ends} FROM held.asset").fetchone() if names else ()
    fitting = [
        f"CAST({name} AS INTEGER) AS {name}"
        for name, low, high in zip(names, found[::2], found[1::2], strict=True)
        if low is not None and low >= -(1 << 31) and high < 1 << 31
    ]
    instead = f" REPLACE ({', '.join(fitting)})" if fitting else ""
    connection.execute(f"CREATE TEMP VIEW narrow AS SELECT *{instead} FROM held.asset")


def _encode(table: Any) -> Any:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _send(job: int, *parts: Any) -> NoReturn:
    """Writes everything and ends."""
    for part in parts:
        left = memoryview(part)
        while left:
            left = left[os.write(job, left) :]
    os.close(job)  # the node need not wait until the memory is given back
    os._exit(0)


def _under(zygote: int) -> None:
    """Dies with the zygote; is what the kernel kills first when memory runs out; and nobody of the same user looks in."""
    if sys.platform != "linux":
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != zygote:
        os._exit(1)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    _prctl(_PR_SET_DUMPABLE, 0)


def _limit(memory: int, seconds: float, threads: int) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS)  # nobody listens, so the kernel ends the process
    _at_most(resource.RLIMIT_CPU, math.ceil((seconds + GRACE_SECONDS) * threads))
    _at_most(resource.RLIMIT_CORE, 0)
    _at_most(resource.RLIMIT_FSIZE, 0)
    if sys.platform == "linux":
        with open("/proc/self/statm") as sizes:
            now = int(sizes.read().split()[0]) * resource.getpagesize()
        _at_most(resource.RLIMIT_AS, now + memory + SLACK)


def _at_most(limit: int, value: int) -> None:
    """Sets a limit that cannot be raised again; one that stands already may be lower."""
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def shut(job: int) -> None:
    """Closes every descriptor but `job`, and leaves no way to another: neither to a file nor to a socket, nor to a process.

    Raises:
        OSError: the kernel does not do its part. On Linux nothing may be run then.
    """
    os.closerange(0, job)
    os.closerange(job + 1, DESCRIPTORS)
    _at_most(resource.RLIMIT_NOFILE, 0)
    _at_most(resource.RLIMIT_NPROC, 0)  # DuckDB has its threads already
    if sys.platform == "linux" and os.uname().machine in _ALLOWED:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _filter_calls(*_ALLOWED[os.uname().machine])


def _filter_calls(architecture: int, seccomp: int, allowed: tuple[int, ...]) -> None:
    """Has the kernel refuse all calls but those that are allowed, to every thread of this process."""
    load, equal, give = 0x20, 0x15, 0x06  # of BPF: load a word of what was called, skip if equal, return
    kill, refuse, allow = 0x80000000, 0x00050001, 0x7FFF0000  # the process; with EPERM; go on
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, kill), (load, 0, 0, 0)]
    program += [(equal, len(allowed) - place, 0, number) for place, number in enumerate(allowed)]
    program += [(give, 0, 0, refuse), (give, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    whole = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    set_filter, all_threads = 1, 1
    call = ctypes.CDLL(None, use_errno=True).syscall
    if call(*map(ctypes.c_long, (seccomp, set_filter, all_threads, ctypes.addressof(whole)))):
        raise OSError(ctypes.get_errno(), "no filter of calls")


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(*map(ctypes.c_long, (option, value, 0, 0, 0))):
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main()
