"""The command `usufruct` in a fork of a process that has loaded it, for tests that run it hundreds of times.

Starting Python with everything that the command imports takes more than a second, a fork of a process that has done so takes
milliseconds. So one process loads it, opens nothing, and waits; `usufruct` in a folder that tests put first in PATH is a
program that hands it its arguments, environment, folder and standard streams, and ends with the status that comes back.
What runs is `main.run`, in a process of its own as always; only the imports are not repeated, and the interpreter is not
taken down piece by piece at the end. That both are the same to whoever types them is tested (`test_docs`), and some pages
are followed with the installed command.

    python forked.py serve SOCKET
    python forked.py ask SOCKET [ARGUMENT…]
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

PROGRAM = """#!/bin/sh
exec "{python}" -IS "{here}" ask "{address}" "$@"
"""


@contextlib.contextmanager
def forking() -> Iterator[Path]:
    """A folder for the front of PATH, in which `usufruct` is forked, for as long as this is open."""
    # A folder of the system's, not of the test's: the name of a socket must be short.
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)):
        yield Path(folder)


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[None]:
    address, program = folder / "socket", folder / "usufruct"
    program.write_text(PROGRAM.format(python=sys.executable, here=__file__, address=address), encoding="utf-8")
    program.chmod(0o755)
    command = [sys.executable, __file__, "serve", str(address)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "the command could not be loaded"
        yield


def serve(address: str) -> None:
    """Forks for each who asks, until whoever started it closes its input, or is gone."""
    from usufruct.main import run

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([door, sys.stdin], [], [])[0]:
            asking, _ = door.accept()
            with asking:
                if os.fork() == 0:
                    door.close()
                    obey(asking, run)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def obey(asking: socket.socket, run: Callable[[], None]) -> NoReturn:
    """Runs the command that is asked for, as the process that asks, and tells it the status."""
    status = 1
    try:
        _, streams, *_ = socket.recv_fds(asking, 1, 3)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        with asking.makefile("rb") as told:
            arguments, folder, environment = json.load(told)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["usufruct", *arguments]
        run()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        with contextlib.suppress(OSError):  # nobody reads any more, or nobody asks
            sys.stdout.flush()
            sys.stderr.flush()
            asking.sendall(bytes([status]))
        os._exit(status)


def ask(address: str, arguments: list[str]) -> int:
    """Has a command run with this process's folder, environment and streams; its status."""
    with socket.socket(socket.AF_UNIX) as job:
        job.connect(address)
        socket.send_fds(job, [b"c"], [0, 1, 2])
        job.sendall(json.dumps([arguments, os.getcwd(), dict(os.environ)]).encode())
        job.shutdown(socket.SHUT_WR)
        status = job.recv(1)
    return status[0] if status else 1


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        os._exit(ask(sys.argv[2], sys.argv[3:]))
