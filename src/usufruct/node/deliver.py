"""Open data leave: anybody comes, takes a file or asks for some rows, and the journal says what left.

    decide → prepare the file → delivered (the fact, with the file's digest) → the file leaves

There is no second fact: what is open is no secret, so nothing is reserved before it is looked at. But nothing leaves
before its fact. Whoever comes is not asked who she is and leaves no trace; so she cannot be held to a share either. What
is bounded is the cost: how many deliveries and how many bytes the node gives away in a minute, to everybody together.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from usufruct.core.access import opening
from usufruct.core.access.opening import DataClosed, DataDelivered, DataOpened, OpenData, OpenPermit
from usufruct.core.base.canonical import holdable
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant, seconds
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.records import RecordsPlan
from usufruct.core.privacy.relations import no_such_column
from usufruct.core.privacy.relations import where as resolve
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook.parameters import Rulebook
from usufruct.node import stored
from usufruct.node.node import Node
from usufruct.ports import Delivered, Transaction

FORMATS = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
KEPT_TEXT = 2_000  # characters of a question that are kept in the journal


@dataclass(slots=True)
class Meter:
    """How much was given away in this minute, to everybody together."""

    _minute: int = -1
    _spent: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, rulebook: Rulebook, at: Instant, **costs: int) -> Refusal | None:
        """Counts `deliveries` and `bytes`, or says no and counts nothing. The first of a minute is always good, or what
        is larger than a minute's bytes could never leave."""
        minute = seconds(at) // 60
        with self._lock:
            if minute != self._minute:
                self._minute, self._spent = minute, {}
            for what, cost in costs.items():
                most = rulebook.value(f"open.{what}-per-minute", at)
                if self._spent.get(what, 0) and self._spent[what] + cost > most:
                    return refuse(
                        "access.busy", "nothing was delivered", f"more than {most:,} {what} were asked for in this minute",
                        remedy=f"come back in {60 - seconds(at) % 60} seconds",
                    )  # fmt: skip
            for what, cost in costs.items():
                self._spent[what] = self._spent.get(what, 0) + cost
        return None


@dataclass(frozen=True, slots=True)
class Left:
    """What is about to leave: `content` of that type, with the asset it is of and the number of the fact of it."""

    asset: Asset
    opening: OpenData
    media_type: str
    content: Delivered | bytes
    digest: str
    seq: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An open asset as it stands, its opening, and its publisher's name."""

    asset: Asset
    opening: OpenData
    publisher: str


def open_data(node: Node, asset: str, by: str, attribution: str) -> DataOpened | Refusal:
    """Opens an asset to anyone.

    Raises:
        BadInput: nothing says how the source is to be named.
    """
    return node.record(lambda tx: opening.open_data(tx, asset, by, attribution, tx.now))


def close_data(node: Node, asset: str, by: str) -> DataClosed | Refusal:
    """Closes an open asset; nothing more of it is delivered when this returns."""
    return node.record(lambda tx: opening.close_data(tx, asset, by, tx.now))


def listed(node: Node) -> tuple[Listed, ...]:
    """What is open now, in the order in which it was opened first."""
    now = node.clock.now()
    with node.store.read() as state:
        permits = [opening.decide(state, row.asset, now) for row in state.list(OpenData) if row.open]
        return tuple(_listed(state, permit) for permit in permits if isinstance(permit, OpenPermit))


def _listed(read: Reader, permit: OpenPermit) -> Listed:
    publisher = read.get(Party, permit.asset.publisher)
    return Listed(permit.asset, permit.opening, publisher.name if publisher else permit.asset.publisher)


def find(node: Node, asset: str) -> Listed | Refusal:
    """One open asset."""
    now = node.clock.now()
    with node.store.read() as state:
        permit = opening.decide(state, asset, now)
        return permit if isinstance(permit, Refusal) else _listed(state, permit)


def file(node: Node, asset: str, format: str, meter: Meter | None = None) -> Left | Refusal:
    """A whole open asset as a file; a fact when this returns, and only then may it leave.

    Raises:
        EngineFault, StoreFull: the file could not be made; nothing is recorded.
    """
    now = node.clock.now()
    permit = _permitted(node, asset, now)
    if isinstance(permit, Refusal):
        return permit
    stored.check(node, permit.asset.id, permit.asset.version)
    made = node.engine.export(permit.asset, f".{format}", notes(permit, node.about.url))
    busy = meter.take(node.rulebook, now, deliveries=1, bytes=made.size) if meter else None
    return busy or _record(node, permit, format, FORMATS[format], made, made.digest, made.rows, made.size, "")


def rows(node: Node, asked: Question | Refusal, text: str, meter: Meter | None = None) -> Left | Refusal:
    """Some rows of an open asset as JSON: columns, rows, and where they are from.

    Raises:
        EngineFault: the question could not be worked out; nothing is recorded.
    """
    if isinstance(asked, Refusal):
        return asked
    now = node.clock.now()
    permit = _permitted(node, asked.asset, now)
    if isinstance(permit, Refusal):
        return permit
    if asked.form != "rows":
        return refuse(
            "access.form", "nothing was delivered", "open data are given as rows, not as totals",
            remedy="ask for the rows themselves, with WHERE, ORDER BY and LIMIT, and add them up yourself",
        )  # fmt: skip
    most = node.rulebook.value("open.rows-max", now)
    columns = _columns(permit.asset, asked)
    where = resolve(asked.where, permit.asset) if asked.where else None
    if isinstance(columns, Refusal) or isinstance(where, Refusal):
        return columns if isinstance(columns, Refusal) else where  # type: ignore[return-value]
    order = tuple((ordering.label, ordering.descending) for ordering in asked.order)
    strange = next((name for name, _ in order if permit.asset.column(name) is None), None)
    if strange:
        return no_such_column(strange, permit.asset)
    if busy := meter.take(node.rulebook, now, deliveries=1) if meter else None:
        return busy
    stored.check(node, permit.asset.id, permit.asset.version)
    plan = RecordsPlan(permit.asset, columns, where, order, min(asked.limit or most, most), capped=False)
    found = [cells for _, cells in node.engine.records(plan, b"", 0)]  # it is about nobody
    content = json.dumps({
        **notes(permit, node.about.url), "columns": [column.name for column in columns],
        "rows": [[_plain(cell) for cell in row] for row in found],
    }, ensure_ascii=False).encode()  # fmt: skip
    kept = holdable(text if len(text) <= KEPT_TEXT else text[:KEPT_TEXT] + "…")
    digest = hashlib.sha256(content).hexdigest()
    return _record(node, permit, "json", "application/json", content, digest, len(found), len(content), kept)


def _permitted(node: Node, asset: str, at: Instant) -> OpenPermit | Refusal:
    with node.store.read() as state:
        return opening.decide(state, asset, at)


def _columns(asset: Asset, asked: Question) -> tuple[Column, ...] | Refusal:
    if not asked.columns:
        return asset.columns
    found = {name: asset.column(name) for name in asked.columns}
    strange = next((name for name, column in found.items() if column is None), None)
    return no_such_column(strange, asset) if strange else tuple(column for column in found.values() if column)


def _plain(cell: Any) -> Any:
    """Decimals as text, for a number of JSON is read as a float."""
    return str(cell) if isinstance(cell, Decimal) else cell


def notes(permit: OpenPermit, url: str) -> dict[str, str]:
    """What goes with the data wherever they go: title, source, licence and version."""
    asset = permit.asset
    return {
        "title": asset.title, "attribution": permit.opening.attribution, "licence": asset.licence, "version": asset.version,
        "from": f"{url}/open/{asset.id}",
    }  # fmt: skip


def _record(
    node: Node, permit: OpenPermit, format: str, media_type: str, content: Delivered | bytes, digest: str, rows: int, size: int,
    question: str,
) -> Left | Refusal:  # fmt: skip
    """The fact; unless the asset was closed while the file was being made."""
    asset = permit.asset

    def command(tx: Transaction) -> int | Refusal:
        again = opening.decide(tx, asset.id, tx.now)
        if isinstance(again, Refusal):
            return again
        return tx.append(DataDelivered(
            numbered("use", tx.next), asset.id, asset.version, again.opening.seq, "rows", format, rows, size, digest, question
        )).seq  # fmt: skip

    seq = node.store.write(command)
    if isinstance(seq, Refusal):
        return seq
    return Left(asset, permit.opening, media_type, content, digest, seq)
