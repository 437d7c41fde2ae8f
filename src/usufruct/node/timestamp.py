"""A time stamp authority says that a checkpoint existed at a moment (RFC 3161).

Witnesses say when too, but a court may know neither them nor their format; what a qualified authority says it presumes to
be right (Regulation (EU) No 910/2014, article 41). One stamp stands for every fact before it, so one an interval is
enough, and none is asked for while nothing happens. An authority that fails stops nothing: it is asked again later.
"""

from __future__ import annotations

from usufruct.attested import Timestamp
from usufruct.core.base.faults import Fault
from usufruct.core.base.instants import later
from usufruct.core.proof.submission import checkpoint_in
from usufruct.node.node import Node

RETRY_MINUTES = 5
"""For how long an authority that failed is left in peace, if the interval is not shorter."""


def stamp(node: Node) -> Timestamp | Fault | None:
    """Has the newest checkpoint stamped, if it is time to and something happened since; a fault if that failed."""
    authority, kept, minutes = node.outside.authority, node.outside.attestations, node.outside.timestamp_minutes
    now = node.clock.now()
    if authority is None or now < (kept.again() or now):
        return None
    with node.store.read() as state:
        note = state.checkpoint()
    size = checkpoint_in(note).size if note else 0
    if note is None or kept.timestamp(size):
        return None
    try:
        at, token = authority.stamp(note.encode())
    except Fault as fault:
        kept.keep_again(later(now, minutes=min(RETRY_MINUTES, minutes)))
        return fault
    found = Timestamp(size, at, note, token)
    kept.keep_timestamp(found)
    kept.keep_again(later(now, minutes=minutes))
    return found
