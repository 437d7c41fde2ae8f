"""Token Status List (draft-ietf-oauth-status-list): one compressed list of bits says which credentials of an issuer hold.

The list is a signed token like a credential. Its age is counted from when the issuer signed it, not from when it was
fetched: whoever stands in between could hand out an old list for ever.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from usufruct.core.base.instants import Instant, of_seconds, seconds
from usufruct.core.registry.credentials import Listed
from usufruct.wire import jose

TYPE = "statuslist+jwt"
LIST_LIMIT = 4 * 1024 * 1024
"""Bytes of a list once it is unpacked; 32 million credentials of one bit."""
TOKEN_LIMIT = 2 * 1024 * 1024
"""Characters of a list as it comes."""


def read(text: str, uri: str, keys: Sequence[jose.Key], at: Instant, max_age: int) -> Listed:
    """The list that `text` holds, which must be the one of that `uri`; fresh for `max_age` seconds at most.

    Raises:
        ValueError: it is not, or it has run out, or it is too old.
    """
    token = jose.verify(text, keys, TYPE, limit=TOKEN_LIMIT)
    now = seconds(at)
    token.check_times(now)
    issued, expires, lives = token.time("iat"), token.time("exp"), token.time("ttl")
    if token.claims.get("sub") != uri:
        raise ValueError("it is the list of another address")
    if issued is None:
        raise ValueError("it does not say when it was signed")
    until = min([issued + max_age, *([expires] if expires is not None else [])])
    if lives is not None:
        until = min(until, now + lives)
    if until <= now:
        raise ValueError("it is too old")
    bits, values = _unpacked(token.claims.get("status_list"))
    return Listed(of_seconds(issued), of_seconds(until), values, bits)


def _unpacked(found: object) -> tuple[int, bytes]:
    if not isinstance(found, dict) or not isinstance(found.get("lst"), str):
        raise ValueError("it has no `status_list`")
    bits = found.get("bits")
    if type(bits) is not int or bits not in (1, 2, 4, 8):
        raise ValueError("it has no number of `bits` that can be")
    unpack = zlib.decompressobj()
    try:
        values = unpack.decompress(jose.from_base64url(found["lst"]), LIST_LIMIT + 1)
    except zlib.error:
        raise ValueError("it cannot be unpacked") from None
    if len(values) > LIST_LIMIT or not unpack.eof:
        raise ValueError("it is longer than it says, or than is read")
    return bits, values


def write(
    uri: str, revoked: Iterable[int], room: int, issued: int, life: int, header: Mapping[str, Any],
    signature: Callable[[bytes], bytes],
) -> str:  # fmt: skip
    """The signed list of `room` places of one bit each, of which those in `revoked` are set; good for `life` seconds."""
    values = bytearray(room // 8)
    for index in revoked:
        values[index // 8] |= 1 << index % 8
    listed = {"bits": 1, "lst": jose.to_base64url(zlib.compress(bytes(values), 9))}
    claims = {"sub": uri, "iat": issued, "exp": issued + life, "ttl": life // 2, "status_list": listed}
    return jose.sign({"typ": TYPE, **header}, claims, signature)
