"""The follower that says what was queued, until it is heard.

A message is sent from the facts alone, so it is the same after a restart, and sending it twice does no harm: whoever has
taken it already says so by where it stands. What the other side answers decides what happens:

    it took it                  acknowledged: the state is entered
    not now (5xx, 401, 404 …)   again, after a pause that doubles; given up after `Patience.tries`
    no (4xx)                    asked where it stands: if there, it had taken it; if it has ended, so is it here; else no
    nothing                     as `not now`; when given up, the process ends here alone

401 and 404 count as *not now*: a node that has just started believes no token that could be used already, and one may be
told of a process before it has made its own note of it. Messages of one process go one after another, those of many at
the same time. Who waits long for the other side asks where it stands, so that both come to an end even if what it said
was lost. What a started transfer pushes goes the same way (`push`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace

from usufruct.core.base.faults import BadInput, Fault, PeerFault
from usufruct.core.contract.state import Negotiation
from usufruct.core.dataspace import rules, saying
from usufruct.core.dataspace.messages import DataAddress, Message, ProcessState, TransferRequest, TransferStart
from usufruct.core.dataspace.state import DataTransfer, Peer, Process, state_of
from usufruct.node.dataspace import talk
from usufruct.node.dataspace.dataplane import address_for
from usufruct.node.dataspace.participants import authorization
from usufruct.node.dataspace.patience import LATER, Course
from usufruct.node.dataspace.patience import Patience as Patience
from usufruct.node.dataspace.push import Pusher, waiting
from usufruct.node.node import Node
from usufruct.ports import ServiceReply, ServiceRequest, Services, Snapshot, Transaction

LOG = logging.getLogger(__name__)

AT_ONCE = 64  # messages that are on their way at the same time
EACH = AT_ONCE // 4  # of them, those to one peer, so that one that hangs does not stop the others
PUSHED = 0  # in the place of a message's fact: data are pushed
_WAITING = ("REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED"), ("REQUESTED", "STARTED", "SUSPENDED")


@dataclass(slots=True)
class Outbox:
    """Sends what waits; belongs to one event loop."""

    node: Node
    services: Services
    patience: Patience = field(default_factory=Patience)
    _courses: dict[str, Course] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _look: float = 0.0  # when to look next for those who wait long; it reads all that are open
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _to: Counter[str] = field(default_factory=Counter)

    async def run(self, until: asyncio.Event) -> None:
        """Goes on until the event is set; woken by the bell, and at the latest when something is due."""
        rung, loop = asyncio.Event(), asyncio.get_running_loop()
        self.node.connector.bell.listen(lambda: _wake(loop, rung))
        ended = asyncio.ensure_future(until.wait())
        try:
            while not until.is_set():
                rung.clear()
                pause = self._begin()
                woken = asyncio.ensure_future(rung.wait())
                await asyncio.wait({woken, ended}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
        finally:
            self.node.connector.bell.listen(None)
            ended.cancel()
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def once(self) -> int:
        """Sends what waits and is due, and what comes of it, until nothing is; returns how many messages were sent."""
        sent = 0
        while True:
            self._begin()
            if not self._under_way:
                return sent
            sent += len(self._under_way)
            await asyncio.gather(*self._under_way.values())

    def _begin(self) -> float:
        """Starts what is due; in how many seconds the next is."""
        now, pause = asyncio.get_running_loop().time(), self.patience.silence
        pusher = Pusher(self.node, self.services, self.patience)
        with self.node.store.read() as read:
            due = [(row, row.queued, self._send) for row in read.list(Process, sending=1)]
            due += [(row, PUSHED, pusher.push) for row in waiting(read)]
        self._courses = {row.id: self._courses[row.id] for row, *_ in due if row.id in self._courses}
        for row, queued, work in due:
            course = self._courses.get(row.id)
            if course is None or course.queued != queued:
                course = self._courses[row.id] = Course(queued)
            if row.id in self._under_way:
                continue
            if course.due > now:
                pause = min(pause, course.due - now)
            elif self._has_room(row):
                self._start(row, work(row, course))
        for row in self._silent(now):
            self._start(row, self._ask_after(row))
        return max(pause, 0.01)

    def _has_room(self, row: Process) -> bool:
        return len(self._under_way) < AT_ONCE and self._to[row.peer] < EACH

    def _start(self, row: Process, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._under_way[row.id] = task
        self._to[row.peer] += 1

        def done(finished: asyncio.Task[None]) -> None:
            self._under_way.pop(row.id, None)
            self._to[row.peer] -= 1
            if not finished.cancelled() and finished.exception() is not None:
                LOG.error("the outbox failed at %s", row.id, exc_info=finished.exception())
            self.node.connector.bell.ring()

        task.add_done_callback(done)

    # ---- one message

    async def _send(self, row: Process, course: Course) -> None:
        course.tried(self.patience, asyncio.get_running_loop().time())
        with self.node.store.read() as read:
            peer, message = read.get(Peer, row.peer), self._message(read, row)
        assert peer is not None
        if why := rules.silent(peer, row):
            await self._failed(row, 0, (why,), alone=True)
            return
        try:
            reply = await self._post(peer, row, saying.path_of(row), self.node.connector.spelling.write(message))
        except PeerFault as fault:
            await self._not_now(row, course, 0, fault.message)
            return
        if reply.status < 300:
            await self._taken(row, reply)
        elif reply.status >= 500 or reply.status in LATER:
            await self._not_now(row, course, reply.status, self._why(reply))
        else:
            await self._no(row, course, peer, reply)

    def _message(self, read: Snapshot, row: Process) -> Message:
        """What is to be said, from the facts alone."""
        connector, origin = self.node.connector, self.node.about.origin
        message = saying.message_of(read, row, connector.participant, connector.url, origin)
        if isinstance(message, TransferStart) and row.role == "provider":
            return replace(message, address=address_for(self.node, row))
        if isinstance(message, TransferRequest):
            kept = connector.vault.get(f"push/{row.pid}")
            return replace(message, address=DataAddress.from_bytes(kept) if kept else None)
        return message

    async def _post(self, peer: Peer, row: Process, path: str, body: bytes) -> ServiceReply:
        """What the other end answers. We show ourselves, and go into private networks, only where the steward named the
        server; where he named none the address is whoever's who speaks for the peer."""
        headers = (
            (b"content-type", b"application/json"),
            (b"accept", b"application/json"),
            *(authorization(self.node, peer) if peer.url else ()),
        )
        url, private = row.callback.rstrip("/") + path, peer.private and bool(peer.url)
        return await self.services.ask(ServiceRequest("POST" if body else "GET", url, headers, body, private))

    async def _taken(self, row: Process, reply: ServiceReply) -> None:
        theirs = row.theirs
        if not theirs:
            try:
                answer = self._read_state(row, reply)
                named = answer.provider_pid, answer.consumer_pid
                theirs, ours = named if row.role == "consumer" else reversed(named)
                theirs = rules.named(theirs, "a process")
                if ours != row.pid:
                    raise BadInput("input.dataspace", "it is about another process", "answer what was sent")
            except BadInput as fault:
                await self._failed(row, reply.status, ("its answer cannot be read", fault.message), alone=True)
                return
        await self._write(row, lambda tx, now: talk.acknowledge(tx, now, theirs))

    async def _not_now(self, row: Process, course: Course, status: int, why: str) -> None:
        if course.tries >= self.patience.tries:
            await self._failed(row, status, (f"given up after {course.tries} tries", why), alone=True)

    async def _no(self, row: Process, course: Course, peer: Peer, reply: ServiceReply) -> None:
        """It was refused; or taken before, and the answer was lost."""
        theirs = await self._state_there(row, peer) if row.theirs else ""
        with self.node.store.read() as read:
            there = rules.target_of(row, state_of(read, row), row.pending, row.role)
        if theirs is None:
            await self._not_now(row, course, reply.status, self._why(reply))
        elif theirs == there:
            await self._write(row, lambda tx, now: talk.acknowledge(tx, now, row.theirs))
        else:
            await self._failed(row, reply.status, (self._why(reply),), alone=theirs == "TERMINATED")

    async def _failed(self, row: Process, status: int, reasons: tuple[str, ...], alone: bool) -> None:
        await self._write(row, lambda tx, now: talk.give_up(tx, now, status, reasons, alone))

    async def _write(self, row: Process, work: Callable[[Transaction, Process], None]) -> None:
        """Does the work in the writer's turn, if the process still waits for the answer to this very message."""

        def command(tx: Transaction) -> None:
            now = tx.get(Process, row.id)
            if now is not None and now.sending and now.queued == row.queued:
                work(tx, now)

        await asyncio.wrap_future(self.node.store.submit(command))

    def _read_state(self, row: Process, reply: ServiceReply) -> ProcessState:
        spelling = self.node.connector.spelling
        return (spelling.read_negotiation if row.kind == "negotiation" else spelling.read_transfer)(reply.body)

    def _why(self, reply: ServiceReply) -> str:
        answered = f"the other node answered with status {reply.status}"
        try:
            error = self.node.connector.spelling.read_error(reply.body)
        except BadInput:
            return answered
        return ": ".join((answered, "; ".join(filter(None, (error.code, *error.reasons)))))

    # ---- who waits long

    def _silent(self, now: float) -> Iterator[Process]:
        """Those who wait for the other side, and were not asked after lately."""
        if self.patience.silence <= 0 or now < self._look:
            return
        self._look = now + self.patience.silence / 4
        with self.node.store.read() as read:
            names = [one.id for state in _WAITING[0] for one in read.list(Negotiation, state=state)]
            names += [one.id for state in _WAITING[1] for one in read.list(DataTransfer, state=state)]
            found = [process for name in names if (process := read.get(Process, name)) is not None]
        self._asked = {row.id: self._asked.get(row.id, now) for row in found}
        for row in found:
            last = self._asked[row.id]
            idle = not row.sending and row.theirs and row.id not in self._under_way
            if now - last >= self.patience.silence and idle and self._has_room(row):
                self._asked[row.id] = now
                yield row

    async def _ask_after(self, row: Process) -> None:
        with self.node.store.read() as read:
            peer = read.get(Peer, row.peer)
        theirs = await self._state_there(row, peer) if peer is not None and not rules.silent(peer, row) else None
        if theirs is None or (theirs and theirs not in rules.FINAL[row.kind]) or theirs == "FINALIZED":
            return

        def command(tx: Transaction) -> None:
            now = tx.get(Process, row.id)
            fact = (
                rules.ended(tx, now, ("the other side has ended it",), theirs or "TERMINATED")
                if now is not None
                else None
            )
            if fact is not None:
                tx.append(fact)

        await asyncio.wrap_future(self.node.store.submit(command))

    async def _state_there(self, row: Process, peer: Peer) -> str | None:
        """Where a process stands at the other side, empty if it knows of none; None if it does not say."""
        try:
            reply = await self._post(peer, row, saying.place_of(row), b"")
            if reply.status == 404:
                return ""
            return self._read_state(row, reply).state if reply.status == 200 else None
        except (PeerFault, BadInput):
            return None


def _wake(loop: asyncio.AbstractEventLoop, rung: asyncio.Event) -> None:
    loop.call_soon_threadsafe(rung.set)


@contextlib.contextmanager
def sending(node: Node, patience: Patience | None = None) -> Iterator[None]:
    """Sends in a thread of its own for as long as the block lasts."""
    loop, until = asyncio.new_event_loop(), asyncio.Event()

    async def work() -> None:
        services = node.connector.services()
        try:
            await Outbox(node, services, patience or Patience()).run(until)
        finally:
            await services.close()

    def run() -> None:
        try:
            loop.run_until_complete(work())
        except Fault:
            LOG.exception("the outbox stopped")
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="outbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(until.set)
        thread.join()


def follow(node: Node) -> str:
    """One round: all that waits is sent, as far as it goes."""

    async def work() -> int:
        services = node.connector.services()
        try:
            return await Outbox(node, services).once()
        finally:
            await services.close()

    sent = asyncio.run(work())
    return f"{sent} messages sent to other nodes" if sent else ""
