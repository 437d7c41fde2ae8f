"""Requests for a member's consent, and every word she said: to answer, to limit, to object, with a receipt for each.

Nothing is chosen beforehand, and no is as near as yes. A yes goes through a page that shows the very text it agrees to,
and carries that text's digest; a form that shows one thing and sends another is refused.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from usufruct.core.access import consent_notice
from usufruct.core.access.consent_conditions import MODES, Conditions, Within
from usufruct.core.access.consent_requests import ConsentRequest
from usufruct.core.access.consent_words import Spoken
from usufruct.core.access.facts import RequestDeferred
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, parse
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.bases import BASES
from usufruct.node import consent
from usufruct.node.node import Node
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.consents import speaker
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page, purpose_choices

MEMBER = {"rule": ("member",)}
WORDS_SHOWN = 200
Ward = Annotated[str, QueryParameter(name="ward", max_length=63)]


@get("/member/requests", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def inbox(request: AnyRequest, ward: Ward = "", recorded: FromQuery[int] = -1) -> Page:
    """Who asks for a member's consent, or for that of somebody she is the guardian of; `recorded` is the fact that the last
    form became, 0 if it put a request off."""
    node, (party, by) = node_of(request), speaker(request, ward)
    found = consent.inbox(node, party, by)
    narrower = {
        asked.request.id: [(purposes.label(p), p) for p in purposes.descendants(asked.request.purpose)]
        for asked in found
    }
    became = "later" if recorded == 0 and any(asked.deferred for asked in found) else ""
    if recorded > 0 and _said(consent.words(node, party, by), recorded):
        became = "answered"
    modes = {asked.request.id: MODES[: MODES.index(asked.request.conditions.mode) + 1] for asked in found}
    return page(
        request, "requests.html", "Requests for your consent", found=found, narrower=narrower, modes=modes, ward=ward,
        wards=consent.wards(node, who_is(request).party), became=became, recorded=recorded,
        in_words=consent_notice.MODES_IN_WORDS,
    )  # fmt: skip


def _said(spoken: list[Spoken], fact: int) -> bool:
    """Whether a fact is a word of hers: what stands in an address may have been written by anybody."""
    return any(one.word.seq == fact for one in spoken)


@post("/member/requests/{id:str}", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def answer(request: AnyRequest, id: FromPath[str], data: Form) -> Response[Any]:
    """An answer; `word` is `yes`, `less`, `no` or `later`."""
    node, ward, word = node_of(request), field(data, "ward", 63), field(data, "word")
    party, by = speaker(request, ward)
    conditions, purpose = None, ""
    if word == "less":
        asked = next((a.request for a in consent.inbox(node, party, by) if a.request.id == id), None)
        conditions, purpose = (_less(data, asked), field(data, "purpose")) if asked else (None, "")
    fact, receipt = done(consent.answer(
        node, id, party, "yes" if word == "less" else word, field(data, "notice"), purpose, conditions, by=by
    ))  # fmt: skip
    shown = {"ward": ward} if ward else {}
    return back_to("/member/requests", recorded=0 if isinstance(fact, RequestDeferred) else receipt.index, **shown)


def _less(data: Form, asked: ConsentRequest) -> Conditions:
    """What was asked, with what she typed in its place."""
    typed, before = _typed(data), asked.conditions
    return Conditions(
        typed.mode, min(typed.until, before.until), typed.uses or before.uses, typed.frequency or before.frequency,
        typed.per or before.per, before.rows, before.recipients, before.agreements,
    )  # fmt: skip


@get("/member/words", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def words(request: AnyRequest, ward: Ward = "", recorded: FromQuery[int] = -1) -> Page:
    """Every word a member said, with conditions, status and receipt; and the way to say another with limits."""
    node, (party, by) = node_of(request), speaker(request, ward)
    spoken = consent.words(node, party, by)
    return page(
        request, "words.html", "What you said", spoken=spoken[:WORDS_SHOWN], total=len(spoken), ward=ward,
        wards=consent.wards(node, who_is(request).party), assets=consent.assets(node, party, by), bases=BASES,
        in_words=consent_notice.MODES_IN_WORDS, recorded=recorded if _said(spoken, recorded) else -1,
        choices=purpose_choices(), modes=MODES,
    )  # fmt: skip


@post("/member/words/review", opt=MEMBER, include_in_schema=False, sync_to_thread=True, status_code=200)
def review(request: AnyRequest, data: Form) -> Page:
    """What a yes within limits would mean, to be read before it is said."""
    node, ward = node_of(request), field(data, "ward", 63)
    party, by = speaker(request, ward)
    asset, purpose = field(data, "asset"), field(data, "purpose")
    text = done(consent.notice(node, asset, party, purpose, _limits(node, data, party, by), by))
    kept = {name: field(data, name) for name in _FIELDS}
    return page(
        request, "review.html", "Read before you consent", text=text, digest=consent_notice.digest(text), kept=kept
    )


@post("/member/words", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def say(request: AnyRequest, data: Form) -> Response[Any]:
    """A yes within limits, as it was reviewed; or an objection, and its end."""
    node, word, ward = node_of(request), field(data, "word"), field(data, "ward", 63)
    party, by = speaker(request, ward)
    asset, purpose, basis = field(data, "asset"), field(data, "purpose"), field(data, "basis")
    match word:
        case "consent":
            notice = field(data, "notice")
            if not notice:
                raise BadInput("input.form", "the form does not say what you read", "review it first")
            limits = _limits(node, data, party, by)
            _, receipt = done(consent.record_word(node, asset, party, purpose, True, limits, notice, by))
        case "object":
            _, receipt = done(consent.object_to(node, asset, party, purpose, basis, by))
        case "lift":
            _, receipt = done(consent.lift_objection(node, asset, party, purpose, basis, by))
        case _:
            raise BadInput("input.form", "the form does not say what you decide", "choose one of its buttons")
    shown = {"ward": ward} if ward else {}
    return back_to("/member/words", recorded=receipt.index, **shown)


_FIELDS = (
    "ward", "asset", "purpose", "mode", "until", "uses", "often", "per", "recipient", "column", "low", "high", "values",
)  # fmt: skip


def _limits(node: Node, data: Form, party: str, by: str) -> Conditions:
    limits = _typed(data)
    column, recipient = field(data, "column"), field(data, "recipient")
    rows: tuple[Within, ...] = ()
    if column:
        values = tuple(value.strip() for value in field(data, "values").split(",") if value.strip())
        low, high = field(data, "low"), field(data, "high")
        rows = (done(consent.within(node, field(data, "asset"), party, by, column, low, high, values)),)
    return Conditions(
        limits.mode, limits.until, limits.uses, limits.frequency, limits.per, rows, (recipient,) if recipient else ()
    )


def _typed(data: Form) -> Conditions:
    """The limits that every form has."""
    until, often = field(data, "until"), _number(data, "often")
    return Conditions(
        field(data, "mode") or MODES[0], parse(until) if until else END_OF_TIME, _number(data, "uses"), often,
        field(data, "per") if often else "",
    )  # fmt: skip


def _number(data: Form, name: str) -> int:
    text = field(data, name, 9)
    if text and not (text.isascii() and text.isdigit()):
        raise BadInput("input.form", f"`{text}` is not a whole number", "leave it empty, or write a number")
    return int(text or 0)


handlers = [inbox, answer, words, review, say]
