"""Orders to the bank, as files in a folder from which the steward, or a program of hers, takes them there.

An order is written to `prepared/`, synced, and moved up when it is handed over; a file in the folder itself is whole, and has
its fact in the journal. Its name says the payout and the beginning of its digest. The files name persons and their accounts,
so nobody else may read them, they are in no backup, and they go once the bank has had its word on every payment.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from usufruct.core.base.faults import StoreFull
from usufruct.core.income.payout import Credit, Order
from usufruct.ports import PayingAccount

Write = Callable[[Order, Iterable[Credit]], Iterator[bytes]]
"""Gives the bytes of an order, piece by piece."""

NAMED = 16  # of the digest, in the name of a file


class OrderFolder:
    """`ports.Payer` that leaves files."""

    def __init__(self, folder: Path, account: PayingAccount | None, write: Write) -> None:
        self._folder, self._prepared, self._account, self._write = folder, folder / "prepared", account, write

    @property
    def account(self) -> PayingAccount | None:
        """The account that is paid from."""
        return self._account

    def prepare(self, order: Order, credits: Iterable[Credit]) -> str:
        """Writes an order where nobody takes it from; its SHA-256. Raises StoreFull."""
        payout = order.payout
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._prepared.mkdir(mode=0o700, exist_ok=True)
        digest, written = hashlib.sha256(), self._prepared / f"{payout}.part"
        try:
            with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                for piece in self._write(order, credits):
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            written.unlink(missing_ok=True)
            raise StoreFull(
                "node.full", f"the order of `{payout}` could not be written: {error.strerror}", "free some space"
            ) from None
        for stale in self._prepared.glob(f"{payout}-*.xml"):
            stale.unlink()
        written.rename(self._prepared / _name(payout, digest.hexdigest()))
        _sync(self._prepared)
        return digest.hexdigest()

    def hand_over(self, payout: str, digest: str) -> bool:
        """Moves the prepared order up; True once it is there."""
        there, prepared = self._folder / _name(payout, digest), self._prepared / _name(payout, digest)
        if prepared.exists():
            prepared.rename(there)
            _sync(self._folder)
        return there.exists()

    def order(self, payout: str) -> Path | None:
        """The file of a payout that was handed over."""
        return next(self._folder.glob(f"{payout}-*.xml"), None)

    def kept(self) -> Collection[str]:
        """The payouts of which there are files."""
        return {path.stem.rpartition("-")[0] or path.stem for path in self._files()}

    def forget(self, payout: str) -> None:
        """Deletes the files of a payout."""
        for path in self._files():
            if path.stem == payout or path.stem.rpartition("-")[0] == payout:
                path.unlink()

    def _files(self) -> list[Path]:
        return [path for folder in (self._folder, self._prepared) for path in folder.glob("payout-*") if path.is_file()]


def _name(payout: str, digest: str) -> str:
    return f"{payout}-{digest[:NAMED]}.xml"


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
