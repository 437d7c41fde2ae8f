"""What of the journal is public: its size, its signed checkpoints, its leaves and the tree over them. None of it needs a
key, so it can also be read by whoever only publishes it."""

from __future__ import annotations

from collections.abc import Iterable

from usufruct.core.base.faults import JournalDamaged
from usufruct.core.proof.tree import leaf_hash
from usufruct.store.tables import Connection


class SqlPublicLog:
    """`ports.PublicLog` over a reading connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        """The number of facts."""
        return int(self._connection.execute("SELECT coalesce(max(seq) + 1, 0) FROM journal").fetchone()[0])

    def checkpoint(self) -> str | None:
        """The newest signed checkpoint."""
        found = self._connection.execute("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        return found[0] if found else None

    def signed_between(self, first: int, last: int) -> bool:
        """Whether a checkpoint was signed for a size in that range."""
        query = "SELECT 1 FROM checkpoint WHERE size BETWEEN ? AND ? LIMIT 1"
        return self._connection.execute(query, (first, last)).fetchone() is not None

    def leaves(self, first: int, count: int) -> list[bytes]:
        """The leaves from that number on."""
        query = "SELECT leaf FROM journal WHERE seq >= ? AND seq < ? ORDER BY seq"
        return _complete(self._connection.execute(query, (first, first + count)), count)

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """The tree's hashes at that level, from that number on."""
        if level == 0:
            return list(map(leaf_hash, self.leaves(first, count)))
        query = "SELECT hash FROM tree WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx"
        return _complete(self._connection.execute(query, (level, first, first + count)), count)


def _complete(rows: Iterable[tuple[bytes]], count: int) -> list[bytes]:
    found = [bytes(value) for (value,) in rows]
    if len(found) != count:
        raise JournalDamaged(
            "node.journal",
            "a leaf, or a hash of the tree, is missing",
            "run `usufruct journal verify`, then restore the directory from a backup",
        )
    return found
