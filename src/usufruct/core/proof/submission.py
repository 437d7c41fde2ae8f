"""How a log asks a witness, and what the witness must look at before it signs: c2sp.org/tlog-witness, without HTTP.

    old <size that the witness signed last>
    <base64 hash>, a consistency proof from there
    <empty line>
    <signed checkpoint>

`consider` is all a witness decides. It is pure: what the witness signed last comes in as an argument, and whoever calls
it must put what comes out in its place, durably, before answering, and only if nothing else was put there meanwhile.
Otherwise two requests that were both in order could roll the witness back.

Other people's logs may add extension lines to a checkpoint. We do not (see `checkpoint`), but a witness signs them along
unread, for what it vouches for is origin, size and root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from usufruct.core.proof.checkpoint import (
    Checkpoint,
    Verify,
    from_base64,
    parse_vkey,
    read_note,
    signature_line,
    to_base64,
    whole_number,
)
from usufruct.core.proof.tree import EMPTY_ROOT, HASH_SIZE, verify_consistency

PROOF_LIMIT = 63
"""Hashes in a consistency proof; a tree below 2**63 leaves needs no more (tlog-witness, add-checkpoint)."""

MALFORMED, UNSIGNED, UNKNOWN, STALE, CONTRADICTED = 400, 403, 404, 409, 422
"""What a witness says no with: the statuses of add-checkpoint."""
SIZE_TYPE = "text/x.tlog.size"
"""The media type of the size that comes with `STALE`."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint for a witness that is thought to have signed for `old` leaves last."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """The body of a request."""
        return f"old {self.old}\n" + "".join(f"{to_base64(item)}\n" for item in self.proof) + f"\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Submission:
        """The submission whose `text()` is this; the note is not looked at.

        Raises:
            ValueError: it is not in the form of add-checkpoint.
        """
        head, blank, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        if not blank or not first.startswith("old "):
            raise ValueError("a submission begins with `old` and a size, and has an empty line before its checkpoint")
        proof = tuple(map(from_base64, lines))
        if len(proof) > PROOF_LIMIT or any(len(item) != HASH_SIZE for item in proof):
            raise ValueError(f"a consistency proof is at most {PROOF_LIMIT} hashes of {HASH_SIZE} bytes")
        return cls(whole_number(first.removeprefix("old ")), proof, note)


@dataclass(frozen=True, slots=True)
class Objection:
    """The witness does not sign. `size` is what it signed for last, where that is why (`STALE`)."""

    status: int
    why: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Signable:
    """What the witness may sign: the `body`, which says `checkpoint`, with the log's own `lines` that were verified."""

    checkpoint: Checkpoint
    body: str
    lines: str


def stated(body: str) -> Checkpoint:
    """What a checkpoint says, with extension lines, if it has any, left aside.

    Raises:
        ValueError: not a checkpoint.
    """
    lines = body.split("\n")
    if lines[-1] or not all(lines[:-1]):
        raise ValueError("a checkpoint is lines that are not empty, each ending in a newline")
    return Checkpoint.parse("\n".join([*lines[:3], ""]))


def checkpoint_in(note: str) -> Checkpoint:
    """What a note states; nothing is verified.

    Raises:
        ValueError: not a signed note of a checkpoint.
    """
    return stated(read_note(note)[0])


def consider(
    submission: Submission, keys: Sequence[str], last: Checkpoint | None, verify: Verify
) -> Signable | Objection:
    """Whether a witness that trusts `keys` for the log, and signed `last` for it, may sign (add-checkpoint).

    The checks are in the order of the specification, so that who is not known learns nothing of what was signed.

    Raises:
        ValueError: the note is not one of a checkpoint; that is status `MALFORMED` too.
    """
    body, signed = read_note(submission.note)
    new = stated(body)
    if not keys:
        return Objection(UNKNOWN, f"the log `{new.origin}` is not known here")
    lines = []
    for name, identity, public in map(parse_vkey, keys):
        for *key, signature in signed:
            if key == [name, identity]:
                if not verify(public, signature, body.encode()):
                    return Objection(UNSIGNED, f"the signature by `{name}+{identity.hex()}` is not valid")
                lines.append(signature_line(name, identity, signature))
    if not lines:
        return Objection(UNSIGNED, "no key that is trusted for this log signed it")
    if submission.old > new.size:
        return Objection(MALFORMED, f"the old size {submission.old} is larger than the new one, {new.size}")
    before = last or Checkpoint(new.origin, 0, EMPTY_ROOT)
    if submission.old != before.size:
        return Objection(STALE, f"{before.size} leaves were signed for last", before.size)
    if new.size == 0 and new.root != EMPTY_ROOT:
        return Objection(CONTRADICTED, "the root is not that of the empty tree")
    if not verify_consistency(before.size, before.root, new.size, new.root, submission.proof):
        return Objection(CONTRADICTED, f"the proof does not show that this continues the {before.size} leaves before")
    return Signable(new, body, "".join(lines))
