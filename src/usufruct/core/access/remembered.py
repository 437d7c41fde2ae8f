"""What was found before, as long as it would be found again.

Most of what a decision rests on seldom changes: how an asset stands, what was agreed, the chain of rights. So what was
worked out of it is kept, together with every row that it was read from and the next moment at which time alone could
change it. It is used again only if each of these rows is the very same still (rows never change; a change is another row)
and that moment has not come. Nobody has to tell of a change, and nothing can be stale: what was revoked is another row in
the state that this decision reads. A reader may have a `version`, an object that is another one after every change of
what it reads: while that is the same, so are the rows, and they are not looked at.

What was *listed* is not kept, for a list can grow without any row of it becoming another one. Nor is *nothing* kept, for
there is no end to the names under which there is nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Reader, Row, RowT

ROWS_KEPT = 100_000  # whose instants are not looked for again
_INDIVISIBLE = frozenset((int, bool, type(None)))

S = TypeVar("S")
T = TypeVar("T")


class _Noting:
    """A reader that notes what is got through it, and whether anything was listed."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self.got: dict[tuple[type[Row], tuple[str | int, ...]], Row | None] = {}
        self.listed = False

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""
        row = self._read.get(kind, *key)
        self.got[kind, key] = row
        return row

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`."""
        self.listed = True
        return self._read.list(kind, **where)


@dataclass(slots=True)
class _Kept(Generic[T]):
    version: object  # of the state in which the rows were last found to be these
    rows: tuple[tuple[type[Row], tuple[str | int, ...], Row | None], ...]
    since: Instant
    until: Instant
    value: T


class Remembered(Generic[T]):
    """Values worked out of rows, the newest `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()

    def find(self, name: Hashable, read: Reader, at: Instant, work_out: Callable[[Reader], T]) -> T:
        """What `work_out` finds at `at`, which must depend on nothing but its name, what it reads, and instants in it; None
        stands for nothing."""
        kept, version = self._kept.get(name), getattr(read, "version", None)
        if kept is not None and kept.since <= at < kept.until:
            if version is not None and version is kept.version:
                return kept.value
            for kind, key, row in kept.rows:
                if read.get(kind, *key) is not row:
                    break
            else:
                kept.version = version
                return kept.value
        noting = _Noting(read)
        value = work_out(noting)
        if value is not None and not noting.listed:
            rows = tuple((kind, key, row) for (kind, key), row in noting.got.items())
            until = min(
                (moment for row in noting.got.values() for moment in _INSTANTS(row) if moment > at), default=END_OF_TIME
            )
            self._kept[name] = _Kept(version, rows, at, until, value)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value


class OncePerObject(Generic[S, T]):
    """What is worked out of single objects that never change, such as rows: the same object comes to the same. Of the
    newest `most` it is kept."""

    def __init__(self, work_out: Callable[[S], T], most: int) -> None:
        self._work_out, self._most = work_out, most
        self._kept: OrderedDict[int, tuple[S, T]] = OrderedDict()

    def __call__(self, of: S) -> T:
        """What it comes to."""
        found = self._kept.get(id(of))
        if found is None or found[0] is not of:  # an id can be given again once its object is gone
            found = self._kept[id(of)] = of, self._work_out(of)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found[1]


def _instants(row: Row | None) -> list[Instant]:
    """Every text in a row that could be an instant. A row has some hundred texts, and most rows are read for many requests."""
    found: list[Instant] = []
    values: list[Any] = [row]
    for value in values:  # which become more on the way
        kind = type(value)
        if kind is str:
            if len(value) == len(END_OF_TIME) and value[-1] == "Z":
                found.append(Instant(value))
        elif kind is tuple:
            values += value
        elif kind not in _INDIVISIBLE:
            values += _fields_of(cast(Hashable, kind))(value)
    return found


@cache
def _fields_of(kind: Hashable) -> Callable[[Any], tuple[Any, ...]]:
    """How the values of the fields are got of a record of this kind."""
    names = [field.name for field in fields(cast(Any, kind))]
    return attrgetter(*names) if len(names) > 1 else lambda record: tuple([getattr(record, name) for name in names])


_INSTANTS: OncePerObject[Row | None, list[Instant]] = OncePerObject(_instants, ROWS_KEPT)
