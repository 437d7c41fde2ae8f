"""The public log as a folder: for any file server to serve, for anybody to copy, for strangers to check.

Whoever reads the folder while it is written must find a whole log, and so must whoever finds it after a crash. So a file
comes into being under its name complete and synced, and the checkpoint last: it is out only when everything that it
promises is. Partial tiles go only after it, when their full tile is there. What the checkpoint that was out before
covers is not written again.

A checkpoint that is out cannot be taken back. If the folder holds one that the journal does not go on from, the journal
was set back or replaced, and to write on would publish a second history. The folder is then left as it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from usufruct.core.base.faults import BadInput, JournalDamaged, NodeBusy
from usufruct.core.proof import tiles
from usufruct.core.proof.checkpoint import Checkpoint
from usufruct.core.proof.monitor import CHECKPOINT
from usufruct.core.proof.tree import Frontier
from usufruct.ports import PublicLog
from usufruct.store.carry import sync
from usufruct.store.publiclog import SqlPublicLog
from usufruct.store.source import reading

_NEW = ".new"  # what is being written, before it has its name


@dataclass(frozen=True, slots=True)
class Exported:
    """The log's size in the folder, how many tiles were written, and how many partial ones were removed."""

    size: int
    written: int
    removed: int


@contextlib.contextmanager
def public_log(directory: Path) -> Iterator[PublicLog]:
    """The public log of a node directory as it is now, read beside whoever writes it.

    Raises:
        BadInput: there is no journal.
        JournalDamaged: it cannot be read.
    """
    with reading(directory) as source:
        try:
            yield SqlPublicLog(source.connection)
        except source.unreadable as error:
            raise JournalDamaged(
                "node.journal", f"the journal cannot be read: {error}",
                "run `usufruct journal verify`, then restore the directory from a backup",
            ) from None  # fmt: skip


def export(log: PublicLog, note: str, folder: Path) -> Exported:
    """Brings the folder up to the checkpoint `note`, one that the node signed.

    Raises:
        BadInput: the folder cannot be written to, or holds the checkpoint of another log, or what is not one.
        JournalDamaged: the journal does not go on from the checkpoint in the folder.
        NodeBusy: another process is writing to it.
    """
    checkpoint = _body(note)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            before = _published(folder, log, checkpoint)
            return (
                _bring_up(folder, log, note, checkpoint.size, before)
                if before <= checkpoint.size
                else Exported(before, 0, 0)
            )
    except OSError as error:
        raise BadInput(
            "input.directory", f"`{folder}` cannot be written to: {error.strerror}",
            "give a folder that is yours, on a disk with space; then export again, nothing is lost",
        ) from None  # fmt: skip


def read(folder: Path, path: str, limit: int) -> bytes | None:
    """A file of the folder, for `monitor.check`."""
    try:
        handle = os.open(f"{folder}/{path}", os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not keep the reader for ever
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read(limit + 1)


def listed(folder: Path) -> Iterator[str]:
    """The paths of everything that lies under `tile/`, with what cannot be shown of a name made visible."""
    for directory, _, names in os.walk(folder / "tile"):
        for name in names:
            path = Path(directory, name).relative_to(folder).as_posix()
            yield path if path.isprintable() else ascii(path)


def _bring_up(folder: Path, log: PublicLog, note: str, size: int, before: int) -> Exported:
    """Writes what a log of `size` needs, of which the checkpoint that is out covers the first `before`."""
    needed = list(tiles.tiles_of(size))
    written = [tile for tile in needed if tile.sizes()[0] > before or not (folder / tile.path).exists()]
    for tile in written:
        _put(folder, tile.path, tiles.content(tile, log))
    for directory in {path for tile in written for path in (folder / tile.path).parents if path.is_relative_to(folder)}:
        sync(directory)
    _put(folder, CHECKPOINT, note.encode())  # from here on it is promised
    sync(folder)
    removed = sum(_remove_partials(folder / f"{tile.path}.p") for tile in needed if tile.width == tiles.WIDTH)
    return Exported(size, len(written), removed)


def _body(note: str) -> Checkpoint:
    return Checkpoint.parse(note.rpartition("\n\n")[0] + "\n")


def _published(folder: Path, log: PublicLog, now: Checkpoint) -> int:
    """The size that is out; 0 if none is."""
    path = folder / CHECKPOINT
    if not path.exists():
        return 0
    try:
        out = _body(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(
            "input.directory", f"what `{path}` holds is no checkpoint: {error}", "export to another folder"
        ) from None
    if out.origin != now.origin:
        raise BadInput("input.directory", f"`{folder}` holds the log `{out.origin}`", "export to another folder")
    if out.size <= log.size():
        edge = Frontier.load(out.size, lambda level, index: log.hashes(level, index, 1)[0])
        if edge.root() == out.root:
            return out.size
    raise JournalDamaged(
        "node.journal",
        f"`{folder}` holds a checkpoint of {out.size} facts that this journal does not go on from",
        "the journal was set back or replaced: nothing was exported; restore the newest copy of the node's directory",
    )


def _put(folder: Path, path: str, content: bytes) -> None:
    """A file, whole and on disk before it has its name."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with (folder / _NEW).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    (folder / _NEW).replace(target)


def _remove_partials(directory: Path) -> int:
    if not directory.is_dir():
        return 0
    files = list(directory.iterdir())
    for file in files:
        file.unlink()
    directory.rmdir()
    return len(files)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps a second export out: it could put an older checkpoint in the place of a newer one."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NodeBusy(
            "node.busy", f"another process is writing to `{folder}`", "wait until it is done, and export again"
        ) from None
    finally:
        os.close(handle)
