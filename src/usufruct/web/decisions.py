"""The HTTP API of decisions: why a question was answered or not, and what would be decided."""

from __future__ import annotations

from typing import Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from usufruct.core.access.proof import Request
from usufruct.core.base.canonical import holdable
from usufruct.core.base.refusals import refuse
from usufruct.node import decision
from usufruct.web import messages
from usufruct.web.api import AnyRequest, RefusedHere
from usufruct.web.auth import node_of, who_is


@get("/uses/{use:str}/decision", opt={"rule": ("ask", "member", "steward")}, sync_to_thread=True,
     summary="Why a question was answered or not")  # fmt: skip
def of_use(request: AnyRequest, use: FromPath[str]) -> Any:
    """Each premise with the facts it rests on, what goes with the permit, and the smallest change that would permit."""
    who = who_is(request)
    found = decision.of_use(node_of(request), use, None if "steward" in who.scopes else who.speaker)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"there is no decision on `{use}` that concerns you",
            remedy="see the list of your questions, or your own page",
        ))  # fmt: skip
    return found


@post("/decisions", opt={"rule": ("ask",)}, sync_to_thread=True, status_code=200, summary="What would be decided")
def try_out(request: AnyRequest, data: JSONBody[messages.TriedRequest]) -> Any:
    """The same decision as on a question, without asking it: nothing is looked at, spent or recorded."""
    who = who_is(request)
    asked = Request(
        who.party, holdable(data.asset), holdable(data.purpose), data.form, tuple(map(holdable, data.columns)),
        actors=who.actors, signed=who.signed,
    )  # fmt: skip
    return decision.tried(node_of(request), asked).value()


router = Router("/api/v1", route_handlers=[of_use, try_out])
