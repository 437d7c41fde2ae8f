"""OpenID AuthZEN Authorization API 1.0: requests to questions, decisions to answers.

What the format leaves open is closed here. JSON is read in one way only (I-JSON), so that whoever stands between cannot
read another subject out of it than we do. Ids and names are compared in NFC. A property is names or a number; what is
neither, and what is empty, was not supplied. Unknown fields are ignored, as the standard wants; what is missing, or is of
another kind, is refused.

A page of a search is named by a token that says where the last one ended and what was asked: it is good for that alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from usufruct.core.access.outside import Entity, Known, Question
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.records import rebuild
from usufruct.core.terms.model import Ruleset
from usufruct.wire import odrl
from usufruct.wire.jose import from_base64url, strict_json, to_base64url

EVALUATIONS_MAX = 200
VALUES_MAX = 1000  # of one property
LIMIT_MAX, LIMIT = 1000, 100  # results on a page: at most, and if none is named
SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")
BASE = "/access/v1"
_REMEDY = "see docs/reference/authzen.md for what a request has"

Item = Question | BadInput
"""A question of a batch, or why it is none."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Several questions, and when to stop (one of `SEMANTICS`)."""

    items: tuple[Item, ...]
    semantic: str


@dataclass(frozen=True, slots=True)
class Search:
    """A question in which the `part` that is searched has no id, and the page that is wanted: `limit` results, from that
    place on among all that is looked at. `asked` is a digest of it all."""

    part: str
    question: Question
    limit: int
    start: int
    asked: str


def body(data: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object that a request is.

    Raises:
        BadInput: it is none, or can be read in two ways.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise _bad("the body is not `application/json`")
    try:
        found = strict_json(data.decode(), Decimal)
    except ValueError as error:
        raise _bad(f"the body is not JSON that can be read: {str(error)[:200]}") from None
    return _object(found, "the body")


def question(found: Mapping[str, Any], searched: str = "") -> Question:
    """The question that an object asks; the part that is `searched` needs no id, and is not searched by its properties.

    Raises:
        BadInput: something is missing, or is of another kind.
    """
    parts = {name: _entity(found, name, name == searched) for name in ("subject", "resource")}
    action, with_action, unread = "", dict[str, Known](), frozenset[str]()
    if searched != "action":
        said = _object(_needed(found, "action", "the request"), "`action`")
        action, with_action = _text(said, "name", "`action`"), _properties(said, "action")
        given = _object(said.get("properties") or {}, "`action.properties`")
        unread = frozenset(
            name for name, value in given.items() if value not in (None, "", []) and name not in with_action
        )
    context = _object(found.get("context") or {}, "`context`")
    return Question(parts["subject"], action, parts["resource"], with_action, _known_of(context), unread)


def batch(found: Mapping[str, Any]) -> Batch | None:
    """The questions of a request for several; None if it is one for a single decision.

    Raises:
        BadInput: the whole cannot be read; what is wrong with one question is an item of its own.
    """
    items = found.get("evaluations")
    if items is None or items == []:
        return None
    if not isinstance(items, list):
        raise _bad("`evaluations` is not a list")
    if len(items) > EVALUATIONS_MAX:
        raise _bad(f"`evaluations` has {len(items)} questions; at most {EVALUATIONS_MAX} are answered at once")
    semantic = _object(found.get("options") or {}, "`options`").get("evaluations_semantic", SEMANTICS[0])
    if semantic not in SEMANTICS:
        raise _bad(f"`evaluations_semantic` is none of {', '.join(SEMANTICS)}")
    defaults = {name: found[name] for name in ("subject", "action", "resource", "context") if name in found}
    return Batch(tuple(_item(defaults, item) for item in items), semantic)


def _item(defaults: Mapping[str, Any], item: Any) -> Item:
    """A question of a batch: what it says of a part replaces what is said of that part for all."""
    try:
        return question({**defaults, **_object(item, "an evaluation")})
    except BadInput as wrong:
        return wrong


def search(found: Mapping[str, Any], part: str) -> Search:
    """A search for the `part` subject, resource or action.

    Raises:
        BadInput: something is missing or of another kind, or the token is of another search.
    """
    asked = question(found, part)
    page = _object(found.get("page") or {}, "`page`")
    limit, token = page.get("limit"), page.get("token") or ""
    if limit is not None and (type(limit) is not int or limit < 0):
        raise _bad("`page.limit` is not a whole number from 0 on")
    digest = _digest({name: value for name, value in found.items() if name != "page"}, part)
    if not token:
        return Search(part, asked, LIMIT if limit is None else min(limit, LIMIT_MAX), 0, digest)
    try:
        of, size, start = json.loads(from_base64url(token))
        if of != digest or type(size) is not int or type(start) is not int or start < 0 or limit not in (None, size):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise _bad("`page.token` is not one that was given for this request") from None
    return Search(part, asked, min(max(size, 0), LIMIT_MAX), start, digest)


def results(asked: Search, found: list[str], end: int | None) -> dict[str, Any]:
    """The answer to a search; `end` is where its next page begins, None if there is none."""
    token = "" if end is None else to_base64url(json.dumps([asked.asked, asked.limit, end]).encode())
    searched = {"subject": asked.question.subject, "resource": asked.question.resource}.get(asked.part)
    shown = [{"type": searched.type, "id": name} if searched else {"name": name} for name in found]
    return {"page": {"next_token": token, "count": len(found)}, "results": shown}


def answer(permits: bool, context: Mapping[str, Any]) -> dict[str, Any]:
    """A decision."""
    return {"decision": permits, "context": context}


def failed(status: int, message: str) -> dict[str, Any]:
    """A question of a batch that could not be decided, which is a no."""
    return answer(False, {"error": {"status": status, "message": message}})


def metadata(url: str) -> dict[str, Any]:
    """What enforcement points must know of the decision point."""
    base = url.rstrip("/")
    return {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}{BASE}/evaluation",
        "access_evaluations_endpoint": f"{base}{BASE}/evaluations",
        **{f"search_{part}_endpoint": f"{base}{BASE}/search/{part}" for part in ("subject", "resource", "action")},
    }


def rules_of(text: str) -> Ruleset:
    """The rules that a text says: ODRL, or the record of a ruleset as the node itself writes it, in JSON.

    Raises:
        BadInput: it is neither.
    """
    if text.lstrip()[:1] == "{" and '"@context"' not in text:
        try:
            return odrl.held(rebuild(Ruleset, strict_json(text)))
        except (ValueError, RecursionError) as error:
            raise BadInput(
                "input.ruleset",
                f"this is no ruleset: {str(error)[:200]}",
                "write it in ODRL, or see docs/reference/authzen.md",
            ) from None
    return odrl.read(text)


# ---- reading


def _entity(found: Mapping[str, Any], name: str, searched: bool) -> Entity:
    said = _object(_needed(found, name, "the request"), f"`{name}`")
    type = _text(said, "type", f"`{name}`")
    return Entity(type, "") if searched else Entity(type, _text(said, "id", f"`{name}`"), _properties(said, name))


def _properties(said: Mapping[str, Any], name: str) -> dict[str, Known]:
    return _known_of(_object(said.get("properties") or {}, f"`{name}.properties`"))


def _known_of(said: Mapping[str, Any]) -> dict[str, Known]:
    found = {_letters(name): _known(value) for name, value in said.items()}
    return {name: value for name, value in found.items() if value is not None}


def _known(value: Any) -> Known | None:
    match value:
        case bool():
            return frozenset({"true" if value else "false"})
        case int() | Decimal():
            return value
        case str():
            return frozenset({_letters(value)}) if value else None
        case list() if len(value) <= VALUES_MAX and all(isinstance(item, str | bool) for item in value):
            each = [_known(item) for item in value if item != ""]
            return frozenset(name for names in each if isinstance(names, frozenset) for name in names) or None
    return None


def _needed(found: Mapping[str, Any], name: str, where: str) -> Any:
    if found.get(name) is None:
        raise _bad(f"`{name}` is missing in {where}")
    return found[name]


def _text(found: Mapping[str, Any], name: str, where: str) -> str:
    value = _needed(found, name, where)
    if not isinstance(value, str) or not value:
        raise _bad(f"`{name}` in {where} is not a text that says something")
    return _letters(value)


def _letters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _bad("a text has half a character") from None
    return holdable(text)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"{what} is not an object")
    return value


def _digest(said: Mapping[str, Any], part: str) -> str:
    """Of all that must be the same on every page; the id of what is searched does not matter."""
    if isinstance(said.get(part), dict):
        said = {**said, part: {name: value for name, value in said[part].items() if name != "id"}}
    text = json.dumps([part, said], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _bad(message: str) -> BadInput:
    return BadInput("input.authzen", message, _REMEDY)
