"""Catalogues as they pass between nodes: what is on offer, on which terms, and where it is to be had.

The same values serve both ways. Ours are made of the register, page by page; those of others are read from what they
sent, and whatever could not be read is counted, not hidden.

A page begins after an id, not at a number, so what is registered meanwhile neither repeats nor hides an entry. The cursor
that says so is opaque to others.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from usufruct.core.base.faults import BadInput
from usufruct.core.contract.state import Offer
from usufruct.core.dataspace.offered import spoken
from usufruct.core.registry.state import Asset
from usufruct.core.terms.model import Ruleset

PAGE = 100  # datasets


@dataclass(frozen=True, slots=True)
class Service:
    """Where a connector is spoken to; `endpoint` is empty if only its name was given."""

    id: str
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A way to have the data: a `format`, as `HttpData-PULL`, and who serves it."""

    format: str
    service: Service


@dataclass(frozen=True, slots=True)
class Dataset:
    """One entry, with every offer made for it. `issued` is text, an instant if the publisher wrote one."""

    id: str
    title: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    publisher: str = ""
    licence: str = ""
    issued: str = ""
    offers: tuple[Ruleset, ...] = ()
    distributions: tuple[Distribution, ...] = ()

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats in which it is to be had, each once."""
        return tuple(dict.fromkeys(one.format for one in self.distributions))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a participant offers. Catalogues in it are others', or parts; `distributions` say where one is to be had that
    is only named. `left_out` is how many of its entries could not be read or said."""

    id: str
    participant: str
    title: str = ""
    services: tuple[Service, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    catalogues: tuple[Catalogue, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    left_out: int = 0

    def within(self) -> Iterator[Catalogue]:
        """The catalogue, and all catalogues in it, however deep."""
        yield self
        for one in self.catalogues:
            yield from one.within()


def described(
    asset: Asset, publisher: str, offers: Sequence[Offer], service: Service, formats: Sequence[str]
) -> Dataset:
    """The entry of an asset: its publisher's name, the offers that the asker may see, how it may be had."""
    return Dataset(
        asset.id, asset.title, asset.description, asset.keywords, publisher, asset.licence, asset.since,
        tuple(map(spoken, offers)), tuple(Distribution(format, service) for format in formats),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """The ids on one page, and the cursors of its neighbours; empty where there is none."""

    ids: tuple[str, ...]
    next: str = ""
    previous: str = ""


def page(ids: Sequence[str], cursor: str = "", size: int = PAGE) -> Page:
    """The page at a cursor, of `ids` in the order of their letters; without a cursor the first.

    Raises:
        BadInput: the cursor is none of ours.
    """
    way, at = _cursor(cursor) if cursor else (">", "")
    start = bisect_right(ids, at) if way == ">" else max(0, bisect_left(ids, at) - size)
    end = min(len(ids), start + size) if way == ">" else bisect_left(ids, at)
    found = tuple(ids[start:end])
    return Page(
        found, _opaque(">", found[-1]) if found and end < len(ids) else "",
        _opaque("<", found[0]) if found and start > 0 else "",
    )  # fmt: skip


def _opaque(way: str, at: str) -> str:
    return base64.urlsafe_b64encode((way + at).encode()).decode().rstrip("=")


def _cursor(cursor: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    if text[:1] not in ("<", ">") or len(text) == 0:
        raise BadInput("input.dataspace", "this is no cursor of this catalogue", "begin at the first page, without one")
    return text[0], text[1:]
