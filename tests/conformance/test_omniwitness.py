"""OmniWitness signs for our node and our code accepts it; its client brings a foreign log before our witness; its reader
accepts what both sign."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from golang import build, run

from elsewhere import make_witness, witnessing
from usufruct.core.proof import receipt as receipts
from usufruct.core.proof.quorum import Trust
from usufruct.main import create_node, open_node, read_settings
from usufruct.node import register, witness
from usufruct.store.keys import verify_signature


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("omniwitness", tmp_path_factory.mktemp("go"))


def keys(program: Path, name: str) -> tuple[str, str, str]:
    """A new signing key of the Go libraries', and its verifier keys as a log's and as a witness's."""
    private, log, cosigning = run(program, "key", name).stdout.decode().split()
    return private, log, cosigning


@contextmanager
def foreign_witness(program: Path, private: str, log: str) -> Iterator[str]:
    with subprocess.Popen([program, "serve", private, log], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def test_it_signs_for_our_node(program: Path, tmp_path: Path) -> None:
    """Beside our own witness; the receipts then verify offline, by our code and by the formats library."""
    node_key = create_node(tmp_path / "node", "Node", "op", "Operator", "EUR").key
    private, _, foreign_key = keys(program, "foreign.example/w1")
    our_key = make_witness(tmp_path / "w", "ours.example/w1", node_key)
    with (
        foreign_witness(program, private, node_key) as foreign,
        witnessing(tmp_path / "w") as (ours, _, _),
    ):
        file = tmp_path / "node" / "witnesses.txt"
        file.write_text(
            f"log {node_key}\nwitness foreign {foreign_key} {foreign}\nwitness ours {our_key} {ours}\n"
            "group both all foreign ours\nquorum both\n"
        )
        settings = tmp_path / "node" / "node.toml"
        settings.write_text(settings.read_text().replace('witnesses = ""', 'witnesses = "witnesses.txt"'))
        trust = Trust.parse(file.read_text())
        for round_number in range(4):
            with open_node(tmp_path / "node") as node:
                for number in range(17):
                    register.add_party(node, f"p-{round_number}-{number}", "organisation", f"Party {number}")
                done = witness.submit(node)
                assert done is not None and done.witnessed, done
                with node.store.read() as state:
                    found = witness.receipt(node, state, 5)
            assert receipts.check(found, node_key, verify_signature)
            assert set(trust.check(found.checkpoint_note, verify_signature)[1]) == {"foreign", "ours"}
            (tmp_path / "note").write_text(found.checkpoint_note)
            read = run(program, "check", tmp_path / "note", node_key, foreign_key, our_key)
            assert (read.returncode, int(read.stdout or 0)) == (0, done.size), read.stderr


def test_it_finds_a_journal_written_anew(program: Path, tmp_path: Path) -> None:
    node_key = create_node(tmp_path / "node", "Node", "op", "Operator", "EUR").key
    private, _, foreign_key = keys(program, "foreign.example/w1")
    shutil.copytree(tmp_path / "node", tmp_path / "kept")
    with foreign_witness(program, private, node_key) as url:
        for directory, said in [(tmp_path / "node", "signed"), (tmp_path / "kept", "alarm")]:
            (directory / "witnesses.txt").write_text(f"witness w {foreign_key} {url}\nquorum w\n")
            settings = directory / "node.toml"
            settings.write_text(settings.read_text().replace('witnesses = ""', 'witnesses = "witnesses.txt"'))
            assert read_settings(directory).witnesses
            with open_node(directory) as node:
                for number in range(3):
                    register.add_party(node, f"{said}-{number}", "organisation", "Party")
                done = witness.submit(node)
                assert done is not None and [word.state for word in done.words] == [said], done


def test_our_witness_signs_for_a_foreign_log(program: Path, tmp_path: Path) -> None:
    """OmniWitness's client submits a log of the merkle library, and understands every answer it gets."""
    private, log_key, _ = keys(program, "foreign.example/log")
    our_key = make_witness(tmp_path / "w", "ours.example/w1", log_key)
    with witnessing(tmp_path / "w") as (url, _, _):
        told = run(program, "submit", url, private, log_key, our_key)
        stranger = keys(program, "stranger.example/log")
        unknown = run(program, "submit", url, stranger[0], stranger[1], our_key)
        impostor = keys(program, "foreign.example/log")
        forged = run(program, "submit", url, impostor[0], impostor[1], our_key)
    assert told.stdout.decode().splitlines() == [
        "signed 3", "signed 256", "signed 777", "stale 777", "consistency proof invalid", "signed 777", "signed 1000",
    ], told.stderr  # fmt: skip
    assert set(unknown.stdout.decode().splitlines()) == {"unknown log"}
    assert set(forged.stdout.decode().splitlines()) == {"no valid signatures"}
