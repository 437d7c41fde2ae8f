"""Whether a stored table is still what was registered, looked at whenever it is used.

The journal names the SHA-256 of each file. To digest a file for every question would take longer than the question, so it
is done once for each state of the file (its place, size and the times of its last changes, of which the system sets one
itself). Then the columns are compared with the card, and the persons' numbers with how many there are: a number beyond the
end would count for somebody else, or for nobody.

What is wrong is told in words to the steward, with the rows, and in none to whoever asked a question.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb

from usufruct.core.base.faults import EngineFault
from usufruct.core.registry.state import Asset, Stored
from usufruct.engine.columns import STORED_AS
from usufruct.engine.removal import beside

LOG = logging.getLogger(__name__)

Open = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
_State = tuple[int, int, int, int]


class Watch:
    """What is known of the files of an engine, by the state in which they were looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._digests: dict[Path, tuple[_State, str]] = {}
        self._whole: dict[Path, tuple[str, int]] = {}  # the digest, and how many persons there were

    def fits(self, file: Path, asset: Asset, stored: Stored, persons: int, open: Open) -> None:
        """Returns if the table in a file is whole.

        Raises:
            EngineFault: `engine.data`, it is not; what is wrong stands in the log. `engine.limits`, the file is what was
                registered, and to look into it took more than the node allows.
        """
        with self._lock:
            if self._is_registered(file, stored) and self._whole.get(file) == (self._digest(file), persons):
                return
            found = self._wrong(file, asset, stored, persons, open)
            if not found:
                self._whole[file] = self._digest(file), persons
                return
        LOG.warning("the stored table of %s does not fit: %s", asset.id, "; ".join(found))
        raise EngineFault(
            "engine.data", f"the data of `{asset.id}` are not as they were registered",
            "tell whoever looks after the node: `usufruct asset check` says what is wrong",
        )  # fmt: skip

    def examine(self, file: Path, asset: Asset, stored: Stored, persons: int, open: Open) -> list[str]:
        """What is wrong with the table in a file, whatever is known of it."""
        with self._lock:
            self._digests.pop(file, None)
            try:
                return self._wrong(file, asset, stored, persons, open)
            except EngineFault:
                return ["it could not be looked at within the node's limits"]

    def _wrong(self, file: Path, asset: Asset, stored: Stored, persons: int, open: Open) -> list[str]:
        if not file.exists():
            return ["the file is missing"]
        found = [] if self._is_registered(file, stored) else ["the file is not the one that the journal names"]
        try:
            with open() as connection:
                return [*found, *_misfits(connection, asset, persons)]
        except EngineFault as fault:
            # What has the registered bytes can be read. All rows are looked at, so whose are asked for makes no difference.
            if fault.code == "engine.limits" and not found:
                raise
            return [*found, "it cannot be read as a table"]

    def _is_registered(self, file: Path, stored: Stored) -> bool:
        """Whether a file is what the journal names, or what it named before while the new one lies ready."""
        for _ in range(2):  # it may be put in place between two looks
            found = self._digest(file)
            if found == stored.digest or (found == stored.before and self._digest(beside(file)) == stored.digest):
                return True
        return False

    def _digest(self, file: Path) -> str:
        """The SHA-256 of a file, as far as it was not touched since; none of one that is not there."""
        try:
            found = file.stat()
            state = found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
            if self._digests.get(file, (None,))[0] != state:
                with file.open("rb") as opened:
                    self._digests[file] = state, hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError:
            return ""
        return self._digests[file][1]


def _misfits(connection: duckdb.DuckDBPyConnection, asset: Asset, persons: int) -> Iterator[str]:
    """Where a stored table is not as the card says, the first row of each kind."""
    if connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall() != [("asset",)]:
        yield "it does not hold the one table `asset`"
        return
    kinds = {row[0]: row[1] for row in connection.execute("DESCRIBE asset").fetchall()}
    about = {"_person": "INTEGER", "_draw": "USMALLINT"} if asset.person_column else {}
    wanted = about | {c.name: STORED_AS[c.type] for c in asset.columns if c.name != asset.person_column}
    for name, kind in wanted.items():
        if name not in kinds:
            yield f"column `{name}` is missing"
        elif kinds[name] != kind:
            yield f"column `{name}` is of type {kinds[name]}, not {kind}"
    yield from (f"column `{name}` does not belong there" for name in kinds if name not in wanted)
    bad = {"_person": f"_person IS NULL OR _person NOT BETWEEN 0 AND {persons - 1}", "_draw": "_draw IS NULL"}
    for name in about:
        if kinds.get(name) == about[name]:
            first, rows = connection.execute(
                f"SELECT min(rowid) + 1, count(*) FROM asset WHERE {bad[name]}"
            ).fetchall()[0]
            if rows:
                yield f"row {first} has no person of this asset in `{name}`; such rows: {rows}"
