"""The public log over HTTP: what a signed checkpoint covers is there, for everybody and for ever; nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from typer.testing import CliRunner

from longlog import LongLog
from serving import served
from support import SetClock
from usufruct.cli.commands import app as commands
from usufruct.core.proof import monitor
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.registry.facts import PartyRegistered
from usufruct.main import open_node
from usufruct.node.node import Node
from usufruct.peer.tilelog import HttpLog
from usufruct.store.keys import verify_signature
from usufruct.web.app import make_app


@pytest.fixture(scope="module")
def long_node(long_log: LongLog) -> Iterator[Node]:
    with open_node(long_log.node) as node:
        yield node


@pytest.fixture(scope="module")
def client(long_node: Node) -> Iterator[TestClient[Any]]:
    with TestClient(make_app(long_node)) as client:
        yield client


def test_what_is_served_is_what_is_exported(client: TestClient[Any], long_log: LongLog) -> None:
    for path in long_log.files:
        found = client.get(f"/journal/{path}")
        assert found.status_code == 200
        assert found.content == (long_log.folder / path).read_bytes(), path


def test_how_long_it_may_be_kept(client: TestClient[Any]) -> None:
    tile = client.get("/journal/tile/0/273.p/112").headers
    assert tile["content-type"] == "application/octet-stream"
    assert tile["cache-control"] == "public, max-age=31536000, immutable"
    checkpoint = client.get("/journal/checkpoint").headers
    assert checkpoint["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint["cache-control"] == "public, max-age=5"


def test_partial_tiles_of_every_checkpoint_that_was_signed_stay(client: TestClient[Any], long_log: LongLog) -> None:
    """Sizes 1, 1,000, 33,333, 69,888 and 70,000, though most of them are full by now."""
    full = (long_log.folder / "tile/0/130").read_bytes()
    assert client.get("/journal/tile/0/130.p/53").content == full[: 53 * 32]
    assert len(client.get("/journal/tile/entries/003.p/232").content) == 232 * 34
    assert client.get("/journal/tile/1/000.p/3").content == (long_log.folder / "tile/1/000").read_bytes()[: 3 * 32]
    for path in ("0/000.p/1", "1/000.p/130", "1/001.p/17"):
        assert client.get(f"/journal/tile/{path}").status_code == 200


ABSENT = (
    "tile/0/130.p/54", "tile/0/273.p/111", "tile/0/273.p/113", "tile/0/273", "tile/0/274", "tile/entries/274.p/1",
    "tile/1/001", "tile/1/000.p/2", "tile/2/000", "tile/2/000.p/2", "tile/3/000.p/1", "tile/63/000",
    "tile/0/0", "tile/00/000", "tile/0/x000/001", "tile/0/273.p/0112", "tile/0/273.p/0", "tile/0/000.p/256",
    "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/data/000", "tile/entries/", "tile/", "tile", "tile/-1/000",
    "tile/0/%2e%2e/checkpoint", "tile/0/000%00", "tile/%ff/000", "checkpoint/1", "", "else",
)  # fmt: skip


def test_what_is_not_there_is_not_there_in_one_way(client: TestClient[Any]) -> None:
    """Whether it never was, is not yet, or is no name at all."""
    answers = {}
    for path in ABSENT:
        found = client.get(f"/journal/{path}", follow_redirects=False)
        answers[path] = (found.status_code, found.text)
    assert set(answers.values()) == {answers["else"]}, answers
    assert answers["else"][0] == 404 and "fault" in client.get("/journal/else").json()


@contextmanager
def served_node(node: Node) -> Iterator[str]:
    with served(make_app(node)) as url:
        yield f"{url}/journal"


def test_a_stranger_checks_the_log_of_a_running_node(long_node: Node, long_log: LongLog, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(long_log.notes[1_000], encoding="utf-8")
    with served_node(long_node) as url:
        arguments = ["journal", "check", url, "--key", long_log.key, "--kept", str(kept)]
        told = CliRunner().invoke(commands, arguments)
        assert told.exit_code == 0 and "70000 entries" in told.stdout
        told = CliRunner().invoke(commands, ["journal", "check", f"{url}/else", "--key", long_log.key])
        assert told.exit_code == 1 and "checkpoint: is missing" in told.stderr
    told = CliRunner().invoke(commands, ["journal", "check", url, "--key", long_log.key])
    assert told.exit_code == 1 and "checkpoint: cannot be read" in told.stderr


def test_a_log_that_grows_while_it_is_read(new_directory: Path, clock: SetClock, long_log: LongLog) -> None:
    """The reader holds a checkpoint; what that promises stays, whatever comes after."""
    with ExitStack() as stack:
        node = stack.enter_context(open_node(new_directory, clock))
        url = stack.enter_context(served_node(node))
        log = stack.enter_context(HttpLog(url))
        numbers = iter(range(10_000))
        asked = []

        def read(path: str, limit: int) -> bytes | None:
            found = log.read(path, limit)
            asked.append(path)
            node.store.write(
                lambda tx: [tx.append(PartyRegistered(f"o-{next(numbers)}", "organisation", "O")) for _ in range(130)]
            )
            return found

        for _ in range(3):
            report = monitor.check(read, vkey(node.signer.name, node.signer.public), verify_signature)
            assert report.findings == () and report.checkpoint is not None
        assert len(asked) > 10


@pytest.mark.parametrize("body", [b"x" * 100_000, None])
def test_a_server_that_sends_too_much_or_nothing_is_given_up(body: bytes | None, long_log: LongLog) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200 if body else 500, "headers": []})
        await send({"type": "http.response.body", "body": (body or b"") * 20})

    with served(answer) as url, HttpLog(url) as log:
        report = monitor.check(log.read, long_log.key, verify_signature)
    assert [finding.file for finding in report.findings] == ["checkpoint"]
    assert ("longer" if body else "status 500") in report.findings[0].what
