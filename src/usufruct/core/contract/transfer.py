"""The transfer of data under an agreement, as one table, in the manner of `negotiation`.

The states and moves are those of the Dataspace Protocol 2025-1, section *Transfer Process Protocol*. Both sides of a
transfer are in the same state; only who may make a move differs.

    REQUESTED ─start→ STARTED ─suspend→ SUSPENDED
                        │  ↑─────────start──┘
                        └─complete→ COMPLETED            any of them ─terminate→ TERMINATED
"""

from __future__ import annotations

START = "START"

# (state, message) -> (who may send it, the state it leads to)
MOVES: dict[tuple[str, str], tuple[str, str]] = {
    (START, "request"): ("consumer", "REQUESTED"),
    ("REQUESTED", "start"): ("provider", "STARTED"),
    ("REQUESTED", "terminate"): ("either", "TERMINATED"),
    ("STARTED", "complete"): ("either", "COMPLETED"),
    ("STARTED", "suspend"): ("either", "SUSPENDED"),
    ("STARTED", "terminate"): ("either", "TERMINATED"),
    ("SUSPENDED", "start"): ("either", "STARTED"),
    ("SUSPENDED", "terminate"): ("either", "TERMINATED"),
}

FINAL = ("COMPLETED", "TERMINATED")
