"""Tessera's fsck makes every tile of our log again from its entries, in a folder and over HTTP, and finds ours the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from golang import build, run

from longlog import LongLog
from serving import served
from usufruct.main import open_node
from usufruct.web.app import make_app


@pytest.fixture(scope="module")
def fsck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("fsck", tmp_path_factory.mktemp("go"))


def test_the_folder(fsck: Path, long_log: LongLog) -> None:
    found = run(fsck, long_log.folder.as_uri(), long_log.key)
    assert found.returncode == 0, found.stderr


def test_the_node(fsck: Path, long_log: LongLog) -> None:
    with open_node(long_log.node) as node, served(make_app(node)) as url:
        found = run(fsck, f"{url}/journal/", long_log.key)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("name", ["checkpoint", "tile/2/000.p/1", "tile/1/000", "tile/0/100", "tile/entries/273.p/112"])
def test_a_damaged_folder_is_refused(fsck: Path, long_log: LongLog, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(long_log.folder, tmp_path / "log"))
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    found = run(fsck, copy.as_uri(), long_log.key)
    assert found.returncode != 0 and found.stderr
