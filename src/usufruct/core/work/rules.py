"""What may happen with jobs: post and withdraw, say when one would work, offer, take, decline, end.

A job agreed is an agreement like any other: it has the next number of the same series, both sides find it among theirs,
either can end it with a reason, and only a person can end somebody's work. A seat is taken in the writer's turn, so two
who come for the last one at the same moment cannot both have it.

Whoever tries a job, an offer or an agreement that is not there, or that is somebody else's, reads the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from usufruct.core.access.delegation import accountable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, in_years
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.state import Party
from usufruct.core.work import offers
from usufruct.core.work.facts import (
    AvailabilityStated,
    JobAgreed,
    JobEnded,
    JobPosted,
    JobTerms,
    JobWithdrawn,
    Span,
)
from usufruct.core.work.filters import FILTERS, Gate, Offered, candidate, first_no
from usufruct.core.work.offers import JobOffer, JobOfferDeclined, JobOffered
from usufruct.core.work.rounds import series
from usufruct.core.work.rounds.state import ABANDONED, SETTLED, Round
from usufruct.core.work.state import OPEN, Job, JobAgreement
from usufruct.core.work.terms import AMOUNT_MAX, NAMES_MAX, checked_spans, checked_terms, words

SPANS_MAX = 100
WEEK_MINUTES = 7 * 24 * 60
_REFUSABLE = ("job", "by", "condition")


# ---- post, withdraw


def post(
    read: Reader, id: str, by: str, terms: JobTerms, until: Instant, actors: tuple[str, ...], at: Instant, currency: str,
    round: str = "",
) -> JobPosted | Refusal:  # fmt: skip
    """A job that can be taken `until` then; in a `round`, which must be open (see `rounds.enter`).

    Raises:
        BadInput: the terms cannot be.
    """
    terms = checked_terms(terms, currency)
    not_done = "the job was not posted"
    if read.get(Party, by) is None:
        return refuse("registry.unknown", not_done, f"there is no party `{by}`", remedy="register the party first")
    if terms.ends <= at or until <= at:
        return refuse("work.job", not_done, "its time would be over already", remedy="name times that are to come")
    if terms.ends > in_years(at, 1):
        return refuse("work.job", not_done, "it is for more than a year from now", remedy="post it nearer to its time")
    if until > terms.ends:
        return refuse(
            "work.job", not_done, f"it could still be taken when its window is over, at {terms.ends[:16]}",
            remedy="let it be taken until its window ends at the latest",
        )  # fmt: skip
    return JobPosted(id, by, terms, until, round, actors)


def withdraw(read: Reader, job: str, by: str, why: str) -> JobWithdrawn | Refusal:
    """Nobody takes the job any more; what is agreed stays.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    row = read.get(Job, job)
    if row is None or row.by != by or row.stands != OPEN:
        return refuse(
            "registry.unknown", "no job was withdrawn", f"there is no open job `{job}` of yours",
            remedy="take the id from the list of your jobs",
        )  # fmt: skip
    return JobWithdrawn(job, by, words(why, "a reason"))


def public_poster(read: Reader, job: Job) -> str:
    """Who posted a job, as everybody is told: the id of a party that is no person. A private person is told to who agrees with
    her and to nobody else: empty."""
    who = read.get(Party, job.by)
    return job.by if who is not None and who.kind != "person" else ""


# ---- what a worker says of herself


def state(
    read: Reader, party: str, spans: tuple[Span, ...], places: tuple[str, ...], hourly_floor: int,
    refusals: tuple[str, ...], minutes_max: int, at: Instant,
) -> AvailabilityStated | Refusal:  # fmt: skip
    """When and where a worker would work, and what she does not do.

    Raises:
        BadInput: it cannot be.
    """
    who = read.get(Party, party)
    if who is None:
        return refuse(
            "registry.unknown", "nothing was recorded", f"there is no party `{party}`", remedy="register it first"
        )
    ordered = checked_spans(spans, "your availability")
    if len(ordered) > SPANS_MAX or len(places) > NAMES_MAX or len(refusals) > SPANS_MAX:
        raise BadInput("input.work", "that is more than is kept", f"{SPANS_MAX} spans, {NAMES_MAX} places at most")
    for refusal in refusals:
        kind, _, name = refusal.partition(":")
        if kind not in _REFUSABLE or not name or len(name) > 100:
            raise BadInput(
                "input.work", f"`{refusal[:80]}` is nothing to refuse", "say job:ID, by:PARTY or condition:NAME"
            )
    if not 0 <= hourly_floor <= AMOUNT_MAX or not 0 <= minutes_max <= WEEK_MINUTES:
        raise BadInput("input.work", "the floor, or the minutes a week, cannot be", "give 0 or more; 0 sets no bound")
    if any(span.end <= at for span in ordered):
        return refuse(
            "work.job", "nothing was recorded", "a span that you named is over", remedy="name times that are to come"
        )
    return AvailabilityStated(party, ordered, places, hourly_floor, refusals, minutes_max, who.kind == "person")


# ---- offer, take, decline


def offer(
    read: Reader, id: str, job: str, worker: str, by: str, until: Instant, actors: tuple[str, ...], at: Instant
) -> JobOffered | Refusal:
    """A poster offers a seat to a worker who did a job for it before; who tries other names learns nothing of who there is.

    Whether she may take it is asked when she accepts, and told to her alone.
    """
    not_done = "nothing was offered"
    row = read.get(Job, job)
    if row is None or row.by != by or in_round(read, row, at):
        return refuse(
            "registry.unknown", not_done, f"there is no job `{job}` of yours that can be offered",
            remedy="take the id from the list of your jobs",
        )  # fmt: skip
    if worker == by or not agreed_before(read, worker, by):
        return refuse(
            "registry.unknown", not_done, f"there is no worker `{worker}` who agreed to a job of yours before",
            remedy="offer it to somebody you worked with, or let it be taken by who comes first",
        )  # fmt: skip
    if not at < until <= row.until:
        return refuse(
            "work.job",
            not_done,
            f"it can be accepted until {row.until[:16]} at the latest",
            remedy="name an earlier time",
        )
    if _full(read, row, at) or offers.waiting_for(read, worker, job, at) is not None:
        return refuse(
            "work.job",
            not_done,
            "no seat is free, or it is offered to that worker already",
            remedy="wait for an answer",
        )
    return JobOffered(id, job, worker, by, until, actors)


def decline(read: Reader, offer: str, by: str, at: Instant) -> JobOfferDeclined | Refusal:
    """A worker does not want what was offered to her. She need not say why."""
    row = read.get(JobOffer, offer)
    if row is None or worker_of(read, row.worker, by) is None or not row.waits(at):
        return no_offer(offer)
    return JobOfferDeclined(offer, row.worker, row.poster)


def agreed_before(read: Reader, worker: str, poster: str) -> bool:
    """Whether a worker ever came to a job agreement with a poster; not so where one of them is not there."""
    return any(row.poster == poster for row in read.list(JobAgreement, worker=worker))


def no_offer(offer: str) -> Refusal:
    """The answer where an offer is not there, is somebody else's, or is over."""
    return refuse(
        "registry.unknown", "the offer was not answered", f"there is no offer `{offer}` that waits for you",
        remedy="look at the list of offers to you",
    )  # fmt: skip


def worker_of(read: Reader, worker: str, requester: str) -> Party | None:
    """Who would do the work for a requester: she herself, or a machine for which she answers."""
    row = read.get(Party, worker)
    if row is None or worker == requester:
        return row
    line = accountable(read, worker)
    return row if line and line[-1].id == requester else None


def take(
    read: Reader, agreement: str, job: str, worker: str, requester: str, actors: tuple[str, ...], at: Instant,
    gates: Sequence[Gate],
) -> JobAgreed | Refusal:  # fmt: skip
    """A worker takes an open job directly, or accepts the one offered to her. A job of a round is taken in the round."""
    not_done = f"`{job}` was not taken"
    row = read.get(Job, job)
    if row is None:
        return refuse(
            "registry.unknown", not_done, f"there is no job `{job}`", remedy="take the id from the list of open jobs"
        )
    who = worker_of(read, worker, requester)
    if who is None:
        return refuse(
            "registry.unknown", not_done, f"you do not answer for a worker `{worker}`",
            remedy="take it for yourself, or for a machine of yours",
        )  # fmt: skip
    if in_round(read, row, at):
        return refuse(
            "work.job", not_done, f"it is given out in round `{row.round}`", remedy="state your wishes in that round"
        )
    waiting = offers.waiting_for(read, worker, job, at)
    if not row.free(at) or (waiting is None and _full(read, row, at)):
        return refuse(
            "work.job", not_done, "it is withdrawn, its time is over, or all its seats are taken",
            remedy="look for another open job",
        )  # fmt: skip
    no = first_no(read, candidate(read, who, at), Offered(row.id, row.by, row.terms), at, gates, herself=not actors)
    if no is not None:
        return refuse(
            "work.taker", not_done, no.words, f"the rule is: {FILTERS[no.rule]}",
            remedy="look for a job that suits, or change what keeps you from it",
        )  # fmt: skip
    return JobAgreed(agreement, job, worker, row.by, row.terms, "", actors)


def in_round(read: Reader, row: Job, at: Instant) -> bool:
    """Whether a job is given out in a round, and not by who comes first. What a settled round left over can be taken; of a
    series, what no later round can take."""
    of = read.get(Round, row.round) if row.round else None
    if of is not None and of.state != SETTLED and not (of.series and of.state == ABANDONED):
        return True
    return series.comes_again(read, row, at)


def _full(read: Reader, row: Job, at: Instant) -> bool:
    """Whether no seat is left that is neither taken nor kept for somebody."""
    return not row.free(at) or row.taken + offers.kept(read, row.id, at) >= row.terms.seats


# ---- end


def end(read: Reader, agreement: str, by: str, why: str) -> JobEnded | Refusal:
    """Either side ends a job agreement, with a reason that both read. The fact is about both, so the reason should say no
    more than the other may know for good.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    row = read.get(JobAgreement, agreement)
    sides = () if row is None else (row.worker, row.poster, *(p.id for p in accountable(read, row.worker)))
    if row is None or row.ended or by not in sides:
        return refuse(
            "registry.unknown", "no job agreement was ended", f"there is no job agreement `{agreement}` of yours that stands",
            remedy="take the id from the list of your agreements",
        )  # fmt: skip
    return JobEnded(agreement, row.worker, row.poster, by, words(why, "a reason"))
