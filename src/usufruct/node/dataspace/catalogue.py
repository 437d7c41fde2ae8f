"""What this node has on offer, as another node may see it: the register, filtered and a page at a time.

The filter comes first and looks at offers alone; assets are read for the one page that is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from usufruct.core.base.records import Reader
from usufruct.core.contract.state import Offer
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.catalogue import Catalogue, Dataset, Page, Service, described, page
from usufruct.core.dataspace.messages import FORMATS
from usufruct.core.registry.state import Asset, Party
from usufruct.node.node import Node


def page_for(node: Node, party: str, cursor: str) -> tuple[Catalogue, Page]:
    """A page of what a party may see, in the order of the datasets' names.

    Raises:
        BadInput: the cursor is none of ours.
    """
    now = node.clock.now()
    with node.store.read() as state:
        offers: dict[str, list[Offer]] = {}
        for offer in state.list(Offer):
            if rules.is_for(offer, party, now):
                offers.setdefault(offer.asset, []).append(offer)
        shown = page(sorted(offers), cursor)
        datasets = tuple(_dataset(node, state, asset, offers[asset]) for asset in shown.ids)
    service = _service(node)
    return Catalogue(service.id, node.connector.participant, node.about.name, (service,), datasets), shown


def dataset_for(node: Node, party: str, asset: str) -> Dataset | None:
    """One entry; None if there is none that the party may see."""
    now = node.clock.now()
    with node.store.read() as state:
        offers = [offer for offer in state.list(Offer, asset=asset) if rules.is_for(offer, party, now)]
        return _dataset(node, state, asset, offers) if offers else None


def _dataset(node: Node, state: Reader, asset: str, offers: Sequence[Offer]) -> Dataset:
    row = state.get(Asset, asset)
    assert row is not None
    publisher = state.get(Party, row.publisher)
    return described(row, publisher.name if publisher else row.publisher, offers, _service(node), FORMATS)


def _service(node: Node) -> Service:
    return Service(f"{node.connector.url}/catalog", node.connector.url)
