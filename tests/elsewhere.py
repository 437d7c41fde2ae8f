"""Servers elsewhere, in threads of this process: honest witnesses, and such as do anything but answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from serving import served
from usufruct.cli.witness import open_witness
from usufruct.core.proof.checkpoint import COSIGNATURE, vkey
from usufruct.node.cosign import Witness
from usufruct.store.keys import KeyFile
from usufruct.store.witnessed import SqliteWitnessed
from usufruct.web.witness import make_app

Answer = Callable[[bytes], tuple[int, str, bytes]]
"""From the body of a request to status, media type and body of what is answered."""


def make_witness(directory: Path, name: str, *logs: str) -> str:
    """A new witness that signs for `logs`; its verifier key."""
    directory.mkdir()
    KeyFile.create(directory / "signing.pem")
    key = vkey(name, KeyFile(name, directory / "signing.pem").public, COSIGNATURE)
    (directory / "vkey.txt").write_text(key)
    with open_witness(directory) as (_, file):
        for log in logs:
            file.add_key(log.partition("+")[0], log)
    return key


@contextmanager
def witnessing(directory: Path) -> Iterator[tuple[str, Witness, SqliteWitnessed]]:
    """A witness that is served: its address, and what is behind it."""
    with open_witness(directory) as (witness, file), served(make_app(witness)) as url:
        yield url, witness, file


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers every POST as it is told to: its address, and the bodies that came."""
    came: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, kind, body = answer(came[-1])
            with suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if status in (301, 307):
                    self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", came
    server.shutdown()
    server.server_close()


@contextmanager
def dripping(pieces: Iterator[bytes], pause: float) -> Iterator[str]:
    """A server that sends these pieces, one after a pause, whatever it is asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def run() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    for piece in pieces:
                        if stop.wait(pause):
                            return
                        connection.sendall(piece)
                    stop.wait()

    threading.Thread(target=run, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop.set()
    listener.close()
