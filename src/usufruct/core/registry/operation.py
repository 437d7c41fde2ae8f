"""Authorised operation: a public body lets somebody make products of public data, and says in public how that came about.

The right itself is a right like any other; what a right does not say is how the operator was chosen and where the
document lies. Both are owed to the public once a year, with the operator's products and prices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact, Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.state import Asset, Party

METHODS = {
    "tender": "an open tender",
    "restricted-tender": "a tender among those who were asked",
    "negotiation": "negotiation with whoever could do it",
    "assignment": "assignment by decision of the body",
}

_DOCUMENT = re.compile(r"sha256:[0-9a-f]{64}|https?://[^\s/]+\S*")


@dataclass(frozen=True, slots=True)
class OperationAuthorised(Fact):
    """`body` lets `operator` make products of a public asset until `until`, by the right `right`.

    `method` is how the operator was chosen, `document` the address or the digest of the decision.
    """

    KIND = "operation.authorised/1"
    right: str
    asset: str
    body: str
    operator: str
    method: str
    document: str
    until: Instant

    def about(self) -> tuple[str, ...]:
        return (self.body, self.operator)


def check(read: Reader, asset: str, body: str, operator: str, method: str, document: str) -> Refusal | None:
    """Whether `body` could authorise `operator`, but for the right itself.

    Raises:
        BadInput: the method is none, or nobody could look the document up.
    """
    if method not in METHODS:
        raise BadInput("input.method", f"`{method}` is not a way to choose", f"use one of {', '.join(METHODS)}")
    if not _DOCUMENT.fullmatch(document) or holdable(document) != document or len(document) > 500:
        raise BadInput(
            "input.evidence", "nobody could look the document up",
            "give its address, or its digest as sha256: and 64 hexadecimal digits",
        )  # fmt: skip
    not_done = f"`{operator}` was not authorised to operate `{asset}`"
    row, by, to = read.get(Asset, asset), read.get(Party, body), read.get(Party, operator)
    missing = f"asset `{asset}`" if row is None else f"party `{body if by is None else operator}`"
    if row is None or by is None or to is None:
        return refuse("registry.unknown", not_done, f"there is no {missing}", remedy="register it first")
    reasons = []
    if by.kind != "public-body":
        reasons.append(f"`{body}` is no public body, but of kind {by.kind}")
    if to.kind == "person":
        reasons.append(f"`{operator}` is a person")
    reasons += [f"`{c.name}` is of class {c.data_class}" for c in row.columns if c.data_class != "public"]
    if reasons:
        return refuse(
            "registry.operation", not_done, *reasons,
            remedy="a public body authorises an organisation to operate data of class public; for others grant a right",
        )  # fmt: skip
    return None
