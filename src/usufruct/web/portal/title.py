"""The page of a title: who holds which right on an asset, from whom, until when; drawn and as a table."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath

from usufruct.core.registry.title import Line
from usufruct.web.portal.chain import Stop, chain
from usufruct.web.portal.pages import AnyRequest, Page, page
from usufruct.web.rights import title_for

SHOWN = 60  # rights on the page; the API has all
NAME_LETTERS = 28

# In words; how each looks on the map is its place here.
STATES = {"good": "good", "ended": "ended", "broken": "no longer good", "lent": "lent out"}


@get("/title/{asset:str}", opt={"rule": "public"}, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, asset: FromPath[str]) -> Page:
    """Who holds which right on an asset that is offered, or in which she who looks has a place."""
    found = title_for(request, asset)
    lines = found.lines[:SHOWN]
    source = next((line.giver for line in lines if not line.depth), "")
    stops = [Stop("", _short(source), "where every right begins", 0, False)]
    stops += [Stop(line.right.id, _short(line.holder), _in_words(line), _style(line), line.mine) for line in lines]
    links = [(line.right.rests_on or "", line.right.id) for line in lines]
    title = f"Who holds which right on {found.asset.title}"
    return page(
        request, "title.html", title, asset=found.asset, drawing=chain("title", title, stops, links), lines=lines,
        states=STATES, left=len(found.lines) - len(lines), mine=any(line.mine for line in lines),
        members=found.members,
    )  # fmt: skip


def _short(name: str) -> str:
    """A name that fits beside the tracks on a phone, of which there may be many."""
    return name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1]}…"


def _in_words(line: Line) -> str:
    words = line.right.right if line.state == "good" else f"{line.right.right}, {STATES[line.state]}"
    return f"{words}, pilot {line.right.pilot}" if line.right.pilot else f"{words} ({line.right.id})"


def _style(line: Line) -> int:
    return tuple(STATES).index(line.state)


handlers = [show]
