"""Catalogues in the protocol's form of DCAT 3: ours page by page, those of others as far as they can be read.

Written strictly: each dataset has an offer and a distribution, or it is left out, for the schema wants both. Each
distribution holds its service, so that an entry can be understood alone; a reader of JSON-LD would take the bare id of a
service, which the schema allows too, for letters.

Read patiently: catalogues are long, and made by others. What is not as it should be is left out and counted, and the
rest is kept. Titles and keywords are taken in either spelling, with the vocabulary's prefix or bare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.dataspace.catalogue import Catalogue, Dataset, Distribution, Page, Service
from usufruct.core.terms.model import Ruleset
from usufruct.wire.dsp import odrl, shapes
from usufruct.wire.dsp.reading import fitting
from usufruct.wire.dsp.spelling import CONTEXT, DCAT, DCT, bad, parse, plain
from usufruct.wire.dsp.writing import encoded

CATALOGUE_MAX = 32 * 1024 * 1024  # bytes
_NAME_MAX = 2_000  # letters of an id or a title
_TEXT_MAX = 20_000  # letters of a description
_LIST_MAX = 100  # keywords
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[A-Za-z*]+\s*=\s*(?:"[^"]*"|[^\s;,"]*))*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]*))', re.IGNORECASE)


# ---- writing


def write_catalogue(catalogue: Catalogue) -> bytes:
    """A catalogue, or a page of it."""
    return encoded("Catalog", _catalogue(catalogue))


def write_dataset(dataset: Dataset) -> bytes:
    """One entry by itself.

    Raises:
        BadInput: it has no offer, or no distribution, that the schema lets us say.
    """
    said = _dataset(dataset)
    if said is None:
        raise bad("", f"dataset `{dataset.id}` has no offer, or is not to be had", "publish an offer for it")
    return encoded("Dataset", said)


def _catalogue(catalogue: Catalogue) -> dict[str, Any]:
    said = {
        "dct:title": catalogue.title,
        "distribution": [_distribution(one) for one in catalogue.distributions],
        "service": [_service(one) for one in catalogue.services],
        "dataset": [made for one in catalogue.datasets if (made := _dataset(one)) is not None],
        "catalog": [{"@type": "Catalog", **_catalogue(one)} for one in catalogue.catalogues],
    }
    named = {"@id": catalogue.id, "participantId": catalogue.participant}
    return {**named, **{name: value for name, value in said.items() if value}}


def _dataset(dataset: Dataset) -> dict[str, Any] | None:
    offers = [said for offer in dataset.offers if (said := _offer(offer, dataset.id)) is not None]
    if not offers or not dataset.distributions:
        return None
    described = {
        "dct:title": dataset.title, "dct:description": dataset.description, "dcat:keyword": list(dataset.keywords),
        "dct:publisher": dataset.publisher, "dct:license": dataset.licence, "dct:issued": dataset.issued,
    }  # fmt: skip
    return {
        "@id": dataset.id, "@type": "Dataset", **{name: value for name, value in described.items() if value},
        "hasPolicy": offers, "distribution": [_distribution(one) for one in dataset.distributions],
    }  # fmt: skip


def _offer(offer: Ruleset, dataset: str) -> dict[str, Any] | None:
    try:
        return {"@type": "Offer", **odrl.write(offer, dataset)}
    except BadInput:  # the protocol has no words for it; it can be agreed to in the portal
        return None


def _distribution(distribution: Distribution) -> dict[str, Any]:
    service: Any = _service(distribution.service) if distribution.service.endpoint else distribution.service.id
    return {"@type": "Distribution", "format": distribution.format, "accessService": service}


def _service(service: Service) -> dict[str, Any]:
    return {"@id": service.id, "@type": "DataService", "endpointURL": service.endpoint}


def write_links(url: str, page: Page) -> str:
    """The `Link` header of a page (RFC 8288): where its neighbours are; empty if it has none."""
    found = (("next", page.next), ("previous", page.previous))
    return ", ".join(f'<{url}?cursor={cursor}>; rel="{rel}"' for rel, cursor in found if cursor)


# ---- reading


def read_links(header: str) -> dict[str, str]:
    """The addresses in a `Link` header by what they are (`next`, `previous`); what cannot be read is left out."""
    found: dict[str, str] = {}
    for url, said in _LINK.findall(header[:_TEXT_MAX]):
        rel = _REL.search(said)
        for name in (rel[1] or rel[2] or "").lower().split() if rel else ():
            found.setdefault("previous" if name == "prev" else name, url)
    return found


def read_catalogue(body: bytes) -> Catalogue:
    """A catalogue of others.

    Raises:
        BadInput: it is no catalogue at all, has no id or names no participant.
    """
    said = plain(parse(body, CATALOGUE_MAX), tolerant=True)
    _expect(said, "Catalog")
    participant = _name(said.get("participantId"))
    if not participant:
        raise bad("$.participantId", "the catalogue does not say whose it is")
    return _Reader().catalogue(said, participant, {})


def read_dataset(body: bytes) -> Dataset:
    """One entry of others, by itself.

    Raises:
        BadInput: it is no dataset, has no id, or no offer that can be read.
    """
    said = plain(parse(body, CATALOGUE_MAX), tolerant=True)
    _expect(said, "Dataset")
    found = _Reader().dataset(said, {})
    if found is None or not found.offers:
        raise bad("$.hasPolicy", "the dataset has no id, or no offer that can be read")
    return found


def _expect(said: Mapping[str, Any], kind: str) -> None:
    if said.get("@type") != kind:
        raise bad("$.@type", f"`{kind}` is expected")
    if CONTEXT not in _many(said.get("@context")):
        raise bad("$.@context", f"it must contain {CONTEXT}")
    if not _name(said.get("@id")):
        raise bad("$.@id", f"the {kind.lower()} has no id")


class _Reader:
    """Reads a catalogue and counts what it leaves out."""

    def __init__(self) -> None:
        self._left_out = 0

    def catalogue(self, said: Mapping[str, Any], participant: str, known: Mapping[str, Service]) -> Catalogue:
        services = tuple(self._all(said, "service", _read_service))
        here = {**known, **{one.id: one for one in services}}
        return Catalogue(
            _name(said.get("@id")), _name(said.get("participantId")) or participant,
            _described(said, _NAME_MAX, DCT + "title", "title"), services,
            tuple(self._all(said, "dataset", lambda one: self.dataset(one, here))),
            tuple(self._all(said, "catalog", lambda one: self._inner(one, participant, here))),
            tuple(self._all(said, "distribution", lambda one: _read_distribution(one, here))), self._left_out,
        )  # fmt: skip

    def _inner(self, said: Any, participant: str, known: Mapping[str, Service]) -> Catalogue | None:
        if not isinstance(said, dict) or not _name(said.get("@id")):
            return None
        inner = _Reader()
        return inner.catalogue(said, participant, known)

    def dataset(self, said: Any, known: Mapping[str, Service]) -> Dataset | None:
        if not isinstance(said, dict) or not (id := _name(said.get("@id"))):
            return None
        keywords = (holdable(one)[:_NAME_MAX] for one in _texts(_first(said, DCAT + "keyword", "keyword")))
        return Dataset(
            id, _described(said, _NAME_MAX, DCT + "title", "title", "name"),
            _described(said, _TEXT_MAX, DCT + "description", "description"),
            tuple(dict.fromkeys(keywords))[:_LIST_MAX], _described(said, _NAME_MAX, DCT + "publisher", "publisher"),
            _described(said, _NAME_MAX, DCT + "license", "license"), _described(said, _NAME_MAX, DCT + "issued", "issued"),
            tuple(self._all(said, "hasPolicy", lambda one: _read_offer(one, id))),
            tuple(self._all(said, "distribution", lambda one: _read_distribution(one, known))),
        )  # fmt: skip

    def _all(self, said: Mapping[str, Any], name: str, read: Any) -> Iterable[Any]:
        for one in _many(said.get(name)):
            found = read(one)
            if found is None:
                self._left_out += 1
            else:
                yield found


def _read_offer(said: Any, dataset: str) -> Ruleset | None:
    try:
        fitting(said, shapes.ListedOffer)
        return odrl.read(said, dataset)
    except BadInput:
        return None


def _read_service(said: Any) -> Service | None:
    if isinstance(said, str):
        return Service(said) if _name(said) else None
    if not isinstance(said, dict) or not (id := _name(said.get("@id"))):
        return None
    return Service(id, _name(said.get("endpointURL")))


def _read_distribution(said: Any, known: Mapping[str, Service]) -> Distribution | None:
    if not isinstance(said, dict):
        return None
    format, service = _name(said.get("format")), _read_service(said.get("accessService"))
    if not format or service is None:
        return None
    return Distribution(format, service if service.endpoint else known.get(service.id, service))


def _many(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [] if said is None else [said]


def _name(said: Any) -> str:
    """An id or an address that can be kept as it is; empty if it cannot."""
    return said if isinstance(said, str) and len(said) <= _NAME_MAX and holdable(said) == said else ""


def _first(said: Mapping[str, Any], *names: str) -> Any:
    return next((said[name] for name in names if said.get(name) is not None), None)


def _texts(said: Any) -> list[str]:
    """The texts among the values of a property, in whichever languages."""
    found = (one.get("@value", one.get("@id")) if isinstance(one, dict) else one for one in _many(said))
    return [one for one in found if isinstance(one, str)]


def _described(said: Mapping[str, Any], most: int, *names: str) -> str:
    return next((holdable(text)[:most] for text in _texts(_first(said, *names))), "")
