"""A journal of 70,000 facts, as it was published at four sizes: long enough for tiles of three levels, full and partial.

It is written by the real store, in a few transactions, and exported to a folder after each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from usufruct.core.registry.facts import PartyRegistered
from usufruct.main import create_node, open_node, read_settings
from usufruct.ports import Transaction
from usufruct.store import folder

SIZES = (1_000, 33_333, 69_888, 70_000)  # the last but one has no partial tile of leaves, so none is left over


@dataclass(frozen=True, slots=True)
class LongLog:
    """The node's directory, the folder its log was exported to, its verifier key, its checkpoints by size."""

    node: Path
    folder: Path
    key: str
    notes: dict[int, str]

    @property
    def files(self) -> list[str]:
        """Every file of the export."""
        return sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file())


def write(place: Path) -> LongLog:
    """Makes the node and its log in a new directory."""
    node, out, notes = place / "node", place / "log", {}
    create_node(node, "Long", "op", "Operator", "EUR", "long.example/journal")
    with open_node(node) as opened:
        for size in SIZES:

            def grow(tx: Transaction, size: int = size) -> None:
                for number in range(tx.next, size):
                    tx.append(PartyRegistered(f"party-{number}", "organisation", f"Party {number}"))

            opened.store.write(grow)
            with opened.store.read() as state:
                note = state.checkpoint()
                assert note is not None and state.size() == size
                folder.export(state, note, out)
            notes[size] = note
    return LongLog(node, out, read_settings(node).key, notes)
