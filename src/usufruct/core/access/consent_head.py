"""Where the words on an asset stand: a digest that changes with every one of them.

Whose rows may be used is worked out anew only when somebody has said something since. The digest is a chain over the
rows that words have changed, so equal digests mean equal rows, whichever node, copy or moment they are read in; what was
kept under one can never be taken for what holds under another.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from usufruct.core.access.consent_words import LIMITED, ConsentWord
from usufruct.core.base import canonical
from usufruct.core.base.records import Reader, Row, plain

FILTER_BYTES = 2**26  # of row filters that are kept; one of a million persons takes 125 KB
SMALLEST = 2**12  # bytes that one counts for at least, with its name and place


@dataclass(frozen=True, slots=True)
class ConsentHead(Row):
    """The words on an asset, as a digest, and how many of them have limits, which are held against each use."""

    KEY = ("asset",)
    asset: str
    digest: str
    limited: int = 0


def with_heads(read: Reader, rows: Iterable[Any]) -> Iterator[Row]:
    """The rows that a word changes, and after them the heads of their assets."""
    heads: dict[str, ConsentHead] = {}
    for row in rows:
        more = _more_limited(read, row) if isinstance(row, ConsentWord) else 0
        yield row
        before = heads.get(row.asset) or read.get(ConsentHead, row.asset) or ConsentHead(row.asset, "")
        changed = f"{before.digest} {type(row).__name__} ".encode() + canonical.encode(plain(row))
        heads[row.asset] = ConsentHead(row.asset, hashlib.sha256(changed).hexdigest(), before.limited + more)
    yield from heads.values()


def _more_limited(read: Reader, word: ConsentWord) -> int:
    """By how many a word changes the number of those with limits."""
    before = read.get(ConsentWord, word.asset, word.number, word.version)
    return (word.standing == LIMITED) - (before is not None and before.standing == LIMITED)


_KEPT: OrderedDict[Hashable, bytes] = OrderedDict()


def once(name: Hashable, work_out: Callable[[], bytes]) -> bytes:
    """A filter that depends on nothing but its name."""
    found = _KEPT.get(name)
    if found is None:
        found = _KEPT[name] = work_out()
        while len(_KEPT) > FILTER_BYTES // max(len(found), SMALLEST):  # as if all were of this size
            _KEPT.popitem(last=False)
    return found
