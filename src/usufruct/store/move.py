"""Moving a node's journal to another database.

The caller has the node open, so nobody else writes. The journal is carried over whole and compared; only then one line of
`node.toml` is changed, in one step. Until then the old place is in charge, whatever happens.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from usufruct.core.base.faults import BadInput
from usufruct.ports import KeyRing
from usufruct.store.carry import into_postgres, into_sqlite, sync
from usufruct.store.publiclog import SqlPublicLog
from usufruct.store.source import JOURNAL, reading, setting_of


def move(directory: Path, to: str, keyring: KeyRing) -> int:
    """Moves the journal of a node to `to`: `sqlite`, or a setting of `store`. Returns the number of its facts.

    Raises:
        BadInput: it is there already, the place is not empty, or the address cannot be read.
        NodeFault: the database cannot be reached.
        JournalDamaged: it did not arrive as it left.
    """
    setting = "" if to == "sqlite" else to
    if setting == setting_of(directory, "store"):
        raise BadInput("input.store", "the journal is there already", "name another place")
    with reading(directory) as source:
        size = SqlPublicLog(source.connection).size()
        if setting:
            into_postgres(source, setting, keyring)
        else:
            into_sqlite(source, directory / JOURNAL, keyring)
    _point_to(directory / "node.toml", setting)
    return size


def _point_to(path: Path, setting: str) -> None:
    """Changes where the settings say that the journal is, in one step."""
    text, line = path.read_text(encoding="utf-8"), f"store = {json.dumps(setting, ensure_ascii=False)}"
    text, found = re.subn(r"(?m)^store *=.*$", lambda _: line, text)
    fresh = path.with_suffix(".new")
    fresh.write_text(text if found else f"{text}\n{line}\n", encoding="utf-8")
    fresh.chmod(path.stat().st_mode)
    sync(fresh)
    fresh.replace(path)
    sync(path.parent)
