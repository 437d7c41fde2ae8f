"""Cosignatures: what a witness says of somebody else's checkpoint.

A log that shows one history to the auditor and another to the member is caught only when the two compare. A *witness*
compares for them: it remembers, for each log, the largest tree it has signed for, and signs a larger one only with a
proof that it continues this one. Whoever finds enough witnesses' lines under a checkpoint knows, offline, that nobody was
shown another history, for these witnesses would have had to sign both.

The form is C2SP's *cosignature/v1* (c2sp.org/tlog-cosignature). It says when: the line holds a time in seconds and an
Ed25519 signature over

    cosignature/v1
    time 1679315147
    <the text of the checkpoint>

"At this time the largest tree of this log that I have seen to be consistent had this root." The signed text does not name
the witness, so a key that serves two witnesses, or a witness and a log, would let the word of one pass for the word of
the other. Hence the key type of its own (4), and one key for one role.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.proof.checkpoint import COSIGNATURE, Sign, Verify, key_id, parse_vkey, read_note, signature_line

_TIME_SIZE, _SIGNATURE_SIZE, _TIME_LIMIT = 8, 64, 2**63


@dataclass(frozen=True, slots=True)
class Cosignature:
    """The witness with this `vkey` said it at `time` (seconds since 1970); `line` goes under the note."""

    vkey: str
    time: int
    line: str


def cosign(body: str, name: str, public: bytes, time: int, sign: Sign) -> str:
    """The line by which a witness signs the checkpoint with text `body`, in its name, at `time` (seconds since 1970).

    Raises:
        ValueError: a time that cannot be, a bad name or key.
    """
    if not 0 < time < _TIME_LIMIT:
        raise ValueError(f"`{time}` cannot be the time of a cosignature")
    blob = time.to_bytes(_TIME_SIZE) + sign(_message(time, body))
    return signature_line(name, key_id(name, public, COSIGNATURE), blob)


def cosignature(note: str, vkey: str, verify: Verify) -> Cosignature | None:
    """What the witness with that key said of `note`, the latest of several lines; None if it said nothing.

    Raises:
        ValueError: not a signed note, no key of a witness, or a line by this key that is not valid for this text.
    """
    name, identity, public = parse_vkey(vkey, COSIGNATURE)
    body, signed = read_note(note)
    found = []
    for *key, blob in signed:
        if key != [name, identity]:
            continue
        time = int.from_bytes(blob[:_TIME_SIZE])
        if len(blob) != _TIME_SIZE + _SIGNATURE_SIZE or not 0 < time < _TIME_LIMIT:
            raise ValueError(f"the line of the witness `{name}` is not a cosignature/v1")
        if not verify(public, blob[_TIME_SIZE:], _message(time, body)):
            raise ValueError(f"the cosignature of the witness `{name}` is not valid for this text")
        found.append(Cosignature(vkey, time, signature_line(name, identity, blob)))
    return max(found, key=lambda one: one.time, default=None)


def _message(time: int, body: str) -> bytes:
    return f"cosignature/v1\ntime {time}\n{body}".encode()
