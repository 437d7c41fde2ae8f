"""The HTTP API of jobs: post, offer, take, do, end. Open jobs are for everybody to read; the rest is each side's own."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct, field

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.refusals import refuse
from usufruct.core.work.facts import (
    AvailabilityStated,
    JobAgreed,
    JobEnded,
    JobPosted,
    JobTerms,
    JobWithdrawn,
    Pay,
    ShiftRecorded,
    Span,
    WorkDone,
)
from usufruct.core.work.offers import JobOfferDeclined, JobOffered
from usufruct.node import work
from usufruct.node.work import Listed, Mine
from usufruct.web.api import AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text

ANYONE = {"rule": "anyone"}
Place = Annotated[str, QueryParameter(name="place", description="only jobs at this place")]
Skill = Annotated[str, QueryParameter(name="skill", description="only jobs that ask for this skill, a URI")]
Round = Annotated[str, QueryParameter(name="round", description="only jobs of this round")]
Words = Annotated[str, Meta(min_length=1, max_length=1000)]
Count = Annotated[int, Meta(ge=0, le=10**9)]


class NewSpan(Struct, forbid_unknown_fields=True):
    """From one moment until just before another."""

    start: Day
    end: Day


class NewJob(Struct, forbid_unknown_fields=True):
    """A job, in a window from `starts` to `ends`. What it pays is added up: `per_job`, `per_hour` engaged and `per_km`, as
    `12.00 EUR`. It can be taken `until` (by itself until it starts), by whoever comes first or in a `round`."""

    title: Text
    place: Id
    starts: Day
    ends: Day
    minutes: Annotated[int, Meta(ge=1)]
    per_job: Text | None = None
    per_hour: Text | None = None
    per_km: Text | None = None
    skills: Annotated[list[Text], Meta(max_length=20)] = field(default_factory=list)
    conditions: Annotated[list[Id], Meta(max_length=20)] = field(default_factory=list)
    seats: Annotated[int, Meta(ge=1)] = 1
    takers: Annotated[list[Text], Meta(max_length=6)] = field(default_factory=lambda: ["person"])
    metres: Count = 0
    until: Day | None = None
    round: Text | None = None

    def terms(self, currency: str) -> JobTerms:
        """The terms that it comes to."""
        per_job, per_hour, per_km = (
            parse_money(text, currency) if text else Money(0, currency)
            for text in (self.per_job, self.per_hour, self.per_km)
        )
        return JobTerms(
            self.title, self.place, parse_instant(self.starts), parse_instant(self.ends), self.minutes,
            Pay(currency, per_job.minor, per_hour.minor, per_km.minor), tuple(self.skills), tuple(self.conditions),
            self.seats, tuple(self.takers), self.metres,
        )  # fmt: skip


class Reason(Struct, forbid_unknown_fields=True):
    """Why."""

    why: Words


class NewAvailability(Struct, forbid_unknown_fields=True):
    """When you would work, at which `places` (none: anywhere), for how much an hour at least, at most so many minutes a week
    (0: no bound), and what you do not do: `job:ID`, `by:PARTY` or `condition:NAME`. It takes the place of what you said."""

    spans: Annotated[list[NewSpan], Meta(max_length=100)]
    places: Annotated[list[Id], Meta(max_length=20)] = field(default_factory=list)
    hourly_floor: Text | None = None
    refusals: Annotated[list[Text], Meta(max_length=100)] = field(default_factory=list)
    minutes_max: Count = 0


class NewOffer(Struct, forbid_unknown_fields=True):
    """A job for one `worker`, who can accept it `until` (by itself as long as it can be taken)."""

    worker: Id
    until: Day | None = None


class Taking(Struct, forbid_unknown_fields=True):
    """Who does the job: you, or a machine of yours, the `worker`."""

    worker: Id | None = None


class NewShift(Struct, forbid_unknown_fields=True):
    """A shift of a worker of yours. `online` are the spans in which she was at your disposal; `zone` the IANA name of the time
    zone whose days count."""

    worker: Id
    start: Day
    end: Day
    online: Annotated[list[NewSpan], Meta(max_length=1000)]
    zone: Text = "UTC"


class NewWork(Struct, forbid_unknown_fields=True):
    """A piece of work under a job agreement of yours. `gross` is what the customer paid without `tips` and `surcharges`, `fee`
    what you kept of it; of the conditions that the job promised `safe` were kept."""

    agreement: Id
    engaged: Annotated[list[NewSpan], Meta(min_length=1, max_length=1000)]
    gross: Text
    fee: Text | None = None
    tips: Text | None = None
    surcharges: Text | None = None
    metres: Count = 0
    orders: Annotated[int, Meta(ge=1, le=1000)] = 1
    shift: Id | None = None
    safe: Annotated[list[Id], Meta(max_length=20)] = field(default_factory=list)


def _spans(said: list[NewSpan]) -> tuple[Span, ...]:
    return tuple(Span(parse_instant(span.start), parse_instant(span.end)) for span in said)


@get("/jobs", opt={"rule": "public"}, sync_to_thread=True, summary="Open jobs")
def list_jobs(request: AnyRequest, place: Place = "", skill: Skill = "", of: Round = "") -> list[Listed]:
    """The jobs that somebody can still take, directly or in a round that is open, with their terms and free seats."""
    return work.open_jobs(node_of(request), place, skill, of)


@get("/jobs/{job:str}", opt={"rule": "public"}, sync_to_thread=True, summary="A job")
def show_job(request: AnyRequest, job: FromPath[str]) -> Listed:
    """A job with its terms, whatever became of it. Who took it is not told."""
    found = work.job_shown(node_of(request), job)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"there is no job `{job}`",
            remedy="take the id from the list of open jobs",
        ))  # fmt: skip
    return found


@post("/jobs", opt=ANYONE, sync_to_thread=True, summary="Post a job")
def post_job(request: AnyRequest, data: JSONBody[NewJob]) -> JobPosted:
    """Posts a job; an agent posts it for its principal, for no more money than was delegated."""
    node, who = node_of(request), who_is(request)
    until = parse_instant(data.until) if data.until else None
    terms = data.terms(node.about.currency)
    return done(work.post(node, who.party, terms, until, data.round or "", who.actors))


@post("/jobs/{job:str}/withdrawal", opt=ANYONE, sync_to_thread=True, summary="Withdraw a job")
def withdraw_job(request: AnyRequest, job: FromPath[str], data: JSONBody[Reason]) -> JobWithdrawn:
    """Nobody takes it any more; what is agreed stays."""
    return done(work.withdraw(node_of(request), job, who_is(request).party, data.why))


@post("/jobs/{job:str}/offers", opt=ANYONE, sync_to_thread=True, summary="Offer a job to one worker")
def offer_job(request: AnyRequest, job: FromPath[str], data: JSONBody[NewOffer]) -> JobOffered:
    """Keeps a seat for her until then."""
    who, until = who_is(request), parse_instant(data.until) if data.until else None
    return done(work.offer(node_of(request), job, data.worker, who.party, until, who.actors))


@post("/jobs/{job:str}/agreements", opt=ANYONE, sync_to_thread=True, summary="Take a job")
def take_job(request: AnyRequest, job: FromPath[str], data: JSONBody[Taking]) -> JobAgreed:
    """You do it, or a machine of yours does."""
    who = who_is(request)
    return done(work.take(node_of(request), job, who.party, data.worker or "", who.actors))


@post("/job-offers/{offer:str}/acceptance", opt=ANYONE, sync_to_thread=True, summary="Accept an offered job")
def accept_offer(request: AnyRequest, offer: FromPath[str]) -> JobAgreed:
    """You do what was offered to you."""
    who = who_is(request)
    return done(work.accept(node_of(request), offer, who.party, who.actors))


@post("/job-offers/{offer:str}/refusal", opt=ANYONE, sync_to_thread=True, summary="Decline an offered job")
def decline_offer(request: AnyRequest, offer: FromPath[str]) -> JobOfferDeclined:
    """You need not say why."""
    return done(work.decline(node_of(request), offer, who_is(request).party))


@post("/availability", opt=ANYONE, sync_to_thread=True, summary="Say when you would work")
def state_availability(request: AnyRequest, data: JSONBody[NewAvailability]) -> AvailabilityStated:
    """Times, places, a floor, and what you do not do."""
    node = node_of(request)
    floor = parse_money(data.hourly_floor, node.about.currency).minor if data.hourly_floor else 0
    return done(work.state_availability(
        node, who_is(request).party, _spans(data.spans), tuple(data.places), floor, tuple(data.refusals),
        data.minutes_max,
    ))  # fmt: skip


@get("/mine", opt=ANYONE, sync_to_thread=True, summary="Your work")
def mine(request: AnyRequest) -> Mine:
    """What you said of yourself, offers to you, your job agreements on either side, jobs you posted, shifts and work."""
    return work.mine(node_of(request), who_is(request).party)


@post("/agreements/{agreement:str}/ending", opt=ANYONE, sync_to_thread=True, summary="End a job agreement")
def end_agreement(request: AnyRequest, agreement: FromPath[str], data: JSONBody[Reason]) -> JobEnded:
    """Either side may, with a reason that both read; a person signs it."""
    who = who_is(request)
    return done(work.end(node_of(request), agreement, who.party, data.why, who.actors))


@post("/shifts", opt=ANYONE, sync_to_thread=True, summary="Record a shift")
def record_shift(request: AnyRequest, data: JSONBody[NewShift]) -> ShiftRecorded:
    """As the operator; the worker reads it in her history."""
    start, end = parse_instant(data.start), parse_instant(data.end)
    return done(work.record_shift(
        node_of(request), who_is(request).party, data.worker, start, end, _spans(data.online), data.zone
    ))  # fmt: skip


@post("/works", opt=ANYONE, sync_to_thread=True, summary="Record a piece of work")
def record_work(request: AnyRequest, data: JSONBody[NewWork]) -> WorkDone:
    """As the poster of its job; the worker reads it in her history."""
    node = node_of(request)
    gross, fee, tips, surcharges = (
        parse_money(text, node.about.currency).minor if text else 0
        for text in (data.gross, data.fee, data.tips, data.surcharges)
    )
    told = work.Done(
        data.agreement, _spans(data.engaged), gross, fee, data.metres, tips, surcharges, data.orders, data.shift or "",
        tuple(data.safe),
    )  # fmt: skip
    return done(work.record_work(node, who_is(request).party, told))


router = Router(
    "/api/v1/work",
    route_handlers=[
        list_jobs, show_job, post_job, withdraw_job, offer_job, take_job, accept_offer, decline_offer, state_availability,
        mine, end_agreement, record_shift, record_work,
    ],
)  # fmt: skip
