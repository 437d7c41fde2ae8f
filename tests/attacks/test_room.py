"""The engine room, as if somebody had got SQL, or machine code, of their own into it.

Nobody can: statements are made from plans. This is the wall behind that one. It is tried from inside, by statements and by
a process that has shut its doors as a child does; and from outside, by what the kernel says of a child while it works.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import story
from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.core.privacy.facts import QueryAbandoned
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.registry.state import Asset
from usufruct.engine import room as room_module
from usufruct.engine import zygote
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.engine.room import ANSWER_LIMIT, Permitted, Room, size
from usufruct.node.node import Node
from usufruct.ports import NOBODY

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel shows it, and does it, on Linux only")
MEMORY = 512 << 20
FAULT = ("engine.limits", "the question could not be worked out within the node's limits")
ENDLESS = "SELECT sum(hash(range)) FROM range(8_000_000_000)"
PERSONS = 40


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table as intake writes them: 40 persons with five rows each; the names of some columns are unlucky."""
    file = tmp_path_factory.mktemp("stored") / "pay-0123456789abcdef.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"CREATE TABLE asset AS SELECT (i % {PERSONS})::INTEGER AS _person, 7::USMALLINT AS _draw, i AS n, i % 3 AS k, "
            f"'secret' || i AS email, i AS was, i AS now, i AS stored FROM range({5 * PERSONS}) AS t(i)"
        )
    return file


def permitted(file: Path, *columns: str, **more: Any) -> Permitted:
    return Permitted(file, "asset", columns or ("_person", "n", "k"), **more)


def fault_of(run: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(EngineFault) as fault:
        run()
    assert fault.value.__cause__ is None and fault.value.__suppress_context__
    return fault.value.code, fault.value.message


def ask(file: Path, statement: str, memory: int = MEMORY, seconds: float = 30) -> list[tuple[Any, ...]]:
    (table,) = Room(memory, seconds, 2).run([permitted(file)], [(statement, [])])
    return [tuple(row.values()) for row in table.to_pylist()]


def persons_of(table: pa.Table) -> list[int]:
    return sorted(set(table.column("_person").to_pylist()))


def bitmap(persons: set[int], length: int = PERSONS // 8) -> bytes:
    return sum(1 << person for person in persons).to_bytes(length, "little")


# --- what is there to be seen ----------------------------------------------------------------------------------------


def test_a_column_that_is_not_permitted_does_not_exist(stored: Path) -> None:
    assert ask(stored, "SELECT column_name FROM duckdb_columns() WHERE NOT internal ORDER BY 1") == [
        ("_person",), ("k",), ("n",),
    ]  # fmt: skip
    assert ask(stored, "SELECT * FROM asset ORDER BY n LIMIT 1") == [(0, 0, 0)]
    for statement in (
        "SELECT email FROM asset", "SELECT _draw FROM asset", "SELECT count(email) FROM asset", "SELECT n FROM held.asset",
        "SELECT columns('em.*') FROM asset",
    ):  # fmt: skip
        assert fault_of(lambda statement=statement: ask(stored, statement)) == FAULT, statement
    assert "secret" not in str(ask(stored, "SELECT to_json(asset), hash(asset), asset FROM asset"))


def test_nothing_but_the_permitted_tables_is_there(stored: Path) -> None:
    room = Room(MEMORY, 30, 2)
    tables = [permitted(stored), Permitted(stored, 'a "b"; --', ("k",), narrow=True)]
    found, databases, left = room.run(
        tables,
        [
            ("SELECT table_name FROM duckdb_tables() ORDER BY 1", []),
            ("SELECT database_name FROM duckdb_databases() WHERE NOT internal AND path IS NOT NULL", []),
            ("SELECT count(*) FROM duckdb_views() WHERE NOT internal", []),
        ],
    )
    assert found.column(0).to_pylist() == ['a "b"; --', "asset"]
    assert databases.num_rows == 0, "no file is attached any more"
    assert left.column(0).to_pylist() == [0]
    assert fault_of(lambda: room.run([], [("SELECT * FROM asset", [])])) == FAULT, "nothing stays for the next"


def test_narrow_columns_hold_the_same_numbers(tmp_path: Path) -> None:
    """In 32 bits where all of a column fit, and else as they stand."""
    last = 2**31 - 1
    columns = {
        '"fits"': (-last - 1, None, last), "high": (0, last + 1, 1), "low": (0, -last - 2, 1), '"no""ne"': (None, None, None),
        "words": ("'b'", None, "'a'"), "short": ("1::TINYINT", "2::TINYINT", None),
    }  # fmt: skip
    rows = [
        ", ".join("NULL" if cell is None else str(cell) for cell in row) for row in zip(*columns.values(), strict=True)
    ]
    with duckdb.connect(tmp_path / "pay-v.duckdb") as connection:
        connection.execute(
            'CREATE TABLE asset (_person INTEGER, "fits" BIGINT, high BIGINT, low BIGINT, "no""ne" BIGINT, words VARCHAR, '
            "short TINYINT)"
        )
        for number, row in enumerate(rows):
            connection.execute(f"INSERT INTO asset VALUES ({number}, {row})")
    names = ("fits", "high", "low", 'no"ne', "words", "short")
    wide, narrow = (
        permitted(tmp_path / "pay-v.duckdb", *names, population=b"\x05", persons=3, narrow=n) for n in (False, True)
    )
    found = [Room(MEMORY, 30, 2).run([one], [("FROM asset ORDER BY ALL", [])])[0] for one in (wide, narrow)]
    assert found[0].to_pylist() == found[1].to_pylist()
    assert len(found[1]) == 2
    assert [str(kind) for kind in found[0].schema.types[:4]] == ["int64"] * 4
    assert [str(kind) for kind in found[1].schema.types[:4]] == ["int32", "int64", "int64", "int64"]


def test_rows_are_those_of_the_population(stored: Path) -> None:
    """Against plain Python: populations of all shapes, with and without new numbers."""
    rng = random.Random(5)
    rows = [(n % PERSONS, n) for n in range(5 * PERSONS)]
    everybody, cases = set(range(PERSONS)), []
    for count in (PERSONS, PERSONS - 1, PERSONS - 8, 1, 0):
        cases += [(everybody, count, 6), (set(rng.sample(range(PERSONS), 9)), count, 5), (set(), count, 5)]
    cases += [({0}, PERSONS, 1), ({39}, PERSONS, 5), (set(range(32)), 32, 4), (set(range(8)), PERSONS, 1)]
    tables, expected = [], []
    for chosen, count, length in cases:
        held = {person for person in chosen if person < count}
        numbers = [rng.choice([NOBODY, 1000 + person]) for person in range(PERSONS)]
        for names in (dict(zip(range(PERSONS), numbers, strict=True)), dict(enumerate(numbers[:20])), None):
            renamed = None if names is None else array("I", names.values()).tobytes()
            names = names or {person: person for person in range(PERSONS)}
            tables.append(Permitted(
                stored, f"t{len(tables)}", ("_person", "n", "now", "was", "stored"), bitmap(chosen, length), count, renamed,
            ))  # fmt: skip
            expected.append(sorted(
                (names[p], n, n, n, n) for p, n in rows if p in held and names.get(p, NOBODY) != NOBODY
            ))  # fmt: skip
    found = Room(MEMORY, 30, 2).run(tables, [(f"SELECT * FROM {table.table}", []) for table in tables])
    for table, has, wanted in zip(tables, found, expected, strict=True):
        assert sorted(zip(*has.to_pydict().values(), strict=True)) == wanted, table


def test_a_table_about_nobody_is_seen_whole_and_in_its_order(stored: Path) -> None:
    (found,) = Room(MEMORY, 30, 2).run([permitted(stored, "n")], [("SELECT * FROM asset", [])])
    assert found.to_pydict() == {"n": list(range(5 * PERSONS))}


def test_values_are_bound_and_each_statement_has_its_table(stored: Path) -> None:
    values = [1, "x'; --", True, None, b"\x00\xff", 2**62]
    made, one, none = Room(MEMORY, 30, 1).run(
        [permitted(stored)],
        [
            ("CREATE TEMP TABLE kept AS SELECT n FROM asset WHERE n < ?", [3]),
            ("SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e, ? AS f", values),
            ("SELECT * FROM kept WHERE n < ?", [0]),
        ],
    )
    assert made.to_pydict() == {"Count": [3]}
    assert list(one.to_pylist()[0].values()) == values
    assert (none.num_rows, none.column_names) == (0, ["n"])


def test_a_file_that_cannot_be_opened_is_said_to_be_so(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Path("elsewhere") / "pool-0123456789abcdef.duckdb"
    assert fault_of(lambda: ask(gone, "SELECT 1")) == ("engine.data", "the data of `pool` could not be opened")
    monkeypatch.chdir(stored.parent)
    assert ask(Path(stored.name), "SELECT 1") == [(1,)], "a path is of where the node is, not of where the room is"


# --- what overruns ---------------------------------------------------------------------------------------------------

BOMBS = {
    "a text for each row": "SELECT max(length(repeat('a', 100_000_000) || range)) FROM range(100)",
    "one text": "SELECT length(repeat('a', 2_000_000_000))",
    "a list": "SELECT len(list_transform(range(300_000_000), x -> x + 1))",
    "a list of all": "SELECT len(list(hash(range))) FROM range(500_000_000)",
    "a sort": "SELECT * FROM range(400_000_000) ORDER BY hash(range) LIMIT 1 OFFSET 200_000_000",
    "a table": "CREATE TEMP TABLE t AS SELECT hash(range), hash(range + 1) FROM range(1_000_000_000)",
    "an answer": f"SELECT range FROM range({ANSWER_LIMIT // 8 + 1000})",
    "time": ENDLESS,
    "time inside one function": "SELECT levenshtein(repeat('a', 300_000), repeat('b', 300_000))",
    "recursion": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "an error": "SELECT CAST('p13' AS INTEGER)",
    "an error that a row brings": "SELECT CASE WHEN n = 7 THEN error('p13') END FROM asset",
    "nonsense": "SELECT FROM WHERE",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_whatever_overruns_is_one_fault_within_the_limits(bomb: str, stored: Path) -> None:
    before = peak("self")
    begun = time.monotonic()
    with watched() as seen:
        assert fault_of(lambda: ask(stored, bomb, seconds=1.5)) == FAULT
    assert time.monotonic() - begun < 10, "it is not waited for"
    if sys.platform == "linux":
        assert max(seen, default=0) <= MEMORY + zygote.SLACK + (1 << 30), (
            "address space, with what a child is born with"
        )
        assert peak("self") - before < 2 * ANSWER_LIMIT + (64 << 20), "nor does it fill the memory of the node"
    assert ask(stored, "SELECT 42") == [(42,)], "the node goes on"


def test_an_answer_just_below_the_limit_comes_whole(stored: Path) -> None:
    rows = ANSWER_LIMIT // 8 - 100_000
    (found,) = Room(MEMORY, 30, 2).run([], [(f"SELECT range FROM range({rows})", [])])
    assert found.num_rows == rows and found.column(0)[-1].as_py() == rows - 1


def test_time_counts_from_when_the_child_is_there_and_is_kept(stored: Path) -> None:
    begun = time.monotonic()
    assert fault_of(lambda: ask(stored, ENDLESS, seconds=0.3)) == FAULT
    assert 0.25 < time.monotonic() - begun < 3


def test_a_child_that_nobody_kills_is_killed_by_the_kernel(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own clock, for systems without handles on processes."""
    monkeypatch.setattr(room_module, "_kill", lambda handle: None)
    assert fault_of(lambda: ask(stored, ENDLESS, seconds=0.2)) == FAULT
    assert within(zygote.GRACE_SECONDS + 3, lambda: children_of(zygote_pid()) == [])


GARBAGE: dict[str, bytes] = {
    "nothing": b"", "nothing more": b"a", "no word of ours": b"x" * 100, "half a length": b"a\1\0",
    "a length without end": b"a" + struct.pack("<Q", 2**63) + b"x", "no table": b"a" + struct.pack("<Q", 100) + os.urandom(100),
}  # fmt: skip


def framed(table: pa.Table, **change: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    content = sink.getvalue().to_pybytes()
    return b"a" + struct.pack("<Q", len(content)) + content


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_the_same_fault(said: bytes, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "_ask", lambda job, task, deadline: said)
    assert fault_of(lambda: ask(stored, "SELECT 1")) == FAULT


def test_what_a_child_says_is_checked(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table cut off, one too many, rows that take no bytes, texts whose places lie outside of them, bytes that are none."""
    sound = framed(pa.table({"a": [1, 2, 3]}))
    offsets = pa.py_buffer(struct.pack("<3i", 0, 1_000_000, 5))
    wild = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"hello")])
    no_text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(struct.pack("<2i", 0, 2)), pa.py_buffer(b"\xff\xfe")]
    )
    said = {
        "cut": sound[:-1], "at a batch": sound[:-8], "two": sound + sound[1:], "more": sound + b"\0",
        "rows of nothing": framed(pa.table({"a": pa.nulls(50_000_000)})), "wild": framed(pa.table({"a": wild})),
        "no text": framed(pa.table({"a": no_text})),
    }  # fmt: skip
    for what, answer in said.items():
        monkeypatch.setattr(room_module, "_ask", lambda job, task, deadline, answer=answer: answer)
        assert fault_of(lambda: ask(stored, "SELECT 1")) == FAULT, what
    monkeypatch.setattr(room_module, "_ask", lambda job, task, deadline: sound)
    assert ask(stored, "SELECT 1") == [(1,), (2,), (3,)], "the control"


# --- what the kernel says of a child ---------------------------------------------------------------------------------


def zygote_pid() -> int:
    process = room_module._zygote._process
    assert process is not None
    return process.pid


def children_of(parent: int) -> list[int]:
    """Processes that live, or have ended and are waited for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(") ")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def peak(process: int | str, name: str = "VmHWM") -> int:
    """What a process has had at most, in bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) << 10
    return 0


@contextlib.contextmanager
def watched() -> Iterator[list[int]]:
    """The address space of all children, looked at again and again meanwhile."""
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            for child in children_of(zygote_pid()):
                with contextlib.suppress(OSError):
                    seen.append(peak(child, "VmPeak"))

    thread = threading.Thread(target=look)
    if sys.platform == "linux":
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        if thread.ident:
            thread.join()


@contextlib.contextmanager
def working(file: Path, seconds: float = 20) -> Iterator[tuple[int, list[str]]]:
    """A child in the middle of a long statement, its doors shut; and what became of the question, when it ends."""
    ask(file, "SELECT 1")
    assert within(5, lambda: children_of(zygote_pid()) == [])
    became: list[str] = []

    def run() -> None:
        try:
            ask(file, ENDLESS, seconds=seconds)
        except EngineFault as fault:
            became.append(fault.code)

    thread = threading.Thread(target=run)
    thread.start()
    assert within(10, lambda: any(shut(child) for child in children_of(zygote_pid())))
    (child,) = children_of(zygote_pid())
    try:
        yield child, became
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        thread.join()


def shut(child: int) -> bool:
    with contextlib.suppress(OSError):
        return limits_of(child)["Max open files"] == "0"
    return False


def limits_of(process: int) -> dict[str, str]:
    """The hard limits."""
    lines = Path(f"/proc/{process}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): line[47:68].strip() for line in lines}


@LINUX
def test_the_limits_of_a_child_are_the_kernels(stored: Path) -> None:
    with working(stored) as (child, _):
        found = limits_of(child)
        tasks = [path.read_text() for path in Path(f"/proc/{child}/task").glob("*/status")]
        killed_first = Path(f"/proc/{child}/oom_score_adj").read_text().strip()
    none = ("Max open files", "Max file size", "Max core file size", "Max processes")
    assert {name: found[name] for name in none} == dict.fromkeys(none, "0")
    assert found["Max cpu time"] == str((20 + zygote.GRACE_SECONDS) * 2)
    assert MEMORY + zygote.SLACK < int(found["Max address space"]) < MEMORY + zygote.SLACK + (1 << 30)
    assert len(tasks) >= 2, "each of its threads is held"
    for task in tasks:
        assert "\nSeccomp:\t2\n" in task and "\nNoNewPrivs:\t1\n" in task
    assert killed_first == "1000"


@LINUX
def test_a_child_has_one_descriptor_and_nobody_of_its_user_may_look(stored: Path) -> None:
    with working(stored) as (child, _):
        if os.geteuid() == 0:
            handles = [os.readlink(path) for path in Path(f"/proc/{child}/fd").iterdir()]
            assert len(handles) == 1 and handles[0].startswith("socket:")
            assert Path(f"/proc/{child}/environ").read_bytes() == b""
        else:
            with pytest.raises(PermissionError):
                Path(f"/proc/{child}/environ").read_bytes()


@LINUX
def test_the_zygote_has_nothing_of_the_node(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in its memory, nor in its environment, nor as a descriptor; the control is the node itself."""
    secret = bytearray(os.urandom(64))
    monkeypatch.setenv("USUFRUCT_SECRET", secret.hex())
    with stored.open("rb") as held:
        room_module._zygote._end()
        ask(stored, "SELECT 1")
        pid = zygote_pid()
        handles = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        assert os.readlink(f"/proc/self/fd/{held.fileno()}") not in handles
    assert sorted(handle.partition(":")[0] for handle in handles) == ["/dev/null", "/dev/null", "socket"]
    assert Path(f"/proc/{pid}/environ").read_bytes() == b""
    assert "Threads:\t1\n" in Path(f"/proc/{pid}/status").read_text(), "or a fork could hang"
    assert os.getsid(pid) == pid, "what is typed at the terminal does not reach it"
    assert remembers("self", bytes(secret))
    assert not remembers(pid, bytes(secret)) and not remembers(pid, secret.hex().encode())


def remembers(process: int | str, what: bytes) -> bool:
    """Whether it is anywhere in the memory that a process can write to."""
    with Path(f"/proc/{process}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            span, mode = line.split()[:2]
            low, high = (int(place, 16) for place in span.split("-"))
            if mode.startswith("rw") and high - low < 1 << 28:  # the node's own allocators reserve more
                with contextlib.suppress(OSError):
                    memory.seek(low)
                    if what in memory.read(high - low):
                        return True
    return False


# --- what machine code could do --------------------------------------------------------------------------------------

TRIES = """
import ctypes, json, mmap, os, resource, runpy, socket, sys, threading, time
path, shutting = sys.argv[1], sys.argv[2] == "shut"
zygote = runpy.run_path(path, run_name="zygote")
folder = sys.argv[3]
libc = ctypes.CDLL(None, use_errno=True)
here, there = socket.socketpair()
parent = os.getppid()
def call(name, *arguments):
    result = getattr(libc, name)(*(a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments))
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
def forked():
    if os.fork() == 0:
        os._exit(0)
def started():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
tries = {
    "open": lambda: open("/etc/passwd"), "create": lambda: open(folder + "/new", "w"), "list": lambda: os.listdir("/"),
    "stat": lambda: os.stat("/etc/passwd"), "socket": lambda: socket.socket(), "unix": lambda: socket.socket(socket.AF_UNIX),
    "pipe": os.pipe, "dup": lambda: os.dup(keep), "memfd": lambda: os.memfd_create("x"),
    "pidfd": lambda: os.pidfd_open(os.getpid()),
    "fork": forked, "thread": started, "run": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "kill": lambda: os.kill(parent, 0), "unlink": lambda: os.unlink(folder + "/a"),
    "truncate": lambda: os.truncate(folder + "/b", 0),
    "rename": lambda: os.rename(folder + "/b", folder + "/c"), "mkdir": lambda: os.mkdir(folder + "/d"),
    "symlink": lambda: os.symlink("/", folder + "/e"), "chmod": lambda: os.chmod(folder, 0o700), "chdir": lambda: os.chdir("/"),
    "limit": lambda: resource.getrlimit(resource.RLIMIT_NOFILE), "dumpable": lambda: call("prctl", 4, 1, 0, 0, 0),
    "shared memory": lambda: call("shmget", 0, 4096, 0o1600), "session": os.setsid, "receive": lambda: keep_socket.recv(1),
    "alarm": lambda: call("alarm", 0), "user": lambda: os.setuid(os.getuid()), "priority": lambda: os.nice(0),
}
keep = os.dup(1)
keep_socket = socket.socket(fileno=os.dup(here.fileno()))
there.send(b"xyz")
if shutting:
    zygote["shut"](keep)
passed = []
for name, attempt in tries.items():
    try:
        attempt()
        passed.append(name)
    except (OSError, RuntimeError):
        pass
work = bytearray(200 << 20)
work[-1] = 1
time.monotonic()
os.write(keep, json.dumps(passed).encode())
os._exit(0)
"""


def tried(shutting: str, folder: Path) -> list[str]:
    (folder / shutting).mkdir()
    for name in "ab":
        (folder / shutting / name).write_text("x")
    program = [sys.executable, "-c", TRIES, zygote.__file__, shutting, str(folder / shutting)]
    ended = subprocess.run(program, capture_output=True, timeout=60, check=True)
    return list(json.loads(ended.stdout))


@LINUX
def test_a_process_with_its_doors_shut_can_do_nothing_but_compute(tmp_path: Path) -> None:
    """Files without a descriptor too, other processes, its own limits; the control is the same process with them open."""
    assert tried("shut", tmp_path) == []
    assert len(tried("open", tmp_path)) >= 28, "what could not be done anyhow proves nothing"


# --- the process that children come from ----------------------------------------------------------------------------


def test_many_at_once_each_get_their_own(stored: Path) -> None:
    room = Room(MEMORY, 60, 1)

    def run(number: int) -> bool:
        population = bitmap({number % PERSONS})
        (found,) = room.run(
            [permitted(stored, population=population, persons=PERSONS)], [("SELECT *, ? AS mine FROM asset", [number])]
        )
        return persons_of(found) == [number % PERSONS] and set(found.column("mine").to_pylist()) == {number}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(40)))


@LINUX
def test_two_hundred_questions_leave_nothing_behind(stored: Path) -> None:
    def counted() -> tuple[int, int, list[int], list[int]]:
        within(5, lambda: children_of(zygote_pid()) == [])
        theirs = len(os.listdir(f"/proc/{zygote_pid()}/fd"))
        return len(os.listdir("/proc/self/fd")), theirs, children_of(zygote_pid()), children_of(os.getpid())

    ask(stored, "SELECT 1")
    before = counted()
    for _ in range(10):
        for _ in range(18):
            ask(stored, "SELECT 1")
        fault_of(lambda: ask(stored, "SELECT nonsense"))
        fault_of(lambda: ask(stored, ENDLESS, seconds=0.02))
    assert counted() == before
    assert before[2] == []


@LINUX
def test_a_killed_zygote_takes_its_children_along_and_another_comes(stored: Path) -> None:
    with working(stored) as (child, became):
        old = zygote_pid()
        os.kill(old, signal.SIGKILL)
        assert within(5, lambda: not Path(f"/proc/{child}").exists()), "its children die with it"
        assert within(5, lambda: became == ["engine.limits"])
        assert ask(stored, "SELECT 42") == [(42,)]
        assert zygote_pid() != old
        assert not Path(f"/proc/{old}").exists(), "nor does it stay as a zombie"


@LINUX
def test_a_child_that_is_killed_is_a_fault_like_any_other(stored: Path) -> None:
    with working(stored) as (child, became):
        before = zygote_pid()
        os.kill(child, signal.SIGKILL)
        assert within(5, lambda: became == ["engine.limits"])
        assert zygote_pid() == before


@LINUX
def test_the_zygote_outlives_the_thread_that_started_it_and_a_polite_end(stored: Path) -> None:
    room_module._zygote._end()
    thread = threading.Thread(target=lambda: ask(stored, "SELECT 1"))
    thread.start()
    thread.join()
    first = zygote_pid()
    os.kill(first, signal.SIGTERM)
    time.sleep(0.05)
    assert ask(stored, "SELECT 42") == [(42,)] and zygote_pid() == first


@LINUX
def test_everything_goes_with_a_node_that_is_killed(stored: Path) -> None:
    """By a signal that it cannot hear, in the middle of a question."""
    program = textwrap.dedent("""
        import sys, threading
        from pathlib import Path
        from usufruct.engine import room
        asset = room.Permitted(Path(sys.argv[1]), "asset", ("n",))
        run = lambda statement: room.Room(1 << 29, 60, 1).run([asset], [(statement, [])])
        run("SELECT 1")
        print(room._zygote._process.pid, flush=True)
        run(sys.argv[2])
    """)
    node = subprocess.Popen([sys.executable, "-c", program, str(stored), ENDLESS], stdout=subprocess.PIPE)
    assert node.stdout is not None
    with node.stdout:
        mother = int(node.stdout.readline())
    assert within(10, lambda: any(shut(child) for child in children_of(mother)))
    children = children_of(mother)
    node.kill()
    node.wait()
    assert within(5, lambda: not any(Path(f"/proc/{pid}").exists() for pid in (mother, *children)))


def test_without_a_zygote_it_is_the_same_fault(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room_module._zygote._end()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert fault_of(lambda: ask(stored, "SELECT 1")) == FAULT
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert fault_of(lambda: ask(stored, "SELECT 1")) == FAULT
    monkeypatch.undo()
    assert ask(stored, "SELECT 42") == [(42,)]


# --- what it comes to ------------------------------------------------------------------------------------------------


def test_a_question_that_overruns_is_charged_and_told_nothing(node: Node) -> None:
    assert isinstance(node.engine, DuckDbEngine)
    with node.store.read() as state:
        version = next(asset.version for asset in state.list(Asset) if asset.id == story.ASSET)

    def spent() -> int:
        with node.store.read() as state:
            budget = state.get(Budget, story.ASSET, version)
            assert budget is not None and budget.reserved == 0
            return budget.spent

    paid = story.answer(node).charge
    before = spent()
    for engine in (DuckDbEngine(node.engine._folder, seconds=0.001), DuckDbEngine(node.engine._folder, memory="100KB")):
        assert fault_of(lambda engine=engine: story.ask(replace(node, engine=engine))) == FAULT
        with node.store.read() as state:
            last = state.entry(state.size() - 1).fact
            assert isinstance(last, QueryAbandoned) and last.cause == FAULT[1]
            use = state.get(Use, last.use)
        assert use is not None and (use.state, use.charge) == ("abandoned", paid)
    assert spent() - before == 2 * paid
    assert story.answer(node).charge == paid, "the node goes on"


SIZES = {"4GB": 4 * 10**9, "512MiB": 512 << 20, "1.5 gb": 1_500_000_000, "100B": 100, "2TiB": 2 << 40, "10 KB": 10_000}


def test_a_memory_setting_is_a_size(tmp_path: Path) -> None:
    assert {text: size(text) for text in SIZES} == SIZES
    for text in ("", "4", "4G", "GB", "-1GB", "80%", "4GBB", "1e9B", "4 G B"):
        with pytest.raises(BadInput) as fault:
            DuckDbEngine(tmp_path, memory=text)
        assert fault.value.code == "input.settings"
