"""The HTTP API of matches with other nodes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from usufruct.core.privacy.matching_facts import Match
from usufruct.node import match as use_case
from usufruct.node import match_questions
from usufruct.peer.services import HttpServices
from usufruct.web.api import AnyRequest, RefusedHere, asked_of, replied
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import AnswerBody, Id, NewQuestion, Purpose
from usufruct.web.services import XRoadId

Name = Annotated[str, Meta(max_length=200)]


class NewMatch(Struct, forbid_unknown_fields=True):
    """A table of this node and one of another. Without `identifier` and `their_identifier` persons are matched by what they
    are known as; `value` is the column of the other table that a sum adds up."""

    kind: Literal["count", "sum", "matched"]
    asset: Id
    service: XRoadId
    client: XRoadId
    theirs: Id
    purpose: Purpose
    identifier: Name = ""
    their_identifier: Name = ""
    value: Name = ""
    prefix: Annotated[str, Meta(max_length=32)] = ""
    their_key: Annotated[str, Meta(max_length=500)] = ""
    protocol: Literal["", "spu-rr22"] = ""


@post("/matches", opt={"rule": ("ask",)}, summary="Match a table with one of another node")
async def add(request: AnyRequest, data: JSONBody[NewMatch]) -> dict[str, Any]:
    """Answers when it is done, which may take minutes for large tables."""
    who, outbound = who_is(request), HttpServices()
    asked = use_case.Asked(
        who.party, data.kind, data.asset, data.service, data.client, data.theirs, data.purpose, data.identifier,
        data.their_identifier, data.value, data.prefix, data.their_key, data.protocol, who.actors, signed=who.signed,
    )  # fmt: skip
    try:
        done = await use_case.match(node_of(request), outbound, asked)
    finally:
        await outbound.close()
    if isinstance(done, use_case.Refused):
        raise RefusedHere(done.refusal, done.use, done.receipt.text() if done.receipt else "")
    answer = done.answer
    return {
        "match": done.match, "use": done.use, "meaning": done.meaning, "purpose": done.purpose, "agreement": done.agreement,
        "columns": answer.columns, "rows": answer.rows, "measures": answer.measures, "notes": answer.notes,
        "price": str(done.price), "charge": done.charge, "receipt": done.receipt.text(),
    }  # fmt: skip


@post(
    "/matches/{match:str}/queries", opt={"rule": ("ask",)}, status_code=200, summary="Ask over the persons of a match"
)
async def ask(request: AnyRequest, match: FromPath[str], data: JSONBody[NewQuestion]) -> AnswerBody:
    """Answers a question about this node's table over the persons who were found, or refuses it. The other node is asked
    first and charges its own table too."""
    asked, outbound = asked_of(request, data), HttpServices()
    try:
        return replied(await match_questions.ask(node_of(request), outbound, asked, match))
    finally:
        await outbound.close()


@get("/matches", opt={"rule": ("ask", "steward")}, sync_to_thread=True, summary="Matches with other nodes")
def listed(request: AnyRequest) -> list[Match]:
    """Yours, or all of the node's for its steward; the newest first."""
    who = who_is(request)
    return use_case.matches(node_of(request), None if "steward" in who.scopes else who.party)


router = Router("/api/v1", route_handlers=[add, ask, listed])
