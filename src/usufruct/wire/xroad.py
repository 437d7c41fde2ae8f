"""The X-Road message protocol for REST, version r1: bytes to types and back.

    GET /r1/{instance}/{class}/{member}/{subsystem}/{service}/{path…}?{query}
    X-Road-Client: instance/class/member/subsystem

Reading is strict, for what is read twice can be read in two ways, by the node that notes a call down and by the service
that answers it. Parts of an id are decoded one by one; a path may not climb (`..`, encoded or not) nor hide a slash.

What the node itself has to say to a caller, a refusal or a fault, is the protocol's error: JSON with type, message and
detail, the type once more in the header X-Road-Error, status 400 for what cannot be read and 500 for everything else.
An answer without that header is the service's own.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

from usufruct.core.base import ids
from usufruct.core.base.faults import BadInput
from usufruct.core.exchange.message import (
    MESSAGE_ID,
    REQUEST_HASH,
    REQUEST_ID,
    SIGNATURE,
    Headers,
    Message,
    stays_behind,
)
from usufruct.core.exchange.registration import METHODS

TARGET_LIMIT = 4_000  # bytes of path and query; X-Road suggests some 2,000
HEADERS_LIMIT = 32_000  # bytes of all headers
PARAMETERS_LIMIT = 100
PROTOCOL = (b"x-road-", b"usufruct-")  # how the names of its own headers begin
_CLIENT = b"x-road-client"
_ID_PARTS = 5
# By these some systems take a request for another one than its first line says.
_OVERRIDES = frozenset(b"x-original-url x-rewrite-url x-http-method x-http-method-override x-method-override".split())
_HIDDEN = re.compile("%(2e|2f|5c|00)", re.IGNORECASE)  # what is still there when it was decoded once
_PRINTABLE = frozenset(range(0x21, 0x7F))


@dataclass(frozen=True, slots=True)
class Read:
    """A request as it was read: the message as it is hashed, and what it says.

    `rest` is what stands behind the service code, as on the wire; `segments` and `parameters` are the same, decoded.
    `signature` is what its node signed with, `sent_hash` the request hash that it sent along; empty without.
    """

    message: Message
    service: str
    client: str
    rest: bytes
    segments: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    message_id: str
    request_id: str
    signature: str
    sent_hash: str


def read(method: str, path: bytes, query: bytes, headers: Headers, body: bytes) -> Read:
    """A request as it came in, with names of headers in small letters.

    Raises:
        BadInput: it is not of the protocol, or could be read in two ways.
    """
    if method not in METHODS:
        raise _bad(f"`{method}` is not a method of the protocol")
    if len(path) + len(query) > TARGET_LIMIT:
        raise _bad(f"path and query have more than {TARGET_LIMIT} bytes")
    if not _PRINTABLE.issuperset(path + query) or b"#" in path + query:
        raise _bad("the path or the query holds what must be percent-encoded")
    parts = path.decode().split("/", _ID_PARTS + 2)
    if len(parts) < _ID_PARTS + 2 or parts[0] or parts[1] != "r1":
        raise _bad("the path is not /r1/instance/class/member/subsystem/service")
    service = ids.xroad("/".join(_part(part) for part in parts[2 : _ID_PARTS + 2]), (_ID_PARTS,), "a service")
    beneath = f"/{parts[-1]}" if len(parts) == _ID_PARTS + 3 else ""
    target = path + (b"?" + query if query else b"")
    given = _own_headers(headers)
    client = _text(given.get(_CLIENT, b""), "X-Road-Client")
    if not client:
        raise _bad("the header X-Road-Client is missing")
    return Read(
        _message(method, target, headers, body, given),
        service,
        ids.xroad("/".join(_part(part) for part in client.split("/")), (3, 4), "a client"),
        beneath.encode() + (b"?" + query if query else b""),
        _segments(beneath),
        _parameters(query),
        *(_text(given.get(name, b""), name.decode()) for name in (MESSAGE_ID, REQUEST_ID, SIGNATURE, REQUEST_HASH)),
    )  # fmt: skip


def _own_headers(headers: Headers) -> dict[bytes, bytes]:
    """The protocol's own headers. X-Road-Client may be repeated, and the last one holds (4.3); nothing else may be."""
    if sum(len(name) + len(value) for name, value in headers) > HEADERS_LIMIT:
        raise _bad(f"the headers have more than {HEADERS_LIMIT} bytes")
    given: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _OVERRIDES or (b"_" in name and name.replace(b"_", b"-").startswith(PROTOCOL)):
            raise _bad(f"the header `{name.decode('latin-1')}` could make another request of this one")
        if name.startswith(PROTOCOL) or name in (b"authorization", b"dpop"):
            if name in given and name != _CLIENT:
                raise _bad(f"the header `{name.decode('latin-1')}` is given more than once")
            given[name] = value
    if SIGNATURE in given and b"authorization" in given:
        raise _bad("the call proves itself in two ways")
    return given


def _message(method: str, target: bytes, headers: Headers, body: bytes, given: dict[bytes, bytes]) -> Message:
    """What is passed on and hashed. A node that signed has named the request; for others it is named here.

    The request id is a random number that only the two ends know: it keeps the hash from being guessed.
    """
    signed = SIGNATURE in given and REQUEST_ID in given
    named = {name.strip().lower() for key, value in headers if key == b"connection" for name in value.split(b",")}
    left_out = {name for name in named if not name.startswith(PROTOCOL)} | (set() if signed else {REQUEST_ID})
    client = max(at for at, (name, _) in enumerate(headers) if name == _CLIENT)
    kept = tuple(
        (name, value) for at, (name, value) in enumerate(headers)
        if name not in left_out and not stays_behind(name) and (name != _CLIENT or at == client)
    )  # fmt: skip
    for _, value in kept:
        _text(value, "a header")
    message = Message(method, target, kept, body)
    if not any(name == b"accept" for name, _ in kept):
        message = message.having(b"accept", "application/json")
    if not signed:
        message = message.having(REQUEST_ID, str(uuid.uuid4()))
    return message if MESSAGE_ID in given else message.having(MESSAGE_ID, str(uuid.uuid4()))


def _part(text: str) -> str:
    """One part of an id, decoded."""
    part = _decoded(text)
    if "/" in part:
        raise _bad("a part of an id holds a slash")
    return part


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _bad(f"`{text}` is not percent-encoded UTF-8") from None


def _segments(path: str) -> tuple[str, ...]:
    """The segments of a path, decoded; none may climb, or hide a slash from one reader and show it to another."""
    found = tuple(map(_decoded, path.split("/")[1:]))
    for segment in found:
        name = segment.partition(";")[0]  # what stands behind it is to some systems no part of the name
        if name in (".", "..") or set(segment) & set("/\\\0") or _HIDDEN.search(segment):
            raise _bad("the path climbs, or hides a slash")
    return found


def _parameters(query: bytes) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(
            query.decode(), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_LIMIT
        ))  # fmt: skip
    except ValueError:
        raise _bad(f"the query is not UTF-8, or has more than {PARAMETERS_LIMIT} parameters") from None


def _text(value: bytes, name: str) -> str:
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        raise _bad(f"the value of {name} is not UTF-8") from None


def _bad(what: str) -> BadInput:
    return BadInput("input.xroad", what, "see the X-Road message protocol for REST, r1")


def encoded(id: str) -> bytes:
    """An id as headers carry it: its parts percent-encoded one by one."""
    return "/".join(quote(part, safe="'()+,") for part in id.split("/")).encode()


def answer_headers(read: Read, hash: str, headers: Headers, receipt: int) -> list[tuple[bytes, bytes]]:
    """The headers of a service's answer; what the service says in the protocol's own headers is overwritten."""
    ours = [
        (MESSAGE_ID, read.message.header(MESSAGE_ID).encode()),
        (b"x-road-client", encoded(read.client)),
        (b"x-road-service", encoded(read.service)),
        (REQUEST_ID, read.message.header(REQUEST_ID).encode()),
        (REQUEST_HASH, hash.encode()),
        (b"usufruct-receipt", str(receipt).encode()),
    ]
    names = {name for name, _ in ours} | {b"x-road-error", b"date"}
    return [*((n, value) for n, value in headers if n not in names and not n.startswith(b"usufruct-")), *ours]


def error(type: str, message: str, detail: str, status: int = 500) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """The protocol's error: status, headers and body."""
    body = json.dumps({"type": type, "message": message, "detail": detail}, ensure_ascii=False).encode()
    kind = (b"content-type", b"application/json;charset=utf-8")
    return status, [kind, (b"x-road-error", type.encode())], body


def method_list(services: list[tuple[str, tuple[str, ...], bool]]) -> bytes:
    """What listMethods and allowedMethods say: of each service its id, its methods, and whether it has a description."""
    return json.dumps({"service": [
        {
            **_names(id, "SERVICE"), "service_type": "OPENAPI" if described else "REST",
            "endpoint_list": [{"method": method, "path": "**"} for method in methods],
        }
        for id, methods, described in services
    ]}, ensure_ascii=False).encode()  # fmt: skip


def client_list(subsystems: list[tuple[str, str]]) -> bytes:
    """What listClients says: the id and name of each."""
    return json.dumps(
        {"member": [{"id": _names(id, "SUBSYSTEM"), "name": name} for id, name in subsystems]}, ensure_ascii=False
    ).encode()


def _names(id: str, kind: str) -> dict[str, str]:
    keys = ("xroad_instance", "member_class", "member_code", "subsystem_code", "service_code")
    return {"object_type": kind, **dict(zip(keys, id.split("/"), strict=False))}
