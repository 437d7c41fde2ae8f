"""The world of each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rounds.world import World, world


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """A new node where people look for work."""
    with world(tmp_path / "node") as made:
        yield made
