"""What a person keeps to count her records: a key file, and what her last audit saw.

Both are small JSON files of her own. The key file holds her counting key and the verifier key of the node's journal: it
says whom to trust, so it is fetched once, early, and kept from others. With it `check` audits a book (see `book`) on any
machine, and asks first whether the book is hers and of that journal at all.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from usufruct.core.base.instants import Instant
from usufruct.core.proof.book import Audit, Flaw, Kept, audit
from usufruct.core.proof.checkpoint import Verify, parse_vkey
from usufruct.core.proof.tree import HASH_SIZE


@dataclass(frozen=True, slots=True)
class CountingKey:
    """A `person`'s id at the node, her counting `key` (hex), and the verifier key of the node's `journal`.

    Raises:
        ValueError: the one is no key of 32 bytes, or the other no verifier key.
    """

    person: str
    key: str
    journal: str

    def __post_init__(self) -> None:
        if not isinstance(self.key, str) or len(self.secret) != HASH_SIZE:
            raise ValueError("the key is not 64 hexadecimal digits")
        parse_vkey(self.journal)

    @property
    def secret(self) -> bytes:
        """The key as bytes."""
        return bytes.fromhex(self.key)

    def text(self) -> str:
        """The key file."""
        return _text(self)

    @classmethod
    def parse(cls, text: str) -> CountingKey:
        """The key whose `text()` this is. Raises ValueError."""
        return cls(**_fields(text, {"person": str, "key": str, "journal": str}))


def kept_text(kept: Kept) -> str:
    """What was kept, as a file."""
    return _text(kept)


def parse_kept(text: str) -> Kept:
    """What was kept, from its file. Raises ValueError."""
    return Kept(**_fields(text, {"epoch": int, "count": int, "head": str, "checkpoint": str}))


def check(book: Any, key: CountingKey, verify: Verify, now: Instant, kept: Kept | None = None) -> Audit:
    """The audit of a book, which must be hers and of the journal that she trusts. Never raises for what is in it."""
    found = audit(book, key.secret, key.journal, verify, now, kept)
    said = book if isinstance(book, dict) else {}
    strange = [
        Flaw(None, f"the book is of {what} `{said.get(name)}`, not of `{wanted}`")
        for name, what, wanted in (("person", "person", key.person), ("origin", "journal", parse_vkey(key.journal)[0]))
        if said.get(name) != wanted
    ]
    return replace(found, flaws=(*strange, *found.flaws))


def _text(kept: CountingKey | Kept) -> str:
    return json.dumps(asdict(kept), indent=1, ensure_ascii=False) + "\n"


def _fields(text: str, wanted: dict[str, type]) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != wanted:
        raise ValueError(f"it must have the fields {', '.join(wanted)}, and no other")
    return found
