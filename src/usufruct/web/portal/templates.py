"""Pages of templates: those one may know of, one of them to run or to approve, and a form to propose one."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.core.access.template_values import Gap, takes
from usufruct.core.access.templates import APPROVED, TEXT_MAX, Draft
from usufruct.core.base.refusals import refuse
from usufruct.core.registry.state import Asset
from usufruct.node import templates as use_case
from usufruct.node import views
from usufruct.web.api import EITHER_SIDE, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import desk, pages
from usufruct.web.portal.pages import AnyRequest, Form, Page, PageNumber, back_to, field, page, purpose_choices
from usufruct.web.templates import ANYBODY
from usufruct.wire import sql

PART = 20
GAPS = 4  # parameters for which the form has room; the API and the command line take more


@get("/templates", opt=ANYBODY, include_in_schema=False, sync_to_thread=True)
def listed(request: AnyRequest, number: PageNumber = 1) -> Page:
    """The templates that whoever looks may know of."""
    found = use_case.listed(node_of(request), who_is(request).party)
    waiting = [one for one in found if one.approves]
    rest = [one for one in found if not one.approves]
    return page(request, "templates.html", "Templates", waiting=waiting[:PART], part=pages.part(rest, number, PART))


@get("/templates/new", opt=ANYBODY, include_in_schema=False, sync_to_thread=True)
def new(request: AnyRequest, text: FromQuery[str] = "", purpose: FromQuery[str] = "") -> Page:
    """A form to propose one; `text` is the question to begin with."""
    node, party = node_of(request), who_is(request).party
    with node.store.read() as state:
        published = [asset for asset in state.list(Asset) if asset.publisher == party]
    usable = [item.asset for item in views.desk_page(node, party).usable]
    assets = list({asset.id: asset for asset in (*usable, *published)}.values())
    columns = sorted({c.name for asset in assets for c in asset.columns if c.values or c.low is not None})
    return page(request, "template-new.html", "Propose a template", text=text[:TEXT_MAX], purpose=purpose,
                columns=columns, gaps=GAPS, choices=purpose_choices())  # fmt: skip


@post("/templates", opt=ANYBODY, include_in_schema=False, sync_to_thread=True)
def propose(request: AnyRequest, data: Form) -> Response[Any]:
    """Proposes what was typed."""
    gaps = [
        Gap(name, field(data, f"label-{place}"), field(data, f"column-{place}", 200))
        for place in range(1, GAPS + 1) if (name := field(data, f"name-{place}", 40).removeprefix("$"))
    ]  # fmt: skip
    draft = Draft(
        field(data, "template", 63), field(data, "title"), field(data, "sql", TEXT_MAX), (field(data, "purpose", 100),),
        tuple(gaps),
    )  # fmt: skip
    fact = done(use_case.propose(node_of(request), draft, who_is(request).party, sql.parse))
    return back_to(f"/templates/{fact.template}", became="proposed")


@get("/templates/{name:str}", opt=ANYBODY, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, name: FromPath[str], became: FromQuery[str] = "") -> Page:
    """One template: to run it, to approve it, and its versions."""
    node, party = node_of(request), who_is(request).party
    found = use_case.found(node, party, name)
    if not found:
        raise RefusedHere(refuse(
            "access.template", "there is nothing to show", f"there is no template `{name[:63]}` that you may know of",
            remedy="see the list of templates",
        ))  # fmt: skip
    current = next((one for one in found if one.row.stands == APPROVED), found[0])
    covered = views.desk_page(node, party).agreements if current.runs else ()
    return page(
        request, "template.html", current.row.title, found=found, current=current, row=current.row, became=became,
        form=desk.form_for(request, covered, "", current.row.purposes[0]), takes=takes, value=desk.value_in_words,
        waiting=[one for one in found if one.approves],
    )  # fmt: skip


@post("/templates/{name:str}/questions", opt=desk.ASK, include_in_schema=False, sync_to_thread=True)
def run(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """Runs it, then shows what came of it at its own address."""
    who = who_is(request)
    values = {key.removeprefix("value."): field(data, key, 200) for key in data if key.startswith("value.")}
    asked = use_case.Run(who.party, name, values, field(data, "purpose", 100), desk.precision_of(data))
    return back_to(f"/questions/{use_case.run(node_of(request), asked, sql.parse).use}")


@post("/templates/{name:str}/{version:int}/approval", opt=EITHER_SIDE, include_in_schema=False, sync_to_thread=True)
def approve(request: AnyRequest, name: FromPath[str], version: FromPath[int], data: Form) -> Response[Any]:
    """Approves what was read."""
    who = who_is(request)
    done(use_case.approve(node_of(request), name, version, who.party, who.actors))
    return back_to(f"/templates/{name}", became="approved")


@post("/templates/{name:str}/{version:int}/withdrawal", opt=ANYBODY, include_in_schema=False, sync_to_thread=True)
def withdraw(request: AnyRequest, name: FromPath[str], version: FromPath[int], data: Form) -> Response[Any]:
    """Takes a version back."""
    done(use_case.withdraw(node_of(request), name, version, who_is(request).party))
    return back_to("/templates")


handlers = [listed, new, propose, show, run, approve, withdraw]
