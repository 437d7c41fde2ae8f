"""What happens to a published log is found out, and the file is named, by whoever has nothing but the log and its key."""

from __future__ import annotations

import functools
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from longlog import LongLog
from support import SetClock
from usufruct.cli.app import Doors, give
from usufruct.cli.commands import app
from usufruct.core.base.faults import BadInput, JournalDamaged, NodeBusy
from usufruct.core.proof import monitor, tiles
from usufruct.core.proof.checkpoint import Checkpoint, sign_note, vkey
from usufruct.core.proof.monitor import Report
from usufruct.core.registry.facts import PartyRegistered
from usufruct.main import create_node, open_node
from usufruct.node.node import Node
from usufruct.ports import Transaction
from usufruct.store import folder
from usufruct.store.keys import verify_signature

FAULTS = 500
EDGE = ("checkpoint", "tile/2/000.p/1", "tile/1/001.p/17", "tile/1/000", "tile/0/273.p/112", "tile/entries/273.p/112")


def check(log: LongLog, place: Path, *kept: int) -> Report:
    """The monitor's report on a folder."""
    notes = [(str(size), log.notes[size]) for size in kept]
    return monitor.check(functools.partial(folder.read, place), log.key, verify_signature, notes, folder.listed(place))


def named(report: Report) -> set[str]:
    """The files that were found to be damaged."""
    return {finding.file for finding in report.findings}


@pytest.fixture(scope="module")
def remembered() -> Iterator[None]:
    """Hashes of content that was hashed before are looked up, for a log of 70,000 is checked 500 times here; every file
    is read and compared each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monitor, "peaks", functools.lru_cache(None)(tiles.peaks))
        patch.setattr(monitor, "leaf_hashes", functools.lru_cache(None)(tiles.leaf_hashes))
        yield


@pytest.fixture(scope="module")
def copy(long_log: LongLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(long_log.folder, tmp_path_factory.mktemp("copy") / "log"))


@contextmanager
def restored(*files: Path) -> Iterator[None]:
    """The files are afterwards what they were before."""
    before = [(file, file.read_bytes()) for file in files]
    try:
        yield
    finally:
        for file, content in before:
            file.write_bytes(content)


def edit(chance: random.Random, file: Path, _: Path) -> None:
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
    file.write_bytes(content)


def truncate(chance: random.Random, file: Path, _: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: chance.randrange(len(content))])


def delete(_: random.Random, file: Path, __: Path) -> None:
    file.unlink()


def swap(_: random.Random, file: Path, other: Path) -> None:
    one, two = file.read_bytes(), other.read_bytes()
    assert one != two
    file.write_bytes(two)
    other.write_bytes(one)


HARMS: tuple[Callable[[random.Random, Path, Path], None], ...] = (edit, truncate, delete, swap)


@pytest.mark.usefixtures("remembered")
def test_five_hundred_faults_are_found_and_nothing_else_is_blamed(
    long_log: LongLog, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, files = random.Random(70_000), long_log.files
    assert set(EDGE) < set(files) and len(files) == 552
    assert check(long_log, copy).findings == ()
    found = 0
    for number in range(FAULTS):
        harm = HARMS[number % len(HARMS)]
        names = chance.sample(EDGE if number % 3 == 0 else files, 2)
        one, other = copy / names[0], copy / names[1]
        with restored(one, other):
            harm(chance, one, other)
            wanted = set(names if harm is swap else names[:1])
            report = check(long_log, copy)
        assert named(report) == wanted, (number, harm.__name__, names, report.findings)
        found += 1
    assert check(long_log, copy).findings == ()
    with capsys.disabled():
        print(f"\nsuite damage: {found} of {FAULTS}")


# Checked by whoever holds it, from the command line


def run(*arguments: object) -> Result:
    """One of our commands."""
    give(Doors(create_node, open_node))
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_tells_sound_from_not(long_log: LongLog, copy: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(long_log.notes[33_333], encoding="utf-8")
    told = run("journal", "check", copy, "--key", long_log.key, "--kept", kept)
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, "long.example/journal: 70000 entries")
    with restored(copy / "tile/entries/100"):
        edit(random.Random(2), copy / "tile/entries/100", copy)
        told = run("journal", "check", copy, "--key", long_log.key)
    assert told.exit_code == 1 and "tile/entries/100: entry 25" in told.stderr and "sound" not in told.stdout


@pytest.mark.parametrize(
    ("log", "key", "code"),
    [
        ("nowhere", None, "input.directory"),
        (None, "long.example/journal+12345678+AQ==", "input.key"),
        (None, "no key", "input.key"),
    ],
)
def test_what_cannot_be_checked_is_refused(long_log: LongLog, log: str | None, key: str | None, code: str) -> None:
    told = run("journal", "check", log or long_log.folder, "--key", key or long_log.key)
    assert told.exit_code == 2 and code in told.stderr


def test_a_checkpoint_that_another_key_signed_is_not_gone_by(long_log: LongLog, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(long_log.notes[1_000].replace("\n1000\n", "\n1001\n"), encoding="utf-8")
    told = run("journal", "check", long_log.folder, "--key", long_log.key, "--kept", other)
    assert told.exit_code == 2 and "input.key" in told.stderr
    told = run("journal", "check", long_log.folder, "--key", long_log.key, "--kept", tmp_path / "none.txt")
    assert told.exit_code == 2 and "input.checkpoint" in told.stderr


def test_a_log_that_was_set_back_contradicts_what_was_kept(long_log: LongLog, copy: Path) -> None:
    """Everything is as it was signed once; the files that reach beyond and the kept checkpoint give it away."""
    with restored(copy / "checkpoint"):
        (copy / "checkpoint").write_text(long_log.notes[69_888], encoding="utf-8")
        found = {finding.file: finding.what for finding in check(long_log, copy, 70_000, 33_333).findings}
    assert set(found) == {
        "kept 70000", "tile/0/273.p/112", "tile/entries/273.p/112",
    }  # fmt: skip
    assert "cut back" in found["kept 70000"]


# Written


@pytest.fixture
def journal(new_directory: Path, clock: SetClock) -> Iterator[Node]:
    """A node, open, whose log can grow."""
    with open_node(new_directory, clock) as node:
        yield node


def grow(node: Node, size: int) -> str:
    """Its checkpoint when it has that many facts."""

    def to(tx: Transaction) -> None:
        for number in range(tx.next, size):
            tx.append(PartyRegistered(f"party-{number}", "organisation", "Party"))

    node.store.write(to)
    with node.store.read() as state:
        assert state.size() == size
        note = state.checkpoint()
    assert note is not None
    return note


def export(node: Node, note: str, place: Path) -> folder.Exported:
    with node.store.read() as state:
        return folder.export(state, note, place)


def files(place: Path) -> dict[str, int]:
    """Every file by its path, with when it was made."""
    return {str(f.relative_to(place)): f.stat().st_mtime_ns for f in place.rglob("*") if f.is_file()}


def test_an_export_goes_on_where_the_last_one_ended(journal: Node, tmp_path: Path) -> None:
    place = tmp_path / "log"
    assert export(journal, grow(journal, 300), place) == folder.Exported(300, 5, 0)
    first = files(place)
    note = grow(journal, 400)
    assert export(journal, note, place) == folder.Exported(400, 2, 0)
    second = files(place)
    assert {path for path in second if second[path] != first.get(path)} == {
        "checkpoint", "tile/0/001.p/144", "tile/entries/001.p/144",
    }  # fmt: skip
    assert {"tile/0/001.p/44", "tile/entries/001.p/44"} <= set(second)
    assert export(journal, grow(journal, 512), place) == folder.Exported(512, 3, 4)
    assert not list(place.glob("tile/*/001.p")) and not list(place.glob(".*"))
    (place / "tile/0/000").unlink()
    assert export(journal, grow(journal, 512), place).written == 1  # what is missing is made again
    key = vkey(journal.signer.name, journal.signer.public)
    read = functools.partial(folder.read, place)
    assert monitor.check(read, key, verify_signature, [("300", note)], folder.listed(place)).findings == ()


def test_an_export_that_was_cut_short_leaves_a_whole_log_and_is_mended(
    journal: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before each of its writes in turn, with half of the next file written."""
    key = vkey(journal.signer.name, journal.signer.public)
    notes = [grow(journal, size) for size in (300, 700)]
    sync, names = os.fsync, set()
    for step in range(30):
        place, left = tmp_path / f"log-{step}", [step]
        export(journal, notes[0], place)

        def cut(handle: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise InterruptedError("cut")
            sync(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", cut)
            try:
                export(journal, notes[1], place)
            except BadInput:
                names.add("cut")
            else:
                names.add("whole")
        read = functools.partial(folder.read, place)
        report = monitor.check(read, key, verify_signature)
        assert report.findings == () and report.checkpoint is not None and report.checkpoint.size in (300, 700)
        export(journal, notes[1], place)
        report = monitor.check(read, key, verify_signature, (), folder.listed(place))
        assert report.findings == () and report.checkpoint is not None and report.checkpoint.size == 700
    assert names == {"cut", "whole"}


def test_what_lies_there_from_an_export_cut_short_is_not_trusted(journal: Node, tmp_path: Path) -> None:
    """It may be of a history that was never signed for: what no checkpoint covers is written again."""
    place = tmp_path / "log"
    export(journal, grow(journal, 300), place)
    (place / "tile/0/001").write_bytes(b"of another history")
    note = grow(journal, 600)
    export(journal, note, place)
    assert (place / "tile/0/001").stat().st_size == 8192


def test_a_second_history_is_not_published(journal: Node, tmp_path: Path) -> None:
    place, note = tmp_path / "log", grow(journal, 300)
    export(journal, note, place)
    lie = Checkpoint(journal.signer.name, 200, bytes(32)).body()
    ahead = Checkpoint(journal.signer.name, 301, bytes(32)).body()
    for body in (lie, ahead):
        (place / "checkpoint").write_text(
            sign_note(body, journal.signer.name, journal.signer.public, journal.signer.sign), encoding="utf-8"
        )
        before = files(place)
        with pytest.raises(JournalDamaged, match="does not go on from"):
            export(journal, note, place)
        assert files(place) == before


def test_an_older_checkpoint_does_not_take_the_place_of_a_newer_one(journal: Node, tmp_path: Path) -> None:
    place, old, new = tmp_path / "log", grow(journal, 300), grow(journal, 310)
    export(journal, new, place)
    assert export(journal, old, place) == folder.Exported(310, 0, 0)
    assert (place / "checkpoint").read_text(encoding="utf-8") == new


@pytest.mark.parametrize(
    "text", ["not a checkpoint", "", "other.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"]
)
def test_the_folder_of_something_else_is_left_alone(journal: Node, tmp_path: Path, text: str) -> None:
    place = tmp_path / "log"
    place.mkdir()
    (place / "checkpoint").write_text(f"{text}\n— a b\n", encoding="utf-8")
    with pytest.raises(BadInput, match="another folder"):
        export(journal, grow(journal, 3), place)
    assert set(files(place)) == {"checkpoint"}


def test_one_writes_to_a_folder_at_a_time(journal: Node, tmp_path: Path) -> None:
    place, note = tmp_path / "log", grow(journal, 3)
    place.mkdir()
    with folder._locked(place), pytest.raises(NodeBusy):
        export(journal, note, place)
    assert export(journal, note, place).size == 3


def test_a_folder_that_cannot_be_written_to(journal: Node, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written to"):
        export(journal, grow(journal, 3), tmp_path / "file" / "log")


def test_the_command_exports_beside_a_running_node(journal: Node, new_directory: Path, tmp_path: Path) -> None:
    grow(journal, 300)
    told = run("journal", "export", tmp_path / "log", "--dir", new_directory)
    assert told.exit_code == 0 and "300 facts" in told.stdout and "5 tiles written" in told.stdout
    key = vkey(journal.signer.name, journal.signer.public)
    assert run("journal", "check", tmp_path / "log", "--key", key).exit_code == 0
    told = run("journal", "export", tmp_path / "log", "--dir", tmp_path)
    assert told.exit_code == 2 and "input.directory" in told.stderr
