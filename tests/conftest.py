"""Fixtures for all tests; what they are made of is in `story` and `support`."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main
import typer.testing

import longlog
import story
from forked import forking
from pg_server import pg_address, pg_server  # noqa: F401 (fixtures)
from support import SetClock
from usufruct.core.registry.rules import Card
from usufruct.main import open_node
from usufruct.node.node import Node

if TYPE_CHECKING:
    from authzen.world import World

# The tree of our commands is the same each time, and takes a tenth of a second to build; the tests run a thousand.
typer.main.get_command = functools.cache(typer.main.get_command)
typer.testing._get_command = typer.main.get_command


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: a fifth of the time a worker waits, for a disk, a tick or a child."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pay of twelve people, as CSV."""
    return story.write_table(tmp_path_factory.mktemp("table") / "pay.csv")


@pytest.fixture(scope="session")
def card() -> Card:
    """The card of that table."""
    return story.read_card()


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("founded") / "node"
    story.found(directory)
    return directory


@pytest.fixture(scope="session")
def agreed(tmp_path_factory: pytest.TempPathFactory, founded: Path, table: Path) -> Path:
    directory = tmp_path_factory.mktemp("agreed") / "node"
    shutil.copytree(founded, directory)
    with open_node(directory) as node:
        story.bring_to_agreement(node, table)
    return directory


@pytest.fixture(scope="session")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> longlog.LongLog:
    """A journal of 70,000 facts, and its public log in a folder. Not to be changed."""
    return longlog.write(tmp_path_factory.mktemp("long"))


@pytest.fixture(scope="session")
def deciding_node(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> Iterator[World]:
    """A served node that decides for three applications. Not to be changed."""
    from authzen.world import deciding  # it loads the web, which few tests need

    with deciding(Path(shutil.copytree(founded, tmp_path_factory.mktemp("deciding") / "node"))) as world:
        yield world


@pytest.fixture(scope="session")
def forked() -> Iterator[Path]:
    """A folder for the front of PATH, in which `usufruct` starts at once: see `forked`."""
    with forking() as folder:
        yield folder


@pytest.fixture
def clock() -> SetClock:
    """A clock that goes on a second whenever it is read."""
    return SetClock()


@pytest.fixture
def new_directory(tmp_path: Path, founded: Path) -> Path:
    """The directory of a node that nobody has used yet."""
    return Path(shutil.copytree(founded, tmp_path / "node"))


@pytest.fixture
def directory(tmp_path: Path, agreed: Path) -> Path:
    """The directory of a node that stands where questions are answered: table, consents, offer, agreement."""
    return Path(shutil.copytree(agreed, tmp_path / "node"))


@pytest.fixture
def node(directory: Path, clock: SetClock) -> Iterator[Node]:
    """That node, open."""
    with open_node(directory, clock) as node:
        yield node
