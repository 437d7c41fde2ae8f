"""The catalogue in the terms of DCAT 3 (W3C Recommendation, 2024), as JSON-LD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from usufruct.core.base.money import Money
from usufruct.core.contract.state import Offer
from usufruct.core.registry.state import Asset

_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "dpv": "https://w3id.org/dpv#",
    "usu": "https://usufruct.example/ns#",
}


def catalogue(
    url: str, name: str, operator: str, listed: list[tuple[Asset, str, tuple[Offer, ...]]], opened: Mapping[str, str]
) -> dict[str, Any]:
    """The node's catalogue: each asset with its publisher's name and the offers that are open; `opened` says of open data
    how the source is to be named."""
    return {
        "@context": _CONTEXT,
        "@id": f"{url}/api/v1/catalogue",
        "@type": "dcat:Catalog",
        "dct:title": name,
        "dct:publisher": operator,
        "dcat:dataset": [_dataset(url, *item) | _open(url, item[0], opened) for item in listed],
    }


def _dataset(url: str, asset: Asset, publisher: str, offers: tuple[Offer, ...]) -> dict[str, Any]:
    return {
        "@id": f"{url}/api/v1/catalogue#{asset.id}",
        "@type": "dcat:Dataset",
        "dct:identifier": asset.id,
        "dct:title": asset.title,
        "dct:description": asset.description,
        "dct:license": asset.licence,
        "dct:publisher": publisher,
        "dct:issued": asset.since,
        "dct:temporal": asset.quality.period,
        "dcat:keyword": list(asset.keywords),
        "usu:columns": [
            {
                "usu:name": c.name, "usu:type": c.type, "usu:class": c.data_class, "usu:grade": c.grade,
                "dct:description": c.description, "usu:unit": c.unit, "usu:values": list(c.values),
            }
            for c in asset.columns
        ],
        "usu:rowsPerPerson": asset.rows_per_person,
        "odrl:hasPolicy": [_offer(o) for o in offers],
    }  # fmt: skip


def _open(url: str, asset: Asset, opened: Mapping[str, str]) -> dict[str, Any]:
    """Where anybody may have the data, if they are open."""
    if asset.id not in opened:
        return {}
    return {
        "dct:accessRights": "http://publications.europa.eu/resource/authority/access-right/PUBLIC",
        "dct:bibliographicCitation": opened[asset.id],
        "dcat:landingPage": f"{url}/open/{asset.id}",
        "dcat:distribution": [
            {
                "@type": "dcat:Distribution",
                "dcat:downloadURL": f"{url}/api/v1/open/{asset.id}/data.{form}",
                "dcat:mediaType": kind,
            }
            for form, kind in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet"))
        ],
    }


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "@id": offer.id,
        "@type": "odrl:Offer",
        "usu:form": offer.terms.form,
        "usu:purpose": [f"dpv:{purpose}" for purpose in offer.terms.purposes],
        "usu:price": str(Money(offer.terms.price, offer.terms.currency)),
        "usu:years": offer.terms.years,
        "dct:valid": offer.until,
    }
