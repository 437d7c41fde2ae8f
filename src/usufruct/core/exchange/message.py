"""A message between systems, and the hash that both ends keep of it.

The hash is X-Road's (message protocol for REST, section 4.3): base64(SHA512(SHA512(head) + SHA512(body))), without a
body base64(SHA512(head)). The head is the method, the path with its query, and each header as `name:value`, a line each
ended by CR LF. Headers that belong to one connection only are not in it, nor are those by which a caller proves itself,
for they differ at the two ends. Names are in small letters, as HTTP/2 and every ASGI server deliver them.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace

Headers = tuple[tuple[bytes, bytes], ...]

REQUEST_ID, REQUEST_HASH, MESSAGE_ID = b"x-road-request-id", b"x-road-request-hash", b"x-road-id"
SIGNATURE, PURPOSE = b"usufruct-signature", b"usufruct-purpose"
HOLD, HOLD_DAYS = b"usufruct-hold", b"usufruct-hold-days"

# Not passed on and not hashed: X-Road's list, then what proves the caller, then what proxies on the way add.
OF_ONE_CONNECTION = frozenset(
    b"transfer-encoding keep-alive proxy-authenticate proxy-authorization te trailer upgrade connection user-agent host "
    b"content-length server expect authorization dpop usufruct-signature x-road-request-hash forwarded via x-real-ip".split()
)


def stays_behind(name: bytes) -> bool:
    """Whether a header, named in small letters, goes no further than the connection that it came over."""
    return name in OF_ONE_CONNECTION or name.startswith(b"x-forwarded-")


@dataclass(frozen=True, slots=True)
class Message:
    """A request; `target` is the path with its query, as on the wire."""

    method: str
    target: bytes
    headers: Headers
    body: bytes

    def head(self) -> bytes:
        """What stands for everything but the body."""
        lines = [self.method.encode(), self.target, *(name + b":" + value for name, value in self.headers)]
        return b"\r\n".join(lines) + b"\r\n"

    def hash(self) -> str:
        """The request hash."""
        head = hashlib.sha512(self.head())
        if self.body:
            head = hashlib.sha512(head.digest() + hashlib.sha512(self.body).digest())
        return base64.b64encode(head.digest()).decode()

    def header(self, name: bytes) -> str:
        """The value of a header, the last one if it is repeated; empty without."""
        return next((value.decode() for key, value in reversed(self.headers) if key == name), "")

    def having(self, name: bytes, value: str) -> Message:
        """The message with one header set, at the end; others of that name are gone."""
        kept = tuple(header for header in self.headers if header[0] != name)
        return replace(self, headers=(*kept, (name, value.encode())))

    def without(self, *names: bytes) -> Message:
        """The message without these headers."""
        return replace(self, headers=tuple(header for header in self.headers if header[0] not in names))
