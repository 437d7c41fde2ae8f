"""The page of a trace: where something came from and where it went, drawn and as a table."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import get
from litestar.params import FromPath

from usufruct.core.base.instants import Instant
from usufruct.core.trace import Told, Trace, tell
from usufruct.web.lineage import CONCERNED, trace_for
from usufruct.web.portal.chain import Stop, chain
from usufruct.web.portal.pages import AnyRequest, Page, page

SHOWN = 30  # things in the drawing and the table, in each direction; the exports have all

_STYLES = {"asset": 0, "outside": 1, "use": 3}  # a step is a triangle
_KINDS = {
    "asset": "Asset",
    "use": "Question",
    "outside": "Outside this node",
    "collected": "Collected",
    "stored": "Stored",
    "processed": "Processed",
    "analysed": "Analysed",
    "served": "Served",
}


@dataclass(frozen=True, slots=True)
class _Thing:
    """A line of the table; `came_of` are the things directly above it, `link` says whether it has a page like this."""

    id: str
    kind: str
    title: str
    details: tuple[str, ...]
    at: Instant | None
    came_of: tuple[str, ...]
    link: bool


@get("/trace/{name:str}", opt=CONCERNED, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, name: FromPath[str]) -> Page:
    """Where something came from and where it went, as far as it concerns who looks."""
    found = trace_for(request, name)
    above, below = ([item for item in side if item != found.root] for side in (found.above, found.below))
    items = [*reversed(above[:SHOWN]), found.root, *_newest(found, below)]
    told = {item: tell(found, item) for item in items}
    links = [link for link in found.links() if link[0] in told and link[1] in told]
    stops = [
        Stop(item, item, _in_words(one), _STYLES.get(one.kind, 2), item == found.root) for item, one in told.items()
    ]
    title = f"Where {told[found.root].title if found.root in found.assets else found.root} came from and where it went"
    return page(
        request, "trace.html", title, root=_thing(found, found.root, told[found.root], links),
        drawing=chain("chain", title, stops, links), left=len(above) + len(below) + 1 - len(items), total=len(found.items()),
        things=[_thing(found, item, one, links) for item, one in told.items()], nothing_below=not below,
    )  # fmt: skip


def _newest(found: Trace, below: list[str]) -> list[str]:
    """As many as are shown of what lies below: the latest uses, and what is nearest of the rest."""
    uses = [item for item in below if item in found.uses][-SHOWN // 2 :]
    return [item for item in below if item not in found.uses or item in uses][:SHOWN]


def _in_words(told: Told) -> str:
    kind = _KINDS[told.kind]
    return kind if told.kind == "outside" else f"{kind}: {told.title}"


def _thing(found: Trace, item: str, told: Told, links: list[tuple[str, str]]) -> _Thing:
    came_of = tuple(source for source, target in links if target == item)
    return _Thing(item, _KINDS[told.kind], told.title, told.details, told.at, came_of, item in found.opens)


handlers = [show]
