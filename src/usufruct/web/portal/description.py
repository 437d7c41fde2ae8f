"""The API's pages for people, made from the API's own description, so that they cannot say anything else than the API does.

One page lists all operations; each area of the API, the word behind `/api/v1/`, has one that tells them whole.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, get
from litestar.params import FromPath
from markupsafe import Markup, escape

from usufruct.core.base.refusals import refuse
from usufruct.node.login import SCOPES
from usufruct.web.api import RefusedHere
from usufruct.web.auth import node_of
from usufruct.web.portal.pages import AnyRequest, Page, page

# What stands in examples for a field of that name; any other gets a word that says its type.
EXAMPLES: dict[str, Any] = {
    "asset": "wagepan", "charge": 100_000, "consent": False, "days": 90, "evidence": "signed forms, folder 2026/1",
    "form": "aggregates", "grantee": "institute", "kind": "organisation", "label": "weekly report",
    "message": "verify", "negotiation": "negotiation-17", "agreement": "agreement-19", "seq": 12,
    "micro_rho": 100_000, "name": "Institute for Labour Research", "offer": "pay-research",
    "party": "institute", "password": "a long sentence is good", "period": "2026-q4", "plan": "plan-40",
    "price": "5.00 EUR", "purpose": "AcademicResearch", "purposes": ["AcademicResearch"], "right": "use",
    "role": "user", "scopes": ["ask"], "sql": "SELECT COUNT(*) FROM wagepan", "years": 1,
}  # fmt: skip

# The files that go with an asset, where an operation says so; the framework calls all uploads `files`.
UPLOADS = {"table": "table.csv", "card": "card.toml"}

WHO = {
    "public": "everybody",
    "anyone": "whoever has a token or is logged in",
    "account": "an account itself, with all that it reaches; no narrower token, nobody acting for it",
    "session": "whoever is logged in with a browser",
    "transfer": "whoever has the token of a transfer",
    **{scope: f"scope {scope}" for scope in SCOPES},
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body or a shape."""

    name: str
    type: str
    shape: str
    needed: bool
    says: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of the API."""

    method: str
    path: str
    summary: str
    says: str
    who: str
    fields: tuple[Field, ...]
    answers: tuple[tuple[str, str, str], ...]
    curl: Markup


@dataclass(frozen=True, slots=True)
class Description:
    """What the API says of itself: its version, the operations of each area, and the shapes of what goes in and comes out."""

    version: str
    areas: Mapping[str, list[Operation]]
    shapes: Mapping[str, Any]


def description_of(request: AnyRequest) -> Description:
    """The description of this application. Its routes stay as they are for as long as it runs, so it is made for the first
    who looks, in a tenth of a second, and kept."""
    state = request.app.state
    if "description" not in state:
        document = request.app.openapi_schema.to_schema()
        areas: dict[str, list[Operation]] = {}
        for one in operations(document, rules(request.app), node_of(request).about.url):
            areas.setdefault(area_of(one.path), []).append(one)
        shapes = document.get("components", {}).get("schemas", {})
        state["description"] = Description(document["info"]["version"], areas, shapes)
    found: Description = state["description"]
    return found


@get("/api", opt={"rule": "public"}, include_in_schema=False, sync_to_thread=True)
def api_page(request: AnyRequest) -> Page:
    """Every operation by its name, area by area."""
    told = description_of(request)
    return page(request, "api.html", "API", areas=sorted(told.areas.items()), scopes=SCOPES, version=told.version)


@get("/api/of/{area:str}", opt={"rule": "public"}, include_in_schema=False, sync_to_thread=True)
def area_page(request: AnyRequest, area: FromPath[str]) -> Page:
    """The operations of one area, and the shapes of what goes in and comes out."""
    told = description_of(request)
    found, shapes = told.areas.get(area), told.shapes
    if not found:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"the API has no area `{area[:80]}`", remedy="look at the list of all"
        ))  # fmt: skip
    named = _reached(
        [field.shape for one in found for field in one.fields] + [a[2] for one in found for a in one.answers], shapes
    )
    described = [
        (name, shape.get("description", ""), fields_of(shape, shapes))
        for name, shape in shapes.items()
        if name in named
    ]
    return page(request, "api-area.html", f"API: {area}", area=area, operations=found, shapes=described)


def area_of(path: str) -> str:
    """The word behind `/api/v1/`; of paths that others laid down the first word."""
    return path.removeprefix("/api/v1/").strip("/").split("/")[0]


def _reached(names: Iterable[str], shapes: Mapping[str, Any]) -> set[str]:
    """Those shapes, and all that their fields are made of."""
    left, found = {name for name in names if name}, set[str]()
    while left:
        name = left.pop()
        found.add(name)
        left |= {field.shape for field in fields_of(shapes.get(name, {}), shapes) if field.shape} - found
    return found


def rules(app: Litestar) -> dict[tuple[str, str], tuple[str, str]]:
    """Who may call each route, and what it does, in words."""
    found = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            rule = handler.opt.get("rule", ())
            words = WHO[rule] if isinstance(rule, str) else " or ".join(WHO[scope] for scope in rule)
            does = inspect.getdoc(getattr(handler.fn, "func", handler.fn)) or ""
            for method in getattr(handler, "http_methods", ()):
                found[method, getattr(route, "path_format", route.path)] = words, does
    return found


def operations(
    document: Mapping[str, Any], known: Mapping[tuple[str, str], tuple[str, str]], url: str
) -> Iterator[Operation]:
    """Every operation of an OpenAPI document."""
    shapes = document.get("components", {}).get("schemas", {})
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            if not isinstance(described, dict) or "responses" not in described:
                continue
            who, does = known.get((method.upper(), path), ("", ""))
            kind, body = _body(described, does, shapes)
            fields = (*_parameters(described), *fields_of(body, shapes))
            answers = tuple(_answers(described))
            yield Operation(
                method.upper(), path, described.get("summary", ""), described.get("description", does), who, fields, answers,
                _plain(_curl(method.upper(), url + path, kind, body, public=who == WHO["public"])),
            )  # fmt: skip


def _body(described: Mapping[str, Any], does: str, shapes: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    for kind, content in described.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content["schema"], shapes)
        if schema.get("properties", {}).keys() == {"files"}:
            needed = [name for name in UPLOADS if f"`{name}`" in does]
            schema |= {"properties": {name: {"format": "binary"} for name in needed}, "required": needed}
        return kind, schema
    return "", {}


def _resolved(schema: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = shapes[_shape(schema)] if "$ref" in schema else dict(schema)
    return found


def _shape(schema: Mapping[str, Any]) -> str:
    """The name of the shape that a schema is, or is a list of."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    inner = [schema["items"]] if "items" in schema else [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return next((name for name in map(_shape, inner) if name), "")


def _parameters(described: Mapping[str, Any]) -> Iterator[Field]:
    for parameter in described.get("parameters", ()):
        if parameter["in"] in ("path", "query"):
            says = parameter.get("description", "") or f"in the {'path' if parameter['in'] == 'path' else 'query'}"
            yield Field(parameter["name"], _type(parameter["schema"]), "", parameter.get("required", False), says)


def fields_of(schema: Mapping[str, Any], shapes: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of an object's schema."""
    needed = set(schema.get("required", ()))
    return tuple(
        Field(name, _type(inner), _shape(inner), name in needed, _says(inner))
        for name, inner in schema.get("properties", {}).items()
    )


_TYPES = {"string": "text", "integer": "whole number", "boolean": "true or false"}


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a word or two."""
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        words = [_type(choice) for choice in choices if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(words)) or "null"
    if "$ref" in schema:
        return _shape(schema)
    kind = schema.get("type", "any value")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("format") == "binary":
        return "file"
    kinds = kind if isinstance(kind, list) else [kind]
    return " or ".join(_TYPES.get(str(k), str(k)) for k in kinds if k != "null")


def _says(schema: Mapping[str, Any]) -> str:
    """What a field means, with its bounds and default."""
    says = [schema["description"]] if schema.get("description") else []
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        says.append(f"{low:.0f} to {high:.0f}")
    if "enum" in schema:
        says.append(f"one of {', '.join(map(str, schema['enum']))}")
    if schema.get("default") not in (None, ""):
        says.append(f"if left out: {json.dumps(schema['default'])}")
    return "; ".join(says)


_MEANS = {
    "400": "the request cannot be read",
    "401": "no token, or none that is good",
    "403": "not allowed",
    "404": "not there, or not yours",
    "409": "not from where it stands",
    "422": "the rules forbid it",
    "500": "the node failed",
    "503": "the node cannot go on",
}


def _answers(described: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Status, what it means, and the shape of its body."""
    for status, answer in described["responses"].items():
        bodies: list[dict[str, Any]] = [content.get("schema", {}) for content in (answer.get("content") or {}).values()]
        schema = bodies[0] if bodies else {}
        words = _MEANS.get(status, answer.get("description", ""))
        if status.startswith("2"):
            words = _type(schema) if schema else "nothing"
        yield status, words, _shape(schema)


def _plain(command: str) -> Markup:
    """A command as it stands between tags, where quotes are what they are: escaped they are a tenth of the page."""
    return Markup(str(escape(command)).replace("&#34;", '"').replace("&#39;", "'"))  # noqa: S704 - escaped but for quotes


def _curl(method: str, url: str, kind: str, body: Mapping[str, Any], public: bool) -> str:
    """An example that can be pasted, with `TOKEN` in the environment."""
    parts = ["curl" if method == "GET" else f"curl -X {method}"]
    if not public:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if kind == "multipart/form-data":
        parts += [f"-F {name}=@{UPLOADS.get(name, name)}" for name in body.get("properties", {})]
    elif body:
        needed = body.get("required") or list(body.get("properties", {}))
        example = {name: EXAMPLES.get(name, _type(body["properties"][name])) for name in needed}
        parts += ['-H "Content-Type: application/json"', f"-d '{json.dumps(example)}'"]
    return " ".join([*parts, re.sub(r"{(\w+)}", lambda name: str(EXAMPLES.get(name[1], name[1].upper())), url)])


handlers = [api_page, area_page]
