"""Before a node serves: are the tiles of its public log what its checkpoints were signed for?

Opening a node looks at the edge of the tree, which is what is signed next; that takes no time at any size. What lies inside
is served to others as tiles. A tile that does not lead to the signed root would look to them like a forged history, so a
node that finds one does not start.
"""

from __future__ import annotations

from usufruct.core.base.faults import JournalDamaged
from usufruct.core.proof.tree import first_wrong
from usufruct.node.node import Node


def check(node: Node) -> None:
    """Compares every stored node of the tree with the leaves below it.

    Raises:
        JournalDamaged: one is not what the last checkpoint was signed for.
    """
    with node.store.read() as state:
        wrong = first_wrong(state.size(), state.leaves, state.hashes)
    if wrong is not None:
        level, index = wrong
        raise JournalDamaged(
            "node.journal",
            f"the tiles are not those that were signed for: node {index} at level {level} of the tree is not the hash of "
            f"facts {index << level} to {((index + 1) << level) - 1}",
            "do not serve this copy; run `usufruct journal verify`, then restore the directory from a backup",
        )
