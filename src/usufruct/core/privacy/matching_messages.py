"""What the two nodes of a match say to each other, beside the lists themselves: canonical bytes, read strictly.

Each side binds itself to its list before anything of it is sent: the size and the digest of the list stand in its first
message, with the verifier key of its node, which has signed them together with all else that the message says.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from usufruct.core.base import canonical
from usufruct.core.base.records import plain, rebuild
from usufruct.core.base.refusals import Refusal

T = TypeVar("T")

BATCH = 32_768
"""Elements in one message: a MiB of them, of 2 MiB that a node takes at once."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the asking side wants: a match of that `kind` of its `size` persons with the other's `asset`, by `identifier`,
    adding up `value`. `base` is the generator raised to its exponent. Without digest and key it only inquires. `protocol` is
    one of `matching.PROTOCOLS`."""

    run: str
    kind: str
    asset: str
    identifier: str
    value: str
    normalisation: str
    size: int
    digest: str = ""
    base: str = ""
    key: str = ""
    protocol: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How the answering side goes along: its list has `size` elements and `planted` more, as has what it returns. The
    noise on count and total has `sigma` and `total_sigma` 64ths; one person counts for at most `reach` steps of `step`
    grains of 10^-`decimals`; `seal` is the key of its ciphertexts. No figure about fewer persons than
    `group_min` may be told of its table."""

    run: str
    size: int
    planted: int
    sigma: int
    digest: str
    key: str
    total_sigma: int = 0
    reach: int = 0
    step: int = 1
    decimals: int = 0
    seal: str = ""
    group_min: int = 0
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the asking side counted, with its own noise of `sigma` 64ths; and the encrypted `total`."""

    count: int
    sigma: int
    total: str = ""
    total_sigma: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What the answering side lets out: the count without what was planted, and the total with both noises."""

    count: int
    total: int = 0


@dataclass(frozen=True, slots=True)
class Asks:
    """A question that the asking side would answer over the persons of a match: what it charges its own table for it, in
    micro-rho and nano-delta, and what it means."""

    charge: int
    nano_delta: int
    meaning: str


def write(message: object) -> bytes:
    """A message in bytes."""
    return canonical.encode(plain(message))


def read(kind: type[T], body: bytes) -> T:
    """The message in these bytes; what is not exactly one is a ValueError."""
    found: Any = rebuild(kind, canonical.decode(body))
    return found  # type: ignore[no-any-return]


def said(message: Proposal | Acceptance) -> str:
    """The digest of all that a message says, but for the signature under it."""
    return hashlib.sha256(write(replace(message, signature=""))).hexdigest()


def write_refusal(refusal: Refusal) -> bytes:
    """A refusal in bytes."""
    return write(refusal)


def refusal_in(body: bytes) -> Refusal:
    """The other node's refusal, as one of ours that quotes it; its code stands in the reasons, for nodes differ."""
    try:
        theirs = canonical.decode(body)
        assert isinstance(theirs, dict)
        code, remedy = (theirs[name] for name in ("code", "remedy"))
        reasons = theirs.get("reasons", ())
        assert isinstance(code, str) and isinstance(remedy, str) and isinstance(reasons, list)
        texts = [text for text in reasons if isinstance(text, str)]
    except (ValueError, KeyError, AssertionError):
        code, texts, remedy = "unknown", [], "turn to the steward of that node"
    return Refusal("match.peer", "the other node did not match", (f"it said `{code[:40]}`", *texts[:10]), remedy[:500])
