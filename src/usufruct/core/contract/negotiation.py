"""The negotiation, as one table.

Both sides of a negotiation are in the same state and know the same moves; only who may make a move differs. So there is
one table and no provider class or consumer class. The states and moves are those of the Dataspace Protocol 2025-1,
section *Contract Negotiation Protocol*; its prose lets either side terminate at any time before the end, its diagram is
narrower, and we follow the diagram.

    REQUESTED ─offer→ OFFERED ─accept→ ACCEPTED ─agree→ AGREED ─verify→ VERIFIED ─finalize→ FINALIZED
        └──────────────agree───────────────────────────────↑
"""

from __future__ import annotations

START = "START"

# (state, message) -> (who may send it, the state it leads to)
MOVES: dict[tuple[str, str], tuple[str, str]] = {
    (START, "request"): ("consumer", "REQUESTED"),
    (START, "offer"): ("provider", "OFFERED"),
    ("REQUESTED", "offer"): ("provider", "OFFERED"),
    ("REQUESTED", "agree"): ("provider", "AGREED"),
    ("REQUESTED", "terminate"): ("either", "TERMINATED"),
    ("OFFERED", "request"): ("consumer", "REQUESTED"),
    ("OFFERED", "accept"): ("consumer", "ACCEPTED"),
    ("OFFERED", "terminate"): ("either", "TERMINATED"),
    ("ACCEPTED", "agree"): ("provider", "AGREED"),
    ("ACCEPTED", "terminate"): ("provider", "TERMINATED"),
    ("AGREED", "verify"): ("consumer", "VERIFIED"),
    ("AGREED", "terminate"): ("consumer", "TERMINATED"),
    ("VERIFIED", "finalize"): ("provider", "FINALIZED"),
    ("VERIFIED", "terminate"): ("provider", "TERMINATED"),
}

MESSAGES = tuple(dict.fromkeys(message for _, message in MOVES))
FINAL = ("FINALIZED", "TERMINATED")


def moves_from(state: str) -> dict[str, tuple[str, str]]:
    """What can be sent in `state`: message -> (who, next state)."""
    return {message: move for (start, message), move in MOVES.items() if start == state}
