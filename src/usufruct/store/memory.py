"""The state in dictionaries: for checking a journal, and for folding it again under other rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from usufruct.core import facts
from usufruct.core.base.records import Entry, Row, RowT


class MemoryState:
    """`records.Reader` over dictionaries; the same rows in the same order as the tables would hold."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.rows: dict[type[Row], dict[str, Row]] = {kind: {} for kind in facts.ROWS}
        self._listed: dict[tuple[type[Row], str, str | int], dict[str, None]] = {}
        self._place: dict[tuple[type[Row], str], int] = {}  # the order in which rows first appeared
        for entry in entries:
            self.apply(entry)

    def apply(self, entry: Entry) -> None:
        """Folds one fact in."""
        for row in facts.fold(self, entry):
            self.put(row)

    def put(self, row: Row) -> None:
        """Writes a row, in place of the one with its key."""
        kind, key = type(row), row.key
        old = self.rows[kind].get(key)
        self._place.setdefault((kind, key), len(self._place))
        self.rows[kind][key] = row
        for field in kind.INDEXED:
            if old is not None:
                self._listed[kind, field, getattr(old, field)].pop(key, None)
            self._listed.setdefault((kind, field, getattr(row, field)), {})[key] = None

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""
        return self.rows[kind].get("/".join(map(str, key)))  # type: ignore[return-value]

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`."""
        if not where:
            yield from list(self.rows[kind].values())  # type: ignore[misc]
            return
        keys = min((self._listed.get((kind, *item), {}) for item in where.items()), key=len)
        for row in [self.rows[kind][key] for key in sorted(keys, key=lambda key: self._place[kind, key])]:
            if all(getattr(row, field) == value for field, value in where.items()):
                yield row  # type: ignore[misc]
