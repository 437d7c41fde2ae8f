"""The commands, from a terminal: what goes wrong is said, and how it ends tells a script what happened."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange.world import CODE, PERSONS, PURPOSE, pair
from usufruct.cli import commands
from usufruct.cli.app import Doors, give
from usufruct.main import create_node, open_node


def run(line: str) -> Result:
    give(Doors(create_node, open_node))
    return CliRunner().invoke(commands.app, shlex.split(line))


def test_a_node_calls_another_and_they_compare(tmp_path: Path) -> None:
    with pair(tmp_path) as (here, there):
        assert here.ask(f"/r1/{PERSONS}/v1/{CODE}").status_code == 200
        url, client = there.url, "EE/COM/10000001/clinic"
        here.node.store.close()  # the command opens the node itself
        # A second process could not: the first still holds the lock, and the command says so.
        busy = run(f"service call {PERSONS} /v1/{CODE} --client {client} --dir {tmp_path / 'clinic'}")
        assert busy.exit_code == 2
    called = run(f"service call {PERSONS} /v1/{CODE} --client {client} --dir {tmp_path / 'clinic'}")
    assert called.exit_code == 2, "the other node is gone"
    gone = run(f"service reconcile {url} --since 2026-01-01 --until 2026-01-02 --dir {tmp_path / 'clinic'}")
    assert gone.exit_code == 2
    listed = run(f"service list --dir {tmp_path / 'clinic'}")
    assert listed.exit_code == 0 and PERSONS in listed.output


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (f"service register {PERSONS} --title T --purpose {PURPOSE}", 2),
        (f"service register {PERSONS} --title T --purpose Fun --url http://a.example", 2),
        (f"service open {PERSONS} EE/COM/1/x --purpose {PURPOSE}", 3),
        (f"service close {PERSONS} EE/COM/1/x", 3),
        (f"service withdraw {PERSONS}", 3),
        (f"service call {PERSONS} /v1/7 --client EE/COM/1/x", 3),
        (f"service call {PERSONS} /v1/.. --client EE/COM/1/x", 2),
        (f"service call {PERSONS} /v1/7 --client EE/COM/1/x --data nowhere", 2),
        ("service reconcile http://a.example --since 2026-01-02 --until 2026-01-01", 2),
        ("client register EE/COM/1/x --party nobody", 3),
    ],
)
def test_bad_input_is_refused(line: str, status: int, new_directory: Path) -> None:
    ended = run(f"{line} --dir {new_directory}")
    assert ended.exit_code == status, ended.output


def test_two_lists_are_compared(tmp_path: Path) -> None:
    lines = [f"{n:086d}== 2026-11-22T0{n}:00:00.000Z\n" for n in range(3)]
    (tmp_path / "ours").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "theirs").write_text("".join(lines[:2]), encoding="utf-8")
    period = "--since 2026-11-22 --until 2026-11-23"
    ended = run(f"service compare {tmp_path / 'ours'} {tmp_path / 'theirs'} {period}")
    assert ended.exit_code == 1 and f"only here: {2:086d}==" in ended.output
    assert run(f"service compare {tmp_path / 'ours'} {tmp_path / 'ours'} {period}").exit_code == 0
    (tmp_path / "bad").write_text("nonsense\n", encoding="utf-8")
    assert run(f"service compare {tmp_path / 'ours'} {tmp_path / 'bad'} {period}").exit_code == 2
