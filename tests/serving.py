"""Applications for as long as a test needs them: of a node, without a server or behind a real one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from litestar import Litestar

from usufruct.node.node import Node
from usufruct.web.app import make_app, state_of

_lent_before: list[Litestar] = []


@contextmanager
def application(node: Node) -> Iterator[Litestar]:
    """The application of a node, for as long as this is open. Its routes are the same for every node and take a fifth of a
    second to lay, so an application that nobody uses any more is lent to the next node."""
    app = _lent_before.pop() if _lent_before else make_app(cast(Node, None))
    app.state = state_of(node)
    yield app
    _lent_before.append(app)


@contextmanager
def served(app: Any, port: int = 0) -> Iterator[str]:
    """The address at which it answers, on a free port if none is named."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
