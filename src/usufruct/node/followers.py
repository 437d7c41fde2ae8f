"""Followers: work that goes on behind the facts, each round of it safe to repeat.

Closing epochs, having checkpoints witnessed and stamped: none of it is waited for by a request, each keeps its own
place, and a round that fails is told and tried again. `serve` runs them every few seconds; `usufruct journal follow`
runs them once.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from usufruct.core.base.faults import Fault, NodeFault
from usufruct.core.base.instants import Instant
from usufruct.core.epochs import Epoch, LastEpoch
from usufruct.core.proof.submission import checkpoint_in
from usufruct.node import (
    auction,
    epoch,
    identity,
    market,
    payout,
    pool,
    rounds,
    series,
    standing,
    stored,
    timestamp,
    witness,
)
from usufruct.node.dataspace import crawl, outbox
from usufruct.node.node import Node

LOG = logging.getLogger(__name__)

PAUSE_SECONDS = 2.0
SHARE = 9  # after a round the followers rest for so many times as long as it took, so that requests come first


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one follower's round: `done` in words, empty if there was nothing to do; `failed` why it failed."""

    follower: str
    done: str = ""
    failed: str = ""


def _epochs(node: Node) -> str:
    closed = epoch.close_epoch(node)
    return "" if closed is None else f"epoch {closed.number} closed: records up to fact {closed.through} are rooted"


def _witnesses(node: Node) -> str:
    asked = witness.submit(node)
    if asked is None:
        return ""
    unsigned = [f"{word.witness}: {word.why}" for word in asked.words if word.state != "signed"]
    if any(word.state == "alarm" for word in asked.words):
        raise NodeFault("node.witness", "; ".join(unsigned), "stop the node and audit it: the journal was set back")
    if not asked.witnessed:
        raise NodeFault(
            "node.witness", "; ".join(unsigned) or "too few signed", "see that the witnesses can be reached"
        )
    return "; ".join([f"{asked.size} facts: signed by {len(asked.words) - len(unsigned)}", *unsigned])


def _timestamps(node: Node) -> str:
    stamped = timestamp.stamp(node)
    if isinstance(stamped, Fault):
        raise stamped
    return f"{stamped.size} facts: stamped {stamped.at}" if stamped else ""


FOLLOWERS: dict[str, Callable[[Node], str]] = {
    "auctions": auction.follow,
    "agreements": standing.follow,
    "needs": market.follow,
    "pools": pool.follow,
    "payouts": payout.follow,
    "rounds of jobs": rounds.follow,
    "series of rounds": series.follow,
    "tables": stored.follow,
    "epochs": _epochs,
    "witnesses": _witnesses,
    "time stamps": _timestamps,
    "status lists": identity.recheck,
    "catalogues": crawl.follow,
}
EVERY = {**FOLLOWERS, "other nodes": outbox.follow}


@dataclass(frozen=True, slots=True)
class LastDone:
    """What the followers did last, in a journal of `facts`: the newest `epoch`; up to how many facts each of the
    `witnesses` signed (0: none yet), and enough of them (`witnessed`; None if nobody is asked); the newest time `stamp`,
    as number of facts and instant (None if nobody is asked or has stamped yet)."""

    facts: int
    epoch: Epoch | None
    witnesses: tuple[tuple[str, int], ...]
    witnessed: int | None
    stamp: tuple[int, Instant] | None


def last_done(node: Node) -> LastDone:
    """Where the followers stand."""
    kept, outside = node.outside.attestations, node.outside
    with node.store.read() as state:
        size, newest = state.size(), state.get(LastEpoch)
        epoch = state.get(Epoch, newest.number) if newest else None
    signed = kept.cosignatures()
    witnesses = tuple((one.name, signed.get(one.vkey, (0, ""))[0]) for one in outside.trust.witnesses if one.url)
    note = kept.witnessed()
    witnessed = (checkpoint_in(note).size if note else 0) if witnesses else None
    return LastDone(size, epoch, witnesses, witnessed, next(reversed(kept.timestamps()), None))


def run_once(node: Node, all_of: Mapping[str, Callable[[Node], str]] = EVERY) -> list[Round]:
    """One round of every follower; one that fails does not stop the others."""
    rounds = []
    for name, follower in all_of.items():
        try:
            rounds.append(Round(name, done=follower(node)))
        except Fault as fault:
            rounds.append(Round(name, failed=str(fault)))
    return rounds


@contextlib.contextmanager
def following(node: Node) -> Iterator[None]:
    """Runs rounds in a thread of their own for as long as the block lasts; the same failure is told once. What is to be
    said to other nodes does not wait for a round: it has a thread of its own."""
    done = threading.Event()
    thread = threading.Thread(target=_follow, args=(node, done), name="followers", daemon=True)
    thread.start()
    try:
        with outbox.sending(node):
            yield
    finally:
        done.set()
        thread.join()


def _follow(node: Node, done: threading.Event) -> None:
    told: dict[str, str] = {}
    pause = 0.0
    while not done.wait(pause):
        began = time.monotonic()
        for one in run_once(node, FOLLOWERS):
            if one.failed and told.get(one.follower) != one.failed:
                LOG.warning("%s: %s", one.follower, one.failed)
            told[one.follower] = one.failed
        pause = max(PAUSE_SECONDS, SHARE * (time.monotonic() - began))
