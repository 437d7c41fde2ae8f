"""The monitor: reads a whole public log and trusts nothing in it but a key.

What is known at first is the signed root, and nothing else. The tiles at the tree's right edge hold all the hashes that
the root is made of: if it can be made from them, every hash in them is *proven*. A proven hash proves the tile below it,
if that tile's root is this hash, and so on down to the leaf hashes, which prove the entries. So each file is either what
the key signed for or is named as damaged.

A tile that is not what the tree holds can be made again from what lies below it. It is named, and the walk goes on with
what was made, so that one damaged file does not hide another, and no sound file is blamed for it. Only where several
files that stand for one another are damaged at once can it not be said which were right; then the ones that disagree are
all named.

Older partial tiles may lie about: they must be the beginnings of the newer ones. Checkpoints that somebody kept must be
continued by the log. Both are compared with what was proven.

Files come through `read`, so that a folder and a web address are looked at by the same code, and nothing they hold can
do more than be named: what is not in form is a finding and never an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from usufruct.core.proof.checkpoint import Checkpoint, Verify, open_note, parse_vkey
from usufruct.core.proof.tiles import ENTRIES, WIDTH, Tile, edge_of, hash_at, leaf_hashes, peaks
from usufruct.core.proof.tree import HASH_SIZE, Frontier, consistency_proof, verify_consistency

Read = Callable[[str, int], bytes | None]
"""`read(path, limit)`: the file at a place in the log, None if there is none. Of one longer than `limit` bytes, more than
`limit` bytes suffice. Raises OSError if there is one and it cannot be read."""

CHECKPOINT = "checkpoint"
CHECKPOINT_LIMIT = 1 << 20
"""The longest checkpoint that is read, in bytes; a hundred signatures of any kind fit."""

FINDINGS_LIMIT = 1_000
"""After so many findings nothing more is looked for."""

_REMEMBERED = 600  # tiles; a tile, the 256 below it and their bundles are looked at more than once where one is damaged


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the log that is not as it must be: the `file`, or the name of a kept checkpoint, and `what` it is."""

    file: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """The log's checkpoint (None if it is not good), and what was found wrong."""

    checkpoint: Checkpoint | None
    findings: tuple[Finding, ...]


def signed(note: str, key: str, verify: Verify) -> Checkpoint:
    """The checkpoint in a note, if the log's key `key` signed it.

    Raises:
        ValueError: it is not a note, not signed by the key, or the checkpoint of a log of another name.
    """
    found = Checkpoint.parse(open_note(note, key, verify))
    name = parse_vkey(key)[0]
    if found.origin != name:
        raise ValueError(f"the checkpoint is of the log `{found.origin}`, not of `{name}`")
    return found


def check(
    read: Read, key: str, verify: Verify, kept: Sequence[tuple[str, str]] = (), listed: Iterable[str] = ()
) -> Report:
    """Verifies a log against its key: signature, every tile, every entry, and that it goes on from what was kept.

    `kept` are checkpoints with the names to report them by; `listed` are the paths of all files that lie under `tile/`,
    where that can be known: those that the newest checkpoint does not need are looked at too.

    Raises:
        ValueError: `key` is no verifier key, or a kept checkpoint is not of that key.
    """
    parse_vkey(key)
    anchors = [(name, signed(note, key, verify)) for name, note in kept]
    monitor, checkpoint = _Monitor(read), None
    with contextlib.suppress(_EnoughFoundError):
        monitor.take_list(listed)
        checkpoint = monitor.open_checkpoint(key, verify)
        if checkpoint is None:
            monitor.look_at_form()
        else:
            monitor.look_at_tree(checkpoint)
            for name, anchor in anchors:
                monitor.look_back(f"kept {name}", anchor, checkpoint)
    findings = tuple(Finding(*item) for item in sorted(monitor.findings.items()))
    return Report(checkpoint, findings)


class _EnoughFoundError(Exception):
    """The log is beyond what naming more files would help."""


class _Monitor:
    """One look at a log. `content` stands for a tile's hashes joined; for a bundle, the ones that its entries imply."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.findings: dict[str, str] = {}  # by file; what was found first is nearest to the cause
        self._stored = lru_cache(_REMEMBERED)(self._read_tile)
        self._others: dict[tuple[int, int], set[Tile]] = {}  # tiles that are listed, by level and index

    def take_list(self, listed: Iterable[str]) -> None:
        """What else lies there, beside what the checkpoint promises."""
        for path in listed:
            try:
                tile = Tile.parse(path)
            except ValueError:
                self._find(path, "is not the name of a tile")
            else:
                self._others.setdefault((tile.level, tile.index), set()).add(tile)

    def open_checkpoint(self, key: str, verify: Verify) -> Checkpoint | None:
        """The log's checkpoint, if it is good."""
        try:
            data = self._bytes(CHECKPOINT, CHECKPOINT_LIMIT)
            if data is not None:
                return signed(data.decode(), key, verify)
            self._find(CHECKPOINT, "is missing")
        except UnicodeDecodeError:
            self._find(CHECKPOINT, "is not text")
        except ValueError as error:
            self._find(CHECKPOINT, f"is not good: {error}")
        return None

    def look_at_form(self) -> None:
        """Where there is no tree to compare with, the form of what is listed can be told."""
        for tile in sorted(tile for tiles in self._others.values() for tile in tiles):
            self._stored(tile)

    def look_at_tree(self, checkpoint: Checkpoint) -> None:
        """Walks down from the root."""
        for tile in [tile for tiles in self._others.values() for tile in tiles]:
            if tile.sizes()[0] > checkpoint.size:
                self._others[tile.level, tile.index].remove(tile)
                self._find(
                    tile.path, f"reaches beyond the {checkpoint.size} entries that the checkpoint was signed for"
                )
        edge = edge_of(checkpoint.size)
        contents = self._prove_edge(edge, checkpoint)
        for tile, content in zip(edge, contents or map(self._stored, edge), strict=True):
            self._walk(tile, content, contents is not None)
        self.look_at_form()

    def look_back(self, name: str, kept: Checkpoint, checkpoint: Checkpoint) -> None:
        """Whether the log goes on from a kept checkpoint."""
        if kept.size > checkpoint.size:
            self._find(
                name, f"was signed for {kept.size} entries, and the log has only {checkpoint.size}: it was cut back"
            )
            return
        try:
            proof = consistency_proof(kept.size, checkpoint.size, hash_at(checkpoint.size, self._present))
        except LookupError:
            proof = []
        if not verify_consistency(kept.size, kept.root, checkpoint.size, checkpoint.root, proof):
            if self.findings:
                self._find(name, "could not be compared with the log, for files of it are damaged")
            else:
                self._find(name, f"is not what the log begins with: {kept.size} entries were signed for in two ways")

    def _prove_edge(self, edge: Sequence[Tile], checkpoint: Checkpoint) -> Sequence[bytes] | None:
        """The contents of the tiles at the right edge, top first, from which the signed root follows."""

        def proves(contents: Sequence[bytes]) -> bool:
            hashes = [peak for content in contents for peak in peaks(content)]
            return Frontier(checkpoint.size, hashes).root() == checkpoint.root

        stored = [self._stored(tile) for tile in edge]
        found = [content for content in stored if content is not None]
        if len(found) == len(edge) and proves(found):
            return found
        ways = [
            {content for content in (old, self._made(tile), self._made(tile, deep=True)) if content is not None}
            for tile, old in zip(edge, stored, strict=True)
        ]
        for contents in product(*ways):
            if proves(contents):
                for tile, old, content in zip(edge, stored, contents, strict=True):
                    if old is not None and old != content:
                        self._find(tile.path, "is not what the root was made of")
                return contents
        if len(found) == len(edge):
            self._find(CHECKPOINT, "was signed for another root than the files lead to")
        return None

    def _walk(self, tile: Tile, content: bytes | None, proven: bool) -> None:
        """Compares what lies below a tile with its content; without one, looks at the form of what lies there."""
        self._look_at_partials(tile, content if proven else None)
        if tile.level == 0:
            bundle = Tile(ENTRIES, tile.index, tile.width)
            self._look_at_partials(bundle, content if proven else None)
            implied = self._stored(bundle)
            if implied is not None and content is not None and implied != content:
                entry = _first_difference(implied, content, tile)
                self._find(bundle.path, f"entry {entry} is not the one that `{tile.path}` says")
                if not proven:
                    self._find(tile.path, f"does not agree with `{bundle.path}`")
            return
        for number in range(tile.width):
            child = Tile(tile.level - 1, tile.index * WIDTH + number)
            if content is None:
                below = self._stored(child)
                if below is not None:  # else one could walk through a tree that is signed for and not there at all
                    self._walk(child, below, False)
            else:
                root = content[HASH_SIZE * number : HASH_SIZE * (number + 1)]
                self._descend(child, tile, root, proven)

    def _descend(self, tile: Tile, above: Tile, root: bytes, proven: bool) -> None:
        """Goes on with a full tile whose root is in the one above, or with what can be made in its place."""
        stored = self._stored(tile)
        if stored is not None and peaks(stored) == [root]:
            self._walk(tile, stored, proven)
            return
        if not proven:
            if stored is not None:
                self._find(above.path, f"does not agree with `{tile.path}`")
                if stored != self._made(tile):  # else two against one
                    self._find(tile.path, f"does not agree with `{above.path}`")
            self._walk(tile, stored, False)
            return
        if stored is not None:
            self._find(tile.path, f"its root is not the one that `{above.path}` says")
        made = [content for content in (self._made(tile), self._made(tile, deep=True)) if content is not None]
        content = next((content for content in made if peaks(content) == [root]), None)
        if content is None and made and tile.level == 0:
            self._find(Tile(ENTRIES, tile.index).path, f"its entries are not the ones that `{above.path}` says")
        self._walk(tile, content or stored, content is not None)

    def _made(self, tile: Tile, deep: bool = False) -> bytes | None:
        """A tile's content as what lies below makes it: one level below, or if `deep` the entries themselves."""
        if tile.level == 0:
            return self._stored(Tile(ENTRIES, tile.index, tile.width))
        hashes = []
        for number in range(tile.index * WIDTH, tile.index * WIDTH + tile.width):
            child = Tile(tile.level - 1, number)
            content = (None if deep else self._stored(child)) or self._made(child, deep)
            if content is None:
                return None
            hashes += peaks(content)
        return b"".join(hashes)

    def _look_at_partials(self, tile: Tile, content: bytes | None) -> None:
        """Other widths of a tile must be beginnings of it."""
        for other in sorted(self._others.pop((tile.level, tile.index), set()) - {tile}):
            stored = self._stored(other)
            if stored is not None and content is not None and not content.startswith(stored):
                self._find(other.path, f"is not the beginning of `{tile.path}`")

    def _present(self, tile: Tile) -> bytes:
        content = self._stored(tile)
        if content is None:
            raise LookupError(tile.path)
        return content

    def _read_tile(self, tile: Tile) -> bytes | None:
        """What is stored of a tile, if it is in form. A partial one may be gone where the full one is."""
        for file in filter(None, (tile, tile.full())):
            data = self._bytes(file.path, file.bytes_limit)
            if data is None:
                continue
            try:
                if tile.level == ENTRIES:
                    data = leaf_hashes(data, file.width)
                elif len(data) != file.bytes_limit:
                    raise ValueError(f"it has {len(data)} bytes, not {file.bytes_limit}")
            except ValueError as error:
                self._find(file.path, f"is not in form: {error}")
                return None
            return data[: HASH_SIZE * tile.width]
        self._find(tile.path, "is missing")
        return None

    def _bytes(self, path: str, limit: int) -> bytes | None:
        try:
            data = self._read(path, limit)
        except OSError as error:
            self._find(path, f"cannot be read: {error.strerror or error}")
            return None
        if data is not None and len(data) > limit:
            self._find(path, f"is longer than {limit} bytes")
            return None
        return data

    def _find(self, file: str, what: str) -> None:
        if len(self.findings) == FINDINGS_LIMIT:
            raise _EnoughFoundError
        self.findings.setdefault(file, what)


def _first_difference(one: bytes, other: bytes, tile: Tile) -> int:
    """The number of the first entry in which two contents of a tile differ."""
    places = range(0, len(one), HASH_SIZE)
    differ = next(place for place in places if one[place : place + HASH_SIZE] != other[place : place + HASH_SIZE])
    return tile.index * WIDTH + differ // HASH_SIZE
