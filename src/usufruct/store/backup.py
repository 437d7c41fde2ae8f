"""Backups of a node that goes on serving, and nodes made from them.

A backup is a folder: the journal without its state, the logins, what witnesses said, the settings, and every stored table
sealed under its own key (see `sealing`). It holds no key at all, so whoever gets hold of it cannot sign as the node, cannot
read what a person's key seals, and cannot open a table. The keys are copied by themselves, to one place, and each copy
replaces the one before: a second, older copy of them would undo every erasure since.

    backup.json       when, of which journal, how far it reaches, and the SHA-256 of the other files
    journal.sqlite    facts, evidence, tree, checkpoints, epochs
    logins.sqlite     accounts, tokens
    attested.sqlite   cosignatures and time stamps
    node.toml         the settings, without the address of a database
    tables/           one sealed file for each version of an asset

Going back is dangerous: a node that forgot what it signed would sign another history. So whoever restores says what the
newest checkpoint is that anybody keeps, and a backup that does not reach it is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from usufruct import __version__
from usufruct.core import facts
from usufruct.core.base.faults import BadInput, JournalDamaged, NodeFault
from usufruct.core.proof.checkpoint import Checkpoint, open_note
from usufruct.core.registry.facts import AssetRegistered, AssetUpdated, PersonErased
from usufruct.core.registry.pool import PoolStored
from usufruct.ports import Clock, Entropy
from usufruct.store import audit
from usufruct.store.carry import into_sqlite, sync
from usufruct.store.guard import Guard
from usufruct.store.keyring import SLOT, KeyRing
from usufruct.store.keys import verify_signature
from usufruct.store.publiclog import SqlPublicLog
from usufruct.store.sealing import TableKeys, seal, table_name, unseal
from usufruct.store.source import JOURNAL, Source, SqliteSource, reading, setting_of

FORMAT = 1
KEYS = ("signing.pem", "persons", "tables", "last-signed")
_BESIDE = ("logins.sqlite", "attested.sqlite")
_NAMED = ("witnesses", "timestamp_ca")  # settings that name files
_TRIES, _PAUSE_SECONDS = 5, 1.0  # while a person is being erased, tables and journal say different things


@dataclass(frozen=True, slots=True)
class Backed:
    """What was backed up: the journal up to `size` facts, and how many tables."""

    size: int
    tables: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the journal's `size`, the `lost` tables that no key opens, and what the audit found."""

    size: int
    lost: tuple[str, ...]
    findings: tuple[str, ...]


class _Moved(Exception):
    """A table is not what the journal says: it was changed while it was read."""


def back_up(directory: Path, to: Path, clock: Clock, entropy: Entropy) -> Backed:
    """Copies a node, which may be serving meanwhile, into a new folder; what is copied ends at a signed checkpoint.

    Raises:
        BadInput: `to` is there already, or `directory` is no node.
        NodeFault: tables went on changing.
    """
    if to.exists():
        raise BadInput("input.directory", f"`{to}` is there already", "name a new folder for every backup")
    partial = to.with_name(f"{to.name}.partial")
    for _ in range(_TRIES):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        with contextlib.suppress(_Moved):
            made = _copy(directory, partial, clock, entropy)
            _sync_all(partial)
            partial.rename(to)
            sync(to.parent)
            return made
        time.sleep(_PAUSE_SECONDS)
    shutil.rmtree(partial)
    raise NodeFault(
        "node.tables", "a stored table is not what the journal says it is",
        "run `usufruct journal verify`; if it finds nothing, a person was being erased: make the backup again",
    )  # fmt: skip


def copy_keys(directory: Path, to: Path) -> None:
    """Copies all keys of a node into a folder, over the copy that is there.

    Raises:
        BadInput: `directory` is no node, or the folder holds the keys of another.
    """
    keys = directory / "keys"
    if not (keys / "signing.pem").is_file():
        raise BadInput("input.directory", f"`{directory}` is not a node", "name the directory of a node")
    there = to / "signing.pem"
    if there.exists() and there.read_bytes() != (keys / "signing.pem").read_bytes():
        raise BadInput("input.directory", f"`{to}` holds the keys of another node", "name another folder")
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in KEYS:
        if (keys / name).exists():
            # In place, so that of keys that are destroyed nothing is left on that disk either.
            with os.fdopen(os.open(to / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write((keys / name).read_bytes())
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
    sync(to)


def restore(
    backup: Path, keys: Path, directory: Path, kept: Sequence[str], entropy: Entropy, unsound: bool = False
) -> Restored:
    """Makes a node from a backup and a copy of its keys.

    `kept` are checkpoints that the backup must reach; where there are none, the caller answers for it that nobody has seen
    a later one than the backup's own, and the node will sign on from there.

    Raises:
        BadInput: `directory` is there already, the backup or the keys are none or not of one node, or the backup is older
            than a checkpoint that was kept.
        JournalDamaged: the audit of what was restored found something, and `unsound` is not set.
    """
    if directory.exists() and any(directory.iterdir()):
        raise BadInput("input.directory", f"`{directory}` is not empty", "restore into a new directory")
    _check_files(backup)
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        made = _assemble(backup, keys, partial, kept, entropy)
        if made.findings and not unsound:
            raise JournalDamaged(
                "node.journal", f"what was restored is not sound: {'; '.join(made.findings[:3])}",
                "use another backup or a newer copy of the keys; `--unsound` restores what there is",
            )  # fmt: skip
        _sync_all(partial)
        if directory.exists():
            directory.rmdir()
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync(directory.parent)
    return made


def _assemble(backup: Path, keys: Path, node: Path, kept: Sequence[str], entropy: Entropy) -> Restored:
    """Puts a node together in a new folder."""
    (node / "data").mkdir(mode=0o700, parents=True)
    node.chmod(0o700)
    _copy_keys_back(keys, node / "keys")
    shutil.copy(backup / "node.toml", node / "node.toml")
    for name in (*_BESIDE, *filter(None, (setting_of(backup, setting) for setting in _NAMED))):
        if (backup / name).is_file() and ".." not in Path(name).parts:
            (node / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(backup / name, node / name)
            (node / name).chmod(0o600)
    with contextlib.closing(SqliteSource(backup / JOURNAL)) as source:
        size = _check_reach(source, node, kept)
        _pad(node / "keys" / "persons", source)
        with contextlib.closing(KeyRing(node / "keys" / "persons", look=True)) as ring:
            into_sqlite(source, node / JOURNAL, ring)
    lost = tuple(_open_tables(backup / "tables", node, entropy))
    return Restored(size, lost, tuple(_told(finding) for finding in audit.verify(node, kept=kept).findings))


def _copy(directory: Path, to: Path, clock: Clock, entropy: Entropy) -> Backed:
    keys = TableKeys(directory / "keys" / "tables", entropy)
    found = {path.stem: keys.key(path.stem) for path in sorted((directory / "data").glob("*.duckdb"))}
    with reading(directory) as source:
        log = SqlPublicLog(source.connection)
        size, note, stored = log.size(), log.checkpoint(), dict(_stored(source))
        into_sqlite(source, to / JOURNAL)
    (to / "tables").mkdir()
    for table, wanted in stored.items():
        # The key was there before the table was opened: whoever replaces a table and then its key makes this copy noise.
        key = found.get(table)
        if key is None or _seal_table(directory, to, table, key, entropy) != wanted or keys.find(table) != key:
            raise _Moved
    for name in _BESIDE:
        if (directory / name).exists():
            with contextlib.closing(
                sqlite3.connect(f"{(directory / name).resolve().as_uri()}?mode=ro", uri=True)
            ) as file:
                file.execute("VACUUM INTO ?", (str(to / name),))
    for name in filter(None, (setting_of(directory, setting) for setting in _NAMED)):
        if (directory / name).is_file() and not Path(name).is_absolute() and ".." not in Path(name).parts:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(directory / name, to / name)
    settings = (directory / "node.toml").read_text(encoding="utf-8")
    (to / "node.toml").write_text(re.sub(r"(?m)^store *=.*$", 'store = ""', settings), encoding="utf-8")
    written = sorted(path for path in to.rglob("*") if path.is_file())
    manifest = {
        "format": FORMAT, "usufruct": __version__, "at": clock.now(), "origin": setting_of(directory, "origin"),
        "facts": size, "checkpoint": note, "files": {str(path.relative_to(to)): _digest(path) for path in written},
    }  # fmt: skip
    (to / "backup.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Backed(size, len(stored))


def _seal_table(directory: Path, to: Path, table: str, key: bytes, entropy: Entropy) -> str:
    with (directory / "data" / f"{table}.duckdb").open("rb") as plain, (to / "tables" / table).open("wb") as sealed:
        return seal(key, table, plain, sealed, entropy)


def _stored(source: Source) -> Iterator[tuple[str, str]]:
    """The newest version of every stored table that the journal names, and the SHA-256 of it."""
    stored: dict[str, tuple[str, str]] = {}
    kinds = (AssetRegistered.KIND, AssetUpdated.KIND, PersonErased.KIND, PoolStored.KIND)
    query = f"SELECT record FROM journal WHERE kind IN ({', '.join('?' * len(kinds))}) ORDER BY seq"
    for (record,) in source.select(query, *kinds):
        match facts.decode(record).fact:
            case AssetRegistered() | AssetUpdated() as fact:
                stored[fact.asset] = table_name(fact.asset, fact.version), fact.stored
            case PersonErased() as fact:
                for removed in fact.removed:
                    stored[removed.asset] = stored[removed.asset][0], removed.stored
            case PoolStored() as fact:
                stored[fact.pool] = stored[fact.pool][0], fact.stored
    yield from stored.values()


def _check_files(backup: Path) -> None:
    """Nothing in the backup is missing, or other than it was written."""
    try:
        manifest = json.loads((backup / "backup.json").read_text(encoding="utf-8"))
        files = manifest["files"]
        if manifest["format"] != FORMAT:
            raise ValueError(f"it is of format {manifest['format']}, this version reads {FORMAT}")
        for name, digest in files.items():
            if ".." in Path(name).parts or _digest(backup / name) != digest:
                raise ValueError(f"`{name}` is not what was written")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            "input.backup", f"`{backup}` is no whole backup: {error}", "name a folder that `usufruct backup` made"
        ) from None


def _copy_keys_back(keys: Path, to: Path) -> None:
    """Copies a copy of the keys into a new node. Raises BadInput if it is none."""
    if not (keys / "signing.pem").is_file():
        raise BadInput(
            "input.directory", f"`{keys}` holds no keys", "name the folder that `usufruct keyring copy` made"
        )
    to.mkdir(mode=0o700)
    for name in KEYS:
        if (keys / name).exists():
            shutil.copy(keys / name, to / name)
            (to / name).chmod(0o600)


def _check_reach(source: Source, node: Path, kept: Sequence[str]) -> int:
    """How far the journal reaches; it must continue every checkpoint that was kept.

    Where somebody kept one, the note beside the keys is one of them; else it gives way to the backup's own.
    """
    key = setting_of(node, "key")
    log = SqlPublicLog(source.connection)
    size, newest = log.size(), log.checkpoint()
    try:
        anchors = [Checkpoint.parse(open_note(note, key, verify_signature)) for note in kept]
        if newest is None or Checkpoint.parse(open_note(newest, key, verify_signature)).size != size:
            raise ValueError("no checkpoint of that key covers its last fact")
    except ValueError as error:
        raise BadInput(
            "input.checkpoint", f"the backup, or a checkpoint that was kept, is not of this node: {error}",
            "give checkpoints of the node's own key",
        ) from None  # fmt: skip
    with contextlib.closing(Guard(node / "keys" / "last-signed", key)) as guard:
        if anchors and guard.last:
            anchors.append(guard.last)
        furthest = max((anchor.size for anchor in anchors), default=0)
        if furthest > size:
            raise BadInput(
                "input.backup", f"the backup reaches {size} facts, but {furthest} have been signed for and seen",
                "restore a newer backup; this one would make the node sign a second history",
            )  # fmt: skip
    if not anchors:
        (node / "keys" / "last-signed").unlink()
        with contextlib.closing(Guard(node / "keys" / "last-signed", key)) as guard:
            guard.keep(newest)
    return size


def _pad(ring: Path, source: Source) -> None:
    """Makes room for the keys that the copy of the ring lacks, so that no new person is given their slots."""
    ((last,),) = source.select("SELECT max(key) FROM journal")
    with ring.open("ab") as file:
        missing = ((last or -1) + 1) * SLOT - file.tell()
        file.write(bytes(max(missing, -file.tell() % SLOT)))


def _open_tables(sealed: Path, node: Path, entropy: Entropy) -> Iterator[str]:
    """Opens every table; yields the names of those that no key opens."""
    keys = TableKeys(node / "keys" / "tables", entropy)
    for path in sorted(sealed.iterdir()):
        target, key = node / "data" / f"{path.name}.duckdb", keys.find(path.name)
        try:
            with path.open("rb") as source, target.open("wb") as plain:
                unseal(key or b"", path.name, source, plain)
        except ValueError:
            target.unlink()
            yield path.name


def _told(finding: audit.Finding) -> str:
    return finding.what if finding.entry is None else f"entry {finding.entry}: {finding.what}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)
