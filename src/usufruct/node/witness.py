"""The node has its checkpoints witnessed, so that nobody can be shown a history of her own.

One round asks every witness of the node's tlog-policy file, side by side, to sign the newest checkpoint, each with a proof
from what it signed last. What it signed last is in its last word, which we keep; if that is out of date the witness says
so, and is asked again. A round may be broken off anywhere and run again: a witness that signed already is not asked, and
one whose answer was lost signs the same once more.

Witnesses are strangers. A line is kept only if it verifies; a failing one holds up no other. Two of their answers are
alarms, for they contradict the node itself: that it signed for *more* facts than the journal has, and that the journal
does not continue what it signed for. Both mean that the journal was set back or written anew.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from usufruct.core.base.faults import Fault
from usufruct.core.base.instants import seconds
from usufruct.core.proof.checkpoint import whole_number
from usufruct.core.proof.cosignature import Cosignature, cosignature
from usufruct.core.proof.quorum import Witness
from usufruct.core.proof.receipt import Receipt
from usufruct.core.proof.submission import CONTRADICTED, SIZE_TYPE, STALE, Submission, checkpoint_in
from usufruct.core.proof.tree import HashAt, consistency_proof, inclusion_proof
from usufruct.node.node import Node
from usufruct.ports import Snapshot

ATTEMPTS = 3
"""How often a witness may correct our idea of what it signed last, in one round."""
AHEAD_SECONDS = 300
"""How far a witness's clock may be ahead of ours."""
ASKED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Word:
    """What became of one witness in a round.

    `state` is `signed` (now or in a round before), `failed`, or `alarm`; `why` says more, empty if it signed.
    """

    witness: str
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """The checkpoint of `size` facts was put before the witnesses; `witnessed` says whether enough have signed it."""

    size: int
    witnessed: bool
    words: tuple[Word, ...]


def submit(node: Node) -> Round | None:
    """One round; None if the node asks no witnesses or has no checkpoint yet. Never two at once."""
    asked = [witness for witness in node.outside.trust.witnesses if witness.url]
    with node.store.read() as state:
        note = state.checkpoint()
    if not asked or note is None:
        return None
    kept = node.outside.attestations.cosignatures()
    with ThreadPoolExecutor(ASKED_AT_ONCE, "witness") as pool:
        words = tuple(pool.map(lambda witness: _ask(node, witness, note, kept.get(witness.vkey, (0, ""))[0]), asked))
    witnessed = _with_cosignatures(node, note)
    if witnessed and witnessed != node.outside.attestations.witnessed():
        node.outside.attestations.keep_witnessed(witnessed)
    return Round(checkpoint_in(note).size, witnessed is not None, words)


def checkpoint(node: Node, state: Snapshot) -> str | None:
    """The newest checkpoint, with the witnesses' lines under it once enough have signed it."""
    note = state.checkpoint()
    return (_with_cosignatures(node, note) if note else None) or note


def receipt(node: Node, state: Snapshot, seq: int) -> Receipt:
    """The receipt of a fact, under the newest witnessed checkpoint if that covers it, else under the newest."""
    newest, witnessed = state.receipt(seq), node.outside.attestations.witnessed()
    size = checkpoint_in(witnessed).size if witnessed else 0
    if witnessed is None or not seq < size <= state.size():
        return newest
    return replace(newest, proof=tuple(inclusion_proof(seq, size, _hash_at(state))), checkpoint_note=witnessed)


def _hash_at(state: Snapshot) -> HashAt:
    return lambda level, index: state.hashes(level, index, 1)[0]


def _with_cosignatures(node: Node, note: str) -> str | None:
    """`note` with the lines of the witnesses that signed it; None if they are not enough."""
    trust, size = node.outside.trust, checkpoint_in(note).size
    kept = node.outside.attestations.cosignatures()
    said = {w.name: kept[w.vkey][1] for w in trust.witnesses if w.vkey in kept and kept[w.vkey][0] == size}
    return note + "".join(said.values()) if said and trust.met_by(set(said)) else None


def _ask(node: Node, witness: Witness, note: str, signed: int) -> Word:
    """Asks one witness, which is thought to have `signed` for so many leaves, and keeps its word."""
    size = checkpoint_in(note).size
    if signed == size:
        return Word(witness.name, "signed")
    for _ in range(ATTEMPTS):
        if signed > size:
            return Word(witness.name, "alarm", f"it signed for {signed} facts, the journal has {size}")
        try:
            with node.store.read() as state:
                submission = Submission(signed, tuple(consistency_proof(signed, size, _hash_at(state))), note)
            reply = node.outside.witnesses.add_checkpoint(witness.url, submission.text())
            if reply.status == STALE and reply.media_type == SIZE_TYPE:
                signed = whole_number(reply.text.removesuffix("\n"))
            elif reply.status in (CONTRADICTED, STALE):  # a STALE without a size is how older witnesses say it
                return Word(
                    witness.name, "alarm", f"it does not find the journal to continue the {signed} facts it signed for"
                )
            elif reply.status == 200:
                said = _verified(node, witness, note, reply.text)
                node.outside.attestations.keep_cosignature(witness.vkey, size, said.line)
                return Word(witness.name, "signed")
            else:
                return Word(witness.name, "failed", f"it answered with status {reply.status}")
        except Fault as fault:
            return Word(witness.name, "failed", fault.message)
        except ValueError as error:
            return Word(witness.name, "failed", f"what it answered cannot be used: {error}")
    return Word(witness.name, "failed", f"it named another size {ATTEMPTS} times")


def _verified(node: Node, witness: Witness, note: str, lines: str) -> Cosignature:
    """What the witness said, of all that came back. Raises ValueError if it said nothing that is good."""
    said = cosignature(note + lines, witness.vkey, node.outside.verify)
    if said is None:
        raise ValueError("its key did not sign")
    if said.time > seconds(node.clock.now()) + AHEAD_SECONDS:
        raise ValueError(f"its clock is more than {AHEAD_SECONDS} seconds ahead of ours")
    return said
