"""A PostgreSQL server for tests: the system's own programs, a new cluster in a temporary directory, on a Unix socket.

The directory is in memory where the system has a place for that: every commit is synced, as the node demands, and costs
nothing. No test loses by it, for what a killed server has written is still there.
The server does not run as root, so where the tests do it is given to the user `postgres`. Where there is no server
program, whoever needs one is skipped and says so.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

OWNER = "postgres"
_numbers = itertools.count()


class Server:
    """A running server; `database` makes a new, empty database and returns its address."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._data = folder / "data"
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam(OWNER).pw_uid, -1)
        folder.chmod(0o755)
        self._run(
            "initdb", "-D", self._data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"
        )
        self.start()

    def start(self, more: str = "") -> None:
        """Starts it, with `more` options; without them every commit is synced."""
        options = f"-k {self._folder} -c listen_addresses= -c fsync=on -c max_connections=200 {more}"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-o", options, "-l", self._folder / "log")

    def stop(self, mode: str = "immediate") -> None:
        """Stops it as if the power failed."""
        self._run("pg_ctl", "stop", "-w", "-D", self._data, "-m", mode)

    def address(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://{OWNER}@/{database}?host={self._folder}"

    def database(self) -> str:
        """A new, empty database."""
        name = f"test_{next(_numbers)}"
        self._say(f"CREATE DATABASE {name}")
        return self.address(name)

    def drop(self, address: str) -> None:
        """Drops it, whoever is still there: the fewer there are, the sooner the server stands up again."""
        self._say(f"DROP DATABASE {conninfo_to_dict(address)['dbname']} WITH (FORCE)")

    def _say(self, statement: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", OWNER, "--", *command]
        done = subprocess.run(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}"


def programs() -> Path | None:
    """Where the server's programs are: those of the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def in_memory() -> Path | None:
    """A directory for files in memory with 2 GiB left, or None: then it is any temporary directory."""
    place = Path("/dev/shm")
    return place if place.is_dir() and shutil.disk_usage(place).free > 2 * 2**30 else None


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Server]:
    """One server for all tests."""
    place = programs()
    if place is None:
        pytest.skip("no PostgreSQL server here: install the system's package `postgresql`")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=in_memory()))
    server = Server(place, folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def pg_address(pg_server: Server) -> Iterator[str]:
    """The address of a new, empty database."""
    address = pg_server.database()
    yield address
    pg_server.drop(address)
