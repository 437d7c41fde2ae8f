"""Documents elsewhere, and a login provider, that answer anything but what they should."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from serving import served
from usufruct.core.base.faults import PeerFault, Unwelcome
from usufruct.core.base.instants import Instant
from usufruct.peer.documents import HttpDocuments
from usufruct.peer.openid import HttpOpenId

AT = Instant("2026-11-22T12:00:00.000Z")
KEY = RSAKey.generate_key(2048, auto_kid=True)


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """The address of a server that sends these bytes, whatever is asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answers() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65_536)
                        connection.sendall(answer)

        threading.Thread(target=answers, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x"


@pytest.mark.parametrize(
    "url",
    ["https://h\\@x/", "https://h:99999/", "https://h:x/", f"https://{'a' * 70}.example/", "https://.", "https:///x"],
)
def test_an_address_that_cannot_be_is_told_as_that_documents_failure(url: str) -> None:
    """Whoever signs credentials chooses where her status list lies."""
    with pytest.raises(PeerFault, match=r"^the document at `https://") as fault:
        HttpDocuments().get(url, False)
    assert "could not be asked" in fault.value.message


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"a" * 3_000_000,
    ],
)  # fmt: skip
def test_a_server_that_answers_nonsense_has_failed(answer: bytes) -> None:
    with saying(answer) as url, pytest.raises(PeerFault, match="the document at"):
        HttpDocuments().get(url, True)


class Provider:
    """A login provider that says what it is told to; `keys` is its key set."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: Any = {"keys": [KEY.as_dict(private=False)]}
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.token: str | None = None
        self.raw: bytes | None = None

    def answer(self, path: str) -> bytes:
        """What lies there."""
        if path == "/keys":
            return self.raw or json.dumps(self.keys).encode()
        if path == "/token":
            claims = {"iss": self.url, "aud": "node", "nonce": "n", "sub": "7", "iat": 1, "exp": 2**33}
            payload = json.dumps(claims | self.claims).encode()
            token = jws.serialize_compact({"alg": "RS256"}, payload, KEY, algorithms=["RS256"])
            return json.dumps({"id_token": token if self.token is None else self.token}).encode()
        places = {"authorization_endpoint": "/go", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return json.dumps(
            {"issuer": self.url, **{k: self.url + v for k, v in places.items()}, **self.metadata}
        ).encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body = self.answer(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def where() -> Iterator[tuple[str, Provider]]:
    provider = Provider()
    with served(provider) as url:
        yield url, provider


@pytest.fixture
def provider(where: tuple[str, Provider]) -> Provider:
    """As it is before a test tells it what to say."""
    where[1].__init__()  # type: ignore[misc]
    where[1].url = where[0]
    return where[1]


def finish(provider: Provider) -> str:
    """Who the provider says logged in."""
    return HttpOpenId(provider.url, "node", "").finish("state=s&code=c", "http://x/back", "s", "n", "v" * 43, AT)


@pytest.mark.parametrize(
    "keys",
    [
        {}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": [1]}, {"keys": [{"kty": ["RSA"]}]},
        {"keys": [{"kty": "OKP", "crv": "Nope", "x": "AA"}]}, {"keys": [{**KEY.as_dict(private=False), "n": "!!"}]},
    ],
)  # fmt: skip
def test_keys_that_cannot_be_read_are_the_providers_failure(provider: Provider, keys: Any) -> None:
    provider.keys = keys
    with pytest.raises(PeerFault, match="the login provider publishes no key that can be read"):
        finish(provider)


def test_a_key_of_an_unknown_kind_does_not_hide_the_others(provider: Provider) -> None:
    provider.keys = {"keys": [{"kty": "AKP"}, 1, {"kty": "OKP", "crv": "Nope"}, *provider.keys["keys"]]}
    assert finish(provider) == "7"


@pytest.mark.parametrize("raw", [b"[" * 100_000, b"\xff", b"[]", b"1"])
def test_what_is_no_json_object_is_the_providers_failure(provider: Provider, raw: bytes) -> None:
    provider.raw = raw
    with pytest.raises(PeerFault, match="something else than was asked for"):
        finish(provider)


@pytest.mark.parametrize("address", ["https://[", "ftp://x/", 1, None])
def test_an_address_that_the_provider_cannot_have_is_its_failure(provider: Provider, address: Any) -> None:
    provider.metadata = {"jwks_uri": address}
    with pytest.raises(PeerFault, match="does not say its `jwks_uri`"):
        finish(provider)


@pytest.mark.parametrize(
    "address", ["http://h:x/", f"http://{'a' * 70}.example/", "http://h/\0", "http://127.0.0.1:9/"]
)
def test_an_address_that_cannot_be_asked_is_its_failure(provider: Provider, address: str) -> None:
    provider.metadata = {"jwks_uri": address}
    with pytest.raises(PeerFault, match="could not be asked"):
        finish(provider)


@pytest.mark.parametrize("token", ["", "a.b.c", "eyJhbGciOiJSUzI1NiIsImNyaXQiOjF9.e30.AA", "eyJhbGciOm51bGx9.e30.AA"])
def test_a_token_that_cannot_be_read_logs_nobody_in(provider: Provider, token: str) -> None:
    """The third has `crit` 1."""
    provider.token = token
    with pytest.raises(Unwelcome, match="does not hold"):
        finish(provider)


@pytest.mark.parametrize("subject", ["", "\ud800", "a\0b", "x" * 256, 7, None, ["7"]])
def test_a_subject_that_cannot_be_is_nobody(provider: Provider, subject: Any) -> None:
    provider.claims = {"sub": subject}
    with pytest.raises(Unwelcome):
        finish(provider)
