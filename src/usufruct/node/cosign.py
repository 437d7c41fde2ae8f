"""A witness signs a log's checkpoint, or says why not.

    read what was signed last → consider → (what is signed now takes its place, on disk) → answer

The same order as in a node: nothing leaves before it lasts. Two requests may be considered at once; the second to be kept
finds that what it was decided on is gone, and is considered again. A crash before the answer leaves the log with a
witness that is further than it thinks; it is told so (409) and asks again for the same checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from usufruct.attested import Cosigned, Witnessed
from usufruct.core.base.instants import seconds
from usufruct.core.proof.checkpoint import Verify
from usufruct.core.proof.cosignature import cosign
from usufruct.core.proof.submission import MALFORMED, Objection, Submission, checkpoint_in, consider
from usufruct.node.node import no_step
from usufruct.ports import Clock, Signer


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its key, which serves nothing else, and what it signed. `reach` is for tests that stop it there."""

    signer: Signer
    witnessed: Witnessed
    clock: Clock
    verify: Verify
    reach: Callable[[str], None] = no_step


def add_checkpoint(witness: Witness, text: str) -> str | Objection:
    """The signature line for what was submitted, kept before it is returned; or why there is none."""
    try:
        submission = Submission.parse(text)
        origin = checkpoint_in(submission.note).origin
        while True:
            before = witness.witnessed.last(origin)
            last = checkpoint_in(before.note) if before else None
            found = consider(submission, witness.witnessed.keys(origin), last, witness.verify)
            if isinstance(found, Objection):
                return found
            time = max(seconds(witness.clock.now()), before.time if before else 0)
            line = cosign(found.body, witness.signer.name, witness.signer.public, time, witness.signer.sign)
            after = Cosigned(found.checkpoint.size, time, f"{found.body}\n{found.lines}{line}")
            witness.reach("witness before kept")
            if witness.witnessed.put(origin, before, after):
                witness.reach("witness after kept")
                return line
    except ValueError as error:
        return Objection(MALFORMED, str(error))
