"""Ids: short names that people can read aloud, and that mean the same on every machine; and those of X-Road, for systems."""

from __future__ import annotations

import hashlib
import re

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PART = re.compile(r"(?!\.\.?$)[\w'()+,.=?-]{1,100}")
_DIGESTED = re.compile(r"(^|-)[0-9a-f]{16}$")


def checked(name: str, what: str) -> str:
    """`name`, if it can be the id of a `what`.

    Raises:
        BadInput: it is not 1 to 63 small Latin letters, digits and inner hyphens. One narrow alphabet leaves no
            look-alikes and needs no escaping anywhere.
    """
    if _ID.fullmatch(name):
        return name
    raise BadInput(
        "input.id",
        f"`{name}` cannot be the id of {what}",
        "use 1 to 63 small letters a-z, digits and hyphens, with a letter or digit at both ends",
    )


def xroad(text: str, parts: tuple[int, ...], what: str) -> str:
    """`text`, if it can be the X-Road id of a `what`, with so many parts.

    Raises:
        BadInput: it cannot.
    """
    found = holdable(text).split("/")
    if len(found) in parts and all(map(_PART.fullmatch, found)):
        return "/".join(found)
    shape = "/".join(("instance", "class", "member", "subsystem", "service")[: max(parts)])
    raise BadInput(
        "input.xroad", f"`{text}` cannot be the id of {what}", f"write {shape}, in letters, digits and '()+,-.=?_"
    )


def numbered(prefix: str, number: int) -> str:
    """The id of the `number`-th thing of its kind: `use-17`."""
    return f"{prefix}-{number}"


def did_web(url: str) -> str:
    """The decentralized identifier of whoever has the site at `url` (W3C CCG, did:web method)."""
    place = url.partition("://")[2].rstrip("/").split("/")
    return ":".join(("did:web", place[0].replace(":", "%3A"), *place[1:]))


def slug(text: str) -> str:
    """An id made from free text: the text itself where it can be an id, else what is left of it and a digest.

    The digest keeps `A b` and `a-b` apart, and of a million names in another script no two are likely to meet in it;
    what looks like such an id already gets a digest of its own.
    """
    if _ID.fullmatch(text) and not _DIGESTED.search(text):
        return text
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower())[:40].strip("-")
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:16]}".strip("-")
