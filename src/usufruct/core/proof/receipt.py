"""Receipts: what a person takes away, and can have checked by anyone, without asking the node again.

A receipt is a file in the form of c2sp.org/tlog-proof. It carries where the leaf is, the Merkle path from the leaf to a
root, and the signed checkpoint that vouches for this root:

    c2sp.org/tlog-proof@v1
    extra <base64>
    index <number>
    <base64 hash>, leaf's sibling first, root's child last
    <empty line>
    <signed checkpoint, as it was issued>

The leaf is a commitment (see `commitment`), so the path alone would prove something that nobody can read. A full
receipt therefore carries the opening, nonce and record, as `extra`. Nobody signs `extra`, and nobody needs to: a
changed opening commits to another leaf, and no path leads from there to the root. A full receipt is as private as the
record in it.

`check` trusts nothing but the verifier's key. What it proves: the holder of that key has published a tree in which this
record stands at this index. What it does not prove: that everybody was shown the same tree. For that one compares
checkpoints, or counts witnesses' signatures on this one.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.proof.checkpoint import (
    Checkpoint,
    Verify,
    from_base64,
    open_note,
    parse_vkey,
    to_base64,
    whole_number,
)
from usufruct.core.proof.commitment import NONCE_SIZE, commit
from usufruct.core.proof.tree import HASH_SIZE, verify_inclusion

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
# The longest path there is, for sizes stay below 2**63.
_PATH_LIMIT = 63


@dataclass(frozen=True, slots=True)
class Receipt:
    """Leaf `index` leads by `proof`, lowest hash first, to the root in `checkpoint_note`; `extra` holds its opening.

    Raises:
        ValueError: a negative index, an item of `proof` that is no hash, more hashes than any tree is high, an empty
            `extra` (None says that there is none), or no checkpoint.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint_note: str
    extra: bytes | None = None

    def __post_init__(self) -> None:
        whole_number(str(self.index))
        if len(self.proof) > _PATH_LIMIT or any(len(item) != HASH_SIZE for item in self.proof):
            raise ValueError(f"an inclusion proof is at most {_PATH_LIMIT} hashes of {HASH_SIZE} bytes")
        if self.extra == b"":
            raise ValueError("the extra data of a receipt are empty; leave them out")
        if not self.checkpoint_note:
            raise ValueError("the receipt carries no checkpoint")

    def text(self) -> str:
        """The receipt as a `.tlog-proof` file."""
        extra = [] if self.extra is None else [f"extra {to_base64(self.extra)}"]
        lines = [_FIRST_LINE, *extra, f"index {self.index}", *map(to_base64, self.proof)]
        return "\n".join(lines) + "\n\n" + self.checkpoint_note

    @classmethod
    def parse(cls, text: str) -> Receipt:
        """The receipt whose `text()` is this. Its form is read, nothing is verified; that is for `check`.

        Raises:
            ValueError: it is not in the form of tlog-proof.
        """
        head, blank, note = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines.pop(0) != _FIRST_LINE:
            raise ValueError(f"a receipt begins with `{_FIRST_LINE}` and has an empty line before its checkpoint")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = from_base64(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index "):
            raise ValueError("the receipt does not say `index` where it should")
        index = whole_number(lines.pop(0).removeprefix("index "))
        return cls(index, tuple(map(from_base64, lines)), note, extra)


def opening(nonce: bytes, record: bytes) -> bytes:
    """What a full receipt carries as `extra`: the nonce, then the record that `commit` hid with it.

    Raises:
        ValueError: `nonce` is not 32 bytes.
    """
    if len(nonce) != NONCE_SIZE:
        raise ValueError(f"the nonce has {len(nonce)} bytes, not {NONCE_SIZE}")
    return nonce + record


def check(receipt: Receipt, vkey: str, verify: Verify) -> bytes:
    """The record that `receipt` proves to stand in the log whose key is `vkey`.

    Raises:
        ValueError: naming what failed: the key, the signature, the checkpoint or its origin, the index, the opening, or
            the way from the opened leaf to the signed root.
    """
    name, _, _ = parse_vkey(vkey)
    checkpoint = Checkpoint.parse(open_note(receipt.checkpoint_note, vkey, verify))
    if checkpoint.origin != name:
        raise ValueError(f"the checkpoint is of the log `{checkpoint.origin}`, not of `{name}`")
    if receipt.index >= checkpoint.size:
        raise ValueError(f"leaf {receipt.index} is not in the signed tree of {checkpoint.size} leaves")
    if receipt.extra is None or len(receipt.extra) < NONCE_SIZE:
        raise ValueError("the receipt carries no opening, so it cannot be said which record it proves")
    nonce, record = receipt.extra[:NONCE_SIZE], receipt.extra[NONCE_SIZE:]
    if not verify_inclusion(commit(nonce, record), receipt.index, checkpoint.size, receipt.proof, checkpoint.root):
        raise ValueError(
            f"the opening is not that of leaf {receipt.index}: it does not lead to the signed root, "
            "so record, nonce, index or proof was changed"
        )
    return record
