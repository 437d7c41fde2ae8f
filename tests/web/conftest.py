"""Browsers without a screen, on the node that stands where questions are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from litestar import Litestar

import story
from browsing import Browser
from serving import application
from usufruct.node.node import Node


@pytest.fixture
def app(node: Node) -> Iterator[Litestar]:
    """The web application of the node that stands where questions are answered."""
    with application(node) as app:
        yield app


@pytest.fixture
def browse(app: Litestar, node: Node) -> Iterator[Callable[..., Browser]]:
    """Opens browsers: `browse()` for a stranger, `browse("member-3", "member")` for somebody logged in."""
    opened: list[Browser] = []

    def open_browser(party: str = "", role: str = "") -> Browser:
        opened.append(Browser(app, node, party, role))
        return opened[-1]

    yield open_browser
    for browser in reversed(opened):  # the last opened first, for they share a thread
        browser.close()


@pytest.fixture
def stranger(browse: Callable[..., Browser]) -> Browser:
    """Nobody in particular."""
    return browse()


@pytest.fixture
def member(browse: Callable[..., Browser]) -> Browser:
    """The third of the twelve."""
    return browse("member-3", "member")


@pytest.fixture
def user(browse: Callable[..., Browser]) -> Browser:
    """The institute."""
    return browse(story.USER, "user")


@pytest.fixture
def steward(browse: Callable[..., Browser]) -> Browser:
    """Who runs the node."""
    return browse(story.OPERATOR, "steward")
