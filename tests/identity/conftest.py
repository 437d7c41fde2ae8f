"""A node with an institute, a member and an agent, who have shown nothing yet, and a guild that it trusts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

import story
from identity.world import Issuer, past_the_start
from serving import application
from support import SetClock
from usufruct.main import open_node
from usufruct.node import register
from usufruct.node.node import Node

MEMBER, AGENT, HELPER = "mari", "robot", "helper"


@pytest.fixture(scope="session")
def peopled(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> Path:
    directory = tmp_path_factory.mktemp("peopled") / "node"
    shutil.copytree(founded, directory)
    with open_node(directory) as node:
        story.register_parties(node)
        story.done(register.add_party(node, MEMBER, "person", "Mari"))
        story.done(register.add_party(node, AGENT, "agent", "Robot", story.USER))
        story.done(register.add_party(node, HELPER, "agent", "Helper", story.USER))
    return directory


@pytest.fixture
def plain(tmp_path: Path, peopled: Path, clock: SetClock) -> Iterator[Node]:
    """The node as its settings have it: it trusts nobody."""
    with open_node(Path(shutil.copytree(peopled, tmp_path / "peopled")), clock) as node:
        past_the_start(clock)
        yield node


@pytest.fixture
def issuer(plain: Node) -> Issuer:
    """The guild, with a status list on which nothing is revoked."""
    found = Issuer(plain)
    found.publish()
    return found


@pytest.fixture
def node(plain: Node, issuer: Issuer) -> Node:
    """The node, which trusts the guild."""
    return issuer.trusted(plain)


@pytest.fixture
def http(node: Node) -> Iterator[TestClient[Any]]:
    """A way to its API."""
    with application(node) as app, TestClient(app, base_url=node.about.url) as client:
        yield client
