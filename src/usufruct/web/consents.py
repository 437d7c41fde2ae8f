"""The HTTP API of consent: a member's words with their conditions, requests and answers, receipts, guardians."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from usufruct.core.access import consent_notice
from usufruct.core.access.consent_conditions import ANY, Conditions
from usufruct.core.access.consent_words import Spoken
from usufruct.core.access.facts import (
    ConsentRequested,
    GuardianAppointed,
    GuardianshipEnded,
    RecordsShared,
    RequestWithdrawn,
)
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.records import Fact, plain
from usufruct.core.base.refusals import refuse
from usufruct.core.proof.receipt import Receipt
from usufruct.node import consent
from usufruct.node.node import Node
from usufruct.web import messages
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.wire import consent_receipt

MEMBER = {"rule": ("member",)}
ASKER = {"rule": ("ask", "negotiate", "steward")}
Ward = Annotated[str, QueryParameter(name="ward", max_length=63)]


@get("/me/words", opt=MEMBER, sync_to_thread=True, summary="All that you said")
def words(request: AnyRequest, ward: Ward = "") -> list[dict[str, Any]]:
    """Every word of yours on data about you, the newest first; with `ward`, of somebody you are the guardian of."""
    return [told(spoken) for spoken in _words(request, ward)]


def told(spoken: Spoken) -> dict[str, Any]:
    """A word for programs."""
    word = spoken.word
    return {
        "asset": word.asset, "version": word.version, "said": word.said, "status": spoken.status, "purpose": word.purpose,
        "conditions": list(spoken.in_words), "basis": word.basis, "by": word.by, "request": word.request, "at": word.at,
        "ended_by": word.ended_by or None, "notice": spoken.notice, "digest": word.notice, "fact": word.seq,
    }  # fmt: skip


def _words(request: AnyRequest, ward: str) -> list[Spoken]:
    return consent.words(node_of(request), *speaker(request, ward))


def speaker(request: AnyRequest, ward: str) -> tuple[str, str]:
    """Whose word it is, and which guardian says it, if one does."""
    party = who_is(request).party
    return (ward, party) if ward else (party, "")


@get("/me/words/{asset:str}/{version:int}/receipt", opt=MEMBER, sync_to_thread=True, summary="A consent receipt")
def word_receipt(request: AnyRequest, asset: FromPath[str], version: FromPath[int], ward: Ward = "") -> Response[bytes]:
    """The signed record of one word of yours, as ISO/IEC TS 27560 has it, in JSON-LD."""
    for spoken in _words(request, ward):
        if (spoken.word.asset, spoken.word.version) == (asset, version):
            name = f"consent-{asset}-{version}.jsonld"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(
                receipt_of(node_of(request), spoken), media_type=consent_receipt.MEDIA_TYPE, headers=headers
            )
    raise RefusedHere(refuse(
        "registry.unknown", "no receipt was given", f"you said no word {version} on `{asset}`",
        remedy="take the numbers from your own page",
    ))  # fmt: skip


def receipt_of(node: Node, spoken: Spoken) -> bytes:
    """The signed receipt of a word."""
    return consent_receipt.issue(spoken, node.about.origin, f"{node.about.url}/me", node.signer.sign)


@post("/me/notices", opt=MEMBER, sync_to_thread=True, status_code=200, summary="What you would agree to")
def notice(request: AnyRequest, data: JSONBody[messages.NewNotice]) -> dict[str, str]:
    """What you are to read before you say yes to this; send the digest with your yes."""
    node, (party, by) = node_of(request), speaker(request, data.ward)
    conditions = conditions_of(node, data.asset, data.conditions, party, by)
    text = done(consent.notice(node, data.asset, party, data.purpose, conditions, by))
    return {"notice": text, "digest": consent_notice.digest(text)}


@post("/me/consents", opt=MEMBER, sync_to_thread=True, summary="Consent or refuse")
def say(request: AnyRequest, data: JSONBody[messages.Word]) -> dict[str, Any]:
    """Your yes or no; it counts from the next decision on. With your receipt."""
    node, (party, by) = node_of(request), speaker(request, data.ward)
    conditions = conditions_of(node, data.asset, data.conditions, party, by)
    return _recorded(done(consent.record_word(
        node, data.asset, party, data.purpose, data.consent, conditions, data.notice, by
    )))  # fmt: skip


@post("/me/objections", opt=MEMBER, sync_to_thread=True, summary="Object to uses")
def object_to(request: AnyRequest, data: JSONBody[messages.NewObjection]) -> dict[str, Any]:
    """Your objection to uses for a purpose on a legal basis (none: on any), or with `lift` its end."""
    node, (party, by) = node_of(request), speaker(request, data.ward)
    if data.lift:
        return _recorded(done(consent.lift_objection(node, data.asset, party, data.purpose, data.basis, by)))
    return _recorded(done(consent.object_to(node, data.asset, party, data.purpose, data.basis, by)))


def _recorded(said: tuple[Fact, Receipt]) -> dict[str, Any]:
    fact, proof = said
    values = plain(fact)
    assert isinstance(values, dict)
    return {**values, "kind": fact.KIND, "receipt": proof.text()}


@get("/me/requests", opt=MEMBER, sync_to_thread=True, summary="Your inbox")
def inbox(request: AnyRequest, ward: Ward = "") -> list[dict[str, Any]]:
    """Who asks for your consent, and what you are to read before you answer; with `ward`, of somebody you speak for. Where
    you are asked `alone`, who asks learns your answer."""
    return [
        {
            "request": asked.request.id, "asset": asked.request.asset, "asker": asked.request.asker, "who": asked.who,
            "purpose": asked.request.purpose, "until": asked.request.until, "notice": asked.notice,
            "digest": asked.request.notice, "put_off_until": asked.deferred.until if asked.deferred else None,
            "alone": asked.alone,
        }
        for asked in consent.inbox(node_of(request), *speaker(request, ward))
    ]  # fmt: skip


@get("/me/wards", opt=MEMBER, sync_to_thread=True, summary="For whom you speak")
def wards(request: AnyRequest) -> list[dict[str, str]]:
    """The persons whose guardian you are now, and until when."""
    found = consent.wards(node_of(request), who_is(request).party)
    return [{"ward": party.id, "name": party.name, "until": until} for party, until in found]


@post("/me/requests/{id:str}/answer", opt=MEMBER, sync_to_thread=True, summary="Answer a request")
def answer(request: AnyRequest, id: FromPath[str], data: JSONBody[messages.NewAnswer]) -> dict[str, Any]:
    """Yes as asked or to less, no, or later. A yes carries the digest of the notice that you read."""
    node, (party, by) = node_of(request), speaker(request, data.ward)
    conditions = None
    if data.conditions is not None:
        asked = next((a.request for a in consent.inbox(node, party, by) if a.request.id == id), None)
        conditions = conditions_of(node, asked.asset, data.conditions, party, by) if asked else ANY
    return _recorded(done(consent.answer(
        node, id, party, data.answer, data.notice, data.purpose, conditions, data.days, by
    )))  # fmt: skip


@post("/consent-requests", opt=ASKER, sync_to_thread=True, summary="Ask for consent")
def ask(request: AnyRequest, data: JSONBody[messages.NewConsentRequest]) -> ConsentRequested:
    """Asks the members in an asset for consent to uses of yours; or one member, if you keep the data about her."""
    node, party = node_of(request), who_is(request).party
    conditions = conditions_of(node, data.asset, data.conditions, party)
    return done(consent.ask(
        node, party, data.asset, data.purpose, conditions, data.text, data.days, data.member
    ))  # fmt: skip


@get("/consent-requests", opt=ASKER, sync_to_thread=True, summary="Your requests for consent")
def sent(request: AnyRequest) -> list[dict[str, Any]]:
    """What you asked, and how many answered, in steps; of whom you asked alone, what she said."""
    return [
        {
            "request": one.request.id, "asset": one.request.asset, "purpose": one.request.purpose,
            "until": one.request.until, "open": one.open, "answers": one.told,
        }
        for one in consent.sent(node_of(request), who_is(request).party)
    ]  # fmt: skip


@post("/consent-requests/{id:str}/withdrawal", opt=ASKER, sync_to_thread=True, summary="Withdraw a request for consent")
def withdraw(request: AnyRequest, id: FromPath[str]) -> RequestWithdrawn:
    """Nobody can answer it any more; what was answered stays."""
    return done(consent.withdraw(node_of(request), id, who_is(request).party))


@post("/guardians", opt=STEWARD, sync_to_thread=True, summary="Record a guardian")
def appoint(request: AnyRequest, data: JSONBody[messages.NewGuardian]) -> GuardianAppointed:
    """Who speaks for whom, until majority or another day."""
    until = parse_instant(data.until)
    return done(consent.appoint(node_of(request), data.guardian, data.ward, until, data.evidence))


@post("/guardians/relief", opt=STEWARD, sync_to_thread=True, summary="Relieve a guardian")
def relieve(request: AnyRequest, data: JSONBody[messages.GuardianRelief]) -> GuardianshipEnded:
    """He speaks for her no more; the consents he gave count no more."""
    return done(consent.relieve(node_of(request), data.guardian, data.ward, data.evidence))


@post("/assets/{asset:str}/shared-records", opt=STEWARD, sync_to_thread=True, summary="Record shared records")
def share_records(
    request: AnyRequest, asset: FromPath[str], data: JSONBody[messages.NewSharedRecords]
) -> RecordsShared:
    """The records of these members are about all of them: none is used unless each lets it be used."""
    return done(consent.share_records(node_of(request), asset, data.members, data.evidence))


def conditions_of(node: Node, asset: str, body: messages.ConditionsBody | None, party: str, by: str = "") -> Conditions:
    """Conditions as they came in, on an asset that concerns the party (for whom `by` speaks, if named)."""
    if body is None:
        return ANY
    rows = tuple(
        done(consent.within(node, asset, party, by, one.column, one.low, one.high, tuple(one.values)))
        for one in body.rows
    )
    until = parse_instant(body.until) if body.until else END_OF_TIME
    return Conditions(
        body.mode, until, body.uses, body.frequency, body.per, rows, tuple(body.recipients), tuple(body.agreements)
    )


router = Router(
    "/api/v1",
    route_handlers=[
        words, word_receipt, notice, say, object_to, inbox, wards, answer, ask, sent, withdraw, appoint, relieve,
        share_records,
    ],
)  # fmt: skip
