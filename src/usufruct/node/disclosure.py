"""Authorised operation of public data, and what the public is told about it once a year.

What the report tells is said in `core.disclosure`.
"""

from __future__ import annotations

import threading

from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.disclosure import Disclosure
from usufruct.core.registry import rights
from usufruct.core.registry.operation import OperationAuthorised, check
from usufruct.node.node import Node
from usufruct.ports import Transaction

_READING = threading.Lock()  # before the snapshot is opened, which then has all that was read before


def authorise(
    node: Node, asset: str, body: str, operator: str, method: str, document: str, until: Instant
) -> OperationAuthorised | Refusal:
    """Lets an operator make products of a public asset and grant their use, and says how that came about.

    Raises:
        BadInput: the method is none, or nobody could look the document up.
    """

    def command(tx: Transaction) -> OperationAuthorised | Refusal:
        refusal = check(tx, asset, body, operator, method, document)
        if refusal:
            return refusal
        right = numbered("right", tx.next)
        operate = rights.grant(tx, right, body, operator, asset, "operate", tx.now, rights.Limits(until))
        if isinstance(operate, Refusal):
            return operate
        named = numbered("right", tx.next + 1)
        use = rights.grant(tx, named, body, operator, asset, "use", tx.now, rights.Limits(until, may_grant=True))
        if isinstance(use, Refusal):
            return use
        fact = OperationAuthorised(right, asset, body, operator, method, document, operate.until)
        for each in (operate, use, fact):
            tx.append(each)
        return fact

    return node.store.write(command)


def disclose(node: Node, year: int) -> Disclosure:
    """The disclosure of a calendar year (UTC). Only facts that nobody asked about yet are read, since anybody may ask.

    Raises:
        BadInput: no such year.
    """
    with _READING, node.store.read() as state:
        node.disclosed.read_on(state.entries(node.disclosed.facts, state.size()))
        return node.disclosed.disclose(year)
