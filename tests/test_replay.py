"""Every decision of the demo, taken again from the facts before it, comes to the same bytes."""

from __future__ import annotations

from pathlib import Path

from usufruct.cli import demo
from usufruct.cli.app import Doors
from usufruct.core.access.proof import Request
from usufruct.core.access.rules import prove
from usufruct.core.base import canonical
from usufruct.core.base.records import rebuild
from usufruct.core.privacy.facts import QueryAdmitted, QueryRefused
from usufruct.main import create_node, open_node
from usufruct.store.memory import MemoryState


def test_every_decision_of_the_demo_replays_to_the_same_bytes(tmp_path: Path) -> None:
    demo.tell(tmp_path / "node", Doors(create_node, open_node), "http://127.0.0.1:8000")
    decided = 0
    with open_node(tmp_path / "node") as node, node.store.read() as journal:
        state = MemoryState()
        for entry in journal.entries(0, journal.size()):
            if isinstance(entry.fact, QueryAdmitted | QueryRefused) and entry.fact.decision:
                kept = journal.evidence(entry.fact.decision)
                value = canonical.decode(kept)
                assert isinstance(value, dict)
                again = prove(state, rebuild(Request, value["request"]), entry.at)
                assert again.encode() == kept, entry.fact.use
                assert again.permits == isinstance(entry.fact, QueryAdmitted)
                decided += 1
            state.apply(entry)
    assert decided >= 5
