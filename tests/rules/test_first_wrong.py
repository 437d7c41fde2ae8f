"""A tree that is stored is compared with its leaves, node by node."""

from __future__ import annotations

import random

import pytest

from usufruct.core.proof import tree
from usufruct.core.proof.tree import Frontier, first_wrong


class Stored:
    """Leaves and complete subtrees, as a store keeps them."""

    def __init__(self, size: int) -> None:
        self.entries = [number.to_bytes(32, "big") for number in range(size)]
        self.nodes: dict[tuple[int, int], bytes] = {}
        frontier = Frontier()
        for entry in self.entries:
            self.nodes |= {(level, index): node for level, index, node in frontier.append(entry)}

    def wrong(self) -> tuple[int, int] | None:
        return first_wrong(
            len(self.entries),
            lambda first, count: self.entries[first : first + count],
            lambda level, index, count: [self.nodes[level, i] for i in range(index, index + count)],
        )


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 16 leaves, so that small trees have many."""
    monkeypatch.setattr(tree, "_BLOCK", 4)


@pytest.mark.parametrize("size", [*range(70), 255, 256, 257, 300])
def test_a_tree_as_it_grew_is_right(size: int) -> None:
    assert Stored(size).wrong() is None


def test_every_wrong_node_is_found() -> None:
    for level, index in Stored(77).nodes:
        stored = Stored(77)
        stored.nodes[level, index] = b"x" * 32
        assert stored.wrong() == (level, index)


def test_every_wrong_leaf_is_found_at_the_node_above_it() -> None:
    chosen = random.Random(3).sample(range(76), 40)  # the 77th leaf stands alone: no complete node is above it
    for number in chosen:
        stored = Stored(77)
        stored.entries[number] = b"y" * 32
        assert stored.wrong() == (1, number // 2)
