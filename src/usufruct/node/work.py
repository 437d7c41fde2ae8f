"""Jobs: post and withdraw, offer and take, do and end; each in one turn of the writer, with the delegation that it used.

What somebody's agent does, it does for her, under a delegation that names the place of the job; its posting is bounded by what
the seats would pay, and each job that it posts or takes is a use of the delegation. A machine that does the work itself is
another matter: it is the worker then, its principal answers for it, and the terms must let machines in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from usufruct.core.access import delegation
from usufruct.core.access.delegation import Deed, only_people
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Fact, Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.rules import id_of
from usufruct.core.work import doing, offers, rules, series_rules
from usufruct.core.work.facts import (
    AvailabilityStated,
    JobAgreed,
    JobEnded,
    JobPosted,
    JobTerms,
    JobWithdrawn,
    ShiftRecorded,
    Span,
    WorkDone,
)
from usufruct.core.work.filters import Gate, Offered
from usufruct.core.work.offers import JobOffer, JobOfferDeclined, JobOffered
from usufruct.core.work.rounds import rules as round_rules
from usufruct.core.work.rounds.series import WAITS
from usufruct.core.work.state import Availability, Job, JobAgreement, Shift, Work, free_jobs
from usufruct.core.work.terms import worth
from usufruct.node import findings
from usufruct.node.node import Node, or_undone
from usufruct.ports import Transaction


def _hours(read: Reader, worker: str, job: Offered, at: Instant) -> str | None:
    """What keeps a worker from the minutes of a job, from when it starts: a limit on her hours, a restricted account."""
    span = Span(job.terms.starts, later(job.terms.starts, minutes=job.terms.minutes))
    refused = findings.may_start(read, worker, job.poster, span, at)
    return "; ".join(refused.reasons) if refused is not None else None


GATES: tuple[Gate, ...] = (_hours,)
"""What else may keep a worker from a job, see `filters.Gate`."""

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Step(Generic[F]):
    """A fact that a rule came to, the thing `on` which it is, and what it is for an agent that does it."""

    fact: F
    on: str
    deed: Deed


Rule = Callable[[Transaction, str, tuple[str, ...]], "Step[F] | Refusal"]


def _deed(act: str, terms: JobTerms, seats: int = 0, uses: int = 1) -> Deed:
    """What an agent does with a job; `seats` of it are bound to be paid."""
    pay = worth(terms)
    return Deed(
        act, delegation.WORK + terms.place, (), "", pay if seats else None, pay * seats, terms.pay.currency, uses
    )


def _acted(node: Node, by: str, actors: tuple[str, ...], rule: Rule[F]) -> F | Refusal:
    """Appends what a rule comes to for whoever `by` acts for, and the use of the delegations by which it was done."""

    def command(tx: Transaction) -> F:
        party, agents = delegation.acting(tx, id_of(tx, by), actors)
        step = or_undone(rule(tx, party, agents))
        used = or_undone(delegation.take(tx, party, agents, step.deed, step.on, tx.now))
        tx.append(step.fact)
        if used is not None:
            tx.append(used)
        return step.fact

    return node.together(command)


def post(
    node: Node, by: str, terms: JobTerms, until: Instant | None = None, round: str = "", actors: tuple[str, ...] = ()
) -> JobPosted | Refusal:
    """Posts a job, to be taken until then (by itself until it begins): directly, in a round, or in `series:NAME`.

    Raises:
        BadInput: the terms cannot be.
    """

    def rule(tx: Transaction, party: str, agents: tuple[str, ...]) -> Step[JobPosted] | Refusal:
        id, last = numbered("job", tx.next), until or terms.starts
        into = series_rules.placed(tx, round, terms.starts, last, tx.now)
        if isinstance(into, Refusal):
            return into
        fact = rules.post(tx, id, party, terms, last, agents, tx.now, node.about.currency, into)
        if isinstance(fact, Refusal):
            return fact
        direct = not into or into.startswith(WAITS)
        no = None if direct else round_rules.enter(tx, into, fact.terms, tx.now)
        return no or Step(fact, id, _deed("post", fact.terms, fact.terms.seats))

    return _acted(node, by, actors, rule)


def withdraw(node: Node, job: str, by: str, why: str) -> JobWithdrawn | Refusal:
    """Nobody takes the job any more.

    Raises:
        BadInput: no reason is given, or a very long one.
    """

    def rule(tx: Transaction) -> JobWithdrawn | Refusal:
        found = rules.withdraw(tx, job, id_of(tx, by), why)
        no = None if isinstance(found, Refusal) else round_rules.withdrawable(tx, job)
        return no or found

    return node.record(rule)


def state_availability(
    node: Node, worker: str, spans: tuple[Span, ...], places: tuple[str, ...] = (), hourly_floor: int = 0,
    refusals: tuple[str, ...] = (), minutes_max: int = 0,
) -> AvailabilityStated | Refusal:  # fmt: skip
    """Says when and where a worker would work, and what she does not do; it takes the place of what she said before.

    Raises:
        BadInput: it cannot be.
    """
    return node.record(lambda tx: rules.state(
        tx, id_of(tx, worker), spans, places, hourly_floor, refusals, minutes_max, tx.now
    ))  # fmt: skip


def offer(
    node: Node, job: str, worker: str, by: str, until: Instant | None = None, actors: tuple[str, ...] = ()
) -> JobOffered | Refusal:
    """Offers a seat of a job to one worker, until then (by itself as long as it can be taken)."""

    def rule(tx: Transaction, party: str, agents: tuple[str, ...]) -> Step[JobOffered] | Refusal:
        row, id = tx.get(Job, job), numbered("job-offer", tx.next)
        last = until or (row.until if row is not None else tx.now)
        fact = rules.offer(tx, id, job, id_of(tx, worker), party, last, agents, tx.now)
        if isinstance(fact, Refusal):
            return fact
        assert row is not None, "it was offered"
        return Step(fact, id, _deed("post", row.terms, uses=0))

    return _acted(node, by, actors, rule)


def decline(node: Node, offer: str, by: str) -> JobOfferDeclined | Refusal:
    """A worker does not want what was offered to her."""
    return node.record(lambda tx: rules.decline(tx, offer, id_of(tx, by), tx.now))


def take(
    node: Node, job: str, by: str, worker: str = "", actors: tuple[str, ...] = (), gates: tuple[Gate, ...] | None = None
) -> JobAgreed | Refusal:
    """Takes an open job, or the one that was offered to her: for herself, or with a machine of hers as the `worker`."""

    def rule(tx: Transaction, party: str, agents: tuple[str, ...]) -> Step[JobAgreed] | Refusal:
        id, who = numbered("agreement", tx.next), id_of(tx, worker) if worker else party
        fact = rules.take(tx, id, job, who, party, agents, tx.now, GATES if gates is None else gates)
        return fact if isinstance(fact, Refusal) else Step(fact, id, _deed("take", fact.terms))

    return _acted(node, by, actors, rule)


def accept(
    node: Node, offer: str, by: str, actors: tuple[str, ...] = (), gates: tuple[Gate, ...] | None = None
) -> JobAgreed | Refusal:
    """Accepts an offer; it is `take` under the name of the offer."""
    with node.store.read() as state:
        row = state.get(JobOffer, offer)
        party, _ = delegation.acting(state, id_of(state, by), actors)
        if row is None or rules.worker_of(state, row.worker, party) is None or not row.waits(node.clock.now()):
            return rules.no_offer(offer)
    return take(node, row.job, by, row.worker, actors, gates)


def end(node: Node, agreement: str, by: str, why: str, actors: tuple[str, ...] = ()) -> JobEnded | Refusal:
    """Either side ends a job agreement; a person signs it.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    return node.record(
        lambda tx: only_people(tx, "end-work", id_of(tx, by), actors) or rules.end(tx, agreement, id_of(tx, by), why)
    )


# ---- work that is done


def record_shift(
    node: Node, operator: str, worker: str, start: Instant, end: Instant, online: tuple[Span, ...], zone: str = "UTC"
) -> ShiftRecorded | Refusal:
    """An operator records a shift of a worker.

    Raises:
        BadInput: its spans or its time zone cannot be.
    """
    _check_zone(zone)

    def rule(tx: Transaction) -> ShiftRecorded | Refusal:
        id = numbered("shift", tx.next)
        fact = ShiftRecorded(id, id_of(tx, worker), id_of(tx, operator), start, end, online, zone)
        return doing.record_shift(tx, fact, tx.now)

    return node.record(rule)


def record_work(node: Node, operator: str, done: Done) -> WorkDone | Refusal:
    """An operator records a piece of work under one of its job agreements.

    Raises:
        BadInput: its spans or its numbers cannot be.
    """

    def rule(tx: Transaction) -> WorkDone | Refusal:
        fact = WorkDone(
            numbered("work", tx.next), done.agreement, "", id_of(tx, operator), done.engaged, done.metres, done.gross,
            done.fee, "", done.tips, done.surcharges, done.orders, done.shift, done.safe,
        )  # fmt: skip
        return doing.record_work(tx, fact, tx.now)

    return node.record(rule)


@dataclass(frozen=True, slots=True)
class Done:
    """A piece of work as its operator tells it; see `WorkDone`."""

    agreement: str
    engaged: tuple[Span, ...]
    gross: int
    fee: int = 0
    metres: int = 0
    tips: int = 0
    surcharges: int = 0
    orders: int = 1
    shift: str = ""
    safe: tuple[str, ...] = ()


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            "input.work", f"`{zone[:80]}` is no time zone", "take a name of the IANA list, as Europe/Tallinn"
        ) from None


# ---- what there is


@dataclass(frozen=True, slots=True)
class Listed:
    """A job with how many of its seats somebody can still take; `kept` are waiting for somebody whom it was offered to. Who
    posted it is told if it is no person."""

    job: Job
    free: int
    kept: int


def open_jobs(node: Node, place: str = "", skill: str = "", round: str = "") -> list[Listed]:
    """The jobs that somebody can still take, directly or in a round that is open; at a place, for a skill, in a round."""
    now = node.clock.now()
    with node.store.read() as state:
        found = []
        for job in state.list(Job, round=round) if round else free_jobs(state, now):
            if not job.free(now) or (place and job.terms.place != place) or (skill and skill not in job.terms.skills):
                continue
            kept = offers.kept(state, job.id, now)
            found.append(Listed(_shown(state, job), job.terms.seats - job.taken - kept, kept))
        return found


def job_shown(node: Node, job: str) -> Listed | None:
    """A job as everybody sees it, whatever became of it."""
    now = node.clock.now()
    with node.store.read() as state:
        row = state.get(Job, job)
        if row is None:
            return None
        kept = offers.kept(state, job, now)
        free = row.terms.seats - row.taken - kept if row.free(now) else 0
        return Listed(_shown(state, row), free, kept)


def _shown(state: Reader, job: Job) -> Job:
    """A job as everybody sees it."""
    return replace(job, by=rules.public_poster(state, job))


@dataclass(frozen=True, slots=True)
class Mine:
    """What somebody has to do with work, as worker and as poster."""

    availability: Availability | None
    offers: tuple[JobOffer, ...]
    agreements: tuple[JobAgreement, ...]
    posted: tuple[Job, ...]
    shifts: tuple[Shift, ...]
    works: tuple[Work, ...]


def mine(node: Node, party: str) -> Mine:
    """What a party has to do with work; offers are those that it can accept now."""
    now = node.clock.now()
    with node.store.read() as state:
        who = id_of(state, party)
        return Mine(
            state.get(Availability, who),
            tuple(row for row in state.list(JobOffer, worker=who) if row.waits(now)),
            agreements_in(state, who),
            tuple(state.list(Job, by=who)),
            (*state.list(Shift, worker=who), *state.list(Shift, operator=who)),
            (*state.list(Work, worker=who), *state.list(Work, operator=who)),
        )


def agreements_in(state: Reader, party: str) -> tuple[JobAgreement, ...]:
    """The job agreements of which a party is a side."""
    return (*state.list(JobAgreement, worker=party), *state.list(JobAgreement, poster=party))
