"""Backups of a node that is being used, nodes made from them, and journals that move to another database.

Whatever goes wrong, the node that was there stays as it was, and no node signs a second history.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import story
from usufruct.cli import commands
from usufruct.cli.app import Doors, give
from usufruct.core.base.faults import BadInput, JournalDamaged, NodeBusy, NodeFault
from usufruct.core.proof.checkpoint import Checkpoint, read_note
from usufruct.core.proof.receipt import Receipt, check
from usufruct.core.registry.state import Asset, Party
from usufruct.main import create_node, open_node, read_settings
from usufruct.node import consent, erase, register
from usufruct.node.node import Node
from usufruct.store import backup as backups
from usufruct.store import carry
from usufruct.store.audit import verify
from usufruct.store.backup import Restored, back_up, copy_keys, restore
from usufruct.store.keys import SystemClock, SystemEntropy, verify_signature
from usufruct.store.move import move
from usufruct.store.sealing import PIECE, TableKeys, seal, unseal
from usufruct.store.source import reading

ENTROPY = SystemEntropy()


@pytest.fixture(autouse=True)
def _doors() -> None:
    give(Doors(create_node, open_node))


@pytest.fixture(params=["sqlite", "postgres"])
def node_directory(request: pytest.FixtureRequest, directory: Path) -> Path:
    """A node where questions are answered, in either store."""
    if request.param == "postgres":
        moved_to(directory, request.getfixturevalue("pg_address"))
    return directory


def moved_to(directory: Path, place: str) -> None:
    """Moves the node's journal."""
    with open_node(directory) as node:
        move(directory, place, node.keyring)


def backed_up(directory: Path, to: Path) -> Path:
    """A backup of a node."""
    back_up(directory, to, SystemClock(), ENTROPY)
    return to


def restored(directory: Path, backup: Path, kept: list[str] | None = None, unsound: bool = False) -> Restored:
    """The node in a backup, made anew in the folder `new` beside it, with the keys that the old one has now."""
    keys = backup.parent / "keys-copy"
    copy_keys(directory, keys)
    return restore(backup, keys, backup.parent / "new", kept or [], ENTROPY, unsound)


def carried(directory: Path) -> dict[str, list[Any]]:
    """Every row of what is carried."""
    with reading(directory) as source:
        tables = carry.CARRIED.items()
        return {
            name: list(source.select(f"SELECT {columns} FROM {name} ORDER BY {by}")) for name, (columns, by) in tables
        }


def checkpoint(directory: Path) -> str:
    """The newest one."""
    return str(carried(directory)["checkpoint"][-1][1])


# Backup and restore


def test_a_restored_node_is_the_node_and_goes_on(node_directory: Path, tmp_path: Path) -> None:
    with open_node(node_directory) as node:
        story.answer(node, micro_rho=story.CHEAP)
        node.logins.set_password("institute", "user", "hash")
    before = carried(node_directory)
    backup = backed_up(node_directory, tmp_path / "backup")
    made = restored(node_directory, backup, [checkpoint(node_directory)])
    assert (made.size, made.lost, made.findings) == (len(before["journal"]), (), ())
    assert carried(tmp_path / "new") == before
    assert verify(tmp_path / "new").sound
    with open_node(tmp_path / "new") as node:
        assert node.logins.password("institute") == ("user", "hash")
        story.answer(node)
        story.close_period(node, "2026-q4")
    report = verify(tmp_path / "new", kept=[checkpoint(node_directory)])
    assert report.findings == () and report.facts > made.size


def test_a_backup_holds_no_key_no_name_and_no_row(directory: Path, tmp_path: Path) -> None:
    """Whoever finds it can neither sign, nor read a person's records, nor a table; nor learn from a file who is in it."""
    backup = backed_up(directory, tmp_path / "backup")
    held = {path.relative_to(backup): path.read_bytes() for path in backup.rglob("*") if path.is_file()}
    secrets = [*(directory / "keys").iterdir(), *(directory / "data").iterdir()]
    for secret in secrets:
        content = secret.read_bytes()
        parts = [content] if len(content) < 4096 else [content[at : at + 32] for at in range(0, len(content), 4096)]
        for part in parts:
            if len(set(part)) > 16 and secret.name != "last-signed":
                assert not any(part in data for data in held.values()), f"{secret.name} is in the backup"
    with open_node(directory) as node, node.store.read() as state:
        persons = [party for party in state.list(Party) if party.kind == "person"]
        assert len(persons) == story.PERSONS
    for person in persons:
        for name in {person.name, person.known_as} - {""}:
            assert not any(name.encode() in data for data in held.values()), name
    with closing(sqlite3.connect(backup / "journal.sqlite")) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert not [name for name in tables if name.startswith("state_")]
        assert connection.execute("SELECT count(*) FROM about").fetchone() == (0,)


def test_a_node_is_backed_up_while_four_threads_write(node_directory: Path, tmp_path: Path) -> None:
    """By another process. What is copied ends at a signed checkpoint and is a beginning of what the node has in the end."""
    stop = threading.Event()

    def say(node: Node, member: str) -> None:
        while not stop.is_set():
            story.done(consent.record_word(node, story.ASSET, member, story.PURPOSE, True))

    with open_node(node_directory) as node:
        threads = [threading.Thread(target=say, args=(node, member)) for member in story.MEMBERS[:4]]
        for thread in threads:
            thread.start()
        try:
            for number in range(2):
                code = "from usufruct.main import run; run()"
                command = [
                    sys.executable,
                    "-c",
                    code,
                    "backup",
                    str(tmp_path / f"b{number}"),
                    "--dir",
                    str(node_directory),
                ]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        with node.store.read() as state:
            size = state.size()
    whole, sizes = carried(node_directory), []
    for number in range(2):
        shutil.rmtree(tmp_path / "new", ignore_errors=True)
        made = restored(node_directory, tmp_path / f"b{number}")
        sizes.append(made.size)
        rows = carried(tmp_path / "new")
        assert rows["journal"] == whole["journal"][: made.size]
        assert rows["checkpoint"] == [row for row in whole["checkpoint"] if row[0] <= made.size]
        assert verify(tmp_path / "new").sound
    assert sizes == sorted(set(sizes)) and sizes[-1] < size, "nothing was written meanwhile"


def test_an_older_backup_is_refused_if_somebody_saw_more(directory: Path, tmp_path: Path) -> None:
    backup = backed_up(directory, tmp_path / "backup")
    old = checkpoint(directory)
    with open_node(directory) as node:
        story.answer(node, micro_rho=story.CHEAP)
    with pytest.raises(BadInput, match="have been signed for and seen"):
        restored(directory, backup, [checkpoint(directory)])
    with pytest.raises(BadInput, match="have been signed for and seen"):  # the note beside the keys saw more
        restored(directory, backup, [old])
    assert not (tmp_path / "new").exists()
    (tmp_path / "keys-copy" / "last-signed").unlink()
    with pytest.raises(BadInput, match="not of this node"):
        restore(backup, tmp_path / "keys-copy", tmp_path / "new", [forged(old)], ENTROPY)
    restore(backup, tmp_path / "keys-copy", tmp_path / "new", [old], ENTROPY)
    assert verify(tmp_path / "new", kept=[old]).sound


def forged(note: str) -> str:
    """A note that the key did not sign."""
    signed = Checkpoint.parse(read_note(note)[0])
    return note.replace(f"\n{signed.size}\n", f"\n{signed.size - 1}\n", 1)


def test_a_backup_of_another_history_is_refused(directory: Path, tmp_path: Path) -> None:
    """Same key, same length, other facts: what a node would be that signed twice."""
    shutil.copytree(directory, tmp_path / "twin")
    for place, name in ((directory, "one"), (tmp_path / "twin", "other")):
        with open_node(place) as node:
            story.done(register.add_party(node, name, "organisation", name))
    backup = backed_up(tmp_path / "twin", tmp_path / "backup")
    with pytest.raises(JournalDamaged, match="not those of a checkpoint that was kept"):
        restored(tmp_path / "twin", backup, [checkpoint(directory)])
    assert not (tmp_path / "new").exists()


def test_alone_is_said_by_a_person_and_is_heard(directory: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    backup = backed_up(directory, tmp_path / "backup")
    with open_node(directory) as node:
        story.answer(node, micro_rho=story.CHEAP)
    copy_keys(directory, tmp_path / "keys")
    arguments = ["restore", str(backup), str(tmp_path / "new"), "--keys", str(tmp_path / "keys")]
    said = runner.invoke(commands.app, arguments)
    assert said.exit_code == 2 and not (tmp_path / "new").exists()
    (tmp_path / "kept").write_text(checkpoint(directory))
    for more in (["--kept", str(tmp_path / "kept")], ["--kept", str(tmp_path / "none")], ["--kept", "x", "--alone"]):
        assert runner.invoke(commands.app, [*arguments, *more]).exit_code == 2
    said = runner.invoke(commands.app, [*arguments, "--alone"])
    assert said.exit_code == 0, said.output
    with open_node(tmp_path / "new") as node:
        story.done(register.add_party(node, "latecomer", "organisation", "Latecomer"))
    assert verify(tmp_path / "new").sound
    assert runner.invoke(commands.app, [*arguments, "--alone"]).exit_code == 2, "it holds a node now"


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove", "swap the manifest's digest"])
def test_a_damaged_backup_is_refused(directory: Path, tmp_path: Path, harm: str) -> None:
    backup = backed_up(directory, tmp_path / "backup")
    files = [path for path in sorted(backup.rglob("*")) if path.is_file() and path.name != "backup.json"]
    for path in files:
        saved = path.read_bytes()
        if harm == "remove":
            path.unlink()
        elif harm == "truncate":
            path.write_bytes(saved[:-1])
        else:
            path.write_bytes(
                saved[: len(saved) // 2] + bytes([saved[len(saved) // 2] ^ 1]) + saved[len(saved) // 2 + 1 :]
            )
        manifest = (backup / "backup.json").read_text()
        if harm.startswith("swap") and path.parent.name == "tables":  # by somebody who wants it to be taken for whole
            changed = json.loads(manifest)
            changed["files"][f"tables/{path.name}"] = backups._digest(path)
            (backup / "backup.json").write_text(json.dumps(changed))
        with pytest.raises((BadInput, JournalDamaged)):
            restored(directory, backup)
        assert not (tmp_path / "new").exists()
        (backup / "backup.json").write_text(manifest)
        path.write_bytes(saved)
    restored(directory, backup)


def test_a_record_that_was_changed_in_a_backup_is_found(directory: Path, tmp_path: Path) -> None:
    backup = backed_up(directory, tmp_path / "backup")
    with closing(sqlite3.connect(backup / "journal.sqlite")) as connection:
        connection.execute("DROP TRIGGER journal_is_never_changed")
        connection.execute("UPDATE journal SET record = replace(record, 'Institute', 'Attacker') WHERE key IS NULL")
        connection.commit()
    manifest = json.loads((backup / "backup.json").read_text())
    manifest["files"]["journal.sqlite"] = backups._digest(backup / "journal.sqlite")
    (backup / "backup.json").write_text(json.dumps(manifest))
    with pytest.raises((JournalDamaged, ValueError)):
        restored(directory, backup)


def test_a_backup_that_is_cut_off_leaves_nothing_that_looks_like_one(directory: Path, tmp_path: Path) -> None:
    backups_folder = tmp_path / "shelf"
    backups_folder.mkdir()
    code = (
        "import os, signal, sys, pathlib\nfrom usufruct.store import backup, keys\n"
        "step = int(sys.argv[3]); seen = [0]\nsync = backup.sync\n"
        "def die(path):\n    seen[0] += 1\n    os.kill(os.getpid(), signal.SIGKILL) if seen[0] == step else sync(path)\n"
        "backup.sync = die\n"
        "backup.back_up(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), keys.SystemClock(), keys.SystemEntropy())\n"
    )
    for step in (1, 4):
        command = [sys.executable, "-c", code, str(directory), str(backups_folder / "b"), str(step)]
        assert subprocess.run(command, check=False).returncode == -9
        assert not (backups_folder / "b").exists()
    backed_up(directory, backups_folder / "b")
    restored(directory, backups_folder / "b")
    assert verify(directory).sound


# Erasure and backups


def test_what_a_backup_has_of_an_erased_person_opens_no_more(directory: Path, tmp_path: Path) -> None:
    """Her records are sealed with her key, and the table with one that the erasure replaced."""
    member = story.MEMBERS[4]
    old = backed_up(directory, tmp_path / "old")
    copy_keys(directory, tmp_path / "keys")
    with open_node(directory) as node:
        with node.store.read() as state:
            assets = [(asset.id, asset.version) for asset in state.list(Asset)]
        story.done(erase.erase(node, member, story.OPERATOR))
        for asset, version in assets:
            TableKeys(directory / "keys" / "tables", ENTROPY).rotate(asset, version)
    copy_keys(directory, tmp_path / "keys")  # over the old copy: the destroyed keys are gone there too
    with pytest.raises(JournalDamaged, match="not sound"):
        restore(old, tmp_path / "keys", tmp_path / "new", [], ENTROPY)
    made = restore(old, tmp_path / "keys", tmp_path / "new", [], ENTROPY, unsound=True)
    assert made.lost and made.findings
    with open_node(tmp_path / "new") as node, node.store.read() as state:
        assert member not in {party.known_as for party in state.list(Party)}
    shutil.rmtree(tmp_path / "new")
    backed_up(directory, tmp_path / "fresh")
    made = restore(tmp_path / "fresh", tmp_path / "keys", tmp_path / "new", [], ENTROPY)
    assert made.lost == () and verify(tmp_path / "new").sound


def test_keys_are_copied_over_the_one_copy(directory: Path, tmp_path: Path, founded: Path) -> None:
    copy_keys(directory, tmp_path / "keys")
    with open_node(directory) as node:
        node.keyring.destroy(0)
    inode = (tmp_path / "keys" / "persons").stat().st_ino
    copy_keys(directory, tmp_path / "keys")
    assert (tmp_path / "keys" / "persons").stat().st_ino == inode, "a second copy was made"
    assert (tmp_path / "keys" / "persons").read_bytes()[:32] == bytes(32)
    story.found(tmp_path / "stranger")
    with pytest.raises(BadInput, match="another node"):
        copy_keys(tmp_path / "stranger", tmp_path / "keys")


def test_persons_without_a_key_in_the_copy_are_named_and_their_slots_not_given_again(
    directory: Path, tmp_path: Path
) -> None:
    copy_keys(directory, tmp_path / "keys")
    with open_node(directory) as node:
        story.done(register.add_party(node, "newcomer", "person", "Newcomer"))
    backup = backed_up(directory, tmp_path / "backup")
    (tmp_path / "keys" / "last-signed").unlink()
    with pytest.raises(JournalDamaged, match="cannot be read"):
        restore(backup, tmp_path / "keys", tmp_path / "new", [], ENTROPY)
    restore(backup, tmp_path / "keys", tmp_path / "new", [], ENTROPY, unsound=True)
    with open_node(tmp_path / "new") as node:
        story.done(register.add_party(node, "later", "person", "Later"))
        with node.store.read() as state:
            slots = [party.key_slot for party in state.list(Party) if party.key_slot is not None]
            assert len(slots) == len(set(slots)) and state.get(Party, "later") is not None


# Sealed tables


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_sealed_table_opens_with_its_key_and_name_alone(tmp_path: Path, size: int) -> None:
    plain, sealed, opened = tmp_path / "plain", tmp_path / "sealed", tmp_path / "opened"
    plain.write_bytes(os.urandom(size))

    def sealing(key: bytes) -> None:
        with plain.open("rb") as source, sealed.open("wb") as target:
            seal(key, "pay-1", source, target, ENTROPY)

    def opening(key: bytes, name: str = "pay-1") -> None:
        with sealed.open("rb") as source, opened.open("wb") as target:
            unseal(key, name, source, target)

    key = os.urandom(32)
    sealing(key)
    opening(key)
    assert opened.read_bytes() == plain.read_bytes()
    whole = sealed.read_bytes()
    sealing(key)
    assert sealed.read_bytes() != whole, "one salt was used twice"
    for wrong in ((os.urandom(32), "pay-1"), (key, "pay-2")):
        with pytest.raises(ValueError, match="damaged"):
            opening(*wrong)
    head, piece = len(whole) - (size + 16 * max(1, -(-size // PIECE))), PIECE + 16
    for changed in {
        whole[:-1],
        whole + b"\0",
        whole[: head + piece],
        whole[:head] + whole[head + piece :],
        whole[:head],
    } - {whole}:
        sealed.write_bytes(changed)
        with pytest.raises(ValueError, match="damaged"):
            opening(key)


def test_keys_of_tables_are_kept_and_replaced_by_several_processes(tmp_path: Path) -> None:
    ring = tmp_path / "tables"
    context = multiprocessing.get_context("fork")
    with context.Pool(4) as pool:
        found = pool.starmap(_key, [(ring, f"pay-{number % 7}") for number in range(70)])
    assert len(set(found)) == 7 and ring.stat().st_size == 7 * 64
    keys = TableKeys(ring, ENTROPY)
    before = {name: keys.find(f"pay-{name}") for name in range(7)}
    keys.rotate("pay", "3")
    keys.rotate("nobody", "1")
    after = {name: keys.find(f"pay-{name}") for name in range(7)}
    assert after[3] not in (None, before.pop(3)) and ring.stat().st_size == 7 * 64
    assert {name: after[name] for name in before} == before
    assert keys.find("nobody-1") is None


def _key(ring: Path, name: str) -> bytes:
    return TableKeys(ring, ENTROPY).key(name)


# Moving


def test_a_journal_moves_there_and_back_and_stays_what_it_is(directory: Path, pg_address: str) -> None:
    with open_node(directory) as node:
        story.answer(node, micro_rho=story.CHEAP)
        receipts = texts(node)
    before = carried(directory)
    moved_to(directory, pg_address)
    assert carried(directory) == before and verify(directory).sound
    (directory / "journal.sqlite").rename(directory / "old.sqlite")
    with open_node(directory) as node:
        assert texts(node) == receipts
        story.answer(node, micro_rho=story.CHEAP)
        story.done(register.add_party(node, "newcomer", "person", "Newcomer"))
        more = texts(node)
    after = carried(directory)
    assert all(after[name][: len(rows)] == rows for name, rows in before.items() if name in ("journal", "checkpoint"))
    moved_to(directory, "sqlite")
    assert carried(directory) == after and verify(directory).sound
    with open_node(directory) as node:
        assert texts(node) == more
        key = read_settings(directory).key
        assert all(check(Receipt.parse(text), key, verify_signature) for text in more)
        story.done(register.add_party(node, "another", "person", "Another"))
        with node.store.read() as state:
            slots = [party.key_slot for party in state.list(Party) if party.key_slot is not None]
            assert len(slots) == len(set(slots))
    assert verify(directory).sound


def texts(node: Node) -> list[str]:
    """Every receipt."""
    with node.store.read() as state:
        return [state.receipt(seq).text() for seq in range(state.size())]


def test_a_journal_moves_to_an_empty_place_only(directory: Path, tmp_path: Path, pg_address: str) -> None:
    moved_to(directory, pg_address)
    other = tmp_path / "other"
    story.found(other)
    with pytest.raises(BadInput, match="holds a journal already"):
        moved_to(other, pg_address)
    with pytest.raises(BadInput, match="there already"):
        moved_to(directory, pg_address)
    with pytest.raises(BadInput, match="already"):  # the old file, which was left
        moved_to(directory, "sqlite")
    with pytest.raises(BadInput):
        moved_to(other, "somewhere")
    assert read_settings(other).store == "" and verify(other).sound
    assert read_settings(directory).store == pg_address and verify(directory).sound


def test_a_node_that_serves_is_not_moved(node_directory: Path, tmp_path: Path) -> None:
    with open_node(node_directory):
        said = CliRunner().invoke(commands.app, ["migrate", "--to", "sqlite", "--dir", str(node_directory)])
        assert said.exit_code == 2 and isinstance(said.exception, SystemExit)
    assert verify(node_directory).sound


def test_a_move_that_is_cut_off_leaves_the_old_place_in_charge(directory: Path, pg_address: str) -> None:
    """At every step of it: the process dies, and the node opens as if nothing had been tried; then it is moved."""
    code = (
        "import os, signal, sys, pathlib\nfrom usufruct.main import open_node\nfrom usufruct.store import carry, move, pg, sql\n"
        "def die(*_):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "where = {'created': (pg, 'is_created'), 'folding': (sql, 'refold'), 'comparing': (carry, 'check_same'),"
        " 'arrived': (move, '_point_to')}\n"
        "setattr(*where[sys.argv[3]], die)\n"
        "with open_node(pathlib.Path(sys.argv[1])) as node:\n"
        "    move.move(pathlib.Path(sys.argv[1]), sys.argv[2], node.keyring)\n"
    )
    before = carried(directory)
    for step in ("created", "folding", "comparing"):
        assert subprocess.run([sys.executable, "-c", code, directory, pg_address, step], check=False).returncode == -9
        assert read_settings(directory).store == "" and carried(directory) == before
        with open_node(directory):
            pass
    moved_to(directory, pg_address)
    (directory / "journal.sqlite").unlink()
    for step in ("comparing", "arrived"):
        assert subprocess.run([sys.executable, "-c", code, directory, "sqlite", step], check=False).returncode == -9
        assert read_settings(directory).store == pg_address and carried(directory) == before
        (directory / "journal.sqlite").unlink(missing_ok=True)
    moved_to(directory, "sqlite")
    assert carried(directory) == before and verify(directory).sound


def test_whoever_waited_for_the_lead_does_not_get_a_journal_that_moved_away(directory: Path, pg_address: str) -> None:
    """It would sign on in the old place, and so would the node in the new one."""
    moved_to(directory, pg_address)
    path = directory / "node.toml"
    path.write_text(path.read_text().replace("store_wait = 0", "store_wait = 30"))
    (directory / "journal.sqlite").unlink()
    caught: list[Exception] = []

    def wait() -> None:
        try:
            with open_node(directory):
                pass
        except (NodeFault, BadInput) as fault:
            caught.append(fault)

    with open_node(directory) as node:
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.5)
        assert waiting.is_alive()
        move(directory, "sqlite", node.keyring)
    waiting.join(30)
    assert [type(fault) for fault in caught] == [NodeBusy]
    assert verify(directory).sound
