"""Asking without SQL: a question is chosen step by step, seen with what it costs, and then asked.

Each step is an address that holds all that was chosen so far, so the back button, a bookmark and a reader without
JavaScript all do what they should. Nothing is asked before the last button, and that sends the same form as the desk's.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from litestar import get

from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy import builder
from usufruct.core.privacy.builder import Choice
from usufruct.core.privacy.question import Literal
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.node import asking, views
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import desk
from usufruct.web.portal.desk import value_in_words
from usufruct.web.portal.pages import AnyRequest, Page, page
from usufruct.wire import sql

ONLY = "only."  # before the name of a column, in the name of a field


@dataclass(frozen=True, slots=True)
class Preview:
    """What a question would cost, in micro-rho, out of what is `left` of the `total`; and for each of its measures what margin
    is to be expected, in words."""

    words: str
    charge: int
    left: int
    total: int
    margins: tuple[tuple[str, str], ...] = ()


@get("/ask", opt=desk.ASK, include_in_schema=False, sync_to_thread=True)
def ask(request: AnyRequest) -> Page:
    """The step that comes next: what about and what kind, then the details, then the question itself."""
    shown = views.desk_page(node_of(request), who_is(request).party)
    typed = request.query_params
    usable = {item.asset.id: item for item in shown.usable}
    found, kind = usable.get(typed.get("asset", "")), typed.get("kind", "")
    about = {typed.get("asset", ""), typed.get("other", "")}
    agreed = tuple(agreement for agreement in shown.agreements if agreement.asset in about)
    form = desk.form_for(request, agreed, "", typed.get("purpose", ""))
    charge = typed.get("precision", "")
    precision = int(charge) if charge in {str(offered) for offered, _ in form.precisions} else form.ordinary
    if found is None or kind not in builder.KINDS:
        wrong = "choose from the lists" if "asset" in typed or "kind" in typed else ""
        return page(request, "ask.html", "Ask without SQL", usable=shown.usable, asset=found.asset if found else None,
                    kind=kind, kinds=builder.KINDS, wrong=wrong)  # fmt: skip
    choice, other = _chosen(request, kind, found.asset), usable.get(typed.get("other", ""))
    wrong = builder.misfit(choice, found.asset, other.asset if other else None)
    text = "" if wrong else builder.write(choice, found.asset, other.asset if other else None)
    ready = "ready" in typed and not wrong
    preview = _preview(request, text, form.purpose, precision) if ready else None
    return page(
        request, "ask-details.html", "Ask without SQL", choice=choice, asset=found.asset, kinds=builder.KINDS,
        counted=[(name, builder.COUNTED[name]) for name in builder.counted(found.asset)], form=form, precision=precision,
        summed=builder.summed(found.asset), divided=builder.divided(found.asset), periods=builder.periods(found.asset),
        others=[item.asset for item in shown.usable if item.asset.id != found.asset.id and item.asset.person_column],
        only=dict(choice.only), prefix=ONLY, wrong=wrong if "ready" in typed else "", text=text, ready=ready,
        preview=preview if isinstance(preview, Preview) else None, value_of=value_in_words,
        refusal=preview if isinstance(preview, Refusal) else None, change=_without_ready(request),
        propose="/templates/new?" + urlencode({"text": text, "purpose": form.purpose}),
    )  # fmt: skip


def _chosen(request: AnyRequest, kind: str, asset: Asset) -> Choice:
    """What the address says; what it does not, as it is asked most."""
    typed = request.query_params
    by = [name for name in typed.getall("by", []) if name]
    period = typed.get("period", "")
    if kind == "trend":
        by = [period, *(name for name in by if name != period)] if period else by
    of = typed.get("of", "")
    total = of if of in ("sum", "average") else "average"
    counts = kind == "count" or (kind == "trend" and of in builder.COUNTED)
    counted = of if of in builder.COUNTED else builder.counted(asset)[0]
    only = ((column, _those(column, typed.getall(ONLY + column.name, []))) for column in builder.divided(asset))
    return Choice(
        kind, counted if counts else "", "" if counts else typed.get("column", ""), total, tuple(by),
        tuple((column.name, values) for column, values in only if values), typed.get("other", ""),
    )  # fmt: skip


def _those(column: Column, chosen: list[str]) -> tuple[Literal, ...]:
    """The values of a column that were ticked; others are nothing that could have been."""
    wanted = set(chosen)
    return tuple(value for value in column.values if value_in_words(value) in wanted)


def _without_ready(request: AnyRequest) -> str:
    return "/ask?" + urlencode([item for item in request.query_params.multi_items() if item[0] != "ready"])


def _preview(request: AnyRequest, text: str, purpose: str, micro_rho: int) -> Preview | Refusal:
    """What would come of asking this now, without asking it."""
    who = who_is(request)
    asked = asking.Asked(
        who.party, text, sql.parse(text), purpose, micro_rho, actors=who.actors, signed=who.signed
    )  # fmt: skip
    found = asking.preview(node_of(request), asked)
    if isinstance(found, Refusal):
        return found
    margins = tuple(
        (one.measure, f"± {one.margin}" + (f" in a group of {one.rows:,} rows" if one.rows else ""))
        for one in found.margins
    )
    return Preview(found.meaning, found.charge, found.budget_left, found.budget_total, margins)


handlers = [ask]
