"""The steward's page of the exchange: which services there are, who may call them, and what was called lately."""

from __future__ import annotations

from litestar import get

from usufruct.node import services
from usufruct.web.auth import node_of
from usufruct.web.portal.pages import AnyRequest, Page, page

DAYS_LISTED = 100  # lines of traffic


@get("/steward/services", opt={"rule": ("steward",)}, include_in_schema=False, sync_to_thread=True)
def overview(request: AnyRequest) -> Page:
    """Services, clients, access rights, linked nodes, calls by day, the newest calls."""
    shown = services.services_page(node_of(request))
    return page(
        request, "services.html", "Services", shown=shown, traffic=shown.traffic[:DAYS_LISTED],
        rights_of={s.id: [right for right in shown.rights if right.service == s.id] for s in shown.services},
        elsewhere=[right for right in shown.rights if right.service not in {s.id for s in shown.services}],
    )  # fmt: skip


handlers = [overview]
