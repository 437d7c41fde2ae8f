"""What was last signed, kept where restoring the journal does not reach.

One key signs one size once, ever. The journal's own table of checkpoints holds that within one history; it cannot hold
it across two, for a journal that is put back from an older copy is put back with its table, and would sign again, with
other facts, sizes that were signed before. So the newest note also stands in a small file beside the key, written after
each commit and before anything of it is answered. When a node opens, its journal must continue that note, or the node
stays closed.

Two slots are written in turn, so that a torn write leaves the one before it; a slot that does not verify is no slot.
"""

from __future__ import annotations

import os
from pathlib import Path

from usufruct.core.proof.checkpoint import Checkpoint, open_note
from usufruct.store.keys import verify_signature

_SLOT = 4096


class Guard:
    """The newest signed note, in a file."""

    def __init__(self, path: Path, vkey: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._turn, self._vkey = 0, vkey
        self.last: Checkpoint | None = None
        self.look()

    def look(self) -> None:
        """Finds the newest note that is in the file; another process may have written there."""
        for slot in (0, 1):
            try:
                note = os.pread(self._file, _SLOT, slot * _SLOT).rstrip(b"\0").decode()
                found = Checkpoint.parse(open_note(note, self._vkey, verify_signature))
            except ValueError:
                continue
            if self.last is None or found.size > self.last.size:
                self.last, self._turn = found, 1 - slot

    def keep(self, note: str) -> None:
        """Replaces the note; on disk when this returns."""
        os.pwrite(self._file, note.encode().ljust(_SLOT, b"\0"), self._turn * _SLOT)
        os.fdatasync(self._file)
        self._turn = 1 - self._turn

    def close(self) -> None:
        """Lets go of the file."""
        os.close(self._file)
