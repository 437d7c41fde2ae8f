"""The follower that pushes: sends what a transfer lets out to where the consumer wants it.

    started → the use is admitted, and noted as the transfer's in the same step → answered → sent, until it is taken
    → noted → the transfer is completed

A use is worked out once. What is sent is read from its answer beside the journal, so it is the same after a restart, and
when it is sent again; receivers can tell by the `Idempotency-Key`. `Content-Digest` (RFC 9530) says what must arrive. A
receiver that is not there, or says *later*, is tried again as the outbox does; one that says no, or leads elsewhere, ends
the transfer with the reason, and so does a refusal of the use. Nothing is sent while the transfer is not started, or
after its agreement has ended.

Where every move is somebody's (`Peer.by_hand`), completing and terminating are too.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from usufruct.core.base.faults import BadInput, EngineFault, PeerFault
from usufruct.core.base.money import Money
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.facts import MessageQueued, PushBegan, PushEnded
from usufruct.core.dataspace.messages import PUSH, DataAddress
from usufruct.core.dataspace.state import DataTransfer, Peer, Process, Push
from usufruct.core.privacy.release import Answer, decode
from usufruct.core.privacy.state import Use
from usufruct.node.dataspace import dataplane, talk
from usufruct.node.dataspace.patience import LATER, Course, Patience
from usufruct.node.node import Node
from usufruct.node.use import Answered, Refused
from usufruct.ports import ServiceReply, ServiceRequest, Services, Snapshot, Transaction

JSON, CSV = "application/json", "text/csv"
DIGEST = "application/vnd.usufruct.digest.v1"


def waiting(read: Snapshot) -> Iterator[Process]:
    """The transfers in which something is still to be pushed."""
    found = [read.get(Process, row.id) for row in read.list(DataTransfer, state="STARTED", format=PUSH)]
    return (row for row in found if row is not None and _is_due(read, row))


@dataclass(frozen=True, slots=True)
class Pusher:
    """Sends what was worked out, in the event loop of who calls it."""

    node: Node
    services: Services
    patience: Patience

    async def push(self, row: Process, course: Course) -> None:
        """Pushes once what is to be pushed in a transfer."""
        course.tried(self.patience, asyncio.get_running_loop().time())
        use = await asyncio.to_thread(_worked_out, self.node, row)
        if isinstance(use, Refusal):
            await asyncio.to_thread(_give_up, self.node, row, "", b"", 0, use)
            return
        media_type, body = await asyncio.to_thread(_written, self.node, row, use)
        with self.node.store.read() as read:
            stopped = _is_due(read, row) and _may_still(self.node, read, row)
        if isinstance(stopped, Refusal):
            await asyncio.to_thread(_give_up, self.node, row, use, b"", 0, stopped)
        if stopped is not True:
            return
        try:
            reply = await self._send(row, use, media_type, body)
        except PeerFault as fault:
            await self._not_now(row, course, use, body, 0, fault.message)
            return
        if reply.status < 300:
            await asyncio.to_thread(_over, self.node, row, use, body, reply.status)
        elif reply.status >= 500 or reply.status in LATER:
            await self._not_now(row, course, use, body, reply.status, f"the receiver answered {reply.status}")
        else:
            await asyncio.to_thread(_give_up, self.node, row, use, body, reply.status, _not_taken(reply.status))

    async def _not_now(self, row: Process, course: Course, use: str, body: bytes, status: int, why: str) -> None:
        if course.tries >= self.patience.tries:
            gone = _no(f"given up after {course.tries} tries", why)
            await asyncio.to_thread(_give_up, self.node, row, use, body, status, gone)

    async def _send(self, row: Process, use: str, media_type: str, body: bytes) -> ServiceReply:
        address = _address(self.node, row)
        with self.node.store.read() as read:
            peer = rules.open_peer(read, row.peer)
        if address is None or peer is None:
            raise PeerFault("peer.failed", "it is not known any more where to", "ask for another transfer")
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-digest", f"sha-256=:{digest}:".encode()),
            (b"idempotency-key", f'"{use}"'.encode()),
        ]
        if shown := address.property("authorization"):
            headers.append((b"authorization", shown.encode()))
        return await self.services.ask(ServiceRequest("POST", address.endpoint, tuple(headers), body, peer.private))


def _is_due(read: Snapshot, row: Process) -> bool:
    """Whether something is still to be pushed in a transfer that this node provides."""
    transfer, push = read.get(DataTransfer, row.id), read.get(Push, row.id)
    started = transfer is not None and transfer.state == "STARTED"
    return row.role == "provider" and started and not row.sending and (push is None or not push.over)


def _may_still(node: Node, read: Snapshot, row: Process) -> bool | Refusal:
    """That what was worked out may be sent now, or why not."""
    if dataplane.what_is_agreed(read, row).agreement.active(node.clock.now()):
        return True
    return _no("the agreement has ended")


def _address(node: Node, row: Process) -> DataAddress | None:
    kept = node.connector.vault.get(f"push/{row.pid}")
    return DataAddress.from_bytes(kept) if kept else None


# ---- what is pushed


def _worked_out(node: Node, row: Process) -> str | Refusal:
    """The use whose answer is pushed: the one that was begun, if it was answered, or a new one; or why there is none."""
    with node.store.read() as read:
        begun = read.get(Push, row.id)
        use = read.get(Use, begun.use) if begun is not None else None
        of = dataplane.what_is_agreed(read, row)
    if use is not None and use.state == "answered":
        return use.id
    address = _address(node, row)
    if address is None:
        return _no("it is not known any more where to")

    def noting(use: str) -> Fact:
        return PushBegan(row.id, row.peer, use)

    text, purpose = address.property("query"), address.property("purpose")
    result: Answered[Answer] | Refused | None
    try:
        if text:
            result = dataplane.ask(node, of, text, node.connector.parse(text), purpose, noting=noting)
        else:
            result = dataplane.download(node, of, purpose, address.property("cube"), noting)
    except (BadInput, EngineFault) as fault:
        return _no(fault.message, remedy=fault.remedy)
    if result is None:
        return _no("the agreement lets nothing out unasked", remedy="put a question into the property `query`")
    if isinstance(result, Refused):
        return result.refusal
    if result.repeated:  # it was answered before, and not admitted for this
        node.store.write(lambda tx: tx.append(noting(result.use)))
    return result.use


def _written(node: Node, row: Process, use: str) -> tuple[str, bytes]:
    """What is sent: the answer of a use, in the form that the address names."""
    address = _address(node, row)
    with node.store.read() as read:
        found = read.get(Use, use)
        assert found is not None
        answer, receipt = decode(read.evidence(found.answer)), read.receipt(found.ended).text()
    if address is not None and address.property("contentType").partition(";")[0].strip() == CSV:
        return CSV, as_csv(answer)
    return JSON, json.dumps({
        "use": found.id, "meaning": found.meaning, "purpose": found.purpose, "agreement": found.agreement,
        "columns": answer.columns, "rows": answer.rows, "measures": answer.measures, "notes": answer.notes,
        "price": str(Money(found.price, found.currency)), "charge": found.charge, "receipt": receipt,
        "nano_delta": found.nano_delta, "spread": [asdict(one) for one in answer.spread], "form": found.form,
    }, ensure_ascii=False).encode()  # fmt: skip


def as_csv(answer: Answer) -> bytes:
    """The columns and rows of an answer as CSV (RFC 4180), in UTF-8; truth as `true` and `false`, nothing as nothing."""
    text = io.StringIO()
    told = {True: "true", False: "false"}
    csv.writer(text).writerows(
        [told[cell] if isinstance(cell, bool) else cell for cell in row] for row in (answer.columns, *answer.rows)
    )
    return text.getvalue().encode()


# ---- how it ends


def _no(*reasons: str, remedy: str = "ask for another transfer") -> Refusal:
    return refuse("contract.push", "the data were not pushed", *reasons, remedy=remedy)


def _not_taken(status: int) -> Refusal:
    if status < 400:
        return _no(f"the receiver answered {status}: data are not sent on to where it leads")
    return _no(f"the receiver answered {status}")


def _over(node: Node, row: Process, use: str, body: bytes, status: int) -> None:
    """It was taken, and the transfer is complete."""
    _end(node, row, use, body, status, (), MessageQueued(row.id, "complete", row.party))


def _give_up(node: Node, row: Process, use: str, body: bytes, status: int, why: Refusal) -> None:
    """It was not taken, or may not be sent, and will not be."""
    said = rules.refuses(row, why)
    _end(node, row, use, body, status, said.reasons, said)


def _end(
    node: Node, row: Process, use: str, body: bytes, status: int, reasons: tuple[str, ...], then: MessageQueued
) -> None:
    def command(tx: Transaction) -> bool:
        push, peer, now = tx.get(Push, row.id), tx.get(Peer, row.peer), tx.get(Process, row.id)
        if (push is not None and push.over) or now is None:
            return False
        seal = tx.attach(DIGEST, hashlib.sha256(body).digest()) if body else ""
        tx.append(PushEnded(row.id, row.peer, use, len(body), seal, status, reasons))
        if peer is not None and not peer.by_hand:
            talk.queue(tx, now, then)
        return True

    if node.store.write(command):
        node.connector.vault.drop(f"push/{row.pid}")
        node.connector.bell.ring()
