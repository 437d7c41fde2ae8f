"""Grades, purposes, and what a new table may hold: the pages on how data are classed."""

from __future__ import annotations

from typing import Annotated

from anyio.to_thread import run_sync
from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.params import QueryParameter

from usufruct.core.registry.seen import ColumnProposed
from usufruct.core.rulebook import grades, purposes
from usufruct.web.api import UPLOAD_LIMIT, kept, part_of
from usufruct.web.auth import node_of
from usufruct.web.portal.pages import AnyRequest, Page, page
from usufruct.wire import card

STEWARD = {"rule": ("steward",)}
Query = Annotated[str, QueryParameter(name="q", max_length=100)]


@get("/grades", opt={"rule": "public"}, include_in_schema=False, sync_to_thread=False)
def show_grades(request: AnyRequest) -> Page:
    """The seven grades, how data of each are handled, and what others call them."""
    return page(
        request, "grades.html", "Grades", table=grades.TABLES[-1], schemes=grades.SCHEMES, assurances=grades.ASSURANCES,
        bases=grades.BASES, logs=grades.LOGS, obligations=grades.OBLIGATIONS,
    )  # fmt: skip


@get("/purposes", opt={"rule": "public"}, include_in_schema=False, sync_to_thread=False)
def show_purposes(request: AnyRequest, q: Query = "") -> Page:
    """The purpose tree, and what a search finds in it."""
    words = q.lower().split()
    every = purposes.descendants(purposes.ROOT)
    found = [p for p in every if all(word in f"{p} {purposes.label(p)}".lower() for word in words)]
    return page(
        request, "purposes.html", "Purposes", q=q.strip(), found=found if words else [], near=purposes.nearest(q),
        below=purposes.directly_narrower, above=purposes.ancestors, total=len(every),
    )  # fmt: skip


@get("/steward/classify", opt=STEWARD, include_in_schema=False, sync_to_thread=False)
def classify_form(request: AnyRequest) -> Page:
    """Where a table is shown to the node for a first word on it."""
    return page(request, "classify.html", "What a new table holds", proposed=None, text="", name="")


@post("/steward/classify", opt=STEWARD, include_in_schema=False, request_max_body_size=UPLOAD_LIMIT)
async def classify(request: AnyRequest) -> Page:
    """What each column may be, and the card that says so; the table is not kept."""
    form = await request.form()
    file = part_of({name: value for name, value in form.items() if isinstance(value, UploadFile)}, "table")
    content = await file.read()

    def look() -> tuple[list[ColumnProposed], str]:
        engine = node_of(request).engine
        with kept(file.filename, content) as path:
            proposed = engine.classify(path)
            return proposed, card.propose(name, engine.inspect(path), proposed)

    name = file.filename.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
    proposed, text = await run_sync(look)
    return await run_sync(lambda: page(
        request, "classify.html", "What a new table holds", proposed=proposed, text=text, name=file.filename
    ))  # fmt: skip


handlers = [show_grades, show_purposes, classify_form, classify]
