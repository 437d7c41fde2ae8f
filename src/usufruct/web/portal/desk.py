"""A data user's pages: what is offered, what was agreed, asking, and what came of every question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.negotiation import FINAL
from usufruct.core.contract.state import Agreement
from usufruct.core.privacy import builder
from usufruct.core.privacy.builder import Choice
from usufruct.core.privacy.question import Literal, Question
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes
from usufruct.node import asking, decision, query, rows, trade, views
from usufruct.web.api import RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import answers, levies, pages
from usufruct.web.portal.pages import AnyRequest, Form, Page, PageNumber, back_to, field, page
from usufruct.web.portal.steward import moves_of
from usufruct.wire import sql

ASK = {"rule": ("ask",)}
NEGOTIATE = {"rule": ("negotiate",)}
USES_PART = 20
LISTED = 20
NOTHING = "registry.unknown"


@dataclass(frozen=True, slots=True)
class _Form:
    """What the form to ask is filled with; purposes that an agreement covers come first."""

    text: str
    purpose: str
    covered: list[tuple[str, str]]
    others: list[tuple[str, str]]
    precisions: list[tuple[int, str]]
    ordinary: int


@get("/desk", opt=ASK, include_in_schema=False, sync_to_thread=True)
def desk(request: AnyRequest, number: PageNumber = 1, moved: FromQuery[str] = "") -> Page:
    """Ask, request, and look up what was asked; `moved` is the negotiation that the last form moved."""
    party = who_is(request).party
    shown = views.desk_page(node_of(request), party)
    agreed = {a.offer: a for a in shown.agreements if a.active(shown.now)}
    live = {n.offer: n for n in shown.negotiations if n.state not in FINAL}
    example = _example(shown.usable[0].asset) if shown.usable else ""
    return page(
        request, "desk.html", "Your desk", shown=shown, uses=pages.part(shown.uses[::-1], number, USES_PART),
        form=form_for(request, shown.agreements, example, ""), agreed=agreed, live=live,
        agreements=pages.part(shown.agreements[::-1], 1, LISTED), listed=pages.part(shown.listed, 1, LISTED),
        negotiations=[(n, moves_of(n, party)) for n in live.values()][:LISTED],
        moved=next((n for n in shown.negotiations if n.id == moved), None),
        budgets={u.asset.id: u.budget for u in shown.usable}, levied=levies.on_top(request, shown.listed[:LISTED]),
    )  # fmt: skip


def form_for(request: AnyRequest, agreements: tuple[Agreement, ...], text: str, purpose: str) -> _Form:
    """What a form to ask offers: purposes, and how precise an answer can be."""
    node = node_of(request)
    now = node.clock.now()
    allowed = dict.fromkeys(p for a in agreements if a.active(now) for p in a.terms.purposes)
    covered = {narrower for p in allowed for narrower in purposes.descendants(p)}
    labelled = sorted((purposes.label(p), p) for p in purposes.descendants(purposes.ROOT))
    value = {name: node.rulebook.value(f"privacy.{name}", now) for name in (
        "budget-micro-rho", "question-micro-rho", "question-micro-rho-min", "question-micro-rho-max"
    )}  # fmt: skip
    ordinary, most = value["question-micro-rho"], value["question-micro-rho-max"]
    least = max(value["question-micro-rho-min"], ordinary // 10)
    offered = dict.fromkeys((least, ordinary // 2, ordinary, most))
    first = next(iter(allowed), "")
    return _Form(
        text, purpose or first, [item for item in labelled if item[1] in covered],
        [item for item in labelled if item[1] not in covered],
        [(charge, pages.percent(charge, value["budget-micro-rho"])) for charge in offered], ordinary,
    )  # fmt: skip


def _example(asset: Asset) -> str:
    """A question that can be asked of an asset, made from its public card."""
    by = tuple(column.name for column in builder.divided(asset)[:1])
    column = next((column.name for column in builder.summed(asset)), "")
    if column:
        return builder.write(Choice("average", column=column, by=by), asset)
    return builder.write(Choice("count", builder.counted(asset)[0], by=by), asset)


@post("/desk/questions", opt=ASK, include_in_schema=False, sync_to_thread=True)
def ask(request: AnyRequest, data: Form) -> Response[Any]:
    """Asks, then shows what came of it at its own address; to load that again asks nothing and costs nothing."""
    result = rows.ask(node_of(request), _asked(request, data))
    if isinstance(result, query.Answered) and result.repeated:
        return back_to(f"/questions/{result.use}", again="yes")
    return back_to(f"/questions/{result.use}")


@post("/desk/preview", opt=ASK, include_in_schema=False, status_code=200, sync_to_thread=True)
def preview(request: AnyRequest, data: Form) -> Page:
    """What the question in the form would cost, and how exact its answer would be; it is asked by a further button only."""
    node, asked = node_of(request), _asked(request, data)
    records = isinstance(asked.question, Question) and asked.question.form == "rows"
    found = None if records else asking.preview(node, asked)
    form = form_for(request, views.desk_page(node, asked.requester).agreements, asked.text, asked.purpose)
    return page(
        request, "preview.html", "What it would cost", form=form, precision=asked.micro_rho or form.ordinary,
        anew=asked.anew, records=records, refusal=found if isinstance(found, Refusal) else None,
        preview=found if isinstance(found, asking.Previewed) else None,
    )  # fmt: skip


def _asked(request: AnyRequest, data: dict[str, Any]) -> query.Asked:
    """What the form to ask holds."""
    text, purpose = field(data, "sql", sql.TEXT_LIMIT), field(data, "purpose", 100)
    anew = field(data, "anew", 3) == "yes"
    return query.Asked(who_is(request).party, text, sql.parse(text), purpose, precision_of(data), anew=anew)


def precision_of(data: dict[str, Any]) -> int | None:
    """What the form says an answer may cost, in micro-rho; None if it leaves that to the node.

    Raises:
        BadInput: it is no number.
    """
    charge = field(data, "precision", 10)
    if charge and not (charge.isascii() and charge.isdigit()):
        raise BadInput("input.form", f"`{charge}` is not a precision", "choose one of those in the form")
    return int(charge) if charge else None


def value_in_words(value: Literal) -> str:
    """A value of a list, as it stands in forms."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@get("/questions/{use:str}", opt={"rule": ("ask", "steward")}, include_in_schema=False, sync_to_thread=True)
def question(request: AnyRequest, use: FromPath[str], again: FromQuery[str] = "") -> Page:
    """What came of a question: for who asked it, and for the steward, who does not see the answer. `again` says that it was
    asked before, and the answer given again."""
    node, party = node_of(request), who_is(request).party
    found = views.question_page(node, party, use)
    if found is None:
        raise RefusedHere(refuse(
            NOTHING, "there is nothing to show", f"there is no question `{use}` of yours", remedy="see your desk"
        ))  # fmt: skip
    mine = found.use.requester == party
    form = None
    if mine and found.use.form != "cubes":
        form = form_for(request, views.desk_page(node, party).agreements, found.use.question, found.use.purpose)
    titles = {"answered": "Answer", "refused": "Not answered", "abandoned": "Failed", "admitted": "Being answered"}
    return page(
        request, "question.html", f"{titles[found.use.state]}: {use}", shown=found, mine=mine, form=form,
        again=again == "yes" and mine, answer=answers.shown(found.let_out, "answer"), cubes=answers.cube(found.let_out, "cube"),
        decision=decision.of_use(node, use, party if mine else None),
    )  # fmt: skip


@post("/desk/requests", opt=NEGOTIATE, include_in_schema=False, sync_to_thread=True)
def request_offer(request: AnyRequest, data: Form) -> Response[Any]:
    """Requests an offer as it stands."""
    moved = done(trade.request_offer(node_of(request), field(data, "offer"), who_is(request).party))
    return back_to("/desk", moved=moved.negotiation)


@post("/desk/negotiations/{negotiation:str}", opt=NEGOTIATE, include_in_schema=False, sync_to_thread=True)
def move(request: AnyRequest, negotiation: FromPath[str], data: Form) -> Response[Any]:
    """Sends a message in the data user's name."""
    done(trade.move(node_of(request), negotiation, field(data, "message"), who_is(request).party))
    return back_to("/desk", moved=negotiation)


handlers = [desk, ask, preview, question, request_offer, move]
