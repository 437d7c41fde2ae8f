"""A pool whose process is killed, whose disk is full, or whose table is touched: the node is whole when it opens again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pooling
import story
from pooling import POOL
from support import JOURNAL, SetClock, rebuilt_rows, state_rows
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry import pool as membership
from usufruct.core.registry.pool import Membership
from usufruct.core.registry.state import Asset
from usufruct.main import open_node
from usufruct.node import erase, followers, pool
from usufruct.node.node import Node
from usufruct.store.audit import verify


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> Path:
    directory = Path(shutil.copytree(founded, tmp_path_factory.mktemp("pooled") / "node"))
    with open_node(directory) as node:
        pooling.begun(node)
    return directory


@pytest.fixture
def directory(pooled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pooled, tmp_path / "node"))


def places(node: Node) -> dict[str, str]:
    with node.store.read() as state:
        return {one.party: one.standing for one in state.list(Membership, pool=POOL)}


ALL_IN = {"ana": "in", "ben": "in", "cleo": "in"}
KILLED: list[tuple[str, str, dict[str, str], list[int]]] = [
    ("found", "pool before founded", ALL_IN, [1, 2, 3]),
    ("join", "pool before joined", ALL_IN, [1, 2, 3]),
    ("join", "pool after joined", ALL_IN | {"dan": "in"}, [1, 2, 3, 1]),
    ("leave", "pool after left", ALL_IN | {"ben": "left"}, [1, 0, 3]),
    ("leave", "pool before taken out", ALL_IN | {"ben": "left"}, [1, 0, 3]),
    ("leave", "pool after taken out", ALL_IN | {"ben": "gone"}, [1, 0, 3]),
]


@pytest.fixture(scope="module")
def killed(pooled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The directory of each process that was killed, by the step at which it was."""
    directories = {step: tmp_path_factory.mktemp("killed") / "node" for _, step, _, _ in KILLED}
    for directory in directories.values():
        shutil.copytree(pooled, directory)
    wanted = [argument for what, step, _, _ in KILLED for argument in (str(directories[step]), what, step)]
    here = Path(__file__)
    paths = os.pathsep.join((str(here.parents[1]), str(here.parents[2] / "src")))
    program = [sys.executable, str(here.with_name("pooler.py")), *wanted]
    subprocess.run(program, env=os.environ | {"PYTHONPATH": paths}, check=True)
    return directories


@pytest.mark.parametrize(("step", "standing", "rows"), [one[1:] for one in KILLED], ids=[one[1] for one in KILLED])
def test_killed_anywhere_it_happened_or_it_did_not(
    step: str, standing: dict[str, str], rows: list[int], killed: dict[str, Path]
) -> None:
    directory = killed[step]
    with open_node(directory, SetClock()) as node:
        assert places(node) == standing
        assert pooling.left_behind(directory) == [], "what no fact names is thrown away, what one names is in place"
        assert pooling.counted(node) == rows
        followers.run_once(node)
        assert "left" not in places(node).values()
        assert pooling.counted(node) == rows
    before = state_rows(directory / JOURNAL)
    assert verify(directory).findings == () and rebuilt_rows(directory / JOURNAL) == before
    assert b"marmalade" not in b"".join(path.read_bytes() for path in (directory / "data").glob(f"{POOL}-*"))


def test_what_was_prepared_for_a_join_that_never_was_is_thrown_away_before_she_is_erased(directory: Path) -> None:
    """Her rows lie in the file beside the table, and she has no place in the pool by which it would be found."""
    with open_node(directory, SetClock()) as node:
        cell = pooling.cell(node, "dan")
        with node.store.read() as state:
            asset = state.get(Asset, POOL)
        assert asset is not None
        node.engine.bring(asset, cell, membership.brought(asset, cell), 3)
        assert pooling.left_behind(directory) != []
        story.done(erase.erase(node, "dan", story.OPERATOR))
        assert pooling.left_behind(directory) == []


def test_an_engine_that_fails_leaves_nobody_half_in(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> str:
        raise EngineFault("engine.data", "the disk is full", "free some space")

    with open_node(directory, SetClock()) as node:
        cell = pooling.cell(node, "dan")
        with monkeypatch.context() as broken:
            broken.setattr(type(node.engine), "bring", fails)
            broken.setattr(type(node.engine), "remove", fails)
            with pytest.raises(EngineFault):
                pool.join(node, "dan", POOL, cell.id, pooling.digest(node))
            assert places(node) == ALL_IN
            with pytest.raises(EngineFault):
                pool.leave(node, "ben", POOL)
            assert places(node) == ALL_IN | {"ben": "left"}, "she is out, whatever becomes of the table"
            assert pooling.counted(node) == [1, 0, 3]
            assert [one.follower for one in followers.run_once(node) if one.failed] == ["pools"]
        assert not isinstance(pool.join(node, "dan", POOL, cell.id, pooling.digest(node)), Refusal)
        followers.run_once(node)
        assert places(node) == ALL_IN | {"ben": "gone", "dan": "in"}
        assert pooling.counted(node) == [1, 0, 3, 1]


def test_a_table_that_could_not_be_put_in_place_is_before_the_next_change(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fact is there and the table is the old one: whoever writes it next must not begin from that."""

    def fails(*_: Any) -> None:
        raise OSError("no space left")

    with open_node(directory, SetClock()) as node:
        cells = {rider: pooling.cell(node, rider).id for rider in ("dan", "eve")}
        shown = pooling.digest(node)
        replaced = type(node.engine).replace

        def once(*arguments: Any) -> None:
            """The first call, before the table is prepared, does what it should; the second fails."""
            monkeypatch.setattr(type(node.engine), "replace", fails)
            replaced(*arguments)

        monkeypatch.setattr(type(node.engine), "replace", once)
        with pytest.raises(OSError, match="no space"):
            pool.join(node, "dan", POOL, cells["dan"], shown)
        monkeypatch.setattr(type(node.engine), "replace", replaced)
        assert pooling.counted(node) == [1, 2, 3, 0], "she is in, and her rows come with the next change"
        story.done(pool.join(node, "eve", POOL, cells["eve"], shown))
        assert pooling.counted(node) == [1, 2, 3, 1, 1]


def test_the_audit_knows_the_table_and_finds_another(directory: Path) -> None:
    assert verify(directory).findings == ()
    (file,) = (directory / "data").glob(f"{POOL}-*.duckdb")
    file.write_bytes(file.read_bytes() + b"\0")
    assert [finding.what for finding in verify(directory).findings] == [
        f"the stored table of `{POOL}` is not what was registered"
    ]
