"""The request hash against X-Road's own: the expected values were computed by its classes RestRequest and RestMessage
(release 7.8, commit fcd16216), given the same requests with names of headers in small letters."""

from __future__ import annotations

import pytest

from usufruct.core.exchange.message import Headers
from usufruct.wire import xroad

KNOWN: list[tuple[str, bytes, bytes, Headers, bytes, list[str], str]] = [
    (
        "GET", b"/r1/Instance/Class/Member/SubSystem/ServiceCode", b"foo=bar",
        ((b"x-road-client", b"Instance/Class/Member/SubSystem"), (b"x-road-id", b"42"),
         (b"x-road-serverid", b"Instance/Class/Member/ServerCode"), (b"accept", b"application/json")),
        b"", ["xid"],
        "6h5pd+UW+aWo8UGNRRCvxoVziq2BxYPmd2K+pZZNYKCB7mPbQi8AVpkurxBVA4vsiqrHzRdeYqXF427AdDYL5A==",
    ),
    (
        "POST", b"/r1/EE/GOV/70008440/rr/persons/v1/EE38001085718", b"",
        ((b"host", b"a.example"), (b"content-type", b"application/json; charset=utf-8"),
         (b"x-road-client", b"EE/COM/10000001/cl%C3%B5nic"), (b"accept", b"*/*"), (b"user-agent", b"x"),
         (b"x-road-request-id", b"mine"), (b"x-road-request-hash", b"mine"), (b"content-length", b"15"),
         (b"expect", b"100-continue"), (b"x-road-userid", b"EE12345678901"), (b"x-thing", "õ".encode())),
        '{"a": "õ"}'.encode(), ["xid", "made-by-node"],
        "4sRH/3LhQkJ4GV+Gvsh7p6qQ6Q+AncDgqxJhLHDljJtOx+vPzB4w1gVZU7gfTX2YhLxoKUsMbTG/+3ZQbPNx7Q==",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "query", "headers", "body", "made", "hash"), KNOWN)
def test_the_hash_is_x_roads(
    method: str, path: bytes, query: bytes, headers: Headers, body: bytes, made: list[str], hash: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Without a body and with one; headers that are left out, and ids that the node adds, in X-Road's order."""
    ids = iter(made)
    monkeypatch.setattr(xroad.uuid, "uuid4", lambda: next(ids))
    read = xroad.read(method, path, query, headers, body)
    assert read.message.hash() == hash
    assert next(ids, None) is None


@pytest.mark.parametrize("version", ["r2", "r0", "r11", "x1"])
def test_another_version_is_not_read(version: str) -> None:
    """As X-Road's RestRequestTest.shouldRejectWrongProtocolVersion."""
    with pytest.raises(xroad.BadInput, match="the path is not"):
        xroad.read("GET", f"/{version}/I/C/M/S/X".encode(), b"", ((b"x-road-client", b"I/C/M/S"),), b"")


@pytest.mark.parametrize("method", ["INVALID", "CONNECT", "get", ""])
def test_another_method_is_not_read(method: str) -> None:
    """As X-Road's RestRequestTest.shouldRejectInvalidVerb."""
    with pytest.raises(xroad.BadInput, match="is not a method"):
        xroad.read(method, b"/r1/I/C/M/S/X", b"", ((b"x-road-client", b"I/C/M/S"),), b"")
