"""Findings: check what was worked, say what is left of each limit, stop dispatch at one, hear appeals, change accounts.

The check is a command that may be given as often as one likes: what was found before is not found again. It reads outside
the writer's turn, for it may be long, and appends worker by worker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from usufruct.core.access.delegation import only_people
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Party
from usufruct.core.work.facts import Span
from usufruct.core.work.hours import findings, floors
from usufruct.core.work.hours import limits as hours
from usufruct.core.work.hours.conditions import Limit
from usufruct.core.work.hours.findings import (
    AccountRestored,
    AccountRestricted,
    Appeal,
    AppealAnswered,
    DispatchStop,
    FindingAppealed,
    FindingMade,
    MadeFinding,
    Restriction,
)
from usufruct.core.work.hours.floors import Floor, TripFloor
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.hours.limits import Finding, Left, Piece, Stop, Timesheet
from usufruct.core.work.hours.stretches import DAY, MINUTE, Days
from usufruct.core.work.state import JobAgreement, Shift, Work
from usufruct.node.conditions import days, limits
from usufruct.node.node import Node
from usufruct.ports import Transaction

AHEAD = 8 * DAY  # a span that may be started ends within this, and its week with it


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check came to: of how many `workers`, and what was found that was not found before."""

    workers: int
    made: tuple[FindingMade, ...]


@dataclass(frozen=True, slots=True)
class Floors:
    """What floors of pay make due for a worker's time and trips at one operator, in one currency."""

    operator: str
    currency: str
    hourly: tuple[Floor, ...]
    trips: tuple[TripFloor, ...]


@dataclass(frozen=True, slots=True)
class Mine:
    """All that a worker is told of her working conditions at the moment `at`."""

    at: Instant
    worker: str
    called: str
    left: tuple[Left, ...]
    stops: tuple[DispatchStop, ...]
    findings: tuple[MadeFinding, ...]
    restrictions: tuple[Restriction, ...]
    appeals: tuple[Appeal, ...]


# ---- a person's time


def timesheet(read: Reader, worker: str) -> tuple[Timesheet, str]:
    """What is recorded of a worker's time, at all operators, and the time zone whose days count: that of her last shift."""
    shifts = list(read.list(Shift, worker=worker))
    promised = {row.id: row.terms.conditions for row in read.list(JobAgreement, worker=worker)}
    zone = max(shifts, key=lambda row: row.start).zone if shifts else "UTC"
    return hours.sheet(worker, shifts, list(read.list(Work, worker=worker)), promised), zone


def _planned(read: Reader, worker: str, found: Timesheet, at: Instant) -> Timesheet:
    """The same with what she has agreed to, later or now: its minutes, from when the job starts. Work is recorded when it is
    over, so what is under way is in no fact yet; once some of a job is, the rest of its minutes still count."""
    done, now = {row.agreement for row in read.list(Work, worker=worker)}, millis(at)
    ahead = []
    for row in read.list(JobAgreement, worker=worker):
        start = millis(row.terms.starts)
        end = start + row.terms.minutes * MINUTE
        if not row.ended and (end > now or (row.id not in done and row.terms.ends > at)):
            ahead.append(Piece(row.id, row.poster, ((start, end),)))
    return replace(found, pieces=(*found.pieces, *ahead))


def _days(found: Timesheet, zone: str, at: Instant) -> Days:
    now = millis(at)
    starts = [one.time[0] for one in found.spells] + [part[0] for one in found.pieces for part in one.engaged]
    ends = [one.time[1] for one in found.spells] + [part[1] for one in found.pieces for part in one.engaged]
    return days(zone, min([now, *starts]), max([now + AHEAD, *ends]))


# ---- check


def check(node: Node, since: Instant | None = None, worker: str = "") -> Checked:
    """Holds what was worked against all limits, and records what is found: of one worker, or of all; only what ended at or
    after `since`, if that is said."""
    with node.store.read() as state:
        known, named = node.clock.now(), worker and id_of(state, worker)
        binding = limits(state, known)
        workers = [named] if named else _workers(state, since)
        found = {one: _found(state, one, binding, known, since) for one in workers}
    made: list[FindingMade] = []
    for one, of_her in found.items():
        if of_her:
            made += node.store.write(partial(_make, node, one, of_her))
    return Checked(len(workers), tuple(made))


def _workers(read: Reader, since: Instant | None) -> list[str]:
    """Who worked, or did since then, in the order in which they first did."""
    shifts = (row.worker for row in read.list(Shift) if since is None or row.end >= since)
    works = (
        row.worker for row in read.list(Work) if since is None or any(span.end >= since for span in row.engaged)
    )  # fmt: skip
    return list(dict.fromkeys((*shifts, *works)))


def _found(read: Reader, worker: str, binding: list[Limit], at: Instant, since: Instant | None) -> list[Finding]:
    sheet, zone = timesheet(read, worker)
    found = hours.check(sheet, binding, _days(sheet, zone, at))
    return findings.unmade(read, worker, [one for one in found if since is None or one.end >= since])


def _make(node: Node, worker: str, found: list[Finding], tx: Transaction) -> list[FindingMade]:
    made = []
    for one in findings.unmade(tx, worker, found):  # another check may have been faster
        fact = findings.make(tx, worker, one, tx.next, node.rulebook, tx.now)
        tx.append(fact)
        made.append(fact)
    return made


# ---- dispatch


def may_start(read: Reader, worker: str, operator: str, span: Span, at: Instant) -> Refusal | None:
    """Why a worker may not be sent this work by an operator, as of now; None if she may: her account there, then every limit,
    with what she worked everywhere and what she has agreed to.

    Raises:
        BadInput: the span ends before it begins.
    """
    refused = findings.restricted(read, worker, operator, at)
    stop = None if refused else _stopped(read, worker, operator, span, at)
    return refused or (hours.refusal_of(stop) if stop else None)


def _stopped(read: Reader, worker: str, operator: str, span: Span, at: Instant) -> Stop | None:
    sheet, zone = timesheet(read, worker)
    sheet = _planned(read, worker, sheet, at)
    there = _days(sheet.plus((millis(span.start), millis(span.end)), operator), zone, at)
    return hours.stopped(sheet, limits(read, at), there, span, operator)


def dispatch(node: Node, name: str, operator: str, span: Span) -> Refusal | None:
    """Whether a worker may be sent this work; where a limit says no, that dispatch stopped for her is recorded, once, with
    when it ends.

    Raises:
        BadInput: the span ends before it begins.
    """

    def command(tx: Transaction) -> Refusal | None:
        worker, platform = id_of(tx, name), id_of(tx, operator)
        for who in (worker, platform):
            if tx.get(Party, who) is None:
                return refuse(
                    "registry.unknown", "this cannot be started now", f"there is no party `{who}`",
                    remedy="name somebody who is registered",
                )  # fmt: skip
        refused = findings.restricted(tx, worker, platform, tx.now)
        stop = None if refused else _stopped(tx, worker, platform, span, tx.now)
        if stop is None:
            return refused
        fact = findings.stop(tx, worker, platform, stop)
        if fact is not None:
            tx.append(fact)
        return hours.refusal_of(stop)

    return node.store.write(command)


# ---- what is told


def mine(node: Node, name: str) -> Mine:
    """What a worker is told: what is left of each limit, where she is sent nothing, findings, restrictions and appeals."""
    now = node.clock.now()
    with node.store.read() as state:
        worker = id_of(state, name)
        party = state.get(Party, worker)
        sheet, zone = timesheet(state, worker)
        planned = _planned(state, worker, sheet, now)
        left = hours.left(planned, limits(state, now), _days(planned, zone, now), now)
        return Mine(
            now, worker, party.called if party else name, tuple(left),
            tuple(row for row in state.list(DispatchStop, party=worker) if now < row.until),
            tuple(state.list(MadeFinding, party=worker)), tuple(state.list(Restriction, party=worker)),
            tuple(state.list(Appeal, party=worker)),
        )  # fmt: skip


def pay_floors(node: Node, name: str, since: Instant, until: Instant) -> list[Floors]:
    """The floors of pay of a worker for a pay period, by operator and currency; what each is is in `core.work.floors`."""
    with node.store.read() as state:
        sheet, _ = timesheet(state, id_of(state, name))
        binding = limits(state, node.clock.now())
    found = []
    part = floors.during(sheet, since, until)
    for operator, currency in dict.fromkeys((one.operator, one.currency) for one in part.pieces if one.currency):
        there = floors.at(part, operator)
        there = replace(there, pieces=tuple(one for one in there.pieces if one.currency == currency))
        bound = [one for one in binding if one.operator in ("", operator)]
        paid = Money(sum(one.paid for one in there.pieces), currency)
        found.append(Floors(
            operator, currency, tuple(floors.hourly(there, paid, bound)), tuple(floors.per_trip(there, bound))
        ))  # fmt: skip
    return found


def made(node: Node) -> list[MadeFinding]:
    """All findings, the oldest first."""
    with node.store.read() as state:
        return list(state.list(MadeFinding))


def waiting(node: Node, by: str) -> list[Appeal]:
    """The appeals that wait for an answer of this party: of all, for the operator of the node; against its own restrictions,
    for the operator of a platform."""
    with node.store.read() as state:
        return [
            row for row in state.list(Appeal, stands=findings.OPEN)
            if by == node.about.operator or ((one := state.get(Restriction, row.of)) is not None and one.operator == by)
        ]  # fmt: skip


def restrictions(node: Node, by: str) -> list[Restriction]:
    """The restrictions of accounts that this party can end: all, for the operator of the node."""
    with node.store.read() as state:
        where = {} if by == node.about.operator else {"operator": by}
        return list(state.list(Restriction, **where))


# ---- appeals and accounts


def appeal(node: Node, of: str, name: str, reason: str) -> FindingAppealed | Refusal:
    """A worker appeals against a finding about her, or a restriction of her account.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    return node.record(lambda tx: findings.appeal(tx, of, id_of(tx, name), reason, node.rulebook, tx.now))


def answer(
    node: Node, of: str, upheld: bool, reasons: str, turn_to: str, by: str, actors: tuple[str, ...] = ()
) -> AppealAnswered | Refusal:
    """Answers an appeal; a person signs it. One that is upheld against a restriction restores the account.

    Raises:
        BadInput: no reasons are given, or very long ones.
    """

    def command(tx: Transaction) -> AppealAnswered | Refusal:
        refused = only_people(tx, "answer-appeal", by, actors)
        said = refused or findings.answer(tx, of, upheld, reasons, turn_to, by, node.about.operator)
        if isinstance(said, Refusal):
            return said
        for fact in said:
            tx.append(fact)
        first = said[0]
        assert isinstance(first, AppealAnswered)
        return first

    return node.store.write(command)


def restrict(
    node: Node, worker: str, platform: str, kind: str, reasons: str, contact: str, until: Instant | None, by: str,
    actors: tuple[str, ...] = (),
) -> AccountRestricted | Refusal:  # fmt: skip
    """Restricts, suspends or ends a worker's account at a platform; a person signs it, whoever's rule or model proposed it.

    Raises:
        BadInput: no reasons or no contact are given, or very long ones.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "end-work", by, actors)
            or findings.restrict(
                tx, tx.next, worker, platform, kind, reasons, contact, until or END_OF_TIME, by, node.about.operator,
                node.rulebook, tx.now,
            )
        )
    )  # fmt: skip


def restore(node: Node, restriction: str, why: str, by: str, actors: tuple[str, ...] = ()) -> AccountRestored | Refusal:
    """Ends a restriction of an account.

    Raises:
        BadInput: it is not said why.
    """
    return node.record(
        lambda tx: (
            only_people(tx, "end-work", by, actors)
            or findings.restore(tx, restriction, why, by, node.about.operator, tx.now)
        )
    )
