"""The public log in tiles: each has one name and one content, and whoever has only the key finds every change."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from functools import lru_cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import cases

from usufruct.core.proof import monitor
from usufruct.core.proof.checkpoint import Checkpoint, sign_note, vkey
from usufruct.core.proof.tiles import (
    ENTRIES,
    WIDTH,
    Tile,
    bundle,
    content,
    edge_of,
    entries_of,
    hash_at,
    leaf_hashes,
    peaks,
    tiles_of,
)
from usufruct.core.proof.tree import Frontier, inclusion_proof, leaf_hash, root_of, verify_inclusion
from usufruct.store.keys import verify_signature

NAME = "log.example/one"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw()
VKEY = vkey(NAME, PUBLIC)


class Tree:
    """`tiles.Source` over entries in memory."""

    def __init__(self, entries: list[bytes]) -> None:
        self.entries = entries
        self.stored = {(0, index): leaf_hash(entry) for index, entry in enumerate(entries)}
        frontier = Frontier()
        for entry in entries:
            self.stored |= {(level, index): value for level, index, value in frontier.append(entry)}

    def leaves(self, first: int, count: int) -> list[bytes]:
        return self.entries[first : first + count]

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        return [self.stored[level, index] for index in range(first, first + count)]


@lru_cache(maxsize=32)
def tree(size: int, salt: str = "") -> Tree:
    return Tree([hashlib.sha256(f"{salt}{number}".encode()).digest() for number in range(size)])


def note(size: int, salt: str = "") -> str:
    root = peaks_root(size, salt)
    return sign_note(Checkpoint(NAME, size, root).body(), NAME, PUBLIC, KEY.sign)


def peaks_root(size: int, salt: str = "") -> bytes:
    grown = tree(size, salt)
    return Frontier.load(size, lambda level, index: grown.stored[level, index]).root()


def log(size: int, salt: str = "") -> dict[str, bytes]:
    """The files of a log."""
    files = {tile.path: content(tile, tree(size, salt)) for tile in tiles_of(size)}
    return files | {"checkpoint": note(size, salt).encode()}


def check(files: Mapping[str, bytes], *kept: str) -> dict[str, str]:
    """What the monitor finds, by file."""
    listed = [path for path in files if path != "checkpoint"]
    anchors = [(str(number), kept_note) for number, kept_note in enumerate(kept)]
    report = monitor.check(lambda path, limit: files.get(path), VKEY, verify_signature, anchors, listed)
    return {finding.file: finding.what for finding in report.findings}


# Names


@cases("""
    level   | index              | width | path
    0       | 0                  | 256   | tile/0/000
    0       | 7                  | 1     | tile/0/007.p/1
    1       | 999                | 255   | tile/1/999.p/255
    2       | 1000               | 256   | tile/2/x001/000
    0       | 1234067            | 256   | tile/0/x001/x234/067
    entries | 1234067            | 8     | tile/entries/x001/x234/067.p/8
    entries | 36028797018963     | 256   | tile/entries/x036/x028/x797/x018/963
""")
def test_a_tile_has_one_path(row: dict[str, str]) -> None:
    level = ENTRIES if row["level"] == "entries" else int(row["level"])
    tile = Tile(level, int(row["index"]), int(row["width"]))
    assert tile.path == row["path"]
    assert Tile.parse(row["path"]) == tile


@cases("""
    path                          | because
    tile/00/000                   | a level has no leading zeros
    tile/64/000                   | levels end at 63
    tile/8/000                    | a tree of 2**64 leaves is too large
    tile/-1/000                   | a level has no sign
    tile/0/0                      | groups have three digits
    tile/0/0000                   | groups have three digits
    tile/0/x000/001               | no leading groups of zeros
    tile/0/001/002                | groups before the last begin with x
    tile/0/x001                   | the last group has no x
    tile/0/x001/x234/x067         | the last group has no x
    tile/0/000.p/0                | an empty tile is not there
    tile/0/000.p/256              | a full tile is not partial
    tile/0/000.p/01               | a width has no leading zeros
    tile/0/000.p/                 | a width is missing
    tile/0/000.p/1/               | nothing comes after
    tile/0/000/                   | nothing comes after
    tile/data/000                 | that is another format
    tile/entries/000.gz           | that is another format
    tile//000                     | a level is missing
    tile/0/٠٠٠                    | digits are ASCII
    tile/0/x999/x999/x999/x999/x999/x999/x999/999 | too large
    tile/0/x036/x028/x797/x018/x963/968           | no tree has 2**63 leaves
    ../checkpoint                 | not below tile
    checkpoint                    | not below tile
""")
def test_other_spellings_are_refused(row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="tile"):
        Tile.parse(row["path"])


@given(st.integers(-1, 7), st.integers(0, 2**40), st.integers(1, 256))
def test_what_can_be_named_is_read_back(level: int, index: int, width: int) -> None:
    try:
        tile = Tile(level, index, width)
    except ValueError:
        assert (index * 256 + width) * 256 ** max(level, 0) >= 2**63
    else:
        assert Tile.parse(tile.path) == tile


def test_the_tiles_of_the_standards_example() -> None:
    """tlog-tiles, Partial Tiles: a tree of 70,000."""
    found = list(tiles_of(70_000))
    hashes = [tile for tile in found if tile.level != ENTRIES]
    assert [tile.path for tile in hashes if tile.width < WIDTH] == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert [sum(t.level == level and t.width == WIDTH for t in hashes) for level in (0, 1, 2)] == [273, 1, 0]
    assert sum(tile.level == ENTRIES for tile in found) == 274


@given(st.integers(0, 2**20))
def test_the_edge_is_the_partial_tiles(size: int) -> None:
    partial = [tile for tile in tiles_of(size) if tile.width < WIDTH and tile.level != ENTRIES]
    assert edge_of(size) == partial[::-1]


@given(st.integers(0, 2**20))
def test_a_tree_has_the_tiles_whose_sizes_it_is_of(size: int) -> None:
    found = set(tiles_of(size))
    assert all(tile.sizes()[0] <= size <= tile.sizes()[1] for tile in found)
    near = {
        Tile(level, index, width)
        for level in (ENTRIES, 0, 1, 2)
        for index in {0, (size >> 8 * max(level, 0)) // 256, (size >> 8 * max(level, 0)) // 256 + 1}
        for width in range(1, 257)
    }
    assert {tile for tile in near if tile.sizes()[0] <= size <= tile.sizes()[1]} == near & found


# Contents


@given(st.lists(st.binary(max_size=300), max_size=WIDTH))
def test_a_bundle_is_read_back(entries: list[bytes]) -> None:
    data = bundle(entries)
    assert entries_of(data, len(entries)) == entries
    assert leaf_hashes(data, len(entries)) == b"".join(map(leaf_hash, entries))
    for other in (data + b"\0", data + b"\0\0", data[:-1]):
        if other != data:
            with pytest.raises(ValueError, match=r"entry|entries"):
                entries_of(other, len(entries))


def test_an_entry_may_have_65535_bytes_and_no_more() -> None:
    assert entries_of(bundle([bytes(65_535)]), 1) == [bytes(65_535)]
    with pytest.raises(ValueError, match="65535"):
        bundle([bytes(65_536)])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_proofs_can_be_made_from_tiles_alone(size: int) -> None:
    files = log(size)
    made = hash_at(size, lambda tile: files[tile.path])
    root = peaks_root(size)
    assert root == root_of(tree(size).entries)
    for index in {0, 1, size // 2, size - 1} & set(range(size)):
        assert verify_inclusion(tree(size).entries[index], index, size, inclusion_proof(index, size, made), root)


def test_the_peak_of_a_full_tile_is_its_root() -> None:
    assert peaks(b"".join(tree(256).hashes(0, 0, 256))) == [root_of(tree(256).entries)]


# The monitor


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 700])
def test_a_sound_log_is_sound(size: int) -> None:
    assert check(log(size)) == {}
    assert check(log(size), *(note(old) for old in (0, 1, size // 2, size) if old <= size)) == {}


@pytest.mark.parametrize("size", [1, 3, 257, 700])
def test_every_file_that_is_changed_is_named_and_no_other(size: int) -> None:
    files, chance = log(size), random.Random(size)
    for path, data in files.items():
        place = chance.randrange(len(data))
        edited = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
        for change in (edited, data[:place], data + b"\0", b"", bytes(len(data)), data * 2):
            assert set(check(files | {path: change})) == {path}, (path, change[:40])
        assert set(check({name: content for name, content in files.items() if name != path})) == {path}


def test_every_pair_of_files_that_is_swapped_is_named() -> None:
    files = log(700)
    for one in files:
        for other in files:
            if one < other:
                assert set(check(files | {one: files[other], other: files[one]})) == {one, other}


def test_a_history_rewritten_with_all_its_tiles_does_not_lead_to_the_root() -> None:
    """Every file agrees with every other; only what was signed does not."""
    assert set(check(log(700, "other") | {"checkpoint": note(700).encode()})) == {"checkpoint"}


def test_an_entry_rewritten_with_the_tile_above_it() -> None:
    files, other = log(700), log(700, "other")
    paths = {"tile/0/001", "tile/entries/001"}
    assert set(check(files | {path: other[path] for path in paths})) == paths


def test_one_damaged_file_does_not_hide_another() -> None:
    files, other = log(700), log(700, "other")
    damaged = {"tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/188", "tile/0/001"}
    found = check(files | {path: other[path] for path in damaged - {"tile/0/001"}} | {"tile/0/001": b"short"})
    assert damaged <= set(found)


@settings(max_examples=60)
@given(st.data())
def test_whatever_lies_there_is_named_and_breaks_nothing(data: st.DataObject) -> None:
    files = log(700)
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(files)), st.binary(max_size=9_000), min_size=1))
    found = check(files | changed)
    assert set(changed) - set(found) <= {path for path in changed if changed[path] == files[path]}


@pytest.mark.parametrize("path", ["tile/0/000.p/12", "tile/entries/002.p/3", "tile/1/000.p/1"])
def test_older_partial_tiles_are_the_beginnings_of_newer_ones(path: str) -> None:
    tile, files = Tile.parse(path), log(700)
    old = content(tile, tree(700))
    assert check(files | {path: old}) == {}
    assert set(check(files | {path: old[:-1] + bytes([old[-1] ^ 1])})) == {path}
    assert set(check(files | {path: old[:-1]})) == {path}


@pytest.mark.parametrize(
    "path", ["tile/0/003.p/1", "tile/0/002", "tile/2/000.p/1", "tile/0/notes.txt", "tile/0/2.p/188"]
)
def test_what_does_not_belong_to_the_log_is_named(path: str) -> None:
    assert set(check(log(700) | {path: b"anything"})) == {path}


def test_a_full_tile_stands_for_the_partial_one_that_it_became() -> None:
    """The log has gone on while it was looked at, and partial tiles were removed."""
    files, later = log(700), log(800)
    for path in ("tile/0/002.p/188", "tile/entries/002.p/188"):
        del files[path]
        full = path.partition(".p")[0]
        files[full] = later[full]
    report = monitor.check(lambda path, limit: files.get(path), VKEY, verify_signature)
    assert report.findings == ()
    files["tile/0/002"] = files["tile/0/002"][:-1]
    report = monitor.check(lambda path, limit: files.get(path), VKEY, verify_signature)
    assert {finding.file for finding in report.findings} == {"tile/0/002"}


@cases("""
    kept | salt  | says
    700  |       |
    699  |       |
    1    |       |
    0    |       |
    701  |       | was cut back
    700  | other | in two ways
    256  | other | in two ways
    1    | other | in two ways
""")
def test_what_was_kept_must_be_continued(row: dict[str, str]) -> None:
    found = check(log(700), note(int(row["kept"]), row["salt"]))
    assert list(found) == (["kept 0"] if row["says"] else [])
    assert row["says"] in found.get("kept 0", "")


def test_a_kept_checkpoint_is_not_called_a_lie_for_damage() -> None:
    files = log(700)
    found = check(files | {"tile/0/000": b""}, note(255))
    assert set(found) == {"tile/0/000", "kept 0"} and "damaged" in found["kept 0"]


def test_another_key_signed_nothing_here() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    signed = sign_note(
        Checkpoint(NAME, 3, peaks_root(3)).body(), NAME, other.public_key().public_bytes_raw(), other.sign
    )
    assert set(check(log(3) | {"checkpoint": signed.encode()})) == {"checkpoint"}
    elsewhere = sign_note(Checkpoint("log.example/two", 3, peaks_root(3)).body(), NAME, PUBLIC, KEY.sign)
    assert set(check(log(3) | {"checkpoint": elsewhere.encode()})) == {"checkpoint"}
    with pytest.raises(ValueError, match="not signed by"):
        check(log(3), signed)


def test_without_a_checkpoint_the_form_of_the_tiles_is_looked_at() -> None:
    files = log(700)
    files |= {"checkpoint": files["tile/entries/000"], "tile/entries/000": files["checkpoint"]}
    assert set(check(files)) == {"checkpoint", "tile/entries/000"}


def test_what_cannot_be_read_is_named_and_what_is_endless_is_not_read() -> None:
    files = log(3)
    asked = []

    def read(path: str, limit: int) -> bytes | None:
        asked.append(limit)
        if path == "tile/entries/000.p/3":
            raise PermissionError(13, "not yours")
        return bytes(limit + 1) if path == "tile/0/000.p/3" else files.get(path)

    report = monitor.check(read, VKEY, verify_signature)
    assert {finding.file: finding.what for finding in report.findings} == {
        "tile/0/000.p/3": "is longer than 96 bytes",
        "tile/entries/000.p/3": "cannot be read: not yours",
    }
    assert max(asked) <= 256 * (2 + 65_535)


@pytest.mark.parametrize("size", [2**40 + 77, 2**63 - 1])
def test_a_tree_that_was_signed_for_and_is_not_there_keeps_nobody_busy(size: int) -> None:
    signed = sign_note(Checkpoint(NAME, size, bytes(32)).body(), NAME, PUBLIC, KEY.sign)
    files = {"checkpoint": signed.encode()}
    assert 0 < len(check(files)) <= monitor.FINDINGS_LIMIT
    asked = []

    def garbage(path: str, limit: int) -> bytes | None:
        asked.append(path)
        return files.get(path) or hashlib.shake_256(path.encode()).digest(min(limit, 8192))

    report = monitor.check(garbage, VKEY, verify_signature)
    assert 0 < len(report.findings) <= monitor.FINDINGS_LIMIT and len(asked) < 10_000


def test_a_folder_full_of_something_else_is_told_in_short() -> None:
    report = monitor.check(lambda path, limit: None, VKEY, verify_signature, (), (f"tile/{n}" for n in range(10**9)))
    assert len(report.findings) == monitor.FINDINGS_LIMIT
